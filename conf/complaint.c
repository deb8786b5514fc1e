/* SPDX-License-Identifier: MIT */
#include "conf/complaint.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int complain(const struct complaint *to, unsigned line, const char *format, ...)
{
    int used = line ? snprintf(to->text, to->size, "%s:%u: ", to->path, line)
                    : snprintf(to->text, to->size, "%s: ", to->path);
    if (used < 0 || (size_t)used >= to->size)
        return -1;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(to->text + used, to->size - (size_t)used, format, arguments);
    va_end(arguments);
    return -1;
}

struct excerpt excerpt(const char *bytes, size_t length)
{
    static const char more[] = "...";
    struct excerpt out = {{0}};
    size_t room = sizeof(out.text) - sizeof(more);
    size_t shown = length < room ? length : room;
    for (size_t i = 0; i < shown; i++)
        out.text[i] = bytes[i] >= ' ' && bytes[i] <= '~' ? bytes[i] : '?';
    if (shown < length)
        memcpy(out.text + shown, more, sizeof(more));
    return out;
}
