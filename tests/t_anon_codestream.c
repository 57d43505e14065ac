/* anon/codestream, anon/frames: compressed streams that are put together here. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "anon/codestream.h"
#include "anon/frames.h"
#include "support/support.h"

Suite *suite_anon_codestream(void);

typedef enum err cleaner(struct bytes stream, struct buf *out, struct fault *f);

/* ---- streams ---- */

#define SOI "\xFF\xD8"
#define EOI "\xFF\xD9"
#define JFIF "\xFF\xE0\0\x10JFIF\0\1\1\0\0\1\0\1\0\0"
#define JFIF_THUMB "\xFF\xE0\0\x13JFIF\0\1\1\0\0\1\0\1\1\1SMI"
#define JFXX "\xFF\xE0\0\x0CJFXX\0SMITH"
#define EXIF             \
	"\xFF\xE1\0\x0A" \
	"Exif\0\0SM"
#define ADOBE            \
	"\xFF\xEE\0\x0E" \
	"Adobe\0\x64\0\0\0\0\1"
#define MRFX "\xFF\xE8\0\7mrfx\1"
#define ADOBE_LONG       \
	"\xFF\xEE\0\x13" \
	"Adobe\0\x64\0\0\0\0\1SMITH"
#define MRFX_LONG "\xFF\xE8\0\x0Cmrfx\1SMITH"
#define COM "\xFF\xFE\0\x0CSMITH^JOHN"
#define RES "\xFF\xF0\0\7SMITH"
#define DQT "\xFF\xDB\0\5\0\1\2"
#define SOF "\xFF\xC0\0\x0B\x08\0\1\0\1\1\1\x11\0"
#define DHT "\xFF\xC4\0\4\0\0"
#define SOS "\xFF\xDA\0\x08\1\1\0\0\x3F\0"
#define DATA "\x12\xFF\0\x34\xFF\xD0\x56\x57"
#define SOF55 "\xFF\xF7\0\x0B\x08\0\1\0\1\1\1\x11\0"
#define LSE "\xFF\xF8\0\4\1\0"
#define LSDATA "\x12\xFF\x7F\x34"

#define SOC "\xFF\x4F"
#define EOC "\xFF\xD9"
#define SIZ "\xFF\x51\0\6\0\0\0\0"
#define COD "\xFF\x52\0\4\0\0"
#define QCD "\xFF\x5C\0\4\0\0"
#define TLM "\xFF\x55\0\6\0\0\0\x12"
#define JCOM "\xFF\x64\0\x0C\0\1SMITHSON"
#define SOD "\xFF\x93"
#define SOT(psot) "\xFF\x90\0\x0A\0\0\0" psot "\0\1" /* psot: the last three bytes of it */
#define BODY "\x11\x22\xFF\x7F"
#define WITH_SOP "\xFF\x91\0\4\xFF\x95\x11\xFF\x92\x22"

#define LIT(s)                                         \
	{                                              \
		(const uint8_t *)("" s), sizeof(s) - 1 \
	}

static const struct {
	const char *name;
	cleaner *clean;
	struct bytes in, want; /* want.at NULL: refused */
} cases[] = {
	{"JPEG, nothing to strip", jpeg_clean, LIT(SOI JFIF DQT SOF DHT SOS DATA EOI),
	 LIT(SOI JFIF DQT SOF DHT SOS DATA EOI)},
	{"comment", jpeg_clean, LIT(SOI COM DQT SOF DHT SOS DATA EOI),
	 LIT(SOI DQT SOF DHT SOS DATA EOI)},
	{"Exif, and other segments", jpeg_clean, LIT(SOI JFIF EXIF RES DQT SOF DHT SOS DATA EOI),
	 LIT(SOI JFIF DQT SOF DHT SOS DATA EOI)},
	{"JFIF with a thumbnail, and its extension", jpeg_clean,
	 LIT(SOI JFIF_THUMB JFXX DQT SOF DHT SOS DATA EOI), LIT(SOI DQT SOF DHT SOS DATA EOI)},
	{"Adobe's says what the colors are", jpeg_clean, LIT(SOI ADOBE DQT SOF DHT SOS DATA EOI),
	 LIT(SOI ADOBE DQT SOF DHT SOS DATA EOI)},
	{"Adobe's and HP's with more in them", jpeg_clean,
	 LIT(SOI ADOBE_LONG MRFX_LONG DQT SOF DHT SOS DATA EOI), LIT(SOI DQT SOF DHT SOS DATA EOI)},
	{"comments between scans", jpeg_clean, LIT(SOI SOF DHT SOS DATA COM DHT SOS DATA COM EOI),
	 LIT(SOI SOF DHT SOS DATA DHT SOS DATA EOI)},
	{"fill bytes", jpeg_clean, LIT(SOI "\xFF\xFF" DQT SOF DHT SOS DATA "\xFF\xFF" EOI),
	 LIT(SOI DQT SOF DHT SOS DATA "\xFF\xFF" EOI)},
	{"after the end", jpeg_clean, LIT(SOI SOF DHT SOS DATA EOI "SMITH^JOHN"),
	 LIT(SOI SOF DHT SOS DATA EOI)},
	{"a second image after the end", jpeg_clean,
	 LIT(SOI SOF DHT SOS DATA EOI SOI COM SOF SOS DATA EOI), LIT(SOI SOF DHT SOS DATA EOI)},
	{"JPEG-LS", jpeg_clean, LIT(SOI SOF55 LSE COM SOS LSDATA EOI),
	 LIT(SOI SOF55 LSE SOS LSDATA EOI)},
	{"JPEG-LS with a color transformation", jpeg_clean, LIT(SOI MRFX SOF55 SOS LSDATA EOI),
	 LIT(SOI MRFX SOF55 SOS LSDATA EOI)},
	{"no scan", jpeg_clean, LIT(SOI COM EOI), {NULL, 0}},
	{"empty", jpeg_clean, LIT(""), {NULL, 0}},
	{"no JPEG", jpeg_clean, LIT("\x89PNG\r\n"), {NULL, 0}},
	{"a segment that is longer than the stream",
	 jpeg_clean,
	 LIT(SOI "\xFF\xFE\x10\0SMITH" SOF SOS DATA EOI),
	 {NULL, 0}},
	{"a segment shorter than its length",
	 jpeg_clean,
	 LIT(SOI "\xFF\xFE\0\1" SOF SOS DATA EOI),
	 {NULL, 0}},
	{"bytes between segments", jpeg_clean, LIT(SOI SOF "SMITH" SOS DATA EOI), {NULL, 0}},
	{"JPEG 2000, nothing to strip", j2k_clean,
	 LIT(SOC SIZ COD QCD TLM SOT("\0\0\x12") SOD BODY EOC),
	 LIT(SOC SIZ COD QCD TLM SOT("\0\0\x12") SOD BODY EOC)},
	{"comment in the main header", j2k_clean,
	 LIT(SOC SIZ JCOM COD QCD JCOM TLM SOT("\0\0\x12") SOD BODY EOC),
	 LIT(SOC SIZ COD QCD TLM SOT("\0\0\x12") SOD BODY EOC)},
	{"in a tile-part: its length, and no lengths of tile-parts then", j2k_clean,
	 LIT(SOC SIZ COD QCD TLM SOT("\0\0\x20") JCOM SOD BODY EOC),
	 LIT(SOC SIZ COD QCD SOT("\0\0\x12") SOD BODY EOC)},
	{"two tile-parts", j2k_clean,
	 LIT(SOC SIZ SOT("\0\0\x12") SOD BODY SOT("\0\0\x12") SOD BODY EOC),
	 LIT(SOC SIZ SOT("\0\0\x12") SOD BODY SOT("\0\0\x12") SOD BODY EOC)},
	{"a length of 0: up to the end", j2k_clean, LIT(SOC SIZ SOT("\0\0\0") JCOM SOD BODY EOC),
	 LIT(SOC SIZ SOT("\0\0\0") SOD BODY EOC)},
	{"after the end, with another end", j2k_clean,
	 LIT(SOC SIZ SOT("\0\0\0") SOD BODY EOC "SMITH" EOC),
	 LIT(SOC SIZ SOT("\0\0\0") SOD BODY EOC)},
	{"packet markers", j2k_clean, LIT(SOC SIZ SOT("\0\0\x18") SOD WITH_SOP EOC),
	 LIT(SOC SIZ SOT("\0\0\x18") SOD WITH_SOP EOC)},
	{"an end inside of a tile-part",
	 j2k_clean,
	 LIT(SOC SIZ SOT("\0\0\x19") SOD BODY EOC "SMITH" EOC),
	 {NULL, 0}},
	{"a marker that nobody knows",
	 j2k_clean,
	 LIT(SOC SIZ "\xFF\x30" SOT("\0\0\x12") SOD BODY EOC),
	 {NULL, 0}},
	{"another segment first",
	 j2k_clean,
	 LIT(SOC COD SIZ SOT("\0\0\x12") SOD BODY EOC),
	 {NULL, 0}},
	{"a box around it", j2k_clean, LIT("\0\0\0\x0CjP  \r\n\x87\n"), {NULL, 0}},
};

START_TEST(test_stream)
{
	struct buf out = BUF_INIT(1000), again = BUF_INIT(1000);
	struct fault f = {0};
	uint8_t *in = guard_copy(cases[_i].in.at, cases[_i].in.len);
	enum err e = cases[_i].clean(bytes_of(in, cases[_i].in.len), &out, &f);

	if (cases[_i].want.at == NULL) {
		ck_assert_msg(e == ERR_WIRE, "%s", cases[_i].name);
	} else {
		ck_assert_msg(e == OK, "%s: %s", cases[_i].name, f.text);
		ck_assert_msg(bytes_eq(buf_bytes(&out), cases[_i].want), "%s", cases[_i].name);
		ck_assert_int_eq(cases[_i].clean(buf_bytes(&out), &again, &f), OK);
		ck_assert(bytes_eq(buf_bytes(&out), buf_bytes(&again)));
	}
	guard_free(in, cases[_i].in.len);
	buf_free(&out);
	buf_free(&again);
}
END_TEST

/* Cut anywhere: refused, or (behind the end) whole. */
START_TEST(test_cut)
{
	struct bytes in = cases[_i].in, want = cases[_i].want;

	for (size_t len = 0; len < in.len && want.at != NULL; len++) {
		struct buf out = BUF_INIT(1000);
		uint8_t *copy = guard_copy(in.at, len);
		enum err e = cases[_i].clean(bytes_of(copy, len), &out, NULL);

		ck_assert(e == ERR_WIRE || (e == OK && bytes_eq(buf_bytes(&out), want)));
		guard_free(copy, len);
		buf_free(&out);
	}
}
END_TEST

START_TEST(test_no_memory)
{
	struct bytes in = cases[_i].in, want = cases[_i].want;

	for (size_t max = 0; max < want.len; max++) {
		struct buf out = BUF_INIT(max);

		ck_assert_int_eq(cases[_i].clean(in, &out, NULL), ERR_NOMEM);
		buf_free(&out);
	}
}
END_TEST

/* ---- RLE: two segments of four bytes ---- */

static void put_rle(struct buf *b, unsigned count, uint32_t first, uint32_t second,
		    struct bytes body)
{
	uint8_t head[64] = {0};

	put_u32le(head, count);
	put_u32le(head + 4, first);
	put_u32le(head + 8, second);
	buf_add(b, bytes_of(head, sizeof(head)));
	buf_add(b, body);
}

static const struct {
	const char *name;
	unsigned count;
	uint32_t first, second;
	struct bytes body;
	bool good;
} rle_cases[] = {
	{"plain", 2, 64, 66, LIT("\xFD\x11\xFD\x22"), true},
	{"literal runs, padded", 2, 64, 70, LIT("\3abcd\0\3efgh\0"), true},
	{"between and behind the segments", 2, 64, 72, LIT("\xFD\x11SMITH!\xFD\x22SMITH!"), true},
	{"before the first", 2, 70, 72, LIT("SMITH!\xFD\x11\xFD\x22"), true},
	{"no operation", 2, 64, 68, LIT("\x80\x80\xFD\x11\xFD\x22"), true},
	{"ends too early", 2, 64, 66, LIT("\xFD\x11\xFE\x22"), false},
	{"says more than there is", 2, 64, 66, LIT("\xFC\x11\xFD\x22"), false},
	{"cut in a run", 2, 64, 66, LIT("\xFD\x11\3ab"), false},
	{"another number of segments", 1, 64, 0, LIT("\xFD\x11\xFD\x22"), false},
	{"disordered", 2, 66, 64, LIT("\xFD\x11\xFD\x22"), false},
	{"in the header", 2, 0, 66, LIT("\xFD\x11\xFD\x22"), false},
	{"beyond the end", 2, 64, 99, LIT("\xFD\x11\xFD\x22"), false},
};

START_TEST(test_rle)
{
	struct buf in = BUF_INIT(1000), out = BUF_INIT(1000), again = BUF_INIT(1000);

	put_rle(&in, rle_cases[_i].count, rle_cases[_i].first, rle_cases[_i].second,
		rle_cases[_i].body);
	memcpy(in.at + 40, "SMITH", 5); /* where no segment is */
	uint8_t *copy = guard_copy(in.at, in.len);
	enum err e = rle_clean(bytes_of(copy, in.len), 2, 4, &out, NULL);
	ck_assert_msg(e == (rle_cases[_i].good ? OK : ERR_WIRE), "%s", rle_cases[_i].name);
	if (e == OK) {
		ck_assert(!bytes_has_nocase(buf_bytes(&out), BYTES_LIT("smith")));
		ck_assert_uint_eq(get_u32le(out.at + 4), 64);
		ck_assert_int_eq(rle_clean(buf_bytes(&out), 2, 4, &again, NULL), OK);
		ck_assert(bytes_eq(buf_bytes(&out), buf_bytes(&again)));
	}
	guard_free(copy, in.len);
	buf_free(&in);
	buf_free(&out);
	buf_free(&again);
}
END_TEST

/* ---- frames ---- */

#define ONE SOI SOF DHT SOS DATA EOI "\0" /* 42 bytes */
#define ONE_COM SOI COM SOF DHT SOS DATA EOI "\0"

struct piece {
	const char *at;
	size_t len;
};
#define P(s)                        \
	{                           \
		"" s, sizeof(s) - 1 \
	}
#define END_PIECES      \
	{               \
		NULL, 0 \
	}

static const struct {
	const char *name;
	uint32_t frames;
	struct piece pieces[5]; /* the table first */
	enum { SAME, MADE, REFUSED } want;
	struct piece made[5];
} frame_cases[] = {
	{"one frame, no table", 1, {P(""), P(ONE), END_PIECES}, SAME, {END_PIECES}},
	{"a table that is true", 1, {P("\0\0\0\0"), P(ONE), END_PIECES}, SAME, {END_PIECES}},
	{"two frames, a table that is true",
	 2,
	 {P("\0\0\0\0\x32\0\0\0"), P(ONE), P(ONE), END_PIECES},
	 SAME,
	 {END_PIECES}},
	{"a table that is not",
	 2,
	 {P("\0\0\0\0\x33\0\0\0"), P(ONE), P(ONE), END_PIECES},
	 MADE,
	 {P("\0\0\0\0\x32\0\0\0"), P(ONE), P(ONE), END_PIECES}},
	{"a table with more in it",
	 1,
	 {P("\0\0\0\0SMITH^JO"), P(ONE), END_PIECES},
	 MADE,
	 {P("\0\0\0\0"), P(ONE), END_PIECES}},
	{"a frame with a comment",
	 1,
	 {P(""), P(ONE_COM), END_PIECES},
	 MADE,
	 {P(""), P(ONE), END_PIECES}},
	{"the table follows the frames",
	 2,
	 {P("\0\0\0\0\x40\0\0\0"), P(ONE_COM), P(ONE), END_PIECES},
	 MADE,
	 {P("\0\0\0\0\x32\0\0\0"), P(ONE), P(ONE), END_PIECES}},
	{"bytes after the end of an image",
	 1,
	 {P(""), P(ONE "SMITH!"), END_PIECES},
	 MADE,
	 {P(""), P(ONE), END_PIECES}},
	{"padding that is not 0",
	 1,
	 {P(""), P(SOI SOF DHT SOS DATA EOI "S"), END_PIECES},
	 MADE,
	 {P(""), P(ONE), END_PIECES}},
	{"a frame in two fragments",
	 1,
	 {P(""), P(SOI SOF DHT "\xFF"), P("\xDA\0\x08\1\1\0\0\x3F\0" DATA EOI "\0"), END_PIECES},
	 SAME,
	 {END_PIECES}},
	{"two frames in three fragments, by what they begin with",
	 2,
	 {P(""), P(SOI SOF DHT "\xFF"), P("\xDA\0\x08\1\1\0\0\x3F\0" DATA EOI "\0"), P(ONE),
	  END_PIECES},
	 SAME,
	 {END_PIECES}},
	{"the same, where a table says it",
	 2,
	 {P("\0\0\0\0\x3A\0\0\0"), P(SOI SOF DHT "\xFF"),
	  P("\xDA\0\x08\1\1\0\0\x3F\0" DATA EOI "\0"), P(ONE), END_PIECES},
	 SAME,
	 {END_PIECES}},
	{"a table that puts them elsewhere",
	 2,
	 {P("\0\0\0\0\x39\0\0\0"), P(SOI SOF DHT "\xFF"),
	  P("\xDA\0\x08\1\1\0\0\x3F\0" DATA EOI "\0"), P(ONE), END_PIECES},
	 REFUSED,
	 {END_PIECES}},
	{"fragments that are no frame",
	 2,
	 {P(""), P(ONE), P("SMITH!"), P(ONE), END_PIECES},
	 MADE,
	 {P(""), P(ONE), P(ONE), END_PIECES}},
	{"more frames than fragments", 2, {P(""), P(ONE), END_PIECES}, REFUSED, {END_PIECES}},
	{"no fragment", 1, {P(""), END_PIECES}, REFUSED, {END_PIECES}},
	{"no image", 1, {P(""), P("SMITH!"), END_PIECES}, REFUSED, {END_PIECES}},
};

static void put_item(struct buf *b, uint8_t kind, struct piece p)
{
	uint8_t head[8] = {0xFE, 0xFF, kind, 0xE0};

	put_u32le(head + 4, (uint32_t)p.len);
	buf_add(b, bytes_of(head, sizeof(head)));
	buf_add(b, bytes_of(p.at, p.len));
}

static void put_element(struct buf *b, const struct piece *pieces)
{
	static const uint8_t head[] = {0xE0, 0x7F, 0x10, 0x00, 'O',  'B',
				       0,    0,    0xFF, 0xFF, 0xFF, 0xFF};

	buf_add(b, bytes_of(head, sizeof(head)));
	for (; pieces->at != NULL; pieces++)
		put_item(b, 0x00, *pieces);
	put_item(b, 0xDD, (struct piece){"", 0});
}

static struct frames frames_of(const struct buf *element, uint32_t count, const char *syntax)
{
	return (struct frames){.element = buf_bytes(element),
			       .head = 12,
			       .syntax = syntax_find(bytes_str(syntax)),
			       .count = count};
}

#define JPEG_SYNTAX "1.2.840.10008.1.2.4.50"

START_TEST(test_frames)
{
	struct buf element = BUF_INIT(1000), want = BUF_INIT(1000), made = BUF_INIT(0);
	struct fault f = {0};
	bool same;

	put_element(&element, frame_cases[_i].pieces);
	const struct frames in = frames_of(&element, frame_cases[_i].frames, JPEG_SYNTAX);
	enum err e = frames_clean(&in, &same, &made, &f);
	ck_assert_msg((e == OK) == (frame_cases[_i].want != REFUSED), "%s: %d %s",
		      frame_cases[_i].name, e, f.text);
	ck_assert_msg(same == (frame_cases[_i].want == SAME), "%s", frame_cases[_i].name);
	if (frame_cases[_i].want == MADE) {
		put_element(&want, frame_cases[_i].made);
		ck_assert_msg(bytes_eq(buf_bytes(&made), buf_bytes(&want)), "%s",
			      frame_cases[_i].name);
	}
	buf_free(&element);
	buf_free(&want);
	buf_free(&made);
}
END_TEST

/* What cannot be followed is told where it is, in the element: here in the second frame's second
 * fragment. */
START_TEST(test_place)
{
	static const struct piece pieces[] = {P(""), P(ONE), P(SOI SOF),
					      P("SMITH!" SOS DATA EOI "\0"), END_PIECES};
	struct buf element = BUF_INIT(1000), made = BUF_INIT(0);
	struct fault f = {0};
	bool same;

	put_element(&element, pieces);
	const struct frames in = frames_of(&element, 2, JPEG_SYNTAX);
	ck_assert_int_eq(frames_clean(&in, &same, &made, &f), ERR_WIRE);
	ck_assert_uint_lt(f.at, element.len);
	ck_assert(memcmp(element.at + f.at, "SMITH!", 6) == 0);
	buf_free(&element);
	buf_free(&made);
}
END_TEST

/* The delimiter is written where it is missing, and says nothing where it has a length. */
START_TEST(test_delimiter)
{
	static const struct piece pieces[] = {P(""), P(ONE), END_PIECES};
	struct buf element = BUF_INIT(1000), whole = BUF_INIT(1000), made = BUF_INIT(0);
	bool same;

	put_element(&element, pieces);
	put_element(&whole, pieces);
	if (_i == 0)
		element.len -= 8;
	else
		element.at[element.len - 1] = 'S';
	const struct frames in = frames_of(&element, 1, JPEG_SYNTAX);
	ck_assert_int_eq(frames_clean(&in, &same, &made, NULL), OK);
	ck_assert(!same && bytes_eq(buf_bytes(&made), buf_bytes(&whole)));
	buf_free(&element);
	buf_free(&whole);
	buf_free(&made);
}
END_TEST

START_TEST(test_syntaxes)
{
	static const struct {
		const char *uid;
		bool known;
	} syntaxes[] = {
		{"1.2.840.10008.1.2.4.50", true},   {"1.2.840.10008.1.2.4.51", true},
		{"1.2.840.10008.1.2.4.57", true},   {"1.2.840.10008.1.2.4.70", true},
		{"1.2.840.10008.1.2.4.80", true},   {"1.2.840.10008.1.2.4.81", true},
		{"1.2.840.10008.1.2.4.100", false}, {"1.2.840.10008.1.2.4.102", false},
		{"1.2.840.10008.1.2.4.94", false},  {"1.2.840.10008.1.2.4.110", false},
	};
	static const struct piece pieces[] = {P(""), P(ONE), END_PIECES};
	struct buf element = BUF_INIT(1000), made = BUF_INIT(0);
	bool same;

	put_element(&element, pieces);
	const struct frames in = frames_of(&element, 1, syntaxes[_i].uid);
	ck_assert_ptr_nonnull(in.syntax);
	ck_assert_int_eq(frames_clean(&in, &same, &made, NULL),
			 syntaxes[_i].known ? OK : ERR_UNSUPPORTED);
	buf_free(&element);
	buf_free(&made);
}
END_TEST

#define LENGTH(list) (int)(sizeof(list) / sizeof(list[0]))

Suite *suite_anon_codestream(void)
{
	Suite *s = suite_create("anon_codestream");
	TCase *tc = tcase_create("codestream");

	tcase_add_loop_test(tc, test_stream, 0, LENGTH(cases));
	tcase_add_loop_test(tc, test_cut, 0, LENGTH(cases));
	tcase_add_loop_test(tc, test_no_memory, 0, LENGTH(cases));
	tcase_add_loop_test(tc, test_rle, 0, LENGTH(rle_cases));
	tcase_add_loop_test(tc, test_frames, 0, LENGTH(frame_cases));
	tcase_add_test(tc, test_place);
	tcase_add_loop_test(tc, test_delimiter, 0, 2);
	tcase_add_loop_test(tc, test_syntaxes, 0, 10);
	suite_add_tcase(s, tc);
	return s;
}
