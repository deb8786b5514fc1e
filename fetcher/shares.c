/* SPDX-License-Identifier: MIT */
#include "fetcher/shares.h"

enum {
    BURST_MS = 100, /* the most that accumulates; but each kind can save one request, however low the rate */
    PARTS = 16,
};

static const double parts[SHARES] = {[SHARE_NEW] = 4, [SHARE_REFRESH] = 8, [SHARE_RESUBSCRIBE] = 4};
static const double parts_refusing[SHARES] = {[SHARE_NEW] = 1, [SHARE_REFRESH] = 11, [SHARE_RESUBSCRIBE] = 4};

static double at_least_one(double tokens)
{
    return tokens < 1 ? 1 : tokens;
}

void shares_fill(struct shares *shares, uint32_t per_second, bool refusing, uint64_t now)
{
    uint64_t elapsed = now - shares->filled < BURST_MS ? now - shares->filled : BURST_MS;
    double burst = (double)per_second * BURST_MS / 1000, held = 0;
    shares->filled = now;
    shares->refusing = refusing;
    for (int kind = 0; kind < SHARES; kind++) {
        double part = (refusing ? parts_refusing : parts)[kind] / PARTS, most = at_least_one(burst * part);
        double *tokens = &shares->tokens[kind];
        *tokens += (double)per_second * part * (double)elapsed / 1000;
        if (*tokens > most) {
            shares->spare += *tokens - most;
            *tokens = most;
        }
        held += *tokens;
    }
    double most = at_least_one(burst - held);
    if (shares->spare > most)
        shares->spare = most;
}

static bool may_take_spare(const struct shares *shares, enum share kind)
{
    return shares->spare >= 1 && !(kind == SHARE_NEW && shares->refusing);
}

bool shares_has(const struct shares *shares, enum share kind)
{
    return shares->tokens[kind] >= 1 || may_take_spare(shares, kind);
}

void shares_take(struct shares *shares, enum share kind)
{
    *(may_take_spare(shares, kind) ? &shares->spare : &shares->tokens[kind]) -= 1;
}
