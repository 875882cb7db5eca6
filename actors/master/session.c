// SPDX-License-Identifier: MIT
#include "actors/master/session.h"

#include <string.h>

#include "actors/base/rows.h"
#include "actors/master/master.h"
#include "actors/master/trial.h"
#include "actors/master/unit.h"

// Index of the name, or of where it would be.
static uint32_t name_place(const struct hwi_master *master, uint64_t incarnation)
{
    return HWI_ROWS_PLACE(struct hwi_master_session_name, incarnation, master->names,
                          master->name_count, incarnation);
}

static void add_name(struct hwi_master *master, const struct hwi_master_session *session)
{
    struct hwi_master_session_name *name =
        HWI_ROWS_INSERT(master->alloc, &master->names, &master->name_count, &master->name_capacity,
                        HWI_MEMBERS_MAX, name_place(master, session->incarnation));
    *name = (struct hwi_master_session_name){.incarnation = session->incarnation,
                                             .peer = session->peer};
}

void hwi_master_session_unname(struct hwi_master *master, uint64_t incarnation)
{
    HWI_ROWS_REMOVE(master->names, &master->name_count, name_place(master, incarnation));
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

struct hwi_master_session *hwi_master_session(const struct hwi_master *master, uint64_t incarnation)
{
    const struct hwi_master_session_name *name =
        HWI_ROWS_FIND(struct hwi_master_session_name, incarnation, master->names,
                      master->name_count, incarnation);
    return name != NULL ? hwi_master_session_of_peer(master, name->peer) : NULL;
}

uint32_t hwi_master_session_place(const struct hwi_master *master, uint64_t peer)
{
    return HWI_ROWS_PLACE(struct hwi_master_session, peer, master->sessions, master->session_count,
                          peer);
}

struct hwi_master_session *hwi_master_session_of_peer(const struct hwi_master *master,
                                                      uint64_t peer)
{
    return HWI_ROWS_FIND(struct hwi_master_session, peer, master->sessions, master->session_count,
                         peer);
}

struct hwi_master_session *hwi_master_session_add(struct hwi_master *master,
                                                  const struct hwi_msg_registration *registration)
{
    struct hwi_master_session *session =
        HWI_ROWS_INSERT(master->alloc, &master->sessions, &master->session_count,
                        &master->session_capacity, HWI_MEMBERS_MAX, master->session_count);
    session->peer = ++master->next_peer;
    session->incarnation = registration->incarnation;
    session->heard_ns = master->now_ns;
    memcpy(session->address, registration->address, sizeof session->address);
    session->group = registration->group;
    memcpy(session->unit, registration->unit, sizeof session->unit);
    session->unit_size = registration->unit_size;
    session->revision = registration->revision;
    session->has_revision = registration->has_revision != 0;
    session->facts.pid = registration->pid;
    memcpy(session->facts.host, registration->host, sizeof session->facts.host);
    add_name(master, session);
    hwi_master_unit_enter(master, session);
    return session;
}

void hwi_master_sweep(struct hwi_master *master)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < master->session_count; i++) {
        struct hwi_master_session *session = &master->sessions[i];
        if (session->gone) {
            hwi_free(master->alloc, session->broken);
            hwi_free(master->alloc, session->tallies);
        } else if (kept++ != i) {
            master->sessions[kept - 1] = *session;
        }
    }
    master->session_count = kept;
    hwi_master_trial_count(master);
}

uint32_t hwi_master_newcomers(const struct hwi_master *master)
{
    return master->session_count - master->member_count - master->incomplete;
}

uint32_t hwi_master_waiting(const struct hwi_master *master)
{
    return master->member_count > 0 ? master->proven : hwi_master_newcomers(master);
}

struct hwi_msg *hwi_master_tell(struct hwi_master_session *session, struct hwi_effects *effects,
                                uint16_t type)
{
    session->sent++;
    return hwi_emit(effects, hwi_addr_of(HWI_ROLE_PEER, session->incarnation), type);
}
