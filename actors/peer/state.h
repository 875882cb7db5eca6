// SPDX-License-Identifier: MIT
// The peer's fields, for images.
#ifndef HAWSER_ACTORS_PEER_STATE_H
#define HAWSER_ACTORS_PEER_STATE_H

#include "actors/loop/image.h"

void hwi_peer_image(struct hwi_image *image, void *state); // `state`: struct hwi_peer, borrowed

#endif
