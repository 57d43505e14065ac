#include "base/name.h"

#include "base/utf8.h"

#define NOT_UTF8 0x110000u /* plus the byte: beyond all characters */

struct folded {
	uint32_t at[NAME_CHARS_MAX];
	unsigned count;
};

/* The small letter of a capital, in the alphabets that ROI names are written in.  (Locales differ
 * from machine to machine; this must not.) */
static uint32_t fold(uint32_t c)
{
	if (c < 0x80)
		return c >= 'A' && c <= 'Z' ? c + 0x20 : c;
	if ((c >= 0xC0 && c <= 0xDE && c != 0xD7) || (c >= 0x391 && c <= 0x3AB) ||
	    (c >= 0x410 && c <= 0x42F))
		return c + 0x20;
	if (c >= 0x400 && c <= 0x40F)
		return c + 0x50;
	if (c == 0x178) /* Y with diaeresis */
		return 0xFF;
	/* pairs: capital even ... */
	if ((c >= 0x100 && c <= 0x137 && c != 0x130 && c != 0x131) || (c >= 0x14A && c <= 0x177) ||
	    (c >= 0x460 && c <= 0x481) || (c >= 0x1E00 && c <= 0x1E95) ||
	    (c >= 0x1EA0 && c <= 0x1EFF))
		return c | 1;
	/* ... or odd */
	if ((c >= 0x139 && c <= 0x148) || (c >= 0x179 && c <= 0x17E))
		return c + (c & 1);
	return c;
}

static void fold_all(struct bytes s, struct folded *out)
{
	out->count = 0;
	while (s.len > 0 && out->count < NAME_CHARS_MAX) {
		uint32_t c = NOT_UTF8 + s.at[0];
		unsigned n = utf8_next(s, &c);

		n = n == 0 ? 1 : n;
		out->at[out->count++] = fold(c);
		s = bytes_slice(s, n, s.len - n);
	}
}

bool name_contains(struct bytes name, struct bytes needle)
{
	struct folded hay, want;

	fold_all(name, &hay);
	fold_all(needle, &want);
	if (want.count == 0)
		return false;
	for (unsigned i = 0; i + want.count <= hay.count; i++) {
		unsigned k = 0;

		while (k < want.count && hay.at[i + k] == want.at[k])
			k++;
		if (k == want.count)
			return true;
	}
	return false;
}

/* From the character after '[' to the index after ']'; 0 when there is none.  A ']' that comes
 * first is one of the set. */
static unsigned set_end(const struct folded *p, unsigned i)
{
	if (i < p->count && p->at[i] == '!')
		i++;
	for (unsigned k = i; k < p->count; k++)
		if (p->at[k] == ']' && k > i)
			return k + 1;
	return 0;
}

/* [from, end) is the inside of the brackets, with the closing one. */
static bool in_set(const struct folded *p, unsigned from, unsigned end, uint32_t c)
{
	bool negated = p->at[from] == '!', found = false;

	end--;
	for (unsigned i = from + negated; i < end; i++) {
		uint32_t low = p->at[i], high = low;

		if (i + 2 < end && p->at[i + 1] == '-') {
			high = p->at[i + 2];
			i += 2;
		}
		found = found || (low <= c && c <= high);
	}
	return found != negated;
}

/* One character against one element of the pattern, which is no '*'.  *next: the element after. */
static bool one_matches(const struct folded *p, unsigned i, uint32_t c, unsigned *next)
{
	unsigned end = p->at[i] == '[' ? set_end(p, i + 1) : 0;

	*next = i + 1;
	if (end > 0) {
		*next = end;
		return in_set(p, i + 1, end, c);
	}
	if (p->at[i] == '\\' && i + 1 < p->count) {
		*next = i + 2;
		return p->at[i + 1] == c;
	}
	return p->at[i] == '?' || p->at[i] == c;
}

/* The first letters tell already, for most pairs of a name and a vocabulary. */
static bool begin_apart(struct bytes name, struct bytes pattern)
{
	uint8_t first = pattern.len > 0 ? pattern.at[0] : '*';

	if (name.len == 0 || first >= 0x80 || name.at[0] >= 0x80 || first == '*' || first == '?' ||
	    first == '[' || first == '\\')
		return false;
	return fold(first) != fold(name.at[0]);
}

bool name_matches(struct bytes name, struct bytes pattern)
{
	struct folded s, p;
	unsigned at = 0, i = 0; /* in the name, in the pattern */
	bool starred = false;
	unsigned star_at = 0, star_i = 0; /* where to try again: the last star takes one more */

	if (begin_apart(name, pattern))
		return false;
	fold_all(name, &s);
	fold_all(pattern, &p);
	while (at < s.count) {
		unsigned next;

		if (i < p.count && p.at[i] == '*') {
			starred = true;
			star_at = at;
			star_i = ++i;
		} else if (i < p.count && one_matches(&p, i, s.at[at], &next)) {
			at++;
			i = next;
		} else if (starred) {
			at = ++star_at;
			i = star_i;
		} else {
			return false;
		}
	}
	while (i < p.count && p.at[i] == '*')
		i++;
	return i == p.count;
}
