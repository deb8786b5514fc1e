/* SPDX-License-Identifier: MIT */
#include "tools/bench/dns.h"

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tools/bench/world.h"

enum {
    ADDRESS = 24, /* bytes of "10.255.255.255", with room */
};

static void put_address(uint32_t route, char out[static ADDRESS])
{
    uint32_t address = ntohl(world_host(route, 0).address);
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
            done = fprintf(file, "%u,%u,%s,%u\n", world_modid(route), world_cmdid(route), address,
                           WORLD_PORT + host) > 0;
    }
    if (file && fclose(file) != 0)
        done = false;
    if (!done)
        warn("%s", path);
    return done;
}

/* Runs an edit of the database to its end. */
static bool run(const struct bench *bench, const struct site *site, const char *const *arguments)
{
    struct program edit;
    bool done = program_start(&edit, bench, site, "larshm-dns", arguments) && program_finish(&edit);
    program_kill(&edit);
    return done;
}

bool dns_import(const struct bench *bench, const struct site *site, uint32_t routes, uint32_t hosts)
{
    char csv[SITE_PATH], database[SITE_PATH];
    const char *const arguments[] = {"--db", database, "route", "import", csv, NULL};
    site_path(site, "routes.csv", csv);
    site_path(site, "routes.db", database);
    bool done = write_routes(csv, routes, hosts) && run(bench, site, arguments);
    unlink(csv);
    return done;
}

bool dns_edit(const struct bench *bench, const struct site *site, bool add, uint32_t route, uint32_t host)
{
    char database[SITE_PATH], modid[16], cmdid[16], address[ADDRESS], target[ADDRESS + 8];
    const char *const arguments[] = {"--db", database, "route", add ? "add" : "del",
                                     modid,  cmdid,    target,  NULL};
    site_path(site, "routes.db", database);
    put_address(route, address);
    snprintf(modid, sizeof(modid), "%u", world_modid(route));
    snprintf(cmdid, sizeof(cmdid), "%u", world_cmdid(route));
    snprintf(target, sizeof(target), "%s:%u", address, WORLD_PORT + host);
    return run(bench, site, arguments);
}

bool dns_start(struct program *dns, const struct bench *bench, const struct site *site, in_port_t *port)
{
    char database[SITE_PATH], rest[PROGRAM_LINE];
    const char *const arguments[] = {"--db", database, "serve", "--listen", "127.0.0.1:0", NULL};
    *dns = (struct program){0};
    site_path(site, "routes.db", database);
    if (!program_start(dns, bench, site, "larshm-dns", arguments) ||
        !program_await(dns, "listening on 127.0.0.1:", rest))
        return false;
    *port = (in_port_t)strtoul(rest, NULL, 10);
    return true;
}
