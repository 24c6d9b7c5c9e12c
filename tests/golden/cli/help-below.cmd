# `help` of a command below a command is that command's --help.
try() { rollcall "$@"; echo "-- exit $?"; }
for group in db maintenance; do
	rollcall $group --help | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p' |
	while read -r command; do
		echo "$group $command"
		said=$(rollcall help $group "$command") ||
		    echo "help $group $command: exit $?"
		[ "$said" = "$(rollcall $group "$command" --help)" ] ||
		    echo "help $group $command says something else"
	done
done
try help db bakcup
try help db backup FILE
try help events nosuch
