// SPDX-License-Identifier: MIT
// Two checkpoints, tensor by tensor, by name. Blocks with equal hashes are not read.
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <hawser/types.h>

#include "tools/hawser/checkpoint/checkpoint.h"

struct side {
    struct hwi_checkpoint file;
    const char *path;
    bool open;
};

// The comparison of one tensor.
struct change {
    const struct hwi_checkpoint_tensor *a, *b; // NULL: not in that file
    bool shapes;                               // type or size differ
    uint32_t blocks, all_blocks;
    uint64_t elements;
    double largest; // absolute difference; NaN where one of two is no number
    bool floats;
};

struct comparison {
    struct side sides[2];
    unsigned char *bytes[2]; // one block of each
    bool json, differs;
    int code;
    json_t *list;
    struct checkpoint_progress progress;
};

// ---- elements ----------------------------------------------------------------------------------

static double half(uint16_t bits)
{
    int exponent = bits >> 10 & 31, fraction = bits & 1023;
    double value = exponent == 31  ? (fraction ? (double)NAN : (double)INFINITY)
                   : exponent == 0 ? ldexp(fraction, -24)
                                   : ldexp(1024 + fraction, exponent - 25);
    return bits >> 15 ? -value : value;
}

static double number_at(const unsigned char *bytes, hws_dtype dtype)
{
    uint64_t bits = 0;
    for (size_t i = 0; i < hws_dtype_bytes(dtype); i++) {
        bits |= (uint64_t)bytes[i]
                << (8 * i); // files are little-endian, and so are tensors in them
    }
    uint32_t narrow = dtype == HWS_BF16 ? (uint32_t)bits << 16 : (uint32_t)bits;
    float single;
    double value;
    memcpy(&single, &narrow, sizeof single);
    memcpy(&value, &bits, sizeof value);
    if (dtype == HWS_F16) {
        return half((uint16_t)bits);
    }
    return dtype == HWS_F64 ? value : (double)single;
}

static void compare_bytes(struct change *change, const unsigned char *a, const unsigned char *b,
                          uint32_t bytes)
{
    hws_dtype dtype = (hws_dtype)change->a->dtype;
    size_t width = hws_dtype_bytes(dtype);
    for (uint32_t i = 0; i < bytes; i += (uint32_t)width) {
        if (memcmp(a + i, b + i, width) == 0) {
            continue;
        }
        change->elements++;
        if (!change->floats) {
            continue;
        }
        double x = number_at(a + i, dtype), y = number_at(b + i, dtype), apart = fabs(x - y);
        if (x != y && !(apart <= change->largest)) {
            change->largest = isnan(change->largest) ? change->largest : apart;
        }
    }
}

static bool read_block(struct comparison *c, int side, const struct hwi_checkpoint_tensor *tensor,
                       uint32_t block)
{
    char error[HWI_CHECKPOINT_ERROR_BYTES];
    struct hwi_checkpoint *file = &c->sides[side].file;
    int code = checkpoint_code(hwi_checkpoint_read(file, (uint32_t)(tensor - file->tensors), block,
                                                   c->bytes[side], error));
    if (code == CHECKPOINT_OK) {
        return true;
    }
    complain("checkpoint", "%s %s", c->sides[side].path, error);
    c->code = code > c->code ? code : c->code;
    return false;
}

static void compare_tensors(struct comparison *c, struct change *change)
{
    const struct hwi_checkpoint_tensor *a = change->a, *b = change->b;
    change->all_blocks = hwi_checkpoint_blocks_of(a);
    change->floats = a->dtype >= HWS_F16 && a->dtype <= HWS_F64;
    for (uint32_t i = 0; i < change->all_blocks; i++) {
        struct hwi_hash ours = c->sides[0].file.blocks[a->first_block + i].hash;
        struct hwi_hash theirs = c->sides[1].file.blocks[b->first_block + i].hash;
        uint32_t bytes = hwi_checkpoint_block_bytes(a, i);
        checkpoint_progress(&c->progress, bytes);
        if (hwi_hash_equal(ours, theirs)) {
            continue;
        }
        change->blocks++;
        bool both = read_block(c, 0, a, i);
        if (read_block(c, 1, b, i) && both) {
            compare_bytes(change, c->bytes[0], c->bytes[1], bytes);
        }
    }
}

// ---- the report --------------------------------------------------------------------------------

static const char *verdict_of(const struct change *change)
{
    if (change->a == NULL || change->b == NULL) {
        return change->a != NULL ? "only in the first" : "only in the second";
    }
    if (change->shapes) {
        return "another shape";
    }
    return change->blocks ? "differs" : "same";
}

static void print_shape(const struct hwi_checkpoint_tensor *tensor)
{
    printf("%s x %" PRIu64, hws_dtype_name((hws_dtype)tensor->dtype), checkpoint_count(tensor));
}

static void tell_text(const struct change *change)
{
    char name[CHECKPOINT_NAME_BYTES];
    const struct hwi_checkpoint_tensor *any = change->a != NULL ? change->a : change->b;
    printf("  %-24s %s", checkpoint_name(any, name), verdict_of(change));
    if (change->shapes) {
        fputs(": ", stdout);
        print_shape(change->a);
        fputs(" and ", stdout);
        print_shape(change->b);
    } else if (change->blocks) {
        printf(": %" PRIu32 " of %" PRIu32 " blocks, %" PRIu64 " of %" PRIu64 " elements",
               change->blocks, change->all_blocks, change->elements, checkpoint_count(any));
        if (change->floats) {
            printf(", by %.9g at most", change->largest);
        }
    }
    putchar('\n');
}

static void tell_json(struct comparison *c, const struct change *change)
{
    const struct hwi_checkpoint_tensor *any = change->a != NULL ? change->a : change->b;
    json_t *object = json_pack(
        "{s:o, s:s, s:s, s:I}", "name", checkpoint_text(any->name), "verdict", verdict_of(change),
        "type", hws_dtype_name((hws_dtype)any->dtype), "count", (json_int_t)checkpoint_count(any));
    if (change->blocks) {
        json_object_set_new(object, "blocks", json_integer(change->blocks));
        json_object_set_new(object, "elements", json_integer((json_int_t)change->elements));
        if (change->floats) { // JSON has no word for what is no number
            json_object_set_new(object, "largest",
                                isfinite(change->largest) ? json_real(change->largest)
                                                          : json_null());
        }
    }
    json_array_append_new(c->list, object);
}

static void tell(struct comparison *c, const struct change *change)
{
    c->differs |= strcmp(verdict_of(change), "same") != 0;
    if (c->json) {
        tell_json(c, change);
        return;
    }
    checkpoint_progress_end(&c->progress);
    tell_text(change);
}

// ---- the files ---------------------------------------------------------------------------------

static const struct hwi_checkpoint_tensor *
find(const struct hwi_checkpoint *file, const struct hwi_checkpoint_tensor *like, uint32_t hint)
{
    for (uint32_t i = 0; i < file->head.tensor_count; i++) { // nearly always at the same place
        uint32_t at = (hint + i) % file->head.tensor_count;
        if (strcmp(file->tensors[at].name, like->name) == 0) {
            return &file->tensors[at];
        }
    }
    return NULL;
}

static void compare_all(struct comparison *c)
{
    const struct hwi_checkpoint *a = &c->sides[0].file, *b = &c->sides[1].file;
    for (uint32_t i = 0; i < a->head.tensor_count; i++) {
        struct change change = {.a = &a->tensors[i], .b = find(b, &a->tensors[i], i)};
        change.shapes = change.b != NULL &&
                        (change.a->dtype != change.b->dtype || change.a->bytes != change.b->bytes);
        if (change.b != NULL && !change.shapes) {
            compare_tensors(c, &change);
        }
        tell(c, &change);
    }
    for (uint32_t i = 0; i < b->head.tensor_count; i++) {
        struct change change = {.b = &b->tensors[i]};
        if (find(a, change.b, i) == NULL) {
            tell(c, &change);
        }
    }
}

static void print_heads(const struct comparison *c)
{
    char text[CHECKPOINT_TIME_BYTES];
    for (int i = 0; i < 2; i++) {
        printf("%s: revision %" PRIu64 ", saved %s\n", c->sides[i].path,
               c->sides[i].file.head.revision,
               checkpoint_time(c->sides[i].file.head.time_ms, text));
    }
}

static void print_json(struct comparison *c)
{
    json_t *files = json_array();
    for (int i = 0; i < 2; i++) {
        json_array_append_new(files, checkpoint_describe(&c->sides[i].file, c->sides[i].path));
    }
    checkpoint_print(
        json_pack("{s:o, s:b, s:o}", "files", files, "equal", !c->differs, "tensors", c->list));
    c->list = NULL;
}

static void compare(struct comparison *c)
{
    c->progress = (struct checkpoint_progress){.what = "diff", .total = c->sides[0].file.sum.bytes};
    if (!c->json) {
        print_heads(c);
    }
    compare_all(c);
    checkpoint_progress_end(&c->progress);
    if (c->json) {
        print_json(c);
    } else {
        puts(c->differs ? "the tensors differ" : "the tensors are equal");
    }
    if (c->differs) {
        c->code = CHECKPOINT_DIFFERS;
    }
}

int checkpoint_diff(const char *a, const char *b, bool json)
{
    struct comparison c = {.json = json, .list = json_array()};
    const char *paths[2] = {a, b};
    for (int i = 0; i < 2; i++) {
        int code = checkpoint_open(&c.sides[i].file, paths[i], json);
        c.sides[i].path = paths[i];
        c.sides[i].open = code == CHECKPOINT_OK;
        c.code = code > c.code ? code : c.code;
        c.bytes[i] = malloc(HWI_BLOCK_BYTES);
    }
    if (c.bytes[0] == NULL || c.bytes[1] == NULL || c.list == NULL) {
        c.code = CHECKPOINT_UNREADABLE, complain("checkpoint", "out of memory");
    }
    if (c.code == CHECKPOINT_OK) {
        compare(&c);
    }
    for (int i = 0; i < 2; i++) {
        if (c.sides[i].open) {
            hwi_checkpoint_close(&c.sides[i].file);
        }
        free(c.bytes[i]);
    }
    json_decref(c.list);
    return c.code;
}
