// SPDX-License-Identifier: MIT
#include <stdlib.h>
#include <xxhash.h>

#include "tools/hawser/replay/letters.h"

enum { BUCKETS = 1 << 16 };

// Sources by incarnation, sorted: members only.
struct who {
    uint64_t id;
    uint64_t incarnation;
    uint32_t source;
};

struct bucket {
    uint32_t first, last; // index + 1 of a letter; 0 = empty
};

struct replay_letters {
    const struct replay_set *set;
    struct who *by_incarnation, *by_peer;
    uint32_t members;
    uint32_t master; // source of a master; set->count = there is none
    struct bucket *buckets;
    struct replay_letter *items;
    uint32_t capacity, used, free; // `free`: index + 1 of the first that was taken
    uint64_t sent;
};

static int compare(const void *a, const void *b)
{
    const struct who *x = a, *y = b;
    return (x->id > y->id) - (x->id < y->id);
}

// The order of the ids decides which of two masters stands for all: any will do.
struct replay_letters *replay_letters_create(const struct replay_set *set)
{
    struct replay_letters *letters = hwi_new(&hwi_alloc_libc, sizeof *letters);
    letters->set = set;
    letters->master = set->count;
    letters->buckets = hwi_new(&hwi_alloc_libc, BUCKETS * sizeof *letters->buckets);
    letters->by_incarnation = hwi_new(&hwi_alloc_libc, set->count * sizeof(struct who));
    letters->by_peer = hwi_new(&hwi_alloc_libc, set->count * sizeof(struct who));
    for (uint32_t i = 0; i < set->count; i++) {
        const struct replay_source *source = &set->sources[i];
        if (source->readable && !source->incarnation) {
            letters->master = i;
        }
        if (!source->readable || !source->incarnation) {
            continue;
        }
        letters->by_incarnation[letters->members] =
            (struct who){source->incarnation, source->incarnation, i};
        letters->by_peer[letters->members++] = (struct who){source->peer, source->incarnation, i};
    }
    qsort(letters->by_incarnation, letters->members, sizeof(struct who), compare);
    qsort(letters->by_peer, letters->members, sizeof(struct who), compare);
    return letters;
}

void replay_letters_destroy(struct replay_letters *letters)
{
    hwi_free(&hwi_alloc_libc, letters->by_incarnation);
    hwi_free(&hwi_alloc_libc, letters->by_peer);
    hwi_free(&hwi_alloc_libc, letters->buckets);
    hwi_free(&hwi_alloc_libc, letters->items);
    hwi_free(&hwi_alloc_libc, letters);
}

static const struct who *find(const struct who *table, uint32_t count, uint64_t id)
{
    struct who key = {.id = id};
    return count ? bsearch(&key, table, count, sizeof key, compare) : NULL;
}

// The journal of an address of another process; false if its journal is not here.
static bool resolve(const struct replay_letters *letters, struct hwi_addr addr, struct who *who)
{
    const struct who *found = NULL;
    if (addr.role == HWI_ROLE_MASTER) {
        *who = (struct who){.source = letters->master};
        return letters->master < letters->set->count;
    }
    if (addr.role == HWI_ROLE_PEER && addr.id) {
        found = find(letters->by_incarnation, letters->members, addr.id);
    }
    if ((addr.role == HWI_ROLE_REDUCER || addr.role == HWI_ROLE_SNAPSHOT) && addr.id) {
        found = find(letters->by_peer, letters->members, addr.id);
    }
    if (found != NULL) {
        *who = *found;
    }
    return found != NULL;
}

static uint64_t make_key(uint64_t from, uint64_t to, uint16_t type, uint32_t hash)
{
    uint64_t words[3] = {from, to, (uint64_t)type << 32 | hash};
    uint64_t key = XXH3_64bits(words, sizeof words);
    return key ? key : 1;
}

uint64_t replay_letters_said(const struct replay_letters *letters, uint32_t from,
                             const struct hwi_journal_effect *effect)
{
    struct who to;
    if (!resolve(letters, effect->to, &to)) {
        return 0;
    }
    return make_key(letters->set->sources[from].incarnation, to.incarnation, effect->type,
                    effect->hash);
}

uint64_t replay_letters_heard(const struct replay_letters *letters, uint32_t to,
                              const struct hwi_event *event, uint32_t *sender)
{
    struct who from;
    if (!resolve(letters, event->from, &from)) {
        return 0;
    }
    *sender = from.source;
    return make_key(from.incarnation, letters->set->sources[to].incarnation, event->msg->type,
                    replay_hash(event->msg));
}

static uint32_t take_room(struct replay_letters *letters)
{
    uint32_t at = letters->free;
    if (at) {
        letters->free = letters->items[at - 1].next;
        return at;
    }
    if (letters->used == letters->capacity) {
        letters->capacity = letters->capacity ? 2 * letters->capacity : 1024;
        letters->items =
            hwi_resize(&hwi_alloc_libc, letters->items, letters->capacity * sizeof *letters->items);
    }
    return ++letters->used;
}

uint64_t replay_letters_put(struct replay_letters *letters, uint64_t key, uint32_t sender,
                            int64_t ns)
{
    struct bucket *bucket = &letters->buckets[key % BUCKETS];
    uint32_t at = take_room(letters);
    letters->items[at - 1] = (struct replay_letter){key, ++letters->sent, ns, sender, 0};
    if (bucket->last) {
        letters->items[bucket->last - 1].next = at;
    } else {
        bucket->first = at;
    }
    bucket->last = at;
    return letters->sent;
}

bool replay_letters_has(const struct replay_letters *letters, uint64_t key)
{
    uint32_t at = letters->buckets[key % BUCKETS].first;
    while (at && letters->items[at - 1].key != key) {
        at = letters->items[at - 1].next;
    }
    return at != 0;
}

bool replay_letters_take(struct replay_letters *letters, uint64_t key, struct replay_letter *letter)
{
    struct bucket *bucket = &letters->buckets[key % BUCKETS];
    uint32_t before = 0, at = bucket->first;
    while (at && letters->items[at - 1].key != key) {
        before = at, at = letters->items[at - 1].next;
    }
    if (!at) {
        return false;
    }
    *letter = letters->items[at - 1];
    if (before) {
        letters->items[before - 1].next = letter->next;
    } else {
        bucket->first = letter->next;
    }
    if (bucket->last == at) {
        bucket->last = before;
    }
    letters->items[at - 1].next = letters->free;
    letters->free = at;
    return true;
}
