#include "anon/gate.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "anon/dates.h"
#include "anon/pidmap.h"
#include "anon/safe.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/sha256.h"
#include "dicom/tag.h"

#define GATE_ARENA (64u << 20)
#define NO_DATE "19000101" /* in IDs, where dates do not go out */
#define KEYED_ID 16u       /* characters of base 32: 80 bits */

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
	return uids || dates || hashes || s->pseudonyms == ANON_KEYED;
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
	if (g->has_key) {
		key_hash(&g->key, "uid", NULL, 0, g->uid_key);
		g->maps_uids = true;
	} else if (s->profile == ANON_NETRT && s->netrt.full && s->netrt.full_uid.count > 0) {
		struct sha256 sum;

		sha256_init(&sum);
		sha256_add(&sum, bytes_str(s->netrt.uid_key));
		sha256_end(&sum, g->uid_key);
		g->maps_uids = true;
	}
	return OK;
}

/* Pseudonyms are values of LO and PN; what they begin with must leave room for what tells them
 * apart. */
static enum err check_prefixes(const struct anon_settings *s, struct fault *f)
{
	const char *first = s->site_code;
	size_t rest = PIDMAP_TAIL_MAX;

	if (s->pseudonyms == ANON_KEYED) {
		first = s->id_prefix;
		rest = KEYED_ID;
	} else if (!s->netrt.consistent_id && s->netrt.random_id_prefix[0] != '\0') {
		first = s->netrt.random_id_prefix;
	}
	return strlen(first) + rest > ANON_ID_MAX
		       ? fault_set(f, ERR_UNUSABLE,
				   "is too long: with what follows it is no Patient ID",
				   FAULT_NO_OFFSET)
		       : OK;
}

static enum err open_random(struct anon_gate *g, struct fault *f)
{
	return getrandom(g->random_key, sizeof(g->random_key), 0) == sizeof(g->random_key)
		       ? OK
		       : fault_io(f, "no random bytes");
}

static bool uses_map(const struct anon_settings *s)
{
	return s->pseudonyms == ANON_SEQUENTIAL && s->netrt.consistent_id;
}

static enum err open_map(struct anon_gate *g, struct fault *f)
{
	g->seen = ARENA_NEW(&g->arena, struct pidmap_seen, 1);
	if (g->seen == NULL)
		return fault_set(f, ERR_NOMEM, "no memory for patients", FAULT_NO_OFFSET);
	return pidmap_check(g->settings->pid_map, f);
}

static enum err open_vocabulary(struct anon_gate *g, struct bytes *text, struct fault *f)
{
	enum err e =
		load(g->settings->roi_names_file,
		     bytes_of(roi_names_default, sizeof(roi_names_default)), text, &g->arena, f);

	return e != OK ? e : vocabulary_parse(&g->vocabulary, *text, &g->arena, f);
}

static enum err open_safe(struct anon_gate *g, struct anon_safe **safe, size_t *count,
			  struct fault *f)
{
	struct bytes text;
	enum err e = load(g->settings->safe_private_file,
			  bytes_of(safe_private_default, sizeof(safe_private_default)), &text,
			  &g->arena, f);

	return e != OK ? e : safe_parse(text, safe, count, &g->arena, f);
}

/* What the policy says of itself, and the names of ROIs, which it does not know. */
static void make_digest(struct anon_gate *g, struct bytes names)
{
	char policy[65];
	uint8_t sum[SHA256_LEN];
	struct sha256 s;

	policy_digest(g->policy, policy);
	sha256_init(&s);
	sha256_add(&s, bytes_str(policy));
	sha256_add(&s, names);
	sha256_end(&s, sum);
	for (size_t i = 0; i < SHA256_LEN; i++)
		snprintf(g->digest + 2 * i, 3, "%02x", sum[i]);
}

enum err gate_open_policy(struct anon_gate *g, const struct anon_settings *settings,
			  struct gate_problem *problem, struct fault *f)
{
	struct anon_safe *safe = NULL;
	size_t safe_count = 0;
	struct bytes names;

	*g = (struct anon_gate){.settings = settings};
	*problem = (struct gate_problem){.part = GATE_NOTHING};
	enum err e = arena_open(&g->arena, GATE_ARENA, f);

	if (e != OK)
		return e;
	problem->part = GATE_ROI_NAMES;
	e = open_vocabulary(g, &names, f);
	if (e == OK) {
		problem->part = GATE_SAFE_PRIVATE;
		e = open_safe(g, &safe, &safe_count, f);
	}
	if (e == OK) {
		problem->part = GATE_RULES;
		e = policy_make(&g->policy, settings, safe, safe_count, &g->arena, &problem->rule,
				f);
	}
	if (e == OK)
		make_digest(g, names);
	else
		gate_close(g);
	return e;
}

enum err gate_open(struct anon_gate *g, const struct anon_settings *settings,
		   const struct wall *now, struct gate_problem *problem, struct fault *f)
{
	enum err e = gate_open_policy(g, settings, problem, f);

	if (e != OK)
		return e;
	g->now = *now;
	problem->part = GATE_PREFIX;
	e = check_prefixes(settings, f);
	if (e == OK) {
		problem->part = GATE_KEY;
		e = open_key(g, f);
	}
	if (e == OK) {
		problem->part = GATE_NOTHING;
		e = open_random(g, f);
	}
	if (e == OK && uses_map(settings)) {
		problem->part = GATE_MAP;
		e = open_map(g, f);
	}
	if (e != OK)
		gate_close(g);
	return e;
}

void gate_close(struct anon_gate *g)
{
	explicit_bzero(&g->key, sizeof(g->key));
	explicit_bzero(g->uid_key, sizeof(g->uid_key));
	explicit_bzero(g->random_key, sizeof(g->random_key));
	anon_uid_forget();
	arena_close(&g->arena);
}

/* ---- pseudonyms ---- */

/* NETRT without a map: another number for every study, the same for all its objects. */
static void random_id(const struct anon_gate *g, const struct anon_identity *who,
		      char out[static ANON_ID_MAX + 1])
{
	const struct anon_settings *s = g->settings;
	const struct bytes parts[] = {who->study, who->id, who->name};
	uint8_t r[SHA256_LEN];
	struct hmac h;

	hmac_init(&h, bytes_of(g->random_key, sizeof(g->random_key)));
	for (size_t i = 0; i < 3; i++)
		hmac_add_framed(&h, parts[i]);
	hmac_end(&h, r);
	if (s->netrt.random_id_prefix[0] != '\0')
		snprintf(out, ANON_ID_MAX + 1, "%s%02X%02X%02X%02X", s->netrt.random_id_prefix,
			 r[0], r[1], r[2], r[3]);
	else
		snprintf(out, ANON_ID_MAX + 1, "%s_%02X%02X%02X%02X", s->site_code, r[0], r[1],
			 r[2], r[3]);
}

/* What tells patients apart for everything that comes from the key; those without an ID by name. */
static void parts_of(const struct anon_identity *who, struct bytes parts[static 3])
{
	parts[0] = bytes_trim(who->id);
	parts[1] = who->issuer;
	parts[2] = parts[0].len > 0 ? BYTES_NONE : bytes_trim(who->name);
}

static void keyed_id(const struct anon_gate *g, const struct anon_identity *who,
		     char out[static ANON_ID_MAX + 1])
{
	struct bytes parts[3];
	uint8_t sum[32];
	char text[KEYED_ID + 1];

	parts_of(who, parts);
	key_hash(&g->key, "patient", parts, 3, sum);
	key_base32(sum, 5 * KEYED_ID, text);
	snprintf(out, ANON_ID_MAX + 1, "%s%s", g->settings->id_prefix, text);
}

/*
 * The date in "SITE_0001_YYYYMMDD": Study Date as the new object says it, so that the ID does not
 * tell what the attribute hides.  One that the map has already stays, whatever it says.
 */
static struct bytes date_told(const struct anon_gate *g, const struct anon_identity *who, int days,
			      struct buf *out)
{
	const struct anon_place at = {.iod = IOD_OTHER, .tag = TAG_StudyDate, .vr = VR_DA};
	enum anon_act act = policy_decide(g->policy, &at).act;
	bool told = false;

	if (act == ACT_KEEP)
		return who->study_date;
	if (act == ACT_SHIFT)
		told = date_shift(who->study_date, VR_DA, days, out);
	else if (act == ACT_FIRST_DAY)
		told = date_first_day(who->study_date, VR_DA, out);
	return told && out->len == 8 ? buf_bytes(out) : BYTES_LIT(NO_DATE);
}

static enum err map_id(const struct anon_gate *g, const struct anon_identity *who,
		       struct anon_patient *p, struct fault *f)
{
	const struct anon_settings *s = g->settings;
	struct buf date = BUF_INIT(256);
	const struct pidmap_patient patient = {who->id, who->name,
					       date_told(g, who, p->shift_days, &date)};
	enum err e = pidmap_get(s->pid_map, s->site_code, &patient, &g->now, g->seen, p->id, f);

	buf_free(&date);
	return e;
}

static enum err choose_id(const struct anon_gate *g, const struct anon_identity *who,
			  struct anon_patient *p, struct fault *f)
{
	const struct anon_settings *s = g->settings;
	bool full = s->profile == ANON_NETRT && s->netrt.full;
	enum err e = OK;

	if (s->pseudonyms == ANON_KEYED)
		keyed_id(g, who, p->id);
	else if (!s->netrt.consistent_id)
		random_id(g, who, p->id);
	else
		e = map_id(g, who, p, f);
	memcpy(p->name, p->id, sizeof(p->name));
	if (full && s->netrt.id_override != NULL)
		snprintf(p->id, sizeof(p->id), "%s", s->netrt.id_override);
	if (full && s->netrt.name_override != NULL)
		snprintf(p->name, sizeof(p->name), "%s", s->netrt.name_override);
	return e;
}

enum err gate_patient(const struct anon_gate *g, struct bytes data, const struct syntax *syntax,
		      struct anon_patient *patient, struct arena *a, struct fault *f)
{
	const struct identity_source source = {data, syntax,
					       policy_cleans_text(g->policy) ? g->policy : NULL};
	struct anon_identity who;
	enum err e;

	memset(patient, 0, sizeof(*patient));
	e = identity_collect(&source, &who, &patient->words, a, f);
	if (e != OK)
		return e;
	if (g->maps_uids)
		patient->key = bytes_of(g->uid_key, sizeof(g->uid_key));
	if (policy_shifts_dates(g->policy)) {
		struct bytes parts[3];

		parts_of(&who, parts);
		patient->shift_days = key_days(&g->key, parts, 3, g->settings->shift_days_most);
	}
	return choose_id(g, &who, patient, f);
}
