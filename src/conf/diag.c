#include "conf/diag.h"

#include <assert.h>

#include "base/log.h"

bool conf_diags_full(const struct conf_diags *d)
{
	return d->count + 1 >= LIMIT_CONFIG_DIAGS;
}

bool conf_diags_add(struct conf_diags *d, struct arena *a, enum conf_severity severity,
		    struct conf_mark at, struct bytes key, const char *reason)
{
	assert(!conf_diags_full(d));
	struct buf shown = BUF_INIT(8192);
	char *key_copy = NULL;

	/* A key may come from the file. */
	buf_escaped(&shown, key.len > 256 ? bytes_slice(key, 0, 256) : key);
	if (key.len > 0)
		key_copy = arena_strdup(a, buf_bytes(&shown));
	bool ok = (key.len == 0 || key_copy != NULL) && !shown.failed;
	buf_free(&shown);

	char *reason_copy = arena_strdup(a, bytes_str(reason));
	if (!ok || reason_copy == NULL)
		return false;
	d->item[d->count++] = (struct conf_diag){
		.severity = severity,
		.line = at.line,
		.column = at.column,
		.key = key_copy,
		.reason = reason_copy,
	};
	d->errors += severity == CONF_ERROR;
	return true;
}

void conf_diags_end(struct conf_diags *d, struct conf_mark at, const char *reason)
{
	if (d->count >= LIMIT_CONFIG_DIAGS)
		return;
	d->item[d->count++] = (struct conf_diag){
		.severity = CONF_ERROR,
		.line = at.line,
		.column = at.column,
		.reason = reason,
	};
	d->errors++;
}

static void format_place(const struct conf_diag *g, const char *file, struct buf *out)
{
	if (file == NULL)
		buf_str(out, "built-in defaults");
	else
		buf_escaped(out, bytes_str(file));
	if (g->line > 0 && file != NULL)
		buf_fmt(out, ":%u:%u", g->line, g->column);
	buf_fmt(out, ": %s%s", g->key == NULL ? "" : g->key, g->key == NULL ? "" : ": ");
}

void conf_diag_format(const struct conf_diag *g, const char *file, struct buf *out)
{
	format_place(g, file, out);
	buf_fmt(out, "%s%s", g->severity == CONF_WARNING ? "warning: " : "", g->reason);
}

void conf_diags_log(const struct conf_diags *d, const char *file)
{
	for (size_t i = 0; i < d->count; i++) {
		const struct conf_diag *g = &d->item[i];
		struct buf place = BUF_INIT(16384);

		format_place(g, file, &place);
		log_say(g->severity == CONF_WARNING ? LOG_WARNING : LOG_ERROR, "%s%s",
			place.at == NULL ? "" : (const char *)place.at, g->reason);
		buf_free(&place);
	}
}
