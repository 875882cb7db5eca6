// SPDX-License-Identifier: MIT
// Hosts whose actors only pass on: what the test submits goes out as if the actor had said it, and
// what the actor hears comes back to the test.
//
// A member has a PEER (edge_open, edge_close to DATA; what a peer tells a master to MASTER; wake_at
// to CLOCK) and a REDUCER (call to the member named by its signature.count; the data port's
// commands to DATA). A master answers a registration with welcome and status_want with status; a
// submitted pong goes to the session it names as `sent`, a view_file to the disk.
#ifndef HAWSER_TESTS_SUPPORT_RELAY_H
#define HAWSER_TESTS_SUPPORT_RELAY_H

#include "transport/host/host.h"

struct relay;

enum { RELAY_WAIT_MS = 5000 };

// Both fail the running test if the host cannot be created. `listen` NULL = "127.0.0.1:0".
struct relay *relay_member(const char *master, const char *listen, uint64_t incarnation);
struct relay *relay_master(const char *listen, const char *state_file, bool new_run);
// A master that may be refused: returns NULL then, *status and the sentence are set.
struct relay *relay_master_try(const char *listen, const char *state_file, bool new_run,
                               int *status, char *error);
void relay_destroy(struct relay *relay);

struct hwi_host *relay_host(struct relay *relay);
const char *relay_address(struct relay *relay);

// Submits a message to the actor `role`; fails the test if it is not taken.
void relay_say(struct relay *relay, enum hwi_role role, const struct hwi_msg *msg);

// The oldest message of this type the actors heard and nobody has looked at yet; waits for it, and
// fails the test if it does not come. Its lists are good until destroy.
struct hwi_msg relay_hear(struct relay *relay, uint16_t type);
// Likewise; false if none comes within `ms`.
bool relay_hear_within(struct relay *relay, uint16_t type, uint32_t ms, struct hwi_msg *msg);

// Opens the edge between two members, as `run` 7; does not wait.
struct hwi_msg relay_edge(struct relay *self, uint64_t self_id, uint64_t self_incarnation,
                          uint64_t peer_id, uint64_t peer_incarnation, const char *address,
                          bool dial, uint32_t stripes);

#endif
