/*
 * Read and write again every file of a folder, in one process:
 *
 *     build/bench/bench_rewrite IN OUT [ROUNDS]
 *
 * prints the files a second of the best round.  bench/dcmtk_rewrite.cc is the same with
 * DCMTK; bench/run runs both in turn.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/clock.h"
#include "dicom/part10.h"
#include "dicom/rewrite.h"

#define NAMES_MAX 4096

static char *names[NAMES_MAX];
static unsigned name_count;

static void list(const char *folder)
{
	DIR *dir = opendir(folder);

	if (dir == NULL) {
		perror(folder);
		exit(2);
	}
	for (struct dirent *entry; (entry = readdir(dir)) != NULL && name_count < NAMES_MAX;)
		if (entry->d_name[0] != '.')
			names[name_count++] = strdup(entry->d_name);
	closedir(dir);
}

static enum err rewrite(struct part10 *p, int out_dir, const char *name, struct arena *a,
			struct fault *f)
{
	struct part10_out o = {
		.transfer_syntax = p->syntax_uid,
		.syntax = p->syntax,
		.source_fd = p->map.fd,
		.source = p->file,
	};
	struct dset d;
	struct bytes *views = NULL;
	enum err e = dset_index(&d, p->data, p->syntax, 0, a, f);

	if (e == OK)
		e = rewrite_plan(&d, NULL, 0, a, &views, &o.view_count, f);
	if (e != OK)
		return e;
	uid_set(&o.sop_class, dset_text(&d, NULL, TAG_SOPClassUID));
	uid_set(&o.sop_instance, dset_text(&d, NULL, TAG_SOPInstanceUID));
	o.views = views;

	int fd = openat(out_dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0)
		return fault_io(f, "cannot create");
	e = part10_write(fd, &o, f);
	if (close(fd) < 0 && e == OK)
		e = fault_io(f, "cannot close");
	return e;
}

static void round_of_files(int in_dir, int out_dir, struct arena *a)
{
	for (unsigned i = 0; i < name_count; i++) {
		struct part10 p = PART10_NONE;
		struct fault f = {0};
		enum err e = part10_open(&p, in_dir, names[i], &f);

		if (e == OK)
			e = rewrite(&p, out_dir, names[i], a, &f);
		part10_close(&p);
		arena_reset(a, 0);
		if (e != OK) {
			fprintf(stderr, "%s: %s\n", names[i], f.text);
			exit(2);
		}
	}
}

int main(int argc, char **argv)
{
	struct arena a = {0};
	double best = 0;

	if (argc < 3 || arena_open(&a, 16u << 20, NULL) != OK)
		return 2;
	int rounds = argc > 3 ? atoi(argv[3]) : 1;
	int in_dir = open(argv[1], O_RDONLY | O_DIRECTORY);
	int out_dir = open(argv[2], O_RDONLY | O_DIRECTORY);
	if (in_dir < 0 || out_dir < 0)
		return 2;
	list(argv[1]);
	for (int r = 0; r < rounds; r++) {
		for (unsigned i = 0; i < name_count; i++)
			unlinkat(out_dir, names[i], 0);
		uint64_t start = clock_us();
		round_of_files(in_dir, out_dir, &a);
		double speed = (double)name_count * 1e6 / (double)(clock_us() - start);
		best = speed > best ? speed : best;
	}
	printf("%.0f\n", best);
	return 0;
}
