/*
 * What netrt send has to send: every DICOM object in the files and folders given, looked at by its
 * head only, in the order in which it is found.
 */
#ifndef CMD_SEND_LIST_H
#define CMD_SEND_LIST_H

#include "base/arena.h"
#include "dimse/scu.h"

#define SEND_WANTED 1024u /* different pairs of SOP class and transfer syntax */

struct send_item {
	const char *path; /* the list's */
	struct uid sop_instance;
	uint16_t wanted;  /* its SOP class and transfer syntax: index in list.wanted */
	uint16_t group;   /* those of one group fit into one association's contexts */
	bool plain;       /* the data set can be sent as it lies in the file */
	uint64_t data_at; /* of the data set in the file */
	uint64_t size;    /* of the file, and when it was changed: */
	int64_t mtime_ns;
};

struct send_list {
	struct arena keep;       /* paths */
	struct send_item *items; /* owned (malloc); by group */
	uint32_t count, room;
	struct scu_wanted wanted[SEND_WANTED];
	uint16_t group_of[SEND_WANTED];
	unsigned wanted_count, group_count;
	uint32_t not_dicom; /* in folders: passed by */
	uint32_t dicomdirs; /* DICOMDIR files: passed by */
	uint32_t bad;       /* cannot be sent; each was told */
};

/* *l is ready, and send_list_close releases it in every case. */
enum err send_list_open(struct send_list *l, struct fault *f) MUST_USE;
/* What is wrong with a file is told (log_say) and counted.  ERR_LIMIT: over LIMIT_FILES objects or
 * SEND_WANTED pairs.  ERR_NOMEM. */
enum err send_list_add(struct send_list *l, const char *path, struct fault *f) MUST_USE;
/* After the last: groups.  ERR_NOMEM. */
enum err send_list_group(struct send_list *l, struct fault *f) MUST_USE;
void send_list_close(struct send_list *l);

#endif
