/*
 * What the input folder may hold, and what is made of it.
 */
#include "study/scan.h"
#include "study/tree.h"
#include "support/study_files.h"
#include "support/support.h"

static char *dir;
static struct scan s;
static unsigned fds_before;

static void set_up(void)
{
	fds_before = test_open_fds();
	dir = test_tmpdir();
	ck_assert_int_eq(scan_open(&s, NULL), OK);
}

static void tear_down(void)
{
	scan_close(&s);
	test_tmpdir_remove(dir);
	ck_assert_uint_eq(test_open_fds(), fds_before);
}

static void scan_dir(void)
{
	struct fault f = {0};
	const char *const paths[] = {dir};

	ck_assert_msg(scan_run(&s, paths, 1, -1, &f) == OK, "%s", f.text);
}

static void image(const char *name, const char *sop, const char *study)
{
	write_object(dir, name,
		     &(struct object){.sop_class = CT_CLASS,
				      .sop = sop,
				      .study = study,
				      .series = "1.2.3.30",
				      .rows = true});
}

static void set(const char *name, const char *sop, const char *date, const char *time)
{
	write_object(dir, name,
		     &(struct object){.sop_class = SET_CLASS,
				      .sop = sop,
				      .study = "1.2.3",
				      .series = "1.2.3.60",
				      .date = date,
				      .time = time});
}

START_TEST(nothing_is_nothing)
{
	scan_dir();
	ck_assert_uint_eq(s.study_count, 0);
	ck_assert_uint_eq(scan_dicom_count(&s), 0);
	ck_assert_uint_eq(s.counts.files, 0);
}
END_TEST

/* Each row: one file of some content, and which count it is. */
static const struct {
	const char *name, *content;
	size_t len;
	uint32_t not_dicom, bad;
} contents[] = {
	{"empty", "", 0, 1, 0},
	{"one byte", "D", 1, 1, 0},
	{"text", "This is a text file about nothing in particular.\n", 49, 1, 0},
	{"DICM too early", "DICM", 4, 1, 0},
	{"zeros", "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 32, 1, 0},
	{"JSON", "{\"a\": [1, 2, 3], \"b\": {\"c\": \"d\"}, \"e\": null, \"f\": 1.5}", 54, 1, 0},
};

START_TEST(what_is_no_dicom)
{
	write_file(dir, "file", contents[_i].content, contents[_i].len);
	scan_dir();
	ck_assert_msg(s.counts.not_dicom == contents[_i].not_dicom &&
			      s.counts.bad == contents[_i].bad && s.study_count == 0,
		      "%s: %u not DICOM, %u bad", contents[_i].name, s.counts.not_dicom,
		      s.counts.bad);
}
END_TEST

/* Each row: one object, and what it counts as. */
static const struct {
	const char *name;
	struct object object;
	uint32_t images, sets, others, dicomdirs, bad, derived;
} objects[] = {
	{"an image",
	 {.sop_class = CT_CLASS, .sop = "1.1", .study = "1.2", .series = "1.3", .rows = true},
	 .images = 1},
	{"a structure set",
	 {.sop_class = SET_CLASS, .sop = "1.1", .study = "1.2", .series = "1.3"},
	 .sets = 1},
	{"a dose grid",
	 {.sop_class = DOSE_CLASS, .sop = "1.1", .study = "1.2", .series = "1.3", .rows = true},
	 .others = 1},
	{"a plan",
	 {.sop_class = PLAN_CLASS, .sop = "1.1", .study = "1.2", .series = "1.3"},
	 .others = 1},
	{"an object of no class", {.sop = "1.1", .study = "1.2", .series = "1.3"}, .others = 1},
	{"a structure set whose class its head alone tells",
	 {.sop = "1.1", .study = "1.2", .series = "1.3", .meta_class = SET_CLASS},
	 .sets = 1},
	{"a DICOMDIR", {.sop_class = DIRECTORY_CLASS}, .dicomdirs = 1},
	{"an image of no study", {.sop_class = CT_CLASS, .sop = "1.1", .rows = true}, .bad = 1},
	{"a study UID that is a path",
	 {.sop_class = CT_CLASS, .sop = "1.1", .study = "../../etc", .series = "1.3", .rows = true},
	 .bad = 1},
	{"an image UID that is a path",
	 {.sop_class = CT_CLASS, .sop = "../x", .study = "1.2", .series = "1.3", .rows = true},
	 .bad = 1},
	{"a set UID that is a path",
	 {.sop_class = SET_CLASS, .sop = "../x", .study = "1.2", .series = "1.3"},
	 .bad = 1},
	{"an overlay image of netrt's",
	 {.sop_class = CT_CLASS,
	  .sop = "1.1",
	  .study = "1.2",
	  .series = "1.3",
	  .rows = true,
	  .marked = true,
	  .image_type = "DERIVED\\SECONDARY"},
	 .derived = 1},
	/* received by netrt, or de-identified: a head of netrt's */
	{"a derived image of somebody else's",
	 {.sop_class = CT_CLASS,
	  .sop = "1.1",
	  .study = "1.2",
	  .series = "1.3",
	  .rows = true,
	  .image_type = "DERIVED\\SECONDARY"},
	 .images = 1},
	{"a structure set of netrt's",
	 {.sop_class = SET_CLASS, .sop = "1.1", .study = "1.2", .series = "1.3", .marked = true},
	 .derived = 1},
};

START_TEST(which_kind_it_is)
{
	const struct scan_counts *c = &s.counts;

	write_object(dir, "x", &objects[_i].object);
	scan_dir();
	ck_assert_msg(c->images == objects[_i].images && c->sets == objects[_i].sets &&
			      c->others == objects[_i].others &&
			      c->dicomdirs == objects[_i].dicomdirs && c->bad == objects[_i].bad &&
			      c->derived == objects[_i].derived && c->not_dicom == 0,
		      "%s: %u images, %u sets, %u others, %u directories, %u bad, %u derived, %u "
		      "not DICOM",
		      objects[_i].name, c->images, c->sets, c->others, c->dicomdirs, c->bad,
		      c->derived, c->not_dicom);
}
END_TEST

/* Without a head nothing but the data set tells what it is; what only begins like one is none. */
START_TEST(a_bare_data_set)
{
	const struct object o = {
		.sop = "1.1", .study = "1.2", .series = "1.3", .modality = "RTSTRUCT"};
	struct build b;

	build_init(&b, &syntax_explicit_le, 65536);
	object_elements(&b, &o);
	write_file(dir, "set", (const char *)b.out.at, b.out.len);
	write_file(dir, "short", (const char *)b.out.at, b.out.len - 1);
	build_free(&b);
	scan_dir();
	ck_assert_uint_eq(s.counts.sets, 1);
	ck_assert_uint_eq(s.counts.others, 0);
	ck_assert_uint_eq(s.counts.not_dicom, 1);
	ck_assert_uint_eq(s.counts.bad, 0);
}
END_TEST

START_TEST(every_prefix_is_survived)
{
	char *content = malloc(65536);
	FILE *file;

	ck_assert_ptr_nonnull(content);
	image("whole", "1.1", "1.2");
	file = fopen(in(dir, "whole"), "r");
	ck_assert_ptr_nonnull(file);
	size_t len = fread(content, 1, 65536, file);
	fclose(file);
	unlink(in(dir, "whole"));
	for (size_t n = 0; n < len; n++) {
		char name[32];

		snprintf(name, sizeof(name), "cut%zu", n);
		write_file(dir, name, content, n);
	}
	free(content);
	scan_dir();
	ck_assert_uint_eq(s.counts.files, len);
	ck_assert_uint_eq(s.counts.not_dicom + s.counts.bad + s.counts.images + s.counts.others +
				  s.counts.duplicates,
			  len);
	ck_assert_uint_gt(s.counts.bad, 0);
}
END_TEST

START_TEST(grouped_by_study)
{
	image("1", "1.1", "1.9");
	image("2", "1.2", "1.2");
	image("3", "1.3", "1.9");
	set("4", "1.4", NULL, NULL);
	scan_dir();
	ck_assert_uint_eq(s.study_count, 3);

	const struct scan_study *t = s.studies;
	ck_assert_str_eq(t->uid.text, "1.9");
	ck_assert_uint_eq(t->image_count, 2);
	ck_assert_str_eq(t->images[1].sop_instance.text, "1.3");
	ck_assert_str_eq(t->image_paths[t->images[1].source], in(dir, "3"));
	t = t->next;
	ck_assert_str_eq(t->uid.text, "1.2");
	t = t->next;
	ck_assert_str_eq(t->uid.text, "1.2.3");
	ck_assert_uint_eq(t->set_count, 1);
	ck_assert_ptr_null(t->next);
}
END_TEST

START_TEST(sets_by_date_then_uid)
{
	set("1", "1.5", "20240102", "080000");
	set("2", "1.4", "20240102", "070000");
	set("3", "1.3", "20230102", "120000");
	set("4", "1.2", NULL, NULL);
	set("5", "1.6", "20240102", "070000");
	scan_dir();

	static const char *const want[] = {"1.2", "1.3", "1.4", "1.6", "1.5"};
	ck_assert_uint_eq(s.studies->set_count, 5);
	for (int i = 0; i < 5; i++)
		ck_assert_str_eq(s.studies->sets[i].sop_instance.text, want[i]);
}
END_TEST

START_TEST(same_object_twice_counts_once)
{
	image("a", "1.1", "1.2.3");
	image("b", "1.2", "1.2.3");
	image("c", "1.1", "1.2.3");
	set("d", "1.4", NULL, NULL);
	set("e", "1.4", NULL, NULL);
	image("f", "1.5", "1.2.3");
	scan_dir();
	ck_assert_uint_eq(s.studies->image_count, 3);
	ck_assert_uint_eq(s.studies->set_count, 1);
	ck_assert_uint_eq(s.studies->duplicates, 2);
	ck_assert_uint_eq(s.problem_count, 0);
	ck_assert_str_eq(s.studies->image_paths[0], in(dir, "a"));
	ck_assert_str_eq(s.studies->image_paths[2], in(dir, "f"));
	for (uint32_t i = 0; i < 3; i++)
		ck_assert_uint_eq(s.studies->images[i].source, i);
	ck_assert_uint_eq(s.counts.images, 3);
	ck_assert_uint_eq(s.counts.sets, 1);
}
END_TEST

START_TEST(same_uid_other_content_is_a_problem)
{
	image("a", "1.1", "1.2.3");
	write_object(dir, "b",
		     &(struct object){.sop_class = CT_CLASS,
				      .sop = "1.1",
				      .study = "1.2.3",
				      .series = "1.2.3.30",
				      .rows = true,
				      .comment = "other"});
	scan_dir();
	ck_assert_uint_eq(s.studies->image_count, 1);
	ck_assert_str_eq(s.studies->image_paths[0], in(dir, "a"));
	ck_assert_uint_eq(s.problem_count, 1);
	ck_assert_str_eq(s.problems[0].path, in(dir, "b"));
}
END_TEST

START_TEST(one_file_named_twice)
{
	const char *const paths[] = {dir, in(dir, "a"), dir};

	image("a", "1.1", "1.2.3");
	ck_assert_int_eq(scan_run(&s, paths, 3, -1, NULL), OK);
	ck_assert_uint_eq(s.studies->image_count, 1);
	ck_assert_uint_eq(s.studies->duplicates, 2);
}
END_TEST

START_TEST(odd_things_in_folders)
{
	make_folder(dir, "sub");
	image("sub/image", "1.1", "1.2.3");
	ck_assert_int_eq(mkfifo(in(dir, "fifo"), 0666), 0);
	ck_assert_int_eq(symlink("nowhere", in(dir, "dead")), 0);
	ck_assert_int_eq(symlink(".", in(dir, "loop")), 0);
	ck_assert_int_eq(symlink("sub/image", in(dir, "link")), 0);
	ck_assert_int_eq(symlink("self", in(dir, "self")), 0);
	scan_dir();
	ck_assert_uint_eq(s.counts.not_files, 3); /* fifo, dead, loop */
	ck_assert_uint_eq(s.counts.files, 2);
	ck_assert_uint_eq(s.studies->image_count, 1);
	ck_assert_uint_eq(s.studies->duplicates, 1);
	ck_assert_uint_eq(s.problem_count, 1); /* self: too many levels */
}
END_TEST

START_TEST(what_may_not_be_read)
{
	if (geteuid() == 0) {
		test_skip("a file that may not be read: root reads everything");
		return;
	}
	image("secret", "1.1", "1.2.3");
	make_folder(dir, "closed");
	ck_assert_int_eq(chmod(in(dir, "secret"), 0), 0);
	ck_assert_int_eq(chmod(in(dir, "closed"), 0), 0);
	scan_dir();
	chmod(in(dir, "closed"), 0777);
	ck_assert_uint_eq(s.counts.bad, 2);
	ck_assert_uint_eq(s.study_count, 0);
}
END_TEST

START_TEST(deep_folders)
{
	char path[1024];
	size_t len = 0;

	path[0] = '\0';
	for (int depth = 1; depth <= LIMIT_PATH_DEPTH + 1; depth++) {
		len += (size_t)snprintf(path + len, sizeof(path) - len, "%sd",
					depth > 1 ? "/" : "");
		make_folder(dir, path);
		if (depth == LIMIT_PATH_DEPTH) {
			char name[1100];
			snprintf(name, sizeof(name), "%s/image", path);
			image(name, "1.1", "1.2.3");
		}
	}
	scan_dir();
	ck_assert_uint_eq(s.counts.images, 1);
	ck_assert_uint_eq(s.problem_count, 1); /* the one below */
}
END_TEST

START_TEST(output_inside_input)
{
	const char *const paths[] = {dir};

	make_folder(dir, "out");
	make_folder(dir, "out/UID_1.2.3");
	image("out/UID_1.2.3/x", "1.1", "1.2.3");
	make_folder(dir, ".UID_1.2.3.part");
	image(".UID_1.2.3.part/x", "1.2", "1.2.3");
	image("y", "1.3", "1.2.3");

	int out = open(in(dir, "out"), O_RDONLY | O_DIRECTORY);
	ck_assert_int_ge(out, 0);
	ck_assert_int_eq(scan_run(&s, paths, 1, out, NULL), OK);
	close(out);
	ck_assert_uint_eq(s.counts.files, 1);
	ck_assert_uint_eq(s.studies->image_count, 1);
}
END_TEST

/* The output folder itself may be the input: only what netrt made is left out. */
START_TEST(output_is_input)
{
	const char *const paths[] = {dir};
	int out = open(dir, O_RDONLY | O_DIRECTORY);

	ck_assert_int_ge(out, 0);
	image("y", "1.3", "1.2.3");
	ck_assert_int_eq(scan_run(&s, paths, 1, out, NULL), OK);
	close(out);
	ck_assert_uint_eq(s.counts.files, 1);
}
END_TEST

START_TEST(order_is_by_name)
{
	static const char *const names[] = {"b", "a/z", "a-", "a/b/c", "c", "B"};
	static const char *const want[] = {"B", "a/b/c", "a/z", "a-", "b", "c"};
	struct tree t = TREE_EMPTY;
	struct tree_entry e;
	size_t n = 0;

	make_folder(dir, "a");
	make_folder(dir, "a/b");
	for (size_t i = 0; i < 6; i++)
		write_text(dir, names[i], "x");
	ck_assert_int_eq(tree_add(&t, dir, NULL), OK);
	while (tree_next(&t, &e, NULL) == OK) {
		ck_assert_int_eq(e.kind, TREE_FILE);
		ck_assert_msg(n < 6 && strcmp(e.path, in(dir, want[n])) == 0, "%zu: %s", n, e.path);
		n++;
	}
	ck_assert_uint_eq(n, 6);
	tree_free(&t);
}
END_TEST

/* They have Rows, and are no images that contours could be drawn on. */
START_TEST(no_pictures)
{
	static const char *const classes[] = {
		DOSE_CLASS,
		"1.2.840.10008.5.1.4.1.1.66.4", /* Segmentation */
		"1.2.840.10008.5.1.4.1.1.66.7", /* Label Map Segmentation */
		"1.2.840.10008.5.1.4.1.1.30",   /* Parametric Map */
		"1.2.840.10008.5.1.4.1.1.4.2",  /* MR Spectroscopy */
	};

	write_object(dir, "f",
		     &(struct object){.sop_class = classes[_i],
				      .sop = "1.1",
				      .study = "1.2",
				      .series = "1.3",
				      .rows = true});
	scan_dir();
	ck_assert_uint_eq(s.counts.images, 0);
	ck_assert_uint_eq(s.counts.others, 1);
}
END_TEST

START_TEST(many_kinds_of_other_objects)
{
	for (unsigned i = 0; i < SCAN_KINDS + 10; i++) {
		char name[32], sop_class[32];

		snprintf(name, sizeof(name), "f%03u", i);
		snprintf(sop_class, sizeof(sop_class), "1.9.%u", i);
		write_object(
			dir, name,
			&(struct object){.sop_class = sop_class, .sop = "1.1", .study = "1.2"});
	}
	scan_dir();
	ck_assert_uint_eq(s.studies->other_count, SCAN_KINDS);
	ck_assert_uint_eq(s.studies->others[SCAN_KINDS - 1].count, 11);
	ck_assert_uint_eq(s.counts.others, SCAN_KINDS + 10);
}
END_TEST

START_TEST(shared_odd_files)
{
	const char *data = test_data_dir();
	char path[1024];

	if (data == NULL) {
		test_skip("shared data: odd files are not here");
		return;
	}
	snprintf(path, sizeof(path), "%s/odd", data);

	const char *const paths[] = {path};
	ck_assert_int_eq(scan_run(&s, paths, 1, -1, NULL), OK);
	ck_assert_uint_gt(s.counts.images, 20);
	ck_assert_uint_ge(s.counts.sets, 1);
	ck_assert_uint_eq(s.counts.not_dicom, 2); /* INDEX.tsv, and no_meta.dcm: bits of one */
}
END_TEST

Suite *suite_scan(void);

Suite *suite_scan(void)
{
	Suite *suite = suite_create("scan");
	TCase *tc = tcase_create("scan");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, nothing_is_nothing);
	tcase_add_loop_test(tc, what_is_no_dicom, 0, sizeof(contents) / sizeof(contents[0]));
	tcase_add_loop_test(tc, which_kind_it_is, 0, sizeof(objects) / sizeof(objects[0]));
	tcase_add_test(tc, a_bare_data_set);
	tcase_add_test(tc, every_prefix_is_survived);
	tcase_add_test(tc, grouped_by_study);
	tcase_add_test(tc, sets_by_date_then_uid);
	tcase_add_test(tc, same_object_twice_counts_once);
	tcase_add_test(tc, same_uid_other_content_is_a_problem);
	tcase_add_test(tc, one_file_named_twice);
	tcase_add_test(tc, odd_things_in_folders);
	tcase_add_test(tc, what_may_not_be_read);
	tcase_add_test(tc, deep_folders);
	tcase_add_test(tc, output_inside_input);
	tcase_add_test(tc, output_is_input);
	tcase_add_test(tc, order_is_by_name);
	tcase_add_loop_test(tc, no_pictures, 0, 5);
	tcase_add_test(tc, many_kinds_of_other_objects);
	tcase_add_test(tc, shared_odd_files);
	suite_add_tcase(suite, tc);
	return suite;
}
