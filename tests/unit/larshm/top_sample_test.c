/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "shm/atomic.h"
#include "shm/object_id.h"
#include "tests/support/noise.h"
#include "tools/larshm/top_text.h"

enum {
    BUCKETS = 64,
    UNITS = 256,
    RECORDS = 256,
    NOISES = 200,
};

static const char name[] = "sampled";

/* Objects of an instance in a directory of their own, which stay writable. */
struct objects {
    char directory[32];
    struct object_names names;
    struct region routes, hosts;
};

static void path_of(const struct objects *objects, const char *object, char path[static 96])
{
    snprintf(path, 96, "%s%.48s", objects->directory, object);
}

static struct region object_new(const struct objects *objects, const char *object, size_t size)
{
    char path[96];
    path_of(objects, object, path);
    int file = open(path, O_RDWR | O_CREAT | O_EXCL, 0644);
    assert_return_code(file, errno);
    assert_return_code(ftruncate(file, (off_t)size), errno);
    struct region region = {.size = size};
    region.s_base = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    assert_true(region.s_base != MAP_FAILED);
    close(file);
    return region;
}

static struct objects *objects_new(void)
{
    struct objects *objects = calloc(1, sizeof(*objects));
    assert_non_null(objects);
    strcpy(objects->directory, "/tmp/larshm-top-XXXXXX");
    assert_non_null(mkdtemp(objects->directory));
    region_set_directory(objects->directory);
    assert_int_equal(object_names(name, &objects->names), SHM_OK);
    objects->routes = object_new(objects, objects->names.routes, routes_size(BUCKETS, UNITS));
    objects->hosts = object_new(objects, objects->names.hosts, host_records_size(RECORDS));
    struct routes_header *routes = objects->routes.s_base;
    routes->id =
        (struct object_id){ROUTES_MAGIC, LAYOUT_VERSION, layout_fingerprint(), objects->routes.size, 1};
    routes_lay_out(routes, BUCKETS, UNITS, 1);
    struct hosts_header *hosts = objects->hosts.s_base;
    object_id_format(&hosts->id, HOSTS_MAGIC, &objects->hosts, 1);
    hosts->record_count = RECORDS;
    return objects;
}

static void objects_free(struct objects *objects)
{
    const char *const both[] = {objects->names.routes, objects->names.hosts};
    for (int i = 0; i < 2; i++) {
        char path[96];
        path_of(objects, both[i], path);
        unlink(path);
    }
    munmap(objects->routes.s_base, objects->routes.size);
    munmap(objects->hosts.s_base, objects->hosts.size);
    rmdir(objects->directory);
    region_set_directory(SHM_DIRECTORY);
    free(objects);
}

static struct host_record *record(const struct objects *objects, uint32_t number)
{
    return (struct host_record *)((char *)objects->hosts.s_base + HEADER_BYTES) + number;
}

static void put(const struct objects *objects, struct route_key key, uint64_t host, struct host_entry entry)
{
    struct hosts_header *header = objects->hosts.s_base;
    uint32_t number = load_relaxed(&header->used);
    uint64_t words[HOST_WORDS];
    host_entry_pack(&entry, words);
    for (int i = 0; i < HOST_WORDS; i++)
        store_relaxed(&record(objects, number)->halves[0][i], words[i]);
    store_relaxed(&record(objects, number)->host, host);
    store_relaxed(&record(objects, number)->key, route_key_word(key));
    store_relaxed(&header->used, number + 1);
}

static struct top_sample *sample_once(struct top_reader *reader)
{
    struct top_sample *sample = calloc(1, sizeof(*sample));
    assert_non_null(sample);
    assert_int_equal(top_reader_init(reader, name), 0);
    top_reader_sample(reader, sample);
    return sample;
}

static void hosts_that_are_out_are_listed_and_results_are_summed_by_route(void **state)
{
    (void)state;
    struct objects *objects = objects_new();
    const struct route_key listed = route_key(1, 1), other = route_key(2, 2);
    const struct route_use use = {listed, 100};
    top_routes_write(objects->routes.s_base, &use, 1);
    put(objects, listed, 1, (struct host_entry){.health = {.total_succ = 5, .total_err = 1}});
    put(objects, listed, 2, (struct host_entry){.health = {.total_succ = 7, .state = HOST_EJECTED}});
    put(objects, listed, 0,
        (struct host_entry){.health = {.total_err = 2}}); /* of hosts that the route does not have */
    put(objects, other, 3, (struct host_entry){.health = {.total_succ = 1, .override = OVERRIDE_DRAINED}});
    put(objects, other, 4, (struct host_entry){.health = {.state = HOST_EJECTED}, .left_s = 1});
    put(objects, other, 5, (struct host_entry){.health = {.reason = REASON_ERR_STREAK}});

    struct top_reader reader;
    struct top_sample *sample = sample_once(&reader);
    const struct top_hosts *hosts = &sample->hosts;
    assert_int_equal(sample->status, SHM_OK);
    assert_int_equal(sample->uses.count, 1);
    assert_false(sample->routes[0].cached);
    assert_int_equal(hosts->status, SHM_OK);
    assert_int_equal(hosts->of_count, 1);
    assert_int_equal(hosts->of[0].succ, 12);
    assert_int_equal(hosts->of[0].err, 3);
    assert_int_equal(hosts->all.succ, 13);
    assert_int_equal(hosts->notable, 3); /* ejected, drained, spared; not the one that has left */
    assert_int_equal(host_addr_word(hosts->listed[0].host), 2);
    assert_int_equal(host_addr_word(hosts->listed[1].host), 3);
    assert_int_equal(host_addr_word(hosts->listed[2].host), 5);
    free(sample);
    top_reader_close(&reader);
    objects_free(objects);
}

static void of_very_many_hosts_that_are_out_the_first_are_listed_and_all_counted(void **state)
{
    (void)state;
    struct objects *objects = objects_new();
    for (uint32_t i = 0; i < RECORDS; i++)
        put(objects, route_key(1, i), i + 1, (struct host_entry){.health = {.state = HOST_EJECTED}});
    struct top_reader reader;
    struct top_sample *sample = sample_once(&reader);
    assert_int_equal(sample->hosts.notable, RECORDS);
    assert_int_equal(sample->hosts.listed_count, TOP_HOSTS);
    free(sample);
    top_reader_close(&reader);
    objects_free(objects);
}

static void hosts_that_are_ejected_are_listed_however_many_others_there_are(void **state)
{
    (void)state;
    enum {
        EJECTED = 10
    };
    struct objects *objects = objects_new();
    for (uint32_t i = 0; i < RECORDS - EJECTED; i++)
        put(objects, route_key(1, i), i + 1, (struct host_entry){.health = {.override = OVERRIDE_PINNED}});
    for (uint32_t i = 0; i < EJECTED; i++)
        put(objects, route_key(2, i), 1, (struct host_entry){.health = {.state = HOST_EJECTED}});
    struct top_reader reader;
    struct top_sample *sample = sample_once(&reader);
    assert_int_equal(sample->hosts.notable, RECORDS);
    assert_int_equal(sample->hosts.listed_count, TOP_HOSTS);
    for (uint32_t i = 0; i < EJECTED; i++)
        assert_true(route_key_equal(sample->hosts.listed[i].key, route_key(2, i)));
    free(sample);
    top_reader_close(&reader);
    objects_free(objects);
}

static void an_instance_that_is_not_there_is_no_failure_and_is_found_when_it_comes(void **state)
{
    (void)state;
    struct objects *objects = objects_new();
    struct top_reader reader;
    char path[96], aside[100];
    path_of(objects, objects->names.routes, path);
    snprintf(aside, sizeof(aside), "%s.x", path);
    assert_return_code(rename(path, aside), errno);
    struct top_sample *sample = sample_once(&reader);
    assert_int_equal(sample->status, SHM_NO_OBJECT);
    assert_return_code(rename(aside, path), errno);
    top_reader_sample(&reader, sample);
    assert_int_equal(sample->status, SHM_OK);
    assert_return_code(rename(path, aside), errno);
    top_reader_sample(&reader, sample);
    assert_int_equal(sample->status, SHM_NO_OBJECT);
    assert_return_code(rename(aside, path), errno);
    free(sample);
    top_reader_close(&reader);
    objects_free(objects);
}

static void fill_objects(const struct objects *objects, uint64_t *seed)
{
    char *routes = objects->routes.s_base;
    const size_t first = offsetof(struct routes_header, tick);
    noise_fill(routes + first, sizeof(struct routes_header) - first, seed);
    noise_fill(routes + HEADER_BYTES, objects->routes.size - HEADER_BYTES, seed);
    noise_fill(record(objects, 0), RECORDS * sizeof(struct host_record), seed);
    struct hosts_header *header = objects->hosts.s_base;
    store_relaxed(&header->used, (uint32_t)noise(seed));
}

static void expect_lines_for_terminals(const struct top_page *page)
{
    for (int i = 0; i < SECTIONS; i++)
        for (size_t at = 0; at < page->sections[i].count; at++)
            for (const char *c = page->sections[i].lines[at].text; *c; c++)
                assert_true(*c >= ' ' && *c <= '~');
}

static void objects_full_of_noise_are_sampled_within_their_bounds_and_can_be_shown(void **state)
{
    (void)state;
    struct objects *objects = objects_new();
    struct top_reader reader;
    struct top_sample *after = sample_once(&reader), *before = malloc(sizeof(*before));
    struct top_rates *rates = calloc(1, sizeof(*rates));
    struct top_page *page = calloc(1, sizeof(*page));
    uint64_t seed = 4, listed = 0;
    assert_true(before && rates && page);
    for (int i = 0; i < NOISES; i++) {
        fill_objects(objects, &seed);
        *before = *after;
        reader.hosts_due = 0;
        top_reader_sample(&reader, after);
        assert_int_equal(after->status, SHM_OK);
        assert_in_range(after->uses.count, 0, TOP_ROUTES);
        assert_in_range(after->hosts.listed_count, 0, TOP_HOSTS);
        top_rates_update(rates, before, after);
        top_rates_sort(rates, (enum top_sort)(i % SORTS));
        top_page_write(page, name, after, rates);
        expect_lines_for_terminals(page);
        listed += after->hosts.listed_count + after->uses.count;
    }
    assert_true(listed > 0);
    free(page);
    free(rates);
    free(before);
    free(after);
    top_reader_close(&reader);
    objects_free(objects);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hosts_that_are_out_are_listed_and_results_are_summed_by_route),
        cmocka_unit_test(of_very_many_hosts_that_are_out_the_first_are_listed_and_all_counted),
        cmocka_unit_test(hosts_that_are_ejected_are_listed_however_many_others_there_are),
        cmocka_unit_test(an_instance_that_is_not_there_is_no_failure_and_is_found_when_it_comes),
        cmocka_unit_test(objects_full_of_noise_are_sampled_within_their_bounds_and_can_be_shown),
    };
    return cmocka_run_group_tests_name("unit/larshm/top_sample", tests, NULL, NULL);
}
