/*
 * Messages from PDVs: every way in which fragments may come, and every one in which they may not.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dimse/message.h"
#include "support/hex.h"

#define NO_DATA "0000 0008 02000000 0101"
#define DATA "0000 0008 02000000 0100"
#define ECHO "0000 0001 02000000 3000 0000 1001 02000000 0100" NO_DATA
#define STORE "0000 0001 02000000 0100 0000 1001 02000000 0700" DATA

struct step {
	uint8_t context;
	char kind; /* 'C', 'D'; small: not the last */
	const char *hex;
	const char *want; /* "more", "echo", "store", "data N", "last N", or why it is broken */
};

#define STEPS 6
static const struct {
	const char *name;
	struct step steps[STEPS];
	uint8_t reason; /* of a broken one */
} cases[] = {
	{"echo", {{1, 'C', ECHO, "echo"}, {1, 'C', ECHO, "echo"}}, 0},
	{"store",
	 {{1, 'C', STORE, "store"},
	  {1, 'd', "0102", "data 2"},
	  {1, 'D', "03", "last 1"},
	  {3, 'C', ECHO, "echo"}},
	 0},
	{"a command in three fragments, the last empty",
	 {{1, 'c', "0000 0001 02", "more"},
	  {1, 'c', "000000 3000 0000 1001 02000000 0100" NO_DATA, "more"},
	  {1, 'C', "", "echo"}},
	 0},
	{"an empty data set", {{1, 'C', STORE, "store"}, {1, 'D', "", "last 0"}}, 0},
	{"an empty last fragment",
	 {{1, 'C', STORE, "store"}, {1, 'd', "0102", "data 2"}, {1, 'D', "", "last 0"}},
	 0},
	{"another context for the next message",
	 {{1, 'C', STORE, "store"},
	  {1, 'D', "0102", "last 2"},
	  {5, 'C', STORE, "store"},
	  {5, 'D', "0102", "last 2"}},
	 0},

	{"a data set without a command", {{1, 'D', "0102", "a data set without a command"}}, 5},
	{"a data set after a command that has none",
	 {{1, 'C', ECHO, "echo"}, {1, 'D', "", "a data set without a command"}},
	 5},
	{"a second data set",
	 {{1, 'C', STORE, "store"},
	  {1, 'D', "", "last 0"},
	  {1, 'D', "", "a data set without a command"}},
	 5},
	{"a command within a data set",
	 {{1, 'C', STORE, "store"},
	  {1, 'd', "0102", "data 2"},
	  {1, 'C', ECHO, "a command before the data set of the one before"}},
	 5},
	{"a command instead of a data set",
	 {{1, 'C', STORE, "store"},
	  {1, 'c', "", "a command before the data set of the one before"}},
	 5},
	{"a data set within a command",
	 {{1, 'c', "0000", "more"}, {1, 'D', "0102", "a data set within a command set"}},
	 5},
	{"a data set in another context",
	 {{1, 'C', STORE, "store"},
	  {3, 'D', "0102", "a data set in another presentation context than its command"}},
	 5},
	{"half of it in another context",
	 {{1, 'C', STORE, "store"},
	  {1, 'd', "0102", "data 2"},
	  {3, 'D', "0102", "a data set in another presentation context than its command"}},
	 5},
	{"a command in two contexts",
	 {{1, 'c', "0000", "more"}, {3, 'C', ECHO, "a command set in two presentation contexts"}},
	 5},
	{"an empty command", {{1, 'C', "", "a command set without Command Field"}}, 6},
	{"a command cut short",
	 {{1, 'C', "0000 0001 02000000 30", "a command set is cut short"}},
	 6},
	{"after it is broken",
	 {{1, 'D', "", "a data set without a command"},
	  {1, 'C', ECHO, "after a message that was broken"}},
	 5},
};

static void describe(const struct message_event *ev, char *out, size_t size)
{
	switch (ev->kind) {
	case MESSAGE_MORE:
		snprintf(out, size, "more");
		break;
	case MESSAGE_COMMAND:
		snprintf(out, size, "%s", ev->command->field == DIMSE_C_STORE ? "store" : "echo");
		break;
	case MESSAGE_DATA:
		snprintf(out, size, "%s %zu", ev->last ? "last" : "data", ev->data.len);
		break;
	default:
		snprintf(out, size, "%s", ev->text);
	}
}

static struct message m;

START_TEST(test_cases)
{
	const char *name = cases[_i].name;

	message_init(&m);
	for (unsigned i = 0; i < STEPS && cases[_i].steps[i].want != NULL; i++) {
		const struct step *s = &cases[_i].steps[i];
		struct bytes in = hex(s->hex);
		struct dul_pdv pdv = {.context_id = s->context,
				      .command = s->kind == 'C' || s->kind == 'c',
				      .last = s->kind < 'a',
				      .fragment = in};
		struct message_event ev = message_feed(&m, &pdv);
		char got[100];

		describe(&ev, got, sizeof(got));
		ck_assert_msg(strcmp(got, s->want) == 0, "%s, step %u: %s", name, i, got);
		if (ev.kind == MESSAGE_BROKEN)
			ck_assert_msg(ev.source == 2 && ev.reason == cases[_i].reason, "%s: %u/%u",
				      name, ev.source, ev.reason);
		if (ev.kind == MESSAGE_DATA && ev.data.len > 0)
			ck_assert_ptr_eq(ev.data.at, in.at); /* a view */
		if (ev.kind == MESSAGE_COMMAND || ev.kind == MESSAGE_DATA)
			ck_assert_uint_eq(ev.context_id, s->context);
		ck_assert(message_open(&m) ==
			  (ev.kind == MESSAGE_MORE || ev.kind == MESSAGE_BROKEN ||
			   (ev.kind == MESSAGE_DATA && !ev.last) ||
			   (ev.kind == MESSAGE_COMMAND && ev.command->has_data)));
		hex_free(in);
	}
}
END_TEST

/* The same command, cut into fragments of every length. */
START_TEST(test_fragments)
{
	struct bytes in = hex(STORE);

	for (size_t size = 1; size <= in.len; size++) {
		struct message_event ev = {0};

		message_init(&m);
		for (size_t at = 0; at < in.len; at += size) {
			size_t n = in.len - at < size ? in.len - at : size;
			struct dul_pdv pdv = {.context_id = 1,
					      .command = true,
					      .last = at + n == in.len,
					      .fragment = bytes_slice(in, at, n)};

			ck_assert(ev.kind == MESSAGE_MORE);
			ev = message_feed(&m, &pdv);
		}
		ck_assert_int_eq(ev.kind, MESSAGE_COMMAND);
		ck_assert(ev.command->field == DIMSE_C_STORE && ev.command->message_id == 7);
	}
	hex_free(in);
}
END_TEST

/* A command of the largest size, and one byte more. */
START_TEST(test_limit)
{
	for (unsigned more = 0; more < 2; more++) {
		size_t len = LIMIT_COMMAND + more;
		uint8_t *bytes = calloc(len, 1);
		struct message_event ev;
		static const uint8_t field[] = {0, 0, 0, 1, 2, 0, 0, 0, 0x30, 0, 0, 0, 2, 0x7F};

		ck_assert_ptr_nonnull(bytes);
		memcpy(bytes, field, sizeof(field));
		put_u32le(bytes + 14, (uint32_t)(len - 18));
		message_init(&m);
		for (size_t at = 0; at < len; at += 4096) {
			size_t n = len - at < 4096 ? len - at : 4096;
			struct dul_pdv pdv = {.context_id = 1,
					      .command = true,
					      .last = at + n == len,
					      .fragment = bytes_of(bytes + at, n)};

			ev = message_feed(&m, &pdv);
		}
		ck_assert_int_eq(ev.kind, more == 0 ? MESSAGE_COMMAND : MESSAGE_BROKEN);
		if (more != 0)
			ck_assert(ev.source == 2 && ev.reason == 6);
		free(bytes);
	}
}
END_TEST

Suite *suite_message(void);
Suite *suite_message(void)
{
	Suite *s = suite_create("message");
	TCase *c = tcase_create("message");

	tcase_add_loop_test(c, test_cases, 0, sizeof(cases) / sizeof(cases[0]));
	tcase_add_test(c, test_fragments);
	tcase_add_test(c, test_limit);
	suite_add_tcase(s, c);
	return s;
}
