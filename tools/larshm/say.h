/* SPDX-License-Identifier: MIT */
/* What goes to stderr, and the exit code that goes with it. */
#ifndef TOOLS_LARSHM_SAY_H
#define TOOLS_LARSHM_SAY_H

enum {
    EXIT_USAGE = 1,      /* or the system failed */
    EXIT_NO_ROUTE = 2,   /* no such route, or not cached yet */
    EXIT_NO_OBJECT = 3,  /* no routes object, or no fetcher that is alive */
    EXIT_STALE = 4,      /* served, but expired and not being refreshed */
    EXIT_DAMAGED = 5,    /* layout or integrity */
    EXIT_PERMISSION = 6, /* permission or ownership */
    EXIT_OVERLOADED = 7, /* no host was given: all of the route are overloaded */
    EXIT_CUT_OFF = 8,    /* the fetcher is not connected to the directory */
    EXIT_AT_LIMIT = 9,   /* a limit keeps new routes out */
    EXIT_TIMED_OUT = 124,
};

/* For the --help of every command. */
#define EXIT_CODES_DOC                                                                                             \
    "Exit codes: 0 done; 1 wrong usage or a failure of the system; 2 no such route; 3 no routes object, or no "    \
    "fetcher; 4 served, but expired and not being refreshed; 5 another layout, or damage; 6 no permission, or an " \
    "owner who is not trusted; 7 no host, all are overloaded; 8 not connected to the directory; 9 a limit is "     \
    "reached; 124 timed out."

/* Prints one line on stderr, behind the program's name. */
__attribute__((format(printf, 1, 2))) void say(const char *format, ...);

/* Says that some tables were left out for being damaged, if there are any. Returns the exit code. */
int say_damaged(const char *instance, unsigned long damaged);

int say_no_memory(void);

#endif
