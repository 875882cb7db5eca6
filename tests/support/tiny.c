// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/tiny.h"

enum { TINY_MEMBERS_MAX = 128 };

// ---- a master that gives peer ids, and proposes everybody to everybody at `first_members`

struct tiny_master {
    const struct hwi_alloc *alloc; // first in each state: for destroy
    uint32_t wanted;
    uint32_t count;
    uint64_t sessions[TINY_MEMBERS_MAX];
    struct hwi_member members[TINY_MEMBERS_MAX];
};

static void *create(const struct hwi_alloc *alloc, size_t bytes)
{
    const struct hwi_alloc **state = hwi_new(alloc, bytes);
    *state = alloc;
    return state;
}

static void *create_master(const struct hwi_alloc *alloc)
{
    return create(alloc, sizeof(struct tiny_master));
}

static void propose(struct tiny_master *master, struct hwi_effects *effects)
{
    for (uint32_t i = 0; i < master->count; i++) {
        struct hwi_msg_propose *out =
            HWI_EMIT(effects, hwi_addr_of(HWI_ROLE_PEER, master->sessions[i]), propose);
        out->view = 1;
        out->incarnation = master->sessions[i];
        out->members = hwi_effects_memory(effects, sizeof master->members);
        out->members_count = master->count;
        memcpy(out->members, master->members, sizeof master->members);
    }
}

static void step_master(void *state, const struct hwi_event *event, struct hwi_effects *effects)
{
    struct tiny_master *master = state;
    if (event->msg->type == HWI_MSG_master_start) {
        master->wanted = event->msg->u.master_start.first_members;
    } else if (event->msg->type == HWI_MSG_registration) {
        struct hwi_member *member = &master->members[master->count];
        master->sessions[master->count++] = event->from.id;
        member->peer = master->count;
        member->incarnation = event->from.id;
        memcpy(member->address, event->msg->u.registration.address, sizeof member->address);
        HWI_EMIT(effects, hwi_addr_of(HWI_ROLE_PEER, event->from.id), welcome)->peer =
            master->count;
        if (master->count == master->wanted) {
            propose(master, effects);
        }
    } else if (event->msg->type == HWI_MSG_edge_lost) {
        uint64_t lost = event->msg->u.edge_lost.peer;
        (void)HWI_EMIT(effects, hwi_addr_of(HWI_ROLE_PEER, master->sessions[lost - 1]), probe);
    } else if (event->msg->type == HWI_MSG_unreachable && event->from.id != master->sessions[0]) {
        (void)HWI_EMIT(effects, hwi_addr_of(HWI_ROLE_PEER, master->sessions[0]), probe);
    }
}

// ---- a peer that registers, opens edges, and replies to its opening with how many came up

struct tiny_peer {
    const struct hwi_alloc *alloc;
    uint64_t request, incarnation, self;
    uint32_t up, down, others;
    uint32_t calls;
};

static void *create_peer(const struct hwi_alloc *alloc)
{
    return create(alloc, sizeof(struct tiny_peer));
}

static void on_open(struct tiny_peer *peer, const struct hwi_msg_open *open,
                    struct hwi_effects *effects)
{
    peer->request = open->request;
    peer->incarnation = open->incarnation;
    struct hwi_msg_registration *out =
        HWI_EMIT(effects, hwi_addr_of(HWI_ROLE_MASTER, 0), registration);
    out->incarnation = open->incarnation;
    memcpy(out->address, open->address, sizeof out->address);
}

static void on_propose(struct tiny_peer *peer, const struct hwi_msg_propose *proposal,
                       struct hwi_effects *effects)
{
    for (uint32_t i = 0; i < proposal->members_count; i++) {
        const struct hwi_member *member = &proposal->members[i];
        if (member->peer == peer->self) {
            continue;
        }
        struct hwi_msg_edge_open *out = HWI_EMIT(effects, hwi_addr_of(HWI_ROLE_DATA, 0), edge_open);
        out->self = peer->self;
        out->self_incarnation = peer->incarnation;
        out->peer = member->peer;
        out->incarnation = member->incarnation;
        out->dial = peer->self > member->peer;
        out->stripes = 2;
        memcpy(out->address, member->address, sizeof out->address);
        peer->others++;
    }
}

static void answer(struct hwi_effects *effects, uint64_t request, uint64_t value)
{
    struct hwi_msg_reply *out = HWI_EMIT(effects, hwi_addr_of(HWI_ROLE_TRAINER, 0), reply);
    out->request = request;
    out->value = value;
}

static void on_request(struct tiny_peer *peer, const struct hwi_msg_request *request,
                       uint64_t now_ns, struct hwi_effects *effects)
{
    HWI_CHECK(request->value != TINY_FAILS);
    peer->calls++;
    answer(effects, request->request, peer->calls);
    if (request->tag != 0) {
        struct hwi_msg_grant *out = HWI_EMIT(effects, hwi_addr_of(HWI_ROLE_REDUCER, 0), grant);
        out->op.tag = request->tag;
        out->granted = (uint32_t)request->value;
    } else if (request->value == TINY_SLEEPS) {
        HWI_EMIT(effects, hwi_addr_of(HWI_ROLE_CLOCK, 0), wake_at)->at_ns =
            now_ns + request->timeout_ns;
    } else {
        HWI_EMIT(effects, hwi_addr_of(HWI_ROLE_MASTER, 0), heartbeat)->sent = peer->calls;
    }
}

static void step_peer(void *state, const struct hwi_event *event, struct hwi_effects *effects)
{
    struct tiny_peer *peer = state;
    switch (event->msg->type) {
    case HWI_MSG_open:
        on_open(peer, &event->msg->u.open, effects);
        break;
    case HWI_MSG_welcome:
        peer->self = event->msg->u.welcome.peer;
        break;
    case HWI_MSG_propose:
        on_propose(peer, &event->msg->u.propose, effects);
        break;
    case HWI_MSG_request:
        on_request(peer, &event->msg->u.request, event->now_ns, effects);
        break;
    case HWI_MSG_woken:
        HWI_EMIT(effects, hwi_addr_of(HWI_ROLE_MASTER, 0), heartbeat)->sent =
            event->now_ns / HWI_NS_PER_MS;
        break;
    case HWI_MSG_edge_up:
    case HWI_MSG_edge_down:
        peer->up += event->msg->type == HWI_MSG_edge_up;
        peer->down += event->msg->type == HWI_MSG_edge_down;
        if (peer->up + peer->down == peer->others) {
            answer(effects, peer->request, peer->up);
        } else if (peer->up + peer->down > peer->others) {
            HWI_EMIT(effects, hwi_addr_of(HWI_ROLE_MASTER, 0), edge_lost)->peer =
                event->msg->u.edge_down.peer;
        }
        break;
    }
}

static void on_failed(void *state, uint64_t now_ns, struct hwi_effects *effects)
{
    (void)state;
    (void)now_ns;
    (void)effects;
}

static void destroy(void *state)
{
    hwi_free(*(const struct hwi_alloc **)state, state);
}

// ---- a reducer that passes grants on to others; a snapshot with nothing to do

// Tells member `tag` what its own peer said.
static void step_reducer(void *state, const struct hwi_event *event, struct hwi_effects *effects)
{
    (void)state;
    if (event->from.role == HWI_ROLE_PEER && event->msg->type == HWI_MSG_grant) {
        const struct hwi_msg_grant *in = &event->msg->u.grant;
        HWI_EMIT(effects, hwi_addr_of(HWI_ROLE_REDUCER, in->op.tag), grant)->granted = in->granted;
    }
}

static void *create_idle(const struct hwi_alloc *alloc)
{
    return create(alloc, sizeof alloc);
}

static void step_idle(void *state, const struct hwi_event *event, struct hwi_effects *effects)
{
    (void)state;
    (void)event;
    (void)effects;
}

const struct hwi_actor_ops tiny_master = {"master",    HWI_ROLE_MASTER, create_master,
                                          step_master, on_failed,       destroy};
const struct hwi_actor_ops tiny_peer = {"peer",    HWI_ROLE_PEER, create_peer,
                                        step_peer, on_failed,     destroy};
const struct hwi_actor_ops tiny_reducer = {"reducer",    HWI_ROLE_REDUCER, create_idle,
                                           step_reducer, on_failed,        destroy};
const struct hwi_actor_ops tiny_snapshot = {"snapshot", HWI_ROLE_SNAPSHOT, create_idle,
                                            step_idle,  on_failed,         destroy};

struct hwi_sim_config tiny_config(uint32_t members)
{
    return (struct hwi_sim_config){
        .first_members = members,
        .control_ns = 5 * HWI_NS_PER_MS,
        .edge_ns = HWI_NS_PER_MS,
        .stripes = 2,
        .actors = {[HWI_ROLE_MASTER] = &tiny_master,
                   [HWI_ROLE_PEER] = &tiny_peer,
                   [HWI_ROLE_REDUCER] = &tiny_reducer,
                   [HWI_ROLE_SNAPSHOT] = &tiny_snapshot},
    };
}

struct hwi_sim *tiny_start_with(const struct hwi_sim_config *config, uint32_t members)
{
    struct hwi_sim *sim = hwi_sim_create(config);
    for (uint32_t i = 0; i < members; i++) {
        hwi_sim_member(sim, 0);
    }
    return sim;
}

struct hwi_sim *tiny_start(uint32_t members)
{
    struct hwi_sim_config config = tiny_config(members);
    return tiny_start_with(&config, members);
}

void tiny_run_ms(struct hwi_sim *sim, uint64_t ms)
{
    hwi_sim_run(sim, ms * HWI_NS_PER_MS);
}

void tiny_finish(struct hwi_sim *sim)
{
    char error[4096] = "";
    bool equal = hwi_sim_replay(sim, error, sizeof error);
    if (!equal) {
        fail_msg("%s", error);
    }
    hwi_sim_destroy(sim);
}

uint64_t tiny_opened(struct hwi_sim *sim, uint32_t node)
{
    const struct hwi_msg_reply *reply = hwi_sim_reply(sim, node, 0);
    return reply != NULL ? reply->value : UINT64_MAX;
}

uint64_t tiny_call(struct hwi_sim *sim, uint32_t node, uint64_t tag, uint64_t value,
                   uint64_t timeout_ms)
{
    struct hwi_msg_request request = {
        .tag = tag, .value = value, .timeout_ns = timeout_ms * HWI_NS_PER_MS};
    return hwi_sim_submit(sim, node, &request, NULL);
}
