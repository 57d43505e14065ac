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

struct level {      /* a sequence that is open */
	bool plain; /* its texts become dummies (D) */
	bool clean; /* they are cleaned strictly (C) */
};

struct applying {
	const struct policy *policy;
	const struct anon_source *source;
	struct anon_object *out;
	struct fault *f;
	struct value_maker values;
	struct emit emit;
	struct bytes in; /* what the token's offsets count in */
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

	build_init(&w->made, w->source->syntax, 1u << 16);
	if (study.act == ACT_REPLACE)
		force_text(w, TAG_StudyDescription, VR_LO,
			   value_encoded(&w->values, study.value, 64));
	if (decide_top(w, TAG_PatientName).act == ACT_NAME)
		force_text(w, TAG_PatientName, VR_PN, bytes_str(p->name));
	if (decide_top(w, TAG_PatientID).act == ACT_ID)
		force_text(w, TAG_PatientID, VR_LO, bytes_str(p->id));
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
static enum err begin(struct applying *w, const struct token *t, unsigned depth, enum anon_act act)
{
	const struct level outer = w->level[depth];

	if (w->emit.depth + 2 >= sizeof(w->emit.open) / sizeof(w->emit.open[0]) ||
	    depth >= VISIT_DEPTH)
		return too_deep(w, t);
	w->level[depth + 1] = (struct level){
		.plain = act == ACT_DUMMY || outer.plain,
		.clean = act == ACT_CLEAN || outer.clean,
	};
	emit_begin(&w->emit, w->in, t);
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
		return begin(w, t, w->visit.depth, act);
	case ACT_EMPTY: {
		enum err e = visit_skip(&w->visit, w->f);
		return e != OK ? e : empty_value(w, t);
	}
	default: /* nothing else can be said of a sequence: it goes */
		return visit_skip(&w->visit, w->f);
	}
}

/* ---- elements ---- */

static enum err enter_hidden(struct applying *w, const struct token *t, enum anon_act act)
{
	enum err e = begin(w, t, w->visit.depth, act);

	return e != OK ? e : visit_enter(&w->visit, t, w->f);
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
	enum value_end end = value_make(&w->values,
					&(struct value_job){.token = t,
							    .decision = d,
							    .plain = around(w)->plain,
							    .strict = around(w)->clean,
							    .roi_name = roi_name(w)},
					&value);

	switch (end) {
	case VALUE_SAME:
		emit_copy(&w->emit, w->in, t);
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

static bool is_pixels(const struct applying *w, const struct token *t)
{
	return w->visit.depth == 0 && (t->tag == TAG_PixelData || t->tag == TAG_FloatPixelData ||
				       t->tag == TAG_DoubleFloatPixelData);
}

static enum err take_pixels(struct applying *w, const struct token *t, size_t end)
{
	struct anon_object *o = w->out;

	if (o->has_pixels)
		return fault_tag(w->f, ERR_WIRE, "pixel data is there twice", t->at, t->tag);
	o->has_pixels = true;
	o->pixels_tag = t->tag;
	o->encapsulated = t->kind == TOK_PIXELS;
	o->pixels = bytes_slice(w->source->data, t->at, end - t->at);
	o->pixels_head = t->value_at - t->at;
	return OK;
}

static enum err element(struct applying *w, const struct token *t)
{
	if (is_pixels(w, t))
		return take_pixels(w, t, t->value_at + t->value.len);
	if (w->visit.depth == 0 && place_forced(w, t->tag))
		return OK;

	struct anon_decision d = decide(w, t);
	count(w, d.act, t->tag);
	if (d.act == ACT_REMOVE)
		return OK;
	if (visit_hides(t) && (d.act == ACT_KEEP || d.act == ACT_DUMMY || d.act == ACT_CLEAN))
		return enter_hidden(w, t, d.act);
	return change(w, t, d);
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
	if (d.act == ACT_KEEP)
		buf_add(w->emit.out, bytes_slice(w->in, t->at, end - t->at));
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
		emit_begin(&w->emit, w->in, t);
		return OK;
	case TOK_ITEM_END:
		emit_end(&w->emit, true);
		return OK;
	case TOK_SEQUENCE_END:
		emit_end(&w->emit, false);
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
		w->in = visit_in(&w->visit);
		e = step(w, &t);
		if (e != OK)
			return e;
	}
	if (e != ERR_MORE)
		return e;
	for (unsigned i = 0; i < w->forced_count; i++)
		emit_forced(w, &w->forced[i]);
	return w->emit.out->failed
		       ? fault_set(w->f, ERR_NOMEM, "the data set does not fit in memory",
				   FAULT_NO_OFFSET)
		       : OK;
}

/* SOP Class, SOP Instance and Specific Character Set: needed before the pass. */
static enum err read_front(struct applying *w, struct bytes *charset)
{
	struct walk *k = &w->visit.walkers[0];
	struct bytes class = BYTES_NONE, instance = BYTES_NONE;
	struct token t;
	enum err e;

	walk_init(k, w->source->data, w->source->syntax);
	while ((e = walk_next(k, &t, w->f)) == OK && !is_pixels(w, &t)) {
		if (t.kind == TOK_SEQUENCE || t.kind == TOK_PIXELS)
			e = walk_skip(k, w->f);
		if (e != OK)
			break;
		if (t.kind != TOK_ELEMENT || t.depth > 0)
			continue;
		if (t.tag == TAG_SpecificCharacterSet)
			*charset = t.value;
		if (t.tag == TAG_SOPClassUID)
			class = t.value;
		if (t.tag == TAG_SOPInstanceUID)
			instance = t.value;
	}
	if (e != OK && e != ERR_MORE)
		return e;
	if (!uid_set(&w->out->sop_class, class) || !uid_set(&w->out->sop_instance, instance))
		return fault_set(w->f, ERR_UNUSABLE, "no usable SOP Class UID and SOP Instance UID",
				 FAULT_NO_OFFSET);
	if (!policy_passes(w->policy, class))
		return fault_tag(w->f, ERR_UNSUPPORTED,
				 "objects of this SOP class are not let out by the profile",
				 FAULT_NO_OFFSET, TAG_SOPClassUID);
	w->iod = anon_iod_of(class);
	return OK;
}

enum err anon_apply(const struct policy *policy, const struct anon_source *source,
		    struct anon_object *out, struct fault *f)
{
	static struct applying work; /* 20 KiB and more; one object at a time in a process */
	struct applying *w = &work;
	struct bytes charset = BYTES_NONE;

	*out = (struct anon_object){.head = BUF_INIT(2 * source->data.len + (1u << 20))};
	memset(w, 0, sizeof(*w));
	w->policy = policy;
	w->source = source;
	w->out = out;
	w->f = f;
	w->emit.out = &out->head;
	enum err e = read_front(w, &charset);
	if (e == OK)
		e = value_open(&w->values, policy, source->patient, charset, f);
	if (e != OK)
		return e;
	if (decide_top(w, TAG_SOPInstanceUID).act == ACT_UID)
		out->sop_instance =
			anon_uid(source->patient->key, bytes_str(out->sop_instance.text));
	e = force_all(w);
	if (e == OK)
		e = run(w);
	build_free(&w->made);
	value_close(&w->values);
	return e;
}

void anon_object_close(struct anon_object *o)
{
	buf_free(&o->head);
}
