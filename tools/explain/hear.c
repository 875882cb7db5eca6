// SPDX-License-Identifier: MIT
// Takes the records of the rings into the model, one by one.
#include <hawser/types.h>

#include "tools/explain/model.h"

// One record, with what every handler needs of it.
struct heard {
    struct explain_model *model;
    struct explain_process *process;
    const struct hwi_ring_record *record;
    int64_t at_ns;
    uint8_t actor;
    struct hwi_addr other;
    bool sent;
};

static uint8_t kind_of(const struct hwi_ring_record *record)
{
    return record->kind & (uint8_t)~HWI_RING_SENT;
}

static struct hwi_op op_of(const struct heard *h)
{
    return (struct hwi_op){h->record->view, kind_of(h->record), h->record->tag, 0};
}

// ---- operations --------------------------------------------------------------------------------

// How many members share the channel, as far as known; 0 = not all are.
static uint32_t members_of(const struct explain_model *model, const struct explain_channel *channel)
{
    const struct explain_view *view = model_find_view(model, channel->view);
    uint32_t count = 0;
    for (uint32_t i = 0; view != NULL && i < view->members.count; i++) {
        count += channel_spans(model, channel, view->members.ids[i]);
    }
    return view != NULL && view->told <= view->members.count ? count : 0;
}

// Member `peer` has made the call that the record names.
static void note_entered(const struct heard *h, uint64_t peer, bool signs)
{
    const struct hwi_ring_record *r = h->record;
    if (peer == 0) {
        return;
    }
    struct explain_channel *channel = model_channel(h->model, op_of(h), peer);
    struct explain_part *part = model_part(channel, peer);
    channel->called = kind_of(r);
    if (r->seq + 1 > part->entered) {
        part->entered = r->seq + 1;
        part->entered_ns = h->at_ns;
        pace_note(channel, peer, r->seq, members_of(h->model, channel), h->at_ns);
    }
    if (signs && r->seq + 1 > part->signed_seq) {
        part->signed_seq = r->seq + 1;
        part->signature = r->key;
    }
    peers_add(&model_view(h->model, r->view)->members, peer);
}

static void note_done(const struct heard *h, uint64_t peer)
{
    const struct hwi_ring_record *r = h->record;
    if (peer == 0) {
        return;
    }
    struct explain_channel *channel = model_channel(h->model, op_of(h), peer);
    struct explain_part *part = model_part(channel, peer);
    part->done = HWI_MAX(part->done, (uint32_t)r->key);
    if (part->done > part->entered) { // a vote: saying it is making the call
        part->entered = part->done;
        part->entered_ns = h->at_ns;
        pace_note(channel, peer, part->done - 1, members_of(h->model, channel), h->at_ns);
    }
    peers_add(&model_view(h->model, r->view)->members, peer);
}

static void note_commit(const struct heard *h, uint64_t peer)
{
    struct explain_channel *channel = model_channel(h->model, op_of(h), peer);
    uint32_t count = (uint32_t)h->record->key;
    if (count <= channel->committed) {
        return;
    }
    h->model->commits += count - channel->committed;
    channel->committed = count;
    channel->committed_ns = h->at_ns;
    h->model->commit_ns = HWI_MAX(h->model->commit_ns, h->at_ns);
}

static void note_withdraw(const struct heard *h, uint64_t peer)
{
    struct explain_model *model = h->model;
    struct hwi_op op;
    if (!hwi_ring_op(h->record, &op)) {
        return;
    }
    model->withdrawals = model_grow(model->withdrawals, &model->withdrawal_count,
                                    &model->withdrawal_capacity, sizeof *model->withdrawals);
    model->withdrawals[model->withdrawal_count - 1] = (struct explain_withdrawal){
        .op = op, .peer = peer, .status = (int32_t)(uint32_t)h->record->key, .at_ns = h->at_ns};
}

// ---- the trainer -------------------------------------------------------------------------------

static void note_request(const struct heard *h)
{
    struct explain_process *p = h->process;
    const struct hwi_ring_record *r = h->record;
    p->asked_ns = h->at_ns;
    p->asked_kind = kind_of(r);
    p->asked_tag = r->tag;
    p->asked = model_grow(p->asked, &p->asked_count, &p->asked_capacity, sizeof *p->asked);
    p->asked[p->asked_count - 1] = (struct explain_asked){
        .request = r->key, .tag = r->tag, .kind = kind_of(r), .at_ns = h->at_ns};
}

static struct explain_asked take_asked(struct explain_process *p, uint64_t request)
{
    for (uint32_t i = 0; i < p->asked_count; i++) {
        if (p->asked[i].request == request) {
            struct explain_asked found = p->asked[i];
            p->asked[i] = p->asked[--p->asked_count];
            return found;
        }
    }
    return (struct explain_asked){.request = request};
}

static void note_reply(const struct heard *h)
{
    struct explain_model *model = h->model;
    const struct hwi_ring_record *r = h->record;
    struct explain_asked asked = take_asked(h->process, r->key);
    int32_t status = (int32_t)r->seq;
    if (status == HWS_OK || status == HWS_E_CLOSED) {
        return;
    }
    model->failures = model_grow(model->failures, &model->failure_count, &model->failure_capacity,
                                 sizeof *model->failures);
    model->failures[model->failure_count - 1] =
        (struct explain_failure){.view = r->view,
                                 .tag = asked.kind ? asked.tag : r->tag,
                                 .kind = asked.kind ? asked.kind : kind_of(r),
                                 .status = status,
                                 .at_ns = h->at_ns,
                                 .process = (uint32_t)(h->process - model->processes)};
}

// ---- stripes -----------------------------------------------------------------------------------

static struct explain_breakage *find_breakage(struct explain_model *model, uint64_t a, uint64_t b)
{
    for (uint32_t i = model->breakage_count; i-- > 0;) {
        if (model->breakages[i].a == a && model->breakages[i].b == b) {
            return &model->breakages[i];
        }
    }
    return NULL;
}

static void note_down(const struct heard *h, uint64_t peer)
{
    struct explain_model *model = h->model;
    uint64_t self = h->process->peer;
    if (self == 0 || peer == 0) {
        return;
    }
    model_member(model, peer);
    uint64_t a = HWI_MIN(self, peer), b = HWI_MAX(self, peer);
    uint32_t side = self == a ? 1 : 2;
    struct explain_breakage *last = find_breakage(model, a, b);
    if (last != NULL && h->at_ns - last->at_ns < (int64_t)HWI_NS_PER_S) {
        last->sides |= side; // the same one, seen from the other end
        return;
    }
    model->breakages = model_grow(model->breakages, &model->breakage_count,
                                  &model->breakage_capacity, sizeof *model->breakages);
    model->breakages[model->breakage_count - 1] = (struct explain_breakage){
        .a = a, .b = b, .at_ns = h->at_ns, .mended_ns = NEVER_NS, .sides = side};
}

static void note_up(const struct heard *h, uint64_t peer)
{
    uint64_t self = h->process->peer;
    struct explain_breakage *last =
        find_breakage(h->model, HWI_MIN(self, peer), HWI_MAX(self, peer));
    if (last != NULL) {
        last->mended_ns = h->at_ns;
    }
}

// ---- views -------------------------------------------------------------------------------------

static void note_propose(const struct heard *h, uint64_t peer)
{
    struct explain_view *view = model_view(h->model, h->record->view);
    if (view->proposed_ns == NEVER_NS || h->at_ns < view->proposed_ns) {
        view->proposed_ns = h->at_ns;
    }
    view->wait_ns = (int64_t)h->record->seq * (int64_t)HWI_NS_PER_MS;
    peers_add(&view->members, peer);
}

static void note_announce(const struct heard *h, uint64_t peer)
{
    struct explain_view *view = model_view(h->model, h->record->view);
    if (view->announced_ns == NEVER_NS || h->at_ns < view->announced_ns) {
        view->announced_ns = h->at_ns;
    }
    view->told = (uint32_t)h->record->key;
    peers_add(&view->members, peer);
    h->model->view = HWI_MAX(h->model->view, view->number);
}

static void note_welcome(const struct heard *h)
{
    h->model->beat_ns = (int64_t)h->record->seq * (int64_t)HWI_NS_PER_MS;
}

// Sent again to each member that sends something after it: the first time counts.
static void note_evicted(const struct heard *h, struct explain_member *member)
{
    if (member->evicted_ns != NEVER_NS) {
        return;
    }
    member->evicted_ns = h->at_ns;
    member->evicted_status = (int32_t)(uint32_t)h->record->key;
}

// ---- a member's ring ---------------------------------------------------------------------------

static void from_master(const struct heard *h)
{
    struct explain_process *p = h->process;
    p->master_ns = h->at_ns;
    p->master_type = h->record->type;
    p->unanswered = 0;
    switch (h->record->type) {
    case HWI_MSG_welcome:
        note_welcome(h);
        break;
    case HWI_MSG_commit:
        note_commit(h, p->peer);
        break;
    case HWI_MSG_propose:
        note_propose(h, p->peer);
        break;
    case HWI_MSG_announce:
        note_announce(h, p->peer);
        p->view = HWI_MAX(p->view, h->record->view);
        break;
    case HWI_MSG_evicted:
        if (p->peer) {
            note_evicted(h, model_member(h->model, p->peer));
        }
        break;
    default:
        break;
    }
}

static void to_master(const struct heard *h)
{
    struct explain_process *p = h->process;
    if (p->unanswered++ == 0) {
        p->unanswered_ns = h->at_ns;
    }
    if (h->record->type == HWI_MSG_done) {
        note_done(h, p->peer);
    } else if (h->record->type == HWI_MSG_withdraw && h->model->master < 0) {
        note_withdraw(h, p->peer);
    } else if (h->record->type == HWI_MSG_leave && p->peer) {
        model_member(h->model, p->peer)->left_ns = h->at_ns;
    } else if (h->record->type == HWI_MSG_ready && p->peer) {
        peers_add(&model_view(h->model, h->record->view)->ready, p->peer);
    }
}

static void peer_hears(const struct heard *h)
{
    switch (h->record->type) {
    case HWI_MSG_open:
        h->process->open_ns = h->at_ns;
        break;
    case HWI_MSG_request:
        note_request(h);
        break;
    case HWI_MSG_edge_down:
        note_down(h, h->record->key);
        break;
    case HWI_MSG_edge_up:
        note_up(h, h->record->key);
        break;
    default:
        if (h->other.role == HWI_ROLE_MASTER) {
            from_master(h);
        }
    }
}

static void member_record(const struct heard *h)
{
    uint16_t type = h->record->type;
    uint64_t self = h->process->peer;
    if (h->actor == HWI_ROLE_PEER && !h->sent) {
        peer_hears(h);
    } else if (h->actor == HWI_ROLE_PEER && h->other.role == HWI_ROLE_MASTER) {
        to_master(h);
    } else if (h->actor == HWI_ROLE_PEER && type == HWI_MSG_reply) {
        note_reply(h);
    } else if (type == HWI_MSG_op_start || type == HWI_MSG_sync_start) {
        note_entered(h, self, type == HWI_MSG_op_start);
    } else if (type == HWI_MSG_call && !h->sent) {
        note_entered(h, h->other.id, true);
    } else if (type == HWI_MSG_call && h->record->view) {
        peers_add(&model_view(h->model, h->record->view)->members, h->other.id);
    }
}

// ---- the master's ring -------------------------------------------------------------------------

static void master_hears(const struct heard *h, struct explain_member *member)
{
    uint16_t type = h->record->type;
    if (type == HWI_MSG_unreachable) {
        if (member->evicted_ns == NEVER_NS) {
            member->unreachable_ns = h->at_ns;
        }
        return;
    }
    if (member->evicted_ns != NEVER_NS) {
        return; // it does not know yet that it is out
    }
    member->heard_ns = h->at_ns;
    member->heard_type = type;
    member->unreachable_ns = NEVER_NS;
    if (type == HWI_MSG_heartbeat) {
        member->beat_first_ns = member->beats++ ? member->beat_first_ns : h->at_ns;
        member->beat_last_ns = h->at_ns;
    } else if (type == HWI_MSG_done) {
        note_done(h, member->peer);
    } else if (type == HWI_MSG_withdraw) {
        note_withdraw(h, member->peer);
    } else if (type == HWI_MSG_sync_offer) {
        note_entered(h, member->peer, false);
    } else if (type == HWI_MSG_leave) {
        member->left_ns = h->at_ns;
    } else if (type == HWI_MSG_ready) {
        peers_add(&model_view(h->model, h->record->view)->ready, member->peer);
    }
}

static void master_says(const struct heard *h, struct explain_member *member)
{
    switch (h->record->type) {
    case HWI_MSG_welcome:
        note_welcome(h);
        break;
    case HWI_MSG_propose:
        note_propose(h, member->peer);
        break;
    case HWI_MSG_announce:
        note_announce(h, member->peer);
        break;
    case HWI_MSG_commit:
        note_commit(h, member->peer);
        break;
    case HWI_MSG_evicted:
        note_evicted(h, member);
        break;
    default:
        break;
    }
}

static void note_stored(struct explain_storing *storing, const struct heard *h)
{
    bool trouble = storing->failed_ns != NEVER_NS && storing->healed_ns == NEVER_NS;
    if ((int32_t)(uint32_t)h->record->key == HWS_OK) {
        storing->healed_ns = trouble ? h->at_ns : storing->healed_ns;
        return;
    }
    if (!trouble) {
        *storing = (struct explain_storing){.failed_ns = h->at_ns, .healed_ns = NEVER_NS};
    }
    storing->tries++;
}

static void master_record(const struct heard *h)
{
    if (h->record->type == HWI_MSG_stored && !h->sent) {
        note_stored(&h->model->storing, h);
    }
    if (h->record->type == HWI_MSG_master_start) {
        h->model->first_members = h->record->seq;
        h->model->started_ns = h->at_ns;
    }
    if (h->other.role != HWI_ROLE_PEER) {
        return;
    }
    if (h->sent && h->record->type == HWI_MSG_welcome) {
        model_name_session(h->model, h->other.id, h->record->key);
    }
    struct explain_member *member = model_session(h->model, h->other.id);
    if (member != NULL && h->sent) {
        master_says(h, member);
    } else if (member != NULL) {
        master_hears(h, member);
    }
}

void model_hear_group(struct explain_model *model, uint32_t process,
                      const struct hwi_ring_record *record)
{
    const struct explain_process *p = &model->processes[process];
    struct hwi_addr other = hwi_ring_other(record);
    struct explain_member *member = NULL;
    if (!p->master && p->peer) {
        member = model_member(model, p->peer);
    } else if (p->master && other.role == HWI_ROLE_PEER) {
        if (record->type == HWI_MSG_welcome) {
            model_name_session(model, other.id, record->key);
        }
        member = model_session(model, other.id);
    }
    if (member != NULL && record->type == HWI_MSG_done) {
        member->group = record->seq;
    } else if (member != NULL &&
               (record->type == HWI_MSG_open || record->type == HWI_MSG_registration)) {
        member->group = (uint32_t)(record->key >> 32);
    }
}

void model_hear(struct explain_model *model, uint32_t process, const struct hwi_ring_record *record)
{
    struct explain_process *p = &model->processes[process];
    struct heard h = {.model = model,
                      .process = p,
                      .record = record,
                      .at_ns = model_time(p, record->handled),
                      .actor = hwi_ring_actor(record),
                      .other = hwi_ring_other(record),
                      .sent = hwi_ring_is_sent(record)};
    if (h.sent) {
        p->speaks = true;
    } else if (h.actor < HWI_ROLE_MAX) {
        p->acted_ns[h.actor] = h.at_ns;
    }
    if (p->master) {
        master_record(&h);
    } else {
        member_record(&h);
    }
}
