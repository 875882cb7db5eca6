// SPDX-License-Identifier: MIT
// The composition root: which actors make a member and which a master, and the host that runs them.
// No other file names them all.
#ifndef HAWSER_RUNTIME_COMPOSE_H
#define HAWSER_RUNTIME_COMPOSE_H

#include "runtime/config.h"
#include "transport/host/host.h"

// A member's host; `ops` and `user` as hwi_host_create takes them, the rest is borrowed until
// return. HWS_OK: *host is owned. Errors: as hwi_host_create, with this thread's sentence.
hws_status hwi_compose_member(const hws_config *config, uint64_t incarnation,
                              const struct hwi_host_ops *ops, void *user, struct hwi_host **host);

// A master's host, likewise.
hws_status hwi_compose_master(const hws_master_config *config, const struct hwi_host_ops *ops,
                              struct hwi_host **host);

#endif
