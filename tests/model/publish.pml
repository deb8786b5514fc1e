/* SPDX-License-Identifier: MIT */
/*
 * Publish, recycle and read within one generation: W0 to W6 and R0 to R7 of shm/PROTOCOL.md, with blocks recycled at
 * once, by an allocator that may give any free block. Two routes, three blocks, two words of hosts per table.
 *
 * One lookup by one reader stands for all: readers write nothing, so they do not disturb each other, and whatever an
 * earlier lookup has taught a reader only forbids loads that this one, knowing nothing, may do.
 *
 * The reader begins when all is stored, whenever its lookup starts: a load may return what was stored at any moment
 * before, as long as the reader does not know better.
 *
 * The fetcher that dies is here as well. The next fetcher reads with the readers' code what the dead one stored: it is
 * the reader that knows every store up to the one after which the fetcher died.
 */
#ifndef PUBLISHES
#define PUBLISHES 5
#endif
#define KEYS   2
#define BLOCKS 3
#define KEY_A  1
#define KEY_B  2

#define SLOT_KEY(place)  (place)
#define SLOT_REF(place)  (KEYS + (place))
#define STAMP(block)     (2 * KEYS + 5 * (block))
#define BLOCK_KEY(block) (STAMP(block) + 1)
#define WORD_0(block)    (STAMP(block) + 2)
#define WORD_1(block)    (STAMP(block) + 3)
#define REPLACED(block)  (STAMP(block) + 4)

mtype = {slot_key, slot_ref, stamp, block_key, word_0, word_1, replaced};
#define BLOCK_FIELD(field)                                                                                   \
    ((field) == 0 -> stamp                                                                                   \
                  : ((field) == 1 -> block_key : ((field) == 2 -> word_0 : ((field) == 3 -> word_1 : replaced))))
#define FIELD(location)                                                                                      \
    ((location) < KEYS -> slot_key : ((location) < 2 * KEYS -> slot_ref : BLOCK_FIELD(((location) - 2 * KEYS) % 5)))
#define INDEX(location) ((location) < 2 * KEYS -> (location) % KEYS : ((location) - 2 * KEYS) / 5)

#define LOCATIONS (2 * KEYS + 5 * BLOCKS)
#define STORES    (8 * PUBLISHES + KEYS + 1)
#include "memory.pml"

#define REF(version, block) (BLOCKS * (version) + (block))
#define REF_BLOCK(ref)      ((ref) % BLOCKS)

/* What the guarantees speak of. Tables are numbered in the order of their publishes; their words are their numbers. */
byte owner[PUBLISHES + 1];       /* the key that a table was published for */
byte done_stores[PUBLISHES + 1]; /* of a table: stores before its publish was done */
bool over;                       /* all is stored */
hidden byte G2, G3, CORRUPT;     /* the last is a status that no lookup may end with here */

active proctype fetcher()
{
    byte table, key, block, ref;
    byte slots;              /* in use */
    byte blocks;             /* that were ever taken */
    byte slot[KEYS + 1];     /* of a key, counted from 1; 0: none yet */
    byte holds[KEYS + 1];    /* block of a key's last table */
    byte versions[KEYS + 1]; /* drawn for a key; [0]: for the generation */
    bool used[BLOCKS];

    do
    :: table < PUBLISHES ->
        atomic {
            table++;
            if
            :: key = KEY_A
            :: slots -> key = KEY_B /* the first key may as well be called A, blocks 0, 1, 2 as they are first taken */
            fi;
            if
            :: !used[0] -> block = 0
            :: blocks > 0 && !used[1] -> block = 1
            :: blocks > 1 && !used[2] -> block = 2
            fi;
            blocks = (block < blocks -> blocks : block + 1);
            owner[table] = key;
            used[block] = true;
#ifdef VERSIONS_PER_SLOT
            versions[key]++;
            ref = REF(versions[key], block);
#else
            versions[0]++;
            ref = REF(versions[0], block);
#endif
            printf("fetcher  table %d for key %d goes into block %d, ref %d\n", table, key, block, ref)
        }

#ifndef NO_MARK
        if
        :: slot[key] -> store_relaxed(REPLACED(holds[key]), 1) /* W0 */
        :: else
        fi;
#endif
#ifdef RELAXED_ZERO
        store_relaxed(STAMP(block), 0);
#else
        store_release(STAMP(block), 0); /* W1 */
#endif
#ifndef NO_RELEASE_FENCE
        fence_release(); /* W2 */
#endif
        store_relaxed(BLOCK_KEY(block), key); /* W3 */
        store_relaxed(WORD_0(block), table);
        store_relaxed(WORD_1(block), table);
        store_relaxed(REPLACED(block), 0);
#ifndef REF_BEFORE_STAMP
        store_release(STAMP(block), ref); /* W4 */
#endif
        if
        :: slot[key] ->
            store_release(SLOT_REF(slot[key] - 1), ref); /* W5 */
            used[holds[key]] = false                     /* W6 */
        :: else ->
            slots++;
            slot[key] = slots;
#ifdef KEY_BEFORE_REF
            store_release(SLOT_KEY(slots - 1), key);
            store_release(SLOT_REF(slots - 1), ref)
#else
            store_release(SLOT_REF(slots - 1), ref);
            store_release(SLOT_KEY(slots - 1), key)
#endif
        fi;
#ifdef REF_BEFORE_STAMP
        store_release(STAMP(block), ref);
#endif
        d_step {
            holds[key] = block;
            done_stores[table] = stored;
            printf("fetcher  table %d is done\n", table)
        }
    :: break
    od;
    over = true
}

active proctype reader()
{
    view me;
    byte key, start, need, place, ref, newer, block, found, one, other;
    bool fast, remembers, accepted, missing, corrupt;

    /*
     * The lookup starts: its caller knows nothing, or of a publish that is done and all before it, or is the next
     * fetcher. All of them know the first so many stores.
     */
    atomic {
        over;
        if
        :: key = KEY_A
        :: key = KEY_B
        fi;
        do
        :: start < stored -> start++
        :: break
        od;
        learn(start);
        need = PUBLISHES;
        do
        :: need > 0 && (owner[need] != key || done_stores[need] > start) -> need--
        :: else -> break
        od;
        start = 0;
        printf("thread 1 looks key %d up, knowing %d stores; table %d is done\n", key, me.known, need)
    }

    /*
     * The fast path guesses the ref of any slot, whatever key that has, and goes through R2 to R6 once. A route that remembers
     * has any ref that any table had.
     */
    if
    :: fast = true;
        remembers = true;
        block = 0;
        do
        :: block + 1 < BLOCKS -> block++
        :: break
        od;
        ref = 1;
        do
        :: ref < PUBLISHES -> ref++
        :: break
        od;
        ref = REF(ref, block);
        goto again
    :: fast = true;
        if
        :: load_relaxed(SLOT_REF(0), ref)
        :: load_relaxed(SLOT_REF(1), ref);
            place = 1
        fi;
        if
        :: ref -> goto again
        :: else ->
            fast = false;
            place = 0
        fi
    :: skip
    fi;

probe:
    load_acquire(SLOT_KEY(place), found); /* R0 */
    if
    :: found == key -> skip
    :: found != key && found != 0 && place + 1 < KEYS ->
        place++;
        goto probe
    :: else ->
        missing = true;
        goto judge
    fi;

slow:
    load_acquire(SLOT_REF(place), ref); /* R1 */
again:
    if
    :: ref == 0 ->
        corrupt = true;
        goto judge
    :: else -> block = REF_BLOCK(ref)
    fi;
    load_acquire(STAMP(block), found); /* R2 */
    if
    :: found != ref -> goto failed
    :: else
    fi;
    load_relaxed(BLOCK_KEY(block), found); /* R3 */
    if
    :: found != key -> goto failed
    :: else -> accepted = true
    fi;
    load_relaxed(WORD_0(block), one); /* R4 */
    load_relaxed(WORD_1(block), other);
    if
    :: remembers ->
        load_relaxed(REPLACED(block), found);
        if
        :: found ->
            accepted = false;
            goto failed
        :: else
        fi
    :: else
    fi;
#ifndef NO_ACQUIRE_FENCE
    fence_acquire(); /* R5 */
#endif
#ifndef NO_RECHECK
    load_acquire(STAMP(block), found); /* R6 */
    if
    :: found != ref ->
        accepted = false;
        if
        :: fast ->
            fast = false;
            remembers = false;
            place = 0;
            goto probe
        :: else -> goto slow
        fi
    :: else
    fi;
#endif
    goto judge;

failed:
    if
    :: fast ->
        fast = false;
        remembers = false;
        place = 0;
        goto probe
    :: else
    fi;
#ifndef NO_RETRY_FENCE
    fence_acquire(); /* R7 */
#endif
    load_acquire(SLOT_REF(place), newer);
    if
    :: newer != ref ->
        ref = newer;
        goto again
    :: else -> corrupt = true
    fi;

judge:
    skip;
    d_step {
        G2 = !accepted || (one == other && owner[one] == key);
        G3 = (missing -> need == 0 : (!accepted || !G2 || one >= need));
        CORRUPT = corrupt;
        printf("thread 1 accepted %d (words %d, %d) missing %d corrupt %d\n", accepted, one, other, missing,
               corrupt)
    }
    atomic {
        assert(G2);
        assert(G3);
        assert(!CORRUPT)
    }
}
