/*
 * The configuration's way into the plain structs of the modules below: one place for all commands.
 */
#ifndef CMD_FROM_CONF_H
#define CMD_FROM_CONF_H

#include "anon/gate.h"
#include "base/log.h"
#include "conf/conf.h"
#include "series/roicodes.h"
#include "service/accounts.h"
#include "service/options.h"
#include "service/sender.h"

/* A configuration that was read.  Big: static. */
struct loaded {
	struct arena arena;
	const char *path; /* or NULL: the built-in defaults */
	struct conf conf;
	char sha256[65];        /* of the file */
	struct roi_codes codes; /* processing.roi_codes_file */
	struct anon_settings deid;
	struct anon_gate gate;
	bool shielded; /* `gate` is open: what is made is de-identified */
};

/* EX_OK, or EX_CONFIG, EX_OSERR after a message.  `debug`: processing.debug is on, whatever the
 * file says. */
int loaded_open(struct loaded *l, const char *path, bool debug) MUST_USE;
/* Open what de-identification needs, where anonymization.enabled asks for it; before anything is
 * read (it fails closed).  EX_OK, or EX_CONFIG, EX_OSERR after a message. */
int loaded_shield(struct loaded *l) MUST_USE;
void loaded_close(struct loaded *l); /* also fine on a zeroed one */

/* -c's argument; else what NETRT_CONFIG in the environment names (the container image sets it);
 * else NULL, the built-in defaults.  For the commands of the service. */
const char *config_path(const char *argument);

enum log_level level_of(enum conf_log_level level, bool quiet);
/* What the configuration says of the folder job; the rest of *o stays. */
void study_options_of(struct study_options *o, struct loaded *l);

/* The service's options, from one configuration.  Big: static.  Pointers go into it and into the
 * loaded configuration, which both stay. */
struct service_made {
	struct service_options options;
	struct sender_options sender;
	struct accounts_options accounts;
	struct delivery_dest dests[LIMIT_CONFIG_DESTINATIONS];
};
/* EX_OK, or EX_OSERR after a message. */
int service_options_of(struct service_made *m, struct loaded *l) MUST_USE;

/* The folder and those above it; false with errno. */
bool make_folders(const char *path);

#endif
