/* SPDX-License-Identifier: MIT */
#include "fetcher/patience.h"

#include <stddef.h>

const char *patience_over(const struct waiting *waiting, uint64_t request_timeout_ms,
                          uint64_t probe_interval_ms, enum patience patience, uint64_t now)
{
    uint64_t probe = request_timeout_ms + probe_interval_ms;
    uint64_t unanswered = patience == PATIENCE_LONG ? PATIENCE_TIMES * probe : probe;
    uint64_t silence = patience == PATIENCE_SHORT ? request_timeout_ms : unanswered;
    if (now > waiting->oldest + silence && now > waiting->heard + silence)
        return "no response";
    if (now > waiting->oldest + unanswered && now > waiting->answer + unanswered)
        return "requests are not answered";
    return NULL;
}
