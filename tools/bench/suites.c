/* SPDX-License-Identifier: MIT */
#include "tools/bench/bench.h"

const struct suite suites[] = {
    {"lookup", "ns per lookup, from 1 to 1,000,000 routes, beside cds_lfht, LMDB, UDP and memory",
     suite_lookup, .slow = false},
    {"threads", "lookups a second of 1, 2, ... threads that share a handle", suite_threads, .slow = false},
    {"processes", "lookups a second of 1, 2, ... processes", suite_processes, .slow = false},
    {"writer", "percentiles of single lookups while another process publishes", suite_writer, .slow = false},
    {"report", "ns per larshm_report, beside a cds_lfht lookup", suite_report, .slow = false},
    {"open", "larshm_open and larshm_close", suite_open, .slow = false},
    {"publish", "publishes a second, bytes per route, and how soon another process sees one", suite_publish,
     .slow = false},
    {"poll", "processor time of an idle fetcher; from a refresh flag to the request", suite_poll,
     .slow = false},
    {"bridge", "requests a second of larshm-bridge, beside an echo loop", suite_bridge, .slow = false},
    {"hosts", "lookup, publish and bytes of a route of 10 to 10,900 hosts", suite_hosts, .slow = false},
    {"fleet", "a change that many connections to one larshm-dns are told", suite_fleet, .slow = false},
    {"load", "1 to 1,000,000 routes from larshm-dns; a fetcher killed and started again", suite_load,
     .slow = true},
    {0},
};
