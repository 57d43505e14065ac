#include "service/delivery.h"

#include <stdio.h>
#include <string.h>

enum delivery_outcome delivery_outcome(const struct journal_state *s,
				       const struct delivery_dest *dests, size_t count)
{
	enum delivery_outcome outcome = DELIVERY_DONE;

	if (!s->processed)
		return DELIVERY_OPEN;
	for (size_t i = 0; i < count; i++) {
		const struct journal_dest *d = journal_dest(s, dests[i].name);

		if (d == NULL || (!d->done && !d->gave_up))
			return DELIVERY_OPEN;
		if (!d->done)
			outcome = DELIVERY_GAVE_UP;
	}
	return outcome;
}

static enum study_report_fate fate_of(const struct journal_dest *d)
{
	if (d->done)
		return d->committed ? STUDY_COMMITTED : STUDY_DELIVERED;
	return d->gave_up || d->sent > 0 || d->tries > 0 ? STUDY_GIVEN_UP : STUDY_NOT_TRIED;
}

_Static_assert(STUDY_REPORT_TYPES == JOURNAL_TYPES, "as the journal tells them apart");

static void count_types(const struct journal_state *s, const struct journal_dest *d,
			struct study_report_destination *out)
{
	out->type_count = s->type_count;
	for (uint32_t i = 0; i < s->type_count; i++)
		out->types[i] = (struct study_report_type){.name = s->types[i]};
	for (uint32_t i = 0; i < s->output_count; i++) {
		struct study_report_type *t = &out->types[s->outputs[i].type];

		t->made++;
		t->sent += d->outputs != NULL && d->outputs[i].sent;
	}
}

void delivery_report(const struct journal_state *s, const struct delivery_dest *dest,
		     char address[static DELIVERY_ADDRESS], struct study_report_destination *out)
{
	static const struct journal_dest nothing;
	const struct journal_dest *d = journal_dest(s, dest->name);
	bool bare = strchr(dest->host, ':') == NULL;
	uint64_t last_ms = 0;

	d = d == NULL ? &nothing : d;
	for (uint32_t i = 0; i < s->output_count && d->outputs != NULL; i++)
		if (d->outputs[i].sent && d->outputs[i].sent_ms > last_ms)
			last_ms = d->outputs[i].sent_ms;
	snprintf(address, DELIVERY_ADDRESS, bare ? "%s:%u" : "[%s]:%u", dest->host, dest->port);
	*out = (struct study_report_destination){
		.name = dest->name,
		.ae_title = dest->ae_title,
		.address = address,
		.fate = fate_of(d),
		.sent = d->sent,
		.warnings = d->warned,
		.unsent = s->output_count - d->sent,
		.attempts = d->tries + d->done,
		.last = d->gave_up_text != NULL ? d->gave_up_text : d->failed_text,
		.took_us = last_ms > d->first_ms ? (last_ms - d->first_ms) * 1000 : 0,
	};
	count_types(s, d, out);
}

static void missing(const struct journal_state *s, const struct journal_dest *d, struct buf *out)
{
	for (uint32_t i = 0; i < s->output_count; i++) {
		const struct journal_delivery *o = d == NULL ? NULL : &d->outputs[i];

		if (o != NULL && o->sent)
			continue;
		buf_fmt(out, "    not confirmed: %s %s", s->outputs[i].series_type,
			s->outputs[i].sop_instance.text);
		if (o != NULL && o->status != 0)
			buf_fmt(out, " (%04X %s)", o->status, dimse_status_text(o->status));
		buf_char(out, '\n');
	}
}

void delivery_reason(const struct journal_state *s, const struct delivery_dest *dests, size_t count,
		     struct buf *out)
{
	for (size_t i = 0; i < count; i++) {
		const struct journal_dest *d = journal_dest(s, dests[i].name);
		char address[DELIVERY_ADDRESS];
		struct study_report_destination r;

		delivery_report(s, &dests[i], address, &r);
		buf_fmt(out, "%s (%s, AE title %s): %u of %u objects confirmed", r.name, r.address,
			r.ae_title, r.sent, s->output_count);
		if (r.warnings > 0)
			buf_fmt(out, ", %u with a warning", r.warnings);
		buf_str(out, d != NULL && d->committed ? ", storage committed" : "");
		buf_str(out, d == NULL    ? "; nothing was tried"
			     : d->done    ? "; done"
			     : d->gave_up ? "; given up"
					  : "; not finished");
		if (r.last != NULL && (d == NULL || !d->done)) {
			buf_str(out, ": ");
			buf_escaped(out, bytes_str(r.last));
		}
		buf_char(out, '\n');
		if (d == NULL || !d->done)
			missing(s, d, out);
	}
}

enum err delivery_retry(int study, const char *dest, struct fault *f)
{
	struct journal j;
	enum err e = journal_open(&j, study, f);

	if (e != OK)
		return e;
	journal_add(&j, &(struct journal_entry){.word = JOURNAL_RETRY,
						.name = bytes_str(dest == NULL ? "" : dest)});
	e = journal_sync(&j, f);
	journal_close(&j);
	return e;
}
