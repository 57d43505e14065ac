/*
 * Property: of any bytes, taken as the body of an association PDU,
 *   - parsing ends with a struct whose views are in the input, or with an error with words;
 *   - what was read is written, and what was written is read, as the same bytes for good: the
 * second writing equals the first;
 *   - what the second reading forgives the first has forgiven too;
 *   - negotiation answers every request, with each context once, and the answer is read back.
 *
 * The first byte chooses the PDU; of a PDV's header it is followed by the length of its PDU.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "dul/negotiate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define WRITTEN_MAX (4u << 20)

static bool inside(struct bytes view, struct bytes whole)
{
	return view.len == 0 || (view.at >= whole.at && view.at <= whole.at + whole.len &&
				 view.len <= (size_t)(whole.at + whole.len - view.at));
}

static struct bytes body_of(const struct buf *pdu)
{
	assert(!pdu->failed && pdu->len >= DUL_HEADER);
	assert(get_u32be(pdu->at + 2) == pdu->len - DUL_HEADER);
	return bytes_of(pdu->at + DUL_HEADER, pdu->len - DUL_HEADER);
}

static void check_user(const struct dul_user_info *u, struct bytes in)
{
	assert(u->role_count <= DUL_ROLES && u->extended_count <= DUL_EXTENDED);
	for (unsigned i = 0; i < u->extended_count; i++)
		assert(inside(u->extended[i].info, in));
}

static unsigned supports(void *user, const struct uid *abstract)
{
	(void)user;
	return (unsigned)strlen(abstract->text) % 4;
}

static void check_negotiation(const struct dul_request *r)
{
	static const struct uid ours[] = {{"1.2.840.10008.1.2.1"}, {"1.2.840.10008.1.2"}};
	const struct dul_policy p = {.supports = supports,
				     .syntaxes = ours,
				     .syntax_count = 2,
				     .max_pdu = 16384,
				     .implementation_class = "1.2",
				     .implementation_version = "V"};
	static struct dul_answer answer, again;
	struct buf out = BUF_INIT(WRITTEN_MAX);

	negotiate(r, &p, &answer);
	if (answer.refused.result != 0) {
		assert(answer.refused.result <= 2 && answer.refused.source >= 1);
		return;
	}
	assert(answer.context_count == r->context_count);
	pdu_write_ac(&out, &answer);
	enum err e = pdu_parse_ac(body_of(&out), &again, NULL);
	assert(e == OK && (again.notes & ~(unsigned)DUL_NOTE_BAD_UID) == 0);
	for (unsigned i = 0; i < r->context_count; i++) {
		assert(again.context[i].id == r->context[i].id);
		assert(again.context[i].result == answer.context[i].result);
	}
	buf_free(&out);
}

static void check_rq(struct bytes in)
{
	static struct dul_request r, again;
	struct buf first = BUF_INIT(WRITTEN_MAX), second = BUF_INIT(WRITTEN_MAX);
	struct fault f = {0};
	enum err e = pdu_parse_rq(in, &r, &f);

	assert(e == OK || (e == ERR_WIRE && f.text != NULL));
	if (e != OK)
		return;
	check_user(&r.user, in);
	assert(inside(r.identity.primary, in) && inside(r.identity.secondary, in));
	assert(r.context_count <= DUL_CONTEXTS && r.syntax_count <= DUL_SYNTAXES_ALL);
	for (unsigned i = 0; i < r.context_count; i++) {
		assert(r.context[i].id % 2 == 1);
		for (unsigned k = 0; k < r.context[i].syntax_count; k++)
			assert(uid_ok(bytes_str(dul_syntax(&r, &r.context[i], k)->text)));
	}
	pdu_write_rq(&first, &r);
	e = pdu_parse_rq(body_of(&first), &again, &f);
	assert(e == OK);
	/* an empty UID is written for one that was none or not there */
	assert((again.notes &
		~(r.notes | DUL_NOTE_BAD_UID | DUL_NOTE_NO_MAX_PDU | DUL_NOTE_NO_CLASS_UID)) == 0);
	pdu_write_rq(&second, &again);
	assert(bytes_eq(buf_bytes(&first), buf_bytes(&second)));
	check_negotiation(&r);
	buf_free(&first);
	buf_free(&second);
}

static void check_ac(struct bytes in)
{
	static struct dul_answer a, again;
	struct buf first = BUF_INIT(WRITTEN_MAX), second = BUF_INIT(WRITTEN_MAX);
	struct fault f = {0};
	enum err e = pdu_parse_ac(in, &a, &f);

	assert(e == OK || (e == ERR_WIRE && f.text != NULL));
	if (e != OK)
		return;
	check_user(&a.user, in);
	assert(inside(a.identity, in) && a.context_count <= DUL_CONTEXTS);
	for (unsigned i = 0; i < a.context_count; i++)
		assert((a.context[i].result == DUL_ACCEPTANCE) ==
		       uid_ok(bytes_str(a.context[i].transfer_syntax.text)));
	pdu_write_ac(&first, &a);
	e = pdu_parse_ac(body_of(&first), &again, &f);
	assert(e == OK);
	pdu_write_ac(&second, &again);
	assert(bytes_eq(buf_bytes(&first), buf_bytes(&second)));
	buf_free(&first);
	buf_free(&second);
}

static void check_short(struct bytes in)
{
	uint8_t result, source, reason;
	struct buf out = BUF_INIT(1000);

	if (pdu_parse_rj(in, &result, &source, &reason, NULL) == OK) {
		pdu_write_rj(&out, result, source, reason);
		assert(memcmp(body_of(&out).at + 1, in.at + 1, 3) == 0);
		assert(dul_reject_text(source, reason) != NULL);
		out.len = 0;
	}
	if (pdu_parse_abort(in, &source, &reason, NULL) == OK) {
		pdu_write_abort(&out, source, reason);
		assert(memcmp(body_of(&out).at + 2, in.at + 2, 2) == 0);
		assert(dul_abort_text(source, reason) != NULL);
	}
	assert((pdu_parse_release(in, NULL) == OK) == (in.len == 4));
	buf_free(&out);
}

static void check_pdv(struct bytes in)
{
	uint8_t head[DUL_HEADER + DUL_PDV_HEADER];
	struct pdv_header h, again;

	if (in.len < 4)
		return;
	uint32_t left = get_u32be(in.at);
	if (pdv_header(bytes_slice(in, 4, in.len - 4), left, &h, NULL) != OK)
		return;
	assert(h.len <= left - DUL_PDV_HEADER && h.context_id % 2 == 1);
	pdu_data_head(head, h.context_id, h.command, h.last, h.len);
	enum err e = pdv_header(bytes_of(head + DUL_HEADER, DUL_PDV_HEADER), get_u32be(head + 2),
				&again, NULL);
	assert(e == OK && again.len == h.len && again.context_id == h.context_id);
	assert(again.command == h.command && again.last == h.last);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const checks[])(struct bytes) = {check_rq, check_ac, check_short, check_pdv};

	if (size == 0)
		return 0;
	uint8_t *exact = malloc(size);
	assert(exact != NULL);
	memcpy(exact, data + 1, size - 1);
	checks[data[0] % 4](bytes_of(exact, size - 1));
	free(exact);
	return 0;
}
