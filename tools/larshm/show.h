/* SPDX-License-Identifier: MIT */
#ifndef TOOLS_LARSHM_SHOW_H
#define TOOLS_LARSHM_SHOW_H

#include "tools/larshm/facts.h"

/* Everything, for programs. Returns the exit code. */
int show_json(const struct instance *instance, const struct facts *facts);

#endif
