/*
 * How it works.
 *
 * A defined term names either a whole encoding (UTF-8, GB18030, GBK), in which a text
 * is read from front to back, or code sets for the two halves of ISO 2022: G0 is read
 * by bytes 0x21-0x7E, G1 by bytes 0xA0-0xFF.  Value 1 of Specific Character Set gives
 * the home state; an escape sequence puts another set into one half; a delimiter or a
 * control character goes home (PS3.5 6.1.2.5.3).
 *
 * The tables are those of libc's iconv(3), asked for one character at a time through its
 * EUC and ISO 8859 encodings, so that nothing of the state is iconv's.  JIS X 0201 is
 * two ranges, JIS X 0212 is not in every libc, four bytes of GB18030 not right in every one:
 * these are done here.
 *
 * Taken although the standard does not have it: terms spelt "ISO_IR_100", "iso-ir 100",
 * "ISO 2022 58"; escape sequences to sets that were not listed; bytes for G1 where value 1
 * has no set there (then the first listed one that has).
 */
#include "dicom/charset.h"

#include <iconv.h>
#include <string.h>

#include "base/utf8.h"
#include "dicom/jisx0212.h"

#define ESC 0x1B
#define REPLACEMENT 0xFFFDu

enum set {
	SET_NONE,
	SET_ASCII,    /* G0: ISO-IR 6 */
	SET_ROMAN,    /* G0: ISO-IR 14, JIS X 0201 romaji */
	SET_KANJI,    /* G0, two bytes: ISO-IR 87, JIS X 0208 */
	SET_KANJI2,   /* G0, two bytes: ISO-IR 159, JIS X 0212 */
	SET_KATAKANA, /* G1: ISO-IR 13, JIS X 0201 */
	SET_LATIN1,
	SET_LATIN2,
	SET_LATIN3,
	SET_LATIN4,
	SET_CYRILLIC,
	SET_ARABIC,
	SET_GREEK,
	SET_HEBREW,
	SET_LATIN5,
	SET_LATIN9,
	SET_THAI,
	SET_KOREAN,  /* G1, two bytes: ISO-IR 149, KS X 1001 */
	SET_CHINESE, /* G1, two bytes: ISO-IR 58, GB 2312 */
	SET_UTF8,    /* whole encodings from here */
	SET_GB18030,
	SET_GBK,
	SET_COUNT
};

/* The names that both glibc and musl know; NULL: done here. */
static const char *const iconv_names[SET_COUNT] = {
	[SET_KANJI] = "EUC-JP",      [SET_LATIN1] = "ISO-8859-1",  [SET_LATIN2] = "ISO-8859-2",
	[SET_LATIN3] = "ISO-8859-3", [SET_LATIN4] = "ISO-8859-4",  [SET_CYRILLIC] = "ISO-8859-5",
	[SET_ARABIC] = "ISO-8859-6", [SET_GREEK] = "ISO-8859-7",   [SET_HEBREW] = "ISO-8859-8",
	[SET_LATIN5] = "ISO-8859-9", [SET_LATIN9] = "ISO-8859-15", [SET_THAI] = "TIS-620",
	[SET_KOREAN] = "EUC-KR",     [SET_CHINESE] = "GB2312",     [SET_GB18030] = "GB18030",
	[SET_GBK] = "GBK",
};

/* PS3.3 tables C.12-2 to C.12-5.  With and without code extensions are one row: the sets are the
 * same.  `ir` is the number in the term, 0 where the term is a name. */
static const struct {
	unsigned ir;
	const char *name;
	uint8_t g0, g1, whole;
} terms[] = {
	{6, NULL, SET_ASCII, SET_NONE, SET_NONE}, /* index 0 is also the empty value */
	{100, NULL, SET_ASCII, SET_LATIN1, SET_NONE},
	{101, NULL, SET_ASCII, SET_LATIN2, SET_NONE},
	{109, NULL, SET_ASCII, SET_LATIN3, SET_NONE},
	{110, NULL, SET_ASCII, SET_LATIN4, SET_NONE},
	{144, NULL, SET_ASCII, SET_CYRILLIC, SET_NONE},
	{127, NULL, SET_ASCII, SET_ARABIC, SET_NONE},
	{126, NULL, SET_ASCII, SET_GREEK, SET_NONE},
	{138, NULL, SET_ASCII, SET_HEBREW, SET_NONE},
	{148, NULL, SET_ASCII, SET_LATIN5, SET_NONE},
	{203, NULL, SET_ASCII, SET_LATIN9, SET_NONE},
	{13, NULL, SET_ROMAN, SET_KATAKANA, SET_NONE},
	{166, NULL, SET_ASCII, SET_THAI, SET_NONE},
	{87, NULL, SET_ASCII, SET_NONE, SET_NONE}, /* as value 1 it designates nothing yet */
	{159, NULL, SET_ASCII, SET_NONE, SET_NONE},
	{149, NULL, SET_ASCII, SET_KOREAN, SET_NONE},
	{58, NULL, SET_ASCII, SET_CHINESE, SET_NONE},
	{192, NULL, SET_ASCII, SET_NONE, SET_UTF8},
	{0, "GB18030", SET_ASCII, SET_NONE, SET_GB18030},
	{0, "GBK", SET_ASCII, SET_NONE, SET_GBK},
};

#define TERMS (sizeof(terms) / sizeof(terms[0]))

/* What follows ESC (PS3.3 tables C.12-3 and C.12-4), and where it puts which set. */
static const struct {
	const char *tail;
	bool is_g1;
	uint8_t set;
} escapes[] = {
	{"(B", false, SET_ASCII},   {"(J", false, SET_ROMAN},   {")I", true, SET_KATAKANA},
	{"-A", true, SET_LATIN1},   {"-B", true, SET_LATIN2},   {"-C", true, SET_LATIN3},
	{"-D", true, SET_LATIN4},   {"-L", true, SET_CYRILLIC}, {"-G", true, SET_ARABIC},
	{"-F", true, SET_GREEK},    {"-H", true, SET_HEBREW},   {"-M", true, SET_LATIN5},
	{"-b", true, SET_LATIN9},   {"-T", true, SET_THAI},     {"$B", false, SET_KANJI},
	{"$(D", false, SET_KANJI2}, {"$)C", true, SET_KOREAN},  {"$)A", true, SET_CHINESE},
};

struct state {
	uint8_t g0, g1; /* enum set */
};

/* Upper case without blanks, '_' and '-': "ISO_IR 100" and "iso-ir_100" both become "ISOIR100". */
static void squeeze(struct bytes term, char *out, size_t size)
{
	size_t n = 0;

	for (size_t i = 0; i < term.len && n + 1 < size; i++) {
		char c = (char)term.at[i];

		if (c == ' ' || c == '_' || c == '-' || c == '\0')
			continue;
		out[n++] = c >= 'a' && c <= 'z' ? (char)(c - ('a' - 'A')) : c;
	}
	out[n] = '\0';
}

/* Drop `prefix` from the front of *s; was it there? */
static bool drop(const char **s, const char *prefix)
{
	size_t n = strlen(prefix);

	if (strncmp(*s, prefix, n) != 0)
		return false;
	*s += n;
	return true;
}

/* The whole of `s` as a number, 0 when it is none. */
static unsigned registration(const char *s)
{
	unsigned n = 0;

	for (; *s != '\0'; s++) {
		if (*s < '0' || *s > '9' || n > 999)
			return 0;
		n = n * 10 + (unsigned)(*s - '0');
	}
	return n;
}

/* Index into terms[] of one value, or TERMS. */
static size_t find_term(struct bytes value)
{
	char text[32] = "";
	const char *s = text;

	squeeze(value, text, sizeof(text));
	if (text[0] == '\0')
		return 0;
	drop(&s, "ISO");
	bool numbered = drop(&s, "IR");
	numbered = drop(&s, "2022") || numbered;
	numbered = drop(&s, "IR") || numbered;

	unsigned ir = numbered ? registration(s) : 0;
	for (size_t i = 0; i < TERMS; i++)
		if (terms[i].name == NULL ? ir == terms[i].ir : strcmp(s, terms[i].name) == 0)
			return i;
	return TERMS;
}

struct charset charset_parse(struct bytes value)
{
	struct charset c = {0};
	size_t at = 0;

	while (at < value.len) {
		const uint8_t *end = memchr(value.at + at, '\\', value.len - at);
		size_t len = end == NULL ? value.len - at : (size_t)(end - value.at) - at;
		size_t term = find_term(bytes_of(value.at + at, len));

		at += len + 1;
		if (term == TERMS || c.count == CHARSET_TERMS)
			c.unknown = true;
		if (c.count < CHARSET_TERMS) /* an unknown value 1 keeps its place */
			c.term[c.count++] = (uint8_t)(term == TERMS ? 0 : term);
	}
	return c;
}

/* The encoding of all text where there is one: value 1, or the first that is not the default
 * repertoire ("\ISO_IR 192" is met, and means only one thing). */
static enum set whole_of(const struct charset *c)
{
	for (size_t i = 0; i < c->count; i++)
		if (c->term[i] != 0)
			return (enum set)terms[c->term[i]].whole;
	return SET_NONE;
}

static struct state home_of(const struct charset *c)
{
	struct state home = {SET_ASCII, SET_NONE};

	if (c->count > 0)
		home.g0 = terms[c->term[0]].g0;
	for (size_t i = 0; i < c->count && home.g1 == SET_NONE; i++)
		home.g1 = terms[c->term[i]].g1;
	return home;
}

/* One character of `len` bytes through libc's table; REPLACEMENT where it has none. */
static uint32_t from_table(enum set set, const uint8_t *at, size_t len)
{
	/* Opened once and kept for the life of the process. */
	static iconv_t table[SET_COUNT];
	static bool opened[SET_COUNT];
	char in[4] = {0}, out[8];
	char *in_at = in, *out_at = out;
	size_t in_left = len, out_left = sizeof(out);
	uint32_t code;

	if (!opened[set]) {
		table[set] = iconv_open("UTF-8", iconv_names[set]);
		opened[set] = true;
	}
	if (table[set] == (iconv_t)-1 || len > sizeof(in))
		return REPLACEMENT;

	memcpy(in, at, len);
	iconv(table[set], NULL, NULL, NULL, NULL);
	if (iconv(table[set], &in_at, &in_left, &out_at, &out_left) == (size_t)-1)
		return REPLACEMENT;

	struct bytes utf8 = bytes_of(out, sizeof(out) - out_left);
	if (utf8_next(utf8, &code) != utf8.len || utf8.len == 0)
		return REPLACEMENT;
	/* JIS X 0208 has a backslash that some tables take for the ASCII one, our delimiter. */
	return len > 1 && code == '\\' ? 0xFF3C : code;
}

static void put(struct buf *out, uint32_t code)
{
	uint8_t utf8[4];

	buf_add(out, bytes_of(utf8, utf8_put(utf8, code)));
}

/* How many bytes at the front of `s` are plain ASCII graphics that end nothing. */
static size_t plain_run(struct bytes s)
{
	size_t n = 0;

	while (n < s.len && s.at[n] >= 0x20 && s.at[n] < 0x7F && s.at[n] != '\\' &&
	       s.at[n] != '^' && s.at[n] != '=')
		n++;
	return n;
}

/* Length of the well-formed GBK or GB18030 sequence at the front of `s`; 0 when there is none. */
static size_t gb_len(enum set set, struct bytes s)
{
	const uint8_t *p = s.at;

	if (s.len < 2 || p[0] < 0x81 || p[0] > 0xFE)
		return 0;
	if (p[1] >= 0x40 && p[1] <= 0xFE && p[1] != 0x7F)
		return 2;
	if (set == SET_GB18030 && s.len >= 4 && p[1] >= '0' && p[1] <= '9' && p[2] >= 0x81 &&
	    p[2] <= 0xFE && p[3] >= '0' && p[3] <= '9')
		return 4;
	return 0;
}

/* Four bytes of GB18030.  The upper part of the plane is not right in every libc: its runs are here
 * (GB18030-2000, number of the code from 81308130 on), as are the other planes, which are in order.
 */
static uint32_t gb18030_four(const uint8_t *p)
{
	static const struct {
		uint32_t number, code, count;
	} runs[] = {
		{33550, 0xE865, 4295}, {37845, 0xF92D, 76},  {37921, 0xF97A, 27},
		{37948, 0xF996, 81},   {38029, 0xF9E8, 9},   {38038, 0xF9F2, 26},
		{38064, 0xFA10, 1},    {38065, 0xFA12, 1},   {38066, 0xFA15, 3},
		{38069, 0xFA19, 6},    {38075, 0xFA22, 1},   {38076, 0xFA25, 2},
		{38078, 0xFA2A, 1030}, {39108, 0xFE32, 1},   {39109, 0xFE45, 4},
		{39113, 0xFE53, 1},    {39114, 0xFE58, 1},   {39115, 0xFE67, 1},
		{39116, 0xFE6C, 149},  {39265, 0xFF5F, 129}, {39394, 0xFFE6, 26},
	};
	uint32_t n = ((p[0] - 0x81u) * 10 + (p[1] - 0x30u)) * 1260 + (p[2] - 0x81u) * 10 +
		     (p[3] - 0x30u);

	if (n < 33469)
		return from_table(SET_GB18030, p, 4);
	if (n >= 189000 && n < 189000 + 0x100000)
		return 0x10000 + (n - 189000);
	for (size_t i = 0; i < sizeof(runs) / sizeof(runs[0]); i++)
		if (n >= runs[i].number && n - runs[i].number < runs[i].count)
			return runs[i].code + (n - runs[i].number);
	return REPLACEMENT;
}

/* The character at the front of `s`, which is not empty, in a whole encoding (or ASCII without
 * escape sequences); bytes taken. */
static size_t whole_char(enum set set, struct bytes s, uint32_t *code)
{
	size_t n = 0;

	*code = s.at[0];
	if (s.at[0] < 0x80)
		return 1;

	*code = REPLACEMENT;
	if (set == SET_UTF8)
		n = utf8_next(s, code);
	if (set == SET_GB18030 || set == SET_GBK)
		n = gb_len(set, s);
	if (n == 4 && set != SET_UTF8)
		*code = gb18030_four(s.at);
	if (n == 2 && set != SET_UTF8)
		*code = from_table(set, s.at, 2);
	return n == 0 ? 1 : n;
}

static void whole_to_utf8(enum set set, struct bytes text, struct buf *out)
{
	size_t at = 0;

	while (at < text.len) {
		struct bytes rest = bytes_of(text.at + at, text.len - at);
		size_t n = plain_run(rest);

		if (n > 0) {
			buf_add(out, bytes_of(rest.at, n));
		} else {
			uint32_t code = REPLACEMENT;

			n = whole_char(set, rest, &code);
			put(out, code);
		}
		at += n;
	}
}

/* At an ESC: carry out a known escape sequence; its length, 0 when it is none. */
static size_t escape(struct bytes s, struct state *state)
{
	for (size_t i = 0; i < sizeof(escapes) / sizeof(escapes[0]); i++) {
		size_t n = strlen(escapes[i].tail);

		if (n < s.len && memcmp(s.at + 1, escapes[i].tail, n) == 0) {
			if (escapes[i].is_g1)
				state->g1 = escapes[i].set;
			else
				state->g0 = escapes[i].set;
			return n + 1;
		}
	}
	return 0;
}

/* A byte 0x21-0x7E at the front of `s`, read by G0; bytes taken. */
static size_t g0_char(enum set g0, struct bytes s, uint32_t *code)
{
	uint8_t c = s.at[0];

	*code = c;
	if (g0 == SET_ROMAN && c == '\\')
		*code = 0xA5; /* yen sign */
	if (g0 == SET_ROMAN && c == '~')
		*code = 0x203E; /* overline */
	if (g0 != SET_KANJI && g0 != SET_KANJI2)
		return 1;

	*code = REPLACEMENT;
	if (s.len < 2 || s.at[1] < 0x21 || s.at[1] > 0x7E)
		return 1;
	if (g0 == SET_KANJI) {
		const uint8_t euc[2] = {(uint8_t)(c | 0x80), (uint8_t)(s.at[1] | 0x80)};

		*code = from_table(SET_KANJI, euc, 2);
	} else if (jisx0212(c, s.at[1]) != 0) {
		*code = jisx0212(c, s.at[1]);
	}
	return 2;
}

/* A byte 0x80-0xFF at the front of `s`, read by G1; bytes taken. */
static size_t g1_char(enum set g1, struct bytes s, uint32_t *code)
{
	uint8_t c = s.at[0];

	*code = REPLACEMENT;
	if (g1 == SET_KATAKANA) {
		if (c >= 0xA1 && c <= 0xDF)
			*code = 0xFF61u + (c - 0xA1u);
		return 1;
	}
	if (g1 == SET_KOREAN || g1 == SET_CHINESE) {
		if (c < 0xA1 || s.len < 2 || s.at[1] < 0xA1)
			return 1;
		*code = from_table(g1, s.at, 2);
		return 2;
	}
	if (g1 != SET_NONE)
		*code = from_table(g1, s.at, 1);
	return 1;
}

/* One character of ISO 2022 text at the front of `s`, in or out of `state`; bytes taken. */
static size_t iso2022_char(struct bytes s, enum vr vr, struct state home, struct state *state,
			   struct buf *out)
{
	uint8_t c = s.at[0];
	uint32_t code = c;
	size_t n = 1;
	bool two_bytes = state->g0 == SET_KANJI || state->g0 == SET_KANJI2;

	if (c == ESC) {
		n = escape(s, state);
		if (n > 0)
			return n;
		n = 1; /* shown as the control character that it is */
	} else if (c < 0x20) {
		*state = home;
	} else if (c > 0x7F) {
		n = g1_char((enum set)state->g1, s, &code);
	} else if (!two_bytes &&
		   ((c == '\\' && vr_info(vr)->multi) || ((c == '^' || c == '=') && vr == VR_PN))) {
		*state = home;
	} else if (c != ' ' && c != 0x7F) {
		n = g0_char((enum set)state->g0, s, &code);
	}
	put(out, code);
	return n;
}

static void iso2022_to_utf8(struct state home, enum vr vr, struct bytes text, struct buf *out)
{
	struct state state = home;
	size_t at = 0;

	while (at < text.len) {
		struct bytes rest = bytes_of(text.at + at, text.len - at);
		size_t n = state.g0 == SET_ASCII ? plain_run(rest) : 0;

		if (n > 0)
			buf_add(out, bytes_of(rest.at, n));
		else
			n = iso2022_char(rest, vr, home, &state, out);
		at += n;
	}
}

void charset_to_utf8(const struct charset *c, enum vr vr, struct bytes text, struct buf *out)
{
	if (!vr_info(vr)->uses_charset)
		whole_to_utf8(SET_ASCII, text, out);
	else if (whole_of(c) != SET_NONE)
		whole_to_utf8(whole_of(c), text, out);
	else
		iso2022_to_utf8(home_of(c), vr, text, out);
}
