/* SPDX-License-Identifier: MIT */
#include "tools/larshm/failure.h"

#include <errno.h>
#include <inttypes.h>
#include <larshm/larshm.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "shm/clock.h"
#include "shm/region.h"
#include "tools/larshm/facts.h"
#include "tools/larshm/hosts.h"
#include "tools/larshm/instance.h"
#include "tools/larshm/json.h"
#include "tools/larshm/plugin.h"
#include "tools/larshm/say.h"
#include "tools/larshm/text.h"

int fail(const struct common *common, int exit_code, const char *format, ...)
{
    char error[512], instance[INSTANCE_MAX + 1];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(error, sizeof(error), format, arguments);
    va_end(arguments);
    if (common->plugin)
        plugin_print(exit_code, error, NULL);
    else
        say("%s", error);
    if (common->json) {
        text_printable(common->instance, sizeof(instance), instance); /* it may be no instance's name */
        json_t *document = json_pack("{s:i, s:s, s:s, s:i}", "version", JSON_VERSION, "instance", instance,
                                     "error", error, "exit_code", exit_code);
        if (common->findings)
            json_object_update_new(document,
                                   json_pack("{s:b, s:[{s:s, s:i, s:s}]}", "ok", 0, "findings", "finding",
                                             "instance", "exit_code", exit_code, "text", error));
        json_print_line(document);
    }
    return exit_code;
}

int exit_code_of(int code)
{
    switch (code) {
    case LARSHM_OK:
        return EXIT_SUCCESS;
    case LARSHM_OVERLOAD:
        return EXIT_OVERLOADED;
    case LARSHM_NOEXIST:
    case LARSHM_PENDING:
    case LARSHM_FULL:
        return EXIT_NO_ROUTE;
    case LARSHM_NO_OBJECT:
    case LARSHM_CUT_OFF:
        return EXIT_NO_OBJECT;
    case LARSHM_STALE:
        return EXIT_STALE;
    case LARSHM_SHORT:
    case LARSHM_NOT_LARSHM:
    case LARSHM_LAYOUT:
    case LARSHM_CORRUPT:
        return EXIT_DAMAGED;
    case LARSHM_NO_PERMISSION:
    case LARSHM_FOREIGN:
    case LARSHM_UNSAFE:
        return EXIT_PERMISSION;
    case LARSHM_TIMEOUT:
        return EXIT_TIMED_OUT;
    default:
        return EXIT_USAGE;
    }
}

static int fail_code(const struct common *common, const char *what, int code)
{
    return fail(common, exit_code_of(code), "%s: %s", what,
                code == LARSHM_SYSTEM_ERROR ? strerror(errno) : larshm_strerror(code));
}

static bool fetcher_alive(const char *name)
{
    struct instance instance;
    if (instance_open(name, &instance) != SHM_OK)
        return false;
    bool alive = fetcher_life(instance.routes.s_header, clock_tick()) == FETCHER_IS_ALIVE;
    instance_close(&instance);
    return alive;
}

int fail_lookup(const struct common *common, struct route_key key, int code)
{
    char what[48];
    snprintf(what, sizeof(what), "route %" PRIu32 "/%" PRIu32, key.modid, key.cmdid);
    if (code == LARSHM_OVERLOAD)
        return fail(common, EXIT_OVERLOADED,
                    "%s: all hosts are overloaded or drained: `larshm get %" PRIu32 " %" PRIu32 "` shows why",
                    what, key.modid, key.cmdid);
    if ((code == LARSHM_PENDING || code == LARSHM_TIMEOUT) && !fetcher_alive(common->instance))
        return fail(common, code == LARSHM_PENDING ? EXIT_NO_OBJECT : EXIT_TIMED_OUT,
                    "%s: not cached, and there is no fetcher to request it from: start larshm-fetcher", what);
    if (code != LARSHM_PENDING)
        return fail_code(common, what, code);
    return fail(common, EXIT_NO_ROUTE,
                "%s: requested, not cached yet: try `larshm wait %" PRIu32 " %" PRIu32 "`", what, key.modid,
                key.cmdid);
}

static int fail_list(const struct common *common)
{
    return fail(common, EXIT_PERMISSION,
                "LARSHM_TRUST_UID, or " TRUST_FILE
                " where that is not set, is no list of 1 to %d decimal uids: "
                "separate them by commas, in the file by line ends",
                TRUST_LIST_MAX);
}

/* Says who is not trusted, and what would change that. */
static int fail_foreign(const struct common *common)
{
    char name[OBJECT_NAME_MAX], path[DIRECTORY_PATH_MAX + OBJECT_NAME_MAX];
    const char *what = name;
    struct stat st;
    struct trusted trusted;
    struct trust trust;
    enum shm_status status = instance_trusted(&trusted, &trust);
    if (status == SHM_BAD_ARGUMENT)
        return fail_list(common);
    snprintf(name, sizeof(name), "/larshm.%s", common->instance);
    snprintf(path, sizeof(path), "%s%s", region_directory(), name);
    if (status != SHM_OK)
        what = region_directory();
    if (lstat(status == SHM_OK ? path : what, &st) != 0)
        return fail_code(common, what, LARSHM_FOREIGN);
    if (status == SHM_OK && !S_ISREG(st.st_mode))
        return fail(common, EXIT_PERMISSION,
                    "%s: it is no regular file: remove %s, and restart larshm-fetcher", name, path);
    if (st.st_uid == trusted.unmapped)
        return fail(
            common, EXIT_PERMISSION,
            "%s: it belongs to a user outside of this user namespace, whom no list of trust can name: give the "
            "objects a directory of their own and name it in LARSHM_DIRECTORY, see larshm(7)",
            what);
    return fail(common, EXIT_PERMISSION,
                "%s: it belongs to uid %u, who is not trusted: if larshm-fetcher runs as that user, set "
                "LARSHM_TRUST_UID=%u, or list %u in " TRUST_FILE ", see larshm(7)",
                what, st.st_uid, st.st_uid, st.st_uid);
}

/* Of the name, the directory and the list of trust, says which one is wrong. */
static int fail_argument(const struct common *common)
{
    struct object_names names;
    char printable[2 * INSTANCE_MAX];
    if (!directory_or_default(NULL))
        return fail(
            common, EXIT_USAGE,
            "LARSHM_DIRECTORY is no absolute path of at most %d characters: correct it, or unset it, see "
            "larshm(7)",
            DIRECTORY_PATH_MAX - 1);
    if (object_names(common->instance, &names) == SHM_OK)
        return fail_list(common);
    text_printable(common->instance, sizeof(printable), printable);
    return fail(common, EXIT_USAGE, "\"%s\" is no instance: its name is 1 to 32 letters, digits, '-' or '_'",
                printable);
}

int fail_unopened(const struct common *common, int code)
{
    const char *instance = common->instance;
    char what[OBJECT_NAME_MAX];
    switch (code) {
    case LARSHM_NO_OBJECT:
        return fail(common, EXIT_NO_OBJECT,
                    "no routes object /larshm.%s: is larshm-fetcher running? see `larshm-fetcher --help`",
                    instance);
    case LARSHM_NO_PERMISSION: /* the library's text is about requesting routes */
        return fail(common, EXIT_PERMISSION,
                    "/larshm.%s: this user may not read it: its mode should be 0644, "
                    "restart larshm-fetcher, which recreates it",
                    instance);
    case LARSHM_FOREIGN:
        return fail_foreign(common);
    case LARSHM_BAD_ARGUMENT:
        return fail_argument(common);
    default:
        snprintf(what, sizeof(what), "/larshm.%s", instance);
        return fail_code(common, what, code);
    }
}

int open_instance(const struct common *common, struct instance *out)
{
    enum shm_status status = instance_open(common->instance, out);
    return status == SHM_OK ? EXIT_SUCCESS : fail_unopened(common, (int)status);
}

int open_facts(const struct common *common, struct instance *instance, struct facts *facts)
{
    int code = open_instance(common, instance);
    if (code != EXIT_SUCCESS || facts_read(instance, facts) == 0)
        return code;
    instance_close(instance);
    return say_no_memory();
}

int fail_report(const struct common *common, struct route_key key, int code)
{
    if (code == LARSHM_NO_PERMISSION)
        return fail(common, EXIT_PERMISSION,
                    "no permission to report: join the group that owns %s/larshm.%s.control",
                    region_directory(), common->instance);
    if (code == LARSHM_FULL)
        return fail(
            common, EXIT_USAGE,
            "no room for results of another host: `larshm health` says whether a fetcher runs, which makes room, "
            "or whether [shm] max_bytes is reached");
    return fail_lookup(common, key, code);
}

int fail_hosts(const struct common *common, enum shm_status status)
{
    if (status == SHM_BAD_ARGUMENT)
        return fail_unopened(common, (int)status);
    if (status == SHM_NO_OBJECT)
        return fail(common, EXIT_NO_OBJECT,
                    "no hosts object /larshm.%s.hosts: is larshm-fetcher running? see `larshm show`",
                    common->instance);
    return fail(common, exit_code_of((int)status),
                "/larshm.%s.hosts cannot be used, %s: restart larshm-fetcher, which recreates it",
                common->instance, hosts_fault(status));
}
