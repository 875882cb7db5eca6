// SPDX-License-Identifier: MIT
#include "tests/support/reborn.h"

#include <string.h>

#include "actors/loop/image.h"
#include "tests/support/expect.h"

enum { BYTES_A_STEP = 4 << 10 };

static uint64_t saved, cost; // bytes: put by since the last image, and that image's

// Large images would make slow tests: they are taken as often as their bytes can be afforded.
static bool affords(void)
{
    saved += BYTES_A_STEP;
    return saved >= cost;
}

void *reborn(const struct hwi_actor_ops *ops, void *state)
{
    size_t length = 0, again_length = 0;
    if (!affords()) {
        return state;
    }
    unsigned char *bytes = hwi_image_save(ops, state, &hwi_alloc_libc, &length);
    expect(bytes != NULL, "the %s cannot be saved", ops->name);
    ops->destroy(state);
    void *loaded = hwi_image_load(ops, bytes, length, &hwi_alloc_libc);
    expect(loaded != NULL, "the %s cannot be loaded", ops->name);
    unsigned char *again = hwi_image_save(ops, loaded, &hwi_alloc_libc, &again_length);
    expect(again != NULL && again_length == length && memcmp(again, bytes, length) == 0,
           "the %s's image is another one when it is loaded and saved again", ops->name);
    cost = length;
    saved = 0;
    hwi_free(&hwi_alloc_libc, again);
    hwi_free(&hwi_alloc_libc, bytes);
    return loaded;
}
