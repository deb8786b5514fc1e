/* SPDX-License-Identifier: MIT */
/* What is printed of the directory. */
#include <string.h>

#include "tools/larshm/metrics_families.h"

static const char *address_of(const json_t *server)
{
    const char *address = json_string_value(json_object_get(server, "address"));
    return address ? address : "";
}

/* A server that is listed twice would be two samples of one name, which Prometheus refuses. */
static bool is_listed_before(const json_t *servers, size_t index)
{
    size_t i = 0;
    while (strcmp(address_of(json_array_get(servers, i)), address_of(json_array_get(servers, index))) != 0)
        i++;
    return i < index;
}

static void server_numbers(FILE *out, const char *name, const struct metrics *metrics, const char *member)
{
    size_t i;
    const json_t *server;
    json_array_foreach(metrics->servers, i, server) {
        const json_t *value = json_object_get(server, member);
        if (json_is_integer(value) && json_integer_value(value) >= 0 &&
            !is_listed_before(metrics->servers, i))
            sample_labelled(out, name, metrics, "server", address_of(server),
                            (uint64_t)json_integer_value(value));
    }
}

/* Where the fetcher does not say, the one that it uses, without the address of a name: the label is the same. */
static void connected(FILE *out, const char *name, const struct metrics *metrics)
{
    size_t i;
    const json_t *server;
    json_array_foreach(metrics->servers, i, server) {
        if (!is_listed_before(metrics->servers, i))
            sample_labelled(out, name, metrics, "server", address_of(server),
                            json_is_true(json_object_get(server, "in_use")));
    }
    if (metrics->servers || !*metrics->facts.directory)
        return;
    char used[DIRECTORY_NAME];
    snprintf(used, sizeof(used), "%.*s", (int)strcspn(metrics->facts.directory, " "),
             metrics->facts.directory);
    sample_labelled(out, name, metrics, "server", used, metrics->facts.connection == CONNECTION_UP);
}

static void server_connects(FILE *out, const char *name, const struct metrics *metrics)
{
    server_numbers(out, name, metrics, "connects");
}

static void server_failures(FILE *out, const char *name, const struct metrics *metrics)
{
    server_numbers(out, name, metrics, "failures");
}

static void server_answers(FILE *out, const char *name, const struct metrics *metrics)
{
    server_numbers(out, name, metrics, "answers");
}

static void server_version(FILE *out, const char *name, const struct metrics *metrics)
{
    server_numbers(out, name, metrics, "version");
}

static void data_version(FILE *out, const char *name, const struct metrics *metrics)
{
    if (metrics->facts.data_version)
        sample_value(out, name, metrics, (double)metrics->facts.data_version);
}

static void latency(FILE *out, const char *name, const struct metrics *metrics)
{
    const struct exposition_histogram histogram = {metrics->latency.counts, latency_bounds_us,
                                                   LATENCY_BUCKETS, 1e-6,
                                                   (double)metrics->latency.sum_us / 1e6};
    exposition_histogram(out, name, metrics->instance, &histogram);
}

const struct metrics_family metrics_directory[] = {
    {"larshm_directory_connected", FAMILY_GAUGE, "1: the fetcher uses this server of the directory",
     connected},
    {"larshm_server_connects_total", FAMILY_COUNTER,
     "connections to this server of the directory since the fetcher started", server_connects},
    {"larshm_server_failures_total", FAMILY_COUNTER,
     "connections and attempts of this server that ended since the fetcher started", server_failures},
    {"larshm_server_answers_total", FAMILY_COUNTER, "answers of this server since the fetcher started",
     server_answers},
    {"larshm_server_data_version", FAMILY_GAUGE, "how new this server's routes were when it was tried last",
     server_version},
    {"larshm_data_version", FAMILY_GAUGE, "newest version of the routes that a directory has told",
     data_version},
    {"larshm_request_duration_seconds", FAMILY_HISTOGRAM, "how long the directory took to answer", latency},
    {0},
};
