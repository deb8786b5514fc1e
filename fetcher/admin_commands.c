/* SPDX-License-Identifier: MIT */
#include "fetcher/admin_commands.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "conf/log.h"
#include "conf/number.h"
#include "fetcher/admin_refresh.h"
#include "shm/region.h"

/* Members that a command adds to its answer are the caller's to free; NULL: none. */
typedef json_t *command_fn(const struct admin_targets *targets, const struct admin_request *request,
                           struct admin_error *error);

static struct route_key key_of(const struct admin_request *request)
{
    return route_key(request->modid, request->cmdid);
}

static struct host_addr host_of(const struct admin_request *request)
{
    return (struct host_addr){request->host.sin_addr.s_addr, request->host.sin_port};
}

/* ---- the commands ---- */

static json_t *set_override(const struct admin_targets *targets, const struct admin_request *request,
                            enum host_override override, struct admin_error *error)
{
    char ip[INET_ADDRSTRLEN];
    const struct host_addr host = host_of(request);
    const uint32_t modid = request->modid, cmdid = request->cmdid;
    inet_ntop(AF_INET, &host.address, ip, sizeof(ip));
    switch (balance_override(targets->balance, key_of(request), host, override)) {
    case BALANCE_DONE:
        log_line(LOG_LEVEL_INFO, "route %" PRIu32 "/%" PRIu32 ": %s %s:%u, by an operator", modid, cmdid,
                 request->command, ip, ntohs(host.port));
        break;
    case BALANCE_NO_ROUTE:
        admin_refuse(error, "no_such_route", "no route %" PRIu32 "/%" PRIu32, modid, cmdid);
        break;
    case BALANCE_NO_HOST:
        admin_refuse(error, "no_such_host", "route %" PRIu32 "/%" PRIu32 " has no host %s:%u", modid, cmdid,
                     ip, ntohs(host.port));
        break;
    case BALANCE_FULL:
        admin_refuse(error, "full", "no room for another host: raise [shm] max_bytes, or free %s",
                     region_directory());
        break;
    }
    return NULL;
}

static json_t *pin(const struct admin_targets *targets, const struct admin_request *request,
                   struct admin_error *error)
{
    return set_override(targets, request, OVERRIDE_PINNED, error);
}

static json_t *drain(const struct admin_targets *targets, const struct admin_request *request,
                     struct admin_error *error)
{
    return set_override(targets, request, OVERRIDE_DRAINED, error);
}

static json_t *clear(const struct admin_targets *targets, const struct admin_request *request,
                     struct admin_error *error)
{
    return set_override(targets, request, OVERRIDE_NONE, error);
}

static json_t *accept_answer(const struct admin_targets *targets, const struct admin_request *request,
                             struct admin_error *error)
{
    const uint32_t modid = request->modid, cmdid = request->cmdid;
    uint32_t hosts;
    switch (refresh_accept(targets->refresh, key_of(request), &hosts)) {
    case ACCEPT_DONE:
        log_line(LOG_LEVEL_INFO,
                 "route %" PRIu32 "/%" PRIu32 ": the answer that was held back, of %" PRIu32
                 " host%s, is accepted, by an operator",
                 modid, cmdid, hosts, number_plural(hosts));
        return json_pack("{s:I}", "hosts", (json_int_t)hosts);
    case ACCEPT_NO_ROUTE:
        admin_refuse(error, "no_such_route", "no route %" PRIu32 "/%" PRIu32, modid, cmdid);
        break;
    case ACCEPT_NO_HOLD:
        admin_refuse(error, "no_hold", "no answer for route %" PRIu32 "/%" PRIu32 " is held back", modid,
                     cmdid);
        break;
    }
    return NULL;
}

static json_t *accept_all(const struct admin_targets *targets, const struct admin_request *request,
                          struct admin_error *error)
{
    uint32_t routes;
    (void)request;
    if (!refresh_accept_all(targets->refresh, &routes)) {
        admin_refuse(error, "no_hold", "no answer is held back");
        return NULL;
    }
    log_line(LOG_LEVEL_INFO,
             "all answers that were held back, of %" PRIu32 " route%s, are accepted, by an operator", routes,
             number_plural(routes));
    return json_pack("{s:I}", "routes", (json_int_t)routes);
}

static json_t *forget(const struct admin_targets *targets, const struct admin_request *request,
                      struct admin_error *error)
{
    const uint32_t modid = request->modid, cmdid = request->cmdid;
    uint64_t soon_ms;
    switch (refresh_forget(targets->refresh, key_of(request), &soon_ms)) {
    case FORGET_DONE:
        log_line(LOG_LEVEL_INFO, "route %" PRIu32 "/%" PRIu32 " leaves the cache, by an operator", modid,
                 cmdid);
        return json_pack("{s:I, s:I}", "within_ms", (json_int_t)(soon_ms + FORGET_MS), "overrides",
                         (json_int_t)balance_count_overrides(targets->balance, key_of(request)));
    case FORGET_NO_ROUTE:
        admin_refuse(error, "no_such_route", "no route %" PRIu32 "/%" PRIu32, modid, cmdid);
        break;
    case FORGET_NO_MEMORY:
        admin_refuse(error, "busy", "out of memory");
        break;
    }
    return NULL;
}

static json_t *describe(const struct admin_targets *targets, unsigned index)
{
    const struct servers *servers = targets->servers;
    bool connected = writer_connection_state(targets->writer) == CONNECTION_UP;
    const struct server *server = &servers->list[index];
    char address[CONFIG_HOST_SIZE + 8];
    snprintf(address, sizeof(address), "%s:%u", server->peer.ip, server->peer.port);
    const uint64_t shown =
        server->version < INT64_MAX ? server->version : INT64_MAX; /* JSON's largest here */
    json_t *version = server->told ? json_integer((json_int_t)shown) : json_null();
    return json_pack("{s:s, s:b, s:o, s:I, s:I, s:I, s:s}", "address", address, "in_use",
                     (int)(connected && index == servers->at), "version", version, "connects",
                     (json_int_t)server->connects, "failures", (json_int_t)server->failures, "answers",
                     (json_int_t)server->answers, "last_error", server->error);
}

static json_t *list_servers(const struct admin_targets *targets, const struct admin_request *request,
                            struct admin_error *error)
{
    json_t *list = json_array();
    (void)request;
    (void)error;
    for (unsigned i = 0; i < targets->servers->count; i++)
        json_array_append_new(list, describe(targets, i));
    return json_pack("{s:o}", "servers", list);
}

static json_t *reload(const struct admin_targets *targets, const struct admin_request *request,
                      struct admin_error *error)
{
    char text[ADMIN_TEXT_SIZE];
    (void)request;
    if (targets->reload(targets->context, text))
        return json_pack("{s:s, s:s}", "file", targets->config_path ? targets->config_path : "",
                         "needs_restart", text);
    admin_refuse(error, "bad_config", "%s", text);
    return NULL;
}

/* ---- the table ---- */

static const struct command {
    const char *name;
    bool takes_route, takes_host; /* these it must be given, and no others */
    command_fn *run;              /* NULL: refresh, whose answer comes later */
} commands[] = {
    {"pin", true, true, pin},
    {"drain", true, true, drain},
    {"clear", true, true, clear},
    {"accept", true, false, accept_answer},
    {"refresh", true, false, NULL},
    {"forget", true, false, forget},
    {"accept_all", false, false, accept_all},
    {"servers", false, false, list_servers},
    {"reload", false, false, reload},
};

enum {
    COMMANDS = sizeof(commands) / sizeof(*commands)
};

static const struct command *find(const struct admin_request *request, struct admin_error *error)
{
    for (size_t i = 0; i < COMMANDS; i++) {
        const struct command *command = &commands[i];
        if (strcmp(command->name, request->command) != 0)
            continue;
        if (command->takes_route == request->has_route && command->takes_host == request->has_host)
            return command;
        admin_refuse(error, "bad_request", "%s takes %s", command->name,
                     command->takes_host    ? "modid, cmdid and host"
                     : command->takes_route ? "modid and cmdid"
                                            : "nothing");
        return NULL;
    }
    admin_refuse(error, "unknown_command", "unknown command %s", request->command);
    return NULL;
}

static char *dump(json_t *answer)
{
    char *text = answer ? json_dumps(answer, JSON_COMPACT) : NULL;
    json_decref(answer);
    return text;
}

static char *execute(void *arg, const char *line, size_t length, struct admin_rest *rest)
{
    const struct admin_targets *targets = arg;
    struct admin_request request;
    struct admin_error error = {.code = ""};
    json_t *more = NULL;
    if (admin_request_parse(line, length, &request, &error)) {
        const struct command *command = find(&request, &error);
        if (command && !command->run && admin_refresh(targets->refresh, key_of(&request), rest, &error))
            return NULL;
        if (command && command->run)
            more = command->run(targets, &request, &error);
    }
    if (error.code[0])
        return admin_error_answer(&error);
    json_t *answer = json_pack("{s:i, s:b}", "version", ADMIN_VERSION, "ok", 1);
    if (more && answer)
        json_object_update(answer, more);
    json_decref(more);
    return dump(answer);
}

struct admin_service admin_service(const struct admin_targets *targets)
{
    return (struct admin_service){
        .execute = execute,
        .arg = (void *)targets,
        .peers_max = ADMIN_PEERS_MAX,
        .missing = "`larshm host`, `larshm refresh` and others do not work",
        .remedy = "set [fetcher] admin_socket to a path in a directory of the fetcher's user",
    };
}
