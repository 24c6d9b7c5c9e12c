/* The files as the servers have them, each thing that can be wrong with one,
 * and any bytes at all. */
#include "cli/im_config.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/address.h"
#include "core/json.h"
#include "core/url.h"
#include "tests/unit/seeded.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* login_server's file, to the letter. */
static const char login[] =
    "# config format spec\n"
    "# this is a comment\n"
    "RegisterCenterIp=127.0.0.1\n"
    "RegisterCenterPort=2379\n"
    "ServiceId=0001-0001\n"
    "ServiceDir=/login_servers\n"
    "HostIp=1.15.184.62\n"
    "RegisterTTL=2000 #\xe5\x8d\x95\xe4\xbd\x8dms:\n"
    "ClientListenIP=0.0.0.0 # can use multiple ip, seperate by ';'\n"
    "ClientPort=8008\n"
    "HttpListenIP=0.0.0.0\n"
    "HttpPort=8080\n"
    "MsgServerListenIP=0.0.0.0 # can use multiple ip, seperate by ';'\n"
    "MsgServerPort=8100\n";

/* msg_server's, of which a picture with line numbers is all there is. */
static const char msg[] =
    "RegisterCenterIp=1.15.184.62\n"
    "RegisterCenterPort=2379\n"
    "DiscoveryTTL=5000 #\xe5\x8d\x95\xe4\xbd\x8dms:\n"
    "LoginServiceDir=/login_servers\n"
    "HostIp=1.15.184.62\n";

static const char login_value[] = "{\"ip\":\"1.15.184.62\",\"port\":8008,"
    "\"http_port\":8080,\"msg_server_port\":8100}";

/* Parses a copy of exactly len bytes, for ASan to watch over. */
static struct im_config *parse_bytes(const char *text, size_t len,
    struct problems *p)
{
	char *copy = malloc(len ? len : 1);
	struct im_config *c;

	assert_non_null(copy);
	memcpy(copy, text, len);
	c = im_config_parse("im.conf", copy, len, p);
	free(copy);
	return c;
}

/* Parses what must be right. */
static struct im_config *parse(const char *text)
{
	struct problems p = { 0 };
	struct im_config *c = parse_bytes(text, strlen(text), &p);

	if (p.n > 0)
		fail_msg("%s", p.lines[0]);
	assert_non_null(c);
	return c;
}

static void assert_wrong_bytes(const char *text, size_t len,
    const char *line)
{
	struct problems p = { 0 };

	assert_null(parse_bytes(text, len, &p));
	assert_int_equal(p.count, 1);
	assert_string_equal(p.lines[0], line);
	problems_free(&p);
}

/* Exactly this is wrong with the text. */
static void assert_wrong(const char *text, const char *line)
{
	assert_wrong_bytes(text, strlen(text), line);
}

/* The text is accepted, with exactly this warning; NULL: with none. */
static void assert_warning(const char *text, const char *warning)
{
	struct im_config *c = parse(text);

	if (!warning && c->warnings.n > 0)
		fail_msg("%s", c->warnings.v[0]);
	if (warning) {
		assert_int_equal(c->warnings.n, 1);
		assert_string_equal(c->warnings.v[0], warning);
	}
	im_config_free(c);
}

static void assert_endpoint(const char *text, const char *endpoint)
{
	struct im_config *c = parse(text);
	char *url;

	assert_int_equal(c->endpoints.n, 1);
	assert_string_equal(c->endpoints.v[0], endpoint);
	url = url_normalize(endpoint, "2379", false, NULL);
	assert_non_null(url);
	free(url);
	im_config_free(c);
}

/* --- the two files there are --- */

static void check_login(const struct im_config *c)
{
	char *key = im_config_key(c, NULL), *value, *address;

	assert_int_equal(c->warnings.n, 0);
	assert_int_equal(c->endpoints.n, 1);
	assert_string_equal(c->endpoints.v[0], "http://127.0.0.1:2379");
	assert_string_equal(c->service_id, "0001-0001");
	assert_string_equal(c->service_dir, "/login_servers");
	assert_string_equal(c->host_ip, "1.15.184.62");
	assert_int_equal(c->register_ttl_ms, 2000);
	assert_int_equal(c->client_port, 8008);
	assert_int_equal(c->http_port, 8080);
	assert_int_equal(c->msg_server_port, 8100);
	assert_int_equal(c->discovery_ttl_ms, 0);
	assert_null(c->login_service_dir);
	assert_string_equal(key, "/login_servers/0001-0001");
	value = im_config_value(c, NULL);
	assert_string_equal(value, login_value);
	address = address_of_value(value);
	assert_string_equal(address, "1.15.184.62:8008");
	free(address);
	free(value);
	free(key);
}

static void test_login_server(void **state)
{
	struct im_config *c = parse(login);

	(void)state;
	assert_string_equal(c->file, "im.conf");
	check_login(c);
	im_config_free(c);
}

static void test_msg_server(void **state)
{
	struct im_config *c = parse(msg);

	(void)state;
	assert_int_equal(c->warnings.n, 0);
	assert_int_equal(c->endpoints.n, 1);
	assert_string_equal(c->endpoints.v[0], "http://1.15.184.62:2379");
	assert_int_equal(c->discovery_ttl_ms, 5000);
	assert_string_equal(c->login_service_dir, "/login_servers");
	assert_string_equal(c->host_ip, "1.15.184.62");
	assert_null(c->service_id);
	assert_null(c->service_dir);
	assert_int_equal(c->register_ttl_ms, 0);
	im_config_free(c);
}

/* Every \n of the text with `\r` before it, behind a mark. */
static char *as_windows(const char *text)
{
	struct buf b;

	buf_init(&b, 1 << 16);
	buf_adds(&b, "\xef\xbb\xbf");
	for (; *text; text++) {
		if (*text == '\n')
			buf_addc(&b, '\r');
		buf_addc(&b, *text);
	}
	return buf_take(&b, NULL);
}

static void test_windows(void **state)
{
	char *text = as_windows(login);
	struct im_config *c = parse(text);

	(void)state;
	check_login(c);
	im_config_free(c);
	free(text);
}

/* In GBK and in bytes that are no text; the last without a line end. */
static void test_foreign_comments(void **state)
{
	struct im_config *c = parse("#\xb5\xa5\xce\xbbms:\n"
	    "RegisterTTL=2000#\xb5\xa5\xce\xbbms: =\xff\xfe\n"
	    "Motd=\xb5\xa5\xce\xbb # ours is not to know\n"
	    "HostIp=h # \x80\xff");

	(void)state;
	assert_int_equal(c->register_ttl_ms, 2000);
	assert_string_equal(c->host_ip, "h");
	assert_int_equal(c->warnings.n, 0);
	im_config_free(c);
}

static void test_blanks_and_little(void **state)
{
	struct im_config *c = parse("\n \t\n  #\n\tClientPort \t= 1 \r\n"
	    "   ServiceId=a=b c\nServiceDir=/\n");
	char *key = im_config_key(c, NULL);

	(void)state;
	assert_int_equal(c->client_port, 1);
	assert_string_equal(c->service_id, "a=b c");
	assert_string_equal(key, "/a=b c");
	free(key);
	im_config_free(c);
	c = parse("");
	assert_int_equal(c->endpoints.n, 0);
	im_config_free(c);
	im_config_free(NULL);
}

/* --- values --- */

static void test_endpoints(void **state)
{
	struct im_config *c = parse("RegisterCenterIp=10.0.0.1; [fe80::1] ;"
	    "Etcd-3.lan\nRegisterCenterPort=4001\n");

	(void)state;
	assert_int_equal(c->endpoints.n, 3);
	assert_string_equal(c->endpoints.v[0], "http://10.0.0.1:4001");
	assert_string_equal(c->endpoints.v[1], "http://[fe80::1]:4001");
	assert_string_equal(c->endpoints.v[2], "http://Etcd-3.lan:4001");
	im_config_free(c);
	assert_endpoint("RegisterCenterIp=10.0.0.1", "http://10.0.0.1:2379");
	assert_endpoint("RegisterCenterIp=::1", "http://[::1]:2379");
	assert_endpoint("RegisterCenterIp=4f2a9c1b3d2e",
	    "http://4f2a9c1b3d2e:2379");
	assert_endpoint("RegisterCenterPort=65535\nRegisterCenterIp=a_b",
	    "http://a_b:65535");
}

static void test_hosts_refused(void **state)
{
	static const char *const hosts[] = {
		"10.0.0.300", "10.0.1", "0x7f.0x1", "10.0.0.1:2379", "::g",
		"[10.0.0.1]", "[]", "a b", "a,b", "http://a", "a..b", ".a",
		"a.", "\xe5\x8d\x95", "fe80::1%eth0", "\"10.0.0.1\"", "a/b",
	};
	char text[80], line[160];

	(void)state;
	for (size_t i = 0; i < COUNT(hosts); i++) {
		snprintf(text, sizeof(text), "RegisterCenterIp=%s", hosts[i]);
		snprintf(line, sizeof(line), "im.conf:1:18: RegisterCenterIp:"
		    " \"%s\" is neither an IP address nor a host name",
		    hosts[i]);
		assert_wrong(text, line);
	}
}

static void test_list_gaps(void **state)
{
	(void)state;
	assert_wrong("RegisterCenterIp=10.0.0.1;", "im.conf:1:27:"
	    " RegisterCenterIp: an address is missing here");
	assert_wrong("RegisterCenterIp=;10.0.0.1", "im.conf:1:18:"
	    " RegisterCenterIp: an address is missing here");
	assert_wrong("HostIp=a; ;b", "im.conf:1:11: HostIp: an address is"
	    " missing here");
	assert_wrong("HostIp=", "im.conf:1:8: HostIp: must not be empty");
	assert_warning("RegisterCenterIp=a;b;A", "im.conf:1:22:"
	    " RegisterCenterIp: \"A\" is given twice");
}

static void test_too_many_hosts(void **state)
{
	char text[400] = "RegisterCenterIp=a0";
	struct im_config *c;

	(void)state;
	for (int i = 1; i < 64; i++)
		sprintf(text + strlen(text), ";a%d", i);
	c = parse(text);
	assert_int_equal(c->endpoints.n, 64);
	im_config_free(c);
	strcat(text, ";b");
	assert_wrong(text, "im.conf:1:18: RegisterCenterIp: more than 64"
	    " addresses");
}

static void test_first_host(void **state)
{
	static const char text[] = "ClientPort=1\nHostIp= [::1];10.0.0.2";
	struct im_config *c = parse(text);
	char *value = im_config_value(c, NULL);
	char *address = address_of_value(value);

	(void)state;
	assert_string_equal(c->host_ip, "::1");
	assert_string_equal(value, "{\"ip\":\"::1\",\"port\":1}");
	assert_string_equal(address, "[::1]:1");
	free(address);
	free(value);
	im_config_free(c);
	assert_warning(text, "im.conf:2:9: HostIp: of several addresses only"
	    " the first is registered, ::1");
}

static void test_numbers(void **state)
{
	static const struct {
		const char *text, *line;
	} cases[] = {
		{ "HttpPort=", "im.conf:1:10: HttpPort: must not be empty" },
		{ "HttpPort=80a", "im.conf:1:10: HttpPort: expected a whole"
		    " number, found \"80a\"" },
		{ "HttpPort=0x50", "im.conf:1:10: HttpPort: expected a whole"
		    " number, found \"0x50\"" },
		{ " RegisterTTL = 2000ms", "im.conf:1:16: RegisterTTL:"
		    " expected a whole number, found \"2000ms\"" },
		{ "HttpPort=0", "im.conf:1:10: HttpPort: 0 is not between 1"
		    " and 65535" },
		{ "HttpPort=65536", "im.conf:1:10: HttpPort: 65536 is not"
		    " between 1 and 65535" },
		{ "RegisterCenterPort=-1", "im.conf:1:20: RegisterCenterPort:"
		    " -1 is not between 1 and 65535" },
		{ "MsgServerPort=99999999999999999999", "im.conf:1:15:"
		    " MsgServerPort: 99999999999999999999 is not between 1"
		    " and 65535" },
		{ "DiscoveryTTL=31536000001", "im.conf:1:14: DiscoveryTTL:"
		    " 31536000001 is not between 1 and 31536000000" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		assert_wrong(cases[i].text, cases[i].line);
}

static void test_paths(void **state)
{
	struct im_config *c = parse("ServiceDir=/a/b/\n"
	    "LoginServiceDir=/.../\xe5\x8d\x95");

	(void)state;
	assert_string_equal(c->service_dir, "/a/b");
	assert_string_equal(c->login_service_dir, "/.../\xe5\x8d\x95");
	im_config_free(c);
	assert_wrong("ServiceDir=login_servers", "im.conf:1:12: ServiceDir:"
	    " \"login_servers\" must begin with a slash");
	assert_wrong("ServiceDir=/a//b", "im.conf:1:12: ServiceDir:"
	    " \"/a//b\" has two slashes in a row");
	assert_wrong("ServiceDir=/a//", "im.conf:1:12: ServiceDir: \"/a//\""
	    " has two slashes in a row");
	assert_wrong("LoginServiceDir=/a/..", "im.conf:1:17: LoginServiceDir:"
	    " \"/a/..\" has a part that is . or ..");
	assert_wrong("ServiceId=a/b", "im.conf:1:11: ServiceId: \"a/b\" has a"
	    " slash in it");
	assert_wrong("ServiceId=..", "im.conf:1:11: ServiceId: \"..\" is no"
	    " name");
}

/* --- lines --- */

static void test_lines(void **state)
{
	(void)state;
	assert_wrong("\n  [login] # no such thing", "im.conf:2:3: expected"
	    " KEY=VALUE");
	assert_wrong("HostIp#=1", "im.conf:1:1: expected KEY=VALUE");
	assert_wrong(" = 1", "im.conf:1:2: expected a key before the =");
	assert_wrong("\xef\xbb\xbfx", "im.conf:1:1: expected KEY=VALUE");
	assert_wrong("HttpPort=1\nx=1\nHttpPort=1", "im.conf:3:1: duplicate"
	    " key \"HttpPort\" (first at line 1)");
	assert_wrong("ServiceId=\xb5\xa5", "im.conf:1:11: ServiceId: not"
	    " UTF-8 text");
	assert_wrong("ServiceId=a\tb", "im.conf:1:11: ServiceId: has a"
	    " control character in it");
	assert_wrong_bytes("x=1\ny=\0#", 8, "im.conf:2:3: a NUL byte: this"
	    " is no text");
	assert_wrong_bytes("#\0\nx=1", 6, "im.conf:1:2: a NUL byte: this is"
	    " no text");
	assert_wrong_bytes("\xff\xfex\0=\0", 6, "im.conf: in UTF-16: save it"
	    " as UTF-8");
	assert_wrong_bytes("\xfe\xff\0x\0=", 6, "im.conf: in UTF-16: save it"
	    " as UTF-8");
}

static void test_all_at_once(void **state)
{
	static const char text[] = "HttpPort=x\nClientPort=0\n[a]\n=\n"
	    "HttpPort=2\nHostIp=;?;\nServiceId=\n";
	static const char *const places[] = {
		"im.conf:1:10: ", "im.conf:2:12: ", "im.conf:3:1: ",
		"im.conf:4:1: ", "im.conf:5:1: ", "im.conf:6:8: ",
		"im.conf:6:9: ", "im.conf:6:11: ", "im.conf:7:11: ",
	};
	struct problems p = { 0 };

	(void)state;
	assert_null(parse_bytes(text, strlen(text), &p));
	assert_int_equal(p.n, COUNT(places));
	for (size_t i = 0; i < p.n; i++)
		assert_memory_equal(p.lines[i], places[i],
		    strlen(places[i]));
	problems_free(&p);
}

/* What was there before counts for nothing. */
static void test_earlier_problems(void **state)
{
	struct problems p = { 0 };
	struct im_config *c;

	(void)state;
	problems_add(&p, "another", 1, 1, "wrong");
	c = parse_bytes(msg, strlen(msg), &p);
	assert_non_null(c);
	assert_int_equal(p.count, 1);
	im_config_free(c);
	problems_free(&p);
}

/* --- keys that are not ours --- */

static void test_near_keys(void **state)
{
	static const char *const slips[][2] = {
		{ "Hostip", "HostIp" }, { "HOSTIP", "HostIp" },
		{ "registercenterip", "RegisterCenterIp" },
		{ "RegisterCentreIp", "RegisterCenterIp" },
		{ "RegisterCentrIP", "RegisterCenterIp" },
		{ "RegisterCenterIps", "RegisterCenterIp" },
		{ "1 RegisterCenterIp", "RegisterCenterIp" },
		{ "RegisterTLL", "RegisterTTL" },
		{ "ServiceID", "ServiceId" }, { "SeviceDir", "ServiceDir" },
		{ "DiscoverTTL", "DiscoveryTTL" },
		{ "Http_Port", "HttpPort" },
	};
	char text[80], line[120];

	(void)state;
	for (size_t i = 0; i < COUNT(slips); i++) {
		snprintf(text, sizeof(text), "\n %s=1", slips[i][0]);
		snprintf(line, sizeof(line), "im.conf:2:2: unknown key"
		    " \"%s\" (did you mean \"%s\"?)", slips[i][0],
		    slips[i][1]);
		assert_warning(text, line);
	}
}

static void test_other_keys(void **state)
{
	static const char *const others[] = {
		"ClientListenIP", "HttpListenIP", "MsgServerListenIP",
		"ListenIP", "ListenPort", "ConcurrentDBConnCnt",
		"DBServerIP1", "DBServerPort1", "DBServerPort", "IpAddr1",
		"LoginServerIP1", "LoginServerPort1", "RouteServerPort1",
		"PushServerPort", "FileServerPort1", "FileServerPort",
		"MsgServerPort1", "ClientPort2", "MaxConnCnt", "aesKey",
		"msfs", "discovery", "ServicePort", "ServiceName", "FtpPort",
		"RegisterPort", "DiscoveryIp", "x", "\xb5\xa5\xce\xbb",
		"HostI\xb5",
	};
	char text[80];

	(void)state;
	for (size_t i = 0; i < COUNT(others); i++) {
		snprintf(text, sizeof(text), "%s=\xff\n%s=\n", others[i],
		    others[i]);
		assert_warning(text, NULL);
	}
}

/* --- files --- */

static char path[] = "/tmp/rollcall-test-im-XXXXXX";

static void write_file(const char *text, size_t len, size_t times)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	for (; times > 0; times--)
		assert_int_equal(fwrite(text, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
}

static void assert_not_loaded(const char *file, const char *what)
{
	char *line = xasprintf("%s: %s", file, what);
	struct problems p = { 0 };

	assert_null(im_config_load(file, &p));
	assert_int_equal(p.count, 1);
	assert_string_equal(p.lines[0], line);
	problems_free(&p);
	free(line);
}

static void test_files(void **state)
{
	struct problems p = { 0 };
	struct im_config *c;

	(void)state;
	assert_true(close(mkstemp(path)) == 0);
	write_file(login, strlen(login), 1);
	c = im_config_load(path, &p);
	assert_non_null(c);
	assert_string_equal(c->file, path);
	check_login(c);
	im_config_free(c);
	write_file("#\n", 2, 1 << 19);
	c = im_config_load(path, &p);
	assert_non_null(c);
	im_config_free(c);
	write_file("#\n", 2, (1 << 19) + 1);
	assert_not_loaded(path, "larger than 1048576 bytes");
	unlink(path);
	assert_not_loaded(path, "No such file or directory");
	assert_not_loaded("/", "Is a directory");
}

static void test_too_large(void **state)
{
	char *text = xcalloc(1, (1 << 20) + 1);

	(void)state;
	assert_wrong_bytes(text, (1 << 20) + 1, "im.conf: larger than 1048576"
	    " bytes");
	free(text);
}

/* --- what a server makes of it --- */

static void test_seconds(void **state)
{
	static const struct {
		int64_t ms, s;
		bool rounded;
	} cases[] = {
		{ 2000, 2, false }, { 2001, 3, true }, { 1999, 2, true },
		{ 1000, 1, false }, { 1, 1, true }, { 0, 1, true },
		{ -5000, 1, true }, { INT64_MAX, 9223372036854776, true },
		{ INT64_MIN, 1, true },
	};
	bool rounded;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		rounded = !cases[i].rounded;
		assert_int_equal(im_config_seconds(cases[i].ms, &rounded),
		    cases[i].s);
		assert_int_equal(rounded, cases[i].rounded);
	}
}

static void test_missing(void **state)
{
	struct im_config *c = parse("ServiceId=1");
	struct err e;

	(void)state;
	assert_null(im_config_key(c, &e));
	assert_string_equal(e.text, "im.conf: ServiceDir is missing");
	assert_null(im_config_value(c, &e));
	assert_string_equal(e.text, "im.conf: HostIp is missing");
	im_config_free(c);
	c = parse("ServiceDir=/a");
	assert_null(im_config_key(c, &e));
	assert_string_equal(e.text, "im.conf: ServiceId is missing");
	im_config_free(c);
}

static void test_value_without_ports(void **state)
{
	struct im_config *c = parse("HostIp=im.lan\nMsgServerPort=1");
	char *value = im_config_value(c, NULL);

	(void)state;
	assert_string_equal(value, "{\"ip\":\"im.lan\","
	    "\"msg_server_port\":1}");
	assert_null(address_of_value(value));
	free(value);
	im_config_free(c);
}

/* --- any bytes --- */

/* Whatever was accepted can be registered, if it says what. */
static void check_accepted(const struct im_config *c)
{
	char *key = im_config_key(c, NULL), *value = im_config_value(c, NULL);
	char *address;
	cJSON *tree;

	if (key) {
		assert_int_equal(key[0], '/');
		assert_null(strstr(key, "//"));
	}
	if (value) {
		address = address_of_value(value);
		assert_int_equal(address != NULL, c->client_port > 0);
		free(address);
		tree = json_parse(value, strlen(value), NULL);
		assert_non_null(tree);
		cJSON_Delete(tree);
	}
	free(value);
	free(key);
}

static void try_bytes(const char *text, size_t len)
{
	struct problems p = { 0 };
	struct im_config *c = parse_bytes(text, len, &p);

	assert_int_equal(c == NULL, p.count > 0);
	if (c)
		check_accepted(c);
	im_config_free(c);
	problems_free(&p);
}

/* One byte replaced, left out or doubled. */
static size_t garble(char *text, size_t len)
{
	static const char bytes[] = "\n\r\t =#;.:/[]09aZ\"\0\xb5\xef\xff";
	size_t at = seeded_below(len);

	switch (seeded_below(4)) {
	case 0:
		memmove(text + at, text + at + 1, len - at - 1);
		return len - 1;
	case 1:
		memmove(text + at + 1, text + at, len - at);
		return len + 1;
	case 2:
		text[at] = (char)seeded();
		return len;
	default:
		text[at] = bytes[seeded_below(sizeof(bytes))];
		return len;
	}
}

static void test_garbled(void **state)
{
	static const char *const texts[] = { login, msg };
	char text[1024];
	size_t len;

	(void)state;
	seeded_start();
	for (int i = 0; i < 20000; i++) {
		len = strlen(texts[i % 2]);
		memcpy(text, texts[i % 2], len);
		for (size_t n = 1 + seeded_below(6); n > 0; n--)
			len = garble(text, len);
		try_bytes(text, len);
	}
}

static void test_noise(void **state)
{
	static const char letters[] = "HostIp=Port#\n;. 1:\xe5\x8d\x95";
	char text[64];
	size_t len;

	(void)state;
	seeded_start();
	for (int i = 0; i < 20000; i++) {
		len = seeded_below(sizeof(text));
		for (size_t k = 0; k < len; k++)
			text[k] = i % 2 ? (char)seeded() :
			    letters[seeded_below(sizeof(letters) - 1)];
		try_bytes(text, len);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_login_server),
		cmocka_unit_test(test_msg_server),
		cmocka_unit_test(test_windows),
		cmocka_unit_test(test_foreign_comments),
		cmocka_unit_test(test_blanks_and_little),
		cmocka_unit_test(test_endpoints),
		cmocka_unit_test(test_hosts_refused),
		cmocka_unit_test(test_list_gaps),
		cmocka_unit_test(test_too_many_hosts),
		cmocka_unit_test(test_first_host),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_paths),
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_all_at_once),
		cmocka_unit_test(test_earlier_problems),
		cmocka_unit_test(test_near_keys),
		cmocka_unit_test(test_other_keys),
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_too_large),
		cmocka_unit_test(test_seconds),
		cmocka_unit_test(test_missing),
		cmocka_unit_test(test_value_without_ports),
		cmocka_unit_test(test_garbled),
		cmocka_unit_test(test_noise),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
