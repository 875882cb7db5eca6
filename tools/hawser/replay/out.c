// SPDX-License-Identifier: MIT
// The output of a replay: lines for people, or one object a line for programs.
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "actors/wire/codec.h"
#include "tools/hawser/replay/replay.h"

enum { NOTE_BYTES = 2048, ADDRESS_TEXT_BYTES = 40 };

// One command, one thread, one output.
static struct {
    bool json;
    FILE *block; // of the block that is open, or NULL
    char *text;
    size_t bytes;
    const char *name;
} out;

void replay_use_json(void)
{
    out.json = true;
}

bool replay_is_json(void)
{
    return out.json;
}

void replay_note(const char *format, ...)
{
    char text[NOTE_BYTES];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (!out.json) {
        printf("replay: %s\n", text);
        return;
    }
    struct json_writer json = {.stream = stdout};
    json_put_open(&json, NULL, '{');
    json_put_text(&json, "note", text);
    json_put_close(&json, '}');
    json_put_line(&json);
}

FILE *replay_begin(const char *name)
{
    out.name = name;
    out.block = out.json ? open_memstream(&out.text, &out.bytes) : NULL;
    return replay_out();
}

FILE *replay_out(void)
{
    return out.block != NULL ? out.block : stdout;
}

void replay_end(void)
{
    struct json_writer json = {.stream = stdout};
    if (out.block == NULL) {
        return;
    }
    fclose(out.block);
    out.block = NULL;
    json_put_open(&json, NULL, '{');
    json_put_text(&json, out.name, out.text);
    json_put_close(&json, '}');
    json_put_line(&json);
    free(out.text);
}

static void put_message(struct json_writer *json, const struct hwi_msg *msg)
{
    char line[REPLAY_LINE_MAX], type[24];
    if (msg->type == HWI_MSG_NONE) {
        json_put_text(json, "message", NULL); // it had to give up
        return;
    }
    hwi_msg_print(msg, line, sizeof line);
    json_put_text(json, "message", replay_type_name(msg->type, type));
    json_put_text(json, "text", line);
}

void replay_put_event(const struct replay_source *source, int64_t ns,
                      const struct hwi_journal_event *event)
{
    char name[REPLAY_NAME_MAX], from[ADDRESS_TEXT_BYTES];
    struct json_writer json = {.stream = stdout};
    hwi_addr_print(event->event.from, from, sizeof from);
    json_put_open(&json, NULL, '{');
    json_put_signed(&json, "time_ns", ns);
    json_put_text(&json, "event", replay_event_name(source, event->role, event->number, name));
    json_put_text(&json, "actor", hwi_role_name(event->role));
    json_put_text(&json, "journal", source->name);
    json_put_number(&json, "number", event->number);
    json_put_text(&json, "from", from);
    put_message(&json, event->event.msg);
    json_put_close(&json, '}');
    json_put_line(&json);
}

void replay_put_effect(const struct hwi_envelope *effect)
{
    char to[ADDRESS_TEXT_BYTES];
    struct json_writer json = {.stream = stdout};
    hwi_addr_print(effect->to, to, sizeof to);
    json_put_open(&json, NULL, '{');
    json_put_text(&json, "to", to);
    put_message(&json, &effect->msg);
    json_put_close(&json, '}');
    json_put_line(&json);
}

const char *replay_verdict_name(int verdict)
{
    static const char *const names[] = {
        [REPLAY_OK] = "OK",           [REPLAY_UNREADABLE] = "UNREADABLE",
        [REPLAY_USAGE] = "USAGE",     [REPLAY_OTHER_VERSION] = "OTHER VERSION",
        [REPLAY_DAMAGED] = "DAMAGED", [REPLAY_DIFFERENT] = "DIFFERENT",
        [REPLAY_CRASH] = "CRASH",
    };
    return names[verdict];
}

void replay_tell_verdict(int verdict)
{
    struct json_writer json = {.stream = stdout};
    if (!out.json) {
        return;
    }
    json_put_open(&json, NULL, '{');
    json_put_text(&json, "verdict", replay_verdict_name(verdict));
    json_put_number(&json, "code", (uint64_t)verdict);
    json_put_close(&json, '}');
    json_put_line(&json);
}
