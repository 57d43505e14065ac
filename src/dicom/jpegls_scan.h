/*
 * The lines of a JPEG-LS scan: T.87 annex A.  For dicom/jpegls, which reads what is around them.
 *
 *     ls_scan_coding(&s, ...)       the scan's parameters
 *     ls_scan_begin(&s)             at its beginning, and after a restart marker
 *     ls_scan_row(&s, ...)          a line of each component
 *
 * A line lies between two more samples: line[-1] is the left neighbour of its first sample, which
 * is the first of the line above (A.2.1), and line[cols] the right neighbour above the last of the
 * line below.  Who calls exchanges `line` and `above` after each row, and clears both at a
 * beginning.
 */
#ifndef DICOM_JPEGLS_SCAN_H
#define DICOM_JPEGLS_SCAN_H

#include "dicom/jpeg_scan.h"

#define LS_MARGIN 1u
#define LS_CONTEXTS 365u
#define LS_SAMPLES (1u << 16) /* values that a sample may have */

enum ls_interleave { LS_BY_COMPONENT, LS_BY_LINE, LS_BY_SAMPLE };

struct ls_context {
	uint32_t a;   /* sum of the errors' sizes */
	int32_t b;    /* sum of the errors, less what `c` corrects: -n < b <= 0 */
	int32_t c, n; /* correction of the prediction; how many errors */
};

/* Of the samples after a run. */
struct ls_run_context {
	uint32_t a;
	uint32_t n, negative;
};

struct ls_coding { /* C.2.4.1 and A.2.1, of a scan */
	int32_t maxval, t1, t2, t3, reset;
	int32_t near, step; /* step: 2 near + 1 */
	int32_t range;
	unsigned qbpp, limit;
};

struct ls_scan {
	/* the caller's */
	uint32_t cols;
	bool by_sample; /* components are interleaved by sample; else by line, or there is one */

	struct ls_coding k;
	struct ls_context contexts[LS_CONTEXTS];
	struct ls_run_context runs[2];
	unsigned run_index[JPEG_COMPONENTS]; /* of the scan's components */
	int8_t gradients[2 * LS_SAMPLES];    /* the quantized one, of a difference + LS_SAMPLES */
};

/* `preset`: MAXVAL, T1, T2, T3, RESET, where 0 is the default.  False: they make no sense. */
bool ls_scan_coding(struct ls_scan *s, unsigned precision, const uint32_t preset[5], int32_t near);
void ls_scan_begin(struct ls_scan *s);
/* The next `count` lines, of so many components; *in goes on.  False: no code. */
bool ls_scan_row(struct ls_scan *s, struct jpeg_component *components, unsigned count,
		 struct jpeg_bits *in);

#endif
