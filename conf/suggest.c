/* SPDX-License-Identifier: MIT */
#include "conf/suggest.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

enum {
    WORD_MAX = 64, /* longer words resemble no name */
};

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Letters to insert, delete or replace to make one word of the other; case does not count. */
static size_t distance(const char *word, size_t length, const char *name)
{
    size_t row[WORD_MAX + 1]; /* row[i]: from word's first i letters to the part of `name` looked at so far */
    for (size_t i = 0; i <= length; i++)
        row[i] = i;
    for (size_t k = 0; name[k]; k++) {
        size_t diagonal = row[0];
        row[0] = k + 1;
        for (size_t i = 1; i <= length; i++) {
            size_t replaced = diagonal + (strncasecmp(&word[i - 1], &name[k], 1) != 0);
            diagonal = row[i];
            row[i] = smaller(replaced, smaller(row[i], row[i - 1]) + 1);
        }
    }
    return row[length];
}

static const char *nearest(const char *word, size_t length, const char *const *names, size_t count)
{
    if (length > WORD_MAX)
        return NULL;
    const char *best = NULL;
    size_t best_steps = length / 3 + 2; /* more steps are no misspelling */
    for (size_t i = 0; i < count; i++) {
        size_t steps = distance(word, length, names[i]);
        if (steps < best_steps && steps < strlen(names[i])) {
            best = names[i];
            best_steps = steps;
        }
    }
    return best;
}

void suggest(const char *word, size_t length, const char *const *names, size_t count, char *out, size_t size)
{
    const char *name = nearest(word, length, names, count);
    if (name) {
        snprintf(out, size, "did you mean %s?", name);
        return;
    }
    size_t used = (size_t)snprintf(out, size, "known are");
    for (size_t i = 0; i < count && used < size; i++)
        used += (size_t)snprintf(out + used, size - used, "%s %s", i ? "," : "", names[i]);
}
