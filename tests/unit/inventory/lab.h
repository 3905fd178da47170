/* SPDX-License-Identifier: MPL-2.0 */
/* lab -- a plain connection to a fresh inventory, as the sqlite3 shell would have one. */
#ifndef INVENTORY_LAB_H
#define INVENTORY_LAB_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "inventory_sql.h"

/* path ":memory:", or a file. */
static inline sqlite3 *lab_open(const char *path)
{
        sqlite3 *db = NULL;

        assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
        if (sqlite3_exec(db, inventory_schema_sql, NULL, NULL, NULL) != SQLITE_OK)
                fail_msg("schema: %s", sqlite3_errmsg(db));
        (void)sqlite3_exec(db, "PRAGMA synchronous = OFF", NULL, NULL, NULL); /* a test's files may be lost */
        return db;
}

static inline void lab_do(sqlite3 *db, const char *sql)
{
        if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
                fail_msg("%s\n  refused: %s", sql, sqlite3_errmsg(db));
}

/* The statement is refused, and what SQLite says holds @sentence. */
static inline void lab_refused(sqlite3 *db, const char *sql, const char *sentence)
{
        if (sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK)
                fail_msg("%s\n  was accepted", sql);
        if (!strstr(sqlite3_errmsg(db), sentence))
                fail_msg("%s\n  wants: %s\n  got:   %s", sql, sentence, sqlite3_errmsg(db));
}

/* First column of the first row as text, in a buffer that the next call overwrites; "(none)" without a row, "(null)". */
static inline const char *lab_text(sqlite3 *db, const char *sql)
{
        static char text[2000];
        sqlite3_stmt *s = NULL;

        if (sqlite3_prepare_v2(db, sql, -1, &s, NULL) != SQLITE_OK)
                fail_msg("%s: %s", sql, sqlite3_errmsg(db));
        (void)snprintf(text, sizeof text, "(none)");
        if (sqlite3_step(s) == SQLITE_ROW) {
                const char *t = (const char *)sqlite3_column_text(s, 0);

                (void)snprintf(text, sizeof text, "%s", t ? t : "(null)");
        }
        sqlite3_finalize(s);
        return text;
}

#endif
