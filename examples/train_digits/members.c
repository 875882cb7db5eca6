// SPDX-License-Identifier: MIT
// Finds the members, and makes sure that all of them hold the same state.
#include "train_digits/trainer.h"

enum { ADMITS_MAX = 100 };

static bool is_member(const hws_result *view, hws_peer_id peer)
{
    for (uint32_t i = 0; i < view->member_count && i < HWS_RESULT_MEMBERS_MAX; i++) {
        if (view->members[i].value == peer.value) {
            return true;
        }
    }
    return false;
}

// After one operation all members note the same view. An operation that was in flight for long may
// be of an older one than what was noted last: numbers of views rise.
void members_note(struct trainer *t, const hws_result *now)
{
    if (now->view.value <= t->view.view.value) {
        return;
    }
    for (uint32_t i = 0; i < t->view.member_count && i < HWS_RESULT_MEMBERS_MAX; i++) {
        if (is_member(now, t->view.members[i])) {
            continue;
        }
        unsigned long long peer = t->view.members[i].value;
        printf("member %llu is gone\n", peer);
        report(t, "lost peer=%llu\n", peer);
    }
    report(t, "view number=%llu members=%u\n", (unsigned long long)now->view.value,
           now->member_count);
    t->view = *now;
    t->sync_due = true;
}

hws_status members_join(struct trainer *t)
{
    hws_config config = HWS_CONFIG_INIT; // all from the environment
    hws_status status = hws_open(&config, &t->comm);
    if (status) {
        return failed("cannot join", status);
    }
    t->view = (hws_result)HWS_RESULT_INIT;
    t->pending = 0; // the admitted member continues where the others do: after their vote to admit
    t->fresh = true;
    hws_result now = HWS_RESULT_INIT;
    status = hws_view(t->comm, &now);
    if (status) {
        return failed("cannot see the view", status);
    }
    members_note(t, &now);
    unsigned long long self = now.members[now.rank].value;
    printf("joined as member %llu, one of %u\n", self, now.member_count);
    report(t, "joined peer=%llu view=%llu members=%u\n", self, (unsigned long long)now.view.value,
           now.member_count);
    return HWS_OK;
}

// Votes until a vote holds: if the view changed meanwhile, it did so for all members.
static hws_status admit(struct trainer *t)
{
    hws_status status = HWS_E_VIEW;
    hws_result now = HWS_RESULT_INIT;
    for (int i = 0; i < ADMITS_MAX && hws_status_class(status) == HWS_CLASS_VIEW; i++) {
        status = i > 0 ? hws_view(t->comm, NULL) : HWS_OK;
        status = status ? status : hws_admit(t->comm, &now);
    }
    if (status == HWS_OK) {
        members_note(t, &now);
    }
    return status;
}

// All members have read the same `pending`, so either all vote or none.
hws_status members_admit(struct trainer *t)
{
    hws_status status = t->pending > 0 ? admit(t) : HWS_OK;
    t->pending = 0; // if the vote never held, the next step's tells again
    bool again = hws_status_class(status) == HWS_CLASS_VIEW;
    return status && !again ? failed("cannot admit", status) : HWS_OK;
}

hws_status members_refill(struct trainer *t)
{
    hws_result now = HWS_RESULT_INIT;
    hws_status status = hws_view(t->comm, &now);
    if (status == HWS_OK) {
        members_note(t, &now);
        printf("%u members are too few\n", now.member_count);
        report(t, "too_few members=%u\n", now.member_count);
        status = admit(t);
    }
    t->sync_due = true; // an admitted member begins with it
    t->pending = 0;
    return status ? failed("cannot admit", status) : HWS_OK;
}

// Newcomers get the state, the others only compare hashes.
hws_status members_sync(struct trainer *t)
{
    if (!t->sync_due) {
        return HWS_OK;
    }
    hws_options options = HWS_OPTIONS_INIT;
    hws_result now = HWS_RESULT_INIT;
    options.retry = 1;
    hws_status status = HWS_E_VIEW;
    for (int i = 0; i < TRIES_MAX && hws_status_class(status) == HWS_CLASS_VIEW; i++) {
        bool few = status == HWS_E_TOO_FEW;
        status = few ? members_refill(t) : i > 0 ? hws_view(t->comm, NULL) : HWS_OK;
        if (status == HWS_OK) {
            status = hws_sync(t->comm, t->state, HWS_SYNC_ENFORCE, &options, &now);
        }
    }
    if (status) {
        return failed("cannot sync", status);
    }
    members_note(t, &now);
    t->sync_due = false; // the sync ran in the view just noted
    t->fresh = t->fresh || now.bytes_received > 0;
    if (now.bytes_received > 0) {
        printf("synced to step %llu: %llu bytes from %u members\n", (unsigned long long)now.value,
               (unsigned long long)now.bytes_received, now.sources);
    }
    report(t, "synced step=%llu bytes=%llu sources=%u\n", (unsigned long long)now.value,
           (unsigned long long)now.bytes_received, now.sources);
    return HWS_OK;
}

hws_status members_vote(struct trainer *t)
{
    hws_op op = HWS_OP_INIT;
    op.what = HWS_AGREE;
    op.value = current_step(t) >= t->options.steps;
    op.agree_op = HWS_AGREE_AND;
    op.options.tag = TAG_FINISHED;
    hws_status status = flight_start(t, &op, &t->vote);
    return status ? failed("cannot vote", status) : HWS_OK;
}

hws_status members_hear_vote(struct trainer *t, bool *finished)
{
    hws_status status = flight_finish(t, &t->vote);
    if (status) {
        return failed("cannot agree", status);
    }
    members_note(t, &t->vote.result);
    t->pending = t->vote.result.pending;
    *finished = t->vote.result.value == 1;
    return HWS_OK;
}
