/* SPDX-License-Identifier: MIT */
/* A module that programs load: the static library is in it, so the program finds its functions there. */
#include <larshm/larshm.h>

int (*const module_open)(larshm **out, const char *instance) = larshm_open;
