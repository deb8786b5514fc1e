/* SPDX-License-Identifier: MIT */
/*
 * What others see of a large import into a MariaDB database: dns_stall LIMIT_MS ROWS URL..., whose RouteData has been
 * empty. Each URL is one node. Beside the import, hosts of routes that it does not name are added by larshm-dns' way
 * and by hand, by one editor of either kind on each node, and each node is read. No reader may see a part of the
 * import, no host may be lost, and no edit may take longer than LIMIT_MS; 0: as long as it likes. Says how long they
 * took.
 */
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/die.h"
#include "tests/support/eventually.h"
#include "tools/common/maria.h"
#include "tools/dns/store.h"

enum {
    NODES_MAX = 3,
    HOSTS = 4, /* of a route */
    HOSTS_OF_EDITED = 20,
    READ_ROUTES = 16,
    QUIET_MS = 1000,   /* of editing before the import, for comparison */
    OTHERS = 10000000, /* modids from here on are the editors' */
    BY_HAND = 100,     /* and of these those that edit by hand */
    PAUSE_MS = 10,
    OWN_MS = 250, /* between edits that lock the version: 12 a second on three nodes */
    ROWS_OF_STATEMENT = 10000,
    PORT_BEFORE = 80,
    PORT_AFTER = 81,
};

static const struct maria_limits limits = {.connect_seconds = 5, .read_seconds = 60};

struct editor {
    const char *url;
    uint32_t modid, last; /* host that it added: they are numbered from 1 on */
    uint64_t worst_ms, worst_before_ms;
};

static atomic_bool importing, ends;
static atomic_size_t mixtures, reads;
static unsigned long rows;

static void open_database(struct maria *maria, const char *url)
{
    if (maria_open(maria, url, &limits) != 0)
        die("%s", maria->error);
}

static void run(struct maria *maria, const char *sql)
{
    if (maria_run(maria, "%s", sql) < 0)
        die("%s: %s", sql, maria->error);
}

static struct route_key key_of(const struct editor *editor)
{
    return (struct route_key){editor->modid, editor->last / HOSTS_OF_EDITED};
}

static int add_host(struct store *store, void *arg)
{
    const struct editor *editor = arg;
    return store_add(store, key_of(editor), (struct host_addr){htonl(editor->last), htons(PORT_BEFORE)}) < 0
               ? -1
               : 0;
}

static void note(struct editor *editor, uint64_t begun)
{
    uint64_t took = clock_tick() - begun;
    uint64_t *worst = atomic_load(&importing) ? &editor->worst_ms : &editor->worst_before_ms;
    if (took > *worst)
        *worst = took;
}

static void *edit_own(void *arg)
{
    struct editor *editor = arg;
    struct store *store;
    struct store_edit done;
    char error[STORE_ERROR_SIZE];
    if (store_open(&store, editor->url, STORE_EXISTING, error) != 0)
        die("%s", error);
    while (!atomic_load(&ends)) {
        uint64_t begun = clock_tick();
        editor->last++;
        if (store_make(store, add_host, editor, &done) != 0)
            die("%s", store_error(store));
        note(editor, begun);
        pause_ms(OWN_MS);
    }
    store_close(store);
    return NULL;
}

/* As in any cluster, one that lost against another one is made again. */
static void *edit_by_hand(void *arg)
{
    struct editor *editor = arg;
    struct maria maria;
    open_database(&maria, editor->url);
    while (!atomic_load(&ends)) {
        uint64_t begun = clock_tick();
        editor->last++;
        while (maria_run(&maria,
                         "INSERT INTO RouteData (modid, cmdid, serverip, serverport) VALUES (%" PRIu32
                         ", %" PRIu32 ", %" PRIu32 ", %d)",
                         editor->modid, key_of(editor).cmdid, editor->last, PORT_BEFORE) < 0)
            if (!maria.again || maria_connect(&maria) != 0)
                die("%s", maria.error);
        note(editor, begun);
        pause_ms(PAUSE_MS);
    }
    maria_close(&maria);
    return NULL;
}

/* Some of the routes, from the first to the last: reading them all would be a load of its own. */
static void format_query(char sql[static 320])
{
    int length =
        snprintf(sql, 320, "SELECT count(*) FROM RouteData WHERE serverport = %d AND modid IN (", PORT_AFTER);
    for (unsigned long i = 0; i < READ_ROUTES; i++)
        length += snprintf(sql + length, 320 - (size_t)length, "%s%lu", i ? "," : "",
                           i * (rows / HOSTS - 1) / (READ_ROUTES - 1));
    snprintf(sql + length, 320 - (size_t)length, ")");
}

static void *read_some(void *arg)
{
    struct maria maria;
    uint64_t new;
    char sql[320];
    format_query(sql);
    open_database(&maria, arg);
    while (!atomic_load(&ends)) {
        if (maria_number(&maria, &new, "%s", sql) == 0) {
            atomic_fetch_add(&reads, 1);
            atomic_fetch_add(&mixtures, new != 0 && new != READ_ROUTES *HOSTS);
        } else if (!maria.again || maria_connect(&maria) != 0) {
            die("%s", maria.error);
        }
        pause_ms(PAUSE_MS);
    }
    maria_close(&maria);
    return NULL;
}

static void fill(const char *url)
{
    struct maria maria;
    char sql[320];
    open_database(&maria, url);
    for (unsigned long from = 0; from < rows; from += ROWS_OF_STATEMENT) {
        snprintf(
            sql, sizeof(sql),
            "INSERT INTO RouteData (modid, cmdid, serverip, serverport) SELECT seq DIV %d, 7, seq + 1, %d"
            " FROM seq_%lu_to_%lu WHERE seq < %lu",
            HOSTS, PORT_BEFORE, from, from + ROWS_OF_STATEMENT - 1, rows);
        run(&maria, sql);
    }
    maria_close(&maria);
}

/* Until the node has all that was committed before: connections of ours wait for that. */
static void wait_for(const char *url)
{
    struct maria maria;
    uint64_t count;
    open_database(&maria, url);
    if (maria_number(&maria, &count, "SELECT count(*) FROM RouteVersion") != 0)
        die("%s", maria.error);
    maria_close(&maria);
}

/* Returns larshm-dns' exit code. */
static int import(const char *url)
{
    int ends_of_pipe[2], status;
    if (pipe(ends_of_pipe) != 0)
        die("no pipe");
    pid_t pid = fork();
    if (pid < 0)
        die("no process");
    if (pid == 0) {
        dup2(ends_of_pipe[0], STDIN_FILENO);
        close(ends_of_pipe[1]);
        execl(LARSHM_DNS, LARSHM_DNS, "--db", url, "route", "import", "--replace", "-", (char *)NULL);
        _exit(127);
    }
    close(ends_of_pipe[0]);
    FILE *lines = fdopen(ends_of_pipe[1], "w");
    for (unsigned long i = 0; lines && i < rows; i++)
        fprintf(lines, "%lu,7,%lu,%d\n", i / HOSTS, i + 1, PORT_AFTER);
    if (!lines || fclose(lines) != 0 || waitpid(pid, &status, 0) != pid)
        die("the import was not fed");
    return WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_FAILURE;
}

/* Returns whether all hosts that it added are there, and none came late. */
static bool judge(const struct editor *editor, const char *manner, uint64_t limit_ms)
{
    struct maria maria;
    uint64_t found = 0;
    open_database(&maria, editor->url);
    maria_number(&maria, &found, "SELECT count(DISTINCT serverip) FROM RouteData WHERE modid = %" PRIu32,
                 editor->modid);
    maria_close(&maria);
    bool late = limit_ms != 0 && editor->worst_ms > limit_ms, lost = found != editor->last;
    printf("%" PRIu32 " hosts added %s beside an import of %lu, %" PRIu64
           " are there, the longest edit took %" PRIu64 " ms, %" PRIu64 " before%s\n",
           editor->last, manner, rows, found, editor->worst_ms, editor->worst_before_ms,
           late ? ": that is too long" : "");
    return editor->last > 0 && !lost && !late;
}

int main(int argc, char **argv)
{
    int nodes = argc - 3;
    if (nodes < 1 || nodes > NODES_MAX) {
        fprintf(stderr, "usage: dns_stall LIMIT_MS ROWS URL...\n");
        return EXIT_FAILURE;
    }
    uint64_t limit_ms = strtoul(argv[1], NULL, 10);
    rows = strtoul(argv[2], NULL, 10);
    char *const *urls = argv + 3;
    struct editor own[NODES_MAX], by_hand[NODES_MAX];
    pthread_t threads[3 * NODES_MAX];
    int count = 0;
    fill(urls[0]);
    for (int i = 0; i < nodes; i++)
        wait_for(urls[i]);
    for (int i = 0; i < nodes; i++) {
        own[i] = (struct editor){.url = urls[i], .modid = OTHERS + (uint32_t)i};
        by_hand[i] = (struct editor){.url = urls[i], .modid = OTHERS + BY_HAND + (uint32_t)i};
        pthread_create(&threads[count++], NULL, edit_own, &own[i]);
        pthread_create(&threads[count++], NULL, edit_by_hand, &by_hand[i]);
        pthread_create(&threads[count++], NULL, read_some, urls[i]);
    }
    pause_ms(QUIET_MS);
    atomic_store(&importing, true);
    bool good = import(urls[0]) == EXIT_SUCCESS;
    atomic_store(&ends, true);
    for (int i = 0; i < count; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < nodes; i++) {
        good &= judge(&own[i], "by larshm-dns", limit_ms);
        good &= judge(&by_hand[i], "by hand", limit_ms);
    }
    printf("%zu reads, %zu of them of a part of the import\n", atomic_load(&reads), atomic_load(&mixtures));
    return good && atomic_load(&mixtures) == 0 && atomic_load(&reads) > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
