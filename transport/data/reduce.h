// SPDX-License-Identifier: MIT
#ifndef HAWSER_TRANSPORT_DATA_REDUCE_H
#define HAWSER_TRANSPORT_DATA_REDUCE_H

#include "transport/data/data.h"

void hwi_port_reduce(struct hwi_data *data, const struct hwi_msg_reduce *msg);

#endif
