// SPDX-License-Identifier: MIT
// Asks every rule, and puts first what was first to go wrong.
#include "tools/explain/explain.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tools/explain/model.h"

static void say_nothing(struct explain_model *model)
{
    struct explain_finding *finding = finding_new(model, model->now_ns, false);
    const struct explain_view *view = model_find_view(model, model->view);
    bool sees =
        model->input->status != NULL || view == NULL || model_has_witness(model, model->view);
    finding_say(finding, "nothing waits%s", sees ? "" : ", as far as the master alone can tell");
    if (model->commits) {
        finding_say(finding, ": %" PRIu64 " operations were committed, the last %s ago",
                    model->commits, print_time(model->now_ns - model->commit_ns).text);
    }
    uint32_t count = view != NULL ? HWI_MAX(view->told, view->members.count) : 0;
    if (view != NULL) {
        finding_say(finding, "; view %" PRIu64 " has %u member%s", view->number, count,
                    count == 1 ? "" : "s");
    }
}

static void say_caveats(const struct explain_model *model)
{
    struct explain_report *report = model->report;
    uint64_t lost = 0;
    uint32_t rings = 0, mute = 0;
    struct explain_peers absent = {0};
    size_t at = 0;
    const struct explain_view *view = model_find_view(model, model->view);
    for (uint32_t i = 0; i < model->process_count; i++) {
        lost += model->processes[i].gap;
        rings += model->processes[i].gap > 0;
        mute += !model->processes[i].speaks && model->processes[i].ring->count > 0;
    }
    for (uint32_t i = 0; view != NULL && i < view->members.count; i++) {
        const struct explain_member *member = model_find_member(model, view->members.ids[i]);
        if (member == NULL || member->process < 0) {
            peers_add(&absent, view->members.ids[i]);
        }
    }
    if (lost) {
        at += (size_t)snprintf(
            report->caveat, sizeof report->caveat, "%" PRIu64 " record%s of %u ring%s %s lost",
            lost, lost == 1 ? "" : "s", rings, rings == 1 ? "" : "s", lost == 1 ? "was" : "were");
    }
    if (absent.count) {
        at += (size_t)snprintf(report->caveat + at, sizeof report->caveat - at,
                               "%sthe ring%s of %s %s not here", at ? "; " : "",
                               absent.count == 1 ? "" : "s", print_peers(&absent).text,
                               absent.count == 1 ? "is" : "are");
    }
    peers_free(&absent);
    if (model->master < 0 && model->input->status == NULL) {
        at += (size_t)snprintf(report->caveat + at, sizeof report->caveat - at,
                               "%sthe master's ring is not here", at ? "; " : "");
    }
    if (mute) {
        snprintf(report->caveat + at, sizeof report->caveat - at,
                 "%swhat %u of the processes said is not known: their journals are of a build that "
                 "decides otherwise",
                 at ? "; " : "", mute);
    }
}

// In an order that lets later ones see what earlier ones have explained.
static const struct {
    const char *name;
    void (*find)(struct explain_model *model);
} rules[] = {
    {"store", rule_store},         {"master", rule_master},         {"members", rule_members},
    {"stalls", rule_stalls},       {"edges", rule_edges},           {"mismatch", rule_mismatch},
    {"deadlines", rule_deadlines}, {"operations", rule_operations}, {"views", rule_views},
    {"queued", rule_queued},       {"failures", rule_failures},     {"stragglers", rule_stragglers},
    {"drift", rule_drift},
};

void explain_analyse(const struct explain_input *input, struct explain_report *report)
{
    struct explain_model model;
    memset(report, 0, sizeof *report);
    model_build(&model, input, report);
    for (uint32_t i = 0; i < HWI_COUNT(rules); i++) {
        uint32_t before = report->count;
        rules[i].find(&model);
        for (uint32_t j = HWI_MIN(before, EXPLAIN_FINDINGS_MAX - 1u); j < report->count; j++) {
            report->findings[j].rule = rules[i].name;
        }
    }
    findings_sort(&model);
    if (!report->trouble) {
        say_nothing(&model);
        report->findings[report->count - 1].rule = "nothing";
        finding_first(&model);
    }
    say_caveats(&model);
    report->now_ns = model.now_ns;
    for (uint32_t i = 0; i < input->count; i++) {
        report->realtime |= input->rings[i].realtime_zero_ns != 0;
    }
    model_fini(&model);
}
