/* SPDX-License-Identifier: MIT */
/*
 * Generations: the hand-over H1 to H4 of shm/PROTOCOL.md, fetchers that may die between any two stores, the next ones
 * that adopt what the name leads to, and the threads of a process that share a mapping (reader/mapping.c).
 *
 * publish.pml shows that a lookup gets one whole table of a generation, so a table is one word here: its number, in
 * the order of the publishes. One route is enough: they are copied and published one by one. A fetcher that grows goes on
 * to publish while it copies, and copies once more what it has published; one that adopts does not publish yet.
 *
 * The readers begin when all is stored. They miss nothing by that: a load may return what was stored at any moment
 * before, as long as the reader does not know better.
 */
#ifndef GENERATIONS
#define GENERATIONS 4
#endif
#ifndef PUBLISHES
#define PUBLISHES 2
#endif

#define NAME                   0 /* the generation that the name leads to: 0 when all begins */
#define SUPERSEDED(generation) (1 + (generation))
#define TABLE(generation)      (1 + GENERATIONS + (generation))

mtype = {name_of, superseded_of, table_of};
#define FIELD(location)                                                                                      \
    ((location) == NAME -> name_of : ((location) <= GENERATIONS -> superseded_of : table_of))
#define INDEX(location) ((location) == NAME -> 0 : ((location) - 1) % GENERATIONS)

#define LOCATIONS (1 + 2 * GENERATIONS)
#define STORES    (4 * (GENERATIONS - 1) + 2 * PUBLISHES + 1)
#include "memory.pml"

#define NO   0
#define SOON 1
#define YES  2

/* What the guarantees speak of. */
byte done_stores[PUBLISHES + 1]; /* of a table: stores before its publish was done; 0: it never was */
byte done_life[PUBLISHES + 1];   /* the fetcher that published it: 1, 2, ... */
byte replaced_in[GENERATIONS];   /* the fetcher that took the name from a generation; 0: none */
bool over;                       /* the last fetcher is dead, or will do nothing any more */
hidden byte G3, G5;

#define may_die                                                                                              \
    if                                                                                                       \
    :: skip                                                                                                  \
    :: goto died                                                                                             \
    fi

/* The newest store to a location: for those who know them all. */
inline latest(location, result)
{
    d_step {
        at = stored;
        do
        :: at > 0 && where[at] != location -> at--
        :: else -> break
        od;
        result = value[at]
    }
}

inline publish()
{
    tables++;
    store_release(TABLE(mine), tables);
    may_die;
    d_step {
        done_stores[tables] = stored;
        done_life[tables] = life;
        printf("fetcher  table %d is done in generation %d\n", tables, mine)
    }
}

active proctype fetcher()
{
    byte life = 1;
    byte mine; /* the generation it publishes in */
    byte made; /* the last one that was made, named or not */
    byte table, tables;
    bool adopts;

serve:
    if
    :: tables < PUBLISHES -> publish(); goto serve
    :: made + 1 < GENERATIONS -> goto renew
    :: goto died
    fi;

renew:
    made++;
#ifndef NAMED_EARLY
copy:
    latest(TABLE(mine), table);
    store_relaxed(TABLE(made), table);
    may_die;
    if
    :: !adopts && tables < PUBLISHES ->
        publish();
#ifndef COPIED_ONCE
        goto copy
#endif
    :: skip
    fi;
#endif
#ifndef ONE_STEP
    store_release(SUPERSEDED(mine), SOON); /* H1 */
    may_die;
#endif
    atomic {
        store_release(NAME, made); /* H3 */
        replaced_in[mine] = life;
        printf("fetcher  the name leads to generation %d, no longer to %d\n", made, mine)
    }
    may_die;
#ifdef NAMED_EARLY
    latest(TABLE(mine), table);
    store_relaxed(TABLE(made), table);
    may_die;
#endif
#ifndef NEVER_YES
    store_release(SUPERSEDED(mine), YES); /* H4 */
#endif
    mine = made;
    adopts = false;
    goto serve;

died:
    if
    :: made + 1 < GENERATIONS ->
        life++;
        adopts = true;
        latest(NAME, mine);
        printf("fetcher  dies; another one adopts generation %d\n", mine);
        goto renew
    :: over = true
    fi
}

/* The pointer of the process to its mapping: all exchanges, and what the thread knew that made each. */
byte mapped[GENERATIONS], mapper_knew[GENERATIONS];
byte exchanges;

inline load_current()
{
    do
    :: exchange < exchanges -> exchange++
    :: break
    od;
    generation = mapped[exchange];
    learn(mapper_knew[exchange])
}

/* Reads the newest, as a compare-exchange does. */
inline exchange_current()
{
    atomic {
        if
        :: mapped[exchanges] == generation ->
            exchanges++;
            mapped[exchanges] = name;
            mapper_knew[exchanges] = me.known;
            printf("thread %d moves its process from generation %d to %d\n", _pid, generation, name)
        :: else
        fi;
        exchange = exchanges;
        learn(mapper_knew[exchange]);
        generation = 0;
        name = 0
    }
}

/* Other threads of the process: each moves the mapping, at any moment, and may be stopped just before it does. */
active proctype neighbours()
{
    view me;
    byte exchange, generation, name;

    over;
    do
    :: atomic {
            exchange = exchanges; /* one that begins with less will exchange nothing */
            load_current();
            load_acquire(NAME, name);
            if
            :: name == generation -> break
            :: else
            fi
        }
        atomic {
            exchange_current();
            exchange = 0;
            me.known = 0;
            me.seen[NAME] = 0
        }
    :: break
    od
}

/*
 * A thread that has just looked at the name may stay on an object that is SOON superseded. Not if it knows of a
 * publish by a later fetcher than the one that took the name away: that one needed longer than 10 ms to get there.
 */
#ifdef INSTANT_RESTART
#define may_stay (!last)
#else
#define may_stay (!last && (replaced_in[generation] == 0 || done_by <= replaced_in[generation]))
#endif

active proctype reader()
{
    view me;
    byte need, done_by, exchange, generation, superseded, name, table;
    bool last;

    atomic {
        over;
        /* Its caller knows of some publish that is done, or of none; or all has come to rest when the lookup starts. */
        if
        :: last = true;
            need = PUBLISHES;
            learn(stored)
        :: do
            :: need < PUBLISHES -> need++
            :: break
            od
        fi;
        do
        :: need > 0 && done_stores[need] == 0 -> need--
        :: else -> break
        od;
        learn(done_stores[need]);
        done_by = done_life[need];
        printf("thread 2 looks up, knowing %d stores; table %d is done\n", me.known, need);

enter:
        load_current();
        load_acquire(SUPERSEDED(generation), superseded);
        if
        :: superseded == NO -> goto read
        :: superseded == SOON && may_stay -> goto stay
        :: superseded != NO
        fi;

        load_current();
        load_acquire(NAME, name);
        if
        :: name == generation -> goto stay
        :: else
        fi
    }
    exchange_current();
#ifndef ONE_LOOK
    goto enter;
#endif

stay:
    atomic {
        load_current();
read:
        load_acquire(TABLE(generation), table);
        latest(NAME, name);
        G3 = (table >= need);
        G5 = (!last || (generation == name && table >= need));
        printf("thread 2 finds table %d in generation %d\n", table, generation);
        assert(G3);
        assert(G5)
    }
}
