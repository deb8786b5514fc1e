/* SPDX-License-Identifier: MIT */
#include "tools/larshm/metrics_health.h"

#include <stdio.h>
#include <stdlib.h>

#include "tools/larshm/findings.h"

static bool print_instance(FILE *out, const struct metrics *metrics)
{
    struct finding findings[FINDINGS];
    if (metrics->status != SHM_OK) {
        fprintf(out, "%s: instance: it cannot be read, `larshm -n %s show` says why\n", metrics->instance,
                metrics->instance);
        return false;
    }
    const int code = findings_read(&metrics->facts, probe_findings(PROBE_HEALTH, &metrics->facts), findings);
    for (int kind = 0; kind < FINDINGS; kind++)
        if (findings[kind].exit_code != EXIT_SUCCESS)
            fprintf(out, "%s: %s: %s\n", metrics->instance, finding_names[kind], findings[kind].text);
    if (code == EXIT_SUCCESS)
        fprintf(out, "%s: ok: %s\n", metrics->instance, findings_none_text(&metrics->facts).is);
    return code == EXIT_SUCCESS;
}

char *metrics_health(const struct metrics_set *set, size_t *length, bool *healthy)
{
    char *text = NULL;
    FILE *out = open_memstream(&text, length);
    if (!out)
        return NULL;
    *healthy = set->count > 0;
    if (set->count == 0)
        fprintf(out, "there is no instance: is larshm-fetcher running?\n");
    for (size_t i = 0; i < set->count; i++)
        *healthy = print_instance(out, &set->all[i]) && *healthy;
    bool failed = ferror(out) != 0;
    if (fclose(out) == 0 && !failed)
        return text;
    free(text);
    return NULL;
}
