// SPDX-License-Identifier: MIT
#include <string.h>

#define XXH_STATIC_LINKING_ONLY // for a state on the stack
#include <xxhash.h>

#include "actors/wire/codec.h"

// The fields that rings keep are a part of the schema; likeness is not.
enum { RING_FLAGS = HWI_FLAG_KEY | HWI_FLAG_HIGH | HWI_FLAG_EXTRA | HWI_FLAG_SECRET };

static void add_text(XXH3_state_t *state, const char *text)
{
    XXH3_64bits_update(state, text, strlen(text) + 1);
}

static void add_number(XXH3_state_t *state, uint64_t number)
{
    unsigned char bytes[8];
    for (unsigned i = 0; i < sizeof bytes; i++) {
        bytes[i] = (unsigned char)(number >> (8 * i));
    }
    XXH3_64bits_update(state, bytes, sizeof bytes);
}

static void add_layout(XXH3_state_t *state, const struct hwi_layout *layout)
{
    add_text(state, layout->name);
    add_number(state, layout->field_count);
    for (uint32_t i = 0; i < layout->field_count; i++) {
        const struct hwi_field *field = &layout->fields[i];
        add_text(state, field->name);
        add_number(state, field->kind);
        add_number(state, field->limit);
        add_number(state, field->flags & RING_FLAGS);
        if (field->record != NULL) {
            add_layout(state, field->record);
        }
    }
}

uint64_t hwi_schema_hash(void)
{
    XXH3_state_t state;
    XXH3_64bits_reset(&state);
    for (uint16_t type = 0; type < HWI_MSG_TYPE_MAX; type++) {
        const struct hwi_layout *layout = hwi_layout_of(type);
        if (layout != NULL) {
            add_number(&state, type);
            add_layout(&state, layout);
        }
    }
    return XXH3_64bits_digest(&state);
}
