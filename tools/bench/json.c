/* SPDX-License-Identifier: MIT */
#include <err.h>
#include <jansson.h>

#include "tools/bench/output.h"

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
    return json_pack(
        "{s:s, s:s, s:o, s:s, s:f, s:f, s:f, s:i, s:o, s:o, s:o}", "suite", figure->suite, "name",
        figure->name, "parameters", json_parameters(figure), "unit", figure->unit, "median", figure->median,
        "min", figure->min, "max", figure->max, "rounds", (int)figure->samples, "peer", json_peer(figure),
        "ratio", figure->peer ? json_real(figure_ratio(figure)) : json_null(), "target", json_target(figure));
}

bool output_json(const struct machine *machine, const struct figures *figures)
{
    json_t *list = json_array();
    bool done = list != NULL;
    for (const struct figure *figure = figures->first; done && figure; figure = figure->next)
        done = figure->samples == 0 || json_array_append_new(list, json_figure(figure)) == 0;
    json_t *document =
        json_pack("{s:i, s:{s:s, s:i, s:f, s:s, s:s, s:s, s:s, s:s}, s:o}", "version", OUTPUT_VERSION,
                  "machine", "cpu", machine->cpu, "cores", (int)machine->cores, "load_average", machine->load,
                  "kernel", machine->kernel, "compiler", machine->compiler, "flags", machine->flags, "commit",
                  machine->commit, "lmdb", machine->lmdb, "figures", list);
    done = done && document && json_dumpf(document, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(6)) == 0;
    json_decref(document);
    if (done)
        putchar('\n');
    else
        warnx("out of memory, or stdout cannot be written");
    return done;
}
