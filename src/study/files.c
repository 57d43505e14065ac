#include "study/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/sha256.h"
#include "study/outputs.h"

#define FOLDER (O_RDONLY | O_DIRECTORY | O_CLOEXEC)
#define NAMES_CAP (512ull << 20) /* reserved, not used: LIMIT_FILES paths of 512 bytes */

/* Folders and files that netrt makes in a study's folder. */
bool study_files_own(const char *name)
{
	bool own = name[0] == '.' || strcmp(name, "journal") == 0 || strcmp(name, "reason") == 0;

	for (unsigned k = 0; k < OUTPUT_KINDS && !own; k++)
		own = strcmp(name, output_places[k].folder) == 0;
	for (size_t i = 0; i < OUTPUT_REPORTS && !own; i++)
		own = strcmp(name, output_reports[i]) == 0;
	return own;
}

bool study_file_same(const struct study_file *a, const struct study_file *b)
{
	return a->size == b->size && a->mtime_ns == b->mtime_ns;
}

static int64_t nanoseconds(struct timespec t)
{
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static enum err no_memory(struct fault *f)
{
	return fault_set(f, ERR_NOMEM, "no memory for the list of a study's files",
			 FAULT_NO_OFFSET);
}

static enum err add(struct study_files *s, const char *folder, const char *name,
		    const struct stat *st, struct fault *f)
{
	if (s->count == LIMIT_FILES)
		return fault_set(f, ERR_LIMIT, "more than 1,000,000 files", FAULT_NO_OFFSET);
	if (s->count == s->room) {
		uint32_t room = s->room == 0 ? 64 : s->room * 2;
		struct study_file *grown = realloc(s->item, room * sizeof(*grown));

		if (grown == NULL)
			return no_memory(f);
		s->item = grown;
		s->room = room;
	}

	size_t size = strlen(folder) + strlen(name) + 2;
	char *path = arena_alloc(&s->names, size, 1);
	if (path == NULL)
		return no_memory(f);
	snprintf(path, size, "%s%s%s", folder, folder[0] == '\0' ? "" : "/", name);
	s->item[s->count++] = (struct study_file){.path = path,
						  .size = (uint64_t)st->st_size,
						  .mtime_ns = nanoseconds(st->st_mtim),
						  .ctime_ns = nanoseconds(st->st_ctim)};
	return OK;
}

/* `fd` is taken over; `folder`: its path from the study's folder, "" for that itself. */
static enum err read_folder(struct study_files *s, int fd, const char *folder, struct fault *f)
{
	DIR *dir = fdopendir(fd);
	struct dirent *d;
	enum err e = OK;
	bool top = folder[0] == '\0';

	if (dir == NULL) {
		e = fault_io(f, "cannot list a study's folder");
		close(fd);
		return e;
	}
	while (e == OK && (d = readdir(dir)) != NULL) {
		struct stat st;

		if (d->d_name[0] == '.' || (top && study_files_own(d->d_name)))
			continue;
		if (top && (strcmp(d->d_name, "DCM") == 0 || strcmp(d->d_name, "Structure") == 0))
			continue;
		if (fstatat(fd, d->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
			if (errno != ENOENT)
				e = fault_io(f, "cannot look at a file of a study");
		} else if (S_ISREG(st.st_mode)) {
			e = add(s, folder, d->d_name, &st, f);
		} else {
			s->strange = true;
		}
	}
	closedir(dir);
	return e;
}

static enum err read_named(struct study_files *s, int study, const char *name, struct fault *f)
{
	int fd = openat(study, name, FOLDER | O_NOFOLLOW);

	if (fd >= 0)
		return read_folder(s, fd, strcmp(name, ".") == 0 ? "" : name, f);
	if (errno == ENOENT || errno == ENOTDIR || errno == ELOOP)
		return OK;
	return fault_io(f, "cannot open a study's folder");
}

static int by_path(const void *a, const void *b)
{
	return strcmp(((const struct study_file *)a)->path, ((const struct study_file *)b)->path);
}

static void summarize(struct study_files *s)
{
	struct sha256 sum;
	uint8_t out[SHA256_LEN];

	if (s->count > 1)
		qsort(s->item, s->count, sizeof(*s->item), by_path);
	sha256_init(&sum);
	for (uint32_t i = 0; i < s->count; i++) {
		const struct study_file *x = &s->item[i];
		uint64_t numbers[2] = {x->size, (uint64_t)x->mtime_ns};

		sha256_add(&sum, bytes_of(x->path, strlen(x->path) + 1));
		sha256_add(&sum, bytes_of(numbers, sizeof(numbers)));
		s->bytes += x->size;
		if (i == 0 || x->ctime_ns > s->newest_ns)
			s->newest_ns = x->ctime_ns;
		if (i == 0 || x->ctime_ns < s->oldest_ns)
			s->oldest_ns = x->ctime_ns;
	}
	sha256_end(&sum, out);
	for (size_t i = 0; i < SHA256_LEN; i++)
		snprintf(s->digest + 2 * i, 3, "%02x", out[i]);
}

enum err study_files_read(struct study_files *s, int study, struct fault *f)
{
	static const char *const folders[] = {".", "DCM", "Structure"};

	*s = STUDY_FILES_NONE;
	enum err e = arena_open(&s->names, NAMES_CAP, f);
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]) && e == OK; i++)
		e = read_named(s, study, folders[i], f);
	if (e == OK)
		summarize(s);
	else
		study_files_free(s);
	return e;
}

const struct study_file *study_files_find(const struct study_files *s, const char *path)
{
	struct study_file key = {.path = path};

	if (s->count == 0)
		return NULL;
	return bsearch(&key, s->item, s->count, sizeof(*s->item), by_path);
}

void study_files_free(struct study_files *s)
{
	free(s->item);
	arena_close(&s->names);
	*s = STUDY_FILES_NONE;
}
