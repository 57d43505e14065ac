/*
 * What the configuration says about de-identification, as plain values: made by cmd, read by
 * everything in anon.  Strings are UTF-8, borrowed, and outlive what is made from them.
 */
#ifndef ANON_SETTINGS_H
#define ANON_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum anon_profile {
	ANON_NETRT,   /* the rules that NETRT's users configured, and nothing else */
	ANON_BASIC,   /* PS3.15 table E.1-1 as it stands */
	ANON_RESEARCH /* Basic, with modified dates, clean descriptors, patient characteristics and
			 safe private attributes retained */
};

/* The options of PS3.15 E.3, as bits; columns of table E.1-1. */
enum anon_option {
	ANON_RETAIN_SAFE_PRIVATE = 1 << 0,
	ANON_RETAIN_UIDS = 1 << 1,
	ANON_RETAIN_DEVICE = 1 << 2,
	ANON_RETAIN_INSTITUTION = 1 << 3,
	ANON_RETAIN_PATIENT = 1 << 4,
	ANON_RETAIN_FULL_DATES = 1 << 5,
	ANON_RETAIN_MODIFIED_DATES = 1 << 6,
	ANON_CLEAN_DESCRIPTORS = 1 << 7,
	ANON_CLEAN_STRUCTURED = 1 << 8,
	ANON_CLEAN_GRAPHICS = 1 << 9,
	ANON_OPTIONS = 10
};
#define ANON_RESEARCH_OPTIONS                                                        \
	(ANON_RETAIN_MODIFIED_DATES | ANON_CLEAN_DESCRIPTORS | ANON_RETAIN_PATIENT | \
	 ANON_RETAIN_SAFE_PRIVATE)

enum anon_pseudonyms {
	ANON_SEQUENTIAL, /* SITE_0001_YYYYMMDD, from the map that NETRT keeps too */
	ANON_KEYED       /* from the patient's ID and a secret key, no shared state */
};

struct anon_list {
	const char *const *item;
	size_t count;
};

/* NETRT's anonymization section. */
struct anon_netrt_rules {
	struct anon_list remove, blank; /* rules.*; attributes by keyword or number */
	const char *random_id_prefix;   /* "" : none */
	bool full; /* full_anonymization_enabled: the lists below, not the above */
	struct anon_list full_remove, full_empty, full_date, full_time, full_uid;
	const char *id_override, *name_override; /* or NULL */
	const char *uid_key; /* of full_uid without a key file: no secret, as NETRT's was none */
	bool consistent_id;
};

/* A rule of the site: `where` is a keyword, "gggg,eeee", a repeating group "60xx,3000" or "50xx",
 * or a path of them, outermost first, joined by '>'. */
enum anon_site_act {
	ANON_SITE_KEEP,
	ANON_SITE_REMOVE,
	ANON_SITE_BLANK,
	ANON_SITE_REPLACE,
	ANON_SITE_HASH
};
struct anon_site_rule {
	enum anon_site_act act;
	const char *where;
	const char *value; /* ANON_SITE_REPLACE, else NULL */
};

/* Pixels that may show the patient's name (R20). */
enum anon_risk { ANON_RISK_QUARANTINE, ANON_RISK_PASS, ANON_RISK_BLANK };

/* A rectangle to be filled in the images of a device; "" and 0 match everything. */
struct pixel_region {
	const char *sop_class, *manufacturer, *model;
	uint32_t rows, cols;               /* of the image */
	uint32_t left, top, width, height; /* in pixels */
};

struct anon_settings {
	bool enabled;
	enum anon_profile profile;
	unsigned options; /* enum anon_option; what the profile brings is in it already */
	enum anon_pseudonyms pseudonyms;
	const char *site_code;
	const char *pid_map;   /* ANON_SEQUENTIAL: path of NETRT's map */
	const char *key_file;  /* or NULL: none; ANON_KEYED and remapped UIDs need one */
	const char *id_prefix; /* ANON_KEYED: before the new Patient ID; may be "" */
	int shift_days_most;   /* dates move back by 1 to this many days */
	const char *roi_names_file, *safe_private_file; /* or NULL: the built-in ones */
	const char *study_description; /* new Study Description, or NULL: left to the rules */
	struct anon_netrt_rules netrt;
	enum anon_risk burned_in;
	const struct pixel_region *regions; /* ANON_RISK_BLANK */
	size_t region_count;
	struct anon_list sop_classes; /* that may pass beside those of the profile: UIDs */
	const struct anon_site_rule *rules;
	size_t rule_count;
	struct anon_list
		own_texts; /* that the configuration puts into objects made from the source;
			    * "{}" stands for what may be anything */
};

#endif
