// SPDX-License-Identifier: MIT
// The master's state. It admits peers, fixes views and decides. Its files call downwards only:
//     on_MESSAGE, master, state   handlers, the actor, images
//     elect, judge, mismatch      which members are removed, and the consequences
//     propose, dismiss, fault     which view should be; probe: which members live
//     seal, announce, past        a view comes into force; commit, sync: its decisions
//     absent                      members that had not made a call that was given up
//     session, unit, group, channel, shape, broken    rows
#ifndef HAWSER_ACTORS_MASTER_MASTER_H
#define HAWSER_ACTORS_MASTER_MASTER_H

#include "actors/loop/step.h"
#include "actors/master/shape.h"

enum hwi_master_stage {
    HWI_STAGE_NONE = 0,
    HWI_STAGE_BURNING, // the number is being made durable
    HWI_STAGE_OPEN,    // members open stripes
    HWI_STAGE_SEALING, // the announcement is being made durable
};

struct hwi_master {
    const struct hwi_alloc *alloc;
    uint64_t now_ns;
    struct hwi_msg_master_start config;
    bool started;
    bool booted; // the first store is durable
    uint64_t run, incarnation, highest, next_peer;

    struct hwi_master_session *sessions; // owned; ordered by peer id
    uint32_t session_count, session_capacity;
    struct hwi_master_session_name *names; // owned; of those not gone, ordered by incarnation
    uint32_t name_count, name_capacity;
    uint32_t member_count;         // sessions that are members of the view in force
    struct hwi_master_unit *units; // owned; ordered by name
    uint32_t unit_count, unit_capacity;
    uint32_t incomplete; // newcomers whose unit is not all here

    struct {
        uint64_t number;               // 0 = none yet
        struct hwi_master_seat *seats; // by rank, which is the order of peer ids; owned
        uint32_t count;
        uint32_t pending; // newcomers waiting as it came into force: the same for all members
        uint32_t largest; // members of its largest group
    } view;
    struct hwi_master_group *groups; // of the view, ordered by number; owned
    uint32_t group_count;
    struct hwi_master_shape shapes[HWI_MASTER_SHAPES_MAX]; // newest last
    uint32_t shape_count;
    struct hwi_master_channel *channels; // of the view, ordered by (kind, group, tag); owned
    uint32_t channel_count, channel_capacity;
    struct hwi_fault faults[HWI_OPS_MAX]; // why operations of this view will abort
    uint32_t fault_count;
    // Outcomes not acknowledged by all members, oldest first; owned, also its lists
    struct hwi_past *past;
    uint32_t past_count;
    uint64_t held_back_by; // no member with a lower peer id keeps the oldest of them

    enum hwi_master_stage stage;
    uint64_t proposal; // its number
    uint64_t proposal_until_ns;
    uint64_t reform_at_ns; // then the view is looked at again: what is open now is out of date;
                           // HWI_NEVER = nothing has changed
    // Without members: until then the first view waits for newcomers with a newer state. HWI_NEVER
    // = no newcomer has a state that was trained; 0 = it has waited.
    uint64_t gather_until_ns;
    uint32_t proposed_count, ready_due, broken_edges; // of it
    bool crossed;            // it has a broken edge between a member and a newcomer
    bool admitting;          // it acts on the members' vote
    bool trial;              // no vote has asked for it: it proves newcomers
    uint64_t trial_from_ns;  // none before it: the last one failed
    uint32_t trial_pause_ms; // after the last one that failed; 0 = the last one held
    uint32_t proven;         // newcomers that a trial has proven and that could be admitted
    bool any_late;           // some session is late
    bool change;             // the view must change even if its members stay
    bool again;              // something happened while an announcement was sealed
    uint64_t turn_at_ns;     // next check for silent members; messages do not move it
    uint64_t probe_at_ns;    // next probe of suspects
    uint64_t probe_from_ns;  // none before it
    uint64_t store_again_ns;
    char trouble[HWI_TEXT_BYTES_MAX]; // why the last store failed; empty = it did not
    uint64_t committed_total, aborted_total;
    struct hwi_counters counters; // of its process, for status
};

struct hwi_image;

// state.c: its fields.
void hwi_master_image(struct hwi_image *image, void *state);

#endif
