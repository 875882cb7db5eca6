// SPDX-License-Identifier: MIT
// Calls that came before their operation started here: from members ahead of the trainer or of the
// view.
#include "collectives/reducer/early.h"

#include "actors/base/rows.h"

static struct hwi_early_peer *find_peer(struct hwi_early *early, uint64_t peer)
{
    return HWI_ROWS_FIND(struct hwi_early_peer, peer, early->peers, early->count, peer);
}

// NULL if there are too many senders.
static struct hwi_early_peer *add_peer(struct hwi_early *early, const struct hwi_alloc *alloc,
                                       uint64_t peer)
{
    if (early->count == HWI_MEMBERS_MAX) {
        return NULL;
    }
    uint32_t at = HWI_ROWS_PLACE(struct hwi_early_peer, peer, early->peers, early->count, peer);
    struct hwi_early_peer *sender =
        HWI_ROWS_INSERT(alloc, &early->peers, &early->count, &early->capacity, HWI_MEMBERS_MAX, at);
    sender->peer = peer;
    return sender;
}

// Index of the call for `op`, or `count`.
static uint32_t find_call(const struct hwi_early_peer *sender, struct hwi_op op)
{
    uint32_t i = 0;
    while (i < sender->count && !hwi_op_equal(sender->calls[i].op, op)) {
        i++;
    }
    return i;
}

static void push_call(struct hwi_early_peer *sender, const struct hwi_alloc *alloc,
                      const struct hwi_msg_call *call)
{
    if (sender->count == sender->capacity) {
        uint32_t capacity = sender->capacity ? sender->capacity * 2 : 4;
        sender->calls = hwi_resize(alloc, sender->calls, capacity * sizeof *sender->calls);
        sender->capacity = capacity;
    }
    sender->calls[sender->count++] = *call;
}

void hwi_early_keep(struct hwi_early *early, const struct hwi_alloc *alloc, uint64_t peer,
                    const struct hwi_msg_call *call)
{
    struct hwi_early_peer *sender = find_peer(early, peer);
    if (sender == NULL) {
        sender = add_peer(early, alloc, peer);
    }
    if (sender == NULL || call->op.view < sender->view) {
        return;
    }
    if (call->op.view > sender->view) {
        sender->view = call->op.view;
        sender->count = 0;
    }
    if (sender->count < HWI_OPS_MAX && find_call(sender, call->op) == sender->count) {
        push_call(sender, alloc, call);
    }
}

bool hwi_early_take(struct hwi_early *early, uint64_t peer, struct hwi_op op,
                    struct hwi_msg_call *call)
{
    struct hwi_early_peer *sender = find_peer(early, peer);
    if (sender == NULL) {
        return false;
    }
    uint32_t at = find_call(sender, op);
    if (at == sender->count) {
        return false;
    }
    *call = sender->calls[at];
    sender->calls[at] = sender->calls[--sender->count];
    return true;
}

void hwi_early_forget(struct hwi_early *early, const struct hwi_alloc *alloc, uint64_t view,
                      const uint64_t *members, uint32_t count)
{
    uint32_t kept = 0, at = 0;
    for (uint32_t i = 0; i < early->count; i++) {
        struct hwi_early_peer *sender = &early->peers[i];
        while (at < count && members[at] < sender->peer) {
            at++;
        }
        bool member = at < count && members[at] == sender->peer;
        if (sender->view > view || (sender->view == view && member)) {
            early->peers[kept++] = *sender;
        } else {
            hwi_free(alloc, sender->calls);
        }
    }
    early->count = kept;
}

void hwi_early_fini(struct hwi_early *early, const struct hwi_alloc *alloc)
{
    for (uint32_t i = 0; i < early->count; i++) {
        hwi_free(alloc, early->peers[i].calls);
    }
    hwi_free(alloc, early->peers);
    *early = (struct hwi_early){0};
}
