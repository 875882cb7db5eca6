// SPDX-License-Identifier: MIT
// The options of a member and of a master: tables with an environment. Those of a call are in
// runtime/call/options.h.
#ifndef HAWSER_RUNTIME_CONFIG_H
#define HAWSER_RUNTIME_CONFIG_H

#include <hawser/comm.h>
#include <hawser/master.h>

#include "runtime/call/option.h"

enum { HWI_MASTER_BYTES_MAX = 264 }; // a host name, a colon, a port and a NUL

extern const struct hwi_option_table hwi_comm_options;   // of hws_config
extern const struct hwi_option_table hwi_master_options; // of hws_master_config

// The caller's struct (NULL = nothing given), filled and checked: addresses well formed, listening
// beyond loopback only if `insecure`. Errors: HWS_E_INVALID, HWS_E_INSECURE.
hws_status hwi_config_read(const hws_config *given, hws_config *config);
hws_status hwi_master_config_read(const hws_master_config *given, hws_master_config *config);

#endif
