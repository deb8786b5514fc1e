/* SPDX-License-Identifier: MIT */
/* A client's handle on a test's own instance. */
#ifndef TESTS_SUPPORT_CLIENT_H
#define TESTS_SUPPORT_CLIENT_H

#include <larshm/larshm.h>

#include "tests/support/instance.h"

static inline larshm *client_open(const struct instance *instance)
{
    larshm *h = NULL;
    assert_int_equal(larshm_open(&h, instance->name), LARSHM_OK);
    return h;
}

#endif
