// SPDX-License-Identifier: MIT
// Findings: their words, their order.
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actors/wire/codec.h"
#include "tools/explain/model.h"

// ---- words -------------------------------------------------------------------------------------

void explain_print_time(int64_t ns, char *text, size_t bytes)
{
    double s = (double)ns / 1e9;
    if (s < 0.0005) {
        snprintf(text, bytes, "under 1 ms");
    } else if (s < 0.9995) {
        snprintf(text, bytes, "%.0f ms", s * 1e3);
    } else if (s < 100) {
        snprintf(text, bytes, "%.1f s", s);
    } else if (s < 7200) {
        snprintf(text, bytes, "%.0f min", s / 60);
    } else {
        snprintf(text, bytes, "%.1f h", s / 3600);
    }
}

struct explain_time_text print_time(int64_t ns)
{
    struct explain_time_text time;
    explain_print_time(ns, time.text, sizeof time.text);
    return time;
}

const char *print_call(uint8_t kind)
{
    static const char *const names[] = {
        [HWI_KIND_NONE] = "hws_view",
        [HWI_KIND_ALL_REDUCE] = "all-reduce",
        [HWI_KIND_AGREE] = "agree",
        [HWI_KIND_ADMIT] = "admit",
        [HWI_KIND_SYNC] = "sync",
        [HWI_KIND_CLOSE] = "close",
        [HWI_KIND_REDUCE_SCATTER] = "reduce-scatter",
        [HWI_KIND_ALL_GATHER] = "all-gather",
        [HWI_KIND_BROADCAST] = "broadcast",
        [HWI_KIND_BARRIER] = "barrier",
        [HWI_KIND_AGREE_RUN] = "agree of the run",
        [HWI_KIND_BARRIER_RUN] = "barrier of the run",
    };
    return kind < HWI_COUNT(names) && names[kind] != NULL ? names[kind] : "call";
}

struct explain_op_text print_op(struct hwi_op op)
{
    struct explain_op_text made;
    int n = 0;
    switch (op.kind) {
    case HWI_KIND_SYNC:
        n = snprintf(made.text, sizeof made.text, "the sync (");
        break;
    case HWI_KIND_ADMIT:
        n = snprintf(made.text, sizeof made.text, "admit (");
        break;
    default:
        n = snprintf(made.text, sizeof made.text, "tag %" PRIu64 " (%s", op.tag,
                     print_call(op.kind));
        break;
    }
    const char *comma = made.text[n - 1] == '(' ? "" : ", ";
    snprintf(made.text + n, sizeof made.text - (size_t)n,
             "%snumber %" PRIu32 " of view %" PRIu64 ")", comma, op.seq, op.view);
    return made;
}

struct explain_peers_text print_peers(const struct explain_peers *peers)
{
    enum { NAMED_MAX = 6 };
    struct explain_peers_text made;
    uint32_t named = HWI_MIN(peers->count, (uint32_t)NAMED_MAX);
    size_t at =
        (size_t)snprintf(made.text, sizeof made.text, "member%s ", peers->count == 1 ? "" : "s");
    for (uint32_t i = 0; i < named; i++) {
        const char *before = i == 0 ? "" : i + 1 == peers->count ? " and " : ", ";
        at += (size_t)snprintf(made.text + at, sizeof made.text - at, "%s%" PRIu64, before,
                               peers->ids[i]);
    }
    if (peers->count > named) {
        snprintf(made.text + at, sizeof made.text - at, " and %u more", peers->count - named);
    }
    return made;
}

struct explain_who_text print_who(const struct explain_model *model, uint64_t peer)
{
    struct explain_who_text made;
    const struct explain_member *member = model_find_member(model, peer);
    const struct hwi_ring_owner *owner = member != NULL && member->process >= 0
                                             ? &model->processes[member->process].ring->owner
                                             : NULL;
    int n = snprintf(made.text, sizeof made.text, "member %" PRIu64, peer);
    if (owner != NULL && owner->pid) {
        snprintf(made.text + n, sizeof made.text - (size_t)n, " (pid %" PRIu64 "%s%s)", owner->pid,
                 owner->address[0] ? ", " : "", owner->address);
    }
    return made;
}

const char *print_type(uint16_t type)
{
    const struct hwi_layout *layout = hwi_layout_of(type);
    return layout != NULL ? layout->name : "a message of another build";
}

// ---- findings ----------------------------------------------------------------------------------

struct explain_finding *finding_new(struct explain_model *model, int64_t at_ns, bool open)
{
    struct explain_report *report = model->report;
    // With too many the last is replaced: what comes later is rather a consequence.
    if (report->count == EXPLAIN_FINDINGS_MAX) {
        report->count--;
    }
    struct explain_finding *finding = &report->findings[report->count++];
    memset(finding, 0, sizeof *finding);
    finding->at_ns = at_ns;
    finding->open = open;
    return finding;
}

void finding_say(struct explain_finding *finding, const char *format, ...)
{
    size_t at = strlen(finding->sentence);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(finding->sentence + at, sizeof finding->sentence - at, format, arguments);
    va_end(arguments);
}

void finding_advise(struct explain_finding *finding, const char *format, ...)
{
    size_t at = strlen(finding->hint);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(finding->hint + at, sizeof finding->hint - at, format, arguments);
    va_end(arguments);
}

void finding_show(struct explain_finding *finding, int64_t at_ns, const char *format, ...)
{
    va_list arguments;
    if (finding->line_count == EXPLAIN_LINES_MAX || at_ns == NEVER_NS) {
        return;
    }
    uint32_t index = finding->line_count++;
    for (; index > 0 && finding->line_ns[index - 1] > at_ns; index--) {
        finding->line_ns[index] = finding->line_ns[index - 1];
        memcpy(finding->lines[index], finding->lines[index - 1], sizeof finding->lines[index]);
    }
    finding->line_ns[index] = at_ns;
    va_start(arguments, format);
    vsnprintf(finding->lines[index], sizeof finding->lines[index], format, arguments);
    va_end(arguments);
}

// A finding that keeps the run from ending anything comes first, then present findings, then
// harmless ones, then past ones; each in the order in which they began.
static bool comes_before(const struct explain_finding *a, const struct explain_finding *b)
{
    if (a->first != b->first) {
        return a->first;
    }
    if (a->mild != b->mild && !a->over && !b->over) {
        return b->mild;
    }
    if (a->open != b->open) {
        return a->open;
    }
    if (a->over != b->over) {
        return b->over;
    }
    return a->at_ns < b->at_ns;
}

// True if an operation was committed in a view that came into force after this.
static bool went_on(const struct explain_model *model, int64_t at_ns)
{
    for (uint32_t i = 0; i < model->channel_count; i++) {
        const struct explain_channel *channel = &model->channels[i];
        const struct explain_view *view = model_find_view(model, channel->view);
        if (channel->committed > 0 && view != NULL && view->announced_ns > at_ns) {
            return true;
        }
    }
    return false;
}

// Insertion keeps the rules' order where times are equal.
void findings_sort(struct explain_model *model)
{
    struct explain_report *report = model->report;
    struct explain_finding *moved = hwi_new(&hwi_alloc_libc, sizeof *moved);
    for (uint32_t i = 0; i < report->count; i++) {
        struct explain_finding *finding = &report->findings[i];
        finding->over = !finding->open && went_on(model, finding->at_ns);
        report->trouble |= !finding->over;
    }
    for (uint32_t i = 1; i < report->count; i++) {
        uint32_t j = i;
        *moved = report->findings[i];
        for (; j > 0 && comes_before(moved, &report->findings[j - 1]); j--) {
            report->findings[j] = report->findings[j - 1];
        }
        report->findings[j] = *moved;
    }
    hwi_free(&hwi_alloc_libc, moved);
}

void finding_first(struct explain_model *model)
{
    struct explain_report *report = model->report;
    struct explain_finding *moved = hwi_new(&hwi_alloc_libc, sizeof *moved);
    *moved = report->findings[report->count - 1];
    memmove(report->findings + 1, report->findings, (report->count - 1) * sizeof *moved);
    report->findings[0] = *moved;
    hwi_free(&hwi_alloc_libc, moved);
}
