/* SPDX-License-Identifier: MIT */
/* The bench is a program of its own, for it has a publisher in it, which this tool must not. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tools/larshm/command.h"
#include "tools/larshm/say.h"

/* larshm-bench, beside this program or in $PATH. */
static void find(char out[static PATH_MAX])
{
    static const char name[] = "larshm-bench";
    ssize_t length = readlink("/proc/self/exe", out, PATH_MAX - sizeof(name) - 1);
    char *slash = NULL;
    if (length > 0) {
        out[length] = '\0';
        slash = strrchr(out, '/');
    }
    if (slash)
        memcpy(slash + 1, name, sizeof(name));
    if (!slash || access(out, X_OK) != 0)
        memcpy(out, name, sizeof(name));
}

int command_bench(struct common *common, int argc, char **argv)
{
    char path[PATH_MAX], *words[argc + 2];
    int count = 0;
    find(path);
    words[count++] = argv[0];
    if (common->json)
        words[count++] = "-j";
    for (int i = 1; i < argc; i++)
        words[count++] = argv[i];
    words[count] = NULL;
    execvp(path, words);
    say("cannot run larshm-bench: %s; build all (ninja -C build), or install it beside larshm",
        strerror(errno));
    return EXIT_USAGE;
}
