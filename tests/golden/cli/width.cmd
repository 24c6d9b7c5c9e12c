# No help, and no error that says what is needed, is wider than 80 columns; nor
# is what `make help` says.
names() { "$@" --help | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p'; }
look() {
	said=$("$@" 2>&1)
	[ "$said" ] || echo "$*: says nothing"
	echo "$said" | awk -v c="$*" 'length > 80 { print c ": " $0 }'
}
look rollcall help
look env MAKEFLAGS= make help
for c in $(names rollcall); do
	look rollcall "$c" --help
	for below in $(names rollcall "$c"); do
		look rollcall "$c" "$below" --help
		looked="$looked $c-$below"
	done
	looked="$looked $c"
done
echo "looked at:$looked"
cd "$(mktemp -d)" || exit
for c in serve check discover register forget uptime outages events \
    'db check' 'db backup' 'db import' 'maintenance start' 'maintenance end'; do
	look rollcall $c
done
look rollcall discover --etcd.endpoint=http://127.0.0.1:1
look rollcall discover --directory=/x
look rollcall serve --etcd.endpoint=http://127.0.0.1:1
look rollcall serve --directory=/x
rmdir "$PWD"
