/* SPDX-License-Identifier: MIT */
/*
 * The table of every section and key. Parsing, defaults, ranges, error texts and suggestions come from here, and
 * tests hold larshm.conf and the man page against it.
 */
#ifndef CONF_KEYS_H
#define CONF_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum key_type {
    KEY_INTEGER, /* uint32_t */
    KEY_PORT,    /* uint16_t */
    KEY_SIZE,    /* uint64_t, in bytes */
    KEY_REAL,    /* double */
    KEY_HOST,    /* char[CONFIG_HOST_SIZE] */
    KEY_SERVERS, /* struct config_servers */
    KEY_GROUP,   /* char[CONFIG_GROUP_SIZE] */
    KEY_LEVEL,   /* uint32_t, an enum log_level */
    KEY_RULES,   /* uint32_t, an enum config_rules */
    KEY_PATH,    /* char[CONFIG_PATH_SIZE] */
    KEY_ADDRESS, /* uint32_t, an IPv4 address in host order; 0: none */
};

struct key {
    const char *section, *name;
    enum key_type type;
    size_t offset, size; /* of the field in struct config */
    uint64_t min, max;   /* of numbers; a KEY_HOST with min 0 may be empty */
    const char *initial; /* the default, as written in the file */
    const char *unit;    /* "": none */
    bool reloadable;     /* may change while the fetcher runs */
    const char *description;
};

enum {
    KEY_COUNT = 51,
};

/* In the order of larshm.conf: the keys of a section stand together. */
extern const struct key keys[KEY_COUNT];

/* The section's name as the table has it, or NULL. `name` has `length` bytes; case does not matter. */
const char *keys_section(const char *name, size_t length);

/* The key of that name in `section`, or in any section when that is NULL; or NULL. Case does not matter. */
const struct key *keys_find(const char *section, const char *name, size_t length);

/* Fills `names` with every section's name; returns how many there are. */
size_t keys_sections(const char *names[static KEY_COUNT]);

/* Fills `names` with the names of the keys in `section`; returns how many there are. */
size_t keys_names(const char *section, const char *names[static KEY_COUNT]);

#endif
