/* SPDX-License-Identifier: MIT */
/*
 * For tests: reads one JSON document, strictly, and prints what a path leads to.
 *
 *      json [NAME | INDEX]...      json routes 0 hosts 0 port < list.json
 *
 * Strings are printed as they are, the length for an array or an object. Exit code 1: no JSON; 2: nothing there.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

static const json_t *step(const json_t *at, const char *word)
{
    return json_is_array(at) ? json_array_get(at, strtoul(word, NULL, 10)) : json_object_get(at, word);
}

static void print(const json_t *value)
{
    if (json_is_string(value))
        puts(json_string_value(value));
    else if (json_is_array(value))
        printf("%zu\n", json_array_size(value));
    else if (json_is_object(value))
        printf("%zu\n", json_object_size(value));
    else
        json_dumpf(value, stdout, JSON_ENCODE_ANY), putchar('\n');
}

int main(int argc, char **argv)
{
    json_error_t error;
    json_t *document = json_loadf(stdin, JSON_REJECT_DUPLICATES, &error);
    if (!document) {
        fprintf(stderr, "json: line %d: %s\n", error.line, error.text);
        return 1;
    }
    const json_t *at = document;
    for (int i = 1; at && i < argc; i++)
        at = step(at, argv[i]);
    if (at)
        print(at);
    json_decref(document);
    return at ? 0 : 2;
}
