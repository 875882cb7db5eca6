// SPDX-License-Identifier: MIT
// How events, effects and their differences look.
#include <inttypes.h>
#include <string.h>

#include "actors/wire/codec.h"
#include "tools/hawser/replay/replay.h"

enum { ADDRESS_TEXT_BYTES = 40 };

const char *replay_event_name(const struct replay_source *source, uint8_t role, uint64_t number,
                              char text[REPLAY_NAME_MAX])
{
    const struct hwi_actor_ops *ops = replay_ops(role);
    snprintf(text, REPLAY_NAME_MAX, "%s@%s:%" PRIu64, ops != NULL ? ops->name : "?", source->name,
             number);
    return text;
}

void replay_print_msg(FILE *stream, const struct hwi_msg *msg)
{
    char line[REPLAY_LINE_MAX];
    if (msg->type == HWI_MSG_NONE) {
        fputs("no message: it had to give up", stream);
        return;
    }
    size_t length = hwi_msg_print(msg, line, sizeof line);
    fprintf(stream, "%s%s", line, length >= sizeof line ? ".." : "");
}

void replay_print_event(FILE *stream, const struct replay_source *source, int64_t ns,
                        const struct hwi_journal_event *event)
{
    char name[REPLAY_NAME_MAX], from[ADDRESS_TEXT_BYTES];
    if (replay_is_json() && stream == stdout) {
        replay_put_event(source, ns, event);
        return;
    }
    hwi_addr_print(event->event.from, from, sizeof from);
    replay_event_name(source, event->role, event->number, name);
    fprintf(stream, "%12.6f s  %s  from %s  ", (double)ns * 1e-9, name, from);
    replay_print_msg(stream, event->event.msg);
    fputc('\n', stream);
}

void replay_print_effect(FILE *stream, const struct hwi_envelope *effect)
{
    char to[ADDRESS_TEXT_BYTES];
    if (replay_is_json() && stream == stdout) {
        replay_put_effect(effect);
        return;
    }
    hwi_addr_print(effect->to, to, sizeof to);
    fprintf(stream, "                  -> %s  ", to);
    replay_print_msg(stream, &effect->msg);
    fputc('\n', stream);
}

const char *replay_type_name(uint16_t type, char text[24])
{
    const struct hwi_layout *layout = hwi_layout_of(type);
    if (layout != NULL) {
        return layout->name;
    }
    snprintf(text, 24, "message %u", type);
    return text;
}

size_t replay_field_bytes(const struct hwi_field *field)
{
    switch ((enum hwi_field_kind)field->kind) {
    case HWI_FIELD_U8:
        return sizeof(uint8_t);
    case HWI_FIELD_U32:
    case HWI_FIELD_I32:
        return sizeof(uint32_t);
    case HWI_FIELD_U64:
        return sizeof(uint64_t);
    case HWI_FIELD_HASH:
        return sizeof(struct hwi_hash);
    case HWI_FIELD_STR:
        return field->limit;
    case HWI_FIELD_REC:
        return field->record->bytes;
    case HWI_FIELD_LIST:
        return sizeof(void *);
    }
    return 0;
}

// The message with this one field alone: two such are equal iff the field is.
static struct hwi_msg with_field(const struct hwi_msg *msg, const struct hwi_field *field)
{
    struct hwi_msg alone = {.type = msg->type};
    const unsigned char *from = (const unsigned char *)&msg->u;
    unsigned char *to = (unsigned char *)&alone.u;
    memcpy(to + field->offset, from + field->offset, replay_field_bytes(field));
    if (field->kind == HWI_FIELD_LIST) {
        memcpy(to + field->count_offset, from + field->count_offset, sizeof(uint32_t));
    }
    return alone;
}

void replay_print_fields(FILE *stream, const struct hwi_msg *a, const struct hwi_msg *b)
{
    const struct hwi_layout *layout = hwi_layout_of(a->type);
    const char *between = "";
    for (uint32_t i = 0; layout != NULL && i < layout->field_count; i++) {
        struct hwi_msg in_a = with_field(a, &layout->fields[i]);
        struct hwi_msg in_b = with_field(b, &layout->fields[i]);
        if (hwi_msg_hash(&in_a) == hwi_msg_hash(&in_b)) {
            continue;
        }
        fprintf(stream, "%s%s", between, layout->fields[i].name);
        between = ", ";
    }
}

enum replay_verdict replay_report_end(const struct replay_source *source,
                                      enum hwi_journal_found found,
                                      const struct hwi_journal_record *record)
{
    if (found != HWI_JOURNAL_FOUND_DAMAGED && found != HWI_JOURNAL_FOUND_OTHER) {
        return REPLAY_OK;
    }
    replay_note("%s: %s", source->name, record->error);
    return found == HWI_JOURNAL_FOUND_DAMAGED ? REPLAY_DAMAGED : REPLAY_OTHER_VERSION;
}
