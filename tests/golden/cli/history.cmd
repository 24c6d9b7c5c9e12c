# Three days of three instances, in which all sorts of things happened.
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
db=$dir/h.db
export TZ=UTC LC_ALL=C.UTF-8 COLUMNS=80
rollcall db import --storage.path="$db" tests/golden/cli/history.json | sed 's,/.*/,,'
rollcall db check --storage.path="$db" | sed 's/, [0-9.]* kB/, SIZE/'
days="--storage.path=$db --from=2025-11-24 --to=2025-11-27"
for asked in uptime 'uptime --by=day login*' 'uptime --instances --sort=name' \
    'uptime --wide' 'uptime --min=1 --format=csv' 'uptime */0001-0001 --format=json' \
    outages 'outages --services' 'outages msg_server --format=json' \
    'events login_server' 'events */0002-* --format=csv' 'uptime nobody'; do
	echo "\$ rollcall $asked"
	set -f
	rollcall $asked $days
	set +f
done
