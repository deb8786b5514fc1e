/* SPDX-License-Identifier: MIT */
/*
 * Two hundred threads in ten processes look routes up while one writer process publishes, grows and replaces them.
 *
 *      load_test [SECONDS [PROCESSES [THREADS]]]       3, 10 and 20 per process where nothing is said
 *
 * Prints one line. torn (an answer that does not check), missing (a route that had been published and was not
 * found) and outdated (an answer older than one that was published before the lookup began) must be 0; the exit
 * status is 1 if they are not. stale counts views that were kept too long, which is no fault.
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <larshm/larshm.h>

#include "shm/clock.h"
#include "tests/support/by_key.h"
#include "tests/support/instance.h"
#include "tests/support/keys.h"
#include "tools/bench/private_instance.h"

enum {
    ROUTES = 1000,
    HOSTS_MOST = 40,
    CHANGES_PER_SECOND = 5000,
    GRACE_MS = 20,     /* threads lose their processor for longer, so blocks are reused under them */
    ROUND_MOST = 4096, /* a self-checking address distinguishes so many rounds */
    GROWN_EVERY = 5,   /* milliseconds between two routes that are there only to make the object grow */
    PROCESSES_MOST = 64,
    LINE_LOOKUPS = 64, /* between two additions to the shared figures */
};

/* Shared by all processes of the test. */
struct figures {
    _Atomic uint32_t known;         /* routes 1 .. known have been published */
    _Atomic uint32_t round[ROUTES]; /* of route i: the last one whose publish is done */
    _Atomic bool stop;
    _Atomic uint64_t lookups, publishes, generations, stale, torn, missing, outdated, broken;
};

static struct figures *figures;
static char instance_name[INSTANCE_MAX + 1];

static uint32_t count_of(uint64_t key, uint32_t round)
{
    return (uint32_t)(hash_word(key, round) % HOSTS_MOST) + 1;
}

/* ---- the writer ---- */

static bool publish(struct writer *writer, uint64_t key, uint32_t round)
{
    struct host_addr hosts[HOSTS_MOST];
    uint32_t count = count_of(key, round);
    self_checking_hosts(key, round, count, hosts);
    if (put_by_key(writer, numbered_key(key), hosts, count, NULL, 15, clock_tick()) != SHM_OK) {
        fprintf(stderr, "a table cannot be published\n");
        return false;
    }
    figures->publishes++;
    return true;
}

static bool publish_change(struct writer *writer, uint64_t change)
{
    uint32_t route = (uint32_t)(change % ROUTES), round = (uint32_t)(change / ROUTES) % ROUND_MOST;
    if (!publish(writer, route, round))
        return false;
    figures->round[route] = round;
    if (figures->known < ROUTES)
        figures->known = route + 1;
    return true;
}

static bool write_until_stopped(struct writer *writer)
{
    uint64_t changes = 0, grown = 0, start = clock_tick();
    while (!figures->stop) {
        uint64_t now = clock_tick(), elapsed = now - start;
        while (changes < ROUTES || changes < elapsed * CHANGES_PER_SECOND / 1000)
            if (!publish_change(writer, changes++))
                return false;
        for (; grown < elapsed / GROWN_EVERY; grown++)
            if (!publish(writer, route_key_number(route_key(1, (uint32_t)grown)), 0))
                return false;
        writer_heartbeat(writer, now);
        figures->generations = writer_counter(writer, COUNTER_generations);
        usleep(1000);
    }
    return true;
}

static int run_writer(int ready)
{
    struct writer_options options = private_instance_options(instance_name, 64 << 20);
    struct writer *writer = NULL;
    struct event failure;
    options.settings.grace_ms = GRACE_MS;
    options.settings.poll_interval_ms = 1;
    if (writer_open(&writer, &options, &failure) != SHM_OK || write(ready, "", 1) != 1) {
        fprintf(stderr, "the writer cannot start\n");
        return 1;
    }
    close(ready);
    bool ok = write_until_stopped(writer);
    writer_close(writer);
    return ok ? 0 : 1;
}

/* ---- the readers ---- */

struct reader {
    larshm *h;
    uint64_t random;
    uint64_t lookups, stale, torn, missing, outdated;
};

static bool missed(struct reader *reader, int code)
{
    reader->missing += code != LARSHM_OK;
    return code != LARSHM_OK;
}

/* Rounds go round; one that was published before the lookup is not behind the one that it saw by half the circle. */
static void judge_round(struct reader *reader, uint32_t seen, uint32_t least)
{
    reader->outdated += (seen - least) % ROUND_MOST > ROUND_MOST / 2;
}

static void look_at_host(struct reader *reader, uint32_t route, uint32_t least)
{
    larshm_host host;
    if (missed(reader, larshm_get_host(reader->h, 0, route, &host)))
        return;
    /* Which host it is follows from the port; the address says the round. */
    uint32_t round = UINT32_MAX;
    for (uint32_t i = 0; i < HOSTS_MOST; i++)
        if (self_checking_holds(route, i, (struct host_addr){host.addr, host.port}, &round)) {
            reader->torn += i >= count_of(route, round);
            judge_round(reader, round, least);
            return;
        }
    reader->torn++;
}

static void look_at_view(struct reader *reader, uint32_t route, uint32_t least)
{
    larshm_view view;
    uint32_t round = UINT32_MAX;
    if (missed(reader, larshm_route_begin(reader->h, 0, route, &view)))
        return;
    bool whole = true;
    for (uint32_t i = 0; i < view.count; i++)
        whole &= self_checking_holds(route, i, (struct host_addr){view.addr[i], view.port[i]}, &round);
    whole &= view.count == count_of(route, round);
    if (larshm_route_end(reader->h, &view) == LARSHM_STALE) {
        reader->stale++;
        return;
    }
    reader->torn += !whole;
    judge_round(reader, round, least);
}

static void look(struct reader *reader)
{
    reader->random = hash_word(reader->random + 1, 77);
    uint32_t known = figures->known;
    if (known == 0)
        return;
    /* Often the newest one. */
    uint32_t route = reader->random >> 60 ? (uint32_t)(reader->random % known) : known - 1;
    uint32_t least = figures->round[route];
    if (reader->random >> 32 & 1)
        look_at_host(reader, route, least);
    else
        look_at_view(reader, route, least);
    reader->lookups++;
}

static void *read_until_stopped(void *context)
{
    struct reader reader = {.h = context, .random = (uint64_t)clock() ^ (uintptr_t)&reader};
    while (!figures->stop)
        for (int i = 0; i < LINE_LOOKUPS; i++)
            look(&reader);
    figures->lookups += reader.lookups;
    figures->stale += reader.stale;
    figures->torn += reader.torn;
    figures->missing += reader.missing;
    figures->outdated += reader.outdated;
    return NULL;
}

static int run_readers(int count)
{
    larshm *h = NULL;
    int code = larshm_open(&h, instance_name), started = 0;
    pthread_t *threads = calloc((size_t)count, sizeof(*threads));
    if (code != LARSHM_OK || !threads) {
        fprintf(stderr, "reader: %s\n", larshm_strerror(code));
        return 1;
    }
    while (started < count && pthread_create(&threads[started], NULL, read_until_stopped, h) == 0)
        started++;
    for (int i = 0; i < started; i++)
        pthread_join(threads[i], NULL);
    free(threads);
    larshm_close(h);
    return started == count ? 0 : 1;
}

/* ---- the whole ---- */

static pid_t start(int (*run)(int), int argument)
{
    pid_t parent = getpid(), child = fork();
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        _exit(getppid() == parent ? run(argument) : 1);
    }
    return child;
}

static void await(pid_t child)
{
    int result = 1;
    if (child < 0 || waitpid(child, &result, 0) != child || result != 0)
        figures->broken++;
}

static void run(int seconds, int processes, int threads)
{
    pid_t readers[PROCESSES_MOST];
    int ready[2];
    char byte;
    if (pipe(ready) != 0)
        exit(1);
    pid_t writer = start(run_writer, ready[1]);
    close(ready[1]);
    bool running = read(ready[0], &byte, 1) == 1;
    close(ready[0]);
    for (int i = 0; i < processes; i++)
        readers[i] = start(run_readers, threads);
    for (int tenth = 0; running && tenth < seconds * 10 && waitpid(writer, NULL, WNOHANG) == 0; tenth++)
        usleep(100 * 1000);
    figures->stop = true;
    for (int i = 0; i < processes; i++)
        await(readers[i]);
    await(writer);
}

static int number(char **argv, int argc, int at, int otherwise, int most)
{
    int value = argc > at ? atoi(argv[at]) : otherwise;
    return value < 1 ? 1 : value > most ? most : value;
}

int main(int argc, char **argv)
{
    int seconds = number(argv, argc, 1, 3, 3600);
    int processes = number(argv, argc, 2, 10, PROCESSES_MOST);
    int threads = number(argv, argc, 3, 20, 1000);
    figures = mmap(NULL, sizeof(*figures), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (figures == MAP_FAILED)
        return 1;
    snprintf(instance_name, sizeof(instance_name), "load-%ld", (long)getpid());
    run(seconds, processes, threads);

    struct object_names names;
    if (object_names(instance_name, &names) == SHM_OK) {
        shm_unlink(names.routes);
        shm_unlink(names.control);
        shm_unlink(names.lock);
    }
    printf("threads %d lookups %llu publishes %llu generations %llu stale %llu torn %llu missing %llu "
           "outdated %llu\n",
           processes * threads, (unsigned long long)figures->lookups, (unsigned long long)figures->publishes,
           (unsigned long long)figures->generations, (unsigned long long)figures->stale,
           (unsigned long long)figures->torn, (unsigned long long)figures->missing,
           (unsigned long long)figures->outdated);
    bool well = figures->lookups > 0 && figures->publishes > ROUTES && figures->generations > 1;
    return well && !figures->torn && !figures->missing && !figures->outdated && !figures->broken ? 0 : 1;
}
