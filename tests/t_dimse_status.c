/*
 * Statuses: what a requestor makes of each, what a fault is answered with.
 */
#include <check.h>
#include <string.h>

#include "dimse/status.h"

static const struct {
	uint16_t status;
	enum scu_outcome want;
} outcomes[] = {
	{0x0000, SCU_SENT},         {0x0001, SCU_SENT_WARNING}, {0x0107, SCU_SENT_WARNING},
	{0x0116, SCU_SENT_WARNING}, {0xB000, SCU_SENT_WARNING}, {0xB006, SCU_SENT_WARNING},
	{0xB007, SCU_SENT_WARNING}, {0xBFFF, SCU_SENT_WARNING}, {0xA700, SCU_RETRY},
	{0xA701, SCU_RETRY},        {0xA7FF, SCU_RETRY},        {0x0110, SCU_RETRY},
	{0x0124, SCU_RETRY},        {0x0213, SCU_RETRY},        {0xFE00, SCU_RETRY},
	{0x1234, SCU_RETRY},        {0xA600, SCU_RETRY},        {0xA800, SCU_PERMANENT},
	{0xA900, SCU_PERMANENT},    {0xA9FF, SCU_PERMANENT},    {0xC000, SCU_PERMANENT},
	{0xCFFF, SCU_PERMANENT},    {0x0117, SCU_PERMANENT},    {0x0122, SCU_PERMANENT},
	{0x0111, SCU_PERMANENT},    {0x0211, SCU_PERMANENT},    {0x0112, SCU_PERMANENT},
};

START_TEST(test_outcome)
{
	ck_assert_msg(dimse_outcome(outcomes[_i].status) == outcomes[_i].want, "%04X: %d",
		      outcomes[_i].status, dimse_outcome(outcomes[_i].status));
}
END_TEST

static const struct {
	const char *name;
	struct fault fault;
	struct dimse_reply want;
} faults[] = {
	{"no space",
	 {.code = ERR_IO, .text = "cannot write", .at = FAULT_NO_OFFSET, .sys_errno = 28},
	 {0xA700, "cannot write", 0}},
	{"no memory",
	 {.code = ERR_NOMEM, .text = "no memory", .at = FAULT_NO_OFFSET},
	 {0xA700, "no memory", 0}},
	{"cut short",
	 {.code = ERR_WIRE, .text = "the data end inside an element", .at = 132, .tag = 0x7FE00010},
	 {0xC000, "the data end inside an element (offset 132)", 0x7FE00010}},
	{"over a limit",
	 {.code = ERR_LIMIT, .text = "too deep", .at = FAULT_NO_OFFSET},
	 {0xC000, "too deep", 0}},
	{"no UID",
	 {.code = ERR_UNUSABLE, .text = "no UID", .at = FAULT_NO_OFFSET, .tag = 0x00080018},
	 {0xC000, "no UID", 0x00080018}},
	{"64 characters with the offset",
	 {.code = ERR_WIRE,
	  .text = "a text of fifty-two characters, not one less or more",
	  .at = 1},
	 {0xC000, "a text of fifty-two characters, not one less or more (offset 1)", 0}},
	{"one more: no offset",
	 {.code = ERR_WIRE,
	  .text = "a text of fifty-two characters, not one less or more",
	  .at = 100},
	 {0xC000, "a text of fifty-two characters, not one less or more", 0}},
	{"longer than a comment may be",
	 {.code = ERR_WIRE,
	  .text = "0123456789012345678901234567890123456789012345678901234567890123456789",
	  .at = 1},
	 {0xC000, "0123456789012345678901234567890123456789012345678901234567890123", 0}},
};

START_TEST(test_fault)
{
	struct dimse_reply r = dimse_reply_fault(&faults[_i].fault);

	ck_assert_msg(r.status == faults[_i].want.status, "%s: %04X", faults[_i].name, r.status);
	ck_assert_msg(strcmp(r.comment, faults[_i].want.comment) == 0, "%s: %s", faults[_i].name,
		      r.comment);
	ck_assert_msg(r.offending == faults[_i].want.offending, "%s", faults[_i].name);
	ck_assert_uint_le(strlen(r.comment), DIMSE_COMMENT);
}
END_TEST

START_TEST(test_text)
{
	ck_assert_str_eq(dimse_status_text(0), "success");
	ck_assert_str_eq(dimse_status_text(0xA712), "out of resources");
	ck_assert_str_eq(dimse_status_text(0xB007),
			 "data set does not match the SOP class, but was stored");
	ck_assert_str_eq(dimse_status_text(0xB123), "a warning");
	ck_assert_str_eq(dimse_status_text(0x7777), "a status that the standard does not have");
	for (unsigned s = 0; s <= 0xFFFF; s++)
		ck_assert_uint_gt(strlen(dimse_status_text((uint16_t)s)), 0);
}
END_TEST

START_TEST(test_no_comment)
{
	struct dimse_reply r = dimse_reply_of(0x0110, NULL);

	ck_assert_uint_eq(r.status, 0x0110);
	ck_assert_str_eq(r.comment, "");
}
END_TEST

Suite *suite_dimse_status(void);
Suite *suite_dimse_status(void)
{
	Suite *s = suite_create("dimse_status");
	TCase *c = tcase_create("status");

	tcase_add_loop_test(c, test_outcome, 0, sizeof(outcomes) / sizeof(outcomes[0]));
	tcase_add_loop_test(c, test_fault, 0, sizeof(faults) / sizeof(faults[0]));
	tcase_add_test(c, test_text);
	tcase_add_test(c, test_no_comment);
	suite_add_tcase(s, c);
	return s;
}
