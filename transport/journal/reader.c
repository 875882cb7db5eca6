// SPDX-License-Identifier: MIT
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <hawser/types.h>

#include "actors/wire/codec.h"
#include "transport/journal/directory.h"

enum {
    PAGE_BYTES = 4096,
    HEAD_PEEK_BYTES = 4096, // a head is far smaller
    RELOADS_MAX = 64,       // of a segment that is still being written, without getting further
};

enum where {
    BEFORE_SEGMENT, // `number` is the next to open
    IN_SEGMENT,
    ENDED, // `verdict` is found for ever
};

struct hwi_journal_reader {
    char directory[HWI_JOURNAL_PATH_MAX];
    char name[HWI_JOURNAL_NAME_MAX];
    uint32_t first, last; // numbers of the segments there when it was opened
    enum where where;
    enum hwi_journal_found verdict;
    char error[sizeof(((struct hwi_journal_record *)0)->error)];

    uint32_t number;
    char **files; // owned paths of the segments opened
    uint32_t file_count, file_capacity;
    struct hwi_journal_file file;
    size_t at;
    uint32_t reloads;   // since `at` last moved
    uint64_t chain;     // after the last record
    uint64_t before_ns; // time of the last event in the segment
    uint64_t heard[HWI_ROLE_MAX];

    struct hwi_msg head;
    struct hwi_journal_room room;
};

// ---- verdicts ----------------------------------------------------------------------------------

__attribute__((format(printf, 3, 4))) static enum hwi_journal_found
settle(struct hwi_journal_reader *reader, enum hwi_journal_found verdict, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(reader->error, sizeof reader->error, format, arguments);
    va_end(arguments);
    reader->where = ENDED;
    reader->verdict = verdict;
    return verdict;
}

static const char *file_of(const struct hwi_journal_reader *reader)
{
    return reader->file_count ? reader->files[reader->file_count - 1] : reader->directory;
}

static enum hwi_journal_found damaged(struct hwi_journal_reader *reader, const char *what)
{
    const char *file = file_of(reader), *slash = strrchr(file, '/');
    return settle(reader, HWI_JOURNAL_FOUND_DAMAGED, "%.100s is damaged at offset %zu: %s",
                  slash != NULL ? slash + 1 : file, reader->at, what);
}

// ---- opening segments --------------------------------------------------------------------------

static bool note_file(struct hwi_journal_reader *reader, const char *path)
{
    if (reader->file_count == reader->file_capacity) {
        uint32_t capacity = reader->file_capacity ? 2 * reader->file_capacity : 16;
        char **grown = realloc(reader->files, capacity * sizeof *grown);
        if (grown == NULL) {
            return false;
        }
        reader->files = grown;
        reader->file_capacity = capacity;
    }
    char *copy = strdup(path);
    if (copy != NULL) {
        reader->files[reader->file_count++] = copy;
    }
    return copy != NULL;
}

// Loads segment `number`. Behind an END it may still have its first name. False with errno.
static bool load(struct hwi_journal_reader *reader, bool fresh)
{
    char path[HWI_JOURNAL_PATH_MAX];
    errno = ENAMETOOLONG;
    return hwi_journal_path(path, reader->directory, reader->name, reader->number, fresh) &&
           hwi_journal_file_read(&reader->file, path, HWI_JOURNAL_FILE_BYTES_MAX) &&
           note_file(reader, path);
}

static enum hwi_journal_found missing(struct hwi_journal_reader *reader, int problem)
{
    char path[HWI_JOURNAL_PATH_MAX] = "", text[96] = "";
    reader->at = 0;
    if (hwi_journal_path(path, reader->directory, reader->name, reader->number, false)) {
        note_file(reader, path);
    }
    if (problem == ENOENT) {
        return damaged(reader, "the file is missing");
    }
    if (problem == EISDIR) {
        return damaged(reader, "this is no regular file");
    }
    strerror_r(problem, text, sizeof text);
    return damaged(reader, text);
}

static enum hwi_journal_found enter_segment(struct hwi_journal_reader *reader)
{
    if (!load(reader, false)) {
        int problem = errno;
        bool follows = reader->number > reader->first; // its predecessor has its END
        if (problem != ENOENT || !follows || !load(reader, true)) {
            return missing(reader, problem);
        }
    }
    reader->where = IN_SEGMENT;
    reader->at = 0;
    reader->reloads = 0;
    reader->before_ns = 0;
    return HWI_JOURNAL_FOUND_HEAD;
}

// ---- the end of a segment ----------------------------------------------------------------------

static bool all_zero(const unsigned char *bytes, size_t length)
{
    return length == 0 || (bytes[0] == 0 && memcmp(bytes, bytes + 1, length - 1) == 0);
}

// A process that writes it now may have written more since the file was read. True if the bytes
// from `at` on are others now.
static bool reload(struct hwi_journal_reader *reader)
{
    struct hwi_journal_file now = {0};
    size_t at = reader->at;
    if (reader->reloads++ >= RELOADS_MAX || !reader->file_count ||
        !hwi_journal_file_read(&now, file_of(reader), HWI_JOURNAL_FILE_BYTES_MAX)) {
        return false;
    }
    bool same = now.length == reader->file.length && at <= now.length &&
                memcmp(now.bytes + at, reader->file.bytes + at, now.length - at) == 0;
    if (same || at > now.length) {
        hwi_journal_file_fini(&now);
        return false;
    }
    hwi_journal_file_fini(&reader->file);
    reader->file = now;
    return true;
}

// Zeros from here on, after `torn` bytes of a record without chain.
static enum hwi_journal_found end_without_end(struct hwi_journal_reader *reader, size_t torn)
{
    const unsigned char *rest = reader->file.bytes + reader->at + torn;
    size_t left = reader->file.length - reader->at;
    if (!all_zero(rest, left - torn)) {
        return damaged(reader, "there should be nothing behind the last record");
    }
    if (reader->number < reader->last) {
        return damaged(reader, "the segment stops, and another one follows");
    }
    if (left < 2 * HWI_JOURNAL_END_BYTES || reader->file.length % PAGE_BYTES) {
        return damaged(reader, "the file has been cut short");
    }
    return settle(reader, torn ? HWI_JOURNAL_FOUND_TORN : HWI_JOURNAL_FOUND_OPEN_END,
                  torn ? "the last record was being written" : "the journal was not closed");
}

// The word at the end of the records: zeros, or a record whose chain was not written yet.
static enum hwi_journal_found read_end(struct hwi_journal_reader *reader)
{
    struct hwi_journal_header header;
    uint64_t word = hwi_journal_get_u64(reader->file.bytes + reader->at + 8);
    size_t left = reader->file.length - reader->at - HWI_JOURNAL_HEADER_BYTES;
    if (!word) {
        return end_without_end(reader, 0);
    }
    if (!hwi_journal_header_unpack(word, reader->at, &header) ||
        hwi_journal_padded(header.bytes) > left) {
        return damaged(reader, "this is no record");
    }
    return end_without_end(reader, HWI_JOURNAL_HEADER_BYTES + hwi_journal_padded(header.bytes));
}

// ---- records -----------------------------------------------------------------------------------

static enum hwi_journal_found take_head(struct hwi_journal_reader *reader,
                                        const unsigned char *payload, size_t bytes)
{
    struct hwi_msg msg;
    void *block = NULL;
    if (reader->at != 0) {
        return damaged(reader, "a head where none should be");
    }
    bool good = hwi_decode(payload, bytes, &msg, &block) == HWI_CODEC_OK;
    free(block); // a head has no lists; another message may
    if (!good || msg.type != HWI_MSG_journal_head) {
        return damaged(reader, "this is no head");
    }
    reader->head = msg;
    const struct hwi_msg_journal_head *head = &reader->head.u.journal_head;
    if (head->segment != reader->number || strcmp(head->name, reader->name) != 0) {
        return damaged(reader, "the file is another segment's");
    }
    if (reader->number > reader->first && head->chain != reader->chain) {
        return damaged(reader, "it does not follow the segment before");
    }
    return HWI_JOURNAL_FOUND_HEAD;
}

static enum hwi_journal_found take_image(struct hwi_journal_reader *reader,
                                         struct hwi_journal_header header,
                                         const unsigned char *payload,
                                         struct hwi_journal_image *image)
{
    if (header.bytes < 8 || header.role >= HWI_ROLE_MAX) {
        return damaged(reader, "this is no image");
    }
    *image = (struct hwi_journal_image){header.role, hwi_journal_get_u64(payload), payload + 8,
                                        header.bytes - 8};
    reader->heard[header.role] = image->events;
    return HWI_JOURNAL_FOUND_IMAGE;
}

static enum hwi_journal_found take_event(struct hwi_journal_reader *reader,
                                         struct hwi_journal_header header,
                                         const unsigned char *payload,
                                         struct hwi_journal_event *event)
{
    if (header.role >= HWI_ROLE_MAX ||
        !hwi_journal_event_unpack(payload, header.bytes, reader->before_ns, &reader->room, event)) {
        return damaged(reader, "this is no event");
    }
    event->role = header.role;
    event->number = ++reader->heard[header.role];
    reader->before_ns = event->event.now_ns;
    return HWI_JOURNAL_FOUND_EVENT;
}

static enum hwi_journal_found take_number(struct hwi_journal_reader *reader,
                                          struct hwi_journal_header header,
                                          const unsigned char *payload, uint64_t *number)
{
    if (header.bytes != 8) {
        return damaged(reader, "this is no number");
    }
    *number = hwi_journal_get_u64(payload);
    if (header.kind == HWI_JOURNAL_END && *number > 1) {
        return damaged(reader, "this is no end");
    }
    return header.kind == HWI_JOURNAL_END ? HWI_JOURNAL_FOUND_CLOSED : HWI_JOURNAL_FOUND_LOST;
}

static enum hwi_journal_found take(struct hwi_journal_reader *reader,
                                   struct hwi_journal_header header, const unsigned char *payload,
                                   struct hwi_journal_record *record)
{
    switch (header.kind) {
    case HWI_JOURNAL_HEAD:
        return take_head(reader, payload, header.bytes);
    case HWI_JOURNAL_IMAGE:
        return take_image(reader, header, payload, &record->image);
    case HWI_JOURNAL_EVENT:
        return take_event(reader, header, payload, &record->event);
    case HWI_JOURNAL_END:
    case HWI_JOURNAL_LOST:
        return take_number(reader, header, payload, &record->lost);
    default:
        return damaged(reader, "a record of unknown kind");
    }
}

// Moves past a good record.
static enum hwi_journal_found pass(struct hwi_journal_reader *reader, enum hwi_journal_found found,
                                   size_t bytes, struct hwi_journal_record *record)
{
    const struct hwi_msg_journal_head *head = &reader->head.u.journal_head;
    record->offset = reader->at;
    reader->at += bytes;
    reader->reloads = 0;
    record->chain = reader->chain;
    record->head = head;
    if (found == HWI_JOURNAL_FOUND_HEAD && head->format != HWI_JOURNAL_FORMAT) {
        return settle(reader, HWI_JOURNAL_FOUND_OTHER,
                      "the journal's format is %" PRIu32 ", this build reads %d", head->format,
                      HWI_JOURNAL_FORMAT);
    }
    if (found == HWI_JOURNAL_FOUND_HEAD && head->schema != hwi_schema_hash()) {
        return settle(reader, HWI_JOURNAL_FOUND_OTHER,
                      "the journal's messages are those of schema %016" PRIx64
                      " (version %s), this build's are of %016" PRIx64,
                      head->schema, head->build, hwi_schema_hash());
    }
    return found;
}

// One record at `at`; a record whose chain is not right is not looked into.
static enum hwi_journal_found read_record(struct hwi_journal_reader *reader,
                                          struct hwi_journal_record *record)
{
    struct hwi_journal_header header;
    const unsigned char *at = reader->file.bytes + reader->at;
    size_t left = reader->file.length - reader->at;
    if (left < HWI_JOURNAL_HEADER_BYTES) {
        return damaged(reader, "the file has been cut short");
    }
    uint64_t chain = hwi_journal_get_u64(at);
    if (!chain) {
        return read_end(reader);
    }
    left -= HWI_JOURNAL_HEADER_BYTES;
    if (!hwi_journal_header_unpack(hwi_journal_get_u64(at + 8), reader->at, &header) ||
        (header.kind == HWI_JOURNAL_HEAD) != (reader->at == 0)) {
        return damaged(reader, "this is no record");
    }
    size_t padded = hwi_journal_padded(header.bytes);
    if (padded > left) {
        return damaged(reader, "the file has been cut short");
    }
    uint64_t before = reader->at ? reader->chain : 0;
    if (hwi_journal_chain(before, at + 8, 8 + padded) != chain) {
        return damaged(reader, "the record is not what was written");
    }
    enum hwi_journal_found found = take(reader, header, at + HWI_JOURNAL_HEADER_BYTES, record);
    if (reader->where == ENDED) {
        return found;
    }
    reader->chain = chain;
    return pass(reader, found, HWI_JOURNAL_HEADER_BYTES + padded, record);
}

// ---- the journal -------------------------------------------------------------------------------

static enum hwi_journal_found finish(const struct hwi_journal_reader *reader,
                                     struct hwi_journal_record *record)
{
    record->offset = reader->at;
    record->chain = reader->chain;
    record->head = reader->head.type ? &reader->head.u.journal_head : NULL;
    snprintf(record->error, sizeof record->error, "%s", reader->error);
    return reader->verdict;
}

// One record, or HWI_JOURNAL_FOUND_CLOSED for an END that another segment follows.
static enum hwi_journal_found read_next(struct hwi_journal_reader *reader,
                                        struct hwi_journal_record *record)
{
    if (reader->where == BEFORE_SEGMENT && enter_segment(reader) != HWI_JOURNAL_FOUND_HEAD) {
        return reader->verdict;
    }
    enum hwi_journal_found found = read_record(reader, record);
    if (reader->where == ENDED || found != HWI_JOURNAL_FOUND_CLOSED) {
        return found;
    }
    if (!all_zero(reader->file.bytes + reader->at, reader->file.length - reader->at)) {
        return damaged(reader, "there should be nothing behind the journal's end");
    }
    if (record->lost == 1) {
        return settle(reader, HWI_JOURNAL_FOUND_CLOSED, "the journal was closed");
    }
    reader->number++;
    reader->where = BEFORE_SEGMENT;
    return found;
}

enum hwi_journal_found hwi_journal_read(struct hwi_journal_reader *reader,
                                        struct hwi_journal_record *record)
{
    enum hwi_journal_found found = reader->verdict;
    record->error[0] = '\0';
    while (reader->where != ENDED) {
        found = read_next(reader, record);
        bool unfinished = reader->where == ENDED && found != HWI_JOURNAL_FOUND_CLOSED &&
                          found != HWI_JOURNAL_FOUND_OTHER && reader->number >= reader->last;
        if (unfinished && reload(reader)) {
            reader->where = IN_SEGMENT;
        } else if (reader->where == IN_SEGMENT) {
            break;
        }
    }
    record->file = file_of(reader);
    return reader->where == ENDED ? finish(reader, record) : found;
}

// How many segments the newest head says were removed; beyond them none may be missing.
static uint32_t removed_of(struct hwi_journal_reader *reader)
{
    struct hwi_msg head;
    struct hwi_journal_header header;
    char path[HWI_JOURNAL_PATH_MAX];
    void *block;
    struct hwi_journal_file *file = &reader->file;
    uint32_t removed = UINT32_MAX;
    if (!hwi_journal_path(path, reader->directory, reader->name, reader->last, false) ||
        !hwi_journal_file_read(file, path, HEAD_PEEK_BYTES) ||
        file->length < HWI_JOURNAL_HEADER_BYTES ||
        !hwi_journal_header_unpack(hwi_journal_get_u64(file->bytes + 8), 0, &header)) {
        return removed;
    }
    size_t padded = hwi_journal_padded(header.bytes);
    if (padded > file->length - HWI_JOURNAL_HEADER_BYTES ||
        hwi_journal_chain(0, file->bytes + 8, 8 + padded) != hwi_journal_get_u64(file->bytes) ||
        hwi_decode(file->bytes + HWI_JOURNAL_HEADER_BYTES, header.bytes, &head, &block)) {
        return removed;
    }
    if (head.type == HWI_MSG_journal_head) {
        removed = head.u.journal_head.removed;
    }
    free(block);
    return removed;
}

int hwi_journal_open(const char *directory, const char *name, struct hwi_journal_reader **reader,
                     char *error, size_t bytes)
{
    char text[96] = "no such journal";
    struct hwi_journal_reader *made = calloc(1, sizeof *made);
    if (made == NULL) {
        snprintf(error, bytes, "out of memory");
        return HWS_E_NO_MEMORY;
    }
    snprintf(made->directory, sizeof made->directory, "%s", directory);
    if (!hwi_journal_name_valid(name) ||
        !hwi_journal_extent(directory, name, &made->first, &made->last)) {
        if (errno) {
            strerror_r(errno, text, sizeof text);
        }
        snprintf(error, bytes, "cannot read the journal %.64s in %.120s: %s", name, directory,
                 text);
        free(made);
        return HWS_E_INVALID;
    }
    snprintf(made->name, sizeof made->name, "%s", name);
    uint32_t removed = removed_of(made);
    made->number = made->first;
    if (made->first > 1 && removed < made->first - 1) {
        made->number = removed + 1;
        missing(made, ENOENT);
    }
    *reader = made;
    return HWS_OK;
}

void hwi_journal_reader_close(struct hwi_journal_reader *reader)
{
    if (reader == NULL) {
        return;
    }
    for (uint32_t i = 0; i < reader->file_count; i++) {
        free(reader->files[i]);
    }
    free(reader->files);
    hwi_journal_file_fini(&reader->file);
    hwi_journal_room_fini(&reader->room);
    free(reader);
}
