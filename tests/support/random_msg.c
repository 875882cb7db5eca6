// SPDX-License-Identifier: MIT
#include <string.h>

#include "actors/wire/codec.h"
#include "tests/support/random_msg.h"

struct source {
    uint64_t *seed;
    uint32_t list_most;
    struct hwi_effects *arena;
};

uint64_t random_next(uint64_t *seed)
{
    uint64_t mixed = *seed += UINT64_C(0x9e3779b97f4a7c15);
    mixed = (mixed ^ mixed >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    mixed = (mixed ^ mixed >> 27) * UINT64_C(0x94d049bb133111eb);
    return mixed ^ mixed >> 31;
}

// Zero, the limit, small numbers and numbers of any size, each often.
static uint64_t random_number(uint64_t *seed, uint64_t limit)
{
    uint64_t number = random_next(seed);
    switch (random_next(seed) % 4) {
    case 0:
        return limit;
    case 1:
        number %= 200;
        break;
    default:
        number >>= random_next(seed) % 64;
    }
    return limit == UINT64_MAX ? number : number % (limit + 1);
}

static void fill_string(uint64_t *seed, char *text, uint64_t bytes)
{
    uint64_t length = random_number(seed, bytes - 1);
    for (uint64_t i = 0; i < length; i++) {
        text[i] = (char)(1 + random_next(seed) % 255);
    }
}

static void fill_fields(struct source *source, const struct hwi_layout *layout,
                        unsigned char *base);

static void fill_list(struct source *source, const struct hwi_field *field, unsigned char *base)
{
    uint64_t most = HWI_MIN(field->limit, source->list_most);
    uint32_t count = (uint32_t)(random_next(source->seed) % (most + 1));
    unsigned char *items = hwi_effects_memory(source->arena, (size_t)count * field->record->bytes);
    memcpy(base + field->offset, &items, sizeof items);
    memcpy(base + field->count_offset, &count, sizeof count);
    for (uint32_t i = 0; i < count; i++) {
        fill_fields(source, field->record, items + (size_t)i * field->record->bytes);
    }
}

static void fill_field(struct source *source, const struct hwi_field *field, unsigned char *base)
{
    uint64_t *seed = source->seed;
    void *at = base + field->offset;
    switch ((enum hwi_field_kind)field->kind) {
    case HWI_FIELD_U8:
        *(uint8_t *)at = (uint8_t)random_number(seed, field->limit);
        break;
    case HWI_FIELD_U32:
        *(uint32_t *)at = (uint32_t)random_number(seed, field->limit);
        break;
    case HWI_FIELD_U64:
        *(uint64_t *)at = random_number(seed, field->limit);
        break;
    case HWI_FIELD_I32:
        *(int32_t *)at = (int32_t)((int64_t)random_number(seed, UINT32_MAX) + INT32_MIN);
        break;
    case HWI_FIELD_HASH:
        *(struct hwi_hash *)at = (struct hwi_hash){random_next(seed), random_next(seed)};
        break;
    case HWI_FIELD_STR:
        fill_string(seed, at, field->limit);
        break;
    case HWI_FIELD_REC:
        fill_fields(source, field->record, at);
        break;
    case HWI_FIELD_LIST:
        fill_list(source, field, base);
        break;
    }
}

static void fill_fields(struct source *source, const struct hwi_layout *layout, unsigned char *base)
{
    for (uint32_t i = 0; i < layout->field_count; i++) {
        fill_field(source, &layout->fields[i], base);
    }
}

void random_msg(uint64_t *seed, uint16_t type, uint32_t list_most, struct hwi_effects *arena,
                struct hwi_msg *msg)
{
    const struct hwi_layout *layout = hwi_layout_of(type);
    struct source source = {seed, list_most, arena};
    HWI_CHECK(layout != NULL);
    memset(msg, 0, sizeof *msg);
    msg->type = type;
    fill_fields(&source, layout, (unsigned char *)&msg->u);
}
