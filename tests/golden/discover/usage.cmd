try() { rollcall discover "$@"; echo "-- exit $?"; }
etcd=--etcd.endpoint=http://127.0.0.1:1
try
try $etcd
try --directory=/login_servers
try $etcd --directory=login_servers
try $etcd --directory=/a --directory=/a/b
try $etcd --directory=/a-b --directory=/a_b --format=env
try $etcd --directory=/a --format=yaml
try $etcd --directory=/a --resync=10ms
try $etcd --directory=/a --debounce=fast
try $etcd --directory=/a --http.config.file=/nonexistent.yml
try --etcd.endpoint=ftp://127.0.0.1:1 --directory=/a
try --config=/nonexistent.conf
try $etcd --directory=/a
