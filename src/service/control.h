/*
 * The control socket: working/.control/socket, mode 0600.  A client sends one line, and gets an
 * exit code in decimal, a line feed, and text until the end.
 *
 *     status text | status json                        what there is
 *     health                                           0 or 1, and where to send a C-ECHO
 *     retry UID | retry all                            deliver now
 *     quarantine list text | quarantine list json
 *     quarantine release NAME | quarantine discard NAME     NAME: a folder's, or a UID
 *
 * The supervisor forks a process for each client, which has its knowledge as of that moment.  The
 * same requests are answered without a service, from the folders (service/answer.h).
 */
#ifndef SERVICE_CONTROL_H
#define SERVICE_CONTROL_H

#include "base/buf.h"
#include "base/err.h"

#define CONTROL_FOLDER ".control"
#define CONTROL_LINE 256u          /* bytes of a request */
#define CONTROL_ANSWER (64u << 20) /* bytes of an answer */
#define CONTROL_LINE_MS 1000u      /* for a client to send all of its line */
#define CONTROL_MS 5000u           /* between reads and writes else */

/* ---- the service ---- */

/* working/.control, made where it is not there, locked: ERR_UNUSABLE when another service has it
 * (*fd is closed).  The lock goes when the last process that has *fd open is gone. */
enum err control_lock(int *fd, int working, struct fault *f) MUST_USE;
enum err control_listen(int *listener, int control, struct fault *f) MUST_USE;
void control_unlink(int control);

/* In a process of its own: read a line.  False: none came within CONTROL_LINE_MS. */
bool control_read(int client, char line[static CONTROL_LINE]);
void control_write(int client, int code, struct bytes text);

/* ---- a client ---- */

/* Ask the service of that working folder.  ERR_MORE: there is none.  ERR_IO. */
enum err control_ask(const char *working, const char *line, int *code, struct buf *answer,
		     struct fault *f) MUST_USE;

#endif
