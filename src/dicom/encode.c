/*
 * How it works.
 *
 * What bytes a character has is found from the decoder's own answers: every code of a
 * set is decoded once (dicom/charset.h), one to a line, and the resulting table is
 * searched.  So what is written here reads back there, and no second set of tables is kept.
 * It is done only for a text that is not ASCII, once per encoder and set.
 *
 * State while writing, as in ISO 2022: which set is in G0 (bytes 0x21-0x7E) and which in
 * G1 (0xA0-0xFF).  "Home" is what value 1 of Specific Character Set says; everything else
 * takes an escape sequence, and every value ends at home (PS3.5 6.1.2.5.3).  Codes that
 * contain the byte of a backslash are not used: too many readers split before they decode.
 */
#include "dicom/encode.h"

#include <string.h>

#include "base/utf8.h"
#include "dicom/charset.h"

#define ESC "\x1B"
#define NO_CODE 0u

enum shape {
	ONE_G1,   /* one byte 0xA0-0xFF */
	TWO_G0,   /* two bytes 0x21-0x7E */
	TWO_G1,   /* two bytes 0xA1-0xFE */
	TWO_WIDE, /* 0x81-0xFE, then 0x40-0xFE */
};

/* PS3.3 tables C.12-2 to C.12-5. */
static const struct {
	unsigned ir; /* number in the defined term, 0: a name */
	const char *name;
	const char *decode; /* Specific Character Set that the codes are decoded with */
	const char *escape;
	enum shape shape;
} sets[] = {
	{100, NULL, "ISO_IR 100", ESC "-A", ONE_G1},
	{101, NULL, "ISO_IR 101", ESC "-B", ONE_G1},
	{109, NULL, "ISO_IR 109", ESC "-C", ONE_G1},
	{110, NULL, "ISO_IR 110", ESC "-D", ONE_G1},
	{144, NULL, "ISO_IR 144", ESC "-L", ONE_G1},
	{127, NULL, "ISO_IR 127", ESC "-G", ONE_G1},
	{126, NULL, "ISO_IR 126", ESC "-F", ONE_G1},
	{138, NULL, "ISO_IR 138", ESC "-H", ONE_G1},
	{148, NULL, "ISO_IR 148", ESC "-M", ONE_G1},
	{203, NULL, "ISO_IR 203", ESC "-b", ONE_G1},
	{166, NULL, "ISO_IR 166", ESC "-T", ONE_G1},
	{13, NULL, "ISO_IR 13", ESC ")I", ONE_G1},
	{87, NULL, "ISO 2022 IR 6\\ISO 2022 IR 87", ESC "$B", TWO_G0},
	{159, NULL, "ISO 2022 IR 6\\ISO 2022 IR 159", ESC "$(D", TWO_G0},
	{149, NULL, "ISO 2022 IR 6\\ISO 2022 IR 149", ESC "$)C", TWO_G1},
	{58, NULL, "ISO 2022 IR 6\\ISO 2022 IR 58", ESC "$)A", TWO_G1},
	{0, "GB18030", "GB18030", "", TWO_WIDE},
	{0, "GBK", "GBK", "", TWO_WIDE},
};

#define SETS (sizeof(sets) / sizeof(sets[0]))
#define SET_ROMAJI_HOME 13u

/* How many codes a shape has, and the bytes of the n-th. */
static size_t code_count(enum shape shape)
{
	static const size_t counts[] = {
		[ONE_G1] = 96, [TWO_G0] = 94 * 94, [TWO_G1] = 94 * 94, [TWO_WIDE] = 126 * 191};

	return counts[shape];
}

static size_t code_bytes(enum shape shape, size_t n, uint8_t out[static 2])
{
	switch (shape) {
	case ONE_G1:
		out[0] = (uint8_t)(0xA0 + n);
		return 1;
	case TWO_G0:
		out[0] = (uint8_t)(0x21 + n / 94);
		out[1] = (uint8_t)(0x21 + n % 94);
		return 2;
	case TWO_G1:
		out[0] = (uint8_t)(0xA1 + n / 94);
		out[1] = (uint8_t)(0xA1 + n % 94);
		return 2;
	default:
		out[0] = (uint8_t)(0x81 + n / 191);
		out[1] = (uint8_t)(0x40 + n % 191);
		return 2;
	}
}

static bool code_usable(enum shape shape, size_t n)
{
	uint8_t code[2] = {0, 0};

	code_bytes(shape, n, code);
	return code[0] != '\\' && code[1] != '\\' && code[1] != 0x7F;
}

/* "ISO_IR 100", "ISO 2022 IR 100": 100; 0 for anything else. */
static unsigned term_number(struct bytes term)
{
	unsigned n = 0;
	size_t digits = 0;

	while (digits < term.len && digits < 3 && term.at[term.len - 1 - digits] >= '0' &&
	       term.at[term.len - 1 - digits] <= '9')
		digits++;
	for (size_t i = term.len - digits; i < term.len; i++)
		n = n * 10 + (unsigned)(term.at[i] - '0');
	return bytes_has_nocase(term, BYTES_LIT("ir")) ? n : 0;
}

static size_t find_set(struct bytes term)
{
	unsigned ir = term_number(term);

	for (size_t i = 0; i < SETS; i++)
		if (ir != 0 ? sets[i].ir == ir
			    : sets[i].name != NULL && bytes_eq_str(term, sets[i].name))
			return i;
	return SETS;
}

void text_encoder_init(struct text_encoder *t, struct bytes charset, struct arena *a)
{
	*t = (struct text_encoder){.a = a};
	for (size_t index = 0, at = 0; at <= charset.len && t->count < TEXT_SETS; index++) {
		size_t end = at;

		while (end < charset.len && charset.at[end] != '\\')
			end++;
		struct bytes term = bytes_trim(bytes_slice(charset, at, end - at));
		size_t set = find_set(term);
		at = end + 1;
		if (index == 0 && term_number(term) == 192) {
			t->is_utf8 = true;
			return;
		}
		if (set == SETS)
			continue;
		if (index == 0)
			t->has_home = sets[set].shape == ONE_G1 || sets[set].shape == TWO_WIDE;
		else if (sets[set].shape == TWO_WIDE)
			continue; /* has no escape sequence */
		t->sets[t->count++] = (uint8_t)set;
	}
}

/* Every code of a set on a line of its own, decoded: UTF-8 lines in *out. */
static void decode_all(size_t set, struct buf *out)
{
	enum shape shape = sets[set].shape;
	struct buf in = BUF_INIT(1u << 20);
	struct charset c = charset_parse(bytes_str(sets[set].decode));

	for (size_t n = 0; n < code_count(shape); n++) {
		uint8_t code[2] = {0, 0};
		size_t len = code_bytes(shape, n, code);

		if (shape == TWO_G0 || shape == TWO_G1)
			buf_str(&in, sets[set].escape);
		if (code_usable(shape, n))
			buf_add(&in, bytes_of(code, len));
		if (shape == TWO_G0)
			buf_str(&in, ESC "(B");
		buf_char(&in, '\n');
	}
	if (in.failed)
		out->failed = true;
	else
		charset_to_utf8(&c, VR_ST, buf_bytes(&in), out);
	buf_free(&in);
}

/* The table of t->sets[which]: code point of each code, NO_CODE where there is none.  NULL when
 * there is no memory for it: then the set is not used. */
static const uint32_t *table_of(struct text_encoder *t, unsigned which)
{
	size_t set = t->sets[which], count = code_count(sets[set].shape), line = 0;
	struct buf lines = BUF_INIT(1u << 20);
	uint32_t code = 0;

	if (t->table[which] != NULL)
		return t->table[which];
	uint32_t *table = ARENA_NEW(t->a, uint32_t, count);
	if (table == NULL)
		return NULL;
	decode_all(set, &lines);
	struct bytes rest = lines.failed ? BYTES_NONE : buf_bytes(&lines);
	for (unsigned in_line = 0; rest.len > 0 && line < count;) {
		unsigned n = utf8_next(rest, &code);

		if (n == 0)
			break;
		if (code == '\n')
			line++;
		else
			table[line] =
				in_line == 0 && code > 0x9F && code != 0xFFFD ? code : NO_CODE;
		in_line = code == '\n' ? 0 : in_line + 1;
		rest = bytes_slice(rest, n, rest.len - n);
	}
	if (line != count) /* a line was lost: no entry can be trusted */
		memset(table, 0, count * sizeof(*table));
	buf_free(&lines);
	t->table[which] = table;
	return table;
}

/* Where the writing stands. */
struct sink {
	uint8_t *at;
	size_t len, max;
	int g0, g1; /* index in text_encoder.sets, or -1: home */
};

/* Bytes that go home from a state. */
static size_t home_len(const struct text_encoder *t, int g0, int g1)
{
	size_t n = g0 >= 0 ? 3 : 0;

	if (g1 >= 0 && t->has_home)
		n += strlen(sets[t->sets[0]].escape);
	return n;
}

static void put(struct sink *s, const void *at, size_t len)
{
	memcpy(s->at + s->len, at, len);
	s->len += len;
}

static bool home_is_romaji(const struct text_encoder *t)
{
	return t->has_home && sets[t->sets[0]].ir == SET_ROMAJI_HOME;
}

static void go_home(const struct text_encoder *t, struct sink *s)
{
	if (s->g0 >= 0)
		put(s, home_is_romaji(t) ? ESC "(J" : ESC "(B", 3);
	if (s->g1 >= 0 && t->has_home)
		put(s, sets[t->sets[0]].escape, strlen(sets[t->sets[0]].escape));
	s->g0 = s->g1 = -1;
}

/* One code of set `which` (-1: the ASCII byte code[0]); false when it does not fit. */
static bool put_code(const struct text_encoder *t, struct sink *s, int which, const uint8_t *code,
		     size_t len)
{
	bool at_home = which < 0 || (which == 0 && t->has_home);
	enum shape shape = which < 0 ? ONE_G1 : sets[t->sets[which]].shape;
	int g0 = which < 0 ? -1 : s->g0, g1 = s->g1;

	if (which >= 0 && shape == TWO_G0)
		g0 = which;
	else if (which >= 0)
		g1 = at_home ? -1 : which;

	size_t escape = 0;
	if (g0 != s->g0)
		escape += g0 < 0 ? 3 : strlen(sets[t->sets[g0]].escape);
	if (g1 != s->g1)
		escape += strlen(sets[t->sets[g1 < 0 ? 0 : g1]].escape);
	if (s->len + escape + len + home_len(t, g0, g1) > s->max)
		return false;
	if (g0 != s->g0 && g0 < 0)
		put(s, home_is_romaji(t) ? ESC "(J" : ESC "(B", 3);
	else if (g0 != s->g0)
		put(s, sets[t->sets[g0]].escape, strlen(sets[t->sets[g0]].escape));
	if (g1 != s->g1)
		put(s, sets[t->sets[g1 < 0 ? 0 : g1]].escape,
		    strlen(sets[t->sets[g1 < 0 ? 0 : g1]].escape));
	put(s, code, len);
	s->g0 = g0;
	s->g1 = g1;
	return true;
}

static uint32_t harmless(uint32_t code)
{
	if (code < 0x20 || (code >= 0x7F && code < 0xA0))
		return ' ';
	return code == '\\' ? '/' : code;
}

static bool put_unknown(struct text_encoder *t, struct sink *s)
{
	t->lossy = true;
	return put_code(t, s, -1, (const uint8_t *)"?", 1);
}

static bool put_char(struct text_encoder *t, struct sink *s, uint32_t code)
{
	uint8_t out[4];

	if (t->is_utf8)
		return put_code(t, s, -1, out, utf8_put(out, code));
	if (code < 0x80) {
		if (home_is_romaji(t) && code == '~')
			return put_unknown(t, s);
		out[0] = (uint8_t)code;
		return put_code(t, s, -1, out, 1);
	}
	for (unsigned which = 0; which < t->count; which++) {
		enum shape shape = sets[t->sets[which]].shape;
		const uint32_t *table = table_of(t, which);

		for (size_t n = 0; table != NULL && n < code_count(shape); n++)
			if (table[n] == code)
				return put_code(t, s, (int)which, out, code_bytes(shape, n, out));
	}
	return put_unknown(t, s);
}

/* As much of the text as fits in s->max, ending at home; was it all? */
static bool put_text(struct text_encoder *t, struct sink *s, struct bytes utf8)
{
	while (utf8.len > 0) {
		uint32_t code;
		unsigned n = utf8_next(utf8, &code);

		if (!(n == 0 ? put_unknown(t, s) : put_char(t, s, harmless(code)))) {
			go_home(t, s);
			return false;
		}
		n = n == 0 ? 1 : n;
		utf8 = bytes_slice(utf8, n, utf8.len - n);
	}
	go_home(t, s);
	return true;
}

struct bytes text_encode(struct text_encoder *t, struct bytes utf8, size_t max)
{
	struct sink s = {.at = ARENA_NEW(t->a, uint8_t, max), .max = max, .g0 = -1, .g1 = -1};

	if (s.at == NULL)
		return BYTES_NONE;
	utf8 = bytes_trim(utf8);
	if (!put_text(t, &s, utf8)) {
		s.len = 0;
		s.max = max - 3;
		(void)put_text(t, &s, utf8);
		while (s.len > 0 && s.at[s.len - 1] == ' ')
			s.len--;
		put(&s, "...", 3);
	}
	return bytes_of(s.at, s.len);
}
