/* SPDX-License-Identifier: MIT */
/** @file version.h The version these headers belong to. */
#ifndef HAWSER_VERSION_H
#define HAWSER_VERSION_H

#include <hawser/types.h>

/** Raised when programs must be changed; while it is 0, the minor number is. */
#define HWS_VERSION_MAJOR 0

/** Raised with additions. */
#define HWS_VERSION_MINOR 2

/** Raised with repairs only. */
#define HWS_VERSION_PATCH 0

/** All three, as text. */
#define HWS_VERSION "0.2.0"

#ifdef __cplusplus
extern "C" {
#endif

/** The version of the library in use, "0.2.0". Static. Any thread. Never fails. */
HWS_API const char *hws_version(void);

#ifdef __cplusplus
}
#endif
#endif
