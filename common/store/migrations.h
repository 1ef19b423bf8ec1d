/* The numbered migrations of schema/, embedded at build time. The number is the position, from 1.
 */
#ifndef BALLAST_STORE_MIGRATIONS_H
#define BALLAST_STORE_MIGRATIONS_H

struct migration {
	const char *name; /* file name in schema/ */
	const char *sql;
};

extern const struct migration migrations[];
extern const int migration_count;

#endif
