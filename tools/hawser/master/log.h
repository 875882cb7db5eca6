// SPDX-License-Identifier: MIT
// The log of `hawser master`: a line on stderr, with the time, for each member that comes, goes or
// is refused, each view, and trouble with the state file.
#ifndef HAWSER_TOOLS_HAWSER_MASTER_LOG_H
#define HAWSER_TOOLS_HAWSER_MASTER_LOG_H

// Logs from now on, for the life of the process. Before the master starts; one thread.
void master_log_start(void);

#endif
