#include "dul/negotiate.h"

#include <string.h>

#define DEFAULT_SYNTAX "1.2.840.10008.1.2" /* PS3.5 10.1 */

void negotiate_refuse(struct dul_answer *out, enum dul_refusal why)
{
	static const uint8_t codes[][3] = {
		[DUL_ADMIT] = {1, 1, 1}, /* asked to refuse without a reason */
		[DUL_REFUSE_CALLED] = {1, 1, 7},
		[DUL_REFUSE_CALLING] = {1, 1, 3},
		[DUL_REFUSE_APPLICATION] = {1, 1, 2},
		[DUL_REFUSE_VERSION] = {1, 2, 2},
		[DUL_REFUSE_CONGESTION] = {2, 3, 1},
		[DUL_REFUSE_LIMIT] = {2, 3, 2},
	};

	*out = (struct dul_answer){0};
	out->refused.result = codes[why][0];
	out->refused.source = codes[why][1];
	out->refused.reason = codes[why][2];
}

static enum dul_refusal refusal(const struct dul_request *r, const struct dul_policy *p)
{
	if ((r->version & 1) == 0)
		return DUL_REFUSE_VERSION;
	if (strcmp(r->application_context.text, DUL_APPLICATION_CONTEXT) != 0)
		return DUL_REFUSE_APPLICATION;
	return p->admit == NULL ? DUL_ADMIT : p->admit(p->user, r);
}

/* The first of our transfer syntaxes that is proposed; NULL: none. */
static const struct uid *choose(const struct dul_request *r, const struct dul_context *c,
				const struct dul_policy *p)
{
	for (size_t i = 0; i < p->syntax_count; i++)
		for (unsigned k = 0; k < c->syntax_count; k++)
			if (uid_eq(&p->syntaxes[i], dul_syntax(r, c, k)))
				return &p->syntaxes[i];
	return NULL;
}

/* PS3.7 D.3.3.4: an answer may only take away from what was proposed. */
static void answer_role(const struct dul_role *proposed, unsigned support,
			struct dul_user_info *out)
{
	if (support == DUL_NOT_SUPPORTED)
		return;
	out->role[out->role_count++] =
		(struct dul_role){.sop_class = proposed->sop_class,
				  .scu = proposed->scu && (support & DUL_AS_SCP) != 0,
				  .scp = proposed->scp && (support & DUL_AS_SCU) != 0};
}

static bool proposed(const struct dul_request *r, const struct uid *sop_class)
{
	for (unsigned i = 0; i < r->context_count; i++)
		if (uid_eq(&r->context[i].abstract_syntax, sop_class))
			return true;
	return false;
}

void negotiate(const struct dul_request *r, const struct dul_policy *p, struct dul_answer *out)
{
	enum dul_refusal why = refusal(r, p);

	if (why != DUL_ADMIT) {
		negotiate_refuse(out, why);
		return;
	}
	*out = (struct dul_answer){0};
	memcpy(out->raw_ae, r->raw_ae, sizeof(out->raw_ae));
	memcpy(out->reserved, r->reserved, sizeof(out->reserved));
	for (unsigned i = 0; i < r->context_count; i++) {
		const struct dul_context *c = &r->context[i];
		const struct uid *syntax = choose(r, c, p);
		bool known = c->abstract_syntax.text[0] != '\0' &&
			     p->supports(p->user, &c->abstract_syntax) != DUL_NOT_SUPPORTED;

		out->context[i].id = c->id;
		out->context[i].result = !known           ? DUL_ABSTRACT_NOT_SUPPORTED
					 : syntax == NULL ? DUL_TRANSFER_NOT_SUPPORTED
							  : DUL_ACCEPTANCE;
		if (known && syntax != NULL)
			out->context[i].transfer_syntax = *syntax;
		else if (c->syntax_count > 0) /* not significant; but some want a UID there */
			out->context[i].transfer_syntax = *dul_syntax(r, c, 0);
		else
			uid_set(&out->context[i].transfer_syntax, BYTES_LIT(DEFAULT_SYNTAX));
	}
	out->context_count = r->context_count;
	for (unsigned i = 0; i < r->user.role_count; i++)
		if (proposed(r, &r->user.role[i].sop_class))
			answer_role(&r->user.role[i],
				    p->supports(p->user, &r->user.role[i].sop_class), &out->user);
	out->user.has_max_pdu = true;
	out->user.max_pdu = p->max_pdu;
	uid_set(&out->user.implementation_class, bytes_str(p->implementation_class));
	bytes_to_str(bytes_str(p->implementation_version), out->user.implementation_version,
		     sizeof(out->user.implementation_version));
	out->user.has_async = r->user.has_async;
	out->user.invoked = out->user.performed = r->user.has_async ? 1 : 0;
}
