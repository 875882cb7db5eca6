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

// The words of msg.def.
enum {
    KEY = HWI_FLAG_KEY,
    HIGH = HWI_FLAG_HIGH,
    EXTRA = HWI_FLAG_EXTRA,
    RUN = HWI_FLAG_RUN,
    MEMBER = HWI_FLAG_MEMBER,
    SECRET = HWI_FLAG_SECRET,
    BACKGROUND = HWI_FLAG_BACKGROUND,
};

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
#define FIRST(first, ...) first
#define SECOND(first, second, ...) second
#define DOC(...) FIRST(__VA_ARGS__, 0)
#define FLAGS(...) SECOND(__VA_ARGS__, 0, 0) // what stands behind the doc, or nothing
#define ROW(owner, field_, ...)                                                                    \
    .name = #field_, .doc = DOC(__VA_ARGS__), .flags = FLAGS(__VA_ARGS__),                         \
    .offset = offsetof(owner_##owner, field_)
#define NUMBER(owner, field, kind_, most, ...)                                                     \
    {ROW(owner, field, __VA_ARGS__), .kind = HWI_FIELD_##kind_, .limit = most},
#define U8(owner, field, most, ...) NUMBER(owner, field, U8, most, __VA_ARGS__)
#define U32(owner, field, most, ...) NUMBER(owner, field, U32, most, __VA_ARGS__)
#define U64(owner, field, most, ...) NUMBER(owner, field, U64, most, __VA_ARGS__)
#define STR(owner, field, most, ...) NUMBER(owner, field, STR, most, __VA_ARGS__)
#define I32(owner, field, ...) {ROW(owner, field, __VA_ARGS__), .kind = HWI_FIELD_I32},
#define HASH(owner, field, ...) {ROW(owner, field, __VA_ARGS__), .kind = HWI_FIELD_HASH},
#define REC(owner, of, field, ...)                                                                 \
    {ROW(owner, field, __VA_ARGS__), .kind = HWI_FIELD_REC, .record = &hwi_layout_##of},
#define LIST(owner, of, field, most, ...)                                                          \
    {ROW(owner, field, __VA_ARGS__), .kind = HWI_FIELD_LIST, .record = &hwi_layout_##of,           \
     .limit = most, .count_offset = offsetof(owner_##owner, field##_count)},
#include "actors/wire/msg_rows.h"

static const struct hwi_layout layouts[HWI_MSG_TYPE_MAX] = {
#define MESSAGE(name_, id, says_, hears_, link_, ...)                                              \
    [id] = {.name = #name_,                                                                        \
            .doc = DOC(__VA_ARGS__),                                                               \
            .says = HWI_SAYS_##name_,                                                              \
            .hears = HWI_HEARS_##name_,                                                            \
            .link = HWI_LINK_##link_,                                                              \
            .flags = FLAGS(__VA_ARGS__),                                                           \
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
