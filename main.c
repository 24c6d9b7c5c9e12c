/* rollcall: calls the roll of the services registered in etcd.  Here is only
 * the way from the command line to the command; commands are in cli/. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "cli/flags.h"

int main(int argc, char **argv)
{
	int rc = command_run(argc, argv);

	if (fflush(stdout) == 0 && !ferror(stdout))
		return rc;
	fprintf(stderr, "rollcall: writing the output: %s\n",
	    strerror(errno));
	return rc == EXIT_OK ? EXIT_FAILED : rc;
}
