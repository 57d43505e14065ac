/*
 * The text dump: a line of each kind, and that nothing of a file reaches a terminal raw.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "dicom/dump.h"

Suite *suite_dump(void);

#define LIT(s)                                         \
	{                                              \
		(const uint8_t *)("" s), sizeof(s) - 1 \
	}

/* clang-format off */
static const struct {
	const char *name;
	const struct syntax *syntax;
	struct bytes data;
	const char *want; /* after the line about the file */
} rows[] = {
	{"nothing", &syntax_explicit_le,
	 LIT(""),
	 ""},
	{"text", &syntax_explicit_le,
	 LIT("\010\000\005\000" "CS" "\012\000" "ISO_IR 100"
	     "\020\000\020\000" "PN" "\016\000" "\304neas^R\374diger "
	     "\010\0000\020" "LO" "\014\000" "a\033[31m\233\007 bc\000"),
	 "(0008,0005) CS      10  SpecificCharacterSet              [ISO_IR 100]\n"
	 "(0010,0010) PN      14  PatientName                       [Äneas^Rüdiger]\n"
	 "(0008,1030) LO      12  StudyDescription                  [a\\x1B[31m\\xC2\\x9B\\x07 bc]\n"
	 "# note: disordered tags\n"},
	{"names of UIDs", &syntax_explicit_le,
	 LIT("\010\000\026\000" "UI" "\032\000" "1.2.840.10008.5.1.4.1.1.2\000"
	     "\010\000\030\000" "UI" "\006\000" "1.2.3\000"),
	 "(0008,0016) UI      26  SOPClassUID                       [1.2.840.10008.5.1.4.1.1.2] CT Image Storage\n"
	 "(0008,0018) UI       6  SOPInstanceUID                    [1.2.3]\n"},
	{"empty", &syntax_explicit_le,
	 LIT("\020\000\020\000" "PN" "\000\000" "\020\000 \000" "LO" "\002\000" "  "),
	 "(0010,0010) PN       0  PatientName\n"
	 "(0010,0020) LO       2  PatientID                         []\n"},
	{"numbers", &syntax_explicit_be,
	 LIT("\000\030\220\207" "FD" "\000\020"
	     "?\271\231\231\231\231\231\232\177\370\000\000\000\000\000\000"
	     "\000(\000\011" "AT" "\000\010" "\000\030\020c\177\340\000\020"
	     "\000(\000\020" "US" "\000\002" "\002\000"
	     "\000(\001\006" "SS" "\000\002" "\377\376"),
	 "(0018,9087) FD      16  DiffusionBValue                   0.1\\NaN\n"
	 "(0028,0009) AT       8  FrameIncrementPointer             (0018,1063)\\(7FE0,0010)\n"
	 "(0028,0010) US       2  Rows                              512\n"
	 "(0028,0106) SS       2  SmallestImagePixelValue           -2\n"},
	{"a number of the wrong length", &syntax_explicit_le,
	 LIT("(\000\020\000" "US" "\003\000" "\000\002\001"),
	 "(0028,0010) US       3  Rows                              512 (3 bytes are no multiple of 2)\n"
	 "# note: odd length\n"},
	{"bytes and words", &syntax_explicit_le,
	 LIT("\011\000\001\020" "OB" "\000\000\004\000\000\000" "\000\001\376\377"
	     "\011\000\002\020" "OW" "\000\000\004\000\000\000" "\000\001\376\377"
	     "\011\000\003\020" "OL" "\000\000\004\000\000\000" "\000\001\002\003"
	     "\011\000\004\020" "OW" "\000\000\003\000\000\000" "\000\001\002"),
	 "(0009,1001) OB       4  {private}                         00 01 fe ff\n"
	 "(0009,1002) OW       4  {private}                         0100 fffe\n"
	 "(0009,1003) OL       4  {private}                         03020100\n"
	 "(0009,1004) OW       3  {private}                         0100 02\n"
	 "# note: odd length\n"},
	{"words, big endian", &syntax_explicit_be,
	 LIT("\000\011\020\002" "OW" "\000\000\000\000\000\004" "\000\001\376\377"),
	 "(0009,1002) OW       4  {private}                         0001 feff\n"},
	{"unknown VR, unknown tag", &syntax_explicit_le,
	 LIT("\010\000\003\000" "ZZ" "\002\000" "ab"),
	 "(0008,0003) ??       2  ?                                 [ab]\n"
	 "# note: bytes that are no VR\n"},
	{"cut", &syntax_explicit_le,
	 LIT(" \000\000@" "LT" "f\000"
	     "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx "
	     "(\000\020\000" "US" "\"\000"
	     "\001\000\001\000\001\000\001\000\001\000\001\000\001\000\001\000\001\000\001\000\001\000\001\000\001\000\001\000\001\000\001\000\001\000"
	     "\340\177\020\000" "OW" "\000\000\022\000\000\000"
	     "\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000"),
	 "(0020,4000) LT     102  ImageComments                     [xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx] ... (101 bytes)\n"
	 "(0028,0010) US      34  Rows                              1\\1\\1\\1\\1\\1\\1\\1\\1\\1\\1\\1\\1\\1\\1\\1 ... (34 bytes)\n"
	 "(7FE0,0010) OW      18  PixelData                         0000 0000 0000 0000 0000 0000 0000 0000 ... (18 bytes)\n"},
	{"private creators", &syntax_explicit_le,
	 LIT("\011\000\020\000" "LO" "\010\000" "ACME 1.1"
	     "\011\000\021\000" "LO" "\006\000" "OTHER "
	     "\011\000\001\020" "UN" "\000\000\004\000\000\000" "text"
	     "\011\000\001\021" "UN" "\000\000\002\000\000\000" "\001\002"
	     "\011\000\001\022" "UN" "\000\000\002\000\000\000" "\001\002"
	     "\021\000\020\000" "LO" "\004\000" "\033[0m"
	     "\021\000\001\020" "UN" "\000\000\002\000\000\000" "\001\002"),
	 "(0009,0010) LO       8  PrivateCreator                    [ACME 1.1]\n"
	 "(0009,0011) LO       6  PrivateCreator                    [OTHER]\n"
	 "(0009,1001) UN       4  {ACME 1.1}                        [text]\n"
	 "(0009,1101) UN       2  {OTHER}                           01 02\n"
	 "(0009,1201) UN       2  {private}                         01 02\n"
	 "(0011,0010) LO       4  PrivateCreator                    [\\x1B[0m]\n"
	 "(0011,1001) UN       2  {\\x1B[0m}                         01 02\n"},
	{"sequences", &syntax_explicit_le,
	 LIT("\00609\000" "SQ" "\000\000\377\377\377\377" "\376\377\000\340\377\377\377\377"
	     "\011\000\020\000" "LO" "\002\000" "IN"
	     "\0060@\000" "SQ" "\000\000\022\000\000\000" "\376\377\000\340\012\000\000\000"
	     "\0060F\000" "IS" "\002\000" "3 " "\376\377\015\340\000\000\000\000"
	     "\376\377\000\340\377\377\377\377"
	     "\011\000\001\020" "UN" "\000\000\002\000\000\000" "\001\002"
	     "\376\377\015\340\000\000\000\000" "\376\377\335\340\000\000\000\000"
	     "\0160\002\000" "CS" "\010\000" "APPROVED"),
	 "(3006,0039) SQ       -  ROIContourSequence\n"
	 "  Item 1\n"
	 "    (0009,0010) LO       2  PrivateCreator                    [IN]\n"
	 "    (3006,0040) SQ      18  ContourSequence\n"
	 "      Item 1  (10 bytes)\n"
	 "        (3006,0046) IS       2  NumberOfContourPoints             [3]\n"
	 "  Item 2\n"
	 "    (0009,1001) UN       2  {private}                         01 02\n"
	 "(300E,0002) CS       8  ApprovalStatus                    [APPROVED]\n"},
	{"character sets by item", &syntax_explicit_le,
	 LIT("\010\000\005\000" "CS" "\012\000" "ISO_IR 100"
	     "\010\000@\021" "SQ" "\000\000\377\377\377\377" "\376\377\000\340\377\377\377\377"
	     "\010\000\005\000" "CS" "\012\000" "ISO_IR 144"
	     "\020\000 \000" "LO" "\002\000" "\273 " "\376\377\015\340\000\000\000\000"
	     "\376\377\335\340\000\000\000\000" "\020\000 \000" "LO" "\002\000" "\351 "),
	 "(0008,0005) CS      10  SpecificCharacterSet              [ISO_IR 100]\n"
	 "(0008,1140) SQ       -  ReferencedImageSequence\n"
	 "  Item 1\n"
	 "    (0008,0005) CS      10  SpecificCharacterSet              [ISO_IR 144]\n"
	 "    (0010,0020) LO       2  PatientID                         [Л]\n"
	 "(0010,0020) LO       2  PatientID                         [é]\n"},
	{"a character set that is none", &syntax_explicit_le,
	 LIT("\010\000\005\000" "CS" "\004\000" "KOI8" "\020\000 \000" "LO" "\002\000" "\273 "),
	 "(0008,0005) CS       4  SpecificCharacterSet              [KOI8]\n"
	 "(0010,0020) LO       2  PatientID                         [\357\277\275]\n"
	 "# note: unknown term in Specific Character Set\n"},
	{"encapsulated pixel data", &syntax_explicit_le,
	 LIT("\340\177\020\000" "OB" "\000\000\377\377\377\377"
	     "\376\377\000\340\004\000\000\000\000\000\000\000"
	     "\376\377\000\340\002\000\000\000\377\330" "\376\377\000\340\002\000\000\000ab"
	     "\376\377\000\340\002\000\000\000ab" "\376\377\000\340\002\000\000\000ab"
	     "\376\377\000\340\002\000\000\000ab" "\376\377\000\340\002\000\000\000ab"
	     "\376\377\000\340\002\000\000\000ab" "\376\377\000\340\002\000\000\000ab"
	     "\376\377\000\340\002\000\000\000ab" "\376\377\335\340\000\000\000\000"),
	 "(7FE0,0010) OB       -  PixelData\n"
	 "  Fragment 0: 4 bytes (offset table)  00000000\n"
	 "  Fragment 1: 2 bytes  ff d8\n"
	 "  Fragment 2: 2 bytes  61 62\n"
	 "  Fragment 3: 2 bytes  61 62\n"
	 "  Fragment 4: 2 bytes  61 62\n"
	 "  Fragment 5: 2 bytes  61 62\n"
	 "  Fragment 6: 2 bytes  61 62\n"
	 "  Fragment 7: 2 bytes  61 62\n"
	 "  10 fragments, 22 bytes\n"},
	{"US or SS in implicit VR", &syntax_implicit_le,
	 LIT("(\000\003\001" "\002\000\000\000" "\001\000"
	     "(\000\006\001" "\002\000\000\000" "\377\377"),
	 "(0028,0103) US       2  PixelRepresentation               1\n"
	 "(0028,0106) SS       2  SmallestImagePixelValue           -1\n"},
};
/* clang-format on */

static struct part10 object(struct bytes data, const struct syntax *syntax)
{
	return (struct part10){.map = FILE_MAP_NONE, .file = data, .data = data, .syntax = syntax};
}

/* UTF-8, and no control character but the ends of lines. */
static bool is_clean(struct bytes text)
{
	uint32_t code;

	while (text.len > 0) {
		unsigned n = utf8_next(text, &code);

		if (n == 0 || (code < 0x20 && code != '\n') || (code >= 0x7F && code < 0xA0))
			return false;
		text.at += n;
		text.len -= n;
	}
	return true;
}

START_TEST(shows)
{
	struct part10 p = object(rows[_i].data, rows[_i].syntax);
	struct dump_out out = dump_out_memory(1u << 20);
	struct fault f = {0};

	enum err e = dump_text(&p, false, &out, &f);
	ck_assert_msg(e == OK, "%s: %s at %llu", rows[_i].name, f.text, (unsigned long long)f.at);
	ck_assert(dump_out_end(&out, NULL) == OK);
	const char *got = strchr((const char *)out.text.at, '\n');
	ck_assert_ptr_nonnull(got);
	ck_assert_msg(strcmp(got + 1, rows[_i].want) == 0, "%s: got\n%s", rows[_i].name, got + 1);
	ck_assert_msg(is_clean(buf_bytes(&out.text)), "%s", rows[_i].name);
	dump_out_free(&out);
}
END_TEST

/* Every line of `text` that is about an element is, in order, one of the first lines of `whole`. */
static bool says_no_more(const char *text, const char *whole)
{
	while (*text != '\0') {
		size_t n = strcspn(text, "\n") + 1;
		bool about_elements = text[0] != '#' && memmem(text, n, " fragments, ", 12) == NULL;

		if (about_elements && strncmp(text, whole, n) != 0)
			return false;
		whole += about_elements ? n : 0;
		text += n;
	}
	return true;
}

/* A file that was cut short shows nothing that was not in it. */
START_TEST(cut_anywhere)
{
	for (size_t n = 0; n < rows[_i].data.len; n++) {
		struct part10 p = object(bytes_slice(rows[_i].data, 0, n), rows[_i].syntax);
		struct dump_out out = dump_out_memory(1u << 20);
		struct fault f = {0};

		enum err e = dump_text(&p, false, &out, &f);
		const char *text = strchr((const char *)out.text.at, '\n') + 1;
		ck_assert_msg(e == OK || e == ERR_WIRE, "%s: first %zu bytes", rows[_i].name, n);
		ck_assert_msg(says_no_more(text, rows[_i].want), "%s: first %zu bytes:\n%s",
			      rows[_i].name, n, text);
		dump_out_free(&out);
	}
}
END_TEST

/* Any beginning, and any one byte turned round: text that is clean, in both lengths; an error is
 * in the text and in the result. */
START_TEST(damaged_anywhere)
{
	struct bytes data = rows[_i].data;

	for (size_t n = 0; n <= 2 * data.len; n++) {
		size_t len = n < data.len ? n : data.len;
		uint8_t *exact = malloc(len == 0 ? 1 : len);
		struct fault f = {0};

		ck_assert_ptr_nonnull(exact);
		if (len > 0)
			memcpy(exact, data.at, len);
		if (n >= data.len && n - data.len < len)
			exact[n - data.len] ^= 0xFF;
		struct part10 p = object(bytes_of(exact, len), rows[_i].syntax);
		for (int whole = 0; whole < 2; whole++) {
			struct dump_out out = dump_out_memory(1u << 20);
			enum err e = dump_text(&p, whole != 0, &out, &f);
			const char *text = (const char *)out.text.at;

			ck_assert_msg(is_clean(buf_bytes(&out.text)), "%s: %zu", rows[_i].name, n);
			ck_assert_msg((strstr(text, "\n# error: ") != NULL) == (e != OK),
				      "%s: %zu: %s", rows[_i].name, n, text);
			dump_out_free(&out);
		}
		free(exact);
	}
}
END_TEST

START_TEST(little_memory)
{
	struct part10 p = object(rows[_i].data, rows[_i].syntax);

	for (size_t max = 0; max < strlen(rows[_i].want); max += 7) {
		struct dump_out out = dump_out_memory(max);
		struct fault f = {0};

		ck_assert(dump_text(&p, true, &out, &f) == OK);
		ck_assert_msg(dump_out_end(&out, &f) == ERR_NOMEM, "%s: max %zu", rows[_i].name,
			      max);
		dump_out_free(&out);
	}
}
END_TEST

/* What could be read is shown, then where it could not, as an offset in the file. */
START_TEST(error_after_what_was_read)
{
	struct bytes file = BYTES_LIT("12345"
				      "\020\000\020\000"
				      "PN"
				      "\002\000"
				      "a "
				      "\020\000\040\000"
				      "LO"
				      "\004\000"
				      "b");
	struct part10 p = object(bytes_slice(file, 5, file.len - 5), &syntax_explicit_le);
	struct dump_out out = dump_out_memory(1000);
	struct fault f = {0};

	p.file = file;
	p.data_at = 5;
	ck_assert(dump_text(&p, false, &out, &f) == ERR_WIRE);
	ck_assert_uint_eq(f.at, 15);
	const char *text = (const char *)out.text.at;
	ck_assert_msg(strstr(text, "PatientName                       [a]\n# ") != NULL, "%s",
		      text);
	ck_assert_msg(strstr(text, "# error: the data end inside an element (offset 15, attribute "
				   "(0010,0020))\n") != NULL,
		      "%s", text);
	dump_out_free(&out);
}
END_TEST

/* File meta information comes first, in its own encoding. */
START_TEST(meta_first)
{
	struct bytes meta = BYTES_LIT("\002\000\020\000"
				      "UI"
				      "\024\000"
				      "1.2.840.10008.1.2.2\0");
	struct bytes data = BYTES_LIT("\000\020\000\020"
				      "PN"
				      "\000\002"
				      "a ");
	struct part10 p = object(data, &syntax_explicit_be);
	struct dump_out out = dump_out_memory(1000);
	struct fault f = {0};

	p.meta = meta;
	p.meta_syntax = &syntax_explicit_le;
	p.file = meta;
	p.has_preamble = true;
	p.inflated = &p; /* its being there is what is looked at */
	ck_assert(dump_text(&p, false, &out, &f) == OK);
	ck_assert_str_eq((const char *)out.text.at,
			 "# DICOM file, 28 bytes, Explicit VR Big Endian\n"
			 "# inflated to 10 bytes\n"
			 "(0002,0010) UI      20  TransferSyntaxUID                 "
			 "[1.2.840.10008.1.2.2] Explicit VR Big Endian\n"
			 "# data set\n"
			 "(0010,0010) PN       2  PatientName                       [a]\n");
	dump_out_free(&out);
}
END_TEST

/* A cut at so many bytes of input does not show half a character. */
START_TEST(cut_between_characters)
{
	static const char head[] = "\010\000\005\000"
				   "CS"
				   "\012\000"
				   "ISO_IR 192"
				   "\020\000\000@"
				   "LT"
				   "\160\027"; /* 6000 */
	struct buf b = BUF_INIT(10000);
	struct fault f = {0};

	buf_add(&b, bytes_of(head, sizeof(head) - 1));
	for (int i = 0; i < 2000; i++)
		buf_str(&b, "\346\274\242");
	struct part10 p = object(buf_bytes(&b), &syntax_explicit_le);
	struct dump_out out = dump_out_memory(100000), whole = dump_out_memory(100000);
	ck_assert(dump_text(&p, false, &out, &f) == OK);
	ck_assert(dump_text(&p, true, &whole, &f) == OK);
	ck_assert_ptr_nonnull(
		strstr((const char *)out.text.at, "\346\274\242\346\274\242] ... (6000 bytes)\n"));
	ck_assert(strstr((const char *)out.text.at, "\357\277\275") == NULL);
	ck_assert_uint_lt(out.text.len, 1000);
	ck_assert_uint_gt(whole.text.len, 6000);
	dump_out_free(&out);
	dump_out_free(&whole);
	buf_free(&b);
}
END_TEST

Suite *suite_dump(void)
{
	Suite *s = suite_create("dump");
	TCase *t = tcase_create("dump");
	int count = (int)(sizeof(rows) / sizeof(rows[0]));

	tcase_add_loop_test(t, shows, 0, count);
	tcase_add_loop_test(t, cut_anywhere, 0, count);
	tcase_add_loop_test(t, damaged_anywhere, 0, count);
	tcase_add_loop_test(t, little_memory, 0, count);
	tcase_add_test(t, error_after_what_was_read);
	tcase_add_test(t, meta_first);
	tcase_add_test(t, cut_between_characters);
	suite_add_tcase(s, t);
	return s;
}
