/*
 * How many lines an address may still cause this minute.
 *
 * The counts are in memory that all processes forked later share; they are never exact to the line
 * and need no lock.  Addresses share NOISE_SLOTS places by a keyed hash: two that fall on the same
 * one share their allowance.
 */
#ifndef SERVICE_NOISE_H
#define SERVICE_NOISE_H

#include "base/err.h"

#define NOISE_SLOTS 1024

struct noise; /* one a service */

/* NULL: no memory. */
struct noise *noise_open(void) MUST_USE;
void noise_close(struct noise *n);

enum noise_verdict {
	NOISE_SAY,
	NOISE_LAST, /* say it, and that the rest of the minute will be silent */
	NOISE_DROP
};
/* One line about `address`, in the minute `minute` of a clock that does not go back.
 * *dropped: lines left out in an earlier minute, told with this one; else 0. */
enum noise_verdict noise_ask(struct noise *n, const char *address, uint32_t minute, uint32_t most,
			     uint32_t *dropped);

#endif
