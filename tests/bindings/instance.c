/* SPDX-License-Identifier: MIT */
/*
 * An instance with a fetcher that has no directory, for the tests of each language: it publishes what it reads, has a
 * heartbeat, collects what is demanded, and counts what is reported in the hosts' records. An ejected host gets no probes.
 *
 *      bindings_instance INSTANCE [FILE]     does what FILE says, prints "ready"; then what stdin says, "done" after each line
 *
 *      route MODID CMDID [IP:PORT...]        publishes these hosts, all in rotation; none: there is no such route
 *      eject | drain | return MODID CMDID IP:PORT    changes the state of a host that the route has
 *      answer MODID CMDID [IP:PORT...]       as route, once the route has been demanded
 *      generation                            goes on in a new generation
 *
 * IP:FIRST-LAST are so many hosts. Other lines of FILE are calls, see vectors.txt. At the end of stdin the objects are
 * removed. A line that is wrong ends it with status 1.
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conf/address.h"
#include "conf/number.h"
#include "shm/clock.h"
#include "shm/writer/host_store.h"
#include "shm/writer/writer_internal.h"
#include "tools/bench/private_instance.h"

enum {
    HEARTBEAT_MS = 10,
    MAINTENANCE_MS = 100,
    TTL_S = 3600,
    BYTES = 64 << 20,
    LINE_BYTES = 16384,
    ANSWERS_MAX = 64,
    DEMANDED_MAX = 1024,
    CALLS_BUDGET = 10000,
};

struct answer {
    struct route_key key;
    char hosts[LINE_BYTES]; /* words of its line */
};

struct instance {
    struct writer *writer;
    struct host_store *store;           /* what was reported of each host */
    struct answer answers[ANSWERS_MAX]; /* not demanded yet */
    uint32_t answer_count;
    struct route_key demanded[DEMANDED_MAX]; /* ever */
    uint32_t demanded_count;
    uint64_t maintained;
};

static const char blanks[] = " \t\r\n";

/* IP:PORT or IP:FIRST-LAST, added to the hosts. */
static bool parse_hosts(const char *word, struct host_addr hosts[static HOSTS_MAX], uint32_t *count)
{
    char first[ADDRESS_TEXT_SIZE];
    struct sockaddr_in address;
    size_t length = strcspn(word, "-");
    uint32_t last;
    if (length >= sizeof(first))
        return false;
    memcpy(first, word, length);
    first[length] = '\0';
    if (!address_parse(first, &address))
        return false;
    uint32_t port = last = ntohs(address.sin_port);
    if (word[length] && !number_parse(&word[length + 1], port, UINT16_MAX, &last))
        return false;
    for (; port <= last && *count < HOSTS_MAX; port++)
        hosts[(*count)++] = (struct host_addr){address.sin_addr.s_addr, htons((uint16_t)port)};
    return port > last;
}

static int by_order(const void *a, const void *b)
{
    uint64_t first = host_addr_order(*(const struct host_addr *)a);
    uint64_t second = host_addr_order(*(const struct host_addr *)b);
    return (first > second) - (first < second);
}

/* As the writer wants them: sorted, each once. */
static uint32_t sort_hosts(struct host_addr *hosts, uint32_t count)
{
    uint32_t kept = 0;
    qsort(hosts, count, sizeof(*hosts), by_order);
    for (uint32_t i = 0; i < count; i++)
        if (kept == 0 || !host_addr_equal(hosts[i], hosts[kept - 1]))
            hosts[kept++] = hosts[i];
    return kept;
}

static bool publish(const struct instance *instance, struct route_key key, char *words)
{
    static struct host_addr hosts[HOSTS_MAX];
    struct route_ref route = writer_find(instance->writer, key);
    char *rest = NULL;
    uint32_t count = 0;
    bool changed;
    for (char *word = strtok_r(words, blanks, &rest); word; word = strtok_r(NULL, blanks, &rest))
        if (!parse_hosts(word, hosts, &count))
            return false;
    count = sort_hosts(hosts, count);
    return writer_put(instance->writer, &route, hosts, count, NULL, TTL_S, clock_tick(), &changed) == SHM_OK;
}

static bool set_share(const struct instance *instance, struct route_key key, const char *words,
                      enum host_share share)
{
    struct sockaddr_in address;
    char word[ADDRESS_TEXT_SIZE + 1];
    if (sscanf(words, "%22s", word) != 1 || !address_parse(word, &address))
        return false;
    const struct host_addr host = {address.sin_addr.s_addr, address.sin_port};
    struct route_ref route = writer_find(instance->writer, key);
    uint32_t at = route_ref_is_here(&route) ? route_ref_find_host(&route, host) : HOST_NONE;
    if (at == HOST_NONE)
        return false;
    writer_set_share(instance->writer, &route, at, share);
    return true;
}

static bool is_demanded(const struct instance *instance, struct route_key key)
{
    for (uint32_t i = 0; i < instance->demanded_count; i++)
        if (route_key_equal(instance->demanded[i], key))
            return true;
    return false;
}

static bool keep_answer(struct instance *instance, struct route_key key, const char *words)
{
    if (instance->answer_count == ANSWERS_MAX)
        return false;
    struct answer *answer = &instance->answers[instance->answer_count++];
    answer->key = key;
    snprintf(answer->hosts, sizeof(answer->hosts), "%s", words);
    return true;
}

/* Answers what is demanded; false if an answer is wrong. */
static bool give_answers(struct instance *instance)
{
    struct route_key key;
    struct miss_round round = writer_misses_begin(instance->writer);
    while (instance->demanded_count < DEMANDED_MAX && miss_round_next(&round, &key))
        if (!is_demanded(instance, key))
            instance->demanded[instance->demanded_count++] = key;
    writer_misses_end(instance->writer, &round);
    for (uint32_t i = 0; i < instance->answer_count;) {
        struct answer *answer = &instance->answers[i];
        if (!is_demanded(instance, answer->key)) {
            i++;
            continue;
        }
        if (!publish(instance, answer->key, answer->hosts))
            return false;
        *answer = instance->answers[--instance->answer_count];
    }
    return true;
}

static bool judge(void *context, const struct call_report *report)
{
    const struct instance *instance = context;
    struct route_ref route = writer_find(instance->writer, report->key);
    bool known = route_ref_is_here(&route) && route_ref_find_host(&route, report->host) != HOST_NONE;
    uint32_t number = known ? host_store_add(instance->store, report->key, report->host) : HOST_STORE_NONE;
    if (number != HOST_STORE_NONE) {
        struct host_entry *entry = host_store_entry(instance->store, number);
        entry->health.total_succ += report->batch.succ;
        entry->health.total_err += report->batch.err;
        host_store_commit(instance->store, number);
    }
    return known;
}

/* What a fetcher does all the time; false if an answer is wrong. */
static bool go_on(struct instance *instance)
{
    uint64_t now = clock_tick();
    struct event event;
    bool done = give_answers(instance);
    writer_collect_calls(instance->writer, CALLS_BUDGET, 0, now);
    writer_heartbeat(instance->writer, now);
    while (writer_grow_on(instance->writer, now))
        continue;
    if (now >= instance->maintained + MAINTENANCE_MS) {
        instance->maintained = now;
        writer_maintain(instance->writer, now);
    }
    while (writer_next_event(instance->writer, &event))
        continue;
    return done;
}

static bool is_call(const char *verb)
{
    static const char *const ours[] = {"route", "eject", "drain", "return", "answer", "generation"};
    for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
        if (strcmp(verb, ours[i]) == 0)
            return false;
    return true;
}

/* False: the line is wrong, or cannot be done. */
static bool do_line(struct instance *instance, char *line)
{
    char verb[16], modid[16], cmdid[16];
    int words = 0;
    struct route_key key;
    line[strcspn(line, "#\n")] = '\0';
    if (sscanf(line, "%15s", verb) != 1 || is_call(verb))
        return true;
    if (strcmp(verb, "generation") == 0)
        return writer_recreate(instance->writer, clock_tick()) == SHM_OK;
    if (sscanf(line, "%*s %15s %15s%n", modid, cmdid, &words) != 2 ||
        !number_parse(modid, 0, UINT32_MAX, &key.modid) || !number_parse(cmdid, 0, UINT32_MAX, &key.cmdid))
        return false;
    if (strcmp(verb, "route") == 0)
        return publish(instance, key, line + words);
    if (strcmp(verb, "answer") == 0)
        return keep_answer(instance, key, line + words);
    return set_share(instance, key, line + words,
                     strcmp(verb, "eject") == 0   ? SHARE_EJECTED
                     : strcmp(verb, "drain") == 0 ? SHARE_DRAINED
                                                  : SHARE_FULL);
}

static bool do_file(struct instance *instance, const char *path)
{
    char line[LINE_BYTES];
    FILE *file = fopen(path, "r");
    bool done = file != NULL;
    for (int number = 1; done && fgets(line, sizeof(line), file); number++) {
        done = do_line(instance, line);
        if (!done)
            fprintf(stderr, "bindings_instance: line %d of %s cannot be done\n", number, path);
    }
    if (file)
        fclose(file);
    else
        perror(path);
    return done;
}

/* One line of stdin, without its end, going on meanwhile. False: no more, or what goes on has failed. */
static bool next_line(struct instance *instance, char line[static LINE_BYTES])
{
    struct pollfd input = {.fd = 0, .events = POLLIN};
    for (size_t used = 0; used + 1 < LINE_BYTES;) {
        if (!go_on(instance))
            return false;
        if (poll(&input, 1, HEARTBEAT_MS) <= 0)
            continue;
        if (read(0, &line[used], 1) != 1)
            return false;
        if (line[used] == '\n') {
            line[used] = '\0';
            return true;
        }
        used++;
    }
    fprintf(stderr, "bindings_instance: a line is too long\n");
    return false;
}

static void print(const char *word)
{
    puts(word);
    fflush(stdout);
}

static bool serve(struct instance *instance, const char *path)
{
    char line[LINE_BYTES];
    bool done = !path || do_file(instance, path);
    if (done && go_on(instance))
        print("ready");
    while (done && next_line(instance, line)) {
        done = do_line(instance, line);
        if (done && go_on(instance))
            print("done");
        else
            fprintf(stderr, "bindings_instance: cannot be done: %s\n", line);
    }
    return done;
}

int main(int argc, char **argv)
{
    static struct instance instance;
    struct writer_options options = private_instance_options(argc > 1 ? argv[1] : "", BYTES);
    struct object_names names;
    struct event failure;
    options.settings.eject_probe_interval_ms = 0;
    if (argc < 2 || argc > 3 || object_names(options.instance, &names) != SHM_OK) {
        fprintf(stderr, "usage: bindings_instance INSTANCE [FILE]\n");
        return 1;
    }
    if (writer_open(&instance.writer, &options, &failure) != SHM_OK ||
        host_store_open(&instance.store, options.instance, BYTES, &failure) != SHM_OK) {
        fprintf(stderr, "bindings_instance: no instance %s: event %d\n", options.instance, (int)failure.kind);
        return 1;
    }
    writer_set_judge(instance.writer, judge, &instance);
    writer_set_directory(instance.writer, "directory.example:7778");
    writer_connection(instance.writer, CONNECTION_UP, clock_tick());
    bool done = serve(&instance, argc == 3 ? argv[2] : NULL);
    host_store_close(instance.store);
    writer_close(instance.writer);
    private_instance_remove(&names);
    return done ? 0 : 1;
}
