/* SPDX-License-Identifier: MIT */
#include "tools/dns/table.h"

#include <stdlib.h>
#include <string.h>

enum {
    CAPACITY_FIRST = 1024,
};

bool table_add(struct table *table, const struct row *row)
{
    if (table->count == table->capacity) {
        size_t capacity = table->capacity ? table->capacity * 2 : CAPACITY_FIRST;
        struct row *rows = reallocarray(table->rows, capacity, sizeof(*rows));
        if (!rows)
            return false;
        table->rows = rows;
        table->capacity = capacity;
    }
    table->rows[table->count++] = *row;
    return true;
}

static bool sorted(const struct table *table)
{
    for (size_t i = 1; i < table->count; i++)
        if (row_compare(&table->rows[i - 1], &table->rows[i]) >= 0)
            return false;
    return true;
}

/* Where memory is short, what is left over stays. */
static void shrink(struct table *table)
{
    struct row *rows = reallocarray(table->rows, table->count ? table->count : 1, sizeof(*rows));
    if (!rows)
        return;
    table->rows = rows;
    table->capacity = table->count;
}

void table_sort(struct table *table)
{
    size_t kept = 0;
    if (!sorted(table)) {
        qsort(table->rows, table->count, sizeof(*table->rows), row_compare);
        for (size_t i = 0; i < table->count; i++)
            if (kept == 0 || row_compare(&table->rows[i], &table->rows[kept - 1]) != 0)
                table->rows[kept++] = table->rows[i];
        table->count = kept;
    }
    shrink(table);
}

/* The first row whose key is not below this one. */
static size_t place_of(const struct table *table, struct route_key key)
{
    size_t low = 0, high = table->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (route_key_number(table->rows[middle].key) < route_key_number(key))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static size_t rows_from(const struct table *table, size_t place, struct route_key key)
{
    size_t count = 0;
    while (place + count < table->count && route_key_equal(table->rows[place + count].key, key))
        count++;
    return count;
}

const struct row *table_from(const struct table *table, size_t place)
{
    return table->rows ? table->rows + place : NULL;
}

const struct row *table_find(const struct table *table, struct route_key key, size_t *count)
{
    size_t place = place_of(table, key);
    *count = rows_from(table, place, key);
    return table_from(table, place);
}

size_t table_routes(const struct table *table)
{
    size_t routes = 0;
    for (size_t i = 0; i < table->count; i += rows_from(table, i, table->rows[i].key))
        routes++;
    return routes;
}

bool rows_same(const struct row *some, size_t count, const struct row *others, size_t other_count)
{
    if (count != other_count)
        return false;
    for (size_t i = 0; i < count; i++)
        if (!host_addr_equal(some[i].host, others[i].host))
            return false;
    return true;
}

/* The lower of the keys at both places; ROUTE_KEY_NONE behind the end is the highest. */
static struct route_key next_key(const struct table *one, size_t a, const struct table *other, size_t b)
{
    struct route_key first = a < one->count ? one->rows[a].key : ROUTE_KEY_NONE;
    struct route_key second = b < other->count ? other->rows[b].key : ROUTE_KEY_NONE;
    return route_key_number(first) < route_key_number(second) ? first : second;
}

void table_compare(const struct table *one, const struct table *other,
                   void (*each)(void *arg, struct route_key key), void *arg)
{
    size_t a = 0, b = 0;
    while (a < one->count || b < other->count) {
        struct route_key key = next_key(one, a, other, b);
        size_t some = rows_from(one, a, key), others = rows_from(other, b, key);
        if (!rows_same(table_from(one, a), some, table_from(other, b), others))
            each(arg, key);
        a += some;
        b += others;
    }
}

static void copy_rows(struct table *out, const struct row *rows, size_t count)
{
    if (count > 0)
        memcpy(out->rows + out->count, rows, count * sizeof(*rows));
    out->count += count;
}

bool table_missing(const struct table *some, const struct table *others, struct table *out)
{
    for (size_t i = 0, other = 0; i < some->count; i++) {
        while (other < others->count && row_compare(&others->rows[other], &some->rows[i]) < 0)
            other++;
        bool there = other < others->count && row_compare(&others->rows[other], &some->rows[i]) == 0;
        if (!there && !table_add(out, &some->rows[i]))
            return false;
    }
    return true;
}

bool table_patch(const struct table *table, const struct route_key *keys, size_t key_count,
                 const struct table *rows, struct table *out)
{
    size_t capacity = table->count + rows->count, from = 0;
    struct table patched = {calloc(capacity + 1, sizeof(*patched.rows)), 0, capacity};
    if (!patched.rows)
        return false;
    for (size_t i = 0; i < key_count; i++) {
        size_t place = place_of(table, keys[i]), count;
        const struct row *now = table_find(rows, keys[i], &count);
        copy_rows(&patched, table_from(table, from), place - from);
        copy_rows(&patched, now, count);
        from = place + rows_from(table, place, keys[i]);
    }
    copy_rows(&patched, table_from(table, from), table->count - from);
    *out = patched;
    return true;
}

void table_free(struct table *table)
{
    free(table->rows);
    *table = (struct table){0};
}
