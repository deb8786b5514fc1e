/* SPDX-License-Identifier: MIT */
/* What the harnesses share: libFuzzer's entry points, a demand that no build type removes, bytes as decisions. */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define DEMAND(condition) ((condition) ? (void)0 : fuzz_broken(__FILE__, __LINE__, #condition))

_Noreturn static inline void fuzz_broken(const char *file, int line, const char *condition)
{
    fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, condition);
    abort();
}

/* What is left of the input. */
struct input {
    const uint8_t *data;
    size_t size;
};

/* Takes a little-endian number of `bytes` bytes off the front; bytes that are missing are 0. */
static inline uint64_t input_number(struct input *input, unsigned bytes)
{
    uint64_t number = 0;
    for (unsigned i = 0; i < bytes && input->size > 0; i++, input->size--)
        number |= (uint64_t)*input->data++ << 8 * i;
    return number;
}

/*
 * Takes one change to an image of 64-bit words off the front, PATCH_BYTES: what to do (8 bits), where (16 bits), with
 * which value (64 bits). A change reaches 1 to 86 words in a row: they are set to the value, have its bits flipped,
 * or become copies of the words at that place. False: the input has ended, nothing was done.
 */
enum {
    PATCH_BYTES = 11,
    PATCH_SET = 0,
    PATCH_FLIP = 1,
    PATCH_COPY = 2,
    PATCH_KINDS = 3, /* what = kind + PATCH_KINDS * (words - 1) */
};

static inline _Bool input_patch(struct input *input, void *image, size_t size)
{
    uint64_t *words = image;
    size_t count = size / sizeof(*words);
    if (input->size == 0 || count == 0)
        return 0;
    unsigned what = (unsigned)input_number(input, 1);
    size_t at = input_number(input, 2) % count;
    uint64_t value = input_number(input, 8);
    for (size_t end = at + what / PATCH_KINDS + 1; at < end && at < count; at++) {
        if (what % PATCH_KINDS == PATCH_SET)
            words[at] = value;
        else if (what % PATCH_KINDS == PATCH_FLIP)
            words[at] ^= value;
        else
            words[at] = words[value++ % count];
    }
    return 1;
}

#endif
