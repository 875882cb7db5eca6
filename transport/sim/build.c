// SPDX-License-Identifier: MIT
// Speaks for a process of another build of Hawser: the same messages, with fields behind the known
// ones of each record, and messages that nobody here knows.
#include "transport/sim/world.h"

#include <msgpack.h>

#include "actors/wire/codec.h"

enum {
    UNKNOWN_TYPE = 127,  // no message has it
    UNKNOWN_IN = 16,     // one message in 16 is followed by one that nobody knows
    REGISTRATION_AT = 1, // its protocol stands behind the type
};

static void pack_values(msgpack_packer *packer, const struct hwi_layout *layout,
                        const msgpack_object_array *values);

// The fields that a newer build has added.
static void pack_unknown(msgpack_packer *packer)
{
    msgpack_pack_array(packer, 2);
    msgpack_pack_uint64(packer, UINT64_MAX);
    msgpack_pack_nil(packer);
}

static void pack_record(msgpack_packer *packer, const struct hwi_layout *layout,
                        const msgpack_object *record)
{
    msgpack_pack_array(packer, record->via.array.size + 1);
    pack_values(packer, layout, &record->via.array);
    pack_unknown(packer);
}

static void pack_list(msgpack_packer *packer, const struct hwi_layout *layout,
                      const msgpack_object *list)
{
    msgpack_pack_array(packer, list->via.array.size);
    for (uint32_t i = 0; i < list->via.array.size; i++) {
        pack_record(packer, layout, &list->via.array.ptr[i]);
    }
}

static void pack_values(msgpack_packer *packer, const struct hwi_layout *layout,
                        const msgpack_object_array *values)
{
    for (uint32_t i = 0; i < layout->field_count; i++) {
        const struct hwi_field *field = &layout->fields[i];
        if (field->kind == HWI_FIELD_REC) {
            pack_record(packer, field->record, &values->ptr[i]);
        } else if (field->kind == HWI_FIELD_LIST) {
            pack_list(packer, field->record, &values->ptr[i]);
        } else {
            msgpack_pack_object(packer, values->ptr[i]);
        }
    }
}

static void pack_message(msgpack_packer *packer, enum hwi_sim_build build,
                         msgpack_object_array *message)
{
    uint16_t type = (uint16_t)message->ptr[0].via.u64;
    if (build == HWI_SIM_BUILD_FOREIGN && type == HWI_MSG_registration) {
        message->ptr[REGISTRATION_AT].via.u64++;
    }
    msgpack_object_array fields = {message->size - 1, message->ptr + 1};
    msgpack_pack_array(packer, message->size + 1);
    msgpack_pack_uint16(packer, type);
    pack_values(packer, hwi_layout_of(type), &fields);
    pack_unknown(packer);
}

struct hwi_sim_packet *hwi_sim_packet_of_build(struct hwi_sim *sim,
                                               const struct hwi_sim_packet *packet,
                                               enum hwi_sim_build build)
{
    msgpack_unpacked unpacked;
    msgpack_sbuffer bytes;
    msgpack_packer packer;
    size_t offset = 0;
    msgpack_unpacked_init(&unpacked);
    msgpack_sbuffer_init(&bytes);
    msgpack_packer_init(&packer, &bytes, msgpack_sbuffer_write);
    HWI_CHECK(msgpack_unpack_next(&unpacked, (const char *)packet->bytes, packet->length,
                                  &offset) == MSGPACK_UNPACK_SUCCESS);
    pack_message(&packer, build, &unpacked.data.via.array);
    struct hwi_sim_packet *made =
        hwi_sim_packet_of(sim, (const unsigned char *)bytes.data, bytes.size);
    msgpack_sbuffer_destroy(&bytes);
    msgpack_unpacked_destroy(&unpacked);
    return made;
}

struct hwi_sim_packet *hwi_sim_packet_unknown(struct hwi_sim *sim)
{
    static const unsigned char bytes[] = {0x92, UNKNOWN_TYPE, 0x01}; // an array: its type, a field
    return hwi_sim_draw(sim, UNKNOWN_IN) == 0 ? hwi_sim_packet_of(sim, bytes, sizeof bytes) : NULL;
}
