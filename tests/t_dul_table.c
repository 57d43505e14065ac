/*
 * Table 9-10, all 247 cells, against tests/golden/table_9_10.txt, which was written by itself.
 */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "dul/table.h"

Suite *suite_dul_table(void);

static char golden[DUL_EVENTS + 1][DUL_STATES + 1][8];

static void read_line(char *line)
{
	char *save = NULL, *word = strtok_r(line, " \n", &save);
	unsigned state, event;
	char action[8];

	ck_assert_int_eq(sscanf(word, "Sta%u", &state), 1);
	ck_assert(state >= 1 && state <= DUL_STATES);
	while ((word = strtok_r(NULL, " \n", &save)) != NULL) {
		ck_assert_int_eq(sscanf(word, "%u:%7s", &event, action), 2);
		ck_assert(event >= 1 && event <= DUL_EVENTS);
		ck_assert_str_eq(golden[event][state], "-");
		memcpy(golden[event][state], action, sizeof(action));
	}
}

START_TEST(test_every_cell)
{
	FILE *in = fopen("tests/golden/table_9_10.txt", "r");
	char line[512];
	unsigned cells = 0;

	ck_assert_ptr_nonnull(in);
	for (unsigned e = 1; e <= DUL_EVENTS; e++)
		for (unsigned s = 1; s <= DUL_STATES; s++)
			strcpy(golden[e][s], "-");
	while (fgets(line, sizeof(line), in) != NULL)
		if (line[0] != '#')
			read_line(line);
	fclose(in);

	for (unsigned e = 1; e <= DUL_EVENTS; e++)
		for (unsigned s = 1; s <= DUL_STATES; s++, cells++) {
			enum dul_action got = table_action((enum dul_event)e, (enum dul_state)s);

			ck_assert_msg(strcmp(table_action_name(got), golden[e][s]) == 0,
				      "Evt%u in Sta%u: %s, not %s", e, s, table_action_name(got),
				      golden[e][s]);
		}
	ck_assert_uint_eq(cells, 247);
}
END_TEST

Suite *suite_dul_table(void)
{
	Suite *s = suite_create("dul_table");
	TCase *t = tcase_create("table 9-10");

	tcase_add_test(t, test_every_cell);
	suite_add_tcase(s, t);
	return s;
}
