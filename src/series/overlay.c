/*
 * The source is not copied but edited: new elements are built in the encoding of its data
 * set, rewrite_plan makes a list of views out of both, and part10_write writes that.
 */
#include "series/overlay.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"
#include "dicom/rewrite.h"
#include "image/decoded.h"
#include "series/derive.h"
#include "series/parts.h"

#define OVERLAY_FIRST 0x6000u
#define OVERLAY_LAST 0x601Eu
#define PLANE_ROOM 1024u /* the elements of a plane except Overlay Data */

struct uid overlay_series_uid(struct bytes uid_key, const struct uid *source_series,
			      const struct uid *set_instance)
{
	return parts_uid(uid_key, "overlay-series", bytes_str(source_series->text), set_instance);
}

struct uid overlay_instance_uid(struct bytes uid_key, const struct uid *source_instance,
				const struct uid *set_instance)
{
	return parts_uid(uid_key, "overlay-instance", bytes_str(source_instance->text),
			 set_instance);
}

/* As much of `name` as fits in `room` bytes, cut between characters. */
static size_t fitting(struct bytes name, size_t room)
{
	size_t len = 0;

	while (len < name.len) {
		uint32_t code;
		unsigned n = utf8_next(bytes_slice(name, len, name.len - len), &code);

		n = n == 0 ? 1 : n;
		if (len + n > room)
			break;
		len += n;
	}
	return len;
}

void overlay_label(const struct bytes *names, size_t count, char out[static OVERLAY_LABEL_MAX + 1])
{
	char more[32] = "";
	size_t used = 0, best = 0, len = 0;

	/* The most names that fit together with the count of the others. */
	for (size_t i = 0; i < count && len <= OVERLAY_LABEL_MAX; i++) {
		size_t rest = count - i - 1;
		int tail = rest > 0 ? snprintf(NULL, 0, " +%zu more", rest) : 0;

		len += names[i].len + (i > 0 ? 2 : 0);
		if (len + (size_t)tail <= OVERLAY_LABEL_MAX)
			best = i + 1;
	}

	size_t shown = best == 0 && count > 0 ? 1 : best;
	if (shown < count)
		snprintf(more, sizeof(more), " +%zu more", count - shown);
	for (size_t i = 0; i < shown; i++) {
		size_t room = OVERLAY_LABEL_MAX - strlen(more) - used - (best == 0 ? 3 : 0);
		size_t n = best == 0 ? fitting(names[i], room) : names[i].len;

		if (i > 0) {
			memcpy(out + used, ", ", 2);
			used += 2;
		}
		if (n > 0)
			memcpy(out + used, names[i].at, n);
		used += n;
		if (n < names[i].len) {
			memcpy(out + used, "...", 3);
			used += 3;
		}
	}
	memcpy(out + used, more, strlen(more) + 1);
}

/* Which groups 60xx there are, one bit for each even one, and whether one of them keeps its bits
 * in the pixel data (retired: PS3.3 C.9.2 before 2004). */
static uint16_t survey(const struct dset *d, bool *embedded)
{
	uint16_t taken = 0;

	*embedded = false;
	for (const struct elem *e = dset_first(d, NULL); e != NULL; e = dset_next(d, NULL, e)) {
		uint32_t group = TAG_GROUP(e->tag);

		if (group >= OVERLAY_FIRST && group <= OVERLAY_LAST && group % 2 == 0)
			taken |= (uint16_t)(1u << (group - OVERLAY_FIRST) / 2);
	}
	for (unsigned i = 0; i < LIMIT_OVERLAY_PLANES; i++) {
		uint32_t group = OVERLAY_FIRST + 2 * i;
		uint16_t allocated = 1, position = 0;

		if ((taken >> i & 1u) == 0 || dset_find(d, NULL, TAG(group, 0x3000)) != NULL)
			continue;
		dset_u16(d, NULL, TAG(group, 0x0100), 0, &allocated);
		dset_u16(d, NULL, TAG(group, 0x0102), 0, &position);
		*embedded = *embedded || allocated != 1 || position != 0;
	}
	return taken;
}

/* PS3.3 table C.9-2. */
static void plane_head(struct derive *v, uint32_t group, const struct mask *m,
		       struct bytes description, const char *type)
{
	static const uint16_t one = 1, zero = 0, origin[2] = {1, 1};
	uint16_t rows = (uint16_t)m->rows, cols = (uint16_t)m->cols;

	build_u16(&v->b, TAG(group, 0x0010), VR_US, &rows, 1);
	build_u16(&v->b, TAG(group, 0x0011), VR_US, &cols, 1);
	derive_text(v, TAG(group, 0x0022), VR_LO, description, 64);
	build_str(&v->b, TAG(group, 0x0040), VR_CS, type);
	build_u16(&v->b, TAG(group, 0x0050), VR_SS, origin, 2);
	build_u16(&v->b, TAG(group, 0x0100), VR_US, &one, 1);
	build_u16(&v->b, TAG(group, 0x0102), VR_US, &zero, 1);
}

static void plane_data(struct derive *v, uint32_t group, const struct mask *m)
{
	size_t len = mask_packed_len(m->cols, m->rows);
	uint8_t *bits = ARENA_NEW(v->a, uint8_t, len);

	if (bits == NULL) {
		v->no_memory = true;
		return;
	}
	mask_pack(m, bits);
	build_ow_le(&v->b, TAG(group, 0x3000), bytes_of(bits, len));
}

static void plane_elements(struct derive *v, uint32_t group, const struct overlay_plane *plane)
{
	plane_head(v, group, plane->mask, plane->description, "R");
	build_is(&v->b, TAG(group, 0x1301), (int64_t)plane->area);
	if (plane->has_stats) {
		build_ds(&v->b, TAG(group, 0x1302), plane->stats.mean);
		build_ds(&v->b, TAG(group, 0x1303), plane->stats.std_dev);
	}
	derive_text(v, TAG(group, 0x1500), VR_LO, plane->label, 64);
	plane_data(v, group, plane->mask);
}

/* One line, as LO has it. */
static struct bytes in_one_line(struct derive *v, struct bytes text)
{
	struct bytes copy = arena_copy(v->a, text);

	if (copy.at == NULL)
		v->no_memory = true;
	for (size_t i = 0; i < copy.len && copy.at != NULL; i++)
		if (copy.at[i] == '\n' || copy.at[i] == '\r')
			((uint8_t *)(uintptr_t)copy.at)[i] = ' ';
	return copy.at == NULL ? BYTES_NONE : bytes_trim(copy);
}

/* The text that is to be seen on the image, as graphics. */
static void text_plane(struct derive *v, uint32_t cols, uint32_t rows)
{
	struct bytes text = in_one_line(v, v->series->burn_in->text);
	uint64_t *bits = ARENA_NEW(v->a, uint64_t, mask_words(cols, rows));
	struct mask m;

	if (bits == NULL) {
		v->no_memory = true;
		return;
	}
	mask_init(&m, cols, rows, bits);
	burnin_mask(v->burned, &m);
	plane_head(v, v->text_group, &m, text, "G");
	derive_text(v, TAG(v->text_group, 0x1500), VR_LO, text, 64);
	plane_data(v, v->text_group, &m);
}

/* ---- writing ---- */

/* What was built, and removals of what is there and must not stay, in order. */
static enum err edits_of(struct derive *v, struct edit **out, size_t *out_count, struct fault *f)
{
	uint32_t gone[DERIVE_REMOVED_MAX];
	size_t removed = derive_removed(v, gone);
	bool decoded = v->burned != NULL && v->burned->into_pixels && v->burned->native.decoded;
	struct edit *built = NULL, *all, pixels = {.tag = UINT32_MAX};
	size_t count = 0, n = 0;

	if (decoded && !decoded_pixels(&pixels, &v->burned->native, v->a))
		v->no_memory = true;
	if (v->no_memory || v->b.out.failed)
		return fault_set(f, ERR_NOMEM, "no memory for the new elements", FAULT_NO_OFFSET);
	enum err e = rewrite_edits(buf_bytes(&v->b.out), v->d->syntax, v->a, &built, &count, f);
	if (e != OK)
		return e;
	all = ARENA_NEW(v->a, struct edit, count + removed + 1);
	if (all == NULL)
		return fault_set(f, ERR_NOMEM, "no memory for the new elements", FAULT_NO_OFFSET);
	for (size_t i = 0, r = 0; i < count || r < removed || decoded;) {
		uint32_t made = i < count ? built[i].tag : UINT32_MAX;
		uint32_t next = r < removed ? gone[r] : UINT32_MAX;

		if (decoded && pixels.tag < made && pixels.tag < next) {
			all[n++] = pixels;
			decoded = false;
		} else if (next < made) {
			if (dset_find(v->d, NULL, next) != NULL)
				all[n++] = (struct edit){.tag = next};
			r++;
		} else {
			all[n++] = built[i++];
		}
	}
	*out = all;
	*out_count = n;
	return OK;
}

/* Put the text's box into the pixels of the source, where they lie open. */
static enum err patch(struct derive *v, struct bytes **views, size_t *count, struct fault *f)
{
	struct patch *patches = NULL;
	size_t patch_count = 0;
	enum err e = burnin_patches(v->burned, v->a, &patches, &patch_count, f);

	return e != OK ? e : rewrite_patch(v->d->in, patches, patch_count, v->a, views, count, f);
}

static enum err write_out(int fd, struct derive *v, const struct part10 *src, struct fault *f)
{
	bool burned = v->burned != NULL && v->burned->into_pixels;
	bool decoded = burned && v->burned->native.decoded;
	struct edit *edits = NULL;
	struct bytes *views = NULL;
	size_t edit_count = 0, view_count = 0;
	enum err e = edits_of(v, &edits, &edit_count, f);

	if (e == OK)
		e = rewrite_plan(v->d, edits, edit_count, v->a, &views, &view_count, f);
	if (e == OK && burned && !decoded)
		e = patch(v, &views, &view_count, f);
	if (e != OK)
		return e;

	struct part10_out o = {
		.sop_class = v->source_class,
		.sop_instance = v->instance,
		.transfer_syntax = src->syntax_uid,
		.syntax = decoded ? &syntax_explicit_le : src->syntax,
		.views = views,
		.view_count = view_count,
		.source_fd = src->map.fd,
		.source = src->file,
	};
	if (decoded)
		(void)uid_set(&o.transfer_syntax, bytes_str(syntax_explicit_le.uid));
	return part10_write(fd, &o, f);
}

/* Groups of the planes, and of the text where it is one: it comes last, but is not left out. */
static enum err groups_of(struct derive *v, uint16_t taken, size_t count,
			  uint32_t groups[static LIMIT_OVERLAY_PLANES], struct overlay_result *r,
			  struct fault *f)
{
	bool as_plane = v->burned != NULL && !v->burned->into_pixels;
	uint32_t unused[LIMIT_OVERLAY_PLANES];
	size_t n = 0;

	for (unsigned i = 0; i < LIMIT_OVERLAY_PLANES; i++) {
		if ((taken >> i & 1u) != 0)
			r->planes_existing++;
		else
			unused[n++] = OVERLAY_FIRST + 2 * i;
	}
	if (as_plane && n == 0)
		return fault_set(f, ERR_UNUSABLE, "no overlay group is free for the burn-in text",
				 FAULT_NO_OFFSET);
	size_t room = n - as_plane;
	r->planes_written = (uint32_t)(count < room ? count : room);
	memcpy(groups, unused, r->planes_written * sizeof(groups[0]));
	if (as_plane)
		v->text_group = (uint16_t)unused[r->planes_written];
	return OK;
}

/* All elements, built. */
static enum err make(struct derive *v, const struct overlay_plane *planes, size_t count,
		     uint32_t cols, uint32_t rows, struct overlay_result *r, struct fault *f)
{
	uint32_t groups[LIMIT_OVERLAY_PLANES];
	uint16_t taken = survey(v->d, &r->embedded_overlay);
	enum err e = groups_of(v, taken, count, groups, r, f);

	if (e != OK)
		return e;
	derive_elements(v);
	for (uint32_t i = 0; i < r->planes_written; i++) {
		assert(planes[i].mask->rows == rows && planes[i].mask->cols == cols);
		plane_elements(v, groups[i], &planes[i]);
	}
	if (v->text_group != 0)
		text_plane(v, cols, rows);
	return OK;
}

static void tell_burned(struct overlay_result *r, const struct burnin *b, bool asked)
{
	r->burned = b->into_pixels;
	r->not_burned = b->why_not;
	r->decoded = b->into_pixels && b->native.decoded;
	r->burn_in_cut = asked && (!b->placed || b->label.block.cut);
}

enum err overlay_write(int fd, const struct overlay_series *series, const struct part10 *src,
		       const struct dset *d, const struct overlay_plane *planes, size_t count,
		       struct arena *a, struct overlay_result *result, struct fault *f)
{
	struct overlay_result r = {0};
	struct burnin burned = {.placed = false};
	struct derive v;
	uint16_t rows = 0, cols = 0;
	enum err e = OK;

	assert(count > 0);
	if (!dset_u16(d, NULL, TAG_Rows, 0, &rows) || !dset_u16(d, NULL, TAG_Columns, 0, &cols) ||
	    rows == 0 || cols == 0)
		return fault_tag(f, ERR_UNUSABLE, "no Rows or Columns", FAULT_NO_OFFSET, TAG_Rows);
	if (series->burn_in != NULL)
		e = burnin_open(&burned, series->burn_in, src, d, f);
	if (e == OK && burned.into_pixels && burned.native.decoded)
		e = burnin_paint(&burned, a, f);

	size_t most = count < LIMIT_OVERLAY_PLANES ? count + 1 : LIMIT_OVERLAY_PLANES;
	if (e == OK)
		e = derive_open(&v, series, d, most * (mask_packed_len(cols, rows) + PLANE_ROOM), a,
				f);
	if (e != OK) {
		burnin_close(&burned);
		return e;
	}
	v.burned = series->burn_in != NULL ? &burned : NULL;
	e = make(&v, planes, count, cols, rows, &r, f);
	if (e == OK)
		e = write_out(fd, &v, src, f);
	r.sop_instance = v.instance;
	r.text_lossy = v.text.lossy;
	tell_burned(&r, &burned, series->burn_in != NULL);
	derive_close(&v);
	burnin_close(&burned);
	if (e == OK)
		*result = r;
	return e;
}
