// SPDX-License-Identifier: MIT
// Takes back the row macros after an inclusion of msg.def. No guard: it is included many times.
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
