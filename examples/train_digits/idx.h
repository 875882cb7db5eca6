// SPDX-License-Identifier: MIT
// Labelled images from IDX files, the format of MNIST: big-endian u32 magic (0x803 images, 0x801
// labels), u32 count, for images u32 rows and columns, then one byte per pixel or label.
#ifndef TRAIN_DIGITS_IDX_H
#define TRAIN_DIGITS_IDX_H

#include <stddef.h>
#include <stdint.h>

enum {
    IDX_COUNT_MAX = 1 << 20, // images in one file
    IDX_SIDE_MAX = 256,      // pixels of an image's side
    IDX_CLASSES = 10,
    IDX_ERROR_BYTES = 512,
};

struct idx_set {
    uint32_t count;
    uint32_t rows, columns;
    uint8_t *pixels; // count * rows * columns
    uint8_t brightest;
    uint8_t *labels; // count, each below IDX_CLASSES
};

// Loads DIR/NAME-images-idx3-ubyte and DIR/NAME-labels-idx1-ubyte. Returns 0 and fills *set, which
// idx_free() frees; else -1 with a sentence in `error` (IDX_ERROR_BYTES) that names the file.
int idx_load(const char *dir, const char *name, struct idx_set *set, char *error);
void idx_free(struct idx_set *set);

#endif
