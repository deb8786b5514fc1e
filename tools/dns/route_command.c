/* SPDX-License-Identifier: MIT */
/* The commands that begin with "route". */
#include "tools/dns/command.h"

static const char doc[] = "Edits and shows the routes in the database."
                          "\v"
                          "Commands:\n"
                          "  add     add hosts to a route\n"
                          "  set     set the hosts of a route\n"
                          "  del     delete hosts, or a whole route\n"
                          "  list    show routes\n"
                          "  import  add or replace routes from a CSV file\n"
                          "  log     show edits\n"
                          "  undo    undo an edit\n"
                          "  status  show whether all that subscribe to a route have it as it is now\n"
                          "\n"
                          "Each has a --help of its own.\n"
                          "\n"
                          "Examples:\n"
                          "  larshm-dns --db routes.db route add 1 2 10.0.0.1:8080\n"
                          "  larshm-dns --db routes.db route list";

static const struct command commands[] = {
    {"add", command_route_add},   {"set", command_route_set},       {"del", command_route_del},
    {"list", command_route_list}, {"import", command_route_import}, {"log", command_route_log},
    {"undo", command_route_undo}, {"status", command_route_status}, {0},
};

int command_route(const char *db, int argc, char **argv)
{
    return command_group(commands, doc, db, argc, argv);
}
