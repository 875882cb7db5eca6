// SPDX-License-Identifier: MIT
// Who sits where in the view in force, and the groups that they make.
#include "actors/base/place.h"
#include "actors/master/master.h"

#include <string.h>

static uint32_t place_of(const struct group *groups, uint32_t count, uint32_t number)
{
    uint32_t low = 0, high = count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        bool before = groups[middle].number < number;
        low = before ? middle + 1 : low;
        high = before ? high : middle;
    }
    return low;
}

struct group *hwi_master_group(struct master *m, uint32_t number)
{
    uint32_t at = place_of(m->groups, m->group_count, number);
    return at < m->group_count && m->groups[at].number == number ? &m->groups[at] : NULL;
}

// The group of that number in the new view's list, which has room for it.
static struct group *enlist(struct group *groups, uint32_t *count, uint32_t number)
{
    struct group *g = &groups[place_of(groups, *count, number)];
    if (g == groups + *count || g->number != number) {
        memmove(g + 1, g, (size_t)(groups + (*count)++ - g) * sizeof *g);
        *g = (struct group){.number = number};
    }
    return g;
}

void hwi_master_seat(struct master *m)
{
    struct group *groups = hwi_new(m->alloc, HWI_GROUPS_MAX * sizeof *groups);
    struct seat *seats = hwi_new(m->alloc, (m->session_count + 1) * sizeof *seats);
    uint32_t group_count = 0, seat_count = 0;
    m->member_count = m->view.largest = 0;
    for (uint32_t i = 0; i < m->session_count; i++) {
        struct session *s = &m->sessions[i];
        bool survives = s->member && s->proposed;
        s->member = s->proposed;
        s->proposed = false;
        if (!s->member) {
            continue;
        }
        struct group *g = enlist(groups, &group_count, s->group);
        const struct group *old = survives ? hwi_master_group(m, s->group) : NULL;
        g->ever_synced |= old != NULL && old->ever_synced;
        seats[seat_count++] = (struct seat){.peer = s->peer, .group = s->group, .rank = g->count++};
        g->members++;
        m->member_count++;
        m->view.largest = HWI_MAX(m->view.largest, g->count);
    }
    hwi_free(m->alloc, m->view.seats);
    hwi_free(m->alloc, m->groups);
    m->view.seats = seats;
    m->view.count = seat_count;
    m->groups = hwi_resize(m->alloc, groups, group_count * sizeof *groups);
    m->group_count = group_count;
}

int64_t hwi_master_rank(const struct master *m, uint64_t peer)
{
    uint32_t at = HWI_PLACE(struct seat, peer, m->view.seats, m->view.count, peer);
    return at < m->view.count && m->view.seats[at].peer == peer ? (int64_t)at : -1;
}
