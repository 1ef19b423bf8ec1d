/* The only file that asks the system what time it is. */
#include "base/clock.h"

#include "base/log.h"

#include <string.h>
#include <time.h>

static int64_t read_clock_us(clockid_t clock)
{
	struct timespec now;

	if (clock_gettime(clock, &now) != 0)
		fatal(EXIT_CODE_BUG, "clock_gettime failed");
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t clock_monotonic_ms(void)
{
	return read_clock_us(CLOCK_MONOTONIC) / 1000;
}

int64_t clock_monotonic_us(void)
{
	return read_clock_us(CLOCK_MONOTONIC);
}

int64_t clock_shorter_wait_ms(int64_t a_ms, int64_t b_ms)
{
	if (a_ms < 0)
		return b_ms;
	return b_ms < 0 || a_ms < b_ms ? a_ms : b_ms;
}

int64_t clock_wall_ms(void)
{
	return read_clock_us(CLOCK_REALTIME) / 1000;
}

struct clock_text clock_now_text(void)
{
	return clock_text_of_ms(clock_wall_ms());
}

/* With zeros in front, as many digits as the place has. */
static void put_digits(char *place, size_t count, int value)
{
	while (count > 0) {
		place[--count] = (char)('0' + value % 10);
		value /= 10;
	}
}

/* Each row has three or four of these, and each line of the log one: printf took a hundredth of
 * what a fill costs for it. */
struct clock_text clock_text_of_ms(int64_t wall_ms)
{
	struct clock_text text = {"0000-00-00T00:00:00.000Z"};
	int64_t milliseconds = ((wall_ms % 1000) + 1000) % 1000;
	time_t seconds = (time_t)((wall_ms - milliseconds) / 1000);
	struct tm parts;

	invariant(gmtime_r(&seconds, &parts) != NULL);
	invariant(parts.tm_year >= -1900 && parts.tm_year <= 9999 - 1900);
	put_digits(text.text, 4, parts.tm_year + 1900);
	put_digits(text.text + 5, 2, parts.tm_mon + 1);
	put_digits(text.text + 8, 2, parts.tm_mday);
	put_digits(text.text + 11, 2, parts.tm_hour);
	put_digits(text.text + 14, 2, parts.tm_min);
	put_digits(text.text + 17, 2, parts.tm_sec);
	put_digits(text.text + 20, 3, (int)milliseconds);
	return text;
}

static bool parse_digits(const char *text, size_t count, int *value)
{
	*value = 0;
	for (size_t i = 0; i < count; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		*value = *value * 10 + (text[i] - '0');
	}
	return true;
}

bool clock_parse_text(const char *text, int64_t *wall_ms)
{
	struct tm parts = {0};
	struct clock_text again;
	int milliseconds;
	int64_t parsed;

	if (strlen(text) != CLOCK_TEXT_SIZE - 1 || !parse_digits(text, 4, &parts.tm_year) ||
	    !parse_digits(text + 5, 2, &parts.tm_mon) ||
	    !parse_digits(text + 8, 2, &parts.tm_mday) ||
	    !parse_digits(text + 11, 2, &parts.tm_hour) ||
	    !parse_digits(text + 14, 2, &parts.tm_min) ||
	    !parse_digits(text + 17, 2, &parts.tm_sec) ||
	    !parse_digits(text + 20, 3, &milliseconds))
		return false;
	/* Year 0 and year 9999 have no neighbour to which a day too many or too few could roll. */
	if (parts.tm_mon < 1 || parts.tm_mon > 12 || parts.tm_mday < 1 || parts.tm_mday > 31 ||
	    parts.tm_hour > 23 || parts.tm_min > 59 || parts.tm_sec > 59)
		return false;
	parts.tm_year -= 1900;
	parts.tm_mon -= 1;
	parsed = (int64_t)timegm(&parts) * 1000 + milliseconds;
	/* timegm takes the 31st of June for the 1st of July: only what comes out as it went in is a
	 * time. */
	again = clock_text_of_ms(parsed);
	if (memcmp(again.text, text, CLOCK_TEXT_SIZE) != 0)
		return false;
	*wall_ms = parsed;
	return true;
}
