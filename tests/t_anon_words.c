/* anon/words: who is found where, and what is left of a text. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "anon/words.h"

Suite *suite_anon_words(void);

static struct arena a;
static struct words w;

static void setup(void)
{
	ck_assert_int_eq(arena_open(&a, 16u << 20, NULL), OK);
	memset(&w, 0, sizeof(w));
}

static void teardown(void)
{
	arena_close(&a);
}

/* Values of attributes, separated by '|'. */
static void add_all(const char *values)
{
	struct fault f;

	while (*values != '\0') {
		size_t n = strcspn(values, "|");

		ck_assert_int_eq(words_add(&w, bytes_of(values, n), &a, &f), OK);
		values += n + (values[n] == '|');
	}
}

static const struct {
	const char *values, *text;
	bool found;
} finds[] = {
	{"SMITH^JOHN", "Smith", true},
	{"SMITH^JOHN", "smith_john GTV", true},
	{"SMITH^JOHN", "JOHN", true},
	{"SMITH^JOHN", "GTV", false},
	{"SMITH^JOHN", "", false},
	{"", "SMITH", false},
	{"SMITH^JOHN", "S-M-I-T-H", true}, /* separators do not hide it */
	{"SMITH^JOHN", "SmithJohn", true},
	{"SMITH^JOHN", "GTVsmith2", true},  /* five letters: inside of words, too */
	{"SMITH^JOHN", "GTVjohnny", false}, /* four are not */
	{"SMITH^JOHN", "John2", true},      /* but where digits begin a word ends */
	{"SMITH^JOHN", "2john", true},
	{"SANDY^X", "this and you", false}, /* nor does what runs over words by chance */
	{"LEE^BO", "Lee", true},
	{"LEE^BO", "sleeve", false},
	{"LEE^BO", "Bo", false}, /* two letters say nothing */
	{"M\xC3\x9CLLER^J\xC3\x96RG", "Muller", true},
	{"M\xC3\x9CLLER^J\xC3\x96RG", "mu\xCC\x88ller", true}, /* decomposed */
	{"MULLER", "M\xC3\xBCller", true},
	{"STRA\xC3\x9F"
	 "E^X",
	 "STRASSE", true},
	{"NGUY\xE1\xBB\x84N", "nguyen", true},
	{"IONI\xC8\x9A\xC4\x82", "ionita", true},
	{"\xCE\xA3\xCE\xA9\xCE\x9A\xCE\xA1\xCE\x91\xCE\xA4\xCE\x97\xCE\xA3",
	 "\xCE\xA3\xCF\x89\xCE\xBA\xCF\x81\xCE\xAC\xCF\x84\xCE\xB7\xCF\x82", true}, /* Greek */
	{"\xD0\x9B\xD0\xAE\xD0\x9A\xD1\x81\xD0\xB5\xD0\xBC\xD0\xB1\xD1\x83\xD1\x80\xD0\xB3",
	 "\xD0\xBB\xD1\x8E\xD0\xBA\xD1\x81\xD0\xB5\xD0\xBC\xD0\xB1\xD1\x83\xD1\x80\xD0\xB3", true},
	{"\xD0\xA4\xD0\x81\xD0\x94\xD0\x9E\xD0\xA0", "\xD1\x84\xD0\xB5\xD0\xB4\xD0\xBE\xD1\x80",
	 true}, /* yo and ye */
	{"\xE5\xB1\xB1\xE7\x94\xB0^\xE5\xA4\xAA\xE9\x83\x8E", "CT \xE5\xB1\xB1\xE7\x94\xB0",
	 true}, /* two ideographs */
	{"Yamada^Tarou", "\xEF\xBC\xB9\xEF\xBC\xA1\xEF\xBC\xAD\xEF\xBC\xA1\xEF\xBC\xA4\xEF\xBC\xA1",
	 true}, /* full width */
	{"12345678", "MRN12345678", true},
	{"12345678", "1234-5678", true},
	{"12345678", "123456789", true}, /* inside of a longer number: rather too much */
	{"1234", "x1234y", true},
	{"123", "123", false}, /* three digits are any number */
	{"AB-123/45", "ab12345", true},
	{"AB-123/45", "AB", false},
	{"Smith^John^^Dr^Jr", "Dr", false},
	{"A=B=C", "x", false},
	{"O'NEIL^SEAN", "ONeil", true},
	{"VAN DER BERG^ANNA", "vanderberg", true},
	{"\xFFSMITH\xFE", "Smith", true}, /* no UTF-8 around it */
	{"SMITH", "\xFFSMITH\xFE", true},
};

START_TEST(test_found)
{
	add_all(finds[_i].values);
	ck_assert_msg(words_found(&w, bytes_str(finds[_i].text)) == finds[_i].found,
		      "\"%s\" in \"%s\"", finds[_i].values, finds[_i].text);
}
END_TEST

static const struct {
	const char *values, *text;
	bool strict;
	const char *left; /* NULL: nothing was taken out */
} cleans[] = {
	{"SMITH^JOHN", "CT of Smith, John", false, "CT of"},
	{"SMITH^JOHN", "Smith: left lung", false, "left lung"},
	{"SMITH^JOHN", "Head (Smith) neck", false, "Head neck"},
	{"SMITH^JOHN", "SMITH", false, ""},
	{"SMITH^JOHN", "left lung", false, NULL},
	{"SMITH^JOHN", "lung SMI SMITH TH", false, "lung"}, /* what stood apart */
	{"SMITH^JOHN", "seen 01/03/1940", false, NULL}, /* kept text is only searched for words */
	{"SMITH^JOHN", "seen 01/03/1940", true, "seen"},
	{"SMITH^JOHN", "at 10:15 pm", true, "at pm"},
	{"SMITH^JOHN", "J Smith lung", true, "lung"},
	{"SMITH^JOHN", "T 2 lung", true, NULL},
	{"", "case 12345", true, "case"},
	{"", "slice 1234", true, NULL},
	{"", "01Mar1940 scan", true, "scan"},
	{"", "scan mar2020", true, "scan"},
	{"", "1 March 2020 scan", true, "scan"},
	{"", "PTV 5 margin", true, NULL}, /* no month */
	{"", "2 decubitus", true, NULL},
	{"", "Dr. Miller says", true, "says"},
	{"", "Dr Miller says", true, "says"},
	{"", "MR Brain T1", true, NULL}, /* a modality */
	{"", "DR Chest", true, NULL},
	{"", "TE 20 ms axial", true, NULL},
	{"", "Herr Meier links", true, "links"},
	{"", "3.5 mm", true, NULL},
	{"", "0.5/0.5/3.0", true, ""}, /* reads as a date; better so */
	{"", "", true, NULL},
};

START_TEST(test_clean)
{
	struct buf out = BUF_INIT(1024);

	add_all(cleans[_i].values);
	bool found = words_clean(&w, bytes_str(cleans[_i].text), cleans[_i].strict, &out);
	ck_assert_msg(found == (cleans[_i].left != NULL), "\"%s\": \"%.*s\"", cleans[_i].text,
		      (int)out.len, out.at != NULL ? (const char *)out.at : "");
	if (found)
		ck_assert_msg(bytes_eq_str(buf_bytes(&out), cleans[_i].left), "\"%s\": \"%.*s\"",
			      cleans[_i].text, (int)out.len, (const char *)out.at);
	buf_free(&out);
}
END_TEST

/* What is left holds no word, and cleaning it again changes nothing. */
START_TEST(test_property)
{
	static const char *const pieces[] = {
		"Smith", "john", "GTV", "12345", " ",        "_", "-", "/", "01",
		"2020",  "mar",  ".",   "Dr",    "\xC3\xBC", ":", "a", "X", "SMITHJOHN"};

	srand(4242);
	add_all("SMITH^JOHN|777888");
	for (int round = 0; round < 20000; round++) {
		struct buf text = BUF_INIT(4096), once = BUF_INIT(4096), twice = BUF_INIT(4096);

		for (int i = rand() % 12; i >= 0; i--)
			buf_str(&text,
				pieces[(size_t)rand() % (sizeof(pieces) / sizeof(pieces[0]))]);
		if (words_clean(&w, buf_bytes(&text), false, &once)) {
			ck_assert_msg(!words_found(&w, buf_bytes(&once)), "\"%s\" left \"%s\"",
				      (char *)text.at, once.at != NULL ? (char *)once.at : "");
			ck_assert(!words_clean(&w, buf_bytes(&once), false, &twice));
		}
		buf_free(&text);
		buf_free(&once);
		buf_free(&twice);
	}
}
END_TEST

/* Of the words that all have, the first, the last and others; and what only looks like them. */
START_TEST(test_common)
{
	static const char *const common[] = {
		"Abdomen",
		"zentrum",
		"Abteilung",
		"and",
		"Women's Hospital",
		"The Chest Clinic",
		"H\xC3\xB4pital",
		"Universit\xC3\xA4tsklinikum",
		"Radiology Department",
		"X-1",
	};
	static const char *const others[] = {"Abdome",  "Abdomens",   "zentrums",
					     "Hospita", "Saint Mary", "Hospital Freiburg",
					     "aaaaa",   "zzzzz"};

	for (size_t i = 0; i < sizeof(common) / sizeof(common[0]); i++)
		ck_assert_msg(words_is_common(bytes_str(common[i])), "%s", common[i]);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		ck_assert_msg(!words_is_common(bytes_str(others[i])), "%s", others[i]);
}
END_TEST

/* More tokens than there is room for are one: all of it goes rather than any of it stays. */
START_TEST(test_many_tokens)
{
	struct buf text = BUF_INIT(1u << 20), out = BUF_INIT(1u << 20);

	add_all("SMITH^JOHN");
	for (int i = 0; i < 3000; i++)
		buf_str(&text, "x ");
	buf_str(&text, "smith");
	ck_assert(words_clean(&w, buf_bytes(&text), false, &out));
	ck_assert(!words_found(&w, buf_bytes(&out)));
	buf_free(&text);
	buf_free(&out);
}
END_TEST

/* WORDS_MAX words fit; one more is an error, not forgotten. */
START_TEST(test_limit)
{
	struct fault f;
	char text[32];

	for (unsigned i = 0; i < WORDS_MAX; i++) {
		snprintf(text, sizeof(text), "name%u", i);
		ck_assert_int_eq(words_add(&w, bytes_str(text), &a, &f), OK);
	}
	ck_assert_int_eq(words_add(&w, BYTES_LIT("name0"), &a, &f), OK); /* is there */
	ck_assert_int_eq(words_add(&w, BYTES_LIT("another"), &a, &f), ERR_LIMIT);
	ck_assert(words_found(&w, BYTES_LIT("name511")));
}
END_TEST

START_TEST(test_memory)
{
	struct arena small;
	struct fault f;

	ck_assert_int_eq(arena_open(&small, 16, NULL), OK);
	ck_assert_int_eq(words_add(&w, BYTES_LIT("SMITH^JOHN"), &small, &f), ERR_NOMEM);
	arena_close(&small);
}
END_TEST

#define ROWS(table) ((int)(sizeof(table) / sizeof((table)[0])))

Suite *suite_anon_words(void)
{
	Suite *s = suite_create("anon_words");
	TCase *t = tcase_create("words");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 300);
	tcase_add_loop_test(t, test_found, 0, ROWS(finds));
	tcase_add_loop_test(t, test_clean, 0, ROWS(cleans));
	tcase_add_test(t, test_property);
	tcase_add_test(t, test_common);
	tcase_add_test(t, test_many_tokens);
	tcase_add_test(t, test_limit);
	tcase_add_test(t, test_memory);
	suite_add_tcase(s, t);
	return s;
}
