/* SPDX-License-Identifier: MIT */
#include "shm/writer/use_sums.h"

#include "shm/saturating.h"

static const double fading = 0.98851402035289; /* to the 60th power: a half */

/* A place that is free looks like one of route 0/0 without weight: it is as good for that route. */
static void add(struct use_sums *sums, struct route_use use, double weight)
{
    struct use_sum *set = sums->sums[hash_scale(route_key_hash(use.key, 0), USE_SETS)], *place = set;
    for (int i = 0; i < USE_WAYS; i++) {
        if (route_key_equal(set[i].use.key, use.key)) {
            set[i].use.lookups = saturating_add(set[i].use.lookups, use.lookups);
            set[i].weight += weight;
            return;
        }
        if (set[i].weight < place->weight)
            place = &set[i];
    }
    *place = (struct use_sum){.use = use, .weight = place->weight + weight, .error = place->weight};
}

void use_sums_add(struct use_sums *sums, struct route_key key, uint64_t lookups)
{
    add(sums, (struct route_use){key, lookups}, (double)lookups);
}

void use_sums_resume(struct use_sums *sums, const struct route_use *routes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        add(sums, routes[i], (double)(count - i) / (double)count);
}

void use_sums_fade(struct use_sums *sums)
{
    struct use_sum *all = sums->sums[0];
    for (size_t i = 0; i < USE_SETS * USE_WAYS; i++) {
        all[i].weight *= fading;
        all[i].error *= fading;
    }
}

size_t use_sums_top(const struct use_sums *sums, struct route_use out[static TOP_ROUTES])
{
    const struct use_sum *all = sums->sums[0];
    double shares[TOP_ROUTES];
    size_t count = 0;
    for (size_t i = 0; i < USE_SETS * USE_WAYS; i++) {
        double share = all[i].weight - all[i].error;
        size_t at = count;
        if (all[i].use.lookups == 0 || (count == TOP_ROUTES && share <= shares[TOP_ROUTES - 1]))
            continue;
        if (count < TOP_ROUTES)
            count++;
        else
            at = TOP_ROUTES - 1;
        for (; at > 0 && shares[at - 1] < share; at--) {
            shares[at] = shares[at - 1];
            out[at] = out[at - 1];
        }
        shares[at] = share;
        out[at] = all[i].use;
    }
    return count;
}
