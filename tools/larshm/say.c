/* SPDX-License-Identifier: MIT */
#include "tools/larshm/say.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void say(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fputs("larshm: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
}

int say_damaged(const char *instance, unsigned long damaged)
{
    if (damaged == 0)
        return EXIT_SUCCESS;
    say("/larshm.%s: %lu damaged route%s left out: see `larshm check`, "
        "restart larshm-fetcher, which recreates the object",
        instance, damaged, damaged == 1 ? " was" : "s were");
    return EXIT_DAMAGED;
}

int say_no_memory(void)
{
    say("out of memory");
    return EXIT_USAGE;
}
