/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tools/larshm/findings.h"
#include "tools/larshm/say.h"

enum {
    ALL = (1U << FINDINGS) - 1
};

/* All that can be found of a fetcher that is alive, with texts of the longest. */
static struct facts bad(void)
{
    struct facts facts = {.fetcher = FETCHER_IS_ALIVE,
                          .connection = CONNECTION_WAITING,
                          .connection_age_ms = UINT64_MAX,
                          .damaged = 3,
                          .without_host = UINT64_MAX,
                          .refusing = REFUSING_MEMORY,
                          .may_not_request = true,
                          .routes = {[ROUTE_IS_NEW] = 1}};
    memset(facts.directory, 'd', sizeof(facts.directory) - 1);
    return facts;
}

static void the_first_finding_gives_the_exit_code(void **state)
{
    (void)state;
    struct facts facts = bad();
    struct finding findings[FINDINGS];
    assert_int_equal(findings_read(&facts, ALL, findings), EXIT_DAMAGED);
    static const int codes[FINDINGS] = {EXIT_SUCCESS,  EXIT_DAMAGED,    EXIT_CUT_OFF,
                                        EXIT_AT_LIMIT, EXIT_OVERLOADED, EXIT_PERMISSION};
    for (int i = 0; i < FINDINGS; i++)
        assert_int_equal(findings[i].exit_code, codes[i]);
    facts.fetcher = FETCHER_IS_SILENT;
    assert_int_equal(findings_read(&facts, ALL, findings), EXIT_NO_OBJECT);
    assert_int_equal(findings[FINDING_LIMIT].exit_code, EXIT_SUCCESS);
    assert_int_equal(findings[FINDING_DIRECTORY].exit_code, EXIT_SUCCESS);
}

static void a_finding_that_does_not_count_is_none(void **state)
{
    (void)state;
    struct facts facts = bad();
    struct finding findings[FINDINGS];
    assert_int_equal(findings_read(&facts, 1U << FINDING_LIMIT, findings), EXIT_AT_LIMIT);
    assert_int_equal(findings[FINDING_DAMAGE].exit_code, EXIT_SUCCESS);
    assert_int_equal(findings_read(&facts, 0, findings), EXIT_SUCCESS);
}

static void each_probe_has_its_findings(void **state)
{
    (void)state;
    struct facts facts = bad();
    assert_int_equal(probe_findings(PROBE_HEALTH, &facts), ALL & ~(1U << FINDING_PERMISSION));
    assert_int_equal(probe_findings(PROBE_LIVE, &facts), 1U << FINDING_FETCHER);
    assert_int_equal(probe_findings(PROBE_READY, &facts), 1U << FINDING_FETCHER);
    assert_int_equal(probe_findings(PROBE_SERVING, &facts), 1U << FINDING_PERMISSION);
    facts.routes[ROUTE_IS_NEW] = 0;
    assert_int_equal(probe_findings(PROBE_READY, &facts), 1U << FINDING_FETCHER | 1U << FINDING_DIRECTORY);
    assert_int_equal(probe_findings(PROBE_SERVING, &facts), 1U << FINDING_FETCHER | 1U << FINDING_PERMISSION);
    facts.counters[COUNTER_connects] = 1;
    assert_int_equal(probe_findings(PROBE_READY, &facts), 1U << FINDING_FETCHER);
}

static void texts_of_the_longest_are_whole(void **state)
{
    (void)state;
    struct facts facts = bad();
    struct finding findings[FINDINGS];
    findings_read(&facts, ALL, findings);
    assert_non_null(strstr(findings[FINDING_DIRECTORY].text, "see the fetcher's log"));
    assert_non_null(strstr(findings[FINDING_ROTATION].text, "shows why"));
    assert_non_null(strstr(findings_none_text(&facts).is, " not connected for "));
    facts.counters[COUNTER_unanswered] = 1;
    facts.connection = CONNECTION_UP;
    findings_read(&facts, ALL, findings);
    assert_non_null(strstr(findings[FINDING_DIRECTORY].text, "and the fetcher's log"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_finding_gives_the_exit_code),
        cmocka_unit_test(a_finding_that_does_not_count_is_none),
        cmocka_unit_test(each_probe_has_its_findings),
        cmocka_unit_test(texts_of_the_longest_are_whole),
    };
    return cmocka_run_group_tests_name("unit/larshm/findings", tests, NULL, NULL);
}
