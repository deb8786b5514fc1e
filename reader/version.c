/* SPDX-License-Identifier: MIT */
#include "reader/include/larshm/larshm.h"

const char *larshm_version(void)
{
    return LARSHM_VERSION;
}
