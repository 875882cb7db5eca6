// SPDX-License-Identifier: MIT
#include "transport/host/control.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <zmq.h>

#include "actors/base/bytes.h"
#include "actors/wire/codec.h"
#include "actors/wire/letter.h"
#include "transport/host/host.h"
#include "transport/host/relay.h"
#include "transport/os/listen.h"
#include "transport/os/os_owned.h"

enum {
    LINGER_MS = 500,
    HANDSHAKE_MS = 2000,
    CONNECT_MS = 3000,
    // A member finds a connection that died silently, and dials again, before the master takes it
    // for dead (5 s by default). The master waits longer: it hears of a member by the new
    // connection.
    MEMBER_PING_MS = 800,
    MEMBER_SILENCE_MS = 2400,
    PING_MS = 5000,
    SILENCE_MS = 15000,
    RECONNECT_MS = 50,
    RECONNECT_MS_MAX = 1000,
    ENDPOINT_BYTES_MAX = 300,
    BACKLOG = 1024,    // connections that the kernel holds until ZeroMQ takes them
    SESSION_BYTES = 9, // 'P' or 'T', then the session as a little-endian u64
};

// ---- sessions and their names on the wire ------------------------------------------------------

static void write_session(uint8_t role, uint64_t id, unsigned char bytes[SESSION_BYTES])
{
    bytes[0] = role == HWI_ROLE_PEER ? 'P' : 'T';
    hwi_put_u64(bytes + 1, id);
}

static bool read_session(const unsigned char *bytes, size_t count, struct hwi_addr *session)
{
    if (count != SESSION_BYTES || (bytes[0] != 'P' && bytes[0] != 'T')) {
        return false;
    }
    session->role = bytes[0] == 'P' ? HWI_ROLE_PEER : HWI_ROLE_TOOL;
    session->id = hwi_get_u64(bytes + 1);
    return session->id != 0;
}

// ---- opening and closing ----------------------------------------------------------------------

static void set(struct hwi_control *control, int option, int value)
{
    zmq_setsockopt(control->socket, option, &value, sizeof value);
}

static void set_common(struct hwi_control *control, bool ipv6)
{
    int64_t bytes_max = HWI_MESSAGE_BYTES_MAX + HWI_LETTER_SUM_BYTES;
    zmq_setsockopt(control->socket, ZMQ_MAXMSGSIZE, &bytes_max, sizeof bytes_max);
    set(control, ZMQ_LINGER, LINGER_MS);
    set(control, ZMQ_IPV6, ipv6);
    set(control, ZMQ_HANDSHAKE_IVL, HANDSHAKE_MS);
    set(control, ZMQ_CONNECT_TIMEOUT, CONNECT_MS);
    set(control, ZMQ_HEARTBEAT_IVL, control->master ? PING_MS : MEMBER_PING_MS);
    set(control, ZMQ_HEARTBEAT_TIMEOUT, control->master ? SILENCE_MS : MEMBER_SILENCE_MS);
    set(control, ZMQ_HEARTBEAT_TTL, SILENCE_MS);
    set(control, ZMQ_RECONNECT_IVL, RECONNECT_MS);
    set(control, ZMQ_RECONNECT_IVL_MAX, RECONNECT_MS_MAX);
    set(control, ZMQ_SNDHWM, HWI_CONTROL_QUEUE_MAX);
    set(control, ZMQ_RCVHWM, HWI_CONTROL_QUEUE_MAX);
}

static bool open_socket(struct hwi_control *control, struct hwi_drain *drain, bool master,
                        bool ipv6)
{
    control->drain = drain;
    control->master = master;
    control->context = zmq_ctx_new();
    if (control->context == NULL) {
        return false;
    }
    control->socket = zmq_socket(control->context, master ? ZMQ_ROUTER : ZMQ_DEALER);
    if (control->socket == NULL) {
        return false;
    }
    set_common(control, ipv6);
    size_t bytes = sizeof control->fd;
    return zmq_getsockopt(control->socket, ZMQ_FD, &control->fd, &bytes) == 0;
}

// The first port of the range that is free.
static bool bind_first(struct hwi_control *control, struct hwi_address *listen)
{
    char text[HWI_ADDRESS_BYTES_MAX], endpoint[ENDPOINT_BYTES_MAX];
    bool bound = false;
    do {
        hwi_address_print(listen, text);
        snprintf(endpoint, sizeof endpoint, "tcp://%s", text);
        bound = zmq_bind(control->socket, endpoint) == 0;
    } while (!bound && zmq_errno() == EADDRINUSE && hwi_listen_next(listen));
    return bound;
}

const char *hwi_control_bind(struct hwi_control *control, struct hwi_drain *drain,
                             struct hwi_address *listen)
{
    char endpoint[ENDPOINT_BYTES_MAX];
    size_t bytes = sizeof endpoint;
    if (!open_socket(control, drain, true, listen->storage.ss_family == AF_INET6)) {
        return zmq_strerror(zmq_errno());
    }
    set(control, ZMQ_ROUTER_MANDATORY, 1);
    set(control, ZMQ_ROUTER_HANDOVER, 1);
    set(control, ZMQ_BACKLOG, BACKLOG);
    if (!bind_first(control, listen) ||
        zmq_getsockopt(control->socket, ZMQ_LAST_ENDPOINT, endpoint, &bytes) != 0) {
        return zmq_strerror(zmq_errno());
    }
    const char *wrong = hwi_address_parse(endpoint + strlen("tcp://"), HWI_ADDRESS_NUMERIC, listen);
    if (wrong == NULL) {
        hwi_os_own_listener(listen);
    }
    return wrong;
}

const char *hwi_control_connect(struct hwi_control *control, struct hwi_drain *drain,
                                const char *master, bool ipv6, uint64_t incarnation)
{
    char endpoint[ENDPOINT_BYTES_MAX];
    unsigned char session[SESSION_BYTES];
    if (!open_socket(control, drain, false, ipv6)) {
        return zmq_strerror(zmq_errno());
    }
    control->incarnation = incarnation;
    write_session(HWI_ROLE_PEER, incarnation, session);
    zmq_setsockopt(control->socket, ZMQ_ROUTING_ID, session, sizeof session);
    snprintf(endpoint, sizeof endpoint, "tcp://%s", master);
    if (zmq_connect(control->socket, endpoint) != 0) {
        return zmq_strerror(zmq_errno());
    }
    return NULL;
}

void hwi_control_close(struct hwi_control *control)
{
    if (control->socket != NULL) {
        zmq_close(control->socket);
    }
    while (control->context != NULL && zmq_ctx_term(control->context) != 0 && zmq_errno() == EINTR)
        ;
    control->socket = control->context = NULL;
}

// ---- receiving ---------------------------------------------------------------------------------

static struct hwi_addr own_actor(const struct hwi_control *control)
{
    return hwi_addr_of(control->master ? HWI_ROLE_MASTER : HWI_ROLE_PEER, 0);
}

// On whose link a message comes from, or goes to, `other`: at a member its own.
static struct hwi_addr session_of(const struct hwi_control *control, struct hwi_addr other)
{
    return control->master ? other : hwi_addr_of(HWI_ROLE_PEER, control->incarnation);
}

static void post(struct hwi_control *control, struct hwi_addr from, const struct hwi_msg *msg)
{
    hwi_drain_post(control->drain, from, own_actor(control), msg);
}

// Trace batches of a run are not for the actors: a master passes them on to the tool that asked.
static bool pass_trace(struct hwi_control *control, struct hwi_addr from, const struct hwi_msg *msg,
                       const unsigned char *bytes, size_t length)
{
    return from.role == HWI_ROLE_PEER && control->relay != NULL &&
           hwi_relay_pass(control->relay, from.id, &msg->u.trace_batch, bytes, length,
                          hwi_host_now());
}

// A tool's question that may not be heard now: it asks again.
static bool too_soon(struct hwi_control *control, struct hwi_addr from, const struct hwi_msg *msg)
{
    return msg->type == HWI_MSG_trace_want &&
           !(control->relay != NULL &&
             hwi_relay_admit(control->relay, from.id, &msg->u.trace_want, hwi_host_now()));
}

// Hostile bytes from `from`: posted if they are a message that may come from there. A dropped
// message is missing in the count of the next heartbeat or pong, and causes a new registration.
static bool accept_message(struct hwi_control *control, struct hwi_addr from, zmq_msg_t *body)
{
    const unsigned char *bytes = zmq_msg_data(body);
    size_t length;
    struct hwi_msg msg;
    void *block = NULL;
    if (!hwi_letter_open(bytes, zmq_msg_size(body), session_of(control, from), &length)) {
        control->damaged++;
        return false;
    }
    if (hwi_decode(bytes, length, &msg, &block) != HWI_CODEC_OK) {
        return false;
    }
    bool right = false;
    if (msg.type == HWI_MSG_trace_batch) {
        right = pass_trace(control, from, &msg, bytes, length);
    } else {
        right = hwi_msg_may_come(msg.type, HWI_LINK_CONTROL, from.role, own_actor(control).role) &&
                !too_soon(control, from, &msg);
    }
    if (right && (msg.type == HWI_MSG_registration || msg.type == HWI_MSG_welcome)) {
        hwi_os_own(zmq_msg_get(body, ZMQ_SRCFD)); // ZeroMQ's socket: a new one after each connect
    }
    if (right && msg.type != HWI_MSG_trace_batch) {
        post(control, from, &msg);
    }
    free(block);
    return right;
}

// The next part of a message; *more says whether another one follows.
static bool receive_part(struct hwi_control *control, zmq_msg_t *part, bool *more)
{
    while (zmq_msg_recv(part, control->socket, ZMQ_DONTWAIT) < 0) {
        if (zmq_errno() != EINTR) {
            return false;
        }
    }
    *more = zmq_msg_more(part);
    return true;
}

static bool receive_one(struct hwi_control *control)
{
    struct hwi_addr from = hwi_addr_of(HWI_ROLE_MASTER, 0);
    zmq_msg_t part;
    bool more = false, right = true;
    zmq_msg_init(&part);
    bool received = receive_part(control, &part, &more);
    if (received && control->master) {
        right = read_session(zmq_msg_data(&part), zmq_msg_size(&part), &from) && more;
        if (more) {
            receive_part(control, &part, &more);
        }
    }
    if (received && !(right && !more && accept_message(control, from, &part))) {
        control->dropped_in++;
    }
    while (received && more && receive_part(control, &part, &more))
        ;
    zmq_msg_close(&part);
    return received;
}

bool hwi_control_receive(struct hwi_control *control)
{
    for (uint32_t i = 0; i < HWI_CONTROL_TURN_MAX; i++) {
        if (!receive_one(control)) {
            control->touched = false;
            return false;
        }
    }
    control->touched = true;
    return true;
}

// ---- sending -----------------------------------------------------------------------------------

static bool send_parts(struct hwi_control *control, struct hwi_addr to, const unsigned char *bytes,
                       size_t length)
{
    unsigned char session[SESSION_BYTES];
    control->touched = true;
    if (control->master) {
        write_session(to.role, to.id, session);
        if (zmq_send(control->socket, session, sizeof session, ZMQ_DONTWAIT | ZMQ_SNDMORE) < 0) {
            return false;
        }
    }
    zmq_msg_t body;
    if (zmq_msg_init_size(&body, length + HWI_LETTER_SUM_BYTES) != 0) {
        return false;
    }
    unsigned char *letter = zmq_msg_data(&body);
    memcpy(letter, bytes, length);
    hwi_letter_sum(letter, length, session_of(control, to), letter + length);
    bool sent = zmq_msg_send(&body, control->socket, ZMQ_DONTWAIT) >= 0;
    if (!sent) {
        zmq_msg_close(&body);
    }
    return sent;
}

void hwi_control_forward(struct hwi_control *control, struct hwi_addr to,
                         const unsigned char *bytes, size_t length)
{
    static const struct hwi_msg unreachable = {.type = HWI_MSG_unreachable};
    if (send_parts(control, to, bytes, length)) {
        return;
    }
    control->dropped_out++;
    if (zmq_errno() == EHOSTUNREACH && to.role == HWI_ROLE_PEER) {
        post(control, to, &unreachable);
    }
}

void hwi_control_send(struct hwi_control *control, struct hwi_addr to, const struct hwi_msg *msg)
{
    unsigned char *bytes = NULL;
    size_t length = 0;
    if (hwi_encode(msg, &bytes, &length) == HWI_CODEC_OK) {
        hwi_control_forward(control, to, bytes, length);
    } else {
        control->dropped_out++;
    }
    free(bytes);
}
