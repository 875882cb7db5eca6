// SPDX-License-Identifier: MIT
// The reducer's fields, for images.
#include <hawser/types.h>

#include "actors/base/dtype.h"
#include "actors/loop/image.h"
#include "collectives/reducer/collective.h"
#include "collectives/reducer/reducer.h"

// ---- calls that came early ----------------------------------------------------------------------

static void early_fields(struct hwi_image *image, void *item)
{
    struct hwi_early_peer *sender = item;
    hwi_image_u64(image, "peer", &sender->peer);
    hwi_image_u64(image, "view", &sender->view);
    HWI_IMAGE_RECORDS(image, "calls", sender->calls, sender->count, HWI_OPS_MAX,
                      hwi_layout_of(HWI_MSG_call));
    sender->capacity = HWI_MAX(sender->capacity, sender->count);
}

// ---- a collective -------------------------------------------------------------------------------

static void shape_fields(struct hwi_image *image, void *item)
{
#define PLAN_NAME(name, value, text) [value] = text,
    static const char *const plans[] = {HWI_PLANS(PLAN_NAME)};
    struct hwi_plan_shape *shape = item;
    HWI_IMAGE_ENUM(image, "asked", shape->asked, plans);
    hwi_image_u32(image, "world", &shape->world);
    hwi_image_u32(image, "root", &shape->root);
    hwi_image_u64(image, "bytes", &shape->bytes);
    hwi_image_u32(image, "chunk_bytes", &shape->chunk_bytes);
    hwi_image_u32(image, "chunks", &shape->chunks);
    hwi_image_u32(image, "phases", &shape->phases);
    hwi_image_u32(image, "slots", &shape->slots);
    hwi_image_require(image, shape->world > 0 && shape->world <= HWI_MEMBERS_MAX &&
                                 shape->root < shape->world && shape->phases <= HWI_PHASES_MAX);
}

static void waits_fields(struct hwi_image *image, void *item)
{
    struct hwi_waits *waits = item;
    hwi_image_time(image, "started", &waits->started_ns);
    hwi_image_time(image, "called", &waits->called_ns);
    hwi_image_time(image, "stalled_from", &waits->stalled_from_ns);
    hwi_image_u64(image, "stalled_ns", &waits->stalled_ns);
    hwi_image_u32(image, "stalled", &waits->stalled);
}

// The chunks of which something has come.
static void print_window(struct hwi_image *image, const struct hwi_ledger *ledger)
{
    uint32_t count = 0, all = ledger->due + ledger->out;
    for (uint32_t chunk = ledger->low; chunk < ledger->granted; chunk++) {
        count += ledger->missing[chunk % ledger->window] < all;
    }
    hwi_image_list_begin(image, "window", &count, count);
    for (uint32_t chunk = ledger->low; chunk < ledger->granted; chunk++) {
        uint32_t missing = ledger->missing[chunk % ledger->window];
        if (missing == all) {
            continue;
        }
        hwi_image_item_begin(image);
        hwi_image_index(image, "chunk", &chunk);
        hwi_image_index(image, "missing", &missing);
        hwi_image_item_end(image);
    }
    hwi_image_list_end(image);
}

static void ledger_fields(struct hwi_image *image, void *item)
{
    struct hwi_ledger *ledger = item;
    hwi_image_u32(image, "count", &ledger->count);
    hwi_image_u32(image, "window", &ledger->window);
    hwi_image_u32(image, "due", &ledger->due);
    hwi_image_u32(image, "out", &ledger->out);
    hwi_image_u32(image, "low", &ledger->low);
    hwi_image_u32(image, "granted", &ledger->granted);
    hwi_image_require(image, ledger->low <= ledger->granted && ledger->granted <= ledger->count &&
                                 ledger->granted - ledger->low <= ledger->window);
    if (image->mode == HWI_IMAGE_PRINT) {
        print_window(image, ledger);
        return;
    }
    HWI_IMAGE_ROW(image, "missing", ledger->missing, ledger->window);
    for (uint32_t i = 0; i < ledger->window && !image->failed; i++) {
        hwi_image_require(image, ledger->missing[i] <= (uint64_t)ledger->due + ledger->out);
    }
}

static void stage_fields(struct hwi_image *image, void *item)
{
    struct hwi_stage *stage = item;
    hwi_image_u32(image, "first", &stage->first);
    hwi_image_u32(image, "rows", &stage->rows);
    hwi_image_struct(image, "ledger", &stage->ledger, ledger_fields);
}

static void visit_hops(struct hwi_image *image, const struct hwi_collective *collective,
                       uint32_t rank)
{
    uint32_t phases = collective->phases_max;
    hwi_image_list_begin(image, "phases", &phases, phases);
    hwi_image_require(image, phases == collective->phases_max);
    for (uint32_t phase = 1; phase <= collective->phases_max && !image->failed; phase++) {
        struct hwi_collective_hop *hop = hwi_collective_hop(collective, phase, rank);
        hwi_image_item_begin(image);
        hwi_image_u32(image, "granted", &hop->granted);
        hwi_image_u32(image, "open", &hop->open);
        hwi_image_item_end(image);
    }
    hwi_image_list_end(image);
}

static void visit_edges(struct hwi_image *image, struct hwi_collective *collective)
{
    uint32_t world = collective->shape.world;
    hwi_image_list_begin(image, "edges", &world, world);
    hwi_image_require(image, world == collective->shape.world);
    for (uint32_t rank = 0; rank < collective->shape.world; rank++) {
        struct hwi_collective_edge *edge = &collective->edges[rank];
        if (image->mode == HWI_IMAGE_PRINT && rank == collective->self) {
            continue;
        }
        hwi_image_item_begin(image);
        if (image->mode == HWI_IMAGE_PRINT) {
            hwi_image_index(image, "rank", &rank);
        }
        hwi_image_bool(image, "called", &edge->called);
        hwi_image_bool(image, "stalled", &edge->stalled);
        visit_hops(image, collective, rank);
        hwi_image_item_end(image);
    }
    hwi_image_list_end(image);
}

static void visit_regions(struct hwi_image *image, struct hwi_collective *collective)
{
    struct hwi_plan_shape *shape = &collective->shape;
    uint32_t ends = shape->world + 1;
    if (!hwi_collective_has_regions(collective)) {
        return;
    }
    HWI_IMAGE_ROW(image, "begin", shape->begin, ends);
    HWI_IMAGE_ROW(image, "first", shape->first, ends);
    for (uint32_t i = 0; i + 1 < ends && collective->laid && !image->failed; i++) {
        hwi_image_require(image, shape->begin[i] <= shape->begin[i + 1] &&
                                     shape->first[i] <= shape->first[i + 1]);
    }
}

static void visit_stages(struct hwi_image *image, struct hwi_collective *collective)
{
    bool known = hwi_collective_is_known(collective);
    HWI_IMAGE_LIST(image, "stages", collective->stages, collective->stage_count, HWI_PHASES_MAX,
                   stage_fields);
    hwi_image_require(image, collective->stage_count == (known ? collective->shape.phases : 0));
}

static void work_fields(struct hwi_image *image, struct hwi_collective *collective)
{
    static const char *const states[] = {[HWI_COLLECTIVE_STARTING] = "starting",
                                         [HWI_COLLECTIVE_RUNNING] = "running",
                                         [HWI_COLLECTIVE_FAULTED] = "faulted",
                                         [HWI_COLLECTIVE_ENDING] = "ending"};
    HWI_IMAGE_ENUM(image, "state", collective->state, states);
    hwi_image_bool(image, "in_place", &collective->in_place);
    hwi_image_bool(image, "laid", &collective->laid);
    hwi_image_bool(image, "done", &collective->done);
    hwi_image_u64(image, "request", &collective->request);
    hwi_image_u64(image, "room", &collective->room);
    hwi_image_u32(image, "calls_due", &collective->calls_due);
    hwi_image_u32(image, "chunks_due", &collective->chunks_due);
    hwi_image_u32(image, "copies_due", &collective->copies_due);
    hwi_image_require(image, collective->copies_due <= collective->shape.chunks);
    hwi_image_struct(image, "waits", &collective->waits, waits_fields);
    visit_regions(image, collective);
    visit_stages(image, collective);
}

// The derived fields.
static void make_rest(const struct hwi_reducer *reducer, struct hwi_collective *collective)
{
    struct hwi_plan_shape *shape = &collective->shape;
    size_t hops = (size_t)collective->phases_max * shape->world;
    if (hwi_collective_is_known(collective)) {
        shape->ops = hwi_plan_choose(shape);
    }
    collective->edges = hwi_new(reducer->alloc, shape->world * sizeof *collective->edges);
    collective->hops = hwi_new(reducer->alloc, hops * sizeof *collective->hops);
}

static void visit_collective(struct hwi_image *image, struct hwi_reducer *reducer, uint32_t index)
{
    if (image->mode == HWI_IMAGE_LOAD) {
        reducer->collectives[index] = hwi_new(reducer->alloc, sizeof(struct hwi_collective));
        reducer->collective_count = index + 1;
    }
    struct hwi_collective *collective = reducer->collectives[index];
    struct hwi_plan_shape *shape = &collective->shape;
    HWI_IMAGE_RECORD(image, "op", op, &collective->op);
    HWI_IMAGE_RECORD(image, "signature", signature, &collective->signature);
    hwi_image_struct(image, "shape", shape, shape_fields);
    hwi_image_u32(image, "self", &collective->self);
    hwi_image_require(image, collective->self < shape->world);
    if (image->mode == HWI_IMAGE_LOAD) {
        shape->kind = collective->signature.kind;
        shape->redop = collective->signature.redop;
        shape->unit_bytes = hwi_dtype_unit(collective->signature.dtype);
        collective->phases_max = hwi_plan_phases_max(shape->world);
    }
    hwi_image_require(image, shape->phases <= collective->phases_max); // more have no hops
    work_fields(image, collective);
    // An edge takes at least a byte of the image.
    hwi_image_require(image, shape->world <= hwi_image_left(image) && shape->unit_bytes > 0);
    if (image->failed) {
        return;
    }
    if (image->mode == HWI_IMAGE_LOAD) {
        make_rest(reducer, collective);
    }
    visit_edges(image, collective);
    // Only what waits for its end may be of an earlier view.
    hwi_image_require(image, collective->state == HWI_COLLECTIVE_ENDING ||
                                 (shape->world == reducer->world &&
                                  collective->self == reducer->self && reducer->view != 0));
}

static void visit_collectives(struct hwi_image *image, struct hwi_reducer *reducer)
{
    uint32_t count = reducer->collective_count;
    hwi_image_list_begin(image, "collectives", &count, HWI_OPS_MAX);
    for (uint32_t i = 0; i < count && !image->failed; i++) {
        hwi_image_item_begin(image);
        visit_collective(image, reducer, i);
        hwi_image_item_end(image);
    }
    hwi_image_list_end(image);
}

void hwi_reducer_image(struct hwi_image *image, void *state)
{
    struct hwi_reducer *reducer = state;
    hwi_image_time(image, "now", &reducer->now_ns);
    hwi_image_u64(image, "view", &reducer->view);
    hwi_image_u32(image, "world", &reducer->world);
    hwi_image_u32(image, "self", &reducer->self);
    HWI_IMAGE_ROW(image, "members", reducer->members, reducer->world);
    HWI_IMAGE_ROW(image, "ahead_bytes", reducer->ahead_bytes, reducer->world);
    hwi_image_require(image, reducer->view == 0 || reducer->self < reducer->world);
    visit_collectives(image, reducer);
    HWI_IMAGE_LIST(image, "early", reducer->early.peers, reducer->early.count, HWI_MEMBERS_MAX,
                   early_fields);
    reducer->early.capacity = HWI_MAX(reducer->early.capacity, reducer->early.count);
}
