// SPDX-License-Identifier: MIT
#include "actors/master/broken.h"

#include "actors/master/master.h"

static bool named(const struct hwi_master_session *s, const struct hwi_master_session *t)
{
    uint32_t word = t->place / 64;
    return word < s->broken_count && (s->broken[word] >> (t->place % 64) & 1) != 0;
}

bool hwi_master_is_broken(const struct hwi_master_session *s, const struct hwi_master_session *t)
{
    return named(s, t) || named(t, s);
}

uint32_t hwi_master_broken_words(const struct hwi_master *master)
{
    return (master->proposed_count + 63) / 64;
}

void hwi_master_broken(struct hwi_master *master, struct hwi_master_session *s,
                       struct hwi_master_session *t)
{
    if (s == t || hwi_master_is_broken(s, t)) {
        return;
    }
    if (s->broken == NULL) {
        s->broken_count = hwi_master_broken_words(master);
        s->broken = hwi_new(master->alloc, s->broken_count * sizeof *s->broken);
    }
    s->broken[t->place / 64] |= UINT64_C(1) << (t->place % 64);
    s->edges++;
    t->edges++;
    s->member_edges += t->member;
    t->member_edges += s->member;
    master->broken_edges++;
    master->crossed |= s->member != t->member;
}

void hwi_master_broken_forget(const struct hwi_master *master, struct hwi_master_session *s)
{
    hwi_free(master->alloc, s->broken);
    s->broken = NULL;
    s->broken_count = s->edges = s->member_edges = 0;
}
