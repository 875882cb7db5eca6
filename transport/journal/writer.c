// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <hawser/types.h>
#include <hawser/version.h>

#include "actors/loop/image.h"
#include "actors/wire/codec.h"
#include "transport/journal/format.h"
#include "transport/journal/segment.h"

enum {
    ACTORS_MAX = 8,
    SCRATCH_BYTES_FIRST = 64 << 10,
    ROLL_SIXTEENTHS = 15, // of its room a segment takes before the next begins
    IMAGES_TIMES = 4,     // a segment is at least this many times its images
    RETRY_NS = 100000000, // after the disk refused
    HEAD_AT = 8,          // where a payload begins in the scratch
};

// A segment that has ended and is still there.
struct kept {
    uint32_t number;
    uint64_t bytes;
    uint64_t ended_ns;
};

struct hwi_journal {
    char directory[HWI_JOURNAL_PATH_MAX];
    char name[HWI_JOURNAL_NAME_MAX];
    struct hwi_journal_config config;
    const struct hwi_actor_ops *actors[ACTORS_MAX];

    struct hwi_segment segment;
    uint32_t number; // of the segment
    size_t roll_at;  // used bytes after which the next segment begins
    uint64_t began_ns;
    uint64_t before_ns; // time of the last event in the segment

    struct kept *kept; // oldest first
    uint32_t kept_count, kept_capacity;
    uint64_t kept_bytes;
    uint32_t removed;

    uint64_t heard[HWI_ROLE_MAX]; // events of each actor
    uint64_t events;              // of all of them
    uint64_t missed, lost;        // of them not written: since the last LOST record, ever
    uint64_t retry_ns;            // the next segment is not tried before
    unsigned char *scratch;
    size_t scratch_bytes;
};

static bool make_scratch(struct hwi_journal *journal, size_t bytes)
{
    if (bytes <= journal->scratch_bytes) {
        return true;
    }
    unsigned char *grown = realloc(journal->scratch, bytes);
    if (grown == NULL) {
        return false;
    }
    journal->scratch = grown;
    journal->scratch_bytes = bytes;
    return true;
}

// ---- the records that begin a segment ----------------------------------------------------------

static bool put(struct hwi_segment *segment, enum hwi_journal_kind kind, uint8_t role,
                unsigned char *scratch, size_t bytes)
{
    size_t whole = HWI_JOURNAL_HEADER_BYTES + hwi_journal_padded(bytes);
    if (!hwi_segment_fits(segment, whole) && hwi_segment_grow(segment, whole) != 0) {
        return false;
    }
    hwi_segment_put(segment, kind, role, scratch, bytes);
    return true;
}

static uint64_t clock_ns(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * HWI_NS_PER_S + (uint64_t)now.tv_nsec;
}

static void fill_clock(const struct hwi_journal *journal, struct hwi_msg_journal_head *head)
{
    if (journal->config.clock != NULL) {
        journal->config.clock(journal->config.user, &head->monotonic_ns, &head->realtime_ns);
        return;
    }
    head->pid = (uint64_t)getpid();
    head->monotonic_ns = clock_ns(CLOCK_MONOTONIC);
    head->realtime_ns = clock_ns(CLOCK_REALTIME);
}

static bool put_head(struct hwi_journal *journal, struct hwi_segment *segment, uint32_t number,
                     uint64_t chain, uint32_t removed)
{
    struct hwi_msg msg = {.type = HWI_MSG_journal_head};
    struct hwi_msg_journal_head *head = &msg.u.journal_head;
    size_t length;
    head->format = HWI_JOURNAL_FORMAT;
    head->schema = hwi_schema_hash();
    head->decision = hwi_decision_hash();
    snprintf(head->build, sizeof head->build, "%s", HWS_VERSION);
    snprintf(head->name, sizeof head->name, "%s", journal->name);
    head->incarnation = journal->config.incarnation;
    head->segment = number;
    head->chain = chain;
    head->events = journal->events;
    head->removed = removed;
    fill_clock(journal, head);
    int error = hwi_encode_public_into(&msg, journal->scratch + HEAD_AT,
                                       journal->scratch_bytes - HEAD_AT, &length);
    return error == HWI_CODEC_OK && put(segment, HWI_JOURNAL_HEAD, 0, journal->scratch, length);
}

// The actor's image, owned, or NULL: there is none, or it cannot be made.
static unsigned char *save(struct hwi_journal *journal, const struct hwi_actor_ops *actor,
                           size_t *length)
{
    struct hwi_trap trap;
    const void *state = journal->config.state_of != NULL
                            ? journal->config.state_of(journal->config.user, actor)
                            : NULL;
    *length = 0;
    if (actor->image == NULL || state == NULL) {
        return NULL;
    }
    hwi_trap_enter(&trap);
    if (setjmp(trap.landing) != 0) {
        return NULL;
    }
    unsigned char *bytes = hwi_image_save(actor, state, &hwi_alloc_libc, length);
    hwi_trap_leave(&trap);
    return bytes;
}

static bool put_image(struct hwi_journal *journal, struct hwi_segment *segment,
                      const struct hwi_actor_ops *actor)
{
    size_t length;
    unsigned char *image = save(journal, actor, &length);
    bool good = make_scratch(journal, HEAD_AT + 8 + length + 8);
    if (good) {
        hwi_journal_put_u64(journal->scratch + HEAD_AT, journal->heard[actor->role]);
        if (image != NULL) {
            memcpy(journal->scratch + HEAD_AT + 8, image, length);
        }
        good = put(segment, HWI_JOURNAL_IMAGE, actor->role, journal->scratch, 8 + length);
    }
    hwi_free(&hwi_alloc_libc, image);
    return good;
}

// ---- bounds ------------------------------------------------------------------------------------

// How many of the oldest segments must go, the one that ends now being kept too.
static uint32_t count_excess(const struct hwi_journal *journal, uint64_t next_bytes,
                             uint64_t now_ns)
{
    const struct hwi_journal_config *config = &journal->config;
    uint64_t bytes = journal->kept_bytes + journal->segment.used + next_bytes;
    uint32_t count = 0;
    for (; count < journal->kept_count; count++) {
        const struct kept *oldest = &journal->kept[count];
        bool large = config->bytes_max && bytes > config->bytes_max;
        bool old =
            config->age_max_ms && now_ns - oldest->ended_ns > config->age_max_ms * HWI_NS_PER_MS;
        if (!large && !old) {
            break;
        }
        bytes -= oldest->bytes;
    }
    return count;
}

static bool make_kept_room(struct hwi_journal *journal)
{
    if (journal->kept_count < journal->kept_capacity) {
        return true;
    }
    uint32_t capacity = journal->kept_capacity ? 2 * journal->kept_capacity : 64;
    struct kept *grown = realloc(journal->kept, capacity * sizeof *grown);
    if (grown == NULL) {
        return false;
    }
    journal->kept = grown;
    journal->kept_capacity = capacity;
    return true;
}

static void keep_segment(struct hwi_journal *journal, uint64_t now_ns)
{
    journal->kept[journal->kept_count++] =
        (struct kept){journal->number, journal->segment.used, now_ns};
    journal->kept_bytes += journal->segment.used;
}

static void remove_oldest(struct hwi_journal *journal, uint32_t count)
{
    char path[HWI_JOURNAL_PATH_MAX];
    for (uint32_t i = 0; i < count; i++) {
        journal->kept_bytes -= journal->kept[i].bytes;
        if (hwi_journal_path(path, journal->directory, journal->name, journal->kept[i].number,
                             false)) {
            unlink(path);
        }
    }
    journal->kept_count -= count;
    journal->removed += count;
    if (count) {
        memmove(journal->kept, journal->kept + count, journal->kept_count * sizeof(struct kept));
    }
}

// ---- segments ----------------------------------------------------------------------------------

static void begin_segment(struct hwi_journal *journal, const struct hwi_segment *segment,
                          uint64_t now_ns)
{
    journal->segment = *segment;
    journal->number++;
    journal->roll_at = segment->capacity / 16 * ROLL_SIXTEENTHS;
    journal->began_ns = now_ns;
    journal->before_ns = 0;
}

// Makes the segment `number` under its name for the time being, with head and images.
static int make_segment(struct hwi_journal *journal, uint32_t number, uint64_t chain,
                        uint32_t removed, struct hwi_segment *segment)
{
    char path[HWI_JOURNAL_PATH_MAX];
    if (number > HWI_JOURNAL_SEGMENTS_MAX) {
        return EFBIG;
    }
    if (!hwi_journal_path(path, journal->directory, journal->name, number, true)) {
        return ENAMETOOLONG;
    }
    int problem = hwi_segment_create(segment, path, journal->config.segment_bytes);
    if (problem) {
        return problem;
    }
    bool good = put_head(journal, segment, number, chain, removed);
    if (good && journal->missed) {
        hwi_segment_put_number(segment, HWI_JOURNAL_LOST, journal->missed);
    }
    for (uint32_t i = 0; number > 1 && good && i < journal->config.actor_count; i++) {
        good = put_image(journal, segment, journal->actors[i]);
    }
    size_t room = IMAGES_TIMES * segment->used;
    if (good && (room <= segment->capacity || hwi_segment_grow(segment, room) == 0)) {
        return 0;
    }
    hwi_segment_close(segment);
    unlink(path);
    return ENOSPC;
}

// The next segment is whole before this one gets its END, and has its name only after that: at any
// moment either of them is the journal's last.
static void roll(struct hwi_journal *journal, uint64_t now_ns)
{
    struct hwi_segment next;
    char fresh[HWI_JOURNAL_PATH_MAX], path[HWI_JOURNAL_PATH_MAX];
    uint32_t excess = count_excess(journal, journal->config.segment_bytes, now_ns);
    uint64_t chain = hwi_segment_chain_after(&journal->segment, HWI_JOURNAL_END, 0);
    int problem = make_kept_room(journal) ? make_segment(journal, journal->number + 1, chain,
                                                         journal->removed + excess, &next)
                                          : ENOMEM;
    if (problem) {
        journal->retry_ns = now_ns + RETRY_NS;
        return;
    }
    journal->missed = 0;
    hwi_segment_put_number(&journal->segment, HWI_JOURNAL_END, 0);
    if (hwi_journal_path(fresh, journal->directory, journal->name, journal->number + 1, true) &&
        hwi_journal_path(path, journal->directory, journal->name, journal->number + 1, false) &&
        rename(fresh, path) != 0) {
        errno = 0; // a reader finds it under its first name as well
    }
    hwi_segment_close(&journal->segment);
    keep_segment(journal, now_ns);
    remove_oldest(journal, excess);
    begin_segment(journal, &next, now_ns);
}

// ---- the journal -------------------------------------------------------------------------------

// Appends the event; false if it did not fit on the disk.
static bool append(struct hwi_journal *journal, const struct hwi_actor_ops *actor,
                   const struct hwi_event *event, const struct hwi_effects *effects, bool failed)
{
    struct hwi_segment *segment = &journal->segment;
    size_t length;
    int error;
    while ((error = hwi_journal_event_pack(
                event, effects, failed, journal->before_ns, journal->scratch + HEAD_AT,
                journal->scratch_bytes - HEAD_AT - 8, &length)) == HWI_CODEC_ROOM) {
        if (!make_scratch(journal, 2 * journal->scratch_bytes)) {
            return false;
        }
    }
    size_t whole = HWI_JOURNAL_HEADER_BYTES + hwi_journal_padded(length);
    if (error || (!hwi_segment_fits(segment, whole) &&
                  (segment->used >= journal->roll_at || hwi_segment_grow(segment, whole) != 0))) {
        return false;
    }
    hwi_segment_put(segment, HWI_JOURNAL_EVENT, actor->role, journal->scratch, length);
    journal->before_ns = event->now_ns;
    return true;
}

static bool wants_to_roll(const struct hwi_journal *journal, uint64_t now_ns)
{
    uint64_t old_ns = journal->config.age_max_ms * HWI_NS_PER_MS / 2;
    bool full = journal->segment.used >= journal->roll_at;
    bool old = old_ns && now_ns - journal->began_ns > old_ns;
    return full || old || journal->missed;
}

void hwi_journal_step(struct hwi_journal *journal, const struct hwi_actor_ops *actor,
                      const struct hwi_event *event, const struct hwi_effects *effects, bool failed)
{
    if (!journal->events) {
        journal->began_ns = event->now_ns;
    }
    journal->events++;
    journal->heard[actor->role]++;
    if (journal->missed || !append(journal, actor, event, effects, failed)) {
        journal->missed++;
        journal->lost++;
    }
    if (wants_to_roll(journal, event->now_ns) && event->now_ns >= journal->retry_ns) {
        roll(journal, event->now_ns);
    }
}

uint64_t hwi_journal_lost(const struct hwi_journal *journal)
{
    return journal->lost;
}

static void discard(struct hwi_journal *journal)
{
    free(journal->kept);
    free(journal->scratch);
    free(journal);
}

void hwi_journal_close(struct hwi_journal *journal)
{
    if (journal == NULL) {
        return;
    }
    if (journal->missed) {
        hwi_segment_put_number(&journal->segment, HWI_JOURNAL_LOST, journal->missed);
    }
    hwi_segment_put_number(&journal->segment, HWI_JOURNAL_END, 1);
    hwi_segment_close(&journal->segment);
    discard(journal);
}

void hwi_journal_abandon(struct hwi_journal *journal)
{
    if (journal == NULL) {
        return;
    }
    hwi_segment_abandon(&journal->segment);
    discard(journal);
}

static int fail(char *error, size_t bytes, int status, const char *what, const char *directory,
                int problem)
{
    char text[96];
    if (strerror_r(problem, text, sizeof text) != 0) {
        snprintf(text, sizeof text, "error %d", problem);
    }
    snprintf(error, bytes, "%s %.120s: %s", what, directory, text);
    return status;
}

// The first segment, under its name at once: nothing leads to it.
static int make_first(struct hwi_journal *journal)
{
    struct hwi_segment first;
    char fresh[HWI_JOURNAL_PATH_MAX], path[HWI_JOURNAL_PATH_MAX];
    int problem = make_segment(journal, 1, 0, 0, &first);
    if (problem) {
        return problem;
    }
    begin_segment(journal, &first, 0);
    if (hwi_journal_path(fresh, journal->directory, journal->name, 1, true) &&
        hwi_journal_path(path, journal->directory, journal->name, 1, false) &&
        rename(fresh, path) == 0) {
        return 0;
    }
    problem = errno;
    unlink(fresh);
    hwi_segment_close(&first);
    return problem;
}

static bool take_config(struct hwi_journal *journal, const struct hwi_journal_config *config)
{
    if (!hwi_journal_name_valid(config->name) || config->actor_count > ACTORS_MAX ||
        strlen(config->directory) >= sizeof journal->directory) {
        return false;
    }
    journal->config = *config;
    if (!config->segment_bytes) {
        journal->config.segment_bytes = HWI_JOURNAL_SEGMENT_BYTES;
    }
    snprintf(journal->directory, sizeof journal->directory, "%s", config->directory);
    snprintf(journal->name, sizeof journal->name, "%s", config->name);
    for (uint32_t i = 0; i < config->actor_count; i++) {
        journal->actors[i] = config->actors[i];
    }
    return true;
}

int hwi_journal_create(const struct hwi_journal_config *config, struct hwi_journal **journal,
                       char *error, size_t bytes)
{
    const char *directory = config->directory;
    struct hwi_journal *made = calloc(1, sizeof *made);
    if (made == NULL || !make_scratch(made, SCRATCH_BYTES_FIRST)) {
        free(made);
        return fail(error, bytes, HWS_E_NO_MEMORY, "cannot keep a journal in", directory, ENOMEM);
    }
    int status = HWS_OK;
    if (!take_config(made, config)) {
        status = fail(error, bytes, HWS_E_INVALID, "cannot keep a journal in", directory, EINVAL);
    } else if (mkdir(directory, 0700) != 0 && errno != EEXIST) {
        status = fail(error, bytes, HWS_E_SYSTEM, "cannot make the journal's directory", directory,
                      errno);
    }
    if (status == HWS_OK) {
        int problem = make_first(made);
        if (problem) {
            status =
                fail(error, bytes, HWS_E_SYSTEM, "cannot write a journal in", directory, problem);
        }
    }
    if (status == HWS_OK) {
        *journal = made;
    } else {
        discard(made);
    }
    return status;
}
