// SPDX-License-Identifier: MIT
#include <stdlib.h>

#include "actors/wire/codec.h"
#include "transport/journal/format.h"

// ---- packing -----------------------------------------------------------------------------------

static unsigned char *pack_effect(unsigned char *at, const struct hwi_envelope *envelope)
{
    uint32_t hash = (uint32_t)hwi_msg_hash(&envelope->msg);
    at[0] = (unsigned char)(envelope->to.role | (envelope->to.id ? HWI_JOURNAL_TO_ID : 0));
    at[1] = (unsigned char)envelope->msg.type;
    memcpy(at + 2, &hash, sizeof hash);
    at += HWI_JOURNAL_EFFECT_MIN;
    if (!envelope->to.id) {
        return at;
    }
    hwi_journal_put_u64(at, envelope->to.id);
    return at + 8;
}

int hwi_journal_event_pack(const struct hwi_event *event, const struct hwi_effects *effects,
                           bool failed, uint64_t before_ns, unsigned char *bytes, size_t capacity,
                           size_t *length)
{
    bool message = event->msg->type != HWI_MSG_NONE;
    size_t room = HWI_JOURNAL_EVENT_FIXED_MAX + (size_t)effects->count * HWI_JOURNAL_EFFECT_MAX;
    if (capacity < room) {
        return HWI_CODEC_ROOM;
    }
    bytes[0] = (unsigned char)((failed ? HWI_JOURNAL_FAILED : 0) |
                               (event->from.id ? HWI_JOURNAL_FROM_ID : 0) |
                               (message ? 0 : HWI_JOURNAL_NO_MESSAGE));
    bytes[1] = event->from.role;
    unsigned char *at = hwi_journal_put_varint(bytes + 2, event->now_ns - before_ns);
    if (event->from.id) {
        hwi_journal_put_u64(at, event->from.id);
        at += 8;
    }
    at = hwi_journal_put_varint(at, effects->count);
    for (uint32_t i = 0; i < effects->count; i++) {
        at = pack_effect(at, &effects->items[i]);
    }
    size_t taken = (size_t)(at - bytes), encoded = 0;
    int error = message ? hwi_encode_public_into(event->msg, at, capacity - taken, &encoded) : 0;
    *length = taken + encoded;
    return error;
}

// ---- unpacking ---------------------------------------------------------------------------------

void hwi_journal_room_fini(struct hwi_journal_room *room)
{
    free(room->block);
    free(room->effects);
    *room = (struct hwi_journal_room){0};
}

static bool make_room(struct hwi_journal_room *room, uint64_t count)
{
    if (count <= room->capacity) {
        return true;
    }
    struct hwi_journal_effect *grown = realloc(room->effects, count * sizeof *grown);
    if (grown == NULL) {
        return false;
    }
    room->effects = grown;
    room->capacity = (uint32_t)count;
    return true;
}

static const unsigned char *unpack_effect(const unsigned char *at, const unsigned char *end,
                                          struct hwi_journal_effect *effect)
{
    if (end - at < HWI_JOURNAL_EFFECT_MIN) {
        return NULL;
    }
    *effect = (struct hwi_journal_effect){.to = {.role = at[0] & 0x7f}, .type = at[1]};
    memcpy(&effect->hash, at + 2, sizeof effect->hash);
    bool remote = at[0] & HWI_JOURNAL_TO_ID;
    at += HWI_JOURNAL_EFFECT_MIN;
    if (!remote) {
        return at;
    }
    if (end - at < 8) {
        return NULL;
    }
    effect->to.id = hwi_journal_get_u64(at);
    return at + 8;
}

static const unsigned char *unpack_effects(const unsigned char *at, const unsigned char *end,
                                           struct hwi_journal_room *room, uint32_t *count)
{
    uint64_t number;
    at = hwi_journal_get_varint(at, end, &number);
    if (at == NULL || number > (uint64_t)(end - at) / HWI_JOURNAL_EFFECT_MIN ||
        !make_room(room, number)) {
        return NULL;
    }
    for (uint64_t i = 0; at != NULL && i < number; i++) {
        at = unpack_effect(at, end, &room->effects[i]);
    }
    *count = (uint32_t)number;
    return at;
}

static bool unpack_message(const unsigned char *at, const unsigned char *end, bool none,
                           struct hwi_journal_room *room)
{
    free(room->block);
    room->block = NULL;
    if (!none) {
        return hwi_decode(at, (size_t)(end - at), &room->msg, &room->block) == HWI_CODEC_OK;
    }
    room->msg = (struct hwi_msg){.type = HWI_MSG_NONE};
    return at == end;
}

bool hwi_journal_event_unpack(const unsigned char *bytes, size_t length, uint64_t before_ns,
                              struct hwi_journal_room *room, struct hwi_journal_event *event)
{
    const unsigned char *at = bytes, *end = bytes + length;
    uint64_t elapsed_ns;
    if (length < 2) {
        return false;
    }
    uint8_t flags = at[0];
    struct hwi_addr from = {.role = at[1]};
    at = hwi_journal_get_varint(at + 2, end, &elapsed_ns);
    if (at != NULL && (flags & HWI_JOURNAL_FROM_ID)) {
        if (end - at < 8) {
            return false;
        }
        from.id = hwi_journal_get_u64(at);
        at += 8;
    }
    at = at != NULL ? unpack_effects(at, end, room, &event->effect_count) : NULL;
    if (at == NULL || !unpack_message(at, end, flags & HWI_JOURNAL_NO_MESSAGE, room)) {
        return false;
    }
    event->failed = flags & HWI_JOURNAL_FAILED;
    event->event = (struct hwi_event){before_ns + elapsed_ns, from, &room->msg};
    event->effects = room->effects;
    return true;
}
