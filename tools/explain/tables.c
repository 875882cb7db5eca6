// SPDX-License-Identifier: MIT
// The model's tables: ordered arrays, found by halving.
#include "actors/base/rows.h"
#include "tools/explain/model.h"

// Rings have fewer records than that, and it takes a record to make a row.
enum { ROWS_MAX = 1 << 28 };

#define INSERT(items, count, capacity, at)                                                         \
    HWI_ROWS_INSERT(&hwi_alloc_libc, (items), (count), (capacity), ROWS_MAX, (at))

void *model_grow(void *array, uint32_t *count, uint32_t *capacity, size_t bytes)
{
    array = hwi_rows_grow(&hwi_alloc_libc, array, *count, capacity, ROWS_MAX, bytes);
    hwi_rows_open(array, count, bytes, *count);
    return array;
}

// ---- members -----------------------------------------------------------------------------------

static uint32_t member_index(const struct explain_model *model, uint64_t peer)
{
    return HWI_ROWS_PLACE(struct explain_member, peer, model->members, model->member_count, peer);
}

struct explain_member *model_find_member(const struct explain_model *model, uint64_t peer)
{
    return HWI_ROWS_FIND(struct explain_member, peer, model->members, model->member_count, peer);
}

struct explain_member *model_member(struct explain_model *model, uint64_t peer)
{
    struct explain_member *member = model_find_member(model, peer);
    if (member != NULL) {
        return member;
    }
    member = INSERT(&model->members, &model->member_count, &model->member_capacity,
                    member_index(model, peer));
    *member = (struct explain_member){.peer = peer,
                                      .process = -1,
                                      .heard_ns = NEVER_NS,
                                      .beat_first_ns = NEVER_NS,
                                      .unreachable_ns = NEVER_NS,
                                      .left_ns = NEVER_NS,
                                      .evicted_ns = NEVER_NS};
    return member;
}

static uint32_t session_index(const struct explain_model *model, uint64_t incarnation)
{
    return HWI_ROWS_PLACE(struct explain_session, incarnation, model->sessions,
                          model->session_count, incarnation);
}

struct explain_member *model_session(const struct explain_model *model, uint64_t incarnation)
{
    uint32_t index = session_index(model, incarnation);
    bool found = index < model->session_count && model->sessions[index].incarnation == incarnation;
    return found ? model_find_member(model, model->sessions[index].peer) : NULL;
}

void model_name_session(struct explain_model *model, uint64_t incarnation, uint64_t peer)
{
    uint32_t index = session_index(model, incarnation);
    model_member(model, peer);
    if (index == model->session_count || model->sessions[index].incarnation != incarnation) {
        INSERT(&model->sessions, &model->session_count, &model->session_capacity, index);
    }
    model->sessions[index] = (struct explain_session){incarnation, peer};
}

// ---- channels ----------------------------------------------------------------------------------

static uint32_t group_of(const struct explain_model *model, uint64_t peer)
{
    const struct explain_member *member = model_find_member(model, peer);
    return member != NULL ? member->group : 0;
}

static struct explain_channel channel_named(const struct explain_model *model, struct hwi_op op,
                                            uint64_t peer)
{
    return (struct explain_channel){.view = op.view,
                                    .kind = hwi_channel_kind(op.kind),
                                    .called = op.kind,
                                    .group =
                                        hwi_kind_is_run_wide(op.kind) ? 0 : group_of(model, peer),
                                    .tag = op.tag,
                                    .committed_ns = NEVER_NS};
}

static int compare_channel(const void *item, const void *wanted)
{
    const struct explain_channel *a = item, *b = wanted;
    if (a->view != b->view) {
        return a->view < b->view ? -1 : 1;
    }
    if (a->kind != b->kind) {
        return a->kind < b->kind ? -1 : 1;
    }
    if (a->group != b->group) {
        return a->group < b->group ? -1 : 1;
    }
    return a->tag < b->tag ? -1 : a->tag > b->tag;
}

bool channel_is_of(const struct explain_model *model, const struct explain_channel *channel,
                   struct hwi_op op, uint64_t peer)
{
    struct explain_channel name = channel_named(model, op, peer);
    return compare_channel(channel, &name) == 0;
}

bool channel_spans(const struct explain_model *model, const struct explain_channel *channel,
                   uint64_t peer)
{
    return hwi_kind_is_run_wide(channel->kind) || group_of(model, peer) == channel->group;
}

struct hwi_op channel_op(const struct explain_channel *channel, uint32_t seq)
{
    return (struct hwi_op){channel->view, channel->called, channel->tag, seq};
}

struct explain_channel *model_channel(struct explain_model *model, struct hwi_op op, uint64_t peer)
{
    struct explain_channel name = channel_named(model, op, peer);
    uint32_t at =
        hwi_rows_place(model->channels, model->channel_count, sizeof name, compare_channel, &name);
    if (at < model->channel_count && compare_channel(&model->channels[at], &name) == 0) {
        return &model->channels[at];
    }
    struct explain_channel *channel =
        INSERT(&model->channels, &model->channel_count, &model->channel_capacity, at);
    *channel = name;
    return channel;
}

static uint32_t part_index(const struct explain_channel *channel, uint64_t peer)
{
    return HWI_ROWS_PLACE(struct explain_part, peer, channel->parts, channel->part_count, peer);
}

const struct explain_part *model_find_part(const struct explain_channel *channel, uint64_t peer)
{
    return HWI_ROWS_FIND(struct explain_part, peer, channel->parts, channel->part_count, peer);
}

struct explain_part *model_part(struct explain_channel *channel, uint64_t peer)
{
    uint32_t index = part_index(channel, peer);
    if (index < channel->part_count && channel->parts[index].peer == peer) {
        return &channel->parts[index];
    }
    struct explain_part *part =
        INSERT(&channel->parts, &channel->part_count, &channel->part_capacity, index);
    part->peer = peer;
    part->entered_ns = NEVER_NS;
    return part;
}

static bool has_entered(const struct explain_channel *channel, const struct explain_peers *peers,
                        bool all)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < peers->count; i++) {
        const struct explain_part *part = model_find_part(channel, peers->ids[i]);
        count += part != NULL && part->entered > channel->committed;
    }
    return all ? count == peers->count : count > 0;
}

const struct explain_channel *model_crossing(const struct explain_model *model,
                                             const struct explain_channel *channel,
                                             const struct explain_peers *absent,
                                             const struct explain_peers *present)
{
    for (uint32_t i = 0; i < model->channel_count; i++) {
        const struct explain_channel *other = &model->channels[i];
        if (other != channel && other->view == channel->view && has_entered(other, absent, false) &&
            !has_entered(other, present, true)) {
            return other;
        }
    }
    return NULL;
}

// ---- views -------------------------------------------------------------------------------------

struct explain_view *model_find_view(const struct explain_model *model, uint64_t number)
{
    for (uint32_t i = model->view_count; i-- > 0;) {
        if (model->views[i].number == number) {
            return &model->views[i];
        }
    }
    return NULL;
}

struct explain_view *model_view(struct explain_model *model, uint64_t number)
{
    struct explain_view *view = model_find_view(model, number);
    if (view != NULL) {
        return view;
    }
    uint32_t index =
        HWI_ROWS_PLACE(struct explain_view, number, model->views, model->view_count, number);
    view = INSERT(&model->views, &model->view_count, &model->view_capacity, index);
    *view =
        (struct explain_view){.number = number, .proposed_ns = NEVER_NS, .announced_ns = NEVER_NS};
    return view;
}

const struct explain_view *model_view_without(const struct explain_model *model, uint64_t peer,
                                              int64_t at_ns)
{
    uint32_t before = 0;
    for (uint32_t i = 0; i < model->view_count; i++) {
        const struct explain_view *view = &model->views[i];
        bool whole = view->told <= view->members.count || view->told < before;
        if (view->announced_ns == NEVER_NS) {
            continue;
        }
        if (view->announced_ns >= at_ns && whole && !peers_has(&view->members, peer)) {
            return view;
        }
        before = view->told;
    }
    return NULL;
}

const struct explain_view *model_proposal(const struct explain_model *model)
{
    const struct explain_view *last =
        model->view_count ? &model->views[model->view_count - 1] : NULL;
    const struct hwi_msg_status *status = model->input->status;
    bool open = last != NULL && last->announced_ns == NEVER_NS && last->proposed_ns != NEVER_NS;
    if (!open || (status != NULL && status->proposal != last->number)) {
        return NULL;
    }
    // The master gives it up when its time is over, and what it did then is not in these rings.
    bool stale =
        last->wait_ns > 0 && model->now_ns - last->proposed_ns >
                                 last->wait_ns + HWI_MAX(last->wait_ns, model->patience_ns);
    return stale ? NULL : last;
}

bool model_replaces_view(const struct explain_model *model)
{
    const struct explain_view *proposal = model_proposal(model);
    const struct explain_view *view = model_find_view(model, model->view);
    bool all = view != NULL && proposal != NULL && proposal->members.count > view->members.count;
    for (uint32_t i = 0; all && i < view->members.count; i++) {
        all = peers_has(&proposal->members, view->members.ids[i]);
    }
    return proposal != NULL && !all;
}

bool model_has_witness(const struct explain_model *model, uint64_t view)
{
    const struct explain_view *found = model_find_view(model, view);
    for (uint32_t i = 0; found != NULL && i < model->process_count; i++) {
        const struct explain_process *p = &model->processes[i];
        if (!p->master && p->ring->count > 0 && peers_has(&found->members, p->peer)) {
            return true;
        }
    }
    return false;
}

bool model_would_show(const struct explain_model *model, uint64_t view, uint8_t kind, uint64_t peer)
{
    const struct explain_member *member = model_find_member(model, peer);
    bool vote = hwi_kind_is_agreement(kind) || kind == HWI_KIND_ADMIT;
    if (member != NULL && member->process >= 0) {
        return true;
    }
    if (vote) {
        return model->master >= 0;
    }
    return hwi_channel_kind(kind) == HWI_KIND_ALL_REDUCE && model_has_witness(model, view);
}

static uint32_t peers_index(const struct explain_peers *peers, uint64_t peer)
{
    return hwi_rows_place_key(peers->ids, peers->count, sizeof *peers->ids, 0, peer);
}

bool peers_has(const struct explain_peers *peers, uint64_t peer)
{
    uint32_t index = peers_index(peers, peer);
    return index < peers->count && peers->ids[index] == peer;
}

void peers_add(struct explain_peers *peers, uint64_t peer)
{
    if (peer == 0 || peers_has(peers, peer)) {
        return;
    }
    uint64_t *id = INSERT(&peers->ids, &peers->count, &peers->capacity, peers_index(peers, peer));
    *id = peer;
}

void peers_remove(struct explain_peers *peers, uint64_t peer)
{
    if (!peers_has(peers, peer)) {
        return;
    }
    HWI_ROWS_REMOVE(peers->ids, &peers->count, peers_index(peers, peer));
}

void peers_free(struct explain_peers *peers)
{
    hwi_free(&hwi_alloc_libc, peers->ids);
    *peers = (struct explain_peers){0};
}
