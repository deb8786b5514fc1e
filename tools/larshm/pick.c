/* SPDX-License-Identifier: MIT */
#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "conf/number.h"
#include "tools/common/grid.h"
#include "tools/larshm/failure.h"
#include "tools/larshm/get.h"
#include "tools/larshm/json.h"
#include "tools/larshm/say.h"
#include "tools/larshm/text.h"

/* Picked hosts, each as host_addr_order(), so that sorting puts equal ones side by side. */
struct picks {
    uint64_t *hosts;
    uint32_t count;
    uint32_t overloaded; /* answers that all hosts are */
};

static struct host_addr unpack(uint64_t pick)
{
    return (struct host_addr){htonl((uint32_t)(pick >> 16)), htons((uint16_t)pick)};
}

static int by_number(const void *left, const void *right)
{
    const uint64_t *a = left, *b = right;
    return (*a > *b) - (*a < *b);
}

/* Picks of one host, the first of them at `at`. */
static uint32_t run_length(const struct picks *picks, uint32_t at)
{
    uint32_t end = at;
    while (end < picks->count && picks->hosts[end] == picks->hosts[at])
        end++;
    return end - at;
}

static int print_table(const struct picks *picks)
{
    static const struct grid_column columns[] = {
        {"HOST", GRID_LEFT}, {"PICKS", GRID_RIGHT}, {"SHARE", GRID_RIGHT}};
    struct grid *grid = grid_new(columns, sizeof(columns) / sizeof(*columns));
    for (uint32_t at = 0, run = 0; at < picks->count; at += run) {
        char number[16];
        run = run_length(picks, at);
        snprintf(number, sizeof(number), "%" PRIu32, run);
        grid_row(grid,
                 (const char *[]){text_host(unpack(picks->hosts[at])).is, number,
                                  text_percent(run, picks->count).is},
                 NULL);
    }
    int code = grid_print(grid) == 0 ? EXIT_SUCCESS : say_no_memory();
    if (code == EXIT_SUCCESS && picks->overloaded)
        printf("%" PRIu32 " of %" PRIu32 " time%s there was no host: all are overloaded\n", picks->overloaded,
               picks->overloaded + picks->count, number_plural(picks->overloaded + picks->count));
    return code;
}

static json_t *json_hosts(const struct picks *picks)
{
    json_t *hosts = json_array();
    for (uint32_t at = 0, run = 0; hosts && at < picks->count; at += run) {
        json_t *element = json_host(unpack(picks->hosts[at]));
        run = run_length(picks, at);
        if (json_object_set_new(element, "picks", json_integer(run)) != 0 ||
            json_array_append(hosts, element) != 0) {
            json_decref(hosts);
            hosts = NULL;
        }
        json_decref(element);
    }
    return hosts;
}

static int print_json(const struct common *common, struct route_key key, const struct picks *picks,
                      uint64_t snapshot_unix_ms)
{
    return json_print(json_pack("{s:i, s:s, s:I, s:I, s:I, s:I, s:I, s:o}", "version", JSON_VERSION,
                                "instance", common->instance, "modid", (json_int_t)key.modid, "cmdid",
                                (json_int_t)key.cmdid, "picks", (json_int_t)picks->count, "overloaded",
                                (json_int_t)picks->overloaded, "snapshot_unix_ms",
                                json_number(snapshot_unix_ms), "hosts", json_hosts(picks)));
}

int get_picks(larshm *h, const struct common *common, struct route_key key, uint32_t count)
{
    struct picks picks = {.hosts = malloc(count * sizeof(*picks.hosts))};
    if (!picks.hosts)
        return say_no_memory();
    int code = LARSHM_OK;
    for (uint32_t i = 0; (code == LARSHM_OK || code == LARSHM_OVERLOAD) && i < count; i++) {
        larshm_host host;
        code = larshm_get_host(h, key.modid, key.cmdid, &host);
        if (code == LARSHM_OK)
            picks.hosts[picks.count++] = host_addr_order((struct host_addr){host.addr, host.port});
        else if (code == LARSHM_OVERLOAD)
            picks.overloaded++;
    }
    if (picks.overloaded == count)
        code = fail_lookup(common, key, LARSHM_OVERLOAD);
    else if (code != LARSHM_OK && code != LARSHM_OVERLOAD)
        code = fail_lookup(common, key, code);
    else {
        larshm_route_info info = {0};
        larshm_info(h, key.modid, key.cmdid, &info);
        qsort(picks.hosts, picks.count, sizeof(*picks.hosts), by_number);
        if (common->json)
            code = print_json(common, key, &picks, info.snapshot_unix_ms);
        else {
            get_warn_of_snapshot(key, info.snapshot_unix_ms);
            code = print_table(&picks);
        }
    }
    free(picks.hosts);
    return code;
}
