/* SPDX-License-Identifier: MPL-2.0 */
/* modules -- rows of module and of answer, the host's own before its profiles'; see load_impl.h.
 *
 * Of one name the nearest row counts; one without content takes an inherited module away.  answers.json is made of the
 * rows of answer in the same way, networking.json by networking.c; neither if a row of module has that name.
 *
 * Invariants
 *   1. A module is whole or not there: content, its digest and the name in its URL are of one row of one snapshot.
 *   2. An unusable row hides what it would have overridden (load.c, invariant 3).
 *   3. The list is sorted by name, each name once: the same rows give the same script.
 *   4. answers.json is a secret whatever its row says: it is where setup's clear-text password stands.
 * Machines that nobody has entered have no modules: anybody can claim to be one.
 */
#include "inventory/plan/load_impl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/digest.h"

#define ANSWERS    "answers.json"
#define NETWORKING "networking.json"
#define ROWS_MAX   64 /* that a machine's layers may have together */
#define KEYS_MAX   64 /* answers of a machine */
#define ANSWER_MAX 256

struct row {
        struct plan_module m; /* owned */
        bool counts;          /* false: it only hides what is inherited */
};

struct rows {
        struct row v[ROWS_MAX];
        size_t n;
};

struct answers {
        struct answer {
                char *key, *json; /* owned; json "": it is left out */
        } v[KEYS_MAX];
        size_t n;
        char *layer; /* owned; of the nearest row */
};

static void module_fini(struct plan_module *m)
{
        free(m->name);
        free(m->content);
        free(m->layer);
}

static void rows_fini(struct rows *f)
{
        for (size_t i = 0; i < f->n; i++)
                module_fini(&f->v[i].m);
}

static void answers_fini(struct answers *a)
{
        for (size_t i = 0; i < a->n; i++) {
                free(a->v[i].key);
                free(a->v[i].json);
        }
        free(a->layer);
}

const char *plan_refuse_module_name(const char *name)
{
        size_t n = strlen(name);

        if (n == 0 || n > PLAN_MODULE_NAME_MAX)
                return "a name has 1 to 100 bytes";
        if (name[strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-/")])
                return "a name is letters, digits, '.', '_', '-' and '/'";
        if (strchr("./-", name[0]) || strstr(name, "/.") || strstr(name, "//") || strstr(name, "/-") ||
                name[n - 1] == '/')
                return "no part of a name may be empty or begin with '.' or '-'";
        if (n >= 5 && strcmp(name + n - 5, ".hash") == 0)
                return "what ends in .hash is computed";
        if (strcmp(name, "ramdisk") == 0)
                return "ramdisk is what boot_archive is called";
        return NULL;
}

int plan_module_fill(struct plan_module *m, const void *content, size_t len)
{
        AUTO_DIGEST struct digest *d = digest_new(DIGEST_SHA1);
        char hex[DIGEST_MAX_HEX];

        m->content = malloc(len + 1);
        if (!d || !m->content || digest_add(d, content, len) < 0 || digest_hex(d, hex) < 0)
                return -ENOMEM;
        memcpy(m->content, content, len);
        m->content[len] = '\0';
        m->len = len;
        memcpy(m->sha1, hex, sizeof m->sha1);
        memcpy(m->id, hex, sizeof m->id - 1);
        m->id[sizeof m->id - 1] = '\0';
        return 0;
}

static char *layer_name(const struct load *l, size_t rank)
{
        char *layer;

        if (asprintf(&layer, "%s %s", rank ? "profile" : "host",
                    rank ? l->chain[rank - 1].name : l->p->hostname) < 0)
                return NULL;
        return layer;
}

static bool is_found(const struct rows *f, const char *name)
{
        for (size_t i = 0; i < f->n; i++)
                if (strcmp(f->v[i].m.name, name) == 0)
                        return true;
        return false;
}

static int add_row(struct load *l, sqlite3_stmt *s, size_t rank, struct rows *f)
{
        long long id = sqlite3_column_int64(s, 0);
        const char *name, *why, *type = (const char *)sqlite3_column_text(s, 2);
        struct row *k = &f->v[f->n];
        int r = conn_text(s, 1, LOAD_TEXT_MAX, &name);

        if (r == -ENOMEM || !type)
                return load_no_memory(l);
        if (r < 0)
                return load_problem(l,
                        "module %lld: its name is no plain line of text; DELETE FROM module WHERE id = %lld",
                        id, id);
        if (is_found(f, name))
                return 0; /* a nearer layer has it */
        if (f->n == ROWS_MAX)
                return load_problem(l,
                        "module %lld (%s) was passed over: a machine's layers may have %d together", id, name,
                        ROWS_MAX);
        *k = (struct row) { .m.secret = sqlite3_column_int(s, 4) != 0 || strcmp(name, ANSWERS) == 0 };
        f->n++;
        k->m.name = strdup(name);
        k->m.layer = layer_name(l, rank);
        if (!k->m.name || !k->m.layer)
                return load_no_memory(l);
        if (strcmp(type, "null") == 0)
                return 0;
        why = plan_refuse_module_name(name);
        if (!why && strcmp(type, "text") != 0 && strcmp(type, "blob") != 0)
                why = "its content is neither text nor a BLOB";
        if (!why && sqlite3_column_bytes(s, 3) == 0)
                why = "its content is empty, or more than 64 KiB";
        if (why)
                return load_problem(
                        l, "module %s (%s, module.id %lld) was left out: %s", name, k->m.layer, id, why);
        k->counts = true;
        return plan_module_fill(&k->m, sqlite3_column_blob(s, 3), (size_t)sqlite3_column_bytes(s, 3)) < 0
                       ? load_no_memory(l)
                       : 0;
}

/* ---- answers.json ---- */

/* Key, value and type of the answer that @s stands at: of column @col of a row of schema 1, else of a row. */
struct answer_cell {
        const char *key, *type;
        int col;
};

static struct answer_cell answer_cell(sqlite3_stmt *s, int col)
{
        struct answer_cell c = { .col = col };

        if (col > 0) {
                c.key = sqlite3_column_name(s, col);
                if (c.key && strcmp(c.key, "admin_mac") == 0)
                        c = (struct answer_cell) { "admin_nic", "mac", col };
                return c;
        }
        c.key = (const char *)sqlite3_column_text(s, 1);
        c.col = 2;
        c.type = (const char *)sqlite3_column_text(s, 3);
        return c;
}

/* The value as JSON; "" for what is left out.  -EILSEQ if it is none that setup takes. */
static int answer_json(sqlite3_stmt *s, const struct answer_cell *c, char **ret)
{
        AUTO_BUF struct buf b = BUF_INIT;
        AUTO_FREE char *lower = NULL;
        const char *text = "";
        bool yes = false;
        int r = 0, type = sqlite3_column_type(s, c->col);

        if (type == SQLITE_INTEGER) { /* schema 1 */
                if (sqlite3_column_int64(s, c->col) != 0 && sqlite3_column_int64(s, c->col) != 1)
                        return -EILSEQ;
                yes = sqlite3_column_int64(s, c->col) == 1;
        } else if (type != SQLITE_NULL) {
                r = conn_text(s, c->col, ANSWER_MAX, &text);
                if (r < 0)
                        return r;
                if (c->type && strcmp(c->type, "bool") == 0) {
                        if (strcmp(text, "true") != 0)
                                return -EILSEQ;
                        yes = true;
                }
        }
        if (yes) {
                buf_puts(&b, "true");
        } else if (*text) {
                lower = strdup(text);
                if (!lower)
                        return -ENOMEM;
                /* setup compares with what printf("%02x") makes (smartos_prompt_config.sh, promptnic) */
                for (char *t = lower; c->type && strcmp(c->type, "mac") == 0 && *t; t++)
                        *t = (char)(*t >= 'A' && *t <= 'F' ? *t - 'A' + 'a' : *t);
                buf_json(&b, lower);
        }
        r = buf_error(&b);
        if (r < 0)
                return r;
        *ret = strdup(b.data ? b.data : "");
        return *ret ? 0 : -ENOMEM;
}

static bool is_answered(const struct answers *a, const char *key)
{
        for (size_t i = 0; i < a->n; i++)
                if (strcmp(a->v[i].key, key) == 0)
                        return true;
        return false;
}

/* Adds one answer, unless a nearer row has given it. */
static int add_answer(struct load *l, sqlite3_stmt *s, int col, struct answers *a)
{
        struct answer_cell c = answer_cell(s, col);
        long long id = sqlite3_column_int64(s, 0);
        struct answer *k = &a->v[a->n];
        int r;

        if (!c.key || !*c.key || c.key[strspn(c.key, "abcdefghijklmnopqrstuvwxyz0123456789_")])
                return load_problem(
                        l, "answer %lld: its key is no word; DELETE FROM answer WHERE id = %lld", id, id);
        if (is_answered(a, c.key))
                return 0;
        if (a->n == KEYS_MAX)
                return load_problem(l,
                        "answer %lld (%s) was passed over: a machine's layers may have %d together", id,
                        c.key, KEYS_MAX);
        *k = (struct answer) { .key = strdup(c.key) };
        if (!k->key)
                return load_no_memory(l);
        a->n++;
        r = answer_json(s, &c, &k->json);
        if (r == -EILSEQ) {
                k->json = strdup(""); /* invariant 2 */
                r = !k->json ? -ENOMEM
                             : load_problem(l, "answer %lld: %s is none that setup takes and was left out",
                                       id, k->key);
        }
        return r == -ENOMEM ? load_no_memory(l) : r;
}

/* A row of answer; of schema 1, one column an answer. */
static int add_answers(struct load *l, sqlite3_stmt *s, size_t rank, struct answers *a)
{
        int n = sqlite3_column_count(s), r = 0;

        if (conn_schema_version(l->c) > 1)
                r = add_answer(l, s, 0, a);
        else
                for (int i = 1; i < n && r == 0; i++)
                        if (sqlite3_column_type(s, i) != SQLITE_NULL)
                                r = add_answer(l, s, i, a);
        if (r == 0 && !a->layer) {
                a->layer = layer_name(l, rank);
                r = a->layer ? 0 : load_no_memory(l);
        }
        return r;
}

/* Adds a module that is made of columns.  Takes *@layer. */
static int add_made(
        struct load *l, const char *name, const struct buf *text, bool secret, char **layer, struct rows *f)
{
        struct row *k = &f->v[f->n];

        *k = (struct row) { .counts = true, .m = { .secret = secret } };
        f->n++;
        k->m.name = strdup(name);
        k->m.layer = take_ptr(layer);
        if (!k->m.layer || !k->m.name || plan_module_fill(&k->m, text->data, text->len) < 0)
                return load_no_memory(l);
        return 0;
}

static int by_key(const void *x, const void *y)
{
        return strcmp(((const struct answer *)x)->key, ((const struct answer *)y)->key);
}

/* Adds the module, unless nothing was answered or a row has its name. */
static int settle_answers(struct load *l, struct answers *a, struct rows *f)
{
        AUTO_BUF struct buf text = BUF_INIT;

        if (is_found(f, ANSWERS) || f->n == ROWS_MAX)
                return 0;
        qsort(a->v, a->n, sizeof a->v[0], by_key);
        for (size_t i = 0; i < a->n; i++) {
                if (!a->v[i].json[0])
                        continue;
                /* setup reads admin_nic (smartos_prompt_config.sh, promptnic), the documentation says admin_mac */
                if (strcmp(a->v[i].key, "admin_nic") == 0)
                        buf_printf(&text, "%s  \"admin_mac\": %s", text.len ? ",\n" : "{\n", a->v[i].json);
                buf_printf(&text, "%s  \"%s\": %s", text.len ? ",\n" : "{\n", a->v[i].key, a->v[i].json);
        }
        if (text.len)
                buf_puts(&text, "\n}\n");
        if (buf_error(&text) < 0)
                return load_no_memory(l);
        return text.len ? add_made(l, ANSWERS, &text, true, &a->layer, f) : 0;
}

static int settle_networking(struct load *l, struct rows *f)
{
        AUTO_BUF struct buf text = BUF_INIT;
        AUTO_FREE char *layer = NULL;
        int r;

        if (is_found(f, NETWORKING) || f->n == ROWS_MAX)
                return 0;
        r = load_networking(l, &text);
        if (r < 0 || text.len == 0)
                return r;
        layer = layer_name(l, 0);
        return add_made(l, NETWORKING, &text, false, &layer, f);
}

/* ---- all ---- */

/* One layer's rows of @q.  An inventory of before the table answer was there has none. */
static int add_layer(
        struct load *l, enum query q, int64_t owner, size_t rank, struct rows *f, struct answers *a)
{
        AUTO_STMT sqlite3_stmt *s = NULL;
        struct err err = { "" };
        int r = conn_query(l->c, q, &s, &err);

        if (r < 0 && a && strstr(err.text, "no such table: answer"))
                return 0;
        if (r < 0)
                return err_set(l->err, r, "%s", err.text);
        sqlite3_bind_int64(s, 1, owner);
        while ((r = conn_step(l->c, s, l->err)) > 0) {
                r = a ? add_answers(l, s, rank, a) : add_row(l, s, rank, f);
                if (r < 0)
                        return r;
        }
        return r;
}

static int by_name(const void *x, const void *y)
{
        return strcmp(((const struct row *)x)->m.name, ((const struct row *)y)->m.name);
}

int load_modules(struct load *l)
{
        AUTO_CLEAN(rows_fini) struct rows f = { .n = 0 };
        AUTO_CLEAN(answers_fini) struct answers a = { .n = 0 };
        struct plan *p = l->p;
        int r = add_layer(l, Q_host_modules, p->host_id, 0, &f, NULL);

        if (r == 0)
                r = add_layer(l, Q_host_answers, p->host_id, 0, &f, &a);
        for (size_t i = 0; i < l->n_chain && r == 0; i++) {
                r = add_layer(l, Q_profile_modules, l->chain[i].id, i + 1, &f, NULL);
                if (r == 0)
                        r = add_layer(l, Q_profile_answers, l->chain[i].id, i + 1, &f, &a);
        }
        if (r == 0)
                r = settle_answers(l, &a, &f);
        if (r == 0)
                r = settle_networking(l, &f);
        if (r < 0 || f.n == 0)
                return r;
        p->modules = calloc(f.n, sizeof *p->modules);
        if (!p->modules)
                return load_no_memory(l);
        qsort(f.v, f.n, sizeof f.v[0], by_name);
        for (size_t i = 0; i < f.n && r == 0; i++) {
                if (!f.v[i].counts)
                        continue;
                if (p->n_modules == PLAN_MODULES_MAX) {
                        r = load_problem(l, "module %s (%s) was left out: a machine may have %d",
                                f.v[i].m.name, f.v[i].m.layer, PLAN_MODULES_MAX);
                        continue;
                }
                p->modules[p->n_modules++] = f.v[i].m;
                memset(&f.v[i].m, 0, sizeof f.v[i].m);
        }
        return r;
}
