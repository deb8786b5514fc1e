/* SPDX-License-Identifier: MIT */
/*
 * Shared memory as weak as C11 allows it to be for one writer at a time.
 *
 * All stores stand in one log, in the order in which the fetcher made them. A reader may load any store to a location
 * that it has no reason to know is outdated, however old, and each location by itself: so stores become visible in
 * any order, and loads are done in any order, unless a release and an acquire forbid it.
 *
 * What a thread knows of other threads' stores is a set, in general. Here it is a number n, "the first n stores": there
 * is one writer, and the next one begins when it has the lock of the last, so each store that carries knowledge
 * carries all that was stored before some moment.
 *
 * The file that includes this one defines LOCATIONS and STORES, the room in the log; and for the story that a
 * counterexample tells FIELD() and INDEX(), what a location is called.
 */
byte where[STORES], value[STORES];
byte carries[STORES]; /* an acquire of this store makes so many stores known */
byte stored;          /* stores so far: 1 .. stored. Store 0 is the zero that each location holds at first. */
byte fenced;          /* stores before the last release fence */

inline store(location, content)
{
    assert(stored + 1 < STORES);
    stored++;
    where[stored] = location;
    value[stored] = content;
    printf("fetcher  store %d: %e %d = %d\n", stored, FIELD(location), INDEX(location), content)
}

/* The store itself can be seen at any time; it says nothing about what was stored since the last release fence. */
inline store_relaxed(location, content)
{
    d_step {
        store(location, content);
        carries[stored] = fenced
    }
}

/* Nothing is made of the release sequences of C11: later relaxed stores to the location carry no more than others. */
inline store_release(location, content)
{
    d_step {
        store(location, content);
        carries[stored] = stored
    }
}

inline fence_release()
{
    fenced = stored
}

typedef view {
    byte known;           /* the first `known` stores: a load cannot return what one of them replaced */
    byte pending;         /* will be known after an acquire fence: relaxed loads have seen as much */
    byte seen[LOCATIONS]; /* the store that this thread loaded last: loads of one location do not go back */
}

/* Every inline below is for a thread with a `view me`. */
hidden byte at; /* the store that was loaded */
hidden byte each;

inline load(location)
{
    at = stored;
    do
    :: at > 0 && where[at] != location -> at--
    :: at > 0 && where[at] == location && at > me.known && at > me.seen[location] -> at--
    :: at == 0 || where[at] == location -> break
    od;
    me.seen[location] = (at > me.known -> at : 0);
    printf("thread %d loads %e %d: %d (store %d of %d)\n", _pid, FIELD(location), INDEX(location), value[at], at,
           stored)
}

/* Forgets what `known` implies, so that views which allow the same are one state. */
inline learn(least)
{
    d_step {
        if
        :: (least) > me.known ->
            me.known = (least);
            me.pending = (me.pending > me.known -> me.pending : 0);
            for (each : 0 .. LOCATIONS - 1) {
                me.seen[each] = (me.seen[each] > me.known -> me.seen[each] : 0)
            }
        :: else
        fi;
        each = 0
    }
}

inline load_acquire(location, result)
{
    atomic {
        load(location);
        result = value[at];
        learn(carries[at])
    }
}

inline load_relaxed(location, result)
{
    atomic {
        load(location);
        result = value[at];
        if
        :: carries[at] > me.known && carries[at] > me.pending -> me.pending = carries[at]
        :: else
        fi
    }
}

inline fence_acquire()
{
    learn(me.pending)
}
