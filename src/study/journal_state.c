/*
 * What a journal's lines add up to.
 *
 * Passes over a copy of the text, in the arena: check the CRCs; find the last whole round and from
 * where confirmations count for it; take its files and outputs; take what destinations said.  Lines
 * are parsed anew in each, which is cheaper than keeping them.
 */
#include "study/journal.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct round {
	bool whole;
	size_t begin, end; /* offsets of its `processing` and of the line after its `processed` */
	uint64_t outputs, seen, began_ms;
	struct bytes digest; /* encoded */
};

struct reader {
	struct journal_state *s;
	struct arena *a;
	uint8_t *text; /* whole lines only: our copy */
	size_t len;
	struct round last;
	size_t since;        /* from here on confirmations count */
	struct bytes *names; /* of dests, encoded; LIMIT_DESTINATIONS */
	bool out_of_memory;
	bool too_many;
};

#define DAMAGED '!' /* what a line begins with, in our copy, from the first pass on */

/* The next line that is not damaged; its offset in *at.  False at the end. */
static bool next_line(const struct reader *r, size_t *pos, size_t *at, struct journal_entry *e)
{
	while (*pos < r->len) {
		uint8_t *from = r->text + *pos;
		uint8_t *feed = memchr(from, '\n', r->len - *pos);

		assert(feed != NULL);
		*at = *pos;
		*pos += (size_t)(feed - from) + 1;
		if (from[0] != DAMAGED &&
		    journal_parse_again(bytes_of(from, (size_t)(feed - from)), e))
			return true;
	}
	return false;
}

/* The first pass over the lines. */
static void check_lines(struct reader *r)
{
	struct journal_state *s = r->s;
	struct journal_entry e;

	for (size_t pos = 0; pos < r->len;) {
		uint8_t *from = r->text + pos;
		uint8_t *feed = memchr(from, '\n', r->len - pos);
		assert(feed != NULL);
		size_t len = (size_t)(feed - from);
		pos += len + 1;
		if (journal_parse_line(bytes_of(from, len), &e)) {
			if (s->lines++ == 0)
				s->first_ms = e.at_ms;
		} else {
			s->damaged++;
			if (len > 0)
				from[0] = DAMAGED;
		}
	}
}

static void find_round(struct reader *r)
{
	struct journal_state *s = r->s;
	struct journal_entry e;
	struct round now = {0};
	size_t pos = 0, at;
	bool open = false;

	while (next_line(r, &pos, &at, &e)) {
		if (e.word == JOURNAL_PROCESSING) {
			now = (struct round){.begin = at, .began_ms = e.at_ms};
			open = true;
		}
		s->reported = s->reported || e.word == JOURNAL_REPORTED;
		now.outputs += e.word == JOURNAL_OUTPUT;
		now.seen += e.word == JOURNAL_SEEN;
		if (e.word != JOURNAL_PROCESSED)
			continue;
		if (open && e.count == now.outputs && e.seen == now.seen) {
			now.whole = true;
			now.end = pos;
			now.digest = e.digest;
			if (!r->last.whole || !bytes_eq(r->last.digest, e.digest))
				r->since = pos;
			r->last = now;
			s->reported = false;
			s->processing_ms = now.began_ms;
			s->processed_ms = e.at_ms;
		}
		open = false;
	}
}

static char *decode(struct reader *r, struct bytes field)
{
	char *out = journal_decode(field, r->a);

	r->out_of_memory |= out == NULL;
	return out;
}

static int compare_seen(const void *a, const void *b)
{
	return strcmp(((const struct journal_seen *)a)->sop.text,
		      ((const struct journal_seen *)b)->sop.text);
}

static bool is_before(const struct journal_output *outputs, uint32_t x, uint32_t y)
{
	int c = strcmp(outputs[x].sop_instance.text, outputs[y].sop_instance.text);

	return c != 0 ? c < 0 : x < y;
}

/* A heap sort of indices: qsort_r is not in every libc. */
static void sift(uint32_t *v, uint32_t at, uint32_t count, const struct journal_output *outputs)
{
	for (;;) {
		uint32_t child = 2 * at + 1, keep = v[at];

		if (child >= count)
			return;
		if (child + 1 < count && is_before(outputs, v[child], v[child + 1]))
			child++;
		if (!is_before(outputs, keep, v[child]))
			return;
		v[at] = v[child];
		v[child] = keep;
		at = child;
	}
}

static void sort_outputs(struct journal_state *s)
{
	uint32_t *v = s->by_sop;

	for (uint32_t i = 0; i < s->output_count; i++)
		v[i] = i;
	for (uint32_t i = s->output_count / 2; i-- > 0;)
		sift(v, i, s->output_count, s->outputs);
	for (uint32_t n = s->output_count; n-- > 1;) {
		uint32_t most = v[0];

		v[0] = v[n];
		v[n] = most;
		sift(v, 0, n, s->outputs);
	}
}

/* An instance is delivered once, whoever wrote it down twice; one without a UID cannot be. */
static void drop_repeats(struct journal_state *s)
{
	uint32_t kept = 0;

	for (uint32_t i = 1; i < s->output_count; i++)
		if (uid_eq(&s->outputs[s->by_sop[i - 1]].sop_instance,
			   &s->outputs[s->by_sop[i]].sop_instance))
			s->outputs[s->by_sop[i]].file = NULL;
	for (uint32_t i = 0; i < s->output_count; i++)
		if (s->outputs[i].file != NULL && s->outputs[i].sop_instance.text[0] != '\0')
			s->outputs[kept++] = s->outputs[i];
	if (kept == s->output_count)
		return;
	s->output_count = kept;
	sort_outputs(s);
}

/* Which series types there are, and of which each output is. */
static void sort_by_type(struct journal_state *s)
{
	for (uint32_t i = 0; i < s->output_count; i++) {
		struct journal_output *o = &s->outputs[i];
		uint32_t at = 0;

		while (at < s->type_count && strcmp(s->types[at], o->series_type) != 0)
			at++;
		if (at == JOURNAL_TYPES)
			at--;
		if (at == s->type_count)
			s->types[s->type_count++] = o->series_type;
		o->type = at;
	}
}

static void take_round(struct reader *r)
{
	struct journal_state *s = r->s;
	size_t outputs = (size_t)r->last.outputs, seen = (size_t)r->last.seen;
	size_t pos = r->last.begin, at;
	struct journal_entry e;

	s->processed = true;
	s->digest = decode(r, r->last.digest);
	s->outputs = ARENA_NEW(r->a, struct journal_output, outputs);
	s->by_sop = ARENA_NEW(r->a, uint32_t, outputs);
	s->seen = ARENA_NEW(r->a, struct journal_seen, seen);
	if (s->outputs == NULL || s->by_sop == NULL || s->seen == NULL) {
		r->out_of_memory = true;
		return;
	}
	while (pos < r->last.end && next_line(r, &pos, &at, &e)) {
		if (e.word == JOURNAL_OUTPUT)
			s->outputs[s->output_count++] =
				(struct journal_output){.series_type = decode(r, e.type),
							.sop_class = e.class_uid,
							.sop_instance = e.sop,
							.file = decode(r, e.file)};
		if (e.word == JOURNAL_SEEN)
			s->seen[s->seen_count++] = (struct journal_seen){.kind = decode(r, e.type),
									 .sop = e.sop,
									 .size = e.count,
									 .mtime_ns = e.mtime_ns};
	}
	assert(s->output_count == outputs && s->seen_count == seen);
	if (!r->out_of_memory)
		sort_by_type(s);
	qsort(s->seen, s->seen_count, sizeof(*s->seen), compare_seen);
	if (!r->out_of_memory) {
		sort_outputs(s);
		drop_repeats(s);
	}
}

/* ---- destinations ---- */

static struct journal_dest *dest_of(struct reader *r, struct bytes name, uint64_t at_ms)
{
	struct journal_state *s = r->s;

	for (uint32_t i = 0; i < s->dest_count; i++)
		if (bytes_eq(r->names[i], name))
			return &s->dests[i];
	if (s->dest_count == LIMIT_DESTINATIONS) {
		r->too_many = true;
		return NULL;
	}

	struct journal_dest *d = &s->dests[s->dest_count];
	d->name = decode(r, name);
	d->first_ms = at_ms;
	d->outputs = ARENA_NEW(r->a, struct journal_delivery, s->output_count);
	r->out_of_memory |= d->outputs == NULL;
	if (r->out_of_memory)
		return NULL;
	r->names[s->dest_count++] = name;
	return d;
}

static bool is_warning(uint16_t status)
{
	return status >> 12 == 0xB;
}

static void add_one(uint16_t *count)
{
	if (*count < UINT16_MAX)
		++*count;
}

static void take_sent(const struct journal_state *s, struct journal_dest *d,
		      const struct journal_entry *e)
{
	uint32_t index = journal_output_of(s, &e->sop);

	d->attempts = d->permanent = 0;
	if (index == UINT32_MAX)
		return;

	struct journal_delivery *o = &d->outputs[index];
	if (o->sent) /* once more, after a crash; the last answer counts */
		d->warned -= is_warning(o->status);
	else
		d->sent++;
	d->warned += is_warning(e->status);
	o->sent = true;
	o->status = e->status;
	o->sent_ms = e->at_ms;
}

/* An attempt as a whole, or one output of it. */
static void take_failed(struct reader *r, struct journal_dest *d, const struct journal_entry *e)
{
	uint32_t index = journal_output_of(r->s, &e->sop);

	if (e->sop.text[0] == '\0') {
		d->attempts++;
		d->tries++;
		d->permanent += e->class == JOURNAL_PERMANENT;
		d->transaction = (struct uid){""}; /* if one was asked for: in vain */
		d->failed_ms = e->at_ms;
		if (d->first_failed_ms == 0)
			d->first_failed_ms = e->at_ms;
		d->failed_text = decode(r, e->text);
	} else if (index != UINT32_MAX) {
		struct journal_delivery *o = &d->outputs[index];

		add_one(&o->failed);
		if (e->class == JOURNAL_PERMANENT)
			add_one(&o->permanent);
		if (!o->sent)
			o->status = e->status;
	}
}

static void take_requested(struct reader *r, struct journal_dest *d, const struct journal_entry *e)
{
	struct journal_state *s = r->s;
	struct journal_transaction *t = ARENA_NEW(r->a, struct journal_transaction, 1);

	if (d->requests == 0) {
		d->first_asked_ms = e->at_ms;
		d->first_failed_ms = 0;
		d->attempts = d->permanent = 0;
	}
	d->transaction = e->transaction;
	d->requested_ms = e->at_ms;
	d->requests++;
	if (t == NULL) {
		r->out_of_memory = true;
		return;
	}
	*t = (struct journal_transaction){.uid = e->transaction,
					  .dest = (uint32_t)(d - s->dests),
					  .earlier = s->transactions};
	s->transactions = t;
}

/* Failure Reasons (PS3.3 C.14.1.1) of a destination in trouble, not of the object: processing
 * failure, resource limitation. */
static bool is_passing(uint16_t reason)
{
	return reason == 0x0110 || reason == 0x0213;
}

static void take_commit_failed(const struct journal_state *s, struct journal_dest *d,
			       const struct journal_entry *e)
{
	uint32_t index = journal_output_of(s, &e->sop);

	d->transaction = (struct uid){""};
	d->requests = 0;
	d->committed = d->done = false;
	if (index == UINT32_MAX)
		return;

	struct journal_delivery *o = &d->outputs[index];
	if (o->sent) {
		d->sent--;
		d->warned -= is_warning(o->status);
	}
	o->sent = false;
	o->status = e->status;
	add_one(&o->failed);
	if (!is_passing(e->status))
		add_one(&o->permanent);
}

static void take_retry(const struct journal_state *s, struct journal_dest *d)
{
	d->attempts = d->permanent = 0;
	d->first_failed_ms = d->failed_ms = 0;
	d->gave_up = false;
	d->gave_up_text = NULL;
	d->transaction = (struct uid){""};
	d->first_asked_ms = d->requested_ms = 0;
	d->requests = 0;
	for (uint32_t i = 0; i < s->output_count; i++)
		d->outputs[i].failed = d->outputs[i].permanent = 0;
}

static void take_dest(struct reader *r, struct journal_dest *d, const struct journal_entry *e)
{
	switch (e->word) {
	case JOURNAL_SENT:
		take_sent(r->s, d, e);
		break;
	case JOURNAL_FAILED:
		take_failed(r, d, e);
		break;
	case JOURNAL_COMMIT_REQUESTED:
		take_requested(r, d, e);
		break;
	case JOURNAL_COMMITTED:
		d->committed = true;
		d->transaction = (struct uid){""};
		d->requests = 0;
		break;
	case JOURNAL_COMMIT_FAILED:
		take_commit_failed(r->s, d, e);
		break;
	case JOURNAL_GAVE_UP:
		d->gave_up = true;
		d->gave_up_text = decode(r, e->text);
		break;
	case JOURNAL_DONE:
		d->done = true;
		d->done_ms = e->at_ms;
		break;
	case JOURNAL_RETRY:
		take_retry(r->s, d);
		break;
	default:
		break;
	}
}

static void take_source(struct reader *r, const struct journal_entry *e)
{
	struct journal_state *s = r->s;
	char *ae_title = decode(r, e->name), *address = decode(r, e->file);
	struct journal_source *source;

	if (ae_title == NULL || address == NULL)
		return;
	for (source = s->sources; source != NULL; source = source->next)
		if (strcmp(source->ae_title, ae_title) == 0 &&
		    strcmp(source->address, address) == 0)
			break;
	if (source == NULL) {
		source = ARENA_NEW(r->a, struct journal_source, 1);
		r->out_of_memory |= source == NULL;
		if (source == NULL)
			return;
		*source = (struct journal_source){
			.ae_title = ae_title, .address = address, .next = s->sources};
		s->sources = source;
	}
	source->objects += e->count;
}

static bool is_of_dest(enum journal_word word)
{
	return word >= JOURNAL_SENT;
}

static void take_rest(struct reader *r)
{
	struct journal_state *s = r->s;
	struct journal_entry e;
	size_t pos = 0, at;

	while (!r->out_of_memory && next_line(r, &pos, &at, &e)) {
		if (e.word == JOURNAL_SOURCE)
			take_source(r, &e);
		if (!is_of_dest(e.word) || at < r->since)
			continue;
		if (e.word == JOURNAL_RETRY && e.name.len == 0) {
			for (uint32_t i = 0; i < s->dest_count; i++)
				take_retry(s, &s->dests[i]);
			continue;
		}
		struct journal_dest *d = dest_of(r, e.name, e.at_ms);
		if (d != NULL)
			take_dest(r, d, &e);
	}
}

static enum err parse(struct journal_state *s, uint8_t *text, size_t len, struct arena *a,
		      struct fault *f)
{
	struct reader r = {.s = s, .a = a};

	*s = (struct journal_state){0};
	r.text = text;
	r.len = len;
	while (r.len > 0 && text[r.len - 1] != '\n')
		r.len--;
	s->torn = len - r.len;
	r.names = ARENA_NEW(a, struct bytes, LIMIT_DESTINATIONS);
	s->dests = ARENA_NEW(a, struct journal_dest, LIMIT_DESTINATIONS);
	r.out_of_memory = r.names == NULL || s->dests == NULL;
	check_lines(&r);
	if (!r.out_of_memory)
		find_round(&r);
	if (!r.out_of_memory && r.last.whole)
		take_round(&r);
	if (!r.out_of_memory)
		take_rest(&r);
	if (r.out_of_memory)
		return fault_set(f, ERR_NOMEM, "the study's journal does not fit in memory",
				 FAULT_NO_OFFSET);
	if (r.too_many)
		return fault_set(f, ERR_LIMIT, "the study's journal names too many destinations",
				 FAULT_NO_OFFSET);
	return OK;
}

enum err journal_parse(struct journal_state *s, struct bytes text, struct arena *a, struct fault *f)
{
	uint8_t *copy = arena_alloc(a, text.len + 1, 1);

	if (copy == NULL)
		return fault_set(f, ERR_NOMEM, "the study's journal does not fit in memory",
				 FAULT_NO_OFFSET);
	if (text.len > 0)
		memcpy(copy, text.at, text.len);
	return parse(s, copy, text.len, a, f);
}

/* Read, not mapped: another process may cut a torn line off meanwhile. */
static enum err read_whole(int fd, size_t size, struct arena *a, uint8_t **out, size_t *out_len,
			   struct fault *f)
{
	uint8_t *at = arena_alloc(a, size + 1, 1);
	size_t len = 0;

	if (at == NULL)
		return fault_set(f, ERR_NOMEM, "the study's journal does not fit in memory",
				 FAULT_NO_OFFSET);
	while (len < size) {
		ssize_t n = read(fd, at + len, size - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return fault_io(f, "cannot read the study's journal");
		if (n == 0)
			break;
		len += (size_t)n;
	}
	*out = at;
	*out_len = len;
	return OK;
}

/*
 * For each byte of text: itself, its decoded copy, and what a line becomes.  A line of an output
 * has 70 bytes at least, and becomes some 200; a destination that is told of in 50 bytes takes
 * sizeof(struct journal_delivery) for each output, and there are LIMIT_DESTINATIONS at most.
 */
#define ARENA_PER_BYTE 32u
#define ARENA_LEAST (1u << 20)

enum err journal_arena(struct arena *a, int dir, struct fault *f)
{
	struct stat st = {0};

	if (fstatat(dir, JOURNAL_NAME, &st, 0) < 0 && errno != ENOENT)
		return fault_io(f, "cannot look at the study's journal");
	if (st.st_size > (off_t)LIMIT_JOURNAL)
		return fault_set(f, ERR_LIMIT, "the study's journal is too large", FAULT_NO_OFFSET);
	return arena_open(a, ARENA_LEAST + ARENA_PER_BYTE * (size_t)st.st_size, f);
}

enum err journal_read(struct journal_state *s, int dir, struct arena *a, struct fault *f)
{
	int fd = openat(dir, JOURNAL_NAME, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	uint8_t *text = NULL;
	size_t len = 0;
	struct stat st;
	enum err e = OK;

	if (fd < 0 && errno == ENOENT)
		return parse(s, NULL, 0, a, f);
	if (fd < 0)
		return fault_io(f, "cannot open the study's journal");
	if (fstat(fd, &st) < 0)
		e = fault_io(f, "cannot look at the study's journal");
	else if ((uint64_t)st.st_size > LIMIT_JOURNAL)
		e = fault_set(f, ERR_LIMIT, "the study's journal is too large", FAULT_NO_OFFSET);
	else
		e = read_whole(fd, (size_t)st.st_size, a, &text, &len, f);
	close(fd);
	return e == OK ? parse(s, text, len, a, f) : e;
}

/* ---- looking things up ---- */

const struct journal_dest *journal_dest(const struct journal_state *s, const char *name)
{
	for (uint32_t i = 0; i < s->dest_count; i++)
		if (strcmp(s->dests[i].name, name) == 0)
			return &s->dests[i];
	return NULL;
}

uint32_t journal_output_of(const struct journal_state *s, const struct uid *sop)
{
	uint32_t low = 0, high = s->output_count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (strcmp(s->outputs[s->by_sop[middle]].sop_instance.text, sop->text) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	if (low < s->output_count && uid_eq(&s->outputs[s->by_sop[low]].sop_instance, sop))
		return s->by_sop[low];
	return UINT32_MAX;
}

const struct journal_seen *journal_seen_of(const struct journal_state *s, const struct uid *sop)
{
	uint32_t low = 0, high = s->seen_count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		int c = strcmp(s->seen[middle].sop.text, sop->text);

		if (c == 0)
			return &s->seen[middle];
		if (c < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

const struct journal_dest *journal_transaction_dest(const struct journal_state *s,
						    const struct uid *transaction)
{
	for (const struct journal_transaction *t = s->transactions; t != NULL; t = t->earlier)
		if (uid_eq(&t->uid, transaction))
			return &s->dests[t->dest];
	return NULL;
}
