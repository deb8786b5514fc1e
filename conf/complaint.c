/* SPDX-License-Identifier: MIT */
#include "conf/complaint.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "conf/number.h"

static size_t kept(const struct complaints *complaints)
{
    return complaints->count < COMPLAINTS_MAX ? complaints->count : COMPLAINTS_MAX;
}

int complain(struct complaints *to, unsigned line, const char *format, ...)
{
    size_t at = kept(to);
    while (at > 0 && to->list[at - 1].line > line)
        at--;
    to->count++;
    if (at == COMPLAINTS_MAX)
        return -1;
    memmove(&to->list[at + 1], &to->list[at], (kept(to) - at - 1) * sizeof(*to->list));
    to->list[at].line = line;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(to->list[at].text, COMPLAINT_SIZE, format, arguments);
    va_end(arguments);
    return -1;
}

bool complaint_line(const struct complaints *from, size_t index, char *out, size_t size)
{
    const size_t more = from->count - kept(from);
    if (index < kept(from) && from->list[index].line)
        snprintf(out, size, "%s:%u: %s", from->path, from->list[index].line, from->list[index].text);
    else if (index < kept(from))
        snprintf(out, size, "%s: %s", from->path, from->list[index].text);
    else if (index == COMPLAINTS_MAX && more)
        snprintf(out, size, "%s: %zu more mistake%s", from->path, more, number_plural(more));
    else
        return false;
    return true;
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
