// SPDX-License-Identifier: MIT
// Units: processes that are admitted together, when all of them are here, and put out together.
#include "actors/master/master.h"

#include <stdio.h>
#include <string.h>

// Index of the unit, or of where it would be.
static uint32_t place_of(const struct hwi_master *master, const char *name)
{
    uint32_t low = 0, high = master->unit_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        bool before = strncmp(master->units[middle].name, name, HWI_NAME_BYTES_MAX) < 0;
        low = before ? middle + 1 : low;
        high = before ? high : middle;
    }
    return low;
}

// NULL = nobody of it is registered, or there is no name.
static struct hwi_master_unit *find(const struct hwi_master *master, const char *name)
{
    uint32_t at = name[0] == '\0' ? master->unit_count : place_of(master, name);
    bool known =
        at < master->unit_count && strncmp(master->units[at].name, name, HWI_NAME_BYTES_MAX) == 0;
    return known ? &master->units[at] : NULL;
}

static bool is_plain(const char *text)
{
    while (*text > ' ' && *text <= '~') {
        text++;
    }
    return *text == '\0';
}

bool hwi_master_unit_refuses(const struct hwi_master *master, const struct hwi_msg_registration *r,
                             char reason[HWI_TEXT_BYTES_MAX])
{
    const struct hwi_master_unit *u = find(master, r->unit);
    reason[0] = '\0';
    if (!is_plain(r->unit) || (r->unit[0] == '\0') != (r->unit_size == 0)) {
        snprintf(reason, HWI_TEXT_BYTES_MAX, "its unit is malformed");
    } else if (u != NULL && u->size != r->unit_size) {
        snprintf(reason, HWI_TEXT_BYTES_MAX, "unit %s has %u processes for it, %u for the others",
                 u->name, r->unit_size, u->size);
    } else if (u != NULL && u->here == u->size) {
        snprintf(reason, HWI_TEXT_BYTES_MAX, "unit %s has all its %u processes already", u->name,
                 u->size);
    }
    return reason[0] != '\0';
}

static uint32_t incomplete(const struct hwi_master_unit *u)
{
    return u->here < u->size ? u->here : 0;
}

static struct hwi_master_unit *add(struct hwi_master *master, const struct hwi_master_session *s)
{
    if (master->unit_count == master->unit_capacity) {
        master->unit_capacity = HWI_MAX(16, master->unit_capacity * 2);
        master->units =
            hwi_resize(master->alloc, master->units, master->unit_capacity * sizeof *master->units);
    }
    struct hwi_master_unit *u = &master->units[place_of(master, s->unit)];
    memmove(u + 1, u, (size_t)(master->units + master->unit_count++ - u) * sizeof *u);
    *u = (struct hwi_master_unit){.size = s->unit_size};
    memcpy(u->name, s->unit, sizeof u->name);
    return u;
}

void hwi_master_unit_enter(struct hwi_master *master, const struct hwi_master_session *s)
{
    if (s->unit[0] == '\0') {
        return;
    }
    struct hwi_master_unit *u = find(master, s->unit);
    u = u == NULL ? add(master, s) : u;
    master->incomplete -= incomplete(u);
    u->here++;
    u->late += s->late;
    master->incomplete += incomplete(u);
}

void hwi_master_unit_leave(struct hwi_master *master, const struct hwi_master_session *s)
{
    struct hwi_master_unit *u = find(master, s->unit);
    if (u == NULL) {
        return;
    }
    master->incomplete -= incomplete(u);
    u->here--;
    u->late -= s->late;
    master->incomplete += incomplete(u);
    if (u->here == 0) {
        memmove(u, u + 1, (size_t)(master->units + --master->unit_count - u) * sizeof *u);
    }
}

void hwi_master_late(struct hwi_master *master, struct hwi_master_session *s, bool late)
{
    struct hwi_master_unit *u = find(master, s->unit);
    if (u != NULL) {
        u->late = u->late + late - s->late;
    }
    s->late = late;
}

bool hwi_master_admissible(const struct hwi_master *master, const struct hwi_master_session *s)
{
    const struct hwi_master_unit *u = find(master, s->unit);
    return !s->late && (u == NULL || (u->here == u->size && u->late == 0));
}
