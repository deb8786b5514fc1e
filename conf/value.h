/* SPDX-License-Identifier: MIT */
/*
 * Values as text. Strict, and the same in every locale: plain decimal digits without sign, leading zero, exponent
 * or anything around them, within the key's range.
 */
#ifndef CONF_VALUE_H
#define CONF_VALUE_H

#include <stddef.h>

#include "conf/keys.h"

enum {
    VALUE_SIZE = 4352,        /* holds every value as text */
    VALUE_ALLOWED_SIZE = 128, /* holds every text of value_allowed() */
};

/* Stores `text` in `field`, which has the type that key->type says. Returns 0, or -1 with *field untouched. */
int value_parse(const struct key *key, const char *text, void *field);

/* Of a list that value_parse() refuses: *entry is the one that is wrong, and *fault says what is, as "is named twice".
 * Returns its length, 0 of an empty one. *entry is NULL for what is no list. */
size_t value_wrong_entry(const struct key *key, const char *text, const char **entry, const char **fault);

/* Writes the field's value as value_parse() would read it. */
void value_format(const struct key *key, const void *field, char out[static VALUE_SIZE]);

/* Writes the allowed values of the key: "a whole number from 1 to 65535 (seconds)". */
void value_allowed(const struct key *key, char out[static VALUE_ALLOWED_SIZE]);

#endif
