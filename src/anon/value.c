#include "anon/value.h"

#include <assert.h>
#include <string.h>

#include "anon/dates.h"
#include "base/sha256.h"
#include "dicom/dict.h"
#include "dicom/syntax.h"

#define TEXT_MAX (16u << 20) /* of one value, as UTF-8 */
#define CLEAN_ROUNDS 8u
#define HASH_BYTES 10u /* 80 bits: 16 characters of base 32, which SH has room for */

enum err value_open(struct value_maker *m, const struct policy *policy,
		    const struct anon_patient *patient, struct fault *f)
{
	struct buf *all[] = {&m->value, &m->text, &m->part, &m->next, &m->last};
	enum err e = OK;

	m->policy = policy;
	m->patient = patient;
	m->words = &patient->words;
	m->charset_value = BYTES_NONE;
	m->charset = charset_parse(BYTES_NONE);
	words_of_persons(&m->persons, &patient->words);
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		all[i]->max = TEXT_MAX;
	if (m->scratch.base == NULL)
		e = arena_open(&m->scratch, 4u * TEXT_MAX, f);
	else
		arena_reset(&m->scratch, 0);
	if (e == OK)
		text_encoder_init(&m->encoder, BYTES_NONE, &m->scratch);
	return e;
}

void value_charset(struct value_maker *m, struct bytes charset)
{
	if (m->charset_value.at == charset.at && m->charset_value.len == charset.len)
		return;
	m->charset_value = charset;
	m->charset = charset_parse(charset);
	text_encoder_init(&m->encoder, bytes_trim(charset), &m->scratch);
}

/* By its tag, not by what the file says (R4); private and unknown ones by what the file says. */
static enum vr judged_vr(const struct token *t)
{
	enum vr vr = dict_vr(t->tag);

	return vr != VR_UN ? vr : t->vr;
}

enum vr value_vr(const struct token *t)
{
	return t->vr != VR_NONE && t->vr != VR_UN && dict_allows(t->tag, t->vr) ? t->vr
										: judged_vr(t);
}

struct bytes value_encoded(struct value_maker *m, struct bytes utf8, size_t max)
{
	struct bytes text = text_encode(&m->encoder, utf8, max < 4 ? 4 : max);

	return text.at == NULL ? BYTES_NONE : text;
}

struct bytes value_pseudonym(struct value_maker *m, const char *text)
{
	/* never cut: the number that tells patients apart is at the end */
	return value_encoded(m, bytes_str(text), 4 * ANON_ID_MAX);
}

const char *value_code_meaning(const char *code)
{
	static const struct {
		const char *code, *meaning;
	} cid7050[] = {
		{"113100", "Basic Application Confidentiality Profile"},
		{"113101", "Clean Pixel Data Option"},
		{"113103", "Clean Graphics Option"},
		{"113104", "Clean Structured Content Option"},
		{"113105", "Clean Descriptors Option"},
		{"113106", "Retain Longitudinal Temporal Information Full Dates Option"},
		{"113107", "Retain Longitudinal Temporal Information Modified Dates Option"},
		{"113108", "Retain Patient Characteristics Option"},
		{"113109", "Retain Device Identity Option"},
		{"113110", "Retain UIDs Option"},
		{"113111", "Retain Safe Private Option"},
		{"113112", "Retain Institution Identity Option"},
	};

	for (size_t i = 0; i < sizeof(cid7050) / sizeof(cid7050[0]); i++)
		if (strcmp(cid7050[i].code, code) == 0)
			return cid7050[i].meaning;
	assert(false); /* every code of CID 7050 has its meaning */
	return "";
}

/* ---- what a value becomes ---- */

static bool is_free_text(enum vr vr)
{
	return vr == VR_LO || vr == VR_LT || vr == VR_SH || vr == VR_ST || vr == VR_UC ||
	       vr == VR_UT || vr == VR_PN || vr == VR_UR || vr == VR_AE;
}

static enum value_end finished(const struct value_maker *m, struct bytes *value)
{
	*value = buf_bytes(&m->value);
	return m->value.failed || m->text.failed || m->part.failed ? VALUE_NO_MEMORY : VALUE_NEW;
}

/* Valid for its VR, and the same for everybody. */
static struct bytes dummy_of(enum vr vr)
{
	static const uint8_t zeros[8];

	switch (vr) {
	case VR_AE:
	case VR_CS:
	case VR_LO:
	case VR_PN:
	case VR_SH:
	case VR_ST:
	case VR_LT:
	case VR_UC:
	case VR_UT:
		return BYTES_LIT("ANONYMIZED");
	case VR_AS:
		return BYTES_LIT("000Y");
	case VR_DA:
		return BYTES_LIT("19000101");
	case VR_DT:
		return BYTES_LIT("19000101000000");
	case VR_TM:
		return BYTES_LIT("000000");
	case VR_DS:
	case VR_IS:
		return BYTES_LIT("0");
	case VR_UR:
		return BYTES_LIT("urn:anonymized");
	case VR_AT:
		return bytes_of(zeros, 4);
	default: /* one number, or the shortest bulk */
		return bytes_of(zeros, vr_info(vr)->unit < 2 ? 2 : vr_info(vr)->unit);
	}
}

/* The values of a multi-valued text, one by one; `at` is where the next begins. */
static bool next_value(struct bytes all, size_t *at, struct bytes *one)
{
	if (*at > all.len)
		return false;
	const uint8_t *end = *at < all.len ? memchr(all.at + *at, '\\', all.len - *at) : NULL;
	size_t len = end != NULL ? (size_t)(end - all.at) - *at : all.len - *at;

	*one = bytes_slice(all, *at, len);
	*at += len + 1;
	return true;
}

static enum value_end map_uids(struct value_maker *m, struct bytes all, struct bytes *value)
{
	struct bytes one;
	bool changed = false;

	for (size_t at = 0; next_value(all, &at, &one);) {
		if (at > one.len + 1)
			buf_char(&m->value, '\\');
		one = bytes_trim(one);
		if (one.len == 0 || anon_uid_is_well_known(one)) {
			buf_add(&m->value, one);
			continue;
		}
		const struct uid mapped = anon_uid(m->patient->key, one);
		buf_str(&m->value, mapped.text);
		changed = true;
	}
	return changed ? finished(m, value) : VALUE_SAME;
}

/* Until nothing is found any more: what comes together when a word goes may be one, or a date.
 * *one is then in m->part. */
static bool clean_one(struct value_maker *m, struct bytes *one, bool strict)
{
	bool changed = false;

	for (buf_clear(&m->next); words_clean(m->words, *one, strict, &m->next);
	     buf_clear(&m->next)) {
		struct buf spare = m->part;

		m->part = m->next;
		m->next = spare;
		changed = true;
		*one = bytes_trim(buf_bytes(&m->part));
		if (m->part.failed)
			break;
	}
	return changed;
}

/* Text without the patient's words, value by value.  What has nothing left becomes a dummy. */
static enum value_end clean_once(struct value_maker *m, enum vr vr, struct bytes raw, bool strict,
				 struct bytes *value)
{
	bool changed = false;
	struct bytes one;

	buf_clear(&m->text);
	buf_clear(&m->value);
	charset_to_utf8(&m->charset, vr, raw, &m->text);
	struct bytes all = buf_bytes(&m->text);
	if (!strict && !words_found(m->words, all))
		return VALUE_SAME;
	for (size_t at = 0; at <= all.len;) {
		if (at > 0)
			buf_char(&m->value, '\\');
		if (vr_info(vr)->multi) {
			if (!next_value(all, &at, &one))
				break;
		} else {
			one = all;
			at = all.len + 1;
		}
		if (clean_one(m, &one, strict)) {
			changed = true;
			if (one.len == 0)
				one = dummy_of(vr);
		}
		buf_add(&m->value, value_encoded(m, one, 4 * one.len + 16));
	}
	return changed ? finished(m, value) : VALUE_SAME;
}

/* Until what is put out has nothing in it either: characters that the character set does not have
 * became others on the way. */
static enum value_end clean(struct value_maker *m, enum vr vr, struct bytes raw, bool strict,
			    struct bytes *value)
{
	enum value_end end = clean_once(m, vr, raw, strict, value);

	for (unsigned rounds = 0; end == VALUE_NEW; rounds++) {
		buf_clear(&m->last);
		buf_add(&m->last, *value);
		if (m->last.failed)
			return VALUE_NO_MEMORY;
		*value = buf_bytes(&m->last);
		if (rounds == CLEAN_ROUNDS) {
			*value = dummy_of(vr);
			return VALUE_NEW;
		}
		if (bytes_trim(*value).len == 0)
			return VALUE_NEW;
		end = clean_once(m, vr, *value, strict, value);
		if (end == VALUE_SAME)
			return VALUE_NEW;
	}
	return end;
}

/* Terms (CS) stay, but for those that hold the patient's words: these go. */
static enum value_end clean_terms(struct value_maker *m, struct bytes raw, struct bytes *value)
{
	bool changed = false;
	struct bytes one;

	if (!words_found(m->words, raw))
		return VALUE_SAME;
	for (size_t at = 0; next_value(raw, &at, &one);) {
		bool found = words_found(m->words, one);

		if (at > one.len + 1)
			buf_char(&m->value, '\\');
		changed |= found;
		if (!found)
			buf_add(&m->value, bytes_trim(one));
	}
	return changed ? finished(m, value) : VALUE_SAME;
}

/* What values of these VRs are made of, beside padding and the backslash; bits of `made_of`. */
enum { OF_DS = 1, OF_IS = 2, OF_DA = 4, OF_DT = 8, OF_AS = 16, OF_UI = 32, OF_ALL = 63 };

static const uint8_t made_of[256] = {
	[' '] = OF_ALL,
	['\0'] = OF_ALL,
	['\\'] = OF_ALL,
	['0'] = OF_ALL,
	['1'] = OF_ALL,
	['2'] = OF_ALL,
	['3'] = OF_ALL,
	['4'] = OF_ALL,
	['5'] = OF_ALL,
	['6'] = OF_ALL,
	['7'] = OF_ALL,
	['8'] = OF_ALL,
	['9'] = OF_ALL,
	['+'] = OF_DS | OF_IS | OF_DT,
	['-'] = OF_DS | OF_IS | OF_DA | OF_DT,
	['.'] = OF_DS | OF_IS | OF_DA | OF_DT | OF_UI,
	[':'] = OF_DT,
	['e'] = OF_DS,
	['E'] = OF_DS,
	['D'] = OF_AS,
	['W'] = OF_AS,
	['M'] = OF_AS,
	['Y'] = OF_AS,
};

/* Digits, points, signs and backslashes only, and whole sixteens of them: all but the end of nearly
 * every contour. */
static bool is_numbers(struct bytes b)
{
	typedef uint8_t sixteen __attribute__((vector_size(16)));
	sixteen other = {0}, c;
	uint64_t halves[2];

	for (size_t i = 0; i < b.len; i += sizeof(c)) {
		memcpy(&c, b.at + i, sizeof(c));
		other |= (sixteen)(c - '0' > 9) & (sixteen)(c != '.') & (sixteen)(c != '\\') &
			 (sixteen)(c != '-');
	}
	memcpy(halves, &other, sizeof(halves));
	return (halves[0] | halves[1]) == 0;
}

/* Is it what its VR says?  What is not may say anything. */
static bool is_plausible(enum vr vr, struct bytes raw)
{
	static const uint8_t of[VR_COUNT] = {
		[VR_DS] = OF_DS, [VR_IS] = OF_IS, [VR_DA] = OF_DA, [VR_TM] = OF_DT,
		[VR_DT] = OF_DT, [VR_AS] = OF_AS, [VR_UI] = OF_UI,
	};
	uint8_t common = OF_ALL;
	size_t whole = raw.len - raw.len % 16;
	size_t i = of[vr] == 0 ? raw.len : 0;

	if (vr == VR_DS && is_numbers(bytes_slice(raw, 0, whole)))
		i = whole;
	for (; i < raw.len; i++)
		common &= made_of[raw.at[i]];
	return (common & of[vr]) == of[vr];
}

static enum value_end of_dates(struct value_maker *m, enum vr vr, struct bytes raw,
			       enum anon_act act, struct bytes *value)
{
	bool good;

	if (vr == VR_TM && act != ACT_FULL_HOUR)
		return time_ok(raw) ? VALUE_SAME : finished(m, value);
	if (act == ACT_SHIFT)
		good = date_shift(raw, vr, m->patient->shift_days, &m->value);
	else if (act == ACT_FIRST_DAY)
		good = date_first_day(raw, vr, &m->value);
	else
		good = time_full_hour(raw, vr, &m->value);
	if (!good) /* no date: nothing of it may pass (R13) */
		buf_clear(&m->value);
	return finished(m, value);
}

static enum value_end hash(struct value_maker *m, enum vr vr, struct bytes raw, struct bytes *value)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
	uint8_t sum[SHA256_LEN];
	struct hmac h;
	uint64_t bits = 0;
	unsigned held = 0;

	if (vr == VR_UI)
		return map_uids(m, raw, value);
	hmac_init(&h, m->patient->key);
	hmac_add_framed(&h, BYTES_LIT("netrt-deid 1"));
	hmac_add_framed(&h, BYTES_LIT("hash"));
	hmac_add_framed(&h, bytes_trim(raw));
	hmac_end(&h, sum);
	for (unsigned i = 0; i < HASH_BYTES; i++) {
		bits = bits << 8 | sum[i];
		for (held += 8; held >= 5; held -= 5)
			buf_char(&m->value, digits[bits >> (held - 5) & 31u]);
	}
	return finished(m, value);
}

static enum value_end text_value(struct value_maker *m, struct bytes encoded, struct bytes *value)
{
	buf_add(&m->value, encoded);
	return finished(m, value);
}

/* An attribute that tells what the image is, in terms of the standard that nobody is called by. */
static bool is_of_image(uint32_t tag)
{
	return TAG_GROUP(tag) == 0x0028 || tag == TAG_SpecificCharacterSet || tag == TAG_Modality ||
	       tag == TAG_PatientPosition;
}

/* Text that can be nothing but a UID: three components at least, as no number has. */
static bool is_uid(struct bytes text)
{
	unsigned dots = 0;

	for (size_t i = 0; i < text.len; i++)
		dots += text.at[i] == '.';
	return dots >= 2 && uid_ok(text);
}

/* A date of our days, alone or with a time. */
static bool is_date(struct bytes text)
{
	struct buf first = BUF_INIT(64);
	bool good = text.len >= 8 && (text.at[0] == '1' || text.at[0] == '2') &&
		    date_first_day(text, VR_DT, &first);

	buf_free(&first);
	return good;
}

/* What the dictionary does not know, and in implicit VR the file neither: UIDs, dates, and bytes
 * that read as text with the patient's words go. */
static enum value_end keep_unknown(struct value_maker *m, struct bytes raw)
{
	unsigned options = policy_settings(m->policy)->options;
	struct bytes text = bytes_trim(raw);

	if (((options & ANON_RETAIN_UIDS) == 0 && is_uid(text)) ||
	    ((options & ANON_RETAIN_FULL_DATES) == 0 && is_date(text)))
		return VALUE_GONE;
	charset_to_utf8(&m->charset, VR_LT, raw, &m->text);
	return words_found(m->words, buf_bytes(&m->text)) ? VALUE_GONE : VALUE_SAME;
}

/* Kept, as far as it is what it should be, and but for the patient's words. */
static enum value_end keep(struct value_maker *m, const struct value_job *job, enum vr vr,
			   struct bytes *value)
{
	const struct token *t = job->token;
	bool asked = job->decision.origin == FROM_SITE;

	if (asked || !policy_cleans_text(m->policy) || anon_is_creator(t->tag))
		return VALUE_SAME;
	if (is_free_text(vr))
		return job->plain ? text_value(m, dummy_of(vr), value)
				  : clean(m, vr, t->value, job->strict, value);
	if (vr == VR_CS)
		return is_of_image(t->tag) ? VALUE_SAME : clean_terms(m, t->value, value);
	if (vr == VR_UI && !is_plausible(vr, t->value))
		return map_uids(m, t->value, value);
	if (vr == VR_UN || vr == VR_NONE)
		return keep_unknown(m, t->value);
	/* numbers, dates and bytes that are text by their VR, or by what is in them */
	if (!is_plausible(vr, t->value) || (!vr_info(vr)->is_text && vr_info(t->vr)->is_text))
		return finished(m, value);
	return VALUE_SAME;
}

static enum value_end by_act(struct value_maker *m, const struct value_job *job, enum vr vr,
			     struct bytes *value)
{
	struct bytes raw = job->token->value;

	switch (job->decision.act) {
	case ACT_KEEP:
		return keep(m, job, vr, value);
	case ACT_DUMMY:
		return vr == VR_UI ? map_uids(m, raw, value) : text_value(m, dummy_of(vr), value);
	case ACT_UID:
		return map_uids(m, raw, value);
	case ACT_CLEAN:
		return is_free_text(vr) ? clean(m, vr, raw, true, value) : keep(m, job, vr, value);
	case ACT_SHIFT:
	case ACT_FIRST_DAY:
	case ACT_FULL_HOUR:
		return of_dates(m, vr, raw, job->decision.act, value);
	case ACT_HASH:
		return hash(m, vr, raw, value);
	case ACT_ID:
		return text_value(m, value_pseudonym(m, m->patient->id), value);
	case ACT_NAME:
		return text_value(m, value_pseudonym(m, m->patient->name), value);
	case ACT_AGE:
		if (!age_cap(raw, &m->value))
			buf_clear(&m->value);
		return finished(m, value);
	case ACT_ROI_NAME:
		return text_value(m, value_encoded(m, job->roi_name, 64), value);
	default:
		return VALUE_GONE;
	}
}

/* What the site says instead, value by value. */
static enum value_end replace(struct value_maker *m, const struct value_job *job, enum vr vr,
			      struct bytes *value)
{
	struct bytes all = job->decision.value, one;
	size_t max = vr_info(vr)->max_len > 0 ? vr_info(vr)->max_len : all.len + 4;

	if (!vr_info(vr)->multi)
		return text_value(m, value_encoded(m, all, max), value);
	for (size_t at = 0; next_value(all, &at, &one);) {
		if (at > one.len + 1)
			buf_char(&m->value, '\\');
		buf_add(&m->value, value_encoded(m, one, max));
	}
	return finished(m, value);
}

enum value_end value_make(struct value_maker *m, const struct value_job *job, struct bytes *value)
{
	const struct token *t = job->token;
	enum vr vr = judged_vr(t);
	bool blank = bytes_trim(t->value).len == 0;

	/* who makes scanners may have the name of an institution */
	m->words = t->tag == TAG_Manufacturer || t->tag == TAG_ManufacturerModelName
			   ? &m->persons
			   : &m->patient->words;
	buf_clear(&m->value);
	buf_clear(&m->text);
	*value = BYTES_NONE;
	if (job->decision.act == ACT_EMPTY)
		return VALUE_NEW;
	if (job->decision.act == ACT_REPLACE)
		return replace(m, job, vr, value);
	/* a sequence that is none: what is in it cannot be judged */
	if (vr == VR_SQ && t->value.len > 0 && policy_cleans_text(m->policy))
		return job->decision.act == ACT_DUMMY ? VALUE_NEW : VALUE_GONE;
	if (blank) /* says nothing, and may say nothing */
		return VALUE_SAME;
	return by_act(m, job, vr, value);
}
