#include "series/parts.h"

#include "dicom/transcode.h"

struct uid parts_uid(struct bytes uid_key, const char *purpose, struct bytes source,
		     const struct uid *set_instance)
{
	struct bytes parts[] = {source, bytes_str(set_instance->text)};

	return uid_derive(uid_key, purpose, parts, 2);
}

void parts_date(struct build *b, uint32_t tag, const struct wall *when)
{
	char text[9];

	wall_date(when, text);
	build_str(b, tag, VR_DA, text);
}

void parts_time(struct build *b, uint32_t tag, const struct wall *when)
{
	char text[14];

	wall_time(when, text);
	build_str(b, tag, VR_TM, text);
}

void parts_u16(struct build *b, uint32_t tag, uint16_t value)
{
	build_u16(b, tag, VR_US, &value, 1);
}

void parts_reference(struct build *b, const struct uid *class, const struct uid *instance)
{
	build_uid(b, TAG_ReferencedSOPClassUID, class);
	build_uid(b, TAG_ReferencedSOPInstanceUID, instance);
}

void parts_references(struct build *b, uint32_t tag, const struct uid *class,
		      const struct uid *instance)
{
	build_sequence(b, tag);
	build_item(b);
	parts_reference(b, class, instance);
	build_item_end(b);
	build_sequence_end(b);
}

void parts_code(struct build *b, uint32_t tag, const char *value, const char *meaning)
{
	build_sequence(b, tag);
	build_item(b);
	build_str(b, TAG_CodeValue, VR_SH, value);
	build_str(b, TAG_CodingSchemeDesignator, VR_SH, "DCM");
	build_str(b, TAG_CodeMeaning, VR_LO, meaning);
	build_item_end(b);
	build_sequence_end(b);
}

void parts_source_purpose(struct build *b)
{
	parts_code(b, TAG_PurposeOfReferenceCodeSequence, "121322",
		   "Source image for image processing operation");
}

const struct syntax *parts_syntax(const struct syntax *s)
{
	return s->encapsulated || s->deflated ? &syntax_explicit_le : s;
}

enum err parts_transcode(struct bytes in, const struct syntax *from, const struct syntax *to,
			 struct arena *a, struct bytes *out, struct fault *f)
{
	struct transcode t;
	size_t len = 0;
	enum err e = transcode_plan(&t, in, from, to, a, f);

	if (e != OK)
		return e;
	uint8_t *all = ARENA_NEW(a, uint8_t, (size_t)t.len);
	if (all == NULL)
		return fault_set(f, ERR_NOMEM, "no memory for the elements of a new object",
				 FAULT_NO_OFFSET);
	for (size_t i = 0; i < t.count; i++) {
		piece_copy(&t.pieces[i], 0, all + len, t.pieces[i].bytes.len);
		len += t.pieces[i].bytes.len;
	}
	*out = bytes_of(all, len);
	return OK;
}
