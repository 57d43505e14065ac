/*
 * What is done to every attribute: PS3.15 table E.1-1 with its options, NETRT's lists, and the
 * rules of the site on top, made into one question with one answer.
 *
 *     decision = policy_decide(policy, place)
 *
 * Of several rules that meet an attribute the most specific wins: a path before an attribute, an
 * attribute before a repeating group, all of these before the profile.  Two rules of the site that
 * are as specific as each other and differ are an error of the configuration.
 *
 * What the profiles basic and research do beyond the table (shared requirement list, R3-R8, R13,
 * R17, R18): every UI value that is not well known is remapped, whether the table names it or
 * not; dates and times that the table does not name go as those it names, names of persons and URLs
 * become dummies; unknown public
 * attributes, private ones that are not on the safe list, group lengths and groups 0000-0007 and
 * FFFF go; what follows X/Z/D, and an X that would take away what its item needs, is resolved by
 * attribute type (tables/resolved_actions.tsv), and for unknown objects to the choice that is
 * always valid.
 */
#ifndef ANON_POLICY_H
#define ANON_POLICY_H

#include "anon/settings.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/limits.h"
#include "dicom/tag.h"
#include "dicom/vr.h"

enum anon_act {
	ACT_KEEP,      /* text is still searched for the patient's own words */
	ACT_REMOVE,    /* X */
	ACT_EMPTY,     /* Z; a sequence without items */
	ACT_DUMMY,     /* D: a value that is valid for its VR and says nothing; a sequence keeps its
			* items, and every text in them becomes a dummy */
	ACT_UID,       /* U */
	ACT_CLEAN,     /* C of text: words of the patient, dates and numbers go, the rest stays */
	ACT_SHIFT,     /* C of dates: the patient's own number of days */
	ACT_REPLACE,   /* by decision.value */
	ACT_HASH,      /* by a keyed hash of the value, as text (UI: as UID) */
	ACT_ID,        /* the patient's new ID */
	ACT_NAME,      /* the patient's new name */
	ACT_AGE,       /* 090Y for 90 years and above, else kept */
	ACT_FIRST_DAY, /* NETRT: the day of a date becomes 01 */
	ACT_FULL_HOUR, /* NETRT: minutes and seconds become 00 */
	ACT_ROI_NAME,  /* a name of an ROI: kept when it is of the vocabulary and tells nothing */
	ACT_COUNT
};
extern const char *const anon_act_words[ACT_COUNT]; /* "keep", "remove", ... for reports */

enum anon_origin { FROM_DEFAULT, FROM_TABLE, FROM_OPTION, FROM_NETRT, FROM_SITE };

struct anon_decision {
	enum anon_act act;
	enum anon_origin origin;
	struct bytes value; /* ACT_REPLACE: UTF-8 */
};

/* The IODs for which the table is resolved by attribute type; others take what is always valid. */
enum anon_iod {
	IOD_CT,
	IOD_MR,
	IOD_RT_STRUCTURE_SET,
	IOD_SECONDARY_CAPTURE,
	IOD_SEGMENTATION,
	IOD_OTHER
};
enum anon_iod anon_iod_of(struct bytes sop_class);

/* Where an attribute stands. */
struct anon_place {
	enum anon_iod iod;
	const uint32_t *path; /* tags of the sequences around it, outermost first */
	unsigned depth;       /* how many */
	uint32_t tag;
	enum vr vr;           /* as encoded; known tags are judged by their own VR (R4) */
	struct bytes creator; /* of a private attribute: its private creator, trimmed; else empty */
};

/* A private attribute that is known to be safe: creator, group and the low byte of the element. */
struct anon_safe {
	struct bytes creator;
	uint16_t group;
	uint8_t element;
};

/* (gggg,0010-00FF) of an odd group: who reserves a block of it.  One that is kept is a name of the
 * safe list, or the site's choice, and stays as it is: without it the block says something else. */
static inline bool anon_is_creator(uint32_t tag)
{
	return TAG_IS_PRIVATE(tag) && TAG_ELEMENT(tag) >= 0x10 && TAG_ELEMENT(tag) <= 0xFF;
}

struct policy; /* in the arena that it was made in */

/* What is wrong with the rules of the site, for the configuration's messages. */
struct policy_problem {
	const char *where;  /* the rule, as written */
	const char *reason; /* a literal */
};

/*
 * `safe` may be NULL when ANON_RETAIN_SAFE_PRIVATE is off.  ERR_UNUSABLE and *problem: a rule that
 * names no attribute, or contradicts another one (R1: then nothing may be let out).  ERR_NOMEM.
 */
enum err policy_make(struct policy **out, const struct anon_settings *settings,
		     const struct anon_safe *safe, size_t safe_count, struct arena *a,
		     struct policy_problem *problem, struct fault *f) MUST_USE;

struct anon_decision policy_decide(const struct policy *p, const struct anon_place *place);

/* May objects of this SOP class pass (R2)?  The profile netrt lets every one pass. */
bool policy_passes(const struct policy *p, struct bytes sop_class);

const struct anon_settings *policy_settings(const struct policy *p); /* that it was made of */
bool policy_cleans_text(const struct policy *p); /* kept text is searched for the patient's words */
bool policy_shifts_dates(const struct policy *p);
/* MODIFIED, UNMODIFIED or REMOVED, for (0028,0303): MODIFIED, too, where rules of the site make
 * exceptions for single dates.  NULL: the profile says nothing about dates. */
const char *policy_dates_word(const struct policy *p);
/* Codes of CID 7050 for (0012,0064), ending with NULL; none for the profile netrt. */
const char *const *policy_codes(const struct policy *p);
/* SHA-256 over settings, tables and rules, in hex.  A setting that makes two gateways differ has
 * its place there and nowhere else; names of ROIs, which are no part of the policy, are in
 * gate.digest. */
void policy_digest(const struct policy *p, char out[static 65]);

/* One line an attribute of the dictionary and of the rules, "tag TAB keyword TAB act TAB origin",
 * for `netrt config policy`. */
void policy_print(const struct policy *p, enum anon_iod iod, struct buf *out);

#endif
