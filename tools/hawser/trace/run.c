// SPDX-License-Identifier: MIT
// The rings of a whole run, relayed by its master: asked for again and again, as batches come.
#include "tools/hawser/trace/run.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actors/wire/codec.h"
#include "tools/hawser/command.h"
#include "tools/hawser/common/master_link.h"

enum {
    ASK_MS = 800,
    WANT_MS = 2500, // it ends so long after the last question
    BYTES_PER_S = 6 << 20,
    ANSWER_MS = 2000,  // for the first answer
    SILENCE_MS = 3000, // a ring not heard for so long has ended
};

// Further facts of the source about one of its rings.
struct sender {
    uint64_t next;     // number of the record expected; 0 = no batch came yet
    uint64_t history;  // number that its next record had when it spoke first
    uint64_t as_of_ns; // its clock, when it spoke last
    uint64_t heard_ns; // ours
};

struct run_source {
    struct trace_source base;
    struct sender *senders; // owned, as base.rings
    struct master_link link;
    uint32_t history;
    uint64_t asked_ns, told_ns;
    // A batch that is being handed out
    struct hwi_msg batch;
    void *block;
    uint32_t ring, at;
};

static struct run_source *run_of(struct trace_source *source)
{
    return (struct run_source *)source;
}

// ---- asking -------------------------------------------------------------------------------------

static void ask(struct run_source *run, uint64_t now)
{
    if (run->asked_ns && now - run->asked_ns < ASK_MS * HWI_NS_PER_MS) {
        return;
    }
    struct hwi_msg want = {.type = HWI_MSG_trace_want};
    want.u.trace_want.timeout_ms = WANT_MS;
    want.u.trace_want.bytes_per_s = BYTES_PER_S;
    want.u.trace_want.history = run->history;
    link_send(&run->link, &want);
    run->asked_ns = now;
}

// ---- rings --------------------------------------------------------------------------------------

static bool same_process(const struct trace_ring *ring, const struct hwi_msg_trace_batch *batch)
{
    return ring->owner.incarnation == batch->incarnation && ring->owner.pid == batch->pid;
}

// The batch's ring, new or known; -1 = there are too many.
static int64_t ring_of(struct run_source *run, const struct hwi_msg_trace_batch *batch)
{
    struct trace_source *source = &run->base;
    for (uint32_t i = 0; i < source->ring_count; i++) {
        if (same_process(&source->rings[i], batch)) {
            return i;
        }
    }
    if (source->ring_count == TRACE_RINGS_MAX) {
        return -1;
    }
    uint32_t count = source->ring_count + 1;
    struct trace_ring *rings = realloc(source->rings, count * sizeof *rings);
    if (rings != NULL) {
        source->rings = rings;
    }
    struct sender *senders = realloc(run->senders, count * sizeof *senders);
    if (senders != NULL) {
        run->senders = senders;
    }
    if (rings == NULL || senders == NULL) {
        return -1;
    }
    memset(&rings[count - 1], 0, sizeof *rings);
    memset(&senders[count - 1], 0, sizeof *senders);
    source->ring_count = count;
    return count - 1;
}

// Records are lost in batches that were dropped on the way. An empty one says that all before it
// has been sent.
static void count_losses(struct run_source *run, uint32_t index,
                         const struct hwi_msg_trace_batch *batch)
{
    struct trace_ring *ring = &run->base.rings[index];
    struct sender *sender = &run->senders[index];
    sender->next = sender->next ? sender->next : HWI_MAX(batch->first, 1);
    if (batch->records_count == 0 && batch->next > sender->next) {
        ring->lost += batch->next - sender->next;
        sender->next = batch->next;
    }
}

static void learn(struct run_source *run, uint32_t index, const struct hwi_msg_trace_batch *batch,
                  uint64_t now)
{
    struct trace_ring *ring = &run->base.rings[index];
    struct sender *sender = &run->senders[index];
    ring->owner = (struct hwi_ring_owner){.pid = batch->pid,
                                          .incarnation = batch->incarnation,
                                          .peer = batch->peer,
                                          .run = batch->run};
    snprintf(ring->owner.name, sizeof ring->owner.name, "%.*s", HWI_RING_NAME_MAX - 1, batch->name);
    snprintf(ring->owner.address, sizeof ring->owner.address, "%s", batch->address);
    make_printable(ring->owner.name);
    make_printable(ring->owner.address);
    ring->realtime_zero_ns = batch->realtime_ns - batch->now_ns;
    ring->ended = false;
    sender->as_of_ns = batch->now_ns;
    sender->heard_ns = now;
    count_losses(run, index, batch);
    uint64_t reached =
        batch->records_count ? batch->records[batch->records_count - 1].number + 1 : sender->next;
    sender->history = sender->history ? sender->history : batch->next;
    ring->current |= !run->history || reached >= sender->history;
    ring->awaited = ring->current ? 0 : sender->history - reached;
}

static void notice_ends(struct run_source *run, uint64_t now)
{
    for (uint32_t i = 0; i < run->base.ring_count; i++) {
        if (now - run->senders[i].heard_ns > SILENCE_MS * HWI_NS_PER_MS) {
            run->base.rings[i].ended = true;
        }
    }
}

// ---- reading ------------------------------------------------------------------------------------

static void drop_batch(struct run_source *run)
{
    free(run->block);
    run->block = NULL;
    run->batch.type = HWI_MSG_NONE;
}

// Takes in the next message; false if none came in time.
static bool receive(struct run_source *run, uint64_t deadline_ns)
{
    if (!link_receive(&run->link, deadline_ns, &run->batch, &run->block)) {
        return false;
    }
    const struct hwi_msg_trace_batch *batch = &run->batch.u.trace_batch;
    uint64_t now = now_ns();
    int64_t ring = -1;
    if (run->batch.type == HWI_MSG_trace_told) {
        run->base.promised = run->batch.u.trace_told.rings;
        run->told_ns = now;
    } else if (run->batch.type == HWI_MSG_trace_batch && batch->schema == hwi_schema_hash()) {
        ring = ring_of(run, batch);
    }
    if (ring < 0) {
        drop_batch(run);
        return true;
    }
    learn(run, (uint32_t)ring, batch, now);
    run->ring = (uint32_t)ring;
    run->at = 0;
    return true;
}

static void convert(const struct hwi_trace_record *from, struct hwi_ring_record *to)
{
    *to = (struct hwi_ring_record){.number = from->number,
                                   .arrived = from->arrived_ns,
                                   .handled = from->handled_ns,
                                   .view = from->view,
                                   .tag = from->tag,
                                   .key = from->key,
                                   .other = from->other,
                                   .seq = from->seq,
                                   .type = (uint16_t)from->type,
                                   .roles = from->roles,
                                   .kind = from->kind};
}

// Hands out what the batch still has; each number is either handed out once or counted as lost.
static uint32_t hand_out(struct run_source *run, struct trace_item *items, uint32_t max)
{
    const struct hwi_msg_trace_batch *batch = &run->batch.u.trace_batch;
    uint32_t count = 0;
    if (run->batch.type != HWI_MSG_trace_batch) {
        return 0;
    }
    struct sender *sender = &run->senders[run->ring];
    for (; run->at < batch->records_count && count < max; run->at++) {
        const struct hwi_trace_record *record = &batch->records[run->at];
        if (record->number < sender->next) {
            continue; // said twice, or no number at all
        }
        run->base.rings[run->ring].lost += record->number - sender->next;
        sender->next = record->number + 1;
        items[count].ring = run->ring;
        convert(record, &items[count++].record);
    }
    if (run->at == batch->records_count) {
        drop_batch(run);
    }
    return count;
}

static uint32_t read_run(struct trace_source *source, struct trace_item *items, uint32_t max,
                         uint32_t timeout_ms)
{
    struct run_source *run = run_of(source);
    uint64_t end_ns = now_ns() + timeout_ms * HWI_NS_PER_MS;
    uint32_t count = hand_out(run, items, max);
    while (count < max) {
        uint64_t now = now_ns();
        ask(run, now);
        notice_ends(run, now);
        uint64_t ask_ns = run->asked_ns + ASK_MS * HWI_NS_PER_MS;
        errno = 0;
        bool came = receive(run, count ? 0 : HWI_MIN(end_ns, ask_ns));
        count += hand_out(run, items + count, max - count);
        if ((!came && (count || errno == EINTR)) || (!count && now_ns() >= end_ns)) {
            break;
        }
    }
    return count;
}

// Makes room for the next tool at once.
static void say_enough(struct run_source *run)
{
    struct hwi_msg want = {.type = HWI_MSG_trace_want};
    if (run->told_ns) {
        link_send(&run->link, &want);
    }
}

static void close_run(struct trace_source *source)
{
    struct run_source *run = run_of(source);
    say_enough(run);
    drop_batch(run);
    link_close(&run->link);
    free(run->senders);
    free(source->rings);
    free(run);
}

static const struct trace_source_ops run_ops = {.read = read_run, .close = close_run};

struct trace_source *trace_open_run(const char *master, bool history, char *error)
{
    struct run_source *run = calloc(1, sizeof *run);
    if (run == NULL) {
        snprintf(error, TRACE_ERROR_BYTES, "no memory");
        return NULL;
    }
    run->base.ops = &run_ops;
    run->history = history ? UINT32_MAX : 0;
    bool good = link_open(&run->link, master, error);
    uint64_t end_ns = now_ns() + ANSWER_MS * HWI_NS_PER_MS;
    while (good && !run->told_ns && now_ns() < end_ns) {
        ask(run, now_ns());
        drop_batch(run); // what came before the answer would be lost: it is the first
        receive(run, HWI_MIN(end_ns, run->asked_ns + ASK_MS * HWI_NS_PER_MS));
    }
    if (good && !run->told_ns) {
        snprintf(error, TRACE_ERROR_BYTES,
                 "no answer from a master at %.100s within %d ms: is it running there? (it lets %d "
                 "trace at once)",
                 master, ANSWER_MS, HWI_TRACE_TOOLS_MAX);
    }
    if (good && run->told_ns) {
        return &run->base;
    }
    close_run(&run->base);
    return NULL;
}

uint64_t trace_run_as_of(const struct trace_source *source, uint32_t ring)
{
    return ((const struct run_source *)source)->senders[ring].as_of_ns;
}
