/*
 * Filling every contour of a study, as the program does: region_fill for each ROI on each
 * image, by the inclusive rule, holes and all.
 *
 *     build/bench/bench_raster CONTOURS [ROUNDS]
 *
 * prints one line a round: milliseconds for clearing the mask and filling, and for counting
 * its pixels besides; then the pixels.  CONTOURS is written by bench/raster: little endian
 * 32-bit numbers; per ROI and image: columns, rows, how many contours; per contour: how many
 * points, and x, y of each in Q.12.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/file.h"
#include "raster/region.h"

#define GROUPS_MAX 1000000u

struct group {
	uint32_t cols, rows;
	const struct polygon *p;
	size_t count;
};

struct job {
	struct group *groups;
	size_t count;
	struct mask mask;
	void *scratch;
};

static void fail(const char *why)
{
	fprintf(stderr, "bench_raster: %s\n", why);
	exit(2);
}

static void *take(struct arena *a, size_t count, size_t size)
{
	void *at = arena_alloc(a, count, size);

	if (at == NULL)
		fail("no memory");
	return at;
}

static void read_group(struct group *g, struct rd *r, struct arena *a, size_t *points)
{
	g->cols = rd_u32(r, false);
	g->rows = rd_u32(r, false);
	g->count = rd_u32(r, false);
	if (r->failed || g->count > rd_left(r))
		fail("the file is cut short");

	struct polygon *p = take(a, g->count, sizeof(*p));
	g->p = p;
	for (size_t i = 0; i < g->count; i++) {
		uint32_t n = rd_u32(r, false);
		if (r->failed || n > rd_left(r) / 8)
			fail("the file is cut short");
		struct q12 *v = take(a, n, sizeof(*v));
		for (uint32_t k = 0; k < n; k++) {
			v[k].x = (int32_t)rd_u32(r, false);
			v[k].y = (int32_t)rd_u32(r, false);
		}
		p[i] = (struct polygon){v, n, false};
		*points += n;
	}
}

static void read_job(struct job *j, struct bytes file, struct arena *a)
{
	struct rd r = rd_of(file);
	size_t points_max = 0, count_max = 0, points_all = 0;
	uint32_t cols = 0, rows = 0;

	j->groups = take(a, GROUPS_MAX, sizeof(*j->groups));
	for (; rd_left(&r) > 0 && j->count < GROUPS_MAX; j->count++) {
		struct group *g = &j->groups[j->count];
		size_t points = 0;
		read_group(g, &r, a, &points);
		if (j->count > 0 && (g->cols != cols || g->rows != rows))
			fail("images of several sizes");
		cols = g->cols;
		rows = g->rows;
		points_max = points > points_max ? points : points_max;
		count_max = g->count > count_max ? g->count : count_max;
		points_all += points;
	}
	mask_init(&j->mask, cols, rows, take(a, mask_words(cols, rows), sizeof(uint64_t)));
	j->scratch = take(a, region_scratch_bytes(cols, rows, count_max, points_max), 1);
	fprintf(stderr, "%zu ROI-images, %zu points\n", j->count, points_all);
}

static uint64_t fill_all(struct job *j, bool counting)
{
	uint64_t pixels = 0;

	for (size_t i = 0; i < j->count; i++) {
		const struct group *g = &j->groups[i];
		mask_clear(&j->mask);
		region_fill(&j->mask, g->p, g->count, EDGE_INCLUSIVE, NESTED_HOLE, j->scratch,
			    NULL);
		if (counting)
			pixels += mask_count(&j->mask);
	}
	return pixels;
}

int main(int argc, char **argv)
{
	struct file_map map = FILE_MAP_NONE;
	struct arena a;
	struct job j = {0};
	struct fault f;

	if (argc < 2)
		fail("usage: bench_raster CONTOURS [ROUNDS]");
	if (arena_open(&a, (size_t)4 << 30, &f) != OK ||
	    file_map(&map, AT_FDCWD, argv[1], &f) != OK)
		fail("cannot read the contours");
	read_job(&j, map.bytes, &a);
	for (int rounds = argc > 2 ? atoi(argv[2]) : 1; rounds > 0; rounds--) {
		uint64_t t0 = clock_us();
		fill_all(&j, false);
		uint64_t t1 = clock_us();
		uint64_t pixels = fill_all(&j, true);
		printf("%.3f %.3f %llu\n", (double)(t1 - t0) / 1000,
		       (double)(clock_us() - t1) / 1000, (unsigned long long)pixels);
	}
	file_unmap(&map);
	arena_close(&a);
	return 0;
}
