/* SPDX-License-Identifier: MIT */
/*
 * Two directories on a Galera cluster of three nodes, all of which are edited, in the manners of larshm-dns, of Lars and of
 * people, beside two programs that delete RouteChange as Lars' directories do: dns_cluster DIRECTORY PORT EDITS, with the
 * cluster that tools/mariadb has made there. Counts edits that a directory never pushed, which must be 0, and
 * says how long the others took, which must be within the limits below. Half-way it lets a node be killed, and freezes
 * another one for a while: edits must go on, and no push may be missing.
 */
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/support/die.h"
#include "tests/support/dns.h"
#include "tools/common/maria.h"

enum {
    NODES = 3,
    DIRECTORIES = 2,
    DELETERS = 2,
    KEYS = 400,
    EDIT_MS = 83, /* 12 a second */
    DELETE_MS = 1000,
    LAST_MS = 15000, /* for the last pushes */
    FROZEN_MS = 8000,
    TROUBLE_MS = 20000, /* after a node was killed or frozen, times are not those of a cluster that is well */
    /* Limits. */
    MEDIAN_MS = 150,
    P99_MS = 600,
    UNANNOUNCED_MS = 12000,
};

enum manner {
    OWN,
    AS_LARS,
    SLOW, /* a transaction that begins first and ends last */
    UNANNOUNCED,
    MANNERS
};

static const char *const manners[] = {"by larshm-dns", "as Lars", "in a slow transaction", "unannounced"};

struct edit {
    enum manner manner;
    bool trouble;                       /* a node is, or was just, killed or frozen */
    _Atomic uint64_t done;              /* when it was committed; 0: not yet */
    _Atomic uint64_t seen[DIRECTORIES]; /* when it was pushed; 0: not yet */
};

struct receiver {
    struct dns_client client;
    int number;
};

static const char *directory;
static unsigned port;
static size_t edit_count;
static struct edit *edits;
static atomic_bool ends;
static uint64_t trouble_until;

static void format_url(char url[static 160], int first)
{
    unsigned at[NODES];
    for (int i = 0; i < NODES; i++)
        at[i] = port + 1 + (unsigned)(first + i) % NODES;
    snprintf(url, 160, "mysql://lars@127.0.0.1:%u,127.0.0.1:%u,127.0.0.1:%u/routes", at[0], at[1], at[2]);
}

static void open_node(struct maria *maria, int first)
{
    static const struct maria_limits limits = {.connect_seconds = 2, .read_seconds = 10};
    char url[160];
    format_url(url, first);
    if (maria_open(maria, url, &limits) != 0)
        die("%s", maria->error);
}

static struct route_key key_of(size_t edit)
{
    return (struct route_key){(uint32_t)(edit % KEYS), 7};
}

/* The address that the edit gives its route says which one it was. */
static uint32_t ip_of(size_t edit)
{
    return (uint32_t)edit + 1;
}

static void *receive(void *arg)
{
    struct receiver *receiver = arg;
    while (!atomic_load(&ends)) {
        if (!dns_readable(&receiver->client, LOOK_EVERY_MS))
            continue;
        Lars__GetRouteResponse *response = dns_receive(&receiver->client);
        if (!response)
            die("directory %d closed the connection", receiver->number);
        uint64_t now = clock_tick();
        size_t edit = response->n_host == 1 ? (uint32_t)response->host[0]->ip - 1 : edit_count;
        if (edit < edit_count && atomic_load(&edits[edit].seen[receiver->number]) == 0)
            atomic_store(&edits[edit].seen[receiver->number], now);
        lars__get_route_response__free_unpacked(response, NULL);
    }
    return NULL;
}

/* As often as a Lars directory, and whatever it has pushed. */
static void *delete_changes(void *arg)
{
    struct maria maria;
    open_node(&maria, *(int *)arg);
    while (!atomic_load(&ends)) {
        if (maria_connect(&maria) == 0)
            maria_run(
                &maria,
                "DELETE FROM RouteChange WHERE version <= (SELECT version FROM RouteVersion WHERE id = 1)");
        pause_ms(DELETE_MS);
    }
    maria_close(&maria);
    return NULL;
}

static int set_host(struct store *store, void *arg)
{
    size_t edit = *(const size_t *)arg;
    int deleted;
    struct host_addr host = {htonl(ip_of(edit)), htons(80)};
    return store_set(store, key_of(edit), &host, 1, &deleted) < 0 ? -1 : 0;
}

static void edit_own(struct store *store, size_t edit)
{
    struct store_edit done;
    if (store_make(store, set_host, &edit, &done) != 0)
        die("edit %zu: %s", edit, store_error(store));
}

static int set_row(struct maria *maria, size_t edit)
{
    struct route_key key = key_of(edit);
    return maria_run(maria,
                     "UPDATE RouteData SET serverip = %" PRIu32 " WHERE modid = %" PRIu32
                     " AND cmdid = %" PRIu32,
                     ip_of(edit), key.modid, key.cmdid) < 0
               ? -1
               : 0;
}

static int announce(struct maria *maria, size_t edit)
{
    struct route_key key = key_of(edit);
    return maria_run(maria,
                     "INSERT INTO RouteChange (modid, cmdid, version) VALUES (%" PRIu32 ", %" PRIu32
                     ", unix_timestamp())",
                     key.modid, key.cmdid) < 0
               ? -1
               : 0;
}

static int set_version(struct maria *maria)
{
    return maria_run(maria, "UPDATE RouteVersion SET version = unix_timestamp() WHERE id = 1") < 0 ? -1 : 0;
}

static int edit_once(struct maria *maria, size_t edit)
{
    if (maria_connect(maria) != 0)
        return -1;
    switch (edits[edit].manner) {
    case AS_LARS:
        return set_row(maria, edit) != 0 || announce(maria, edit) != 0 || set_version(maria) != 0 ? -1 : 0;
    case SLOW:
        if (maria_run(maria, "START TRANSACTION") < 0 || announce(maria, edit) != 0)
            return -1;
        pause_ms(3L * EDIT_MS);
        return set_row(maria, edit) != 0 || maria_run(maria, "COMMIT") < 0 ? -1 : 0;
    default:
        return set_row(maria, edit);
    }
}

/* An edit that lost against another one, or its node, is made again. */
static void edit_by_hand(struct maria *maria, size_t edit)
{
    uint64_t deadline = clock_tick() + EVENTUALLY_MS;
    while (edit_once(maria, edit) != 0) {
        if (clock_tick() > deadline)
            die("edit %zu: %s", edit, maria->error);
        if (maria->mysql && mysql_query(maria->mysql, "ROLLBACK") != 0)
            maria_leave(maria);
        pause_ms(LOOK_EVERY_MS);
    }
}

static void *edit_slowly(void *arg)
{
    struct maria maria;
    open_node(&maria, 1);
    for (size_t i = 0; i < edit_count; i++) {
        if (edits[i].manner != SLOW)
            continue;
        while (atomic_load(&edits[i - 1].done) == 0)
            pause_ms(LOOK_EVERY_MS);
        edit_by_hand(&maria, i);
        atomic_store(&edits[i].done, clock_tick());
    }
    maria_close(&maria);
    return arg;
}

static void signal_node(int node, int number)
{
    char path[160];
    int pid = 0;
    snprintf(path, sizeof(path), "%s/%d/pid", directory, node);
    FILE *file = fopen(path, "re");
    if (!file || fscanf(file, "%d", &pid) != 1 || kill(pid, number) != 0)
        die("no node at %s", path);
    fclose(file);
}

static void make_trouble(size_t edit)
{
    static uint64_t frozen;
    if (edit == edit_count / 2) {
        signal_node(2, SIGKILL);
        printf("killed node 2\n");
        trouble_until = clock_tick() + TROUBLE_MS;
    }
    if (edit == edit_count * 5 / 8) {
        char command[320];
        snprintf(command, sizeof(command), "%s join %s %u 2", MARIADB_SCRIPT, directory, port);
        if (system(command) != 0)
            die("node 2 does not come back");
    }
    if (edit == edit_count * 3 / 4) {
        signal_node(3, SIGSTOP);
        frozen = clock_tick();
        printf("froze node 3\n");
        trouble_until = frozen + TROUBLE_MS;
    }
    if (frozen && clock_tick() > frozen + FROZEN_MS) {
        signal_node(3, SIGCONT);
        frozen = 0;
    }
}

/* What was committed just before may be on its way from node to node. */
static void mark_trouble(size_t edit)
{
    if (clock_tick() < trouble_until)
        for (size_t i = edit > 9 ? edit - 9 : 0; i <= edit; i++)
            edits[i].trouble = true;
}

static void edit_all(struct store *store)
{
    struct maria nodes[NODES];
    for (int i = 0; i < NODES; i++)
        open_node(&nodes[i], i);
    for (size_t i = 0; i < edit_count; i++) {
        uint64_t next = clock_tick() + EDIT_MS;
        make_trouble(i);
        mark_trouble(i);
        if (edits[i].manner == OWN)
            edit_own(store, i);
        else if (edits[i].manner != SLOW)
            edit_by_hand(&nodes[i % NODES], i);
        if (edits[i].manner != SLOW)
            atomic_store(&edits[i].done, clock_tick());
        if (clock_tick() < next)
            pause_ms(next - clock_tick());
    }
    for (int i = 0; i < NODES; i++)
        maria_close(&nodes[i]);
}

static int compare_ages(const void *one, const void *other)
{
    uint64_t a = *(const uint64_t *)one, b = *(const uint64_t *)other;
    return (a > b) - (a < b);
}

/* Says how long the edits of a manner took to one directory. Returns how many are missing, or broke the limits. */
static size_t judge(enum manner manner, int number, bool trouble)
{
    uint64_t *ages = calloc(edit_count, sizeof(*ages));
    size_t count = 0, missing = 0, bad = 0;
    for (size_t i = 0; i < edit_count; i++) {
        if (edits[i].manner != manner || edits[i].trouble != trouble)
            continue;
        uint64_t seen = atomic_load(&edits[i].seen[number]), done = atomic_load(&edits[i].done);
        if (seen == 0 && ++missing > 0)
            printf("directory %d never pushed edit %zu\n", number, i);
        else
            ages[count++] = seen > done ? seen - done : 0;
    }
    if (count > 0) {
        qsort(ages, count, sizeof(*ages), compare_ages);
        uint64_t median = ages[count / 2], p99 = ages[count * 99 / 100], worst = ages[count - 1];
        printf("directory %d, %s%s: %zu pushed, %zu missing, median %" PRIu64 " ms, p99 %" PRIu64
               " ms, worst %" PRIu64 " ms\n",
               number, manners[manner], trouble ? ", during trouble" : "", count, missing, median, p99,
               worst);
        if (!trouble)
            bad = manner == UNANNOUNCED ? worst > UNANNOUNCED_MS : median > MEDIAN_MS || p99 > P99_MS;
    }
    free(ages);
    if (bad)
        printf("  that is too long\n");
    return missing + bad;
}

static void choose_manners(void)
{
    for (size_t i = 0; i < edit_count; i++) {
        if (i % 10 == 9)
            edits[i].manner = UNANNOUNCED;
        else if (i % 10 == 4)
            edits[i].manner = SLOW;
        else
            edits[i].manner = i % 3 == 0 ? OWN : AS_LARS;
    }
}

static void insert_routes(void)
{
    struct maria maria;
    open_node(&maria, 0);
    for (uint32_t i = 0; i < KEYS; i++)
        if (maria_run(&maria,
                      "INSERT INTO RouteData (modid, cmdid, serverip, serverport) VALUES (%" PRIu32
                      ", 7, %" PRIu32 ", 80)",
                      i, UINT32_MAX) < 0)
            die("%s", maria.error);
    maria_close(&maria);
}

int main(int argc, char **argv)
{
    struct dns directories[DIRECTORIES];
    struct receiver receivers[DIRECTORIES];
    pthread_t receiving[DIRECTORIES], deleting[DELETERS], slow;
    int first[DELETERS] = {0, 1};
    char url[160], log[160], error[STORE_ERROR_SIZE];
    struct store *store;
    if (argc != 4) {
        fprintf(stderr, "usage: dns_cluster DIRECTORY PORT EDITS\n");
        return EXIT_FAILURE;
    }
    directory = argv[1];
    port = (unsigned)strtoul(argv[2], NULL, 10);
    edit_count = strtoul(argv[3], NULL, 10);
    edits = calloc(edit_count, sizeof(*edits));
    if (!edits)
        return EXIT_FAILURE;
    choose_manners();
    format_url(url, 0);
    if (store_open(&store, url, STORE_EXISTING, error) != 0)
        die("%s", error);
    insert_routes();
    for (int i = 0; i < DIRECTORIES; i++) {
        format_url(url, i + 1);
        snprintf(log, sizeof(log), "%s/log%d", directory, i);
        dns_start(&directories[i], url, log);
        receivers[i] = (struct receiver){.client = dns_connect(&directories[i], 0), .number = i};
        for (uint32_t key = 0; key < KEYS; key++)
            dns_ask(&receivers[i].client, (struct route_key){key, 7});
        pthread_create(&receiving[i], NULL, receive, &receivers[i]);
    }
    for (int i = 0; i < DELETERS; i++)
        pthread_create(&deleting[i], NULL, delete_changes, &first[i]);
    pthread_create(&slow, NULL, edit_slowly, NULL);
    edit_all(store);
    pthread_join(slow, NULL);
    pause_ms(LAST_MS);
    atomic_store(&ends, true);
    size_t bad = 0;
    for (int i = 0; i < DIRECTORIES; i++) {
        pthread_join(receiving[i], NULL);
        dns_disconnect(&receivers[i].client);
        bad += dns_stop(&directories[i]) != 0;
    }
    for (int i = 0; i < DELETERS; i++)
        pthread_join(deleting[i], NULL);
    for (int i = 0; i < DIRECTORIES; i++)
        for (enum manner manner = 0; manner < MANNERS; manner++)
            bad += judge(manner, i, false) + judge(manner, i, true);
    store_close(store);
    free(edits);
    return bad ? EXIT_FAILURE : EXIT_SUCCESS;
}
