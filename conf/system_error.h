/* SPDX-License-Identifier: MIT */
/* Errors of the system in words: with the limit that causes them and how to raise it, where there is one. */
#ifndef CONF_SYSTEM_ERROR_H
#define CONF_SYSTEM_ERROR_H

const char *system_error_text(int error);

/* Of pthread_create() or fork(). */
const char *system_error_thread_text(int error);

#endif
