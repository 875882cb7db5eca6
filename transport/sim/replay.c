// SPDX-License-Identifier: MIT
// Feeds recorded events to fresh actors and compares their effects, byte for byte. No data port, no
// network, no trainer: nothing but the actors runs here.
#include "transport/sim/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

struct player {
    const struct hwi_sim_process *process;
    const struct hwi_actor_ops *ops;
    void *state;
    struct hwi_effects effects;
    uint64_t number; // of the event, from 1
    bool given_up;
};

static uint64_t read_u64(struct reader *reader)
{
    uint64_t value;
    memcpy(&value, reader->at, sizeof(value));
    reader->at += sizeof(value);
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
    hwi_addr_print(addr, to, sizeof(to));
    int length = snprintf(text, bytes, "to %s ", to);
    hwi_msg_print(msg, text + length, bytes - (size_t)length);
}

// One event into the fresh actor, with the drain's treatment of failed checks.
static void play_step(struct player *player, const struct hwi_event *event)
{
    struct hwi_trap trap;
    hwi_effects_reset(&player->effects);
    hwi_trap_enter(&trap);
    if (setjmp(trap.landing) == 0) {
        player->ops->step(player->state, event, &player->effects);
        hwi_trap_leave(&trap);
        return;
    }
    hwi_effects_reset(&player->effects);
    player->given_up = true;
    player->ops->failed(player->state, event->now_ns, &player->effects);
}

static bool same(const struct hwi_envelope *got, const struct replayed *expected)
{
    unsigned char *bytes;
    size_t length;
    HWI_CHECK(hwi_encode(&got->msg, &bytes, &length) == HWI_CODEC_OK);
    bool equal = got->to.role == expected->addr.role && got->to.id == expected->addr.id &&
                 length == expected->length && memcmp(bytes, expected->bytes, length) == 0;
    free(bytes);
    return equal;
}

static void explain(const struct player *player, const struct replayed *event, uint64_t effect,
                    const struct replayed *expected, char *error, size_t bytes)
{
    char heard[HWI_SIM_LINE_BYTES_MAX], wanted[HWI_SIM_LINE_BYTES_MAX] = "nothing";
    char got[HWI_SIM_LINE_BYTES_MAX] = "nothing";
    hwi_msg_print(&event->msg, heard, sizeof(heard));
    if (expected != NULL) {
        print(wanted, sizeof(wanted), expected->addr, &expected->msg);
    }
    if (effect < player->effects.count) {
        const struct hwi_envelope *envelope = &player->effects.items[effect];
        print(got, sizeof(got), envelope->to, &envelope->msg);
    }
    snprintf(error, bytes, "%s's %s, event %llu (%s), effect %llu: expected %s, got %s",
             player->process->name, player->ops->name, (unsigned long long)player->number, heard,
             (unsigned long long)effect + 1, wanted, got);
}

static bool compare(const struct player *player, const struct replayed *event,
                    struct reader *reader, char *error, size_t bytes)
{
    uint64_t count = read_u64(reader);
    bool equal = true;
    for (uint64_t i = 0; i < count; i++) {
        struct replayed expected = read_message(reader);
        if (equal && (i >= player->effects.count || !same(&player->effects.items[i], &expected))) {
            explain(player, event, i, &expected, error, bytes);
            equal = false;
        }
        free(expected.block);
    }
    if (equal && player->effects.count > count) {
        explain(player, event, count, NULL, error, bytes);
        equal = false;
    }
    return equal;
}

static bool play(struct player *player, struct reader *reader, char *error, size_t bytes)
{
    bool equal = true;
    while (equal && reader->at < reader->end && !player->given_up) {
        uint64_t now_ns = read_u64(reader);
        struct replayed heard = read_message(reader);
        struct hwi_event event = {.now_ns = now_ns, .from = heard.addr, .msg = &heard.msg};
        player->number++;
        play_step(player, &event);
        equal = compare(player, &heard, reader, error, bytes);
        free(heard.block);
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
        struct player player = {.process = process, .ops = hwi_sim_actor(process->sim, role)};
        player.state = player.ops->create(&hwi_alloc_libc);
        hwi_effects_init(&player.effects, &hwi_alloc_libc);
        equal = play(&player, &reader, error, bytes);
        hwi_effects_fini(&player.effects);
        player.ops->destroy(player.state);
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
