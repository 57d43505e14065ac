#include "anon/verify.h"

#include <assert.h>
#include <string.h>

#include "anon/dates.h"
#include "anon/forbidden.h"
#include "anon/visit.h"
#include "dicom/dict.h"
#include "dicom/part10.h"

#define NUMBER_LEAST 4u /* digits of a number that may be somebody's ID */
#define NUMBER_MOST 5u  /* and of one that a kept number may be all the same */
#define WEAK_ALONE 5u   /* letters and digits of a name of an institution */
#define ANYWHERE 6u     /* bytes of a pattern that does not stand in binary values by chance */
#define KEPT_MOST 4096u /* bytes of a kept value that is looked at */
#define CANDIDATES_MOST 1000000u

/* An attribute of the source whose values are forbidden. */
struct candidate {
	struct bytes value, charset;
	uint32_t tag;
	enum vr vr;
};

struct collector {
	const struct policy *policy;
	const struct anon_source *source;
	struct arena *a;
	struct fault *f;
	struct visit visit;
	struct bytes charset[VISIT_DEPTH + 1]; /* of the item at each depth */
	struct forbidden forbidden;
	struct candidate *candidate; /* arena's, grows */
	uint32_t count, room;
	size_t samples;  /* bytes of pixel data at the top level */
	struct buf text; /* owned; kept from object to object */
	enum anon_iod iod;
};

/* ---- the source: what is kept, and what is forbidden then ---- */

/* Texts that are forbidden beside names of persons, which PN tells. */
static bool is_identifying(uint32_t tag)
{
	switch (tag) {
	case TAG_AccessionNumber:
	case TAG_ReferringPhysicianAddress:
	case TAG_ReferringPhysicianTelephoneNumbers:
	case TAG_PatientID:
	case TAG_IssuerOfPatientID:
	case TAG_OtherPatientIDs:
	case TAG_PatientAddress:
	case TAG_PatientTelephoneNumbers:
	case TAG_MedicalRecordLocator:
	case TAG_AdmissionID:
	case TAG_ServiceEpisodeID:
	case TAG_PlacerOrderNumberImagingServiceRequest:
	case TAG_FillerOrderNumberImagingServiceRequest:
	case TAG_PersonAddress:
	case TAG_PersonTelephoneNumbers:
		return true;
	default:
		return false;
	}
}

/* Those of institutions, devices and procedure steps. */
static bool is_weak(uint32_t tag)
{
	switch (tag) {
	case TAG_InstitutionName:
	case TAG_InstitutionAddress:
	case TAG_StationName:
	case TAG_DeviceSerialNumber:
	case TAG_StudyID:
	case TAG_PerformedProcedureStepID:
	case TAG_RequestedProcedureID:
	case TAG_ScheduledProcedureStepID:
	case TAG_LocalNamespaceEntityID:
	case TAG_UniversalEntityID:
		return true;
	default:
		return false;
	}
}

/* Of departments, places and trials: where it is no word that all of them have. */
static bool is_place(uint32_t tag)
{
	switch (tag) {
	case TAG_InstitutionalDepartmentName:
	case TAG_ScheduledStationName:
	case TAG_PerformedStationName:
	case TAG_PerformedLocation:
	case TAG_RequestingService:
	case TAG_CurrentPatientLocation:
	case TAG_TreatmentMachineName:
	case TAG_ClinicalTrialSponsorName:
	case TAG_ClinicalTrialProtocolName:
	case TAG_ClinicalTrialSiteName:
	case TAG_ClinicalTrialSubjectID:
		return true;
	default:
		return false;
	}
}

static bool is_number(struct bytes b)
{
	for (size_t i = 0; i < b.len; i++)
		if (b.at[i] < '0' || b.at[i] > '9')
			return false;
	return b.len > 0;
}

/* Every value of a kept attribute may be met again. */
static void keep_values(struct collector *c, struct bytes all, enum vr vr)
{
	for (size_t at = 0; at <= all.len;) {
		const uint8_t *end = at < all.len ? memchr(all.at + at, '\\', all.len - at) : NULL;
		size_t len = end != NULL ? (size_t)(end - all.at) - at : all.len - at;

		forbidden_keep(&c->forbidden, bytes_slice(all, at, len), vr);
		at += len + 1;
	}
}

/* Is what a kept text says put out as it is?  (Words of the patient are taken out of it.) */
static bool stands(const struct collector *c, struct bytes value, const struct anon_decision *d)
{
	return d->origin == FROM_SITE || !policy_cleans_text(c->policy) ||
	       !words_found(&c->source->patient->words, value);
}

static void keep_attribute(struct collector *c, struct bytes value, enum vr vr,
			   const struct anon_decision *d)
{
	struct bytes trimmed = bytes_trim(value);

	if (value.len > KEPT_MOST)
		return;
	switch (vr) {
	case VR_DS:
	case VR_IS: /* what no ID can be is not worth its place */
		if (is_number(trimmed) && trimmed.len >= NUMBER_LEAST &&
		    (trimmed.len <= NUMBER_MOST || d->origin == FROM_SITE ||
		     !policy_cleans_text(c->policy)))
			forbidden_keep(&c->forbidden, value, vr);
		return;
	case VR_UI:
	case VR_DA:
	case VR_DT:
		keep_values(c, value, vr);
		return;
	case VR_LT:
	case VR_ST:
	case VR_UT:
		if (stands(c, value, d))
			forbidden_keep(&c->forbidden, value, vr);
		return;
	default:
		if (vr_info(vr)->is_text && stands(c, value, d))
			keep_values(c, value, vr);
		return;
	}
}

/* A moved date may be another date of the source; the new object says it all the same.  Dates of
 * ranges and of dates with times count on their own, too. */
static void keep_moved(struct collector *c, struct bytes dates, enum vr vr)
{
	buf_clear(&c->text);
	if (!date_shift(dates, vr, c->source->patient->shift_days, &c->text))
		return;
	struct bytes moved = arena_copy(c->a, buf_bytes(&c->text));
	if (moved.at == NULL)
		return;
	keep_values(c, moved, vr);
	for (size_t at = 0; at + 8 <= moved.len; at++)
		if (at == 0 || moved.at[at - 1] == '\\' || moved.at[at - 1] == '-')
			forbidden_keep(&c->forbidden, bytes_slice(moved, at, 8), VR_DA);
}

static enum err forbid_later(struct collector *c, const struct token *t, enum vr vr)
{
	if (c->count == c->room) {
		uint32_t room = c->room == 0 ? 64 : 2 * c->room;
		struct candidate *more = ARENA_NEW(c->a, struct candidate, room);

		if (more == NULL || room > CANDIDATES_MOST)
			return fault_set(c->f, ERR_LIMIT,
					 "too many identifying values in one object", t->at);
		if (c->count > 0)
			memcpy(more, c->candidate, c->count * sizeof(*more));
		c->candidate = more;
		c->room = room;
	}
	c->candidate[c->count++] = (struct candidate){
		.value = t->value, .charset = c->charset[c->visit.depth], .tag = t->tag, .vr = vr};
	return OK;
}

static enum err look_at(struct collector *c, const struct token *t)
{
	enum vr vr = dict_vr(t->tag) != VR_UN ? dict_vr(t->tag) : t->vr;
	struct anon_place place = visit_place(&c->visit, t, c->iod);
	struct anon_decision d = policy_decide(c->policy, &place);

	if (t->tag == TAG_SpecificCharacterSet) {
		c->charset[c->visit.depth] = t->value;
		if (!forbidden_charset(&c->forbidden, t->value))
			return fault_tag(c->f, ERR_LIMIT, "too many character sets in one object",
					 t->at, t->tag);
	}
	if (d.act == ACT_KEEP)
		keep_attribute(c, t->value, vr, &d);
	else if (d.act == ACT_SHIFT && (vr == VR_DA || vr == VR_DT))
		keep_moved(c, t->value, vr);
	else if (d.act == ACT_REPLACE)
		keep_values(c, d.value, vr);
	if (d.act == ACT_KEEP)
		return OK;
	if (vr == VR_PN || vr == VR_UI || vr == VR_DA || vr == VR_DT || is_identifying(t->tag) ||
	    is_weak(t->tag) ||
	    (is_place(t->tag) && d.act != ACT_CLEAN && !words_is_common(t->value)))
		return forbid_later(c, t, vr);
	return OK;
}

static enum err pass(struct collector *c)
{
	struct visit *v = &c->visit;
	struct token t;
	enum err e;

	visit_open(v, c->source->data, c->source->syntax);
	c->charset[0] = BYTES_NONE;
	while ((e = visit_next(v, &t, c->f)) == OK) {
		if (v->depth == 0 && TAG_GROUP(t.tag) == 0x7FE0)
			c->samples = c->source->data.len - t.value_at; /* nearly nothing follows */
		if (t.kind == TOK_PIXELS)
			e = visit_skip(v, c->f);
		else if (t.kind == TOK_ITEM)
			c->charset[v->depth] = c->charset[v->depth - 1];
		else if (visit_hides(&t))
			e = visit_enter(v, &t, c->f);
		else if (t.kind == TOK_ELEMENT)
			e = look_at(c, &t);
		if (t.kind == TOK_ELEMENT && t.tag == TAG_SOPClassUID && v->depth == 0)
			c->iod = anon_iod_of(t.value);
		if (e != OK)
			return e;
	}
	return e == ERR_MORE ? OK : e;
}

/* The patient's new ID or name, and the date in it, "SITE_0001_20240101": in a map that was made
 * under other rules it may be one of the source. */
static void keep_pseudonym(struct collector *c, const char *text)
{
	const char *last = strrchr(text, '_');

	forbidden_keep(&c->forbidden, bytes_str(text), VR_LO);
	if (last != NULL)
		forbidden_keep(&c->forbidden, bytes_str(last + 1), VR_LO);
}

/* What anon/apply itself may write, and when: the day of today, moved with the others, may be one
 * of the source. */
static void keep_new(struct collector *c)
{
	static const char *const dummies[] = {"ANONYMIZED", "19000101", "19000101000000", "000000",
					      "000Y",       "090Y",     "urn:anonymized"};
	const struct anon_patient *p = c->source->patient;
	const struct anon_settings *s = policy_settings(c->policy);

	for (size_t i = 0; i < sizeof(dummies) / sizeof(dummies[0]); i++)
		forbidden_keep(&c->forbidden, bytes_str(dummies[i]), VR_LO);
	keep_pseudonym(c, p->id);
	keep_pseudonym(c, p->name);
	if (c->source->today[0] == '\0')
		return;
	if (policy_shifts_dates(c->policy))
		keep_moved(c, bytes_str(c->source->today), VR_DA);
	else if (s->profile == ANON_NETRT || (s->options & ANON_RETAIN_FULL_DATES) != 0)
		forbidden_keep(&c->forbidden, bytes_str(c->source->today), VR_DA);
}

enum err verify_collect(struct verify *v, const struct policy *policy,
			const struct anon_source *source, struct arena *a, struct fault *f)
{
	static struct collector work; /* large, and one at a time */
	struct collector *c = &work;

	*v = (struct verify){.policy = policy};
	c->policy = policy;
	c->source = source;
	c->a = a;
	c->f = f;
	c->candidate = NULL;
	c->count = c->room = 0;
	c->samples = 0;
	c->text.max = KEPT_MOST * 4;
	c->iod = IOD_OTHER;
	forbidden_open(&c->forbidden, v, a);
	own_texts_of(&v->own, policy, source->patient);
	keep_new(c);
	enum err e = pass(c);
	/* persons first: what names one is not weak, whatever else it names */
	for (unsigned weak = 0; weak < 2 && e == OK; weak++)
		for (uint32_t i = 0; i < c->count; i++) {
			const struct candidate *one = &c->candidate[i];

			if ((is_weak(one->tag) || is_place(one->tag)) == (weak == 1))
				forbidden_add(&c->forbidden, one->value, one->vr, one->tag,
					      one->charset, weak == 1);
		}
	if (e == OK && c->forbidden.no_memory)
		e = fault_set(f, ERR_LIMIT, "too many identifying values to look for in one object",
			      FAULT_NO_OFFSET);
	return e == OK ? search_ready(&v->search, source->data.len - c->samples, c->samples, f) : e;
}

/* ---- the output ---- */

/* Goes through a data set beside the search, from attribute to attribute. */
struct finder {
	struct visit visit;
	const struct policy *policy;
	struct bytes data;
	struct token next; /* not reached yet */
	bool more;
	enum anon_iod iod;
	/* of the attribute that is reached */
	uint32_t tag;
	enum vr vr;
	bool kept;   /* the policy keeps it, cleaned or not */
	bool stands; /* as it was in the source, whatever it says */
	bool ours;   /* de-identification says it of itself, or a list that everybody has */
};

static size_t place_of(const struct finder *n)
{
	return (size_t)(visit_in(&n->visit).at - n->data.at) + n->next.at;
}

static void finder_open(struct finder *n, const struct policy *policy, const struct part10 *p)
{
	visit_open(&n->visit, p->data, p->syntax);
	n->policy = policy;
	n->data = p->data;
	n->iod = IOD_OTHER;
	n->tag = 0;
	n->vr = VR_LO;
	n->kept = n->stands = n->ours = false;
	n->more = visit_next(&n->visit, &n->next, NULL) == OK;
}

static bool is_ours(const struct visit *v, uint32_t tag)
{
	uint32_t top = v->depth > 0 ? v->path[0] : tag;

	return top == TAG_PatientIdentityRemoved || top == TAG_DeidentificationMethod ||
	       top == TAG_DeidentificationMethodCodeSequence ||
	       top == TAG_LongitudinalTemporalInformationModified;
}

static void step(struct finder *n)
{
	const struct token t = n->next;
	enum err e = OK;

	if (t.kind == TOK_ELEMENT || t.kind == TOK_SEQUENCE || t.kind == TOK_PIXELS) {
		struct anon_place place = visit_place(&n->visit, &t, n->iod);
		enum vr vr = dict_vr(t.tag);

		n->tag = t.tag;
		n->vr = vr != VR_UN ? vr : t.vr;
		enum anon_act act = policy_decide(n->policy, &place).act;
		n->kept = act == ACT_KEEP || act == ACT_CLEAN;
		n->stands = act == ACT_KEEP && !policy_cleans_text(n->policy);
		n->ours =
			policy_cleans_text(n->policy) &&
			(is_ours(&n->visit, t.tag) || (act == ACT_KEEP && anon_is_creator(t.tag)));
		if (n->visit.depth == 0 && t.tag == TAG_SOPClassUID)
			n->iod = anon_iod_of(t.value);
	}
	if (t.kind == TOK_PIXELS)
		e = visit_skip(&n->visit, NULL);
	else if (visit_hides(&t))
		e = visit_enter(&n->visit, &t, NULL);
	n->more = e == OK && visit_next(&n->visit, &n->next, NULL) == OK;
}

/* To the attribute to which this byte belongs; places ascend. */
static void finder_go(struct finder *n, size_t at)
{
	while (n->more && place_of(n) <= at)
		step(n);
}

/* A part of the file that is searched. */
struct region {
	struct bytes bytes;
	size_t at;    /* in the data set */
	bool in_data; /* of the data set */
	bool pixels;
};

static bool is_word_byte(uint8_t c)
{
	return c >= 0x80 || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
	       (c >= 'A' && c <= 'Z');
}

/* Texts that are cleaned, but for who made the device. */
static bool is_cleaned_text(const struct finder *n)
{
	return vr_info(n->vr)->uses_charset && n->tag != TAG_Manufacturer &&
	       n->tag != TAG_ManufacturerModelName;
}

/* A name of an institution or a device in an attribute that is kept: there it may be a part of a
 * longer word, or one that all of them have, but not stand for itself. */
static bool weak_may_stand(const struct finder *n, const struct verify_pattern *of,
			   const struct region *r, size_t at, struct bytes pattern)
{
	size_t end = at + pattern.len, count = 0;
	bool inside = (at > 0 && is_word_byte(r->bytes.at[at - 1])) ||
		      (end < r->bytes.len && is_word_byte(r->bytes.at[end]));

	for (size_t i = 0; i < pattern.len; i++)
		count += pattern.at[i] < 0x80 && is_word_byte(pattern.at[i]);
	return inside || count < WEAK_ALONE || of->form == FORM_UTF16_LE ||
	       of->form == FORM_UTF16_BE || !is_cleaned_text(n) || words_is_common(pattern);
}

/* May the pattern stand there, by chance or by right? */
static bool may_stand(const struct finder *n, const struct verify_pattern *of,
		      const struct region *r, size_t at, struct bytes pattern)
{
	if (n->stands || n->ours || (of->weak && n->kept && weak_may_stand(n, of, r, at, pattern)))
		return true;
	if (pattern.len >= ANYWHERE)
		return false;
	/* short ones: numbers in numbers, and anything in binary values */
	return !vr_info(n->vr)->is_text ||
	       (of->sort == SORT_NUMBER && !vr_info(n->vr)->uses_charset && n->vr != VR_AE &&
		n->vr != VR_UR);
}

/* The first forbidden string in a region; *in is the attribute in which it stands. */
static bool search_region(const struct verify *v, struct finder *n, const struct region *r,
			  uint32_t *pattern, uint32_t *in)
{
	struct search_at where = r->pixels ? SEARCH_BEGIN_LONG : SEARCH_BEGIN;
	size_t at;
	uint32_t index;

	if (r->bytes.at == NULL)
		return false;
	while (search_next(&v->search, r->bytes, &where, &at, &index)) {
		const struct verify_pattern *of = &v->of[index];
		struct bytes text = v->search.pattern[index];

		if (!forbidden_stands_alone(r->bytes, at, text, (enum forbidden_sort)of->sort))
			continue;
		if (!r->pixels && own_texts_cover(&v->own, r->bytes, at, text.len))
			continue;
		if (r->in_data)
			finder_go(n, r->at + at);
		if (r->in_data && may_stand(n, of, r, at, text))
			continue;
		*pattern = index;
		*in = r->in_data ? n->tag : 0;
		return true;
	}
	return false;
}

static enum err found(const struct verify *v, uint32_t pattern, uint32_t in, struct verify_hit *hit,
		      struct fault *f)
{
	*hit = (struct verify_hit){.tag = v->of[pattern].tag,
				   .found_in = in,
				   .form = forbidden_form_words[v->of[pattern].form]};
	return fault_tag(f, ERR_UNUSABLE, "a value of the source is still in the output",
			 FAULT_NO_OFFSET, in);
}

/* Short values: only as the whole of a text. */
static enum err look_for_brief(const struct verify *v, const struct token *t,
			       struct verify_hit *hit, struct fault *f)
{
	if (!vr_info(t->vr)->uses_charset)
		return OK;
	struct bytes value = bytes_trim(t->value);
	for (uint32_t i = 0; i < v->brief.count; i++) {
		if (!bytes_eq(v->brief.item[i], value))
			continue;
		*hit = (struct verify_hit){v->brief_tag[i], t->tag, forbidden_form_words[FORM_RAW]};
		return fault_tag(f, ERR_UNUSABLE, "a value of the source is still in the output",
				 FAULT_NO_OFFSET, t->tag);
	}
	return OK;
}

/* Once over the elements: is it whole, where are its pixels, is there a short value? */
static enum err look_over(const struct verify *v, const struct part10 *p, struct bytes *pixels,
			  struct verify_hit *hit, struct fault *f)
{
	static struct visit visit; /* large, and one at a time */
	bool brief = v->brief.count > 0 && policy_cleans_text(v->policy);
	struct token t;
	enum err e;

	*pixels = BYTES_NONE;
	visit_open(&visit, p->data, p->syntax);
	while ((e = visit_next(&visit, &t, f)) == OK) {
		bool own = visit.depth == 0 && TAG_GROUP(t.tag) == 0x7FE0;

		if (t.kind == TOK_PIXELS)
			e = visit_skip(&visit, f);
		else if (visit_hides(&t))
			e = visit_enter(&visit, &t, f);
		else if (t.kind == TOK_ELEMENT && brief)
			e = look_for_brief(v, &t, hit, f);
		if (e != OK)
			return e;
		if (own && t.kind == TOK_PIXELS)
			*pixels = bytes_slice(p->data, t.value_at, visit_pos(&visit) - t.value_at);
		else if (own && t.kind == TOK_ELEMENT && t.value.len > pixels->len)
			*pixels = t.value;
	}
	return e == ERR_MORE ? OK : e;
}

static enum err search_all(const struct verify *v, const struct part10 *p, struct bytes pixels,
			   struct verify_hit *hit, struct fault *f)
{
	static struct finder finder; /* large, and one at a time */
	size_t split = pixels.len > 0 ? (size_t)(pixels.at - p->data.at) : p->data.len;
	size_t rest = split + pixels.len;
	const struct region regions[] = {
		{bytes_slice(p->data, 0, split), 0, true, false},
		{pixels, split, true, true},
		{bytes_slice(p->data, rest, p->data.len - rest), rest, true, false},
		/* preamble and meta information */
		{bytes_slice(p->file, 0, p->data_at), 0, false, false},
	};
	uint32_t pattern, in;

	finder_open(&finder, v->policy, p);
	for (size_t i = 0; i < sizeof(regions) / sizeof(regions[0]); i++)
		if (search_region(v, &finder, &regions[i], &pattern, &in))
			return found(v, pattern, in, hit, f);
	return OK;
}

enum err verify_file(const struct verify *v, struct bytes file, struct verify_hit *hit,
		     struct fault *f)
{
	struct part10 p;
	struct bytes pixels;
	enum err e = part10_parse(&p, file, f);

	if (e != OK)
		return e;
	e = look_over(v, &p, &pixels, hit, f);
	if (e == OK)
		e = search_all(v, &p, pixels, hit, f);
	part10_close(&p);
	return e;
}
