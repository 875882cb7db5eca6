// SPDX-License-Identifier: MIT
#include "actors/loop/ring_shape.h"

#include <stdio.h>

#include "actors/loop/ring.h"

enum { PATH_BYTES = 32 };

#define SIGNATURE "signature"

// What the record of each type keeps besides view, kind, tag and seq. `high` makes `key` a pair;
// `extra` takes the place of seq in types that have none.
static const struct {
    const char *key, *high, *extra;
} kept[HWI_MSG_TYPE_MAX] = {
    [HWI_MSG_registration] = {"ready_view", "group", "protocol"},
    [HWI_MSG_welcome] = {"peer", NULL, "heartbeat_ms"},
    [HWI_MSG_refused] = {"status", NULL, NULL},
    [HWI_MSG_heartbeat] = {"sent", NULL, "tallies"},
    [HWI_MSG_pong] = {"sent", NULL, NULL},
    [HWI_MSG_propose] = {"members", NULL, "timeout_ms"},
    [HWI_MSG_ready] = {"broken", NULL, NULL},
    [HWI_MSG_announce] = {"members", NULL, "pending"},
    [HWI_MSG_evicted] = {"status", NULL, NULL},
    [HWI_MSG_leave] = {"incarnation", NULL, NULL},
    [HWI_MSG_done] = {"count", NULL, "group"},
    [HWI_MSG_commit] = {"count", NULL, "pending"},
    [HWI_MSG_withdraw] = {"fault.status", "fault.peer_a", NULL},
    [HWI_MSG_edge_lost] = {"peer", NULL, NULL},
    [HWI_MSG_sync_offer] = {"revision", NULL, NULL},
    [HWI_MSG_sync_plan] = {"revision", NULL, NULL},
    [HWI_MSG_status] = {"committed", NULL, "members"},
    [HWI_MSG_view_file] = {"highest", NULL, "members"},
    [HWI_MSG_call] = {SIGNATURE, NULL, NULL},
    [HWI_MSG_grant] = {"granted", NULL, NULL},
    [HWI_MSG_manifest_want] = {"first", NULL, NULL},
    [HWI_MSG_manifest] = {"first", NULL, NULL},
    [HWI_MSG_blocks_want] = {"blocks", NULL, NULL},
    [HWI_MSG_open] = {"request", "group", "min_members"},
    [HWI_MSG_request] = {"request", NULL, "async"},
    [HWI_MSG_reply] = {"request", NULL, "status"},
    [HWI_MSG_lane_view] = {"self", NULL, "members"},
    [HWI_MSG_op_start] = {SIGNATURE, NULL, NULL},
    [HWI_MSG_op_fault] = {"fault.status", "fault.peer_a", NULL},
    [HWI_MSG_op_end] = {"committed", NULL, NULL},
    [HWI_MSG_op_ended] = {"bytes_received", NULL, NULL},
    [HWI_MSG_sync_start] = {"revision", NULL, NULL},
    [HWI_MSG_state_hashed] = {"revision", NULL, NULL},
    [HWI_MSG_sync_go] = {"sources", NULL, NULL},
    [HWI_MSG_state_layout] = {"tensors", NULL, NULL},
    [HWI_MSG_edge_open] = {"peer", NULL, "dial"},
    [HWI_MSG_edge_close] = {"peer", NULL, NULL},
    [HWI_MSG_edge_up] = {"peer", NULL, NULL},
    [HWI_MSG_edge_down] = {"peer", NULL, NULL},
    [HWI_MSG_op_memory] = {"request", NULL, NULL},
    [HWI_MSG_place] = {"first", "from", NULL},
    [HWI_MSG_place_more] = {"granted", "phase", NULL},
    [HWI_MSG_send] = {"first", "to", NULL},
    [HWI_MSG_reduce] = {"chunk", "operands", NULL},
    [HWI_MSG_chunk] = {"chunk", "from", NULL},
    [HWI_MSG_chunk_left] = {"chunk", "to", NULL},
    [HWI_MSG_quiesce] = {"restore", NULL, NULL},
    [HWI_MSG_quiesced] = {"bytes_received", NULL, NULL},
    [HWI_MSG_block_hash] = {"block", NULL, "tensor"},
    [HWI_MSG_block_hashed] = {"block", NULL, NULL},
    [HWI_MSG_block_send] = {"block", "to", NULL},
    [HWI_MSG_block_place] = {"block", "from", NULL},
    [HWI_MSG_block_placed] = {"block", "from", NULL},
    [HWI_MSG_wake_at] = {"at_ns", NULL, NULL},
    [HWI_MSG_stored] = {"status", NULL, NULL},
    [HWI_MSG_master_start] = {"run", NULL, "min_members"},
};

static const struct hwi_ring_place nowhere = {1, 56};

static const struct hwi_field *find(const struct hwi_layout *layout, const char *name,
                                    size_t length)
{
    for (uint32_t i = 0; i < layout->field_count; i++) {
        if (strlen(layout->fields[i].name) == length &&
            memcmp(layout->fields[i].name, name, length) == 0) {
            return &layout->fields[i];
        }
    }
    return NULL;
}

// The field at a path ("count", "op.view"), and its offset in struct hwi_msg; NULL if there is
// none.
static const struct hwi_field *find_path(uint16_t type, const char *path, size_t *offset)
{
    const struct hwi_layout *layout = hwi_layout_of(type);
    const char *dot = memchr(path, '.', strlen(path));
    *offset = offsetof(struct hwi_msg, u);
    if (layout != NULL && dot != NULL) {
        const struct hwi_field *record = find(layout, path, (size_t)(dot - path));
        if (record == NULL || record->kind != HWI_FIELD_REC) {
            return NULL;
        }
        *offset += record->offset;
        layout = record->record;
        path = dot + 1;
    }
    const struct hwi_field *field = layout != NULL ? find(layout, path, strlen(path)) : NULL;
    if (field != NULL) {
        *offset += field->kind == HWI_FIELD_LIST ? field->count_offset : field->offset;
    }
    return field;
}

// Bits of the field that a record keeps: a hash's lower half, a list's count; 0 = none.
static uint16_t bits_of(const struct hwi_field *field)
{
    switch (field->kind) {
    case HWI_FIELD_U8:
        return 8;
    case HWI_FIELD_U32:
    case HWI_FIELD_I32:
    case HWI_FIELD_LIST:
        return 32;
    case HWI_FIELD_U64:
    case HWI_FIELD_HASH:
        return 64;
    default:
        return 0;
    }
}

// Where the field at `path` is, cut to `bits_max`; nowhere if it is not a number.
static struct hwi_ring_place place(uint16_t type, const char *path, uint16_t bits_max)
{
    size_t offset;
    const struct hwi_field *field = path != NULL ? find_path(type, path, &offset) : NULL;
    if (field == NULL || !bits_of(field)) {
        return nowhere;
    }
    HWI_CHECK(offset + sizeof(uint64_t) <= sizeof(struct hwi_msg));
    uint16_t bits = HWI_MIN(bits_of(field), bits_max);
    return (struct hwi_ring_place){(uint16_t)offset, (uint16_t)(64 - bits)};
}

static bool is_nowhere(struct hwi_ring_place found)
{
    return found.offset == nowhere.offset;
}

// A field of the message's operation, or its own, or of its fault.
static struct hwi_ring_place place_own(uint16_t type, const char *name, uint16_t bits_max)
{
    static const char *const records[] = {"op.", "", "fault."};
    struct hwi_ring_place found = nowhere;
    for (uint32_t i = 0; i < HWI_COUNT(records) && is_nowhere(found); i++) {
        char path[PATH_BYTES];
        snprintf(path, sizeof path, "%s%s", records[i], name);
        found = place(type, path, bits_max);
    }
    return found;
}

static uint16_t place_signature(uint16_t type)
{
    size_t offset;
    const char *key = kept[type].key;
    bool has = key != NULL && strcmp(key, SIGNATURE) == 0 && find_path(type, key, &offset) != NULL;
    return has ? (uint16_t)offset : 0;
}

void hwi_ring_shape(uint16_t type, struct hwi_ring_shape *shape)
{
    *shape = (struct hwi_ring_shape){nowhere, nowhere, nowhere, nowhere, nowhere, nowhere, 0};
    if (hwi_layout_of(type) == NULL) {
        return;
    }
    shape->view = place_own(type, "view", 64);
    shape->tag = place_own(type, "tag", 64);
    shape->kind = place_own(type, "kind", 8);
    shape->key = place(type, kept[type].key, kept[type].high != NULL ? 32 : 64);
    shape->high = place(type, kept[type].high, 32);
    shape->seq = place(type, kept[type].extra != NULL ? kept[type].extra : "op.seq", 32);
    shape->signature = place_signature(type);
}

const char *hwi_ring_key_name(uint16_t type)
{
    return type < HWI_MSG_TYPE_MAX ? kept[type].key : NULL;
}

const char *hwi_ring_high_name(uint16_t type)
{
    return type < HWI_MSG_TYPE_MAX ? kept[type].high : NULL;
}

const char *hwi_ring_extra_name(uint16_t type)
{
    return type < HWI_MSG_TYPE_MAX ? kept[type].extra : NULL;
}
