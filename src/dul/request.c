/*
 * Building requests and looking things up in them and in answers; the codes of PS3.8 in words.
 */
#include <string.h>

#include "dul/pdu.h"

static void set_title(uint8_t raw[static 16], char title[static 17], const char *text)
{
	size_t len = strlen(text);

	len = len > 16 ? 16 : len;
	memset(raw, ' ', 16);
	memcpy(raw, text, len);
	memcpy(title, text, len);
	title[len] = '\0';
}

void dul_request_init(struct dul_request *r, const char *called, const char *calling,
		      uint32_t max_pdu, const char *implementation_class,
		      const char *implementation_version)
{
	*r = (struct dul_request){.version = 1};
	set_title(r->raw_ae, r->called, called);
	set_title(r->raw_ae + 16, r->calling, calling);
	uid_set(&r->application_context, BYTES_LIT(DUL_APPLICATION_CONTEXT));
	r->user.has_max_pdu = true;
	r->user.max_pdu = max_pdu;
	uid_set(&r->user.implementation_class, bytes_str(implementation_class));
	bytes_to_str(bytes_str(implementation_version), r->user.implementation_version,
		     sizeof(r->user.implementation_version));
}

static bool has_syntax(const struct dul_request *r, const struct uid *u, unsigned *index)
{
	for (*index = 0; *index < r->syntax_count; ++*index)
		if (uid_eq(&r->syntax[*index], u))
			return true;
	return false;
}

uint8_t dul_request_add(struct dul_request *r, const struct uid *abstract,
			const struct uid *syntaxes, size_t count)
{
	struct dul_context *c;
	unsigned index, before = r->syntax_count;

	if (r->context_count == DUL_CONTEXTS || count > DUL_SYNTAXES)
		return 0;
	c = &r->context[r->context_count];
	*c = (struct dul_context){.id = (uint8_t)(2 * r->context_count + 1),
				  .abstract_syntax = *abstract};
	for (size_t i = 0; i < count; i++) {
		if (!has_syntax(r, &syntaxes[i], &index)) {
			if (r->syntax_count == DUL_SYNTAXES_ALL) {
				r->syntax_count = before;
				return 0;
			}
			r->syntax[r->syntax_count++] = syntaxes[i];
		}
		c->syntax[c->syntax_count++] = (uint8_t)index;
	}
	r->context_count++;
	return c->id;
}

bool dul_request_role(struct dul_request *r, const struct uid *sop_class, bool scu, bool scp)
{
	if (r->user.role_count == DUL_ROLES)
		return false;
	r->user.role[r->user.role_count++] =
		(struct dul_role){.sop_class = *sop_class, .scu = scu, .scp = scp};
	return true;
}

/* ---- Looking up ---- */

const struct uid *dul_syntax(const struct dul_request *r, const struct dul_context *c, unsigned n)
{
	return &r->syntax[c->syntax[n]];
}

const struct dul_context *dul_context_of(const struct dul_request *r, uint8_t id)
{
	for (unsigned i = 0; i < r->context_count; i++)
		if (r->context[i].id == id)
			return &r->context[i];
	return NULL;
}

const struct uid *dul_accepted(const struct dul_answer *a, uint8_t id)
{
	for (unsigned i = 0; i < a->context_count; i++)
		if (a->context[i].id == id && a->context[i].result == DUL_ACCEPTANCE)
			return &a->context[i].transfer_syntax;
	return NULL;
}

uint8_t dul_accepted_for(const struct dul_request *r, const struct dul_answer *a,
			 const struct uid *abstract, const struct uid *syntax)
{
	for (unsigned i = 0; i < r->context_count; i++) {
		const struct uid *got = dul_accepted(a, r->context[i].id);

		if (got != NULL && uid_eq(&r->context[i].abstract_syntax, abstract) &&
		    (syntax == NULL || uid_eq(got, syntax)))
			return r->context[i].id;
	}
	return 0;
}

bool dul_role_of(const struct dul_user_info *answered, const struct uid *sop_class, bool scp)
{
	for (unsigned i = 0; i < answered->role_count; i++)
		if (uid_eq(&answered->role[i].sop_class, sop_class))
			return scp ? answered->role[i].scp : answered->role[i].scu;
	return !scp;
}

/* ---- In words ---- */

const char *dul_note_text(unsigned note)
{
	switch ((enum dul_note)note) {
	case DUL_NOTE_ODD_PDV:
		return "PDV fragments of odd length";
	case DUL_NOTE_OVER_MAX:
		return "PDUs longer than the maximum length it was told";
	case DUL_NOTE_NO_PDV:
		return "P-DATA-TF without a PDV";
	case DUL_NOTE_PADDING:
		return "an AE title or UID with padding of its own";
	case DUL_NOTE_BAD_UID:
		return "a UID that is none";
	case DUL_NOTE_ABSTRACTS:
		return "a presentation context with several abstract syntaxes";
	case DUL_NOTE_SYNTAXES:
		return "more transfer syntaxes than are looked at";
	case DUL_NOTE_REPEATED:
		return "an item that may be there only once is repeated";
	case DUL_NOTE_NO_USER_INFO:
		return "no user information item";
	case DUL_NOTE_NO_MAX_PDU:
		return "no maximum length item";
	case DUL_NOTE_NO_CLASS_UID:
		return "no implementation class UID";
	case DUL_NOTE_UNKNOWN_ITEM:
		return "an unknown item";
	case DUL_NOTE_NOT_PROPOSED:
		return "it accepts a presentation context in a way that was not proposed";
	case DUL_NOTE_TOO_MANY:
		return "more negotiation items than are looked at";
	}
	return "something unusual";
}

/* PS3.8 table 9-21. */
const char *dul_reject_text(uint8_t source, uint8_t reason)
{
	static const char *const user[] = {[1] = "no reason given",
					   [2] = "application context name not supported",
					   [3] = "calling AE title not recognized",
					   [7] = "called AE title not recognized"};
	static const char *const acse[] = {
		[1] = "no reason given", [2] = "protocol version not supported"};
	static const char *const presentation[] = {
		[1] = "temporary congestion", [2] = "local limit exceeded"};
	const char *text = NULL;

	if (source == 1 && reason < sizeof(user) / sizeof(user[0]))
		text = user[reason];
	if (source == 2 && reason < sizeof(acse) / sizeof(acse[0]))
		text = acse[reason];
	if (source == 3 && reason < sizeof(presentation) / sizeof(presentation[0]))
		text = presentation[reason];
	return text == NULL ? "a reason that the standard does not know" : text;
}

/* PS3.8 9.3.8. */
const char *dul_abort_text(uint8_t source, uint8_t reason)
{
	static const char *const reasons[] = {"no reason given",
					      "unrecognized PDU",
					      "unexpected PDU",
					      "reserved reason",
					      "unrecognized PDU parameter",
					      "unexpected PDU parameter",
					      "invalid PDU parameter value"};

	if (source != DUL_BY_PROVIDER)
		return "by the application";
	return reason < sizeof(reasons) / sizeof(reasons[0]) ? reasons[reason] : "reserved reason";
}

/* PS3.8 table 9-18. */
const char *dul_result_text(uint8_t context_result)
{
	static const char *const results[] = {"accepted", "rejected by the user", "no reason given",
					      "abstract syntax not supported",
					      "transfer syntaxes not supported"};

	return context_result < sizeof(results) / sizeof(results[0])
		       ? results[context_result]
		       : "a result that the standard does not know";
}
