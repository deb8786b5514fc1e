/* SPDX-License-Identifier: MIT */
#include "tools/dns/maria_batch.h"

#include <stdlib.h>
#include <time.h>

enum {
    REST_SHARE = 1, /* so many times what the statement took */
};

uint64_t batch_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

void batch_rest(const struct maria *maria, uint64_t begun)
{
    if (!maria->cluster)
        return;
    uint64_t ns = (batch_now() - begun) * REST_SHARE;
    nanosleep(&(struct timespec){.tv_sec = (time_t)(ns / 1000000000), .tv_nsec = (long)(ns % 1000000000)},
              NULL);
}

static int run(struct batch *batch)
{
    uint64_t begun = batch_now();
    if (maria_run_text(batch->maria, batch->text, batch->size) < 0)
        return -1;
    if (batch->rests)
        batch_rest(batch->maria, begun);
    return 0;
}

void batch_end(struct batch *batch)
{
    if (!batch->out)
        return;
    fputs(batch->tail, batch->out);
    if (fclose(batch->out) != 0)
        batch->rc = maria_fail(batch->maria, "out of memory");
    else if (batch->rc == 0)
        batch->rc = run(batch);
    free(batch->text);
    batch->out = NULL;
    batch->rows = 0;
}

FILE *batch_row(struct batch *batch)
{
    if (batch->rows == BATCH_ROWS || (batch->out && ftell(batch->out) > BATCH_SIZE))
        batch_end(batch);
    if (batch->rc != 0)
        return NULL;
    if (!batch->out && !(batch->out = open_memstream(&batch->text, &batch->size))) {
        batch->rc = maria_fail(batch->maria, "out of memory");
        return NULL;
    }
    fputs(batch->rows++ ? "," : batch->head, batch->out);
    return batch->out;
}
