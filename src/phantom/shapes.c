#include "phantom/shapes.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

uint64_t random_next(uint64_t *state)
{
	uint64_t z = *state += 0x9E3779B97F4A7C15u;

	z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
	z = (z ^ z >> 27) * 0x94D049BB133111EBu;
	return z ^ z >> 31;
}

double random_between(uint64_t *state, double low, double high)
{
	return low + (high - low) * ((double)(random_next(state) >> 11) / 9007199254740992.0);
}

/* Taylor series on -pi/4..pi/4: the error is below 1e-13, far under what is written (0.01 mm). */
static void small_turn(double x, double *c, double *s)
{
	double x2 = x * x, term = 1, sum_c = 1, sum_s = x, odd = x;

	for (int i = 1; i <= 8; i++) {
		term *= -x2 / (double)((2 * i - 1) * (2 * i));
		odd *= -x2 / (double)(2 * i * (2 * i + 1));
		sum_c += term;
		sum_s += odd;
	}
	*c = sum_c;
	*s = sum_s;
}

void turn(double part, double *cos_out, double *sin_out)
{
	double c, s;
	double quarters = floor(part * 4 + 0.5);
	int quarter = (int)(quarters - 4 * floor(quarters / 4));

	small_turn((part * 4 - quarters) * 1.57079632679489661923, &c, &s);
	switch (quarter) {
	case 0:
		*cos_out = c;
		*sin_out = s;
		break;
	case 1:
		*cos_out = -s;
		*sin_out = c;
		break;
	case 2:
		*cos_out = -c;
		*sin_out = -s;
		break;
	default:
		*cos_out = s;
		*sin_out = -c;
		break;
	}
}

double shape_section(const struct shape *s, double z)
{
	double u = (z - s->cz) / s->c;

	if (s->kind == SHAPE_EMPTY || u < -1 || u > 1)
		return 0;
	return s->kind == SHAPE_EGG ? sqrt(1 - u * u) : 1;
}

/* A square of side 2a, turned; the interval is where all four half planes agree. */
static bool cube_span(const struct shape *s, double y, double *x0, double *x1)
{
	double c, d, low = -1e9, high = 1e9;

	turn(27.0 / 360.0, &c, &d);
	/* |c x + d y| < a and |c y - d x| < a */
	low = fmax(low, (-s->a - d * y) / c);
	high = fmin(high, (s->a - d * y) / c);
	low = fmax(low, (c * y - s->a) / d);
	high = fmin(high, (c * y + s->a) / d);
	*x0 = s->cx + low;
	*x1 = s->cx + high;
	return low < high;
}

bool shape_span(const struct shape *s, double scale, double y, double z, double *x0, double *x1)
{
	double section = shape_section(s, z) * scale;

	if (section <= 0)
		return false;
	if (s->kind == SHAPE_CUBE)
		return cube_span(s, y - s->cy, x0, x1);

	double t = (y - s->cy) / (s->b * section);
	if (t <= -1 || t >= 1)
		return false;
	double half = s->a * section * (1 + s->egg * t) * sqrt(1 - t * t);
	double middle = s->cx + s->bend * section * t * t;
	*x0 = middle - half;
	*x1 = middle + half;
	return true;
}

#define ORGAN "ORGAN"

/* cz and c as parts of the slab's height where |.| < 1, else mm; see place(). */
static const struct shape anatomy[] = {
	/* densities that are no ROI: fat under the skin, the muscle wall, spine, table */
	{"(fat)", "", SHAPE_COLUMN, 0, 0, 0, 172, 112, 2, 0, 0, -95, false, {0}},
	{"(wall)", "", SHAPE_COLUMN, 0, 2, 0, 158, 98, 2, .05, 0, 45, false, {0}},
	{"(cavity)", "", SHAPE_COLUMN, 0, -4, 0, 138, 80, 2, .05, 0, 10, false, {0}},
	{"(vertebra)", "", SHAPE_COLUMN, 0, 52, 0, 24, 18, 2, 0, 0, 350, false, {0}},
	{"(process)", "", SHAPE_COLUMN, 0, 82, 0, 7, 20, 2, 0, 0, 520, false, {0}},
	{"(arch)", "", SHAPE_COLUMN, 0, 73, 0, 16, 11, 2, 0, 0, 600, false, {0}},
	{"BODY",
	 "EXTERNAL",
	 SHAPE_COLUMN,
	 0,
	 0,
	 0,
	 175,
	 115,
	 2,
	 0,
	 0,
	 NO_DENSITY,
	 true,
	 {0, 255, 0}},
	{"Skull", ORGAN, SHAPE_RING, 0, -20, .47, 40, 34, 9, 0, 0, 700, true, {230, 230, 210}},
	{"Lung_R", ORGAN, SHAPE_EGG, -80, -6, .1, 48, 66, .36, .12, -6, -790, true, {70, 130, 220}},
	{"Lung_L", ORGAN, SHAPE_EGG, 82, -4, .1, 46, 66, .36, .12, 6, -800, true, {110, 180, 240}},
	{"Heart", ORGAN, SHAPE_EGG, 24, -34, .02, 46, 38, .16, -.15, 4, 48, true, {220, 40, 60}},
	{"SpinalCord", ORGAN, SHAPE_COLUMN, 0, 74, 0, 7, 6, 2, 0, 0, 30, true, {255, 220, 0}},
	{"Ring",
	 "AVOIDANCE",
	 SHAPE_RING,
	 -62,
	 -20,
	 -.36,
	 25,
	 25,
	 15,
	 0,
	 0,
	 110,
	 true,
	 {200, 0, 200}},
	{"Ring_keyhole",
	 "AVOIDANCE",
	 SHAPE_KEYHOLE,
	 62,
	 -20,
	 -.36,
	 25,
	 25,
	 15,
	 0,
	 0,
	 110,
	 true,
	 {0, 200, 200}},
	{"Island",
	 "AVOIDANCE",
	 SHAPE_ISLAND,
	 0,
	 -48,
	 -.36,
	 32,
	 28,
	 15,
	 0,
	 0,
	 130,
	 true,
	 {255, 140, 0}},
	{"GTV", "GTV", SHAPE_EGG, -78, 6, .12, 20, 20, 20, 0, 0, 55, true, {255, 0, 0}},
	{"Seed",
	 "MARKER",
	 SHAPE_CUBE,
	 -78,
	 6,
	 .12,
	 1.3,
	 1.3,
	 1.4,
	 0,
	 0,
	 3000,
	 true,
	 {255, 255, 255}},
	{"Cube",
	 "CONTROL",
	 SHAPE_CUBE,
	 0,
	 8,
	 -.3,
	 20,
	 20,
	 20,
	 0,
	 0,
	 NO_DENSITY,
	 true,
	 {150, 75, 0}},
	{"Isocentre",
	 "ISOCENTER",
	 SHAPE_POINT,
	 -78,
	 6,
	 .12,
	 1,
	 1,
	 1,
	 0,
	 0,
	 NO_DENSITY,
	 true,
	 {255, 255, 255}},
	{"Bolus", "BOLUS", SHAPE_EMPTY, 0, 0, 0, 1, 1, 1, 0, 0, NO_DENSITY, true, {0, 0, 255}},
	{"CTV", "CTV", SHAPE_EGG, -78, 6, .12, 25, 25, 25, 0, 0, NO_DENSITY, true, {255, 120, 120}},
	{"PTV", "PTV", SHAPE_EGG, -78, 6, .12, 31, 31, 31, 0, 0, NO_DENSITY, true, {255, 0, 128}},
	{"Aorta", ORGAN, SHAPE_COLUMN, 20, 36, .05, 12, 12, .45, 0, 0, 60, true, {180, 0, 0}},
	{"Esophagus", ORGAN, SHAPE_COLUMN, -4, 28, .1, 9, 6, .4, 0, 0, 25, true, {160, 120, 60}},
	{"Trachea", ORGAN, SHAPE_COLUMN, 0, 6, .33, 9, 8, .17, 0, 0, -990, true, {120, 200, 255}},
	{"Liver", ORGAN, SHAPE_EGG, -52, -8, -.28, 68, 60, .2, .2, 8, 62, true, {150, 60, 20}},
	{"Stomach", ORGAN, SHAPE_EGG, 62, -28, -.26, 40, 32, .14, 0, 10, 20, true, {230, 180, 130}},
	{"Spleen", ORGAN, SHAPE_EGG, 92, 26, -.24, 22, 34, .13, 0, 8, 52, true, {120, 20, 80}},
	{"Kidney_L", ORGAN, SHAPE_EGG, 62, 44, -.36, 20, 26, .12, 0, -8, 36, true, {200, 140, 60}},
	{"Kidney_R", ORGAN, SHAPE_EGG, -62, 46, -.38, 20, 26, .12, 0, 8, 36, true, {200, 150, 90}},
};

#define ANATOMY (sizeof(anatomy) / sizeof(anatomy[0]))

/* Parts of the height become millimetres; a seed and a point are smaller than any slice. */
static void place(struct shape *s, double height)
{
	bool tiny = s->type[0] != '\0' && s->a < 2;

	s->cz *= height;
	if (!tiny && s->c <= 1)
		s->c *= height;
	else if (!tiny && s->c <= 2)
		s->c = height;
}

/* The further organs of the larger presets, somewhere inside the body. */
static void place_organ(struct shape *s, unsigned number, double height, uint64_t *random)
{
	double c, d;
	double away = random_between(random, 0, .55);

	turn(random_between(random, 0, 1), &c, &d);
	*s = (struct shape){.type = ORGAN, .kind = SHAPE_EGG, .is_roi = true, .hu = NO_DENSITY};
	snprintf(s->name, sizeof(s->name), "Organ_%02u", number);
	s->cx = 140 * away * c;
	s->cy = 80 * away * d;
	s->cz = height * random_between(random, -.25, .25);
	s->a = random_between(random, 16, 50);
	s->b = random_between(random, 16, 40);
	s->c = height * random_between(random, .08, .22);
	s->egg = random_between(random, -.2, .2);
	s->bend = random_between(random, -6, 6);
	for (int i = 0; i < 3; i++)
		s->color[i] = (uint8_t)(random_next(random) >> 56);
}

size_t shapes_make(struct shape *out, const struct phantom_options *o)
{
	double height = o->thickness_mm * o->slices;
	uint64_t random = o->seed * 2 + 1;
	size_t count = 0;
	uint32_t rois = 0;

	for (size_t i = 0; i < ANATOMY; i++) {
		if (anatomy[i].is_roi && rois == o->rois)
			continue;
		out[count] = anatomy[i];
		place(&out[count], height);
		rois += anatomy[i].is_roi;
		count++;
	}
	for (unsigned number = 1; rois < o->rois && count < SHAPES_MAX; number++, rois++)
		place_organ(&out[count++], number, height, &random);
	return count;
}
