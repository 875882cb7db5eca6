// SPDX-License-Identifier: MIT
#include "tools/hawser/top/table.h"

#include <inttypes.h>
#include <string.h>

#include "actors/base/rows.h"
#include "tools/explain/model.h"
#include "tools/hawser/command.h"

enum { STANDING_MEMBER = 2, CELL_BYTES = 24 };

// ---- rates

static const struct hwi_status_member *find(const struct hwi_msg_status *status, uint64_t peer)
{
    return status == NULL ? NULL
                          : HWI_ROWS_FIND(struct hwi_status_member, peer, status->members,
                                          status->members_count, peer);
}

static uint64_t rate(uint64_t before, uint64_t now, uint64_t ns)
{
    return now > before && ns > 0 ? (uint64_t)((double)(now - before) * 1e9 / (double)ns) : 0;
}

// "12.3 MB", of bytes a second.
static void print_rate(char cell[CELL_BYTES], uint64_t bytes)
{
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB"};
    double value = (double)bytes;
    size_t unit = 0;
    while (value >= 1000 && unit + 1 < HWI_COUNT(units)) {
        value /= 1000;
        unit++;
    }
    snprintf(cell, CELL_BYTES, unit == 0 ? "%.0f %s" : "%.1f %s", value, units[unit]);
}

// ---- the head

static uint32_t count_members(const struct hwi_msg_status *status)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < status->members_count; i++) {
        count += status->members[i].standing == STANDING_MEMBER;
    }
    return count;
}

static void write_head(FILE *out, const struct hwi_msg_status *before,
                       const struct hwi_msg_status *now, uint64_t ns)
{
    uint32_t members = count_members(now);
    fprintf(out, "run %016" PRIx64 "  view %" PRIu64 "  members %" PRIu32 "  newcomers %" PRIu32,
            now->run, now->view, members, now->members_count - members);
    fprintf(out, "  committed %" PRIu64, now->committed);
    if (before != NULL) {
        fprintf(out, " (%" PRIu64 "/s)", rate(before->committed, now->committed, ns));
    }
    fprintf(out, "  aborted %" PRIu64 "\n", now->aborted);
    if (now->trouble[0] != '\0') {
        fprintf(out, "trouble: the master %s; the view cannot change\n", now->trouble);
    }
}

// ---- members

static uint64_t dropped(const struct hwi_counters *counters)
{
    return counters->control_dropped + counters->control_unsent + counters->stripes_refused +
           counters->undeliverable + counters->journal_lost + counters->trace_lost;
}

// Of the operations decided meanwhile, how many hundredths waited for this member in the end.
static void print_last(char cell[CELL_BYTES], const struct hwi_msg_status *before,
                       const struct hwi_msg_status *now, uint64_t last_before, uint64_t last)
{
    uint64_t decided = now->committed - (before != NULL ? before->committed : 0);
    uint64_t share = decided > 0 && last > last_before ? 100 * (last - last_before) / decided : 0;
    snprintf(cell, CELL_BYTES, "%" PRIu64 " %%", HWI_MIN(share, 100));
}

// Members of its group before it: they are listed in the order of ranks.
static uint32_t rank_of(const struct hwi_msg_status *status, uint32_t index)
{
    uint32_t rank = 0;
    for (uint32_t i = 0; i < index; i++) {
        rank += status->members[i].standing == STANDING_MEMBER &&
                status->members[i].group == status->members[index].group;
    }
    return rank;
}

static void write_member(FILE *out, const struct hwi_msg_status *before,
                         const struct hwi_msg_status *now, uint32_t index, uint64_t ns)
{
    const struct hwi_status_member *member = &now->members[index];
    const struct hwi_status_member *was = find(before, member->peer);
    const struct hwi_facts *facts = &member->facts, *old = was != NULL ? &was->facts : facts;
    char rank[CELL_BYTES] = "-", sent[CELL_BYTES], received[CELL_BYTES], last[CELL_BYTES];
    char host[HWI_NAME_BYTES_MAX];
    if (member->standing == STANDING_MEMBER) {
        snprintf(rank, sizeof rank, "%" PRIu32, rank_of(now, index));
    }
    print_rate(sent, rate(old->bytes_sent, facts->bytes_sent, ns));
    print_rate(received, rate(old->bytes_received, facts->bytes_received, ns));
    print_last(last, before, now, was != NULL ? old->last : 0, facts->last);
    memcpy(host, facts->host, sizeof host);
    make_printable(host);
    fprintf(out,
            "%6" PRIu64 " %5s %5" PRIu32 " %8" PRIu64 "  %-16.16s %10" PRIu64
            " %10s %10s %5s %6" PRIu64 " ms %8" PRIu64 "  %s\n",
            member->peer, rank, member->group, facts->pid, host, facts->revision, sent, received,
            last, member->silent_ns / HWI_NS_PER_MS, dropped(&facts->counters),
            member->standing == STANDING_MEMBER ? member->synced ? "synced" : "not synced"
                                                : "waits");
}

// ---- operations

static void write_names(FILE *out, const char *before, const struct hwi_id *ids, uint32_t count,
                        uint32_t in_all)
{
    for (uint32_t i = 0; i < count; i++) {
        fprintf(out, "%s%" PRIu64, i ? ", " : before, ids[i].value);
    }
    if (in_all > count) {
        fprintf(out, " and %" PRIu32 " more", in_all - count);
    }
}

static void write_operation(FILE *out, const struct hwi_status_op *op)
{
    fprintf(out, "  %s tag %" PRIu64 " number %" PRIu32 " waits for", print_call(op->kind), op->tag,
            op->seq);
    if (op->absent_in_all > 0) {
        write_names(out, " the call of member ", op->absent, op->absent_count, op->absent_in_all);
    } else {
        write_names(out, " the result of member ", op->working, op->working_count,
                    op->working_in_all);
    }
    fputs(op->absent_in_all + op->working_in_all == 0 ? " the decision\n" : "\n", out);
}

void top_write(FILE *out, const struct hwi_msg_status *before, const struct hwi_msg_status *now,
               uint64_t ns)
{
    bool same_run =
        before != NULL && before->run == now->run && before->committed <= now->committed;
    before = same_run ? before : NULL;
    write_head(out, before, now, ns);
    fprintf(out, "%6s %5s %5s %8s  %-16s %10s %10s %10s %5s %9s %8s  %s\n", "member", "rank",
            "group", "pid", "host", "revision", "sent/s", "received/s", "last", "silent", "dropped",
            "state");
    for (uint32_t i = 0; i < now->members_count; i++) {
        write_member(out, before, now, i, ns);
    }
    for (uint32_t i = 0; i < now->ops_count; i++) {
        write_operation(out, &now->ops[i]);
    }
}
