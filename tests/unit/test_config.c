// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "actors/base/base.h"
#include "actors/base/limits.h"
#include "runtime/call/options.h"
#include "runtime/config.h"
#include "runtime/error.h"
#include "runtime/misspelled.h"

static void forget_environment(void)
{
    for (uint32_t i = 0; i < hwi_comm_options.count; i++) {
        unsetenv(hwi_comm_options.options[i].env);
    }
}

static int setup(void **state)
{
    (void)state;
    forget_environment();
    return 0;
}

static void assert_said(const char *words)
{
    if (strstr(hws_last_error(), words) == NULL) {
        fail_msg("\"%s\" does not say \"%s\"", hws_last_error(), words);
    }
}

// A member's configuration with only the required field.
static hws_config minimal(void)
{
    hws_config given = HWS_CONFIG_INIT;
    given.master = "127.0.0.1:4000";
    return given;
}

static void test_defaults(void **state)
{
    (void)state;
    hws_config given = minimal(), config;
    assert_int_equal(hwi_config_read(&given, &config), HWS_OK);
    assert_string_equal(config.master, "127.0.0.1:4000");
    assert_null(config.listen);
    assert_null(config.advertise);
    assert_int_equal(config.insecure, 0);
    assert_int_equal(config.min_members, 0);
    assert_int_equal(config.stripes, 4);
    assert_int_equal(config.open_ms, 60000);
    assert_int_equal(config.timeout_ms, 60000);
    assert_int_equal(config.decision_grace_ms, 15000);
    assert_null(config.journal);
    assert_int_equal(config.journal_max, 256);
    assert_int_equal(config.journal_age_s, 0);
    assert_int_equal(config.group, 0);
    assert_null(config.unit);
    assert_int_equal(config.unit_size, 0);
}

static void test_a_unit_has_a_name_and_a_size(void **state)
{
    (void)state;
    static const struct {
        const char *unit;
        uint32_t size;
        const char *said; // NULL = well formed
    } cases[] = {
        {"trainer-1", 2, NULL},
        {"a", 0, "unit_size is not set"},
        {NULL, 2, "unit is not set"},
        {"", 2, "unit is not set"},
        {"a b", 2, "unit has a blank"},
        {"\xc3\xa4", 2, "unit has a blank or a character that is not plain ASCII"},
        {"0123456789012345678901234567890123456789012345678901234567890123", 2,
         "unit is longer than 63 bytes"},
        {"a", HWI_MEMBERS_MAX + 1, "unit_size is 16385"},
    };
    for (size_t i = 0; i < HWI_COUNT(cases); i++) {
        hws_config given = minimal(), config;
        given.unit = cases[i].unit;
        given.unit_size = cases[i].size;
        hws_status status = hwi_config_read(&given, &config);
        assert_int_equal(status, cases[i].said == NULL ? HWS_OK : HWS_E_INVALID);
        if (cases[i].said != NULL) {
            assert_said(cases[i].said);
        }
    }
    hws_config given = minimal(), config;
    given.group = HWI_GROUPS_MAX;
    assert_int_equal(hwi_config_read(&given, &config), HWS_E_INVALID);
    assert_said("group is 1024: it must be from 0 to 1023");
    setenv("HAWSER_GROUP", "3", 1);
    setenv("HAWSER_UNIT", "u", 1);
    setenv("HAWSER_UNIT_SIZE", "4", 1);
    given = minimal();
    assert_int_equal(hwi_config_read(&given, &config), HWS_OK);
    assert_int_equal(config.group, 3);
    assert_string_equal(config.unit, "u");
    assert_int_equal(config.unit_size, 4);
}

static void test_a_master_takes_its_journal_from_the_environment_too(void **state)
{
    (void)state;
    hws_master_config given = HWS_MASTER_CONFIG_INIT, config;
    setenv("HAWSER_JOURNAL", "/tmp/somewhere", 1);
    setenv("HAWSER_JOURNAL_MAX", "16", 1);
    setenv("HAWSER_JOURNAL_AGE_S", "60", 1);
    assert_int_equal(hwi_master_config_read(&given, &config), HWS_OK);
    assert_string_equal(config.journal, "/tmp/somewhere");
    assert_int_equal(config.journal_max, 16);
    assert_int_equal(config.journal_age_s, 60);
    given.journal = "/tmp/elsewhere";
    setenv("HAWSER_JOURNAL_MAX", "15", 1);
    assert_int_equal(hwi_master_config_read(&given, &config), HWS_E_INVALID);
    assert_said("HAWSER_JOURNAL_MAX");
    given.journal_max = 17;
    assert_int_equal(hwi_master_config_read(&given, &config), HWS_OK);
    assert_string_equal(config.journal, "/tmp/elsewhere");
    assert_int_equal(config.journal_max, 17);
}

static void test_environment_fills_what_is_not_given(void **state)
{
    (void)state;
    hws_config given = HWS_CONFIG_INIT, config;
    setenv("HAWSER_MASTER", "host.example:4001", 1);
    setenv("HAWSER_STRIPES", "7", 1);
    setenv("HAWSER_TIMEOUT_MS", "2500", 1);
    setenv("HAWSER_ADVERTISE", "10.0.0.1:9", 1);
    given.stripes = 3;
    given.advertise = "";
    assert_int_equal(hwi_config_read(&given, &config), HWS_OK);
    assert_string_equal(config.master, "host.example:4001");
    assert_string_equal(config.advertise, "10.0.0.1:9");
    assert_int_equal(config.stripes, 3);
    assert_int_equal(config.timeout_ms, 2500);
}

static void test_no_struct_means_environment(void **state)
{
    (void)state;
    hws_config config;
    setenv("HAWSER_MASTER", "[::1]:4000", 1);
    setenv("HAWSER_OPEN_MS", "", 1); // empty is not set
    assert_int_equal(hwi_config_read(NULL, &config), HWS_OK);
    assert_string_equal(config.master, "[::1]:4000");
    assert_int_equal(config.open_ms, 60000);
}

static void test_master_is_required(void **state)
{
    (void)state;
    hws_config given = HWS_CONFIG_INIT, config;
    assert_int_equal(hwi_config_read(&given, &config), HWS_E_INVALID);
    assert_said("HAWSER_MASTER");
}

static void test_numbers_are_checked(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "0", "33", "-1", "+4", " 4", "4x", "abc", "4294967297", "99999999999999999999999"};
    hws_config given = minimal(), config;
    for (size_t i = 0; i < HWI_COUNT(wrong); i++) {
        setenv("HAWSER_STRIPES", wrong[i], 1);
        assert_int_equal(hwi_config_read(&given, &config), HWS_E_INVALID);
        assert_said("HAWSER_STRIPES");
        assert_said("from 1 to 32");
    }
    given.stripes = 33;
    assert_int_equal(hwi_config_read(&given, &config), HWS_E_INVALID);
    assert_said("stripes is 33");
}

static void test_flag_is_zero_or_one(void **state)
{
    (void)state;
    hws_config given = minimal(), config;
    given.listen = "0.0.0.0:0";
    setenv("HAWSER_INSECURE", "yes", 1);
    assert_int_equal(hwi_config_read(&given, &config), HWS_E_INVALID);
    assert_said("HAWSER_INSECURE");
    setenv("HAWSER_INSECURE", "1", 1);
    assert_int_equal(hwi_config_read(&given, &config), HWS_OK);
    assert_int_equal(config.insecure, 1);
    given.insecure = 17;
    assert_int_equal(hwi_config_read(&given, &config), HWS_E_INVALID);
    assert_said("insecure is 17: it must be 0 or 1");
}

static void test_listening_beyond_loopback_is_insecure(void **state)
{
    (void)state;
    static const struct {
        const char *listen;
        hws_status status;
    } cases[] = {
        {"127.0.0.1:0", HWS_OK},
        {"127.1.2.3:80", HWS_OK},
        {"[::1]:0", HWS_OK},
        {"localhost:0", HWS_OK},
        {"0.0.0.0:0", HWS_E_INSECURE},
        {"*:0", HWS_E_INSECURE},
        {"192.0.2.1:0", HWS_E_INSECURE},
        {"[2001:db8::1]:0", HWS_E_INSECURE},
        {"[::]:4000", HWS_E_INSECURE},
        {"128.0.0.1:0", HWS_E_INSECURE},
        {"127.0.0.1", HWS_E_INVALID},
        {"127.0.0.1:65536", HWS_E_INVALID},
        {"::1:0", HWS_E_INVALID},
        {"127.0.0.1:x", HWS_E_INVALID},
    };
    hws_config given = minimal(), config;
    for (size_t i = 0; i < HWI_COUNT(cases); i++) {
        given.listen = cases[i].listen;
        given.insecure = 0;
        if (hwi_config_read(&given, &config) != cases[i].status) {
            fail_msg("%s: %s", cases[i].listen, hws_last_error());
        }
        given.insecure = 1;
        assert_int_equal(hwi_config_read(&given, &config),
                         cases[i].status == HWS_E_INSECURE ? HWS_OK : cases[i].status);
    }
}

static void test_addresses_to_dial_need_a_port(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "",        "host",     ":4000", "host:",    "host:0",   "host:99999",
        "host:4k", "::1:4000", "[::1]", "a:b:4000", "[::1:400", "[host]:4000"};
    hws_config given = minimal(), config;
    for (size_t i = 0; i < HWI_COUNT(wrong); i++) {
        given.master = wrong[i];
        if (hwi_config_read(&given, &config) != HWS_E_INVALID) {
            fail_msg("master \"%s\" was accepted", wrong[i]);
        }
    }
    given = minimal();
    given.advertise = "10.0.0.1:0";
    assert_int_equal(hwi_config_read(&given, &config), HWS_E_INVALID);
    assert_said("advertise");
}

static void test_long_addresses_are_refused(void **state)
{
    (void)state;
    char text[400];
    hws_config given = minimal(), config;
    memset(text, 'a', sizeof text);
    memcpy(text + sizeof text - 6, ":4000", 6);
    given.master = text;
    assert_int_equal(hwi_config_read(&given, &config), HWS_E_INVALID);
    assert_said("master is longer than 263 bytes");
    given = minimal();
    given.advertise = text + sizeof text - 70;
    assert_int_equal(hwi_config_read(&given, &config), HWS_E_INVALID);
    assert_said("advertise is longer than 63 bytes");
}

static void test_older_callers_have_a_shorter_struct(void **state)
{
    (void)state;
    hws_config given = minimal(), config;
    given.bytes_of_struct = offsetof(hws_config, stripes);
    given.stripes = 99; // beyond the size given: not read
    assert_int_equal(hwi_config_read(&given, &config), HWS_OK);
    assert_int_equal(config.stripes, 4);
    assert_int_equal(config.bytes_of_struct, sizeof config);
    given.bytes_of_struct = 0;
    assert_int_equal(hwi_config_read(&given, &config), HWS_E_INVALID);
    assert_said("HWS_CONFIG_INIT");
}

static void test_master_defaults(void **state)
{
    (void)state;
    hws_master_config config;
    assert_int_equal(hwi_master_config_read(NULL, &config), HWS_OK);
    assert_string_equal(config.listen, "127.0.0.1:0");
    assert_null(config.state_file);
    assert_int_equal(config.min_members, 1);
    assert_int_equal(config.first_members, 0);
    assert_int_equal(config.gather_ms, 3000);
    assert_int_equal(config.heartbeat_ms, 500);
    assert_int_equal(config.dead_ms, 5000);
    assert_int_equal(config.propose_ms, 5000);
}

static void test_heartbeat_follows_dead_ms(void **state)
{
    (void)state;
    hws_master_config given = HWS_MASTER_CONFIG_INIT, config;
    given.dead_ms = 1000;
    assert_int_equal(hwi_master_config_read(&given, &config), HWS_OK);
    assert_int_equal(config.heartbeat_ms, 200);
    assert_int_equal(config.propose_ms, 1000);
    given.heartbeat_ms = 201;
    assert_int_equal(hwi_master_config_read(&given, &config), HWS_E_INVALID);
    assert_said("a fifth of dead_ms (1000)");
    given.heartbeat_ms = 49;
    assert_int_equal(hwi_master_config_read(&given, &config), HWS_E_INVALID);
    assert_said("heartbeat_ms is 49: it must be from 50 to 60000");
}

static void test_master_bounds(void **state)
{
    (void)state;
    hws_master_config given = HWS_MASTER_CONFIG_INIT, config;
    given.dead_ms = 499;
    assert_int_equal(hwi_master_config_read(&given, &config), HWS_E_INVALID);
    given.dead_ms = 600001;
    assert_int_equal(hwi_master_config_read(&given, &config), HWS_E_INVALID);
    given.dead_ms = 0;
    given.propose_ms = 99;
    assert_int_equal(hwi_master_config_read(&given, &config), HWS_E_INVALID);
    given.propose_ms = 0;
    given.listen = "0.0.0.0:0";
    assert_int_equal(hwi_master_config_read(&given, &config), HWS_E_INSECURE);
}

// Every option is documented and its default lies within its own bounds.
static void test_table_is_whole(void **state)
{
    (void)state;
    const struct hwi_option_table *tables[] = {&hwi_comm_options, &hwi_master_options,
                                               &hwi_call_options};
    for (size_t t = 0; t < HWI_COUNT(tables); t++) {
        for (uint32_t i = 0; i < tables[t]->count; i++) {
            const struct hwi_option *option = &tables[t]->options[i];
            assert_true(strlen(option->name) > 0 && strlen(option->doc) > 0);
            assert_true(t > 0 || strncmp(option->env, "HAWSER_", 7) == 0);
            if (option->kind != HWI_OPTION_TEXT && option->kind != HWI_OPTION_ANY &&
                option->standard != NULL) {
                assert_true(strtoul(option->standard, NULL, 10) >= option->least);
                assert_true(strtoul(option->standard, NULL, 10) <= option->most);
            }
        }
    }
}

static void test_a_misspelled_variable_is_known_by_its_nearest(void **state)
{
    (void)state;
    assert_string_equal(hwi_variable_meant("HAWSER_TIMEOUT_M"), "HAWSER_TIMEOUT_MS");
    assert_string_equal(hwi_variable_meant("HAWSER_TIMOUT_MS"), "HAWSER_TIMEOUT_MS");
    assert_string_equal(hwi_variable_meant("HAWSER_MSATER"), "HAWSER_MASTER");
    assert_string_equal(hwi_variable_meant("HAWSER_GATHERMS"), "HAWSER_GATHER_MS");
    assert_string_equal(hwi_variable_meant("HAWSER_TIMEOUT"), "HAWSER_TIMEOUT_MS");
    assert_null(hwi_variable_meant("HAWSER_TIMEOUT_MS"));
    assert_null(hwi_variable_meant("HAWSER_JOURNAL"));
    assert_null(hwi_variable_meant("HAWSER_INDEX"));
    assert_null(hwi_variable_meant("HAWSER_COLOUR"));
    assert_null(hwi_variable_meant("AWSER_MASTER"));
    assert_null(hwi_variable_meant("HAWSER_"));
    assert_null(hwi_variable_meant(
        "HAWSER_MASTER_WITH_A_NAME_THAT_IS_MUCH_LONGER_THAN_THAT_OF_ANY_OPTION"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_misspelled_variable_is_known_by_its_nearest),
        cmocka_unit_test_setup(test_defaults, setup),
        cmocka_unit_test_setup(test_a_unit_has_a_name_and_a_size, setup),
        cmocka_unit_test_setup(test_environment_fills_what_is_not_given, setup),
        cmocka_unit_test_setup(test_no_struct_means_environment, setup),
        cmocka_unit_test_setup(test_master_is_required, setup),
        cmocka_unit_test_setup(test_numbers_are_checked, setup),
        cmocka_unit_test_setup(test_flag_is_zero_or_one, setup),
        cmocka_unit_test_setup(test_listening_beyond_loopback_is_insecure, setup),
        cmocka_unit_test_setup(test_addresses_to_dial_need_a_port, setup),
        cmocka_unit_test_setup(test_long_addresses_are_refused, setup),
        cmocka_unit_test_setup(test_older_callers_have_a_shorter_struct, setup),
        cmocka_unit_test_setup(test_a_master_takes_its_journal_from_the_environment_too, setup),
        cmocka_unit_test_setup(test_master_defaults, setup),
        cmocka_unit_test_setup(test_heartbeat_follows_dead_ms, setup),
        cmocka_unit_test_setup(test_master_bounds, setup),
        cmocka_unit_test_setup(test_table_is_whole, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
