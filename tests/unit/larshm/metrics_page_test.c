/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tools/larshm/metrics_page.h"

enum {
    LINES_MAX = 1000
};

/* A fetcher that tells of one server twice, as two names of one address in [dnsserver] servers. */
static struct metrics instance_new(const char *name)
{
    struct metrics metrics = {.routes_known = true, .hosts_known = true, .top_count = 1};
    snprintf(metrics.instance, sizeof(metrics.instance), "%s", name);
    snprintf(metrics.facts.directory, sizeof(metrics.facts.directory), "10.0.0.1:7778");
    metrics.top[0] = (struct route_use){{1, 2}, 3};
    metrics.facts.written_unix_ms = metrics.facts.data_version = 1;
    metrics.facts.uncollected_known = true;
    metrics.servers = json_pack("[{s:s,s:b,s:i,s:i,s:i,s:i}, {s:s,s:b,s:i,s:i,s:i,s:n}, {s:i}]", "address",
                                "10.0.0.1:7778", "in_use", 1, "connects", 1, "failures", 2, "answers", 3,
                                "version", 4, "address", "10.0.0.1:7778", "in_use", 0, "connects", 1,
                                "failures", 2, "answers", 3, "version", "address", 5);
    assert_non_null(metrics.servers);
    return metrics;
}

static int by_text(const void *left, const void *right)
{
    return strcmp(*(char *const *)left, *(char *const *)right);
}

/* Cuts the page into its lines, samples without their values, sorted. */
static size_t split(char *page, char *lines[static LINES_MAX])
{
    size_t count = 0;
    char *rest = page;
    for (char *line; (line = strtok_r(rest, "\n", &rest)) != NULL;) {
        assert_true(count < LINES_MAX);
        if (line[0] != '#')
            *strrchr(line, ' ') = '\0';
        lines[count++] = line;
    }
    qsort(lines, count, sizeof(*lines), by_text);
    return count;
}

static unsigned count_of(const char *page, const char *text)
{
    unsigned count = 0;
    for (const char *at = page; (at = strstr(at, text)) != NULL; at++)
        count++;
    return count;
}

static void nothing_is_there_twice(void **state)
{
    (void)state;
    struct metrics all[] = {instance_new("one"), instance_new("two")};
    const struct metrics_set set = {all, 2};
    char *lines[LINES_MAX];
    size_t length;
    char *page = metrics_page(&set, &length);
    assert_non_null(page);
    assert_int_equal(length, strlen(page));
    assert_int_equal(count_of(page, "larshm_directory_connected{"), 4); /* one of no address */
    size_t count = split(page, lines);
    assert_true(count > 2 * COUNTER_COUNT);
    for (size_t i = 1; i < count; i++)
        assert_string_not_equal(lines[i], lines[i - 1]);
    free(page);
    metrics_free(&all[0]);
    metrics_free(&all[1]);
}

static void an_instance_that_cannot_be_read_is_down_and_no_more(void **state)
{
    (void)state;
    struct metrics all[] = {{.instance = "down", .status = SHM_NO_OBJECT}};
    const struct metrics_set set = {all, 1};
    size_t length;
    char *page = metrics_page(&set, &length);
    assert_non_null(page);
    assert_non_null(strstr(page, "\nlarshm_up{larshm_instance=\"down\"} 0\n"));
    assert_non_null(strstr(page, "\nlarshm_fetcher_alive{larshm_instance=\"down\"} 0\n"));
    assert_int_equal(count_of(page, "\"down\""), 2);
    free(page);
}

static void a_server_has_the_same_label_for_all_users(void **state)
{
    (void)state;
    struct metrics all[] = {{.instance = "one"}};
    const struct metrics_set set = {all, 1};
    size_t length;
    snprintf(all[0].facts.directory, sizeof(all[0].facts.directory), "localhost:7778 (127.0.0.1)");
    char *page = metrics_page(&set, &length);
    assert_non_null(page);
    assert_non_null(
        strstr(page, "\nlarshm_directory_connected{larshm_instance=\"one\",server=\"localhost:7778\"} 0\n"));
    free(page);
}

static void without_any_instance_the_page_says_so(void **state)
{
    (void)state;
    const struct metrics_set set = {NULL, 0};
    size_t length;
    char *page = metrics_page(&set, &length);
    assert_non_null(page);
    assert_non_null(strstr(page, "\nlarshm_instances 0\n"));
    assert_int_equal(count_of(page, "{"), 0);
    free(page);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_server_has_the_same_label_for_all_users),
        cmocka_unit_test(without_any_instance_the_page_says_so),
        cmocka_unit_test(nothing_is_there_twice),
        cmocka_unit_test(an_instance_that_cannot_be_read_is_down_and_no_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
