/* SPDX-License-Identifier: MIT */
#include "tools/common/tint.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const sequences[TINTS] = {
    [TINT_NONE] = "",
    [TINT_GOOD] = "\033[32m",
    [TINT_WARNING] = "\033[33m",
    [TINT_TROUBLE] = "\033[1;31m",
};

bool tint_wanted(void)
{
    const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");
    return isatty(STDOUT_FILENO) && !(no_color && *no_color) && term && *term && strcmp(term, "dumb") != 0;
}

const char *tint_on(enum tint tint)
{
    return tint_wanted() ? sequences[tint] : "";
}

const char *tint_off(enum tint tint)
{
    return tint != TINT_NONE && tint_wanted() ? "\033[0m" : "";
}
