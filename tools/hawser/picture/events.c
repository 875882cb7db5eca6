// SPDX-License-Identifier: MIT
// The events of the picture, as Chrome's trace format has them. Each is made and written at once.
#include <inttypes.h>

#include <jansson.h>

#include "actors/wire/codec.h"
#include "tools/hawser/picture/parts.h"

enum { TEXT_BYTES = 192, NAME_BYTES = 96, PRECISION = 15, ROLES = HWI_ROLE_SNAPSHOT + 1 };

enum { ROOM_BYTES = 4096 }; // more than an arrow or a span takes, and the end of the file

bool perfetto_has_room(const struct perfetto_out *out)
{
    return out->bytes + ROOM_BYTES <= out->bytes_max;
}

static int write_out(const char *text, size_t bytes, void *data)
{
    struct perfetto_out *out = data;
    out->bytes += bytes;
    return fwrite(text, 1, bytes, out->stream) == bytes ? 0 : -1;
}

// Takes the event.
static void put(struct perfetto_out *out, json_t *event)
{
    if (event == NULL) {
        out->failed = true;
        return;
    }
    if (out->some) {
        write_out(",\n", 2, out);
    }
    json_dump_callback(event, write_out, out, JSON_COMPACT | JSON_REAL_PRECISION(PRECISION));
    json_decref(event);
    out->some = true;
}

static double us(int64_t ns)
{
    return (double)ns / 1000;
}

// Of processes, 0 means something else to the viewer.
static int pid_of(uint32_t process)
{
    return (int)process + 1;
}

// ---- names -------------------------------------------------------------------------------------

static void put_name(struct perfetto_out *out, const char *kind, uint32_t process, uint8_t actor,
                     const char *name)
{
    put(out, json_pack("{s:s,s:s,s:i,s:i,s:{s:s}}", "name", kind, "ph", "M", "pid", pid_of(process),
                       "tid", (int)actor, "args", "name", name));
}

static void put_rank(struct perfetto_out *out, const char *kind, uint32_t process, uint8_t actor,
                     int rank)
{
    put(out, json_pack("{s:s,s:s,s:i,s:i,s:{s:i}}", "name", kind, "ph", "M", "pid", pid_of(process),
                       "tid", (int)actor, "args", "sort_index", rank));
}

static void put_process_name(struct perfetto_out *out, const struct perfetto *p, uint32_t process)
{
    const struct hwi_ring_owner *owner = &p->processes[process].owner;
    char name[NAME_BYTES];
    if (owner->peer) {
        snprintf(name, sizeof name, "%s %" PRIu64, owner->name, owner->peer);
    } else {
        snprintf(name, sizeof name, "%s", owner->name[0] ? owner->name : "?");
    }
    // The master first, then by peer id.
    put_name(out, "process_name", process, 0, name);
    put_rank(out, "process_sort_index", process, 0, (int)HWI_MIN(owner->peer, 1u << 30));
    snprintf(name, sizeof name, "pid %" PRIu64 "%s%s", owner->pid, owner->address[0] ? ", " : "",
             owner->address);
    put(out, json_pack("{s:s,s:s,s:i,s:i,s:{s:s}}", "name", "process_labels", "ph", "M", "pid",
                       pid_of(process), "tid", 0, "args", "labels", name));
    put_name(out, "thread_name", process, 0, "calls and data");
    put_rank(out, "thread_sort_index", process, 0, 0);
}

void perfetto_put_names(struct perfetto_out *out, const struct perfetto *p)
{
    for (uint32_t i = 0; i < p->process_count; i++) {
        const struct perfetto_process *process = &p->processes[i];
        bool seen[ROLES] = {false};
        if (!process->count) {
            continue;
        }
        put_process_name(out, p, i);
        for (uint32_t k = process->first; k < process->first + process->count; k++) {
            uint8_t actor = hwi_ring_actor(&p->items[k].record);
            if (actor >= ROLES || seen[actor]) {
                continue;
            }
            seen[actor] = true;
            put_name(out, "thread_name", i, actor, hwi_role_name(actor));
            put_rank(out, "thread_sort_index", i, actor, actor);
        }
    }
}

// ---- messages ----------------------------------------------------------------------------------

static json_t *arguments(const struct hwi_ring_record *record)
{
    char message[TEXT_BYTES], other[NAME_BYTES];
    bool sent = hwi_ring_is_sent(record);
    hwi_ring_print(record, message, sizeof message);
    hwi_addr_print(hwi_ring_other(record), other, sizeof other);
    json_t *all = json_pack("{s:s,s:s,s:I}", "message", message, sent ? "to" : "from", other,
                            "number", (json_int_t)record->number);
    if (all != NULL && !sent) {
        json_object_set_new(all, "waited_us",
                            json_real(us((int64_t)(record->handled - record->arrived))));
    }
    return all;
}

void perfetto_put_slice(struct perfetto_out *out, struct perfetto_track track, int64_t start_ns,
                        int64_t duration_ns, const struct hwi_ring_record *record)
{
    if (!perfetto_has_room(out)) {
        out->left_out++;
        return;
    }
    put(out,
        json_pack("{s:s,s:s,s:s,s:f,s:f,s:i,s:i,s:o}", "name", hwi_layout_of(record->type)->name,
                  "cat", "message", "ph", "X", "ts", us(start_ns), "dur", us(duration_ns), "pid",
                  pid_of(track.process), "tid", (int)track.actor, "args", arguments(record)));
}

void perfetto_put_mark(struct perfetto_out *out, struct perfetto_track track, int64_t at_ns,
                       const struct hwi_ring_record *record)
{
    if (!perfetto_has_room(out)) {
        out->left_out++;
        return;
    }
    put(out,
        json_pack("{s:s,s:s,s:s,s:s,s:f,s:i,s:i,s:o}", "name", hwi_layout_of(record->type)->name,
                  "cat", "said", "ph", "i", "s", "t", "ts", us(at_ns), "pid", pid_of(track.process),
                  "tid", (int)track.actor, "args", arguments(record)));
}

static void put_flow_end(struct perfetto_out *out, const char *name, const char *phase,
                         struct perfetto_track track, int64_t ns)
{
    put(out, json_pack("{s:s,s:s,s:s,s:s,s:i,s:f,s:i,s:i}", "name", name, "cat", "flow", "ph",
                       phase, "bp", "e", "id", (int)out->ids, "ts", us(ns), "pid",
                       pid_of(track.process), "tid", (int)track.actor));
}

void perfetto_put_flow(struct perfetto_out *out, const char *name, struct perfetto_track from,
                       int64_t from_ns, struct perfetto_track to, int64_t to_ns)
{
    if (!perfetto_has_room(out)) {
        return;
    }
    out->ids++;
    put_flow_end(out, name, "s", from, from_ns);
    put_flow_end(out, name, "f", to, to_ns);
}

// ---- spans -------------------------------------------------------------------------------------

static void put_span_part(struct perfetto_out *out, const struct perfetto_span *span,
                          const char *phase, const char *name, int64_t ns)
{
    char id[NAME_BYTES];
    snprintf(id, sizeof id, "0x%" PRIx32, out->ids);
    put(out, json_pack("{s:s,s:s,s:s,s:s,s:f,s:i,s:i,s:{s:s}}", "name", name, "cat", span->category,
                       "ph", phase, "id", id, "ts", us(ns), "pid", pid_of(span->process), "tid", 0,
                       "args", "what", span->what));
}

void perfetto_put_span(struct perfetto_out *out, const struct perfetto_span *span)
{
    if (!perfetto_has_room(out)) {
        return;
    }
    out->ids++;
    put_span_part(out, span, "b", span->name, span->start_ns);
    if (span->marked_ns >= span->start_ns && span->marked_ns <= span->end_ns) {
        put_span_part(out, span, "n", span->mark, span->marked_ns);
    }
    put_span_part(out, span, "e", span->name, HWI_MAX(span->end_ns, span->start_ns));
}
