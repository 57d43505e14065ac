/*
 * Property: whatever ROIs are called, and wherever they lie, the reports are whole and nobody
 * speaks out of turn.
 *
 * The input is cut at its line feeds into names and types of ROIs; its bytes are also where each
 * lies and how large it is.  report.html has exactly the tags that it has with harmless names, in
 * the same order; it holds no control character and no quote or bracket but its own; report.txt has
 * as many lines as with harmless names.  Coverage plots stay in their field.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "study/report_html.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ROIS 12u
#define PLANES 40u

static struct report_plane planes[PLANES];
static struct report_cover covers[ROIS][PLANES];
static struct report_roi rois[ROIS];
static struct report_note notes[ROIS];

static struct bytes next_line(struct bytes *rest)
{
	const uint8_t *end = rest->len > 0 ? memchr(rest->at, '\n', rest->len) : NULL;
	size_t len = end != NULL ? (size_t)(end - rest->at) : rest->len;
	struct bytes line = bytes_slice(*rest, 0, len);

	len += end != NULL;
	*rest = bytes_slice(*rest, len, rest->len - len);
	return line;
}

/* The i-th byte of the input, over and over. */
static uint8_t byte_at(const uint8_t *data, size_t size, size_t i)
{
	return size > 0 ? data[i % size] : 0;
}

static void place(const uint8_t *data, size_t size, uint32_t roi)
{
	struct report_roi *r = &rois[roi];

	r->cover = covers[roi];
	r->slices = 0;
	for (uint32_t k = 0; k < PLANES; k++)
		if (byte_at(data, size, roi * 7 + k) & 1)
			covers[roi][r->slices++] = (struct report_cover){
				k, 1u + byte_at(data, size, roi + k * 3u) * 1000u};
	r->contours_used = r->slices;
	r->contours_unused = byte_at(data, size, roi) % 3u;
	r->number = (int64_t)byte_at(data, size, roi + 1) - 100;
	r->has_volume = byte_at(data, size, roi + 2) & 2;
	r->volume_ml = byte_at(data, size, roi + 3) / 7.0;
	r->contours_ml = byte_at(data, size, roi + 4) / 7.0;
	r->has_color = byte_at(data, size, roi + 5) & 4;
	r->high_mm[0] = byte_at(data, size, roi + 6);
}

static void lie(const uint8_t *data, size_t size)
{
	double at = -50;

	for (uint32_t k = 0; k < PLANES; k++) {
		planes[k] = (struct report_plane){at, 3};
		at += byte_at(data, size, k + 11) % 5u * 0.75; /* some at one place */
	}
}

static struct report report_of(struct report_set *set)
{
	*set = (struct report_set){
		.sop_instance = {.text = "1.2"},
		.modality = "CT",
		.series_why = "named",
		.file_names = "OVERLAY",
		.images = PLANES,
		.planes = planes,
		.plane_count = PLANES,
		.axis = {"R-L", "A-P", "F-H"},
		.rois = rois,
		.roi_count = ROIS,
		.notes = notes,
		.note_count = ROIS,
	};
	return (struct report){.version = "1",
			       .study = {.text = "1.2.3"},
			       .planes = "merged",
			       .edge = "inclusive",
			       .nested = "hole",
			       .workers = 1,
			       .sets = set,
			       .set_count = 1};
}

static size_t lines_of(struct bytes text)
{
	size_t n = 0;

	for (size_t i = 0; i < text.len; i++)
		n += text.at[i] == '\n';
	return n;
}

/* Names of tags only, one after the other; attributes and texts are looked at on the way. */
static void tags_of(struct bytes page, struct buf *out)
{
	bool in_tag = false, in_quote = false, in_name = false;
	const uint8_t *style = memmem(page.at, page.len, "</style>", 8);

	assert(style != NULL && utf8_valid(page));
	for (const uint8_t *at = style; at < page.at + page.len; at++) {
		assert((*at >= 0x20 && *at != 0x7F) || *at == '\n');
		if (in_quote) {
			assert(*at != '<' && *at != '>' && *at != '\n');
			in_quote = *at != '"';
		} else if (in_tag) {
			assert(*at != '<');
			in_quote = *at == '"';
			in_tag = *at != '>';
			in_name = in_name && *at != ' ' && *at != '>';
			if (in_name)
				buf_char(out, (char)*at);
		} else {
			assert(*at != '>' && *at != '"');
			in_tag = in_name = *at == '<';
			if (in_tag)
				buf_char(out, '<');
		}
	}
	assert(!in_tag && !in_quote);
}

/* Every number of a path is within the field of a plot. */
static void check_plots(struct bytes page)
{
	const char *at = (const char *)page.at;

	while ((at = strstr(at, " d=\"")) != NULL) {
		for (at += 4; *at != '"';) {
			char *end = NULL;

			if (*at >= '0' && *at <= '9') {
				assert(strtoul(at, &end, 10) <= 1005);
				at = end;
			} else {
				assert(strchr("MHVz ", *at) != NULL);
				at++;
			}
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes rest = bytes_of(data, size);
	struct report_set set;
	struct report r = report_of(&set);
	struct buf page[2] = {BUF_INIT(16u << 20), BUF_INIT(16u << 20)};
	struct buf text[2] = {BUF_INIT(16u << 20), BUF_INIT(16u << 20)};
	struct buf tags[2] = {BUF_INIT(1u << 20), BUF_INIT(1u << 20)};

	lie(data, size);
	for (uint32_t i = 0; i < ROIS; i++) {
		place(data, size, i);
		notes[i] = (struct report_note){.kind = i / 4,
						.word = "w",
						.text = "t",
						.loss = i % 2,
						.roi = i,
						.count = 1};
		rois[i].name = next_line(&rest);
		rois[i].type = next_line(&rest);
	}
	for (unsigned turn = 0; turn < 2; turn++) {
		report_html(&r, &page[turn]);
		report_text(&r, &text[turn]);
		assert(!page[turn].failed && !text[turn].failed);
		tags_of(buf_bytes(&page[turn]), &tags[turn]);
		check_plots(buf_bytes(&page[turn]));
		for (uint32_t i = 0; i < ROIS; i++) /* the second time: harmless, if there is any */
			rois[i].name.len = rois[i].name.len > 0,
			rois[i].name.at = (const uint8_t *)"x", rois[i].type = BYTES_LIT("x");
	}
	assert(bytes_eq(buf_bytes(&tags[0]), buf_bytes(&tags[1])));
	assert(lines_of(buf_bytes(&text[0])) == lines_of(buf_bytes(&text[1])));
	for (unsigned turn = 0; turn < 2; turn++) {
		buf_free(&page[turn]);
		buf_free(&text[turn]);
		buf_free(&tags[turn]);
	}
	return 0;
}
