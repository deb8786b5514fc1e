/* SPDX-License-Identifier: MIT */
/* What a monitoring system of Nagios' kind takes from its plugins: a line, and one of four exit codes. */
#ifndef TOOLS_LARSHM_PLUGIN_H
#define TOOLS_LARSHM_PLUGIN_H

#include "tools/larshm/facts.h"

enum plugin_state {
    PLUGIN_OK,
    PLUGIN_WARNING,
    PLUGIN_CRITICAL,
    PLUGIN_UNKNOWN, /* it could not look, or was called wrongly */
};

/* What an exit code of ours, see say.h, means to it. */
enum plugin_state plugin_state(int exit_code);

/* Prints the line, with performance data where there are facts; `text` says what was found. */
void plugin_print(int exit_code, const char *text, const struct facts *facts);

#endif
