// SPDX-License-Identifier: MIT
// The options of a member, of a master and of a call, each one table: it checks what the caller
// gives, and `hawser info` prints it, also as docs/OPTIONS.md.
#ifndef HAWSER_RUNTIME_CONFIG_H
#define HAWSER_RUNTIME_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include <hawser/comm.h>
#include <hawser/collective.h>
#include <hawser/master.h>

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

enum { HWI_MASTER_BYTES_MAX = 264 }; // a host name, a colon, a port and a NUL

struct hwi_option_table {
    const struct hwi_option *options;
    uint32_t count;
};

extern const struct hwi_option_table hwi_comm_options;   // of hws_config
extern const struct hwi_option_table hwi_master_options; // of hws_master_config
extern const struct hwi_option_table hwi_call_options;   // of hws_options: no environment

// Fills each zero or NULL field of `config` (the table's struct, whole) from the environment, then
// from the default, and checks the bounds. Texts point to the caller's, the environment's or static
// memory. Errors: HWS_E_INVALID, with a sentence that names the option.
hws_status hwi_options_fill(const struct hwi_option_table *table, void *config);

// The caller's struct (NULL = nothing given), filled and checked: addresses well formed, listening
// beyond loopback only if `insecure`. Errors: HWS_E_INVALID, HWS_E_INSECURE.
hws_status hwi_config_read(const hws_config *given, hws_config *config);
hws_status hwi_master_config_read(const hws_master_config *given, hws_master_config *config);

#endif
