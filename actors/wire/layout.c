// SPDX-License-Identifier: MIT
#include "actors/wire/codec.h"

// One name for a record's and a message's struct, so that the rows need not know which it is.
#define RECORD(name) typedef struct hwi_##name owner_##name;
#define MESSAGE(name, ...) typedef struct hwi_msg_##name owner_##name;
#include "actors/wire/msg_rows.h"

#define RECORD(name) enum { LISTS_##name = 0
#define END_RECORD(name)                                                                           \
    }                                                                                              \
    ;
#define MESSAGE(name, ...) RECORD(name)
#define END_MESSAGE(name) END_RECORD(name)
#define REC(owner, kind, ...) +LISTS_##kind
#define LIST(...) +1
#include "actors/wire/msg_rows.h"

// An empty last row, because C has no empty arrays and some messages have no fields.
#define RECORD(name) static const struct hwi_field fields_##name[] = {
#define END_RECORD(name_)                                                                          \
    {                                                                                              \
        0                                                                                          \
    }                                                                                              \
    }                                                                                              \
    ;                                                                                              \
    const struct hwi_layout hwi_layout_##name_ = {                                                 \
        .name = #name_,                                                                            \
        .fields = fields_##name_,                                                                  \
        .field_count = HWI_COUNT(fields_##name_) - 1,                                              \
        .bytes = sizeof(owner_##name_),                                                            \
        .lists = LISTS_##name_,                                                                    \
    };
#define MESSAGE(name, ...) static const struct hwi_field fields_##name[] = {
#define END_MESSAGE(name)                                                                          \
    {                                                                                              \
        0                                                                                          \
    }                                                                                              \
    }                                                                                              \
    ;
#define ROW(owner, field_, doc_)                                                                   \
    .name = #field_, .doc = doc_, .offset = offsetof(owner_##owner, field_)
#define U8(owner, field, most, doc) {ROW(owner, field, doc), .kind = HWI_FIELD_U8, .limit = most},
#define U32(owner, field, most, doc) {ROW(owner, field, doc), .kind = HWI_FIELD_U32, .limit = most},
#define U64(owner, field, most, doc) {ROW(owner, field, doc), .kind = HWI_FIELD_U64, .limit = most},
#define I32(owner, field, doc) {ROW(owner, field, doc), .kind = HWI_FIELD_I32},
#define HASH(owner, field, doc) {ROW(owner, field, doc), .kind = HWI_FIELD_HASH},
#define STR(owner, field, most, doc) {ROW(owner, field, doc), .kind = HWI_FIELD_STR, .limit = most},
#define REC(owner, of, field, doc)                                                                 \
    {ROW(owner, field, doc), .kind = HWI_FIELD_REC, .record = &hwi_layout_##of},
#define LIST(owner, of, field, most, doc)                                                          \
    {ROW(owner, field, doc), .kind = HWI_FIELD_LIST, .record = &hwi_layout_##of, .limit = most,    \
     .count_offset = offsetof(owner_##owner, field##_count)},
#include "actors/wire/msg_rows.h"

static const struct hwi_layout layouts[HWI_MSG_TYPE_MAX] = {
#define MESSAGE(name_, id, says_, hears_, link_, doc_)                                             \
    [id] = {.name = #name_,                                                                        \
            .doc = doc_,                                                                           \
            .says = HWI_SAYS_##name_,                                                              \
            .hears = HWI_HEARS_##name_,                                                            \
            .link = HWI_LINK_##link_,                                                              \
            .fields = fields_##name_,                                                              \
            .field_count = HWI_COUNT(fields_##name_) - 1,                                          \
            .bytes = sizeof(owner_##name_),                                                        \
            .lists = LISTS_##name_},
#include "actors/wire/msg_rows.h"
};

const struct hwi_layout *hwi_layout_of(uint16_t type)
{
    return type < HWI_MSG_TYPE_MAX && layouts[type].name != NULL ? &layouts[type] : NULL;
}

bool hwi_msg_may_come(uint16_t type, enum hwi_msg_link link, uint8_t from, uint8_t to)
{
    const struct hwi_layout *layout = hwi_layout_of(type);
    return layout != NULL && from < HWI_ROLE_MAX && to < HWI_ROLE_MAX && layout->link == link &&
           (layout->says & 1u << from) != 0 && (layout->hears & 1u << to) != 0;
}
