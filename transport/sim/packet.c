// SPDX-License-Identifier: MIT
// Encoded messages on their way. Small ones come from a list of used ones; what a step says to many
// with the same long lists (a view of ten thousand members) is encoded once and decoded once.
#include "transport/sim/world.h"

#include <stdlib.h>
#include <string.h>

#include "actors/wire/letter.h"

enum {
    SMALL_BYTES = 512, // of a packet that is used again
    SHARED_ITEMS = 64, // a message with a list this long may share its encoding
};

static struct hwi_sim_packet *packet_with(struct hwi_sim *sim, size_t bytes)
{
    struct hwi_sim_packet *packet = sim->free_packets;
    if (bytes <= SMALL_BYTES && packet != NULL) {
        sim->free_packets = packet->next_free;
    } else {
        size_t capacity = HWI_MAX(bytes, (size_t)SMALL_BYTES);
        packet = hwi_resize(&hwi_alloc_libc, NULL, sizeof *packet + capacity);
        packet->capacity = capacity;
    }
    packet->references = 1;
    packet->length = 0;
    packet->sealed = false;
    packet->next_free = NULL;
    packet->decoded = NULL;
    packet->decoded_block = NULL;
    return packet;
}

void hwi_sim_packet_release(struct hwi_sim *sim, struct hwi_sim_packet *packet)
{
    if (packet == NULL || --packet->references > 0) {
        return;
    }
    if (packet->decoded != NULL) {
        free(packet->decoded_block);
        free(packet->decoded);
    }
    if (packet->capacity == SMALL_BYTES) {
        packet->next_free = sim->free_packets;
        sim->free_packets = packet;
    } else {
        hwi_free(&hwi_alloc_libc, packet);
    }
}

struct hwi_sim_packet *hwi_sim_packet_of(struct hwi_sim *sim, const unsigned char *bytes,
                                         size_t length)
{
    struct hwi_sim_packet *packet = packet_with(sim, length);
    packet->length = (uint32_t)length;
    memcpy(packet->bytes, bytes, length);
    return packet;
}

struct hwi_sim_packet *hwi_sim_packet_encode(struct hwi_sim *sim, const struct hwi_msg *msg)
{
    struct hwi_sim_packet *packet = packet_with(sim, SMALL_BYTES);
    size_t length = 0;
    int error = hwi_encode_into(msg, packet->bytes, packet->capacity, &length);
    if (error == HWI_CODEC_OK) {
        packet->length = (uint32_t)length;
        return packet;
    }
    hwi_sim_packet_release(sim, packet);
    unsigned char *bytes = NULL;
    HWI_CHECK(error == HWI_CODEC_ROOM && hwi_encode(msg, &bytes, &length) == HWI_CODEC_OK);
    packet = hwi_sim_packet_of(sim, bytes, length);
    free(bytes);
    return packet;
}

// ---- bursts

static uint32_t items_of(const struct hwi_msg *msg, const struct hwi_field *field)
{
    uint32_t count;
    memcpy(&count, (const char *)&msg->u + field->count_offset, sizeof count);
    return count;
}

static const void *list_of(const struct hwi_msg *msg, const struct hwi_field *field)
{
    const void *list;
    memcpy(&list, (const char *)&msg->u + field->offset, sizeof list);
    return list;
}

static bool has_long_list(const struct hwi_msg *msg)
{
    const struct hwi_layout *layout = hwi_layout_of(msg->type);
    uint64_t items = 0;
    for (uint32_t i = 0; i < layout->field_count; i++) {
        if (layout->fields[i].kind == HWI_FIELD_LIST) {
            items += items_of(msg, &layout->fields[i]);
        }
    }
    return items >= SHARED_ITEMS;
}

// Effects are not changed once their step is over: the same memory holds the same list.
static bool same_lists(const struct hwi_msg *a, const struct hwi_msg *b)
{
    const struct hwi_layout *layout = hwi_layout_of(a->type);
    bool same = a->type == b->type;
    for (uint32_t i = 0; same && i < layout->field_count; i++) {
        const struct hwi_field *field = &layout->fields[i];
        same = field->kind != HWI_FIELD_LIST ||
               (items_of(a, field) == items_of(b, field) && list_of(a, field) == list_of(b, field));
    }
    return same;
}

static void adopt_lists(struct hwi_msg *msg, const struct hwi_msg *from)
{
    const struct hwi_layout *layout = hwi_layout_of(msg->type);
    for (uint32_t i = 0; i < layout->field_count; i++) {
        const struct hwi_field *field = &layout->fields[i];
        if (field->kind == HWI_FIELD_LIST) {
            memcpy((char *)&msg->u + field->offset, (const char *)&from->u + field->offset,
                   sizeof(void *));
        }
    }
}

struct hwi_sim_packet *hwi_sim_packet_new(struct hwi_sim *sim, const struct hwi_msg *msg,
                                          struct hwi_msg **flat)
{
    struct hwi_sim_burst *burst = &sim->burst;
    *flat = NULL;
    if (!has_long_list(msg)) {
        return hwi_sim_packet_encode(sim, msg);
    }
    if (burst->packet != NULL && burst->step == sim->step && same_lists(&burst->msg, msg)) {
        burst->packet->references++;
    } else {
        hwi_sim_packet_release(sim, burst->packet);
        burst->packet = hwi_sim_packet_encode(sim, msg);
        burst->packet->references++;
        burst->step = sim->step;
        burst->msg = *msg;
    }
    *flat = hwi_resize(&hwi_alloc_libc, NULL, sizeof(**flat));
    **flat = *msg;
    return burst->packet;
}

struct hwi_sim_packet *hwi_sim_packet_cut(struct hwi_sim *sim, const struct hwi_sim_packet *packet,
                                          uint32_t length)
{
    return hwi_sim_packet_of(sim, packet->bytes, length);
}

struct hwi_sim_packet *hwi_sim_packet_flip(struct hwi_sim *sim, const struct hwi_sim_packet *packet,
                                           struct hwi_addr session)
{
    struct hwi_sim_packet *letter = packet_with(sim, packet->length + HWI_LETTER_SUM_BYTES);
    memcpy(letter->bytes, packet->bytes, packet->length);
    hwi_letter_sum(packet->bytes, packet->length, session, letter->bytes + packet->length);
    letter->length = packet->length + HWI_LETTER_SUM_BYTES;
    letter->sealed = true;
    uint64_t bit = hwi_sim_draw(sim, 8 * (uint64_t)letter->length);
    letter->bytes[bit / 8] ^= (unsigned char)(1u << bit % 8);
    return letter;
}

bool hwi_sim_packet_open(struct hwi_sim_packet *packet, struct hwi_addr session)
{
    size_t length = packet->length;
    bool holds = !packet->sealed || hwi_letter_open(packet->bytes, length, session, &length);
    packet->sealed = packet->sealed && !holds;
    packet->length = (uint32_t)length;
    return holds;
}

static bool decode_shared(struct hwi_sim_packet *packet)
{
    struct hwi_msg msg;
    if (packet->decoded == NULL) {
        void *block = NULL;
        if (hwi_decode(packet->bytes, packet->length, &msg, &block) != HWI_CODEC_OK) {
            return false;
        }
        packet->decoded = hwi_resize(&hwi_alloc_libc, NULL, sizeof msg);
        *packet->decoded = msg;
        packet->decoded_block = block;
    }
    return true;
}

bool hwi_sim_packet_read(struct hwi_sim_packet *packet, const struct hwi_msg *flat,
                         struct hwi_msg *msg, void **block)
{
    *block = NULL;
    if (flat == NULL) {
        return hwi_decode(packet->bytes, packet->length, msg, block) == HWI_CODEC_OK;
    }
    if (!decode_shared(packet)) {
        return false;
    }
    *msg = *flat;
    adopt_lists(msg, packet->decoded);
    return true;
}

void hwi_sim_packets_fini(struct hwi_sim *sim)
{
    hwi_sim_packet_release(sim, sim->burst.packet);
    while (sim->free_packets != NULL) {
        struct hwi_sim_packet *packet = sim->free_packets;
        sim->free_packets = packet->next_free;
        hwi_free(&hwi_alloc_libc, packet);
    }
}
