// SPDX-License-Identifier: MIT
#include "tests/support/story.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <hawser/types.h>

#include "tests/support/scenario.h"

struct story *story_begin_with(const struct hwi_sim_config *config, uint32_t members)
{
    struct story *story = calloc(1, sizeof *story);
    struct hwi_sim_config with_rings = *config;
    with_rings.rings = STORY_RECORDS;
    with_rings.first_members = members > 0 ? members : config->first_members;
    story->sim = hwi_sim_create(&with_rings);
    for (uint32_t i = 0; i < members; i++) {
        assert_int_equal(hwi_sim_member(story->sim, 0), story->nodes++);
    }
    hwi_sim_run(story->sim, HWI_NS_PER_S);
    return story;
}

struct story *story_begin(uint32_t members)
{
    return story_begin_with(&scenario_config, members);
}

void story_end(struct story *story)
{
    hwi_sim_destroy(story->sim);
    for (uint32_t i = 0; i < STORY_NODES_MAX; i++) {
        free(story->buffers[i]);
        free(story->states[i]);
    }
    free(story);
}

void story_run(struct story *story, double seconds)
{
    hwi_sim_run(story->sim, (uint64_t)(seconds * 1e9));
}

uint64_t story_call(struct story *story, uint32_t node, uint8_t kind, uint64_t tag, uint64_t count,
                    uint64_t timeout_ms)
{
    if (story->buffers[node] == NULL) {
        story->buffers[node] = calloc(STORY_ELEMENTS_MAX, sizeof(float));
    }
    struct trainer_call made = {.kind = kind,
                                .dtype = HWS_F32,
                                .redop = kind == HWI_KIND_AGREE ? HWI_AGREE_AND : HWS_SUM,
                                .tag = tag,
                                .count = count,
                                .input = story->buffers[node],
                                .output = story->buffers[node],
                                .timeout_ms = timeout_ms};
    return trainer_call(story->sim, node, &made);
}

uint64_t story_reduce(struct story *story, uint32_t node, uint64_t tag, uint64_t count)
{
    return story_call(story, node, HWI_KIND_ALL_REDUCE, tag, count, 60000);
}

static void expect_ok(struct story *story, uint32_t node, uint64_t request)
{
    assert_true(hwi_sim_until(story->sim, node, request, 10 * HWI_NS_PER_S));
    assert_int_equal(hwi_sim_reply(story->sim, node, request)->status, HWS_OK);
}

void story_reduce_all(struct story *story, uint64_t tag, uint32_t times)
{
    for (uint32_t i = 0; i < times; i++) {
        uint64_t requests[STORY_NODES_MAX];
        for (uint32_t node = 0; node < story->nodes; node++) {
            if (hwi_sim_alive(story->sim, node)) {
                requests[node] = story_reduce(story, node, tag, 100);
            }
        }
        for (uint32_t node = 0; node < story->nodes; node++) {
            if (hwi_sim_alive(story->sim, node)) {
                expect_ok(story, node, requests[node]);
            }
        }
    }
}

void story_hold_state(struct story *story, uint32_t node, int seed)
{
    struct hwi_tensor tensor = {.dtype = HWS_U8, .bytes = STORY_STATE_BYTES};
    snprintf(tensor.name, sizeof tensor.name, "weights");
    story->states[node] = malloc(STORY_STATE_BYTES);
    uint64_t random = (uint64_t)seed;
    for (size_t i = 0; i < STORY_STATE_BYTES; i++) {
        random = random * UINT64_C(6364136223846793005) + 1442695040888963407;
        story->states[node][i] = (unsigned char)(random >> 56);
    }
    void *memory = story->states[node];
    hwi_sim_state(story->sim, node, &tensor, &memory, 1);
}

// ---- reading the rings --------------------------------------------------------------------------

uint32_t story_read_ring(const struct hwi_ring_head *head, struct hwi_ring_record *records)
{
    struct hwi_ring_reader reader;
    assert_true(hwi_ring_attach(&reader, head, hwi_ring_bytes(head->capacity)));
    return hwi_ring_read(&reader, records, STORY_RECORDS);
}

static void analyse(struct story *story, uint32_t nodes, bool status, uint64_t later_ns)
{
    struct explain_ring rings[STORY_NODES_MAX + 1];
    struct hwi_msg_status told;
    struct explain_input input = {.rings = rings, .count = 0};
    for (uint32_t i = 0; i <= story->nodes; i++) {
        uint32_t node = i ? i - 1 : HWI_SIM_MASTER;
        if (!(nodes & (i ? UINT32_C(1) << (i - 1) : STORY_MASTER))) {
            continue;
        }
        const struct hwi_ring_head *head = hwi_sim_ring(story->sim, node);
        struct hwi_ring_record *records = calloc(STORY_RECORDS, sizeof *records);
        rings[input.count++] =
            (struct explain_ring){.owner = head->owner,
                                  .records = records,
                                  .count = story_read_ring(head, records),
                                  .as_of_ns = hwi_sim_now(story->sim) + later_ns};
    }
    if (status) {
        hwi_sim_status(story->sim, &told);
        input.status = &told;
    }
    explain_analyse(&input, &story->report);
    for (uint32_t i = 0; i < input.count; i++) {
        free((void *)(uintptr_t)rings[i].records);
    }
}

void story_explain_some(struct story *story, uint32_t nodes, bool status)
{
    analyse(story, nodes, status, 0);
}

void story_explain_later(struct story *story, uint32_t nodes, uint32_t seconds)
{
    analyse(story, nodes, false, seconds * HWI_NS_PER_S);
}

void story_print(const struct story *story)
{
    for (uint32_t i = 0; i < story->report.count; i++) {
        const struct explain_finding *finding = &story->report.findings[i];
        print_message("%s %s\n",
                      finding->open   ? "open"
                      : finding->over ? "over"
                                      : "past",
                      finding->sentence);
        for (uint32_t j = 0; j < finding->line_count; j++) {
            print_message("    %.3f %s\n", (double)finding->line_ns[j] / 1e9, finding->lines[j]);
        }
        print_message("    => %s\n", finding->hint);
    }
    print_message("note: %s\n", story->report.caveat);
}

void story_expect_first(struct story *story, const char *sentence)
{
    const char *found = story->report.findings[0].sentence;
    if (strcmp(found, sentence) != 0 || getenv("VERBOSE") != NULL) {
        story_print(story);
    }
    assert_string_equal(found, sentence);
}

void story_explain(struct story *story, const char *sentence)
{
    story_explain_some(story, STORY_ALL, false);
    story_expect_first(story, sentence);
}

void story_expect_line(const struct story *story, uint32_t finding, const char *line)
{
    const struct explain_finding *f = &story->report.findings[finding];
    for (uint32_t i = 0; i < f->line_count; i++) {
        if (strcmp(f->lines[i], line) == 0) {
            return;
        }
    }
    story_print(story);
    fail_msg("no line \"%s\"", line);
}

void story_expect_begins(struct story *story, const char *begins)
{
    bool right = strncmp(story->report.findings[0].sentence, begins, strlen(begins)) == 0;
    if (!right || getenv("VERBOSE") != NULL) {
        story_print(story);
    }
    assert_true(right);
}

void story_explain_begins(struct story *story, const char *begins)
{
    story_explain_some(story, STORY_ALL, false);
    story_expect_begins(story, begins);
}
