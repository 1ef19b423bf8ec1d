/* See listen_address.h. */
#include "monitor/listen_address.h"

#include "base/integer.h"
#include "base/log.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define BACKLOG 128
/* Of each connection: what the kernel keeps for a client that does not read. */
#define SEND_BUFFER (128 * 1024)

static bool parse_port(const char *text, in_port_t *port)
{
	int64_t value;

	if (strlen(text) > 5 || !integer_parse(text, strlen(text), &value) || value > UINT16_MAX)
		return false;
	*port = htons((uint16_t)value);
	return true;
}

static bool set_ipv4(struct listen_address *address, in_port_t port)
{
	struct sockaddr_in *ipv4 = (struct sockaddr_in *)&address->socket_address;

	ipv4->sin_family = AF_INET;
	ipv4->sin_port = port;
	address->length = sizeof(*ipv4);
	if (inet_pton(AF_INET, address->host, &ipv4->sin_addr) != 1)
		return false;
	address->loopback = ntohl(ipv4->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
	return true;
}

static bool set_ipv6(struct listen_address *address, in_port_t port)
{
	struct sockaddr_in6 *ipv6 = (struct sockaddr_in6 *)&address->socket_address;
	char inner[LISTEN_HOST_SIZE];

	ipv6->sin6_family = AF_INET6;
	ipv6->sin6_port = port;
	address->length = sizeof(*ipv6);
	(void)snprintf(inner, sizeof(inner), "%.*s", (int)strlen(address->host) - 2,
		       address->host + 1);
	if (inet_pton(AF_INET6, inner, &ipv6->sin6_addr) != 1)
		return false;
	address->loopback = IN6_IS_ADDR_LOOPBACK(&ipv6->sin6_addr);
	return true;
}

bool listen_address_parse(struct listen_address *address, const char *text)
{
	const char *colon = strrchr(text, ':');
	struct listen_address parsed;
	in_port_t port;
	size_t length;
	bool valid;

	memset(&parsed, 0, sizeof(parsed));
	length = colon != NULL ? (size_t)(colon - text) : 0;
	if (length == 0 || length >= sizeof(parsed.host) || !parse_port(colon + 1, &port))
		return false;
	memcpy(parsed.host, text, length);
	if (text[0] == '[')
		valid = text[length - 1] == ']' && set_ipv6(&parsed, port);
	else
		valid = set_ipv4(&parsed, port);
	if (valid)
		*address = parsed;
	return valid;
}

static bool bind_and_listen(int fd, const struct listen_address *address)
{
	const struct sockaddr *name = (const struct sockaddr *)&address->socket_address;
	const int on = 1;
	const int send_buffer = SEND_BUFFER;

	return setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0 &&
	       setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &send_buffer, sizeof(send_buffer)) == 0 &&
	       (name->sa_family != AF_INET6 ||
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) == 0) &&
	       bind(fd, name, address->length) == 0 && listen(fd, BACKLOG) == 0;
}

static bool find_port(int fd, int *port)
{
	union {
		struct sockaddr any;
		struct sockaddr_in ipv4;
		struct sockaddr_in6 ipv6;
	} name;
	socklen_t length = sizeof(name);

	memset(&name, 0, sizeof(name));
	if (getsockname(fd, &name.any, &length) != 0)
		return false;
	*port = ntohs(name.any.sa_family == AF_INET6 ? name.ipv6.sin6_port : name.ipv4.sin_port);
	return true;
}

int listen_address_open(const struct listen_address *address, int *port)
{
	int fd = socket(address->socket_address.ss_family,
			SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd >= 0 && bind_and_listen(fd, address) && find_port(fd, port))
		return fd;
	log_error("cannot listen: %s; is another monitor running? set MONITOR_LISTEN host=%s",
		  strerror(errno), address->host);
	if (fd >= 0)
		(void)close(fd);
	return -1;
}

/* "name" or "name:port". */
static bool is_host(const char *host, const char *name)
{
	const size_t length = strlen(name);
	in_port_t port;

	if (strncasecmp(host, name, length) != 0)
		return false;
	return host[length] == '\0' ||
	       (host[length] == ':' && parse_port(host + length + 1, &port));
}

bool listen_address_answers_to(const struct listen_address *address, const char *host)
{
	if (!address->loopback)
		return true;
	return host != NULL && (is_host(host, "localhost") || is_host(host, "127.0.0.1") ||
				is_host(host, "[::1]") || is_host(host, address->host));
}
