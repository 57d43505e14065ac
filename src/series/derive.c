#include "series/derive.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "series/burned.h"
#include "series/mark.h"
#include "series/parts.h"

#define SOP_CLASS_PET "1.2.840.10008.5.1.4.1.1.128"
#define ST_MAX 1024u
#define BUILD_ROOM (64u << 10) /* everything of this module except what it copies */

/* When an element goes. */
enum removal { ALWAYS, BURNED, NO_EXTREMES, DECODED };

static bool applies(const struct derive *v, enum removal when)
{
	bool burned = v->burned != NULL && v->burned->into_pixels;

	switch (when) {
	case BURNED:
		return burned;
	case NO_EXTREMES:
		return burned && !burned_has_extremes(v);
	case DECODED:
		return burned && v->burned->native.decoded;
	default:
		return true;
	}
}

size_t derive_removed(const struct derive *v, uint32_t out[static DERIVE_REMOVED_MAX])
{
	static const struct {
		uint32_t tag;
		enum removal when;
	} table[DERIVE_REMOVED_MAX] = {
		{TAG_InstanceCreatorUID, ALWAYS}, /* another device made this instance */
		{TAG_SmallestImagePixelValue, NO_EXTREMES},
		{TAG_LargestImagePixelValue, NO_EXTREMES},
		{TAG_SmallestPixelValueInSeries, BURNED}, /* of a series that this one is not */
		{TAG_LargestPixelValueInSeries, BURNED},
		{TAG_SmallestImagePixelValueInPlane, BURNED},
		{TAG_LargestImagePixelValueInPlane, BURNED},
		{TAG_HistogramSequence, BURNED},     /* of other pixels */
		{TAG_MACParametersSequence, ALWAYS}, /* of the signatures */
		{TAG(0x7FE0, 0x0000), DECODED},
		{TAG_ExtendedOffsetTable, DECODED},
		{TAG_ExtendedOffsetTableLengths, DECODED},
		{TAG_EncapsulatedPixelDataValueTotalLength, DECODED},
		{TAG_DigitalSignaturesSequence, ALWAYS}, /* over the source, no longer true */
	};
	size_t n = 0;

	for (size_t i = 0; i < DERIVE_REMOVED_MAX; i++)
		if (applies(v, table[i].when))
			out[n++] = table[i].tag;
	return n;
}

/* "+0130" in seconds; false when it is nothing of the kind. */
static bool zone_offset(struct bytes text, int *out)
{
	if (text.len != 5 || (text.at[0] != '+' && text.at[0] != '-'))
		return false;
	for (unsigned i = 1; i < 5; i++)
		if (text.at[i] < '0' || text.at[i] > '9')
			return false;

	int hours = (text.at[1] - '0') * 10 + (text.at[2] - '0');
	int minutes = (text.at[3] - '0') * 10 + (text.at[4] - '0');
	int seconds = hours * 3600 + minutes * 60;
	*out = text.at[0] == '-' ? -seconds : seconds;
	return true;
}

struct wall derive_zone(struct wall w, const struct dset *d)
{
	struct tm tm = {.tm_year = w.year - 1900,
			.tm_mon = w.month - 1,
			.tm_mday = w.day,
			.tm_hour = w.hour,
			.tm_min = w.minute,
			.tm_sec = w.second};
	int offset;

	if (!zone_offset(dset_text(d, NULL, TAG_TimezoneOffsetFromUTC), &offset) ||
	    offset == w.utc_offset_s)
		return w;
	time_t t = timegm(&tm) - w.utc_offset_s + offset;
	if (gmtime_r(&t, &tm) == NULL)
		return w;
	return (struct wall){.year = tm.tm_year + 1900,
			     .month = tm.tm_mon + 1,
			     .day = tm.tm_mday,
			     .hour = tm.tm_hour,
			     .minute = tm.tm_min,
			     .second = tm.tm_sec,
			     .microsecond = w.microsecond,
			     .utc_offset_s = offset};
}

enum err derive_open(struct derive *v, const struct overlay_series *series, const struct dset *d,
		     size_t more, struct arena *a, struct fault *f)
{
	struct derive r = {.series = series, .d = d, .a = a, .now = derive_zone(series->now, d)};

	if (!uid_set(&r.source_class, dset_text(d, NULL, TAG_SOPClassUID)))
		return fault_tag(f, ERR_UNUSABLE, "no usable SOP Class UID", FAULT_NO_OFFSET,
				 TAG_SOPClassUID);
	if (!uid_set(&r.source_instance, dset_text(d, NULL, TAG_SOPInstanceUID)))
		return fault_tag(f, ERR_UNUSABLE, "no usable SOP Instance UID", FAULT_NO_OFFSET,
				 TAG_SOPInstanceUID);
	r.instance =
		overlay_instance_uid(series->uid_key, &r.source_instance, &series->set_instance);
	r.is_pet = strcmp(r.source_class.text, SOP_CLASS_PET) == 0;
	*v = r;
	text_encoder_init(&v->text, dset_text(d, NULL, TAG_SpecificCharacterSet), a);
	/* No element is copied twice, so the source bounds what is taken from it. */
	build_init(&v->b, d->syntax, d->in.len + more + BUILD_ROOM);
	return OK;
}

void derive_close(struct derive *v)
{
	build_free(&v->b);
}

static struct bytes encoded(struct derive *v, struct bytes utf8, size_t max)
{
	struct bytes text = text_encode(&v->text, utf8, max);

	if (text.at == NULL)
		v->no_memory = true;
	return text;
}

void derive_text(struct derive *v, uint32_t tag, enum vr vr, struct bytes utf8, size_t max)
{
	struct bytes text = encoded(v, utf8, max);

	if (text.len > 0)
		build_text(&v->b, tag, vr, text);
}

/* PS3.3 C.7.6.1.1.2: values 1 and 2; the rest is the modality's own and stays. */
static void image_type(struct derive *v)
{
	struct bytes old = dset_text(v->d, NULL, TAG_ImageType);
	struct buf type = BUF_INIT(old.len + 32);
	size_t at = 0;

	buf_str(&type, v->is_pet ? "DERIVED\\PRIMARY" : "DERIVED\\SECONDARY");
	for (unsigned separators = 0; at < old.len; at++)
		if (old.at[at] == '\\' && ++separators == 2)
			break;
	buf_add(&type, bytes_slice(old, at, old.len - at));
	v->no_memory = v->no_memory || type.failed;
	build_bytes(&v->b, TAG_ImageType, VR_CS, buf_bytes(&type));
	buf_free(&type);
}

static void derivation_description(struct derive *v)
{
	struct bytes old = dset_text(v->d, NULL, TAG_DerivationDescription);
	struct buf text = BUF_INIT(4 * ST_MAX);

	buf_str(&text, "Overlay planes from RT Structure Set ");
	if (v->series->set_label.len > 0) {
		buf_char(&text, '"');
		buf_add(&text, v->series->set_label);
		buf_str(&text, "\" ");
	}
	buf_fmt(&text, "by netrt %s, ", v->series->software_version);
	burned_describe(v, &text);
	struct bytes ours = encoded(v, buf_bytes(&text), ST_MAX / 2);

	v->no_memory = v->no_memory || text.failed;
	buf_free(&text);
	if (old.len > 0 && old.len + 2 + ours.len <= ST_MAX) {
		buf_add(&text, old);
		/* A line end also takes back a code extension that the old text left open. */
		buf_str(&text, memchr(old.at, 0x1B, old.len) != NULL ? "\r\n" : "; ");
	}
	buf_add(&text, ours);
	v->no_memory = v->no_memory || text.failed;
	build_bytes(&v->b, TAG_DerivationDescription, VR_ST, buf_bytes(&text));
	buf_free(&text);
}

void derive_source_image(struct derive *v)
{
	build_sequence(&v->b, TAG_SourceImageSequence);
	build_item(&v->b);
	parts_reference(&v->b, &v->source_class, &v->source_instance);
	parts_source_purpose(&v->b);
	build_item_end(&v->b);
	build_sequence_end(&v->b);
}

/* The items of a sequence as encoded, without its delimiter.  False: not to be had whole. */
static bool items_of(const struct dset *d, const struct elem *e, struct bytes *out)
{
	static const uint8_t item_le[4] = {0xFE, 0xFF, 0x00, 0xE0};
	size_t start = (size_t)e->at - e->head;
	struct walk w;
	struct token t;

	if (e->vr != VR_SQ && e->vr != VR_UN)
		return false;
	if (e->len != DICOM_UNDEFINED) {
		*out = bytes_slice(d->in, (size_t)e->at, e->len);
		return e->vr == VR_SQ || out->len == 0 ||
		       (out->len >= 8 && memcmp(out->at, item_le, sizeof(item_le)) == 0);
	}
	walk_init(&w, bytes_slice(d->in, start, d->end - start), d->syntax);
	if (walk_next(&w, &t, NULL) != OK || t.kind != TOK_SEQUENCE || walk_skip(&w, NULL) != OK ||
	    walk_next(&w, &t, NULL) != OK || t.kind != TOK_SEQUENCE_END ||
	    (w.notes & WALK_NO_DELIMITER) != 0)
		return false;
	*out = bytes_slice(d->in, (size_t)e->at, start + t.at - (size_t)e->at);
	return true;
}

static void source_instance_item(struct build *b, const void *ctx)
{
	const struct derive *v = ctx;

	parts_reference(b, &v->series->set_class, &v->series->set_instance);
}

static void equipment_item(struct build *b, const void *ctx)
{
	const struct derive *v = ctx;

	mark_item(
		b, &v->now, v->series->software_version,
		v->burned == NULL
			? "Drew the contours of an RT Structure Set as overlay planes"
			: "Drew the contours of an RT Structure Set as overlay planes, and a text");
}

void derive_append(struct build *b, const struct dset *d, uint32_t tag,
		   void (*fill)(struct build *, const void *), const void *ctx, bool *no_memory)
{
	const struct elem *e = dset_find(d, NULL, tag);
	struct bytes old = BYTES_NONE;
	struct build one;
	bool kept = e != NULL && items_of(d, e, &old);
	bool as_un = kept && e->vr == VR_UN;
	const struct syntax *syntax = as_un ? &syntax_implicit_le : d->syntax;

	build_init(&one, syntax, BUILD_ROOM + old.len);
	build_sequence(&one, tag);
	build_item(&one);
	fill(&one, ctx);
	build_item_end(&one);
	build_sequence_end(&one);

	struct bytes item = buf_bytes(&one.out);
	size_t head = syntax->explicit_vr ? 12 : 8;
	struct buf all = BUF_INIT(BUILD_ROOM + old.len);
	if (!one.out.failed) {
		buf_add(&all, kept ? old : BYTES_NONE);
		buf_add(&all, bytes_slice(item, head, item.len - head));
	}
	*no_memory = *no_memory || one.out.failed || all.failed;
	build_bytes(b, tag, as_un ? VR_UN : VR_SQ, buf_bytes(&all));
	buf_free(&all);
	build_free(&one);
}

static void append_item(struct derive *v, uint32_t tag, void (*fill)(struct build *, const void *))
{
	derive_append(&v->b, v->d, tag, fill, v, &v->no_memory);
}

void derive_elements(struct derive *v)
{
	const struct overlay_series *s = v->series;

	image_type(v);
	parts_date(&v->b, TAG_InstanceCreationDate, &v->now);
	parts_time(&v->b, TAG_InstanceCreationTime, &v->now);
	build_uid(&v->b, TAG_SOPInstanceUID, &v->instance);
	if (!v->is_pet)
		parts_date(&v->b, TAG_SeriesDate, &v->now);
	parts_date(&v->b, TAG_ContentDate, &v->now);
	if (!v->is_pet)
		parts_time(&v->b, TAG_SeriesTime, &v->now);
	parts_time(&v->b, TAG_ContentTime, &v->now);
	derive_text(v, TAG_SeriesDescription, VR_LO, bytes_str(s->series_description), 64);
	derivation_description(v);
	derive_source_image(v);
	append_item(v, TAG_ContributingEquipmentSequence, equipment_item);
	build_uid(&v->b, TAG_SeriesInstanceUID, &s->series);
	derive_text(v, TAG_StudyID, VR_SH, bytes_str(s->study_id), 16);
	build_is(&v->b, TAG_SeriesNumber, s->series_number);
	burned_elements(v);
	append_item(v, TAG_SourceInstanceSequence, source_instance_item);
}
