/*
 * Markers (ITU-T T.81 annex B, T.87 annex C, T.800 annex A): FF xx, then for most a length that
 * counts itself.  Entropy coded data of JPEG goes on to the next FF that is not followed by 00, a
 * restart marker, or (JPEG-LS) a byte below 80.  Tile-parts of JPEG 2000 say their own length; in
 * the packets inside no FF is followed by a byte above 8F, so what hides there can be told.
 */
#include "anon/codestream.h"

#include <string.h>

enum {
	M_SOI = 0xD8,
	M_EOI = 0xD9,
	M_SOS = 0xDA,
	M_APP0 = 0xE0,
	M_APP8 = 0xE8,
	M_APP14 = 0xEE,
	M_JPG = 0xC8,
	M_SOF55 = 0xF7,
	M_LSE = 0xF8,
	J_SOC = 0x4F,
	J_SIZ = 0x51,
	J_SOT = 0x90,
	J_SOP = 0x91,
	J_EPH = 0x92,
	J_SOD = 0x93,
	J_EOC = 0xD9,
	J_COM = 0x64,
	J_TLM = 0x55, /* lengths of tile-parts: optional, and true only while none of these changes
		       */
};

#define RLE_HEAD 64u
#define RLE_SEGMENTS 15u

static enum err broken(struct fault *f, size_t at)
{
	return fault_set(f, ERR_WIRE, "compressed pixel data cannot be followed to its end", at);
}

static enum err finished(const struct buf *out, struct fault *f)
{
	return out->failed ? fault_set(f, ERR_NOMEM, "no memory for pixel data", FAULT_NO_OFFSET)
			   : OK;
}

/* A segment: FF, marker, length, content; false when it does not fit. */
static bool segment(struct bytes s, size_t at, struct bytes *whole)
{
	if (s.len - at < 4)
		return false;
	size_t len = get_u16be(s.at + at + 2);
	if (len < 2 || len > s.len - at - 2)
		return false;
	*whole = bytes_slice(s, at, len + 2);
	return true;
}

static bool marker_at(struct bytes s, size_t at, uint8_t marker)
{
	return at < s.len && s.len - at >= 2 && s.at[at] == 0xFF && s.at[at + 1] == marker;
}

/* ---- JPEG, JPEG-LS ---- */

/* What decoders need: frames, tables, scans; and of applications only what says what the
 * components are: JFIF without thumbnail, Adobe, the color transformation of HP's JPEG-LS. */
static bool is_needed(uint8_t marker, struct bytes whole)
{
	switch (marker) {
	case M_APP0:
		return whole.len == 18 && memcmp(whole.at + 4, "JFIF", 5) == 0;
	case M_APP8:
		return whole.len == 9 && memcmp(whole.at + 4, "mrfx", 4) == 0;
	case M_APP14:
		return whole.len == 16 && memcmp(whole.at + 4, "Adobe", 5) == 0;
	case M_SOF55:
	case M_LSE:
		return true;
	default:
		return (marker >= 0xC0 && marker <= 0xCF && marker != M_JPG) ||
		       (marker >= 0xDB && marker <= 0xDF);
	}
}

/* From after a scan header to the next marker that ends the scan. */
static size_t end_of_scan(struct bytes s, size_t at)
{
	while (at < s.len) {
		const uint8_t *ff = memchr(s.at + at, 0xFF, s.len - at);

		if (ff == NULL)
			return s.len;
		at = (size_t)(ff - s.at);
		if (at + 1 >= s.len)
			return s.len;
		uint8_t next = s.at[at + 1];
		if (next >= 0x80 && next != 0xFF && !(next >= 0xD0 && next <= 0xD7))
			return at;
		at += next == 0xFF ? 1 : 2;
	}
	return s.len;
}

enum err jpeg_clean(struct bytes s, struct buf *out, struct fault *f)
{
	size_t at = 2;
	bool scanned = false;

	if (!marker_at(s, 0, M_SOI))
		return broken(f, 0);
	buf_add(out, bytes_slice(s, 0, 2));
	while (at + 1 < s.len && s.at[at] == 0xFF) {
		uint8_t marker = s.at[at + 1];
		struct bytes whole;

		if (marker == 0xFF) { /* fill byte */
			at++;
			continue;
		}
		if (marker == M_EOI) {
			buf_add(out, bytes_slice(s, at, 2));
			return scanned ? finished(out, f) : broken(f, at);
		}
		if (marker < 0xC0 || (marker >= 0xD0 && marker <= M_SOI) || !segment(s, at, &whole))
			return broken(f, at);
		if (marker == M_SOS) {
			size_t end = end_of_scan(s, at + whole.len);

			buf_add(out, bytes_slice(s, at, end - at));
			at = end;
			scanned = true;
			continue;
		}
		if (is_needed(marker, whole))
			buf_add(out, whole);
		at += whole.len;
	}
	return broken(f, at);
}

/* ---- JPEG 2000 ---- */

struct j2k {
	struct bytes s;
	struct buf *out;
	struct fault *f;
	bool drop_lengths;  /* TLM segments go, too */
	bool had_lengths;   /* there are some */
	bool tiles_changed; /* a tile-part became shorter */
};

/* Segments of a header up to, not including, the marker `stop`. */
static enum err j2k_header(struct j2k *j, size_t *at, size_t end, uint8_t stop, bool in_tile)
{
	struct bytes s = bytes_slice(j->s, 0, end);

	while (*at + 1 < end && s.at[*at] == 0xFF && s.at[*at + 1] != stop) {
		uint8_t marker = s.at[*at + 1];
		struct bytes whole;

		/* T.800 table A.1, T.801 and T.814: what has another number is none of these */
		if (!((marker >= 0x50 && marker <= 0x65) || (marker >= 0x70 && marker <= 0x7F)) ||
		    !segment(s, *at, &whole))
			return broken(j->f, *at);
		j->had_lengths |= marker == J_TLM;
		if (marker == J_COM)
			j->tiles_changed |= in_tile;
		else if (marker != J_TLM || !j->drop_lengths)
			buf_add(j->out, whole);
		*at += whole.len;
	}
	return marker_at(s, *at, stop) ? OK : broken(j->f, *at);
}

/* The packets from `at` on, up to a marker that is none of theirs, or `end`. */
static size_t end_of_packets(struct bytes s, size_t at, size_t end)
{
	while (at < end) {
		const uint8_t *ff = memchr(s.at + at, 0xFF, end - at);

		if (ff == NULL)
			return end;
		at = (size_t)(ff - s.at);
		if (at + 1 >= end)
			return at;
		uint8_t next = s.at[at + 1];
		if (next >= J_SOT && next != J_SOP && next != J_EPH)
			return at;
		at += next == J_SOP ? 6 : next == 0xFF ? 1 : 2;
	}
	return end;
}

/* A tile-part: from SOT over its Psot bytes; 0: up to EOC. */
static enum err j2k_tile(struct j2k *j, size_t *at)
{
	struct bytes s = j->s, sot;
	size_t start = *at, put_at = j->out->len;

	if (!segment(s, start, &sot) || sot.len != 12)
		return broken(j->f, start);
	size_t len = get_u32be(sot.at + 6), end = len == 0 ? s.len : start + len;
	if (len != 0 && (len < 14 || len > s.len - start))
		return broken(j->f, start);
	buf_add(j->out, sot);
	*at = start + sot.len;
	enum err e = j2k_header(j, at, end, J_SOD, true);
	if (e != OK)
		return e;
	size_t body_end = end_of_packets(s, *at + 2, end);
	if (len != 0 && body_end != end)
		return broken(j->f, body_end);
	buf_add(j->out, bytes_slice(s, *at, body_end - *at));
	if (len != 0 && !j->out->failed)
		put_u32be(j->out->at + put_at + 6, (uint32_t)(j->out->len - put_at));
	*at = body_end;
	return OK;
}

static enum err j2k_run(struct j2k *j)
{
	size_t at = 2;

	if (!marker_at(j->s, 0, J_SOC) || !marker_at(j->s, 2, J_SIZ))
		return broken(j->f, 0);
	buf_add(j->out, bytes_slice(j->s, 0, 2));
	enum err e = j2k_header(j, &at, j->s.len, J_SOT, false);
	while (e == OK && marker_at(j->s, at, J_SOT))
		e = j2k_tile(j, &at);
	if (e != OK)
		return e;
	if (!marker_at(j->s, at, J_EOC))
		return broken(j->f, at);
	buf_add(j->out, bytes_slice(j->s, at, 2));
	return finished(j->out, j->f);
}

enum err j2k_clean(struct bytes stream, struct buf *out, struct fault *f)
{
	struct j2k j = {.s = stream, .out = out, .f = f};
	size_t start = out->len;
	enum err e = j2k_run(&j);

	if (e != OK || !j.tiles_changed || !j.had_lengths)
		return e;
	out->len = start;
	j.drop_lengths = true;
	return j2k_run(&j);
}

/* ---- RLE ---- */

/* How many bytes of `s` decode to `plane` bytes; 0: it ends before, or says more. */
static size_t rle_used(struct bytes s, size_t plane)
{
	size_t at = 0, made = 0;

	while (made < plane && at < s.len) {
		uint8_t n = s.at[at];
		size_t takes = n < 128 ? n + 2u : n == 128 ? 1u : 2u;

		if (takes > s.len - at)
			return 0;
		made += n < 128 ? n + 1u : n == 128 ? 0u : 257u - n;
		at += takes;
	}
	return made == plane ? at : 0;
}

enum err rle_clean(struct bytes s, unsigned segments, size_t plane, struct buf *out,
		   struct fault *f)
{
	uint8_t head[RLE_HEAD] = {0};
	size_t start = out->len;

	if (s.len < RLE_HEAD || segments == 0 || segments > RLE_SEGMENTS || plane == 0 ||
	    get_u32le(s.at) != segments)
		return broken(f, 0);
	put_u32le(head, segments);
	buf_add(out, bytes_of(head, sizeof(head)));
	for (unsigned i = 0; i < segments; i++) {
		size_t from = get_u32le(s.at + 4 + 4 * i);
		size_t to = i + 1 < segments ? get_u32le(s.at + 8 + 4 * i) : s.len;

		if (from < RLE_HEAD || from > to || to > s.len)
			return broken(f, 4 + 4 * i);
		size_t used = rle_used(bytes_slice(s, from, to - from), plane);
		if (used == 0 || out->failed)
			return out->failed ? finished(out, f) : broken(f, from);
		put_u32le(out->at + start + 4 + 4 * i, (uint32_t)(out->len - start));
		buf_add(out, bytes_slice(s, from, used));
		if (used % 2 != 0)
			buf_char(out, '\0');
	}
	return finished(out, f);
}
