#include "anon/identity.h"

#include <string.h>

#include "dicom/charset.h"
#include "dicom/dict.h"
#include "dicom/walk.h"

#define VALUE_MAX (1u << 20) /* bytes of one identifying value as UTF-8 */
#define WALKERS 4u

struct collector {
	struct anon_identity *identity;
	struct words *words;
	struct arena *a;
	struct fault *f;
	struct charset charset;
	struct buf text; /* owned */
	struct walk walkers[WALKERS];
	unsigned walker;
};

static bool is_identifying(uint32_t tag)
{
	static const uint32_t tags[] = {
		TAG_AccessionNumber,   TAG_PatientID,
		TAG_IssuerOfPatientID, TAG_OtherPatientIDs,
		TAG_PatientAddress,    TAG_PatientTelephoneNumbers,
		TAG_AdmissionID,       TAG_ReferringPhysicianAddress,
	};

	for (size_t i = 0; i < sizeof(tags) / sizeof(tags[0]); i++)
		if (tags[i] == tag)
			return true;
	return false;
}

static struct bytes *field_of(struct anon_identity *identity, const struct token *t,
			      unsigned walker)
{
	if (t->depth > 0 || walker > 0)
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
	default:
		return NULL;
	}
}

static enum err take_value(struct collector *c, const struct token *t, enum vr vr)
{
	struct bytes *field = field_of(c->identity, t, c->walker);
	bool words = vr == VR_PN || is_identifying(t->tag);
	enum err e = OK;

	if (field == NULL && !words)
		return OK;
	buf_free(&c->text);
	charset_to_utf8(&c->charset, vr, t->value, &c->text);
	if (c->text.failed)
		return fault_tag(c->f, ERR_LIMIT, "an identifying value over 1 MiB", t->at, t->tag);
	struct bytes value = bytes_trim(buf_bytes(&c->text));
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
	static const uint8_t item_le[4] = {0xFE, 0xFF, 0x00, 0xE0};
	enum vr vr = dict_vr(t->tag);

	if (t->kind == TOK_PIXELS)
		return walk_skip(&c->walkers[c->walker], c->f);
	if (t->kind != TOK_ELEMENT)
		return OK;
	if (t->tag == TAG_SpecificCharacterSet && t->depth == 0)
		c->charset = charset_parse(t->value);
	if (t->vr == VR_UN && t->value.len >= 8 && memcmp(t->value.at, item_le, 4) == 0 &&
	    (vr == VR_SQ || TAG_IS_PRIVATE(t->tag))) {
		if (c->walker + 1 == WALKERS)
			return fault_tag(c->f, ERR_LIMIT, "sequences are nested too deeply", t->at,
					 t->tag);
		walk_init_items(&c->walkers[++c->walker], t->value, &syntax_implicit_le, t->tag);
		return OK;
	}
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

	*c = (struct collector){.identity = identity,
				.words = words,
				.a = a,
				.f = f,
				.charset = charset_parse(BYTES_NONE),
				.text = BUF_INIT(VALUE_MAX)};
	*identity = (struct anon_identity){.id = BYTES_NONE};
	walk_init(&c->walkers[0], data, syntax);
	for (;;) {
		e = walk_next(&c->walkers[c->walker], &t, f);
		if (e == ERR_MORE && c->walker > 0) {
			c->walker--;
			continue;
		}
		if (e == OK)
			e = step(c, &t);
		if (e != OK)
			break;
	}
	buf_free(&c->text);
	return e == ERR_MORE ? OK : e;
}
