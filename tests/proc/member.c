// SPDX-License-Identifier: MIT
// A member of a run that obeys commands, for tests: reads one command per line on stdin and
// answers each with one line on stdout. Tests are written in Python; see harness.py. It ends at the
// end of its input.
//   hawser_member < commands        HAWSER_MASTER etc. from the environment
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tests/proc/member.h"

enum { LINE_BYTES = 512 };

static void do_open(struct member *m, const struct words *words)
{
    hws_config config = HWS_CONFIG_INIT;
    hws_result result = HWS_RESULT_INIT;
    char address[64] = "";
    uint64_t began_ns = now_ns();
    config.master = words_text(words, "master");
    config.listen = words_text(words, "listen");
    config.advertise = words_text(words, "advertise");
    config.insecure = words_flag(words, "insecure");
    config.min_members = (uint32_t)words_number(words, "min_members", 0);
    config.stripes = (uint32_t)words_number(words, "stripes", 0);
    config.open_ms = (uint32_t)words_number(words, "open_ms", 0);
    config.timeout_ms = (uint32_t)words_number(words, "timeout_ms", 0);
    config.decision_grace_ms = (uint32_t)words_number(words, "grace_ms", 0);
    config.journal = words_text(words, "journal");
    config.state = words_flag(words, "state") ? m->state : NULL;
    hws_status status = hws_open(&config, &m->comm);
    if (status != HWS_OK) {
        answer(status, began_ns, NULL, "%s", "");
        return;
    }
    status = hws_view(m->comm, &result);
    m->self = status == HWS_OK ? result.members[result.rank].value : 0;
    hws_address(m->comm, address, sizeof address);
    answer(status, began_ns, &result, "self=%" PRIu64 " address=%s", m->self, address);
}

static void do_view(struct member *m, const struct words *words)
{
    hws_result result = HWS_RESULT_INIT;
    uint64_t began_ns = now_ns();
    (void)words;
    hws_status status = hws_view(m->comm, &result);
    answer(status, began_ns, &result, "%s", "");
}

static void do_admit(struct member *m, const struct words *words)
{
    hws_result result = HWS_RESULT_INIT;
    uint64_t began_ns = now_ns();
    (void)words;
    hws_status status = hws_admit(m->comm, &result);
    answer(status, began_ns, &result, "%s", "");
}

static void do_pending(struct member *m, const struct words *words)
{
    uint32_t count = 0;
    (void)words;
    hws_status status = hws_pending(m->comm, &count);
    answer(status, now_ns(), NULL, "pending=%" PRIu32, count);
}

static void do_agree(struct member *m, const struct words *words)
{
    hws_result result = HWS_RESULT_INIT;
    hws_options options = words_options(words);
    uint64_t agreed = 0, began_ns = now_ns();
    hws_status status = hws_agree(m->comm, words_number(words, "vote", 0),
                                  words_flag(words, "min") ? HWS_AGREE_MIN : HWS_AGREE_AND,
                                  &options, &agreed, &result);
    answer(status, began_ns, &result, "agreed=%" PRIu64, agreed);
}

static void do_stats(struct member *m, const struct words *words)
{
    hws_stats stats = HWS_STATS_INIT;
    (void)words;
    hws_status status = hws_stats_get(m->comm, &stats);
    answer(status, now_ns(), NULL,
           "sent=%" PRIu64 " received=%" PRIu64 " committed=%" PRIu64 " aborted=%" PRIu64
           " views=%" PRIu64 " frames_dropped=%" PRIu64 " reduce_bytes=%" PRIu64
           " in_flight=%" PRIu64 " attempts=%" PRIu64 " retries=%" PRIu64
           " members_wait_us=%" PRIu64 " commit_wait_us=%" PRIu64 " credit_wait_us=%" PRIu64,
           stats.bytes_sent, stats.bytes_received, stats.committed, stats.aborted, stats.views,
           stats.frames_dropped, stats.reduce_bytes, stats.in_flight, stats.attempts, stats.retries,
           stats.members_wait_us, stats.commit_wait_us, stats.credit_wait_us);
}

static void do_close(struct member *m, const struct words *words)
{
    uint64_t began_ns = now_ns();
    (void)words;
    hws_status status = hws_close(m->comm);
    m->comm = NULL;
    answer(status, began_ns, NULL, "%s", "");
}

static const struct command {
    const char *name;
    void (*run)(struct member *m, const struct words *words);
    bool closed; // may be given without a communicator
} commands[] = {
    {"open", do_open, true},
    {"close", do_close, false},
    {"view", do_view, false},
    {"admit", do_admit, false},
    {"pending", do_pending, false},
    {"stats", do_stats, false},
    {"agree", do_agree, false},
    {"reduce", do_reduce, false},
    {"loop", do_loop, false},
    {"start", do_start, false},
    {"wait", do_wait, true},
    {"cancel", do_cancel, false},
    {"state", do_state, true},
    {"touch", do_touch, true},
    {"revision", do_revision, true},
    {"sync", do_sync, false},
    {"save", do_save, true},
    {"save_on", do_save_on, true},
    {"load", do_load, true},
    {"newest", do_newest, true},
    {"floats", do_floats, true},
    {"scatter", do_scatter, false},
    {"gather", do_gather, false},
    {"broadcast", do_broadcast, false},
    {"barrier", do_barrier, false},
    {"many", do_many, false},
    {"fault", do_fault, true},
    {"fork", do_fork, false},
    {"leave_child", do_leave_child, true},
};
enum { COMMANDS = sizeof commands / sizeof commands[0] };

static void run_command(struct member *m, const struct words *words)
{
    for (int i = 0; i < COMMANDS; i++) {
        if (strcmp(words->name, commands[i].name) != 0) {
            continue;
        }
        if (m->comm == NULL && !commands[i].closed) {
            answer(HWS_E_CLOSED, now_ns(), NULL, "who=member");
        } else {
            commands[i].run(m, words);
        }
        return;
    }
    answer(HWS_E_INVALID, now_ns(), NULL, "who=member");
}

int main(void)
{
    static struct member member;
    char line[LINE_BYTES];
    setvbuf(stdout, NULL, _IOLBF, 0);
    fault_watch();
    while (fgets(line, sizeof line, stdin) != NULL) {
        struct words words;
        words_cut(line, &words);
        if (words.name != NULL) {
            run_command(&member, &words);
        }
    }
    hws_close(member.comm);
    return 0;
}
