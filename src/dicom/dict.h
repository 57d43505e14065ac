/*
 * The data dictionary (PS3.6, PS3.7 annex E), made at build time from
 * tables/dictionary.tsv into const tables; no set-up call, no heap.
 */
#ifndef DICOM_DICT_H
#define DICOM_DICT_H

#include "base/bytes.h"
#include "dicom/vr.h"

struct dict_entry {
	uint32_t tag;  /* repeating groups: the x digits are 0 */
	uint32_t mask; /* bits of `tag` that count: 0xFFFFFFFF, or 0xFF00FFFF for 60xx and 50xx ... */
	const char *keyword;
	enum vr vr;  /* "OB or OW" -> OW, "US or SS ..." -> US, ...: the first that implicit VR may mean */
	enum vr alt; /* the other choice, VR_NONE when there is none (US or SS -> SS) */
	char vm[8];
	bool retired;
};

/* NULL when unknown.  Repeating groups (50xx, 60xx, 0020,31xx, ...), group lengths (gggg,0000 as
 * UL "GroupLength") and private creators (odd group, 0010-00FF as LO "PrivateCreator") are found. */
const struct dict_entry *dict_find(uint32_t tag);
/* Exact keyword, case counts; NULL when unknown. */
const struct dict_entry *dict_by_keyword(struct bytes keyword);
/* "PatientName", "(0010,0010)", "0010,0010" or "00100010" -> tag; false when none of these. */
bool dict_parse_tag(struct bytes text, uint32_t *tag);

#endif
