/*
 * See broker_http.h. Whether anything was sent: libcurl says when it is about to send, by
 * CURLOPT_PREREQFUNCTION. Before that the broker cannot have seen the request; from then on it may
 * have.
 *
 * That libcurl sends an order once: every way to send a request, the repetition after a kept
 * connection died included, leads through the state in which libcurl asks that function first, and
 * it refuses the second time. Source: CURLOPT_PREREQFUNCTION(3), "called after a connection has
 * been established or reused, but before any request is made on it"; lib/multi.c of 7.88.1,
 * MSTATE_DO, and Curl_retry_request, which goes back to MSTATE_CONNECT. broker_http_test.c holds
 * the libcurl at hand to it.
 */
#include "executor/broker_http.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/process.h"
#include "executor/broker_http_head.h"
#include "net/http_curl.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>

#define MAXIMUM_ANSWER_BYTES ((size_t)16 * 1024 * 1024)
#define MAXIMUM_URL_SIZE     2048

/* An order goes over a connection that has been idle for at most so long, in libcurl's whole
 * seconds: the reads before it have just used theirs. */
#define ORDER_IDLE_MAXIMUM_S 1L

/* One request under way, and what came of it. */
struct exchange {
	CURL *easy;
	struct curl_slist *headers;
	struct broker_http_head head;
	struct buffer body;
	char curl_error[CURL_ERROR_SIZE];
	curl_socket_t socket; /* the last answer's connection */
	bool is_order;
	bool begun; /* it may have been sent */
	bool ended;
	CURLcode result;
};

struct broker_http {
	char base_url[MAXIMUM_URL_SIZE];
	char *ca_file;
	int64_t timeout_ms;
	CURLM *multi;
	struct exchange exchanges[BROKER_HTTP_AT_ONCE];
	int64_t not_before_ms; /* monotonic: the broker asked for quiet */
};

static void *obtain_zeroed(size_t count, size_t size)
{
	return memory_allocate(count, size);
}

static char *copy_text(const char *text)
{
	size_t size = strlen(text) + 1;
	char *copy = memory_obtain(size);

	memcpy(copy, text, size);
	return copy;
}

struct broker_http *broker_http_open(const struct broker_http_options *options)
{
	struct broker_http *http;
	int length;

	invariant(broker_http_url_is_safe(options->base_url));
	/* Our own memory functions, which overwrite what they give back: libcurl copies headers. */
	http_curl_require(curl_global_init_mem(CURL_GLOBAL_DEFAULT, memory_obtain, memory_free,
					       memory_resize, copy_text, obtain_zeroed),
			  "to start");
	http = memory_allocate(1, sizeof(*http));
	length = snprintf(http->base_url, sizeof(http->base_url), "%s", options->base_url);
	invariant(length > 0 && (size_t)length < sizeof(http->base_url));
	while (length > 0 && http->base_url[length - 1] == '/')
		http->base_url[--length] = '\0';
	http->ca_file = copy_text(options->ca_file);
	http->timeout_ms = options->timeout_ms;
	http->multi = curl_multi_init();
	if (http->multi == NULL)
		fatal(EXIT_CODE_TRY_AGAIN, "libcurl gives no handle: out of memory");
	http_curl_require_multi(
		curl_multi_setopt(http->multi, CURLMOPT_MAXCONNECTS, (long)BROKER_HTTP_AT_ONCE),
		"CURLMOPT_MAXCONNECTS");
	for (size_t i = 0; i < BROKER_HTTP_AT_ONCE; i++) {
		buffer_init(&http->exchanges[i].body, MAXIMUM_ANSWER_BYTES);
		http->exchanges[i].socket = CURL_SOCKET_BAD;
	}
	return http;
}

void broker_http_close(struct broker_http *http)
{
	http_curl_require_multi(curl_multi_cleanup(http->multi), "to close");
	for (size_t i = 0; i < BROKER_HTTP_AT_ONCE; i++)
		buffer_free(&http->exchanges[i].body);
	memory_free(http->ca_file);
	memory_free(http);
	curl_global_cleanup();
}

static size_t on_body(char *data, size_t size, size_t count, void *context)
{
	struct exchange *exchange = context;

	return buffer_append(&exchange->body, data, size * count) ? size * count : 0;
}

static size_t on_header(char *line, size_t size, size_t count, void *context)
{
	struct exchange *exchange = context;

	broker_http_head_read(&exchange->head, line, size * count);
	return size * count;
}

/* Called each time before libcurl sends the request. */
static int on_sending(void *context, char *remote, char *local, int remote_port, int local_port)
{
	struct exchange *exchange = context;
	bool again = exchange->begun;

	(void)remote;
	(void)local;
	(void)remote_port;
	(void)local_port;
	exchange->begun = true;
	return exchange->is_order && again ? CURL_PREREQFUNC_ABORT : CURL_PREREQFUNC_OK;
}

static struct curl_slist *add_header(struct curl_slist *list, const char *header)
{
	struct curl_slist *longer = curl_slist_append(list, header);

	if (longer == NULL)
		fatal(EXIT_CODE_TRY_AGAIN, "out of memory");
	return longer;
}

static struct curl_slist *request_headers(const struct broker_http_request *request)
{
	struct curl_slist *list = add_header(NULL, "Accept: application/json");
	char line[128];
	int length;

	/* Without value: left out, so that no request waits for a "100 Continue". */
	list = add_header(list, "Expect:");
	if (request->authorization != NULL)
		list = add_header(list, request->authorization);
	if (request->second_header != NULL)
		list = add_header(list, request->second_header);
	if (request->content_type != NULL) {
		length = snprintf(line, sizeof(line), "Content-Type: %s", request->content_type);
		invariant(length > 0 && (size_t)length < sizeof(line));
		list = add_header(list, line);
	}
	return list;
}

/*
 * Whether something came over a kept connection though nothing was asked there. It would be taken
 * for the order's answer. Of a connection that is closed meanwhile the answer does not matter.
 */
static bool something_waits(const struct broker_http *http)
{
	for (size_t i = 0; i < BROKER_HTTP_AT_ONCE; i++) {
		struct pollfd fd = {.fd = http->exchanges[i].socket, .events = POLLIN};

		if (fd.fd != CURL_SOCKET_BAD && poll(&fd, 1, 0) != 0)
			return true;
	}
	return false;
}

static void set_address(CURL *easy, const struct broker_http *http, const char *path,
			char curl_error[CURL_ERROR_SIZE])
{
	char url[MAXIMUM_URL_SIZE + 1024];
	int length = snprintf(url, sizeof(url), "%s%s", http->base_url, path);
	bool secure = strncmp(http->base_url, "https://", strlen("https://")) == 0;

	invariant(length > 0 && (size_t)length < sizeof(url));
	http_curl_configure(easy, url, http->ca_file, curl_error);
	http_curl_set(easy, CURLOPT_PROTOCOLS_STR, secure ? "https" : "http");
	http_curl_set(easy, CURLOPT_TIMEOUT_MS, (long)http->timeout_ms);
	http_curl_set(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)(http->timeout_ms / 2));
}

static void configure(struct exchange *exchange, const struct broker_http *http,
		      const struct broker_http_request *request)
{
	CURL *easy = exchange->easy;

	set_address(easy, http, request->path, exchange->curl_error);
	/* Brokers answer gzip even to those who did not ask: libcurl unpacks it, up to our limit.
	 */
	http_curl_set(easy, CURLOPT_ACCEPT_ENCODING, "");
	http_curl_set(easy, CURLOPT_USERAGENT, "ballast/" BALLAST_VERSION);
	http_curl_set(easy, CURLOPT_HTTPHEADER, exchange->headers);
	http_curl_set(easy, CURLOPT_WRITEFUNCTION, on_body);
	http_curl_set(easy, CURLOPT_WRITEDATA, exchange);
	http_curl_set(easy, CURLOPT_HEADERFUNCTION, on_header);
	http_curl_set(easy, CURLOPT_HEADERDATA, exchange);
	http_curl_set(easy, CURLOPT_PREREQFUNCTION, on_sending);
	http_curl_set(easy, CURLOPT_PREREQDATA, exchange);
	if (strcmp(request->method, "POST") == 0) {
		http_curl_set(easy, CURLOPT_POST, 1L);
		http_curl_set(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.length);
		http_curl_set(easy, CURLOPT_POSTFIELDS, (const char *)request->body.data);
	} else {
		invariant(strcmp(request->method, "GET") == 0);
	}
	if (request->is_order) {
		http_curl_set(easy, CURLOPT_MAXAGE_CONN, ORDER_IDLE_MAXIMUM_S);
		http_curl_set(easy, CURLOPT_FRESH_CONNECT, something_waits(http) ? 1L : 0L);
	}
}

static void start(struct broker_http *http, struct exchange *exchange,
		  const struct broker_http_request *request)
{
	exchange->easy = curl_easy_init();
	if (exchange->easy == NULL)
		fatal(EXIT_CODE_TRY_AGAIN, "libcurl gives no handle: out of memory");
	exchange->headers = request_headers(request);
	exchange->head = (struct broker_http_head){.location = ""};
	buffer_clear(&exchange->body);
	exchange->curl_error[0] = '\0';
	exchange->is_order = request->is_order;
	exchange->begun = false;
	exchange->ended = false;
	configure(exchange, http, request);
	exchange->socket = CURL_SOCKET_BAD;
	http_curl_require_multi(curl_multi_add_handle(http->multi, exchange->easy), "to start");
}

/* Looks which of the exchanges have ended; true when all have. */
static bool have_ended(struct broker_http *http, size_t count)
{
	const CURLMsg *message;
	bool all = true;
	int left;

	while ((message = curl_multi_info_read(http->multi, &left)) != NULL) {
		for (size_t i = 0; i < count; i++) {
			struct exchange *exchange = &http->exchanges[i];

			if (exchange->easy != message->easy_handle)
				continue;
			exchange->ended = true;
			exchange->result = message->data.result;
		}
	}
	for (size_t i = 0; i < count; i++)
		all = all && http->exchanges[i].ended;
	return all;
}

/* Reads are given up when the process is to stop, an order is not. */
static void run(struct broker_http *http, size_t count)
{
	bool to_the_end = http->exchanges[0].is_order;
	int64_t deadline_ms = clock_monotonic_ms() + http->timeout_ms;

	while (to_the_end || !process_stopping()) {
		http_curl_perform(http->multi);
		if (have_ended(http, count))
			break;
		if (to_the_end)
			http_curl_wait_alone(http->multi, deadline_ms);
		else
			http_curl_wait(http->multi, deadline_ms);
	}
}

static enum outcome rate_limited(struct broker_http *http, const char *what, struct error *error)
{
	(void)error_set(error, OUTCOME_RETRY, ERROR_KIND_RATE_LIMITED, "%s", what);
	if (error != NULL)
		error->retry_after_ms = http->not_before_ms - clock_monotonic_ms();
	return OUTCOME_RETRY;
}

static enum outcome obey_limits(struct broker_http *http, const struct broker_http_head *head,
				long status, struct error *error)
{
	int64_t until_ms = clock_monotonic_ms() + broker_http_head_pause_ms(head, status);

	if (until_ms > http->not_before_ms)
		http->not_before_ms = until_ms;
	return status == STATUS_TOO_MANY_REQUESTS
		       ? rate_limited(http, "HTTP 429: the broker asks for fewer requests", error)
		       : OUTCOME_OK;
}

static enum outcome judge_failure(const struct exchange *exchange, struct error *error)
{
	const char *reason = exchange->result == CURLE_ABORTED_BY_CALLBACK
				     ? "the broker closed the connection instead of answering"
				     : http_curl_reason(exchange->result, exchange->curl_error);

	if (!exchange->ended)
		return error_set(error, OUTCOME_RETRY, ERROR_KIND_UNREACHABLE, "told to stop");
	return error_set(error, exchange->begun ? OUTCOME_UNKNOWN : OUTCOME_RETRY,
			 ERROR_KIND_UNREACHABLE, "%s", reason);
}

static enum outcome judge(struct broker_http *http, struct exchange *exchange,
			  struct broker_http_answer *answer, struct error *error)
{
	long status = 0;

	if (!exchange->ended || exchange->result != CURLE_OK)
		return judge_failure(exchange, error);
	http_curl_require(curl_easy_getinfo(exchange->easy, CURLINFO_RESPONSE_CODE, &status),
			  "CURLINFO_RESPONSE_CODE");
	http_curl_require(
		curl_easy_getinfo(exchange->easy, CURLINFO_ACTIVESOCKET, &exchange->socket),
		"CURLINFO_ACTIVESOCKET");
	if (obey_limits(http, &exchange->head, status, error) != OUTCOME_OK)
		return OUTCOME_RETRY;
	*answer = (struct broker_http_answer){
		.status = status,
		.body = {.data = (const uint8_t *)buffer_text(&exchange->body),
			 .length = exchange->body.length},
		.location = exchange->head.location,
	};
	return OUTCOME_OK;
}

static enum outcome finish(struct broker_http *http, struct exchange *exchange,
			   struct broker_http_answer *answer, struct error *error)
{
	enum outcome outcome = judge(http, exchange, answer, error);

	http_curl_require_multi(curl_multi_remove_handle(http->multi, exchange->easy), "to finish");
	curl_easy_cleanup(exchange->easy);
	curl_slist_free_all(exchange->headers);
	return outcome;
}

enum outcome broker_http_call(struct broker_http *http, const struct broker_http_request *request,
			      struct broker_http_answer *answer, struct error *error)
{
	if (clock_monotonic_ms() < http->not_before_ms)
		return rate_limited(http, "the broker asked for fewer requests", error);
	start(http, &http->exchanges[0], request);
	run(http, 1);
	return finish(http, &http->exchanges[0], answer, error);
}

enum outcome broker_http_read_all(struct broker_http *http,
				  const struct broker_http_request *requests, size_t count,
				  struct broker_http_answer *answers, struct error *error)
{
	enum outcome outcome = OUTCOME_OK;

	invariant(count > 0 && count <= BROKER_HTTP_AT_ONCE);
	if (clock_monotonic_ms() < http->not_before_ms)
		return rate_limited(http, "the broker asked for fewer requests", error);
	for (size_t i = 0; i < count; i++) {
		invariant(!requests[i].is_order);
		start(http, &http->exchanges[i], &requests[i]);
	}
	run(http, count);
	for (size_t i = 0; i < count; i++) {
		bool first_failure = outcome == OUTCOME_OK;
		enum outcome one = finish(http, &http->exchanges[i], &answers[i],
					  first_failure ? error : NULL);

		if (one != OUTCOME_OK && first_failure)
			outcome = one;
	}
	return outcome;
}
