/* SPDX-License-Identifier: MIT */
/*
 * How long a directory takes to load the rows of a MariaDB database, beside the plain query, and how much memory: dns_load
 * URL. Fails beyond the limits below.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "shm/clock.h"
#include "tools/dns/maria_routes.h"

enum {
    TRIALS = 5,
    TIMES_MAX = 3, /* the plain query's time */
    BYTES_MAX = 100,
};

/* The same rows, read and forgotten. */
static int query(struct maria *maria, uint64_t *rows)
{
    static const char sql[] = "SELECT modid, cmdid, serverip, serverport FROM RouteData";
    uint32_t values[4];
    MYSQL_BIND bind[4] = {{0}};
    MYSQL_STMT *statement = mysql_stmt_init(maria->mysql);
    for (int i = 0; i < 4; i++)
        bind[i] = (MYSQL_BIND){.buffer_type = MYSQL_TYPE_LONG, .buffer = &values[i], .is_unsigned = 1};
    if (!statement || mysql_stmt_prepare(statement, sql, sizeof(sql) - 1) != 0 ||
        mysql_stmt_execute(statement) != 0 || mysql_stmt_bind_result(statement, bind) != 0)
        return -1;
    for (*rows = 0; mysql_stmt_fetch(statement) == 0;)
        ++*rows;
    mysql_stmt_close(statement);
    return 0;
}

static long memory(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss * 1024;
}

int main(int argc, char **argv)
{
    static const struct maria_limits limits = {.connect_seconds = 5, .read_seconds = 60};
    struct maria maria;
    struct table before = {0}, table = {0};
    uint64_t best_query = UINT64_MAX, best_load = UINT64_MAX, rows = 0;
    if (argc != 2 || maria_open(&maria, argv[1], &limits) != 0) {
        fprintf(stderr, "%s\n", argc == 2 ? maria.error : "usage: dns_load URL");
        return EXIT_FAILURE;
    }
    long empty = memory();
    for (int i = 0; i < TRIALS; i++) {
        uint64_t start = clock_tick();
        if (query(&maria, &rows) != 0)
            return EXIT_FAILURE;
        uint64_t middle = clock_tick();
        if (maria_routes_load(&maria, "RouteData", &table) != 0) {
            fprintf(stderr, "%s\n", maria.error);
            return EXIT_FAILURE;
        }
        uint64_t end = clock_tick();
        best_query = middle - start < best_query ? middle - start : best_query;
        best_load = end - middle < best_load ? end - middle : best_load;
        /* As beside the table that is in use. */
        table_free(&before);
        before = table;
        table = (struct table){0};
    }
    double bytes = rows ? (double)(memory() - empty) / (double)rows : 0;
    printf("%" PRIu64 " rows: the query %" PRIu64 " ms, loaded in %" PRIu64
           " ms, %.0f bytes each at the most\n",
           rows, best_query, best_load, bytes);
    table_free(&before);
    maria_close(&maria);
    return best_load <= best_query * TIMES_MAX && bytes <= BYTES_MAX ? EXIT_SUCCESS : EXIT_FAILURE;
}
