/*
 * What reading a history costs at least: the same answers fetched by curl, parsed by jansson, and
 * the owner's events put into the same table, a transaction for each answer. Nothing is proven.
 *
 *	floor-backfill URL DATABASE HEAD ORDERBOOK OWNER
 */
#include "base/buffer.h"
#include "base/log.h"
#include "chain/http.h"
#include "chain/orderbook_events.h"
#include "store/store.h"

#include <inttypes.h>
#include <jansson.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOCKS_A_REQUEST 10000
#define HEADERS_A_BATCH	 50
#define AT_ONCE		 4

/* A list of numbers of blocks whose headers are still to be fetched. */
struct wanted {
	int64_t *numbers;
	size_t count;
};

struct floor {
	struct http_client *http;
	sqlite3 *database;
	sqlite3_stmt *insert;
	const char *orderbook;
	const char *owner; /* without 0x */
	int64_t next;
	int64_t head;
	struct wanted wanted;
	struct buffer request;
};

static const char insert_sql[] =
	"INSERT INTO event_queue (tx_hash, log_index, block_number, block_hash, block_timestamp,"
	" event_type, event_data, source, confirmed) VALUES (?, ?, ?, ?, ?, ?, ?, 'backfiller', 1)";

static void require(bool good, const char *what)
{
	if (!good)
		fatal(EXIT_CODE_BUG, "floor: %s", what);
}

static void run_sql(struct floor *floor, const char *sql)
{
	require(sqlite3_exec(floor->database, sql, NULL, NULL, NULL) == SQLITE_OK, sql);
}

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	require(text != NULL, key);
	return text;
}

static void bind_text(struct floor *floor, int index, const char *text)
{
	require(sqlite3_bind_text(floor->insert, index, text, -1, SQLITE_STATIC) == SQLITE_OK,
		"bind");
}

static void insert_log(struct floor *floor, const json_t *log)
{
	int64_t number = (int64_t)strtoull(text_of(log, "blockNumber"), NULL, 16);
	int64_t index = (int64_t)strtoull(text_of(log, "logIndex"), NULL, 16);
	json_t *event = json_pack("{s:s, s:s}", "data", text_of(log, "data"), "decoded",
				  text_of(log, "data"));
	char *text = json_dumps(event, JSON_COMPACT);

	bind_text(floor, 1, text_of(log, "transactionHash"));
	bind_text(floor, 4, text_of(log, "blockHash"));
	bind_text(floor, 5, text_of(log, "blockTimestamp"));
	bind_text(floor, 6, "TakeOrderV2");
	bind_text(floor, 7, text);
	require(sqlite3_bind_int64(floor->insert, 2, index) == SQLITE_OK &&
			sqlite3_bind_int64(floor->insert, 3, number) == SQLITE_OK &&
			sqlite3_step(floor->insert) == SQLITE_DONE &&
			sqlite3_reset(floor->insert) == SQLITE_OK,
		"insert");
	free(text);
	json_decref(event);
	floor->wanted.numbers = memory_grow(floor->wanted.numbers, floor->wanted.count,
					    floor->wanted.count + 1, sizeof(int64_t));
	floor->wanted.numbers[floor->wanted.count++] = number;
}

static void take_logs(struct floor *floor, const json_t *logs)
{
	run_sql(floor, "BEGIN IMMEDIATE");
	for (size_t i = 0; i < json_array_size(logs); i++) {
		const json_t *log = json_array_get(logs, i);

		if (strstr(text_of(log, "data"), floor->owner) != NULL)
			insert_log(floor, log);
	}
	run_sql(floor, "COMMIT");
}

static void take(struct floor *floor, const struct http_answer *answer)
{
	json_t *root = json_loadb((const char *)answer->body.data, answer->body.length, 0, NULL);

	require(answer->outcome == OUTCOME_OK && root != NULL, "an answer");
	if (json_is_object(root)) {
		require(json_is_array(json_object_get(root, "result")), "a list of logs");
		take_logs(floor, json_object_get(root, "result"));
	}
	json_decref(root);
	http_release(floor->http, answer->slot);
}

static bool request_logs(struct floor *floor)
{
	int64_t last = floor->next + BLOCKS_A_REQUEST - 1;

	if (floor->next > floor->head)
		return false;
	if (last > floor->head)
		last = floor->head;
	require(buffer_append_format(
			&floor->request,
			"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"eth_getLogs\",\"params\":[{"
			"\"fromBlock\":\"0x%" PRIx64 "\",\"toBlock\":\"0x%" PRIx64
			"\",\"address\":\"%s\"}]}",
			floor->next, last, floor->orderbook),
		"a request");
	floor->next = last + 1;
	return true;
}

static bool request_headers(struct floor *floor)
{
	struct wanted *wanted = &floor->wanted;
	bool all_logs_read = floor->next > floor->head;

	if (wanted->count == 0 || (wanted->count < HEADERS_A_BATCH && !all_logs_read))
		return false;
	for (int i = 0; i < HEADERS_A_BATCH && wanted->count > 0; i++) {
		wanted->count--;
		require(buffer_append_format(&floor->request,
					     "%c{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":"
					     "\"eth_getBlockByNumber\",\"params\":[\"0x%" PRIx64
					     "\",false]}",
					     i == 0 ? '[' : ',', wanted->numbers[wanted->count]),
			"a request");
	}
	require(buffer_append_text(&floor->request, "]"), "a request");
	return true;
}

static void read_all(struct floor *floor)
{
	size_t under_way = 0;
	struct http_answer answer;
	size_t slot;

	do {
		while (http_slot_available(floor->http, &slot)) {
			buffer_clear(&floor->request);
			if (!request_headers(floor) && !request_logs(floor))
				break;
			http_start(floor->http, slot,
				   (struct bytes){floor->request.bytes, floor->request.length},
				   NULL);
			under_way++;
		}
		if (under_way > 0 && http_wait(floor->http, INT64_MAX, &answer)) {
			take(floor, &answer);
			under_way--;
		}
	} while (under_way > 0 || floor->wanted.count > 0 || floor->next <= floor->head);
}

int main(int argc, char **argv)
{
	struct http_options http = {.timeout_ms = 60000,
				    .ca_file = "",
				    .concurrency = AT_ONCE,
				    .maximum_answer_bytes = BUFFER_MAX_HTTP_ANSWER};
	struct floor floor = {.next = 1};
	struct store store;

	if (argc != 6)
		return EXIT_CODE_USAGE;
	store_open(&store, argv[2]);
	floor.database = store.connection;
	http.url = argv[1];
	floor.head = strtoll(argv[3], NULL, 10);
	floor.orderbook = argv[4];
	floor.owner = argv[5] + strlen("0x");
	floor.http = http_open(&http);
	buffer_init(&floor.request, BUFFER_MAX_HTTP_REQUEST);
	require(sqlite3_prepare_v2(floor.database, insert_sql, -1, &floor.insert, NULL) ==
			SQLITE_OK,
		"prepare");

	read_all(&floor);

	(void)sqlite3_finalize(floor.insert);
	memory_free(floor.wanted.numbers);
	buffer_free(&floor.request);
	http_close(floor.http);
	store_close(&store);
	return 0;
}
