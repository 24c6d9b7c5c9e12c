# Makes one header out of those that a user of the etcd client needs: each
# #include "FILE" is replaced by that file, once; #include <...> stays.
#	awk -f packaging/header.awk etcd/blocking.h ...
function copy(file,   line, parts) {
	if (file in seen)
		return
	seen[file] = 1
	while ((getline line < file) > 0) {
		if (split(line, parts, "\"") == 3 &&
		    line ~ /^#include "/)
			copy(parts[2])
		else if (line ~ /^#(ifndef|define) [A-Z_]*_H$/ ||
		    line == "#endif")
			continue
		else
			print line
	}
	close(file)
}
BEGIN {
	print "#ifndef ROLLCALL_ETCD_H"
	print "#define ROLLCALL_ETCD_H\n"
	print "/* The client of etcd's v2 HTTP API of rollcall " \
	    ENVIRON["VERSION"] ": its headers in one,"
	print " * those that others stand on first.  Begin reading at" \
	    " \"A cluster of etcd\",\n * and at \"What is asked of etcd\"." \
	    " */\n"
	for (i = 1; i < ARGC; i++)
		copy(ARGV[i])
	print "#endif"
	exit
}
