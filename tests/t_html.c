/*
 * Text into HTML: nothing that comes out can end a text, an attribute or the file.
 */
#include <check.h>
#include <string.h>

#include "base/html.h"

Suite *suite_html(void);

static const struct {
	const char *name, *in;
	size_t len;
	const char *want;
} rows[] = {
	{"plain", "GTV 1", 5, "GTV 1"},
	{"nothing", "", 0, ""},
	{"umlaut", "L\xC3\xB6we", 5, "L\xC3\xB6we"},
	{"tag", "<b>", 3, "&#60;b&#62;"},
	{"end of script", "</script>", 9, "&#60;&#47;script&#62;"},
	{"comment", "<!--x-->", 8, "&#60;!--x--&#62;"},
	{"attribute", "\" onload='x' `", 14, "&#34; onload&#61;&#39;x&#39; &#96;"},
	{"reference", "&lt;&#60;", 9, "&#38;lt;&#38;#60;"},
	{"NUL", "a\0b", 3, "a\\x00b"},
	{"line feed and tab", "a\n\tb", 4, "a\\x0A\\x09b"},
	{"escape", "\x1B[31m", 5, "\\x1B[31m"},
	{"C1", "\xC2\x85", 2, "\\xC2\\x85"},
	{"right to left override",
	 "\xE2\x80\xAE"
	 "abc",
	 6,
	 "\\xE2\\x80\\xAE"
	 "abc"},
	{"zero width", "\xE2\x80\x8B", 3, "\\xE2\\x80\\x8B"},
	{"byte order mark", "\xEF\xBB\xBF", 3, "\\xEF\\xBB\\xBF"},
	{"no character", "\xEF\xBF\xBF", 3, "\\xEF\\xBF\\xBF"},
	{"no character of plane 16", "\xF4\x8F\xBF\xBE", 4, "\\xF4\\x8F\\xBF\\xBE"},
	{"no character of Arabic", "\xEF\xB7\x90", 3, "\\xEF\\xB7\\x90"},
	{"replacement", "\xEF\xBF\xBD", 3, "\xEF\xBF\xBD"},
	{"not UTF-8", "\xFF\xC3", 2, "\\xFF\\xC3"},
	{"overlong <", "\xC0\xBC", 2, "\\xC0\\xBC"},
	{"cut short before a tag", "\xE2<b", 3, "\\xE2&#60;b"},
	{"surrogate", "\xED\xA0\x80", 3, "\\xED\\xA0\\x80"},
};
#define ROWS ((int)(sizeof(rows) / sizeof(rows[0])))

START_TEST(texts)
{
	struct buf b = BUF_INIT(4096);

	html_text(&b, bytes_of(rows[_i].in, rows[_i].len));
	buf_char(&b, '!');
	ck_assert_msg(b.len == strlen(rows[_i].want) + 1 &&
			      memcmp(b.at, rows[_i].want, b.len - 1) == 0,
		      "%s: %s", rows[_i].name, (const char *)b.at);
	buf_free(&b);
}
END_TEST

/* Any two bytes after each other, inside and at the end. */
START_TEST(pairs_of_bytes)
{
	for (unsigned pair = 0; pair < 65536; pair++) {
		const uint8_t in[] = {(uint8_t)(pair >> 8), (uint8_t)pair, 'x'};
		struct buf b = BUF_INIT(256);

		html_text(&b, bytes_of(in, pair % 2 == 0 ? 3 : 2));
		for (size_t i = 0; i < b.len; i++)
			if (b.at[i] < ' ' || strchr("<>\"'`=/", b.at[i]) != NULL ||
			    (b.at[i] == '&' && b.at[i + 1] != '#'))
				ck_abort_msg("%04x: %s", pair, (const char *)b.at);
		buf_free(&b);
	}
}
END_TEST

static const char *const base64[][2] = {
	{"", ""},
	{"f", "Zg=="},
	{"fo", "Zm8="},
	{"foo", "Zm9v"},
	{"foob", "Zm9vYg=="},
	{"fooba", "Zm9vYmE="},
	{"foobar", "Zm9vYmFy"},
	{"\xFF\xFE\xFD\xFB\xEF", "//79++8="},
}; /* RFC 4648 10, and the last digits */

START_TEST(base64_of)
{
	struct buf b = BUF_INIT(4096), want = BUF_INIT(4096), in = BUF_INIT(4096);

	html_base64(&b, bytes_str(base64[_i][0]));
	buf_str(&want, base64[_i][1]);
	ck_assert(b.len == want.len && (b.len == 0 || memcmp(b.at, want.at, b.len) == 0));
	buf_free(&b);
	buf_free(&want);
	for (int i = 0; i < 333; i++) /* more than is written at once */
		buf_str(&in, "foo");
	html_base64(&b, buf_bytes(&in));
	ck_assert_uint_eq(b.len, 4 * 333);
	for (size_t i = 0; i < b.len; i++)
		ck_assert(b.at[i] == (uint8_t) "Zm9v"[i % 4]);
	buf_free(&b);
	buf_free(&in);
}
END_TEST

Suite *suite_html(void)
{
	Suite *suite = suite_create("html");
	TCase *tc = tcase_create("html");

	tcase_add_loop_test(tc, texts, 0, ROWS);
	tcase_add_test(tc, pairs_of_bytes);
	tcase_add_loop_test(tc, base64_of, 0, (int)(sizeof(base64) / sizeof(base64[0])));
	suite_add_tcase(suite, tc);
	return suite;
}
