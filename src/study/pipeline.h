/*
 * One study, from its scan to its folder in OUT.
 *
 *     for each structure set, by date:
 *         read it, plan what is painted where, fork workers that paint and write
 *     write the reports, give the folder its final name, tell the sum
 *
 * The first structure set painted on an image series gives
 * Addition/OVERLAY-<SOP Instance UID of the image>.dcm, the second one on the same series
 * OVERLAY-<UID>-2.dcm, and so on; each has a Series Instance UID of its own.
 *
 * A structure set that cannot be used is told of, and the others go on.  Anything that stops an
 * image from being written (a broken source, a full disk) fails the study: a series with holes
 * is worse than none.
 */
#ifndef STUDY_PIPELINE_H
#define STUDY_PIPELINE_H

#include <signal.h>

#include "study/options.h"
#include "study/scan.h"

/*
 * The whole of it, with its messages; for a process of its own, which ends with the result: EX_OK,
 * EX_DATAERR, EX_CANTCREAT.  SIGINT, SIGTERM, SIGHUP and SIGCHLD are held
 * (signals_hold, *old is what was before); one of the first three removes what was written and ends
 * the process by that signal.  `sheet`: path of the contact sheet, or NULL.
 */
int pipeline_run(const struct scan *scan, const struct scan_study *study,
		 const struct study_options *options, int out, const char *sheet,
		 const sigset_t *old) MUST_USE;

#endif
