/* SPDX-License-Identifier: MIT */
#include "shm/check.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "conf/number.h"
#include "tools/larshm/command.h"
#include "tools/larshm/failure.h"
#include "tools/larshm/instance.h"
#include "tools/larshm/json.h"
#include "tools/larshm/say.h"
#include "tools/larshm/text.h"

static const char doc[] =
    "Validates the whole routes object: every key is reachable, every table is in bounds, none overlaps another. "
    "Safe at any time, beside a fetcher that publishes.\v"
    "Prints \"ok: ...\", or the first thing that is wrong and exits with 5. What to do then: restart "
    "larshm-fetcher, which recreates the object from all that is valid.\n\n"
    "Examples:\n"
    "  larshm check\n"
    "  larshm -j check | jq .ok\n\n" EXIT_CODES_DOC;

static const struct argp argp = {NULL, NULL, "", doc, common_children, NULL, NULL};

static int print_json(const struct instance *instance, bool ok, const struct check_report *report)
{
    return json_print(json_pack(
        "{s:i, s:s, s:b, s:I, s:I, s:I, s:I, s:s?}", "version", JSON_VERSION, "instance", instance->name,
        "ok", ok, "routes", (json_int_t)report->keys, "hosts", (json_int_t)report->hosts,
        "longest_probe_buckets", (json_int_t)report->longest_probe, "live_bytes",
        json_number(report->live_units * UNIT_BYTES), "wrong", ok ? NULL : report->text));
}

static int print_text(bool ok, const struct check_report *report)
{
    if (ok)
        printf("ok: %" PRIu32 " route%s, %" PRIu32 " host%s, %s live, longest probe %" PRIu32 " bucket%s\n",
               report->keys, number_plural(report->keys), report->hosts, number_plural(report->hosts),
               text_bytes(report->live_units * UNIT_BYTES).is, report->longest_probe,
               number_plural(report->longest_probe));
    else
        printf("wrong: %s\n", report->text);
    return EXIT_SUCCESS;
}

static int check(const struct instance *instance, bool json)
{
    struct check_report report;
    enum shm_status status = check_routes(&instance->routes, &report);
    if (status == SHM_SYSTEM_ERROR)
        return say_no_memory();
    bool ok = status == SHM_OK;
    int code = json ? print_json(instance, ok, &report) : print_text(ok, &report);
    if (code != EXIT_SUCCESS || ok)
        return code;
    say("%s is damaged: restart larshm-fetcher, which recreates it", instance->names.routes);
    return EXIT_DAMAGED;
}

int command_check(struct common *common, int argc, char **argv)
{
    struct instance instance;
    if (argp_parse(&argp, argc, argv, 0, NULL, NULL) != 0)
        return EXIT_USAGE;
    int code = open_instance(common, &instance);
    if (code != EXIT_SUCCESS)
        return code;
    code = check(&instance, common->json);
    instance_close(&instance);
    return code;
}
