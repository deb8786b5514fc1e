/* SPDX-License-Identifier: MIT */
#include "tools/dns/csv.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define SEPARATORS ",\t"

static const struct {
    const char *name;
    enum csv_column column;
} names[] = {
    {"id", CSV_ID},       {"modid", CSV_MODID}, {"cmdid", CSV_CMDID},     {"ip", CSV_IP},
    {"serverip", CSV_IP}, {"port", CSV_PORT},   {"serverport", CSV_PORT},
};

enum {
    NAMES = sizeof(names) / sizeof(*names),
};

/* The field without spaces and quotes around it. */
static char *trim(char *field)
{
    field += strspn(field, " ");
    size_t length = strlen(field);
    while (length > 0 && field[length - 1] == ' ')
        length--;
    if (length > 1 && field[0] == '"' && field[length - 1] == '"') {
        field++;
        length -= 2;
    }
    field[length] = '\0';
    return field;
}

/* Returns how many fields there are; those beyond CSV_COLUMNS are only counted. */
static size_t cut(char *line, char *fields[static CSV_COLUMNS])
{
    size_t count = 0;
    for (char *rest = line, *field; (field = strsep(&rest, SEPARATORS)); count++)
        if (count < CSV_COLUMNS)
            fields[count] = trim(field);
    return count;
}

static bool is_name(const char *line)
{
    line += strspn(line, " \"");
    return (*line >= 'a' && *line <= 'z') || (*line >= 'A' && *line <= 'Z');
}

static bool find_column(const char *name, enum csv_column *column)
{
    for (size_t i = 0; i < NAMES; i++)
        if (strcasecmp(names[i].name, name) == 0) {
            *column = names[i].column;
            return true;
        }
    return false;
}

static int read_header(struct csv *csv, char *line, char error[static CSV_ERROR_SIZE])
{
    unsigned seen = 0;
    size_t count = 0;
    for (char *rest = line, *field; (field = strsep(&rest, SEPARATORS)); count++) {
        enum csv_column column;
        field = trim(field);
        if (!find_column(field, &column)) {
            snprintf(error, CSV_ERROR_SIZE, "unknown column '%.40s': the columns are " CSV_LAYOUTS, field);
            return -1;
        }
        seen |= 1u << column;
        if (count < CSV_COLUMNS)
            csv->columns[count] = column;
    }
    csv->count = count;
    if ((seen | 1u << CSV_ID) == (1u << CSV_COLUMNS) - 1 && (size_t)__builtin_popcount(seen) == count)
        return 1;
    snprintf(error, CSV_ERROR_SIZE,
             "the header lacks a column, or has one twice: the columns are " CSV_LAYOUTS);
    return -1;
}

int csv_start(struct csv *csv, char *line, char error[static CSV_ERROR_SIZE])
{
    if (is_name(line))
        return read_header(csv, line, error);
    csv->count = 1;
    for (const char *at = line; (at = strpbrk(at, SEPARATORS)); at++)
        csv->count++;
    if (csv->count != CSV_COLUMNS)
        csv->count = CSV_COLUMNS - 1;
    for (size_t i = 0; i < csv->count; i++)
        csv->columns[i] = (enum csv_column)(CSV_COLUMNS - csv->count + i);
    return 0;
}

int csv_split(const struct csv *csv, char *line, char *fields[static CSV_COLUMNS])
{
    char *cells[CSV_COLUMNS];
    if (cut(line, cells) != csv->count)
        return -1;
    fields[CSV_ID] = NULL;
    for (size_t i = 0; i < csv->count; i++)
        fields[csv->columns[i]] = cells[i];
    return 0;
}
