/* SPDX-License-Identifier: MIT */
/* Which sanitizer watches this build, for both compilers: gcc defines macros, clang has features. */
#ifndef TESTS_SUPPORT_SANITIZER_H
#define TESTS_SUPPORT_SANITIZER_H

#ifndef __has_feature
#define __has_feature(feature) 0
#endif

#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
#define SANITIZED_ADDRESSES 1
#else
#define SANITIZED_ADDRESSES 0
#endif

#if defined(__SANITIZE_THREAD__) || __has_feature(thread_sanitizer)
#define SANITIZED_THREADS 1
#else
#define SANITIZED_THREADS 0
#endif

#define SANITIZED (SANITIZED_ADDRESSES || SANITIZED_THREADS)

#endif
