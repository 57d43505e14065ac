#include "anon/verify.h"

#include <assert.h>
#include <string.h>

#include "anon/dates.h"
#include "anon/visit.h"
#include "base/utf8.h"
#include "dicom/charset.h"
#include "dicom/dict.h"
#include "dicom/part10.h"

#define VALUE_MAX (1u << 20)
#define BRIEF_MAX 1024u
#define WORD_ALONE 5u /* letters from which a name is looked for inside of words too */

enum form { FORM_RAW, FORM_UTF8, FORM_PART, FORM_CASE, FORM_UTF16_LE, FORM_UTF16_BE };
static const char *const form_words[] = {
	[FORM_RAW] = "as it was",       [FORM_UTF8] = "as UTF-8",
	[FORM_PART] = "part of a name", [FORM_CASE] = "in other case",
	[FORM_UTF16_LE] = "as UTF-16",  [FORM_UTF16_BE] = "as UTF-16",
};

struct collector {
	struct verify *v;
	const struct policy *policy;
	const struct anon_source *source;
	struct arena *a;
	struct fault *f;
	struct charset charset;
	struct visit visit;
	struct valueset kept, known; /* values that the policy keeps; patterns that are there */
	struct buf text;             /* owned */
	enum anon_iod iod;
	bool no_memory;
};

/* ---- what is forbidden ---- */

static bool is_identifying(uint32_t tag)
{
	static const uint32_t tags[] = {
		TAG_AccessionNumber,
		TAG_InstitutionName,
		TAG_InstitutionAddress,
		TAG_ReferringPhysicianAddress,
		TAG_ReferringPhysicianTelephoneNumbers,
		TAG_StationName,
		TAG_PatientID,
		TAG_IssuerOfPatientID,
		TAG_OtherPatientIDs,
		TAG_PatientAddress,
		TAG_PatientTelephoneNumbers,
		TAG_MedicalRecordLocator,
		TAG_DeviceSerialNumber,
		TAG_AdmissionID,
		TAG_PersonAddress,
		TAG_PersonTelephoneNumbers,
	};

	for (size_t i = 0; i < sizeof(tags) / sizeof(tags[0]); i++)
		if (tags[i] == tag)
			return true;
	return false;
}

static bool is_kept(const struct collector *c, struct bytes value)
{
	return valueset_has(&c->kept, value);
}

/* Words of the texts that netrt itself puts into every object: a patient of that name is cleaned
 * out of what the source says, but nothing can be told from these. */
static bool is_own_word(struct bytes value)
{
	static const char *const words[] = {
		"netrt",
		"overlay",
		"planes",
		"from",
		"structure",
		"pixel",
		"data",
		"unchanged",
		"drew",
		"contours",
		"image",
		"source",
		"processing",
		"operation",
		"modifying",
		"equipment",
		"anonymized",
		"removed",
		"modified",
		"codes",
		"profile",
		"basic",
		"option",
		"retain",
		"clean",
		"dates",
		"full",
		"options",
		"device",
		"identity",
		"institution",
		"patient",
		"private",
		"safe",
		"content",
		"application",
		"confidentiality",
		"longitudinal",
		"temporal",
		"information",
		"characteristics",
		"descriptors",
		"structured",
		"graphics",
		"site",
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (value.len == strlen(words[i]) && bytes_has_nocase(value, bytes_str(words[i])))
			return true;
	return false;
}

/* A pattern, unless it is there; `value` is kept by reference. */
static void add(struct collector *c, struct bytes value, uint32_t tag, enum form form)
{
	struct verify *v = c->v;

	if (value.len < SEARCH_SHORTEST || valueset_has(&c->known, value))
		return;
	uint32_t index = v->search.count;
	if (!search_add(&v->search, value) || !valueset_add(&c->known, value)) {
		c->no_memory = true;
		return;
	}
	v->tag[index] = tag;
	v->form[index] = (uint8_t)form;
	if (value.len < VERIFY_PIXELS)
		return;
	v->pixel_index[v->pixels.count] = index;
	if (!search_add(&v->pixels, value))
		c->no_memory = true;
}

static void add_brief(struct collector *c, struct bytes value, uint32_t tag)
{
	struct verify *v = c->v;

	if (value.len == 0 || v->brief_count == BRIEF_MAX)
		return;
	v->brief[v->brief_count] = value;
	v->brief_tag[v->brief_count++] = tag;
}

static struct bytes owned(struct collector *c, struct bytes b)
{
	struct bytes copy = arena_copy(c->a, b);

	c->no_memory = c->no_memory || copy.at == NULL;
	return copy.at == NULL ? BYTES_NONE : copy;
}

/* The same text with other bytes: cases of ASCII, and UTF-16. */
static void add_forms(struct collector *c, struct bytes utf8, uint32_t tag)
{
	struct bytes upper = owned(c, utf8), lower = owned(c, utf8);
	uint8_t *wide = ARENA_NEW(c->a, uint8_t, 4 * utf8.len + 4);
	size_t units = 0;

	if (wide == NULL || upper.at == NULL || lower.at == NULL) {
		c->no_memory = true;
		return;
	}
	for (size_t i = 0; i < utf8.len; i++) {
		uint8_t *up = (uint8_t *)(uintptr_t)upper.at + i;
		uint8_t *low = (uint8_t *)(uintptr_t)lower.at + i;

		*up = (uint8_t)(*up >= 'a' && *up <= 'z' ? *up - 32 : *up);
		*low = (uint8_t)(*low >= 'A' && *low <= 'Z' ? *low + 32 : *low);
	}
	add(c, upper, tag, FORM_CASE);
	add(c, lower, tag, FORM_CASE);
	for (size_t at = 0; at < utf8.len;) {
		uint32_t code;
		unsigned len = utf8_next(bytes_slice(utf8, at, utf8.len - at), &code);

		if (len == 0 ||
		    code > 0xFFFF) /* no such text in UTF-16, or beyond the plane of names */
			return;
		put_u16le(wide + 2 * units++, (uint16_t)code);
		at += len;
	}
	struct bytes le = bytes_of(wide, 2 * units), be = owned(c, le);
	if (be.at == NULL)
		return;
	for (size_t i = 0; i < units; i++)
		put_u16be((uint8_t *)(uintptr_t)be.at + 2 * i, get_u16le(wide + 2 * i));
	if (units >= SEARCH_SHORTEST) {
		add(c, le, tag, FORM_UTF16_LE);
		add(c, be, tag, FORM_UTF16_BE);
	}
}

/* A text value: as it is, as UTF-8, and both in further forms. */
static void forbid_text(struct collector *c, struct bytes raw, enum vr vr, uint32_t tag,
			enum form form)
{
	raw = bytes_trim(raw);
	if (raw.len == 0 || is_kept(c, raw) || is_own_word(raw))
		return;
	buf_free(&c->text);
	charset_to_utf8(&c->charset, vr, raw, &c->text);
	struct bytes utf8 = owned(c, bytes_trim(buf_bytes(&c->text)));
	if (utf8.at == NULL || c->text.failed) {
		c->no_memory = true;
		return;
	}
	if (raw.len < SEARCH_SHORTEST)
		add_brief(c, raw, tag);
	add(c, raw, tag, form);
	add(c, utf8, tag, FORM_UTF8);
	add_forms(c, utf8, tag);
}

/* The components of a name, each for itself. */
static void forbid_parts(struct collector *c, struct bytes raw, enum vr vr, uint32_t tag)
{
	for (size_t at = 0, from = 0; at <= raw.len && vr == VR_PN; at++) {
		bool cut = at == raw.len || strchr("^= \\,", raw.at[at]) != NULL;

		if (!cut)
			continue;
		struct bytes part = bytes_slice(raw, from, at - from);
		from = at + 1;
		if (part.len >= SEARCH_SHORTEST)
			forbid_text(c, part, vr, tag, FORM_PART);
	}
}

static void forbid_values(struct collector *c, const struct token *t, enum vr vr)
{
	struct bytes all = t->value;

	for (size_t at = 0; at <= all.len;) {
		const uint8_t *end = at < all.len ? memchr(all.at + at, '\\', all.len - at) : NULL;
		size_t len = end != NULL ? (size_t)(end - all.at) - at : all.len - at;
		struct bytes one = bytes_trim(bytes_slice(all, at, len));

		at += len + 1;
		if (vr == VR_UI && (one.len == 0 || anon_uid_is_well_known(one)))
			continue;
		if (vr == VR_UI || vr == VR_DA || vr == VR_DT) {
			if (one.len >= 8 && !is_kept(c, one))
				add(c, one, t->tag, FORM_RAW);
			continue;
		}
		forbid_text(c, one, vr, t->tag, FORM_RAW);
		forbid_parts(c, one, vr, t->tag);
	}
}

/* ---- the source, twice: what is kept, then what is forbidden ---- */

/* Every value of a kept attribute may be met again. */
static void keep_values(struct collector *c, struct bytes all)
{
	for (size_t at = 0; at <= all.len && all.len <= 4096;) {
		const uint8_t *end = at < all.len ? memchr(all.at + at, '\\', all.len - at) : NULL;
		size_t len = end != NULL ? (size_t)(end - all.at) - at : all.len - at;
		struct bytes one = bytes_trim(bytes_slice(all, at, len));

		at += len + 1;
		/* without room some are forbidden that are kept, never the reverse */
		if (one.len > 0 && !valueset_add(&c->kept, one))
			return;
	}
}

/* The patient's new ID and name, and the date in it, "SITE_0001_20240101": in a map that was made
 * under other rules it may be one of the source. */
static void keep_pseudonym(struct collector *c, const char *text)
{
	const char *last = strrchr(text, '_');

	keep_values(c, bytes_str(text));
	if (last != NULL)
		keep_values(c, bytes_str(last + 1));
}

/* A moved date may be another date of the source; the new object says it all the same. */
static void keep_moved(struct collector *c, struct bytes dates, enum vr vr)
{
	buf_free(&c->text);
	if (date_shift(dates, vr, c->source->patient->shift_days, &c->text))
		keep_values(c, owned(c, buf_bytes(&c->text)));
}

static void look_at(struct collector *c, const struct token *t, bool keeping)
{
	enum vr vr = dict_vr(t->tag) != VR_UN ? dict_vr(t->tag) : t->vr;
	struct anon_place place = visit_place(&c->visit, t, c->iod);
	struct anon_decision d = policy_decide(c->policy, &place);
	enum anon_act act = d.act;
	/* what the site or an option keeps is meant to be there; other kept text is searched for
	 * words; UIDs, dates and terms stay as they are */
	bool asked = d.origin == FROM_SITE || (d.origin == FROM_OPTION && vr != VR_PN);
	bool stands = act == ACT_KEEP && (asked || !policy_cleans_text(c->policy) || vr == VR_UI ||
					  vr == VR_DA || vr == VR_DT || vr == VR_CS);

	if (keeping && stands)
		keep_values(c, t->value);
	else if (keeping && act == ACT_SHIFT && (vr == VR_DA || vr == VR_DT))
		keep_moved(c, t->value, vr);
	else if (!keeping && !stands &&
		 (vr == VR_PN || vr == VR_UI || vr == VR_DA || vr == VR_DT ||
		  is_identifying(t->tag)))
		forbid_values(c, t, vr);
}

static enum err pass(struct collector *c, bool keeping)
{
	struct token t;
	enum err e;

	visit_open(&c->visit, c->source->data, c->source->syntax);
	while ((e = visit_next(&c->visit, &t, c->f)) == OK) {
		if (t.kind == TOK_PIXELS)
			e = visit_skip(&c->visit, c->f);
		else if (visit_hides(&t))
			e = visit_enter(&c->visit, &t, c->f);
		else if (t.kind == TOK_ELEMENT)
			look_at(c, &t, keeping);
		if (t.kind == TOK_ELEMENT && t.tag == TAG_SpecificCharacterSet &&
		    c->visit.depth == 0)
			c->charset = charset_parse(t.value);
		if (t.kind == TOK_ELEMENT && t.tag == TAG_SOPClassUID && c->visit.depth == 0)
			c->iod = anon_iod_of(t.value);
		if (e != OK)
			return e;
	}
	return e == ERR_MORE ? OK : e;
}

/* As many values as a data set of this size can hold, within reason. */
static uint32_t room_for(struct bytes data)
{
	size_t room = 1024 + data.len / 64;

	return room < VERIFY_PATTERNS ? (uint32_t)room : VERIFY_PATTERNS;
}

static enum err open_all(struct collector *c, uint32_t room)
{
	struct verify *v = c->v;
	enum err e = search_open(&v->search, room, c->a, c->f);

	if (e == OK)
		e = search_open(&v->pixels, room, c->a, c->f);
	if (e == OK)
		e = valueset_open(&c->kept, room, c->a, c->f);
	if (e == OK)
		e = valueset_open(&c->known, room, c->a, c->f);
	v->tag = ARENA_NEW(c->a, uint32_t, room);
	v->form = ARENA_NEW(c->a, uint8_t, room);
	v->pixel_index = ARENA_NEW(c->a, uint32_t, room);
	v->brief = ARENA_NEW(c->a, struct bytes, BRIEF_MAX);
	v->brief_tag = ARENA_NEW(c->a, uint32_t, BRIEF_MAX);
	if (e == OK && (v->tag == NULL || v->form == NULL || v->pixel_index == NULL ||
			v->brief == NULL || v->brief_tag == NULL))
		e = fault_set(c->f, ERR_NOMEM, "no memory for the verifier", FAULT_NO_OFFSET);
	return e;
}

enum err verify_collect(struct verify *v, const struct policy *policy,
			const struct anon_source *source, struct arena *a, struct fault *f)
{
	static struct collector work; /* large, and one at a time */
	struct collector *c = &work;

	*v = (struct verify){.policy = policy};
	c->v = v;
	c->policy = policy;
	c->source = source;
	c->a = a;
	c->f = f;
	c->charset = charset_parse(BYTES_NONE);
	c->text = BUF_INIT(VALUE_MAX);
	c->iod = IOD_OTHER;
	c->no_memory = false;
	enum err e = open_all(c, room_for(source->data));
	if (e == OK) {
		keep_pseudonym(c, source->patient->id);
		keep_pseudonym(c, source->patient->name);
	}
	if (e == OK)
		e = pass(c, true);
	if (e == OK)
		e = pass(c, false);
	buf_free(&c->text);
	if (e == OK && c->no_memory)
		e = fault_set(f, ERR_LIMIT, "too many identifying values to look for in one object",
			      FAULT_NO_OFFSET);
	search_ready(&v->search);
	search_ready(&v->pixels);
	return e;
}

/* ---- the output ---- */

static bool is_digit(int c)
{
	return c >= '0' && c <= '9';
}

static bool is_letter(int c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* What a pattern is made of, as far as it matters where it may stand. */
enum sort { SORT_NUMBER, SORT_UID, SORT_WORD, SORT_OTHER };

static enum sort sort_of(struct bytes p)
{
	bool dots = false, digits = true, letters = true;

	for (size_t i = 0; i < p.len; i++) {
		dots = dots || p.at[i] == '.';
		digits = digits && (is_digit(p.at[i]) || p.at[i] == '.');
		letters = letters && is_letter(p.at[i]);
	}
	if (digits)
		return dots ? SORT_UID : SORT_NUMBER;
	return letters && p.len < WORD_ALONE ? SORT_WORD : SORT_OTHER;
}

/* Does what stands around it make it another value? */
static bool stands_alone(struct bytes text, size_t at, struct bytes p)
{
	int before = at > 0 ? text.at[at - 1] : -1;
	int after = at + p.len < text.len ? text.at[at + p.len] : -1;
	size_t run = 0;

	switch (sort_of(p)) {
	case SORT_NUMBER:
		while (at + run < text.len && is_digit(text.at[at + run]))
			run++;
		/* a date may be the front of a date and time */
		return !is_digit(before) &&
		       (run == p.len || (p.len == 8 && (run == 12 || run == 14)));
	case SORT_UID:
		return !is_digit(before) && before != '.' && !is_digit(after) && after != '.';
	case SORT_WORD:
		return !is_letter(before) && !is_letter(after);
	case SORT_OTHER:
		break;
	}
	return true;
}

/* A part of the file to be searched, and what is known of it. */
struct region {
	struct bytes bytes;
	const struct part10 *p;
	size_t at; /* in p->data */
	bool in_data, pixels;
	size_t own_from, own_to; /* of bytes: what netrt says of itself, whoever is called so too */
};

/* The attribute that a byte of the data set belongs to, and whether the policy keeps it as it is.
 */
static uint32_t attribute_at(const struct verify *v, const struct region *r, size_t at, bool *kept)
{
	static struct visit visit; /* large, and one at a time */
	struct token t;
	uint32_t tag = 0;
	enum anon_iod iod = IOD_OTHER;

	*kept = false;
	if (!r->in_data)
		return 0;
	visit_open(&visit, r->p->data, r->p->syntax);
	while (visit_next(&visit, &t, NULL) == OK && (visit.walker > 0 || t.at <= r->at + at)) {
		if (t.kind != TOK_ELEMENT && t.kind != TOK_SEQUENCE && t.kind != TOK_PIXELS)
			continue;
		if (visit.depth == 0 && t.tag == TAG_SOPClassUID)
			iod = anon_iod_of(t.value);
		struct anon_place place = visit_place(&visit, &t, iod);
		tag = t.tag;
		*kept = policy_decide(v->policy, &place).act == ACT_KEEP;
	}
	return tag;
}

/* The first forbidden string in a region; *in is the attribute in which it stands. */
static bool search_region(const struct verify *v, const struct region *r, uint32_t *pattern,
			  uint32_t *in)
{
	const struct search *s = r->pixels ? &v->pixels : &v->search;
	size_t at = 0;
	uint32_t which = SEARCH_NONE;
	bool kept;

	while (search_next(s, r->bytes, &at, &which)) {
		uint32_t index = r->pixels ? v->pixel_index[which] : which;
		bool wide = v->form[index] == FORM_UTF16_LE || v->form[index] == FORM_UTF16_BE;

		if (!wide && !stands_alone(r->bytes, at, s->pattern[which]))
			continue;
		if (at >= r->own_from && at + s->pattern[which].len <= r->own_to)
			continue;
		*in = attribute_at(v, r, at, &kept);
		if (kept && !policy_cleans_text(v->policy))
			continue;
		*pattern = index;
		return true;
	}
	return false;
}

static enum err found(const struct verify *v, uint32_t pattern, uint32_t in, struct verify_hit *hit,
		      struct fault *f)
{
	*hit = (struct verify_hit){
		.tag = v->tag[pattern], .found_in = in, .form = form_words[v->form[pattern]]};
	return fault_tag(f, ERR_UNUSABLE, "a value of the source is still in the output",
			 FAULT_NO_OFFSET, in);
}

/* Short values: only as the whole of a text. */
static enum err look_for_brief(const struct verify *v, const struct token *t,
			       struct verify_hit *hit, struct fault *f)
{
	enum vr vr = t->vr;
	struct bytes value = bytes_trim(t->value);

	if (vr != VR_LO && vr != VR_SH && vr != VR_PN && vr != VR_ST && vr != VR_LT &&
	    vr != VR_UT && vr != VR_UC)
		return OK;
	for (uint32_t i = 0; i < v->brief_count; i++) {
		if (!bytes_eq(v->brief[i], value))
			continue;
		*hit = (struct verify_hit){v->brief_tag[i], t->tag, "as it was"};
		return fault_tag(f, ERR_UNUSABLE, "a value of the source is still in the output",
				 FAULT_NO_OFFSET, t->tag);
	}
	return OK;
}

/* What is where in the data set. */
struct layout {
	struct bytes pixels;
	size_t own_from,
		own_to; /* (0012,0062) to (0012,0064), where de-identification writes them */
};

static void note_own(const struct verify *v, const struct token *t, struct layout *l)
{
	bool own = t->tag >= TAG_PatientIdentityRemoved &&
		   t->tag <= TAG_DeidentificationMethodCodeSequence;

	if (*policy_codes(v->policy) == NULL || t->depth > 0)
		return;
	if (own && l->own_from == 0)
		l->own_from = t->at;
	if (!own && l->own_from > 0 && l->own_to == 0)
		l->own_to = t->at;
}

/* Once over the elements: is it whole, where are its pixels, is there a short value? */
static enum err look_over(const struct verify *v, const struct part10 *p, struct layout *l,
			  struct verify_hit *hit, struct fault *f)
{
	struct walk w;
	struct token t;
	enum err e;
	size_t from = 0;

	*l = (struct layout){.pixels = BYTES_NONE};
	walk_init(&w, p->data, p->syntax);
	while ((e = walk_next(&w, &t, f)) == OK) {
		if (t.kind == TOK_ELEMENT && v->brief_count > 0)
			e = look_for_brief(v, &t, hit, f);
		if (e != OK)
			return e;
		if (t.kind == TOK_ELEMENT || t.kind == TOK_SEQUENCE || t.kind == TOK_PIXELS)
			note_own(v, &t, l);
		if (t.depth > 0 || TAG_GROUP(t.tag) != 0x7FE0)
			continue;
		if (t.kind == TOK_PIXELS)
			from = t.value_at;
		else if (t.kind == TOK_PIXELS_END)
			l->pixels = bytes_slice(p->data, from, t.at - from);
		else if (t.kind == TOK_ELEMENT && t.value.len > l->pixels.len)
			l->pixels = t.value;
	}
	return e == ERR_MORE ? OK : e;
}

static enum err search_all(const struct verify *v, const struct part10 *p, const struct layout *l,
			   struct verify_hit *hit, struct fault *f)
{
	struct bytes pixels = l->pixels, meta = bytes_slice(p->file, 0, p->data_at);
	const uint8_t *name = memmem(meta.at, meta.len, IMPLEMENTATION_VERSION,
				     sizeof(IMPLEMENTATION_VERSION) - 1);
	size_t own = name != NULL ? (size_t)(name - meta.at) : 0;
	size_t split = pixels.len > 0 ? (size_t)(pixels.at - p->data.at) : p->data.len;
	size_t rest = split + pixels.len;
	const struct region regions[] = {
		{bytes_slice(p->data, 0, split), p, 0, true, false, l->own_from, l->own_to},
		{pixels, p, split, true, true, 0, 0},
		{bytes_slice(p->data, rest, p->data.len - rest), p, rest, true, false, 0, 0},
		/* preamble and meta information */
		{meta, p, 0, false, false, own,
		 name != NULL ? own + sizeof(IMPLEMENTATION_VERSION) - 1 : 0},
	};
	uint32_t pattern, in;

	for (size_t i = 0; i < sizeof(regions) / sizeof(regions[0]); i++)
		if (search_region(v, &regions[i], &pattern, &in))
			return found(v, pattern, in, hit, f);
	return OK;
}

enum err verify_file(const struct verify *v, struct bytes file, struct verify_hit *hit,
		     struct fault *f)
{
	struct part10 p;
	struct layout layout;
	enum err e = part10_parse(&p, file, f);

	if (e != OK)
		return e;
	e = look_over(v, &p, &layout, hit, f);
	if (e == OK)
		e = search_all(v, &p, &layout, hit, f);
	part10_close(&p);
	return e;
}
