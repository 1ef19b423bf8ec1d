/*
 * A broker that does nothing but note when orders come: Alpaca's answers, as few as the executor
 * needs, at once. One thread; what it takes to answer is measured and told.
 *
 * Prints its port, and at the end of its standard input what came, as JSON: of each order its
 * symbol, its first byte's time in ns and its shares; how many requests, and the ns from reading
 * each to having written its answer, added up. What it does not expect, a client_order_id that came
 * before included, ends it with 1.
 */
#include "base/buffer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CONNECTIONS  256
#define REQUEST_SIZE 8192
#define ORDERS_MAX   100000
#define WORD_SIZE    64

static const char account[] =
	"{\"id\":\"bench\",\"account_number\":\"PA1234567\",\"status\":\"ACTIVE\",\"cash\":"
	"\"1000000000\","
	"\"buying_power\":\"1000000000\",\"trading_blocked\":false,\"account_blocked\":false,"
	"\"trade_suspended_by_user\":false,\"shorting_enabled\":true}";
static const char not_found[] = "{\"code\":40410000,\"message\":\"not found\"}";

struct order {
	int64_t came_ns;
	char symbol[WORD_SIZE];
	char shares[WORD_SIZE];
	char side[WORD_SIZE];
	char client_order_id[WORD_SIZE];
};

struct connection {
	int fd; /* -1: free */
	size_t length;
	int64_t began_ns;
	char request[REQUEST_SIZE + 1];
};

struct desk {
	struct order *orders; /* the id of each is its place */
	size_t order_count;
	int64_t requests;
	int64_t answering_ns;
	struct connection connections[CONNECTIONS];
};

static int64_t now_ns(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000 + now.tv_nsec;
}

static _Noreturn void fail(const char *what, const char *why)
{
	fprintf(stderr, "desk: %s: %s\n", what, why);
	exit(1);
}

/* A member that must be there and fit. */
static void take_word(const json_t *sent, const char *name, char word[WORD_SIZE])
{
	const char *text = json_string_value(json_object_get(sent, name));

	if (text == NULL || text[0] == '\0' || strlen(text) >= WORD_SIZE ||
	    strpbrk(text, "\"\\") != NULL)
		fail("an order's member is missing, or no plain word", name);
	memcpy(word, text, strlen(text) + 1);
}

static void write_order(const struct desk *desk, const struct order *order, bool filled, char *text,
			size_t size)
{
	int length = snprintf(
		text, size,
		"{\"id\":\"order-%zu\",\"client_order_id\":\"%s\",\"symbol\":\"%s\",\"qty\":\"%s\","
		"\"side\":\"%s\",\"status\":\"%s\",\"filled_qty\":\"%s\",\"filled_avg_price\":%s}",
		(size_t)(order - desk->orders), order->client_order_id, order->symbol,
		order->shares, order->side, filled ? "filled" : "pending_new",
		filled ? order->shares : "0", filled ? "\"200\"" : "null");

	if (length < 0 || (size_t)length >= size)
		fail("an answer does not fit", order->symbol);
}

static void take_order(struct desk *desk, const char *body, int64_t came_ns, char *text,
		       size_t size)
{
	struct order *order = &desk->orders[desk->order_count];
	json_t *sent = json_loads(body, JSON_REJECT_DUPLICATES, NULL);

	if (desk->order_count == ORDERS_MAX || !json_is_object(sent))
		fail("no more orders, or not one", body);
	order->came_ns = came_ns;
	take_word(sent, "symbol", order->symbol);
	take_word(sent, "qty", order->shares);
	take_word(sent, "side", order->side);
	take_word(sent, "client_order_id", order->client_order_id);
	json_decref(sent);
	desk->order_count++;
	write_order(desk, order, false, text, size);
}

static const struct order *find_order(const struct desk *desk, const char *id)
{
	char *end;
	size_t place = strtoul(id, &end, 10);

	return *end == ' ' && place < desk->order_count ? &desk->orders[place] : NULL;
}

static bool begins(const char **text, const char *words)
{
	size_t length = strlen(words);

	if (strncmp(*text, words, length) != 0)
		return false;
	*text += length;
	return true;
}

/* The answer's text; its status is returned. */
static int answer(struct desk *desk, const char *request, const char *body, int64_t came_ns,
		  char *text, size_t size)
{
	const struct order *order;

	if (begins(&request, "POST /v2/orders ")) {
		take_order(desk, body, came_ns, text, size);
		return 200;
	}
	if (begins(&request, "GET /v2/account ")) {
		(void)snprintf(text, size, "%s", account);
		return 200;
	}
	if (begins(&request, "GET /v2/positions/")) {
		(void)snprintf(text, size, "%s", not_found);
		return 404;
	}
	if (!begins(&request, "GET /v2/orders/order-"))
		fail("a request that was not expected", request);
	order = find_order(desk, request);
	if (order == NULL)
		fail("an order that did not come", request);
	write_order(desk, order, true, text, size);
	return 200;
}

static void send_answer(const struct connection *connection, int status, const char *text)
{
	char whole[2048];
	int length = snprintf(whole, sizeof(whole),
			      "HTTP/1.1 %d X\r\nContent-Type: application/json\r\n"
			      "Content-Length: %zu\r\n\r\n%s",
			      status, strlen(text), text);

	if (length < 0 || (size_t)length >= sizeof(whole) ||
	    send(connection->fd, whole, (size_t)length, MSG_NOSIGNAL) != length)
		fail("an answer was not taken", strerror(errno));
}

/* Where the request's body is, once it is whole; NULL before. */
static const char *whole_body(const struct connection *connection)
{
	const char *end = strstr(connection->request, "\r\n\r\n");
	const char *field = strcasestr(connection->request, "\r\nContent-Length:");
	size_t length = 0;

	if (end == NULL)
		return NULL;
	if (field != NULL && field < end)
		length = strtoul(field + strlen("\r\nContent-Length:"), NULL, 10);
	end += 4;
	if (connection->length > (size_t)(end - connection->request) + length)
		fail("more than one request at once", connection->request);
	return connection->length == (size_t)(end - connection->request) + length ? end : NULL;
}

static void take_bytes(struct desk *desk, struct connection *connection)
{
	char text[1024];
	int64_t now = now_ns();
	ssize_t length = recv(connection->fd, connection->request + connection->length,
			      REQUEST_SIZE - connection->length, 0);
	const char *body;

	if (length <= 0) {
		if (connection->length > 0)
			fail("half a request", connection->request);
		(void)close(connection->fd);
		connection->fd = -1;
		return;
	}
	if (connection->length == 0)
		connection->began_ns = now;
	connection->length += (size_t)length;
	connection->request[connection->length] = '\0';
	body = whole_body(connection);
	if (body == NULL) {
		if (connection->length == REQUEST_SIZE)
			fail("a request that is too long", connection->request);
		return;
	}
	send_answer(
		connection,
		answer(desk, connection->request, body, connection->began_ns, text, sizeof(text)),
		text);
	connection->length = 0;
	desk->requests++;
	desk->answering_ns += now_ns() - now;
}

static void watch(int epoll, int fd, void *which)
{
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = which};

	if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0)
		fail("epoll_ctl", strerror(errno));
}

static void accept_one(struct desk *desk, int epoll, int listener)
{
	struct connection *connection = desk->connections;
	int one = 1;
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

	while (connection->fd >= 0 && connection < &desk->connections[CONNECTIONS - 1])
		connection++;
	if (fd < 0 || connection->fd >= 0)
		fail("no further connection", strerror(errno));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	connection->fd = fd;
	connection->length = 0;
	watch(epoll, fd, connection);
}

static int listen_somewhere(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&address, length) != 0 ||
	    listen(fd, CONNECTIONS) != 0 ||
	    getsockname(fd, (struct sockaddr *)&address, &length) != 0)
		fail("cannot listen", strerror(errno));
	printf("%d\n", ntohs(address.sin_port));
	(void)fflush(stdout);
	return fd;
}

/* Until its standard input ends. */
static void serve(struct desk *desk)
{
	int listener = listen_somewhere();
	int epoll = epoll_create1(EPOLL_CLOEXEC);

	watch(epoll, listener, &listener);
	watch(epoll, STDIN_FILENO, NULL);
	for (;;) {
		struct epoll_event events[CONNECTIONS];
		int count = epoll_wait(epoll, events, CONNECTIONS, -1);

		for (int i = 0; i < count; i++) {
			if (events[i].data.ptr == NULL)
				return;
			if (events[i].data.ptr == &listener)
				accept_one(desk, epoll, listener);
			else
				take_bytes(desk, events[i].data.ptr);
		}
	}
}

/* By their client_order_id, each of which stands for an execution. */
static void demand_no_second_order(const struct desk *desk)
{
	for (size_t i = 0; i < desk->order_count; i++) {
		for (size_t k = 0; k < i; k++) {
			if (strcmp(desk->orders[i].client_order_id,
				   desk->orders[k].client_order_id) == 0)
				fail("a second order", desk->orders[i].client_order_id);
		}
	}
}

int main(void)
{
	static struct desk desk;

	desk.orders = memory_allocate(ORDERS_MAX, sizeof(*desk.orders));
	for (size_t i = 0; i < CONNECTIONS; i++)
		desk.connections[i].fd = -1;
	serve(&desk);
	demand_no_second_order(&desk);
	printf("{\"requests\":%" PRId64 ",\"answering_ns\":%" PRId64 ",\"orders\":[", desk.requests,
	       desk.answering_ns);
	for (size_t i = 0; i < desk.order_count; i++)
		printf("%s[\"%s\",%" PRId64 ",\"%s\"]", i == 0 ? "" : ",", desk.orders[i].symbol,
		       desk.orders[i].came_ns, desk.orders[i].shares);
	printf("]}\n");
	memory_free(desk.orders);
	return 0;
}
