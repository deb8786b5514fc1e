/* SPDX-License-Identifier: MIT */
#include "shm/writer/host_store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "shm/atomic.h"
#include "shm/clock.h"
#include "shm/object_id.h"
#include "shm/writer/memory_room.h"

enum {
    FIRST_RECORDS = 256,
    MODE_HOSTS = 0644,
    RETRY_MS = 1000,
};

struct node {
    struct route_key key; /* ROUTE_KEY_NONE: the record is free */
    struct host_addr host;
    uint32_t next; /* record of the same route; of a free one: the next free one */
    struct host_entry entry;
};

struct host_store {
    struct object_names names;
    uint64_t max_bytes, generation, seed;
    struct region region;
    struct host_records hosts;
    struct event put_aside; /* an object of another layout; taken by host_store_maintain() */
    struct node *nodes;     /* [capacity] */
    uint32_t *index;        /* [2 * capacity], open addressing: number + 1, or 0 */
    uint32_t capacity, used, free;
    uint32_t free_count;
    uint64_t refused; /* Unix time in milliseconds: when growth failed */
};

static uint32_t home(const struct host_store *store, struct route_key key, struct host_addr host)
{
    uint64_t hash = host_addr_hash(key, host, store->seed);
    return hash_scale(hash, 2 * store->capacity);
}

static uint32_t step(const struct host_store *store, uint32_t at)
{
    return at + 1 < 2 * store->capacity ? at + 1 : 0;
}

/* The position of the record's number in the index, or the free one where it would be. */
static uint32_t probe(const struct host_store *store, struct route_key key, struct host_addr host)
{
    uint32_t at = home(store, key, host);
    for (; store->index[at]; at = step(store, at)) {
        const struct node *node = &store->nodes[store->index[at] - 1];
        if (route_key_equal(node->key, key) && host_addr_equal(node->host, host))
            break;
    }
    return at;
}

uint32_t host_store_find(const struct host_store *store, struct route_key key, struct host_addr host)
{
    uint32_t found = store->index[probe(store, key, host)];
    return found ? found - 1 : HOST_STORE_NONE;
}

/* Closes the gap: entries behind it that would no longer be found move up. */
static void unindex(struct host_store *store, uint32_t at)
{
    uint32_t places = 2 * store->capacity;
    for (uint32_t next = step(store, at); store->index[next]; next = step(store, next)) {
        const struct node *node = &store->nodes[store->index[next] - 1];
        uint32_t from_home = (next + places - home(store, node->key, node->host)) % places;
        if (from_home >= (next + places - at) % places) {
            store->index[at] = store->index[next];
            at = next;
        }
    }
    store->index[at] = 0;
}

/*
 * Writes the half that the current version is not in. The fence pairs with the one in host_records_read(): a reader
 * that sees a word of this half sees that the version before it is over. Release of the version: its half is
 * complete.
 */
static void commit(struct host_record *s_record, const struct node *node)
{
    uint64_t words[HOST_WORDS], version = load_relaxed(&s_record->version) + 1;
    host_entry_pack(&node->entry, words);
    fence_release();
    for (int word = 0; word < HOST_WORDS; word++)
        store_relaxed(&s_record->halves[version % 2][word], words[word]);
    store_release(&s_record->version, version);
}

void host_store_commit(struct host_store *store, uint32_t number)
{
    commit(&store->hosts.s_records[number], &store->nodes[number]);
}

/* The name last: a fetcher that dies before leaves a free record. The version makes readers retry. */
static void publish_record(struct host_record *s_record, const struct node *node)
{
    store_relaxed(&s_record->key, 0);
    store_release(&s_record->version, load_relaxed(&s_record->version) + 1);
    fence_release();
    store_relaxed(&s_record->host, host_addr_word(node->host));
    commit(s_record, node);
    store_release(&s_record->key, route_key_word(node->key));
}

/* Room for more records on the heap. */
static enum shm_status widen(struct host_store *store, uint32_t capacity)
{
    uint32_t *index = calloc(capacity, 2 * sizeof(*index));
    struct node *nodes = index ? realloc(store->nodes, capacity * sizeof(*nodes)) : NULL;
    if (!nodes) {
        free(index);
        return SHM_SYSTEM_ERROR;
    }
    free(store->index);
    store->nodes = nodes;
    store->index = index;
    store->capacity = capacity;
    for (uint32_t i = 0; i < store->used; i++)
        if (!route_key_is_none(nodes[i].key))
            index[probe(store, nodes[i].key, nodes[i].host)] = i + 1;
    return SHM_OK;
}

/* Replaces the object by a new one with all records. On failure the old one stays. */
static enum shm_status rebuild(struct host_store *store)
{
    struct region region = {0};
    uint64_t now = clock_unix_ms(), generation = now > store->generation ? now : store->generation + 1;
    uint64_t heap = store->capacity * (sizeof(*store->nodes) + 2 * sizeof(*store->index));
    /* One that does not fit under the limit of the control group would get this process killed. */
    if (!memory_has_room(memory_room(""), host_records_size(store->capacity) + heap)) {
        errno = ENOMEM;
        return SHM_NO_SPACE;
    }
    enum shm_status status = region_create(store->names.next_hosts, host_records_size(store->capacity),
                                           MODE_HOSTS, (gid_t)-1, &region);
    if (status != SHM_OK)
        return status;
    struct hosts_header *s_header = region.s_base;
    struct host_records hosts = {s_header, (struct host_record *)((char *)region.s_base + HEADER_BYTES),
                                 store->capacity};
    object_id_format(&s_header->id, HOSTS_MAGIC, &region, generation);
    s_header->record_count = store->capacity;
    for (uint32_t i = 0; i < store->used; i++)
        if (!route_key_is_none(store->nodes[i].key))
            publish_record(&hosts.s_records[i], &store->nodes[i]);
    store_release(&s_header->used, store->used); /* pairs with the acquire in host_records_used() */
    status = region_rename(store->names.next_hosts, store->names.hosts);
    if (status != SHM_OK) {
        region_unlink(store->names.next_hosts);
        region_close(&region);
        return status;
    }
    region_close(&store->region);
    store->region = region;
    store->hosts = hosts;
    store->generation = generation;
    return SHM_OK;
}

static uint64_t most_records(const struct host_store *store)
{
    return (store->max_bytes - HEADER_BYTES) / sizeof(struct host_record);
}

/* Twice as many records, as far as max_bytes allows. While a fetcher starts, there is no object yet. */
static bool grow(struct host_store *store)
{
    uint64_t most = most_records(store);
    uint64_t wanted = store->capacity * UINT64_C(2);
    if (wanted > most)
        wanted = most;
    if (store->used == store->capacity && (wanted <= store->capacity || wanted >= HOST_STORE_NONE / 2 ||
                                           widen(store, (uint32_t)wanted) != SHM_OK))
        return false;
    return !store->region.s_base || rebuild(store) == SHM_OK;
}

/* Growth that fails is tried again once a second, and not for each result: whether there is memory takes many system calls. */
static bool make_room(struct host_store *store)
{
    if (store->used < store->capacity && (!store->region.s_base || store->used < store->hosts.record_count))
        return true;
    uint64_t now = clock_unix_ms();
    if (now - store->refused < RETRY_MS)
        return false;
    bool grown = grow(store);
    if (!grown)
        store->refused = now;
    return grown;
}

static uint32_t add(struct host_store *store, struct route_key key, struct host_addr host)
{
    uint32_t number = store->free;
    if (number == HOST_STORE_NONE && !make_room(store))
        return HOST_STORE_NONE;
    if (number == HOST_STORE_NONE)
        number = store->used++;
    else {
        store->free = store->nodes[number].next;
        store->free_count--;
    }
    store->nodes[number] = (struct node){.key = key, .host = host, .next = HOST_STORE_NONE};
    store->index[probe(store, key, host)] = number + 1;
    if (store->region.s_base) {
        publish_record(&store->hosts.s_records[number], &store->nodes[number]);
        /* Pairs with the acquire in host_records_used(): records below are complete. */
        store_release(&store->hosts.s_header->used, store->used);
    }
    return number;
}

uint32_t host_store_add(struct host_store *store, struct route_key key, struct host_addr host)
{
    uint32_t number = host_store_find(store, key, host);
    if (number != HOST_STORE_NONE)
        return number;
    uint32_t route = host_store_find(store, key, HOST_ADDR_NONE);
    if (route == HOST_STORE_NONE)
        route = add(store, key, HOST_ADDR_NONE);
    if (route == HOST_STORE_NONE || host_addr_is_none(host))
        return route;
    number = add(store, key, host);
    if (number == HOST_STORE_NONE)
        return HOST_STORE_NONE;
    store->nodes[number].next = store->nodes[route].next;
    store->nodes[route].next = number;
    return number;
}

void host_store_remove(struct host_store *store, uint32_t number)
{
    struct node *node = &store->nodes[number];
    uint32_t before = host_store_find(store, node->key, HOST_ADDR_NONE);
    if (host_addr_is_none(node->host) && node->next != HOST_STORE_NONE)
        return;
    while (!host_addr_is_none(node->host) && store->nodes[before].next != number)
        before = store->nodes[before].next;
    if (!host_addr_is_none(node->host))
        store->nodes[before].next = node->next;
    unindex(store, probe(store, node->key, node->host));
    struct host_record *s_record = &store->hosts.s_records[number];
    store_relaxed(&s_record->key, 0);
    /* Pairs with the acquire in host_records_read(): with this version the name is gone. */
    store_release(&s_record->version, load_relaxed(&s_record->version) + 1);
    node->key = ROUTE_KEY_NONE;
    node->next = store->free;
    store->free = number;
    store->free_count++;
}

uint32_t host_store_room(const struct host_store *store)
{
    uint64_t in_use = store->used - store->free_count, most = most_records(store);
    return most > in_use ? (uint32_t)(most - in_use) : 0;
}

uint32_t host_store_used(const struct host_store *store)
{
    return store->used;
}

bool host_store_is(const struct host_store *store, uint32_t number, struct route_key *key,
                   struct host_addr *host)
{
    *key = store->nodes[number].key;
    *host = store->nodes[number].host;
    return !route_key_is_none(*key);
}

uint32_t host_store_next(const struct host_store *store, uint32_t number)
{
    return store->nodes[number].next;
}

struct host_entry *host_store_entry(struct host_store *store, uint32_t number)
{
    return &store->nodes[number].entry;
}

static bool plausible(const struct host_entry *entry)
{
    const struct host_health *health = &entry->health;
    return health->state <= HOST_EJECTED && health->override <= OVERRIDE_DRAINED && health->reason < REASONS;
}

/*
 * Imports the previous fetcher's records. A route's own record may come after those of its hosts, with which it is
 * added, so a record that exists already is no reason to drop one. There is room for all: only those whose route
 * has lost its own, which is damage, can need more.
 */
static void import_records(struct host_store *store, const struct host_records *old)
{
    for (uint32_t i = 0; i < host_records_used(old); i++) {
        struct route_key key;
        struct host_addr host;
        struct host_entry entry;
        if (!host_records_read(old, i, &key, &host, &entry) || !plausible(&entry))
            continue;
        uint32_t number = host_store_add(store, key, host);
        if (number != HOST_STORE_NONE)
            store->nodes[number].entry = entry;
    }
}

/* Totals and overrides are nowhere else: they are not lost to a fetcher that cannot read them. */
static enum shm_status put_aside(struct host_store *store, const struct region *region)
{
    const struct object_id *s_id = region->s_base;
    store->put_aside = event_of(EVENT_PUT_ASIDE, store->names.hosts);
    store->put_aside.number[0] = s_id->layout_version;
    if (region_link(store->names.hosts, store->names.other_hosts) == SHM_OK)
        return SHM_OK;
    store->put_aside = event_of(EVENT_NOT_PUT_ASIDE, store->names.hosts);
    return SHM_SYSTEM_ERROR;
}

static enum shm_status open_old(struct host_store *store, struct region *region, struct host_records *hosts)
{
    const struct trust self = {.owners = {geteuid()}, .owner_count = 1, .unsafe_mode = 0022};
    enum shm_status status = region_open(store->names.hosts, false, &self, 0, region);
    if (status == SHM_FOREIGN || status == SHM_NO_PERMISSION || status == SHM_UNSAFE)
        return status;
    if (status == SHM_SYSTEM_ERROR) /* it may be intact: do not replace it for lack of a descriptor */
        return status;
    if (status == SHM_OK && region->s_base)
        status = host_records_attach(region, hosts);
    if (status == SHM_OK && hosts->s_header)
        return SHM_OK;
    *hosts = (struct host_records){0};
    return status == SHM_LAYOUT ? put_aside(store, region) : SHM_OK;
}

enum shm_status host_store_open(struct host_store **out, const char *instance, uint64_t max_bytes,
                                struct event *failure)
{
    struct region region = {0};
    struct host_records old = {0};
    struct host_store *store = calloc(1, sizeof(*store));
    if (!store) {
        *failure = (struct event){.kind = EVENT_NO_MEMORY};
        return SHM_SYSTEM_ERROR;
    }
    store->max_bytes = max_bytes;
    store->free = HOST_STORE_NONE;
    enum shm_status status = object_names(instance, &store->names);
    if (status == SHM_OK)
        status = open_old(store, &region, &old);
    if (status == SHM_OK && getrandom(&store->seed, sizeof(store->seed), 0) != sizeof(store->seed))
        status = SHM_SYSTEM_ERROR;
    if (status == SHM_OK && old.s_header && host_records_used(&old) > FIRST_RECORDS)
        status = widen(store, host_records_used(&old));
    else if (status == SHM_OK)
        status = widen(store, FIRST_RECORDS);
    if (status == SHM_OK && old.s_header) {
        store->generation = old.s_header->id.generation;
        import_records(store, &old);
    }
    if (status == SHM_OK)
        status = rebuild(store);
    if (status == SHM_UNSAFE)
        *failure = event_of(EVENT_OBJECT_UNSAFE, store->names.hosts);
    else if (status == SHM_FOREIGN || status == SHM_NO_PERMISSION)
        *failure = event_of(EVENT_OBJECT_FOREIGN, store->names.hosts);
    else if (status != SHM_OK && store->put_aside.kind == EVENT_NOT_PUT_ASIDE)
        *failure = store->put_aside;
    else if (status != SHM_OK)
        *failure = event_of(EVENT_HOSTS_FAILED, store->names.hosts);
    region_close(&region);
    if (status == SHM_OK)
        *out = store;
    else
        host_store_close(store);
    return status;
}

void host_store_close(struct host_store *store)
{
    if (!store)
        return;
    region_close(&store->region);
    free(store->nodes);
    free(store->index);
    free(store);
}

bool host_store_maintain(struct host_store *store, struct event *out)
{
    if (store->put_aside.kind != EVENT_NONE) {
        *out = store->put_aside;
        store->put_aside = (struct event){0};
        return true;
    }
    if (region_is_named(&store->region, store->names.hosts))
        return false;
    bool recreated = rebuild(store) == SHM_OK;
    *out = event_of(recreated ? EVENT_HOSTS_RECREATED : EVENT_HOSTS_NOT_RECREATED, store->names.hosts);
    return true;
}
