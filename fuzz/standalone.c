/*
 * Runs a fuzz harness over files, and over every file of folders: the corpus as an ordinary test,
 * without a fuzzer.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned long run_file(const char *path)
{
	FILE *in = fopen(path, "rb");
	struct stat st;

	if (in == NULL || fstat(fileno(in), &st) != 0) {
		perror(path);
		exit(EXIT_FAILURE);
	}

	size_t size = (size_t)st.st_size;
	uint8_t *data = malloc(size == 0 ? 1 : size); /* exact: an overread is seen */
	if (data == NULL || fread(data, 1, size, in) != size) {
		perror(path);
		exit(EXIT_FAILURE);
	}
	fclose(in);
	LLVMFuzzerTestOneInput(data, size);
	free(data);
	return 1;
}

static unsigned long run_folder(const char *path)
{
	struct dirent **names;
	unsigned long count = 0;
	int n = scandir(path, &names, NULL, alphasort);

	if (n < 0) {
		perror(path);
		exit(EXIT_FAILURE);
	}
	for (int i = 0; i < n; i++) {
		char file[4096];

		if (names[i]->d_name[0] != '.') {
			snprintf(file, sizeof(file), "%s/%s", path, names[i]->d_name);
			count += run_file(file);
		}
		free(names[i]);
	}
	free(names);
	return count;
}

int main(int argc, char **argv)
{
	unsigned long count = 0;

	for (int i = 1; i < argc; i++) {
		struct stat st;

		if (stat(argv[i], &st) == 0 && S_ISDIR(st.st_mode))
			count += run_folder(argv[i]);
		else
			count += run_file(argv[i]);
	}
	printf("%s: %lu inputs\n", argv[0], count);
	return count > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
