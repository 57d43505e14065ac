/*
 * anon/policy: every row of table E.1-1 with each option, at three depths and in three encodings,
 * as tables/confidentiality.tsv says it, which is read here once more, by other code.  What the
 * site says on top is in t_anon_rules.c.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "anon/dates.h"
#include "anon/policy.h"
#include "dicom/dict.h"
#include "support/anon.h"

Suite *suite_anon_policy(void);

#define ROWS_MAX 700
#define OPTIONS 10
#define NEST TAG_RadiopharmaceuticalInformationSequence /* in no row: kept */
#define DEEPEST 5u

/* ---- the table, read as text ---- */

struct row {
	uint32_t tag;
	enum vr vr;
	char basic[8];
	char cell[OPTIONS];
};

static struct row rows[ROWS_MAX];
static unsigned row_count;

static void read_row(char *line)
{
	struct row *r = &rows[row_count];
	char *at = line, *field[13] = {NULL};

	for (unsigned i = 0; i < 13; i++)
		field[i] = strsep(&at, "\t\n");
	if (strcmp(field[0], "private") == 0)
		snprintf(field[0], 9, "00091001");
	for (char *c = field[0]; *c != '\0'; c++)
		if (*c == 'x')
			*c = c == field[0] + 2 || c == field[0] + 3 ? '0' : '3';
	*r = (struct row){.tag = (uint32_t)strtoul(field[0], NULL, 16)};
	r->vr = r->tag == 0x00091001 ? VR_LO : dict_vr(r->tag);
	snprintf(r->basic, sizeof(r->basic), "%s", field[2]);
	for (unsigned i = 0; i < OPTIONS; i++)
		r->cell[i] = field[3 + i][0];
	row_count++;
}

static int by_tag(const void *a, const void *b)
{
	const struct row *x = a, *y = b;

	return x->tag < y->tag ? -1 : x->tag > y->tag;
}

static void read_table(void)
{
	FILE *in = fopen("tables/confidentiality.tsv", "r");
	char line[1000];

	ck_assert_ptr_nonnull(in);
	row_count = 0;
	ck_assert_ptr_nonnull(fgets(line, sizeof(line), in));
	while (fgets(line, sizeof(line), in) != NULL)
		read_row(line);
	fclose(in);
	ck_assert_uint_eq(row_count, 657);
	qsort(rows, row_count, sizeof(rows[0]), by_tag);
}

/* ---- a data set of all rows ---- */

/* `loud`: texts hold the patient's name and number. */
static struct bytes value_of(const struct row *r, bool loud)
{
	switch (r->vr) {
	case VR_DA:
		return BYTES_LIT("20200301");
	case VR_DT:
		return BYTES_LIT("20200301101500.5");
	case VR_TM:
		return BYTES_LIT("101500");
	case VR_UI:
		return BYTES_LIT("1.2.3.20200301.7");
	case VR_AS:
		return BYTES_LIT("045Y");
	case VR_PN:
		return BYTES_LIT("SMITH^JOHN");
	case VR_DS:
	case VR_IS:
		return BYTES_LIT("12");
	case VR_US:
		return BYTES_LIT("\1\2");
	case VR_CS:
	case VR_SH:
	case VR_AE:
		return loud ? BYTES_LIT("SMITH PELVIS") : BYTES_LIT("PELVIS");
	case VR_UR:
		return BYTES_LIT("http://pelvis/12");
	case VR_OB:
	case VR_OW:
	case VR_UN:
		return BYTES_LIT("SMITH^");
	default:
		return loud ? BYTES_LIT("SMITH 12345678 PELVIS") : BYTES_LIT("PELVIS OF 12");
	}
}

static void put_row(struct build *b, const struct row *r, bool loud)
{
	if (r->tag == 0x00091001)
		build_str(b, 0x00090010, VR_LO, "ACME");
	if (r->vr != VR_SQ) {
		struct bytes value = value_of(r, loud);

		if (vr_info(r->vr)->is_text)
			build_text(b, r->tag, r->vr, value);
		else
			build_bytes(b, r->tag, r->vr == VR_NONE ? VR_UN : r->vr, value);
		return;
	}
	build_sequence(b, r->tag);
	build_item(b);
	build_str(b, TAG_ReferencedSOPInstanceUID, VR_UI, "1.2.3.20200301.8");
	build_str(b, TAG_SpatialResolution, VR_DS, "1.5");
	build_str(b, TAG_ConvolutionKernel, VR_SH, loud ? "SMITH PELVIS" : "PELVIS");
	build_item_end(b);
	build_sequence_end(b);
}

static void put_rows(struct build *b, uint32_t from, uint32_t to, bool loud)
{
	for (unsigned i = 0; i < row_count; i++)
		if (rows[i].tag >= from && rows[i].tag < to && rows[i].tag != TAG_SOPInstanceUID)
			put_row(b, &rows[i], loud);
}

/* At depths 0, 1 and 5. */
static void build_all(struct anon_bench *b, const char *sop_class, bool loud)
{
	struct build *in = &b->in;

	put_rows(in, 0, TAG_SOPClassUID, loud);
	bench_front(b, sop_class);
	put_rows(in, TAG_SOPClassUID, NEST, loud);
	for (unsigned depth = 1; depth <= DEEPEST; depth++) {
		build_sequence(in, NEST);
		build_item(in);
		if (depth == 1 || depth == DEEPEST)
			put_rows(in, 0, NEST, loud);
	}
	for (unsigned depth = DEEPEST; depth > 0; depth--) {
		if (depth == 1 || depth == DEEPEST)
			put_rows(in, NEST, UINT32_MAX, loud);
		build_item_end(in);
		build_sequence_end(in);
	}
	put_rows(in, NEST, UINT32_MAX, loud);
}

/* ---- what is to be expected ---- */

enum want {
	WANT_GONE,
	WANT_EMPTY,
	WANT_DUMMY,
	WANT_UID,
	WANT_KEPT,
	WANT_SHIFTED,
	WANT_CLEAN,
	WANT_ITEMS,
	WANT_PSEUDONYM
};
static const char *const want_words[] = {"gone",    "empty", "dummy", "uid",      "kept",
					 "shifted", "clean", "items", "pseudonym"};

/* The choices for compound actions where no table of attribute types resolves them. */
static enum want want_basic(const struct row *r)
{
	bool person = r->tag == TAG_PatientID || r->tag == TAG_PatientName;

	if (strcmp(r->basic, "X") == 0)
		return WANT_GONE;
	if (strcmp(r->basic, "U") == 0 || (r->vr == VR_UI && strchr(r->basic, 'D') != NULL))
		return WANT_UID;
	if (strcmp(r->basic, "X/Z/U*") == 0)
		return WANT_ITEMS;
	if (strchr(r->basic, 'D') == NULL)
		return person ? WANT_PSEUDONYM : WANT_EMPTY;
	return person ? WANT_PSEUDONYM : r->vr == VR_SQ ? WANT_ITEMS : WANT_DUMMY;
}

static bool is_text_to_clean(enum vr vr)
{
	return vr == VR_LO || vr == VR_SH || vr == VR_LT || vr == VR_ST || vr == VR_UT ||
	       vr == VR_UC || vr == VR_CS;
}

/* What the options say of the row: K before C, but for dates that the others move with. */
static char cell_of(const struct row *r, unsigned options)
{
	char cell = '\0';

	for (unsigned i = 0; i < OPTIONS; i++)
		if ((options >> i & 1u) != 0 && r->cell[i] != '\0' && cell != 'K')
			cell = r->cell[i];
	if (cell == 'K' && (options & ANON_RETAIN_MODIFIED_DATES) != 0 &&
	    (r->vr == VR_DA || r->vr == VR_DT))
		cell = 'C';
	return cell;
}

static enum want want_of(const struct row *r, unsigned options)
{
	uint16_t group = TAG_GROUP(r->tag);
	char cell = cell_of(r, options);

	if (group < 8 || group == 0x5000 || group == 0x6000 || group >= 0xFFFA ||
	    r->tag == TAG_EncryptedAttributesSequence || r->tag == TAG_OriginalAttributesSequence ||
	    r->tag == 0x00091001 || r->tag == TAG_DigitalSignaturesSequence)
		return WANT_GONE;
	if (cell == 'K')
		return r->vr == VR_SQ ? WANT_ITEMS : WANT_KEPT;
	if (cell == 'C') {
		if (r->tag == TAG_ROIName)
			return WANT_EMPTY; /* no names were chosen here */
		if (r->tag == TAG_TimezoneOffsetFromUTC)
			return want_basic(r);
		if (r->vr == VR_TM)
			return WANT_KEPT;
		if (r->vr == VR_DA || r->vr == VR_DT)
			return WANT_SHIFTED;
		if (r->vr == VR_SQ)
			return WANT_ITEMS;
		if (is_text_to_clean(r->vr))
			return WANT_CLEAN;
	}
	return want_basic(r);
}

static bool holds(struct bytes value, const char *text)
{
	return bytes_has_nocase(value, bytes_str(text));
}

static bool is_number(struct bytes v)
{
	for (size_t i = 0; i < v.len; i++)
		if (strchr("0123456789.+-", v.at[i]) == NULL || v.at[i] == '\0')
			return false;
	return v.len > 0;
}

/* A value of the VR that does not say what the source's did. */
static bool is_dummy(const struct row *r, struct bytes v)
{
	struct bytes text = bytes_trim(v);

	switch (r->vr) {
	case VR_DA:
		return is_number(text) && text.len == 8 && !bytes_eq_str(text, "20200301");
	case VR_DT:
		return is_number(text) && text.len >= 8 && !holds(text, "20200301");
	case VR_TM:
		return is_number(text) && text.len == 6 && !bytes_eq_str(text, "101500");
	case VR_AS:
		return text.len == 4 && !bytes_eq_str(text, "045Y");
	case VR_OB:
	case VR_UN:
		return v.len > 0 && v.len % 2 == 0 && !holds(v, "SMITH");
	default:
		return text.len > 0 &&
		       (vr_info(r->vr)->max_len == 0 || text.len <= vr_info(r->vr)->max_len) &&
		       !holds(v, "SMITH") && !holds(v, "PELVIS") && !holds(v, "12");
	}
}

static bool is_cleaned(const struct row *r, struct bytes v, bool loud)
{
	if (r->vr == VR_CS && loud)
		return v.len == 0;
	return holds(v, "PELVIS") && !holds(v, "SMITH") && !holds(v, "1234");
}

static bool is_shifted(const struct row *r, struct bytes v)
{
	struct buf moved = BUF_INIT(100);
	bool good = date_shift(value_of(r, false), r->vr, -10, &moved) &&
		    bytes_eq(bytes_trim(v), buf_bytes(&moved)) &&
		    memcmp(moved.at, "20200220", 8) == 0;

	buf_free(&moved);
	return good;
}

/* The item that was put in is there, with its number, a new UID, and its text as it should be. */
static bool has_items(const struct anon_bench *b, const struct elem *e, bool plain, bool loud)
{
	const struct elem *item = dset_first(&b->d, e);
	bool uids = (b->settings.options & ANON_RETAIN_UIDS) != 0;

	if (item == NULL)
		return false;
	struct bytes uid = dset_text(&b->d, item, TAG_ReferencedSOPInstanceUID);
	struct bytes text = dset_text(&b->d, item, TAG_ConvolutionKernel);
	const struct uid mapped = anon_uid(ANON_KEY, BYTES_LIT("1.2.3.20200301.8"));
	return bytes_eq_str(dset_text(&b->d, item, TAG_SpatialResolution), "1.5") &&
	       bytes_eq_str(uid, uids ? "1.2.3.20200301.8" : mapped.text) &&
	       (plain ? text.len > 0 && !holds(text, "PELVIS")
		      : holds(text, "PELVIS") && (!loud || !holds(text, "SMITH")));
}

static bool is_kept(const struct row *r, struct bytes v, bool loud)
{
	struct bytes was = value_of(r, loud);
	bool cleaned = loud && vr_info(r->vr)->uses_charset;

	if (r->vr == VR_AE || cleaned)
		return is_cleaned(r, v, loud) && v.len <= was.len + 1;
	if (r->vr == VR_CS && loud)
		return v.len == 0;
	return v.len >= was.len && v.len <= was.len + 1 && memcmp(v.at, was.at, was.len) == 0;
}

static bool is_met(const struct anon_bench *b, const struct row *r, const struct elem *e,
		   enum want want, bool loud)
{
	struct bytes v = dset_value(&b->d, e);
	const struct uid mapped = anon_uid(ANON_KEY, value_of(r, loud));
	bool plain = strchr(r->basic, 'D') != NULL && cell_of(r, b->settings.options) == '\0';

	if (e == NULL)
		return want == WANT_GONE;
	switch (want) {
	case WANT_GONE:
		return false;
	case WANT_EMPTY:
		return e->len == 0;
	case WANT_DUMMY:
		return is_dummy(r, v);
	case WANT_UID:
		return bytes_eq_str(bytes_trim(v), mapped.text);
	case WANT_KEPT:
		return is_kept(r, v, loud);
	case WANT_SHIFTED:
		return is_shifted(r, v);
	case WANT_CLEAN:
		return is_cleaned(r, v, loud);
	case WANT_ITEMS:
		return has_items(b, e, plain, loud);
	case WANT_PSEUDONYM:
		return bytes_eq_str(bytes_trim(v), "SITE_0001");
	}
	return false;
}

static const struct elem *item_at(const struct anon_bench *b, unsigned depth)
{
	const struct elem *item = NULL;

	for (unsigned i = 0; i < depth; i++) {
		item = dset_first(&b->d, dset_find(&b->d, item, NEST));
		ck_assert_ptr_nonnull(item);
	}
	return item;
}

/* One option, or none; an encoding; with and without the patient's words. */
START_TEST(test_rows)
{
	unsigned option = (unsigned)_i / 6, syntax = (unsigned)_i / 2 % 3;
	bool loud = _i % 2 == 1;
	static const unsigned depths[] = {0, 1, DEEPEST};
	struct anon_bench b;

	read_table();
	bench_open(&b, ANON_BASIC, option == 0 ? 0 : 1u << (option - 1), bench_syntaxes[syntax]);
	bench_words(&b, "SMITH^JOHN");
	bench_words(&b, "12345678");
	build_all(&b, ANON_PET, loud);
	ck_assert_int_eq(bench_apply(&b), OK);
	for (unsigned k = 0; k < 3; k++) {
		const struct elem *item = item_at(&b, depths[k]);

		for (unsigned i = 0; i < row_count; i++) {
			const struct row *r = &rows[i];
			const struct elem *e = dset_find(&b.d, item, r->tag);
			enum want want = want_of(r, b.settings.options);

			if (r->tag == TAG_SOPInstanceUID)
				continue;
			ck_assert_msg(is_met(&b, r, e, want, loud),
				      "(%08X) %s at depth %u, option %u: not %s but %.*s", r->tag,
				      r->basic, depths[k], option, want_words[want],
				      e == NULL ? 4 : (int)e->len,
				      e == NULL ? "gone" : (const char *)b.d.in.at + e->at);
		}
	}
	ck_assert_uint_eq(bench_new_notes(&b), 0);
	bench_close(&b);
}
END_TEST

/* All options but one of the two that exclude each other: K before C before what is basic. */
START_TEST(test_all_options)
{
	struct anon_bench b;

	read_table();
	bench_open(&b, ANON_BASIC,
		   ((1u << OPTIONS) - 1) & ~(unsigned)(_i < 3 ? ANON_RETAIN_MODIFIED_DATES
							      : ANON_RETAIN_FULL_DATES),
		   bench_syntaxes[_i % 3]);
	build_all(&b, ANON_PET, false);
	ck_assert_int_eq(bench_apply(&b), OK);
	for (unsigned i = 0; i < row_count; i++) {
		enum want want = want_of(&rows[i], b.settings.options);
		const struct elem *e = dset_find(&b.d, item_at(&b, 1), rows[i].tag);

		if (want != WANT_ITEMS && rows[i].tag != TAG_SOPInstanceUID)
			ck_assert_msg(is_met(&b, &rows[i], e, want, false), "(%08X)", rows[i].tag);
	}
	bench_close(&b);
}
END_TEST

/* ---- by attribute type ---- */

struct resolved {
	enum anon_iod iod;
	uint32_t path[8];
	unsigned depth; /* sequences around the last */
	char action;
};

static const char *const iod_names[] = {"ct_image", "mr_image", "rt_structure_set",
					"secondary_capture", "segmentation"};

static bool read_resolved(FILE *in, struct resolved *r)
{
	char line[500], *at = line;

	if (fgets(line, sizeof(line), in) == NULL)
		return false;
	char *iod = strsep(&at, "\t"), *path = strsep(&at, "\t"), *action = strsep(&at, "\n");
	*r = (struct resolved){.iod = IOD_OTHER, .action = action[0]};
	for (unsigned i = 0; i < 5; i++)
		if (strcmp(iod, iod_names[i]) == 0)
			r->iod = (enum anon_iod)i;
	for (char *tag; (tag = strsep(&path, ">")) != NULL; r->depth++)
		r->path[r->depth] = (uint32_t)strtoul(tag, NULL, 16);
	r->depth--;
	return true;
}

/* Rows of one path may differ, by module: then any of them will do. */
static bool action_is_one_of(const struct resolved *want, enum anon_act act)
{
	FILE *in = fopen("tables/resolved_actions.tsv", "r");
	struct resolved r;
	bool found = false;

	ck_assert_ptr_nonnull(in);
	while (!found && read_resolved(in, &r))
		found = r.iod == want->iod && r.depth == want->depth &&
			memcmp(r.path, want->path, sizeof(r.path)) == 0 &&
			((r.action == 'X' && act == ACT_REMOVE) ||
			 (r.action == 'Z' &&
			  (act == ACT_EMPTY || act == ACT_ID || act == ACT_NAME)) ||
			 (r.action == 'D' && (act == ACT_DUMMY || act == ACT_ID)) ||
			 (r.action == 'U' && (act == ACT_UID || act == ACT_KEEP)));
	fclose(in);
	return found;
}

START_TEST(test_resolved)
{
	FILE *in = fopen("tables/resolved_actions.tsv", "r");
	struct resolved r;
	struct anon_bench b;
	char header[200];
	unsigned count = 0;

	ck_assert_ptr_nonnull(in);
	ck_assert_ptr_nonnull(fgets(header, sizeof(header), in));
	bench_open(&b, ANON_BASIC, 0, &syntax_explicit_le);
	for (; read_resolved(in, &r); count++) {
		const struct anon_place at = {.iod = r.iod,
					      .path = r.path,
					      .depth = r.depth,
					      .tag = r.path[r.depth],
					      .vr = dict_vr(r.path[r.depth])};
		enum anon_act act = policy_decide(b.policy, &at).act;

		ck_assert_msg(action_is_one_of(&r, act), "%s (%08X) depth %u: %s", iod_names[r.iod],
			      at.tag, r.depth, anon_act_words[act]);
	}
	ck_assert_uint_gt(count, 250);
	fclose(in);
	bench_close(&b);
}
END_TEST

/* The same attribute, as the type of it in the object asks: (0008,0023) is of type 2 in CT. */
START_TEST(test_types)
{
	static const struct {
		const char *sop_class;
		bool there;
		size_t len;
	} cases[] = {{ANON_CT, true, 0}, {ANON_PET, true, 8}};
	struct anon_bench b;

	bench_open(&b, ANON_BASIC, 0, bench_syntaxes[0]);
	bench_front(&b, cases[_i].sop_class);
	build_str(&b.in, TAG_ContentDate, VR_DA, "20200301");
	ck_assert_int_eq(bench_apply(&b), OK);
	const struct elem *e = dset_find(&b.d, NULL, TAG_ContentDate);
	ck_assert((e != NULL) == cases[_i].there && (e == NULL || e->len == cases[_i].len));
	bench_close(&b);
}
END_TEST

/* ---- what the table does not name ---- */

static const struct {
	uint32_t tag;
	unsigned options;
	enum anon_act act;
} unnamed[] = {
	{TAG_Modality, 0, ACT_KEEP},
	{TAG_Rows, 0, ACT_KEEP},
	{TAG_ContourData, 0, ACT_KEEP},
	{TAG_SOPClassUID, 0, ACT_UID}, /* whose values are all well known */
	{TAG_ReferencedFiducialUID, 0, ACT_UID},
	{TAG_ReferencedFiducialUID, ANON_RETAIN_UIDS, ACT_KEEP},
	{TAG_MultiFrameSourceSOPInstanceUID, 0, ACT_UID},
	{TAG_VolumeFrameOfReferenceUID, 0, ACT_UID},
	{TAG_IssuerOfPatientIDQualifiersSequence, 0, ACT_REMOVE},
	{TAG_RetrieveURL, 0, ACT_REMOVE},
	{0x00080000, 0, ACT_REMOVE}, /* group length */
	{0x00080001, 0, ACT_REMOVE},
	{0x00020010, 0, ACT_REMOVE},
	{0x00031010, 0, ACT_REMOVE},
	{0xFFFF1010, 0, ACT_REMOVE},
	{0x00089999, 0, ACT_REMOVE}, /* unknown */
	{0x00280020, 0, ACT_REMOVE}, /* without a name */
	{TAG_PatientIdentityRemoved, 0, ACT_REMOVE},
	{TAG_DeidentificationMethodCodeSequence, 0, ACT_REMOVE},
	{TAG_DataSetTrailingPadding, 0, ACT_REMOVE},
	{0x60100010, 0, ACT_REMOVE},
	{0x601E3000, ANON_CLEAN_GRAPHICS, ACT_REMOVE},
	{0x50020020, 0, ACT_REMOVE},
	{TAG_ExtendedOffsetTable, 0, ACT_REMOVE},
	{TAG_TimezoneOffsetFromUTC, 0, ACT_REMOVE},
	{TAG_TimezoneOffsetFromUTC, ANON_RETAIN_FULL_DATES, ACT_KEEP},
	{TAG_TimezoneOffsetFromUTC, ANON_RETAIN_MODIFIED_DATES, ACT_REMOVE},
	{TAG_PatientBirthDate, ANON_RETAIN_MODIFIED_DATES, ACT_EMPTY},
	{TAG_PatientBirthDate, ANON_RETAIN_FULL_DATES | ANON_RETAIN_PATIENT, ACT_EMPTY},
	{TAG_PatientAge, ANON_RETAIN_PATIENT, ACT_AGE},
	{TAG_ROIName, ANON_CLEAN_DESCRIPTORS, ACT_ROI_NAME},
	{TAG_ROIName, 0, ACT_EMPTY},
};

START_TEST(test_unnamed)
{
	struct anon_bench b;
	const struct anon_place at = {
		.iod = IOD_CT, .tag = unnamed[_i].tag, .vr = dict_vr(unnamed[_i].tag)};

	bench_open(&b, ANON_BASIC, unnamed[_i].options, &syntax_explicit_le);
	enum anon_act act = policy_decide(b.policy, &at).act;
	ck_assert_msg(act == unnamed[_i].act, "(%08X): %s", at.tag, anon_act_words[act]);
	bench_close(&b);
}
END_TEST

/* Every UI attribute of the dictionary: none is left as it is (R7). */
START_TEST(test_every_uid)
{
	struct anon_bench b;
	struct dict_entry entry;
	unsigned uids = 0;

	bench_open(&b, ANON_BASIC, 0, &syntax_explicit_le);
	for (size_t i = 0; dict_at(i, &entry); i++) {
		const struct anon_place at = {.iod = IOD_OTHER, .tag = entry.tag, .vr = VR_UI};
		enum anon_act act = policy_decide(b.policy, &at).act;

		if (entry.vr != VR_UI)
			continue;
		uids++;
		ck_assert_msg(act == ACT_UID || act == ACT_REMOVE || act == ACT_DUMMY, "%s: %s",
			      entry.keyword, anon_act_words[act]);
	}
	ck_assert_uint_gt(uids, 100);
	bench_close(&b);
}
END_TEST

#define LENGTH(list) (int)(sizeof(list) / sizeof(list[0]))

Suite *suite_anon_policy(void)
{
	Suite *s = suite_create("anon_policy");
	TCase *tc = tcase_create("policy");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, test_rows, 0, 6 * (OPTIONS + 1));
	tcase_add_loop_test(tc, test_all_options, 0, 6);
	tcase_add_test(tc, test_resolved);
	tcase_add_loop_test(tc, test_types, 0, 2);
	tcase_add_loop_test(tc, test_unnamed, 0, LENGTH(unnamed));
	tcase_add_test(tc, test_every_uid);
	suite_add_tcase(s, tc);
	return s;
}
