/*
 * How long from a structure set to masks?
 *
 *     bench_masks STRUCTURE_SET IMAGE...
 *
 * Reads the images' heads, then, BENCH_RUNS times: reads the structure set, plans, paints every
 * ROI on every plane.  Prints one line, the best of each: milliseconds, and what was painted.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "rt/paint.h"

#define BENCH_RUNS 7

static void stop(const char *what, const struct fault *f)
{
	char why[256];

	fault_format(f, why, sizeof(why));
	fprintf(stderr, "bench_masks: %s: %s\n", what, why);
	exit(1);
}

static struct rt_image read_image(const char *path)
{
	struct part10 p = PART10_NONE;
	struct arena a;
	struct dset d;
	struct rt_image image = {0};
	struct fault f = {0};

	if (arena_open(&a, 64u << 20, &f) != OK || part10_open(&p, AT_FDCWD, path, &f) != OK ||
	    dset_index(&d, p.data, p.syntax, TAG_PixelData, &a, &f) != OK ||
	    rt_image_read(&image, &d, &f) != OK)
		stop(path, &f);
	part10_close(&p);
	arena_close(&a);
	return image;
}

struct result {
	uint64_t read_us, plan_us, paint_us;
	uint64_t masks, pixels, points;
	uint32_t contours_used, contours;
};

static void paint_all(const struct rt_plan *plan, struct result *r)
{
	struct painter painter;
	struct fault f = {0};
	uint64_t most = 0;

	for (uint32_t k = 0; k < plan->plane_count; k++) {
		size_t words = mask_words(plan->planes[k].cols, plan->planes[k].rows);
		most = words > most ? words : most;
	}
	uint64_t *bits = malloc(most * sizeof(*bits));
	if (bits == NULL || painter_open(&painter, plan, &f) != OK)
		stop("painting", &f);
	for (uint32_t k = 0; k < plan->plane_count; k++) {
		struct mask mask;

		mask_init(&mask, plan->planes[k].cols, plan->planes[k].rows, bits);
		for (uint32_t i = 0; i < rt_plane_roi_count(plan, k); i++) {
			if (rt_paint_roi(&painter, k, i, &mask, &f) != OK)
				stop("painting", &f);
			r->masks++;
			r->pixels += mask_count(&mask);
		}
	}
	painter_close(&painter);
	free(bits);
}

static struct result run(const char *path, const struct rt_image *images, size_t count)
{
	struct rt_options options = {.tolerance_mm = 1.5};
	struct part10 p = PART10_NONE;
	struct structset set;
	struct rt_plan plan;
	struct arena a;
	struct fault f = {0};
	struct result r = {0};
	uint64_t t0 = clock_us();

	if (arena_open(&a, LIMIT_ARENA_STUDY, &f) != OK ||
	    part10_open(&p, AT_FDCWD, path, &f) != OK || structset_read(&set, &p, &a, &f) != OK)
		stop(path, &f);
	uint64_t t1 = clock_us();
	if (rt_plan_make(&plan, &set, images, count, &options, &a, &f) != OK)
		stop(path, &f);
	uint64_t t2 = clock_us();
	paint_all(&plan, &r);
	r.paint_us = clock_us() - t2;
	r.plan_us = t2 - t1;
	r.read_us = t1 - t0;
	r.contours = set.contour_count;
	for (uint32_t i = 0; i < set.roi_count; i++) {
		r.contours_used += plan.rois[i].contours_used;
		r.points += plan.rois[i].points_used;
	}
	part10_close(&p);
	arena_close(&a);
	return r;
}

static double best_ms(double best, uint64_t us)
{
	double ms = (double)us / 1000;

	return best == 0 || ms < best ? ms : best;
}

int main(int argc, char **argv)
{
	if (argc < 3) {
		fprintf(stderr, "usage: bench_masks STRUCTURE_SET IMAGE...\n");
		return 64;
	}

	size_t count = (size_t)argc - 2;
	struct rt_image *images = calloc(count, sizeof(*images));
	struct result r = {0};
	double read_ms = 0, plan_ms = 0, paint_ms = 0;

	if (images == NULL)
		return 1;
	for (size_t i = 0; i < count; i++)
		images[i] = read_image(argv[i + 2]);
	for (int i = 0; i < BENCH_RUNS; i++) {
		r = run(argv[1], images, count);
		read_ms = best_ms(read_ms, r.read_us);
		plan_ms = best_ms(plan_ms, r.plan_us);
		paint_ms = best_ms(paint_ms, r.paint_us);
	}
	printf("read %.1f ms, plan %.1f ms, paint %.1f ms: %llu masks, %llu pixels, %u of %u "
	       "contours, %llu points\n",
	       read_ms, plan_ms, paint_ms, (unsigned long long)r.masks,
	       (unsigned long long)r.pixels, r.contours_used, r.contours,
	       (unsigned long long)r.points);
	free(images);
	return 0;
}
