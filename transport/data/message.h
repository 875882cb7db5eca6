// SPDX-License-Identifier: MIT
// Messages between reducers and between snapshots of different processes, as frames.
#ifndef HAWSER_TRANSPORT_DATA_MESSAGE_H
#define HAWSER_TRANSPORT_DATA_MESSAGE_H

#include "transport/data/data.h"

void hwi_message_send(struct hwi_data *data, const struct hwi_envelope *envelope);
enum hwi_verdict hwi_message_received(struct hwi_data *data, const struct hwi_frame_in *in,
                                      const char **why);

#endif
