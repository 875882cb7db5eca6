// SPDX-License-Identifier: MIT
#include "transport/host/relay.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "transport/host/control.h"

enum {
    TURN_MS = 20,     // one batch in each: what waits in the socket stays far below its bound
    SILENCE_MS = 500, // then an empty batch says that this process lives
    ASK_MS = 200,     // a tool's questions may come this often
    BURST_MS = 1000,  // a guest's bytes of this time may come at once
};

void hwi_relay_init(struct hwi_relay *relay, struct hwi_control *control, const void *ring,
                    size_t ring_bytes)
{
    *relay = (struct hwi_relay){
        .control = control, .ring = ring, .ring_bytes = ring_bytes, .next_ns = HWI_NEVER};
}

void hwi_relay_fini(struct hwi_relay *relay)
{
    free(relay->records);
    relay->records = NULL;
    relay->next_ns = HWI_NEVER;
}

// ---- this process's ring ------------------------------------------------------------------------

static struct hwi_relay_tool *find_tool(struct hwi_relay *relay, uint64_t id)
{
    for (uint32_t i = 0; i < HWI_TRACE_TOOLS_MAX; i++) {
        if (relay->tools[i].id == id) {
            return &relay->tools[i];
        }
    }
    return NULL;
}

static bool begin(struct hwi_relay *relay, struct hwi_relay_tool *tool, uint32_t history)
{
    if (relay->records == NULL) {
        relay->records = calloc(HWI_TRACE_BATCH_MAX, sizeof *relay->records);
    }
    *tool = (struct hwi_relay_tool){0};
    if (relay->records == NULL || relay->ring == NULL ||
        !hwi_ring_attach(&tool->reader, relay->ring, relay->ring_bytes)) {
        return false;
    }
    uint64_t next = hwi_ring_next(&tool->reader);
    if (next - tool->reader.next > history) {
        tool->reader.next = next - history;
    }
    tool->first = tool->reader.next;
    return true;
}

void hwi_relay_ask(struct hwi_relay *relay, const struct hwi_msg_trace_relay *ask, uint64_t now_ns)
{
    struct hwi_relay_tool *tool = ask->tool ? find_tool(relay, ask->tool) : NULL;
    if (ask->timeout_ms == 0) { // it wants no more
        if (tool != NULL) {
            tool->id = 0;
        }
        return;
    }
    if (tool == NULL) {
        tool = find_tool(relay, 0);
        if (!ask->tool || tool == NULL || !begin(relay, tool, ask->history)) {
            relay->dropped++;
            return;
        }
        tool->id = ask->tool;
        tool->paid_ns = now_ns;
    }
    tool->bytes_per_s = HWI_MAX(ask->bytes_per_s, 1);
    tool->until_ns = now_ns + ask->timeout_ms * HWI_NS_PER_MS;
    relay->next_ns = HWI_MIN(relay->next_ns, now_ns);
}

static void keep(struct hwi_trace_record *to, const struct hwi_ring_record *from,
                 const struct hwi_ring_clock *clock)
{
    *to = (struct hwi_trace_record){
        .number = from->number,
        .arrived_ns = hwi_ring_ns(clock, from->arrived),
        .handled_ns = hwi_ring_ns(clock, from->handled),
        .view = from->view,
        .tag = from->tag,
        .key = from->key,
        .other = from->other,
        .seq = from->seq,
        .type = from->type,
        .roles = from->roles,
        .kind = from->kind,
    };
}

static uint32_t read_records(struct hwi_relay *relay, struct hwi_relay_tool *tool,
                             const struct hwi_ring_clock *clock)
{
    struct hwi_ring_record record;
    uint32_t count = 0;
    while (count < HWI_TRACE_BATCH_MAX && hwi_ring_read(&tool->reader, &record, 1) == 1) {
        keep(&relay->records[count++], &record, clock);
    }
    return count;
}

static void fill_head(struct hwi_msg_trace_batch *batch, const struct hwi_ring_head *head,
                      uint64_t now_ns)
{
    batch->run = head->owner.run;
    batch->incarnation = head->owner.incarnation;
    batch->peer = head->owner.peer;
    batch->pid = head->owner.pid;
    batch->schema = head->schema;
    batch->next = head->next;
    batch->now_ns = now_ns;
    batch->realtime_ns = now_ns - head->clock.ns_zero + head->clock.realtime_ns;
    snprintf(batch->name, sizeof batch->name, "%s", head->owner.name);
    snprintf(batch->address, sizeof batch->address, "%s", head->owner.address);
}

// The approximate size on the wire of a batch of that many records; the budget need not be exact.
static uint64_t bytes_of(uint32_t records)
{
    return 256 + UINT64_C(48) * records;
}

static void send_batch(struct hwi_relay *relay, struct hwi_relay_tool *tool, uint64_t now_ns)
{
    struct hwi_msg msg = {.type = HWI_MSG_trace_batch};
    struct hwi_ring_head head;
    if (!hwi_ring_head(&tool->reader, &head)) {
        return;
    }
    msg.u.trace_batch.tool = tool->id;
    msg.u.trace_batch.first = tool->first;
    msg.u.trace_batch.records = relay->records;
    msg.u.trace_batch.records_count = read_records(relay, tool, &head.clock);
    fill_head(&msg.u.trace_batch, &head, now_ns);
    hwi_control_send(relay->control,
                     relay->control->master ? hwi_addr_of(HWI_ROLE_TOOL, tool->id)
                                            : hwi_addr_of(HWI_ROLE_MASTER, 0),
                     &msg);
    uint64_t bytes = bytes_of(msg.u.trace_batch.records_count);
    tool->paid_ns = HWI_MAX(tool->paid_ns, now_ns) + bytes * HWI_NS_PER_S / tool->bytes_per_s;
    tool->said_ns = now_ns;
}

static bool is_due(const struct hwi_relay_tool *tool, uint64_t now_ns)
{
    bool news = hwi_ring_next(&tool->reader) > tool->reader.next;
    bool silent = now_ns - tool->said_ns >= SILENCE_MS * HWI_NS_PER_MS;
    return (news || silent) && now_ns >= tool->paid_ns;
}

void hwi_relay_turn(struct hwi_relay *relay, uint64_t now_ns)
{
    bool any = false, sent = false;
    uint32_t begin_at = relay->last + 1;
    for (uint32_t i = 0; i < HWI_TRACE_TOOLS_MAX; i++) {
        uint32_t index = (begin_at + i) % HWI_TRACE_TOOLS_MAX;
        struct hwi_relay_tool *tool = &relay->tools[index];
        if (tool->id && now_ns >= tool->until_ns) {
            tool->id = 0;
        }
        if (!tool->id) {
            continue;
        }
        any = true;
        if (!sent && is_due(tool, now_ns)) {
            send_batch(relay, tool, now_ns);
            relay->last = index;
            sent = true;
        }
    }
    relay->next_ns = any ? now_ns + TURN_MS * HWI_NS_PER_MS : HWI_NEVER;
}

// ---- a master: what passes ---------------------------------------------------------------------

// The guest with this session, or a place for it: free, or of one that asks no more.
static struct hwi_relay_guest *find_guest(struct hwi_relay *relay, uint64_t id, uint64_t now_ns)
{
    struct hwi_relay_guest *room = NULL;
    for (uint32_t i = 0; i < HWI_TRACE_TOOLS_MAX; i++) {
        struct hwi_relay_guest *guest = &relay->guests[i];
        if (guest->id == id) {
            return guest;
        }
        // So often at most: tools that come and go cost all members a message each time.
        bool rested = now_ns - guest->asked_ns >= ASK_MS * HWI_NS_PER_MS;
        if (!guest->id || (now_ns >= guest->until_ns && rested)) {
            room = guest;
        }
    }
    return room;
}

bool hwi_relay_admit(struct hwi_relay *relay, uint64_t tool, const struct hwi_msg_trace_want *want,
                     uint64_t now_ns)
{
    struct hwi_relay_guest *guest = find_guest(relay, tool, now_ns);
    bool known = guest != NULL && guest->id == tool;
    if (want->timeout_ms == 0) { // it wants no more, and says so once
        bool leaves = known && now_ns < guest->until_ns;
        if (leaves) {
            guest->until_ns = now_ns;
        }
        return leaves;
    }
    if (guest == NULL || (known && now_ns - guest->asked_ns < ASK_MS * HWI_NS_PER_MS)) {
        relay->dropped++;
        return false;
    }
    if (!known) {
        *guest = (struct hwi_relay_guest){.id = tool, .paid_ns = now_ns};
    }
    guest->asked_ns = now_ns;
    guest->until_ns = now_ns + want->timeout_ms * HWI_NS_PER_MS;
    guest->bytes_per_s = HWI_MAX(want->bytes_per_s, 1);
    return true;
}

bool hwi_relay_pass(struct hwi_relay *relay, uint64_t session,
                    const struct hwi_msg_trace_batch *batch, const unsigned char *bytes,
                    size_t length, uint64_t now_ns)
{
    struct hwi_relay_guest *guest = batch->tool ? find_guest(relay, batch->tool, now_ns) : NULL;
    if (guest == NULL || guest->id != batch->tool || now_ns >= guest->until_ns ||
        batch->incarnation != session || guest->paid_ns > now_ns + BURST_MS * HWI_NS_PER_MS) {
        relay->dropped++;
        return false;
    }
    guest->paid_ns = HWI_MAX(guest->paid_ns, now_ns) + length * HWI_NS_PER_S / guest->bytes_per_s;
    hwi_control_forward(relay->control, hwi_addr_of(HWI_ROLE_TOOL, guest->id), bytes, length);
    return true;
}
