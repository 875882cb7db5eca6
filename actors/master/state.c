// SPDX-License-Identifier: MIT
// The master's fields, for images.
#include "actors/loop/image.h"
#include "actors/master/broken.h"
#include "actors/master/channel.h"
#include "actors/master/group.h"
#include "actors/master/master.h"
#include "actors/master/session.h"

static void offer_fields(struct hwi_image *image, void *item)
{
    struct hwi_master_session *session = item;
    hwi_image_u32(image, "count", &session->offer.count);
    hwi_image_u64(image, "revision", &session->offer.revision);
    hwi_image_hash(image, "root", &session->offer.root);
    hwi_image_hash(image, "layout", &session->offer.layout);
    hwi_image_bool(image, "dirty", &session->offer.dirty);
    hwi_image_u8(image, "strategy", &session->offer.strategy);
    hwi_image_bool(image, "unhashed", &session->offer.unhashed);
}

static void shape_fields(struct hwi_image *image, void *item)
{
    struct hwi_master_shape *shape = item;
    hwi_image_hash(image, "layout", &shape->layout);
    HWI_IMAGE_RECORDS(image, "tensors", shape->tensors, shape->tensor_count, HWI_TENSORS_MAX,
                      &hwi_layout_tensor);
}

// Between steps none is `gone`.
static void session_fields(struct hwi_image *image, void *item)
{
    struct hwi_master_session *session = item;
    hwi_image_u64(image, "peer", &session->peer);
    hwi_image_u64(image, "incarnation", &session->incarnation);
    hwi_image_u32(image, "group", &session->group);
    hwi_image_text(image, "unit", session->unit, sizeof session->unit);
    hwi_image_u32(image, "unit_size", &session->unit_size);
    hwi_image_text(image, "address", session->address, sizeof session->address);
    hwi_image_u64(image, "revision", &session->revision);
    hwi_image_bool(image, "has_revision", &session->has_revision);
    HWI_IMAGE_RECORD(image, "facts", facts, &session->facts);
    hwi_image_time(image, "heard", &session->heard_ns);
    hwi_image_u64(image, "acked", &session->acked);
    hwi_image_u64(image, "sent", &session->sent);
    hwi_image_u64(image, "received", &session->received);
    hwi_image_bool(image, "member", &session->member);
    hwi_image_bool(image, "proposed", &session->proposed);
    hwi_image_bool(image, "proven", &session->proven);
    hwi_image_bool(image, "ready", &session->ready);
    hwi_image_bool(image, "synced", &session->synced);
    hwi_image_bool(image, "unreachable", &session->unreachable);
    hwi_image_bool(image, "suspect", &session->suspect);
    hwi_image_bool(image, "late", &session->late);
    hwi_image_u32(image, "blame", &session->blame);
    hwi_image_u32(image, "place", &session->place);
    hwi_image_u32(image, "broken_count", &session->broken_count);
    HWI_IMAGE_ROW(image, "broken", session->broken, session->broken_count);
    hwi_image_u32(image, "edges", &session->edges);
    hwi_image_u32(image, "member_edges", &session->member_edges);
    HWI_IMAGE_RECORDS(image, "tallies", session->tallies, session->tally_count, HWI_OPS_MAX,
                      &hwi_layout_tally);
    hwi_image_struct(image, "offer", session, offer_fields);
}

static void seat_fields(struct hwi_image *image, void *item)
{
    struct hwi_master_seat *seat = item;
    hwi_image_u64(image, "peer", &seat->peer);
    hwi_image_u32(image, "group", &seat->group);
    hwi_image_u32(image, "rank", &seat->rank);
}

static void view_fields(struct hwi_image *image, void *item)
{
    struct hwi_master *master = item;
    hwi_image_u64(image, "number", &master->view.number);
    HWI_IMAGE_LIST(image, "seats", master->view.seats, master->view.count, HWI_MEMBERS_MAX,
                   seat_fields);
    hwi_image_u32(image, "pending", &master->view.pending);
    hwi_image_u32(image, "largest", &master->view.largest);
}

static void pending_fields(struct hwi_image *image, void *item)
{
    struct hwi_master_pending *pending = item;
    hwi_image_u32(image, "until", &pending->until);
    hwi_image_u32(image, "count", &pending->count);
}

// Of what was loaded, or was always there: the seats that the channel spans.
static bool has_seats(const struct hwi_master *master, const struct hwi_master_channel *channel)
{
    const struct hwi_master_group *group = hwi_master_group(master, channel->group);
    bool run_wide = hwi_kind_is_run_wide(channel->kind);
    return channel->kind == hwi_channel_kind(channel->kind) && (run_wide || group != NULL) &&
           channel->count == (run_wide ? master->view.count : group->count);
}

static void channel_fields(struct hwi_image *image, void *item)
{
    struct hwi_master *master = image->actor;
    struct hwi_master_channel *channel = item;
    hwi_image_kind(image, "kind", &channel->kind);
    hwi_image_u32(image, "group", &channel->group);
    hwi_image_u64(image, "tag", &channel->tag);
    hwi_image_u32(image, "committed", &channel->committed);
    hwi_image_u32(image, "ahead", &channel->ahead);
    hwi_image_u32(image, "count", &channel->count);
    hwi_image_require(image, image->failed || has_seats(master, channel));
    HWI_IMAGE_ROW(image, "counts", channel->counts, channel->count);
    hwi_image_u8(image, "redop", &channel->redop);
    hwi_image_u64(image, "folded", &channel->folded);
    hwi_image_u64(image, "value", &channel->value);
    HWI_IMAGE_LIST_IN(image, "pendings", channel->pendings, channel->pending_count,
                      HWI_MASTER_PENDINGS_MAX, pending_fields);
}

static void plan_fields(struct hwi_image *image, void *item)
{
    struct hwi_master_group *group = item;
    hwi_image_u32(image, "count", &group->plan.count);
    hwi_image_u64(image, "revision", &group->plan.revision);
    hwi_image_hash(image, "root", &group->plan.root);
    hwi_image_bool(image, "unhashed", &group->plan.unhashed);
}

static void group_fields(struct hwi_image *image, void *item)
{
    struct hwi_master_group *group = item;
    hwi_image_u32(image, "number", &group->number);
    hwi_image_u32(image, "count", &group->count);
    hwi_image_u32(image, "members", &group->members);
    hwi_image_bool(image, "ever_synced", &group->ever_synced);
    hwi_image_u32(image, "offers", &group->offers);
    hwi_image_u32(image, "verify", &group->verify);
    hwi_image_struct(image, "plan", group, plan_fields);
}

static void proposal_fields(struct hwi_image *image, struct hwi_master *master)
{
    static const char *const stages[] = {[HWI_STAGE_NONE] = "none",
                                         [HWI_STAGE_BURNING] = "burning",
                                         [HWI_STAGE_OPEN] = "open",
                                         [HWI_STAGE_SEALING] = "sealing"};
    HWI_IMAGE_ENUM(image, "stage", master->stage, stages);
    hwi_image_u64(image, "proposal", &master->proposal);
    hwi_image_time(image, "proposal_until", &master->proposal_until_ns);
    hwi_image_time(image, "reform_at", &master->reform_at_ns);
    hwi_image_time(image, "gather_until", &master->gather_until_ns);
    hwi_image_u32(image, "ready_due", &master->ready_due);
    hwi_image_u32(image, "broken_edges", &master->broken_edges);
    hwi_image_bool(image, "crossed", &master->crossed);
    hwi_image_bool(image, "admitting", &master->admitting);
    hwi_image_bool(image, "trial", &master->trial);
    hwi_image_u32(image, "proven", &master->proven);
    hwi_image_time(image, "trial_from", &master->trial_from_ns);
    hwi_image_u32(image, "trial_pause_ms", &master->trial_pause_ms);
    hwi_image_bool(image, "any_late", &master->any_late);
    hwi_image_u32(image, "proposed_count", &master->proposed_count);
    hwi_image_bool(image, "change", &master->change);
    hwi_image_bool(image, "again", &master->again);
    hwi_image_time(image, "turn_at", &master->turn_at_ns);
    hwi_image_time(image, "probe_at", &master->probe_at_ns);
    hwi_image_time(image, "probe_from", &master->probe_from_ns);
    hwi_image_time(image, "store_again", &master->store_again_ns);
    HWI_IMAGE_RECORD(image, "counters", counters, &master->counters);
    hwi_image_text(image, "trouble", master->trouble, sizeof master->trouble);
}

static void view_visit(struct hwi_image *image, struct hwi_master *master)
{
    hwi_image_struct(image, "view", master, view_fields);
    HWI_IMAGE_LIST(image, "groups", master->groups, master->group_count, HWI_GROUPS_MAX,
                   group_fields);
    HWI_IMAGE_LIST_IN(image, "shapes", master->shapes, master->shape_count, HWI_MASTER_SHAPES_MAX,
                      shape_fields);
    HWI_IMAGE_LIST(image, "channels", master->channels, master->channel_count, HWI_TAGS_MAX,
                   channel_fields);
    master->channel_capacity = HWI_MAX(master->channel_capacity, master->channel_count);
    HWI_IMAGE_RECORDS_IN(image, "faults", master->faults, master->fault_count, HWI_OPS_MAX,
                         &hwi_layout_fault);
    HWI_IMAGE_RECORDS_IN(image, "past", master->past, master->past_count, HWI_PAST_VIEWS_MAX,
                         &hwi_layout_past);
    hwi_image_u64(image, "held_back_by", &master->held_back_by);
}

static bool is_seated(const struct hwi_master *master, const struct hwi_master_session *session)
{
    int64_t rank = hwi_master_rank(master, session->peer);
    return rank >= 0 && master->view.seats[rank].group == session->group;
}

// Seats are of groups, members have a seat, and bits of broken edges a place.
static bool is_possible(const struct hwi_master *master)
{
    uint32_t words = hwi_master_broken_words(master);
    bool possible = master->proposed_count <= HWI_MEMBERS_MAX;
    for (uint32_t i = 0; i < master->view.count; i++) {
        const struct hwi_master_seat *seat = &master->view.seats[i];
        const struct hwi_master_group *group = hwi_master_group(master, seat->group);
        possible = possible && group != NULL && seat->rank < group->count;
    }
    for (uint32_t i = 0; i < master->session_count; i++) {
        const struct hwi_master_session *session = &master->sessions[i];
        possible = possible && (!session->member || is_seated(master, session)) &&
                   (!session->proposed || session->place < master->proposed_count) &&
                   (session->broken_count == 0 || session->broken_count == words);
    }
    return possible;
}

static void finish_load(struct hwi_image *image, struct hwi_master *master)
{
    if (image->failed) {
        return;
    }
    hwi_image_require(image, is_possible(master));
    master->session_capacity = master->session_count;
    hwi_master_index(master);
}

void hwi_master_image(struct hwi_image *image, void *state)
{
    struct hwi_master *master = state;
    image->actor = master;
    hwi_image_time(image, "now", &master->now_ns);
    HWI_IMAGE_MESSAGE(image, "config", master_start, &master->config);
    hwi_image_bool(image, "started", &master->started);
    hwi_image_bool(image, "booted", &master->booted);
    hwi_image_u64(image, "run", &master->run);
    hwi_image_u64(image, "incarnation", &master->incarnation);
    hwi_image_u64(image, "highest", &master->highest);
    hwi_image_u64(image, "next_peer", &master->next_peer);
    HWI_IMAGE_LIST(image, "sessions", master->sessions, master->session_count, HWI_MEMBERS_MAX,
                   session_fields);
    view_visit(image, master);
    proposal_fields(image, master);
    hwi_image_u64(image, "committed_total", &master->committed_total);
    hwi_image_u64(image, "aborted_total", &master->aborted_total);
    if (image->mode == HWI_IMAGE_LOAD) {
        finish_load(image, master);
    }
}
