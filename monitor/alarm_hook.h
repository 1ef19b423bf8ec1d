/*
 * One call of ALERT_COMMAND: without a shell, with two arguments, NAME and TEXT, and in its
 * environment PATH, HOME, whatever begins with BALLAST_, and
 *
 *	BALLAST_ALERT_STATE     firing, resolved or test
 *	BALLAST_ALERT_NAME      as the first argument
 *	BALLAST_ALERT_SUBJECT   what tells causes of one name apart; may be empty
 *
 * What it writes is logged, the first lines of it. Killed when it takes too long.
 */
#ifndef BALLAST_MONITOR_ALARM_HOOK_H
#define BALLAST_MONITOR_ALARM_HOOK_H

#include "base/command.h"
#include "base/compiler.h"
#include "monitor/alarm_settings.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ALARM_HOOK_LINE_SIZE 512

struct alarm_call {
	const char *state;
	const char *name;
	const char *subject;
	const char *text;
};

struct alarm_hook {
	struct command command; /* pid 0: none runs */
	int64_t deadline_ms;	/* monotonic */
	bool killed;
	int lines;			 /* that were logged */
	char line[ALARM_HOOK_LINE_SIZE]; /* not ended yet */
	size_t line_length;
};

enum alarm_hook_result {
	ALARM_HOOK_RUNS,
	ALARM_HOOK_DONE,
	ALARM_HOOK_FAILED, /* logged: it could not be started, took too long, or did not exit 0 */
};

void alarm_hook_init(struct alarm_hook *hook);
/* Kills what runs. */
void alarm_hook_close(struct alarm_hook *hook);

bool alarm_hook_runs(const struct alarm_hook *hook);

/* RUNS or FAILED. None may run. */
MUST_USE enum alarm_hook_result alarm_hook_start(struct alarm_hook *hook,
						 const struct alarm_settings *settings,
						 const struct alarm_call *call, int64_t now_ms);

/* Takes what it wrote; looks whether it has ended, or must be. */
MUST_USE enum alarm_hook_result alarm_hook_step(struct alarm_hook *hook, int64_t now_ms);

#endif
