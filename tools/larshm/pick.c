/* SPDX-License-Identifier: MIT */
#include <arpa/inet.h>
#include <inttypes.h>
#include <libsmartcols.h>
#include <stdio.h>
#include <stdlib.h>

#include "tools/larshm/failure.h"
#include "tools/larshm/get.h"
#include "tools/larshm/json.h"
#include "tools/larshm/say.h"
#include "tools/larshm/text.h"

/* A pick as one number, so that sorting puts equal hosts side by side, in the order of their addresses. */
static uint64_t pack(const larshm_host *host)
{
    return (uint64_t)ntohl(host->addr) << 16 | ntohs(host->port);
}

static struct host unpack(uint64_t pick)
{
    return (struct host){htonl((uint32_t)(pick >> 16)), htons((uint16_t)pick)};
}

static int by_number(const void *left, const void *right)
{
    const uint64_t *a = left, *b = right;
    return (*a > *b) - (*a < *b);
}

/* Picks of one host, the first of them at `at`. */
static uint32_t run_length(const uint64_t *picks, uint32_t count, uint32_t at)
{
    uint32_t end = at;
    while (end < count && picks[end] == picks[at])
        end++;
    return end - at;
}

static int print_table(const uint64_t *picks, uint32_t count)
{
    struct libscols_table *table = scols_new_table();
    int result = table && scols_table_new_column(table, "HOST", 0, 0) &&
                         scols_table_new_column(table, "PICKS", 0, SCOLS_FL_RIGHT) &&
                         scols_table_new_column(table, "SHARE", 0, SCOLS_FL_RIGHT)
                     ? 0
                     : -1;
    for (uint32_t at = 0, run = 0; result == 0 && at < count; at += run) {
        struct libscols_line *line = scols_table_new_line(table, NULL);
        char number[16], share[16];
        run = run_length(picks, count, at);
        snprintf(number, sizeof(number), "%" PRIu32, run);
        snprintf(share, sizeof(share), "%.1f %%", 100.0 * run / count);
        if (!line || scols_line_set_data(line, 0, text_host(unpack(picks[at])).is) != 0 ||
            scols_line_set_data(line, 1, number) != 0 || scols_line_set_data(line, 2, share) != 0)
            result = -1;
    }
    if (result == 0)
        result = scols_print_table(table);
    scols_unref_table(table);
    return result == 0 ? EXIT_SUCCESS : say_no_memory();
}

static json_t *json_hosts(const uint64_t *picks, uint32_t count)
{
    json_t *hosts = json_array();
    for (uint32_t at = 0, run = 0; hosts && at < count; at += run) {
        struct host host = unpack(picks[at]);
        run = run_length(picks, count, at);
        json_t *element = json_pack("{s:s, s:i, s:I}", "ip", text_address(host.address).is, "port",
                                    (int)ntohs(host.port), "picks", (json_int_t)run);
        if (json_array_append_new(hosts, element) != 0) {
            json_decref(hosts);
            hosts = NULL;
        }
    }
    return hosts;
}

static int print_json(const struct common *common, const struct route_name *name, const uint64_t *picks,
                      uint32_t count)
{
    return json_print(json_pack("{s:i, s:s, s:I, s:I, s:I, s:o}", "version", JSON_VERSION, "instance",
                                common->instance, "modid", (json_int_t)name->modid, "cmdid",
                                (json_int_t)name->cmdid, "picks", (json_int_t)count, "hosts",
                                json_hosts(picks, count)));
}

int get_picks(larshm *h, const struct common *common, const struct route_name *name, uint32_t count)
{
    uint64_t *picks = malloc(count * sizeof(*picks));
    if (!picks)
        return say_no_memory();
    int code = LARSHM_OK;
    for (uint32_t i = 0; code == LARSHM_OK && i < count; i++) {
        larshm_host host;
        code = larshm_get_host(h, name->modid, name->cmdid, &host);
        if (code == LARSHM_OK)
            picks[i] = pack(&host);
    }
    if (code == LARSHM_OK) {
        qsort(picks, count, sizeof(*picks), by_number);
        code = common->json ? print_json(common, name, picks, count) : print_table(picks, count);
    } else {
        code = fail_lookup(common, name, code);
    }
    free(picks);
    return code;
}
