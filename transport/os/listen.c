// SPDX-License-Identifier: MIT
#include "transport/os/listen.h"

#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HOST_BYTES = 256, PORT_DIGITS_MAX = 5 };

static bool read_port(const char *text, size_t length, uint16_t *port)
{
    char digits[PORT_DIGITS_MAX + 1] = "";
    if (length == 0 || length > PORT_DIGITS_MAX || strspn(text, "0123456789") < length) {
        return false;
    }
    memcpy(digits, text, length);
    long value = strtol(digits, NULL, 10);
    *port = (uint16_t)value;
    return value <= UINT16_MAX;
}

// "5000" or "5000-5010".
static bool read_ports(const char *text, uint16_t *first, uint16_t *last)
{
    const char *dash = strchr(text, '-');
    if (dash == NULL) {
        *last = 0;
        return read_port(text, strlen(text), first);
    }
    return read_port(text, (size_t)(dash - text), first) &&
           read_port(dash + 1, strlen(dash + 1), last) && *first > 0 && *first <= *last;
}

// NULL = of no use to listen on.
static const struct sockaddr *usable(const struct ifaddrs *one, const char *name)
{
    const struct sockaddr *address = one->ifa_addr;
    if (address == NULL || strcmp(one->ifa_name, name) != 0) {
        return NULL;
    }
    if (address->sa_family == AF_INET) {
        return address;
    }
    struct sockaddr_in6 six;
    if (address->sa_family != AF_INET6) {
        return NULL;
    }
    memcpy(&six, address, sizeof six);
    return IN6_IS_ADDR_LINKLOCAL(&six.sin6_addr) ? NULL : address;
}

static bool find_interface(const char *name, struct hwi_address *address)
{
    struct ifaddrs *list = NULL;
    *address = (struct hwi_address){.bytes = 0};
    if (getifaddrs(&list) != 0) {
        return false;
    }
    for (const struct ifaddrs *one = list; one != NULL; one = one->ifa_next) {
        const struct sockaddr *found = usable(one, name);
        bool better = found != NULL &&
                      (address->bytes == 0 ||
                       (found->sa_family == AF_INET && address->storage.ss_family != AF_INET));
        if (better) {
            address->bytes = found->sa_family == AF_INET ? sizeof(struct sockaddr_in)
                                                         : sizeof(struct sockaddr_in6);
            memcpy(&address->storage, found, address->bytes);
        }
    }
    freeifaddrs(list);
    return address->bytes > 0;
}

static void name_interfaces(char *why)
{
    struct if_nameindex *list = if_nameindex();
    int length =
        snprintf(why, HWI_LISTEN_WHY_BYTES, "neither HOST:PORT nor an interface of this host:");
    for (size_t i = 0; list != NULL && list[i].if_index != 0 && length < HWI_LISTEN_WHY_BYTES;
         i++) {
        length += snprintf(why + length, (size_t)(HWI_LISTEN_WHY_BYTES - length), "%s %s",
                           i > 0 ? "," : "", list[i].if_name);
    }
    if (list != NULL) {
        if_freenameindex(list);
    }
}

// The host with the first port; addresses parse one port only.
static bool parse_host(const char *host, uint16_t port, struct hwi_address *address, char *why)
{
    char text[HOST_BYTES + PORT_DIGITS_MAX + 2];
    snprintf(text, sizeof text, "%s:%u", host, port);
    const char *wrong = hwi_address_parse(text, HWI_ADDRESS_NAME, address);
    if (wrong != NULL) {
        snprintf(why, HWI_LISTEN_WHY_BYTES, "%s", wrong);
    }
    return wrong == NULL;
}

// Cuts the text at the colon before its ports; without one the ports are "0".
static bool split(const char *text, char host[HOST_BYTES], const char **ports)
{
    const char *colon = strrchr(text, ':');
    size_t length = colon != NULL ? (size_t)(colon - text) : strlen(text);
    *ports = colon != NULL ? colon + 1 : "0";
    if (length >= HOST_BYTES) {
        return false;
    }
    memcpy(host, text, length);
    host[length] = '\0';
    return true;
}

bool hwi_listen_parse(const char *text, struct hwi_address *address, char *why)
{
    char host[HOST_BYTES];
    const char *ports;
    uint16_t first, last;
    if (!split(text, host, &ports) || !read_ports(ports, &first, &last)) {
        snprintf(why, HWI_LISTEN_WHY_BYTES,
                 "not of the form HOST:PORT, HOST:FIRST-LAST or INTERFACE:PORT");
        return false;
    }
    bool interface = if_nametoindex(host) != 0;
    if (!interface && strchr(text, ':') == NULL) {
        name_interfaces(why);
        return false;
    }
    if (interface && !find_interface(host, address)) {
        snprintf(why, HWI_LISTEN_WHY_BYTES, "interface %.40s has no address", host);
        return false;
    }
    if (!interface && !parse_host(host, first, address, why)) {
        return false;
    }
    hwi_address_set_port(address, first);
    address->port_last = last;
    return true;
}

bool hwi_listen_next(struct hwi_address *address)
{
    uint16_t port = hwi_address_port(address);
    if (port >= address->port_last) {
        return false;
    }
    hwi_address_set_port(address, (uint16_t)(port + 1));
    return true;
}
