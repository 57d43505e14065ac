/*
 * What became of a study: what was read, used and not used, and why.
 *
 * The reports lie beside the output and may be handed on, so nothing that names a patient goes
 * into them: no names, dates or paths of the input, no labels; UIDs and ROI names only, because
 * without them a report says nothing.
 *
 * Strings are borrowed.  Everything in the struct is plain, so that a test can fill it by hand.
 */
#ifndef STUDY_REPORT_H
#define STUDY_REPORT_H

#include "anon/apply.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/uid.h"
#include "study/outputs.h"

#define REPORT_NO_ROI UINT32_MAX
#define REPORT_MAX (64u << 20) /* bytes of one report: LIMIT_ROIS rows and their reasons */

struct report_note {
	unsigned kind;    /* same kind, same words; also the order of telling */
	const char *word; /* stable, for programs: "off-planes" */
	const char *text; /* for people: "contours off every image plane" */
	bool loss;        /* something is not in the output */
	bool asked;       /* ... because the configuration says so: no warning */
	bool of_roi;      /* text goes on from "ROI"; count says nothing */
	uint32_t roi;     /* index in the set's rois, or REPORT_NO_ROI */
	uint32_t count;   /* contours, images ... concerned */
	double worst_mm;  /* 0: no distance is meant */
};

/* One image of the series, in the order of the planes. */
struct report_plane {
	double along_mm; /* on the axis of the slices */
	double gap_mm;   /* its share of that axis; 0: not known */
};

/* A ROI on one image. */
struct report_cover {
	uint32_t plane;
	uint32_t pixels; /* > 0 */
};

struct report_roi {
	int64_t number;
	struct bytes name, type, algorithm; /* UTF-8, may be empty */
	bool has_color;
	uint8_t color[3];
	bool selected; /* wanted by name, and with something to paint */
	uint32_t contours_used, contours_unused;
	uint32_t slices;    /* images on which it covers a pixel or more */
	uint64_t points;    /* of the contours used */
	uint64_t area_px;   /* pixels set, on all slices together */
	double area_mm2;    /* the same, by each image's pixel spacing */
	double volume_ml;   /* by each slice's local spacing */
	bool has_volume;    /* the spacing is known wherever it lies */
	double contours_ml; /* what its contours enclose, by their vertices; as far as has_volume */
	const struct report_cover *cover; /* `slices` of them, by plane */
	/* of its pixels, along report_set.axis; the last one needs has_volume */
	double low_mm[3], high_mm[3];
	uint8_t drawn[3];  /* colour in pictures: its own, or one of the palette */
	uint32_t no_plane; /* images that had no overlay group free for it (planes per ROI) */
};

/* What de-identification did to one image, by what is told of it outside. */
struct report_instance {
	struct uid source, derived;
	struct anon_counts counts;
};

/* A picture of the contact sheet. */
struct report_tile {
	uint32_t plane;
	uint32_t cols, rows;
	struct bytes jpeg;
};

struct report_set {
	struct uid sop_instance;
	const char *failed; /* why nothing of it was painted, or NULL */
	struct uid image_series, overlay_series;
	const char *modality;
	const char *series_why;      /* how the series was found */
	uint32_t images;             /* written */
	const char *file_names;      /* "OVERLAY-<SOP Instance UID>.dcm" */
	struct report_plane *planes; /* those with a place in space; ROIs are on no others */
	uint32_t plane_count;
	const char
		*axis[3]; /* of columns, rows, slices, from low to high mm: "R-L", "A-P", "F-H" */
	const struct report_tile *tiles;
	uint32_t tile_count;
	const char *no_tiles; /* why there are none, or NULL */
	struct report_roi *rois;
	uint32_t roi_count;
	struct report_note *notes; /* by kind, then by ROI */
	uint32_t note_count;
	struct report_instance
		*instances; /* in the order of the planes; none without de-identification */
	uint32_t instance_count;
	uint64_t read_us, plan_us, paint_us;
};

/* A line of "n of these": other objects, unreadable files. */
struct report_count {
	const char *text;
	uint32_t count;
};

/* By what an object was de-identified (R24). */
struct report_deid {
	const char *profile;
	const char *policy;       /* digest */
	const char *key;          /* its id, or NULL: none */
	const char *const *codes; /* of CID 7050, ends with NULL */
};

struct report {
	const struct report_deid *deid; /* NULL: it was not */
	const char *version;
	struct wall when;
	struct uid study;
	const char *config_file;            /* or NULL: the built-in defaults */
	char config_sha256[65];             /* of the file's bytes */
	const char *planes, *edge, *nested; /* the settings that shape the output, as configured */
	unsigned workers;

	uint32_t images, series, duplicates, derived; /* of this study */
	const struct report_count *others;            /* of this study: what is neither */
	uint32_t other_count;

	uint32_t run_files, run_not_dicom, run_dicomdirs, run_not_files, run_studies;
	const struct report_count *problems; /* of the run: reason and number of files */
	uint32_t problem_count;

	struct report_set *sets; /* in the order of painting */
	uint32_t set_count;
	uint32_t made[OUTPUT_KINDS]; /* files */
	uint64_t total_us;           /* this study, publishing left out */
};

/* Images without a pixel of a ROI between two that have some: planes [from, to). */
struct report_gap {
	uint32_t from, to;
};

/* The next gap: begin with *at = 0; false at the end. */
bool report_next_gap(const struct report_roi *roi, uint32_t *at, struct report_gap *out);

/* Do the volumes by pixels and by contours differ by more than REPORT_VOLUME_PERCENT of the
 * larger?  Small ROIs do, and such whose contours leave the image, cross themselves or overlap. */
#define REPORT_VOLUME_PERCENT 5
bool report_volumes_differ(const struct report_roi *roi);

/* One warning, told once however many ROIs it concerns. */
struct report_warning {
	const char *word, *text;
	bool loss, asked, of_roi;
	uint32_t count;      /* sum over the ROIs */
	uint32_t rois;       /* how many, 0: the study as a whole */
	uint32_t first_note; /* in set->notes; the others follow it */
	double worst_mm;
};

/* The next warning of a set: begin with *at = 0; false at the end. */
bool report_next_warning(const struct report_set *set, uint32_t *at, struct report_warning *out);
/* "contours off every image plane: 12 in 3 ROIs (GTV, PTV, Heart), up to 4.2 mm" or
 * "ROIs without contours: GTV, PTV" */
void report_warning_text(const struct report_set *set, const struct report_warning *w,
			 struct buf *out);

/* Sums over the sets. */
struct report_totals {
	uint32_t images, sets, sets_failed, rois_used, rois_unused;
	uint32_t warnings; /* kinds, each set for itself */
	uint32_t losses;   /* those of them by which something is missing */
	uint64_t read_us, plan_us, paint_us;
};
struct report_totals report_totals(const struct report *r);

/* "s" behind a word of which there is not one. */
const char *report_plural(uint64_t n);

/* The whole of report.txt and report.json. */
void report_text(const struct report *r, struct buf *out);
void report_json(const struct report *r, struct buf *out);

/* One line for --json, with its line feed.  `r` may be NULL when there is no more to tell. */
enum report_status { REPORT_OK, REPORT_FAILED, REPORT_SKIPPED };
void report_summary_json(const struct uid *study, enum report_status status, const char *reason,
			 const struct report *r, const char *output, struct buf *out);
/* The same for people. */
void report_summary_text(const struct uid *study, const struct report *r, const char *output,
			 struct buf *out);

#endif
