// SPDX-License-Identifier: MIT
// Builds the model: the owners of the rings, then all their records in the order of time.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/explain/model.h"

struct entry {
    int64_t at_ns;
    uint32_t process, index;
};

static int compare_entries(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    if (x->at_ns != y->at_ns) {
        return x->at_ns < y->at_ns ? -1 : 1;
    }
    if (x->process != y->process) {
        return x->process < y->process ? -1 : 1;
    }
    return x->index < y->index ? -1 : x->index > y->index;
}

// The peer id that a ring's records say its process has; 0 = none.
static uint64_t peer_in_records(const struct explain_ring *ring)
{
    uint64_t peer = 0;
    for (uint32_t i = 0; i < ring->count; i++) {
        const struct hwi_ring_record *r = &ring->records[i];
        bool tells = r->type == HWI_MSG_welcome || r->type == HWI_MSG_lane_view;
        if (tells && !hwi_ring_is_sent(r)) {
            peer = r->key;
        }
    }
    return peer;
}

static bool is_master(const struct explain_ring *ring)
{
    for (uint32_t i = 0; i < ring->count; i++) {
        if (hwi_ring_actor(&ring->records[i]) == HWI_ROLE_MASTER) {
            return true;
        }
    }
    return strcmp(ring->owner.name, "master") == 0;
}

static void note_gaps(struct explain_process *p)
{
    const struct explain_ring *ring = p->ring;
    for (uint32_t i = 1; i < ring->count; i++) {
        p->gap += ring->records[i].number - ring->records[i - 1].number - 1;
    }
    p->gap = HWI_MAX(p->gap, ring->lost);
}

static void add_process(struct explain_model *model, uint32_t index)
{
    const struct explain_ring *ring = &model->input->rings[index];
    struct explain_process *p = &model->processes[index];
    *p = (struct explain_process){
        .ring = ring,
        .stalled_ns = NEVER_NS,
        .resumed_ns = NEVER_NS,
        .master = is_master(ring),
        .incarnation = ring->owner.incarnation,
        .shift_ns = (int64_t)HWI_MIN(ring->realtime_zero_ns, (uint64_t)TIME_NS_MAX),
        .asked_ns = NEVER_NS,
        .open_ns = NEVER_NS,
        .master_ns = NEVER_NS};
    for (uint32_t role = 0; role < HWI_ROLE_MAX; role++) {
        p->acted_ns[role] = NEVER_NS;
    }
    note_gaps(p);
    if (p->master) {
        model->master = (int32_t)index;
        return;
    }
    p->peer = ring->owner.peer ? ring->owner.peer : peer_in_records(ring);
    if (p->peer == 0) {
        return;
    }
    model_member(model, p->peer)->process = (int32_t)index;
    if (p->incarnation) {
        model_name_session(model, p->incarnation, p->peer);
    }
}

// A host has something to do every now and then: heartbeats come and go.
static void find_stall(struct explain_process *p)
{
    const struct hwi_ring_record *r = p->ring->records;
    uint64_t longest = 0;
    for (uint32_t i = 1; i < p->ring->count; i++) {
        bool next = r[i].number == r[i - 1].number + 1 && r[i].type != HWI_MSG_master_start;
        if (!next || r[i].handled <= r[i - 1].handled ||
            r[i].handled - r[i - 1].handled <= longest) {
            continue;
        }
        longest = r[i].handled - r[i - 1].handled;
        p->stalled_ns = model_time(p, r[i - 1].handled);
        p->resumed_ns = model_time(p, r[i].handled);
    }
}

static void span(struct explain_model *model, struct explain_process *p)
{
    const struct explain_ring *ring = p->ring;
    uint64_t last = ring->count ? ring->records[ring->count - 1].handled : ring->as_of_ns;
    p->first_ns = model_time(p, ring->count ? ring->records[0].handled : last);
    p->last_ns = model_time(p, last);
    p->as_of_ns = ring->as_of_ns ? model_time(p, ring->as_of_ns) : p->last_ns;
    model->now_ns = HWI_MAX(model->now_ns, p->as_of_ns);
    find_stall(p);
}

static void hear_all(struct explain_model *model)
{
    size_t total = 0, at = 0;
    for (uint32_t i = 0; i < model->process_count; i++) {
        total += model->processes[i].ring->count;
    }
    struct entry *entries = hwi_new(&hwi_alloc_libc, (total + 1) * sizeof *entries);
    for (uint32_t i = 0; i < model->process_count; i++) {
        const struct explain_process *p = &model->processes[i];
        for (uint32_t j = 0; j < p->ring->count; j++) {
            entries[at++] = (struct entry){model_time(p, p->ring->records[j].handled), i, j};
        }
    }
    qsort(entries, total, sizeof *entries, compare_entries);
    for (size_t i = 0; i < 2 * total; i++) {
        const struct entry *entry = &entries[i % total];
        const struct hwi_ring_record *record =
            &model->processes[entry->process].ring->records[entry->index];
        (i < total ? model_hear_group : model_hear)(model, entry->process, record);
    }
    hwi_free(&hwi_alloc_libc, entries);
}

// A live master's own facts are true now, also where rings are missing.
static void hear_status(struct explain_model *model)
{
    const struct hwi_msg_status *status = model->input->status;
    if (status == NULL) {
        return;
    }
    model->view = HWI_MAX(model->view, status->view);
    model->first_members = status->first_members;
    model->gather_ms = status->gather_ms;
    if (status->trouble[0] != '\0' && model->storing.failed_ns == NEVER_NS) {
        model->storing.failed_ns = model->now_ns;
    }
    for (uint32_t i = 0; i < status->members_count; i++) {
        const struct hwi_status_member *told = &status->members[i];
        struct explain_member *member = model_member(model, told->peer);
        int64_t silent_ns = (int64_t)HWI_MIN(told->silent_ns, (uint64_t)TIME_NS_MAX);
        int64_t heard_ns = model->now_ns - silent_ns;
        member->heard_ns = HWI_MAX(member->heard_ns, heard_ns);
        member->group = told->group;
        if (told->standing == 2 && status->view) {
            peers_add(&model_view(model, status->view)->members, told->peer);
        }
    }
    for (uint32_t i = 0; i < status->ops_count; i++) {
        const struct hwi_status_op *op = &status->ops[i];
        const struct hwi_op name = {status->view, op->kind, op->tag, op->seq};
        uint64_t peer = op->working_count  ? op->working[0].value
                        : op->absent_count ? op->absent[0].value
                                           : 0;
        struct explain_channel *channel = model_channel(model, name, peer);
        channel->committed = HWI_MAX(channel->committed, op->seq);
        for (uint32_t j = 0; j < op->working_count; j++) {
            struct explain_part *part = model_part(channel, op->working[j].value);
            part->entered = HWI_MAX(part->entered, op->seq + 1);
        }
        for (uint32_t j = 0; j < op->absent_count; j++) {
            model_part(channel, op->absent[j].value);
        }
    }
}

// Without what it said nobody knows which calls have been answered.
static void forget_unanswered(struct explain_model *model)
{
    for (uint32_t i = 0; i < model->process_count; i++) {
        if (!model->processes[i].speaks) {
            model->processes[i].asked_count = 0;
        }
    }
}

void model_build(struct explain_model *model, const struct explain_input *input,
                 struct explain_report *report)
{
    *model = (struct explain_model){.input = input,
                                    .master = -1,
                                    .now_ns = NEVER_NS,
                                    .commit_ns = NEVER_NS,
                                    .started_ns = NEVER_NS,
                                    .storing = {.failed_ns = NEVER_NS, .healed_ns = NEVER_NS},
                                    .report = report,
                                    .process_count = input->count};
    model->patience_ns = (int64_t)(input->patience_ns ? input->patience_ns : HWI_NS_PER_S);
    model->processes = hwi_new(&hwi_alloc_libc, (input->count + 1) * sizeof *model->processes);
    for (uint32_t i = 0; i < input->count; i++) {
        add_process(model, i);
    }
    model_align(model);
    for (uint32_t i = 0; i < input->count; i++) {
        span(model, &model->processes[i]);
    }
    hear_all(model);
    forget_unanswered(model);
    hear_status(model);
}

void model_fini(struct explain_model *model)
{
    const struct hwi_alloc *libc = &hwi_alloc_libc;
    for (uint32_t i = 0; i < model->process_count; i++) {
        hwi_free(libc, model->processes[i].asked);
    }
    for (uint32_t i = 0; i < model->channel_count; i++) {
        hwi_free(libc, model->channels[i].parts);
        hwi_free(libc, model->channels[i].pace);
    }
    for (uint32_t i = 0; i < model->view_count; i++) {
        peers_free(&model->views[i].members);
        peers_free(&model->views[i].ready);
    }
    hwi_free(libc, model->processes);
    hwi_free(libc, model->members);
    hwi_free(libc, model->sessions);
    hwi_free(libc, model->channels);
    hwi_free(libc, model->views);
    hwi_free(libc, model->failures);
    hwi_free(libc, model->breakages);
    hwi_free(libc, model->withdrawals);
}

int64_t model_silence(const struct explain_model *model)
{
    int64_t longest = 0;
    for (uint32_t i = 0; i < model->member_count && !model->beat_ns; i++) {
        const struct explain_member *m = &model->members[i];
        if (m->beats > 2) {
            longest = HWI_MAX(longest, (m->beat_last_ns - m->beat_first_ns) / (m->beats - 1));
        }
    }
    int64_t beat = model->beat_ns ? model->beat_ns
                   : longest      ? longest
                                  : (int64_t)(HWI_NS_PER_S / 2);
    return HWI_MAX(3 * beat + (int64_t)HWI_NS_PER_S / 10, model->patience_ns);
}
