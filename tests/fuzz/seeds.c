/* SPDX-License-Identifier: MIT */
/*
 * Writes the seeds that are not text: fuzz_seeds DIRECTORY makes DIRECTORY/<harness>/<name>. Each is a case that a
 * person thought of; the harnesses say what the bytes mean.
 */
#include <sqlite3.h>
#include <string.h>
#include <unistd.h>

#include "fetcher/snapshot_encode.h"
#include "proto/frame.h"
#include "shm/clock.h"
#include "shm/control.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/image.h"
#include "tests/support/snapshot_version.h"
#include "tools/dns/store.h"

static const char *directory;

static void seed(const char *name, const void *bytes, size_t size)
{
    char path[1024];
    snprintf(path, sizeof(path), "%s/%s", directory, name);
    FILE *file = fopen(path, "w");
    DEMAND(file && fwrite(bytes, 1, size, file) == size);
    DEMAND(fclose(file) == 0);
}
#define SEED(name, literal) seed(name, literal, sizeof(literal) - 1)

static void frame_seeds(void)
{
    static uint8_t largest[8 + FRAME_MAX + FRAME_HEADER] = "\x07\x00\xff\x01\x80\x02\x03\x7f";
    frame_header(largest + 8, 2, FRAME_BODY_MAX);
    frame_header(largest + 8 + FRAME_MAX, 2, 0);
    seed("frame/largest", largest, sizeof(largest));
    SEED("frame/byte_by_byte", "\0\0\0\0\0\0\0\0"
                               "\2\0\0\0\5\0\0\0hello"
                               "\2\0\0\0\0\0\0\0");
    SEED("frame/too_long", "\6\6\6\6\6\6\6\6"
                           "\2\0\0\0\1\0\0\0x"
                           "\2\0\0\0\xf8\xff\0\0");
    SEED("frame/negative", "\x7f\x7f\x7f\x7f\x7f\x7f\x7f\x7f"
                           "\2\0\0\0\xff\xff\xff\xff");
}

static void answer_seeds(void)
{
    SEED("answer/no_host", "\x08\x01\x10\x02");
    SEED("answer/version", "\x08\x01\x10\x02\x20\x86\xd2\xb0\xd8\x06");
    SEED("answer/repeated", "\x08\x01\x10\x02"
                            "\x1a\x07\x08\x81\x80\x80\x50\x10\x50"
                            "\x1a\x07\x08\x81\x80\x80\x50\x10\x50");
    SEED("answer/high_address", "\x08\x01\x10\x02"
                                "\x1a\x0e\x08\x81\x80\x80\xc0\xfc\xff\xff\xff\xff\x01\x10\x90\x3f"
                                "\x1a\x07\x08\x81\x80\x80\x50\x10\x50");
    SEED("answer/unusable", "\x08\x01\x10\x02"
                            "\x1a\x02\x10\x50"
                            "\x1a\x0d\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x10\x50"
                            "\x1a\x09\x08\x01\x10\x80\x80\x04\x18\x01"
                            "\x1a\x04\x08\x01\x10\x50");
}

/* A change as input_patch() reads it. */
struct patch {
    unsigned kind, words;
    size_t offset; /* bytes into the image */
    uint64_t value;
};

static void patch_seed(const char *name, const void *prefix, size_t prefix_size, const struct patch *patches,
                       size_t count)
{
    uint8_t bytes[256];
    size_t size = prefix_size;
    memcpy(bytes, prefix, prefix_size);
    for (const struct patch *patch = patches; patch < patches + count; patch++) {
        const uint64_t fields[] = {patch->kind + PATCH_KINDS * (patch->words - 1), patch->offset / 8,
                                   patch->value};
        static const unsigned widths[] = {1, 2, 8};
        for (int field = 0; field < 3; field++)
            for (unsigned byte = 0; byte < widths[field]; byte++)
                bytes[size++] = (uint8_t)(fields[field] >> 8 * byte);
    }
    seed(name, bytes, size);
}
#define PATCH_SEED(name, prefix, ...)                                                                        \
    patch_seed(name, prefix, sizeof(prefix) - 1, (struct patch[]){__VA_ARGS__},                              \
               sizeof((struct patch[]){__VA_ARGS__}) / sizeof(struct patch))

static void routes_seeds(const char *harness)
{
    enum {
        INDEX = HEADER_BYTES,
        ARENA = HEADER_BYTES + IMAGE_BUCKETS * CACHE_LINE
    };
    char name[64];
#define NAME(what) (snprintf(name, sizeof(name), "%s/%s", harness, what), name)
    SEED(NAME("whole"), "\0\0");
    SEED(NAME("truncated"), "\0\x11");
    PATCH_SEED(NAME("bucket_count"), "\0\0", {PATCH_FLIP, 1, 32, 5});
    PATCH_SEED(NAME("index_full"), "\0\0", {PATCH_SET, 32, INDEX, 5});
    PATCH_SEED(NAME("key_twice"), "\0\0", {PATCH_COPY, 1, INDEX + 3 * 16, (INDEX + 8 * 16) / 8},
               {PATCH_SET, 1, INDEX + 3 * 16 + 8, ref_make(3, 2)});
    PATCH_SEED(NAME("version_twice"), "\0\0", {PATCH_SET, 1, INDEX + 24, ref_make(6, 1)},
               {PATCH_SET, 1, ARENA + 64, ref_make(6, 1)});
    PATCH_SEED(NAME("half_written"), "\0\0", {PATCH_SET, 1, ARENA + 64, 0});
    PATCH_SEED(NAME("count"), "\0\0", {PATCH_FLIP, 1, ARENA + 64 + 24, UINT64_C(0xffff) << 32},
               {PATCH_FLIP, 1, ARENA + 128 + 24, UINT64_C(0x2aaa) << 32});
    PATCH_SEED(NAME("version_0"), "\0\0", {PATCH_SET, 1, ARENA + 64, 1}, {PATCH_SET, 32, INDEX + 24, 1});
#undef NAME
}

static void control_seeds(void)
{
    enum {
        MISSES = HEADER_BYTES + LOOKUP_CELLS * CACHE_LINE,
        FLAGS = MISSES + MISS_CELLS * 8,
        SUMMARY = offsetof(struct control_header, miss_summary),
    };
    SEED("control_image/empty", "\0\0\1\0");
    PATCH_SEED("control_image/all_flags", "\x3f\0\1\1", {PATCH_SET, 32, FLAGS, UINT64_MAX},
               {PATCH_FLIP, 32, FLAGS, 2});
    PATCH_SEED("control_image/misses", "\0\0\5\2", {PATCH_SET, 1, SUMMARY, 3}, {PATCH_SET, 86, MISSES, 12345},
               {PATCH_FLIP, 86, MISSES, 1});
    PATCH_SEED("control_image/no_summary", "\xff\xff\x10\2", {PATCH_SET, 86, FLAGS, UINT64_MAX},
               {PATCH_SET, 86, MISSES, 9});
    PATCH_SEED("control_writer/all_flags", "", {PATCH_SET, 64, FLAGS, UINT64_MAX});
    PATCH_SEED("control_writer/misses", "", {PATCH_SET, 86, MISSES, 12345},
               {PATCH_SET, 1, SUMMARY, UINT64_MAX});
    PATCH_SEED("control_writer/header", "", {PATCH_SET, 8, 0, UINT64_MAX});
}

/* Records of the object that hosts.c begins with; their first half is the one that a first commit fills. */
static void hosts_seeds(void)
{
    enum {
        RECORD = sizeof(struct host_record),
        FIRST = HEADER_BYTES,
        VERSION = offsetof(struct host_record, version),
        HALVES = offsetof(struct host_record, halves),
    };
    SEED("hosts/whole", "\0\0");
    SEED("hosts/truncated", "\0\x10");
    PATCH_SEED("hosts/record_count", "\0\0", {PATCH_FLIP, 1, sizeof(struct object_id), 7});
    PATCH_SEED("hosts/used", "\0\0", {PATCH_FLIP, 1, sizeof(struct object_id), UINT64_MAX << 32});
    PATCH_SEED("hosts/other_half", "\0\0", {PATCH_FLIP, 1, FIRST + VERSION, 1});
    PATCH_SEED("hosts/twice", "\0\0", {PATCH_COPY, 2, FIRST + 3 * RECORD, (FIRST + RECORD) / 8});
    PATCH_SEED("hosts/without_its_route", "\0\0", {PATCH_SET, 1, FIRST, 0});
    PATCH_SEED("hosts/every_word", "\0\0", {PATCH_SET, 86, FIRST + HALVES, UINT64_MAX});
}

static void run_sql(const char *path, const char *sql)
{
    sqlite3 *db;
    DEMAND(sqlite3_open(path, &db) == SQLITE_OK);
    DEMAND(sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK);
    DEMAND(sqlite3_close(db) == SQLITE_OK);
}

/* Pages as small as SQLite allows, so that little is mutated without effect. */
static void database_seeds(void)
{
    char path[1024], error[STORE_ERROR_SIZE];
    struct store *store;
    struct store_edit edit;
    snprintf(path, sizeof(path), "%s/database/three_hosts", directory);
    unlink(path);
    run_sql(path, "PRAGMA page_size = 512; VACUUM");
    DEMAND(store_open(&store, path, STORE_CREATE, error) == 0);
    DEMAND(store_begin(store) == 0);
    for (uint32_t i = 1; i <= 3; i++)
        DEMAND(store_add(store, (struct route_key){1, i / 2},
                         (struct host_addr){htonl(UINT32_C(0x0a000000) + i), htons(80)}) == 1);
    DEMAND(store_commit(store, &edit) == 0);
    store_close(store);

    snprintf(path, sizeof(path), "%s/database/other_program", directory);
    unlink(path);
    run_sql(path, "PRAGMA page_size = 512; CREATE TABLE notes (text)");
    SEED("database/empty", "");
    SEED("database/no_database", "modid,cmdid,ip,port\n");
}

/* A route of two hosts, one of them drained, and a host's record. */
static void snapshot_seeds(void)
{
    static _Alignas(CACHE_LINE) uint8_t bytes[UNIT_BYTES];
    struct block *block = (struct block *)bytes;
    const struct route_ref route = {.key = {1, 2},
                                    .table = {.s_block = block,
                                              .s_addresses = block_addresses(block, 2),
                                              .s_ports = block_ports(block, 2),
                                              .s_states = block->states,
                                              .count = 2}};
    const struct host_entry entry = {
        .health = {.total_succ = 1, .since = TICK_ORIGIN, .override = OVERRIDE_DRAINED}};
    struct snapshot_encoder encoder = {0};
    block->expires = TICK_ORIGIN;
    block->ttl_s = 15;
    block->count = 2;
    block->limited = 1;
    block->states[0] = share_bits(1, SHARE_DRAINED);
    for (uint32_t i = 0; i < 2; i++) {
        block_addresses(block, 2)[i] = htonl(UINT32_C(0x0a000001) + i);
        block_ports(block, 2)[i] = htons(80);
    }
    snapshot_encode_begin(&encoder, 1 << 16, UINT64_C(1795900000000), TICK_ORIGIN);
    snapshot_encode_route(&encoder, &route);
    snapshot_encode_host(&encoder, route.key, HOST_ADDR_NONE, &entry);
    snapshot_encode_host(&encoder, route.key, (struct host_addr){htonl(0x0a000001), htons(80)}, &entry);
    DEMAND(snapshot_encode_end(&encoder, "one", 100));
    snapshot_seal(encoder.bytes, encoder.size);
    seed("snapshot/route_and_host", encoder.bytes, encoder.size);
    seed("snapshot/version_1", encoder.bytes, snapshot_to_version_1(encoder.bytes, encoder.size));
    snapshot_encode_free(&encoder);
    SEED("snapshot/empty", "");
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: fuzz_seeds DIRECTORY\n");
        return EXIT_FAILURE;
    }
    directory = argv[1];
    frame_seeds();
    answer_seeds();
    routes_seeds("routes_image");
    routes_seeds("adoption");
    control_seeds();
    hosts_seeds();
    database_seeds();
    snapshot_seeds();
    return EXIT_SUCCESS;
}
