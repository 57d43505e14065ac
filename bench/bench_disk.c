/*
 * What the disk itself gives to who must not lose anything:
 *
 *     build/bench/bench_disk FOLDER FILES BYTES PROCESSES
 *
 * writes so many files, each to another name, fdatasync, rename, fsync of the folder; by so many
 * processes at once, each in a folder of its own.  Prints the files a second.
 */
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "wire.h"

static void work(const char *folder, unsigned number, unsigned files, size_t bytes)
{
	char path[4096];
	uint8_t *block = calloc(1, bytes);

	snprintf(path, sizeof path, "%s/%u", folder, number);
	if (block == NULL || mkdir(path, 0700) < 0)
		die(path);
	int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (unsigned i = 0; i < files; i++) {
		char name[32];

		snprintf(name, sizeof name, "%u.dcm", i);
		int fd = openat(dir, "part", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
		if (fd < 0)
			die("part");
		write_all(fd, block, bytes);
		if (fdatasync(fd) < 0 || close(fd) < 0 || renameat(dir, "part", dir, name) < 0 ||
		    fsync(dir) < 0)
			die(name);
	}
	_exit(0);
}

int main(int argc, char **argv)
{
	if (argc != 5) {
		fprintf(stderr, "usage: bench_disk FOLDER FILES BYTES PROCESSES\n");
		return 64;
	}
	unsigned files = (unsigned)atoi(argv[2]), processes = (unsigned)atoi(argv[4]);
	int status, good = 1;
	double began = now_s();

	for (unsigned n = 0; n < processes; n++)
		if (fork() == 0)
			work(argv[1], n, files / processes, (size_t)atol(argv[3]));
	while (wait(&status) > 0)
		good &= status == 0;
	printf("%.1f\n", files / processes * processes / (now_s() - began));
	return !good;
}
