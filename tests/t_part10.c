/*
 * Files: every state in which meta information is found, encodings found by trying,
 * deflate and its limits, writing and reading back, truncation at every byte.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "dicom/build.h"
#include "dicom/deflate.h"
#include "dicom/part10.h"
#include "dicom/rewrite.h"
#include "support/hex.h"

Suite *suite_part10(void);

static struct arena arena;
static unsigned fds;

static void setup(void)
{
	fds = test_open_fds();
	ck_assert_int_eq(arena_open(&arena, 64u << 20, NULL), OK);
}

static void teardown(void)
{
	arena_close(&arena);
	ck_assert_uint_eq(test_open_fds(), fds);
}

/* ---- What is found where ---- */

#define E_META "0200 1000 'UI' 1400 '1.2.840.10008.1.2.1' 00"
#define I_META "0200 1000 'UI' 1200 '1.2.840.10008.1.2' 00"
#define B_META "0200 1000 'UI' 1400 '1.2.840.10008.1.2.2' 00"
#define E_SET "0800 1800 'UI' 0200 '1' 00 1000 1000 'PN' 0200 'ab'"
#define I_SET "0800 1800 02000000 '1' 00 1000 1000 02000000 'ab'"
#define B_SET "0008 0018 'UI' 0002 '1' 00 0010 0010 'PN' 0002 'ab'"

enum { GUESSED = 1, UNKNOWN = 2, WRONG = 4 };

static const struct {
	const char *name;
	bool preamble; /* 128 zeros and "DICM" first */
	const char *in;
	const char *syntax; /* UID of the data set; NULL: refused */
	size_t meta_len;
	unsigned flags;
	enum err want;
} files[] = {
	{"explicit", true, E_META E_SET, "1.2.840.10008.1.2.1", 28, 0, OK},
	{"implicit", true, I_META I_SET, "1.2.840.10008.1.2", 26, 0, OK},
	{"big endian", true, B_META B_SET, "1.2.840.10008.1.2.2", 28, 0, OK},
	{"group length", true, "0200 0000 'UL' 0400 1C000000" E_META E_SET, "1.2.840.10008.1.2.1",
	 40, 0, OK},
	{"group length too small", true, "0200 0000 'UL' 0400 01000000" E_META E_SET,
	 "1.2.840.10008.1.2.1", 40, 0, OK},
	{"group length too large", true, "0200 0000 'UL' 0400 FF000000" E_META E_SET,
	 "1.2.840.10008.1.2.1", 40, 0, OK},
	{"no data set", true, E_META, "1.2.840.10008.1.2.1", 28, 0, OK},
	{"nothing but a preamble", true, "", "1.2.840.10008.1.2.1", 0, GUESSED, OK},
	{"no transfer syntax, explicit", true, "0200 1300 'SH' 0200 'X ' " E_SET,
	 "1.2.840.10008.1.2.1", 10, GUESSED, OK},
	{"no transfer syntax, implicit", true, "0200 1300 'SH' 0200 'X ' " I_SET,
	 "1.2.840.10008.1.2", 10, GUESSED, OK},
	{"no transfer syntax, big endian", true, "0200 1300 'SH' 0200 'X ' " B_SET,
	 "1.2.840.10008.1.2.2", 10, GUESSED, OK},
	{"empty transfer syntax", true, "0200 1000 'UI' 0000" I_SET, "1.2.840.10008.1.2", 8,
	 GUESSED, OK},
	{"transfer syntax that is no UID", true, "0200 1000 'UI' 0400 'LEI ' " I_SET,
	 "1.2.840.10008.1.2", 12, GUESSED, OK},
	{"no meta information", true, I_SET, "1.2.840.10008.1.2", 0, GUESSED, OK},
	{"unknown transfer syntax", true, "0200 1000 'UI' 0600 '1.2.3' 00" E_SET, "1.2.3", 14,
	 UNKNOWN, OK},
	{"says implicit, is explicit", true, I_META E_SET, "1.2.840.10008.1.2.1", 26, WRONG, OK},
	{"says explicit, is implicit", true, E_META I_SET, "1.2.840.10008.1.2", 28, WRONG, OK},
	{"says big endian, is little", true, B_META E_SET, "1.2.840.10008.1.2.1", 28, WRONG, OK},
	{"says explicit, is nonsense", true, E_META "0102030405060708", "1.2.840.10008.1.2.1", 28,
	 0, OK},
	{"implicit meta information", true,
	 "0200 0000 04000000 1A000000 0200 1000 12000000 '1.2.840.10008.1.2' 00" I_SET,
	 "1.2.840.10008.1.2", 38, 0, OK},
	{"big endian meta information", true, "0002 0010 'UI' 0014 '1.2.840.10008.1.2.2' 00" B_SET,
	 "1.2.840.10008.1.2.2", 28, 0, OK},
	{"meta information in another order, twice", true,
	 "0200 1300 'SH' 0200 'X ' " E_META "0200 1300 'SH' 0000" E_SET, "1.2.840.10008.1.2.1", 46,
	 0, OK},
	{"private information in the meta information", true,
	 E_META "0200 0001 'UI' 0200 '1' 00 0200 0201 'OB' 0000 02000000 0102" E_SET,
	 "1.2.840.10008.1.2.1", 52, 0, OK},

	{"no preamble", false, E_META E_SET, "1.2.840.10008.1.2.1", 28, 0, OK},
	{"DICM without its preamble", false, "'DICM' " I_META I_SET, "1.2.840.10008.1.2", 26, 0,
	 OK},
	{"bare, explicit", false, E_SET, "1.2.840.10008.1.2.1", 0, GUESSED, OK},
	{"bare, implicit", false, I_SET, "1.2.840.10008.1.2", 0, GUESSED, OK},
	{"bare, big endian", false, B_SET, "1.2.840.10008.1.2.2", 0, GUESSED, OK},
	{"bare, begins with a group length", false,
	 "0800 0000 04000000 0A000000 0800 1800 02000000 '1' 00", "1.2.840.10008.1.2", 0, GUESSED,
	 OK},
	{"bare, begins with a sequence", false,
	 "0800 1511 FFFFFFFF FEFF 00E0 00000000 FEFF DDE0 00000000", "1.2.840.10008.1.2", 0,
	 GUESSED, OK},

	{"empty", false, "", NULL, 0, 0, ERR_UNUSABLE},
	{"one byte", false, "00", NULL, 0, 0, ERR_UNUSABLE},
	{"zeros", false, "00000000000000000000000000000000", NULL, 0, 0, ERR_UNUSABLE},
	{"text", false, "'Hello, this is no DICOM file at all.'", NULL, 0, 0, ERR_UNUSABLE},
	{"a PNG", false, "89 'PNG' 0D0A1A0A 0000000D 'IHDR'", NULL, 0, 0, ERR_UNUSABLE},
	{"a ZIP", false, "'PK' 0304 1400 0000 0800 0000 0000", NULL, 0, 0, ERR_UNUSABLE},
	{"a JPEG", false, "FFD8FFE0 0010 'JFIF' 00 0101", NULL, 0, 0, ERR_UNUSABLE},
	{"an ELF", false, "7F 'ELF' 02010100 00000000 00000000", NULL, 0, 0, ERR_UNUSABLE},
	{"a tag that is not in the dictionary", false, "0800 0200 02000000 '1' 00", NULL, 0, 0,
	 ERR_UNUSABLE},
	{"a known tag with a length beyond the end", false, "0800 1800 20000000 '1' 00", NULL, 0, 0,
	 ERR_UNUSABLE},
	{"meta information cut short", true, "0200 1000 'UI' 1400 '1.2.840'", NULL, 0, 0, ERR_WIRE},
	{"sequence in the meta information", true, "0200 0201 'SQ' 0000 00000000" E_META E_SET,
	 NULL, 0, 0, ERR_WIRE},
	{"preamble, then no data set", true, "FFFFFFFFFFFFFFFFFFFF", NULL, 0, 0, ERR_UNUSABLE},
};

static struct bytes with_preamble(struct bytes rest)
{
	uint8_t all[4096] = {0};

	ck_assert_uint_le(rest.len, sizeof(all) - 132);
	memcpy(all + 128, "DICM", 4);
	if (rest.len > 0)
		memcpy(all + 132, rest.at, rest.len);
	return bytes_of(guard_copy(all, rest.len + 132), rest.len + 132);
}

START_TEST(test_files)
{
	struct bytes body = hex(files[_i].in), in = files[_i].preamble ? with_preamble(body) : body;
	struct part10 p = PART10_NONE;
	struct fault f = {0};
	enum err e = part10_parse(&p, in, &f);

	ck_assert_msg(e == files[_i].want, "%s: %d, %s", files[_i].name, e, f.text);
	if (e != OK) {
		ck_assert_msg(f.code == e && f.text != NULL, "%s", files[_i].name);
		ck_assert_ptr_null(p.syntax);
	} else {
		ck_assert_msg(strcmp(p.syntax_uid.text, files[_i].syntax) == 0, "%s: %s",
			      files[_i].name, p.syntax_uid.text);
		ck_assert_msg(p.meta.len == files[_i].meta_len, "%s: meta of %zu", files[_i].name,
			      p.meta.len);
		ck_assert_msg(p.guessed == ((files[_i].flags & GUESSED) != 0) &&
				      p.syntax_unknown == ((files[_i].flags & UNKNOWN) != 0) &&
				      p.syntax_wrong == ((files[_i].flags & WRONG) != 0),
			      "%s", files[_i].name);
		ck_assert(p.has_preamble == files[_i].preamble);
		ck_assert_ptr_eq(p.syntax, p.syntax_unknown
						   ? &syntax_explicit_le
						   : syntax_find(bytes_str(p.syntax_uid.text)));
		ck_assert_uint_eq(p.data.len, in.len - p.data_at);
		ck_assert(part10_plausible(in));
	}
	if (e == ERR_UNUSABLE && !files[_i].preamble)
		ck_assert(!part10_plausible(in));
	part10_close(&p);
	if (files[_i].preamble)
		hex_free(in);
	hex_free(body);
}
END_TEST

START_TEST(test_close_nothing)
{
	struct part10 p = PART10_NONE;

	part10_close(&p);
	part10_close(&p);
}
END_TEST

START_TEST(test_open_errors)
{
	struct part10 p = PART10_NONE;
	struct fault f = {0};

	ck_assert_int_eq(part10_open(&p, AT_FDCWD, "/nowhere/nothing", &f), ERR_IO);
	ck_assert_int_eq(f.sys_errno, ENOENT);
	ck_assert_int_eq(part10_open(&p, AT_FDCWD, "/dev/null", &f), ERR_UNUSABLE);
	ck_assert_int_eq(part10_open(&p, AT_FDCWD, "/proc/self/cmdline", &f), ERR_UNUSABLE);
	ck_assert_ptr_null(p.syntax);
}
END_TEST

/* ---- Writing and reading back ---- */

static const char *const written_syntaxes[] = {
	"1.2.840.10008.1.2.1", "1.2.840.10008.1.2",  "1.2.840.10008.1.2.2",
	"1.2.840.10008.1.2.5", "1.2.840.113619.5.2", "1.2.840.10008.1.2.1.99",
};

static void build_sample(struct build *b, size_t pixels)
{
	uint16_t *values = calloc(pixels + 1, sizeof(*values));

	ck_assert_ptr_nonnull(values);
	for (size_t i = 0; i < pixels; i++)
		values[i] = (uint16_t)(i * 40503u);
	build_str(b, TAG_SOPClassUID, VR_UI, "1.2.840.10008.5.1.4.1.1.2");
	build_str(b, TAG_SOPInstanceUID, VR_UI, "1.2.3");
	build_sequence(b, TAG_ReferencedSeriesSequence);
	build_item(b);
	build_str(b, TAG_ReferencedSOPInstanceUID, VR_UI, "1.2.3.4");
	build_item_end(b);
	build_sequence_end(b);
	build_str(b, TAG_PatientName, VR_PN, "Doe^Jane");
	build_u16(b, TAG_PixelData, VR_OW, values, pixels);
	ck_assert(!b->out.failed);
	free(values);
}

static struct part10_out out_of(const struct syntax *s, const char *uid)
{
	struct part10_out o = {.syntax = s, .source_fd = -1};

	uid_set(&o.sop_class, BYTES_LIT("1.2.840.10008.5.1.4.1.1.2"));
	uid_set(&o.sop_instance, BYTES_LIT("1.2.3"));
	uid_set(&o.transfer_syntax, bytes_str(uid));
	return o;
}

static struct bytes contents(int fd)
{
	off_t len = lseek(fd, 0, SEEK_END);
	uint8_t *at = malloc((size_t)len + 1);

	ck_assert(len >= 0 && at != NULL);
	ck_assert_int_eq(pread(fd, at, (size_t)len, 0), len);
	close(fd);
	return bytes_of(at, (size_t)len);
}

static void expect_meta(const struct part10 *p, const struct part10_out *o)
{
	struct dset m;
	static const uint32_t tags[] = {
		TAG_FileMetaInformationGroupLength,
		TAG_FileMetaInformationVersion,
		TAG_MediaStorageSOPClassUID,
		TAG_MediaStorageSOPInstanceUID,
		TAG_TransferSyntaxUID,
		TAG_ImplementationClassUID,
		TAG_ImplementationVersionName,
	};

	ck_assert_int_eq(dset_index(&m, p->meta, p->meta_syntax, 0, &arena, NULL), OK);
	ck_assert_uint_eq(m.count, 7);
	for (unsigned i = 0; i < 7; i++)
		ck_assert_uint_eq(m.elems[i].tag, tags[i]);
	ck_assert_uint_eq(get_u32le(dset_value(&m, &m.elems[0]).at), p->meta.len - 12);
	ck_assert(bytes_eq_str(dset_text(&m, NULL, tags[2]), o->sop_class.text));
	ck_assert(bytes_eq_str(dset_text(&m, NULL, tags[3]), o->sop_instance.text));
	ck_assert(bytes_eq_str(dset_text(&m, NULL, tags[4]), o->transfer_syntax.text));
	ck_assert(bytes_eq_str(dset_text(&m, NULL, tags[5]), IMPLEMENTATION_CLASS_UID));
	ck_assert(uid_ok(BYTES_LIT(IMPLEMENTATION_CLASS_UID)));
	ck_assert(bytes_eq_str(dset_text(&m, NULL, tags[6]), IMPLEMENTATION_VERSION));
	ck_assert_uint_le(strlen(IMPLEMENTATION_VERSION), 16);
}

START_TEST(test_round_trip)
{
	const char *uid = written_syntaxes[_i];
	const struct syntax *s = syntax_find(bytes_str(uid));
	struct part10_out o = out_of(s, uid);
	struct part10 p = PART10_NONE;
	struct build b;
	struct fault f = {0};
	struct bytes views[200];
	int fd = memfd_create("out", 0);

	build_init(&b, s, 1u << 20);
	build_sample(&b, 1001);
	/* in many pieces, some of them empty */
	struct bytes all = buf_bytes(&b.out);
	for (size_t i = 0; i < 200; i++) {
		size_t from = all.len * i / 200, to = all.len * (i + 1) / 200;

		views[i] = bytes_slice(all, from, i % 50 == 7 ? 0 : to - from);
		if (i % 50 == 8)
			views[i] = bytes_slice(all, all.len * (i - 1) / 200,
					       to - all.len * (i - 1) / 200);
	}
	o.views = views;
	o.view_count = 200;
	enum err e = part10_write(fd, &o, &f);
#if NETRT_MINIMAL
	if (s->deflated) {
		ck_assert_int_eq(e, ERR_UNSUPPORTED);
		ck_assert_ptr_nonnull(strstr(f.text, "zlib"));
		close(fd);
		build_free(&b);
		return;
	}
#endif
	ck_assert_msg(e == OK, "%s: %s", uid, f.text);
	struct bytes file = contents(fd);
	ck_assert_msg(part10_parse(&p, file, &f) == OK, "%s: %s", uid, f.text);
	ck_assert(p.has_preamble && !p.guessed && p.syntax == s);
	ck_assert(bytes_eq(p.data, all));
	ck_assert_int_eq((p.inflated != NULL), s->deflated);
	ck_assert(!s->deflated || (file.len - p.data_at) % 2 == 0);
	for (unsigned i = 0; i < 128; i++)
		ck_assert_uint_eq(file.at[i], 0);
	expect_meta(&p, &o);
	part10_close(&p);
	free((void *)(uintptr_t)file.at);
	build_free(&b);
}
END_TEST

/* A source that cannot be read, and one that somebody has made shorter. */
static void expect_source_errors(const struct bytes *views, size_t count, struct bytes source,
				 const char *path)
{
	struct part10_out o = out_of(&syntax_explicit_le, "1.2.840.10008.1.2.1");
	int out = memfd_create("out", 0);
	struct fault f = {0};

	o.views = views;
	o.view_count = count;
	o.source = source;
	o.source_fd = open(path, O_WRONLY);
	ck_assert_int_eq(part10_write(out, &o, &f), ERR_IO);
	ck_assert_int_eq(f.sys_errno, EBADF);
	close(o.source_fd);
	ck_assert_int_eq(truncate(path, 5 << 20), 0);
	o.source_fd = open(path, O_RDONLY);
	ck_assert_int_eq(part10_write(out, &o, &f), ERR_IO);
	ck_assert_int_eq(f.sys_errno, 0);
	ck_assert_ptr_nonnull(strstr(f.text, "shorter"));
	close(o.source_fd);
	close(out);
}

/* Views into an open source, large enough to be read again, in pieces; small ones between. */
START_TEST(test_large_copy)
{
	char *folder = test_tmpdir(), source_path[600], out_path[600];
	size_t len = (9u << 20) + 123;
	uint8_t *bytes = malloc(len);
	struct file_map map = FILE_MAP_NONE;

	ck_assert_ptr_nonnull(bytes);
	for (size_t i = 0; i < len; i++)
		bytes[i] = (uint8_t)(i * 2654435761u >> 13);
	snprintf(source_path, sizeof(source_path), "%s/source", folder);
	snprintf(out_path, sizeof(out_path), "%s/out", folder);
	int fd = open(source_path, O_WRONLY | O_CREAT, 0600);
	ck_assert_int_eq(file_write_all(fd, bytes_of(bytes, len), NULL), OK);
	close(fd);
	ck_assert_int_eq(file_map(&map, AT_FDCWD, source_path, NULL), OK);

	struct bytes views[] = {
		bytes_slice(map.bytes, 3, 100),
		BYTES_LIT("in between"),
		bytes_slice(map.bytes, 1001, 4u << 20),
		bytes_slice(map.bytes, (4u << 20) + 1001, 4u << 20),
		BYTES_LIT("more"),
		bytes_of(bytes, 5u << 20), /* not in the source: written */
		bytes_slice(map.bytes, len - (5u << 20), 5u << 20),
		BYTES_LIT("end"),
	};
	size_t count = sizeof(views) / sizeof(views[0]), at = 0;
	for (int with_fd = 0; with_fd < 2; with_fd++) {
		struct part10_out o = out_of(&syntax_explicit_le, "1.2.840.10008.1.2.1");
		struct fault f = {0};

		o.views = views;
		o.view_count = count;
		o.source = map.bytes;
		o.source_fd = with_fd == 0 ? -1 : map.fd;
		fd = open(out_path, O_RDWR | O_CREAT | O_TRUNC, 0600);
		ck_assert_msg(part10_write(fd, &o, &f) == OK, "%s", f.text);
		struct bytes file = contents(fd);
		struct part10 p;
		ck_assert_int_eq(part10_parse(&p, file, &f), OK);
		at = p.data_at;
		for (size_t i = 0; i < count; i++) {
			ck_assert(at + views[i].len <= file.len);
			ck_assert(memcmp(file.at + at, views[i].at, views[i].len) == 0);
			at += views[i].len;
		}
		ck_assert_uint_eq(at, file.len);
		part10_close(&p);
		free((void *)(uintptr_t)file.at);
	}
	expect_source_errors(views, count, map.bytes, source_path);
	file_unmap(&map);
	free(bytes);
	test_tmpdir_remove(folder);
}
END_TEST

START_TEST(test_write_errors)
{
	struct part10_out o = out_of(&syntax_explicit_le, "1.2.840.10008.1.2.1");
	struct bytes view = BYTES_LIT("abcd");
	struct fault f = {0};
	int fd = open("/dev/full", O_WRONLY);

	o.views = &view;
	o.view_count = 1;
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(part10_write(fd, &o, &f), ERR_IO);
	ck_assert_int_eq(f.sys_errno, ENOSPC);
#if !NETRT_MINIMAL
	o.syntax = &syntax_deflated_le;
	ck_assert_int_eq(part10_write(fd, &o, &f), ERR_IO);
	ck_assert_int_eq(f.sys_errno, ENOSPC);
#endif
	close(fd);
}
END_TEST

/* ---- Deflate ---- */

#if NETRT_MINIMAL
START_TEST(test_no_zlib)
{
	struct bytes body = hex("0200 1000 'UI' 1600 '1.2.840.10008.1.2.1.99' 0300"),
		     in = with_preamble(body);
	struct part10 p = PART10_NONE;
	struct fault f = {0};

	ck_assert_int_eq(part10_parse(&p, in, &f), ERR_UNSUPPORTED);
	ck_assert_ptr_nonnull(strstr(f.text, "built without zlib"));
	hex_free(in);
	hex_free(body);
}
END_TEST
#else

#define D_META "0200 1000 'UI' 1600 '1.2.840.10008.1.2.1.99'"

static const struct {
	const char *name, *stream;
	enum err want;
	const char *data; /* what it inflates to */
} streams[] = {
	{"stored", "01 0500 FAFF 'hello'", OK, "hello"},
	{"stored, in two blocks", "00 0200 FDFF 'he' 01 0300 FCFF 'llo'", OK, "hello"},
	{"nothing", "0300", OK, ""},
	{"padded", "0300 00", OK, ""},
	{"in zlib's wrapping", "789C 01 0500 FAFF 'hello' 062C0215", OK, "hello"},
	{"damaged", "07 0500", ERR_WIRE, NULL},
	{"damaged length", "01 0500 0000 'hello'", ERR_WIRE, NULL},
	{"cut short", "01 0500 FAFF 'hel'", ERR_WIRE, NULL},
	{"empty", "", ERR_WIRE, NULL},
	{"zlib's wrapping, wrong sum", "789C 01 0500 FAFF 'hello' 062C0216", ERR_WIRE, NULL},
};

START_TEST(test_streams)
{
	char text[512];
	struct part10 p = PART10_NONE;
	struct fault f = {0};

	snprintf(text, sizeof(text), "0200 0000 'UL' 0400 1E000000" D_META "%s",
		 streams[_i].stream);
	struct bytes body = hex(text), in = with_preamble(body);
	enum err e = part10_parse(&p, in, &f);
	ck_assert_msg(e == streams[_i].want, "%s: %d, %s", streams[_i].name, e, f.text);
	if (e == OK)
		ck_assert_msg(bytes_eq_str(p.data, streams[_i].data), "%s", streams[_i].name);
	part10_close(&p);
	hex_free(in);
	hex_free(body);
}
END_TEST

/* 02 00, an empty block in fixed codes and the beginning of a stored one, looks like group 0002:
 * the group length tells that it is not. */
START_TEST(test_stream_like_meta)
{
	struct bytes body =
		hex("0200 0000 'UL' 0400 1E000000" D_META "0200 0500 FAFF 'hello' 0300");
	struct bytes in = with_preamble(body);
	struct part10 p = PART10_NONE;
	struct fault f = {0};

	ck_assert_msg(part10_parse(&p, in, &f) == OK, "%s", f.text);
	ck_assert_uint_eq(p.meta.len, 42);
	ck_assert(bytes_eq_str(p.data, "hello"));
	part10_close(&p);
	hex_free(in);
	hex_free(body);
}
END_TEST

/* A megabyte of nothing, again and again: what a file may become is bounded. */
START_TEST(test_bomb)
{
	size_t zeros = 1u << 20;
	uint8_t *block = calloc(1, zeros);
	struct bytes views[300];
	struct fault f = {0};
	void *map = NULL;
	size_t map_len = 0, len = 0;

	ck_assert_ptr_nonnull(block);
	for (size_t i = 0; i < 300; i++)
		views[i] = bytes_of(block, zeros);
	for (size_t megabytes = 255; megabytes <= 257; megabytes++) {
		int fd = memfd_create("bomb", 0);

		ck_assert_int_eq(deflate_write(fd, views, megabytes, NULL), OK);
		struct bytes in = contents(fd);
		ck_assert_uint_lt(in.len, 300000);
		ck_assert_int_eq(in.len % 2, 0);
		enum err e = deflate_expand(in, &map, &map_len, &len, &f);
		if (megabytes <= LIMIT_INFLATED_FREE >> 20) {
			ck_assert_int_eq(e, OK);
			ck_assert_uint_eq(len, megabytes << 20);
			deflate_free(map, map_len);
		} else {
			ck_assert_int_eq(e, ERR_LIMIT);
		}
		free((void *)(uintptr_t)in.at);
	}
	free(block);
}
END_TEST
#endif

/* ---- Truncation ---- */

static struct bytes small_file(int which)
{
	static const char *const uids[] = {"1.2.840.10008.1.2.1", "1.2.840.10008.1.2",
					   "1.2.840.10008.1.2.2", "1.2.840.10008.1.2.5"};
	struct part10_out o = out_of(syntax_find(bytes_str(uids[which])), uids[which]);
	struct build b;
	int fd = memfd_create("small", 0);

	build_init(&b, o.syntax, 65536);
	build_sample(&b, 20);
	if (which == 3) { /* encapsulated pixel data, undefined lengths */
		struct bytes more = hex("E07F 1000 'OB' 0000 FFFFFFFF FEFF 00E0 00000000"
					"FEFF 00E0 04000000 01020304 FEFF DDE0 00000000");

		b.out.len -= 12 + 40;
		buf_add(&b.out, more);
		hex_free(more);
	}
	struct bytes view = buf_bytes(&b.out);
	o.views = &view;
	o.view_count = 1;
	ck_assert_int_eq(part10_write(fd, &o, NULL), OK);
	build_free(&b);
	return contents(fd);
}

/* Read everything there is to read in a file; OK or an error with its words. */
static enum err read_all(struct bytes in, struct fault *f)
{
	struct part10 p = PART10_NONE;
	struct dset d;
	struct bytes *views;
	size_t count, total = 0;
	enum err e = part10_parse(&p, in, f);

	if (e != OK)
		return e;
	e = dset_index(&d, p.data, p.syntax, 0, &arena, f);
	if (e == OK)
		e = rewrite_plan(&d, NULL, 0, &arena, &views, &count, f);
	for (size_t i = 0; e == OK && i < count; i++)
		total += views[i].len;
	ck_assert(e != OK || total == p.data.len);
	part10_close(&p);
	arena_reset(&arena, 0);
	return e;
}

START_TEST(test_truncated)
{
	struct bytes file = small_file(_i);
	struct fault f = {0};
	size_t fine = 0;

	ck_assert_int_eq(read_all(file, &f), OK);
	for (size_t len = 0; len < file.len; len++) {
		uint8_t *copy = guard_copy(file.at, len);

		f = (struct fault){0};
		enum err e = read_all(bytes_of(copy, len), &f);
		if (e == OK) {
			fine++; /* cut between two elements */
		} else {
			ck_assert_msg(e == ERR_WIRE || e == ERR_UNUSABLE, "%zu: %d", len, e);
			ck_assert_msg(f.code == e && f.text != NULL, "%zu", len);
		}
		guard_free(copy, len);
	}
	/* after the magic, after each of 7 in the meta information, and between the elements */
	ck_assert_uint_ge(fine, 8);
	ck_assert_uint_le(fine, 24);
	free((void *)(uintptr_t)file.at);
}
END_TEST

/* Every byte of a small file changed to a few others: no crash, views inside, a message. */
START_TEST(test_damaged)
{
	static const uint8_t values[] = {0x00, 0xFF, 0x01, 0x7F, 0xFE, 'S', 'U'};
	struct bytes file = small_file(_i);

	for (size_t at = 0; at < file.len; at++) {
		for (size_t v = 0; v < sizeof(values); v++) {
			uint8_t *copy = guard_copy(file.at, file.len);
			struct fault f = {0};

			copy[at] = values[v];
			enum err e = read_all(bytes_of(copy, file.len), &f);
			ck_assert(e == OK || (f.code == e && f.text != NULL));
			guard_free(copy, file.len);
		}
	}
	free((void *)(uintptr_t)file.at);
}
END_TEST

/* ---- Real files ---- */

/* Name, transfer syntax found (NULL: refused, with that error), notes of its walk. */
static const struct {
	const char *name, *syntax;
	enum err want;
	unsigned notes;
} odd[] = {
	{"ExplVR_BigEndNoMeta.dcm", "1.2.840.10008.1.2.2", OK, 0},
	{"ExplVR_LitEndNoMeta.dcm", "1.2.840.10008.1.2.1", OK, 0},
	{"ExplVR_BigEnd.dcm", "1.2.840.10008.1.2.2", OK, WALK_GROUP_LENGTH},
	{"rtstruct.dcm", "1.2.840.10008.1.2", OK, 0},
	{"meta_missing_tsyntax.dcm", "1.2.840.10008.1.2", OK, WALK_ODD_LENGTH},
	{"no_meta_group_length.dcm", "1.2.840.10008.1.2", OK, 0},
	{"no_meta.dcm", NULL, ERR_UNUSABLE, 0}, /* begins one byte before its first element */
	{"MR_truncated.dcm", NULL, ERR_WIRE, 0},
	{"rtplan_truncated.dcm", NULL, ERR_WIRE, 0},
	{"UN_sequence.dcm", "1.2.840.10008.1.2.4.70", OK, 0},
	{"nested_priv_SQ.dcm", "1.2.840.10008.1.2", OK, WALK_ODD_LENGTH},
	{"JPEG2000-embedded-sequence-delimiter.dcm", "1.2.840.10008.1.2.4.91", OK, 0},
	{"SC_rgb_small_odd_big_endian.dcm", "1.2.840.10008.1.2.2", OK, 0},
	{"MR_small_padded.dcm", "1.2.840.10008.1.2.1", OK, 0},
#if !NETRT_MINIMAL
	{"deflate.dcm", "1.2.840.10008.1.2.1.99", OK, 0},
	{"image_dfl.dcm", "1.2.840.10008.1.2.1.99", OK, 0},
#endif
};

START_TEST(test_odd)
{
	char path[600];
	struct part10 p = PART10_NONE;
	struct dset d = {0};
	struct fault f = {0};

	if (test_data_dir() == NULL) {
		test_skip(odd[_i].name);
		return;
	}
	snprintf(path, sizeof(path), "%s/odd/%s", test_data_dir(), odd[_i].name);
	if (access(path, R_OK) != 0) {
		test_skip(odd[_i].name);
		return;
	}
	enum err e = part10_open(&p, AT_FDCWD, path, &f);
	if (e == OK)
		e = dset_index(&d, p.data, p.syntax, 0, &arena, &f);
	ck_assert_msg(e == odd[_i].want, "%s: %d, %s", odd[_i].name, e, f.text);
	if (e == OK) {
		ck_assert_msg(strcmp(p.syntax_uid.text, odd[_i].syntax) == 0, "%s: %s",
			      odd[_i].name, p.syntax_uid.text);
		ck_assert_msg(d.notes == odd[_i].notes, "%s: notes %x", odd[_i].name, d.notes);
	}
	part10_close(&p);
}
END_TEST

Suite *suite_part10(void)
{
	Suite *s = suite_create("part10");
	TCase *c = tcase_create("part10");

	tcase_set_timeout(c, 240);
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_loop_test(c, test_files, 0, sizeof(files) / sizeof(files[0]));
	tcase_add_test(c, test_close_nothing);
	tcase_add_test(c, test_open_errors);
	tcase_add_loop_test(c, test_round_trip, 0,
			    sizeof(written_syntaxes) / sizeof(written_syntaxes[0]));
	tcase_add_test(c, test_large_copy);
	tcase_add_test(c, test_write_errors);
#if NETRT_MINIMAL
	tcase_add_test(c, test_no_zlib);
#else
	tcase_add_loop_test(c, test_streams, 0, sizeof(streams) / sizeof(streams[0]));
	tcase_add_test(c, test_stream_like_meta);
	tcase_add_test(c, test_bomb);
#endif
	tcase_add_loop_test(c, test_truncated, 0, 4);
	tcase_add_loop_test(c, test_damaged, 0, 4);
	tcase_add_loop_test(c, test_odd, 0, sizeof(odd) / sizeof(odd[0]));
	suite_add_tcase(s, c);
	return s;
}
