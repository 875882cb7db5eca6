// SPDX-License-Identifier: MIT
// A recording can be carried on only if the journals of all its actors are here, from their
// beginning.
#include "tools/hawser/replay/fork/fork.h"

enum { MISSING_MAX = 16 }; // incarnations that are named

static bool has(const struct replay_set *set, uint64_t incarnation)
{
    for (uint32_t i = 0; i < set->count; i++) {
        if (set->sources[i].readable && set->sources[i].incarnation == incarnation) {
            return true;
        }
    }
    return false;
}

static bool note(uint64_t *missing, uint32_t *count, uint64_t incarnation)
{
    for (uint32_t i = 0; i < *count; i++) {
        if (missing[i] == incarnation) {
            return false;
        }
    }
    if (*count < MISSING_MAX) {
        missing[(*count)++] = incarnation;
    }
    return true;
}

// Complains of every incarnation that registered with this master and has no journal here.
static bool all_registered_are_here(const struct replay_set *set, uint32_t master, uint64_t limit)
{
    struct hwi_journal_reader *reader = replay_read(set, master);
    struct hwi_journal_record record;
    uint64_t missing[MISSING_MAX];
    uint32_t count = 0;
    while (reader != NULL && limit > 0) {
        enum hwi_journal_found found = hwi_journal_read(reader, &record);
        if (found > HWI_JOURNAL_FOUND_LOST) {
            break;
        }
        if (found != HWI_JOURNAL_FOUND_EVENT) {
            continue;
        }
        limit--;
        const struct hwi_msg *msg = record.event.event.msg;
        if (msg->type != HWI_MSG_registration || has(set, msg->u.registration.incarnation)) {
            continue;
        }
        if (note(missing, &count, msg->u.registration.incarnation)) {
            complain("replay", "the journal member-%llx is missing in %s: a fork needs all actors",
                     (unsigned long long)msg->u.registration.incarnation, set->directory);
        }
    }
    hwi_journal_reader_close(reader);
    return count == 0;
}

bool fork_is_whole(const struct replay_set *set, const uint64_t *limits)
{
    bool whole = true, early = false;
    uint32_t masters = 0;
    for (uint32_t i = 0; i < set->count; i++) {
        const struct replay_source *source = &set->sources[i];
        early = early || (limits[i] == 0 && source->readable && source->incarnation == 0);
        if (limits[i] == 0) {
            continue;
        }
        if (!source->readable || source->segment != 1) {
            complain("replay", "the beginning of the journal %s is missing: a fork needs all of it",
                     source->name);
            whole = false;
        } else if (source->incarnation == 0) {
            masters++;
            whole = all_registered_are_here(set, i, limits[i]) && whole;
        }
    }
    if (masters == 1) {
        return whole;
    }
    if (early && !masters) {
        complain("replay", "nothing had happened yet before that event: name a later one");
        return false;
    }
    complain("replay", "%s in %s: a fork needs the journals of one master and its members",
             masters ? "journals of several masters are" : "the journal of the master is missing",
             set->directory);
    return false;
}
