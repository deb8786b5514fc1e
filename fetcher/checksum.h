/* SPDX-License-Identifier: MIT */
/* CRC-32C (Castagnoli), as of iSCSI and ext4: finds every change of up to 32 bits in a row. */
#ifndef FETCHER_CHECKSUM_H
#define FETCHER_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

uint32_t crc32c(const void *bytes, size_t size);

#endif
