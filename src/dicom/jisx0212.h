/*
 * JIS X 0212-1990 (ISO-IR 159), the supplementary Japanese set: not in every libc's iconv.
 */
#ifndef DICOM_JISX0212_H
#define DICOM_JISX0212_H

#include <stdint.h>

/* Two bytes, 0x21..0x7E each, to a code point; 0: no such character. */
uint32_t jisx0212(uint8_t first, uint8_t second);

#endif
