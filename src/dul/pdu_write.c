/*
 * Structs to whole PDUs (PS3.8 9.3).  Lengths are filled in afterwards: item_begin leaves room,
 * item_end counts.
 */
#include <assert.h>
#include <string.h>

#include "dul/items.h"
#include "dul/pdu.h"

static void add_u16(struct buf *b, uint16_t v)
{
	uint8_t at[2];

	put_u16be(at, v);
	buf_add(b, bytes_of(at, 2));
}

static void add_u32(struct buf *b, uint32_t v)
{
	uint8_t at[4];

	put_u32be(at, v);
	buf_add(b, bytes_of(at, 4));
}

static void add_bytes(struct buf *b, const uint8_t *at, size_t len)
{
	buf_add(b, bytes_of(at, len));
}

/* Where the content begins; what is begun must be ended. */
static size_t item_begin(struct buf *b, uint8_t type)
{
	const uint8_t head[4] = {type};

	add_bytes(b, head, sizeof(head));
	return b->len;
}

static void item_end(struct buf *b, size_t begun)
{
	if (b->failed)
		return;
	assert(b->len - begun <= UINT16_MAX);
	put_u16be(b->at + begun - 2, (uint16_t)(b->len - begun));
}

static void item(struct buf *b, uint8_t type, struct bytes value)
{
	size_t begun = item_begin(b, type);

	buf_add(b, value);
	item_end(b, begun);
}

static size_t pdu_begin(struct buf *b, enum pdu_type type)
{
	const uint8_t head[DUL_HEADER] = {(uint8_t)type};

	add_bytes(b, head, sizeof(head));
	return b->len;
}

static void pdu_end(struct buf *b, size_t begun)
{
	if (!b->failed)
		put_u32be(b->at + begun - 4, (uint32_t)(b->len - begun));
}

static void short_pdu(struct buf *b, enum pdu_type type, uint8_t second, uint8_t third,
		      uint8_t fourth)
{
	const uint8_t body[4] = {0, second, third, fourth};
	size_t begun = pdu_begin(b, type);

	add_bytes(b, body, sizeof(body));
	pdu_end(b, begun);
}

/* ---- User information ---- */

static void add_counted(struct buf *b, struct bytes value)
{
	assert(value.len <= UINT16_MAX);
	add_u16(b, (uint16_t)value.len);
	buf_add(b, value);
}

static void add_single(struct buf *b, const struct dul_user_info *u)
{
	size_t begun;

	if (u->has_max_pdu) {
		begun = item_begin(b, ITEM_MAX_LENGTH);
		add_u32(b, u->max_pdu);
		item_end(b, begun);
	}
	if (u->implementation_class.text[0] != '\0')
		item(b, ITEM_CLASS_UID, bytes_str(u->implementation_class.text));
	if (u->has_async) {
		begun = item_begin(b, ITEM_ASYNC);
		add_u16(b, u->invoked);
		add_u16(b, u->performed);
		item_end(b, begun);
	}
}

static void add_lists(struct buf *b, const struct dul_user_info *u)
{
	for (unsigned i = 0; i < u->role_count; i++) {
		size_t begun = item_begin(b, ITEM_ROLE);

		add_counted(b, bytes_str(u->role[i].sop_class.text));
		buf_char(b, u->role[i].scu ? 1 : 0);
		buf_char(b, u->role[i].scp ? 1 : 0);
		item_end(b, begun);
	}
	if (u->implementation_version[0] != '\0')
		item(b, ITEM_VERSION_NAME, bytes_str(u->implementation_version));
	for (unsigned i = 0; i < u->extended_count; i++) {
		const struct dul_extended *x = &u->extended[i];
		size_t begun = item_begin(b, x->item);

		add_counted(b, bytes_str(x->sop_class.text));
		if (x->item == ITEM_COMMON_EXTENDED) {
			add_counted(b, bytes_str(x->service_class.text));
			add_counted(b, x->info);
		} else {
			buf_add(b, x->info);
		}
		item_end(b, begun);
	}
}

static void add_identity(struct buf *b, const struct dul_identity *id)
{
	size_t begun = item_begin(b, ITEM_IDENTITY);

	buf_char(b, (char)id->type);
	buf_char(b, id->response_requested ? 1 : 0);
	add_counted(b, id->primary);
	add_counted(b, id->secondary);
	item_end(b, begun);
}

/* ---- The associate PDUs ---- */

static void add_fixed(struct buf *b, uint16_t version, const uint8_t raw_ae[static 32],
		      const uint8_t reserved[static 32])
{
	add_u16(b, version);
	add_u16(b, 0);
	add_bytes(b, raw_ae, 32);
	add_bytes(b, reserved, 32);
}

void pdu_write_rq(struct buf *out, const struct dul_request *r)
{
	size_t begun = pdu_begin(out, PDU_ASSOCIATE_RQ), info;

	add_fixed(out, r->version, r->raw_ae, r->reserved);
	item(out, ITEM_APPLICATION, bytes_str(r->application_context.text));
	for (unsigned i = 0; i < r->context_count; i++) {
		const struct dul_context *c = &r->context[i];
		const uint8_t head[4] = {c->id};
		size_t context = item_begin(out, ITEM_CONTEXT_RQ);

		add_bytes(out, head, sizeof(head));
		item(out, ITEM_ABSTRACT, bytes_str(c->abstract_syntax.text));
		for (unsigned k = 0; k < c->syntax_count; k++)
			item(out, ITEM_TRANSFER, bytes_str(dul_syntax(r, c, k)->text));
		item_end(out, context);
	}
	info = item_begin(out, ITEM_USER_INFO);
	add_single(out, &r->user);
	add_lists(out, &r->user);
	if (r->identity.type != 0)
		add_identity(out, &r->identity);
	item_end(out, info);
	pdu_end(out, begun);
}

void pdu_write_ac(struct buf *out, const struct dul_answer *a)
{
	size_t begun = pdu_begin(out, PDU_ASSOCIATE_AC), info;

	assert(a->refused.result == 0);
	add_fixed(out, 1, a->raw_ae, a->reserved);
	item(out, ITEM_APPLICATION, BYTES_LIT(DUL_APPLICATION_CONTEXT));
	for (unsigned i = 0; i < a->context_count; i++) {
		const uint8_t head[4] = {a->context[i].id, 0, a->context[i].result};
		size_t context = item_begin(out, ITEM_CONTEXT_AC);

		add_bytes(out, head, sizeof(head));
		item(out, ITEM_TRANSFER, bytes_str(a->context[i].transfer_syntax.text));
		item_end(out, context);
	}
	info = item_begin(out, ITEM_USER_INFO);
	add_single(out, &a->user);
	add_lists(out, &a->user);
	if (a->has_identity) {
		size_t response = item_begin(out, ITEM_IDENTITY_AC);

		add_counted(out, a->identity);
		item_end(out, response);
	}
	item_end(out, info);
	pdu_end(out, begun);
}

/* ---- The short ones ---- */

void pdu_write_rj(struct buf *out, uint8_t result, uint8_t source, uint8_t reason)
{
	short_pdu(out, PDU_ASSOCIATE_RJ, result, source, reason);
}

void pdu_write_release_rq(struct buf *out)
{
	short_pdu(out, PDU_RELEASE_RQ, 0, 0, 0);
}

void pdu_write_release_rp(struct buf *out)
{
	short_pdu(out, PDU_RELEASE_RP, 0, 0, 0);
}

void pdu_write_abort(struct buf *out, uint8_t source, uint8_t reason)
{
	short_pdu(out, PDU_ABORT, 0, source, reason);
}

void pdu_data_head(uint8_t out[static DUL_HEADER + DUL_PDV_HEADER], uint8_t context_id,
		   bool command, bool last, uint32_t fragment_len)
{
	out[0] = PDU_DATA_TF;
	out[1] = 0;
	put_u32be(out + 2, DUL_PDV_HEADER + fragment_len);
	put_u32be(out + 6, 2 + fragment_len);
	out[10] = context_id;
	out[11] = (uint8_t)((command ? 1 : 0) | (last ? 2 : 0));
}
