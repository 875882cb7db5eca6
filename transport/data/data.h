// SPDX-License-Identifier: MIT
// The data port's core: executes the actors' data commands on real memory, cuts and places frames.
// It does no I/O and knows no sockets: a driver (host stripes, or the simulator's links) pulls
// frames from it and pushes frames into it. One thread. Same code under host and simulator. A
// failed check (an actor's command that makes no sense, or no memory) unwinds as everywhere: the
// driver calls all of this under a trap. Data from peers never leads to a failed check.
#ifndef HAWSER_TRANSPORT_DATA_DATA_H
#define HAWSER_TRANSPORT_DATA_DATA_H

#include "transport/data/frame.h"
#include "transport/memory/memory.h"

struct hwi_data;
struct hwi_writes;

// Called from inside the core: they may note and queue things, not call back into it.
struct hwi_data_ops {
    // An event for a local actor (REDUCER, SNAPSHOT, PEER). Borrowed until return. `from` is DATA
    // for commands' answers, or the remote actor (role by lane, id = peer) for a message that came
    // over an edge.
    void (*deliver)(void *user, struct hwi_addr from, struct hwi_addr to,
                    const struct hwi_msg *msg);
    // Frames wait for this edge where none waited before: the driver should pull.
    void (*kick)(void *user, uint64_t peer, enum hwi_lane lane);
    // Found while executing a command: the peer broke the protocol earlier (an eager frame that
    // came twice), or a queue to it passed its bound. The driver closes the edge afterwards, as for
    // HWI_VERDICT_BROKEN; it may hear it more than once. `why` is a static text. Required.
    void (*broken)(void *user, uint64_t peer, const char *why);
};

// Returns owned. `alloc`, `ops`, `user` are borrowed until destroy.
struct hwi_data *hwi_data_create(const struct hwi_alloc *alloc, const struct hwi_data_ops *ops,
                                 void *user);
// Takes. The driver has removed all edges and given all frames back before.
void hwi_data_destroy(struct hwi_data *data);

// A caller's memory: `input` is never written, `output` not beyond its bytes. Either may be
// nowhere, with no bytes. In place the input is the output, or lies in it.
struct hwi_buffers {
    struct hwi_location input, output;
    uint64_t input_bytes, output_bytes;
};
// The memory a request names: borrowed until hwi_data_forget.
void hwi_data_memory(struct hwi_data *data, uint64_t request, const struct hwi_buffers *buffers);
// Forgets it, if it is known. The operation on it must have been quiesced: a failed check
// otherwise.
void hwi_data_forget(struct hwi_data *data, uint64_t request);
// The memory of tensor `index` of the shared state: borrowed until destroy.
void hwi_data_tensor(struct hwi_data *data, uint32_t index, struct hwi_location memory,
                     uint64_t bytes);
// Where it is noted, before the first byte, that blocks are about to be written to these tensors;
// the caller of the sync takes the note back. Borrowed until destroy; NULL = nobody asks.
void hwi_data_writes(struct hwi_data *data, struct hwi_writes *writes);

// Executes one effect: a data command (to DATA), or a message to a remote REDUCER or SNAPSHOT,
// which is encoded and queued on its edge, before chunks. Borrowed until return. A command that
// names what does not exist is a failed check; what goes to an edge that is not open is dropped.
void hwi_data_command(struct hwi_data *data, const struct hwi_envelope *envelope);

// An edge's stripes are open: it gets queues and an eager stash. Idempotent.
void hwi_data_edge_add(struct hwi_data *data, uint64_t peer);
// Its stripes are gone: queues, stash and incoming frames are dropped; frames in the driver's hands
// are over (it still gives them back). Idempotent.
void hwi_data_edge_remove(struct hwi_data *data, uint64_t peer);

// A frame being sent. The driver writes header, then payload, then trailer, and gives it back with
// hwi_data_sent. While it holds the frame the core may abandon it (quiesce): payload becomes NULL,
// the driver sends zeros for the rest and trailer is already HWI_TRAILER_ABANDONED (unless
// `written` says that all of the payload has left: then the trailer stands as it was, because part
// of it may have left too).
struct hwi_frame_out {
    struct hwi_frame frame; // what the header says
    unsigned char header[HWI_FRAME_HEADER_BYTES];
    unsigned char trailer[HWI_FRAME_TRAILER_BYTES];
    const unsigned char *payload; // borrowed: in frame.op's memory, or *owned
    uint32_t written; // the driver's: bytes of header, payload and trailer that have left
    void *owned;      // freed by hwi_data_sent
    uint8_t place;    // of a chunk: enum hwi_place
    uint64_t peer;
    struct hwi_frame_out *next, *previous; // the core's list of frames out
};

// Next frame for an edge's lane into *out (driver's memory, must stay in place until
// hwi_data_sent); false if none waits. Messages first, then small operations, then large, first
// come first.
bool hwi_data_next(struct hwi_data *data, uint64_t peer, enum hwi_lane lane,
                   struct hwi_frame_out *out);
// The frame was handed over whole, or its stripe is gone. The reducer learns of each chunk from
// scratch that has left.
void hwi_data_sent(struct hwi_data *data, struct hwi_frame_out *out, bool whole);

// A frame being received. The core may take the target away while the driver holds it (quiesce,
// edge gone): it then becomes NULL and the driver discards the rest of the payload.
struct hwi_frame_in {
    struct hwi_frame frame;
    uint64_t peer;
    unsigned char *target; // where the payload goes; NULL = discard it
    void *owned;           // scratch behind target, freed by hwi_data_received
    void *row;             // the core's
    struct hwi_frame_in *next, *previous;
};

enum hwi_verdict { HWI_VERDICT_OK = 0, HWI_VERDICT_BROKEN = -1 };

// A header came from `peer` on `lane`. Fills *in (driver's memory, stays in place until
// hwi_data_received). HWI_VERDICT_BROKEN: the peer broke the protocol (*why is a static text): the
// driver closes the edge; *in is not held.
enum hwi_verdict hwi_data_arriving(struct hwi_data *data, uint64_t peer, enum hwi_lane lane,
                                   const unsigned char header[HWI_FRAME_HEADER_BYTES],
                                   struct hwi_frame_in *in, const char **why);
// Payload and trailer are here; trailer NULL = the stripe is gone. Delivers what comes of it.
// BROKEN as above (checksum, undecodable message, a payload that does not give its elements).
// *in is no longer held.
enum hwi_verdict hwi_data_received(struct hwi_data *data, struct hwi_frame_in *in,
                                   const unsigned char trailer[HWI_FRAME_TRAILER_BYTES],
                                   const char **why);

// Counters since create.
struct hwi_data_stats {
    uint64_t bytes_sent;     // payload bytes of chunks and blocks handed over whole
    uint64_t bytes_received; // likewise, placed and verified
    uint64_t messages_sent, messages_received;
    uint64_t frames_dropped; // of other views, abandoned, or after the end of their operation
    uint64_t reduce_bytes;   // bytes of output written by reduce
    uint64_t blocks_raw, blocks_encoded; // handed over whole
};
void hwi_data_stats(const struct hwi_data *data, struct hwi_data_stats *stats);

#endif
