#include "cmd/from_conf.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/file.h"
#include "base/sha256.h"
#include "cmd/cmd.h"
#include "cmd/deid_settings.h"
#include "study/shield.h"

#define MIB (1ull << 20)
#define HOUR_MS 3600000ull
#define REPORT_WAIT_MS 5000u /* an association is kept open for an N-EVENT-REPORT */

/* ---- reading ---- */

static void digest(struct bytes text, char out[static 65])
{
	struct sha256 s;
	uint8_t sum[SHA256_LEN];

	sha256_init(&s);
	sha256_add(&s, text);
	sha256_end(&s, sum);
	for (size_t i = 0; i < SHA256_LEN; i++)
		snprintf(out + 2 * i, 3, "%02x", sum[i]);
}

/* The site's table of codes for ROIs. */
static int load_codes(struct loaded *l)
{
	const char *path = l->conf.processing.roi_codes_file;
	struct bytes text;
	struct fault f;
	char why[256];
	unsigned line = 0;

	if (path == NULL)
		return EX_OK;
	enum err e = file_read(&text, path, ROI_CODES_FILE, &l->arena, &f);
	if (e == OK)
		e = roi_codes_parse(&l->codes, text, &l->arena, &line, &f);
	if (e == OK)
		return EX_OK;
	fault_format(&f, why, sizeof(why));
	if (line > 0)
		log_say(LOG_ERROR, "%s:%u: %s", log_quote_str(path), line, why);
	else
		log_say(LOG_ERROR, "processing.roi_codes_file: %s: %s", log_quote_str(path), why);
	return EX_CONFIG;
}

static int load(struct loaded *l, bool debug)
{
	static struct conf_diags problems;
	struct bytes text = conf_default_text();
	struct fault f;
	enum err e;

	problems.count = problems.errors = 0;
	if (l->path != NULL) {
		e = conf_load(&l->conf, l->path, &l->arena, &problems);
		if (e == OK && file_read(&text, l->path, LIMIT_CONFIG, &l->arena, &f) != OK)
			e = ERR_IO;
	} else {
		e = conf_defaults(&l->conf, &l->arena);
	}
	if (e == OK && debug)
		l->conf.processing.debug = true;
	conf_diags_log(&problems, l->path);
	if (e != OK) {
		if (problems.errors == 0)
			log_say(LOG_ERROR, "the configuration cannot be read");
		return EX_CONFIG;
	}
	digest(text, l->sha256);
	return load_codes(l);
}

int loaded_open(struct loaded *l, const char *path, bool debug)
{
	struct fault f;

	*l = (struct loaded){.path = path};
	if (arena_open(&l->arena, 4u * LIMIT_CONFIG_ARENA, &f) != OK) {
		log_say(LOG_ERROR, "%s", f.text);
		return EX_OSERR;
	}
	int code = load(l, debug);
	if (code != EX_OK)
		loaded_close(l);
	return code;
}

int loaded_shield(struct loaded *l)
{
	if (!l->conf.anonymization.enabled)
		return EX_OK;
	if (deid_settings(&l->deid, &l->conf, &l->arena) != OK) {
		log_say(LOG_ERROR, "out of memory");
		return EX_OSERR;
	}
	if (!deid_open(&l->gate, &l->deid, &l->conf, &l->arena))
		return EX_CONFIG;
	l->shielded = true;
	return EX_OK;
}

void loaded_close(struct loaded *l)
{
	if (l->shielded)
		gate_close(&l->gate);
	l->shielded = false;
	arena_close(&l->arena);
}

const char *config_path(const char *argument)
{
	const char *named = getenv("NETRT_CONFIG");

	if (argument != NULL)
		return argument;
	return named != NULL && named[0] != '\0' ? named : NULL;
}

/* ---- the folder job ---- */

enum log_level level_of(enum conf_log_level level, bool quiet)
{
	if (quiet)
		return level >= CONF_LOG_ERROR ? LOG_ERROR : LOG_WARNING;
	return level == CONF_LOG_DEBUG     ? LOG_DEBUG
	       : level == CONF_LOG_INFO    ? LOG_INFO
	       : level == CONF_LOG_WARNING ? LOG_WARNING
					   : LOG_ERROR;
}

/* What is made besides the overlay series, and on it. */
static void outputs_of(struct study_options *o, const struct loaded *l)
{
	const struct conf *c = &l->conf;
	const struct conf_processing *p = &c->processing;
	static const enum study_corner corners[] = {
		[CONF_BOTTOM_RIGHT] = STUDY_BOTTOM_RIGHT,
		[CONF_BOTTOM_LEFT] = STUDY_BOTTOM_LEFT,
		[CONF_TOP_RIGHT] = STUDY_TOP_RIGHT,
		[CONF_TOP_LEFT] = STUDY_TOP_LEFT,
	};
	static const enum study_segments_kind kinds[] = {
		[CONF_SEGMENTATION_PER_ROI] = STUDY_SEGMENTS_PER_ROI,
		[CONF_SEGMENTATION_COMBINED] = STUDY_SEGMENTS_COMBINED,
	};
	static const enum study_structure_set sets[] = {
		[CONF_SET_NONE] = STUDY_SET_NONE,
		[CONF_SET_ORIGINAL] = STUDY_SET_ORIGINAL,
		[CONF_SET_RELINKED] = STUDY_SET_RELINKED,
	};

	o->burn_in = (struct study_burn_in){
		.on = p->add_burn_in_disclaimer,
		.text = p->burn_in_text,
		.corner = corners[p->burn_in_position],
		.as_overlay = p->burn_in_style == CONF_BURN_IN_OVERLAY,
		.strict = p->burn_in_undecodable == CONF_UNDECODABLE_QUARANTINE,
	};
	o->debug = (struct study_debug){
		.on = p->debug,
		.filled = p->debug_style == CONF_DEBUG_FILLED,
		.magnification = (unsigned)p->debug_magnification,
		.series_number = p->debug_series_number,
		.series_description = p->debug_series_description,
	};
	o->segments = (struct study_segments){
		.kind = c->feature_flags.enable_segmentation_export ? kinds[p->segmentation]
								    : STUDY_SEGMENTS_NONE,
		.series_number = p->segmentation_series_number,
		.description = p->segmentation_series_description_template,
		.algorithm_name = p->segmentation_algorithm_name,
		.algorithm_version = p->segmentation_algorithm_version,
		.tracking_id = p->segmentation_tracking_id,
		.codes = p->roi_codes_file != NULL ? &l->codes : NULL,
	};
	o->structure_set = sets[p->structure_set];
}

void study_options_of(struct study_options *o, struct loaded *l)
{
	const struct conf_processing *p = &l->conf.processing;
	static const enum study_planes planes[] = {
		[CONF_PLANES_MERGED] = STUDY_PLANES_MERGED,
		[CONF_PLANES_PER_ROI] = STUDY_PLANES_PER_ROI,
		[CONF_PLANES_BOTH] = STUDY_PLANES_BOTH,
	};

	o->rt = (struct rt_options){
		.ignore_containing = p->ignore_contour_names_containing.item,
		.ignore_count = p->ignore_contour_names_containing.count,
		.only_matching = p->only_contour_names_matching.item,
		.only_count = p->only_contour_names_matching.count,
		.edge_rule = p->edge_rule == CONF_EDGE_INCLUSIVE ? EDGE_INCLUSIVE : EDGE_HALF_OPEN,
		.nesting_rule = p->nested_contours == CONF_NESTED_HOLE ? NESTED_HOLE : NESTED_UNION,
		.tolerance_mm = p->slice_tolerance_um == 0 ? 1.5 : p->slice_tolerance_um / 1000.0,
	};
	o->gate = l->shielded ? &l->gate : NULL;
	o->crosswalk = l->shielded ? l->conf.anonymization.crosswalk_file : NULL;
	o->planes = planes[p->overlay_planes];
	o->uid_key = p->uid_key != NULL ? bytes_str(p->uid_key) : BYTES_LIT(STUDY_UID_KEY);
	o->series_number = p->overlay_series_number;
	o->series_description = p->overlay_series_description;
	o->study_id = p->overlay_study_id;
	outputs_of(o, l);
	o->version = NETRT_VERSION;
	o->config_file = l->path;
	memcpy(o->config_sha256, l->sha256, sizeof(o->config_sha256));
}

/* ---- the service ---- */

/* Settings are never negative. */
static uint64_t scaled(int setting, uint64_t unit)
{
	return (unsigned)setting * unit;
}

static uint64_t seconds(int setting)
{
	return scaled(setting, 1000);
}

static struct service_limits limits_of(const struct conf_limits *c)
{
	return (struct service_limits){
		.pdu_bytes = (uint32_t)c->pdu_bytes,
		.associations = (uint32_t)c->associations,
		.associations_per_address = (uint32_t)c->associations_per_address,
		.half_open = (uint32_t)c->half_open,
		.half_open_per_address = (uint32_t)c->half_open_per_address,
		.artim_ms = (uint32_t)seconds(c->artim_seconds),
		.stall_ms = (uint32_t)seconds(c->stall_seconds),
		.idle_ms = (uint32_t)seconds(c->idle_seconds),
		.object_bytes = scaled(c->object_mib, MIB),
		.study_bytes = scaled(c->study_mib, MIB),
		.study_instances = (uint32_t)c->study_instances,
		.nesting = (uint32_t)c->nesting,
		.elements = (uint32_t)c->elements,
		.minimum_free_bytes = scaled(c->minimum_free_mib, MIB),
		.minimum_free_percent = (uint32_t)c->minimum_free_percent,
		.log_lines_per_minute = (uint32_t)c->log_lines_per_minute,
	};
}

static struct service_watch watch_of(const struct conf_watcher *w)
{
	static const enum service_no_set no_set[] = {
		[CONF_NO_SET_WAIT] = SERVICE_NO_SET_WAIT,
		[CONF_NO_SET_QUARANTINE] = SERVICE_NO_SET_QUARANTINE,
		[CONF_NO_SET_DISCARD] = SERVICE_NO_SET_DISCARD,
	};

	return (struct service_watch){
		.debounce_ms = seconds(w->debounce_interval_seconds),
		.minimum_files = (uint32_t)w->min_file_count_for_processing,
		.when_referenced = w->complete_when_referenced,
		.grace_ms = seconds(w->complete_grace_seconds),
		.force_ms = seconds(w->force_after_seconds),
		.no_set = no_set[w->without_structure_set],
		.keep_incomplete_ms = scaled(w->keep_incomplete_hours, HOUR_MS),
		.keep_sources_ms = scaled(w->keep_sources_hours, HOUR_MS),
		.scan_ms = seconds(w->scan_interval_seconds),
	};
}

static bool listener_of(struct service_made *m, struct loaded *l)
{
	static const enum service_durability durability[] = {
		[CONF_DURABILITY_STRICT] = SERVICE_STRICT,
		[CONF_DURABILITY_FILE] = SERVICE_FILE,
		[CONF_DURABILITY_NONE] = SERVICE_NONE,
	};
	const struct conf_listener *c = &l->conf.dicom_listener;
	size_t count = c->private_sop_classes.count;
	struct service_allow *allow = ARENA_NEW(&l->arena, struct service_allow, c->allow.count);
	struct uid *classes = ARENA_NEW(&l->arena, struct uid, count);

	if (allow == NULL || classes == NULL)
		return false;
	for (size_t i = 0; i < c->allow.count; i++)
		allow[i] = (struct service_allow){.ae_title = c->allow.item[i].ae_title,
						  .address = c->allow.item[i].address};
	for (size_t i = 0; i < count; i++)
		(void)uid_set(&classes[i], bytes_str(c->private_sop_classes.item[i]));
	m->options.listener = (struct service_listener){
		.host = c->host,
		.port = (uint16_t)c->port,
		.ae_title = c->ae_title,
		.check_called_ae = c->check_called_ae_title,
		.allow = allow,
		.allow_count = c->allow.count,
		.private_sop_classes = classes,
		.private_sop_class_count = count,
		.durability = durability[l->conf.durability],
	};
	return true;
}

static struct schedule schedule_of(const struct conf_delivery *d, const struct conf_list *permanent)
{
	struct schedule s = {
		.first_ms = seconds(d->retry_first_seconds),
		.most_ms = seconds(d->retry_most_seconds),
		.give_up_ms = scaled(d->give_up_after_hours, HOUR_MS),
		.permanent_attempts = (uint32_t)d->permanent_attempts,
		.commitment_ms = seconds(d->commitment_seconds),
	};

	for (size_t i = 0; i < permanent->count && s.permanent_count < SCHEDULE_PATTERNS; i++)
		if (schedule_pattern_parse(&s.permanent[s.permanent_count], permanent->item[i]))
			s.permanent_count++;
	return s;
}

static void destinations_of(struct service_made *m, const struct conf *c)
{
	for (size_t i = 0; i < c->destinations.count; i++) {
		const struct conf_destination *d = &c->destinations.item[i];

		m->dests[i] = (struct delivery_dest){
			.name = d->name,
			.host = d->ip,
			.port = (uint16_t)d->port,
			.ae_title = d->ae_title,
			.max_associations = (unsigned)d->max_associations,
			.storage_commitment = d->storage_commitment == CONF_COMMITMENT_REQUEST,
			.schedule = schedule_of(&c->delivery, &d->permanent_statuses),
		};
	}
	m->sender = (struct sender_options){
		.ae_title = c->dicom_listener.ae_title,
		.pdu_bytes = (uint32_t)c->limits.pdu_bytes,
		.connect_ms = seconds(c->delivery.connect_seconds),
		.response_ms = seconds(c->delivery.response_seconds),
		.report_ms = REPORT_WAIT_MS,
		.tell_fd = -1,
	};
	m->options.destinations = m->dests;
	m->options.destination_count = c->destinations.count;
	m->options.sender = &m->sender;
}

static void processing_of(struct service_made *m, struct loaded *l)
{
	const struct conf_processing *p = &l->conf.processing;
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	struct service_processing *out = &m->options.processing;

	out->workers = p->workers > 0 ? (unsigned)p->workers : cores > 0 ? (unsigned)cores : 1;
	if (out->workers > LIMIT_WORKERS)
		out->workers = LIMIT_WORKERS;
	out->memory_bytes = scaled(p->memory_mib, MIB);
	out->cpu_seconds = (uint64_t)p->cpu_seconds;
	out->file_bytes = scaled(p->file_mib, MIB);
	study_options_of(&out->study, l);
	out->study.folder_as_received = true;
}

/* R23 of the profiles that map UIDs: a log tells of studies and instances as they are told outside.
 */
static void retell(void *ctx, struct bytes line, struct buf *out)
{
	shield_text(ctx, line, out);
}

static struct accounts_options accounts_of(struct loaded *l)
{
	const struct conf *c = &l->conf;

	return (struct accounts_options){
		.retell = l->shielded ? retell : NULL,
		.retell_ctx = &l->gate,
		.level = level_of(c->logging.level, false),
		.silent = c->logging.level == CONF_LOG_CRITICAL,
		.json = c->logging.output == CONF_OUTPUT_JSON,
		.folder = c->directories.logs,
		.application_file = c->logging.application_log_file,
		.transaction_file = c->logging.transaction_log_file,
		.application_format = c->logging.format,
		.transaction_format = c->logging.transaction_log_format,
		.rotate_bytes = scaled(c->logging.rotate_mib, MIB),
		.rotate_count = (unsigned)c->logging.rotate_count,
		.lines_per_minute = (unsigned)c->limits.log_lines_per_minute,
	};
}

int service_options_of(struct service_made *m, struct loaded *l)
{
	const struct conf *c = &l->conf;

	*m = (struct service_made){.options = {.version = NETRT_VERSION,
					       .config_path = l->path,
					       .working = c->directories.working,
					       .quarantine = c->directories.quarantine_subdir,
					       .report_folder = c->reporting.output_directory,
					       .limits = limits_of(&c->limits),
					       .watch = watch_of(&c->watcher),
					       .drain_ms = seconds(c->drain_seconds)}};
	if (!listener_of(m, l)) {
		log_say(LOG_ERROR, "no memory for the configuration");
		return EX_OSERR;
	}
	destinations_of(m, c);
	processing_of(m, l);
	m->accounts = accounts_of(l);
	return EX_OK;
}

bool make_folders(const char *path)
{
	char *copy = strdup(path);
	bool made = copy != NULL;

	for (char *at = copy; made && *at != '\0'; at++) {
		if (*at != '/' || at == copy)
			continue;
		*at = '\0';
		made = mkdir(copy, 0777) == 0 || errno == EEXIST;
		*at = '/';
	}
	made = made && (mkdir(copy, 0777) == 0 || errno == EEXIST);
	free(copy);
	return made;
}
