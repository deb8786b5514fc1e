/* SPDX-License-Identifier: MIT */
#include "fetcher/patience.h"

#include <stddef.h>

const char *patience_over(const struct waiting *waiting, uint64_t request_timeout_ms,
                          uint64_t probe_interval_ms, bool hurry, uint64_t now)
{
    uint64_t probe = request_timeout_ms + probe_interval_ms;
    uint64_t silence = hurry ? request_timeout_ms : PATIENCE_TIMES * probe;
    uint64_t unanswered = hurry ? probe : PATIENCE_TIMES * probe;
    if (now > waiting->oldest + silence && now > waiting->heard + silence)
        return "no response";
    if (now > waiting->oldest + unanswered && now > waiting->answer + unanswered)
        return "requests are not answered";
    return NULL;
}
