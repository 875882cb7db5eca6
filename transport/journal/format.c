// SPDX-License-Identifier: MIT
#include "transport/journal/format.h"

#include <stdio.h>

#include <xxhash.h>

// ---- headers and the chain ---------------------------------------------------------------------

static uint64_t check_of(uint64_t six, uint64_t offset)
{
    uint64_t mixed = (six ^ (offset << 20) ^ offset >> 44) * UINT64_C(0x9e3779b97f4a7c15);
    mixed = (mixed ^ mixed >> 32) * UINT64_C(0xd6e8feb86659fd93);
    uint64_t check = mixed >> 48;
    return check ? check : 1; // never 0: so that zeros are no header
}

uint64_t hwi_journal_header_pack(struct hwi_journal_header header, uint64_t offset)
{
    uint64_t six = header.bytes | (uint64_t)header.kind << 32 | (uint64_t)header.role << 40;
    return six | check_of(six, offset) << 48;
}

bool hwi_journal_header_unpack(uint64_t word, uint64_t offset, struct hwi_journal_header *header)
{
    uint64_t six = word & UINT64_C(0xffffffffffff);
    *header =
        (struct hwi_journal_header){(uint32_t)six, (uint8_t)(six >> 32), (uint8_t)(six >> 40)};
    return word >> 48 == check_of(six, offset) && header->bytes <= HWI_JOURNAL_PAYLOAD_MAX;
}

uint64_t hwi_journal_chain(uint64_t before, const unsigned char *words, size_t bytes)
{
    uint64_t chain = XXH3_64bits_withSeed(words, bytes, before);
    return chain ? chain : 1; // 0 is a record that is being written
}

// ---- numbers -----------------------------------------------------------------------------------

unsigned char *hwi_journal_put_varint(unsigned char *at, uint64_t value)
{
    for (; value >= 0x80; value >>= 7) {
        *at++ = (unsigned char)(value | 0x80);
    }
    *at++ = (unsigned char)value;
    return at;
}

const unsigned char *hwi_journal_get_varint(const unsigned char *at, const unsigned char *end,
                                            uint64_t *value)
{
    *value = 0;
    for (unsigned shift = 0; shift < 70 && at < end; shift += 7) {
        unsigned char byte = *at++;
        *value |= (uint64_t)(byte & 0x7f) << (shift < 64 ? shift : 63);
        if (byte < 0x80) {
            return at;
        }
    }
    return NULL;
}

// ---- file names --------------------------------------------------------------------------------

bool hwi_journal_name_valid(const char *name)
{
    size_t length = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-");
    return length > 0 && length < HWI_JOURNAL_NAME_MAX && !name[length];
}

bool hwi_journal_path(char path[HWI_JOURNAL_PATH_MAX], const char *directory, const char *name,
                      uint32_t segment, bool fresh)
{
    int length = snprintf(path, HWI_JOURNAL_PATH_MAX, "%s/%s.%06u.hwj%s", directory, name, segment,
                          fresh ? ".new" : "");
    return length > 0 && length < HWI_JOURNAL_PATH_MAX;
}

bool hwi_journal_path_parse(const char *file, char name[HWI_JOURNAL_NAME_MAX], uint32_t *segment)
{
    size_t length = strcspn(file, ".");
    if (file[length] != '.' || length >= HWI_JOURNAL_NAME_MAX) {
        return false;
    }
    memcpy(name, file, length);
    name[length] = '\0';
    const char *digits = file + length + 1;
    size_t count = strspn(digits, "0123456789");
    if (count < 6 || count > 7 || strcmp(digits + count, ".hwj") != 0) {
        return false;
    }
    *segment = 0;
    for (size_t i = 0; i < count; i++) {
        *segment = 10 * *segment + (uint32_t)(digits[i] - '0');
    }
    return hwi_journal_name_valid(name) && *segment > 0 && *segment <= HWI_JOURNAL_SEGMENTS_MAX;
}
