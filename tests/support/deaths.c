// SPDX-License-Identifier: MIT
#include "tests/support/deaths.h"

enum { DEATHS_STEPS_MAX = 500 };

struct death {
    uint32_t victim;
    enum hwi_role role;
    uint32_t events; // of the role, handled after the members' opening; it dies at the next
};

hws_status same_for_all(struct scenario *s, const struct call *call)
{
    uint64_t requests[DEATHS_MEMBERS];
    hws_status first = HWS_E_PENDING;
    for (uint32_t node = 0; node < DEATHS_MEMBERS; node++) {
        requests[node] = make_call(s, node, call);
    }
    for (uint32_t node = 0; node < DEATHS_MEMBERS; node++) {
        if (!hwi_sim_until(s->sim, node, requests[node], RECOVERY_NS)) {
            expect(!is_up(s, node), "member %u lives and has no answer in time", node);
            continue;
        }
        hws_status status = hwi_sim_reply(s->sim, node, requests[node])->status;
        if (is_up(s, node)) {
            first = first == HWS_E_PENDING ? status : first;
            expect(status == first, "member %u got %s, another survivor %s", node,
                   hws_status_name(status), hws_status_name(first));
        }
    }
    return first;
}

// Returns false once the chosen moment lies after the call.
static bool survives(const struct death *death, const struct call *call)
{
    struct scenario *s = scenario_start(DEATHS_MEMBERS);
    run_ms(s, 100);
    uint32_t before = hwi_sim_events(s->sim, death->victim, death->role);
    hwi_sim_kill_at(s->sim, death->victim, death->role, before + death->events + 1);
    hws_status status = same_for_all(s, call);
    bool died = !hwi_sim_alive(s->sim, death->victim);
    expect(status == HWS_OK || (died && status == HWS_E_MEMBER_LOST), "the survivors got %s",
           hws_status_name(status));
    hwi_sim_kill_at(s->sim, death->victim, death->role, 0);
    run_ms(s, RECOVERY_NS / HWI_NS_PER_MS);
    everybody_acknowledges(s);
    everybody_all_reduces(s, 2, call->count);
    scenario_end(s);
    return died;
}

void kill_before_every_event(enum hwi_role role, const struct call *call)
{
    for (uint32_t victim = 0; victim < DEATHS_MEMBERS; victim++) {
        uint32_t events = 0;
        while (survives(&(struct death){victim, role, events}, call)) {
            expect(++events < DEATHS_STEPS_MAX, "a call takes too many events");
            if (role == HWI_ROLE_PEER && events > 20) {
                break; // nothing but heartbeats comes after that
            }
        }
        expect(events > 2, "nobody died");
    }
}
