#include "anon/convert.h"

#include <stdio.h>
#include <string.h>

#include "anon/visit.h"
#include "dicom/charset.h"
#include "dicom/number.h"
#include "image/decoded.h"

#define NAMES_MAX LIMIT_ROIS

struct roi_list {
	struct bytes *names;
	int64_t *numbers;
	size_t count;
	struct charset charset, outside; /* of the item at hand, of the top level */
	struct buf text;                 /* owned */
};

/* One element of an item of Structure Set ROI Sequence. */
static enum err take_roi(struct roi_list *l, const struct visit *v, const struct token *t,
			 struct arena *a, struct fault *f)
{
	size_t item = v->item[0];

	if (item >= NAMES_MAX)
		return fault_set(f, ERR_LIMIT, "too many ROIs", t->at);
	l->count = item + 1 > l->count ? item + 1 : l->count;
	if (t->tag == TAG_SpecificCharacterSet)
		l->charset = charset_parse(t->value);
	if (t->tag == TAG_ROINumber)
		(void)is_to_int(bytes_trim(t->value), &l->numbers[item]);
	if (t->tag != TAG_ROIName)
		return OK;
	buf_free(&l->text);
	charset_to_utf8(&l->charset, VR_LO, t->value, &l->text);
	l->names[item] = arena_copy(a, bytes_trim(buf_bytes(&l->text)));
	return l->names[item].at == NULL
		       ? fault_set(f, ERR_NOMEM, "no memory for names of ROIs", t->at)
		       : OK;
}

static enum err list_rois(struct roi_list *l, const struct anon_source *source, struct arena *a,
			  struct fault *f)
{
	static struct visit v; /* large, and one at a time */
	struct token t;
	enum err e;

	visit_open(&v, source->data, source->syntax);
	while ((e = visit_next(&v, &t, f)) == OK) {
		bool rois = v.depth == 1 && v.path[0] == TAG_StructureSetROISequence;

		if (t.kind == TOK_PIXELS || (t.kind == TOK_SEQUENCE &&
					     (v.depth > 0 || t.tag != TAG_StructureSetROISequence)))
			e = visit_skip(&v, f);
		else if (visit_hides(&t) && t.tag == TAG_StructureSetROISequence)
			e = visit_enter(&v, &t, f);
		else if (t.kind == TOK_ELEMENT && v.depth == 0 && t.tag == TAG_SpecificCharacterSet)
			l->outside = charset_parse(t.value);
		else if (t.kind == TOK_ITEM && rois)
			l->charset = l->outside;
		else if (t.kind == TOK_ELEMENT && rois)
			e = take_roi(l, &v, &t, a, f);
		if (e != OK)
			return e;
	}
	return e == ERR_MORE ? OK : e;
}

enum err convert_roi_names(const struct anon_gate *gate, const struct anon_source *source,
			   struct bytes **names, size_t *count, struct arena *a, struct fault *f)
{
	struct roi_list l = {.names = ARENA_NEW(a, struct bytes, NAMES_MAX),
			     .numbers = ARENA_NEW(a, int64_t, NAMES_MAX),
			     .outside = charset_parse(BYTES_NONE),
			     .text = BUF_INIT(1u << 20)};
	enum err e = OK;

	*names = ARENA_NEW(a, struct bytes, NAMES_MAX);
	*count = 0;
	if (l.names == NULL || l.numbers == NULL || *names == NULL)
		return fault_set(f, ERR_NOMEM, "no memory for names of ROIs", FAULT_NO_OFFSET);
	e = list_rois(&l, source, a, f);
	if (e == OK)
		e = roi_names_choose(gate->vocabulary, &source->patient->words, l.names, l.numbers,
				     l.count, *names, a, f);
	*count = l.count;
	buf_free(&l.text);
	return e;
}

/* R20.  The profile netrt lets pass what NETRT let pass, unless the site says otherwise. */
static enum err judge_risk(struct converted *c, const struct anon_gate *gate, const struct dset *d,
			   struct fault *f)
{
	const struct anon_settings *s = gate->settings;

	c->risk = pixels_risk(d);
	if (c->risk == RISK_NONE || s->burned_in == ANON_RISK_PASS)
		return OK;
	if (s->burned_in == ANON_RISK_BLANK && pixels_regions(d, s->regions, s->region_count) > 0)
		return OK;
	return fault_set(f, ERR_UNSUPPORTED, pixel_risk_words[c->risk], FAULT_NO_OFFSET);
}

static enum err list_views(struct converted *c, struct arena *a, struct fault *f)
{
	struct bytes *views = ARENA_NEW(a, struct bytes, anon_object_most(&c->object));

	if (views == NULL)
		return fault_set(f, ERR_NOMEM, "no memory for the parts of the data set",
				 FAULT_NO_OFFSET);
	c->views = views;
	c->view_count = anon_object_list(&c->object, c->pixels.view, views);
	return OK;
}

/* Nothing of the object before is left but memory. */
static void begin(struct converted *c)
{
	struct buf head = c->object.head, list = c->object.list;

	pixels_close(&c->pixels);
	memset(c, 0, sizeof(*c));
	c->object.head = head;
	c->object.list = list;
}

/* *closed: what is to be cleaned of the pixels can be so only where they are decoded. */
static enum err make(struct converted *c, const struct anon_gate *gate, const struct part10 *p,
		     bool *closed, struct arena *a, struct fault *f)
{
	const struct anon_settings *s = gate->settings;
	bool blank = s->burned_in == ANON_RISK_BLANK;
	struct bytes *names = NULL;
	struct dset d;
	enum err e;

	begin(c);
	c->syntax = p->syntax;
	c->syntax_uid = p->syntax_uid;
	c->source =
		(struct anon_source){.data = p->data, .syntax = p->syntax, .patient = &c->patient};
	e = dset_index(&d, p->data, p->syntax, 0, a, f);
	if (e == OK && d.syntax != NULL && p->syntax_unknown)
		e = fault_set(f, ERR_UNSUPPORTED, "its transfer syntax is not known",
			      FAULT_NO_OFFSET);
	if (e == OK) {
		(void)uid_set(&c->old_study, dset_text(&d, NULL, TAG_StudyInstanceUID));
		(void)uid_set(&c->old_instance, dset_text(&d, NULL, TAG_SOPInstanceUID));
		e = judge_risk(c, gate, &d, f);
	}
	if (e == OK)
		e = gate_patient(gate, p->data, p->syntax, &c->patient, a, f);
	if (e == OK && anon_iod_of(dset_text(&d, NULL, TAG_SOPClassUID)) == IOD_RT_STRUCTURE_SET)
		e = convert_roi_names(gate, &c->source, &names, &c->source.roi_count, a, f);
	c->source.roi_names = names;
	snprintf(c->source.today, sizeof(c->source.today), "%04u%02u%02u",
		 (unsigned)gate->now.year % 10000, (unsigned)gate->now.month % 100,
		 (unsigned)gate->now.day % 100);
	c->source.pixels_cleaned = blank && pixels_regions(&d, s->regions, s->region_count) > 0;
	if (e == OK)
		e = anon_apply(gate->policy, &c->source, &c->object, f);
	if (e == OK && (s->profile != ANON_NETRT || c->source.pixels_cleaned)) {
		e = pixels_clean(&d, &c->object, s->regions, blank ? s->region_count : 0,
				 &c->pixels, f);
		*closed = e == ERR_UNSUPPORTED && c->object.encapsulated;
	} else {
		c->pixels.view = c->object.pixels;
	}
	if (e == OK)
		e = verify_collect(&c->verify, gate->policy, &c->source, a, f);
	return e == OK ? list_views(c, a, f) : e;
}

enum err convert_make(struct converted *c, const struct anon_gate *gate, const struct part10 *p,
		      struct arena *a, struct fault *f)
{
	bool closed = false, again;
	struct part10 plain;
	enum err e = make(c, gate, p, &closed, a, f);

	if (!closed)
		return e;
	e = decoded_object(&plain, p, a, f);
	if (e != OK)
		return e;
	e = make(c, gate, &plain, &again, a, f);
	c->decoded = true;
	if (e == OK && c->object.has_compressed_icon) /* it has no place there (PS3.5 A.4) */
		e = fault_set(f, ERR_UNSUPPORTED,
			      "a compressed icon in an image that has to be decoded",
			      FAULT_NO_OFFSET);
	return e;
}

enum err convert_verify(const struct converted *c, struct bytes file, struct verify_hit *hit,
			struct fault *f)
{
	return verify_file(&c->verify, file, hit, f);
}

void convert_close(struct converted *c)
{
	anon_object_close(&c->object);
	pixels_close(&c->pixels);
}
