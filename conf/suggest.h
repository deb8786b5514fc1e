/* SPDX-License-Identifier: MIT */
#ifndef CONF_SUGGEST_H
#define CONF_SUGGEST_H

#include <stddef.h>

/*
 * Writes a suggestion for `word`, which is none of the `count` names: "did you mean x?", or "known are x, y, z" if none
 * is similar.
 */
void suggest(const char *word, size_t length, const char *const *names, size_t count, char *out, size_t size);

#endif
