/*
 * For tests/e2e/decode.py: the pixels of files, decoded.
 *
 *     build/test_native OUT FILE...
 *
 * writes OUT/0.raw, OUT/1.raw ... (native, little endian, all frames) and prints a line for each
 * file, with a tab between columns:
 *
 *     ok <index> <rows> <columns> <frames> <samples> <bits allocated> <signed> <planar>
 *        <photometric> <decoded> <lossy> <file>
 *     refused <index> <why> <file>
 */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/arena.h"
#include "image/decode.h"

static const char *const photometric[] = {"MONOCHROME1", "MONOCHROME2", "PALETTE COLOR",
					  "RGB",         "YBR_FULL",    "YBR_FULL_422",
					  "YBR_ICT",     "YBR_RCT",     "OTHER"};

static enum err write_pixels(const char *folder, int index, const struct native *n, struct fault *f)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/%d.raw", folder, index);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0)
		return fault_io(f, "cannot create");
	enum err e = file_write_all(fd, n->data, f);
	close(fd);
	return e;
}

static enum err take(const char *folder, int index, const char *path, struct arena *a,
		     struct fault *f)
{
	struct part10 p = PART10_NONE;
	struct native n = {0};
	struct dset d;
	enum err e = part10_open(&p, AT_FDCWD, path, f);

	if (e == OK)
		e = dset_index(&d, p.data, p.syntax, 0, a, f);
	if (e == OK)
		e = native_open(&n, &p, &d, f);
	if (e == OK)
		e = write_pixels(folder, index, &n, f);
	if (e == OK)
		printf("ok\t%d\t%u\t%u\t%u\t%u\t%u\t%d\t%d\t%s\t%d\t%d\t%s\n", index, n.format.rows,
		       n.format.cols, n.format.frames, n.format.samples, n.format.bits_allocated,
		       n.format.is_signed, n.format.planar, photometric[n.format.photometric],
		       n.decoded, n.lossy, path);
	native_close(&n);
	part10_close(&p);
	return e;
}

int main(int argc, char **argv)
{
	struct arena a;
	struct fault f = {0};

	if (argc < 3 || arena_open(&a, 1u << 30, &f) != OK)
		return 64;
	for (int i = 2; i < argc; i++) {
		char why[256];

		f = (struct fault){0};
		if (take(argv[1], i - 2, argv[i], &a, &f) != OK) {
			fault_format(&f, why, sizeof(why));
			printf("refused\t%d\t%s\t%s\n", i - 2, why, argv[i]);
		}
		arena_reset(&a, 0);
	}
	arena_close(&a);
	return 0;
}
