// SPDX-License-Identifier: MIT
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "actors/wire/codec.h"
#include "tools/hawser/replay/normal.h"

static bool counts(const struct hwi_field *field, enum replay_likeness likeness)
{
    unsigned other = HWI_FLAG_RUN | (likeness == REPLAY_OTHER_MEMBER ? HWI_FLAG_MEMBER : 0u);
    return (field->flags & other) == 0;
}

static void blank_field(const struct hwi_field *field, unsigned char *base)
{
    memset(base + field->offset, 0, replay_field_bytes(field));
    if (field->kind == HWI_FIELD_LIST) {
        memset(base + field->count_offset, 0, sizeof(uint32_t));
    }
}

static void blank(const struct hwi_layout *layout, unsigned char *base,
                  enum replay_likeness likeness);

static void blank_list(const struct hwi_field *field, unsigned char *base,
                       enum replay_likeness likeness)
{
    unsigned char *items;
    uint32_t count;
    memcpy(&items, base + field->offset, sizeof items);
    memcpy(&count, base + field->count_offset, sizeof count);
    for (uint32_t i = 0; i < count; i++) {
        blank(field->record, items + (size_t)i * field->record->bytes, likeness);
    }
}

static void blank(const struct hwi_layout *layout, unsigned char *base,
                  enum replay_likeness likeness)
{
    for (uint32_t i = 0; i < layout->field_count; i++) {
        const struct hwi_field *field = &layout->fields[i];
        if (!counts(field, likeness)) {
            blank_field(field, base);
        } else if (field->kind == HWI_FIELD_LIST) {
            blank_list(field, base, likeness);
        } else if (field->kind == HWI_FIELD_REC) {
            blank(field->record, base + field->offset, likeness);
        }
    }
}

bool replay_is_background(const struct hwi_msg *msg)
{
    const struct hwi_layout *layout = hwi_layout_of(msg->type);
    return layout != NULL && (layout->flags & HWI_FLAG_BACKGROUND) != 0;
}

uint64_t replay_normal_key(const struct hwi_journal_event *event, enum replay_likeness likeness)
{
    const struct hwi_addr from = event->event.from;
    bool lane = from.role == HWI_ROLE_REDUCER || from.role == HWI_ROLE_SNAPSHOT;
    uint64_t words[4] = {from.role, lane && likeness == REPLAY_SAME_MEMBER ? from.id : 0,
                         event->event.msg->type, 0};
    const struct hwi_layout *layout = hwi_layout_of(event->event.msg->type);
    struct hwi_msg msg;
    void *block = NULL;
    if (layout != NULL && hwi_msg_clone(event->event.msg, &msg, &block)) {
        blank(layout, (unsigned char *)&msg.u, likeness);
        words[3] = hwi_msg_hash(&msg);
        free(block);
    }
    return XXH3_64bits(words, sizeof words);
}
