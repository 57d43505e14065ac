/*
 * Python logging's %-formats.  The expected texts are what CPython 3.11 prints.
 */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "base/pyformat.h"

Suite *suite_pyformat(void);

static struct pyformat_values values_of_record(void)
{
	return (struct pyformat_values){
		.asctime = BYTES_LIT("2025-11-23 18:44:46,123"),
		.levelname = BYTES_LIT("INFO"),
		.name = BYTES_LIT("netrt_core.dicom_listener"),
		.message = BYTES_LIT("hallo W\xC3\xB6rld"),
		.func_name = BYTES_LIT("event"),
		.levelno = 20,
		.process = 4711,
		.created_us = 1700000000123456,
		.relative_us = 1500500,
	};
}

static const struct {
	const char *format, *becomes;
} good[] = {
	{"", ""},
	{"plain", "plain"},
	{"100%%", "100%"},
	{"%%%%", "%%"},
	{"%%(message)s", "%(message)s"},
	{"%(asctime)s [%(levelname)s] %(name)s: %(message)s",
	 "2025-11-23 18:44:46,123 [INFO] netrt_core.dicom_listener: hallo W\xC3\xB6rld"},
	{"[%(levelname)-8s]", "[INFO    ]"},
	{"[%(levelname)8s]", "[    INFO]"},
	{"%(levelname)2s|", "INFO|"},
	{"%(message).5s|", "hallo|"},
	{"%(message).0s|", "|"},
	{"%(message).s|", "|"},
	{"%(message)-14.8s|", "hallo W\xC3\xB6      |"},
	{"%(message)12s|", " hallo W\xC3\xB6rld|"},
	{"%(message)-0 5s|", "hallo W\xC3\xB6rld|"},
	{"%(levelname)05s|", " INFO|"},
	{"%(process)d", "4711"},
	{"%(process)8d|", "    4711|"},
	{"%(process)-8d|", "4711    |"},
	{"%(process)08d", "00004711"},
	{"%(process)-08d|", "4711    |"},
	{"%(process)+08d|", "+0004711|"},
	{"%(process)+d", "+4711"},
	{"%(process) d", " 4711"},
	{"%(process)s", "4711"},
	{"%(process).3f", "4711.000"},
	{"%(levelno)s %(levelno)03d", "20 020"},
	{"%(created)f", "1700000000.123456"},
	{"%(created).3f", "1700000000.123"},
	{"%(created)d", "1700000000"},
	{"%(created)s", "1700000000.123456"},
	{"%(msecs)03d", "123"},
	{"%(msecs)s", "123.0"},
	{"%(relativeCreated)s", "1500.5"},
	{"%(relativeCreated)d", "1500"},
	{"%(module)s %(funcName)s %(lineno)d", "dicom_listener event 0"},
	{"%(threadName)s %(processName)s %(taskName)s", "MainThread MainProcess None"},
};

static const struct {
	const char *format, *fault;
} bad[] = {
	{"%", "must be followed"},
	{"100 % %(message)s", "must be followed"},
	{"%s", "must be followed"},
	{"%%%", "must be followed"},
	{"%(message", "without its )"},
	{"%()s", "do not have"},
	{"%(Message)s", "do not have"},
	{"%(asctime )s", "do not have"},
	{"%(message)", "does not end in s, d or f"},
	{"%(message)-8", "does not end in s, d or f"},
	{"%(message)r", "does not end in s, d or f"},
	{"%(message)%", "does not end in s, d or f"},
	{"%(process)n", "does not end in s, d or f"},
	{"%(process)*d", "does not end in s, d or f"},
	{"%(message)d", "is text"},
	{"%(levelname)f", "is text"},
	{"%(message)257s", "above 256"},
	{"%(message)99999999999999999999s", "above 256"},
	{"%(process).257f", "above 256"},
	{"%(message)s %(nope)s", "do not have"},
};

START_TEST(test_good)
{
	const struct pyformat_values values = values_of_record();
	struct buf b = BUF_INIT(4096);

	ck_assert_msg(pyformat_fault(good[_i].format) == NULL, "%s: %s", good[_i].format,
		      pyformat_fault(good[_i].format));
	buf_str(&b, "");
	pyformat_render(good[_i].format, &values, &b);
	ck_assert_str_eq((const char *)b.at, good[_i].becomes);
	buf_free(&b);
}
END_TEST

START_TEST(test_bad)
{
	const char *fault = pyformat_fault(bad[_i].format);

	ck_assert_msg(fault != NULL && strstr(fault, bad[_i].fault) != NULL, "%s: %s",
		      bad[_i].format, fault == NULL ? "fine" : fault);
}
END_TEST

/* 256 is the widest; the message may be empty. */
START_TEST(test_limits)
{
	const struct pyformat_values values = values_of_record();
	struct pyformat_values none = values;
	struct buf b = BUF_INIT(4096);

	none.message = BYTES_NONE;
	ck_assert_ptr_null(pyformat_fault("%(message)256s"));
	pyformat_render("%(message)256s", &none, &b);
	ck_assert_uint_eq(b.len, 256);
	buf_free(&b);
	ck_assert_ptr_null(pyformat_fault("%(created)256.256f"));
	pyformat_render("%(created)256.256f", &values, &b);
	ck_assert_uint_eq(b.len, 10 + 1 + 256);
	buf_free(&b);
	pyformat_render("a%(message)sb", &none, &b);
	ck_assert_str_eq((const char *)b.at, "ab");
	buf_free(&b);
}
END_TEST

/* Any text either has a fault or is rendered, whole, however it is cut. */
START_TEST(test_cut)
{
	static const char whole[] = "%% %(levelname)-8s %(process)+08.3f %(message).5s%%";
	char cut[sizeof(whole)];

	for (size_t n = 0; n < sizeof(whole); n++) {
		const struct pyformat_values values = values_of_record();
		struct buf b = BUF_INIT(4096);

		snprintf(cut, sizeof(cut), "%.*s", (int)n, whole);
		if (pyformat_fault(cut) == NULL)
			pyformat_render(cut, &values, &b);
		ck_assert(!b.failed);
		buf_free(&b);
	}
}
END_TEST

#define ROWS(table) ((int)(sizeof(table) / sizeof((table)[0])))

Suite *suite_pyformat(void)
{
	Suite *s = suite_create("pyformat");
	TCase *t = tcase_create("pyformat");

	tcase_add_loop_test(t, test_good, 0, ROWS(good));
	tcase_add_loop_test(t, test_bad, 0, ROWS(bad));
	tcase_add_test(t, test_limits);
	tcase_add_test(t, test_cut);
	suite_add_tcase(s, t);
	return s;
}
