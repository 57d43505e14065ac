/*
 * Files cut short.  Five small ones, one for each way of encoding, are cut at every byte and
 * every piece goes through everything that reads files; the bytes end at an unreadable
 * page.  A piece gives an error or less than the whole, never more, and of a structure set:
 *
 *     accepted  =>  cut between two top-level elements, after ROI Contour Sequence
 *
 * which nobody can tell from a whole one; all its contours are then there.  (Where a sequence
 * of undefined length only lacks its delimiters, all contours may be there too; but nobody
 * can know, so it must not be accepted either.)  The same files are then spoilt byte by byte.
 */
#include <check.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "dicom/build.h"
#include "dicom/dump.h"
#include "dicom/part10.h"
#include "rt/plan.h"
#include "support/support.h"

#define PLANES 3u
#define SIDE 8u
#define FRAME "2.25.1001"
#define SERIES "2.25.1002"
#define IMAGE "2.25.1003."
#define ARENA_BYTES ((size_t)4 << 20)
#define DUMP_BYTES ((size_t)1 << 20)

static const char *const image_uids[PLANES] = {IMAGE "0", IMAGE "1", IMAGE "2"};

enum kind { CT_EXPLICIT, SET_IMPLICIT, CT_BIG_ENDIAN, CT_FRAGMENTS, SET_DEFLATED, KINDS };

static const char *const kind_names[KINDS] = {"CT, explicit VR", "structure set, implicit VR",
					      "CT, big endian", "CT, encapsulated",
					      "structure set, deflated"};

static const char *syntax_uid(enum kind kind)
{
	static const char *const uids[KINDS] = {"1.2.840.10008.1.2.1", "1.2.840.10008.1.2",
						"1.2.840.10008.1.2.2", "1.2.840.10008.1.2.5",
						"1.2.840.10008.1.2.1.99"};

	return uids[kind];
}

static bool is_set(enum kind kind)
{
	return kind == SET_IMPLICIT || kind == SET_DEFLATED;
}

/* Sequences and items of undefined length, which build.h does not make (little endian). */
static void raw_tag(struct build *b, uint32_t tag, const char *vr, uint32_t len)
{
	uint8_t head[4];

	put_u16le(head, TAG_GROUP(tag));
	put_u16le(head + 2, TAG_ELEMENT(tag));
	buf_add(&b->out, bytes_of(head, 4));
	if (vr != NULL && b->syntax->explicit_vr) {
		buf_add(&b->out, bytes_of(vr, 2));
		buf_add(&b->out, bytes_of("\0\0", 2));
	}
	put_u32le(head, len);
	buf_add(&b->out, bytes_of(head, 4));
}

static void open_sequence(struct build *b, uint32_t tag)
{
	raw_tag(b, tag, "SQ", DICOM_UNDEFINED);
}

static void open_item(struct build *b)
{
	raw_tag(b, 0xFFFEE000u, NULL, DICOM_UNDEFINED);
}

static void close_item(struct build *b)
{
	raw_tag(b, 0xFFFEE00Du, NULL, 0);
}

static void close_sequence(struct build *b)
{
	raw_tag(b, 0xFFFEE0DDu, NULL, 0);
}

static void put_fragments(struct build *b)
{
	raw_tag(b, TAG_PixelData, "OB", DICOM_UNDEFINED);
	raw_tag(b, 0xFFFEE000u, NULL, 4);
	buf_add(&b->out, bytes_of("\0\0\0\0", 4));
	raw_tag(b, 0xFFFEE000u, NULL, 32);
	for (unsigned i = 0; i < 32; i++)
		buf_char(&b->out, (char)(i * 7));
	raw_tag(b, 0xFFFEE000u, NULL, 16);
	for (unsigned i = 0; i < 16; i++)
		buf_char(&b->out, (char)(255 - i));
	close_sequence(b);
}

static void put_image(struct build *b, enum kind kind, unsigned plane)
{
	static const char *const positions[PLANES] = {"-4\\-4\\0", "-4\\-4\\2.5", "-4\\-4\\5"};
	uint16_t side = SIDE, bits = 16, high = 15, sign = 1, one = 1, pixels[SIDE * SIDE];

	for (unsigned i = 0; i < SIDE * SIDE; i++)
		pixels[i] = (uint16_t)(i * 257);
	build_str(b, TAG_SpecificCharacterSet, VR_CS, "ISO_IR 100");
	build_str(b, TAG_SOPClassUID, VR_UI, "1.2.840.10008.5.1.4.1.1.2");
	build_str(b, TAG_SOPInstanceUID, VR_UI, image_uids[plane]);
	build_str(b, TAG_Modality, VR_CS, "CT");
	build_sequence(b, TAG_SourceImageSequence);
	build_item(b);
	build_str(b, TAG_ReferencedSOPInstanceUID, VR_UI, "2.25.7");
	build_item_end(b);
	build_sequence_end(b);
	build_str(b, TAG_PatientName, VR_PN, "M\xFCller^J\xF6rg");
	build_bytes(b, 0x00110010u, VR_LO, BYTES_LIT("SOMEONE"));
	build_bytes(b, 0x00111001u, VR_UN, BYTES_LIT("whatever"));
	build_str(b, TAG_StudyInstanceUID, VR_UI, "2.25.1000");
	build_str(b, TAG_SeriesInstanceUID, VR_UI, SERIES);
	build_str(b, TAG_ImagePositionPatient, VR_DS, positions[plane]);
	build_str(b, TAG_ImageOrientationPatient, VR_DS, "1\\0\\0\\0\\1\\0");
	build_str(b, TAG_FrameOfReferenceUID, VR_UI, FRAME);
	build_u16(b, TAG_SamplesPerPixel, VR_US, &one, 1);
	build_str(b, TAG_PhotometricInterpretation, VR_CS, "MONOCHROME2");
	build_u16(b, TAG_Rows, VR_US, &side, 1);
	build_u16(b, TAG_Columns, VR_US, &side, 1);
	build_str(b, TAG_PixelSpacing, VR_DS, "1\\1");
	build_u16(b, TAG_BitsAllocated, VR_US, &bits, 1);
	build_u16(b, TAG_BitsStored, VR_US, &bits, 1);
	build_u16(b, TAG_HighBit, VR_US, &high, 1);
	build_u16(b, TAG_PixelRepresentation, VR_US, &sign, 1);
	if (kind == CT_FRAGMENTS)
		put_fragments(b);
	else
		build_u16(b, TAG_PixelData, VR_OW, pixels, SIDE * SIDE);
}

static void put_contour(struct build *b, unsigned plane, const char *data)
{
	open_item(b);
	open_sequence(b, TAG_ContourImageSequence);
	open_item(b);
	build_str(b, TAG_ReferencedSOPClassUID, VR_UI, "1.2.840.10008.5.1.4.1.1.2");
	build_str(b, TAG_ReferencedSOPInstanceUID, VR_UI, image_uids[plane]);
	close_item(b);
	close_sequence(b);
	build_str(b, TAG_ContourGeometricType, VR_CS, "CLOSED_PLANAR");
	build_is(b, TAG_NumberOfContourPoints, 4);
	build_str(b, TAG_ContourData, VR_DS, data);
	close_item(b);
}

static void put_contours(struct build *b)
{
	open_sequence(b, TAG_ROIContourSequence);
	open_item(b);
	build_str(b, TAG_ROIDisplayColor, VR_IS, "255\\0\\0");
	open_sequence(b, TAG_ContourSequence);
	put_contour(b, 0, "-2\\-2\\0\\2\\-2\\0\\2\\2\\0\\-2\\2\\0");
	put_contour(b, 1, "-2.25\\-2\\2.5\\2\\-2\\2.5\\2\\2\\2.5\\-2\\2\\2.5");
	close_sequence(b);
	build_is(b, TAG_ReferencedROINumber, 1);
	close_item(b);
	open_item(b);
	open_sequence(b, TAG_ContourSequence);
	put_contour(b, 2, "0\\0\\5\\3\\0\\5\\3\\3\\5\\0\\3\\5");
	close_sequence(b);
	build_is(b, TAG_ReferencedROINumber, 2);
	close_item(b);
	close_sequence(b);
}

static void put_roi(struct build *b, int64_t number, const char *name)
{
	open_item(b);
	build_is(b, TAG_ROINumber, number);
	build_str(b, TAG_ReferencedFrameOfReferenceUID, VR_UI, FRAME);
	build_str(b, TAG_ROIName, VR_LO, name);
	close_item(b);
}

static void put_set(struct build *b)
{
	build_str(b, TAG_SOPClassUID, VR_UI, SOP_CLASS_RT_STRUCTURE_SET);
	build_str(b, TAG_SOPInstanceUID, VR_UI, "2.25.2000");
	build_str(b, TAG_Modality, VR_CS, "RTSTRUCT");
	build_str(b, TAG_StudyInstanceUID, VR_UI, "2.25.1000");
	build_str(b, TAG_SeriesInstanceUID, VR_UI, "2.25.2001");
	build_str(b, TAG_StructureSetLabel, VR_SH, "Small");
	open_sequence(b, TAG_ReferencedFrameOfReferenceSequence);
	open_item(b);
	build_str(b, TAG_FrameOfReferenceUID, VR_UI, FRAME);
	close_item(b);
	close_sequence(b);
	open_sequence(b, TAG_StructureSetROISequence);
	put_roi(b, 1, "First");
	put_roi(b, 2, "Second");
	close_sequence(b);
	put_contours(b);
	open_sequence(b, TAG_RTROIObservationsSequence);
	open_item(b);
	build_is(b, TAG_ObservationNumber, 1);
	build_is(b, TAG_ReferencedROINumber, 1);
	build_str(b, TAG_RTROIInterpretedType, VR_CS, "GTV");
	close_item(b);
	close_sequence(b);
	build_str(b, TAG_ApprovalStatus, VR_CS, "UNAPPROVED");
}

/* The data set, then the whole file of it; both are the caller's. */
static void make_file(enum kind kind, struct build *data, struct buf *file)
{
	struct part10_out out = {.syntax = syntax_find(bytes_str(syntax_uid(kind))),
				 .view_count = 1,
				 .source_fd = -1};
	struct fault f;
	uint8_t piece[4096];
	ssize_t n;
	int fd = memfd_create("netrt-test", MFD_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	build_init(data, out.syntax, 1 << 16);
	if (is_set(kind))
		put_set(data);
	else
		put_image(data, kind, 0);
	ck_assert(!data->out.failed);

	struct bytes view = buf_bytes(&data->out);
	out.views = &view;
	ck_assert(uid_set(&out.sop_class, BYTES_LIT("1.2.840.10008.5.1.4.1.1.2")));
	ck_assert(uid_set(&out.sop_instance, BYTES_LIT("2.25.2000")));
	ck_assert(uid_set(&out.transfer_syntax, bytes_str(syntax_uid(kind))));
	ck_assert_int_eq(part10_write(fd, &out, &f), OK);
	ck_assert_int_eq(lseek(fd, 0, SEEK_SET), 0);
	*file = BUF_INIT(1 << 16);
	while ((n = read(fd, piece, sizeof(piece))) > 0)
		buf_add(file, bytes_of(piece, (size_t)n));
	close(fd);
	ck_assert(!file->failed && file->len > 400);
}

static void make_images(struct rt_image images[static PLANES])
{
	for (unsigned i = 0; i < PLANES; i++) {
		struct build b;
		struct arena a;
		struct dset d;
		struct fault f;

		build_init(&b, &syntax_explicit_le, 1 << 16);
		put_image(&b, CT_EXPLICIT, i);
		ck_assert_int_eq(arena_open(&a, ARENA_BYTES, &f), OK);
		ck_assert_int_eq(dset_index(&d, buf_bytes(&b.out), &syntax_explicit_le, 0, &a, &f),
				 OK);
		ck_assert_int_eq(rt_image_read(&images[i], &d, &f), OK);
		ck_assert_ptr_null(images[i].unusable);
		arena_close(&a);
		build_free(&b);
	}
}

/* What reading one piece gave. */
struct found {
	bool opened, indexed, set_read, planned, json;
	uint32_t contours, used;
	size_t text_len;
};

/* An error says what is wrong, and that the input is; not that we are. */
static void sane(enum err e, const struct fault *f, const char *what, size_t at)
{
	if (e == OK)
		return;
	ck_assert_msg(e == ERR_WIRE || e == ERR_UNUSABLE || e == ERR_LIMIT || e == ERR_UNSUPPORTED,
		      "%s at %zu: error %d", what, at, (int)e);
	ck_assert_msg(f->code == e && f->text != NULL && *f->text != '\0', "%s at %zu: no reason",
		      what, at);
}

static void plan_set(const struct structset *set, const struct rt_image *images, struct arena *a,
		     size_t at, struct found *found)
{
	struct rt_options options = {.tolerance_mm = 1};
	struct rt_plan plan;
	struct fault f = {0};
	enum err e = rt_plan_make(&plan, set, images, PLANES, &options, a, &f);

	sane(e, &f, "rt_plan_make", at);
	found->planned = e == OK;
	for (uint32_t i = 0; e == OK && i < set->roi_count; i++)
		found->used += plan.rois[i].contours_used;
}

static void dump(const struct part10 *p, size_t at, struct found *found)
{
	struct dump_out out = dump_out_memory(DUMP_BYTES);
	struct fault f = {0};
	enum err text = dump_text(p, true, &out, &f);

	sane(text, &f, "dump_text", at);
	ck_assert_int_eq(dump_out_end(&out, &f), OK);
	found->text_len = out.text.len;
	ck_assert(out.text.len == 0 || out.text.at[out.text.len - 1] == '\n');
	out.text.len = 0;

	enum err json = dump_json(p, &out, &f);
	sane(json, &f, "dump_json", at);
	ck_assert_int_eq(dump_out_end(&out, &f), OK);
	ck_assert_msg((json == OK) == (out.text.len > 0), "dump_json at %zu: half an object", at);
	ck_assert_msg(json == text, "at %zu: dump_text says %d, dump_json %d", at, (int)text,
		      (int)json);
	found->json = json == OK;
	dump_out_free(&out);
}

/* Everything that reads, on one piece that nobody may read beyond. */
static struct found read_piece(struct bytes piece, const struct rt_image *images, struct arena *a,
			       size_t at)
{
	struct found found = {0};
	struct part10 p = PART10_NONE;
	struct structset set;
	struct dset d;
	struct fault f = {0};
	size_t mark = arena_mark(a);
	enum err e = part10_parse(&p, piece, &f);

	sane(e, &f, "part10_parse", at);
	found.opened = e == OK;
	if (found.opened) {
		e = dset_index(&d, p.data, p.syntax, 0, a, &f);
		sane(e, &f, "dset_index", at);
		found.indexed = e == OK;
		e = structset_read(&set, &p, a, &f);
		sane(e, &f, "structset_read", at);
		found.set_read = e == OK;
		if (e == OK) {
			found.contours = set.contour_count;
			plan_set(&set, images, a, at, &found);
		}
		dump(&p, at, &found);
	}
	part10_close(&p);
	arena_reset(a, mark);
	return found;
}

static struct found read_guarded(const uint8_t *at, size_t len, const struct rt_image *images,
				 struct arena *a, size_t where)
{
	uint8_t *copy = guard_copy(at, len);
	struct found found = read_piece(bytes_of(copy, len), images, a, where);

	guard_free(copy, len);
	return found;
}

/* Offsets in the file at which a top-level element of the structure set ends, from the end of ROI
 * Contour Sequence on; how many.  None where the data set is deflated. */
static size_t fair_cuts(const struct build *data, size_t file_len, struct arena *a,
			size_t cuts[static 8])
{
	struct dset d;
	struct fault f;
	size_t count = 0, start = file_len - data->out.len;

	if (data->syntax->deflated)
		return 0;
	ck_assert_int_eq(dset_index(&d, buf_bytes(&data->out), data->syntax, 0, a, &f), OK);
	for (const struct elem *e = dset_first(&d, NULL); e != NULL && count < 8;
	     e = dset_next(&d, NULL, e))
		if (e->tag > TAG_ROIContourSequence)
			cuts[count++] = start + (size_t)e->at - e->head;
	return count;
}

static bool among(size_t n, const size_t *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (list[i] == n)
			return true;
	return false;
}

static void check_whole(enum kind kind, const struct found *w)
{
	ck_assert_msg(w->opened && w->indexed && w->json, "%s: the whole file is not read",
		      kind_names[kind]);
	ck_assert_msg(w->set_read == is_set(kind), "%s: structure set?", kind_names[kind]);
	ck_assert_msg(w->planned == is_set(kind), "%s: planned?", kind_names[kind]);
	if (is_set(kind))
		ck_assert_msg(w->contours == 3 && w->used == 3, "%s: %u contours, %u used",
			      kind_names[kind], w->contours, w->used);
}

static bool can_do(enum kind kind)
{
#ifdef NETRT_MINIMAL
	if (kind == SET_DEFLATED) {
		test_skip("deflated files cut short: built without zlib");
		return false;
	}
#else
	(void)kind;
#endif
	return true;
}

START_TEST(every_prefix)
{
	enum kind kind = (enum kind)_i;
	struct rt_image images[PLANES];
	struct build data;
	struct buf file;
	struct arena a;
	struct fault f;
	size_t cuts[8];

	if (!can_do(kind))
		return;
	make_file(kind, &data, &file);
	make_images(images);
	ck_assert_int_eq(arena_open(&a, ARENA_BYTES, &f), OK);
	size_t cut_count = is_set(kind) ? fair_cuts(&data, file.len, &a, cuts) : 0;
	unsigned fds = test_open_fds();

	struct found whole = read_guarded(file.at, file.len, images, &a, file.len);
	check_whole(kind, &whole);
	for (size_t n = 0; n < file.len; n++) {
		struct found part = read_guarded(file.at, n, images, &a, n);
		bool fair = among(n, cuts, cut_count);

		ck_assert_msg(!part.planned || fair,
			      "%s: accepted, cut at %zu of %zu (%u contours)", kind_names[kind], n,
			      file.len, part.contours);
		ck_assert_msg(!fair || (part.planned && part.used == whole.used),
			      "%s: cut fairly at %zu: %u contours used", kind_names[kind], n,
			      part.used);
		ck_assert_msg(part.text_len <= whole.text_len + 200, "%s: more text at %zu",
			      kind_names[kind], n);
	}
	ck_assert_uint_eq(test_open_fds(), fds);
	arena_close(&a);
	buf_free(&file);
	build_free(&data);
}
END_TEST

/* Every byte replaced, one at a time: anything may come of it, but in good order. */
START_TEST(every_byte_spoilt)
{
	static const uint8_t values[] = {0x00, 0xFF, 0x80};
	enum kind kind = (enum kind)_i;
	struct rt_image images[PLANES];
	struct build data;
	struct buf file;
	struct arena a;
	struct fault f;

	if (!can_do(kind))
		return;
	make_file(kind, &data, &file);
	make_images(images);
	ck_assert_int_eq(arena_open(&a, ARENA_BYTES, &f), OK);
	for (size_t n = 128; n < file.len; n++) {
		uint8_t was = file.at[n];

		for (size_t i = 0; i < sizeof(values); i++) {
			file.at[n] = values[i];
			struct found part = read_guarded(file.at, file.len, images, &a, n);
			ck_assert_msg(part.used <= 3, "%s: %u contours, spoilt at %zu",
				      kind_names[kind], part.used, n);
		}
		file.at[n] = was;
	}
	arena_close(&a);
	buf_free(&file);
	build_free(&data);
}
END_TEST

Suite *suite_truncate(void);
Suite *suite_truncate(void)
{
	Suite *suite = suite_create("truncate");
	TCase *t = tcase_create("truncate");

	tcase_set_timeout(t, 300);
	tcase_add_loop_test(t, every_prefix, 0, KINDS);
	tcase_add_loop_test(t, every_byte_spoilt, 0, KINDS);
	suite_add_tcase(suite, t);
	return suite;
}
