/* SPDX-License-Identifier: MIT */
#include "shm/writer/host_store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

#include "shm/atomic.h"
#include "shm/clock.h"

enum {
    FIRST_RECORDS = 256,
    MODE_HOSTS = 0644,
};

struct node {
    uint64_t key, host; /* key is KEY_INVALID: free */
    uint32_t next;      /* of the same route; of a free one: the next free one */
    struct host_entry entry;
};

struct ledger {
    struct object_names names;
    uint64_t max_bytes, generation, seed;
    struct region region;
    struct hosts hosts;
    struct node *nodes; /* [capacity] */
    uint32_t *index;    /* [2 * capacity], open addressing: number + 1, or 0 */
    uint32_t capacity, used, free;
    uint32_t order; /* number of the one that was handed out */
};

static uint32_t home(const struct ledger *ledger, uint64_t key, uint64_t host)
{
    uint64_t hash = key_hash(host_key(key, host), ledger->seed);
    return bucket_home(hash, 2 * ledger->capacity);
}

static uint32_t step(const struct ledger *ledger, uint32_t at)
{
    return at + 1 < 2 * ledger->capacity ? at + 1 : 0;
}

/* Where the record's number is in the index, or the free place where it would be. */
static uint32_t probe(const struct ledger *ledger, uint64_t key, uint64_t host)
{
    uint32_t at = home(ledger, key, host);
    for (; ledger->index[at]; at = step(ledger, at)) {
        const struct node *node = &ledger->nodes[ledger->index[at] - 1];
        if (node->key == key && node->host == host)
            break;
    }
    return at;
}

uint32_t ledger_find(const struct ledger *ledger, uint64_t key, uint64_t host)
{
    uint32_t found = ledger->index[probe(ledger, key, host)];
    return found ? found - 1 : LEDGER_NONE;
}

/* Closes the gap: those behind it that would not be found any more move up. */
static void unindex(struct ledger *ledger, uint32_t at)
{
    uint32_t places = 2 * ledger->capacity;
    for (uint32_t next = step(ledger, at); ledger->index[next]; next = step(ledger, next)) {
        const struct node *node = &ledger->nodes[ledger->index[next] - 1];
        uint32_t from_home = (next + places - home(ledger, node->key, node->host)) % places;
        if (from_home >= (next + places - at) % places) {
            ledger->index[at] = ledger->index[next];
            at = next;
        }
    }
    ledger->index[at] = 0;
}

/*
 * Into the half that the current version is not in. The fence pairs with the one in hosts_read(): whoever sees a word
 * of this half sees that the version before it is over. Release of the version: its half is complete.
 */
static void commit(struct host_record *s_record, const struct node *node)
{
    uint64_t words[HOST_WORDS], version = load_relaxed(&s_record->version) + 1;
    memcpy(words, &node->entry, sizeof(words));
    fence_release();
    for (int word = 0; word < HOST_WORDS; word++)
        store_relaxed(&s_record->halves[version % 2][word], words[word]);
    store_release(&s_record->version, version);
}

void ledger_commit(struct ledger *ledger, uint32_t number)
{
    commit(&ledger->hosts.s_records[number], &ledger->nodes[number]);
}

/* The name last: a fetcher that dies before leaves a free record. The version makes readers look again. */
static void show(struct host_record *s_record, const struct node *node)
{
    store_relaxed(&s_record->key, 0);
    store_release(&s_record->version, load_relaxed(&s_record->version) + 1);
    fence_release();
    store_relaxed(&s_record->host, node->host);
    commit(s_record, node);
    store_release(&s_record->key, key_word(node->key));
}

/* Room for more records on the heap. */
static enum shm_status widen(struct ledger *ledger, uint32_t capacity)
{
    uint32_t *index = calloc(capacity, 2 * sizeof(*index));
    struct node *nodes = index ? realloc(ledger->nodes, capacity * sizeof(*nodes)) : NULL;
    if (!nodes) {
        free(index);
        return SHM_SYSTEM_ERROR;
    }
    free(ledger->index);
    ledger->nodes = nodes;
    ledger->index = index;
    ledger->capacity = capacity;
    for (uint32_t i = 0; i < ledger->used; i++)
        if (nodes[i].key != KEY_INVALID)
            index[probe(ledger, nodes[i].key, nodes[i].host)] = i + 1;
    return SHM_OK;
}

/* A new object with everything that is known, in place of the one there. On failure that one stays. */
static enum shm_status rebuild(struct ledger *ledger)
{
    struct region region = {0};
    uint64_t now = clock_unix_ms(), generation = now > ledger->generation ? now : ledger->generation + 1;
    enum shm_status status =
        region_create(ledger->names.next_hosts, hosts_size(ledger->capacity), MODE_HOSTS, (gid_t)-1, &region);
    if (status != SHM_OK)
        return status;
    struct hosts_header *s_header = region.s_base;
    struct hosts hosts = {s_header, (struct host_record *)((char *)region.s_base + HEADER_BYTES),
                          ledger->capacity};
    s_header->id = (struct object_id){.magic = HOSTS_MAGIC,
                                      .layout_version = LAYOUT_VERSION,
                                      .fingerprint = layout_fingerprint(),
                                      .size = region.size,
                                      .generation = generation};
    s_header->record_count = ledger->capacity;
    for (uint32_t i = 0; i < ledger->used; i++)
        if (ledger->nodes[i].key != KEY_INVALID)
            show(&hosts.s_records[i], &ledger->nodes[i]);
    store_release(&s_header->used, ledger->used); /* pairs with the acquire in hosts_used() */
    status = region_rename(ledger->names.next_hosts, ledger->names.hosts);
    if (status != SHM_OK) {
        shm_unlink(ledger->names.next_hosts);
        region_close(&region);
        return status;
    }
    region_close(&ledger->region);
    ledger->region = region;
    ledger->hosts = hosts;
    ledger->generation = generation;
    ledger->order = 0; /* of the object before: its operator finds out that it is gone, and posts it anew */
    return SHM_OK;
}

/* Twice as many records, as far as max_bytes allows. While a fetcher starts there is no object yet. */
static bool make_room(struct ledger *ledger)
{
    uint64_t most = (ledger->max_bytes - HEADER_BYTES) / sizeof(struct host_record);
    uint64_t wanted = ledger->capacity * UINT64_C(2);
    if (wanted > most)
        wanted = most;
    if (ledger->used == ledger->capacity && (wanted <= ledger->capacity || wanted >= LEDGER_NONE / 2 ||
                                             widen(ledger, (uint32_t)wanted) != SHM_OK))
        return false;
    return !ledger->region.s_base || ledger->used < ledger->hosts.record_count || rebuild(ledger) == SHM_OK;
}

static uint32_t add(struct ledger *ledger, uint64_t key, uint64_t host)
{
    uint32_t number = ledger->free;
    if (number == LEDGER_NONE && !make_room(ledger))
        return LEDGER_NONE;
    if (number == LEDGER_NONE)
        number = ledger->used++;
    else
        ledger->free = ledger->nodes[number].next;
    ledger->nodes[number] = (struct node){.key = key, .host = host, .next = LEDGER_NONE};
    ledger->index[probe(ledger, key, host)] = number + 1;
    if (ledger->region.s_base) {
        show(&ledger->hosts.s_records[number], &ledger->nodes[number]);
        store_release(&ledger->hosts.s_header->used,
                      ledger->used); /* pairs with the acquire in hosts_used() */
    }
    return number;
}

uint32_t ledger_add(struct ledger *ledger, uint64_t key, uint64_t host)
{
    uint32_t number = ledger_find(ledger, key, host);
    if (number != LEDGER_NONE)
        return number;
    uint32_t route = ledger_find(ledger, key, 0);
    if (route == LEDGER_NONE)
        route = add(ledger, key, 0);
    if (route == LEDGER_NONE || host == 0)
        return route;
    number = add(ledger, key, host);
    if (number == LEDGER_NONE)
        return LEDGER_NONE;
    ledger->nodes[number].next = ledger->nodes[route].next;
    ledger->nodes[route].next = number;
    return number;
}

void ledger_remove(struct ledger *ledger, uint32_t number)
{
    struct node *node = &ledger->nodes[number];
    uint32_t before = ledger_find(ledger, node->key, 0);
    if (node->host == 0 && node->next != LEDGER_NONE)
        return;
    while (node->host && ledger->nodes[before].next != number)
        before = ledger->nodes[before].next;
    if (node->host)
        ledger->nodes[before].next = node->next;
    unindex(ledger, probe(ledger, node->key, node->host));
    struct host_record *s_record = &ledger->hosts.s_records[number];
    store_relaxed(&s_record->key, 0);
    /* Pairs with the acquire in hosts_read(): with this version the name is gone. */
    store_release(&s_record->version, load_relaxed(&s_record->version) + 1);
    node->key = KEY_INVALID;
    node->next = ledger->free;
    ledger->free = number;
}

uint32_t ledger_used(const struct ledger *ledger)
{
    return ledger->used;
}

bool ledger_is(const struct ledger *ledger, uint32_t number, uint64_t *key, uint64_t *host)
{
    *key = ledger->nodes[number].key;
    *host = ledger->nodes[number].host;
    return *key != KEY_INVALID;
}

uint32_t ledger_next(const struct ledger *ledger, uint32_t number)
{
    return ledger->nodes[number].next;
}

struct host_entry *ledger_entry(struct ledger *ledger, uint32_t number)
{
    return &ledger->nodes[number].entry;
}

static bool plausible(const struct host_entry *entry)
{
    const struct standing *standing = &entry->standing;
    return standing->state <= STANDING_OVERLOADED && standing->hold <= HOLD_DRAINED &&
           standing->reason < REASONS && standing->bad_window <= 1;
}

/*
 * What the fetcher before this one knew. A route's own record may come after those of its hosts, with which it is
 * added, so a record that is there already is no reason to leave one out. There is room for all: only those whose
 * route has lost its own, which is damage, can need more.
 */
static void take_over(struct ledger *ledger, const struct hosts *old)
{
    for (uint32_t i = 0; i < hosts_used(old); i++) {
        uint64_t key, host;
        struct host_entry entry;
        if (!hosts_read(old, i, &key, &host, &entry) || !plausible(&entry))
            continue;
        uint32_t number = ledger_add(ledger, key, host);
        if (number != LEDGER_NONE)
            ledger->nodes[number].entry = entry;
    }
}

static enum shm_status open_old(const struct ledger *ledger, struct region *region, struct hosts *hosts,
                                char note[static WRITER_NOTE_MAX])
{
    const struct trust self = {.owners = {geteuid()}, .owner_count = 1, .unsafe_mode = 0022};
    enum shm_status status = region_open(ledger->names.hosts, false, &self, 0, region);
    if (status == SHM_FOREIGN || status == SHM_NO_PERMISSION || status == SHM_UNSAFE) {
        snprintf(note, WRITER_NOTE_MAX, "%s is not ours alone: remove /dev/shm%s, or run as its owner",
                 ledger->names.hosts, ledger->names.hosts);
        return status;
    }
    if (status == SHM_SYSTEM_ERROR) /* it may be in good order: not to be replaced for want of a descriptor */
        return status;
    if (status == SHM_OK && region->s_base && hosts_attach(region, hosts) == SHM_OK)
        return SHM_OK;
    *hosts = (struct hosts){0};
    return SHM_OK;
}

enum shm_status ledger_open(struct ledger **out, const char *instance, uint64_t max_bytes,
                            char note[static WRITER_NOTE_MAX])
{
    struct region region = {0};
    struct hosts old = {0};
    struct ledger *ledger = calloc(1, sizeof(*ledger));
    note[0] = '\0';
    if (!ledger) {
        snprintf(note, WRITER_NOTE_MAX, "out of memory");
        return SHM_SYSTEM_ERROR;
    }
    ledger->max_bytes = max_bytes;
    ledger->free = LEDGER_NONE;
    enum shm_status status = object_names(instance, &ledger->names);
    if (status == SHM_OK)
        status = open_old(ledger, &region, &old, note);
    if (status == SHM_OK && getrandom(&ledger->seed, sizeof(ledger->seed), 0) != sizeof(ledger->seed))
        status = SHM_SYSTEM_ERROR;
    if (status == SHM_OK && old.s_header && hosts_used(&old) > FIRST_RECORDS)
        status = widen(ledger, hosts_used(&old));
    else if (status == SHM_OK)
        status = widen(ledger, FIRST_RECORDS);
    if (status == SHM_OK && old.s_header) {
        ledger->generation = old.s_header->id.generation;
        take_over(ledger, &old);
    }
    if (status == SHM_OK)
        status = rebuild(ledger);
    if (status != SHM_OK && !note[0])
        snprintf(note, WRITER_NOTE_MAX, "cannot make %s: %s", ledger->names.hosts,
                 status == SHM_NO_SPACE ? "shared memory is full" : strerror(errno));
    region_close(&region);
    if (status == SHM_OK)
        *out = ledger;
    else
        ledger_close(ledger);
    return status;
}

void ledger_close(struct ledger *ledger)
{
    if (!ledger)
        return;
    region_close(&ledger->region);
    free(ledger->nodes);
    free(ledger->index);
    free(ledger);
}

void ledger_tend(struct ledger *ledger, char note[static WRITER_NOTE_MAX])
{
    note[0] = '\0';
    if (region_is_named(&ledger->region, ledger->names.hosts))
        return;
    enum shm_status status = rebuild(ledger);
    snprintf(note, WRITER_NOTE_MAX, "%s had been removed or replaced: %s", ledger->names.hosts,
             status == SHM_OK ? "made anew" : "it cannot be made anew");
}

bool ledger_order(struct ledger *ledger, struct order *out)
{
    const struct hosts_header *s_header = ledger->hosts.s_header;
    /* Pairs with the release of `posted` in order.c: the order is complete. */
    uint32_t number = load_acquire(&s_header->posted);
    if (number == load_relaxed(&s_header->taken))
        return false;
    const struct order order = {.key = load_relaxed(&s_header->order_key),
                                .host = load_relaxed(&s_header->order_host),
                                .hold = (enum standing_hold)load_relaxed(&s_header->order_hold)};
    if (load_relaxed(&s_header->order_check) != order_check(&order, number, load_relaxed(&s_header->claimed)))
        return false; /* its operator finds out, and gives it again */
    ledger->order = number;
    *out = order;
    if (out->hold > HOLD_DRAINED)
        out->hold = HOLD_NONE;
    return true;
}

void ledger_answer(struct ledger *ledger, enum order_result result)
{
    struct hosts_header *s_header = ledger->hosts.s_header;
    store_relaxed(&s_header->result, (uint32_t)result);
    /* Pairs with the acquire in order.c: the result comes with it. */
    store_release(&s_header->taken, ledger->order);
}
