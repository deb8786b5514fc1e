/* SPDX-License-Identifier: MIT */
#include "fetcher/servers.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "fetcher/backoff.h"

/* ---- the draw ---- */

#define HASH_START UINT64_C(0xcbf29ce484222325)

/* FNV-1a; the NUL, too, so that no two texts run into each other. Names are the same in any case. */
static uint64_t hash_text(uint64_t hash, const char *text)
{
    do
        hash = (hash ^ (uint8_t)tolower((unsigned char)*text)) * UINT64_C(0x100000001b3);
    while (*text++);
    return hash;
}

/* Spreads what differs in a few low bits over all of them. */
static uint64_t mix(uint64_t hash)
{
    hash = (hash ^ (hash >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    hash = (hash ^ (hash >> 27)) * UINT64_C(0x94d049bb133111eb);
    return hash ^ (hash >> 31);
}

/* Machines that were copied have the same id, containers have none: their names differ. */
uint64_t servers_identity(const char *instance)
{
    char id[64] = "", host[256] = "";
    FILE *file = fopen("/etc/machine-id", "re");
    if (file) {
        if (!fgets(id, sizeof(id), file))
            id[0] = '\0';
        fclose(file);
    }
    gethostname(host, sizeof(host) - 1);
    return hash_text(hash_text(hash_text(HASH_START, id), host), instance);
}

static uint64_t lot(const struct config_peer *peer, uint64_t identity)
{
    char port[8];
    snprintf(port, sizeof(port), "%u", peer->port);
    return mix(hash_text(hash_text(HASH_START, peer->ip), port) ^ mix(identity));
}

/* ---- the list ---- */

bool servers_same(const struct config_peer *a, const struct config_peer *b)
{
    return a->port == b->port && strcasecmp(a->ip, b->ip) == 0;
}

static const struct server *find(const struct servers *servers, const struct config_peer *peer)
{
    for (unsigned i = 0; i < servers->count; i++)
        if (servers_same(&servers->list[i].peer, peer))
            return &servers->list[i];
    return NULL;
}

/* Few: each goes to its place among those before it. */
static void add(struct servers *servers, const struct server *server, uint64_t identity)
{
    unsigned place = servers->count++;
    for (; place > 0 && lot(&servers->list[place - 1].peer, identity) > lot(&server->peer, identity); place--)
        servers->list[place] = servers->list[place - 1];
    servers->list[place] = *server;
}

bool servers_set(struct servers *servers, const struct config_servers *list, uint64_t identity)
{
    const struct servers old = *servers;
    servers->count = servers->at = 0;
    for (unsigned i = 0; i < list->count; i++) {
        const struct server *known = find(&old, &list->list[i]), fresh = {.peer = list->list[i]};
        add(servers, known ? known : &fresh, identity);
    }
    servers->return_at = 0;
    const struct server *stays = old.count ? find(servers, &old.list[old.at].peer) : NULL;
    if (stays)
        servers->at = (unsigned)(stays - servers->list);
    else
        servers->failed = 0;
    return stays;
}

const struct config_peer *servers_peer(const struct servers *servers)
{
    return &servers->list[servers->at].peer;
}

unsigned servers_address(const struct servers *servers)
{
    return servers->list[servers->at].failed;
}

/* ---- what becomes of it ---- */

void servers_retry(struct servers *servers)
{
    servers->list[servers->at].failed = servers->failed = 0;
}

unsigned servers_failed(struct servers *servers, const char *why)
{
    struct server *server = &servers->list[servers->at];
    server->failed++;
    server->failures++;
    server->told = server->told_now;
    server->told_now = false;
    snprintf(server->error, sizeof(server->error), "%s", why);
    servers->failed++;
    servers->at = (servers->at + 1) % servers->count;
    return (servers->failed + servers->count - 1) / servers->count;
}

void servers_unusable(struct servers *servers, const struct config_peer *peer, const char *why)
{
    for (unsigned i = 0; i < servers->count; i++)
        if (servers_same(&servers->list[i].peer, peer))
            snprintf(servers->list[i].error, sizeof(servers->list[i].error), "%s", why);
}

void servers_connected(struct servers *servers)
{
    struct server *server = &servers->list[servers->at];
    server->connects++;
    server->told_now = false;
    servers->return_at = 0;
}

void servers_answered(struct servers *servers, uint64_t now)
{
    struct server *server = &servers->list[servers->at];
    server->answers++;
    server->failed = 0;
    server->error[0] = '\0';
    if (servers->failed > 0) {
        servers->changes = now < servers->patient_until ? servers->changes + 1 : 1;
        servers->patient_until = now + SERVERS_PATIENT_MS;
    }
    servers->failed = 0;
}

void servers_told(struct servers *servers, uint64_t version)
{
    struct server *server = &servers->list[servers->at];
    server->told = server->told_now = true;
    server->version = version;
}

bool servers_use_newest(struct servers *servers, uint64_t *version)
{
    unsigned newest = servers->at;
    for (unsigned i = 0; i < servers->count; i++) {
        const struct server *server = &servers->list[i], *best = &servers->list[newest];
        if (server->told && (!best->told || server->version > best->version))
            newest = i;
    }
    bool other = newest != servers->at;
    servers->at = newest;
    *version = servers->list[newest].version;
    return other;
}

unsigned servers_rounds(const struct servers *servers)
{
    return servers->failed / servers->count;
}

enum patience servers_patience(const struct servers *servers, uint64_t now)
{
    if (servers->count == 1 || servers->failed >= servers->count)
        return PATIENCE_LONG;
    if (now >= servers->patient_until)
        return PATIENCE_SHORT;
    return servers->changes == 1 ? PATIENCE_MEDIUM : PATIENCE_LONG;
}

bool servers_return_due(struct servers *servers, uint64_t after_ms, uint64_t now)
{
    if (servers->at == 0 || after_ms == 0)
        servers->return_at = 0;
    else if (servers->return_at == 0)
        servers->return_at = now + backoff_ms(after_ms, after_ms, 1);
    return servers->return_at && now >= servers->return_at;
}

void servers_return(struct servers *servers)
{
    servers->at = 0;
    servers->return_at = 0;
}
