// SPDX-License-Identifier: MIT
// A table by descriptor of the files that they were; the child of a fork compares and closes.
#include "transport/os/os_owned.h"

#include <dirent.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { OWNED_FIRST = 64 };

struct owned {
    dev_t device;
    ino_t inode; // 0 = not owned
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct owned *table; // guarded by it, as is `count`
static int count;

static void lock(void)
{
    pthread_mutex_lock(&mutex);
}

static void unlock(void)
{
    pthread_mutex_unlock(&mutex);
}

// What `fd` is now; the inode is 0 if it is closed.
static struct owned identify(int fd)
{
    struct stat now = {0};
    return fstat(fd, &now) == 0 ? (struct owned){now.st_dev, now.st_ino} : (struct owned){0, 0};
}

static bool is_still(int fd, const struct owned *owned)
{
    struct owned now = identify(fd);
    return owned->inode != 0 && now.inode == owned->inode && now.device == owned->device;
}

// In the child, where no other thread lives: only calls that are safe there.
static void close_in_child(void)
{
    for (int fd = 0; fd < count; fd++) {
        if (is_still(fd, &table[fd])) {
            close(fd);
        }
        table[fd].inode = 0;
    }
    unlock();
}

static void survive_fork(void)
{
    pthread_atfork(lock, unlock, close_in_child);
}

static bool make_room(int fd)
{
    if (fd < count) {
        return true;
    }
    int wanted = count > 0 ? count : OWNED_FIRST;
    while (wanted <= fd) {
        wanted *= 2;
    }
    struct owned *grown = realloc(table, (size_t)wanted * sizeof *grown);
    if (grown == NULL) {
        return false;
    }
    memset(grown + count, 0, (size_t)(wanted - count) * sizeof *grown);
    table = grown;
    count = wanted;
    return true;
}

void hwi_os_own(int fd)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, survive_fork);
    if (fd < 0) {
        return;
    }
    struct owned owned = identify(fd);
    lock();
    if (make_room(fd)) {
        table[fd] = owned;
    }
    unlock();
}

static bool listens_at(int fd, const struct hwi_address *address)
{
    struct hwi_address bound = {.bytes = sizeof bound.storage};
    int listening = 0;
    socklen_t bytes = sizeof listening;
    return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &bytes) == 0 && listening != 0 &&
           getsockname(fd, (struct sockaddr *)&bound.storage, &bound.bytes) == 0 &&
           bound.storage.ss_family == address->storage.ss_family &&
           hwi_address_port(&bound) == hwi_address_port(address) &&
           hwi_address_same_host(&bound, address);
}

void hwi_os_own_listener(const struct hwi_address *address)
{
    DIR *list = opendir("/proc/self/fd");
    for (struct dirent *entry; list != NULL && (entry = readdir(list)) != NULL;) {
        int fd = atoi(entry->d_name);
        if (fd > 0 && listens_at(fd, address)) {
            hwi_os_own(fd);
        }
    }
    if (list != NULL) {
        closedir(list);
    }
}
