// SPDX-License-Identifier: MIT
// Rings out of journals: the actors are played again, and what they hear and say is written to a
// ring as their process did it.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actors/loop/player.h"
#include "tools/hawser/explain/rings.h"
#include "tools/hawser/replay/replay.h"
#include "transport/journal/journal.h"

enum { READ_RECORDS = 256 };

// One journal on its way into a ring.
struct playing {
    struct hwi_player *players[HWI_ROLE_MAX]; // NULL: nothing is known of what it says
    bool here[HWI_ROLE_MAX];                  // an actor of this process
    bool blind;                               // from now on nothing is played, until an image
    void *memory;                             // the ring's; owned
    struct hwi_ring *ring;
    struct hwi_ring_owner owner;
    uint64_t realtime_zero_ns, last_ns;
    char trouble[HWI_TEXT_BYTES_MAX]; // why the master could not store last
};

static void forget_players(struct playing *playing)
{
    for (uint32_t role = 0; role < HWI_ROLE_MAX; role++) {
        hwi_player_destroy(playing->players[role]);
        playing->players[role] = NULL;
    }
}

static void take_head(struct playing *playing, const struct hwi_msg_journal_head *head)
{
    playing->owner.pid = head->pid;
    playing->owner.incarnation = head->incarnation;
    playing->realtime_zero_ns = head->realtime_ns - head->monotonic_ns;
    snprintf(playing->owner.name, sizeof playing->owner.name, "%s",
             head->incarnation ? "member" : "master");
    if (head->decision != hwi_decision_hash()) { // what it said cannot be worked out
        playing->blind = true;
        forget_players(playing);
    }
}

static void take_image(struct playing *playing, const struct hwi_journal_image *image)
{
    const struct hwi_actor_ops *ops = replay_ops(image->role);
    if (ops == NULL || playing->blind || image->length == 0) {
        return;
    }
    playing->here[image->role] = true;
    if (playing->players[image->role] != NULL) {
        return;
    }
    struct hwi_player *player = hwi_player_create(ops, &hwi_alloc_libc);
    if (hwi_player_load(player, image->bytes, image->length)) {
        playing->players[image->role] = player;
    } else {
        hwi_player_destroy(player);
    }
}

// The messages that it sent out of its process.
static void write_effects(struct playing *playing, uint8_t role, const struct hwi_effects *effects,
                          uint64_t now_ns)
{
    for (uint32_t i = 0; i < effects->count; i++) {
        const struct hwi_envelope *e = &effects->items[i];
        bool inside = e->to.id == 0 && e->to.role < HWI_ROLE_MAX && playing->here[e->to.role];
        if (!inside && e->to.role != HWI_ROLE_CLOCK) {
            hwi_ring_said(playing->ring, role, e->to, &e->msg, now_ns);
        }
    }
}

static void take_event(struct playing *playing, const struct hwi_journal_event *event)
{
    uint8_t role = event->role;
    const struct hwi_actor_ops *ops = replay_ops(role);
    if (ops == NULL || event->event.msg->type == HWI_MSG_NONE) {
        return;
    }
    playing->here[role] = true;
    if (event->number == 1 && playing->players[role] == NULL && !playing->blind) {
        playing->players[role] = hwi_player_create(ops, &hwi_alloc_libc);
    }
    playing->last_ns = event->event.now_ns;
    if (event->event.msg->type == HWI_MSG_stored && event->event.msg->u.stored.reason[0] != '\0') {
        snprintf(playing->trouble, sizeof playing->trouble, "%s",
                 event->event.msg->u.stored.reason);
    }
    hwi_ring_heard(playing->ring, role, event->event.from, event->event.msg, event->event.now_ns,
                   event->event.now_ns);
    if (playing->players[role] != NULL) {
        write_effects(playing, role, hwi_player_step(playing->players[role], &event->event, NULL),
                      event->event.now_ns);
    }
}

// Reads to the end, or to where the journal is damaged. False if it is of another build.
static bool play(struct playing *playing, struct hwi_journal_reader *reader)
{
    struct hwi_journal_record record;
    for (bool any = false;; any = true) {
        switch (hwi_journal_read(reader, &record)) {
        case HWI_JOURNAL_FOUND_HEAD:
            take_head(playing, record.head);
            break;
        case HWI_JOURNAL_FOUND_IMAGE:
            take_image(playing, &record.image);
            break;
        case HWI_JOURNAL_FOUND_EVENT:
            take_event(playing, &record.event);
            break;
        case HWI_JOURNAL_FOUND_LOST:
            forget_players(playing);
            break;
        case HWI_JOURNAL_FOUND_OTHER:
            return false;
        default: // an end, whatever its kind
            return any;
        }
    }
}

// The ring of the same process that a flight file has brought; UINT32_MAX = none.
static uint32_t find_same(const struct explain_rings *rings, const struct playing *playing)
{
    for (uint32_t i = 0; i < rings->count; i++) {
        if (rings->rings[i].owner.pid == playing->owner.pid &&
            rings->rings[i].owner.incarnation == playing->owner.incarnation) {
            return i;
        }
    }
    return UINT32_MAX;
}

// A flight file is kept unless the journal continues after it.
static void keep(struct explain_rings *rings, const struct playing *playing)
{
    struct hwi_ring_reader reader;
    struct hwi_ring_record records[READ_RECORDS];
    uint32_t index = find_same(rings, playing);
    if (index == UINT32_MAX) {
        index = rings_add(rings, &playing->owner, playing->realtime_zero_ns);
    } else if (playing->last_ns < rings->rings[index].as_of_ns + HWI_NS_PER_S) {
        return;
    }
    rings->rings[index].count = 0;
    rings->rings[index].as_of_ns = 0;
    rings->rings[index].realtime_zero_ns = playing->realtime_zero_ns;
    memcpy(rings->rings[index].trouble, playing->trouble, sizeof playing->trouble);
    if (!hwi_ring_attach(&reader, playing->memory, hwi_ring_bytes(HWI_RING_RECORDS))) {
        return;
    }
    for (uint32_t count; (count = hwi_ring_read(&reader, records, READ_RECORDS)) > 0;) {
        for (uint32_t i = 0; i < count; i++) {
            rings_append(rings, index, &records[i]);
        }
    }
}

static bool load_journal(struct explain_rings *rings, const char *directory, const char *name)
{
    char error[RINGS_ERROR_BYTES];
    struct hwi_journal_reader *reader;
    struct playing playing = {.last_ns = 0};
    size_t bytes = hwi_ring_bytes(HWI_RING_RECORDS);
    if (hwi_journal_open(directory, name, &reader, error, sizeof error) != 0) {
        return false;
    }
    playing.memory = aligned_alloc(64, bytes);
    if (playing.memory == NULL) {
        hwi_journal_reader_close(reader);
        return false;
    }
    memset(playing.memory, 0, bytes);
    playing.ring = hwi_ring_create(&hwi_alloc_libc, playing.memory, HWI_RING_RECORDS);
    bool good = play(&playing, reader);
    if (good) {
        keep(rings, &playing);
    }
    forget_players(&playing);
    hwi_ring_destroy(playing.ring);
    free(playing.memory);
    hwi_journal_reader_close(reader);
    return good;
}

uint32_t rings_load_journals(struct explain_rings *rings, const char *directory, uint32_t *skipped)
{
    char **names = NULL, error[RINGS_ERROR_BYTES];
    uint32_t count = 0, loaded = 0;
    if (hwi_journal_names(directory, &names, &count, error, sizeof error) != 0) {
        return 0;
    }
    for (uint32_t i = 0; i < count; i++) {
        bool good = load_journal(rings, directory, names[i]);
        loaded += good;
        *skipped += !good;
        free(names[i]);
    }
    free(names);
    return loaded;
}
