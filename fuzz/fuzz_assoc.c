/*
 * Properties of the association engine, whatever the peer sends, in whatever pieces, at whatever
 * time, and whatever the user does in between:
 *   - its state is legal, its counts agree, and every fragment is a view into the in-buffer;
 *   - what it sends is a sequence of whole PDUs (but for one that it gave up), each legal;
 *   - it makes one last indication, and none after it;
 *   - it never waits for the peer without a deadline, and left alone it closes after at most two of
 * them;
 *   - how the bytes are cut into pieces changes nothing.
 *
 * Input: a byte of flags, then either bytes of the peer (they are given in two ways of cutting, and
 * the traces compared), or a program of one-byte instructions with their arguments.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/sha256.h"
#include "dul/assoc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define IN_SIZE (8192u + 64u)

enum flag { REQUESTOR = 1, PROGRAM = 2, GREETED = 4, REFUSES = 8, LAZY = 16, SMALL_MAX = 32 };

struct run {
	struct assoc a;
	uint8_t *in;
	uint64_t now;
	unsigned flags;
	unsigned last_count;
	uint64_t fed, given;
	struct sha256 trace; /* of indications; payload apart */
	struct sha256 payload;
	struct buf out;
	uint64_t pdv_so_far; /* of the PDV whose pieces are coming */
};

static const struct uid verification = {"1.2.840.10008.1.1"};
static const struct uid syntaxes[] = {{"1.2.840.10008.1.2.1"}, {"1.2.840.10008.1.2"}};
static const uint8_t payload[64];
static const struct bytes payload_views[2] = {{payload, 30}, {payload, 34}};

static unsigned supports(void *user, const struct uid *abstract)
{
	(void)user;
	return abstract->text[0] == '1' ? DUL_AS_SCP : DUL_NOT_SUPPORTED;
}

static struct dul_request *request(unsigned flags)
{
	static struct dul_request r;

	dul_request_init(&r, "CALLED", "CALLING", (flags & SMALL_MAX) != 0 ? 64 : 4096, "1.2", "V");
	dul_request_add(&r, &verification, syntaxes, 2);
	dul_request_add(&r, &verification, syntaxes, 1);
	return &r;
}

static struct dul_answer *answer_to(const struct run *run, const struct dul_request *r)
{
	static struct dul_answer answer;
	const struct dul_policy p = {.supports = supports,
				     .syntaxes = syntaxes,
				     .syntax_count = 2,
				     .max_pdu = (run->flags & SMALL_MAX) != 0 ? 64 : 4096,
				     .implementation_class = "1.2",
				     .implementation_version = "V"};

	if ((run->flags & REFUSES) != 0)
		negotiate_refuse(&answer, DUL_REFUSE_CONGESTION);
	else
		negotiate(r, &p, &answer);
	return &answer;
}

/* ---- What must hold ---- */

static void check_state(const struct run *run)
{
	const struct assoc *a = &run->a;

	assert(a->state >= STA1 && a->state <= STA13 && a->state != STA4);
	assert(a->start <= a->end && a->end <= a->size);
	assert(!a->pdv_open || (a->type == PDU_DATA_TF && a->pdv_left <= a->left));
	assert(a->data.sent <= a->data.total || !a->data.open);
	assert(a->control_sent <= a->control.len);
	assert(a->ended || (a->state != STA1 && a->state != STA13));
	if (a->requestor)
		assert(a->state != STA2 && a->state != STA3 && a->state != STA10 &&
		       a->state != STA12);
	else
		assert(a->state != STA5 && a->state != STA9 && a->state != STA11);
}

static void check_quiet(const struct run *run)
{
	const struct assoc *a = &run->a;
	bool users_turn = a->state == STA3 || a->state == STA8;

	assert((assoc_wants(a) & ASSOC_INDICATION) == 0);
	if (a->state != STA1 && !users_turn)
		assert(assoc_deadline(a) != UINT64_MAX);
}

static void trace(struct run *run, const void *at, size_t len)
{
	sha256_add(&run->trace, bytes_of(at, len));
}

static void trace_pdv(struct run *run, const struct dul_pdv *pdv)
{
	assert(!run->a.ended || run->last_count == 0);
	assert(run->a.accepted[pdv->context_id]);
	assert(pdv->fragment.at >= run->in);
	assert(pdv->fragment.len <= (size_t)(run->in + IN_SIZE - pdv->fragment.at));
	assert(!pdv->last || !run->a.pdv_open);
	run->given += pdv->fragment.len;
	assert(run->given <= run->fed);
	sha256_add(&run->payload, pdv->fragment);
	run->pdv_so_far += pdv->fragment.len;
	if (run->a.pdv_open) /* there is more of it */
		return;
	const uint8_t words[] = {pdv->context_id, pdv->command, pdv->last};
	trace(run, words, sizeof(words));
	trace(run, &run->pdv_so_far, sizeof(run->pdv_so_far));
	run->pdv_so_far = 0;
}

/* ---- User and driver ---- */

static void react(struct run *run, const struct dul_ind *ind)
{
	uint8_t kind = (uint8_t)ind->kind;

	assert(run->last_count == 0);
	if (ind->kind == DUL_PDV) {
		trace_pdv(run, &ind->pdv);
		if (ind->pdv.last && assoc_can_send(&run->a))
			assoc_send(&run->a, ind->pdv.context_id, ind->pdv.command, true,
				   payload_views, 2);
		return;
	}
	trace(run, &kind, 1);
	trace(run, &ind->source, 1);
	trace(run, &ind->reason, 1);
	switch (ind->kind) {
	case DUL_ASSOCIATE_REQUEST:
		if ((run->flags & LAZY) == 0)
			assoc_answer(&run->a, answer_to(run, ind->request));
		break;
	case DUL_RELEASE_REQUEST:
		if ((run->flags & LAZY) == 0 && !run->a.data.open)
			assoc_release_response(&run->a);
		break;
	case DUL_ASSOCIATE_ACCEPTED:
		assert(ind->answer != NULL && ind->request != NULL);
		break;
	default:
		assert(ind->kind >= DUL_ASSOCIATE_REJECTED && ind->kind <= DUL_TIMEOUT);
		assert(run->a.ended);
		run->last_count++;
		break;
	}
}

static void write_some(struct run *run, size_t most)
{
	struct bytes views[3];
	size_t count = assoc_out_views(&run->a, views, 3), n = 0;

	assert(count > 0);
	for (size_t i = 0; i < count && n < most; i++) {
		size_t len = views[i].len < most - n ? views[i].len : most - n;

		buf_add(&run->out, bytes_of(views[i].at, len));
		n += len;
	}
	assoc_out_ack(&run->a, n, run->now);
}

/* Everything that can be done without the peer; `most` bytes are taken from it at a time. */
static void pump(struct run *run, size_t most)
{
	struct dul_ind ind;

	for (unsigned turns = 0;; turns++) {
		unsigned wants = assoc_wants(&run->a);

		assert(turns < 100000);
		check_state(run);
		if ((wants & ASSOC_WRITE) != 0 && most > 0)
			write_some(run, most);
		else if ((wants & ASSOC_HALF_CLOSE) != 0)
			assoc_out_shut(&run->a);
		else if ((wants & ASSOC_INDICATION) != 0) {
			if (assoc_next(&run->a, &ind))
				react(run, &ind);
		} else
			break;
	}
	check_quiet(run);
}

static void feed(struct run *run, struct bytes in, size_t piece, size_t most)
{
	while (in.len > 0) {
		size_t room, n = piece < in.len ? piece : in.len;

		if ((assoc_wants(&run->a) & ASSOC_READ) == 0)
			return;
		uint8_t *to = assoc_in_buf(&run->a, &room);
		assert(room > 0);
		n = n < room ? n : room;
		memcpy(to, in.at, n);
		run->fed += n;
		assoc_in_ack(&run->a, n, run->now);
		in = bytes_slice(in, n, in.len - n);
		pump(run, most);
	}
}

static void begin(struct run *run, unsigned flags)
{
	struct assoc_limits limits = ASSOC_LIMITS_DEFAULT;
	struct buf greeting = BUF_INIT(65536);

	memset(run, 0, sizeof(*run));
	limits.pdu_max = 8192;
	limits.send_max = (flags & SMALL_MAX) != 0 ? 16 : 4096;
	run->flags = flags;
	run->in = malloc(IN_SIZE);
	assert(run->in != NULL);
	run->out = BUF_INIT(64u << 20);
	sha256_init(&run->trace);
	sha256_init(&run->payload);
	if ((flags & REQUESTOR) != 0)
		assoc_request_init(&run->a, &limits, run->in, IN_SIZE, request(flags), 0);
	else
		assoc_accept_init(&run->a, &limits, run->in, IN_SIZE, 0);
	if ((flags & GREETED) == 0)
		return;
	if ((flags & REQUESTOR) != 0) {
		unsigned refuses = run->flags & REFUSES;

		run->flags &= ~(unsigned)REFUSES;
		pdu_write_ac(&greeting, answer_to(run, request(flags)));
		run->flags |= refuses;
	} else {
		pdu_write_rq(&greeting, request(flags));
	}
	feed(run, buf_bytes(&greeting), greeting.len, SIZE_MAX);
	buf_free(&greeting);
}

/* ---- The end of every run ---- */

static void check_output(const struct run *run)
{
	struct bytes rest = buf_bytes(&run->out);

	while (rest.len >= DUL_HEADER) {
		size_t len = get_u32be(rest.at + 2);

		assert(rest.at[0] >= PDU_ASSOCIATE_RQ && rest.at[0] <= PDU_ABORT);
		if (len > rest.len - DUL_HEADER)
			break;
		if (rest.at[0] == PDU_DATA_TF) {
			assert(len >= DUL_PDV_HEADER && len % 2 == 0);
			assert(get_u32be(rest.at + 6) == len - 4 && rest.at[10] % 2 == 1);
		} else if (rest.at[0] > PDU_ASSOCIATE_AC) {
			assert(len == 4);
		}
		if (rest.at[0] == PDU_ABORT)
			assert((rest.at[8] == 0 && rest.at[9] == 0) ||
			       (rest.at[8] == 2 && rest.at[9] <= 6 && rest.at[9] != 3));
		rest = bytes_slice(rest, DUL_HEADER + len, rest.len - DUL_HEADER - len);
	}
	assert(rest.len == 0 || run->a.cut || run->a.out_shut);
}

/* Nobody does anything any more, but the clock, and the user, who owes an answer. */
static void leave_alone(struct run *run)
{
	struct dul_request *r = request(run->flags);

	pump(run, SIZE_MAX);
	if (run->a.state == STA3)
		assoc_answer(&run->a, answer_to(run, r));
	if (run->a.state == STA8)
		assoc_release_response(&run->a);
	for (unsigned deadlines = 0;; deadlines++) {
		pump(run, SIZE_MAX);
		if (run->a.state == STA8) { /* it was pipelined behind what waited */
			assoc_release_response(&run->a);
			continue;
		}
		if (assoc_wants(&run->a) == ASSOC_CLOSE)
			break;
		assert(deadlines < 4);
		uint64_t by = assoc_deadline(&run->a);
		assert(by != UINT64_MAX);
		run->now = by > run->now ? by : run->now;
		assoc_tick(&run->a, run->now);
	}
	assert(run->last_count == 1);
	check_output(run);
}

static void end(struct run *run)
{
	assoc_free(&run->a);
	buf_free(&run->out);
	free(run->in);
}

/* ---- Two ways of cutting ---- */

static void check_stream(unsigned flags, struct bytes in)
{
	static struct run one, other;
	uint8_t a[SHA256_LEN], b[SHA256_LEN];

	begin(&one, flags);
	begin(&other, flags);
	feed(&one, in, in.len, SIZE_MAX);
	feed(&other, in, 1 + flags / 64, 7);
	if (one.a.ended == other.a.ended && one.a.ended) {
		assert(one.a.state == other.a.state);
		assert(bytes_eq(buf_bytes(&one.out), buf_bytes(&other.out)));
	}
	leave_alone(&one);
	leave_alone(&other);
	sha256_end(&one.trace, a);
	sha256_end(&other.trace, b);
	assert(memcmp(a, b, sizeof(a)) == 0);
	sha256_end(&one.payload, a);
	sha256_end(&other.payload, b);
	assert(memcmp(a, b, sizeof(a)) == 0);
	assert(bytes_eq(buf_bytes(&one.out), buf_bytes(&other.out)));
	end(&one);
	end(&other);
}

/* ---- A program ---- */

static void primitive(struct run *run, uint8_t which)
{
	struct assoc *a = &run->a;

	switch (which % 8) {
	case 0:
		if (!a->data.open)
			assoc_release(a);
		break;
	case 1:
		if (!a->data.open)
			assoc_release_response(a);
		break;
	case 2:
		assoc_abort(a, DUL_BY_USER, 0);
		break;
	case 3:
		assoc_abort(a, DUL_BY_PROVIDER, DUL_UNEXPECTED_PARAMETER);
		break;
	case 4:
		if (assoc_can_send(a) && a->accepted[1])
			assoc_send(a, 1, (which & 8) != 0, (which & 16) != 0, payload_views,
				   which / 32 % 3);
		break;
	case 5:
		assoc_answer(a, answer_to(run, &a->request));
		break;
	case 6:
		assoc_set_idle(a, which * 1000u);
		break;
	default:
		assoc_out_shut(a);
		break;
	}
}

static void check_program(unsigned flags, struct rd program)
{
	static struct run run;

	begin(&run, flags);
	while (rd_left(&program) > 0) {
		uint8_t op = rd_u8(&program), arg = rd_u8(&program);

		if (program.failed)
			break;
		if (op <
		    128) { /* so many bytes of the peer; the output goes in pieces, or not yet */
			size_t n = arg < rd_left(&program) ? arg : rd_left(&program);
			feed(&run, rd_take(&program, n), 1 + op % 16u, op / 16 == 0 ? 0 : op);
		} else if (op < 160) {
			run.now += (uint64_t)arg * (op % 2 == 0 ? 300 : 1);
			assoc_tick(&run.a, run.now);
		} else if (op < 176) {
			run.now += arg * 500u;
			assoc_resume(&run.a, run.now);
		} else if (op < 180) {
			assoc_tick(&run.a, arg); /* a clock that goes back */
		} else if (op < 184) {
			assoc_in_closed(&run.a, run.now);
		} else {
			primitive(&run, arg);
		}
		pump(&run, op % 8);
	}
	leave_alone(&run);
	end(&run);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	uint8_t *exact = malloc(size);
	assert(exact != NULL);
	memcpy(exact, data + 1, size - 1);
	if ((data[0] & PROGRAM) != 0)
		check_program(data[0], rd_of(bytes_of(exact, size - 1)));
	else
		check_stream(data[0], bytes_of(exact, size - 1));
	free(exact);
	return 0;
}
