/*
 * DICOM files (PS3.10 section 7): preamble, "DICM", file meta information, data set.
 *
 * Also taken: files without preamble, without meta information (bare data sets; the
 * encoding is found by trying), with a meta group length that is wrong or absent.
 */
#ifndef DICOM_PART10_H
#define DICOM_PART10_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/uid.h"
#include "dicom/dset.h"
#include "dicom/syntax.h"

struct part10 {
	struct file_map map;              /* FILE_MAP_NONE when made from memory */
	struct bytes file;                /* the whole file */
	struct bytes meta;                /* group 0002 elements; may be empty */
	const struct syntax *meta_syntax; /* of these: explicit VR LE but in odd old files */
	const struct syntax *syntax;      /* of the data set; never NULL */
	bool syntax_unknown;   /* the file names a transfer syntax that is not in the table */
	struct uid syntax_uid; /* as the file names it, or syntax->uid where it names none or a
				* wrong one */
	bool has_preamble;
	bool guessed;      /* the file names no transfer syntax: found by trying */
	bool syntax_wrong; /* it names one that its data set is plainly not in: corrected */
	struct bytes data; /* the encoded data set; inflated where the syntax is deflated */
	size_t data_at;    /* offset of the data set (or its deflate stream) in `file` */
	void *inflated;    /* owned mapping behind `data`, or NULL */
	size_t inflated_len;
};

#define PART10_NONE ((struct part10){.map = FILE_MAP_NONE})

/* Is this worth trying?  "DICM" at 128, or a plausible first element.  Cheap. */
bool part10_plausible(struct bytes file);
/* ERR_UNUSABLE: not DICOM.  Only the meta information is read here, and the deflate stream; an
 * error in the data set shows when it is walked, with offsets in `data`. */
enum err part10_open(struct part10 *p, int dir, const char *path, struct fault *f) MUST_USE;
enum err part10_parse(struct part10 *p, struct bytes file, struct fault *f) MUST_USE;
void part10_close(struct part10 *p); /* also fine on PART10_NONE */

/* What netrt writes into the meta information of its own files. */
#define IMPLEMENTATION_CLASS_UID "2.25.166853111140394963963888692117517192015"
#define IMPLEMENTATION_VERSION "NETRT_0_1"

struct part10_meta {
	struct uid sop_class, sop_instance;
	struct uid transfer_syntax;
	const char *source_ae; /* Source AE Title (0002,0016); NULL or "": none */
};
/* Everything before the data set: zero preamble, DICM, and the file meta information; appended to
 * `out`.  ERR_NOMEM when it does not fit there. */
enum err part10_head(struct buf *out, const struct part10_meta *meta, struct fault *f) MUST_USE;

/*
 * Write a whole file: zero preamble, new meta information (group length, version, SOP class
 * and instance, transfer syntax, implementation), then the data set's views; deflated on the way
 * where the syntax is.  `source_fd` (or -1): an open file in which the views that point into
 * `source` lie; large ones are then read from it again, which is faster than from the map and
 * safe when the file has become shorter (ERR_IO).  Not for two threads at once.  The fd is not
 * closed or synced.
 */
struct part10_out {
	struct uid sop_class, sop_instance;
	struct uid transfer_syntax;
	const struct syntax *syntax;
	const struct bytes *views;
	size_t view_count;
	int source_fd;
	struct bytes source; /* the mapped file behind source_fd */
};
enum err part10_write(int fd, const struct part10_out *o, struct fault *f) MUST_USE;

#endif
