// SPDX-License-Identifier: MIT
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <hawser/types.h>

#include "actors/base/dtype.h"
#include "snapshot/checkpoint/checkpoint.h"

enum { SHAPE_BYTES = 128 };

static bool is_same(const struct hwi_checkpoint_tensor *a, const struct hwi_checkpoint_tensor *b)
{
    return strcmp(a->name, b->name) == 0 && a->dtype == b->dtype && a->bytes == b->bytes;
}

// "w1" f32 x 100
static const char *shape(const struct hwi_checkpoint_tensor *tensor, char text[SHAPE_BYTES])
{
    int length = snprintf(text, SHAPE_BYTES, "\"%s\" %s x %" PRIu64, tensor->name,
                          hws_dtype_name((hws_dtype)tensor->dtype),
                          hwi_dtype_count(tensor->dtype, tensor->bytes));
    for (int i = 0; i < length && i < SHAPE_BYTES - 1; i++) {
        if (text[i] < ' ' || text[i] > '~') {
            text[i] = '?'; // a file's names go to a terminal
        }
    }
    return text;
}

int hwi_checkpoint_compare(const struct hwi_checkpoint *checkpoint,
                           const struct hwi_checkpoint_tensor *tensors, uint32_t count, char *error)
{
    char ours[SHAPE_BYTES], theirs[SHAPE_BYTES];
    uint32_t both = HWI_MIN(count, checkpoint->head.tensor_count), i = 0;
    while (i < both && is_same(&tensors[i], &checkpoint->tensors[i])) {
        i++;
    }
    if (i < both) {
        snprintf(error, HWI_CHECKPOINT_ERROR_BYTES,
                 "tensor %" PRIu32 " is %s in it, and %s in the state", i,
                 shape(&checkpoint->tensors[i], theirs), shape(&tensors[i], ours));
    } else if (i < count) {
        snprintf(error, HWI_CHECKPOINT_ERROR_BYTES,
                 "it has %" PRIu32 " tensors and the state %" PRIu32 ": %s is not in it",
                 checkpoint->head.tensor_count, count, shape(&tensors[i], ours));
    } else if (i < checkpoint->head.tensor_count) {
        snprintf(error, HWI_CHECKPOINT_ERROR_BYTES,
                 "it has %" PRIu32 " tensors and the state %" PRIu32 ": %s is not in the state",
                 checkpoint->head.tensor_count, count, shape(&checkpoint->tensors[i], theirs));
    } else {
        return HWS_OK;
    }
    return HWS_E_LAYOUT;
}
