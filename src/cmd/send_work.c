/*
 * One process's share.  While the peer works on an object the next one is read: so the sender's
 * and the receiver's time overlap, although only one message is ever under way.
 *
 * A file is read into a buffer (the same two, over and over: their pages and their lines in the
 * cache are there already) rather than mapped, which would cost a fault for every 4 KiB.  Large
 * ones, and those that must be re-encoded, are mapped.
 */
#include "cmd/send_work.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "dicom/part10.h"

#define READ_MAX (4u << 20) /* larger files are mapped */
#define LOSSES_MAX 3u       /* associations lost one after the other without one object answered */
#define PLAN_MAX (1u << 30) /* address space for what re-encoding makes of one object */

/* An object that is ready to be sent. */
struct loaded {
	bool there;
	uint32_t index;
	uint8_t *buffer; /* owned */
	size_t room;
	struct part10 file; /* instead of the buffer, where it is mapped */
	struct piece pieces[2];
	uint64_t len;
	bool bad;
};

struct worker {
	struct pool *pool;
	struct send_job *job;
	struct peer_assoc t;
	uint16_t group;  /* of the association */
	unsigned sent;   /* objects over this association */
	unsigned losses; /* LOSSES_MAX */
	struct loaded slot[2];
	struct arena arena;
	bool arena_open;
};

size_t send_shared_size(const struct send_list *l)
{
	return sizeof(struct send_shared) + (size_t)l->count * sizeof(struct send_result);
}

/* ---- Results ---- */

static struct send_result *result_of(struct worker *w, uint32_t index)
{
	return &w->job->shared->result[index];
}

static const char *words_of(const struct send_result *r)
{
	switch (r->state) {
	case SEND_WARNED:
	case SEND_REFUSED:
		return dimse_status_text(r->status);
	case SEND_NO_CONTEXT:
		return r->refusal == 0 ? "not proposed" : dul_result_text(r->refusal);
	default:
		return "";
	}
}

/* Say what became of an object, unless all is well. */
static void tell(struct worker *w, uint32_t index)
{
	const struct send_result *r = result_of(w, index);
	const char *path = log_quote_str(w->job->list->items[index].path);
	const char *colon = r->text[0] != '\0' ? ": " : "";

	if (w->job->quiet || r->state == SEND_SENT)
		return;
	if (w->job->terminal)
		fputs("\r\033[K", stderr);
	if (r->state == SEND_WARNED)
		log_say(LOG_WARNING, "%s: %04X, %s%s%s", path, r->status, words_of(r), colon,
			r->text);
	else if (r->state == SEND_REFUSED)
		log_say(LOG_ERROR, "%s: %04X, %s%s%s", path, r->status, words_of(r), colon,
			r->text);
	else if (r->state == SEND_NO_CONTEXT)
		log_say(LOG_ERROR, "%s: not accepted by the peer: %s%s%s", path, words_of(r), colon,
			r->text);
	else
		log_say(LOG_ERROR, "%s: %s", path, r->text);
}

static void finish(struct worker *w, uint32_t index, enum send_state state, const char *text)
{
	struct send_result *r = result_of(w, index);

	snprintf(r->text, sizeof(r->text), "%s", text);
	r->state = (uint8_t)state;
	tell(w, index);
	pool_finished(w->pool);
}

static void finish_fault(struct worker *w, uint32_t index, const struct fault *f)
{
	char why[120];

	fault_format(f, why, sizeof(why));
	finish(w, index, SEND_BAD_FILE, why);
}

/* ---- Reading ---- */

static enum err read_all(int fd, uint8_t *into, size_t len, struct fault *f)
{
	while (len > 0) {
		ssize_t n = read(fd, into, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return fault_io(f, "cannot read");
		if (n == 0)
			return fault_set(f, ERR_IO, "the file became shorter", FAULT_NO_OFFSET);
		into += n;
		len -= (size_t)n;
	}
	return OK;
}

static enum err reserve(struct loaded *slot, size_t size, struct fault *f)
{
	if (slot->room >= size)
		return OK;
	free(slot->buffer);
	slot->room = 0;
	slot->buffer = malloc(size);
	if (slot->buffer == NULL)
		return fault_set(f, ERR_NOMEM, "no memory to read a file", FAULT_NO_OFFSET);
	slot->room = size;
	return OK;
}

/* Is it still the file that was looked at? */
static enum err unchanged(int fd, const struct send_item *item, struct fault *f)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return fault_io(f, "cannot read the file's size");
	if ((uint64_t)st.st_size != item->size ||
	    st.st_mtim.tv_sec * 1000000000ll + st.st_mtim.tv_nsec != item->mtime_ns)
		return fault_set(f, ERR_UNUSABLE, "changed while it was to be sent",
				 FAULT_NO_OFFSET);
	return OK;
}

static enum err read_file(struct loaded *slot, const struct send_item *item, struct fault *f)
{
	size_t size = (size_t)item->size;
	int fd = open(item->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	enum err e;

	if (fd < 0)
		return fault_io(f, "cannot open the file");
	e = unchanged(fd, item, f);
	if (e == OK)
		e = reserve(slot, size, f);
	if (e == OK)
		e = read_all(fd, slot->buffer, size, f);
	close(fd);
	if (e != OK)
		return e;
	slot->pieces[0] = (struct piece){
		bytes_of(slot->buffer + item->data_at, size - (size_t)item->data_at), 1};
	return OK;
}

static enum err map_file(struct loaded *slot, const struct send_item *item, struct fault *f)
{
	enum err e = part10_open(&slot->file, AT_FDCWD, item->path, f);

	if (e == OK)
		e = unchanged(slot->file.map.fd, item, f);
	if (e != OK)
		return e;
	slot->pieces[0] = (struct piece){bytes_slice(slot->file.file, (size_t)item->data_at,
						     (size_t)(item->size - item->data_at)),
					 1};
	return OK;
}

static void unload(struct loaded *slot)
{
	part10_close(&slot->file);
	slot->there = false;
}

/* Take the next object and read it; one that cannot be read is told, and the next one taken. */
static void load(struct worker *w, struct loaded *slot)
{
	struct fault f;
	uint32_t index;

	while (!slot->there && pool_next(w->pool, &index)) {
		const struct send_item *item = &w->job->list->items[index];
		enum err e = item->size <= READ_MAX && item->plain ? read_file(slot, item, &f)
								   : map_file(slot, item, &f);

		slot->index = index;
		slot->len = item->size - item->data_at;
		slot->there = e == OK;
		if (e != OK) {
			unload(slot);
			finish_fault(w, index, &f);
		}
	}
}

/* ---- Re-encoding ---- */

static const struct syntax *syntax_of(const struct worker *w, const struct send_item *item)
{
	return syntax_find(bytes_str(w->job->list->wanted[item->wanted].syntax.text));
}

/* A deflate stream of odd length gets a NUL (PS3.5 A.5), any other data set its values padded. */
static enum err make_even(struct worker *w, struct loaded *slot, const struct syntax *s,
			  struct transcode *t, struct fault *f)
{
	if (s == NULL)
		return fault_set(f, ERR_UNUSABLE, "of odd length, in an unknown transfer syntax",
				 FAULT_NO_OFFSET);
	if (!s->deflated)
		return transcode_plan(t, slot->file.data, s, s, &w->arena, f);
	slot->pieces[1] = (struct piece){BYTES_LIT("\0"), 1};
	*t = (struct transcode){.pieces = slot->pieces, .count = 2, .len = slot->len + 1};
	return OK;
}

/* What is to be sent of an object in this choice of context. */
static enum err encode(struct worker *w, struct loaded *slot, const struct scu_choice *choice,
		       struct transcode *t, struct fault *f)
{
	const struct send_item *item = &w->job->list->items[slot->index];
	const struct syntax *from = syntax_of(w, item);
	enum err e = OK;

	*t = (struct transcode){.pieces = slot->pieces, .count = 1, .len = slot->len};
	if (choice->syntax == NULL && item->plain)
		return OK;
	if (!w->arena_open) {
		e = arena_open(&w->arena, PLAN_MAX, f);
		w->arena_open = e == OK;
	}
	if (e == OK && slot->file.file.at == NULL)
		e = map_file(slot, item, f);
	if (e != OK)
		return e;
	arena_reset(&w->arena, 0);
	if (choice->syntax == NULL)
		return make_even(w, slot, from, t, f);
	return transcode_plan(t, slot->file.data, from, choice->syntax, &w->arena, f);
}

/* ---- Sending ---- */

/* Of one group the SOP classes and syntaxes. */
static void propose(struct worker *w, uint16_t group)
{
	const struct send_list *l = w->job->list;
	unsigned from = 0, count = 0;

	peer_request(&w->t.request, w->job->peer);
	while (from < l->wanted_count && l->group_of[from] != group)
		from++;
	while (from + count < l->wanted_count && l->group_of[from + count] == group)
		count++;
	scu_propose(&w->t.request, l->wanted + from, count);
}

static void say_unreachable(struct worker *w)
{
	struct send_shared *s = w->job->shared;

	if (atomic_exchange(&s->unreachable, 1) == 0)
		memcpy(s->why, w->t.why, sizeof(s->why));
}

/* An association in which this object can go; false: there is none to be had. */
static bool associate(struct worker *w, const struct send_item *item)
{
	unsigned most = w->job->per_association;

	if (w->t.open && (item->group != w->group || (most > 0 && w->sent >= most)))
		peer_close(&w->t);
	if (w->t.open)
		return true;
	propose(w, item->group);
	if (w->losses >= LOSSES_MAX || !peer_open(&w->t, w->job->peer)) {
		say_unreachable(w);
		return false;
	}
	w->group = item->group;
	w->sent = 0;
	atomic_fetch_add(&w->job->shared->associations, 1);
	return true;
}

static void take_response(struct worker *w, const struct loaded *slot,
			  const struct dimse_command *response)
{
	struct send_result *r = result_of(w, slot->index);
	enum scu_outcome outcome = dimse_outcome(response->status);
	enum send_state state = outcome == SCU_SENT           ? SEND_SENT
				: outcome == SCU_SENT_WARNING ? SEND_WARNED
							      : SEND_REFUSED;

	w->sent++;
	w->losses = 0;
	r->status = response->status;
	atomic_fetch_add(&w->job->shared->bytes, slot->len);
	finish(w, slot->index, state, response->error_comment);
}

/* Send the object in `slot`, and meanwhile load the next one into `next`. */
static bool send_one(struct worker *w, struct loaded *slot, struct loaded *next)
{
	const struct send_item *item = &w->job->list->items[slot->index];
	const struct scu_wanted *wanted = &w->job->list->wanted[item->wanted];
	const struct dimse_command *response;
	struct scu_choice choice;
	struct transcode t;
	struct fault f;

	if (!associate(w, item))
		return false;
	choice = scu_choose(&w->t.request, &w->t.answer, &wanted->sop_class, &wanted->syntax);
	if (choice.context_id == 0) {
		result_of(w, slot->index)->refusal = choice.refusal;
		finish(w, slot->index, SEND_NO_CONTEXT, "");
		return true;
	}
	if (encode(w, slot, &choice, &t, &f) != OK) {
		finish_fault(w, slot->index, &f);
		return true;
	}
	scu_store(&w->t.scu, &(struct scu_object){
				     .context_id = choice.context_id,
				     .sop_class = wanted->sop_class,
				     .sop_instance = item->sop_instance,
				     .pieces = t.pieces,
				     .piece_count = t.count,
			     });
	bool answered = peer_push(&w->t);
	if (answered) {
		load(w, next);
		answered = peer_response(&w->t, &response);
	}
	if (answered) {
		take_response(w, slot, response);
	} else {
		w->losses++;
		finish(w, slot->index, SEND_LOST, w->t.why);
	}
	return true;
}

void send_work(struct pool *pool, void *ctx)
{
	static struct worker w; /* some 200 KiB */
	unsigned turn = 0;

	w.pool = pool;
	w.job = ctx;
	w.slot[0].file = w.slot[1].file = PART10_NONE;
	for (;;) {
		struct loaded *slot = &w.slot[turn % 2], *next = &w.slot[++turn % 2];

		load(&w, slot);
		if (!slot->there || !send_one(&w, slot, next))
			break;
		unload(slot);
	}
	peer_close(&w.t);
}
