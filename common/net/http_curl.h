/*
 * What the two users of libcurl, http.c and websocket_connection.c, have in common, so that the
 * options that decide whom we trust stand once. For those two files only.
 */
#ifndef BALLAST_NET_HTTP_CURL_H
#define BALLAST_NET_HTTP_CURL_H

#include "base/compiler.h"

#include <curl/curl.h>
#include <stdint.h>

/*
 * The safe options of an http or https endpoint: certificate and host name verified, TLS 1.2 or
 * newer, no redirect, no proxy, HTTP/1.1 only. curl_error is written to by libcurl as long as easy
 * lives.
 */
void http_curl_configure(CURL *easy, const char *url, const char *ca_file,
			 char curl_error[CURL_ERROR_SIZE]);

/*
 * Lets libcurl work and waits until a socket of multi or the process' stop wants attention, but not
 * longer than until deadline_ms. The caller looks for results after http_curl_perform, before it
 * waits.
 */
void http_curl_perform(CURLM *multi);
void http_curl_wait(CURLM *multi, int64_t deadline_ms);
/* The same for what is waited for even when the process is to stop. */
void http_curl_wait_alone(CURLM *multi, int64_t deadline_ms);
/* The same as http_curl_wait, and until fd can be read. */
void http_curl_wait_beside(CURLM *multi, int fd, int64_t deadline_ms);

/* What libcurl says went wrong: host names and numbers, never a path, a query or a password. */
const char *http_curl_reason(CURLcode code, const char *curl_error);

/* An option or a call that cannot fail unless memory is out or the library is not the one we were
 * built for. */
void http_curl_require(CURLcode code, const char *what);
void http_curl_require_multi(CURLMcode code, const char *what);

#define http_curl_set(easy, option, value)                                                         \
	http_curl_require(curl_easy_setopt((easy), (option), (value)), #option)

#endif
