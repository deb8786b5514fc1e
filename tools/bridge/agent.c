/* SPDX-License-Identifier: MIT */
#include "tools/bridge/agent.h"

#include <inttypes.h>

#include "conf/address.h"

/* The codes of an old client. After NOEXIST it tries again, as with a Lars agent that has not cached the route yet: right
 * for a route, or a fetcher, that comes in a moment. */
static int32_t lars_code(int code)
{
    switch (code) {
    case LARSHM_OK:
    case LARSHM_OVERLOAD:
        return code;
    case LARSHM_NOEXIST:
    case LARSHM_PENDING:
    case LARSHM_NO_OBJECT:
        return LARSHM_NOEXIST;
    default:
        return LARSHM_SYSTEM_ERROR;
    }
}

/* Logs why a lookup failed, where the client gets no more than SYSTEM_ERROR. */
static void log_lookup(struct agent *agent, const larshm_host *route, int code)
{
    if (lars_code(code) == LARSHM_SYSTEM_ERROR)
        log_limited(&agent->lookup_limit, LOG_LEVEL_WARNING, "route %" PRIu32 "/%" PRIu32 ": %s",
                    route->modid, route->cmdid, larshm_strerror(code));
}

static size_t answer_host(struct agent *agent, const struct request *request,
                          uint8_t out[static DATAGRAM_MAX])
{
    larshm *routes;
    larshm_host host = request->host;
    int code = source_routes(agent->source, &routes);
    if (code == LARSHM_OK)
        code = larshm_get_host(routes, host.modid, host.cmdid, &host);
    log_lookup(agent, &host, code);
    agent->totals.requests++;
    return message_encode_host(out, request->seq, lars_code(code), &host);
}

static size_t answer_route(struct agent *agent, const larshm_host *route, uint8_t out[static DATAGRAM_MAX])
{
    larshm *routes;
    size_t count = 0;
    bool whole;
    int code = source_routes(agent->source, &routes);
    if (code == LARSHM_OK)
        code = larshm_get_route(routes, route->modid, route->cmdid, agent->hosts, HOSTS_MAX, &count);
    log_lookup(agent, route, code);
    if (count > HOSTS_MAX)
        count = HOSTS_MAX;
    size_t size = message_encode_route(out, route->modid, route->cmdid, agent->hosts, count, &whole);
    if (!whole) {
        agent->totals.too_large++;
        log_limited(&agent->too_large_limit, LOG_LEVEL_WARNING,
                    "route %" PRIu32 "/%" PRIu32
                    ": answered without hosts, as its %zu do not fit into a datagram; clients of "
                    "liblarshm get them, and one host at a time is answered",
                    route->modid, route->cmdid, count);
    }
    agent->totals.requests++;
    return size;
}

static void record_report(struct agent *agent, const struct request *report)
{
    larshm *routes;
    int code = source_routes(agent->source, &routes);
    if (code == LARSHM_OK)
        code = larshm_report(routes, &report->host, report->retcode);
    if (code == LARSHM_OK) {
        agent->totals.reports++;
        return;
    }
    agent->totals.lost_reports++;
    log_limited(&agent->report_limit, LOG_LEVEL_WARNING, "lost a report on route %" PRIu32 "/%" PRIu32 ": %s",
                report->host.modid, report->host.cmdid, larshm_strerror(code));
}

static void drop(struct agent *agent, const struct sockaddr_in *from, const char *why)
{
    char name[ADDRESS_TEXT_SIZE];
    agent->totals.bad++;
    address_format(from, name);
    log_limited(&agent->bad_limit, LOG_LEVEL_WARNING, "dropped a datagram from %s: %s", name, why);
}

size_t agent_handle(struct agent *agent, const uint8_t *datagram, size_t size, const struct sockaddr_in *from,
                    uint8_t out[static DATAGRAM_MAX])
{
    struct request request;
    const char *why = message_decode(datagram, size, &request);
    if (why) {
        drop(agent, from, why);
        return 0;
    }
    switch (request.kind) {
    case REQUEST_HOST:
        return answer_host(agent, &request, out);
    case REQUEST_ROUTE:
        return answer_route(agent, &request.host, out);
    default:
        record_report(agent, &request);
        return 0;
    }
}
