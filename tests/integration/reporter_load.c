/* SPDX-License-Identifier: MIT */
/*
 * What a fleet costs a report service on a MariaDB database: reporter_load URL MACHINES. Reports of 100 routes of 4
 * hosts from each machine, first as fast as they are taken, and then each machine's at its place in an interval of
 * 30 s, as if all hosts were called in each interval. Fails beyond the limits below.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "fetcher/balance.h"
#include "fetcher/decode.h"
#include "tests/support/reporter.h"
#include "tools/common/maria.h"

enum {
    ROUTES = 100,
    HOSTS = 4,
    ROWS = ROUTES * HOSTS, /* of a machine */
    FAST_MACHINES = 1000,
    FIRST_CALLER = 0x0A000000,
    INTERVAL_MS = 30000,
    INTERVALS = 2, /* the rows are new in the first one */
    /* Limits. */
    RATE_MIN = 20000, /* rows a second that are written */
    SHARE_MAX = 20,   /* % of a core that the service takes */
};

static struct reporter_run *run;
static struct maria maria;

static double now(void)
{
    return (double)clock_tick() / 1000;
}

/* Seconds of processor time that the service has taken. */
static double used(void)
{
    struct timespec time;
    clockid_t clock;
    assert_int_equal(clock_getcpuclockid(run->process.pid, &clock), 0);
    assert_int_equal(clock_gettime(clock, &time), 0);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void send_reports(int fd, uint32_t machine, uint32_t round)
{
    static uint8_t bytes[ROUTES * 256];
    struct host_result results[HOSTS];
    size_t size = 0;
    for (uint32_t route = 0; route < ROUTES; route++) {
        for (uint32_t i = 0; i < HOSTS; i++)
            results[i] = (struct host_result){.host = {htonl(0x0A800001 + route * HOSTS + i), htons(8080)},
                                              .succ = 1000 * round + i,
                                              .err = i};
        const struct status_report report = {.key = {7, route + 1},
                                             .caller = FIRST_CALLER + machine,
                                             .time = REPORTER_TIME + round,
                                             .results = results,
                                             .count = HOSTS};
        size += encode_report(&report, bytes + size);
    }
    reporter_send(fd, bytes, size);
}

/* Waits until the rows of the last round are there, all of them. Most of the time the server is left alone. */
static void wait_written(uint32_t machines, uint32_t round)
{
    uint64_t rows = 0, took_ms = 0;
    while (rows < (uint64_t)machines * ROWS) {
        pause_ms(50 + 3 * took_ms);
        uint64_t start = clock_tick();
        if (maria_number(&maria, &rows, "SELECT count(*) FROM ServerCallStatus WHERE ts = %" PRIu32,
                         REPORTER_TIME + round) != 0)
            fail_msg("%s", maria.error);
        took_ms = clock_tick() - start;
    }
}

static double write_fast(const int *fds, uint32_t machines)
{
    double start = now();
    for (uint32_t machine = 0; machine < machines; machine++)
        send_reports(fds[machine], machine, 0);
    wait_written(machines, 0);
    double rate = (double)machines * ROWS / (now() - start);
    printf("%" PRIu32 " rows at once: %.0f a second\n", machines * ROWS, rate);
    return rate;
}

static double write_in_time(const int *fds, uint32_t machines, uint32_t round)
{
    double start = now(), before = used();
    for (uint32_t machine = 0; machine < machines; machine++) {
        double due = start + (double)machine * INTERVAL_MS / 1000 / machines;
        if (due > now())
            pause_ms((uint64_t)((due - now()) * 1000));
        send_reports(fds[machine], machine, round);
    }
    double sent = now();
    wait_written(machines, round);
    double share = 100 * (used() - before) * 1000 / INTERVAL_MS;
    printf("%" PRIu32 " machines, %" PRIu32
           " rows each %d s: %.1f %% of a core, all written %.1f s after the last\n",
           machines, machines * ROWS, INTERVAL_MS / 1000, share, now() - sent);
    return share;
}

int main(int argc, char **argv)
{
    static const struct maria_limits limits = {.connect_seconds = 5, .read_seconds = 60};
    struct rlimit files;
    uint32_t machines = argc == 3 ? (uint32_t)atoi(argv[2]) : 0;
    if (machines == 0 || maria_open(&maria, argv[1], &limits) != 0) {
        fprintf(stderr, "%s\n", machines ? maria.error : "usage: reporter_load URL MACHINES");
        return EXIT_FAILURE;
    }
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    int *fds = calloc(machines, sizeof(*fds));
    if (!fds)
        return EXIT_FAILURE;
    reporter_setup_on((void **)&run, argv[1]);
    for (uint32_t i = 0; i < machines; i++)
        fds[i] = reporter_connect(run);
    double rate = write_fast(fds, machines < FAST_MACHINES ? machines : FAST_MACHINES), share = 0;
    for (uint32_t round = 1; round <= INTERVALS; round++)
        share = write_in_time(fds, machines, round);
    printf("memory: %ld KiB\n", process_memory(&run->process));
    for (uint32_t i = 0; i < machines; i++)
        close(fds[i]);
    free(fds);
    maria_close(&maria);
    int rc = reporter_teardown((void **)&run);
    return rc == 0 && rate >= RATE_MIN && share <= SHARE_MAX ? EXIT_SUCCESS : EXIT_FAILURE;
}
