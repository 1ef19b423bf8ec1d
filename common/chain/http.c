/*
 * See http.h. Every slot keeps one easy handle for ever, and all share the connections of one multi
 * handle, so that a second request finds the connection of the first still open. A slot goes FREE,
 * RUNNING, FINISHED, FREE; its buffers hold memory only between start and release.
 *
 * Answers with a filter, which are long, are taken one at a time: one has the turn until it has
 * nothing more to read for now; others are paused, and fill the kernel's buffers. Side by side
 * they would all be in the middle of their work in memory, come to their end together, and be
 * followed by questions that go out together, with nothing to do until those are answered.
 *
 * libcurl may send a request again when a kept connection turns out to be dead: harmless for reads,
 * and the reason why nothing else may go through here.
 */
#include "chain/http.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/process.h"
#include "net/http_curl.h"

#define STATUS_REQUEST_TIMEOUT	 408
#define STATUS_TOO_MANY_REQUESTS 429

/* A peer that asks for more than a day is taken as a day; what is waited is capped again by
 * backoff.h. */
#define RETRY_AFTER_MAXIMUM_SECONDS (24 * 60 * 60)

static const struct http_filter no_filter = {.take = NULL};

enum slot_state {
	SLOT_FREE,
	SLOT_RUNNING,
	SLOT_FINISHED,
};

struct http_slot {
	enum slot_state state;
	struct http_client *client;
	CURL *easy;
	struct buffer request;
	struct buffer answer;
	struct http_filter filter; /* take NULL: none */
	uint64_t paused; /* the lowest has waited longest for the turn; 0: does not wait */
	bool too_large;
	char curl_error[CURL_ERROR_SIZE];
};

struct http_client {
	CURLM *multi;
	struct curl_slist *headers;
	size_t maximum_answer_bytes;
	struct http_slot *slots;
	size_t slot_count;
	size_t distrusted;	/* so many requests still close their connection */
	struct http_slot *turn; /* NULL: nobody's */
	bool turn_used;		/* by who has it, since turn_goes_on was asked last */
	uint64_t pauses;	/* ever */
};

static struct http_slot *longest_paused(struct http_client *client)
{
	struct http_slot *longest = NULL;

	for (size_t i = 0; i < client->slot_count; i++) {
		struct http_slot *slot = &client->slots[i];

		if (slot->paused != 0 && (longest == NULL || slot->paused < longest->paused))
			longest = slot;
	}
	return longest;
}

/* True: the slot has the turn now. A free one is not taken by who comes while others wait for it.
 */
static bool takes_turn(struct http_slot *slot)
{
	struct http_client *client = slot->client;

	if (client->turn == NULL && longest_paused(client) == NULL)
		client->turn = slot;
	if (client->turn != slot)
		return false;
	client->turn_used = true;
	return true;
}

/* Refusing the bytes ends the transfer: the cap holds whatever Content-Length said. */
static size_t on_body(char *data, size_t size, size_t count, void *context)
{
	struct http_slot *slot = context;
	size_t length = size * count;

	/* Refused already, but by a call of curl_easy_pause, which does not end the transfer. */
	if (slot->too_large)
		return 0;
	if (slot->filter.take == NULL) {
		slot->too_large = !buffer_append(&slot->answer, data, length);
	} else if (takes_turn(slot)) {
		slot->too_large =
			!slot->filter.take(slot->filter.context, data, length, &slot->answer);
	} else {
		slot->paused = ++slot->client->pauses;
		return CURL_WRITEFUNC_PAUSE;
	}
	return slot->too_large ? 0 : length;
}

static void append_header(struct http_client *client, const char *header)
{
	struct curl_slist *headers = curl_slist_append(client->headers, header);

	if (headers == NULL)
		fatal(EXIT_CODE_TRY_AGAIN, "out of memory");
	client->headers = headers;
}

static void slot_open(struct http_slot *slot, struct http_client *client,
		      const struct http_options *options)
{
	slot->client = client;
	slot->easy = curl_easy_init();
	if (slot->easy == NULL)
		fatal(EXIT_CODE_TRY_AGAIN, "libcurl gives no handle: out of memory");
	http_curl_configure(slot->easy, options->url, options->ca_file, slot->curl_error);
	http_curl_set(slot->easy, CURLOPT_HTTPHEADER, client->headers);
	http_curl_set(slot->easy, CURLOPT_USERAGENT, "ballast/" BALLAST_VERSION);
	http_curl_set(slot->easy, CURLOPT_POST, 1L);
	http_curl_set(slot->easy, CURLOPT_WRITEFUNCTION, on_body);
	http_curl_set(slot->easy, CURLOPT_WRITEDATA, slot);
	http_curl_set(slot->easy, CURLOPT_TIMEOUT_MS, (long)options->timeout_ms);
	http_curl_set(slot->easy, CURLOPT_CONNECTTIMEOUT_MS, (long)(options->timeout_ms / 2));
	buffer_init(&slot->request, BUFFER_MAX_HTTP_REQUEST);
	buffer_init(&slot->answer, options->maximum_answer_bytes);
}

struct http_client *http_open(const struct http_options *options)
{
	struct http_client *client;

	invariant(options->concurrency >= 1);
	/* Half of 1 is 0, which libcurl takes as its default of five minutes. */
	invariant(options->timeout_ms >= 2 && options->timeout_ms <= INT32_MAX);
	http_curl_require(curl_global_init(CURL_GLOBAL_DEFAULT), "to start");
	client = memory_allocate(1, sizeof(*client));
	client->maximum_answer_bytes = options->maximum_answer_bytes;
	client->multi = curl_multi_init();
	if (client->multi == NULL)
		fatal(EXIT_CODE_TRY_AGAIN, "libcurl gives no handle: out of memory");
	http_curl_require_multi(
		curl_multi_setopt(client->multi, CURLMOPT_MAXCONNECTS, (long)options->concurrency),
		"CURLMOPT_MAXCONNECTS");
	append_header(client, "Content-Type: application/json");
	append_header(client, "Accept: application/json");
	/* Without value: the header is left out, so no request waits for a "100 Continue". */
	append_header(client, "Expect:");
	client->slots = memory_allocate(options->concurrency, sizeof(*client->slots));
	client->slot_count = options->concurrency;
	for (size_t i = 0; i < client->slot_count; i++)
		slot_open(&client->slots[i], client, options);
	return client;
}

void http_close(struct http_client *client)
{
	for (size_t i = 0; i < client->slot_count; i++) {
		http_release(client, i);
		curl_easy_cleanup(client->slots[i].easy);
	}
	http_curl_require_multi(curl_multi_cleanup(client->multi), "to close");
	curl_slist_free_all(client->headers);
	memory_free(client->slots);
	memory_free(client);
	curl_global_cleanup();
}

bool http_slot_available(const struct http_client *client, size_t *slot)
{
	for (size_t i = 0; i < client->slot_count; i++) {
		if (client->slots[i].state == SLOT_FREE) {
			*slot = i;
			return true;
		}
	}
	return false;
}

void http_distrust_connections(struct http_client *client)
{
	client->distrusted = client->slot_count;
}

/* Whether the connection of the request that is to start may be kept for another one. */
static bool may_keep_connection(struct http_client *client)
{
	if (client->distrusted == 0)
		return true;
	client->distrusted--;
	return false;
}

void http_start(struct http_client *client, size_t slot_index, struct bytes body,
		const struct http_filter *filter)
{
	struct http_slot *slot;

	invariant(slot_index < client->slot_count);
	slot = &client->slots[slot_index];
	invariant(slot->state == SLOT_FREE);
	if (!buffer_append(&slot->request, body.data, body.length))
		fatal(EXIT_CODE_BUG, "a request of %zu bytes is over the limit", body.length);
	slot->filter = filter != NULL ? *filter : no_filter;
	slot->too_large = false;
	slot->curl_error[0] = '\0';
	http_curl_set(slot->easy, CURLOPT_FORBID_REUSE, may_keep_connection(client) ? 0L : 1L);
	http_curl_set(slot->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.length);
	http_curl_set(slot->easy, CURLOPT_POSTFIELDS, buffer_text(&slot->request));
	http_curl_require_multi(curl_multi_add_handle(client->multi, slot->easy), "to start");
	slot->state = SLOT_RUNNING;
}

static int64_t retry_after_ms(CURL *easy)
{
	curl_off_t seconds = 0;

	/* libcurl reads both forms, seconds and date; a date that has passed gives less than 0. */
	http_curl_require(curl_easy_getinfo(easy, CURLINFO_RETRY_AFTER, &seconds),
			  "CURLINFO_RETRY_AFTER");
	if (seconds <= 0)
		return 0;
	if (seconds > RETRY_AFTER_MAXIMUM_SECONDS)
		seconds = RETRY_AFTER_MAXIMUM_SECONDS;
	return (int64_t)seconds * 1000;
}

static void judge_status(CURL *easy, struct http_answer *answer)
{
	enum outcome outcome = OUTCOME_REJECTED;
	enum error_kind kind = ERROR_KIND_MALFORMED;

	if (answer->status >= 200 && answer->status < 300) {
		answer->outcome = OUTCOME_OK;
		return;
	}
	if (answer->status == STATUS_TOO_MANY_REQUESTS) {
		outcome = OUTCOME_RETRY;
		kind = ERROR_KIND_RATE_LIMITED;
	} else if (answer->status == STATUS_REQUEST_TIMEOUT || answer->status >= 500) {
		outcome = OUTCOME_RETRY;
		kind = ERROR_KIND_UNREACHABLE;
	}
	answer->outcome = error_set(&answer->error, outcome, kind, "HTTP %ld", answer->status);
	if (outcome == OUTCOME_RETRY)
		answer->error.retry_after_ms = retry_after_ms(easy);
}

static void judge(struct http_slot *slot, CURLcode result, struct http_answer *answer)
{
	http_curl_require(curl_easy_getinfo(slot->easy, CURLINFO_RESPONSE_CODE, &answer->status),
			  "CURLINFO_RESPONSE_CODE");
	if (slot->too_large) {
		answer->outcome =
			error_set(&answer->error, OUTCOME_REJECTED, ERROR_KIND_RANGE_TOO_LARGE,
				  "a larger answer than is taken");
	} else if (result != CURLE_OK) {
		answer->outcome = error_set(&answer->error, OUTCOME_RETRY, ERROR_KIND_UNREACHABLE,
					    "%s", http_curl_reason(result, slot->curl_error));
	} else {
		/* Only what came to its end is shown: half a body can be JSON, too. */
		answer->body = (struct bytes){
			.data = (const uint8_t *)buffer_text(&slot->answer),
			.length = slot->answer.length,
		};
		judge_status(slot->easy, answer);
	}
}

/* Of a slot whose request is no longer under way. */
static void leave_turn(struct http_slot *slot)
{
	slot->paused = 0;
	if (slot->client->turn != slot)
		return;
	slot->client->turn = NULL;
	slot->client->turn_used = false;
}

/* libcurl brings what on_body had put off at once. */
static void give_turn(struct http_slot *slot)
{
	CURLcode code;

	slot->client->turn = slot;
	slot->paused = 0;
	code = curl_easy_pause(slot->easy, CURLPAUSE_CONT);
	if (code != CURLE_WRITE_ERROR || !slot->too_large)
		http_curl_require(code, "to go on");
}

/*
 * False when there is nothing to read for now. Who has the turn and has read something may have
 * more; when he has not, the turn goes to who has waited for it longest.
 */
static bool turn_goes_on(struct http_client *client)
{
	struct http_slot *next;

	if (client->turn_used) {
		client->turn_used = false;
		return true;
	}
	next = longest_paused(client);
	client->turn = NULL;
	if (next != NULL)
		give_turn(next);
	return next != NULL;
}

static size_t slot_of(const struct http_client *client, const CURL *easy)
{
	for (size_t i = 0; i < client->slot_count; i++) {
		if (client->slots[i].easy == easy)
			return i;
	}
	invariant_unreachable("a handle of ours");
}

static bool take_finished(struct http_client *client, struct http_answer *answer)
{
	int left;
	const CURLMsg *message = curl_multi_info_read(client->multi, &left);
	struct http_answer taken = {.slot = 0};
	CURLcode result;

	if (message == NULL)
		return false;
	invariant(message->msg == CURLMSG_DONE);
	/* Removing the handle frees the message. */
	result = message->data.result;
	taken.slot = slot_of(client, message->easy_handle);
	http_curl_require_multi(
		curl_multi_remove_handle(client->multi, client->slots[taken.slot].easy),
		"to finish");
	client->slots[taken.slot].state = SLOT_FINISHED;
	leave_turn(&client->slots[taken.slot]);
	judge(&client->slots[taken.slot], result, &taken);
	*answer = taken;
	return true;
}

static bool has_running(const struct http_client *client)
{
	for (size_t i = 0; i < client->slot_count; i++) {
		if (client->slots[i].state == SLOT_RUNNING)
			return true;
	}
	return false;
}

static bool has_come(const struct http_interruption *interruption)
{
	return interruption != NULL && interruption->has_come(interruption->context);
}

bool http_wait_beside(struct http_client *client, const struct http_interruption *interruption,
		      int64_t timeout_ms, struct http_answer *answer)
{
	int64_t now_ms = clock_monotonic_ms();
	int64_t deadline_ms = timeout_ms > INT64_MAX - now_ms ? INT64_MAX : now_ms + timeout_ms;

	while (has_running(client)) {
		http_curl_perform(client->multi);
		if (take_finished(client, answer))
			return true;
		if (process_stopping() || has_come(interruption) ||
		    clock_monotonic_ms() >= deadline_ms)
			return false;
		if (turn_goes_on(client))
			continue;
		if (interruption != NULL)
			http_curl_wait_beside(client->multi, interruption->fd, deadline_ms);
		else
			http_curl_wait(client->multi, deadline_ms);
	}
	return false;
}

bool http_wait(struct http_client *client, int64_t timeout_ms, struct http_answer *answer)
{
	return http_wait_beside(client, NULL, timeout_ms, answer);
}

void http_release(struct http_client *client, size_t slot_index)
{
	struct http_slot *slot;

	invariant(slot_index < client->slot_count);
	slot = &client->slots[slot_index];
	if (slot->state == SLOT_RUNNING)
		http_curl_require_multi(curl_multi_remove_handle(client->multi, slot->easy),
					"to cancel");
	leave_turn(slot);
	buffer_free(&slot->request);
	buffer_init(&slot->request, BUFFER_MAX_HTTP_REQUEST);
	buffer_free(&slot->answer);
	buffer_init(&slot->answer, client->maximum_answer_bytes);
	slot->state = SLOT_FREE;
}

void http_take(struct http_client *client, size_t slot_index, struct buffer *body)
{
	struct http_slot *slot;

	invariant(slot_index < client->slot_count);
	slot = &client->slots[slot_index];
	invariant(slot->state == SLOT_FINISHED);
	*body = slot->answer;
	buffer_init(&slot->answer, client->maximum_answer_bytes);
	http_release(client, slot_index);
}

bool http_post(struct http_client *client, struct bytes body, struct http_answer *answer)
{
	size_t slot = 0;
	bool available = http_slot_available(client, &slot);

	invariant(available && !has_running(client));
	http_start(client, slot, body, NULL);
	/* The request has a deadline of its own: it finishes unless the process has other things to
	 * do. */
	if (http_wait(client, INT64_MAX, answer))
		return true;
	http_release(client, slot);
	return false;
}
