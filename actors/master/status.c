// SPDX-License-Identifier: MIT
// How the run stands, for the status command.
#include "actors/master/master.h"

#include <string.h>

// Operations of the channel that this member said it entered, at its last heartbeat.
static uint32_t entered_by(const struct session *s, uint8_t kind, uint64_t tag, uint32_t *done)
{
    for (uint32_t i = 0; i < s->tally_count; i++) {
        if (s->tallies[i].kind == kind && s->tallies[i].tag == tag) {
            *done = s->tallies[i].done;
            return s->tallies[i].entered;
        }
    }
    *done = 0;
    return 0;
}

static void list_waits(struct master *m, struct hwi_status_op *op, struct hwi_effects *fx)
{
    op->absent = hwi_effects_memory(fx, m->view.count * sizeof *op->absent);
    op->working = hwi_effects_memory(fx, m->view.count * sizeof *op->working);
    const struct channel *c = hwi_master_channel_known(m, op->kind, op->tag);
    for (uint32_t i = 0; i < m->session_count; i++) {
        const struct session *s = &m->sessions[i];
        if (!s->member) {
            continue;
        }
        uint32_t done, entered = entered_by(s, op->kind, op->tag, &done);
        if (c != NULL) {
            done = HWI_MAX(done, c->counts[hwi_master_rank(m, s->peer)]);
        }
        if (done > op->seq) {
            continue;
        }
        if (entered > op->seq) {
            op->working[op->working_count++].value = s->peer;
        } else {
            op->absent[op->absent_count++].value = s->peer;
        }
    }
}

static bool listed(const struct hwi_msg_status *st, uint8_t kind, uint64_t tag)
{
    for (uint32_t i = 0; i < st->ops_count; i++) {
        if (st->ops[i].kind == kind && st->ops[i].tag == tag) {
            return true;
        }
    }
    return false;
}

static void list_ops(struct master *m, struct hwi_msg_status *st, struct hwi_effects *fx)
{
    st->ops = hwi_effects_memory(fx, HWI_OPS_MAX * sizeof *st->ops);
    for (uint32_t i = 0; i < m->session_count; i++) {
        const struct session *s = &m->sessions[i];
        for (uint32_t j = 0; j < s->tally_count && s->member; j++) {
            const struct hwi_tally *t = &s->tallies[j];
            const struct channel *c = hwi_master_channel_known(m, t->kind, t->tag);
            uint32_t committed = c == NULL ? 0 : c->committed;
            if (t->entered <= committed || listed(st, t->kind, t->tag) ||
                st->ops_count == HWI_OPS_MAX) {
                continue;
            }
            struct hwi_status_op *op = &st->ops[st->ops_count++];
            *op = (struct hwi_status_op){.kind = t->kind, .tag = t->tag, .seq = committed};
            list_waits(m, op, fx);
        }
    }
}

void hwi_master_status(struct master *m, uint64_t tool, struct hwi_effects *fx)
{
    struct hwi_msg_status *st = HWI_EMIT(fx, hwi_addr_of(HWI_ROLE_TOOL, tool), status);
    st->run = m->run;
    st->view = m->view.number;
    st->proposal = m->proposal;
    st->min_members = m->config.min_members;
    st->committed = m->committed_total;
    st->aborted = m->aborted_total;
    st->members = hwi_effects_memory(fx, m->session_count * sizeof *st->members);
    st->members_count = m->session_count;
    for (uint32_t i = 0; i < m->session_count; i++) {
        const struct session *s = &m->sessions[i];
        struct hwi_status_member *member = &st->members[i];
        *member = (struct hwi_status_member){.peer = s->peer,
                                             .synced = s->synced,
                                             .silent_ns = m->now_ns - s->heard_ns,
                                             .standing = (uint8_t)(s->member     ? 2
                                                                   : s->proposed ? 1
                                                                                 : 0)};
        memcpy(member->address, s->address, sizeof member->address);
    }
    list_ops(m, st, fx);
}
