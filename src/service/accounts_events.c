/*
 * What is said of peers and studies, in NETRT's words.
 */
#include <stdio.h>

#include "service/accounts_line.h"
#include "service/accounts_state.h"

/* The same event in both logs, in the words of each. */
static void both(struct accounts_line *l, const char *application, const char *transaction)
{
	l->message = bytes_str(application);
	l->transaction = false;
	accounts_emit(l);
	l->message = bytes_str(transaction);
	l->transaction = true;
	accounts_emit(l);
}

#define TEXT 4096 /* bytes of a message; accounts_line cuts it further */

#define SAY(out, ...) ((void)snprintf((out), TEXT, __VA_ARGS__))

/* ---- peers ----------------------------------------------------------------------------------- */

static struct accounts_line of_peer(const struct accounts_peer *p, enum log_level level,
				    const char *event)
{
	struct accounts_line l = ACCOUNTS_LINE_OF(level, ACCOUNTS_LISTENER, event);

	l.association = p->association == 0 ? ACCOUNTS_NONE : p->association;
	l.address = p->address;
	l.ae_title = p->ae_title;
	return l;
}

static const char *title(const struct accounts_peer *p)
{
	return p->ae_title == NULL ? "?" : p->ae_title;
}

/* May something be said that a peer can cause at will?  Says what was left out. */
static bool may_say(const struct accounts_peer *p)
{
	struct accounts_line l = of_peer(p, LOG_WARNING, "left_out");
	uint32_t dropped;
	enum noise_verdict v = accounts_ask(p->address, &dropped);
	char text[TEXT];

	if (dropped > 0) {
		SAY(text, "%u lines about %s were left out", dropped, p->address);
		l.message = bytes_str(text);
		accounts_emit(&l);
	}
	if (v == NOISE_LAST) {
		SAY(text, "Too many lines about %s: no more are logged in this minute", p->address);
		l.message = bytes_str(text);
		accounts_emit(&l);
	}
	return v != NOISE_DROP;
}

void accounts_accepted(const struct accounts_peer *p)
{
	struct accounts_line l = of_peer(p, LOG_INFO, "association_accepted");
	char application[TEXT], transaction[TEXT];

	SAY(application, "Association accepted from %s@%s", title(p), p->address);
	SAY(transaction, "DICOM association accepted. SourceIP: %s, SourceAET: %s", p->address,
	    title(p));
	both(&l, application, transaction);
}

void accounts_rejected(const struct accounts_peer *p, unsigned result, unsigned source,
		       unsigned reason, const char *why)
{
	struct accounts_line l = of_peer(p, LOG_WARNING, "association_rejected");
	char application[TEXT], transaction[TEXT];

	if (!may_say(p))
		return;
	l.reason = why;
	SAY(application, "Association rejected from %s@%s: %s (result %u, source %u, reason %u)",
	    title(p), p->address, why, result, source, reason);
	SAY(transaction, "DICOM association rejected. SourceIP: %s, SourceAET: %s, Reason: %s",
	    p->address, title(p), why);
	both(&l, application, transaction);
}

void accounts_echo(const struct accounts_peer *p)
{
	struct accounts_line l = of_peer(p, LOG_INFO, "echo");
	char application[TEXT], transaction[TEXT];

	if (!may_say(p))
		return;
	SAY(application, "C-ECHO request received from %s", p->address);
	SAY(transaction, "C-ECHO received. SourceIP: %s", p->address);
	both(&l, application, transaction);
}

void accounts_stored(const struct accounts_peer *p, const char *study, const char *path)
{
	struct accounts_line l = of_peer(p, LOG_INFO, "instance_stored");
	char text[TEXT];

	SAY(text, "Stored DICOM file: %s from %s", path, p->address);
	l.study = study;
	l.message = bytes_str(text);
	accounts_emit(&l);
}

void accounts_refused(const struct accounts_peer *p, unsigned status, const char *sop_instance,
		      const char *why)
{
	struct accounts_line l = of_peer(p, LOG_ERROR, "instance_refused");
	char text[TEXT];

	if (!may_say(p))
		return;
	SAY(text, "Failed to save DICOM file. Instance %s from %s@%s: status 0x%04X, %s",
	    sop_instance == NULL ? "?" : sop_instance, title(p), p->address, status, why);
	l.status = status;
	l.reason = why;
	l.message = bytes_str(text);
	accounts_emit(&l);
}

void accounts_ended(const struct accounts_peer *p, const char *how, unsigned instances)
{
	struct accounts_line l = of_peer(p, LOG_INFO, "association_ended");
	char application[TEXT], transaction[TEXT];

	SAY(application, "Connection closed with %s@%s. %u instance%s stored, %s", title(p),
	    p->address, instances, instances == 1 ? "" : "s", how);
	SAY(transaction, "DICOM association released/closed. SourceIP: %s, SourceAET: %s",
	    p->address, title(p));
	l.reason = how;
	l.instances = instances;
	both(&l, application, transaction);
}

void accounts_complain(const struct accounts_peer *p, enum log_level level, const char *event,
		       const char *why)
{
	struct accounts_line l = of_peer(p, level, event);
	char text[TEXT];

	if (!may_say(p))
		return;
	SAY(text, "%s@%s: %s", title(p), p->address, why);
	l.reason = why;
	l.message = bytes_str(text);
	accounts_emit(&l);
}

/* ---- studies --------------------------------------------------------------------------------- */

static double seconds(uint64_t us)
{
	return (double)us / 1e6;
}

void accounts_processing_start(const char *study, const char *path)
{
	struct accounts_line l = ACCOUNTS_LINE_OF(LOG_INFO, ACCOUNTS_STUDY, "processing_start");
	char application[TEXT], transaction[TEXT];

	SAY(application, "Starting processing for study: %s", study);
	SAY(transaction, "PROCESSING_START StudyUID: %s, Path: %s", study, path);
	l.study = study;
	both(&l, application, transaction);
}

void accounts_processing_success(const char *study, uint64_t duration_us)
{
	struct accounts_line l = ACCOUNTS_LINE_OF(LOG_INFO, ACCOUNTS_STUDY, "processing_success");
	char application[TEXT], transaction[TEXT];

	SAY(application, "Processing for study %s completed successfully in %.2f seconds.", study,
	    seconds(duration_us));
	SAY(transaction, "PROCESSING_SUCCESS StudyUID: %s, DurationSec: %.2f", study,
	    seconds(duration_us));
	l.study = study;
	l.duration_us = duration_us;
	both(&l, application, transaction);
}

void accounts_processing_failed(const char *study, uint64_t duration_us, const char *reason)
{
	struct accounts_line l = ACCOUNTS_LINE_OF(LOG_ERROR, ACCOUNTS_STUDY, "processing_failed");
	char application[TEXT], transaction[TEXT];

	SAY(application, "Error processing study %s: %s", study, reason);
	SAY(transaction, "PROCESSING_FAILED StudyUID: %s, DurationSec: %.2f, Reason: %s", study,
	    seconds(duration_us), reason);
	l.study = study;
	l.duration_us = duration_us;
	l.reason = reason;
	both(&l, application, transaction);
}

static struct accounts_line of_delivery(const struct accounts_delivery *d, enum log_level level,
					const char *event)
{
	struct accounts_line l = ACCOUNTS_LINE_OF(level, ACCOUNTS_SENDER, event);

	l.study = d->study;
	l.dest = d->dest;
	l.series_type = d->series_type;
	return l;
}

void accounts_sending_start(const struct accounts_delivery *d, unsigned instances)
{
	struct accounts_line l = of_delivery(d, LOG_INFO, "sending_start");
	char application[TEXT], transaction[TEXT];

	SAY(application, "Sending %u %s instance%s of study %s to %s (%s)", instances,
	    d->series_type, instances == 1 ? "" : "s", d->study, d->ae_title, d->dest);
	SAY(transaction, "SENDING_START SeriesType: %s, StudyUID: %s, DestAET: %s", d->series_type,
	    d->study, d->ae_title);
	l.instances = instances;
	both(&l, application, transaction);
}

void accounts_sending_success(const struct accounts_delivery *d, unsigned instances,
			      uint64_t duration_us)
{
	struct accounts_line l = of_delivery(d, LOG_INFO, "sending_success");
	char application[TEXT], transaction[TEXT];

	SAY(application, "Sent %u %s instance%s of study %s to %s (%s) in %.2f seconds", instances,
	    d->series_type, instances == 1 ? "" : "s", d->study, d->ae_title, d->dest,
	    seconds(duration_us));
	SAY(transaction, "SENDING_SUCCESS SeriesType: %s, StudyUID: %s, DestAET: %s",
	    d->series_type, d->study, d->ae_title);
	l.instances = instances;
	l.duration_us = duration_us;
	both(&l, application, transaction);
}

void accounts_sending_failed(const struct accounts_delivery *d, unsigned unsent, bool final,
			     uint64_t retry_seconds, const char *reason)
{
	struct accounts_line l = of_delivery(d, final ? LOG_ERROR : LOG_WARNING, "sending_failed");
	char application[TEXT], transaction[TEXT], next[64] = "given up";

	if (!final)
		snprintf(next, sizeof(next), "tried again in %llu seconds",
			 (unsigned long long)retry_seconds);
	SAY(application,
	    "Failed to send %s series of study %s to %s (%s): %s; %u instance%s unsent, %s",
	    d->series_type, d->study, d->ae_title, d->dest, reason, unsent, unsent == 1 ? "" : "s",
	    next);
	SAY(transaction, "SENDING_FAILED SeriesType: %s, StudyUID: %s, DestAET: %s, Reason: %s, %s",
	    d->series_type, d->study, d->ae_title, reason, next);
	l.instances = unsent;
	l.retry_seconds = final ? ACCOUNTS_NONE : retry_seconds;
	l.reason = reason;
	both(&l, application, transaction);
}

void accounts_quarantined(const char *study, const char *folder, const char *reason)
{
	struct accounts_line l = ACCOUNTS_LINE_OF(LOG_WARNING, ACCOUNTS_FILES, "study_quarantined");
	char text[TEXT];

	SAY(text, "Moved study %s to quarantine: %s. Reason: %s", study, folder, reason);
	l.study = study;
	l.reason = reason;
	l.message = bytes_str(text);
	accounts_emit(&l);
}
