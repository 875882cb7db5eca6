// SPDX-License-Identifier: MIT
#include "runtime/misspelled.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "actors/base/base.h"
#include "runtime/config.h"

enum { NAME_BYTES = 64, DISTANCE_MAX = 2 };

static const char prefix[] = "HAWSER_";

extern char **environ;

// The Levenshtein distance: how many letters must be put in, left out or replaced. Row by row, see
// https://en.wikipedia.org/wiki/Levenshtein_distance. Both names are shorter than NAME_BYTES.
static size_t distance(const char *a, const char *b)
{
    size_t row[NAME_BYTES + 1], columns = strlen(b);
    for (size_t j = 0; j <= columns; j++) {
        row[j] = j;
    }
    for (size_t i = 0; a[i] != '\0'; i++) {
        size_t diagonal = row[0];
        row[0] = i + 1;
        for (size_t j = 0; j < columns; j++) {
            size_t replaced = diagonal + (a[i] != b[j]);
            diagonal = row[j + 1];
            row[j + 1] = HWI_MIN(replaced, HWI_MIN(row[j], row[j + 1]) + 1);
        }
    }
    return row[columns];
}

// A name without its last words, HAWSER_TIMEOUT, is as near as one with two wrong letters.
static size_t farness(const char *name, const char *known)
{
    size_t length = strlen(name);
    bool cut = strncmp(name, known, length) == 0 && known[length] == '_';
    return cut ? DISTANCE_MAX : distance(name, known);
}

static void look(const struct hwi_option_table *table, const char *name, const char **nearest,
                 size_t *least)
{
    for (uint32_t i = 0; i < table->count; i++) {
        const char *known = table->options[i].env;
        size_t far = known != NULL ? farness(name, known) : NAME_BYTES;
        if (far < *least) {
            *nearest = known;
            *least = far;
        }
    }
}

const char *hwi_variable_meant(const char *name)
{
    const char *nearest = NULL;
    size_t least = DISTANCE_MAX + 1;
    if (strncmp(name, prefix, strlen(prefix)) != 0 || strlen(name) >= NAME_BYTES) {
        return NULL;
    }
    look(&hwi_comm_options, name, &nearest, &least);
    look(&hwi_master_options, name, &nearest, &least);
    return least > 0 ? nearest : NULL;
}

static void warn(void)
{
    for (char **at = environ; at != NULL && *at != NULL; at++) {
        char name[NAME_BYTES];
        size_t length = strcspn(*at, "=");
        if (length >= sizeof name) {
            continue;
        }
        memcpy(name, *at, length);
        name[length] = '\0';
        const char *meant = hwi_variable_meant(name);
        if (meant != NULL) {
            fprintf(stderr, "hawser: the variable %s has no effect: did you mean %s?\n", name,
                    meant);
        }
    }
}

void hwi_variables_warn(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, warn);
}
