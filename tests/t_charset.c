/*
 * Every defined term of PS3.3 C.12.1.1.2, the examples of PS3.5 annexes H to K, what real files
 * do wrong, and what is broken.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "dicom/charset.h"
#include "dicom/jisx0212.h"

Suite *suite_charset(void);

#define LIT(s)                                         \
	{                                              \
		(const uint8_t *)("" s), sizeof(s) - 1 \
	}
#define NO "\357\277\275" /* U+FFFD */

/* clang-format off */
static const struct {
	const char *name;
	const char *term; /* value of (0008,0005) */
	enum vr vr;
	struct bytes text;
	struct bytes want;
} rows[] = {
	{"IR 100", "ISO_IR 100", VR_PN, LIT("Buc^J\351r\364me"), LIT("Buc^Jérôme")},
	{"IR 100 with extensions", "ISO 2022 IR 100", VR_PN,
	 LIT("Buc^J\351r\364me"), LIT("Buc^Jérôme")},
	{"IR 100", "ISO_IR 100", VR_PN, LIT("\304neas^R\374diger"), LIT("Äneas^Rüdiger")},
	{"IR 100 with extensions", "ISO 2022 IR 100", VR_PN,
	 LIT("\304neas^R\374diger"), LIT("Äneas^Rüdiger")},
	{"IR 101", "ISO_IR 101", VR_PN, LIT("Wa\263\352sa^\243ukasz"), LIT("Wałęsa^Łukasz")},
	{"IR 101 with extensions", "ISO 2022 IR 101", VR_PN,
	 LIT("Wa\263\352sa^\243ukasz"), LIT("Wałęsa^Łukasz")},
	{"IR 109", "ISO_IR 109", VR_PN, LIT("\241al \325u\277eppi"), LIT("Ħal Ġużeppi")},
	{"IR 109 with extensions", "ISO 2022 IR 109", VR_PN,
	 LIT("\241al \325u\277eppi"), LIT("Ħal Ġużeppi")},
	{"IR 110", "ISO_IR 110", VR_PN, LIT("\323\272ni\361\271"), LIT("Ķēniņš")},
	{"IR 110 with extensions", "ISO 2022 IR 110", VR_PN,
	 LIT("\323\272ni\361\271"), LIT("Ķēniņš")},
	{"IR 144", "ISO_IR 144", VR_PN, LIT("\273\356\332ce\334\321yp\323"), LIT("Люкceмбypг")},
	{"IR 144 with extensions", "ISO 2022 IR 144", VR_PN,
	 LIT("\273\356\332ce\334\321yp\323"), LIT("Люкceмбypг")},
	{"IR 127", "ISO_IR 127", VR_PN,
	 LIT("\342\310\307\346\352^\344\346\322\307\321"), LIT("قباني^لنزار")},
	{"IR 127 with extensions", "ISO 2022 IR 127", VR_PN,
	 LIT("\342\310\307\346\352^\344\346\322\307\321"), LIT("قباني^لنزار")},
	{"IR 126", "ISO_IR 126", VR_PN,
	 LIT("\304\351\357\355\365\363\351\357\362"), LIT("Διονυσιος")},
	{"IR 126 with extensions", "ISO 2022 IR 126", VR_PN,
	 LIT("\304\351\357\355\365\363\351\357\362"), LIT("Διονυσιος")},
	{"IR 138", "ISO_IR 138", VR_PN,
	 LIT("\371\370\345\357^\343\341\345\370\344"), LIT("שרון^דבורה")},
	{"IR 138 with extensions", "ISO 2022 IR 138", VR_PN,
	 LIT("\371\370\345\357^\343\341\345\370\344"), LIT("שרון^דבורה")},
	{"IR 148", "ISO_IR 148", VR_PN, LIT("\307avu\376o\360lu"), LIT("Çavuşoğlu")},
	{"IR 148 with extensions", "ISO 2022 IR 148", VR_PN,
	 LIT("\307avu\376o\360lu"), LIT("Çavuşoğlu")},
	{"IR 203", "ISO_IR 203", VR_PN, LIT("\274uvre 5 \244"), LIT("Œuvre 5 €")},
	{"IR 203 with extensions", "ISO 2022 IR 203", VR_PN,
	 LIT("\274uvre 5 \244"), LIT("Œuvre 5 €")},
	{"IR 166", "ISO_IR 166", VR_PN, LIT("\271\322\301\312\241\330\305"), LIT("นามสกุล")},
	{"IR 166 with extensions", "ISO 2022 IR 166", VR_PN,
	 LIT("\271\322\301\312\241\330\305"), LIT("นามสกุล")},
	{"IR 13", "ISO_IR 13", VR_PN, LIT("\324\317\300\336^\300\333\263"), LIT("ﾔﾏﾀﾞ^ﾀﾛｳ")},
	{"IR 192", "ISO_IR 192", VR_PN,
	 LIT("Wang^XiaoDong=\347\216\213^\345\260\217\346\235\261="),
	 LIT("Wang^XiaoDong=王^小東=")},
	{"GB18030", "GB18030", VR_PN,
	 LIT("Wang^XiaoDong=\315\365^\320\241\266\253="), LIT("Wang^XiaoDong=王^小东=")},
	{"GB18030, four bytes", "GB18030", VR_LO, LIT("\2252\2026\250\246"), LIT("𠀀é")},
	{"GB18030, four bytes, rows of the table", "GB18030", VR_LO,
	 LIT("\2010\3230\2036\3200\2040\2054\2040\2348\2041\2424\2041\2449\3432\2325"),
	 LIT("ђ\356\241\245狼飯￦\357\277\277\364\217\277\277")},
	{"GB18030, past the last plane", "GB18030", VR_LO, LIT("\3432\2326x"), LIT(NO "x")},
	{"GBK", "GBK", VR_PN,
	 LIT("Wang^XiaoDong=\315\365^\320\241\266\253="), LIT("Wang^XiaoDong=王^小东=")},
	{"GBK, backslash in a character", "GBK", VR_LO, LIT("\325\\\\\271\246"), LIT("誠\\功")},
	{"GB18030, backslash in a character", "GB18030", VR_LO,
	 LIT("\201\\\\\325\\"), LIT("乗\\誠")},
	{"H.3.1", "\\ISO 2022 IR 87", VR_PN,
	 LIT("Yamada^Tarou=\033$B;3ED\033(B^\033$BB@O:\033(B=\033$B$d$^$@\033(B^\033$B$?$m$&\033(B"),
	 LIT("Yamada^Tarou=山田^太郎=やまだ^たろう")},
	{"H.3.2", "ISO 2022 IR 13\\ISO 2022 IR 87", VR_PN,
	 LIT("\324\317\300\336^\300\333\263=\033$B;3ED\033(J^\033$BB@O:\033(J=\033$B$d$^$@\033(J^\033$B$?$m$&\033(J"),
	 LIT("ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎=やまだ^たろう")},
	{"JIS X 0212", "\\ISO 2022 IR 87\\ISO 2022 IR 159", VR_LO,
	 LIT("A\033$(DbGl?\033$B0!\033(BZ"), LIT("A鄧鷗亜Z")},
	{"I.2", "\\ISO 2022 IR 149", VR_PN,
	 LIT("Hong^Gildong=\033$)C\373\363^\033$)C\321\316\324\327=\033$)C\310\253^\033$)C\261\346\265\277"),
	 LIT("Hong^Gildong=洪^吉洞=홍^길동")},
	{"I.3", "\\ISO 2022 IR 149", VR_LT,
	 LIT("\033$)C\261\350\310\361\301\337 1\015\012\033$)C\301\2442"),
	 LIT("김희중 1\015\012정2")},
	{"K.2", "\\ISO 2022 IR 58", VR_PN,
	 LIT("Zhang^XiaoDong=\033$)A\325\305^\033$)A\320\241\266\253="),
	 LIT("Zhang^XiaoDong=张^小东=")},
	{"K.3", "\\ISO 2022 IR 58", VR_LT,
	 LIT("1 \033$)A\326\320\316\304.\015\0122 \033$)A\265\332\266\376\320\320.\015\012"),
	 LIT("1 中文.\015\0122 第二行.\015\012")},
	{"every single-byte escape", "ISO 2022 IR 6\\ISO 2022 IR 100\\ISO 2022 IR 144", VR_LO,
	 LIT("\033-A\351\033-B\263\033-C\241\033-D\323\033-L\273\033-G\342\033-F\304\033-H\371\033-M\376\033-b\244\033-T\271\033)I\324"),
	 LIT("éłĦĶЛقΔשş€นﾔ")},
	{"Greek and Russian in one value", "ISO 2022 IR 126\\ISO 2022 IR 144", VR_PN,
	 LIT("\304\351\357\355\033-L\273\356\332^\357\362"), LIT("ΔιονЛюк^ος")},
	{"home after a backslash", "ISO 2022 IR 100\\ISO 2022 IR 144", VR_LO,
	 LIT("\351\033-L\273\\\351"), LIT("éЛ\\é")},
	{"home after a line end", "ISO 2022 IR 100\\ISO 2022 IR 144", VR_LT,
	 LIT("\033-L\273\\\273\015\012\351"), LIT("Л\\Л\015\012é")},
	{"home after a tab", "ISO 2022 IR 100\\ISO 2022 IR 144", VR_UT,
	 LIT("\033-L\273\011\351"), LIT("Л\011é")},
	{"caret is text outside PN", "ISO 2022 IR 100\\ISO 2022 IR 144", VR_LO,
	 LIT("\033-L\273^\273=\273"), LIT("Л^Л=Л")},
	{"kanji left on at a line end", "\\ISO 2022 IR 87", VR_LT,
	 LIT("\033$B;3\015\012ab"), LIT("山\015\012ab")},
	{"kanji bytes that look like delimiters", "\\ISO 2022 IR 87", VR_PN,
	 LIT("\033$B0\\0^0=\033(B^x"), LIT("移緯綾^x")},
	{"kanji, full-width backslash", "\\ISO 2022 IR 87", VR_LO,
	 LIT("\033$B!@\033(B\\b"), LIT("＼\\b")},
	{"space between kanji", "\\ISO 2022 IR 87", VR_LO, LIT("\033$B;3 ED\033(B"), LIT("山 田")},
	{"yen is a delimiter", "ISO_IR 13", VR_LO, LIT("a\\b"), LIT("a\\b")},
	{"yen is text in LT", "ISO_IR 13", VR_LT, LIT("a\\b~"), LIT("a¥b‾")},
	{"romaji by escape", "\\ISO 2022 IR 13", VR_ST, LIT("\\\033(J\\~\033(B\\"), LIT("\\¥‾\\")},
	{"term ISO_IR_100", "ISO_IR_100", VR_LO, LIT("\351"), LIT("é")},
	{"term iso_ir 100", "iso_ir 100", VR_LO, LIT("\351"), LIT("é")},
	{"term ISO-IR 100", "ISO-IR 100", VR_LO, LIT("\351"), LIT("é")},
	{"term ISO IR 100", "ISO IR 100", VR_LO, LIT("\351"), LIT("é")},
	{"term IR 100", "IR 100", VR_LO, LIT("\351"), LIT("é")},
	{"term ISO 2022 100", "ISO 2022 100", VR_LO, LIT("\351"), LIT("é")},
	{"term ISO2022IR100", "ISO2022IR100", VR_LO, LIT("\351"), LIT("é")},
	{"term  ISO_IR 100 ", " ISO_IR 100 ", VR_LO, LIT("\351"), LIT("é")},
	{"term ISO_IR 2022 IR 100", "ISO_IR 2022 IR 100", VR_LO, LIT("\351"), LIT("é")},
	{"term GB 18030", "gb18030", VR_LO, LIT("\315\365"), LIT("王")},
	{"term ISO 2022 58", "\\ISO 2022 58", VR_LO, LIT("\033$)A\315\365"), LIT("王")},
	{"term IR 149 alone", "ISO 2022 IR 149", VR_LO, LIT("\310\253"), LIT("홍")},
	{"UTF-8 as value 2", "\\ISO_IR 192", VR_LO, LIT("\303\251\347\216\213"), LIT("é王")},
	{"no escape before Korean", "\\ISO 2022 IR 149", VR_PN,
	 LIT("Hong=\373\363^\321\316"), LIT("Hong=洪^吉")},
	{"escape to a set that is not listed", "ISO_IR 100", VR_LO,
	 LIT("\033$B;3\033(B\351"), LIT("山é")},
	{"escape without a character set", "", VR_LO, LIT("\033$B;3\033(B"), LIT("山")},
	{"default repertoire", "", VR_LO, LIT("a\351b"), LIT("a" NO "b")},
	{"IR 6", "ISO_IR 6", VR_LO, LIT("a\351b"), LIT("a" NO "b")},
	{"unknown term", "KOI8-R", VR_LO, LIT("a\351b"), LIT("a" NO "b")},
	{"escape cut short", "\\ISO 2022 IR 87", VR_LO, LIT("a\033"), LIT("a\033")},
	{"escape cut short, two bytes", "\\ISO 2022 IR 87", VR_LO, LIT("a\033$"), LIT("a\033$")},
	{"escape cut short, three bytes", "\\ISO 2022 IR 159", VR_LO,
	 LIT("a\033$("), LIT("a\033$(")},
	{"unknown escape", "\\ISO 2022 IR 87", VR_LO, LIT("a\033(Zb"), LIT("a\033(Zb")},
	{"escape in UTF-8", "ISO_IR 192", VR_LO, LIT("\033(Bx"), LIT("\033(Bx")},
	{"kanji cut short", "\\ISO 2022 IR 87", VR_LO, LIT("\033$B;3E"), LIT("山" NO)},
	{"kanji cut by an escape", "\\ISO 2022 IR 87", VR_LO,
	 LIT("\033$B;3E\033(Bx"), LIT("山" NO "x")},
	{"kanji without a character", "\\ISO 2022 IR 87", VR_LO,
	 LIT("\033$B}}\033(Bx"), LIT(NO "x")},
	{"0212 without a character", "\\ISO 2022 IR 159", VR_LO,
	 LIT("\033$(D!!\033(Bx"), LIT(NO "x")},
	{"Korean cut short", "\\ISO 2022 IR 149", VR_LO, LIT("\033$)C\310"), LIT(NO)},
	{"Korean cut by a backslash", "\\ISO 2022 IR 149", VR_LO,
	 LIT("\033$)C\310\\x"), LIT(NO "\\x")},
	{"Chinese in C1", "\\ISO 2022 IR 58", VR_LO, LIT("\033$)A\201\241x"), LIT(NO NO "x")},
	{"katakana outside", "ISO_IR 13", VR_LO, LIT("\340\240\200"), LIT(NO NO NO)},
	{"UTF-8 cut short", "ISO_IR 192", VR_LO, LIT("a\347\216"), LIT("a" NO NO)},
	{"UTF-8 overlong", "ISO_IR 192", VR_LO, LIT("\300\200b"), LIT(NO NO "b")},
	{"UTF-8 surrogate", "ISO_IR 192", VR_LO, LIT("\355\240\200"), LIT(NO NO NO)},
	{"GB18030 cut short", "GB18030", VR_LO, LIT("a\315"), LIT("a" NO)},
	{"GB18030 cut by a backslash", "GB18030", VR_LO, LIT("\2010\\b"), LIT(NO "0\\b")},
	{"GBK lead before a control", "GBK", VR_LT, LIT("\315\015\012"), LIT(NO "\015\012")},
	{"GBK 0xFF", "GBK", VR_LO, LIT("\377\377x"), LIT(NO NO "x")},
	{"Arabic hole", "ISO_IR 127", VR_LO, LIT("\241\307"), LIT(NO "ا")},
	{"a VR without character sets", "ISO_IR 100", VR_CS,
	 LIT("\351\033(J\\"), LIT(NO "\033(J\\")},
	{"UI", "ISO_IR 192", VR_UI, LIT("\303\251"), LIT(NO NO)},
	{"NUL inside", "ISO_IR 100", VR_LO, LIT("a\000\351"), LIT("a\000é")},
	{"empty", "ISO_IR 100", VR_LO, LIT(""), LIT("")},
};
/* clang-format on */

static struct buf convert(const char *term, enum vr vr, struct bytes text, size_t max)
{
	struct charset c = charset_parse(bytes_str(term));
	struct buf out = BUF_INIT(max);

	charset_to_utf8(&c, vr, text, &out);
	return out;
}

START_TEST(converts)
{
	struct buf out = convert(rows[_i].term, rows[_i].vr, rows[_i].text, 1000);

	ck_assert_msg(bytes_eq(buf_bytes(&out), rows[_i].want), "%s: got \"%s\"", rows[_i].name,
		      out.at == NULL ? "" : (const char *)out.at);
	buf_free(&out);
}
END_TEST

/* Every prefix of a text is a text: something comes out, and it is UTF-8. */
START_TEST(cut_anywhere)
{
	struct bytes text = rows[_i].text;

	for (size_t n = 0; n <= text.len; n++) {
		uint8_t *exact = malloc(n == 0 ? 1 : n);

		ck_assert_ptr_nonnull(exact);
		if (n > 0)
			memcpy(exact, text.at, n);
		struct buf out = convert(rows[_i].term, rows[_i].vr, bytes_of(exact, n), 1000);
		ck_assert_msg(!out.failed && utf8_valid(buf_bytes(&out)), "%s: first %zu bytes",
			      rows[_i].name, n);
		buf_free(&out);
		free(exact);
	}
}
END_TEST

/* A full buffer fails and keeps what fitted, which is a beginning of the whole. */
START_TEST(buffer_full)
{
	struct bytes want = rows[_i].want;

	for (size_t max = 0; max < want.len; max++) {
		struct buf out = convert(rows[_i].term, rows[_i].vr, rows[_i].text, max);

		ck_assert_msg(out.failed, "%s: max %zu", rows[_i].name, max);
		ck_assert_msg(bytes_eq(buf_bytes(&out), bytes_of(want.at, out.len)), "%s: max %zu",
			      rows[_i].name, max);
		buf_free(&out);
	}
}
END_TEST

/* clang-format off */
static const struct {
	const char *value;
	unsigned count;
	bool unknown;
} term_rows[] = {
	{"", 0, false},
	{"\\", 1, false}, /* what follows the last backslash is empty and adds nothing */
	{"ISO_IR 100", 1, false},
	{"ISO 2022 IR 6\\ISO 2022 IR 87\\ISO 2022 IR 159", 3, false},
	{"UTF-8", 1, true},
	{"ISO_IR 101\\nonsense", 2, true},
	{"ISO_IR", 1, true},
	{"ISO_IR 0", 1, true},
	{"ISO_IR 1001", 1, true},
	{"ISO_IR 99999999999999999999999999999999999999", 1, true},
	{"100", 1, true},
	{"ISO 2022 IR 100 and much more text than a term has", 1, true},
	{"GBK2", 1, true},
	{"\\\\\\\\\\\\\\\\", 8, false},
	{"\\\\\\\\\\\\\\\\ISO_IR 100", 8, true}, /* a ninth */
};
/* clang-format on */

START_TEST(parses)
{
	struct charset c = charset_parse(bytes_str(term_rows[_i].value));

	ck_assert_msg(c.count == term_rows[_i].count && c.unknown == term_rows[_i].unknown,
		      "\"%s\": %u terms, unknown %d", term_rows[_i].value, c.count, c.unknown);
}
END_TEST

/* The table against the ends of the rows of JIS X 0212. */
START_TEST(supplementary_kanji)
{
	unsigned count = 0;

	for (unsigned a = 0; a < 256; a++)
		for (unsigned b = 0; b < 256; b++)
			count += jisx0212((uint8_t)a, (uint8_t)b) != 0;
	ck_assert_uint_eq(count, 6067); /* characters in the standard */
	ck_assert_uint_eq(jisx0212(0x22, 0x2F), 0x02D8);
	ck_assert_uint_eq(jisx0212(0x30, 0x21), 0x4E02);
	ck_assert_uint_eq(jisx0212(0x6D, 0x63), 0x9FA5);
	ck_assert_uint_eq(jisx0212(0x6D, 0x64), 0);
	ck_assert_uint_eq(jisx0212(0x28, 0x21), 0);
}
END_TEST

Suite *suite_charset(void)
{
	Suite *s = suite_create("charset");
	TCase *t = tcase_create("charset");
	int count = (int)(sizeof(rows) / sizeof(rows[0]));

	tcase_add_loop_test(t, converts, 0, count);
	tcase_add_loop_test(t, cut_anywhere, 0, count);
	tcase_add_loop_test(t, buffer_full, 0, count);
	tcase_add_loop_test(t, parses, 0, (int)(sizeof(term_rows) / sizeof(term_rows[0])));
	tcase_add_test(t, supplementary_kanji);
	suite_add_tcase(s, t);
	return s;
}
