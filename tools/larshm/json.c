/* SPDX-License-Identifier: MIT */
#include "tools/larshm/json.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

#include "tools/larshm/say.h"
#include "tools/larshm/text.h"

json_int_t json_number(uint64_t value)
{
    return value > INT64_MAX ? INT64_MAX : (json_int_t)value;
}

static json_t *json_hosts(const struct route *route)
{
    json_t *hosts = json_array();
    for (uint32_t i = 0; hosts && i < route->host_count; i++) {
        json_t *host = json_pack("{s:s, s:i}", "ip", text_address(route->hosts[i].address).is, "port",
                                 (int)ntohs(route->hosts[i].port));
        if (json_array_append_new(hosts, host) != 0) {
            json_decref(hosts);
            hosts = NULL;
        }
    }
    return hosts;
}

json_t *json_route(const struct route *route)
{
    return json_pack("{s:I, s:I, s:I, s:s, s:I, s:I, s:o}", "modid", (json_int_t)route->modid, "cmdid",
                     (json_int_t)route->cmdid, "version", json_number(route->version), "state",
                     route_condition_names[route->condition], "age_ms", json_number(route->age_ms),
                     "update_timeout_s", (json_int_t)route->update_timeout_s, "hosts", json_hosts(route));
}

static int print(json_t *document, size_t flags)
{
    if (!document)
        return say_no_memory();
    int result = json_dumpf(document, stdout, flags);
    json_decref(document);
    if (result != 0 && !ferror(stdout)) /* of the other, main() tells */
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
