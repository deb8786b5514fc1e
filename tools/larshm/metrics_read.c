/* SPDX-License-Identifier: MIT */
#include "tools/larshm/metrics_read.h"

#include <stdio.h>
#include <stdlib.h>

#include "tools/larshm/admin.h"

enum {
    ADMIN_TIMEOUT_S = 1 /* a scrape does not hang on a fetcher that is stopped */
};

/* Of a fetcher that is alive. LARSHM_ADMIN_SOCKET is that of one instance. */
static json_t *read_servers(const struct metrics_options *options, const char *instance)
{
    char tried[ADMIN_TRIED_SIZE];
    json_t *answer, *servers = NULL;
    if (admin_exchange(options->instance ? getenv("LARSHM_ADMIN_SOCKET") : NULL, instance, ADMIN_TIMEOUT_S,
                       json_pack("{s:i, s:s}", "version", 1, "command", "servers"), &answer, tried) != 0)
        return NULL;
    servers = json_incref(json_object_get(answer, "servers"));
    json_decref(answer);
    return servers;
}

void metrics_read(const struct metrics_options *options, const char *instance, struct metrics *out)
{
    struct instance opened;
    *out = (struct metrics){.status = instance_open(instance, &opened)};
    snprintf(out->instance, sizeof(out->instance), "%s", instance);
    if (out->status != SHM_OK)
        return;
    if (options->no_routes)
        facts_read_header(&opened, &out->facts);
    else if (facts_read(&opened, &out->facts) != 0)
        out->status = SHM_SYSTEM_ERROR;
    out->routes_known = !options->no_routes;
    latency_read(opened.routes.s_header, &out->latency);
    out->top_count = top_routes_read(opened.routes.s_header, out->top);
    if (out->top_count > options->top)
        out->top_count = options->top;
    instance_close(&opened);
    out->hosts_known = !options->no_routes && hosts_sum(instance, out->hosts);
    if (out->facts.fetcher == FETCHER_IS_ALIVE)
        out->servers = read_servers(options, instance);
}

void metrics_free(struct metrics *metrics)
{
    json_decref(metrics->servers);
    metrics->servers = NULL;
}
