// SPDX-License-Identifier: MIT
// The reducer's fields, for images.
#include "actors/loop/image.h"
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

// ---- a reduction --------------------------------------------------------------------------------

static void shape_fields(struct hwi_image *image, void *item)
{
    static const char *const plans[] = {
        [HWI_PLAN_AUTO] = "auto", [HWI_PLAN_ONE_SHOT] = "one_shot", [HWI_PLAN_DIRECT] = "direct"};
    struct hwi_plan_shape *shape = item;
    HWI_IMAGE_ENUM(image, "plan", shape->plan, plans);
    hwi_image_u32(image, "chunk_bytes", &shape->chunk_bytes);
    hwi_image_u32(image, "chunks", &shape->chunks);
    hwi_image_u32(image, "world", &shape->world);
    hwi_image_require(image, shape->world > 0 && shape->world <= HWI_MEMBERS_MAX);
}

static void edge_fields(struct hwi_image *image, void *item)
{
    struct hwi_reduction_edge *edge = item;
    hwi_image_u32(image, "granted", &edge->granted);
    hwi_image_u32(image, "sent", &edge->sent);
    hwi_image_bool(image, "called", &edge->called);
    hwi_image_bool(image, "stalled", &edge->stalled);
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
    uint32_t count = 0;
    for (uint32_t chunk = ledger->low; chunk < ledger->granted; chunk++) {
        count += ledger->missing[chunk % ledger->window] < ledger->due;
    }
    hwi_image_list_begin(image, "window", &count, count);
    for (uint32_t chunk = ledger->low; chunk < ledger->granted; chunk++) {
        uint32_t missing = ledger->missing[chunk % ledger->window];
        if (missing == ledger->due) {
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
        hwi_image_require(image, ledger->missing[i] <= ledger->due);
    }
}

static void visit_edges(struct hwi_image *image, struct hwi_reduction *reduction)
{
    uint32_t world = reduction->shape.world;
    hwi_image_list_begin(image, "edges", &world, world);
    hwi_image_require(image, world == reduction->shape.world);
    for (uint32_t rank = 0; rank < reduction->shape.world; rank++) {
        if (image->mode == HWI_IMAGE_PRINT && rank == reduction->self) {
            continue;
        }
        hwi_image_item_begin(image);
        if (image->mode == HWI_IMAGE_PRINT) {
            hwi_image_index(image, "rank", &rank);
        }
        edge_fields(image, &reduction->edges[rank]);
        hwi_image_item_end(image);
    }
    hwi_image_list_end(image);
}

static void visit_regions(struct hwi_image *image, struct hwi_reduction *reduction)
{
    uint32_t ends = reduction->shape.world + 1;
    if (!hwi_reduction_has_regions(reduction)) {
        return;
    }
    HWI_IMAGE_ROW(image, "begin", reduction->begin, ends);
    HWI_IMAGE_ROW(image, "first", reduction->first, ends);
    for (uint32_t i = 0; i + 1 < ends && reduction->laid && !image->failed; i++) {
        hwi_image_require(image, reduction->begin[i] <= reduction->begin[i + 1] &&
                                     reduction->first[i] <= reduction->first[i + 1]);
    }
}

static void work_fields(struct hwi_image *image, struct hwi_reduction *reduction)
{
    static const char *const states[] = {[HWI_REDUCTION_STARTING] = "starting",
                                         [HWI_REDUCTION_RUNNING] = "running",
                                         [HWI_REDUCTION_FAULTED] = "faulted",
                                         [HWI_REDUCTION_ENDING] = "ending"};
    HWI_IMAGE_ENUM(image, "state", reduction->state, states);
    hwi_image_bool(image, "in_place", &reduction->in_place);
    hwi_image_bool(image, "laid", &reduction->laid);
    hwi_image_bool(image, "done", &reduction->done);
    hwi_image_u64(image, "request", &reduction->request);
    hwi_image_u64(image, "room", &reduction->room);
    hwi_image_u64(image, "bytes", &reduction->bytes);
    hwi_image_u32(image, "root", &reduction->root);
    hwi_image_u32(image, "calls_due", &reduction->calls_due);
    hwi_image_u32(image, "chunks_due", &reduction->chunks_due);
    hwi_image_u32(image, "copies_due", &reduction->copies_due);
    hwi_image_require(image, reduction->copies_due <= reduction->shape.chunks &&
                                 reduction->root < reduction->shape.world);
    hwi_image_struct(image, "waits", &reduction->waits, waits_fields);
    hwi_image_struct(image, "ledger", &reduction->ledger, ledger_fields);
    hwi_image_require(image, reduction->laid || reduction->ledger.missing == NULL);
    visit_regions(image, reduction);
}

static void visit_reduction(struct hwi_image *image, struct hwi_reducer *reducer, uint32_t index)
{
    if (image->mode == HWI_IMAGE_LOAD) {
        reducer->reductions[index] = hwi_new(reducer->alloc, sizeof(struct hwi_reduction));
        reducer->reduction_count = index + 1;
    }
    struct hwi_reduction *reduction = reducer->reductions[index];
    HWI_IMAGE_RECORD(image, "op", op, &reduction->op);
    HWI_IMAGE_RECORD(image, "signature", signature, &reduction->signature);
    hwi_image_struct(image, "shape", &reduction->shape, shape_fields);
    hwi_image_u32(image, "self", &reduction->self);
    hwi_image_require(image, reduction->self < reduction->shape.world);
    work_fields(image, reduction);
    // An edge takes at least a byte of the image.
    hwi_image_require(image, reduction->shape.world <= hwi_image_left(image));
    if (image->failed) {
        return;
    }
    if (image->mode == HWI_IMAGE_LOAD) {
        reduction->edges =
            hwi_new(reducer->alloc, reduction->shape.world * sizeof *reduction->edges);
    }
    visit_edges(image, reduction);
    // Only what waits for its end may be of an earlier view.
    hwi_image_require(image, reduction->state == HWI_REDUCTION_ENDING ||
                                 (reduction->shape.world == reducer->world &&
                                  reduction->self == reducer->self && reducer->view != 0));
}

static void visit_reductions(struct hwi_image *image, struct hwi_reducer *reducer)
{
    uint32_t count = reducer->reduction_count;
    hwi_image_list_begin(image, "reductions", &count, HWI_OPS_MAX);
    for (uint32_t i = 0; i < count && !image->failed; i++) {
        hwi_image_item_begin(image);
        visit_reduction(image, reducer, i);
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
    visit_reductions(image, reducer);
    HWI_IMAGE_LIST(image, "early", reducer->early.peers, reducer->early.count, HWI_MEMBERS_MAX,
                   early_fields);
    reducer->early.capacity = HWI_MAX(reducer->early.capacity, reducer->early.count);
}
