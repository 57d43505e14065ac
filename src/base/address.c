#include "base/address.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};

static bool is_ipv4(const uint8_t ip[static 16])
{
	return memcmp(ip, mapped, sizeof(mapped)) == 0;
}

static bool parse_ip(uint8_t ip[static 16], const char *text)
{
	uint8_t v4[4];

	if (inet_pton(AF_INET, text, v4) == 1) {
		memcpy(ip, mapped, sizeof(mapped));
		memcpy(ip + 12, v4, sizeof(v4));
		return true;
	}
	return inet_pton(AF_INET6, text, ip) == 1;
}

bool address_parse(struct address *out, const char *text)
{
	struct address a = {0};

	if (!parse_ip(a.ip, text))
		return false;
	*out = a;
	return true;
}

void address_ip_text(const struct address *a, char out[static ADDRESS_TEXT])
{
	size_t len;

	if (is_ipv4(a->ip)) {
		inet_ntop(AF_INET, a->ip + 12, out, ADDRESS_TEXT);
		return;
	}
	inet_ntop(AF_INET6, a->ip, out, ADDRESS_TEXT);
	len = strlen(out);
	if (a->scope != 0)
		snprintf(out + len, ADDRESS_TEXT - len, "%%%u", (unsigned)a->scope);
}

void address_text(const struct address *a, char out[static ADDRESS_TEXT])
{
	char ip[ADDRESS_TEXT];

	address_ip_text(a, ip);
	if (a->port == 0)
		snprintf(out, ADDRESS_TEXT, "%s", ip);
	else if (is_ipv4(a->ip))
		snprintf(out, ADDRESS_TEXT, "%.16s:%u", ip, (unsigned)a->port);
	else
		snprintf(out, ADDRESS_TEXT, "[%.55s]:%u", ip, (unsigned)a->port);
}

bool address_same_ip(const struct address *a, const struct address *b)
{
	return memcmp(a->ip, b->ip, sizeof(a->ip)) == 0;
}

/* 1 to 3 digits, nothing else. */
static bool parse_prefix(const char *text, unsigned *out)
{
	size_t digits = strspn(text, "0123456789");

	if (digits == 0 || digits > 3 || text[digits] != '\0')
		return false;
	*out = (unsigned)strtoul(text, NULL, 10);
	return true;
}

bool cidr_parse(struct cidr *out, const char *text)
{
	const char *slash = strchr(text, '/');
	size_t len = slash == NULL ? strlen(text) : (size_t)(slash - text);
	char ip[ADDRESS_TEXT];
	struct cidr c = {.prefix = 128};
	unsigned prefix = 0;

	if (len >= sizeof(ip))
		return false;
	memcpy(ip, text, len);
	ip[len] = '\0';
	if (!parse_ip(c.ip, ip))
		return false;
	if (slash != NULL) {
		bool v4 = strchr(ip, ':') == NULL;

		if (!parse_prefix(slash + 1, &prefix) || prefix > (v4 ? 32u : 128u))
			return false;
		c.prefix = v4 ? 96 + prefix : prefix;
	}
	*out = c;
	return true;
}

bool cidr_has(const struct cidr *c, const struct address *a)
{
	unsigned whole = c->prefix / 8, rest = c->prefix % 8;

	if (memcmp(c->ip, a->ip, whole) != 0)
		return false;
	return rest == 0 || ((c->ip[whole] ^ a->ip[whole]) & (0xFF00u >> rest) & 0xFF) == 0;
}
