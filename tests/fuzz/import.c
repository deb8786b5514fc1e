/* SPDX-License-Identifier: MIT */
/*
 * A CSV file with any content is imported whole or not at all: refused, with a text that names the file, and the
 * store is as before; or taken, and then a second import finds nothing to add.
 */
#include <string.h>

#include "tests/fuzz/fuzz.h"
#include "tools/dns/import.h"

static struct store *store;

struct content {
    uint64_t version, digest;
    struct store_size size;
};

static int digest_row(void *arg, struct route_key key, struct host_addr host)
{
    uint64_t *digest = arg;
    const uint64_t words[] = {route_key_number(key), host_addr_word(host)};
    DEMAND(host.address != 0 && host.port != 0);
    for (int i = 0; i < 2; i++)
        *digest = (*digest ^ words[i]) * UINT64_C(0x9e3779b97f4a7c15);
    return 0;
}

static struct content content(void)
{
    struct content now = {0};
    struct store_edit nothing;
    DEMAND(store_begin(store) == 0 && store_commit(store, &nothing) == 0 && nothing.keys == 0);
    DEMAND(store_measure(store, &now.size) == 0);
    DEMAND(store_list(store, NULL, NULL, digest_row, &now.digest) == 0);
    now.version = nothing.version;
    return now;
}

static bool same(const struct content *a, const struct content *b)
{
    return memcmp(a, b, sizeof(*a)) == 0;
}

/* A store with one route of two hosts. */
static void store_renew(void)
{
    char error[STORE_ERROR_SIZE];
    struct store_edit edit;
    store_close(store);
    store = NULL;
    DEMAND(store_open(&store, ":memory:", STORE_CREATE, error) == 0);
    DEMAND(store_begin(store) == 0);
    for (uint32_t i = 1; i <= 2; i++)
        DEMAND(store_add(store, (struct route_key){1, 2},
                         (struct host_addr){htonl(167772160 + i), htons(80)}) == 1);
    DEMAND(store_commit(store, &edit) == 0);
}

static void check_taken(const struct import_source *source, const struct content *before,
                        const struct store_edit *first)
{
    struct store_edit second;
    char error[IMPORT_ERROR_SIZE];
    struct content after = content();
    DEMAND(after.size.routes == before->size.routes + first->new_routes);
    DEMAND(after.size.hosts == before->size.hosts + first->added);
    DEMAND((first->keys == 0) == same(before, &after) && (first->keys == 0) == !first->added);
    rewind(source->file);
    DEMAND(import_csv(source, store, &second, error) == 0);
    DEMAND(second.keys == 0 && second.added == 0 && second.version == after.version);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!store)
        store_renew();
    struct import_source source = {.file = fmemopen((void *)(uintptr_t)data, size, "r"), .name = "fuzz.csv"};
    struct store_edit outcome;
    char error[IMPORT_ERROR_SIZE] = "";
    struct content before = content();
    DEMAND(source.file);
    int rc = import_csv(&source, store, &outcome, error);
    if (rc == 0) {
        check_taken(&source, &before, &outcome);
        if (outcome.keys > 0)
            store_renew();
    } else {
        struct content after = content();
        DEMAND(rc > 0 || strncmp(error, "fuzz.csv:", strlen("fuzz.csv:")) == 0);
        DEMAND(same(&before, &after));
    }
    fclose(source.file);
    return 0;
}
