/*
 * How a decision comes about, for the profiles basic and research:
 *
 *     rules of the site  >  groups and private attributes  >  table E.1-1: the action resolved by
 *     attribute type, then the options' columns  >  what the VR of the dictionary says
 *
 * A compound action ("X/Z/D") is looked up in resolved_rows by IOD and path; where it is not
 * there the fallback is the choice that leaves every object valid.
 */
#include "anon/policy.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "anon/rules.h"
#include "base/sha256.h"
#include "dicom/dict.h"
#include "dicom/syntax.h"
#include "dicom/tag.h"

enum table_action {
	TABLE_X,
	TABLE_Z,
	TABLE_D,
	TABLE_U,
	TABLE_XZ,
	TABLE_XD,
	TABLE_ZD,
	TABLE_XZD,
	TABLE_XZU
};
enum { CELL_NONE, CELL_K, CELL_C };

struct table_row {
	uint32_t tag;
	uint32_t bits; /* tools/gen_anon.c */
};

struct masked_row {
	uint32_t tag, mask, bits;
};

struct resolved_row {
	uint32_t tag;   /* the last of the path */
	uint16_t first; /* in resolved_tags, where the path begins */
	uint8_t depth;  /* tags before the last */
	uint8_t iod;
	uint8_t action;
};

#include "anon_table.inc" /* generated from tables/ */

#define TABLE_ROWS (sizeof(table_rows) / sizeof(table_rows[0]))
#define MASKED_ROWS (sizeof(masked_rows) / sizeof(masked_rows[0]))
#define RESOLVED_ROWS (sizeof(resolved_rows) / sizeof(resolved_rows[0]))

#define CODES_MAX (ANON_OPTIONS + 2)
#define MEMO_BITS 10u

struct policy {
	const struct anon_settings *settings;
	const struct anon_safe *safe;
	size_t safe_count;
	struct rules rules;
	const char *codes[CODES_MAX];
	const char *dates_word; /* or NULL */
};

const char *const anon_act_words[ACT_COUNT] = {
	[ACT_KEEP] = "keep",
	[ACT_REMOVE] = "remove",
	[ACT_EMPTY] = "empty",
	[ACT_DUMMY] = "dummy",
	[ACT_UID] = "uid",
	[ACT_CLEAN] = "clean",
	[ACT_SHIFT] = "shift",
	[ACT_REPLACE] = "replace",
	[ACT_HASH] = "hash",
	[ACT_ID] = "patient-id",
	[ACT_NAME] = "patient-name",
	[ACT_AGE] = "age",
	[ACT_FIRST_DAY] = "first-day",
	[ACT_FULL_HOUR] = "full-hour",
	[ACT_ROI_NAME] = "roi-name",
};

enum anon_iod anon_iod_of(struct bytes sop_class)
{
	static const struct {
		const char *uid;
		enum anon_iod iod;
	} known[] = {
		{"1.2.840.10008.5.1.4.1.1.2", IOD_CT},
		{"1.2.840.10008.5.1.4.1.1.4", IOD_MR},
		{"1.2.840.10008.5.1.4.1.1.481.3", IOD_RT_STRUCTURE_SET},
		{"1.2.840.10008.5.1.4.1.1.7", IOD_SECONDARY_CAPTURE},
		{"1.2.840.10008.5.1.4.1.1.66.4", IOD_SEGMENTATION},
	};

	sop_class = bytes_trim(sop_class);
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (bytes_eq_str(sop_class, known[i].uid))
			return known[i].iod;
	return IOD_OTHER;
}

/* CID 7050: the profile's own code and those of its options. */
static void list_codes(struct policy *p)
{
	static const char *const of_option[ANON_OPTIONS] = {"113111", "113110", "113109", "113112",
							    "113108", "113106", "113107", "113105",
							    "113104", "113103"};
	unsigned count = 0;

	if (p->settings->profile == ANON_NETRT)
		return;
	p->codes[count++] = "113100";
	for (unsigned i = 0; i < ANON_OPTIONS; i++)
		if ((p->settings->options >> i & 1u) != 0)
			p->codes[count++] = of_option[i];
}

/* ---- deciding ---- */

static struct anon_decision decided(enum anon_act act, enum anon_origin origin)
{
	return (struct anon_decision){.act = act, .origin = origin};
}

static bool has(const struct policy *p, enum anon_option option)
{
	return (p->settings->options & (unsigned)option) != 0;
}

/* The bits of a tag in the table, NULL: it is not there. */
static const uint32_t *search_table(uint32_t tag)
{
	size_t low = 0, high = TABLE_ROWS;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (table_rows[middle].tag == tag)
			return &table_rows[middle].bits;
		if (table_rows[middle].tag > tag)
			high = middle;
		else
			low = middle + 1;
	}
	for (size_t i = 0; i < MASKED_ROWS; i++)
		if ((tag & masked_rows[i].mask) == masked_rows[i].tag)
			return &masked_rows[i].bits;
	return NULL;
}

/* The same tags are asked for again and again, as in dicom/dict. */
static const uint32_t *table_find(uint32_t tag)
{
	static struct {
		uint32_t tag;
		bool known;
		const uint32_t *bits;
	} memo[1u << MEMO_BITS];
	size_t at = tag * 0x9E3779B1u >> (32 - MEMO_BITS);

	if (!memo[at].known || memo[at].tag != tag) {
		memo[at].bits = search_table(tag);
		memo[at].tag = tag;
		memo[at].known = true;
	}
	return memo[at].bits;
}

static bool resolve(const struct anon_place *at, enum table_action *action)
{
	size_t low = 0, high = RESOLVED_ROWS;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (resolved_rows[middle].tag < at->tag)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < RESOLVED_ROWS && resolved_rows[low].tag == at->tag; low++) {
		const struct resolved_row *r = &resolved_rows[low];

		if (r->iod == (uint8_t)at->iod && r->depth == at->depth &&
		    (r->depth == 0 || memcmp(resolved_tags + r->first, at->path,
					     r->depth * sizeof(uint32_t)) == 0)) {
			*action = (enum table_action)r->action;
			return true;
		}
	}
	return false;
}

/* What each action of the table comes to; the compound ones where nothing resolves them. */
static enum anon_act act_of(enum table_action action, enum vr vr)
{
	static const enum anon_act acts[] = {
		[TABLE_X] = ACT_REMOVE, [TABLE_Z] = ACT_EMPTY,   [TABLE_D] = ACT_DUMMY,
		[TABLE_U] = ACT_UID,    [TABLE_XZ] = ACT_EMPTY,  [TABLE_XD] = ACT_DUMMY,
		[TABLE_ZD] = ACT_DUMMY, [TABLE_XZD] = ACT_DUMMY, [TABLE_XZU] = ACT_KEEP,
	};

	/* a sequence under U: its items stay, and the UIDs in them are remapped as everywhere */
	return action == TABLE_U && vr == VR_SQ ? ACT_KEEP : acts[action];
}

static bool is_date(enum vr vr)
{
	return vr == VR_DA || vr == VR_DT || vr == VR_TM;
}

/* C, by what the attribute is.  What cannot be cleaned by looking at text is not retained. */
static enum anon_act act_of_clean(uint32_t tag, enum vr vr, enum anon_act otherwise)
{
	if (tag == TAG_ROIName)
		return ACT_ROI_NAME;
	if (tag == TAG_TimezoneOffsetFromUTC)
		return otherwise;
	if (is_date(vr))
		return ACT_SHIFT;
	return vr == VR_SQ || vr == VR_LO || vr == VR_LT || vr == VR_SH || vr == VR_ST ||
			       vr == VR_UC || vr == VR_UT || vr == VR_CS
		       ? ACT_CLEAN
		       : otherwise;
}

static struct anon_decision from_table(const struct policy *p, const struct anon_place *at,
				       uint32_t bits, enum vr vr)
{
	enum table_action action = (enum table_action)(bits & 0xF);
	unsigned cell = CELL_NONE;

	if (action != TABLE_U)
		(void)resolve(at, &action);
	enum anon_act act = act_of(action, vr);
	for (unsigned i = 0; i < ANON_OPTIONS; i++) {
		unsigned here = bits >> (4 + 2 * i) & 3u;

		if ((p->settings->options >> i & 1u) != 0 && here != CELL_NONE && cell != CELL_K)
			cell = here;
	}
	/* one real date beside moved ones would tell by how much they were */
	if (cell == CELL_K && is_date(vr) && has(p, ANON_RETAIN_MODIFIED_DATES))
		cell = CELL_C;
	if (cell == CELL_K)
		return decided(at->tag == TAG_PatientAge ? ACT_AGE : ACT_KEEP, FROM_OPTION);
	if (cell == CELL_C)
		return decided(act_of_clean(at->tag, vr, act), FROM_OPTION);
	if (at->tag == TAG_PatientID && act != ACT_REMOVE)
		act = ACT_ID;
	if (at->tag == TAG_PatientName && act != ACT_REMOVE)
		act = ACT_NAME;
	return decided(act, FROM_TABLE);
}

/* What the table does not name, and what says who or where all the same: issuers of numbers, URLs,
 * numbers, birth dates of other calendars, descriptions of private elements. */
static bool tells(const struct policy *p, uint32_t tag, enum anon_act *act)
{
	static const struct {
		uint32_t tag;
		enum anon_act act;
		unsigned kept_with, cleaned_with; /* options */
	} rows[] = {
		/* in the order of their tags */
		{TAG_IssuerOfAccessionNumberSequence, ACT_REMOVE, 0, 0},
		{TAG_PrivateDataElementCharacteristicsSequence, ACT_REMOVE, 0, 0},
		{TAG_RetrieveURL, ACT_REMOVE, 0, 0},
		{TAG_IssuerOfPatientIDQualifiersSequence, ACT_REMOVE, 0, 0},
		{TAG_PatientBirthDateInAlternativeCalendar, ACT_REMOVE, 0, 0},
		{TAG_PatientDeathDateInAlternativeCalendar, ACT_REMOVE, 0, 0},
		{TAG_BreedRegistrationNumber, ACT_REMOVE, 0, 0},
		{TAG_DeviceID, ACT_REMOVE, ANON_RETAIN_DEVICE, 0},
		{TAG_PixelDataProviderURL, ACT_REMOVE, 0, 0},
		{TAG_OrderPlacerIdentifierSequence, ACT_REMOVE, 0, 0},
		{TAG_OrderFillerIdentifierSequence, ACT_REMOVE, 0, 0},
		{TAG_LocalNamespaceEntityID, ACT_DUMMY, 0, 0},
		{TAG_UniversalEntityID, ACT_DUMMY, 0, 0},
		{TAG_TextValue, ACT_DUMMY, 0, ANON_CLEAN_STRUCTURED},
		{TAG_HL7InstanceIdentifier, ACT_DUMMY, 0, 0},
		{TAG_RetrieveURI, ACT_REMOVE, 0, 0},
		{TAG_StorageMediaFileSetID, ACT_REMOVE, 0, 0},
		{TAG_SOPAuthorizationComment, ACT_REMOVE, 0, 0},
		{TAG_AuthorizationEquipmentCertificationNumber, ACT_REMOVE, 0, 0},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]) && rows[i].tag <= tag; i++) {
		if (rows[i].tag != tag)
			continue;
		*act = (p->settings->options & rows[i].kept_with) != 0      ? ACT_KEEP
		       : (p->settings->options & rows[i].cleaned_with) != 0 ? ACT_CLEAN
									    : rows[i].act;
		return true;
	}
	return false;
}

/* What the table does not name, by the VR that the dictionary gives it. */
static struct anon_decision from_vr(const struct policy *p, enum vr vr)
{
	if (vr == VR_UI)
		return decided(has(p, ANON_RETAIN_UIDS) ? ACT_KEEP : ACT_UID, FROM_DEFAULT);
	if (is_date(vr))
		return decided(has(p, ANON_RETAIN_FULL_DATES)       ? ACT_KEEP
			       : has(p, ANON_RETAIN_MODIFIED_DATES) ? ACT_SHIFT
								    : ACT_DUMMY,
			       FROM_DEFAULT);
	/* names of persons and of hosts */
	return decided(vr == VR_PN || vr == VR_UR ? ACT_DUMMY : ACT_KEEP, FROM_DEFAULT);
}

static bool is_safe(const struct policy *p, const struct anon_place *at)
{
	uint16_t group = TAG_GROUP(at->tag);
	bool creator = TAG_ELEMENT(at->tag) >= 0x10 && TAG_ELEMENT(at->tag) <= 0xFF;

	if (!has(p, ANON_RETAIN_SAFE_PRIVATE) || at->creator.len == 0)
		return false;
	for (size_t i = 0; i < p->safe_count; i++) {
		const struct anon_safe *s = &p->safe[i];

		if (s->group == group && bytes_eq(s->creator, at->creator) &&
		    (creator || s->element == (at->tag & 0xFFu)))
			return true;
	}
	return false;
}

/* A private UID, date or name is treated as any other, safe or not. */
static struct anon_decision decide_private(const struct policy *p, const struct anon_place *at)
{
	if (rules_keep_block(&p->rules, at->tag))
		return decided(ACT_KEEP, FROM_SITE);
	if (!is_safe(p, at))
		return decided(ACT_REMOVE, FROM_TABLE);
	struct anon_decision d = from_vr(p, at->vr);
	return decided(d.act, FROM_OPTION);
}

/* Groups that no composite object has, group lengths, and what de-identification itself writes. */
static bool is_illegal(uint32_t tag)
{
	uint16_t group = TAG_GROUP(tag);

	return group < 0x0008 || group == 0xFFFF || TAG_IS_GROUP_LENGTH(tag) ||
	       tag == 0x00080001u /* Length to End */ || tag == TAG_PatientIdentityRemoved ||
	       tag == TAG_DeidentificationMethod || tag == TAG_DeidentificationMethodCodeSequence ||
	       tag == TAG_LongitudinalTemporalInformationModified;
}

static bool is_pixel_data(uint32_t tag)
{
	return tag == TAG_PixelData || tag == TAG_FloatPixelData || tag == TAG_DoubleFloatPixelData;
}

/* Overlays and curves (R17), encrypted and original attributes, signatures, padding (R18); of the
 * groups of pixels all but Pixel Data itself, which is looked after: offsets of frames that may
 * have moved, retired and nested ones. */
static bool is_always_removed(const struct anon_place *at)
{
	uint16_t group = TAG_GROUP(at->tag);
	uint32_t tag = at->tag;

	return (group & 0xFF00u) == 0x6000 || (group & 0xFF00u) == 0x5000 ||
	       tag == TAG_DataSetTrailingPadding || tag == TAG_DigitalSignaturesSequence ||
	       tag == TAG_EncryptedAttributesSequence || tag == TAG_OriginalAttributesSequence ||
	       ((group & 0xFF01u) == 0x7F00 && (at->depth > 0 || !is_pixel_data(tag)));
}

static struct anon_decision decide_profile(const struct policy *p, const struct anon_place *at)
{
	enum vr vr = dict_vr(at->tag);
	enum anon_act act;
	const uint32_t *bits = NULL;

	if (is_illegal(at->tag) || is_always_removed(at))
		return decided(ACT_REMOVE, FROM_DEFAULT);
	if (TAG_IS_PRIVATE(at->tag))
		return decide_private(p, at);
	bits = table_find(at->tag);
	if (bits != NULL)
		return from_table(p, at, *bits, vr);
	if (vr == VR_UN || vr == VR_NONE) /* not in the dictionary, or without a name there */
		return decided(ACT_REMOVE, FROM_DEFAULT);
	return tells(p, at->tag, &act) ? decided(act, FROM_DEFAULT) : from_vr(p, vr);
}

/* The patient's ID and name are new ones everywhere; in items a list may take the ID away. */
static struct anon_decision decide_netrt(const struct anon_place *at, const struct rule *r)
{
	if (at->tag == TAG_PatientName)
		return decided(ACT_NAME, FROM_NETRT);
	if (at->tag == TAG_PatientID && (at->depth == 0 || r == NULL))
		return decided(ACT_ID, FROM_NETRT);
	return r != NULL ? decided(r->act, r->origin) : decided(ACT_KEEP, FROM_DEFAULT);
}

struct anon_decision policy_decide(const struct policy *p, const struct anon_place *at)
{
	const struct anon_settings *s = p->settings;
	const struct rule *r = rules_find(&p->rules, at);
	bool netrt = s->profile == ANON_NETRT;

	if (!netrt && is_illegal(at->tag))
		return decided(ACT_REMOVE, FROM_DEFAULT);
	if (r != NULL && r->origin == FROM_SITE)
		return (struct anon_decision){
			.act = r->act, .origin = r->origin, .value = r->value};
	if (at->depth == 0 && at->tag == TAG_StudyDescription && s->study_description != NULL)
		return (struct anon_decision){.act = ACT_REPLACE,
					      .origin = FROM_NETRT,
					      .value = bytes_str(s->study_description)};
	return netrt ? decide_netrt(at, r) : decide_profile(p, at);
}

/* ---- the rest ---- */

bool policy_passes(const struct policy *p, struct bytes sop_class)
{
	static const char *const passing[] = {
		"1.2.840.10008.5.1.4.1.1.1",     "1.2.840.10008.5.1.4.1.1.1.1",
		"1.2.840.10008.5.1.4.1.1.2",     "1.2.840.10008.5.1.4.1.1.2.1",
		"1.2.840.10008.5.1.4.1.1.4",     "1.2.840.10008.5.1.4.1.1.4.1",
		"1.2.840.10008.5.1.4.1.1.20",    "1.2.840.10008.5.1.4.1.1.66.4",
		"1.2.840.10008.5.1.4.1.1.128",   "1.2.840.10008.5.1.4.1.1.130",
		"1.2.840.10008.5.1.4.1.1.481.1", "1.2.840.10008.5.1.4.1.1.481.2",
		"1.2.840.10008.5.1.4.1.1.481.3", "1.2.840.10008.5.1.4.1.1.481.5",
	};
	const struct anon_list *more = &p->settings->sop_classes;

	sop_class = bytes_trim(sop_class);
	if (p->settings->profile == ANON_NETRT)
		return true;
	for (size_t i = 0; i < sizeof(passing) / sizeof(passing[0]); i++)
		if (bytes_eq_str(sop_class, passing[i]))
			return true;
	for (size_t i = 0; i < more->count; i++)
		if (bytes_eq_str(sop_class, more->item[i]))
			return true;
	return false;
}

const struct anon_settings *policy_settings(const struct policy *p)
{
	return p->settings;
}

bool policy_cleans_text(const struct policy *p)
{
	return p->settings->profile != ANON_NETRT;
}

bool policy_shifts_dates(const struct policy *p)
{
	return p->settings->profile != ANON_NETRT && has(p, ANON_RETAIN_MODIFIED_DATES);
}

/* What happens to dates: nothing, they are others, they go; the words for it. */
enum dates { DATES_SAME, DATES_OTHER, DATES_GONE };
static const char *const dates_words[] = {"UNMODIFIED", "MODIFIED", "REMOVED"};

static enum dates dates_of(enum anon_act act)
{
	return act == ACT_KEEP                          ? DATES_SAME
	       : act == ACT_SHIFT || act == ACT_REPLACE ? DATES_OTHER
							: DATES_GONE;
}

/* Does this rule do to a date what neither the word for all of them says, nor the profile does? */
static bool is_exception(const struct policy *p, const struct rule *r, uint32_t tag, enum dates all)
{
	const struct anon_place at = {.iod = IOD_OTHER,
				      .path = r->path,
				      .depth = r->depth,
				      .tag = tag,
				      .vr = dict_vr(tag)};
	enum dates here = dates_of(r->act);

	return is_date(at.vr) && here != all && here != dates_of(decide_profile(p, &at).act);
}

/* R14: where the site makes exceptions for some dates, neither all are there nor none. */
static const char *choose_dates_word(const struct policy *p)
{
	enum dates all = has(p, ANON_RETAIN_FULL_DATES)       ? DATES_SAME
			 : has(p, ANON_RETAIN_MODIFIED_DATES) ? DATES_OTHER
							      : DATES_GONE;
	struct dict_entry entry;

	if (p->settings->profile == ANON_NETRT)
		return NULL;
	for (size_t i = 0; i < p->rules.count && all != DATES_OTHER; i++) {
		const struct rule *r = &p->rules.rule[i];
		bool found = r->mask == 0xFFFFFFFFu && is_exception(p, r, r->tag, all);

		for (size_t k = 0; r->mask != 0xFFFFFFFFu && !found && dict_at(k, &entry); k++)
			found = (entry.tag & r->mask) == r->tag &&
				is_exception(p, r, entry.tag, all);
		if (found)
			return dates_words[DATES_OTHER];
	}
	return dates_words[all];
}

enum err policy_make(struct policy **out, const struct anon_settings *settings,
		     const struct anon_safe *safe, size_t safe_count, struct arena *a,
		     struct policy_problem *problem, struct fault *f)
{
	struct policy *p = ARENA_NEW(a, struct policy, 1);

	if (p == NULL)
		return fault_set(f, ERR_NOMEM, "too many rules", FAULT_NO_OFFSET);
	p->settings = settings;
	p->safe = safe;
	p->safe_count = safe_count;
	*problem = (struct policy_problem){NULL, NULL};
	if ((settings->options & ANON_RETAIN_FULL_DATES) != 0 &&
	    (settings->options & ANON_RETAIN_MODIFIED_DATES) != 0) {
		problem->reason = "full dates and modified dates cannot both be retained";
		return fault_set(f, ERR_UNUSABLE, problem->reason, FAULT_NO_OFFSET);
	}
	enum err e = rules_make(&p->rules, settings, a, problem, f);
	if (e != OK)
		return e;
	list_codes(p);
	p->dates_word = choose_dates_word(p);
	*out = p;
	return OK;
}

const char *policy_dates_word(const struct policy *p)
{
	return p->dates_word;
}

const char *const *policy_codes(const struct policy *p)
{
	return p->codes;
}

static void digest_u32(struct sha256 *s, uint32_t v)
{
	uint8_t four[4];

	put_u32be(four, v);
	sha256_add(s, bytes_of(four, sizeof(four)));
}

static void digest_text(struct sha256 *s, struct bytes text)
{
	digest_u32(s, (uint32_t)text.len);
	sha256_add(s, text);
}

static void digest_tables(struct sha256 *s)
{
	for (size_t i = 0; i < TABLE_ROWS; i++) {
		digest_u32(s, table_rows[i].tag);
		digest_u32(s, table_rows[i].bits);
	}
	for (size_t i = 0; i < MASKED_ROWS; i++) {
		digest_u32(s, masked_rows[i].tag);
		digest_u32(s, masked_rows[i].mask);
		digest_u32(s, masked_rows[i].bits);
	}
	for (size_t i = 0; i < RESOLVED_ROWS; i++) {
		const struct resolved_row *r = &resolved_rows[i];

		digest_u32(s, (uint32_t)r->iod << 16 | (uint32_t)r->action << 8 | r->depth);
		for (unsigned k = 0; k <= r->depth; k++)
			digest_u32(s, resolved_tags[r->first + k]);
	}
}

static void digest_str(struct sha256 *s, const char *text)
{
	digest_text(s, text != NULL ? bytes_str(text) : BYTES_NONE);
}

/* How patients are called, which objects pass, and which pixels are filled. */
static void digest_settings(struct sha256 *s, const struct anon_settings *t)
{
	digest_u32(s, (uint32_t)t->profile << 16 | t->options);
	digest_u32(s, (uint32_t)t->pseudonyms << 16 | (uint32_t)t->burned_in << 8 |
			      (uint32_t)t->netrt.consistent_id << 1 | (uint32_t)t->netrt.full);
	digest_u32(s, (uint32_t)t->shift_days_most);
	digest_str(s, t->site_code);
	digest_str(s, t->id_prefix);
	digest_u32(s, t->study_description != NULL);
	digest_str(s, t->study_description);
	digest_str(s, t->netrt.random_id_prefix);
	digest_str(s, t->netrt.full ? t->netrt.id_override : NULL);
	digest_str(s, t->netrt.full ? t->netrt.name_override : NULL);
	digest_u32(s, (uint32_t)t->sop_classes.count);
	for (size_t i = 0; i < t->sop_classes.count; i++)
		digest_str(s, t->sop_classes.item[i]);
	digest_u32(s, (uint32_t)t->region_count);
	for (size_t i = 0; i < t->region_count; i++) {
		const struct pixel_region *r = &t->regions[i];
		const uint32_t numbers[] = {r->rows, r->cols, r->left, r->top, r->width, r->height};

		digest_str(s, r->sop_class);
		digest_str(s, r->manufacturer);
		digest_str(s, r->model);
		for (size_t k = 0; k < sizeof(numbers) / sizeof(numbers[0]); k++)
			digest_u32(s, numbers[k]);
	}
}

void policy_digest(const struct policy *p, char out[static 65])
{
	uint8_t sum[SHA256_LEN];
	struct sha256 s;

	sha256_init(&s);
	digest_text(&s, BYTES_LIT("netrt policy 1"));
	digest_settings(&s, p->settings);
	if (p->settings->profile != ANON_NETRT)
		digest_tables(&s);
	digest_u32(&s, (uint32_t)p->rules.count);
	for (size_t i = 0; i < p->rules.count; i++) {
		const struct rule *r = &p->rules.rule[i];

		digest_u32(&s, (uint32_t)r->origin << 8 | (uint32_t)r->act);
		digest_str(&s, r->where);
		digest_text(&s, r->value);
	}
	digest_u32(&s, has(p, ANON_RETAIN_SAFE_PRIVATE) ? (uint32_t)p->safe_count : 0);
	for (size_t i = 0; i < p->safe_count && has(p, ANON_RETAIN_SAFE_PRIVATE); i++) {
		digest_text(&s, p->safe[i].creator);
		digest_u32(&s, (uint32_t)p->safe[i].group << 8 | p->safe[i].element);
	}
	sha256_end(&s, sum);
	for (size_t i = 0; i < SHA256_LEN; i++)
		snprintf(out + 2 * i, 3, "%02x", sum[i]);
}

static void print_tag(uint32_t tag, uint32_t mask, struct buf *out)
{
	for (int shift = 28; shift >= 0; shift -= 4) {
		unsigned digit = tag >> shift & 0xFu;

		buf_char(out, (mask >> shift & 0xFu) == 0 ? 'x' : "0123456789ABCDEF"[digit]);
		if (shift == 16)
			buf_char(out, ',');
	}
}

void policy_print(const struct policy *p, enum anon_iod iod, struct buf *out)
{
	static const char *const origins[] = {"profile", "table E.1-1", "option", "netrt", "site"};
	struct dict_entry entry;

	for (size_t i = 0; i < p->rules.count; i++) {
		const struct rule *r = &p->rules.rule[i];

		if (r->depth == 0 && r->mask == 0xFFFFFFFFu && dict_find(r->tag, &entry))
			continue; /* below, as it is met */
		buf_fmt(out, "%s\t%s\t%s\n", r->where, anon_act_words[r->act], origins[r->origin]);
	}
	for (size_t i = 0; dict_at(i, &entry); i++) {
		const struct anon_place at = {.iod = iod, .tag = entry.tag, .vr = entry.vr};
		struct anon_decision d = policy_decide(p, &at);

		if (TAG_GROUP(entry.tag) < 0x0008)
			continue; /* of commands and files, not of data sets */
		print_tag(entry.tag, entry.mask, out);
		buf_fmt(out, "\t%s\t%s\t%s\n", entry.keyword, anon_act_words[d.act],
			origins[d.origin]);
	}
}
