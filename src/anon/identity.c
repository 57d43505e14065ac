#include "anon/identity.h"

#include <string.h>

#include "anon/visit.h"
#include "dicom/charset.h"
#include "dicom/dict.h"

#define VALUE_MAX (1u << 20) /* bytes of one identifying value as UTF-8 */

struct collector {
	struct anon_identity *identity;
	struct words *words;
	struct arena *a;
	struct fault *f;
	struct charset charset;
	struct buf text; /* owned */
	struct visit visit;
};

static bool is_identifying(uint32_t tag)
{
	static const uint32_t tags[] = {
		TAG_AccessionNumber,
		TAG_PatientID,
		TAG_IssuerOfPatientID,
		TAG_OtherPatientIDs,
		TAG_PatientAddress,
		TAG_PatientTelephoneNumbers,
		TAG_PatientTelecomInformation,
		TAG_PersonAddress,
		TAG_PersonTelephoneNumbers,
		TAG_PersonTelecomInformation,
		TAG_ReferringPhysicianAddress,
		TAG_ReferringPhysicianTelephoneNumbers,
		TAG_AdmissionID,
		TAG_ServiceEpisodeID,
		TAG_PlacerOrderNumberImagingServiceRequest,
		TAG_FillerOrderNumberImagingServiceRequest,
	};

	for (size_t i = 0; i < sizeof(tags) / sizeof(tags[0]); i++)
		if (tags[i] == tag)
			return true;
	return false;
}

static struct bytes *field_of(struct anon_identity *identity, const struct token *t, unsigned depth)
{
	if (depth > 0)
		return NULL;
	switch (t->tag) {
	case TAG_PatientID:
		return &identity->id;
	case TAG_IssuerOfPatientID:
		return &identity->issuer;
	case TAG_PatientName:
		return &identity->name;
	case TAG_StudyDate:
		return &identity->study_date;
	case TAG_StudyInstanceUID:
		return &identity->study;
	default:
		return NULL;
	}
}

static enum err take_value(struct collector *c, const struct token *t, enum vr vr)
{
	struct bytes *field = field_of(c->identity, t, c->visit.depth);
	bool words = vr == VR_PN || is_identifying(t->tag);
	enum err e = OK;

	if (field == NULL && !words)
		return OK;
	buf_free(&c->text);
	charset_to_utf8(&c->charset, vr, t->value, &c->text);
	if (c->text.failed)
		return fault_tag(c->f, ERR_LIMIT, "an identifying value over 1 MiB", t->at, t->tag);
	struct bytes value = buf_bytes(&c->text);
	while (value.len > 0 && (value.at[value.len - 1] == ' ' || value.at[value.len - 1] == '\0'))
		value.len--;
	if (field != &c->identity->id && field != &c->identity->name)
		value = bytes_trim(value);
	if (words)
		e = words_add(c->words, value, c->a, c->f);
	if (e == OK && field != NULL && field->len == 0) {
		*field = arena_copy(c->a, value);
		if (field->at == NULL)
			e = fault_set(c->f, ERR_NOMEM, "no memory for identifying values", t->at);
	}
	return e;
}

static enum err step(struct collector *c, const struct token *t)
{
	enum vr vr = dict_vr(t->tag);

	if (t->kind == TOK_PIXELS)
		return visit_skip(&c->visit, c->f);
	if (t->kind != TOK_ELEMENT)
		return OK;
	if (t->tag == TAG_SpecificCharacterSet && c->visit.depth == 0)
		c->charset = charset_parse(t->value);
	if (visit_hides(&c->visit, t))
		return visit_enter(&c->visit, t, c->f);
	return take_value(c, t, vr != VR_UN ? vr : t->vr);
}

enum err identity_collect(struct bytes data, const struct syntax *syntax,
			  struct anon_identity *identity, struct words *words, struct arena *a,
			  struct fault *f)
{
	static struct collector work; /* large, and one at a time */
	struct collector *c = &work;
	struct token t;
	enum err e;

	c->identity = identity;
	c->words = words;
	c->a = a;
	c->f = f;
	c->charset = charset_parse(BYTES_NONE);
	c->text = BUF_INIT(VALUE_MAX);
	*identity = (struct anon_identity){.id = BYTES_NONE};
	visit_open(&c->visit, data, syntax);
	while ((e = visit_next(&c->visit, &t, f)) == OK) {
		e = step(c, &t);
		if (e != OK)
			break;
	}
	buf_free(&c->text);
	return e == ERR_MORE ? OK : e;
}
