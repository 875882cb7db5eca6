// SPDX-License-Identifier: MIT
#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

#include "actors/node/config.h"

// What lies before the last colon, without the brackets of an IPv6 address.
static bool split_host(const char *address, const char *colon, char *host)
{
    size_t bytes = (size_t)(colon - address);
    bool bracketed = bytes >= 2 && address[0] == '[' && colon[-1] == ']';
    if (bracketed) {
        address++;
        bytes -= 2;
    } else if (memchr(address, ':', bytes) != NULL) {
        return false;
    }
    if (bytes == 0 || bytes >= HWI_HOST_BYTES_MAX)
        return false;
    memcpy(host, address, bytes);
    host[bytes] = '\0';
    return true;
}

bool hwi_address_split(const char *address, char *host, uint16_t *port)
{
    const char *colon = strrchr(address, ':');
    uint32_t number = 0;
    if (colon == NULL || colon[1] == '\0')
        return false;
    for (const char *digit = colon + 1; *digit != '\0'; digit++) {
        if (*digit < '0' || *digit > '9')
            return false;
        number = number * 10 + (uint32_t)(*digit - '0');
        if (number > UINT16_MAX)
            return false;
    }
    *port = (uint16_t)number;
    return split_host(address, colon, host);
}

bool hwi_host_is_loopback(const char *host)
{
    struct in_addr v4;
    struct in6_addr v6;
    if (strcasecmp(host, "localhost") == 0)
        return true;
    if (inet_pton(AF_INET, host, &v4) == 1)
        return ntohl(v4.s_addr) >> 24 == 127;
    return inet_pton(AF_INET6, host, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}
