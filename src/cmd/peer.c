#include "cmd/peer.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "dicom/part10.h"
#include "net/socket.h"

/* ---- Arguments ---- */

static bool number(const char *text, unsigned long max, unsigned long *out)
{
	char *end;

	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	*out = strtoul(text, &end, 10);
	return errno == 0 && *end == '\0' && *out >= 1 && *out <= max;
}

bool peer_parse(struct peer *p, const char *text)
{
	const char *colon = strrchr(text, ':');
	unsigned long port;
	size_t len;

	if (colon == NULL || !number(colon + 1, 65535, &port))
		return false;
	len = (size_t)(colon - text);
	if (len >= 2 && text[0] == '[' && text[len - 1] == ']') {
		text++;
		len -= 2;
	} else if (memchr(text, ':', len) != NULL) { /* an IPv6 address without brackets */
		return false;
	}
	if (len == 0 || len >= sizeof(p->host))
		return false;
	memcpy(p->host, text, len);
	p->host[len] = '\0';
	p->port = (uint16_t)port;
	return true;
}

bool peer_ae_ok(const char *title)
{
	size_t len = strlen(title), spaces = 0;

	for (size_t i = 0; i < len; i++) {
		if (title[i] < ' ' || title[i] > '~' || title[i] == '\\')
			return false;
		spaces += title[i] == ' ';
	}
	return len >= 1 && len <= 16 && spaces < len;
}

bool peer_seconds(const char *text, unsigned *ms)
{
	unsigned long seconds;

	if (!number(text, 86400, &seconds))
		return false;
	*ms = (unsigned)seconds * 1000;
	return true;
}

const char *peer_name(const struct peer *p)
{
	static char text[400];
	const char *host = log_quote_str(p->host);
	bool brackets = strchr(p->host, ':') != NULL;

	snprintf(text, sizeof(text), "%s (%s%s%s:%u)", p->called, brackets ? "[" : "", host,
		 brackets ? "]" : "", p->port);
	return text;
}

/* ---- An association ---- */

void peer_request(struct dul_request *r, const struct peer *p)
{
	dul_request_init(r, p->called, p->calling, LIMIT_PDU, IMPLEMENTATION_CLASS_UID,
			 IMPLEMENTATION_VERSION);
}

static bool failed(struct peer_assoc *t, const struct fault *f)
{
	fault_format(f, t->why, sizeof(t->why));
	return false;
}

/* Why the association has ended. */
static bool ended(struct peer_assoc *t, const struct dul_ind *ind)
{
	switch (ind->kind) {
	case DUL_ASSOCIATE_REJECTED:
		t->rejected = true;
		snprintf(t->why, sizeof(t->why), "association rejected%s: %s (%u/%u/%u)",
			 ind->result == 2 ? " for now" : "",
			 dul_reject_text(ind->source, ind->reason), ind->result, ind->source,
			 ind->reason);
		break;
	case DUL_ABORTED:
		if (ind->ours)
			snprintf(t->why, sizeof(t->why), "association aborted by netrt: %s",
				 ind->text != NULL ? ind->text : "against the protocol");
		else
			snprintf(t->why, sizeof(t->why),
				 "the peer aborted the association: %s (%u/%u)",
				 dul_abort_text(ind->source, ind->reason), ind->source,
				 ind->reason);
		break;
	case DUL_TIMEOUT:
		snprintf(t->why, sizeof(t->why), "no answer in time: %s",
			 ind->text != NULL ? ind->text : "the peer is silent");
		break;
	case DUL_CLOSED:
		snprintf(t->why, sizeof(t->why), "the peer closed the connection");
		break;
	default:
		snprintf(t->why, sizeof(t->why), "the peer released the association");
		break;
	}
	return false;
}

bool peer_open(struct peer_assoc *t, const struct peer *p)
{
	struct assoc_limits limits = ASSOC_LIMITS_DEFAULT;
	struct dul_ind ind;
	struct fault f;
	int fd;

	t->link = LINK_NONE;
	t->open = t->rejected = false;
	limits.artim_ms = limits.pdu_ms = limits.idle_ms = p->timeout_ms;
	if (limits.release_ms > p->timeout_ms)
		limits.release_ms = p->timeout_ms;
	if (socket_connect(&fd, p->host, p->port, p->timeout_ms, &f) != OK)
		return failed(t, &f);
	if (link_request(&t->link, fd, &limits, &t->request, &f) != OK)
		return failed(t, &f);
	if (link_next(&t->link, &ind, &f) != OK) {
		link_drop(&t->link);
		return failed(t, &f);
	}
	if (ind.kind != DUL_ASSOCIATE_ACCEPTED) {
		ended(t, &ind);
		link_close(&t->link);
		return false;
	}
	t->answer = *ind.answer;
	scu_init(&t->scu, &t->link.assoc, &t->request, &t->answer);
	t->open = true;
	return true;
}

/* The association is of no more use. */
static bool lost(struct peer_assoc *t)
{
	scu_free(&t->scu);
	link_close(&t->link);
	t->open = false;
	return false;
}

/* Why it can send no more: its last indication says so. */
static bool find_out(struct peer_assoc *t)
{
	struct dul_ind ind;
	struct fault f;
	enum err e;

	while ((e = link_next(&t->link, &ind, &f)) == OK) {
		if (ind.kind == DUL_PDV) /* an answer on the way to the end: too late */
			continue;
		ended(t, &ind);
		return lost(t);
	}
	if (e == ERR_MORE)
		snprintf(t->why, sizeof(t->why), "the association has ended");
	else
		failed(t, &f);
	return lost(t);
}

bool peer_push(struct peer_assoc *t)
{
	struct fault f;

	while (scu_pump(&t->scu)) {
		if (link_flush(&t->link, &f) != OK) {
			failed(t, &f);
			return lost(t);
		}
	}
	return scu_unsent(&t->scu) ? find_out(t) : true;
}

static bool broken(struct peer_assoc *t, const struct scu_event *ev)
{
	link_abort(&t->link, ev->source, ev->reason);
	snprintf(t->why, sizeof(t->why), "association aborted by netrt: %s", ev->text);
	return lost(t);
}

bool peer_response(struct peer_assoc *t, const struct dimse_command **response)
{
	struct dul_ind ind;
	struct fault f;

	if (!peer_push(t))
		return false;
	for (;;) {
		enum err e = link_next(&t->link, &ind, &f);
		struct scu_event ev;

		if (e != OK) {
			failed(t, &f);
			return lost(t);
		}
		if (ind.kind == DUL_RELEASE_REQUEST) {
			link_release_response(&t->link);
			snprintf(t->why, sizeof(t->why), "the peer released the association");
			return lost(t);
		}
		if (ind.kind != DUL_PDV) {
			ended(t, &ind);
			return lost(t);
		}
		ev = scu_feed(&t->scu, &ind.pdv);
		if (ev.kind == SCU_BROKEN)
			return broken(t, &ev);
		if (ev.kind == SCU_RESPONSE) {
			*response = ev.command;
			return true;
		}
	}
}

void peer_close(struct peer_assoc *t)
{
	struct dul_ind ind;

	if (!t->open)
		return;
	link_release(&t->link);
	while (link_next(&t->link, &ind, NULL) == OK)
		; /* to the end, whatever it is */
	lost(t);
}
