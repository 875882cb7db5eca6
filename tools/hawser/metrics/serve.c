// SPDX-License-Identifier: MIT
#include "tools/hawser/metrics/serve.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tools/hawser/command.h"

enum { BACKLOG = 16, NS_PER_MS = 1000000 };

// True once `fd` is ready; false at the deadline.
static bool wait_for(int fd, short events, uint64_t deadline_ns)
{
    struct pollfd item = {.fd = fd, .events = events};
    uint64_t now = now_ns();
    return now < deadline_ns && poll(&item, 1, (int)((deadline_ns - now) / NS_PER_MS) + 1) > 0;
}

// The head of a request, ended by a NUL; false if there is none in time.
static bool read_head(int fd, char head[METRICS_REQUEST_BYTES_MAX + 1], uint64_t deadline_ns)
{
    size_t length = 0;
    head[0] = '\0';
    while (strstr(head, "\r\n\r\n") == NULL) {
        if (length == METRICS_REQUEST_BYTES_MAX || !wait_for(fd, POLLIN, deadline_ns)) {
            return false;
        }
        ssize_t got = recv(fd, head + length, METRICS_REQUEST_BYTES_MAX - length, MSG_DONTWAIT);
        if (got <= 0 || memchr(head + length, '\0', (size_t)got) != NULL) {
            return false;
        }
        length += (size_t)got;
        head[length] = '\0';
    }
    return true;
}

static void send_all(int fd, const char *bytes, size_t length, uint64_t deadline_ns)
{
    while (length > 0 && wait_for(fd, POLLOUT, deadline_ns)) {
        ssize_t put = send(fd, bytes, length, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (put < 0) {
            return;
        }
        bytes += put;
        length -= (size_t)put;
    }
}

static bool is_for_metrics(const char *head)
{
    return strncmp(head, "GET /metrics ", 13) == 0 || strncmp(head, "GET /metrics?", 13) == 0 ||
           strncmp(head, "GET / ", 6) == 0;
}

static void answer(int fd, metrics_body_fn body, void *user)
{
    char head[METRICS_REQUEST_BYTES_MAX + 1], *text = NULL;
    size_t length = 0;
    uint64_t deadline_ns = now_ns() + (uint64_t)METRICS_REQUEST_MS * NS_PER_MS;
    if (!read_head(fd, head, deadline_ns)) {
        return;
    }
    bool found = is_for_metrics(head);
    FILE *out = open_memstream(&text, &length);
    if (out == NULL) {
        return;
    }
    if (found) {
        body(out, user);
    } else {
        fputs("There is only GET /metrics here.\n", out);
    }
    fclose(out);
    int bytes = snprintf(head, sizeof head,
                         "HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n"
                         "Connection: close\r\n\r\n",
                         found ? "200 OK" : "404 Not Found",
                         found ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
                               : "text/plain",
                         length);
    send_all(fd, head, (size_t)bytes, deadline_ns + METRICS_REQUEST_MS * (uint64_t)NS_PER_MS);
    send_all(fd, text, length, deadline_ns + METRICS_REQUEST_MS * (uint64_t)NS_PER_MS);
    free(text);
}

static int open_listener(struct hwi_address *address)
{
    int yes = 1, fd = socket(address->storage.ss_family, SOCK_STREAM, 0);
    if (fd < 0) {
        return -1;
    }
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(fd, (const struct sockaddr *)&address->storage, address->bytes) != 0 ||
        listen(fd, BACKLOG) != 0 ||
        getsockname(fd, (struct sockaddr *)&address->storage, &address->bytes) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

const char *metrics_serve(struct hwi_address address, metrics_body_fn body, void *user)
{
    char text[HWI_ADDRESS_BYTES_MAX];
    int listener = open_listener(&address);
    if (listener < 0) {
        return strerror(errno);
    }
    hwi_address_print(&address, text);
    printf("metrics at http://%s/metrics\n", text);
    for (;;) {
        int fd = accept(listener, NULL, NULL);
        if (fd >= 0) {
            answer(fd, body, user);
            close(fd);
        } else if (errno != EINTR && errno != ECONNABORTED) {
            close(listener);
            return strerror(errno);
        }
    }
}
