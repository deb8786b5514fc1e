/* SPDX-License-Identifier: MIT */
/* Decimal numbers in text that people and files give: digits alone, no sign, no space. */
#ifndef CONF_NUMBER_H
#define CONF_NUMBER_H

#include <stdbool.h>
#include <stdint.h>

/* Reads the digits at the start of `text`. Returns what follows them; NULL: there are none, or too many for 64 bits. */
const char *number_scan(const char *text, uint64_t *out);

/* True if all of `text` is a number from `min` to `max`. Otherwise *out is untouched. */
bool number_parse(const char *text, uint32_t min, uint32_t max, uint32_t *out);

/* For counts in a sentence: "s", or nothing for one. */
const char *number_plural(uint64_t count);

#endif
