// SPDX-License-Identifier: MIT
#include "tools/hawser/sim/report.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/hawser/command.h"
#include "tools/hawser/common/json.h"

enum { TAIL_LINES = 40, TRIES_MAX = 400, COMMAND_BYTES_MAX = SWARM_LIST_BYTES_MAX + 256 };
#define SHOW_NS (500 * HWI_NS_PER_MS)

static const struct {
    enum hwi_kind kind;
    const char *name;
} call_kinds[] = {
    {HWI_KIND_ALL_REDUCE, "all-reduce"},
    {HWI_KIND_REDUCE_SCATTER, "reduce-scatter"},
    {HWI_KIND_ALL_GATHER, "all-gather"},
    {HWI_KIND_BROADCAST, "broadcast"},
    {HWI_KIND_AGREE, "agree"},
    {HWI_KIND_BARRIER, "barrier"},
    {HWI_KIND_AGREE_RUN, "agree of run"},
    {HWI_KIND_BARRIER_RUN, "barrier of run"},
    {HWI_KIND_ADMIT, "admit"},
    {HWI_KIND_SYNC, "sync"},
};

// ---- seeds as they end

void sim_report_begin(struct sim_report *report, const struct sim_batch *batch)
{
    report->batch = batch;
    report->terminal = isatty(STDERR_FILENO) != 0 && batch->seeds > 1;
    report->began_ns = now_ns();
    report->peers_least = UINT64_MAX;
}

static void show_progress(struct sim_report *report, bool last)
{
    uint64_t now = now_ns();
    if (!report->terminal || (now - report->shown_ns < SHOW_NS && !last)) {
        return;
    }
    report->shown_ns = now;
    double seconds = (double)(now - report->began_ns) / 1e9;
    fprintf(stderr, "\r%" PRIu64 " of %" PRIu64 " seeds, %.0f a second, %" PRIu64 " failed ",
            report->seeds, report->batch->seeds, (double)report->seeds / (seconds + 1e-9),
            report->seeds - report->verdicts[SWARM_OK]);
    if (last) {
        fputs("\r\033[K", stderr);
    }
}

static void add(struct sim_report *report, const struct swarm_outcome *outcome)
{
    struct swarm_outcome *total = &report->total;
    total->virtual_ns += outcome->virtual_ns;
    total->cpu_ns += outcome->cpu_ns;
    total->calls += outcome->calls;
    total->committed += outcome->committed;
    total->aborted += outcome->aborted;
    total->lives += outcome->lives;
    total->views += outcome->views;
    total->mismatches += outcome->mismatches;
    total->cancelled += outcome->cancelled;
    total->batches += outcome->batches;
    total->batches_cut += outcome->batches_cut;
    for (uint32_t i = 0; i < SWARM_CALL_KINDS; i++) {
        total->oks[i] += outcome->oks[i];
    }
    report->grouped += outcome->groups > 1;
    report->with_units += outcome->unit > 0;
    for (uint32_t i = 0; i < SWARM_KINDS; i++) {
        total->struck[i] += outcome->struck[i];
    }
    for (uint32_t i = 0; i < HWI_SIM_FAULTS; i++) {
        total->injected[i] += outcome->injected[i];
    }
    total->memory_most = HWI_MAX(total->memory_most, outcome->memory_most);
    report->heal_most_ns = HWI_MAX(report->heal_most_ns, outcome->heal_ns);
    report->cpu_most_ns = HWI_MAX(report->cpu_most_ns, outcome->cpu_ns);
    report->peers_least = HWI_MIN(report->peers_least, outcome->peers);
    report->peers_most = HWI_MAX(report->peers_most, outcome->peers);
}

static struct swarm_config config_of(const struct sim_report *report,
                                     const struct swarm_outcome *outcome)
{
    struct swarm_config config = report->batch->config;
    config.seed = outcome->seed;
    config.look = NULL;
    config.transcript = false;
    config.journal = NULL;
    config.twice = outcome->verdict == SWARM_DIFFERS;
    if (outcome->peers != 0) {
        config.peers_least = config.peers_most = outcome->peers;
    }
    return config;
}

static void print_failure(const struct swarm_config *config, const struct swarm_outcome *outcome)
{
    static char command[COMMAND_BYTES_MAX];
    swarm_command(config, command, sizeof command);
    printf("seed %" PRIu64 ": %s: %s\n  %s\n", outcome->seed,
           swarm_verdict_name((enum swarm_verdict)outcome->verdict), outcome->sentence, command);
    fflush(stdout);
}

static void print_seed(const struct swarm_outcome *o)
{
    printf("seed %" PRIu64 ": %s, %u members, %u steps, %.0f s, %" PRIu64 " committed, %" PRIu64
           " aborted, %" PRIu64 " views, healed in %.1f s, %.0f ms CPU, transcript %016" PRIx64
           "\n",
           o->seed, swarm_verdict_name((enum swarm_verdict)o->verdict), o->peers, o->steps,
           (double)o->virtual_ns / 1e9, o->committed, o->aborted, o->views,
           (double)o->heal_ns / 1e9, (double)o->cpu_ns / 1e6, o->digest);
}

bool sim_report_seed(void *user, const struct swarm_outcome *outcome)
{
    struct sim_report *report = user;
    report->seeds++;
    report->verdicts[outcome->verdict]++;
    add(report, outcome);
    if (report->verbose && !report->json) {
        print_seed(outcome);
    }
    uint64_t failures = report->seeds - report->verdicts[SWARM_OK];
    if (outcome->verdict != SWARM_OK) {
        report->first = failures == 1 ? *outcome : report->first;
        if (!report->json) {
            struct swarm_config config = config_of(report, outcome);
            print_failure(&config, outcome);
        }
    }
    show_progress(report, false);
    return failures < SIM_FAILURES_MAX;
}

// ---- the end

static void print_tail(void *user, struct hwi_sim *sim)
{
    (void)user;
    const char *text = hwi_sim_transcript(sim), *at = text + strlen(text);
    for (uint32_t lines = 0; at > text && (at[-1] != '\n' || ++lines <= TAIL_LINES); at--) {
    }
    fputs("the last messages:\n", stdout);
    fputs(at, stdout);
}

static void shrink_first(const struct sim_report *report)
{
    struct swarm_shrunk *shrunk = malloc(sizeof *shrunk);
    struct swarm_config config = config_of(report, &report->first);
    struct swarm_outcome again;
    if (shrunk == NULL) {
        return;
    }
    swarm_shrink(&config, &report->first, TRIES_MAX, sim_batch_try, NULL, shrunk);
    printf("smallest of %u runs:\n", shrunk->tries);
    print_failure(&shrunk->config, &shrunk->outcome);
    struct swarm_config told = shrunk->config;
    told.transcript = true;
    told.look = print_tail;
    sim_batch_try(NULL, &told, &again);
    free(shrunk);
}

static double hours(uint64_t ns)
{
    return (double)ns / 3600e9;
}

static double hours_per_cpu_minute(const struct sim_report *report)
{
    return hours(report->total.virtual_ns) / ((double)report->total.cpu_ns / 60e9 + 1e-9);
}

static void print_faults(const struct sim_report *report)
{
    puts("faults: events that struck, and their outcomes");
    for (uint32_t i = 0; i < HWI_MAX((uint32_t)SWARM_KINDS, (uint32_t)HWI_SIM_FAULTS); i++) {
        if (i < SWARM_KINDS) {
            printf("  %-14s %10" PRIu64, swarm_kind_word((enum swarm_kind)i),
                   report->total.struck[i]);
        } else {
            printf("  %-14s %10s", "", "");
        }
        if (i < HWI_SIM_FAULTS) {
            printf("      %-14s %12" PRIu64, hwi_sim_fault_name((enum hwi_sim_fault)i),
                   report->total.injected[i]);
        }
        putchar('\n');
    }
}

// Calls that succeeded.
static void print_kinds(const struct swarm_outcome *total)
{
    printf("OK         ");
    for (uint32_t i = 0; i < HWI_COUNT(call_kinds); i++) {
        printf("%s %s %" PRIu64, i > 0 ? "," : "", call_kinds[i].name,
               total->oks[call_kinds[i].kind]);
    }
    putchar('\n');
}

static void print_table(const struct sim_report *report)
{
    const struct swarm_outcome *total = &report->total;
    printf("seeds       %" PRIu64 " of %" PRIu64 ", %" PRIu64 " to %" PRIu64 " members\n",
           report->seeds, report->batch->seeds, report->peers_least, report->peers_most);
    printf("simulated   %.2f h in %.2f CPU minutes: %.1f h per CPU minute, %.1f ms a seed (at most "
           "%.0f)\n",
           hours(total->virtual_ns), (double)total->cpu_ns / 60e9, hours_per_cpu_minute(report),
           (double)total->cpu_ns / 1e6 / (double)report->seeds, (double)report->cpu_most_ns / 1e6);
    printf("operations  %" PRIu64 " committed, %" PRIu64 " aborted; %" PRIu64 " calls, %" PRIu64
           " mismatched, %" PRIu64 " cancelled\n",
           total->committed, total->aborted, total->calls, total->mismatches, total->cancelled);
    print_kinds(total);
    printf("batches     %" PRIu64 " returned, %" PRIu64 " of them cut short\n", total->batches,
           total->batches_cut);
    printf("groups      %" PRIu64 " seeds of several, %" PRIu64 " with units\n", report->grouped,
           report->with_units);
    printf("members     %" PRIu64 " lives in %" PRIu64 " views; all got on %.1f s after the faults "
           "at most; %.1f MiB in a process at most\n",
           total->lives, total->views, (double)report->heal_most_ns / 1e9,
           (double)total->memory_most / 1048576);
    print_faults(report);
    printf("verdicts   ");
    for (uint32_t i = 0; i < SWARM_VERDICTS; i++) {
        printf(" %s %" PRIu64, swarm_verdict_name((enum swarm_verdict)i), report->verdicts[i]);
    }
    putchar('\n');
}

static void print_json(const struct sim_report *report)
{
    const struct swarm_outcome *total = &report->total;
    printf("{\"seeds\": %" PRIu64 ", \"simulated_hours\": %.3f, \"cpu_minutes\": %.3f, "
           "\"hours_per_cpu_minute\": %.1f, \"committed\": %" PRIu64 ", \"aborted\": %" PRIu64
           ", \"calls\": %" PRIu64 ", \"lives\": %" PRIu64 ", \"views\": %" PRIu64,
           report->seeds, hours(total->virtual_ns), (double)total->cpu_ns / 60e9,
           hours_per_cpu_minute(report), total->committed, total->aborted, total->calls,
           total->lives, total->views);
    printf(", \"mismatches\": %" PRIu64 ", \"cancelled\": %" PRIu64 ", \"batches\": %" PRIu64
           ", \"ok\": {",
           total->mismatches, total->cancelled, total->batches);
    for (uint32_t i = 0; i < HWI_COUNT(call_kinds); i++) {
        printf("%s\"%s\": %" PRIu64, i > 0 ? ", " : "", call_kinds[i].name,
               total->oks[call_kinds[i].kind]);
    }
    printf("}, \"struck\": {");
    for (uint32_t i = 0; i < SWARM_KINDS; i++) {
        printf("%s\"%s\": %" PRIu64, i > 0 ? ", " : "", swarm_kind_word((enum swarm_kind)i),
               total->struck[i]);
    }
    printf("}, \"injected\": {");
    for (uint32_t i = 0; i < HWI_SIM_FAULTS; i++) {
        printf("%s\"%s\": %" PRIu64, i > 0 ? ", " : "", hwi_sim_fault_name((enum hwi_sim_fault)i),
               total->injected[i]);
    }
    printf("}, \"verdicts\": {");
    for (uint32_t i = 0; i < SWARM_VERDICTS; i++) {
        printf("%s\"%s\": %" PRIu64, i > 0 ? ", " : "", swarm_verdict_name((enum swarm_verdict)i),
               report->verdicts[i]);
    }
    printf("}");
    if (report->first.verdict != SWARM_OK) {
        static char command[COMMAND_BYTES_MAX];
        struct swarm_config config = config_of(report, &report->first);
        swarm_command(&config, command, sizeof command);
        printf(", \"first_failure\": {\"seed\": %" PRIu64 ", \"verdict\": \"%s\", \"sentence\": ",
               report->first.seed, swarm_verdict_name((enum swarm_verdict)report->first.verdict));
        json_escape(stdout, report->first.sentence);
        printf(", \"command\": ");
        json_escape(stdout, command);
        printf("}");
    }
    puts("}");
}

int sim_report_end(struct sim_report *report, bool shrink)
{
    static const int codes[SWARM_VERDICTS] = {EXIT_OK, SIM_EXIT_SAFETY, SIM_EXIT_LIVENESS,
                                              SIM_EXIT_CRASH, SIM_EXIT_DIFFERS};
    show_progress(report, true);
    if (report->json) {
        print_json(report);
    } else if (!report->batch->config.transcript) {
        print_table(report);
    }
    if (shrink && report->first.verdict != SWARM_OK && !report->json) {
        shrink_first(report);
    }
    return codes[report->first.verdict];
}
