// SPDX-License-Identifier: MIT
// The reducer's fields, for images.
#include "actors/loop/image.h"
#include "collectives/reducer/reducer.h"

// ---- calls that came early
// -----------------------------------------------------------------------

static void early_fields(struct hwi_image *image, void *item)
{
    struct hwi_early_peer *sender = item;
    hwi_image_u64(image, "peer", &sender->peer);
    hwi_image_u64(image, "view", &sender->view);
    HWI_IMAGE_RECORDS(image, "calls", sender->calls, sender->count, HWI_OPS_MAX,
                      hwi_layout_of(HWI_MSG_call));
    sender->capacity = HWI_MAX(sender->capacity, sender->count);
}

// ---- a reduction
// ---------------------------------------------------------------------------------

static void shape_fields(struct hwi_image *image, void *item)
{
    static const char *const plans[] = {
        [HWI_PLAN_AUTO] = "auto", [HWI_PLAN_ONE_SHOT] = "one_shot", [HWI_PLAN_DIRECT] = "direct"};
    struct hwi_plan_shape *shape = item;
    HWI_IMAGE_ENUM(image, "plan", shape->plan, plans);
    hwi_image_u32(image, "chunk_bytes", &shape->chunk_bytes);
    hwi_image_u32(image, "chunks", &shape->chunks);
    hwi_image_u32(image, "world", &shape->world);
    hwi_image_require(image, shape->chunk_bytes > 0 && shape->chunks > 0 && shape->world > 0 &&
                                 shape->world <= HWI_MEMBERS_MAX);
}

static void edge_fields(struct hwi_image *image, void *item)
{
    struct hwi_reduction_edge *edge = item;
    hwi_image_u32(image, "granted", &edge->granted);
    hwi_image_u32(image, "sent", &edge->sent);
    hwi_image_bool(image, "called", &edge->called);
}

// The chunks of which something has come: `next_rank` is who is waited for.
static void print_window(struct hwi_image *image, const struct hwi_ledger *ledger)
{
    uint32_t count = 0;
    for (uint32_t chunk = ledger->low; chunk < ledger->granted; chunk++)
        count += hwi_ledger_operands(ledger, chunk) > 1;
    hwi_image_list_begin(image, "window", &count, count);
    for (uint32_t chunk = ledger->low; chunk < ledger->granted; chunk++) {
        uint32_t here = hwi_ledger_operands(ledger, chunk);
        uint32_t next = ledger->next[chunk % ledger->window];
        if (here <= 1)
            continue;
        hwi_image_item_begin(image);
        hwi_image_index(image, "chunk", &chunk);
        hwi_image_u32(image, "operands_here", &here);
        hwi_image_index(image, "next_rank", &next);
        hwi_image_item_end(image);
    }
    hwi_image_list_end(image);
}

static void ledger_fields(struct hwi_image *image, void *item)
{
    struct hwi_ledger *ledger = item;
    hwi_image_u32(image, "low", &ledger->low);
    hwi_image_u32(image, "granted", &ledger->granted);
    hwi_image_require(image, ledger->low <= ledger->granted && ledger->granted <= ledger->count &&
                                 ledger->granted - ledger->low <= ledger->window);
    if (image->mode == HWI_IMAGE_PRINT) {
        print_window(image, ledger);
        return;
    }
    hwi_image_row_in(image, "arrived", ledger->arrived, sizeof(uint64_t),
                     ledger->window * hwi_ledger_words(ledger->world));
    hwi_image_row_in(image, "next", ledger->next, sizeof(uint32_t), ledger->window);
    for (uint32_t i = 0; i < ledger->window; i++)
        hwi_image_require(image, ledger->next[i] <= ledger->world);
}

static void work_fields(struct hwi_image *image, struct hwi_reduction *reduction)
{
    static const char *const states[] = {[HWI_REDUCTION_STARTING] = "starting",
                                         [HWI_REDUCTION_RUNNING] = "running",
                                         [HWI_REDUCTION_FAULTED] = "faulted",
                                         [HWI_REDUCTION_ENDING] = "ending"};
    HWI_IMAGE_ENUM(image, "state", reduction->state, states);
    hwi_image_bool(image, "done", &reduction->done);
    hwi_image_u64(image, "bytes", &reduction->bytes);
    hwi_image_u32(image, "calls_due", &reduction->calls_due);
    hwi_image_u32(image, "gathers_due", &reduction->gathers_due);
    hwi_image_u32(image, "copies_due", &reduction->copies_due);
    hwi_image_require(image, reduction->copies_due <= reduction->shape.chunks);
    hwi_image_struct(image, "ledger", &reduction->ledger, ledger_fields);
    uint32_t world = reduction->shape.world;
    hwi_image_list_begin(image, "edges", &world, world);
    hwi_image_require(image, world == reduction->shape.world);
    for (uint32_t rank = 0; rank < reduction->shape.world; rank++) {
        if (image->mode == HWI_IMAGE_PRINT && rank == reduction->ledger.self)
            continue;
        hwi_image_item_begin(image);
        if (image->mode == HWI_IMAGE_PRINT)
            hwi_image_index(image, "rank", &rank);
        edge_fields(image, &reduction->edges[rank]);
        hwi_image_item_end(image);
    }
    hwi_image_list_end(image);
}

// The memory behind a reduction follows from its shape: it takes about as many bytes in the image.
static struct hwi_reduction *make(struct hwi_image *image, const struct hwi_reducer *reducer,
                                  const struct hwi_reduction *head, uint32_t self)
{
    hwi_image_require(image, self < head->shape.world);
    if (image->failed)
        return NULL;
    hwi_image_require(image, hwi_reduction_behind(&head->shape, self) <=
                                 2 * (uint64_t)hwi_image_left(image));
    if (image->failed)
        return NULL;
    struct hwi_reduction *reduction = hwi_reduction_make(reducer->alloc, &head->shape, self);
    reduction->op = head->op;
    reduction->signature = head->signature;
    return reduction;
}

static void visit_reduction(struct hwi_image *image, struct hwi_reducer *reducer, uint32_t index)
{
    struct hwi_reduction none = {0}, *reduction = reducer->reductions[index];
    struct hwi_reduction *head = reduction ? reduction : &none;
    uint32_t self = head->ledger.self;
    HWI_IMAGE_RECORD(image, "op", op, &head->op);
    HWI_IMAGE_RECORD(image, "signature", signature, &head->signature);
    hwi_image_struct(image, "shape", &head->shape, shape_fields);
    hwi_image_u32(image, "self", &self);
    if (image->mode == HWI_IMAGE_LOAD)
        reduction = make(image, reducer, head, self);
    if (!reduction)
        return;
    reducer->reductions[index] = reduction;
    reducer->reduction_count = HWI_MAX(reducer->reduction_count, index + 1);
    work_fields(image, reduction);
    // Only what waits for its end may be of an earlier view.
    hwi_image_require(image, reduction->state == HWI_REDUCTION_ENDING ||
                                 (reduction->shape.world == reducer->world &&
                                  self == reducer->self && reducer->view != 0));
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
