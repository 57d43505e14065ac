/*
 * Network addresses and ranges of them, as values: no look-up, no socket.
 *
 * An IPv4 address is held as its mapped IPv6 address (::ffff:a.b.c.d), so that a listener for both
 * families compares alike.
 */
#ifndef BASE_ADDRESS_H
#define BASE_ADDRESS_H

#include "base/bytes.h"

struct address {
	uint8_t ip[16];
	uint16_t port;  /* 0: none */
	uint32_t scope; /* of a link-local IPv6 address, else 0 */
};

struct cidr {
	uint8_t ip[16];
	unsigned prefix; /* leading bits of ip that count: 0..128 */
};

#define ADDRESS_TEXT 64

/* "192.0.2.7", "2001:db8::1" (no port, no name); false when it is none. */
bool address_parse(struct address *out, const char *text);
/* "192.0.2.7", or with a port "192.0.2.7:104", "[2001:db8::1]:104". */
void address_text(const struct address *a, char out[static ADDRESS_TEXT]);
void address_ip_text(const struct address *a, char out[static ADDRESS_TEXT]); /* without the port */
bool address_same_ip(const struct address *a, const struct address *b);

/* "10.0.0.0/8", "2001:db8::/32", or one address alone; bits beyond the prefix are ignored. */
bool cidr_parse(struct cidr *out, const char *text);
bool cidr_has(const struct cidr *c, const struct address *a);

#endif
