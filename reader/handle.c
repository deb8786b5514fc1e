/* SPDX-License-Identifier: MIT */
#include <pwd.h>
#include <stdlib.h>

#include "reader/fork.h"
#include "reader/lookup.h"
#include "reader/mapping.h"
#include "reader/state.h"
#include "reader/thread.h"

static _Atomic uint64_t handles;

/* Looked up once per handle, and only if needed: the account database may be a network service, and a lookup that
 * switches to another generation must not wait for it. */
static uid_t fetcher_account(void)
{
    struct passwd entry, *found = NULL;
    char text[4096];
    return getpwnam_r("larshm", &entry, text, sizeof(text), &found) == 0 && found ? found->pw_uid : 0;
}

int larshm_open(larshm **out, const char *instance)
{
    larshm *h = calloc(1, sizeof(*h));
    struct mapping *mapping = NULL;
    int code = h ? LARSHM_OK : LARSHM_SYSTEM_ERROR;
    if (code == LARSHM_OK)
        code = (int)object_names(instance_or_default(instance), &h->names);
    if (code == LARSHM_OK)
        code = fork_ready();
    if (code == LARSHM_OK)
        code = mapping_open(&h->names, 0, &mapping);
    if (code == LARSHM_FOREIGN) {
        h->fetcher = fetcher_account();
        code = mapping_open(&h->names, h->fetcher, &mapping);
    }
    if (code != LARSHM_OK) {
        free(h);
        return code;
    }
    store_relaxed(&h->current, mapping);
    h->serial = add_relaxed(&handles, 1) + 1;
    *out = h;
    return LARSHM_OK;
}

void larshm_close(larshm *h)
{
    if (!h)
        return;
    struct mapping *current = load_acquire(&h->current);
    if (thread_state.serial == h->serial)
        lookup_flush(current);
    mapping_close(current);
    while (h->retired) {
        struct mapping *mapping = h->retired;
        h->retired = mapping->next;
        mapping_close(mapping);
    }
    free(h);
}
