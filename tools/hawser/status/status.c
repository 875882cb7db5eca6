// SPDX-License-Identifier: MIT
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "tools/explain/model.h"
#include "tools/hawser/command.h"
#include "tools/hawser/common/dropped.h"
#include "tools/hawser/common/json.h"
#include "tools/hawser/common/status_query.h"

static const char usage[] =
    "usage: hawser status ADDR [--json]\n"
    "Asks the master at ADDR (HOST:PORT) for the state of the run: its view, its members and "
    "waiting\n"
    "newcomers, the time since each was last heard, and for each operation in flight the members\n"
    "that it waits for; and what the processes dropped (messages, records, connections).\n"
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

// A line for a process that dropped something.
static void print_dropped(const char *process, const struct hwi_counters *counters)
{
    struct dropped list[DROPPED_KINDS];
    bool any = false;
    dropped_list(counters, list);
    for (uint32_t i = 0; i < DROPPED_KINDS; i++) {
        if (list[i].count == 0) {
            continue;
        }
        if (!any) {
            printf("dropped by %s:", process);
        }
        printf("%s %s %" PRIu64, any ? "," : "", list[i].name, list[i].count);
        any = true;
    }
    if (any) {
        putchar('\n');
    }
}

static void print_all_dropped(const struct hwi_msg_status *status)
{
    char process[32];
    print_dropped("the master", &status->counters);
    for (uint32_t i = 0; i < status->members_count; i++) {
        snprintf(process, sizeof process, "member %" PRIu64, status->members[i].peer);
        print_dropped(process, &status->members[i].facts.counters);
    }
}

static void print_plain(const struct hwi_msg_status *status)
{
    if (status->view) {
        printf("run %016" PRIx64 ", view %" PRIu64, status->run, status->view);
    } else {
        printf("run %016" PRIx64 ", no view yet (waits for %" PRIu32 " member%s)", status->run,
               status->first_members, status->first_members == 1 ? "" : "s");
    }
    if (status->gather_ms > 0) {
        printf(", gathers newcomers for another %.1f s", status->gather_ms / 1000.0);
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
    print_all_dropped(status);
}

// ---- for programs ----------------------------------------------------------------------------

static void put_ids(struct json_writer *json, const char *name, const struct hwi_id *ids,
                    uint32_t count)
{
    json_put_open(json, name, '[');
    for (uint32_t i = 0; i < count; i++) {
        json_put_number(json, NULL, ids[i].value);
    }
    json_put_close(json, ']');
}

static void put_counters(struct json_writer *json, const struct hwi_counters *counters)
{
    struct dropped list[DROPPED_KINDS];
    dropped_list(counters, list);
    json_put_open(json, "dropped", '{');
    for (uint32_t i = 0; i < DROPPED_KINDS; i++) {
        json_put_number(json, list[i].name, list[i].count);
    }
    json_put_close(json, '}');
}

static void put_member(struct json_writer *json, const struct hwi_status_member *member)
{
    json_put_open(json, NULL, '{');
    json_put_number(json, "member", member->peer);
    json_put_text(json, "address", member->address);
    json_put_text(json, "standing", standing_name(member->standing));
    json_put_bool(json, "synced", member->synced);
    json_put_number(json, "silent_ms", member->silent_ns / HWI_NS_PER_MS);
    json_put_number(json, "group", member->group);
    json_put_text(json, "unit", member->unit);
    json_put_number(json, "unit_size", member->unit_size);
    json_put_number(json, "pid", member->facts.pid);
    json_put_text(json, "host", member->facts.host);
    json_put_number(json, "revision", member->facts.revision);
    json_put_number(json, "bytes_sent", member->facts.bytes_sent);
    json_put_number(json, "bytes_received", member->facts.bytes_received);
    json_put_number(json, "last", member->facts.last);
    put_counters(json, &member->facts.counters);
    json_put_close(json, '}');
}

static void put_operation(struct json_writer *json, const struct hwi_status_op *op)
{
    json_put_open(json, NULL, '{');
    json_put_text(json, "kind", print_call(op->kind));
    json_put_number(json, "group", op->group);
    json_put_number(json, "tag", op->tag);
    json_put_number(json, "sequence", op->seq);
    put_ids(json, "absent", op->absent, op->absent_count);
    put_ids(json, "working", op->working, op->working_count);
    json_put_number(json, "absent_in_all", op->absent_in_all);
    json_put_number(json, "working_in_all", op->working_in_all);
    json_put_close(json, '}');
}

static void print_json(const struct hwi_msg_status *status)
{
    struct json_writer json = {.stream = stdout};
    json_put_open(&json, NULL, '{');
    json_put_hex(&json, "run", status->run);
    json_put_number(&json, "view", status->view);
    json_put_number(&json, "proposal", status->proposal);
    json_put_number(&json, "min_members", status->min_members);
    json_put_number(&json, "first_members", status->first_members);
    json_put_number(&json, "gather_ms", status->gather_ms);
    json_put_number(&json, "committed", status->committed);
    json_put_number(&json, "aborted", status->aborted);
    json_put_open(&json, "members", '[');
    for (uint32_t i = 0; i < status->members_count; i++) {
        put_member(&json, &status->members[i]);
    }
    json_put_close(&json, ']');
    json_put_open(&json, "operations", '[');
    for (uint32_t i = 0; i < status->ops_count; i++) {
        put_operation(&json, &status->ops[i]);
    }
    json_put_close(&json, ']');
    json_put_text(&json, "trouble", status->trouble);
    put_counters(&json, &status->counters);
    json_put_close(&json, '}');
    json_put_line(&json);
}

// Addresses and names come from strangers, and a terminal obeys what it is sent.
static void clean(struct hwi_msg_status *status)
{
    for (uint32_t i = 0; i < status->members_count; i++) {
        make_printable(status->members[i].address);
        make_printable(status->members[i].unit);
    }
    make_printable(status->trouble);
}

int command_status(int argc, char **argv)
{
    bool json;
    int code = read_flag("status", usage, "json", argc, argv, &json);
    if (code >= 0) {
        return code;
    }
    if (!only_address("status", argc, argv)) {
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
        clean(&answer.u.status);
        print_plain(&answer.u.status);
    }
    free(block);
    return EXIT_OK;
}
