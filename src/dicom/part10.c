/*
 * Reading a file: find the meta information, if any, read the transfer syntax from it,
 * and view or inflate what follows.
 *
 * The group length of the meta information is not trusted: its elements are those of
 * group 0002, read one after the other until another group begins.  Only where the data
 * set is a deflate stream, whose first bytes may look like anything, a group length
 * that ends at an element's end is believed.
 */
#include "dicom/part10.h"

#include <string.h>

#include "dicom/deflate.h"
#include "dicom/guess.h"

#define PREAMBLE 128u
#define MAGIC 4u /* "DICM" */

static bool magic_at(struct bytes file, size_t at)
{
	return file.len >= at + MAGIC && memcmp(file.at + at, "DICM", MAGIC) == 0;
}

/* Is there an element of group 0002 at `at`, and in which byte order? */
static bool meta_at(struct bytes file, size_t at, bool *big_endian)
{
	if (file.len < at + 8)
		return false;
	*big_endian = get_u16be(file.at + at) == 2;
	return *big_endian || get_u16le(file.at + at) == 2;
}

bool part10_plausible(struct bytes file)
{
	return magic_at(file, PREAMBLE) || magic_at(file, 0) || guess_plausible(file);
}

static const struct syntax *meta_syntax_of(struct bytes file, size_t at, bool big_endian)
{
	if (big_endian)
		return &syntax_explicit_be;
	return vr_parse(file.at + at + 4) == VR_NONE ? &syntax_implicit_le : &syntax_explicit_le;
}

struct meta {
	size_t len;
	struct bytes syntax_uid; /* trimmed; empty where there is none */
	uint64_t group_end;      /* as the group length says; 0 without one */
};

static void take_meta(struct meta *m, const struct token *t)
{
	if (t->tag == TAG_TransferSyntaxUID)
		m->syntax_uid = bytes_trim(t->value);
	if (t->tag == TAG_FileMetaInformationGroupLength && t->value.len == 4)
		m->group_end = (uint64_t)t->value_at + 4 +
			       (t->big_endian ? get_u32be(t->value.at) : get_u32le(t->value.at));
}

static enum err read_meta(struct meta *m, struct bytes in, const struct syntax *syntax,
			  struct fault *f)
{
	struct walk w;
	struct token t;
	bool big_endian;

	*m = (struct meta){0};
	walk_init(&w, in, syntax);
	while (meta_at(in, w.pos, &big_endian) && big_endian == syntax->big_endian) {
		enum err e = walk_next(&w, &t, f);

		if (e != OK)
			return e;
		if (t.kind != TOK_ELEMENT)
			return fault_tag(f, ERR_WIRE, "a sequence in the file meta information",
					 t.at, t.tag);
		take_meta(m, &t);
		if (w.pos == m->group_end && m->syntax_uid.len > 0) {
			const struct syntax *named = syntax_find(m->syntax_uid);

			if (named != NULL && named->deflated)
				break;
		}
	}
	m->len = w.pos;
	return OK;
}

/* The encoding of p->data, from what the meta information names and what is there. */
static enum err find_syntax(struct part10 *p, struct bytes named, struct fault *f)
{
	p->syntax = syntax_find(named);
	if (!uid_set(&p->syntax_uid, named)) { /* none, or no UID */
		p->guessed = true;
		p->syntax = p->data.len == 0 ? &syntax_explicit_le : guess_syntax(p->data);
		if (p->syntax == NULL)
			return fault_set(f, ERR_UNUSABLE, "the encoding of the data set is unclear",
					 p->data_at);
	} else if (p->syntax == NULL) {
		p->syntax_unknown = true;
		p->syntax = &syntax_explicit_le;
		return OK;
	} else if (!p->syntax->encapsulated && !p->syntax->deflated) {
		const struct syntax *found = guess_correct(p->data, p->syntax);

		if (found == p->syntax)
			return OK;
		p->syntax = found;
		p->syntax_wrong = true;
	} else {
		return OK;
	}
	uid_set(&p->syntax_uid, bytes_str(p->syntax->uid));
	return OK;
}

enum err part10_parse(struct part10 *p, struct bytes file, struct fault *f)
{
	struct part10 made = {.map = FILE_MAP_NONE, .file = file};
	struct meta m = {0};
	bool big_endian;
	enum err e;

	made.has_preamble = magic_at(file, PREAMBLE);
	made.meta_syntax = &syntax_explicit_le;
	if (made.has_preamble)
		made.data_at = PREAMBLE + MAGIC;
	else if (magic_at(file, 0))
		made.data_at = MAGIC;
	else if (!guess_plausible(file))
		return fault_set(f, ERR_UNUSABLE, "not a DICOM file", FAULT_NO_OFFSET);

	if (meta_at(file, made.data_at, &big_endian)) {
		struct bytes rest = bytes_slice(file, made.data_at, file.len - made.data_at);

		made.meta_syntax = meta_syntax_of(file, made.data_at, big_endian);
		e = read_meta(&m, rest, made.meta_syntax, f);
		if (e != OK) {
			if (f != NULL && f->at != FAULT_NO_OFFSET)
				f->at += made.data_at;
			return e;
		}
		made.meta = bytes_slice(rest, 0, m.len);
		made.data_at += m.len;
	}
	made.data = bytes_slice(file, made.data_at, file.len - made.data_at);
	e = find_syntax(&made, m.syntax_uid, f);
	if (e != OK)
		return e;
	if (made.syntax->deflated) {
		size_t len = 0;

		e = deflate_expand(made.data, &made.inflated, &made.inflated_len, &len, f);
		if (e != OK)
			return e;
		made.data = bytes_of(made.inflated, len);
	}
	*p = made;
	return OK;
}

enum err part10_open(struct part10 *p, int dir, const char *path, struct fault *f)
{
	struct file_map map;
	enum err e = file_map(&map, dir, path, f);

	if (e != OK)
		return e;
	e = part10_parse(p, map.bytes, f);
	if (e != OK) {
		file_unmap(&map);
		return e;
	}
	p->map = map;
	return OK;
}

void part10_close(struct part10 *p)
{
	deflate_free(p->inflated, p->inflated_len);
	file_unmap(&p->map);
	*p = PART10_NONE;
}
