/* SPDX-License-Identifier: MIT */
/*
 * The values of the fetcher's configuration. Fields are grouped and named like the sections and keys of the file;
 * larshm.conf(5) describes them.
 */
#ifndef CONF_VALUES_H
#define CONF_VALUES_H

#include <stdint.h>

enum {
    CONFIG_HOST_SIZE = 254, /* of a host name, with its NUL */
    CONFIG_GROUP_SIZE = 33,
    CONFIG_PATH_SIZE = 108, /* of a Unix socket, or of the objects' directory, with its NUL */
    CONFIG_SERVERS_MAX = 16,
    CONFIG_SERVERS_PORT = 7778, /* of a server without one */
};

struct config_peer {
    char ip[CONFIG_HOST_SIZE]; /* a host name or an IPv4 address; of the reporter also "": none */
    uint16_t port;
};

/* No two are equal. The rest is zero. */
struct config_servers {
    uint32_t count; /* 0: the one of `ip` and `port` */
    struct config_peer list[CONFIG_SERVERS_MAX];
};

enum config_rules {
    RULES_LARSHM,
    RULES_LARS,
};

struct config {
    struct config_peer dnsserver;
    struct config_servers servers; /* of [dnsserver] */
    struct config_peer reporter;
    /* Keys of [reporter]. */
    uint32_t report_interval; /* seconds */
    uint32_t caller;          /* IPv4 address in host order; 0: that of the connection */
    struct {
        uint32_t rules; /* enum config_rules */
        uint32_t probe_num;
        uint32_t init_succ_cnt, init_err_cnt;
        double err_rate, succ_rate;
        uint32_t contin_err_limit, contin_succ_limit;
        double window_err_rate;
        uint32_t idle_timeout, overload_timeout, update_timeout; /* seconds */
        uint32_t slow_call_ms;                                   /* 0: off */
        uint32_t window_min_calls;
        uint32_t max_ejected;                                /* percent */
        uint32_t max_overload_timeout, eject_probe_interval; /* seconds */
        uint32_t recover_successes;
        uint32_t slow_start, memory; /* seconds */
    } loadbalance;
    struct {
        uint32_t poll_interval_ms;
        uint32_t request_timeout_ms, connect_timeout_ms;
        uint32_t reconnect_min_ms, reconnect_max_ms;          /* min <= max */
        uint32_t return_after;                                /* seconds; 0: never */
        uint32_t unused_timeout;                              /* seconds; 0: never */
        uint32_t requests_per_second, resubscribe_per_second; /* resubscribe <= requests */
        uint32_t probe_interval_ms, frame_timeout_ms;
        uint64_t max_frame;
        uint32_t empty_hold;                 /* seconds; 0: off */
        uint32_t max_drop;                   /* percent; 100: off */
        uint32_t behind_hold;                /* seconds; 0: off */
        uint32_t log_level;                  /* enum log_level of conf/log.h */
        char admin_socket[CONFIG_PATH_SIZE]; /* "": the default places */
        char snapshot[CONFIG_PATH_SIZE];     /* with %i for the instance's name; "": none */
        uint32_t snapshot_interval;          /* seconds; 0: at a clean stop alone */
    } fetcher;
    struct {
        char directory[CONFIG_PATH_SIZE]; /* "": $LARSHM_DIRECTORY, or /dev/shm */
        uint64_t max_bytes;
        uint32_t grace_ms;
        uint32_t max_unknown;
        char group[CONFIG_GROUP_SIZE]; /* "": the fetcher's own group */
    } shm;
};

#endif
