/* SPDX-License-Identifier: MIT */
#include "tools/bench/fetcher.h"

#include <err.h>
#include <stdio.h>

static bool configure(const char *path, const struct fetcher_plan *plan)
{
    FILE *file = fopen(path, "we");
    bool done = file && fprintf(file,
                                "[dnsserver]\nip = 127.0.0.1\nport = %u\n"
                                "[reporter]\nip =\n"
                                "[loadbalance]\nupdate_timeout = %u\n"
                                "[fetcher]\n"
                                "requests_per_second = 10000000\n"
                                "resubscribe_per_second = 10000000\n"
                                "[shm]\nmax_bytes = 4G\nmax_unknown = 100000000\ngroup =\n",
                                plan->directory, plan->update_timeout_s) > 0;
    if (file && fclose(file) != 0)
        done = false;
    if (!done)
        warn("%s", path);
    return done;
}

bool fetcher_start(struct program *fetcher, const struct bench *bench, const struct site *site,
                   const struct fetcher_plan *plan)
{
    char path[SITE_PATH], rest[PROGRAM_LINE];
    const char *const arguments[] = {"-c", path, "-n", plan->instance, NULL};
    *fetcher = (struct program){0};
    site_path(site, "larshm.conf", path);
    return configure(path, plan) && program_start(fetcher, bench, site, "larshm-fetcher", arguments) &&
           program_await(fetcher, "serving instance", rest);
}
