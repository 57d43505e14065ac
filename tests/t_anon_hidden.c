/*
 * anon/hidden: bits outside of Bits Stored in compressed frames.  RLE is made here; of JPEG and
 * JPEG 2000 only headers, which must suffice where they say that there is no room.  Streams of real
 * encoders are in tests/e2e/deid_objects.py.
 */
#include <check.h>
#include <string.h>

#include "anon/hidden.h"

Suite *suite_anon_hidden(void);

#define COUNT 6u /* samples of every frame: 3 x 2 */
#define LIT(text)                                         \
	{                                                 \
		(const uint8_t *)(text), sizeof(text) - 1 \
	}

/* RLE of literal runs; the most significant bytes first. */
static void put_rle(struct buf *out, const uint32_t *v, unsigned unit)
{
	uint8_t head[64] = {0};

	put_u32le(head, unit);
	for (unsigned i = 0; i < unit; i++)
		put_u32le(head + 4 + 4 * i, 64 + 8 * i);
	buf_add(out, bytes_of(head, sizeof(head)));
	for (unsigned i = 0; i < unit; i++) {
		buf_char(out, COUNT - 1);
		for (unsigned k = 0; k < COUNT; k++)
			buf_char(out, (char)(uint8_t)(v[k] >> 8 * (unit - 1 - i)));
		buf_char(out, '\0');
	}
}

static const struct {
	const char *name;
	uint16_t allocated, stored, high;
	bool is_signed;
	uint32_t padding; /* 0: none */
	uint32_t value;   /* of one sample; the others are 5 */
	enum err want;
} rle[] = {
	{"nothing", 16, 12, 11, false, 0, 0x0FFF, OK},
	{"the first bit above", 16, 12, 11, false, 0, 0x1FFF, ERR_UNSUPPORTED},
	{"the last one", 16, 12, 11, false, 0, 0x8005, ERR_UNSUPPORTED},
	{"all are stored", 16, 16, 15, false, 0, 0xFFFF, OK},
	{"a negative number", 16, 12, 11, true, 0, 0xF800, OK},
	{"its sign not above it", 16, 12, 11, true, 0, 0x0800, ERR_UNSUPPORTED},
	{"a bit more", 16, 12, 11, true, 0, 0xB800, ERR_UNSUPPORTED},
	{"a positive number with a bit", 16, 12, 11, true, 0, 0x4005, ERR_UNSUPPORTED},
	{"padding", 16, 12, 11, false, 0xF000, 0xF000, OK},
	{"other than padding", 16, 12, 11, false, 0xF000, 0xF001, ERR_UNSUPPORTED},
	{"of 8 bits", 8, 7, 6, false, 0, 0x85, ERR_UNSUPPORTED},
	{"of 8 bits, nothing", 8, 7, 6, false, 0, 0x7F, OK},
	{"of 32 bits", 32, 20, 19, false, 0, 0x00100005, ERR_UNSUPPORTED},
	{"of 32 bits, nothing", 32, 20, 19, false, 0, 0x000FFFFF, OK},
	{"below", 16, 12, 15, false, 0, 0x0015, ERR_UNSUPPORTED},
	{"numbers that make no sense", 16, 0, 0, false, 0, 0xFFFF, OK},
};

START_TEST(test_rle)
{
	for (unsigned place = 0; place < COUNT; place += COUNT - 1) {
		const unsigned unit = rle[_i].allocated / 8u;
		const struct sample_shape s = {
			.frame = {2, 3, 1, unit},
			.allocated = rle[_i].allocated,
			.stored = rle[_i].stored,
			.high = rle[_i].high,
			.is_signed = rle[_i].is_signed,
			.has_padding = rle[_i].padding != 0,
			.padding = (uint16_t)rle[_i].padding,
		};
		uint32_t fill = rle[_i].high == 15 && rle[_i].stored == 12 ? 0x50 : 5;
		uint32_t v[COUNT] = {fill, fill, fill, fill, fill, fill};
		struct buf stream = BUF_INIT(4096), room = BUF_INIT(1u << 20);
		struct fault f = {.text = NULL};

		v[place] = rle[_i].value;
		put_rle(&stream, v, unit);
		enum err e = hidden_check(&s, CODEC_RLE, buf_bytes(&stream), &room, &f);
		ck_assert_msg(e == rle[_i].want, "%s: %d %s", rle[_i].name, (int)e, f.text);
		ck_assert((e == OK) == (f.text == NULL));
		buf_free(&stream);
		buf_free(&room);
	}
}
END_TEST

/* Frame headers of 2 x 3 samples and nothing behind them. */
#define SOF(marker, bits) "\xFF\xD8\xFF" marker "\0\x0B" bits "\0\2\0\3\1\1\x11\0"
#define SIZ_HEAD                                                   \
	"\xFF\x4F\xFF\x51\0\x29\0\0"                               \
	"\0\0\0\3\0\0\0\2\0\0\0\0\0\0\0\0\0\0\0\3\0\0\0\2\0\0\0\0" \
	"\0\0\0\0\0"
#define SIZ(bits) SIZ_HEAD "\1" bits "\1\1"
#define SIZ3(a, b, c) SIZ_HEAD "\3" a "\1\1" b "\1\1" c "\1\1"

static const struct {
	const char *name;
	enum codec codec;
	struct bytes stream;
	uint16_t stored, high;
	enum err want;
} headers[] = {
	{"lossless of as many bits", CODEC_JPEG, LIT(SOF("\xC3", "\x0C")), 12, 11, OK},
	{"of fewer", CODEC_JPEG, LIT(SOF("\xC3", "\x0A")), 12, 11, OK},
	{"of more, and broken", CODEC_JPEG, LIT(SOF("\xC3", "\x10")), 12, 11, ERR_UNUSABLE},
	{"behind another segment", CODEC_JPEG,
	 LIT("\xFF\xD8\xFF\xC4\0\4\0\0\xFF\xFF\xC3\0\x0B\x0C\0\2\0\3\1\1\x11\0"), 12, 11, OK},
	{"JPEG-LS of as many", CODEC_JPEG, LIT(SOF("\xF7", "\x0C")), 12, 11, OK},
	{"of more, and broken", CODEC_JPEG, LIT(SOF("\xF7", "\x0D")), 12, 11, ERR_UNUSABLE},
	{"extended of as many", CODEC_JPEG, LIT(SOF("\xC1", "\x0C")), 12, 11, OK},
	{"extended of more, and broken", CODEC_JPEG, LIT(SOF("\xC1", "\x0C")), 10, 9, ERR_UNUSABLE},
	{"stored from above", CODEC_JPEG, LIT(SOF("\xC1", "\x0C")), 12, 15, ERR_UNUSABLE},
	{"no header", CODEC_JPEG, LIT("\xFF\xD8\xFF\xD9"), 12, 11, ERR_UNUSABLE},
	{"cut short", CODEC_JPEG, LIT("\xFF\xD8\xFF\xC3\0"), 12, 11, ERR_UNUSABLE},
	{"JPEG 2000 of as many", CODEC_J2K, LIT(SIZ("\x0B")), 12, 11, OK},
	{"signed", CODEC_J2K, LIT(SIZ("\x8B")), 12, 11, OK},
	{"of more", CODEC_J2K, LIT(SIZ("\x0F")), 12, 11, ERR_UNUSABLE},
	{"of more in one component", CODEC_J2K, LIT(SIZ3("\x0B", "\x0F", "\x0B")), 12, 11,
	 ERR_UNUSABLE},
	{"of as many in all", CODEC_J2K, LIT(SIZ3("\x0B", "\x0B", "\x0B")), 12, 11, OK},
	{"cut short", CODEC_J2K, LIT("\xFF\x4F\xFF\x51\0\x29"), 12, 11, ERR_UNUSABLE},
	{"RLE, broken", CODEC_RLE, LIT("\2\0\0\0"), 12, 11, ERR_UNUSABLE},
};

START_TEST(test_header)
{
	const struct sample_shape s = {.frame = {2, 3, 1, 2},
				       .allocated = 16,
				       .stored = headers[_i].stored,
				       .high = headers[_i].high};
	struct buf room = BUF_INIT(1u << 20);
	struct fault f = {.text = NULL};

	enum err e = hidden_check(&s, headers[_i].codec, headers[_i].stream, &room, &f);
	ck_assert_msg(e == headers[_i].want, "%s: %d %s", headers[_i].name, (int)e, f.text);
	ck_assert((e == OK) == (f.text == NULL));
	buf_free(&room);
}
END_TEST

/* Frames that no decoder takes, or that do not fit. */
START_TEST(test_no_decoder)
{
	static const struct frame frames[] = {
		{0, 3, 1, 2}, {2, 0, 1, 2}, {2, 3, 2, 2}, {2, 3, 4, 2}};
	struct buf room = BUF_INIT(16);
	struct fault f;

	for (size_t i = 0; i < sizeof(frames) / sizeof(frames[0]); i++) {
		const struct sample_shape s = {frames[i], 16, 12, 11, false, false, 0};

		ck_assert_int_eq(hidden_check(&s, CODEC_RLE, BYTES_LIT("x"), &room, &f),
				 ERR_UNUSABLE);
	}
	const struct sample_shape huge = {{65535, 65535, 3, 2}, 16, 12, 11, false, false, 0};
	ck_assert_int_eq(hidden_check(&huge, CODEC_RLE, BYTES_LIT("x"), &room, &f), ERR_LIMIT);
	const struct sample_shape small = {{2, 30, 1, 2}, 16, 12, 11, false, false, 0};
	ck_assert_int_eq(hidden_check(&small, CODEC_RLE, BYTES_LIT("x"), &room, &f), ERR_NOMEM);
	buf_free(&room);
}
END_TEST

#define ROWS(table) ((int)(sizeof(table) / sizeof((table)[0])))

Suite *suite_anon_hidden(void)
{
	Suite *s = suite_create("anon_hidden");
	TCase *t = tcase_create("hidden");

	tcase_add_loop_test(t, test_rle, 0, ROWS(rle));
	tcase_add_loop_test(t, test_header, 0, ROWS(headers));
	tcase_add_test(t, test_no_decoder);
	suite_add_tcase(s, t);
	return s;
}
