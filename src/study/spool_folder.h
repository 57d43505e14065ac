/*
 * Of study/spool alone: names and locks of folders.
 */
#ifndef STUDY_SPOOL_FOLDER_H
#define STUDY_SPOOL_FOLDER_H

#include "study/spool.h"

#include <fcntl.h>
#include <stdio.h>

#define SPOOL_FOLDER (O_RDONLY | O_DIRECTORY | O_CLOEXEC)

static inline const char *spool_folder_name(enum spool_kind kind)
{
	return kind == SPOOL_IMAGE ? "DCM" : "Structure";
}

/* Wait for the lock on DCM or Structure; never long.  Where a file system has none, go without. */
void spool_lock_folder(int fd, int operation);

#endif
