// SPDX-License-Identifier: MIT
// Compares the recording with its fork: how each call behind the fork ended there and
// here, and the view of the last one.
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include <hawser/types.h>

#include "actors/loop/player.h"
#include "actors/wire/codec.h"
#include "tools/hawser/replay/fork/fork.h"

enum { SENTENCE_BYTES = 320 };

// ---- what the recording holds -------------------------------------------------------------------

static void note_reply(struct fork_trainer *trainer, const struct hwi_msg_reply *reply)
{
    for (uint32_t i = 0; i < trainer->count; i++) {
        const struct hwi_msg *msg = &trainer->requests[i].msg;
        uint64_t number = msg->type == HWI_MSG_open ? msg->u.open.request : msg->u.request.request;
        if (msg->type != HWI_MSG_state_layout && number == reply->request) {
            trainer->requests[i].there = (struct fork_result){.ended = true,
                                                              .status = reply->status,
                                                              .view = reply->view,
                                                              .members = reply->members_count};
        }
    }
}

// A journal keeps of a reply its hash only: the peer says it again when its events are played.
static void learn_source(struct fork *fork, uint32_t source)
{
    struct hwi_journal_reader *reader = replay_read(fork->set, source);
    struct hwi_player *player = hwi_player_create(replay_ops(HWI_ROLE_PEER), &hwi_alloc_libc);
    struct hwi_journal_record record;
    enum hwi_journal_found found = HWI_JOURNAL_FOUND_HEAD;
    while (reader != NULL && found <= HWI_JOURNAL_FOUND_LOST) {
        found = hwi_journal_read(reader, &record);
        if (found != HWI_JOURNAL_FOUND_EVENT || record.event.role != HWI_ROLE_PEER) {
            continue;
        }
        const struct hwi_effects *said = hwi_player_step(player, &record.event.event, NULL);
        for (uint32_t i = 0; i < said->count; i++) {
            if (said->items[i].msg.type == HWI_MSG_reply) {
                note_reply(&fork->processes[source].trainer, &said->items[i].msg.u.reply);
            }
        }
    }
    hwi_player_destroy(player);
    hwi_journal_reader_close(reader);
}

// ---- what differed ------------------------------------------------------------------------------

static bool is_member(const struct fork *fork, uint32_t i)
{
    const struct fork_process *process = &fork->processes[i];
    return process->there && process->peer != FORK_MASTER && !fork_gone_before(fork, i);
}

static bool is_same(const struct fork_request *request)
{
    const struct fork_result *there = &request->there, *here = &request->here;
    bool spans = there->status == HWS_OK;
    return there->ended == here->ended && there->status == here->status &&
           (!spans || there->members == here->members) && request->repeats == 0;
}

static void print_result(const struct fork_result *result, char *text, size_t bytes)
{
    if (!result->ended) {
        snprintf(text, bytes, "no reply");
    } else if (result->status == HWS_OK && result->members > 0) {
        snprintf(text, bytes, "OK over %" PRIu32 " member%s", result->members,
                 result->members == 1 ? "" : "s");
    } else if (result->status == HWS_OK) {
        snprintf(text, bytes, "OK");
    } else {
        snprintf(text, bytes, "%s", hws_status_name((hws_status)result->status));
    }
}

static void print_call(const struct hwi_msg *msg, char *text, size_t bytes)
{
    if (msg->type == HWI_MSG_open) {
        snprintf(text, bytes, "hws_open");
    } else {
        snprintf(text, bytes, "request %" PRIu64 " (%s, tag %" PRIu64 ")", msg->u.request.request,
                 hwi_kind_name(msg->u.request.kind), msg->u.request.tag);
    }
}

// No layout is answered, and the reply to a closing is the end of its process.
static bool is_compared(const struct fork_request *request)
{
    const struct hwi_msg *msg = &request->msg;
    bool closes = msg->type == HWI_MSG_request && msg->u.request.kind == HWI_KIND_CLOSE;
    return msg->type != HWI_MSG_state_layout && !closes &&
           (request->there.ended || request->here.ended);
}

struct differ {
    uint32_t calls, same;
    const struct fork_request *first; // that ended otherwise; NULL = none
};

static struct differ compare(const struct fork_trainer *trainer)
{
    struct differ found = {0};
    for (uint32_t i = 0; i < trainer->count; i++) {
        const struct fork_request *request = &trainer->requests[i];
        if (!is_compared(request)) {
            continue;
        }
        found.calls++;
        found.same += is_same(request);
        if (!is_same(request) && found.first == NULL) {
            found.first = request;
        }
    }
    return found;
}

static void print_member(const struct fork_process *process, const struct differ *differ,
                         char text[SENTENCE_BYTES])
{
    char call[96], there[64], here[64];
    int n = snprintf(text, SENTENCE_BYTES, "%s: %" PRIu32 " of %" PRIu32 " calls ended as recorded",
                     process->name, differ->same, differ->calls);
    if (differ->first == NULL) {
        return;
    }
    print_call(&differ->first->msg, call, sizeof call);
    print_result(&differ->first->there, there, sizeof there);
    print_result(&differ->first->here, here, sizeof here);
    n += snprintf(text + n, SENTENCE_BYTES - (size_t)n,
                  "; the first that did not is %s: %s in the recording, %s in the fork", call,
                  there, here);
    if (differ->first->repeats > 0) {
        snprintf(text + n, SENTENCE_BYTES - (size_t)n, " (made again %" PRIu32 " time%s)",
                 differ->first->repeats, differ->first->repeats == 1 ? "" : "s");
    }
}

// The newest view in which a call was OK.
struct views {
    struct fork_result there, here;
};

static void take_newer(struct fork_result *newest, const struct fork_result *result)
{
    if (result->ended && result->status == HWS_OK && result->view >= newest->view) {
        *newest = *result;
    }
}

static struct views find_views(const struct fork *fork)
{
    struct views views = {0};
    for (uint32_t i = 0; i < fork->set->count; i++) {
        const struct fork_trainer *trainer = &fork->processes[i].trainer;
        for (uint32_t k = 0; is_member(fork, i) && k < trainer->count; k++) {
            take_newer(&views.there, &trainer->requests[k].there);
            take_newer(&views.here, &trainer->requests[k].here);
        }
    }
    return views;
}

static void print_where(const struct fork_result *last, char *text, size_t bytes)
{
    if (last->ended) {
        snprintf(text, bytes, "in view %" PRIu64 " with %" PRIu32 " member%s", last->view,
                 last->members, last->members == 1 ? "" : "s");
    } else {
        snprintf(text, bytes, "none");
    }
}

static void print_view(const struct fork_result *there, const struct fork_result *here,
                       char text[SENTENCE_BYTES])
{
    char recorded[64], forked[64];
    print_where(there, recorded, sizeof recorded);
    print_where(here, forked, sizeof forked);
    snprintf(text, SENTENCE_BYTES, "the last call that was OK: %s in the recording, %s in the fork",
             recorded, forked);
}

// ---- telling ------------------------------------------------------------------------------------

static void put_result(struct json_writer *json, const char *name, const struct fork_result *result)
{
    json_put_open(json, name, '{');
    json_put_text(json, "status",
                  result->ended ? hws_status_name((hws_status)result->status) : NULL);
    json_put_number(json, "members", result->members);
    json_put_close(json, '}');
}

static void put_member(struct json_writer *json, const struct fork_process *process,
                       const struct differ *differ)
{
    json_put_open(json, NULL, '{');
    json_put_number(json, "member", process->peer);
    json_put_number(json, "calls", differ->calls);
    json_put_number(json, "same", differ->same);
    if (differ->first != NULL) {
        char call[96];
        print_call(&differ->first->msg, call, sizeof call);
        json_put_open(json, "first", '{');
        json_put_text(json, "call", call);
        put_result(json, "recorded", &differ->first->there);
        put_result(json, "fork", &differ->first->here);
        json_put_number(json, "repeats", differ->first->repeats);
        json_put_close(json, '}');
    }
    json_put_close(json, '}');
}

static void put_view(struct json_writer *json, const char *name, const struct fork_result *view)
{
    json_put_open(json, name, '{');
    json_put_number(json, "view", view->view);
    json_put_number(json, "members", view->members);
    json_put_close(json, '}');
}

static void put_all(const struct fork *fork)
{
    struct views views = find_views(fork);
    struct json_writer json = {.stream = stdout};
    json_put_open(&json, NULL, '{');
    json_put_open(&json, "differed", '{');
    put_view(&json, "recorded", &views.there);
    put_view(&json, "fork", &views.here);
    json_put_open(&json, "members", '[');
    for (uint32_t i = 0; i < fork->set->count; i++) {
        if (is_member(fork, i)) {
            struct differ differ = compare(&fork->processes[i].trainer);
            put_member(&json, &fork->processes[i], &differ);
        }
    }
    json_put_close(&json, ']');
    json_put_close(&json, '}');
    json_put_close(&json, '}');
    json_put_line(&json);
}

static void print_all(const struct fork *fork)
{
    struct views views = find_views(fork);
    char text[SENTENCE_BYTES];
    bool same = true;
    for (uint32_t i = 0; i < fork->set->count; i++) {
        same &= !is_member(fork, i) || compare(&fork->processes[i].trainer).first == NULL;
    }
    puts(same ? "nothing differed from the recording:" : "what differed from the recording:");
    for (uint32_t i = 0; i < fork->set->count; i++) {
        if (is_member(fork, i)) {
            struct differ differ = compare(&fork->processes[i].trainer);
            print_member(&fork->processes[i], &differ, text);
            printf("  %s\n", text);
        }
    }
    print_view(&views.there, &views.here, text);
    printf("  %s\n", text);
}

void fork_learn_results(struct fork *fork)
{
    for (uint32_t i = 0; i < fork->set->count; i++) {
        if (fork->processes[i].there && fork->processes[i].peer != FORK_MASTER) {
            learn_source(fork, i);
        }
    }
}

void fork_tell_differences(const struct fork *fork)
{
    if (replay_is_json()) {
        put_all(fork);
    } else {
        print_all(fork);
    }
}
