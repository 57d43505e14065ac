/*
 * What lies in the input: every file looked at once, by its head only, and its DICOM objects
 * sorted into studies.
 *
 * Nothing of an image is kept but its path and its geometry (struct rt_image, half a KiB), and
 * no file stays mapped.  Two files with one SOP Instance UID: the first is kept; the second is
 * dropped quietly when it holds the same data set, with a problem when it does not.
 *
 * What netrt made itself in an earlier run (series/mark.h) is left out and counted: an output
 * folder may lie inside the input.
 */
#ifndef STUDY_SCAN_H
#define STUDY_SCAN_H

#include "base/arena.h"
#include "base/uid.h"
#include "rt/image.h"

#define SCAN_KINDS 64u     /* other SOP classes told apart in one study */
#define SCAN_PROBLEMS 100u /* problems kept; further ones are only counted */

struct scan_set {
	struct uid sop_instance;
	char when[32]; /* Structure Set Date and Time, for order: "20240319100500" */
	const char *path;
	uint32_t order; /* of finding */
};

struct scan_other {
	struct uid sop_class;
	uint32_t count;
};

struct scan_study {
	struct scan_study *next, *next_in_bucket;
	struct uid uid;
	struct rt_image *images; /* owned (malloc); .source is the index in image_paths */
	const char **image_paths;
	uint32_t image_count, image_room;
	struct scan_set *sets; /* owned; by date and time, then SOP Instance UID */
	uint32_t set_count, set_room;
	struct scan_other *others; /* owned; what is neither image nor structure set */
	uint32_t other_count, other_room;
	uint32_t duplicates; /* files left out because another holds the same object */
	uint32_t derived;    /* objects that netrt made */
};

struct scan_problem {
	const char *path;
	struct fault fault;
};

struct scan_counts {
	uint32_t files; /* regular files looked at */
	uint32_t images, sets, others, dicomdirs;
	uint32_t not_dicom; /* whole, but no DICOM (empty files too) */
	uint32_t bad;       /* unreadable, broken, or without the UIDs that a study needs */
	uint32_t duplicates, derived;
	uint32_t not_files; /* FIFOs, sockets, devices, dead links, links to folders */
};

#define SCAN_BUCKETS 1024u

struct scan {
	struct arena keep;                  /* paths and studies */
	struct arena scratch;               /* one data set's index */
	struct scan_study *studies, **last; /* in order of finding */
	struct scan_study *bucket[SCAN_BUCKETS];
	uint32_t study_count;
	struct scan_counts counts;
	struct scan_problem problems[SCAN_PROBLEMS];
	uint32_t problem_count; /* may pass SCAN_PROBLEMS */
};

/* *s is ready for scan_run, and scan_close releases it in every case. */
enum err scan_open(struct scan *s, struct fault *f) MUST_USE;
/*
 * Look at `count` files and folders; `out` is the output folder to be left out, or -1.  What is
 * wrong with a file is a problem in the list, not an error.  ERR_LIMIT: more than LIMIT_FILES.
 * ERR_NOMEM.
 */
enum err scan_run(struct scan *s, const char *const *paths, size_t count, int out,
		  struct fault *f) MUST_USE;
void scan_close(struct scan *s);

/* Objects of any kind that are DICOM. */
uint32_t scan_dicom_count(const struct scan *s);

#endif
