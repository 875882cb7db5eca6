// SPDX-License-Identifier: MIT
#include "transport/host/ringsocket.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "transport/os/os_linux.h"
#include "transport/os/os_owned.h"

enum {
    BACKLOG = 16,
    ANSWER_S = 2, // a host that is stopped does not answer
};

// ---- the directory -----------------------------------------------------------------------------

bool hwi_ringport_directory(const char *base, uint32_t uid, char path[HWI_RINGPORT_PATH_MAX])
{
    int length = strcmp(base, "/tmp") == 0
                     ? snprintf(path, HWI_RINGPORT_PATH_MAX, "/tmp/hawser-%u", (unsigned)uid)
                     : snprintf(path, HWI_RINGPORT_PATH_MAX, "%s/hawser", base);
    return base[0] == '/' && length > 0 && length < HWI_RINGPORT_PATH_MAX;
}

bool hwi_ringsocket_is_safe(const char *directory, uint32_t uid)
{
    struct stat found;
    return lstat(directory, &found) == 0 && S_ISDIR(found.st_mode) && found.st_uid == uid &&
           (found.st_mode & (S_IRWXG | S_IRWXO)) == 0;
}

static bool make_directory(const char *base, char path[HWI_RINGPORT_PATH_MAX])
{
    if (base == NULL || !hwi_ringport_directory(base, (uint32_t)geteuid(), path)) {
        return false;
    }
    if (mkdir(path, S_IRWXU) != 0 && errno != EEXIST) {
        return false;
    }
    return hwi_ringsocket_is_safe(path, (uint32_t)geteuid());
}

// ---- names -------------------------------------------------------------------------------------

static bool address_of(const char *path, struct sockaddr_un *address)
{
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address->sun_path) {
        return false;
    }
    memcpy(address->sun_path, path, strlen(path) + 1);
    return true;
}

static int connect_to(const char *path)
{
    struct sockaddr_un address;
    if (!address_of(path, &address)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (fd < 0) {
        return -1;
    }
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    fcntl(fd, F_SETFL, O_NONBLOCK); // a full backlog is no reason to wait
    if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0) {
        return fd;
    }
    int error = errno;
    close(fd);
    errno = error;
    return -1;
}

// A process that is gone, by its number, and nobody listens: another one may have the same number
// elsewhere.
static bool is_stale(const char *path, long pid)
{
    if (pid <= 0 || kill((pid_t)pid, 0) == 0 || errno != ESRCH) {
        return false;
    }
    int fd = connect_to(path);
    if (fd >= 0) {
        close(fd);
    }
    return fd < 0 && errno == ECONNREFUSED;
}

static void remove_stale(const char *directory)
{
    DIR *names = opendir(directory);
    struct dirent *entry;
    for (int i = 0;
         names != NULL && i < HWI_RINGPORT_STALE_MAX && ((entry = readdir(names)) != NULL); i++) {
        char path[HWI_RINGPORT_PATH_MAX], *end;
        long pid = strtol(entry->d_name, &end, 10);
        int length = snprintf(path, sizeof path, "%s/%s", directory, entry->d_name);
        if (*end == '-' && length < (int)sizeof path && is_stale(path, pid)) {
            unlink(path);
        }
    }
    if (names != NULL) {
        closedir(names);
    }
}

// ---- a host ------------------------------------------------------------------------------------

static uint32_t next_number(void)
{
    static uint32_t number;
    return __atomic_add_fetch(&number, 1, __ATOMIC_RELAXED);
}

static int listen_at(const char *path)
{
    struct sockaddr_un address;
    if (!address_of(path, &address)) {
        return -1;
    }
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (fd < 0) {
        return -1;
    }
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    fcntl(fd, F_SETFL, O_NONBLOCK);
    unlink(path); // only a dead process can have had this number before
    if (bind(fd, (struct sockaddr *)&address, sizeof address) == 0 && listen(fd, BACKLOG) == 0) {
        hwi_os_own(fd);
        return fd;
    }
    close(fd);
    return -1;
}

int hwi_ringsocket_listen(char path[HWI_RINGPORT_PATH_MAX])
{
    char directory[HWI_RINGPORT_PATH_MAX];
    const char *bases[] = {getenv("XDG_RUNTIME_DIR"), "/tmp"};
    for (size_t i = 0; i < HWI_COUNT(bases); i++) {
        if (!make_directory(bases[i], directory)) {
            continue;
        }
        remove_stale(directory);
        int length = snprintf(path, HWI_RINGPORT_PATH_MAX, "%s/%ld-%u.sock", directory,
                              (long)getpid(), (unsigned)next_number());
        int fd = length < HWI_RINGPORT_PATH_MAX ? listen_at(path) : -1;
        if (fd >= 0) {
            return fd;
        }
    }
    path[0] = '\0';
    return -1;
}

void hwi_ringsocket_unlink(char path[HWI_RINGPORT_PATH_MAX])
{
    if (path[0]) {
        unlink(path);
    }
    path[0] = '\0';
}

void hwi_ringsocket_close(int *fd, char path[HWI_RINGPORT_PATH_MAX])
{
    hwi_ringsocket_unlink(path);
    close(*fd);
    *fd = -1;
}

bool hwi_ringsocket_may_read(int fd)
{
    uint32_t uid;
    return hwi_os_peer_uid(fd, &uid) && (uid == (uint32_t)geteuid() || uid == 0);
}

bool hwi_ringsocket_send(int fd, const struct hwi_ringport_hello *hello, int descriptor)
{
    union {
        struct cmsghdr align;
        unsigned char bytes[CMSG_SPACE(sizeof(int))];
    } control = {0};
    struct iovec part = {.iov_base = (void *)(uintptr_t)hello, .iov_len = sizeof *hello};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof control.bytes};
    struct cmsghdr *rights = CMSG_FIRSTHDR(&message);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(rights), &descriptor, sizeof descriptor);
    return sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)sizeof *hello;
}

// ---- a tool ------------------------------------------------------------------------------------

static int receive(int fd, uint64_t *bytes)
{
    union {
        struct cmsghdr align;
        unsigned char bytes[CMSG_SPACE(sizeof(int))];
    } control = {0};
    struct hwi_ringport_hello hello = {0};
    struct iovec part = {.iov_base = &hello, .iov_len = sizeof hello};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof control.bytes};
    int descriptor = -1;
    ssize_t got = recvmsg(fd, &message, MSG_CMSG_CLOEXEC);
    struct cmsghdr *rights = got >= 0 ? CMSG_FIRSTHDR(&message) : NULL;
    if (rights != NULL && rights->cmsg_level == SOL_SOCKET && rights->cmsg_type == SCM_RIGHTS) {
        memcpy(&descriptor, CMSG_DATA(rights), sizeof descriptor);
    }
    bool whole = got == (ssize_t)sizeof hello && hello.magic == HWI_RINGPORT_MAGIC;
    // Memory that could be truncated later would kill the process that reads it there.
    if (whole && descriptor >= 0 && hwi_os_cannot_shrink(descriptor)) {
        *bytes = hello.bytes;
        return descriptor;
    }
    if (descriptor >= 0) {
        close(descriptor);
    }
    if (got >= 0) {
        errno = got == 0 ? EACCES : EPROTO; // closed without an answer: it refused
    }
    return -1;
}

int hwi_ringsocket_fetch(const char *path, uint64_t *bytes)
{
    struct timeval wait = {.tv_sec = ANSWER_S};
    int fd = connect_to(path);
    if (fd < 0) {
        return -1;
    }
    fcntl(fd, F_SETFL, 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
    int descriptor = receive(fd, bytes), error = errno;
    close(fd);
    errno = error;
    return descriptor;
}
