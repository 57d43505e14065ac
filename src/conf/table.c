#include "conf/table.h"

/*
 * AT refuses, at compile time, a member that is not of the row's type; so a row cannot write an int
 * over a pointer.
 */
/* NOLINTNEXTLINE(bugprone-macro-parentheses): a type takes none */
#define AT(type, member) _Generic(((struct conf *)0)->member, type : offsetof(struct conf, member))
/* The same in the struct of a list's section. */
/* NOLINTNEXTLINE(bugprone-macro-parentheses): a type takes none */
#define OF(s, type, member) _Generic(((struct s *)0)->member, type : offsetof(struct s, member))

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

#define MAPS(type, member, section, ...)                                                        \
	{                                                                                       \
		.path = #member, .kind = CONF_MAPS, .at = AT(type, member), .maps = &(section), \
		__VA_ARGS__                                                                     \
	}

#define PAIRS(member, how, lo, hi, row, ...)                                                    \
	{                                                                                       \
		.path = #member, .kind = CONF_PAIRS, .form = (how),                             \
		.at = AT(struct conf_pairs, member), .min = (lo), .max = (hi), .value = &(row), \
		__VA_ARGS__                                                                     \
	}
/* A switch of which the profile decides where the file does not. */
#define OPTION(name, what) \
	WORD(enum conf_switch, anonymization.options.name, switch_words, NULL, NULLABLE, HELP(what))

#define ITEMS(array)                                                         \
	{                                                                    \
		.item = (array), .count = sizeof(array) / sizeof((array)[0]) \
	}
#define UNIT(what) .unit = (what)
#define NULLABLE .nullable = true
#define REQUIRED .required = true
#define RESTART .restart = true
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

static const struct conf_word corner_words[] = {
	{"bottom_right", CONF_BOTTOM_RIGHT},
	{"bottom_left", CONF_BOTTOM_LEFT},
	{"top_right", CONF_TOP_RIGHT},
	{"top_left", CONF_TOP_LEFT},
	{NULL, 0},
};

static const struct conf_word burn_in_words[] = {
	{"pixels", CONF_BURN_IN_PIXELS},
	{"overlay", CONF_BURN_IN_OVERLAY},
	{NULL, 0},
};

static const struct conf_word undecodable_words[] = {
	{"overlay", CONF_UNDECODABLE_OVERLAY},
	{"quarantine", CONF_UNDECODABLE_QUARANTINE},
	{NULL, 0},
};

static const struct conf_word debug_style_words[] = {
	{"outline", CONF_DEBUG_OUTLINE},
	{"filled", CONF_DEBUG_FILLED},
	{NULL, 0},
};

static const struct conf_word segmentation_words[] = {
	{"per_roi", CONF_SEGMENTATION_PER_ROI},
	{"combined", CONF_SEGMENTATION_COMBINED},
	{NULL, 0},
};

static const struct conf_word structure_set_words[] = {
	{"none", CONF_SET_NONE},
	{"original", CONF_SET_ORIGINAL},
	{"relinked", CONF_SET_RELINKED},
	{NULL, 0},
};

static const struct conf_word output_words[] = {
	{"text", CONF_OUTPUT_TEXT},
	{"json", CONF_OUTPUT_JSON},
	{NULL, 0},
};

static const struct conf_word durability_words[] = {
	{"strict", CONF_DURABILITY_STRICT},
	{"file", CONF_DURABILITY_FILE},
	{"none", CONF_DURABILITY_NONE},
	{NULL, 0},
};

static const struct conf_word commitment_words[] = {
	{"off", CONF_COMMITMENT_OFF},
	{"request", CONF_COMMITMENT_REQUEST},
	{NULL, 0},
};

static const struct conf_word no_set_words[] = {
	{"wait", CONF_NO_SET_WAIT},
	{"quarantine", CONF_NO_SET_QUARANTINE},
	{"discard", CONF_NO_SET_DISCARD},
	{NULL, 0},
};

static const struct conf_word profile_words[] = {
	{"netrt", CONF_PROFILE_NETRT},
	{"basic", CONF_PROFILE_BASIC},
	{"research", CONF_PROFILE_RESEARCH},
	{NULL, 0},
};

static const struct conf_word pseudonym_words[] = {
	{"sequential", CONF_PSEUDONYMS_SEQUENTIAL},
	{"keyed", CONF_PSEUDONYMS_KEYED},
	{NULL, 0},
};

static const struct conf_word switch_words[] = {
	{"true", CONF_ON}, {"false", CONF_OFF}, {"yes", CONF_ON}, {"no", CONF_OFF},
	{"on", CONF_ON},   {"off", CONF_OFF},   {NULL, 0},
};

static const struct conf_word risk_words[] = {
	{"quarantine", CONF_RISK_QUARANTINE},
	{"pass", CONF_RISK_PASS},
	{"blank_regions", CONF_RISK_BLANK},
	{NULL, 0},
};

static const struct conf_list none = {.count = 0};

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

/* PS3.4 GG.4-1: Cannot Understand, Data Set does not match SOP Class, SOP Class not supported. */
static const char *const permanent_items[] = {"Cxxx", "A9xx", "0122"};

static const struct conf_list skull = ITEMS(skull_items);
static const struct conf_list ids = ITEMS(id_items);
static const struct conf_list full_remove = ITEMS(full_remove_items);
static const struct conf_list full_empty = ITEMS(full_empty_items);
static const struct conf_list full_date = ITEMS(full_date_items);
static const struct conf_list full_time = ITEMS(full_time_items);
static const struct conf_list full_uid = ITEMS(full_uid_items);
static const struct conf_list permanent = ITEMS(permanent_items);

/* ---- the sections of lists ------------------------------------------------------------------- */

/* clang-format off */
static const struct conf_key allow_keys[] = {
{
	.path = "dicom_listener.allow[].ae_title", .kind = CONF_TEXT, .form = CONF_AE,
	.at = OF(conf_allow, const char *, ae_title), .min = 1, .max = 16, NULLABLE,
	HELP("Calling AE title; null: any.")
},
{
	.path = "dicom_listener.allow[].address", .kind = CONF_TEXT, .form = CONF_NETWORK,
	.at = OF(conf_allow, const char *, address), .min = 1, .max = 49, NULLABLE,
	HELP("Address (10.0.0.7) or network (10.1.0.0/16, 2001:db8::/32) that it comes from; null: "
	     "any.")
},
};

static const struct conf_key destination_keys[] = {
{
	.path = "dicom_destinations[].name", .kind = CONF_TEXT, .form = CONF_LABEL,
	.at = OF(conf_destination, const char *, name), .min = 1, .max = 64, NULLABLE,
	HELP("What the queue is called, in logs and reports too; null: its ae_title. Under another "
	     "name it is another destination.")
},
{
	.path = "dicom_destinations[].ip", .kind = CONF_TEXT, .form = CONF_HOST, REQUIRED,
	.at = OF(conf_destination, const char *, ip), .min = 1, .max = 253,
	HELP("Address or host name to send results to.")
},
{
	.path = "dicom_destinations[].port", .kind = CONF_INT,
	.at = OF(conf_destination, int, port), .min = 1, .max = 65535, .fallback = "104",
	HELP("TCP port to send results to.")
},
{
	.path = "dicom_destinations[].ae_title", .kind = CONF_TEXT, .form = CONF_AE, REQUIRED,
	.at = OF(conf_destination, const char *, ae_title), .min = 1, .max = 16,
	HELP("Application entity title of the destination.")
},
{
	.path = "dicom_destinations[].max_associations", .kind = CONF_INT,
	.at = OF(conf_destination, int, max_associations), .min = 1, .max = 64, .fallback = "1",
	HELP("Associations with it at the same time.")
},
{
	.path = "dicom_destinations[].storage_commitment", .kind = CONF_WORD,
	.at = OF(conf_destination, enum conf_commitment, storage_commitment),
	.words = commitment_words, .fallback = "off",
	HELP("Ask for Storage Commitment and keep a study until it is given: off or request.")
},
{
	.path = "dicom_destinations[].permanent_statuses", .kind = CONF_LIST, .form = CONF_STATUS,
	.at = OF(conf_destination, struct conf_list, permanent_statuses), .min = 4, .max = 4,
	.fallback_list = &none,
	HELP("Instead of delivery.permanent_statuses; empty: those.")
},
};
static const struct conf_key region_keys[] = {
{
	.path = "anonymization.pixel_regions[].sop_class", .kind = CONF_TEXT, .form = CONF_UID,
	.at = OF(conf_region, const char *, sop_class), .min = 1, .max = 64, NULLABLE,
	HELP("SOP Class UID of the images; null: any.")
},
{
	.path = "anonymization.pixel_regions[].manufacturer", .kind = CONF_TEXT, .form = CONF_LO,
	.at = OF(conf_region, const char *, manufacturer), .min = 1, .max = 64, NULLABLE,
	HELP("Manufacturer, as the images say; null: any.")
},
{
	.path = "anonymization.pixel_regions[].model", .kind = CONF_TEXT, .form = CONF_LO,
	.at = OF(conf_region, const char *, model), .min = 1, .max = 64, NULLABLE,
	HELP("Manufacturer's Model Name; null: any.")
},
{
	.path = "anonymization.pixel_regions[].rows", .kind = CONF_INT,
	.at = OF(conf_region, int, rows), .max = 65535, .fallback = "0",
	HELP("Rows of the images; 0: any.")
},
{
	.path = "anonymization.pixel_regions[].columns", .kind = CONF_INT,
	.at = OF(conf_region, int, columns), .max = 65535, .fallback = "0",
	HELP("Columns of the images; 0: any.")
},
{
	.path = "anonymization.pixel_regions[].left", .kind = CONF_INT,
	.at = OF(conf_region, int, left), .max = 65535, .fallback = "0", UNIT("pixels"),
	HELP("Where the rectangle begins, from the left.")
},
{
	.path = "anonymization.pixel_regions[].top", .kind = CONF_INT,
	.at = OF(conf_region, int, top), .max = 65535, .fallback = "0", UNIT("pixels"),
	HELP("Where it begins, from the top.")
},
{
	.path = "anonymization.pixel_regions[].width", .kind = CONF_INT, REQUIRED,
	.at = OF(conf_region, int, width), .min = 1, .max = 65535, UNIT("pixels"),
	HELP("How wide it is.")
},
{
	.path = "anonymization.pixel_regions[].height", .kind = CONF_INT, REQUIRED,
	.at = OF(conf_region, int, height), .min = 1, .max = 65535, UNIT("pixels"),
	HELP("How high it is.")
},
};

static const struct conf_key replace_value = {
	.path = "anonymization.replace.*", .kind = CONF_TEXT, .form = CONF_FREE, .max = 1024,
};
/* clang-format on */

static const char *allow_fault(const void *s)
{
	const struct conf_allow *a = s;

	return a->ae_title == NULL && a->address == NULL
		       ? "would let in everybody; it needs an ae_title, an address, or both"
		       : NULL;
}

static const struct conf_section allow_section = {
	.key = allow_keys,
	.count = sizeof(allow_keys) / sizeof(allow_keys[0]),
	.size = sizeof(struct conf_allow),
	.example = "{ae_title: CT1, address: 10.1.0.0/16}",
	.fault = allow_fault,
};

static const struct conf_section destination_section = {
	.key = destination_keys,
	.count = sizeof(destination_keys) / sizeof(destination_keys[0]),
	.size = sizeof(struct conf_destination),
	.example = "{name: pacs, ip: 10.0.0.7, port: 104, ae_title: PACS}",
};

static const struct conf_section region_section = {
	.key = region_keys,
	.count = sizeof(region_keys) / sizeof(region_keys[0]),
	.size = sizeof(struct conf_region),
	.example = "{manufacturer: ACME, width: 512, height: 40}",
};

/* ---- the table ------------------------------------------------------------------------------- */

/* clang-format off */
const struct conf_key conf_table[] = {
TEXT(dicom_listener.host, CONF_HOST, 1, 253, "0.0.0.0", RESTART,
	HELP("Address or host name to listen on; 0.0.0.0 is every IPv4 interface, \"::\" every one.")),
INT(dicom_listener.port, 0, 65535, "11112", RESTART,
	HELP("TCP port to listen on; 0: any free one, which the log names.")),
TEXT(dicom_listener.ae_title, CONF_AE, 1, 16, "NETRT",
	HELP("Application entity title of this service.")),
BOOL(dicom_listener.check_called_ae_title, "true",
	HELP("Refuse associations that are meant for another title.")),
BOOL(dicom_listener.config_negotiated_transfer_syntax, "true",
	HELP("Store objects in the transfer syntax that was negotiated, not in another one.")),
MAPS(struct conf_allows, dicom_listener.allow, allow_section,
	HELP("Who may send; a sender must match one of the list. Empty: anybody.")),
LIST(dicom_listener.private_sop_classes, CONF_UID, 1, 64, none,
	HELP("SOP classes that the standard does not know and that are to be stored all the same.")),

TEXT(dicom_destination.ip, CONF_HOST, 1, 253, "127.0.0.1",
	HELP("Address or host name to send results to.")),
INT(dicom_destination.port, 1, 65535, "104",
	HELP("TCP port to send results to.")),
TEXT(dicom_destination.ae_title, CONF_AE, 1, 16, "DEST_AET",
	HELP("Application entity title of the destination.")),
TEXT(dicom_destination.name, CONF_LABEL, 1, 64, NULL, NULLABLE,
	HELP("What the queue is called, in logs and reports too; null: its ae_title. Under another "
	     "name it is another destination.")),
INT(dicom_destination.max_associations, 1, 64, "1",
	HELP("Associations with it at the same time.")),
WORD(enum conf_commitment, dicom_destination.storage_commitment, commitment_words, "off",
	HELP("Ask for Storage Commitment and keep a study until it is given: off or request.")),
LIST(dicom_destination.permanent_statuses, CONF_STATUS, 4, 4, none,
	HELP("Instead of delivery.permanent_statuses; empty: those.")),

MAPS(struct conf_destinations, dicom_destinations, destination_section,
	HELP("Several destinations, each with a queue of its own, instead of dicom_destination.")),

TEXT(directories.working, CONF_PATH, 1, PATH_LENGTH, "~/CORRECT_working", RESTART,
	HELP("Studies while they are received and processed; ~/ is the home directory.")),
TEXT(directories.logs, CONF_PATH, 1, PATH_LENGTH, "~/CORRECT_logs",
	HELP("Log files; ~/ is the home directory.")),
TEXT(directories.quarantine_subdir, CONF_NAME, 1, 255, "quarantine", RESTART,
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
BOOL(processing.add_burn_in_disclaimer, "true",
	HELP("Write burn_in_text into the pixels of the overlay series.")),
TEXT(processing.burn_in_text, CONF_LINES, 1, 1024, "FOR RESEARCH USE ONLY - NOT FOR CLINICAL USE",
	HELP("The disclaimer.")),
WORD(enum conf_corner, processing.burn_in_position, corner_words, "bottom_right",
	HELP("Corner of the image that the disclaimer is written in.")),
WORD(enum conf_burn_in, processing.burn_in_style, burn_in_words, "pixels",
	HELP("The disclaimer in the pixels, or as an overlay plane that changes none of them.")),
WORD(enum conf_undecodable, processing.burn_in_undecodable, undecodable_words, "overlay",
	HELP("Images whose pixels cannot be decoded: the disclaimer as an overlay plane, with a "
	     "warning in the report, or the study goes to quarantine.")),
WORD(enum conf_segmentation, processing.segmentation, segmentation_words, "per_roi",
	HELP("With feature_flags.enable_segmentation_export: one segmentation for each ROI "
	     "(per_roi), or one for all (combined).")),
INT(processing.segmentation_series_number, IS_MIN, IS_MAX, "99",
	HELP("Series Number of the segmentations.")),
TEXT(processing.segmentation_series_description_template, CONF_TEMPLATE, 1, 64,
	"RESEARCH USE ONLY: CONTOUR {}",
	HELP("Series Description of a segmentation; {} becomes the ROI's name.")),
TEXT(processing.segmentation_algorithm_name, CONF_LO, 1, 64, "Radiation Oncologist",
	HELP("Algorithm Name of the segmentations.")),
TEXT(processing.segmentation_algorithm_version, CONF_LO, 1, 64, "v1.0",
	HELP("Algorithm Version of the segmentations.")),
TEXT(processing.segmentation_tracking_id, CONF_FREE, 1, 1024, "FOR RESEARCH USE ONLY",
	HELP("Tracking ID of the segmentations; the name of the ROI is added.")),
TEXT(processing.roi_codes_file, CONF_PATH, 1, PATH_LENGTH, NULL, NULLABLE,
	HELP("The site's own table of ROI names and codes, read before the built-in one; null: "
	     "none.")),
WORD(enum conf_structure_set, processing.structure_set, structure_set_words, "none",
	HELP("Send a structure set with the overlay series: none, the original, or a copy that "
	     "refers to the overlay series (relinked).")),
BOOL(processing.debug, "false",
	HELP("Draw a picture of every slice, as JPG and as a Secondary Capture series; --debug "
	     "does the same.")),
WORD(enum conf_debug_style, processing.debug_style, debug_style_words, "outline",
	HELP("ROIs as lines (outline) or as tinted areas (filled).")),
INT(processing.debug_magnification, 1, 8, "1",
	HELP("Pixels of a picture for a pixel of the image, in each direction.")),
INT(processing.debug_series_number, IS_MIN, IS_MAX, "101",
	HELP("Series Number of the debug series.")),
TEXT(processing.debug_series_description, CONF_LO, 1, 64, "DEBUG: Contour Overlay Visualization",
	HELP("Series Description of the debug series.")),
INT(processing.workers, 0, LIMIT_WORKERS, "0",
	HELP("Studies processed at the same time; 0: as many as there are processors.")),
INT(processing.memory_mib, 0, 1048576, "8192", UNIT("MiB"),
	HELP("Memory that each process working on a study may have; 0: no limit.")),
INT(processing.cpu_seconds, 0, 604800, "3600", UNIT("s"),
	HELP("Processor time that each process working on a study may take; 0: no limit.")),
INT(processing.file_mib, 0, 1048576, "16384", UNIT("MiB"),
	HELP("Largest file that is written for a study; 0: no limit.")),

BOOL(anonymization.enabled, "true",
	HELP("De-identify everything that is written and sent.")),
WORD(enum conf_profile, anonymization.profile, profile_words, "netrt",
	HELP("What is done: NETRT's rules, below (netrt), the Basic Profile of PS3.15 table E.1-1 (basic), or "
	     "that with modified dates, cleaned texts, patient characteristics and safe private "
	     "attributes retained (research).")),
OPTION(retain_safe_private,
	"Keep private attributes that are on the safe list (safe_private_file); null: research does."),
OPTION(retain_uids,
	"Keep UIDs; else each gets a new one, the same everywhere; null: no."),
OPTION(retain_device_identity,
	"Keep names and serial numbers of devices; null: no."),
OPTION(retain_institution_identity,
	"Keep names and addresses of institutions; null: no."),
OPTION(retain_patient_characteristics,
	"Keep sex, age (up to 089Y), size, weight and the like; null: research does."),
OPTION(retain_full_dates,
	"Keep dates and times as they are; null: no."),
OPTION(retain_modified_dates,
	"Keep dates, moved back by a number of days that is the patient's own; null: research does."),
OPTION(clean_descriptors,
	"Keep descriptions and comments, without words of the patient, dates and numbers; null: "
	"research does."),
OPTION(clean_structured_content,
	"Keep content trees and acquisition contexts, cleaned in the same way; null: no."),
OPTION(clean_graphics,
	"Keep graphic annotations, cleaned in the same way; null: no."),
WORD(enum conf_pseudonyms, anonymization.pseudonyms, pseudonym_words, "sequential",
	HELP("New Patient IDs: SITE_0001_YYYYMMDD from pid_mapping_file (sequential), or from the old "
	     "one and the secret key, without a map (keyed).")),
TEXT(anonymization.key_file, CONF_PATH, 1, PATH_LENGTH, NULL, NULLABLE,
	HELP("The secret key (netrt keygen), in a file that only its owner may read; null: none.")),
TEXT(anonymization.id_prefix, CONF_ID, 0, 40, "",
	HELP("What a keyed Patient ID begins with.")),
INT(anonymization.date_shift_days, 1, 36500, "3650", UNIT("days"),
	HELP("Dates move back by at least one day and at most this many.")),
TEXT(anonymization.roi_names_file, CONF_PATH, 1, PATH_LENGTH, NULL, NULLABLE,
	HELP("Patterns of ROI names that may stay, one a line; null: the built-in ones.")),
TEXT(anonymization.safe_private_file, CONF_PATH, 1, PATH_LENGTH, NULL, NULLABLE,
	HELP("Private attributes that are safe, one a line; null: the built-in ones.")),
LIST(anonymization.keep, CONF_WHERE, 1, 1024, none,
	HELP("Attributes to keep as they are, whatever the profile says.")),
LIST(anonymization.remove, CONF_WHERE, 1, 1024, none,
	HELP("Attributes to remove, whatever the profile says.")),
LIST(anonymization.blank, CONF_WHERE, 1, 1024, none,
	HELP("Attributes to leave without a value, whatever the profile says.")),
LIST(anonymization.hash, CONF_WHERE, 1, 1024, none,
	HELP("Attributes whose value becomes a hash of it with the secret key.")),
PAIRS(anonymization.replace, CONF_WHERE, 1, 1024, replace_value,
	HELP("Attributes with the value that each gets.")),
WORD(enum conf_risk, anonymization.burned_in_risk, risk_words, NULL, NULLABLE,
	HELP("Images that may show the patient's name: they go to quarantine, pass, or pass when "
	     "pixel_regions says what to blank; null: quarantine for basic and research, pass for netrt.")),
MAPS(struct conf_regions, anonymization.pixel_regions, region_section,
	HELP("Rectangles to blank, with burned_in_risk: blank_regions.")),
LIST(anonymization.sop_classes, CONF_UID, 1, 64, none,
	HELP("SOP classes that basic and research let pass, too.")),
TEXT(anonymization.crosswalk_file, CONF_PATH, 1, PATH_LENGTH, NULL, NULLABLE,
	HELP("Table of old and new UIDs and Patient IDs; as secret as the key; null: none.")),
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
TEXT(anonymization.full_anonymization_rules.patient_id_override, CONF_LO, 0, 64, NULL, NULLABLE,
	HELP("New Patient ID of everybody; null: each patient's own, as without full anonymization.")),
TEXT(anonymization.full_anonymization_rules.patient_name_override, CONF_PN, 0, 64,
	NULL, NULLABLE,
	HELP("New Patient's Name of everybody; null: the new Patient ID.")),
LIST(anonymization.default_tags_to_remove, CONF_TAG, 1, 64, ids,
	HELP("What rules.remove_tags is where the file does not give it.")),
LIST(anonymization.default_tags_to_blank, CONF_TAG, 1, 64, ids,
	HELP("What rules.blank_tags is where the file does not give it.")),
LIST(anonymization.rules.remove_tags, CONF_TAG, 1, 64, ids,
	HELP("Attributes to remove.")),
LIST(anonymization.rules.blank_tags, CONF_TAG, 1, 64, none,
	HELP("Attributes to leave without a value.")),
TEXT(anonymization.rules.generate_random_id_prefix, CONF_ID, 0, 40, "",
	HELP("What a random Patient ID begins with, instead of site_code.")),

BOOL(feature_flags.enable_segmentation_export, "false",
	HELP("Write and send DICOM Segmentations; see processing.segmentation.")),

INT(watcher.debounce_interval_seconds, 1, 86400, "5", UNIT("s"),
	HELP("A study is whole when nothing has come for it for this long.")),
INT(watcher.min_file_count_for_processing, 1, 1000000, "2", UNIT("files"),
	HELP("A study with fewer files is not whole.")),
BOOL(watcher.complete_when_referenced, "true",
	HELP("A study is whole as soon as the structure set and all images that it refers to are there "
	     "and no association that sent them is open.")),
INT(watcher.complete_grace_seconds, 0, 3600, "1", UNIT("s"),
	HELP("But not before nothing has come for it for this long.")),
INT(watcher.force_after_seconds, 0, 31536000, "3600", UNIT("s"),
	HELP("A study is taken as whole this long after its first file, whatever is missing; 0: never.")),
WORD(enum conf_no_set, watcher.without_structure_set, no_set_words, "wait",
	HELP("What becomes of a study that is whole but for a structure set: wait (then "
	     "quarantine), quarantine or discard.")),
INT(watcher.keep_incomplete_hours, 0, 87600, "24", UNIT("h"),
	HELP("How long it waits, before it goes to quarantine.")),
INT(watcher.keep_sources_hours, 0, 87600, "0", UNIT("h"),
	HELP("Keep what was received this long after success, for a structure set that comes later.")),
INT(watcher.scan_interval_seconds, 1, 86400, "30", UNIT("s"),
	HELP("Look through the working directory this often, for what the kernel does not tell: "
	     "network file systems.")),

INT(delivery.retry_first_seconds, 1, 86400, "5", UNIT("s"),
	HELP("Wait after the first failure; doubled with each further one.")),
INT(delivery.retry_most_seconds, 1, 86400, "900", UNIT("s"),
	HELP("Longest wait between two attempts, the first one too.")),
INT(delivery.give_up_after_hours, 0, 87600, "72", UNIT("h"),
	HELP("A study that could not be delivered for this long goes to quarantine; 0: at the first "
	     "failure.")),
INT(delivery.permanent_attempts, 1, 1000, "3",
	HELP("Attempts at an instance that is answered with one of permanent_statuses.")),
LIST(delivery.permanent_statuses, CONF_STATUS, 4, 4, permanent,
	HELP("C-STORE statuses that trying again will hardly change; x is any digit.")),
INT(delivery.connect_seconds, 1, 3600, "10", UNIT("s"),
	HELP("Time for a connection to come about, all addresses of a name together.")),
INT(delivery.response_seconds, 1, 86400, "120", UNIT("s"),
	HELP("Time for an answer, to an association request and to each C-STORE.")),
INT(delivery.commitment_seconds, 1, 604800, "3600", UNIT("s"),
	HELP("Time for the report of a Storage Commitment, before it is asked for again.")),

INT(limits.pdu_bytes, 4096, LIMIT_PDU, "1048576", UNIT("bytes"),
	HELP("Largest PDU that is offered to peers; up to 1048576 is accepted, with a warning.")),
INT(limits.associations, 1, 4096, "64",
	HELP("Associations at the same time.")),
INT(limits.associations_per_address, 1, 4096, "16",
	HELP("Associations with one address at the same time.")),
INT(limits.half_open, 1, 65536, "256",
	HELP("Connections that have not asked for an association yet.")),
INT(limits.half_open_per_address, 1, 65536, "64",
	HELP("Those of one address.")),
INT(limits.artim_seconds, 1, 3600, "30", UNIT("s"),
	HELP("Time for a whole association request, and for the end of a connection (ARTIM).")),
INT(limits.stall_seconds, 1, 86400, "60", UNIT("s"),
	HELP("An association that sends nothing in the middle of a message is aborted after this.")),
INT(limits.idle_seconds, 1, 86400, "60", UNIT("s"),
	HELP("An association that sends nothing between messages is aborted after this.")),
INT(limits.object_mib, 1, 16384, "2048", UNIT("MiB"),
	HELP("Largest object.")),
INT(limits.study_mib, 1, 67108864, "65536", UNIT("MiB"),
	HELP("Largest study, all its objects together.")),
INT(limits.study_instances, 1, LIMIT_FILES, "100000",
	HELP("Objects of a study.")),
INT(limits.nesting, 1, LIMIT_NESTING, "64",
	HELP("Sequences inside sequences of an object.")),
INT(limits.elements, 1, LIMIT_ELEMENTS, "2000000",
	HELP("Elements of an object.")),
INT(limits.minimum_free_mib, 0, 67108864, "512", UNIT("MiB"),
	HELP("With less free space in the working directory nothing more is received.")),
INT(limits.minimum_free_percent, 0, 90, "1", UNIT("%"),
	HELP("The same, as a part of the whole file system; the larger one holds.")),
INT(limits.log_lines_per_minute, 1, 1000000, "600",
	HELP("Refusals and complaints that are logged about one address in a minute.")),

WORD(enum conf_log_level, logging.level, level_words, "INFO",
	HELP("Least severity that is logged.")),
TEXT(logging.format, CONF_FORMAT, 1, FORMAT_LENGTH,
	"%(asctime)s [%(levelname)s] %(name)s: %(message)s",
	HELP("A line of the application log.")),
TEXT(logging.application_log_file, CONF_PATH, 1, PATH_LENGTH, "application.log",
	HELP("Application log, in directories.logs unless absolute.")),
TEXT(logging.transaction_log_file, CONF_PATH, 1, PATH_LENGTH, "transaction.log",
	HELP("Transaction log, in directories.logs unless absolute.")),
TEXT(logging.transaction_log_format, CONF_FORMAT, 1, FORMAT_LENGTH,
	"%(asctime)s TXN [%(levelname)s]: %(message)s",
	HELP("A line of the transaction log.")),
WORD(enum conf_log_output, logging.output, output_words, "text",
	HELP("Lines of text by the two formats, or lines of JSON.")),
INT(logging.rotate_mib, 0, 1048576, "100", UNIT("MiB"),
	HELP("A log file that has become this large is renamed to .1, .1 to .2, ...; 0: never.")),
INT(logging.rotate_count, 1, 1000, "5",
	HELP("Renamed log files that are kept.")),

TEXT(reporting.output_directory, CONF_PATH, 1, PATH_LENGTH, "/mnt/shared",
	HELP("Where the service puts the report of each study.")),

WORD(enum conf_durability, durability, durability_words, "strict",
	HELP("What is on the disk before a sender is told Success: the file and its name (strict), the "
	     "file (file), perhaps nothing (none).")),
INT(drain_seconds, 0, 86400, "30", UNIT("s"),
	HELP("Time that open associations and running work get to finish when the service is stopped. "
	     "Connections whose association was released are closed at once.")),
};
/* clang-format on */

const size_t conf_table_count = sizeof(conf_table) / sizeof(conf_table[0]);

_Static_assert(sizeof(conf_table) / sizeof(conf_table[0]) <= LIMIT_CONFIG_KEYS,
	       "struct conf has a mark for every row");

_Static_assert(sizeof(enum conf_planes) == sizeof(int) && sizeof(enum conf_switch) == sizeof(int) &&
		       sizeof(enum conf_log_level) == sizeof(int),
	       "CONF_WORD rows are written as int");
