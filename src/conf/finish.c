#include "conf/finish.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "conf/diag.h"
#include "conf/table.h"
#include "conf/value.h"

struct finish {
	struct conf *c;
	struct arena *a;
	struct conf_diags *d;
	enum err e;
};

static void say(struct finish *f, enum conf_severity severity, const char *key, const char *fmt,
		...) PRINTF_LIKE(4, 5);

static void say(struct finish *f, enum conf_severity severity, const char *key, const char *fmt,
		...)
{
	struct conf_mark at = f->c->set_at[conf_table_find(bytes_str(key))];
	char reason[512];
	va_list args;

	va_start(args, fmt);
	vsnprintf(reason, sizeof(reason), fmt, args);
	va_end(args);
	if (severity == CONF_ERROR && f->e == OK)
		f->e = ERR_WIRE;
	if (conf_diags_full(f->d))
		conf_diags_end(f->d, at, "too many problems");
	else if (!conf_diags_add(f->d, f->a, severity, at, bytes_str(key), reason))
		f->e = ERR_NOMEM;
}

/* An AE title as a name: what a file's name cannot be made of becomes "_". */
static const char *name_of_title(const char *ae_title, struct arena *a)
{
	char *name = arena_strdup(a, bytes_str(ae_title));

	for (char *p = name; p != NULL && *p != '\0'; p++)
		if (!((*p >= '0' && *p <= '9') || (*p >= 'A' && *p <= 'Z') ||
		      (*p >= 'a' && *p <= 'z') || *p == '-' || *p == '_' ||
		      (*p == '.' && p > name)))
			*p = '_';
	return name;
}

/* A destination as those who deliver see it: with a name, and with its permanent statuses. */
static void complete(struct finish *f, struct conf_destination *dest)
{
	if (dest->name == NULL)
		dest->name = name_of_title(dest->ae_title, f->a);
	if (dest->name == NULL)
		f->e = ERR_NOMEM;
	if (dest->permanent_statuses.count == 0)
		dest->permanent_statuses = f->c->delivery.permanent_statuses;
}

static void check_pair(struct finish *f, const char *key, const struct conf_destination *p,
		       const struct conf_destination *q)
{
	if (strcmp(p->name, q->name) == 0)
		say(f, CONF_ERROR, key,
		    "two destinations are called %s; give each a name of its own",
		    conf_quote(bytes_str(p->name)));
	else if (p->port == q->port && strcmp(p->ip, q->ip) == 0 &&
		 strcmp(p->ae_title, q->ae_title) == 0)
		say(f, CONF_WARNING, key, "%s and %s are the same application entity",
		    conf_quote(bytes_str(p->name)), conf_quote(bytes_str(q->name)));
}

/* Is any key of dicom_destination in the file? */
static bool has_single(const struct conf *c)
{
	static const char prefix[] = "dicom_destination.";

	for (size_t i = 0; i < conf_table_count; i++)
		if (strncmp(conf_table[i].path, prefix, sizeof(prefix) - 1) == 0 &&
		    c->set_at[i].line > 0)
			return true;
	return false;
}

static void finish_destinations(struct finish *f)
{
	static const char list[] = "dicom_destinations";
	struct conf *c = f->c;
	size_t listed = c->dicom_destinations.count;
	size_t count = listed == 0 ? 1 : listed;
	struct conf_destination *all = ARENA_NEW(f->a, struct conf_destination, count);

	if (all == NULL) {
		f->e = ERR_NOMEM;
		return;
	}
	if (listed > LIMIT_CONFIG_DESTINATIONS) {
		say(f, CONF_ERROR, list, "more than %u destinations", LIMIT_CONFIG_DESTINATIONS);
		return;
	}
	if (listed > 0 && has_single(c))
		say(f, CONF_WARNING, list,
		    "takes the place of dicom_destination, which is in the file too: nothing is "
		    "sent there");
	for (size_t i = 0; i < count; i++)
		all[i] = listed == 0 ? c->dicom_destination : c->dicom_destinations.item[i];
	for (size_t i = 0; i < count && f->e == OK; i++) {
		complete(f, &all[i]);
		for (size_t j = 0; j < i && f->e == OK; j++)
			check_pair(f, list, &all[j], &all[i]);
	}
	c->destinations = (struct conf_destinations){all, count};
}

/* Options that the profile has no use for would be promises not kept. */
static void check_options(struct finish *f)
{
	static const char prefix[] = "anonymization.options.";

	if (f->c->anonymization.profile != CONF_PROFILE_NETRT)
		return;
	for (size_t i = 0; i < conf_table_count && f->e != ERR_NOMEM; i++) {
		const struct conf_key *k = &conf_table[i];
		enum conf_switch value;

		if (strncmp(k->path, prefix, sizeof(prefix) - 1) != 0)
			continue;
		memcpy(&value, (const uint8_t *)f->c + k->at, sizeof(value));
		if (value == CONF_ON)
			say(f, CONF_ERROR, k->path,
			    "is an option of the profiles basic and research, and the profile is "
			    "netrt");
	}
}

enum err conf_finish(struct conf *c, struct arena *a, struct conf_diags *d)
{
	struct finish f = {.c = c, .a = a, .d = d};

	finish_destinations(&f);
	check_options(&f);
	return f.e;
}
