// SPDX-License-Identifier: MIT
// The connected processes: members and newcomers, found by peer id or by incarnation.
#ifndef HAWSER_ACTORS_MASTER_SESSION_H
#define HAWSER_ACTORS_MASTER_SESSION_H

#include "actors/loop/step.h"

struct hwi_master;

// One per connection that registered: a member of the view in force, or a newcomer.
struct hwi_master_session {
    uint64_t peer;        // sessions are ordered by it
    uint64_t incarnation; // names the control session
    uint32_t group;
    char unit[HWI_NAME_BYTES_MAX]; // its unit's name; empty = none
    uint32_t unit_size;            // processes of it
    char address[HWI_ADDRESS_BYTES_MAX];
    uint64_t revision;       // of the state that it came with
    bool has_revision;       // it told it
    struct hwi_facts facts;  // no rule reads them: for status
    uint64_t heard_ns;       // when it last said anything
    uint64_t acked;          // the view it last said it holds
    uint64_t sent, received; // control messages since its registration
    bool member;             // of the view in force
    bool proposed;           // of the proposal
    bool proven;           // a newcomer that reaches all members, and they it: a trial has shown it
    bool ready;            // for the proposal
    bool synced;           // holds the run's shared state
    bool unreachable;      // its control connection was gone when we last sent
    bool suspect;          // a member lost its stripes to it in this view
    bool late;             // a newcomer that came while a vote was acted on: the next one is for it
    bool gone;             // told why, and forgotten by the next sweep
    uint32_t blame;        // broken edges it had a part in, in all proposals
    uint32_t place;        // in the proposal
    uint64_t *broken;      // a bit for each place of the proposal that it could not reach; owned
    uint32_t broken_count; // words of it: 0 = it reached all
    uint32_t edges;        // broken ones to others of the proposal, reported by either end
    uint32_t member_edges; // those of them to members
    struct hwi_tally *tallies; // its operations of this view in flight at the last heartbeat; owned
    uint32_t tally_count;
    struct {
        uint32_t count; // offers made on the sync channel: sequence + 1
        uint64_t revision;
        struct hwi_hash root, layout;
        bool dirty;
        uint8_t strategy; // hws_strategy
        bool unhashed;    // it did not hash: `root` is of the last sync that was hashed
    } offer;
};

// Finds a session by its incarnation.
struct hwi_master_session_name {
    uint64_t incarnation, peer;
};

// Questions; what they find is good until sessions are added or swept. NULL = not connected.
struct hwi_master_session *hwi_master_session(const struct hwi_master *master,
                                              uint64_t incarnation);
struct hwi_master_session *hwi_master_session_of_peer(const struct hwi_master *master,
                                                      uint64_t peer);
// Index of the first session whose peer id is not lower.
uint32_t hwi_master_session_place(const struct hwi_master *master, uint64_t peer);
uint32_t hwi_master_newcomers(const struct hwi_master *master); // of complete units, or of none
uint32_t hwi_master_waiting(const struct hwi_master *master);   // of them: proven, or no member is

// A newcomer gets the next peer id; HWI_MEMBERS_MAX sessions are a failed check.
struct hwi_master_session *hwi_master_session_add(struct hwi_master *master,
                                                  const struct hwi_msg_registration *registration);
// Its incarnation is not found any more.
void hwi_master_session_unname(struct hwi_master *master, uint64_t incarnation);
void hwi_master_sweep(struct hwi_master *master); // forgets sessions that are gone; others move
void hwi_master_index(struct hwi_master *master); // names and member_count, from the sessions

// Emits to a session and counts it. Good until the next emit.
struct hwi_msg *hwi_master_tell(struct hwi_master_session *session, struct hwi_effects *effects,
                                uint16_t type);
#define HWI_MASTER_TELL(session, effects, name)                                                    \
    (&hwi_master_tell((session), (effects), HWI_MSG_##name)->u.name)

#endif
