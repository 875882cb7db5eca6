// SPDX-License-Identifier: MIT
// The n-th allocation or system call fails, for each n in turn, while a master and two members
// work. None may crash, hang, leak memory or descriptors, return a wrong result, or fail without a
// typed error that has a sentence.
//   hawser_torture [--runs N] [--seed S] [--jobs J] [--in-a-row K]
// N runs of each kind, drawn from S; 0 (the default) = each n once. K calls in a row fail (default
// 1). Prints what failed, by number; `--one KIND:N` repeats a run and shows what it printed.
#define _DEFAULT_SOURCE // MAP_ANONYMOUS
#include <dirent.h>
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/proc/torture.h"
#include "tests/proc/torture_story.h"

enum { HANGS_S = 60, JOBS_MAX = 64, CODE_WRONG = 10, CODE_MEMORY, CODE_DESCRIPTORS, CODE_UNSTRUCK };

static const char *const kind_names[TORTURE_KINDS] = {"allocation", "call"};

struct job {
    pid_t pid;
    enum torture_kind kind;
    uint64_t number;
    char place[64];
};

// The counts of an undisturbed run; its process shares the page with this one.
struct calm {
    uint64_t counts[TORTURE_KINDS];
    int64_t kept; // allocations that stay for the life of a process
};

struct torture {
    struct calm *calm;
    uint64_t runs, seed, in_a_row;
    uint32_t at_once;
    struct job jobs[JOBS_MAX];
    uint64_t played, unstruck, bad;
};

static uint32_t descriptors(void)
{
    uint32_t count = 0;
    DIR *list = opendir("/proc/self/fd");
    while (list != NULL && readdir(list) != NULL) {
        count++;
    }
    if (list != NULL) {
        closedir(list);
    }
    return count;
}

// In the child: plays the story once, and tells by its exit code what went wrong.
static int play(struct calm *calm, const struct job *job, uint64_t in_a_row)
{
    uint32_t open_before = descriptors();
    torture_arm(job->kind, job->number, in_a_row);
    bool right = torture_story(job->place, in_a_row == 0);
    torture_disarm();
    if (in_a_row == 0) {
        calm->kept = torture_live();
        calm->counts[TORTURE_ALLOCATIONS] = torture_count(TORTURE_ALLOCATIONS);
        calm->counts[TORTURE_CALLS] = torture_count(TORTURE_CALLS);
    }
    if (!right) {
        return CODE_WRONG;
    }
    if (torture_live() > calm->kept) {
        fprintf(stderr, "torture: %" PRId64 " allocations were not freed\n",
                torture_live() - calm->kept);
        return CODE_MEMORY;
    }
    if (descriptors() != open_before) {
        fprintf(stderr, "torture: %" PRId32 " descriptors were not closed\n",
                (int32_t)(descriptors() - open_before));
        return CODE_DESCRIPTORS;
    }
    return in_a_row > 0 && torture_struck() == NULL ? CODE_UNSTRUCK : 0;
}

static const char *verdict(int status, char text[64])
{
    if (WIFSIGNALED(status)) {
        snprintf(text, 64, "%s",
                 WTERMSIG(status) == SIGALRM ? "hung" : strsignal(WTERMSIG(status)));
        return text;
    }
    switch (WEXITSTATUS(status)) {
    case 0:
    case CODE_UNSTRUCK:
        return NULL;
    case CODE_WRONG:
        return "returned something wrong";
    case CODE_MEMORY:
        return "leaked memory";
    case CODE_DESCRIPTORS:
        return "leaked descriptors";
    default:
        snprintf(text, 64, "exited with %d", WEXITSTATUS(status));
        return text;
    }
}

static void make_place(char place[64])
{
    const char *base = getenv("TMPDIR");
    snprintf(place, 64, "%s/torture.XXXXXX", base != NULL ? base : "/tmp");
    if (mkdtemp(place) == NULL) {
        perror("torture: mkdtemp");
        exit(2);
    }
}

static void remove_place(const char *place)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", place);
    if (system(command) != 0) {
        fprintf(stderr, "torture: %s remains\n", place);
    }
}

static void start(struct torture *t, struct job *job, enum torture_kind kind, uint64_t number)
{
    char log[96];
    make_place(job->place);
    job->kind = kind;
    job->number = number;
    fflush(NULL);
    job->pid = fork();
    if (job->pid == 0) {
        snprintf(log, sizeof log, "%s/log", job->place);
        if (freopen(log, "w", stderr) == NULL) {
            _exit(2);
        }
        alarm(HANGS_S);
        exit(play(t->calm, job, number > 0 ? t->in_a_row : 0));
    }
}

// Shows what a run printed.
static void show(const char *place)
{
    char log[96], line[512];
    snprintf(log, sizeof log, "%s/log", place);
    FILE *file = fopen(log, "r");
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        printf("    %s", line);
    }
    if (file != NULL) {
        fclose(file);
    }
}

static void finish(struct torture *t, struct job *job, int status)
{
    char text[64];
    const char *found = verdict(status, text);
    t->played++;
    t->unstruck += WIFEXITED(status) && WEXITSTATUS(status) == CODE_UNSTRUCK;
    if (found != NULL) {
        t->bad++;
        printf("%s %" PRIu64 ": %s (repeat: --one %s:%" PRIu64 ")\n", kind_names[job->kind],
               job->number, found, kind_names[job->kind], job->number);
        show(job->place);
        fflush(stdout);
    }
    remove_place(job->place);
    job->pid = 0;
}

// Waits until fewer than `below` runs are under way.
static void collect(struct torture *t, uint32_t below)
{
    uint32_t busy = 0;
    for (uint32_t i = 0; i < t->at_once; i++) {
        busy += t->jobs[i].pid != 0;
    }
    for (; busy >= below && busy > 0; busy--) {
        int status = 0;
        pid_t pid = wait(&status);
        for (uint32_t i = 0; i < t->at_once; i++) {
            if (t->jobs[i].pid == pid) {
                finish(t, &t->jobs[i], status);
            }
        }
    }
}

static void play_one(struct torture *t, enum torture_kind kind, uint64_t number)
{
    collect(t, t->at_once);
    for (uint32_t i = 0; i < t->at_once; i++) {
        if (t->jobs[i].pid == 0) {
            start(t, &t->jobs[i], kind, number);
            return;
        }
    }
}

// Plays an undisturbed run, which fills t->calm. In a process of its own: what is allocated once
// must be allocated in each run.
static bool play_calm(struct torture *t)
{
    int status = 0;
    start(t, &t->jobs[0], TORTURE_ALLOCATIONS, 0);
    waitpid(t->jobs[0].pid, &status, 0);
    finish(t, &t->jobs[0], status);
    for (int kind = 0; kind < TORTURE_KINDS; kind++) {
        printf("%" PRIu64 " %ss in an undisturbed run\n", t->calm->counts[kind], kind_names[kind]);
    }
    return t->bad == 0;
}

static uint64_t draw(uint64_t *seed, uint64_t below)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return (*seed >> 33) % below;
}

static void play_kind(struct torture *t, enum torture_kind kind, uint64_t calls)
{
    uint64_t runs = t->runs > 0 ? t->runs : calls;
    for (uint64_t i = 0; i < runs; i++) {
        play_one(t, kind, 1 + (t->runs > 0 ? draw(&t->seed, calls) : i));
    }
}

// --one KIND:N
static int repeat(struct torture *t, const char *which)
{
    const char *colon = strchr(which, ':');
    int status = 0;
    for (int kind = 0; colon != NULL && kind < TORTURE_KINDS; kind++) {
        if (strncmp(which, kind_names[kind], (size_t)(colon - which)) == 0) {
            t->at_once = 1;
            start(t, &t->jobs[0], (enum torture_kind)kind, strtoull(colon + 1, NULL, 10));
            waitpid(t->jobs[0].pid, &status, 0);
            show(t->jobs[0].place);
            finish(t, &t->jobs[0], status);
            return t->bad > 0;
        }
    }
    fprintf(stderr, "torture: --one allocation:N or call:N\n");
    return 2;
}

int main(int argc, char **argv)
{
    struct torture t = {.seed = 1, .at_once = 2, .in_a_row = 1};
    const char *one = NULL;
    for (int i = 1; i + 1 < argc; i += 2) {
        uint64_t value = strtoull(argv[i + 1], NULL, 10);
        t.runs = strcmp(argv[i], "--runs") == 0 ? value : t.runs;
        t.seed = strcmp(argv[i], "--seed") == 0 ? value : t.seed;
        t.in_a_row = strcmp(argv[i], "--in-a-row") == 0 ? value : t.in_a_row;
        t.at_once = strcmp(argv[i], "--jobs") == 0 && value > 0 && value <= JOBS_MAX
                        ? (uint32_t)value
                        : t.at_once;
        one = strcmp(argv[i], "--one") == 0 ? argv[i + 1] : one;
    }
    t.calm = mmap(NULL, sizeof *t.calm, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (t.calm == MAP_FAILED || !play_calm(&t)) {
        return 1;
    }
    if (one != NULL) {
        return repeat(&t, one);
    }
    for (int kind = 0; kind < TORTURE_KINDS; kind++) {
        play_kind(&t, (enum torture_kind)kind, t.calm->counts[kind]);
    }
    collect(&t, 1);
    printf("torture: %s: %" PRIu64 " runs, %" PRIu64 " of them without a failed call, %" PRIu64
           " bad\n",
           t.bad > 0 ? "FAILED" : "OK", t.played, t.unstruck, t.bad);
    return t.bad > 0;
}
