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
    printf("  expected  -> %s  ", to);
    if (full != NULL) {
        replay_print_msg(stdout, full);
    } else {
        printf("%s (hash %08" PRIx32 ")", replay_type_name(expected->type, type), expected->hash);
    }
    putchar('\n');
}

static void print_got(const struct hwi_envelope *got)
{
    char to[64];
    hwi_addr_print(got->to, to, sizeof to);
    printf("  got       -> %s  ", to);
    replay_print_msg(stdout, &got->msg);
    putchar('\n');
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
        puts("  expected  nothing more");
    }
    if (got != NULL) {
        print_got(got);
    } else {
        puts("  got       nothing more");
    }
    if (found && got != NULL && full.type == got->msg.type &&
        hwi_msg_hash(&full) != hwi_msg_hash(&got->msg)) {
        fputs("  they differ in  ", stdout);
        replay_print_fields(stdout, &full, &got->msg);
        putchar('\n');
    }
    free(block);
}

// In one word each: what was expected of the step, and what came.
static void print_check(const struct hwi_journal_event *event, const struct hwi_trap *trap)
{
    if (trap != NULL) {
        printf("  got       a failed check: %s (%s:%d)\n", trap->what, trap->file, trap->line);
    } else {
        puts("  got       no failed check");
    }
    if (event->failed) {
        puts("  expected  a failed check");
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
    if ((trap != NULL) != event->failed) {
        printf("replay: %s: %s", name,
               trap != NULL ? "a check failed here only" : "a check failed in the record only");
    } else {
        printf("replay: %s: effect %" PRIu32 " differs (%" PRIu32 " expected, %" PRIu32 " got)",
               name, i + 1, event->effect_count, effects->count);
    }
    puts(game->same_decision ? "" : ": this is another build's decision");
    replay_print_event(stdout, game->source,
                       replay_time(game->set, game->source_index, event->event.now_ns), event);
    if ((trap != NULL) != event->failed) {
        print_check(event, trap);
    } else {
        print_pair(game, i < event->effect_count ? &event->effects[i] : NULL,
                   i < effects->count ? &effects->items[i] : NULL);
    }
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
    printf("  %s  %.*s\n", title, (int)strcspn(text, "\n"), text);
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
    printf("replay: %s: the state differs from its image in %s, offset %" PRIu64 "\n",
           replay_event_name(game->source, (uint8_t)part->ops->role, part->number, name),
           record->file, record->offset);
    if (recorded == NULL) {
        puts("  the image cannot be loaded");
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
}
