/*
 * The spool: where received objects become files, and files become studies.
 *
 *     working/.incoming/<pid>-<n>.part                being received; nobody looks at these
 *     working/UID_<study>/DCM/<SOP instance>.dcm      images
 *     working/UID_<study>/Structure/<SOP instance>.dcm   RT Structure Sets
 *     working/<quarantine>/UID_<study>_<YYYYMMDDhhmmss>[-n]/   with `reason`
 *
 * An object is written to a .part file, and gets its name by one rename when it is whole:
 *
 *     spool_begin(&s, &part, &meta, &fault);
 *     spool_write(&s, &part, views, count, &fault);      // as often as data come
 *     spool_commit(&s, &part, &study, &sop, SPOOL_IMAGE, &result, &fault);   // or spool_discard
 *
 * After OK from spool_commit the C-STORE response may say Success; before, never.  A crash at any
 * point leaves a .part file (removed at the next start by spool_clean), or the whole object.
 *
 * Locks.  A receiver holds a shared flock(2) on UID_<study> from its first commit into the study
 * until spool_close or spool_let_go; whoever removes or moves a study takes the exclusive one first
 * (spool_study_lock).  A commit does not wait for that: files of a study may come at any time.  So
 * that nothing is removed or moved under its feet, each commit also holds a shared lock on the DCM
 * or Structure folder while it gives its file a name, and spool_remove and spool_quarantine hold
 * the exclusive one: these last microseconds.
 *
 * Failures of system calls are ERR_IO with the errno in the fault; so is too little free space
 * (ENOSPC).  Nothing of the object is visible then, but for one case: where only the last fsync of
 * a folder fails, the whole object is there under its name, and the sender, who is told of a
 * failure, will send it again (SPOOL_SAME).
 *
 * A struct spool belongs to one process: after a fork the child opens its own.  An association that
 * feeds more than LIMIT_SPOOL_STUDIES studies gives up the lock on the one it fed least recently.
 */
#ifndef STUDY_SPOOL_H
#define STUDY_SPOOL_H

#include "base/arena.h"
#include "base/err.h"
#include "base/limits.h"
#include "base/uid.h"
#include "dicom/part10.h"
#include "study/files.h"

enum spool_durability {
	SPOOL_STRICT, /* fdatasync, rename, fsync of the folders: survives a power cut */
	SPOOL_FILE,   /* fdatasync, rename: the content does; the name does if the file system
		       * orders its journal so (ext4 and xfs within seconds) */
	SPOOL_NONE,   /* rename: survives a crash of netrt, not of the machine */
};

enum spool_kind { SPOOL_IMAGE, SPOOL_STRUCTURE, SPOOL_KINDS };

enum spool_result {
	SPOOL_NEW,
	SPOOL_SAME,     /* an instance with the same data set and transfer syntax was there */
	SPOOL_REPLACED, /* one with another content was there; this one has its place now */
};

#define SPOOL_HEAD_MAX 1024u /* bytes of a file before the data set; some 350 are usual */
#define SPOOL_STUDY_NAME_MAX (sizeof("UID_") + LIMIT_UID)

/* "UID_<study>" into `name`; its length. */
size_t spool_study_name(const struct uid *study, char name[static SPOOL_STUDY_NAME_MAX]);

struct spool_folder {
	int fd; /* -1 until needed */
	uint64_t device, inode;
};

/* A study that this process has committed into. */
struct spool_study {
	struct uid uid;
	int dir; /* UID_<study>; the lock is on it */
	struct spool_folder folder[SPOOL_KINDS];
	bool locked;   /* shared; false while somebody has the exclusive lock, or when let go */
	uint64_t used; /* when; the least recent one is given up for a new one */
};

struct spool {
	int working, incoming;
	enum spool_durability durability;
	uint64_t min_free; /* bytes that must stay free in the file system; 0: do not ask */
	bool unheld;       /* the next commits take no lock on their study: it was let go */
	/* private */
	unsigned next_part;
	uint64_t clock;
	struct buf head; /* kept from one object to the next: new pages cost 7 us */
	unsigned study_count;
	struct spool_study study[LIMIT_SPOOL_STUDIES];
};

#define SPOOL_CLOSED ((struct spool){.working = -1, .incoming = -1})

/* Opens the folder `working`, makes working/.incoming. */
enum err spool_open(struct spool *s, const char *working, enum spool_durability durability,
		    uint64_t min_free, struct fault *f) MUST_USE;
void spool_close(struct spool *s); /* and with it the locks; also fine on SPOOL_CLOSED */
/* Remove what earlier processes left in .incoming.  Only while no receiver runs. */
enum err spool_clean(struct spool *s, struct fault *f) MUST_USE;
/* OK when there is more than min_free (and an inode) to be had; else ERR_IO with ENOSPC. */
enum err spool_room(const struct spool *s, struct fault *f) MUST_USE;

/* ---- receiving ---- */

struct spool_part {
	int fd; /* -1: none */
	char name[40];
	uint64_t data_at; /* of the data set in the file: after the file meta information */
	uint64_t size;    /* of the file so far */
	uint64_t pushed;  /* strict, file: written back to the disk so far, or on its way there */
	size_t head_len;  /* of `head` not written yet: goes out with the first views */
	uint8_t head[SPOOL_HEAD_MAX];
};

#define SPOOL_PART_NONE ((struct spool_part){.fd = -1})

/* Make a .part file.  Its Part 10 head has what `meta` says.  Asks spool_room first. */
enum err spool_begin(struct spool *s, struct spool_part *p, const struct part10_meta *meta,
		     struct fault *f) MUST_USE;
/*
 * Pieces of the data set, as encoded in meta's transfer syntax.  The views need not stay.  Few
 * calls with much in each are fast: 512 KiB cost 110 us of processor time in one call, 155 in
 * pieces of 128 KiB, 335 in pieces of 16 KiB (ext4, which then uses smaller folios).
 */
enum err spool_write(struct spool *s, struct spool_part *p, const struct bytes *views, size_t count,
		     struct fault *f) MUST_USE;
/* Give it its name.  Takes over the part in every case: it is NONE afterwards. */
enum err spool_commit(struct spool *s, struct spool_part *p, const struct uid *study,
		      const struct uid *sop, enum spool_kind kind, enum spool_result *result,
		      struct fault *f) MUST_USE;
void spool_discard(struct spool *s, struct spool_part *p); /* also fine on NONE */
/* Give up the lock on a study, if there is one.  Further commits take it again unless `unheld`. */
void spool_let_go(struct spool *s, const struct uid *study);

/* ---- studies ---- */

/* The studies in the spool, by UID.  Arena's. */
enum err spool_list_studies(const struct spool *s, struct uid **studies, size_t *count,
			    struct arena *a, struct fault *f) MUST_USE;
struct spool_lock {
	int fd; /* UID_<study>, -1: not locked */
};

#define SPOOL_UNLOCKED ((struct spool_lock){-1})

enum spool_access { SPOOL_SHARED, SPOOL_EXCLUSIVE };

/* Without waiting.  OK; ERR_MORE: somebody else has it (or has just removed the study and made it
 * anew); ERR_UNUSABLE: no such study. */
enum err spool_study_lock(const struct spool *s, const struct uid *study, enum spool_access access,
			  struct spool_lock *lock, struct fault *f) MUST_USE;
void spool_study_unlock(struct spool_lock *lock); /* also fine on UNLOCKED */

/*
 * Remove exactly these files (study/files.h): one that is not study_file_same any more stays, and
 * *kept counts it.  What is gone already is fine.
 */
enum err spool_remove(const struct spool *s, const struct uid *study,
		      const struct study_files *files, size_t *kept, struct fault *f) MUST_USE;
/*
 * Remove what else a processed study consists of (Addition, reports, journal, whatever else netrt
 * made) and the folder itself, if no input is left in it; *gone says whether it is gone.
 * Durable in strict.  The caller has the exclusive lock.
 */
enum err spool_remove_study(const struct spool *s, const struct uid *study, bool *gone,
			    struct fault *f) MUST_USE;

#define SPOOL_QUARANTINE_NAME_MAX (sizeof("UID__YYYYMMDDhhmmss-4294967295") + LIMIT_UID)

/*
 * Move the study to working/<subdir>/UID_<study>_<stamp>, a file `reason` with this text in it, by
 * one rename; durable.  `stamp` is YYYYMMDDhhmmss.  The name that it got is in `name`.  The caller
 * has the exclusive lock.  A receiver that stores on makes the study anew.
 */
enum err spool_quarantine(const struct spool *s, const struct uid *study, const char *subdir,
			  const char *stamp, struct bytes reason,
			  char name[static SPOOL_QUARANTINE_NAME_MAX], struct fault *f) MUST_USE;
/* Is this a name that spool_quarantine gives, and of which study? */
bool spool_quarantine_name(const char *name, struct uid *study);
/* The reverse: `name` below subdir becomes UID_<study> again, without `reason`.  ERR_UNUSABLE when
 * a study of that UID is there, or the name is none of spool_quarantine's. */
enum err spool_release(const struct spool *s, const char *subdir, const char *name,
		       struct uid *study, struct fault *f) MUST_USE;

#endif
