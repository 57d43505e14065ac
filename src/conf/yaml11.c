#include "conf/yaml11.h"

#include <string.h>

static bool one_of(struct bytes s, const char *const *words)
{
	for (; *words != NULL; words++)
		if (bytes_eq_str(s, *words))
			return true;
	return false;
}

static const char *const truths[] = {
	"true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON", NULL,
};

static const char *const falsehoods[] = {
	"false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF", NULL,
};

static const char *const nulls[] = {"", "~", "null", "Null", "NULL", NULL};

static const char *const not_finite[] = {
	".inf",  ".Inf",  ".INF", "+.inf", "+.Inf", "+.INF", "-.inf",
	"-.Inf", "-.INF", ".nan", ".NaN",  ".NAN",  NULL,
};

/* A reader of character classes: each takes what it can and says how much that was. */
static size_t take_any(struct bytes *s, const char *set)
{
	size_t n = 0;

	while (n < s->len && s->at[n] != '\0' && strchr(set, s->at[n]) != NULL)
		n++;
	*s = bytes_slice(*s, n, s->len - n);
	return n;
}

static bool take_one(struct bytes *s, const char *set)
{
	if (s->len == 0 || s->at[0] == '\0' || strchr(set, s->at[0]) == NULL)
		return false;
	*s = bytes_slice(*s, 1, s->len - 1);
	return true;
}

#define DIGITS "0123456789"

/* (:[0-5]?[0-9])+ and how many of them. */
static unsigned take_sixties(struct bytes *s)
{
	unsigned n = 0;

	while (s->len >= 2 && s->at[0] == ':') {
		struct bytes rest = bytes_slice(*s, 1, s->len - 1);
		bool tens = rest.len >= 2 && rest.at[0] <= '5' && rest.at[1] >= '0' &&
			    rest.at[1] <= '9';

		if (!take_one(&rest, DIGITS))
			break;
		if (tens)
			take_one(&rest, DIGITS);
		*s = rest;
		n++;
	}
	return n;
}

static bool is_int(struct bytes s)
{
	if (s.len == 0 || s.at[0] < '1' || s.at[0] > '9')
		return bytes_eq_str(s, "0");
	take_any(&s, DIGITS);
	return s.len == 0;
}

/* The integers that are not written the way people count. */
static bool is_odd_int(struct bytes s)
{
	struct bytes t = s;

	if (take_one(&t, "0")) {
		if (take_one(&t, "b"))
			return take_any(&t, "01_") > 0 && t.len == 0;
		if (take_one(&t, "x"))
			return take_any(&t, DIGITS "abcdefABCDEF_") > 0 && t.len == 0;
		return take_any(&t, "01234567_") > 0 && t.len == 0;
	}
	if (!take_one(&t, "123456789"))
		return false;
	take_any(&t, DIGITS "_");
	take_sixties(&t);
	return t.len == 0;
}

/* [eE][-+][0-9]+, or nothing: PyYAML insists on the exponent's sign. */
static bool is_exponent_or_end(struct bytes s)
{
	if (s.len == 0)
		return true;
	return take_one(&s, "eE") && take_one(&s, "+-") && take_any(&s, DIGITS) > 0 && s.len == 0;
}

static bool is_float(struct bytes s, bool is_signed)
{
	if (!is_signed && take_one(&s, "."))
		return take_one(&s, DIGITS) && (take_any(&s, DIGITS "_"), is_exponent_or_end(s));
	if (!take_one(&s, DIGITS))
		return false;
	take_any(&s, DIGITS "_");

	bool sixties = take_sixties(&s) > 0;
	if (!take_one(&s, "."))
		return false;
	take_any(&s, DIGITS "_");
	return sixties ? s.len == 0 : is_exponent_or_end(s);
}

/* Between least and most digits, and then what `mark` says. */
static bool take_field(struct bytes *s, size_t least, size_t most, const char *mark)
{
	size_t n = take_any(s, DIGITS);

	return n >= least && n <= most && (*mark == '\0' || take_one(s, mark));
}

/* A zone: nothing, Z, or +hh[:mm], after blanks. */
static bool is_zone(struct bytes s)
{
	size_t blanks = take_any(&s, " \t");

	if (s.len == 0)
		return blanks == 0;
	if (take_one(&s, "Z"))
		return s.len == 0;
	if (!take_one(&s, "+-") || !take_field(&s, 1, 2, ""))
		return false;
	return s.len == 0 || (take_one(&s, ":") && take_field(&s, 2, 2, "") && s.len == 0);
}

static bool is_date(struct bytes s)
{
	struct bytes t = s;

	if (take_field(&t, 4, 4, "-") && take_field(&t, 2, 2, "-") && take_field(&t, 2, 2, "") &&
	    t.len == 0)
		return true;
	if (!take_field(&s, 4, 4, "-") || !take_field(&s, 1, 2, "-") || !take_field(&s, 1, 2, ""))
		return false;
	if (!take_one(&s, "Tt") && take_any(&s, " \t") == 0)
		return false;
	if (!take_field(&s, 1, 2, ":") || !take_field(&s, 2, 2, ":") || !take_field(&s, 2, 2, ""))
		return false;
	if (take_one(&s, "."))
		take_any(&s, DIGITS);
	return is_zone(s);
}

enum yaml11 yaml11_of(struct bytes plain)
{
	struct bytes unsigned_part = plain;
	bool is_signed = take_one(&unsigned_part, "+-");

	if (one_of(plain, nulls))
		return YAML11_NULL;
	if (one_of(plain, truths) || one_of(plain, falsehoods))
		return YAML11_BOOL;
	if (is_int(unsigned_part))
		return YAML11_INT;
	if (is_odd_int(unsigned_part))
		return YAML11_ODD;
	if (is_float(unsigned_part, is_signed) || one_of(plain, not_finite))
		return YAML11_FLOAT;
	if (is_date(plain))
		return YAML11_DATE;
	return bytes_eq_str(plain, "<<") ? YAML11_MERGE : YAML11_TEXT;
}

bool yaml11_true(struct bytes plain)
{
	return one_of(plain, truths);
}
