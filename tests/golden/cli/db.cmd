# Looking after a database: made by an import, so that there is one.
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
rollcall db --help
rollcall db backup --help
rollcall db backup
rollcall db bakcup
rollcall db check
printf '%s\n' '{"rollcall_export":1,"schema":2}' \
    '{"table":"meta","columns":["key","value"]}' '["k",1]' \
    '{"end":true,"rows":1}' >text
rollcall db import text
rollcall db check | sed 's/[0-9.]* kB/SIZE/'
rollcall db export | grep -v '"table"'
rollcall db backup copy.db
rollcall db backup copy.db
rollcall db import text
