// SPDX-License-Identifier: MIT
#include "tools/hawser/status_query.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#include "actors/wire/codec.h"
#include "tools/hawser/command.h"
#include "transport/host/host.h"

// A master knows a tool by a routing id of 'T' and 8 bytes that are its own.
enum { ROUTING_ID_BYTES = 9 };

static void *open_socket(void *context)
{
    void *socket = zmq_socket(context, ZMQ_DEALER);
    int none = 0, yes = 1;
    int64_t most = HWI_MESSAGE_BYTES_MAX;
    unsigned char id[ROUTING_ID_BYTES] = {'T'};
    uint64_t nonce = hwi_host_random();
    if (!socket)
        return NULL;
    memcpy(id + 1, &nonce, sizeof nonce);
    zmq_setsockopt(socket, ZMQ_LINGER, &none, sizeof none);
    zmq_setsockopt(socket, ZMQ_IPV6, &yes, sizeof yes);
    zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &most, sizeof most);
    zmq_setsockopt(socket, ZMQ_ROUTING_ID, id, sizeof id);
    return socket;
}

static bool send_question(void *socket)
{
    struct hwi_msg want = {.type = HWI_MSG_status_want};
    unsigned char *bytes;
    size_t length;
    if (hwi_encode(&want, &bytes, &length) != HWI_CODEC_OK)
        return false;
    int sent = zmq_send(socket, bytes, length, 0);
    free(bytes);
    return sent >= 0;
}

// Reads messages until the answer comes or the deadline passes.
static bool await_answer(void *socket, uint64_t deadline_ns, struct hwi_msg *status, void **block)
{
    for (uint64_t now = now_ns(); now < deadline_ns; now = now_ns()) {
        zmq_pollitem_t item = {.socket = socket, .events = ZMQ_POLLIN};
        zmq_msg_t message;
        if (zmq_poll(&item, 1, (long)((deadline_ns - now) / HWI_NS_PER_MS) + 1) <= 0)
            continue;
        zmq_msg_init(&message);
        bool good = zmq_msg_recv(&message, socket, ZMQ_DONTWAIT) >= 0 &&
                    hwi_decode(zmq_msg_data(&message), zmq_msg_size(&message), status, block) ==
                        HWI_CODEC_OK;
        zmq_msg_close(&message);
        if (good && status->type == HWI_MSG_status)
            return true;
        if (good)
            free(*block);
    }
    return false;
}

int status_query(const char *address, int timeout_ms, struct hwi_msg *status, void **block,
                 char *error)
{
    char endpoint[HWI_TEXT_BYTES_MAX];
    void *context = zmq_ctx_new();
    void *socket = context ? open_socket(context) : NULL;
    int result = -1;
    if (snprintf(endpoint, sizeof endpoint, "tcp://%s", address) >= (int)sizeof endpoint) {
        snprintf(error, STATUS_ERROR_BYTES, "the address %.80s... is too long", address);
    } else if (!socket) {
        snprintf(error, STATUS_ERROR_BYTES, "cannot open a socket: %s", zmq_strerror(zmq_errno()));
    } else if (zmq_connect(socket, endpoint) < 0) {
        snprintf(error, STATUS_ERROR_BYTES, "%s is not an address HOST:PORT (%s)", address,
                 zmq_strerror(zmq_errno()));
    } else if (!send_question(socket) ||
               !await_answer(socket, now_ns() + (uint64_t)timeout_ms * HWI_NS_PER_MS, status,
                             block)) {
        snprintf(error, STATUS_ERROR_BYTES,
                 "no answer from a master at %s within %d ms: is it running there?", address,
                 timeout_ms);
    } else {
        result = 0;
    }
    if (socket)
        zmq_close(socket);
    if (context)
        zmq_ctx_term(context);
    return result;
}
