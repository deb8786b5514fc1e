/* SPDX-License-Identifier: MIT */
#include "tests/support/fetcher.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shm/atomic.h"
#include "shm/control.h"
#include "shm/directory_name.h"
#include "shm/index.h"
#include "shm/routes.h"
#include "shm/table.h"
#include "tests/support/eventually.h"
#include "tools/bench/private_instance.h"

void fetcher_init(struct fetcher *fetcher, unsigned port)
{
    *fetcher = (struct fetcher){
        .home = "/tmp/larshm-fetcher-XXXXXX",
        .config =
            {
                .host = "127.0.0.1",
                .port = port,
                .update_timeout = 3600,
                .report_interval = 1,
                .poll_interval_ms = 5,
                .request_timeout_ms = 60000,
                .connect_timeout_ms = 10000,
                .reconnect_min_ms = 10,
                .reconnect_max_ms = 50,
                .requests_per_second = 20000,
                .resubscribe_per_second = 5000,
                .probe_interval_ms = 3600000,
                .frame_timeout_ms = 60000,
                .max_drop = 100,
                .max_bytes = "16M",
                .snapshot = "",
                .grace_ms = 200,
                .more = "",
            },
    };
    private_instance_name("fetch", fetcher->instance);
    assert_int_equal(object_names(fetcher->instance, &fetcher->names), SHM_OK);
    assert_non_null(mkdtemp(fetcher->home));
    snprintf(fetcher->config_path, sizeof(fetcher->config_path), "%s/conf", fetcher->home);
    snprintf(fetcher->log_path, sizeof(fetcher->log_path), "%s/log", fetcher->home);
    snprintf(fetcher->snapshot_path, sizeof(fetcher->snapshot_path), "%s/snapshot", fetcher->home);
    snprintf(fetcher->admin_path, sizeof(fetcher->admin_path), "%s/admin.sock", fetcher->home);
}

void fetcher_dispose(struct fetcher *fetcher)
{
    process_kill(&fetcher->process);
    private_instance_remove(&fetcher->names);
    unlink(fetcher->config_path);
    unlink(fetcher->log_path);
    unlink(fetcher->admin_path);
    unlink(fetcher->snapshot_path);
    rmdir(fetcher->home);
}

void fetcher_configure_text(const struct fetcher *fetcher, const char *text)
{
    FILE *file = fopen(fetcher->config_path, "we");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

void fetcher_configure(const struct fetcher *fetcher)
{
    const struct fetcher_config *config = &fetcher->config;
    char text[2048], directory[1024];
    if (config->servers)
        snprintf(directory, sizeof(directory), "servers = %s\n", config->servers);
    else
        snprintf(directory, sizeof(directory), "ip = %s\nport = %u\n", config->host, config->port);
    snprintf(text, sizeof(text),
             "[dnsserver]\n"
             "%s"
             "[reporter]\n"
             "ip = %s\n"
             "port = %u\n"
             "report_interval = %u\n"
             "[loadbalance]\n"
             "update_timeout = %u\n"
             "[fetcher]\n"
             "admin_socket = %s\n"
             "snapshot = %s\n"
             "empty_hold = %u\n"
             "max_drop = %u\n"
             "poll_interval_ms = %u\n"
             "request_timeout_ms = %u\n"
             "connect_timeout_ms = %u\n"
             "reconnect_min_ms = %u\n"
             "reconnect_max_ms = %u\n"
             "requests_per_second = %u\n"
             "resubscribe_per_second = %u\n"
             "probe_interval_ms = %u\n"
             "frame_timeout_ms = %u\n"
             "[shm]\n"
             "max_bytes = %s\n"
             "grace_ms = %u\n"
             "group =\n"
             "%s",
             directory, config->reporter_port ? "127.0.0.1" : "",
             config->reporter_port ? config->reporter_port : 1, config->report_interval,
             config->update_timeout, fetcher->admin_path, config->snapshot, config->empty_hold,
             config->max_drop, config->poll_interval_ms, config->request_timeout_ms,
             config->connect_timeout_ms, config->reconnect_min_ms, config->reconnect_max_ms,
             config->requests_per_second, config->resubscribe_per_second, config->probe_interval_ms,
             config->frame_timeout_ms, config->max_bytes, config->grace_ms, config->more);
    fetcher_configure_text(fetcher, text);
}

void fetcher_launch(struct fetcher *fetcher)
{
    char *const argv[] = {LARSHM_FETCHER, "-c", fetcher->config_path, "-n", fetcher->instance, NULL};
    process_start(&fetcher->process, fetcher->log_path, argv);
}

void fetcher_start(struct fetcher *fetcher)
{
    unsigned before = process_said(&fetcher->process, "serving instance");
    fetcher_configure(fetcher);
    fetcher_launch(fetcher);
    eventually(process_said(&fetcher->process, "serving instance") > before);
}

void fetcher_stop(struct fetcher *fetcher)
{
    process_signal(&fetcher->process, SIGTERM);
    assert_int_equal(process_wait(&fetcher->process), 0);
}

static bool open_routes(const struct fetcher *fetcher, struct region *region, struct routes *routes)
{
    const struct trust self = {.owners = {geteuid()}, .owner_count = 1, .unsafe_mode = 0022};
    if (region_open(fetcher->names.routes, false, &self, 0, region) != SHM_OK)
        return false;
    if (routes_attach(region, routes) == SHM_OK)
        return true;
    region_close(region);
    return false;
}

uint64_t fetcher_counter(const struct fetcher *fetcher, enum shm_counter counter)
{
    struct region region;
    struct routes routes;
    if (!open_routes(fetcher, &region, &routes))
        return 0;
    uint64_t value = load_relaxed(&routes.s_header->counters[counter]);
    region_close(&region);
    return value;
}

struct latency fetcher_latency(const struct fetcher *fetcher)
{
    struct region region;
    struct routes routes;
    struct latency latency = {0};
    if (open_routes(fetcher, &region, &routes)) {
        latency_read(routes.s_header, &latency);
        region_close(&region);
    }
    return latency;
}

size_t fetcher_top_routes(const struct fetcher *fetcher, struct route_use out[static TOP_ROUTES])
{
    struct region region;
    struct routes routes;
    if (!open_routes(fetcher, &region, &routes))
        return 0;
    size_t count = top_routes_read(routes.s_header, out);
    region_close(&region);
    return count;
}

bool fetcher_shows_held(const struct fetcher *fetcher, struct route_key key)
{
    struct region region;
    struct routes routes;
    struct table table;
    if (!open_routes(fetcher, &region, &routes))
        return false;
    uint32_t slot = index_find(&routes, key);
    bool held = slot != SLOT_NONE && table_begin(&routes, slot, key, &table) == SHM_OK &&
                load_relaxed(&table.s_block->marks) != 0;
    region_close(&region);
    return held;
}

void fetcher_directory(const struct fetcher *fetcher, char out[static DIRECTORY_NAME])
{
    struct region region;
    struct routes routes;
    out[0] = '\0';
    if (!open_routes(fetcher, &region, &routes))
        return;
    directory_name_read(routes.s_header, out);
    region_close(&region);
}

uint64_t fetcher_control(const struct fetcher *fetcher)
{
    struct region region;
    struct routes routes;
    if (!open_routes(fetcher, &region, &routes))
        return 0;
    uint64_t number = control_number(routes.s_header);
    region_close(&region);
    return number;
}

uint64_t fetcher_generation(const struct fetcher *fetcher)
{
    struct region region;
    struct routes routes;
    if (!open_routes(fetcher, &region, &routes))
        return 0;
    region_close(&region);
    return routes.generation;
}
