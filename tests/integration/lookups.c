/* SPDX-License-Identifier: MIT */
/* Looks route (0, 1) of the instance that its argument names up, between two marks that a tracer can see. */
#include <stdio.h>
#include <unistd.h>

#include <larshm/larshm.h>

enum {
    LOOKUPS = 100000,
    HOSTS = 64
};

static int look(larshm *h)
{
    larshm_host host, hosts[HOSTS];
    larshm_view view;
    size_t count;
    int code = larshm_get_host(h, 0, 1, &host);
    if (code == LARSHM_OK)
        code = larshm_get_route(h, 0, 1, hosts, HOSTS, &count);
    if (code == LARSHM_OK)
        code = larshm_route_begin(h, 0, 1, &view);
    return code == LARSHM_OK ? larshm_route_end(h, &view) : code;
}

int main(int argc, char **argv)
{
    larshm *h = NULL;
    int code = argc == 2 ? larshm_open(&h, argv[1]) : LARSHM_BAD_ARGUMENT;
    if (code == LARSHM_OK)
        code = larshm_wait_route(h, 0, 1, 10000);
    if (code == LARSHM_OK)
        code = look(h);
    int begun = access("/larshm-mark-begin", F_OK);
    for (int i = 0; i < LOOKUPS && code == LARSHM_OK; i++)
        code = look(h);
    int ended = access("/larshm-mark-end", F_OK);
    if (code != LARSHM_OK)
        fprintf(stderr, "%s\n", larshm_strerror(code));
    larshm_close(h);
    return code == LARSHM_OK && begun && ended ? 0 : 1;
}
