// SPDX-License-Identifier: MIT
// Edges of the proposal that could not be opened.
#ifndef HAWSER_ACTORS_MASTER_BROKEN_H
#define HAWSER_ACTORS_MASTER_BROKEN_H

#include "actors/master/session.h"

uint32_t hwi_master_broken_words(const struct hwi_master *master); // of a session's `broken`
// One of the two said so of the edge between them.
bool hwi_master_is_broken(const struct hwi_master_session *session,
                          const struct hwi_master_session *other);
// The edge between two of the proposal is broken: `session` said so.
void hwi_master_broken(struct hwi_master *master, struct hwi_master_session *session,
                       struct hwi_master_session *other);
// The session is in no proposal any more.
void hwi_master_broken_forget(const struct hwi_master *master, struct hwi_master_session *session);

#endif
