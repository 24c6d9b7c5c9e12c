#!/bin/sh
# Writes docs/METRICS.md from core/metrics.def, the table that /metrics itself
# is written by.
#	docs/metrics.sh			writes the file
#	docs/metrics.sh --check		fails if the file is not what it should be
set -eu
cd "$(dirname "$0")/.."

# One line per metric, fields between tabs: name type source labels help.
table() {
	printf '%s\n' \
	    '#define M(id, name, type, source, labels, help) @ name @ type @ source @ labels @ help @' \
	    '#include "core/metrics.def"' |
	${CC:-cc} -E -P -I. -x c - | tr '\n' ' ' | awk '
	{
		gsub(/" +"/, "")	# "a" "b" is one string to the compiler
		gsub(/\\"/, "\001")
		n = split($0, f, / *@ */)
		for (i = 2; i + 4 <= n; i += 6) {
			line = ""
			for (k = 0; k < 5; k++) {
				v = f[i + k]
				gsub(/^"|"$/, "", v)
				gsub(/\001/, "\"", v)
				line = line (k ? "\t" : "") v
			}
			print line
		}
	}'
}

document() {
	cat <<'END'
# Metrics

What rollcall exposes at `/metrics`, in text format 0.0.4 or, if the client
asks for it, OpenMetrics 1.0. Written by `docs/metrics.sh` from
`core/metrics.def`: change the meaning of a metric there.

The values come from what rollcall is told by etcd as it happens and from its
own polls, not from a poll at the time of the scrape; the metrics ending in
`_timestamp_seconds` say how fresh they are. A series whose value is not known
is left out: what an endpoint of etcd told ends after two polls in a row that
failed; its `_up` is 0 then, and its timestamp stays.

Labels have these values:

- `endpoint`: `health`, `version`, `members`, `leader`, `keys`, `stats_leader`,
  `stats_self`, `stats_store`.
- `operation`: `get`, `set`, `create`, `update`, `delete`, `compare_and_swap`,
  `compare_and_delete`.
- `reason` of `rollcall_resyncs_total`: `start`, `history_cleared`,
  `new_store`, `connection`, `member`, `leader`, `difference`.
- `reason` of `rollcall_notification_failures_total`: `resolve`, `connect`,
  `tls`, `timeout`, `broken`, `client_error`, `rate_limited`, `server_error`,
  `expired`, `unconfigured`.
- `integration`: `alertmanager`; `webhook`, and `webhook[1]` and so on for the
  further ones of a receiver.
END
	table | awk -F '\t' '
	function title(name) {
		if (name ~ /^rollcall_instance/) return "Instances"
		if (name ~ /^rollcall_service/) return "Services"
		if (name ~ /^rollcall_(looking|mass|directory|watch|resync|bad)/)
			return "Watching the registry"
		if (name ~ /^rollcall_(etcd|poll)/) return "etcd"
		if (name ~ /^rollcall_(alert|notif|maint)/) return "Alerts"
		return "rollcall itself"
	}
	{
		if (title($1) != last) {
			last = title($1)
			printf "\n## %s\n\n", last
			print "| metric | type | labels | meaning |"
			print "|---|---|---|---|"
		}
		suffix = $2 == "COUNTER" ? "_total" : $2 == "INFO" ? "_info" : ""
		labels = $4
		gsub(/,/, "`, `", labels)
		if (labels != "") labels = "`" labels "`"
		gsub(/\|/, "\\|", $5)
		printf "| `%s%s` | %s | %s | %s |\n", $1, suffix,
		    tolower($2), labels, $5
	}'
}

made=$(mktemp)
trap 'rm -f "$made"' EXIT
document >"$made"
known=$(grep -c '^M(' core/metrics.def)
written=$(grep -c '^| `' "$made") || true
if [ "$known" != "$written" ]; then
	echo "docs/metrics.sh: $written of $known metrics understood" >&2
	exit 1
fi
if [ "${1:-}" != --check ]; then
	cp "$made" docs/METRICS.md
elif ! diff -u docs/METRICS.md "$made"; then
	echo "docs/METRICS.md is stale: run docs/metrics.sh" >&2
	exit 1
fi
