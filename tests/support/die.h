/* SPDX-License-Identifier: MIT */
/* For programs that tests run, in any of their threads. */
#ifndef TESTS_SUPPORT_DIE_H
#define TESTS_SUPPORT_DIE_H

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

__attribute__((noreturn, format(printf, 1, 2))) static inline void die(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    exit(EXIT_FAILURE);
}

#endif
