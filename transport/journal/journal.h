// SPDX-License-Identifier: MIT
// A journal: every event that was delivered to the actors of one process, in order, each with what
// is needed to compare its effects; in segment files NAME.NNNNNN.hwj of one directory.
//
// A segment is a row of records: a header of 16 bytes (u64 chain, u32 payload bytes, u8 kind, u8
// role, u16 check of these six bytes and the record's offset) and the payload, padded with zeros to
// 8 bytes. All numbers are little-endian. `chain` is XXH3-64, seeded with the chain before, over
// what follows it in the record: so every byte counts, and no record can be left out or moved. The
// first record is a HEAD (a message `journal_head`, which says the chain before it), then an IMAGE
// of each actor unless this is the journal's beginning; then EVENTs; the last is an END if the
// journal was closed or another segment follows. All formats keep the first record as it is here.
//
// Segments are mapped files, given all their bytes when they are made: an append is a copy into
// memory, and what was appended survives a SIGKILL. The chain is written last: a record whose chain
// is 0 was being written when the process died. The bytes after the last record are zero. The next
// segment is made under the name NAME.NNNNNN.hwj.new and renamed when the one before has its END:
// so a file that is missing is known to be.
//
// A segment grows for a record that does not fit and ends after it, since images stand for the
// actors after the last event.
#ifndef HAWSER_TRANSPORT_JOURNAL_JOURNAL_H
#define HAWSER_TRANSPORT_JOURNAL_JOURNAL_H

#include "actors/loop/step.h"

enum {
    HWI_JOURNAL_FORMAT = 1,
    HWI_JOURNAL_NAME_MAX = 64,
    HWI_JOURNAL_HEADER_BYTES = 16,
    HWI_JOURNAL_SEGMENTS_MAX = 1 << 20,  // numbers of one journal
    HWI_JOURNAL_SEGMENT_BYTES = 4 << 20, // default size of a segment
};

enum hwi_journal_kind {
    HWI_JOURNAL_HEAD = 1,  // a `journal_head` message
    HWI_JOURNAL_IMAGE = 2, // u64 number of events the actor (`role`) has heard, then the image, if
                           // it has one
    HWI_JOURNAL_EVENT = 3, // see struct hwi_journal_event
    HWI_JOURNAL_END = 4,   // u64: 1 = closed, 0 = continues in the next segment
    HWI_JOURNAL_LOST = 5,  // u64: events that could not be written (disk full); the segment ends
};

// The stored part of an effect: its receiver, its type, and 32 bits of the XXH3-64 of its encoded
// form.
struct hwi_journal_effect {
    struct hwi_addr to;
    uint16_t type;
    uint32_t hash;
};

// ---- writing: the thread that runs the drain ----------------------------------------------------

struct hwi_journal;

struct hwi_journal_config {
    const char *directory;  // made if it is missing (mode 0700)
    const char *name;       // "master-1f2e", "member-3a4b": [a-z0-9-] only, unique in the directory
    uint64_t segment_bytes; // 0 = default; raised to four times what the images need
    uint64_t bytes_max;     // of all segments; the oldest are removed beyond it. 0 = no bound
    uint64_t age_max_ms;    // segments that ended longer ago are removed. 0 = no bound
    uint64_t incarnation;   // in the head
    // The actors and their states (NULL: none now), for images: the array is borrowed until return,
    // the rest until close.
    const struct hwi_actor_ops *const *actors;
    uint32_t actor_count;
    const void *(*state_of)(void *user, const struct hwi_actor_ops *actor);
    // Clock of the events and time of day at one moment; NULL = the system's. With a given clock a
    // head says pid 0: nothing in the journal depends on the machine.
    void (*clock)(void *user, uint64_t *monotonic_ns, uint64_t *realtime_ns);
    void *user;
};

// 0 and *journal owned, or an hws_status with a sentence in `error` (`bytes` of it).
int hwi_journal_create(const struct hwi_journal_config *config, struct hwi_journal **journal,
                       char *error, size_t bytes);
// Appends one step; `failed`: a check failed in it. An event whose message has type NONE: there was
// no event, and the actor had to give up. Never fails: records that the disk does not take are
// counted, reported in the next record that fits, and a new segment begins with images as soon as
// there is room. Arguments are borrowed until return. The actor's state must be the one after the
// step.
void hwi_journal_step(struct hwi_journal *journal, const struct hwi_actor_ops *actor,
                      const struct hwi_event *event, const struct hwi_effects *effects,
                      bool failed);
uint64_t hwi_journal_lost(const struct hwi_journal *journal); // events that were not written
void hwi_journal_close(struct hwi_journal *journal);          // takes; NULL allowed
// As if the process were killed: what was appended stays, and the journal has no end. Takes; NULL
// allowed.
void hwi_journal_abandon(struct hwi_journal *journal);

// ---- reading: any thread ------------------------------------------------------------------------

struct hwi_journal_event {
    uint8_t role;           // whose event: enum hwi_role
    bool failed;            // a check failed in the step
    uint64_t number;        // of the event in its actor, from 1
    struct hwi_event event; // borrowed until the next read; msg of type NONE: it had to give up
    const struct hwi_journal_effect *effects; // borrowed until the next read
    uint32_t effect_count;
};

struct hwi_journal_image {
    uint8_t role;
    uint64_t events;            // that the actor had heard
    const unsigned char *bytes; // borrowed until the next read
    size_t length;              // 0: the actor has no images
};

// The result of a read.
enum hwi_journal_found {
    HWI_JOURNAL_FOUND_HEAD,
    HWI_JOURNAL_FOUND_IMAGE,
    HWI_JOURNAL_FOUND_EVENT,
    HWI_JOURNAL_FOUND_LOST,
    HWI_JOURNAL_FOUND_CLOSED,   // the whole journal was read and it was closed
    HWI_JOURNAL_FOUND_OPEN_END, // ... it was not closed: its process runs or was killed
    HWI_JOURNAL_FOUND_TORN,     // ... and its last record was being written then
    HWI_JOURNAL_FOUND_DAMAGED,  // the bytes at `file`, `offset` are not what was written
    HWI_JOURNAL_FOUND_OTHER,    // another format or schema: `error` says which
};

struct hwi_journal_reader;

struct hwi_journal_record {
    const struct hwi_msg_journal_head *head; // HEAD: borrowed until the next head
    struct hwi_journal_image image;          // IMAGE
    struct hwi_journal_event event;          // EVENT
    uint64_t lost;                           // LOST
    const char *file;                        // of this record: borrowed until close
    uint64_t offset;                         // in it
    uint64_t chain;                          // after it: one number for all that came before
    char error[256];                         // DAMAGED, OTHER: a sentence
};

// The journals of a directory: names, sorted; *names is an owned array of `*count` owned strings
// (free each, then the array). 0 or an hws_status with a sentence in `error`.
int hwi_journal_names(const char *directory, char ***names, uint32_t *count, char *error,
                      size_t bytes);
// Opens a journal at its oldest segment. 0 and *reader owned, or an hws_status and a sentence.
int hwi_journal_open(const char *directory, const char *name, struct hwi_journal_reader **reader,
                     char *error, size_t bytes);
// The next record. After CLOSED, OPEN_END, TORN, DAMAGED and OTHER it finds the same again.
enum hwi_journal_found hwi_journal_read(struct hwi_journal_reader *reader,
                                        struct hwi_journal_record *record);
void hwi_journal_reader_close(struct hwi_journal_reader *reader); // takes; NULL allowed

#endif
