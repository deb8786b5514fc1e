/* SPDX-License-Identifier: MIT */
#ifndef FETCHER_OPTIONS_H
#define FETCHER_OPTIONS_H

#include <stdbool.h>

#include "conf/config.h"

struct options {
    const char *config_path; /* NULL: the defaults */
    const char *instance;
    const char *check_path; /* not NULL: check this file and end */
    bool print_config;      /* print the effective configuration, and end */
    struct config_peer dns; /* port 0: as configured */
};

/* Ends the process with a message and status 1 where the command line is wrong, as argp does for --help with 0. */
void options_parse(int argc, char **argv, struct options *out);

#endif
