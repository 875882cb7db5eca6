// SPDX-License-Identifier: MIT
#include "transport/os/address.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { HWI_HOST_NAME_BYTES_MAX = 256, HWI_PORT_BYTES_MAX = 6 };

// Cuts "host:port" at its last colon; an IPv6 host stands in brackets.
static bool split(const char *text, char host[HWI_HOST_NAME_BYTES_MAX],
                  char port[HWI_PORT_BYTES_MAX])
{
    const char *colon = strrchr(text, ':');
    if (colon == NULL || !colon[1] || strlen(colon + 1) >= HWI_PORT_BYTES_MAX ||
        strspn(colon + 1, "0123456789") != strlen(colon + 1) || atoi(colon + 1) > UINT16_MAX) {
        return false;
    }
    size_t bytes = (size_t)(colon - text);
    bool brackets = bytes >= 2 && text[0] == '[' && colon[-1] == ']';
    if (brackets) {
        text++;
        bytes -= 2;
    }
    if (bytes >= HWI_HOST_NAME_BYTES_MAX ||
        (brackets ? bytes == 0 : memchr(text, ':', bytes) != NULL)) {
        return false;
    }
    memcpy(host, text, bytes);
    host[bytes] = '\0';
    snprintf(port, HWI_PORT_BYTES_MAX, "%s", colon + 1);
    return true;
}

static const struct addrinfo *prefer(const struct addrinfo *found)
{
    for (const struct addrinfo *one = found; one != NULL; one = one->ai_next) {
        if (one->ai_family == AF_INET) {
            return one;
        }
    }
    return found;
}

const char *hwi_address_parse(const char *text, enum hwi_address_lookup lookup,
                              struct hwi_address *address)
{
    char host[HWI_HOST_NAME_BYTES_MAX], port[HWI_PORT_BYTES_MAX];
    if (!split(text, host, port)) {
        return "not of the form HOST:PORT or [IPV6]:PORT";
    }
    bool any = host[0] == '\0' || strcmp(host, "*") == 0;
    struct addrinfo hints = {.ai_family = any ? AF_INET : AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    hints.ai_flags = AI_NUMERICSERV | (any ? AI_PASSIVE : 0) |
                     (lookup == HWI_ADDRESS_NUMERIC ? AI_NUMERICHOST : 0);
    struct addrinfo *found = NULL;
    int result = getaddrinfo(any ? NULL : host, port, &hints, &found);
    if (result != 0) {
        return gai_strerror(result);
    }
    const struct addrinfo *best = prefer(found);
    *address = (struct hwi_address){.bytes = best->ai_addrlen};
    memcpy(&address->storage, best->ai_addr, best->ai_addrlen);
    freeaddrinfo(found);
    return NULL;
}

void hwi_address_print(const struct hwi_address *address, char text[HWI_ADDRESS_BYTES_MAX])
{
    char host[HWI_ADDRESS_BYTES_MAX - 8], port[HWI_PORT_BYTES_MAX];
    if (getnameinfo((const struct sockaddr *)&address->storage, address->bytes, host, sizeof host,
                    port, sizeof port, NI_NUMERICHOST | NI_NUMERICSERV) != 0) {
        snprintf(text, HWI_ADDRESS_BYTES_MAX, "?");
    } else {
        snprintf(text, HWI_ADDRESS_BYTES_MAX,
                 address->storage.ss_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host, port);
    }
}

uint16_t hwi_address_port(const struct hwi_address *address)
{
    if (address->storage.ss_family == AF_INET6) {
        return ntohs(((const struct sockaddr_in6 *)&address->storage)->sin6_port);
    }
    return ntohs(((const struct sockaddr_in *)&address->storage)->sin_port);
}

void hwi_address_set_port(struct hwi_address *address, uint16_t port)
{
    if (address->storage.ss_family == AF_INET6) {
        ((struct sockaddr_in6 *)&address->storage)->sin6_port = htons(port);
    } else {
        ((struct sockaddr_in *)&address->storage)->sin_port = htons(port);
    }
}

bool hwi_address_is_wildcard(const struct hwi_address *address)
{
    if (address->storage.ss_family == AF_INET6) {
        return IN6_IS_ADDR_UNSPECIFIED(
            &((const struct sockaddr_in6 *)&address->storage)->sin6_addr);
    }
    return ((const struct sockaddr_in *)&address->storage)->sin_addr.s_addr == htonl(INADDR_ANY);
}

bool hwi_address_is_loopback(const struct hwi_address *address)
{
    if (address->storage.ss_family == AF_INET6) {
        return IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)&address->storage)->sin6_addr);
    }
    uint32_t host = ntohl(((const struct sockaddr_in *)&address->storage)->sin_addr.s_addr);
    return host >> 24 == 127;
}

bool hwi_address_toward(const struct hwi_address *remote, struct hwi_address *local)
{
    int fd = socket(remote->storage.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return false;
    }
    // Connecting a datagram socket sends nothing: it only makes the kernel choose the route.
    struct hwi_address chosen = {.bytes = sizeof chosen.storage};
    bool ok = connect(fd, (const struct sockaddr *)&remote->storage, remote->bytes) == 0 &&
              getsockname(fd, (struct sockaddr *)&chosen.storage, &chosen.bytes) == 0;
    close(fd);
    if (!ok) {
        return false;
    }
    hwi_address_set_port(&chosen, 0);
    *local = chosen;
    return true;
}
