// SPDX-License-Identifier: MIT
// The end of an operation, and of a view.
#ifndef HAWSER_TRANSPORT_DATA_QUIESCE_H
#define HAWSER_TRANSPORT_DATA_QUIESCE_H

#include "transport/data/data.h"

void hwi_port_quiesce(struct hwi_data *data, const struct hwi_msg_quiesce *msg);
void hwi_port_view(struct hwi_data *data, uint64_t view);

#endif
