/* SPDX-License-Identifier: MIT */
/* The commands that begin with "route". */
#include <stddef.h>

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
                          "  status  show whether all subscribers of a route have it as it is now\n"
                          "\n"
                          "Each has a --help of its own.\n"
                          "\n"
                          "Examples:\n"
                          "  larshm-dns --db routes.db route add 1 2 10.0.0.1:8080\n"
                          "  larshm-dns --db routes.db route list";

const struct command command_route_group[] = {
    {"add", command_route_add, NULL},
    {"set", command_route_set, NULL},
    {"del", command_route_del, NULL},
    {"list", command_route_list, NULL},
    {"import", command_route_import, NULL},
    {"log", command_route_log, NULL},
    {"undo", command_route_undo, NULL},
    {"status", command_route_status, NULL},
    {0},
};

int command_route(const char *db, int argc, char **argv)
{
    return command_group(command_route_group, doc, db, argc, argv);
}
