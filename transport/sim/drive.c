// SPDX-License-Identifier: MIT
// Processes that a record drives. Messages that reach such a process from outside are held back; a
// recorded event takes its equal out of the held ones. A message that the record heard before the
// simulated network brought it is owed: it is dropped when it comes.
#include "transport/sim/drive.h"

#include <stdlib.h>
#include <string.h>

#include <hawser/types.h>

#include "actors/base/dtype.h"
#include "actors/base/rows.h"
#include "actors/loop/ring.h"
#include "transport/sim/world.h"

enum {
    KEPT_MAX = 1 << 20,    // messages kept back, of one process
    WAIT_NS = 1000 * 1000, // that the simulated network may come after the record
    DRIVEN_LINK_NS = 1000, // delay of its links meanwhile
    BLOCKS_MAX = 1 << 24,  // blocks of a state
};

struct kept {
    struct hwi_addr from, to;
    struct hwi_msg msg;
    void *block;
};

struct memory {
    uint64_t number; // of the request it belongs to
    void *bytes;     // owned
};

struct hwi_sim_driven {
    char address[HWI_ADDRESS_BYTES_MAX];
    bool free; // it was let go
    struct kept *kept;
    uint32_t kept_count, kept_capacity;
    struct hwi_ring_record *owed;
    uint32_t owed_count, owed_capacity;
    uint64_t wake_ns[HWI_ROLE_MAX];
    struct hwi_hash *blocks; // hashes as last heard, by block; none = not known
    uint32_t block_count;
    struct memory *memories;
    uint32_t memory_count, memory_capacity;
    void **tensors;
    uint32_t tensor_count;
};

static void *grow(void *array, uint32_t count, uint32_t *capacity, size_t bytes)
{
    if (count < *capacity) {
        return array;
    }
    *capacity = HWI_MAX(16, 2 * *capacity);
    return hwi_resize(&hwi_alloc_libc, array, *capacity * bytes);
}

// ---- symbolic blocks ----------------------------------------------------------------------------

static void learn_block(struct hwi_sim_driven *driven, uint32_t block, struct hwi_hash hash)
{
    if (block >= BLOCKS_MAX) {
        return;
    }
    if (block >= driven->block_count) {
        uint32_t count = HWI_MAX(block + 1, 2 * driven->block_count);
        driven->blocks = hwi_resize(&hwi_alloc_libc, driven->blocks, count * sizeof hash);
        memset(driven->blocks + driven->block_count, 0,
               (count - driven->block_count) * sizeof hash);
        driven->block_count = count;
    }
    driven->blocks[block] = hash;
}

// Replaces the hash by the one that is known.
static void put_block(const struct hwi_sim_driven *driven, uint32_t block, struct hwi_hash *hash)
{
    static const struct hwi_hash none;
    if (driven != NULL && block < driven->block_count &&
        !hwi_hash_equal(driven->blocks[block], none)) {
        *hash = driven->blocks[block];
    }
}

static const struct hwi_sim_driven *driven_peer(struct hwi_sim_process *process, uint64_t peer)
{
    const struct hwi_sim_edge *edge = hwi_sim_edge_of(process, peer);
    if (edge == NULL || edge->conn == NULL) {
        return NULL;
    }
    return edge->conn->ends[edge->conn->ends[0] == process]->driven;
}

static void make_symbolic(struct hwi_sim_process *process, struct hwi_msg *msg)
{
    if (msg->type == HWI_MSG_block_hashed) {
        put_block(process->driven, msg->u.block_hashed.block, &msg->u.block_hashed.hash);
    } else if (msg->type == HWI_MSG_block_placed) {
        struct hwi_msg_block_placed *placed = &msg->u.block_placed;
        put_block(driven_peer(process, placed->from), placed->block, &placed->hash);
        learn_block(process->driven, placed->block, placed->hash);
    }
}

static void learn_blocks(struct hwi_sim_driven *driven, const struct hwi_msg *msg)
{
    if (msg->type == HWI_MSG_block_hashed) {
        learn_block(driven, msg->u.block_hashed.block, msg->u.block_hashed.hash);
    } else if (msg->type == HWI_MSG_block_placed) {
        learn_block(driven, msg->u.block_placed.block, msg->u.block_placed.hash);
    }
}

// ---- what is kept back --------------------------------------------------------------------------

static struct hwi_ring_record record_of(struct hwi_addr from, struct hwi_addr to,
                                        const struct hwi_msg *msg)
{
    struct hwi_ring_record record;
    hwi_ring_record_of(to.role, false, from, msg, 0, 0, &record);
    if (msg->type == HWI_MSG_quiesced) {
        record.key = 0; // bytes on the wire: zeros compress better
    }
    return record;
}

static bool alike(const struct hwi_ring_record *a, const struct hwi_ring_record *b)
{
    return a->type == b->type && a->roles == b->roles && a->other == b->other &&
           a->view == b->view && a->tag == b->tag && a->seq == b->seq && a->kind == b->kind &&
           a->key == b->key;
}

static bool take_owed(struct hwi_sim_driven *driven, const struct hwi_ring_record *record)
{
    for (uint32_t i = 0; i < driven->owed_count; i++) {
        if (alike(&driven->owed[i], record)) {
            driven->owed[i] = driven->owed[--driven->owed_count];
            return true;
        }
    }
    return false;
}

void hwi_sim_driven_post(struct hwi_sim_process *process, struct hwi_addr from, struct hwi_addr to,
                         const struct hwi_msg *msg)
{
    struct hwi_sim_driven *driven = process->driven;
    struct hwi_msg symbolic = *msg;
    struct hwi_ring_record record = record_of(from, to, msg);
    make_symbolic(process, &symbolic);
    if (driven->free) {
        hwi_drain_post(process->drain, from, to, &symbolic);
    } else if (!take_owed(driven, &record)) {
        HWI_CHECK(driven->kept_count < KEPT_MAX);
        driven->kept =
            grow(driven->kept, driven->kept_count, &driven->kept_capacity, sizeof(struct kept));
        struct kept *kept = &driven->kept[driven->kept_count++];
        *kept = (struct kept){.from = from, .to = to};
        HWI_CHECK(hwi_msg_clone(&symbolic, &kept->msg, &kept->block));
    }
}

static void drop_kept(struct hwi_sim_driven *driven, uint32_t index)
{
    free(driven->kept[index].block);
    HWI_ROWS_REMOVE(driven->kept, &driven->kept_count, index);
}

// From the other end of a control link.
static bool is_control(struct hwi_addr from)
{
    return from.role == HWI_ROLE_MASTER || (from.role == HWI_ROLE_PEER && from.id != 0);
}

// Takes the like of a recorded event out. A control link keeps its order: what it brought before
// and nobody heard was lost.
static bool take_kept(struct hwi_sim_driven *driven, struct hwi_addr from,
                      const struct hwi_ring_record *wanted)
{
    for (uint32_t i = 0; i < driven->kept_count; i++) {
        const struct kept *kept = &driven->kept[i];
        struct hwi_ring_record record = record_of(kept->from, kept->to, &kept->msg);
        if (!alike(&record, wanted)) {
            continue;
        }
        drop_kept(driven, i);
        for (uint32_t k = i; is_control(from) && k-- > 0;) {
            const struct kept *before = &driven->kept[k];
            if (before->from.role == from.role && before->from.id == from.id) {
                drop_kept(driven, k);
            }
        }
        return true;
    }
    return false;
}

static void run_to(struct hwi_sim *sim, uint64_t at_ns)
{
    while (hwi_sim_step(sim, at_ns)) {
    }
    hwi_sim_skip(sim, at_ns);
}

static bool is_awaited(const struct hwi_event *event)
{
    uint8_t role = event->from.role;
    return role != HWI_ROLE_TRAINER && role != HWI_ROLE_CLOCK && role != HWI_ROLE_TOOL &&
           event->msg->type != HWI_MSG_NONE;
}

// The simulated network brings what the record heard, or will owe it.
static void take(struct hwi_sim_process *process, enum hwi_role role, const struct hwi_event *event)
{
    struct hwi_sim *sim = process->sim;
    struct hwi_sim_driven *driven = process->driven;
    struct hwi_ring_record wanted = record_of(event->from, hwi_addr_of(role, 0), event->msg);
    uint64_t end_ns = sim->now_ns + WAIT_NS;
    if (!is_awaited(event)) {
        return;
    }
    while (!take_kept(driven, event->from, &wanted)) {
        if (!hwi_sim_step(sim, end_ns)) {
            driven->owed = grow(driven->owed, driven->owed_count, &driven->owed_capacity,
                                sizeof *driven->owed);
            driven->owed[driven->owed_count++] = wanted;
            return;
        }
    }
}

// ---- the caller's memory ------------------------------------------------------------------------

static void free_answered(struct hwi_sim_process *process)
{
    struct hwi_sim_driven *driven = process->driven;
    uint32_t left = 0;
    for (uint32_t i = 0; i < driven->memory_count; i++) {
        if (process->requests[driven->memories[i].number].reply != NULL) {
            free(driven->memories[i].bytes);
        } else {
            driven->memories[left++] = driven->memories[i];
        }
    }
    driven->memory_count = left;
}

// The output begins where the request's memory does; in place, so does the input, wherever it lay.
static struct hwi_buffers buffers_of(const struct hwi_msg_request *request)
{
    bool has_room =
        request->kind == HWI_KIND_ALL_GATHER || request->kind == HWI_KIND_REDUCE_SCATTER;
    return (struct hwi_buffers){
        .input_bytes = hwi_dtype_bytes(request->dtype, request->count),
        .output_bytes = hwi_dtype_bytes(request->dtype, has_room ? request->room : request->count),
    };
}

static void give_memory(struct hwi_sim_process *process, const struct hwi_msg_request *request)
{
    struct hwi_sim_driven *driven = process->driven;
    struct hwi_buffers buffers = buffers_of(request);
    uint64_t number = request->request - 1;
    while (process->request_count <= number) {
        hwi_sim_request_add(process, HWI_KIND_NONE, false);
    }
    process->requests[number].kind = request->kind;
    process->requests[number].async = request->async;
    if (!hwi_kind_is_collective(request->kind)) {
        return;
    }
    free_answered(process);
    unsigned char *memory =
        calloc(1, buffers.output_bytes + (request->in_place ? 0 : buffers.input_bytes) + 1);
    HWI_CHECK(memory != NULL);
    driven->memories = grow(driven->memories, driven->memory_count, &driven->memory_capacity,
                            sizeof *driven->memories);
    driven->memories[driven->memory_count++] = (struct memory){number, memory};
    process->requests[number].has_memory = true;
    buffers.output = hwi_location_of(memory);
    buffers.input = hwi_location_of(request->in_place ? memory : memory + buffers.output_bytes);
    hwi_data_memory(process->data, request->request, &buffers);
}

static void free_tensors(struct hwi_sim_driven *driven)
{
    for (uint32_t i = 0; i < driven->tensor_count; i++) {
        free(driven->tensors[i]);
    }
    hwi_free(&hwi_alloc_libc, driven->tensors);
    driven->tensors = NULL;
    driven->tensor_count = 0;
}

static void give_tensors(struct hwi_sim_process *process, const struct hwi_msg_state_layout *layout)
{
    struct hwi_sim_driven *driven = process->driven;
    free_tensors(driven);
    driven->tensors = hwi_new(&hwi_alloc_libc, HWI_MAX(1, layout->tensors_count) * sizeof(void *));
    for (uint32_t i = 0; i < layout->tensors_count; i++) {
        driven->tensors[i] = calloc(1, HWI_MAX(1, layout->tensors[i].bytes));
        HWI_CHECK(driven->tensors[i] != NULL);
        driven->tensor_count++;
        hwi_data_tensor(process->data, i, hwi_location_of(driven->tensors[i]),
                        layout->tensors[i].bytes);
    }
}

static void give(struct hwi_sim_process *process, const struct hwi_msg *msg)
{
    if (msg->type == HWI_MSG_request) {
        give_memory(process, &msg->u.request);
    } else if (msg->type == HWI_MSG_open) {
        while (process->request_count < msg->u.open.request) {
            hwi_sim_request_add(process, HWI_KIND_NONE, false);
        }
    } else if (msg->type == HWI_MSG_state_layout) {
        give_tensors(process, &msg->u.state_layout);
    }
}

// ---- steps --------------------------------------------------------------------------------------

static bool is_local(const struct hwi_sim_process *process, struct hwi_addr to)
{
    bool lane = to.role == HWI_ROLE_REDUCER || to.role == HWI_ROLE_SNAPSHOT;
    bool own = process->node == HWI_SIM_MASTER ? to.role == HWI_ROLE_MASTER
                                               : to.role == HWI_ROLE_PEER || lane;
    return to.id == 0 && own;
}

static void carry_out(struct hwi_sim_process *process, enum hwi_role role,
                      const struct hwi_effects *effects)
{
    for (uint32_t i = 0; i < effects->count; i++) {
        const struct hwi_envelope *effect = &effects->items[i];
        if (effect->to.role == HWI_ROLE_CLOCK) {
            process->driven->wake_ns[role] = effect->msg.u.wake_at.at_ns;
        } else if (is_local(process, effect->to)) {
            hwi_sim_driven_post(process, effect->from, effect->to, &effect->msg);
        } else {
            hwi_sim_carry(process, effect);
        }
    }
}

bool hwi_sim_drive(struct hwi_sim *sim, uint32_t node, enum hwi_role role,
                   const struct hwi_event *event, uint64_t at_ns)
{
    struct hwi_sim_process *process = hwi_sim_process_of(sim, node);
    HWI_CHECK(process->driven != NULL && !process->driven->free);
    size_t failures = sim->failure.length;
    run_to(sim, HWI_MAX(at_ns, sim->now_ns));
    if (!process->alive) {
        return true; // what it still heard after it had left
    }
    take(process, role, event);
    process->clock = (struct hwi_sim_clock){.since_ns = sim->now_ns, .local_ns = event->now_ns};
    if (event->from.role == HWI_ROLE_CLOCK) {
        process->driven->wake_ns[role] = HWI_NEVER;
    }
    learn_blocks(process->driven, event->msg);
    give(process, event->msg);
    carry_out(process, role, hwi_drain_replay(process->drain, role, event));
    if (process->dying) {
        hwi_sim_process_kill(process);
    }
    return sim->failure.length == failures;
}

bool hwi_sim_drive_lose(struct hwi_sim *sim, uint32_t node, enum hwi_role role,
                        const struct hwi_event *event)
{
    struct hwi_sim_process *process = hwi_sim_process_of(sim, node);
    struct hwi_ring_record wanted = record_of(event->from, hwi_addr_of(role, 0), event->msg);
    uint64_t end_ns = sim->now_ns + WAIT_NS;
    while (is_control(event->from) && process->alive) {
        if (take_kept(process->driven, event->from, &wanted)) {
            return true;
        }
        if (!hwi_sim_step(sim, end_ns)) {
            break;
        }
    }
    return false;
}

// ---- processes ----------------------------------------------------------------------------------

uint32_t hwi_sim_drive_add(struct hwi_sim *sim, const char *name, uint64_t incarnation,
                           const char *address)
{
    HWI_CHECK(sim->config.driven);
    sim->config.control_ns = sim->config.edge_ns = DRIVEN_LINK_NS;
    uint32_t node = incarnation != 0 ? hwi_sim_node_add(sim) : HWI_SIM_MASTER;
    struct hwi_sim_process *process = hwi_sim_process_create(sim, hwi_sim_node_of(sim, node), node);
    process->incarnation = incarnation;
    process->driven = hwi_new(&hwi_alloc_libc, sizeof *process->driven);
    strncpy(process->name, name, sizeof process->name - 1);
    strncpy(process->driven->address, address, sizeof process->driven->address - 1);
    for (int role = 0; role < HWI_ROLE_MAX; role++) {
        process->driven->wake_ns[role] = HWI_NEVER;
    }
    if (node == HWI_SIM_MASTER) {
        HWI_CHECK(sim->master == NULL);
        sim->master = process;
    } else {
        process->rank = 1 + sim->member_count;
        hwi_sim_keep_member(sim, process);
    }
    return node;
}

struct hwi_sim_process *hwi_sim_driven_by_incarnation(const struct hwi_sim *sim,
                                                      uint64_t incarnation)
{
    for (uint32_t i = 0; i < sim->member_count; i++) {
        if (sim->members[i]->incarnation == incarnation) {
            return sim->members[i];
        }
    }
    return NULL;
}

struct hwi_sim_process *hwi_sim_driven_at(const struct hwi_sim *sim, const char *address)
{
    struct hwi_sim_process *found = NULL;
    for (uint32_t i = 0; i < sim->member_count; i++) {
        if (strcmp(sim->members[i]->driven->address, address) == 0) {
            found = sim->members[i]; // the youngest: an address may be used again
        }
    }
    HWI_CHECK(found != NULL);
    return found;
}

void hwi_sim_driven_free(struct hwi_sim_process *process)
{
    struct hwi_sim_driven *driven = process->driven;
    if (driven == NULL) {
        return;
    }
    while (driven->kept_count > 0) {
        drop_kept(driven, driven->kept_count - 1);
    }
    for (uint32_t i = 0; i < driven->memory_count; i++) {
        free(driven->memories[i].bytes);
    }
    free_tensors(driven);
    hwi_free(&hwi_alloc_libc, driven->kept);
    hwi_free(&hwi_alloc_libc, driven->owed);
    hwi_free(&hwi_alloc_libc, driven->blocks);
    hwi_free(&hwi_alloc_libc, driven->memories);
    hwi_free(&hwi_alloc_libc, driven);
}

void hwi_sim_drive_end(struct hwi_sim *sim, uint32_t node)
{
    hwi_sim_process_kill(hwi_sim_process_of(sim, node));
}

// ---- letting go ---------------------------------------------------------------------------------

static void let_go(struct hwi_sim_process *process)
{
    struct hwi_sim_driven *driven = process->driven;
    driven->free = true;
    if (!process->alive) {
        return;
    }
    for (uint8_t role = 0; role < HWI_ROLE_MAX; role++) {
        if (is_local(process, hwi_addr_of(role, 0))) {
            hwi_drain_wake(process->drain, role, driven->wake_ns[role]);
        }
    }
    for (uint32_t i = 0; i < driven->kept_count; i++) {
        const struct kept *kept = &driven->kept[i];
        hwi_drain_post(process->drain, kept->from, kept->to, &kept->msg);
    }
    while (driven->kept_count > 0) {
        drop_kept(driven, driven->kept_count - 1);
    }
}

void hwi_sim_let_go(struct hwi_sim *sim, uint64_t delay_ns)
{
    sim->config.control_ns = sim->config.edge_ns = delay_ns;
    if (sim->master != NULL) {
        let_go(sim->master);
    }
    for (uint32_t i = 0; i < sim->member_count; i++) {
        let_go(sim->members[i]);
    }
    for (uint32_t i = 0; i < sim->member_count; i++) {
        if (sim->members[i]->alive) {
            hwi_sim_process_run(sim->members[i]);
        }
    }
    if (sim->master != NULL && sim->master->alive) {
        hwi_sim_process_run(sim->master);
    }
}

uint64_t hwi_sim_recorded(uint64_t request)
{
    return request - 1;
}

uint64_t hwi_sim_repeat(struct hwi_sim *sim, uint32_t node, const struct hwi_msg *request)
{
    struct hwi_sim_process *process = hwi_sim_process_of(sim, node);
    struct hwi_msg msg = *request;
    HWI_CHECK(process->driven != NULL && process->driven->free);
    if (request->type == HWI_MSG_state_layout) {
        if (process->alive) {
            give_tensors(process, &request->u.state_layout);
            hwi_sim_process_tell(process, hwi_addr_of(HWI_ROLE_TRAINER, 0), HWI_ROLE_SNAPSHOT,
                                 request, 0);
        }
        return HWI_NEVER;
    }
    HWI_CHECK(request->type == HWI_MSG_request);
    uint32_t number =
        hwi_sim_request_add(process, request->u.request.kind, request->u.request.async);
    msg.u.request.request = number + 1;
    msg.u.request.collected = HWI_ID_MAX; // all that were reported
    if (process->alive) {
        give_memory(process, &msg.u.request);
        hwi_sim_process_tell(process, hwi_addr_of(HWI_ROLE_TRAINER, 0), HWI_ROLE_PEER, &msg, 0);
    }
    return number;
}
