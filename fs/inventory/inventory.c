/* SPDX-License-Identifier: MPL-2.0 */
/* inventory -- questions to the operator's database; see inventory.h.
 *
 * Each function is a question to one connection inside one read transaction.  standby.c puts it to the live file
 * or, if that fails, to its copy; plans are made in load.c.  Nothing is remembered between calls, so there is nothing
 * that could be stale.
 *
 * Names that go into the tree (hosts, addresses, channels) are checked here before they are listed: rows can
 * be written with checks off, and a name with a '/' would make readdir fail for all.
 *
 * Locks: none of its own.
 */
#include "inventory/inventory.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "inventory/plan/address.h"
#include "inventory/plan/load.h"
#include "inventory/plan/mac.h"
#include "inventory/store/standby.h"

#define NAME_MAX_BYTES 255 /* of one path component, Linux */

struct inventory {
        struct standby *standby; /* owned */
};

int inventory_open(const struct inventory_options *opts, struct inventory **ret, struct err *err)
{
        struct inventory *inv = calloc(1, sizeof *inv);
        int r;

        if (!inv)
                return err_set(err, -ENOMEM, "out of memory");
        r = standby_new(opts, &inv->standby, err);
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
        standby_free(inv->standby);
        free(inv);
}

unsigned inventory_changes(const struct inventory *inv)
{
        return standby_changes(inv->standby);
}

void inventory_health(struct inventory *inv, struct inventory_health *ret)
{
        standby_health(inv->standby, ret);
}

/* *ret_rival: another host that a NIC with this MAC belongs to, for which an index must have been dropped; 0: none. */
static int host_by_mac(struct conn *c, uint64_t mac, int64_t *ret, int64_t *ret_rival, struct err *err)
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
        if (r > 0) {
                *ret = sqlite3_column_int64(s, 0);
                *ret_rival = sqlite3_column_int64(s, 1);
        }
        sqlite3_reset(s);
        sqlite3_clear_bindings(s); /* @text ends here */
        return r;
}

struct wanted_plan {
        uint64_t mac; /* 0: by host */
        int64_t host;
        struct plan *p; /* the answer; owned, also if the transaction turns out to be worth nothing */
};

static int question_mac(struct conn *c, void *ctx, struct err *err)
{
        struct wanted_plan *w = ctx;
        int64_t host = 0, rival = 0;
        int r = host_by_mac(c, w->mac, &host, &rival, err);

        plan_free(take_ptr(&w->p));
        if (r > 0) {
                r = load_host(c, host, w->mac, rival, &w->p, err);
                if (r != -ENOENT)
                        return r;
                r = 0; /* a NIC whose host was deleted behind the triggers' back */
        }
        return r < 0 ? r : load_unknown(c, w->mac, &w->p, err);
}

static int ask_plan(
        struct inventory *inv, standby_question *q, struct wanted_plan *w, struct plan **ret, struct err *err)
{
        int r = standby_ask(inv->standby, w->mac ? w->mac : UINT64_C(1) << 63 | (uint64_t)w->host, q, w, err);

        if (r == 0)
                *ret = w->p;
        else
                plan_free(w->p);
        return r;
}

int inventory_plan(struct inventory *inv, uint64_t mac, struct plan **ret, struct err *err)
{
        struct wanted_plan w = { .mac = mac };

        return ask_plan(inv, question_mac, &w, ret, err);
}

static int question_host(struct conn *c, void *ctx, struct err *err)
{
        struct wanted_plan *w = ctx;

        plan_free(take_ptr(&w->p));
        return load_host(c, w->host, 0, 0, &w->p, err);
}

int inventory_plan_by_host(struct inventory *inv, int64_t host_id, struct plan **ret, struct err *err)
{
        struct wanted_plan w = { .host = host_id };

        return ask_plan(inv, question_host, &w, ret, err);
}

/* The row of a query with one text parameter whose first column is text.  With @single, column 1 tells
 * whether more rows fit.
 * @take gets the text. */
struct wanted_text {
        enum query q;
        const char *what, *key;
        bool single;
        int (*take)(void *ctx, const char *text);
        void *ctx;
};

static int take_row(sqlite3_stmt *s, const struct wanted_text *w, struct err *err)
{
        const char *text;
        int r;

        if (w->single && sqlite3_column_int(s, 1) != 0)
                return err_set(err, -ENOTUNIQ, "more than one host has the %s %s", w->what, w->key);
        r = conn_text(s, 0, NAME_MAX_BYTES, &text);
        if (r == 0 || r == -ENODATA)
                r = w->take(w->ctx, r == 0 ? text : NULL);
        if (r == -EILSEQ)
                return err_set(err, -ENOENT, "the row of %s %s is unusable", w->what, w->key);
        return r < 0 ? err_set(err, r, "out of memory") : 0;
}

static int question_text(struct conn *c, void *ctx, struct err *err)
{
        const struct wanted_text *w = ctx;
        sqlite3_stmt *s = NULL;
        int r = conn_query(c, w->q, &s, err);

        if (r < 0)
                return r;
        if (sqlite3_bind_text(s, 1, w->key, -1, SQLITE_STATIC) != SQLITE_OK)
                r = err_set(err, -ENOMEM, "out of memory");
        else
                r = conn_step(c, s, err);
        if (r == 0)
                r = err_set(err, -ENOENT, "the inventory has no %s %s", w->what, w->key);
        else if (r > 0)
                r = take_row(s, w, err);
        sqlite3_reset(s);
        sqlite3_clear_bindings(s); /* the key ends here */
        return r;
}

/* FNV-1a: another key of the same number costs a little time, and nothing else. */
static uint64_t key_of_text(enum query q, const char *key)
{
        uint64_t h = UINT64_C(0xcbf29ce484222325) ^ (uint64_t)q;

        for (; *key; key++)
                h = (h ^ (unsigned char)*key) * UINT64_C(0x100000001b3);
        return h;
}

static int ask_text(struct inventory *inv, enum query q, const char *what, const char *key, bool single,
        int (*take)(void *ctx, const char *text), void *ctx, struct err *err)
{
        struct wanted_text w = { q, what, key, single, take, ctx };

        return standby_ask(inv->standby, key_of_text(q, key), question_text, &w, err);
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
        char canonical[IP_TEXT_SIZE];
        int r;

        if (ip_canonical(ip, canonical) < 0)
                return err_set(err, -ENOENT, "%s is no IP address", ip);
        r = ask_text(inv, Q_mac_by_ip, "IP address", canonical, true, take_mac, ret_mac, err);
        if (r == -ENOENT && strcmp(ip, canonical) != 0) /* schema 1 holds IPv6 as it was written */
                r = ask_text(inv, Q_mac_by_ip, "IP address", ip, true, take_mac, ret_mac, err);
        return r;
}

int inventory_mac_by_uuid(struct inventory *inv, const char *uuid, uint64_t *ret_mac, struct err *err)
{
        char canonical[UUID_TEXT_SIZE];

        if (uuid_canonical(uuid, canonical) < 0 || uuid_is_nobodys(canonical))
                return err_set(err, -ENOENT, "%s is no UUID that names a machine", uuid);
        return ask_text(inv, Q_mac_by_uuid, "UUID", canonical, true, take_mac, ret_mac, err);
}

static bool is_file_name(const char *s)
{
        return *s && !strchr(s, '/') && strcmp(s, ".") != 0 && strcmp(s, "..") != 0;
}

static int take_build(void *ctx, const char *text)
{
        if (text && !is_file_name(text))
                return -EILSEQ;
        free(*(char **)ctx); /* of a question that is asked again */
        *(char **)ctx = strdup(text ? text : "latest");
        return *(char **)ctx ? 0 : -ENOMEM;
}

int inventory_channel(struct inventory *inv, const char *channel, char **ret_build, struct err *err)
{
        AUTO_FREE char *build = NULL;
        int r = ask_text(inv, Q_channel_by_name, "channel", channel, false, take_build, &build, err);

        if (r == 0)
                *ret_build = take_ptr(&build);
        return r;
}

struct wanted_list {
        enum query q;
        uint64_t after; /* the last key that was given: a question asked again goes on there */
        bool macs;      /* the key is a MAC, as a number */
        bool uuids;     /* the text is a UUID */
        inventory_list_fn *add;
        void *ctx;
};

/* The key of a row, by which a listing goes on; false if it has none. */
static bool row_key(sqlite3_stmt *s, bool is_mac, uint64_t *ret)
{
        const char *text;
        bool canonical = false;

        if (is_mac)
                return conn_text(s, 0, NAME_MAX_BYTES, &text) == 0 && mac_parse(text, ret, &canonical) == 0 &&
                       canonical;
        *ret = (uint64_t)sqlite3_column_int64(s, 0);
        return true;
}

/* Calls add for the rows of a query (key, text). */
static int list_rows(struct conn *c, sqlite3_stmt *s, struct wanted_list *w, struct err *err)
{
        int r;

        while ((r = conn_step(c, s, err)) > 0) {
                const char *name;
                uint64_t key;

                r = conn_text(s, 1, NAME_MAX_BYTES, &name);
                if (r == -ENOMEM)
                        return err_set(err, r, "out of memory");
                if (r < 0 || !is_file_name(name) || !row_key(s, w->macs, &key) ||
                        (w->uuids && uuid_is_nobodys(name)))
                        continue; /* unusable: it can be found in .pxefs and by sqlite3, not in a listing */
                w->after = key;
                if (!w->add(w->ctx, key, name))
                        return 0;
        }
        return r;
}

static int question_list(struct conn *c, void *ctx, struct err *err)
{
        struct wanted_list *w = ctx;
        sqlite3_stmt *s = NULL;
        char text[MAC_TEXT_SIZE];
        int rc, r = conn_query(c, w->q, &s, err);

        if (r < 0)
                return r;
        mac_format(w->after, text);
        rc = w->macs ? sqlite3_bind_text(s, 1, text, -1, SQLITE_STATIC)
                     : sqlite3_bind_int64(s, 1, (int64_t)w->after);
        r = rc == SQLITE_OK ? list_rows(c, s, w, err) : err_set(err, -ENOMEM, "out of memory");
        sqlite3_reset(s);
        sqlite3_clear_bindings(s);
        return r;
}

static int list(struct inventory *inv, enum query q, uint64_t after, bool macs, inventory_list_fn *add,
        void *ctx, struct err *err)
{
        struct wanted_list w = { q, after, macs, q == Q_list_uuids, add, ctx };

        if (after > (macs ? UINT64_C(0xffffffffffff) : (uint64_t)INT64_MAX))
                return 0;
        return standby_ask(inv->standby, UINT64_C(1) << 62 | (uint64_t)q, question_list, &w, err);
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
        return list(inv, Q_list_ips, after, true, add, ctx, err);
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

static int question_summary(struct conn *c, void *ctx, struct err *err)
{
        struct inventory_summary *sum = ctx;
        int r = count(c, Q_count_hosts, &sum->hosts, err);

        sum->schema_version = conn_schema_version(c);
        return r < 0 ? r : count(c, Q_count_nics, &sum->nics, err);
}

int inventory_summary(struct inventory *inv, struct inventory_summary *ret, struct err *err)
{
        struct inventory_summary sum = { 0 };
        int r = standby_ask(
                inv->standby, UINT64_C(1) << 62 | (uint64_t)Q_count_hosts, question_summary, &sum, err);

        if (r == 0)
                *ret = sum;
        return r;
}
