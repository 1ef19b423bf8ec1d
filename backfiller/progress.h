/*
 * How far a pass over the gaps has come, for people: a bar on a terminal, lines in a log. The
 * formatting is pure.
 */
#ifndef BALLAST_BACKFILLER_PROGRESS_H
#define BALLAST_BACKFILLER_PROGRESS_H

#include "base/compiler.h"
#include "store/block_coverage.h"

#include <stdbool.h>
#include <stdint.h>

#define PROGRESS_TEXT_SIZE 200

struct progress_text {
	char text[PROGRESS_TEXT_SIZE];
};

struct progress_view {
	struct block_range range; /* what was read last */
	int64_t target_block;	  /* the last block that is wanted */
	int64_t done;		  /* blocks of this pass */
	int64_t left;
	int64_t events; /* new ones of this pass */
	int64_t elapsed_ms;
};

struct progress {
	bool is_terminal;
	bool quiet; /* a small pass of a program that goes on for ever: not worth a line */
	int64_t started_ms;
	int64_t drawn_ms; /* 0: nothing shown in this pass */
	int64_t done;
	int64_t events;
};

/* "Processing blocks 1000-1999 of 5000 rate=120blocks/s left=26s events=3" */
struct progress_text progress_line(const struct progress_view *view);
/* "[########............] 1000-1999 of 5000 blocks, 120 blocks/s, 26 s left" */
struct progress_text progress_bar(const struct progress_view *view);

void progress_init(struct progress *progress, bool is_terminal);
void progress_begin(struct progress *progress, bool quiet);

/* A range has been committed; left: blocks still missing up to target_block. */
void progress_advance(struct progress *progress, struct block_range range, int64_t events,
		      int64_t target_block, int64_t left);

#endif
