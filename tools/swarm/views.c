// SPDX-License-Identifier: MIT
// The rules of views: each has one list of members for ever, of the run and of each group; a
// removed incarnation never comes back; units are in them whole.
#include "tools/swarm/crew.h"

#include "actors/base/rows.h"

static int compare(const void *item, const void *wanted)
{
    const struct swarm_view *a = item, *b = wanted;
    if (a->number != b->number) {
        return a->number < b->number ? -1 : 1;
    }
    return (a->scope > b->scope) - (a->scope < b->scope);
}

// Where a view is among the views, or belongs.
static uint32_t place_of(const struct swarm *s, uint64_t number, uint32_t scope)
{
    struct swarm_view wanted = {.number = number, .scope = scope};
    return hwi_rows_place(s->views, s->view_count, sizeof wanted, compare, &wanted);
}

// NULL = nobody named it yet.
static struct swarm_view *view_of(struct swarm *s, uint64_t number, uint32_t scope)
{
    uint32_t at = place_of(s, number, scope);
    if (at == s->view_count || s->views[at].number != number || s->views[at].scope != scope) {
        return NULL;
    }
    return &s->views[at];
}

static bool in_view(const struct swarm_view *view, uint64_t peer)
{
    for (uint32_t i = 0; i < view->count; i++) {
        if (view->peers[i] == peer) {
            return true;
        }
    }
    return false;
}

// An incarnation is in an unbroken row of views: a removed one never comes back.
static void check_row(struct swarm *s, uint64_t peer, const struct swarm_life *life)
{
    for (uint32_t i = 0; i < s->view_count; i++) {
        const struct swarm_view *view = &s->views[i];
        bool between = view->number > life->first_view && view->number < life->last_view &&
                       (view->scope == 0 || view->scope == 1 + swarm_group(s, life->seat));
        if (between && !in_view(view, peer)) {
            swarm_fail(
                s, SWARM_SAFETY,
                "views: member %llu is in views %llu and %llu and not in %llu: it was removed "
                "and came back",
                (unsigned long long)peer, (unsigned long long)life->first_view,
                (unsigned long long)life->last_view, (unsigned long long)view->number);
        }
    }
}

static void check_rows(struct swarm *s, const struct swarm_view *named)
{
    for (uint64_t peer = 0; peer < s->life_count; peer++) {
        struct swarm_life *life = swarm_life(s, peer);
        if (life != NULL && in_view(named, peer)) {
            life->first_view = HWI_MIN(life->first_view, named->number);
            life->last_view = HWI_MAX(life->last_view, named->number);
        }
        if (life != NULL) {
            check_row(s, peer, life);
        }
    }
}

// The group's members are those of the run that are in the group, as far as they are known.
static void check_scopes(struct swarm *s, uint64_t number, uint32_t scope)
{
    const struct swarm_view *run = view_of(s, number, 0), *group = view_of(s, number, scope);
    for (uint32_t i = 0; run != NULL && group != NULL && i < run->count; i++) {
        const struct swarm_life *life = swarm_life(s, run->peers[i]);
        bool belongs = life != NULL && 1 + swarm_group(s, life->seat) == scope;
        if (life != NULL && in_view(group, run->peers[i]) != belongs) {
            swarm_fail(
                s, SWARM_SAFETY,
                "groups: member %llu, of group %u, is in view %llu, but the replies of group "
                "%u differ",
                (unsigned long long)run->peers[i], swarm_group(s, life->seat),
                (unsigned long long)number, scope - 1);
        }
    }
}

static bool in_order(const struct swarm_view *view)
{
    for (uint32_t i = 1; i < view->count; i++) {
        if (view->peers[i - 1] >= view->peers[i]) {
            return false;
        }
    }
    return true;
}

static void check_new(struct swarm *s, const struct swarm_view *view)
{
    uint64_t number = view->number;
    if (!in_order(view)) {
        swarm_fail(s, SWARM_SAFETY, "views: the members of view %llu are not in order",
                   (unsigned long long)number);
    }
    check_rows(s, view);
    for (uint32_t scope = 1; scope <= s->traits.groups; scope++) {
        check_scopes(s, number, scope);
    }
}

static void add_view(struct swarm *s, uint32_t at, uint32_t scope,
                     const struct hwi_msg_reply *reply)
{
    s->views = swarm_grow(s->views, s->view_count, &s->view_capacity, sizeof *s->views);
    struct swarm_view *view = HWI_ROWS_OPEN(s->views, &s->view_count, at);
    *view =
        (struct swarm_view){.number = reply->view, .scope = scope, .count = reply->members_count};
    view->peers = hwi_new(&hwi_alloc_libc, (view->count + 1) * sizeof *view->peers);
    for (uint32_t i = 0; i < view->count; i++) {
        view->peers[i] = reply->members[i].value;
    }
    s->outcome->views += view->number > s->newest_view;
    s->newest_view = HWI_MAX(s->newest_view, view->number);
    check_new(s, view);
}

// The view's number names one list of members for ever, and ranks are places in it.
static void check_members(struct swarm *s, const struct swarm_seat *seat, uint32_t scope,
                          const struct hwi_msg_reply *reply)
{
    const struct swarm_view *view = view_of(s, reply->view, scope);
    if (view == NULL) {
        add_view(s, place_of(s, reply->view, scope), scope, reply);
        return;
    }
    bool same = view->count == reply->members_count;
    for (uint32_t i = 0; same && i < view->count; i++) {
        same = view->peers[i] == reply->members[i].value;
    }
    if (!same) {
        swarm_fail(s, SWARM_SAFETY,
                   "views: process %u got other members of view %llu than an earlier member",
                   seat->node, (unsigned long long)reply->view);
    }
}

// How many groups there are, and the largest; false if not all members are known.
static bool count_groups(struct swarm *s, const struct swarm_view *run, uint32_t *groups,
                         uint32_t *largest)
{
    uint32_t members[GROUPS] = {0};
    *groups = *largest = 0;
    for (uint32_t i = 0; i < run->count; i++) {
        const struct swarm_life *life = swarm_life(s, run->peers[i]);
        if (life == NULL) {
            return false;
        }
        uint32_t *group = &members[swarm_group(s, life->seat)];
        *groups += (*group)++ == 0;
        *largest = HWI_MAX(*largest, *group);
    }
    return true;
}

static void check_sizes(struct swarm *s, const struct swarm_seat *seat,
                        const struct hwi_msg_reply *reply)
{
    const struct swarm_view *run = view_of(s, reply->view, 0);
    uint32_t groups, largest;
    if (run == NULL || !count_groups(s, run, &groups, &largest)) {
        return;
    }
    if (reply->group != swarm_group(s, seat->node) || reply->run_members != run->count ||
        reply->group_count != groups || reply->group_largest != largest) {
        swarm_fail(s, SWARM_SAFETY,
                   "groups: the reply of process %u says group %u, %u members in %u groups, the "
                   "largest of %u, in view %llu",
                   seat->node, reply->group, reply->run_members, reply->group_count,
                   reply->group_largest, (unsigned long long)reply->view);
    }
}

// Units are in a view whole or not at all.
static void check_units_of(struct swarm *s, const struct swarm_view *run)
{
    uint32_t unknown = 0, members[SWARM_PEERS_MAX] = {0};
    for (uint32_t i = 0; i < run->count; i++) {
        const struct swarm_life *life = swarm_life(s, run->peers[i]);
        uint32_t unit = life != NULL ? swarm_unit(s, life->seat) : UINT32_MAX;
        unknown += life == NULL;
        if (unit != UINT32_MAX) {
            members[unit]++;
        }
    }
    for (uint32_t unit = 0; unit < SWARM_PEERS_MAX; unit++) {
        if (members[unit] > 0 && members[unit] + unknown < s->traits.unit) {
            swarm_fail(s, SWARM_SAFETY, "units: view %llu has %u of the %u processes of unit %u",
                       (unsigned long long)run->number, members[unit], s->traits.unit, unit);
        }
    }
}

void swarm_check_units(struct swarm *s)
{
    for (uint32_t i = 0; i < s->view_count && s->traits.unit > 0; i++) {
        if (s->views[i].scope == 0) {
            check_units_of(s, &s->views[i]);
        }
    }
}

static void enrol(struct swarm *s, struct swarm_seat *seat, const struct hwi_msg_reply *reply)
{
    uint64_t peer = reply->members[reply->rank].value;
    if (peer >= 1 << 20 || swarm_life(s, peer) != NULL) {
        swarm_fail(s, SWARM_SAFETY,
                   "views: process %u opened as member %llu, which somebody was before", seat->node,
                   (unsigned long long)peer);
        return;
    }
    while (s->life_count <= peer) {
        s->lives = swarm_grow(s->lives, s->life_count, &s->life_capacity, sizeof *s->lives);
        s->lives[s->life_count++] = (struct swarm_life){.seat = UINT32_MAX};
    }
    seat->peer = peer;
    s->lives[peer] = (struct swarm_life){.seat = seat->node,
                                         .number = seat->life,
                                         .incarnation = seat->incarnation,
                                         .first_view = reply->view,
                                         .last_view = reply->view};
}

void swarm_check_view(struct swarm *s, struct swarm_seat *seat, uint8_t kind,
                      const struct hwi_msg_reply *reply)
{
    bool ok = reply->status == HWS_OK;
    if (ok && (reply->view == 0 || reply->rank >= reply->members_count)) {
        swarm_fail(s, SWARM_SAFETY, "views: process %u got OK with view %llu, rank %u of %u",
                   seat->node, (unsigned long long)reply->view, reply->rank, reply->members_count);
        return;
    }
    if (ok && seat->peer == 0) {
        enrol(s, seat, reply);
    }
    if (swarm_failed(s) || reply->members_count == 0) {
        return;
    }
    check_members(s, seat, swarm_scope(s, seat, kind), reply);
    if (ok && !swarm_failed(s)) {
        check_sizes(s, seat, reply);
    }
    if (ok && reply->members[reply->rank].value != seat->peer) {
        swarm_fail(s, SWARM_SAFETY,
                   "views: process %u is member %llu and got rank %u of view %llu, "
                   "which is another's",
                   seat->node, (unsigned long long)seat->peer, reply->rank,
                   (unsigned long long)reply->view);
    } else if (ok && reply->view < seat->seen_view) {
        swarm_fail(s, SWARM_SAFETY, "views: process %u was in view %llu and then got OK in %llu",
                   seat->node, (unsigned long long)seat->seen_view,
                   (unsigned long long)reply->view);
    }
    if (ok && seat->denied.view != 0 && reply->view > seat->denied.view) {
        swarm_fail(s, SWARM_SAFETY,
                   "C3: process %u got OK for a call on channel %u in view %llu, and process %u, "
                   "which was in that view and is in view %llu, got another result",
                   seat->denied.by, seat->denied.channel, (unsigned long long)seat->denied.view,
                   seat->node, (unsigned long long)reply->view);
    }
    seat->seen_view = ok ? reply->view : seat->seen_view;
}
