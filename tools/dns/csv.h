/* SPDX-License-Identifier: MIT */
/*
 * Lines of a table of hosts: fields with commas or tabs between them, each in double quotes or not. Columns are those
 * of `route list --csv` or of Lars' RouteData, in the order of the header; without one, in the order of those tables.
 */
#ifndef TOOLS_DNS_CSV_H
#define TOOLS_DNS_CSV_H

#include <stdbool.h>
#include <stddef.h>

enum csv_column {
    CSV_ID, /* Lars' own number of the row; it may be missing */
    CSV_MODID,
    CSV_CMDID,
    CSV_IP,
    CSV_PORT,
    CSV_COLUMNS
};

#define CSV_LAYOUTS "modid,cmdid,ip,port or id,modid,cmdid,serverip,serverport"

struct csv {
    enum csv_column columns[CSV_COLUMNS]; /* of each field */
    size_t count;                         /* of fields in a line */
};

enum {
    CSV_ERROR_SIZE = 200,
};

/*
 * Learns the columns from the first line, which is changed. Returns 1: it was a header; 0: it is a line of fields, and
 * not changed; -1: it is neither, and `error` says why.
 */
int csv_start(struct csv *csv, char *line, char error[static CSV_ERROR_SIZE]);

/* Cuts a line into its fields. A column that is missing is NULL. Returns 0, or -1 when there are too few or too many. */
int csv_split(const struct csv *csv, char *line, char *fields[static CSV_COLUMNS]);

#endif
