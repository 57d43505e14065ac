#include "anon/own.h"

#include <string.h>

#include "dicom/part10.h"

/* As series, study and anon/apply write them; tests/e2e/deid_own.py finds one that is missing. */
static const char *const texts[] = {
	"ANONYMIZED",
	"urn:anonymized",
	"netrt",
	IMPLEMENTATION_VERSION,
	"Overlay planes from RT Structure Set ",
	"pixel data unchanged",
	"pixel data decompressed, unchanged",
	"pixel data cleaned, otherwise unchanged",
	"pixel data decompressed, cleaned, otherwise unchanged",
	" outside of the text in columns ",
	", rows ",
	"a text as overlay ",
	" ROIs merged: ",
	" more",
	"all ROIs",
	"DERIVED\\PRIMARY",
	"DERIVED\\SECONDARY",
	"UNAPPROVED",
	"Source image for image processing operation",
	"Drew the contours of an RT Structure Set as overlay planes",
	"Drew an image with the contours of an RT Structure Set",
	"Picture of an image with the contours of an RT Structure Set, to look at",
	"Modifying Equipment",
	"Drew the contours of an RT Structure Set as overlay planes, and a text",
	"Made its references those of an image series with overlay planes",
	"Wrote the contours of an RT Structure Set as segments",
	"ROIs of an RT Structure Set",
	"Manual Processing",
	"Segmentation",
	"SEGMENTATION",
	"BINARY",
	"Segment Number",
	"Image Position (Patient)",
	"Image at this position",
	/* categories of segments */
	"Anatomical Structure",
	"Tissue",
	"Substance",
	"Body Substance",
	"Morphologically Abnormal Structure",
	"Physical object",
	"Spatial and Relational Concept",
	"RT Target",
	"RT Dose Calculation Structure",
	"RT Geometric Information",
	"Fixation or Positioning Device",
	"Brachytherapy Device",
	"Non-specific Volume",
	"External Body Model",
	/* and their sides */
	"Left",
	"Right",
};

/* Meanings of the codes of segments are the last column. */
static const char codes[] = {
#include "roi_codes.inc" /* generated from tables/roi_codes.tsv */
};

static void add(struct own_texts *o, struct bytes text)
{
	if (text.len >= OWN_SHORTEST && o->count < OWN_TEXTS)
		o->text[o->count++] = text;
}

/* What stands between the places of a template that something else is put in: "CONTOUR {}". */
static void add_template(struct own_texts *o, struct bytes text)
{
	size_t from = 0;

	for (size_t at = 0; at + 1 < text.len; at++)
		if (memcmp(text.at + at, "{}", 2) == 0) {
			add(o, bytes_slice(text, from, at - from));
			from = at + 2;
		}
	add(o, bytes_slice(text, from, text.len - from));
}

void own_texts_of(struct own_texts *o, const struct policy *policy,
		  const struct anon_patient *patient)
{
	const struct anon_settings *s = policy_settings(policy);

	o->count = 0;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		add(o, bytes_str(texts[i]));
	add(o, bytes_str(patient->id));
	add(o, bytes_str(patient->name));
	if (s->study_description != NULL)
		add(o, bytes_str(s->study_description));
	for (size_t i = 0; i < s->own_texts.count; i++)
		add_template(o, bytes_str(s->own_texts.item[i]));
	for (size_t i = 0; i < s->rule_count; i++)
		if (s->rules[i].act == ANON_SITE_REPLACE)
			add(o, bytes_str(s->rules[i].value));
}

static bool covers(struct bytes text, struct bytes in, size_t at, size_t len)
{
	for (size_t before = 0; before + len <= text.len && before <= at; before++)
		if (text.len - before <= in.len - at &&
		    memcmp(text.at, in.at + at - before, text.len) == 0)
			return true;
	return false;
}

static bool covered_by_code(struct bytes in, size_t at, size_t len)
{
	struct bytes all = bytes_of(codes, sizeof(codes));

	for (size_t from = 0; from < all.len;) {
		const uint8_t *end = memchr(all.at + from, '\n', all.len - from);
		size_t n = end != NULL ? (size_t)(end - all.at) - from : all.len - from;
		const uint8_t *line = all.at + from, *tab = memrchr(line, '\t', n);

		if (tab != NULL && line[0] != '#' &&
		    covers(bytes_of(tab + 1, n - (size_t)(tab + 1 - line)), in, at, len))
			return true;
		from += n + 1;
	}
	return false;
}

bool own_texts_cover(const struct own_texts *o, struct bytes in, size_t at, size_t len)
{
	for (unsigned i = 0; i < o->count; i++)
		if (covers(o->text[i], in, at, len))
			return true;
	return covered_by_code(in, at, len);
}
