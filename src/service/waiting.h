/*
 * The study folders below working/, for a sender: their names, and a shared lock on one.
 *
 * For the time until study/spool.c is there: spool_list_studies, spool_study_lock.
 */
#ifndef SERVICE_WAITING_H
#define SERVICE_WAITING_H

#include "base/arena.h"
#include "base/err.h"
#include "base/uid.h"

/* By UID. */
enum err waiting_studies(int working, struct uid **studies, size_t *count, struct arena *a,
			 struct fault *f) MUST_USE;
/* The folder with a shared flock on it; -1 with errno: EWOULDBLOCK, somebody has the exclusive
 * one; ENOENT. */
int waiting_lock(int working, const struct uid *study);

#endif
