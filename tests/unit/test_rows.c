// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "actors/base/rows.h"

enum { ITEMS = 100, ITEMS_MAX = 128 };

// By (kind, key), where a comparison is asked for; by key alone, where a key is.
struct item {
    uint32_t kind;
    uint32_t mark;
    uint64_t key;
};

struct rows {
    struct item *items;
    uint32_t count, capacity;
};

static int compare(const void *item, const void *wanted)
{
    const struct item *a = item, *b = wanted;
    if (a->kind != b->kind) {
        return a->kind < b->kind ? -1 : 1;
    }
    return (a->key > b->key) - (a->key < b->key);
}

static struct item *insert(struct rows *rows, uint32_t at)
{
    return HWI_ROWS_INSERT(&hwi_alloc_libc, &rows->items, &rows->count, &rows->capacity, ITEMS_MAX,
                           at);
}

static uint32_t place(const struct rows *rows, uint64_t key)
{
    return HWI_ROWS_PLACE(struct item, key, rows->items, rows->count, key);
}

static struct item *find(const struct rows *rows, uint64_t key)
{
    return HWI_ROWS_FIND(struct item, key, rows->items, rows->count, key);
}

static void add(struct rows *rows, uint64_t key)
{
    struct item *item = insert(rows, place(rows, key));
    assert_int_equal(item->key, 0);
    assert_int_equal(item->mark, 0);
    item->key = key;
    item->mark = (uint32_t)key ^ 0xabcd;
}

static void check(const struct rows *rows)
{
    for (uint32_t i = 0; i < rows->count; i++) {
        assert_int_equal(rows->items[i].mark, (uint32_t)rows->items[i].key ^ 0xabcd);
        assert_true(i == 0 || rows->items[i - 1].key <= rows->items[i].key);
    }
}

static void test_nothing_is_found_among_none(void **state)
{
    (void)state;
    struct rows none = {0};
    struct item wanted = {.kind = 1};
    assert_int_equal(place(&none, 7), 0);
    assert_null(find(&none, 7));
    assert_int_equal(hwi_rows_place(NULL, 0, sizeof wanted, compare, &wanted), 0);
    assert_null(hwi_rows_find(NULL, 0, sizeof wanted, compare, &wanted));
}

// Every order of arrival of a few keys: so each is inserted at every place there is.
static void test_items_are_ordered_however_they_come(void **state)
{
    (void)state;
    enum { FEW = 5, ORDERS = 120 };
    for (uint32_t order = 0; order < ORDERS; order++) {
        struct rows rows = {0};
        uint64_t left[FEW] = {10, 20, 30, 40, 50};
        uint32_t left_count = FEW, rest = order;
        for (uint32_t n = FEW; n > 0; n--) {
            uint32_t at = rest % n;
            rest /= n;
            add(&rows, left[at]);
            HWI_ROWS_REMOVE(left, &left_count, at);
            check(&rows);
        }
        for (uint32_t i = 0; i < FEW; i++) {
            assert_int_equal(rows.items[i].key, 10 * (i + 1));
            assert_ptr_equal(find(&rows, 10 * (i + 1)), &rows.items[i]);
            assert_null(find(&rows, 10 * (i + 1) + 1));
            assert_int_equal(place(&rows, 10 * (i + 1) - 1), i);
            assert_int_equal(place(&rows, 10 * (i + 1) + 1), i + 1);
        }
        hwi_free(&hwi_alloc_libc, rows.items);
    }
}

static void test_of_the_same_key_the_first_is_found(void **state)
{
    (void)state;
    struct rows rows = {0};
    for (uint32_t i = 0; i < 3; i++) {
        add(&rows, 1);
        add(&rows, 2);
        add(&rows, UINT64_MAX);
    }
    assert_int_equal(place(&rows, 0), 0);
    assert_int_equal(place(&rows, 2), 3);
    assert_ptr_equal(find(&rows, 2), &rows.items[3]);
    assert_int_equal(place(&rows, UINT64_MAX), 6);
    assert_ptr_equal(find(&rows, UINT64_MAX), &rows.items[6]);
    check(&rows);
    hwi_free(&hwi_alloc_libc, rows.items);
}

static void test_a_comparison_orders_by_more_than_a_key(void **state)
{
    (void)state;
    struct rows rows = {0};
    for (uint32_t i = 0; i < ITEMS; i++) {
        struct item wanted = {.kind = i * 7 % 10, .key = i * 3 % 10};
        uint32_t at = hwi_rows_place(rows.items, rows.count, sizeof wanted, compare, &wanted);
        *insert(&rows, at) = wanted;
    }
    for (uint32_t i = 1; i < ITEMS; i++) {
        assert_true(compare(&rows.items[i - 1], &rows.items[i]) <= 0);
    }
    struct item first = {.kind = 0, .key = 0}, none = {.kind = 3, .key = 10};
    assert_ptr_equal(hwi_rows_find(rows.items, rows.count, sizeof first, compare, &first),
                     rows.items);
    assert_null(hwi_rows_find(rows.items, rows.count, sizeof none, compare, &none));
    assert_int_equal(hwi_rows_place(rows.items, rows.count, sizeof none, compare, &none), 40);
    hwi_free(&hwi_alloc_libc, rows.items);
}

static void test_removal_keeps_the_others(void **state)
{
    (void)state;
    for (uint32_t at = 0; at < 4; at++) {
        struct rows rows = {0};
        for (uint64_t key = 0; key < 4; key++) {
            add(&rows, key);
        }
        HWI_ROWS_REMOVE(rows.items, &rows.count, at);
        assert_int_equal(rows.count, 3);
        assert_null(find(&rows, at));
        assert_int_equal(place(&rows, at), at);
        check(&rows);
        add(&rows, at);
        assert_ptr_equal(find(&rows, at), &rows.items[at]);
        check(&rows);
        hwi_free(&hwi_alloc_libc, rows.items);
    }
}

static bool fails(struct rows *rows, void (*act)(struct rows *rows))
{
    struct hwi_trap trap;
    hwi_trap_enter(&trap);
    if (setjmp(trap.landing) != 0) {
        return true;
    }
    act(rows);
    hwi_trap_leave(&trap);
    return false;
}

static void append(struct rows *rows)
{
    insert(rows, rows->count)->key = rows->count;
}

static void open_behind_the_end(struct rows *rows)
{
    HWI_ROWS_OPEN(rows->items, &rows->count, rows->count + 1);
}

static void remove_behind_the_end(struct rows *rows)
{
    HWI_ROWS_REMOVE(rows->items, &rows->count, rows->count);
}

static void test_capacity_doubles_up_to_the_limit(void **state)
{
    (void)state;
    struct rows rows = {0};
    uint32_t grown = 0;
    for (uint32_t i = 0; i < ITEMS_MAX; i++) {
        uint32_t before = rows.capacity;
        assert_false(fails(&rows, append));
        grown += rows.capacity != before;
        assert_true(rows.capacity <= ITEMS_MAX);
    }
    assert_true(grown <= 8);
    assert_true(fails(&rows, append));
    assert_int_equal(rows.count, ITEMS_MAX);
    assert_int_equal(rows.capacity, ITEMS_MAX);
    hwi_free(&hwi_alloc_libc, rows.items);
}

static void test_places_behind_the_end_are_mistakes(void **state)
{
    (void)state;
    struct rows rows = {0};
    append(&rows);
    assert_true(fails(&rows, open_behind_the_end));
    assert_true(fails(&rows, remove_behind_the_end));
    assert_int_equal(rows.count, 1);
    hwi_free(&hwi_alloc_libc, rows.items);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_is_found_among_none),
        cmocka_unit_test(test_items_are_ordered_however_they_come),
        cmocka_unit_test(test_of_the_same_key_the_first_is_found),
        cmocka_unit_test(test_a_comparison_orders_by_more_than_a_key),
        cmocka_unit_test(test_removal_keeps_the_others),
        cmocka_unit_test(test_capacity_doubles_up_to_the_limit),
        cmocka_unit_test(test_places_behind_the_end_are_mistakes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
