/* See condition_list.h. */
#include "monitor/condition_list.h"

#include "base/log.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *condition_name(enum condition_kind kind)
{
	switch (kind) {
	case CONDITION_DATABASE_UNREADABLE:
		return "database_unreadable";
	case CONDITION_TRADING_HALTED:
		return "trading_halted";
	case CONDITION_EXECUTION_HELD:
		return "execution_held";
	case CONDITION_LIMIT_REACHED:
		return "limit_reached";
	case CONDITION_HEDGE_FAILING:
		return "hedge_failing";
	case CONDITION_ORDER_WAITING:
		return "order_waiting";
	case CONDITION_LOGIN_ENDED:
		return "login_ended";
	case CONDITION_LOGIN_ENDING:
		return "login_ending";
	case CONDITION_EVENT_QUARANTINED:
		return "event_quarantined";
	case CONDITION_EVENT_WAITING:
		return "event_waiting";
	case CONDITION_LISTENER_ABSENT:
		return "listener_absent";
	case CONDITION_LISTENER_SILENT:
		return "listener_silent";
	case CONDITION_COVERAGE_GAP:
		return "coverage_gap";
	case CONDITION_COVERAGE_BEHIND:
		return "coverage_behind";
	case CONDITION_BACKFILLER_ABSENT:
		return "backfiller_absent";
	case CONDITION_PROCESSOR_ABSENT:
		return "processor_absent";
	case CONDITION_EXECUTOR_ABSENT:
		return "executor_absent";
	case CONDITION_DISK_LOW:
		return "disk_low";
	case CONDITION_WAL_LARGE:
		return "wal_large";
	}
	invariant_unreachable("condition kind");
}

void condition_copy_printable(const char *text, char *copy, size_t size)
{
	size_t length = 0;

	invariant(size > 0);
	for (; *text != '\0'; text++) {
		const bool plain = *text >= ' ' && *text <= '~';
		const size_t needed = plain ? 1 : 4;

		if (length + needed >= size)
			break;
		if (plain)
			copy[length] = *text;
		else
			(void)snprintf(copy + length, size - length, "\\x%02x",
				       (unsigned int)(unsigned char)*text);
		length += needed;
	}
	copy[length] = '\0';
}

void condition_list_clear(struct condition_list *list)
{
	list->count = 0;
	memset(list->of_kind, 0, sizeof(list->of_kind));
}

/* An empty place behind those of its kind. */
static struct condition *make_place(struct condition_list *list, enum condition_kind kind)
{
	size_t place = list->count;

	invariant(list->count < CONDITIONS_MAXIMUM);
	while (place > 0 && list->items[place - 1].kind > kind)
		place--;
	memmove(&list->items[place + 1], &list->items[place],
		(list->count - place) * sizeof(list->items[0]));
	list->count++;
	list->items[place].kind = kind;
	return &list->items[place];
}

static bool has_cause(const struct condition_list *list, enum condition_kind kind,
		      const char *subject)
{
	for (size_t i = 0; i < list->count; i++) {
		if (list->items[i].kind == kind && strcmp(list->items[i].subject, subject) == 0)
			return true;
	}
	return false;
}

void condition_list_add(struct condition_list *list, enum condition_kind kind, const char *subject,
			const char *format, ...)
{
	char text[CONDITION_TEXT_SIZE];
	struct condition *condition;
	va_list arguments;

	if (has_cause(list, kind, subject) || list->of_kind[kind]++ >= CONDITIONS_OF_A_KIND)
		return;
	condition = make_place(list, kind);
	va_start(arguments, format);
	(void)vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	condition_copy_printable(text, condition->text, sizeof(condition->text));
	condition_copy_printable(subject, condition->subject, sizeof(condition->subject));
}

void condition_list_finish(struct condition_list *list)
{
	for (size_t i = 0; i < CONDITION_KINDS; i++) {
		const enum condition_kind kind = (enum condition_kind)i;
		const int64_t more = list->of_kind[i] - CONDITIONS_OF_A_KIND;
		struct condition *condition;

		if (more <= 0)
			continue;
		condition = make_place(list, kind);
		(void)snprintf(condition->subject, sizeof(condition->subject), "%s",
			       CONDITION_SUBJECT_MORE);
		(void)snprintf(condition->text, sizeof(condition->text),
			       "and %" PRId64 " more of %s", more, condition_name(kind));
	}
}

bool condition_list_has(const struct condition_list *list, enum condition_kind kind)
{
	return list->of_kind[kind] > 0;
}
