/*
 * Is a study whole?  What a study's folder holds now: its files, what its journal says of them,
 * and, where they are not the ones of the last round, whether every image is there that its
 * structure sets refer to.
 *
 * Run in a process of its own (files of a peer are parsed), which may change its working directory:
 * paths are relative to the study's folder.
 */
#ifndef STUDY_INSPECT_H
#define STUDY_INSPECT_H

#include "study/files.h"
#include "study/journal.h"
#include "study/scan.h"

enum inspect_verdict {
	INSPECT_NO_SET,     /* no RT Structure Set (there may be nothing at all) */
	INSPECT_NO_IMAGES,  /* a structure set, and no image of this study */
	INSPECT_INCOMPLETE, /* a structure set refers to images that are not there, or to none */
	INSPECT_COMPLETE,   /* all are there that all structure sets refer to */
};

struct inspect {
	uint32_t files;
	uint64_t bytes;
	int64_t newest_ns, oldest_ns; /* ctimes, UTC; 0: no files.  The oldest of those that no
				       * round has seen, if there are any */
	bool strange;                 /* struct study_files */
	bool processed; /* the journal's round has seen every one of these files, as they are */
	/* only when not processed */
	enum inspect_verdict verdict;
	uint32_t images, sets;
	uint32_t referenced, missing; /* instances that the sets refer to, each counted once */
};

/*
 * Look at the study whose folder is the current working directory, of which `study` is an open fd,
 * and `files` the list.  *state is its journal, in `a`.  ERR_IO, ERR_NOMEM, ERR_LIMIT: it cannot be
 * looked at now.
 */
enum err inspect_study(struct inspect *out, struct journal_state *state, int study,
		       const struct study_files *files, const struct uid *uid, struct arena *a,
		       struct fault *f) MUST_USE;

/* What the journal's round saw: for each file of the list the entry of exactly this file (path,
 * size, mtime), or NULL where it saw no such file.  malloc'ed; NULL: no memory. */
const struct journal_seen **inspect_seen(const struct study_files *files,
					 const struct journal_state *state) MUST_USE;

/*
 * The images that a structure set refers to (study/references.h), those with a UID that is one,
 * each appended to *out (malloc'ed, to be freed), repeats and all.  A structure set that is cut
 * short gives what came before, and its error.
 */
struct inspect_refs {
	struct uid *item; /* owned (malloc) */
	uint32_t count, room;
};
enum err inspect_references(struct inspect_refs *out, struct bytes data,
			    const struct syntax *syntax, struct fault *f) MUST_USE;

#endif
