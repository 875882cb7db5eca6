// SPDX-License-Identifier: MIT
// Inside of `hawser replay`: what is asked for, the journals of a directory, their common time.
#ifndef HAWSER_TOOLS_HAWSER_REPLAY_REPLAY_H
#define HAWSER_TOOLS_HAWSER_REPLAY_REPLAY_H

#include <stdio.h>

#include "tools/hawser/command.h"
#include "tools/hawser/common/json.h"
#include "transport/journal/journal.h"

enum {
    REPLAY_NAME_MAX = HWI_JOURNAL_NAME_MAX + 40, // "snapshot@NAME:18446744073709551615"
    REPLAY_LINE_MAX = 2048,                      // characters of a message that are printed
    REPLAY_ERROR_BYTES = 512,
};

// Exit codes: the graver, the larger.
enum replay_verdict {
    REPLAY_OK = EXIT_OK,
    REPLAY_UNREADABLE = EXIT_FAILED,
    REPLAY_USAGE = EXIT_USAGE,
    REPLAY_OTHER_VERSION,
    REPLAY_DAMAGED,
    REPLAY_DIFFERENT,
    REPLAY_CRASH,
};

enum replay_point_kind {
    REPLAY_TO_END,
    REPLAY_TO_NUMBER, // of each chosen actor's events
    REPLAY_TO_TIME,   // of the merged timeline
    REPLAY_TO_EVENT,  // of one actor: all that happened before it, in every journal
};

struct replay_point {
    enum replay_point_kind kind;
    uint64_t number;     // TO_NUMBER, TO_EVENT
    int64_t ns;          // TO_TIME
    uint8_t role;        // TO_EVENT
    const char *journal; // TO_EVENT: a name or the beginning of one, borrowed
};

struct replay_options {
    char *path;          // DIR
    const char *other;   // --diff: DIR or DIR/NAME
    const char *journal; // --actor ...@JOURNAL: a name or the beginning of one; NULL = all
    const char *perfetto;
    const char *fork; // --fork: phrases, see fork_spec.h
    uint8_t role;     // --actor: HWI_ROLE_NONE = all
    struct replay_point until;
    bool step, state, timeline, json;
};

// One journal of a directory. Its first head is read when the set is opened.
struct replay_source {
    const char *name; // owned by the set
    uint64_t incarnation, pid, schema, decision;
    uint64_t peer; // id of its member: 0 = a master, or not to be learnt
    uint64_t monotonic_ns, realtime_ns;
    uint64_t first_ns; // monotonic, of its first event; 0 = it has none
    uint32_t segment;  // number of its oldest segment
    char build[HWI_NAME_BYTES_MAX];
    bool readable;    // it has a head of this build's schema
    int64_t shift_ns; // added to its clock so that nothing is received before it was sent
};

struct replay_set {
    const char *directory; // owned
    char *only;            // DIR/NAME was asked for: that journal, else NULL; owned
    char **names;
    struct replay_source *sources; // sorted by name: masters first
    uint32_t count;
    int64_t zero_ns; // realtime of the first event of all
    bool aligned;    // the shifts are known
};

// replay_options.c: 0, or the exit code and `done` (help was printed: 0).
int replay_parse(int argc, char **argv, struct replay_options *options, bool *done);

// ---- replay_set.c -------------------------------------------------------------------------------

// Opens DIR or DIR/NAME and reads the heads. False with a sentence in `error`.
bool replay_set_open(const char *path, struct replay_set *set, char error[REPLAY_ERROR_BYTES]);
void replay_set_close(struct replay_set *set);
// Opens one journal for reading; NULL if that is no longer possible. Owned.
struct hwi_journal_reader *replay_read(const struct replay_set *set, uint32_t source);
// Whether a journal is one of those that were asked for.
bool replay_chosen(const struct replay_set *set, const struct replay_options *options,
                   uint32_t source);
// NULL if no actor has this role.
const struct hwi_actor_ops *replay_ops(uint8_t role);
// The role of an actor's name; HWI_ROLE_NONE = there is no such actor.
uint8_t replay_role(const char *name, size_t length);
// Nanoseconds after the first event of the set; relates the clocks when that is first needed
// (replay_align.c).
int64_t replay_time(struct replay_set *set, uint32_t source, uint64_t monotonic_ns);
// As replay_time, with what is known of the clocks so far.
int64_t replay_time_known(const struct replay_set *set, uint32_t source, uint64_t monotonic_ns);
// Sets zero_ns from the clocks as they are known.
void replay_set_zero(struct replay_set *set);
// Learns every source's peer id, where its events tell it.
void replay_learn_peers(struct replay_set *set);

// ---- out.c: what is printed: lines, or with --json an object a line -----------------------------

void replay_use_json(void);
bool replay_is_json(void);
// "replay: ..." on a separate line; {"note":"..."}.
__attribute__((format(printf, 1, 2))) void replay_note(const char *format, ...);
// Text of several lines, printed to replay_out() until replay_end(); {"NAME":"..."}. `name` is
// borrowed until then.
FILE *replay_begin(const char *name);
FILE *replay_out(void); // borrowed
void replay_end(void);
// As JSON; the text is printed by those below.
void replay_put_event(const struct replay_source *source, int64_t ns,
                      const struct hwi_journal_event *event);
void replay_put_effect(const struct hwi_envelope *effect);
const char *replay_verdict_name(int verdict);
void replay_tell_verdict(int verdict); // only with --json

// ---- replay_text.c ------------------------------------------------------------------------------

// "peer@member-3a4b:117".
const char *replay_event_name(const struct replay_source *source, uint8_t role, uint64_t number,
                              char text[REPLAY_NAME_MAX]);
// A message as one line of at most REPLAY_LINE_MAX characters.
void replay_print_msg(FILE *stream, const struct hwi_msg *msg);
// "12.345678 s  peer@member-3a4b:117  from master  commit{..}" with a line end; `ns` as from
// replay_time.
void replay_print_event(FILE *stream, const struct replay_source *source, int64_t ns,
                        const struct hwi_journal_event *event);
// "      -> master  done{..}" with a line end.
void replay_print_effect(FILE *stream, const struct hwi_envelope *effect);
// Bytes of a field in its struct.
struct hwi_field;
size_t replay_field_bytes(const struct hwi_field *field);
// "commit", or "message 200".
const char *replay_type_name(uint16_t type, char text[24]);
// The names of the fields in which two messages of one type differ, with commas.
void replay_print_fields(FILE *stream, const struct hwi_msg *a, const struct hwi_msg *b);

// Says why a journal ends before its end; returns the verdict of that. Nothing for a good end.
enum replay_verdict replay_report_end(const struct replay_source *source,
                                      enum hwi_journal_found found,
                                      const struct hwi_journal_record *record);

// ---- replay_find.c ------------------------------------------------------------------------------

// The part of a message that a journal keeps.
uint32_t replay_hash(const struct hwi_msg *msg);
// Looks for a message of which only type and hash are known where it was heard: in `source`'s
// journal if it is for an actor there, else in the others. True: *msg with its *block (free()).
bool replay_find(const struct replay_set *set, uint32_t source,
                 const struct hwi_journal_effect *effect, struct hwi_msg *msg, void **block);
// Reads a journal up to the event `number` of `role` (0 = the journal's number-th event of all).
// NULL if it is not there; else the record is good until the reader is closed.
struct hwi_journal_reader *replay_seek(const struct replay_set *set, uint32_t source, uint8_t role,
                                       uint64_t number, struct hwi_journal_record *record);

// ---- replay_play.c, replay_child.c --------------------------------------------------------------

// Plays the chosen journals, each in a child process, prints what it finds; returns the verdict.
int replay_play_all(struct replay_set *set, const struct replay_options *options);

// Carries the run on as --fork says (fork.c), in a child process too. Returns the exit code.
int replay_fork_apart(struct replay_set *set, const struct replay_options *options);

// The work of a child so far: in memory shared with its parent, so that a crash leaves it.
struct replay_progress {
    uint64_t events;
    uint32_t actors;
    uint32_t reached; // of them came to the number of --until
    uint32_t verdict;
    uint8_t role;    // the event being played ...
    uint64_t number; // ... 0 = none yet
    // The user's wishes, which hold for the journals to come, too.
    bool hurries; // no more waiting between steps
    bool leaves;  // no more
};

// Plays one journal up to its first `limit` events and prints what it finds.
void replay_play(struct replay_set *set, uint32_t source, const struct replay_options *options,
                 uint64_t limit, struct replay_progress *progress);
// Where `until` is in each journal: limits[i] events of source i. False: there is no such event.
bool replay_limits(struct replay_set *set, const struct replay_options *options, uint64_t *limits);
// The journal that a TO_EVENT names, by its name or how only it begins; set->count after a
// complaint.
uint32_t replay_point_source(const struct replay_set *set, const struct replay_point *point);

// ---- the rest -----------------------------------------------------------------------------------

int replay_timeline(struct replay_set *set, const struct replay_options *options);
// Writes the timeline up to the limits to options->perfetto.
int replay_picture(struct replay_set *set, const struct replay_options *options,
                   const uint64_t *limits);
int replay_diff(struct replay_set *set, struct replay_set *other,
                const struct replay_options *options);

#endif
