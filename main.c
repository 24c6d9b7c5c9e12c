/* rollcall: calls the roll of the services registered in etcd.  Here is only
 * the way from the command line to the command; commands are in cli/. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/flags.h"

/* Whatever is opened first would else take the place of a descriptor that we
 * were started without, and be written to as if it were the log.  Reading
 * from such a one, or writing to it, still fails. */
static void fill_standard_descriptors(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0)
			(void)open("/dev/null", fd == STDIN_FILENO ?
			    O_WRONLY : O_RDONLY);
}

int main(int argc, char **argv)
{
	int rc;

	fill_standard_descriptors();
	rc = command_run(argc, argv);
	if (fflush(stdout) == 0 && !ferror(stdout))
		return rc;
	fprintf(stderr, "rollcall: writing the output: %s\n",
	    strerror(errno));
	return rc == EXIT_OK ? EXIT_FAILED : rc;
}
