/*
 * The data set of an N-EVENT-REPORT in implicit, explicit or big endian encoding (first byte).
 *
 * Property: it ends; what is given is a transaction and instances with UIDs that are UIDs, or an
 * error with a text and nothing; a failed one has a reason; the committed ones come first; and a
 * request made of the instances reads back as the same instances.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "service/commitment_data.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ROWS_MAX 4096

struct rows {
	size_t count;
	bool failed_seen;
	struct commitment_instance row[ROWS_MAX];
};

static void take_row(void *ctx, const struct commitment_instance *row)
{
	struct rows *rows = ctx;

	assert(uid_ok(bytes_str(row->sop_instance.text)));
	assert(row->sop_class.text[0] == '\0' || uid_ok(bytes_str(row->sop_class.text)));
	assert(row->reason != 0 || !rows->failed_seen);
	rows->failed_seen |= row->reason != 0;
	if (rows->count < ROWS_MAX)
		rows->row[rows->count++] = *row;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct syntax *const syntaxes[] = {&syntax_implicit_le, &syntax_explicit_le,
						 &syntax_explicit_be};
	struct rows *rows = calloc(2, sizeof(*rows));
	struct uid transaction = {"none"}, again;
	struct fault f = {0};

	if (size == 0 || rows == NULL) {
		free(rows);
		return 0;
	}

	const struct syntax *syntax = syntaxes[data[0] % 3];
	enum err e = commitment_report(bytes_of(data + 1, size - 1), syntax, &transaction, take_row,
				       &rows[0], &f);
	if (e != OK) {
		assert(f.text != NULL && rows[0].count == 0 &&
		       strcmp(transaction.text, "none") == 0);
	} else {
		struct buf b = BUF_INIT(1 << 20);

		assert(uid_ok(bytes_str(transaction.text)));
		commitment_request(&b, syntax, &transaction, rows[0].row, rows[0].count);
		if (!b.failed) {
			e = commitment_report(buf_bytes(&b), syntax, &again, take_row, &rows[1],
					      &f);
			assert(e == OK && uid_eq(&transaction, &again));
			assert(rows[1].count == rows[0].count && !rows[1].failed_seen);
			for (size_t i = 0; i < rows[0].count; i++)
				assert(uid_eq(&rows[0].row[i].sop_instance,
					      &rows[1].row[i].sop_instance));
		}
		buf_free(&b);
	}
	free(rows);
	return 0;
}
