/* The flags of `rollcall register`, and what must hold between them.  What
 * follows `--` is the command, flags of its own and all.  What they name is
 * looked at by whoever uses it. */
#include "cli/register_flags.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "cli/ready.h"
#include "core/err.h"

/* In the order of the enums of core/log.h. */
static const char *const levels[] = { "debug", "info", "warn", "error", NULL };
static const char *const formats[] = { "logfmt", "json", NULL };

#define FLAG(name_, type_, field_, value_, help_, ...) \
	{ .name = (name_), .type = FLAG_ ## type_, \
	  .offset = offsetof(struct register_flags, field_), \
	  .value = (value_), .help = (help_), __VA_ARGS__ }

static const struct flag table[] = {
	FLAG("config", STRING, config, "FILE", "A configuration of the"
	    " instant-messaging servers (key=value): RegisterCenterIp,"
	    " ServiceDir, ServiceId, HostIp, RegisterTTL and so on count"
	    " where no flag says otherwise.", .not_empty = true),
	ETCD_ENDPOINT_FLAG(struct register_flags, etcd),
	ETCD_HTTP_FLAG(struct register_flags, etcd),
	FLAG("key", STRING, key, "KEY", "The key to register, such as"
	    " /login_servers/0001-0001.", .not_empty = true),
	FLAG("keys-from", STRING, keys_from, "FILE", "Instead of --key and"
	    " --value: many registrations, one per line, KEY and VALUE with a"
	    " blank or a tab between; - is standard input.",
	    .not_empty = true),
	FLAG("log.format", WORD, log_format, NULL, "How log lines are"
	    " written.", .words = formats, .fallback = "logfmt"),
	FLAG("log.level", WORD, log_level, NULL, "Only lines of at least this"
	    " weight are logged.", .words = levels, .fallback = "info"),
	FLAG("ready-tcp", STRING, ready_tcp, "HOST:PORT", "Register only once"
	    " this address accepts connections.", .not_empty = true),
	FLAG("takeover", BOOL, takeover, NULL, "Write over another's value"
	    " instead of looking whether that one is still alive."),
	FLAG("ttl", DURATION, ttl_ms, "DURATION", "How long the key outlives"
	    " its last heartbeat, in whole seconds; one is sent every third"
	    " of it. Default: 10s."),
	FLAG("value", STRING, value, "VALUE", "What to register, such as"
	    " {\"ip\":\"10.0.0.7\",\"port\":8008}."),
};

const struct flag_set register_flag_set = {
	.command = "register",
	.summary = "Registers a key in etcd and keeps it alive, until it is"
	    " stopped, or as long as COMMAND runs; then takes it out again."
	    " Signals are passed on to COMMAND, and its exit code is"
	    " returned.",
	.operands = "[-- COMMAND ARGS...]",
	.example = "rollcall register"
	    " --etcd.endpoint=http://127.0.0.1:2379 \\\n"
	    "        --key=/login_servers/0001-0001 --ttl=5s \\\n"
	    "        --value='{\"ip\":\"10.0.0.7\",\"port\":8008}' --"
	    " ./login_server",
	FLAG_SET_FLAGS(table),
};

static int check_keys_from(const struct register_flags *f)
{
	if (f->keys_from && (f->key || f->value))
		return flags_usage(&register_flag_set, "--keys-from and --%s"
		    " exclude each other: write it into the file",
		    f->key ? "key" : "value");
	return -1;
}

static int check_ready(const struct register_flags *f)
{
	struct err e;

	if (!f->ready_tcp || ready_check(f->ready_tcp, &e) == 0)
		return -1;
	return flags_usage(&register_flag_set, "--ready-tcp: %s", e.text);
}

static int check_operands(const struct string_list *operands)
{
	if (operands->n == 0)
		return -1;
	return flags_usage(&register_flag_set, "unexpected argument \"%s\": a"
	    " command stands behind --, as in: rollcall register ... -- %s",
	    operands->v[0], operands->v[0]);
}

static int check(const struct register_flags *f,
    const struct string_list *operands)
{
	int rc = check_operands(operands);

	if (rc < 0 && f->command && !f->command[0])
		rc = flags_usage(&register_flag_set, "a command is missing"
		    " behind --");
	if (rc < 0)
		rc = check_keys_from(f);
	if (rc < 0)
		rc = check_ready(f);
	return rc;
}

int register_flags_parse(int argc, char **argv, struct register_flags *f)
{
	struct string_list operands = { 0 };
	int end = 1, rc;

	*f = (struct register_flags){ .ttl_ms = -1 };
	while (end < argc && strcmp(argv[end], "--") != 0)
		end++;
	rc = flags_parse(&register_flag_set, end, argv, f, &operands);
	if (rc >= 0)
		return rc;
	if (end < argc)
		f->command = argv + end + 1;
	rc = check(f, &operands);
	free(operands.v);
	if (rc >= 0)
		register_flags_free(f);
	return rc;
}

void register_flags_free(struct register_flags *f)
{
	flags_free(&register_flag_set, f);
}
