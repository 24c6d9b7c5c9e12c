try() { rollcall "$@"; echo "-- exit $?"; }
try evnts
try
try serve
try serve --etcd.endpoint=http://127.0.0.1:2379
try serve --config.file=a.yml --directory=/x
try serve --log.level=loud --config.file=rollcall.yml
try serve --config.fil=rollcall.yml
try check
try check /nonexistent.yml
try events --storage.path=/nonexistent.db
try events --format=xml
try events --since=-1h
try events --since=2026-13-01
try events --storage.path=
try events --config.file=
try serve --config.file=
try help serve extra
try help --bogus
echo "-- output that cannot be written"
rollcall help >/dev/full
echo "-- exit $?"
echo "-- nobody there, and a file without its flag"
try forget a/b --url=http://127.0.0.1:1
try serve rollcall.yml
