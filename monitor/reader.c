/* See reader.h. Never blocks: the child may be in a long query, or stopped. */
#include "monitor/reader.h"

#include "base/clock.h"
#include "base/log.h"
#include "monitor/reader_process.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define START_AGAIN_MS 1000
/* No read of ours takes as long: the database is locked, or its disk does not answer. */
#define SILENT_MS 3000
/* Longer than the store waits for a lock, so that it can say so itself. */
#define HOPELESS_MS 20000

#define TO_SEND_MAXIMUM ((size_t)64 * 1024)
#define ERRORS_MAXIMUM	((size_t)16 * 1024)
#define RECEIVE_SIZE	((size_t)64 * 1024)

static void set_problem(struct reader *reader, const char *problem)
{
	if (strcmp(reader->problem, problem) == 0)
		return;
	(void)snprintf(reader->problem, sizeof(reader->problem), "%s", problem);
	if (problem[0] == '\0')
		log_info("the database can be read again");
	else
		log_error("the database cannot be read: %s", problem);
	reader->events.problem(reader->events.context, reader_problem(reader));
}

static void start(struct reader *reader, int64_t now_ms)
{
	if (!process_start_child(&reader->child, reader_process_run, reader)) {
		reader->start_at_ms = now_ms + START_AGAIN_MS;
		set_problem(reader, strerror(errno));
		return;
	}
	reader->running = true;
	reader->greeted = false;
	reader->unanswered = 0;
	reader->waiting_since_ms = now_ms;
	reader->last_error[0] = '\0';
}

void reader_open(struct reader *reader, const struct reader_settings *settings,
		 const struct reader_events *events)
{
	memset(reader, 0, sizeof(*reader));
	reader->settings = settings;
	reader->events = *events;
	buffer_init(&reader->received,
		    sizeof(struct reader_answer) + READER_ANSWER_MAXIMUM + RECEIVE_SIZE);
	buffer_init(&reader->to_send, TO_SEND_MAXIMUM);
	buffer_init(&reader->errors, ERRORS_MAXIMUM);
	start(reader, clock_monotonic_ms());
}

void reader_close(struct reader *reader)
{
	if (reader->running)
		(void)process_end_child(&reader->child, true);
	buffer_free(&reader->received);
	buffer_free(&reader->to_send);
	buffer_free(&reader->errors);
}

const char *reader_problem(const struct reader *reader)
{
	return reader->problem[0] != '\0' ? reader->problem : NULL;
}

bool reader_ask(struct reader *reader, const struct reader_request *request)
{
	if (!reader->running || !buffer_append(&reader->to_send, request, sizeof(*request)))
		return false;
	if (reader->unanswered++ == 0 && reader->greeted)
		reader->waiting_since_ms = clock_monotonic_ms();
	return true;
}

void reader_follow(struct reader *reader, bool follow)
{
	const struct reader_request request = {.question = READER_FOLLOW, .id = follow};

	if (follow == reader->follows)
		return;
	reader->follows = follow;
	/* Full: a child that does not listen is about to be ended, and the next one is told. */
	if (reader->running)
		(void)!buffer_append(&reader->to_send, &request, sizeof(request));
}

void reader_poll(const struct reader *reader, struct pollfd *fds)
{
	const short sending = reader->to_send.length > 0 ? POLLOUT : 0;

	fds[0] = (struct pollfd){.fd = reader->running ? reader->child.fd : -1,
				 .events = (short)(POLLIN | sending)};
	fds[1] = (struct pollfd){.fd = reader->running ? reader->child.stderr_fd : -1,
				 .events = POLLIN};
}

/*
 * A line of the child's log, "TIME LEVEL monitor: WORDS", becomes ours. An error is kept: it is why
 * the child ends, and is told when it has.
 */
static void take_line(struct reader *reader, const char *line)
{
	const char *level = strchr(line, ' ');
	const char *words = level != NULL ? strstr(level, ": ") : NULL;

	if (words == NULL)
		log_error("the reading process says: %s", line);
	else if (strncmp(level, " error ", strlen(" error ")) == 0)
		(void)snprintf(reader->last_error, sizeof(reader->last_error), "%s", words + 2);
	else if (strncmp(level, " warn ", strlen(" warn ")) == 0)
		log_warn("%s", words + 2);
	else
		log_info("%s", words + 2);
}

static void take_errors(struct reader *reader)
{
	char bytes[4096];
	ssize_t length;
	char *end;

	while ((length = read(reader->child.stderr_fd, bytes, sizeof(bytes))) > 0) {
		if (!buffer_append(&reader->errors, bytes, (size_t)length))
			buffer_clear(&reader->errors);
		while (reader->errors.length > 0 &&
		       (end = memchr(reader->errors.bytes, '\n', reader->errors.length)) != NULL) {
			*end = '\0';
			take_line(reader, buffer_text(&reader->errors));
			buffer_consume(&reader->errors,
				       (size_t)((uint8_t *)end + 1 - reader->errors.bytes));
		}
	}
}

/* Whole answers that have come. */
static void take_answers(struct reader *reader)
{
	struct reader_answer answer;

	while (reader->received.length >= sizeof(answer)) {
		memcpy(&answer, reader->received.bytes, sizeof(answer));
		invariant(answer.length >= 0 && (size_t)answer.length <= READER_ANSWER_MAXIMUM);
		if (reader->received.length < sizeof(answer) + (size_t)answer.length)
			return;
		if (answer.ticket > READER_TICKET_COMMIT)
			reader->unanswered--;
		reader->greeted = true;
		set_problem(reader, "");
		reader->waiting_since_ms = clock_monotonic_ms();
		reader->events.answered(reader->events.context, &answer,
					(struct bytes){reader->received.bytes + sizeof(answer),
						       (size_t)answer.length});
		buffer_consume(&reader->received, sizeof(answer) + (size_t)answer.length);
	}
}

/* False at the end of the child. */
static bool receive(struct reader *reader)
{
	static uint8_t bytes[RECEIVE_SIZE];

	for (;;) {
		const ssize_t length = recv(reader->child.fd, bytes, sizeof(bytes), 0);

		if (length == 0)
			return false;
		if (length < 0)
			return errno == EAGAIN || errno == EINTR;
		if (!buffer_append(&reader->received, bytes, (size_t)length))
			invariant_unreachable("an answer is longer than it may be");
		take_answers(reader);
	}
}

static void send_requests(struct reader *reader)
{
	ssize_t length;

	while (reader->to_send.length > 0) {
		length = send(reader->child.fd, reader->to_send.bytes, reader->to_send.length,
			      MSG_NOSIGNAL);
		/* A child that has ended is noticed where its answers are read. */
		if (length <= 0)
			return;
		buffer_consume(&reader->to_send, (size_t)length);
	}
}

static void end(struct reader *reader, const char *why, int64_t now_ms)
{
	const int code = process_end_child(&reader->child, why != NULL);
	char text[READER_PROBLEM_SIZE];

	reader->running = false;
	reader->unanswered = 0;
	buffer_clear(&reader->received);
	buffer_clear(&reader->to_send);
	buffer_clear(&reader->errors);
	reader->events.lost(reader->events.context);
	reader->start_at_ms = now_ms;
	if (code == READER_PROCESS_REPLACED) {
		log_info("the database file is another one now");
		return;
	}
	reader->start_at_ms += START_AGAIN_MS;
	if (why == NULL && reader->last_error[0] != '\0')
		why = reader->last_error;
	if (why == NULL) {
		(void)snprintf(text, sizeof(text), "the reading process ended with code %d", code);
		why = text;
	}
	set_problem(reader, why);
}

static void look_at_time(struct reader *reader, int64_t now_ms)
{
	const int64_t waited_ms =
		reader->unanswered > 0 || !reader->greeted ? now_ms - reader->waiting_since_ms : 0;

	if (waited_ms >= HOPELESS_MS)
		end(reader, "it did not answer for 20 seconds: look at the disk", now_ms);
	else if (waited_ms >= SILENT_MS)
		set_problem(reader, "it does not answer: another program may have locked it");
}

void reader_step(struct reader *reader)
{
	const int64_t now_ms = clock_monotonic_ms();

	if (!reader->running && now_ms >= reader->start_at_ms)
		start(reader, now_ms);
	if (!reader->running)
		return;
	send_requests(reader);
	take_errors(reader);
	if (receive(reader)) {
		look_at_time(reader, now_ms);
	} else {
		take_errors(reader);
		end(reader, NULL, now_ms);
	}
}
