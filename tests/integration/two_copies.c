/* SPDX-License-Identifier: MIT */
/*
 * Linked with the static library; loads the shared one (its path is the second argument) beside it. Both look route
 * (0, 1) of the instance up: in the program, in children of it, and in threads that look up while it forks.
 */
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <larshm/larshm.h>

#include "tests/support/child.h"

enum {
    FORKS = 50,
    CHILD_SECONDS = 60,
};

/* One copy of the library, by its functions. */
struct copy {
    int (*open)(larshm **out, const char *instance);
    void (*close)(larshm *h);
    int (*get_host)(larshm *h, uint32_t modid, uint32_t cmdid, larshm_host *host);
    larshm *h;
};

static struct copy copies[2] = {{larshm_open, larshm_close, larshm_get_host, NULL}};
static _Atomic int stop, wrong;

/* A pointer to data becomes a pointer to a function, which ISO C does not let a cast do. */
static int find(void *library, const char *name, void *function)
{
    void *found = dlsym(library, name);
    memcpy(function, &found, sizeof(found));
    return found != NULL;
}

static int load(const char *path, struct copy *copy)
{
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    return library && find(library, "larshm_open", &copy->open) &&
           find(library, "larshm_close", &copy->close) && find(library, "larshm_get_host", &copy->get_host) &&
           copy->open != larshm_open;
}

static int both_look_up(void)
{
    larshm_host host;
    int well = 1;
    for (int i = 0; i < 2; i++)
        well &= copies[i].get_host(copies[i].h, 0, 1, &host) == LARSHM_OK;
    return well;
}

static void *look_on(void *unused)
{
    while (!stop)
        wrong += !both_look_up();
    return unused;
}

static int fork_and_look(void)
{
    pthread_t threads[2];
    int result = 0;
    for (int i = 0; i < 2; i++)
        if (pthread_create(&threads[i], NULL, look_on, NULL) != 0)
            return 0;
    for (int i = 0; i < FORKS && result == 0; i++) {
        pid_t child = fork();
        if (child == 0) {
            _exit(both_look_up() ? 0 : 1);
        }
        result = !child_ends_well(child, CHILD_SECONDS);
    }
    stop = 1;
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    return result == 0 && wrong == 0;
}

int main(int argc, char **argv)
{
    if (argc != 3 || !load(argv[2], &copies[1])) {
        fprintf(stderr, "usage: two_copies INSTANCE LIBRARY\n");
        return 2;
    }
    /* What the copies share, see reader/fork.c and reader/rcu.c. */
    int well = dlsym(RTLD_DEFAULT, "larshm_fork_lock_") && dlsym(RTLD_DEFAULT, "larshm_fork_depth_");
    for (int i = 0; well && i < 2; i++)
        well = copies[i].open(&copies[i].h, argv[1]) == LARSHM_OK;
    well = well && both_look_up() && fork_and_look() && both_look_up();
    for (int i = 0; i < 2; i++)
        copies[i].close(copies[i].h);
    return well ? 0 : 1;
}
