// SPDX-License-Identifier: MIT
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "actors/wire/codec.h"
#include "tools/hawser/replay/normal.h"

// Fields by name: one name means one thing in all of msg.def.
static const char *const of_a_run[] = {
    "run",       "master",  "incarnation", "self_incarnation", "sent",      "reason",  "address",
    "silent_ns", "request", "members_us",  "commit_us",        "credit_us", "hash_us", "move_us"};
static const char *const of_a_member[] = {"peer",  "self",   "from",    "to",    "a",
                                          "b",     "peer_a", "peer_b",  "chunk", "chunks",
                                          "first", "sum",    "granted", "offset"};

static bool is_among(const char *name, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(name, names[i]) == 0) {
            return true;
        }
    }
    return false;
}

static bool counts(const struct hwi_field *field, enum replay_likeness likeness)
{
    if (is_among(field->name, of_a_run, HWI_COUNT(of_a_run))) {
        return false;
    }
    return likeness == REPLAY_SAME_MEMBER ||
           !is_among(field->name, of_a_member, HWI_COUNT(of_a_member));
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
    if (count && likeness == REPLAY_OTHER_MEMBER && strcmp(field->record->name, "id") == 0) {
        memset(items, 0, (size_t)count * field->record->bytes);
    }
    for (uint32_t i = 0; i < count; i++) {
        blank(field->record, items + (size_t)i * field->record->bytes, likeness);
    }
}

static void blank(const struct hwi_layout *layout, unsigned char *base,
                  enum replay_likeness likeness)
{
    for (uint32_t i = 0; i < layout->field_count; i++) {
        const struct hwi_field *field = &layout->fields[i];
        if (field->kind == HWI_FIELD_LIST) {
            blank_list(field, base, likeness);
        } else if (!counts(field, likeness)) {
            memset(base + field->offset, 0, replay_field_bytes(field));
        } else if (field->kind == HWI_FIELD_REC) {
            blank(field->record, base + field->offset, likeness);
        }
    }
}

bool replay_is_background(const struct hwi_msg *msg)
{
    switch (msg->type) {
    case HWI_MSG_heartbeat:
    case HWI_MSG_pong:
    case HWI_MSG_probe:
    case HWI_MSG_woken:
    case HWI_MSG_status_want:
        return true;
    default:
        return false;
    }
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
