/* base/sha256 and base/uid: examples of the standards, in pieces of every size; what is a UID. */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "base/sha256.h"
#include "base/uid.h"
#include "support/support.h"

Suite *suite_sha256(void);

/* ---- hashes: FIPS 180-4 examples, RFC 4231 ---- */

static void check_digest(const uint8_t *digest, const char *hex)
{
	char text[2 * SHA256_LEN + 1];

	for (size_t i = 0; i < SHA256_LEN; i++)
		snprintf(text + 2 * i, 3, "%02x", digest[i]);
	ck_assert_str_eq(text, hex);
}

START_TEST(sha256_vectors)
{
	static const struct {
		const char *in, *hex;
	} v[] = {
		{"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
		{"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
		{"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
		 "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
	};
	struct sha256 s;
	uint8_t out[SHA256_LEN];

	sha256_init(&s);
	sha256_add(&s, bytes_str(v[_i].in));
	sha256_end(&s, out);
	check_digest(out, v[_i].hex);
}
END_TEST

START_TEST(sha256_of_a_million_a_in_any_pieces)
{
	static const size_t pieces[] = {1, 63, 64, 65, 1000000};
	static uint8_t a[1000000];
	struct sha256 s;
	uint8_t out[SHA256_LEN];

	memset(a, 'a', sizeof(a));
	sha256_init(&s);
	for (size_t at = 0; at < sizeof(a); at += pieces[_i]) {
		size_t n = pieces[_i] < sizeof(a) - at ? pieces[_i] : sizeof(a) - at;
		sha256_add(&s, bytes_of(a + at, n));
	}
	sha256_end(&s, out);
	check_digest(out, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}
END_TEST

/* RFC 4231, all but the truncated one; a key or text is `count` times a byte where no text is
 * given. */
static const struct {
	const char *key, *text, *hex;
	size_t key_count, text_count;
	uint8_t key_byte, text_byte;
} macs[] = {
	{NULL, "Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7", 20,
	 0, 0x0b, 0},
	{"Jefe", "what do ya want for nothing?",
	 "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843", 0, 0, 0, 0},
	{NULL, NULL, "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe", 20, 50,
	 0xaa, 0xdd},
	{"\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10\x11\x12\x13\x14\x15"
	 "\x16\x17\x18\x19",
	 NULL, "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b", 0, 50, 0, 0xcd},
	{NULL, "Test Using Larger Than Block-Size Key - Hash Key First",
	 "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54", 131, 0, 0xaa, 0},
	{NULL,
	 "This is a test using a larger than block-size key and a larger than block-size data. "
	 "The key needs to be hashed before being used by the HMAC algorithm.",
	 "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2", 131, 0, 0xaa, 0},
};

static struct bytes text_or_run(uint8_t *run, const char *text, uint8_t byte, size_t count)
{
	if (text != NULL)
		return bytes_str(text);
	memset(run, byte, count);
	return bytes_of(run, count);
}

START_TEST(hmac_vectors)
{
	uint8_t out[SHA256_LEN], key[200], text[200];
	struct hmac h;

	hmac_init(&h, text_or_run(key, macs[_i].key, macs[_i].key_byte, macs[_i].key_count));
	hmac_add(&h, text_or_run(text, macs[_i].text, macs[_i].text_byte, macs[_i].text_count));
	hmac_end(&h, out);
	check_digest(out, macs[_i].hex);
}
END_TEST

START_TEST(hmac_framing_is_a_length_before_the_bytes)
{
	uint8_t framed[SHA256_LEN], plain[SHA256_LEN];
	struct hmac h;

	hmac_init(&h, BYTES_LIT("key"));
	hmac_add_framed(&h, BYTES_LIT("abc"));
	hmac_end(&h, framed);
	hmac_init(&h, BYTES_LIT("key"));
	hmac_add(&h, BYTES_LIT("\0\0\0\3abc"));
	hmac_end(&h, plain);
	ck_assert_mem_eq(framed, plain, SHA256_LEN);
}
END_TEST

/* ---- UIDs ---- */

static const struct {
	const char *text;
	bool ok;
} uids[] = {
	{"1.2.840.10008.1.2", true},
	{"1", true},
	{" 1.2 ", true},
	{"1.2.03", true}, /* against PS3.5, but real */
	{"", false},
	{".1", false},
	{"1.", false},
	{"1..2", false},
	{".", false},
	{"..", false},
	{"1.2/3", false},
	{"1.2a", false},
	{"1 2", false},
	{"1234567890.1234567890.1234567890.1234567890.1234567890.123456789", true},   /* 64 */
	{"1234567890.1234567890.1234567890.1234567890.1234567890.1234567890", false}, /* 65 */
};

START_TEST(uids_become_paths_only_when_plain)
{
	struct uid u;

	ck_assert_msg(uid_ok(bytes_str(uids[_i].text)) == uids[_i].ok, "%s", uids[_i].text);
	ck_assert_int_eq(uid_set(&u, bytes_str(uids[_i].text)), uids[_i].ok);
	if (!uids[_i].ok)
		ck_assert_str_eq(u.text, "");
}
END_TEST

START_TEST(derived_uids)
{
	struct bytes ab[2] = {BYTES_LIT("a"), BYTES_LIT("b")},
		     ab_c[2] = {BYTES_LIT("ab"), BYTES_NONE};
	struct uid u = uid_derive(BYTES_LIT("key"), "test", ab, 2);
	struct uid again = uid_derive(BYTES_LIT("key"), "test", ab, 2);
	struct uid other_key = uid_derive(BYTES_LIT("kez"), "test", ab, 2);
	struct uid other_purpose = uid_derive(BYTES_LIT("key"), "tesu", ab, 2);
	struct uid other_split = uid_derive(BYTES_LIT("key"), "test", ab_c, 2);

	/* made once with an independent implementation; a change would orphan every study sent so
	 * far */
	ck_assert_str_eq(u.text, "2.25.192883837783515927322403669445657585682");
	ck_assert(uid_ok(bytes_str(u.text)));
	ck_assert_uint_le(strlen(u.text), 44);
	ck_assert(uid_eq(&u, &again));
	ck_assert(!uid_eq(&u, &other_key));
	ck_assert(!uid_eq(&u, &other_purpose));
	ck_assert(!uid_eq(&u, &other_split));
}
END_TEST

#define ROWS(table) (int)(sizeof(table) / sizeof((table)[0]))

Suite *suite_sha256(void)
{
	Suite *s = suite_create("sha256");
	TCase *t = tcase_create("sha256");

	tcase_add_loop_test(t, sha256_vectors, 0, 3);
	tcase_add_loop_test(t, sha256_of_a_million_a_in_any_pieces, 0, 5);
	tcase_add_loop_test(t, hmac_vectors, 0, ROWS(macs));
	tcase_add_test(t, hmac_framing_is_a_length_before_the_bytes);
	tcase_add_loop_test(t, uids_become_paths_only_when_plain, 0, ROWS(uids));
	tcase_add_test(t, derived_uids);
	suite_add_tcase(s, t);
	return s;
}
