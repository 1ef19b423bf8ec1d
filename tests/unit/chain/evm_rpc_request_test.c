/* Requests, byte for byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "chain/evm_rpc.h"

#include <string.h>

#define ADDRESS "0x00000000000000000000000000000000000000aB"
#define TOPIC	"0x00000000000000000000000000000000000000000000000000000000000000"

struct fixture {
	struct buffer request;
	struct evm_address address;
	struct evm_word topics[3];
};

static int set_up(void **state)
{
	static struct fixture fixture;

	buffer_init(&fixture.request, BUFFER_MAX_HTTP_REQUEST);
	assert_true(evm_address_parse(ADDRESS, &fixture.address));
	assert_true(evm_word_parse(TOPIC "0A", &fixture.topics[0]));
	assert_true(evm_word_parse(TOPIC "0b", &fixture.topics[1]));
	assert_true(evm_word_parse(TOPIC "0c", &fixture.topics[2]));
	*state = &fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	buffer_free(&fixture->request);
	return 0;
}

static void assert_request(const struct fixture *fixture, const char *expected)
{
	assert_string_equal(buffer_text(&fixture->request), expected);
	assert_int_equal(fixture->request.length, strlen(expected));
}

static void questions_without_parameters(void **state)
{
	struct fixture *fixture = *state;

	evm_rpc_request_chain_id(&fixture->request, 1);
	assert_request(fixture,
		       "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"eth_chainId\",\"params\":[]}");
	/* The one before is cleared. */
	evm_rpc_request_block_number(&fixture->request, UINT64_MAX);
	assert_request(fixture, "{\"jsonrpc\":\"2.0\",\"id\":18446744073709551615,\"method\":"
				"\"eth_blockNumber\",\"params\":[]}");
}

static void a_block_is_asked_for_without_its_transactions(void **state)
{
	struct fixture *fixture = *state;

	evm_rpc_request_block(&fixture->request, 2, 0);
	assert_request(fixture, "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"eth_getBlockByNumber\","
				"\"params\":[\"0x0\",false]}");
	evm_rpc_request_block(&fixture->request, 3, 0x1a2b3c);
	assert_request(fixture, "{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"eth_getBlockByNumber\","
				"\"params\":[\"0x1a2b3c\",false]}");
}

static void several_blocks_are_asked_for_in_one_batch(void **state)
{
	static const uint64_t numbers[] = {0x1a, 3};
	struct fixture *fixture = *state;

	evm_rpc_request_blocks(&fixture->request, 9, numbers, 2);
	assert_request(fixture, "[{\"jsonrpc\":\"2.0\",\"id\":9,\"method\":"
				"\"eth_getBlockByNumber\",\"params\":[\"0x1a\",false]},"
				"{\"jsonrpc\":\"2.0\",\"id\":10,\"method\":"
				"\"eth_getBlockByNumber\",\"params\":[\"0x3\",false]}]");
}

static void one_question_asks_for_all_topics_of_a_range(void **state)
{
	struct fixture *fixture = *state;

	evm_rpc_request_logs(&fixture->request, 4, &fixture->address, fixture->topics, 3, 0, 999);
	assert_request(fixture,
		       "{\"jsonrpc\":\"2.0\",\"id\":4,\"method\":\"eth_getLogs\",\"params\":["
		       "{\"fromBlock\":\"0x0\",\"toBlock\":\"0x3e7\","
		       "\"address\":\"0x00000000000000000000000000000000000000ab\","
		       "\"topics\":[[\"" TOPIC "0a\",\"" TOPIC "0b\",\"" TOPIC "0c\"]]}]}");
}

static void the_logs_of_one_block_are_asked_for_by_its_hash(void **state)
{
	struct fixture *fixture = *state;

	evm_rpc_request_logs_of_block(&fixture->request, 5, &fixture->address, fixture->topics, 1,
				      &fixture->topics[2]);
	assert_request(fixture,
		       "{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":\"eth_getLogs\",\"params\":["
		       "{\"blockHash\":\"" TOPIC "0c\","
		       "\"address\":\"0x00000000000000000000000000000000000000ab\","
		       "\"topics\":[[\"" TOPIC "0a\"]]}]}");
}

static void a_call_carries_its_data_as_hex(void **state)
{
	static const uint8_t selector[] = {0x95, 0xd8, 0x9b, 0x41};
	struct fixture *fixture = *state;

	evm_rpc_request_call(&fixture->request, 6, &fixture->address,
			     (struct bytes){.data = selector, .length = sizeof(selector)});
	assert_request(fixture, "{\"jsonrpc\":\"2.0\",\"id\":6,\"method\":\"eth_call\",\"params\":["
				"{\"to\":\"0x00000000000000000000000000000000000000ab\","
				"\"data\":\"0x95d89b41\"},\"latest\"]}");
}

static void a_call_in_the_state_after_a_block_names_it(void **state)
{
	static const uint8_t selector[] = {0x38, 0xd5, 0x2e, 0x0f};
	struct fixture *fixture = *state;
	struct evm_call call = {
		.to = fixture->address,
		.data = {.data = selector, .length = sizeof(selector)},
		.block_number = 19,
	};

	call.block_hash.bytes[EVM_WORD_SIZE - 1] = 0xb1;
	evm_rpc_request_call_at_hash(&fixture->request, 6, &call);
	assert_request(fixture,
		       "{\"jsonrpc\":\"2.0\",\"id\":6,\"method\":\"eth_call\",\"params\":["
		       "{\"to\":\"0x00000000000000000000000000000000000000ab\","
		       "\"data\":\"0x38d52e0f\"},{\"blockHash\":"
		       "\"0x00000000000000000000000000000000000000000000000000000000000000b1\"}]}");
	evm_rpc_request_call_at_number(&fixture->request, 7, &call);
	assert_request(fixture, "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"eth_call\",\"params\":["
				"{\"to\":\"0x00000000000000000000000000000000000000ab\","
				"\"data\":\"0x38d52e0f\"},\"0x13\"]}");
}

static void subscriptions_are_for_heads_and_for_logs(void **state)
{
	struct fixture *fixture = *state;

	evm_rpc_request_subscribe_heads(&fixture->request, 7);
	assert_request(fixture, "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"eth_subscribe\","
				"\"params\":[\"newHeads\"]}");
	evm_rpc_request_subscribe_logs(&fixture->request, 8, &fixture->address, fixture->topics, 2);
	assert_request(fixture, "{\"jsonrpc\":\"2.0\",\"id\":8,\"method\":\"eth_subscribe\","
				"\"params\":[\"logs\","
				"{\"address\":\"0x00000000000000000000000000000000000000ab\","
				"\"topics\":[[\"" TOPIC "0a\",\"" TOPIC "0b\"]]}]}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(questions_without_parameters, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_block_is_asked_for_without_its_transactions,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(several_blocks_are_asked_for_in_one_batch, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(one_question_asks_for_all_topics_of_a_range, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(the_logs_of_one_block_are_asked_for_by_its_hash,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_call_carries_its_data_as_hex, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_call_in_the_state_after_a_block_names_it, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(subscriptions_are_for_heads_and_for_logs, set_up,
						tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
