// SPDX-License-Identifier: MIT
// A failed reply as one sentence: what happened, to whom, what to do.
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "runtime/error.h"
#include "runtime/sentence.h"
#include "actors/wire/codec.h"

enum { PEERS_NAMED_MAX = 8, CALL_BYTES_MAX = 64 };

struct text {
    char bytes[HWI_SENTENCE_BYTES_MAX];
    size_t length;
};

__attribute__((format(printf, 2, 3))) static void add(struct text *text, const char *format, ...)
{
    va_list arguments;
    size_t room = sizeof text->bytes - text->length;
    va_start(arguments, format);
    int length = vsnprintf(text->bytes + text->length, room, format, arguments);
    va_end(arguments);
    if (length > 0) {
        text->length += (size_t)length < room ? (size_t)length : room - 1;
    }
}

const char *hwi_call_name(uint8_t kind)
{
    if (kind == HWI_KIND_AGREE_RUN || kind == HWI_KIND_BARRIER_RUN) {
        return kind == HWI_KIND_AGREE_RUN ? "run-wide agree" : "run-wide barrier";
    }
    const char *name = kind == HWI_KIND_NONE ? "view" : hwi_kind_name(kind);
    return name[0] == '?' ? "call" : name;
}

// "all_reduce tag 7", "sync", "open".
static void name_call(const struct hws_request *request, char call[CALL_BYTES_MAX])
{
    const char *name = request->id == HWI_CALLER_OPENING ? "open" : hwi_call_name(request->kind);
    uint8_t channel = hwi_channel_kind(request->kind);
    if (channel == HWI_KIND_ALL_REDUCE || hwi_kind_is_agreement(channel)) {
        snprintf(call, CALL_BYTES_MAX, "%s tag %" PRIu64, name, request->tag);
    } else {
        snprintf(call, CALL_BYTES_MAX, "%s", name);
    }
}

static void add_peers(struct text *text, const struct hwi_id *peers, uint32_t count)
{
    for (uint32_t i = 0; i < count && i < PEERS_NAMED_MAX; i++) {
        add(text, "%s%" PRIu64, i == 0 ? (count == 1 ? "member " : "members ") : ", ",
            peers[i].value);
    }
    if (count > PEERS_NAMED_MAX) {
        add(text, " and %u more", count - PEERS_NAMED_MAX);
    }
}

static const char *plan_name(uint8_t plan)
{
    static const char *const names[] = {"chosen by size", "one-shot", "direct"};
    return plan < HWI_COUNT(names) ? names[plan] : "?";
}

// One side of a mismatch: type and count always, operation and plan only where they differ from
// `other`.
static void add_signature(struct text *text, const struct hwi_signature *signature,
                          const struct hwi_signature *other)
{
    if (hwi_kind_is_agreement(signature->kind)) {
        if (signature->redop == HWI_AGREE_AND || signature->redop == HWI_AGREE_MIN) {
            add(text, " %s", signature->redop == HWI_AGREE_AND ? "AND" : "MIN");
        }
        return;
    }
    if (signature->dtype == 0) { // the master knows only what was called
        return;
    }
    add(text, " %s x %" PRIu64, hws_dtype_name(signature->dtype), signature->count);
    if (signature->redop != other->redop && signature->redop != 0) {
        add(text, " %s", hws_redop_name(signature->redop));
    }
    if (signature->unequal != other->unequal) {
        add(text, signature->unequal ? " with counts that differ" : " with equal counts");
    }
    if (signature->root != other->root && signature->root != 0) {
        add(text, " from member %" PRIu64, signature->root);
    }
    if (signature->plan != other->plan) {
        add(text, " with its plan %s", plan_name(signature->plan));
    }
}

static void say_mismatch(struct text *text, const struct hws_request *request)
{
    const struct hwi_fault *fault = &request->reply.u.reply.fault;
    const struct hwi_signature *a = &fault->signature_a, *b = &fault->signature_b;
    if (fault->peer_a == 0 || a->kind == HWI_KIND_NONE || b->kind == HWI_KIND_NONE) {
        add(text, "members made different calls on %s tag %" PRIu64, hwi_call_name(request->kind),
            request->tag);
        return;
    }
    add(text, "member %" PRIu64 " called %s", fault->peer_a, hwi_call_name(a->kind));
    add_signature(text, a, b);
    add(text, ", member %" PRIu64, fault->peer_b);
    if (a->kind != b->kind) {
        add(text, " %s", hwi_call_name(b->kind));
    }
    add_signature(text, b, a);
    if (fault->kind != HWI_KIND_ADMIT && fault->kind != HWI_KIND_SYNC) { // they have none
        add(text, ", tag %" PRIu64, fault->tag);
    }
}

static void say_lost(struct text *text, const struct hws_request *request, const char *call)
{
    const struct hwi_msg_reply *reply = &request->reply.u.reply;
    if (request->kind == HWI_KIND_BROADCAST && reply->fault.peer_a != 0) {
        add(text, "member %" PRIu64 ", the root of %s, is not a member of view %" PRIu64,
            reply->fault.peer_a, call, reply->view);
        return;
    }
    add(text, "lost ");
    if (reply->lost_count == 0) {
        add(text, "a member");
    }
    add_peers(text, reply->lost, reply->lost_count);
    add(text, " during %s in view %" PRIu64, call, reply->view);
}

// Why a call was given up: one that had not made it, and in what call that one waits instead.
// False if the master knew of none.
static bool add_absent(struct text *text, const struct hwi_fault *fault, const char *call)
{
    if (fault->absent == 0) {
        return false;
    }
    if (fault->other_kind != HWI_KIND_NONE) {
        add(text, "member %" PRIu64 " waits in %s", fault->absent,
            hwi_call_name(fault->other_kind));
        if (fault->other_kind != HWI_KIND_ADMIT && fault->other_kind != HWI_KIND_SYNC) {
            add(text, " tag %" PRIu64, fault->other_tag);
        }
        add(text, " while member %" PRIu64 " waits in %s", fault->peer_a, call);
    } else {
        add(text, "member %" PRIu64, fault->absent);
        if (fault->absent_in_all > 1) {
            add(text, " (and %u more)", fault->absent_in_all - 1);
        }
        add(text, " had not called %s after %u.%u s", call, fault->waited_ms / 1000,
            fault->waited_ms % 1000 / 100);
    }
    return true;
}

static void say_timeout(struct text *text, const struct hws_request *request, const char *call)
{
    if (add_absent(text, &request->reply.u.reply.fault, call)) {
        add(text, ": acknowledge with hws_view and make the same call again");
    } else {
        add(text,
            "%s was not finished by all members within %u ms: acknowledge with hws_view and "
            "call again",
            call, request->timeout_ms);
    }
}

static void say_not_admitted(struct text *text, const struct hws_request *request)
{
    add(text,
        "registered with the master at %s, but not admitted within %u ms: the members must call "
        "hws_admit, or the first view waits for more members",
        request->comm->master, request->timeout_ms);
}

static void say_withdrawn(struct text *text, const struct hws_request *request, const char *call)
{
    const struct hwi_msg_reply *reply = &request->reply.u.reply;
    if (reply->fault.peer_a == 0) {
        add(text,
            "the view changed during %s (view %" PRIu64
            "): a connection between members broke, or another call was withdrawn",
            call, reply->view);
        return;
    }
    add(text, "member %" PRIu64, reply->fault.peer_a);
    if (reply->fault.status == HWS_E_CANCELLED) {
        add(text, " cancelled %s in view %" PRIu64, call, reply->view);
        return;
    }
    add(text, " withdrew from %s in view %" PRIu64, call, reply->view);
    if (reply->fault.status != HWS_OK && reply->fault.status != HWS_E_WITHDRAWN) {
        add(text, " (%s)", hws_status_text(reply->fault.status));
    }
    add(text, reply->fault.absent != 0 ? ": " : "");
    add_absent(text, &reply->fault, call);
}

static void say_internal(struct text *text, const struct hws_request *request, const char *call)
{
    struct hws_comm *comm = request->comm;
    pthread_mutex_lock(&comm->mutex);
    bool known = comm->failed_check[0] != '\0';
    add(text, "%s during %s", known ? comm->failed_check : hws_status_text(HWS_E_INTERNAL), call);
    pthread_mutex_unlock(&comm->mutex);
}

static void say_membership(struct text *text, const struct hws_request *request, const char *call)
{
    const struct hwi_msg_reply *reply = &request->reply.u.reply;
    switch ((int)reply->status) {
    case HWS_E_VIEW:
        add(text, "the view changed before %s", call);
        break;
    case HWS_E_MEMBER_LOST:
        say_lost(text, request, call);
        break;
    case HWS_E_WITHDRAWN:
        say_withdrawn(text, request, call);
        break;
    case HWS_E_CANCELLED:
        add(text, "%s was cancelled here", call);
        break;
    default: // HWS_E_TOO_FEW
        add(text, "%s needs %u members and view %" PRIu64 " has %u", call, reply->min_members,
            reply->view, reply->members_count);
    }
}

static void say_unreachable(struct text *text, const struct hws_request *request)
{
    add(text, "no answer from the master at %s within %u ms: is `hawser master` running there?",
        request->comm->master, request->timeout_ms);
}

static void say_unknown(struct text *text, const struct hws_request *request, const char *call)
{
    const struct hws_comm *comm = request->comm;
    add(text, "no decision on %s from the master at %s within %u ms and %u ms of grace", call,
        comm->master, request->timeout_ms, comm->grace_ms);
}

// The sync's strategies.
static void say_conflict(struct text *text, const struct hws_request *request, const char *call)
{
    const struct hwi_msg_reply *reply = &request->reply.u.reply;
    if (reply->fault.peer_b != 0) {
        add(text,
            "%s: member %" PRIu64 " is send-only and does not hold the state of member %" PRIu64
            ", which was elected",
            call, reply->fault.peer_b, reply->fault.peer_a);
    } else {
        add(text, "%s: all members that hold a whole state are receive-only", call);
    }
}

// A member's output has too little room for what all members give: its room and what is needed ride
// as the counts of two signatures.
static void say_room(struct text *text, const struct hws_request *request, const char *call)
{
    const struct hwi_fault *fault = &request->reply.u.reply.fault;
    if (fault->status == HWS_E_LIMIT) {
        add(text, "%s: at least %" PRIu64 " elements of %s in all are more than 2^40 bytes", call,
            fault->signature_b.count, hws_dtype_name(fault->signature_b.dtype));
    } else {
        add(text,
            "%s: member %" PRIu64 " has room for %" PRIu64 " elements and needs room for %" PRIu64
            ": give its output more room",
            call, fault->peer_a, fault->signature_a.count, fault->signature_b.count);
    }
}

// Also what a finished communicator says of later calls.
static void say_other(struct text *text, const struct hws_request *request, const char *call)
{
    const struct hws_comm *comm = request->comm;
    const struct hwi_msg_reply *reply = &request->reply.u.reply;
    if (reply->fault.status == reply->status && reply->fault.signature_b.count != 0) {
        say_room(text, request, call);
    } else if (reply->status == HWS_E_REFUSED) {
        add(text, "the master at %s refused this member", comm->master);
    } else if (reply->status == HWS_E_LIMIT) {
        add(text,
            "%s: a view has %d tags, in all groups together, and this would be one more: use tags "
            "again, one for each sequence of calls and not one for each step",
            call, HWI_TAGS_MAX);
    } else if (reply->status == HWS_E_INTERNAL) {
        say_internal(text, request, call);
    } else {
        add(text, "%s: %s", call, hws_status_text(reply->status));
    }
    if (reply->reason[0] != '\0' && reply->status != HWS_E_INTERNAL) {
        add(text, " (%s)", reply->reason);
    }
}

// The advice, unless the event implies it already.
static const char *advice(hws_status status)
{
    switch (status) {
    case HWS_E_BUSY:
        return "wait for them with hws_wait and call again";
    case HWS_E_TOO_FEW:
        return "acknowledge with hws_view, admit newcomers with hws_admit and call again";
    case HWS_E_MISMATCH:
        return "make the same call on all members";
    case HWS_E_TIMEOUT:
    case HWS_E_UNREACHABLE:
    case HWS_E_NOT_SYNCED:
        return NULL;
    case HWS_E_LAYOUT:
        return "add the same tensors, in the same order, on all members";
    case HWS_E_CONFLICT:
        return "give one of them another strategy";
    case HWS_E_STATE_LOST:
        return "load a checkpoint, close, open again and sync";
    case HWS_E_AHEAD:
        return "load the run's state or an older one and open again, or stop the run and start it "
               "again from this state";
    case HWS_E_REFUSED:
        return "mend that and open again";
    case HWS_E_CLOSED:
    case HWS_E_NOT_ADMITTED:
        return "open again";
    default:
        break;
    }
    if (hws_status_class(status) == HWS_CLASS_VIEW) {
        return "acknowledge with hws_view and call again";
    }
    if (hws_status_class(status) == HWS_CLASS_RUN) {
        return "close, open again and sync";
    }
    return NULL;
}

hws_status hwi_sentence_set(const struct hws_request *request)
{
    const struct hwi_msg_reply *reply = &request->reply.u.reply;
    struct text text = {.length = 0};
    char call[CALL_BYTES_MAX];
    name_call(request, call);
    if (reply->status == HWS_E_TIMEOUT) {
        say_timeout(&text, request, call);
    } else if (reply->status == HWS_E_MISMATCH) {
        say_mismatch(&text, request);
    } else if (reply->status == HWS_E_CONFLICT) {
        say_conflict(&text, request, call);
    } else if (reply->status == HWS_E_NOT_ADMITTED && request->id == HWI_CALLER_OPENING) {
        say_not_admitted(&text, request);
    } else if (reply->status == HWS_E_UNREACHABLE && request->id == HWI_CALLER_OPENING) {
        say_unreachable(&text, request);
    } else if (reply->status == HWS_E_OUTCOME_UNKNOWN && reply->attempts > 0) {
        say_unknown(&text, request, call);
    } else if (hws_status_class(reply->status) == HWS_CLASS_VIEW) {
        say_membership(&text, request, call);
    } else {
        say_other(&text, request, call);
    }
    if (advice(reply->status) != NULL) {
        add(&text, ": %s", advice(reply->status));
    }
    if (reply->trouble[0] != '\0') {
        add(&text, "; the master %s, so the view cannot change", reply->trouble);
    }
    return hwi_error_set(reply->status, "%s", text.bytes);
}
