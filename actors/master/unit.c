// SPDX-License-Identifier: MIT
#include "actors/master/unit.h"

#include <stdio.h>
#include <string.h>

#include "actors/base/rows.h"
#include "actors/master/master.h"

static int compare_name(const void *item, const void *wanted)
{
    const struct hwi_master_unit *u = item;
    return strncmp(u->name, wanted, HWI_NAME_BYTES_MAX);
}

// NULL = nobody of it is registered, or there is no name.
static struct hwi_master_unit *find(const struct hwi_master *master, const char *name)
{
    return name[0] == '\0' ? NULL
                           : hwi_rows_find(master->units, master->unit_count, sizeof *master->units,
                                           compare_name, name);
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
    uint32_t at = hwi_rows_place(master->units, master->unit_count, sizeof *master->units,
                                 compare_name, s->unit);
    struct hwi_master_unit *u = HWI_ROWS_INSERT(master->alloc, &master->units, &master->unit_count,
                                                &master->unit_capacity, HWI_MEMBERS_MAX, at);
    u->size = s->unit_size;
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
        HWI_ROWS_REMOVE(master->units, &master->unit_count, (uint32_t)(u - master->units));
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
