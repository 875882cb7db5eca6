/* SPDX-License-Identifier: MIT */
/** @file version.h The version these headers belong to. */
#ifndef HAWSER_VERSION_H
#define HAWSER_VERSION_H

#include <hawser/types.h>

#define HWS_VERSION_MAJOR 0
#define HWS_VERSION_MINOR 1
#define HWS_VERSION_PATCH 0
#define HWS_VERSION "0.1.0"

#ifdef __cplusplus
extern "C" {
#endif

/** The version of the library in use, "0.1.0". Static. Any thread. */
HWS_API const char *hws_version(void);

#ifdef __cplusplus
}
#endif
#endif
