#include "dicom/guess.h"

#include "dicom/dict.h"
#include "dicom/tag.h"
#include "dicom/walk.h"

#define TRIAL_ELEMENTS 16u

/* Most files that say nothing are one of these, in this order. */
static const struct syntax *const candidates[] = {
	&syntax_explicit_le,
	&syntax_implicit_le,
	&syntax_explicit_be,
};
#define CANDIDATES (sizeof(candidates) / sizeof(candidates[0]))

struct element {
	uint32_t tag, len;
	enum vr vr; /* VR_NONE in implicit VR */
};

/* One header by the book, with a value that fits. */
static bool read_element(struct rd *r, const struct syntax *s, struct element *e)
{
	uint32_t group = rd_u16(r, s->big_endian);

	e->tag = TAG(group, rd_u16(r, s->big_endian));
	e->vr = VR_NONE;
	if (!s->explicit_vr) {
		e->len = rd_u32(r, s->big_endian);
	} else {
		struct bytes two = rd_take(r, 2);

		e->vr = r->failed ? VR_NONE : vr_parse(two.at);
		if (e->vr == VR_NONE)
			return false;
		if (!vr_info(e->vr)->long_form)
			e->len = rd_u16(r, s->big_endian);
		else if (rd_u16(r, s->big_endian) == 0)
			e->len = rd_u32(r, s->big_endian);
		else
			return false;
	}
	if (group == 0xFFFE)
		return false;
	if (e->len == DICOM_UNDEFINED) { /* an item follows, or the end of no items */
		group = rd_u16(r, s->big_endian);
		return group == 0xFFFE;
	}
	rd_take(r, e->len);
	return !r->failed;
}

/* How many elements could be read in a row; *clean: nothing spoke against this encoding. */
static unsigned trial(struct bytes data, const struct syntax *s, bool *clean)
{
	struct rd r = rd_of(data);
	struct element e;
	uint32_t last = 0;
	unsigned count = 0;

	*clean = false;
	while (count < TRIAL_ELEMENTS && rd_left(&r) > 0) {
		if (!read_element(&r, s, &e) || (count > 0 && e.tag <= last))
			return count;
		count++;
		last = e.tag;
		if (e.len == DICOM_UNDEFINED)
			break;
	}
	*clean = count > 0;
	return count;
}

bool guess_plausible(struct bytes data)
{
	for (size_t i = 0; i < CANDIDATES; i++) {
		struct rd r = rd_of(data);
		struct element e;
		struct dict_entry entry;

		if (!read_element(&r, candidates[i], &e) || TAG_GROUP(e.tag) == 0)
			continue;
		if (dict_find(e.tag, &entry) && entry.vr != VR_NONE &&
		    (e.vr == VR_NONE || dict_allows(e.tag, e.vr)))
			return true;
	}
	return false;
}

/* In which all was well, for two elements at least: one may be chance. */
static bool is_sure(unsigned count, bool clean)
{
	return clean && count >= 2;
}

const struct syntax *guess_syntax(struct bytes data)
{
	const struct syntax *best = NULL;
	unsigned best_score = 0;

	for (size_t i = 0; i < CANDIDATES; i++) {
		bool clean;
		unsigned score = trial(data, candidates[i], &clean);

		if (is_sure(score, clean))
			score += TRIAL_ELEMENTS;
		if (score > best_score) {
			best = candidates[i];
			best_score = score;
		}
	}
	return best;
}

const struct syntax *guess_correct(struct bytes data, const struct syntax *named)
{
	bool clean;

	trial(data, named, &clean);
	if (clean)
		return named;
	for (size_t i = 0; i < CANDIDATES; i++) {
		unsigned count = trial(data, candidates[i], &clean);

		if (candidates[i] != named && is_sure(count, clean))
			return candidates[i];
	}
	return named;
}
