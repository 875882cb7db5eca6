// SPDX-License-Identifier: MIT
// What the master hears: a message each, in its on_MESSAGE.c.
#ifndef HAWSER_ACTORS_MASTER_HANDLERS_H
#define HAWSER_ACTORS_MASTER_HANDLERS_H

#include "actors/loop/step.h"

void hwi_master_on_registration(void *state, const struct hwi_event *event,
                                struct hwi_effects *effects);
void hwi_master_on_heartbeat(void *state, const struct hwi_event *event,
                             struct hwi_effects *effects);
void hwi_master_on_ready(void *state, const struct hwi_event *event, struct hwi_effects *effects);
void hwi_master_on_done(void *state, const struct hwi_event *event, struct hwi_effects *effects);
void hwi_master_on_withdraw(void *state, const struct hwi_event *event,
                            struct hwi_effects *effects);
void hwi_master_on_edge_lost(void *state, const struct hwi_event *event,
                             struct hwi_effects *effects);
void hwi_master_on_sync_offer(void *state, const struct hwi_event *event,
                              struct hwi_effects *effects);
void hwi_master_on_leave(void *state, const struct hwi_event *event, struct hwi_effects *effects);
void hwi_master_on_unreachable(void *state, const struct hwi_event *event,
                               struct hwi_effects *effects);
void hwi_master_on_woken(void *state, const struct hwi_event *event, struct hwi_effects *effects);
void hwi_master_on_view_file(void *state, const struct hwi_event *event,
                             struct hwi_effects *effects);
void hwi_master_on_master_start(void *state, const struct hwi_event *event,
                                struct hwi_effects *effects);
void hwi_master_on_stored(void *state, const struct hwi_event *event, struct hwi_effects *effects);
void hwi_master_on_status_want(void *state, const struct hwi_event *event,
                               struct hwi_effects *effects);
void hwi_master_on_trace_want(void *state, const struct hwi_event *event,
                              struct hwi_effects *effects);

#endif
