/*
 * Calls ALERT_COMMAND for what needs a person: once for each cause (kind and subject) when it
 * appears, again after ALERT_REPEAT_SECONDS for as long as it lasts, and once when it is gone. One
 * call at a time; one that fails is made again, at growing intervals up to five minutes.
 *
 * What comes and goes with every restart (a program that is not there, a session that is not open)
 * is told when it has lasted for ALERT_AFTER_SECONDS, and as gone when it was gone for so long.
 *
 * All of it is in memory, since the monitor writes nothing: after a restart of the monitor what
 * still stands is told again, and what ended meanwhile is not told as gone.
 */
#ifndef BALLAST_MONITOR_ALARMS_H
#define BALLAST_MONITOR_ALARMS_H

#include "monitor/alarm_hook.h"
#include "monitor/alarm_settings.h"
#include "monitor/condition_list.h"

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* All that there are, and as many that are gone and not yet told so. */
#define ALARM_CAUSES_MAXIMUM ((size_t)(2 * CONDITIONS_MAXIMUM))

#define ALARMS_POLL_FDS 2

struct alarm_cause {
	struct condition condition;
	bool present;	  /* in the newest list */
	bool raised;	  /* told, or tried to: its end must be told, too */
	bool told;	  /* at told_ms */
	int64_t told_ms;  /* Unit of all times: monotonic */
	int64_t due_ms;	  /* to be told next, as what it is then */
	int64_t failures; /* of its calls, since the last that did not fail */
};

struct alarms {
	struct alarm_settings settings;
	struct alarm_hook hook;
	struct alarm_cause causes[ALARM_CAUSES_MAXIMUM];
	size_t count;
	size_t calling; /* whose call runs, when the hook does */
	bool calling_resolved;
	int64_t sent;	/* calls that did not fail */
	int64_t failed; /* calls that did */
};

void alarms_open(struct alarms *alarms, const struct alarm_settings *settings);
/* Kills the call that runs. */
void alarms_close(struct alarms *alarms);

/*
 * Does what is due, without blocking. list: what needs a person now, NULL: as last time. A list
 * with CONDITION_DATABASE_UNREADABLE says nothing of what else there is: it stays as it was.
 */
void alarms_step(struct alarms *alarms, const struct condition_list *list, int64_t now_ms);

/* Fills ALARMS_POLL_FDS of them. alarms_step is to be called when one is readable, ... */
void alarms_poll(const struct alarms *alarms, struct pollfd *fds);
/* ... and at that time. INT64_MAX: none. */
int64_t alarms_due_ms(const struct alarms *alarms);

/* `monitor alert-test`: calls ALERT_COMMAND once, with the name test, and waits. An exit code. */
int alarms_test(const struct alarm_settings *settings);

#endif
