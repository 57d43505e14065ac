#include "service/commitment.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "service/commitment_data.h"
#include "study/spool.h"

#define NAMES (64u << 20) /* of studies */
#define FOLDER (O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW)

struct uid commitment_transaction(void)
{
	uint8_t key[32];
	ssize_t n;

	do {
		n = getrandom(key, sizeof(key), 0);
	} while (n < 0 && errno == EINTR);
	if (n != sizeof(key)) /* cannot be: up to 256 bytes are given whole */
		return (struct uid){""};
	return uid_derive(bytes_of(key, sizeof(key)), "storage commitment", NULL, 0);
}

/* ---- a report, beside what was asked ---- */

struct rows {
	const struct journal_state *state;
	uint16_t *reason; /* by output: 0 committed, NOT_NAMED, else the failure reason */
};
/* PS3.3 C.14.1.1: no such object instance; what a PACS would say of an instance it does not name.
 */
#define NOT_NAMED 0x0112

static void take_row(void *ctx, const struct commitment_instance *row)
{
	struct rows *rows = ctx;
	uint32_t index = journal_output_of(rows->state, &row->sop_instance);

	if (index != UINT32_MAX)
		rows->reason[index] = row->reason;
}

/* Append what the report says to the journal, and have it on the disk. */
static enum err write_down(int study, const struct journal_state *state, const char *name,
			   const struct uid *transaction, const uint16_t *reason,
			   struct commitment_taken *out, struct fault *f)
{
	struct journal_entry e = {.word = JOURNAL_COMMIT_FAILED,
				  .name = bytes_str(name),
				  .transaction = *transaction};
	struct journal j;
	enum err err = journal_open(&j, study, f);

	if (err != OK)
		return err;
	for (uint32_t i = 0; i < state->output_count; i++) {
		if (reason[i] == 0) {
			out->committed++;
			continue;
		}
		out->failed++;
		e.sop = state->outputs[i].sop_instance;
		e.status = reason[i];
		journal_add(&j, &e);
	}
	out->done = out->failed == 0;
	if (out->done) {
		e.word = JOURNAL_COMMITTED;
		journal_add(&j, &e);
		e.word = JOURNAL_DONE;
	} else {
		e.word = JOURNAL_FAILED;
		e.sop = (struct uid){""};
		e.text = BYTES_LIT("storage was not committed");
	}
	journal_add(&j, &e);
	err = journal_sync(&j, f);
	journal_close(&j);
	return err;
}

/* ERR_MORE: nobody waits for this transaction here. */
static enum err take(int study, struct bytes data, const struct syntax *syntax, struct arena *a,
		     struct commitment_taken *out, struct fault *f)
{
	struct journal_state state;
	struct rows rows = {.state = &state};
	struct uid transaction = {""};
	enum err e = journal_read(&state, study, a, f);

	if (e != OK)
		return e;
	rows.reason = ARENA_NEW(a, uint16_t, state.output_count);
	if (rows.reason == NULL)
		return fault_set(f, ERR_NOMEM, "the study's journal does not fit in memory",
				 FAULT_NO_OFFSET);
	for (uint32_t i = 0; i < state.output_count; i++)
		rows.reason[i] = NOT_NAMED;
	e = commitment_report(data, syntax, &transaction, take_row, &rows, f);
	if (e != OK)
		return e;

	const struct journal_dest *d = journal_transaction_dest(&state, &transaction);
	if (d == NULL)
		return ERR_MORE;
	snprintf(out->destination, sizeof(out->destination), "%s", d->name);
	if (d->done || d->gave_up) { /* told twice, or too late */
		out->done = d->done;
		return OK;
	}
	return write_down(study, &state, d->name, &transaction, rows.reason, out, f);
}

static struct dimse_reply reply_of(enum err e)
{
	switch (e) {
	case OK:
		return dimse_reply_of(DIMSE_SUCCESS, NULL);
	case ERR_MORE:
		return dimse_reply_of(DIMSE_INVALID_ARGUMENT, "nobody waits for this transaction");
	case ERR_IO:
	case ERR_NOMEM:
		return dimse_reply_of(DIMSE_PROCESSING_FAILURE, "the report cannot be kept");
	default:
		return dimse_reply_of(DIMSE_INVALID_ARGUMENT, "the report cannot be read");
	}
}

static bool is_event(uint16_t event_type)
{
	return event_type == COMMITMENT_ALL || event_type == COMMITMENT_SOME_FAILED;
}

struct dimse_reply commitment_take_for(int study, uint16_t event_type, struct bytes data,
				       const struct syntax *syntax, struct commitment_taken *out)
{
	struct commitment_taken taken = {.study = out->study};
	struct fault f = {0};
	struct arena a;

	if (!is_event(event_type))
		return dimse_reply_of(DIMSE_NO_SUCH_EVENT, NULL);
	if (journal_arena(&a, study, &f) != OK)
		return reply_of(ERR_NOMEM);
	enum err e = take(study, data, syntax, &a, &taken, &f);
	arena_close(&a);
	if (e == OK)
		*out = taken;
	return reply_of(e);
}

/* ---- which study ---- */

static void no_row(void *ctx, const struct commitment_instance *row)
{
	(void)ctx;
	(void)row;
}

/* Does the journal of `study` hold these bytes?  Quick: most studies wait for nothing. */
static bool journal_mentions(int study, struct bytes needle)
{
	int fd = openat(study, JOURNAL_NAME, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	bool found = false;
	size_t len = 0;
	struct stat st;

	if (fd < 0)
		return false;
	if (fstat(fd, &st) == 0 && st.st_size > 0 && (uint64_t)st.st_size <= LIMIT_JOURNAL) {
		uint8_t *text = malloc((size_t)st.st_size);
		ssize_t n = 0;

		while (text != NULL && len < (size_t)st.st_size &&
		       (n = read(fd, text + len, (size_t)st.st_size - len)) > 0)
			len += (size_t)n;
		found = text != NULL && memmem(text, len, needle.at, needle.len) != NULL;
		free(text);
	}
	close(fd);
	return found;
}

/* *dir: the open folder of the study that mentions the transaction.  ERR_MORE: there is none. */
static enum err find_study(int working, const struct uid *transaction, struct uid *study, int *dir,
			   struct fault *f)
{
	struct spool spool = SPOOL_CLOSED;
	struct uid *studies = NULL;
	size_t count = 0;
	struct arena a;
	enum err e = arena_open(&a, NAMES, f);

	if (e != OK)
		return e;
	spool.working = working;
	e = spool_list_studies(&spool, &studies, &count, &a, f);
	for (size_t i = 0; e == OK && i < count && *dir < 0; i++) {
		char name[sizeof("UID_") + LIMIT_UID];

		snprintf(name, sizeof(name), "UID_%s", studies[i].text);
		int fd = openat(working, name, FOLDER);
		if (fd >= 0 && journal_mentions(fd, bytes_str(transaction->text))) {
			*dir = fd;
			*study = studies[i];
		} else if (fd >= 0) {
			close(fd);
		}
	}
	arena_close(&a);
	return e == OK && *dir < 0 ? ERR_MORE : e;
}

struct dimse_reply commitment_take(int working, uint16_t event_type, struct bytes data,
				   const struct syntax *syntax, struct commitment_taken *out)
{
	struct commitment_taken taken = {0};
	struct uid transaction = {""};
	struct fault f = {0};

	if (!is_event(event_type))
		return dimse_reply_of(DIMSE_NO_SUCH_EVENT, NULL);
	if (commitment_report(data, syntax, &transaction, no_row, NULL, &f) != OK)
		return reply_of(ERR_WIRE);

	int study = -1;
	enum err e = find_study(working, &transaction, &taken.study, &study, &f);
	if (e != OK)
		return reply_of(e);
	struct dimse_reply reply = commitment_take_for(study, event_type, data, syntax, &taken);
	close(study);
	if (reply.status == DIMSE_SUCCESS)
		*out = taken;
	return reply;
}
