// SPDX-License-Identifier: MIT
// Who is connected: members and newcomers.
#include "actors/base/place.h"
#include "actors/master/master.h"

#include <stdio.h>
#include <string.h>

#include <hawser/types.h>

// Index of the name, or of where it would be.
static uint32_t name_place(const struct master *m, uint64_t incarnation)
{
    return HWI_PLACE(struct session_name, incarnation, m->names, m->name_count, incarnation);
}

static void add_name(struct master *m, const struct session *s)
{
    if (m->name_count == m->name_capacity) {
        m->name_capacity = HWI_MAX(16, m->name_capacity * 2);
        m->names = hwi_resize(m->alloc, m->names, m->name_capacity * sizeof *m->names);
    }
    struct session_name *name = &m->names[name_place(m, s->incarnation)];
    memmove(name + 1, name, (size_t)(m->names + m->name_count++ - name) * sizeof *name);
    *name = (struct session_name){.incarnation = s->incarnation, .peer = s->peer};
}

static void remove_name(struct master *m, uint64_t incarnation)
{
    struct session_name *name = &m->names[name_place(m, incarnation)];
    memmove(name, name + 1, (size_t)(m->names + --m->name_count - name) * sizeof *name);
}

void hwi_master_index(struct master *m)
{
    m->name_count = m->member_count = m->unit_count = m->incomplete = 0;
    for (uint32_t i = 0; i < m->session_count; i++) {
        add_name(m, &m->sessions[i]);
        hwi_master_unit_enter(m, &m->sessions[i]);
        m->member_count += m->sessions[i].member;
    }
}

struct session *hwi_master_session(struct master *m, uint64_t incarnation)
{
    uint32_t at = name_place(m, incarnation);
    bool known = at < m->name_count && m->names[at].incarnation == incarnation;
    return known ? hwi_master_session_of_peer(m, m->names[at].peer) : NULL;
}

uint32_t hwi_master_session_place(const struct master *m, uint64_t peer)
{
    return HWI_PLACE(struct session, peer, m->sessions, m->session_count, peer);
}

struct session *hwi_master_session_of_peer(struct master *m, uint64_t peer)
{
    uint32_t at = hwi_master_session_place(m, peer);
    return at < m->session_count && m->sessions[at].peer == peer ? &m->sessions[at] : NULL;
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
    s->group = r->group;
    memcpy(s->unit, r->unit, sizeof s->unit);
    s->unit_size = r->unit_size;
    add_name(m, s);
    hwi_master_unit_enter(m, s);
    return s;
}

void hwi_master_sweep(struct master *m)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < m->session_count; i++) {
        struct session *s = &m->sessions[i];
        if (s->gone) {
            hwi_free(m->alloc, s->broken);
            hwi_free(m->alloc, s->tallies);
        } else if (kept++ != i) {
            m->sessions[kept - 1] = *s;
        }
    }
    m->session_count = kept;
}

uint32_t hwi_master_waiting(const struct master *m)
{
    return m->session_count - m->member_count - m->incomplete;
}

struct hwi_msg *hwi_master_tell(struct session *s, struct hwi_effects *fx, uint16_t type)
{
    s->sent++;
    return hwi_emit(fx, hwi_addr_of(HWI_ROLE_PEER, s->incarnation), type);
}

static bool dismiss(struct master *m, struct session *s, int status, const char *reason,
                    struct hwi_effects *fx)
{
    struct hwi_msg_evicted *e = MASTER_TELL(s, fx, evicted);
    e->incarnation = s->incarnation;
    e->status = status;
    strncpy(e->reason, reason, sizeof e->reason - 1);
    bool concerned = s->member || s->proposed;
    m->change |= s->member;
    if (s->member) {
        struct group *g = hwi_master_group(m, s->group);
        m->member_count--;
        g->members--;
        g->offers -= hwi_master_offered(m, s);
    }
    s->member = false;
    s->proposed = false;
    s->gone = true;
    remove_name(m, s->incarnation);
    hwi_master_unit_leave(m, s);
    return concerned;
}

bool hwi_master_dismiss(struct master *m, struct session *s, int status, const char *reason,
                        struct hwi_effects *fx)
{
    bool whole = s->member && s->unit[0] != '\0'; // of newcomers, the rest of the unit waits
    bool concerned = dismiss(m, s, status, reason, fx);
    for (uint32_t i = 0; whole && i < m->session_count; i++) {
        struct session *t = &m->sessions[i];
        if (!t->gone && strncmp(t->unit, s->unit, sizeof t->unit) == 0) {
            char lost[HWI_TEXT_BYTES_MAX];
            snprintf(lost, sizeof lost, "peer %llu of its unit is out",
                     (unsigned long long)s->peer);
            dismiss(m, t, HWS_E_EVICTED, lost, fx);
        }
    }
    return concerned;
}

void hwi_master_put_out(struct master *m, struct session *s, int status, const char *reason,
                        struct hwi_effects *fx)
{
    bool concerned = hwi_master_dismiss(m, s, status, reason, fx);
    hwi_master_sweep(m);
    if (concerned) {
        hwi_master_reform(m, fx);
    }
}
