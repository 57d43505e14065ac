/*
 * Property: region_fill gives, pixel by pixel and in its notes, what the policy of region.h
 * says when every pixel asks every edge of every contour, and every pair of contours is told
 * by all faces of the plane it cuts (tests/support/raster_oracle.h); clearing what was filled
 * leaves nothing set; and what is packed is what was filled.
 *
 * Input: a byte of flags, columns, rows, a unit, then contours: a byte (vertices, and in bit
 * 7 CLOSEDPLANAR_XOR) and two signed bytes a vertex, in units.  With flag 4, one contour of
 * two 32-bit numbers a vertex, anywhere at all.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "support/raster_oracle.h"

#define CONTOURS 6
#define VERTICES 16

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
	enum edge_rule edge;
	enum nesting_rule nesting;
	bool far;
	uint32_t cols, rows;
	int32_t unit;
	struct q12 v[CONTOURS][VERTICES];
	struct polygon p[CONTOURS];
	size_t count, points;
};

static int32_t coordinate(struct rd *r, const struct input *in)
{
	if (in->far)
		return (int32_t)(rd_u32(r, false) % (2 * RASTER_COORD_MAX + 1u)) - RASTER_COORD_MAX;
	return (int8_t)rd_u8(r) * in->unit;
}

static void decode(struct input *in, struct rd *r)
{
	static const int32_t units[] = {RASTER_ONE, RASTER_ONE / 2, RASTER_ONE / 4,
					1365,       4097,           9000};
	uint8_t flags = rd_u8(r);

	in->edge = flags & 1 ? EDGE_HALF_OPEN : EDGE_INCLUSIVE;
	in->nesting = flags & 2 ? NESTED_UNION : NESTED_HOLE;
	in->far = flags & 4;
	in->cols = rd_u8(r) % 80u + 1;
	in->rows = rd_u8(r) % 30u + 1;
	in->unit = units[rd_u8(r) % (sizeof(units) / sizeof(units[0]))];
	while (rd_left(r) > 0 && in->count < (in->far ? 1 : CONTOURS)) {
		struct polygon *p = &in->p[in->count];
		uint8_t head = rd_u8(r);
		*p = (struct polygon){in->v[in->count], head % (VERTICES + 1), head & 0x80};
		for (uint32_t i = 0; i < p->count; i++) {
			in->v[in->count][i].x = coordinate(r, in);
			in->v[in->count][i].y = coordinate(r, in);
		}
		in->points += p->count;
		in->count++;
	}
}

/* Twice round in a roundabout way: it has a path, but encloses nothing.  The notes may then
 * call it a hole or not. */
static bool any_hollow(const struct oracle_region *o, int32_t unit)
{
	for (size_t i = 0; i < o->count; i++)
		if (o->area[i] && oracle_faces(o->p[i].v, o->p[i].count, NULL, 0, unit) == 0)
			return true;
	return false;
}

static void check_notes(const struct oracle_region *o, const struct region_notes *got)
{
	assert(got->holes == o->notes.holes && got->islands == o->notes.islands);
	assert(got->overlaps == o->notes.overlaps && got->duplicates == o->notes.duplicates);
	assert(got->empty == o->notes.empty && got->mixed_types == o->notes.mixed_types);
	assert(got->unresolved == 0 && got->clipped + got->outside <= o->count);
}

static void check_packed(const struct mask *m)
{
	size_t len = mask_packed_len(m->cols, m->rows);
	uint8_t *packed = calloc(1, len);

	assert(packed != NULL);
	mask_pack(m, packed);
	for (size_t k = 0; k < 8 * len; k++) {
		bool set = k < (size_t)m->cols * m->rows &&
			   mask_get(m, (uint32_t)(k % m->cols), (uint32_t)(k / m->cols));
		assert((packed[k / 8] >> k % 8 & 1) == set);
	}
	free(packed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = {0};
	struct rd r = rd_of((struct bytes){data, size});
	struct oracle_region o;
	struct region_notes notes = {0};
	struct mask m;
	uint32_t twice = 0;

	decode(&in, &r);
	size_t words = mask_words(in.cols, in.rows);
	uint64_t *bits = malloc(words * sizeof(*bits));
	size_t scratch_size = region_scratch_bytes(in.cols, in.rows, in.count, in.points);
	void *scratch = malloc(scratch_size);
	assert(bits != NULL && scratch != NULL);
	memset(scratch, 0xEE, scratch_size);
	mask_init(&m, in.cols, in.rows, bits);
	region_fill(&m, in.p, in.count, in.edge, in.nesting, scratch, &notes);

	for (size_t i = 0; i < in.count; i++) {
		uint32_t halvings = 0;
		in.p[i].count = oracle_once(in.p[i].v, in.p[i].count, &halvings);
		if (!oracle_no_area(in.p[i].v, in.p[i].count))
			twice += halvings;
	}
	oracle_open(&o, in.p, in.count, in.edge, in.nesting, in.far ? 1 : in.unit);
	for (uint32_t row = 0; row < in.rows; row++)
		for (uint32_t col = 0; col < in.cols; col++)
			assert(mask_get(&m, col, row) == oracle_region_pixel(&o, col, row));
	o.notes.duplicates += twice;
	if (!in.far && !any_hollow(&o, in.unit))
		check_notes(&o, &notes);
	check_packed(&m);
	mask_clear(&m);
	for (size_t w = 0; w < words; w++)
		assert(bits[w] == 0);
	free(scratch);
	free(bits);
	return 0;
}
