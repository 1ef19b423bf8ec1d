/*
 * See broker_http.h. Whether anything was sent: the request's first byte leaves after libcurl's
 * "pre-transfer" moment, when name, connection and TLS stand; before it the broker cannot have seen
 * the request.
 */
#include "executor/broker_http.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/process.h"
#include "net/http_curl.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAXIMUM_ANSWER_BYTES	 ((size_t)16 * 1024 * 1024)
#define MAXIMUM_URL_SIZE	 2048
#define STATUS_TOO_MANY_REQUESTS 429

/* How long the broker is left alone after a 429 that names no time; and at most, if it does. */
#define PAUSE_DEFAULT_MS 5000
#define PAUSE_MAXIMUM_MS 300000

struct broker_http {
	char base_url[MAXIMUM_URL_SIZE];
	char *ca_file;
	int64_t timeout_ms;
	CURLM *reads;
	struct buffer body;
	int64_t not_before_ms; /* monotonic: the broker asked for quiet */
	char curl_error[CURL_ERROR_SIZE];
};

/* What the headers of one answer say. */
struct answer_headers {
	struct broker_http_answer *answer;
	bool has_remaining;
	int64_t remaining; /* X-RateLimit-Remaining */
	int64_t reset_s;   /* X-RateLimit-Reset: seconds since 1970, by the broker's clock */
	int64_t retry_after_s;
};

static bool is_loopback(const char *host)
{
	static const char *const names[] = {"127.0.0.1", "localhost", "[::1]"};

	for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
		size_t length = strlen(names[i]);

		if (strncmp(host, names[i], length) == 0 &&
		    (host[length] == '\0' || host[length] == ':' || host[length] == '/'))
			return true;
	}
	return false;
}

bool broker_http_url_is_safe(const char *url)
{
	static const char plain[] = "http://";

	return strncmp(url, "https://", strlen("https://")) == 0 ||
	       (strncmp(url, plain, strlen(plain)) == 0 && is_loopback(url + strlen(plain)));
}

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
	http->reads = curl_multi_init();
	if (http->reads == NULL)
		fatal(EXIT_CODE_TRY_AGAIN, "libcurl gives no handle: out of memory");
	buffer_init(&http->body, MAXIMUM_ANSWER_BYTES);
	return http;
}

void broker_http_close(struct broker_http *http)
{
	http_curl_require_multi(curl_multi_cleanup(http->reads), "to close");
	buffer_free(&http->body);
	memory_free(http->ca_file);
	memory_free(http);
	curl_global_cleanup();
}

static size_t on_body(char *data, size_t size, size_t count, void *context)
{
	struct broker_http *http = context;

	return buffer_append(&http->body, data, size * count) ? size * count : 0;
}

/* The header's value, trimmed into text; false when the line is another header or does not fit. */
static bool header_value(const char *line, size_t length, const char *name, char *text, size_t size)
{
	size_t name_length = strlen(name);
	size_t start = name_length + 1;

	if (length <= name_length || strncasecmp(line, name, name_length) != 0 ||
	    line[name_length] != ':')
		return false;
	while (start < length && (line[start] == ' ' || line[start] == '\t'))
		start++;
	while (length > start && (unsigned char)line[length - 1] <= ' ')
		length--;
	if (length - start >= size)
		return false;
	memcpy(text, line + start, length - start);
	text[length - start] = '\0';
	return true;
}

static bool header_number(const char *line, size_t length, const char *name, int64_t *value)
{
	char text[20];
	char *end;

	if (!header_value(line, length, name, text, sizeof(text)) || text[0] < '0' || text[0] > '9')
		return false;
	*value = strtoll(text, &end, 10);
	return *end == '\0';
}

static size_t on_header(char *line, size_t size, size_t count, void *context)
{
	struct answer_headers *headers = context;
	size_t length = size * count;
	char date[64];
	time_t seconds;

	(void)header_value(line, length, "Location", headers->answer->location,
			   sizeof(headers->answer->location));
	(void)header_number(line, length, "X-RateLimit-Reset", &headers->reset_s);
	(void)header_number(line, length, "Retry-After", &headers->retry_after_s);
	if (header_number(line, length, "X-RateLimit-Remaining", &headers->remaining))
		headers->has_remaining = true;
	if (header_value(line, length, "Date", date, sizeof(date))) {
		seconds = curl_getdate(date, NULL);
		headers->answer->has_date = seconds > 0;
		headers->answer->date_ms = (int64_t)seconds * 1000;
	}
	return length;
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

static void configure(CURL *easy, struct broker_http *http,
		      const struct broker_http_request *request, struct answer_headers *headers)
{
	char url[MAXIMUM_URL_SIZE + 1024];
	int length = snprintf(url, sizeof(url), "%s%s", http->base_url, request->path);
	bool secure = strncmp(http->base_url, "https://", strlen("https://")) == 0;

	invariant(length > 0 && (size_t)length < sizeof(url));
	http->curl_error[0] = '\0';
	http_curl_configure(easy, url, http->ca_file, http->curl_error);
	http_curl_set(easy, CURLOPT_PROTOCOLS_STR, secure ? "https" : "http");
	/* Brokers answer gzip even to those who did not ask: libcurl unpacks it, up to our limit.
	 */
	http_curl_set(easy, CURLOPT_ACCEPT_ENCODING, "");
	http_curl_set(easy, CURLOPT_USERAGENT, "ballast/" BALLAST_VERSION);
	http_curl_set(easy, CURLOPT_WRITEFUNCTION, on_body);
	http_curl_set(easy, CURLOPT_WRITEDATA, http);
	http_curl_set(easy, CURLOPT_HEADERFUNCTION, on_header);
	http_curl_set(easy, CURLOPT_HEADERDATA, headers);
	http_curl_set(easy, CURLOPT_TIMEOUT_MS, (long)http->timeout_ms);
	http_curl_set(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)(http->timeout_ms / 2));
	if (strcmp(request->method, "POST") == 0) {
		http_curl_set(easy, CURLOPT_POST, 1L);
		http_curl_set(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.length);
		http_curl_set(easy, CURLOPT_POSTFIELDS, (const char *)request->body.data);
	} else {
		invariant(strcmp(request->method, "GET") == 0);
	}
	if (request->is_order) {
		http_curl_set(easy, CURLOPT_FRESH_CONNECT, 1L);
		http_curl_set(easy, CURLOPT_FORBID_REUSE, 1L);
	}
}

/* A read: given up when the process is to stop. False then. */
static bool perform_read(struct broker_http *http, CURL *easy, CURLcode *result)
{
	const CURLMsg *message = NULL;
	int left;

	http_curl_require_multi(curl_multi_add_handle(http->reads, easy), "to start");
	while (!process_stopping()) {
		http_curl_perform(http->reads);
		message = curl_multi_info_read(http->reads, &left);
		if (message != NULL)
			break;
		http_curl_wait(http->reads, clock_monotonic_ms() + http->timeout_ms);
	}
	if (message != NULL)
		*result = message->data.result;
	http_curl_require_multi(curl_multi_remove_handle(http->reads, easy), "to finish");
	return message != NULL;
}

static bool was_sent(CURL *easy)
{
	curl_off_t before_transfer_us = 0;
	long request_bytes = 0;

	http_curl_require(curl_easy_getinfo(easy, CURLINFO_PRETRANSFER_TIME_T, &before_transfer_us),
			  "CURLINFO_PRETRANSFER_TIME_T");
	http_curl_require(curl_easy_getinfo(easy, CURLINFO_REQUEST_SIZE, &request_bytes),
			  "CURLINFO_REQUEST_SIZE");
	return before_transfer_us != 0 || request_bytes != 0;
}

static void pause_calls(struct broker_http *http, int64_t pause_ms)
{
	int64_t until_ms;

	if (pause_ms > PAUSE_MAXIMUM_MS)
		pause_ms = PAUSE_MAXIMUM_MS;
	until_ms = clock_monotonic_ms() + pause_ms;
	if (until_ms > http->not_before_ms)
		http->not_before_ms = until_ms;
}

/* How long until the window of X-RateLimit-Reset ends, by the broker's clock if it told. */
static int64_t until_reset_ms(const struct answer_headers *headers)
{
	int64_t now_ms = headers->answer->has_date ? headers->answer->date_ms : clock_wall_ms();
	int64_t left_ms;

	if (headers->reset_s <= 0 || headers->reset_s > INT64_MAX / 1000)
		return 0;
	left_ms = headers->reset_s * 1000 - now_ms;
	return left_ms > 0 ? left_ms : 0;
}

static enum outcome obey_limits(struct broker_http *http, const struct answer_headers *headers,
				struct error *error)
{
	int64_t wait_ms = until_reset_ms(headers);

	if (headers->answer->status != STATUS_TOO_MANY_REQUESTS) {
		if (headers->has_remaining && headers->remaining == 0)
			pause_calls(http, wait_ms);
		return OUTCOME_OK;
	}
	if (headers->retry_after_s > 0 && headers->retry_after_s < PAUSE_MAXIMUM_MS)
		wait_ms = headers->retry_after_s * 1000;
	if (wait_ms < 1000)
		wait_ms = PAUSE_DEFAULT_MS;
	pause_calls(http, wait_ms);
	(void)error_set(error, OUTCOME_RETRY, ERROR_KIND_RATE_LIMITED,
			"HTTP 429: the broker asks for fewer requests");
	if (error != NULL)
		error->retry_after_ms = http->not_before_ms - clock_monotonic_ms();
	return OUTCOME_RETRY;
}

static enum outcome carry_out(struct broker_http *http, CURL *easy,
			      const struct broker_http_request *request, struct error *error)
{
	CURLcode result = CURLE_OK;

	if (request->is_order)
		result = curl_easy_perform(easy);
	else if (!perform_read(http, easy, &result))
		return error_set(error, OUTCOME_RETRY, ERROR_KIND_UNREACHABLE, "told to stop");
	if (result == CURLE_OK)
		return OUTCOME_OK;
	return error_set(error, was_sent(easy) ? OUTCOME_UNKNOWN : OUTCOME_RETRY,
			 ERROR_KIND_UNREACHABLE, "%s", http_curl_reason(result, http->curl_error));
}

static enum outcome exchange(struct broker_http *http, CURL *easy,
			     const struct broker_http_request *request,
			     struct broker_http_answer *answer, struct error *error)
{
	struct curl_slist *list = request_headers(request);
	struct broker_http_answer made = {.status = 0};
	struct answer_headers headers = {.answer = &made};
	enum outcome outcome;

	configure(easy, http, request, &headers);
	http_curl_set(easy, CURLOPT_HTTPHEADER, list);
	outcome = carry_out(http, easy, request, error);
	if (outcome == OUTCOME_OK) {
		http_curl_require(curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &made.status),
				  "CURLINFO_RESPONSE_CODE");
		made.body = (struct bytes){.data = (const uint8_t *)buffer_text(&http->body),
					   .length = http->body.length};
		outcome = obey_limits(http, &headers, error);
	}
	if (outcome == OUTCOME_OK)
		*answer = made;
	curl_slist_free_all(list);
	return outcome;
}

enum outcome broker_http_call(struct broker_http *http, const struct broker_http_request *request,
			      struct broker_http_answer *answer, struct error *error)
{
	int64_t quiet_ms = http->not_before_ms - clock_monotonic_ms();
	enum outcome outcome;
	CURL *easy;

	if (quiet_ms > 0) {
		(void)error_set(error, OUTCOME_RETRY, ERROR_KIND_RATE_LIMITED,
				"the broker asked for fewer requests");
		if (error != NULL)
			error->retry_after_ms = quiet_ms;
		return OUTCOME_RETRY;
	}
	easy = curl_easy_init();
	if (easy == NULL)
		fatal(EXIT_CODE_TRY_AGAIN, "libcurl gives no handle: out of memory");
	buffer_clear(&http->body);
	outcome = exchange(http, easy, request, answer, error);
	curl_easy_cleanup(easy);
	return outcome;
}

bool broker_http_encode(const char *value, char *text, size_t size)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				    "0123456789-._~";
	static const char digits[] = "0123456789ABCDEF";
	size_t length = 0;

	for (; *value != '\0'; value++) {
		unsigned char byte = (unsigned char)*value;

		if (length + 4 > size)
			return false;
		if (strchr(plain, *value) != NULL) {
			text[length++] = *value;
			continue;
		}
		text[length++] = '%';
		text[length++] = digits[byte >> 4];
		text[length++] = digits[byte & 15];
	}
	if (length >= size)
		return false;
	text[length] = '\0';
	return true;
}
