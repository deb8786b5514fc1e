/* SPDX-License-Identifier: MIT */
/*
 * For each operation on the hosts object, each call that can fail, and each n: the n-th such call fails. Nothing that
 * was known is lost, nothing half made stays, and the same operation succeeds when it is tried again.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "shm/host_records.h"
#include "shm/writer/host_store.h"
#include "tests/failure/fail.h"
#include "tests/support/instance.h"

enum {
    MAX_BYTES = 1 << 20,
    KEY = 3,
    FULL = 256, /* records that fit before the object grows */
};

struct scene {
    char instance[INSTANCE_MAX + 1], note[WRITER_NOTE_MAX];
    struct object_names names;
    struct ledger *ledger;
};

struct operation {
    const char *name;
    void (*prepare)(struct scene *scene);
    bool (*run)(struct scene *scene); /* false: it failed */
    uint32_t records;                 /* that were there before it */
    bool named;                       /* a failure is told in a note */
};

static bool start(struct scene *scene)
{
    return ledger_open(&scene->ledger, scene->instance, MAX_BYTES, scene->note) == SHM_OK;
}

static bool add(struct scene *scene, uint64_t host)
{
    uint32_t number = ledger_add(scene->ledger, KEY, host);
    if (number == LEDGER_NONE)
        return false;
    ledger_entry(scene->ledger, number)->counts = host;
    ledger_commit(scene->ledger, number);
    return true;
}

static void fill(struct scene *scene)
{
    assert_true(start(scene));
    for (uint64_t host = 1; host < FULL; host++)
        assert_true(add(scene, host));
}

static void fill_and_stop(struct scene *scene)
{
    fill(scene);
    ledger_close(scene->ledger);
    scene->ledger = NULL;
}

static void fill_and_lose(struct scene *scene)
{
    fill(scene);
    shm_unlink(scene->names.hosts);
}

static bool grow(struct scene *scene)
{
    return add(scene, FULL);
}

static bool tend(struct scene *scene)
{
    ledger_tend(scene->ledger, scene->note);
    return !strstr(scene->note, "cannot");
}

static const struct operation operations[] = {
    {"first start", NULL, start, 0, true},
    {"start after another", fill_and_stop, start, FULL, true},
    {"growth", fill, grow, FULL, false},
    {"a removed object", fill_and_lose, tend, FULL, true},
};

/* All that was known before is known to this fetcher, or, while there is none, shown to the next one. */
static bool all_known(const struct scene *scene, uint32_t records)
{
    for (uint64_t host = 1; scene->ledger && host < records; host++) {
        uint32_t number = ledger_find(scene->ledger, KEY, host);
        if (number == LEDGER_NONE || ledger_entry(scene->ledger, number)->counts != host)
            return false;
    }
    return true;
}

static bool all_shown(const struct scene *scene, uint32_t records)
{
    const struct trust self = {.owners = {geteuid()}, .owner_count = 1, .unsafe_mode = 0022};
    struct region region;
    struct hosts hosts;
    uint32_t shown = 0;
    if (region_open(scene->names.hosts, false, &self, HEADER_BYTES, &region) != SHM_OK)
        return records == 0;
    bool readable = hosts_attach(&region, &hosts) == SHM_OK;
    for (uint32_t number = 0; readable && number < hosts_used(&hosts); number++) {
        uint64_t key, host;
        struct host_entry entry;
        shown += hosts_read(&hosts, number, &key, &host, &entry) && entry.counts == host;
    }
    region_close(&region);
    return readable && shown >= records;
}

static bool left_half_made(const struct scene *scene)
{
    char path[128];
    snprintf(path, sizeof(path), "/dev/shm%s", scene->names.next_hosts);
    return access(path, F_OK) == 0;
}

static void begin(struct scene *scene)
{
    *scene = (struct scene){0};
    snprintf(scene->instance, sizeof(scene->instance), "test-%ld", (long)getpid());
    assert_int_equal(object_names(scene->instance, &scene->names), SHM_OK);
}

static void end(struct scene *scene)
{
    ledger_close(scene->ledger);
    shm_unlink(scene->names.hosts);
}

/* True if the call was made so often. */
static bool attempt(const struct operation *operation, enum fail_call call, unsigned long n)
{
    struct scene scene;
    begin(&scene);
    if (operation->prepare)
        operation->prepare(&scene);
    fail_at(call, n);
    bool done = operation->run(&scene), failed = fail_end();
    if (!done) {
        bool lost_name = operation->run == tend;
        if (!failed || left_half_made(&scene) || !all_known(&scene, operation->records) ||
            !(lost_name || all_shown(&scene, operation->records)))
            fail_msg("%s, %s %lu: something is lost or left", operation->name, fail_names[call], n);
        if (operation->named && !scene.note[0])
            fail_msg("%s, %s %lu: failed without a word", operation->name, fail_names[call], n);
        done = operation->run(&scene);
    }
    if (!done || left_half_made(&scene) || !all_known(&scene, operation->records) ||
        !all_shown(&scene, operation->records) || !add(&scene, FULL + 1))
        fail_msg("%s, %s %lu, tried again: %s", operation->name, fail_names[call], n, scene.note);
    end(&scene);
    return failed;
}

static void nth_failure_loses_no_record_and_can_be_retried(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(operations) / sizeof(*operations); i++) {
        unsigned long sum = 0;
        for (int call = 0; call < FAIL_CALL_COUNT; call++)
            for (unsigned long n = 1; attempt(&operations[i], (enum fail_call)call, n); n++)
                sum++;
        printf("%-28s %lu\n", operations[i].name, sum);
        assert_true(sum >= 5);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nth_failure_loses_no_record_and_can_be_retried),
    };
    return cmocka_run_group_tests_name("failure/ledger", tests, NULL, NULL);
}
