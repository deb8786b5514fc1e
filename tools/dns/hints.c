/* SPDX-License-Identifier: MIT */
#include "tools/dns/hints.h"

bool hints_see(struct hints *hints, const struct hint *hint)
{
    struct hint *seen = &hints->seen[hint->id % HINTS_PLACES];
    if (seen->id == hint->id && seen->version == hint->version && route_key_equal(seen->key, hint->key))
        return false;
    *seen = *hint;
    return true;
}
