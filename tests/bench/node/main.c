/*
 * A node for measurements: the JSON-RPC methods that a reader of history needs, over HTTP on the
 * loopback, with the latency and the limits of a provider. One thread, no copying of logs.
 *
 *	node --samples FILE --blocks N --logs N [--latency-ms N] [--limit N] ...
 *
 * Prints its port. GET / answers what was asked so far: requests (HTTP), calls by method, bytes.
 */
#include "node/chain.h"

#include "base/log.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <jansson.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#define CONNECTIONS 128
#define REQUEST_MAX ((size_t)1 << 20)

enum method { CHAIN_ID, BLOCK_NUMBER, GET_BLOCK, GET_LOGS, GET_RECEIPTS, OTHER, METHODS };

static const char *const names[METHODS] = {
	"eth_chainId", "eth_blockNumber",      "eth_getBlockByNumber",
	"eth_getLogs", "eth_getBlockReceipts", "other",
};

struct node {
	struct chain *chain;
	int64_t head;
	int64_t final_depth;
	int64_t latency_us;
	int64_t limit; /* of blocks, and of results, of one eth_getLogs */
	uint64_t requests;
	uint64_t calls[METHODS];
	uint64_t bytes;
};

/* Texts of our own around at most one list of logs, which is sent from where it stands. */
struct answer {
	struct buffer before;
	struct buffer after;
	struct chain_logs logs;
	bool has_logs;
};

struct connection {
	int fd; /* -1: free */
	struct buffer request;
	struct answer answer;
	size_t sent;
	int64_t due_us; /* 0: nothing to send */
};

static int64_t now_us(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void fail(const char *what)
{
	fprintf(stderr, "node: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* Behind the logs, once there are some. */
static struct buffer *end_of(struct answer *answer)
{
	return answer->has_logs ? &answer->after : &answer->before;
}

#define write_format(text, ...)                                                                    \
	do {                                                                                       \
		if (!buffer_append_format((text), __VA_ARGS__))                                    \
			fail("an answer does not fit");                                            \
	} while (0)

static void write_text(struct buffer *text, const char *piece)
{
	if (!buffer_append_text(text, piece))
		fail("an answer does not fit");
}

static int64_t block_of(const struct node *node, const json_t *value)
{
	const char *text = json_string_value(value);

	if (text == NULL || strcmp(text, "latest") == 0)
		return node->head;
	if (strcmp(text, "finalized") == 0)
		return node->head - node->final_depth;
	return (int64_t)strtoull(text, NULL, 16);
}

static void write_error(struct buffer *text, int code, const char *message)
{
	write_format(text, "\"error\":{\"code\":%d,\"message\":\"", code);
	write_text(text, message);
	write_text(text, "\"}");
}

static void answer_logs(struct node *node, const json_t *filter, struct answer *answer)
{
	const char *hash = json_string_value(json_object_get(filter, "blockHash"));
	int64_t first = hash != NULL ? chain_number_of(hash)
				     : block_of(node, json_object_get(filter, "fromBlock"));
	int64_t last = hash != NULL ? first : block_of(node, json_object_get(filter, "toBlock"));
	struct chain_logs logs = chain_logs(node->chain, first, last);

	if (first < 0 || last > node->head) {
		write_error(&answer->before, -32000, "unknown block");
	} else if (last - first >= node->limit) {
		write_error(&answer->before, -32602, "range exceeds limit of 10000");
	} else if (logs.count > node->limit) {
		write_error(&answer->before, -32005, "query returned more than 10000 results");
	} else if (answer->has_logs) {
		write_error(&answer->after, -32600, "one eth_getLogs a batch");
	} else {
		write_text(&answer->before, "\"result\":[");
		answer->logs = logs;
		answer->has_logs = true;
		write_text(&answer->after, "]");
	}
}

static enum method method_of(const json_t *request)
{
	const char *name = json_string_value(json_object_get(request, "method"));
	enum method method = CHAIN_ID;

	while (method < OTHER && (name == NULL || strcmp(name, names[method]) != 0))
		method++;
	return method;
}

static void answer_block(struct node *node, int64_t number, struct buffer *text)
{
	write_text(text, "\"result\":");
	if (number > node->head)
		write_text(text, "null");
	else
		chain_write_header(node->chain, number, text);
}

static void answer_call(struct node *node, const json_t *request, struct answer *answer)
{
	const json_t *params = json_object_get(request, "params");
	enum method method = method_of(request);
	struct buffer *text = end_of(answer);

	node->calls[method]++;
	write_format(text, "{\"jsonrpc\":\"2.0\",\"id\":%" PRId64 ",",
		     (int64_t)json_integer_value(json_object_get(request, "id")));
	switch (method) {
	case CHAIN_ID:
		write_text(text, "\"result\":\"0x2105\"");
		break;
	case BLOCK_NUMBER:
		write_format(text, "\"result\":\"0x%" PRIx64 "\"", node->head);
		break;
	case GET_BLOCK:
		answer_block(node, block_of(node, json_array_get(params, 0)), text);
		break;
	case GET_LOGS:
		answer_logs(node, json_array_get(params, 0), answer);
		break;
	case GET_RECEIPTS:
		write_text(text, "\"result\":");
		chain_write_receipts(node->chain, block_of(node, json_array_get(params, 0)), text);
		break;
	case OTHER:
	case METHODS:
		write_error(text, -32601, "the method does not exist");
		break;
	}
	write_text(end_of(answer), "}");
}

static void answer_counts(const struct node *node, struct buffer *text)
{
	write_format(text, "{\"requests\":%" PRId64, (int64_t)node->requests);
	write_format(text, ",\"bytes\":%" PRId64, (int64_t)node->bytes);
	for (size_t i = 0; i < METHODS; i++) {
		write_text(text, ",\"");
		write_text(text, names[i]);
		write_format(text, "\":%" PRId64, (int64_t)node->calls[i]);
	}
	write_text(text, "}");
}

static void answer_body(struct node *node, const char *body, size_t length, struct answer *answer)
{
	json_t *request = json_loadb(body, length, 0, NULL);

	node->requests++;
	if (json_is_array(request)) {
		write_text(&answer->before, "[");
		for (size_t i = 0; i < json_array_size(request); i++) {
			write_text(end_of(answer), i == 0 ? "" : ",");
			answer_call(node, json_array_get(request, i), answer);
		}
		write_text(end_of(answer), "]");
	} else {
		answer_call(node, request, answer);
	}
	json_decref(request);
}

static size_t answer_length(const struct answer *answer)
{
	return answer->before.length + answer->logs.length + answer->after.length;
}

/* Puts the head before an answer. */
static void seal(struct node *node, struct answer *answer)
{
	struct buffer body = answer->before;
	size_t length = answer_length(answer);

	node->bytes += length;
	buffer_init(&answer->before, SIZE_MAX / 8);
	write_format(&answer->before,
		     "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %" PRId64
		     "\r\n\r\n",
		     (int64_t)length);
	if (!buffer_append(&answer->before, body.bytes, body.length))
		fail("an answer does not fit");
	buffer_free(&body);
}

static void start_answer(struct connection *connection)
{
	buffer_clear(&connection->answer.before);
	buffer_clear(&connection->answer.after);
	connection->answer.logs = (struct chain_logs){.text = "", .length = 0};
	connection->answer.has_logs = false;
	connection->sent = 0;
}

/* When the request is whole: its answer, ready for its time. */
static void handle_request(struct node *node, struct connection *connection)
{
	const char *text = buffer_text(&connection->request);
	const char *body = strstr(text, "\r\n\r\n");
	const char *length_line = strcasestr(text, "\r\nContent-Length:");
	size_t length = 0;
	size_t whole;

	if (body == NULL)
		return;
	body += 4;
	if (length_line != NULL && length_line < body)
		length = strtoull(length_line + strlen("\r\nContent-Length:"), NULL, 10);
	whole = (size_t)(body - text) + length;
	if (connection->request.length < whole)
		return;
	start_answer(connection);
	if (strncmp(text, "GET ", 4) == 0)
		answer_counts(node, &connection->answer.before);
	else
		answer_body(node, body, length, &connection->answer);
	seal(node, &connection->answer);
	buffer_consume(&connection->request, whole);
	connection->due_us = now_us() + node->latency_us;
}

static void close_connection(struct connection *connection)
{
	(void)close(connection->fd);
	connection->fd = -1;
	connection->due_us = 0;
	buffer_clear(&connection->request);
}

static void read_some(struct node *node, struct connection *connection)
{
	char bytes[65536];
	ssize_t length = read(connection->fd, bytes, sizeof(bytes));

	if (length < 0 && errno == EAGAIN)
		return;
	if (length <= 0 || !buffer_append(&connection->request, bytes, (size_t)length)) {
		close_connection(connection);
		return;
	}
	if (connection->due_us == 0)
		handle_request(node, connection);
}

/* The parts of an answer from offset on. */
static int parts_from(const struct answer *answer, size_t offset, struct iovec *parts)
{
	const struct bytes all[] = {
		{answer->before.bytes, answer->before.length},
		{(const uint8_t *)answer->logs.text, answer->logs.length},
		{answer->after.bytes, answer->after.length},
	};
	int count = 0;

	for (size_t i = 0; i < 3; i++) {
		size_t skipped = offset < all[i].length ? offset : all[i].length;

		offset -= skipped;
		if (all[i].length > skipped)
			parts[count++] = (struct iovec){
				.iov_base = (void *)(uintptr_t)(all[i].data + skipped),
				.iov_len = all[i].length - skipped,
			};
	}
	return count;
}

static void send_some(struct node *node, struct connection *connection)
{
	struct iovec parts[3];
	int count = parts_from(&connection->answer, connection->sent, parts);
	ssize_t length = writev(connection->fd, parts, count);

	if (length < 0 && errno == EAGAIN)
		return;
	if (length < 0) {
		close_connection(connection);
		return;
	}
	connection->sent += (size_t)length;
	if (connection->sent < answer_length(&connection->answer))
		return;
	connection->due_us = 0;
	if (connection->request.length > 0)
		handle_request(node, connection);
}

static void watch(int epoll, int operation, struct connection *connection, uint32_t events)
{
	struct epoll_event event = {.events = events, .data.ptr = connection};

	if (epoll_ctl(epoll, operation, connection->fd, &event) != 0)
		fail("epoll_ctl");
}

static void accept_one(int epoll, int listener, struct connection *connections)
{
	int one = 1;
	int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	for (size_t i = 0; fd >= 0 && i < CONNECTIONS; i++) {
		struct connection *connection = &connections[i];

		if (connection->fd >= 0)
			continue;
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		connection->fd = fd;
		watch(epoll, EPOLL_CTL_ADD, connection, EPOLLIN);
		return;
	}
	if (fd >= 0)
		(void)close(fd);
}

/* Sends what is due; how long until the next is, in milliseconds. */
static int send_due(struct node *node, int epoll, struct connection *connections)
{
	int64_t next_us = INT64_MAX;

	for (size_t i = 0; i < CONNECTIONS; i++) {
		struct connection *connection = &connections[i];
		int64_t now = now_us();

		if (connection->fd < 0 || connection->due_us == 0)
			continue;
		if (connection->due_us > now) {
			if (connection->due_us - now < next_us)
				next_us = connection->due_us - now;
			continue;
		}
		send_some(node, connection);
		/* A full socket is told when it has room again. */
		if (connection->fd >= 0)
			watch(epoll, EPOLL_CTL_MOD, connection,
			      connection->sent > 0 && connection->due_us != 0 ? EPOLLIN | EPOLLOUT
									      : EPOLLIN);
	}
	return next_us == INT64_MAX ? -1 : (int)(next_us / 1000) + 1;
}

static int listen_somewhere(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&address, length) != 0 || listen(fd, 64) != 0 ||
	    getsockname(fd, (struct sockaddr *)&address, &length) != 0)
		fail("cannot listen");
	printf("%d\n", ntohs(address.sin_port));
	(void)fflush(stdout);
	return fd;
}

static void serve(struct node *node)
{
	static struct connection connections[CONNECTIONS];
	struct connection listener = {.fd = listen_somewhere()};
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	int wait_ms = -1;

	for (size_t i = 0; i < CONNECTIONS; i++) {
		connections[i].fd = -1;
		buffer_init(&connections[i].request, REQUEST_MAX);
		buffer_init(&connections[i].answer.before, SIZE_MAX / 8);
		buffer_init(&connections[i].answer.after, SIZE_MAX / 8);
	}
	watch(epoll, EPOLL_CTL_ADD, &listener, EPOLLIN);
	for (;;) {
		struct epoll_event events[CONNECTIONS];
		int count = epoll_wait(epoll, events, CONNECTIONS, wait_ms);

		for (int i = 0; i < count; i++) {
			struct connection *connection = events[i].data.ptr;

			if (connection == &listener)
				accept_one(epoll, listener.fd, connections);
			else if (connection->fd >= 0 && (events[i].events & EPOLLIN) != 0)
				read_some(node, connection);
			else if (connection->fd >= 0 &&
				 (events[i].events & (EPOLLHUP | EPOLLERR)) != 0)
				close_connection(connection);
		}
		wait_ms = send_due(node, epoll, connections);
	}
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{"samples", required_argument, NULL, 's'},
		{"blocks", required_argument, NULL, 'b'},
		{"logs", required_argument, NULL, 'l'},
		{"latency-ms", required_argument, NULL, 'm'},
		{"limit", required_argument, NULL, 'x'},
		{NULL, 0, NULL, 0},
	};
	struct chain_options chain = {.ours_every = 10, .transactions = 20};
	struct node node = {.limit = 10000, .final_depth = 64};
	int option;

	(void)signal(SIGPIPE, SIG_IGN);
	(void)prctl(PR_SET_PDEATHSIG, SIGTERM);
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 's':
			chain.samples = optarg;
			break;
		case 'b':
			chain.blocks = strtoll(optarg, NULL, 10);
			break;
		case 'l':
			chain.logs = strtoll(optarg, NULL, 10);
			break;
		case 'm':
			node.latency_us = 1000 * strtoll(optarg, NULL, 10);
			break;
		case 'x':
			node.limit = strtoll(optarg, NULL, 10);
			break;
		default:
			return 64;
		}
	}
	if (chain.samples == NULL || chain.blocks < 1 || chain.logs < 1)
		return 64;
	node.head = chain.blocks;
	node.chain = chain_open(&chain);
	serve(&node);
}
