/*
 * Conversations of the association engine, as text.
 *
 * A script is events, one after the other, divided by "|": bytes as in hex.h, among them the words
 * RQ, AC, ECHO, DATA, RELRQ, RELRP, RJ, ABORT for whole good PDUs; or one of "close", "wait MS",
 * "release", "abort", "send N" (a data set of N bytes on context 1).
 */
#ifndef TESTS_SCRIPT_H
#define TESTS_SCRIPT_H

#include "support/talk.h"

/* An engine that waits for a request ('A') or has made one ('R'). */
void script_begin(struct talk *t, char role, size_t chunk);
void script_play(struct talk *t, const char *script);

#endif
