#include "base/pyformat.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"

#define WIDTH_MAX 256u /* a log line is shorter than a few of these */

struct place {
	struct bytes name; /* empty: "%%" */
	bool left, zero;
	char sign; /* '+', ' ' or 0 */
	unsigned width;
	bool has_precision;
	unsigned precision;
	char type;
};

/* Is `name` one of the fields, and a number? */
static bool is_field(struct bytes name, bool *number)
{
	static const char *const texts[] = {"asctime",     "levelname", "name",     "message",
					    "module",      "filename",  "pathname", "threadName",
					    "processName", "funcName",  "taskName"};
	static const char *const numbers[] = {"levelno", "process", "thread",         "created",
					      "msecs",   "lineno",  "relativeCreated"};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (bytes_eq_str(name, texts[i])) {
			*number = false;
			return true;
		}
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		if (bytes_eq_str(name, numbers[i])) {
			*number = true;
			return true;
		}
	return false;
}

/* Digits at the front of *p, which is moved behind them; WIDTH_MAX + 1 for any number above. */
static unsigned take_number(const char **p)
{
	unsigned n = 0;

	for (; **p >= '0' && **p <= '9'; (*p)++)
		n = n > WIDTH_MAX ? n : n * 10 + (unsigned)(**p - '0');
	return n > WIDTH_MAX ? WIDTH_MAX + 1 : n;
}

/* What stands at *p, which is a '%'; *p is moved behind it.  Why it is nothing, or NULL. */
static const char *take_place(const char **p, struct place *out)
{
	const char *q = *p + 1, *end;
	bool number = false;

	*out = (struct place){.type = '%'};
	if (*q == '%') {
		*p = q + 1;
		return NULL;
	}
	if (*q != '(')
		return "% must be followed by (name) or another %";
	end = strchr(q, ')');
	if (end == NULL)
		return "a ( without its )";
	out->name = bytes_of(q + 1, (size_t)(end - q - 1));
	if (!is_field(out->name, &number))
		return "names a field that log records do not have";
	for (q = end + 1; *q != '\0' && strchr("-0+ ", *q) != NULL; q++) {
		out->left |= *q == '-';
		out->zero |= *q == '0';
		if (*q == '+' || (*q == ' ' && out->sign == 0))
			out->sign = *q;
	}
	out->width = take_number(&q);
	if (*q == '.') {
		q++;
		out->has_precision = true;
		out->precision = take_number(&q);
	}
	if (out->width > WIDTH_MAX || out->precision > WIDTH_MAX)
		return "has a width or precision above 256";
	if (*q == '\0' || strchr("sdf", *q) == NULL)
		return "has a field that does not end in s, d or f";
	if (*q != 's' && !number)
		return "has d or f after a field that is text";
	out->type = *q;
	*p = q + 1;
	return NULL;
}

const char *pyformat_fault(const char *format)
{
	struct place place;

	for (const char *p = format + strcspn(format, "%"); *p != '\0'; p += strcspn(p, "%")) {
		const char *fault = take_place(&p, &place);

		if (fault != NULL)
			return fault;
	}
	return NULL;
}

static double number_of(struct bytes name, const struct pyformat_values *v)
{
	if (bytes_eq_str(name, "levelno"))
		return v->levelno;
	if (bytes_eq_str(name, "process") || bytes_eq_str(name, "thread"))
		return (double)v->process;
	if (bytes_eq_str(name, "created"))
		return (double)v->created_us / 1e6;
	if (bytes_eq_str(name, "msecs"))
		return (double)(v->created_us / 1000 % 1000);
	if (bytes_eq_str(name, "relativeCreated"))
		return (double)v->relative_us / 1e3;
	return 0; /* lineno */
}

/* "netrt_core.dicom_listener" is in the module dicom_listener. */
static struct bytes module_of(struct bytes name)
{
	for (size_t i = name.len; i > 0; i--)
		if (name.at[i - 1] == '.')
			return bytes_slice(name, i, name.len - i);
	return name;
}

static struct bytes text_of(struct bytes name, const struct pyformat_values *v)
{
	if (bytes_eq_str(name, "asctime"))
		return v->asctime;
	if (bytes_eq_str(name, "levelname"))
		return v->levelname;
	if (bytes_eq_str(name, "name"))
		return v->name;
	if (bytes_eq_str(name, "message"))
		return v->message;
	if (bytes_eq_str(name, "funcName"))
		return v->func_name;
	if (bytes_eq_str(name, "threadName"))
		return BYTES_LIT("MainThread");
	if (bytes_eq_str(name, "processName"))
		return BYTES_LIT("MainProcess");
	if (bytes_eq_str(name, "taskName"))
		return BYTES_LIT("None");
	return module_of(v->name); /* module, filename, pathname */
}

/* `s` cut to the precision and filled up to the width, in characters. */
static void put_text(const struct place *p, struct bytes s, struct buf *out)
{
	size_t len = 0;
	unsigned count = 0;
	uint32_t code;

	while (len < s.len && (!p->has_precision || count < p->precision)) {
		unsigned n = utf8_next(bytes_slice(s, len, s.len - len), &code);

		len += n == 0 ? 1 : n;
		count++;
	}
	int fill = p->width > count ? (int)(p->width - count) : 0;
	if (!p->left)
		buf_fmt(out, "%*s", fill, "");
	buf_add(out, bytes_slice(s, 0, len));
	if (p->left)
		buf_fmt(out, "%*s", fill, "");
}

static void put_number(const struct place *p, double value, struct buf *out)
{
	char digits[WIDTH_MAX + 400]; /* the longest double has 309 digits before its point */
	int precision = p->type == 'd' ? 0 : p->has_precision ? (int)p->precision : 6;

	if (p->type == 'd') /* as Python: towards zero */
		value = (double)(long long)value;
	snprintf(digits, sizeof(digits), "%.*f", precision, value);
	size_t len = strlen(digits) + (p->sign != 0);
	int fill = p->width > len ? (int)(p->width - len) : 0;

	if (!p->left && !p->zero)
		buf_fmt(out, "%*s", fill, "");
	if (p->sign != 0)
		buf_char(out, p->sign);
	for (int i = 0; p->zero && !p->left && i < fill; i++)
		buf_char(out, '0');
	buf_str(out, digits);
	if (p->left)
		buf_fmt(out, "%*s", fill, "");
}

/* Python's str() of the number. */
static void put_number_text(const struct place *p, double value, struct buf *out)
{
	bool whole = bytes_eq_str(p->name, "levelno") || bytes_eq_str(p->name, "process") ||
		     bytes_eq_str(p->name, "thread") || bytes_eq_str(p->name, "lineno");
	char text[400];

	snprintf(text, sizeof(text), "%.*f", whole ? 0 : 6, value);
	size_t len = strlen(text);
	while (!whole && text[len - 1] == '0' && text[len - 2] != '.')
		len--;
	put_text(p, bytes_of(text, len), out);
}

void pyformat_render(const char *format, const struct pyformat_values *v, struct buf *out)
{
	for (const char *p = format; *p != '\0';) {
		size_t plain = strcspn(p, "%");
		struct place place;
		bool number = false;

		buf_add(out, bytes_of(p, plain));
		p += plain;
		if (*p == '\0')
			break;
		const char *fault = take_place(&p, &place);
		assert(fault == NULL);
		if (place.type == '%')
			buf_char(out, '%');
		else if (!is_field(place.name, &number) || !number)
			put_text(&place, text_of(place.name, v), out);
		else if (place.type == 's')
			put_number_text(&place, number_of(place.name, v), out);
		else
			put_number(&place, number_of(place.name, v), out);
	}
}
