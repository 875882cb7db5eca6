// SPDX-License-Identifier: MIT
// A secret field is shown only to the sender and the receiver of its message. No message of the
// table has one that this could be tried with, so each field of each message is made one in turn:
// hwi_layout_of is wrapped here, and gives a copy of the layout that has the flag.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "actors/loop/image.h"
#include "actors/loop/ring.h"
#include "actors/wire/codec.h"
#include "tests/support/random_msg.h"
#include "transport/journal/format.h"

enum {
    DEPTH_MAX = 3,
    FIELDS_MAX = 64,
    LINE_BYTES = 1 << 16,
    BYTES_MAX = 1 << 18,
    ROUNDS = 6,
    LIST_MOST = 4,
};

// Where the secret is: a field of the message, or of a record in it, or of one in that.
struct path {
    uint16_t type;
    uint32_t depth; // fields to go through; 0 = nothing is secret
    uint32_t index[DEPTH_MAX];
};

static struct path secret;
static struct hwi_layout layouts[DEPTH_MAX];
static struct hwi_field fields[DEPTH_MAX][FIELDS_MAX];

const struct hwi_layout *__real_hwi_layout_of(uint16_t type);
const struct hwi_layout *__wrap_hwi_layout_of(uint16_t type);

const struct hwi_layout *__wrap_hwi_layout_of(uint16_t type)
{
    return secret.depth > 0 && type == secret.type ? &layouts[0] : __real_hwi_layout_of(type);
}

static void make_secret(const struct path *path)
{
    const struct hwi_layout *from = __real_hwi_layout_of(path->type);
    for (uint32_t i = 0; i < path->depth; i++) {
        assert_true(from->field_count < FIELDS_MAX);
        memcpy(fields[i], from->fields, (from->field_count + 1) * sizeof *from->fields);
        layouts[i] = *from;
        layouts[i].fields = fields[i];
        struct hwi_field *field = &fields[i][path->index[i]];
        from = field->record;
        if (i + 1 == path->depth) {
            field->flags |= HWI_FLAG_SECRET;
        } else {
            field->record = &layouts[i + 1];
        }
    }
    secret = *path;
}

// ---- two messages that differ in the secret alone -----------------------------------------------

static size_t bytes_of(const struct hwi_field *field)
{
    static const size_t bytes[] = {[HWI_FIELD_U8] = 1,
                                   [HWI_FIELD_U32] = 4,
                                   [HWI_FIELD_U64] = 8,
                                   [HWI_FIELD_I32] = 4,
                                   [HWI_FIELD_HASH] = sizeof(struct hwi_hash),
                                   [HWI_FIELD_LIST] = sizeof(void *)};
    if (field->kind == HWI_FIELD_STR) {
        return field->limit;
    }
    return field->kind == HWI_FIELD_REC ? field->record->bytes : bytes[field->kind];
}

static uint32_t items_of(const struct hwi_field *field, const unsigned char *base,
                         unsigned char **items)
{
    uint32_t count;
    memcpy(items, base + field->offset, sizeof *items);
    memcpy(&count, base + field->count_offset, sizeof count);
    return count;
}

// Takes the secret from another message of the type.
static void take(const struct hwi_layout *layout, uint32_t level, unsigned char *to,
                 unsigned char *from)
{
    const struct hwi_field *field = &layout->fields[secret.index[level]];
    if (level + 1 == secret.depth) {
        memcpy(to + field->offset, from + field->offset, bytes_of(field));
        if (field->kind == HWI_FIELD_LIST) {
            memcpy(to + field->count_offset, from + field->count_offset, sizeof(uint32_t));
        }
    } else if (field->kind == HWI_FIELD_REC) {
        take(field->record, level + 1, to + field->offset, from + field->offset);
    } else {
        unsigned char *items, *others;
        uint32_t count = items_of(field, to, &items), other = items_of(field, from, &others);
        for (uint32_t i = 0; i < HWI_MIN(count, other); i++) {
            size_t at = i * field->record->bytes;
            take(field->record, level + 1, items + at, others + at);
        }
    }
}

// ---- where messages are written -----------------------------------------------------------------

static void list_message(struct hwi_image *image, void *state)
{
    struct hwi_msg *msg = state;
    hwi_image_record(image, "message", hwi_layout_of(secret.type), &msg->u);
}

static void *create(const struct hwi_alloc *alloc)
{
    struct hwi_msg *msg = hwi_new(alloc, sizeof *msg);
    msg->type = secret.type;
    return msg;
}

static void destroy(void *state)
{
    hwi_free(&hwi_alloc_libc, state);
}

static const struct hwi_actor_ops holder = {.name = "holder",
                                            .role = HWI_ROLE_PEER,
                                            .create = create,
                                            .destroy = destroy,
                                            .image = list_message};

struct written {
    unsigned char *bytes;
    size_t length;
};

static void same(const char *what, struct written a, struct written b)
{
    if (a.length != b.length || memcmp(a.bytes, b.bytes, a.length) != 0) {
        const struct hwi_layout *layout = &layouts[secret.depth - 1];
        fail_msg("the secret %s.%s of %s is in %s", layout->name,
                 layout->fields[secret.index[secret.depth - 1]].name, layouts[0].name, what);
    }
    hwi_free(&hwi_alloc_libc, a.bytes);
    hwi_free(&hwi_alloc_libc, b.bytes);
}

static struct written write_line(struct hwi_msg *msg)
{
    char *line = hwi_new(&hwi_alloc_libc, LINE_BYTES);
    return (struct written){(unsigned char *)line, hwi_msg_print(msg, line, LINE_BYTES)};
}

static struct written write_hash(struct hwi_msg *msg)
{
    uint64_t *hash = hwi_new(&hwi_alloc_libc, sizeof *hash);
    *hash = hwi_msg_hash(msg);
    return (struct written){(unsigned char *)hash, sizeof *hash};
}

static struct written write_ring(struct hwi_msg *msg)
{
    struct hwi_ring_record *record = hwi_new(&hwi_alloc_libc, sizeof *record);
    hwi_ring_record_of(HWI_ROLE_PEER, false, hwi_addr_of(HWI_ROLE_MASTER, 0), msg, 1, 2, record);
    return (struct written){(unsigned char *)record, sizeof *record};
}

// An event of a journal: what was heard, and the effect that says it on.
static struct written write_journal(struct hwi_msg *msg)
{
    struct hwi_envelope said = {.to = {.role = HWI_ROLE_DATA}, .msg = *msg};
    struct hwi_effects effects = {.items = &said, .count = 1};
    struct hwi_event event = {.now_ns = 5, .from = {.role = HWI_ROLE_MASTER}, .msg = msg};
    struct written journal = {.bytes = hwi_new(&hwi_alloc_libc, BYTES_MAX)};
    assert_int_equal(hwi_journal_event_pack(&event, &effects, false, 1, journal.bytes, BYTES_MAX,
                                            &journal.length),
                     HWI_CODEC_OK);
    return journal;
}

static struct written write_image(struct hwi_msg *msg)
{
    struct written image = {0};
    image.bytes = hwi_image_save(&holder, msg, &hwi_alloc_libc, &image.length);
    assert_non_null(image.bytes);
    return image;
}

static struct written write_state(struct hwi_msg *msg)
{
    char *text = hwi_image_print(&holder, msg, &hwi_alloc_libc);
    assert_non_null(text);
    return (struct written){(unsigned char *)text, strlen(text)};
}

static struct written write_whole(struct hwi_msg *msg)
{
    struct written whole;
    assert_int_equal(hwi_encode(msg, &whole.bytes, &whole.length), HWI_CODEC_OK);
    return whole;
}

// True if the two differ, as they must on links, or the trial proves nothing.
static bool differ(struct hwi_msg *a, struct hwi_msg *b)
{
    struct written whole_a = write_whole(a), whole_b = write_whole(b);
    bool equal = whole_a.length == whole_b.length &&
                 memcmp(whole_a.bytes, whole_b.bytes, whole_a.length) == 0;
    free(whole_a.bytes);
    free(whole_b.bytes);
    return !equal;
}

static void compare(struct hwi_msg *a, struct hwi_msg *b)
{
    same("its printed line", write_line(a), write_line(b));
    same("its hash", write_hash(a), write_hash(b));
    same("a ring", write_ring(a), write_ring(b));
    same("a journal", write_journal(a), write_journal(b));
    same("an image", write_image(a), write_image(b));
    same("a printed state", write_state(a), write_state(b));
}

// ---- every field in turn ------------------------------------------------------------------------

// Returns in how many rounds there was a difference to hide.
static uint32_t try_path(const struct path *path, uint64_t *seed, struct hwi_effects *arena)
{
    uint32_t tried = 0;
    make_secret(path);
    for (uint32_t round = 0; round < ROUNDS; round++) {
        struct hwi_msg a, b, other;
        void *block;
        random_msg(seed, path->type, LIST_MOST, arena, &a);
        random_msg(seed, path->type, LIST_MOST, arena, &other);
        assert_true(hwi_msg_clone(&a, &b, &block));
        take(&layouts[0], 0, (unsigned char *)&b.u, (unsigned char *)&other.u);
        if (differ(&a, &b)) {
            compare(&a, &b);
            tried++;
        }
        free(block);
        hwi_effects_reset(arena);
    }
    secret.depth = 0;
    return tried;
}

// An operation's name has its own printed form and is in everything: it cannot be a secret.
static bool may_be_secret(const struct hwi_layout *layout, const struct hwi_field *field)
{
    return strcmp(layout->name, "op") != 0 && field->record != &hwi_layout_op;
}

static uint32_t try_fields(const struct hwi_layout *layout, struct path path, uint64_t *seed,
                           struct hwi_effects *arena)
{
    uint32_t hidden = 0;
    path.depth++;
    for (uint32_t i = 0; i < layout->field_count; i++) {
        const struct hwi_field *field = &layout->fields[i];
        path.index[path.depth - 1] = i;
        if (may_be_secret(layout, field)) {
            hidden += try_path(&path, seed, arena) > 0;
        }
        if (field->record != NULL && path.depth < DEPTH_MAX) {
            hidden += try_fields(field->record, path, seed, arena);
        }
    }
    return hidden;
}

static void no_secret_field_is_shown(void **state)
{
    (void)state;
    struct hwi_effects arena;
    uint64_t seed = 1;
    uint32_t hidden = 0;
    hwi_effects_init(&arena, &hwi_alloc_libc);
    for (uint16_t type = 0; type < HWI_MSG_TYPE_MAX; type++) {
        const struct hwi_layout *layout = __real_hwi_layout_of(type);
        if (layout != NULL) {
            hidden += try_fields(layout, (struct path){.type = type}, &seed, &arena);
        }
    }
    assert_true(hidden > 300);
    hwi_effects_fini(&arena);
}

// A secret reaches who hears it, and is zero in what is loaded from an image.
static void secrets_travel_and_are_not_kept(void **state)
{
    (void)state;
    struct path path = {.type = HWI_MSG_welcome, .depth = 1, .index = {2}};
    struct hwi_msg msg = {.type = HWI_MSG_welcome, .u.welcome = {.run = 5, .peer = 77}}, heard;
    unsigned char bytes[256];
    size_t length;
    void *block;
    make_secret(&path);
    assert_string_equal(layouts[0].fields[2].name, "peer");
    assert_int_equal(hwi_encode_into(&msg, bytes, sizeof bytes, &length), HWI_CODEC_OK);
    assert_int_equal(hwi_decode(bytes, length, &heard, &block), HWI_CODEC_OK);
    assert_int_equal(heard.u.welcome.peer, 77);
    assert_int_equal(hwi_encode_public_into(&msg, bytes, sizeof bytes, &length), HWI_CODEC_OK);
    assert_int_equal(hwi_decode(bytes, length, &heard, &block), HWI_CODEC_OK);
    assert_int_equal(heard.u.welcome.run, 5);
    assert_int_equal(heard.u.welcome.peer, 0);

    struct written image = write_image(&msg);
    struct hwi_msg *loaded = hwi_image_load(&holder, image.bytes, image.length, &hwi_alloc_libc);
    assert_non_null(loaded);
    assert_int_equal(loaded->u.welcome.run, 5);
    assert_int_equal(loaded->u.welcome.peer, 0);
    destroy(loaded);
    hwi_free(&hwi_alloc_libc, image.bytes);
    secret.depth = 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_secret_field_is_shown),
        cmocka_unit_test(secrets_travel_and_are_not_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
