// SPDX-License-Identifier: MIT
// Every actor's events and effects as bytes: kept for replay, hashed for the digest. A recording is
// a row of steps: now, from, message, number of effects, and for each its addressee and message.
// Native byte order.
#include "transport/sim/world.h"

static void add_u64(struct hwi_sim_text *text, uint64_t value)
{
    hwi_sim_text_add(text, &value, sizeof value);
}

static void add_message(struct hwi_sim *sim, struct hwi_sim_text *text, struct hwi_addr addr,
                        const struct hwi_msg *msg)
{
    struct hwi_sim_packet *packet = hwi_sim_packet_encode(sim, msg);
    add_u64(text, addr.role);
    add_u64(text, addr.id);
    add_u64(text, packet->length);
    hwi_sim_text_add(text, packet->bytes, packet->length);
    hwi_sim_packet_release(sim, packet);
}

void hwi_sim_digest_bytes(struct hwi_sim *sim, const void *bytes, size_t length)
{
    if (sim->config.digest == HWI_SIM_DIGEST_LIGHT) {
        sim->light_digest = XXH3_64bits_withSeed(bytes, length, sim->light_digest);
    }
}

static void digest_lightly(struct hwi_sim_process *process, uint8_t role,
                           const struct hwi_event *event, const struct hwi_effects *effects)
{
    uint64_t what[] = {
        event->now_ns,  process->incarnation << 16 | (uint64_t)role << 8 | event->from.role,
        event->from.id, event->msg->type,
        effects->count, 0};
    for (uint32_t i = 0; i < effects->count; i++) {
        const struct hwi_envelope *effect = &effects->items[i];
        what[5] = (what[5] ^ effect->to.id ^ (uint64_t)effect->msg.type << 48 ^
                   (uint64_t)effect->to.role << 56) *
                  UINT64_C(0x9e3779b97f4a7c15);
    }
    hwi_sim_digest_bytes(process->sim, what, sizeof what);
}

static void count(struct hwi_sim_process *process, uint8_t role)
{
    process->sim->costs.events++;
    process->sim->costs.master_events += role == HWI_ROLE_MASTER;
}

void hwi_sim_record(struct hwi_sim_process *process, uint8_t role, const struct hwi_event *event,
                    const struct hwi_effects *effects)
{
    struct hwi_sim *sim = process->sim;
    bool whole = sim->config.digest == HWI_SIM_DIGEST_FULL;
    count(process, role);
    if (sim->config.digest == HWI_SIM_DIGEST_LIGHT) {
        digest_lightly(process, role, event, effects);
    }
    if (sim->config.unrecorded && !whole) {
        return;
    }
    struct hwi_sim_text *text = sim->config.unrecorded ? &sim->scratch : &process->recordings[role];
    size_t begin = sim->config.unrecorded ? 0 : text->length;
    text->length = begin;
    add_u64(text, event->now_ns);
    add_message(sim, text, event->from, event->msg);
    add_u64(text, effects->count);
    for (uint32_t i = 0; i < effects->count; i++) {
        add_message(sim, text, effects->items[i].to, &effects->items[i].msg);
    }
    uint64_t whose[2] = {process->incarnation, role};
    if (whole) {
        XXH3_64bits_update(sim->digest, whose, sizeof whose);
        XXH3_64bits_update(sim->digest, text->bytes + begin, text->length - begin);
    }
}

uint64_t hwi_sim_digest(const struct hwi_sim *sim)
{
    bool light = sim->config.digest == HWI_SIM_DIGEST_LIGHT;
    return light ? sim->light_digest : XXH3_64bits_digest(sim->digest);
}
