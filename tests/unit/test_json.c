// SPDX-License-Identifier: MIT
// The command's JSON: what a reader of JSON gets back is what was written.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "tools/hawser/common/json.c"

static void expect_text(const char *text, const char *read)
{
    char *made;
    size_t bytes;
    FILE *stream = open_memstream(&made, &bytes);
    struct json_writer json = {.stream = stream};
    json_put_open(&json, NULL, '[');
    json_put_text(&json, NULL, text);
    json_put_close(&json, ']');
    fclose(stream);
    json_t *list = json_loads(made, 0, NULL);
    assert_non_null(list);
    assert_string_equal(json_string_value(json_array_get(list, 0)), read);
    json_decref(list);
    free(made);
}

static void texts_come_back(void **state)
{
    (void)state;
    static const char *const same[] = {
        "",
        "a\"b\\c",
        "\\\"\\\\\"",
        "tab\tnew\nline\rbell\a\x01\x1f\x7f",
        "/slash",
        "gr\xc3\xbc\xc3\x9f",
        "\xe2\x82\xac \xf0\x9f\x9a\xa2 \xf4\x8f\xbf\xbf",
    };
    for (size_t i = 0; i < sizeof same / sizeof same[0]; i++) {
        expect_text(same[i], same[i]);
    }
}

// Every text is answered with JSON: also one that is no text.
static void bytes_that_are_not_text_are_marked(void **state)
{
    (void)state;
    expect_text("a\xff-", "a\xef\xbf\xbd-");
    expect_text("\xc3", "\xef\xbf\xbd");                                 // cut short
    expect_text("\xc0\xaf", "\xef\xbf\xbd\xef\xbf\xbd");                 // too long a form
    expect_text("\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"); // half a pair
    expect_text("\xf4\x90\x80\x80x", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdx");
    uint64_t random = 1;
    for (int i = 0; i < 20000; i++) {
        char text[9] = "", *made;
        size_t bytes;
        for (int k = 0; k < 8; k++) {
            random = random * UINT64_C(6364136223846793005) + 1442695040888963407;
            text[k] = (char)(random >> 56 ? random >> 56 : 1);
        }
        FILE *stream = open_memstream(&made, &bytes);
        json_escape(stream, text);
        fclose(stream);
        json_t *read = json_loads(made, JSON_DECODE_ANY, NULL);
        assert_non_null(read);
        json_decref(read);
        free(made);
    }
}

static void values_come_back(void **state)
{
    (void)state;
    char *made;
    size_t bytes;
    FILE *stream = open_memstream(&made, &bytes);
    struct json_writer json = {.stream = stream};
    for (int line = 0; line < 2; line++) {
        json_put_open(&json, NULL, '{');
        json_put_number(&json, "most", UINT64_MAX);
        json_put_signed(&json, "least", INT64_MIN);
        json_put_hex(&json, "hex", 255);
        json_put_open(&json, "list", '[');
        json_put_bool(&json, NULL, true);
        json_put_open(&json, NULL, '{');
        json_put_close(&json, '}');
        json_put_text(&json, NULL, NULL);
        json_put_close(&json, ']');
        json_put_real(&json, "real", 1.25, 3);
        json_put_real(&json, "nan", (double)NAN, 3);
        json_put_close(&json, '}');
        json_put_line(&json);
    }
    fclose(stream);
    static const char expected[] =
        "{\"most\":18446744073709551615,\"least\":-9223372036854775808,"
        "\"hex\":\"00000000000000ff\",\"list\":[true,{},null],\"real\":1.250,\"nan\":null}\n";
    assert_int_equal(bytes, 2 * strlen(expected));
    assert_memory_equal(made, expected, strlen(expected));
    assert_string_equal(made + strlen(expected), expected);
    free(made);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_come_back),
        cmocka_unit_test(bytes_that_are_not_text_are_marked),
        cmocka_unit_test(values_come_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
