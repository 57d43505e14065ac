/*
 * Compressed images from file to native samples: MB/s of samples.
 *
 *     build/bench/bench_decode ROUNDS FILE...      prints the fastest round's
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "image/decode.h"

static size_t decode(const char *path, struct arena *a)
{
	struct part10 p = PART10_NONE;
	struct native n = {0};
	struct fault f = {0};
	struct dset d;

	if (part10_open(&p, AT_FDCWD, path, &f) != OK ||
	    dset_index(&d, p.data, p.syntax, TAG_PixelData, a, &f) != OK ||
	    native_open(&n, &p, &d, &f) != OK) {
		fprintf(stderr, "%s: %s\n", path, f.text);
		exit(1);
	}
	size_t len = n.data.len;
	native_close(&n);
	part10_close(&p);
	arena_reset(a, 0);
	return len;
}

int main(int argc, char **argv)
{
	int rounds = argc > 2 ? atoi(argv[1]) : 0;
	double best = 0;
	struct arena a;

	if (rounds < 1 || arena_open(&a, 16u << 20, NULL) != OK)
		return 2;
	for (int r = 0; r < rounds; r++) {
		uint64_t began = clock_us();
		size_t bytes = 0;

		for (int i = 2; i < argc; i++)
			bytes += decode(argv[i], &a);
		double speed = (double)bytes / (double)(clock_us() - began + 1);
		best = speed > best ? speed : best;
	}
	arena_close(&a);
	printf("%.1f\n", best);
	return 0;
}
