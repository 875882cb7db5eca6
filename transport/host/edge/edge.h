// SPDX-License-Identifier: MIT
// The door for kinds of edges. An edge is all stripes between this process and one other, on both
// lanes: opened as a whole, up as a whole, down as a whole. A kind is a way to have one: TCP
// (transport/host/edge/tcp), and later memory that two processes of a machine share, or the help
// of a third member. A host has several kinds; each edge is of the first that reaches its peer.
// edges.c has the common parts: the table of edges, their states, deadlines of dials, meters, and
// the reports to the peer actor.
//
// The duties of a kind:
//
//   Opening    After `dial` or `expect` it finds the other end, and proves that it is who `want`
//              names: run, both peer ids, both incarnations. It says hwi_edge_up once, when every
//              stripe of both lanes is proven at this end; no frame passes before. The end that
//              dialled and sees the edge lost may dial again at once: then the edge that is up at
//              the other end is over, which its kind says with hwi_edge_fail. The two ends may get
//              their commands in any order: the early one waits.
//   Frames     It moves them between the stripes and the data port with transport/stripe, or as
//              that does: in order on each stripe, whole, each on the lane it was taken from. The
//              kind keeps the output of hwi_data_next until hwi_data_sent, and of hwi_data_arriving
//              until hwi_data_received; an abandoned payload is padding, not an end. It reads
//              without being asked, and writes when told to by `write`.
//   Meters     hwi_edge_sent and hwi_edge_received with the bytes of a stripe so far, as they grow.
//   Ending     A stripe that breaks, or a frame that the data port calls broken, is hwi_edge_fail
//              with one sentence for the peer actor. It may be called from within any function
//              below, at most once for an edge, and never after `close`. `close` itself says
//              nothing and is the only end: it gives back every frame in hand, closes every stripe,
//              so that the other end notices, and forgets the edge. The memory of the edge stays
//              until the turn's end; other objects that the turn may still name are freed in
//              `bury`.
//   Deadlines  A dial has HWI_PROVE_NS_MAX: edges.c ends late dials. The kind must bound incoming
//   connections without an edge, in number and by HWI_PROVE_NS_MAX. Limits     HWI_STRIPES_MAX
//   stripes on a lane; at most HWI_STRIPE_TURN_BYTES_MAX bytes read or
//              written on one before others have their turn. No call blocks.
//   Strangers  What comes from outside is checked and never a failed check.
//
// Host thread only.
#ifndef HAWSER_TRANSPORT_HOST_EDGE_EDGE_H
#define HAWSER_TRANSPORT_HOST_EDGE_EDGE_H

#include "transport/data/data.h"
#include "transport/host/edge/meters.h"
#include "transport/os/os_epoll.h"
#include "transport/stripe/stripe.h"

struct hwi_edge;
struct hwi_edges;
struct hwi_edge_kind;
struct hwi_edge_watch;

#define HWI_PROVE_NS_MAX (5 * HWI_NS_PER_S) // from connecting, or accepting, to proven

struct hwi_edge_ops {
    // Of an edge: a struct of the kind's that begins with struct hwi_edge. It is zero but for that.
    size_t edge_bytes;

    // True if this kind can carry the edge. Both ends ask their hosts, each with its own `want`
    // (borrowed until return), and must come to the same answer. NULL = always.
    bool (*reaches)(const struct hwi_edge_kind *kind, const struct hwi_msg_edge_open *want);
    // Begins to open an edge that is in the table, as edge->want says: this side dials, or waits
    // for the other one.
    void (*dial)(struct hwi_edge_kind *kind, struct hwi_edge *edge);
    void (*expect)(struct hwi_edge_kind *kind, struct hwi_edge *edge);
    // The edge is up, and frames may wait for it, or stripes that were full may have room again
    // (hwi_edge_mark). True if it stopped because the turn's bytes are used up.
    bool (*write)(struct hwi_edge_kind *kind, struct hwi_edge *edge);
    // Brings it down, whatever its state.
    void (*close)(struct hwi_edge_kind *kind, struct hwi_edge *edge);

    // One of its watches is ready. It may be of something closed earlier in this turn.
    void (*ready)(struct hwi_edge_kind *kind, struct hwi_edge_watch *watch, uint32_t what);
    // Time for what has no edge. `next_ns` is asked every turn: HWI_NEVER = nothing waits.
    uint64_t (*next_ns)(const struct hwi_edge_kind *kind);
    void (*expire)(struct hwi_edge_kind *kind, uint64_t now_ns);
    // The turn is over: frees what was closed in its course.
    void (*bury)(struct hwi_edge_kind *kind);

    // After a failed check: closes all descriptors, of edges too, and touches nothing else.
    void (*abandon)(struct hwi_edge_kind *kind);
    // Takes. All its edges were closed.
    void (*destroy)(struct hwi_edge_kind *kind);
};

// A kind's part of one host; begins a struct of the kind's own.
struct hwi_edge_kind {
    const struct hwi_edge_ops *ops; // borrowed
    struct hwi_edges *edges;        // borrowed
    uint64_t refused;               // what came in and was dropped before it was proven
};

// A descriptor of a kind in the host's poller; begins a struct of the kind's own.
struct hwi_edge_watch {
    struct hwi_watch watch;
    struct hwi_edge_kind *kind; // borrowed
};

enum hwi_edge_state {
    HWI_EDGE_DIALLING = 1,
    HWI_EDGE_EXPECTED, // the other side dials
    HWI_EDGE_UP,
    HWI_EDGE_CLOSED,
};

// The kind reads it. edges.c alone writes it.
struct hwi_edge {
    struct hwi_edge_kind *kind;    // borrowed
    struct hwi_msg_edge_open want; // what the peer actor asked for
    uint8_t state;                 // enum hwi_edge_state
    bool dirty;                    // in the list of edges with something to do at the turn's end
    uint64_t deadline_ns;          // while dialling
    const char *broken;            // static text: the data port wants it down
    struct hwi_edge_meter *meter;  // while up; NULL = memory was short. Owned by the meters
    struct hwi_edge *next_dirty, *next_closed;
};

// ---- what a kind has of its host

int hwi_edges_poller(const struct hwi_edges *edges);            // borrowed
struct hwi_data *hwi_edges_data(const struct hwi_edges *edges); // borrowed
struct hwi_staging *hwi_edges_staging(struct hwi_edges *edges); // borrowed
// A kind's watch over `fd` (taken), not in the poller yet.
struct hwi_edge_watch hwi_edge_watch_of(struct hwi_edge_kind *kind, int fd);

// The edge to `peer` if it is of this kind, else NULL. Borrowed until it is closed.
struct hwi_edge *hwi_edge_of(struct hwi_edge_kind *kind, uint64_t peer);
// All its edges, in no order: the one after `edge`, NULL = the first; NULL = no more.
struct hwi_edge *hwi_edge_after(struct hwi_edge_kind *kind, const struct hwi_edge *edge);

// ---- what a kind reports

// All stripes of both lanes, `stripes` each, are proven.
void hwi_edge_up(struct hwi_edge *edge, uint32_t stripes);
// Closes and forgets the edge; the peer actor hears edge_down with this sentence.
void hwi_edge_fail(struct hwi_edge *edge, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
// There is something to write again: `write` is called at the turn's end.
void hwi_edge_mark(struct hwi_edge *edge);
// The bytes that a stripe has carried since it was proven, headers included. While the edge is up.
void hwi_edge_sent(struct hwi_edge *edge, enum hwi_lane lane, uint32_t stripe, uint64_t bytes);
void hwi_edge_received(struct hwi_edge *edge, enum hwi_lane lane, uint32_t stripe, uint64_t bytes);

#endif
