/*
 * The files of a study's folder that count as its input, as they are now.
 *
 *     UID_<study>/<name>  UID_<study>/DCM/<name>  UID_<study>/Structure/<name>
 *
 * Any name may have been copied in by hand.  Left out are names that begin with a dot (tools that
 * copy write to such ones first), what netrt itself puts beside them (journal, reason and the names
 * of study/outputs.h), and everything that is no regular file.  What is in no list is never
 * removed.
 */
#ifndef STUDY_FILES_H
#define STUDY_FILES_H

#include "base/arena.h"
#include "base/err.h"

struct study_file {
	const char *path; /* from the study's folder: "DCM/1.2.3.dcm" */
	uint64_t size;
	int64_t mtime_ns;
	int64_t ctime_ns; /* also changes when the file is renamed into the folder */
};

struct study_files {
	struct arena names;
	struct study_file *item; /* owned (malloc); by path */
	uint32_t count, room;
	uint64_t bytes;
	int64_t newest_ns, oldest_ns; /* of the ctimes; 0, 0 when there is none */
	bool strange;    /* something else than netrt's own lies in the folder as well */
	char digest[65]; /* SHA-256 of paths, sizes and mtimes, in hex */
};

#define STUDY_FILES_NONE ((struct study_files){.item = NULL})

/* Is this a name that is never input, in the study's folder itself? */
bool study_files_own(const char *name);
/* Two files of one path: has nothing changed? */
bool study_file_same(const struct study_file *a, const struct study_file *b);
/* `study`: the open folder.  ERR_IO, ERR_NOMEM, ERR_LIMIT (over LIMIT_FILES). */
enum err study_files_read(struct study_files *s, int study, struct fault *f) MUST_USE;
const struct study_file *study_files_find(const struct study_files *s, const char *path);
void study_files_free(struct study_files *s); /* also fine on STUDY_FILES_NONE */

#endif
