// SPDX-License-Identifier: MIT
// Child processes whose output is read line by line, in one poll loop. Owner thread only; one
// family per process (it handles SIGCHLD and what would end this process while it exists).
#ifndef HAWSER_TOOLS_HAWSER_COMMON_FAMILY_H
#define HAWSER_TOOLS_HAWSER_COMMON_FAMILY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum {
    FAMILY_MAX = 1024,      // children, ended ones included
    FAMILY_LINE_MAX = 4096, // longer lines are cut into pieces
    FAMILY_REPORT_FD = 3,   // where a child started with `report` writes its reports
    FAMILY_DEFINES_MAX = 8, // NAME=VALUE added to a child's environment
};

enum stream { STREAM_OUT, STREAM_ERROR, STREAM_REPORT, STREAMS };

struct family_lines {
    int fd; // -1 = at its end
    uint32_t used;
    char text[FAMILY_LINE_MAX];
};

struct family_child {
    pid_t pid;
    bool running;
    int status; // as waitpid gives it, once not running
    struct family_lines streams[STREAMS];
};

struct family_ops {
    // A line without its newline; borrowed until return.
    void (*line)(void *user, uint32_t index, enum stream stream, const char *text);
    // The child ended; its streams have been read to their end.
    void (*ended)(void *user, uint32_t index);
};

struct family {
    const struct family_ops *ops;
    void *user;
    struct family_child *children[FAMILY_MAX]; // owned
    uint32_t count;
    int wake[2]; // signal handlers write to [1]
};

// `ops` and `user` are borrowed until family_fini.
bool family_init(struct family *family, const struct family_ops *ops, void *user);
// Kills what still runs, and frees everything.
void family_fini(struct family *family);

// Starts argv[0] (found through PATH) with /dev/null as its input. `defines` is a NULL-ended list
// of NAME=VALUE, or NULL. Returns its index, or -1 with errno of the step that failed, be it exec.
int family_start(struct family *family, const char *const *argv, const char *const *defines,
                 bool report);

// Waits up to timeout_ms for lines and ends, and delivers them. Returns a signal that asked this
// process to end (SIGINT, SIGTERM, SIGHUP, or SIGPIPE: nobody reads its output), or 0.
int family_poll(struct family *family, int timeout_ms);

uint32_t family_running(const struct family *family);
void family_signal(struct family *family, uint32_t index, int signal);
void family_signal_all(struct family *family, int signal);

// 128 + signal or the exit code.
int family_exit_code(const struct family_child *child);

#endif
