// SPDX-License-Identifier: MIT
// A sync on this member, from hashing to the report of its end to the peer.
#include "actors/base/rows.h"
#include "snapshot/snapshot.h"

bool hwi_snapshot_is_member(const struct hwi_snapshot *snapshot, uint64_t peer)
{
    return hwi_rows_find_key(snapshot->members, snapshot->member_count, sizeof *snapshot->members,
                             0, peer) != NULL;
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

// A member that has held the run's state has its layout, too; the master may have to explain an
// error in the layout of others.
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
