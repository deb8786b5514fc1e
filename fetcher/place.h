/* SPDX-License-Identifier: MIT */
/* Where the objects are, and who may request routes. */
#ifndef FETCHER_PLACE_H
#define FETCHER_PLACE_H

/* The group `name`, if this fetcher can give it the control object; otherwise "", its own group, and the log says
 * why. "" is its own, too. */
const char *place_group(const char *name);

/* The directory that is configured, or the default one, is that of the objects from now on. It is created where the
 * one above it allows that: clients trust it as a whole. Returns 0, or the
 * process's exit status: the log says why. */
int place_directory(const char *configured);

#endif
