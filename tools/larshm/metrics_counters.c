/* SPDX-License-Identifier: MIT */
#include "tools/larshm/metrics_counters.h"

#include "tools/larshm/metrics_families.h"

/* clang-format off */
const struct counter_metric counter_metrics[COUNTER_COUNT] = {
    [COUNTER_routes] =            {"larshm_cached_routes", FAMILY_GAUGE},
    [COUNTER_negative] =          {"larshm_absent_routes", FAMILY_GAUGE},
    [COUNTER_pulling] =           {"larshm_requests_in_flight", FAMILY_GAUGE},
    [COUNTER_publishes] =         {"larshm_publishes_total", FAMILY_COUNTER},
    [COUNTER_refreshes] =         {"larshm_refreshes_total", FAMILY_COUNTER},
    [COUNTER_requests] =          {"larshm_requests_total", FAMILY_COUNTER},
    [COUNTER_answers] =           {"larshm_answers_total", FAMILY_COUNTER},
    [COUNTER_pushes] =            {"larshm_pushes_total", FAMILY_COUNTER},
    [COUNTER_timeouts] =          {"larshm_request_timeouts_total", FAMILY_COUNTER},
    [COUNTER_connects] =          {"larshm_connects_total", FAMILY_COUNTER},
    [COUNTER_connect_failures] =  {"larshm_connect_failures_total", FAMILY_COUNTER},
    [COUNTER_disconnects] =       {"larshm_disconnects_total", FAMILY_COUNTER},
    [COUNTER_bad_frames] =        {"larshm_bad_frames_total", FAMILY_COUNTER},
    [COUNTER_bad_answers] =       {"larshm_bad_answers_total", FAMILY_COUNTER},
    [COUNTER_unknown_messages] =  {"larshm_unknown_messages_total", FAMILY_COUNTER},
    [COUNTER_unusable_hosts] =    {"larshm_unusable_hosts_total", FAMILY_COUNTER},
    [COUNTER_refused_full] =      {"larshm_refused_tables_total", FAMILY_COUNTER},
    [COUNTER_refused_unknown] =   {"larshm_refused_unknown_total", FAMILY_COUNTER},
    [COUNTER_generations] =       {"larshm_generations_total", FAMILY_COUNTER},
    [COUNTER_lookups] =           {"larshm_lookups_total", FAMILY_COUNTER},
    [COUNTER_lookups_missed] =    {"larshm_lookups_missed_total", FAMILY_COUNTER},
    [COUNTER_lookups_expired] =   {"larshm_lookups_expired_total", FAMILY_COUNTER},
    [COUNTER_reports] =           {"larshm_reports_total", FAMILY_COUNTER},
    [COUNTER_reports_unknown] =   {"larshm_reports_unknown_total", FAMILY_COUNTER},
    [COUNTER_reports_refused] =   {"larshm_reports_refused_total", FAMILY_COUNTER},
    [COUNTER_ejections] =         {"larshm_ejections_total", FAMILY_COUNTER},
    [COUNTER_overloaded] =        {"larshm_ejected_hosts", FAMILY_GAUGE},
    [COUNTER_held] =              {"larshm_held_routes", FAMILY_GAUGE},
    [COUNTER_results_sent] =      {"larshm_report_messages_sent_total", FAMILY_COUNTER},
    [COUNTER_orders] =            {"larshm_overrides_total", FAMILY_COUNTER},
    [COUNTER_long_frames] =       {"larshm_long_frames_total", FAMILY_COUNTER},
    [COUNTER_crowded_answers] =   {"larshm_crowded_answers_total", FAMILY_COUNTER},
    [COUNTER_postponed] =         {"larshm_postponed_changes", FAMILY_GAUGE},
    [COUNTER_replaced_objects] =  {"larshm_replaced_objects", FAMILY_GAUGE},
    [COUNTER_snapshots] =         {"larshm_snapshots_total", FAMILY_COUNTER},
    [COUNTER_snapshot_failures] = {"larshm_snapshot_failures_total", FAMILY_COUNTER},
    [COUNTER_behind] =            {"larshm_directory_behind", FAMILY_GAUGE},
    [COUNTER_unanswered] =        {"larshm_directory_unanswered", FAMILY_GAUGE},
    [COUNTER_unused] =            {"larshm_unused_routes_total", FAMILY_COUNTER},
};
/* clang-format on */

void metrics_counters_print(FILE *out, const struct metrics *all, size_t count)
{
    for (int counter = 0; counter < COUNTER_COUNT; counter++) {
        const struct counter_metric *metric = &counter_metrics[counter];
        if (!metric->name)
            continue;
        exposition_family(out, metric->name, metric->type, shm_counter_texts[counter].description);
        for (size_t i = 0; i < count; i++)
            if (all[i].status == SHM_OK)
                sample_value(out, metric->name, &all[i], (double)all[i].facts.counters[counter]);
    }
}
