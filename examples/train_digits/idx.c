// SPDX-License-Identifier: MIT
#include "train_digits/idx.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATH_BYTES = 1024, IMAGES_MAGIC = 0x803, LABELS_MAGIC = 0x801 };

__attribute__((format(printf, 2, 3))) static int fail(char *error, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(error, IDX_ERROR_BYTES, format, arguments);
    va_end(arguments);
    return -1;
}

static uint32_t big_endian(const unsigned char *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 |
           (uint32_t)bytes[3];
}

// Opens a file and reads its header of `words` numbers; the first must be `magic`.
static FILE *open_idx(const char *path, uint32_t magic, uint32_t *header, int words, char *error)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        fail(error, "cannot open %s: %s", path, strerror(errno));
        return NULL;
    }
    unsigned char bytes[16];
    size_t wanted = 4 * (size_t)words;
    size_t got = fread(bytes, 1, wanted, file);
    if (got != wanted) {
        fail(error, "%s is cut short: expected a header of %zu bytes, found %zu", path, wanted,
             got);
        fclose(file);
        return NULL;
    }
    for (int i = 0; i < words; i++) {
        header[i] = big_endian(bytes + 4 * i);
    }
    if (header[0] != magic) {
        fail(error, "%s is not an IDX file of %s: expected the magic number 0x%08x, found 0x%08x",
             path, magic == IMAGES_MAGIC ? "images" : "labels", (unsigned)magic,
             (unsigned)header[0]);
        fclose(file);
        return NULL;
    }
    return file;
}

// Reads exactly the rest of the file: no byte less, no byte more.
static unsigned char *read_body(FILE *file, const char *path, size_t bytes, char *error)
{
    unsigned char *body = malloc(bytes + 1);
    if (body == NULL) {
        fail(error, "no memory for the %zu bytes of %s", bytes, path);
        return NULL;
    }
    size_t got = fread(body, 1, bytes + 1, file);
    if (got == bytes) {
        return body;
    }
    if (got < bytes) {
        fail(error, "%s is cut short: its header promises %zu bytes of data, found %zu", path,
             bytes, got);
    } else {
        fail(error, "%s is too long: its header promises %zu bytes of data, more follow", path,
             bytes);
    }
    free(body);
    return NULL;
}

static int load_images(const char *path, struct idx_set *set, char *error)
{
    uint32_t header[4];
    FILE *file = open_idx(path, IMAGES_MAGIC, header, 4, error);
    if (file == NULL) {
        return -1;
    }
    if (header[1] < 1 || header[1] > IDX_COUNT_MAX || header[2] < 1 || header[2] > IDX_SIDE_MAX ||
        header[3] < 1 || header[3] > IDX_SIDE_MAX) {
        fclose(file);
        return fail(error,
                    "%s has odd dimensions: expected 1 to %d images of 1 to %d pixels a "
                    "side, found %u of %u x %u",
                    path, IDX_COUNT_MAX, IDX_SIDE_MAX, (unsigned)header[1], (unsigned)header[2],
                    (unsigned)header[3]);
    }
    size_t values = (size_t)header[1] * header[2] * header[3];
    set->pixels = read_body(file, path, values, error);
    fclose(file);
    if (set->pixels == NULL) {
        return -1;
    }
    set->count = header[1];
    set->rows = header[2];
    set->columns = header[3];
    set->brightest = 1;
    for (size_t i = 0; i < values; i++) {
        set->brightest = set->pixels[i] > set->brightest ? set->pixels[i] : set->brightest;
    }
    return 0;
}

static int load_labels(const char *path, const char *images, struct idx_set *set, char *error)
{
    uint32_t header[2];
    FILE *file = open_idx(path, LABELS_MAGIC, header, 2, error);
    if (file == NULL) {
        return -1;
    }
    if (header[1] != set->count) {
        fclose(file);
        return fail(error, "%s does not fit its images: expected %u labels as in %s, found %u",
                    path, (unsigned)set->count, images, (unsigned)header[1]);
    }
    set->labels = read_body(file, path, set->count, error);
    fclose(file);
    if (set->labels == NULL) {
        return -1;
    }
    for (uint32_t i = 0; i < set->count; i++) {
        if (set->labels[i] >= IDX_CLASSES) {
            return fail(error, "%s has a bad label: expected 0 to %d, found %d at place %u", path,
                        IDX_CLASSES - 1, set->labels[i], (unsigned)i);
        }
    }
    return 0;
}

int idx_load(const char *dir, const char *name, struct idx_set *set, char *error)
{
    char images[PATH_BYTES], labels[PATH_BYTES];
    memset(set, 0, sizeof *set);
    int length = snprintf(images, sizeof images, "%s/%s-images-idx3-ubyte", dir, name);
    snprintf(labels, sizeof labels, "%s/%s-labels-idx1-ubyte", dir, name);
    if (length >= PATH_BYTES) {
        return fail(error, "the path of %.100s... is too long: expected at most %d bytes", dir,
                    PATH_BYTES - 1);
    }
    if (load_images(images, set, error) || load_labels(labels, images, set, error)) {
        idx_free(set);
        return -1;
    }
    return 0;
}

void idx_free(struct idx_set *set)
{
    free(set->pixels);
    free(set->labels);
    memset(set, 0, sizeof *set);
}
