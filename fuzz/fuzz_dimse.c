/*
 * Property: whatever PDVs an established association brings to an acceptor and to a requestor,
 *   - each data set is whole before it is answered, and each message is answered once, or not at
 * all (C-CANCEL), or the association is broken, which is final;
 *   - what is sent is a response to the message that it answers, and can be read as one;
 *   - the requestor takes a response only for what it has asked.
 *
 * The input is a list of PDVs: a byte of flags (1 command, 2 last, 4.. context 1, 3, 5, 7), a byte
 * of length, the fragment.  The first byte chooses the side and, of the acceptor, what its user
 * does.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "dimse/scp.h"
#include "dimse/scu.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t in[ASSOC_IN_SIZE];
static struct dul_request request;
static struct dul_answer answer;
static struct assoc assoc;
static struct scp scp;
static struct scu scu;
static const struct uid others[] = {{"1.2.3.4.5"}};
static const struct storage_classes classes = {
	.others = others, .other_count = 1, .commitment = true};

/* An established association; the engine's own bytes are of no interest. */
static void drain(void)
{
	struct bytes views[8];
	size_t count, len;

	while ((assoc_wants(&assoc) & ASSOC_WRITE) != 0) {
		len = 0;
		count = assoc_out_views(&assoc, views, 8);
		for (size_t i = 0; i < count; i++)
			len += views[i].len;
		assoc_out_ack(&assoc, len, 0);
	}
}

static void feed(const struct buf *pdu)
{
	size_t room;
	uint8_t *to = assoc_in_buf(&assoc, &room);

	assert(pdu->len <= room && !pdu->failed);
	memcpy(to, pdu->at, pdu->len);
	assoc_in_ack(&assoc, pdu->len, 0);
}

static void establish(void)
{
	static const struct uid syntaxes[] = {{"1.2.840.10008.1.2"}};
	struct dul_policy policy = {.user = (void *)(uintptr_t)&classes,
				    .supports = storage_supports,
				    .syntaxes = syntaxes,
				    .syntax_count = 1,
				    .max_pdu = 16384,
				    .implementation_class = "1.2.3",
				    .implementation_version = "F"};
	struct uid ct = {"1.2.840.10008.5.1.4.1.1.2"};
	struct buf pdu = BUF_INIT(1u << 20);
	struct dul_ind ind;

	dul_request_init(&request, "A", "B", 16384, "1.2.3", "F");
	scu_propose_one(&request, &dimse_verification, syntaxes[0].text);
	scu_propose_one(&request, &ct, syntaxes[0].text);
	scu_propose_one(&request, &others[0], syntaxes[0].text);
	scu_propose_one(&request, &dimse_commitment, syntaxes[0].text);
	negotiate(&request, &policy, &answer);
	assert(answer.refused.result == 0);
	assoc_request_init(&assoc, &ASSOC_LIMITS_DEFAULT, in, sizeof(in), &request, 0);
	drain();
	pdu_write_ac(&pdu, &answer);
	feed(&pdu);
	while (!assoc_next(&assoc, &ind))
		assert((assoc_wants(&assoc) & ASSOC_INDICATION) != 0);
	assert(ind.kind == DUL_ASSOCIATE_ACCEPTED);
	buf_free(&pdu);
}

/* What was just given to the engine is the response to `c`. */
static void check_response(const struct dimse_command *c)
{
	struct dimse_command r;
	struct bytes whole;
	enum err e;

	assert((assoc_wants(&assoc) & ASSOC_WRITE) != 0);
	whole = assoc.data.views[0];
	e = command_parse(&r, whole, NULL);
	assert(e == OK || whole.len > LIMIT_COMMAND);
	if (e == OK) {
		assert(r.field == (c->field | DIMSE_RESPONSE) && r.responded_to == c->message_id);
		assert(r.has_status && !r.has_data);
	}
	drain();
}

/* False: it is over. */
static bool accept_pdv(const struct dul_pdv *pdv, uint8_t mood, bool *open)
{
	const struct dimse_reply reply = dimse_reply_of(DIMSE_SUCCESS, "fine");
	struct scp_event ev = scp_feed(&scp, pdv);

	switch (ev.kind) {
	case SCP_BEGIN:
		assert(!*open && ev.command->has_data && ev.transfer_syntax != NULL);
		*open = (mood & 3) != 1;
		if (!*open)
			scp_refuse(&scp, &reply);
		break;
	case SCP_DATA:
		assert(*open);
		if (ev.last) {
			scp_answer(&scp, &reply);
			check_response(ev.command);
			*open = false;
		} else if ((mood & 3) == 2) {
			scp_refuse(&scp, &reply);
			*open = false;
		}
		break;
	case SCP_ECHOED:
	case SCP_REFUSED:
		assert(!*open);
		check_response(ev.command);
		break;
	case SCP_BROKEN:
		assert(ev.source == 2 && (ev.reason == 5 || ev.reason == 6) && ev.text != NULL);
		return false;
	default:
		break;
	}
	assert((assoc_wants(&assoc) & ASSOC_WRITE) == 0);
	return true;
}

static bool request_pdv(const struct dul_pdv *pdv, bool *report)
{
	const struct dimse_reply reply = dimse_reply_of(DIMSE_SUCCESS, NULL);
	struct scu_event ev = scu_feed(&scu, pdv);

	switch (ev.kind) {
	case SCU_RESPONSE:
		assert(ev.command->responded_to == scu_message_id(&scu));
		assert(ev.command->field == (DIMSE_C_ECHO | DIMSE_RESPONSE));
		assert(scu_idle(&scu));
		scu_echo(&scu, 1);
		break;
	case SCU_REPORT:
		assert(!*report);
		*report = true;
		break;
	case SCU_DATA:
		assert(*report);
		if (ev.last) {
			scu_report_answer(&scu, &reply);
			*report = false;
		}
		break;
	case SCU_BROKEN:
		assert(ev.source == 2 && (ev.reason == 5 || ev.reason == 6) && ev.text != NULL);
		return false;
	default:
		break;
	}
	while (scu_pump(&scu))
		drain();
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	bool open = false, more = true;
	size_t at = 1;

	if (size < 1)
		return 0;
	establish();
	scp_init(&scp, &assoc, &request, &answer, &classes);
	scu_init(&scu, &assoc, &request, &answer);
	if ((data[0] & 4) != 0) {
		scu_echo(&scu, 1);
		while (scu_pump(&scu))
			drain();
	}
	while (more && size - at >= 2) {
		size_t len = size - at - 2 < data[at + 1] ? size - at - 2 : data[at + 1];
		uint8_t *exact = malloc(len + (len == 0)); /* an overread is seen */
		struct dul_pdv pdv = {.context_id = (uint8_t)(1 + 2 * (data[at] >> 2 & 3)),
				      .command = (data[at] & 1) != 0,
				      .last = (data[at] & 2) != 0};

		assert(exact != NULL);
		memcpy(exact, data + at + 2, len);
		pdv.fragment = bytes_of(exact, len);
		more = (data[0] & 4) == 0 ? accept_pdv(&pdv, data[0], &open)
					  : request_pdv(&pdv, &open);
		free(exact);
		at += 2 + len;
	}
	scp_free(&scp);
	scu_free(&scu);
	assoc_free(&assoc);
	return 0;
}
