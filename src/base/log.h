/*
 * Messages for the person or the journal that runs netrt: one line each, on standard
 * error, "netrt: warning: ...".  Nothing that came from outside is printed raw: use
 * log_quote for it.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/bytes.h"
#include "base/err.h"

enum log_level { LOG_ERROR, LOG_WARNING, LOG_INFO, LOG_DEBUG };

void log_level_set(enum log_level most); /* default LOG_INFO */

/* Lines go there instead of standard error; NULL: back again.  `line` is without "netrt: ", its
 * level's word and a line feed. */
void log_sink_set(void (*sink)(enum log_level level, const char *line));
void log_say(enum log_level level, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* `s` with control characters and bad UTF-8 as \xNN, cut to fit, for one log_say; valid until
 * four more calls. */
const char *log_quote(struct bytes s);
const char *log_quote_str(const char *s);

#endif
