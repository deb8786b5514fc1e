/* SPDX-License-Identifier: MIT */
/* An edit under way, in memory: the routes that it has looked at, as they were and as they shall be. */
#ifndef TOOLS_DNS_EDIT_H
#define TOOLS_DNS_EDIT_H

#include <stddef.h>
#include <stdint.h>

#include "tools/dns/map.h"
#include "tools/dns/row.h"

/* Zero-initialise; release with edit_clear(). */
struct edit {
    struct map routes; /* route_key_number() to struct edited */
};

/* In order, each once. */
struct hosts {
    struct host_addr *hosts;
    size_t count;
};

struct edited {
    struct route_key key;
    struct hosts before, now;
};

/* The route, if the edit has looked at it; or NULL. */
struct edited *edit_find(const struct edit *edit, struct route_key key);

/* Adds a route that edit_find() does not know, with its hosts in order. NULL: memory ran out. */
struct edited *edit_put(struct edit *edit, struct route_key key, const struct host_addr *hosts, size_t count);

/* Each returns how many hosts that changed; adding, -1 when memory ran out. `host` NULL deletes all. */
int edited_add(struct edited *edited, struct host_addr host);
int edited_delete(struct edited *edited, const struct host_addr *host);

/* The route has these hosts then, in order and each once, and no others. Returns how many were added, or -1; *deleted: how
 * many deleted. */
int edited_set(struct edited *edited, const struct host_addr *hosts, size_t count, int *deleted);

/* Sorts hosts and drops those that are there twice. Returns how many are left. */
size_t hosts_sort(struct host_addr *hosts, size_t count);

/* Forgets the edit. */
void edit_clear(struct edit *edit);

/* What an edit changes, all of it in order. */
struct changes {
    const struct edited **routes;
    struct row *added, *deleted;
    size_t route_count, added_count, deleted_count;
    size_t new_routes; /* that had no host before */
};

/* Returns 0, or -1 when memory ran out. The routes are the edit's; free the rest with changes_free(). */
int edit_changes(const struct edit *edit, struct changes *out);
void changes_free(struct changes *changes);

#endif
