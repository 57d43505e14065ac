/*
 * The one page that the supervisor and its receivers share: who is connected, and what there is of
 * each study.  Atomic words only, no locks: a receiver may be killed anywhere.
 *
 * A slot goes   FREE ─(supervisor: accept)► HALF_OPEN ─(receiver: admitted)► OPEN ─► LEAVING
 * ─(reaped)► FREE
 *
 * Limits.  A receiver that asks to be admitted draws a ticket, sets itself OPEN, and counts the
 * OPEN slots with a smaller ticket: so of many at once exactly as many are admitted as may be.
 * HALF_OPEN and LEAVING are connections without an association; the supervisor counts them before
 * it forks.
 *
 * The supervisor believes only what concerns limits: who a slot belongs to is in memory of its own.
 */
#ifndef SERVICE_SHARED_H
#define SERVICE_SHARED_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/address.h"
#include "base/err.h"
#include "base/uid.h"
#include "service/options.h"

#define SLOT_FED 8u /* studies of an association that are remembered; its locks tell of all */
#define SHARED_STUDIES 1024u /* a power of two; a study that finds no place is counted anew */

enum slot_state { SLOT_FREE, SLOT_HALF_OPEN, SLOT_OPEN, SLOT_LEAVING };

struct slot {
	_Atomic uint64_t ticket;
	_Atomic uint32_t state;         /* enum slot_state */
	_Atomic uint32_t stored;        /* instances */
	_Atomic uint64_t fed[SLOT_FED]; /* keys of the studies that it feeds; 0: none */
	uint8_t ip[16];                 /* of the peer; of IPv6 only the network, 64 bits */
};

/* How large a study is.  Made by the first receiver that asks, kept by all that store. */
struct shared_study {
	_Atomic uint64_t key; /* a hash of the UID; 0: none */
	_Atomic uint64_t bytes;
	_Atomic uint32_t instances;
};

struct shared {
	_Atomic uint32_t draining;
	_Atomic uint64_t ticket;
	_Atomic uint32_t reports; /* of Storage Commitment that were taken: some study is settled */
	/* since the start, for status */
	_Atomic uint64_t accepted, rejected, instances, bytes, refused;
	struct shared_study study[SHARED_STUDIES];
	uint32_t slot_count;
	struct slot slot[];
};

/* NULL with a fault: no memory. */
struct shared *shared_make(uint32_t slot_count, struct fault *f) MUST_USE;

/* The address that limits count by. */
void shared_ip(const struct address *a, uint8_t out[static 16]);

/* ---- the supervisor's ---- */

enum door_answer { DOOR_OPEN, DOOR_FULL, DOOR_FULL_ADDRESS };
/* May one more connection come in from there?  Then its slot is HALF_OPEN and *slot its index. */
enum door_answer shared_enter(struct shared *s, const struct service_limits *limits,
			      const uint8_t ip[static 16], uint32_t *slot);
void shared_leave(struct shared *s, uint32_t slot); /* FREE again */
void shared_count(const struct shared *s, uint32_t *half_open, uint32_t *open);

/* ---- a receiver's ---- */

/* True: the slot is OPEN.  False: over a limit; it is LEAVING. */
bool shared_admit(struct shared *s, const struct service_limits *limits, uint32_t slot);

/* From now until its end this association feeds the study: said before anything of it is visible.
 */
void shared_feed(struct shared *s, uint32_t slot, const struct uid *study);
/* Or until it says so: it has fed it for longer than is waited for. */
void shared_unfeed(struct shared *s, uint32_t slot, const struct uid *study);
/* Does any?  (The supervisor asks here before it tries a lock: trying one is in others' way.) */
bool shared_is_fed(const struct shared *s, const struct uid *study);

/* The place of a study, or NULL (all taken).  *is_new: nobody has counted it yet. */
struct shared_study *shared_study(struct shared *s, const struct uid *study, bool *is_new);
/* It is gone, or has been counted again by other means: counted anew when it is next asked for. */
void shared_forget(struct shared *s, const struct uid *study);

#endif
