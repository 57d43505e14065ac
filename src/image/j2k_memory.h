/*
 * The memory of OpenJPEG: what its opj_malloc.c would be (scripts/setup leaves that out), with a
 * budget.  A request over the budget is refused, which OpenJPEG takes for the end of memory.
 */
#ifndef IMAGE_J2K_MEMORY_H
#define IMAGE_J2K_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

void j2k_memory_begin(size_t budget);
/* Whether a request was refused; asserts that all is given back. */
bool j2k_memory_end(void);

#endif
