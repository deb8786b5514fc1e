/* SPDX-License-Identifier: MIT */
#include "tools/larshm/metrics_page.h"

#include <stdlib.h>

#include "tools/larshm/metrics_counters.h"
#include "tools/larshm/metrics_families.h"

struct page {
    FILE *out;
    const struct metrics *all;
    size_t count;
};

static void print_families(const struct page *page, const struct metrics_family *family)
{
    for (; family->name; family++) {
        exposition_family(page->out, family->name, family->type, family->help);
        for (size_t i = 0; i < page->count; i++)
            if (page->all[i].status == SHM_OK)
                family->samples(page->out, family->name, &page->all[i]);
    }
}

static void print_up(const struct page *page)
{
    exposition_family(page->out, "larshm_instances", FAMILY_GAUGE, "instances that larshm_up tells of");
    exposition_sample(page->out, "larshm_instances", (double)page->count, NULL);
    exposition_family(page->out, "larshm_up", FAMILY_GAUGE, "1: the instance's objects can be read");
    for (size_t i = 0; i < page->count; i++)
        sample_value(page->out, "larshm_up", &page->all[i], page->all[i].status == SHM_OK);
    exposition_family(page->out, "larshm_fetcher_alive", FAMILY_GAUGE,
                      "1: the fetcher has given a sign of life within 3 seconds");
    for (size_t i = 0; i < page->count; i++)
        sample_value(page->out, "larshm_fetcher_alive", &page->all[i],
                     page->all[i].status == SHM_OK && page->all[i].facts.fetcher == FETCHER_IS_ALIVE);
}

char *metrics_page(const struct metrics_set *set, size_t *length)
{
    char *text = NULL;
    const struct page page = {open_memstream(&text, length), set->all, set->count};
    if (!page.out)
        return NULL;
    print_up(&page);
    print_families(&page, metrics_fetcher);
    print_families(&page, metrics_routes);
    print_families(&page, metrics_memory);
    print_families(&page, metrics_directory);
    metrics_counters_print(page.out, set->all, set->count);
    bool failed = ferror(page.out) != 0;
    if (fclose(page.out) == 0 && !failed)
        return text;
    free(text);
    return NULL;
}
