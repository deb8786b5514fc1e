/* SPDX-License-Identifier: MIT */
#include "conf/keys.h"

#include <string.h>
#include <strings.h>

#include "conf/values.h"

/* clang-format off */
#define KEY_AT(section, name, type, field) \
    #section, #name, type, offsetof(struct config, field), sizeof(((struct config *)0)->field)
#define KEY(section, name, type) KEY_AT(section, name, type, section.name)
#define RELOAD  true
#define RESTART false

const struct key keys[KEY_COUNT] = {
    {KEY(dnsserver, ip, KEY_HOST), 1, 0, "127.0.0.1", "", RELOAD,
     "Where the directory (Lars' DNS service) runs. A reload connects there at once."},
    {KEY(dnsserver, port, KEY_PORT), 1, 65535, "7778", "", RELOAD,
     "The directory's TCP port."},
    {KEY_AT(dnsserver, servers, KEY_SERVERS, servers), 0, 0, "", "", RELOAD,
     "Several directories with the same routes, in place of ip and port. Each machine begins with one that is drawn."},

    {KEY(reporter, ip, KEY_HOST), 0, 0, "127.0.0.1", "", RELOAD,
     "Where Lars' report service runs. Empty: call results are not sent."},
    {KEY(reporter, port, KEY_PORT), 1, 65535, "7779", "", RELOAD,
     "The report service's TCP port."},
    {KEY_AT(reporter, report_interval, KEY_INTEGER, report_interval), 1, 3600, "1", "seconds", RELOAD,
     "How often call results go to the report service; failures and changes of a host's state go at once. 30 for a fleet."},
    {KEY_AT(reporter, caller, KEY_ADDRESS, caller), 0, 0, "", "", RELOAD,
     "This machine's address in call results. Empty: that of its end of the connection."},

    {KEY(loadbalance, rules, KEY_RULES), 0, 0, "larshm", "", RELOAD,
     "How hosts are judged and picked. lars: as by Lars' own agent, without what only larshm has."},
    {KEY(loadbalance, probe_num, KEY_INTEGER), 1, 1000000, "10", "", RELOAD,
     "With rules = lars: after this many picks of hosts in rotation, one pick probes an ejected host."},
    {KEY(loadbalance, init_succ_cnt, KEY_INTEGER), 1, 1000000, "180", "", RELOAD,
     "Successes that a host is credited with when it is new or returns to rotation. They count for err_rate."},
    {KEY(loadbalance, init_err_cnt, KEY_INTEGER), 1, 1000000, "5", "", RELOAD,
     "Failures that a host is charged with when it is ejected."},
    {KEY(loadbalance, err_rate, KEY_REAL), 0, 1, "0.1", "", RELOAD,
     "A host with a larger share of failures than this is ejected."},
    {KEY(loadbalance, succ_rate, KEY_REAL), 0, 1, "0.92", "", RELOAD,
     "With rules = lars: an ejected host with a larger share of successes returns to rotation. Lars' file: 0.5."},
    {KEY(loadbalance, contin_err_limit, KEY_INTEGER), 1, 1000000, "10", "", RELOAD,
     "A host with this many failures in a row is ejected. Lars' file: 15."},
    {KEY(loadbalance, contin_succ_limit, KEY_INTEGER), 1, 1000000, "10", "", RELOAD,
     "With rules = lars: an ejected host with so many successes in a row returns to rotation. Lars' file: 15."},
    {KEY(loadbalance, window_err_rate, KEY_REAL), 0, 1, "0.7", "", RELOAD,
     "A host with at least this share of failures within idle_timeout is ejected."},
    {KEY(loadbalance, idle_timeout, KEY_INTEGER), 1, 65535, "15", "seconds", RELOAD,
     "How long the calls of a host in rotation are counted before the counts start again."},
    {KEY(loadbalance, overload_timeout, KEY_INTEGER), 1, 65535, "15", "seconds", RELOAD,
     "After this long an ejected host returns to rotation; see max_overload_timeout."},
    {KEY(loadbalance, update_timeout, KEY_INTEGER), 1, 65535, "15", "seconds", RELOAD,
     "A route older than this, or up to 30 percent less by chance, is requested again when a program looks it up."},
    {KEY(loadbalance, slow_call_ms, KEY_INTEGER), 0, 600000, "0", "milliseconds", RELOAD,
     "With larshm_report_timed() a failure counts once for each slow_call_ms that it took. 0: once."},
    {KEY(loadbalance, window_min_calls, KEY_INTEGER), 0, 1000000, "5", "", RELOAD,
     "With fewer calls than this in idle_timeout, window_err_rate ejects no host."},
    {KEY(loadbalance, max_ejected, KEY_INTEGER), 0, 100, "50", "percent", RELOAD,
     "At most this share of a route's hosts is ejected at a time, rounded down, the worst first; never the only one."},
    {KEY(loadbalance, max_overload_timeout, KEY_INTEGER), 1, 65535, "300", "seconds", RELOAD,
     "A host that is ejected again soon stays out longer, overload_timeout each time, and no longer than this."},
    {KEY(loadbalance, eject_probe_interval, KEY_INTEGER), 1, 65535, "1", "seconds", RELOAD,
     "An ejected host of a route in use is probed by one pick in this time, of all programs together."},
    {KEY(loadbalance, recover_successes, KEY_INTEGER), 1, 1000000, "2", "", RELOAD,
     "An ejected host with this many successes in a row returns to rotation."},
    {KEY(loadbalance, slow_start, KEY_INTEGER), 0, 3600, "5", "seconds", RELOAD,
     "A host that is back from ejection gets a growing share of picks for this long. 0: its full share at once."},
    {KEY(loadbalance, memory, KEY_INTEGER), 0, 86400, "600", "seconds", RELOAD,
     "A host that leaves its route and comes back within this time is as it was. 0: as a new one."},

    {KEY(fetcher, poll_interval_ms, KEY_INTEGER), 1, 1000, "10", "milliseconds", RELOAD,
     "How often requests of programs for new routes and refreshes are collected. After a second without any: 100 ms at least."},
    {KEY(fetcher, request_timeout_ms, KEY_INTEGER), 10, 60000, "1000", "milliseconds", RELOAD,
     "A request without an answer for this long is late. Requests wait at the directory for a quarter of it at most."},
    {KEY(fetcher, connect_timeout_ms, KEY_INTEGER), 10, 60000, "3000", "milliseconds", RELOAD,
     "An attempt to connect is given up after this long."},
    {KEY(fetcher, reconnect_min_ms, KEY_INTEGER), 1, 60000, "100", "milliseconds", RELOAD,
     "The delay after the first failed attempt to connect. Further failures make it longer."},
    {KEY(fetcher, reconnect_max_ms, KEY_INTEGER), 1, 3600000, "30000", "milliseconds", RELOAD,
     "The longest delay between attempts. Not less than reconnect_min_ms."},
    {KEY(fetcher, return_after, KEY_INTEGER), 0, 86400, "900", "seconds", RELOAD,
     "After half of this time or more at another of several servers, the one that was drawn is tried again. 0: never."},
    {KEY(fetcher, unused_timeout, KEY_INTEGER), 0, 2678400, "0", "seconds", RELOAD,
     "Routes that no program has looked up for this long leave, where all programs may request; a day is a good value. 0: never."},
    {KEY(fetcher, requests_per_second, KEY_INTEGER), 1, 10000000, "20000", "", RELOAD,
     "At most this many requests a second: half of them refreshes, a quarter new routes, a quarter after a connect."},
    {KEY(fetcher, resubscribe_per_second, KEY_INTEGER), 1, 10000000, "5000", "", RELOAD,
     "At most so many cached routes a second are requested after a connect. Not more than requests_per_second."},
    {KEY(fetcher, probe_interval_ms, KEY_INTEGER), 100, 3600000, "5000", "milliseconds", RELOAD,
     "After a silence of this long a cached route is requested, to see whether the directory responds."},
    {KEY(fetcher, frame_timeout_ms, KEY_INTEGER), 10, 3600000, "5000", "milliseconds", RELOAD,
     "A message that has begun to arrive must be complete within this time; a long one, each megabyte of it."},
    {KEY(fetcher, max_frame, KEY_SIZE), 64 << 10, 256 << 20, "8M", "", RELOAD,
     "Longer messages are skipped, and the route is not requested for a minute."},
    {KEY(fetcher, empty_hold, KEY_INTEGER), 0, 65535, "30", "seconds", RELOAD,
     "An answer that would leave a known route without hosts takes effect after this long. 0, or rules = lars: at once."},
    {KEY(fetcher, max_drop, KEY_INTEGER), 1, 100, "100", "percent", RELOAD,
     "An answer that takes away more of a route's hosts, of 5 or more, is held for empty_hold, too. 100: off."},
    {KEY(fetcher, behind_hold, KEY_INTEGER), 0, 65535, "60", "seconds", RELOAD,
     "Changes by a directory that is behind what was seen take effect if none is newer for this long. 0: at once."},
    {KEY(fetcher, log_level, KEY_LEVEL), 0, 0, "info", "", RELOAD,
     "Messages less important than this are not logged."},
    {KEY(fetcher, admin_socket, KEY_PATH), 0, 0, "", "", RESTART,
     "Where operators' commands come in; larshm needs it in LARSHM_ADMIN_SOCKET. Empty: a default place."},
    {KEY(fetcher, snapshot, KEY_PATH), 0, 0, "/var/lib/larshm/%i.snapshot", "", RESTART,
     "The file from which routes and hosts come back after a reboot; %i is the instance's name. Empty: none."},
    {KEY(fetcher, snapshot_interval, KEY_INTEGER), 0, 86400, "60", "seconds", RELOAD,
     "How often the snapshot is written if anything has changed. 0: only when the fetcher stops cleanly."},

    {KEY(shm, directory, KEY_PATH), 0, 0, "", "", RESTART,
     "Where the objects are; programs need it in LARSHM_DIRECTORY. Empty: $LARSHM_DIRECTORY, or /dev/shm."},
    {KEY(shm, max_bytes, KEY_SIZE), UINT64_C(1) << 20, UINT64_C(1) << 32, "256M", "", RESTART,
     "The routes object never grows beyond this; at the limit new routes are refused. While it grows, old and new exist."},
    {KEY(shm, grace_ms, KEY_INTEGER), 0, 3600000, "2000", "milliseconds", RESTART,
     "A route's old hosts stay readable for this long after they are replaced."},
    {KEY(shm, max_unknown, KEY_INTEGER), 0, 100000000, "10000", "", RELOAD,
     "At most this many routes that the directory does not have are remembered."},
    {KEY(shm, group, KEY_GROUP), 0, 0, "larshm", "", RESTART,
     "Members of this group may request routes and report. Empty: the fetcher's own group."},
};
/* clang-format on */

static bool same(const char *name, const char *other, size_t length)
{
    return strlen(name) == length && strncasecmp(name, other, length) == 0;
}

const char *keys_section(const char *name, size_t length)
{
    for (size_t i = 0; i < KEY_COUNT; i++)
        if (same(keys[i].section, name, length))
            return keys[i].section;
    return NULL;
}

const struct key *keys_find(const char *section, const char *name, size_t length)
{
    for (size_t i = 0; i < KEY_COUNT; i++)
        if ((!section || strcmp(keys[i].section, section) == 0) && same(keys[i].name, name, length))
            return &keys[i];
    return NULL;
}

size_t keys_sections(const char *names[static KEY_COUNT])
{
    size_t count = 0;
    for (size_t i = 0; i < KEY_COUNT; i++)
        if (count == 0 || strcmp(names[count - 1], keys[i].section) != 0)
            names[count++] = keys[i].section;
    return count;
}

size_t keys_names(const char *section, const char *names[static KEY_COUNT])
{
    size_t count = 0;
    for (size_t i = 0; i < KEY_COUNT; i++)
        if (strcmp(keys[i].section, section) == 0)
            names[count++] = keys[i].name;
    return count;
}
