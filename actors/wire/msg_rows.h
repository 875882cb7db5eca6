// SPDX-License-Identifier: MIT
// Walks msg.def. The includer defines what some rows become; all others become nothing, and
// afterwards none is defined. No guard: it is included many times.
#ifndef RECORD
#define RECORD(...)
#endif
#ifndef END_RECORD
#define END_RECORD(...)
#endif
#ifndef MESSAGE
#define MESSAGE(...)
#endif
#ifndef END_MESSAGE
#define END_MESSAGE(...)
#endif
#ifndef U8
#define U8(...)
#endif
#ifndef U32
#define U32(...)
#endif
#ifndef U64
#define U64(...)
#endif
#ifndef I32
#define I32(...)
#endif
#ifndef HASH
#define HASH(...)
#endif
#ifndef STR
#define STR(...)
#endif
#ifndef REC
#define REC(...)
#endif
#ifndef LIST
#define LIST(...)
#endif

#include "actors/wire/msg.def"

#undef RECORD
#undef END_RECORD
#undef MESSAGE
#undef END_MESSAGE
#undef U8
#undef U32
#undef U64
#undef I32
#undef HASH
#undef STR
#undef REC
#undef LIST
