/* SPDX-License-Identifier: MIT */
/*
 * Whatever the directory sends, an answer that decodes is a set of hosts to which one can connect: sorted, each once,
 * no more than a table holds. And a request for any route is a frame that names this route.
 */
#include <arpa/inet.h>
#include <string.h>

#include "fetcher/decode.h"
#include "tests/fuzz/fuzz.h"
#include "tests/support/keys.h"

static struct answer answer;

static uint64_t order(const struct host_addr *host)
{
    return (uint64_t)ntohl(host->address) << 16 | ntohs(host->port);
}

static void check_answer(const uint8_t *data, size_t size)
{
    memset(&answer, 0xa5, sizeof(answer));
    if (decode_answer(data, size, &answer) != 0)
        return;
    DEMAND(answer.count <= HOSTS_MAX);
    DEMAND(answer.count > 0 || answer.unusable == 0);
    for (uint32_t i = 0; i < answer.count; i++) {
        const struct host_addr *host = &answer.hosts[i];
        DEMAND(host->address != htonl(INADDR_ANY) && host->address != htonl(INADDR_BROADCAST));
        DEMAND(host->port != 0);
        DEMAND(i == 0 || order(host - 1) < order(host));
    }
}

/* A request has the fields of an answer without hosts, so that the decoder can read the key back. */
static void check_request(struct route_key key)
{
    uint8_t bytes[REQUEST_MAX];
    struct frame frame;
    size_t used, size = encode_request(key, 0, bytes);
    DEMAND(size <= sizeof(bytes));
    DEMAND(frame_parse(bytes, size, &frame, &used) == FRAME_OK && used == size);
    DEMAND(frame.id == MESSAGE_GET_ROUTE_REQUEST);
    DEMAND(decode_answer(frame.body, frame.length, &answer) == 0);
    DEMAND(route_key_equal(answer.key, key) && answer.count == 0 && answer.unusable == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = {data, size};
    check_answer(data, size);
    check_request(numbered_key(input_number(&input, 8)));
    return 0;
}
