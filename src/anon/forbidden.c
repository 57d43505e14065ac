#include "anon/forbidden.h"

#include <assert.h>
#include <string.h>

#include "base/utf8.h"
#include "dicom/charset.h"
#include "dicom/encode.h"

#define VALUE_MAX (1u << 20)
#define BRIEF_MAX 1024u
#define BRIEF_SHORTEST 2u
#define WORD_ALONE 5u /* letters from which a name is looked for inside of words too */
#define UID_SHORTEST 8u
#define DAY 8u /* digits of a day */

const char *const forbidden_form_words[] = {
	[FORM_RAW] = "as it was",       [FORM_UTF8] = "as UTF-8",
	[FORM_PART] = "part of a name", [FORM_LATIN] = "as Latin 1",
	[FORM_DATE] = "as a date",      [FORM_UTF16_LE] = "as UTF-16",
	[FORM_UTF16_BE] = "as UTF-16",  [FORM_CHARSET] = "in another character set",
};

void forbidden_open(struct forbidden *c, struct verify *v, struct arena *a)
{
	c->v = v;
	c->a = a;
	c->text.max = VALUE_MAX;
	c->wide.max = 4 * VALUE_MAX;
	c->charset_count = 0;
	c->weak = c->no_memory = false;
	search_open(&v->search, VERIFY_PATTERNS, a);
	valueset_open(&v->brief, BRIEF_MAX, a);
	valueset_open(&c->kept, VERIFY_PATTERNS, a);
	valueset_open(&c->known, VERIFY_PATTERNS, a);
}

bool forbidden_charset(struct forbidden *c, struct bytes charset)
{
	charset = bytes_trim(charset);
	for (unsigned i = 0; i < c->charset_count; i++)
		if (bytes_eq(c->charsets[i], charset))
			return true;
	if (c->charset_count == FORBIDDEN_CHARSETS)
		return false;
	text_encoder_init(&c->encoders[c->charset_count], charset, c->a);
	c->charsets[c->charset_count++] = charset;
	return true;
}

static bool is_digit(int c)
{
	return c >= '0' && c <= '9';
}

static bool is_letter(int c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* ---- what is kept ---- */

static void keep(struct forbidden *c, struct bytes value)
{
	/* without room some are forbidden that are kept, never the reverse */
	if (value.len > 0 && !valueset_add(&c->kept, value))
		return;
}

static bool begins_with_day(struct bytes b)
{
	for (size_t i = 0; i < DAY && b.len >= DAY; i++)
		if (!is_digit(b.at[i]))
			return false;
	return b.len >= DAY;
}

void forbidden_keep(struct forbidden *c, struct bytes value, enum vr vr)
{
	value = bytes_trim(value);
	keep(c, value);
	if ((vr == VR_DA || vr == VR_DT) && begins_with_day(value))
		keep(c, bytes_slice(value, 0, DAY));
}

/* ---- patterns ---- */

static enum forbidden_sort sort_of(struct bytes p)
{
	bool dots = false, digits = true, letters = true;

	for (size_t i = 0; i < p.len; i++) {
		dots = dots || p.at[i] == '.';
		digits = digits && (is_digit(p.at[i]) || p.at[i] == '.');
		letters = letters && is_letter(p.at[i]);
	}
	if (digits)
		return dots ? SORT_UID : SORT_NUMBER;
	return letters && p.len < WORD_ALONE ? SORT_WORD : SORT_OTHER;
}

static bool grow(struct verify *v, struct arena *a)
{
	uint32_t room = v->of_room == 0 ? 128 : 2 * v->of_room;
	struct verify_pattern *of = ARENA_NEW(a, struct verify_pattern, room);

	if (of == NULL)
		return false;
	if (v->of_room > 0)
		memcpy(of, v->of, v->of_room * sizeof(*of));
	v->of = of;
	v->of_room = room;
	return true;
}

static struct bytes owned(struct forbidden *c, struct bytes b)
{
	struct bytes copy = arena_copy(c->a, b);

	c->no_memory = c->no_memory || copy.at == NULL;
	return copy.at == NULL ? BYTES_NONE : copy;
}

/* A pattern, unless it is there; copied where it does not last. */
static void add(struct forbidden *c, struct bytes value, uint32_t tag, enum forbidden_form form,
		bool lasts)
{
	struct verify *v = c->v;
	uint32_t index = v->search.count;

	if (value.len < SEARCH_SHORTEST || valueset_has(&c->known, value))
		return; /* persons come first: forbidden_add */
	if (!lasts)
		value = owned(c, value);
	if (value.at == NULL || (index == v->of_room && !grow(v, c->a)) ||
	    !search_add(&v->search, value) || !valueset_add(&c->known, value)) {
		c->no_memory = true;
		return;
	}
	v->of[index] = (struct verify_pattern){.tag = tag,
					       .form = (uint8_t)form,
					       .sort = (uint8_t)sort_of(value),
					       .weak = c->weak};
}

/* The whole of a text that is too short to be searched for. */
static void add_brief(struct forbidden *c, struct bytes value, uint32_t tag)
{
	struct verify *v = c->v;
	bool number = true;

	for (size_t i = 0; i < value.len; i++)
		number = number && is_digit(value.at[i]);
	if (value.len < BRIEF_SHORTEST || number || valueset_has(&v->brief, value))
		return;
	if (v->brief_tag == NULL)
		v->brief_tag = ARENA_NEW(c->a, uint32_t, BRIEF_MAX);
	if (v->brief_tag == NULL || !valueset_add(&v->brief, value)) {
		c->no_memory = true;
		return;
	}
	v->brief_tag[v->brief.count - 1] = tag;
}

/* ---- forms ---- */

static void put_unit(struct buf *out, uint32_t unit, bool big_endian)
{
	uint8_t two[2];

	if (big_endian)
		put_u16be(two, (uint16_t)unit);
	else
		put_u16le(two, (uint16_t)unit);
	buf_add(out, bytes_of(two, sizeof(two)));
}

static void add_utf16(struct forbidden *c, struct bytes utf8, uint32_t tag, bool big_endian)
{
	buf_clear(&c->wide);
	for (size_t at = 0; at < utf8.len;) {
		uint32_t code;
		unsigned len = utf8_next(bytes_slice(utf8, at, utf8.len - at), &code);

		if (len == 0)
			return;
		if (code >= 0x10000) {
			put_unit(&c->wide, 0xD800 + ((code - 0x10000) >> 10), big_endian);
			code = 0xDC00 + (code & 0x3FF);
		}
		put_unit(&c->wide, code, big_endian);
		at += len;
	}
	c->no_memory = c->no_memory || c->wide.failed;
	if (c->wide.len >= 2 * SEARCH_SHORTEST)
		add(c, buf_bytes(&c->wide), tag, big_endian ? FORM_UTF16_BE : FORM_UTF16_LE, false);
}

static void add_latin(struct forbidden *c, struct bytes utf8, uint32_t tag)
{
	buf_clear(&c->wide);
	for (size_t at = 0; at < utf8.len;) {
		uint32_t code;
		unsigned len = utf8_next(bytes_slice(utf8, at, utf8.len - at), &code);

		if (len == 0 || code > 0xFF)
			return;
		buf_char(&c->wide, (char)(uint8_t)code);
		at += len;
	}
	add(c, buf_bytes(&c->wide), tag, FORM_LATIN, false);
}

static bool is_ascii(struct bytes b)
{
	for (size_t i = 0; i < b.len; i++)
		if (b.at[i] >= 0x80 || b.at[i] < 0x20)
			return false;
	return true;
}

/* In each character set of the object that has all of its letters. */
static void add_charsets(struct forbidden *c, struct bytes utf8, uint32_t tag)
{
	for (unsigned i = 0; i < c->charset_count; i++) {
		struct text_encoder *encoder = &c->encoders[i];

		encoder->lossy = false;
		struct bytes raw = text_encode(encoder, utf8, 4 * utf8.len + 16);
		c->no_memory = c->no_memory || raw.at == NULL;
		if (!encoder->lossy)
			add(c, raw, tag, FORM_CHARSET, true);
	}
}

/* UTF-8 that does not last, in every form but that of the source's character set. */
static void add_forms(struct forbidden *c, struct bytes utf8, uint32_t tag,
		      enum forbidden_form form)
{
	add(c, utf8, tag, form, false);
	if (!is_ascii(utf8)) {
		add_latin(c, utf8, tag);
		add_charsets(c, utf8, tag);
	}
	add_utf16(c, utf8, tag, false);
	add_utf16(c, utf8, tag, true);
}

/* The components of a name, each for itself; `utf8` lasts. */
static void forbid_parts(struct forbidden *c, struct bytes utf8, uint32_t tag, struct bytes charset)
{
	struct text_encoder encoder;

	if (!is_ascii(utf8))
		text_encoder_init(&encoder, charset, c->a);
	for (size_t at = 0, from = 0; at <= utf8.len; at++) {
		if (at < utf8.len && (utf8.at[at] == '\0' || strchr("^= ,", utf8.at[at]) == NULL))
			continue;
		struct bytes part = bytes_slice(utf8, from, at - from);

		from = at + 1;
		if (part.len <= BRIEF_SHORTEST || valueset_has(&c->kept, part))
			continue;
		if (part.len < SEARCH_SHORTEST)
			add_brief(c, part, tag);
		add_forms(c, part, tag, FORM_PART);
		if (is_ascii(part))
			continue;
		struct bytes raw = text_encode(&encoder, part, 4 * part.len + 16);
		c->no_memory = c->no_memory || raw.at == NULL;
		add(c, raw, tag, FORM_PART, true);
	}
}

/* A text value in all forms. */
static void forbid_text(struct forbidden *c, struct bytes raw, enum vr vr, uint32_t tag,
			struct bytes charset)
{
	struct bytes utf8 = raw;

	if (raw.len == 0 || valueset_has(&c->kept, raw))
		return;
	if (raw.len < SEARCH_SHORTEST)
		add_brief(c, raw, tag);
	add(c, raw, tag, FORM_RAW, true);
	if (!is_ascii(raw)) {
		const struct charset set = charset_parse(charset);

		buf_clear(&c->text);
		charset_to_utf8(&set, vr, raw, &c->text);
		c->no_memory = c->no_memory || c->text.failed;
		utf8 = owned(c, bytes_trim(buf_bytes(&c->text)));
	}
	add_forms(c, utf8, tag, FORM_UTF8);
	if (vr == VR_PN)
		forbid_parts(c, utf8, tag, charset);
}

/* The day of a date, as people write it. */
static void forbid_day(struct forbidden *c, struct bytes day, uint32_t tag)
{
	static const char *const forms[] = {
		"yyyy-mm-dd", "yyyy.mm.dd", "yyyy/mm/dd", "mm/dd/yyyy", "dd/mm/yyyy", "dd.mm.yyyy",
	};

	assert(day.at != NULL && day.len == DAY);
	if (valueset_has(&c->kept, day))
		return;
	add(c, day, tag, FORM_RAW, true);
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		const uint8_t *y = day.at, *m = day.at + 4, *d = day.at + 6;
		uint8_t text[10];

		for (size_t k = 0; k < sizeof(text); k++) {
			char of = forms[i][k];

			text[k] = of == 'y'   ? *y++
				  : of == 'm' ? *m++
				  : of == 'd' ? *d++
					      : (uint8_t)of;
		}
		add(c, bytes_of(text, sizeof(text)), tag, FORM_DATE, false);
	}
}

static void forbid_one(struct forbidden *c, struct bytes one, enum vr vr, uint32_t tag,
		       struct bytes charset)
{
	if (vr == VR_UI) {
		if (one.len >= UID_SHORTEST && !anon_uid_is_well_known(one) &&
		    !valueset_has(&c->kept, one))
			add(c, one, tag, FORM_RAW, true);
	} else if (vr == VR_DA || vr == VR_DT) {
		if (one.len > DAY && !valueset_has(&c->kept, one))
			add(c, one, tag, FORM_RAW, true);
		if (begins_with_day(one))
			forbid_day(c, bytes_slice(one, 0, DAY), tag);
	} else {
		forbid_text(c, one, vr, tag, charset);
	}
}

void forbidden_add(struct forbidden *c, struct bytes value, enum vr vr, uint32_t tag,
		   struct bytes charset, bool weak)
{
	c->weak = weak;
	for (size_t at = 0; at <= value.len;) {
		const uint8_t *end =
			at < value.len ? memchr(value.at + at, '\\', value.len - at) : NULL;
		size_t len = end != NULL ? (size_t)(end - value.at) - at : value.len - at;

		forbid_one(c, bytes_trim(bytes_slice(value, at, len)), vr, tag, charset);
		at += len + 1;
	}
}

/* ---- where a pattern stands ---- */

/* A digit, or a point with a digit behind it: the number goes on. */
static bool number_before(struct bytes text, size_t at)
{
	if (at > 0 && text.at[at - 1] == '.')
		at--;
	return at > 0 && is_digit(text.at[at - 1]);
}

static bool number_after(struct bytes text, size_t at)
{
	if (at < text.len && text.at[at] == '.')
		at++;
	return at < text.len && is_digit(text.at[at]);
}

bool forbidden_stands_alone(struct bytes text, size_t at, struct bytes p, enum forbidden_sort sort)
{
	int before = at > 0 ? text.at[at - 1] : -1;
	int after = at + p.len < text.len ? text.at[at + p.len] : -1;
	size_t run = 0;

	switch (sort) {
	case SORT_NUMBER:
		while (at + run < text.len && is_digit(text.at[at + run]))
			run++;
		/* a date may be the front of a date and time */
		return !number_before(text, at) && (!number_after(text, at + p.len) ||
						    (p.len == DAY && (run == 12 || run == 14)));
	case SORT_UID:
		return !is_digit(before) && before != '.' && !is_digit(after) && after != '.';
	case SORT_WORD:
		return !is_letter(before) && !is_letter(after);
	case SORT_OTHER:
		break;
	}
	return true;
}
