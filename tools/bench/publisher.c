/* SPDX-License-Identifier: MIT */
#include "tools/bench/publisher.h"

#include <err.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "shm/atomic.h"
#include "shm/clock.h"
#include "tools/bench/child.h"
#include "tools/bench/stamp.h"

enum {
    BEAT_NS = 10 * 1000000,
    BEHIND_NS = 100 * 1000000, /* what it has lost by then, it does not catch up with */
    LOOK_US = 1000,
    START_LOOKS = 60000,
    SECOND_NS = 1000 * 1000 * 1000,
};

struct publisher_pace {
    _Atomic uint32_t per_second;
    _Atomic uint32_t ready; /* 1: all is published; 2: something failed */
    _Atomic uint64_t done;
};

static bool publish_all(const struct publisher *publisher, struct writer *writer)
{
    for (uint32_t i = 0; i < publisher->shape.routes; i++)
        if (!world_put(writer, i, publisher->shape.hosts, 0, NEVER_S))
            return false;
    writer_heartbeat(writer, clock_tick());
    return true;
}

/* What is due by now. Every other table of a route has its hosts one port higher, so that each is another one. */
static bool publish_due(const struct publisher *publisher, struct writer *writer, uint64_t *due,
                        uint64_t *random)
{
    struct publisher_pace *pace = publisher->pace;
    uint32_t per_second = load_relaxed(&pace->per_second);
    uint64_t now = clock_ns();
    if (per_second == 0 || *due + BEHIND_NS < now)
        *due = now;
    for (; per_second && *due <= now; *due += SECOND_NS / per_second) {
        uint32_t route = (uint32_t)((next_random(random) >> 32) * publisher->shape.routes >> 32);
        uint32_t shift = (uint32_t)(load_relaxed(&pace->done) & 1);
        if (!world_put(writer, route, publisher->shape.hosts, shift, NEVER_S))
            return false;
        add_relaxed(&pace->done, 1);
    }
    return true;
}

static void publish(const struct bench *bench, void *context)
{
    const struct publisher *publisher = context;
    struct publisher_pace *pace = publisher->pace;
    struct writer *writer = NULL;
    uint64_t due = clock_ns(), beaten = due, random = due;
    (void)bench;
    prctl(PR_SET_TIMERSLACK, 1);
    bool fine = world_writer(publisher->instance, &writer) && publish_all(publisher, writer);
    store_release(&pace->ready, fine ? 1 : 2);
    while (fine && !bench_stopped()) {
        fine = publish_due(publisher, writer, &due, &random);
        if (clock_ns() - beaten > BEAT_NS) {
            beaten = clock_ns();
            writer_heartbeat(writer, clock_tick());
        }
        uint64_t now = clock_ns();
        if (load_relaxed(&pace->per_second) == 0)
            usleep(LOOK_US);
        else if (due > now)
            usleep((useconds_t)((due - now) / 1000));
    }
    writer_close(writer);
}

bool publisher_open(struct publisher *publisher, const struct bench *bench, const struct world_shape *shape)
{
    *publisher = (struct publisher){.shape = *shape};
    world_name(publisher->instance);
    void *shared =
        mmap(NULL, sizeof(*publisher->pace), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED) {
        warn("memory for a publisher");
        return false;
    }
    publisher->pace = shared;
    publisher->child = child_start(bench, publish, publisher);
    uint32_t ready = 0;
    for (int i = 0; i < START_LOOKS && publisher->child > 0 && ready == 0 && !bench_stopped(); i++) {
        usleep(LOOK_US);
        ready = load_acquire(&publisher->pace->ready);
    }
    return ready == 1;
}

void publisher_close(struct publisher *publisher)
{
    child_end(publisher->child);
    if (*publisher->instance)
        world_remove(publisher->instance);
    if (publisher->pace)
        munmap(publisher->pace, sizeof(*publisher->pace));
    *publisher = (struct publisher){0};
}

void publisher_set(struct publisher *publisher, uint32_t per_second)
{
    store_relaxed(&publisher->pace->done, 0);
    store_relaxed(&publisher->pace->per_second, per_second);
}

uint64_t publisher_done(const struct publisher *publisher)
{
    return load_relaxed(&publisher->pace->done);
}
