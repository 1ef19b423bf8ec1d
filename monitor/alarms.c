/* See alarms.h. A cause is told as what it is when its time has come: firing or resolved. */
#include "monitor/alarms.h"

#include "base/backoff.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/process.h"

#include <stdio.h>
#include <string.h>

#define RETRY_FIRST_MS	 5000
#define RETRY_MAXIMUM_MS 300000

void alarms_open(struct alarms *alarms, const struct alarm_settings *settings)
{
	memset(alarms, 0, sizeof(*alarms));
	alarms->settings = *settings;
	alarm_hook_init(&alarms->hook);
}

void alarms_close(struct alarms *alarms)
{
	alarm_hook_close(&alarms->hook);
}

/* Whether a restart of the group, or of the node, makes it come and go. */
static bool comes_and_goes(enum condition_kind kind)
{
	switch (kind) {
	case CONDITION_DATABASE_UNREADABLE:
	case CONDITION_ORDER_WAITING:
	case CONDITION_EVENT_WAITING:
	case CONDITION_LISTENER_ABSENT:
	case CONDITION_LISTENER_SILENT:
	case CONDITION_COVERAGE_BEHIND:
	case CONDITION_BACKFILLER_ABSENT:
	case CONDITION_PROCESSOR_ABSENT:
	case CONDITION_EXECUTOR_ABSENT:
	case CONDITION_DISK_LOW:
	case CONDITION_WAL_LARGE:
		return true;
	case CONDITION_TRADING_HALTED:
	case CONDITION_EXECUTION_HELD:
	case CONDITION_LIMIT_REACHED:
	case CONDITION_HEDGE_FAILING:
	case CONDITION_LOGIN_ENDED:
	case CONDITION_LOGIN_ENDING:
	case CONDITION_EVENT_QUARANTINED:
	case CONDITION_COVERAGE_GAP:
		return false;
	}
	invariant_unreachable("condition kind");
}

static int64_t patience_ms(const struct alarms *alarms, enum condition_kind kind)
{
	return comes_and_goes(kind) ? alarms->settings.after_seconds * 1000 : 0;
}

static bool is_calling(const struct alarms *alarms, size_t i)
{
	return alarm_hook_runs(&alarms->hook) && alarms->calling == i;
}

/* The last takes its place. */
static void remove_cause(struct alarms *alarms, size_t i)
{
	invariant(i < alarms->count && !is_calling(alarms, i));
	alarms->count--;
	if (is_calling(alarms, alarms->count))
		alarms->calling = i;
	if (i < alarms->count)
		alarms->causes[i] = alarms->causes[alarms->count];
}

static bool is_of(const struct alarm_cause *cause, const struct condition *condition)
{
	return cause->condition.kind == condition->kind &&
	       strcmp(cause->condition.subject, condition->subject) == 0;
}

static struct alarm_cause *find_cause(struct alarms *alarms, const struct condition *condition)
{
	for (size_t i = 0; i < alarms->count; i++) {
		if (is_of(&alarms->causes[i], condition))
			return &alarms->causes[i];
	}
	return NULL;
}

/* There is always one: what is present fills half of the table at most. */
static void forget_one_that_is_gone(struct alarms *alarms)
{
	for (size_t i = 0; i < alarms->count; i++) {
		if (!alarms->causes[i].present && !is_calling(alarms, i)) {
			log_warn("its end was not told: too many calls of ALERT_COMMAND failed "
				 "name=%s subject=%s",
				 condition_name(alarms->causes[i].condition.kind),
				 alarms->causes[i].condition.subject);
			remove_cause(alarms, i);
			return;
		}
	}
}

static void raise_cause(struct alarms *alarms, const struct condition *condition, int64_t now_ms)
{
	if (alarms->count == ALARM_CAUSES_MAXIMUM)
		forget_one_that_is_gone(alarms);
	invariant(alarms->count < ALARM_CAUSES_MAXIMUM);
	alarms->causes[alarms->count++] = (struct alarm_cause){
		.condition = *condition,
		.present = true,
		.due_ms = now_ms + patience_ms(alarms, condition->kind),
	};
}

static int64_t repeat_ms(const struct alarms *alarms)
{
	return alarms->settings.repeat_seconds * 1000;
}

static void see_cause(struct alarms *alarms, const struct condition *condition, int64_t now_ms)
{
	struct alarm_cause *cause = find_cause(alarms, condition);

	if (cause == NULL) {
		raise_cause(alarms, condition, now_ms);
		return;
	}
	cause->condition = *condition;
	if (cause->present)
		return;
	/* It was gone for too short a time to be told so. */
	cause->present = true;
	cause->due_ms = cause->told ? cause->told_ms + repeat_ms(alarms) : now_ms;
}

static bool is_listed(const struct condition_list *list, const struct alarm_cause *cause)
{
	for (size_t i = 0; i < list->count; i++) {
		if (is_of(cause, &list->items[i]))
			return true;
	}
	return false;
}

/* What is gone before it was told was never there. */
static void miss_causes(struct alarms *alarms, const struct condition_list *list, int64_t now_ms)
{
	for (size_t i = alarms->count; i-- > 0;) {
		struct alarm_cause *cause = &alarms->causes[i];

		if (!cause->present || is_listed(list, cause))
			continue;
		if (!cause->raised && !is_calling(alarms, i)) {
			remove_cause(alarms, i);
			continue;
		}
		cause->present = false;
		cause->failures = 0;
		cause->due_ms = now_ms + patience_ms(alarms, cause->condition.kind);
	}
}

static void take_list(struct alarms *alarms, const struct condition_list *list, int64_t now_ms)
{
	if (!condition_list_has(list, CONDITION_DATABASE_UNREADABLE))
		miss_causes(alarms, list, now_ms);
	for (size_t i = 0; i < list->count; i++)
		see_cause(alarms, &list->items[i], now_ms);
}

static int64_t retry_ms(int64_t failures)
{
	return backoff_doubled_ms(RETRY_FIRST_MS, failures - 1, RETRY_MAXIMUM_MS);
}

/* The cause may have come or gone while it was told. */
static void finish_firing(struct alarms *alarms, struct alarm_cause *cause, bool good,
			  int64_t now_ms)
{
	cause->raised = true;
	if (good) {
		cause->told = true;
		cause->told_ms = now_ms;
	}
	if (cause->present)
		cause->due_ms = now_ms + (good ? repeat_ms(alarms) : retry_ms(cause->failures));
}

static void finish_resolved(struct alarms *alarms, size_t i, bool good, int64_t now_ms)
{
	struct alarm_cause *cause = &alarms->causes[i];

	if (!good) {
		if (!cause->present)
			cause->due_ms = now_ms + retry_ms(cause->failures);
		return;
	}
	if (!cause->present) {
		remove_cause(alarms, i);
		return;
	}
	/* Back before the word of its end was out: a new one. */
	cause->raised = false;
	cause->told = false;
	cause->due_ms = now_ms + patience_ms(alarms, cause->condition.kind);
}

/* A call has ended, or there is nobody to call. */
static void finish(struct alarms *alarms, bool good, int64_t now_ms)
{
	struct alarm_cause *cause = &alarms->causes[alarms->calling];

	cause->failures = good ? 0 : cause->failures + 1;
	if (alarms->calling_resolved)
		finish_resolved(alarms, alarms->calling, good, now_ms);
	else
		finish_firing(alarms, cause, good, now_ms);
}

static void log_cause(const struct alarm_cause *cause)
{
	const struct condition *condition = &cause->condition;

	if (cause->failures > 0)
		return;
	if (cause->present)
		log_warn("a person is needed name=%s subject=%s text=%s",
			 condition_name(condition->kind), condition->subject, condition->text);
	else
		log_info("resolved name=%s subject=%s text=%s", condition_name(condition->kind),
			 condition->subject, condition->text);
}

/* Whose time came first; false when there is none yet. */
static bool find_due(const struct alarms *alarms, int64_t now_ms, size_t *due)
{
	bool found = false;

	for (size_t i = 0; i < alarms->count; i++) {
		if (alarms->causes[i].due_ms > now_ms ||
		    (found && alarms->causes[i].due_ms >= alarms->causes[*due].due_ms))
			continue;
		*due = i;
		found = true;
	}
	return found;
}

static void finish_call(struct alarms *alarms, bool good, int64_t now_ms)
{
	if (good)
		alarms->sent++;
	else
		alarms->failed++;
	finish(alarms, good, now_ms);
}

/* Without a command the log is what tells. */
static void tell(struct alarms *alarms, size_t i, int64_t now_ms)
{
	const struct alarm_cause *cause = &alarms->causes[i];
	const struct alarm_call call = {
		.state = cause->present ? "firing" : "resolved",
		.name = condition_name(cause->condition.kind),
		.subject = cause->condition.subject,
		.text = cause->condition.text,
	};

	log_cause(cause);
	alarms->calling = i;
	alarms->calling_resolved = !cause->present;
	if (alarms->settings.command.text[0] == '\0')
		finish(alarms, true, now_ms);
	else if (alarm_hook_start(&alarms->hook, &alarms->settings, &call, now_ms) ==
		 ALARM_HOOK_FAILED)
		finish_call(alarms, false, now_ms);
}

void alarms_step(struct alarms *alarms, const struct condition_list *list, int64_t now_ms)
{
	size_t due = 0;

	if (alarm_hook_runs(&alarms->hook)) {
		const enum alarm_hook_result result = alarm_hook_step(&alarms->hook, now_ms);

		if (result != ALARM_HOOK_RUNS)
			finish_call(alarms, result == ALARM_HOOK_DONE, now_ms);
	}
	if (list != NULL)
		take_list(alarms, list, now_ms);
	while (!alarm_hook_runs(&alarms->hook) && find_due(alarms, now_ms, &due))
		tell(alarms, due, now_ms);
}

void alarms_poll(const struct alarms *alarms, struct pollfd *fds)
{
	fds[0] = (struct pollfd){.fd = alarms->hook.command.ended_fd, .events = POLLIN};
	fds[1] = (struct pollfd){.fd = alarms->hook.command.output_fd, .events = POLLIN};
}

int64_t alarms_due_ms(const struct alarms *alarms)
{
	int64_t due_ms = INT64_MAX;

	if (alarm_hook_runs(&alarms->hook))
		return alarms->hook.killed ? INT64_MAX : alarms->hook.deadline_ms;
	for (size_t i = 0; i < alarms->count; i++) {
		if (alarms->causes[i].due_ms < due_ms)
			due_ms = alarms->causes[i].due_ms;
	}
	return due_ms;
}

static void wait_for_hook(const struct alarm_hook *hook)
{
	struct pollfd fds[3] = {
		{.fd = hook->command.ended_fd, .events = POLLIN},
		{.fd = hook->command.output_fd, .events = POLLIN},
		{.fd = process_stop_fd(), .events = POLLIN},
	};
	const int64_t left_ms = hook->deadline_ms - clock_monotonic_ms();

	(void)poll(fds, 3, hook->killed ? -1 : left_ms < 0 ? 0 : (int)left_ms);
}

int alarms_test(const struct alarm_settings *settings)
{
	const struct alarm_call call = {
		.state = "test",
		.name = "test",
		.subject = "",
		.text = "this is a test of ALERT_COMMAND: nothing is wrong",
	};
	struct alarm_hook hook;
	enum alarm_hook_result result;

	if (settings->command.text[0] == '\0') {
		log_error("ALERT_COMMAND: is missing, so that alarms are only logged");
		return EXIT_CODE_NEEDS_PERSON;
	}
	alarm_hook_init(&hook);
	result = alarm_hook_start(&hook, settings, &call, clock_monotonic_ms());
	while (result == ALARM_HOOK_RUNS && !process_stopping()) {
		wait_for_hook(&hook);
		result = alarm_hook_step(&hook, clock_monotonic_ms());
	}
	alarm_hook_close(&hook);
	if (result != ALARM_HOOK_DONE)
		return EXIT_CODE_UNAVAILABLE;
	printf("monitor: ALERT_COMMAND was called and left with 0\n");
	return 0;
}
