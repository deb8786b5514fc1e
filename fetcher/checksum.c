/* SPDX-License-Identifier: MIT */
#include "fetcher/checksum.h"

enum {
    BYTE_VALUES = 256
};
#define POLYNOMIAL UINT32_C(0x82f63b78) /* bits reversed */

static uint32_t shifted(uint32_t crc)
{
    return crc >> 1 ^ (crc & 1 ? POLYNOMIAL : 0);
}

/* Eight tables: table n says what a byte does that n more bytes follow. So eight bytes are one step. */
static void fill(uint32_t tables[static 8][BYTE_VALUES])
{
    for (uint32_t value = 0; value < BYTE_VALUES; value++) {
        uint32_t crc = value;
        for (int bit = 0; bit < 8; bit++)
            crc = shifted(crc);
        tables[0][value] = crc;
    }
    for (int n = 1; n < 8; n++)
        for (uint32_t value = 0; value < BYTE_VALUES; value++) {
            uint32_t before = tables[n - 1][value];
            tables[n][value] = before >> 8 ^ tables[0][before & 0xff];
        }
}

uint32_t crc32c(const void *bytes, size_t size)
{
    uint32_t tables[8][BYTE_VALUES], crc = UINT32_MAX;
    const uint8_t *at = bytes;
    fill(tables);
    for (; size >= 8; size -= 8, at += 8)
        crc = tables[7][at[0] ^ (crc & 0xff)] ^ tables[6][at[1] ^ (crc >> 8 & 0xff)] ^
              tables[5][at[2] ^ (crc >> 16 & 0xff)] ^ tables[4][at[3] ^ crc >> 24] ^ tables[3][at[4]] ^
              tables[2][at[5]] ^ tables[1][at[6]] ^ tables[0][at[7]];
    for (; size > 0; size--, at++)
        crc = crc >> 8 ^ tables[0][(crc ^ *at) & 0xff];
    return ~crc;
}
