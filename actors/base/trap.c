// SPDX-License-Identifier: MIT
#include <string.h>

#include "actors/base/base.h"

static _Thread_local struct hwi_trap *innermost;

void hwi_trap_enter(struct hwi_trap *trap)
{
    trap->outer = innermost;
    innermost = trap;
}

void hwi_trap_leave(struct hwi_trap *trap)
{
    innermost = trap->outer;
}

bool hwi_is_shortage(const char *what)
{
    return strcmp(what, HWI_OUT_OF_MEMORY) == 0 ||
           strncmp(what, HWI_SYSTEM_REFUSED, strlen(HWI_SYSTEM_REFUSED)) == 0;
}

void hwi_check_failed(const char *what, const char *file, int line)
{
    struct hwi_trap *trap = innermost;
    if (trap == NULL) {
        hwi_check_abort(what, file, line);
    }
    trap->what = what;
    trap->file = file;
    trap->line = line;
    // Left before landing, so that a check that fails while cleaning up reaches the outer trap.
    innermost = trap->outer;
    longjmp(trap->landing, 1);
}
