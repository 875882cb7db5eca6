// SPDX-License-Identifier: MIT
// Who sits where in the view in force, and the groups that they make.
#include "actors/base/place.h"
#include "actors/master/master.h"

#include <string.h>

static uint32_t place_of(const struct hwi_master_group *groups, uint32_t count, uint32_t number)
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

struct hwi_master_group *hwi_master_group(struct hwi_master *master, uint32_t number)
{
    uint32_t at = place_of(master->groups, master->group_count, number);
    return at < master->group_count && master->groups[at].number == number ? &master->groups[at]
                                                                           : NULL;
}

// The group of that number in the new view's list, which has room for it.
static struct hwi_master_group *enlist(struct hwi_master_group *groups, uint32_t *count,
                                       uint32_t number)
{
    struct hwi_master_group *g = &groups[place_of(groups, *count, number)];
    if (g == groups + *count || g->number != number) {
        memmove(g + 1, g, (size_t)(groups + (*count)++ - g) * sizeof *g);
        *g = (struct hwi_master_group){.number = number};
    }
    return g;
}

void hwi_master_seat(struct hwi_master *master)
{
    struct hwi_master_group *groups = hwi_new(master->alloc, HWI_GROUPS_MAX * sizeof *groups);
    struct hwi_master_seat *seats =
        hwi_new(master->alloc, (master->session_count + 1) * sizeof *seats);
    uint32_t group_count = 0, seat_count = 0;
    master->member_count = master->view.largest = 0;
    for (uint32_t i = 0; i < master->session_count; i++) {
        struct hwi_master_session *s = &master->sessions[i];
        bool survives = s->member && s->proposed;
        s->member = s->proposed;
        s->proposed = false;
        if (!s->member) {
            continue;
        }
        struct hwi_master_group *g = enlist(groups, &group_count, s->group);
        const struct hwi_master_group *old = survives ? hwi_master_group(master, s->group) : NULL;
        g->ever_synced |= old != NULL && old->ever_synced;
        seats[seat_count++] =
            (struct hwi_master_seat){.peer = s->peer, .group = s->group, .rank = g->count++};
        g->members++;
        master->member_count++;
        master->view.largest = HWI_MAX(master->view.largest, g->count);
    }
    hwi_free(master->alloc, master->view.seats);
    hwi_free(master->alloc, master->groups);
    master->view.seats = seats;
    master->view.count = seat_count;
    master->groups = hwi_resize(master->alloc, groups, group_count * sizeof *groups);
    master->group_count = group_count;
}

int64_t hwi_master_rank(const struct hwi_master *master, uint64_t peer)
{
    uint32_t at =
        HWI_PLACE(struct hwi_master_seat, peer, master->view.seats, master->view.count, peer);
    return at < master->view.count && master->view.seats[at].peer == peer ? (int64_t)at : -1;
}
