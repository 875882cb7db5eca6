// SPDX-License-Identifier: MIT
// The lines that a replay prints on the way: steps, states, checks that failed as they did before.
#include "tools/hawser/replay/play.h"

// "c" continues without waiting; "q" or the end of the input stops.
static bool wait_for_enter(struct replay_game *game)
{
    char line[16];
    game->progress->leaves = fgets(line, sizeof line, stdin) == NULL || line[0] == 'q';
    game->progress->hurries = !game->progress->leaves && line[0] == 'c';
    return !game->progress->leaves;
}

bool replay_print_step(struct replay_game *game, const struct hwi_journal_event *event,
                       const struct hwi_effects *effects)
{
    replay_print_event(stdout, game->source,
                       replay_time(game->set, game->source_index, event->event.now_ns), event);
    for (uint32_t i = 0; i < effects->count; i++) {
        replay_print_effect(stdout, &effects->items[i]);
    }
    return !game->waits || game->progress->hurries || wait_for_enter(game);
}

void replay_print_failed(struct replay_game *game, const struct hwi_journal_event *event,
                         const struct hwi_trap *trap)
{
    char name[REPLAY_NAME_MAX];
    replay_note("%s: a check failed, as it did when it was recorded: %s (%s:%d)",
                replay_event_name(game->source, event->role, event->number, name), trap->what,
                trap->file, trap->line);
}

void replay_print_state(struct replay_game *game, const struct replay_part *part)
{
    char name[REPLAY_NAME_MAX];
    char *text = hwi_image_print(part->ops, hwi_player_state(part->player), &hwi_alloc_libc);
    replay_event_name(game->source, (uint8_t)part->ops->role, part->number, name);
    if (replay_is_json()) {
        struct json_writer json = {.stream = stdout};
        json_put_open(&json, NULL, '{');
        json_put_text(&json, "after", name);
        json_put_text(&json, "state", text);
        json_put_close(&json, '}');
        json_put_line(&json);
    } else {
        printf("state after %s:\n%s", name, text != NULL ? text : "too large to be printed\n");
    }
    hwi_free(&hwi_alloc_libc, text);
}
