/* SPDX-License-Identifier: MIT */
/** @file version.h The version these headers belong to. */
#ifndef HAWSER_VERSION_H
#define HAWSER_VERSION_H

#include <hawser/types.h>

/** Raised when programs must be changed; while it is 0, the minor number is raised instead. */
#define HWS_VERSION_MAJOR 0

/** Raised when something is added. */
#define HWS_VERSION_MINOR 2

/** Raised when bugs are fixed and nothing is added. */
#define HWS_VERSION_PATCH 0

/** All three, as text. */
#define HWS_VERSION "0.2.0"

#ifdef __cplusplus
extern "C" {
#endif

/** Returns the version of the library in use, "0.2.0". Static. Any thread. Never fails. */
HWS_API const char *hws_version(void);

#ifdef __cplusplus
}
#endif
#endif
