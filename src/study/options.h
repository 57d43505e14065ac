/*
 * What a run does, as the command line and the configuration say it.  Made by cmd, read by
 * everything in study; nothing here knows of YAML.
 */
#ifndef STUDY_OPTIONS_H
#define STUDY_OPTIONS_H

#include "anon/gate.h"
#include "base/clock.h"
#include "rt/plan.h"
#include "series/roicodes.h"

/* The key of derived UIDs where the configuration has none.  No secret: it keeps netrt's UIDs apart
 * from other people's, and makes the same study give the same instances everywhere. */
#define STUDY_UID_KEY "netrt: built-in key of derived UIDs, version 1"

enum study_planes { STUDY_PLANES_MERGED, STUDY_PLANES_PER_ROI, STUDY_PLANES_BOTH };

/* The disclaimer on the overlay series. */
enum study_corner { STUDY_BOTTOM_RIGHT, STUDY_BOTTOM_LEFT, STUDY_TOP_RIGHT, STUDY_TOP_LEFT };
struct study_burn_in {
	bool on;
	const char *text; /* UTF-8, may hold line feeds; also what debug pictures say */
	enum study_corner corner;
	bool as_overlay; /* an overlay plane; no pixel is touched */
	bool strict;     /* pixels that cannot be decoded fail the study; else: as_overlay there */
};

/* Pictures of every slice. */
struct study_debug {
	bool on;
	bool filled;            /* tinted areas; else lines */
	unsigned magnification; /* 1..8 */
	int64_t series_number;
	const char *series_description;
};

enum study_segments_kind { STUDY_SEGMENTS_NONE, STUDY_SEGMENTS_PER_ROI, STUDY_SEGMENTS_COMBINED };
struct study_segments {
	enum study_segments_kind kind;
	int64_t series_number;
	const char *description; /* template: one {} becomes the ROI's name */
	const char *algorithm_name, *algorithm_version, *tracking_id;
	const struct roi_codes *codes; /* the site's table, or NULL */
};

enum study_structure_set { STUDY_SET_NONE, STUDY_SET_ORIGINAL, STUDY_SET_RELINKED };

/* What became of a study, for a caller that goes on: why it failed, and whether the study is to
 * blame.
 */
struct study_outcome {
	int sys_errno;     /* of the system call that failed it, or 0 */
	char reason[1024]; /* in words; "" when it did not fail */
};

struct study_options {
	struct anon_gate *gate;  /* de-identification, or NULL: none */
	const char *crosswalk;   /* file to which old and new UIDs are added, 0600, or NULL: none */
	bool folder_as_received; /* the output folder is named by the source's Study Instance UID
				  * even where UIDs are mapped: it lies inside, not outside */
	struct rt_options rt;
	enum study_planes planes;
	struct bytes uid_key;
	int64_t series_number;
	const char *series_description, *study_id;
	struct study_burn_in burn_in;
	struct study_debug debug;
	struct study_segments segments;
	enum study_structure_set structure_set;
	struct wall now;
	const char *version;
	const char *config_file; /* or NULL: the built-in defaults */
	char config_sha256[65];
	const char *out_path; /* as given, for messages */
	const char *sheet;    /* contact sheet, or NULL */
	unsigned workers;     /* 1..LIMIT_WORKERS */
	bool json;            /* a line of JSON a study on standard output, not one for people */
	bool quiet;           /* no line for people at all */
	bool progress;        /* standard error is a terminal */
	struct study_outcome *outcome; /* filled in, or NULL */
};

#endif
