#include "service/departure.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "service/accounts.h"
#include "service/delivery.h"
#include "service/study_report.h"
#include "study/shield.h"

struct kinds {
	uint32_t images, sets, others;
};

/* By the folder that a file was put into. */
static struct kinds count_kinds(const struct study_files *files)
{
	struct kinds k = {.images = 0};

	for (uint32_t i = 0; i < files->count; i++) {
		if (strncmp(files->item[i].path, "DCM/", 4) == 0)
			k.images++;
		else if (strncmp(files->item[i].path, "Structure/", 10) == 0)
			k.sets++;
		else
			k.others++;
	}
	return k;
}

void departure_reason(const struct departure *d, const char *why, struct buf *out)
{
	struct wall now = clock_wall();
	struct kinds k = count_kinds(d->files);

	buf_fmt(out, "Why:      ");
	buf_escaped(out, bytes_str(why));
	buf_fmt(out, "\nStudy:    %s\n", d->uid->text);
	buf_fmt(out, "When:     %04d-%02d-%02d %02d:%02d:%02d\n", now.year, now.month, now.day,
		now.hour, now.minute, now.second);
	buf_fmt(out, "By:       netrt %s\n", d->o->version);
	buf_fmt(out, "Files:    %u in DCM, %u in Structure, %u elsewhere; all are in this folder\n",
		k.images, k.sets, k.others);
	for (const struct journal_source *s = d->state->sources; s != NULL; s = s->next) {
		buf_str(out, "Sender:   ");
		buf_escaped(out, bytes_str(s->ae_title));
		buf_str(out, " at ");
		buf_escaped(out, bytes_str(s->address));
		buf_fmt(out, ", %llu objects\n", (unsigned long long)s->objects);
	}
	if (d->state->processed) {
		buf_str(out, "\nWhat was and was not delivered:\n");
		delivery_reason(d->state, d->o->destinations, d->o->destination_count, out);
	}
	buf_fmt(out,
		"\nTo have it processed and delivered again:  netrt quarantine release %s\n"
		"To remove it for good:                     netrt quarantine discard %s\n",
		d->uid->text, d->uid->text);
}

/* A text for a report, which leaves the house: UIDs in it as they are told there. */
static const char *told(const struct departure *d, const char *text, struct buf *out)
{
	const struct anon_gate *gate = d->o->processing.study.gate;

	if (gate == NULL || text == NULL)
		return text;
	shield_text(gate, bytes_str(text), out);
	return out->failed || out->at == NULL ? "" : (const char *)out->at;
}

/* How long it waited, and how long processing took, by the journal; 0: not known. */
static void note_times(const struct departure *d, struct study_report *r)
{
	const struct journal_state *s = d->state;
	uint64_t newest_ms = (uint64_t)d->files->newest_ns / 1000000;

	if (!s->processed)
		return;
	if (s->processing_ms > newest_ms && newest_ms > 0)
		r->wait_us = (s->processing_ms - newest_ms) * 1000;
	if (s->processed_ms > s->processing_ms && s->processing_ms > 0)
		r->process_us = (s->processed_ms - s->processing_ms) * 1000;
}

void departure_report(const struct departure *d, const char *why, const char *quarantine)
{
	size_t dests = d->o->destination_count, senders = 0;

	for (const struct journal_source *s = d->state->sources; s != NULL; s = s->next)
		senders++;
	struct study_report_destination *dest = calloc(dests + 1, sizeof(*dest));
	struct study_report_sender *sender = calloc(senders + 1, sizeof(*sender));
	char *addresses = calloc(dests + 1, DELIVERY_ADDRESS);
	struct kinds k = count_kinds(d->files);
	struct buf why_told = BUF_INIT(1u << 16), quarantine_told = BUF_INIT(1u << 12);
	struct fault f;

	if (dest == NULL || sender == NULL || addresses == NULL || d->o->report_folder == NULL)
		goto done;
	for (size_t i = 0; i < dests; i++)
		delivery_report(d->state, &d->o->destinations[i], addresses + i * DELIVERY_ADDRESS,
				&dest[i]);
	senders = 0;
	for (const struct journal_source *s = d->state->sources; s != NULL; s = s->next)
		sender[senders++] = (struct study_report_sender){.ae_title = s->ae_title,
								 .address = s->address,
								 .instances = (uint32_t)s->objects};
	struct study_report r = {
		.version = d->o->version,
		.study = shield_uid(d->o->processing.study.gate, TAG_StudyInstanceUID, d->uid),
		.when = clock_wall(),
		.sender = sender,
		.sender_count = (uint32_t)senders,
		.images = k.images,
		.structure_sets = k.sets,
		.others = k.others,
		.bytes = d->files->bytes,
		.receive_us = (uint64_t)(d->files->newest_ns - d->files->oldest_ns) / 1000,
		.destination = dest,
		.destination_count = (uint32_t)dests,
		.failed = told(d, why, &why_told),
		.quarantine = told(d, quarantine, &quarantine_told),
	};
	note_times(d, &r);
	if (study_report_write(&r, d->o->report_folder, d->dir, &f) != OK) {
		char text[256];

		fault_format(&f, text, sizeof(text));
		accounts_say(LOG_ERROR, "report_failed",
			     "study %s: its report could not be written: %s", d->uid->text, text);
	}
done:
	buf_free(&why_told);
	buf_free(&quarantine_told);
	free(dest);
	free(sender);
	free(addresses);
}
