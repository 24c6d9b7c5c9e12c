/* What is running: our version and revision, which the Makefile passes in,
 * the compiler, and the libraries as they are at run time. */
#include "cli/version.h"

#include <stdio.h>

#include <cjson/cJSON.h>
#include <curl/curl.h>
#include <microhttpd.h>
#include <sqlite3.h>
#include <yaml.h>
#include <zlib.h>

#include "cli/command.h"
#include "cli/flags.h"

#ifndef ROLLCALL_VERSION
#define ROLLCALL_VERSION "unknown"
#endif
#ifndef ROLLCALL_REVISION
#define ROLLCALL_REVISION "unknown"
#endif

const char *rollcall_version(void)
{
	return ROLLCALL_VERSION;
}

const char *rollcall_revision(void)
{
	return ROLLCALL_REVISION;
}

const char *rollcall_compiler(void)
{
#ifdef __clang__
	return "clang " __clang_version__;
#else
	return "gcc " __VERSION__;
#endif
}

static const struct flag_set flags = {
	.command = "version",
	.summary = "Prints the version of rollcall, the compiler it was built"
	    " with and the libraries it runs with.",
	.example = "rollcall version",
};

int cli_version(int argc, char **argv)
{
	int rc = flags_parse(&flags, argc, argv, NULL, NULL);

	if (rc >= 0)
		return rc;
	printf("rollcall, version %s (revision %s)\n", rollcall_version(),
	    rollcall_revision());
	printf("  compiler:   %s\n", rollcall_compiler());
	printf("  libraries:  libcurl %s (%s), libmicrohttpd %s,\n",
	    curl_version_info(CURLVERSION_NOW)->version,
	    curl_version_info(CURLVERSION_NOW)->ssl_version,
	    MHD_get_version());
	printf("              sqlite %s, cJSON %s, libyaml %s, zlib %s\n",
	    sqlite3_libversion(), cJSON_Version(), yaml_get_version_string(),
	    zlibVersion());
	return EXIT_OK;
}
