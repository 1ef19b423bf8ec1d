/* See process.h. The stop flag and its pipe are the only state that signals touch. */
#include "base/process.h"

#include "base/clock.h"
#include "base/command_line.h"
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#endif

static volatile sig_atomic_t stop_requested;
static int stop_pipe[2] = {-1, -1};

static void handle_stop(int signal_number)
{
	int saved_errno = errno;
	ssize_t written;

	(void)signal_number;
	stop_requested = 1;
	/* Full is fine: one byte is enough to be readable for ever. */
	written = write(stop_pipe[1], "", 1);
	(void)written;
	errno = saved_errno;
}

static void ensure_stop_pipe(void)
{
	if (stop_pipe[0] < 0 && pipe2(stop_pipe, O_CLOEXEC | O_NONBLOCK) != 0)
		fatal(EXIT_CODE_TRY_AGAIN, "cannot make a pipe reason=%s", strerror(errno));
}

static void install_signal(int signal_number, void (*handler)(int))
{
	struct sigaction action = {.sa_handler = handler};

	if (sigemptyset(&action.sa_mask) != 0 || sigaction(signal_number, &action, NULL) != 0)
		fatal(EXIT_CODE_BUG, "cannot handle signal %d", signal_number);
}

/* No memory of ours in a core file, and none for another process of the same user. */
static void forbid_core_dumps(void)
{
#ifndef SANITIZED /* LeakSanitizer reads the process through ptrace */
	const struct rlimit none = {.rlim_cur = 0, .rlim_max = 0};

	if (setrlimit(RLIMIT_CORE, &none) != 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
		fatal(EXIT_CODE_BUG, "cannot forbid core dumps reason=%s", strerror(errno));
#endif
}

static void take_signals(void)
{
	ensure_stop_pipe();
	install_signal(SIGTERM, handle_stop);
	install_signal(SIGINT, handle_stop);
	install_signal(SIGPIPE, SIG_IGN);
	install_signal(SIGXFSZ,
		       SIG_IGN); /* a file that may not grow is an error of write, not the end */
}

bool process_stopping(void)
{
	return stop_requested != 0;
}

int process_stop_fd(void)
{
	ensure_stop_pipe();
	return stop_pipe[0];
}

bool process_sleep_ms(int64_t milliseconds)
{
	int64_t deadline_ms = clock_monotonic_ms() + milliseconds;

	while (!process_stopping()) {
		struct pollfd fd = {.fd = process_stop_fd(), .events = POLLIN};
		int64_t left_ms = deadline_ms - clock_monotonic_ms();

		if (left_ms <= 0)
			return true;
		/* Woken early by a signal: the loop looks again. */
		(void)poll(&fd, 1, left_ms > INT32_MAX ? INT32_MAX : (int)left_ms);
	}
	return false;
}

/* Nothing of the parent's stays open, or its connections would outlive it. */
static NORETURN void run_child(int fd, int stderr_fd, int (*work)(void *, int), void *context)
{
	const int kept = STDERR_FILENO + 1;

	stop_pipe[0] = stop_pipe[1] = -1;
	install_signal(SIGTERM, SIG_DFL);
	install_signal(SIGINT, SIG_DFL);
	if (dup2(stderr_fd, STDERR_FILENO) < 0 || dup2(fd, kept) < 0 ||
	    fcntl(kept, F_SETFD, FD_CLOEXEC) != 0 ||
	    close_range((unsigned int)kept + 1, ~0U, 0) != 0)
		fatal(EXIT_CODE_TRY_AGAIN, "cannot prepare a child reason=%s", strerror(errno));
	_exit(work(context, kept));
}

static void close_both(const int fds[2])
{
	const int saved_errno = errno;

	(void)close(fds[0]);
	(void)close(fds[1]);
	errno = saved_errno;
}

static bool start_child(struct process_child *child, const int pair[2], const int errors[2],
			int (*work)(void *, int), void *context)
{
	pid_t pid;

	if (fcntl(pair[0], F_SETFL, O_NONBLOCK) != 0 || fcntl(errors[0], F_SETFL, O_NONBLOCK) != 0)
		return false;
	pid = fork();
	if (pid == 0)
		run_child(pair[1], errors[1], work, context);
	if (pid < 0)
		return false;
	*child = (struct process_child){pid, pair[0], errors[0]};
	(void)close(pair[1]);
	(void)close(errors[1]);
	return true;
}

bool process_start_child(struct process_child *child, int (*work)(void *, int), void *context)
{
	int pair[2];
	int errors[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
		return false;
	if (pipe2(errors, O_CLOEXEC) != 0) {
		close_both(pair);
		return false;
	}
	if (start_child(child, pair, errors, work, context))
		return true;
	close_both(pair);
	close_both(errors);
	return false;
}

int process_end_child(struct process_child *child, bool now)
{
	int status = 0;

	if (now)
		(void)kill((pid_t)child->pid, SIGKILL);
	(void)close(child->fd);
	(void)close(child->stderr_fd);
	while (waitpid((pid_t)child->pid, &status, 0) < 0) {
		if (errno != EINTR)
			fatal(EXIT_CODE_BUG, "waiting for a child failed reason=%s",
			      strerror(errno));
	}
	return process_exit_code_of(status);
}

int process_exit_code_of(int wait_status)
{
	return WIFSIGNALED(wait_status) ? 128 + WTERMSIG(wait_status) : WEXITSTATUS(wait_status);
}

static const char *key_text(const struct process_usage *usage, const char *name)
{
	for (size_t i = 0; i < usage->key_count; i++) {
		if (strcmp(usage->keys[i].name, name) == 0)
			return ((const struct config_text *)usage->keys[i].target)->text;
	}
	return "";
}

static void start_log(const struct process_usage *usage)
{
	static const char *const levels[] = {"debug", "info", "warn", "error"};
	const char *word = key_text(usage, "LOG_LEVEL");
	enum log_level level = LOG_LEVEL_INFO;

	for (size_t i = 0; i < ARRAY_LENGTH(levels); i++) {
		if (strcmp(word, levels[i]) == 0)
			level = (enum log_level)i;
	}
	log_start(usage->program, level,
		  strcmp(key_text(usage, "LOG_FORMAT"), "json") == 0 ? LOG_FORMAT_JSON
								     : LOG_FORMAT_TEXT);
}

void process_start(const struct process_usage *usage, int maximum_operands, int argc, char **argv,
		   struct process_arguments *arguments)
{
	struct config_files files;
	bool good;

	log_start(usage->program, LOG_LEVEL_INFO, LOG_FORMAT_TEXT);
	files = command_line_read(usage, maximum_operands, argc, argv, arguments);
	good = config_load(usage->keys, usage->key_count, &files);
	if (usage->complete != NULL)
		good = usage->complete(usage->context) && good;
	if (!good) {
		log_error("configuration is not usable: mend what is named above (--help lists the "
			  "keys)");
		exit(EXIT_CODE_NEEDS_PERSON);
	}
	start_log(usage);
	forbid_core_dumps();
	take_signals();
}
