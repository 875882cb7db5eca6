// SPDX-License-Identifier: MIT
// --diff: which journals of two directories belong together, and where each pair's actors part.
#include <inttypes.h>
#include <string.h>

#include "tools/hawser/replay/part.h"

static bool is_master(const struct replay_source *source)
{
    return source->incarnation == 0;
}

// How many masters of the set began before this one.
static uint32_t master_number(const struct replay_set *set, uint32_t source)
{
    uint32_t before = 0;
    for (uint32_t i = 0; i < set->count; i++) {
        if (set->sources[i].readable && is_master(&set->sources[i]) &&
            set->sources[i].realtime_ns < set->sources[source].realtime_ns) {
            before++;
        }
    }
    return before;
}

static bool belong(const struct replay_set *a, uint32_t i, const struct replay_set *b, uint32_t j)
{
    const struct replay_source *in_a = &a->sources[i], *in_b = &b->sources[j];
    if (!in_a->readable || !in_b->readable || is_master(in_a) != is_master(in_b)) {
        return false;
    }
    return is_master(in_a) ? master_number(a, i) == master_number(b, j) : in_a->peer == in_b->peer;
}

// The only chosen journal of a set; set->count if there is none or more than one.
static uint32_t only_one(const struct replay_set *set, const struct replay_options *options)
{
    uint32_t found = set->count;
    for (uint32_t i = 0; i < set->count; i++) {
        if (!replay_chosen(set, options, i)) {
            continue;
        }
        if (found < set->count) {
            return set->count;
        }
        found = i;
    }
    return found;
}

// The journal of b that is compared with journal i of a; b->count = none.
static uint32_t partner(const struct replay_set *a, uint32_t i, const struct replay_set *b,
                        const struct replay_options *options)
{
    static const struct replay_options all = {0};
    if (only_one(a, options) == i && only_one(b, &all) < b->count) {
        return only_one(b, &all);
    }
    for (uint32_t j = 0; j < b->count; j++) {
        if (replay_chosen(b, &all, j) && belong(a, i, b, j)) {
            return j;
        }
    }
    return b->count;
}

static void put_line(const struct replay_parting *parting, const char *a, const char *b)
{
    struct json_writer json = {.stream = stdout};
    json_put_open(&json, NULL, '{');
    json_put_text(&json, "actor", replay_ops(parting->role)->name);
    json_put_text(&json, "journal", a);
    json_put_text(&json, "other", b);
    json_put_bool(&json, "parted", parting->parted);
    json_put_number(&json, "equal", parting->equal);
    json_put_number(&json, "moved", parting->moved);
    json_put_close(&json, '}');
    json_put_line(&json);
}

static void print_line(const struct replay_parting *parting)
{
    const struct replay_source *a = &parting->a.set->sources[parting->a.source];
    const struct replay_source *b = &parting->b.set->sources[parting->b.source];
    if (replay_is_json()) {
        put_line(parting, a->name, b->name);
        return;
    }
    printf("%s@%s and %s: ", replay_ops(parting->role)->name, a->name, b->name);
    if (parting->parted) {
        printf("part after %" PRIu64 " equal events", parting->equal);
    } else {
        printf("equal, %" PRIu64 " events", parting->equal);
    }
    if (parting->moved) {
        printf(", %" PRIu64 " of them in another order", parting->moved);
    }
    putchar('\n');
}

// The events around the parting in one of the histories, and why it ends there if it does.
static void print_side(struct replay_parting_side *side, uint8_t role)
{
    const struct replay_source *source = &side->set->sources[side->source];
    if (side->number) {
        replay_print_context(side->set, side->source, role, side->number);
    } else {
        fprintf(replay_out(), "%s@%s has nothing more\n", replay_ops(role)->name, source->name);
    }
}

static void print_parting(struct replay_parting *parting)
{
    replay_begin("parting");
    fprintf(replay_out(), "\nthe first parting, in %s:\n", parting->a.set->directory);
    print_side(&parting->a, parting->role);
    fprintf(replay_out(), "and in %s:\n", parting->b.set->directory);
    print_side(&parting->b, parting->role);
    replay_end();
}

// A journal that nothing is compared with: a history that the other side does not have, or none
// that can be read.
static int report_alone(const struct replay_set *set, uint32_t source,
                        const struct replay_set *other)
{
    if (set->sources[source].readable) {
        fprintf(replay_begin("note"), "%s: no journal in %s belongs to it\n", set->names[source],
                other->directory);
        replay_end();
        return REPLAY_DIFFERENT;
    }
    struct hwi_journal_reader *reader = replay_read(set, source);
    struct hwi_journal_record record = {0};
    int verdict = REPLAY_UNREADABLE;
    if (reader != NULL) {
        verdict = (int)replay_report_end(&set->sources[source], hwi_journal_read(reader, &record),
                                         &record);
    }
    hwi_journal_reader_close(reader);
    return verdict;
}

struct comparison {
    struct replay_parting first; // by the time in `a`
    int64_t first_ns;
    int verdict;
    uint32_t pairs;
};

static void compare_actors(struct comparison *all, struct replay_set *a, uint32_t i,
                           struct replay_set *b, uint32_t j, const struct replay_options *options)
{
    for (uint8_t role = 0; role < HWI_ROLE_MAX; role++) {
        if (replay_ops(role) == NULL || (options->role && options->role != role)) {
            continue;
        }
        struct replay_parting parting = {
            .role = role, .a = {.set = a, .source = i}, .b = {.set = b, .source = j}};
        int verdict = replay_find_parting(&parting);
        all->verdict = HWI_MAX(all->verdict, verdict);
        if (!parting.parted && !parting.equal) {
            continue; // such an actor is in neither
        }
        all->pairs++;
        print_line(&parting);
        const struct replay_parting_side *side = parting.a.number ? &parting.a : &parting.b;
        int64_t ns = replay_time(side->set, side->source, side->now_ns);
        if (!parting.parted || (all->first.parted && ns >= all->first_ns)) {
            continue;
        }
        all->first = parting;
        all->first_ns = ns;
    }
}

// Of those that the other side has, if all of both are compared, too.
static void look_back(struct comparison *all, struct replay_set *a, struct replay_set *b,
                      const struct replay_options *options)
{
    if (a->only != NULL || b->only != NULL || options->journal != NULL) {
        return;
    }
    for (uint32_t j = 0; j < b->count; j++) {
        if (partner(b, j, a, options) == a->count) {
            all->verdict = HWI_MAX(all->verdict, report_alone(b, j, a));
        }
    }
}

int replay_diff(struct replay_set *a, struct replay_set *b, const struct replay_options *options)
{
    struct comparison all = {0};
    replay_learn_peers(a);
    replay_learn_peers(b);
    for (uint32_t i = 0; i < a->count; i++) {
        uint32_t j = replay_chosen(a, options, i) ? partner(a, i, b, options) : a->count + b->count;
        if (j < b->count) {
            compare_actors(&all, a, i, b, j, options);
        } else if (j == b->count) {
            all.verdict = HWI_MAX(all.verdict, report_alone(a, i, b));
        }
    }
    look_back(&all, a, b, options);
    if (all.first.parted) {
        print_parting(&all.first);
    }
    if (all.pairs == 0) {
        complain("replay", "nothing to compare in %s and %s", a->directory, b->directory);
        all.verdict = HWI_MAX(all.verdict, (int)REPLAY_UNREADABLE);
    }
    return HWI_MAX(all.verdict, all.first.parted ? (int)REPLAY_DIFFERENT : (int)REPLAY_OK);
}
