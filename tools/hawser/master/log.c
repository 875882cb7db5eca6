// SPDX-License-Identifier: MIT
// Reads off the master's steps what people want to know. Runs on the master's thread.
#include "tools/hawser/master/log.h"

#include <hawser/types.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tools/hawser/command.h"
#include "transport/host/host.h"

enum { LINE_BYTES = 1024, LISTED_MAX = 8 };

// The master names processes by incarnation; the log names them as members.
struct known {
    uint64_t incarnation, member;
};

static struct {
    struct known *known;
    uint32_t count, capacity;
    uint64_t view; // the last one that was logged
    bool cannot_store;
} log_;

__attribute__((format(printf, 1, 2))) static void say(const char *format, ...)
{
    char line[LINE_BYTES], when[32];
    time_t now = time(NULL);
    struct tm utc;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    make_printable(line); // addresses and host names come from strangers
    strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &utc));
    fprintf(stderr, "%s %s\n", when, line);
}

static struct known *find(uint64_t incarnation)
{
    for (uint32_t i = 0; i < log_.count; i++) {
        if (log_.known[i].incarnation == incarnation) {
            return &log_.known[i];
        }
    }
    return NULL;
}

// Without memory the member has no name in later lines.
static void remember(uint64_t incarnation, uint64_t member)
{
    if (log_.count == log_.capacity) {
        uint32_t capacity = log_.capacity ? 2 * log_.capacity : 16;
        struct known *known = realloc(log_.known, capacity * sizeof *known);
        if (known == NULL) {
            return;
        }
        log_.known = known;
        log_.capacity = capacity;
    }
    log_.known[log_.count++] = (struct known){incarnation, member};
}

static void who(const struct hwi_msg_registration *r, char text[LINE_BYTES])
{
    snprintf(text, LINE_BYTES, "%s (process %" PRIu64 " on %s)", r->address, r->pid, r->host);
}

static void log_welcome(const struct hwi_msg *heard, const struct hwi_envelope *said)
{
    const struct hwi_msg_registration *r = &heard->u.registration;
    uint64_t member = said->msg.u.welcome.peer;
    char process[LINE_BYTES];
    if (heard->type != HWI_MSG_registration) {
        return;
    }
    if (find(said->to.id) != NULL) {
        say("member %" PRIu64 " connected again", member);
        return;
    }
    remember(said->to.id, member);
    who(r, process);
    if (r->view != 0) {
        say("member %" PRIu64 " came back: %s", member, process);
    } else if (r->has_revision) {
        say("member %" PRIu64 " came with revision %" PRIu64 " and waits to be admitted: %s",
            member, r->revision, process);
    } else {
        say("member %" PRIu64 " came and waits to be admitted: %s", member, process);
    }
}

// Of a process that the log does not know, only a registration tells more.
static void log_turned_away(const struct hwi_msg *heard, const char *reason)
{
    char process[LINE_BYTES] = "a process";
    if (heard->type == HWI_MSG_registration) {
        who(&heard->u.registration, process);
    }
    say("%s was refused: %s", process, reason);
}

static void log_evicted(const struct hwi_msg *heard, const struct hwi_envelope *said)
{
    const struct hwi_msg_evicted *e = &said->msg.u.evicted;
    struct known *known = find(said->to.id);
    if (known == NULL) {
        log_turned_away(heard, e->reason);
        return;
    }
    if (heard->type == HWI_MSG_leave && heard->u.leave.incarnation == known->incarnation) {
        say("member %" PRIu64 " left", known->member);
    } else if (e->status == HWS_E_REFUSED) {
        say("member %" PRIu64 " was refused: %s", known->member, e->reason);
    } else {
        say("member %" PRIu64 " was removed: %s", known->member, e->reason);
    }
    *known = log_.known[--log_.count];
}

// One line for a view, though each of its members hears of it.
static void log_view(const struct hwi_msg_announce *a)
{
    char list[LINE_BYTES] = "";
    size_t length = 0;
    if (a->view == log_.view) {
        return;
    }
    log_.view = a->view;
    uint32_t listed = a->members_count < LISTED_MAX ? a->members_count : LISTED_MAX;
    for (uint32_t i = 0; i < listed; i++) {
        length += (size_t)snprintf(list + length, sizeof list - length, "%s%" PRIu64,
                                   i > 0 ? ", " : "", a->members[i].peer);
    }
    say("view %" PRIu64 ": %" PRIu32 " %s (%s%s), %" PRIu32 " waiting", a->view, a->members_count,
        a->members_count == 1 ? "member" : "members", list,
        a->members_count > listed ? ", ..." : "", a->pending);
}

static void log_stored(const struct hwi_msg_stored *stored)
{
    bool cannot = stored->status != HWS_OK;
    if (cannot && !log_.cannot_store) {
        say("no view can change: %s", stored->reason);
    } else if (!cannot && log_.cannot_store) {
        say("the state file can be written again");
    }
    log_.cannot_store = cannot;
}

static void log_started(const struct hwi_msg *heard)
{
    if (heard->type == HWI_MSG_view_file) {
        say("run %" PRIx64 " continues after view %" PRIu64, heard->u.view_file.run,
            heard->u.view_file.highest);
    }
}

static void observe(void *user, const struct hwi_actor_ops *actor, const struct hwi_event *event,
                    const struct hwi_effects *effects)
{
    (void)user;
    (void)actor; // this process has no other than the master
    if (event->msg->type == HWI_MSG_stored) {
        log_stored(&event->msg->u.stored);
    }
    log_started(event->msg);
    for (uint32_t i = 0; i < effects->count; i++) {
        const struct hwi_envelope *said = &effects->items[i];
        if (said->msg.type == HWI_MSG_welcome) {
            log_welcome(event->msg, said);
        } else if (said->msg.type == HWI_MSG_evicted) {
            log_evicted(event->msg, said);
        } else if (said->msg.type == HWI_MSG_refused) {
            log_turned_away(event->msg, said->msg.u.refused.reason);
        } else if (said->msg.type == HWI_MSG_announce) {
            log_view(&said->msg.u.announce);
        }
    }
}

void master_log_start(void)
{
    hwi_host_observe(observe, NULL);
}
