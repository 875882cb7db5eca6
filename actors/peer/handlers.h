// SPDX-License-Identifier: MIT
// What the peer hears, one file each.
#ifndef HAWSER_ACTORS_PEER_HANDLERS_H
#define HAWSER_ACTORS_PEER_HANDLERS_H

#include "actors/loop/step.h"
#include "actors/peer/peer.h"

void hwi_peer_on_welcome(void *state, const struct hwi_event *event, struct hwi_effects *effects);
void hwi_peer_on_pong(void *state, const struct hwi_event *event, struct hwi_effects *effects);
void hwi_peer_on_probe(void *state, const struct hwi_event *event, struct hwi_effects *effects);
void hwi_peer_on_register_again(void *state, const struct hwi_event *event,
                                struct hwi_effects *effects);
void hwi_peer_on_refused(void *state, const struct hwi_event *event, struct hwi_effects *effects);
void hwi_peer_on_evicted(void *state, const struct hwi_event *event, struct hwi_effects *effects);
void hwi_peer_on_propose(void *state, const struct hwi_event *event, struct hwi_effects *effects);
void hwi_peer_on_announce(void *state, const struct hwi_event *event, struct hwi_effects *effects);
void hwi_peer_on_commit(void *state, const struct hwi_event *event, struct hwi_effects *effects);
void hwi_peer_on_sync_verify(void *state, const struct hwi_event *event,
                             struct hwi_effects *effects);
void hwi_peer_on_sync_plan(void *state, const struct hwi_event *event, struct hwi_effects *effects);
void hwi_peer_on_state_hashed(void *state, const struct hwi_event *event,
                              struct hwi_effects *effects);
void hwi_peer_on_trace_relay(void *state, const struct hwi_event *event,
                             struct hwi_effects *effects);
void hwi_peer_on_open(void *state, const struct hwi_event *event, struct hwi_effects *effects);
void hwi_peer_on_request(void *state, const struct hwi_event *event, struct hwi_effects *effects);
void hwi_peer_on_cancel(void *state, const struct hwi_event *event, struct hwi_effects *effects);
void hwi_peer_on_woken(void *state, const struct hwi_event *event, struct hwi_effects *effects);
void hwi_peer_on_edge_up(void *state, const struct hwi_event *event, struct hwi_effects *effects);
void hwi_peer_on_edge_down(void *state, const struct hwi_event *event, struct hwi_effects *effects);
void hwi_peer_on_op_done(void *state, const struct hwi_event *event, struct hwi_effects *effects);
void hwi_peer_on_op_fault(void *state, const struct hwi_event *event, struct hwi_effects *effects);
void hwi_peer_on_op_ended(void *state, const struct hwi_event *event, struct hwi_effects *effects);

#endif
