/*
 * Addresses and ranges.
 */
#include <check.h>
#include <string.h>

#include "base/address.h"

Suite *suite_address(void);

static const struct {
	const char *text, *again; /* NULL: no address */
	uint16_t port;
	const char *with_port;
} addresses[] = {
	{"192.0.2.7", "192.0.2.7", 104, "192.0.2.7:104"},
	{"0.0.0.0", "0.0.0.0", 65535, "0.0.0.0:65535"},
	{"255.255.255.255", "255.255.255.255", 65535, "255.255.255.255:65535"},
	{"2001:DB8::1", "2001:db8::1", 104, "[2001:db8::1]:104"},
	{"::", "::", 0, "::"},
	{"::ffff:192.0.2.7", "192.0.2.7", 0, "192.0.2.7"}, /* the same address */
	{"2001:db8:1111:2222:3333:4444:5555:6666", "2001:db8:1111:2222:3333:4444:5555:6666", 11112,
	 "[2001:db8:1111:2222:3333:4444:5555:6666]:11112"},
	{"", NULL, 0, NULL},
	{"localhost", NULL, 0, NULL},
	{"192.0.2", NULL, 0, NULL},
	{"192.0.2.256", NULL, 0, NULL},
	{"192.0.2.7:104", NULL, 0, NULL},
	{" 192.0.2.7", NULL, 0, NULL},
	{"[::1]", NULL, 0, NULL},
	{"1::2::3", NULL, 0, NULL},
};

START_TEST(test_address)
{
	struct address a = {.port = 9};
	char text[ADDRESS_TEXT];

	ck_assert_int_eq(address_parse(&a, addresses[_i].text), addresses[_i].again != NULL);
	if (addresses[_i].again == NULL) {
		ck_assert_uint_eq(a.port, 9);
		return;
	}
	ck_assert_uint_eq(a.port, 0);
	address_text(&a, text);
	ck_assert_str_eq(text, addresses[_i].again);
	a.port = addresses[_i].port;
	address_text(&a, text);
	ck_assert_str_eq(text, addresses[_i].with_port);
	address_ip_text(&a, text);
	ck_assert_str_eq(text, addresses[_i].again);
}
END_TEST

START_TEST(test_scope)
{
	struct address a;
	char text[ADDRESS_TEXT];

	ck_assert(address_parse(&a, "fe80::1"));
	a.scope = 3;
	a.port = 104;
	address_text(&a, text);
	ck_assert_str_eq(text, "[fe80::1%3]:104");
}
END_TEST

static const struct {
	const char *range, *in, *out; /* `in` NULL: no range */
} ranges[] = {
	{"10.0.0.0/8", "10.255.1.2", "11.0.0.0"},
	{"10.1.2.3/8", "10.0.0.0", "9.255.255.255"}, /* bits beyond the prefix */
	{"192.0.2.7", "192.0.2.7", "192.0.2.6"},
	{"192.0.2.7/32", "192.0.2.7", "192.0.2.5"},
	{"192.0.2.6/31", "192.0.2.7", "192.0.2.5"},
	{"192.0.2.128/25", "192.0.2.255", "192.0.2.127"},
	{"0.0.0.0/0", "255.255.255.255", "2001:db8::1"}, /* every IPv4 address */
	{"::/0", "192.0.2.7", NULL},                     /* everybody */
	{"2001:db8::/32", "2001:db8:ffff::1", "2001:db9::1"},
	{"2001:db8::/33", "2001:db8:7fff::1", "2001:db8:8000::"},
	{"::1/128", "::1", "::2"},
	{"::1", "::1", "127.0.0.1"},
	{"::ffff:10.0.0.0/104", "10.9.9.9", "11.0.0.0"},
	{"", NULL, NULL},
	{"/8", NULL, NULL},
	{"10.0.0.0/", NULL, NULL},
	{"10.0.0.0/33", NULL, NULL},
	{"10.0.0.0/-1", NULL, NULL},
	{"10.0.0.0/+8", NULL, NULL},
	{"10.0.0.0/8 ", NULL, NULL},
	{"10.0.0.0/8/8", NULL, NULL},
	{"10.0.0.0/0008", NULL, NULL},
	{"::/129", NULL, NULL},
	{"name/8", NULL, NULL},
	{"10.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0/8", NULL, NULL},
};

START_TEST(test_range)
{
	struct address a;
	struct cidr c;

	ck_assert_msg(cidr_parse(&c, ranges[_i].range) == (ranges[_i].in != NULL), "%s",
		      ranges[_i].range);
	if (ranges[_i].in == NULL)
		return;
	ck_assert(address_parse(&a, ranges[_i].in));
	ck_assert_msg(cidr_has(&c, &a), "%s", ranges[_i].range);
	if (ranges[_i].out == NULL)
		return;
	ck_assert(address_parse(&a, ranges[_i].out));
	ck_assert_msg(!cidr_has(&c, &a), "%s", ranges[_i].range);
}
END_TEST

Suite *suite_address(void)
{
	Suite *s = suite_create("address");
	TCase *t = tcase_create("address");

	tcase_add_loop_test(t, test_address, 0, sizeof(addresses) / sizeof(addresses[0]));
	tcase_add_test(t, test_scope);
	tcase_add_loop_test(t, test_range, 0, sizeof(ranges) / sizeof(ranges[0]));
	suite_add_tcase(s, t);
	return s;
}
