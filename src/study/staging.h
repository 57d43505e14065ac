/*
 * A study's output appears whole or not at all.
 *
 *     OUT/.UID_<study>.part/          everything is written here, under an flock on it
 *         Addition/  Segmentations/   the folders of study/outputs.h that are wanted
 *         report.txt  report.json  report.html
 *     OUT/UID_<study>/                what it becomes by one rename(2)
 *
 * Where UID_<study> is there already (a study done again, or a folder of NETRT's with the images
 * in it), its output folders are exchanged for the new ones, the reports are replaced, and what an
 * earlier run made of a kind that this one does not is removed.  What netrt did not make (any name
 * but those of output_is_ours) stays where it was.
 *
 * That takes several renames.  Before the first of them the file `ready` in the staging folder says
 * which folder is to go where; a run that was killed between two is carried on by the next one
 * (staging_open), which finds it.  A staging folder without `ready` is of a run that was killed
 * before: it is cleared.  A lock that is held means that another netrt is at this study.
 */
#ifndef STUDY_STAGING_H
#define STUDY_STAGING_H

#include <stdbool.h>

#include "base/bytes.h"
#include "base/err.h"
#include "study/outputs.h"

#define STAGING_NAME_MAX (sizeof(".UID_.part") + LIMIT_UID)

struct staging {
	int out;                  /* the OUT folder, borrowed */
	int dir;                  /* OUT/.UID_<study>.part, locked; -1 when closed */
	int folder[OUTPUT_KINDS]; /* those in it; -1: not wanted, or closed */
	char part[STAGING_NAME_MAX], final[STAGING_NAME_MAX];
	bool unlocked; /* this file system cannot lock folders: two runs must not meet */
};

#define STAGING_NONE ((struct staging){.out = -1, .dir = -1, .folder = {-1, -1, -1, -1, -1}})

/*
 * Make (and clear) the staging folder, with a folder for each kind in `kinds` (OUTPUT_BIT).
 * ERR_UNUSABLE: another process holds it, or OUT/UID_<study> or an output folder in it is there and
 * is no folder.  ERR_IO: it cannot be made or cleared.
 */
enum err staging_open(struct staging *s, int out, const struct uid *study, unsigned kinds,
		      struct fault *f) MUST_USE;
/* A small file in the staging folder. */
enum err staging_write(struct staging *s, const char *name, struct bytes content,
		       struct fault *f) MUST_USE;
/* Files of this kind that were made so far. */
uint32_t staging_count(const struct staging *s, enum output_kind kind);
/* Give it its final name; folders in which nothing was made are left out.  On OK it is closed; else
 * staging_discard is still to be called. */
enum err staging_publish(struct staging *s, struct fault *f) MUST_USE;
/* Remove all that was written.  Also fine on STAGING_NONE and after staging_publish.  false: not
 * all could be removed, or some of it has its final name already and the next run carries on. */
bool staging_discard(struct staging *s);

/* Is there output of an earlier run? */
bool staging_has_final(const struct staging *s);

#endif
