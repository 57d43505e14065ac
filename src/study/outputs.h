/*
 * What a study's output consists of: one row a kind, in the order of sending.
 *
 *     UID_<study>/Addition/OVERLAY-<source's SOP Instance UID>.dcm      OVERLAY
 *                 StructureSet/RTSTRUCT-<its own SOP Instance UID>.dcm  STRUCTURE_SET
 *                 Segmentations/SEG-<its own SOP Instance UID>.dcm      SEGMENTATION
 *                 DebugDicom/DEBUG-<source's SOP Instance UID>.dcm      DEBUG
 *                 debug_visualization/slice_NNN_<source's UID>.jpg      never sent
 *                 report.txt  report.json  report.html
 *
 * Everything that makes, publishes, lists, sends or removes outputs goes by this table.  Another
 * kind is a row here.  A source's UID is the one that it goes by outside.
 */
#ifndef STUDY_OUTPUTS_H
#define STUDY_OUTPUTS_H

#include "base/err.h"
#include "base/uid.h"

enum output_kind {
	OUTPUT_OVERLAY,
	OUTPUT_STRUCTURE_SET,
	OUTPUT_SEGMENTATION,
	OUTPUT_DEBUG,
	OUTPUT_PICTURE,
	OUTPUT_KINDS
};

struct output_place {
	const char *folder, *prefix, *extension; /* of file names */
	const char *series_type;                 /* in the transaction log; NULL: never sent */
};
extern const struct output_place output_places[OUTPUT_KINDS];

/* The files beside the folders. */
#define OUTPUT_REPORTS 3u
extern const char *const output_reports[OUTPUT_REPORTS];

/* A set of kinds. */
#define OUTPUT_BIT(kind) (1u << (kind))

/* "OVERLAY-1.2.3-2.dcm"; `suffix`: "", or "-2", ... of the second structure set on the same
 * images and those after it. */
#define OUTPUT_NAME_MAX (LIMIT_UID + 48)
void output_name(enum output_kind kind, const struct uid *uid, const char *suffix,
		 char out[static OUTPUT_NAME_MAX]);
/* "slice_007_1.2.3.jpg"; `number` from 1. */
void output_picture_name(unsigned number, const struct uid *uid, const char *suffix,
			 char out[static OUTPUT_NAME_MAX]);
/* Is this a name that netrt gives, in the folder of this kind?  Any other file there is not ours,
 * and is never removed or sent. */
bool output_is_ours(enum output_kind kind, const char *name);

/* A file that is not there yet, in an open folder ... */
enum err output_create(int folder, const char *name, int *fd, struct fault *f) MUST_USE;
/* ... closed again.  `e`, `f`: what came of writing it, which goes before what closing says. */
enum err output_close(int fd, enum err e, struct fault *f) MUST_USE;
/* The whole of a small one. */
enum err output_write(int folder, const char *name, struct bytes content, struct fault *f) MUST_USE;

#endif
