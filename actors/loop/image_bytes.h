// SPDX-License-Identifier: MIT
// Shared by the two halves of images: bytes that grow, bytes that are read, lines.
#ifndef HAWSER_ACTORS_LOOP_IMAGE_BYTES_H
#define HAWSER_ACTORS_LOOP_IMAGE_BYTES_H

#include "actors/loop/image.h"

// SAVE, PRINT: room for `bytes` more, to be filled in; good until the next call. Passing
// HWI_IMAGE_BYTES_MAX is a failed check.
unsigned char *hwi_image_grow(struct hwi_image *image, size_t bytes);
// SAVE: the low `bytes` bytes of a number.
void hwi_image_put(struct hwi_image *image, uint64_t value, size_t bytes);
// LOAD: the next `bytes` bytes, borrowed; NULL if there are fewer, or the load has failed.
const unsigned char *hwi_image_take(struct hwi_image *image, size_t bytes);
// LOAD: a number of `bytes` bytes; 0 if the load has failed.
uint64_t hwi_image_get(struct hwi_image *image, size_t bytes);
// PRINT: at most 127 characters.
void hwi_image_printf(struct hwi_image *image, const char *format, ...);
// PRINT: begins a line: indentation, a list's bullet, the name (NULL = none).
void hwi_image_line(struct hwi_image *image, const char *name);

#endif
