/*
 * The text form: one walk over the file meta information and one over the data set.
 * What a line needs to know of its surroundings (character set, private creators) is kept
 * by depth of items.
 */
#include "dicom/dump.h"

#include <assert.h>
#include <string.h>

#include "base/utf8.h"
#include "dicom/dict.h"
#include "dicom/walk.h"

#define CREATORS 16 /* remembered at each depth; an element has its creator shortly before it */
#define SHOWN_CHARS 100u  /* of a text, unless whole */
#define SHOWN_BYTES 1024u /* of a text that are converted to find these */
#define SHOWN_NUMBERS 16u
#define SHOWN_FRAGMENTS 8u
#define HEX_STEP 4096u /* bytes shown between two looks at the output */

struct creator {
	uint32_t tag; /* (gggg,00bb) */
	struct bytes name;
};

/* One data set: the outermost, or an item. */
struct level {
	struct charset charset;
	struct creator creator[CREATORS];
	unsigned creators; /* ever seen; the last CREATORS are there */
	uint32_t items;    /* of the sequence that is open in it */
	bool is_signed;    /* Pixel Representation, here or around */
};

struct dumper {
	struct dump_out *out;
	bool whole;
	bool bad_charset;
	unsigned indent;
	unsigned depth; /* levels in use, less one */
	struct level level[LIMIT_NESTING + 2];
	uint64_t fragments, fragment_bytes; /* of the pixel data that is open */
};

/* Escaped, and cut at `max` characters; was it cut? */
static bool escaped(struct buf *out, struct bytes utf8, size_t max)
{
	size_t at = 0;

	for (size_t n = 0; at < utf8.len && n < max; n++) {
		uint32_t code;
		unsigned len = utf8_next(bytes_of(utf8.at + at, utf8.len - at), &code);

		at += len == 0 ? 1 : len;
	}
	buf_escaped(out, bytes_slice(utf8, 0, at));
	return at < utf8.len;
}

static void how_long(struct dumper *d, size_t len)
{
	buf_fmt(&d->out->text, " ... (%zu bytes)", len);
}

/* A text cut short: the first bytes, without what the cut may have damaged. */
static void text_begin(struct dumper *d, enum vr vr, struct bytes value)
{
	struct buf *out = &d->out->text;
	bool cut = value.len > SHOWN_BYTES;
	struct bytes utf8 = dump_out_utf8(d->out, &d->level[d->depth].charset, vr,
					  bytes_slice(value, 0, cut ? SHOWN_BYTES : value.len));

	buf_char(out, '[');
	while (cut && utf8.len > 0 && (utf8.at[utf8.len - 1] & 0xC0) == 0x80)
		utf8.len--;
	if (cut && utf8.len > 0)
		utf8.len--;
	cut = escaped(out, utf8, SHOWN_CHARS) || cut;
	buf_char(out, ']');
	if (cut)
		how_long(d, value.len);
}

static void text_whole(struct dumper *d, enum vr vr, struct bytes value)
{
	buf_char(&d->out->text, '[');
	while (value.len > 0) {
		size_t n = vr_info(vr)->uses_charset && vr_info(vr)->multi
				   ? value.len
				   : dump_out_slice(vr, value);
		struct bytes utf8 = dump_out_utf8(d->out, &d->level[d->depth].charset, vr,
						  bytes_of(value.at, n));

		buf_escaped(&d->out->text, utf8);
		dump_out_pace(d->out);
		value.at += n;
		value.len -= n;
	}
	buf_char(&d->out->text, ']');
}

/* Without the padding at the end. */
static struct bytes unpadded(struct bytes value)
{
	while (value.len > 0 && (value.at[value.len - 1] == ' ' || value.at[value.len - 1] == '\0'))
		value.len--;
	return value;
}

static void show_text(struct dumper *d, enum vr vr, struct bytes value)
{
	struct bytes text = unpadded(value);

	if (d->whole)
		text_whole(d, vr, text);
	else
		text_begin(d, vr, text);

	const char *name = vr == VR_UI ? uid_name(text) : NULL;
	if (name != NULL)
		buf_fmt(&d->out->text, " %s", name);
}

static void show_numbers(struct dumper *d, enum vr vr, bool big_endian, struct bytes value)
{
	size_t size = dump_number_size(vr), count = value.len / size;
	size_t shown = d->whole || count <= SHOWN_NUMBERS ? count : SHOWN_NUMBERS;
	char text[32];

	for (size_t i = 0; i < shown; i++) {
		dump_number(vr, value.at + i * size, big_endian, text);
		buf_str(&d->out->text, i == 0 ? "" : "\\");
		if (vr == VR_AT)
			buf_fmt(&d->out->text, "(%.4s,%.4s)", text, text + 4);
		else
			buf_str(&d->out->text, text);
		dump_out_pace(d->out);
	}
	if (shown < count)
		how_long(d, value.len);
	if (value.len % size != 0)
		buf_fmt(&d->out->text, " (%zu bytes are no multiple of %zu)", value.len, size);
}

/* Units of `unit` bytes, most significant byte first, as the numbers that they are. */
static void show_hex(struct dumper *d, size_t unit, bool big_endian, struct bytes value)
{
	static const char digits[] = "0123456789abcdef";
	size_t max = d->whole ? value.len : SHOWN_NUMBERS;
	size_t shown = value.len < max ? value.len : max;
	char text[3 * HEX_STEP];
	size_t n = 0;

	for (size_t i = 0; i < shown; i++) {
		size_t base = i - i % unit;
		bool swap = !big_endian && base + unit <= value.len;
		uint8_t c = value.at[swap ? base + (unit - 1 - i % unit) : i];

		if (i > 0 && i % unit == 0)
			text[n++] = ' ';
		text[n++] = digits[c >> 4];
		text[n++] = digits[c & 15];
		if (i % HEX_STEP == HEX_STEP - 1 || i == shown - 1) {
			buf_add(&d->out->text, bytes_of(text, n));
			dump_out_pace(d->out);
			n = 0;
		}
	}
	if (shown < value.len)
		how_long(d, value.len);
}

/* Printable ASCII, padding apart: an UN value that is worth showing as text. */
static bool is_readable(struct bytes value)
{
	struct bytes text = unpadded(value);

	for (size_t i = 0; i < text.len; i++)
		if (text.at[i] < 0x20 || text.at[i] > 0x7E)
			return false;
	return text.len > 1;
}

static enum vr vr_of(const struct dumper *d, const struct token *t)
{
	return dump_vr(t->tag, t->vr, t->explicit_vr, d->level[d->depth].is_signed);
}

static void show_value(struct dumper *d, const struct token *t)
{
	enum vr vr = vr_of(d, t) == VR_NONE ? VR_UN : vr_of(d, t);

	if (t->value.len == 0)
		return;
	if (vr_info(vr)->is_text)
		show_text(d, vr, t->value);
	else if (vr == VR_UN && is_readable(t->value))
		show_text(d, VR_LO, t->value);
	else if (dump_number_size(vr) != 0)
		show_numbers(d, vr, t->big_endian, t->value);
	else
		show_hex(d, vr_info(vr)->unit, t->big_endian, t->value);
}

static void creator_add(struct dumper *d, const struct token *t)
{
	struct level *l = &d->level[d->depth];

	l->creator[l->creators++ % CREATORS] = (struct creator){t->tag, bytes_trim(t->value)};
}

/* The private creator of a private element (PS3.5 7.8.1); empty when there is none. */
static struct bytes creator_of(const struct dumper *d, uint32_t tag)
{
	const struct level *l = &d->level[d->depth];
	uint32_t want = TAG(TAG_GROUP(tag), TAG_ELEMENT(tag) >> 8);

	for (unsigned back = 1; back <= CREATORS && back <= l->creators; back++) {
		const struct creator *c = &l->creator[(l->creators - back) % CREATORS];

		if (c->tag == want)
			return c->name;
	}
	return BYTES_NONE;
}

static bool is_creator(uint32_t tag)
{
	return TAG_IS_PRIVATE(tag) && TAG_ELEMENT(tag) >= 0x10 && TAG_ELEMENT(tag) <= 0xFF;
}

/* "(0010,0010) PN     12  PatientName                       " */
static void show_head(struct dumper *d, const struct token *t)
{
	struct buf *out = &d->out->text;
	struct dict_entry known;
	size_t start;

	buf_fmt(out, "%*s(%04X,%04X) %s ", (int)(2 * d->indent), "", TAG_GROUP(t->tag),
		TAG_ELEMENT(t->tag), vr_info(vr_of(d, t))->name);
	if (t->len == DICOM_UNDEFINED)
		buf_fmt(out, "%7s  ", "-");
	else
		buf_fmt(out, "%7u  ", t->len);

	start = out->len;
	if (dict_find(t->tag, &known))
		buf_str(out, known.keyword);
	else if (TAG_IS_PRIVATE(t->tag) && creator_of(d, t->tag).len > 0) {
		buf_char(out, '{');
		escaped(out,
			dump_out_utf8(d->out, &d->level[d->depth].charset, VR_LO,
				      creator_of(d, t->tag)),
			64);
		buf_char(out, '}');
	} else
		buf_str(out, TAG_IS_PRIVATE(t->tag) ? "{private}" : "?");
	while (!out->failed && out->len - start < 32)
		buf_char(out, ' ');
	buf_str(out, "  ");
}

/* The line's end, without blanks before it. */
static void end_line(struct dumper *d)
{
	struct buf *out = &d->out->text;

	while (out->len > 0 && out->at[out->len - 1] == ' ')
		out->len--;
	buf_char(out, '\n');
	dump_out_pace(d->out);
}

static void show_element(struct dumper *d, const struct token *t)
{
	if (t->tag == TAG_SpecificCharacterSet) {
		d->level[d->depth].charset = charset_parse(t->value);
		d->bad_charset = d->bad_charset || d->level[d->depth].charset.unknown;
	}
	if (t->tag == TAG_PixelRepresentation && t->value.len > 0)
		d->level[d->depth].is_signed =
			(t->value.at[0] | t->value.at[t->value.len - 1]) != 0;
	if (is_creator(t->tag))
		creator_add(d, t);
	show_head(d, t);
	show_value(d, t);
	end_line(d);
}

static void show_fragment(struct dumper *d, const struct token *t)
{
	if (d->whole || d->fragments < SHOWN_FRAGMENTS) {
		buf_fmt(&d->out->text, "%*sFragment %llu: %zu bytes%s", (int)(2 * d->indent), "",
			(unsigned long long)d->fragments, t->value.len,
			d->fragments == 0 ? " (offset table)" : "");
		buf_str(&d->out->text, t->value.len == 0 ? "" : "  ");
		show_hex(d, d->fragments == 0 ? 4 : 1, t->big_endian, t->value);
		end_line(d);
	}
	d->fragments++;
	d->fragment_bytes += t->value.len;
}

static void item_begin(struct dumper *d, const struct token *t)
{
	struct level *outer = &d->level[d->depth];

	buf_fmt(&d->out->text, "%*sItem %u", (int)(2 * d->indent), "", ++outer->items);
	if (t->len != DICOM_UNDEFINED)
		buf_fmt(&d->out->text, "  (%u bytes)", t->len);
	end_line(d);
	assert(d->depth + 1 < sizeof(d->level) / sizeof(d->level[0]));
	d->depth++;
	d->level[d->depth] =
		(struct level){.charset = outer->charset, .is_signed = outer->is_signed};
}

static void show_token(struct dumper *d, const struct token *t)
{
	switch (t->kind) {
	case TOK_ELEMENT:
		show_element(d, t);
		break;
	case TOK_SEQUENCE:
	case TOK_PIXELS:
		show_head(d, t);
		end_line(d);
		d->indent++;
		d->level[d->depth].items = 0;
		d->fragments = d->fragment_bytes = 0;
		break;
	case TOK_ITEM:
		item_begin(d, t);
		d->indent++;
		break;
	case TOK_FRAGMENT:
		show_fragment(d, t);
		break;
	case TOK_ITEM_END:
		d->depth--;
		d->indent--;
		break;
	case TOK_PIXELS_END:
		buf_fmt(&d->out->text, "%*s%llu fragments, %llu bytes\n", (int)(2 * d->indent), "",
			(unsigned long long)d->fragments, (unsigned long long)d->fragment_bytes);
		d->indent--;
		break;
	case TOK_SEQUENCE_END:
		d->indent--;
		break;
	}
}

/* One data set, with what is odd in it and what is wrong with it; `base` is its place in the file.
 */
static enum err show_all(struct dumper *d, struct bytes in, const struct syntax *syntax,
			 uint64_t base, struct fault *f)
{
	struct walk w;
	struct token t;
	struct fault fault;
	char text[256];
	enum err e;

	d->indent = d->depth = 0;
	d->level[0] = (struct level){.items = 0};
	walk_init(&w, in, syntax);
	while ((e = walk_next(&w, &t, &fault)) == OK && d->out->error == OK)
		show_token(d, &t);

	if (w.notes != 0) {
		walk_notes_format(w.notes, text, sizeof(text));
		buf_fmt(&d->out->text, "# note: %s\n", text);
	}
	if (e == OK || e == ERR_MORE)
		return OK;
	if (fault.at != FAULT_NO_OFFSET)
		fault.at += base;
	fault_format(&fault, text, sizeof(text));
	buf_fmt(&d->out->text, "# error: %s\n", text);
	if (f != NULL)
		*f = fault;
	return e;
}

/* "# DICOM file, 39206 bytes, Explicit VR Little Endian" */
static void show_file(const struct part10 *p, struct buf *out)
{
	buf_str(out, p->meta.len == 0  ? "# bare data set"
		     : p->has_preamble ? "# DICOM file"
				       : "# DICOM file without preamble");
	buf_fmt(out, ", %zu bytes, %s%s\n", p->file.len, p->syntax->name,
		p->guessed ? " (found by trying)" : "");
	if (p->syntax_unknown) {
		buf_str(out, "# note: unknown transfer syntax ");
		buf_escaped(out, bytes_str(p->syntax_uid.text));
		buf_char(out, '\n');
	}
	if (p->syntax_wrong)
		buf_str(out, "# note: the transfer syntax that the file names is wrong\n");
	if (p->inflated != NULL)
		buf_fmt(out, "# inflated to %zu bytes\n", p->data.len);
}

enum err dump_text(const struct part10 *p, bool whole, struct dump_out *out, struct fault *f)
{
	struct dumper d = {.out = out, .whole = whole};
	enum err e = OK, data_error;

	show_file(p, &out->text);
	if (p->meta.len > 0) {
		e = show_all(&d, p->meta, p->meta_syntax, (uint64_t)(p->meta.at - p->file.at), f);
		buf_str(&out->text, "# data set\n");
	}
	data_error = show_all(&d, p->data, p->syntax, p->inflated != NULL ? 0 : p->data_at, f);
	if (d.bad_charset)
		buf_str(&out->text, "# note: unknown term in Specific Character Set\n");
	dump_out_pace(out);
	return data_error != OK ? data_error : e;
}
