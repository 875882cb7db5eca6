// SPDX-License-Identifier: MIT
#include "tests/support/trainer.h"

// ---- calls

static void sync(struct school *school, uint32_t node)
{
    struct trainer *trainer = &school->trainers[node];
    trainer->stage = TRAINER_SYNCING;
    trainer->request = make_call(school->scenario, node,
                                 &(struct call){.kind = HWI_KIND_SYNC, .value = trainer->step,
                                                .timeout_ms = school->timeout_ms});
}

static void reduce(struct school *school, uint32_t node)
{
    struct trainer *trainer = &school->trainers[node];
    trainer->stage = TRAINER_REDUCING;
    trainer->request = make_call(school->scenario, node,
                                 &(struct call){.step = trainer->step, .count = school->count,
                                                .in_place = trainer->step % 2,
                                                .timeout_ms = school->timeout_ms});
}

static void admit_all(struct school *school, uint32_t node)
{
    school->trainers[node].stage = TRAINER_ADMITTING;
    school->trainers[node].request =
        make_call(school->scenario, node,
                  &(struct call){.kind = HWI_KIND_ADMIT, .timeout_ms = school->timeout_ms});
}

static void view(struct school *school, uint32_t node)
{
    school->trainers[node].stage = TRAINER_VIEWING;
    school->trainers[node].request = hwi_sim_view(school->scenario->sim, node);
}

// ---- replies

// The step is taken: the state moves on, the same way for all.
static void take_step(struct school *school, uint32_t node)
{
    struct trainer *trainer = &school->trainers[node];
    trainer->step++;
    trainer->reduced++;
    fill_state(school->scenario, node, trainer->step);
}

static void succeeded(struct school *school, uint32_t node, const struct hwi_msg_reply *reply)
{
    struct trainer *trainer = &school->trainers[node];
    bool changed = reply->view != trainer->view;
    trainer->view = reply->view;
    if (trainer->stage == TRAINER_OPENING) {
        expect_open(school->scenario, node, HWS_OK);
    } else if (trainer->stage == TRAINER_SYNCING) {
        trainer->step = (uint32_t)reply->value;
        expect_state(school->scenario, node, trainer->step);
        changed = false;
    } else if (trainer->stage == TRAINER_REDUCING) {
        take_step(school, node);
    }
    if (changed) {
        sync(school, node);
    } else if (trainer->stage == TRAINER_REDUCING && reply->pending > 0) {
        admit_all(school, node);
    } else {
        reduce(school, node);
    }
}

static void react(struct school *school, uint32_t node, const struct hwi_msg_reply *reply)
{
    struct trainer *trainer = &school->trainers[node];
    hws_status status = (hws_status)reply->status;
    if (status == HWS_OK) {
        succeeded(school, node, reply);
    } else if (hws_status_class(status) == HWS_CLASS_VIEW && trainer->stage != TRAINER_OPENING) {
        view(school, node);
    } else {
        expect(hws_status_class(status) == HWS_CLASS_RUN || status == HWS_E_TIMEOUT,
               "member %u: a trainer got %s", node, hws_status_name(status));
        school->scenario->out[node] = true;
        trainer->stage = TRAINER_OVER;
        hwi_sim_leave(school->scenario->sim, node);
    }
}

static void look(struct school *school, uint32_t node)
{
    struct trainer *trainer = &school->trainers[node];
    struct scenario *scenario = school->scenario;
    if (!hwi_sim_alive(scenario->sim, node)) {
        trainer->stage = TRAINER_OVER;
    }
    if (trainer->stage == TRAINER_OVER || scenario->frozen[node]) {
        return;
    }
    const struct hwi_msg_reply *reply = hwi_sim_reply(scenario->sim, node, trainer->request);
    if (reply != NULL) {
        react(school, node, reply);
    }
}

// ---- the school

static void begin(struct school *school, uint32_t node)
{
    give_state(school->scenario, node, school->state_bytes, 0);
    school->trainers[node] = (struct trainer){.stage = TRAINER_OPENING};
}

void school_open(struct school *school)
{
    for (uint32_t node = 0; node < school->scenario->nodes; node++) {
        begin(school, node);
    }
}

uint32_t school_enrol(struct school *school)
{
    uint32_t node = start_member(school->scenario);
    begin(school, node);
    return node;
}

void school_run(struct school *school, uint64_t ms)
{
    for (uint64_t i = 0; i < ms; i += school->pace_ms) {
        run_ms(school->scenario, school->pace_ms);
        for (uint32_t node = 0; node < school->scenario->nodes; node++) {
            look(school, node);
        }
    }
}

uint32_t school_alive(const struct school *school)
{
    uint32_t alive = 0;
    for (uint32_t node = 0; node < school->scenario->nodes; node++) {
        alive += school->trainers[node].stage != TRAINER_OVER;
    }
    return alive;
}

uint32_t school_least_reduced(const struct school *school)
{
    uint32_t least = UINT32_MAX;
    for (uint32_t node = 0; node < school->scenario->nodes; node++) {
        const struct trainer *trainer = &school->trainers[node];
        if (trainer->stage != TRAINER_OVER) {
            least = HWI_MIN(least, trainer->reduced);
        }
    }
    return least;
}
