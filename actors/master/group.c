// SPDX-License-Identifier: MIT
#include "actors/master/group.h"

#include "actors/base/rows.h"
#include "actors/master/master.h"

static int compare_number(const void *item, const void *wanted)
{
    const struct hwi_master_group *group = item;
    const uint32_t *number = wanted;
    return (group->number > *number) - (group->number < *number);
}

struct hwi_master_group *hwi_master_group(const struct hwi_master *master, uint32_t number)
{
    return hwi_rows_find(master->groups, master->group_count, sizeof *master->groups,
                         compare_number, &number);
}

// The group of that number in the new view's list, which has room for it.
static struct hwi_master_group *enlist(struct hwi_master_group *groups, uint32_t *count,
                                       uint32_t number)
{
    uint32_t at = hwi_rows_place(groups, *count, sizeof *groups, compare_number, &number);
    if (at < *count && groups[at].number == number) {
        return &groups[at];
    }
    struct hwi_master_group *group = HWI_ROWS_OPEN(groups, count, at);
    group->number = number;
    return group;
}

void hwi_master_seat(struct hwi_master *master)
{
    struct hwi_master_group *groups = hwi_new(master->alloc, HWI_GROUPS_MAX * sizeof *groups);
    struct hwi_master_seat *seats =
        hwi_try_new(master->alloc, (master->session_count + 1) * sizeof *seats);
    if (seats == NULL) {
        hwi_free(master->alloc, groups);
    }
    HWI_CHECK_MEMORY(seats != NULL);
    uint32_t group_count = 0, seat_count = 0;
    master->member_count = master->view.largest = 0;
    for (uint32_t i = 0; i < master->session_count; i++) {
        struct hwi_master_session *session = &master->sessions[i];
        bool survives = session->member && session->proposed;
        session->member = session->proposed;
        session->proposed = false;
        if (!session->member) {
            continue;
        }
        struct hwi_master_group *group = enlist(groups, &group_count, session->group);
        const struct hwi_master_group *old =
            survives ? hwi_master_group(master, session->group) : NULL;
        group->ever_synced |= old != NULL && old->ever_synced;
        seats[seat_count++] = (struct hwi_master_seat){
            .peer = session->peer, .group = session->group, .rank = group->count++};
        group->members++;
        master->member_count++;
        master->view.largest = HWI_MAX(master->view.largest, group->count);
    }
    hwi_free(master->alloc, master->view.seats);
    hwi_free(master->alloc, master->groups);
    master->view.seats = seats;
    master->view.count = seat_count;
    master->groups = groups; // the actor's before it shrinks, which may fail
    master->groups = hwi_resize(master->alloc, groups, group_count * sizeof *groups);
    master->group_count = group_count;
}

int64_t hwi_master_rank(const struct hwi_master *master, uint64_t peer)
{
    const struct hwi_master_seat *seat =
        HWI_ROWS_FIND(struct hwi_master_seat, peer, master->view.seats, master->view.count, peer);
    return seat != NULL ? seat - master->view.seats : -1;
}
