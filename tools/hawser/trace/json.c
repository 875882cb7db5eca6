// SPDX-License-Identifier: MIT
// A trace for programs: an object for each message, in the order of time; one for each loss; and
// one at the end. Names of fields are in docs/RECORDING.md.
#include <string.h>

#include "actors/wire/codec.h"
#include "tools/hawser/common/json.h"
#include "tools/hawser/trace/trace.h"

enum { TEXT_BYTES = 192 };

static void put_process(struct json_writer *json, const struct trace_ring *ring)
{
    json_put_text(json, "process", ring->owner.name);
    json_put_number(json, "member", ring->owner.peer);
    json_put_number(json, "pid", ring->owner.pid);
}

static void put_operation(struct json_writer *json, const struct hwi_ring_record *record)
{
    uint8_t kind = (uint8_t)(record->kind & ~HWI_RING_SENT);
    struct hwi_op op;
    json_put_number(json, "view", record->view);
    if (kind != HWI_KIND_NONE) {
        json_put_text(json, "kind", hwi_kind_name(kind));
        json_put_number(json, "tag", record->tag);
    }
    if (hwi_ring_op(record, &op)) {
        json_put_number(json, "sequence", op.seq);
    }
}

void trace_put_item(FILE *stream, const struct trace_source *source, const struct trace_item *item)
{
    const struct trace_ring *ring = &source->rings[item->ring];
    const struct hwi_ring_record *record = &item->record;
    const struct hwi_layout *layout = hwi_layout_of(record->type);
    struct json_writer json = {.stream = stream};
    char other[TRACE_WHO_BYTES], text[TEXT_BYTES];
    bool sent = hwi_ring_is_sent(record);
    trace_print_other(source, hwi_ring_other(record), other);
    hwi_ring_print(record, text, sizeof text);
    json_put_open(&json, NULL, '{');
    json_put_number(&json, "time_ns", ring->realtime_zero_ns + record->handled);
    put_process(&json, ring);
    json_put_text(&json, "actor", hwi_role_name(hwi_ring_actor(record)));
    json_put_text(&json, sent ? "to" : "from", other);
    json_put_text(&json, "message", layout != NULL ? layout->name : "?");
    put_operation(&json, record);
    json_put_number(&json, "number", record->number);
    if (!sent) {
        uint64_t waited = record->handled - record->arrived;
        json_put_number(&json, "waited_ns", record->handled > record->arrived ? waited : 0);
    }
    json_put_text(&json, "text", text);
    json_put_close(&json, '}');
    json_put_line(&json);
}

void trace_put_loss(FILE *stream, const struct trace_ring *ring, uint64_t lost)
{
    struct json_writer json = {.stream = stream};
    json_put_open(&json, NULL, '{');
    json_put_number(&json, "lost", lost);
    put_process(&json, ring);
    json_put_close(&json, '}');
    json_put_line(&json);
}

void trace_put_end(FILE *stream, const struct trace_end *end)
{
    struct json_writer json = {.stream = stream};
    json_put_open(&json, NULL, '{');
    json_put_open(&json, "end", '{');
    json_put_number(&json, "shown", end->shown);
    json_put_number(&json, "lost", end->lost);
    json_put_number(&json, "awaited", end->awaited);
    json_put_text(&json, "missing", end->missing);
    json_put_bool(&json, "ended", end->ended);
    json_put_close(&json, '}');
    json_put_close(&json, '}');
    json_put_line(&json);
}
