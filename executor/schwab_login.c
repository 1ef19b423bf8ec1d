/* See schwab_login.h. */
#include "executor/schwab_login.h"

#include "base/hex.h"
#include "base/log.h"
#include "base/process.h"
#include "executor/broker_schwab.h"
#include "executor/locked_memory.h"
#include "executor/redirect_listener.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#define STATE_BYTES 16

static void make_state(char *state, size_t size)
{
	uint8_t random[STATE_BYTES];
	char digits[2 * STATE_BYTES + 3];

	invariant(getrandom(random, sizeof(random), 0) == (ssize_t)sizeof(random));
	hex_format_fixed(random, sizeof(random), digits);
	invariant(strlen(digits + 2) < size);
	memcpy(state, digits + 2, strlen(digits + 2) + 1);
}

/* One line of stdin. False at its end, or when it is too long. */
static bool read_line(char *line, size_t size)
{
	size_t length = 0;

	while (length + 1 < size) {
		ssize_t count = read(STDIN_FILENO, line + length, 1);

		if (count < 0 && errno == EINTR && !process_stopping())
			continue;
		if (count != 1 || line[length] == '\n') {
			line[length] = '\0';
			return length > 0;
		}
		if (line[length] != '\r')
			length++;
	}
	return false;
}

/* Whichever comes first: a line on stdin, or the browser. False: neither will. */
static bool wait_for_redirect(struct redirect_listener *listener, char *redirect, size_t size)
{
	bool reading = true;

	while (!process_stopping() && (reading || listener != NULL)) {
		struct pollfd fds[] = {
			{.fd = reading ? STDIN_FILENO : -1, .events = POLLIN},
			{.fd = listener != NULL ? redirect_listener_fd(listener) : -1,
			 .events = POLLIN},
			{.fd = process_stop_fd(), .events = POLLIN},
		};

		if (poll(fds, ARRAY_LENGTH(fds), -1) < 0)
			continue;
		if (fds[1].revents != 0 && redirect_listener_take(listener, redirect, size))
			return true;
		if (fds[0].revents != 0) {
			if (read_line(redirect, size))
				return true;
			reading = false;
		}
	}
	return false;
}

static void print_instructions(const char *url, bool listening)
{
	printf("Open this address in a browser and log in:\n\n  %s\n\n", url);
	if (listening)
		printf("The browser then warns of the certificate of this program's own listener: "
		       "go on anyway.\nOr copy ");
	else
		printf("The browser then shows a page that cannot be loaded. Copy ");
	printf("its whole address and paste it here, within 30 seconds of logging in:\n");
	(void)fflush(stdout);
}

static int finish(struct schwab_session *session, const char *redirect, const char *state)
{
	struct error error = {.kind = ERROR_KIND_NONE};

	switch (schwab_session_login(session, redirect, state, &error)) {
	case OUTCOME_OK:
		printf("Logged in: the tokens are stored, sealed. The login ends in seven days.\n");
		return 0;
	case OUTCOME_RETRY:
		log_error("not logged in: %s; try again", error.text);
		return EXIT_CODE_TRY_AGAIN;
	case OUTCOME_REJECTED:
	case OUTCOME_UNKNOWN:
		log_error("not logged in: %s", error.text);
		return EXIT_CODE_NEEDS_PERSON;
	}
	invariant_unreachable("a known outcome");
}

int schwab_login(const struct broker *broker, const char *base_url, const char *redirect_uri)
{
	struct schwab_session *session = broker_schwab_session(broker);
	struct redirect_listener *listener = redirect_listener_open(redirect_uri);
	char *redirect = locked_memory_allocate(REDIRECT_SIZE);
	char state[2 * STATE_BYTES + 1];
	char url[SCHWAB_LOGIN_URL_SIZE];
	int code = EXIT_CODE_TRY_AGAIN;

	make_state(state, sizeof(state));
	schwab_session_login_url(session, base_url, state, url, sizeof(url));
	print_instructions(url, listener != NULL);
	if (wait_for_redirect(listener, redirect, REDIRECT_SIZE))
		code = finish(session, redirect, state);
	else
		log_error("not logged in: no address was given");
	locked_memory_free(redirect);
	if (listener != NULL)
		redirect_listener_close(listener);
	return code;
}
