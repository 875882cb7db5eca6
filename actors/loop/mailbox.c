// SPDX-License-Identifier: MIT
#include <string.h>

#include "actors/loop/drain.h"
#include "actors/loop/mailbox.h"
#include "actors/wire/copy.h"

enum {
    CAPACITY_FIRST = 32,
    CAPACITY_KEPT_MAX = 256, // a larger ring is given back when it is empty
};

void hwi_mailbox_init(struct hwi_mailbox *mailbox, const struct hwi_alloc *alloc)
{
    *mailbox = (struct hwi_mailbox){.alloc = alloc};
}

void hwi_mailbox_fini(struct hwi_mailbox *mailbox)
{
    struct hwi_letter letter;
    while (hwi_mailbox_pop(mailbox, &letter)) {
        hwi_free(mailbox->alloc, letter.block);
    }
    hwi_free(mailbox->alloc, mailbox->letters);
    *mailbox = (struct hwi_mailbox){0};
}

// Twice the room: the part of the ring that wrapped around moves up into the new half.
static void grow(struct hwi_mailbox *mailbox)
{
    uint32_t old = mailbox->capacity;
    HWI_CHECK(mailbox->count < HWI_MAILBOX_MAX);
    uint32_t capacity = old ? 2 * old : CAPACITY_FIRST;
    mailbox->letters =
        hwi_resize(mailbox->alloc, mailbox->letters, capacity * sizeof mailbox->letters[0]);
    mailbox->capacity = capacity;
    if (old) {
        memcpy(mailbox->letters + old, mailbox->letters,
               mailbox->first * sizeof mailbox->letters[0]);
    }
}

void hwi_mailbox_push(struct hwi_mailbox *mailbox, struct hwi_addr from, struct hwi_addr to,
                      const struct hwi_msg *msg, uint64_t arrived)
{
    if (mailbox->count == mailbox->capacity) {
        grow(mailbox);
    }
    size_t bytes = hwi_msg_lists_bytes(msg);
    void *block = bytes ? hwi_resize(mailbox->alloc, NULL, bytes) : NULL;
    uint32_t index = (mailbox->first + mailbox->count++) & (mailbox->capacity - 1);
    struct hwi_letter *letter = &mailbox->letters[index];
    letter->envelope.from = from;
    letter->envelope.to = to;
    letter->block = block;
    letter->arrived = arrived;
    hwi_msg_copy(msg, &letter->envelope.msg, block);
}

bool hwi_mailbox_pop(struct hwi_mailbox *mailbox, struct hwi_letter *letter)
{
    if (!mailbox->count) {
        return false;
    }
    *letter = mailbox->letters[mailbox->first];
    mailbox->first = (mailbox->first + 1) & (mailbox->capacity - 1);
    mailbox->count--;
    if (mailbox->count == 0 && mailbox->capacity > CAPACITY_KEPT_MAX) {
        hwi_free(mailbox->alloc, mailbox->letters);
        mailbox->letters = NULL;
        mailbox->capacity = mailbox->first = 0;
    }
    return true;
}
