// SPDX-License-Identifier: MIT
// Three members all-reduce 16 MiB in a loop; members are killed at random moments and replaced. No
// sum may be wrong, no two members may hold different bytes for one operation, nothing may hang.
//   kills [--batch] [--kills N] [--seed S]      default 300 kills; prints what they hit
// With --batch the members run batches of 24 operations on 6 tags, with retry.
#include <hawser/hawser.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/proc/kills.h"

extern char **environ;

enum { STALL_S = 30, OPS_KNOWN = 1 << 16 };

struct run {
    struct kills_page *pages;
    char path[64]; // of the shared pages
    char address[64];
    uint32_t started;
    pid_t pids[KILLS_MEMBERS];
    uint32_t page_of[KILLS_MEMBERS];
    struct kills_op *known; // operations seen, by (view, place) modulo the table
    uint64_t read[KILLS_PAGES_MAX];
    uint64_t compared, different;
    uint32_t hit[PHASES];
    double *detection_ms;
    uint32_t detections;
    uint64_t random;
    bool batch;
};

static const char *const phase_names[PHASES] = {"joining",        "between calls", "announce",
                                                "reduce-scatter", "all-gather",    "Done sent"};

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void pause_ms(uint32_t ms)
{
    struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};
    nanosleep(&time, NULL);
}

static uint32_t draw(struct run *run, uint32_t below)
{
    run->random = run->random * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(run->random >> 33) % below;
}

static void end_all(struct run *run)
{
    for (uint32_t i = 0; i < KILLS_MEMBERS; i++) {
        if (run->pids[i] > 0) {
            kill(run->pids[i], SIGKILL);
            waitpid(run->pids[i], NULL, 0);
        }
    }
    unlink(run->path);
}

static void give_up(struct run *run, const char *why)
{
    printf("kills: FAILED: %s\n", why);
    for (uint32_t i = 0; i < KILLS_MEMBERS; i++) {
        printf("  member %d: %s\n", (int)run->pids[i],
               phase_names[atomic_load(&run->pages[run->page_of[i]].phase)]);
    }
    end_all(run);
    exit(1);
}

static void start_member(struct run *run, uint32_t slot)
{
    char page[16];
    run->page_of[slot] = run->started++;
    snprintf(page, sizeof page, "%u", (unsigned)run->page_of[slot]);
    char *arguments[] = {
        (char *)"kills", run->batch ? (char *)"--batch-member" : (char *)"--member",
        run->path,       page,
        run->address,    NULL};
    if (run->started > KILLS_PAGES_MAX ||
        posix_spawn(&run->pids[slot], "/proc/self/exe", NULL, NULL, arguments, environ) != 0) {
        give_up(run, "a member could not be started");
    }
}

static struct kills_page *page_of(struct run *run, uint32_t slot)
{
    return &run->pages[run->page_of[slot]];
}

// Compares each operation that a member logged with what others held for it.
static void compare(struct run *run, uint32_t page_index)
{
    struct kills_page *page = &run->pages[page_index];
    uint64_t logged = atomic_load(&page->logged);
    for (uint64_t i = run->read[page_index]; i < logged; i++) {
        struct kills_op op = page->ops[i % KILLS_OPS_LOGGED];
        struct kills_op *known = &run->known[(op.view * 4099 + op.place) % OPS_KNOWN];
        if (known->view == op.view && known->place == op.place) {
            run->compared++;
            run->different += known->hash != op.hash;
        }
        *known = op;
    }
    run->read[page_index] = logged;
}

static void compare_all(struct run *run)
{
    for (uint32_t i = 0; i < KILLS_MEMBERS; i++) {
        compare(run, run->page_of[i]);
    }
}

// True once every member has made `calls` more calls than now; gives up when nobody moves.
static void wait_for_progress(struct run *run, uint64_t calls)
{
    uint64_t goals[KILLS_MEMBERS], deadline = now_ns() + STALL_S * 1000000000ull;
    for (uint32_t i = 0; i < KILLS_MEMBERS; i++) {
        goals[i] = atomic_load(&page_of(run, i)->alive) + calls;
    }
    for (uint32_t i = 0; i < KILLS_MEMBERS; i++) {
        while (atomic_load(&page_of(run, i)->alive) < goals[i]) {
            int status;
            if (waitpid(run->pids[i], &status, WNOHANG) == run->pids[i]) {
                run->pids[i] = 0;
                give_up(run, "a member ended by itself");
            }
            if (now_ns() > deadline) {
                give_up(run, "no progress: a hang");
            }
            compare_all(run);
            pause_ms(2);
        }
    }
}

static void note_detection(struct run *run, uint32_t victim, uint64_t killed_ns)
{
    uint64_t deadline = now_ns() + STALL_S * 1000000000ull;
    uint32_t survivor = (victim + 1) % KILLS_MEMBERS;
    while (atomic_load(&page_of(run, survivor)->announced_ns) < killed_ns) {
        if (now_ns() > deadline) {
            give_up(run, "a death was not noticed");
        }
        pause_ms(1);
    }
    uint64_t noticed_ns = atomic_load(&page_of(run, survivor)->announced_ns);
    run->detection_ms[run->detections++] = (double)(noticed_ns - killed_ns) / 1e6;
}

static void kill_one(struct run *run)
{
    pause_ms(1 + draw(run, 120));
    uint32_t victim = draw(run, KILLS_MEMBERS);
    uint64_t killed_ns = now_ns();
    kill(run->pids[victim], SIGKILL);
    waitpid(run->pids[victim], NULL, 0);
    compare(run, run->page_of[victim]);
    run->hit[atomic_load(&page_of(run, victim)->phase)]++;
    note_detection(run, victim, killed_ns);
    start_member(run, victim);
    wait_for_progress(run, 2);
}

static int by_size(const void *a, const void *b)
{
    double difference = *(const double *)a - *(const double *)b;
    return (difference > 0) - (difference < 0);
}

static int report(struct run *run, uint32_t kills, double seconds)
{
    uint64_t committed = 0, aborted = 0, sums = 0, restores = 0, statuses = 0, retried = 0,
             mixed = 0;
    for (uint32_t i = 0; i < run->started; i++) {
        committed += atomic_load(&run->pages[i].committed);
        aborted += atomic_load(&run->pages[i].aborted);
        retried += atomic_load(&run->pages[i].retried);
        mixed += atomic_load(&run->pages[i].mixed);
        sums += atomic_load(&run->pages[i].wrong_sums);
        restores += atomic_load(&run->pages[i].wrong_restores);
        statuses += atomic_load(&run->pages[i].wrong_statuses);
    }
    uint32_t in_flight = kills - run->hit[PHASE_JOINING] - run->hit[PHASE_BETWEEN];
    qsort(run->detection_ms, run->detections, sizeof *run->detection_ms, by_size);
    printf("%u kills in %.0f s, %u of them in an operation:", kills, seconds, in_flight);
    for (uint32_t i = PHASE_ANNOUNCED; i < PHASES; i++) {
        printf(" %s %u%s", phase_names[i], run->hit[i], i + 1 < PHASES ? "," : "\n");
    }
    printf(
        "calls: %llu committed, %llu aborted and restored; %llu results compared between members\n",
        (unsigned long long)committed, (unsigned long long)aborted,
        (unsigned long long)run->compared);
    if (run->batch) {
        printf("batches: %llu operations took more than one attempt, %llu batches cover several "
               "views\n",
               (unsigned long long)retried, (unsigned long long)mixed);
    }
    printf("from a kill to the next view: median %.1f ms, p90 %.1f ms, longest %.1f ms\n",
           run->detection_ms[run->detections / 2], run->detection_ms[run->detections * 9 / 10],
           run->detection_ms[run->detections - 1]);
    bool ok = sums + restores + statuses + run->different == 0;
    printf("kills: %s wrong_sums=%llu different_bytes=%llu wrong_restores=%llu wrong_statuses=%llu "
           "hangs=0\n",
           ok ? "OK" : "FAILED", (unsigned long long)sums, (unsigned long long)run->different,
           (unsigned long long)restores, (unsigned long long)statuses);
    return ok ? 0 : 1;
}

static void share_pages(struct run *run)
{
    size_t bytes = KILLS_PAGES_MAX * sizeof(struct kills_page);
    snprintf(run->path, sizeof run->path, "/tmp/hawser-kills-XXXXXX");
    int file = mkstemp(run->path);
    if (file < 0 || ftruncate(file, (off_t)bytes) != 0) {
        perror("kills: shared pages");
        exit(1);
    }
    run->pages = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    close(file);
}

static int be_member(char **argv, int (*live)(struct kills_page *page, const char *master))
{
    int file = open(argv[2], O_RDWR);
    size_t bytes = KILLS_PAGES_MAX * sizeof(struct kills_page);
    struct kills_page *pages = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    return file < 0 || pages == MAP_FAILED ? 1 : live(&pages[atoi(argv[3])], argv[4]);
}

static void show_progress(uint32_t done, uint32_t kills)
{
    bool last = done == kills;
    if (isatty(2)) {
        fprintf(stderr, "\r%u of %u kills%s", done, kills, last ? "\n" : "");
    } else if (done % 100 == 0 && !last) {
        fprintf(stderr, "%u of %u kills\n", done, kills);
    }
}

int main(int argc, char **argv)
{
    static struct run run = {.random = 1};
    uint32_t kills = 300;
    if (argc == 5 && strcmp(argv[1], "--member") == 0) {
        return be_member(argv, kills_member);
    }
    if (argc == 5 && strcmp(argv[1], "--batch-member") == 0) {
        return be_member(argv, batch_member);
    }
    run.batch = argc > 1 && strcmp(argv[1], "--batch") == 0;
    for (int i = 1 + run.batch; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--kills") == 0) {
            kills = (uint32_t)atoi(argv[i + 1]);
        } else if (strcmp(argv[i], "--seed") == 0) {
            run.random = strtoull(argv[i + 1], NULL, 10);
        }
    }
    run.known = calloc(OPS_KNOWN, sizeof *run.known);
    run.detection_ms = calloc(kills + 1, sizeof *run.detection_ms);
    share_pages(&run);
    hws_master *master;
    hws_master_config config = HWS_MASTER_CONFIG_INIT;
    config.first_members = KILLS_MEMBERS;
    if (hws_master_start(&config, &master) != HWS_OK) {
        fprintf(stderr, "kills: %s\n", hws_last_error());
        return 1;
    }
    hws_master_address(master, run.address, sizeof run.address);
    for (uint32_t i = 0; i < KILLS_MEMBERS; i++) {
        start_member(&run, i);
    }
    uint64_t began_ns = now_ns();
    wait_for_progress(&run, 2);
    for (uint32_t i = 0; i < kills; i++) {
        kill_one(&run);
        show_progress(i + 1, kills);
    }
    end_all(&run);
    int code = report(&run, kills, (double)(now_ns() - began_ns) / 1e9);
    hws_master_stop(master);
    return code;
}
