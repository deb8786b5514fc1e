/* SPDX-License-Identifier: MIT */
/*
 * A fetcher without a directory, for tests of what reads: publishes what stdin says, with a heartbeat.
 *
 *      publish INSTANCE        prints "ok", then "ok" after each command, or "error: ..." and ends with 1
 *
 *      put MODID CMDID IP:PORT...   none MODID CMDID   pulling MODID CMDID   new MODID CMDID
 *      ttl SECONDS                  update_timeout of what is put from now on
 *      many COUNT                   routes 1000/0 .. 1000/COUNT-1, each with a host
 *      connection STATE             enum connection_state
 *      refusing WHY                 enum refusing
 *      damage MODID CMDID           makes the route's ref lead nowhere
 *      stop                         stops cleanly; so does the end of stdin
 *      abort                        ends as if killed, and 10 seconds ago
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shm/atomic.h"
#include "shm/clock.h"
#include "shm/index.h"
#include "shm/names.h"
#include "shm/writer/writer.h"
#include "tests/support/by_key.h"
#include "tests/support/keys.h"

enum {
    HEARTBEAT_MS = 10,
    MAINTENANCE_MS = 100,
    KILLED_MS_AGO = 10000,
    HOSTS_ON_A_LINE = 64,
};

struct publish {
    const char *instance;
    struct writer *writer;
    uint32_t ttl_s;
    uint64_t maintained;
    bool stop;
};

/* Takes the next number of a command's words; 0 where there is none. */
static uint32_t number(char **rest)
{
    const char *word = strtok_r(NULL, " ", rest);
    return word ? (uint32_t)strtoul(word, NULL, 10) : 0;
}

static bool put(struct publish *publish, uint64_t key, const struct host_addr *hosts, uint32_t count)
{
    return put_by_key(publish->writer, numbered_key(key), hosts, count, NULL, publish->ttl_s, clock_tick()) ==
           SHM_OK;
}

static bool put_words(struct publish *publish, uint64_t key, char **rest)
{
    struct host_addr hosts[HOSTS_ON_A_LINE];
    uint32_t count = 0;
    for (char *word; count < HOSTS_ON_A_LINE && (word = strtok_r(NULL, " ", rest)); count++) {
        char *colon = strchr(word, ':');
        if (!colon)
            return false;
        *colon = '\0';
        hosts[count].port = htons((uint16_t)strtoul(colon + 1, NULL, 10));
        if (inet_pton(AF_INET, word, &hosts[count].address) != 1)
            return false;
    }
    return put(publish, key, hosts, count);
}

static bool put_many(struct publish *publish, uint32_t count)
{
    bool done = true;
    for (uint32_t i = 0; done && i < count; i++) {
        const struct host_addr host = {htonl(0x0a000000 + i), htons(80)};
        done = put(publish, route_key_number(route_key(1000, i)), &host, 1);
    }
    return done;
}

/* The routes object, writable, behind the writer's back. */
static bool open_object(const struct publish *publish, struct region *region, struct routes *routes)
{
    struct object_names names;
    const struct trust self = {.owners = {geteuid()}, .owner_count = 1, .unsafe_mode = 0022};
    return object_names(publish->instance, &names) == SHM_OK &&
           region_open(names.routes, true, &self, HEADER_BYTES, region) == SHM_OK &&
           routes_attach(region, routes) == SHM_OK;
}

static bool damage(const struct publish *publish, uint64_t key)
{
    struct region region = {0};
    struct routes routes;
    bool done = false;
    if (open_object(publish, &region, &routes)) {
        uint32_t slot = index_find(&routes, numbered_key(key));
        done = slot != SLOT_NONE;
        if (done)
            store_release(&routes_slot(&routes, slot)->ref, ref_make(1, routes.arena_units));
    }
    region_close(&region);
    return done;
}

static bool refuse(const struct publish *publish, uint32_t why)
{
    struct region region = {0};
    struct routes routes;
    bool done = open_object(publish, &region, &routes);
    if (done)
        store_relaxed(&routes.s_header->refusing, why);
    region_close(&region);
    return done;
}

static bool obey(struct publish *publish, char *line)
{
    char *rest = NULL;
    const char *command = strtok_r(line, " ", &rest);
    if (!command)
        return false;
    publish->stop = strcmp(command, "stop") == 0;
    if (publish->stop)
        return true;
    if (strcmp(command, "abort") == 0) {
        writer_heartbeat(publish->writer, clock_tick() - KILLED_MS_AGO);
        puts("ok");
        fflush(stdout);
        _exit(0);
    }
    uint32_t first = number(&rest);
    if (strcmp(command, "ttl") == 0)
        publish->ttl_s = first;
    else if (strcmp(command, "many") == 0)
        return put_many(publish, first);
    else if (strcmp(command, "connection") == 0)
        writer_connection(publish->writer, (enum connection_state)first, clock_tick());
    else if (strcmp(command, "refusing") == 0)
        return refuse(publish, first);
    else {
        uint64_t key = route_key_number(route_key(first, number(&rest)));
        if (strcmp(command, "put") == 0)
            return put_words(publish, key, &rest);
        if (strcmp(command, "none") == 0)
            return put(publish, key, NULL, 0);
        if (strcmp(command, "damage") == 0)
            return damage(publish, key);
        if (strcmp(command, "pulling") == 0)
            set_pulling_by_key(publish->writer, numbered_key(key));
        else if (strcmp(command, "new") == 0)
            set_new_by_key(publish->writer, numbered_key(key));
        else
            return false;
    }
    return true;
}

static void heartbeat(struct publish *publish)
{
    uint64_t now = clock_tick();
    writer_heartbeat(publish->writer, now);
    while (writer_grow_on(publish->writer, now))
        continue;
    if (now < publish->maintained + MAINTENANCE_MS)
        return;
    publish->maintained = now;
    writer_maintain(publish->writer, now);
}

/* One line of stdin, beating until it is there. False: no more. */
static bool next_line(struct publish *publish, char *line, size_t size)
{
    size_t used = 0;
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    while (used + 1 < size) {
        heartbeat(publish);
        if (poll(&input, 1, HEARTBEAT_MS) <= 0)
            continue;
        if (read(STDIN_FILENO, &line[used], 1) != 1)
            return false;
        if (line[used] == '\n')
            break;
        used++;
    }
    line[used] = '\0';
    return true;
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: publish INSTANCE\n");
        return 1;
    }
    struct publish publish = {.instance = argv[1], .ttl_s = 15};
    const struct writer_options options = {
        .instance = argv[1],
        .max_bytes = UINT64_C(64) << 20,
        .max_unknown = 100,
        .group = "",
        .settings = {.update_timeout_s = 15, .poll_interval_ms = HEARTBEAT_MS, .grace_ms = 2000},
    };
    struct event failure;
    char line[4096];
    if (writer_open(&publish.writer, &options, &failure) != SHM_OK) {
        printf("error: event %d\n", (int)failure.kind);
        return 1;
    }
    writer_set_directory(publish.writer, "directory.example:7778");
    bool done = true;
    do {
        heartbeat(&publish);
        puts("ok");
        fflush(stdout);
        if (!next_line(&publish, line, sizeof(line)))
            break;
        done = obey(&publish, line);
    } while (done && !publish.stop);
    writer_close(publish.writer);
    puts(done ? "ok" : "error: no such command, or it failed");
    return done ? 0 : 1;
}
