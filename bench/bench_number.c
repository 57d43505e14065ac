/*
 * Contour Data text to picometres: MB/s of ds_list_pm, beside strtod on the same text.
 *
 *     build/bench_number          one line a shape of text; exit 1 when one is too slow
 *
 * The shapes are those of real systems: decimals and range.  The order of the numbers is
 * that of a contour (x, y, z, x, y, z ...), drawn with a fixed seed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "dicom/number.h"

#define NUMBERS 300000u
#define ROUNDS 7u

static const struct {
	const char *name;
	int x_decimals, z_decimals;
	bool trim_zeros; /* "-12.50" as "-12.5" */
} shapes[] = {
	{"2 decimals", 2, 2, false},         {"2 decimals, no zeros", 2, 1, true},
	{"3 decimals, z whole", 3, 0, true}, {"4 decimals", 4, 4, false},
	{"7 decimals", 7, 6, false},         {"10 decimals", 10, 2, true},
};

static uint64_t state = 88172645463325252u;

static double uniform(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (double)(state >> 11) / 9007199254740992.0;
}

static size_t print(char *at, double value, int decimals, bool trim)
{
	int n = snprintf(at, 32, "%.*f", decimals, value);
	size_t len = n < 0 ? 0 : (size_t)n;

	while (trim && decimals > 0 && at[len - 1] == '0')
		len--;
	if (at[len - 1] == '.')
		len--;
	return len;
}

static struct bytes make_text(char *text, size_t shape)
{
	double x = 40, y = -120;
	size_t len = 0;

	for (unsigned i = 0; i < NUMBERS; i++) {
		bool z = i % 3 == 2;

		x += uniform() * 4 - 2;
		y += uniform() * 4 - 2;
		double v = z ? -157.5 : i % 3 == 0 ? x : y;
		while (v > 400 || v < -400)
			v /= 3;
		len += print(text + len, v, z ? shapes[shape].z_decimals : shapes[shape].x_decimals,
			     shapes[shape].trim_zeros);
		text[len++] = '\\';
	}
	text[len - 1] = '\0';
	return bytes_of(text, len - 1);
}

static double megabytes_a_second(size_t len, uint64_t us)
{
	return us == 0 ? 0 : (double)len / (double)us;
}

static double run_ours(struct bytes text, int64_t *out)
{
	double best = 0;

	for (unsigned r = 0; r < ROUNDS; r++) {
		struct bytes left = text;
		size_t count;
		uint64_t start = clock_us();

		if (ds_list_pm(&left, out, NUMBERS, &count, NULL) != OK || count != NUMBERS)
			exit(2);
		double speed = megabytes_a_second(text.len, clock_us() - start);
		best = speed > best ? speed : best;
	}
	return best;
}

static double run_strtod(struct bytes text, double *out)
{
	double best = 0;

	for (unsigned r = 0; r < ROUNDS; r++) {
		const char *p = (const char *)text.at;
		uint64_t start = clock_us();

		for (unsigned i = 0; i < NUMBERS; i++) {
			char *end;

			out[i] = strtod(p, &end);
			p = end + 1;
		}
		double speed = megabytes_a_second(text.len, clock_us() - start);
		best = speed > best ? speed : best;
	}
	return best;
}

int main(void)
{
	char *text = malloc(NUMBERS * 32u);
	int64_t *pm = malloc(NUMBERS * sizeof(*pm));
	double *mm = malloc(NUMBERS * sizeof(*mm));
	double worst = 1e9;

	if (text == NULL || pm == NULL || mm == NULL)
		return 2;
	printf("%-24s %12s %12s %8s\n", "Contour Data text", "ours MB/s", "strtod MB/s", "ratio");
	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
		struct bytes t = make_text(text, i);
		double ours = run_ours(t, pm), theirs = run_strtod(t, mm);

		printf("%-24s %12.0f %12.0f %8.1f\n", shapes[i].name, ours, theirs, ours / theirs);
		worst = ours < worst ? ours : worst;
	}
	free(text);
	free(pm);
	free(mm);
	printf("slowest shape: %.0f MB/s (wanted: 800)\n", worst);
	return worst >= 800 ? 0 : 1;
}
