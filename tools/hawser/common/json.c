// SPDX-License-Identifier: MIT
#include "tools/hawser/common/json.h"

#include <inttypes.h>
#include <math.h>
#include <stddef.h>

// Bytes of the character at `text`: 1 to 4; 0 if it is no UTF-8 (RFC 3629).
static size_t character_bytes(const unsigned char *text)
{
    static const struct {
        unsigned char from, to, second_from, second_to, bytes;
    } kinds[] = {
        {0x01, 0x7f, 0x00, 0xff, 1}, {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
        {0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
        {0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
    };
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (text[0] < kinds[i].from || text[0] > kinds[i].to) {
            continue;
        }
        size_t bytes = kinds[i].bytes;
        bool good =
            bytes == 1 || (text[1] >= kinds[i].second_from && text[1] <= kinds[i].second_to);
        for (size_t k = 2; good && k < bytes; k++) {
            good = (text[k] & 0xc0) == 0x80;
        }
        return good ? bytes : 0;
    }
    return 0;
}

static void put_character(FILE *stream, const unsigned char *text, size_t bytes)
{
    if (bytes == 0) {
        fputs("\\ufffd", stream);
    } else if (*text == '"' || *text == '\\') {
        fprintf(stream, "\\%c", *text);
    } else if (*text == '\n') {
        fputs("\\n", stream);
    } else if (*text == '\t') {
        fputs("\\t", stream);
    } else if (*text < ' ' || *text == 0x7f) {
        fprintf(stream, "\\u%04x", *text);
    } else {
        fwrite(text, 1, bytes, stream);
    }
}

void json_escape(FILE *stream, const char *text)
{
    const unsigned char *at = (const unsigned char *)text;
    if (text == NULL) {
        fputs("null", stream);
        return;
    }
    fputc('"', stream);
    while (*at != '\0') {
        size_t bytes = character_bytes(at);
        put_character(stream, at, bytes);
        at += bytes > 0 ? bytes : 1;
    }
    fputc('"', stream);
}

static void begin(struct json_writer *json, const char *name)
{
    if (json->more) {
        fputc(',', json->stream);
    }
    if (name != NULL) {
        json_escape(json->stream, name);
        fputc(':', json->stream);
    }
    json->more = true;
}

void json_put_open(struct json_writer *json, const char *name, char bracket)
{
    begin(json, name);
    fputc(bracket, json->stream);
    json->more = false;
}

void json_put_close(struct json_writer *json, char bracket)
{
    fputc(bracket, json->stream);
    json->more = true;
}

void json_put_text(struct json_writer *json, const char *name, const char *text)
{
    begin(json, name);
    json_escape(json->stream, text);
}

void json_put_number(struct json_writer *json, const char *name, uint64_t value)
{
    begin(json, name);
    fprintf(json->stream, "%" PRIu64, value);
}

void json_put_signed(struct json_writer *json, const char *name, int64_t value)
{
    begin(json, name);
    fprintf(json->stream, "%" PRId64, value);
}

void json_put_hex(struct json_writer *json, const char *name, uint64_t value)
{
    begin(json, name);
    fprintf(json->stream, "\"%016" PRIx64 "\"", value);
}

void json_put_bool(struct json_writer *json, const char *name, bool value)
{
    begin(json, name);
    fputs(value ? "true" : "false", json->stream);
}

void json_put_real(struct json_writer *json, const char *name, double value, int decimals)
{
    begin(json, name);
    if (isfinite(value)) {
        fprintf(json->stream, "%.*f", decimals, value);
    } else {
        fputs("null", json->stream); // JSON has no other word for it
    }
}

void json_put_line(struct json_writer *json)
{
    fputc('\n', json->stream);
    json->more = false;
}
