#include "conf/conf.h"

#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "conf/diag.h"
#include "conf/finish.h"
#include "conf/table.h"
#include "conf/value.h"

static const uint8_t default_text[] = {
#include "default_config.inc"
};

struct bytes conf_default_text(void)
{
	return bytes_of(default_text, sizeof(default_text));
}

enum err conf_defaults(struct conf *out, struct arena *a)
{
	struct conf_diags none = {.count = 0};
	struct conf c;

	memset(&c, 0, sizeof(c));
	for (size_t i = 0; i < conf_table_count; i++)
		if (conf_value_default(&c, &conf_table[i], a) != CONF_SET_OK)
			return ERR_NOMEM;
	if (conf_finish(&c, a, &none) != OK)
		return ERR_NOMEM;
	*out = c;
	return OK;
}

enum err conf_load(struct conf *out, const char *path, struct arena *a, struct conf_diags *d)
{
	static const struct conf_mark whole_file = {0, 0};
	struct bytes text;
	struct fault f;
	char reason[300];
	enum err e = file_read(&text, path, LIMIT_CONFIG, a, &f);

	if (e == OK)
		return conf_parse(out, text, path, a, d);
	if (e == ERR_LIMIT)
		conf_diags_end(d, whole_file,
			       "is larger than 1 MiB, too large for a configuration");
	else if (e == ERR_NOMEM)
		conf_diags_end(d, whole_file, "does not fit in memory");
	else {
		fault_format(&f, reason, sizeof(reason));
		if (conf_diags_full(d) ||
		    !conf_diags_add(d, a, CONF_ERROR, whole_file, BYTES_NONE, reason))
			conf_diags_end(d, whole_file, "cannot be read");
	}
	return e;
}

size_t conf_difference(const struct conf *before, const struct conf *after,
		       struct conf_change out[static LIMIT_CONFIG_KEYS])
{
	size_t count = 0;

	for (size_t i = 0; i < conf_table_count; i++)
		if (!conf_value_same(before, after, &conf_table[i]))
			out[count++] =
				(struct conf_change){conf_table[i].path, conf_table[i].restart};
	return count;
}

/* One note in *d; ERR_LIMIT when that is full, which no caller minds. */
static enum err note(const struct conf *c, const char *key, const char *text, struct arena *a,
		     struct conf_diags *d)
{
	size_t row = conf_table_find(bytes_str(key));

	if (conf_diags_full(d))
		return ERR_LIMIT;
	return conf_diags_add(d, a, CONF_WARNING, c->set_at[row], bytes_str(key), text) ? OK
											: ERR_NOMEM;
}

static enum err note_regions(const struct conf_anonymization *z, const struct conf *c,
			     struct arena *a, struct conf_diags *d)
{
	bool blank = z->burned_in_risk == CONF_RISK_BLANK;

	if (blank && z->pixel_regions.count == 0)
		return note(c, "anonymization.burned_in_risk",
			    "is blank_regions, and pixel_regions is empty: all such images go to "
			    "quarantine",
			    a, d);
	if (!blank && z->pixel_regions.count > 0)
		return note(c, "anonymization.pixel_regions",
			    "is not used without burned_in_risk: blank_regions", a, d);
	return OK;
}

static enum err note_uids(const struct conf_anonymization *z, const struct conf *c, struct arena *a,
			  struct conf_diags *d)
{
	bool used = z->enabled && z->profile == CONF_PROFILE_NETRT &&
		    z->full_anonymization_enabled &&
		    z->full_anonymization_rules.tags_to_regenerate_uid.count > 0;

	return used && z->key_file == NULL
		       ? note(c, "anonymization.key_file",
			      "is not given: new UIDs can be traced by anyone who has the old ones",
			      a, d)
		       : OK;
}

enum err conf_notes(const struct conf *c, struct arena *a, struct conf_diags *d)
{
	enum err e = OK;

	if (c->dicom_listener.allow.count == 0)
		e = note(c, "dicom_listener.allow", "is empty: whoever reaches the port may send",
			 a, d);
	if (e == OK)
		e = note_regions(&c->anonymization, c, a, d);
	if (e == OK)
		e = note_uids(&c->anonymization, c, a, d);
	if (e == OK && c->durability == CONF_DURABILITY_FILE)
		e = note(c, "durability",
			 "is file: after a power failure an object may be there without its name",
			 a, d);
	if (e == OK && c->durability == CONF_DURABILITY_NONE)
		e = note(c, "durability",
			 "is none: a power failure may lose objects that senders were told are "
			 "stored",
			 a, d);
	return e;
}
