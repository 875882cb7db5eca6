// SPDX-License-Identifier: MIT
#include "tools/hawser/common/status_query.h"

#include <stdio.h>
#include <stdlib.h>

#include "tools/hawser/command.h"
#include "tools/hawser/common/master_link.h"

static bool ask(struct master_link *link, uint64_t deadline_ns, struct hwi_msg *status,
                void **block)
{
    static const struct hwi_msg want = {.type = HWI_MSG_status_want};
    if (!link_send(link, &want)) {
        return false;
    }
    while (link_receive(link, deadline_ns, status, block)) {
        if (status->type == HWI_MSG_status) {
            return true;
        }
        free(*block);
    }
    return false;
}

int status_query(const char *address, int timeout_ms, struct hwi_msg *status, void **block,
                 char *error)
{
    struct master_link link;
    uint64_t deadline_ns = now_ns() + (uint64_t)timeout_ms * HWI_NS_PER_MS;
    int result = -1;
    if (link_open(&link, address, error)) {
        if (ask(&link, deadline_ns, status, block)) {
            result = 0;
        } else {
            snprintf(error, STATUS_ERROR_BYTES,
                     "no answer from a master at %s within %d ms: is it running there?", address,
                     timeout_ms);
        }
    }
    link_close(&link);
    return result;
}
