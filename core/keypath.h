#ifndef CORE_KEYPATH_H
#define CORE_KEYPATH_H

/* Paths of keys and directories in etcd, as people write them. */

/* What is wrong with the path of a key, to be put behind it ("must begin with
 * a slash"); NULL if nothing is.  etcd makes another key of one with an empty
 * name, "." or "..". */
const char *keypath_fault(const char *path);

/* The same for a directory that is to be watched: not the root, and nothing
 * hidden.  One slash at its end is cut off. */
const char *keypath_directory_fault(char *path);

#endif
