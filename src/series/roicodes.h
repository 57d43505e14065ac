/*
 * Codes for what a ROI is: from its name, or from its RT ROI Interpreted Type, to the category and
 * the type of a segment (PS3.3 C.8.20.2, PS3.16 CID 7150 and CID 9580).
 *
 * A table is text, five columns between tabs, "#" begins a comment:
 *
 *     name	category	scheme	code	meaning
 *     SpinalCord	anatomy	SCT	2748008	Spinal cord
 *     PTV*	target	SCT	228793007	PTV
 *     [ORGAN]	anatomy	SCT	113343008	Organ
 *
 * Names are those of AAPM TG-263.  Letters and digits count, in either case; "spinal cord" and
 * "Spinal_Cord" are the same name.  A star stands for any letters at the beginning or the end.  A
 * name in brackets is an interpreted type, [] is everything else; the built-in table has that one.
 *
 * In this order, each time first in the site's table and then in the built-in one:
 *
 *     the whole name;  the name without a side ("Lung_L", "Left Lung");  names with a star, in the
 *     order of the table;  the interpreted type;  []
 *
 * The side becomes a modifier of the type, but where the whole name is a row, or no row has it.
 *
 * A row found by name counts only where the interpreted type does not contradict it: a ROI of type
 * PTV that is called "Liver" is a target.  ORGAN and an empty type contradict nothing.
 */
#ifndef SERIES_ROICODES_H
#define SERIES_ROICODES_H

#include "base/arena.h"

#define ROI_CODES_FILE (1u << 20) /* bytes of a table */
#define ROI_CODES_ROWS 10000u

struct roi_code { /* PS3.3 8.8: SH, SH, LO; UTF-8 */
	struct bytes value, scheme, meaning;
};

struct roi_codes_row {
	struct bytes key; /* what of the name counts; of a type: its term */
	bool of_type;     /* an interpreted type */
	bool any_before;  /* it begins with a star */
	bool any_after;   /* it ends with one */
	uint8_t category; /* private */
	struct roi_code type;
};

struct roi_codes {
	const struct roi_codes_row *rows;
	size_t count;
};

enum roi_side { ROI_SIDE_NONE, ROI_SIDE_LEFT, ROI_SIDE_RIGHT };

struct roi_coded {
	struct roi_code category, type;
	enum roi_side side;
	bool by_name; /* else by the interpreted type alone */
};

/* The text of a table; rows borrow from it and from the arena.  ERR_WIRE with *line, from 1, where
 * a row is none; ERR_LIMIT, ERR_NOMEM. */
enum err roi_codes_parse(struct roi_codes *out, struct bytes text, struct arena *a, unsigned *line,
			 struct fault *f) MUST_USE;
/* tables/roi_codes.tsv.  ERR_NOMEM. */
enum err roi_codes_builtin(struct roi_codes *out, struct arena *a, struct fault *f) MUST_USE;

/* `site` may be NULL; name and type are UTF-8, either may be empty. */
struct roi_coded roi_codes_find(const struct roi_codes *site, const struct roi_codes *builtin,
				struct bytes name, struct bytes interpreted_type);
/* Code of a side (CID 244). */
struct roi_code roi_side_code(enum roi_side side);

#endif
