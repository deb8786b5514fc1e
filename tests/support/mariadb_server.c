/* SPDX-License-Identifier: MIT */
#include "tests/support/mariadb_server.h"

#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/eventually.h"
#include "tools/dns/maria_schema.h"

/* Runs tools/mariadb. */
static void run_script(const struct mariadb_server *server, const char *command)
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        execl(MARIADB_SCRIPT, MARIADB_SCRIPT, command, server->directory, (char *)NULL);
        _exit(127);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

static void connect_to(struct mariadb_server *server, const char *database)
{
    static const struct maria_limits limits = {.connect_seconds = 10, .read_seconds = 60};
    char url[128];
    snprintf(url, sizeof(url), "mysql://root@localhost/%s?socket=%s/socket", database, server->directory);
    if (maria_open(&server->maria, url, &limits) != 0)
        fail_msg("%s", server->maria.error);
}

void mariadb_server_init(struct mariadb_server *server)
{
    *server = (struct mariadb_server){.directory = "/tmp/larshm-mariadb-XXXXXX"};
    assert_non_null(mkdtemp(server->directory));
    run_script(server, "start");
    connect_to(server, "mysql");
    mariadb_run(server, "CREATE DATABASE routes");
    mariadb_run(server, "CREATE USER lars@localhost");
    mariadb_run(server, "GRANT ALL ON routes.* TO lars@localhost");
    maria_close(&server->maria);
    connect_to(server, "routes");
    snprintf(server->url, sizeof(server->url), "mysql://lars@localhost/routes?socket=%s/socket",
             server->directory);
}

void mariadb_server_dispose(struct mariadb_server *server)
{
    char command[80];
    maria_close(&server->maria);
    run_script(server, "stop");
    snprintf(command, sizeof(command), "rm -r %s", server->directory);
    assert_int_equal(system(command), 0);
}

void mariadb_server_stop(struct mariadb_server *server)
{
    maria_close(&server->maria);
    run_script(server, "stop");
}

void mariadb_server_start(struct mariadb_server *server)
{
    run_script(server, "start");
    connect_to(server, "routes");
}

void mariadb_server_signal(const struct mariadb_server *server, int number)
{
    char path[80];
    int pid = 0;
    snprintf(path, sizeof(path), "%s/pid", server->directory);
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%d", &pid), 1);
    fclose(file);
    assert_int_equal(kill(pid, number), 0);
}

static void ignore(void *arg, bool made, const char *what)
{
    (void)arg;
    (void)made;
    (void)what;
}

void mariadb_server_empty(struct mariadb_server *server)
{
    mariadb_run(server, "DROP DATABASE routes");
    mariadb_run(server, "CREATE DATABASE routes");
    mariadb_run(server, "USE routes");
    if (maria_schema_make(&server->maria, ignore, NULL) != 0)
        fail_msg("%s", server->maria.error);
}

void mariadb_run(struct mariadb_server *server, const char *format, ...)
{
    va_list arguments;
    char *sql;
    va_start(arguments, format);
    int length = vasprintf(&sql, format, arguments);
    va_end(arguments);
    assert_true(length >= 0);
    if (maria_run_text(&server->maria, sql, (size_t)length) < 0)
        fail_msg("%s: %s", sql, server->maria.error);
    free(sql);
}

uint64_t mariadb_ask(struct mariadb_server *server, const char *format, ...)
{
    va_list arguments;
    char *sql;
    uint64_t value;
    va_start(arguments, format);
    assert_true(vasprintf(&sql, format, arguments) >= 0);
    va_end(arguments);
    if (maria_number(&server->maria, &value, "%s", sql) != 0)
        fail_msg("%s: %s", sql, server->maria.error);
    free(sql);
    return value;
}
