#include "anon/gate.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "anon/pidmap.h"
#include "anon/safe.h"
#include "base/file.h"
#include "base/limits.h"

#define GATE_ARENA (64u << 20)
#define RANDOM_ID_BYTES 4u

static const char roi_names_default[] = {
#include "roi_names.inc" /* generated from config/roi_names.txt */
};

static const char safe_private_default[] = {
#include "safe_private.inc" /* generated from config/safe_private.txt */
};

/* A file of the site, or what is built in. */
static enum err load(const char *path, struct bytes built_in, struct bytes *out, struct arena *a,
		     struct fault *f)
{
	*out = built_in;
	return path == NULL ? OK : file_read(out, path, LIMIT_ANON_FILE, a, f);
}

static bool needs_key(const struct anon_settings *s)
{
	bool uids = s->profile != ANON_NETRT && (s->options & ANON_RETAIN_UIDS) == 0;
	bool dates = (s->options & ANON_RETAIN_MODIFIED_DATES) != 0;
	bool hashes = false;

	for (size_t i = 0; i < s->rule_count; i++)
		hashes |= s->rules[i].act == ANON_SITE_HASH;
	return uids || dates || hashes || s->pseudonyms == ANON_KEYED ||
	       (s->profile == ANON_NETRT && s->netrt.full && s->netrt.full_uid.count > 0);
}

static enum err open_key(struct anon_gate *g, struct fault *f)
{
	const struct anon_settings *s = g->settings;

	if (s->key_file != NULL) {
		enum err e = key_read(&g->key, s->key_file, f);
		g->has_key = e == OK;
		if (e != OK)
			return e;
	} else if (needs_key(s)) {
		return fault_set(
			f, ERR_UNUSABLE,
			"these settings need a secret key: make one with netrt keygen FILE and "
			"name it in anonymization.key_file",
			FAULT_NO_OFFSET);
	}
	if (g->has_key)
		key_hash(&g->key, "uid", NULL, 0, g->uid_key);
	return OK;
}

static enum err open_lists(struct anon_gate *g, struct policy_problem *problem, struct fault *f)
{
	const struct anon_settings *s = g->settings;
	struct anon_safe *safe = NULL;
	size_t safe_count = 0;
	struct bytes text;
	enum err e = load(s->roi_names_file, bytes_of(roi_names_default, sizeof(roi_names_default)),
			  &text, &g->arena, f);

	if (e == OK)
		e = vocabulary_parse(&g->vocabulary, text, &g->arena, f);
	if (e == OK)
		e = load(s->safe_private_file,
			 bytes_of(safe_private_default, sizeof(safe_private_default)), &text,
			 &g->arena, f);
	if (e == OK)
		e = safe_parse(text, &safe, &safe_count, &g->arena, f);
	if (e == OK)
		e = policy_make(&g->policy, s, safe, safe_count, &g->arena, problem, f);
	return e;
}

enum err gate_open(struct anon_gate *g, const struct anon_settings *settings,
		   const struct wall *now, struct policy_problem *problem, struct fault *f)
{
	*g = (struct anon_gate){.settings = settings, .now = *now};
	*problem = (struct policy_problem){NULL, NULL};
	enum err e = arena_open(&g->arena, GATE_ARENA, f);

	if (e != OK)
		return e;
	e = open_lists(g, problem, f);
	if (e == OK)
		e = open_key(g, f);
	if (e == OK && settings->pseudonyms == ANON_SEQUENTIAL && settings->netrt.consistent_id)
		e = pidmap_check(settings->pid_map, f);
	if (e != OK) {
		gate_close(g);
		return e;
	}
	policy_digest(g->policy, g->digest);
	return OK;
}

void gate_close(struct anon_gate *g)
{
	explicit_bzero(&g->key, sizeof(g->key));
	explicit_bzero(g->uid_key, sizeof(g->uid_key));
	arena_close(&g->arena);
}

/* ---- pseudonyms ---- */

/* NETRT without a map: another number for every study. */
static enum err random_id(const struct anon_gate *g, char out[static ANON_ID_MAX + 1],
			  struct fault *f)
{
	uint8_t r[RANDOM_ID_BYTES];

	if (getrandom(r, sizeof(r), 0) != (ssize_t)sizeof(r))
		return fault_io(f, "no random bytes");
	snprintf(out, ANON_ID_MAX + 1, "%s_%02X%02X%02X%02X", g->settings->site_code, r[0], r[1],
		 r[2], r[3]);
	return OK;
}

static void keyed_id(const struct anon_gate *g, const struct anon_identity *who,
		     char out[static ANON_ID_MAX + 1])
{
	const struct bytes parts[] = {who->id, who->issuer,
				      who->id.len > 0 ? BYTES_NONE : who->name};
	uint8_t sum[32];
	char text[17];

	key_hash(&g->key, "patient", parts, 3, sum);
	key_base32(sum, 80, text);
	snprintf(out, ANON_ID_MAX + 1, "%.*s%s", (int)(ANON_ID_MAX - 16), g->settings->id_prefix,
		 text);
}

static enum err choose_id(const struct anon_gate *g, const struct anon_identity *who,
			  struct anon_patient *p, struct fault *f)
{
	const struct anon_settings *s = g->settings;
	const struct pidmap_patient patient = {who->id, who->name, who->study_date};
	enum err e = OK;

	if (s->pseudonyms == ANON_KEYED)
		keyed_id(g, who, p->id);
	else if (!s->netrt.consistent_id)
		e = random_id(g, p->id, f);
	else
		e = pidmap_get(s->pid_map, s->site_code, &patient, &g->now, p->id, f);
	memcpy(p->name, p->id, sizeof(p->name));
	if (s->profile == ANON_NETRT && s->netrt.full && s->netrt.id_override != NULL)
		snprintf(p->id, sizeof(p->id), "%s", s->netrt.id_override);
	if (s->profile == ANON_NETRT && s->netrt.full && s->netrt.name_override != NULL)
		snprintf(p->name, sizeof(p->name), "%s", s->netrt.name_override);
	return e;
}

enum err gate_patient(const struct anon_gate *g, struct bytes data, const struct syntax *syntax,
		      struct anon_patient *patient, struct arena *a, struct fault *f)
{
	struct anon_identity who;
	enum err e;

	memset(patient, 0, sizeof(*patient));
	e = identity_collect(data, syntax, &who, &patient->words, a, f);
	if (e == OK)
		e = choose_id(g, &who, patient, f);
	if (e != OK)
		return e;
	if (g->has_key)
		patient->key = bytes_of(g->uid_key, sizeof(g->uid_key));
	if (policy_shifts_dates(g->policy)) {
		const struct bytes parts[] = {who.id, who.issuer,
					      who.id.len > 0 ? BYTES_NONE : who.name};

		patient->shift_days = key_days(&g->key, parts, 3, g->settings->shift_days_most);
	}
	return OK;
}
