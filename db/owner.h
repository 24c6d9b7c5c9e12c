#ifndef DB_OWNER_H
#define DB_OWNER_H

/* What root has made belongs to whom its folder does from here on: a daemon
 * that is not root has to open it.  Nothing happens where somebody else made
 * it. */
void owner_as_folder(const char *path);

#endif
