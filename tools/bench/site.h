/* SPDX-License-Identifier: MIT */
/* A directory of the bench's own, for the files of the programs that it runs. */
#ifndef TOOLS_BENCH_SITE_H
#define TOOLS_BENCH_SITE_H

#include <stdbool.h>

enum {
    SITE_PATH = 256,
};

struct site {
    char home[SITE_PATH / 2]; /* empty: there is none */
};

/* Makes it under $TMPDIR, or /tmp. False: said on stderr. */
bool site_open(struct site *site);

/* Removes it with all that is in it. A zeroed site is fine. */
void site_close(struct site *site);

/* The path of a file in it. */
void site_path(const struct site *site, const char *file, char out[static SITE_PATH]);

#endif
