// SPDX-License-Identifier: MIT
// hawser trace: from a source to lines or to a picture.
#include "tools/hawser/trace/trace.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "tools/hawser/command.h"
#include "tools/hawser/common/os_process.h"
#include "tools/hawser/common/status_query.h"
#include "tools/hawser/picture/perfetto.h"

enum {
    ITEMS_MAX = 1 << 22, // sorted together
    ITEMS_FIRST = 1 << 14,
    WAIT_MS = 100,   // for the first of them, ...
    GATHER_MS = 200, // ... and for all, once the rings are current
    BUFFER_BYTES = 1 << 16,
};

struct place {
    uint64_t time_ns;
    uint32_t index;
};

struct trace {
    const struct trace_options *options;
    struct trace_source *source;
    struct perfetto *picture; // NULL = lines
    struct trace_item *items;
    struct place *places; // of the items, to be sorted
    uint32_t item_count, capacity;
    uint64_t *told; // by ring: losses that were already said
    uint32_t told_count;
    uint64_t shown;
    bool gathered; // what the rings held at first has come, or does not come
    bool failed;   // lines could not be written
    uint64_t start_ns;
};

static volatile sig_atomic_t stopped;

static void on_signal(int number)
{
    (void)number;
    stopped = 1;
}

static void catch_signals(void)
{
    // Lines that are being written are finished; sleeping ends in any case.
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

// ---- the target --------------------------------------------------------------------------------

static bool parse_pids(const char *text, uint32_t pids[TRACE_PIDS_MAX], uint32_t *count)
{
    char *end;
    for (*count = 0; *count < TRACE_PIDS_MAX; text = end + 1) {
        errno = 0;
        unsigned long pid = strtoul(text, &end, 10);
        if (*text < '0' || *text > '9' || errno || pid == 0 || pid > INT32_MAX) {
            return false;
        }
        pids[(*count)++] = (uint32_t)pid;
        if (*end != ',') {
            return *end == '\0';
        }
    }
    return false;
}

static int open_source(struct trace *trace)
{
    const struct trace_options *options = trace->options;
    uint32_t pids[TRACE_PIDS_MAX], count;
    char error[TRACE_ERROR_BYTES];
    if (strchr(options->target, ':') != NULL) {
        trace->source = trace_open_run(options->target, options->history, error);
    } else if (parse_pids(options->target, pids, &count)) {
        trace->source = trace_open_processes(pids, count, options->history, error);
    } else {
        complain("trace", "\"%s\" is neither the number of a process nor HOST:PORT",
                 options->target);
        return EXIT_USAGE;
    }
    if (trace->source == NULL) {
        complain("trace", "%s", error);
    }
    return trace->source != NULL ? EXIT_OK : EXIT_FAILED;
}

// ---- what comes --------------------------------------------------------------------------------

static uint64_t time_of(const struct trace *trace, const struct trace_item *item)
{
    return trace->source->rings[item->ring].realtime_zero_ns + item->record.handled;
}

static int by_time(const void *a, const void *b)
{
    const struct place *x = a, *y = b;
    if (x->time_ns != y->time_ns) {
        return x->time_ns < y->time_ns ? -1 : 1;
    }
    return (x->index > y->index) - (x->index < y->index);
}

static bool is_enough(const struct trace *trace)
{
    return trace->shown >= trace->options->count;
}

static void show(struct trace *trace, const struct trace_item *item)
{
    if (is_enough(trace) ||
        !trace_wanted(&trace->options->filter, &trace->source->rings[item->ring], &item->record)) {
        return;
    }
    trace->shown++;
    if (trace->picture != NULL) {
        perfetto_add(trace->picture, item->ring, &item->record);
    } else if (trace->options->json) {
        trace_put_item(stdout, trace->source, item);
    } else {
        trace_print_item(stdout, trace->source, item);
    }
}

// Rings are read one after the other; what was gathered is shown in the order of time.
static void show_all(struct trace *trace)
{
    for (uint32_t i = 0; i < trace->item_count; i++) {
        trace->places[i] = (struct place){time_of(trace, &trace->items[i]), i};
    }
    qsort(trace->places, trace->item_count, sizeof trace->places[0], by_time);
    for (uint32_t i = 0; i < trace->item_count; i++) {
        show(trace, &trace->items[trace->places[i].index]);
    }
    trace->item_count = 0;
}

static bool make_room(struct trace *trace)
{
    if (trace->item_count < trace->capacity) {
        return true;
    }
    uint32_t capacity = trace->capacity ? 2 * trace->capacity : ITEMS_FIRST;
    if (capacity > ITEMS_MAX) {
        return false;
    }
    struct trace_item *items = realloc(trace->items, capacity * sizeof *items);
    if (items != NULL) {
        trace->items = items;
    }
    struct place *places = items != NULL ? realloc(trace->places, capacity * sizeof *places) : NULL;
    if (places == NULL) {
        return false;
    }
    trace->places = places;
    trace->capacity = capacity;
    return true;
}

static bool is_over(const struct trace *trace)
{
    uint64_t for_ms = trace->options->for_ms;
    return stopped || is_enough(trace) ||
           (for_ms && now_ns() - trace->start_ns >= for_ms * HWI_NS_PER_MS);
}

// Everything the rings hold at first; later what came in a moment.
static void gather(struct trace *trace)
{
    struct trace_source *source = trace->source;
    uint64_t start_ns = now_ns(), news_ns = start_ns;
    uint32_t wait_ms = WAIT_MS;
    while (!is_over(trace) && make_room(trace)) {
        struct trace_item *items = trace->items + trace->item_count;
        uint32_t rings = source->ring_count;
        uint32_t count =
            source->ops->read(source, items, trace->capacity - trace->item_count, wait_ms);
        uint64_t now = now_ns();
        news_ns = trace_is_awaited(source, rings, items, count) ? now : news_ns;
        trace->gathered = trace->gathered || trace_is_current(source) ||
                          now - news_ns >= TRACE_QUIET_MS * HWI_NS_PER_MS;
        trace->item_count += count;
        if (trace->gathered && (count == 0 || now - start_ns >= GATHER_MS * HWI_NS_PER_MS)) {
            break;
        }
        wait_ms = trace->gathered ? 0 : WAIT_MS;
    }
    trace->gathered = true;
}

// ---- losses ------------------------------------------------------------------------------------

static bool remember_rings(struct trace *trace)
{
    uint32_t count = trace->source->ring_count;
    if (trace->told_count >= count) {
        return true;
    }
    uint64_t *told = realloc(trace->told, count * sizeof *told);
    if (told == NULL) {
        return false;
    }
    for (uint32_t i = trace->told_count; i < count; i++) {
        told[i] = 0;
    }
    trace->told = told;
    trace->told_count = count;
    return true;
}

// Reports how many more records of each ring were lost since the last report.
static void tell_losses(struct trace *trace)
{
    char process[TRACE_TARGET_BYTES];
    const struct trace_source *source = trace->source;
    if (!remember_rings(trace)) {
        return;
    }
    for (uint32_t i = 0; i < source->ring_count; i++) {
        uint64_t more = source->rings[i].lost - trace->told[i];
        trace->told[i] += more;
        trace_print_process(&source->rings[i], process, sizeof process);
        if (more && trace->picture == NULL && trace->options->json) {
            trace_put_loss(stdout, &source->rings[i], more);
        } else if (more && trace->picture == NULL) {
            printf("-- lost %" PRIu64 " messages of %s: they came faster than they were read\n",
                   more, process);
        }
    }
}

static uint64_t all_lost(const struct trace *trace)
{
    uint64_t lost = 0;
    for (uint32_t i = 0; i < trace->source->ring_count; i++) {
        lost += trace->source->rings[i].lost;
    }
    return lost;
}

// ---- the command -------------------------------------------------------------------------------

// The lines are not wanted any more, or cannot be written: it is useless to continue.
static bool write_lines(struct trace *trace)
{
    errno = 0;
    if (fflush(stdout) == 0 && !ferror(stdout)) {
        return true;
    }
    trace->failed = true;
    complain("trace", "cannot write what was heard: %s", strerror(errno ? errno : EIO));
    return false;
}

static void follow(struct trace *trace)
{
    bool go_on = true;
    while (go_on && !is_over(trace)) {
        gather(trace);
        show_all(trace);
        tell_losses(trace);
        go_on = write_lines(trace) && trace->options->follow && !trace_has_ended(trace->source);
    }
}

static int draw(struct trace *trace)
{
    char error[PERFETTO_ERROR_BYTES];
    const struct trace_source *source = trace->source;
    for (uint32_t i = 0; i < source->ring_count; i++) {
        perfetto_process(trace->picture, i, &source->rings[i].owner,
                         source->rings[i].realtime_zero_ns);
    }
    if (perfetto_write(trace->picture, trace->options->picture, error) == 0) {
        uint64_t left_out = perfetto_left_out(trace->picture);
        if (left_out > 0) {
            complain("trace",
                     "the picture has room for the newest messages only (%d MiB): %" PRIu64
                     " older ones are left out; --count, --actor, --tag and --member choose",
                     PERFETTO_BYTES_MAX >> 20, left_out);
        }
        return EXIT_OK;
    }
    complain("trace", "%s", error);
    return EXIT_FAILED;
}

// The processes that are missing in this trace: the master knows their names.
static void find_missing(const struct trace *trace, char text[TRACE_ERROR_BYTES])
{
    char ignored[STATUS_ERROR_BYTES];
    struct hwi_msg status = {.type = HWI_MSG_NONE};
    void *block = NULL;
    bool known =
        status_query(trace->options->target, STATUS_TIMEOUT_MS, &status, &block, ignored) == 0;
    trace_print_missing(trace->source, known ? &status.u.status : NULL, text);
    free(block);
}

static void tell_end(const struct trace *trace)
{
    const struct trace_source *source = trace->source;
    char missing[TRACE_ERROR_BYTES] = "";
    struct trace_end end = {.shown = trace->shown, .lost = all_lost(trace), .missing = missing};
    end.ended = trace->options->follow && !stopped && trace_has_ended(source);
    if (!end.ended && !stopped && trace_missing(source) > 0) {
        find_missing(trace, missing);
        complain("trace", "nothing came from %s: stopped, cut off, or of another version", missing);
    }
    for (uint32_t i = 0; i < source->ring_count && !is_enough(trace); i++) {
        end.awaited += source->rings[i].awaited;
    }
    if (trace->options->json) {
        trace_put_end(stdout, &end);
        return;
    }
    fprintf(stderr, "hawser trace: %" PRIu64 " messages %s, %" PRIu64 " lost", end.shown,
            trace->picture != NULL ? "drawn" : "shown", end.lost);
    if (end.awaited) {
        fprintf(stderr, ", %" PRIu64 " did not come in time", end.awaited);
    }
    fprintf(stderr, "%s\n", end.ended ? "; nothing more is heard: the processes have ended" : "");
}

// Before the trace and not after it: what cannot be kept need not be waited for.
static bool can_draw(const struct trace_options *options)
{
    FILE *file = options->picture != NULL ? fopen(options->picture, "a") : NULL;
    if (options->picture != NULL && file == NULL) {
        complain("trace", "cannot write %s: %s", options->picture, strerror(errno));
    }
    return options->picture == NULL || (file != NULL && fclose(file) == 0);
}

static int run(struct trace *trace)
{
    int code = open_source(trace);
    if (code != EXIT_OK) {
        return code;
    }
    if (!can_draw(trace->options)) {
        trace->source->ops->close(trace->source);
        return EXIT_FAILED;
    }
    os_be_patient();
    trace->start_ns = now_ns();
    follow(trace);
    if (trace->picture != NULL) {
        code = draw(trace);
    }
    code = trace->failed ? EXIT_FAILED : code;
    if (code == EXIT_OK) {
        tell_end(trace);
        code = write_lines(trace) ? EXIT_OK : EXIT_FAILED;
    }
    trace->source->ops->close(trace->source);
    return code;
}

int command_trace(int argc, char **argv)
{
    struct trace_options options;
    struct trace trace = {.options = &options};
    bool done = false;
    int code = trace_parse(&options, argc, argv, &done);
    if (code != EXIT_OK || done) {
        return code;
    }
    setvbuf(stdout, NULL, _IOFBF, BUFFER_BYTES);
    catch_signals();
    if (options.picture != NULL && (trace.picture = perfetto_create()) == NULL) {
        complain("trace", "no memory");
        return EXIT_FAILED;
    }
    code = run(&trace);
    if (trace.picture != NULL) {
        perfetto_destroy(trace.picture);
    }
    free(trace.items);
    free(trace.places);
    free(trace.told);
    return code;
}
