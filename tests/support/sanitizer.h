/* SPDX-License-Identifier: MIT */
/*
 * Sanitizers do not hold their allocators' own locks across fork(). A child of a process with threads may wait for one
 * of them for ever, which says nothing about us. So where they are at work a child that hangs is killed, and not
 * counted.
 */
#ifndef TESTS_SUPPORT_SANITIZER_H
#define TESTS_SUPPORT_SANITIZER_H

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define FORKS_MAY_HANG 1
#else
#define FORKS_MAY_HANG 0
#endif

#endif
