/*
 * Two walks over the data set: one counts, one fills arrays of that size.  Both see only
 * what matters, as events (next_event): items and elements of the sequences in `places`;
 * everything else is skipped.
 *
 * A place is which of those sequences the walk is in:
 *
 *     PLACE_SET           the data set itself
 *     PLACE_FRAME           Referenced Frame of Reference Sequence
 *     PLACE_STUDY             RT Referenced Study Sequence
 *     PLACE_SERIES              RT Referenced Series Sequence
 *     PLACE_SERIES_IMAGE          Contour Image Sequence
 *     PLACE_ROI             Structure Set ROI Sequence         -> struct roi
 *     PLACE_ROI_CONTOUR     ROI Contour Sequence               -> struct roi_item
 *     PLACE_CONTOUR           Contour Sequence                 -> struct contour
 *     PLACE_IMAGE               Contour Image Sequence
 *     PLACE_OBSERVATION     RT ROI Observations Sequence       -> struct observation
 *     PLACE_CODE              RT ROI Identification Code Sequence
 *
 * Only when all is read are items paired by ROI Number (pair_*), and only where that gives
 * another order are the contours moved.
 */
#include "rt/structset.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "dicom/charset.h"
#include "dicom/number.h"
#include "dicom/walk.h"

enum place {
	PLACE_SET,
	PLACE_FRAME,
	PLACE_STUDY,
	PLACE_SERIES,
	PLACE_SERIES_IMAGE,
	PLACE_ROI,
	PLACE_ROI_CONTOUR,
	PLACE_CONTOUR,
	PLACE_IMAGE,
	PLACE_OBSERVATION,
	PLACE_CODE,
	PLACE_OTHER,
	PLACES
};

static const struct {
	enum place in;
	uint32_t tag;
	enum place place;
} places[] = {
	{PLACE_SET, TAG_ReferencedFrameOfReferenceSequence, PLACE_FRAME},
	{PLACE_FRAME, TAG_RTReferencedStudySequence, PLACE_STUDY},
	{PLACE_STUDY, TAG_RTReferencedSeriesSequence, PLACE_SERIES},
	{PLACE_SERIES, TAG_ContourImageSequence, PLACE_SERIES_IMAGE},
	{PLACE_SET, TAG_StructureSetROISequence, PLACE_ROI},
	{PLACE_SET, TAG_ROIContourSequence, PLACE_ROI_CONTOUR},
	{PLACE_ROI_CONTOUR, TAG_ContourSequence, PLACE_CONTOUR},
	{PLACE_CONTOUR, TAG_ContourImageSequence, PLACE_IMAGE},
	{PLACE_SET, TAG_RTROIObservationsSequence, PLACE_OBSERVATION},
	{PLACE_OBSERVATION, TAG_RTROIIdentificationCodeSequence, PLACE_CODE},
};

#define PLACE_DEPTH 6 /* the data set, four sequences, and another one inside */

/* One item of the ROI Contour Sequence. */
struct roi_item {
	int64_t number;
	bool has_number, has_color;
	uint8_t color[3];
	uint32_t contour_first, contour_count;
	uint32_t roi;
};

struct observation {
	int64_t number;
	bool has_number;
	struct bytes type;
	uint32_t codes;
	struct bytes code_value, code_scheme, code_meaning; /* of the first */
};

enum event_kind { EVENT_ITEM, EVENT_ITEM_END, EVENT_ELEMENT };

struct event {
	enum event_kind kind;
	enum place place;
	uint32_t tag;
	struct bytes value;
};

struct reader {
	struct structset *set;
	struct arena *arena;
	struct buf text; /* of as_utf8 */
	bool texts_lost; /* there was no memory for one */
	struct charset charset;
	/* the walk; walk[1] is inside an UN element that hides a sequence */
	struct walk walk[2];
	unsigned walks;
	enum place place[PLACE_DEPTH];
	unsigned depth;
	/* how many there are, and how many are filled in */
	uint32_t items[PLACES];
	uint32_t rois, series_refs;
	struct roi_item *roi_items;
	uint32_t roi_item_count;
	struct observation *observations;
	uint32_t observation_count;
};

static enum err no_memory(struct fault *f)
{
	return fault_set(f, ERR_NOMEM, "not enough working memory for the structure set",
			 FAULT_NO_OFFSET);
}

/* ---- Events ---- */

static enum place place_of(enum place in, uint32_t tag)
{
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		if (places[i].in == in && places[i].tag == tag)
			return places[i].place;
	return PLACE_OTHER;
}

static void reader_start(struct reader *r, const struct part10 *p)
{
	walk_init(&r->walk[0], p->data, p->syntax);
	r->walks = 1;
	r->place[0] = PLACE_SET;
	r->depth = 1;
}

static enum err enter(struct reader *r, enum place place, struct fault *f)
{
	assert(r->depth < PLACE_DEPTH);
	r->place[r->depth++] = place;
	return place == PLACE_OTHER ? walk_skip(&r->walk[r->walks - 1], f) : OK;
}

/* A sequence that went through a system that did not know it, and came out as UN, or as some other
 * bytes (PS3.5 6.2.2 note 2): implicit VR little endian inside. */
static bool hides_items(const struct reader *r, const struct token *t)
{
	return r->walks == 1 && t->value.len >= 8 && get_u16le(t->value.at) == 0xFFFE &&
	       get_u16le(t->value.at + 2) == 0xE000 &&
	       place_of(r->place[r->depth - 1], t->tag) != PLACE_OTHER;
}

/* OK and *e; ERR_MORE at the end of a data set that is whole. */
static enum err next_event(struct reader *r, struct event *e, struct fault *f)
{
	for (;;) {
		struct walk *w = &r->walk[r->walks - 1];
		enum place place = r->place[r->depth - 1];
		struct token t;
		enum err err = walk_next(w, &t, f);

		if (err == ERR_MORE && r->walks == 2) {
			r->walks = 1;
			continue;
		}
		if (err == ERR_MORE && w->open_end)
			return fault_set(
				f, ERR_WIRE,
				"the structure set ends inside a sequence: it is cut short",
				w->pos);
		if (err != OK)
			return err;

		*e = (struct event){.place = place, .tag = t.tag, .value = t.value};
		switch (t.kind) {
		case TOK_SEQUENCE:
			err = enter(r, place_of(place, t.tag), f);
			break;
		case TOK_PIXELS:
			err = enter(r, PLACE_OTHER, f);
			break;
		case TOK_SEQUENCE_END:
		case TOK_PIXELS_END:
			assert(r->depth > 1);
			r->depth--;
			break;
		case TOK_ITEM:
			e->kind = EVENT_ITEM;
			return OK;
		case TOK_ITEM_END:
			e->kind = EVENT_ITEM_END;
			return OK;
		case TOK_FRAGMENT:
			break;
		case TOK_ELEMENT:
			if (hides_items(r, &t)) {
				walk_init_items(&r->walk[r->walks++], t.value, &syntax_implicit_le,
						t.tag);
				err = enter(r, place_of(place, t.tag), f);
				break;
			}
			e->kind = EVENT_ELEMENT;
			return OK;
		}
		if (err != OK)
			return err;
	}
}

/* ---- Small values ---- */

static struct bytes as_utf8(struct reader *r, enum vr vr, struct bytes raw)
{
	raw = bytes_trim(raw);
	if (raw.len > STRUCTSET_TEXT_MAX)
		raw.len = STRUCTSET_TEXT_MAX;
	r->text.len = 0;
	charset_to_utf8(&r->charset, vr, raw, &r->text);

	struct bytes text = arena_copy(r->arena, bytes_trim(buf_bytes(&r->text)));
	r->texts_lost = r->texts_lost || text.at == NULL || r->text.failed;
	return text;
}

static bool read_color(struct bytes value, uint8_t color[static 3])
{
	int64_t v[3];

	for (unsigned i = 0; i < 3; i++) {
		struct bytes one;

		if (!text_nth(value, i, &one) || !is_to_int(one, &v[i]) || v[i] < 0 || v[i] > 255)
			return false;
	}
	for (unsigned i = 0; i < 3; i++)
		color[i] = (uint8_t)v[i];
	return true;
}

static bool is_not_zero(struct bytes value)
{
	struct bytes one;
	int64_t pm;

	for (unsigned i = 0; i < 3 && text_nth(value, i, &one); i++)
		if (ds_to_pm(one, &pm) && pm != 0)
			return true;
	return false;
}

static const char *const type_terms[] = {
	[CONTOUR_CLOSED_PLANAR] = "CLOSED_PLANAR",
	[CONTOUR_CLOSEDPLANAR_XOR] = "CLOSEDPLANAR_XOR",
	[CONTOUR_INTERPOLATED_PLANAR] = "INTERPOLATED_PLANAR",
	[CONTOUR_POINT] = "POINT",
	[CONTOUR_OPEN_PLANAR] = "OPEN_PLANAR",
	[CONTOUR_OPEN_NONPLANAR] = "OPEN_NONPLANAR",
	[CONTOUR_UNKNOWN] = "unknown",
};

const char *contour_type_term(enum contour_type type)
{
	return type_terms[type];
}

static enum contour_type read_type(struct bytes value)
{
	value = bytes_trim(value);
	for (unsigned i = 0; i < CONTOUR_UNKNOWN; i++)
		if (bytes_eq_str(value, type_terms[i]))
			return (enum contour_type)i;
	/* not the standard's spelling, but there is no doubt what it means */
	if (bytes_eq_str(value, "CLOSED_PLANAR_XOR"))
		return CONTOUR_CLOSEDPLANAR_XOR;
	return CONTOUR_UNKNOWN;
}

/* ---- First walk: how many ---- */

static enum err count_all(struct reader *r, const struct part10 *p, struct fault *f)
{
	struct event e = {0};
	enum err err;

	reader_start(r, p);
	while ((err = next_event(r, &e, f)) == OK) {
		if (e.kind == EVENT_ITEM)
			r->items[e.place]++;
		if (e.kind != EVENT_ELEMENT)
			continue;
		if (e.place == PLACE_SERIES && e.tag == TAG_SeriesInstanceUID && uid_ok(e.value))
			r->series_refs++;
		if (e.place == PLACE_SET && e.tag == TAG_SpecificCharacterSet)
			r->set->charset = e.value;
		if (e.place == PLACE_SET && e.tag == TAG_SOPClassUID)
			(void)uid_set(&r->set->sop_class, e.value);
	}
	if (err != ERR_MORE)
		return err;
	if (r->items[PLACE_ROI] > LIMIT_ROIS || r->items[PLACE_ROI_CONTOUR] > LIMIT_ROIS)
		return fault_set(f, ERR_LIMIT, "more ROIs than this program takes",
				 FAULT_NO_OFFSET);
	if (r->items[PLACE_CONTOUR] > LIMIT_CONTOURS)
		return fault_set(f, ERR_LIMIT, "more contours than this program takes",
				 FAULT_NO_OFFSET);
	return OK;
}

static bool is_structure_set(const struct reader *r)
{
	const char *sop_class = r->set->sop_class.text;

	if (sop_class[0] != '\0')
		return strcmp(sop_class, SOP_CLASS_RT_STRUCTURE_SET) == 0;
	return r->items[PLACE_ROI] > 0 || r->items[PLACE_ROI_CONTOUR] > 0;
}

static enum err make_room(struct reader *r, struct fault *f)
{
	struct structset *s = r->set;

	s->contours = ARENA_NEW(r->arena, struct contour, r->items[PLACE_CONTOUR]);
	s->rois =
		ARENA_NEW(r->arena, struct roi, r->items[PLACE_ROI] + r->items[PLACE_ROI_CONTOUR]);
	s->series_refs = ARENA_NEW(r->arena, struct uid, r->series_refs);
	r->roi_items = ARENA_NEW(r->arena, struct roi_item, r->items[PLACE_ROI_CONTOUR]);
	r->observations = ARENA_NEW(r->arena, struct observation, r->items[PLACE_OBSERVATION]);
	if (s->contours == NULL || s->rois == NULL || s->series_refs == NULL ||
	    r->roi_items == NULL || r->observations == NULL)
		return no_memory(f);
	return OK;
}

/* ---- Second walk: what.  Of an element that is repeated, the first counts. ---- */

static void first_text(struct reader *r, struct bytes *out, enum vr vr, struct bytes raw)
{
	if (out->at == NULL)
		*out = as_utf8(r, vr, raw);
}

static void first_uid(struct uid *out, struct bytes value)
{
	if (out->text[0] == '\0')
		(void)uid_set(out, value);
}

static void set_element(struct reader *r, const struct event *e)
{
	struct structset *s = r->set;

	switch (e->tag) {
	case TAG_SOPInstanceUID:
		first_uid(&s->sop_instance, e->value);
		break;
	case TAG_StudyInstanceUID:
		first_uid(&s->study, e->value);
		break;
	case TAG_SeriesInstanceUID:
		first_uid(&s->series, e->value);
		break;
	case TAG_FrameOfReferenceUID:
		first_uid(&s->frame, e->value);
		break;
	case TAG_StructureSetLabel:
		first_text(r, &s->label, VR_SH, e->value);
		break;
	case TAG_StructureSetName:
		first_text(r, &s->name, VR_LO, e->value);
		break;
	case TAG_StructureSetDate:
		first_text(r, &s->date, VR_DA, e->value);
		break;
	case TAG_StructureSetTime:
		first_text(r, &s->time, VR_TM, e->value);
		break;
	default:
		break;
	}
}

static void roi_element(struct reader *r, struct roi *roi, const struct event *e)
{
	switch (e->tag) {
	case TAG_ROINumber:
		if (!roi->has_number)
			roi->has_number = is_to_int(e->value, &roi->number);
		break;
	case TAG_ReferencedFrameOfReferenceUID:
		first_uid(&roi->frame, e->value);
		break;
	case TAG_ROIName:
		if (roi->name_raw.at == NULL)
			roi->name_raw = bytes_trim(e->value);
		first_text(r, &roi->name, VR_LO, e->value);
		break;
	case TAG_ROIGenerationAlgorithm:
		first_text(r, &roi->algorithm, VR_CS, e->value);
		break;
	default:
		break;
	}
}

static void contour_element(struct contour *c, const struct event *e)
{
	switch (e->tag) {
	case TAG_ContourGeometricType:
		if (c->type == CONTOUR_UNKNOWN)
			c->type = (uint8_t)read_type(e->value);
		break;
	case TAG_ContourOffsetVector:
		c->has_offset = c->has_offset || is_not_zero(e->value);
		break;
	case TAG_NumberOfContourPoints:
		if (c->points_declared < 0 && !is_to_int(e->value, &c->points_declared))
			c->points_declared = -1;
		break;
	case TAG_ContourData:
		if (c->data.at == NULL)
			c->data = e->value;
		break;
	default:
		break;
	}
}

static void roi_item_element(struct roi_item *item, const struct event *e)
{
	if (e->tag == TAG_ReferencedROINumber && !item->has_number)
		item->has_number = is_to_int(e->value, &item->number);
	if (e->tag == TAG_ROIDisplayColor && !item->has_color)
		item->has_color = read_color(e->value, item->color);
}

static void image_element(struct contour *c, const struct event *e)
{
	if (e->tag == TAG_ReferencedSOPInstanceUID && c->image_count == 1 &&
	    c->image_uid.at == NULL)
		c->image_uid = bytes_trim(e->value);
}

static void observation_element(struct observation *o, const struct event *e)
{
	if (e->tag == TAG_ReferencedROINumber && !o->has_number)
		o->has_number = is_to_int(e->value, &o->number);
	if (e->tag == TAG_RTROIInterpretedType && o->type.at == NULL)
		o->type = e->value;
}

static void code_element(struct observation *o, const struct event *e)
{
	if (o->codes > 1)
		return;
	if (e->tag == TAG_CodeValue)
		o->code_value = e->value;
	if (e->tag == TAG_CodingSchemeDesignator)
		o->code_scheme = e->value;
	if (e->tag == TAG_CodeMeaning)
		o->code_meaning = e->value;
}

static void begin_item(struct reader *r, enum place place)
{
	struct structset *s = r->set;

	switch (place) {
	case PLACE_ROI:
		s->rois[s->roi_count++] = (struct roi){.number = -1, .in_roi_sequence = true};
		break;
	case PLACE_ROI_CONTOUR:
		r->roi_items[r->roi_item_count++] =
			(struct roi_item){.number = -1, .contour_first = s->contour_count};
		break;
	case PLACE_CONTOUR:
		s->contours[s->contour_count] = (struct contour){.type = CONTOUR_UNKNOWN,
								 .points_declared = -1,
								 .ordinal = s->contour_count};
		s->contour_count++;
		r->roi_items[r->roi_item_count - 1].contour_count++;
		break;
	case PLACE_IMAGE:
		s->contours[s->contour_count - 1].image_count++;
		break;
	case PLACE_SERIES_IMAGE:
		s->image_ref_count++;
		break;
	case PLACE_OBSERVATION:
		r->observations[r->observation_count++] = (struct observation){.number = -1};
		break;
	case PLACE_CODE:
		r->observations[r->observation_count - 1].codes++;
		break;
	default:
		break;
	}
}

static void item_element(struct reader *r, const struct event *e)
{
	struct structset *s = r->set;

	switch (e->place) {
	case PLACE_SET:
		set_element(r, e);
		break;
	case PLACE_FRAME:
		if (e->tag == TAG_FrameOfReferenceUID)
			first_uid(&s->frame, e->value);
		break;
	case PLACE_SERIES:
		/* there is room for the good ones only, and uid_set writes in any case */
		if (e->tag == TAG_SeriesInstanceUID && uid_ok(e->value))
			(void)uid_set(&s->series_refs[s->series_ref_count++], e->value);
		break;
	case PLACE_ROI:
		roi_element(r, &s->rois[s->roi_count - 1], e);
		break;
	case PLACE_ROI_CONTOUR:
		roi_item_element(&r->roi_items[r->roi_item_count - 1], e);
		break;
	case PLACE_CONTOUR:
		contour_element(&s->contours[s->contour_count - 1], e);
		break;
	case PLACE_IMAGE:
		image_element(&s->contours[s->contour_count - 1], e);
		break;
	case PLACE_OBSERVATION:
		observation_element(&r->observations[r->observation_count - 1], e);
		break;
	case PLACE_CODE:
		code_element(&r->observations[r->observation_count - 1], e);
		break;
	default:
		break;
	}
}

static enum err fill_all(struct reader *r, const struct part10 *p, struct fault *f)
{
	struct event e = {0};
	enum err err;

	r->charset = charset_parse(r->set->charset);
	reader_start(r, p);
	while ((err = next_event(r, &e, f)) == OK) {
		if (e.kind == EVENT_ITEM)
			begin_item(r, e.place);
		if (e.kind == EVENT_ELEMENT)
			item_element(r, &e);
	}
	r->set->walk_notes = r->walk[0].notes;
	return err == ERR_MORE ? OK : err;
}

/* ---- Pairing ---- */

struct key {
	int64_t number;
	struct bytes name;
	uint32_t roi;
};

static int by_number(const void *a, const void *b)
{
	const struct key *x = a, *y = b;

	if (x->number != y->number)
		return x->number < y->number ? -1 : 1;
	return (x->roi > y->roi) - (x->roi < y->roi);
}

static int by_name(const void *a, const void *b)
{
	const struct key *x = a, *y = b;
	int order = bytes_cmp(x->name, y->name);

	return order != 0 ? order : (x->roi > y->roi) - (x->roi < y->roi);
}

/* The first of the ROIs with this number; `count` when there is none. */
static uint32_t find_number(const struct key *keys, uint32_t count, int64_t number)
{
	uint32_t low = 0, high = count;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;

		if (keys[mid].number < number)
			low = mid + 1;
		else
			high = mid;
	}
	return low < count && keys[low].number == number ? low : count;
}

/* Some systems give one number to several ROIs: then the first item is the first ROI's, and so on;
 * put together, their contours would read as holes in one another. */
static void pair_items(struct reader *r, const struct key *keys, uint32_t count)
{
	struct structset *s = r->set;

	for (uint32_t i = 0; i < r->roi_item_count; i++) {
		struct roi_item *item = &r->roi_items[i];
		uint32_t k = item->has_number ? find_number(keys, count, item->number) : count;

		while (k + 1 < count && keys[k + 1].number == item->number &&
		       s->rois[keys[k].roi].in_contour_sequence)
			k++;
		if (k == count) {
			item->roi = s->roi_count++;
			s->rois[item->roi] = (struct roi){.number = item->number,
							  .has_number = item->has_number};
		} else {
			item->roi = keys[k].roi;
		}

		struct roi *roi = &s->rois[item->roi];
		roi->in_contour_sequence = true;
		if (item->has_color && !roi->has_color) {
			memcpy(roi->color, item->color, sizeof(roi->color));
			roi->has_color = true;
		}
	}
}

static void pair_observations(struct reader *r, const struct key *keys, uint32_t count)
{
	struct structset *s = r->set;

	for (uint32_t i = 0; i < r->observation_count; i++) {
		const struct observation *o = &r->observations[i];
		uint32_t k = o->has_number ? find_number(keys, count, o->number) : count;

		while (k + 1 < count && keys[k + 1].number == o->number &&
		       s->rois[keys[k].roi].has_observation)
			k++;
		if (k == count)
			continue;

		struct roi *roi = &s->rois[keys[k].roi];
		if (roi->interpreted_type.len == 0)
			roi->interpreted_type = as_utf8(r, VR_CS, o->type);
		if (roi->code_value.len == 0 && o->codes > 0) {
			roi->code_value = as_utf8(r, VR_SH, o->code_value);
			roi->code_scheme = as_utf8(r, VR_SH, o->code_scheme);
			roi->code_meaning = as_utf8(r, VR_LO, o->code_meaning);
		}
		roi->has_observation = true;
	}
}

static void find_duplicates(struct structset *s, struct key *keys, uint32_t count)
{
	for (uint32_t i = 1; i < count; i++)
		if (keys[i].number == keys[i - 1].number)
			s->rois[keys[i].roi].duplicate_number =
				s->rois[keys[i - 1].roi].duplicate_number = true;
	qsort(keys, count, sizeof(*keys), by_name);
	for (uint32_t i = 1; i < count; i++)
		if (keys[i].name.len > 0 && bytes_eq(keys[i].name, keys[i - 1].name))
			s->rois[keys[i].roi].duplicate_name =
				s->rois[keys[i - 1].roi].duplicate_name = true;
	for (uint32_t i = 0; i < s->roi_count; i++)
		s->duplicate_names += s->rois[i].duplicate_name;
}

static enum err pair_all(struct reader *r, struct fault *f)
{
	struct structset *s = r->set;
	struct key *keys = ARENA_NEW(r->arena, struct key, s->roi_count);
	uint32_t count = 0, defined = s->roi_count;

	if (keys == NULL)
		return no_memory(f);
	for (uint32_t i = 0; i < defined; i++)
		if (s->rois[i].has_number)
			keys[count++] = (struct key){.number = s->rois[i].number, .roi = i};
	if (count > 0)
		qsort(keys, count, sizeof(*keys), by_number);
	pair_items(r, keys, count);
	pair_observations(r, keys, count);
	for (uint32_t i = 0; i < count; i++)
		keys[i].name = s->rois[keys[i].roi].name;
	if (count > 0)
		find_duplicates(s, keys, count);
	return OK;
}

/* ---- Contours by ROI ---- */

/* Each contour's ROI; false where the ROIs are not in the order of the contours. */
static bool name_rois(struct reader *r)
{
	struct structset *s = r->set;
	bool ordered = true;

	for (uint32_t i = 0; i < r->roi_item_count; i++) {
		const struct roi_item *item = &r->roi_items[i];

		ordered = ordered && (i == 0 || item->roi >= item[-1].roi);
		s->rois[item->roi].contour_count += item->contour_count;
		for (uint32_t k = 0; k < item->contour_count; k++)
			s->contours[item->contour_first + k].roi = item->roi;
	}
	for (uint32_t i = 0, first = 0; i < s->roi_count; i++) {
		s->rois[i].contour_first = first;
		first += s->rois[i].contour_count;
	}
	return ordered;
}

static enum err group_contours(struct reader *r, struct fault *f)
{
	struct structset *s = r->set;

	if (name_rois(r))
		return OK;

	struct contour *sorted = ARENA_NEW(r->arena, struct contour, s->contour_count);
	uint32_t *next = ARENA_NEW(r->arena, uint32_t, s->roi_count);
	if (sorted == NULL || next == NULL)
		return no_memory(f);
	for (uint32_t i = 0; i < s->roi_count; i++)
		next[i] = s->rois[i].contour_first;
	for (uint32_t i = 0; i < s->contour_count; i++)
		sorted[next[s->contours[i].roi]++] = s->contours[i];
	s->contours = sorted;
	return OK;
}

static enum err read_all(struct reader *r, const struct part10 *p, struct fault *f)
{
	enum err e = count_all(r, p, f);

	if (e == OK && !is_structure_set(r))
		e = fault_set(f, ERR_UNUSABLE, "not an RT Structure Set", FAULT_NO_OFFSET);
	if (e == OK)
		e = make_room(r, f);
	if (e == OK)
		e = fill_all(r, p, f);
	if (e == OK)
		e = pair_all(r, f);
	if (e == OK)
		e = group_contours(r, f);
	if (e == OK && r->texts_lost)
		e = no_memory(f);
	return e;
}

enum err structset_read(struct structset *s, const struct part10 *p, struct arena *a,
			struct fault *f)
{
	struct structset set = {0};
	struct reader r = {.set = &set, .arena = a, .text = BUF_INIT(16 * STRUCTSET_TEXT_MAX)};
	enum err e = read_all(&r, p, f);

	buf_free(&r.text);
	if (e == OK)
		*s = set;
	return e;
}
