/* anon/dates: a row a value; and against a calendar that counts day by day. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "anon/dates.h"
#include "support/support.h"

Suite *suite_anon_dates(void);

static const struct {
	const char *value;
	enum vr vr;
	int days;
	const char *becomes; /* NULL: no date, nothing of it may pass */
} shifts[] = {
	{"20200301", VR_DA, -1, "20200229"},
	{"20210301", VR_DA, -1, "20210228"},
	{"20000301", VR_DA, -1, "20000229"}, /* a century that is a leap year */
	{"19000301", VR_DA, -1, "19000228"}, /* one that is not */
	{"20200229", VR_DA, -366, "20190228"},
	{"20200101", VR_DA, -1, "20191231"},
	{"20201231", VR_DA, -3650, "20110103"},
	{"20200301 ", VR_DA, -1, "20200229"},
	{" 20200301", VR_DA, -1, "20200229"},
	{"", VR_DA, -1, ""},
	{"   ", VR_DA, -1, ""},
	{"2020.03.01", VR_DA, -1, "20200229"}, /* ACR-NEMA */
	{"20200301\\20200302", VR_DA, -1, "20200229\\20200301"},
	{"20200301\\\\20200302 ", VR_DA, -1, "20200229\\\\20200301"},
	{"20200301-20200401", VR_DA, -1, "20200229-20200331"},
	{"20200301-", VR_DA, -1, "20200229-"},
	{"2020", VR_DA, -1, "2019"}, /* its first day, cut again */
	{"202003", VR_DA, -1, "202002"},

	/* limits of the years */
	{"00010101", VR_DA, -1, NULL},
	{"00010102", VR_DA, -1, "00010101"},
	{"00010101", VR_DA, 1, "00010102"},
	{"99991231", VR_DA, -1, "99991230"},
	{"99991231", VR_DA, 1, NULL},
	{"00000101", VR_DA, 1, NULL},
	{"00000000", VR_DA, -1, NULL},

	/* no dates */
	{"20200230", VR_DA, -1, NULL},
	{"20210229", VR_DA, -1, NULL},
	{"19000229", VR_DA, -1, NULL},
	{"20201301", VR_DA, -1, NULL},
	{"20200001", VR_DA, -1, NULL},
	{"20200100", VR_DA, -1, NULL},
	{"2020030", VR_DA, -1, NULL},
	{"202003011", VR_DA, -1, NULL},
	{"2020-03-01", VR_DA, -1, NULL},
	{"2020.3.1", VR_DA, -1, NULL},
	{"01.03.2020", VR_DA, -1, NULL},
	{"20200301120000", VR_DA, -1, NULL},
	{"20200301 SMITH", VR_DA, -1, NULL},
	{"SMITH", VR_DA, -1, NULL},
	{"20200301\\SMITH", VR_DA, -1, NULL},
	{"20200301-SMITH", VR_DA, -1, NULL},
	{"20200301-20200401-20200501", VR_DA, -1, NULL},
	{"-20200301", VR_DA, -1, NULL},
	{"202x0301", VR_DA, -1, NULL},

	/* date and time: only the date part moves */
	{"20200301120000.000000+0100", VR_DT, -1, "20200229120000.000000+0100"},
	{"20200301120000.5-0500", VR_DT, -1, "20200229120000.5-0500"},
	{"20200301120000", VR_DT, -1, "20200229120000"},
	{"202003011200", VR_DT, -1, "202002291200"},
	{"2020030112", VR_DT, -1, "2020022912"},
	{"20200301", VR_DT, -1, "20200229"},
	{"20200301+0100", VR_DT, -1, "20200229+0100"},
	{"202003-0500", VR_DT, -1, "202002-0500"},
	{"2020-0500", VR_DT, -1, "2019-0500"},
	{"2020", VR_DT, -1, "2019"},
	{"20200301120000\\20200302", VR_DT, -1, "20200229120000\\20200301"},
	/* the other end of a range would stay */
	{"20200301-20200401", VR_DT, -1, NULL},
	{"2020.03.01-20200401", VR_DT, -1, NULL},
	{"2020.03.01", VR_DT, -1, "20200229"},
	{"2020.03.01101516", VR_DT, -1, NULL},
	{"20200301120000-20200401", VR_DT, -1, NULL},
	{"20200301-", VR_DT, -1, NULL},
	{"202003012", VR_DT, -1, NULL},
	{"2020030", VR_DT, -1, NULL},
	{"20200301120000.", VR_DT, -1, NULL},
	{"20200301120000.1234567", VR_DT, -1, NULL},
	{"202003011200001", VR_DT, -1, NULL},
	{"20200301120000+01000", VR_DT, -1, NULL},
	{"20200301120000+010", VR_DT, -1, NULL},
	{"20200301120000SMITH", VR_DT, -1, NULL},
	{"20200301-2020", VR_DT, -1, NULL}, /* no zone, but the other end of a range */
	{"202003-2021", VR_DT, -1, NULL},
	{"20200301120000-1999", VR_DT, -1, NULL},
	{"20200301+1400", VR_DT, -1, "20200229+1400"},
	{"20200301+1500", VR_DT, -1, NULL},
	{"20200301+0545", VR_DT, -1, "20200229+0545"},
	{"20200301+0560", VR_DT, -1, NULL},
	{"20200301235960", VR_DT, -1, "20200229235960"}, /* a leap second */
	{"2020030124", VR_DT, -1, NULL},
	{"202003012360", VR_DT, -1, NULL},
	{"20200301199912", VR_DT, -1, NULL},
	{"20200301120000.12345x", VR_DT, -1, NULL},
};

START_TEST(test_shift)
{
	struct buf out = BUF_INIT(1024);
	bool good = date_shift(bytes_str(shifts[_i].value), shifts[_i].vr, shifts[_i].days, &out);

	ck_assert_msg(good == (shifts[_i].becomes != NULL), "\"%s\"", shifts[_i].value);
	if (good)
		ck_assert_msg(bytes_eq_str(buf_bytes(&out), shifts[_i].becomes), "\"%s\": \"%.*s\"",
			      shifts[_i].value, (int)out.len, (const char *)out.at);
	buf_free(&out);
}
END_TEST

struct day {
	int year, month, day;
};

static void next_day(struct day *d)
{
	static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool leap = (d->year % 4 == 0 && d->year % 100 != 0) || d->year % 400 == 0;

	if (++d->day > lengths[d->month - 1] + (d->month == 2 && leap)) {
		d->day = 1;
		d->month++;
	}
	if (d->month > 12) {
		d->month = 1;
		d->year++;
	}
}

/* Every day of five centuries, moved by every distance that is tried, is where counting gets to: so
 * intervals stay what they were. */
START_TEST(test_calendar)
{
	enum { DAYS = 183000 };
	struct day *all = test_zeros(DAYS * sizeof(*all));
	static const int distances[] = {-1, -2, -28, -365, -366, -1461, -3650, -36500};
	struct day d = {1600, 1, 1};

	for (int i = 0; i < DAYS; i++) {
		all[i] = d;
		next_day(&d);
	}
	for (size_t k = 0; k < sizeof(distances) / sizeof(distances[0]); k++)
		for (int i = -distances[k]; i < DAYS; i += 37) {
			const struct day *to = &all[i + distances[k]];
			struct buf out = BUF_INIT(64);
			char from[64], want[64];

			snprintf(from, sizeof(from), "%04d%02d%02d", all[i].year, all[i].month,
				 all[i].day);
			snprintf(want, sizeof(want), "%04d%02d%02d", to->year, to->month, to->day);
			ck_assert(date_shift(bytes_str(from), VR_DA, distances[k], &out));
			ck_assert_str_eq((const char *)out.at, want);
			buf_free(&out);
		}
}
END_TEST

/* A buffer that is too small is no success. */
START_TEST(test_room)
{
	struct buf out = BUF_INIT(7);

	ck_assert(!date_shift(BYTES_LIT("20200301"), VR_DA, -1, &out));
	buf_free(&out);
}
END_TEST

static const struct {
	bool (*act)(struct bytes value, enum vr vr, struct buf *out);
	const char *value;
	enum vr vr;
	const char *becomes;
} coarse[] = {
	{date_first_day, "20200317", VR_DA, "20200301"},
	{date_first_day, "20200317\\20210431", VR_DA, NULL},
	{date_first_day, "20200317\\20210430", VR_DA, "20200301\\20210401"},
	{date_first_day, "202003", VR_DA, "202003"},
	{date_first_day, "2020", VR_DA, "2020"},
	{date_first_day, "", VR_DA, ""},
	{date_first_day, "2020.03.17", VR_DA, "20200301"},
	{date_first_day, "20200317123456.7+0100", VR_DT, "20200301123456.7+0100"},
	{date_first_day, "17.03.2020", VR_DA, NULL},
	{date_first_day, "00000317", VR_DA, NULL},
	{time_full_hour, "123456.789", VR_TM, "120000"},
	{time_full_hour, "1234", VR_TM, "120000"},
	{time_full_hour, "12", VR_TM, "120000"},
	{time_full_hour, " 123456 ", VR_TM, "120000"},
	{time_full_hour, "12:34:56", VR_TM, "120000"},
	{time_full_hour, "235959", VR_TM, "230000"},
	{time_full_hour, "245959", VR_TM, NULL},
	{time_full_hour, "1", VR_TM, NULL},
	{time_full_hour, "SMITH", VR_TM, NULL},
	{time_full_hour, "20200317123456.7", VR_DT, "20200317120000"},
	{time_full_hour, "20200317", VR_DT, NULL},
	{time_full_hour, "2020.03.17", VR_DT, NULL},
};

START_TEST(test_coarse)
{
	struct buf out = BUF_INIT(1024);
	bool good = coarse[_i].act(bytes_str(coarse[_i].value), coarse[_i].vr, &out);

	ck_assert_msg(good == (coarse[_i].becomes != NULL), "\"%s\"", coarse[_i].value);
	if (good)
		ck_assert_msg(bytes_eq_str(buf_bytes(&out), coarse[_i].becomes), "\"%s\": \"%.*s\"",
			      coarse[_i].value, (int)out.len, (const char *)out.at);
	buf_free(&out);
}
END_TEST

static const struct {
	const char *value;
	bool good;
} times[] = {
	{"", true},
	{"10", true},
	{"1015", true},
	{"101516", true},
	{"101516.123456 ", true},
	{"235960", true},
	{"10:15", true},
	{"10:15:16", true},
	{"10:15:16.5", true},
	{"1015-1130", true},
	{"1015\\\\101516", true},
	{"1", false},
	{"101", false},
	{"24", false},
	{"1060", false},
	{"101561", false},
	{"101516.", false},
	{"101516.1234567", false},
	{"1015.5", false},
	{"20200301", false},
	{"20200301101516", false},
	{"2020.03.01", false},
	{"101516+0100", false},
	{"10:15:16:20200301", false},
	{"1015\\20200301", false},
	{"1015-20200301", false},
	{"SMITH", false},
};

START_TEST(test_times)
{
	ck_assert_msg(time_ok(bytes_str(times[_i].value)) == times[_i].good, "\"%s\"",
		      times[_i].value);
}
END_TEST

static const struct {
	const char *value, *becomes;
} ages[] = {
	{"089Y", "089Y"}, {"090Y", "090Y"}, {"091Y", "090Y"},  {"120Y", "090Y"}, {"003W", "003W"},
	{"999M", "999M"}, {"999D", "999D"}, {"045Y ", "045Y"}, {"45Y", NULL},    {"0091Y", NULL},
	{"091", NULL},    {"09xY", NULL},   {"091y", NULL},    {"", NULL},       {"045\\", NULL},
};

START_TEST(test_age)
{
	struct buf out = BUF_INIT(64);
	bool good = age_cap(bytes_str(ages[_i].value), &out);

	ck_assert_msg(good == (ages[_i].becomes != NULL), "\"%s\"", ages[_i].value);
	if (good)
		ck_assert_str_eq((const char *)out.at, ages[_i].becomes);
	buf_free(&out);
}
END_TEST

#define ROWS(table) ((int)(sizeof(table) / sizeof((table)[0])))

Suite *suite_anon_dates(void)
{
	Suite *s = suite_create("anon_dates");
	TCase *t = tcase_create("dates");

	tcase_set_timeout(t, 300);
	tcase_add_loop_test(t, test_shift, 0, ROWS(shifts));
	tcase_add_test(t, test_calendar);
	tcase_add_test(t, test_room);
	tcase_add_loop_test(t, test_coarse, 0, ROWS(coarse));
	tcase_add_loop_test(t, test_times, 0, ROWS(times));
	tcase_add_loop_test(t, test_age, 0, ROWS(ages));
	suite_add_tcase(s, t);
	return s;
}
