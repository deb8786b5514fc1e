/* SPDX-License-Identifier: MIT */
/*
 * unload INSTANCE LIBRARY: a thread looks route (0, 1) up in a library that is loaded and unloaded again. The thread ends
 * after that, and the process forks.
 */
#include <dlfcn.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <larshm/larshm.h>

static struct {
    int (*open)(larshm **out, const char *instance);
    void (*close)(larshm *h);
    int (*get_host)(larshm *h, uint32_t modid, uint32_t cmdid, larshm_host *host);
    larshm *h;
    sem_t looked, unloaded;
    int code;
} copy;

/* A pointer to data becomes a pointer to a function, which ISO C does not let a cast do. */
static int find(void *library, const char *name, void *function)
{
    void *found = dlsym(library, name);
    memcpy(function, &found, sizeof(found));
    return found != NULL;
}

static void *look(void *unused)
{
    larshm_host host;
    copy.code = copy.get_host(copy.h, 0, 1, &host);
    sem_post(&copy.looked);
    sem_wait(&copy.unloaded);
    return unused;
}

int main(int argc, char **argv)
{
    pthread_t thread;
    void *library = argc == 3 ? dlopen(argv[2], RTLD_NOW | RTLD_LOCAL) : NULL;
    if (!library || !find(library, "larshm_open", &copy.open) ||
        !find(library, "larshm_close", &copy.close) || !find(library, "larshm_get_host", &copy.get_host)) {
        fprintf(stderr, "usage: unload INSTANCE LIBRARY: %s\n", dlerror());
        return 2;
    }
    sem_init(&copy.looked, 0, 0);
    sem_init(&copy.unloaded, 0, 0);
    if (copy.open(&copy.h, argv[1]) != LARSHM_OK || pthread_create(&thread, NULL, look, NULL) != 0)
        return 3;
    sem_wait(&copy.looked);
    copy.close(copy.h);
    dlclose(library);
    sem_post(&copy.unloaded);
    pthread_join(thread, NULL);
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    int result;
    waitpid(child, &result, 0);
    return copy.code == LARSHM_OK && result == 0 ? 0 : 4;
}
