// SPDX-License-Identifier: MIT
// journal_edit FILE WHAT: changes one thing in a segment (a journal's last one) and makes every
// chain right again, as a build that had written it so would have: for tests of replay.
//   schema     the head says another schema
//   decision   the head says another build's decisions
//   clock      its process's time of day was five seconds ahead
//   removed    one segment was removed before it
//   effect     the hash of an event's effect (of the last event that has one)
//   failed     that event's step failed a check
//   request    the trainer's first all-reduce had another tag
//   zero       ... had the number 0, as no request has
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actors/wire/codec.h"
#include "transport/journal/format.h"

enum { FILE_BYTES_MAX = 64 << 20 };

struct segment {
    unsigned char *bytes;
    size_t length;
};

static _Noreturn void fail(const char *what)
{
    fprintf(stderr, "journal_edit: %s\n", what);
    exit(1);
}

static struct segment load(const char *path)
{
    struct segment segment = {malloc(FILE_BYTES_MAX), 0};
    FILE *file = fopen(path, "rb");
    if (file == NULL || segment.bytes == NULL) {
        fail("cannot read the file");
    }
    segment.length = fread(segment.bytes, 1, FILE_BYTES_MAX, file);
    fclose(file);
    return segment;
}

static void store(const char *path, const struct segment *segment)
{
    FILE *file = fopen(path, "r+b");
    if (file == NULL || fwrite(segment->bytes, 1, segment->length, file) != segment->length ||
        fclose(file)) {
        fail("cannot write the file");
    }
    free(segment->bytes);
}

// Bytes of the record at `at` with its header, or 0 behind the last one.
static size_t record_bytes(const struct segment *segment, size_t at,
                           struct hwi_journal_header *header)
{
    if (at + HWI_JOURNAL_HEADER_BYTES > segment->length ||
        !hwi_journal_header_unpack(hwi_journal_get_u64(segment->bytes + at + 8), at, header)) {
        return 0;
    }
    return HWI_JOURNAL_HEADER_BYTES + hwi_journal_padded(header->bytes);
}

static void chain_again(const struct segment *segment)
{
    struct hwi_journal_header header;
    uint64_t chain = 0;
    for (size_t at = 0, bytes; (bytes = record_bytes(segment, at, &header)); at += bytes) {
        unsigned char *record = segment->bytes + at;
        chain = hwi_journal_chain(chain, record + 8, bytes - 8);
        hwi_journal_put_u64(record, chain);
    }
}

static void replace(unsigned char *place, size_t length, const struct hwi_msg *msg)
{
    unsigned char *encoded;
    size_t again;
    if (hwi_encode(msg, &encoded, &again) || again != length) {
        fail("the message has another length now");
    }
    memcpy(place, encoded, length);
    free(encoded);
}

static void change_head(const struct segment *segment, const char *what)
{
    struct hwi_journal_header header;
    struct hwi_msg msg;
    void *block;
    unsigned char *payload = segment->bytes + HWI_JOURNAL_HEADER_BYTES;
    if (!record_bytes(segment, 0, &header) || hwi_decode(payload, header.bytes, &msg, &block)) {
        fail("there is no head");
    }
    if (strcmp(what, "schema") == 0) {
        msg.u.journal_head.schema ^= 1;
    } else if (strcmp(what, "decision") == 0) {
        msg.u.journal_head.decision ^= 1;
    } else if (strcmp(what, "removed") == 0) {
        msg.u.journal_head.removed++;
    } else {
        msg.u.journal_head.realtime_ns += 5 * HWI_NS_PER_S;
    }
    replace(payload, header.bytes, &msg);
}

// The first byte of an event's first effect, or NULL if it has none.
static unsigned char *first_effect(unsigned char *payload, size_t bytes)
{
    const unsigned char *end = payload + bytes, *at = payload + 2;
    uint64_t number;
    at = hwi_journal_get_varint(at, end, &number);
    if (payload[0] & HWI_JOURNAL_FROM_ID) {
        at += 8;
    }
    at = hwi_journal_get_varint(at, end, &number);
    return number ? payload + (at - payload) : NULL;
}

static void change_event(const struct segment *segment, bool failed)
{
    struct hwi_journal_header header;
    unsigned char *payload = NULL, *effect = NULL;
    for (size_t at = 0, bytes; (bytes = record_bytes(segment, at, &header)); at += bytes) {
        unsigned char *here = segment->bytes + at + HWI_JOURNAL_HEADER_BYTES;
        unsigned char *found =
            header.kind == HWI_JOURNAL_EVENT ? first_effect(here, header.bytes) : NULL;
        if (found != NULL) {
            payload = here, effect = found;
        }
    }
    if (effect == NULL) {
        fail("no event has an effect");
    }
    if (failed) {
        payload[0] |= HWI_JOURNAL_FAILED;
    } else {
        effect[2] ^= 1;
    }
}

// Where the event's message begins: behind its effects.
static unsigned char *message_of(unsigned char *payload, size_t bytes, size_t *length)
{
    const unsigned char *end = payload + bytes, *at = payload + 2;
    uint64_t effects;
    at = hwi_journal_get_varint(at, end, &effects);
    if (payload[0] & HWI_JOURNAL_FROM_ID) {
        at += 8;
    }
    at = hwi_journal_get_varint(at, end, &effects);
    for (; effects; effects--) {
        at += HWI_JOURNAL_EFFECT_MIN + (*at & HWI_JOURNAL_TO_ID ? 8 : 0);
    }
    *length = (size_t)(end - at);
    return payload + (at - payload);
}

static bool change_reduce(unsigned char *payload, size_t bytes, bool zero)
{
    struct hwi_msg msg;
    void *block;
    size_t length;
    unsigned char *message = message_of(payload, bytes, &length);
    if (length == 0 || hwi_decode(message, length, &msg, &block)) {
        return false;
    }
    free(block); // a request has no lists
    if (msg.type != HWI_MSG_request || msg.u.request.kind != HWI_KIND_ALL_REDUCE) {
        return false;
    }
    if (zero) {
        msg.u.request.request = 0;
    } else {
        msg.u.request.tag ^= 2;
    }
    replace(message, length, &msg);
    return true;
}

static void change_request(const struct segment *segment, bool zero)
{
    struct hwi_journal_header header;
    for (size_t at = 0, bytes; (bytes = record_bytes(segment, at, &header)); at += bytes) {
        if (header.kind == HWI_JOURNAL_EVENT &&
            change_reduce(segment->bytes + at + HWI_JOURNAL_HEADER_BYTES, header.bytes, zero)) {
            return;
        }
    }
    fail("there is no all-reduce");
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fail("usage: journal_edit FILE schema|decision|clock|removed|effect|failed|request|zero");
    }
    struct segment segment = load(argv[1]);
    if (strcmp(argv[2], "request") == 0 || strcmp(argv[2], "zero") == 0) {
        change_request(&segment, strcmp(argv[2], "zero") == 0);
    } else if (strcmp(argv[2], "effect") == 0 || strcmp(argv[2], "failed") == 0) {
        change_event(&segment, strcmp(argv[2], "failed") == 0);
    } else {
        change_head(&segment, argv[2]);
    }
    chain_again(&segment);
    store(argv[1], &segment);
    return 0;
}
