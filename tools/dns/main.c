/* SPDX-License-Identifier: MIT */
#include <argp.h>

#include "tools/dns/command.h"

const char *argp_program_version = "larshm-dns " LARSHM_VERSION;

static const char doc[] =
    "A Lars directory: keeps routes in a SQLite or MariaDB database and serves them over TCP."
    "\v"
    "Commands:\n"
    "  serve         answer and push routes\n"
    "  peers         show who is connected to a directory, and what each has\n"
    "  route add     add hosts to a route\n"
    "  route set     set the hosts of a route\n"
    "  route del     delete hosts, or a whole route\n"
    "  route list    show routes\n"
    "  route import  add or replace routes from a CSV file\n"
    "  route log     show edits\n"
    "  route undo    undo an edit\n"
    "  route status  show whether all subscribers of a route have it as it is now\n"
    "  schema        make the tables in a MariaDB database\n"
    "\n"
    "Each has a --help of its own. To try it, in two terminals:\n"
    "  larshm-dns --db routes.db serve --create\n"
    "  larshm-dns --db routes.db route add 1 2 10.0.0.1:8080 10.0.0.2:8080\n"
    "\n"
    "Exit codes: 0 done, 1 wrong usage or failure, 2 no such route or edit, 3 a subscriber lags (route status), 4 no "
    "directory is reached (peers, route status), 78 wrong usage of serve.";

static const struct command commands[] = {
    {"serve", command_serve, NULL},
    {"peers", command_peers, NULL},
    {"route", command_route, command_route_group},
    {"schema", command_schema, NULL},
    {0},
};

int main(int argc, char **argv)
{
    const struct program program = {
        .name = "larshm-dns",
        .doc = doc,
        .db =
            "the database: a file, which 'route add', 'route set', 'route import', 'schema' and 'serve --create' make "
            "when missing, or mysql://USER@HOST[,HOST...]/DATABASE, see larshm-dns(1)",
        .commands = commands,
    };
    return program_main(&program, argc, argv);
}
