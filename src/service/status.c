/*
 * What there is: gathered from the supervisor's knowledge where a service runs, from the folders
 * where none does, and printed for people or as JSON.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "service/answer.h"
#include "service/breaker.h"
#include "service/delivery.h"
#include "study/files.h"
#include "study/journal.h"

struct gathered {
	const struct answer_context *c;
	bool json;
	struct buf *out;
	unsigned counts[WATCH_STATES];
	struct {
		unsigned studies;
		uint64_t unsent, sent;
	} * queues; /* by destination */
	bool first;
};

/* One study. */
struct row {
	struct uid uid;
	enum watch_state state;
	const char *why;
	uint32_t files;
	uint64_t bytes;
	int64_t due_s; /* -1: nothing is to be waited for */
};

static void comma(struct gathered *g)
{
	if (!g->first)
		buf_char(g->out, ',');
	g->first = false;
}

static void json_text(struct buf *out, const char *key, const char *value)
{
	buf_fmt(out, "\"%s\":", key);
	if (value == NULL)
		buf_str(out, "null");
	else
		buf_json(out, bytes_str(value));
}

static void print_size(struct buf *out, uint64_t bytes)
{
	if (bytes >= 10ull << 30)
		buf_fmt(out, "%llu GiB", (unsigned long long)(bytes >> 30));
	else
		buf_fmt(out, "%llu MiB", (unsigned long long)((bytes + (1u << 19)) >> 20));
}

/* ---- a study ---- */

/* "OVERLAY": {"made": 60, "confirmed": 60}, ... */
static void types_row(struct gathered *g, const struct journal_state *state,
		      const struct journal_dest *j)
{
	uint32_t made[JOURNAL_TYPES] = {0}, sent[JOURNAL_TYPES] = {0};

	for (uint32_t i = 0; i < state->output_count; i++) {
		made[state->outputs[i].type]++;
		sent[state->outputs[i].type] += j != NULL && j->outputs[i].sent;
	}
	buf_str(g->out, "\"series\":{");
	for (uint32_t i = 0; i < state->type_count; i++) {
		buf_str(g->out, i == 0 ? "" : ",");
		buf_json(g->out, bytes_str(state->types[i]));
		buf_fmt(g->out, ":{\"made\":%u,\"confirmed\":%u}", made[i], sent[i]);
	}
	buf_str(g->out, "},");
}

static void destination_row(struct gathered *g, const struct row *r, size_t i,
			    const struct journal_state *state, bool first)
{
	const struct delivery_dest *dest = &g->c->o->destinations[i];
	const struct journal_dest *j = journal_dest(state, dest->name);
	uint32_t sent = j != NULL ? j->sent : 0;

	(void)r;
	if (j == NULL || (!j->done && !j->gave_up)) {
		g->queues[i].studies++;
		g->queues[i].unsent += state->output_count - sent;
		g->queues[i].sent += sent;
	}
	if (!g->json) {
		if (j == NULL || !j->done)
			buf_fmt(g->out, "    %s: %u of %u confirmed%s%s\n", dest->name, sent,
				state->output_count,
				j != NULL && j->failed_text != NULL ? "; " : "",
				j != NULL && j->failed_text != NULL ? j->failed_text : "");
		return;
	}
	buf_fmt(g->out, "%s{", first ? "" : ",");
	json_text(g->out, "name", dest->name);
	buf_fmt(g->out, ",\"outputs\":%u,\"confirmed\":%u,\"attempts\":%u,\"done\":%s,",
		state->output_count, sent, j != NULL ? j->attempts : 0,
		j != NULL && j->done ? "true" : "false");
	types_row(g, state, j);
	buf_fmt(g->out, "\"gave_up\":%s,", j != NULL && j->gave_up ? "true" : "false");
	json_text(g->out, "last", j != NULL ? j->failed_text : NULL);
	buf_char(g->out, '}');
}

static void print_row(struct gathered *g, const struct row *r, const struct journal_state *state)
{
	g->counts[r->state]++;
	if (g->json) {
		comma(g);
		buf_char(g->out, '{');
		json_text(g->out, "uid", r->uid.text);
		buf_char(g->out, ',');
		json_text(g->out, "state", watch_state_name(r->state));
		buf_char(g->out, ',');
		json_text(g->out, "why", r->why);
		buf_fmt(g->out, ",\"files\":%u,\"bytes\":%llu,\"due_seconds\":", r->files,
			(unsigned long long)r->bytes);
		if (r->due_s < 0)
			buf_str(g->out, "null");
		else
			buf_fmt(g->out, "%lld", (long long)r->due_s);
		buf_str(g->out, ",\"destinations\":[");
	} else {
		buf_fmt(g->out, "%-11s %s  %u files, ", watch_state_name(r->state), r->uid.text,
			r->files);
		print_size(g->out, r->bytes);
		if (r->why != NULL)
			buf_fmt(g->out, ": %s", r->why);
		if (r->due_s > 0)
			buf_fmt(g->out, " (%lld s)", (long long)r->due_s);
		buf_char(g->out, '\n');
	}
	for (size_t i = 0; i < g->c->o->destination_count && state->processed; i++)
		destination_row(g, r, i, state, i == 0);
	if (g->json)
		buf_str(g->out, "]}");
}

static int open_study(const struct gathered *g, const struct uid *uid)
{
	char name[sizeof("UID_") + LIMIT_UID];

	snprintf(name, sizeof(name), "UID_%s", uid->text);
	return openat(g->c->working, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* What a running service knows, and the journal. */
static void live_rows(struct gathered *g, struct arena *a)
{
	const struct answer_live *live = g->c->live;

	for (const struct study *t = live->studies->first; t != NULL; t = t->next) {
		struct journal_state state = {.lines = 0};
		struct row r = {.uid = t->uid,
				.state = studies_state(t),
				.why = t->step.why,
				.files = t->facts.files,
				.bytes = t->bytes,
				.due_s = -1};
		size_t mark = arena_mark(a);
		int dir = open_study(g, &t->uid);

		if (t->step.what == WATCH_WAIT && t->due_ms != WATCH_NEVER)
			r.due_s = t->due_ms > live->now_ms
					  ? (int64_t)((t->due_ms - live->now_ms + 999) / 1000)
					  : 0;
		if (dir >= 0 && journal_read(&state, dir, a, NULL) != OK)
			state = (struct journal_state){.lines = 0};
		print_row(g, &r, &state);
		arena_reset(a, mark);
		if (dir >= 0)
			close(dir);
	}
}

/* Without a service: by what lies there. */
static void folder_row(struct gathered *g, const struct uid *uid, struct arena *a)
{
	struct journal_state state = {.lines = 0};
	struct study_files files = STUDY_FILES_NONE;
	struct row r = {.uid = *uid, .state = WATCH_WAITING, .why = "no service runs", .due_s = -1};
	int dir = open_study(g, uid);

	if (dir < 0)
		return;
	if (study_files_read(&files, dir, NULL) == OK && journal_read(&state, dir, a, NULL) == OK) {
		r.files = files.count;
		r.bytes = files.bytes;
		if (state.processed &&
		    delivery_outcome(&state, g->c->o->destinations, g->c->o->destination_count) ==
			    DELIVERY_OPEN)
			r.state = WATCH_SENDING;
		else if (state.processed)
			r.state = WATCH_KEPT;
	}
	print_row(g, &r, &state);
	study_files_free(&files);
	close(dir);
}

static void folder_rows(struct gathered *g, struct arena *a)
{
	int fd = openat(g->c->working, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *d;

	while (dir != NULL && (d = readdir(dir)) != NULL) {
		struct uid uid;
		size_t mark = arena_mark(a);

		if (strncmp(d->d_name, "UID_", 4) == 0 && uid_set(&uid, bytes_str(d->d_name + 4)))
			folder_row(g, &uid, a);
		arena_reset(a, mark);
	}
	if (dir != NULL)
		closedir(dir);
}

/* ---- destinations, quarantine ---- */

static void destinations(struct gathered *g)
{
	for (size_t i = 0; i < g->c->o->destination_count; i++) {
		const struct delivery_dest *d = &g->c->o->destinations[i];
		struct breaker b = BREAKER_NONE;
		bool down = breaker_read(&b, g->c->working, d->name, NULL) == OK &&
			    b.state.failures > 0;

		if (g->json) {
			buf_fmt(g->out, "%s{", i == 0 ? "" : ",");
			json_text(g->out, "name", d->name);
			buf_char(g->out, ',');
			json_text(g->out, "host", d->host);
			buf_fmt(g->out, ",\"port\":%u,", d->port);
			json_text(g->out, "ae_title", d->ae_title);
			buf_fmt(g->out, ",\"studies\":%u,\"unconfirmed\":%llu,\"failures\":%u,",
				g->queues[i].studies, (unsigned long long)g->queues[i].unsent,
				down ? b.state.failures : 0);
			json_text(g->out, "last", down ? b.text : NULL);
			buf_char(g->out, '}');
		} else {
			buf_fmt(g->out,
				"destination %s (%s at %s:%u): %u studies, %llu instances to send",
				d->name, d->ae_title, d->host, d->port, g->queues[i].studies,
				(unsigned long long)g->queues[i].unsent);
			if (down)
				buf_fmt(g->out, "; not reached %u times: %s", b.state.failures,
					b.text);
			buf_char(g->out, '\n');
		}
	}
}

static unsigned quarantine(struct gathered *g)
{
	int fd = openat(g->c->working, g->c->o->quarantine, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *d;
	unsigned count = 0;

	g->first = true;
	while (dir != NULL && (d = readdir(dir)) != NULL) {
		char why[256];

		if (d->d_name[0] == '.')
			continue;
		count++;
		answer_why(fd, d->d_name, why, sizeof(why));
		if (g->json) {
			comma(g);
			buf_char(g->out, '{');
			json_text(g->out, "folder", d->d_name);
			buf_char(g->out, ',');
			json_text(g->out, "why", why);
			buf_char(g->out, '}');
		} else {
			buf_str(g->out, "quarantined ");
			buf_escaped(g->out, bytes_str(d->d_name));
			buf_str(g->out, ": ");
			buf_escaped(g->out, bytes_str(why));
			buf_char(g->out, '\n');
		}
	}
	if (dir != NULL)
		closedir(dir);
	return count;
}

/* ---- the whole ---- */

static uint64_t free_bytes(int working)
{
	struct statvfs st;

	return fstatvfs(working, &st) == 0 ? (uint64_t)st.f_bavail * st.f_frsize : 0;
}

static const char *durability_name(const struct service_options *o)
{
	return o->listener.durability == SERVICE_STRICT ? "strict"
	       : o->listener.durability == SERVICE_FILE ? "file"
							: "none";
}

static void head_json(struct gathered *g)
{
	const struct answer_live *l = g->c->live;
	const struct service_options *o = g->c->o;
	uint64_t available = free_bytes(g->c->working);
	uint32_t half, open;

	buf_char(g->out, '{');
	json_text(g->out, "version", o->version);
	buf_char(g->out, ',');
	json_text(g->out, "state", l == NULL ? "stopped" : l->draining ? "draining" : "running");
	if (l != NULL) {
		char address[ADDRESS_TEXT];

		address_text(&l->local, address);
		shared_count(l->shared, &half, &open);
		buf_fmt(g->out, ",\"uptime_seconds\":%llu,",
			(unsigned long long)(l->now_ms - l->started_ms) / 1000);
		json_text(g->out, "listener", address);
		buf_fmt(g->out,
			",\"associations\":{\"open\":%u,\"half_open\":%u,\"accepted\":%llu,"
			"\"rejected\":%llu},\"instances\":{\"stored\":%llu,\"refused\":%llu,"
			"\"bytes\":%llu}",
			open, half, (unsigned long long)atomic_load(&l->shared->accepted),
			(unsigned long long)atomic_load(&l->shared->rejected),
			(unsigned long long)atomic_load(&l->shared->instances),
			(unsigned long long)atomic_load(&l->shared->refused),
			(unsigned long long)atomic_load(&l->shared->bytes));
		buf_fmt(g->out, ",\"disk_low\":%s", available < l->minimum_free ? "true" : "false");
	}
	buf_fmt(g->out, ",\"disk_free_bytes\":%llu,", (unsigned long long)available);
	json_text(g->out, "durability", durability_name(o));
	buf_str(g->out, ",\"studies\":[");
}

static void head_text(struct gathered *g)
{
	const struct answer_live *l = g->c->live;
	const struct service_options *o = g->c->o;
	uint64_t available = free_bytes(g->c->working);
	uint32_t half, open;

	if (l == NULL) {
		buf_fmt(g->out, "netrt %s: no service runs; what lies in ", o->version);
		buf_escaped(g->out, bytes_str(o->working));
		buf_str(g->out, ":\n");
	} else {
		char address[ADDRESS_TEXT];
		uint64_t up_s = (l->now_ms - l->started_ms) / 1000;

		address_text(&l->local, address);
		shared_count(l->shared, &half, &open);
		buf_fmt(g->out, "netrt %s: %s for %llu:%02u:%02u, %s at %s, durability %s\n",
			o->version, l->draining ? "stopping" : "serving",
			(unsigned long long)(up_s / 3600), (unsigned)(up_s / 60 % 60),
			(unsigned)(up_s % 60), o->listener.ae_title, address, durability_name(o));
		buf_fmt(g->out,
			"associations: %u, and %u connections without one; since the start %llu "
			"accepted, %llu rejected\n",
			open, half, (unsigned long long)atomic_load(&l->shared->accepted),
			(unsigned long long)atomic_load(&l->shared->rejected));
		buf_fmt(g->out, "instances: %llu stored (",
			(unsigned long long)atomic_load(&l->shared->instances));
		print_size(g->out, atomic_load(&l->shared->bytes));
		buf_fmt(g->out, "), %llu refused\n",
			(unsigned long long)atomic_load(&l->shared->refused));
	}
	buf_str(g->out, "disk: ");
	print_size(g->out, available);
	buf_str(g->out, l != NULL && available < l->minimum_free
				? " free, which is too little: nothing is received\n\n"
				: " free\n\n");
}

static void tail(struct gathered *g)
{
	unsigned quarantined;

	if (g->json) {
		buf_str(g->out, "],\"destinations\":[");
		destinations(g);
		buf_str(g->out, "],\"quarantine\":[");
		quarantined = quarantine(g);
		buf_str(g->out, "],\"counts\":{");
	} else {
		buf_char(g->out, '\n');
		destinations(g);
		quarantined = quarantine(g);
		buf_str(g->out, "\nstudies: ");
	}
	for (enum watch_state i = 0; i < WATCH_STATES; i++) {
		if (g->json)
			buf_fmt(g->out, "\"%s\":%u,", watch_state_name(i), g->counts[i]);
		else
			buf_fmt(g->out, "%u %s, ", g->counts[i], watch_state_name(i));
	}
	buf_fmt(g->out, g->json ? "\"quarantined\":%u}}\n" : "%u quarantined\n", quarantined);
}

void answer_status(const struct answer_context *c, bool json, struct buf *out)
{
	struct gathered g = {.c = c, .json = json, .out = out, .first = true};
	struct arena a;

	g.queues = calloc(c->o->destination_count + 1, sizeof(*g.queues));
	if (g.queues == NULL || arena_open(&a, LIMIT_ARENA_STUDY, NULL) != OK) {
		free(g.queues);
		return;
	}
	if (json)
		head_json(&g);
	else
		head_text(&g);
	if (c->live != NULL)
		live_rows(&g, &a);
	else
		folder_rows(&g, &a);
	tail(&g);
	arena_close(&a);
	free(g.queues);
}

int answer_health(const struct answer_context *c, struct buf *out)
{
	const struct answer_live *l = c->live;
	char address[ADDRESS_TEXT];

	if (l == NULL) {
		buf_str(out, "no service runs\n");
		return 1;
	}
	address_text(&l->local, address);
	buf_fmt(out, "%s %s %s\n", l->draining ? "stopping" : "serving", address,
		c->o->listener.ae_title);
	return l->draining ? 1 : 0;
}
