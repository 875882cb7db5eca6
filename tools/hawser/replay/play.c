// SPDX-License-Identifier: MIT
// Plays one journal: each actor's events to a fresh actor, or from the first image on when older
// segments were removed.
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "actors/loop/player.h"
#include "tools/hawser/replay/play.h"

enum { PROGRESS_EVENTS = 1 << 14 };

static void judge(struct replay_game *game, enum replay_verdict verdict)
{
    game->progress->verdict = HWI_MAX(game->progress->verdict, (uint32_t)verdict);
}

static struct replay_part *chosen_part(struct replay_game *game, uint8_t role)
{
    const struct hwi_actor_ops *ops = replay_ops(role);
    if (ops == NULL || (game->options->role && game->options->role != role)) {
        return NULL;
    }
    game->parts[role].ops = ops;
    return &game->parts[role];
}

static void start(struct replay_game *game, struct replay_part *part)
{
    part->player = hwi_player_create(part->ops, &hwi_alloc_libc);
    part->blind = false;
    if (!part->counted) {
        game->progress->actors++;
    }
    part->counted = true;
}

static void stop(struct replay_part *part)
{
    if (part->player != NULL) {
        hwi_player_destroy(part->player);
    }
    part->player = NULL;
}

// ---- records -------------------------------------------------------------------------------

static void on_head(struct replay_game *game, const struct hwi_msg_journal_head *head)
{
    if (game->begun) {
        return;
    }
    game->begun = true;
    game->whole = head->segment <= 1;
    game->same_decision = head->decision == hwi_decision_hash();
    if (!game->whole) {
        replay_note("%s: begins with segment %" PRIu32 " (%" PRIu32 " removed), from images",
                    game->source->name, head->segment, head->removed);
    }
    if (!game->same_decision) {
        replay_note("%s: written by another build (%s, decision %016" PRIx64
                    "; this one: %s, decision %016" PRIx64 ")",
                    game->source->name, head->build, head->decision, hws_version(),
                    hwi_decision_hash());
    }
}

// At its --until the actor stops. One that begins behind it was never there.
static void stop_in_time(struct replay_game *game, struct replay_part *part)
{
    const struct replay_point *until = &game->options->until;
    if (until->kind != REPLAY_TO_NUMBER || part->number < until->number) {
        return;
    }
    part->stopped = true;
    if (part->number == until->number) {
        game->progress->reached++;
        game->over = game->over || game->options->role;
        return;
    }
    replay_note("%s: event %" PRIu64
                " of its %s was removed; the oldest image is of event %" PRIu64,
                game->source->name, until->number, part->ops->name, part->number);
    stop(part);
    judge(game, REPLAY_UNREADABLE);
}

static void load(struct replay_game *game, struct replay_part *part,
                 const struct hwi_journal_image *image)
{
    if (!game->same_decision) {
        if (!part->blind) { // once for all its images
            replay_note("%s: the image of its %s can only be loaded by the build that wrote it",
                        game->source->name, part->ops->name);
        }
        part->blind = true;
        judge(game, REPLAY_OTHER_VERSION);
        return;
    }
    start(game, part);
    part->number = image->events;
    if (hwi_player_load(part->player, image->bytes, image->length)) {
        stop_in_time(game, part);
        return;
    }
    replay_note("%s: the image of its %s is not one of such an actor", game->source->name,
                part->ops->name);
    stop(part);
    part->blind = true;
    judge(game, REPLAY_DIFFERENT);
}

// Where the record starts from an image it must be the state reached here; a later one is checked.
static void on_image(struct replay_game *game, const struct hwi_journal_record *record)
{
    const struct hwi_journal_image *image = &record->image;
    struct replay_part *part = chosen_part(game, image->role);
    if (part == NULL || part->stopped) {
        return;
    }
    if (image->length == 0) {
        part->blind = part->player == NULL; // an actor without images
    } else if (part->player == NULL) {
        load(game, part, image);
    } else if (game->same_decision && !replay_same_state(part, image)) {
        replay_print_state_difference(game, part, record);
        judge(game, REPLAY_DIFFERENT);
        game->over = true;
    }
}

static void on_lost(struct replay_game *game, uint64_t lost)
{
    replay_note("%s: %" PRIu64 " events could not be written when it was recorded; "
                "continues from the next images",
                game->source->name, lost);
    for (uint8_t role = 0; role < HWI_ROLE_MAX; role++) {
        stop(&game->parts[role]);
        game->parts[role].blind = true;
    }
}

// The verdict of the replay's effects on the event, and the report if there is one.
static enum replay_verdict compare(struct replay_game *game, struct replay_part *part,
                                   const struct hwi_journal_record *record,
                                   const struct hwi_effects *effects, const struct hwi_trap *trap)
{
    const struct hwi_journal_event *event = &record->event;
    enum replay_verdict verdict = REPLAY_OK;
    bool told = event->event.msg->type == HWI_MSG_NONE; // to give up: no separate step
    if (trap != NULL && !event->failed) {
        verdict = REPLAY_CRASH;
    } else if (!replay_same_effects(event, effects) || (event->failed && trap == NULL && !told)) {
        verdict = REPLAY_DIFFERENT;
    }
    if (verdict && !game->same_decision) {
        verdict = REPLAY_OTHER_VERSION;
    }
    if (verdict) {
        replay_print_difference(game, part, record, effects, trap);
    } else if (trap != NULL) {
        replay_print_failed(game, event, trap);
    }
    return verdict;
}

static void on_event(struct replay_game *game, const struct hwi_journal_record *record)
{
    const struct hwi_journal_event *event = &record->event;
    struct replay_part *part = chosen_part(game, event->role);
    const struct hwi_trap *trap = NULL;
    if (part == NULL || part->stopped) {
        return;
    }
    if (part->player == NULL && !part->blind && game->whole) {
        start(game, part);
    }
    if (part->player == NULL) {
        game->skipped++;
        return;
    }
    game->progress->role = event->role;
    game->progress->number = event->number;
    const struct hwi_effects *effects = hwi_player_step(part->player, &event->event, &trap);
    part->number = event->number;
    game->progress->events++;
    if (game->options->step) {
        game->over = !replay_print_step(game, event, effects);
    }
    enum replay_verdict verdict = compare(game, part, record, effects, trap);
    judge(game, verdict);
    game->over = game->over || verdict != REPLAY_OK;
    stop_in_time(game, part);
}

// ---- the journal ------------------------------------------------------------------------------

static void on_end(struct replay_game *game, enum hwi_journal_found found,
                   const struct hwi_journal_record *record)
{
    const char *name = game->source->name;
    judge(game, replay_report_end(game->source, found, record));
    if (found == HWI_JOURNAL_FOUND_OPEN_END) {
        replay_note("%s: was not closed: its process was killed, or runs", name);
    }
    if (found == HWI_JOURNAL_FOUND_TORN) {
        replay_note("%s: was not closed: its process was killed while it wrote a record", name);
    }
}

static void take_record(struct replay_game *game, enum hwi_journal_found found,
                        const struct hwi_journal_record *record)
{
    switch (found) {
    case HWI_JOURNAL_FOUND_HEAD:
        on_head(game, record->head);
        return;
    case HWI_JOURNAL_FOUND_IMAGE:
        on_image(game, record);
        return;
    case HWI_JOURNAL_FOUND_EVENT:
        on_event(game, record);
        game->heard++;
        return;
    case HWI_JOURNAL_FOUND_LOST:
        on_lost(game, record->lost);
        return;
    default:
        on_end(game, found, record);
        game->over = true;
    }
}

static void show_progress(const struct replay_game *game, uint64_t *shown_ns)
{
    uint64_t now = now_ns();
    if (now - *shown_ns < HWI_NS_PER_S / 2) {
        return;
    }
    *shown_ns = now;
    fprintf(stderr, "\rreplay: %s: %" PRIu64 " events, %.0f events/s ", game->source->name,
            game->progress->events,
            (double)game->progress->events * 1e9 / (double)(now - game->started_ns));
}

static void finish(struct replay_game *game)
{
    if (game->skipped) {
        replay_note("%s: %" PRIu64 " events have no image before them and were not played",
                    game->source->name, game->skipped);
    }
    for (uint8_t role = 0; role < HWI_ROLE_MAX; role++) {
        struct replay_part *part = &game->parts[role];
        if (part->player != NULL && game->options->state) {
            replay_print_state(game, part);
        }
        stop(part);
    }
}

void replay_play(struct replay_set *set, uint32_t source, const struct replay_options *options,
                 uint64_t limit, struct replay_progress *progress)
{
    struct replay_game game = {.set = set,
                               .source_index = source,
                               .source = &set->sources[source],
                               .options = options,
                               .progress = progress,
                               .started_ns = now_ns()};
    struct hwi_journal_reader *reader = replay_read(set, source);
    struct hwi_journal_record record = {0};
    bool terminal = isatty(STDERR_FILENO) && !options->step;
    uint64_t shown_ns = game.started_ns;
    game.waits = options->step && isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
    if (reader == NULL) {
        judge(&game, REPLAY_UNREADABLE);
    }
    while (reader != NULL && !game.over && game.heard < limit) {
        enum hwi_journal_found found = hwi_journal_read(reader, &record);
        take_record(&game, found, &record);
        if (terminal && game.heard % PROGRESS_EVENTS == PROGRESS_EVENTS - 1) {
            show_progress(&game, &shown_ns);
        }
    }
    if (shown_ns != game.started_ns) {
        fputs("\r\033[K", stderr);
    }
    finish(&game);
    hwi_journal_reader_close(reader);
}
