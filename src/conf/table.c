#include "conf/table.h"

/*
 * AT refuses, at compile time, a member that is not of the row's type; so a row cannot write an int
 * over a pointer.
 */
/* NOLINTNEXTLINE(bugprone-macro-parentheses): a type takes none */
#define AT(type, member) _Generic(((struct conf *)0)->member, type : offsetof(struct conf, member))

#define BOOL(member, dflt, ...)                                                                 \
	{                                                                                       \
		.path = #member, .kind = CONF_BOOL, .at = AT(bool, member), .fallback = (dflt), \
		__VA_ARGS__                                                                     \
	}
#define INT(member, lo, hi, dflt, ...)                                                 \
	{                                                                              \
		.path = #member, .kind = CONF_INT, .at = AT(int, member), .min = (lo), \
		.max = (hi), .fallback = (dflt), __VA_ARGS__                           \
	}
#define WORD(type, member, list, dflt, ...)                                                  \
	{                                                                                    \
		.path = #member, .kind = CONF_WORD, .at = AT(type, member), .words = (list), \
		.fallback = (dflt), __VA_ARGS__                                              \
	}
#define TEXT(member, how, lo, hi, dflt, ...)                                                       \
	{                                                                                          \
		.path = #member, .kind = CONF_TEXT, .form = (how), .at = AT(const char *, member), \
		.min = (lo), .max = (hi), .fallback = (dflt), __VA_ARGS__                          \
	}
#define LIST(member, how, lo, hi, dflt, ...)                                  \
	{                                                                     \
		.path = #member, .kind = CONF_LIST, .form = (how),            \
		.at = AT(struct conf_list, member), .min = (lo), .max = (hi), \
		.fallback_list = &(dflt), __VA_ARGS__                         \
	}

#define ITEMS(array)                                        \
	{                                                   \
		(array), sizeof(array) / sizeof((array)[0]) \
	}
#define UNBUILT(what) .unbuilt = (what)
#define UNIT(what) .unit = (what)
#define NULLABLE .nullable = true
#define HELP(what) .help = (what)

#define IS_MIN (-2147483647 - 1) /* PS3.5 table 6.2-1 */
#define IS_MAX 2147483647
#define PATH_LENGTH 4096
#define FORMAT_LENGTH 1024

static const struct conf_word edge_words[] = {
	{"inclusive", CONF_EDGE_INCLUSIVE},
	{"half_open", CONF_EDGE_HALF_OPEN},
	{NULL, 0},
};

static const struct conf_word nested_words[] = {
	{"hole", CONF_NESTED_HOLE},
	{"union", CONF_NESTED_UNION},
	{NULL, 0},
};

static const struct conf_word plane_words[] = {
	{"merged", CONF_PLANES_MERGED},
	{"per_roi", CONF_PLANES_PER_ROI},
	{"both", CONF_PLANES_BOTH},
	{NULL, 0},
};

/* The levels of Python's logging, and its synonyms. */
static const struct conf_word level_words[] = {
	{"DEBUG", CONF_LOG_DEBUG},
	{"INFO", CONF_LOG_INFO},
	{"WARNING", CONF_LOG_WARNING},
	{"ERROR", CONF_LOG_ERROR},
	{"CRITICAL", CONF_LOG_CRITICAL},
	{"WARN", CONF_LOG_WARNING},
	{"FATAL", CONF_LOG_CRITICAL},
	{"NOTSET", CONF_LOG_DEBUG},
	{NULL, 0},
};

static const struct conf_list none = {NULL, 0};

static const char *const skull_items[] = {"skull"};
static const char *const id_items[] = {"AccessionNumber", "PatientID"};
static const char *const full_remove_items[] = {
	"PatientAddress",
	"PatientTelephoneNumbers",
	"PatientMotherBirthName",
	"OtherPatientIDs",
	"OtherPatientNames",
	"PatientBirthName",
	"PatientSize",
	"MilitaryRank",
	"BranchOfService",
	"EthnicGroup",
	"PatientComments",
	"DeviceSerialNumber",
	"PlateID",
	"InstitutionName",
	"InstitutionAddress",
	"ReferringPhysicianName",
	"ReferringPhysicianAddress",
	"ReferringPhysicianTelephoneNumbers",
	"PhysiciansOfRecord",
	"OperatorsName",
	"AdmittingDiagnosesDescription",
};
static const char *const full_empty_items[] = {
	"StudyID",
	"PerformingPhysicianName",
	"RequestingPhysician",
};
static const char *const full_date_items[] = {
	"StudyDate", "SeriesDate", "AcquisitionDate", "ContentDate", "PatientBirthDate",
};
static const char *const full_time_items[] = {
	"StudyTime",
	"SeriesTime",
	"AcquisitionTime",
	"ContentTime",
};
static const char *const full_uid_items[] = {
	"StudyInstanceUID",    "SeriesInstanceUID",          "SOPInstanceUID",
	"FrameOfReferenceUID", "MediaStorageSOPInstanceUID",
};

static const struct conf_list skull = ITEMS(skull_items);
static const struct conf_list ids = ITEMS(id_items);
static const struct conf_list full_remove = ITEMS(full_remove_items);
static const struct conf_list full_empty = ITEMS(full_empty_items);
static const struct conf_list full_date = ITEMS(full_date_items);
static const struct conf_list full_time = ITEMS(full_time_items);
static const struct conf_list full_uid = ITEMS(full_uid_items);

/* clang-format off */
const struct conf_key conf_table[] = {
TEXT(dicom_listener.host, CONF_HOST, 1, 253, "0.0.0.0",
	HELP("Address or host name to listen on; 0.0.0.0 is every IPv4 interface.")),
INT(dicom_listener.port, 1, 65535, "11112",
	HELP("TCP port to listen on.")),
TEXT(dicom_listener.ae_title, CONF_AE, 1, 16, "NETRT",
	HELP("Application entity title of this service.")),
BOOL(dicom_listener.config_negotiated_transfer_syntax, "true",
	HELP("Store objects in the transfer syntax that was negotiated, not in another one.")),

TEXT(dicom_destination.ip, CONF_HOST, 1, 253, "127.0.0.1",
	HELP("Address or host name to send results to.")),
INT(dicom_destination.port, 1, 65535, "104",
	HELP("TCP port to send results to.")),
TEXT(dicom_destination.ae_title, CONF_AE, 1, 16, "DEST_AET",
	HELP("Application entity title of the destination.")),

TEXT(directories.working, CONF_PATH, 1, PATH_LENGTH, "~/CORRECT_working",
	HELP("Studies while they are received and processed; ~/ is the home directory.")),
TEXT(directories.logs, CONF_PATH, 1, PATH_LENGTH, "~/CORRECT_logs",
	HELP("Log files; ~/ is the home directory.")),
TEXT(directories.quarantine_subdir, CONF_NAME, 1, 255, "quarantine",
	HELP("Folder inside the working directory for studies that could not be processed.")),

LIST(processing.ignore_contour_names_containing, CONF_FREE, 1, 256, skull,
	HELP("Leave out ROIs whose name contains one of these, in upper or lower case.")),
LIST(processing.only_contour_names_matching, CONF_FREE, 1, 256, none,
	HELP("Use only ROIs whose name matches one of these (* and ?, any case); empty: all.")),
WORD(enum conf_edge_rule, processing.edge_rule, edge_words, "inclusive",
	HELP("Does a pixel count whose centre lies exactly on the contour: yes (inclusive), or so "
	     "that neighbours never overlap (half_open).")),
WORD(enum conf_nested, processing.nested_contours, nested_words, "hole",
	HELP("A contour inside another contour of the same ROI and slice: a hole, or united.")),
WORD(enum conf_planes, processing.overlay_planes, plane_words, "merged",
	HELP("Overlay planes of an image: one for all ROIs, one for each, or both.")),
{
	.path = "processing.slice_tolerance_mm", .kind = CONF_MILLI,
	.at = AT(int, processing.slice_tolerance_um), .min = 1, .max = 100000, .fallback = "1.5",
	UNIT("mm"),
	HELP("Furthest that a contour may lie from the slice it is put on; never more than half "
	     "the slice spacing.")
},
TEXT(processing.uid_key, CONF_SECRET, 16, 1024, NULL, NULLABLE,
	HELP("Secret key of the new UIDs; null: a key that every netrt has.")),
INT(processing.overlay_series_number, IS_MIN, IS_MAX, "98",
	HELP("Series Number of the overlay series.")),
TEXT(processing.overlay_series_description, CONF_LO, 1, 64, "Processed DicomRT with Overlay",
	HELP("Series Description of the overlay series.")),
TEXT(processing.overlay_study_id, CONF_LO, 1, 16, "RTPlanShare",
	HELP("Study ID of the overlay series.")),
BOOL(processing.add_burn_in_disclaimer, "true", UNBUILT("burn in a disclaimer"),
	HELP("Write burn_in_text into the pixels of the overlay series.")),
TEXT(processing.burn_in_text, CONF_LINES, 1, 1024, "FOR RESEARCH USE ONLY - NOT FOR CLINICAL USE",
	HELP("The disclaimer.")),
INT(processing.segmentation_series_number, IS_MIN, IS_MAX, "99",
	HELP("Series Number of the segmentations.")),
TEXT(processing.segmentation_series_description_template, CONF_TEMPLATE, 1, 64,
	"RESEARCH USE ONLY: CONTOUR {}",
	HELP("Series Description of a segmentation; {} becomes the ROI's name.")),
TEXT(processing.segmentation_algorithm_name, CONF_LO, 1, 64, "Radiation Oncologist",
	HELP("Segment Algorithm Name of the segmentations.")),
TEXT(processing.segmentation_algorithm_version, CONF_LO, 1, 64, "v1.0",
	HELP("Algorithm Version of the segmentations.")),
TEXT(processing.segmentation_tracking_id, CONF_FREE, 1, 1024, "FOR RESEARCH USE ONLY",
	HELP("Tracking ID of the segmentations.")),
INT(processing.debug_series_number, IS_MIN, IS_MAX, "101",
	HELP("Series Number of the debug series.")),
TEXT(processing.debug_series_description, CONF_LO, 1, 64, "DEBUG: Contour Overlay Visualization",
	HELP("Series Description of the debug series.")),

BOOL(anonymization.enabled, "true", UNBUILT("de-identify"),
	HELP("De-identify everything that is written and sent.")),
TEXT(anonymization.site_code, CONF_ID, 1, 40, "SITE",
	HELP("First part of the new Patient ID and Patient's Name: SITE_0001_YYYYMMDD.")),
TEXT(anonymization.pid_mapping_file, CONF_PATH, 1, PATH_LENGTH, "/mnt/shared/pid_mapping.json",
	HELP("Where the numbers given to patients are kept.")),
TEXT(anonymization.study_description, CONF_LO, 0, 64, NULL, NULLABLE,
	HELP("New Study Description; null: it is left to the other rules.")),
BOOL(anonymization.use_consistent_pid, "true",
	HELP("Give a patient the same new ID every time, from pid_mapping_file.")),
BOOL(anonymization.full_anonymization_enabled, "false",
	HELP("Apply full_anonymization_rules instead of rules.")),
LIST(anonymization.full_anonymization_rules.tags_to_remove, CONF_TAG, 1, 64, full_remove,
	HELP("Attributes to remove.")),
LIST(anonymization.full_anonymization_rules.tags_to_empty, CONF_TAG, 1, 64, full_empty,
	HELP("Attributes to leave without a value.")),
LIST(anonymization.full_anonymization_rules.tags_to_modify_date, CONF_TAG, 1, 64, full_date,
	HELP("Dates whose day becomes 01.")),
LIST(anonymization.full_anonymization_rules.tags_to_modify_time, CONF_TAG, 1, 64, full_time,
	HELP("Times whose minutes and seconds become 00.")),
LIST(anonymization.full_anonymization_rules.tags_to_regenerate_uid, CONF_TAG, 1, 64, full_uid,
	HELP("UIDs to replace by new ones.")),
TEXT(anonymization.full_anonymization_rules.patient_id_override, CONF_LO, 0, 64, "ANONYMIZED_ID", NULLABLE,
	HELP("New Patient ID; null: it is left to the other rules.")),
TEXT(anonymization.full_anonymization_rules.patient_name_override, CONF_PN, 0, 64,
	"ANONYMIZED_NAME", NULLABLE,
	HELP("New Patient's Name; null: it is left to the other rules.")),
LIST(anonymization.default_tags_to_remove, CONF_TAG, 1, 64, ids,
	HELP("Attributes to remove when neither rules nor full rules say otherwise.")),
LIST(anonymization.default_tags_to_blank, CONF_TAG, 1, 64, ids,
	HELP("Attributes to leave without a value when no other rule says otherwise.")),
LIST(anonymization.rules.remove_tags, CONF_TAG, 1, 64, ids,
	HELP("Attributes to remove.")),
LIST(anonymization.rules.blank_tags, CONF_TAG, 1, 64, none,
	HELP("Attributes to leave without a value.")),
TEXT(anonymization.rules.generate_random_id_prefix, CONF_ID, 0, 40, "",
	HELP("What a random Patient ID begins with.")),

BOOL(feature_flags.enable_segmentation_export, "false", UNBUILT("write segmentations"),
	HELP("Write a DICOM Segmentation of each ROI.")),

INT(watcher.debounce_interval_seconds, 1, 86400, "5", UNIT("s"),
	HELP("A study is whole when nothing has come for it for this long.")),
INT(watcher.min_file_count_for_processing, 1, 1000000, "2", UNIT("files"),
	HELP("A study with fewer files is not whole.")),

WORD(enum conf_log_level, logging.level, level_words, "INFO",
	HELP("Least severity that is logged.")),
TEXT(logging.format, CONF_FREE, 1, FORMAT_LENGTH,
	"%(asctime)s [%(levelname)s] %(name)s: %(message)s",
	HELP("A line of the application log.")),
TEXT(logging.application_log_file, CONF_PATH, 1, PATH_LENGTH, "application.log",
	HELP("Application log, in directories.logs unless absolute.")),
TEXT(logging.transaction_log_file, CONF_PATH, 1, PATH_LENGTH, "transaction.log",
	HELP("Transaction log, in directories.logs unless absolute.")),
TEXT(logging.transaction_log_format, CONF_FREE, 1, FORMAT_LENGTH,
	"%(asctime)s TXN [%(levelname)s]: %(message)s",
	HELP("A line of the transaction log.")),

TEXT(reporting.output_directory, CONF_PATH, 1, PATH_LENGTH, "/mnt/shared",
	HELP("Where the service puts the report of each study.")),
};
/* clang-format on */

const size_t conf_table_count = sizeof(conf_table) / sizeof(conf_table[0]);

_Static_assert(sizeof(conf_table) / sizeof(conf_table[0]) <= LIMIT_CONFIG_KEYS,
	       "struct conf has a mark for every row");

_Static_assert(sizeof(enum conf_planes) == sizeof(int) &&
		       sizeof(enum conf_log_level) == sizeof(int),
	       "CONF_WORD rows are written as int");
