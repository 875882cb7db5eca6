// SPDX-License-Identifier: MIT
// The shared state: a header tensor that says where the trainer is in the program, and contents
// that follow from it. The contents' blocks change at different rounds, so that a member that was
// away misses some of them only.
#include "tools/swarm/crew.h"

#include <xxhash.h>

#include <stdio.h>
#include <string.h>

enum { HEADER_WORDS = 3, PIECE_BYTES = 512, PIECE_RATES = 4 };

uint64_t swarm_revision(const struct swarm_seat *seat)
{
    uint32_t done = 0;
    for (uint32_t i = 0; i <= ROUND_OPS_MAX; i++) {
        done += seat->done >> i & 1;
    }
    return (uint64_t)seat->round << ROUND_SHIFT | done;
}

static uint64_t header_bytes(void)
{
    return HEADER_WORDS * sizeof(uint64_t);
}

static uint64_t bytes_of(const struct swarm *s)
{
    return header_bytes() + s->traits.state_bytes;
}

static void write_header(const struct swarm_seat *seat, unsigned char *to)
{
    uint64_t words[HEADER_WORDS] = {seat->origin, seat->round, seat->done};
    memcpy(to, words, sizeof words);
}

// Which contents a piece has in a round: one in four changes with each.
static uint64_t version_of(uint64_t piece, uint32_t round)
{
    return round >> piece % PIECE_RATES;
}

static void write_piece(const struct swarm_seat *seat, uint64_t piece, unsigned char *to,
                        uint64_t bytes)
{
    uint64_t version = version_of(piece, seat->round);
    struct swarm_draw draw =
        swarm_stream(seat->origin, SWARM_STREAM_STATE, swarm_mix(piece, version));
    for (uint64_t at = 0; at < bytes; at += sizeof(uint64_t)) {
        uint64_t word = swarm_next(&draw);
        memcpy(to + at, &word, HWI_MIN(sizeof word, bytes - at));
    }
}

// All of it, or what differs from the round before.
static void write_state(const struct swarm *s, const struct swarm_seat *seat, unsigned char *to,
                        bool all)
{
    write_header(seat, to);
    to += header_bytes();
    uint64_t left = s->traits.state_bytes;
    for (uint64_t piece = 0; left > 0; piece++) {
        uint64_t bytes = HWI_MIN(left, PIECE_BYTES);
        if (all || version_of(piece, seat->round) != version_of(piece, seat->round - 1)) {
            write_piece(seat, piece, to, bytes);
        }
        to += bytes;
        left -= bytes;
    }
}

void swarm_state_write(struct swarm *s, struct swarm_seat *seat)
{
    write_state(s, seat, seat->state, false);
}

void swarm_state_mark(struct swarm *s, struct swarm_seat *seat)
{
    (void)s;
    write_header(seat, seat->state);
}

void swarm_state_fresh(struct swarm *s, struct swarm_seat *seat)
{
    if (seat->state == NULL) {
        seat->state = hwi_new(&hwi_alloc_libc, bytes_of(s));
    }
    seat->origin = (uint64_t)seat->life << 32 | seat->node;
    seat->round = 0;
    seat->done = 0;
    seat->state_dirty = false;
    write_state(s, seat, seat->state, true);
}

void swarm_state_attach(struct swarm *s, struct swarm_seat *seat)
{
    uint64_t left = s->traits.state_bytes;
    uint32_t pieces = left > HWI_BLOCK_BYTES ? 2 : (uint32_t)(2 + left % (TENSORS - 2));
    struct hwi_tensor tensors[TENSORS] = {0};
    void *memory[TENSORS];
    unsigned char *at = seat->state;
    uint32_t count = 0;
    for (uint32_t i = 0; i <= pieces; i++) { // the header, and blocks that come one by one
        uint64_t bytes = i == 0 ? header_bytes() : left / (pieces + 1 - i);
        if (bytes > 0) {
            snprintf(tensors[count].name, sizeof tensors[count].name, "tensor %u", i);
            tensors[count].dtype = i == 0 ? HWS_U64 : i % 2 == 0 ? HWS_F32 : HWS_U8;
            tensors[count].bytes = bytes;
            memory[count++] = at;
        }
        at += bytes;
        left -= i == 0 ? 0 : bytes;
    }
    hwi_sim_state(s->sim, seat->node, tensors, memory, count);
}

void swarm_state_read(struct swarm_seat *seat)
{
    uint64_t words[HEADER_WORDS];
    memcpy(words, seat->state, sizeof words);
    seat->origin = words[0];
    seat->round = (uint32_t)words[1];
    seat->done = (uint32_t)words[2];
}

bool swarm_state_holds(struct swarm *s, const struct swarm_seat *seat)
{
    unsigned char *expected = hwi_new(&hwi_alloc_libc, bytes_of(s));
    write_state(s, seat, expected, true);
    bool holds = memcmp(expected, seat->state, bytes_of(s)) == 0;
    hwi_free(&hwi_alloc_libc, expected);
    return holds;
}

uint64_t swarm_state_hash(const struct swarm *s, const struct swarm_seat *seat)
{
    return XXH3_64bits(seat->state, bytes_of(s));
}
