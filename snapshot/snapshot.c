// SPDX-License-Identifier: MIT
#include "snapshot/snapshot.h"

#include <hawser/types.h>

static const struct hwi_snapshot_route {
    uint16_t type;
    uint8_t from; // the only role that is heard saying it
    hwi_snapshot_handler_fn handle;
} routes[] = {
    {HWI_MSG_state_layout, HWI_ROLE_TRAINER, hwi_snapshot_on_state_layout},
    {HWI_MSG_lane_view, HWI_ROLE_PEER, hwi_snapshot_on_lane_view},
    {HWI_MSG_sync_start, HWI_ROLE_PEER, hwi_snapshot_on_sync_start},
    {HWI_MSG_sync_go, HWI_ROLE_PEER, hwi_snapshot_on_sync_go},
    {HWI_MSG_op_end, HWI_ROLE_PEER, hwi_snapshot_on_op_end},
    {HWI_MSG_manifest_want, HWI_ROLE_SNAPSHOT, hwi_snapshot_on_manifest_want},
    {HWI_MSG_manifest, HWI_ROLE_SNAPSHOT, hwi_snapshot_on_manifest},
    {HWI_MSG_blocks_want, HWI_ROLE_SNAPSHOT, hwi_snapshot_on_blocks_want},
    {HWI_MSG_block_hashed, HWI_ROLE_DATA, hwi_snapshot_on_block_hashed},
    {HWI_MSG_block_placed, HWI_ROLE_DATA, hwi_snapshot_on_block_placed},
    {HWI_MSG_quiesced, HWI_ROLE_DATA, hwi_snapshot_on_quiesced},
};

static void *create(const struct hwi_alloc *alloc)
{
    struct hwi_snapshot *s = hwi_new(alloc, sizeof *s);
    s->alloc = alloc;
    return s;
}

static void destroy(void *state)
{
    struct hwi_snapshot *s = state;
    hwi_fetch_forget(&s->fetch, s->alloc);
    hwi_manifest_fini(&s->manifest, s->alloc);
    hwi_free(s->alloc, s->held);
    hwi_free(s->alloc, s->members);
    hwi_free(s->alloc, s->readers);
    hwi_free(s->alloc, s);
}

// What nobody here says, or the wrong one says, is a stranger's doing and is not heard.
static void step(void *state, const struct hwi_event *event, struct hwi_effects *fx)
{
    for (uint32_t i = 0; i < HWI_COUNT(routes); i++) {
        if (routes[i].type == event->msg->type && routes[i].from == event->from.role) {
            routes[i].handle(state, event, fx);
            return;
        }
    }
}

static void failed(void *state, uint64_t now_ns, struct hwi_effects *fx)
{
    (void)now_ns;
    struct hwi_snapshot *s = state;
    // The requests of the failed step were dropped: no answer to them will come.
    s->hashes_asked = s->hashes_heard;
    if (s->phase != HWI_SNAPSHOT_IDLE)
        hwi_snapshot_fault(s, HWS_E_INTERNAL, 0, fx);
}

static void ask_hashes(struct hwi_snapshot *s, struct hwi_effects *fx)
{
    while (s->hashes_asked < s->manifest.block_count &&
           s->hashes_asked - s->hashes_heard < HWI_HASH_WINDOW) {
        struct hwi_piece piece = hwi_manifest_piece(&s->manifest, s->hashes_asked);
        struct hwi_msg_block_hash *ask = HWI_EMIT(fx, hwi_addr_of(HWI_ROLE_DATA, 0), block_hash);
        ask->tensor = piece.tensor;
        ask->offset = piece.offset;
        ask->bytes = piece.bytes;
        ask->block = s->hashes_asked++;
    }
}

// Who has held the run's state has its layout, too; of others the master may have to tell what is
// wrong with theirs.
static void list_tensors(const struct hwi_snapshot *s, struct hwi_msg_state_hashed *say,
                         struct hwi_effects *fx)
{
    uint32_t count = s->manifest.tensor_count;
    struct hwi_tensor *tensors = hwi_effects_memory(fx, count * sizeof *tensors);
    for (uint32_t i = 0; i < count; i++)
        tensors[i] = s->manifest.spans[i].tensor;
    say->tensors = tensors;
    say->tensors_count = count;
}

void hwi_snapshot_say_hashed(struct hwi_snapshot *s, struct hwi_effects *fx)
{
    s->phase = HWI_SNAPSHOT_HASHED;
    struct hwi_msg_state_hashed *say = HWI_EMIT(fx, hwi_addr_of(HWI_ROLE_PEER, 0), state_hashed);
    say->op = s->op;
    say->revision = s->revision;
    say->root = s->root;
    say->layout = s->manifest.layout;
    say->unhashed = s->unhashed;
    if (s->synced.view == 0)
        list_tensors(s, say, fx);
}

void hwi_snapshot_hash(struct hwi_snapshot *s, uint64_t now_ns, struct hwi_effects *fx)
{
    ask_hashes(s, fx);
    if (s->hashes_heard < s->manifest.block_count)
        return;
    s->hash_ns = now_ns - s->since_ns;
    s->root = hwi_manifest_root(&s->manifest, s->alloc, s->held);
    hwi_snapshot_say_hashed(s, fx);
}

void hwi_snapshot_hold(struct hwi_snapshot *s, struct hwi_effects *fx)
{
    s->phase = HWI_SNAPSHOT_HOLDING;
    HWI_EMIT(fx, hwi_addr_of(HWI_ROLE_PEER, 0), op_done)->op = s->op;
}

void hwi_snapshot_fault(struct hwi_snapshot *s, int32_t status, uint64_t peer,
                        struct hwi_effects *fx)
{
    if (s->phase < HWI_SNAPSHOT_STOPPED)
        s->phase = HWI_SNAPSHOT_STOPPED;
    struct hwi_msg_op_fault *fault = HWI_EMIT(fx, hwi_addr_of(HWI_ROLE_PEER, 0), op_fault);
    fault->op = s->op;
    fault->fault =
        (struct hwi_fault){.status = status, .kind = s->op.kind, .tag = s->op.tag, .peer_a = peer};
}

void hwi_snapshot_quiesce(struct hwi_snapshot *s, struct hwi_effects *fx)
{
    if (s->hashes_heard < s->hashes_asked)
        return;
    s->phase = HWI_SNAPSHOT_QUIESCING;
    HWI_EMIT(fx, hwi_addr_of(HWI_ROLE_DATA, 0), quiesce)->op = s->op;
}

const struct hwi_actor_ops hwi_snapshot_ops = {
    .name = "snapshot",
    .role = HWI_ROLE_SNAPSHOT,
    .create = create,
    .step = step,
    .failed = failed,
    .destroy = destroy,
    .image = hwi_snapshot_image,
};
