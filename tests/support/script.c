#include "support/script.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "support/hex.h"

static const struct {
	const char *word, *bytes;
} pdus[] = {
	{"ECHO", "04 00 0000000A 00000006 01 03 01020304"},
	{"DATA", "04 00 0000000A 00000006 01 02 01020304"},
	{"RELRQ", TALK_RELRQ},
	{"RELRP", TALK_RELRP},
	{"RJ", "03 00 00000004 00 01 01 07"},
	{"ABORT", TALK_ABORT},
};

static const char *starts(const char *text, const char *word)
{
	size_t len = strlen(word);

	return strncmp(text, word, len) == 0 && (text[len] == ' ' || text[len] == '\0') ? text + len
											: NULL;
}

/* Bytes and words for whole PDUs, in one feed. */
static void feed_script(struct talk *t, const char *text)
{
	struct buf all = BUF_INIT(1u << 20), part = BUF_INIT(65536);

	while (*text != '\0') {
		const char *end = NULL;

		for (size_t i = 0; i < sizeof(pdus) / sizeof(pdus[0]) && end == NULL; i++) {
			end = starts(text, pdus[i].word);
			if (end != NULL) {
				struct bytes b = hex(pdus[i].bytes);
				buf_add(&all, b);
				hex_free(b);
			}
		}
		if (end == NULL && (end = starts(text, "RQ")) != NULL)
			buf_add(&all, talk_rq(TALK_FIXED, TALK_ITEMS));
		if (end == NULL && (end = starts(text, "AC")) != NULL)
			buf_add(&all, talk_ac(TALK_AC_ITEMS));
		if (end == NULL) { /* bytes, up to the next letter that is no digit */
			bool quoted = false;

			end = text;
			do
				quoted ^= *end++ == '\'';
			while (*end != '\0' && (quoted || end[-1] != ' '));
			part.len = 0;
			buf_add(&part, bytes_of(text, (size_t)(end - text)));
			struct bytes b = hex((const char *)part.at);
			buf_add(&all, b);
			hex_free(b);
		}
		text = end + strspn(end, " ");
	}
	ck_assert(!all.failed);
	talk_feed(t, buf_bytes(&all));
	buf_free(&all);
	buf_free(&part);
}

static void event_of_script(struct talk *t, const char *text)
{
	static uint8_t data[4096];

	if (starts(text, "close") != NULL)
		talk_closed(t);
	else if (starts(text, "wait") != NULL)
		talk_wait(t, strtoul(text + 4, NULL, 10));
	else if (starts(text, "release") != NULL)
		assoc_release(&t->a);
	else if (starts(text, "abort") != NULL)
		assoc_abort(&t->a, DUL_BY_USER, 0);
	else if (starts(text, "send") != NULL)
		talk_data(t, 1, false, true, bytes_of(data, strtoul(text + 4, NULL, 10)));
	else
		feed_script(t, text);
	talk_pump(t);
}

void script_play(struct talk *t, const char *script)
{
	char *copy = strdup(script), *save = NULL;

	for (char *e = strtok_r(copy, "|", &save); e != NULL; e = strtok_r(NULL, "|", &save)) {
		e += strspn(e, " ");
		for (size_t n = strlen(e); n > 0 && e[n - 1] == ' '; n--)
			e[n - 1] = '\0';
		event_of_script(t, e);
	}
	free(copy);
}

void script_begin(struct talk *t, char role, size_t chunk)
{
	if (role == 'A')
		talk_accept(t, chunk);
	else
		talk_request(t, chunk);
}
