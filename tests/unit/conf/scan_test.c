/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "conf/value.h"
#include "tests/support/scratch_conf.h"

static void expect_text_refused(const char *text, const char *expected)
{
    scratch_write(text, strlen(text));
    scratch_expect_refused(scratch_path, expected);
}

static void empty_file_is_refused(void **state)
{
    (void)state;
    expect_text_refused("", ": is empty: to run on defaults, start without -c");
    expect_text_refused("\xEF\xBB\xBF", ": is empty: to run on defaults, start without -c");
}

static void file_of_comments_gives_the_defaults(void **state)
{
    (void)state;
    struct config config, defaults;
    assert_int_equal(config_load(NULL, &defaults, NULL, NULL), 0);
    static const char text[] = "\n# a comment \\\n   ; another \xff\xfe = [x]\n\t\n[shm]\n;max_bytes = 1\n";
    scratch_write(text, strlen(text));
    scratch_expect_loaded(&config);
    assert_int_equal(config.shm.max_bytes, defaults.shm.max_bytes);
    assert_int_equal(config.fetcher.poll_interval_ms, defaults.fetcher.poll_interval_ms);
}

static void nul_bytes_are_refused_with_their_line(void **state)
{
    (void)state;
    static const char in_comment[] = "[shm]\n# a\0b\n";
    static const char in_value[] = "[shm]\n\ngrace_ms = 5\0000\n";
    static const char utf16[] = "\xff\xfe[\0s\0h\0m\0]\0\n\0";
    scratch_write(in_comment, sizeof(in_comment) - 1);
    scratch_expect_refused(scratch_path, ":2: a NUL byte: the file must be plain text");
    scratch_write(in_value, sizeof(in_value) - 1);
    scratch_expect_refused(scratch_path, ":3: a NUL byte: the file must be plain text");
    scratch_write(utf16, sizeof(utf16) - 1);
    scratch_expect_refused(scratch_path, ":1: a NUL byte: the file must be plain text");
}

static void garbage_is_refused_with_its_line(void **state)
{
    (void)state;
    expect_text_refused("\x7f"
                        "ELF\x02\x01\xff\n",
                        ":1: \"?ELF???\" is no [section], key = value or # comment");
    expect_text_refused("[shm]\ngrace_ms\n", ":2: \"grace_ms\" is no [section], key = value or # comment");
    expect_text_refused("[shm]\ngrace_ms: 5\n",
                        ":2: \"grace_ms: 5\" is no [section], key = value or # comment");
    expect_text_refused(
        "[shm]\n=\n", ":2: unknown key \"\" in [shm]: known are directory, max_bytes, grace_ms, max_unknown, "
                      "group");
    expect_text_refused("[shm\n", ":1: a section must be written as [name] on a line of its own");
    expect_text_refused("[shm] x\n", ":1: a section must be written as [name] on a line of its own");
    expect_text_refused("[shm] grace_ms = 1\n",
                        ":1: a section must be written as [name] on a line of its own");
}

static void longest_line_keeps_its_value(void **state)
{
    (void)state;
    char text[1100];
    int length = snprintf(text, sizeof(text), "[shm]\ngrace_ms%*s", 1000 - (int)strlen("grace_ms"), "= 777");
    struct config config;
    scratch_write(text, (size_t)length);
    scratch_expect_loaded(&config);
    assert_int_equal(config.shm.grace_ms, 777);
}

static void windows_line_ends_and_byte_order_mark_load(void **state)
{
    (void)state;
    static const char text[] =
        "\xEF\xBB\xBF[dnsserver]\r\nip = dns.example\r\n\r\n# c\r\n[shm]\r\ngroup =\r\n"
        "max_bytes = 2M";
    struct config config;
    scratch_write(text, strlen(text));
    scratch_expect_loaded(&config);
    assert_string_equal(config.dnsserver.ip, "dns.example");
    assert_string_equal(config.shm.group, "");
    assert_int_equal(config.shm.max_bytes, 2 << 20);
    expect_text_refused("# old\r[shm]\rgrace_ms = 5\r",
                        ":1: a carriage return inside the line: lines must end in LF or CRLF");
    expect_text_refused("[shm]\n\xEF\xBB\xBFgrace_ms = 5\n",
                        ":2: unknown key \"???grace_ms\" in [shm]: did you mean grace_ms?");
}

enum {
    ROUNDS = 1000,
    ROOM = 2048,
};

static uint32_t random_state = 20240229;

static uint32_t random_below(uint32_t limit)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 17;
    random_state ^= random_state << 5;
    return random_state % limit;
}

/* Whatever the file holds: it loads with every value in range, or is refused by name with nothing changed. */
static void load_noise(const char *bytes, size_t size, size_t *loaded)
{
    static struct complaints found;
    char line[COMPLAINT_SIZE + 128];
    struct scan where;
    struct config config, before;
    memset(&config, 0x5a, sizeof(config));
    memcpy(&before, &config, sizeof(before)); /* with the padding, which is compared, too */
    scratch_write(bytes, size);
    if (config_load(scratch_path, &config, &where, &found) != 0) {
        assert_memory_equal(&config, &before, sizeof(config));
        assert_true(found.count > 0);
        for (size_t i = 0; complaint_line(&found, i, line, sizeof(line)); i++) {
            assert_memory_equal(line, scratch_path, strlen(scratch_path));
            for (const char *c = line; *c; c++)
                assert_true(*c >= ' ' && *c <= '~');
        }
        return;
    }
    ++*loaded;
    for (size_t i = 0; i < KEY_COUNT; i++) {
        char text[VALUE_SIZE];
        union {
            uint64_t number;
            double real;
            char text[CONFIG_HOST_SIZE];
            struct config_servers servers;
        } field;
        value_format(&keys[i], (const char *)&config + keys[i].offset, text);
        assert_int_equal(value_parse(&keys[i], text, &field), 0);
    }
}

static size_t random_bytes(char *out)
{
    size_t size = random_below(300);
    for (size_t i = 0; i < size; i++)
        out[i] = (char)random_below(256);
    return size;
}

static size_t random_syntax(char *out)
{
    static const char *const pieces[] = {
        "[",
        "]",
        "=",
        "\n",
        "\n",
        "\r\n",
        "#",
        ";",
        "\"",
        "'",
        "\\",
        "\\\n",
        " ",
        "\t",
        "shm",
        "[shm]",
        "[shm]\n",
        "grace_ms",
        "group",
        "5",
        "0",
        "99999999999",
        "ip",
        "0.5",
        "K",
        "fetcher",
        ":",
        "%s",
        "\xff",
        "\v",
        "[dnsserver]\nip = a\n",
    };
    size_t size = 0;
    for (uint32_t n = random_below(40); n; n--) {
        const char *piece = pieces[random_below(sizeof(pieces) / sizeof(*pieces))];
        size_t length = strlen(piece);
        memcpy(out + size, piece, length);
        size += length;
    }
    return size;
}

static size_t damaged_file(char *out)
{
    static const char good[] =
        "[dnsserver]\nip = dns.example # c\nport = 7778\n[loadbalance]\nerr_rate = 0.25\n"
        "[fetcher]\nlog_level = \"debug\"\n[shm]\nmax_bytes = 64M\ngroup = ''\n";
    size_t size = sizeof(good) - 1;
    memcpy(out, good, size);
    for (uint32_t n = random_below(4); n; n--) {
        size_t at = random_below((uint32_t)size);
        switch (random_below(3)) {
        case 0:
            out[at] = (char)random_below(256);
            break;
        case 1:
            memmove(out + at, out + at + 1, --size - at);
            break;
        default:
            memmove(out + at + 1, out + at, size++ - at);
            break;
        }
    }
    return size;
}

static void noise_is_refused_by_name_or_loads_in_range(void **state)
{
    (void)state;
    static size_t (*const makers[])(char *) = {random_bytes, random_syntax, damaged_file};
    for (size_t m = 0; m < sizeof(makers) / sizeof(*makers); m++) {
        size_t loaded = 0;
        for (int i = 0; i < ROUNDS; i++) {
            char bytes[ROOM];
            load_noise(bytes, makers[m](bytes), &loaded);
        }
        assert_true(loaded < ROUNDS);
        assert_true(makers[m] != damaged_file || loaded > 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(empty_file_is_refused),
        cmocka_unit_test(file_of_comments_gives_the_defaults),
        cmocka_unit_test(nul_bytes_are_refused_with_their_line),
        cmocka_unit_test(garbage_is_refused_with_its_line),
        cmocka_unit_test(longest_line_keeps_its_value),
        cmocka_unit_test(windows_line_ends_and_byte_order_mark_load),
        cmocka_unit_test(noise_is_refused_by_name_or_loads_in_range),
    };
    return cmocka_run_group_tests_name("unit/conf/scan", tests, scratch_setup, scratch_teardown);
}
