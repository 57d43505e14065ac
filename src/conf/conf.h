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

struct conf_mark {
	unsigned line, column; /* 1-based place of a value in the file; 0, 0: default */
};

struct conf_list {
	const char *const *item; /* `count` strings, none empty */
	size_t count;
	const struct conf_mark *at; /* where each of them stands; NULL: a default */
};

/* A section with keys of the site's own choice ("replace: {PatientSex: O}"). */
struct conf_pair {
	const char *key, *value;
	struct conf_mark at; /* of the key */
};

struct conf_pairs {
	const struct conf_pair *item; /* in the order of the file, no two keys alike */
	size_t count;
};

/* What a list of sections ("dicom_destinations: [{...}, {...}]") becomes; each row has its own
 * struct, below, of the same shape. */
struct conf_maps {
	const void *item;
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
enum conf_corner { CONF_BOTTOM_RIGHT, CONF_BOTTOM_LEFT, CONF_TOP_RIGHT, CONF_TOP_LEFT };
enum conf_burn_in { CONF_BURN_IN_PIXELS, CONF_BURN_IN_OVERLAY };
enum conf_undecodable { CONF_UNDECODABLE_OVERLAY, CONF_UNDECODABLE_QUARANTINE };
enum conf_debug_style { CONF_DEBUG_OUTLINE, CONF_DEBUG_FILLED };
enum conf_segmentation { CONF_SEGMENTATION_PER_ROI, CONF_SEGMENTATION_COMBINED };
enum conf_structure_set { CONF_SET_NONE, CONF_SET_ORIGINAL, CONF_SET_RELINKED };
enum conf_log_output { CONF_OUTPUT_TEXT, CONF_OUTPUT_JSON };
enum conf_durability { CONF_DURABILITY_STRICT, CONF_DURABILITY_FILE, CONF_DURABILITY_NONE };
enum conf_commitment { CONF_COMMITMENT_OFF, CONF_COMMITMENT_REQUEST };
enum conf_profile { CONF_PROFILE_NETRT, CONF_PROFILE_BASIC, CONF_PROFILE_RESEARCH };
enum conf_pseudonyms { CONF_PSEUDONYMS_SEQUENTIAL, CONF_PSEUDONYMS_KEYED };
/* What the profile decides where the file does not. */
enum conf_switch { CONF_AS_PROFILE, CONF_ON, CONF_OFF };
enum conf_risk { CONF_RISK_AS_PROFILE, CONF_RISK_QUARANTINE, CONF_RISK_PASS, CONF_RISK_BLANK };
enum conf_no_set { CONF_NO_SET_WAIT, CONF_NO_SET_QUARANTINE, CONF_NO_SET_DISCARD };

/* Who may send: both must match. */
struct conf_allow {
	const char *ae_title; /* calling AE title, trimmed; or NULL: any */
	const char *address;  /* "10.0.0.7", "10.1.0.0/16", "2001:db8::/32"; or NULL: any */
};

struct conf_allows {
	const struct conf_allow *item;
	size_t count; /* 0: anybody may send */
};

struct conf_listener {
	const char *host;                       /* address or name to listen on; "0.0.0.0" */
	int port;                               /* 0..65535, 0: any free one; 11112 */
	const char *ae_title;                   /* 1..16 characters (PS3.5 AE), trimmed; "NETRT" */
	bool check_called_ae_title;             /* refuse associations for other titles; true */
	bool config_negotiated_transfer_syntax; /* keep the syntax that was negotiated; true */
	struct conf_allows allow;               /* empty: open */
	struct conf_list private_sop_classes;   /* UIDs, stored like the standard's; empty */
};

struct conf_destination {
	const char *name;     /* 1..64 of A-Z a-z 0-9 . _ -; unique; NULL where not given */
	const char *ip;       /* address or name; "127.0.0.1" */
	int port;             /* 1..65535; 104 */
	const char *ae_title; /* 1..16 characters, trimmed; "DEST_AET" */
	int max_associations; /* at once, 1..64; 1 */
	enum conf_commitment storage_commitment; /* OFF */
	struct conf_list permanent_statuses;     /* as delivery's, which an empty one means */
};

struct conf_destinations {
	const struct conf_destination *item;
	size_t count;
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
	const char *overlay_series_description;    /* LO, 1..64 characters */
	const char *overlay_study_id;              /* SH, 1..16 characters; "RTPlanShare" */
	bool add_burn_in_disclaimer;               /* true */
	const char *burn_in_text;                  /* 1..1024 characters */
	enum conf_corner burn_in_position;         /* BOTTOM_RIGHT */
	enum conf_burn_in burn_in_style;           /* PIXELS */
	enum conf_undecodable burn_in_undecodable; /* pixels that cannot be read; OVERLAY */
	enum conf_segmentation
		segmentation;           /* with feature_flags.enable_segmentation_export; PER_ROI */
	int segmentation_series_number; /* IS range; 99 */
	const char *segmentation_series_description_template; /* LO; one "{}" is the ROI name */
	const char *segmentation_algorithm_name;              /* LO, 1..64 characters */
	const char *segmentation_algorithm_version;           /* LO, 1..64 characters */
	const char *segmentation_tracking_id;                 /* UT, 1..1024 characters */
	const char *roi_codes_file;            /* the site's own table of codes, or NULL */
	enum conf_structure_set structure_set; /* NONE */
	bool debug;                            /* false */
	enum conf_debug_style debug_style;     /* OUTLINE */
	int debug_magnification; /* pixels of the picture a pixel of the image, 1..8; 1 */
	int debug_series_number; /* IS range; 101 */
	const char *debug_series_description; /* LO, 1..64 characters */
	int workers;     /* studies at once, 0..LIMIT_WORKERS; 0: as many as cores */
	int memory_mib;  /* address space of a worker, 0..1048576; 0: no limit; 8192 */
	int cpu_seconds; /* of a worker, 0..604800; 0: no limit; 3600 */
	int file_mib;    /* one file that a worker writes, 0..1048576; 0: no limit; 16384 */
};

/* Lists of attributes: keywords ("PatientID") or "gggg,eeee"; only their form is checked here. */
struct conf_full_rules {
	struct conf_list tags_to_remove;
	struct conf_list tags_to_empty;
	struct conf_list tags_to_modify_date;
	struct conf_list tags_to_modify_time;
	struct conf_list tags_to_regenerate_uid;
	const char *patient_id_override;   /* LO, 0..64 characters, or NULL: none; NULL */
	const char *patient_name_override; /* PN, 0..64 characters, or NULL: none; NULL */
};

struct conf_rules {
	struct conf_list remove_tags;
	struct conf_list blank_tags;
	const char *generate_random_id_prefix; /* 0..40 characters; "" */
};

/* The options of PS3.15 E.3; each AS_PROFILE by default. */
struct conf_options {
	enum conf_switch retain_safe_private, retain_uids, retain_device_identity,
		retain_institution_identity, retain_patient_characteristics, retain_full_dates,
		retain_modified_dates, clean_descriptors, clean_structured_content, clean_graphics;
};

/* A rectangle of the images of a device. */
struct conf_region {
	const char *sop_class;            /* UID, or NULL: any */
	const char *manufacturer, *model; /* LO, 1..64 characters, or NULL: any */
	int rows, columns;                /* of the image, 0..65535; 0: any */
	int left, top, width, height;     /* pixels; 0..65535, width and height 1..65535 */
};

struct conf_regions {
	const struct conf_region *item;
	size_t count;
};

struct conf_anonymization {
	bool enabled;              /* true */
	enum conf_profile profile; /* NETRT */
	struct conf_options options;
	enum conf_pseudonyms pseudonyms; /* SEQUENTIAL */
	const char *key_file;            /* path, or NULL: none */
	const char *id_prefix;           /* before a keyed ID, 0..40 characters; "" */
	int date_shift_days;             /* at most, 1..36500; 3650 */
	const char *roi_names_file;      /* path, or NULL: the built-in names */
	const char *safe_private_file;   /* path, or NULL: the built-in list */
	/* Attributes: keyword, "gggg,eeee", "60xx,3000", "50xx", or a path of them, "A>B". */
	struct conf_list keep, remove, blank, hash;
	struct conf_pairs replace;     /* attribute to new value, 0..1024 characters */
	enum conf_risk burned_in_risk; /* AS_PROFILE */
	struct conf_regions pixel_regions;
	struct conf_list sop_classes;    /* UIDs of those that may pass, too; empty */
	const char *crosswalk_file;      /* path, or NULL: none */
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
	bool enable_segmentation_export; /* false */
};

struct conf_watcher {
	int debounce_interval_seconds;     /* 1..86400; 5 */
	int min_file_count_for_processing; /* 1..1000000; 2 */
	bool complete_when_referenced;     /* whole once all is there that it refers to; true */
	int complete_grace_seconds;        /* 0..3600; 1 */
	int force_after_seconds;           /* since the first file, 0..31536000; 0: never; 3600 */
	enum conf_no_set without_structure_set; /* when the time is up; WAIT */
	int keep_incomplete_hours;              /* how long WAIT waits, 0..87600; 24 */
	int keep_sources_hours;                 /* after success, 0..87600; 0 */
	int scan_interval_seconds;              /* 1..86400; 30 */
};

/* Failed deliveries are tried again after retry_first_seconds, then twice that, ..., at most
 * retry_most_seconds. */
struct conf_delivery {
	int retry_first_seconds;             /* 1..86400; 5 */
	int retry_most_seconds;              /* 1..86400; 900 */
	int give_up_after_hours;             /* 0..87600; 0: at the first failure; 72 */
	int permanent_attempts;              /* 1..1000; 3 */
	struct conf_list permanent_statuses; /* four of 0-9 A-F and x: [Cxxx, A9xx, 0122] */
	int connect_seconds;                 /* 1..3600; 10 */
	int response_seconds;                /* 1..86400; 120 */
	int commitment_seconds;              /* wait for N-EVENT-REPORT, 1..604800; 3600 */
};

struct conf_limits {
	int pdu_bytes;                /* offered to peers, 4096..1048576; 1048576 */
	int associations;             /* at once, 1..4096; 64 */
	int associations_per_address; /* 1..4096; 16 */
	int half_open;                /* connections without an association, 1..65536; 256 */
	int half_open_per_address;    /* 1..65536; 64 */
	int artim_seconds;            /* PS3.8 9.1.5, 1..3600; 30 */
	int stall_seconds;            /* inside a message, 1..86400; 60 */
	int idle_seconds;             /* between messages, 1..86400; 60 */
	int object_mib;               /* one object, 1..16384; 2048 */
	int study_mib;                /* one study, 1..67108864; 65536 */
	int study_instances;          /* of one study, 1..1000000; 100000 */
	int nesting;                  /* sequences in sequences, 1..LIMIT_NESTING; 64 */
	int elements;                 /* of one object, 1..LIMIT_ELEMENTS; 2000000 */
	int minimum_free_mib;         /* of the working directory's disk, 0..67108864; 512 */
	int minimum_free_percent;     /* the same, 0..90; 1 */
	int log_lines_per_minute;     /* about one address, 1..1000000; 600 */
};

struct conf_logging {
	enum conf_log_level level;          /* INFO */
	const char *format;                 /* Python logging's %(name)s style */
	const char *application_log_file;   /* in directories.logs unless absolute */
	const char *transaction_log_file;   /* in directories.logs unless absolute */
	const char *transaction_log_format; /* Python logging's %(name)s style */
	enum conf_log_output output;        /* TEXT */
	int rotate_mib;                     /* 0..1048576; 0: never; 100 */
	int rotate_count;                   /* old files kept, 1..1000; 5 */
};

struct conf_reporting {
	const char *output_directory; /* "/mnt/shared" */
};

struct conf {
	struct conf_listener dicom_listener;
	struct conf_destination dicom_destination;
	struct conf_destinations dicom_destinations; /* as written */
	struct conf_directories directories;
	struct conf_processing processing;
	struct conf_anonymization anonymization;
	struct conf_feature_flags feature_flags;
	struct conf_watcher watcher;
	struct conf_delivery delivery;
	struct conf_limits limits;
	struct conf_logging logging;
	struct conf_reporting reporting;
	enum conf_durability durability; /* STRICT */
	int drain_seconds;               /* at SIGTERM, 0..86400; 30 */

	/*
	 * Where results go: dicom_destinations, or dicom_destination when that is empty.  Never
	 * empty; every name is set and unlike the others, and so are the permanent statuses.
	 */
	struct conf_destinations destinations;

	const char *file; /* where it came from, or NULL: the built-in defaults */
	struct conf_mark set_at[LIMIT_CONFIG_KEYS]; /* of the value; by row of the table */
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

/* What is allowed and perhaps not meant, for people: warnings in *d.  OK, ERR_NOMEM, ERR_LIMIT. */
enum err conf_notes(const struct conf *c, struct arena *a, struct conf_diags *d) MUST_USE;

/*
 * What a new configuration changes: the rows that differ, in the table's order.  No values: they
 * may be secret.
 */
struct conf_change {
	const char *key;    /* "watcher.debounce_interval_seconds" */
	bool needs_restart; /* else it holds for what begins from now on */
};

size_t conf_difference(const struct conf *before, const struct conf *after,
		       struct conf_change out[static LIMIT_CONFIG_KEYS]);

/* config/netrt.yaml as it was when this was built: every key, explained, at its default. */
struct bytes conf_default_text(void);

/* "FILE:LINE:COLUMN: KEY: REASON", without what there is not; a warning's reason begins with
 * "warning: ".  `file` NULL: "built-in defaults".  No line feed. */
void conf_diag_format(const struct conf_diag *g, const char *file, struct buf *out);
/* Each of them to log_say, as an error or a warning. */
void conf_diags_log(const struct conf_diags *d, const char *file);

#endif
