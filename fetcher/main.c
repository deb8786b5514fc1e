/* SPDX-License-Identifier: MIT */
/* One loop: timers, signals, the connections to the directory and to the report service. */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include <uv.h>

#include "conf/complaint.h"
#include "conf/config.h"
#include "conf/descriptors.h"
#include "conf/log.h"
#include "conf/notify.h"
#include "conf/number.h"
#include "conf/scan.h"
#include "conf/start.h"
#include "conf/system_error.h"
#include "conf/watchdog.h"
#include "fetcher/admin_commands.h"
#include "fetcher/check.h"
#include "fetcher/connection.h"
#include "fetcher/event_log.h"
#include "fetcher/health.h"
#include "fetcher/listener.h"
#include "fetcher/name_check.h"
#include "fetcher/options.h"
#include "fetcher/pace.h"
#include "fetcher/place.h"
#include "fetcher/refresh.h"
#include "fetcher/reporting.h"
#include "fetcher/snapshot.h"
#include "fetcher/snapshot_file.h"
#include "fetcher/snapshot_path.h"
#include "fetcher/snapshot_restore.h"
#include "shm/clock.h"
#include "shm/writer/sigbus.h"
#include "shm/writer/writer.h"

enum {
    MAINTENANCE_MS = 1000
};

struct daemon {
    struct options options;
    struct config config;
    uint64_t identity;      /* from which the order of the servers is drawn */
    struct servers servers; /* directories */
    struct name_check name_check;
    struct writer *writer;
    struct balance *balance;
    struct refresh *refresh;
    struct reporting *reporting;
    struct connection *connection;
    struct admin_targets targets;
    struct admin_server *admin; /* NULL: out of memory */
    struct listener *listener;  /* NULL: no thread could be started */
    struct snapshot *snapshot;
    char snapshot_path[SNAPSHOT_FILE_PATH_SIZE]; /* "": there is none */
    uv_loop_t loop;
    uv_timer_t poll, maintenance, watchdog;
    uv_prepare_t turn; /* of the loop */
    uv_idle_t hurry;   /* while it runs, no turn waits */
    struct pace pace;  /* of polls */
    uv_signal_t terminate, interrupt, hangup;
    uint64_t next_cut; /* tick: no truncated control object is replaced before, but by maintenance */
    int exit_status;
};

static const char *state_name(const struct daemon *daemon)
{
    static const char *const names[] = {"not connected yet", "connecting", "connected",
                                        "waiting to reconnect"};
    return names[writer_connection_state(daemon->writer)];
}

static void notify_status(const struct daemon *daemon, const char *prefix)
{
    char text[512];
    uint64_t routes = writer_counter(daemon->writer, COUNTER_routes);
    snprintf(text, sizeof(text), "%sSTATUS=%s to %s, %" PRIu64 " route%s", prefix, state_name(daemon),
             connection_address(daemon->connection), routes, number_plural(routes));
    notify(text);
}

static void stop(struct daemon *daemon, int exit_status)
{
    uv_handle_t *const handles[] = {(uv_handle_t *)&daemon->poll,      (uv_handle_t *)&daemon->maintenance,
                                    (uv_handle_t *)&daemon->watchdog,  (uv_handle_t *)&daemon->turn,
                                    (uv_handle_t *)&daemon->hurry,     (uv_handle_t *)&daemon->terminate,
                                    (uv_handle_t *)&daemon->interrupt, (uv_handle_t *)&daemon->hangup};
    daemon->exit_status = exit_status;
    notify("STOPPING=1");
    for (size_t i = 0; i < sizeof(handles) / sizeof(*handles); i++)
        uv_close(handles[i], NULL);
    name_check_stop(&daemon->name_check);
    connection_stop(daemon->connection);
    reporting_stop(daemon->reporting);
    admin_server_stop(daemon->admin);
    listener_stop(daemon->listener);
    snapshot_stop(daemon->snapshot);
    uv_stop(&daemon->loop);
}

/* Costs this machine's subscriptions: not while anything is waited for. */
static void return_to_own_server(struct daemon *daemon)
{
    const uint64_t after_ms = daemon->config.fetcher.return_after * UINT64_C(1000);
    if (!refresh_quiet(daemon->refresh) || !servers_return_due(&daemon->servers, after_ms, clock_tick()))
        return;
    servers_return(&daemon->servers);
    const struct config_peer *peer = servers_peer(&daemon->servers);
    log_line(LOG_LEVEL_INFO, "going back from directory %s to %s:%u", connection_address(daemon->connection),
             peer->ip, peer->port);
    connection_redirect(daemon->connection);
}

static void maintenance_due(uv_timer_t *timer)
{
    struct daemon *daemon = timer->data;
    enum shm_status status = writer_maintain(daemon->writer, clock_tick());
    event_log_all(daemon->writer);
    if (status == SHM_RUNNING) {
        stop(daemon, 1);
        return;
    }
    balance_maintain(daemon->balance);
    admin_server_maintain(daemon->admin);
    snapshot_maintain(daemon->snapshot, clock_tick());
    return_to_own_server(daemon);
    notify_status(daemon, "");
}

/* Changes with what programs, operators and the directory have done, and not with probes of a silent directory. */
static uint64_t counted(const struct daemon *daemon)
{
    static const enum shm_counter signs[] = {
        COUNTER_publishes,       COUNTER_pushes,     COUNTER_disconnects,     COUNTER_lookups_missed,
        COUNTER_lookups_expired, COUNTER_reports,    COUNTER_reports_unknown, COUNTER_reports_refused,
        COUNTER_ejections,       COUNTER_overloaded, COUNTER_results_sent,    COUNTER_orders,
    };
    uint64_t sum = refresh_demands(daemon->refresh);
    for (size_t i = 0; i < sizeof(signs) / sizeof(*signs); i++)
        sum += writer_counter(daemon->writer, signs[i]);
    return sum;
}

static void poll_due(uv_timer_t *timer)
{
    struct daemon *daemon = timer->data;
    refresh_poll(daemon->refresh);
    uint64_t now = clock_tick();
    balance_poll(daemon->balance, now);
    reporting_poll(daemon->reporting, now);
    event_log_all(daemon->writer);
    /* Replaced at once the first time; for a client that truncates it again and again, once a second. */
    if (writer_leave_cut_control(daemon->writer) && now >= daemon->next_cut) {
        daemon->next_cut = now + MAINTENANCE_MS;
        maintenance_due(&daemon->maintenance);
    }
    uint32_t interval = daemon->config.fetcher.poll_interval_ms;
    uv_timer_start(timer, poll_due, pace_next(&daemon->pace, counted(daemon), interval, now), 0);
}

static void hurry(uv_idle_t *idle)
{
    (void)idle;
}

/* A part of a larger generation in each turn, and turns in a row until there is none under way: connections, timers and
 * polls come between any two parts. */
static void turn(uv_prepare_t *prepare)
{
    struct daemon *daemon = prepare->data;
    if (writer_grow_on(daemon->writer, clock_tick()))
        uv_idle_start(&daemon->hurry, hurry);
    else
        uv_idle_stop(&daemon->hurry);
}

static _Atomic uint32_t *knock_place(void *context)
{
    const struct daemon *daemon = context;
    return writer_knock(daemon->writer);
}

static bool knocked(void *context)
{
    struct daemon *daemon = context;
    return refresh_knocked(daemon->refresh);
}

static const struct listener_role listener_role = {.where = knock_place, .knocked = knocked};

/* False: the server that was in use is not among them any more. */
static bool choose_servers(struct daemon *daemon)
{
    struct config_servers list = daemon->config.servers;
    if (daemon->options.dns.port || list.count == 0)
        list = (struct config_servers){
            .count = 1, .list = {daemon->options.dns.port ? daemon->options.dns : daemon->config.dnsserver}};
    return servers_set(&daemon->servers, &list, daemon->identity);
}

static struct writer_options writer_options(const struct daemon *daemon, const char *group)
{
    const struct config *config = &daemon->config;
    return (struct writer_options){
        .instance = daemon->options.instance,
        .max_bytes = config->shm.max_bytes,
        .max_unknown = config->shm.max_unknown,
        .group = group,
        .settings =
            {
                .update_timeout_s = config->loadbalance.update_timeout,
                .poll_interval_ms = config->fetcher.poll_interval_ms,
                .grace_ms = config->shm.grace_ms,
                .probe_num = config->loadbalance.probe_num,
                .slow_call_ms = config->loadbalance.slow_call_ms,
                .max_overload_timeout_s = health_longest_ejection_s(config),
                .eject_probe_interval_ms = config->loadbalance.eject_probe_interval * 1000,
                .lars_rules = config->loadbalance.rules == RULES_LARS,
            },
    };
}

static void apply_config(struct daemon *daemon)
{
    const struct config *config = &daemon->config;
    log_set_level((enum log_level)config->fetcher.log_level);
    uv_timer_start(&daemon->poll, poll_due, 0, 0);
    const struct writer_options options = writer_options(daemon, "");
    writer_reload(daemon->writer, &options);
    balance_apply_config(daemon->balance);
    if (!choose_servers(daemon))
        connection_redirect(daemon->connection);
    event_log_all(daemon->writer);
}

static void look_up_again(struct daemon *daemon)
{
    name_check_start(&daemon->name_check, &daemon->loop, &daemon->servers);
    connection_look_up_again(daemon->connection);
    reporting_look_up_again(daemon->reporting);
}

/* False: the log says all that is wrong with the file, and `first` the first of it, if it is not NULL. */
static bool load(const char *path, struct config *out, char *first)
{
    static struct complaints found;
    struct scan where;
    char text[ADMIN_TEXT_SIZE];
    if (config_load(path, out, &where, &found) == 0)
        return true;
    for (size_t i = 0; complaint_line(&found, i, text, sizeof(text)); i++)
        log_line(LOG_LEVEL_ERROR, "%s", text);
    if (first && complaint_line(&found, 0, text, sizeof(text))) {
        char more[64] = "";
        if (found.count > 1)
            snprintf(more, sizeof(more), "; %zu more in the log", found.count - 1);
        snprintf(first, ADMIN_TEXT_SIZE, "%.*s%s", ADMIN_TEXT_SIZE - (int)sizeof(more), text, more);
    }
    return false;
}

/* As admin_targets.reload; the log says the same. */
static bool reload(void *context, char text[static ADMIN_TEXT_SIZE])
{
    struct daemon *daemon = context;
    const char *path = daemon->options.config_path;
    struct config loaded;
    if (!path) {
        text[0] = '\0';
        look_up_again(daemon);
        log_line(LOG_LEVEL_WARNING, "no file to reload: started without -c; names are looked up again");
        return true;
    }
    if (!load(path, &loaded, text)) {
        log_line(LOG_LEVEL_ERROR, "%s is wrong; the configuration is unchanged", path);
        return false;
    }
    config_reload(&daemon->config, &loaded, text, ADMIN_TEXT_SIZE);
    apply_config(daemon);
    look_up_again(daemon);
    log_line(LOG_LEVEL_INFO, "reloaded %s", path);
    if (text[0])
        log_line(LOG_LEVEL_WARNING, "these keys need a restart: %s", text);
    return true;
}

static void hung_up(uv_signal_t *signal, int number)
{
    char text[ADMIN_TEXT_SIZE];
    (void)number;
    reload(signal->data, text);
}

static void end(uv_signal_t *signal, int number)
{
    struct daemon *daemon = signal->data;
    log_line(LOG_LEVEL_INFO, "%s: stopping; the routes stay and are served", strsignal(number));
    stop(daemon, 0);
}

static int start_loop(struct daemon *daemon)
{
    uv_loop_t *loop = &daemon->loop;
    daemon->reporting =
        reporting_new(loop, daemon->writer, daemon->balance, &daemon->config, daemon->identity);
    if (!daemon->reporting)
        return -1;
    daemon->connection =
        connection_new(loop, &daemon->servers, &daemon->config, &refresh_role, daemon->refresh);
    if (!daemon->connection)
        return -1;
    refresh_use(daemon->refresh, daemon->connection);
    uv_timer_init(loop, &daemon->poll);
    uv_timer_init(loop, &daemon->maintenance);
    watchdog_start(&daemon->watchdog, loop);
    uv_prepare_init(loop, &daemon->turn);
    uv_idle_init(loop, &daemon->hurry);
    uv_signal_init(loop, &daemon->terminate);
    uv_signal_init(loop, &daemon->interrupt);
    uv_signal_init(loop, &daemon->hangup);
    daemon->poll.data = daemon->maintenance.data = daemon->turn.data = daemon;
    daemon->terminate.data = daemon->interrupt.data = daemon->hangup.data = daemon;
    uv_prepare_start(&daemon->turn, turn);
    if (uv_timer_start(&daemon->poll, poll_due, 0, 0) != 0 ||
        uv_timer_start(&daemon->maintenance, maintenance_due, MAINTENANCE_MS, MAINTENANCE_MS) != 0 ||
        uv_signal_start(&daemon->terminate, end, SIGTERM) != 0 ||
        uv_signal_start(&daemon->interrupt, end, SIGINT) != 0 ||
        uv_signal_start(&daemon->hangup, hung_up, SIGHUP) != 0)
        return -1;
    daemon->snapshot = snapshot_new(loop, daemon->writer, daemon->balance, &daemon->config,
                                    daemon->options.instance, daemon->snapshot_path);
    if (!daemon->snapshot)
        return -1;
    connection_start(daemon->connection);
    name_check_start(&daemon->name_check, &daemon->loop, &daemon->servers);
    daemon->targets = (struct admin_targets){.writer = daemon->writer,
                                             .balance = daemon->balance,
                                             .refresh = daemon->refresh,
                                             .servers = &daemon->servers,
                                             .config_path = daemon->options.config_path,
                                             .reload = reload,
                                             .context = daemon};
    const struct admin_service service = admin_service(&daemon->targets);
    daemon->admin =
        admin_server_start(loop, daemon->options.instance, daemon->config.fetcher.admin_socket, &service);
    daemon->listener = listener_start(loop, &listener_role, daemon);
    if (!daemon->listener)
        log_line(LOG_LEVEL_WARNING,
                 "programs that wait for routes are heard at the next poll only: no thread for them: %s",
                 system_error_thread_text(errno));
    return 0;
}

static enum shm_status open_writer(struct daemon *daemon)
{
    struct event failure;
    char text[SNAPSHOT_FILE_PATH_SIZE];
    bool snapshot =
        snapshot_path(daemon->config.fetcher.snapshot, daemon->options.instance, text, sizeof(text));
    strcpy(daemon->snapshot_path, snapshot ? text : "");
    struct snapshot_restore *restore =
        snapshot_restore_new(daemon->snapshot_path, daemon->options.instance, daemon->config.shm.max_bytes);
    struct writer_options options = writer_options(daemon, place_group(daemon->config.shm.group));
    options.restored = snapshot_restore_source(restore);
    options.snapshot = text;
    options.snapshot_off = !snapshot;
    enum shm_status status = writer_open(&daemon->writer, &options, &failure);
    snapshot_restore_delete(restore);
    if (status == SHM_OK)
        event_log_all(daemon->writer);
    else
        event_log_failure(&failure);
    return status;
}

/* Those that the loop handles wait for it: before, each would end the process amid what it makes. */
static void hold_signals(int how)
{
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGHUP);
    sigprocmask(how, &signals, NULL);
}

static int run(struct daemon *daemon)
{
    enum shm_status opened;
    struct event failure;
    int status = place_directory(daemon->config.shm.directory);
    if (status != 0)
        return status;
    if ((opened = open_writer(daemon)) != SHM_OK)
        return opened == SHM_BAD_ARGUMENT ? EX_CONFIG : 1;
    daemon->balance = balance_new(daemon->writer, daemon->options.instance, &daemon->config, &failure);
    if (!daemon->balance) {
        event_log_failure(&failure);
        return 1;
    }
    daemon->refresh = refresh_new(daemon->writer, daemon->balance, &daemon->config);
    if (!daemon->refresh) {
        log_line(LOG_LEVEL_ERROR, "out of memory");
        return 1;
    }
    int error = descriptors_for_loop() ? -uv_loop_init(&daemon->loop) : errno;
    if (error != 0) {
        log_line(LOG_LEVEL_ERROR, "cannot start the event loop: %s", system_error_text(error));
        return 1;
    }
    if (start_loop(daemon) != 0) {
        log_line(LOG_LEVEL_ERROR, "cannot start the event loop");
        return 1;
    }
    hold_signals(SIG_UNBLOCK);
    log_line(LOG_LEVEL_INFO, "serving instance \"%s\" with routes from %s", daemon->options.instance,
             connection_address(daemon->connection));
    notify_status(daemon, "READY=1\n");
    uv_run(&daemon->loop, UV_RUN_DEFAULT);
    return daemon->exit_status;
}

/*
 * Close callbacks run in the next loop iterations. A name lookup under way cannot be cancelled, and takes many seconds if
 * the name server is silent: then the process ends without exit(), which would take down what that thread uses.
 */
static void end_process(struct daemon *daemon, int status)
{
    bool started = daemon->connection;
    for (int i = 0; started && i < 3; i++)
        uv_run(&daemon->loop, UV_RUN_NOWAIT);
    bool busy = started && uv_loop_close(&daemon->loop) == UV_EBUSY;
    if (started) /* what clients have reported since the last poll */
        balance_poll(daemon->balance, clock_tick());
    if (started && status == 0)
        snapshot_write_last(daemon->snapshot);
    snapshot_delete(daemon->snapshot);
    reporting_delete(daemon->reporting);
    refresh_delete(daemon->refresh);
    balance_delete(daemon->balance);
    writer_close(daemon->writer);
    if (busy)
        _exit(status);
}

int main(int argc, char **argv)
{
    static struct daemon daemon;
    start_prepare();
    options_parse(argc, argv, &daemon.options);
    if (daemon.options.check_path)
        return check_config(daemon.options.check_path, daemon.options.instance);
    if (!daemon.options.print_config)
        log_daemon();
    if (!load(daemon.options.config_path, &daemon.config, NULL))
        return EX_CONFIG;
    if (daemon.options.print_config) {
        config_print(stdout, &daemon.config);
        return 0;
    }
    hold_signals(SIG_BLOCK);
    if (sigbus_install() != 0)
        log_line(LOG_LEVEL_WARNING, "cannot catch SIGBUS from a truncated control object: %s",
                 strerror(errno));
    log_set_level((enum log_level)daemon.config.fetcher.log_level);
    daemon.identity = servers_identity(daemon.options.instance);
    choose_servers(&daemon);
    int status = run(&daemon);
    end_process(&daemon, status);
    return status;
}
