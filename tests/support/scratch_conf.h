/* SPDX-License-Identifier: MIT */
/* A directory of the test's own with one file in it, for tests that load configuration files. */
#ifndef TESTS_SUPPORT_SCRATCH_CONF_H
#define TESTS_SUPPORT_SCRATCH_CONF_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conf/complaint.h"
#include "conf/config.h"
#include "conf/scan.h"

static char scratch_directory[] = "/tmp/larshm-conf-XXXXXX";
static char scratch_path[64];

static inline int scratch_setup(void **state)
{
    (void)state;
    if (!mkdtemp(scratch_directory))
        return -1;
    snprintf(scratch_path, sizeof(scratch_path), "%s/test.conf", scratch_directory);
    return 0;
}

static inline int scratch_teardown(void **state)
{
    (void)state;
    unlink(scratch_path);
    return rmdir(scratch_directory);
}

/* Writes the file with these bytes. */
static inline void scratch_write(const void *bytes, size_t size)
{
    unlink(scratch_path); /* some file systems write to disk at once what replaces a file's content */
    FILE *file = fopen(scratch_path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

static inline void scratch_expect_loaded(struct config *config)
{
    static struct complaints found;
    struct scan where;
    if (config_load(scratch_path, config, &where, &found) != 0)
        fail_msg("refused: %s", found.list[0].text);
}

/* Loading must fail, leave the configuration alone, and say "PATH" followed by `expected` first. */
static inline void scratch_expect_refused(const char *path, const char *expected)
{
    static struct complaints found;
    char line[COMPLAINT_SIZE + 128];
    struct scan where;
    struct config config, before;
    memset(&config, 0x5a, sizeof(config));
    memcpy(&before, &config, sizeof(before)); /* with the padding, which is compared, too */
    if (config_load(path, &config, &where, &found) != -1)
        fail_msg("accepted, though it should be refused with \"%s\"", expected);
    assert_true(complaint_line(&found, 0, line, sizeof(line)));
    assert_memory_equal(line, path, strlen(path));
    assert_string_equal(line + strlen(path), expected);
    assert_memory_equal(&config, &before, sizeof(config));
}

#endif
