/* SPDX-License-Identifier: MIT */
/* A thread per port answers. This one waits for the signals that end it, and for an instance that is not there yet. */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

#include "conf/address.h"
#include "conf/log.h"
#include "conf/notify.h"
#include "conf/start.h"
#include "conf/system_error.h"
#include "tools/bridge/options.h"
#include "tools/bridge/port.h"
#include "tools/bridge/source.h"
#include "tools/common/announce.h"

enum {
    OPEN_EVERY_MS = 100
};

struct bridge {
    struct options options;
    struct source source;
    struct port *ports[PORTS_MAX];
    size_t port_count; /* that are open */
    sigset_t ends;
    int ended_by; /* signal */
};

/* Before any thread is there, so that all of them leave the signals to this one. */
static void block_signals(struct bridge *bridge)
{
    sigemptyset(&bridge->ends);
    sigaddset(&bridge->ends, SIGTERM);
    sigaddset(&bridge->ends, SIGINT);
    sigprocmask(SIG_BLOCK, &bridge->ends, NULL);
}

static void log_refused_port(const struct sockaddr_in *address, int error)
{
    char name[ADDRESS_TEXT_SIZE];
    address_format(address, name);
    if (error == EMFILE || error == ENFILE) {
        log_line(LOG_LEVEL_ERROR, "cannot listen on udp %s: %s", name, system_error_text(error));
        return;
    }
    log_line(LOG_LEVEL_ERROR, "cannot listen on udp %s: %s; %s", name, strerror(error),
             error == EADDRINUSE
                 ? "is a Lars agent or another larshm-bridge running there? stop it, or choose "
                   "other ports with --ports"
                 : "choose another address with --listen, or other ports with --ports");
}

static int open_ports(struct bridge *bridge)
{
    const struct options *options = &bridge->options;
    for (size_t i = 0; i < options->port_count; i++) {
        const struct sockaddr_in address = {
            .sin_family = AF_INET, .sin_addr = options->listen, .sin_port = htons(options->ports[i])};
        bridge->ports[i] = port_open(&address, &bridge->source);
        if (!bridge->ports[i]) {
            log_refused_port(&address, errno);
            return -1;
        }
        bridge->port_count++;
    }
    return 0;
}

static int start_ports(struct bridge *bridge)
{
    for (size_t i = 0; i < bridge->port_count; i++) {
        if (port_start(bridge->ports[i]) != 0) {
            log_line(LOG_LEVEL_ERROR, "cannot start a thread: %s", system_error_thread_text(errno));
            return -1;
        }
        announce("udp ", port_address(bridge->ports[i]));
    }
    return 0;
}

/* Returns the signal that came. */
static int wait_for_end(struct bridge *bridge, int code)
{
    const struct timespec moment = {.tv_nsec = OPEN_EVERY_MS * 1000000L};
    for (;;) {
        int number = sigtimedwait(&bridge->ends, NULL, code == LARSHM_OK ? NULL : &moment);
        if (number > 0)
            return number;
        if (code != LARSHM_OK)
            code = source_open(&bridge->source);
    }
}

static void log_totals(const struct bridge *bridge)
{
    struct agent_totals sum = {0};
    uint64_t unsent = 0;
    for (size_t i = 0; i < bridge->port_count; i++) {
        uint64_t more;
        const struct agent_totals *totals = port_totals(bridge->ports[i], &more);
        sum.requests += totals->requests;
        sum.reports += totals->reports;
        sum.lost_reports += totals->lost_reports;
        sum.bad += totals->bad;
        sum.too_large += totals->too_large;
        unsent += more;
    }
    log_line(LOG_LEVEL_INFO,
             "%s: stopping; requests: %" PRIu64 ", reports: %" PRIu64 ", bad datagrams: %" PRIu64
             ", reports lost: %" PRIu64 ", answers too large: %" PRIu64 ", answers not sent: %" PRIu64,
             strsignal(bridge->ended_by), sum.requests, sum.reports, sum.bad, sum.lost_reports, sum.too_large,
             unsent);
}

/* Returns the exit status. */
static int run(struct bridge *bridge)
{
    int code = source_open(&bridge->source);
    if (code == LARSHM_BAD_ARGUMENT)
        return EX_CONFIG;
    if (open_ports(bridge) != 0 || start_ports(bridge) != 0)
        return EXIT_FAILURE;
    if (ntohl(bridge->options.listen.s_addr) >> IN_CLASSA_NSHIFT != IN_LOOPBACKNET)
        log_line(LOG_LEVEL_WARNING,
                 "other machines may reach these ports: any of them can request routes and report calls");
    notify("READY=1\nSTATUS=answering Lars clients");
    bridge->ended_by = wait_for_end(bridge, code);
    notify("STOPPING=1");
    return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    struct bridge bridge = {0};
    start_prepare();
    options_parse(argc, argv, &bridge.options);
    log_daemon();
    bridge.source.instance = bridge.options.instance;
    block_signals(&bridge);
    int status = run(&bridge);
    for (size_t i = 0; i < bridge.port_count; i++)
        port_stop(bridge.ports[i]);
    if (status == EXIT_SUCCESS)
        log_totals(&bridge);
    for (size_t i = 0; i < bridge.port_count; i++)
        port_close(bridge.ports[i]);
    source_close(&bridge.source);
    return status;
}
