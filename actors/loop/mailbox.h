// SPDX-License-Identifier: MIT
// The ring of messages that wait in one process. Owner thread only.
#ifndef HAWSER_ACTORS_LOOP_MAILBOX_H
#define HAWSER_ACTORS_LOOP_MAILBOX_H

#include "actors/wire/msg.h"

struct hwi_letter {
    struct hwi_envelope envelope;
    void *block;      // owned memory of the message's lists; NULL if it has none
    uint64_t arrived; // ticks, when it was put here; 0 = nobody keeps them
};

struct hwi_mailbox {
    const struct hwi_alloc *alloc;
    struct hwi_letter *letters;
    uint32_t capacity; // 0 or a power of two
    uint32_t first;
    uint32_t count;
};

void hwi_mailbox_init(struct hwi_mailbox *mailbox, const struct hwi_alloc *alloc);
void hwi_mailbox_fini(struct hwi_mailbox *mailbox);

// Copies `msg`, lists included. A full mailbox or a failed allocation is a failed check, and leaves
// the mailbox as it was.
void hwi_mailbox_push(struct hwi_mailbox *mailbox, struct hwi_addr from, struct hwi_addr to,
                      const struct hwi_msg *msg, uint64_t arrived);

// Moves the oldest letter to *letter, whose block the caller then frees; false if there is none.
bool hwi_mailbox_pop(struct hwi_mailbox *mailbox, struct hwi_letter *letter);

#endif
