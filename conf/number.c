/* SPDX-License-Identifier: MIT */
#include "conf/number.h"

#include <stddef.h>

const char *number_scan(const char *text, uint64_t *out)
{
    uint64_t number = 0;
    const char *at = text;
    for (; *at >= '0' && *at <= '9'; at++) {
        unsigned digit = (unsigned)(*at - '0');
        if (number > (UINT64_MAX - digit) / 10)
            return NULL;
        number = number * 10 + digit;
    }
    if (at == text)
        return NULL;
    *out = number;
    return at;
}

bool number_parse(const char *text, uint32_t min, uint32_t max, uint32_t *out)
{
    uint64_t number;
    const char *rest = number_scan(text, &number);
    if (!rest || *rest || number < min || number > max)
        return false;
    *out = (uint32_t)number;
    return true;
}

const char *number_plural(uint64_t count)
{
    return count == 1 ? "" : "s";
}
