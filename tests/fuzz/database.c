/* SPDX-License-Identifier: MIT */
/*
 * A file with any content, named as the database, is refused with a text that names it, or is opened; then each call
 * does what it should or fails with a text, and gives only hosts that can be.
 */
#include <string.h>
#include <unistd.h>

#include "tests/fuzz/fuzz.h"
#include "tools/dns/store.h"

static char path[64];

static void remove_file(void)
{
    static const char *const suffixes[] = {"", "-wal", "-shm", "-journal"};
    for (int i = 0; i < 4; i++) {
        char name[sizeof(path) + sizeof("-journal")];
        snprintf(name, sizeof(name), "%s%s", path, suffixes[i]);
        unlink(name);
    }
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    snprintf(path, sizeof(path), "/dev/shm/larshm-fuzz-%ld.db", (long)getpid());
    return atexit(remove_file);
}

static void write_file(const uint8_t *data, size_t size)
{
    remove_file();
    FILE *file = fopen(path, "we");
    DEMAND(file && fwrite(data, 1, size, file) == size);
    DEMAND(fclose(file) == 0);
}

static int check_row(void *arg, struct route_key key, struct host_addr host)
{
    (void)arg, (void)key;
    DEMAND(host.address != 0 && host.port != 0);
    return 0;
}

static void ignore_change(void *arg, struct route_key key)
{
    (void)arg, (void)key;
}

static void check(const struct store *store, int result)
{
    DEMAND(result >= 0 || strstr(store_error(store), path));
}

static void use(struct store *store)
{
    const struct route_key key = {1, 2};
    struct host_addr hosts[4];
    size_t count = 0;
    struct store_size measured;
    struct store_edit edit;
    check(store, store_list(store, NULL, NULL, check_row, NULL));
    check(store, store_read(store, key, hosts, 4, &count));
    DEMAND(count <= 4);
    check(store, store_measure(store, &measured));
    check(store, store_poll(store, ignore_change, NULL));
    check(store, store_clean(store));
    int result = store_begin(store);
    check(store, result);
    if (result != 0)
        return;
    result = store_add(store, key, (struct host_addr){1, 1});
    check(store, result);
    if (result >= 0 && store_commit(store, &edit) == 0)
        return;
    store_rollback(store);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct store *store = NULL;
    char error[STORE_ERROR_SIZE] = "";
    write_file(data, size);
    if (store_open(&store, path, STORE_EXISTING, error) == 0)
        use(store);
    else
        DEMAND(strstr(error, path) && !store);
    store_close(store);
    return 0;
}
