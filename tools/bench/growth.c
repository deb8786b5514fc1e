/* SPDX-License-Identifier: MIT */
/* What each kind of work costs as there is more of it: small pictures side by side, both axes logarithmic. */
#include <err.h>
#include <string.h>

#include "tools/bench/gnuplot.h"
#include "tools/bench/output.h"

enum {
    PANELS = 6
};

static const struct {
    const char *suite, *figure, *title, *along; /* along: the parameter that grows */
    const char *format;                         /* of the y axis */
    double least, most;
} panels[PANELS] = {
    {"lookup", "get_host", "lookup, ns", "routes", "%.0s%c", 1, 1000},
    {"publish", "bytes per route", "bytes per route", "routes", "%.0s%c", 10, 1e6},
    {"publish", "publishes a second", "publishes, 1,000 a second", "routes", "%.0s%c", 10, 10000},
    {"load", "time per route", "load, µs per route", "routes", "%.0s%c", 1, 1e6},
    {"poll", "idle fetcher", "idle fetcher, % of a core", "routes", "%g", 0.01, 10},
    {"hosts", "publish", "publish of one route, ns", "hosts", "%.0s%c", 10, 1e6},
};

/* A single size of table for each number of routes. */
static bool belongs(const struct figure *figure, int panel)
{
    enum {
        HOSTS = 4
    };
    const struct parameter *size = figure->parameters, *hosts = size + 1;
    return figure->samples && strcmp(figure->suite, panels[panel].suite) == 0 &&
           strcmp(figure->name, panels[panel].figure) == 0 && size->name &&
           strcmp(size->name, panels[panel].along) == 0 && (!hosts->name || hosts->value == HOSTS);
}

static size_t write_points(FILE *script, const struct figures *figures, int panel)
{
    size_t points = 0;
    fprintf(script, "$panel%d << end\n", panel);
    for (const struct figure *figure = figures->first; figure; figure = figure->next)
        if (belongs(figure, panel) && ++points)
            fprintf(script, "%llu %.6g\n", (unsigned long long)figure->parameters[0].value, figure->median);
    fputs("end\n", script);
    return points;
}

static void write_script(FILE *script, const struct figures *figures)
{
    fputs("set terminal svg size 900,480 font 'sans-serif,12' background '#ffffff'\n"
          "set logscale xy\nset format x '%.0s%c'\n"
          "set grid ytics lc '#e5e5e5'\nset border 3\nset tics nomirror\nunset key\n"
          "set multiplot layout 2,3\n",
          script);
    for (int panel = 0; panel < PANELS; panel++) {
        bool routes = strcmp(panels[panel].along, "routes") == 0;
        fprintf(
            script,
            "set title '%s' noenhanced\nset xlabel '%s'\nset xrange [%s]\nset yrange [%g:%g]\nset format y '%s'\n",
            panels[panel].title, routes ? "routes" : "hosts of the route", routes ? "0.8:1200000" : "8:12000",
            panels[panel].least, panels[panel].most, panels[panel].format);
        if (write_points(script, figures, panel) > 0)
            fprintf(script, "plot $panel%d using 1:2 with linespoints pt 7 ps 0.5 lw 2 lc '#c2410c'\n",
                    panel);
        else
            fputs("plot NaN\n", script);
    }
    fputs("unset multiplot\n", script);
}

bool output_growth(const struct figures *figures, const char *file)
{
    for (const struct figure *figure = figures->first; figure; figure = figure->next)
        for (int panel = 0; panel < PANELS; panel++)
            if (belongs(figure, panel))
                return gnuplot_draw(file, write_script, figures);
    warnx("--growth shows figures of lookup, publish, load, poll and hosts, of which none has been run");
    return false;
}
