/*
 * The DICOM JSON model: what each kind of value becomes, what is left out, what is refused.
 */
#include <check.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../fuzz/json_check.h"
#include "dicom/dump.h"

Suite *suite_json(void);

#define LIT(s)                                         \
	{                                              \
		(const uint8_t *)("" s), sizeof(s) - 1 \
	}

/* In `want` an apostrophe stands for a double quote, and so does a grave accent inside a string. */
/* clang-format off */
static const struct {
	const char *name;
	const struct syntax *syntax;
	struct bytes data;
	const char *want;
} rows[] = {
	{"nothing", &syntax_explicit_le,
	 LIT(""),
	 "{}"},
	{"one value", &syntax_explicit_le,
	 LIT("\010\000\005\000" "CS" "\012\000" "ISO_IR 100"),
	 "{'00080005':{'vr':'CS','Value':['ISO_IR 100']}}"},
	{"three values, padded", &syntax_explicit_le,
	 LIT("\010\000\010\000" "CS" "\030\000" "ORIGINAL\\PRIMARY \\ AXIAL"),
	 "{'00080008':{'vr':'CS','Value':['ORIGINAL','PRIMARY','AXIAL']}}"},
	{"an empty value between", &syntax_explicit_le,
	 LIT("\010\000\010\000" "CS" "\004\000" "A\\\\B"),
	 "{'00080008':{'vr':'CS','Value':['A',null,'B']}}"},
	{"two empty values", &syntax_explicit_le,
	 LIT("\010\000\010\000" "CS" "\002\000" "\\ "),
	 "{'00080008':{'vr':'CS','Value':[null,null]}}"},
	{"empty", &syntax_explicit_le,
	 LIT("\020\000\020\000" "PN" "\000\000"),
	 "{'00100010':{'vr':'PN'}}"},
	{"blank", &syntax_explicit_le,
	 LIT("\010\0000\020" "LO" "\002\000" "  "),
	 "{'00081030':{'vr':'LO'}}"},
	{"UID with its NUL", &syntax_explicit_le,
	 LIT("\010\000\030\000" "UI" "\006\000" "1.2.3\000"),
	 "{'00080018':{'vr':'UI','Value':['1.2.3']}}"},
	{"blanks in front are text in LO", &syntax_explicit_le,
	 LIT("\010\0000\020" "LO" "\005\000" " a b "),
	 "{'00081030':{'vr':'LO','Value':[' a b']}}"},
	{"quotes and control characters", &syntax_explicit_le,
	 LIT("\020\000\000@" "LT" "\013\000" "\"a\\b\"\015\012\011c\177 "),
	 "{'00104000':{'vr':'LT','Value':['\\`a\\\\b\\`\\u000d\\n\\u0009c\\u007f']}}"},
	{"URI keeps its backslash", &syntax_explicit_le,
	 LIT("\010\000 \001" "UR" "\000\000\012\000\000\000" "http://a\\b"),
	 "{'00080120':{'vr':'UR','Value':['http://a\\\\b']}}"},
	{"name, one group", &syntax_explicit_le,
	 LIT("\020\000\020\000" "PN" "\012\000" "Doe^Jane^^"),
	 "{'00100010':{'vr':'PN','Value':[{'Alphabetic':'Doe^Jane^^'}]}}"},
	{"name, three groups", &syntax_explicit_le,
	 LIT("\010\000\005\000" "CS" "\020\000" "\\ISO 2022 IR 87 " "\020\000\020\000" "PN"
	     "=\000"
	     "Yamada^Tarou=\033$B;3ED\033(B^\033$BB@O:\033(B=\033$B$d$^$@\033(B^\033$B$?$m$&\033(B "),
	 "{'00080005':{'vr':'CS','Value':[null,'ISO 2022 IR 87']},'00100010':{'vr':'PN',"
	 "'Value':[{'Alphabetic':'Yamada^Tarou','Ideographic':'山田^太郎','Phonetic':'やまだ^たろう'}]}}"},
	{"name, groups missing", &syntax_explicit_le,
	 LIT("\020\000\020\000" "PN" "\021\000" "=A=\\==B\\=\\C=D=E=F"),
	 "{'00100010':{'vr':'PN','Value':[{'Ideographic':'A'},{'Phonetic':'B'},null,"
	 "{'Alphabetic':'C','Ideographic':'D','Phonetic':'E=F'}]}}"},
	{"DS that are numbers", &syntax_explicit_le,
	 LIT(" \0007\000" "DS" ".\000"
	     "1\\+1.50\\-.5\\5.\\007\\1e5\\1E-05\\ 3 \\0\\-0.0\\000.10"),
	 "{'00200037':{'vr':'DS','Value':[1,1.50,-0.5,5,7,1e5,1e-05,3,0,-0.0,0.10]}}"},
	{"DS that are strings", &syntax_explicit_le,
	 LIT(" \0007\000" "DS" "5\000"
	     "x\\1,5\\\\1.2.3\\e5\\1e\\--1\\.\\1e999\\0.12345678901234567890"),
	 "{'00200037':{'vr':'DS','Value':['x','1,5',null,'1.2.3','e5','1e','--1','.','1e999',"
	 "'0.12345678901234567890']}}"},
	{"IS", &syntax_explicit_le,
	 LIT(" \000\023\000" "IS" ")\000" "12\\-7\\+5\\00\\1.0\\1e3\\9999999999999999\\0x10"),
	 "{'00200013':{'vr':'IS','Value':[12,-7,5,0,'1.0','1e3','9999999999999999','0x10']}}"},
	{"binary numbers, disordered", &syntax_explicit_le,
	 LIT("(\000\020\000" "US" "\004\000" "\000\002\377\377"
	     "(\000\006\001" "SS" "\002\000" "0\370"
	     "(\000\011\000" "AT" "\010\000" "\030\000c\020\340\177\020\000"
	     "\030\000 `" "SL" "\004\000" "\220\356\376\377"
	     "\030\000\030`" "UL" "\004\000" "\000(k\356"
	     "\030\000\004\221" "FL" "\010\000" "\315\314\314=\000\000@\300" "\030\000\207\220"
	     "FD" "\020\000" "\232\231\231\231\231\231\271?\234u\000\210<\3447~"
	     "\010\000\227\021" "SV" "\000\000\020\000\000\000"
	     "\373\377\377\377\377\377\377\377\000\000\000\000\000\000\000\300"
	     "\010\000\230\021" "UV" "\000\000\020\000\000\000"
	     "\000\000\000\000\000\000 \000\001\000\000\000\000\000 \000"),
	 "{'00081197':{'vr':'SV','Value':[-5,'-4611686018427387904']},'00081198':{'vr':'UV',"
	 "'Value':[9007199254740992,'9007199254740993']},'00186018':{'vr':'UL',"
	 "'Value':[4000000000]},'00186020':{'vr':'SL','Value':[-70000]},'00189087':{'vr':'FD',"
	 "'Value':[0.1,1e+300]},'00189104':{'vr':'FL','Value':[0.1,-3]},'00280009':{'vr':'AT',"
	 "'Value':['00181063','7FE00010']},'00280010':{'vr':'US','Value':[512,65535]},"
	 "'00280106':{'vr':'SS','Value':[-2000]}}"},
	{"binary numbers, big endian", &syntax_explicit_be,
	 LIT("\000(\000\020" "US" "\000\004" "\002\000\377\377"
	     "\000(\001\006" "SS" "\000\002" "\3700"
	     "\000(\000\011" "AT" "\000\010" "\000\030\020c\177\340\000\020"
	     "\000\030` " "SL" "\000\004" "\377\376\356\220"
	     "\000\030`\030" "UL" "\000\004" "\356k(\000"
	     "\000\030\221\004" "FL" "\000\010" "=\314\314\315\300@\000\000" "\000\030\220\207"
	     "FD" "\000\020" "?\271\231\231\231\231\231\232~7\344<\210\000u\234"
	     "\000\010\021\227" "SV" "\000\000\000\000\000\020"
	     "\377\377\377\377\377\377\377\373\300\000\000\000\000\000\000\000"
	     "\000\010\021\230" "UV" "\000\000\000\000\000\020"
	     "\000 \000\000\000\000\000\000\000 \000\000\000\000\000\001"),
	 "{'00081197':{'vr':'SV','Value':[-5,'-4611686018427387904']},'00081198':{'vr':'UV',"
	 "'Value':[9007199254740992,'9007199254740993']},'00186018':{'vr':'UL',"
	 "'Value':[4000000000]},'00186020':{'vr':'SL','Value':[-70000]},'00189087':{'vr':'FD',"
	 "'Value':[0.1,1e+300]},'00189104':{'vr':'FL','Value':[0.1,-3]},'00280009':{'vr':'AT',"
	 "'Value':['00181063','7FE00010']},'00280010':{'vr':'US','Value':[512,65535]},"
	 "'00280106':{'vr':'SS','Value':[-2000]}}"},
	{"not a number", &syntax_explicit_le,
	 LIT("\030\000\207\220" "FD" "\030\000"
	     "\000\000\000\000\000\000\370\177\000\000\000\000\000\000\360\177\000\000\000\000\000\000\360\377"),
	 "{'00189087':{'vr':'FD','Value':['NaN','Infinity','-Infinity']}}"},
	{"a number of the wrong length", &syntax_explicit_le,
	 LIT("(\000\020\000" "US" "\003\000" "abc"),
	 "{'00280010':{'vr':'UN','InlineBinary':'YWJj'}}"},
	{"base64, 1 to 4 bytes", &syntax_explicit_le,
	 LIT("\011\000\001\020" "OB" "\000\000\001\000\000\000" "a"
	     "\011\000\002\020" "OB" "\000\000\002\000\000\000" "ab"
	     "\011\000\003\020" "UN" "\000\000\003\000\000\000" "abc"
	     "\011\000\004\020" "OB" "\000\000\004\000\000\000" "\000\377\376\373"),
	 "{'00091001':{'vr':'OB','InlineBinary':'YQ=='},'00091002':{'vr':'OB',"
	 "'InlineBinary':'YWI='},'00091003':{'vr':'UN','InlineBinary':'YWJj'},"
	 "'00091004':{'vr':'OB','InlineBinary':'AP/++w=='}}"},
	{"words are little endian", &syntax_explicit_be,
	 LIT("\000\011\020\001" "OB" "\000\000\000\000\000\006" "abcdef"
	     "\000\011\020\002" "OW" "\000\000\000\000\000\007" "badcfeg"
	     "\000\011\020\003" "OL" "\000\000\000\000\000\004" "dcba"
	     "\000\011\020\004" "OD" "\000\000\000\000\000\010" "hgfedcba"),
	 "{'00091001':{'vr':'OB','InlineBinary':'YWJjZGVm'},'00091002':{'vr':'OW',"
	 "'InlineBinary':'YWJjZGVmZw=='},'00091003':{'vr':'OL','InlineBinary':'YWJjZA=='},"
	 "'00091004':{'vr':'OD','InlineBinary':'YWJjZGVmZ2g='}}"},
	{"a VR that is none", &syntax_explicit_le,
	 LIT("\011\000\001\020" "ZZ" "\002\000" "ab"),
	 "{'00091001':{'vr':'UN','InlineBinary':'YWI='}}"},
	{"empty sequence", &syntax_explicit_le,
	 LIT("\0060 \000" "SQ" "\000\000\000\000\000\000"),
	 "{'30060020':{'vr':'SQ'}}"},
	{"empty sequence of undefined length", &syntax_explicit_le,
	 LIT("\0060 \000" "SQ" "\000\000\377\377\377\377" "\376\377\335\340\000\000\000\000"),
	 "{'30060020':{'vr':'SQ'}}"},
	{"empty item", &syntax_explicit_le,
	 LIT("\0060 \000" "SQ" "\000\000\010\000\000\000" "\376\377\000\340\000\000\000\000"),
	 "{'30060020':{'vr':'SQ','Value':[{}]}}"},
	{"nested sequences", &syntax_explicit_le,
	 LIT("\00609\000" "SQ" "\000\000\377\377\377\377" "\376\377\000\340\377\377\377\377"
	     "\0060@\000" "SQ" "\000\000\377\377\377\377" "\376\377\000\340\377\377\377\377"
	     "\0060F\000" "IS" "\002\000" "3 " "\376\377\015\340\000\000\000\000"
	     "\376\377\000\340\377\377\377\377" "\0060F\000" "IS" "\002\000" "4 "
	     "\376\377\015\340\000\000\000\000" "\376\377\335\340\000\000\000\000"
	     "\0060\204\000" "IS" "\002\000" "1 " "\376\377\015\340\000\000\000\000"
	     "\376\377\335\340\000\000\000\000" "\0160\002\000" "CS" "\010\000" "APPROVED"),
	 "{'30060039':{'vr':'SQ','Value':[{'30060040':{'vr':'SQ',"
	 "'Value':[{'30060046':{'vr':'IS','Value':[3]}},{'30060046':{'vr':'IS',"
	 "'Value':[4]}}]},'30060084':{'vr':'IS','Value':[1]}}]},'300E0002':{'vr':'CS',"
	 "'Value':['APPROVED']}}"},
	{"a sequence as UN", &syntax_explicit_le,
	 LIT("\011\000\001\020" "UN" "\000\000\377\377\377\377"
	     "\376\377\000\340\377\377\377\377" "\020\000 \000" "\002\000\000\000" "id"
	     "\376\377\015\340\000\000\000\000" "\376\377\335\340\000\000\000\000"),
	 "{'00091001':{'vr':'SQ','Value':[{'00100020':{'vr':'LO','Value':['id']}}]}}"},
	{"disordered, repeated, group lengths", &syntax_explicit_le,
	 LIT("\020\000\000\000" "UL" "\004\000" "\012\000\000\000"
	     "\020\000 \000" "LO" "\002\000" "2 " "\020\000\020\000" "PN" "\002\000" "N "
	     "\020\000 \000" "LO" "\002\000" "3 "),
	 "{'00100010':{'vr':'PN','Value':[{'Alphabetic':'N'}]},'00100020':{'vr':'LO',"
	 "'Value':['2']}}"},
	{"a meta element astray", &syntax_explicit_le,
	 LIT("\002\000\020\000" "UI" "\004\000" "1.2\000" "\020\000 \000" "LO" "\002\000" "2 "),
	 "{'00100020':{'vr':'LO','Value':['2']}}"},
	{"character sets by item", &syntax_explicit_le,
	 LIT("\010\000\005\000" "CS" "\012\000" "ISO_IR 100"
	     "\010\000@\021" "SQ" "\000\000\377\377\377\377" "\376\377\000\340\377\377\377\377"
	     "\010\000\005\000" "CS" "\012\000" "ISO_IR 144"
	     "\020\000 \000" "LO" "\002\000" "\273 " "\376\377\015\340\000\000\000\000"
	     "\376\377\000\340\377\377\377\377" "\020\000 \000" "LO" "\002\000" "\351 "
	     "\376\377\015\340\000\000\000\000" "\376\377\335\340\000\000\000\000"
	     "\020\000 \000" "LO" "\002\000" "\351 "),
	 "{'00080005':{'vr':'CS','Value':['ISO_IR 100']},'00081140':{'vr':'SQ',"
	 "'Value':[{'00080005':{'vr':'CS','Value':['ISO_IR 144']},'00100020':{'vr':'LO',"
	 "'Value':['Л']}},{'00100020':{'vr':'LO','Value':['é']}}]},'00100020':{'vr':'LO',"
	 "'Value':['é']}}"},
	{"half a character is no backslash", &syntax_explicit_le,
	 LIT("\010\000\005\000" "CS" "\004\000" "GBK "
	     "\020\000 \000" "LO" "\005\000" "\325\\\\\271\246"),
	 "{'00080005':{'vr':'CS','Value':['GBK']},'00100020':{'vr':'LO','Value':['誠','功']}}"},
	{"bytes that are no text", &syntax_explicit_le,
	 LIT("\020\000 \000" "LO" "\002\000" "a\377"),
	 "{'00100020':{'vr':'LO','Value':['a\357\277\275']}}"},
	{"US or SS, signed", &syntax_implicit_le,
	 LIT("(\000\003\001" "\002\000\000\000" "\001\000"
	     "(\000\006\001" "\002\000\000\000" "\377\377"
	     "(\000\020\000" "\002\000\000\000" "\377\377"),
	 "{'00280010':{'vr':'US','Value':[65535]},'00280103':{'vr':'US','Value':[1]},"
	 "'00280106':{'vr':'SS','Value':[-1]}}"},
	{"US or SS, unsigned", &syntax_implicit_le,
	 LIT("(\000\003\001" "\002\000\000\000" "\000\000"
	     "(\000\006\001" "\002\000\000\000" "\377\377"),
	 "{'00280103':{'vr':'US','Value':[0]},'00280106':{'vr':'US','Value':[65535]}}"},
	{"private in implicit VR", &syntax_implicit_le,
	 LIT("\011\000\001\020" "\002\000\000\000" "ab"),
	 "{'00091001':{'vr':'UN','InlineBinary':'YWI='}}"},
	{"encapsulated pixel data", &syntax_explicit_le,
	 LIT("\340\177\020\000" "OB" "\000\000\377\377\377\377"
	     "\376\377\000\340\000\000\000\000" "\376\377\000\340\002\000\000\000" "\377\330"
	     "\376\377\000\340\002\000\000\000" "\377\331" "\376\377\335\340\000\000\000\000"),
	 "{'7FE00010':{'vr':'OB','InlineBinary':'/v8A4AAAAAD+/wDgAgAAAP/Y/v8A4AIAAAD/2Q=='}}"},
};

/* The end of the data inside something, and other damage. */
static const struct {
	const char *name;
	struct bytes data;
} broken[] = {
	{"cut in a header", LIT("\020\000\020\000" "P")},
	{"cut in a value", LIT("\020\000\020\000" "PN" "\004\000" "a")},
	{"cut in an item", LIT("\6\060\040\000" "SQ\0\0\377\377\377\377" "\376\377\000\340" "\010\000\000\000" "\020")},
	{"no item in a sequence", LIT("\6\060\040\000" "SQ\0\0\010\000\000\000" "\020\000\020\000" "PN\0\0")},
};
/* clang-format on */

static struct part10 object(struct bytes data, const struct syntax *syntax)
{
	return (struct part10){.map = FILE_MAP_NONE, .file = data, .data = data, .syntax = syntax};
}

START_TEST(becomes)
{
	struct part10 p = object(rows[_i].data, rows[_i].syntax);
	struct dump_out out = dump_out_memory(1u << 20);
	struct fault f = {0};
	char want[2000];
	size_t n = strlen(rows[_i].want);

	ck_assert(n + 2 < sizeof(want));
	for (size_t i = 0; i < n; i++) {
		char c = rows[_i].want[i];

		want[i] = c == '\'' || c == '`' ? '"' : c;
	}
	memcpy(want + n, "\n", 2);

	enum err e = dump_json(&p, &out, &f);
	ck_assert_msg(e == OK, "%s: %s at %llu", rows[_i].name, f.text, (unsigned long long)f.at);
	ck_assert_msg(dump_out_end(&out, NULL) == OK, "%s", rows[_i].name);
	ck_assert_msg(bytes_eq_str(buf_bytes(&out.text), want), "%s: got %s", rows[_i].name,
		      (const char *)out.text.at);
	ck_assert_msg(json_ok(bytes_of(out.text.at, out.text.len - 1)), "%s", rows[_i].name);
	dump_out_free(&out);
}
END_TEST

START_TEST(refuses)
{
	struct part10 p = object(broken[_i].data, &syntax_explicit_le);
	struct dump_out out = dump_out_memory(1u << 20);
	struct fault f = {0};

	ck_assert_msg(dump_json(&p, &out, &f) == ERR_WIRE, "%s", broken[_i].name);
	ck_assert_msg(f.code == ERR_WIRE && f.at <= broken[_i].data.len, "%s", broken[_i].name);
	ck_assert_msg(out.text.len == 0, "%s: wrote %s", broken[_i].name,
		      (const char *)out.text.at);
	dump_out_free(&out);
}
END_TEST

/* The offset in a fault is the file's, not the data set's. */
START_TEST(offset_of_the_file)
{
	struct bytes file = BYTES_LIT("12345"
				      "\020\000\020\000"
				      "PN"
				      "\004\000"
				      "a");
	struct part10 p = object(bytes_slice(file, 5, file.len - 5), &syntax_explicit_le);
	struct dump_out out = dump_out_memory(1000);
	struct fault f = {0}, bare = {0};

	ck_assert(dump_json(&p, &out, &bare) == ERR_WIRE);
	p.file = file;
	p.data_at = 5;
	ck_assert(dump_json(&p, &out, &f) == ERR_WIRE);
	ck_assert_uint_eq(f.at, bare.at + 5);
	dump_out_free(&out);
}
END_TEST

/* Any beginning of a data set gives JSON or nothing, in full or in little memory. */
START_TEST(cut_anywhere)
{
	struct bytes data = rows[_i].data;

	for (size_t n = 0; n <= data.len; n++) {
		uint8_t *exact = malloc(n == 0 ? 1 : n);
		struct fault f = {0};

		ck_assert_ptr_nonnull(exact);
		if (n > 0)
			memcpy(exact, data.at, n);
		struct part10 p = object(bytes_of(exact, n), rows[_i].syntax);
		struct dump_out out = dump_out_memory(1u << 20);
		if (dump_json(&p, &out, &f) == OK)
			ck_assert_msg(json_ok(bytes_of(out.text.at, out.text.len - 1)),
				      "%s: first %zu bytes", rows[_i].name, n);
		else
			ck_assert_msg(out.text.len == 0, "%s: first %zu bytes", rows[_i].name, n);
		dump_out_free(&out);
		free(exact);
	}
}
END_TEST

START_TEST(little_memory)
{
	struct part10 p = object(rows[_i].data, rows[_i].syntax);

	for (size_t max = 0; max <= strlen(rows[_i].want); max += 7) {
		struct dump_out out = dump_out_memory(max);
		struct fault f = {0};

		ck_assert(dump_json(&p, &out, &f) == OK);
		ck_assert_msg(dump_out_end(&out, &f) == ERR_NOMEM && f.code == ERR_NOMEM,
			      "%s: max %zu", rows[_i].name, max);
		dump_out_free(&out);
	}
}
END_TEST

/* (0040,A160) UT of many lines, longer than what is converted at once, and (7FE0,0010) OW. */
static struct buf big_object(void)
{
	static const char line[] = "\033-L\273 \351\r\n"; /* Cyrillic until the line ends */
	static const uint8_t charset[] = "\010\000\005\000"
					 "CS"
					 "\042\000"
					 "ISO 2022 IR 100\\ISO 2022 IR 144   ";
	struct buf b = BUF_INIT(4u << 20);
	uint8_t head[12] = "\100\000\140\241UT\0\0", pixels[12] = "\340\177\020\000OW\0\0";
	size_t lines = 40000;

	put_u32le(head + 8, (uint32_t)(lines * (sizeof(line) - 1)));
	put_u32le(pixels + 8, 200000);
	buf_add(&b, bytes_of(charset, sizeof(charset) - 1));
	buf_add(&b, bytes_of(head, 12));
	for (size_t i = 0; i < lines; i++)
		buf_str(&b, line);
	buf_add(&b, bytes_of(pixels, 12));
	for (size_t i = 0; i < 200000; i++)
		buf_char(&b, (char)(i % 251));
	return b;
}

/* What goes to a descriptor in pieces is what memory gets. */
START_TEST(pieces_are_the_whole)
{
	int fd = memfd_create("json", 0);
	struct buf object_bytes = big_object();
	struct part10 p = object(buf_bytes(&object_bytes), &syntax_explicit_le);
	struct dump_out memory = dump_out_memory(8u << 20), file = dump_out_fd(fd);
	struct fault f = {0};

	ck_assert(fd >= 0 && !object_bytes.failed);
	ck_assert(dump_json(&p, &memory, &f) == OK && dump_out_end(&memory, &f) == OK);
	ck_assert(dump_json(&p, &file, &f) == OK && dump_out_end(&file, &f) == OK);
	ck_assert_msg(json_ok(bytes_of(memory.text.at, memory.text.len - 1)), "not JSON");
	ck_assert_msg(strstr((const char *)memory.text.at, "\357\277\275") == NULL,
		      "a slice cut a character or a state");
	ck_assert_msg(file.text.cap < 1u << 20, "all of it was held: %zu", file.text.cap);

	uint8_t *read_back = malloc(memory.text.len);
	ck_assert_ptr_nonnull(read_back);
	ck_assert_int_eq(lseek(fd, 0, SEEK_END), (off_t)memory.text.len);
	ck_assert_int_eq(pread(fd, read_back, memory.text.len, 0), (ssize_t)memory.text.len);
	ck_assert(memcmp(read_back, memory.text.at, memory.text.len) == 0);
	free(read_back);
	close(fd);
	dump_out_free(&memory);
	dump_out_free(&file);
	buf_free(&object_bytes);
}
END_TEST

START_TEST(full_disk)
{
	int fd = open("/dev/full", O_WRONLY);
	struct buf object_bytes = big_object();
	struct part10 p = object(buf_bytes(&object_bytes), &syntax_explicit_le);
	struct dump_out out = dump_out_fd(fd);
	struct fault f = {0};

	ck_assert(fd >= 0);
	ck_assert(dump_json(&p, &out, &f) == OK);
	ck_assert(dump_out_end(&out, &f) == ERR_IO);
	ck_assert_int_ne(f.sys_errno, 0);
	close(fd);
	dump_out_free(&out);
	buf_free(&object_bytes);
}
END_TEST

/* The checker itself. */
START_TEST(checker)
{
	static const char *const good[] = {"{}", "[]", "[1,-0.5e+3,null,\"\\u00e9\\n\"]",
					   "{\"a\":{\"b\":[{}]},\"c\":\"\"}"};
	static const char *const bad[] = {
		"",      "{",    "}",        "[1,]",      "{\"a\"}",    "{\"a\":}",   "[01]",
		"[1.]",  "[.5]", "[\"\t\"]", "[\"\\x\"]", "[\"\xff\"]", "{} ",        "[1 2]",
		"{1:2}", "[}",   "[+1]",     "[NaN]",     "[1e]",       "[\"\\u12\"]"};

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		ck_assert_msg(json_ok(bytes_str(good[i])), "%s", good[i]);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_msg(!json_ok(bytes_str(bad[i])), "%s", bad[i]);
}
END_TEST

Suite *suite_json(void)
{
	Suite *s = suite_create("json");
	TCase *t = tcase_create("json");
	int count = (int)(sizeof(rows) / sizeof(rows[0]));

	tcase_add_loop_test(t, becomes, 0, count);
	tcase_add_loop_test(t, refuses, 0, (int)(sizeof(broken) / sizeof(broken[0])));
	tcase_add_test(t, offset_of_the_file);
	tcase_add_loop_test(t, cut_anywhere, 0, count);
	tcase_add_loop_test(t, little_memory, 0, count);
	tcase_add_test(t, pieces_are_the_whole);
	tcase_add_test(t, full_disk);
	tcase_add_test(t, checker);
	suite_add_tcase(s, t);
	return s;
}
