// SPDX-License-Identifier: MIT
// The handles given out and not taken back yet. A handle from the trainer is looked up here by its
// value before anything is read through it, so that a closed or foreign one is an error.
#ifndef HAWSER_RUNTIME_HANDLES_H
#define HAWSER_RUNTIME_HANDLES_H

#include <stdbool.h>

#include <hawser/types.h>

enum hwi_handle_kind {
    HWI_HANDLE_COMM,
    HWI_HANDLE_REQUEST,
    HWI_HANDLE_MASTER,
    HWI_HANDLE_STATE,
    HWI_HANDLE_KINDS,
};

// From now on it is one. False if memory is short. Any thread, as all here.
bool hwi_handles_add(enum hwi_handle_kind kind, const void *handle);

// No longer; false if it was none. When it returns, nobody holds it by hwi_handles_hold.
bool hwi_handles_remove(enum hwi_handle_kind kind, const void *handle);

// True if it is one: it stays one until hwi_handles_release. Hold it briefly, and then only take
// what guards it: all handles of the process wait meanwhile. False: nothing is held.
bool hwi_handles_hold(enum hwi_handle_kind kind, const void *handle);
void hwi_handles_release(void);

// For an argument that no other thread may take back meanwhile. Errors: HWS_E_INVALID (NULL, none),
// with a sentence that names `function` and the argument, `name`.
hws_status hwi_handles_check(enum hwi_handle_kind kind, const void *handle, const char *function,
                             const char *name);

#endif
