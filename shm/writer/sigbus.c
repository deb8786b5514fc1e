/* SPDX-License-Identifier: MIT */
#include "shm/writer/sigbus.h"

#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>

/* Written by the one thread that the handler interrupts, so volatile is enough: a row is complete before `base` is
 * set, and gone once it is NULL. */
static struct {
    void *volatile base;
    volatile size_t size;
    volatile sig_atomic_t broken;
} rows[SIGBUS_REGIONS_MAX];

static void bus_error(int number, siginfo_t *info, void *context)
{
    uintptr_t at = (uintptr_t)info->si_addr;
    (void)context;
    for (int i = 0; i < SIGBUS_REGIONS_MAX; i++) {
        void *base = rows[i].base;
        if (!base || at < (uintptr_t)base || at >= (uintptr_t)base + rows[i].size)
            continue;
        rows[i].broken = 1;
        if (mmap(base, rows[i].size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
                 0) == base)
            return; /* the access is repeated, and reads zeros */
    }
    signal(number, SIG_DFL); /* another fault: repeated, and fatal */
}

int sigbus_install(void)
{
    struct sigaction action = {.sa_sigaction = bus_error, .sa_flags = SA_SIGINFO};
    return sigaction(SIGBUS, &action, NULL);
}

static int row_of(const void *base)
{
    for (int i = 0; i < SIGBUS_REGIONS_MAX; i++)
        if (rows[i].base == base)
            return i;
    return -1;
}

void sigbus_protect(const struct region *region)
{
    int row = row_of(NULL);
    if (row < 0)
        return;
    rows[row].size = region->size;
    rows[row].broken = 0;
    rows[row].base = region->s_base;
}

void sigbus_unprotect(const struct region *region)
{
    int row = region->s_base ? row_of(region->s_base) : -1;
    if (row >= 0)
        rows[row].base = NULL;
}

bool sigbus_hit(const struct region *region)
{
    int row = region->s_base ? row_of(region->s_base) : -1;
    return row >= 0 && rows[row].broken;
}
