/*
 * See progress.h. Integers only. The bar ends with a carriage return, so that a log line that comes
 * next begins where the bar began.
 */
#include "backfiller/progress.h"

#include "backfiller/range_plan.h"
#include "base/clock.h"
#include "base/log.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#define BAR_WIDTH	 20
#define BAR_INTERVAL_MS	 100
#define LINE_INTERVAL_MS 1000

static int64_t blocks_per_second(const struct progress_view *view)
{
	int64_t elapsed_ms = view->elapsed_ms > 0 ? view->elapsed_ms : 1;
	int128 rate = (int128)view->done * 1000 / elapsed_ms;

	return rate > INT64_MAX ? INT64_MAX : (int64_t)rate;
}

/* Rounded up; -1: nothing is done yet, so nothing is known. */
static int64_t seconds_left(const struct progress_view *view)
{
	int128 left;

	if (view->left == 0)
		return 0;
	if (view->done <= 0)
		return -1;
	left = ((int128)view->left * view->elapsed_ms / view->done + 999) / 1000;
	return left > INT64_MAX ? INT64_MAX : (int64_t)left;
}

struct progress_text progress_line(const struct progress_view *view)
{
	struct progress_text line;
	char left[32] = "unknown";
	int64_t seconds = seconds_left(view);

	if (seconds >= 0)
		(void)snprintf(left, sizeof(left), "%" PRId64 "s", seconds);
	(void)snprintf(line.text, sizeof(line.text),
		       "Processing blocks %" PRId64 "-%" PRId64 " of %" PRId64 " rate=%" PRId64
		       "blocks/s left=%s events=%" PRId64,
		       view->range.first, view->range.last, view->target_block,
		       blocks_per_second(view), left, view->events);
	return line;
}

struct progress_text progress_bar(const struct progress_view *view)
{
	struct progress_text bar;
	char cells[BAR_WIDTH + 1];
	char left[40] = "time left unknown";
	int64_t seconds = seconds_left(view);
	int128 total = (int128)view->done + view->left;
	int filled = total > 0 ? (int)((int128)view->done * BAR_WIDTH / total) : 0;

	for (int i = 0; i < BAR_WIDTH; i++)
		cells[i] = i < filled ? '#' : '.';
	cells[BAR_WIDTH] = '\0';
	if (seconds >= 0)
		(void)snprintf(left, sizeof(left), "%" PRId64 " s left", seconds);
	(void)snprintf(bar.text, sizeof(bar.text),
		       "[%s] %" PRId64 "-%" PRId64 " of %" PRId64 " blocks, %" PRId64
		       " blocks/s, %s",
		       cells, view->range.first, view->range.last, view->target_block,
		       blocks_per_second(view), left);
	return bar;
}

void progress_init(struct progress *progress, bool is_terminal)
{
	*progress = (struct progress){.is_terminal = is_terminal};
}

void progress_begin(struct progress *progress, bool quiet)
{
	*progress = (struct progress){
		.is_terminal = progress->is_terminal,
		.quiet = quiet,
		.started_ms = clock_monotonic_ms(),
	};
}

static void draw_bar(const struct progress_view *view)
{
	struct progress_text bar = progress_bar(view);

	(void)dprintf(STDERR_FILENO, "\r\033[K%s\r", bar.text);
}

static void erase_bar(void)
{
	(void)dprintf(STDERR_FILENO, "\r\033[K");
}

void progress_advance(struct progress *progress, struct block_range range, int64_t events,
		      int64_t target_block, int64_t left)
{
	int64_t now_ms = clock_monotonic_ms();
	int64_t interval_ms = progress->is_terminal ? BAR_INTERVAL_MS : LINE_INTERVAL_MS;
	bool due = progress->drawn_ms == 0 || now_ms - progress->drawn_ms >= interval_ms;
	struct progress_view view;

	progress->done += block_range_count(range);
	progress->events += events;
	view = (struct progress_view){
		.range = range,
		.target_block = target_block,
		.done = progress->done,
		.left = left,
		.events = progress->events,
		.elapsed_ms = now_ms - progress->started_ms,
	};
	if (progress->quiet) {
		log_debug("%s", progress_line(&view).text);
		return;
	}
	if (left > 0 && !due)
		return;
	progress->drawn_ms = now_ms;
	if (progress->is_terminal && left > 0) {
		draw_bar(&view);
		return;
	}
	if (progress->is_terminal)
		erase_bar();
	log_info("%s", progress_line(&view).text);
}
