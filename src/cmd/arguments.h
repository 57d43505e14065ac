/*
 * Arguments that the commands on folders have in common: IN..., -o OUT, -j N.
 */
#ifndef CMD_ARGUMENTS_H
#define CMD_ARGUMENTS_H

#include <stdbool.h>
#include <stddef.h>

/* -j, or the number of processors; 0: not a number of workers. */
unsigned arguments_workers(const char *jobs);
/* Are they all there?  EX_OK, or EX_NOINPUT with a message. */
int arguments_inputs(char *const *inputs, size_t count);
/* An open OUT, and whether it was made here; -1 with a message. */
int arguments_output(const char *out, bool *made);

#endif
