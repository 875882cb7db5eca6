// SPDX-License-Identifier: MIT
// The draws from a seed, each from a separate stream.
#ifndef HAWSER_TOOLS_SWARM_STREAMS_H
#define HAWSER_TOOLS_SWARM_STREAMS_H

enum {
    SWARM_STREAM_PEERS = 1, // how many
    SWARM_STREAM_TRAITS,    // links, timings, habits of the crew
    SWARM_STREAM_KINDS,     // which faults, how often
    SWARM_STREAM_EVENTS,    // each kind's events
    SWARM_STREAM_ROUND,     // the operations of a round
    SWARM_STREAM_SEAT,      // a trainer's own habits
    SWARM_STREAM_STATE,     // contents of states
    SWARM_STREAM_INPUT,     // contents of tensors
    SWARM_STREAM_VOTE,      // values of votes
    SWARM_STREAM_COUNT,     // own counts of all-gathers
    SWARM_STREAM_BATCH,     // rounds that are batches
    SWARM_STREAM_BUILD,     // seats with another build of Hawser
};

#endif
