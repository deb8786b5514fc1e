/* SPDX-License-Identifier: MIT */
#ifndef CONF_START_H
#define CONF_START_H

/*
 * The first thing that every program does. Descriptors 0 to 2 that its parent left closed lead to /dev/null: the next
 * file that is opened would get their numbers, and log lines would be written into it. Reading standard input or writing
 * to standard output fails all the same where it was closed. Whatever the program has printed and stdout does not take
 * makes it say so at its end, and exit with 1. A write beyond RLIMIT_FSIZE is an error, EFBIG, and no signal that ends the
 * program.
 */
void start_prepare(void);

/* The exit status of a program whose output stdout has not taken, in place of 1. */
void start_set_exit_unwritten(int status);

#endif
