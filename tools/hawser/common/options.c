// SPDX-License-Identifier: MIT
#include "tools/hawser/command.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define DAY_MS (24 * 3600 * UINT64_C(1000))
#define BYTES_MAX (UINT64_C(1) << 40)

void complain(const char *command, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fprintf(stderr, "hawser %s: ", command);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
}

int whole_output(int code)
{
    bool lost = fflush(stdout) != 0;
    if (lost || ferror(stdout)) {
        fputs("hawser: the output could not be written: is there room, and a reader?\n", stderr);
        return code == EXIT_OK ? EXIT_FAILED : code;
    }
    return code;
}

int bad_option(const char *command, int result, char **argv)
{
    const char *what = result == ':' ? "missing value for" : "unknown option";
    const char *last = argv[optind - 1];
    // A bad short option may stand in a cluster that getopt has not left yet.
    if (optopt && isprint(optopt) && strncmp(last, "--", 2) != 0) {
        complain(command, "%s -%c; try hawser %s --help", what, optopt, command);
    } else {
        complain(command, "%s %s; try hawser %s --help", what, last, command);
    }
    return EXIT_USAGE;
}

int read_flag(const char *command, const char *usage, const char *flag, int argc, char **argv,
              bool *given)
{
    const struct option longs[] = {
        {flag, no_argument, NULL, 'f'}, {"help", no_argument, NULL, 'h'}, {0}};
    *given = false;
    opterr = 0;
    for (int c; (c = getopt_long(argc, argv, ":h", longs, NULL)) != -1;) {
        if (c == 'h') {
            fputs(usage, stdout);
            return EXIT_OK;
        }
        if (c != 'f') {
            return bad_option(command, c, argv);
        }
        *given = true;
    }
    return -1;
}

bool parse_u32(const char *text, uint32_t least, uint32_t most, uint32_t *value)
{
    char *end;
    errno = 0;
    unsigned long long number = strtoull(text, &end, 10);
    if (!isdigit((unsigned char)*text) || errno || *end || number < least || number > most) {
        return false;
    }
    *value = (uint32_t)number;
    return true;
}

bool option_u32(const char *command, const char *option, const char *text, uint32_t least,
                uint32_t most, uint32_t *value)
{
    if (parse_u32(text, least, most, value)) {
        return true;
    }
    complain(command, "%s takes a number from %u to %u, not \"%s\"", option, least, most, text);
    return false;
}

// A number with an optional fraction, nothing else that strtod knows.
static bool parse_decimal(const char **text, double *value)
{
    char *end;
    if (!isdigit((unsigned char)**text)) {
        return false;
    }
    *value = strtod(*text, &end);
    *text = end;
    return true;
}

bool parse_duration(const char **text, uint64_t *ms)
{
    const char *at = *text;
    double value;
    if (!parse_decimal(&at, &value)) {
        return false;
    }
    double unit;
    if (strncmp(at, "ms", 2) == 0) {
        unit = 1, at += 2;
    } else if (*at == 's') {
        unit = 1000, at += 1;
    } else {
        return false;
    }
    if (value * unit > (double)DAY_MS) {
        return false;
    }
    *ms = (uint64_t)(value * unit);
    *text = at;
    return true;
}

bool parse_bytes(const char **text, uint64_t *bytes)
{
    const char *at = *text;
    double value, unit = 1;
    if (!parse_decimal(&at, &value)) {
        return false;
    }
    if (*at == 'K') {
        unit = 1024, at++;
    } else if (*at == 'M') {
        unit = 1024 * 1024, at++;
    } else if (*at == 'G') {
        unit = 1024 * 1024 * 1024, at++;
    }
    if (value * unit > (double)BYTES_MAX) {
        return false;
    }
    *bytes = (uint64_t)(value * unit);
    *text = at;
    return true;
}

static bool is_address(const char *text)
{
    const char *colon = strrchr(text, ':');
    uint32_t port;
    return colon != NULL && colon > text && parse_u32(colon + 1, 1, UINT16_MAX, &port);
}

bool only_address(const char *command, int argc, char **argv)
{
    if (argc - optind != 1) {
        complain(command, "expected one address HOST:PORT; try hawser %s --help", command);
        return false;
    }
    if (!is_address(argv[optind])) {
        complain(command, "%.80s is not an address HOST:PORT; try hawser %s --help", argv[optind],
                 command);
        return false;
    }
    return true;
}

void make_printable(char *text)
{
    for (; *text; text++) {
        if (*text < ' ' || *text > '~') {
            *text = '?';
        }
    }
}

uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}
