// SPDX-License-Identifier: MIT
// Plays each journal in a child process, so that an actor that crashes takes nothing else with it.
#include <hawser/hawser.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tools/hawser/replay/fork/fork.h"

// Memory that a child shares with us; NULL if memory is short.
static struct replay_progress *share(FILE **file)
{
    struct replay_progress *progress = MAP_FAILED;
    *file = tmpfile();
    if (*file != NULL && ftruncate(fileno(*file), sizeof *progress) == 0) {
        progress =
            mmap(NULL, sizeof *progress, PROT_READ | PROT_WRITE, MAP_SHARED, fileno(*file), 0);
    }
    return progress == MAP_FAILED ? NULL : progress;
}

static void unshare(struct replay_progress *progress, FILE *file)
{
    if (progress != NULL) {
        munmap(progress, sizeof *progress);
    }
    if (file != NULL) {
        fclose(file);
    }
}

static const char *how_it_ended(int status)
{
    return WIFSIGNALED(status) ? strsignal(WTERMSIG(status)) : "its process ended";
}

static void print_crash(struct replay_set *set, uint32_t source,
                        const struct replay_progress *progress, int status)
{
    char name[REPLAY_NAME_MAX];
    struct hwi_journal_record record = {0};
    const char *how = how_it_ended(status);
    if (progress->number == 0) {
        replay_note("%s: crashed before its first event: %s", set->names[source], how);
        return;
    }
    replay_note("%s: crashed: %s",
                replay_event_name(&set->sources[source], progress->role, progress->number, name),
                how);
    struct hwi_journal_reader *reader =
        replay_seek(set, source, progress->role, progress->number, &record);
    if (reader == NULL) {
        return;
    }
    replay_print_event(stdout, &set->sources[source],
                       replay_time(set, source, record.event.event.now_ns), &record.event);
    hwi_journal_reader_close(reader);
}

// The verdict stands in *progress.
static void play_apart(struct replay_set *set, uint32_t source,
                       const struct replay_options *options, uint64_t limit,
                       struct replay_progress *progress)
{
    int status = 0;
    *progress = (struct replay_progress){.hurries = progress->hurries};
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        replay_play(set, source, options, limit, progress);
        fflush(NULL);
        _exit(EXIT_OK);
    }
    if (child < 0 || waitpid(child, &status, 0) != child) {
        complain("replay", "cannot start a process for %s", set->names[source]);
        progress->verdict = REPLAY_UNREADABLE;
    } else if (status != 0) {
        print_crash(set, source, progress, status);
        progress->verdict = REPLAY_CRASH;
    }
}

int replay_fork_apart(struct replay_set *set, const struct replay_options *options)
{
    int status = 0;
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        exit(whole_output(fork_run(set, options))); // and a sanitizer looks for leaks
    }
    if (child < 0 || waitpid(child, &status, 0) != child) {
        complain("replay", "cannot start a process for the simulation");
        return REPLAY_UNREADABLE;
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) <= REPLAY_CRASH) {
        return WEXITSTATUS(status);
    }
    complain("replay", "the simulation crashed: %s; is a journal not what was recorded?",
             how_it_ended(status));
    return REPLAY_CRASH;
}

// The CPU time of the children: the machine may have run other programs.
static double core_seconds(void)
{
    struct rusage used;
    if (getrusage(RUSAGE_CHILDREN, &used)) {
        return 1;
    }
    return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
           (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) * 1e-6;
}

static int sum_up(const struct replay_progress *total, const struct replay_options *options,
                  uint64_t took_ns)
{
    if (total->actors == 0 && total->verdict == REPLAY_OK &&
        (options->role || options->journal != NULL)) {
        complain("replay", "no journal here has events of that actor");
        return REPLAY_UNREADABLE;
    }
    if (options->until.kind == REPLAY_TO_NUMBER && total->actors && !total->reached) {
        complain("replay", "no chosen actor has an event %" PRIu64 " here", options->until.number);
        return (int)HWI_MAX(total->verdict, (uint32_t)REPLAY_UNREADABLE);
    }
    if (took_ns > HWI_NS_PER_S && !options->step && !options->json) {
        replay_note("%.1f s, %.0f events for each second of a core", (double)took_ns * 1e-9,
                    (double)total->events / core_seconds());
    }
    if (options->json) {
        struct json_writer json = {.stream = stdout};
        json_put_open(&json, NULL, '{');
        json_put_number(&json, "actors", total->actors);
        json_put_number(&json, "events", total->events);
        json_put_close(&json, '}');
        json_put_line(&json);
    } else {
        replay_note("%s actors=%" PRIu32 " events=%" PRIu64,
                    replay_verdict_name((int)total->verdict), total->actors, total->events);
    }
    return (int)total->verdict;
}

int replay_play_all(struct replay_set *set, const struct replay_options *options)
{
    uint64_t *limits = hwi_new(&hwi_alloc_libc, set->count * sizeof *limits);
    uint64_t started_ns = now_ns();
    struct replay_progress total = {0};
    FILE *file = NULL;
    struct replay_progress *progress = share(&file);
    int verdict = REPLAY_UNREADABLE;
    if (progress == NULL) {
        complain("replay", "cannot make a temporary file of %zu bytes", sizeof *progress);
    }
    if (progress != NULL && replay_limits(set, options, limits)) {
        for (uint32_t i = 0; i < set->count; i++) {
            if (!replay_chosen(set, options, i) || limits[i] == 0 || progress->leaves) {
                continue;
            }
            play_apart(set, i, options, limits[i], progress);
            total.actors += progress->actors;
            total.events += progress->events;
            total.reached += progress->reached;
            total.verdict = HWI_MAX(total.verdict, progress->verdict);
        }
        verdict = sum_up(&total, options, now_ns() - started_ns);
    }
    unshare(progress, file);
    hwi_free(&hwi_alloc_libc, limits);
    return verdict;
}
