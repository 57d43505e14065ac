/*
 * The sending itself: processes that take one object after the other from a list, each over an
 * association of its own.  What became of each object is in memory that they share.
 */
#ifndef CMD_SEND_WORK_H
#define CMD_SEND_WORK_H

#include "cmd/peer.h"
#include "cmd/send_list.h"
#include "study/pool.h"

enum send_state {
	SEND_NOT_TRIED,  /* nobody could be reached any more */
	SEND_SENT,       /* 0000 */
	SEND_WARNED,     /* stored, with a status that is a warning */
	SEND_REFUSED,    /* another status */
	SEND_NO_CONTEXT, /* the peer takes its SOP class not at all, or not in this encoding */
	SEND_BAD_FILE,   /* gone, changed since, or damaged */
	SEND_LOST,       /* the association ended before it was answered */
};

struct send_result {
	uint8_t state;
	uint8_t refusal; /* NO_CONTEXT: result of table 9-18 */
	uint16_t status; /* WARNED, REFUSED */
	char text[120];  /* what else there is to say: printable, "" when nothing */
};

struct send_shared {
	struct pool_shared pool;
	_Atomic uint64_t bytes;        /* of data sets, answered */
	_Atomic uint32_t associations; /* opened */
	_Atomic uint32_t unreachable;  /* not 0: `why` is why no association could be had */
	char why[200];
	struct send_result result[]; /* one an item */
};

struct send_job {
	const struct peer *peer;
	const struct send_list *list;
	struct send_shared *shared; /* pool_memory(send_shared_size(list)) */
	unsigned per_association;   /* objects; 0: any number */
	bool quiet;                 /* say nothing about single objects */
	bool terminal;              /* a line of progress is there, to be wiped before a message */
};

size_t send_shared_size(const struct send_list *l);
/* Of a struct pool: in a child, until there is no more to do. ctx: struct send_job. */
void send_work(struct pool *pool, void *ctx);

#endif
