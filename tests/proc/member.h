// SPDX-License-Identifier: MIT
// The scripted member: one command per line on stdin, one answer per line on stdout. Shared by
// its parts.
#ifndef HAWSER_TESTS_PROC_MEMBER_H
#define HAWSER_TESTS_PROC_MEMBER_H

#include <stdbool.h>
#include <stdint.h>

#include <hawser/hawser.h>

enum { WORDS_MAX = 16, STARTED_MAX = 128 };

// A command line, cut at its spaces: `name`, then flags and key=value pairs in any order. Points
// into the line.
struct words {
    const char *name;
    const char *list[WORDS_MAX];
    int count;
};

// An operation, blocking or in flight.
struct operation {
    hws_request *request;
    float *input, *output; // the same in place
    uint64_t tag, count, began_ns;
};

struct member {
    hws_comm *comm;   // NULL while closed
    uint64_t self;    // own peer id
    hws_state *state; // NULL until made
    struct tensor *tensors;
    struct operation started[STARTED_MAX]; // oldest first
    int started_count;
};

// ---- member_words.c ----------------------------------------------------------------------------

void words_cut(char *line, struct words *words);
bool words_flag(const struct words *words, const char *flag);
const char *words_text(const struct words *words, const char *key); // NULL if it is not there
uint64_t words_number(const struct words *words, const char *key, uint64_t otherwise);
hws_options words_options(const struct words *words); // tag, timeout_ms, retry, plan

uint64_t now_ns(void);

// Prints the answer: status, class, milliseconds since `began_ns`, what `result` (may be NULL)
// holds, then `format` (key=value pairs, may be ""), then the sentence if it failed.
void answer(hws_status status, uint64_t began_ns, const hws_result *result, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

// ---- commands; each answers once ----------------------------------------------------------------

void do_reduce(struct member *m, const struct words *words);
void do_loop(struct member *m, const struct words *words);
void do_start(struct member *m, const struct words *words);
void do_cancel(struct member *m, const struct words *words);
void do_wait(struct member *m, const struct words *words);

void do_scatter(struct member *m, const struct words *words);
void do_gather(struct member *m, const struct words *words);
void do_broadcast(struct member *m, const struct words *words);
void do_barrier(struct member *m, const struct words *words);
void do_many(struct member *m, const struct words *words);

void do_state(struct member *m, const struct words *words);
void do_touch(struct member *m, const struct words *words);
void do_revision(struct member *m, const struct words *words);
void do_sync(struct member *m, const struct words *words);

void do_save(struct member *m, const struct words *words);
void do_save_on(struct member *m, const struct words *words);
void do_load(struct member *m, const struct words *words);
void do_newest(struct member *m, const struct words *words);
void do_floats(struct member *m, const struct words *words);

void do_fault(struct member *m, const struct words *words);
void do_fork(struct member *m, const struct words *words);
void do_leave_child(struct member *m, const struct words *words);

// Lets `do_fault` see what the actors hear. Before any communicator is opened.
void fault_watch(void);

#endif
