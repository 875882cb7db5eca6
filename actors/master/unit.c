// SPDX-License-Identifier: MIT
// Units: processes that are admitted together, when all of them are here, and put out together.
#include "actors/master/master.h"

#include <stdio.h>
#include <string.h>

// Index of the unit, or of where it would be.
static uint32_t place_of(const struct master *m, const char *name)
{
    uint32_t low = 0, high = m->unit_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        bool before = strncmp(m->units[middle].name, name, HWI_NAME_BYTES_MAX) < 0;
        low = before ? middle + 1 : low;
        high = before ? high : middle;
    }
    return low;
}

// NULL = nobody of it is registered, or there is no name.
static struct unit *find(const struct master *m, const char *name)
{
    uint32_t at = name[0] == '\0' ? m->unit_count : place_of(m, name);
    bool known = at < m->unit_count && strncmp(m->units[at].name, name, HWI_NAME_BYTES_MAX) == 0;
    return known ? &m->units[at] : NULL;
}

static bool is_plain(const char *text)
{
    while (*text > ' ' && *text <= '~') {
        text++;
    }
    return *text == '\0';
}

bool hwi_master_unit_refuses(const struct master *m, const struct hwi_msg_registration *r,
                             char reason[HWI_TEXT_BYTES_MAX])
{
    const struct unit *u = find(m, r->unit);
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

static uint32_t incomplete(const struct unit *u)
{
    return u->here < u->size ? u->here : 0;
}

static struct unit *add(struct master *m, const struct session *s)
{
    if (m->unit_count == m->unit_capacity) {
        m->unit_capacity = HWI_MAX(16, m->unit_capacity * 2);
        m->units = hwi_resize(m->alloc, m->units, m->unit_capacity * sizeof *m->units);
    }
    struct unit *u = &m->units[place_of(m, s->unit)];
    memmove(u + 1, u, (size_t)(m->units + m->unit_count++ - u) * sizeof *u);
    *u = (struct unit){.size = s->unit_size};
    memcpy(u->name, s->unit, sizeof u->name);
    return u;
}

void hwi_master_unit_enter(struct master *m, const struct session *s)
{
    if (s->unit[0] == '\0') {
        return;
    }
    struct unit *u = find(m, s->unit);
    u = u == NULL ? add(m, s) : u;
    m->incomplete -= incomplete(u);
    u->here++;
    u->late += s->late;
    m->incomplete += incomplete(u);
}

void hwi_master_unit_leave(struct master *m, const struct session *s)
{
    struct unit *u = find(m, s->unit);
    if (u == NULL) {
        return;
    }
    m->incomplete -= incomplete(u);
    u->here--;
    u->late -= s->late;
    m->incomplete += incomplete(u);
    if (u->here == 0) {
        memmove(u, u + 1, (size_t)(m->units + --m->unit_count - u) * sizeof *u);
    }
}

void hwi_master_late(struct master *m, struct session *s, bool late)
{
    struct unit *u = find(m, s->unit);
    if (u != NULL) {
        u->late = u->late + late - s->late;
    }
    s->late = late;
}

bool hwi_master_admissible(const struct master *m, const struct session *s)
{
    const struct unit *u = find(m, s->unit);
    return !s->late && (u == NULL || (u->here == u->size && u->late == 0));
}
