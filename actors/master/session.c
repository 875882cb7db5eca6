// SPDX-License-Identifier: MIT
// Who is connected: members and newcomers.
#include "actors/master/master.h"

#include <string.h>

struct session *hwi_master_session(struct master *m, uint64_t incarnation)
{
    for (uint32_t i = 0; i < m->session_count; i++) {
        if (m->sessions[i].incarnation == incarnation) {
            return &m->sessions[i];
        }
    }
    return NULL;
}

struct session *hwi_master_session_of_peer(struct master *m, uint64_t peer)
{
    uint32_t low = 0, high = m->session_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (m->sessions[middle].peer < peer) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < m->session_count && m->sessions[low].peer == peer ? &m->sessions[low] : NULL;
}

struct session *hwi_master_session_add(struct master *m, const struct hwi_msg_registration *r)
{
    if (m->session_count == m->session_capacity) {
        uint32_t capacity = HWI_MAX(16, m->session_capacity * 2);
        m->sessions = hwi_resize(m->alloc, m->sessions, capacity * sizeof *m->sessions);
        m->session_capacity = capacity;
    }
    struct session *s = &m->sessions[m->session_count++];
    memset(s, 0, sizeof *s);
    s->peer = ++m->next_peer;
    s->incarnation = r->incarnation;
    s->heard_ns = m->now_ns;
    memcpy(s->address, r->address, sizeof s->address);
    return s;
}

void hwi_master_session_remove(struct master *m, struct session *s)
{
    hwi_free(m->alloc, s->broken);
    hwi_free(m->alloc, s->tallies);
    uint32_t index = (uint32_t)(s - m->sessions);
    m->session_count--;
    memmove(s, s + 1, (m->session_count - index) * sizeof *s);
}

uint32_t hwi_master_waiting(const struct master *m)
{
    uint32_t waiting = 0;
    for (uint32_t i = 0; i < m->session_count; i++) {
        waiting += !m->sessions[i].member;
    }
    return waiting;
}

struct hwi_msg *hwi_master_tell(struct session *s, struct hwi_effects *fx, uint16_t type)
{
    s->sent++;
    return hwi_emit(fx, hwi_addr_of(HWI_ROLE_PEER, s->incarnation), type);
}

bool hwi_master_dismiss(struct master *m, struct session *s, int status, const char *reason,
                        struct hwi_effects *fx)
{
    struct hwi_msg_evicted *e = MASTER_TELL(s, fx, evicted);
    e->incarnation = s->incarnation;
    e->status = status;
    strncpy(e->reason, reason, sizeof e->reason - 1);
    bool concerned = s->member || s->proposed;
    m->change |= s->member;
    hwi_master_session_remove(m, s);
    return concerned;
}

void hwi_master_put_out(struct master *m, struct session *s, int status, const char *reason,
                        struct hwi_effects *fx)
{
    if (hwi_master_dismiss(m, s, status, reason, fx)) {
        hwi_master_reform(m, fx);
    }
}
