// SPDX-License-Identifier: MIT
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "tools/explain/model.h"
#include "tools/hawser/command.h"
#include "tools/hawser/common/status_query.h"

static const char usage[] =
    "usage: hawser status ADDR [--json]\n"
    "Asks the master at ADDR (HOST:PORT) how the run stands: its view, who is in it or waits,\n"
    "when each was last heard, and for each operation in flight who is being waited for.\n"
    "\n"
    "  --json     one JSON object\n"
    "  --help\n"
    "\n"
    "Exit code: 0 answered, 1 no answer within 2 s, 2 bad usage.\n"
    "Example: hawser status 127.0.0.1:40123\n";

static const char *standing_name(uint8_t standing)
{
    static const char *const names[] = {"waits", "proposed", "member"};
    return standing < HWI_COUNT(names) ? names[standing] : "?";
}

// ---- for people ------------------------------------------------------------------------------

static void print_ids(const char *before, const struct hwi_id *ids, uint32_t count, uint32_t in_all)
{
    if (count == 0) {
        return;
    }
    fputs(before, stdout);
    for (uint32_t i = 0; i < count; i++) {
        printf("%s%" PRIu64, i ? ", " : "", ids[i].value);
    }
    if (in_all > count) {
        printf(" and %" PRIu32 " more", in_all - count);
    }
}

// Where there is one group, nobody need know of it.
static bool has_groups(const struct hwi_msg_status *status)
{
    uint32_t i = 0;
    while (i < status->members_count && status->members[i].group == 0) {
        i++;
    }
    return i < status->members_count;
}

static bool has_units(const struct hwi_msg_status *status)
{
    uint32_t i = 0;
    while (i < status->members_count && status->members[i].unit_size == 0) {
        i++;
    }
    return i < status->members_count;
}

static void print_operation(const struct hwi_status_op *op, bool groups)
{
    printf("  %s tag %" PRIu64 " number %" PRIu32, print_call(op->kind), op->tag, op->seq);
    if (groups && !hwi_kind_is_run_wide(op->kind)) {
        printf(" of group %" PRIu32, op->group);
    }
    print_ids(": not called yet by member ", op->absent, op->absent_count, op->absent_in_all);
    print_ids(op->absent_count ? "; in progress at member " : ": in progress at member ",
              op->working, op->working_count, op->working_in_all);
    putchar('\n');
}

static void print_unit(const struct hwi_status_member *member)
{
    char text[HWI_NAME_BYTES_MAX + 16] = "-";
    if (member->unit_size > 0) {
        snprintf(text, sizeof text, "%s of %" PRIu32, member->unit, member->unit_size);
    }
    printf("  %-12s", text);
}

static void print_members(const struct hwi_msg_status *status)
{
    bool groups = has_groups(status), units = has_units(status);
    printf("%6s  %-8s  %-6s  %12s%s%s  %s\n", "member", "standing", "state", "silent",
           groups ? "  group" : "", units ? "  unit        " : "", "address");
    for (uint32_t i = 0; i < status->members_count; i++) {
        const struct hwi_status_member *member = &status->members[i];
        printf("%6" PRIu64 "  %-8s  %-6s  %9" PRIu64 " ms", member->peer,
               standing_name(member->standing), member->synced ? "synced" : "-",
               member->silent_ns / HWI_NS_PER_MS);
        if (groups) {
            printf("  %5" PRIu32, member->group);
        }
        if (units) {
            print_unit(member);
        }
        printf("  %s\n", member->address);
    }
}

static void print_plain(const struct hwi_msg_status *status)
{
    if (status->view) {
        printf("run %016" PRIx64 ", view %" PRIu64, status->run, status->view);
    } else {
        printf("run %016" PRIx64 ", no view yet (waits for %" PRIu32 " members)", status->run,
               status->min_members);
    }
    if (status->proposal) {
        printf(", view %" PRIu64 " proposed", status->proposal);
    }
    printf("\noperations: %" PRIu64 " committed, %" PRIu64 " aborted\n", status->committed,
           status->aborted);
    if (status->trouble[0] != '\0') {
        printf("trouble: the master %s; the view cannot change\n", status->trouble);
    }
    print_members(status);
    puts(status->ops_count ? "in flight:" : "in flight: nothing");
    for (uint32_t i = 0; i < status->ops_count; i++) {
        print_operation(&status->ops[i], has_groups(status));
    }
}

// ---- for programs ----------------------------------------------------------------------------

static void print_json_ids(const char *name, const struct hwi_id *ids, uint32_t count)
{
    printf(",\"%s\":[", name);
    for (uint32_t i = 0; i < count; i++) {
        printf("%s%" PRIu64, i ? "," : "", ids[i].value);
    }
    putchar(']');
}

static void print_json_counters(const struct hwi_counters *counters)
{
    printf("{\"control_dropped\":%" PRIu64 ",\"control_damaged\":%" PRIu64
           ",\"control_unsent\":%" PRIu64 ",\"stripes_refused\":%" PRIu64
           ",\"undeliverable\":%" PRIu64 ",\"journal_lost\":%" PRIu64 ",\"trace_lost\":%" PRIu64
           "}",
           counters->control_dropped, counters->control_damaged, counters->control_unsent,
           counters->stripes_refused, counters->undeliverable, counters->journal_lost,
           counters->trace_lost);
}

static void print_json(const struct hwi_msg_status *status)
{
    printf("{\"run\":\"%016" PRIx64 "\",\"view\":%" PRIu64 ",\"proposal\":%" PRIu64
           ",\"min_members\":%" PRIu32 ",\"committed\":%" PRIu64 ",\"aborted\":%" PRIu64
           ",\"members\":[",
           status->run, status->view, status->proposal, status->min_members, status->committed,
           status->aborted);
    for (uint32_t i = 0; i < status->members_count; i++) {
        const struct hwi_status_member *member = &status->members[i];
        printf("%s{\"peer\":%" PRIu64 ",\"address\":", i ? "," : "", member->peer);
        print_json_text(member->address);
        printf(",\"standing\":\"%s\",\"synced\":%s,\"silent_ms\":%" PRIu64 ",\"group\":%" PRIu32
               ",\"unit\":",
               standing_name(member->standing), member->synced ? "true" : "false",
               member->silent_ns / HWI_NS_PER_MS, member->group);
        print_json_text(member->unit);
        printf(",\"unit_size\":%" PRIu32 ",\"pid\":%" PRIu64 ",\"host\":", member->unit_size,
               member->facts.pid);
        print_json_text(member->facts.host);
        printf(",\"revision\":%" PRIu64 ",\"bytes_sent\":%" PRIu64 ",\"bytes_received\":%" PRIu64
               ",\"last\":%" PRIu64 ",\"dropped\":",
               member->facts.revision, member->facts.bytes_sent, member->facts.bytes_received,
               member->facts.last);
        print_json_counters(&member->facts.counters);
        putchar('}');
    }
    printf("],\"operations\":[");
    for (uint32_t i = 0; i < status->ops_count; i++) {
        const struct hwi_status_op *op = &status->ops[i];
        printf("%s{\"kind\":\"%s\",\"group\":%" PRIu32 ",\"tag\":%" PRIu64 ",\"sequence\":%" PRIu32,
               i ? "," : "", print_call(op->kind), op->group, op->tag, op->seq);
        print_json_ids("absent", op->absent, op->absent_count);
        print_json_ids("working", op->working, op->working_count);
        printf(",\"absent_in_all\":%" PRIu32 ",\"working_in_all\":%" PRIu32 "}", op->absent_in_all,
               op->working_in_all);
    }
    fputs("],\"trouble\":", stdout);
    print_json_text(status->trouble);
    fputs(",\"dropped\":", stdout);
    print_json_counters(&status->counters);
    puts("}");
}

int command_status(int argc, char **argv)
{
    bool json;
    int code = read_flag("status", usage, "json", argc, argv, &json);
    if (code >= 0) {
        return code;
    }
    if (argc - optind != 1) {
        complain("status", "expected one address HOST:PORT; try hawser status --help");
        return EXIT_USAGE;
    }
    struct hwi_msg answer;
    void *block = NULL;
    char error[STATUS_ERROR_BYTES];
    if (status_query(argv[optind], STATUS_TIMEOUT_MS, &answer, &block, error)) {
        complain("status", "%s", error);
        return EXIT_FAILED;
    }
    if (json) {
        print_json(&answer.u.status);
    } else {
        print_plain(&answer.u.status);
    }
    free(block);
    return EXIT_OK;
}
