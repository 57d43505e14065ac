/*
 * Attribute tags: 0xGGGGEEEE.  The generated part defines TAG_<Keyword> for every
 * element of PS3.6 and the command set of PS3.7 that has a fixed tag.
 */
#ifndef DICOM_TAG_H
#define DICOM_TAG_H

#include <stdbool.h>
#include <stdint.h>

#include "dicom_tags.h" /* generated from tables/dictionary.tsv */

#define TAG(group, element) ((uint32_t)(group) << 16 | (uint32_t)(element))
#define TAG_GROUP(tag) ((uint16_t)((tag) >> 16))
#define TAG_ELEMENT(tag) ((uint16_t)((tag)&0xFFFFu))
#define TAG_IS_PRIVATE(tag) (((tag) >> 16 & 1u) != 0)
#define TAG_IS_GROUP_LENGTH(tag) (((tag)&0xFFFFu) == 0)

#define TAG_ITEM 0xFFFEE000u
#define TAG_ITEM_END 0xFFFEE00Du
#define TAG_SEQUENCE_END 0xFFFEE0DDu

#endif
