// SPDX-License-Identifier: MIT
// Option tables: of the fields of a public struct each one's name, variable, default, bounds and
// meaning. They fill and check the caller's values, and `hawser info` prints them, also as
// docs/OPTIONS.md.
#ifndef HAWSER_RUNTIME_CALL_OPTION_H
#define HAWSER_RUNTIME_CALL_OPTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "actors/base/base.h"
#include "runtime/call/error.h"

enum hwi_option_kind {
    HWI_OPTION_TEXT = 1, // const char *
    HWI_OPTION_NUMBER,   // uint32_t
    HWI_OPTION_FLAG,     // int, 0 or 1
    HWI_OPTION_ANY,      // uint64_t, any value
};

struct hwi_option {
    const char *name;     // the field in the public struct
    const char *env;      // environment variable, or NULL if it has none
    const char *standard; // default as text; NULL = none, or worked out from other options
    const char *doc;
    uint32_t least, most; // a number's bounds
    uint32_t offset;      // in the public struct
    uint8_t kind;         // enum hwi_option_kind
};

struct hwi_option_table {
    const struct hwi_option *options;
    uint32_t count;
};

// A row of a table for `field` of the public struct `type`. Omitted fields are NULL or 0.
// clang-format off
#define HWI_OPTION(type, field, what, ...)                                                         \
    {.name = #field, .offset = offsetof(type, field), .kind = HWI_OPTION_##what, __VA_ARGS__}
// clang-format on

// The value of a variable of the environment, borrowed until it is changed; NULL = it is not set.
typedef const char *(*hwi_option_lookup_fn)(const char *env);

// Fills each zero or NULL field of `config` (the table's struct, whole) from the environment
// (`lookup` NULL = there is none), then from the default, and checks the bounds. Texts point to the
// caller's, the environment's or static memory. Errors: HWS_E_INVALID, with a sentence that names
// the option.
hws_status hwi_options_fill(const struct hwi_option_table *table, hwi_option_lookup_fn lookup,
                            void *config, struct hwi_error *error);

// Digits only, neither sign nor blank, up to UINT32_MAX: *number is set only then.
bool hwi_option_number(const char *text, uint32_t *number);

#endif
