/*
 * Text is folded to letters and digits, cut into tokens at everything else.  A token is taken out
 * whole, never in part: what is left of "GTVSMITH" would still say how long the name was.
 *
 *     source   "Smith_John GTV"      tokens   [0,5) [6,10) [11,14)
 *     folded   "smithjohngtv"        each byte knows its token
 *
 * A word is found where it stands in the folded text and either lies inside one token and is
 * WORDS_INSIDE bytes or longer, or begins and ends with a token.  So separators do not hide a name,
 * and "this and you" does not hold one that reads "sandy".  A phrase begins and ends with a token
 * in any case.
 */
#include "anon/words.h"

#include <string.h>

#include "base/utf8.h"

#define WORDS_INSIDE 5u
#define NUMBER_INSIDE 4u
#define NUMBER_SHORTEST 4u
#define STRICT_DIGITS 5u
#define PHRASE_TOKEN 4u    /* letters and digits of a phrase of one word */
#define PHRASE_SHORTEST 5u /* and of others */
#define WHOLE_TOKENS 4u
#define ROUNDS 16u
#define VALUE_MAX (1u << 20) /* bytes of an identifying value, folded */
#define TEXT_MAX (1u << 28)  /* and of any text */

/* U+00C0 to U+017F without accents, in lower case. */
static const char latin[][3] = {
	"a", "a", "a",  "a",  "a", "a", "ae", "c", "e", "e", "e", "e", "i", "i", "i",  "i",
	"d", "n", "o",  "o",  "o", "o", "o",  "",  "o", "u", "u", "u", "u", "y", "th", "ss",
	"a", "a", "a",  "a",  "a", "a", "ae", "c", "e", "e", "e", "e", "i", "i", "i",  "i",
	"d", "n", "o",  "o",  "o", "o", "o",  "",  "o", "u", "u", "u", "u", "y", "th", "y",
	"a", "a", "a",  "a",  "a", "a", "c",  "c", "c", "c", "c", "c", "c", "c", "d",  "d",
	"d", "d", "e",  "e",  "e", "e", "e",  "e", "e", "e", "e", "e", "g", "g", "g",  "g",
	"g", "g", "g",  "g",  "h", "h", "h",  "h", "i", "i", "i", "i", "i", "i", "i",  "i",
	"i", "i", "ij", "ij", "j", "j", "k",  "k", "k", "l", "l", "l", "l", "l", "l",  "l",
	"l", "l", "l",  "n",  "n", "n", "n",  "n", "n", "n", "n", "n", "o", "o", "o",  "o",
	"o", "o", "oe", "oe", "r", "r", "r",  "r", "r", "r", "s", "s", "s", "s", "s",  "s",
	"s", "s", "t",  "t",  "t", "t", "t",  "t", "u", "u", "u", "u", "u", "u", "u",  "u",
	"u", "u", "u",  "u",  "w", "w", "y",  "y", "y", "z", "z", "z", "z", "z", "z",  "s",
};

/* Letters beyond Latin Extended-A that are another one with an accent, as ranges in order. */
static const struct {
	uint16_t from, to;
	char letter[3];
} accented[] = {
	{0x01A0, 0x01A1, "o"}, {0x01AF, 0x01B0, "u"},  {0x01CD, 0x01CE, "a"}, {0x01CF, 0x01D0, "i"},
	{0x01D1, 0x01D2, "o"}, {0x01D3, 0x01DC, "u"},  {0x01E6, 0x01E7, "g"}, {0x01F4, 0x01F5, "g"},
	{0x01F8, 0x01F9, "n"}, {0x0200, 0x0203, "a"},  {0x0204, 0x0207, "e"}, {0x0208, 0x020B, "i"},
	{0x020C, 0x020F, "o"}, {0x0210, 0x0213, "r"},  {0x0214, 0x0217, "u"}, {0x0218, 0x0219, "s"},
	{0x021A, 0x021B, "t"}, {0x0226, 0x0227, "a"},  {0x0228, 0x0229, "e"}, {0x022E, 0x022F, "o"},
	{0x0232, 0x0233, "y"}, {0x1E00, 0x1E01, "a"},  {0x1E02, 0x1E07, "b"}, {0x1E08, 0x1E09, "c"},
	{0x1E0A, 0x1E13, "d"}, {0x1E14, 0x1E1D, "e"},  {0x1E1E, 0x1E1F, "f"}, {0x1E20, 0x1E21, "g"},
	{0x1E22, 0x1E2B, "h"}, {0x1E2C, 0x1E2F, "i"},  {0x1E30, 0x1E35, "k"}, {0x1E36, 0x1E3D, "l"},
	{0x1E3E, 0x1E43, "m"}, {0x1E44, 0x1E4B, "n"},  {0x1E4C, 0x1E53, "o"}, {0x1E54, 0x1E57, "p"},
	{0x1E58, 0x1E5F, "r"}, {0x1E60, 0x1E69, "s"},  {0x1E6A, 0x1E71, "t"}, {0x1E72, 0x1E7B, "u"},
	{0x1E7C, 0x1E7F, "v"}, {0x1E80, 0x1E89, "w"},  {0x1E8A, 0x1E8D, "x"}, {0x1E8E, 0x1E8F, "y"},
	{0x1E90, 0x1E95, "z"}, {0x1E9E, 0x1E9E, "ss"}, {0x1EA0, 0x1EB7, "a"}, {0x1EB8, 0x1EC7, "e"},
	{0x1EC8, 0x1ECB, "i"}, {0x1ECC, 0x1EE3, "o"},  {0x1EE4, 0x1EF1, "u"}, {0x1EF2, 0x1EF9, "y"},
};

/* Greek and Cyrillic letters with accents, and capitals that are no 32 apart. */
static const struct {
	uint16_t from, to;
} plain[] = {
	{0x0386, 0x03B1}, {0x0388, 0x03B5}, {0x0389, 0x03B7}, {0x038A, 0x03B9}, {0x038C, 0x03BF},
	{0x038E, 0x03C5}, {0x038F, 0x03C9}, {0x0390, 0x03B9}, {0x03AA, 0x03B9}, {0x03AB, 0x03C5},
	{0x03AC, 0x03B1}, {0x03AD, 0x03B5}, {0x03AE, 0x03B7}, {0x03AF, 0x03B9}, {0x03B0, 0x03C5},
	{0x03C2, 0x03C3}, {0x03CA, 0x03B9}, {0x03CB, 0x03C5}, {0x03CC, 0x03BF}, {0x03CD, 0x03C5},
	{0x03CE, 0x03C9}, {0x0401, 0x0435}, {0x0419, 0x0438}, {0x0439, 0x0438}, {0x0451, 0x0435},
};

static unsigned put_letters(const char *letters, uint8_t out[static 4])
{
	size_t len = strlen(letters);

	memcpy(out, letters, len);
	return (unsigned)len;
}

static uint32_t small_letter(uint32_t c)
{
	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++)
		if (plain[i].from == c)
			return plain[i].to;
	if ((c >= 0x0391 && c <= 0x03A9) || (c >= 0x0410 && c <= 0x042F))
		return c + 32;
	return c >= 0x0400 && c <= 0x040F ? c + 80 : c;
}

/* Combining accents belong to the letter before: they end no token. */
static bool is_joined(uint32_t c)
{
	return c >= 0x0300 && c <= 0x036F;
}

/* One character folded, at most 4 bytes; 0: a separator. */
static unsigned fold(uint32_t c, uint8_t out[static 4])
{
	if (c >= 0xFF10 && c <= 0xFF5A) /* full width, as in Japanese */
		c -= 0xFEE0;
	if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) {
		out[0] = (uint8_t)c;
		return 1;
	}
	if (c >= 'A' && c <= 'Z') {
		out[0] = (uint8_t)(c + 32);
		return 1;
	}
	if (c < 0xC0)
		return 0;
	if (c < 0x180)
		return put_letters(latin[c - 0xC0], out);
	for (size_t i = 0; i < sizeof(accented) / sizeof(accented[0]); i++)
		if (c >= accented[i].from && c <= accented[i].to)
			return put_letters(accented[i].letter, out);
	/* combining accents (see is_joined), blanks, dashes, what could not be decoded */
	if (is_joined(c) || (c >= 0x2000 && c <= 0x206F) || (c >= 0x3000 && c <= 0x3003) ||
	    c == 0x30FB || c == 0xFFFD)
		return 0;
	return utf8_put(out, small_letter(c));
}

struct span {
	size_t from, to;           /* in the source */
	size_t fold_from, fold_to; /* in the folded text */
	bool number, gone;
};

#define TOKENS 1024u

struct cut {
	struct bytes source;
	struct buf folded;
	struct span token[TOKENS];
	size_t count;
};

static inline void put_folded(struct buf *b, const uint8_t *four, unsigned n)
{
	if (n == 1 && b->len + 2 < b->cap) {
		b->at[b->len++] = four[0];
		b->at[b->len] = '\0';
	} else {
		buf_add(b, bytes_of(four, n));
	}
}

/* In the one place for it, as netrt has no threads: texts are many and short, and memory of their
 * own would cost more than all else.  Good until the next text. */
static struct cut *cut_up(struct bytes utf8, size_t max)
{
	static struct cut cut;
	struct cut *c = &cut;
	bool inside = false;

	c->source = utf8;
	c->folded.max = max;
	buf_clear(&c->folded);
	c->count = 0;
	for (size_t at = 0; at < utf8.len;) {
		uint32_t code = utf8.at[at];
		uint8_t four[4];
		unsigned len =
			code < 0x80 ? 1 : utf8_next(bytes_slice(utf8, at, utf8.len - at), &code);
		unsigned n = len == 0 ? 0 : fold(code, four);

		if (n > 0) {
			if (!inside && c->count < TOKENS)
				c->token[c->count++] = (struct span){
					.from = at, .fold_from = c->folded.len, .number = true};
			struct span *t =
				&c->token[c->count - 1]; /* beyond TOKENS all is the last */
			put_folded(&c->folded, four, n);
			t->number = t->number && four[0] >= '0' && four[0] <= '9';
			t->to = at + len;
			t->fold_to = c->folded.len;
		} else if (inside && len > 0 && is_joined(code)) {
			c->token[c->count - 1].to = at + len;
		}
		inside = n > 0 || (inside && len > 0 && is_joined(code));
		at += len == 0 ? 1 : len;
	}
	return c;
}

/* ---- collecting ---- */

static struct bytes token_text(const struct cut *c, size_t i)
{
	return bytes_slice(buf_bytes(&c->folded), c->token[i].fold_from,
			   c->token[i].fold_to - c->token[i].fold_from);
}

static enum err add_word(struct words *w, struct bytes folded, enum word_kind kind, struct arena *a,
			 struct fault *f)
{
	for (unsigned i = 0; i < w->count; i++)
		if (bytes_eq(w->folded[i], folded)) {
			if (kind < w->kind[i]) /* a name is looked for inside of words, too */
				w->kind[i] = kind;
			return OK;
		}
	if (w->count == WORDS_MAX) /* nobody is called by that many names: fail closed */
		return fault_set(f, ERR_LIMIT, "too many identifying words in one object",
				 FAULT_NO_OFFSET);
	struct bytes copy = arena_copy(a, folded);
	if (copy.at == NULL)
		return fault_set(f, ERR_NOMEM, "no memory for identifying words", FAULT_NO_OFFSET);
	w->kind[w->count] = kind;
	w->folded[w->count++] = copy;
	return OK;
}

/* Letters outside ASCII say more each: two are a name in Chinese. */
static bool is_long_enough(struct bytes folded, bool number)
{
	if (number)
		return folded.len >= NUMBER_SHORTEST;
	return folded.len >= WORDS_SHORTEST;
}

/* The tokens of a text (`each`), and all of them as one word where they are few: "van der berg" is
 * written as one, too. */
static enum err add_text(struct words *w, struct bytes utf8, bool each, struct arena *a,
			 struct fault *f)
{
	const struct cut *c = cut_up(utf8, VALUE_MAX);
	enum err e = OK;
	bool number = true;

	for (size_t i = 0; i < c->count && e == OK; i++) {
		const struct span *t = &c->token[i];
		struct bytes one = token_text(c, i);

		number = number && t->number;
		if (each && is_long_enough(one, t->number))
			e = add_word(w, one, t->number ? WORD_NUMBER : WORD_NAME, a, f);
	}
	struct bytes whole = buf_bytes(&c->folded);
	if (e == OK && c->count > 1 && c->count <= WHOLE_TOKENS && is_long_enough(whole, number))
		e = add_word(w, whole, number ? WORD_NUMBER : WORD_NAME, a, f);
	if (e == OK && c->folded.failed)
		e = fault_set(f, ERR_NOMEM, "no memory for identifying words", FAULT_NO_OFFSET);
	return e;
}

enum err words_add(struct words *w, struct bytes utf8, struct arena *a, struct fault *f)
{
	enum err e = OK;
	size_t from = 0;

	for (size_t at = 0; at <= utf8.len && e == OK; at++) { /* groups, components, values */
		if (at < utf8.len && strchr("^=\\", utf8.at[at]) == NULL)
			continue;
		if (at < utf8.len && utf8.at[at] == '\0')
			continue;
		e = add_text(w, bytes_slice(utf8, from, at - from), true, a, f);
		from = at + 1;
	}
	return e != OK ? e : add_text(w, utf8, false, a, f);
}

/* ---- phrases ---- */

/* Words of many institutions, departments and machines, of the body, and between words; sorted. */
/* clang-format off */
static const char *const common_words[] = {
	"abdomen", "abteilung", "and", "avenue", "bone", "brain", "breast", "cancer",
	"cardiology", "care", "center", "centre", "centrum", "chest", "children", "childrens",
	"city", "clinic", "clinical", "clinics", "clinique", "console", "county", "das", "del",
	"della", "departement", "department", "departments", "dept", "der", "des", "device",
	"diagnostic", "diagnostics", "diagnostik", "die", "east", "eye", "floor", "for",
	"foundation", "fur", "general", "group", "head", "health", "healthcare", "heart",
	"hopital", "hospital", "hospitalier", "hospitals", "imaging", "institut", "institute",
	"institution", "instituto", "kinder", "klinik", "kliniken", "klinikum", "krankenhaus",
	"linac", "liver", "lung", "lungs", "machine", "medical", "medicine", "medico", "medizin",
	"medizinische", "medizinisches", "national", "neck", "neurology", "none", "nord",
	"north", "nuclear", "nuklearmedizin", "oncologia", "oncologie", "oncology", "onkologie",
	"ost", "pediatrics", "pelvis", "phantom", "physics", "planning", "practice", "praxis",
	"private", "prostate", "public", "radiation", "radio", "radiologia", "radiological",
	"radiologie", "radiology", "radiotherapie", "radiotherapy", "raum", "regional",
	"research", "road", "room", "rue", "scanner", "service", "services", "simulator", "skin",
	"south", "spine", "spital", "state", "station", "strahlenklinik", "strahlentherapie",
	"strasse", "street", "sud", "surgery", "system", "systems", "test", "the", "therapie",
	"therapy", "thorax", "trust", "tumor", "tumour", "und", "uniklinik", "uniklinikum",
	"unit", "universita", "universitat", "universitatsklinikum", "universitatsspital",
	"universite", "university", "unknown", "via", "von", "ward", "west", "women", "womens",
	"workstation", "zentrum",
};
/* clang-format on */

static bool is_common(struct bytes token)
{
	size_t low = 0, high = sizeof(common_words) / sizeof(common_words[0]);

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int c = bytes_cmp(token, bytes_str(common_words[middle]));

		if (c == 0)
			return true;
		if (c < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return false;
}

static bool says_nothing(const struct cut *c, size_t i, bool numbers)
{
	struct bytes t = token_text(c, i);

	return t.len < WORDS_SHORTEST || is_common(t) || (c->token[i].number && !numbers);
}

/* Its tokens from the first to the last that says something; false: none does. */
static bool core_of(const struct cut *c, bool numbers, size_t *first, size_t *last)
{
	size_t from = 0, to = c->count;

	while (from < to && says_nothing(c, from, numbers))
		from++;
	while (to > from && says_nothing(c, to - 1, numbers))
		to--;
	*first = from;
	*last = to - 1;
	return from < to;
}

static enum err add_tokens(struct words *w, const struct cut *c, size_t first, size_t last,
			   struct arena *a, struct fault *f)
{
	size_t from = c->token[first].fold_from, to = c->token[last].fold_to;

	if (to - from < (first == last ? PHRASE_TOKEN : PHRASE_SHORTEST))
		return OK;
	return add_word(w, bytes_slice(buf_bytes(&c->folded), from, to - from), WORD_PHRASE, a, f);
}

static enum err add_phrase(struct words *w, struct bytes utf8, struct arena *a, struct fault *f)
{
	const struct cut *c = cut_up(utf8, VALUE_MAX);
	size_t first, last;
	enum err e = OK;

	if (c->folded.failed)
		e = fault_set(f, ERR_NOMEM, "no memory for identifying words", FAULT_NO_OFFSET);
	if (e == OK && core_of(c, true, &first, &last))
		e = add_tokens(w, c, 0, c->count - 1, a, f);
	if (e == OK && core_of(c, false, &first, &last)) /* "79106 Freiburg" */
		e = add_tokens(w, c, first, last, a, f);
	return e;
}

enum err words_add_phrase(struct words *w, struct bytes utf8, struct arena *a, struct fault *f)
{
	enum err e = OK;
	size_t from = 0;

	for (size_t at = 0; at <= utf8.len && e == OK; at++) {
		if (at < utf8.len &&
		    (utf8.at[at] == '\0' || strchr(",;\\\r\n", utf8.at[at]) == NULL))
			continue;
		e = add_phrase(w, bytes_slice(utf8, from, at - from), a, f);
		from = at + 1;
	}
	return e != OK ? e : add_phrase(w, utf8, a, f);
}

bool words_is_common(struct bytes utf8)
{
	const struct cut *c = cut_up(utf8, VALUE_MAX);
	size_t first, last;

	return !c->folded.failed &&
	       (c->folded.len < PHRASE_SHORTEST || !core_of(c, true, &first, &last));
}

void words_of_persons(struct words *out, const struct words *w)
{
	out->count = 0;
	for (unsigned i = 0; i < w->count; i++) {
		if (w->kind[i] == WORD_PHRASE)
			continue;
		out->folded[out->count] = w->folded[i];
		out->kind[out->count++] = w->kind[i];
	}
}

/* ---- finding ---- */

static bool is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

/* Between letters and digits a word may end, as in "smith2". */
static bool is_seam(const struct cut *c, size_t at)
{
	return is_digit(c->folded.at[at - 1]) != is_digit(c->folded.at[at]);
}

/* Mark the tokens that lie in [from, to) of the folded text, when that is a word here. */
static bool mark(struct cut *c, size_t from, size_t to, size_t inside)
{
	size_t first = 0;

	while (c->token[first].fold_to <= from)
		first++;
	size_t last = first;
	while (c->token[last].fold_to < to)
		last++;
	bool begins = c->token[first].fold_from == from || is_seam(c, from);
	bool ends = c->token[last].fold_to == to || is_seam(c, to);
	if (!(begins && ends) && (first != last || to - from < inside))
		return false;
	for (size_t i = first; i <= last; i++)
		c->token[i].gone = true;
	return true;
}

/* A bit of 64 for two bytes that follow each other. */
static uint64_t pair_bit(const uint8_t *p)
{
	return 1ull << ((p[0] * 33u + p[1]) & 63u);
}

/* Of all pairs in a text: most words need not be looked for then. */
static uint64_t pairs_of(struct bytes text)
{
	uint64_t pairs = 0;

	for (size_t i = 0; i + 1 < text.len; i++)
		pairs |= pair_bit(text.at + i);
	return pairs;
}

static bool mark_words(struct cut *c, const struct words *w)
{
	static const size_t insides[] = {[WORD_NAME] = WORDS_INSIDE,
					 [WORD_NUMBER] = NUMBER_INSIDE,
					 [WORD_PHRASE] = SIZE_MAX};
	struct bytes text = buf_bytes(&c->folded);
	uint64_t pairs = pairs_of(text);
	bool found = false;

	if (c->count == 0)
		return false;
	for (unsigned i = 0; i < w->count; i++) {
		struct bytes word = w->folded[i];
		size_t inside = insides[w->kind[i]];
		const uint8_t *at = text.at;

		if (word.len > text.len || (word.len > 1 && (pairs & pair_bit(word.at)) == 0))
			continue;
		while (at != NULL) {
			size_t left = text.len - (size_t)(at - text.at);

			at = memmem(at, left, word.at, word.len);
			if (at == NULL)
				break;
			size_t from = (size_t)(at - text.at);
			found |= mark(c, from, from + word.len, inside);
			at++;
		}
	}
	return found;
}

/* Names of months in English, German and French, without accents. */
static bool is_month(struct bytes t)
{
	static const char *const months[] = {
		"jan",     "january",  "januar",  "janvier",  "feb",       "february",  "februar",
		"fevrier", "mar",      "march",   "maerz",    "marz",      "mars",      "mrz",
		"apr",     "april",    "avril",   "may",      "mai",       "jun",       "june",
		"juni",    "juin",     "jul",     "july",     "juli",      "juillet",   "aug",
		"august",  "aout",     "sep",     "sept",     "september", "septembre", "oct",
		"october", "okt",      "oktober", "octobre",  "nov",       "november",  "novembre",
		"dec",     "december", "dez",     "dezember", "decembre",
	};

	for (size_t i = 0; i < sizeof(months) / sizeof(months[0]); i++)
		if (bytes_eq_str(t, months[i]))
			return true;
	return false;
}

/* "01mar1940", "mar2020": digits and the name of a month in one token. */
static bool holds_month_and_digits(struct bytes t)
{
	size_t from = 0;

	while (from < t.len && is_digit(t.at[from]))
		from++;
	size_t to = from;
	while (to < t.len && !is_digit(t.at[to]))
		to++;
	return (from > 0 || to < t.len) && is_month(bytes_slice(t, from, to - from));
}

/* A title, after which a name comes: "Dr. Smith", "Mr Smith"; but MR and DR are modalities, and ms
 * are milliseconds. */
static bool is_title(const struct cut *c, size_t i)
{
	static const char *const titles[] = {"dr", "mr", "mrs", "ms", "prof", "herr", "frau"};
	const struct span *t = &c->token[i];
	struct bytes text = bytes_slice(c->source, t->from, t->to - t->from);
	bool dotted = t->to < c->source.len && c->source.at[t->to] == '.';
	bool capital = text.len > 1 && text.at[0] >= 'A' && text.at[0] <= 'Z' &&
		       text.at[1] >= 'a' && text.at[1] <= 'z';

	for (size_t k = 0; k < sizeof(titles) / sizeof(titles[0]); k++)
		if (bytes_eq_str(token_text(c, i), titles[k]))
			return dotted || capital || k > 3;
	return false;
}

/* Between two tokens stands one character, and it is one of these. */
static bool joined_by(const struct cut *c, size_t i, const char *any)
{
	return i + 1 < c->count && c->token[i + 1].from == c->token[i].to + 1 &&
	       strchr(any, c->source.at[c->token[i].to]) != NULL;
}

/* Runs of two or more numbers joined as dates and times are: "01/03/1940", "10:15". */
static bool mark_dates(struct cut *c)
{
	bool found = false;

	for (size_t i = 0; i + 1 < c->count; i++) {
		bool three = i + 2 < c->count && c->token[i].number && c->token[i + 1].number &&
			     c->token[i + 2].number && joined_by(c, i, "/-.:") &&
			     joined_by(c, i + 1, "/-.:");
		bool clock = c->token[i].number && c->token[i + 1].number && joined_by(c, i, ":");
		bool month = (c->token[i].number && is_month(token_text(c, i + 1))) ||
			     (is_month(token_text(c, i)) && c->token[i + 1].number &&
			      c->token[i + 1].fold_to - c->token[i + 1].fold_from >= 4);

		for (size_t k = 0; k < (three ? 3u : clock || month ? 2u : 0u); k++)
			found = c->token[i + k].gone = true;
	}
	return found;
}

static bool mark_strict(struct cut *c)
{
	bool found = mark_dates(c);

	for (size_t i = 0; i < c->count; i++) {
		struct bytes t = token_text(c, i);
		bool beside = (i > 0 && c->token[i - 1].gone) ||
			      (i + 1 < c->count && c->token[i + 1].gone);

		if ((c->token[i].number && t.len >= STRICT_DIGITS) || holds_month_and_digits(t) ||
		    (t.len == 1 && !c->token[i].number && beside))
			found = c->token[i].gone = true;
		if (is_title(c, i) && i + 1 < c->count)
			found = c->token[i].gone = c->token[i + 1].gone = true;
	}
	return found;
}

bool words_found(const struct words *w, struct bytes utf8)
{
	struct cut *c = cut_up(utf8, TEXT_MAX);

	return mark_words(c, w) || c->folded.failed;
}

static void put_rest(const struct cut *c, struct buf *out)
{
	size_t last_to = 0;
	bool any = false, skipped = false;

	for (size_t i = 0; i < c->count; i++) {
		const struct span *t = &c->token[i];

		if (t->gone) {
			skipped = true;
			continue;
		}
		if (any && skipped)
			buf_char(out, ' ');
		else if (!skipped)
			buf_add(out, bytes_slice(c->source, last_to, t->from - last_to));
		buf_add(out, bytes_slice(c->source, t->from, t->to - t->from));
		last_to = t->to;
		any = true;
		skipped = false;
	}
	if (any && !skipped)
		buf_add(out, bytes_slice(c->source, last_to, c->source.len - last_to));
}

/* One look at a text: what is to go is put into *rest without it.  False: nothing is to go. */
static bool clean_once(const struct words *w, struct bytes utf8, bool strict, struct buf *rest)
{
	struct cut *c = cut_up(utf8, TEXT_MAX);
	bool found = mark_words(c, w);

	if (strict && mark_strict(c))
		found = true;
	if (c->folded.failed)
		found = true; /* nothing of it is put out */
	else if (found)
		put_rest(c, rest);
	return found;
}

bool words_clean(const struct words *w, struct bytes utf8, bool strict, struct buf *out)
{
	struct buf rest = BUF_INIT(TEXT_MAX), next = BUF_INIT(TEXT_MAX);
	unsigned rounds = 0;

	if (!clean_once(w, utf8, strict, &rest))
		return false;
	/* what stood apart may be a word now */
	while (clean_once(w, buf_bytes(&rest), strict, &next)) {
		struct buf spare = rest;

		rest = next;
		next = spare;
		buf_free(&next);
		if (++rounds == ROUNDS) /* a text like that is no loss */
			buf_free(&rest);
	}
	buf_add(out, buf_bytes(&rest));
	buf_free(&rest);
	buf_free(&next);
	return true;
}
