// SPDX-License-Identifier: MIT
#include "tools/hawser/metrics/text.h"

#include <inttypes.h>

#include "tools/hawser/common/dropped.h"

enum { STANDING_MEMBER = 2 };

static void head(FILE *out, const char *name, const char *type, const char *help)
{
    fprintf(out, "# TYPE hawser_%s %s\n# HELP hawser_%s %s\n", name, type, name, help);
}

static void gauge(FILE *out, const char *name, const char *help, uint64_t value)
{
    head(out, name, "gauge", help);
    fprintf(out, "hawser_%s %" PRIu64 "\n", name, value);
}

static void counter(FILE *out, const char *name, const char *help, uint64_t value)
{
    head(out, name, "counter", help);
    fprintf(out, "hawser_%s_total %" PRIu64 "\n", name, value);
}

// A label's value: addresses and names come from others.
static void label(FILE *out, const char *name, const char *text)
{
    fprintf(out, "%s=\"", name);
    for (; *text != '\0'; text++) {
        if (*text == '\n') {
            fputs("\\n", out);
        } else {
            fprintf(out, "%s%c", *text == '"' || *text == '\\' ? "\\" : "", *text);
        }
    }
    putc('"', out);
}

// ---- of each member

// One metric of each member.
struct column {
    const char *name, *type, *help;
    uint64_t (*value)(const struct hwi_status_member *member);
};

static uint64_t is_member(const struct hwi_status_member *member)
{
    return member->standing == STANDING_MEMBER;
}

static uint64_t synced(const struct hwi_status_member *member)
{
    return member->synced;
}

static uint64_t revision(const struct hwi_status_member *member)
{
    return member->facts.revision;
}

static uint64_t silent_ms(const struct hwi_status_member *member)
{
    return member->silent_ns / HWI_NS_PER_MS;
}

static uint64_t bytes_sent(const struct hwi_status_member *member)
{
    return member->facts.bytes_sent;
}

static uint64_t bytes_received(const struct hwi_status_member *member)
{
    return member->facts.bytes_received;
}

static uint64_t last(const struct hwi_status_member *member)
{
    return member->facts.last;
}

static void write_members(FILE *out, const struct hwi_msg_status *status)
{
    static const struct column columns[] = {
        {"member", "gauge", "1 = in the view, 0 = a newcomer that waits", is_member},
        {"member_synced", "gauge", "1 = holds the shared state", synced},
        {"member_revision", "gauge", "revision of its state at its last sync", revision},
        {"member_silent_ms", "gauge", "milliseconds since it was last heard", silent_ms},
        {"member_sent_bytes", "counter", "payload bytes its operations sent", bytes_sent},
        {"member_received_bytes", "counter", "payload bytes they received", bytes_received},
        {"member_last", "counter", "operations that it called after all others", last},
    };
    for (size_t c = 0; c < HWI_COUNT(columns) && status->members_count > 0; c++) {
        const struct column *column = &columns[c];
        head(out, column->name, column->type, column->help);
        for (uint32_t i = 0; i < status->members_count; i++) {
            const struct hwi_status_member *member = &status->members[i];
            fprintf(out, "hawser_%s%s{member=\"%" PRIu64 "\"} %" PRIu64 "\n", column->name,
                    column->type[0] == 'c' ? "_total" : "", member->peer, column->value(member));
        }
    }
}

static void write_info(FILE *out, const struct hwi_msg_status *status)
{
    head(out, "process", "info", "where a member runs");
    for (uint32_t i = 0; i < status->members_count; i++) {
        const struct hwi_status_member *member = &status->members[i];
        fprintf(out, "hawser_process_info{member=\"%" PRIu64 "\",pid=\"%" PRIu64 "\",group=\"%u\",",
                member->peer, member->facts.pid, member->group);
        label(out, "host", member->facts.host);
        putc(',', out);
        label(out, "address", member->address);
        putc(',', out);
        label(out, "unit", member->unit);
        fputs("} 1\n", out);
    }
}

// ---- what was dropped

static void write_dropped_of(FILE *out, const char *process, const struct hwi_counters *counters)
{
    struct dropped list[DROPPED_KINDS];
    dropped_list(counters, list);
    for (uint32_t i = 0; i < DROPPED_KINDS; i++) {
        fprintf(out, "hawser_dropped_total{process=\"%s\",what=\"%s\"} %" PRIu64 "\n", process,
                list[i].name, list[i].count);
    }
}

static void write_dropped(FILE *out, const struct hwi_msg_status *status)
{
    char process[32];
    head(out, "dropped", "counter", "messages, records and connections that a process dropped");
    write_dropped_of(out, "master", &status->counters);
    for (uint32_t i = 0; i < status->members_count; i++) {
        snprintf(process, sizeof process, "member %" PRIu64, status->members[i].peer);
        write_dropped_of(out, process, &status->members[i].facts.counters);
    }
}

// ---- all

static uint64_t count_members(const struct hwi_msg_status *status, bool members)
{
    uint64_t count = 0;
    for (uint32_t i = 0; i < status->members_count; i++) {
        count += (status->members[i].standing == STANDING_MEMBER) == members;
    }
    return count;
}

void metrics_write(FILE *out, const struct hwi_msg_status *status)
{
    gauge(out, "up", "1 = the master answered", status != NULL);
    if (status != NULL) {
        gauge(out, "view", "number of the view in force, 0 = none yet", status->view);
        gauge(out, "view_proposed", "number of the view proposed, 0 = none", status->proposal);
        gauge(out, "members", "members of the view", count_members(status, true));
        gauge(out, "newcomers", "newcomers that wait", count_members(status, false));
        gauge(out, "min_members", "members below which operations are refused",
              status->min_members);
        gauge(out, "trouble", "1 = the master cannot write its state file",
              status->trouble[0] != '\0');
        gauge(out, "in_flight", "operations in flight", status->ops_count);
        counter(out, "committed", "operations committed since the master started",
                status->committed);
        counter(out, "aborted", "operations aborted since then", status->aborted);
        write_members(out, status);
        write_info(out, status);
        write_dropped(out, status);
    }
    fputs("# EOF\n", out);
}
