# Looking after a database: made by an import, so that there is one.
dir=$(mktemp -d)
tables=$(grep '"table"' tests/golden/cli/history.json)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
rollcall db --help
rollcall db backup --help
rollcall db backup
rollcall db bakcup
rollcall db check
rollcall db backup copy.db
rollcall db export --storage.path=other.db
{
	echo '{"rollcall_export":1,"schema":2}'
	echo "$tables" | grep -v '"meta"'
	echo '{"table":"meta","columns":["key","value"]}'
	echo '["k",1]'
	echo '{"end":true,"rows":1}'
} >text
grep -v '"roll"' text | rollcall db import -
sed '/"meta"/h; /"end"/{x;G;}' text | rollcall db import -
rollcall db import text
rollcall db check | sed 's/[0-9.]* kB/SIZE/'
rollcall db export | grep -v '"table"'
rollcall db backup copy.db
rollcall db backup copy.db
rollcall db backup copy.db --force
rollcall db export --help
echo kept >taken
rollcall db export taken
cat taken
rollcall db import text
