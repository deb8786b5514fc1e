/* SPDX-License-Identifier: MIT */
#include <err.h>
#include <libsmartcols.h>
#include <stdio.h>

#include "tools/bench/output.h"

enum {
    COLUMNS = 10,
    CELL = 160,
};

/* Three digits that matter. */
static void put_value(char out[static CELL], double value)
{
    snprintf(out, CELL, "%.*f", value < 10 ? 2 : value < 100 ? 1 : 0, value);
}

static void put_target(char out[static CELL], const struct figure *figure)
{
    bool most = figure->target.at_least <= 0;
    if (figure_has_target(figure))
        snprintf(out, CELL, "%s %.6g: %s", most ? "at most" : "at least",
                 most ? figure->target.at_most : figure->target.at_least,
                 figure_meets_target(figure) ? "met" : "MISSED");
}

static bool add_row(struct libscols_table *table, const struct figure *figure)
{
    char cells[COLUMNS][CELL] = {{0}}, parameters[LABEL_MAX], peer[LABEL_MAX];
    figure_parameters(figure, parameters);
    snprintf(cells[0], CELL, "%s", figure->suite);
    snprintf(cells[1], CELL, "%s", figure->name);
    snprintf(cells[2], CELL, "%s", parameters);
    put_value(cells[3], figure->median);
    snprintf(cells[4], CELL, "%s", figure->unit);
    put_value(cells[5], figure->min);
    put_value(cells[6], figure->max);
    if (figure->peer) {
        figure_parameters(figure->peer, peer);
        put_value(cells[7], figure_ratio(figure));
        /* Of a peer with other parameters they say which one it is. */
        if (figure->suite == figure->peer->suite &&
            figure->parameters[0].value == figure->peer->parameters[0].value &&
            figure->parameters[1].value == figure->peer->parameters[1].value)
            snprintf(cells[8], CELL, "%s", figure->peer->name);
        else
            snprintf(cells[8], CELL, "%s %s", figure->peer->name, peer);
    }
    put_target(cells[9], figure);
    struct libscols_line *line = scols_table_new_line(table, NULL);
    bool done = line != NULL;
    for (size_t i = 0; done && i < COLUMNS; i++)
        done = scols_line_set_data(line, i, cells[i]) == 0;
    return done;
}

static struct libscols_table *new_table(void)
{
    static const struct {
        const char *name;
        int flags;
    } columns[COLUMNS] = {
        {"SUITE", 0},
        {"FIGURE", 0},
        {"AT", 0},
        {"MEDIAN", SCOLS_FL_RIGHT},
        {"UNIT", 0},
        {"MIN", SCOLS_FL_RIGHT},
        {"MAX", SCOLS_FL_RIGHT},
        {"RATIO", SCOLS_FL_RIGHT},
        {"TO", 0},
        {"TARGET", 0},
    };
    struct libscols_table *table = scols_new_table();
    for (size_t i = 0; table && i < COLUMNS; i++) {
        if (!scols_table_new_column(table, columns[i].name, 0, columns[i].flags)) {
            scols_unref_table(table);
            table = NULL;
        }
    }
    return table;
}

static void print_machine(const struct machine *machine)
{
    printf("cpu       %s, %u core%s, load average %.2f\n"
           "kernel    %s\n"
           "compiler  %s\n"
           "flags     %s\n"
           "commit    %s\n"
           "LMDB      %s\n\n",
           machine->cpu, machine->cores, machine->cores == 1 ? "" : "s", machine->load, machine->kernel,
           machine->compiler, machine->flags, machine->commit, machine->lmdb);
}

bool output_table(const struct machine *machine, const struct figures *figures)
{
    struct libscols_table *table = new_table();
    bool done = table != NULL;
    for (const struct figure *figure = figures->first; done && figure; figure = figure->next)
        done = figure->samples == 0 || add_row(table, figure);
    if (done) {
        print_machine(machine);
        done = scols_print_table(table) == 0;
    }
    scols_unref_table(table);
    if (!done)
        warnx("out of memory");
    return done;
}
