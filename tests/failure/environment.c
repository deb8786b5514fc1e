/* SPDX-License-Identifier: MIT */
/* Linked into a program of ours: it fails as the environment says. */
#include "tests/failure/fail.h"

__attribute__((constructor)) static void begin(void)
{
    fail_as_set();
}
