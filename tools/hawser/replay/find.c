// SPDX-License-Identifier: MIT
// Finds recorded messages: by what a journal keeps of an effect, or by the number of their event.
#include "actors/wire/codec.h"
#include "tools/hawser/replay/replay.h"

uint32_t replay_hash(const struct hwi_msg *msg)
{
    return (uint32_t)hwi_msg_hash(msg);
}

static bool find_in(const struct replay_set *set, uint32_t source,
                    const struct hwi_journal_effect *effect, struct hwi_msg *msg, void **block)
{
    struct hwi_journal_reader *reader = replay_read(set, source);
    struct hwi_journal_record record;
    bool found = false;
    while (reader != NULL && !found) {
        enum hwi_journal_found what = hwi_journal_read(reader, &record);
        if (what > HWI_JOURNAL_FOUND_LOST) {
            break;
        }
        if (what != HWI_JOURNAL_FOUND_EVENT || record.event.role != effect->to.role) {
            continue;
        }
        const struct hwi_msg *heard = record.event.event.msg;
        if (heard->type == effect->type && replay_hash(heard) == effect->hash) {
            found = hwi_msg_clone(heard, msg, block);
        }
    }
    hwi_journal_reader_close(reader);
    return found;
}

bool replay_find(const struct replay_set *set, uint32_t source,
                 const struct hwi_journal_effect *effect, struct hwi_msg *msg, void **block)
{
    if (replay_ops(effect->to.role) == NULL) {
        return false;
    }
    if (effect->to.id == 0 && find_in(set, source, effect, msg, block)) {
        return true;
    }
    for (uint32_t i = 0; i < set->count; i++) {
        if (i != source && set->sources[i].readable && find_in(set, i, effect, msg, block)) {
            return true;
        }
    }
    return false;
}

struct hwi_journal_reader *replay_seek(const struct replay_set *set, uint32_t source, uint8_t role,
                                       uint64_t number, struct hwi_journal_record *record)
{
    struct hwi_journal_reader *reader = replay_read(set, source);
    uint64_t events = 0;
    while (reader != NULL) {
        enum hwi_journal_found found = hwi_journal_read(reader, record);
        if (found > HWI_JOURNAL_FOUND_LOST) {
            break;
        }
        if (found != HWI_JOURNAL_FOUND_EVENT) {
            continue;
        }
        events++;
        if (role ? record->event.role == role && record->event.number == number
                 : events == number) {
            return reader;
        }
    }
    hwi_journal_reader_close(reader);
    return NULL;
}
