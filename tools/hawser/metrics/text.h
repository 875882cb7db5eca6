// SPDX-License-Identifier: MIT
// How a run stands as OpenMetrics text (https://prometheus.io/docs/specs/om/open_metrics_spec/).
#ifndef HAWSER_TOOLS_HAWSER_METRICS_TEXT_H
#define HAWSER_TOOLS_HAWSER_METRICS_TEXT_H

#include <stdio.h>

#include "actors/wire/msg.h"

// Writes all metrics and the final "# EOF". `status` (borrowed until return) is NULL if the master
// gave no answer: then hawser_up alone, 0.
void metrics_write(FILE *out, const struct hwi_msg_status *status);

#endif
