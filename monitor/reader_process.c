/*
 * See reader_process.h. One process, one connection, opened for reading only. An error of the
 * database ends it; so does the end of the socket, which is the end of the process that serves.
 */
#include "monitor/reader_process.h"

#include "base/clock.h"
#include "base/log.h"
#include "monitor/json.h"
#include "monitor/metrics.h"
#include "monitor/pnl.h"
#include "monitor/reader.h"
#include "monitor/rows.h"
#include "monitor/state.h"
#include "monitor/trace.h"
#include "store/wakeup.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

/* The state after commits: at most four a second, and every ten seconds in any case. */
#define COMMIT_INTERVAL_MS 250
#define QUIET_INTERVAL_MS  10000
#define LOOK_INTERVAL_MS   1000
#define HURRY_MS	   200
/* Conditions, of which some come with time alone: after a commit, and otherwise. */
#define CONDITIONS_BUSY_MS  1000
#define CONDITIONS_QUIET_MS 5000

struct reader_process {
	int fd;
	const struct reader_settings *settings;
	struct store store;
	struct stat file; /* which file the database is */
	struct wakeup wakeup;
	struct conditions conditions;
	struct metrics metrics;
	struct condition_list list;
	struct state state;
	struct rows rows;
	struct trace trace;
	struct pnl pnl;
	struct buffer text;
	bool follows;
	bool judged;	    /* conditions are of the last commit */
	int64_t judged_ms;  /* when they were sent */
	bool changed;	    /* since the last state that was sent by itself */
	int64_t told_ms;    /* when that was */
	int64_t look_at_ms; /* when to look at file and lock again; 0: now */
};

/* False: the process that serves is gone. */
static bool send_all(int fd, const void *data, size_t length)
{
	const uint8_t *bytes = data;

	while (length > 0) {
		const ssize_t sent = send(fd, bytes, length, MSG_NOSIGNAL);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent <= 0)
			return false;
		bytes += sent;
		length -= (size_t)sent;
	}
	return true;
}

static bool answer(struct reader_process *reader, int64_t ticket, unsigned int status)
{
	const struct reader_answer head = {
		.ticket = ticket,
		.length = (int64_t)reader->text.length,
		.status = status,
	};

	return send_all(reader->fd, &head, sizeof(head)) &&
	       send_all(reader->fd, reader->text.bytes, reader->text.length);
}

/* "ready", or a line for each problem. Returns the status. */
static unsigned int write_readiness(struct reader_process *reader)
{
	const struct condition_list *list = &reader->list;
	bool fits = true;

	conditions_read(&reader->conditions, clock_monotonic_ms(), &reader->list);
	if (list->count == 0)
		fits = buffer_append_text(&reader->text, "ready\n");
	for (size_t i = 0; i < list->count && fits; i++)
		fits = buffer_append_format(&reader->text, "%s: %s\n",
					    condition_name(list->items[i].kind),
					    list->items[i].text);
	invariant(fits);
	return list->count == 0 ? 200 : 503;
}

static unsigned int write_metrics(struct reader_process *reader)
{
	conditions_read(&reader->conditions, clock_monotonic_ms(), &reader->list);
	return metrics_write(&reader->metrics, &reader->list,
			     reader->pnl.known ? &reader->pnl.totals : NULL, &reader->text)
		       ? 200
		       : 500;
}

/* Returns the status: 404 no such thing, 500 it does not fit, 503 it is not known yet. */
static unsigned int write_answer(struct reader_process *reader,
				 const struct reader_request *request)
{
	struct json json;
	bool found = true;

	json_begin(&json, &reader->text);
	switch (request->question) {
	case READER_FOLLOW:
		invariant_unreachable("a question without an answer");
	case READER_READINESS:
		return write_readiness(reader);
	case READER_METRICS:
		return write_metrics(reader);
	case READER_STATE:
		conditions_read(&reader->conditions, clock_monotonic_ms(), &reader->list);
		state_write(&reader->state, &reader->list, &json);
		break;
	case READER_FILLS:
		rows_write_fills(&reader->rows, request, &json);
		break;
	case READER_EXECUTIONS:
		rows_write_executions(&reader->rows, request, &json);
		break;
	case READER_PNL:
		if (!pnl_write(&reader->pnl, &request->symbol, &json))
			return 503;
		break;
	case READER_TRACE_EVENT:
	case READER_TRACE_TRADE:
	case READER_TRACE_EXECUTION:
		found = trace_write(&reader->trace, request, &json);
		break;
	}
	if (!json_end(&json))
		return 500;
	return found ? 200 : 404;
}

/* Who asks for it gets it, unless that would hold up the others for long. */
static void hurry_pnl(struct reader_process *reader)
{
	const int64_t deadline_ms = clock_monotonic_ms() + HURRY_MS;

	while (pnl_has_work(&reader->pnl) && clock_monotonic_ms() < deadline_ms) {
		if (pnl_step(&reader->pnl))
			reader->changed = true;
	}
}

/* One state of the database an answer. It is in memory before its first byte leaves. */
static bool answer_request(struct reader_process *reader, const struct reader_request *request)
{
	unsigned int status;

	if (request->question == READER_PNL)
		hurry_pnl(reader);
	buffer_clear(&reader->text);
	store_begin_read(&reader->store);
	status = write_answer(reader, request);
	store_end_read(&reader->store);
	if (status == 500) {
		log_warn("an answer is longer than %zu bytes: it was not sent",
			 READER_ANSWER_MAXIMUM);
		buffer_clear(&reader->text);
	}
	return answer(reader, request->ticket, status);
}

static bool tell_state(struct reader_process *reader)
{
	static const struct reader_request request = {.ticket = READER_TICKET_COMMIT,
						      .question = READER_STATE};

	reader->changed = false;
	reader->told_ms = clock_monotonic_ms();
	return answer_request(reader, &request);
}

static void look_at_file(const struct reader_process *reader, struct stat *file)
{
	if (stat(reader->settings->database_path, file) != 0)
		fatal(EXIT_CODE_NEEDS_PERSON, "%s DATABASE_PATH=%s", strerror(errno),
		      reader->settings->database_path);
}

static bool is_replaced(const struct reader_process *reader)
{
	struct stat now;

	look_at_file(reader, &now);
	return now.st_dev != reader->file.st_dev || now.st_ino != reader->file.st_ino;
}

/* A listener that is killed tells nobody. */
static void look_at_lock(struct reader_process *reader)
{
	state_set_lock(&reader->state, conditions_lock(&reader->conditions));
	if (state_listener_changed(&reader->state))
		reader->changed = true;
}

static void open_database(struct reader_process *reader)
{
	const char *path = reader->settings->database_path;

	/* Before it is opened: whatever is put in its place from here on is noticed. */
	look_at_file(reader, &reader->file);
	store_open_read_only(&reader->store, path);
	wakeup_open_without_hurry(&reader->wakeup, &reader->store);
	conditions_open(&reader->conditions, &reader->store, &reader->settings->conditions);
	metrics_open(&reader->metrics, &reader->conditions);
	pnl_open(&reader->pnl, &reader->store);
	state_open(&reader->state, &reader->store, reader->settings, &reader->pnl);
	rows_open(&reader->rows, &reader->store);
	trace_open(&reader->trace, &reader->store);
	buffer_init(&reader->text, READER_ANSWER_MAXIMUM);
}

static void close_database(struct reader_process *reader)
{
	buffer_free(&reader->text);
	trace_close(&reader->trace);
	rows_close(&reader->rows);
	state_close(&reader->state);
	pnl_close(&reader->pnl);
	metrics_close(&reader->metrics);
	conditions_close(&reader->conditions);
	wakeup_close(&reader->wakeup);
	store_close(&reader->store);
}

static bool is_told_due(const struct reader_process *reader)
{
	const int64_t interval_ms = reader->changed ? COMMIT_INTERVAL_MS : QUIET_INTERVAL_MS;

	return reader->follows && clock_monotonic_ms() >= reader->told_ms + interval_ms;
}

/* How long there is nothing to do, if nothing comes. */
static int idle_ms(const struct reader_process *reader)
{
	const int64_t interval_ms = reader->changed ? COMMIT_INTERVAL_MS : QUIET_INTERVAL_MS;
	int64_t due_ms = reader->look_at_ms;
	int64_t left_ms;

	if (pnl_has_work(&reader->pnl))
		return 0;
	if (reader->follows && reader->told_ms + interval_ms < due_ms)
		due_ms = reader->told_ms + interval_ms;
	left_ms = due_ms - clock_monotonic_ms();
	return left_ms > 0 ? (int)left_ms : 0;
}

/* False: the process that serves is gone. */
static bool take_request(struct reader_process *reader)
{
	struct reader_request request;
	const ssize_t length = recv(reader->fd, &request, sizeof(request), MSG_WAITALL);

	if (length != (ssize_t)sizeof(request))
		return false;
	if (request.question != READER_FOLLOW)
		return answer_request(reader, &request);
	reader->follows = request.id != 0;
	return !reader->follows || tell_state(reader);
}

/* To the alarms, whether anybody watches or not. False: the process that serves is gone. */
static bool tell_conditions(struct reader_process *reader)
{
	const struct reader_answer head = {
		.ticket = READER_TICKET_CONDITIONS,
		.length = sizeof(reader->list),
		.status = 200,
	};

	reader->judged = true;
	reader->judged_ms = clock_monotonic_ms();
	store_begin_read(&reader->store);
	conditions_read(&reader->conditions, reader->judged_ms, &reader->list);
	store_end_read(&reader->store);
	return send_all(reader->fd, &head, sizeof(head)) &&
	       send_all(reader->fd, &reader->list, sizeof(reader->list));
}

static bool are_conditions_due(const struct reader_process *reader)
{
	const int64_t interval_ms = reader->judged ? CONDITIONS_QUIET_MS : CONDITIONS_BUSY_MS;

	return clock_monotonic_ms() >= reader->judged_ms + interval_ms;
}

/* False when another file is at the database's path. */
static bool look_around(struct reader_process *reader)
{
	if (is_replaced(reader))
		return false;
	look_at_lock(reader);
	reader->look_at_ms = clock_monotonic_ms() + LOOK_INTERVAL_MS;
	return true;
}

static void look_for_commits(struct reader_process *reader)
{
	if (wakeup_check(&reader->wakeup)) {
		reader->changed = true;
		reader->judged = false;
		reader->look_at_ms = 0;
		pnl_note_commit(&reader->pnl);
	}
	if (pnl_step(&reader->pnl))
		reader->changed = true;
}

static int run(struct reader_process *reader)
{
	struct pollfd fds[] = {
		{.fd = reader->fd, .events = POLLIN},
		{.fd = wakeup_fd(&reader->wakeup), .events = POLLIN},
	};

	for (;;) {
		if (poll(fds, ARRAY_LENGTH(fds), idle_ms(reader)) < 0) {
			if (errno != EINTR)
				fatal(EXIT_CODE_TRY_AGAIN, "poll failed: %s", strerror(errno));
			continue;
		}
		if (fds[0].revents != 0 && !take_request(reader))
			return 0;
		look_for_commits(reader);
		if (clock_monotonic_ms() >= reader->look_at_ms && !look_around(reader))
			return READER_PROCESS_REPLACED;
		if (is_told_due(reader) && !tell_state(reader))
			return 0;
		if (are_conditions_due(reader) && !tell_conditions(reader))
			return 0;
	}
}

int reader_process_run(void *context, int fd)
{
	static struct reader_process reader;
	const struct reader *parent = context;
	int exit_code = 0;

	log_start("monitor", LOG_LEVEL_INFO, LOG_FORMAT_TEXT);
	reader.fd = fd;
	reader.settings = parent->settings;
	reader.follows = parent->follows;
	open_database(&reader);
	look_at_lock(&reader);
	look_for_commits(&reader);
	if (tell_state(&reader) && tell_conditions(&reader))
		exit_code = run(&reader);
	close_database(&reader);
	return exit_code;
}
