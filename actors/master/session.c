// SPDX-License-Identifier: MIT
// Who is connected: members and newcomers.
#include "actors/base/place.h"
#include "actors/master/master.h"

#include <stdio.h>
#include <string.h>

#include <hawser/types.h>

// Index of the name, or of where it would be.
static uint32_t name_place(const struct hwi_master *master, uint64_t incarnation)
{
    return HWI_PLACE(struct hwi_master_session_name, incarnation, master->names, master->name_count,
                     incarnation);
}

static void add_name(struct hwi_master *master, const struct hwi_master_session *s)
{
    if (master->name_count == master->name_capacity) {
        master->name_capacity = HWI_MAX(16, master->name_capacity * 2);
        master->names =
            hwi_resize(master->alloc, master->names, master->name_capacity * sizeof *master->names);
    }
    struct hwi_master_session_name *name = &master->names[name_place(master, s->incarnation)];
    memmove(name + 1, name, (size_t)(master->names + master->name_count++ - name) * sizeof *name);
    *name = (struct hwi_master_session_name){.incarnation = s->incarnation, .peer = s->peer};
}

static void remove_name(struct hwi_master *master, uint64_t incarnation)
{
    struct hwi_master_session_name *name = &master->names[name_place(master, incarnation)];
    memmove(name, name + 1, (size_t)(master->names + --master->name_count - name) * sizeof *name);
}

void hwi_master_index(struct hwi_master *master)
{
    master->name_count = master->member_count = master->unit_count = master->incomplete = 0;
    for (uint32_t i = 0; i < master->session_count; i++) {
        add_name(master, &master->sessions[i]);
        hwi_master_unit_enter(master, &master->sessions[i]);
        master->member_count += master->sessions[i].member;
    }
}

struct hwi_master_session *hwi_master_session(struct hwi_master *master, uint64_t incarnation)
{
    uint32_t at = name_place(master, incarnation);
    bool known = at < master->name_count && master->names[at].incarnation == incarnation;
    return known ? hwi_master_session_of_peer(master, master->names[at].peer) : NULL;
}

uint32_t hwi_master_session_place(const struct hwi_master *master, uint64_t peer)
{
    return HWI_PLACE(struct hwi_master_session, peer, master->sessions, master->session_count,
                     peer);
}

struct hwi_master_session *hwi_master_session_of_peer(struct hwi_master *master, uint64_t peer)
{
    uint32_t at = hwi_master_session_place(master, peer);
    return at < master->session_count && master->sessions[at].peer == peer ? &master->sessions[at]
                                                                           : NULL;
}

struct hwi_master_session *hwi_master_session_add(struct hwi_master *master,
                                                  const struct hwi_msg_registration *r)
{
    if (master->session_count == master->session_capacity) {
        uint32_t capacity = HWI_MAX(16, master->session_capacity * 2);
        master->sessions =
            hwi_resize(master->alloc, master->sessions, capacity * sizeof *master->sessions);
        master->session_capacity = capacity;
    }
    struct hwi_master_session *s = &master->sessions[master->session_count++];
    memset(s, 0, sizeof *s);
    s->peer = ++master->next_peer;
    s->incarnation = r->incarnation;
    s->heard_ns = master->now_ns;
    memcpy(s->address, r->address, sizeof s->address);
    s->group = r->group;
    memcpy(s->unit, r->unit, sizeof s->unit);
    s->unit_size = r->unit_size;
    add_name(master, s);
    hwi_master_unit_enter(master, s);
    return s;
}

void hwi_master_sweep(struct hwi_master *master)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < master->session_count; i++) {
        struct hwi_master_session *s = &master->sessions[i];
        if (s->gone) {
            hwi_free(master->alloc, s->broken);
            hwi_free(master->alloc, s->tallies);
        } else if (kept++ != i) {
            master->sessions[kept - 1] = *s;
        }
    }
    master->session_count = kept;
}

uint32_t hwi_master_waiting(const struct hwi_master *master)
{
    return master->session_count - master->member_count - master->incomplete;
}

struct hwi_msg *hwi_master_tell(struct hwi_master_session *s, struct hwi_effects *effects,
                                uint16_t type)
{
    s->sent++;
    return hwi_emit(effects, hwi_addr_of(HWI_ROLE_PEER, s->incarnation), type);
}

static bool dismiss(struct hwi_master *master, struct hwi_master_session *s, int status,
                    const char *reason, struct hwi_effects *effects)
{
    struct hwi_msg_evicted *e = HWI_MASTER_TELL(s, effects, evicted);
    e->incarnation = s->incarnation;
    e->status = status;
    strncpy(e->reason, reason, sizeof e->reason - 1);
    bool concerned = s->member || s->proposed;
    master->change |= s->member;
    if (s->member) {
        struct hwi_master_group *g = hwi_master_group(master, s->group);
        master->member_count--;
        g->members--;
        g->offers -= hwi_master_offered(master, s);
    }
    s->member = false;
    s->proposed = false;
    s->gone = true;
    remove_name(master, s->incarnation);
    hwi_master_unit_leave(master, s);
    return concerned;
}

bool hwi_master_dismiss(struct hwi_master *master, struct hwi_master_session *s, int status,
                        const char *reason, struct hwi_effects *effects)
{
    bool whole = s->member && s->unit[0] != '\0'; // of newcomers, the rest of the unit waits
    bool concerned = dismiss(master, s, status, reason, effects);
    for (uint32_t i = 0; whole && i < master->session_count; i++) {
        struct hwi_master_session *t = &master->sessions[i];
        if (!t->gone && strncmp(t->unit, s->unit, sizeof t->unit) == 0) {
            char lost[HWI_TEXT_BYTES_MAX];
            snprintf(lost, sizeof lost, "peer %llu of its unit is out",
                     (unsigned long long)s->peer);
            dismiss(master, t, HWS_E_EVICTED, lost, effects);
        }
    }
    return concerned;
}

void hwi_master_put_out(struct hwi_master *master, struct hwi_master_session *s, int status,
                        const char *reason, struct hwi_effects *effects)
{
    bool concerned = hwi_master_dismiss(master, s, status, reason, effects);
    hwi_master_sweep(master);
    if (concerned) {
        hwi_master_reform(master, effects);
    }
}
