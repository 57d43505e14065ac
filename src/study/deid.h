/*
 * De-identification alone: every DICOM object of files and folders, to a folder of its own making.
 *
 *     OUT/UID_<new Study Instance UID>/<new SOP Instance UID>.dcm
 *     OUT/deid_report.json     what was done to each of them, by its new UIDs
 *
 * Each file is made under a temporary name, read back and searched (R25), and only then gets its
 * own. What cannot be de-identified is not there, and is told of: to the person who runs it by the
 * path that he gave, in the report by a number.
 */
#ifndef STUDY_DEID_H
#define STUDY_DEID_H

#include "anon/gate.h"

struct deid_options {
	struct anon_gate *gate;
	unsigned workers;
	const char *version;
	const char *crosswalk; /* file to which old and new UIDs are added, 0600, or NULL: none */
	bool progress, json, quiet;
};

/* `out`: the output folder, open.  Returns EX_OK, EX_DATAERR (some object stayed behind),
 * EX_NOINPUT, EX_CANTCREAT. */
int deid_run(const char *const *paths, size_t count, int out,
	     const struct deid_options *options) MUST_USE;

#endif
