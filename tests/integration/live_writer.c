/* SPDX-License-Identifier: MIT */
/*
 * A writer on the instance that its argument names: says "ready", then publishes route (0, 1) again and again until its
 * standard input ends, and takes the instance's objects away.
 */
#include <poll.h>
#include <stdio.h>

#include "shm/clock.h"
#include "tests/support/by_key.h"
#include "tests/support/instance.h"
#include "tests/support/keys.h"
#include "tools/bench/private_instance.h"

enum {
    HOSTS = 20
};

static int publish_until_end_of_input(struct writer *writer)
{
    struct pollfd input = {.fd = 0, .events = POLLIN};
    struct host_addr hosts[HOSTS];
    enum shm_status status = SHM_OK;
    for (uint32_t round = 0; status == SHM_OK && poll(&input, 1, 1) == 0; round++) {
        uint64_t now = clock_tick();
        self_checking_hosts(1, round, HOSTS, hosts);
        status = put_by_key(writer, numbered_key(1), hosts, HOSTS, NULL, 15, now);
        writer_heartbeat(writer, now);
        if (round == 0) {
            puts("ready");
            fflush(stdout);
        }
    }
    return status == SHM_OK ? 0 : 1;
}

int main(int argc, char **argv)
{
    struct writer_options options = private_instance_options(argc == 2 ? argv[1] : "", 4 << 20);
    struct writer *writer = NULL;
    struct object_names names;
    struct event failure;
    options.settings.poll_interval_ms = 1;
    if (object_names(options.instance, &names) != SHM_OK ||
        writer_open(&writer, &options, &failure) != SHM_OK) {
        fprintf(stderr, "cannot open an instance\n");
        return 1;
    }
    int result = publish_until_end_of_input(writer);
    writer_close(writer);
    private_instance_remove(&names);
    return result;
}
