/*
 * What is answered to an association request.
 */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "support/hex.h"
#include "support/talk.h"

Suite *suite_dul_negotiate(void);

/* Classes of the tests: "1.2.3" storage, "1.2.4" commitment (we are its SCU), "1.2.5" both. */
static unsigned supports(void *user, const struct uid *abstract)
{
	(void)user;
	if (strcmp(abstract->text, "1.2.3") == 0)
		return DUL_AS_SCP;
	if (strcmp(abstract->text, "1.2.4") == 0)
		return DUL_AS_SCU;
	if (strcmp(abstract->text, "1.2.5") == 0 || strcmp(abstract->text, "1.2.7") == 0)
		return DUL_AS_SCP | DUL_AS_SCU;
	return DUL_NOT_SUPPORTED;
}

static enum dul_refusal admit(void *user, const struct dul_request *r)
{
	const enum dul_refusal *refusal = user;

	ck_assert_str_eq(r->called, "NETRT");
	return *refusal;
}

static const struct uid ours[] = {{"1.1"}, {"1.2"}, {"1.3"}};

static struct dul_policy policy(enum dul_refusal *refusal)
{
	return (struct dul_policy){.user = refusal,
				   .admit = refusal == NULL ? NULL : admit,
				   .supports = supports,
				   .syntaxes = ours,
				   .syntax_count = 3,
				   .max_pdu = 4096,
				   .implementation_class = "1.9",
				   .implementation_version = "V"};
}

static struct dul_request *request(void)
{
	static struct dul_request r;

	dul_request_init(&r, "NETRT", "PEER", 16384, "1.2.3.4", "");
	return &r;
}

/* ---- Contexts ---- */

static const struct {
	const char *name, *abstract, *syntaxes[4], *taken;
	uint8_t result;
} contexts[] = {
	{"one that is ours", "1.2.3", {"1.1"}, "1.1", DUL_ACCEPTANCE},
	{"our order, not the peer's", "1.2.3", {"1.3", "1.2", "1.1"}, "1.1", DUL_ACCEPTANCE},
	{"the best that there is", "1.2.3", {"1.7", "1.3", "1.2"}, "1.2", DUL_ACCEPTANCE},
	{"the last of ours", "1.2.3", {"1.3", "1.7"}, "1.3", DUL_ACCEPTANCE},
	{"none of ours", "1.2.3", {"1.7", "1.11"}, "", DUL_TRANSFER_NOT_SUPPORTED},
	{"none at all", "1.2.3", {NULL}, "", DUL_TRANSFER_NOT_SUPPORTED},
	{"another class", "1.2.33", {"1.1"}, "", DUL_ABSTRACT_NOT_SUPPORTED},
	{"another class, none of ours", "1.2.33", {"1.7"}, "", DUL_ABSTRACT_NOT_SUPPORTED},
	{"no class", "", {"1.1"}, "", DUL_ABSTRACT_NOT_SUPPORTED},
	{"a class of which we are the SCU", "1.2.4", {"1.1"}, "1.1", DUL_ACCEPTANCE},
};
#define CONTEXTS ((int)(sizeof(contexts) / sizeof(contexts[0])))

static void propose(struct dul_request *r, int row)
{
	struct uid abstract = {0}, syntaxes[4];
	size_t count = 0;

	strcpy(abstract.text, contexts[row].abstract);
	for (; count < 4 && contexts[row].syntaxes[count] != NULL; count++)
		strcpy(syntaxes[count].text, contexts[row].syntaxes[count]);
	ck_assert_uint_ne(dul_request_add(r, &abstract, syntaxes, count), 0);
}

/* Every context by itself, then all in one request: none minds the others. */
START_TEST(test_contexts)
{
	static struct dul_answer a;
	struct dul_policy p = policy(NULL);

	for (int row = 0; row <= CONTEXTS; row++) {
		struct dul_request *r = request();
		int from = row == CONTEXTS ? 0 : row, to = row == CONTEXTS ? CONTEXTS : row + 1;

		for (int i = from; i < to; i++)
			propose(r, i);
		negotiate(r, &p, &a);
		ck_assert_uint_eq(a.refused.result, 0);
		ck_assert_uint_eq(a.context_count, (unsigned)(to - from));
		for (int i = from; i < to; i++) {
			unsigned k = (unsigned)(i - from);

			ck_assert_uint_eq(a.context[k].id, 2 * k + 1);
			ck_assert_msg(a.context[k].result == contexts[i].result, "%s: result %u",
				      contexts[i].name, a.context[k].result);
			if (contexts[i].result == DUL_ACCEPTANCE)
				ck_assert_msg(strcmp(a.context[k].transfer_syntax.text,
						     contexts[i].taken) == 0,
					      "%s: %s", contexts[i].name,
					      a.context[k].transfer_syntax.text);
			else /* not significant, but a UID, and no invention where one came */
				ck_assert_str_eq(a.context[k].transfer_syntax.text,
						 r->context[k].syntax_count > 0
							 ? dul_syntax(r, &r->context[k], 0)->text
							 : "1.2.840.10008.1.2");
		}
	}
}
END_TEST

START_TEST(test_none_and_all)
{
	static struct dul_answer a;
	struct dul_policy p = policy(NULL);
	struct dul_request *r = request();

	negotiate(r, &p, &a);
	ck_assert_uint_eq(a.refused.result, 0);
	ck_assert_uint_eq(a.context_count, 0);
	for (unsigned i = 0; i < DUL_CONTEXTS; i++)
		propose(r, 0);
	negotiate(r, &p, &a);
	ck_assert_uint_eq(a.context_count, DUL_CONTEXTS);
	ck_assert_str_eq(dul_accepted(&a, 255)->text, "1.1");
	ck_assert_ptr_null(dul_accepted(&a, 2));
	ck_assert_uint_eq(dul_accepted_for(r, &a, &(struct uid){"1.2.3"}, NULL), 1);
	ck_assert_uint_eq(dul_accepted_for(r, &a, &(struct uid){"1.2.3"}, &ours[0]), 1);
	ck_assert_uint_eq(dul_accepted_for(r, &a, &(struct uid){"1.2.3"}, &ours[1]), 0);
	ck_assert_uint_eq(dul_accepted_for(r, &a, &(struct uid){"1.2.4"}, NULL), 0);
}
END_TEST

/* ---- Refusals ---- */

static const struct {
	const char *name;
	uint16_t version;
	const char *application;
	enum dul_refusal admit;
	uint8_t result, source, reason;
} refusals[] = {
	{"welcome", 1, DUL_APPLICATION_CONTEXT, DUL_ADMIT, 0, 0, 0},
	{"version 3: bit 0 is set", 3, DUL_APPLICATION_CONTEXT, DUL_ADMIT, 0, 0, 0},
	{"version 2", 2, DUL_APPLICATION_CONTEXT, DUL_ADMIT, 1, 2, 2},
	{"version 0", 0, DUL_APPLICATION_CONTEXT, DUL_ADMIT, 1, 2, 2},
	{"version before everything", 2, "", DUL_REFUSE_CALLED, 1, 2, 2},
	{"another application context", 1, "1.2.840.10008.3.1.1.2", DUL_ADMIT, 1, 1, 2},
	{"no application context", 1, "", DUL_ADMIT, 1, 1, 2},
	{"called AE title", 1, DUL_APPLICATION_CONTEXT, DUL_REFUSE_CALLED, 1, 1, 7},
	{"calling AE title", 1, DUL_APPLICATION_CONTEXT, DUL_REFUSE_CALLING, 1, 1, 3},
	{"congestion", 1, DUL_APPLICATION_CONTEXT, DUL_REFUSE_CONGESTION, 2, 3, 1},
	{"limit", 1, DUL_APPLICATION_CONTEXT, DUL_REFUSE_LIMIT, 2, 3, 2},
};

START_TEST(test_refusal)
{
	static struct dul_answer a;
	enum dul_refusal refusal = refusals[_i].admit;
	struct dul_policy p = policy(&refusal);
	struct dul_request *r = request();

	propose(r, 0);
	r->version = refusals[_i].version;
	strcpy(r->application_context.text, refusals[_i].application);
	negotiate(r, &p, &a);
	ck_assert_msg(a.refused.result == refusals[_i].result &&
			      a.refused.source == refusals[_i].source &&
			      a.refused.reason == refusals[_i].reason,
		      "%s: %u/%u/%u", refusals[_i].name, a.refused.result, a.refused.source,
		      a.refused.reason);
	ck_assert_uint_eq(a.context_count, a.refused.result == 0 ? 1 : 0);
}
END_TEST

/* ---- The rest of an answer ---- */

START_TEST(test_rest)
{
	static struct dul_answer a;
	struct dul_policy p = policy(NULL);
	struct dul_request *r = request();

	memset(r->reserved, 0xA5, sizeof(r->reserved));
	negotiate(r, &p, &a);
	ck_assert(memcmp(a.raw_ae, r->raw_ae, 32) == 0);
	ck_assert(memcmp(a.reserved, r->reserved, 32) == 0);
	ck_assert(a.user.has_max_pdu && a.user.max_pdu == 4096);
	ck_assert_str_eq(a.user.implementation_class.text, "1.9");
	ck_assert_str_eq(a.user.implementation_version, "V");
	ck_assert(!a.user.has_async && !a.has_identity);
	ck_assert_uint_eq(a.user.role_count, 0);
	ck_assert_uint_eq(a.user.extended_count, 0);

	/* an asynchronous window is answered with none: one operation at a time */
	r->user.has_async = true;
	r->user.invoked = r->user.performed = 0;
	negotiate(r, &p, &a);
	ck_assert(a.user.has_async && a.user.invoked == 1 && a.user.performed == 1);
}
END_TEST

static const struct {
	const char *name, *sop_class;
	bool scu, scp, answered, scu_want, scp_want;
} roles[] = {
	{"storage: SCU", "1.2.3", true, false, true, true, false},
	{"storage: both", "1.2.3", true, true, true, true, false},
	{"storage: SCP", "1.2.3", false, true, true, false, false},
	{"commitment: SCP", "1.2.4", false, true, true, false, true},
	{"commitment: both", "1.2.4", true, true, true, false, true},
	{"either: both", "1.2.5", true, true, true, true, true},
	{"not supported", "1.2.6", true, true, false, false, false},
	{"not proposed", "1.2.5.1", true, true, false, false, false},
	{"not proposed, but supported", "1.2.7", true, true, false, false, false},
};

START_TEST(test_role)
{
	static struct dul_answer a;
	struct dul_policy p = policy(NULL);
	struct dul_request *r = request();
	struct uid sop_class = {0};

	for (unsigned i = 3; i <= 6; i++) {
		snprintf(sop_class.text, sizeof(sop_class.text), "1.2.%u", i);
		ck_assert_uint_ne(dul_request_add(r, &sop_class, ours, 1), 0);
	}
	strcpy(sop_class.text, roles[_i].sop_class);
	ck_assert(dul_request_role(r, &sop_class, roles[_i].scu, roles[_i].scp));
	negotiate(r, &p, &a);
	ck_assert_msg(a.user.role_count == (roles[_i].answered ? 1 : 0), "%s", roles[_i].name);
	if (roles[_i].answered) {
		ck_assert(uid_eq(&a.user.role[0].sop_class, &sop_class));
		ck_assert_int_eq(dul_role_of(&a.user, &sop_class, false), roles[_i].scu_want);
		ck_assert_int_eq(dul_role_of(&a.user, &sop_class, true), roles[_i].scp_want);
	} else {
		ck_assert(dul_role_of(&a.user, &sop_class, false));
		ck_assert(!dul_role_of(&a.user, &sop_class, true));
	}
}
END_TEST

START_TEST(test_roles_are_not_endless)
{
	struct dul_request *r = request();
	const struct uid sop_class = {"1.2.3"};

	for (unsigned i = 0; i < DUL_ROLES; i++)
		ck_assert(dul_request_role(r, &sop_class, true, false));
	ck_assert(!dul_request_role(r, &sop_class, true, false));
	ck_assert_uint_eq(r->user.role_count, DUL_ROLES);
}
END_TEST

Suite *suite_dul_negotiate(void)
{
	Suite *s = suite_create("dul_negotiate");
	TCase *t = tcase_create("negotiation");

	tcase_add_test(t, test_contexts);
	tcase_add_test(t, test_none_and_all);
	tcase_add_loop_test(t, test_refusal, 0, sizeof(refusals) / sizeof(refusals[0]));
	tcase_add_test(t, test_rest);
	tcase_add_loop_test(t, test_role, 0, sizeof(roles) / sizeof(roles[0]));
	tcase_add_test(t, test_roles_are_not_endless);
	suite_add_tcase(s, t);
	return s;
}
