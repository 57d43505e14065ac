/*
 * The data dictionary (PS3.6, PS3.7 annex E), made at build time from
 * tables/dictionary.tsv into const tables of 8 bytes a row and keywords spelt in words:
 * no set-up call, no heap, no relocations.  So an entry is unpacked into the caller's
 * struct, keyword and all.
 */
#ifndef DICOM_DICT_H
#define DICOM_DICT_H

#include "base/bytes.h"
#include "dicom/vr.h"

#define DICT_KEYWORD 65 /* the longest keyword has 56 characters */

struct dict_entry {
	uint32_t tag;  /* repeating groups: the x digits are 0 */
	uint32_t mask; /* bits of `tag` that count: 0xFFFFFFFF, or 0xFF00FFFF for 60xx and 50xx ...
			*/
	char keyword[DICT_KEYWORD];
	enum vr vr;  /* "OB or OW" -> OW, "US or SS ..." -> US, ...: the first that implicit VR may
			mean */
	enum vr alt; /* the other choice, VR_NONE when there is none (US or SS -> SS) */
	char vm[8];  /* "1", "1-n", "2-2n" */
	bool retired;
};

/* False (and *out untouched) when unknown.  Repeating groups (50xx, 60xx, 0020,31xx, ...), group
 * lengths (gggg,0000 as UL "GroupLength") and private creators (odd group, 0010-00FF as LO
 * "PrivateCreator") are found; items and delimiters too, as VR_NONE. */
bool dict_find(uint32_t tag, struct dict_entry *out);
/* Every entry of the dictionary in ascending order of tags, repeating groups last: false at the
 * end. */
bool dict_at(size_t index, struct dict_entry *out);

/* Of each element VRs are asked for again and again: for each hash of tags one is remembered with
 * its answer.  Nothing but the dictionary decides what that is. */
#define DICT_KNOWN_BITS 10u
extern struct dict_known {
	uint32_t tag;
	uint16_t vr;
	bool known;
} dict_known[1u << DICT_KNOWN_BITS];

/* The place of a tag in it. */
static inline uint32_t dict_known_at(uint32_t tag)
{
	return tag * 0x9E3779B1u >> (32 - DICT_KNOWN_BITS);
}

enum vr dict_look_up(uint32_t tag);                  /* dict_vr, and remember it */
bool dict_look_up_allowed(uint32_t tag, enum vr vr); /* dict_allows */

/* Only the VR that implicit VR means; VR_UN when unknown. */
static inline enum vr dict_vr(uint32_t tag)
{
	const struct dict_known *k = &dict_known[dict_known_at(tag)];

	return k->tag == tag && k->known ? (enum vr)k->vr : dict_look_up(tag);
}

/* May this element have this VR?  True for unknown elements, and for UN (PS3.5 6.2.2). */
static inline bool dict_allows(uint32_t tag, enum vr vr)
{
	return vr == VR_UN || vr == dict_vr(tag) || dict_look_up_allowed(tag, vr);
}

/* Exact keyword, case counts. */
bool dict_by_keyword(struct bytes keyword, struct dict_entry *out);
/* "PatientName", "(0010,0010)", "0010,0010" or "00100010" -> tag; false when none of these. */
bool dict_parse_tag(struct bytes text, uint32_t *tag);

#endif
