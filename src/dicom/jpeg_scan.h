/*
 * What streams of JPEG Lossless and JPEG-LS have in common around their codes: a frame header,
 * scans of one or more components, restart intervals of whole lines, and two lines of samples a
 * component, from which the finished ones are written to the output.  The rest is a `struct
 * jpeg_process`.
 *
 *     d = {.stream, .frame, .to, .f, .process, .self}
 *     jpeg_decode(&d)    -> segment(), for marker segments that are not read here
 *                        -> head(), begin(), row(), row(), ... begin(), row(), ... for each scan
 */
#ifndef DICOM_JPEG_SCAN_H
#define DICOM_JPEG_SCAN_H

#include "dicom/frame.h"
#include "dicom/jpeg_bits.h"
#include "dicom/jpeg_marker.h"

#define JPEG_COMPONENTS 3u

/* One of a scan.  The lines have `cols` samples, and `margin` more on either side. */
struct jpeg_component {
	uint8_t index;          /* in the frame */
	uint8_t selector;       /* Td and Ta, or the mapping table */
	uint16_t *line, *above; /* exchanged after each row */
};

struct jpeg_decoder;

struct jpeg_process {
	uint8_t sof;     /* the marker of its frame header */
	unsigned margin; /* of lines */
	/* A marker segment other than frame and scan headers; those that do not matter, too. */
	enum err (*segment)(struct jpeg_decoder *d, const struct jpeg_segment *s);
	/* A scan header, whose components are in *d; tail: Ss, Se, Ah and Al.  Sets `shift` and
	 * `restart`, where they are not what they were. */
	enum err (*head)(struct jpeg_decoder *d, const uint8_t tail[static 3], size_t at);
	/* Before the first row of a scan and after a restart marker; d->in stands at its data. */
	void (*begin)(struct jpeg_decoder *d);
	/* A line of each component; `fresh`: the first one after begin().  False: no code.  What
	 * comes out behind the end of the data is not used. */
	bool (*row)(struct jpeg_decoder *d, bool fresh);
};

struct jpeg_decoder {
	struct bytes stream;
	const struct frame *frame;
	uint8_t *to;
	struct fault *f;
	const struct jpeg_process *process;
	void *self; /* the process's own */

	/* of the stream so far */
	unsigned precision; /* 0: no frame header yet */
	uint8_t ids[JPEG_COMPONENTS];
	unsigned seen;    /* bit i: component i has had its scan */
	uint32_t restart; /* lines; 0: never */
	uint16_t *lines;  /* owned */
	/* of the scan */
	unsigned count;
	struct jpeg_component component[JPEG_COMPONENTS];
	unsigned shift; /* of finished samples, to the left */
	struct jpeg_bits in;
};

/* ERR_WIRE, ERR_UNSUPPORTED: what is said of decoders in frame.h and their headers. */
enum err jpeg_decode(struct jpeg_decoder *d) MUST_USE;

/* For a process: faults in d->f. */
enum err jpeg_broken(struct jpeg_decoder *d, const char *text, size_t at);
enum err jpeg_unsupported(struct jpeg_decoder *d, const char *text, size_t at);

#endif
