/*
 * The tests that the suites of JPEG Lossless and JPEG-LS share.  A suite includes this once, after
 * its own `codec`, `in_color`, `forms`, `edits` and `color_edits` (jpeg_check.h).
 */
#ifndef TESTS_JPEG_TESTS_H
#define TESTS_JPEG_TESTS_H

#include <check.h>

#include "support/jpeg_check.h"

START_TEST(test_back)
{
	jpeg_check_back(&codec, &forms[_i]);
}
END_TEST

START_TEST(test_cut_short)
{
	jpeg_check_cut_short(&codec);
}
END_TEST

START_TEST(test_changed)
{
	jpeg_check_changed(&codec);
}
END_TEST

START_TEST(test_other_frame)
{
	jpeg_check_other_frame(&codec);
}
END_TEST

START_TEST(test_scan_twice)
{
	jpeg_check_scan_twice(&in_color);
}
END_TEST

START_TEST(test_edit)
{
	jpeg_check_edit(&codec, &edits[_i]);
}
END_TEST

START_TEST(test_color_edit)
{
	jpeg_check_edit(&in_color, &color_edits[_i]);
}
END_TEST

static void add_jpeg_tests(TCase *t)
{
	tcase_add_loop_test(t, test_back, 0, sizeof(forms) / sizeof(forms[0]));
	tcase_add_test(t, test_cut_short);
	tcase_add_test(t, test_changed);
	tcase_add_test(t, test_other_frame);
	tcase_add_test(t, test_scan_twice);
	tcase_add_loop_test(t, test_edit, 0, sizeof(edits) / sizeof(edits[0]));
	tcase_add_loop_test(t, test_color_edit, 0, sizeof(color_edits) / sizeof(color_edits[0]));
}

#endif
