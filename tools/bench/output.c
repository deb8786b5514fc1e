/* SPDX-License-Identifier: MIT */
#include <err.h>
#include <jansson.h>
#include <stdio.h>

#include "tools/bench/output.h"
#include "tools/common/grid.h"

enum {
    COLUMNS = 10,
    CELL = 160,
};

/* Three significant digits. */
static void put_value(char out[static CELL], double value)
{
    snprintf(out, CELL, "%.*f", value < 10 ? 2 : value < 100 ? 1 : 0, value);
}

static void put_target(char out[static CELL], const struct figure *figure)
{
    bool most = figure->target.at_least <= 0, wide = figure_spread(figure) > figure_spread_most;
    int size = 0;
    if (figure_has_target(figure))
        size = snprintf(out, CELL, "%s %.6g: %s%s", most ? "at most" : "at least",
                        most ? figure->target.at_most : figure->target.at_least,
                        figure_meets_target(figure) ? "met" : "MISSED", wide ? ", " : "");
    if (wide && size < CELL)
        snprintf(out + size, CELL - (size_t)size, "spread %.0f %%", 100 * figure_spread(figure));
}

static void add_row(struct grid *grid, const struct figure *figure)
{
    const char *row[COLUMNS];
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
        /* A peer with other parameters is named with them. */
        if (figure->suite == figure->peer->suite &&
            figure->parameters[0].value == figure->peer->parameters[0].value &&
            figure->parameters[1].value == figure->peer->parameters[1].value)
            snprintf(cells[8], CELL, "%s", figure->peer->name);
        else
            snprintf(cells[8], CELL, "%s %s", figure->peer->name, peer);
    }
    put_target(cells[9], figure);
    for (size_t i = 0; i < COLUMNS; i++)
        row[i] = cells[i];
    grid_row(grid, row, NULL);
    grid_tint(grid, COLUMNS - 1,
              figure_has_target(figure) && !figure_meets_target(figure) ? TINT_TROUBLE : TINT_NONE);
}

static void print_machine(const struct machine *machine)
{
    printf("cpu       %s, %u core%s, load average %.2f\n"
           "kernel    %s\n"
           "compiler  %s\n"
           "flags     %s\n"
           "commit    %s\n"
           "LMDB      %s\n"
           "rte_hash  %s\n"
           "ck_hs     %s\n\n",
           machine->cpu, machine->cores, machine->cores == 1 ? "" : "s", machine->load, machine->kernel,
           machine->compiler, machine->flags, machine->commit, machine->lmdb, machine->dpdk, machine->ck);
}

bool output_table(const struct machine *machine, const struct figures *figures)
{
    static const struct grid_column columns[COLUMNS] = {
        {"SUITE", GRID_LEFT}, {"FIGURE", GRID_LEFT}, {"AT", GRID_LEFT},   {"MEDIAN", GRID_RIGHT},
        {"UNIT", GRID_LEFT},  {"MIN", GRID_RIGHT},   {"MAX", GRID_RIGHT}, {"RATIO", GRID_RIGHT},
        {"TO", GRID_LEFT},    {"TARGET", GRID_LEFT},
    };
    struct grid *grid = grid_new(columns, COLUMNS);
    for (const struct figure *figure = figures->first; figure; figure = figure->next)
        if (figure->samples > 0)
            add_row(grid, figure);
    print_machine(machine);
    if (grid_print(grid) == 0)
        return true;
    warnx("out of memory");
    return false;
}

static json_t *json_parameters(const struct figure *figure)
{
    json_t *object = json_object();
    for (const struct parameter *parameter = figure->parameters; object && parameter->name; parameter++)
        if (json_object_set_new(object, parameter->name, json_integer((json_int_t)parameter->value)) != 0) {
            json_decref(object);
            object = NULL;
        }
    return object;
}

static json_t *json_peer(const struct figure *figure)
{
    const struct figure *peer = figure->peer;
    return peer ? json_pack("{s:s, s:o}", "name", peer->name, "parameters", json_parameters(peer))
                : json_null();
}

/* {"at_most": 0.7, "met": true} */
static json_t *json_target(const struct figure *figure)
{
    bool most = figure->target.at_least <= 0;
    if (!figure_has_target(figure))
        return json_null();
    return json_pack("{s:f, s:b}", most ? "at_most" : "at_least",
                     most ? figure->target.at_most : figure->target.at_least, "met",
                     figure_meets_target(figure));
}

static json_t *json_figure(const struct figure *figure)
{
    return json_pack("{s:s, s:s, s:o, s:s, s:f, s:f, s:f, s:f, s:i, s:o, s:o, s:o}", "suite", figure->suite,
                     "name", figure->name, "parameters", json_parameters(figure), "unit", figure->unit,
                     "median", figure->median, "min", figure->min, "max", figure->max, "spread",
                     figure_spread(figure), "rounds", (int)figure->samples, "peer", json_peer(figure),
                     "ratio", figure->peer ? json_real(figure_ratio(figure)) : json_null(), "target",
                     json_target(figure));
}

bool output_json(const struct machine *machine, const struct figures *figures)
{
    json_t *list = json_array();
    bool done = list != NULL;
    for (const struct figure *figure = figures->first; done && figure; figure = figure->next)
        done = figure->samples == 0 || json_array_append_new(list, json_figure(figure)) == 0;
    json_t *document = json_pack(
        "{s:i, s:{s:s, s:i, s:f, s:s, s:s, s:s, s:s, s:s, s:s, s:s}, s:o}", "version", OUTPUT_VERSION,
        "machine", "cpu", machine->cpu, "cores", (int)machine->cores, "load_average", machine->load, "kernel",
        machine->kernel, "compiler", machine->compiler, "flags", machine->flags, "commit", machine->commit,
        "lmdb", machine->lmdb, "dpdk", machine->dpdk, "ck", machine->ck, "figures", list);
    done = done && document && json_dumpf(document, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(6)) == 0;
    json_decref(document);
    if (done)
        putchar('\n');
    else if (!ferror(stdout)) /* start_prepare() has the other reported */
        warnx("out of memory");
    return done;
}

/* Names may have commas, never quotes. The machine is in comments. */
bool output_csv(const struct machine *machine, const struct figures *figures)
{
    printf("# %s, %u cores, load average %.2f, %s, %s, %s, commit %s, LMDB %s, rte_hash %s, ck_hs %s\n",
           machine->cpu, machine->cores, machine->load, machine->kernel, machine->compiler, machine->flags,
           machine->commit, machine->lmdb, machine->dpdk, machine->ck);
    puts("suite,name,parameters,unit,median,min,max,peer,ratio,at_most,at_least,met");
    for (const struct figure *figure = figures->first; figure; figure = figure->next) {
        char parameters[LABEL_MAX];
        if (figure->samples == 0)
            continue;
        figure_parameters(figure, parameters);
        printf("%s,\"%s\",%s,%s,%.6g,%.6g,%.6g,", figure->suite, figure->name, parameters, figure->unit,
               figure->median, figure->min, figure->max);
        if (figure->peer) {
            figure_parameters(figure->peer, parameters);
            printf("\"%s%s%s\",%.6g,", figure->peer->name, *parameters ? " " : "", parameters,
                   figure_ratio(figure));
        } else
            printf(",,");
        if (figure->target.at_most > 0 || figure->target.none)
            printf("%.6g", figure->target.at_most);
        putchar(',');
        if (figure->target.at_least > 0)
            printf("%.6g", figure->target.at_least);
        printf(",%s\n", !figure_has_target(figure) ? "" : figure_meets_target(figure) ? "yes" : "no");
    }
    return true;
}
