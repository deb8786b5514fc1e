/* SPDX-License-Identifier: MIT */
#include "tools/larshm/json.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

#include "tools/larshm/host_health.h"
#include "tools/larshm/say.h"
#include "tools/larshm/text.h"

json_int_t json_number(uint64_t value)
{
    return value > INT64_MAX ? INT64_MAX : (json_int_t)value;
}

json_t *json_host(struct host_addr host)
{
    return json_pack("{s:s, s:i}", "ip", text_address(host.address).is, "port", (int)ntohs(host.port));
}

static json_t *json_health(const struct host_health *health)
{
    static const struct host_health nothing;
    const struct host_health *of = health ? health : &nothing;
    json_t *since = health ? json_integer(json_number(health_since_unix_ms(of))) : json_null();
    uint64_t end = health_until_unix_ms(of);
    json_t *until = end ? json_integer(json_number(end)) : json_null();
    return json_pack("{s:s, s:b, s:I, s:o, s:s, s:s, s:I, s:I, s:o, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}",
                     "state", health_states[of->state], "spared",
                     (int)(host_health_is_spared(of) && of->override != OVERRIDE_DRAINED), "level",
                     (json_int_t)of->level, "until_unix_ms", until, "hold", health_overrides[of->override],
                     "reason", health_reasons[of->reason], "value", (json_int_t)of->value, "limit",
                     (json_int_t)of->limit, "since_unix_ms", since, "total_succ", json_number(of->total_succ),
                     "total_err", json_number(of->total_err), "vsucc", (json_int_t)of->vsucc, "verr",
                     (json_int_t)of->verr, "rsucc", (json_int_t)of->rsucc, "rerr", (json_int_t)of->rerr,
                     "contin_succ", (json_int_t)of->contin_succ, "contin_err", (json_int_t)of->contin_err);
}

/* What is known of a host is in members of their own; without a history they are missing. */
static json_t *json_route_host(const struct route *route, const struct known_hosts *known, uint32_t at)
{
    json_t *host = json_host(route->hosts[at]);
    bool in_rotation = !route_host_out(route, at);
    uint32_t share = route_host_share(route, at);
    double of_even = !in_rotation ? 0 : share == SHARE_FULL ? 1 : (double)share / SHARE_EIGHTHS;
    bool probed = !route_host_drained(route, at);
    int result = host ? 0 : -1;
    if (result == 0)
        result =
            json_object_update_new(host, json_pack("{s:b, s:f, s:b}", "in_turn", (int)in_rotation, "share",
                                                   of_even, "probed", (int)(!in_rotation && probed)));
    if (result == 0 && known && known->readable)
        result =
            json_object_update_new(host, json_health(known_hosts_find(known, route->key, route->hosts[at])));
    if (result == 0)
        return host;
    json_decref(host);
    return NULL;
}

static json_t *json_hosts(const struct route *route, const struct known_hosts *known)
{
    json_t *hosts = json_array();
    for (uint32_t at = 0; hosts && at < route->host_count; at++)
        if (json_array_append_new(hosts, json_route_host(route, known, at)) != 0) {
            json_decref(hosts);
            hosts = NULL;
        }
    return hosts;
}

static json_t *json_held(const struct route *route)
{
    if (route->condition != ROUTE_IS_HELD)
        return json_null();
    return json_pack("{s:s, s:I}", "reason", route_hold_name(route->hold_reason), "ends_in_ms",
                     json_number(route->hold_left_ms));
}

json_t *json_route(const struct route *route, const struct known_hosts *known)
{
    return json_pack("{s:I, s:I, s:I, s:s, s:o, s:I, s:I, s:o}", "modid", (json_int_t)route->key.modid,
                     "cmdid", (json_int_t)route->key.cmdid, "version", json_number(route->version), "state",
                     route_condition_names[route->condition], "held", json_held(route), "age_ms",
                     json_number(route->age_ms), "update_timeout_s", (json_int_t)route->update_timeout_s,
                     "hosts", json_hosts(route, known));
}

static int print(json_t *document, size_t flags)
{
    if (!document)
        return say_no_memory();
    int result = json_dumpf(document, stdout, flags);
    json_decref(document);
    if (result != 0 && !ferror(stdout)) /* start_prepare() has the other reported */
        return say_no_memory();
    putchar('\n');
    return EXIT_SUCCESS;
}

int json_print(json_t *document)
{
    return print(document, JSON_INDENT(2));
}

int json_print_line(json_t *document)
{
    return print(document, JSON_COMPACT);
}
