/* SPDX-License-Identifier: MIT */
/* Latency against the number of routes: one line for larshm and each peer, drawn by gnuplot. */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tools/bench/output.h"

enum {
    HOSTS = 4,
    LINES = 5,
};

static const struct {
    const char *figure, *label, *colour;
} lines[LINES] = {
    {"get_host", "larshm", "#c2410c"},           {"cds_lfht", "cds_lfht", "#1d4ed8"},
    {"cds_lfht, inlined", "inlined", "#7c9ae8"}, {"LMDB", "LMDB", "#15803d"},
    {"UDP round trip", "UDP", "#525252"},
};

static bool belongs(const struct figure *figure, const char *name)
{
    return figure->samples && strcmp(figure->suite, "lookup") == 0 && strcmp(figure->name, name) == 0 &&
           figure->parameters[1].value == HOSTS;
}

/*
 * Writes a line's points as a data block and returns how many. *last is the value of the rightmost. A single point is
 * drawn as a level.
 */
static size_t write_points(FILE *script, const struct figures *figures, int line, uint64_t most, double *last)
{
    size_t points = 0;
    fprintf(script, "$line%d << end\n", line);
    for (const struct figure *figure = figures->first; figure; figure = figure->next) {
        if (!belongs(figure, lines[line].figure))
            continue;
        *last = figure->median;
        points++;
        fprintf(script, "%llu %.6g\n", (unsigned long long)figure->parameters[0].value, figure->median);
    }
    if (points == 1)
        fprintf(script, "1 %.6g\n%llu %.6g\n", *last, (unsigned long long)most, *last);
    fputs("end\n", script);
    return points;
}

static uint64_t most_routes(const struct figures *figures)
{
    uint64_t most = 0;
    for (const struct figure *figure = figures->first; figure; figure = figure->next)
        if (belongs(figure, lines[0].figure) && figure->parameters[0].value > most)
            most = figure->parameters[0].value;
    return most;
}

struct end {
    int line;
    double at;
};

static int by_height(const void *a, const void *b)
{
    double left = ((const struct end *)a)->at, right = ((const struct end *)b)->at;
    return (left > right) - (left < right);
}

/* Labels stand where their lines end, instead of a legend. Those that would overlap move upwards. */
static void write_labels(FILE *script, struct end *ends, size_t count, uint64_t most)
{
    const double apart = 1.8;
    qsort(ends, count, sizeof(*ends), by_height);
    for (size_t i = 0; i < count; i++) {
        if (i > 0 && ends[i].at < ends[i - 1].at * apart)
            ends[i].at = ends[i - 1].at * apart;
        fprintf(script, "set label '  %s' at first %llu,%.6g left noenhanced textcolor '%s'\n",
                lines[ends[i].line].label, (unsigned long long)most, ends[i].at, lines[ends[i].line].colour);
    }
}

static void write_script(FILE *script, const struct figures *figures)
{
    uint64_t most = most_routes(figures);
    struct end ends[LINES];
    size_t count = 0, used = 0;
    char plot[LINES * 128] = "";
    fprintf(script,
            "set terminal svg size 720,420 font 'sans-serif,14' background '#ffffff'\n"
            "set logscale xy\nset format x '%%.0s%%c'\nset format y '%%.0f'\n"
            "set xrange [0.8:%llu]\nset yrange [3:*]\nset xtics 10\n"
            "set xlabel 'routes of 4 hosts'\nset ylabel 'ns per lookup'\n"
            "set grid ytics lc '#e5e5e5'\nset border 3\nset tics nomirror\nunset key\nset rmargin 10\n",
            (unsigned long long)(most > 10 ? most : 10));
    for (int line = 0; line < LINES; line++) {
        double last = 0;
        size_t points = write_points(script, figures, line, most, &last);
        if (points == 0)
            continue;
        ends[count] = (struct end){line, last};
        used += (size_t)snprintf(plot + used, sizeof(plot) - used, "%s$line%d using 1:2 with %s lw 2 lc '%s'",
                                 count++ ? ", " : "plot ", line,
                                 points == 1 ? "lines" : "linespoints pt 7 ps 0.5", lines[line].colour);
    }
    write_labels(script, ends, count, most);
    fprintf(script, "%s\n", plot);
}

/* Runs gnuplot with these ends; -1 stands for /dev/null. False: it could not start, or failed. */
static bool run_gnuplot(char *const arguments[], int input, int output)
{
    extern char **environ;
    posix_spawn_file_actions_t actions;
    pid_t pid;
    int status = -1;
    if (posix_spawn_file_actions_init(&actions) != 0)
        return false;
    if (input < 0)
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    else
        posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
    if (output < 0)
        posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    else
        posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
    if (posix_spawnp(&pid, arguments[0], &actions, NULL, arguments, environ) == 0)
        while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
            ;
    posix_spawn_file_actions_destroy(&actions);
    return status == 0;
}

bool plot_possible(void)
{
    static char name[] = "gnuplot", version[] = "--version";
    char *const arguments[] = {name, version, NULL};
    if (run_gnuplot(arguments, -1, -1))
        return true;
    warnx("--plot needs gnuplot, which is not installed: apt-get install gnuplot-nox, or leave --plot out");
    return false;
}

bool output_plot(const struct figures *figures, const char *file)
{
    static char name[] = "gnuplot", from_stdin[] = "-";
    char *const arguments[] = {name, from_stdin, NULL};
    if (most_routes(figures) == 0) {
        warnx("--plot shows figures of suite lookup, which did not run: name it too");
        return false;
    }
    FILE *script = tmpfile();
    int output = script ? open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666) : -1;
    bool done = output >= 0;
    if (!done)
        warn("%s", file);
    if (done) {
        write_script(script, figures);
        done = fflush(script) == 0 && fseek(script, 0, SEEK_SET) == 0 &&
               run_gnuplot(arguments, fileno(script), output);
        if (!done)
            warnx("gnuplot could not draw %s", file);
    }
    if (output >= 0)
        close(output);
    if (script)
        fclose(script);
    return done;
}
