#include "cmd/deid_settings.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "conf/diag.h"
#include "conf/table.h"
#include "conf/value.h"
#include "dicom/dict.h"
#include "dicom/tag.h"
#include "study/options.h"

/* ---- options ---- */

static unsigned options_of(const struct conf_anonymization *c)
{
	const struct conf_options *o = &c->options;
	const struct {
		enum conf_switch is;
		unsigned bit;
	} rows[] = {
		{o->retain_safe_private, ANON_RETAIN_SAFE_PRIVATE},
		{o->retain_uids, ANON_RETAIN_UIDS},
		{o->retain_device_identity, ANON_RETAIN_DEVICE},
		{o->retain_institution_identity, ANON_RETAIN_INSTITUTION},
		{o->retain_patient_characteristics, ANON_RETAIN_PATIENT},
		{o->retain_full_dates, ANON_RETAIN_FULL_DATES},
		{o->retain_modified_dates, ANON_RETAIN_MODIFIED_DATES},
		{o->clean_descriptors, ANON_CLEAN_DESCRIPTORS},
		{o->clean_structured_content, ANON_CLEAN_STRUCTURED},
		{o->clean_graphics, ANON_CLEAN_GRAPHICS},
	};
	unsigned options = c->profile == CONF_PROFILE_RESEARCH ? ANON_RESEARCH_OPTIONS : 0;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (rows[i].is == CONF_ON)
			options |= rows[i].bit;
		if (rows[i].is == CONF_OFF)
			options &= ~rows[i].bit;
	}
	return options;
}

static enum anon_risk risk_of(const struct conf_anonymization *c)
{
	switch (c->burned_in_risk) {
	case CONF_RISK_QUARANTINE:
		return ANON_RISK_QUARANTINE;
	case CONF_RISK_PASS:
		return ANON_RISK_PASS;
	case CONF_RISK_BLANK:
		return ANON_RISK_BLANK;
	case CONF_RISK_AS_PROFILE:
		break;
	}
	return c->profile == CONF_PROFILE_NETRT ? ANON_RISK_PASS : ANON_RISK_QUARANTINE;
}

/* ---- lists ---- */

static struct anon_list list_of(struct conf_list l)
{
	return (struct anon_list){l.item, l.count};
}

/* A list, and one more name at its end; false: no memory. */
static bool list_with(struct anon_list *out, struct conf_list l, const char *more, struct arena *a)
{
	const char **items = ARENA_NEW(a, const char *, l.count + 1);

	if (items == NULL)
		return false;
	for (size_t i = 0; i < l.count; i++)
		items[i] = l.item[i];
	items[l.count] = more;
	*out = (struct anon_list){items, l.count + 1};
	return true;
}

static bool names(const char *item, uint32_t tag)
{
	struct dict_entry entry;
	uint32_t number;

	return (dict_by_keyword(bytes_str(item), &entry) && entry.tag == tag) ||
	       (dict_parse_tag(bytes_str(item), &number) && number == tag);
}

/* UIDs to regenerate, and with them those that refer to them: else nothing would find its images
 * any more (R10). */
static bool list_uids(struct anon_list *out, struct conf_list l, struct arena *a)
{
	static const struct {
		uint32_t tag;
		const char *where;
	} follow[] = {
		{TAG_SOPInstanceUID, "ReferencedSOPInstanceUID"},
		{TAG_StudyInstanceUID, "RTReferencedStudySequence>ReferencedSOPInstanceUID"},
		{TAG_StudyInstanceUID, "ReferencedStudySequence>ReferencedSOPInstanceUID"},
		{TAG_FrameOfReferenceUID, "ReferencedFrameOfReferenceUID"},
		{TAG_FrameOfReferenceUID, "RelatedFrameOfReferenceUID"},
	};
	enum { FOLLOW = sizeof(follow) / sizeof(follow[0]) };
	const char **items = ARENA_NEW(a, const char *, l.count + FOLLOW);
	size_t count = l.count;

	if (items == NULL)
		return false;
	for (size_t i = 0; i < l.count; i++)
		items[i] = l.item[i];
	for (size_t k = 0; k < FOLLOW; k++)
		for (size_t i = 0; i < l.count; i++)
			if (names(l.item[i], follow[k].tag)) {
				items[count++] = follow[k].where;
				break;
			}
	*out = (struct anon_list){items, count};
	return true;
}

static bool is_set(const struct conf *c, const char *key)
{
	return c->set_at[conf_table_find(bytes_str(key))].line > 0;
}

static bool fill_netrt(struct anon_netrt_rules *n, const struct conf *c, struct arena *a)
{
	const struct conf_anonymization *z = &c->anonymization;
	const struct conf_full_rules *full = &z->full_anonymization_rules;
	struct conf_list remove = is_set(c, "anonymization.rules.remove_tags")
					  ? z->rules.remove_tags
					  : z->default_tags_to_remove;
	struct conf_list blank = is_set(c, "anonymization.rules.blank_tags")
					 ? z->rules.blank_tags
					 : z->default_tags_to_blank;

	*n = (struct anon_netrt_rules){
		.remove = list_of(remove),
		.random_id_prefix = z->rules.generate_random_id_prefix,
		.full = z->full_anonymization_enabled,
		.full_remove = list_of(full->tags_to_remove),
		.full_date = list_of(full->tags_to_modify_date),
		.full_time = list_of(full->tags_to_modify_time),
		.id_override = full->patient_id_override,
		.name_override = full->patient_name_override,
		.consistent_id = z->use_consistent_pid,
		.uid_key = c->processing.uid_key != NULL ? c->processing.uid_key : STUDY_UID_KEY,
	};
	return list_uids(&n->full_uid, full->tags_to_regenerate_uid, a) &&
	       list_with(&n->blank, blank, "AccessionNumber", a) &&
	       list_with(&n->full_empty, full->tags_to_empty, "AccessionNumber", a);
}

static bool fill_rules(struct anon_settings *s, const struct conf_anonymization *c, struct arena *a)
{
	const struct {
		const struct conf_list *list;
		enum anon_site_act act;
	} lists[] = {{&c->keep, ANON_SITE_KEEP},
		     {&c->remove, ANON_SITE_REMOVE},
		     {&c->blank, ANON_SITE_BLANK},
		     {&c->hash, ANON_SITE_HASH}};
	size_t count =
		c->keep.count + c->remove.count + c->blank.count + c->hash.count + c->replace.count;
	struct anon_site_rule *rules = ARENA_NEW(a, struct anon_site_rule, count);

	if (rules == NULL)
		return false;
	s->rules = rules;
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		for (size_t j = 0; j < lists[i].list->count; j++)
			rules[s->rule_count++] =
				(struct anon_site_rule){lists[i].act, lists[i].list->item[j], NULL};
	for (size_t i = 0; i < c->replace.count; i++)
		rules[s->rule_count++] = (struct anon_site_rule){
			ANON_SITE_REPLACE, c->replace.item[i].key, c->replace.item[i].value};
	return true;
}

static const char *or_any(const char *text)
{
	return text != NULL ? text : "";
}

static bool fill_regions(struct anon_settings *s, const struct conf_regions *c, struct arena *a)
{
	struct pixel_region *regions = ARENA_NEW(a, struct pixel_region, c->count);

	if (regions == NULL)
		return false;
	for (size_t i = 0; i < c->count; i++) {
		const struct conf_region *r = &c->item[i];

		regions[i] = (struct pixel_region){.sop_class = or_any(r->sop_class),
						   .manufacturer = or_any(r->manufacturer),
						   .model = or_any(r->model),
						   .rows = (uint32_t)r->rows,
						   .cols = (uint32_t)r->columns,
						   .left = (uint32_t)r->left,
						   .top = (uint32_t)r->top,
						   .width = (uint32_t)r->width,
						   .height = (uint32_t)r->height};
	}
	s->regions = regions;
	s->region_count = c->count;
	return true;
}

/* What other sections have netrt write into the objects that it makes. */
static bool fill_own_texts(struct anon_settings *s, const struct conf *c, struct arena *a)
{
	const char *const texts[] = {
		c->processing.overlay_series_description,
		c->processing.overlay_study_id,
		c->processing.burn_in_text,
		c->processing.debug_series_description,
		c->processing.segmentation_series_description_template,
		c->processing.segmentation_algorithm_name,
		c->processing.segmentation_algorithm_version,
		c->processing.segmentation_tracking_id,
	};
	enum { TEXTS = sizeof(texts) / sizeof(texts[0]) };
	const char **items = ARENA_NEW(a, const char *, TEXTS);

	if (items == NULL)
		return false;
	for (size_t i = 0; i < TEXTS; i++)
		items[i] = or_any(texts[i]);
	s->own_texts = (struct anon_list){items, TEXTS};
	return true;
}

enum err deid_settings(struct anon_settings *s, const struct conf *c, struct arena *a)
{
	static const enum anon_profile profiles[] = {
		[CONF_PROFILE_NETRT] = ANON_NETRT,
		[CONF_PROFILE_BASIC] = ANON_BASIC,
		[CONF_PROFILE_RESEARCH] = ANON_RESEARCH,
	};
	const struct conf_anonymization *z = &c->anonymization;

	*s = (struct anon_settings){
		.enabled = z->enabled,
		.profile = profiles[z->profile],
		.options = options_of(z),
		.pseudonyms = z->pseudonyms == CONF_PSEUDONYMS_KEYED ? ANON_KEYED : ANON_SEQUENTIAL,
		.site_code = z->site_code,
		.pid_map = z->pid_mapping_file,
		.key_file = z->key_file,
		.id_prefix = z->id_prefix,
		.shift_days_most = z->date_shift_days,
		.roi_names_file = z->roi_names_file,
		.safe_private_file = z->safe_private_file,
		.study_description = z->study_description,
		.burned_in = risk_of(z),
		.sop_classes = list_of(z->sop_classes),
	};
	return fill_netrt(&s->netrt, c, a) && fill_rules(s, z, a) &&
			       fill_regions(s, &z->pixel_regions, a) && fill_own_texts(s, c, a)
		       ? OK
		       : ERR_NOMEM;
}

/* ---- what is wrong with it ---- */

/* Where the text that `where` points at stands in the file, and in the list of which key. */
static const char *find_rule(const struct conf *c, const char *where, struct conf_mark *at)
{
	struct conf_pairs pairs;
	struct conf_list list;

	for (size_t row = 0; row < conf_table_count; row++) {
		const struct conf_key *k = &conf_table[row];
		const uint8_t *value = (const uint8_t *)c + k->at;

		if (k->kind == CONF_LIST) {
			memcpy(&list, value, sizeof(list));
			for (size_t i = 0; i < list.count; i++)
				if (list.item[i] == where) {
					*at = list.at != NULL ? list.at[i] : c->set_at[row];
					return k->path;
				}
		} else if (k->kind == CONF_PAIRS) {
			memcpy(&pairs, value, sizeof(pairs));
			for (size_t i = 0; i < pairs.count; i++)
				if (pairs.item[i].key == where) {
					*at = pairs.item[i].at;
					return k->path;
				}
		}
	}
	return "anonymization";
}

/* The key that is to blame for what was met, and its value as part of the message, or NULL. */
static const char *key_of(const struct conf_anonymization *z, enum gate_part part,
			  const char **value)
{
	bool keyed = z->pseudonyms == CONF_PSEUDONYMS_KEYED;

	*value = NULL;
	switch (part) {
	case GATE_RULES:
		return "anonymization.options.retain_full_dates";
	case GATE_ROI_NAMES:
		*value = z->roi_names_file;
		return "anonymization.roi_names_file";
	case GATE_SAFE_PRIVATE:
		*value = z->safe_private_file;
		return "anonymization.safe_private_file";
	case GATE_KEY:
		*value = z->key_file;
		return "anonymization.key_file";
	case GATE_MAP:
		*value = z->pid_mapping_file;
		return "anonymization.pid_mapping_file";
	case GATE_PREFIX:
		if (!keyed && !z->use_consistent_pid &&
		    z->rules.generate_random_id_prefix[0] != '\0')
			return "anonymization.rules.generate_random_id_prefix";
		return keyed ? "anonymization.id_prefix" : "anonymization.site_code";
	case GATE_NOTHING:
		break;
	}
	return "anonymization";
}

static enum err note(const struct conf *c, const struct gate_problem *p, const struct fault *f,
		     struct arena *a, struct conf_diags *d)
{
	const char *value, *key = key_of(&c->anonymization, p->part, &value);
	size_t row = conf_table_find(bytes_str(key));
	struct conf_mark at = {0, 0};
	struct conf_why why;
	char place[40] = "";

	if (row < conf_table_count)
		at = c->set_at[row];
	if (f->at != FAULT_NO_OFFSET)
		snprintf(place, sizeof(place), "%s %llu: ", p->part == GATE_MAP ? "byte" : "line",
			 (unsigned long long)f->at);
	if (p->part == GATE_RULES && p->rule.where != NULL) {
		key = find_rule(c, p->rule.where, &at);
		conf_why_say(&why, "%s: %s", conf_quote(bytes_str(p->rule.where)), p->rule.reason);
	} else {
		conf_why_say(&why, "%s%s%s%s%s%s", value != NULL ? log_quote_str(value) : "",
			     value != NULL ? ": " : "", place, f->text,
			     f->sys_errno != 0 ? ": " : "",
			     f->sys_errno != 0 ? strerror(f->sys_errno) : "");
	}
	if (conf_diags_full(d))
		return ERR_LIMIT;
	return conf_diags_add(d, a, CONF_ERROR, at, bytes_str(key), why.text) ? OK : ERR_NOMEM;
}

enum err deid_check(const struct conf *c, struct arena *a, struct conf_diags *d)
{
	struct gate_problem problem = {.part = GATE_RULES};
	struct anon_settings s;
	struct policy *policy;
	struct fault f = {.code = OK};
	enum err e = deid_settings(&s, c, a);

	if (e == OK)
		e = policy_make(&policy, &s, NULL, 0, a, &problem.rule, &f);
	if (e == ERR_UNUSABLE && note(c, &problem, &f, a, d) == ERR_NOMEM)
		e = ERR_NOMEM;
	return e;
}

static void say(const struct conf *c, const struct gate_problem *p, const struct fault *f,
		struct arena *a)
{
	static struct conf_diags problems;

	problems.count = problems.errors = 0;
	if (note(c, p, f, a, &problems) == OK)
		conf_diags_log(&problems, c->file);
	else
		log_say(LOG_ERROR, "the rules of de-identification: %s", f->text);
}

bool deid_open(struct anon_gate *g, const struct anon_settings *s, const struct conf *c,
	       struct arena *a)
{
	struct wall now = clock_wall();
	struct gate_problem problem;
	struct fault f;

	if (gate_open(g, s, &now, &problem, &f) == OK)
		return true;
	say(c, &problem, &f, a);
	return false;
}

bool deid_open_policy(struct anon_gate *g, const struct anon_settings *s, const struct conf *c,
		      struct arena *a)
{
	struct gate_problem problem;
	struct fault f;

	if (gate_open_policy(g, s, &problem, &f) == OK)
		return true;
	say(c, &problem, &f, a);
	return false;
}

bool deid_load(struct conf *c, const char *path, struct arena *a)
{
	static struct conf_diags problems;
	enum err e;

	problems.count = problems.errors = 0;
	e = path != NULL ? conf_load(c, path, a, &problems) : conf_defaults(c, a);
	conf_diags_log(&problems, path);
	if (e != OK && problems.errors == 0)
		log_say(LOG_ERROR, "the configuration cannot be read");
	return e == OK;
}
