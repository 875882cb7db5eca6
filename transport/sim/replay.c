// SPDX-License-Identifier: MIT
// Feeds recorded events to fresh actors and compares their effects, byte for byte. No data port, no
// network, no trainer: nothing but the actors runs here. Over and over the actor is saved, and the
// copy loaded from its image continues in its place: so an image that lacks something is found,
// too.
#include "actors/loop/player.h"
#include "transport/sim/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    // Every third event at first, in each process another third; then after this part of the events
    // so far; large images more rarely: they must stay cheap.
    IMAGE_EVERY = 3,
    IMAGE_SHARE = 128,
    IMAGE_BYTES = 8 << 10,
};

struct reader {
    const char *at;
    const char *end;
};

struct replayed {
    struct hwi_addr addr;
    struct hwi_msg msg;
    void *block;
    const unsigned char *bytes;
    size_t length;
};

// One actor of the recording, played.
struct play {
    const struct hwi_sim_process *process;
    const struct hwi_actor_ops *ops;
    struct hwi_player *player;
    const struct hwi_effects *effects; // of the last event
    uint64_t number;                   // of the event, from 1
    uint64_t image_at;                 // the event after which the next image is taken
    char *error;                       // for a sentence, `bytes` of it
    size_t bytes;
};

static uint64_t read_u64(struct reader *reader)
{
    uint64_t value;
    memcpy(&value, reader->at, sizeof value);
    reader->at += sizeof value;
    return value;
}

static struct replayed read_message(struct reader *reader)
{
    struct replayed message = {0};
    message.addr.role = (uint8_t)read_u64(reader);
    message.addr.id = read_u64(reader);
    message.length = (size_t)read_u64(reader);
    message.bytes = (const unsigned char *)reader->at;
    reader->at += message.length;
    HWI_CHECK(hwi_decode(message.bytes, message.length, &message.msg, &message.block) ==
              HWI_CODEC_OK);
    return message;
}

static void print(char *text, size_t bytes, struct hwi_addr addr, const struct hwi_msg *msg)
{
    char to[64];
    hwi_addr_print(addr, to, sizeof to);
    int length = snprintf(text, bytes, "to %s ", to);
    hwi_msg_print(msg, text + length, bytes - (size_t)length);
}

// Secrets aside, which images are without.
static bool same(const struct hwi_envelope *got, const struct replayed *expected)
{
    return got->to.role == expected->addr.role && got->to.id == expected->addr.id &&
           hwi_msg_hash(&got->msg) == hwi_msg_hash(&expected->msg);
}

static void explain(const struct play *play, const struct replayed *event, uint64_t effect,
                    const struct replayed *expected)
{
    char heard[HWI_SIM_LINE_BYTES_MAX], wanted[HWI_SIM_LINE_BYTES_MAX] = "nothing";
    char got[HWI_SIM_LINE_BYTES_MAX] = "nothing";
    hwi_msg_print(&event->msg, heard, sizeof heard);
    if (expected != NULL) {
        print(wanted, sizeof wanted, expected->addr, &expected->msg);
    }
    if (effect < play->effects->count) {
        const struct hwi_envelope *envelope = &play->effects->items[effect];
        print(got, sizeof got, envelope->to, &envelope->msg);
    }
    snprintf(play->error, play->bytes, "%s's %s, event %llu (%s), effect %llu: expected %s, got %s",
             play->process->name, play->ops->name, (unsigned long long)play->number, heard,
             (unsigned long long)effect + 1, wanted, got);
}

static bool compare(const struct play *play, const struct replayed *event, struct reader *reader)
{
    uint64_t count = read_u64(reader);
    bool equal = true;
    for (uint64_t i = 0; i < count; i++) {
        struct replayed expected = read_message(reader);
        if (equal && (i >= play->effects->count || !same(&play->effects->items[i], &expected))) {
            explain(play, event, i, &expected);
            equal = false;
        }
        free(expected.block);
    }
    if (equal && play->effects->count > count) {
        explain(play, event, count, NULL);
        equal = false;
    }
    return equal;
}

// The image of an actor that was loaded from `bytes` must be the same bytes.
static bool same_image(const struct hwi_actor_ops *ops, const struct hwi_player *loaded,
                       const unsigned char *bytes, size_t length)
{
    size_t again_length = 0;
    unsigned char *again =
        hwi_image_save(ops, hwi_player_state(loaded), &hwi_alloc_libc, &again_length);
    bool equal = again != NULL && again_length == length && memcmp(again, bytes, length) == 0;
    free(again);
    return equal;
}

// Puts an actor loaded from the actor's image in its place.
static bool reload(struct play *play)
{
    size_t length = 0;
    unsigned char *bytes =
        hwi_image_save(play->ops, hwi_player_state(play->player), &hwi_alloc_libc, &length);
    struct hwi_player *loaded = hwi_player_create(play->ops, &hwi_alloc_libc);
    const char *wrong = NULL;
    if (bytes == NULL) {
        wrong = "cannot be saved";
    } else if (!hwi_player_load(loaded, bytes, length)) {
        wrong = "cannot be loaded";
    } else if (!same_image(play->ops, loaded, bytes, length)) {
        wrong = "is another one when it is loaded and saved again";
    }
    if (wrong != NULL) {
        snprintf(play->error, play->bytes, "%s's %s, after event %llu: its image %s",
                 play->process->name, play->ops->name, (unsigned long long)play->number, wrong);
    }
    free(bytes);
    hwi_player_destroy(play->player);
    play->player = loaded;
    play->image_at = play->number + IMAGE_EVERY + play->number / IMAGE_SHARE + length / IMAGE_BYTES;
    return wrong == NULL;
}

static bool play_events(struct play *play, struct reader *reader)
{
    const struct hwi_trap *failed = NULL;
    bool equal = true;
    while (equal && reader->at < reader->end && failed == NULL) {
        uint64_t now_ns = read_u64(reader);
        struct replayed heard = read_message(reader);
        struct hwi_event event = {.now_ns = now_ns, .from = heard.addr, .msg = &heard.msg};
        play->number++;
        play->effects = hwi_player_step(play->player, &event, &failed);
        equal = compare(play, &heard, reader);
        free(heard.block);
        if (equal && failed == NULL && play->ops->image != NULL && play->number >= play->image_at) {
            equal = reload(play);
        }
    }
    return equal;
}

static bool replay_process(const struct hwi_sim_process *process, char *error, size_t bytes)
{
    bool equal = true;
    for (uint8_t role = 0; equal && role < HWI_ROLE_MAX; role++) {
        const struct hwi_sim_text *recording = &process->recordings[role];
        if (recording->length == 0) {
            continue;
        }
        struct reader reader = {recording->bytes, recording->bytes + recording->length};
        struct play play = {.process = process,
                            .ops = hwi_sim_actor(process->sim, role),
                            .image_at = 1 + process->incarnation % IMAGE_EVERY,
                            .error = error,
                            .bytes = bytes};
        play.player = hwi_player_create(play.ops, &hwi_alloc_libc);
        equal = play_events(&play, &reader);
        hwi_player_destroy(play.player);
    }
    return equal;
}

bool hwi_sim_replay(struct hwi_sim *sim, char *error, size_t bytes)
{
    bool equal = replay_process(sim->master, error, bytes);
    for (uint32_t i = 0; equal && i < sim->member_count; i++) {
        equal = replay_process(sim->members[i], error, bytes);
    }
    return equal;
}
