/* SPDX-License-Identifier: MIT */
#include "tools/dns/log_text.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/common/parse.h"

char *log_text(const struct hosts *hosts)
{
    char *text = NULL, address[INET_ADDRSTRLEN];
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return NULL;
    for (size_t i = 0; i < hosts->count; i++) {
        const struct in_addr in = {hosts->hosts[i].address};
        fprintf(out, "%s%s:%u", i > 0 ? " " : "", inet_ntop(AF_INET, &in, address, sizeof(address)),
                (unsigned)ntohs(hosts->hosts[i].port));
    }
    if (fclose(out) == 0)
        return text;
    free(text);
    return NULL;
}

bool log_text_parse(const char *text, struct hosts *out)
{
    char *words = strdup(text), *rest = NULL;
    struct host_addr *hosts = words ? calloc(strlen(words) + 1, sizeof(*hosts)) : NULL;
    size_t count = 0;
    for (char *word = hosts ? strtok_r(words, " ", &rest) : NULL; word; word = strtok_r(NULL, " ", &rest))
        count += parse_host(word, &hosts[count]);
    free(words);
    if (!hosts)
        return false;
    *out = (struct hosts){hosts, hosts_sort(hosts, count)};
    return true;
}

void log_text_user(char name[static LOG_USER_SIZE])
{
    const char *sudo = getenv("SUDO_USER");
    const struct passwd *entry = getpwuid(getuid());
    if (getuid() == 0 && sudo && *sudo)
        snprintf(name, LOG_USER_SIZE, "%s", sudo);
    else if (entry)
        snprintf(name, LOG_USER_SIZE, "%s", entry->pw_name);
    else
        snprintf(name, LOG_USER_SIZE, "%u", (unsigned)getuid());
}
