/*
 * See http_curl.h. The caller decides what is sent and what an answer means; here stands whom we
 * speak to, and how libcurl is made to wait together with the process' own signals.
 */
#include "net/http_curl.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/process.h"

#include <openssl/crypto.h>

void http_curl_require(CURLcode code, const char *what)
{
	if (code == CURLE_OK)
		return;
	fatal(code == CURLE_OUT_OF_MEMORY ? EXIT_CODE_TRY_AGAIN : EXIT_CODE_BUG,
	      "libcurl refuses %s: %s", what, curl_easy_strerror(code));
}

void http_curl_require_multi(CURLMcode code, const char *what)
{
	if (code == CURLM_OK)
		return;
	fatal(code == CURLM_OUT_OF_MEMORY ? EXIT_CODE_TRY_AGAIN : EXIT_CODE_BUG,
	      "libcurl failed %s: %s", what, curl_multi_strerror(code));
}

void http_curl_configure(CURL *easy, const char *url, const char *ca_file,
			 char curl_error[CURL_ERROR_SIZE])
{
	/* libcrypto 3.0 whose start ran out of memory says so nowhere else, and crashes later. */
	if (OSSL_LIB_CTX_get0_global_default() == NULL)
		fatal(EXIT_CODE_TRY_AGAIN, "out of memory: libcrypto has not started");
	http_curl_set(easy, CURLOPT_ERRORBUFFER, curl_error);
	http_curl_set(easy, CURLOPT_URL, url);
	http_curl_set(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	http_curl_set(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	http_curl_set(easy, CURLOPT_FOLLOWLOCATION, 0L);
	http_curl_set(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	/* The empty text, not NULL: that is what keeps the environment's proxies out. */
	http_curl_set(easy, CURLOPT_PROXY, "");
	http_curl_set(easy, CURLOPT_SSL_VERIFYPEER, 1L);
	http_curl_set(easy, CURLOPT_SSL_VERIFYHOST, 2L);
	http_curl_set(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	if (ca_file[0] != '\0') {
		http_curl_set(easy, CURLOPT_CAINFO, ca_file);
		/* Or the system's directory would be trusted besides. */
		http_curl_set(easy, CURLOPT_CAPATH, (char *)NULL);
	}
	http_curl_set(easy, CURLOPT_NOSIGNAL, 1L);
	http_curl_set(easy, CURLOPT_TCP_KEEPALIVE, 1L);
	/* Closing must not wait for a name server that does not answer. */
	http_curl_set(easy, CURLOPT_QUICK_EXIT, 1L);
}

const char *http_curl_reason(CURLcode code, const char *curl_error)
{
	return curl_error[0] != '\0' ? curl_error : curl_easy_strerror(code);
}

void http_curl_perform(CURLM *multi)
{
	int running;

	http_curl_require_multi(curl_multi_perform(multi, &running), "to perform");
}

static void wait_for(CURLM *multi, struct curl_waitfd *fds, unsigned int count, int64_t deadline_ms)
{
	int64_t left_ms = deadline_ms - clock_monotonic_ms();

	if (left_ms < 0)
		left_ms = 0;
	if (left_ms > INT32_MAX)
		left_ms = INT32_MAX;
	http_curl_require_multi(curl_multi_poll(multi, fds, count, (int)left_ms, NULL), "to wait");
}

void http_curl_wait_alone(CURLM *multi, int64_t deadline_ms)
{
	wait_for(multi, NULL, 0, deadline_ms);
}

void http_curl_wait(CURLM *multi, int64_t deadline_ms)
{
	struct curl_waitfd stop = {.fd = process_stop_fd(), .events = CURL_WAIT_POLLIN};

	wait_for(multi, &stop, 1, deadline_ms);
}

void http_curl_wait_beside(CURLM *multi, int fd, int64_t deadline_ms)
{
	struct curl_waitfd fds[] = {
		{.fd = process_stop_fd(), .events = CURL_WAIT_POLLIN},
		{.fd = fd, .events = CURL_WAIT_POLLIN},
	};

	wait_for(multi, fds, ARRAY_LENGTH(fds), deadline_ms);
}
