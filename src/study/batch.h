/*
 * All studies of a scan, one after the other, each in a process of its own: what happens to one
 * (a crash, no memory) costs nothing of the others.  What such a process left behind is removed.
 */
#ifndef STUDY_BATCH_H
#define STUDY_BATCH_H

#include "study/options.h"
#include "study/scan.h"

/*
 * `out`: the output folder.  Returns EX_OK: every study with images and a structure set is done
 * (and there was one); EX_DATAERR; EX_CANTCREAT, which goes before it.
 * Contact sheets: the first study done gets options->sheet, the second "NAME-2.jpg", and so on.
 */
int batch_run(const struct scan *scan, const struct study_options *options, int out) MUST_USE;

#endif
