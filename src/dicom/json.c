/*
 * The DICOM JSON model, PS3.18 annex F.
 *
 * The data set is indexed first, so that nothing is written of one that cannot be read,
 * and so that members can be put in ascending order, each once (F.2.2).  Then one pass
 * over the tree with a stack of levels: an item or a sequence, its children in the order
 * of output, and how many of them are written.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "dicom/dump.h"
#include "dicom/number.h"

#define BASE64_STEP 8192u /* characters between two looks at the output */
#define NUMBER_MAX 64u    /* characters of a DS or IS that can be a JSON number */

struct level {
	uint64_t *child; /* tag << 32 | index; arena's */
	size_t count, next;
	size_t mark; /* of the arena, before `child` */
	struct charset charset;
	bool is_sequence;
	bool is_signed; /* Pixel Representation, here or around */
};

struct writer {
	struct dump_out *out;
	const struct dset *d;
	struct arena *a;
	unsigned depth;
	struct level level[2 * LIMIT_NESTING + 2];
};

static int by_key(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* Children of an item: ascending, without group lengths, command and meta groups, repeats. */
static size_t in_order(uint64_t *child, size_t count)
{
	size_t kept = 0;

	qsort(child, count, sizeof(*child), by_key);
	for (size_t i = 0; i < count; i++) {
		uint32_t tag = (uint32_t)(child[i] >> 32);
		bool repeated = kept > 0 && (uint32_t)(child[kept - 1] >> 32) == tag;

		if (!repeated && !TAG_IS_GROUP_LENGTH(tag) && TAG_GROUP(tag) > 2)
			child[kept++] = child[i];
	}
	return kept;
}

/* What an item says about the text and the numbers in it. */
static void inherit(struct writer *w, struct level *l, const struct elem *item)
{
	uint16_t representation;

	if (w->depth > 0) {
		l->charset = w->level[w->depth - 1].charset;
		l->is_signed = w->level[w->depth - 1].is_signed;
	}
	const struct elem *e = dset_find(w->d, item, TAG_SpecificCharacterSet);
	if (e != NULL)
		l->charset = charset_parse(dset_value(w->d, e));
	if (dset_u16(w->d, item, TAG_PixelRepresentation, 0, &representation))
		l->is_signed = representation != 0;
}

/* Begin with the children of `parent` (NULL: the data set).  The arena has room: 8 bytes an
 * element. */
static void enter(struct writer *w, const struct elem *parent, bool is_sequence)
{
	struct level l = {.is_sequence = is_sequence, .mark = arena_mark(w->a)};
	const struct elem *e;

	for (e = dset_first(w->d, parent); e != NULL; e = dset_next(w->d, parent, e))
		l.count++;
	l.child = ARENA_NEW(w->a, uint64_t, l.count);
	assert(l.child != NULL);
	l.count = 0;
	for (e = dset_first(w->d, parent); e != NULL; e = dset_next(w->d, parent, e))
		l.child[l.count++] = (uint64_t)e->tag << 32 | (uint64_t)(e - w->d->elems);
	if (is_sequence) {
		l.charset = w->level[w->depth - 1].charset;
		l.is_signed = w->level[w->depth - 1].is_signed;
	} else {
		l.count = in_order(l.child, l.count);
		inherit(w, &l, parent);
	}
	assert(w->depth < sizeof(w->level) / sizeof(w->level[0]));
	w->level[w->depth++] = l;
}

/* Without the padding at the end. */
static struct bytes unpadded(struct bytes s)
{
	while (s.len > 0 && (s.at[s.len - 1] == ' ' || s.at[s.len - 1] == '\0'))
		s.len--;
	return s;
}

/* Take the part of *rest before `separator`; false when there is no further one.  *rest begins as
 * the whole, and has a NULL `at` after its last part. */
static bool next_part(struct bytes *rest, char separator, struct bytes *part)
{
	if (rest->at == NULL)
		return false;

	const uint8_t *end = rest->len == 0 ? NULL : memchr(rest->at, separator, rest->len);
	size_t len = end == NULL ? rest->len : (size_t)(end - rest->at);
	*part = bytes_of(rest->at, len);
	*rest = end == NULL ? BYTES_NONE : bytes_of(end + 1, rest->len - len - 1);
	return true;
}

/* F.2.2: the component groups that are not empty.  What follows a third "=" stays in the last. */
static void person_name(struct buf *out, struct bytes name)
{
	static const char *const groups[] = {"Alphabetic", "Ideographic", "Phonetic"};
	struct bytes rest = name, group;
	bool any = false;

	for (unsigned i = 0; i < 3; i++) {
		if (i == 2)
			group = rest;
		else if (!next_part(&rest, '=', &group))
			break;
		group = unpadded(group);
		if (group.len == 0)
			continue;
		buf_fmt(out, "%s\"%s\":", any ? "," : "{", groups[i]);
		buf_json(out, group);
		any = true;
	}
	buf_str(out, any ? "}" : "null");
}

/* Digits from *s on; how many. */
static size_t digits(struct bytes s, size_t at)
{
	size_t n = 0;

	while (at + n < s.len && s.at[at + n] >= '0' && s.at[at + n] <= '9')
		n++;
	return n;
}

/*
 * A DS or IS as a JSON number with the same digits: no plus sign, no leading zeros, digits on both
 * sides of the point.  False when it is not well-formed, or when more digits count than a reader's
 * double can hold.
 */
static bool json_number(struct bytes s, bool is_integer, struct buf *out)
{
	size_t at = 0, whole, fraction = 0, exponent = 0, exponent_at = 0;
	double value;

	if (s.len == 0 || s.len > NUMBER_MAX || !ds_to_double(s, &value))
		return false;
	bool negative = s.at[0] == '-';
	if (negative || s.at[0] == '+')
		at++;
	size_t whole_at = at;
	whole = digits(s, at);
	at += whole;
	if (at < s.len && s.at[at] == '.') {
		fraction = digits(s, at + 1);
		at += 1 + fraction;
	}
	size_t fraction_at = at - fraction;
	if (at < s.len && (s.at[at] == 'e' || s.at[at] == 'E')) {
		exponent_at = ++at;
		if (at < s.len && (s.at[at] == '+' || s.at[at] == '-'))
			at++;
		exponent = digits(s, at);
		at += exponent;
	}
	if (at != s.len || whole + fraction == 0 || (exponent_at != 0 && exponent == 0))
		return false;
	if (is_integer && whole != s.len - whole_at)
		return false;
	while (whole > 0 && s.at[whole_at] == '0') {
		whole_at++;
		whole--;
	}
	if (whole + fraction > (is_integer ? 15 : 17))
		return false;

	buf_str(out, negative ? "-" : "");
	buf_add(out, whole > 0 ? bytes_slice(s, whole_at, whole) : BYTES_LIT("0"));
	buf_str(out, fraction > 0 ? "." : "");
	buf_add(out, bytes_slice(s, fraction_at, fraction));
	buf_str(out, exponent > 0 ? "e" : "");
	if (exponent > 0)
		buf_add(out, bytes_slice(s, exponent_at, s.len - exponent_at));
	return true;
}

/* One value of a VR whose values backslashes separate; `s` is UTF-8. */
static void json_value(struct buf *out, enum vr vr, struct bytes s)
{
	bool keeps_blanks = vr == VR_UC || vr == VR_LO || vr == VR_SH || vr == VR_PN;

	s = keeps_blanks ? unpadded(s) : bytes_trim(s);
	if (s.len == 0)
		buf_str(out, "null"); /* F.2.5 */
	else if (vr == VR_PN)
		person_name(out, s);
	else if ((vr != VR_DS && vr != VR_IS) || !json_number(s, vr == VR_IS, out))
		buf_json(out, s);
}

static void json_values(struct writer *w, enum vr vr, struct bytes text)
{
	struct buf *out = &w->out->text;
	const struct charset *c = &w->level[w->depth - 1].charset;
	bool converted =
		vr_info(vr)->uses_charset; /* then a backslash byte may be half a character */
	struct bytes rest = converted ? dump_out_utf8(w->out, c, vr, text) : text, part;

	for (bool first = true; next_part(&rest, '\\', &part); first = false) {
		buf_str(out, first ? "" : ",");
		json_value(out, vr, converted ? part : dump_out_utf8(w->out, c, vr, part));
		dump_out_pace(w->out);
	}
}

/* LT, ST, UT, UR: one value, which may be long. */
static void json_text(struct writer *w, enum vr vr, struct bytes text)
{
	struct buf *out = &w->out->text;
	const struct charset *c = &w->level[w->depth - 1].charset;
	struct buf slice = BUF_INIT(SIZE_MAX / 4);

	buf_char(out, '"');
	while (text.len > 0) {
		size_t n = dump_out_slice(vr, text);

		slice.len = 0;
		buf_json(&slice, dump_out_utf8(w->out, c, vr, bytes_of(text.at, n)));
		if (slice.failed)
			out->failed = true;
		else
			buf_add(out, bytes_slice(buf_bytes(&slice), 1, slice.len - 2));
		dump_out_pace(w->out);
		text.at += n;
		text.len -= n;
	}
	buf_char(out, '"');
	buf_free(&slice);
}

static void json_numbers(struct writer *w, enum vr vr, bool big_endian, struct bytes value)
{
	size_t size = dump_number_size(vr);
	char text[32];

	for (size_t at = 0; at < value.len; at += size) {
		bool bare = dump_number(vr, value.at + at, big_endian, text);

		buf_fmt(&w->out->text, bare ? "%s%s" : "%s\"%s\"", at == 0 ? "" : ",", text);
		dump_out_pace(w->out);
	}
}

/* F.2.7: base64, little endian. */
static void inline_binary(struct writer *w, size_t unit, bool big_endian, struct bytes value)
{
	static const char sign[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	size_t swapped = big_endian && unit > 1 ? value.len - value.len % unit : 0;
	char text[BASE64_STEP];
	size_t n = 0;

	for (size_t at = 0; at < value.len; at += 3) {
		uint32_t bits = 0;

		for (size_t i = at; i < at + 3; i++) {
			size_t from = i < swapped ? i - i % unit + (unit - 1 - i % unit) : i;

			bits = bits << 8 | (i < value.len ? value.at[from] : 0);
		}
		for (unsigned i = 0; i < 4; i++)
			text[n++] = sign[bits >> (18 - 6 * i) & 63];
		if (value.len - at < 3)
			text[n - 1] = '=';
		if (value.len - at < 2)
			text[n - 2] = '=';
		if (n == sizeof(text) || value.len - at <= 3) {
			buf_add(&w->out->text, bytes_of(text, n));
			dump_out_pace(w->out);
			n = 0;
		}
	}
}

/* The items of encapsulated pixel data as they are encoded, without the delimiter. */
static struct bytes encapsulated(const struct dset *d, const struct elem *pixels)
{
	uint64_t end = pixels->at;

	for (const struct elem *e = dset_first(d, pixels); e != NULL; e = dset_next(d, pixels, e))
		end = e->at + e->len;
	return bytes_slice(d->in, (size_t)pixels->at, (size_t)(end - pixels->at));
}

/* "vr" and what follows it, of an element that is no sequence. */
static void element(struct writer *w, const struct elem *e)
{
	struct buf *out = &w->out->text;
	bool pixels = (e->flags & ELEM_PIXELS) != 0, big = (e->flags & ELEM_BIG_ENDIAN) != 0;
	struct bytes value = pixels ? encapsulated(w->d, e) : dset_value(w->d, e);
	enum vr vr = dump_vr(e->tag, (enum vr)e->vr, (e->flags & ELEM_EXPLICIT) != 0,
			     w->level[w->depth - 1].is_signed);
	size_t size = dump_number_size(vr);

	if (vr == VR_NONE || (size != 0 && value.len % size != 0))
		vr = VR_UN;
	if (vr_info(vr)->is_text)
		value = unpadded(value);
	buf_fmt(out, "\"vr\":\"%s\"", vr_info(vr)->name);
	if (value.len == 0)
		return;
	if (!vr_info(vr)->is_text && dump_number_size(vr) == 0) {
		buf_str(out, ",\"InlineBinary\":\"");
		inline_binary(w, pixels ? 1 : vr_info(vr)->unit, big, value);
		buf_char(out, '"');
		return;
	}
	buf_str(out, ",\"Value\":[");
	if (!vr_info(vr)->is_text)
		json_numbers(w, vr, big, value);
	else if (vr_info(vr)->multi)
		json_values(w, vr, value);
	else
		json_text(w, vr, value);
	buf_char(out, ']');
}

/* The next child of the top level, or its end. */
static void step(struct writer *w)
{
	struct buf *out = &w->out->text;
	struct level *top = &w->level[w->depth - 1];

	if (top->next == top->count) {
		buf_str(out, top->is_sequence ? "]}" : "}");
		arena_reset(w->a, top->mark);
		w->depth--;
		return;
	}
	buf_str(out, top->next == 0 ? "" : ",");
	const struct elem *e = &w->d->elems[(uint32_t)top->child[top->next++]];
	if (top->is_sequence) {
		buf_char(out, '{');
		enter(w, e, false);
		return;
	}
	buf_fmt(out, "\"%08X\":{", e->tag);
	if ((e->flags & ELEM_SEQUENCE) == 0) {
		element(w, e);
		buf_char(out, '}');
	} else if (dset_first(w->d, e) == NULL) {
		buf_str(out, "\"vr\":\"SQ\"}");
	} else {
		buf_str(out, "\"vr\":\"SQ\",\"Value\":[");
		enter(w, e, true);
	}
}

/* Address space for the index of `len` bytes: no element takes less than 8, and while the index
 * grows an older copy of it may still lie in the arena. */
static size_t index_space(size_t len)
{
	size_t most = len / 8 + 1 < LIMIT_ELEMENTS ? len / 8 + 1 : LIMIT_ELEMENTS;

	return 4 * most * sizeof(struct elem) + (64u << 10);
}

enum err dump_json(const struct part10 *p, struct dump_out *out, struct fault *f)
{
	struct arena index = {0}, stack = {0};
	struct dset d;
	enum err e = arena_open(&index, index_space(p->data.len), f);

	if (e == OK)
		e = dset_index(&d, p->data, p->syntax, 0, &index, f);
	if (e == OK) /* every level is smaller than all elements, and pads a little */
		e = arena_open(&stack, (size_t)d.count * sizeof(uint64_t) + (64u << 10), f);
	if (e == OK) {
		struct writer w = {.out = out, .d = &d, .a = &stack};

		buf_char(&out->text, '{');
		enter(&w, NULL, false);
		while (w.depth > 0 && out->error == OK) {
			step(&w);
			dump_out_pace(out);
		}
		buf_char(&out->text, '\n');
		dump_out_pace(out);
	} else if (f != NULL && f->at != FAULT_NO_OFFSET && p->inflated == NULL) {
		f->at += p->data_at;
	}
	arena_close(&stack);
	arena_close(&index);
	return e;
}
