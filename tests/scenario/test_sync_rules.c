// SPDX-License-Identifier: MIT
// Each row of the table in docs/STATE.md, played by members in a simulated run.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <hawser/state.h>

#include "tests/support/scenario.h"

enum { SEATS_MAX = 8, STATE_BYTES = 3 * HWI_BLOCK_BYTES / 2, MIDDLE_MS = 30 };

static const struct rule {
    const char *members, *elected, *outcome;
} rules[] = {
#define RULE(members, elected, outcome, why) {members, elected, outcome},
#include "tests/scenario/sync_rules.def"
};

struct seat {
    uint8_t strategy;
    uint32_t revision, content; // a letter: the seed of its bytes
    bool dirty, odd, newcomer;
    char outcome[16];
};

struct table { // who sits at it; nodes begin with `first`
    struct seat seats[SEATS_MAX];
    uint32_t count, first;
    bool dirty, later; // somebody is dirty; the run has synced before
};

static const char *word(const char *text, char *out, size_t bytes)
{
    size_t length = strcspn(text, " ");
    expect(length > 0 && length < bytes, "a rule with an empty or long word: %s", text);
    memcpy(out, text, length);
    out[length] = '\0';
    return text[length] == ' ' ? text + length + 1 : NULL;
}

static struct seat parse(const char *text)
{
    const char *end;
    struct seat seat = {.strategy = text[0] == 'E'   ? HWS_SYNC_ENFORCE
                                    : text[0] == 'S' ? HWS_SYNC_SEND_ONLY
                                                     : HWS_SYNC_RECEIVE_ONLY};
    expect(strchr("ESR", text[0]) != NULL, "a rule without a strategy: %s", text);
    seat.revision = (uint32_t)strtoul(text + 1, (char **)&end, 10);
    seat.content = (uint32_t)(unsigned char)*end;
    seat.dirty = strchr(end, '!') != NULL;
    seat.odd = strchr(end, '*') != NULL;
    seat.newcomer = strchr(end, '+') != NULL;
    return seat;
}

static struct table lay(const struct rule *rule)
{
    struct table table = {0};
    char text[16];
    const char *outcomes = rule->outcome;
    for (const char *at = rule->members; at != NULL;) {
        at = word(at, text, sizeof text);
        struct seat *seat = &table.seats[table.count++];
        *seat = parse(text);
        outcomes = word(outcomes, seat->outcome, sizeof seat->outcome);
        table.dirty |= seat->dirty;
        // Content z says so where there is no newcomer
        table.later |= seat->newcomer || strstr(rule->members, "z") != NULL;
    }
    expect(outcomes == NULL, "not as many outcomes as members: %s", rule->outcome);
    table.first = table.dirty;
    return table;
}

static uint32_t nodes_of(const struct table *table)
{
    return table->first + table->count;
}

static bool is_helper(const struct table *table, uint32_t node)
{
    return node < table->first;
}

static const struct seat *seat_of(const struct table *table, uint32_t node)
{
    return &table->seats[node - table->first];
}

static void give(struct scenario *s, const struct table *table, uint32_t node, uint32_t content)
{
    bool odd = !is_helper(table, node) && seat_of(table, node)->odd;
    give_state(s, node, STATE_BYTES + odd, content);
}

// Members, and a helper where there is somebody to be made dirty; newcomers where there are some.
static struct scenario *gather(const struct table *table)
{
    struct hwi_sim_config config = scenario_config;
    uint32_t founders = nodes_of(table);
    config.edge_bytes_per_s = 20000000;
    while (founders > table->first && seat_of(table, founders - 1)->newcomer) {
        founders--;
    }
    struct scenario *s = scenario_start_with(&config, founders);
    for (uint32_t node = 0; node < founders; node++) {
        give(s, table, node, 'z');
    }
    if (table->later) {
        everybody(s, &(struct call){.kind = HWI_KIND_SYNC, .value = 1, .timeout_ms = 30000});
    }
    for (uint32_t node = founders; node < nodes_of(table); node++) {
        start_member(s);
        give(s, table, node, 'z');
        run_ms(s, 100);
        everybody_admits(s);
        expect_open(s, node, HWS_OK);
    }
    return s;
}

// The helper has something for those that shall be dirty, and dies while it gives it to them.
static void make_dirty(struct scenario *s, const struct table *table)
{
    uint64_t requests[SEATS_MAX + 1];
    for (uint32_t node = 0; node < nodes_of(table); node++) {
        bool receives = !is_helper(table, node) && seat_of(table, node)->dirty;
        fill_state(s, node, receives ? 'x' : 'y');
        requests[node] = sync_state(s, node, 1, receives ? 1 : 2);
    }
    run_ms(s, MIDDLE_MS);
    hwi_sim_kill(s->sim, 0);
    for (uint32_t node = table->first; node < nodes_of(table); node++) {
        expect_status(s, node, requests[node], HWS_E_MEMBER_LOST);
    }
    everybody_acknowledges(s);
}

static hws_status status_of(const struct seat *seat)
{
    static const hws_status statuses[] = {HWS_E_CONFLICT, HWS_E_LAYOUT, HWS_E_REFUSED,
                                          HWS_E_STATE_LOST, HWS_E_AHEAD};
    for (size_t i = 0; i < HWI_COUNT(statuses); i++) {
        if (strcmp(hws_status_name(statuses[i]) + strlen("HWS_E_"), seat->outcome) == 0) {
            return statuses[i];
        }
    }
    expect(strchr("=<", seat->outcome[0]) != NULL, "no such outcome: %s", seat->outcome);
    return HWS_OK;
}

static void check(struct scenario *s, const struct table *table, const struct rule *rule,
                  uint32_t node, uint64_t request)
{
    const struct seat *seat = seat_of(table, node);
    const struct hwi_msg_reply *reply = expect_status(s, node, request, status_of(seat));
    if (reply->status != HWS_OK) { // it is as it was
        expect_state(s, node, seat->content);
        return;
    }
    struct seat elected = {0};
    char text[16] = "E";
    word(rule->elected, text + 1, sizeof text - 1);
    elected = parse(text);
    bool written = seat->outcome[0] == '<';
    expect(reply->value == elected.revision, "member %u: revision %llu", node,
           (unsigned long long)reply->value);
    expect((reply->bytes_received > 0) == written && (reply->sources > 0) == written,
           "member %u: %llu bytes came from %u members", node,
           (unsigned long long)reply->bytes_received, reply->sources);
    expect(written || seat->content == elected.content, "member %u holds something else", node);
    expect(reply->bytes_sent == 0 || seat->strategy != HWS_SYNC_RECEIVE_ONLY,
           "member %u only receives, and was read from", node);
    expect_state(s, node, elected.content);
}

static void play(const struct rule *rule)
{
    struct table table = lay(rule);
    struct scenario *s = gather(&table);
    uint64_t requests[SEATS_MAX + 1];
    snprintf(s->title, sizeof s->title, "rule: %s -> %s", rule->members, rule->outcome);
    if (table.dirty) {
        make_dirty(s, &table);
    }
    for (uint32_t node = table.first; node < nodes_of(&table); node++) {
        const struct seat *seat = seat_of(&table, node);
        fill_state(s, node, seat->content);
        requests[node] = make_call(s, node,
                                   &(struct call){.kind = HWI_KIND_SYNC,
                                                  .step = 2,
                                                  .value = seat->revision,
                                                  .strategy = seat->strategy,
                                                  .retry = 1,
                                                  .timeout_ms = 30000});
    }
    for (uint32_t node = table.first; node < nodes_of(&table); node++) {
        check(s, &table, rule, node, requests[node]);
        s->out[node] |= status_of(seat_of(&table, node)) != HWS_OK;
    }
    scenario_end(s);
}

static void every_rule_holds(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < HWI_COUNT(rules); i++) {
        play(&rules[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_rule_holds)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
