#include "anon/dates.h"

#include <stdio.h>
#include <string.h>

/* A date as far as it is given. */
struct date {
	int year, month, day; /* month and day are 0 where they are not given */
	size_t used;          /* bytes of text that it took */
};

static bool digits(struct bytes b, size_t at, size_t count, int *out)
{
	int value = 0;

	if (at > b.len || count > b.len - at)
		return false;
	for (size_t i = at; i < at + count; i++) {
		if (b.at[i] < '0' || b.at[i] > '9')
			return false;
		value = value * 10 + (b.at[i] - '0');
	}
	*out = value;
	return true;
}

static bool is_leap(int year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static int days_in(int year, int month)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

	return month == 2 && is_leap(year) ? 29 : days[month - 1];
}

/* YYYY, YYYYMM, YYYYMMDD, YYYY.MM.DD at the front of `b`. */
static bool parse_date(struct bytes b, struct date *d)
{
	*d = (struct date){.used = 4};
	if (!digits(b, 0, 4, &d->year) || d->year < 1)
		return false;
	if (b.len >= 10 && b.at[4] == '.' && b.at[7] == '.') {
		if (!digits(b, 5, 2, &d->month) || !digits(b, 8, 2, &d->day))
			return false;
		d->used = 10;
	} else if (digits(b, 4, 2, &d->month)) {
		d->used = 6;
		if (digits(b, 6, 2, &d->day))
			d->used = 8;
	}
	if (d->used == 4)
		return true;
	if (d->month < 1 || d->month > 12)
		return false;
	return d->used == 6 || (d->day >= 1 && d->day <= days_in(d->year, d->month));
}

/* Days since 0001-01-01 of the proleptic Gregorian calendar, and back. */
static int day_number(int year, int month, int day)
{
	int y = year - 1, n = y * 365 + y / 4 - y / 100 + y / 400;

	for (int m = 1; m < month; m++)
		n += days_in(year, m);
	return n + day - 1;
}

static bool from_day_number(int n, struct date *d)
{
	int year = 1;

	if (n < 0)
		return false;
	year += n / 146097 * 400;
	n %= 146097;
	while (n >= (is_leap(year) ? 366 : 365)) {
		n -= is_leap(year) ? 366 : 365;
		year++;
	}
	if (year > 9999)
		return false;
	d->year = year;
	d->month = 1;
	while (n >= days_in(year, d->month)) {
		n -= days_in(year, d->month);
		d->month++;
	}
	d->day = n + 1;
	return true;
}

/* As long as the source gave it: a year stays a year. */
static bool put_shifted(const struct date *d, int days, struct buf *out)
{
	struct date moved = *d;
	int n = day_number(d->year, d->month > 0 ? d->month : 1, d->day > 0 ? d->day : 1);

	if (!from_day_number(n + days, &moved))
		return false;
	buf_fmt(out, "%04d", moved.year);
	if (d->month > 0)
		buf_fmt(out, "%02d", moved.month);
	if (d->day > 0)
		buf_fmt(out, "%02d", moved.day);
	return true;
}

/* HH, HHMM, HHMMSS, HHMMSS.F to .FFFFFF, and no more. */
static bool is_time(struct bytes b)
{
	static const int most[] = {23, 59, 60};
	size_t n = 0;
	int part;

	for (; n < 6 && digits(b, n, 2, &part); n += 2)
		if (part > most[n / 2])
			return false;
	if (n == b.len)
		return n > 0;
	if (n < 6 || b.at[6] != '.')
		return false;
	return b.len > 7 && b.len <= 13 && digits(b, 7, b.len - 7, &part);
}

/* What may follow the date of a DT: a time after a day, and a zone, "+0100", after anything.  Else
 * it could be the other end of a range, and its date would stay. */
static bool is_time_tail(struct bytes b, bool after_day)
{
	size_t n = b.len < 5 ? 0 : b.len - 5;
	int hours, minutes;

	if (b.len >= 5 && (b.at[n] == '+' || b.at[n] == '-')) {
		if (!digits(b, n + 1, 2, &hours) || !digits(b, n + 3, 2, &minutes) || hours > 14 ||
		    minutes > 59)
			return false;
		b.len = n;
	}
	return b.len == 0 || (after_day && is_time(b));
}

typedef bool date_act(const struct date *d, int days, struct buf *out);

static bool put_first_day(const struct date *d, int days, struct buf *out)
{
	(void)days;
	buf_fmt(out, "%04d", d->year);
	if (d->month > 0)
		buf_fmt(out, "%02d", d->month);
	if (d->day > 0)
		buf_str(out, "01");
	return true;
}

/* One date, or the two of a range, with what follows in a DT. */
static bool one_value(struct bytes b, enum vr vr, date_act *act, int days, struct buf *out)
{
	struct date d;

	if (b.len == 0)
		return true;
	if (!parse_date(b, &d) || !act(&d, days, out))
		return false;
	struct bytes rest = bytes_slice(b, d.used, b.len - d.used);
	if (vr == VR_DT) {
		buf_add(out, rest);
		return is_time_tail(rest, d.used == 8);
	}
	if (rest.len == 0)
		return true;
	if (rest.at[0] != '-') /* a range of queries, found in objects all the same */
		return false;
	buf_char(out, '-');
	rest = bytes_slice(rest, 1, rest.len - 1);
	return rest.len == 0 || (parse_date(rest, &d) && d.used == rest.len && act(&d, days, out));
}

static bool each_value(struct bytes value, enum vr vr, date_act *act, int days, struct buf *out)
{
	struct bytes rest = bytes_trim(value);

	for (;;) {
		const uint8_t *end = rest.len > 0 ? memchr(rest.at, '\\', rest.len) : NULL;
		size_t len = end != NULL ? (size_t)(end - rest.at) : rest.len;

		if (!one_value(bytes_trim(bytes_slice(rest, 0, len)), vr, act, days, out))
			return false;
		if (end == NULL)
			return !out->failed;
		buf_char(out, '\\');
		rest = bytes_slice(rest, len + 1, rest.len - len - 1);
	}
}

bool date_shift(struct bytes value, enum vr vr, int days, struct buf *out)
{
	return each_value(value, vr, put_shifted, days, out);
}

bool date_first_day(struct bytes value, enum vr vr, struct buf *out)
{
	return each_value(value, vr, put_first_day, 0, out);
}

bool time_full_hour(struct bytes value, enum vr vr, struct buf *out)
{
	struct bytes b = bytes_trim(value);
	size_t at = vr == VR_DT ? 8 : 0;
	struct date d;
	int hour;

	if (vr == VR_DT && (!parse_date(b, &d) || d.used != at))
		return false;
	if (!digits(b, at, 2, &hour) || hour > 23)
		return false;
	buf_add(out, bytes_slice(b, 0, at + 2));
	buf_str(out, "0000");
	return true;
}

/* One time; "10:15:00" is of ACR-NEMA. */
static bool is_any_time(struct bytes b)
{
	uint8_t plain[16];
	size_t n = 0;

	if (b.len < 5 || b.len > sizeof(plain) || b.at[2] != ':')
		return is_time(b);
	for (size_t i = 0; i < b.len; i++)
		if (b.at[i] != ':' || (i != 2 && i != 5))
			plain[n++] = b.at[i];
	return is_time(bytes_of(plain, n));
}

bool time_ok(struct bytes value)
{
	size_t from = 0;

	for (size_t at = 0; at <= value.len; at++) {
		if (at < value.len && value.at[at] != '\\' && value.at[at] != '-')
			continue;
		struct bytes one = bytes_trim(bytes_slice(value, from, at - from));
		if (one.len > 0 && !is_any_time(one))
			return false;
		from = at + 1;
	}
	return true;
}

bool age_cap(struct bytes value, struct buf *out)
{
	struct bytes b = bytes_trim(value);
	int n;

	if (b.len != 4 || !digits(b, 0, 3, &n) || strchr("DWMY", b.at[3]) == NULL)
		return false;
	if (b.at[3] == 'Y' && n >= 90) /* 999M are 83 years */
		buf_str(out, "090Y");
	else
		buf_add(out, b);
	return true;
}
