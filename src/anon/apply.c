/*
 * The state of the pass: a stack of walkers (one for the data set, further ones for sequences that
 * hide in UN elements of defined length), the path of sequences around the element at hand, and
 * what the emitter has open.
 *
 *     path[0 .. depth-1]  ==  tags of the sequences that are open, over all walkers
 *
 * Elements of the top level that de-identification adds are "forced": encoded beforehand, emitted
 * in the place of the source's element or before the first greater tag.
 */
#include "anon/apply.h"

#include <assert.h>
#include <string.h>

#include "anon/emit.h"
#include "anon/value.h"
#include "dicom/build.h"
#include "dicom/dict.h"

#define WALKERS 4u    /* UN inside UN inside UN is no real object */
#define CREATORS 256u /* private blocks reserved in the items that are open */
#define FORCED_MAX 8u
#define NO_ITEM UINT32_MAX

struct forced {
	uint32_t tag;
	size_t at, len; /* in applying.made */
	bool done;
};

struct level {             /* a sequence that is open */
	bool plain;        /* its texts become dummies (D) */
	bool clean;        /* they are cleaned strictly (C) */
	uint32_t item;     /* items begun, less 1 */
	uint32_t creators; /* in use when its item began */
};

struct creator {
	struct bytes name;
	uint16_t group;
	uint8_t block;
};

struct applying {
	const struct policy *policy;
	const struct anon_source *source;
	struct anon_object *out;
	struct fault *f;
	struct value_maker values;
	struct emit emit;
	struct walk walkers[WALKERS];
	unsigned walker; /* the one at work */
	uint32_t path[LIMIT_NESTING * WALKERS];
	struct level level[LIMIT_NESTING * WALKERS + 1]; /* [depth] is around the element at hand */
	unsigned depth;
	struct creator creators[CREATORS];
	uint32_t creator_count;
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

static void force_codes(struct applying *w, const char *const *codes)
{
	force_begin(w, TAG_DeidentificationMethodCodeSequence);
	build_sequence(&w->made, TAG_DeidentificationMethodCodeSequence);
	for (; *codes != NULL; codes++) {
		build_item(&w->made);
		build_str(&w->made, TAG_CodeValue, VR_SH, *codes);
		build_str(&w->made, TAG_CodingSchemeDesignator, VR_SH, "DCM");
		build_str(&w->made, TAG_CodeMeaning, VR_LO, value_code_meaning(*codes));
		build_item_end(&w->made);
	}
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

static struct walk *walker_of(struct applying *w)
{
	return &w->walkers[w->walker];
}

static void reserve_block(struct applying *w, const struct token *t)
{
	if (!TAG_IS_PRIVATE(t->tag) || TAG_ELEMENT(t->tag) < 0x10 || TAG_ELEMENT(t->tag) > 0xFF ||
	    w->creator_count == CREATORS)
		return;
	w->creators[w->creator_count++] = (struct creator){
		.name = bytes_trim(t->value),
		.group = TAG_GROUP(t->tag),
		.block = (uint8_t)TAG_ELEMENT(t->tag),
	};
}

/* The creator that reserved the block of a private element, in this item only (PS3.5 7.8.1). */
static struct bytes creator_of(const struct applying *w, uint32_t tag)
{
	uint16_t element = TAG_ELEMENT(tag);
	unsigned block = element > 0xFF ? element >> 8 : element;

	for (uint32_t i = w->creator_count; i > w->level[w->depth].creators; i--)
		if (w->creators[i - 1].group == TAG_GROUP(tag) && w->creators[i - 1].block == block)
			return w->creators[i - 1].name;
	return BYTES_NONE;
}

static struct anon_decision decide(const struct applying *w, const struct token *t)
{
	const struct anon_place at = {
		.iod = w->iod,
		.path = w->path,
		.depth = w->depth,
		.tag = t->tag,
		.vr = t->vr,
		.creator = TAG_IS_PRIVATE(t->tag) ? creator_of(w, t->tag) : BYTES_NONE,
	};

	return policy_decide(w->policy, &at);
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

static enum err enter(struct applying *w, const struct token *t, enum anon_act act)
{
	const struct level *around = &w->level[w->depth];

	if (w->depth + 1 >= sizeof(w->level) / sizeof(w->level[0]) ||
	    w->emit.depth + 2 >= sizeof(w->emit.open) / sizeof(w->emit.open[0]))
		return too_deep(w, t);
	w->path[w->depth++] = t->tag;
	w->level[w->depth] = (struct level){
		.plain = act == ACT_DUMMY || around->plain,
		.clean = act == ACT_CLEAN || around->clean,
		.item = NO_ITEM,
		.creators = w->creator_count,
	};
	emit_begin(&w->emit, walker_of(w)->in, t);
	return OK;
}

static void leave(struct applying *w)
{
	w->creator_count = w->level[w->depth].creators;
	w->depth--;
	emit_end(&w->emit, false);
}

/* Read over a sequence or pixel data, its end included. */
static enum err skip(struct applying *w)
{
	struct token end;
	enum err e = walk_skip(walker_of(w), w->f);

	return e != OK ? e : walk_next(walker_of(w), &end, w->f);
}

static enum err empty_value(struct applying *w, const struct token *t)
{
	emit_value(&w->emit, t, value_vr(t), BYTES_NONE);
	return OK;
}

static enum err begin_sequence(struct applying *w, const struct token *t)
{
	enum anon_act act = decide(w, t).act;

	if (w->depth == 0 && place_forced(w, t->tag))
		return skip(w);
	count(w, act, t->tag);
	switch (act) {
	case ACT_KEEP:
	case ACT_DUMMY:
	case ACT_CLEAN:
		return enter(w, t, act);
	case ACT_EMPTY: {
		enum err e = skip(w);
		return e != OK ? e : empty_value(w, t);
	}
	default: /* nothing else can be said of a sequence: it goes */
		return skip(w);
	}
}

/* ---- elements ---- */

/* A sequence in an UN element of defined length: known to be one, or it begins like one. */
static bool hides_sequence(const struct token *t)
{
	static const uint8_t item_le[4] = {0xFE, 0xFF, 0x00, 0xE0};

	return t->vr == VR_UN && t->value.len >= 8 &&
	       memcmp(t->value.at, item_le, sizeof(item_le)) == 0 &&
	       (dict_vr(t->tag) == VR_SQ || TAG_IS_PRIVATE(t->tag));
}

static enum err enter_hidden(struct applying *w, const struct token *t, enum anon_act act)
{
	if (w->walker + 1 == WALKERS)
		return too_deep(w, t);
	enum err e = enter(w, t, act);
	if (e != OK)
		return e;
	walk_init_items(&w->walkers[w->walker + 1], t->value, &syntax_implicit_le, t->tag);
	w->walker++;
	return OK;
}

/* The name that was chosen for the ROI whose item this is. */
static struct bytes roi_name(const struct applying *w)
{
	uint32_t item = w->level[w->depth].item;
	bool in_rois = w->depth == 1 && w->path[0] == TAG_StructureSetROISequence;

	return in_rois && item < w->source->roi_count ? w->source->roi_names[item] : BYTES_NONE;
}

static enum err change(struct applying *w, const struct token *t, struct anon_decision d)
{
	const struct level *around = &w->level[w->depth];
	struct bytes value;
	enum value_end end = value_make(&w->values,
					&(struct value_job){.token = t,
							    .decision = d,
							    .plain = around->plain,
							    .strict = around->clean,
							    .roi_name = roi_name(w)},
					&value);

	switch (end) {
	case VALUE_SAME:
		emit_copy(&w->emit, walker_of(w)->in, t);
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
	return w->depth == 0 && (t->tag == TAG_PixelData || t->tag == TAG_FloatPixelData ||
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
	reserve_block(w, t);
	if (w->depth == 0 && place_forced(w, t->tag))
		return OK;

	struct anon_decision d = decide(w, t);
	count(w, d.act, t->tag);
	if (d.act == ACT_REMOVE)
		return OK;
	if (hides_sequence(t) && (d.act == ACT_KEEP || d.act == ACT_DUMMY || d.act == ACT_CLEAN))
		return enter_hidden(w, t, d.act);
	return change(w, t, d);
}

/* Encapsulated pixel data: of the image itself, or an icon's or a private one's in an item. */
static enum err begin_pixels(struct applying *w, const struct token *t)
{
	bool own = is_pixels(w, t);
	struct anon_decision d = decide(w, t);
	enum err e = skip(w);
	size_t end = walker_of(w)->pos;

	if (e != OK)
		return e;
	if (own)
		return take_pixels(w, t, end);
	count(w, d.act, t->tag);
	if (d.act == ACT_KEEP)
		buf_add(w->emit.out, bytes_slice(walker_of(w)->in, t->at, end - t->at));
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
		w->level[w->depth].item++;
		w->creator_count = w->level[w->depth].creators;
		emit_begin(&w->emit, walker_of(w)->in, t);
		return OK;
	case TOK_ITEM_END:
		emit_end(&w->emit, true);
		return OK;
	case TOK_SEQUENCE_END:
		leave(w);
		return OK;
	case TOK_FRAGMENT:
	case TOK_PIXELS_END:
		break;
	}
	assert(!"fragments are skipped");
	return ERR_WIRE;
}

static enum err run(struct applying *w)
{
	struct token t;

	walk_init(&w->walkers[0], w->source->data, w->source->syntax);
	for (;;) {
		enum err e = walk_next(walker_of(w), &t, w->f);

		/* the END of a hidden sequence has come; what follows is the walker's below */
		if (e == ERR_MORE && w->walker > 0) {
			w->walker--;
			continue;
		}
		if (e == ERR_MORE)
			break;
		if (e == OK)
			e = step(w, &t);
		if (e != OK)
			return e;
	}
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
	struct walk *k = &w->walkers[0];
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
