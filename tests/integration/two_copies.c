/* SPDX-License-Identifier: MIT */
/*
 * two_copies INSTANCE LIBRARY...: loads copies of the library, beside the one that it is linked with if LINKED_COPY is
 * defined. All look route (0, 1) of the instance up: in the program, in children of it, and in threads that look up, and
 * that begin, while it forks.
 */
#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <larshm/larshm.h>

#include "tests/support/child.h"

enum {
    FORKS = 50,
    CHILD_SECONDS = CHILDREN_MAY_HANG ? 3 : 60, /* for two lookups; in most runs one child hangs in libasan */
    COPIES_MAX = 4,
};

/* One copy of the library, by its functions. */
struct copy {
    int (*open)(larshm **out, const char *instance);
    void (*close)(larshm *h);
    int (*get_host)(larshm *h, uint32_t modid, uint32_t cmdid, larshm_host *host);
    larshm *h;
};

#ifdef LINKED_COPY
static struct copy copies[COPIES_MAX] = {{larshm_open, larshm_close, larshm_get_host, NULL}};
static int count = 1;
#else
static struct copy copies[COPIES_MAX];
static int count;
#endif
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
           find(library, "larshm_close", &copy->close) && find(library, "larshm_get_host", &copy->get_host);
}

static int load_all(char **paths, int paths_count)
{
    if (paths_count + count > COPIES_MAX)
        return 0;
    for (int i = 0; i < paths_count; i++) {
        if (!load(paths[i], &copies[count]))
            return 0;
        for (int other = 0; other < count; other++)
            if (copies[other].open == copies[count].open)
                return 0;
        count++;
    }
    return count > 1;
}

static int all_look_up(void)
{
    larshm_host host;
    int well = 1;
    for (int i = 0; i < count; i++)
        well &= copies[i].get_host(copies[i].h, 0, 1, &host) == LARSHM_OK;
    return well;
}

static void *look_on(void *unused)
{
    while (!stop)
        wrong += !all_look_up();
    return unused;
}

static void *look_once(void *unused)
{
    wrong += !all_look_up();
    return unused;
}

static int look_in_new_thread(void)
{
    pthread_t thread;
    return pthread_create(&thread, NULL, look_once, NULL) == 0 && pthread_join(thread, NULL) == 0;
}

static void *begin_on(void *unused)
{
    while (!stop)
        wrong += !look_in_new_thread();
    return unused;
}

static int signals_are_open(void)
{
    sigset_t blocked;
    pthread_sigmask(SIG_BLOCK, NULL, &blocked);
    return !sigismember(&blocked, SIGTERM) && !sigismember(&blocked, SIGUSR1);
}

static int fork_and_look(void)
{
    pthread_t threads[2];
    int result = 0;
    for (int i = 0; i < 2; i++)
        if (pthread_create(&threads[i], NULL, i ? look_on : begin_on, NULL) != 0)
            return 0;
    for (int i = 0; i < FORKS && result == 0; i++) {
        pid_t child = fork();
        if (child == 0) {
            wrong = 0;
            _exit(all_look_up() && (!CHILDREN_MAY_START_THREADS || look_in_new_thread()) && !wrong &&
                          signals_are_open()
                      ? 0
                      : 1);
        }
        result = !child_ends_well(child, CHILD_SECONDS) || !signals_are_open();
    }
    stop = 1;
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    return result == 0 && wrong == 0;
}

int main(int argc, char **argv)
{
    if (argc < 3 || !load_all(argv + 2, argc - 2)) {
        fprintf(stderr, "usage: two_copies INSTANCE LIBRARY...\n");
        return 2;
    }
    int well = 1;
    for (int i = 0; well && i < count; i++)
        well = copies[i].open(&copies[i].h, argv[1]) == LARSHM_OK;
    well = well && all_look_up() && fork_and_look() && all_look_up();
    for (int i = 0; i < count; i++)
        copies[i].close(copies[i].h);
    return well ? 0 : 1;
}
