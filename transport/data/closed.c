// SPDX-License-Identifier: MIT
// Which operations of the view are over: their late frames are dropped, not kept for a later call.
#include "transport/data/closed.h"
#include "transport/data/port.h"

static uint64_t hash_of(struct hwi_op name)
{
    return hwi_mix(hwi_mix(0, hwi_channel_kind(name.kind)), name.tag);
}

static struct hwi_closed *find(const struct hwi_data *data, struct hwi_op name)
{
    struct hwi_link *link = hwi_index_find(&data->closed, hash_of(name));

    for (; link != NULL; link = hwi_index_same(link)) {
        struct hwi_closed *closed = (struct hwi_closed *)link;
        if (closed->kind == hwi_channel_kind(name.kind) && closed->tag == name.tag) {
            return closed;
        }
    }
    return NULL;
}

void hwi_closed_note(struct hwi_data *data, struct hwi_op name)
{
    if (name.view != data->view) {
        return;
    }
    struct hwi_closed *closed = find(data, name);
    if (closed == NULL) {
        closed = hwi_new(data->alloc, sizeof *closed);
        closed->kind = hwi_channel_kind(name.kind);
        closed->tag = name.tag;
        hwi_index_add(&data->closed, &closed->link, hash_of(name));
    }
    closed->seq = HWI_MAX(closed->seq, name.seq);
}

bool hwi_closed_has(const struct hwi_data *data, struct hwi_op name)
{
    const struct hwi_closed *closed = name.view == data->view ? find(data, name) : NULL;

    return closed != NULL && name.seq <= closed->seq;
}

void hwi_closed_clear(struct hwi_data *data)
{
    struct hwi_link *link = hwi_index_next(&data->closed, NULL);

    while (link != NULL) {
        struct hwi_link *next = hwi_index_next(&data->closed, link);
        hwi_index_remove(&data->closed, link);
        hwi_free(data->alloc, link);
        link = next;
    }
}
