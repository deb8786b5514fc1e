/* SPDX-License-Identifier: MIT */
/* gnuplot draws; what, a script says. */
#ifndef TOOLS_BENCH_GNUPLOT_H
#define TOOLS_BENCH_GNUPLOT_H

#include <stdbool.h>
#include <stdio.h>

#include "tools/bench/figure.h"

/* False, and said on stderr, where gnuplot is not installed. */
bool gnuplot_installed(void);

/* A script that sets the terminal to svg and draws. */
typedef void gnuplot_script_fn(FILE *script, const struct figures *figures);

/* Has it draw what `write` writes into a file. False: said on stderr. */
bool gnuplot_draw(const char *file, gnuplot_script_fn *write, const struct figures *figures);

#endif
