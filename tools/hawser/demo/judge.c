// SPDX-License-Identifier: MIT
// The demo's verdict: hashes what the trainers left, and compares with what was promised.
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <xxhash.h>

#include "tools/hawser/command.h"
#include "tools/hawser/common/json.h"
#include "tools/hawser/demo/demo.h"

static bool hash_file(const char *path, uint64_t hash[2])
{
    static unsigned char bytes[1 << 16];
    FILE *file = fopen(path, "rb");
    XXH3_state_t *state = XXH3_createState();
    bool good = file != NULL && state != NULL;
    size_t got, total = 0;
    if (good) {
        XXH3_128bits_reset(state);
    }
    while (good && (got = fread(bytes, 1, sizeof bytes, file)) > 0) {
        XXH3_128bits_update(state, bytes, got);
        total += got;
    }
    if (good) {
        XXH128_hash_t digest = XXH3_128bits_digest(state);
        hash[0] = digest.high64;
        hash[1] = digest.low64;
    }
    XXH3_freeState(state);
    if (file != NULL) {
        fclose(file);
    }
    return good && total > 0;
}

static bool same_hash(const struct demo_party *a, const struct demo_party *b)
{
    return a->hash[0] == b->hash[0] && a->hash[1] == b->hash[1];
}

static void take_party(struct demo *demo, uint32_t index, struct demo_verdict *verdict)
{
    struct demo_party *party = &demo->parties[index];
    char path[DEMO_PATH_BYTES];
    if (!party->finished) {
        return;
    }
    demo_out_path(demo, index, path);
    party->hashed = hash_file(path, party->hash);
    if (!party->hashed) {
        demo_problem(demo, "member %" PRIu64 " left no state", party->peer);
    }
    if (!party->hashed || !same_hash(party, &demo->parties[0])) {
        verdict->identical = false;
    }
    if (verdict->members == 0 || party->accuracy < verdict->accuracy) {
        verdict->accuracy = party->accuracy;
    }
    verdict->members++;
}

// A newcomer counts if it came in the middle and brought nothing: its state is from the others.
static bool newcomer_joined(const struct demo *demo)
{
    const struct demo_party *newcomer = &demo->parties[DEMO_NEWCOMER];
    return newcomer->finished && newcomer->synced_bytes > 0 && newcomer->synced_at >= DEMO_DIE_AT &&
           newcomer->synced_at < DEMO_STEPS;
}

static void name_problems(struct demo *demo, const struct demo_verdict *verdict)
{
    if (!verdict->killed) {
        demo_problem(demo, "no member was killed");
    }
    if (!verdict->killed_in_op) {
        demo_problem(demo, "the kill did not hit an operation");
    }
    if (!verdict->joined) {
        demo_problem(demo, "the newcomer did not join in mid-training");
    }
    if (verdict->members != DEMO_MEMBERS) {
        demo_problem(demo, "%" PRIu32 " members finished, not %d", verdict->members, DEMO_MEMBERS);
    }
    if (!verdict->identical) {
        demo_problem(demo, "the final states differ");
    }
    if (!(verdict->accuracy >= DEMO_ACCURACY_LEAST)) {
        demo_problem(demo, "the accuracy %.4f is below %.2f", verdict->accuracy,
                     DEMO_ACCURACY_LEAST);
    }
}

struct demo_verdict demo_judge(struct demo *demo)
{
    struct demo_verdict verdict = {.identical = demo->parties[0].finished};
    for (uint32_t i = 0; i < DEMO_PARTIES; i++) {
        struct demo_party *party = &demo->parties[i];
        take_party(demo, i, &verdict);
        // A survivor was in the operation with the victim: its attempt was aborted, and the next
        // one, which held, was without the victim.
        if (i != DEMO_VICTIM && party->retried && party->missed_victim) {
            verdict.killed_in_op = true;
        }
    }
    verdict.killed = demo->newcomer_started; // which only a SIGKILL of the victim leads to
    verdict.joined = newcomer_joined(demo);
    name_problems(demo, &verdict);
    verdict.ok = !demo->problem[0];
    return verdict;
}

// ---- printing --------------------------------------------------------------------------------

static const char *fate(const struct demo *demo, uint32_t index)
{
    if (index == DEMO_VICTIM && demo->newcomer_started) {
        return "killed";
    }
    if (!demo->parties[index].finished) {
        return "not finished";
    }
    return index == DEMO_NEWCOMER ? "joined late" : "from the start";
}

static void print_parties(const struct demo *demo)
{
    printf("%6s  %-14s  %5s  %8s  %s\n", "member", "", "steps", "accuracy",
           "XXH3-128 of its state");
    for (uint32_t i = 0; i < DEMO_PARTIES; i++) {
        const struct demo_party *party = &demo->parties[i];
        if (!party->peer) {
            continue;
        }
        printf("%6" PRIu64 "  %-14s  %5" PRIu64, party->peer, fate(demo, i), party->step);
        if (party->hashed) {
            printf("  %8.4f  %016" PRIx64 "%016" PRIx64, party->accuracy, party->hash[0],
                   party->hash[1]);
        }
        putchar('\n');
    }
}

static void print_line(const struct demo *demo, const struct demo_verdict *verdict)
{
    printf("demo: %s members=%" PRIu32 " identical=%s accuracy=%.2f killed=%" PRIu32
           " killed_in_op=%s joined=%" PRIu32,
           verdict->ok ? "OK" : "FAILED", verdict->members, verdict->identical ? "yes" : "no",
           verdict->accuracy, verdict->killed, verdict->killed_in_op ? "yes" : "no",
           verdict->joined);
    if (!verdict->ok) {
        printf(" (%s)", demo->problem);
    }
    putchar('\n');
}

static void print_json(const struct demo *demo, const struct demo_verdict *verdict)
{
    const char *separator = "";
    printf("{\"demo\":\"%s\",\"members\":%" PRIu32 ",\"identical\":%s,\"accuracy\":%.6f,"
           "\"killed\":%" PRIu32 ",\"killed_in_op\":%s,\"joined\":%" PRIu32 ",\"problem\":",
           verdict->ok ? "OK" : "FAILED", verdict->members, verdict->identical ? "true" : "false",
           verdict->accuracy, verdict->killed, verdict->killed_in_op ? "true" : "false",
           verdict->joined);
    json_escape(stdout, demo->problem);
    printf(",\"member_list\":[");
    for (uint32_t i = 0; i < DEMO_PARTIES; i++) {
        const struct demo_party *party = &demo->parties[i];
        if (!party->peer) {
            continue;
        }
        printf("%s{\"id\":%" PRIu64 ",\"fate\":\"%s\",\"steps\":%" PRIu64 ",\"accuracy\":%.6f,"
               "\"hash\":",
               separator, party->peer, fate(demo, i), party->step, party->accuracy);
        if (party->hashed) {
            printf("\"%016" PRIx64 "%016" PRIx64 "\"}", party->hash[0], party->hash[1]);
        } else {
            printf("null}");
        }
        separator = ",";
    }
    puts("]}");
}

void demo_print(const struct demo *demo, const struct demo_verdict *verdict)
{
    if (demo->terminal) {
        fputs("\r\033[K", demo->json ? stderr : stdout);
    }
    if (demo->json) {
        print_json(demo, verdict);
        return;
    }
    print_parties(demo);
    print_line(demo, verdict);
}
