/* What we ask of the compiler beyond C17, in one place. */
#ifndef BALLAST_BASE_COMPILER_H
#define BALLAST_BASE_COMPILER_H

#define MUST_USE		 __attribute__((warn_unused_result))
#define PRINTF_LIKE(text, first) __attribute__((format(printf, text, first)))
#define NORETURN		 __attribute__((noreturn))

#define ARRAY_LENGTH(array) (sizeof(array) / sizeof((array)[0]))

/* 128-bit integers are a compiler extension that gcc and clang share on every 64-bit target. */
__extension__ typedef __int128 int128;
__extension__ typedef unsigned __int128 uint128;

#endif
