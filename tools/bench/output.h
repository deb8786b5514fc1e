/* SPDX-License-Identifier: MIT */
/* All figures, in the format that was asked for. False: said on stderr. */
#ifndef TOOLS_BENCH_OUTPUT_H
#define TOOLS_BENCH_OUTPUT_H

#include "tools/bench/bench.h"

enum {
    OUTPUT_VERSION = 1, /* of the JSON; members are only ever added */
};

typedef bool output_fn(const struct machine *machine, const struct figures *figures);

output_fn output_table, output_json, output_csv;

/* As SVG: latency against the number of routes, from suite "lookup". */
bool output_plot(const struct figures *figures, const char *file);

/* False, and said on stderr, without gnuplot. */
bool plot_possible(void);

#endif
