/*
 * One object after the other: C-STORE is answered before the next begins (no asynchronous window is
 * negotiated: network.md 1.7), so the next one is opened, and what was confirmed is written
 * to the journal, while the destination is at work on the last.
 */
#include "service/transfer.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "dicom/part10.h"
#include "dimse/scu.h"
#include "net/link.h"
#include "net/socket.h"
#include "service/accounts.h"
#include "service/commitment.h"
#include "service/commitment_data.h"

#define FAILURES_MOST 10u /* in a row that are worth a retry: then the attempt ends */
#define RELEASE_MS 10000u
#define ARTIM_MS 30000u /* network.md 1.5 */

struct object {
	bool opened;
	enum err err; /* of opening it, with `fault` */
	struct fault fault;
	struct part10 file;
	struct arena arena;
	struct scu_choice choice;
	struct piece plain[2];
	const struct piece *pieces;
	size_t piece_count;
};

struct run {
	const struct transfer *t;
	struct transfer_result *r;
	struct journal journal;
	uint64_t pending_us; /* when the oldest unsynced confirmation came; 0: none */
	int timer;           /* wakes link_next every SENDER_GROUP_MS */
	struct link link;
	struct scu scu;
	struct dul_request request;
	const struct dul_answer *answer; /* NULL: no association */
	struct object object[2];
	unsigned failures; /* in a row */
	bool ended;        /* nothing more is to be sent */
	bool alive;        /* the association can be released */

	bool in_report; /* an N-EVENT-REPORT is coming */
	uint16_t event_type;
	uint8_t report_context;
	struct buf report;
	bool reported; /* and taken */
};

/* ---- what becomes of it ---- */

static enum transfer_end worse(enum transfer_end a, enum transfer_end b)
{
	return a > b ? a : b;
}

static void fail(struct run *run, enum transfer_end end, uint16_t status, const char *fmt, ...)
	PRINTF_LIKE(4, 5);

static void fail(struct run *run, enum transfer_end end, uint16_t status, const char *fmt, ...)
{
	struct transfer_result *r = run->r;
	va_list args;

	if (end < r->end)
		return;
	r->end = worse(r->end, end);
	r->status = status;
	va_start(args, fmt);
	vsnprintf(r->text, sizeof(r->text), fmt, args);
	va_end(args);
}

static void broken(struct run *run, const struct fault *f)
{
	char text[TRANSFER_TEXT];

	fault_format(f, text, sizeof(text));
	fail(run, TRANSFER_BROKEN, 0, "%s", text);
	run->ended = true;
}

static bool stopped(const struct run *run)
{
	return run->t->stop != NULL && *run->t->stop;
}

static void sync_journal(struct run *run)
{
	struct fault f = {0};

	run->pending_us = 0;
	if (journal_sync(&run->journal, &f) != OK)
		broken(run, &f);
}

static void sync_if_due(struct run *run)
{
	if (run->pending_us != 0 && clock_us() - run->pending_us >= SENDER_GROUP_MS * 1000)
		sync_journal(run);
}

static const struct journal_output *output_at(const struct run *run, uint32_t n)
{
	return &run->t->state->outputs[run->t->index[n]];
}

static void confirmed(struct run *run, uint32_t n, uint16_t status)
{
	const struct uid *sop = &output_at(run, n)->sop_instance;

	if (run->pending_us == 0)
		run->pending_us = clock_us();
	journal_add_sent(&run->journal, run->t->dest->name, sop, status);
	run->r->confirmed++;
	run->failures = 0;
	if (dimse_outcome(status) == SCU_SENT_WARNING)
		accounts_say(LOG_WARNING, "store_warning", "%s: %04X %s for %s", run->t->dest->name,
			     status, dimse_status_text(status), sop->text);
}

/* An instance was not taken. */
static void refused(struct run *run, uint32_t n, enum journal_class class, uint16_t status,
		    const char *text)
{
	const struct uid *sop = &output_at(run, n)->sop_instance;

	journal_add(&run->journal, &(struct journal_entry){.word = JOURNAL_FAILED,
							   .name = bytes_str(run->t->dest->name),
							   .sop = *sop,
							   .class = class,
							   .status = status,
							   .text = bytes_str(text)});
	fail(run, class == JOURNAL_PERMANENT ? TRANSFER_PERMANENT : TRANSFER_AGAIN, status, "%s",
	     text);
	accounts_say(LOG_WARNING, "store_failed", "%s: %s for %s", run->t->dest->name, text,
		     sop->text);
	if (class == JOURNAL_PERMANENT)
		return;
	run->failures++;
	if (status >> 8 == 0xA7 || run->failures >= FAILURES_MOST)
		run->ended = true;
}

static void refused_with(struct run *run, uint32_t n, uint16_t status)
{
	char text[128];
	bool permanent = schedule_outcome(&run->t->dest->schedule, status) == SCU_PERMANENT;

	snprintf(text, sizeof(text), "%04X %s", status, dimse_status_text(status));
	refused(run, n, permanent ? JOURNAL_PERMANENT : JOURNAL_AGAIN, status, text);
}

/* ---- objects ---- */

static void close_object(struct object *o)
{
	if (!o->opened)
		return;
	part10_close(&o->file);
	arena_close(&o->arena);
	o->opened = false;
}

/* As it is in the file.  A deflate stream of odd length is padded (PS3.5 A.5); of another syntax
 * it means that something is not as it should be, and is put right by re-encoding. */
static enum err as_it_is(struct object *o)
{
	static const uint8_t pad[1];
	struct bytes raw =
		bytes_slice(o->file.file, o->file.data_at, o->file.file.len - o->file.data_at);
	bool odd = raw.len % 2 != 0;

	if (odd && !o->file.syntax->deflated)
		return ERR_MORE;
	o->plain[0] = (struct piece){.bytes = raw, .unit = 1};
	o->plain[1] = (struct piece){.bytes = bytes_of(pad, 1), .unit = 1};
	o->pieces = o->plain;
	o->piece_count = odd ? 2 : 1;
	return OK;
}

static enum err encode(struct object *o)
{
	const struct syntax *to = o->choice.syntax;
	struct transcode plan;
	enum err e;

	if (to == NULL && as_it_is(o) == OK)
		return OK;
	e = arena_open(&o->arena, (1u << 20) + 8 * o->file.data.len, &o->fault);
	if (e != OK)
		return e;
	e = transcode_plan(&plan, o->file.data, o->file.syntax, to == NULL ? o->file.syntax : to,
			   &o->arena, &o->fault);
	if (e != OK)
		return e;
	o->pieces = plan.pieces;
	o->piece_count = plan.count;
	return OK;
}

/* The n-th object, ready to be sent in what was accepted. */
static void open_object(struct run *run, uint32_t n)
{
	const struct journal_output *output = output_at(run, n);
	struct object *o = &run->object[n % 2];

	close_object(o);
	o->opened = true;
	o->file = PART10_NONE;
	o->fault = (struct fault){0};
	o->choice = (struct scu_choice){0};
	o->err = part10_open(&o->file, run->t->dir, output->file, &o->fault);
	if (o->err != OK)
		return;
	o->choice = scu_choose(&run->request, run->answer, &output->sop_class, &o->file.syntax_uid);
	if (o->choice.context_id != 0)
		o->err = encode(o);
}

/* ---- the association ---- */

/* Contexts for as many of the objects from `from` on as an association can have; how many. */
static uint32_t propose(struct run *run, uint32_t from)
{
	const struct transfer *t = run->t;
	uint32_t left = t->count - from;
	struct scu_wanted *wanted = calloc(left + 1, sizeof(*wanted));
	size_t n = 0;

	dul_request_init(&run->request, t->dest->ae_title, t->options->ae_title,
			 t->options->pdu_bytes, IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION);
	if (t->commit)
		(void)scu_propose_one(&run->request, &dimse_commitment, syntax_implicit_le.uid);
	if (wanted == NULL) {
		broken(run, &(struct fault){.code = ERR_NOMEM, .text = "no memory to send"});
		return 0;
	}
	for (uint32_t i = 0; i < left; i++) {
		const struct journal_output *output = output_at(run, from + i);
		struct part10 file = PART10_NONE;

		wanted[i].sop_class = output->sop_class;
		uid_set(&wanted[i].syntax, bytes_str(syntax_implicit_le.uid));
		if (part10_open(&file, t->dir, output->file, NULL) == OK) {
			wanted[i].syntax = file.syntax_uid;
			part10_close(&file);
		} /* else it fails when it is its turn */
	}
	n = scu_propose(&run->request, wanted, left);
	free(wanted);
	assert(left == 0 || n > 0);
	return (uint32_t)n;
}

static void wind_timer(struct run *run)
{
	const struct itimerspec every = {.it_value.tv_nsec = SENDER_GROUP_MS * 1000000L};

	(void)timerfd_settime(run->timer, 0, &every, NULL);
	link_watch(&run->link, run->timer);
}

/* The next indication; of the timer's the part that is ours is done. */
static enum err next_indication(struct run *run, struct dul_ind *ind)
{
	struct fault f = {0};
	enum err e = link_next(&run->link, ind, &f);

	if (e != OK) {
		broken(run, &f);
		return e;
	}
	if (ind->kind == DUL_WAKE) {
		sync_if_due(run);
		wind_timer(run);
	}
	return OK;
}

/* The association is over, by this indication. */
static void over(struct run *run, const struct dul_ind *ind)
{
	const char *text = ind->text == NULL ? "" : ind->text;

	run->ended = true;
	run->alive = false;
	switch (ind->kind) {
	case DUL_ABORTED:
		if (ind->ours)
			fail(run, TRANSFER_AGAIN, 0, "the association was aborted: %s", text);
		else
			fail(run, TRANSFER_AGAIN, 0, "the destination aborted the association: %s",
			     dul_abort_text(ind->source, ind->reason));
		return;
	case DUL_CLOSED:
		fail(run, TRANSFER_AGAIN, 0, "the destination closed the connection");
		return;
	case DUL_TIMEOUT:
		fail(run, TRANSFER_AGAIN, 0, "the destination did not answer in time: %s", text);
		return;
	case DUL_RELEASE_REQUEST:
		link_release_response(&run->link);
		fail(run, TRANSFER_AGAIN, 0, "the destination released the association early");
		return;
	default:
		fail(run, TRANSFER_AGAIN, 0, "the association ended");
		return;
	}
}

/* The connection itself failed: no association came of it. */
static void unreached(struct run *run, const struct dul_ind *ind)
{
	if (ind->kind == DUL_ASSOCIATE_REJECTED) {
		fail(run, TRANSFER_CONNECT, 0,
		     "the destination rejected the association (%u/%u/%u): %s", ind->result,
		     ind->source, ind->reason, dul_reject_text(ind->source, ind->reason));
		run->ended = true;
		return;
	}
	over(run, ind);
	run->r->end = worse(run->r->end, TRANSFER_CONNECT);
}

static bool connect_to(struct run *run)
{
	const struct transfer *t = run->t;
	uint64_t response_ms = t->options->response_ms;
	const struct assoc_limits limits = {
		.pdu_max = LIMIT_PDU,
		.send_max = LIMIT_PDU,
		.artim_ms = response_ms < ARTIM_MS ? response_ms : ARTIM_MS,
		.pdu_ms = response_ms,
		.idle_ms = response_ms,
		.release_ms = RELEASE_MS,
	};
	struct fault f = {0};
	char text[TRANSFER_TEXT];
	int fd = -1;

	enum err e = socket_connect(&fd, t->dest->host, t->dest->port,
				    (unsigned)t->options->connect_ms, &f);
	if (e != OK) {
		fault_format(&f, text, sizeof(text));
		fail(run, e == ERR_NOMEM ? TRANSFER_BROKEN : TRANSFER_CONNECT, 0, "%s", text);
		run->ended = true;
		return false;
	}
	e = link_request(&run->link, fd, &limits, &run->request, &f);
	if (e != OK) {
		broken(run, &f);
		return false;
	}
	wind_timer(run);
	return true;
}

static bool associate(struct run *run)
{
	struct dul_ind ind = {.kind = DUL_WAKE};

	if (!connect_to(run))
		return false;
	while (ind.kind == DUL_WAKE)
		if (next_indication(run, &ind) != OK)
			return false;
	if (ind.kind != DUL_ASSOCIATE_ACCEPTED) {
		unreached(run, &ind);
		return false;
	}
	run->answer = ind.answer;
	run->alive = true;
	run->r->reached = true;
	scu_init(&run->scu, &run->link.assoc, &run->request, run->answer);
	return true;
}

/* Release it when it lives, and close. */
static void leave(struct run *run)
{
	struct dul_ind ind = {.kind = DUL_WAKE};
	struct fault f = {0};

	link_watch(&run->link, -1);
	if (run->alive) {
		link_release(&run->link);
		while (ind.kind == DUL_WAKE || ind.kind == DUL_PDV)
			if (link_next(&run->link, &ind, &f) != OK)
				break;
	}
	run->alive = false;
	if (run->link.fd >= 0)
		link_close(&run->link);
	if (run->answer != NULL)
		scu_free(&run->scu);
	run->answer = NULL;
	close_object(&run->object[0]);
	close_object(&run->object[1]);
}

/* ---- messages ---- */

/* Hand to the engine all of what was begun. */
static bool push(struct run *run)
{
	struct fault f = {0};

	while (scu_pump(&run->scu)) {
		if (link_flush(&run->link, &f) != OK) {
			broken(run, &f);
			return false;
		}
		if (!assoc_can_send(&run->link.assoc)) /* it has ended: the indication says how */
			return true;
	}
	return true;
}

/* The report of Storage Commitment is whole. */
static void take_report(struct run *run)
{
	struct commitment_taken taken = {.study = *run->t->study};
	const struct uid *uid = dul_accepted(run->answer, run->report_context);
	const struct syntax *syntax = uid == NULL ? NULL : syntax_find(bytes_str(uid->text));
	struct dimse_reply reply;

	sync_journal(run);
	if (run->report.failed)
		reply = dimse_reply_of(DIMSE_RESOURCE_LIMITATION, "the report is too long");
	else
		reply = commitment_take_for(run->t->dir, run->event_type, buf_bytes(&run->report),
					    syntax == NULL ? &syntax_implicit_le : syntax, &taken);
	buf_free(&run->report);
	if (reply.status == DIMSE_SUCCESS)
		accounts_say(taken.failed > 0 ? LOG_WARNING : LOG_INFO, "commitment_report",
			     "%s: storage of %u instances committed, of %u not", run->t->dest->name,
			     taken.committed, taken.failed);
	scu_report_answer(&run->scu, &reply);
	(void)push(run);
}

enum heard {
	HEARD_NOTHING, /* yet */
	HEARD_ANSWER,  /* to what was sent: `status` */
	HEARD_REPORT,  /* of Storage Commitment, and it was answered */
	HEARD_END,     /* the association is over */
};

static enum heard hear_pdv(struct run *run, const struct dul_pdv *pdv, uint16_t *status)
{
	struct scu_event ev = scu_feed(&run->scu, pdv);

	switch (ev.kind) {
	case SCU_NOTHING:
		return HEARD_NOTHING;
	case SCU_RESPONSE:
		*status = ev.command->has_status ? ev.command->status : DIMSE_PROCESSING_FAILURE;
		return HEARD_ANSWER;
	case SCU_REPORT:
		run->event_type = ev.command->event_type;
		run->report_context = ev.context_id;
		return HEARD_NOTHING;
	case SCU_DATA:
		buf_add(&run->report, ev.data);
		if (!ev.last)
			return HEARD_NOTHING;
		take_report(run);
		return HEARD_REPORT;
	case SCU_BROKEN:
		link_abort(&run->link, ev.source, ev.reason);
		fail(run, TRANSFER_AGAIN, 0, "the destination broke the protocol: %s", ev.text);
		run->ended = true;
		run->alive = false;
		return HEARD_END;
	}
	return HEARD_END;
}

static enum heard hear(struct run *run, uint16_t *status)
{
	struct dul_ind ind;

	if (next_indication(run, &ind) != OK)
		return HEARD_END;
	if (ind.kind == DUL_WAKE)
		return HEARD_NOTHING;
	if (ind.kind == DUL_PDV)
		return hear_pdv(run, &ind.pdv, status);
	over(run, &ind);
	return HEARD_END;
}

/* The answer to what was just begun; false: there is none, the association is over. */
static bool converse(struct run *run, uint16_t *status)
{
	enum heard heard = HEARD_NOTHING;

	while (heard != HEARD_ANSWER && heard != HEARD_END)
		heard = hear(run, status);
	return heard == HEARD_ANSWER;
}

/* An object of this one's type was being sent, since `begin_us` until now. */
static void note_span(struct run *run, uint32_t n, uint64_t begin_us)
{
	struct transfer_span *span = &run->r->spans[output_at(run, n)->type];

	if (span->first_us == 0)
		span->first_us = begin_us;
	span->last_us = clock_us();
}

/* Object n, of which `last` is the last on this association. */
static void send_object(struct run *run, uint32_t n, uint32_t last)
{
	const struct journal_output *output = output_at(run, n);
	struct object *o = &run->object[n % 2];
	uint64_t begin_us = clock_us();
	char text[TRANSFER_TEXT];
	uint16_t status;

	if (!o->opened)
		open_object(run, n);
	if (o->err != OK) {
		fault_format(&o->fault, text, sizeof(text));
		refused(run, n, JOURNAL_PERMANENT, 0, text);
	} else if (o->choice.context_id == 0) {
		snprintf(text, sizeof(text), "no presentation context was accepted: %s",
			 dul_result_text(o->choice.refusal));
		refused(run, n, JOURNAL_PERMANENT, 0, text);
	} else {
		scu_store(&run->scu, &(struct scu_object){.context_id = o->choice.context_id,
							  .sop_class = output->sop_class,
							  .sop_instance = output->sop_instance,
							  .pieces = o->pieces,
							  .piece_count = o->piece_count});
		if (!push(run))
			return;
		sync_if_due(run);
		if (n != last)
			open_object(run, n + 1);
		if (!converse(run, &status)) {
			memcpy(text, run->r->text, sizeof(text));
			refused(run, n, JOURNAL_AGAIN, 0, text);
		} else if (status == DIMSE_SUCCESS || dimse_outcome(status) == SCU_SENT_WARNING) {
			confirmed(run, n, status);
		} else {
			refused_with(run, n, status);
		}
		note_span(run, n, begin_us);
	}
	close_object(o);
}

/* ---- Storage Commitment ---- */

/* Has the report come on another way, to a receiver? */
static bool is_answered_elsewhere(const struct run *run, off_t size)
{
	struct stat st;

	return fstatat(run->t->dir, JOURNAL_NAME, &st, 0) == 0 && st.st_size != size;
}

/* Keep the association open for the report for a while. */
static void wait_for_report(struct run *run)
{
	uint64_t until_us = clock_us() + run->t->report_ms * 1000;
	enum heard heard = HEARD_NOTHING;
	struct stat st = {0};
	uint16_t status;

	(void)fstatat(run->t->dir, JOURNAL_NAME, &st, 0);
	assoc_set_idle(&run->link.assoc, run->t->report_ms + RELEASE_MS);
	while (heard == HEARD_NOTHING && clock_us() < until_us && !stopped(run) &&
	       !is_answered_elsewhere(run, st.st_size))
		heard = hear(run, &status);
}

static enum err write_request(struct run *run, struct buf *data, struct fault *f)
{
	const struct journal_state *state = run->t->state;
	struct uid transaction = commitment_transaction();
	struct commitment_instance *all = calloc(state->output_count + 1, sizeof(*all));

	if (all == NULL)
		return fault_set(f, ERR_NOMEM, "no memory for a commitment", FAULT_NO_OFFSET);
	for (uint32_t i = 0; i < state->output_count; i++)
		all[i] = (struct commitment_instance){
			.sop_class = state->outputs[i].sop_class,
			.sop_instance = state->outputs[i].sop_instance,
		};
	commitment_request(data, &syntax_implicit_le, &transaction, all, state->output_count);
	free(all);
	if (data->failed)
		return fault_set(f, ERR_NOMEM, "no memory for a commitment", FAULT_NO_OFFSET);
	journal_add(&run->journal, &(struct journal_entry){.word = JOURNAL_COMMIT_REQUESTED,
							   .name = bytes_str(run->t->dest->name),
							   .transaction = transaction,
							   .count = state->output_count});
	return journal_sync(&run->journal, f); /* before anybody can answer it */
}

static void request_commitment(struct run *run)
{
	uint8_t context = dul_accepted_for(&run->request, run->answer, &dimse_commitment, NULL);
	struct buf data = BUF_INIT(COMMITMENT_DATA_MAX);
	struct fault f = {0};
	uint16_t status;

	if (context == 0) {
		fail(run, TRANSFER_PERMANENT, 0, "the destination does not do Storage Commitment");
		return;
	}
	run->pending_us = 0;
	if (write_request(run, &data, &f) != OK) {
		broken(run, &f);
		buf_free(&data);
		return;
	}
	struct piece piece = {.bytes = buf_bytes(&data), .unit = 1};
	scu_commit(&run->scu, &(struct scu_object){.context_id = context,
						   .sop_class = dimse_commitment,
						   .sop_instance = dimse_commitment_instance,
						   .pieces = &piece,
						   .piece_count = 1});
	if (push(run) && converse(run, &status)) {
		if (dimse_outcome(status) == SCU_SENT || dimse_outcome(status) == SCU_SENT_WARNING)
			wait_for_report(run);
		else
			fail(run,
			     dimse_outcome(status) == SCU_PERMANENT ? TRANSFER_PERMANENT
								    : TRANSFER_AGAIN,
			     status, "Storage Commitment was refused: %04X %s", status,
			     dimse_status_text(status));
	}
	buf_free(&data);
}

/* ---- all of it ---- */

static void run_associations(struct run *run)
{
	const struct transfer *t = run->t;
	uint32_t at = 0;

	do {
		uint32_t n = propose(run, at);

		if (!run->ended && associate(run)) {
			for (uint32_t i = 0; i < n && !run->ended && !stopped(run); i++)
				send_object(run, at + i, at + n - 1);
			if (t->commit && at + n == t->count && !run->ended &&
			    run->r->confirmed == t->count && !stopped(run))
				request_commitment(run);
			sync_journal(run);
		}
		leave(run);
		at += n;
	} while (at < t->count && !run->ended && !stopped(run));
	if (run->r->end == TRANSFER_CRASHED)
		run->r->end = TRANSFER_DONE;
	if (run->r->end == TRANSFER_DONE && run->r->confirmed < t->count)
		fail(run, TRANSFER_STOPPED, 0, "stopped before it was finished");
}

void transfer_run(const struct transfer *t, struct transfer_result *r)
{
	struct run *run = calloc(1, sizeof(*run));
	struct fault f = {.code = ERR_NOMEM, .text = "no memory to send"};

	if (run == NULL) {
		r->end = TRANSFER_BROKEN;
		fault_format(&f, r->text, sizeof(r->text));
		return;
	}
	run->t = t;
	run->r = r;
	run->journal = JOURNAL_NONE;
	run->link = LINK_NONE;
	run->report = BUF_INIT(COMMITMENT_DATA_MAX);
	run->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (run->timer < 0)
		fault_io(&f, "timerfd_create");
	else if (journal_open(&run->journal, t->dir, &f) == OK)
		f.code = OK;
	if (f.code == OK)
		run_associations(run);
	else
		broken(run, &f);
	journal_close(&run->journal);
	buf_free(&run->report);
	if (run->timer >= 0)
		close(run->timer);
	free(run);
}
