/* SPDX-License-Identifier: MIT */
#include "tools/bench/publisher.h"

#include <sys/prctl.h>
#include <unistd.h>

#include "shm/atomic.h"
#include "shm/clock.h"
#include "tools/bench/child.h"
#include "tools/bench/timing.h"

enum {
    HEARTBEAT_NS = 10 * 1000000,
    BEHIND_NS = 100 * 1000000, /* it does not catch up with more than that */
    POLL_US = 1000,
    START_POLLS = 60000,
    SECOND_NS = 1000 * 1000 * 1000,
};

struct publisher_page {
    _Atomic uint32_t per_second;
    _Atomic uint32_t ready; /* 1: all is published; 2: something failed */
    _Atomic uint64_t done;
};

static bool publish_all(const struct publisher *publisher, struct writer *writer)
{
    for (uint32_t i = 0; i < publisher->shape.routes; i++)
        if (!fixture_put(writer, i, publisher->shape.hosts, 0, NEVER_S))
            return false;
    fixture_settle(writer);
    writer_heartbeat(writer, clock_tick());
    return true;
}

/* Publishes what is due by now. Every other table has its hosts one port higher, so that tables differ. */
static bool publish_due(const struct publisher *publisher, struct writer *writer, uint64_t *due,
                        uint64_t *random)
{
    struct publisher_page *page = publisher->page;
    uint32_t per_second = load_relaxed(&page->per_second);
    uint64_t now = clock_ns();
    if (per_second == 0 || *due + BEHIND_NS < now)
        *due = now;
    for (; per_second && *due <= now; *due += SECOND_NS / per_second) {
        uint32_t route = random_below(random, publisher->shape.routes);
        uint32_t shift = (uint32_t)(load_relaxed(&page->done) & 1);
        if (!fixture_put(writer, route, publisher->shape.hosts, shift, NEVER_S))
            return false;
        add_relaxed(&page->done, 1);
    }
    return true;
}

static void publish(const struct bench *bench, void *context)
{
    const struct publisher *publisher = context;
    struct publisher_page *page = publisher->page;
    struct writer *writer = NULL;
    uint64_t due = clock_ns(), heartbeat = due, random = due;
    (void)bench;
    prctl(PR_SET_TIMERSLACK, 1);
    bool fine = fixture_writer(publisher->instance, &writer) && publish_all(publisher, writer);
    store_release(&page->ready, fine ? 1 : 2);
    while (fine && !bench_stopped()) {
        fine = publish_due(publisher, writer, &due, &random);
        if (clock_ns() - heartbeat > HEARTBEAT_NS) {
            heartbeat = clock_ns();
            writer_heartbeat(writer, clock_tick());
        }
        uint64_t now = clock_ns();
        if (load_relaxed(&page->per_second) == 0)
            usleep(POLL_US);
        else if (due > now)
            usleep((useconds_t)((due - now) / 1000));
    }
    writer_close(writer);
}

bool publisher_open(struct publisher *publisher, const struct bench *bench, const struct fixture_shape *shape)
{
    *publisher = (struct publisher){.shape = *shape};
    fixture_name(publisher->instance);
    publisher->page = child_share(sizeof(*publisher->page));
    if (!publisher->page)
        return false;
    publisher->child = bench_fork(bench, publish, publisher);
    uint32_t ready = 0;
    for (int i = 0; i < START_POLLS && publisher->child > 0 && ready == 0 && !bench_stopped(); i++) {
        usleep(POLL_US);
        ready = load_acquire(&publisher->page->ready);
    }
    return ready == 1;
}

void publisher_close(struct publisher *publisher)
{
    child_end(publisher->child);
    fixture_remove(publisher->instance);
    child_unshare(publisher->page, sizeof(*publisher->page));
    *publisher = (struct publisher){0};
}

void publisher_set(struct publisher *publisher, uint32_t per_second)
{
    store_relaxed(&publisher->page->done, 0);
    store_relaxed(&publisher->page->per_second, per_second);
}

uint64_t publisher_done(const struct publisher *publisher)
{
    return load_relaxed(&publisher->page->done);
}
