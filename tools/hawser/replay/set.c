// SPDX-License-Identifier: MIT
// The journals of a directory: their writers, when they begin, and the time they share.
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/hawser/replay/replay.h"

enum { LEARN_EVENTS_MAX = 1 << 16 }; // a member's id stands near the beginning, if at all

static const struct hwi_actor_ops *const actors[] = {&hwi_master_ops, &hwi_peer_ops,
                                                     &hwi_reducer_ops, &hwi_snapshot_ops};

const struct hwi_actor_ops *replay_ops(uint8_t role)
{
    for (size_t i = 0; i < HWI_COUNT(actors); i++) {
        if (actors[i]->role == role) {
            return actors[i];
        }
    }
    return NULL;
}

uint8_t replay_role(const char *name, size_t length)
{
    for (size_t i = 0; i < HWI_COUNT(actors); i++) {
        if (strlen(actors[i]->name) == length && memcmp(actors[i]->name, name, length) == 0) {
            return (uint8_t)actors[i]->role;
        }
    }
    return HWI_ROLE_NONE;
}

static char *copy_text(const char *text, size_t length)
{
    char *copy = hwi_new(&hwi_alloc_libc, length + 1);
    memcpy(copy, text, length);
    return copy;
}

static bool is_directory(const char *path)
{
    struct stat about;
    return stat(path, &about) == 0 && S_ISDIR(about.st_mode);
}

// DIR stays as it is; of DIR/NAME, which is no directory, the name is cut off, and from the name
// what a segment's file has behind it.
static void split_path(const char *path, struct replay_set *set)
{
    const char *slash = strrchr(path, '/'), *name = slash != NULL ? slash + 1 : path;
    bool here = slash == NULL && access(path, F_OK) == 0; // a file of the working directory
    if (is_directory(path) || !*name || (slash == NULL && !here)) {
        set->directory = copy_text(path, strlen(path));
        return;
    }
    size_t length = slash != NULL ? (size_t)(slash - path) : 0;
    set->directory = slash != NULL ? copy_text(path, length ? length : 1) : copy_text(".", 1);
    set->only = copy_text(name, strcspn(name, "."));
}

static void read_head(struct replay_source *source, const struct hwi_msg_journal_head *head)
{
    source->incarnation = head->incarnation;
    source->pid = head->pid;
    source->schema = head->schema;
    source->decision = head->decision;
    source->segment = head->segment;
    source->monotonic_ns = head->monotonic_ns;
    source->realtime_ns = head->realtime_ns;
    snprintf(source->build, sizeof source->build, "%s", head->build);
    source->readable = true;
}

// The first head, and the time of the first event behind it.
static void read_beginning(struct replay_set *set, uint32_t i)
{
    struct replay_source *source = &set->sources[i];
    struct hwi_journal_reader *reader = replay_read(set, i);
    struct hwi_journal_record record;
    while (reader != NULL) {
        enum hwi_journal_found found = hwi_journal_read(reader, &record);
        if (found == HWI_JOURNAL_FOUND_HEAD && !source->readable) {
            read_head(source, record.head);
        }
        if (found == HWI_JOURNAL_FOUND_EVENT) {
            source->first_ns = record.event.event.now_ns;
        }
        if (found != HWI_JOURNAL_FOUND_HEAD && found != HWI_JOURNAL_FOUND_IMAGE) {
            break;
        }
    }
    hwi_journal_reader_close(reader);
}

static int64_t realtime(const struct replay_source *source, uint64_t monotonic_ns)
{
    return (int64_t)(monotonic_ns + source->realtime_ns - source->monotonic_ns) + source->shift_ns;
}

void replay_set_zero(struct replay_set *set)
{
    set->zero_ns = INT64_MAX;
    for (uint32_t i = 0; i < set->count; i++) {
        if (set->sources[i].first_ns) {
            set->zero_ns =
                HWI_MIN(set->zero_ns, realtime(&set->sources[i], set->sources[i].first_ns));
        }
    }
}

bool replay_set_open(const char *path, struct replay_set *set, char error[REPLAY_ERROR_BYTES])
{
    *set = (struct replay_set){0};
    split_path(path, set);
    if (hwi_journal_names(set->directory, &set->names, &set->count, error, REPLAY_ERROR_BYTES)) {
        return false;
    }
    if (set->count == 0 && set->only == NULL) {
        snprintf(error, REPLAY_ERROR_BYTES, "no journal (*.hwj) in %s", set->directory);
        return false;
    }
    set->sources = hwi_new(&hwi_alloc_libc, HWI_MAX(1, set->count) * sizeof *set->sources);
    bool found = set->only == NULL;
    for (uint32_t i = 0; i < set->count; i++) {
        set->sources[i].name = set->names[i];
        read_beginning(set, i);
        found = found || strcmp(set->only, set->names[i]) == 0;
    }
    if (!found) {
        snprintf(error, REPLAY_ERROR_BYTES, "%s is no directory, and no journal in %s", path,
                 set->directory);
    }
    replay_set_zero(set);
    return found;
}

void replay_set_close(struct replay_set *set)
{
    for (uint32_t i = 0; i < set->count; i++) {
        free(set->names[i]);
    }
    free(set->names);
    hwi_free(&hwi_alloc_libc, set->sources);
    hwi_free(&hwi_alloc_libc, set->only);
    hwi_free(&hwi_alloc_libc, (char *)set->directory);
}

struct hwi_journal_reader *replay_read(const struct replay_set *set, uint32_t source)
{
    struct hwi_journal_reader *reader = NULL;
    char error[REPLAY_ERROR_BYTES];
    const char *name = set->names[source];
    if (hwi_journal_open(set->directory, name, &reader, error, sizeof error)) {
        complain("replay", "%s", error);
    }
    return reader;
}

bool replay_chosen(const struct replay_set *set, const struct replay_options *options,
                   uint32_t source)
{
    const char *name = set->names[source];
    if (set->only != NULL && strcmp(set->only, name) != 0) {
        return false;
    }
    return options->journal == NULL ||
           strncmp(name, options->journal, strlen(options->journal)) == 0;
}

int64_t replay_time_known(const struct replay_set *set, uint32_t source, uint64_t monotonic_ns)
{
    return realtime(&set->sources[source], monotonic_ns) - set->zero_ns;
}

// A member hears its id in `welcome`; its lanes hear it again with every view.
static uint64_t told_peer(const struct hwi_msg *msg)
{
    if (msg->type == HWI_MSG_welcome) {
        return msg->u.welcome.peer;
    }
    return msg->type == HWI_MSG_lane_view ? msg->u.lane_view.self : 0;
}

void replay_learn_peers(struct replay_set *set)
{
    struct hwi_journal_record record;
    for (uint32_t i = 0; i < set->count; i++) {
        struct replay_source *source = &set->sources[i];
        struct hwi_journal_reader *reader =
            source->incarnation && !source->peer ? replay_read(set, i) : NULL;
        for (uint32_t events = 0; reader != NULL && events < LEARN_EVENTS_MAX && !source->peer;) {
            enum hwi_journal_found found = hwi_journal_read(reader, &record);
            if (found == HWI_JOURNAL_FOUND_EVENT) {
                source->peer = told_peer(record.event.event.msg);
                events++;
            } else if (found > HWI_JOURNAL_FOUND_LOST) {
                break;
            }
        }
        hwi_journal_reader_close(reader);
    }
}
