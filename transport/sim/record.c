// SPDX-License-Identifier: MIT
// Every actor's events and effects as bytes: kept for replay, hashed for the digest. A recording is
// a row of steps: now, from, message, number of effects, and for each its addressee and message.
// Native byte order.
#include "transport/sim/world.h"

#include <stdlib.h>

static void add_u64(struct hwi_sim_text *text, uint64_t value)
{
    hwi_sim_text_add(text, &value, sizeof(value));
}

static void add_message(struct hwi_sim_text *text, struct hwi_addr addr, const struct hwi_msg *msg)
{
    unsigned char *bytes;
    size_t length;
    HWI_CHECK(hwi_encode(msg, &bytes, &length) == HWI_CODEC_OK);
    add_u64(text, addr.role);
    add_u64(text, addr.id);
    add_u64(text, length);
    hwi_sim_text_add(text, bytes, length);
    free(bytes);
}

void hwi_sim_record(struct hwi_sim_process *process, uint8_t role, const struct hwi_event *event,
                    const struct hwi_effects *effects)
{
    struct hwi_sim_text *text = &process->recordings[role];
    size_t begin = text->length;
    add_u64(text, event->now_ns);
    add_message(text, event->from, event->msg);
    add_u64(text, effects->count);
    for (uint32_t i = 0; i < effects->count; i++) {
        add_message(text, effects->items[i].to, &effects->items[i].msg);
    }
    uint64_t whose[2] = {process->incarnation, role};
    XXH3_64bits_update(process->sim->digest, whose, sizeof(whose));
    XXH3_64bits_update(process->sim->digest, text->bytes + begin, text->length - begin);
}

uint64_t hwi_sim_digest(const struct hwi_sim *sim)
{
    return XXH3_64bits_digest(sim->digest);
}
