// SPDX-License-Identifier: MIT
// The timeline as a picture. A journal keeps received messages in full, but only hashes of sent
// ones. So the actors run along, and their messages are drawn for as long as they are as recorded.
#include <string.h>

#include "actors/loop/player.h"
#include "tools/hawser/picture/perfetto.h"
#include "tools/hawser/replay/merge.h"
#include "tools/hawser/replay/play.h"

struct canvas {
    struct replay_set *set;
    struct perfetto *perfetto;
    struct hwi_player *(*players)[HWI_ROLE_MAX]; // of each source
    uint64_t *drawn;                             // records of each source
};

// The clocks are related already: all processes are on one.
static bool name_process(struct canvas *canvas, uint32_t i)
{
    const struct replay_source *source = &canvas->set->sources[i];
    struct hwi_ring_owner owner = {
        .pid = source->pid, .incarnation = source->incarnation, .peer = source->peer};
    snprintf(owner.name, sizeof owner.name, "%s", source->incarnation ? "member" : "master");
    return perfetto_process(canvas->perfetto, i, &owner, (uint64_t)canvas->set->zero_ns);
}

static void load(struct canvas *canvas, uint32_t i, const struct hwi_journal_image *image)
{
    const struct hwi_actor_ops *ops = replay_ops(image->role);
    struct hwi_player **player = &canvas->players[i][image->role];
    if (ops == NULL || *player != NULL) {
        return;
    }
    *player = hwi_player_create(ops, &hwi_alloc_libc);
    if (hwi_player_load(*player, image->bytes, image->length)) {
        return;
    }
    hwi_player_destroy(*player);
    *player = NULL;
}

// Players of the actors of a journal, in the state in which its oldest segment begins; none if only
// another build can load that.
static void make_players(struct canvas *canvas, uint32_t i)
{
    const struct replay_source *source = &canvas->set->sources[i];
    struct hwi_journal_reader *reader = replay_read(canvas->set, i);
    struct hwi_journal_record record = {0};
    bool whole = source->segment <= 1;
    for (uint8_t role = 0; whole && role < HWI_ROLE_MAX; role++) {
        if (replay_ops(role) != NULL) {
            canvas->players[i][role] = hwi_player_create(replay_ops(role), &hwi_alloc_libc);
        }
    }
    if (!whole && source->decision == hwi_decision_hash()) {
        while (reader != NULL && hwi_journal_read(reader, &record) <= HWI_JOURNAL_FOUND_IMAGE) {
            if (record.image.bytes != NULL) {
                load(canvas, i, &record.image);
            }
        }
    }
    hwi_journal_reader_close(reader);
}

static void draw(struct canvas *canvas, const struct replay_item *item, bool sent,
                 struct hwi_addr other, const struct hwi_msg *msg)
{
    struct hwi_ring_record record;
    uint64_t ns = (uint64_t)HWI_MAX(item->ns, 0);
    hwi_ring_record_of(item->event->role, sent, other, msg, ns, ns, &record);
    record.number = ++canvas->drawn[item->source];
    perfetto_add(canvas->perfetto, item->source, &record);
}

// To another process, the trainer, the data port or the disk: what a ring has, too.
static bool leaves(const struct replay_source *source, struct hwi_addr to)
{
    if (to.role == HWI_ROLE_CLOCK) {
        return false;
    }
    bool master = source->incarnation == 0;
    return to.id != 0 || replay_ops(to.role) == NULL || (to.role == HWI_ROLE_MASTER) != master;
}

// The next event of one actor; what it says no longer counts after the first difference.
static void play(struct canvas *canvas, const struct replay_item *item)
{
    struct hwi_player **player = &canvas->players[item->source][item->event->role];
    if (*player == NULL) {
        return;
    }
    const struct hwi_effects *effects = hwi_player_step(*player, &item->event->event, NULL);
    if (!replay_same_effects(item->event, effects)) {
        hwi_player_destroy(*player);
        *player = NULL;
        return;
    }
    for (uint32_t i = 0; i < effects->count; i++) {
        const struct hwi_envelope *said = &effects->items[i];
        if (leaves(&canvas->set->sources[item->source], said->to)) {
            draw(canvas, item, true, said->to, &said->msg);
        }
    }
}

static void draw_all(struct canvas *canvas, const struct replay_options *options,
                     const uint64_t *limits)
{
    struct replay_merge *merge = replay_merge_open(canvas->set);
    struct replay_item item;
    while (replay_merge_next(merge, &item)) {
        const struct hwi_journal_event *event = item.event;
        if (!replay_chosen(canvas->set, options, item.source) ||
            item.ordinal > limits[item.source] || (options->role && options->role != event->role)) {
            continue;
        }
        if (event->event.msg->type != HWI_MSG_NONE) {
            draw(canvas, &item, false, event->event.from, event->event.msg);
        }
        play(canvas, &item);
    }
    replay_merge_close(merge);
}

static void destroy_players(struct canvas *canvas)
{
    for (uint32_t i = 0; i < canvas->set->count; i++) {
        for (uint8_t role = 0; role < HWI_ROLE_MAX; role++) {
            hwi_player_destroy(canvas->players[i][role]);
        }
    }
}

int replay_picture(struct replay_set *set, const struct replay_options *options,
                   const uint64_t *limits)
{
    char error[PERFETTO_ERROR_BYTES] = "out of memory";
    struct canvas canvas = {
        .set = set,
        .perfetto = perfetto_create(),
        .players = hwi_new(&hwi_alloc_libc, set->count * sizeof *canvas.players),
        .drawn = hwi_new(&hwi_alloc_libc, set->count * sizeof *canvas.drawn),
    };
    bool ready = canvas.perfetto != NULL;
    replay_learn_peers(set);
    for (uint32_t i = 0; i < set->count && ready; i++) {
        ready = !replay_chosen(set, options, i) || name_process(&canvas, i);
        if (set->sources[i].readable) {
            make_players(&canvas, i);
        }
    }
    if (ready) {
        draw_all(&canvas, options, limits);
    }
    ready = ready && perfetto_write(canvas.perfetto, options->perfetto, error) == 0;
    if (!ready) {
        complain("replay", "%s: %s", options->perfetto, error);
    } else if (perfetto_left_out(canvas.perfetto) > 0) {
        complain("replay",
                 "the picture has room for the newest messages only (%d MiB): %llu older ones are "
                 "left out; --until and --actor choose",
                 PERFETTO_BYTES_MAX >> 20, (unsigned long long)perfetto_left_out(canvas.perfetto));
    }
    destroy_players(&canvas);
    if (canvas.perfetto != NULL) {
        perfetto_destroy(canvas.perfetto);
    }
    hwi_free(&hwi_alloc_libc, canvas.players);
    hwi_free(&hwi_alloc_libc, canvas.drawn);
    return ready ? REPLAY_OK : REPLAY_UNREADABLE;
}
