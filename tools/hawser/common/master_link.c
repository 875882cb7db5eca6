// SPDX-License-Identifier: MIT
#include "tools/hawser/common/master_link.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#include "actors/base/bytes.h"
#include "actors/wire/codec.h"
#include "actors/wire/letter.h"
#include "tools/hawser/command.h"
#include "transport/host/host.h"
#include "transport/os/lookup.h"

enum {
    ROUTING_ID_BYTES = 9, // a master knows a tool by a 'T' and 8 bytes that are its own
    LINGER_MS = 200,      // for the last word to leave
    LOOK_UP_MS = 2000,    // a name service that does not answer is not waited for longer
    CONNECT_MS = 1000,    // nor a connection, where a name has several addresses
    QUEUE_MAX = 1024,     // messages that wait here; what comes beyond waits at the master
};

static void *open_socket(void *context, uint64_t session)
{
    void *socket = zmq_socket(context, ZMQ_DEALER);
    int none = 0, yes = 1, queue = QUEUE_MAX;
    int64_t most = HWI_MESSAGE_BYTES_MAX + HWI_LETTER_SUM_BYTES;
    unsigned char id[ROUTING_ID_BYTES] = {'T'};
    if (socket == NULL) {
        return NULL;
    }
    hwi_put_u64(id + 1, session);
    zmq_setsockopt(socket, ZMQ_LINGER, &none, sizeof none);
    zmq_setsockopt(socket, ZMQ_IPV6, &yes, sizeof yes);
    zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &most, sizeof most);
    zmq_setsockopt(socket, ZMQ_RCVHWM, &queue, sizeof queue);
    zmq_setsockopt(socket, ZMQ_ROUTING_ID, id, sizeof id);
    return socket;
}

// Of a name with several addresses the one that accepts; else the first.
static bool choose_address(const char *address, char chosen[HWI_ADDRESS_BYTES_MAX], char *error)
{
    struct hwi_address list[HWI_LOOKUP_ADDRESSES_MAX];
    uint32_t count;
    const char *wrong = hwi_look_up(address, LOOK_UP_MS, list, &count);
    if (wrong != NULL) {
        snprintf(error, LINK_ERROR_BYTES, "%.100s: %s", address, wrong);
        return false;
    }
    int which = count > 1 ? hwi_first_that_accepts(list, count, CONNECT_MS) : 0;
    hwi_address_print(&list[which < 0 ? 0 : which], chosen);
    return true;
}

bool link_open(struct master_link *link, const char *address, char *error)
{
    char endpoint[HWI_TEXT_BYTES_MAX], chosen[HWI_ADDRESS_BYTES_MAX];
    link->socket = NULL;
    link->session = hwi_addr_of(HWI_ROLE_TOOL, hwi_host_random());
    link->context = NULL;
    if (!choose_address(address, chosen, error)) {
        return false;
    }
    snprintf(endpoint, sizeof endpoint, "tcp://%s", chosen);
    link->context = zmq_ctx_new();
    link->socket = link->context != NULL ? open_socket(link->context, link->session.id) : NULL;
    if (link->socket == NULL) {
        snprintf(error, LINK_ERROR_BYTES, "cannot open a socket: %s", zmq_strerror(zmq_errno()));
        return false;
    }
    if (zmq_connect(link->socket, endpoint) < 0) {
        snprintf(error, LINK_ERROR_BYTES, "%s is not an address HOST:PORT (%s)", address,
                 zmq_strerror(zmq_errno()));
        return false;
    }
    return true;
}

void link_close(struct master_link *link)
{
    int linger_ms = LINGER_MS;
    if (link->socket != NULL) {
        zmq_setsockopt(link->socket, ZMQ_LINGER, &linger_ms, sizeof linger_ms);
        zmq_close(link->socket);
    }
    if (link->context != NULL) {
        zmq_ctx_term(link->context);
    }
    link->socket = link->context = NULL;
}

bool link_send(struct master_link *link, const struct hwi_msg *msg)
{
    unsigned char *bytes;
    size_t length;
    if (hwi_encode(msg, &bytes, &length) != HWI_CODEC_OK) {
        return false;
    }
    unsigned char sum[HWI_LETTER_SUM_BYTES];
    zmq_msg_t letter;
    hwi_letter_sum(bytes, length, link->session, sum);
    bool sent = zmq_msg_init_size(&letter, length + sizeof sum) == 0;
    if (sent) {
        memcpy(zmq_msg_data(&letter), bytes, length);
        memcpy((unsigned char *)zmq_msg_data(&letter) + length, sum, sizeof sum);
        sent = zmq_msg_send(&letter, link->socket, ZMQ_DONTWAIT) >= 0;
        zmq_msg_close(&letter);
    }
    free(bytes);
    return sent;
}

bool link_receive(struct master_link *link, uint64_t deadline_ns, struct hwi_msg *msg, void **block)
{
    for (;;) {
        zmq_msg_t message;
        zmq_msg_init(&message);
        bool came = zmq_msg_recv(&message, link->socket, ZMQ_DONTWAIT) >= 0;
        size_t length;
        bool good = came &&
                    hwi_letter_open(zmq_msg_data(&message), zmq_msg_size(&message), link->session,
                                    &length) &&
                    hwi_decode(zmq_msg_data(&message), length, msg, block) == HWI_CODEC_OK;
        zmq_msg_close(&message);
        if (good) {
            return true;
        }
        uint64_t now = now_ns();
        if (now >= deadline_ns) {
            return false;
        }
        zmq_pollitem_t item = {.socket = link->socket, .events = ZMQ_POLLIN};
        if (!came && zmq_poll(&item, 1, (long)((deadline_ns - now) / HWI_NS_PER_MS) + 1) < 0) {
            return false; // a signal
        }
    }
}
