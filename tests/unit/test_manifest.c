// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "snapshot/manifest.h"

static struct hwi_tensor tensor(const char *name, uint8_t dtype, uint64_t bytes)
{
    struct hwi_tensor t = {.dtype = dtype, .bytes = bytes};
    memcpy(t.name, name, strlen(name));
    return t;
}

static struct hwi_hash layout_of(const struct hwi_tensor *tensors, uint32_t count)
{
    struct hwi_manifest m;
    hwi_manifest_init(&m, &hwi_alloc_libc, tensors, count);
    struct hwi_hash layout = m.layout;
    hwi_manifest_fini(&m, &hwi_alloc_libc);
    return layout;
}

static void check_piece(const struct hwi_manifest *m, uint32_t block, uint32_t tensor_index,
                        uint64_t offset, uint32_t bytes)
{
    struct hwi_piece piece = hwi_manifest_piece(m, block);
    assert_int_equal(piece.tensor, tensor_index);
    assert_int_equal(piece.offset, offset);
    assert_int_equal(piece.bytes, bytes);
}

static void blocks_are_numbered_through_all_tensors(void **unused)
{
    (void)unused;
    struct hwi_tensor tensors[] = {
        tensor("one byte", 1, 1),
        tensor("one block", 11, HWI_BLOCK_BYTES),
        tensor("a block and a byte", 1, HWI_BLOCK_BYTES + 1),
        tensor("three blocks", 12, 3 * (uint64_t)HWI_BLOCK_BYTES),
    };
    struct hwi_manifest m;
    hwi_manifest_init(&m, &hwi_alloc_libc, tensors, HWI_COUNT(tensors));
    assert_int_equal(m.block_count, 7);
    check_piece(&m, 0, 0, 0, 1);
    check_piece(&m, 1, 1, 0, HWI_BLOCK_BYTES);
    check_piece(&m, 2, 2, 0, HWI_BLOCK_BYTES);
    check_piece(&m, 3, 2, HWI_BLOCK_BYTES, 1);
    check_piece(&m, 4, 3, 0, HWI_BLOCK_BYTES);
    check_piece(&m, 6, 3, 2 * HWI_BLOCK_BYTES, HWI_BLOCK_BYTES);
    hwi_manifest_fini(&m, &hwi_alloc_libc);
}

static void empty_tensors_and_those_that_may_differ_have_no_blocks(void **unused)
{
    (void)unused;
    struct hwi_tensor tensors[] = {
        tensor("empty", 1, 0),
        tensor("two blocks", 1, 2 * HWI_BLOCK_BYTES),
        tensor("own", 1, 5 * HWI_BLOCK_BYTES),
        tensor("empty, too", 1, 0),
        tensor("one block", 1, 7),
        tensor("own, too", 1, 1),
    };
    tensors[2].may_differ = tensors[5].may_differ = 1;
    struct hwi_manifest m;
    hwi_manifest_init(&m, &hwi_alloc_libc, tensors, HWI_COUNT(tensors));
    assert_int_equal(m.block_count, 3);
    check_piece(&m, 0, 1, 0, HWI_BLOCK_BYTES);
    check_piece(&m, 1, 1, HWI_BLOCK_BYTES, HWI_BLOCK_BYTES);
    check_piece(&m, 2, 4, 0, 7);
    hwi_manifest_fini(&m, &hwi_alloc_libc);

    hwi_manifest_init(&m, &hwi_alloc_libc, tensors, 1);
    assert_int_equal(m.block_count, 0);
    assert_int_equal(hwi_manifest_pages(&m), 0);
    struct hwi_hash root = hwi_manifest_root(&m, &hwi_alloc_libc, NULL);
    struct hwi_manifest other;
    hwi_manifest_init(&other, &hwi_alloc_libc, &tensors[3], 1);
    assert_false(hwi_hash_equal(root, hwi_manifest_root(&other, &hwi_alloc_libc, NULL)));
    hwi_manifest_fini(&other, &hwi_alloc_libc);
    hwi_manifest_fini(&m, &hwi_alloc_libc);
}

static void largest_state_has_a_bound(void **unused)
{
    (void)unused;
    struct hwi_tensor large = tensor("large", 1, HWI_TENSOR_BYTES_MAX);
    struct hwi_manifest m;
    hwi_manifest_init(&m, &hwi_alloc_libc, &large, 1);
    assert_int_equal(m.block_count, 1 << 20);
    check_piece(&m, (1 << 20) - 1, 0, HWI_TENSOR_BYTES_MAX - HWI_BLOCK_BYTES, HWI_BLOCK_BYTES);
    hwi_manifest_fini(&m, &hwi_alloc_libc);
}

static bool init_fails(const struct hwi_tensor *tensors, uint32_t count)
{
    static struct hwi_manifest m; // what was made before the check is there after the jump
    struct hwi_trap trap;
    m = (struct hwi_manifest){0};
    hwi_trap_enter(&trap);
    if (setjmp(trap.landing) != 0) {
        hwi_manifest_fini(&m, &hwi_alloc_libc);
        return true;
    }
    hwi_manifest_init(&m, &hwi_alloc_libc, tensors, count);
    hwi_trap_leave(&trap);
    hwi_manifest_fini(&m, &hwi_alloc_libc);
    return false;
}

static void impossible_layouts_are_failed_checks(void **unused)
{
    (void)unused;
    struct hwi_tensor tensors[] = {tensor("a", 1, HWI_TENSOR_BYTES_MAX),
                                   tensor("b", 1, HWI_TENSOR_BYTES_MAX)};
    struct hwi_tensor huge = tensor("huge", 1, HWI_TENSOR_BYTES_MAX + 1);
    assert_false(init_fails(tensors, 1));
    assert_true(init_fails(tensors, 2));
    assert_true(init_fails(tensors, 0));
    assert_true(init_fails(&huge, 1));
}

static void layout_covers_names_types_sizes_order_and_marks(void **unused)
{
    (void)unused;
    struct hwi_tensor a[] = {tensor("a", 11, 400), tensor("b", 11, 400)};
    struct hwi_hash layout = layout_of(a, 2);
    assert_true(hwi_hash_equal(layout, layout_of(a, 2)));
    struct hwi_tensor swapped[] = {a[1], a[0]};
    struct hwi_tensor renamed[] = {a[0], tensor("c", 11, 400)};
    struct hwi_tensor retyped[] = {a[0], tensor("b", 12, 400)};
    struct hwi_tensor resized[] = {a[0], tensor("b", 11, 401)};
    struct hwi_tensor marked[] = {a[0], a[1]};
    marked[1].may_differ = 1;
    assert_false(hwi_hash_equal(layout, layout_of(swapped, 2)));
    assert_false(hwi_hash_equal(layout, layout_of(renamed, 2)));
    assert_false(hwi_hash_equal(layout, layout_of(retyped, 2)));
    assert_false(hwi_hash_equal(layout, layout_of(resized, 2)));
    assert_false(hwi_hash_equal(layout, layout_of(marked, 2)));
    assert_false(hwi_hash_equal(layout, layout_of(a, 1)));
}

static void layout_ignores_what_follows_a_name(void **unused)
{
    (void)unused;
    struct hwi_tensor a = tensor("a", 11, 400), b = a;
    memcpy(b.name + 2, "rest", 4);
    assert_true(hwi_hash_equal(layout_of(&a, 1), layout_of(&b, 1)));
}

// Members of all versions must agree on these two numbers: they change only with HWI_PROTOCOL.
static void digests_are_fixed_for_ever(void **unused)
{
    (void)unused;
    struct hwi_tensor t = tensor("weights", 11, HWI_BLOCK_BYTES + 4);
    struct hwi_hash hashes[] = {{1, 2}, {3, 4}};
    struct hwi_manifest m;
    hwi_manifest_init(&m, &hwi_alloc_libc, &t, 1);
    struct hwi_hash root = hwi_manifest_root(&m, &hwi_alloc_libc, hashes);
    assert_int_equal(m.layout.lo, UINT64_C(0x0c690078dc309ec6));
    assert_int_equal(m.layout.hi, UINT64_C(0x43730e7b859c0789));
    assert_int_equal(root.lo, UINT64_C(0x3f0802696aeb19c6));
    assert_int_equal(root.hi, UINT64_C(0xeb554ef57d5116b1));
    hwi_manifest_fini(&m, &hwi_alloc_libc);
}

static void root_covers_every_hash_and_the_layout(void **unused)
{
    (void)unused;
    struct hwi_tensor t = tensor("t", 1, 3 * HWI_BLOCK_BYTES);
    struct hwi_tensor other = tensor("u", 1, 3 * HWI_BLOCK_BYTES);
    struct hwi_hash hashes[] = {{1, 2}, {3, 4}, {5, 6}};
    struct hwi_manifest m, n;
    hwi_manifest_init(&m, &hwi_alloc_libc, &t, 1);
    hwi_manifest_init(&n, &hwi_alloc_libc, &other, 1);
    struct hwi_hash root = hwi_manifest_root(&m, &hwi_alloc_libc, hashes);
    assert_false(hwi_hash_equal(root, hwi_manifest_root(&n, &hwi_alloc_libc, hashes)));
    hashes[2].hi ^= 1;
    assert_false(hwi_hash_equal(root, hwi_manifest_root(&m, &hwi_alloc_libc, hashes)));
    hwi_manifest_fini(&m, &hwi_alloc_libc);
    hwi_manifest_fini(&n, &hwi_alloc_libc);
}

static void pages_cut_the_hashes(void **unused)
{
    (void)unused;
    struct hwi_tensor t = tensor("t", 1, UINT64_C(2049) * HWI_BLOCK_BYTES);
    struct hwi_manifest m;
    hwi_manifest_init(&m, &hwi_alloc_libc, &t, 1);
    assert_int_equal(hwi_manifest_pages(&m), 3);
    assert_int_equal(hwi_manifest_page_size(&m, 0), 1024);
    assert_int_equal(hwi_manifest_page_size(&m, 1024), 1024);
    assert_int_equal(hwi_manifest_page_size(&m, 2048), 1);
    assert_int_equal(hwi_manifest_page_size(&m, 1), 0);
    assert_int_equal(hwi_manifest_page_size(&m, 3072), 0);
    assert_int_equal(hwi_manifest_page_size(&m, UINT32_MAX), 0);
    hwi_manifest_fini(&m, &hwi_alloc_libc);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_are_numbered_through_all_tensors),
        cmocka_unit_test(empty_tensors_and_those_that_may_differ_have_no_blocks),
        cmocka_unit_test(largest_state_has_a_bound),
        cmocka_unit_test(impossible_layouts_are_failed_checks),
        cmocka_unit_test(layout_covers_names_types_sizes_order_and_marks),
        cmocka_unit_test(layout_ignores_what_follows_a_name),
        cmocka_unit_test(digests_are_fixed_for_ever),
        cmocka_unit_test(root_covers_every_hash_and_the_layout),
        cmocka_unit_test(pages_cut_the_hashes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
