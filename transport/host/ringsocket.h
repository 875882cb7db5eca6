// SPDX-License-Identifier: MIT
// The Unix sockets by which rings are handed out: PID-N.sock in a directory of the user's own.
#ifndef HAWSER_TRANSPORT_HOST_RINGSOCKET_H
#define HAWSER_TRANSPORT_HOST_RINGSOCKET_H

#include "transport/host/ringport.h"

// Listens under a unique name, which is then in `path`; sockets of dead processes are removed.
// Returns owned, or -1 (no directory that is safe, no room).
int hwi_ringsocket_listen(char path[HWI_RINGPORT_PATH_MAX]);
// Closes what hwi_ringsocket_listen opened, and its name.
void hwi_ringsocket_close(int *fd, char path[HWI_RINGPORT_PATH_MAX]);
void hwi_ringsocket_unlink(char path[HWI_RINGPORT_PATH_MAX]);
// The other side is the same user, or root.
bool hwi_ringsocket_may_read(int fd);
// Sends `hello` and the descriptor; never waits.
bool hwi_ringsocket_send(int fd, const struct hwi_ringport_hello *hello, int descriptor);

// A tool: connects to `path`, receives the descriptor of the ring (owned) and how large it is; -1
// with errno.
int hwi_ringsocket_fetch(const char *path, uint64_t *bytes);
// The directory is `uid`'s, nobody else may enter it, and it is no link.
bool hwi_ringsocket_is_safe(const char *directory, uint32_t uid);

#endif
