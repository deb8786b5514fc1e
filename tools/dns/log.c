/* SPDX-License-Identifier: MIT */
#include "tools/dns/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

const char *log_plural(uint64_t count)
{
    return count == 1 ? "" : "s";
}

void log_line(const char *format, ...)
{
    char line[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof(line), format, arguments);
    va_end(arguments);
    fprintf(stderr, "%s: %s\n", program_invocation_short_name, line);
}
