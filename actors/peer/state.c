// SPDX-License-Identifier: MIT
// The peer's fields, for images.
#include "actors/base/dials.h"
#include "actors/peer/calls.h"
#include "actors/peer/members.h"
#include "actors/peer/state.h"

static uint32_t count_ours(const struct hwi_peer_members *members)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < members->count; i++) {
        count += hwi_peer_is_ours_at(members, i);
    }
    return count;
}

static void members_fields(struct hwi_image *image, void *item)
{
    struct hwi_peer_members *members = item;
    hwi_image_u64(image, "number", &members->number);
    HWI_IMAGE_RECORDS(image, "ids", members->ids, members->count, HWI_MEMBERS_MAX, &hwi_layout_id);
    hwi_image_u32(image, "rank", &members->rank);
    hwi_image_u32(image, "own_count", &members->own_count);
    HWI_IMAGE_ROW(image, "ours", members->ours,
                  members->own_count < members->count ? members->count : 0);
    hwi_image_u32(image, "own_rank", &members->own_rank);
    hwi_image_u32(image, "groups", &members->groups);
    hwi_image_u32(image, "largest", &members->largest);
    hwi_image_require(image, image->failed || members->own_count == count_ours(members));
}

static void edge_fields(struct hwi_image *image, void *item)
{
    static const char *const states[] = {[HWI_PEER_EDGE_OPENING] = "opening",
                                         [HWI_PEER_EDGE_UP] = "up",
                                         [HWI_PEER_EDGE_DOWN] = "down"};
    struct hwi_peer_edge *edge = item;
    hwi_image_u64(image, "peer", &edge->peer);
    HWI_IMAGE_ENUM(image, "state", edge->state, states);
}

static void target_fields(struct hwi_image *image, void *item)
{
    struct hwi_peer_target *target = item;
    hwi_image_u64(image, "incarnation", &target->incarnation);
    hwi_image_u32(image, "address", &target->address);
    hwi_image_u32(image, "tries", &target->tries);
}

// How to reach the proposal's members. Checks that the loaded fields may be used: there is a target
// for each, and each text that is dialled ends.
static void target_list_fields(struct hwi_image *image, struct hwi_peer *peer)
{
    uint32_t count = peer->targets == NULL ? 0 : peer->proposal.count;
    HWI_IMAGE_LIST(image, "targets", peer->targets, count, HWI_MEMBERS_MAX, target_fields);
    hwi_image_u32(image, "addresses_bytes", &peer->addresses_bytes);
    HWI_IMAGE_ROW(image, "addresses", peer->addresses, peer->addresses_bytes);
    bool open = peer->proposal.number != 0 && !peer->ready_said;
    hwi_image_require(image, count == (open ? peer->proposal.count : 0));
    uint32_t bytes = peer->addresses_bytes;
    hwi_image_require(image, image->failed || bytes == 0 || peer->addresses[bytes - 1] == '\0');
    for (uint32_t i = 0; i < count && !image->failed; i++) {
        bool dialled = hwi_dials(peer->id, peer->proposal.ids[i].value);
        hwi_image_require(image, !dialled || peer->targets[i].address < bytes);
    }
}

static void channel_fields(struct hwi_image *image, void *item)
{
    struct hwi_peer_channel *channel = item;
    hwi_image_kind(image, "kind", &channel->kind);
    hwi_image_u64(image, "tag", &channel->tag);
    hwi_image_u32(image, "entered", &channel->entered);
    hwi_image_u32(image, "done", &channel->done);
    hwi_image_u32(image, "heard", &channel->heard);
}

static void sync_fields(struct hwi_image *image, void *item)
{
    struct hwi_peer_call *call = item;
    hwi_image_bool(image, "offered", &call->sync.offered);
    hwi_image_bool(image, "planned", &call->sync.planned);
    hwi_image_bool(image, "receiver", &call->sync.receiver);
    hwi_image_bool(image, "unhashed", &call->sync.unhashed);
    hwi_image_u64(image, "revision", &call->sync.revision);
    hwi_image_hash(image, "root", &call->sync.root);
    hwi_image_hash(image, "layout", &call->sync.layout);
}

static void call_fields(struct hwi_image *image, struct hwi_peer_call *call)
{
    static const char *const stages[] = {[HWI_CALL_FREE] = "free",
                                         [HWI_CALL_QUEUED] = "queued",
                                         [HWI_CALL_RUNNING] = "running",
                                         [HWI_CALL_DONE] = "done",
                                         [HWI_CALL_ENDING] = "ending"};
    HWI_IMAGE_ENUM(image, "stage", call->stage, stages);
    HWI_IMAGE_RECORD(image, "op", op, &call->op);
    HWI_IMAGE_MESSAGE(image, "request", request, &call->request);
    hwi_image_u64(image, "arrival", &call->arrival);
    hwi_image_time(image, "deadline", &call->deadline_ns);
    hwi_image_u32(image, "attempts", &call->attempts);
    hwi_image_time(image, "done", &call->done_ns);
    hwi_image_u64(image, "members_us", &call->members_us);
    hwi_image_u64(image, "commit_us", &call->commit_us);
    hwi_image_u64(image, "credit_us", &call->credit_us);
    hwi_image_bool(image, "last", &call->last);
    hwi_image_bool(image, "withdrawn", &call->withdrawn);
    hwi_image_bool(image, "cancelled", &call->cancelled);
    hwi_image_bool(image, "committed", &call->committed);
    hwi_image_status(image, "status", &call->status);
    HWI_IMAGE_RECORD(image, "fault", fault, &call->fault);
    hwi_image_u32(image, "pending", &call->pending);
    hwi_image_u64(image, "value", &call->value);
    hwi_image_struct(image, "sync", call, sync_fields);
}

// Each with its place in the table: calls are looked for in the table's order.
static void visit_calls(struct hwi_image *image, struct hwi_peer *peer)
{
    uint32_t count = peer->call_count, place = 0;
    hwi_image_list_begin(image, "calls", &count, HWI_OPS_MAX);
    for (uint32_t i = 0; i < count && !image->failed; i++, place++) {
        bool load = image->mode == HWI_IMAGE_LOAD;
        for (; !load; place++) {
            HWI_CHECK(place < peer->call_capacity); // not so after a step that was broken off
            if (peer->calls[place].stage != HWI_CALL_FREE) {
                break;
            }
        }
        hwi_image_item_begin(image);
        hwi_image_u32(image, "place", &place);
        hwi_image_require(image, place < HWI_OPS_MAX);
        if (load && !image->failed) {
            hwi_peer_calls_reserve(peer, place + 1);
            hwi_image_require(image, peer->calls[place].stage == HWI_CALL_FREE);
        }
        if (!image->failed) {
            call_fields(image, &peer->calls[place]);
            hwi_image_require(image, peer->calls[place].stage != HWI_CALL_FREE);
        }
        hwi_image_item_end(image);
    }
    peer->call_count = count;
    peer->call_end = count > 0 ? place : 0;
    hwi_image_list_end(image);
}

static void session_fields(struct hwi_image *image, struct hwi_peer *peer)
{
    hwi_image_u64(image, "run", &peer->run);
    hwi_image_u64(image, "master", &peer->master);
    hwi_image_u64(image, "id", &peer->id);
    hwi_image_time(image, "heartbeat", &peer->heartbeat_ns);
    hwi_image_bool(image, "heard_master", &peer->heard_master);
    hwi_image_bool(image, "welcomed", &peer->welcomed);
    hwi_image_u64(image, "sent", &peer->sent);
    hwi_image_u64(image, "received", &peer->received);
    hwi_image_time(image, "pong", &peer->pong_ns);
    hwi_image_time(image, "registered", &peer->registered_ns);
    hwi_image_time(image, "speak_at", &peer->speak_at_ns);
    hwi_image_time(image, "leave_until", &peer->leave_until_ns);
    hwi_image_u64(image, "leave_request", &peer->leave_request);
    hwi_image_time(image, "excused_until", &peer->excused_until_ns);
}

static void view_fields(struct hwi_image *image, struct hwi_peer *peer)
{
    hwi_image_struct(image, "view", &peer->view, members_fields);
    hwi_image_struct(image, "before", &peer->before, members_fields);
    HWI_IMAGE_RECORDS(image, "lost", peer->lost, peer->lost_count, HWI_MEMBERS_MAX, &hwi_layout_id);
    hwi_image_u64(image, "acked", &peer->fence.acked);
    hwi_image_u64(image, "failures", &peer->fence.failures);
    hwi_image_bool(image, "fence_held", &peer->fence.held);
    hwi_image_u32(image, "pending", &peer->pending);
    hwi_image_struct(image, "proposal", &peer->proposal, members_fields);
    hwi_image_bool(image, "ready_said", &peer->ready_said);
    hwi_image_time(image, "ready_until", &peer->ready_until_ns);
    target_list_fields(image, peer);
    hwi_image_u32(image, "opening", &peer->opening);
    HWI_IMAGE_LIST(image, "edges", peer->edges, peer->edge_count, UINT32_MAX, edge_fields);
}

void hwi_peer_image(struct hwi_image *image, void *state)
{
    static const char *const phases[] = {[HWI_PEER_PHASE_NONE] = "none",
                                         [HWI_PEER_PHASE_JOINING] = "joining",
                                         [HWI_PEER_PHASE_MEMBER] = "member",
                                         [HWI_PEER_PHASE_FINISHED] = "finished"};
    struct hwi_peer *peer = state;
    hwi_image_time(image, "now", &peer->now_ns);
    HWI_IMAGE_ENUM(image, "phase", peer->phase, phases);
    HWI_IMAGE_MESSAGE(image, "config", open, &peer->config);
    hwi_image_time(image, "open_until", &peer->open_until_ns);
    hwi_image_status(image, "finish_status", &peer->finish_status);
    HWI_IMAGE_RECORD(image, "counters", counters, &peer->counters);
    hwi_image_u64(image, "revision", &peer->revision);
    hwi_image_u64(image, "bytes_sent", &peer->bytes_sent);
    hwi_image_u64(image, "bytes_received", &peer->bytes_received);
    hwi_image_u32(image, "min_members", &peer->min_members);
    hwi_image_text(image, "trouble", peer->trouble, sizeof peer->trouble);
    hwi_image_text(image, "finish_reason", peer->finish_reason, sizeof peer->finish_reason);
    session_fields(image, peer);
    view_fields(image, peer);
    HWI_IMAGE_LIST(image, "channels", peer->channels, peer->channel_count, HWI_TAGS_MAX,
                   channel_fields);
    peer->channel_capacity = HWI_MAX(peer->channel_capacity, peer->channel_count);
    visit_calls(image, peer);
    hwi_image_u64(image, "arrivals", &peer->arrivals);
    hwi_image_u32(image, "lanes_failed", &peer->lanes_failed);
    hwi_image_bool(image, "state_attached", &peer->shared.attached);
    hwi_image_bool(image, "state_synced", &peer->shared.synced);
    hwi_image_bool(image, "state_dirty", &peer->shared.dirty);
}
