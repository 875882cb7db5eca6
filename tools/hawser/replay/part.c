// SPDX-License-Identifier: MIT
// Messages of different senders come in any order, so the histories are compared as in a zip whose
// teeth may be a little apart: an event counts as missing only when the other side has continued
// for WINDOW events without it.
#include "actors/base/rows.h"
#include "tools/hawser/replay/normal.h"
#include "tools/hawser/replay/part.h"

enum { WINDOW = 256, CONTEXT = 4 };

struct tooth {
    uint64_t key, number, now_ns;
    uint64_t before; // events of its side that count and came before it
    uint64_t moved;  // of both, until then
};

struct side {
    struct hwi_journal_reader *reader;
    struct replay_parting_side *about;
    struct tooth waiting[WINDOW]; // not seen on the other side yet, in order
    uint32_t count;
    uint64_t read;
    bool ended;
    enum replay_verdict verdict; // of its end
};

// The side's next event that counts; false at its end.
static bool next(struct side *side, uint8_t role, enum replay_likeness likeness,
                 struct tooth *tooth)
{
    struct hwi_journal_record record = {0};
    while (!side->ended) {
        enum hwi_journal_found found = hwi_journal_read(side->reader, &record);
        if (found > HWI_JOURNAL_FOUND_LOST) {
            side->ended = true;
            side->verdict =
                replay_report_end(&side->about->set->sources[side->about->source], found, &record);
        } else if (found == HWI_JOURNAL_FOUND_EVENT && record.event.role == role &&
                   !replay_is_background(record.event.event.msg)) {
            *tooth = (struct tooth){.key = replay_normal_key(&record.event, likeness),
                                    .number = record.event.number,
                                    .now_ns = record.event.event.now_ns,
                                    .before = side->read++};
            return true;
        }
    }
    return false;
}

static bool take(struct side *side, uint64_t key, bool *oldest)
{
    for (uint32_t i = 0; i < side->count; i++) {
        if (side->waiting[i].key != key) {
            continue;
        }
        *oldest = i == 0;
        HWI_ROWS_REMOVE(side->waiting, &side->count, i);
        return true;
    }
    return false;
}

// One event of `side` against what waits on the other. False when there is no room to wait.
static bool mesh(struct replay_parting *parting, struct side *side, struct side *other,
                 struct tooth tooth)
{
    bool oldest;
    if (take(other, tooth.key, &oldest)) {
        parting->equal++;
        parting->moved += !oldest || side->count > 0;
        return true;
    }
    if (side->count == WINDOW) {
        return false;
    }
    tooth.moved = parting->moved;
    side->waiting[side->count++] = tooth;
    return true;
}

static void zip(struct replay_parting *parting, struct side *a, struct side *b)
{
    const struct replay_source *in_a = &parting->a.set->sources[parting->a.source];
    const struct replay_source *in_b = &parting->b.set->sources[parting->b.source];
    enum replay_likeness likeness =
        in_a->peer == in_b->peer ? REPLAY_SAME_MEMBER : REPLAY_OTHER_MEMBER;
    struct tooth tooth;
    bool going = true;
    while (going && !(a->ended && b->ended)) {
        if (next(a, parting->role, likeness, &tooth)) {
            going = mesh(parting, a, b, tooth);
        }
        if (going && next(b, parting->role, likeness, &tooth)) {
            going = mesh(parting, b, a, tooth);
        }
    }
    parting->parted = a->count || b->count;
}

// All that came before the oldest that waits was found on the other side.
static void finish(struct replay_parting *parting, struct side *side)
{
    const struct tooth *oldest = &side->waiting[0];
    if (side->count) {
        side->about->number = oldest->number;
        side->about->now_ns = oldest->now_ns;
        parting->equal = HWI_MIN(parting->equal, oldest->before);
        parting->moved = HWI_MIN(parting->moved, oldest->moved);
    }
    hwi_journal_reader_close(side->reader);
}

int replay_find_parting(struct replay_parting *parting)
{
    struct side a = {.about = &parting->a}, b = {.about = &parting->b};
    int verdict = REPLAY_UNREADABLE;
    a.reader = replay_read(parting->a.set, parting->a.source);
    b.reader = replay_read(parting->b.set, parting->b.source);
    if (a.reader != NULL && b.reader != NULL) {
        zip(parting, &a, &b);
        verdict = (int)HWI_MAX(a.verdict, b.verdict);
    }
    finish(parting, &a);
    finish(parting, &b);
    return verdict;
}

void replay_print_context(struct replay_set *set, uint32_t source, uint8_t role, uint64_t number)
{
    struct hwi_journal_reader *reader = replay_read(set, source);
    struct hwi_journal_record record = {0};
    enum hwi_journal_found found = HWI_JOURNAL_FOUND_HEAD;
    while (reader != NULL && found <= HWI_JOURNAL_FOUND_LOST) {
        found = hwi_journal_read(reader, &record);
        const struct hwi_journal_event *event = &record.event;
        if (found != HWI_JOURNAL_FOUND_EVENT || event->role != role) {
            continue;
        }
        if (event->number + CONTEXT >= number) {
            replay_print_event(replay_out(), &set->sources[source],
                               replay_time(set, source, event->event.now_ns), event);
        }
        if (event->number >= number) {
            break;
        }
    }
    hwi_journal_reader_close(reader);
}
