/*
 * Association PDUs' bodies to structs (PS3.8 9.3, annex D; PS3.7 annex D.3.3).
 *
 * Two kinds of things are found wrong: a length that does not fit its parent, and a presentation
 * context id that is not odd and new.  Both are ERR_WIRE, and an A-ABORT with "invalid PDU
 * parameter value".  Everything else is read as well as it can be, and noted.
 */
#include "dul/pdu.h"

#include <assert.h>
#include <string.h>

#include "dul/items.h"

/* An item (PS3.8 9.3.2 and on): type, a reserved byte, length, value. ERR_MORE at the parent's end.
 */
static enum err item_next(struct rd *in, uint8_t *type, struct bytes *value, struct fault *f)
{
	if (rd_left(in) == 0)
		return ERR_MORE;

	size_t start = in->pos;
	*type = rd_u8(in);
	rd_u8(in);
	*value = rd_take(in, rd_u16(in, true));
	if (in->failed)
		return fault_set(f, ERR_WIRE, "an item runs past its parent", start);
	return OK;
}

/* Padding is a trailing NUL at most (PS3.5 9.1), and not even that in an item. */
static void read_uid(struct uid *out, struct bytes value, unsigned *notes)
{
	if (!uid_set(out, value))
		*notes |= DUL_NOTE_BAD_UID;
	else if (strlen(out->text) != value.len)
		*notes |= DUL_NOTE_PADDING;
}

static void read_title(char out[static 17], struct bytes raw, unsigned *notes)
{
	while (raw.len > 0 && (raw.at[0] == ' ' || raw.at[0] == '\0')) {
		raw.at++;
		raw.len--;
	}
	for (size_t i = 0; i < raw.len; i++)
		if (raw.at[i] == '\0')
			*notes |= DUL_NOTE_PADDING;
	raw = bytes_trim(raw);
	bytes_to_str(raw, out, 17);
	raw = bytes_trim(bytes_str(out)); /* spaces before an embedded NUL */
	out[raw.len] = '\0';
}

/* ---- Presentation contexts ---- */

/* The index of a transfer syntax in the request's list, put there if new; -1: the list is full. */
static int syntax_index(struct dul_request *r, const struct uid *u)
{
	for (unsigned i = 0; i < r->syntax_count; i++)
		if (uid_eq(&r->syntax[i], u))
			return (int)i;
	if (r->syntax_count == DUL_SYNTAXES_ALL)
		return -1;
	r->syntax[r->syntax_count] = *u;
	return (int)r->syntax_count++;
}

static void context_syntax(struct dul_request *r, struct dul_context *c, struct bytes value)
{
	struct uid u;

	if (c->syntax_count == DUL_SYNTAXES) {
		r->notes |= DUL_NOTE_SYNTAXES;
		return;
	}
	read_uid(&u, value, &r->notes);
	if (u.text[0] == '\0')
		return;

	int index = syntax_index(r, &u);
	if (index < 0)
		r->notes |= DUL_NOTE_SYNTAXES;
	else
		c->syntax[c->syntax_count++] = (uint8_t)index;
}

/* Id and result are the first and third of four bytes before the sub-items of items 20 and 21. */
static enum err context_head(struct rd *in, bool seen[static 256], uint8_t *id, uint8_t *result,
			     struct fault *f)
{
	*id = rd_u8(in);
	rd_u8(in);
	*result = rd_u8(in);
	rd_u8(in);
	if (in->failed)
		return fault_set(f, ERR_WIRE, "a presentation context is cut short", in->fail_at);
	if (*id % 2 == 0)
		return fault_set(f, ERR_WIRE, "a presentation context ID is even", 0);
	if (seen[*id])
		return fault_set(f, ERR_WIRE, "a presentation context ID is there twice", 0);
	seen[*id] = true;
	return OK;
}

/* Item 20 (PS3.8 9.3.2.2). */
static enum err parse_context_rq(struct dul_request *r, struct bytes body, bool seen[static 256],
				 struct fault *f)
{
	struct rd in = rd_of(body);
	struct dul_context *c = &r->context[r->context_count];
	struct bytes value;
	uint8_t id, result, type;
	bool abstract = false;
	enum err e = context_head(&in, seen, &id, &result, f);

	if (e != OK)
		return e;
	assert(r->context_count < DUL_CONTEXTS); /* there are no more odd ids */
	c->id = id;
	while ((e = item_next(&in, &type, &value, f)) == OK) {
		if (type == ITEM_TRANSFER)
			context_syntax(r, c, value);
		else if (type != ITEM_ABSTRACT)
			r->notes |= DUL_NOTE_UNKNOWN_ITEM;
		else if (abstract)
			r->notes |= DUL_NOTE_ABSTRACTS;
		else {
			abstract = true;
			read_uid(&c->abstract_syntax, value, &r->notes);
		}
	}
	if (e != ERR_MORE)
		return e;
	r->context_count++;
	return OK;
}

/* Item 21 (PS3.8 9.3.3.2). Its transfer syntax is not significant when it was not accepted. */
static enum err parse_context_ac(struct dul_answer *a, struct bytes body, bool seen[static 256],
				 struct fault *f)
{
	struct rd in = rd_of(body);
	struct bytes value;
	uint8_t id, result, type;
	struct uid syntax = {0};
	bool there = false;
	enum err e = context_head(&in, seen, &id, &result, f);

	if (e != OK)
		return e;
	assert(a->context_count < DUL_CONTEXTS);
	while ((e = item_next(&in, &type, &value, f)) == OK) {
		if (type != ITEM_TRANSFER)
			a->notes |= DUL_NOTE_UNKNOWN_ITEM;
		else if (there)
			a->notes |= DUL_NOTE_REPEATED;
		else if (result == DUL_ACCEPTANCE)
			read_uid(&syntax, value, &a->notes);
		there = there || type == ITEM_TRANSFER;
	}
	if (e != ERR_MORE)
		return e;
	if (result == DUL_ACCEPTANCE && syntax.text[0] == '\0') {
		a->notes |= DUL_NOTE_NOT_PROPOSED; /* accepted, but with what? */
		result = DUL_NO_REASON;
	}
	a->context[a->context_count].id = id;
	a->context[a->context_count].result = result;
	a->context[a->context_count].transfer_syntax = syntax;
	a->context_count++;
	return OK;
}

/* ---- User information ---- */

/* A length of two bytes, and so much. */
static struct bytes take_counted(struct rd *in)
{
	return rd_take(in, rd_u16(in, true));
}

/* Item 54. */
static void parse_role(struct dul_user_info *u, struct rd *in, unsigned *notes)
{
	struct bytes name = take_counted(in);
	struct dul_role role = {.scu = rd_u8(in) != 0};

	role.scp = rd_u8(in) != 0;
	if (in->failed)
		return;
	read_uid(&role.sop_class, name, notes);
	if (u->role_count == DUL_ROLES)
		*notes |= DUL_NOTE_TOO_MANY;
	else
		u->role[u->role_count++] = role;
}

/* Items 56 and 57; the latter has a version in place of the reserved byte, which is not looked at.
 */
static void parse_extended(struct dul_user_info *u, uint8_t type, struct rd *in, unsigned *notes)
{
	struct dul_extended x = {.item = type};
	struct bytes name = take_counted(in);
	struct bytes service = BYTES_NONE;

	if (type == ITEM_COMMON_EXTENDED) {
		service = take_counted(in);
		x.info = take_counted(in);
		rd_take(in, rd_left(in)); /* reserved for later versions */
	} else {
		x.info = rd_take(in, rd_left(in));
	}
	if (in->failed)
		return;
	read_uid(&x.sop_class, name, notes);
	if (type == ITEM_COMMON_EXTENDED)
		read_uid(&x.service_class, service, notes);
	if (u->extended_count == DUL_EXTENDED)
		*notes |= DUL_NOTE_TOO_MANY;
	else
		u->extended[u->extended_count++] = x;
}

/* The items of one value each, which may be there once. */
static void parse_single(struct dul_user_info *u, uint8_t type, struct rd *in, unsigned *notes)
{
	uint32_t max;
	struct bytes text;

	switch (type) {
	case ITEM_MAX_LENGTH:
		max = rd_u32(in, true);
		u->has_max_pdu = true;
		u->max_pdu = max;
		break;
	case ITEM_CLASS_UID:
		read_uid(&u->implementation_class, rd_take(in, rd_left(in)), notes);
		break;
	case ITEM_VERSION_NAME:
		text = bytes_trim(rd_take(in, rd_left(in)));
		bytes_to_str(text, u->implementation_version, sizeof(u->implementation_version));
		break;
	default: /* ITEM_ASYNC */
		u->has_async = true;
		u->invoked = rd_u16(in, true);
		u->performed = rd_u16(in, true);
		break;
	}
}

/* Item 58 (PS3.7 table D.3-14). */
static void parse_identity(struct dul_identity *id, struct rd *in)
{
	id->type = rd_u8(in);
	id->response_requested = rd_u8(in) != 0;
	id->primary = take_counted(in);
	id->secondary = take_counted(in);
	if (id->type == 0)
		*id = (struct dul_identity){0}; /* no such type: as if it were not there */
}

struct user_out { /* one of the two, by PDU */
	struct dul_user_info *user;
	struct dul_identity *identity;
	struct dul_answer *answer;
	unsigned *notes;
};

/* Item 50 (annex D.1). */
static enum err parse_user_info(const struct user_out *o, struct bytes body, struct fault *f)
{
	struct rd items = rd_of(body);
	struct bytes value;
	uint8_t type;
	bool seen[256] = {false};
	enum err e;

	while ((e = item_next(&items, &type, &value, f)) == OK) {
		struct rd in = rd_of(value);
		bool many =
			type == ITEM_ROLE || type == ITEM_EXTENDED || type == ITEM_COMMON_EXTENDED;

		if (!many && seen[type]) {
			*o->notes |= DUL_NOTE_REPEATED;
			continue;
		}
		seen[type] = true;
		if (type == ITEM_ROLE)
			parse_role(o->user, &in, o->notes);
		else if (type == ITEM_EXTENDED || type == ITEM_COMMON_EXTENDED)
			parse_extended(o->user, type, &in, o->notes);
		else if (type == ITEM_IDENTITY && o->identity != NULL)
			parse_identity(o->identity, &in);
		else if (type == ITEM_IDENTITY_AC && o->answer != NULL) {
			o->answer->has_identity = true;
			o->answer->identity = take_counted(&in);
		} else if (type == ITEM_MAX_LENGTH || type == ITEM_CLASS_UID ||
			   type == ITEM_VERSION_NAME || type == ITEM_ASYNC)
			parse_single(o->user, type, &in, o->notes);
		else
			*o->notes |= DUL_NOTE_UNKNOWN_ITEM;
		if (in.failed)
			return fault_set(f, ERR_WIRE, "a user information item is cut short", 0);
	}
	if (e != ERR_MORE)
		return e;
	if (!o->user->has_max_pdu)
		*o->notes |= DUL_NOTE_NO_MAX_PDU;
	if (o->user->implementation_class.text[0] == '\0')
		*o->notes |= DUL_NOTE_NO_CLASS_UID;
	return OK;
}

/* ---- The associate PDUs ---- */

enum err pdu_parse_rq(struct bytes body, struct dul_request *out, struct fault *f)
{
	struct rd in = rd_of(body);
	struct user_out user = {&out->user, &out->identity, NULL, &out->notes};
	struct bytes value;
	bool seen[256] = {false}, application = false, info = false;
	uint8_t type;
	enum err e;

	*out = (struct dul_request){0};
	if (body.len < DUL_ASSOCIATE_FIXED)
		return fault_set(f, ERR_WIRE, "A-ASSOCIATE-RQ is shorter than its fixed part", 0);
	out->version = rd_u16(&in, true);
	rd_take(&in, 2);
	memcpy(out->raw_ae, rd_take(&in, 32).at, 32);
	memcpy(out->reserved, rd_take(&in, 32).at, 32);
	read_title(out->called, bytes_of(out->raw_ae, 16), &out->notes);
	read_title(out->calling, bytes_of(out->raw_ae + 16, 16), &out->notes);

	while ((e = item_next(&in, &type, &value, f)) == OK) {
		if (type == ITEM_CONTEXT_RQ) {
			e = parse_context_rq(out, value, seen, f);
		} else if (type == ITEM_APPLICATION && !application) {
			application = true;
			read_uid(&out->application_context, value, &out->notes);
		} else if (type == ITEM_USER_INFO && !info) {
			info = true;
			e = parse_user_info(&user, value, f);
		} else {
			bool known = type == ITEM_APPLICATION || type == ITEM_USER_INFO;
			out->notes |= known ? DUL_NOTE_REPEATED : DUL_NOTE_UNKNOWN_ITEM;
		}
		if (e != OK)
			return e;
	}
	if (!info)
		out->notes |= DUL_NOTE_NO_USER_INFO;
	return e == ERR_MORE ? OK : e;
}

enum err pdu_parse_ac(struct bytes body, struct dul_answer *out, struct fault *f)
{
	struct rd in = rd_of(body);
	struct user_out user = {&out->user, NULL, out, &out->notes};
	struct bytes value;
	bool seen[256] = {false}, info = false;
	uint8_t type;
	enum err e;

	*out = (struct dul_answer){0};
	if (body.len < DUL_ASSOCIATE_FIXED)
		return fault_set(f, ERR_WIRE, "A-ASSOCIATE-AC is shorter than its fixed part", 0);
	rd_take(&in, DUL_ASSOCIATE_FIXED); /* nothing in it is tested: PS3.8 table 9-17 */

	while ((e = item_next(&in, &type, &value, f)) == OK) {
		if (type == ITEM_CONTEXT_AC) {
			e = parse_context_ac(out, value, seen, f);
		} else if (type == ITEM_USER_INFO && !info) {
			info = true;
			e = parse_user_info(&user, value, f);
		} else if (type == ITEM_USER_INFO) {
			out->notes |= DUL_NOTE_REPEATED;
		} else if (type != ITEM_APPLICATION) {
			out->notes |= DUL_NOTE_UNKNOWN_ITEM;
		}
		if (e != OK)
			return e;
	}
	if (!info)
		out->notes |= DUL_NOTE_NO_USER_INFO;
	return e == ERR_MORE ? OK : e;
}

/* ---- The short ones ---- */

static enum err four_bytes(struct bytes body, struct fault *f)
{
	if (body.len != 4)
		return fault_set(f, ERR_WIRE, "a PDU of four bytes has another length", 0);
	return OK;
}

enum err pdu_parse_rj(struct bytes body, uint8_t *result, uint8_t *source, uint8_t *reason,
		      struct fault *f)
{
	enum err e = four_bytes(body, f);

	if (e != OK)
		return e;
	*result = body.at[1];
	*source = body.at[2];
	*reason = body.at[3];
	return OK;
}

enum err pdu_parse_abort(struct bytes body, uint8_t *source, uint8_t *reason, struct fault *f)
{
	enum err e = four_bytes(body, f);

	if (e != OK)
		return e;
	*source = body.at[2];
	*reason = body.at[3];
	return OK;
}

enum err pdu_parse_release(struct bytes body, struct fault *f)
{
	return four_bytes(body, f);
}

enum err pdv_header(struct bytes header, uint32_t left, struct pdv_header *out, struct fault *f)
{
	struct rd in = rd_of(header);
	uint32_t item_len = rd_u32(&in, true); /* counts the two bytes below */
	uint8_t id = rd_u8(&in);
	uint8_t control = rd_u8(&in);

	if (in.failed || left < DUL_PDV_HEADER)
		return fault_set(f, ERR_WIRE, "a PDV's header is cut short", 0);
	if (item_len < 2)
		return fault_set(f, ERR_WIRE, "a PDV is shorter than its header", 0);
	if (item_len - 2 > left - DUL_PDV_HEADER)
		return fault_set(f, ERR_WIRE, "a PDV runs past its PDU", 0);
	if (id % 2 == 0)
		return fault_set(f, ERR_WIRE, "a PDV's presentation context ID is even", 0);

	*out = (struct pdv_header){
		.len = item_len - 2,
		.context_id = id,
		.command = (control & 0x01) != 0,
		.last = (control & 0x02) != 0,
	};
	return OK;
}
