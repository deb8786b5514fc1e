/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <ctype.h>

#include "conf/value.h"
#include "tests/support/scratch_conf.h"

/* Reads a file of the source tree, which $SOURCE names. */
static char *read_source(const char *name)
{
    enum {
        ROOM = 1 << 16,
    };
    char path[4096];
    const char *source = getenv("SOURCE");
    if (!source)
        fail_msg("set SOURCE to the directory of the sources, or run this test with ctest");
    snprintf(path, sizeof(path), "%s/%s", source, name);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    char *text = calloc(1, ROOM);
    assert_non_null(text);
    size_t size = fread(text, 1, ROOM, file);
    fclose(file);
    assert_in_range(size, 1, ROOM - 1);
    return text;
}

/* Finds `text` behind *at and moves *at to its end. */
static void expect_next(const char **at, const char *text)
{
    const char *found = strstr(*at, text);
    if (!found)
        fail_msg("missing, or not in the order of the table: %s", text);
    *at = found + strlen(text);
}

static void expect_documented(const char *text, const char *section_format,
                              const char *(*entry)(const struct key *))
{
    const char *at = text, *section = "";
    for (size_t i = 0; i < KEY_COUNT; i++) {
        if (strcmp(section, keys[i].section) != 0) {
            char heading[64];
            section = keys[i].section;
            snprintf(heading, sizeof(heading), section_format, section);
            expect_next(&at, heading);
        }
        expect_next(&at, entry(&keys[i]));
    }
}

static const char *sample_entry(const struct key *key)
{
    static char entry[1024];
    char allowed[VALUE_ALLOWED_SIZE];
    value_allowed(key, allowed);
    allowed[0] = (char)toupper(allowed[0]);
    snprintf(entry, sizeof(entry), "\n# %s\n# %s%s.\n#%s =%s%s\n", key->description, allowed,
             key->reloadable ? "" : "; a change needs a restart", key->name, *key->initial ? " " : "",
             key->initial);
    return entry;
}

static const char *manual_entry(const struct key *key)
{
    static char entry[1024];
    char allowed[VALUE_ALLOWED_SIZE];
    value_allowed(key, allowed);
    snprintf(entry, sizeof(entry), "\n*%s* =%s%s\n\t%s\n\tAllowed is %s.%s\n", key->name,
             *key->initial ? " " : "", key->initial, key->description, allowed,
             key->reloadable ? "" : " A change needs a restart.");
    return entry;
}

static void expect_defaults(const char *text)
{
    struct config config, defaults;
    scratch_write(text, strlen(text));
    scratch_expect_loaded(&config);
    assert_int_equal(config_load(NULL, &defaults, NULL, NULL), 0);
    for (size_t i = 0; i < KEY_COUNT; i++)
        assert_memory_equal((char *)&config + keys[i].offset, (char *)&defaults + keys[i].offset,
                            keys[i].size);
}

static void sample_lists_every_key_with_default_and_range(void **state)
{
    (void)state;
    char *text = read_source("conf/larshm.conf");
    expect_documented(text, "\n[%s]", sample_entry);
    free(text);
}

static void sample_gives_the_defaults_as_it_is_and_uncommented(void **state)
{
    (void)state;
    char *text = read_source("conf/larshm.conf");
    expect_defaults(text);
    size_t uncommented = 0;
    for (char *line = text; (line = strstr(line, "\n#")); line++)
        if (isalpha(line[2])) {
            line[1] = ' ';
            uncommented++;
        }
    assert_int_equal(uncommented, KEY_COUNT);
    expect_defaults(text);
    free(text);
}

static void manual_lists_every_key_with_default_and_range(void **state)
{
    (void)state;
    char *text = read_source("conf/larshm.conf.5.scd");
    expect_documented(text, "\n## [%s]\n", manual_entry);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sample_lists_every_key_with_default_and_range),
        cmocka_unit_test(sample_gives_the_defaults_as_it_is_and_uncommented),
        cmocka_unit_test(manual_lists_every_key_with_default_and_range),
    };
    return cmocka_run_group_tests_name("integration/sample_conf", tests, scratch_setup, scratch_teardown);
}
