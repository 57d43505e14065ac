#include "dicom/stream_form.h"

#include <string.h>

#define LONG_HEAD 12u

uint32_t stream_tag(const uint8_t *p, bool big_endian)
{
	if (big_endian)
		return TAG(get_u16be(p), get_u16be(p + 2));
	return TAG(get_u16le(p), get_u16le(p + 2));
}

uint32_t stream_u32(const uint8_t *p, bool big_endian)
{
	return big_endian ? get_u32be(p) : get_u32le(p);
}

uint64_t stream_rest(const struct stream *s, uint64_t end, uint64_t at)
{
	if (end == STREAM_OPEN)
		end = s->ended ? s->total : s->limits.bytes;
	return at < end ? end - at : 0;
}

/* walk's makes_sense, once the eight bytes after the value are there; `room` are left after
 * these.  *reach is how many of them it needs; *plain: it is hardly a coincidence. */
static bool follows(const uint8_t *p, uint32_t tag, bool in_item, bool big_endian, uint64_t room,
		    uint64_t *reach, bool *plain)
{
	uint32_t next_tag = stream_tag(p, big_endian);

	*reach = 0;
	*plain = true;
	if (next_tag == TAG_ITEM_END || next_tag == TAG_SEQUENCE_END)
		return in_item;
	if (next_tag <= tag)
		return false;
	uint32_t next_len = stream_u32(p + 4, big_endian);
	if (vr_parse(p + 4) != VR_NONE)
		return true;
	*plain = false;
	if (next_len == DICOM_UNDEFINED)
		return true;
	*reach = next_len;
	return next_len <= room;
}

/* What lies at `pos` is `in`: does a probe wait for some of it? */
void stream_probe_collect(struct stream *s, struct bytes in)
{
	for (unsigned i = 0; i < s->probe_count; i++) {
		struct stream_probe *p = &s->probe[i];
		uint64_t want = p->at + p->have;

		if (p->have == sizeof(p->bytes) || want < s->pos || want - s->pos >= in.len)
			continue;
		size_t skip = (size_t)(want - s->pos), n = sizeof(p->bytes) - p->have;
		n = n < in.len - skip ? n : in.len - skip;
		memcpy(p->bytes + p->have, in.at + skip, n);
		p->have = (uint8_t)(p->have + n);
	}
}

/* The value that this form of the header at `pos` announces ends somewhere beyond `ahead`. */
static enum err add_probe(struct stream *s, const struct stream_level *top, uint32_t tag,
			  const struct stream_form *h, bool wanted, struct fault *f)
{
	if (s->probe_count == sizeof(s->probe) / sizeof(s->probe[0]))
		return fault_tag(f, ERR_WIRE, "too many elements whose encoding is doubtful",
				 s->pos, tag);

	s->probe[s->probe_count++] = (struct stream_probe){
		.at = s->pos + h->size + h->len,
		.end = top->end,
		.tag = tag,
		.in_item = top->kind == IN_ITEM,
		.big_endian = top->big_endian,
		.wanted = wanted,
	};
	return OK;
}

static bool comes_true(struct stream *s, const struct stream_probe *p)
{
	bool known = stream_knows(s, p->end);
	uint64_t rest = stream_rest(s, p->end, p->at), reach;
	bool plain;
	uint64_t end = p->end != STREAM_OPEN ? p->end : s->total;

	if (known && p->at == end)
		return true;
	if (known && rest < ITEM_HEAD)
		return false;
	if (p->have < sizeof(p->bytes) || rest < ITEM_HEAD)
		return false;
	if (!follows(p->bytes, p->tag, p->in_item, p->big_endian, rest - ITEM_HEAD, &reach, &plain))
		return false;
	if (p->wanted && !known && p->at + ITEM_HEAD + reach > s->reach)
		s->reach = p->at + ITEM_HEAD + reach;
	return true;
}

/* The probes that the parse has passed; at the end, all. */
enum err stream_probe_judge(struct stream *s, struct fault *f)
{
	for (unsigned i = 0; i < s->probe_count;) {
		struct stream_probe *p = &s->probe[i];

		if (!s->ended && p->at + ITEM_HEAD > s->pos) {
			i++;
			continue;
		}
		if (comes_true(s, p) != p->wanted)
			return fault_tag(f, ERR_WIRE,
					 "an element whose encoding makes no sense of what follows",
					 p->at, p->tag);
		*p = s->probe[--s->probe_count];
	}
	return OK;
}

static bool is_item(const uint8_t *p, bool big_endian)
{
	uint32_t tag = stream_tag(p, big_endian);

	return tag == TAG_ITEM || tag == TAG_SEQUENCE_END;
}

/* Does an item, or the end of a sequence, follow a header of `size` bytes? */
enum sense stream_item_follows(const struct stream *s, const struct stream_level *top, size_t size,
			       bool big_endian)
{
	if (stream_knows(s, top->end) && stream_rest(s, top->end, s->pos + size) < ITEM_HEAD)
		return SENSE_NO;
	if (stream_held(s) < size + ITEM_HEAD)
		return s->ended ? SENSE_NO : SENSE_WAIT;
	return is_item(stream_here(s) + size, big_endian) ? SENSE_YES : SENSE_NO;
}

bool stream_fits(const struct stream *s, const struct stream_level *top,
		 const struct stream_form *h)
{
	uint64_t rest = stream_rest(s, top->end, s->pos);

	return h->size <= rest && (h->len == DICOM_UNDEFINED || h->len <= rest - h->size);
}

static enum sense makes_sense(const struct stream *s, const struct stream_level *top, uint32_t tag,
			      struct stream_form *h)
{
	bool known = stream_knows(s, top->end);
	uint64_t next = (uint64_t)h->size + h->len, rest = stream_rest(s, top->end, s->pos), reach;

	h->reach = 0;
	h->plain = true;
	if (!stream_fits(s, top, h))
		return SENSE_NO;
	if (h->len == DICOM_UNDEFINED) {
		enum sense sense = stream_item_follows(s, top, h->size, top->big_endian);

		return sense == SENSE_NO ? stream_item_follows(s, top, h->size, false) : sense;
	}
	if (known && next == rest)
		return SENSE_YES;
	if (known && rest - next < ITEM_HEAD)
		return SENSE_NO;
	if (next + ITEM_HEAD > s->look)
		return SENSE_LATER;
	if (stream_held(s) < next + ITEM_HEAD)
		return s->ended ? SENSE_NO : SENSE_WAIT;
	if (!follows(stream_here(s) + next, tag, top->kind == IN_ITEM, top->big_endian,
		     rest - next - ITEM_HEAD, &reach, &h->plain))
		return SENSE_NO;
	h->reach = known ? 0 : s->pos + next + ITEM_HEAD + reach;
	return SENSE_YES;
}

/* ---- the forms of a header ---- */

static struct stream_form form_implicit(const struct stream *s, bool big_endian)
{
	return (struct stream_form){.len = stream_u32(stream_here(s) + 4, big_endian), .size = 8};
}

static struct stream_form form_short(const struct stream *s, bool big_endian, enum vr vr)
{
	const uint8_t *p = stream_here(s) + 6;

	return (struct stream_form){
		.len = big_endian ? get_u16be(p) : get_u16le(p),
		.vr = vr,
		.size = 8,
		.explicit_vr = true,
	};
}

/* With fewer than 12 bytes left in the level the result fits nowhere. */
static struct stream_form form_long(const struct stream *s, bool big_endian, enum vr vr)
{
	return (struct stream_form){
		.len = stream_held(s) >= LONG_HEAD ? stream_u32(stream_here(s) + 8, big_endian) : 0,
		.vr = vr,
		.size = LONG_HEAD,
		.explicit_vr = true,
	};
}

/* The twelve bytes of a long form are there, or never will be. */
static enum err need_long(const struct stream *s, const struct stream_level *top, struct fault *f)
{
	if (stream_held(s) >= LONG_HEAD || stream_rest(s, top->end, s->pos) < LONG_HEAD)
		return OK;
	if (!s->ended)
		return ERR_MORE;
	return fault_set(f, ERR_WIRE, "the data end inside the header of an element", s->pos);
}

static void reach_for(struct stream *s, const struct stream_form *h)
{
	if (h->reach > s->reach)
		s->reach = h->reach;
}

/* As walk: the first candidate that makes sense, else the first that fits, else the first.  One of
 * which only what comes later will tell is passed over for one that plainly makes sense.
 * *sensible: it is one that makes sense, as far as can be told. */
static enum err choose(struct stream *s, const struct stream_level *top, uint32_t tag,
		       struct stream_form *candidates, unsigned count, struct stream_form *out,
		       bool *sensible, struct fault *f)
{
	enum sense sense[3];
	unsigned best = count, later = count;
	enum err e = OK;

	for (unsigned i = 0; i < count && best == count; i++) {
		sense[i] = makes_sense(s, top, tag, &candidates[i]);
		if (sense[i] == SENSE_WAIT)
			return ERR_MORE;
		if (sense[i] == SENSE_YES && (later == count || candidates[i].plain))
			best = i;
		if (sense[i] == SENSE_LATER && later == count)
			later = i;
	}
	*sensible = true;
	if (best < count) { /* what comes before it had better make no sense */
		for (unsigned i = 0; i < best && e == OK; i++)
			if (sense[i] == SENSE_LATER)
				e = add_probe(s, top, tag, &candidates[i], false, f);
		reach_for(s, &candidates[best]);
		*out = candidates[best];
		return e;
	}
	if (later < count) {
		*out = candidates[later];
		return add_probe(s, top, tag, out, true, f);
	}
	*sensible = false;
	*out = candidates[0];
	for (unsigned i = count; i > 0; i--)
		if (stream_fits(s, top, &candidates[i - 1]))
			*out = candidates[i - 1];
	return OK;
}

static enum err choose_explicit(struct stream *s, const struct stream_level *top, uint32_t tag,
				struct stream_form *out, struct fault *f)
{
	const uint8_t *p = stream_here(s) + 4;
	enum vr vr = vr_parse(p);
	struct stream_form brief = form_short(s, top->big_endian, vr);
	bool is_long = vr_info(vr)->long_form;
	bool reserved = (p[2] | p[3]) == 0;

	/* what passes the limit of the whole is refused, and not read in another way */
	bool bounded = stream_knows(s, top->end);

	*out = brief;
	if (vr != VR_NONE && !is_long && (stream_fits(s, top, &brief) || !bounded))
		return OK;

	enum err e = need_long(s, top, f);
	if (e != OK)
		return e;
	struct stream_form full = form_long(s, top->big_endian, vr);
	struct stream_form implicit = form_implicit(s, top->big_endian);
	*out = full;
	if (is_long && reserved &&
	    (stream_fits(s, top, &full) || !bounded ||
	     stream_rest(s, top->end, s->pos) < full.size))
		return OK;

	bool capitals = p[0] >= 'A' && p[0] <= 'Z' && p[1] >= 'A' && p[1] <= 'Z';
	bool printable = p[0] >= ' ' && p[0] <= '~' && p[1] >= ' ' && p[1] <= '~';
	bool sensible;
	if (is_long || (vr == VR_NONE && capitals && reserved))
		e = choose(s, top, tag, (struct stream_form[]){full, brief, implicit}, 3, out,
			   &sensible, f);
	else if (vr != VR_NONE || printable)
		e = choose(s, top, tag, (struct stream_form[]){brief, implicit}, 2, out, &sensible,
			   f);
	else
		e = choose(s, top, tag, (struct stream_form[]){implicit, brief}, 2, out, &sensible,
			   f);
	if (e == OK && vr != VR_NONE && !sensible)
		*out = is_long ? full : brief;
	return e;
}

/* A length whose bytes look like a VR is a length, unless that makes no sense and the VR does. */
static enum err choose_implicit(struct stream *s, const struct stream_level *top, uint32_t tag,
				struct stream_form *out, struct fault *f)
{
	struct stream_form implicit = form_implicit(s, top->big_endian);
	enum vr vr = vr_parse(stream_here(s) + 4);
	enum err e;

	*out = implicit;
	if (vr == VR_NONE)
		return OK;
	e = need_long(s, top, f);
	if (e != OK)
		return e;

	struct stream_form other = vr_info(vr)->long_form ? form_long(s, top->big_endian, vr)
							  : form_short(s, top->big_endian, vr);
	enum sense first = makes_sense(s, top, tag, &implicit);
	if (first == SENSE_WAIT)
		return ERR_MORE;
	if (first == SENSE_YES) {
		reach_for(s, &implicit);
		return OK;
	}
	enum sense second = makes_sense(s, top, tag, &other);
	if (second == SENSE_WAIT)
		return ERR_MORE;
	if (second == SENSE_NO)
		return OK;
	if (first == SENSE_LATER) /* so that it can be trusted, it must not be the other */
		return add_probe(s, top, tag, &implicit, true, f);
	*out = other;
	reach_for(s, &other);
	return second == SENSE_LATER ? add_probe(s, top, tag, &other, true, f) : OK;
}

enum err stream_form_choose(struct stream *s, const struct stream_level *top, uint32_t tag,
			    struct stream_form *out, struct fault *f)
{
	return top->explicit_vr ? choose_explicit(s, top, tag, out, f)
				: choose_implicit(s, top, tag, out, f);
}
