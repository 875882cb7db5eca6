// SPDX-License-Identifier: MIT
// Messages to bytes and back, all driven by msg.def. Encoding: msgpack array
// [type, field, field, ...]; a record is an array of its fields, a list an array of records, a hash
// a 16-byte bin (lo, hi little-endian), a string a str. Fields are only ever added at the end: a
// decoder skips what it does not know and zeroes what is missing.
// Everything here may be called from any thread; nothing keeps state.
#ifndef HAWSER_ACTORS_WIRE_CODEC_H
#define HAWSER_ACTORS_WIRE_CODEC_H

#include "actors/wire/msg.h"

enum hwi_field_kind {
    HWI_FIELD_U8 = 1,
    HWI_FIELD_U32,
    HWI_FIELD_U64,
    HWI_FIELD_I32,
    HWI_FIELD_HASH,
    HWI_FIELD_STR,
    HWI_FIELD_REC,
    HWI_FIELD_LIST,
};

// The flags after a field's or a message's doc in msg.def.
enum hwi_field_flag {
    HWI_FLAG_KEY = 1 << 0,        // a ring's record keeps it as its key, ...
    HWI_FLAG_HIGH = 1 << 1,       // ... as the key's upper half, ...
    HWI_FLAG_EXTRA = 1 << 2,      // ... or in place of the operation's seq
    HWI_FLAG_RUN = 1 << 3,        // two runs differ in it though they did the same
    HWI_FLAG_MEMBER = 1 << 4,     // so do two members of a run
    HWI_FLAG_SECRET = 1 << 5,     // only its sender and its receiver may know it
    HWI_FLAG_BACKGROUND = 1 << 6, // a message: tells nothing of what a run did
};

struct hwi_field {
    const char *name;
    const char *doc;
    const struct hwi_layout *record; // of a REC, or of a LIST's elements
    uint64_t limit;                  // largest value, bytes of a STR, most elements of a LIST
    uint32_t offset;                 // in its struct
    uint32_t count_offset;           // of a LIST's count
    uint8_t kind;                    // enum hwi_field_kind
    uint8_t flags;                   // of enum hwi_field_flag
};

// The row of one record or message in msg.def.
struct hwi_layout {
    const char *name;
    const char *doc; // this, `says`, `hears` and `link`: messages only
    const struct hwi_field *fields;
    uint32_t field_count;
    uint32_t bytes; // sizeof its struct
    uint32_t lists; // LIST fields, those of its RECs included: most messages have none
    uint32_t says;  // who says it and ...
    uint32_t hears; // ... who hears it: bits 1 << enum hwi_role
    uint8_t link;   // enum hwi_msg_link
    uint8_t flags;  // of enum hwi_field_flag: messages only
};

// The message's layout, or NULL for a type that does not exist. Static memory.
const struct hwi_layout *hwi_layout_of(uint16_t type);

// True if `from` (enum hwi_role) may say this message to `to` over `link`: what another process
// says is held to it. False for a type that does not exist.
bool hwi_msg_may_come(uint16_t type, enum hwi_msg_link link, uint8_t from, uint8_t to);

// The records' layouts: hwi_layout_op, hwi_layout_member, ...
#define RECORD(name) extern const struct hwi_layout hwi_layout_##name;
#include "actors/wire/msg_rows.h"

enum hwi_codec_error {
    HWI_CODEC_OK = 0,
    HWI_CODEC_MALFORMED = -1, // not msgpack, or not of the shape of any message
    HWI_CODEC_LIMIT = -2,     // a value, string, list or depth passes its limit
    HWI_CODEC_UNKNOWN = -3,   // a type this build does not know
    HWI_CODEC_MEMORY = -4,
    HWI_CODEC_ROOM = -5, // does not fit into the bytes given
};

// Encodes `msg` (borrowed until return). On success *bytes is a malloc'ed buffer the caller owns
// (free()) and *length its size, at most HWI_MESSAGE_BYTES_MAX. HWI_CODEC_LIMIT if it would be
// larger or a field passes its limit: what is encoded can be decoded.
int hwi_encode(const struct hwi_msg *msg, unsigned char **bytes, size_t *length);

enum {
    HWI_ENCODED_LISTS_MAX = 8,  // lists that an encoder remembers
    HWI_ENCODED_LIST_LONG = 64, // elements from which it does
};

// A list of a message as it was encoded.
struct hwi_encoded_list {
    const void *items;               // borrowed, and only compared: where its elements lay
    const struct hwi_layout *record; // theirs
    uint32_t count;                  // of elements
    uint32_t values;                 // msgpack values in `bytes`
    size_t length;
    unsigned char *bytes; // owned
};

// Encodes the messages of one step: a long list that several of them share, which is one piece of
// memory to all, is encoded once (a view of ten thousand members has ten thousand addressees).
// Begins zeroed; hwi_encoder_fini() frees what it owns. One thread.
struct hwi_encoder {
    unsigned char *bytes; // owned: the last message, and room for the next
    size_t capacity;
    uint32_t list_count;
    struct hwi_encoded_list lists[HWI_ENCODED_LISTS_MAX];
};

// As hwi_encode; *bytes is the encoder's until it encodes again. The memory of lists must not have
// changed since the last hwi_encoder_forget().
int hwi_encoder_encode(struct hwi_encoder *encoder, const struct hwi_msg *msg,
                       const unsigned char **bytes, size_t *length);
void hwi_encoder_forget(struct hwi_encoder *encoder);
void hwi_encoder_fini(struct hwi_encoder *encoder);

// As hwi_encode, into `capacity` bytes at `bytes` (borrowed until return) and without allocation.
// HWI_CODEC_ROOM if they do not fit.
int hwi_encode_into(const struct hwi_msg *msg, unsigned char *bytes, size_t capacity,
                    size_t *length);

// As hwi_encode_into, but secret fields are zero or empty: for everything that keeps messages for
// inspection, above all journals. Only links and the view file have them whole.
int hwi_encode_public_into(const struct hwi_msg *msg, unsigned char *bytes, size_t capacity,
                           size_t *length);

// Decodes hostile bytes (borrowed until return). A first pass without allocation checks depth,
// counts against the bytes left and the number of values; only then memory is taken, about 24 bytes
// for each value, and the limits of msg.def are checked. On success *msg owns one block in *block
// (free() it; NULL if the message has no lists). On error *block is NULL and nothing is left.
int hwi_decode(const unsigned char *bytes, size_t length, struct hwi_msg *msg, void **block);

// Deep copy: *to's lists point into one malloc'ed *block (NULL if there are none; free() it).
// False if memory is short.
bool hwi_msg_clone(const struct hwi_msg *from, struct hwi_msg *to, void **block);

// Writes the message as one readable line, `name{field=value list=[{..} {..}]}`, cut to `bytes`
// with a NUL; zero-valued and secret fields are left out. An op is `all_reduce/7#3@v2` (kind, tag,
// seq, view), a record of one field its value. Returns the length the whole line would have.
size_t hwi_msg_print(const struct hwi_msg *msg, char *line, size_t bytes);

// The same for one record or message without its name: `{field=value ..}`, an op's own form, or the
// value of a record of one field.
size_t hwi_record_print(const struct hwi_layout *layout, const void *record, char *text,
                        size_t bytes);
// True if every field is zero, empty, an empty list or secret.
bool hwi_record_is_zero(const struct hwi_layout *layout, const void *record);

// The string (up to a NUL, at most `length` bytes) in quotes, without a byte that could harm a
// terminal. Cut and counted as in hwi_msg_print.
size_t hwi_text_print(const char *string, size_t length, char *text, size_t bytes);

// "all_reduce", "agree", ..; "?" for none of enum hwi_kind. Static text.
const char *hwi_kind_name(uint8_t kind);
// "master", "peer", ..; "?" for none of enum hwi_role. Static text.
const char *hwi_role_name(uint8_t role);

// "peer", "peer:3f2a", "reducer:2": role, and the id in hexadecimal for sessions, decimal for peer
// ids. Cut and counted as in hwi_msg_print.
size_t hwi_addr_print(struct hwi_addr addr, char *text, size_t bytes);

// XXH3-64 of the encoded form with secret fields zero: of equal messages, secrets aside, and of no
// others, they are equal.
uint64_t hwi_msg_hash(const struct hwi_msg *msg);

// One number for the whole table (names, kinds, limits, what rings keep): rings and journals carry
// it.
uint64_t hwi_schema_hash(void);

#endif
