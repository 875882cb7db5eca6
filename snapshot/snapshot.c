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
    struct hwi_snapshot *snapshot = hwi_new(alloc, sizeof *snapshot);
    snapshot->alloc = alloc;
    return snapshot;
}

static void destroy(void *state)
{
    struct hwi_snapshot *snapshot = state;
    hwi_fetch_forget(&snapshot->fetch, snapshot->alloc);
    hwi_manifest_fini(&snapshot->manifest, snapshot->alloc);
    hwi_free(snapshot->alloc, snapshot->held);
    hwi_free(snapshot->alloc, snapshot->members);
    hwi_free(snapshot->alloc, snapshot->readers);
    hwi_free(snapshot->alloc, snapshot);
}

// What nobody here says, or the wrong one says, is a stranger's doing and is not heard.
static void step(void *state, const struct hwi_event *event, struct hwi_effects *effects)
{
    for (uint32_t i = 0; i < HWI_COUNT(routes); i++) {
        if (routes[i].type == event->msg->type && routes[i].from == event->from.role) {
            routes[i].handle(state, event, effects);
            return;
        }
    }
}

static void failed(void *state, uint64_t now_ns, struct hwi_effects *effects)
{
    (void)now_ns;
    struct hwi_snapshot *snapshot = state;
    // The requests of the failed step were dropped: no answer to them will come.
    snapshot->hashes_asked = snapshot->hashes_heard;
    if (snapshot->phase != HWI_SNAPSHOT_IDLE) {
        hwi_snapshot_fault(snapshot, HWS_E_INTERNAL, 0, effects);
    }
}

static void ask_hashes(struct hwi_snapshot *snapshot, struct hwi_effects *effects)
{
    while (snapshot->hashes_asked < snapshot->manifest.block_count &&
           snapshot->hashes_asked - snapshot->hashes_heard < HWI_HASH_WINDOW) {
        struct hwi_piece piece = hwi_manifest_piece(&snapshot->manifest, snapshot->hashes_asked);
        struct hwi_msg_block_hash *ask =
            HWI_EMIT(effects, hwi_addr_of(HWI_ROLE_DATA, 0), block_hash);
        ask->tensor = piece.tensor;
        ask->offset = piece.offset;
        ask->bytes = piece.bytes;
        ask->block = snapshot->hashes_asked++;
    }
}

// Who has held the run's state has its layout, too; of others the master may have to tell what is
// wrong with theirs.
static void list_tensors(const struct hwi_snapshot *snapshot, struct hwi_msg_state_hashed *say,
                         struct hwi_effects *effects)
{
    uint32_t count = snapshot->manifest.tensor_count;
    struct hwi_tensor *tensors = hwi_effects_memory(effects, count * sizeof *tensors);
    for (uint32_t i = 0; i < count; i++) {
        tensors[i] = snapshot->manifest.spans[i].tensor;
    }
    say->tensors = tensors;
    say->tensors_count = count;
}

void hwi_snapshot_say_hashed(struct hwi_snapshot *snapshot, struct hwi_effects *effects)
{
    snapshot->phase = HWI_SNAPSHOT_HASHED;
    struct hwi_msg_state_hashed *say =
        HWI_EMIT(effects, hwi_addr_of(HWI_ROLE_PEER, 0), state_hashed);
    say->op = snapshot->op;
    say->revision = snapshot->revision;
    say->root = snapshot->root;
    say->layout = snapshot->manifest.layout;
    say->unhashed = snapshot->unhashed;
    if (snapshot->synced.view == 0) {
        list_tensors(snapshot, say, effects);
    }
}

void hwi_snapshot_hash(struct hwi_snapshot *snapshot, uint64_t now_ns, struct hwi_effects *effects)
{
    ask_hashes(snapshot, effects);
    if (snapshot->hashes_heard < snapshot->manifest.block_count) {
        return;
    }
    snapshot->hash_ns = now_ns - snapshot->since_ns;
    snapshot->root = hwi_manifest_root(&snapshot->manifest, snapshot->alloc, snapshot->held);
    hwi_snapshot_say_hashed(snapshot, effects);
}

void hwi_snapshot_hold(struct hwi_snapshot *snapshot, struct hwi_effects *effects)
{
    snapshot->phase = HWI_SNAPSHOT_HOLDING;
    HWI_EMIT(effects, hwi_addr_of(HWI_ROLE_PEER, 0), op_done)->op = snapshot->op;
}

void hwi_snapshot_fault(struct hwi_snapshot *snapshot, int32_t status, uint64_t peer,
                        struct hwi_effects *effects)
{
    if (snapshot->phase < HWI_SNAPSHOT_STOPPED) {
        snapshot->phase = HWI_SNAPSHOT_STOPPED;
    }
    struct hwi_msg_op_fault *fault = HWI_EMIT(effects, hwi_addr_of(HWI_ROLE_PEER, 0), op_fault);
    fault->op = snapshot->op;
    fault->fault = (struct hwi_fault){
        .status = status, .kind = snapshot->op.kind, .tag = snapshot->op.tag, .peer_a = peer};
}

void hwi_snapshot_quiesce(struct hwi_snapshot *snapshot, struct hwi_effects *effects)
{
    if (snapshot->hashes_heard < snapshot->hashes_asked) {
        return;
    }
    snapshot->phase = HWI_SNAPSHOT_QUIESCING;
    HWI_EMIT(effects, hwi_addr_of(HWI_ROLE_DATA, 0), quiesce)->op = snapshot->op;
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
