// SPDX-License-Identifier: MIT
#include "actors/master/shape.h"

#include <stdio.h>
#include <string.h>

#include <hawser/types.h>

#include "actors/base/dtype.h"
#include "actors/base/rows.h"
#include "actors/master/master.h"

enum {
    TENSOR_TEXT_BYTES = 64,
    NAME_SHOWN = 20, // bytes of a tensor's name: two fit a reason
};

static const struct hwi_master_shape *find_shape(const struct hwi_master *master,
                                                 struct hwi_hash layout)
{
    for (uint32_t i = 0; i < master->shape_count; i++) {
        if (hwi_hash_equal(master->shapes[i].layout, layout)) {
            return &master->shapes[i];
        }
    }
    return NULL;
}

void hwi_master_shape_note(struct hwi_master *master, const struct hwi_msg_sync_offer *offer)
{
    if (offer->tensors_count == 0 || find_shape(master, offer->layout) != NULL) {
        return;
    }
    if (master->shape_count == HWI_MASTER_SHAPES_MAX) { // the oldest fault is dropped
        hwi_free(master->alloc, master->shapes[0].tensors);
        HWI_ROWS_REMOVE(master->shapes, &master->shape_count, 0);
    }
    struct hwi_master_shape *shape = &master->shapes[master->shape_count];
    *shape = (struct hwi_master_shape){.layout = offer->layout};
    size_t bytes = offer->tensors_count * sizeof *shape->tensors;
    shape->tensors = hwi_new(master->alloc, bytes);
    shape->tensor_count = offer->tensors_count;
    memcpy(shape->tensors, offer->tensors, bytes);
    master->shape_count++;
}

void hwi_master_shapes_forget(struct hwi_master *master)
{
    while (master->shape_count > 0) {
        hwi_free(master->alloc, master->shapes[--master->shape_count].tensors);
    }
}

static bool same(const struct hwi_tensor *a, const struct hwi_tensor *b)
{
    return strcmp(a->name, b->name) == 0 && a->dtype == b->dtype && a->bytes == b->bytes &&
           a->may_differ == b->may_differ;
}

// "w2" f32 x 100; or "none", behind the last.
static void print_tensor(char text[TENSOR_TEXT_BYTES], const struct hwi_master_shape *shape,
                         uint32_t index)
{
    if (index >= shape->tensor_count) {
        snprintf(text, TENSOR_TEXT_BYTES, "none");
        return;
    }
    const struct hwi_tensor *tensor = &shape->tensors[index];
    snprintf(text, TENSOR_TEXT_BYTES, "\"%.*s%s\" %s x %llu%s", NAME_SHOWN, tensor->name,
             strlen(tensor->name) > NAME_SHOWN ? ".." : "",
             hws_dtype_name((hws_dtype)tensor->dtype),
             (unsigned long long)hwi_dtype_count(tensor->dtype, tensor->bytes),
             tensor->may_differ ? " (may differ)" : "");
}

void hwi_master_shape_compare(const struct hwi_master *master, struct hwi_hash layout,
                              const struct hwi_master_session *winner,
                              char reason[HWI_TEXT_BYTES_MAX])
{
    const struct hwi_master_shape *here = find_shape(master, layout);
    const struct hwi_master_shape *there = find_shape(master, winner->offer.layout);
    if (here == NULL || there == NULL) {
        snprintf(reason, HWI_TEXT_BYTES_MAX,
                 "its tensors are not those of member %llu (names, types, sizes, order)",
                 (unsigned long long)winner->peer);
        return;
    }
    uint32_t index = 0;
    while (index < here->tensor_count && index < there->tensor_count &&
           same(&here->tensors[index], &there->tensors[index])) {
        index++;
    }
    char ours[TENSOR_TEXT_BYTES], theirs[TENSOR_TEXT_BYTES];
    print_tensor(ours, here, index);
    print_tensor(theirs, there, index);
    int length = snprintf(reason, HWI_TEXT_BYTES_MAX, "tensor %u is %s here, %s on member %llu",
                          (unsigned)index, ours, theirs, (unsigned long long)winner->peer);
    if (length >= HWI_TEXT_BYTES_MAX) {
        memcpy(reason + HWI_TEXT_BYTES_MAX - 3, "..", 3);
    }
}
