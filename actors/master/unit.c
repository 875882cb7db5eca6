// SPDX-License-Identifier: MIT
#include "actors/master/unit.h"

#include <stdio.h>
#include <string.h>

#include "actors/base/rows.h"
#include "actors/master/master.h"

static int compare_name(const void *item, const void *wanted)
{
    const struct hwi_master_unit *unit = item;
    return strncmp(unit->name, wanted, HWI_NAME_BYTES_MAX);
}

// NULL = nobody of it is registered, or there is no name.
static struct hwi_master_unit *find(const struct hwi_master *master, const char *name)
{
    if (name[0] == '\0') {
        return NULL;
    }
    return hwi_rows_find(master->units, master->unit_count, sizeof *master->units, compare_name,
                         name);
}

static bool is_plain(const char *text)
{
    while (*text > ' ' && *text <= '~') {
        text++;
    }
    return *text == '\0';
}

bool hwi_master_unit_refuses(const struct hwi_master *master,
                             const struct hwi_msg_registration *registration,
                             char reason[HWI_TEXT_BYTES_MAX])
{
    const struct hwi_master_unit *unit = find(master, registration->unit);
    reason[0] = '\0';
    if (!is_plain(registration->unit) ||
        (registration->unit[0] == '\0') != (registration->unit_size == 0)) {
        snprintf(reason, HWI_TEXT_BYTES_MAX, "its unit is malformed");
    } else if (unit != NULL && unit->size != registration->unit_size) {
        snprintf(reason, HWI_TEXT_BYTES_MAX, "unit %s has %u processes for it, %u for the others",
                 unit->name, registration->unit_size, unit->size);
    } else if (unit != NULL && unit->here == unit->size) {
        snprintf(reason, HWI_TEXT_BYTES_MAX, "unit %s has all its %u processes already", unit->name,
                 unit->size);
    }
    return reason[0] != '\0';
}

static uint32_t incomplete(const struct hwi_master_unit *unit)
{
    return unit->here < unit->size ? unit->here : 0;
}

static struct hwi_master_unit *add(struct hwi_master *master,
                                   const struct hwi_master_session *session)
{
    uint32_t at = hwi_rows_place(master->units, master->unit_count, sizeof *master->units,
                                 compare_name, session->unit);
    struct hwi_master_unit *unit =
        HWI_ROWS_INSERT(master->alloc, &master->units, &master->unit_count, &master->unit_capacity,
                        HWI_MEMBERS_MAX, at);
    unit->size = session->unit_size;
    memcpy(unit->name, session->unit, sizeof unit->name);
    return unit;
}

void hwi_master_unit_enter(struct hwi_master *master, const struct hwi_master_session *session)
{
    if (session->unit[0] == '\0') {
        return;
    }
    struct hwi_master_unit *unit = find(master, session->unit);
    unit = unit == NULL ? add(master, session) : unit;
    master->incomplete -= incomplete(unit);
    unit->here++;
    unit->late += session->late;
    master->incomplete += incomplete(unit);
}

void hwi_master_unit_leave(struct hwi_master *master, const struct hwi_master_session *session)
{
    struct hwi_master_unit *unit = find(master, session->unit);
    if (unit == NULL) {
        return;
    }
    master->incomplete -= incomplete(unit);
    unit->here--;
    unit->late -= session->late;
    master->incomplete += incomplete(unit);
    if (unit->here == 0) {
        HWI_ROWS_REMOVE(master->units, &master->unit_count, (uint32_t)(unit - master->units));
    }
}

void hwi_master_late(struct hwi_master *master, struct hwi_master_session *session, bool late)
{
    struct hwi_master_unit *unit = find(master, session->unit);
    if (unit != NULL) {
        unit->late = unit->late + late - session->late;
    }
    session->late = late;
}

struct hwi_master_unit *hwi_master_unit(const struct hwi_master *master,
                                        const struct hwi_master_session *session)
{
    return find(master, session->unit);
}

bool hwi_master_admissible(const struct hwi_master *master,
                           const struct hwi_master_session *session)
{
    const struct hwi_master_unit *unit = find(master, session->unit);
    return !session->late && (unit == NULL || (unit->here == unit->size && unit->late == 0));
}
