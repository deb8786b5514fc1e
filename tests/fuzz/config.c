/* SPDX-License-Identifier: MIT */
/*
 * A configuration file with any content is either refused, with texts that can be shown and begin with the file's
 * name, and changes nothing; or it is loaded, and then each value is one that the table of keys allows.
 */
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "conf/complaint.h"
#include "conf/config.h"
#include "conf/log.h"
#include "conf/scan.h"
#include "conf/value.h"
#include "tests/fuzz/fuzz.h"

static int file;
static char path[64];

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    file = memfd_create("fuzz.conf", MFD_CLOEXEC);
    DEMAND(file >= 0);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
    return 0;
}

static void check_refused(const struct config *config, const struct config *before,
                          const struct complaints *found)
{
    char line[COMPLAINT_SIZE + sizeof(path)];
    size_t lines = 0;
    DEMAND(memcmp(config, before, sizeof(*config)) == 0);
    for (; complaint_line(found, lines, line, sizeof(line)); lines++) {
        DEMAND(strncmp(line, path, strlen(path)) == 0 && line[strlen(path)] == ':');
        for (const char *c = line; *c; c++)
            DEMAND(*c >= ' ' && *c <= '~');
    }
    DEMAND(lines > 0 && lines <= found->count && lines <= COMPLAINTS_MAX + 1);
}

static bool are_servers(const struct config_servers *servers)
{
    for (uint32_t i = 0; i < servers->count && i < CONFIG_SERVERS_MAX; i++)
        if (servers->list[i].port == 0 || !memchr(servers->list[i].ip, '\0', CONFIG_HOST_SIZE))
            return false;
    return servers->count <= CONFIG_SERVERS_MAX;
}

/* Not by value_parse(), which has let the value in. */
static bool in_range(const struct key *key, const void *field)
{
    switch (key->type) {
    case KEY_INTEGER:
        return *(const uint32_t *)field >= key->min && *(const uint32_t *)field <= key->max;
    case KEY_PORT:
        return *(const uint16_t *)field >= key->min && *(const uint16_t *)field <= key->max;
    case KEY_SIZE:
        return *(const uint64_t *)field >= key->min && *(const uint64_t *)field <= key->max;
    case KEY_REAL:
        return *(const double *)field >= (double)key->min && *(const double *)field <= (double)key->max;
    case KEY_LEVEL:
        return *(const uint32_t *)field <= LOG_LEVEL_DEBUG;
    case KEY_RULES:
        return *(const uint32_t *)field <= RULES_LARS;
    case KEY_ADDRESS:
        return true;
    case KEY_SERVERS:
        return are_servers(field);
    case KEY_HOST:
    case KEY_GROUP:
    case KEY_PATH:
        return memchr(field, '\0', key->size) != NULL;
    }
    return false;
}

static void check_loaded(const struct config *config)
{
    for (size_t i = 0; i < KEY_COUNT; i++) {
        char text[VALUE_SIZE];
        struct config again; /* room for any field */
        const char *field = (const char *)config + keys[i].offset;
        DEMAND(in_range(&keys[i], field));
        value_format(&keys[i], field, text);
        DEMAND(value_parse(&keys[i], text, &again) == 0);
        DEMAND(memcmp(&again, field, keys[i].size) == 0);
    }
    DEMAND(config->servers.count == 0 || strcmp(config->dnsserver.ip, "127.0.0.1") == 0);
    DEMAND(config->fetcher.reconnect_min_ms <= config->fetcher.reconnect_max_ms);
    DEMAND(config->fetcher.resubscribe_per_second <= config->fetcher.requests_per_second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct complaints found;
    struct scan where;
    struct config config, before;
    DEMAND(ftruncate(file, 0) == 0);
    DEMAND(pwrite(file, data, size, 0) == (ssize_t)size);
    memset(&before, 0x5a, sizeof(before));
    memcpy(&config, &before, sizeof(config));
    if (config_load(path, &config, &where, &found) != 0)
        check_refused(&config, &before, &found);
    else
        check_loaded(&config);
    return 0;
}
