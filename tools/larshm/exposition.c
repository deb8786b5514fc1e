/* SPDX-License-Identifier: MIT */
#include "tools/larshm/exposition.h"

#include <inttypes.h>
#include <stdarg.h>

/* Backslash, quote and line end as the format has them; other control characters are left out. */
static void write_label(FILE *out, const char *name, const char *value, char before)
{
    fprintf(out, "%c%s=\"", before, name);
    for (const char *c = value; *c; c++) {
        if (*c == '\n')
            fputs("\\n", out);
        else if (*c == '\\' || *c == '"')
            fprintf(out, "\\%c", *c);
        else if ((unsigned char)*c >= ' ')
            fputc(*c, out);
    }
    fputc('"', out);
}

void exposition_family(FILE *out, const char *name, enum family_type type, const char *help)
{
    static const char *const types[] = {
        [FAMILY_COUNTER] = "counter", [FAMILY_GAUGE] = "gauge", [FAMILY_HISTOGRAM] = "histogram"};
    fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, types[type]);
}

void exposition_sample(FILE *out, const char *name, double value, ...)
{
    const char *label;
    char before = '{';
    va_list labels;
    fputs(name, out);
    va_start(labels, value);
    while ((label = va_arg(labels, const char *)) != NULL) {
        write_label(out, label, va_arg(labels, const char *), before);
        before = ',';
    }
    va_end(labels);
    fprintf(out, "%s %.15g\n", before == ',' ? "}" : "", value);
}

void exposition_histogram(FILE *out, const char *name, const char *instance,
                          const struct exposition_histogram *histogram)
{
    char series[64], bound[32];
    uint64_t count = 0;
    snprintf(series, sizeof(series), "%s_bucket", name);
    for (size_t i = 0; i < histogram->buckets; i++) {
        count += histogram->counts[i];
        if (i + 1 < histogram->buckets)
            snprintf(bound, sizeof(bound), "%.15g", histogram->bounds[i] * histogram->unit);
        else
            snprintf(bound, sizeof(bound), "+Inf");
        exposition_sample(out, series, (double)count, INSTANCE_LABEL, instance, "le", bound, NULL);
    }
    snprintf(series, sizeof(series), "%s_sum", name);
    exposition_sample(out, series, histogram->sum, INSTANCE_LABEL, instance, NULL);
    snprintf(series, sizeof(series), "%s_count", name);
    exposition_sample(out, series, (double)count, INSTANCE_LABEL, instance, NULL);
}
