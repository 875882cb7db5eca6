// SPDX-License-Identifier: MIT
#include "tools/hawser/common/family.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tools/hawser/common/os_process.h"

extern char **environ;

static volatile sig_atomic_t asked_to_end; // the signal that came
static int wake_fd = -1;

static void on_signal(int number)
{
    int saved = errno;
    if (number != SIGCHLD) {
        asked_to_end = number;
    }
    if (write(wake_fd, "", 1) < 0) {
        // The pipe is full: the loop is awake anyhow.
    }
    errno = saved;
}

static void set_handlers(void (*handler)(int))
{
    static const int numbers[] = {SIGCHLD, SIGINT, SIGTERM, SIGHUP, SIGPIPE};
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        sigaction(numbers[i], &action, NULL);
    }
}

static void set_flags(int fd, bool blocking)
{
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    if (!blocking) {
        fcntl(fd, F_SETFL, O_NONBLOCK);
    }
}

// Both ends close on exec; the reading end does not block.
static bool open_pipe(int ends[2])
{
    if (pipe(ends) < 0) {
        return false;
    }
    set_flags(ends[0], false);
    set_flags(ends[1], true);
    return true;
}

static void close_end(int *fd)
{
    if (*fd >= 0) {
        close(*fd);
    }
    *fd = -1;
}

bool family_init(struct family *family, const struct family_ops *ops, void *user)
{
    memset(family, 0, sizeof *family);
    family->ops = ops;
    family->user = user;
    if (!open_pipe(family->wake)) {
        return false;
    }
    set_flags(family->wake[1], false);
    wake_fd = family->wake[1];
    asked_to_end = 0;
    set_handlers(on_signal);
    return true;
}

void family_fini(struct family *family)
{
    set_handlers(SIG_DFL);
    for (uint32_t i = 0; i < family->count; i++) {
        struct family_child *child = family->children[i];
        if (child->running) {
            kill(child->pid, SIGKILL);
            waitpid(child->pid, NULL, 0);
        }
        for (int s = 0; s < STREAMS; s++) {
            close_end(&child->streams[s].fd);
        }
        free(child);
    }
    family->count = 0;
    close_end(&family->wake[0]);
    close_end(&family->wake[1]);
}

// ---- starting --------------------------------------------------------------------------------

static bool same_name(const char *a, const char *b)
{
    size_t length = strcspn(a, "=");
    return strncmp(a, b, length + 1) == 0;
}

// The environment with `defines` in place of what they redefine. Owned; its strings are borrowed.
static char **make_environment(const char *const *defines)
{
    size_t count = 0, used = 0;
    while (environ[count] != NULL) {
        count++;
    }
    char **made = malloc((count + FAMILY_DEFINES_MAX + 1) * sizeof *made);
    if (made == NULL) {
        return NULL;
    }
    for (size_t d = 0; defines != NULL && defines[d] != NULL && d < FAMILY_DEFINES_MAX; d++) {
        memcpy(&made[used++], &defines[d], sizeof *made);
    }
    size_t fixed = used;
    for (size_t i = 0; i < count; i++) {
        bool redefined = false;
        for (size_t d = 0; d < fixed; d++) {
            redefined = redefined || same_name(made[d], environ[i]);
        }
        if (!redefined) {
            made[used++] = environ[i];
        }
    }
    made[used] = NULL;
    return made;
}

// In the child. Moves the pipes out of the way of the numbers they shall have, then onto those.
static void take_streams(int ends[STREAMS])
{
    static const int numbers[STREAMS] = {STDOUT_FILENO, STDERR_FILENO, FAMILY_REPORT_FD};
    for (int s = 0; s < STREAMS; s++) {
        if (ends[s] >= 0) {
            ends[s] = fcntl(ends[s], F_DUPFD_CLOEXEC, FAMILY_REPORT_FD + 1);
        }
    }
    for (int s = 0; s < STREAMS; s++) {
        if (ends[s] >= 0) {
            dup2(ends[s], numbers[s]);
        }
    }
}

static _Noreturn void become(const char *const *argv, char **environment, int ends[STREAMS],
                             int failure, pid_t parent)
{
    set_handlers(SIG_DFL);
    os_die_with(parent);
    int nothing = open("/dev/null", O_RDONLY);
    dup2(nothing, STDIN_FILENO);
    if (nothing != STDIN_FILENO) {
        close(nothing);
    }
    failure = fcntl(failure, F_DUPFD_CLOEXEC, FAMILY_REPORT_FD + 1);
    take_streams(ends);
    environ = environment;
    execvp(argv[0], (char *const *)argv); // it does not change them
    int error = errno;
    if (write(failure, &error, sizeof error) < 0) {
        _exit(126);
    }
    _exit(127);
}

// Waits for execve: 0, or the errno it failed with, which comes through the pipe.
static int exec_error(int fd)
{
    int error = 0;
    fcntl(fd, F_SETFL, 0);
    ssize_t got;
    do {
        got = read(fd, &error, sizeof error);
    } while (got < 0 && errno == EINTR);
    return got == (ssize_t)sizeof error ? error : 0;
}

static bool open_streams(struct family_child *child, int ends[STREAMS], bool report)
{
    for (int s = 0; s < STREAMS; s++) {
        child->streams[s].fd = ends[s] = -1;
    }
    for (int s = 0; s < (report ? STREAMS : STREAM_REPORT); s++) {
        int both[2];
        if (!open_pipe(both)) {
            return false;
        }
        child->streams[s].fd = both[0];
        ends[s] = both[1];
    }
    return true;
}

// Forks; returns 0 or the errno of what failed.
static int launch(struct family_child *child, const char *const *argv, char **environment,
                  bool report)
{
    int ends[STREAMS], failure[2] = {-1, -1}, error = 0;
    pid_t parent = getpid();
    if (!open_streams(child, ends, report) || !open_pipe(failure)) {
        error = errno;
    } else if ((child->pid = fork()) == 0) {
        become(argv, environment, ends, failure[1], parent);
    } else if (child->pid < 0) {
        error = errno;
    } else {
        close_end(&failure[1]);
        error = exec_error(failure[0]);
        if (error) {
            waitpid(child->pid, NULL, 0);
        }
    }
    for (int s = 0; s < STREAMS; s++) {
        close_end(&ends[s]);
    }
    close_end(&failure[0]);
    close_end(&failure[1]);
    return error;
}

int family_start(struct family *family, const char *const *argv, const char *const *defines,
                 bool report)
{
    if (family->count == FAMILY_MAX) {
        errno = EAGAIN;
        return -1;
    }
    struct family_child *child = calloc(1, sizeof *child);
    char **environment = make_environment(defines);
    int error =
        child != NULL && environment != NULL ? launch(child, argv, environment, report) : ENOMEM;
    free(environment);
    if (error) {
        for (int s = 0; child != NULL && s < STREAMS; s++) {
            close_end(&child->streams[s].fd);
        }
        free(child);
        errno = error;
        return -1;
    }
    child->running = true;
    family->children[family->count] = child;
    return (int)family->count++;
}

// ---- listening -------------------------------------------------------------------------------

static void deliver(struct family *family, uint32_t index, enum stream stream, uint32_t bytes)
{
    char *text = family->children[index]->streams[stream].text;
    text[bytes] = 0;
    family->ops->line(family->user, index, stream, text);
}

static void deliver_lines(struct family *family, uint32_t index, enum stream stream)
{
    struct family_lines *lines = &family->children[index]->streams[stream];
    char *newline;
    while (((newline = memchr(lines->text, '\n', lines->used)) != NULL)) {
        uint32_t bytes = (uint32_t)(newline - lines->text);
        deliver(family, index, stream, bytes);
        lines->used -= bytes + 1;
        memmove(lines->text, newline + 1, lines->used);
    }
    if (lines->used == FAMILY_LINE_MAX - 1) {
        deliver(family, index, stream, lines->used);
        lines->used = 0;
    }
}

static void read_stream(struct family *family, uint32_t index, enum stream stream)
{
    struct family_lines *lines = &family->children[index]->streams[stream];
    while (lines->fd >= 0) {
        ssize_t got = read(lines->fd, lines->text + lines->used, FAMILY_LINE_MAX - 1 - lines->used);
        if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
            return;
        }
        if (got <= 0) {
            if (lines->used > 0) {
                deliver(family, index, stream, lines->used);
            }
            close_end(&lines->fd);
            return;
        }
        lines->used += (uint32_t)got;
        deliver_lines(family, index, stream);
    }
}

static void reap(struct family *family)
{
    for (uint32_t i = 0; i < family->count; i++) {
        struct family_child *child = family->children[i];
        if (!child->running || waitpid(child->pid, &child->status, WNOHANG) != child->pid) {
            continue;
        }
        child->running = false;
        for (int s = 0; s < STREAMS; s++) {
            read_stream(family, i, (enum stream)s);
            close_end(&child->streams[s].fd); // a grandchild may still hold the other end
        }
        family->ops->ended(family->user, i);
    }
}

int family_poll(struct family *family, int timeout_ms)
{
    static struct pollfd fds[FAMILY_MAX * STREAMS + 1];
    nfds_t used = 0;
    fds[used++] = (struct pollfd){family->wake[0], POLLIN, 0};
    for (uint32_t i = 0; i < family->count; i++) {
        for (int s = 0; s < STREAMS; s++) {
            if (family->children[i]->streams[s].fd >= 0) {
                fds[used++] = (struct pollfd){family->children[i]->streams[s].fd, POLLIN, 0};
            }
        }
    }
    if (poll(fds, used, timeout_ms) > 0) {
        char drop[64];
        while (read(family->wake[0], drop, sizeof drop) > 0) {
        }
        for (uint32_t i = 0; i < family->count; i++) {
            for (int s = 0; s < STREAMS; s++) {
                read_stream(family, i, (enum stream)s);
            }
        }
    }
    reap(family);
    int signal_came = asked_to_end;
    asked_to_end = 0;
    return signal_came;
}

uint32_t family_running(const struct family *family)
{
    uint32_t running = 0;
    for (uint32_t i = 0; i < family->count; i++) {
        running += family->children[i]->running;
    }
    return running;
}

void family_signal(struct family *family, uint32_t index, int signal)
{
    if (index < family->count && family->children[index]->running) {
        kill(family->children[index]->pid, signal);
    }
}

void family_signal_all(struct family *family, int signal)
{
    for (uint32_t i = 0; i < family->count; i++) {
        family_signal(family, i, signal);
    }
}

int family_exit_code(const struct family_child *child)
{
    return WIFSIGNALED(child->status) ? 128 + WTERMSIG(child->status) : WEXITSTATUS(child->status);
}
