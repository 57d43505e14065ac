/*
 * A study's output appears whole or not at all.
 *
 *     OUT/.UID_<study>.part/          everything is written here, under an flock on it
 *         Addition/OVERLAY-*.dcm
 *         report.txt  report.json
 *     OUT/UID_<study>/                what it becomes by one rename(2)
 *
 * Where UID_<study> is there already (a study done again, or a folder of NETRT's with the images
 * in it), its Addition is exchanged for the new one and the reports are replaced.  What netrt did
 * not make (in Addition: any name but OVERLAY-*.dcm) stays where it was.
 *
 * A staging folder that a killed run left behind is cleared by the next one; a lock that is held
 * means that another netrt is at this study.
 */
#ifndef STUDY_STAGING_H
#define STUDY_STAGING_H

#include <stdbool.h>

#include "base/bytes.h"
#include "base/err.h"
#include "base/uid.h"

#define STAGING_NAME_MAX (sizeof(".UID_.part") + LIMIT_UID)
#define STAGING_ADDITION "Addition"

struct staging {
	int out;      /* the OUT folder, borrowed */
	int dir;      /* OUT/.UID_<study>.part, locked; -1 when closed */
	int addition; /* the Addition in it; -1 when closed */
	char part[STAGING_NAME_MAX], final[STAGING_NAME_MAX];
	bool unlocked; /* this file system cannot lock folders: two runs must not meet */
};

#define STAGING_NONE ((struct staging){.out = -1, .dir = -1, .addition = -1})

/*
 * Make (and clear) the staging folder.  ERR_UNUSABLE: another process holds it, or
 * OUT/UID_<study> is there and is no folder.  ERR_IO: it cannot be made or cleared.
 */
enum err staging_open(struct staging *s, int out, const struct uid *study,
		      struct fault *f) MUST_USE;
/* A small file in the staging folder. */
enum err staging_write(struct staging *s, const char *name, struct bytes content,
		       struct fault *f) MUST_USE;
/* Give it its final name.  On OK it is closed; else staging_discard is still to be called. */
enum err staging_publish(struct staging *s, struct fault *f) MUST_USE;
/* Remove all that was written.  Also fine on STAGING_NONE and after staging_publish.  false: not
 * all could be removed. */
bool staging_discard(struct staging *s);

/* Is there output of an earlier run? */
bool staging_has_final(const struct staging *s);

#endif
