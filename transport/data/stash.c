// SPDX-License-Identifier: MIT
// Eager frames: they came before their operation was called here, or ahead of its grant.
#include "transport/data/bits.h"
#include "transport/data/edge.h"
#include "transport/data/incoming.h"
#include "transport/data/payload.h"
#include "transport/data/port.h"
#include "transport/data/row.h"
#include "transport/data/stash.h"

static const char *const beyond = "more was sent ahead of the grant than may be";

static void forget(struct hwi_data *data, struct hwi_stash *stash, struct hwi_stashed *stashed)
{
    stash->bytes -= stashed->frame.element_bytes;
    stash->frames--;
    hwi_pool_give(&data->pool, stashed->payload);
    hwi_free(data->alloc, stashed);
}

static void append(struct hwi_stash *stash, struct hwi_stashed *stashed)
{
    stashed->next = NULL;
    if (stash->last != NULL) {
        stash->last->next = stashed;
    } else {
        stash->first = stashed;
    }
    stash->last = stashed;
}

// Empties the list and returns what was in it, for a pass that appends again what stays.
static struct hwi_stashed *take_list(struct hwi_stash *stash)
{
    struct hwi_stashed *list = stash->first;

    stash->first = stash->last = NULL;
    return list;
}

void hwi_stash_drop(struct hwi_data *data, struct hwi_port_edge *edge)
{
    for (struct hwi_stashed *at = take_list(&edge->stash), *next; at != NULL; at = next) {
        next = at->next;
        data->stats.frames_dropped++;
        forget(data, &edge->stash, at);
    }
}

void hwi_stash_drop_op(struct hwi_data *data, struct hwi_port_edge *edge, struct hwi_op op)
{
    for (struct hwi_stashed *at = take_list(&edge->stash), *next; at != NULL; at = next) {
        next = at->next;
        if (!hwi_op_equal(at->frame.op, op)) {
            append(&edge->stash, at);
            continue;
        }
        data->stats.frames_dropped++;
        forget(data, &edge->stash, at);
    }
}

// A frame of a newer view proves that all older ones are decided.
static bool move_to_view(struct hwi_data *data, struct hwi_port_edge *edge, uint64_t view)
{
    if (view < edge->stash.view) {
        return false;
    }
    if (view > edge->stash.view) {
        hwi_stash_drop(data, edge);
        hwi_frames_in_discard_stash(data, edge->peer, view);
        edge->stash.view = view;
    }
    return true;
}

enum hwi_fit hwi_stash_admit(struct hwi_data *data, struct hwi_port_edge *edge,
                             const struct hwi_frame *frame, const char **why)
{
    if (!move_to_view(data, edge, frame->op.view)) {
        return HWI_FIT_DROP;
    }
    if (frame->element_bytes > HWI_EAGER_BYTES_MAX) {
        *why = beyond;
        return HWI_FIT_BROKEN;
    }
    return HWI_FIT_STASH;
}

// Copies it to where it belongs, if it has a place by now. Returns false if it must continue to
// wait.
static bool deliver(struct hwi_data *data, struct hwi_port_edge *edge,
                    const struct hwi_stashed *stashed, const char **why)
{
    struct hwi_row *row;
    const char *wrong;
    uint32_t chunk;

    switch (hwi_row_fit(data, edge->peer, &stashed->frame, &row, &chunk, why)) {
    case HWI_FIT_STASH:
        return false;
    case HWI_FIT_TAKE:
        wrong = hwi_payload_place(data, row->op, &stashed->frame, stashed->payload,
                                  hwi_row_claim(row, chunk));
        if (wrong != NULL) {
            hwi_bit_clear(row->claimed, chunk - row->first);
            *why = wrong;
            return true;
        }
        hwi_row_arrived(data, row, chunk, &stashed->frame, stashed->sum);
        return true;
    default:
        data->stats.frames_dropped++;
        return true;
    }
}

const char *hwi_stash_arrived(struct hwi_data *data, struct hwi_port_edge *edge,
                              const struct hwi_frame *frame, uint64_t sum, void **payload)
{
    struct hwi_stash *stash = &edge->stash;
    const struct hwi_stashed here = {.frame = *frame, .sum = sum, .payload = *payload};
    const char *why = NULL;

    if (deliver(data, edge, &here, &why)) { // its row came while it was on the way
        return why;
    }
    if (frame->element_bytes > HWI_EAGER_BYTES_MAX - stash->bytes ||
        stash->frames >= HWI_STASH_FRAMES_MAX) {
        return beyond;
    }
    struct hwi_stashed *stashed = hwi_try_new(data->alloc, sizeof *stashed);
    if (stashed == NULL) {
        return hwi_payload_no_memory;
    }
    *stashed = here;
    append(stash, stashed);
    stash->bytes += frame->element_bytes;
    stash->frames++;
    *payload = NULL;
    return NULL;
}

const char *hwi_stash_flush(struct hwi_data *data, struct hwi_port_edge *edge, struct hwi_op op,
                            uint8_t phase)
{
    const char *why = NULL;

    for (struct hwi_stashed *at = take_list(&edge->stash), *next; at != NULL; at = next) {
        next = at->next;
        bool concerned = hwi_op_equal(at->frame.op, op) && at->frame.phase == phase;
        if (concerned && deliver(data, edge, at, &why)) {
            forget(data, &edge->stash, at);
        } else {
            append(&edge->stash, at);
        }
    }
    return why;
}
