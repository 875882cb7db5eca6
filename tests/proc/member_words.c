// SPDX-License-Identifier: MIT
// The member's language: commands in, answers out.
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/proc/member.h"

void words_cut(char *line, struct words *words)
{
    char *rest = line;
    memset(words, 0, sizeof *words);
    words->name = strtok_r(line, " \n", &rest);
    for (char *word; (word = strtok_r(NULL, " \n", &rest)) != NULL && words->count < WORDS_MAX;) {
        words->list[words->count++] = word;
    }
}

bool words_flag(const struct words *words, const char *flag)
{
    for (int i = 0; i < words->count; i++) {
        if (strcmp(words->list[i], flag) == 0) {
            return true;
        }
    }
    return false;
}

const char *words_text(const struct words *words, const char *key)
{
    size_t length = strlen(key);
    for (int i = 0; i < words->count; i++) {
        if (strncmp(words->list[i], key, length) == 0 && words->list[i][length] == '=') {
            return words->list[i] + length + 1;
        }
    }
    return NULL;
}

uint64_t words_number(const struct words *words, const char *key, uint64_t otherwise)
{
    const char *text = words_text(words, key);
    return text != NULL ? strtoull(text, NULL, 10) : otherwise;
}

hws_options words_options(const struct words *words)
{
    hws_options options = HWS_OPTIONS_INIT;
    options.tag = words_number(words, "tag", 0);
    options.timeout_ms = (uint32_t)words_number(words, "timeout_ms", 0);
    options.retry = words_flag(words, "retry");
    options.plan = (uint32_t)words_number(words, "plan", 0);
    return options;
}

uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void print_peers(const char *key, const hws_peer_id *peers, uint32_t count)
{
    printf(" %s=", key);
    for (uint32_t i = 0; i < count && i < HWS_RESULT_MEMBERS_MAX; i++) {
        printf("%s%" PRIu64, i > 0 ? "," : "", peers[i].value);
    }
}

static void print_result(const hws_result *result)
{
    printf(" view=%" PRIu64 " rank=%" PRIu32 " attempts=%" PRIu32 " pending=%" PRIu32
           " value=%" PRIu64 " sent=%" PRIu64 " received=%" PRIu64 " sources=%" PRIu32
           " root=%016" PRIx64 "%016" PRIx64,
           result->view.value, result->rank, result->attempts, result->pending, result->value,
           result->bytes_sent, result->bytes_received, result->sources, result->root[1],
           result->root[0]);
    print_peers("members", result->members, result->member_count);
    print_peers("lost", result->lost, result->lost_count);
}

void answer(hws_status status, uint64_t began_ns, const hws_result *result, const char *format, ...)
{
    va_list arguments;
    printf("%s class=%s ms=%.1f", hws_status_name(status), hws_class_name(hws_status_class(status)),
           (double)(now_ns() - began_ns) / 1e6);
    if (result != NULL) {
        print_result(result);
    }
    va_start(arguments, format);
    if (*format != '\0') {
        putchar(' ');
    }
    vprintf(format, arguments);
    va_end(arguments);
    if (status != HWS_OK) {
        printf(" sentence=%s", hws_last_error());
    }
    putchar('\n');
}
