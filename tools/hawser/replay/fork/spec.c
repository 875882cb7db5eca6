// SPDX-License-Identifier: MIT
#include "tools/hawser/replay/fork/spec.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/hawser/command.h"

enum { PHRASE_BYTES_MAX = 128 };

static const char *const acts[] = {
    [FORK_LOSE] = "lose", [FORK_KILL] = "kill", [FORK_FREEZE] = "freeze",
    [FORK_MUTE] = "mute", [FORK_CUT] = "cut",   [FORK_SLOW] = "slow",
};

static void skip_spaces(const char **at)
{
    while (isspace((unsigned char)**at)) {
        (*at)++;
    }
}

// The next word is `word`: moves behind it.
static bool take_word(const char **at, const char *word)
{
    size_t length = strlen(word);
    skip_spaces(at);
    if (strncmp(*at, word, length) != 0 || isalnum((unsigned char)(*at)[length])) {
        return false;
    }
    *at += length;
    return true;
}

static bool take_who(const char **at, uint64_t *peer)
{
    char *end;
    if (take_word(at, "master")) {
        *peer = FORK_MASTER;
        return true;
    }
    if (!take_word(at, "peer")) {
        take_word(at, "member");
    }
    skip_spaces(at);
    if (!isdigit((unsigned char)**at)) {
        return false;
    }
    *peer = strtoull(*at, &end, 10);
    *at = end;
    return *peer != 0 && *peer != FORK_MASTER;
}

static bool take_pause(const char **at, const char *word, uint64_t *ms)
{
    if (!take_word(at, word)) {
        return true;
    }
    skip_spaces(at);
    if (**at == '+') {
        (*at)++;
    }
    return parse_duration(at, ms);
}

static bool take_act(const char **at, enum fork_act *act)
{
    for (*act = FORK_LOSE; *act <= FORK_SLOW; (*act)++) {
        if (take_word(at, acts[*act])) {
            return true;
        }
    }
    return false;
}

static bool take_whom(const char **at, struct fork_fault *fault)
{
    if (fault->act == FORK_LOSE) {
        take_word(at, "this");
        take_word(at, "message");
        return true;
    }
    if (!take_who(at, &fault->peer)) {
        return false;
    }
    if (fault->act == FORK_CUT) {
        take_word(at, "and");
        return fault->peer != FORK_MASTER && take_who(at, &fault->other) &&
               fault->other != FORK_MASTER && fault->other != fault->peer;
    }
    if (fault->act == FORK_SLOW) {
        return take_word(at, "by") && (skip_spaces(at), parse_duration(at, &fault->delay_ms));
    }
    return fault->act != FORK_MUTE || fault->peer != FORK_MASTER;
}

static bool parse_phrase(const char *text, struct fork_fault *fault)
{
    *fault = (struct fork_fault){0};
    if (!take_act(&text, &fault->act) || !take_whom(&text, fault)) {
        return false;
    }
    take_word(&text, "here");
    bool lasts = fault->act != FORK_LOSE && fault->act != FORK_KILL;
    if (lasts && !take_pause(&text, "for", &fault->for_ms)) {
        return false;
    }
    if (fault->act != FORK_LOSE && !take_pause(&text, "at", &fault->at_ms)) {
        return false;
    }
    if (lasts && fault->for_ms == 0 && !take_pause(&text, "for", &fault->for_ms)) {
        return false;
    }
    skip_spaces(&text);
    return *text == '\0';
}

bool fork_spec_parse(const char *text, struct fork_spec *spec, char *error)
{
    spec->count = 0;
    skip_spaces(&text);
    if (*text == '\0' || strcmp(text, "nothing") == 0) {
        return true;
    }
    for (;;) {
        char phrase[PHRASE_BYTES_MAX];
        size_t length = strcspn(text, ",");
        if (spec->count == FORK_FAULTS_MAX) {
            snprintf(error, FORK_ERROR_BYTES, "more than %d faults", FORK_FAULTS_MAX);
            return false;
        }
        snprintf(phrase, sizeof phrase, "%.*s", (int)length, text);
        if (length >= sizeof phrase || !parse_phrase(phrase, &spec->faults[spec->count++])) {
            snprintf(
                error, FORK_ERROR_BYTES,
                "\"%s\" is no fault: say for example \"kill member 3\", \"lose this message\", "
                "\"freeze member 2 for 3s\" or \"cut 1 and 2 at +500ms\"",
                phrase);
            return false;
        }
        if (text[length] == '\0') {
            return true;
        }
        text += length + 1;
    }
}

void fork_fault_print(const struct fork_fault *fault, char *text, unsigned bytes)
{
    char who[48], other[48] = "", delay[48] = "", lasts[48] = "";
    if (fault->act == FORK_LOSE) {
        snprintf(who, sizeof who, "this message");
    } else if (fault->peer == FORK_MASTER) {
        snprintf(who, sizeof who, "master");
    } else {
        snprintf(who, sizeof who, "member %llu", (unsigned long long)fault->peer);
    }
    if (fault->act == FORK_CUT) {
        snprintf(other, sizeof other, " and member %llu", (unsigned long long)fault->other);
    }
    if (fault->act == FORK_SLOW) {
        snprintf(delay, sizeof delay, " by %llu ms", (unsigned long long)fault->delay_ms);
    }
    if (fault->for_ms > 0) {
        snprintf(lasts, sizeof lasts, " for %llu ms", (unsigned long long)fault->for_ms);
    }
    snprintf(text, bytes, "%s %s%s%s%s", acts[fault->act], who, other, delay, lasts);
    if (fault->at_ms > 0) {
        size_t length = strlen(text);
        snprintf(text + length, bytes - length, " at +%llu ms", (unsigned long long)fault->at_ms);
    }
}
