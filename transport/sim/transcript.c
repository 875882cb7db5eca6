// SPDX-License-Identifier: MIT
// One line for each message between processes and each reply to a trainer.
#include "transport/sim/world.h"

#include <stdio.h>
#include <string.h>

void hwi_sim_text_add(struct hwi_sim_text *text, const void *bytes, size_t length)
{
    if (text->length + length > text->capacity) {
        text->capacity = HWI_MAX(2 * text->capacity, text->length + length + 256);
        text->bytes = hwi_resize(&hwi_alloc_libc, text->bytes, text->capacity);
    }
    if (length > 0) {
        memcpy(text->bytes + text->length, bytes, length);
        text->length += length;
    }
}

void hwi_sim_text_fini(struct hwi_sim_text *text)
{
    hwi_free(&hwi_alloc_libc, text->bytes);
    *text = (struct hwi_sim_text){0};
}

void hwi_sim_transcript_add(struct hwi_sim *sim, const char *from, const char *to,
                            const struct hwi_msg *msg)
{
    bool pulse = msg->type == HWI_MSG_heartbeat || msg->type == HWI_MSG_pong;
    if (sim->config.untold || (pulse && !sim->config.heartbeats)) {
        return;
    }
    char message[HWI_SIM_LINE_BYTES_MAX];
    hwi_msg_print(msg, message, sizeof message);
    char line[HWI_SIM_LINE_BYTES_MAX + 64];
    int length = snprintf(line, sizeof line, "[%12.3f] %s%s%s: %s\n",
                          (double)sim->now_ns / (double)HWI_NS_PER_MS, from,
                          to[0] != '\0' ? " > " : "", to, message);
    hwi_sim_text_add(&sim->transcript, line, (size_t)length);
}

const char *hwi_sim_transcript(struct hwi_sim *sim)
{
    hwi_sim_text_add(&sim->transcript, "", 1);
    sim->transcript.length--;
    return sim->transcript.bytes + sim->mark;
}

void hwi_sim_mark(struct hwi_sim *sim)
{
    sim->mark = sim->transcript.length;
}
