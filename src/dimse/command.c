#include "dimse/command.h"

#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "dicom/tag.h"

/* ---- Reading ---- */

/* Which elements were there already: the first of each counts. */
enum {
	HAS_FIELD = 1 << 0,
	HAS_MESSAGE_ID = 1 << 1,
	HAS_RESPONDED_TO = 1 << 2,
	HAS_DATA_SET = 1 << 3,
	HAS_ORIGINATOR_ID = 1 << 4,
	HAS_GROUP_LENGTH = 1 << 5,
};

struct reading {
	struct dimse_command *c;
	unsigned has;
	uint16_t data_set; /* Command Data Set Type */
	/* Affected and Requested: which of them counts depends on the field. */
	struct bytes affected_class, requested_class, affected_instance, requested_instance;
};

/* The first number of a US value; false when it is not just one. */
static bool take_u16(struct bytes value, uint16_t *out)
{
	if (value.len < 2)
		return false;
	*out = get_u16le(value.at);
	return value.len == 2;
}

static void take_number(struct reading *r, unsigned flag, struct bytes value, uint16_t *out)
{
	if ((r->has & flag) != 0 || !take_u16(value, out))
		r->c->odd = true;
	if (value.len >= 2)
		r->has |= flag;
}

static void take_view(struct reading *r, struct bytes value, struct bytes *out)
{
	if (out->at != NULL)
		r->c->odd = true;
	else
		*out = value;
}

/* As text that may be shown anywhere: what is no printable ASCII becomes a question mark. */
static void take_text(struct bytes value, char *out, size_t size)
{
	size_t len;

	value = bytes_trim(value);
	len = value.len < size - 1 ? value.len : size - 1;
	value = bytes_trim(bytes_slice(value, 0, len));
	len = value.len;
	for (size_t i = 0; i < len; i++)
		out[i] = value.at[i] >= 0x20 && value.at[i] < 0x7F ? (char)value.at[i] : '?';
	out[len] = '\0';
}

static void take_offending(struct dimse_command *c, struct bytes value)
{
	for (size_t at = 0; value.len - at >= 4; at += 4) {
		if (c->offending_count == DIMSE_OFFENDING)
			return;
		c->offending[c->offending_count++] =
			TAG(get_u16le(value.at + at), get_u16le(value.at + at + 2));
	}
}

static void take_flagged(struct dimse_command *c, bool *has, uint16_t *out, struct bytes value)
{
	if (*has || !take_u16(value, out))
		c->odd = true;
	*has = *has || value.len >= 2;
}

static void take_element(struct reading *r, uint32_t tag, struct bytes value)
{
	struct dimse_command *c = r->c;

	switch (tag) {
	case TAG_CommandField:
		take_number(r, HAS_FIELD, value, &c->field);
		break;
	case TAG_MessageID:
		take_number(r, HAS_MESSAGE_ID, value, &c->message_id);
		break;
	case TAG_MessageIDBeingRespondedTo:
		take_number(r, HAS_RESPONDED_TO, value, &c->responded_to);
		break;
	case TAG_CommandDataSetType:
		take_number(r, HAS_DATA_SET, value, &r->data_set);
		break;
	case TAG_AffectedSOPClassUID:
		take_view(r, value, &r->affected_class);
		break;
	case TAG_RequestedSOPClassUID:
		take_view(r, value, &r->requested_class);
		break;
	case TAG_AffectedSOPInstanceUID:
		take_view(r, value, &r->affected_instance);
		break;
	case TAG_RequestedSOPInstanceUID:
		take_view(r, value, &r->requested_instance);
		break;
	case TAG_Priority:
		take_flagged(c, &c->has_priority, &c->priority, value);
		break;
	case TAG_Status:
		take_flagged(c, &c->has_status, &c->status, value);
		break;
	case TAG_EventTypeID:
		take_flagged(c, &c->has_event_type, &c->event_type, value);
		break;
	case TAG_ActionTypeID:
		take_flagged(c, &c->has_action_type, &c->action_type, value);
		break;
	case TAG_ErrorComment:
		if (c->error_comment[0] == '\0')
			take_text(value, c->error_comment, sizeof(c->error_comment));
		break;
	case TAG_OffendingElement:
		if (c->offending_count == 0)
			take_offending(c, value);
		break;
	case TAG_MoveOriginatorApplicationEntityTitle:
		if (c->move_originator[0] == '\0')
			take_text(value, c->move_originator, sizeof(c->move_originator));
		break;
	case TAG_MoveOriginatorMessageID:
		take_number(r, HAS_ORIGINATOR_ID, value, &c->move_message_id);
		break;
	default: /* retired, private, unknown: nothing that is needed */
		break;
	}
}

/* N-GET, N-SET, N-ACTION and N-DELETE name what they are about as requested (PS3.7 10.3). */
static bool names_requested(uint16_t field)
{
	return field == DIMSE_N_GET || field == DIMSE_N_SET || field == DIMSE_N_ACTION ||
	       field == DIMSE_N_DELETE;
}

static void settle_uid(struct dimse_command *c, struct bytes first, struct bytes second,
		       struct uid *uid, struct bytes *raw)
{
	*raw = first.at != NULL ? first : second;
	if (raw->len == 0)
		*raw = BYTES_NONE;
	else if (!uid_set(uid, *raw))
		c->odd = true;
}

static void settle(struct reading *r)
{
	struct dimse_command *c = r->c;

	if (names_requested(c->field)) {
		settle_uid(c, r->requested_class, r->affected_class, &c->sop_class, &c->class_raw);
		settle_uid(c, r->requested_instance, r->affected_instance, &c->sop_instance,
			   &c->instance_raw);
	} else {
		settle_uid(c, r->affected_class, r->requested_class, &c->sop_class, &c->class_raw);
		settle_uid(c, r->affected_instance, r->requested_instance, &c->sop_instance,
			   &c->instance_raw);
	}
	c->has_originator = c->move_originator[0] != '\0' || (r->has & HAS_ORIGINATOR_ID) != 0;
	if (!command_is_response(c) && c->field != DIMSE_C_CANCEL && (r->has & HAS_MESSAGE_ID) == 0)
		c->odd = true;
	if ((r->has & HAS_DATA_SET) != 0)
		c->has_data = r->data_set != DIMSE_NO_DATA_SET;
	else
		c->odd = true;
}

enum err command_parse(struct dimse_command *c, struct bytes in, struct fault *f)
{
	struct dimse_command made = {0};
	struct reading r = {.c = &made};
	struct rd rd = rd_of(in);
	unsigned count = 0;
	uint32_t last = 0;

	*c = (struct dimse_command){0};
	if (in.len > LIMIT_COMMAND)
		return fault_set(f, ERR_LIMIT, "a command set over 64 KiB", 0);
	while (rd_left(&rd) > 0) {
		size_t at = rd.pos;
		uint16_t group = rd_u16(&rd, false), element = rd_u16(&rd, false);
		uint32_t tag = TAG(group, element);
		struct bytes value = rd_take(&rd, rd_u32(&rd, false));

		if (rd.failed)
			return fault_tag(f, ERR_WIRE, "a command set is cut short", at, tag);
		if (++count > LIMIT_COMMAND_ELEMENTS)
			return fault_set(f, ERR_LIMIT, "a command set of over 64 elements", at);
		if (tag == TAG_CommandGroupLength)
			made.odd |= count != 1 || value.len != 4 ||
				    get_u32le(value.at) != in.len - rd.pos;
		else if ((count > 1 && tag <= last) || group != 0)
			made.odd = true;
		last = tag;
		take_element(&r, tag, value);
	}
	if ((r.has & HAS_FIELD) == 0)
		return fault_tag(f, ERR_WIRE, "a command set without Command Field", 0,
				 TAG_CommandField);
	settle(&r);
	*c = made;
	return OK;
}

/* ---- Writing ---- */

static void put_head(struct buf *out, uint32_t tag, size_t len)
{
	uint8_t head[8];

	put_u16le(head, TAG_GROUP(tag));
	put_u16le(head + 2, TAG_ELEMENT(tag));
	put_u32le(head + 4, (uint32_t)len);
	buf_add(out, bytes_of(head, sizeof(head)));
}

static void put_number(struct buf *out, uint32_t tag, uint16_t value)
{
	uint8_t two[2];

	put_u16le(two, value);
	put_head(out, tag, sizeof(two));
	buf_add(out, bytes_of(two, sizeof(two)));
}

static void put_text(struct buf *out, uint32_t tag, struct bytes text, char pad)
{
	put_head(out, tag, text.len + text.len % 2);
	buf_add(out, text);
	if (text.len % 2 != 0)
		buf_char(out, pad);
}

static void put_uid(struct buf *out, uint32_t tag, const struct uid *uid, struct bytes raw)
{
	if (raw.len == 0)
		raw = bytes_str(uid->text);
	if (raw.len > 0)
		put_text(out, tag, raw, '\0');
}

static void put_offending(struct buf *out, const struct dimse_command *c)
{
	uint8_t tags[4 * DIMSE_OFFENDING];

	for (unsigned i = 0; i < c->offending_count; i++) {
		put_u16le(tags + 4 * i, TAG_GROUP(c->offending[i]));
		put_u16le(tags + 4 * i + 2, TAG_ELEMENT(c->offending[i]));
	}
	put_head(out, TAG_OffendingElement, 4 * c->offending_count);
	buf_add(out, bytes_of(tags, 4 * c->offending_count));
}

/* PS3.7 9.3.1.1; it is not for netrt to ask for anything else that has one. */
static bool has_priority(const struct dimse_command *c)
{
	return c->has_priority || c->field == DIMSE_C_STORE;
}

static void put_tail(struct buf *out, const struct dimse_command *c, bool requested)
{
	if (c->has_status)
		put_number(out, TAG_Status, c->status);
	if (c->offending_count > 0)
		put_offending(out, c);
	if (c->error_comment[0] != '\0')
		put_text(out, TAG_ErrorComment, bytes_str(c->error_comment), ' ');
	if (!requested)
		put_uid(out, TAG_AffectedSOPInstanceUID, &c->sop_instance, c->instance_raw);
	else
		put_uid(out, TAG_RequestedSOPInstanceUID, &c->sop_instance, c->instance_raw);
	if (c->has_event_type)
		put_number(out, TAG_EventTypeID, c->event_type);
	if (c->has_action_type)
		put_number(out, TAG_ActionTypeID, c->action_type);
	if (c->has_originator) {
		put_text(out, TAG_MoveOriginatorApplicationEntityTitle,
			 bytes_str(c->move_originator), ' ');
		put_number(out, TAG_MoveOriginatorMessageID, c->move_message_id);
	}
}

void command_build(struct buf *out, const struct dimse_command *c)
{
	bool requested = names_requested(c->field);
	bool response = command_is_response(c);
	size_t at = out->len;

	put_head(out, TAG_CommandGroupLength, 4);
	buf_add(out, BYTES_LIT("\0\0\0\0"));
	put_uid(out, requested ? TAG_RequestedSOPClassUID : TAG_AffectedSOPClassUID, &c->sop_class,
		c->class_raw);
	put_number(out, TAG_CommandField, c->field);
	if (!response && c->field != DIMSE_C_CANCEL)
		put_number(out, TAG_MessageID, c->message_id);
	else
		put_number(out, TAG_MessageIDBeingRespondedTo, c->responded_to);
	if (has_priority(c))
		put_number(out, TAG_Priority, c->priority);
	put_number(out, TAG_CommandDataSetType, c->has_data ? DIMSE_DATA_SET : DIMSE_NO_DATA_SET);
	put_tail(out, c, requested);
	if (!out->failed)
		put_u32le(out->at + at + 8, (uint32_t)(out->len - at - 12));
}

struct dimse_command command_response(const struct dimse_command *request,
				      const struct dimse_reply *reply)
{
	struct dimse_command c = {
		.field = request->field | DIMSE_RESPONSE,
		.responded_to = request->message_id,
		.sop_class = request->sop_class,
		.sop_instance = request->sop_instance,
		.class_raw = request->class_raw,
		.instance_raw = request->instance_raw,
		.has_status = true,
		.status = reply->status,
		.has_event_type = request->has_event_type,
		.event_type = request->event_type,
		.has_action_type = request->has_action_type,
		.action_type = request->action_type,
	};

	memcpy(c.error_comment, reply->comment, sizeof(c.error_comment));
	if (reply->offending != 0)
		c.offending[c.offending_count++] = reply->offending;
	return c;
}

const char *command_name(uint16_t field)
{
	static const struct {
		uint16_t field;
		const char *name;
	} names[] = {
		{DIMSE_C_STORE, "C-STORE"},   {DIMSE_C_GET, "C-GET"},
		{DIMSE_C_FIND, "C-FIND"},     {DIMSE_C_MOVE, "C-MOVE"},
		{DIMSE_C_ECHO, "C-ECHO"},     {DIMSE_N_EVENT_REPORT, "N-EVENT-REPORT"},
		{DIMSE_N_GET, "N-GET"},       {DIMSE_N_SET, "N-SET"},
		{DIMSE_N_ACTION, "N-ACTION"}, {DIMSE_N_CREATE, "N-CREATE"},
		{DIMSE_N_DELETE, "N-DELETE"}, {DIMSE_C_CANCEL, "C-CANCEL"},
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].field == (field & ~DIMSE_RESPONSE))
			return names[i].name;
	return "?";
}
