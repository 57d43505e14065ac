/*
 * What the control socket's requests are answered with: by a child of the supervisor, or, where no
 * service runs, by the command itself, from the folders.
 */
#ifndef SERVICE_ANSWER_H
#define SERVICE_ANSWER_H

#include "base/address.h"
#include "base/buf.h"
#include "service/options.h"
#include "service/shared.h"
#include "service/studies.h"

/* What only a service that runs knows. */
struct answer_live {
	const struct studies *studies;
	const struct shared *shared;
	struct address local;
	uint64_t started_ms, now_ms; /* of the supervisor's clock */
	uint64_t minimum_free;
	bool draining;
};

struct answer_context {
	const struct service_options *o;
	int working;
	const struct answer_live *live; /* NULL: no service runs */
	/* set when something was changed by hand; "": more than one study */
	bool changed;
	struct uid changed_study;
};

/* Answer one request (service/control.h) into *out.  Returns the exit code: 0; 1 not so
 * (unhealthy); 64 not understood; 65 it cannot be done; 66 no such study. */
int answer(struct answer_context *c, const char *line, struct buf *out);

/* ---- in parts: status.c, byhand.c ---- */

void answer_status(const struct answer_context *c, bool json, struct buf *out);
int answer_health(const struct answer_context *c, struct buf *out);
int answer_retry(struct answer_context *c, const char *uid, struct buf *out);
int answer_quarantine(struct answer_context *c, const char *words, struct buf *out);

/* The first line of a quarantined study's reason, into `out`. */
void answer_why(int quarantine, const char *name, char *out, size_t size);

#endif
