/* The formats hosts and env: for programs that know no JSON.  hosts is for
 * /etc/hosts, env for shells, systemd's EnvironmentFile= and docker's
 * --env-file, which disagree about quotes: so there are none, and addresses
 * with anything that one of them could take for more than a letter are left
 * out. */
#include <arpa/inet.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "core/xalloc.h"
#include "discover/roster_format_impl.h"

enum { MAX_LABEL = 63, MAX_IP = 64 };

/* --- hosts --- */

/* The host of "host:port" into ip, without brackets; false if it is no IP
 * address. */
static bool ip_of(const char *address, char ip[MAX_IP])
{
	const char *colon = strrchr(address, ':');
	size_t n = colon != NULL ? (size_t)(colon - address) : 0;
	unsigned char bytes[sizeof(struct in6_addr)];
	bool brackets = n >= 2 && address[0] == '[' && colon[-1] == ']';

	if (brackets) {
		address++;
		n -= 2;
	}
	if (n == 0 || n >= MAX_IP)
		return false;
	memcpy(ip, address, n);
	ip[n] = '\0';
	return inet_pton(brackets ? AF_INET6 : AF_INET, ip, bytes) == 1;
}

const char *hosts_unfit(const struct roster_entry *e)
{
	char ip[MAX_IP];

	return ip_of(e->address, ip) ? NULL : "its host is no IP address";
}

static bool of_host_name(unsigned char c)
{
	return c < 0x80 && isalnum(c);
}

/* A part of a host name: letters and digits, dots and dashes between them, and
 * a dash for each other character.  Dots separate labels. */
static void add_name(struct buf *out, const char *s)
{
	size_t label = 0;

	for (; *s != '\0'; s++) {
		unsigned char c = (unsigned char)*s;
		bool between = label > 0 && of_host_name((unsigned char)s[1]);

		if ((c & 0xc0) == 0x80)
			continue;	/* of one character several bytes */
		if (c == '.' && between) {
			buf_addc(out, '.');
			label = 0;
		} else if (label < MAX_LABEL) {
			buf_addc(out, of_host_name(c) ? (char)c : '-');
			label++;
		}
	}
}

void hosts_list(struct roster_writer *w, const struct roster *r,
    struct buf *out)
{
	struct roster_cursor c = { 0 };
	const struct roster_entry *e;
	char ip[MAX_IP];

	while ((e = roster_next_fit(w, r, &c)) != NULL) {
		ip_of(e->address, ip);
		buf_addf(out, "%s\t", ip);
		add_name(out, e->instance_id);
		buf_addc(out, '.');
		add_name(out, e->service_name);
		buf_addc(out, '\n');
	}
}

/* --- env --- */

/* Brackets stand in IPv6 addresses.  No shell expands them behind the `=` of
 * an assignment. */
const char *env_unfit(const struct roster_entry *e)
{
	for (const char *s = e->address; *s != '\0'; s++)
		if (!of_host_name((unsigned char)*s) &&
		    strchr("._:%-[]", *s) == NULL)
			return "its address has a character that shells may"
			    " misunderstand";
	return NULL;
}

char *roster_env_name(const char *directory)
{
	char *name, *to;

	while (*directory != '\0' && !of_host_name((unsigned char)*directory))
		directory++;
	if (*directory == '\0')
		return NULL;
	/* A digit cannot be the first. */
	name = xasprintf("%s%s", isdigit((unsigned char)*directory) ? "_" : "",
	    directory);
	for (to = name; *to != '\0'; to++)
		*to = of_host_name((unsigned char)*to) ?
		    (char)toupper((unsigned char)*to) : '_';
	return name;
}

static size_t add_addresses(const struct roster_writer *w,
    const struct roster *r, size_t directory, struct buf *out)
{
	struct roster_cursor c = { .directory = directory };
	const struct roster_entry *e;
	size_t n = 0;

	while ((e = roster_next_fit(w, r, &c)) != NULL &&
	    c.directory == directory) {
		if (n++ > 0)
			buf_addc(out, ',');
		buf_adds(out, e->address);
	}
	return n;
}

void env_list(struct roster_writer *w, const struct roster *r,
    struct buf *out)
{
	for (size_t i = 0; i < roster_directories(r); i++) {
		char *name = roster_env_name(roster_directory(r, i));
		size_t n;

		buf_addf(out, "%s=", name);
		n = add_addresses(w, r, i, out);
		buf_addf(out, "\n%s_COUNT=%zu\n", name, n);
		free(name);
	}
}
