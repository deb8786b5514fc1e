/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "conf/value.h"
#include "tests/unit/conf/scratch.h"

enum {
    ROUNDS = 4000,
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
    char error[CONFIG_ERROR_SIZE] = "";
    struct config config, before;
    memset(&config, 0x5a, sizeof(config));
    memcpy(&before, &config, sizeof(before)); /* with the padding, which is compared, too */
    scratch_write(bytes, size);
    if (config_load(scratch_path, &config, error, sizeof(error)) != 0) {
        assert_memory_equal(error, scratch_path, strlen(scratch_path));
        assert_memory_equal(&config, &before, sizeof(config));
        for (const char *c = error; *c; c++)
            assert_true(*c >= ' ' && *c <= '~');
        return;
    }
    ++*loaded;
    for (size_t i = 0; i < KEY_COUNT; i++) {
        char text[VALUE_SIZE];
        union {
            uint64_t number;
            double real;
            char text[CONFIG_HOST_SIZE];
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
        cmocka_unit_test(noise_is_refused_by_name_or_loads_in_range),
    };
    return cmocka_run_group_tests_name("conf/noise", tests, scratch_setup, scratch_teardown);
}
