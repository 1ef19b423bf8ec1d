/*
 * Every real fill of recorded logs of the real contract, to the last wei, against what the vaults'
 * balances say. The records are not part of the repository: BALLAST_FIXTURES names their folder
 * (logs.json, truth.json), and without them the test is skipped.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "chain/evm_rpc.h"
#include "chain/orderbook_events.h"
#include "chain/orderbook_json.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_FOLDER "../shared/fixtures/raindex-v4"

struct fixtures {
	json_t *logs;
	json_t *truth;
};

static json_t *load(const char *folder, const char *name)
{
	char path[1024];

	assert_true(snprintf(path, sizeof(path), "%s/%s", folder, name) < (int)sizeof(path));
	return json_load_file(path, 0, NULL);
}

static bool open_fixtures(struct fixtures *fixtures)
{
	const char *folder = getenv("BALLAST_FIXTURES");

	if (folder == NULL)
		folder = DEFAULT_FOLDER;
	fixtures->logs = load(folder, "logs.json");
	fixtures->truth = load(folder, "truth.json");
	return fixtures->logs != NULL && fixtures->truth != NULL;
}

static void close_fixtures(struct fixtures *fixtures)
{
	json_decref(fixtures->logs);
	json_decref(fixtures->truth);
}

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	assert_non_null(text);
	return text;
}

static void read_logs(const struct fixtures *fixtures, struct evm_logs *logs)
{
	json_t *answer = json_pack("{s:s,s:i,s:O}", "jsonrpc", "2.0", "id", 1, "result",
				   json_object_get(fixtures->logs, "tradeLogs"));
	char *text = json_dumps(answer, JSON_COMPACT);
	struct evm_address orderbook;
	struct error error;

	assert_true(evm_address_parse(text_of(fixtures->truth, "orderbook"), &orderbook));
	if (evm_rpc_answer_logs(text, strlen(text), 1, &orderbook, orderbook_topics,
				ORDERBOOK_TOPIC_COUNT, 0, INT64_MAX, logs, &error) != OUTCOME_OK)
		fail_msg("%s", error.text);
	free(text);
	json_decref(answer);
}

/* Whose fill of the event it is: what TakeOrderV2 calls the order, ClearV2 alice or bob. */
static const char *role_of(enum orderbook_event_type type, size_t fill)
{
	if (type == ORDERBOOK_TAKE_ORDER_V2)
		return "order";
	return fill == 0 ? "alice" : "bob";
}

/* Fill number place of an event as one line of text. */
static void describe(char *line, size_t size, const struct evm_log *log,
		     const struct orderbook_event *event, size_t place, const char *usdc)
{
	const struct orderbook_fill *fill = &event->fills[place];
	bool sold = strcmp(evm_address_text(&fill->input.token).text, usdc) == 0;
	const struct orderbook_leg *equity = sold ? &fill->output : &fill->input;
	const struct orderbook_leg *dollars = sold ? &fill->input : &fill->output;

	assert_string_equal(evm_address_text(&dollars->token).text, usdc);
	assert_int_equal(equity->decimals, 18);
	assert_int_equal(dollars->decimals, 6);
	assert_true(snprintf(line, size, "%s %llu %llu %s %s %s %s %s %s %s",
			     evm_word_text(&log->tx_hash).text,
			     (unsigned long long)log->block_number,
			     (unsigned long long)log->log_index,
			     orderbook_event_type_name(event->type), role_of(event->type, place),
			     sold ? "SELL" : "BUY", evm_address_text(&equity->token).text,
			     evm_uint256_text(&equity->amount).text,
			     evm_uint256_text(&dollars->amount).text,
			     evm_word_text(&log->block_hash).text) < (int)size);
}

static unsigned long long number_of(const json_t *object, const char *key)
{
	return (unsigned long long)json_integer_value(json_object_get(object, key));
}

static void describe_truth(char *line, size_t size, const json_t *fill)
{
	assert_true(snprintf(line, size, "%s %llu %llu %s %s %s %s %s %s %s",
			     text_of(fill, "txHash"), number_of(fill, "blockNumber"),
			     number_of(fill, "logIndex"), text_of(fill, "event"),
			     text_of(fill, "role"), text_of(fill, "direction"),
			     text_of(fill, "equityToken"), text_of(fill, "equityWei"),
			     text_of(fill, "usdcMicro"), text_of(fill, "blockHash")) < (int)size);
}

/* Crosses the fill off the list, so that no other can stand for it. */
static bool cross_off(json_t *fills, const char *line)
{
	char expected[512];

	for (size_t i = 0; i < json_array_size(fills); i++) {
		describe_truth(expected, sizeof(expected), json_array_get(fills, i));
		if (strcmp(expected, line) == 0)
			return json_array_remove(fills, i) == 0;
	}
	return false;
}

/* Our fills of one event, each of which the truth must still have; how many. */
static size_t check_event(const struct fixtures *fixtures, const struct evm_logs *logs,
			  const struct orderbook_occurrence *occurrence,
			  const struct config_addresses *owners)
{
	const char *usdc = text_of(json_object_get(fixtures->truth, "usdc"), "address");
	struct orderbook_event event;
	struct buffer json;
	struct error error;
	char line[512];
	size_t count = 0;

	buffer_init(&json, BUFFER_MAX_EVENT_JSON);
	assert_true(orderbook_json_write(logs, occurrence, &json));
	if (orderbook_json_decode(buffer_text(&json), &event, &error) != OUTCOME_OK)
		fail_msg("%s", error.text);
	buffer_free(&json);
	for (size_t i = 0; i < event.fill_count; i++) {
		if (!evm_address_equal(&event.fills[i].owner, &owners->items[0]))
			continue;
		describe(line, sizeof(line), occurrence->log, &event, i, usdc);
		if (!cross_off(json_object_get(fixtures->truth, "fills"), line))
			fail_msg("not a fill of the truth: %s", line);
		count++;
	}
	return count;
}

static void every_real_fill_is_reproduced_and_no_other(void **state)
{
	struct fixtures fixtures;
	struct config_addresses owners = {.count = 1};
	struct orderbook_occurrence occurrence;
	struct evm_logs logs;
	size_t cursor = 0;
	size_t fills = 0;
	size_t strangers = 0;

	(void)state;
	if (!open_fixtures(&fixtures)) {
		close_fixtures(&fixtures);
		skip();
	}
	assert_true(evm_address_parse(text_of(fixtures.truth, "owner"), &owners.items[0]));
	evm_logs_init(&logs);
	read_logs(&fixtures, &logs);
	while (orderbook_next_occurrence(&logs, &cursor, &occurrence)) {
		if (orderbook_touches(occurrence.type, evm_logs_data(&logs, occurrence.log),
				      &owners))
			fills += check_event(&fixtures, &logs, &occurrence, &owners);
		else
			strangers++;
	}
	/* None is left over. */
	assert_int_equal(json_array_size(json_object_get(fixtures.truth, "fills")), 0);
	assert_true(fills > 0 && strangers > 0);
	evm_logs_free(&logs);
	close_fixtures(&fixtures);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_real_fill_is_reproduced_and_no_other),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
