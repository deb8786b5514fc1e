/* SPDX-License-Identifier: MIT */
/*
 * A program that opens the instance which its argument names, and then does what the lines of stdin say, one line of answer
 * each: "get MODID CMDID" and "report MODID CMDID" answer with the code and a host, "chroot DIR", "setuid UID" and
 * "descriptors LIMIT" change its surroundings and answer with 0 or errno.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include <larshm/larshm.h>

static void print_host(int code, const larshm_host *host)
{
    char ip[INET_ADDRSTRLEN] = "";
    if (code == LARSHM_OK)
        inet_ntop(AF_INET, &host->addr, ip, sizeof(ip));
    printf("%d %s\n", code, ip);
}

static void do_lookup(larshm *h, uint32_t modid, uint32_t cmdid)
{
    larshm_host host;
    int code = larshm_get_host(h, modid, cmdid, &host);
    print_host(code, &host);
}

static void do_report(larshm *h, uint32_t modid, uint32_t cmdid)
{
    larshm_host host;
    int code = larshm_get_host(h, modid, cmdid, &host);
    if (code == LARSHM_OK)
        code = larshm_report(h, &host, 0);
    print_host(code, &host);
}

static int limit_descriptors(unsigned limit)
{
    const struct rlimit few = {.rlim_cur = limit, .rlim_max = 1024};
    return setrlimit(RLIMIT_NOFILE, &few);
}

static void do_line(larshm *h, const char *line)
{
    char path[256];
    uint32_t modid, cmdid, number;
    if (sscanf(line, "get %" SCNu32 " %" SCNu32, &modid, &cmdid) == 2)
        do_lookup(h, modid, cmdid);
    else if (sscanf(line, "report %" SCNu32 " %" SCNu32, &modid, &cmdid) == 2)
        do_report(h, modid, cmdid);
    else if (sscanf(line, "chroot %255s", path) == 1)
        printf("%d\n", chroot(path) == 0 && chdir("/") == 0 ? 0 : errno);
    else if (sscanf(line, "setuid %" SCNu32, &number) == 1)
        printf("%d\n", setuid(number) == 0 ? 0 : errno);
    else if (sscanf(line, "descriptors %" SCNu32, &number) == 1)
        printf("%d\n", limit_descriptors(number) == 0 ? 0 : errno);
    else
        printf("what is %s", line);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    larshm *h = NULL;
    char line[512];
    int code = argc == 2 ? larshm_open(&h, argv[1]) : LARSHM_BAD_ARGUMENT;
    printf("%d %s\n", code, larshm_strerror(code));
    fflush(stdout);
    while (code == LARSHM_OK && fgets(line, sizeof(line), stdin))
        do_line(h, line);
    larshm_close(h);
    return code;
}
