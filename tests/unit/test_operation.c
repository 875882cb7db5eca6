// SPDX-License-Identifier: MIT
// The fields of hws_op: every wrong argument is named, and makes no request.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "runtime/call/operation.h"

static float input[64], output[256];
static size_t counts[8];
static struct hwi_error error; // of the last call that was refused

static hws_op op_of(hws_what what)
{
    hws_op op = HWS_OP_INIT;
    op.what = what;
    op.input = input;
    op.output = output;
    op.count = 16;
    op.room = 256;
    op.dtype = HWS_F32;
    op.redop = HWS_SUM;
    op.root.value = 3;
    op.agree_op = HWS_AGREE_MIN;
    return op;
}

static struct hwi_call make(const hws_op *op)
{
    struct hwi_call made;
    assert_int_equal(hwi_operation_make("hws_call", op, &made, &error), HWS_OK);
    return made;
}

static void refuse(hws_op op, hws_status status, const char *word)
{
    struct hwi_call made;
    assert_int_equal(hwi_operation_make("hws_call", &op, &made, &error), status);
    assert_non_null(strstr(error.sentence, "hws_call"));
    if (strstr(error.sentence, word) == NULL) {
        fail_msg("\"%s\" is not in \"%s\"", word, error.sentence);
    }
}

static void test_each_operation_becomes_its_request(void **state)
{
    (void)state;
    static const uint8_t kinds[] = {
        [HWS_ALL_REDUCE] = HWI_KIND_ALL_REDUCE, [HWS_REDUCE_SCATTER] = HWI_KIND_REDUCE_SCATTER,
        [HWS_ALL_GATHER] = HWI_KIND_ALL_GATHER, [HWS_BROADCAST] = HWI_KIND_BROADCAST,
        [HWS_BARRIER] = HWI_KIND_BARRIER,       [HWS_AGREE] = HWI_KIND_AGREE};
    for (int what = HWS_ALL_REDUCE; what <= HWS_AGREE; what++) {
        hws_op op = op_of((hws_what)what);
        op.options.tag = 9;
        op.options.retry = 1;
        op.value = 77;
        const struct hwi_call made = make(&op);
        const struct hwi_msg_request *r = &made.request;
        bool data = what <= HWS_BROADCAST, adds = what <= HWS_REDUCE_SCATTER;
        assert_int_equal(r->kind, kinds[what]);
        assert_int_equal(r->tag, 9);
        assert_int_equal(r->retry, 1);
        assert_int_equal(r->count, data ? 16 : 0);
        assert_int_equal(r->dtype, data ? HWS_F32 : 0);
        assert_int_equal(r->root, what == HWS_BROADCAST ? 3 : 0);
        assert_int_equal(r->value, what == HWS_AGREE ? 77 : 0);
        assert_ptr_equal(made.output, data ? output : NULL);
        if (data) {
            assert_int_equal(r->redop, adds ? HWS_SUM : 0);
        }
    }
}

static void test_memory_is_as_large_as_it_says(void **state)
{
    (void)state;
    hws_op op = op_of(HWS_ALL_GATHER);
    struct hwi_call made = make(&op);
    assert_int_equal(made.input_bytes, 64);
    assert_int_equal(made.output_bytes, 1024);
    assert_int_equal(made.request.room, 256);
    op = op_of(HWS_REDUCE_SCATTER);
    op.room = 8;
    made = make(&op);
    assert_int_equal(made.output_bytes, 32);
    op.output = input; // in place the room is the buffer's
    made = make(&op);
    assert_int_equal(made.output_bytes, 64);
    assert_int_equal(made.request.in_place, 1);
    op = op_of(HWS_BROADCAST);
    op.input = NULL;
    assert_int_equal(make(&op).input_bytes, 0);
}

static void test_gathering_in_place(void **state)
{
    (void)state;
    hws_op op = op_of(HWS_ALL_GATHER);
    for (uint32_t at = 0; at < 256; at++) {
        op.input = output + at;
        op.room = 40;
        struct hwi_call made;
        hws_status wanted = at >= 40 || at == 0 || at == 16 ? HWS_OK : HWS_E_INVALID;
        assert_int_equal(hwi_operation_make("hws_call", &op, &made, &error), wanted);
        if (wanted == HWS_OK) {
            assert_int_equal(made.request.in_place, at < 40);
        }
    }
    op.input = output; // counts that may differ have no place
    op.counts = counts;
    refuse(op, HWS_E_INVALID, "overlap");
}

static void test_counts_may_be_nothing(void **state)
{
    (void)state;
    hws_op op = op_of(HWS_ALL_GATHER);
    op.counts = counts;
    op.counts_room = 8;
    op.count = 0;
    op.input = NULL;
    const struct hwi_call made = make(&op);
    assert_int_equal(made.request.unequal, 1);
    assert_ptr_equal(made.counts, counts);
    assert_int_equal(made.counts_room, 8);
    op.counts = NULL;
    refuse(op, HWS_E_INVALID, "count is 0");
}

static void test_wrong_arguments_are_named(void **state)
{
    (void)state;
    for (int what = HWS_ALL_REDUCE; what <= HWS_BROADCAST; what++) {
        hws_op op = op_of((hws_what)what);
        op.output = NULL;
        refuse(op, HWS_E_INVALID, "output");
        op = op_of((hws_what)what);
        op.count = 0;
        refuse(op, HWS_E_INVALID, "count");
        op = op_of((hws_what)what);
        op.count = (UINT64_C(1) << 38) + 1;
        refuse(op, HWS_E_LIMIT, "2^40 bytes");
        op = op_of((hws_what)what);
        op.dtype = (hws_dtype)13;
        refuse(op, HWS_E_INVALID, "dtype");
        op = op_of((hws_what)what);
        op.input = output + 1;
        refuse(op, HWS_E_INVALID, "overlap");
        op = op_of((hws_what)what);
        op.input = NULL;
        if (what != HWS_BROADCAST) {
            refuse(op, HWS_E_INVALID, "input");
        }
        op = op_of((hws_what)what);
        op.redop = (hws_redop)6;
        if (what <= HWS_REDUCE_SCATTER) {
            refuse(op, HWS_E_INVALID, "redop");
        }
    }
}

static void test_what_each_operation_needs(void **state)
{
    (void)state;
    hws_op op = op_of(HWS_BROADCAST);
    op.root.value = 0;
    refuse(op, HWS_E_INVALID, "root");
    op.root.value = UINT64_MAX;
    refuse(op, HWS_E_INVALID, "root");
    op = op_of(HWS_ALL_GATHER);
    op.room = 15;
    refuse(op, HWS_E_INVALID, "room");
    op = op_of(HWS_AGREE);
    op.agree_op = (hws_agree_op)3;
    refuse(op, HWS_E_INVALID, "agree_op");
    op = op_of((hws_what)0);
    refuse(op, HWS_E_INVALID, "what");
    op = op_of((hws_what)7);
    refuse(op, HWS_E_INVALID, "what");
    op = op_of(HWS_BARRIER);
    op.bytes_of_struct = 0;
    refuse(op, HWS_E_INVALID, "HWS_OP_INIT");
    struct hwi_call made;
    op = op_of(HWS_BARRIER);
    op.options.bytes_of_struct = 0;
    assert_int_equal(hwi_operation_make("hws_call", &op, &made, &error), HWS_E_INVALID);
    assert_int_equal(hwi_operation_make("hws_call", NULL, &made, &error), HWS_E_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_operation_becomes_its_request),
        cmocka_unit_test(test_memory_is_as_large_as_it_says),
        cmocka_unit_test(test_gathering_in_place),
        cmocka_unit_test(test_counts_may_be_nothing),
        cmocka_unit_test(test_wrong_arguments_are_named),
        cmocka_unit_test(test_what_each_operation_needs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
