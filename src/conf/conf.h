/*
 * The configuration: a YAML file in, one plain struct out.
 *
 * NETRT's own config.yaml loads unchanged.  What may stand in a file, with type, range,
 * default and meaning, is one table (conf/table.h); CONFIGURATION.md is its printed form.
 *
 * Strings are NUL-terminated UTF-8 without control characters (burn_in_text may hold line
 * feeds), never NULL except where marked "or NULL".  They belong to the arena given to
 * conf_load or conf_parse, or are literals; so do lists.  A zeroed struct is not a
 * configuration: begin with conf_defaults, conf_parse or conf_load.
 *
 * Conf is handed down: modules below cmd define the settings they need for themselves and
 * never see this header.
 */
#ifndef CONF_CONF_H
#define CONF_CONF_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/bytes.h"
#include "base/err.h"
#include "base/limits.h"

struct conf_list {
	const char *const *item; /* `count` strings, none empty */
	size_t count;
};

enum conf_edge_rule { CONF_EDGE_INCLUSIVE, CONF_EDGE_HALF_OPEN };
enum conf_nested { CONF_NESTED_HOLE, CONF_NESTED_UNION };
enum conf_planes { CONF_PLANES_MERGED, CONF_PLANES_PER_ROI, CONF_PLANES_BOTH };
enum conf_log_level {
	CONF_LOG_DEBUG,
	CONF_LOG_INFO,
	CONF_LOG_WARNING,
	CONF_LOG_ERROR,
	CONF_LOG_CRITICAL
};

struct conf_listener {
	const char *host;                       /* address or name to listen on; "0.0.0.0" */
	int port;                               /* 1..65535; 11112 */
	const char *ae_title;                   /* 1..16 characters (PS3.5 AE), trimmed; "NETRT" */
	bool config_negotiated_transfer_syntax; /* keep the syntax that was negotiated; true */
};

struct conf_destination {
	const char *ip;       /* address or name; "127.0.0.1" */
	int port;             /* 1..65535; 104 */
	const char *ae_title; /* 1..16 characters, trimmed; "DEST_AET" */
};

/* "~/" is replaced by $HOME. Without HOME the defaults of `working` and `logs` are "". */
struct conf_directories {
	const char *working;           /* "~/CORRECT_working" */
	const char *logs;              /* "~/CORRECT_logs" */
	const char *quarantine_subdir; /* one name inside `working`, no slash; "quarantine" */
};

struct conf_processing {
	struct conf_list ignore_contour_names_containing; /* case-insensitive parts; ["skull"] */
	struct conf_list only_contour_names_matching;     /* globs; empty means every name */
	enum conf_edge_rule edge_rule;    /* is a centre on the path inside; INCLUSIVE */
	enum conf_nested nested_contours; /* a contour inside another is a ...; HOLE */
	enum conf_planes overlay_planes;  /* MERGED */
	int slice_tolerance_um;           /* contour to plane, micrometres, 1..100000; 1500 */
	const char *uid_key;              /* 16..1024 bytes, secret; or NULL: the built-in key */
	int overlay_series_number;        /* IS range; 98 */
	const char *overlay_series_description; /* LO, 1..64 characters */
	const char *overlay_study_id;           /* SH, 1..16 characters; "RTPlanShare" */
	bool add_burn_in_disclaimer;            /* true; not built yet, see conf_refuse_unbuilt */
	const char *burn_in_text;               /* 1..1024 characters */
	int segmentation_series_number;         /* IS range; 99 */
	const char *segmentation_series_description_template; /* LO; one "{}" is the ROI name */
	const char *segmentation_algorithm_name;              /* LO, 1..64 characters */
	const char *segmentation_algorithm_version;           /* LO, 1..64 characters */
	const char *segmentation_tracking_id;                 /* UT, 1..1024 characters */
	int debug_series_number;                              /* IS range; 101 */
	const char *debug_series_description;                 /* LO, 1..64 characters */
};

/* Lists of attributes: keywords ("PatientID") or "gggg,eeee"; only their form is checked here. */
struct conf_full_rules {
	struct conf_list tags_to_remove;
	struct conf_list tags_to_empty;
	struct conf_list tags_to_modify_date;
	struct conf_list tags_to_modify_time;
	struct conf_list tags_to_regenerate_uid;
	const char *patient_id_override;   /* LO, 0..64 characters, or NULL: none */
	const char *patient_name_override; /* PN, 0..64 characters, or NULL: none */
};

struct conf_rules {
	struct conf_list remove_tags;
	struct conf_list blank_tags;
	const char *generate_random_id_prefix; /* 0..40 characters; "" */
};

struct conf_anonymization {
	bool enabled;                    /* true; not built yet, see conf_refuse_unbuilt */
	const char *site_code;           /* 1..40 characters; "SITE" */
	const char *pid_mapping_file;    /* path; "/mnt/shared/pid_mapping.json" */
	const char *study_description;   /* LO, 0..64 characters, or NULL: left as it is */
	bool use_consistent_pid;         /* true */
	bool full_anonymization_enabled; /* false */
	struct conf_full_rules full_anonymization_rules;
	struct conf_list default_tags_to_remove;
	struct conf_list default_tags_to_blank;
	struct conf_rules rules;
};

struct conf_feature_flags {
	bool enable_segmentation_export; /* false; not built yet, see conf_refuse_unbuilt */
};

struct conf_watcher {
	int debounce_interval_seconds;     /* 1..86400; 5 */
	int min_file_count_for_processing; /* 1..1000000; 2 */
};

struct conf_logging {
	enum conf_log_level level;          /* INFO */
	const char *format;                 /* Python logging's %(name)s style */
	const char *application_log_file;   /* in directories.logs unless absolute */
	const char *transaction_log_file;   /* in directories.logs unless absolute */
	const char *transaction_log_format; /* Python logging's %(name)s style */
};

struct conf_reporting {
	const char *output_directory; /* "/mnt/shared" */
};

struct conf {
	struct conf_listener dicom_listener;
	struct conf_destination dicom_destination;
	struct conf_directories directories;
	struct conf_processing processing;
	struct conf_anonymization anonymization;
	struct conf_feature_flags feature_flags;
	struct conf_watcher watcher;
	struct conf_logging logging;
	struct conf_reporting reporting;

	const char *file; /* where it came from, or NULL: the built-in defaults */
	struct conf_mark {
		unsigned line, column; /* 1-based place of the value; 0, 0: default */
	} set_at[LIMIT_CONFIG_KEYS];   /* by row of the table */
};

enum conf_severity { CONF_ERROR, CONF_WARNING };

struct conf_diag {
	enum conf_severity severity;
	unsigned line, column; /* 1-based, in characters; 0, 0: the file as a whole */
	const char *key;       /* "dicom_listener.port", or NULL: no key is concerned */
	const char *reason;    /* one line, nothing of the file in it unescaped */
};

/* In the order of discovery: by line, then what concerns the file as a whole. */
struct conf_diags {
	struct conf_diag item[LIMIT_CONFIG_DIAGS];
	size_t count;
	size_t errors; /* how many of them are errors; more than LIMIT_CONFIG_DIAGS ends in one */
};

/* ERR_NOMEM only: `a` cannot hold the expanded paths. */
enum err conf_defaults(struct conf *out, struct arena *a) MUST_USE;

/*
 * Defaults, with what `text` says on top.  `file` names it in messages and must outlive *out.
 * Every problem of the text is in *d (which may hold some already), errors and warnings.
 * OK: no error, *out is whole.  ERR_WIRE: at least one error.  ERR_LIMIT: over LIMIT_CONFIG.
 * ERR_NOMEM: the arena is full (LIMIT_CONFIG_ARENA is always enough).  *out is untouched by an
 * error.
 */
enum err conf_parse(struct conf *out, struct bytes text, const char *file, struct arena *a,
		    struct conf_diags *d) MUST_USE;

/* The same from a file; also ERR_IO, ERR_UNUSABLE (no regular file), with a diagnostic. */
enum err conf_load(struct conf *out, const char *path, struct arena *a,
		   struct conf_diags *d) MUST_USE;

/*
 * What is switched on but not built into this version is refused, never ignored: that would let
 * identified data out.  One error in *d per such setting, saying how to switch it off.
 * OK: nothing of the kind.  ERR_UNSUPPORTED: refuse to process, EX_CONFIG.  ERR_NOMEM.
 */
enum err conf_refuse_unbuilt(const struct conf *c, struct arena *a, struct conf_diags *d) MUST_USE;

/* config/netrt.yaml as it was when this was built: every key, explained, at its default. */
struct bytes conf_default_text(void);

/* "FILE:LINE:COLUMN: KEY: REASON", without what there is not; a warning's reason begins with
 * "warning: ".  `file` NULL: "built-in defaults".  No line feed. */
void conf_diag_format(const struct conf_diag *g, const char *file, struct buf *out);
/* Each of them to log_say, as an error or a warning. */
void conf_diags_log(const struct conf_diags *d, const char *file);

#endif
