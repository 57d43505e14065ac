#include "service/receiver.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "dicom/part10.h"
#include "dicom/stream.h"
#include "dimse/scp.h"
#include "net/link.h"
#include "rt/structset.h"
#include "service/accounts.h"
#include "service/commitment.h"
#include "service/sender.h"
#include "study/journal.h"
#include "study/spool.h"

#define GATHER 64u                /* pieces of a data set that are written together */
#define REPORT_MAX (8u << 20)     /* bytes of an N-EVENT-REPORT's data set */
#define OTHER_MEMORY (1ull << 30) /* address space of a receiver, objects aside */

/* A study that this association has fed. */
struct fed {
	struct uid study;
	uint32_t objects;  /* that the journal does not know of */
	uint64_t until_ms; /* the study is held by the association; 0: not any more */
};

/* What the message being read is. */
enum doing { DOING_NOTHING, DOING_STORE, DOING_REPORT };

struct receiver {
	const struct receiver_job *job;
	const struct receiver_common *common;
	const struct service_options *o;
	struct accounts_peer peer;
	char address[ADDRESS_TEXT], ae_title[17];
	struct dul_policy policy;
	struct storage_classes classes;
	const char *refusal; /* why admit() refused */

	struct link link;
	struct scp scp;
	bool accepted; /* scp is there */
	struct spool spool;
	bool no_spool; /* it cannot be opened */

	enum doing doing;
	struct stream stream;
	struct spool_part part;
	struct bytes gathered[GATHER];
	size_t gathered_count;
	struct buf report;

	uint32_t stored;
	struct fed fed[LIMIT_SPOOL_STUDIES]; /* the one that was fed last is the last */
	uint32_t fed_count;
	int timer; /* timerfd: when one of them is to be let go; -1: none */
};

/* ---- who may send ---- */

bool receiver_allows(const struct receiver_common *c, const struct address *peer,
		     const char *calling_ae)
{
	const struct service_listener *l = &c->options->listener;

	for (size_t i = 0; i < l->allow_count; i++) {
		const struct service_allow *a = &l->allow[i];

		if ((a->ae_title == NULL || strcmp(a->ae_title, calling_ae) == 0) &&
		    (a->address == NULL || cidr_has(&c->networks[i], peer)))
			return true;
	}
	return l->allow_count == 0;
}

static enum dul_refusal refuse(struct receiver *r, enum dul_refusal why, const char *text)
{
	r->refusal = text;
	return why;
}

static enum dul_refusal admit(void *user, const struct dul_request *request)
{
	struct receiver *r = user;
	const struct service_listener *l = &r->o->listener;

	if (l->check_called_ae && strcmp(request->called, l->ae_title) != 0)
		return refuse(r, DUL_REFUSE_CALLED, "called AE title not recognized");
	if (!receiver_allows(r->common, &r->job->peer, request->calling))
		return refuse(r, DUL_REFUSE_CALLING,
			      "calling AE title and address are not in dicom_listener.allow");
	if (r->no_spool)
		return refuse(r, DUL_REFUSE_CONGESTION, "the working folder cannot be opened");
	if (atomic_load(&r->common->shared->draining) != 0)
		return refuse(r, DUL_REFUSE_CONGESTION, "the service is stopping");
	if (spool_room(&r->spool, NULL) != OK)
		return refuse(r, DUL_REFUSE_CONGESTION, "not enough free disk space");
	if (!shared_admit(r->common->shared, &r->o->limits, r->job->slot))
		return refuse(r, DUL_REFUSE_LIMIT, "too many associations");
	return DUL_ADMIT;
}

static unsigned supports(void *user, const struct uid *abstract)
{
	struct receiver *r = user;

	return storage_supports(&r->classes, abstract);
}

static void answer_request(struct receiver *r, const struct dul_ind *ind)
{
	static struct dul_answer answer; /* big, and only one an association */

	memcpy(r->ae_title, ind->request->calling, sizeof(r->ae_title));
	r->peer.ae_title = r->ae_title;
	accounts_context(&(struct accounts_context){.part = ACCOUNTS_LISTENER,
						    .association = r->job->number,
						    .address = r->address,
						    .ae_title = r->ae_title});
	negotiate(ind->request, &r->policy, &answer);
	link_answer(&r->link, &answer);
	if (answer.refused.result != 0) {
		atomic_fetch_add(&r->common->shared->rejected, 1);
		accounts_rejected(&r->peer, answer.refused.result, answer.refused.source,
				  answer.refused.reason,
				  r->refusal != NULL ? r->refusal
						     : dul_reject_text(answer.refused.source,
								       answer.refused.reason));
		return;
	}
	atomic_fetch_add(&r->common->shared->accepted, 1);
	accounts_accepted(&r->peer);
	/* the engine's copies, which stay */
	scp_init(&r->scp, &r->link.assoc, &r->link.assoc.request, &r->link.assoc.answer,
		 &r->classes);
	r->accepted = true;
}

/* ---- a data set comes ---- */

static void say_refused(struct receiver *r, const struct scp_event *ev,
			const struct dimse_reply *reply)
{
	atomic_fetch_add(&r->common->shared->refused, 1);
	accounts_refused(
		&r->peer, reply->status, ev->command != NULL ? ev->command->sop_instance.text : "",
		reply->comment[0] != '\0' ? reply->comment : dimse_status_text(reply->status));
}

/* Nothing of it is kept. */
static void drop(struct receiver *r)
{
	spool_discard(&r->spool, &r->part);
	stream_free(&r->stream);
	r->gathered_count = 0;
	buf_free(&r->report);
	r->doing = DOING_NOTHING;
}

static void begin_store(struct receiver *r, const struct scp_event *ev)
{
	const struct service_limits *l = &r->o->limits;
	const struct syntax *syntax = syntax_find(bytes_str(ev->transfer_syntax->text));
	struct stream_limits limits = {.bytes = l->object_bytes,
				       .elements = l->elements,
				       .nesting = l->nesting < LIMIT_NESTING ? l->nesting
									     : LIMIT_NESTING};
	struct part10_meta meta = {.sop_class = ev->command->sop_class,
				   .sop_instance = ev->command->sop_instance,
				   .transfer_syntax = *ev->transfer_syntax,
				   .source_ae = r->ae_title};
	struct fault f;

	if (spool_begin(&r->spool, &r->part, &meta, &f) != OK) {
		struct dimse_reply reply = dimse_reply_fault(&f);

		scp_refuse(&r->scp, &reply);
		return;
	}
	stream_init(&r->stream, syntax != NULL ? syntax : &syntax_explicit_le, &limits);
	r->doing = DOING_STORE;
}

static void begin(struct receiver *r, const struct scp_event *ev)
{
	drop(r);
	if (ev->command->field == DIMSE_C_STORE) {
		begin_store(r, ev);
	} else {
		r->report = BUF_INIT(REPORT_MAX);
		r->doing = DOING_REPORT;
	}
}

/* Check and write what was gathered. */
static enum err flush(struct receiver *r, struct fault *f)
{
	enum err e = OK;

	for (size_t i = 0; i < r->gathered_count && e == OK; i++)
		e = stream_feed(&r->stream, r->gathered[i], f);
	if (e == OK && r->gathered_count > 0)
		e = spool_write(&r->spool, &r->part, r->gathered, r->gathered_count, f);
	r->gathered_count = 0;
	return e;
}

static void gather(struct receiver *r, struct bytes data)
{
	if (data.len == 0)
		return;
	if (r->doing == DOING_REPORT)
		buf_add(&r->report, data);
	else if (r->doing == DOING_STORE)
		r->gathered[r->gathered_count++] = data;
}

/* Some of a data set, not its end: written when there is enough, or when the views will not last.
 */
static void take(struct receiver *r, struct bytes data)
{
	struct fault f;

	gather(r, data);
	if (r->gathered_count == 0 || (r->gathered_count < GATHER && link_more(&r->link)))
		return;
	if (flush(r, &f) != OK) {
		struct dimse_reply reply = dimse_reply_fault(&f);

		drop(r);
		scp_refuse(&r->scp, &reply);
	}
}

/* ---- and is whole ---- */

/* What there is of a study already; NULL and *total, *count where it has no place in the page. */
static struct shared_study *measure(struct receiver *r, const struct uid *study, uint64_t *total,
				    uint32_t *count)
{
	struct study_files files = STUDY_FILES_NONE;
	struct spool_lock lock = SPOOL_UNLOCKED;
	struct fault f;
	bool is_new;
	struct shared_study *s = shared_study(r->common->shared, study, &is_new);

	*total = *count = 0;
	if (s == NULL || is_new) {
		if (spool_study_lock(&r->spool, study, SPOOL_SHARED, &lock, &f) == OK &&
		    study_files_read(&files, lock.fd, &f) == OK) {
			*total = files.bytes;
			*count = files.count;
		}
		study_files_free(&files);
		spool_study_unlock(&lock);
	}
	if (s != NULL && is_new) {
		/* what was counted before is forgotten, late additions too */
		atomic_store(&s->bytes, *total);
		atomic_store(&s->instances, *count);
	} else if (s != NULL) {
		*total = atomic_load(&s->bytes);
		*count = atomic_load(&s->instances);
	}
	return s;
}

/* ---- the studies that are fed ---- */

/* From whom a study came.  Not worth a wait for the disk: it is for reports only. */
static void write_source(const struct receiver *r, struct fed *fed)
{
	struct journal journal = JOURNAL_NONE;
	struct journal_entry e = {.word = JOURNAL_SOURCE,
				  .name = bytes_str(r->ae_title),
				  .file = bytes_str(r->address),
				  .count = fed->objects};
	char name[sizeof("UID_") + LIMIT_UID];

	if (fed->objects == 0)
		return;
	fed->objects = 0;
	snprintf(name, sizeof(name), "UID_%s", fed->study.text);
	int dir = openat(r->spool.working, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return;
	if (journal_open(&journal, dir, NULL) == OK) {
		journal_add(&journal, &e);
		(void)!journal_write(&journal, NULL);
	}
	journal_close(&journal);
	close(dir);
}

static void write_sources(struct receiver *r)
{
	for (uint32_t i = 0; i < r->fed_count; i++)
		write_source(r, &r->fed[i]);
}

/* The timer's next end: when the first of the studies is to be let go. */
static void wind_timer(struct receiver *r)
{
	uint64_t now = clock_us() / 1000, due = UINT64_MAX;
	struct itimerspec at = {.it_value = {.tv_nsec = 0}};

	for (uint32_t i = 0; i < r->fed_count; i++)
		if (r->fed[i].until_ms != 0 && r->fed[i].until_ms < due)
			due = r->fed[i].until_ms;
	if (due == UINT64_MAX)
		return;
	if (r->timer < 0)
		r->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (r->timer < 0)
		return; /* then until the association ends */
	due = due > now ? due - now : 1;
	at.it_value.tv_sec = (time_t)(due / 1000);
	at.it_value.tv_nsec = (long)(due % 1000) * 1000000;
	(void)timerfd_settime(r->timer, 0, &at, NULL);
	link_watch(&r->link, r->timer);
}

/* Studies that were fed for as long as is waited for at most: an association that is used for hours
 * holds none of them up. */
static void let_go(struct receiver *r)
{
	uint64_t now = clock_us() / 1000;

	for (uint32_t i = 0; i < r->fed_count; i++) {
		struct fed *fed = &r->fed[i];

		if (fed->until_ms == 0 || fed->until_ms > now)
			continue;
		fed->until_ms = 0;
		write_source(r, fed);
		spool_let_go(&r->spool, &fed->study);
		shared_unfeed(r->common->shared, r->job->slot, &fed->study);
	}
	wind_timer(r);
}

/* The study's place, which becomes the last; a new one instead of the one that was fed least
 * recently, if need be. */
static struct fed *fed_of(struct receiver *r, const struct uid *study)
{
	struct fed found = {.study = *study};
	uint32_t i = 0;

	while (i < r->fed_count && !uid_eq(&r->fed[i].study, study))
		i++;
	if (i + 1 == r->fed_count)
		return &r->fed[i];
	if (i < r->fed_count) {
		found = r->fed[i];
	} else {
		if (r->o->watch.force_ms != 0)
			found.until_ms = clock_us() / 1000 + r->o->watch.force_ms;
		if (r->fed_count < LIMIT_SPOOL_STUDIES) {
			r->fed[r->fed_count++] = found;
			wind_timer(r);
			return &r->fed[i];
		}
		i = 0;
		write_source(r, &r->fed[i]);
		shared_unfeed(r->common->shared, r->job->slot, &r->fed[i].study);
	}
	memmove(&r->fed[i], &r->fed[i + 1], (r->fed_count - i - 1) * sizeof(r->fed[0]));
	r->fed[r->fed_count - 1] = found;
	return &r->fed[r->fed_count - 1];
}

/* Said before anything of it is visible. */
static struct fed *feed(struct receiver *r, const struct uid *study)
{
	struct fed *fed = fed_of(r, study);

	r->spool.unheld = r->o->watch.force_ms != 0 && fed->until_ms == 0;
	if (!r->spool.unheld)
		shared_feed(r->common->shared, r->job->slot, study);
	return fed;
}

static void count_fed(struct receiver *r, struct fed *fed)
{
	r->stored++;
	atomic_fetch_add(&r->common->shared->slot[r->job->slot].stored, 1);
	atomic_fetch_add(&r->common->shared->instances, 1);
	fed->objects++;
}

/* The name that an object got, for the log. */
static void say_stored(struct receiver *r, const struct stream_head *head, enum spool_kind kind,
		       enum spool_result result)
{
	char path[2 * LIMIT_UID + 64];

	snprintf(path, sizeof(path), "UID_%s/%s/%s.dcm", head->study.text,
		 kind == SPOOL_STRUCTURE ? "Structure" : "DCM", head->sop_instance.text);
	accounts_stored(&r->peer, head->study.text, path);
	if (result == SPOOL_REPLACED)
		accounts_say(LOG_WARNING, "instance_replaced",
			     "%s was there with another content, which it replaces", path);
}

static struct dimse_reply commit(struct receiver *r, const struct scp_event *ev)
{
	const struct stream_head *head = stream_head(&r->stream);
	struct dimse_reply reply;
	struct fault f;
	uint64_t total, size = r->part.size;
	uint32_t count;
	enum spool_result result;
	enum spool_kind kind =
		bytes_eq_str(bytes_str(head->sop_class.text), SOP_CLASS_RT_STRUCTURE_SET)
			? SPOOL_STRUCTURE
			: SPOOL_IMAGE;

	if (!scp_check(ev->command, &head->sop_class, &head->sop_instance, &reply))
		return reply;
	if (head->study.text[0] == '\0') {
		reply = dimse_reply_of(DIMSE_CANNOT_UNDERSTAND, "no valid Study Instance UID");
		reply.offending = TAG_StudyInstanceUID;
		return reply;
	}
	struct shared_study *measured = measure(r, &head->study, &total, &count);
	if (total + size > r->o->limits.study_bytes || count >= r->o->limits.study_instances)
		return dimse_reply_of(DIMSE_OUT_OF_RESOURCES, "the study is too large");
	struct fed *fed = feed(r, &head->study);
	if (spool_commit(&r->spool, &r->part, &head->study, &head->sop_instance, kind, &result,
			 &f) != OK)
		return dimse_reply_fault(&f);
	atomic_fetch_add(&r->common->shared->bytes, size);
	if (measured != NULL && result == SPOOL_NEW) {
		atomic_fetch_add(&measured->bytes, size);
		atomic_fetch_add(&measured->instances, 1);
	}
	count_fed(r, fed);
	say_stored(r, head, kind, result);
	return dimse_reply_of(DIMSE_SUCCESS, NULL);
}

static struct dimse_reply end_store(struct receiver *r, const struct scp_event *ev)
{
	struct fault f;

	if (flush(r, &f) != OK || stream_end(&r->stream, &f) != OK)
		return dimse_reply_fault(&f);
	return commit(r, ev);
}

static struct dimse_reply end_report(struct receiver *r, const struct scp_event *ev)
{
	static struct commitment_taken taken;
	const struct syntax *syntax = syntax_find(bytes_str(ev->transfer_syntax->text));

	if (r->report.failed || syntax == NULL)
		return dimse_reply_of(DIMSE_PROCESSING_FAILURE, "the report is too large");

	struct dimse_reply reply = commitment_take(r->spool.working, ev->command->event_type,
						   buf_bytes(&r->report), syntax, &taken);
	if (reply.status == DIMSE_SUCCESS)
		atomic_fetch_add(&r->common->shared->reports, 1);
	return reply;
}

static void end(struct receiver *r, const struct scp_event *ev)
{
	struct dimse_reply reply;

	gather(r, ev->data);
	if (r->doing == DOING_STORE)
		reply = end_store(r, ev);
	else
		reply = end_report(r, ev);
	if (reply.status != DIMSE_SUCCESS)
		say_refused(r, ev, &reply);
	drop(r);
	scp_answer(&r->scp, &reply);
}

/* ---- the conversation ---- */

static void on_pdv(struct receiver *r, const struct dul_pdv *pdv)
{
	struct scp_event ev = scp_feed(&r->scp, pdv);

	switch (ev.kind) {
	case SCP_NOTHING:
		break;
	case SCP_ECHOED:
		accounts_echo(&r->peer);
		break;
	case SCP_BEGIN:
		begin(r, &ev);
		break;
	case SCP_DATA:
		if (ev.last)
			end(r, &ev);
		else
			take(r, ev.data);
		break;
	case SCP_REFUSED:
		drop(r);
		say_refused(r, &ev, &ev.reply);
		break;
	case SCP_BROKEN:
		accounts_complain(&r->peer, LOG_WARNING, "protocol_error", ev.text);
		link_abort(&r->link, ev.source, ev.reason);
		break;
	}
}

/* `within`: of what the peer sent last the end is missing. */
static const char *how_it_ended(const struct dul_ind *ind, bool within)
{
	switch (ind->kind) {
	case DUL_RELEASED:
		return "released";
	case DUL_ABORTED:
		return ind->ours ? "aborted by this service"
		       : within  ? "aborted by the peer in the middle of a message"
				 : "aborted by the peer";
	case DUL_TIMEOUT:
		return "aborted by this service: time-out";
	default:
		return within ? "closed by the peer in the middle of a message"
			      : "closed by the peer";
	}
}

static void on_end(struct receiver *r, const struct dul_ind *ind)
{
	drop(r);
	if ((ind->kind == DUL_ABORTED || ind->kind == DUL_TIMEOUT) && ind->ours &&
	    ind->text != NULL)
		accounts_complain(&r->peer, LOG_WARNING,
				  ind->kind == DUL_TIMEOUT ? "timeout" : "protocol_error",
				  ind->text);
	if (r->accepted)
		accounts_ended(
			&r->peer,
			how_it_ended(ind, message_open(&r->scp.message) ||
						  (ind->kind == DUL_CLOSED && ind->text != NULL)),
			r->stored);
	else if (ind->kind == DUL_CLOSED)
		accounts_complain(&r->peer, LOG_DEBUG, "closed", "closed before an association");
}

static void say_notes(struct receiver *r, unsigned notes)
{
	for (unsigned bit = 1; notes != 0; bit <<= 1) {
		if ((notes & bit) != 0)
			accounts_complain(&r->peer, LOG_WARNING, "tolerated", dul_note_text(bit));
		notes &= ~bit;
	}
}

/* False: it was the last one. */
static bool on_indication(struct receiver *r, const struct dul_ind *ind)
{
	say_notes(r, ind->notes);
	switch (ind->kind) {
	case DUL_ASSOCIATE_REQUEST:
		answer_request(r, ind);
		return true;
	case DUL_PDV:
		on_pdv(r, &ind->pdv);
		return true;
	case DUL_RELEASE_REQUEST:
		link_release_response(&r->link);
		return true;
	case DUL_WAKE:
		let_go(r);
		return true;
	default:
		on_end(r, ind);
		return false;
	}
}

static void say_failed(const struct fault *f)
{
	char text[256];

	fault_format(f, text, sizeof(text));
	accounts_say(LOG_ERROR, "receiver_failed", "%s", text);
}

static void converse(struct receiver *r)
{
	struct dul_ind ind;
	struct fault f;

	for (;;) {
		enum err e = link_next(&r->link, &ind, &f);

		if (e == ERR_MORE)
			return;
		if (e != OK) {
			say_failed(&f);
			return;
		}
		if (!on_indication(r, &ind))
			return;
		/* what was answered leaves before more is read: a peer may have sent its first
		 * message with its request, and a response must not overtake the A-ASSOCIATE-AC */
		if ((ind.kind == DUL_PDV || ind.kind == DUL_ASSOCIATE_REQUEST) &&
		    !assoc_can_send(&r->link.assoc) && link_flush(&r->link, &f) != OK)
			return;
	}
}

static void limit(const struct service_limits *l)
{
	struct rlimit none = {0, 0};

	setrlimit(RLIMIT_CORE, &none);
#ifndef __SANITIZE_ADDRESS__
	rlim_t memory = (rlim_t)(2 * l->object_bytes + OTHER_MEMORY);
	struct rlimit all = {memory, memory};

	setrlimit(RLIMIT_AS, &all);
#else
	(void)l;
#endif
}

static enum spool_durability durability_of(const struct service_listener *l)
{
	return l->durability == SERVICE_STRICT ? SPOOL_STRICT
	       : l->durability == SERVICE_FILE ? SPOOL_FILE
					       : SPOOL_NONE;
}

static void set_up(struct receiver *r, const struct receiver_job *job)
{
	const struct service_options *o = job->common->options;

	r->job = job;
	r->common = job->common;
	r->o = o;
	r->link = LINK_NONE;
	r->timer = -1;
	r->spool = SPOOL_CLOSED;
	r->part = SPOOL_PART_NONE;
	address_ip_text(&job->peer, r->address);
	r->peer = (struct accounts_peer){.association = job->number, .address = r->address};
	r->classes = (struct storage_classes){.others = o->listener.private_sop_classes,
					      .other_count = o->listener.private_sop_class_count};
	for (size_t i = 0; i < o->destination_count; i++)
		r->classes.commitment |= o->destinations[i].storage_commitment;
	r->policy = (struct dul_policy){.user = r,
					.admit = admit,
					.supports = supports,
					.syntaxes = job->common->syntaxes,
					.syntax_count = job->common->syntax_count,
					.max_pdu = o->limits.pdu_bytes,
					.implementation_class = IMPLEMENTATION_CLASS_UID,
					.implementation_version = IMPLEMENTATION_VERSION};
}

void receiver_run(const struct receiver_job *job)
{
	static struct receiver r; /* big: pages are touched only where they are used */
	const struct service_options *o = job->common->options;
	struct assoc_limits limits = ASSOC_LIMITS_DEFAULT;
	struct fault f;

	set_up(&r, job);
	limit(&o->limits);
	accounts_context(&(struct accounts_context){
		.part = ACCOUNTS_LISTENER, .association = job->number, .address = r.address});
	limits.artim_ms = o->limits.artim_ms;
	limits.pdu_ms = o->limits.stall_ms;
	limits.idle_ms = o->limits.idle_ms;
	r.no_spool = spool_open(&r.spool, o->working, durability_of(&o->listener),
				job->common->minimum_free, &f) != OK;
	if (r.no_spool)
		say_failed(&f);
	if (link_accept(&r.link, job->fd, &limits, &f) == OK)
		converse(&r);
	else
		say_failed(&f);
	/* studies are let go before the connection is: a peer may take ARTIM to close it, which is
	 * not waited for when the service drains (PS3.8 9.2: the association is over) */
	write_sources(&r);
	spool_close(&r.spool);
	atomic_store(&job->common->shared->slot[job->slot].state, SLOT_LEAVING);
	link_watch(&r.link, r.common->drain_fd);
	link_close(&r.link);
}
