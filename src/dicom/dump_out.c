#include "dicom/dump_out.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "dicom/dict.h"

#define PIECE (64u << 10)

struct dump_out dump_out_memory(size_t max)
{
	return (struct dump_out){.text = BUF_INIT(max), .fd = -1};
}

struct dump_out dump_out_fd(int fd)
{
	/* Values come in slices, but the longest text without a line end comes whole. */
	return (struct dump_out){.text = BUF_INIT(SIZE_MAX / 4), .fd = fd};
}

void dump_out_free(struct dump_out *o)
{
	buf_free(&o->text);
	buf_free(&o->utf8);
}

static void note_failure(struct dump_out *o)
{
	if (o->text.failed && o->error == OK)
		o->error = fault_set(&o->fault, ERR_NOMEM, "no memory for the text of the dump",
				     FAULT_NO_OFFSET);
}

static void flush(struct dump_out *o)
{
	note_failure(o);
	if (o->fd < 0)
		return;
	if (o->error == OK)
		o->error = file_write_all(o->fd, buf_bytes(&o->text), &o->fault);
	o->text.len = 0;
}

void dump_out_pace(struct dump_out *o)
{
	if (o->text.len >= PIECE || o->error != OK)
		flush(o);
}

enum err dump_out_end(struct dump_out *o, struct fault *f)
{
	flush(o);
	if (o->error != OK && f != NULL)
		*f = o->fault;
	return o->error;
}

struct bytes dump_out_utf8(struct dump_out *o, const struct charset *c, enum vr vr,
			   struct bytes text)
{
	/* Three bytes of UTF-8 for one are the most: U+FFFD, half-width katakana. */
	if (o->utf8.cap > 4 * PIECE)
		buf_free(&o->utf8);
	o->utf8.max = text.len <= SIZE_MAX / 4 ? 3 * text.len : 0;
	o->utf8.len = 0;
	charset_to_utf8(c, vr, text, &o->utf8);
	if (o->utf8.failed) {
		o->text.failed = true;
		note_failure(o);
		return BYTES_NONE;
	}
	return buf_bytes(&o->utf8);
}

size_t dump_out_slice(enum vr vr, struct bytes text)
{
	if (text.len <= PIECE)
		return text.len;
	if (!vr_info(vr)->uses_charset)
		return PIECE;
	/* Before a line end or another control character the state is the initial one, and in
	 * none of the encodings is it part of a character. */
	for (size_t n = PIECE; n > 0; n--)
		if (text.at[n] == '\r' || text.at[n] == '\n' || text.at[n] == '\t')
			return n;
	return text.len;
}

enum vr dump_vr(uint32_t tag, enum vr vr, bool explicit_vr, bool is_signed)
{
	struct dict_entry known;

	if (explicit_vr || !is_signed || vr != VR_US || !dict_find(tag, &known))
		return vr;
	return known.alt == VR_SS ? VR_SS : vr;
}

size_t dump_number_size(enum vr vr)
{
	switch (vr) {
	case VR_US:
	case VR_SS:
		return 2;
	case VR_AT:
	case VR_UL:
	case VR_SL:
	case VR_FL:
		return 4;
	case VR_UV:
	case VR_SV:
	case VR_FD:
		return 8;
	default:
		return 0;
	}
}

/* The shortest decimal that reads back as the same float or double. */
static bool float_text(double v, bool is_single, char out[static 32])
{
	if (!isfinite(v)) {
		snprintf(out, 32, "%s", isnan(v) ? "NaN" : v < 0 ? "-Infinity" : "Infinity");
		return false;
	}
	if (v == 0 && signbit(v)) { /* "-0" would be read as an integer */
		snprintf(out, 32, "-0.0");
		return true;
	}
	for (int digits = is_single ? 6 : 15; digits <= 17; digits++) {
		snprintf(out, 32, "%.*g", digits, v);
		double back = strtod(out, NULL);
		if (is_single ? (float)back == (float)v : back == v)
			break;
	}
	return true;
}

bool dump_number(enum vr vr, const uint8_t *at, bool big_endian, char out[static 32])
{
	const uint64_t exact = 1ull << 53;
	uint32_t u32 = 0;
	uint64_t u64 = 0;
	float single;
	double value;

	if (dump_number_size(vr) == 2)
		u32 = big_endian ? get_u16be(at) : get_u16le(at);
	if (dump_number_size(vr) == 4)
		u32 = big_endian ? get_u32be(at) : get_u32le(at);
	if (dump_number_size(vr) == 8)
		u64 = big_endian ? get_u64be(at) : get_u64le(at);

	switch (vr) {
	case VR_AT: /* two 16-bit halves, each in the byte order */
		snprintf(out, 32, "%04X%04X", big_endian ? get_u16be(at) : get_u16le(at),
			 big_endian ? get_u16be(at + 2) : get_u16le(at + 2));
		return false;
	case VR_FL:
		memcpy(&single, &u32, sizeof(single));
		return float_text((double)single, true, out);
	case VR_FD:
		memcpy(&value, &u64, sizeof(value));
		return float_text(value, false, out);
	case VR_SS:
		snprintf(out, 32, "%d", (int)(int16_t)u32);
		return true;
	case VR_SL:
		snprintf(out, 32, "%" PRId32, (int32_t)u32);
		return true;
	case VR_SV:
		snprintf(out, 32, "%" PRId64, (int64_t)u64);
		return u64 <= exact || u64 >= -exact;
	case VR_UV:
		snprintf(out, 32, "%" PRIu64, u64);
		return u64 <= exact;
	default:
		snprintf(out, 32, "%" PRIu32, u32);
		return true;
	}
}
