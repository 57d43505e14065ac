#include "support/talk.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/hex.h"

const size_t talk_chunks[] = {1, 2, 3, 7, 64, 0};

static unsigned supports(void *user, const struct uid *abstract)
{
	(void)user;
	return strcmp(abstract->text, "1.2.840.10008.1.1") == 0 ? DUL_AS_SCP : DUL_NOT_SUPPORTED;
}

static const struct uid syntaxes[] = {{"1.2.840.10008.1.2.1"}, {"1.2.840.10008.1.2"}};

static void begin(struct talk *t, size_t chunk)
{
	memset(t, 0, sizeof(*t));
	t->chunk = chunk;
	t->in = malloc(ASSOC_IN_SIZE);
	ck_assert_ptr_nonnull(t->in);
	t->words = BUF_INIT(1u << 20);
	t->sent = BUF_INIT(16u << 20);
	t->payload = BUF_INIT(16u << 20);
	t->policy = (struct dul_policy){.supports = supports,
					.syntaxes = syntaxes,
					.syntax_count = 2,
					.max_pdu = 32768,
					.implementation_class = "1.2.3",
					.implementation_version = "TEST"};
	t->answers = t->echoes = t->releases = true;
}

void talk_accept(struct talk *t, size_t chunk)
{
	begin(t, chunk);
	assoc_accept_init(&t->a, &ASSOC_LIMITS_DEFAULT, t->in, ASSOC_IN_SIZE, 0);
}

void talk_request_with(struct talk *t, size_t chunk, const struct dul_request *r)
{
	begin(t, chunk);
	assoc_request_init(&t->a, &ASSOC_LIMITS_DEFAULT, t->in, ASSOC_IN_SIZE, r, 0);
	talk_pump(t);
}

void talk_request(struct talk *t, size_t chunk)
{
	const struct uid echo = {"1.2.840.10008.1.1"};
	static struct dul_request r;

	dul_request_init(&r, "PEER", "NETRT", 32768, "1.2.3", "TEST");
	ck_assert_uint_eq(dul_request_add(&r, &echo, &syntaxes[1], 1), 1);
	talk_request_with(t, chunk, &r);
}

void talk_end(struct talk *t)
{
	assoc_free(&t->a);
	free(t->in);
	buf_free(&t->words);
	buf_free(&t->sent);
	buf_free(&t->payload);
}

/* ---- Words ---- */

static void word(struct talk *t, const char *text)
{
	buf_fmt(&t->words, "%s%s", t->words.len > 0 ? " " : "", text);
}

static void word_of(struct talk *t, const struct dul_ind *ind)
{
	static const char *const names[] = {
		[DUL_ASSOCIATE_REQUEST] = "RQ",  [DUL_ASSOCIATE_ACCEPTED] = "AC",
		[DUL_ASSOCIATE_REJECTED] = "RJ", [DUL_PDV] = "PDV",
		[DUL_RELEASE_REQUEST] = "RELRQ", [DUL_RELEASED] = "RELEASED",
		[DUL_ABORTED] = "ABORTED",       [DUL_CLOSED] = "CLOSED",
		[DUL_TIMEOUT] = "TIMEOUT"};

	word(t, names[ind->kind]);
	if (ind->kind == DUL_ASSOCIATE_REJECTED)
		buf_fmt(&t->words, "(%u/%u/%u)", ind->result, ind->source, ind->reason);
	if (ind->kind == DUL_ABORTED)
		buf_fmt(&t->words, "(%u/%u)", ind->source, ind->reason);
	if (ind->ours)
		buf_char(&t->words, '!');
}

static void pdv_of(struct talk *t, const struct dul_pdv *pdv)
{
	char text[64];

	buf_add(&t->payload, pdv->fragment);
	t->pdv_len += pdv->fragment.len;
	if (t->a.pdv_open) /* a piece: there is more of it */
		return;
	snprintf(text, sizeof(text), "PDV(%u %c%s %zu)", pdv->context_id, pdv->command ? 'C' : 'D',
		 pdv->last ? "+" : "", t->pdv_len);
	word(t, text);
	t->pdv_len = 0;
}

static void react(struct talk *t, const struct dul_ind *ind)
{
	static struct dul_answer answer;
	static const struct bytes four = {(const uint8_t *)"\1\2\3\4", 4};

	t->last = *ind;
	t->notes |= ind->notes;
	if (ind->kind == DUL_PDV) {
		pdv_of(t, &ind->pdv);
		if (t->echoes && ind->pdv.command && ind->pdv.last && assoc_can_send(&t->a))
			assoc_send(&t->a, ind->pdv.context_id, true, true, &four, 1);
		return;
	}
	word_of(t, ind);
	if (ind->kind == DUL_ASSOCIATE_REQUEST) {
		t->request = *ind->request;
		if (t->answers) {
			negotiate(ind->request, &t->policy, &answer);
			assoc_answer(&t->a, &answer);
		}
	}
	if (ind->kind == DUL_RELEASE_REQUEST && t->releases)
		assoc_release_response(&t->a);
}

static void write_out(struct talk *t)
{
	struct bytes views[5];
	size_t count, most = t->chunk == 0 ? SIZE_MAX : t->chunk, n = 0;

	count = assoc_out_views(&t->a, views, 5);
	ck_assert_uint_gt(count, 0);
	for (size_t i = 0; i < count && n < most; i++) {
		size_t len = views[i].len < most - n ? views[i].len : most - n;

		ck_assert_uint_gt(len, 0);
		buf_add(&t->sent, bytes_of(views[i].at, len));
		n += len;
	}
	assoc_out_ack(&t->a, n, t->now);
}

void talk_pump(struct talk *t)
{
	for (;;) {
		unsigned wants = assoc_wants(&t->a);
		struct dul_ind ind;

		if ((wants & ASSOC_WRITE) != 0)
			write_out(t);
		else if ((wants & ASSOC_HALF_CLOSE) != 0) {
			t->half_closed = true;
			assoc_out_shut(&t->a);
		} else if ((wants & ASSOC_INDICATION) != 0) {
			if (assoc_next(&t->a, &ind))
				react(t, &ind);
		} else
			return;
	}
}

void talk_feed(struct talk *t, struct bytes in)
{
	while (in.len > 0) {
		size_t room, n = t->chunk == 0 || t->chunk > in.len ? in.len : t->chunk;
		uint8_t *to;

		talk_pump(t);
		if ((assoc_wants(&t->a) & ASSOC_READ) == 0)
			return; /* it takes no more: it has closed */
		to = assoc_in_buf(&t->a, &room);
		ck_assert_uint_gt(room, 0);
		n = n < room ? n : room;
		memcpy(to, in.at, n);
		assoc_in_ack(&t->a, n, t->now);
		in = bytes_slice(in, n, in.len - n);
	}
	talk_pump(t);
}

void talk_hex(struct talk *t, const char *hex_text)
{
	struct bytes in = hex(hex_text);

	talk_feed(t, in);
	hex_free(in);
}

void talk_closed(struct talk *t)
{
	assoc_in_closed(&t->a, t->now);
	talk_pump(t);
}

void talk_wait(struct talk *t, uint64_t ms)
{
	t->now += ms;
	assoc_tick(&t->a, t->now);
	talk_pump(t);
}

void talk_data(struct talk *t, uint8_t context, bool command, bool last, struct bytes payload)
{
	assoc_send(&t->a, context, command, last, &payload, 1);
	talk_pump(t);
}

const char *talk_words(struct talk *t)
{
	static char out[4096];

	snprintf(out, sizeof(out), "%s", t->words.at == NULL ? "" : (const char *)t->words.at);
	t->words.len = 0;
	if (t->words.at != NULL)
		t->words.at[0] = '\0';
	return out;
}

/* ---- What was sent, as PDUs ---- */

static void describe(struct buf *out, uint8_t type, struct bytes body)
{
	static const char *const names[] = {"?",    "RQ",    "AC",    "RJ",
					    "DATA", "RELRQ", "RELRP", "ABORT"};

	ck_assert(type >= 1 && type <= 7);
	buf_fmt(out, "%s%s", out->len > 0 ? " " : "", names[type]);
	if (type == PDU_ASSOCIATE_RJ)
		buf_fmt(out, "(%u/%u/%u)", body.at[1], body.at[2], body.at[3]);
	if (type == PDU_ABORT)
		buf_fmt(out, "(%u/%u)", body.at[2], body.at[3]);
	if (type == PDU_DATA_TF) {
		ck_assert_uint_eq(get_u32be(body.at) + 4, body.len); /* one PDV */
		ck_assert_uint_eq(body.len % 2, 0);
		buf_fmt(out, "(%u %c%s %zu)", body.at[4], body.at[5] & 1 ? 'C' : 'D',
			body.at[5] & 2 ? "+" : "", body.len - 6);
	}
}

const char *talk_sent(struct talk *t)
{
	static char text[4096];
	struct buf out = BUF_INIT(1u << 20);
	struct bytes rest = buf_bytes(&t->sent);

	buf_str(&out, "");
	while (rest.len > 0) {
		ck_assert_uint_ge(rest.len, 6);
		size_t len = get_u32be(rest.at + 2);

		ck_assert_uint_le(len, rest.len - 6);
		describe(&out, rest.at[0], bytes_of(rest.at + 6, len));
		rest = bytes_slice(rest, 6 + len, rest.len - 6 - len);
	}
	snprintf(text, sizeof(text), "%s", (const char *)out.at);
	buf_free(&out);
	t->sent.len = 0;
	return text;
}

static struct bytes associate(uint8_t type, const char *fixed, const char *items)
{
	static uint8_t out[HEX_MAX];
	struct bytes a = hex(fixed), b = hex(items);
	size_t len = a.len + b.len;

	ck_assert_uint_le(len + 6, sizeof(out));
	out[0] = type;
	out[1] = 0;
	put_u32be(out + 2, (uint32_t)len);
	memcpy(out + 6, a.at, a.len);
	if (b.len > 0)
		memcpy(out + 6 + a.len, b.at, b.len);
	hex_free(a);
	hex_free(b);
	return bytes_of(out, len + 6);
}

struct bytes talk_rq(const char *fixed, const char *items)
{
	return associate(PDU_ASSOCIATE_RQ, fixed, items);
}

struct bytes talk_ac(const char *items)
{
	return associate(PDU_ASSOCIATE_AC, TALK_FIXED, items);
}
