/* SPDX-License-Identifier: MIT */
#include "tools/larshm/say.h"

#include <errno.h>
#include <inttypes.h>
#include <larshm/larshm.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void say(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fputs("larshm: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
}

static int exit_code(int code)
{
    switch (code) {
    case LARSHM_OK:
        return EXIT_SUCCESS;
    case LARSHM_NOEXIST:
    case LARSHM_PENDING:
    case LARSHM_FULL:
        return EXIT_NO_ROUTE;
    case LARSHM_NO_OBJECT:
        return EXIT_NO_OBJECT;
    case LARSHM_STALE:
        return EXIT_STALE;
    case LARSHM_SHORT:
    case LARSHM_NOT_LARSHM:
    case LARSHM_LAYOUT:
    case LARSHM_CORRUPT:
        return EXIT_DAMAGED;
    case LARSHM_NO_PERMISSION:
    case LARSHM_FOREIGN:
    case LARSHM_UNSAFE:
        return EXIT_PERMISSION;
    case LARSHM_TIMEOUT:
        return EXIT_TIMED_OUT;
    default:
        return EXIT_USAGE;
    }
}

int say_code(const char *what, int code)
{
    say("%s: %s", what, code == LARSHM_SYSTEM_ERROR ? strerror(errno) : larshm_strerror(code));
    return exit_code(code);
}

int say_lookup(uint32_t modid, uint32_t cmdid, int code)
{
    char what[48];
    snprintf(what, sizeof(what), "route %" PRIu32 "/%" PRIu32, modid, cmdid);
    if (code != LARSHM_PENDING)
        return say_code(what, code);
    say("%s: asked for, not here yet: try `larshm wait %" PRIu32 " %" PRIu32 "`", what, modid, cmdid);
    return EXIT_NO_ROUTE;
}

int say_unopened(const char *instance, int code)
{
    char what[64];
    switch (code) {
    case LARSHM_NO_OBJECT:
        say("no routes object /larshm.%s: is larshm-fetcher running? see `larshm-fetcher --help`", instance);
        return EXIT_NO_OBJECT;
    case LARSHM_NO_PERMISSION: /* the library's text is about asking for routes */
        say("/larshm.%s: this user may not read it: its mode should be 0644, restart larshm-fetcher to have "
            "it made anew",
            instance);
        return EXIT_PERMISSION;
    case LARSHM_BAD_ARGUMENT:
        return say_code("instance", code);
    default:
        snprintf(what, sizeof(what), "/larshm.%s", instance);
        return say_code(what, code);
    }
}

int say_damaged(const char *instance, unsigned long damaged)
{
    if (damaged == 0)
        return EXIT_SUCCESS;
    say("/larshm.%s: %lu damaged route%s left out: see `larshm check`, restart larshm-fetcher to have the "
        "object made anew",
        instance, damaged, damaged == 1 ? " was" : "s were");
    return EXIT_DAMAGED;
}

int say_no_memory(void)
{
    say("out of memory");
    return EXIT_USAGE;
}
