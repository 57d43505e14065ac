/*
 * The phantom: the same bytes everywhere, shapes of the area they claim, and an output
 * folder that appears whole or not at all.
 */
#include <check.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/sha256.h"
#include "dicom/part10.h"
#include "phantom/ct.h"
#include "phantom/phantom.h"
#include "phantom/shapes.h"
#include "support/support.h"

static const struct phantom_options tiny = {.slices = 20,
					    .thickness_mm = 3,
					    .rois = 16,
					    .matrix = 64,
					    .points_min = 40,
					    .points_max = 90,
					    .seed = 1};

START_TEST(turns_are_right)
{
	static const double parts[] = {0,     .125, .25,  1. / 3, .5,       .75,
				       .9999, 1,    1.25, -.1,    27. / 360};
	double c, s;
	double angle = parts[_i] * 2 * 3.14159265358979323846;

	turn(parts[_i], &c, &s);
	ck_assert_double_eq_tol(c, cos(angle), 1e-12);
	ck_assert_double_eq_tol(s, sin(angle), 1e-12);
}
END_TEST

/* Spans summed over fine lines must give pi a b, whatever egg and bend do. */
START_TEST(egg_has_its_area)
{
	static const double forms[][2] = {{0, 0}, {.2, 0}, {-.2, 5}, {.12, -6}, {0, 10}};
	struct shape s = {.kind = SHAPE_EGG,
			  .cx = 3,
			  .cy = -4,
			  .a = 30,
			  .b = 20,
			  .c = 10,
			  .egg = forms[_i][0],
			  .bend = forms[_i][1]};
	double area = 0, step = .01, x0, x1;

	for (double y = -40 + step / 2; y < 40; y += step)
		if (shape_span(&s, 1, y, 0, &x0, &x1))
			area += (x1 - x0) * step;
	ck_assert_double_eq_tol(area, 3.14159265358979 * 30 * 20, .5);
}
END_TEST

START_TEST(cube_has_its_area)
{
	struct shape s = {.kind = SHAPE_CUBE, .cx = 1, .cy = 2, .a = 20, .b = 20, .c = 20};
	double area = 0, step = .01, x0, x1;

	for (double y = -40 + step / 2; y < 40; y += step)
		if (shape_span(&s, 1, y, 0, &x0, &x1))
			area += (x1 - x0) * step;
	ck_assert_double_eq_tol(area, 40 * 40, .5);
}
END_TEST

START_TEST(presets_are_known)
{
	struct phantom_options o;

	ck_assert(phantom_preset("small", &o) && o.slices == 60);
	ck_assert(phantom_preset("standard", &o) && o.slices == 200 && o.rois == 30);
	ck_assert(phantom_preset("large", &o) && o.slices == 600 && o.rois == 60);
	ck_assert(!phantom_preset("Small", &o));
}
END_TEST

static void hex_digest(const char *dir, const char *name, char out[static 65])
{
	char path[600];
	struct file_map m;
	struct sha256 s;
	uint8_t digest[SHA256_LEN];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	ck_assert_int_eq(file_map(&m, AT_FDCWD, path, NULL), OK);
	sha256_init(&s);
	sha256_add(&s, m.bytes);
	sha256_end(&s, digest);
	file_unmap(&m);
	for (int i = 0; i < SHA256_LEN; i++)
		snprintf(out + 2 * (size_t)i, 3, "%02x", digest[i]);
}

/* The golden digests are what makes a difference between machines or compilers visible. */
START_TEST(same_bytes_everywhere)
{
	static const struct {
		const char *file, *digest;
	} golden[] = {
		{"ct/CT0001.dcm",
		 "482a36406e6219ca6b44a9c38d57ef7c96369192c76963813f0b56596e79a904"},
		{"ct/CT0013.dcm",
		 "7dd5be18fb3feb43fe9af38b5d064e8a23f536ddc70351fbbf513aba87f3c3d4"},
		{"rs/RS.dcm", "97fd731d626911f77a4fed9ea87287b397c97753a41e4739a9090889aba1fd9a"},
	};
	char dir[512], digest[65];
	struct phantom_summary summary;
	struct fault f = {0};
	char *tmp = test_tmpdir();

	snprintf(dir, sizeof(dir), "%s/out", tmp);
	ck_assert_int_eq(phantom_write(dir, &tiny, &summary, &f), OK);
	ck_assert_uint_eq(summary.rois, 16);
	for (size_t i = 0; i < sizeof(golden) / sizeof(golden[0]); i++) {
		hex_digest(dir, golden[i].file, digest);
		ck_assert_msg(strcmp(digest, golden[i].digest) == 0, "%s is now %s", golden[i].file,
			      digest);
	}
	test_tmpdir_remove(tmp);
}
END_TEST

START_TEST(seed_changes_uids_and_pixels)
{
	struct phantom_options other = tiny;
	struct phantom_uids a = phantom_uids_make(&tiny), b;
	static int16_t one[64 * 64], two[64 * 64];
	static struct shape shapes[SHAPES_MAX];
	size_t count = shapes_make(shapes, &tiny);

	other.seed = 2;
	b = phantom_uids_make(&other);
	ck_assert(!uid_eq(&a.study, &b.study));
	ck_assert(!uid_eq(&a.frame, &b.frame));
	ct_paint(one, &tiny, shapes, count, 3);
	ct_paint(two, &other, shapes, count, 3);
	ck_assert(memcmp(one, two, sizeof(one)) != 0);
}
END_TEST

START_TEST(a_folder_with_something_in_it_is_refused)
{
	char dir[512], file[600];
	struct phantom_summary summary;
	struct fault f = {0};
	char *tmp = test_tmpdir();

	snprintf(dir, sizeof(dir), "%s/out", tmp);
	ck_assert_int_eq(mkdir(dir, 0777), 0);
	snprintf(file, sizeof(file), "%s/mine", dir);
	int fd = open(file, O_CREAT | O_WRONLY, 0666);
	ck_assert_int_ge(fd, 0);
	close(fd);
	ck_assert_int_eq(phantom_write(dir, &tiny, &summary, &f), ERR_IO);
	ck_assert_int_eq(access(file, F_OK), 0);
	unlink(file);
	ck_assert_int_eq(phantom_write(dir, &tiny, &summary, &f), OK); /* empty: fine */
	test_tmpdir_remove(tmp);
}
END_TEST

START_TEST(it_reads_back)
{
	char dir[512], path[600];
	struct phantom_summary summary;
	struct part10 p;
	struct dset d;
	struct arena a;
	struct fault f = {0};
	uint16_t rows;
	char *tmp = test_tmpdir();

	snprintf(dir, sizeof(dir), "%s/out", tmp);
	ck_assert_int_eq(phantom_write(dir, &tiny, &summary, &f), OK);
	snprintf(path, sizeof(path), "%s/ct/CT0020.dcm", dir);
	ck_assert_int_eq(part10_open(&p, AT_FDCWD, path, &f), OK);
	ck_assert_int_eq(arena_open(&a, 1 << 20, &f), OK);
	ck_assert_int_eq(dset_index(&d, p.data, p.syntax, 0, &a, &f), OK);
	ck_assert_uint_eq(d.notes, 0);
	ck_assert(dset_u16(&d, NULL, TAG_Rows, 0, &rows) && rows == 64);
	ck_assert(bytes_eq_str(dset_text(&d, NULL, TAG_PatientID), "NETRT-PHANTOM"));
	ck_assert_uint_eq(dset_value(&d, dset_find(&d, NULL, TAG_PixelData)).len, 64 * 64 * 2);
	arena_close(&a);
	part10_close(&p);
	test_tmpdir_remove(tmp);
}
END_TEST

Suite *suite_phantom(void);
Suite *suite_phantom(void)
{
	Suite *suite = suite_create("phantom");
	TCase *t = tcase_create("phantom");

	tcase_set_timeout(t, 120);
	tcase_add_loop_test(t, turns_are_right, 0, 11);
	tcase_add_loop_test(t, egg_has_its_area, 0, 5);
	tcase_add_test(t, cube_has_its_area);
	tcase_add_test(t, presets_are_known);
	tcase_add_test(t, same_bytes_everywhere);
	tcase_add_test(t, seed_changes_uids_and_pixels);
	tcase_add_test(t, a_folder_with_something_in_it_is_refused);
	tcase_add_test(t, it_reads_back);
	suite_add_tcase(suite, t);
	return suite;
}
