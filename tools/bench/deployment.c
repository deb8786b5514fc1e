/* SPDX-License-Identifier: MIT */
#include "tools/bench/deployment.h"

#include <dirent.h>
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/bench/fixture.h"

enum {
    ADDRESS = 24, /* bytes of "10.255.255.255", with room */
};

bool deployment_open(struct deployment *deployment)
{
    const char *parent = getenv("TMPDIR");
    *deployment = (struct deployment){0};
    int size = snprintf(deployment->home, sizeof(deployment->home), "%s/larshm-bench-XXXXXX",
                        parent && *parent ? parent : "/tmp");
    if (size < (int)sizeof(deployment->home) && mkdtemp(deployment->home))
        return true;
    warn("cannot make a directory in $TMPDIR or /tmp");
    deployment->home[0] = '\0';
    return false;
}

void deployment_close(struct deployment *deployment)
{
    DIR *directory = deployment->home[0] ? opendir(deployment->home) : NULL;
    const struct dirent *entry;
    while (directory && (entry = readdir(directory)))
        unlinkat(dirfd(directory), entry->d_name, 0);
    if (directory)
        closedir(directory);
    if (deployment->home[0])
        rmdir(deployment->home);
    deployment->home[0] = '\0';
}

static void path_of(const struct deployment *deployment, const char *file, char out[static PROGRAM_PATH])
{
    snprintf(out, PROGRAM_PATH, "%s/%.64s", deployment->home, file);
}

bool deployment_start(const struct deployment *deployment, const struct bench *bench, const char *name,
                      const char *const *arguments, struct program *out)
{
    char log[PROGRAM_PATH];
    const char *slash = strrchr(name, '/');
    path_of(deployment, slash ? slash + 1 : name, log);
    return program_start(out, bench, name, log, arguments);
}

static bool configure(const struct deployment *deployment, const char *path,
                      const struct fetcher_config *config)
{
    char admin_socket[PROGRAM_PATH];
    path_of(deployment, "admin.sock", admin_socket);
    FILE *file = fopen(path, "we");
    bool done = file && fprintf(file,
                                "[dnsserver]\nip = 127.0.0.1\nport = %u\n"
                                "[reporter]\nip =\n"
                                "[loadbalance]\nupdate_timeout = %u\n"
                                "overload_timeout = 65535\nmax_overload_timeout = 65535\n"
                                "[fetcher]\nadmin_socket = %s\n"
                                "requests_per_second = 10000000\n"
                                "resubscribe_per_second = 10000000\n"
                                "[shm]\nmax_bytes = 4G\nmax_unknown = 100000000\ngroup =\n",
                                config->directory, config->update_timeout_s, admin_socket) > 0;
    if (file && fclose(file) != 0)
        done = false;
    if (!done)
        warn("%s", path);
    return done;
}

bool deployment_start_fetcher(const struct deployment *deployment, const struct bench *bench,
                              const struct fetcher_config *config, struct program *out)
{
    char path[PROGRAM_PATH], rest[PROGRAM_LINE];
    const char *const arguments[] = {"-c", path, "-n", config->instance, NULL};
    *out = (struct program){0};
    path_of(deployment, "larshm.conf", path);
    return configure(deployment, path, config) &&
           deployment_start(deployment, bench, config->program, arguments, out) &&
           program_await(out, "serving instance", rest);
}

static void put_address(uint32_t route, char out[static ADDRESS])
{
    uint32_t address = ntohl(fixture_host(route, 0).address);
    snprintf(out, ADDRESS, "%u.%u.%u.%u", address >> 24, address >> 16 & 255, address >> 8 & 255,
             address & 255);
}

static bool write_routes(const char *path, uint32_t routes, uint32_t hosts)
{
    FILE *file = fopen(path, "we");
    bool done = file != NULL;
    for (uint32_t route = 0; done && route < routes; route++) {
        char address[ADDRESS];
        put_address(route, address);
        for (uint32_t host = 0; done && host < hosts; host++)
            done = fprintf(file, "%u,%u,%s,%u\n", fixture_modid(route), fixture_cmdid(route), address,
                           FIXTURE_PORT + host) > 0;
    }
    if (file && fclose(file) != 0)
        done = false;
    if (!done)
        warn("%s", path);
    return done;
}

/* Runs larshm-dns to its end. */
static bool run_dns(const struct deployment *deployment, const struct bench *bench,
                    const char *const *arguments)
{
    struct program dns;
    bool done = deployment_start(deployment, bench, "larshm-dns", arguments, &dns) && program_finish(&dns);
    program_kill(&dns);
    return done;
}

bool deployment_import(const struct deployment *deployment, const struct bench *bench, uint32_t routes,
                       uint32_t hosts)
{
    char csv[PROGRAM_PATH], database[PROGRAM_PATH];
    const char *const arguments[] = {"--db", database, "route", "import", csv, NULL};
    path_of(deployment, "routes.csv", csv);
    path_of(deployment, "routes.db", database);
    bool done = write_routes(csv, routes, hosts) && run_dns(deployment, bench, arguments);
    unlink(csv);
    return done;
}

bool deployment_edit(const struct deployment *deployment, const struct bench *bench, bool add, uint32_t route,
                     uint32_t host)
{
    char database[PROGRAM_PATH], modid[16], cmdid[16], address[ADDRESS], target[ADDRESS + 8];
    const char *const arguments[] = {"--db", database, "route", add ? "add" : "del",
                                     modid,  cmdid,    target,  NULL};
    path_of(deployment, "routes.db", database);
    put_address(route, address);
    snprintf(modid, sizeof(modid), "%u", fixture_modid(route));
    snprintf(cmdid, sizeof(cmdid), "%u", fixture_cmdid(route));
    snprintf(target, sizeof(target), "%s:%u", address, FIXTURE_PORT + host);
    return run_dns(deployment, bench, arguments);
}

bool deployment_start_dns(const struct deployment *deployment, const struct bench *bench, in_port_t *port,
                          struct program *out)
{
    char database[PROGRAM_PATH], listen[ADDRESS];
    const char *const arguments[] = {"--db", database, "serve", "--listen", listen, NULL};
    snprintf(listen, sizeof(listen), "127.0.0.1:%u", *port);
    *out = (struct program){0};
    path_of(deployment, "routes.db", database);
    return deployment_start(deployment, bench, "larshm-dns", arguments, out) &&
           program_await_port(out, "listening on 127.0.0.1:", port);
}
