/* SPDX-License-Identifier: MIT */
/*
 * What `larshm top` reads at one moment. However many routes there are, only those that are looked up most are read, and
 * records of hosts in a tenth of the time at most.
 */
#ifndef TOOLS_LARSHM_TOP_SAMPLE_H
#define TOOLS_LARSHM_TOP_SAMPLE_H

#include "shm/top_routes.h"
#include "tools/larshm/facts.h"
#include "tools/larshm/hosts.h"

enum {
    TOP_HOSTS = 128 /* that are listed */
};

/* Routes by lookups, as of when a new list of them was seen. */
struct top_uses {
    uint64_t change; /* the number of the list in its object */
    uint64_t tick;
    size_t count;
    struct route_use routes[TOP_ROUTES];
};

struct top_route {
    bool cached; /* else the rest is 0 */
    enum route_condition condition;
    uint32_t hosts, out; /* out of rotation */
    uint64_t age_ms;
};

struct top_results {
    struct route_key key;
    uint64_t succ, err;
};

/* What the hosts object says. */
struct top_hosts {
    uint64_t tick; /* when it was read */
    enum shm_status status;
    struct top_results all, of[TOP_ROUTES]; /* of the routes that were listed then, sorted by key */
    size_t of_count;
    struct known_host listed[TOP_HOSTS]; /* ejected, spared, or with an override */
    uint32_t shares[TOP_HOSTS];          /* of picks, as programs see it: enum host_share */
    size_t listed_count;
    uint64_t notable; /* how many would be listed */
};

struct top_sample {
    uint64_t tick, unix_ms;
    enum shm_status status; /* of the routes object; where it is not SHM_OK, nothing below means anything */
    struct facts facts;     /* of the header */
    struct top_uses uses;
    struct top_route routes[TOP_ROUTES]; /* as in `uses` */
    struct top_hosts hosts;
};

struct top_reader {
    const char *name;
    struct instance instance;
    bool open;
    struct top_uses uses;
    struct top_hosts hosts;
    uint64_t hosts_due; /* when they may be read again */
    struct route route; /* for one at hand */
};

/* Returns 0, or -1: memory ran out. The instance may come later. */
int top_reader_init(struct top_reader *reader, const char *name);
void top_reader_close(struct top_reader *reader);

/* Sees whether there is a new list of routes: to be called some times a second, so that it is known when it came. */
void top_reader_look(struct top_reader *reader);

void top_reader_sample(struct top_reader *reader, struct top_sample *out);

#endif
