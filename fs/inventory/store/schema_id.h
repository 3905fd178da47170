/* SPDX-License-Identifier: MPL-2.0 */
/* schema_id -- whether a database is an inventory, and one that is understood: the daemon, pxectl and its doctor ask the same
 * here. */
#ifndef PXEFS_INVENTORY_STORE_SCHEMA_ID_H
#define PXEFS_INVENTORY_STORE_SCHEMA_ID_H

#include <sqlite3.h>

#include "base/err.h"

#define SCHEMA_VERSION 2          /* PRAGMA user_version of schema/inventory.sql */
#define SCHEMA_TEXT    "2"        /* the same */
#define SCHEMA_OLDEST  1          /* the oldest that is served; what it has not is taken for absent */
#define SCHEMA_APP_ID  0x70786673 /* PRAGMA application_id: "pxfs" */

/* Refuses a path that is a symbolic link: who follows it once and who follows it each time would, when it is changed, have
 * different files in mind.  0, or -ELOOP with the way out. */
int schema_id_path(const char *path, struct err *err);

/* Reads application_id and user_version.  *ret_version, if it could be read, is set in any case.  0 if it is an inventory of
 * a version from SCHEMA_OLDEST to SCHEMA_VERSION; -EBADMSG with the way out if it is not; another negative errno, without
 * a reason, if SQLite cannot read it: sqlite3_errmsg tells then. */
int schema_id(sqlite3 *db, const char *path, int *ret_version, struct err *err);

/* The half of it that can change under an open connection. */
int schema_id_version(int version, const char *path, struct err *err);

#endif
