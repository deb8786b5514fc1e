/* SPDX-License-Identifier: MIT */
/* What is wrong with an instance, for monitoring: what `larshm health` says. */
#ifndef TOOLS_LARSHM_FINDINGS_H
#define TOOLS_LARSHM_FINDINGS_H

#include "tools/larshm/facts.h"
#include "tools/larshm/text.h"

/* In the order in which they are said: what comes first may be the reason of what follows. */
enum finding_kind {
    FINDING_FETCHER,
    FINDING_DAMAGE,
    FINDING_DIRECTORY,
    FINDING_LIMIT,
    FINDING_ROTATION,
    FINDING_PERMISSION, /* of this user, so it is no fault of the instance */
    FINDINGS,
};
extern const char *const finding_names[FINDINGS];

/* The question that is answered. */
enum probe {
    PROBE_HEALTH,  /* is all well? */
    PROBE_LIVE,    /* does the fetcher run, or would a restart help? */
    PROBE_READY,   /* has it begun to work: connected once, or with routes that it adopted? */
    PROBE_SERVING, /* can this user look routes up, and request them? */
    PROBES,
};
extern const char *const probe_names[PROBES]; /* the first one is of no command line */

struct finding {
    int exit_code; /* EXIT_SUCCESS: not found */
    char text[512];
};

/* Those that matter to the question, as a set of bits 1 << kind. */
unsigned probe_findings(enum probe probe, const struct facts *facts);

/* Fills in those of the set; others are not found. Returns the exit code of the first one. */
int findings_read(const struct facts *facts, unsigned set, struct finding out[static FINDINGS]);

/* What to say of an instance without findings. */
struct text findings_none_text(const struct facts *facts);

#endif
