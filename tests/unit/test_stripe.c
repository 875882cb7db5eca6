// SPDX-License-Identifier: MIT
// Frames to bytes and back between two data ports, over a stream of memory that takes and gives
// pieces of any size; plain, and sealed.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <hawser/types.h>

#include "tests/support/data_rig.h"
#include "tests/support/phases.h"
#include "tests/support/sealed_stream.h"

enum {
    CHUNK = HWI_CHUNK_BYTES_MAX,
    CHUNKS = 5,
    BYTES = CHUNK * CHUNKS - 12,
    FRAMES = 3,           // in the writer's hands
    PIPE_BYTES = 40000,   // less than a chunk
    PIECE_BYTES = 9000,   // that the pipe takes or gives at most
    ROUNDS_MAX = 1 << 20, // until something must have come
};

static const struct hwi_op op = {.view = 1, .kind = HWI_KIND_ALL_REDUCE, .tag = 9, .seq = 0};

// ---- a stream of memory

struct pipe {
    unsigned char bytes[PIPE_BYTES];
    size_t first, count;
    uint64_t carried;
    bool closed, full;
};

static ssize_t pipe_move(struct pipe *pipe, const struct iovec *parts, int count, bool in)
{
    size_t most = in && pipe->full ? 0 : rig_random() % PIECE_BYTES, moved = 0;
    most = HWI_MIN(most, in ? PIPE_BYTES - pipe->count : pipe->count);
    for (int i = 0; i < count; i++) {
        unsigned char *part = parts[i].iov_base;
        for (size_t at = 0; at < parts[i].iov_len && moved < most; at++, moved++) {
            if (in) {
                pipe->bytes[(pipe->first + pipe->count++) % PIPE_BYTES] = part[at];
            } else {
                part[at] = pipe->bytes[pipe->first];
                pipe->first = (pipe->first + 1) % PIPE_BYTES;
                pipe->count--;
            }
        }
    }
    return moved > 0 ? (ssize_t)moved : -EAGAIN;
}

static ssize_t pipe_read(void *user, const struct iovec *parts, int count)
{
    struct pipe *pipe = user;
    return pipe->closed && pipe->count == 0 ? 0 : pipe_move(pipe, parts, count, false);
}

static ssize_t pipe_write(void *user, const struct iovec *parts, int count)
{
    struct pipe *pipe = user;
    ssize_t moved = pipe->closed ? -EPIPE : pipe_move(pipe, parts, count, true);
    pipe->carried += moved > 0 ? (uint64_t)moved : 0;
    return moved;
}

static const struct hwi_stream_ops pipe_ops = {.read = pipe_read, .write = pipe_write};

// ---- the scene: member 1 sends its tensor to member 2

struct scene {
    struct rig rig;
    struct rig_node *from, *to;
    unsigned char *memory[2];
    struct hwi_staging staging;
    struct pipe pipe;
    struct sealed_stream seal, unseal;
    struct hwi_stream out, in;
    struct hwi_stripe_writer writer;
    struct hwi_frame_out frames[FRAMES];
    struct hwi_stripe_reader reader;
    struct hwi_stripe_fault fault;
};

static struct scene *begin(bool sealed)
{
    struct scene *scene = calloc(1, sizeof *scene);
    rig_open(&scene->rig, 2);
    scene->from = &scene->rig.nodes[0];
    scene->to = &scene->rig.nodes[1];
    scene->writer = (struct hwi_stripe_writer){.frames = scene->frames, .room = FRAMES};
    scene->seal.inner = scene->unseal.inner = (struct hwi_stream){&pipe_ops, &scene->pipe};
    scene->out = sealed ? sealed_stream(&scene->seal) : scene->seal.inner;
    scene->in = sealed ? sealed_stream(&scene->unseal) : scene->seal.inner;
    for (int i = 0; i < 2; i++) {
        struct rig_node *node = &scene->rig.nodes[i];
        scene->memory[i] = malloc(BYTES);
        rig_fill(scene->memory[i], BYTES);
        hwi_data_memory(node->data, 1,
                        &(struct hwi_buffers){hwi_location_of(scene->memory[i]),
                                              hwi_location_of(scene->memory[i]), BYTES, BYTES});
        RIG_DO(node, op_memory, .op = op, .request = 1, .dtype = HWS_F32, .redop = HWS_SUM,
               .bytes = BYTES, .chunk_bytes = CHUNK);
    }
    RIG_DO(scene->to, place, .op = op, .phase = PHASE_RESULTS, .from = 1, .chunks = CHUNKS,
           .granted = CHUNKS);
    RIG_DO(scene->from, send, .op = op, .phase = PHASE_RESULTS, .place = HWI_PLACE_OUTPUT, .to = 2,
           .chunks = CHUNKS);
    return scene;
}

static void end(struct scene *scene)
{
    hwi_stripe_writer_end(&scene->writer, scene->from->data);
    hwi_stripe_reader_end(&scene->reader, scene->to->data);
    rig_close(&scene->rig);
    free(scene->memory[0]);
    free(scene->memory[1]);
    free(scene);
}

static enum hwi_progress write_some(struct scene *scene)
{
    struct hwi_stripe_owner owner = {scene->from->data, 2, HWI_LANE_REDUCER};
    return hwi_stripe_write(&scene->writer, &owner, &scene->out, &scene->fault);
}

static enum hwi_progress read_some(struct scene *scene)
{
    struct hwi_stripe_owner owner = {scene->to->data, 1, HWI_LANE_REDUCER};
    return hwi_stripe_read(&scene->reader, &owner, &scene->in, &scene->staging, &scene->fault);
}

static void move_some(struct scene *scene)
{
    assert_int_not_equal(write_some(scene), HWI_PROGRESS_OVER);
    if (read_some(scene) == HWI_PROGRESS_OVER) {
        fail_msg("%s", scene->fault.why != NULL ? scene->fault.why : strerror(scene->fault.error));
    }
}

// Moves until the receiver has heard `count` messages of the type.
static void move_until(struct scene *scene, uint16_t type, uint32_t count)
{
    for (uint32_t i = 0; rig_count(scene->to, type) < count; i++) {
        assert_true(i < ROUNDS_MAX);
        move_some(scene);
    }
}

static void say_call(struct scene *scene, uint32_t granted)
{
    struct hwi_msg call = {.type = HWI_MSG_call, .u.call.granted = granted};
    rig_say(scene->from, HWI_ROLE_REDUCER, 2, &call);
}

static void move_all(struct scene *scene)
{
    say_call(scene, 1);
    move_until(scene, HWI_MSG_chunk, CHUNKS);
    move_until(scene, HWI_MSG_call, 1);
    assert_int_equal(write_some(scene), HWI_PROGRESS_IDLE);
    assert_false(hwi_stripe_unfinished(&scene->writer));
    assert_memory_equal(scene->memory[0], scene->memory[1], BYTES);
    assert_int_equal(scene->writer.bytes, scene->reader.bytes);
    end(scene);
}

static void pieces_of_any_size_come_to_frames(void **state)
{
    (void)state;
    move_all(begin(false));
}

static void so_they_do_through_a_sealed_stream(void **state)
{
    (void)state;
    struct scene *scene = begin(true);
    move_all(scene);
}

// Bytes that a stream has taken and cannot send yet are not forgotten when no more frames wait.
static void bytes_that_a_stream_keeps_leave_later(void **state)
{
    (void)state;
    struct scene *scene = begin(true);
    move_until(scene, HWI_MSG_chunk, CHUNKS);
    assert_int_equal(write_some(scene), HWI_PROGRESS_IDLE);
    scene->pipe.full = true;
    say_call(scene, 1);
    assert_int_equal(write_some(scene), HWI_PROGRESS_BLOCKED);
    assert_true(hwi_stripe_unfinished(&scene->writer) && scene->writer.count == 0);
    scene->pipe.full = false;
    move_until(scene, HWI_MSG_call, 1);
    assert_int_equal(write_some(scene), HWI_PROGRESS_IDLE);
    assert_false(hwi_stripe_unfinished(&scene->writer));
    end(scene);
}

// ---- given up half-way

static void quiesce(struct rig_node *node)
{
    RIG_DO(node, quiesce, .op = op);
}

// One side ends the operation when about `bytes` have left; what is said afterwards still comes.
static void give_up_after(bool sender, uint64_t bytes, bool sealed)
{
    struct scene *scene = begin(sealed);
    struct hwi_data_stats stats;
    while (scene->writer.bytes < bytes) {
        move_some(scene);
    }
    quiesce(sender ? scene->from : scene->to);
    memset(scene->memory[sender ? 0 : 1], 0xee, BYTES); // the caller has it back
    say_call(scene, 7);
    move_until(scene, HWI_MSG_call, 1);
    for (uint32_t i = 0; !sender && i < 200; i++) {
        move_some(scene);
    }
    hwi_data_stats(scene->to->data, &stats);
    if (sender) {
        quiesce(scene->to);
    } else {
        assert_true(stats.frames_dropped > 0);
        for (size_t i = 0; i < BYTES; i++) {
            assert_true(scene->memory[1][i] == 0xee);
        }
    }
    end(scene);
}

static void frames_given_up_by_the_sender_are_padding(void **state)
{
    (void)state;
    for (uint64_t bytes = 1; bytes < CHUNK + 200; bytes += 9973) {
        give_up_after(true, bytes, false);
    }
    give_up_after(true, CHUNK / 2, true);
}

static void frames_given_up_by_the_receiver_are_discarded(void **state)
{
    (void)state;
    for (uint64_t bytes = 1; bytes < CHUNK + 200; bytes += 9973) {
        give_up_after(false, bytes, false);
    }
    give_up_after(false, CHUNK / 2, true);
}

// ---- the end of a stream

static void the_end_of_a_stream_is_reported(void **state)
{
    (void)state;
    struct scene *scene = begin(false);
    for (uint32_t i = 0; i < 5; i++) {
        move_some(scene);
    }
    scene->pipe.closed = true;
    assert_int_equal(write_some(scene), HWI_PROGRESS_OVER);
    assert_true(scene->fault.why == NULL && scene->fault.error == EPIPE);
    enum hwi_progress progress = HWI_PROGRESS_IDLE;
    for (uint32_t i = 0; i < ROUNDS_MAX && progress != HWI_PROGRESS_OVER; i++) {
        progress = read_some(scene);
    }
    assert_int_equal(progress, HWI_PROGRESS_OVER);
    assert_string_equal(scene->fault.why, "the other side closed it");
    end(scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_of_any_size_come_to_frames),
        cmocka_unit_test(so_they_do_through_a_sealed_stream),
        cmocka_unit_test(bytes_that_a_stream_keeps_leave_later),
        cmocka_unit_test(frames_given_up_by_the_sender_are_padding),
        cmocka_unit_test(frames_given_up_by_the_receiver_are_discarded),
        cmocka_unit_test(the_end_of_a_stream_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
