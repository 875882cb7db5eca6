// SPDX-License-Identifier: MIT
// JSON as all subcommands print it: written as it is made. Numbers are exact, texts are escaped,
// and what is no UTF-8 in them becomes U+FFFD. A writer belongs to one thread.
#ifndef HAWSER_TOOLS_HAWSER_COMMON_JSON_H
#define HAWSER_TOOLS_HAWSER_COMMON_JSON_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct json_writer {
    FILE *stream; // borrowed
    bool more;    // a value stands before the next one: a comma comes between
};

// The text in quotes, escaped. `text` is borrowed; NULL writes null.
void json_escape(FILE *stream, const char *text);

// Each writes one value: with its name within an object, with NULL within a list or alone.
// Names and texts are borrowed.
void json_put_open(struct json_writer *json, const char *name, char bracket); // '{' or '['
void json_put_close(struct json_writer *json, char bracket);                  // '}' or ']'
void json_put_text(struct json_writer *json, const char *name, const char *text);
void json_put_number(struct json_writer *json, const char *name, uint64_t value);
void json_put_signed(struct json_writer *json, const char *name, int64_t value);
void json_put_hex(struct json_writer *json, const char *name,
                  uint64_t value); // 16 digits, as a text
void json_put_bool(struct json_writer *json, const char *name, bool value);
void json_put_real(struct json_writer *json, const char *name, double value, int decimals);
// Ends the line; the next value is a new one.
void json_put_line(struct json_writer *json);

#endif
