#include "study/debug.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "image/decode.h"
#include "image/jpeg.h"
#include "image/picture.h"
#include "series/secondary.h"

#define QUALITY 92
#define JPEG_ROOM (64u << 10) /* a JPEG is no larger than its pixels, but for its tables */
#define SQUARE 0.002          /* pixels as square as this need no stretching */

/* One image at work. */
struct scene {
	const struct debug_job *job;
	const struct shield *told;
	uint32_t plane;
	const struct rt_image *image;
	struct painter *painter;
	struct arena *a;
	struct native native;
	struct window window;
	bool readable;            /* window is open */
	struct picture_roi *rois; /* on this plane */
	uint32_t roi_count;
	struct mask mask;   /* .bits: NULL until it is needed */
	double aspect;      /* height over width of a pixel */
	char letters[4][4]; /* left, right, top, bottom */
	char slice[40], place[48], window_text[64];
};

static enum err no_memory(struct fault *f)
{
	return fault_set(f, ERR_NOMEM, "the picture does not fit in memory", FAULT_NO_OFFSET);
}

/* ---- What is to be told ---- */

/* PS3.3 C.7.6.3.1.7, 10.7.1.3: height over width. */
static double aspect_of(const struct dset *d)
{
	static const uint32_t tags[] = {TAG_PixelSpacing, TAG_ImagerPixelSpacing,
					TAG_PixelAspectRatio};
	double high, wide;

	for (unsigned i = 0; i < 3; i++)
		if (dset_ds(d, NULL, tags[i], 0, &high) && dset_ds(d, NULL, tags[i], 1, &wide) &&
		    high > 0 && wide > 0 && high / wide <= PICTURE_ASPECT_MAX &&
		    wide / high <= PICTURE_ASPECT_MAX)
			return high / wide;
	return 1;
}

static void describe_place(struct scene *s)
{
	static const char *const axes[3] = {"x", "y", "z"};
	const struct rt_image *m = s->image;
	double along = m->along_mm;
	const char *axis = "oblique"; /* along the normal */

	if (m->unusable != NULL)
		return;
	const double back[3] = {-m->row_dir[0], -m->row_dir[1], -m->row_dir[2]};
	const double up[3] = {-m->col_dir[0], -m->col_dir[1], -m->col_dir[2]};
	rt_direction_letters(back, s->letters[0]);
	rt_direction_letters(m->row_dir, s->letters[1]);
	rt_direction_letters(up, s->letters[2]);
	rt_direction_letters(m->col_dir, s->letters[3]);
	for (unsigned i = 0; i < 3; i++) {
		if (fabs(m->normal[i]) > 0.99999) {
			axis = axes[i];
			along = (double)m->position_pm[i] / 1e9;
		}
	}
	snprintf(s->place, sizeof(s->place), "%s %.2f mm", axis, along);
}

static void describe_window(struct scene *s)
{
	const struct window *w = &s->window;

	if (!s->readable)
		snprintf(s->window_text, sizeof(s->window_text), "image cannot be shown");
	else if (w->source == WINDOW_LUT)
		snprintf(s->window_text, sizeof(s->window_text), "VOI LUT");
	else if (w->source != WINDOW_COLOR)
		snprintf(s->window_text, sizeof(s->window_text), "W %.5g L %.5g%s", w->width,
			 w->center, w->source == WINDOW_PERCENTILES ? " auto" : "");
}

static enum err describe_rois(struct scene *s, struct fault *f)
{
	const struct rt_plan *plan = s->job->plan;
	uint32_t count = rt_plane_roi_count(plan, s->plane);

	s->rois = ARENA_NEW(s->a, struct picture_roi, count);
	if (s->rois == NULL)
		return no_memory(f);
	for (uint32_t i = 0; i < count; i++) {
		uint32_t index = rt_plane_roi(plan, s->plane, i);
		const struct roi_look *look = &s->job->looks[index];
		struct picture_roi *to = &s->rois[i];

		to->name = roi_label(&plan->set->rois[index], s->a);
		if (to->name.at == NULL)
			return no_memory(f);
		memcpy(to->color, look->color, sizeof(to->color));
		to->line = look->line;
	}
	s->roi_count = count;
	return OK;
}

/* Pixels that cannot be read give a grey field, not an error. */
static enum err open_pixels(struct scene *s, struct fault *f)
{
	struct fault why;
	enum err e = native_open(&s->native, s->told->source, s->told->dset, &why);

	if (e == OK &&
	    (s->native.format.cols != s->image->cols || s->native.format.rows != s->image->rows))
		e = fault_set(&why, ERR_UNUSABLE, "other Rows and Columns", FAULT_NO_OFFSET);
	if (e == OK)
		e = window_open(&s->window, &s->native, s->told->dset, s->a, &why);
	s->readable = e == OK;
	if (e == ERR_NOMEM || e == ERR_IO) {
		if (f != NULL)
			*f = why;
		return e;
	}
	return OK;
}

/* ---- Drawing ---- */

static enum err fill(struct scene *s, struct picture *p, struct fault *f)
{
	enum err e = OK;

	if (!s->job->options->debug.filled || s->roi_count == 0)
		return OK;
	if (s->mask.bits == NULL) {
		uint64_t *bits =
			ARENA_NEW(s->a, uint64_t, mask_words(s->image->cols, s->image->rows));

		if (bits == NULL)
			return no_memory(f);
		mask_init(&s->mask, s->image->cols, s->image->rows, bits);
	}
	for (uint32_t i = 0; i < s->roi_count && e == OK; i++) {
		uint32_t index = rt_plane_roi(s->job->plan, s->plane, i);

		if (roi_is_body(&s->job->plan->set->rois[index]))
			continue;
		e = rt_paint_roi(s->painter, s->plane, i, &s->mask, f);
		if (e == OK)
			picture_fill(p, &s->rois[i], &s->mask);
	}
	return e;
}

static enum err outline(struct scene *s, struct picture *p, struct fault *f)
{
	enum err e = OK;

	for (uint32_t i = 0; i < s->roi_count && e == OK; i++) {
		const struct polygon *paths = NULL;
		size_t count = 0;

		e = rt_paths_roi(s->painter, s->plane, i, &paths, &count, f);
		if (e == OK)
			picture_outline(p, &s->rois[i], paths, count);
	}
	return e;
}

static enum err draw(struct scene *s, struct picture *p, const struct picture_shape *shape,
		     struct fault *f)
{
	struct picture_labels labels = {
		.left = s->letters[0],
		.right = s->letters[1],
		.top = s->letters[2],
		.bottom = s->letters[3],
		.disclaimer = bytes_str(s->job->options->burn_in.text),
		.rois = s->rois,
		.roi_count = s->roi_count,
	};
	unsigned n = 0;

	labels.lines[n++] = s->slice;
	if (s->place[0] != '\0')
		labels.lines[n++] = s->place;
	if (s->window_text[0] != '\0')
		labels.lines[n++] = s->window_text;

	enum err e = picture_open(p, shape, s->a, f);
	if (e == OK)
		e = picture_image(p, s->readable ? &s->window : NULL, f);
	if (e == OK)
		e = fill(s, p, f);
	if (e == OK)
		e = outline(s, p, f);
	if (e == OK)
		e = picture_labels(p, &labels, f);
	return e;
}

/* ---- Writing ---- */

static enum err write_dicom(struct scene *s, const struct picture *p, uint32_t magnification,
			    const char *name, bool *text_lossy, struct fault *f)
{
	const struct debug_job *job = s->job;
	struct overlay_series series = *job->series;
	struct uid source;
	char orientation[8] = "";
	int fd;
	struct secondary o = {.rgb = p->canvas.rgb,
			      .cols = p->canvas.cols,
			      .rows = p->canvas.rows,
			      .magnification = magnification,
			      .number = s->plane + 1,
			      .orientation = orientation,
			      .comment = job->options->burn_in.text};

	uid_set(&source, dset_text(s->told->dset, NULL, TAG_SeriesInstanceUID));
	series.series = secondary_series_uid(series.uid_key, &source, &series.set_instance);
	series.series_number = job->options->debug.series_number;
	series.series_description = job->options->debug.series_description;
	series.now = s->told->now;
	if (s->image->unusable == NULL)
		snprintf(orientation, sizeof(orientation), "%.3s\\%.3s", s->letters[1],
			 s->letters[3]);
	enum err e = output_create(job->dicom, name, &fd, f);
	if (e != OK)
		return e;
	e = secondary_write(fd, &series, &o, s->told->source, s->told->dset, s->a, text_lossy, f);
	return output_close(fd, e, f);
}

/* Encoded in memory first: libjpeg is three times as fast where it need not look twice. */
static enum err write_jpeg(const struct scene *s, const struct picture *p, const char *name,
			   bool *no_jpeg, struct fault *f)
{
	const struct canvas *c = &p->canvas;
	struct buf jpeg = BUF_INIT((size_t)c->cols * c->rows * 3 + JPEG_ROOM);
	enum err e = jpeg_encode(&jpeg, c->rgb, (size_t)c->cols * 3, c->cols, c->rows, QUALITY, f);

	*no_jpeg = e == ERR_UNSUPPORTED;
	if (e == OK)
		e = output_write(s->job->pictures, name, buf_bytes(&jpeg), f);
	buf_free(&jpeg);
	return *no_jpeg ? OK : e;
}

static bool is_square(const struct picture_shape *shape)
{
	return fabs(shape->aspect - 1) <= SQUARE;
}

/* The picture of square pixels; false: it would be too large. */
static bool make_square(const struct picture_shape *shape, struct picture_shape *out)
{
	size_t bytes;

	*out = *shape;
	out->aspect = 1;
	if (shape->aspect > 1)
		out->out_rows = (uint32_t)lround(shape->out_rows * shape->aspect);
	else
		out->out_cols = (uint32_t)lround(shape->out_cols / shape->aspect);
	return out->out_rows <= LIMIT_JPEG_SIDE && out->out_cols <= LIMIT_JPEG_SIDE &&
	       canvas_bytes(out->out_cols, out->out_rows, &bytes);
}

/* As large as asked, or as may be; 0: not even unmagnified. */
static uint32_t magnification_for(const struct scene *s)
{
	uint32_t m = s->job->options->debug.magnification;
	size_t bytes;

	while (m > 0 &&
	       (s->image->cols * m > LIMIT_JPEG_SIDE || s->image->rows * m > LIMIT_JPEG_SIDE ||
		!canvas_bytes(s->image->cols * m, s->image->rows * m, &bytes)))
		m--;
	return m;
}

static enum err write_both(struct scene *s, struct debug_result *result, struct fault *f)
{
	const struct uid *told = &s->told->instance;
	uint32_t m = magnification_for(s);
	struct picture_shape square, shape = {.cols = s->image->cols,
					      .rows = s->image->rows,
					      .out_cols = s->image->cols * m,
					      .out_rows = s->image->rows * m,
					      .aspect = s->aspect};
	char name[OUTPUT_NAME_MAX];
	struct picture p;

	result->made.skipped = m == 0;
	if (m == 0)
		return OK;
	result->made.smaller = m < s->job->options->debug.magnification;
	result->made.not_square = !is_square(&shape) && !make_square(&shape, &square);
	output_name(OUTPUT_DEBUG, told, s->job->suffix, result->name);
	output_picture_name(s->plane + 1, told, s->job->suffix, name);

	enum err e = draw(s, &p, &shape, f);
	if (e == OK)
		e = write_dicom(s, &p, m, result->name, &result->made.text_lossy, f);
	if (e == OK && !is_square(&shape) && !result->made.not_square)
		e = draw(s, &p, &square, f);
	if (e == OK)
		e = write_jpeg(s, &p, name, &result->made.no_jpeg, f);
	return e;
}

enum err debug_write(const struct debug_job *job, struct painter *painter, uint32_t plane,
		     const struct shield *image, struct arena *a, struct debug_result *result,
		     struct fault *f)
{
	struct scene s = {.job = job,
			  .told = image,
			  .plane = plane,
			  .image = &job->plan->planes[plane],
			  .painter = painter,
			  .a = a,
			  .aspect = aspect_of(image->dset)};

	*result = (struct debug_result){.name = ""};
	snprintf(s.slice, sizeof(s.slice), "slice %u/%u", plane + 1, job->plan->plane_count);
	describe_place(&s);
	enum err e = describe_rois(&s, f);
	if (e == OK)
		e = open_pixels(&s, f);
	if (e == OK) {
		describe_window(&s);
		e = write_both(&s, result, f);
	}
	result->made.no_pixels = !s.readable;
	native_close(&s.native);
	return e;
}
