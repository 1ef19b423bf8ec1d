/*
 * Amounts to and from columns. What stands in the database was written by us: a malformed one is an
 * invariant.
 */
#ifndef BALLAST_STORE_AMOUNTS_H
#define BALLAST_STORE_AMOUNTS_H

#include "base/decimal.h"
#include "store/store.h"

void statement_bind_shares(struct statement *statement, const char *name, struct shares value);
void statement_bind_usd(struct statement *statement, const char *name, struct usd value);
struct shares statement_shares(struct statement *statement, const char *column);
/* The column must not be NULL. */
struct usd statement_usd(struct statement *statement, const char *column);

/* Copies a column into a fixed array; "" for NULL. A text that does not fit is an invariant. */
void statement_copy_text(struct statement *statement, const char *column, char *text, size_t size);

#endif
