/* SPDX-License-Identifier: MIT */
#include "conf/name.h"

#include <arpa/inet.h>
#include <string.h>

#include "conf/values.h"

#define DIGITS "0123456789"
#define ALNUM  "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ" DIGITS

enum {
    LABEL_MAX = 63,
};

/* Host names have labels of letters, digits, '-' and '_' (which container networks use) between single dots. */
static bool is_label(const char *text, size_t length)
{
    return length >= 1 && length <= LABEL_MAX && strspn(text, ALNUM "-_") == length &&
           strspn(text, ALNUM) > 0;
}

bool name_is_host(const char *text)
{
    if (strlen(text) >= CONFIG_HOST_SIZE)
        return false;
    const char *label = text;
    for (;;) {
        size_t length = strcspn(label, ".");
        if (!is_label(label, length))
            return false;
        if (!label[length])
            break;
        label += length + 1;
    }
    /* No top-level domain is a number: this is an address, or a mistyped one. */
    struct in_addr address;
    return label[strspn(label, DIGITS)] || inet_pton(AF_INET, text, &address) == 1;
}

bool name_is_group(const char *text)
{
    size_t length = strlen(text);
    return length < CONFIG_GROUP_SIZE && strspn(text, ALNUM "_.-") == length && text[0] != '-' &&
           text[0] != '.';
}

bool name_is_socket(const char *text)
{
    size_t length = strlen(text);
    for (size_t i = 0; i < length; i++)
        if (text[i] <= ' ' || text[i] > '~')
            return false;
    return length == 0 || (text[0] == '/' && length < CONFIG_PATH_SIZE);
}
