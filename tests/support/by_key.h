/* SPDX-License-Identifier: MIT */
/* The writer's calls for a test that names routes by key: each finds its route first. */
#ifndef TESTS_SUPPORT_BY_KEY_H
#define TESTS_SUPPORT_BY_KEY_H

#include "shm/writer/writer.h"

static inline enum shm_status put_by_key(struct writer *writer, struct route_key key,
                                         const struct host_addr *hosts, uint32_t count,
                                         const uint64_t *states, uint32_t ttl_s, uint64_t now)
{
    struct route_ref route = writer_find(writer, key);
    bool changed;
    return writer_put(writer, &route, hosts, count, states, ttl_s, now, &changed);
}

static inline enum route_state state_by_key(const struct writer *writer, struct route_key key)
{
    const struct route_ref route = writer_find(writer, key);
    return route_ref_state(&route);
}

static inline void set_pulling_by_key(struct writer *writer, struct route_key key)
{
    const struct route_ref route = writer_find(writer, key);
    writer_set_pulling(writer, &route);
}

static inline void set_new_by_key(struct writer *writer, struct route_key key)
{
    const struct route_ref route = writer_find(writer, key);
    writer_set_new(writer, &route);
}

static inline void set_held_by_key(struct writer *writer, struct route_key key, uint16_t mark)
{
    const struct route_ref route = writer_find(writer, key);
    writer_set_held(writer, &route, mark);
}

static inline bool held_by_key(const struct writer *writer, struct route_key key)
{
    const struct route_ref route = writer_find(writer, key);
    return route_ref_is_held(&route);
}

static inline void set_rotation_by_key(struct writer *writer, struct route_key key, uint32_t at, bool ejected,
                                       bool drained)
{
    const struct route_ref route = writer_find(writer, key);
    writer_set_share(writer, &route, at, !ejected ? SHARE_FULL : drained ? SHARE_DRAINED : SHARE_EJECTED);
}

static inline bool any_limited_by_key(const struct writer *writer, struct route_key key)
{
    const struct route_ref route = writer_find(writer, key);
    return route_ref_any_limited(&route);
}

#endif
