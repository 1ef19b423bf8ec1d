/*
 * See serve.h. The process that serves: it answers from memory, asks the reader (reader.h) for
 * everything else, steps the alarms, and waits for nobody.
 */
#include "monitor/serve.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/process.h"
#include "monitor/alarms.h"
#include "monitor/answers.h"
#include "monitor/condition_list.h"
#include "monitor/event_stream.h"
#include "monitor/http_server.h"
#include "monitor/metrics.h"
#include "monitor/reader.h"
#include "monitor/route.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

/* Requests that wait for the reader at once; one of its answers takes milliseconds. */
#define WAITERS_MAXIMUM 128
#define WAIT_LIMIT_MS	5000
/* A state so young is given to whoever asks. */
#define STATE_LIFE_MS 250

/* Who watches waits for who trades, where there is one processor for both. */
#define NICENESS 5

#define TICK_MS		     1000
#define UNAVAILABLE_AGAIN_MS 10000

struct waiter {
	struct http_exchange *exchange; /* NULL: free */
	int64_t ticket;
	int64_t since_ms;
	const char *content_type;
	bool metrics; /* the alarms have something to add */
};

struct server {
	const struct listen_address *address;
	struct http_server http;
	struct event_stream events;
	struct reader reader;
	struct alarms alarms;
	struct condition_list unreadable; /* for the alarms, while the database is */
	struct waiter waiters[WAITERS_MAXIMUM];
	int64_t last_ticket;
	struct buffer state;  /* the newest */
	int64_t state_ms;     /* when it came; 0: never */
	int64_t state_ticket; /* under which one is asked for; 0: under none */
	int64_t tick_ms;
	int64_t unavailable_ms; /* when clients were last told */
};

static struct waiter *free_waiter(struct server *server)
{
	for (size_t i = 0; i < WAITERS_MAXIMUM; i++) {
		if (server->waiters[i].exchange == NULL)
			return &server->waiters[i];
	}
	return NULL;
}

static bool ask(struct server *server, struct reader_request *request)
{
	request->ticket = server->last_ticket + 1;
	if (!reader_ask(&server->reader, request))
		return false;
	server->last_ticket++;
	return true;
}

/* All who ask for the state while one is on its way get that one. */
static bool ask_state(struct server *server, struct reader_request *request)
{
	if (server->state_ticket == 0) {
		if (!ask(server, request))
			return false;
		server->state_ticket = request->ticket;
	}
	request->ticket = server->state_ticket;
	return true;
}

static void wait_for(struct server *server, struct http_exchange *exchange, struct route *route)
{
	struct waiter *waiter = free_waiter(server);
	const bool asked = waiter != NULL && (route->request.question == READER_STATE
						      ? ask_state(server, &route->request)
						      : ask(server, &route->request));

	if (!asked) {
		answers_give_error(exchange, 503, "too many requests wait for the database");
		return;
	}
	*waiter = (struct waiter){
		.exchange = exchange,
		.ticket = route->request.ticket,
		.since_ms = clock_monotonic_ms(),
		.content_type = route->content_type,
		.metrics = route->request.question == READER_METRICS,
	};
}

/* What the reader knows, and what the alarms have done. body: empty when it cannot read. */
static void answer_metrics(const struct server *server, struct http_exchange *exchange,
			   struct bytes body)
{
	struct buffer text;
	bool fits;

	buffer_init(&text, 2 * METRICS_MAXIMUM);
	fits = body.length > 0 ? buffer_append(&text, body.data, body.length)
			       : metrics_write_unreadable(&text);
	if (fits && metrics_write_alarms(&server->alarms, &text))
		answers_give_data(exchange, METRICS_CONTENT_TYPE, 200,
				  (struct bytes){text.bytes, text.length});
	else
		answers_give_error(exchange, 500, "the answer would be too long");
	buffer_free(&text);
}

/* In the form of the other problems. */
static void answer_unready(struct http_exchange *exchange, const char *problem)
{
	char text[READER_PROBLEM_SIZE + 64];
	const int length = snprintf(text, sizeof(text), "%s: the database cannot be read: %s\n",
				    condition_name(CONDITION_DATABASE_UNREADABLE), problem);

	answers_give_data(exchange, "text/plain; charset=utf-8", 503,
			  (struct bytes){(const uint8_t *)text, (size_t)length});
}

static void give_data(struct server *server, struct http_exchange *exchange, struct route *route)
{
	const char *problem = reader_problem(&server->reader);

	if (problem != NULL && route->request.question == READER_READINESS)
		answer_unready(exchange, problem);
	else if (problem != NULL && route->request.question == READER_METRICS)
		answer_metrics(server, exchange, (struct bytes){NULL, 0});
	else if (problem != NULL)
		answers_give_error(exchange, 503, problem);
	else if (route->request.question == READER_STATE && server->state_ms > 0 &&
		 clock_monotonic_ms() - server->state_ms < STATE_LIFE_MS)
		answers_give_data(exchange, route->content_type, 200,
				  (struct bytes){server->state.bytes, server->state.length});
	else
		wait_for(server, exchange, route);
}

/*
 * Who is not alone gets what the others had last, which is as new as the last commit; the first
 * client makes the reader send one.
 */
static void give_events(struct server *server, struct http_exchange *exchange)
{
	const bool begin =
		server->events.client_count > 0 || reader_problem(&server->reader) != NULL;

	if (!event_stream_add(&server->events, exchange, begin))
		answers_give_error(exchange, 503, "too many clients watch already");
	else
		reader_follow(&server->reader, true);
}

static void give(struct server *server, struct http_exchange *exchange,
		 const struct http_request *request)
{
	struct route route = route_find(request->target);

	switch (route.kind) {
	case ROUTE_ASSET:
		answers_give_asset(exchange, route.asset, request->if_none_match);
		return;
	case ROUTE_EVENTS:
		give_events(server, exchange);
		return;
	case ROUTE_HEALTH:
		answers_give_health(exchange);
		return;
	case ROUTE_DATA:
		give_data(server, exchange, &route);
		return;
	case ROUTE_NOT_FOUND:
		answers_give_error(exchange, 404, route.error);
		return;
	case ROUTE_MALFORMED:
		answers_give_error(exchange, 400, route.error);
		return;
	}
	invariant_unreachable("a known route");
}

static void handle(void *context, struct http_exchange *exchange,
		   const struct http_request *request)
{
	struct server *server = context;

	if (!listen_address_answers_to(server->address, request->host))
		answers_give_error(
			exchange, 421,
			"this monitor answers to localhost, 127.0.0.1 and [::1] only: a "
			"request for another name may come from a page that was led here");
	else if (strcmp(request->method, "GET") != 0 && strcmp(request->method, "HEAD") != 0)
		answers_give_error(exchange, 405, "the monitor only reads: GET and HEAD");
	else if (request->target == NULL)
		answers_give_error(exchange, 414, "the address is too long");
	else
		give(server, exchange, request);
}

static void end_exchange(void *context, struct http_exchange *exchange)
{
	struct server *server = context;

	if (event_stream_remove(&server->events, exchange)) {
		if (server->events.client_count == 0)
			reader_follow(&server->reader, false);
		return;
	}
	for (size_t i = 0; i < WAITERS_MAXIMUM; i++) {
		if (server->waiters[i].exchange == exchange)
			server->waiters[i].exchange = NULL;
	}
}

static void keep_state(struct server *server, struct bytes body)
{
	buffer_clear(&server->state);
	if (!buffer_append(&server->state, body.data, body.length))
		invariant_unreachable("an answer has room");
	server->state_ms = clock_monotonic_ms();
}

static void take_conditions(struct server *server, struct bytes body)
{
	static struct condition_list list;

	invariant(body.length == sizeof(list));
	memcpy(&list, body.data, sizeof(list));
	alarms_step(&server->alarms, &list, clock_monotonic_ms());
}

static void on_answer(void *context, const struct reader_answer *answer, struct bytes body)
{
	struct server *server = context;

	if (answer->ticket == READER_TICKET_CONDITIONS) {
		take_conditions(server, body);
		return;
	}

	if (answer->ticket == READER_TICKET_COMMIT || answer->ticket == server->state_ticket)
		keep_state(server, body);
	if (answer->ticket == READER_TICKET_COMMIT) {
		event_stream_publish(&server->events, "state", body);
		return;
	}
	if (answer->ticket == server->state_ticket)
		server->state_ticket = 0;
	for (size_t i = 0; i < WAITERS_MAXIMUM; i++) {
		struct waiter *waiter = &server->waiters[i];
		struct http_exchange *exchange = waiter->exchange;

		if (exchange == NULL || waiter->ticket != answer->ticket)
			continue;
		waiter->exchange = NULL;
		if (waiter->metrics && answer->status == 200)
			answer_metrics(server, exchange, body);
		else
			answers_give_data(exchange, waiter->content_type, answer->status, body);
	}
}

/* Those that began to wait before then. */
static void refuse_waiters(struct server *server, int64_t before_ms, const char *error)
{
	for (size_t i = 0; i < WAITERS_MAXIMUM; i++) {
		struct waiter *waiter = &server->waiters[i];
		struct http_exchange *exchange = waiter->exchange;

		if (exchange == NULL || waiter->since_ms >= before_ms)
			continue;
		waiter->exchange = NULL;
		answers_give_error(exchange, 503, error);
	}
}

static void on_lost(void *context)
{
	struct server *server = context;

	server->state_ticket = 0;
	refuse_waiters(server, INT64_MAX, "the database is opened again: try again");
}

static void tell_unavailable(struct server *server, const char *problem)
{
	struct buffer text;

	answers_error_text(&text, problem);
	event_stream_publish(&server->events, "unavailable",
			     (struct bytes){text.bytes, text.length});
	buffer_free(&text);
	server->unavailable_ms = clock_monotonic_ms();
}

static void on_problem(void *context, const char *problem)
{
	struct server *server = context;

	if (problem == NULL)
		return;
	refuse_waiters(server, INT64_MAX, problem);
	tell_unavailable(server, problem);
	condition_list_clear(&server->unreadable);
	condition_list_add(&server->unreadable, CONDITION_DATABASE_UNREADABLE, "",
			   "the database cannot be read: %s", problem);
	condition_list_finish(&server->unreadable);
	alarms_step(&server->alarms, &server->unreadable, clock_monotonic_ms());
}

static void tick(struct server *server, int64_t now_ms)
{
	const char *problem = reader_problem(&server->reader);

	if (now_ms < server->tick_ms)
		return;
	server->tick_ms = now_ms + TICK_MS;
	http_server_enforce_deadlines(&server->http);
	event_stream_enforce(&server->events);
	refuse_waiters(server, now_ms - WAIT_LIMIT_MS, "the database did not answer in time");
	if (problem != NULL && now_ms - server->unavailable_ms >= UNAVAILABLE_AGAIN_MS)
		tell_unavailable(server, problem);
}

static int timeout_ms(const struct server *server)
{
	const int http_ms = http_server_timeout_ms(&server->http);
	int64_t due_ms = alarms_due_ms(&server->alarms);
	int64_t left_ms;

	if (server->tick_ms < due_ms)
		due_ms = server->tick_ms;
	left_ms = due_ms - clock_monotonic_ms();
	if (http_ms >= 0 && http_ms < left_ms)
		left_ms = http_ms;
	return left_ms > 0 ? (int)left_ms : 0;
}

static void wait(struct server *server)
{
	struct pollfd fds[2 + READER_POLL_FDS + ALARMS_POLL_FDS] = {
		{.fd = process_stop_fd(), .events = POLLIN},
		{.fd = http_server_poll_fd(&server->http), .events = POLLIN},
	};

	reader_poll(&server->reader, &fds[2]);
	alarms_poll(&server->alarms, &fds[2 + READER_POLL_FDS]);
	if (poll(fds, ARRAY_LENGTH(fds), timeout_ms(server)) < 0 && errno != EINTR)
		fatal(EXIT_CODE_TRY_AGAIN, "poll failed: %s", strerror(errno));
}

static void run(struct server *server)
{
	while (!process_stopping()) {
		wait(server);
		http_server_step(&server->http);
		reader_step(&server->reader);
		alarms_step(&server->alarms, NULL, clock_monotonic_ms());
		tick(server, clock_monotonic_ms());
	}
}

static void open_server(struct server *server, const struct serve_settings *settings, int fd)
{
	const struct http_handler handler = {handle, end_exchange, server};
	const struct reader_events events = {on_answer, on_lost, on_problem, server};

	server->address = settings->address;
	buffer_init(&server->state, READER_ANSWER_MAXIMUM);
	event_stream_open(&server->events);
	alarms_open(&server->alarms, settings->alarms);
	http_server_open(&server->http, fd, &handler);
	reader_open(&server->reader, &settings->reader, &events);
}

static void close_server(struct server *server)
{
	http_server_close(&server->http);
	reader_close(&server->reader);
	alarms_close(&server->alarms);
	event_stream_close(&server->events);
	buffer_free(&server->state);
}

/* The reader inherits it. Refused, it is as it was. */
static void yield_to_pipeline(void)
{
	(void)setpriority(PRIO_PROCESS, 0, NICENESS);
}

int serve(const struct serve_settings *settings)
{
	static struct server server;
	const struct listen_address *address = settings->address;
	int port;
	const int fd = listen_address_open(address, &port);

	if (fd < 0)
		return EXIT_CODE_UNAVAILABLE;
	if (!address->loopback)
		log_warn("anybody who reaches %s can read everything: there is no login, set "
			 "MONITOR_LISTEN=127.0.0.1:%d or keep others away",
			 address->host, port);
	yield_to_pipeline();
	open_server(&server, settings, fd);
	log_info("ready url=http://%s:%d/ database=%s", address->host, port,
		 settings->reader.database_path);
	run(&server);
	close_server(&server);
	log_info("stopped");
	return 0;
}
