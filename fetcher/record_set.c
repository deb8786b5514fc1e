/* SPDX-License-Identifier: MIT */
#include "fetcher/record_set.h"

#include <stdlib.h>

bool record_set_reserve(struct record_set *set, uint32_t count)
{
    if (count <= set->capacity)
        return true;
    uint32_t capacity = count < 512 ? 512 : count * 2;
    uint32_t *numbers = realloc(set->numbers, capacity * sizeof(*numbers));
    if (!numbers)
        return false;
    set->numbers = numbers;
    bool *has = realloc(set->has, capacity * sizeof(*has));
    if (!has)
        return false;
    set->has = has;
    for (uint32_t number = set->capacity; number < capacity; number++)
        has[number] = false;
    set->capacity = capacity;
    return true;
}

void record_set_free(struct record_set *set)
{
    free(set->numbers);
    free(set->has);
    *set = (struct record_set){0};
}

void record_set_add(struct record_set *set, uint32_t number)
{
    if (set->has[number])
        return;
    set->has[number] = true;
    set->numbers[set->count++] = number;
}

bool record_set_take(struct record_set *set, uint32_t *number)
{
    if (set->count == 0)
        return false;
    *number = set->numbers[--set->count];
    set->has[*number] = false;
    return true;
}
