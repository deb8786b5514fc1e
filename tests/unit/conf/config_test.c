/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "conf/log.h"
#include "tests/support/scratch_conf.h"

/* An agent's file as Lars users have it. */
static const char lars_lb_agent_conf[] = "; load balance agent\n"
                                         "[reporter]\n"
                                         "ip = 10.1.2.3\n"
                                         "port = 7779\n"
                                         "\n"
                                         "[dnsserver]\n"
                                         "ip=10.1.2.4   ; the directory\n"
                                         "port=7778\n"
                                         "\n"
                                         "[loadbalance]\n"
                                         "; picks between two probes\n"
                                         "probe_num=10\n"
                                         "# counts at the start\n"
                                         "init_succ_cnt=180\n"
                                         "init_err_cnt=5\n"
                                         "err_rate=0.1\n"
                                         "succ_rate=0.5\n"
                                         "contin_err_limit=15\n"
                                         "contin_succ_limit=15\n"
                                         "window_err_rate=0.7\n"
                                         "idle_timeout=15     # seconds\n"
                                         "overload_timeout=15\n"
                                         "update_timeout=15";

static void load_text(const char *text, struct config *config)
{
    scratch_write(text, strlen(text));
    scratch_expect_loaded(config);
}

static void printed(const struct config *config, char *out, size_t size)
{
    memset(out, 0, size);
    FILE *stream = fmemopen(out, size - 1, "w");
    assert_non_null(stream);
    config_print(stream, config);
    assert_int_equal(fclose(stream), 0);
}

/* What an agent of Lars takes for a key that is not in its file, which is not what the file that Lars ships says. */
static void defaults_are_those_of_an_agent_and_documented(void **state)
{
    (void)state;
    struct config config;
    char text[4096];
    assert_int_equal(config_load(NULL, &config, NULL, NULL), 0);
    printed(&config, text, sizeof(text));
    assert_string_equal(text, "[dnsserver]\n"
                              "ip = 127.0.0.1\n"
                              "port = 7778\n"
                              "servers =\n"
                              "\n[reporter]\n"
                              "ip = 127.0.0.1\n"
                              "port = 7779\n"
                              "report_interval = 1\n"
                              "caller =\n"
                              "\n[loadbalance]\n"
                              "rules = larshm\n"
                              "probe_num = 10\n"
                              "init_succ_cnt = 180\n"
                              "init_err_cnt = 5\n"
                              "err_rate = 0.1\n"
                              "succ_rate = 0.92\n"
                              "contin_err_limit = 10\n"
                              "contin_succ_limit = 10\n"
                              "window_err_rate = 0.7\n"
                              "idle_timeout = 15\n"
                              "overload_timeout = 15\n"
                              "update_timeout = 15\n"
                              "slow_call_ms = 0\n"
                              "window_min_calls = 5\n"
                              "max_ejected = 50\n"
                              "max_overload_timeout = 300\n"
                              "eject_probe_interval = 1\n"
                              "recover_successes = 2\n"
                              "slow_start = 5\n"
                              "memory = 600\n"
                              "\n[fetcher]\n"
                              "poll_interval_ms = 10\n"
                              "request_timeout_ms = 1000\n"
                              "connect_timeout_ms = 3000\n"
                              "reconnect_min_ms = 100\n"
                              "reconnect_max_ms = 30000\n"
                              "return_after = 900\n"
                              "unused_timeout = 0\n"
                              "requests_per_second = 20000\n"
                              "resubscribe_per_second = 5000\n"
                              "probe_interval_ms = 5000\n"
                              "frame_timeout_ms = 5000\n"
                              "max_frame = 8M\n"
                              "empty_hold = 30\n"
                              "max_drop = 100\n"
                              "behind_hold = 60\n"
                              "log_level = info\n"
                              "admin_socket =\n"
                              "snapshot = /var/lib/larshm/%i.snapshot\n"
                              "snapshot_interval = 60\n"
                              "\n[shm]\n"
                              "directory =\n"
                              "max_bytes = 256M\n"
                              "grace_ms = 2000\n"
                              "max_unknown = 10000\n"
                              "group = larshm\n");
}

static void file_of_a_lars_agent_loads_as_it_is(void **state)
{
    (void)state;
    struct config config, expected;
    char text[4096], expected_text[4096];
    assert_int_equal(config_load(NULL, &expected, NULL, NULL), 0);
    strcpy(expected.reporter.ip, "10.1.2.3");
    strcpy(expected.dnsserver.ip, "10.1.2.4");
    expected.loadbalance.succ_rate = 0.5;
    expected.loadbalance.contin_err_limit = expected.loadbalance.contin_succ_limit = 15;
    load_text(lars_lb_agent_conf, &config);
    printed(&config, text, sizeof(text));
    printed(&expected, expected_text, sizeof(expected_text));
    assert_string_equal(text, expected_text);
    assert_true(config.loadbalance.err_rate == 0.1);
    assert_true(config.loadbalance.window_err_rate == 0.7);
}

/* A file with both is refused: what is printed says what counts. */
static void print_shows_servers_in_place_of_ip_and_port(void **state)
{
    (void)state;
    struct config config;
    char text[4096];
    load_text("[dnsserver]\nservers = a, b:9\n", &config);
    printed(&config, text, sizeof(text));
    assert_non_null(strstr(text, "[dnsserver]\nservers = a:7778, b:9\n\n[reporter]\n"));
}

static void value_may_be_quoted_and_commented(void **state)
{
    (void)state;
    struct config config;
    load_text("[ FETCHER ] ; ours\n"
              "Log_Level = \"debug\" # all\n"
              "\tpoll_interval_ms\t=\t20\t; ms\n"
              "frame_timeout_ms = '30'\n"
              "[dnsserver]\nip = \"a.example\"\n"
              "[fetcher]\nreconnect_min_ms=7#x\n"
              "[shm]\ngroup = \"\" ; the fetcher's own\n",
              &config);
    assert_int_equal(config.fetcher.log_level, LOG_LEVEL_DEBUG);
    assert_int_equal(config.fetcher.poll_interval_ms, 20);
    assert_int_equal(config.fetcher.frame_timeout_ms, 30);
    assert_int_equal(config.fetcher.reconnect_min_ms, 7);
    assert_string_equal(config.dnsserver.ip, "a.example");
    assert_string_equal(config.shm.group, "");
}

static void mistakes_are_refused_with_line_and_remedy(void **state)
{
    (void)state;
    static const struct {
        const char *text, *error;
    } rows[] = {
        {"\n[fetchr]\n", ":2: unknown section [fetchr]: did you mean fetcher?"},
        {"[mysql]\n",
         ":1: unknown section [mysql]: known are dnsserver, reporter, loadbalance, fetcher, shm"},
        {"[]\n", ":1: unknown section []: known are dnsserver, reporter, loadbalance, fetcher, shm"},
        {"[fetcher]\npoll_interval = 5\n",
         ":2: unknown key \"poll_interval\" in [fetcher]: did you mean poll_interval_ms?"},
        {"[reporter]\nprot = 5\n", ":2: unknown key \"prot\" in [reporter]: did you mean port?"},
        {"[reporter]\nhostname = a\n",
         ":2: unknown key \"hostname\" in [reporter]: known are ip, port, report_interval, caller"},
        {"[fetcher]\nupdate_timeout = 5\n",
         ":2: unknown key \"update_timeout\" in [fetcher]: it belongs to [loadbalance]"},
        {"port = 7778\n[dnsserver]\n",
         ":1: key \"port\" stands before any section: put a line such as [dnsserver] above it"},
        {"[dnsserver]\nport = 1\nip = a\nPORT = 1\n",
         ":4: dnsserver.port is already set on line 2: keep one of the two"},
        {"[dnsserver]\nport = 1\n[reporter]\nport = 1\n[dnsserver]\nport = 1\n",
         ":6: dnsserver.port is already set on line 2: keep one of the two"},
        {"[dnsserver]\nport = 77abc\n",
         ":2: dnsserver.port is \"77abc\": allowed is a whole number from 1 to 65535"},
        {"[dnsserver]\nport =\n", ":2: dnsserver.port is \"\": allowed is a whole number from 1 to 65535"},
        {"[dnsserver]\nport = # 1\n",
         ":2: dnsserver.port is \"\": allowed is a whole number from 1 to 65535"},
        {"[dnsserver]\nport = -1\n",
         ":2: dnsserver.port is \"-1\": allowed is a whole number from 1 to 65535"},
        {"[dnsserver]\nport = 0777\n",
         ":2: dnsserver.port is \"0777\": allowed is a whole number from 1 to 65535"},
        {"[dnsserver]\nport == 7\n",
         ":2: dnsserver.port is \"= 7\": allowed is a whole number from 1 to 65535"},
        {"[dnsserver]\nip = 300.1.1.1\n",
         ":2: dnsserver.ip is \"300.1.1.1\": allowed is a host name or an IPv4 address"},
        {"[dnsserver]\nservers = a,\n",
         ":2: dnsserver.servers is \"a,\", which has an empty entry: allowed is at most 16 different HOST[:PORT] with commas between them, or nothing"},
        {"[dnsserver]\nservers = a, b:0,c\n",
         ":2: dnsserver.servers is \"a, b:0,c\", where \"b:0\" is wrong: allowed is at most 16 different HOST[:PORT] with "
         "commas between them, or nothing"},
        {"[dnsserver]\nservers = a, b, A:7778\n",
         ":2: dnsserver.servers is \"a, b, A:7778\", where \"A:7778\" is named twice: allowed is at most 16 different HOST[:PORT] "
         "with commas between them, or nothing"},
        {"[dnsserver]\nservers = a b\n",
         ":2: dnsserver.servers is \"a b\", where \"b\" has no comma before it: allowed is at most 16 different HOST[:PORT] with commas "
         "between them, or nothing"},
        {"[dnsserver]\nservers = a\nport = 7778\nip = b\n",
         ":4: dnsserver.servers and dnsserver.ip are both set, on lines 2 and 4: keep servers, or ip and port"},
        {"[dnsserver]\nport = 7778\nservers = a\n",
         ":3: dnsserver.servers and dnsserver.port are both set, on lines 3 and 2: keep servers, or ip and port"},
        {"[dnsserver]\nip =\n", ":2: dnsserver.ip is \"\": allowed is a host name or an IPv4 address"},
        {"[reporter]\nip = none of them\n",
         ":2: reporter.ip is \"none of them\": allowed is a host name, an IPv4 address, or nothing"},
        {"[dnsserver]\nip = a\x1b[2J\n",
         ":2: dnsserver.ip is \"a?[2J\": allowed is a host name or an IPv4 address"},
        {"[loadbalance]\nidle_timeout = 18446744073709551616\n",
         ":2: loadbalance.idle_timeout is \"18446744073709551616\": allowed is a whole number from 1 to "
         "65535 "
         "(seconds)"},
        {"[loadbalance]\nerr_rate = 10%\n",
         ":2: loadbalance.err_rate is \"10%\": allowed is a number from 0 to 1 with at most 9 decimals"},
        {"[shm]\nmax_bytes = 5G\n",
         ":2: shm.max_bytes is \"5G\": allowed is a size from 1M to 4G (bytes, or a "
         "number with suffix K, M or G)"},
        {"[shm]\ngroup = a b\n", ":2: shm.group is \"a b\": allowed is a group name, or nothing"},
        {"[loadbalance]\nrules = Lars\n",
         ":2: loadbalance.rules is \"Lars\": allowed is one of larshm, lars"},
        {"[fetcher]\nlog_level = verbose\n",
         ":2: fetcher.log_level is \"verbose\": allowed is one of error, warning, info, debug"},
        {"[dnsserver]\nport = 77\\\n78\n", ":2: a line cannot be continued: remove the backslash at its end"},
        {"[dnsserver]\nport = 77 # \\\nip = a\n",
         ":2: a line cannot be continued: remove the backslash at its end"},
        {"[dnsserver]\nip = \"a\n", ":2: the value's closing quote is missing"},
        {"[dnsserver]\nip = 'a\"\n", ":2: the value's closing quote is missing"},
        {"[dnsserver]\nip = \"lar\\s\"\n", ":2: a backslash within quotes, which no value has: remove it"},
        {"[dnsserver]\nip = 'a\\'b'\n", ":2: a backslash within quotes, which no value has: remove it"},
        {"[dnsserver]\nport = \"77\"78\n", ":2: only a comment may follow the value's closing quote"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        scratch_write(rows[i].text, strlen(rows[i].text));
        scratch_expect_refused(scratch_path, rows[i].error);
    }
}

static void contradicting_values_are_refused_at_load(void **state)
{
    (void)state;
    static const struct {
        const char *text, *error;
    } rows[] = {
        {"[fetcher]\nreconnect_min_ms = 500\nreconnect_max_ms = 400\n",
         ":3: fetcher.reconnect_min_ms = 500 is more than reconnect_max_ms = 400: lower the one or raise the "
         "other"},
        {"[fetcher]\nreconnect_max_ms = 99\n", ":2: fetcher.reconnect_min_ms = 100 (the default) is more "
                                               "than reconnect_max_ms = 99: lower the one or "
                                               "raise the other"},
        {"[fetcher]\nresubscribe_per_second = 20001\n",
         ":2: fetcher.resubscribe_per_second = 20001 is more than requests_per_second = 20000 (the default): "
         "lower the one or raise the other"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        scratch_write(rows[i].text, strlen(rows[i].text));
        scratch_expect_refused(scratch_path, rows[i].error);
    }
    struct config config;
    load_text("[fetcher]\nreconnect_max_ms = 100\nresubscribe_per_second = 20000\n", &config);
}

static void all_mistakes_are_said_in_the_order_of_lines_and_none_twice(void **state)
{
    (void)state;
    static const char text[] = "port = 1\n"
                               "ip = a\n"
                               "[dnsserver]\n"
                               "port = none\n"
                               "ip = \"a\n"
                               "[fetchr]\n"
                               "poll_interval_ms = 0\n"
                               "[fetcher]\n"
                               "poll_interval = 5\n"
                               "reconnect_min_ms = many\n"
                               "reconnect_max_ms = 1\n"
                               "requests_per_second = 1\n"
                               "nonsense\n"
                               "poll_interval_ms = 0\n"
                               "poll_interval_ms = 0\n";
    static const struct {
        unsigned line;
        const char *text;
    } expected[] = {
        {1, "before any section"},
        {4, "dnsserver.port is \"none\""},
        {5, "closing quote"},
        {6, "unknown section [fetchr]"},
        {9, "unknown key \"poll_interval\""},
        {10, "fetcher.reconnect_min_ms is \"many\""},
        {12, "fetcher.resubscribe_per_second = 5000 (the default) is more"},
        {13, "\"nonsense\" is no"},
        {14, "fetcher.poll_interval_ms is \"0\""},
        {15, "already set on line 14"},
    };
    static struct complaints found;
    struct config config;
    struct scan where;
    scratch_write(text, strlen(text));
    assert_int_equal(config_load(scratch_path, &config, &where, &found), -1);
    assert_int_equal(found.count, sizeof(expected) / sizeof(*expected));
    for (size_t i = 0; i < found.count; i++) {
        assert_int_equal(found.list[i].line, expected[i].line);
        assert_non_null(strstr(found.list[i].text, expected[i].text));
    }
}

static void what_is_printed_loads_and_is_the_same(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "[shm]\n",
        "[dnsserver]\nservers = a, b:9\n[reporter]\nip =\ncaller = 10.0.0.1\n[loadbalance]\nrules = lars\nerr_rate = 0.000000001\n",
        "[shm]\nmax_bytes = 4G\ngroup =\ndirectory = '/a#b;c\"d'\n[fetcher]\nadmin_socket = \"/a'b#\"\nsnapshot = /%i'\"x\n",
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        struct config config, again;
        char text[4096];
        load_text(texts[i], &config);
        printed(&config, text, sizeof(text));
        load_text(text, &again);
        assert_memory_equal(&config, &again, sizeof(config));
    }
}

static void reload_takes_what_may_change_and_names_the_rest(void **state)
{
    (void)state;
    struct config running, loaded;
    char restart[256];
    assert_int_equal(config_load(NULL, &running, NULL, NULL), 0);
    load_text("[dnsserver]\nip = other\n[reporter]\nip =\nport = 9\nreport_interval = 5\n"
              "[loadbalance]\nupdate_timeout = 3\nslow_call_ms = 200\nwindow_min_calls = 20\n"
              "[fetcher]\nempty_hold = 60\nlog_level = debug\n"
              "[shm]\nmax_bytes = 1M\nmax_unknown = 3\ngroup = adm\n",
              &loaded);
    assert_int_equal(config_reload(&running, &loaded, restart, sizeof(restart)), 2);
    assert_string_equal(restart, "shm.max_bytes, shm.group");
    assert_string_equal(running.dnsserver.ip, "other");
    assert_string_equal(running.reporter.ip, "");
    assert_int_equal(running.reporter.port, 9);
    assert_int_equal(running.report_interval, 5);
    assert_int_equal(running.loadbalance.update_timeout, 3);
    assert_int_equal(running.loadbalance.slow_call_ms, 200);
    assert_int_equal(running.loadbalance.window_min_calls, 20);
    assert_int_equal(running.fetcher.empty_hold, 60);
    assert_int_equal(running.fetcher.log_level, LOG_LEVEL_DEBUG);
    assert_int_equal(running.shm.max_unknown, 3);
    assert_int_equal(running.shm.max_bytes, 256 << 20);
    assert_string_equal(running.shm.group, "larshm");
    /* What was kept is still named at the next reload. */
    assert_int_equal(config_reload(&running, &loaded, restart, sizeof(restart)), 2);
    memset(restart, 0x5a, sizeof(restart));
    assert_int_equal(config_reload(&running, &loaded, restart, 20), 2);
    assert_string_equal(restart, "shm.max_bytes, shm.");
    assert_int_equal(restart[20], 0x5a);
}

static void reload_of_the_same_values_needs_no_restart(void **state)
{
    (void)state;
    struct config running, loaded;
    char restart[256] = "x";
    assert_int_equal(config_load(NULL, &running, NULL, NULL), 0);
    load_text("[shm]\nmax_bytes = 262144K\ngrace_ms = 2000\ngroup = 'larshm'\n", &loaded);
    assert_int_equal(config_reload(&running, &loaded, restart, sizeof(restart)), 0);
    assert_string_equal(restart, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_are_those_of_an_agent_and_documented),
        cmocka_unit_test(file_of_a_lars_agent_loads_as_it_is),
        cmocka_unit_test(print_shows_servers_in_place_of_ip_and_port),
        cmocka_unit_test(value_may_be_quoted_and_commented),
        cmocka_unit_test(mistakes_are_refused_with_line_and_remedy),
        cmocka_unit_test(contradicting_values_are_refused_at_load),
        cmocka_unit_test(all_mistakes_are_said_in_the_order_of_lines_and_none_twice),
        cmocka_unit_test(what_is_printed_loads_and_is_the_same),
        cmocka_unit_test(reload_takes_what_may_change_and_names_the_rest),
        cmocka_unit_test(reload_of_the_same_values_needs_no_restart),
    };
    return cmocka_run_group_tests_name("unit/conf/config", tests, scratch_setup, scratch_teardown);
}
