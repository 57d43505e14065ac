/*
 * The rules of the site and NETRT's lists, from their words to masks and paths of tags, the most
 * specific first.
 */
#include "anon/rules.h"

#include <string.h>

#include "base/limits.h"
#include "dicom/dict.h"
#include "dicom/tag.h"

/* "60xx,3000", "(60xx,3000)", "50xx": a group with any digits in the place of x. */
static bool parse_masked(struct bytes text, uint32_t *tag, uint32_t *mask)
{
	uint32_t value = 0, care = 0;
	unsigned digits = 0;

	for (size_t i = 0; i < text.len; i++) {
		int c = text.at[i] | 0x20;
		bool any = c == 'x';

		if (text.at[i] == ',' && digits == 4)
			continue;
		if ((text.at[i] == '(' && i == 0) || (text.at[i] == ')' && i + 1 == text.len))
			continue;
		if (digits == 8 || !(any || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')))
			return false;
		value = value << 4 | (any ? 0u : (uint32_t)(c <= '9' ? c - '0' : c - 'a' + 10));
		care = care << 4 | (any ? 0u : 0xFu);
		digits++;
	}
	if (digits == 4) {
		value <<= 16;
		care <<= 16;
	} else if (digits != 8) {
		return false;
	}
	*tag = value;
	*mask = care;
	return care != 0;
}

/* One name of a rule: keyword, number, or repeating group. */
static bool parse_name(struct bytes text, uint32_t *tag, uint32_t *mask)
{
	struct dict_entry entry;

	text = bytes_trim(text);
	if (dict_by_keyword(text, &entry)) {
		*tag = entry.tag;
		*mask = entry.mask;
		return true;
	}
	*mask = 0xFFFFFFFFu;
	return dict_parse_tag(text, tag) || parse_masked(text, tag, mask);
}

static enum err parse_where(struct rule *r, struct arena *a, struct fault *f)
{
	struct bytes rest = bytes_str(r->where);
	uint32_t tags[LIMIT_NESTING + 1], mask = 0;
	unsigned count = 0;

	for (bool more = true; more; count++) {
		const uint8_t *end = rest.len > 0 ? memchr(rest.at, '>', rest.len) : NULL;
		size_t len = end != NULL ? (size_t)(end - rest.at) : rest.len;

		if (count > 0 && mask != 0xFFFFFFFFu)
			return fault_set(f, ERR_UNUSABLE, "a path leads through a repeating group",
					 FAULT_NO_OFFSET);
		if (count > LIMIT_NESTING ||
		    !parse_name(bytes_slice(rest, 0, len), &tags[count], &mask))
			return fault_set(f, ERR_UNUSABLE, "names no attribute", FAULT_NO_OFFSET);
		more = end != NULL;
		if (more && mask == 0xFFFFFFFFu && !TAG_IS_PRIVATE(tags[count]) &&
		    dict_vr(tags[count]) != VR_SQ)
			return fault_set(f, ERR_UNUSABLE,
					 "a path leads through what is no sequence",
					 FAULT_NO_OFFSET);
		if (more)
			rest = bytes_slice(rest, len + 1, rest.len - len - 1);
	}
	r->tag = tags[count - 1] & mask;
	r->mask = mask;
	r->depth = count - 1;
	struct bytes path = arena_copy(a, bytes_of(tags, r->depth * sizeof(tags[0])));
	r->path = (const uint32_t *)(const void *)path.at;
	return path.at == NULL ? fault_set(f, ERR_NOMEM, "too many rules", FAULT_NO_OFFSET) : OK;
}

static unsigned bits_of(uint32_t mask)
{
	unsigned n = 0;

	for (; mask != 0; mask &= mask - 1)
		n++;
	return n;
}

/* Longer paths first, then attributes before groups; NETRT's lists come after the site's rules. */
static int specificity(const struct rule *a, const struct rule *b)
{
	if (a->origin != b->origin)
		return a->origin == FROM_SITE ? 1 : -1;
	if (a->depth != b->depth)
		return a->depth > b->depth ? 1 : -1;
	return (int)bits_of(a->mask) - (int)bits_of(b->mask);
}

/* As specific as each other, and there are attributes that both meet. */
static bool same_place(const struct rule *a, const struct rule *b)
{
	return a->origin == b->origin && ((a->tag ^ b->tag) & a->mask & b->mask) == 0 &&
	       bits_of(a->mask) == bits_of(b->mask) && a->depth == b->depth &&
	       (a->depth == 0 || memcmp(a->path, b->path, a->depth * sizeof(*a->path)) == 0);
}

/* Into its place.  Of NETRT's lists the first one that names an attribute counts, as there. */
static enum err insert(struct rules *p, const struct rule *r, struct policy_problem *problem,
		       struct fault *f)
{
	size_t at = 0;

	for (size_t i = 0; i < p->count; i++) {
		const struct rule *old = &p->rule[i];

		if (!same_place(old, r))
			continue;
		if (old->tag == r->tag && old->mask == r->mask &&
		    (r->origin == FROM_NETRT ||
		     (old->act == r->act && bytes_eq(old->value, r->value))))
			return OK;
		if (r->origin == FROM_NETRT ||
		    (old->act == r->act && bytes_eq(old->value, r->value)))
			continue;
		*problem =
			(struct policy_problem){r->where, "another rule says otherwise about it"};
		return fault_set(f, ERR_UNUSABLE, problem->reason, FAULT_NO_OFFSET);
	}
	while (at < p->count && specificity(&p->rule[at], r) >= 0)
		at++;
	memmove(p->rule + at + 1, p->rule + at, (p->count - at) * sizeof(*p->rule));
	p->rule[at] = *r;
	p->count++;
	return OK;
}

/* A new text needs an attribute of a text VR; a hash, one that takes any 16 characters, or UIDs. */
static bool takes_text(const struct rule *r, enum anon_act act)
{
	enum vr vr = r->mask == 0xFFFFFFFFu ? dict_vr(r->tag) : VR_UN;

	if (act == ACT_REPLACE)
		return vr_info(vr)->is_text;
	return vr == VR_UI || vr == VR_AE || (vr_info(vr)->uses_charset && vr_info(vr)->is_text);
}

static enum err add_rule(struct rules *p, const char *where, enum anon_act act,
			 enum anon_origin origin, const char *value, struct arena *a,
			 struct policy_problem *problem, struct fault *f)
{
	struct rule r = {.where = where,
			 .act = act,
			 .origin = origin,
			 .value = value != NULL ? bytes_str(value) : BYTES_NONE};
	enum err e = parse_where(&r, a, f);

	if (e != OK) {
		*problem = (struct policy_problem){where, f->text};
		return e;
	}
	if ((act == ACT_REPLACE || act == ACT_HASH) && !takes_text(&r, act)) {
		*problem = (struct policy_problem){where, "an attribute that holds no such text"};
		return fault_set(f, ERR_UNUSABLE, problem->reason, FAULT_NO_OFFSET);
	}
	return insert(p, &r, problem, f);
}

static enum err add_list(struct rules *p, const struct anon_list *list, enum anon_act act,
			 struct arena *a, struct policy_problem *problem, struct fault *f)
{
	enum err e = OK;

	for (size_t i = 0; i < list->count && e == OK; i++)
		e = add_rule(p, list->item[i], act, FROM_NETRT, NULL, a, problem, f);
	return e;
}

static enum err add_netrt(struct rules *p, const struct anon_netrt_rules *n, struct arena *a,
			  struct policy_problem *problem, struct fault *f)
{
	const struct {
		const struct anon_list *list;
		enum anon_act act;
	} plain[] = {{&n->remove, ACT_REMOVE}, {&n->blank, ACT_EMPTY}},
	  full[] = {{&n->full_remove, ACT_REMOVE},
		    {&n->full_empty, ACT_EMPTY},
		    {&n->full_date, ACT_FIRST_DAY},
		    {&n->full_time, ACT_FULL_HOUR},
		    {&n->full_uid, ACT_UID}};
	enum err e = OK;

	for (size_t i = 0; i < 2 && e == OK && !n->full; i++)
		e = add_list(p, plain[i].list, plain[i].act, a, problem, f);
	for (size_t i = 0; i < 5 && e == OK && n->full; i++)
		e = add_list(p, full[i].list, full[i].act, a, problem, f);
	return e;
}

static enum err add_site(struct rules *p, const struct anon_settings *s, struct arena *a,
			 struct policy_problem *problem, struct fault *f)
{
	static const enum anon_act acts[] = {
		[ANON_SITE_KEEP] = ACT_KEEP,   [ANON_SITE_REMOVE] = ACT_REMOVE,
		[ANON_SITE_BLANK] = ACT_EMPTY, [ANON_SITE_REPLACE] = ACT_REPLACE,
		[ANON_SITE_HASH] = ACT_HASH,
	};
	enum err e = OK;

	for (size_t i = 0; i < s->rule_count && e == OK; i++)
		e = add_rule(p, s->rules[i].where, acts[s->rules[i].act], FROM_SITE,
			     s->rules[i].value, a, problem, f);
	return e;
}

enum err rules_make(struct rules *p, const struct anon_settings *s, struct arena *a,
		    struct policy_problem *problem, struct fault *f)
{
	const struct anon_netrt_rules *n = &s->netrt;
	size_t most = s->rule_count + n->remove.count + n->blank.count + n->full_remove.count +
		      n->full_empty.count + n->full_date.count + n->full_time.count +
		      n->full_uid.count;

	*p = (struct rules){.rule = ARENA_NEW(a, struct rule, most + 1)};
	if (p->rule == NULL)
		return fault_set(f, ERR_NOMEM, "too many rules", FAULT_NO_OFFSET);
	enum err e = add_site(p, s, a, problem, f);
	if (e == OK && s->profile == ANON_NETRT)
		e = add_netrt(p, n, a, problem, f);
	return e;
}

/* A path is met wherever its sequences are the innermost ones around the attribute. */
static bool meets(const struct rule *r, const struct anon_place *at)
{
	return (at->tag & r->mask) == r->tag && r->depth <= at->depth &&
	       (r->depth == 0 || memcmp(r->path, at->path + (at->depth - r->depth),
					r->depth * sizeof(*r->path)) == 0);
}

const struct rule *rules_find(const struct rules *p, const struct anon_place *at)
{
	for (size_t i = 0; i < p->count; i++)
		if (meets(&p->rule[i], at))
			return &p->rule[i];
	return NULL;
}

bool rules_keep_block(const struct rules *p, uint32_t creator)
{
	uint32_t element = TAG_ELEMENT(creator), block = (creator & 0xFFFF0000u) | element << 8;

	if (element < 0x10 || element > 0xFF)
		return false;
	for (size_t i = 0; i < p->count; i++) {
		const struct rule *r = &p->rule[i];

		if (r->origin == FROM_SITE && r->act != ACT_REMOVE && TAG_IS_PRIVATE(r->tag) &&
		    ((r->tag ^ block) & r->mask & 0xFFFFFF00u) == 0)
			return true;
	}
	return false;
}
