# The history of history.json over HTTP, from a daemon that cannot reach etcd.
dir=$(mktemp -d)
export TZ=UTC
rollcall db import --storage.path="$dir/h.db" tests/golden/cli/history.json \
    >/dev/null
: >"$dir/log"				# it is read before it may be there
rollcall serve --etcd.endpoint=http://127.0.0.1:1 --directory=/services \
    --storage.path="$dir/h.db" --web.listen-address=127.0.0.1:0 2>"$dir/log" &
daemon=$!
trap 'kill $daemon; wait $daemon; rm -rf "$dir"' EXIT
for try in $(seq 200); do
	address=$(sed -n 's/.*msg="listening" address=//p' "$dir/log")
	[ "$address" ] && curl -sf "http://$address/-/ready" >/dev/null && break
	sleep 0.05
done
days='from=2025-11-24T00:00:00Z&to=2025-11-27T00:00:00Z'
for asked in "uptime?$days" "uptime?$days&of=instances&limit=1" \
    "uptime?$days&service=login*&step=1d" "uptime?$days&min=1&service=l*" \
    "outages?$days" "outages?$days&limit=1" \
    "events?$days&instance=0002-*" "uptime?form=1" 'uptime?from=x' \
    'badge/login_server/uptime/x.svg' 'uptimes'; do
	echo "\$ curl .../$asked"
	curl -s -D "$dir/head" "http://$address/api/registry/v1/$asked"
	sed -n 's/\r$//; 1p; /^Link/p; /^Retry/p' "$dir/head"
done
