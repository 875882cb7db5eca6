// SPDX-License-Identifier: MIT
// Compares what an actor says and is in the replay with the record, and prints the difference.
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "actors/wire/codec.h"
#include "tools/hawser/replay/play.h"

static bool same_effect(const struct hwi_journal_effect *expected, const struct hwi_envelope *got)
{
    return expected->to.role == got->to.role && expected->to.id == got->to.id &&
           expected->type == got->msg.type && expected->hash == replay_hash(&got->msg);
}

// The number of effects at the beginning that are equal.
static uint32_t count_same(const struct hwi_journal_event *event, const struct hwi_effects *effects)
{
    uint32_t i = 0, both = HWI_MIN(event->effect_count, effects->count);
    while (i < both && same_effect(&event->effects[i], &effects->items[i])) {
        i++;
    }
    return i;
}

bool replay_same_effects(const struct hwi_journal_event *event, const struct hwi_effects *effects)
{
    return event->effect_count == effects->count && count_same(event, effects) == effects->count;
}

static void print_expected(const struct hwi_journal_effect *expected, const struct hwi_msg *full)
{
    char to[64], type[24];
    hwi_addr_print(expected->to, to, sizeof to);
    fprintf(replay_out(), "  expected  -> %s  ", to);
    if (full != NULL) {
        replay_print_msg(replay_out(), full);
    } else {
        fprintf(replay_out(), "%s (hash %08" PRIx32 ")", replay_type_name(expected->type, type),
                expected->hash);
    }
    fputc('\n', replay_out());
}

static void print_got(const struct hwi_envelope *got)
{
    char to[64];
    hwi_addr_print(got->to, to, sizeof to);
    fprintf(replay_out(), "  got       -> %s  ", to);
    replay_print_msg(replay_out(), &got->msg);
    fputc('\n', replay_out());
}

static void print_pair(struct replay_game *game, const struct hwi_journal_effect *expected,
                       const struct hwi_envelope *got)
{
    struct hwi_msg full;
    void *block = NULL;
    bool found =
        expected != NULL && replay_find(game->set, game->source_index, expected, &full, &block);
    if (expected != NULL) {
        print_expected(expected, found ? &full : NULL);
    } else {
        fputs("  expected  nothing more\n", replay_out());
    }
    if (got != NULL) {
        print_got(got);
    } else {
        fputs("  got       nothing more\n", replay_out());
    }
    if (found && got != NULL && full.type == got->msg.type &&
        hwi_msg_hash(&full) != hwi_msg_hash(&got->msg)) {
        fputs("  they differ in  ", replay_out());
        replay_print_fields(replay_out(), &full, &got->msg);
        fputc('\n', replay_out());
    }
    free(block);
}

// In one word each: what was expected of the step, and what came.
static void print_check(const struct hwi_journal_event *event, const struct hwi_trap *trap)
{
    if (trap != NULL) {
        fprintf(replay_out(), "  got       a failed check: %s (%s:%d)\n", trap->what, trap->file,
                trap->line);
    } else {
        fputs("  got       no failed check\n", replay_out());
    }
    if (event->failed) {
        fputs("  expected  a failed check\n", replay_out());
    }
}

void replay_print_difference(struct replay_game *game, const struct replay_part *part,
                             const struct hwi_journal_record *record,
                             const struct hwi_effects *effects, const struct hwi_trap *trap)
{
    const struct hwi_journal_event *event = &record->event;
    uint32_t i = count_same(event, effects);
    char name[REPLAY_NAME_MAX];
    replay_event_name(game->source, (uint8_t)part->ops->role, event->number, name);
    replay_begin("difference");
    if ((trap != NULL) != event->failed) {
        fprintf(replay_out(), "replay: %s: %s", name,
                trap != NULL ? "a check failed here only" : "a check failed in the record only");
    } else {
        fprintf(replay_out(),
                "replay: %s: effect %" PRIu32 " differs (%" PRIu32 " expected, %" PRIu32 " got)",
                name, i + 1, event->effect_count, effects->count);
    }
    fprintf(replay_out(), "%s\n", game->same_decision ? "" : ": this is another build's decision");
    replay_print_event(replay_out(), game->source,
                       replay_time(game->set, game->source_index, event->event.now_ns), event);
    if ((trap != NULL) != event->failed) {
        print_check(event, trap);
    } else {
        print_pair(game, i < event->effect_count ? &event->effects[i] : NULL,
                   i < effects->count ? &effects->items[i] : NULL);
    }
    replay_end();
}

// ---- states -------------------------------------------------------------------------------------

bool replay_same_state(const struct replay_part *part, const struct hwi_journal_image *image)
{
    size_t length;
    unsigned char *bytes =
        hwi_image_save(part->ops, hwi_player_state(part->player), &hwi_alloc_libc, &length);
    bool same =
        bytes != NULL && length == image->length && memcmp(bytes, image->bytes, length) == 0;
    hwi_free(&hwi_alloc_libc, bytes);
    return same;
}

static void print_line(const char *title, const char *text)
{
    fprintf(replay_out(), "  %s  %.*s\n", title, (int)strcspn(text, "\n"), text);
}

// The first line in which two printed states differ.
static void print_first_line(const char *expected, const char *got)
{
    const char *line_a = expected, *line_b = got;
    size_t i = 0;
    for (; expected[i] && expected[i] == got[i]; i++) {
        if (expected[i] == '\n') {
            line_a = expected + i + 1, line_b = got + i + 1;
        }
    }
    print_line("expected", line_a);
    print_line("got     ", line_b);
}

void replay_print_state_difference(struct replay_game *game, const struct replay_part *part,
                                   const struct hwi_journal_record *record)
{
    char name[REPLAY_NAME_MAX];
    void *recorded =
        hwi_image_load(part->ops, record->image.bytes, record->image.length, &hwi_alloc_libc);
    replay_begin("difference");
    fprintf(replay_out(),
            "replay: %s: the state differs from its image in %s, offset %" PRIu64 "\n",
            replay_event_name(game->source, (uint8_t)part->ops->role, part->number, name),
            record->file, record->offset);
    if (recorded == NULL) {
        fputs("  the image cannot be loaded\n", replay_out());
        replay_end();
        return;
    }
    char *expected = hwi_image_print(part->ops, recorded, &hwi_alloc_libc);
    char *got = hwi_image_print(part->ops, hwi_player_state(part->player), &hwi_alloc_libc);
    if (expected != NULL && got != NULL) {
        print_first_line(expected, got);
    }
    hwi_free(&hwi_alloc_libc, expected);
    hwi_free(&hwi_alloc_libc, got);
    part->ops->destroy(recorded);
    replay_end();
}
