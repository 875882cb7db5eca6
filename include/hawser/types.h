/* SPDX-License-Identifier: MIT */
/**
 * @file types.h
 * Statuses, element types, operations, ids and results shared by all of Hawser's headers.
 *
 * Conventions. Output arguments come last and are set only as each function says. Every duration is
 * in milliseconds (in microseconds if the name ends in _us), every size in bytes, every count in
 * elements. A number without a stated range may have any value of its type. "Any thread" means
 * that several threads may call the function at once; "One thread" means that the caller must
 * prevent simultaneous calls. No function may be called from a signal handler, and a communicator
 * must not be used in a child after fork() (HWS_E_FORKED). "Borrowed until X" means that the memory
 * behind a pointer must stay valid until X, and unchanged unless stated otherwise. "Takes" means
 * that the caller must not use the pointer afterwards. "Owned" means that the caller must release
 * it with the named call. Structs begin with their size, so that a program continues to work with
 * a newer library that knows more fields.
 */
#ifndef HAWSER_TYPES_H
#define HAWSER_TYPES_H

#include <stddef.h>
#include <stdint.h>

/** Marks the functions that the library exports. */
#if defined(_WIN32)
#define HWS_API
#elif defined(__GNUC__)
#define HWS_API __attribute__((visibility("default")))
#else
#define HWS_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/** The action that a status calls for. */
typedef enum hws_class {
    HWS_CLASS_OK = 0,   /**< none: the call succeeded */
    HWS_CLASS_OP = 1,   /**< only this call failed: call again */
    HWS_CLASS_VIEW = 2, /**< the membership changed: wait for the operations in flight, hws_view(),
                           call again */
    HWS_CLASS_RUN = 3,  /**< this incarnation is finished: hws_close(), hws_open(), hws_sync() */
    HWS_CLASS_LOCAL = 4 /**< fix the call, the configuration or the machine */
} hws_class;

/** X(NAME, value, CLASS, "text"): a value never changes. */
#define HWS_STATUS_MAP(X)                                                                          \
    X(OK, 0, OK, "ok")                                                                             \
    X(E_BUSY, -1, OP, "operations are in flight")                                                  \
    X(E_PENDING, -2, OP, "not finished yet")                                                       \
    X(E_VIEW, -10, VIEW, "the view changed and has not been acknowledged")                         \
    X(E_MEMBER_LOST, -11, VIEW, "a member was lost during the operation")                          \
    X(E_TIMEOUT, -12, VIEW, "the deadline passed")                                                 \
    X(E_TOO_FEW, -13, VIEW, "the view has fewer than min_members members")                         \
    X(E_WITHDRAWN, -14, VIEW, "another member withdrew from the operation")                        \
    X(E_CANCELLED, -15, VIEW, "the operation was cancelled")                                       \
    X(E_OUTCOME_UNKNOWN, -20, RUN, "the master's decision is unknown")                             \
    X(E_EVICTED, -21, RUN, "this member was removed from the run")                                 \
    X(E_INTERNAL, -22, RUN, "an internal check failed")                                            \
    X(E_UNREACHABLE, -23, RUN, "the master cannot be reached")                                     \
    X(E_REFUSED, -24, RUN, "the master refused this member")                                       \
    X(E_STATE_LOST, -25, RUN, "no member holds a complete shared state")                           \
    X(E_CLOSED, -26, RUN, "the communicator is closed")                                            \
    X(E_NOT_ADMITTED, -27, RUN, "no view admitted this member in time")                            \
    X(E_INVALID, -40, LOCAL, "an argument is invalid")                                             \
    X(E_UNSUPPORTED, -41, LOCAL, "this type or operation is not supported")                        \
    X(E_MISMATCH, -42, LOCAL, "members made different calls")                                      \
    X(E_NOT_SYNCED, -43, LOCAL, "the shared state is not synced: call hws_sync first")             \
    X(E_LAYOUT, -44, LOCAL, "the layout of the shared state differs from the run's")               \
    X(E_LIMIT, -45, LOCAL, "a documented limit was exceeded")                                      \
    X(E_NO_MEMORY, -46, LOCAL, "out of memory")                                                    \
    X(E_FORKED, -47, LOCAL, "a communicator cannot be used after fork")                            \
    X(E_SYSTEM, -48, LOCAL, "the operating system refused")                                        \
    X(E_INSECURE, -49, LOCAL, "listening beyond loopback without a key needs `insecure`")          \
    X(E_CONFLICT, -50, LOCAL, "the members' sync strategies leave no state to elect")              \
    X(E_DAMAGED, -51, LOCAL, "a file is damaged")                                                  \
    X(E_AHEAD, -52, LOCAL, "this member's state is newer than the run's")

/** Result of every call. 0 is success; every error is negative. */
typedef enum hws_status {
#define HWS_STATUS_ENUM(name, value, klass, text) HWS_##name = (value),
    HWS_STATUS_MAP(HWS_STATUS_ENUM)
#undef HWS_STATUS_ENUM
        HWS_STATUS_FORCE_INT = 0x7fffffff
} hws_status;

/** Returns "HWS_E_TIMEOUT" for HWS_E_TIMEOUT; "HWS_E_?" for a value that is no status. Static. Any
 * thread. Never fails. */
HWS_API const char *hws_status_name(hws_status status);

/** Returns a short text without names or numbers. Static. Any thread. Never fails. */
HWS_API const char *hws_status_text(hws_status status);

/** Returns the action that a status calls for; HWS_CLASS_LOCAL for a value that is no status. Any
 * thread. Never fails. */
HWS_API hws_class hws_status_class(hws_status status);

/** Returns "LOCAL" for HWS_CLASS_LOCAL; "?" for a value that is no class. Static. Any thread. Never
 * fails. */
HWS_API const char *hws_class_name(hws_class klass);

/**
 * Returns one sentence about this thread's last failed call: what happened, which member it
 * concerns, what to do. Never NULL; "" before the first failure. Valid until this thread's next
 * Hawser call. Any thread: each has its own. Never fails.
 */
HWS_API const char *hws_last_error(void);

/**
 * X(NAME, value, name, bits, wide, KERNELS, "text"): a row for each element type. Values never
 * change and have no gaps, from 1; a new type is a new row. `bits` is the size of an element; below
 * 8 it divides 8, and the first element lies in the low bits of a byte. `wide` is the type that
 * holds averages of integers, and sums and products of small types, until they are rounded. KERNELS
 * names the kind of kernel that reduces the type (collectives/kernels/bodies.h).
 */
#define HWS_DTYPE_MAP(X)                                                                           \
    X(U8, 1, u8, 8, i32, WHOLE, "unsigned, 1 byte")                                                \
    X(I8, 2, i8, 8, i32, WHOLE, "signed, 1 byte")                                                  \
    X(U16, 3, u16, 16, i32, WHOLE, "unsigned, 2 bytes")                                            \
    X(I16, 4, i16, 16, i32, WHOLE, "signed, 2 bytes")                                              \
    X(U32, 5, u32, 32, i64, WHOLE, "unsigned, 4 bytes")                                            \
    X(I32, 6, i32, 32, i64, WHOLE, "signed, 4 bytes")                                              \
    X(U64, 7, u64, 64, i128, WHOLE, "unsigned, 8 bytes")                                           \
    X(I64, 8, i64, 64, i128, WHOLE, "signed, 8 bytes")                                             \
    X(F16, 9, f16, 16, f32, HALF,                                                                  \
      "IEEE 754 half precision, 2 bytes; reduced in single precision, rounded once")               \
    X(BF16, 10, bf16, 16, f32, HALF,                                                               \
      "the upper half of single precision, 2 bytes; reduced in single precision, rounded once")    \
    X(F32, 11, f32, 32, f32, FRACTION, "IEEE 754 single precision, 4 bytes")                       \
    X(F64, 12, f64, 64, f64, FRACTION, "IEEE 754 double precision, 8 bytes")

/** Element types, in the byte order of the machine, which must be little-endian. */
typedef enum hws_dtype {
#define HWS_DTYPE_ENUM(NAME, value, name, bits, wide, KERNELS, text) HWS_##NAME = (value),
    HWS_DTYPE_MAP(HWS_DTYPE_ENUM)
#undef HWS_DTYPE_ENUM
} hws_dtype;

/** Returns the bytes of one element, rounded up; 0 for a value that is no type. Any thread. Never
 * fails. */
HWS_API size_t hws_dtype_bytes(hws_dtype dtype);

/** Returns "f32" for HWS_F32; "?" for a value that is no type. Static. Any thread. Never fails. */
HWS_API const char *hws_dtype_name(hws_dtype dtype);

/**
 * Reduction operations. Floating-point results round to nearest, ties to even. A result that is not
 * a number is the positive quiet NaN without a payload.
 */
typedef enum hws_redop {
    HWS_SUM = 1,  /**< the sum; integers wrap around */
    HWS_AVG = 2,  /**< the sum divided by the member count; integers: the exact sum, the quotient
                     truncated toward zero */
    HWS_PROD = 3, /**< the product; integers wrap around */
    HWS_MAX = 4,  /**< the greatest, +0 before -0; NaN if any member gives a NaN */
    HWS_MIN = 5   /**< the least, -0 before +0; NaN if any member gives a NaN */
} hws_redop;

/** Returns "sum" for HWS_SUM; "?" for a value that is no operation. Static. Any thread. Never
 * fails. */
HWS_API const char *hws_redop_name(hws_redop redop);

/** A member's id. The master assigns it; it is stable while the member stays and is never reused in
 * a run. */
typedef struct hws_peer_id {
    uint64_t value; /**< a number from 1; 0 = none */
} hws_peer_id;

/** A view's number; 0 = none. Numbers increase but need not be consecutive. */
typedef struct hws_view_id {
    uint64_t value; /**< a number from 1; 0 = none */
} hws_view_id;

/** Most members that a result lists. For a larger view the count is correct and the list is
 * shortened. */
#define HWS_RESULT_MEMBERS_MAX 256

/**
 * The result of a call. Set `bytes_of_struct` to sizeof(hws_result) before the first use
 * (HWS_RESULT_INIT). Each call that takes it writes every other field, also on failure (as far as
 * known).
 */
typedef struct hws_result {
    size_t bytes_of_struct;  /**< sizeof(hws_result) as the caller was compiled */
    hws_status status;       /**< the same as the call's return value */
    hws_view_id view;        /**< the view the result belongs to */
    uint32_t member_count;   /**< members of that view that the call covers (own group, or run) */
    uint32_t rank;           /**< own index among them, 0..member_count - 1 */
    uint32_t attempts;       /**< 1 = the first attempt succeeded; more with `retry` */
    uint32_t pending;        /**< newcomers that wait, the same number on all members */
    uint64_t value;          /**< hws_agree: the agreed value; hws_sync: the elected revision */
    uint64_t bytes_sent;     /**< payload bytes, last attempt */
    uint64_t bytes_received; /**< payload bytes, last attempt */
    uint32_t sources;        /**< hws_sync: members that sent blocks */
    uint64_t root[2];        /**< hws_sync: 128-bit hash of the state, low half first */
    uint32_t lost_count;     /**< members lost, if the status says so */
    hws_peer_id members[HWS_RESULT_MEMBERS_MAX]; /**< by rank */
    hws_peer_id lost[HWS_RESULT_MEMBERS_MAX];    /**< ids of the lost members */
    uint32_t group;                              /**< own group's number, 0..1023 */
    uint32_t group_count;                        /**< groups in that view */
    uint32_t group_largest;                      /**< members of its largest group */
    uint32_t run_members;                        /**< members of that view, all groups together */
    uint64_t offset;  /**< elements of the whole result before the own part */
    uint64_t count;   /**< elements of the own part */
    uint64_t hash_us; /**< hws_sync: microseconds spent on hashing the state */
    uint64_t move_us; /**< hws_sync: microseconds spent on moving the blocks that differed */
} hws_result;

/** Initial value of a hws_result. */
#define HWS_RESULT_INIT                                                                            \
    {                                                                                              \
        sizeof(hws_result), HWS_OK, {0}, 0, 0, 0, 0, 0, 0, 0, 0, {0, 0}, 0, {{0}}, {{0}}, 0, 0, 0, \
            0, 0, 0, 0, 0                                                                          \
    }

#ifdef __cplusplus
}
#endif
#endif
