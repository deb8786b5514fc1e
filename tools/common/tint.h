/* SPDX-License-Identifier: MIT */
/* Colours of what goes to stdout: only on a terminal, and not where TERM is "dumb" or NO_COLOR is set (no-color.org). */
#ifndef TOOLS_COMMON_TINT_H
#define TOOLS_COMMON_TINT_H

#include <stdbool.h>

enum tint {
    TINT_NONE,
    TINT_GOOD,
    TINT_WARNING,
    TINT_TROUBLE,
    TINTS,
};

bool tint_wanted(void);

/* What begins a colour and what ends it; "" where none is wanted, and of TINT_NONE. */
const char *tint_on(enum tint tint);
const char *tint_off(enum tint tint);

#endif
