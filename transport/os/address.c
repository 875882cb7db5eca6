// SPDX-License-Identifier: MIT
#define _DEFAULT_SOURCE // IFF_UP
#include "transport/os/address.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
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

// Appends those of `found` that are, or are not, IPv4.
static uint32_t take(const struct addrinfo *found, bool four, struct hwi_address *list,
                     uint32_t room, uint32_t count)
{
    for (const struct addrinfo *one = found; one != NULL && count < room; one = one->ai_next) {
        if ((one->ai_family == AF_INET) == four) {
            list[count] = (struct hwi_address){.bytes = one->ai_addrlen};
            memcpy(&list[count++].storage, one->ai_addr, one->ai_addrlen);
        }
    }
    return count;
}

static const char *parse(const char *text, enum hwi_address_lookup lookup, struct hwi_address *list,
                         uint32_t room, uint32_t *count)
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
    *count = take(found, true, list, room, 0);
    *count = take(found, false, list, room, *count);
    freeaddrinfo(found);
    return NULL;
}

const char *hwi_address_parse(const char *text, enum hwi_address_lookup lookup,
                              struct hwi_address *address)
{
    uint32_t count;
    return parse(text, lookup, address, 1, &count);
}

const char *hwi_address_parse_all(const char *text, struct hwi_address *list, uint32_t room,
                                  uint32_t *count)
{
    return parse(text, HWI_ADDRESS_NAME, list, room, count);
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

bool hwi_address_same_host(const struct hwi_address *a, const struct hwi_address *b)
{
    if (a->storage.ss_family != b->storage.ss_family) {
        return false;
    }
    if (a->storage.ss_family == AF_INET6) {
        return memcmp(&((const struct sockaddr_in6 *)&a->storage)->sin6_addr,
                      &((const struct sockaddr_in6 *)&b->storage)->sin6_addr,
                      sizeof(struct in6_addr)) == 0;
    }
    return ((const struct sockaddr_in *)&a->storage)->sin_addr.s_addr ==
           ((const struct sockaddr_in *)&b->storage)->sin_addr.s_addr;
}

// The address at which others can dial one interface; its `bytes` is 0 if there is none.
static struct hwi_address of_interface(const struct ifaddrs *interface, int family)
{
    struct hwi_address address = {.bytes = 0};
    const struct sockaddr *found = interface->ifa_addr;
    if (found == NULL || (interface->ifa_flags & (IFF_UP | IFF_LOOPBACK)) != IFF_UP ||
        (found->sa_family != AF_INET && found->sa_family != family)) {
        return address;
    }
    bool six = found->sa_family == AF_INET6;
    size_t bytes = six ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
    memcpy(&address.storage, found, bytes);
    bool local =
        six && IN6_IS_ADDR_LINKLOCAL(&((const struct sockaddr_in6 *)&address.storage)->sin6_addr);
    address.bytes = local ? 0 : (socklen_t)bytes;
    return address;
}

uint32_t hwi_address_of_host(int family, struct hwi_address *list, uint32_t room)
{
    struct ifaddrs *interfaces = NULL;
    uint32_t count = 0;
    if (getifaddrs(&interfaces) != 0) {
        return 0;
    }
    for (const struct ifaddrs *one = interfaces; one != NULL && count < room; one = one->ifa_next) {
        list[count] = of_interface(one, family);
        count += list[count].bytes > 0;
    }
    freeifaddrs(interfaces);
    return count;
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
