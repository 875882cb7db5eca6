// SPDX-License-Identifier: MIT
// What the files of the data port's core share. Nobody else includes this.
#ifndef HAWSER_TRANSPORT_DATA_PORT_H
#define HAWSER_TRANSPORT_DATA_PORT_H

#include "collectives/kernels/kernels.h"
#include "transport/data/bits.h"
#include "transport/data/data.h"
#include "transport/data/index.h"
#include "transport/data/pool.h"

enum {
    HWI_REQUESTS_MAX = 1 << 16,         // requests whose memory is known
    HWI_DATA_OPS_MAX = 4 * HWI_OPS_MAX, // operations begun and not quiesced, of all views
    HWI_ROWS_MAX = 2 * HWI_OPS_MAX * HWI_MEMBERS_MAX, // placement rows of all operations
    HWI_BLOCK_ROWS_MAX = 1 << 16,                     // blocks awaited
    HWI_STASH_FRAMES_MAX = 4096,      // eager frames of one edge; their bytes: HWI_EAGER_BYTES_MAX
    HWI_WAITING_MAX = 1 << 14,        // entries of one queue of an edge's lane
    HWI_WAITING_BYTES_MAX = 64 << 20, // encoded messages in one queue
};

struct hwi_memory {
    struct hwi_link link;
    uint64_t request;
    const unsigned char *input;
    unsigned char *output;
    uint64_t input_bytes, output_bytes;
    uint32_t users; // operations on it
};

// How an operation's whole is cut: in regions that follow one another, each in chunks.
struct hwi_grid {
    uint64_t bytes;
    uint32_t chunk_bytes;
    uint32_t chunks;
    uint32_t regions;       // 0 = one, and `region` is NULL
    struct hwi_cut *region; // [regions + 1], the last one is the end
};

struct hwi_cut {
    uint64_t begin; // byte
    uint32_t first; // chunk
};

// An operation of the reducer, or a sync of the snapshot (then without memory).
struct hwi_data_op {
    struct hwi_link link;
    struct hwi_op name;
    struct hwi_memory *memory;
    const struct hwi_kernel *kernel; // NULL = nothing is reduced
    struct hwi_grid grid;
    const unsigned char *input; // the memory's, or its saved copy
    uint64_t input_from;        // its first byte is this one of the whole
    uint64_t output_from;       // the memory's output likewise
    struct hwi_row *rows;
    struct hwi_block_row *blocks;
    uint64_t scratch_bytes;
    uint64_t bytes_sent;
    uint64_t bytes_received;
    unsigned char *backup;        // in place only: what the saved chunks of the output held
    uint64_t save_from, save_end; // in the whole: what may be overwritten, and is saved before
    // In place only: a bit per chunk that is saved, then one per chunk that left
    uint64_t saved[];
};

// Where the chunks of (operation, phase, from) go.
struct hwi_row {
    struct hwi_link link;
    struct hwi_data_op *op;
    struct hwi_row *next; // of the operation
    uint64_t from;
    uint8_t phase;
    uint32_t first, chunks, slots, granted;
    unsigned char *scratch;
    uint64_t claimed[]; // a bit per chunk: here, or coming in
};

// Where a block from a member goes.
struct hwi_block_row {
    struct hwi_link link;
    struct hwi_data_op *op;
    struct hwi_block_row *next, **at; // of the operation, and what points here
    uint64_t from;
    uint32_t block;
    uint32_t bytes;
    unsigned char *memory;
    bool claimed; // coming in
};

// The last operation quiesced on a channel of the view in force.
struct hwi_closed {
    struct hwi_link link;
    uint64_t tag;
    uint32_t seq;
    uint8_t kind;
};

// What one edge's lane has still to send: a message, a run of chunks, or a block. Those of one
// operation stand in one line; a queue is of lines, and a line's first entry stands for it there.
struct hwi_waiting {
    struct hwi_waiting *next;    // line; of a line's first entry, as ...
    struct hwi_waiting *tail;    // ... the line's last entry
    struct hwi_waiting *more;    // the next entry of the line
    struct hwi_data_op *op;      // NULL = a message
    unsigned char *message;      // from the pool
    const unsigned char *memory; // a block's
    uint32_t bytes;              // of the message or block
    uint32_t first, chunks;      // a run; a block's number is `first`
    uint8_t phase;
};

enum hwi_rank { HWI_RANK_MESSAGE, HWI_RANK_SMALL, HWI_RANK_LARGE, HWI_RANKS };

struct hwi_queue {
    struct hwi_waiting *first, *last;
    uint32_t count;
    uint64_t bytes; // of messages
};

// An eager frame that waits for its row or for its grant.
struct hwi_stashed {
    struct hwi_stashed *next;
    struct hwi_frame frame;
    uint64_t sum;           // its checksum
    unsigned char *payload; // from the pool
};

struct hwi_stash {
    struct hwi_stashed *first, *last;
    uint64_t view;   // of all frames in it: the newest seen from this sender
    uint32_t bytes;  // payload, with frames that are coming in
    uint32_t frames; // likewise
};

struct hwi_edge {
    struct hwi_link link;
    uint64_t peer;
    struct hwi_queue queues[HWI_LANES][HWI_RANKS];
    struct hwi_stash stash;
};

struct hwi_tensor_memory {
    unsigned char *memory;
    uint64_t bytes;
};

struct hwi_data {
    const struct hwi_alloc *alloc;
    const struct hwi_data_ops *ops;
    void *user;
    uint64_t view;
    struct hwi_index requests, data_ops, rows, block_rows, edges, closed;
    struct hwi_pool pool;
    struct hwi_tensor_memory *tensors;
    uint32_t tensor_count;
    const void **operands; // [operand_room] for reduce.c
    uint32_t operand_room;
    struct hwi_frame_out *out; // in the driver's hands
    struct hwi_frame_in *in;   // likewise
    struct hwi_data_stats stats;
};

// What to do with a frame that came.
enum hwi_fit { HWI_FIT_TAKE, HWI_FIT_STASH, HWI_FIT_DROP, HWI_FIT_BROKEN };

// data.c
struct hwi_memory *hwi_memory_find(const struct hwi_data *data, uint64_t request);
// An event for a local actor, from the data port.
void hwi_port_tell(struct hwi_data *data, enum hwi_role role, const struct hwi_msg *msg);

// op.c: operations, their saved chunks, and which are over
struct hwi_data_op *hwi_data_op_find(const struct hwi_data *data, struct hwi_op name);
struct hwi_data_op *hwi_data_op_sync(struct hwi_data *data, struct hwi_op name); // made if needed
void hwi_data_op_begin(struct hwi_data *data, const struct hwi_msg_op_memory *msg);
void hwi_data_op_free(struct hwi_data *data, struct hwi_data_op *op); // takes; with its rows
// Where the chunk lies in the caller's memory, which must hold it.
const unsigned char *hwi_data_op_input(const struct hwi_data_op *op, uint32_t chunk);
unsigned char *hwi_data_op_output(const struct hwi_data_op *op, uint32_t chunk);
// The chunk of the output is about to be overwritten: in place, keeps what it holds, unless it is
// kept already.
void hwi_data_op_save(struct hwi_data_op *op, uint32_t chunk);
// The chunk of an input to be sent. In an all-reduce in place it is saved, for its result will come
// over it. Of several chunks each goes to its one owner, and nothing overwrites it here before the
// owner has all of it: it is sent from where it is. A single chunk goes to everyone, and is reduced
// here meanwhile: it is sent from the copy.
const unsigned char *hwi_data_op_scatter(struct hwi_data_op *op, uint32_t chunk);
// True if a result for the chunk may not come yet: in place, it has not left.
bool hwi_data_op_unsent(const struct hwi_data_op *op, uint32_t chunk);
void hwi_data_op_restore(struct hwi_data_op *op);

// grid.c
// `grid` has its bytes and chunk_bytes; takes the regions' sizes (borrowed until return).
void hwi_grid_init(struct hwi_grid *grid, const struct hwi_alloc *alloc,
                   const struct hwi_amount *regions, uint32_t count);
void hwi_grid_fini(struct hwi_grid *grid, const struct hwi_alloc *alloc);
uint64_t hwi_grid_offset(const struct hwi_grid *grid, uint32_t chunk); // in the whole, bytes
uint32_t hwi_grid_size(const struct hwi_grid *grid, uint32_t chunk);   // of the chunk, bytes
// The chunk that begins at `offset` and has `bytes`; false if there is none.
bool hwi_grid_find(const struct hwi_grid *grid, uint64_t offset, uint32_t bytes, uint32_t *chunk);
// The chunk that holds `offset`, which is inside.
uint32_t hwi_grid_at(const struct hwi_grid *grid, uint64_t offset);

// closed.c
void hwi_closed_note(struct hwi_data *data, struct hwi_op name);
bool hwi_closed_has(const struct hwi_data *data, struct hwi_op name);
void hwi_closed_clear(struct hwi_data *data);

// row.c
struct hwi_row *hwi_row_find(const struct hwi_data *data, const struct hwi_data_op *op,
                             uint8_t phase, uint64_t from);
void hwi_row_place(struct hwi_data *data, const struct hwi_msg_place *msg);
void hwi_row_place_more(struct hwi_data *data, const struct hwi_msg_place_more *msg);
void hwi_row_free(struct hwi_data *data, struct hwi_row *row); // takes; its operation forgets it
const unsigned char *hwi_row_slot(const struct hwi_row *row, uint32_t chunk); // of scratch
// A frame that fits begins to come, or is here: claims its chunk and returns where it goes.
unsigned char *hwi_row_claim(struct hwi_row *row, uint32_t chunk);
// Where a CHUNK frame of `peer` goes. TAKE sets *row and *chunk; BROKEN sets *why.
enum hwi_fit hwi_row_fit(const struct hwi_data *data, uint64_t peer, const struct hwi_frame *frame,
                         struct hwi_row **row, uint32_t *chunk, const char **why);
// A claimed chunk is in its place and its checksum held.
void hwi_row_arrived(struct hwi_data *data, struct hwi_row *row, uint32_t chunk, uint64_t sum);

// reduce.c
void hwi_port_reduce(struct hwi_data *data, const struct hwi_msg_reduce *msg);

// stash.c
// An eager frame begins to come: STASH or DROP. Those under way do not count, for the sender may
// know already that their operation has room: there is one for each stripe, of a chunk's size at
// most.
enum hwi_fit hwi_stash_admit(struct hwi_data *data, struct hwi_edge *edge,
                             const struct hwi_frame *frame, const char **why);
// The frame is here whole, its checksum is `sum`: goes where it belongs, or is kept: then takes
// *payload and sets it to NULL. Returns NULL, or why the edge is broken.
const char *hwi_stash_arrived(struct hwi_data *data, struct hwi_edge *edge,
                              const struct hwi_frame *frame, uint64_t sum, void **payload);
// Delivers what has a row and a grant by now. Returns NULL, or why the edge is broken.
const char *hwi_stash_flush(struct hwi_data *data, struct hwi_edge *edge, struct hwi_op op,
                            uint8_t phase);
void hwi_stash_drop_op(struct hwi_data *data, struct hwi_edge *edge, struct hwi_op op);
void hwi_stash_drop(struct hwi_data *data, struct hwi_edge *edge);

// outgoing.c
// Takes `waiting`. Kicks the driver if the lane had nothing; breaks the edge if the queue is full.
void hwi_queue_push(struct hwi_data *data, struct hwi_edge *edge, enum hwi_lane lane,
                    enum hwi_rank rank, struct hwi_waiting *waiting);
void hwi_queue_send(struct hwi_data *data, const struct hwi_msg_send *msg);
void hwi_queue_drop(struct hwi_data *data, struct hwi_edge *edge, const struct hwi_data_op *op);
void hwi_queue_drop_all(struct hwi_data *data, struct hwi_edge *edge);
// The driver's frames that read this operation's memory are abandoned.
void hwi_frames_out_abandon(struct hwi_data *data, struct hwi_op op);
void hwi_frames_out_abandon_edge(struct hwi_data *data, uint64_t peer);
// Writes header and trailer around the payload that *out names already.
void hwi_frame_out_seal(struct hwi_frame_out *out, const struct hwi_frame *frame);

// incoming.c: frames coming in that will be discarded
void hwi_frames_in_discard(struct hwi_data *data, struct hwi_op op);
void hwi_frames_in_discard_edge(struct hwi_data *data, uint64_t peer);
void hwi_frames_in_discard_before(struct hwi_data *data, uint64_t view);
// Eager frames of an edge that come for its stash, of views before this one.
void hwi_frames_in_discard_stash(struct hwi_data *data, uint64_t peer, uint64_t view);

// edge.c
struct hwi_edge *hwi_edge_find(const struct hwi_data *data, uint64_t peer);
struct hwi_edge *hwi_edge_next(const struct hwi_data *data, const struct hwi_edge *edge);

// message.c
void hwi_message_send(struct hwi_data *data, const struct hwi_envelope *envelope);
enum hwi_verdict hwi_message_received(struct hwi_data *data, const struct hwi_frame_in *in,
                                      const char **why);

// blocks.c
void hwi_block_hash(struct hwi_data *data, const struct hwi_msg_block_hash *msg);
void hwi_block_send(struct hwi_data *data, const struct hwi_msg_block_send *msg);
void hwi_block_place(struct hwi_data *data, const struct hwi_msg_block_place *msg);
void hwi_block_cut(struct hwi_data *data, const struct hwi_waiting *waiting,
                   struct hwi_frame_out *out);
enum hwi_fit hwi_block_fit(const struct hwi_data *data, uint64_t peer,
                           const struct hwi_frame *frame, struct hwi_block_row **row,
                           const char **why);
enum hwi_verdict hwi_block_received(struct hwi_data *data, const struct hwi_frame_in *in,
                                    const char **why);
void hwi_block_row_free(struct hwi_data *data, struct hwi_block_row *row); // takes

// quiesce.c
void hwi_port_quiesce(struct hwi_data *data, const struct hwi_msg_quiesce *msg);
void hwi_port_view(struct hwi_data *data, uint64_t view);

#endif
