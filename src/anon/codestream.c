/*
 * Markers (ITU-T T.81 annex B, T.87 annex C, T.800 annex A): FF xx, then for most a length that
 * counts itself.  Entropy coded data of JPEG goes on to the next FF that is not followed by 00, a
 * restart marker, or (JPEG-LS) a byte below 80.  Tile-parts of JPEG 2000 say their own length.
 */
#include "anon/codestream.h"

#include <string.h>

enum {
	M_SOI = 0xD8,
	M_EOI = 0xD9,
	M_SOS = 0xDA,
	M_APP0 = 0xE0,
	M_APP14 = 0xEE,
	M_APP15 = 0xEF,
	M_COM = 0xFE,
	J_SOC = 0x4F,
	J_SOT = 0x90,
	J_SOD = 0x93,
	J_EOC = 0xD9,
	J_COM = 0x64,
	J_TLM = 0x55, /* lengths of tile-parts: no longer true, and optional */
};

static enum err broken(struct fault *f, size_t at)
{
	return fault_set(f, ERR_WIRE, "compressed pixel data cannot be followed to its end", at);
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

/* JFIF without thumbnail, and Adobe's: they say what the components are. */
static bool is_needed(uint8_t marker, struct bytes whole)
{
	if (marker == M_APP0)
		return whole.len == 18 && memcmp(whole.at + 4, "JFIF", 5) == 0;
	if (marker == M_APP14)
		return whole.len == 16 && memcmp(whole.at + 4, "Adobe", 5) == 0;
	return false;
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

	if (s.len < 4 || s.at[0] != 0xFF || s.at[1] != M_SOI)
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
			return out->failed ? fault_set(f, ERR_NOMEM, "no memory for pixel data", at)
					   : OK;
		}
		if (!segment(s, at, &whole))
			return broken(f, at);
		if (marker == M_SOS) {
			size_t end = end_of_scan(s, at + whole.len);

			buf_add(out, bytes_slice(s, at, end - at));
			at = end;
			continue;
		}
		if (!(marker == M_COM || (marker >= M_APP0 && marker <= M_APP15)) ||
		    is_needed(marker, whole))
			buf_add(out, whole);
		at += whole.len;
	}
	return broken(f, at);
}

/* Tile-parts follow the main header: each from SOT over its Psot bytes; 0: up to EOC. */
static enum err tiles(struct bytes s, size_t at, struct buf *out, struct fault *f)
{
	while (at + 1 < s.len && s.at[at] == 0xFF && s.at[at + 1] == J_SOT) {
		struct bytes sot;

		if (!segment(s, at, &sot) || sot.len != 12)
			return broken(f, at);
		size_t len = get_u32be(sot.at + 6);
		if (len == 0) { /* the last one, as far as EOC */
			size_t end = s.len;

			while (end >= at + 2 && !(s.at[end - 2] == 0xFF && s.at[end - 1] == J_EOC))
				end--;
			if (end < at + 14)
				return broken(f, at);
			len = end - 2 - at;
		}
		if (len < 14 || len > s.len - at)
			return broken(f, at);

		size_t head = at + 12, start = out->len, end = at + len;
		buf_add(out, sot);
		while (head + 1 < end && s.at[head] == 0xFF && s.at[head + 1] != J_SOD) {
			struct bytes whole;

			if (!segment(bytes_slice(s, 0, end), head, &whole))
				return broken(f, head);
			if (whole.at[1] != J_COM)
				buf_add(out, whole);
			head += whole.len;
		}
		if (head + 1 >= end)
			return broken(f, head);
		buf_add(out, bytes_slice(s, head, end - head));
		if (!out->failed)
			put_u32be(out->at + start + 6, (uint32_t)(out->len - start));
		at = end;
	}
	if (at + 1 >= s.len || s.at[at] != 0xFF || s.at[at + 1] != J_EOC)
		return broken(f, at);
	buf_add(out, bytes_slice(s, at, 2));
	return out->failed ? fault_set(f, ERR_NOMEM, "no memory for pixel data", at) : OK;
}

enum err j2k_clean(struct bytes s, struct buf *out, struct fault *f)
{
	size_t at = 2;

	if (s.len < 4 || s.at[0] != 0xFF || s.at[1] != J_SOC)
		return broken(f, 0);
	buf_add(out, bytes_slice(s, 0, 2));
	while (at + 1 < s.len && s.at[at] == 0xFF && s.at[at + 1] != J_SOT) {
		struct bytes whole;

		if (!segment(s, at, &whole))
			return broken(f, at);
		if (whole.at[1] != J_COM && whole.at[1] != J_TLM)
			buf_add(out, whole);
		at += whole.len;
	}
	return tiles(s, at, out, f);
}
