# Each flag in a command's --help stands, with its value, under FLAGS OF that
# command in the man page; each command under COMMANDS.
page=packaging/rollcall.1
section() {	# NAME: its text, without roff
	sed -n "/^\.SH $1\$/,/^\.SH /p" $page |
	    sed 's/\\f[BRI]//g; s/\\-/-/g; s/^\.BR* //'
}
rollcall help | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p' |
while read -r command; do
	section COMMANDS | grep -q "^$command" ||
	    echo "COMMANDS: $command is missing"
	name="FLAGS OF $(echo "$command" | tr a-z A-Z)"
	rollcall "$command" --help |
	    sed -n 's/^      \(--[^ ]*\).*/\1/p' |
	while read -r flag; do
		echo "$command $flag"
		section "$name" | grep -qF -e "$flag" ||
		    echo "$name: $flag is missing"
	done
done
