// SPDX-License-Identifier: MIT
#include "actors/master/broken.h"

#include "actors/master/master.h"

static bool named(const struct hwi_master_session *session, const struct hwi_master_session *other)
{
    uint32_t word = other->place / 64;
    return word < session->broken_count && (session->broken[word] >> (other->place % 64) & 1) != 0;
}

bool hwi_master_is_broken(const struct hwi_master_session *session,
                          const struct hwi_master_session *other)
{
    return named(session, other) || named(other, session);
}

uint32_t hwi_master_broken_words(const struct hwi_master *master)
{
    return (master->proposed_count + 63) / 64;
}

void hwi_master_broken(struct hwi_master *master, struct hwi_master_session *session,
                       struct hwi_master_session *other)
{
    if (session == other || hwi_master_is_broken(session, other)) {
        return;
    }
    if (session->broken == NULL) {
        session->broken_count = hwi_master_broken_words(master);
        session->broken = hwi_new(master->alloc, session->broken_count * sizeof *session->broken);
    }
    session->broken[other->place / 64] |= UINT64_C(1) << (other->place % 64);
    session->edges++;
    other->edges++;
    session->member_edges += other->member;
    other->member_edges += session->member;
    master->broken_edges++;
    master->crossed |= session->member != other->member;
}

void hwi_master_broken_forget(const struct hwi_master *master, struct hwi_master_session *session)
{
    hwi_free(master->alloc, session->broken);
    session->broken = NULL;
    session->broken_count = session->edges = session->member_edges = 0;
}
