// SPDX-License-Identifier: MIT
// Writing and reading. A record is published like this: its number is cleared, its other words are
// written, its number is written, and only then `next` passes it. All accesses are atomic, so that
// a reader on another core sees each word whole and in this order.
#include "actors/loop/ring.h"

#include <stdalign.h>
#include <string.h>

#include "actors/loop/ring_shape.h"

enum {
    WORDS = sizeof(struct hwi_ring_record) / sizeof(uint64_t),
    LINE_BYTES = 64,
    AHEAD = 4,         // records: their lines are fetched before they are written
    HEAD_TRIES = 1000, // of a reader that meets the writer
};

struct hwi_ring {
    const struct hwi_alloc *alloc;
    struct hwi_ring_head *head;
    struct hwi_ring_record *records;
    uint64_t next;
    uint64_t mask;
    struct hwi_ring_shape shapes[HWI_MSG_TYPE_MAX];
};

_Static_assert(sizeof(struct hwi_ring_record) == LINE_BYTES, "a record is a cache line");
_Static_assert(sizeof(struct hwi_ring_head) % LINE_BYTES == 0, "records begin at a cache line");

size_t hwi_ring_bytes(uint32_t capacity)
{
    return sizeof(struct hwi_ring_head) + (size_t)capacity * sizeof(struct hwi_ring_record);
}

// ---- the writer --------------------------------------------------------------------------------

struct hwi_ring *hwi_ring_create(const struct hwi_alloc *alloc, void *memory, uint32_t capacity)
{
    HWI_CHECK(capacity > 0 && capacity <= HWI_RING_RECORDS_MAX && !(capacity & (capacity - 1)));
    HWI_CHECK((uintptr_t)memory % alignof(struct hwi_ring_head) == 0);
    struct hwi_ring *ring = hwi_new(alloc, sizeof *ring);
    ring->alloc = alloc;
    ring->head = memory;
    ring->records = (struct hwi_ring_record *)(ring->head + 1);
    ring->next = 1;
    ring->mask = capacity - 1;
    for (uint16_t type = 0; type < HWI_MSG_TYPE_MAX; type++) {
        hwi_ring_shape(type, &ring->shapes[type]);
    }
    *ring->head = (struct hwi_ring_head){.format = HWI_RING_FORMAT,
                                         .capacity = capacity,
                                         .schema = hwi_schema_hash(),
                                         .next = 1,
                                         .clock.ns_per_tick = 1};
    __atomic_store_n(&ring->head->magic, HWI_RING_MAGIC, __ATOMIC_RELEASE);
    return ring;
}

void hwi_ring_destroy(struct hwi_ring *ring)
{
    hwi_free(ring->alloc, ring);
}

static inline void store_words(void *to, const void *from, size_t words)
{
    const unsigned char *source = from;
    uint64_t *target = to;
    for (size_t i = 0; i < words; i++) {
        uint64_t word;
        memcpy(&word, source + i * sizeof word, sizeof word);
        __atomic_store_n(&target[i], word, __ATOMIC_RELEASE);
    }
}

static void load_words(void *to, const void *from, size_t words)
{
    unsigned char *target = to;
    const uint64_t *source = from;
    for (size_t i = 0; i < words; i++) {
        uint64_t word = __atomic_load_n(&source[i], __ATOMIC_ACQUIRE);
        memcpy(target + i * sizeof word, &word, sizeof word);
    }
}

void hwi_ring_tell(struct hwi_ring *ring, const struct hwi_ring_clock *clock,
                   const struct hwi_ring_owner *owner)
{
    struct hwi_ring_head *head = ring->head;
    uint64_t version = head->version;
    __atomic_store_n(&head->version, version + 1, __ATOMIC_RELAXED);
    store_words(&head->clock, clock, sizeof *clock / sizeof(uint64_t));
    store_words(&head->owner, owner, sizeof *owner / sizeof(uint64_t));
    __atomic_store_n(&head->version, version + 2, __ATOMIC_RELEASE);
}

static uint64_t signature_key(const void *at)
{
    const struct hwi_signature *signature = at;
    return HWI_RING_SIGNATURE(*signature);
}

static inline uint64_t key_of(const unsigned char *msg, const struct hwi_ring_shape *shape)
{
    if (shape->signature) {
        return signature_key(msg + shape->signature);
    }
    return hwi_ring_load(msg, shape->key) | hwi_ring_load(msg, shape->high) << 32;
}

// The last word of a record: seq, type, roles, kind.
static inline uint64_t last_word(const struct hwi_msg *msg, const struct hwi_ring_shape *shape,
                                 uint8_t actor, struct hwi_addr other, uint8_t sent)
{
    const unsigned char *at = (const unsigned char *)msg;
    uint64_t kind = hwi_ring_load(at, shape->kind) | sent, seq = hwi_ring_load(at, shape->seq);
    return seq | (uint64_t)msg->type << 32 | (uint64_t)actor << 48 | (uint64_t)other.role << 52 |
           kind << 56;
}

static inline void put(uint64_t *word, uint64_t value)
{
    __atomic_store_n(word, value, __ATOMIC_RELEASE);
}

static inline void fill(struct hwi_ring_record *record, const struct hwi_msg *msg,
                        const struct hwi_ring_shape *shape, uint64_t other, uint64_t last)
{
    const unsigned char *at = (const unsigned char *)msg;
    put(&record->view, hwi_ring_load(at, shape->view));
    put(&record->tag, hwi_ring_load(at, shape->tag));
    put(&record->key, key_of(at, shape));
    put(&record->other, other);
    put((uint64_t *)(void *)record + WORDS - 1, last);
}

static inline void add(struct hwi_ring *ring, const struct hwi_msg *msg, uint64_t arrived,
                       uint64_t handled, uint8_t actor, struct hwi_addr other, uint8_t sent)
{
    const struct hwi_ring_shape *shape = &ring->shapes[msg->type];
    struct hwi_ring_record *slot = &ring->records[ring->next & ring->mask];
    __builtin_prefetch(&ring->records[(ring->next + AHEAD) & ring->mask], 1);
    put(&slot->number, 0);
    put(&slot->arrived, arrived);
    put(&slot->handled, handled);
    fill(slot, msg, shape, other.id, last_word(msg, shape, actor, other, sent));
    __atomic_store_n(&slot->number, ring->next, __ATOMIC_RELEASE);
    ring->next++;
    __atomic_store_n(&ring->head->next, ring->next, __ATOMIC_RELEASE);
}

void hwi_ring_heard(struct hwi_ring *ring, uint8_t actor, struct hwi_addr other,
                    const struct hwi_msg *msg, uint64_t arrived, uint64_t handled)
{
    add(ring, msg, arrived, handled, actor, other, 0);
}

void hwi_ring_said(struct hwi_ring *ring, uint8_t actor, struct hwi_addr other,
                   const struct hwi_msg *msg, uint64_t ticks)
{
    add(ring, msg, ticks, ticks, actor, other, HWI_RING_SENT);
}

void hwi_ring_record_of(uint8_t actor, bool sent, struct hwi_addr other, const struct hwi_msg *msg,
                        uint64_t arrived, uint64_t handled, struct hwi_ring_record *record)
{
    struct hwi_ring_shape shape;
    hwi_ring_shape(msg->type, &shape);
    *record = (struct hwi_ring_record){.arrived = arrived, .handled = handled};
    fill(record, msg, &shape, other.id,
         last_word(msg, &shape, actor, other, sent ? HWI_RING_SENT : 0));
}

// ---- readers -----------------------------------------------------------------------------------

static const struct hwi_ring_head *head_of(const struct hwi_ring_reader *reader)
{
    return (const struct hwi_ring_head *)(const void *)reader->memory;
}

static const struct hwi_ring_record *slot_of(const struct hwi_ring_reader *reader, uint64_t number)
{
    const struct hwi_ring_record *records = (const void *)(head_of(reader) + 1);
    return &records[number & (reader->capacity - 1)];
}

uint64_t hwi_ring_next(const struct hwi_ring_reader *reader)
{
    return __atomic_load_n(&head_of(reader)->next, __ATOMIC_ACQUIRE);
}

static uint64_t oldest(const struct hwi_ring_reader *reader, uint64_t next)
{
    return next > reader->capacity ? next - reader->capacity : 1;
}

bool hwi_ring_attach(struct hwi_ring_reader *reader, const void *memory, size_t bytes)
{
    const struct hwi_ring_head *head = memory;
    if (bytes < sizeof *head || __atomic_load_n(&head->magic, __ATOMIC_ACQUIRE) != HWI_RING_MAGIC ||
        head->format != HWI_RING_FORMAT || head->schema != hwi_schema_hash()) {
        return false;
    }
    uint32_t capacity = head->capacity;
    if (!capacity || capacity > HWI_RING_RECORDS_MAX || (capacity & (capacity - 1)) ||
        bytes < hwi_ring_bytes(capacity)) {
        return false;
    }
    *reader = (struct hwi_ring_reader){.memory = memory, .capacity = capacity};
    reader->next = oldest(reader, hwi_ring_next(reader));
    return true;
}

// False if the record with this number is not there whole, before or after it was copied.
static bool copy(const struct hwi_ring_record *slot, uint64_t number,
                 struct hwi_ring_record *record)
{
    if (__atomic_load_n(&slot->number, __ATOMIC_ACQUIRE) != number) {
        return false;
    }
    load_words(record, slot, WORDS);
    return __atomic_load_n(&slot->number, __ATOMIC_RELAXED) == number;
}

uint32_t hwi_ring_read(struct hwi_ring_reader *reader, struct hwi_ring_record *records,
                       uint32_t max)
{
    uint32_t count = 0;
    uint64_t next = hwi_ring_next(reader);
    while (count < max && reader->next < next) {
        uint64_t first = oldest(reader, next);
        if (reader->next < first) {
            reader->lost += first - reader->next;
            reader->next = first;
        }
        if (copy(slot_of(reader, reader->next), reader->next, &records[count])) {
            count++;
        } else {
            reader->lost++; // overwritten just now
            next = hwi_ring_next(reader);
        }
        reader->next++;
    }
    return count;
}

bool hwi_ring_head(const struct hwi_ring_reader *reader, struct hwi_ring_head *head)
{
    const struct hwi_ring_head *shared = head_of(reader);
    for (uint32_t i = 0; i < HEAD_TRIES; i++) {
        uint64_t version = __atomic_load_n(&shared->version, __ATOMIC_ACQUIRE);
        load_words(head, shared, sizeof *head / sizeof(uint64_t));
        if (!(version & 1) && __atomic_load_n(&shared->version, __ATOMIC_RELAXED) == version) {
            head->owner.name[sizeof head->owner.name - 1] = '\0';
            head->owner.address[sizeof head->owner.address - 1] = '\0';
            return true;
        }
    }
    return false;
}
