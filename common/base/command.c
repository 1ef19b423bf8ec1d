/* See command.h. */
#include "base/command.h"

#include "base/log.h"
#include "base/process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

/* What is ignored or handled here is as usual there. */
static bool set_attributes(posix_spawnattr_t *attributes)
{
	sigset_t all;
	sigset_t none;

	return sigfillset(&all) == 0 && sigemptyset(&none) == 0 &&
	       posix_spawnattr_setsigdefault(attributes, &all) == 0 &&
	       posix_spawnattr_setsigmask(attributes, &none) == 0 &&
	       posix_spawnattr_setpgroup(attributes, 0) == 0 &&
	       posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK |
							    POSIX_SPAWN_SETPGROUP) == 0;
}

static bool set_files(posix_spawn_file_actions_t *actions, int output)
{
	return posix_spawn_file_actions_addopen(actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0) ==
		       0 &&
	       posix_spawn_file_actions_adddup2(actions, output, STDOUT_FILENO) == 0 &&
	       posix_spawn_file_actions_adddup2(actions, output, STDERR_FILENO) == 0;
}

/* 0, or what errno would say. */
static int spawn(pid_t *pid, const char *path, char *const *arguments, char *const *environment,
		 int output)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	int code = ENOMEM;

	if (posix_spawn_file_actions_init(&actions) != 0)
		return ENOMEM;
	if (posix_spawnattr_init(&attributes) == 0) {
		if (set_files(&actions, output) && set_attributes(&attributes))
			code = posix_spawn(pid, path, &actions, &attributes, arguments,
					   environment);
		(void)posix_spawnattr_destroy(&attributes);
	}
	(void)posix_spawn_file_actions_destroy(&actions);
	return code;
}

static enum outcome cannot(struct error *error, const char *path, int code)
{
	return error_set(error, OUTCOME_RETRY, ERROR_KIND_NONE, "%s cannot be started: %s", path,
			 strerror(code));
}

enum outcome command_start(struct command *command, const char *path, char *const *arguments,
			   char *const *environment, struct error *error)
{
	struct command started = {.ended_fd = -1};
	int pipes[2];
	int code;

	if (pipe2(pipes, O_CLOEXEC) != 0)
		return cannot(error, path, errno);
	if (fcntl(pipes[0], F_SETFL, O_NONBLOCK) != 0)
		fatal(EXIT_CODE_BUG, "a pipe cannot be told not to block: %s", strerror(errno));
	code = spawn(&started.pid, path, arguments, environment, pipes[1]);
	(void)close(pipes[1]);
	started.output_fd = pipes[0];
	if (code == 0) {
		started.ended_fd = pidfd_open(started.pid, 0);
		if (started.ended_fd < 0)
			code = errno;
	} else {
		started.pid = 0;
	}
	if (code != 0) {
		command_close(&started);
		return cannot(error, path, code);
	}
	*command = started;
	return OUTCOME_OK;
}

static void forget_process(struct command *command)
{
	command->pid = 0;
	if (command->ended_fd >= 0)
		(void)close(command->ended_fd);
	command->ended_fd = -1;
}

bool command_has_ended(struct command *command, int *exit_code)
{
	int status;
	pid_t ended;

	invariant(command->pid > 0);
	ended = waitpid(command->pid, &status, WNOHANG);
	if (ended == 0 || (ended < 0 && errno == EINTR))
		return false;
	invariant(ended == command->pid);
	*exit_code = process_exit_code_of(status);
	forget_process(command);
	return true;
}

void command_kill(const struct command *command)
{
	invariant(command->pid > 0);
	/* Its group is its own from its first instruction on, and its id is kept until it is waited
	 * for. */
	if (kill(-command->pid, SIGKILL) != 0 && errno != ESRCH)
		fatal(EXIT_CODE_BUG, "a command cannot be ended: %s", strerror(errno));
}

void command_close(struct command *command)
{
	if (command->pid > 0) {
		command_kill(command);
		while (waitpid(command->pid, NULL, 0) < 0 && errno == EINTR)
			continue;
		forget_process(command);
	}
	if (command->output_fd >= 0)
		(void)close(command->output_fd);
	command->output_fd = -1;
}
