/*
 * The streaming check: dicom/walk, turned inside out.
 *
 * Bytes of values are stepped over where they come (`skip`); only what may be a header is copied to
 * `ahead`, which begins at `pos`, the position of the parse.  `step` takes one header, or one level
 * off the stack, or says ERR_MORE; all its decisions depend on the bytes from `pos` on and never on
 * how many of them happen to be there already, so the result is the same for any chunks.
 *
 * The end of a level is known once a part of defined length surrounds it; else it is STREAM_OPEN
 * until the stream ends, and until then no value can be said not to fit (but by the limit of the
 * whole).
 *
 * Where walk looks at what follows a value (makes_sense), there are two more answers here:
 * SENSE_WAIT, the bytes are within STREAM_AHEAD but have not come, and SENSE_LATER.  A reading of
 * which only SENSE_LATER will show whether it makes sense is either taken on trust, or not taken
 * because another one makes sense; a probe then waits at the place in question for walk's answer
 * (judge).
 */
#include "dicom/stream.h"

#include <assert.h>
#include <string.h>

#include "dicom/deflate.h"
#include "dicom/dict.h"
#include "dicom/stream_form.h"

static struct stream_level *top_of(struct stream *s)
{
	return &s->level[s->depth - 1];
}

static enum err wire(const struct stream *s, const char *text, uint32_t tag, struct fault *f)
{
	return fault_tag(f, ERR_WIRE, text, s->pos, tag);
}

/* The parse goes on by n bytes, which are at p. */
static void go_past(struct stream *s, const uint8_t *p, size_t n)
{
	if (s->probe_count > 0)
		stream_probe_collect(s, bytes_of(p, n));
	s->pos += n;
}

static void consume(struct stream *s, size_t n)
{
	assert(n <= stream_held(s));
	go_past(s, stream_here(s), n);
	s->from += n;
}

/* ---- the head ---- */

enum { SOP_CLASS, SOP_INSTANCE, STUDY, SERIES, MODALITY, VALUES };

static const uint32_t head_tags[VALUES] = {
	[SOP_CLASS] = TAG_SOPClassUID,  [SOP_INSTANCE] = TAG_SOPInstanceUID,
	[STUDY] = TAG_StudyInstanceUID, [SERIES] = TAG_SeriesInstanceUID,
	[MODALITY] = TAG_Modality,
};

/* An element of the top level: is its value wanted? */
static void meet(struct stream *s, uint32_t tag)
{
	s->keeping = 0;
	if (tag > TAG_SeriesInstanceUID)
		s->head.complete = true;
	for (unsigned i = 0; i < VALUES; i++) {
		if (head_tags[i] != tag || (s->seen >> i & 1u) != 0)
			continue;
		s->seen |= 1u << i;
		s->keeping = i + 1;
		s->kept_len = 0;
		s->kept_over = false;
	}
}

/* Leading spaces go, and so does any amount of padding at the end. */
static void keep(struct stream *s, const uint8_t *p, size_t n)
{
	for (; n > 0; p++, n--) {
		if (s->kept_len == 0 && *p == ' ')
			continue;
		if (s->kept_len < sizeof(s->kept))
			s->kept[s->kept_len++] = *p;
		else if (*p != ' ' && *p != '\0')
			s->kept_over = true;
	}
}

static void kept_whole(struct stream *s)
{
	struct uid *uids[VALUES] = {
		[SOP_CLASS] = &s->head.sop_class,
		[SOP_INSTANCE] = &s->head.sop_instance,
		[STUDY] = &s->head.study,
		[SERIES] = &s->head.series,
	};
	unsigned which = s->keeping - 1;
	struct bytes value = bytes_of(s->kept, s->kept_len);

	s->keeping = 0;
	if (which != MODALITY)
		(void)uid_set(uids[which], s->kept_over ? BYTES_NONE : value);
	else
		bytes_to_str(s->kept_over ? value : bytes_trim(value), s->head.modality,
			     sizeof(s->head.modality));
}

/* The next n bytes are of a value. */
static void pass(struct stream *s, const uint8_t *p, size_t n)
{
	if (s->keeping != 0)
		keep(s, p, n);
	go_past(s, p, n);
	s->skip -= n;
	if (s->skip == 0 && s->keeping != 0)
		kept_whole(s);
}

/* ---- the steps ---- */

static void push(struct stream *s, struct stream_level child, uint32_t len)
{
	const struct stream_level *parent = top_of(s);

	child.undefined = len == DICOM_UNDEFINED;
	child.end = child.undefined ? parent->end : s->pos + len;
	assert(s->depth < sizeof(s->level) / sizeof(s->level[0]));
	assert(child.end <= parent->end);
	s->level[s->depth++] = child;
}

/* Nothing is left of the level. */
static enum err end_level(struct stream *s, struct fault *f)
{
	const struct stream_level *top = top_of(s);

	if (top->undefined && top->end == STREAM_OPEN)
		return wire(s,
			    top->kind == IN_PIXELS ? "the data end inside encapsulated pixel data"
						   : "the data end inside a sequence",
			    top->tag, f);
	s->depth--;
	return OK;
}

static enum err count_one(struct stream *s, uint32_t tag, struct fault *f)
{
	if (s->elements >= s->limits.elements)
		return fault_tag(f, ERR_LIMIT, "too many elements in a data set", s->pos, tag);
	s->elements++;
	return OK;
}

/* What does not fit: into its parent, or, where that has no end, into the limit. */
static enum err too_long(const struct stream *s, const struct stream_level *top, const char *text,
			 uint32_t tag, struct fault *f)
{
	if (stream_knows(s, top->end))
		return wire(s, text, tag, f);
	return fault_tag(f, ERR_LIMIT, "the data set is longer than an object may be", s->pos, tag);
}

/* A delimiter that ends nothing here. */
static bool is_stray(const struct stream_level *top, uint32_t tag)
{
	if (tag == TAG_ITEM_END)
		return top->kind != IN_ITEM || !top->undefined;
	if (tag == TAG_SEQUENCE_END)
		return top->kind == IN_DATA_SET || !top->undefined;
	return false;
}

static enum err step_item(struct stream *s, struct fault *f)
{
	struct stream_level *top = top_of(s);
	uint32_t tag = stream_tag(stream_here(s), top->big_endian);
	uint32_t len = stream_u32(stream_here(s) + 4, top->big_endian);

	if (tag == TAG_SEQUENCE_END) { /* not a stray */
		consume(s, ITEM_HEAD);
		s->depth--;
		return OK;
	}
	if (tag != TAG_ITEM)
		return wire(s, "something that is no item in a sequence", top->tag, f);
	if (len != DICOM_UNDEFINED && len > stream_rest(s, top->end, s->pos) - ITEM_HEAD)
		return too_long(s, top, "an item runs past the end of its sequence", top->tag, f);
	if (top->kind == IN_PIXELS && len == DICOM_UNDEFINED)
		return wire(s, "a pixel data fragment of undefined length", top->tag, f);

	enum err e = count_one(s, top->tag, f);
	if (e != OK)
		return e;
	consume(s, ITEM_HEAD);
	if (top->kind == IN_PIXELS)
		s->skip = len;
	else
		push(s,
		     (struct stream_level){.kind = IN_ITEM,
					   .tag = top->tag,
					   .explicit_vr = top->explicit_vr,
					   .big_endian = top->big_endian},
		     len);
	return OK;
}

/* FFFE,xxxx where an element should be. */
static enum err step_delimiter(struct stream *s, uint32_t tag, struct fault *f)
{
	const struct stream_level *top = top_of(s);
	bool known = tag == TAG_ITEM || tag == TAG_ITEM_END || tag == TAG_SEQUENCE_END;

	if (top->kind != IN_ITEM || !top->undefined || !known)
		return wire(s, "an item outside of a sequence", tag, f);
	if (tag == TAG_ITEM_END)
		consume(s, ITEM_HEAD);
	s->depth--;
	return OK;
}

/* The level that an element of this header opens; ERR_MORE also when that cannot be told yet. */
static enum err content_of(const struct stream *s, const struct stream_level *top, uint32_t tag,
			   const struct stream_form *h, enum vr vr, struct stream_level *child,
			   struct fault *f)
{
	bool undefined = h->len == DICOM_UNDEFINED;

	*child = (struct stream_level){
		.kind = IN_SEQUENCE,
		.tag = tag,
		.explicit_vr = h->explicit_vr,
		.big_endian = top->big_endian,
	};
	if (undefined && (vr == VR_OB || vr == VR_OW || tag == TAG_PixelData)) {
		child->kind = IN_PIXELS;
	} else if (vr != VR_SQ) {
		enum sense item = vr == VR_UN && !top->big_endian
					  ? SENSE_NO
					  : stream_item_follows(s, top, h->size, top->big_endian);

		if (item == SENSE_WAIT)
			return ERR_MORE;
		if (vr != VR_UN && item == SENSE_NO)
			return wire(s, "undefined length of an element that is no sequence", tag,
				    f);
		if (vr == VR_UN) {
			child->explicit_vr = false;
			child->big_endian = item == SENSE_YES;
		}
	}
	if (child->kind == IN_SEQUENCE && (s->depth - 1) / 2 >= s->limits.nesting)
		return fault_tag(f, ERR_LIMIT, "sequences are nested too deeply", s->pos, tag);
	return OK;
}

static enum err step_element(struct stream *s, struct fault *f)
{
	struct stream_level *top = top_of(s);
	uint32_t tag = stream_tag(stream_here(s), top->big_endian);
	struct stream_level child;
	struct stream_form h;

	if (TAG_GROUP(tag) == 0xFFFE)
		return step_delimiter(s, tag, f);

	enum err e = stream_form_choose(s, top, tag, &h, f);
	if (e == OK && !stream_fits(s, top, &h))
		e = too_long(s, top, "an element runs past the end of what it is in", tag, f);
	if (e != OK)
		return e;

	enum vr vr = h.explicit_vr ? h.vr : dict_vr(tag);
	bool opens = h.len == DICOM_UNDEFINED || vr == VR_SQ;
	if (opens)
		e = content_of(s, top, tag, &h, vr, &child, f);
	if (e == OK)
		e = count_one(s, tag, f);
	if (e != OK)
		return e;

	if (s->depth == 1)
		meet(s, tag);
	consume(s, h.size);
	if (opens) {
		s->keeping = 0;
		push(s, child, h.len);
		return OK;
	}
	s->skip = h.len;
	if (h.len == 0 && s->keeping != 0)
		kept_whole(s);
	return OK;
}

static size_t zeros(const uint8_t *p, size_t n)
{
	size_t i = 0;

	while (i < n && p[i] == 0)
		i++;
	return i;
}

/* One header, or one level less.  ERR_MORE: not without more bytes. */
static enum err step(struct stream *s, struct fault *f)
{
	struct stream_level *top = top_of(s);
	uint64_t rest = stream_rest(s, top->end, s->pos);
	bool elements = top->kind == IN_DATA_SET || top->kind == IN_ITEM;
	enum err e = s->probe_count > 0 ? stream_probe_judge(s, f) : OK;

	if (e != OK)
		return e;
	if (rest == 0 && stream_knows(s, top->end))
		return end_level(s, f);
	size_t need = rest < ITEM_HEAD && stream_knows(s, top->end) ? (size_t)rest : ITEM_HEAD;
	if (stream_held(s) < need && !s->ended)
		return ERR_MORE;
	if (stream_held(s) < need)
		return wire(s, "the data end inside the header of an element", top->tag, f);

	if (need == ITEM_HEAD && is_stray(top, stream_tag(stream_here(s), top->big_endian))) {
		consume(s, ITEM_HEAD);
		return count_one(s, 0, f);
	}
	if (top->kind == IN_DATA_SET && zeros(stream_here(s), need) == need) {
		s->padding = true;
		return OK;
	}
	if (need < ITEM_HEAD)
		return wire(s, "a header runs past the end of what it is in", top->tag, f);
	return elements ? step_element(s, f) : step_item(s, f);
}

/* ---- feeding ---- */

static void refill(struct stream *s, struct bytes *in)
{
	if (s->from == s->to) {
		s->from = s->to = 0;
	} else if (s->to > STREAM_AHEAD) {
		memmove(s->ahead, stream_here(s), stream_held(s));
		s->to -= s->from;
		s->from = 0;
	}

	size_t n = sizeof(s->ahead) - s->to;
	n = n < STREAM_AHEAD ? n : STREAM_AHEAD;
	n = n < in->len ? n : in->len;
	assert(n > 0);
	memcpy(s->ahead + s->to, in->at, n);
	s->to += n;
	*in = bytes_slice(*in, n, in->len - n);
}

static enum err pad(struct stream *s, const uint8_t *p, size_t n, struct fault *f)
{
	size_t count = zeros(p, n);

	go_past(s, p, count);
	return count == n ? OK : wire(s, "zero bytes between elements", 0, f);
}

/* Go as far as what is held and `in` allow. */
static enum err advance(struct stream *s, struct bytes in, struct fault *f)
{
	for (;;) {
		size_t first = stream_held(s);
		struct bytes next = first > 0 ? bytes_of(stream_here(s), first) : in;

		if (s->skip > 0 || s->padding) {
			size_t n = s->padding || s->skip > next.len ? next.len : (size_t)s->skip;

			if (n == 0)
				return OK;
			if (s->padding && pad(s, next.at, n, f) != OK)
				return ERR_WIRE;
			if (!s->padding)
				pass(s, next.at, n);
			if (first > 0)
				s->from += n;
			else
				in = bytes_slice(in, n, in.len - n);
			continue;
		}
		if (s->ended && s->depth == 1 && first == 0)
			return OK;
		enum err e = step(s, f);
		if (e == ERR_MORE && in.len == 0)
			return OK;
		if (e == ERR_MORE)
			refill(s, &in);
		else if (e != OK)
			return e;
	}
}

/* Bytes of the data set, inflated. */
static enum err take(struct stream *s, struct bytes in, struct fault *f)
{
	bool over = in.len > s->limits.bytes - s->total;

	if (over)
		in.len = (size_t)(s->limits.bytes - s->total);
	s->total += in.len;

	enum err e = advance(s, in, f);
	if (e == OK && over)
		e = fault_set(f, ERR_LIMIT, "the data set is longer than an object may be",
			      s->total);
	return e;
}

static enum err take_deflated(struct stream *s, struct bytes in, bool last, struct fault *f)
{
	struct bytes out;
	enum err e = s->inflater == NULL ? inflater_open(&s->inflater, f) : OK;

	while (e == OK) {
		e = inflater_next(s->inflater, &in, last, &out, f);
		if (e == OK)
			e = take(s, out, f);
	}
	return e == ERR_MORE ? OK : e;
}

static enum err finish(struct stream *s, struct fault *f)
{
	s->ended = true;
	enum err e = advance(s, BYTES_NONE, f);
	if (e == OK && s->skip > 0)
		e = wire(s, "the data end inside an element", 0, f);
	assert(e != OK || s->padding || (s->depth == 1 && stream_held(s) == 0));
	if (e == OK)
		e = stream_probe_judge(s, f);
	if (e == OK && s->reach > s->total)
		e = wire(s, "an element whose encoding makes no sense of what follows", 0, f);
	if (e == OK)
		s->head.complete = true;
	return e;
}

static enum err settle(struct stream *s, enum err e, const struct fault *why, struct fault *f)
{
	if (e == OK)
		return OK;
	s->failed = e;
	s->why = *why;
	stream_free(s);
	if (f != NULL)
		*f = *why;
	return e;
}

void stream_init(struct stream *s, const struct syntax *syntax, const struct stream_limits *limits)
{
	assert(limits->nesting <= LIMIT_NESTING);
	*s = (struct stream){.syntax = syntax, .limits = *limits, .depth = 1, .look = STREAM_AHEAD};
	s->level[0] = (struct stream_level){
		.end = STREAM_OPEN,
		.kind = IN_DATA_SET,
		.explicit_vr = syntax->explicit_vr,
		.big_endian = syntax->big_endian,
	};
}

enum err stream_feed(struct stream *s, struct bytes chunk, struct fault *f)
{
	struct fault why = {0};
	enum err e;

	assert(!s->ended);
	if (s->failed != OK)
		return settle(s, s->failed, &s->why, f);
	if (!s->syntax->deflated)
		return settle(s, take(s, chunk, &why), &why, f);

	bool over = chunk.len > s->limits.bytes - s->fed;
	if (over)
		chunk.len = (size_t)(s->limits.bytes - s->fed);
	s->fed += chunk.len;
	e = take_deflated(s, chunk, false, &why);
	if (e == OK && over)
		e = fault_set(&why, ERR_LIMIT, "the data set is longer than an object may be",
			      s->fed);
	return settle(s, e, &why, f);
}

enum err stream_end(struct stream *s, struct fault *f)
{
	struct fault why = {0};
	enum err e;

	assert(!s->ended);
	if (s->failed != OK)
		return settle(s, s->failed, &s->why, f);
	e = s->syntax->deflated ? take_deflated(s, BYTES_NONE, true, &why) : OK;
	if (e == OK)
		e = finish(s, &why);
	stream_free(s);
	return settle(s, e, &why, f);
}

void stream_free(struct stream *s)
{
	inflater_free(s->inflater);
	s->inflater = NULL;
}

const struct stream_head *stream_head(const struct stream *s)
{
	return &s->head;
}
