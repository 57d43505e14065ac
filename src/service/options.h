/*
 * What the service is told to do, as plain values.  cmd/cmd_serve.c makes them from the
 * configuration; everything in service reads them and nothing writes them.  Strings belong to
 * whoever made the options and outlive them.  On SIGHUP a whole new set takes the place of the old:
 * children that run keep what they were forked with.
 *
 * Durations are in the unit that the name ends with, sizes in bytes; 0 means no limit only where it
 * is said.
 */
#ifndef SERVICE_OPTIONS_H
#define SERVICE_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/uid.h"
#include "study/options.h"

/* Both must match: a calling AE title (NULL: any), an address "10.0.0.7" or a network
 * "10.1.0.0/16", "2001:db8::/32" (NULL: any).  Checked by whoever made the options. */
struct service_allow {
	const char *ae_title;
	const char *address;
};

enum service_durability { SERVICE_STRICT, SERVICE_FILE, SERVICE_NONE };
enum service_no_set { SERVICE_NO_SET_WAIT, SERVICE_NO_SET_QUARANTINE, SERVICE_NO_SET_DISCARD };

struct service_listener {
	const char *host;
	uint16_t port; /* 0: any free one; the log and the status say which */
	const char *ae_title;
	bool check_called_ae;
	const struct service_allow *allow; /* allow_count of them; none: open */
	size_t allow_count;
	const struct uid *private_sop_classes;
	size_t private_sop_class_count;
	enum service_durability durability;
};

/* network.md 3.2. */
struct service_limits {
	uint32_t pdu_bytes; /* what we offer to receive */
	uint32_t associations, associations_per_address;
	uint32_t half_open, half_open_per_address; /* connections without an association */
	uint32_t artim_ms, stall_ms, idle_ms;
	uint64_t object_bytes, study_bytes;
	uint32_t study_instances;
	uint32_t nesting, elements;
	uint64_t minimum_free_bytes; /* the greater of the two holds; 0: none */
	uint32_t minimum_free_percent;
	uint32_t log_lines_per_minute; /* about one address */
};

/* When is a study whole, and what becomes of one that never is (design: service/watch.h). */
struct service_watch {
	uint64_t debounce_ms;
	uint32_t minimum_files;
	bool when_referenced; /* whole when all is there that the structure set refers to, after */
	uint64_t grace_ms;
	uint64_t force_ms; /* since the first file; 0: never */
	enum service_no_set no_set;
	uint64_t keep_incomplete_ms; /* how long WAIT waits before quarantine */
	uint64_t keep_sources_ms;    /* after success */
	uint64_t scan_ms;            /* between looks at file systems where inotify is blind */
};

struct service_processing {
	unsigned workers;      /* studies at once; at least 1 */
	uint64_t memory_bytes; /* RLIMIT_DATA of each process of a worker; 0: none */
	uint64_t cpu_seconds;  /* RLIMIT_CPU; 0: none */
	uint64_t file_bytes;   /* RLIMIT_FSIZE; 0: none */
	/* As of `netrt process`; .now, .out_path and .workers are set for each study. */
	struct study_options study;
};

struct service_options {
	const char *version;
	const char *config_path;   /* NULL: the built-in defaults */
	const char *working;       /* a folder that is there */
	const char *quarantine;    /* its name inside `working` */
	const char *report_folder; /* of the studies' reports, or NULL: none */
	struct service_listener listener;
	struct service_limits limits;
	struct service_watch watch;
	struct service_processing processing;
	uint64_t drain_ms;
	const struct delivery_dest *destinations; /* service/sender.h */
	size_t destination_count;
	const struct sender_options *sender; /* service/sender.h */
};

#endif
