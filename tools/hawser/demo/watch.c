// SPDX-License-Identifier: MIT
// Reads what the trainers report and shows it as it comes.
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "tools/hawser/command.h"
#include "tools/hawser/demo/demo.h"

enum { SHOW_EVERY = 10 }; // steps per line where the line cannot be rewritten

static FILE *stream_of(const struct demo *demo)
{
    return demo->json ? stderr : stdout;
}

// On a terminal, progress rewrites one line, which the next event replaces.
static void clear_progress(struct demo *demo)
{
    if (demo->terminal) {
        fputs("\r\033[K", stream_of(demo));
    }
}

static void print_time(struct demo *demo)
{
    fprintf(stream_of(demo), "%6.2f s  ", (double)(now_ns() - demo->start_ns) * 1e-9);
}

void demo_show(struct demo *demo, const char *format, ...)
{
    va_list arguments;
    clear_progress(demo);
    print_time(demo);
    va_start(arguments, format);
    vfprintf(stream_of(demo), format, arguments);
    va_end(arguments);
    fputc('\n', stream_of(demo));
    fflush(stream_of(demo));
}

void demo_problem(struct demo *demo, const char *format, ...)
{
    va_list arguments;
    if (demo->problem[0]) {
        return;
    }
    va_start(arguments, format);
    vsnprintf(demo->problem, sizeof demo->problem, format, arguments);
    va_end(arguments);
}

// ---- one function per kind of report ---------------------------------------------------------

static void on_joined(struct demo *demo, struct demo_party *party, const char *line)
{
    uint64_t view;
    uint32_t members;
    if (sscanf(line, "joined peer=%" SCNu64 " view=%" SCNu64 " members=%" SCNu32, &party->peer,
               &view, &members) == 3) {
        demo_show(demo, "member %" PRIu64 " joined (view %" PRIu64 ", %" PRIu32 " members)",
                  party->peer, view, members);
    }
}

static void on_synced(struct demo *demo, struct demo_party *party, const char *line)
{
    uint64_t step, bytes;
    uint32_t sources;
    if (sscanf(line, "synced step=%" SCNu64 " bytes=%" SCNu64 " sources=%" SCNu32, &step, &bytes,
               &sources) != 3) {
        return;
    }
    if (party == &demo->parties[DEMO_NEWCOMER] && party->synced_bytes == 0) {
        party->synced_at = step;
        party->synced_bytes = bytes;
    }
    if (bytes > 0) {
        demo_show(demo,
                  "member %" PRIu64 " has the state of step %" PRIu64 ": %" PRIu64
                  " bytes from %" PRIu32 " members",
                  party->peer, step, bytes, sources);
    }
}

static void on_lost(struct demo *demo, struct demo_party *party, const char *line)
{
    uint64_t peer;
    if (sscanf(line, "lost peer=%" SCNu64, &peer) != 1) {
        return;
    }
    if (peer == demo->parties[DEMO_VICTIM].peer) {
        party->missed_victim = true;
    }
    demo_show(demo, "member %" PRIu64 " continues without member %" PRIu64, party->peer, peer);
}

static void on_averaged(struct demo *demo, struct demo_party *party, const char *line)
{
    uint64_t step, aborted;
    uint32_t attempts;
    if (sscanf(line, "averaged step=%" SCNu64 " attempts=%" SCNu32 " aborted=%" SCNu64, &step,
               &attempts, &aborted) != 3) {
        return;
    }
    if (attempts > 1 && aborted > 0 && step == demo->parties[DEMO_VICTIM].dying_step) {
        party->retried = true;
    }
}

static void on_step(struct demo *demo, struct demo_party *party, const char *line)
{
    double loss;
    uint32_t members;
    if (sscanf(line, "step number=%" SCNu64 " loss=%lf members=%" SCNu32, &party->step, &loss,
               &members) != 3) {
        return;
    }
    if (party->step <= demo->shown_step) {
        return;
    }
    demo->shown_step = party->step;
    if (demo->terminal) {
        clear_progress(demo);
        print_time(demo);
        fprintf(stream_of(demo), "step %2" PRIu64 " of %d  loss %.4f  %" PRIu32 " members",
                party->step, DEMO_STEPS, loss, members);
        fflush(stream_of(demo));
    } else if (party->step % SHOW_EVERY == 0) {
        demo_show(demo, "step %2" PRIu64 " of %d  loss %.4f  %" PRIu32 " members", party->step,
                  DEMO_STEPS, loss, members);
    }
}

static void on_dying(struct demo *demo, struct demo_party *party, const char *line)
{
    (void)demo;
    sscanf(line, "dying step=%" SCNu64, &party->dying_step);
}

static void on_rejoining(struct demo *demo, struct demo_party *party, const char *line)
{
    demo_show(demo, "member %" PRIu64 " was removed from the run (%s) and joins again", party->peer,
              line + strlen("rejoining "));
}

static void on_finished(struct demo *demo, struct demo_party *party, const char *line)
{
    (void)demo;
    party->finished =
        sscanf(line, "finished step=%" SCNu64 " accuracy=%lf", &party->step, &party->accuracy) == 2;
}

void demo_on_report(struct demo *demo, uint32_t index, const char *line)
{
    static const struct {
        const char *word;
        void (*read)(struct demo *demo, struct demo_party *party, const char *line);
    } kinds[] = {
        {"joined ", on_joined},     {"synced ", on_synced},       {"lost ", on_lost},
        {"step ", on_step},         {"averaged ", on_averaged},   {"dying ", on_dying},
        {"finished ", on_finished}, {"rejoining ", on_rejoining},
    };
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0] && index < DEMO_PARTIES; i++) {
        if (strncmp(line, kinds[i].word, strlen(kinds[i].word)) == 0) {
            kinds[i].read(demo, &demo->parties[index], line);
        }
    }
}
