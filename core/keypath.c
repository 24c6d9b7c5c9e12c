/* What is wrong with the path of a key or directory, in words.  Called where
 * configuration and command lines name one; the request itself is looked at
 * once more by etcd/wire.c. */
#include "core/keypath.h"

#include <ctype.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

static bool is_dots(const char *name, size_t n)
{
	return (n == 1 || n == 2) && strspn(name, ".") >= n;
}

const char *keypath_fault(const char *path)
{
	const char *s;
	size_t n;

	if (path[0] != '/')
		return "must begin with a slash";
	for (s = path; *s; s++)
		if (iscntrl((unsigned char)*s))
			return "has a control character in it";
	if (strstr(path, "//"))
		return "has two slashes in a row";
	for (s = path; *s == '/'; s += n) {
		n = strcspn(++s, "/");
		if (is_dots(s, n))
			return "has a part that is . or ..";
	}
	return NULL;
}

const char *keypath_directory_fault(char *path)
{
	size_t n = strlen(path);

	if (n > 1 && path[n - 1] == '/' && path[n - 2] != '/')
		path[n - 1] = '\0';
	if (strcmp(path, "/") == 0)
		return "the root cannot be watched, only directories below it";
	if (path[0] == '/' && strstr(path, "/_"))
		return "has a hidden part (one that begins with _), which etcd"
		    " does not list";
	return keypath_fault(path);
}
