/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "tools/bench/output.h"

/* Our own words only: commas may be in them, quotes are not. The machine is told in comments. */
bool output_csv(const struct machine *machine, const struct figures *figures)
{
    printf("# %s, %u cores, load average %.2f, %s, %s, %s, commit %s, LMDB %s\n", machine->cpu,
           machine->cores, machine->load, machine->kernel, machine->compiler, machine->flags, machine->commit,
           machine->lmdb);
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
