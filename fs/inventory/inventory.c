/* SPDX-License-Identifier: MPL-2.0 */
/* inventory -- questions to the operator's database; see inventory.h.
 *
 * Each function borrows a connection, which is one read transaction (pool.c), asks by key, and gives it back.
 * Plans are made in load.c.  Nothing is remembered between calls, so there is nothing that could be stale.
 *
 * Names that go into the tree (hosts, addresses, channels) are checked here before they are listed: rows can
 * be written with checks off, and a name with a '/' would make readdir fail for all.
 *
 * Locks: none of its own.
 */
#include "inventory/inventory.h"

#include <errno.h>
#include <string.h>

#include "inventory/load.h"
#include "inventory/mac.h"
#include "inventory/pool.h"

#define NAME_MAX_BYTES 255 /* of one path component, Linux */

struct inventory {
        struct pool *pool; /* owned */
};

int inventory_open(const char *path, struct inventory **ret, struct err *err)
{
        struct inventory *inv = calloc(1, sizeof *inv);
        int r;

        if (!inv)
                return err_set(err, -ENOMEM, "out of memory");
        r = pool_new(path, &inv->pool, err);
        if (r < 0) {
                free(inv);
                return r;
        }
        *ret = inv;
        return 0;
}

void inventory_close(struct inventory *inv)
{
        if (!inv)
                return;
        pool_free(inv->pool);
        free(inv);
}

static int host_by_mac(struct conn *c, uint64_t mac, int64_t *ret, struct err *err)
{
        AUTO_STMT sqlite3_stmt *s = NULL;
        char text[MAC_TEXT_SIZE];
        int r = conn_query(c, Q_host_by_mac, &s, err);

        if (r < 0)
                return r;
        mac_format(mac, text);
        if (sqlite3_bind_text(s, 1, text, -1, SQLITE_STATIC) != SQLITE_OK)
                return err_set(err, -ENOMEM, "out of memory");
        r = conn_step(c, s, err);
        if (r > 0)
                *ret = sqlite3_column_int64(s, 0);
        sqlite3_reset(s);
        sqlite3_clear_bindings(s); /* @text ends here */
        return r;
}

int inventory_plan(struct inventory *inv, uint64_t mac, struct plan **ret, struct err *err)
{
        struct conn *c;
        int64_t host = 0;
        int r = pool_get(inv->pool, &c, err);

        if (r < 0)
                return r;
        r = host_by_mac(c, mac, &host, err);
        if (r > 0) {
                r = load_host(c, host, mac, ret, err);
                if (r == -ENOENT) /* a NIC whose host was deleted behind the triggers' back */
                        r = 0;
                else
                        goto out;
        }
        if (r == 0)
                r = load_unknown(c, mac, ret, err);
out:
        pool_put(inv->pool, c, r);
        return r;
}

int inventory_plan_by_host(struct inventory *inv, int64_t host_id, struct plan **ret, struct err *err)
{
        struct conn *c;
        int r = pool_get(inv->pool, &c, err);

        if (r < 0)
                return r;
        r = load_host(c, host_id, 0, ret, err);
        pool_put(inv->pool, c, r);
        return r;
}

/* The row of a query with one text parameter whose first column is text.  With @single, column 1 tells
 * whether more rows fit.
 * @take gets the text. */
static int ask_text(struct inventory *inv, enum query q, const char *what, const char *key, bool single,
        int (*take)(void *ctx, const char *text), void *ctx, struct err *err)
{
        sqlite3_stmt *s = NULL;
        struct conn *c;
        const char *text;
        int r = pool_get(inv->pool, &c, err);

        if (r < 0)
                return r;
        r = conn_query(c, q, &s, err);
        if (r == 0 && sqlite3_bind_text(s, 1, key, -1, SQLITE_STATIC) != SQLITE_OK)
                r = err_set(err, -ENOMEM, "out of memory");
        if (r == 0)
                r = conn_step(c, s, err);
        if (r == 0) {
                r = err_set(err, -ENOENT, "the inventory has no %s %s", what, key);
        } else if (r > 0 && single && sqlite3_column_int(s, 1) != 0) {
                r = err_set(err, -ENOTUNIQ, "more than one host has the %s %s", what, key);
        } else if (r > 0) {
                r = conn_text(s, 0, NAME_MAX_BYTES, &text);
                if (r == 0 || r == -ENODATA)
                        r = take(ctx, r == 0 ? text : NULL);
                if (r == -EILSEQ)
                        r = err_set(err, -ENOENT, "the row of %s %s is unusable", what, key);
                else if (r < 0)
                        r = err_set(err, r, "out of memory");
        }
        if (s) {
                sqlite3_reset(s);
                sqlite3_clear_bindings(s); /* @key ends here */
        }
        pool_put(inv->pool, c, r == -ENOTUNIQ ? -ENOENT : r); /* neither is the connection's fault */
        return r;
}

static int take_mac(void *ctx, const char *text)
{
        return text && mac_parse(text, ctx, NULL) == 0 ? 0 : -EILSEQ;
}

int inventory_mac_by_name(struct inventory *inv, const char *hostname, uint64_t *ret_mac, struct err *err)
{
        return ask_text(inv, Q_mac_by_name, "host", hostname, false, take_mac, ret_mac, err);
}

int inventory_mac_by_ip(struct inventory *inv, const char *ip, uint64_t *ret_mac, struct err *err)
{
        return ask_text(inv, Q_mac_by_ip, "IP address", ip, true, take_mac, ret_mac, err);
}

int inventory_mac_by_uuid(struct inventory *inv, const char *uuid, uint64_t *ret_mac, struct err *err)
{
        return ask_text(inv, Q_mac_by_uuid, "UUID", uuid, true, take_mac, ret_mac, err);
}

static bool is_file_name(const char *s)
{
        return *s && !strchr(s, '/') && strcmp(s, ".") != 0 && strcmp(s, "..") != 0;
}

static int take_build(void *ctx, const char *text)
{
        if (text && !is_file_name(text))
                return -EILSEQ;
        *(char **)ctx = strdup(text ? text : "latest");
        return *(char **)ctx ? 0 : -ENOMEM;
}

int inventory_channel(struct inventory *inv, const char *channel, char **ret_build, struct err *err)
{
        return ask_text(inv, Q_channel_by_name, "channel", channel, false, take_build, ret_build, err);
}

/* Calls @add for the rows of a query (key, text); with @macs the key is the text as a number. */
static int list_rows(
        struct conn *c, sqlite3_stmt *s, bool macs, inventory_list_fn *add, void *ctx, struct err *err)
{
        int r;

        while ((r = conn_step(c, s, err)) > 0) {
                uint64_t key = (uint64_t)sqlite3_column_int64(s, 0);
                const char *name;
                bool canonical = true;

                r = conn_text(s, 1, NAME_MAX_BYTES, &name);
                if (r == -ENOMEM)
                        return err_set(err, r, "out of memory");
                if (r < 0 || !is_file_name(name) || (macs && mac_parse(name, &key, &canonical) < 0) ||
                        !canonical)
                        continue; /* unusable: it can be found in .pxefs and by sqlite3, not in a listing */
                if (!add(ctx, key, name))
                        return 0;
        }
        return r;
}

static int list(struct inventory *inv, enum query q, uint64_t after, bool macs, inventory_list_fn *add,
        void *ctx, struct err *err)
{
        sqlite3_stmt *s = NULL;
        char text[MAC_TEXT_SIZE];
        struct conn *c;
        int rc, r;

        if (after > (macs ? UINT64_C(0xffffffffffff) : (uint64_t)INT64_MAX))
                return 0;
        r = pool_get(inv->pool, &c, err);
        if (r < 0)
                return r;
        r = conn_query(c, q, &s, err);
        if (r == 0) {
                mac_format(after, text);
                rc = macs ? sqlite3_bind_text(s, 1, text, -1, SQLITE_STATIC)
                          : sqlite3_bind_int64(s, 1, (int64_t)after);
                r = rc == SQLITE_OK ? list_rows(c, s, macs, add, ctx, err)
                                    : err_set(err, -ENOMEM, "out of memory");
                sqlite3_reset(s);
                sqlite3_clear_bindings(s);
        }
        pool_put(inv->pool, c, r);
        return r;
}

int inventory_list_macs(
        struct inventory *inv, uint64_t after, inventory_list_fn *add, void *ctx, struct err *err)
{
        return list(inv, Q_list_macs, after, true, add, ctx, err);
}

int inventory_list_names(
        struct inventory *inv, uint64_t after, inventory_list_fn *add, void *ctx, struct err *err)
{
        return list(inv, Q_list_names, after, false, add, ctx, err);
}

int inventory_list_ips(
        struct inventory *inv, uint64_t after, inventory_list_fn *add, void *ctx, struct err *err)
{
        return list(inv, Q_list_ips, after, false, add, ctx, err);
}

int inventory_list_uuids(
        struct inventory *inv, uint64_t after, inventory_list_fn *add, void *ctx, struct err *err)
{
        return list(inv, Q_list_uuids, after, false, add, ctx, err);
}

int inventory_list_channels(
        struct inventory *inv, uint64_t after, inventory_list_fn *add, void *ctx, struct err *err)
{
        return list(inv, Q_list_channels, after, false, add, ctx, err);
}

static int count(struct conn *c, enum query q, uint64_t *ret, struct err *err)
{
        AUTO_STMT sqlite3_stmt *s = NULL;
        int r = conn_query(c, q, &s, err);

        if (r == 0)
                r = conn_step(c, s, err);
        if (r > 0)
                *ret = (uint64_t)sqlite3_column_int64(s, 0);
        return r < 0 ? r : 0;
}

int inventory_summary(struct inventory *inv, struct inventory_summary *ret, struct err *err)
{
        struct inventory_summary sum = { 0 };
        struct conn *c;
        int r = pool_get(inv->pool, &c, err);

        if (r < 0)
                return r;
        r = count(c, Q_count_hosts, &sum.hosts, err);
        if (r == 0)
                r = count(c, Q_count_nics, &sum.nics, err);
        sum.schema_version = conn_schema_version(c);
        pool_put(inv->pool, c, r);
        if (r == 0)
                *ret = sum;
        return r;
}
