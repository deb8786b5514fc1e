/* SPDX-License-Identifier: MIT */
#include "tools/larshm/get.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "conf/number.h"
#include "tools/larshm/failure.h"
#include "tools/larshm/host_health.h"
#include "tools/larshm/hosts.h"
#include "tools/larshm/json.h"
#include "tools/larshm/say.h"
#include "tools/larshm/text.h"

static const char doc[] =
    "Looks a route up through the library, as an application does, and shows its hosts: where results of calls "
    "have been reported, how many, and the state of each host, since when, and why. "
    "A route that is not cached is requested: exit code 2, and `larshm wait` waits for it; or 3, without a fetcher that "
    "is alive.\v"
    "Hosts are served even when they are older than update_timeout. If they are not being refreshed, because the "
    "fetcher is not alive or not connected, they are shown, a warning says how old they are, and the exit code is 4. With --pick, answers that all hosts are overloaded are counted; the exit code is "
    "7 if nothing else came.\n\n"
    "Examples:\n"
    "  larshm get 1 2\n"
    "  larshm get 1 2 --pick 1000   how picks spread over the hosts\n\n" EXIT_CODES_DOC;

static const struct argp_option options[] = {
    {"pick", 'p', "N", 0, "pick N hosts, and show how often each came", 0},
    {0},
};

struct arguments {
    struct common *common;
    struct route_key key;
    uint32_t picks; /* 0: show the route */
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct arguments *arguments = state->input;
    switch (key) {
    case 'p':
        arguments->picks = take_number(state, "--pick", arg, 1, PICKS_MAX);
        return 0;
    case ARGP_KEY_ARG:
    case ARGP_KEY_END:
        take_route_key(state, arg, &arguments->key);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {options, parse, "MODID CMDID", doc, common_children, NULL, NULL};

/* A route, and what the library knows about it. */
struct answer {
    struct route route;
    larshm_route_info info;
    struct known_hosts known;
};

static int print_json(const struct common *common, const struct answer *answer)
{
    return json_print(json_pack(
        "{s:i, s:s, s:b, s:b, s:b, s:I, s:o}", "version", JSON_VERSION, "instance", common->instance,
        "expired", (int)answer->info.expired, "fetcher_alive", (int)answer->info.fetcher_alive, "connected",
        answer->info.fetcher_alive && answer->info.connected, "snapshot_unix_ms",
        json_number(answer->info.snapshot_unix_ms), "route", json_route(&answer->route, &answer->known)));
}

static int print_hosts(const struct answer *answer)
{
    const struct route *route = &answer->route;
    if (!health_is_known(route, &answer->known)) {
        for (uint32_t i = 0; i < route->host_count; i++)
            printf("  %s\n", text_host(route->hosts[i]).is);
        return EXIT_SUCCESS;
    }
    char *table = health_table(route, &answer->known, "  ");
    if (!table)
        return say_no_memory();
    fputs(table, stdout);
    free(table);
    return EXIT_SUCCESS;
}

void get_warn_of_snapshot(struct route_key key, uint64_t unix_ms)
{
    if (unix_ms)
        say("route %" PRIu32 "/%" PRIu32
            ": these hosts are from the snapshot of %s, not confirmed by the directory since the reboot",
            key.modid, key.cmdid, text_time(unix_ms).is);
}

static int print_text(const struct answer *answer)
{
    const struct route *route = &answer->route;
    const enum tint tint = route_tint(route->condition);
    printf("route %" PRIu32 "/%" PRIu32 ": %" PRIu32 " host%s, %s%s%s, confirmed %s ago, version %" PRIu64
           "\n",
           route->key.modid, route->key.cmdid, route->host_count, number_plural(route->host_count),
           tint_on(tint), route_condition_names[route->condition], tint_off(tint),
           text_span(route->age_ms).is, route->version);
    get_warn_of_snapshot(route->key, route->snapshot_unix_ms);
    if (route->condition == ROUTE_IS_HELD)
        say("route %" PRIu32 "/%" PRIu32
            ": the directory's last answer %s: it is held back for another %s, and these hosts are served%s; "
            "`larshm route accept %" PRIu32 " %" PRIu32 "` ends that",
            route->key.modid, route->key.cmdid, route_hold_text(route->hold_reason),
            text_span(route->hold_left_ms).is, route_hold_key(route->hold_reason), route->key.modid,
            route->key.cmdid);
    return print_hosts(answer);
}

/* The lookup may trigger a refresh: what is shown is the state before it. */
static int look_up(larshm *h, const struct common *common, struct route_key key, struct route *out)
{
    size_t count;
    int loaded = (int)route_load(common->instance, key, out);
    int code = larshm_get_route(h, key.modid, key.cmdid, NULL, 0, &count);
    if (code == LARSHM_OK && loaded == LARSHM_PENDING)
        loaded = (int)route_load(common->instance, key, out);
    return code == LARSHM_OK ? loaded : code;
}

static int show(larshm *h, const struct common *common, struct route_key key)
{
    struct answer answer = {0};
    int code = look_up(h, common, key, &answer.route);
    if (code == LARSHM_OK) {
        larshm_info(h, key.modid, key.cmdid, &answer.info);
        answer.known = known_hosts_or_none(common->instance, (struct key_range){key, key});
        code = common->json ? print_json(common, &answer) : print_text(&answer);
    } else {
        code = fail_lookup(common, key, code);
    }
    known_hosts_free(&answer.known);
    free(answer.route.hosts);
    return code;
}

/* Warns when the hosts that were just shown are expired and not being refreshed. */
static int warn_if_stale(larshm *h, struct route_key key)
{
    larshm_route_info info;
    if (larshm_info(h, key.modid, key.cmdid, &info) != LARSHM_OK || !info.expired ||
        (info.fetcher_alive && info.connected))
        return EXIT_SUCCESS;
    say("route %" PRIu32 "/%" PRIu32 ": these hosts are %s old and not being refreshed: larshm-fetcher is %s",
        key.modid, key.cmdid, text_span(info.age_ms).is,
        info.fetcher_alive ? "not connected to the directory, see `larshm show`" : "not alive, start it");
    return EXIT_STALE;
}

int command_get(struct common *common, int argc, char **argv)
{
    struct arguments arguments = {.common = common};
    larshm *h = NULL;
    if (argp_parse(&argp, argc, argv, 0, NULL, &arguments) != 0)
        return EXIT_USAGE;
    int code = larshm_open(&h, common->instance);
    if (code != LARSHM_OK)
        return fail_unopened(common, code);
    code = arguments.picks ? get_picks(h, common, arguments.key, arguments.picks)
                           : show(h, common, arguments.key);
    if (code == EXIT_SUCCESS)
        code = warn_if_stale(h, arguments.key);
    larshm_close(h);
    return code;
}
