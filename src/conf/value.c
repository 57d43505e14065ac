#include "conf/value.h"

#include <arpa/inet.h>
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/pyformat.h"
#include "base/uid.h"
#include "base/utf8.h"
#include "conf/yaml11.h"

void conf_why_say(struct conf_why *why, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(why->text, sizeof(why->text), fmt, args);
	va_end(args);
}

const char *conf_quote(struct bytes s)
{
	static char ring[4][200];
	static unsigned turn;
	char *out = ring[turn++ % 4];
	size_t n = 0;
	uint32_t code;

	while (n < s.len && n < 40) {
		unsigned step = utf8_next(bytes_slice(s, n, s.len - n), &code);

		n += step == 0 ? 1 : step;
	}
	snprintf(out, sizeof(ring[0]), "\"%s%s\"", log_quote(bytes_slice(s, 0, n)),
		 n < s.len ? "..." : "");
	return out;
}

static enum conf_set wrong(struct conf_why *why, const char *fmt, ...) PRINTF_LIKE(2, 3);

static enum conf_set wrong(struct conf_why *why, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(why->text, sizeof(why->text), fmt, args);
	va_end(args);
	return CONF_SET_WRONG;
}

static void put(void *into, const struct conf_key *k, const void *value, size_t size)
{
	memcpy((uint8_t *)into + k->at, value, size);
}

static void put_int(void *into, const struct conf_key *k, int value)
{
	put(into, k, &value, sizeof(value));
}

/* What a scalar is, in words that follow "not". */
static const char *in_words(enum yaml11 type)
{
	switch (type) {
	case YAML11_NULL:
		return "nothing";
	case YAML11_BOOL:
		return "true or false";
	case YAML11_INT:
	case YAML11_ODD:
	case YAML11_FLOAT:
		return "a number";
	case YAML11_DATE:
		return "a date";
	case YAML11_MERGE:
		return "a merge key";
	case YAML11_TEXT:
		break;
	}
	return "text";
}

static enum yaml11 type_of(struct conf_scalar s)
{
	return s.plain ? yaml11_of(s.text) : YAML11_TEXT;
}

/* It is text, but would be the right thing if it were not in quotes. */
static bool only_quotes_wrong(struct conf_scalar s, bool (*right)(enum yaml11))
{
	return !s.plain && right(yaml11_of(s.text));
}

static bool is_bool(enum yaml11 type)
{
	return type == YAML11_BOOL;
}

static bool is_number(enum yaml11 type)
{
	return type == YAML11_INT || type == YAML11_FLOAT;
}

static enum conf_set set_bool(void *into, const struct conf_key *k, struct conf_scalar s,
			      struct conf_why *why)
{
	if (only_quotes_wrong(s, is_bool))
		return wrong(why, "%s in quotes is text; write it without the quotes",
			     conf_quote(s.text));
	if (!is_bool(type_of(s)))
		return wrong(why, "%s is neither true nor false", conf_quote(s.text));

	bool value = yaml11_true(s.text);
	put(into, k, &value, sizeof(value));
	return CONF_SET_OK;
}

#define MILLI_HUGE 1000000000000000

/*
 * [-+] digits [. digits] in thousandths, saturated; false when it is not that, or finer than
 * thousandths.
 */
static bool parse_milli(struct bytes s, long long *out)
{
	bool minus = s.len > 0 && s.at[0] == '-';
	size_t i = s.len > 0 && (minus || s.at[0] == '+') ? 1 : 0;
	int places = -1; /* digits after the point; -1: no point yet */
	long long v = 0;

	for (; i < s.len; i++) {
		if (s.at[i] == '.' && places < 0) {
			places = 0;
			continue;
		}
		if (s.at[i] < '0' || s.at[i] > '9' || (places >= 3 && s.at[i] != '0'))
			return false;
		if (places >= 3)
			continue;
		places += places >= 0;
		v = v < MILLI_HUGE ? v * 10 + (s.at[i] - '0') : v;
	}
	for (places = places < 0 ? 0 : places; places < 3; places++)
		v = v < MILLI_HUGE ? v * 10 : v;
	*out = minus ? -v : v;
	return true;
}

static enum conf_set set_number(void *into, const struct conf_key *k, struct conf_scalar s,
				struct conf_why *why)
{
	const char *what = k->kind == CONF_INT ? "a whole number" : "a number";
	enum yaml11 type = type_of(s);
	long long v;

	if (only_quotes_wrong(s, is_number))
		return wrong(why, "%s in quotes is text; write it without the quotes",
			     conf_quote(s.text));
	if (type == YAML11_ODD)
		return wrong(why, "%s is a number, but not a plain decimal one",
			     conf_quote(s.text));
	if (type != YAML11_INT && (type != YAML11_FLOAT || k->kind == CONF_INT))
		return wrong(why, "%s is not %s", conf_quote(s.text), what);
	if (!parse_milli(s.text, &v))
		return wrong(why, "%s is not a plain decimal number with at most 3 decimals",
			     conf_quote(s.text));

	long long unit = k->kind == CONF_INT ? 1000 : 1;
	if (v < k->min * unit || v > k->max * unit) {
		struct buf range = BUF_INIT(100);

		conf_table_range(k, &range);
		conf_why_say(why, "%s is outside %s%s%s", conf_quote(s.text),
			     range.at == NULL ? "the range" : (const char *)range.at,
			     k->unit == NULL ? "" : " ", k->unit == NULL ? "" : k->unit);
		buf_free(&range);
		return CONF_SET_WRONG;
	}
	put_int(into, k, (int)(v / unit));
	return CONF_SET_OK;
}

static bool same_nocase(struct bytes a, const char *word)
{
	return a.len == strlen(word) && bytes_has_nocase(a, bytes_str(word));
}

static enum conf_set set_word(void *into, const struct conf_key *k, struct conf_scalar s,
			      struct conf_why *why)
{
	/* "off" is false to YAML, and may be a word here all the same */
	if (type_of(s) == YAML11_TEXT || is_bool(type_of(s)))
		for (const struct conf_word *w = k->words; w->word != NULL; w++)
			if (same_nocase(s.text, w->word)) {
				put_int(into, k, w->value);
				return CONF_SET_OK;
			}

	struct buf words = BUF_INIT(200);
	conf_table_range(k, &words);
	conf_why_say(why, "%s is not %s", conf_quote(s.text),
		     words.at == NULL ? "a known word" : (const char *)words.at);
	buf_free(&words);
	return CONF_SET_WRONG;
}

static bool is_alnum(uint8_t c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static bool is_hex4(struct bytes s)
{
	for (size_t i = 0; i < s.len; i++)
		if (!is_alnum(s.at[i]) || (s.at[i] & 0xDFu) > 'F')
			return false;
	return s.len == 4;
}

/* "PatientID", "0010,0020", "(0010,0020)". */
static bool is_tag(struct bytes s)
{
	if (s.len == 11 && s.at[0] == '(' && s.at[10] == ')')
		s = bytes_slice(s, 1, 9);
	if (s.len == 9 && s.at[4] == ',')
		return is_hex4(bytes_slice(s, 0, 4)) && is_hex4(bytes_slice(s, 5, 4));
	if (s.len == 0 || (s.at[0] >= '0' && s.at[0] <= '9'))
		return false;
	for (size_t i = 0; i < s.len; i++)
		if (!is_alnum(s.at[i]))
			return false;
	return true;
}

/* "60xx,3000", "(60xx,3000)", "50xx": hexadecimal digits, or x for any. */
static bool is_masked(struct bytes s)
{
	if (s.len == 11 && s.at[0] == '(' && s.at[10] == ')')
		s = bytes_slice(s, 1, 9);
	if (s.len != 4 && !(s.len == 9 && s.at[4] == ','))
		return false;
	for (size_t i = 0; i < s.len; i++)
		if (i != 4 &&
		    (!is_alnum(s.at[i]) || ((s.at[i] & 0xDFu) > 'F' && (s.at[i] & 0xDFu) != 'X')))
			return false;
	return true;
}

static struct bytes without_spaces_around(struct bytes s)
{
	while (s.len > 0 && s.at[0] == ' ')
		s = bytes_slice(s, 1, s.len - 1);
	while (s.len > 0 && s.at[s.len - 1] == ' ')
		s = bytes_slice(s, 0, s.len - 1);
	return s;
}

/* An attribute, a group of them, or a path, outermost first: "A>B>C". */
static bool is_where(struct bytes s)
{
	for (;;) {
		const uint8_t *end = s.len > 0 ? memchr(s.at, '>', s.len) : NULL;
		size_t len = end != NULL ? (size_t)(end - s.at) : s.len;
		struct bytes one = without_spaces_around(bytes_slice(s, 0, len));

		if (!is_tag(one) && !is_masked(one))
			return false;
		if (end == NULL)
			return true;
		s = bytes_slice(s, len + 1, s.len - len - 1);
	}
}

/* Python's str.format with one argument: "{}" once, "{{" and "}}" for braces. */
static bool is_template(struct bytes s)
{
	unsigned places = 0;

	for (size_t i = 0; i < s.len; i++) {
		if (s.at[i] != '{' && s.at[i] != '}')
			continue;
		if (i + 1 == s.len)
			return false;
		if (s.at[i] == '{' && s.at[i + 1] == '}')
			places++;
		else if (s.at[i + 1] != s.at[i])
			return false;
		i++;
	}
	return places <= 1;
}

static bool has_any(struct bytes s, const char *set)
{
	for (size_t i = 0; i < s.len; i++)
		if (strchr(set, s.at[i]) != NULL)
			return true;
	return false;
}

static bool only_host_characters(struct bytes s)
{
	for (size_t i = 0; i < s.len; i++)
		if (!is_alnum(s.at[i]) && strchr(".-_:%", s.at[i]) == NULL)
			return false;
	return true;
}

static bool only_ascii(struct bytes s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.at[i] > 0x7E)
			return false;
	return true;
}

/* An address of either kind, and bits of it after a slash. */
static bool is_network(struct bytes s)
{
	uint8_t address[16];
	char text[64], *slash;
	unsigned bits = 0;

	if (s.len >= sizeof(text))
		return false;
	bytes_to_str(s, text, sizeof(text));
	slash = strchr(text, '/');
	if (slash != NULL) {
		size_t digits = strspn(slash + 1, "0123456789");

		if (digits == 0 || digits > 3 || slash[1 + digits] != '\0')
			return false;
		bits = (unsigned)strtoul(slash + 1, NULL, 10);
		*slash = '\0';
	}
	return (inet_pton(AF_INET, text, address) == 1 && bits <= 32) ||
	       (inet_pton(AF_INET6, text, address) == 1 && bits <= 128);
}

static bool is_label(struct bytes s)
{
	for (size_t i = 0; i < s.len; i++)
		if (!is_alnum(s.at[i]) && strchr("._-", s.at[i]) == NULL)
			return false;
	return s.at[0] != '.';
}

static bool is_status(struct bytes s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.at[i] != 'x' && s.at[i] != 'X' && !is_alnum(s.at[i]))
			return false;
		else if ((s.at[i] & 0xDFu) > 'F' && (s.at[i] & 0xDFu) != 'X')
			return false;
	return s.len == 4;
}

/* A format that Python's logging takes; it has no NUL and is short. */
static const char *log_format_fault(struct bytes s)
{
	char text[4097];

	if (s.len >= sizeof(text))
		return "is too long";
	bytes_to_str(s, text, sizeof(text));
	return pyformat_fault(text);
}

/* What is wrong with the characters of a text, or NULL. Control characters are out already. */
static const char *form_fault(enum conf_form form, struct bytes s)
{
	switch (form) {
	case CONF_FREE:
	case CONF_LINES:
	case CONF_SECRET:
		return NULL;
	case CONF_AE:
		if (!only_ascii(s))
			return "an AE title holds ASCII characters only";
		return has_any(s, "\\") ? "an AE title holds no backslash" : NULL;
	case CONF_PN:
	case CONF_LO:
		return has_any(s, "\\") ? "DICOM allows no backslash here" : NULL;
	case CONF_ID:
		return has_any(s, "\\^=") ? "must not hold \\ ^ or =" : NULL;
	case CONF_TEMPLATE:
		if (has_any(s, "\\"))
			return "DICOM allows no backslash here";
		return is_template(s) ? NULL : "may hold {} once, and braces only as {{ and }}";
	case CONF_HOST:
		return only_host_characters(s) ? NULL : "is no address and no host name";
	case CONF_PATH:
		return s.at[0] == '~' && s.len > 1 && s.at[1] != '/'
			       ? "~ is known only as ~/; write the other home directory out"
			       : NULL;
	case CONF_NAME:
		return has_any(s, "/") || bytes_eq_str(s, ".") || bytes_eq_str(s, "..")
			       ? "must be one name, not a path"
			       : NULL;
	case CONF_TAG:
		return is_tag(s) ? NULL : "is neither a DICOM keyword nor gggg,eeee";
	case CONF_WHERE:
		return is_where(s) ? NULL
				   : "is neither a DICOM keyword, gggg,eeee nor a path of them, as "
				     "in A>B";
	case CONF_UID:
		return uid_ok(s) ? NULL : "is no UID";
	case CONF_NETWORK:
		return is_network(s) ? NULL
				     : "is neither an address nor a network, as 10.1.0.0/16 is one";
	case CONF_LABEL:
		return is_label(s) ? NULL
				   : "may hold A-Z a-z 0-9 . _ and -, and not begin with a dot";
	case CONF_STATUS:
		return is_status(s) ? NULL : "is no status, as C000 or A9xx is one";
	case CONF_FORMAT:
		return log_format_fault(s);
	}
	return NULL;
}

/* Characters in s, or SIZE_MAX when one of them is a control character. */
static size_t count_characters(struct bytes s, bool line_feeds)
{
	size_t count = 0;
	uint32_t code;

	while (s.len > 0) {
		unsigned n = utf8_next(s, &code);

		if (n == 0 || (code < 0x20 && !(line_feeds && code == '\n')) ||
		    (code >= 0x7F && code <= 0x9F))
			return SIZE_MAX;
		s = bytes_slice(s, n, s.len - n);
		count++;
	}
	return count;
}

static enum conf_set check_text(const struct conf_key *k, struct bytes s, struct conf_why *why)
{
	const char *quoted = k->form == CONF_SECRET ? "the key" : conf_quote(s);
	bool blank_counts = k->form == CONF_FREE || k->form == CONF_LINES || k->form == CONF_FORMAT;
	size_t count = count_characters(s, k->form == CONF_LINES);

	if (count == SIZE_MAX)
		return wrong(why, "%s holds a control character", quoted);
	if (k->min > 0 && (count == 0 || (!blank_counts && without_spaces_around(s).len == 0)))
		return wrong(why, "must not be empty");
	if (count < (size_t)k->min)
		return wrong(why, "has %zu characters, and needs at least %d", count, k->min);
	if (count > (size_t)k->max)
		return wrong(why, "%s has %zu characters, and may have %d", quoted, count, k->max);

	const char *fault = s.len == 0 ? NULL : form_fault(k->form, s);
	if (fault != NULL)
		return wrong(why, "%s: %s", quoted, fault);
	return CONF_SET_OK;
}

/* HOME as something a path can begin with, or NULL. */
static const char *home(void)
{
	const char *h = getenv("HOME");

	return h != NULL && h[0] == '/' && strlen(h) < 4096 && utf8_valid(bytes_str(h)) ? h : NULL;
}

/* "~/x" is HOME/x. */
static enum conf_set expand(const char **out, struct bytes s, struct arena *a, struct conf_why *why)
{
	const char *h = home();

	if (h == NULL)
		return wrong(why, "%s: HOME is not set to a path, so ~ has no meaning",
			     conf_quote(s));

	size_t n = strlen(h);
	while (n > 0 && h[n - 1] == '/')
		n--;
	size_t size = n + s.len + 1; /* HOME, s without ~, a NUL, and a byte for a bare "/" */
	char *p = arena_alloc(a, size, 1);
	if (p == NULL)
		return CONF_SET_NOMEM;
	snprintf(p, size, "%.*s%.*s", (int)n, h, (int)s.len - 1, (const char *)s.at + 1);
	if (p[0] == '\0')
		p[0] = '/';
	*out = p;
	return CONF_SET_OK;
}

enum conf_set conf_value_text(const char **out, const struct conf_key *k, struct conf_scalar s,
			      struct arena *a, struct conf_why *why)
{
	enum yaml11 type = type_of(s);
	struct bytes text = s.text;

	if (k->form == CONF_AE)
		text = without_spaces_around(text);
	if (type != YAML11_TEXT && k->form == CONF_SECRET)
		return wrong(why, "is %s, not text; put it in quotes", in_words(type));
	if (type == YAML11_NULL)
		return wrong(why, "has no value");
	if (type != YAML11_TEXT)
		return wrong(why, "%s without quotes is %s in YAML; put it in quotes",
			     conf_quote(s.text), in_words(type));

	enum conf_set e = check_text(k, text, why);
	if (e != CONF_SET_OK)
		return e;
	if (k->form == CONF_PATH && text.at[0] == '~')
		return expand(out, text, a, why);

	const char *copy = arena_strdup(a, text);
	if (copy == NULL)
		return CONF_SET_NOMEM;
	*out = copy;
	return CONF_SET_OK;
}

enum conf_set conf_value_set(void *into, const struct conf_key *k, struct conf_scalar s,
			     struct arena *a, struct conf_why *why)
{
	const char *text = NULL;

	assert(k->kind != CONF_LIST && k->kind != CONF_MAPS && k->kind != CONF_PAIRS);
	if (type_of(s) == YAML11_NULL) {
		if (!k->nullable)
			return CONF_SET_EMPTY;
		if (k->kind == CONF_WORD)
			put_int(into, k, 0);
		else
			put(into, k, &text, sizeof(text));
		return CONF_SET_OK;
	}
	switch (k->kind) {
	case CONF_BOOL:
		return set_bool(into, k, s, why);
	case CONF_INT:
	case CONF_MILLI:
		return set_number(into, k, s, why);
	case CONF_WORD:
		return set_word(into, k, s, why);
	case CONF_TEXT:
	case CONF_LIST:
	case CONF_MAPS:
	case CONF_PAIRS:
		break;
	}

	enum conf_set e = conf_value_text(&text, k, s, a, why);
	if (e == CONF_SET_OK)
		put(into, k, &text, sizeof(text));
	return e;
}

void conf_value_set_list(void *into, const struct conf_key *k, struct conf_list list)
{
	assert(k->kind == CONF_LIST);
	put(into, k, &list, sizeof(list));
}

void conf_value_set_maps(void *into, const struct conf_key *k, struct conf_maps maps)
{
	assert(k->kind == CONF_MAPS);
	put(into, k, &maps, sizeof(maps));
}

void conf_value_set_pairs(void *into, const struct conf_key *k, struct conf_pairs pairs)
{
	assert(k->kind == CONF_PAIRS);
	put(into, k, &pairs, sizeof(pairs));
}

enum conf_set conf_value_default(void *into, const struct conf_key *k, struct arena *a)
{
	const char *text = k->fallback;
	struct conf_why why = {.text = ""};

	if (k->kind == CONF_MAPS || k->kind == CONF_PAIRS ||
	    (text == NULL && (k->required || k->kind == CONF_WORD)))
		return CONF_SET_OK; /* zero is an empty list, and nothing */
	if (k->kind == CONF_LIST) {
		conf_value_set_list(into, k, *k->fallback_list);
		return CONF_SET_OK;
	}
	if (k->kind == CONF_TEXT && (text == NULL || text[0] != '~')) {
		put(into, k, &text, sizeof(text)); /* a literal, needs no copy */
		return CONF_SET_OK;
	}

	bool plain = k->kind != CONF_TEXT && k->kind != CONF_WORD;
	struct conf_scalar s = {bytes_str(text), plain};
	enum conf_set e = conf_value_set(into, k, s, a, &why);
	if (e == CONF_SET_WRONG) { /* only a path, for want of HOME */
		assert(k->form == CONF_PATH);
		text = "";
		put(into, k, &text, sizeof(text));
		e = CONF_SET_OK;
	}
	return e;
}

/* ---- comparing ------------------------------------------------------------------------------- */

static bool same_text(const char *p, const char *q)
{
	return p == NULL || q == NULL ? p == q : strcmp(p, q) == 0;
}

static bool same_list(struct conf_list p, struct conf_list q)
{
	if (p.count != q.count)
		return false;
	for (size_t i = 0; i < p.count; i++)
		if (!same_text(p.item[i], q.item[i]))
			return false;
	return true;
}

static bool same_pairs(const uint8_t *p, const uint8_t *q)
{
	struct conf_pairs pairs[2];

	memcpy(&pairs[0], p, sizeof(pairs[0]));
	memcpy(&pairs[1], q, sizeof(pairs[1]));
	if (pairs[0].count != pairs[1].count)
		return false;
	for (size_t i = 0; i < pairs[0].count; i++)
		if (strcmp(pairs[0].item[i].key, pairs[1].item[i].key) != 0 ||
		    strcmp(pairs[0].item[i].value, pairs[1].item[i].value) != 0)
			return false;
	return true;
}

/* A row of any kind but CONF_MAPS. */
static bool same_value(const uint8_t *p, const uint8_t *q, const struct conf_key *k)
{
	const char *text[2];
	struct conf_list list[2];

	switch (k->kind) {
	case CONF_BOOL:
		return memcmp(p, q, sizeof(bool)) == 0;
	case CONF_INT:
	case CONF_MILLI:
	case CONF_WORD:
		return memcmp(p, q, sizeof(int)) == 0;
	case CONF_TEXT:
		memcpy(&text[0], p, sizeof(text[0]));
		memcpy(&text[1], q, sizeof(text[1]));
		return same_text(text[0], text[1]);
	case CONF_LIST:
		memcpy(&list[0], p, sizeof(list[0]));
		memcpy(&list[1], q, sizeof(list[1]));
		return same_list(list[0], list[1]);
	case CONF_PAIRS:
		return same_pairs(p, q);
	case CONF_MAPS:
		break;
	}
	return false;
}

static bool same_maps(struct conf_maps p, struct conf_maps q, const struct conf_section *s)
{
	if (p.count != q.count)
		return false;
	for (size_t i = 0; i < p.count; i++)
		for (size_t j = 0; j < s->count; j++) {
			size_t at = i * s->size + s->key[j].at;

			if (!same_value((const uint8_t *)p.item + at, (const uint8_t *)q.item + at,
					&s->key[j]))
				return false;
		}
	return true;
}

bool conf_value_same(const void *p, const void *q, const struct conf_key *k)
{
	struct conf_maps maps[2];

	if (k->kind != CONF_MAPS)
		return same_value((const uint8_t *)p + k->at, (const uint8_t *)q + k->at, k);
	memcpy(&maps[0], (const uint8_t *)p + k->at, sizeof(maps[0]));
	memcpy(&maps[1], (const uint8_t *)q + k->at, sizeof(maps[1]));
	return same_maps(maps[0], maps[1], k->maps);
}
