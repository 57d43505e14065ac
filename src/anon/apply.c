/*
 * What is around the element at hand is visit.h's; `level` keeps for each open sequence how the
 * texts in it are treated.
 *
 * Elements of the top level that de-identification adds are "forced": encoded beforehand, emitted
 * in the place of the source's element or before the first greater tag.
 */
#include "anon/apply.h"

#include <assert.h>
#include <string.h>

#include "anon/emit.h"
#include "anon/value.h"
#include "anon/visit.h"
#include "dicom/build.h"
#include "dicom/dict.h"

#define FORCED_MAX 8u

struct forced {
	uint32_t tag;
	size_t at, len; /* in applying.made */
	bool done;
};

struct level {                /* a sequence that is open, and the item of it */
	bool plain;           /* its texts become dummies (D) */
	bool clean;           /* they are cleaned strictly (C) */
	struct bytes charset; /* Specific Character Set of the item (PS3.3 C.12.1.1.2) */
	bool charset_used;    /* there was text that depends on it */
};

struct applying {
	const struct policy *policy;
	const struct anon_source *source;
	struct anon_object *out;
	struct fault *f;
	struct value_maker values;
	struct emit emit;
	struct visit visit;
	struct level level[VISIT_DEPTH + 1]; /* [depth] is around the element at hand */
	enum anon_iod iod;
	struct build made; /* the forced elements */
	struct forced forced[FORCED_MAX];
	unsigned forced_count;
};

/* ---- what is added to the top level ---- */

static void force_begin(struct applying *w, uint32_t tag)
{
	assert(w->forced_count < FORCED_MAX);
	assert(w->forced_count == 0 || w->forced[w->forced_count - 1].tag < tag);
	w->forced[w->forced_count] = (struct forced){.tag = tag, .at = w->made.out.len};
}

static void force_end(struct applying *w)
{
	struct forced *r = &w->forced[w->forced_count++];

	r->len = w->made.out.len - r->at;
}

static void force_text(struct applying *w, uint32_t tag, enum vr vr, struct bytes value)
{
	force_begin(w, tag);
	build_text(&w->made, tag, vr, value);
	force_end(w);
}

static void code_item(struct build *b, const char *code)
{
	build_item(b);
	build_str(b, TAG_CodeValue, VR_SH, code);
	build_str(b, TAG_CodingSchemeDesignator, VR_SH, "DCM");
	build_str(b, TAG_CodeMeaning, VR_LO, value_code_meaning(code));
	build_item_end(b);
}

static void force_codes(struct applying *w, const char *const *codes)
{
	force_begin(w, TAG_DeidentificationMethodCodeSequence);
	build_sequence(&w->made, TAG_DeidentificationMethodCodeSequence);
	for (; *codes != NULL; codes++)
		code_item(&w->made, *codes);
	if (w->source->pixels_cleaned)
		code_item(&w->made, "113101");
	build_sequence_end(&w->made);
	force_end(w);
}

static struct anon_decision decide_top(const struct applying *w, uint32_t tag)
{
	const struct anon_place at = {.iod = w->iod, .tag = tag, .vr = dict_vr(tag)};

	return policy_decide(w->policy, &at);
}

static enum err force_all(struct applying *w)
{
	const struct anon_patient *p = w->source->patient;
	const char *const *codes = policy_codes(w->policy);
	const char *dates = policy_dates_word(w->policy);
	struct anon_decision study = decide_top(w, TAG_StudyDescription);

	build_reuse(&w->made, w->source->syntax, 1u << 16);
	if (study.act == ACT_REPLACE)
		force_text(w, TAG_StudyDescription, VR_LO,
			   value_encoded(&w->values, study.value, 64));
	if (decide_top(w, TAG_PatientName).act == ACT_NAME)
		force_text(w, TAG_PatientName, VR_PN, value_pseudonym(&w->values, p->name));
	if (decide_top(w, TAG_PatientID).act == ACT_ID)
		force_text(w, TAG_PatientID, VR_LO, value_pseudonym(&w->values, p->id));
	if (*codes != NULL) {
		force_text(w, TAG_PatientIdentityRemoved, VR_CS, BYTES_LIT("YES"));
		force_text(w, TAG_DeidentificationMethod, VR_LO,
			   BYTES_LIT("netrt, by PS3.15 E: see the codes"));
		force_codes(w, codes);
	}
	if (dates != NULL)
		force_text(w, TAG_LongitudinalTemporalInformationModified, VR_CS, bytes_str(dates));
	return w->made.out.failed
		       ? fault_set(w->f, ERR_NOMEM, "no memory for new elements", FAULT_NO_OFFSET)
		       : OK;
}

static void emit_forced(struct applying *w, struct forced *r)
{
	if (!r->done)
		buf_add(w->emit.out, bytes_of(w->made.out.at + r->at, r->len));
	r->done = true;
}

/* Before a top-level element: what comes first; true when the element itself is replaced. */
static bool place_forced(struct applying *w, uint32_t tag)
{
	for (unsigned i = 0; i < w->forced_count; i++) {
		if (w->forced[i].tag > tag)
			break;
		emit_forced(w, &w->forced[i]);
		if (w->forced[i].tag == tag)
			return true;
	}
	return false;
}

/* ---- where we are ---- */

static const struct level *around(const struct applying *w)
{
	return &w->level[w->visit.depth];
}

static struct anon_decision decide(const struct applying *w, const struct token *t)
{
	const struct anon_place place = visit_place(&w->visit, t, w->iod);

	return policy_decide(w->policy, &place);
}

static void count(struct applying *w, enum anon_act act, uint32_t tag)
{
	w->out->counts.by_act[act]++;
	w->out->counts.private_removed += act == ACT_REMOVE && TAG_IS_PRIVATE(tag);
}

/* ---- sequences ---- */

static enum err too_deep(struct applying *w, const struct token *t)
{
	return fault_tag(w->f, ERR_LIMIT, "sequences are nested too deeply", t->at, t->tag);
}

/* Begin a sequence in the output; visit has entered it, or does with the next token. */
static enum err begin(struct applying *w, const struct token *t, unsigned depth, enum anon_act act,
		      enum vr vr)
{
	const struct level outer = w->level[depth];

	if (w->emit.depth + 2 >= sizeof(w->emit.open) / sizeof(w->emit.open[0]) ||
	    depth >= VISIT_DEPTH)
		return too_deep(w, t);
	w->level[depth + 1] = (struct level){
		.plain = act == ACT_DUMMY || outer.plain,
		.clean = act == ACT_CLEAN || outer.clean,
		.charset = outer.charset,
	};
	emit_begin(&w->emit, t, vr);
	return OK;
}

static enum err empty_value(struct applying *w, const struct token *t)
{
	emit_value(&w->emit, t, value_vr(t), BYTES_NONE);
	return OK;
}

static enum err begin_sequence(struct applying *w, const struct token *t)
{
	enum anon_act act = decide(w, t).act;

	if (w->visit.depth == 0 && place_forced(w, t->tag))
		return visit_skip(&w->visit, w->f);
	count(w, act, t->tag);
	switch (act) {
	case ACT_KEEP:
	case ACT_DUMMY:
	case ACT_CLEAN:
		return begin(w, t, w->visit.depth, act, t->vr == VR_UN ? VR_UN : VR_SQ);
	case ACT_EMPTY: {
		enum err e = visit_skip(&w->visit, w->f);
		return e != OK ? e : empty_value(w, t);
	}
	default: /* nothing else can be said of a sequence: it goes */
		return visit_skip(&w->visit, w->f);
	}
}

/* ---- elements ---- */

/* One that was in UN stays there; one of another VR becomes a sequence, or UN where its byte order
 * is not that of its surroundings. */
static enum err enter_hidden(struct applying *w, const struct token *t, enum anon_act act)
{
	unsigned depth = w->visit.depth;
	enum err e = visit_enter(&w->visit, t, w->f);

	if (e != OK)
		return e;
	bool little = !visit_big_endian(&w->visit);
	bool un = little && (t->vr == VR_UN || t->vr == VR_NONE || t->big_endian);
	return begin(w, t, depth, act, un ? VR_UN : VR_SQ);
}

/* The name that was chosen for the ROI whose item this is. */
static struct bytes roi_name(const struct applying *w)
{
	const struct visit *v = &w->visit;
	bool in_rois = v->depth == 1 && v->path[0] == TAG_StructureSetROISequence;
	uint32_t item = in_rois ? v->item[0] : UINT32_MAX;

	return in_rois && item < w->source->roi_count ? w->source->roi_names[item] : BYTES_NONE;
}

static enum err change(struct applying *w, const struct token *t, struct anon_decision d)
{
	struct bytes value;

	/* in implicit VR it would be read as the sequence that it is not */
	if (!w->emit.explicit_vr && dict_vr(t->tag) == VR_SQ && t->value.len > 0)
		return OK;
	value_charset(&w->values, around(w)->charset);
	enum value_end end = value_make(&w->values,
					&(struct value_job){.token = t,
							    .decision = d,
							    .plain = around(w)->plain,
							    .strict = around(w)->clean,
							    .roi_name = roi_name(w)},
					&value);

	if (t->tag == TAG_StudyInstanceUID && w->visit.depth == 0 && w->out->study.text[0] == '\0')
		(void)uid_set(&w->out->study, bytes_trim(end == VALUE_SAME ? t->value : value));
	switch (end) {
	case VALUE_SAME:
		emit_copy(&w->emit, t);
		return OK;
	case VALUE_NEW:
		w->out->counts.text_cleaned += d.act == ACT_KEEP;
		emit_value(&w->emit, t, value_vr(t), value);
		return OK;
	case VALUE_GONE:
		return OK;
	case VALUE_NO_MEMORY:
		break;
	}
	return fault_set(w->f, ERR_NOMEM, "no memory for a new value", t->at);
}

static bool is_pixel_tag(uint32_t tag)
{
	return tag == TAG_PixelData || tag == TAG_FloatPixelData || tag == TAG_DoubleFloatPixelData;
}

static bool is_pixels(const struct applying *w, const struct token *t)
{
	return w->visit.depth == 0 && is_pixel_tag(t->tag);
}

/* Pixel data is put out with the header that it has, which must not depend on what follows. */
static bool has_plain_header(const struct applying *w, const struct token *t)
{
	bool is_long = t->explicit_vr && vr_info(t->vr)->long_form;
	const uint8_t *head = w->source->data.at + t->at;

	return t->explicit_vr == w->source->syntax->explicit_vr && t->vr != VR_NONE &&
	       t->value_at - t->at == (is_long ? 12u : 8u) &&
	       (!is_long || (head[6] | head[7]) == 0);
}

static enum err take_pixels(struct applying *w, const struct token *t, size_t end)
{
	struct anon_object *o = w->out;

	if (o->has_pixels)
		return fault_tag(w->f, ERR_WIRE, "pixel data is there twice", t->at, t->tag);
	(void)place_forced(w, t->tag); /* what comes before */
	o->has_pixels = true;
	o->pixels_tag = t->tag;
	o->encapsulated = t->kind == TOK_PIXELS;
	o->pixels = bytes_slice(w->source->data, t->at, end - t->at);
	o->pixels_head = t->value_at - t->at;
	o->tail_at = o->head.len;
	if (!has_plain_header(w, t))
		return fault_tag(w->f, ERR_WIRE, "the header of pixel data is of another encoding",
				 t->at, t->tag);
	return OK;
}

/* "No burned in annotation" is not said again of pixels that nobody has looked at (R20). */
static bool is_empty_claim(const struct applying *w, const struct token *t, struct anon_decision d)
{
	return t->tag == TAG_BurnedInAnnotation && d.act == ACT_KEEP && d.origin != FROM_SITE &&
	       policy_cleans_text(w->policy) && !w->source->pixels_cleaned &&
	       bytes_eq_str(bytes_trim(t->value), "NO");
}

/* What was judged in one character set must not be read in another one. */
static bool change_charset(struct applying *w, struct bytes charset)
{
	struct level *l = &w->level[w->visit.depth];
	bool same = bytes_eq(bytes_trim(l->charset), bytes_trim(charset));

	l->charset = charset;
	return same || !l->charset_used || !policy_cleans_text(w->policy);
}

static void note_text(struct applying *w, const struct token *t)
{
	struct level *l = &w->level[w->visit.depth];
	enum vr vr = dict_vr(t->tag);

	if (l->charset_used || !vr_info(vr != VR_UN ? vr : t->vr)->uses_charset)
		return;
	for (size_t i = 0; i < t->value.len && !l->charset_used; i++)
		l->charset_used = t->value.at[i] >= 0x80 || t->value.at[i] == 0x1B;
}

static enum err element(struct applying *w, const struct token *t)
{
	if (is_pixels(w, t))
		return take_pixels(w, t, t->value_at + t->value.len);
	if (w->visit.depth == 0 && place_forced(w, t->tag))
		return OK;
	if (t->tag == TAG_SpecificCharacterSet && !change_charset(w, t->value))
		return fault_tag(w->f, ERR_UNUSABLE,
				 "Specific Character Set comes behind text that it is for", t->at,
				 t->tag);
	note_text(w, t);
	struct anon_decision d = decide(w, t);
	if (is_empty_claim(w, t, d))
		d = (struct anon_decision){.act = ACT_REMOVE};
	count(w, d.act, t->tag);
	if (d.act == ACT_REMOVE)
		return OK;
	if ((d.act == ACT_KEEP || d.act == ACT_DUMMY || d.act == ACT_CLEAN) && visit_hides(t))
		return enter_hidden(w, t, d.act);
	return change(w, t, d);
}

static bool ends_in_delimiter(struct bytes b, bool big_endian)
{
	const uint8_t *end = b.at + b.len - 8;

	return b.len >= 16 &&
	       (big_endian ? get_u32be(end) == TAG_SEQUENCE_END : get_u32le(end) == 0xE0DDFFFEu) &&
	       get_u32le(end + 4) == 0;
}

/* Encapsulated pixel data: of the image itself, or an icon's or a private one's in an item. */
static enum err begin_pixels(struct applying *w, const struct token *t)
{
	bool own = is_pixels(w, t);
	struct anon_decision d = decide(w, t);
	enum err e = visit_skip(&w->visit, w->f);
	size_t end = visit_pos(&w->visit);

	if (e != OK)
		return e;
	if (own)
		return take_pixels(w, t, end);
	count(w, d.act, t->tag);
	if (d.act != ACT_KEEP || dict_vr(t->tag) == VR_SQ)
		return OK;
	struct bytes whole = bytes_slice(visit_in(&w->visit), t->at, end - t->at);
	if (t->explicit_vr != w->emit.explicit_vr || !ends_in_delimiter(whole, t->big_endian))
		return fault_tag(w->f, ERR_WIRE, "fragments that only what follows them ends",
				 t->at, t->tag);
	buf_add(w->emit.out, whole);
	w->out->has_compressed_icon = true;
	return OK;
}

/* ---- the pass ---- */

static enum err step(struct applying *w, const struct token *t)
{
	switch (t->kind) {
	case TOK_ELEMENT:
		return element(w, t);
	case TOK_SEQUENCE:
		return begin_sequence(w, t);
	case TOK_PIXELS:
		return begin_pixels(w, t);
	case TOK_ITEM:
		w->level[w->visit.depth].charset = w->level[w->visit.depth - 1].charset;
		w->level[w->visit.depth].charset_used = false;
		emit_begin(&w->emit, t, VR_NONE);
		return OK;
	case TOK_ITEM_END:
		w->level[w->visit.depth - 1].charset_used |= w->level[w->visit.depth].charset_used;
		emit_end(&w->emit, t);
		return OK;
	case TOK_SEQUENCE_END:
		emit_end(&w->emit, t);
		return OK;
	case TOK_FRAGMENT:
	case TOK_PIXELS_END:
		break;
	}
	assert(false); /* fragments are skipped */
	return ERR_WIRE;
}

static enum err run(struct applying *w)
{
	struct token t;
	enum err e;

	visit_open(&w->visit, w->source->data, w->source->syntax);
	while ((e = visit_next(&w->visit, &t, w->f)) == OK) {
		e = step(w, &t);
		if (e != OK)
			return e;
	}
	if (e != ERR_MORE)
		return e;
	if (!w->out->has_pixels)
		w->out->tail_at = w->emit.out->len;
	for (unsigned i = 0; i < w->forced_count; i++)
		emit_forced(w, &w->forced[i]);
	return w->emit.out->failed || w->emit.list->failed
		       ? fault_set(w->f, ERR_NOMEM, "the data set does not fit in memory",
				   FAULT_NO_OFFSET)
		       : OK;
}

/* What is said twice, and differently, is understood differently by different readers. */
static bool note_once(struct bytes *known, bool *seen, const struct token *t)
{
	bool same = !*seen || bytes_eq(bytes_trim(*known), bytes_trim(t->value));

	*known = t->value;
	*seen = true;
	return same;
}

/* SOP Class, SOP Instance and Specific Character Set of the top level. */
struct front {
	struct bytes class, instance, charset;
	bool has_class, has_instance, has_charset;
};

/* Before the pass, over all of the top level. */
static enum err read_front(struct applying *w, struct front *front)
{
	struct walk *k = &w->visit.walkers[0];
	struct token t;
	bool good = true;
	enum err e;

	walk_init(k, w->source->data, w->source->syntax);
	while ((e = walk_next(k, &t, w->f)) == OK) {
		if (t.kind == TOK_SEQUENCE || t.kind == TOK_PIXELS)
			e = walk_skip(k, w->f);
		if (e != OK)
			break;
		if (t.kind != TOK_ELEMENT || t.depth > 0)
			continue;
		if (t.tag == TAG_SpecificCharacterSet)
			good &= note_once(&front->charset, &front->has_charset, &t);
		if (t.tag == TAG_SOPClassUID)
			good &= note_once(&front->class, &front->has_class, &t);
		if (t.tag == TAG_SOPInstanceUID)
			good &= note_once(&front->instance, &front->has_instance, &t);
	}
	if (e != ERR_MORE)
		return e;
	if (!good)
		return fault_set(
			w->f, ERR_UNUSABLE,
			"SOP Class, SOP Instance or character set is there twice, and differs",
			FAULT_NO_OFFSET);
	return OK;
}

static enum err judge_class(struct applying *w, const struct front *front)
{
	struct anon_object *o = w->out;

	if (!uid_set(&o->sop_class, front->class) || !uid_set(&o->sop_instance, front->instance))
		return fault_set(w->f, ERR_UNUSABLE, "no usable SOP Class UID and SOP Instance UID",
				 FAULT_NO_OFFSET);
	if (!policy_passes(w->policy, front->class))
		return fault_tag(w->f, ERR_UNSUPPORTED,
				 "objects of this SOP class are not let out by the profile",
				 FAULT_NO_OFFSET, TAG_SOPClassUID);
	w->iod = anon_iod_of(front->class);
	if (decide_top(w, TAG_SOPInstanceUID).act == ACT_UID)
		o->sop_instance =
			anon_uid_mapped(w->source->patient->key, bytes_str(o->sop_instance.text));
	return OK;
}

enum err anon_apply(const struct policy *policy, const struct anon_source *source,
		    struct anon_object *out, struct fault *f)
{
	static struct applying work; /* large, and one at a time; keeps the memory that it has */
	struct applying *w = &work;
	struct front front = {.has_class = false};

	*out = (struct anon_object){.head = out->head, .list = out->list};
	out->head.max = out->list.max = 2 * source->data.len + (1u << 20);
	buf_clear(&out->head);
	buf_clear(&out->list);
	w->policy = policy;
	w->source = source;
	w->out = out;
	w->f = f;
	w->emit.out = &out->head;
	w->emit.list = &out->list;
	w->emit.viewed = 0;
	w->emit.explicit_vr = source->syntax->explicit_vr;
	w->emit.depth = 0;
	w->iod = IOD_OTHER;
	w->forced_count = 0;
	enum err e = read_front(w, &front);
	if (e == OK)
		e = judge_class(w, &front);
	if (e == OK)
		e = value_open(&w->values, policy, source->patient, f);
	if (e != OK)
		return e;
	w->level[0] = (struct level){.charset = front.charset};
	value_charset(&w->values, front.charset);
	e = force_all(w);
	if (e == OK)
		e = run(w);
	return e;
}

void anon_object_close(struct anon_object *o)
{
	buf_free(&o->head);
	buf_free(&o->list);
}

size_t anon_object_most(const struct anon_object *o)
{
	/* something of the head before each of them, before the pixels, and at the end */
	return 2 * (o->list.len / sizeof(struct emit_view)) + 3;
}

/* The head from *from up to `to`, and a view. */
static size_t put_both(struct bytes head, size_t *from, size_t to, struct bytes view,
		       struct bytes *out)
{
	size_t count = 0;

	if (to > *from)
		out[count++] = bytes_slice(head, *from, to - *from);
	if (view.len > 0)
		out[count++] = view;
	*from = to;
	return count;
}

size_t anon_object_list(const struct anon_object *o, struct bytes pixels, struct bytes *views)
{
	const struct emit_view *list = (const struct emit_view *)(const void *)o->list.at;
	const struct emit_view *end = list + o->list.len / sizeof(*list);
	struct bytes head = buf_bytes(&o->head);
	size_t count = 0, from = 0;

	for (; list != end && list->at <= o->tail_at; list++)
		count += put_both(head, &from, list->at, list->value, views + count);
	count += put_both(head, &from, o->tail_at, pixels, views + count);
	for (; list != end; list++)
		count += put_both(head, &from, list->at, list->value, views + count);
	return count + put_both(head, &from, head.len, BYTES_NONE, views + count);
}
