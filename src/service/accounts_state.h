/*
 * What accounts_events.c needs of accounts.c.
 */
#ifndef SERVICE_ACCOUNTS_STATE_H
#define SERVICE_ACCOUNTS_STATE_H

#include "service/noise.h"

/* May a line about this address be said now? */
enum noise_verdict accounts_ask(const char *address, uint32_t *dropped);

#endif
