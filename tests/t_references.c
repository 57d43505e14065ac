/* study/references: which images a structure set draws on, and which of them are there. */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dicom/build.h"
#include "study/inspect.h"
#include "study/references.h"
#include "support/support.h"

Suite *suite_references(void);

static struct arena a;
static struct valueset here;
static char *folder;
static int dir;

static void setup(void)
{
	folder = test_tmpdir();
	dir = open(folder, O_RDONLY | O_DIRECTORY);
	ck_assert_int_ge(dir, 0);
	ck_assert_int_eq(arena_open(&a, 16u << 20, NULL), OK);
	valueset_open(&here, 100, &a);
}

static void teardown(void)
{
	arena_close(&a);
	close(dir);
	test_tmpdir_remove(folder);
}

static void put_images(struct build *b, const char *const *uids)
{
	build_sequence(b, TAG_ContourImageSequence);
	for (; *uids != NULL; uids++) {
		build_item(b);
		build_str(b, TAG_ReferencedSOPInstanceUID, VR_UI, *uids);
		build_item_end(b);
	}
	build_sequence_end(b);
}

/* At both levels, where structure sets have them; and elsewhere, where they are of no account. */
static void make(struct build *b, const struct syntax *syntax, const char *const *uids)
{
	build_init(b, syntax, 1u << 20);
	build_sequence(b, TAG_ReferencedStudySequence);
	build_item(b);
	build_str(b, TAG_ReferencedSOPInstanceUID, VR_UI, "1.2.3.99");
	build_item_end(b);
	build_sequence_end(b);
	build_sequence(b, TAG_ReferencedFrameOfReferenceSequence);
	build_item(b);
	put_images(b, uids);
	build_item_end(b);
	build_sequence_end(b);
	build_sequence(b, TAG_ROIContourSequence);
	build_item(b);
	put_images(b, uids + (uids[0] != NULL)); /* the same once more, but one */
	build_item_end(b);
	build_sequence_end(b);
}

static const struct {
	const char *name;
	const char *uids[6];
	const char *here, *file; /* SOP Instance UIDs, or NULL */
	uint32_t images, missing;
} rows[] = {
	{"none", {NULL}, NULL, NULL, 0, 0},
	{"one that is not there", {"1.2.3.1"}, NULL, NULL, 1, 1},
	{"one of this run", {"1.2.3.1"}, "1.2.3.1", NULL, 1, 0},
	{"one of an earlier run", {"1.2.3.1"}, NULL, "1.2.3.1", 1, 0},
	{"several", {"1.2.3.1", "1.2.3.2", "1.2.3.3"}, "1.2.3.2", "1.2.3.3", 3, 1},
	{"one twice", {"1.2.3.1", "1.2.3.1"}, NULL, NULL, 1, 1},
	{"at the front of another", {"1.2.3.1"}, "1.2.3.11", NULL, 1, 1},
	{"an empty one", {""}, NULL, NULL, 0, 0},
	{"what is no UID leads to no file", {"./x"}, NULL, "x", 1, 1},
};

START_TEST(test_count)
{
	static const struct syntax *const syntaxes[] = {&syntax_explicit_le, &syntax_implicit_le,
							&syntax_explicit_be};
	struct references got;
	struct valueset found;
	struct fault f;
	struct build b;
	unsigned i = (unsigned)_i / 3;

	if (rows[i].here != NULL)
		ck_assert(valueset_add(&here, bytes_str(rows[i].here)));
	if (rows[i].file != NULL) {
		char name[80];

		snprintf(name, sizeof(name), "%s.dcm", rows[i].file);
		close(openat(dir, name, O_WRONLY | O_CREAT, 0600));
	}
	make(&b, syntaxes[_i % 3], rows[i].uids);
	valueset_open(&found, 100, &a);
	ck_assert_int_eq(references_list(buf_bytes(&b.out), syntaxes[_i % 3], &found, &f), OK);
	got = references_count(found.item, found.count, &here, dir);
	ck_assert_msg(got.images == rows[i].images && got.missing == rows[i].missing, "%s: %u, %u",
		      rows[i].name, got.images, got.missing);
	b.out.len -= rows[i].images > 0 ? 3 : 0; /* cut short */
	if (rows[i].images > 0)
		ck_assert_int_ne(references_list(buf_bytes(&b.out), syntaxes[_i % 3], &found, &f),
				 OK);
	build_free(&b);
}
END_TEST

START_TEST(test_too_many)
{
	static const char *const uids[6] = {"1.2.3.1", "1.2.3.2", "1.2.3.3"};
	struct valueset found;
	struct fault f;
	struct build b;

	make(&b, &syntax_explicit_le, uids);
	valueset_open(&found, 2, &a);
	ck_assert_int_eq(references_list(buf_bytes(&b.out), &syntax_explicit_le, &found, &f),
			 ERR_LIMIT);
	build_free(&b);
}
END_TEST

/* PS3.5 6.2.2 note 2: a system that did not know the sequence handed it on as UN.  The study is
 * whole when its images are there, all the same. */
START_TEST(test_hidden)
{
	const char *const uids[] = {"1.2.3.1", "1.2.3.2", NULL};
	struct inspect_refs refs = {.item = NULL};
	struct references got;
	struct valueset found;
	struct build b, inner;
	struct fault f;

	build_init(&inner, &syntax_implicit_le, 1u << 16);
	build_sequence(&inner, TAG_ROIContourSequence);
	build_item(&inner);
	put_images(&inner, uids);
	build_item_end(&inner);
	build_sequence_end(&inner);
	build_init(&b, &syntax_explicit_le, 1u << 16);
	build_bytes(&b, TAG_ROIContourSequence, VR_UN,
		    bytes_slice(buf_bytes(&inner.out), 8, inner.out.len - 8));
	valueset_open(&found, 100, &a);
	ck_assert_int_eq(references_list(buf_bytes(&b.out), &syntax_explicit_le, &found, &f), OK);
	got = references_count(found.item, found.count, &here, dir);
	ck_assert(got.images == 2 && got.missing == 2);
	ck_assert_int_eq(inspect_references(&refs, buf_bytes(&b.out), &syntax_explicit_le, &f), OK);
	ck_assert_uint_eq(refs.count, 2);
	ck_assert_str_eq(refs.item[0].text, "1.2.3.1");
	ck_assert_str_eq(refs.item[1].text, "1.2.3.2");
	free(refs.item);
	build_free(&inner);
	build_free(&b);
}
END_TEST

Suite *suite_references(void)
{
	Suite *s = suite_create("references");
	TCase *t = tcase_create("references");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, test_count, 0, 3 * (int)(sizeof(rows) / sizeof(rows[0])));
	tcase_add_test(t, test_too_many);
	tcase_add_test(t, test_hidden);
	suite_add_tcase(s, t);
	return s;
}
