/* See orderbook_json.h. */
#include "chain/orderbook_json.h"

#include "base/hex.h"
#include "chain/orderbook_float.h"
#include "net/json_scan.h"

#include <inttypes.h>
#include <string.h>

static bool add_topics_and_data(struct buffer *json, const struct evm_logs *logs,
				const struct evm_log *log)
{
	bool fits = buffer_append_text(json, "\"topics\":[");

	for (size_t i = 0; i < log->topic_count && fits; i++)
		fits = buffer_append_format(json, "%s\"%s\"", i == 0 ? "" : ",",
					    evm_word_text(&log->topics[i]).text);
	return fits && buffer_append_text(json, "],\"data\":\"") &&
	       hex_append_data(json, evm_logs_data(logs, log)) && buffer_append_text(json, "\"");
}

static bool add_after_clear(struct buffer *json, const struct evm_logs *logs,
			    const struct evm_log *after_clear)
{
	return buffer_append_format(json, ",\"after_clear\":{\"log_index\":%" PRIu64 ",",
				    after_clear->log_index) &&
	       add_topics_and_data(json, logs, after_clear) && buffer_append_text(json, "}");
}

/* What it comes to is null when it cannot be booked; the word is there all the same. */
static bool add_float_leg(struct buffer *json, const char *name, const struct orderbook_leg *leg)
{
	struct shares tokens;
	bool fits = orderbook_float_to_shares(&leg->amount, &tokens);

	return buffer_append_format(json,
				    "\"%s\":{\"token\":\"%s\",\"vault_id\":\"%s\","
				    "\"float_word\":\"%s\",\"tokens\":",
				    name, evm_address_text(&leg->token).text,
				    evm_word_text(&leg->vault_id).text,
				    evm_word_text(&leg->amount).text) &&
	       (fits ? buffer_append_format(json, "\"%s\"}", shares_text(tokens).text)
		     : buffer_append_text(json, "null}"));
}

static bool add_leg(struct buffer *json, const char *name, const struct orderbook_leg *leg)
{
	if (leg->is_float)
		return add_float_leg(json, name, leg);
	return buffer_append_format(json,
				    "\"%s\":{\"token\":\"%s\",\"decimals\":%u,\"vault_id\":\"%s\","
				    "\"amount\":\"%s\"}",
				    name, evm_address_text(&leg->token).text, leg->decimals,
				    evm_uint256_text(&leg->vault_id).text,
				    evm_uint256_text(&leg->amount).text);
}

static bool add_fill(struct buffer *json, const struct orderbook_fill *fill)
{
	return buffer_append_format(json, "{\"owner\":\"%s\",",
				    evm_address_text(&fill->owner).text) &&
	       add_leg(json, "input", &fill->input) && buffer_append_text(json, ",") &&
	       add_leg(json, "output", &fill->output) && buffer_append_text(json, "}");
}

static bool add_fills(struct buffer *json, const struct orderbook_event *event)
{
	bool fits = buffer_append_format(json, ",\"sender\":\"%s\",\"fills\":[",
					 evm_address_text(&event->sender).text);

	for (size_t i = 0; i < event->fill_count && fits; i++)
		fits = (i == 0 || buffer_append_text(json, ",")) &&
		       add_fill(json, &event->fills[i]);
	return fits && buffer_append_text(json, "]");
}

static enum outcome decode(enum orderbook_event_type type, struct bytes data,
			   const struct bytes *after_clear, struct orderbook_event *event,
			   struct error *error)
{
	const struct bytes none = {.data = NULL, .length = 0};

	if (orderbook_type_is_clear(type) && after_clear == NULL)
		return error_set(error, OUTCOME_REJECTED, ERROR_KIND_MALFORMED,
				 "%s without its AfterClear", orderbook_event_type_name(type));
	return orderbook_decode(type, data, after_clear == NULL ? none : *after_clear, event,
				error);
}

static enum outcome decode_occurrence(const struct evm_logs *logs,
				      const struct orderbook_occurrence *occurrence,
				      struct orderbook_event *event, struct error *error)
{
	struct bytes after_clear = {.data = NULL, .length = 0};

	if (occurrence->after_clear != NULL)
		after_clear = evm_logs_data(logs, occurrence->after_clear);
	return decode(occurrence->type, evm_logs_data(logs, occurrence->log),
		      occurrence->after_clear == NULL ? NULL : &after_clear, event, error);
}

bool orderbook_json_write(const struct evm_logs *logs,
			  const struct orderbook_occurrence *occurrence, struct buffer *json)
{
	struct orderbook_event event = {.fill_count = 0};
	struct error error;

	buffer_clear(json);
	if (!buffer_append_format(json, "{\"address\":\"%s\",",
				  evm_address_text(&occurrence->log->address).text) ||
	    !add_topics_and_data(json, logs, occurrence->log))
		return false;
	if (occurrence->after_clear != NULL &&
	    !add_after_clear(json, logs, occurrence->after_clear))
		return false;
	if (decode_occurrence(logs, occurrence, &event, &error) == OUTCOME_OK)
		return add_fills(json, &event) && buffer_append_text(json, "}");
	/* The texts of the decoder are ours: nothing in them needs escaping. */
	return buffer_append_format(json, ",\"decode_error\":\"%s\"}", error.text);
}

static enum outcome not_event_data(struct error *error, const char *what)
{
	return error_set(error, OUTCOME_REJECTED, ERROR_KIND_MALFORMED, "event_data: %s", what);
}

/* What is read of event_data, and of the after_clear in it. */
enum event_member { MEMBER_TOPICS, MEMBER_DATA, MEMBER_AFTER_CLEAR, MEMBERS };

static bool read_topic(struct bytes topics, struct evm_word *topic)
{
	char text[EVM_WORD_TEXT_SIZE];
	struct bytes first;
	struct bytes digits;

	if (topics.data == NULL || !json_scan_first_item(topics, &first) ||
	    !json_scan_plain_string(first, &digits) || digits.length != sizeof(text) - 1)
		return false;
	memcpy(text, digits.data, digits.length);
	text[digits.length] = '\0';
	return evm_word_parse(text, topic);
}

/* topic0 and data of one raw log. */
static bool read_raw(const struct json_member *members, struct evm_word *topic, struct buffer *data)
{
	struct bytes digits;

	return read_topic(members[MEMBER_TOPICS].value, topic) &&
	       members[MEMBER_DATA].value.data != NULL &&
	       json_scan_plain_string(members[MEMBER_DATA].value, &digits) &&
	       hex_parse_data_of(digits, data);
}

static bool read_second(struct bytes text, struct evm_word *topic, struct buffer *data)
{
	struct json_member members[] = {{.name = "topics"}, {.name = "data"}};

	return json_scan_object(text, members, ARRAY_LENGTH(members)) &&
	       read_raw(members, topic, data);
}

/* The bytes of both logs, one behind the other. */
static enum outcome decode_members(const struct json_member *members, struct buffer *raw,
				   struct orderbook_event *event, struct error *error)
{
	struct bytes second = members[MEMBER_AFTER_CLEAR].value;
	enum orderbook_event_type type;
	struct evm_word topic;
	struct bytes data;
	struct bytes after_clear;

	if (!read_raw(members, &topic, raw))
		return not_event_data(error, "topics or data missing or malformed");
	if (!orderbook_event_type_of(&topic, &type))
		return not_event_data(error, "topic of no known event");
	data.length = raw->length;
	if (second.data != NULL &&
	    (!read_second(second, &topic, raw) || !orderbook_topic_completes(&topic, type)))
		return not_event_data(error, "after_clear missing or malformed");
	/* Only now: the buffer may have moved as it grew. */
	data.data = raw->bytes;
	after_clear.data = raw->bytes == NULL ? NULL : raw->bytes + data.length;
	after_clear.length = raw->length - data.length;
	return decode(type, data, second.data == NULL ? NULL : &after_clear, event, error);
}

enum outcome orderbook_json_decode(const char *text, struct orderbook_event *event,
				   struct error *error)
{
	const struct bytes all = {.data = (const uint8_t *)text, .length = strlen(text)};
	struct json_member members[MEMBERS] = {
		[MEMBER_TOPICS] = {.name = "topics"},
		[MEMBER_DATA] = {.name = "data"},
		[MEMBER_AFTER_CLEAR] = {.name = "after_clear"},
	};
	struct buffer raw;
	enum outcome outcome;

	if (!json_scan_object(all, members, MEMBERS))
		return not_event_data(error, "not a JSON object");
	buffer_init(&raw, BUFFER_MAX_LOG_DATA);
	outcome = decode_members(members, &raw, event, error);
	buffer_free(&raw);
	return outcome;
}
