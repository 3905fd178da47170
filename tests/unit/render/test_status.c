/* SPDX-License-Identifier: MPL-2.0 */
/* status.json, metrics and index.html: as they are to be (tests/golden), well formed whatever is put into them, and
 * bounded.  The checkers here share no code with the renderers. */
#include <ctype.h>
#include <errno.h>
#include <locale.h>
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fault.h"
#include "golden.h"
#include "render/status/status.h"
#include "statusfix.h"

typedef int render_fn(const struct daemon_facts *f, struct buf *out);

/* ---- checkers: NULL, or what is wrong ---- */

static const char *check_json(const struct buf *b)
{
        const char *wrong = "SQLite finds it no JSON";
        sqlite3_stmt *s;
        sqlite3 *db;

        assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
        assert_int_equal(sqlite3_prepare_v2(db, "SELECT json_valid(?)", -1, &s, NULL), SQLITE_OK);
        assert_int_equal(sqlite3_bind_text(s, 1, b->data, (int)b->len, SQLITE_STATIC), SQLITE_OK);
        if (sqlite3_step(s) == SQLITE_ROW && sqlite3_column_int(s, 0) == 1)
                wrong = NULL;
        sqlite3_finalize(s);
        sqlite3_close(db);
        for (size_t i = 0; i < b->len; i++)
                if ((unsigned char)b->data[i] < 0x20 && b->data[i] != '\n')
                        wrong = "a control character";
        return wrong;
}

static const char *word(const char *p, const char *more)
{
        if (!isalpha((unsigned char)*p) && *p != '_')
                return p;
        while (isalnum((unsigned char)*p) || *p == '_' || (*p && strchr(more, *p)))
                p++;
        return p;
}

/* {name="value",...}; returns what follows, or NULL. */
static const char *labels(const char *p)
{
        const char *end;

        if (*p != '{')
                return p;
        do {
                end = word(++p, "");
                if (end == p || end[0] != '=' || end[1] != '"')
                        return NULL;
                for (p = end + 2; *p && *p != '"'; p++)
                        if (*p == '\\' && !strchr("\\\"n", *++p))
                                return NULL;
                if (*p++ != '"')
                        return NULL;
        } while (*p == ',');
        return *p == '}' ? p + 1 : NULL;
}

static bool belongs(const char *series, size_t len, const char *metric, const char *type)
{
        static const char *const tails[] = { "_bucket", "_sum", "_count" };
        size_t n = strlen(metric);

        if (len == n && memcmp(series, metric, n) == 0)
                return strcmp(type, "histogram") != 0;
        for (size_t i = 0; i < 3; i++)
                if (strcmp(type, "histogram") == 0 && len == n + strlen(tails[i]) &&
                        memcmp(series, metric, n) == 0 && memcmp(series + n, tails[i], strlen(tails[i])) == 0)
                        return true;
        return false;
}

/* The text format, and more strictly what we promise: HELP, TYPE, then all series of that metric, none twice. */
static const char *check_metrics(const struct buf *b)
{
        static char wrong[400];
        char *text = strdup(b->data), *save = NULL, *seen[1024], metric[128] = "", type[32] = "";
        const char *r = b->len && b->data[b->len - 1] == '\n' ? NULL : "no line break at the end";
        size_t n = 0;

        for (char *line = strtok_r(text, "\n", &save); line && !r; line = strtok_r(NULL, "\n", &save)) {
                char name[128], what[32];
                const char *end, *value;
                char *stop;

                (void)snprintf(wrong, sizeof wrong, "line: %.300s", line);
                r = wrong;
                if (strncmp(line, "# HELP ", 7) == 0) {
                        if (sscanf(line, "# HELP %127s %*c", name) != 1 || strncmp(name, "pxefs_", 6) != 0)
                                continue;
                        for (size_t i = 0; i < n; i++)
                                if (seen[i][0] == '#' && strcmp(seen[i] + 1, name) == 0)
                                        goto next; /* described twice */
                        assert_true(n < 1024 && asprintf(&seen[n], "#%s", name) > 0);
                        n++;
                        (void)snprintf(metric, sizeof metric, "%s", name);
                        type[0] = '\0';
                        r = NULL;
                } else if (strncmp(line, "# TYPE ", 7) == 0) {
                        bool counter, total;

                        if (sscanf(line, "# TYPE %127s %31s", name, what) != 2 || strcmp(name, metric) != 0 ||
                                type[0])
                                continue;
                        (void)snprintf(type, sizeof type, "%s", what);
                        counter = strcmp(type, "counter") == 0;
                        total = strlen(name) > 6 && strcmp(name + strlen(name) - 6, "_total") == 0;
                        if (counter == total &&
                                (counter || strcmp(type, "gauge") == 0 || strcmp(type, "histogram") == 0))
                                r = NULL;
                } else {
                        end = word(line, ":");
                        if (end == line || !type[0] || !belongs(line, (size_t)(end - line), metric, type))
                                continue;
                        value = labels(end);
                        if (!value || *value != ' ' || !isdigit((unsigned char)value[1]))
                                continue;
                        (void)strtod(value + 1, &stop);
                        if (*stop)
                                continue;
                        line[value - line] = '\0';
                        for (size_t i = 0; i < n; i++)
                                if (strcmp(seen[i], line) == 0)
                                        goto next; /* the same series twice */
                        assert_true(n < 1024);
                        seen[n++] = strdup(line);
                        r = NULL;
                }
        next:;
        }
        while (n > 0)
                free(seen[--n]);
        free(text);
        return r;
}

static bool is_one_of(const char *p, size_t len, const char *const *list)
{
        for (; *list; list++)
                if (strlen(*list) == len && memcmp(*list, p, len) == 0)
                        return true;
        return false;
}

/* Known tags in order, only attributes and addresses that are ours, every < and & written as it must be. */
static const char *check_html(const struct buf *b)
{
        static const char *const tags[] = { "html", "head", "meta", "title", "style", "body", "h1", "h2",
                "small", "div", "b", "span", "p", "table", "tr", "th", "td", "dl", "dt", "dd", "a", "br",
                NULL };
        static const char *const empty[] = { "meta", "br", NULL };
        static const char *const attributes[] = { "lang", "charset", "name", "content", "class", "href",
                NULL };
        static const char *const targets[] = { "../smartos/", "status.json", "metrics", NULL };
        static const char *const entities[] = { "amp", "lt", "gt", "quot", "#39", NULL };
        static char wrong[200];
        struct {
                const char *p;
                size_t len;
        } open[32];
        size_t depth = 0;
        const char *p = b->data;

        if (strncmp(p, "<!DOCTYPE html>\n", 16) != 0)
                return "no doctype";
        for (p += 15; *p; p++) {
                bool closing = p[1] == '/';
                const char *name, *end;

                (void)snprintf(wrong, sizeof wrong, "at: %.150s", p);
                if ((unsigned char)*p < 0x20 && *p != '\n')
                        return "a control character";
                if (*p == '>')
                        return wrong;
                if (*p == '&') {
                        end = strchr(p, ';');
                        if (!end || !is_one_of(p + 1, (size_t)(end - p - 1), entities))
                                return wrong;
                }
                if (*p != '<')
                        continue;
                name = p + 1 + closing;
                end = word(name, "");
                if (!is_one_of(name, (size_t)(end - name), tags))
                        return wrong;
                if (closing) {
                        if (depth == 0 || open[depth - 1].len != (size_t)(end - name) ||
                                memcmp(open[depth - 1].p, name, (size_t)(end - name)) != 0 || *end != '>')
                                return wrong;
                        depth--;
                        p = end;
                        continue;
                }
                if (!is_one_of(name, (size_t)(end - name), empty)) {
                        assert_true(depth < 32);
                        open[depth].p = name;
                        open[depth++].len = (size_t)(end - name);
                }
                for (p = end; *p == ' ' || *p == '\n'; p = end + 1) {
                        const char *attribute = p + 1, *value;

                        end = word(attribute, "");
                        if (!is_one_of(attribute, (size_t)(end - attribute), attributes) || end[0] != '=' ||
                                end[1] != '"')
                                return wrong;
                        value = end + 2;
                        end = strchr(value, '"');
                        if (!end || memchr(value, '<', (size_t)(end - value)))
                                return wrong;
                        if (strncmp(attribute, "href", 4) == 0 &&
                                !is_one_of(value, (size_t)(end - value), targets))
                                return wrong;
                }
                if (*p != '>')
                        return wrong;
                if (strncmp(name, "style>", 6) == 0) /* a selector may hold a > */
                        p = strstr(p, "</style>") - 1;
        }
        return depth ? "something is not closed" : strstr(b->data, "url(") ? "an outer resource" : NULL;
}

static const struct {
        const char *suffix;
        render_fn *render;
        const char *(*check)(const struct buf *b);
} forms[] = {
        { ".json", render_status, check_json },
        { ".metrics", render_metrics, check_metrics },
        { ".html", render_index, check_html },
};
#define N_FORMS (sizeof forms / sizeof forms[0])

static void well_formed(size_t form, const struct buf *b)
{
        const char *wrong = forms[form].check(b);

        if (wrong)
                print_message("%s: %s\n", forms[form].suffix, wrong);
        assert_null(wrong);
        assert_true(mbstowcs(NULL, b->data, 0) != (size_t)-1); /* UTF-8 */
}

/* ---- tests ---- */

static const struct {
        const char *name;
        void (*make)(struct statusfix *x);
} daemons[] = {
        { "status-new", statusfix_init },
        { "status-full", statusfix_full },
        { "status-hostile", statusfix_hostile },
};

static void the_three_texts_are_what_they_were(void **state)
{
        (void)state;
        for (size_t i = 0; i < sizeof daemons / sizeof daemons[0]; i++)
                for (size_t k = 0; k < N_FORMS; k++) {
                        AUTO_BUF struct buf b = BUF_INIT;
                        struct statusfix x;

                        daemons[i].make(&x);
                        assert_int_equal(forms[k].render(&x.f, &b), 0);
                        well_formed(k, &b);
                        golden_compare(daemons[i].name, forms[k].suffix, &b);
                }
}

/* A lasting state is one text: only metrics may tell what time it is or what was counted. */
static void counters_are_in_metrics_alone(void **state)
{
        (void)state;
        for (size_t k = 0; k < N_FORMS; k++) {
                AUTO_BUF struct buf a = BUF_INIT, b = BUF_INIT;
                struct statusfix x;

                statusfix_full(&x);
                assert_int_equal(forms[k].render(&x.f, &a), 0);
                x.f.now_sec += 3600;
                x.f.process.cpu_us++;
                x.f.process.resident_bytes++;
                x.f.engine.chunk_hits++;
                x.f.engine.cache_bytes++;
                x.f.engine.ring_bytes++;
                x.f.requests.op[REQUEST_READ].bucket[0]++;
                x.f.requests.errors[REQUEST_ABSENT]++;
                assert_int_equal(forms[k].render(&x.f, &b), 0);
                assert_int_equal(a.len == b.len && memcmp(a.data, b.data, a.len) == 0,
                        forms[k].render != render_metrics);
        }
}

/* The longest names and reasons there can be, all of them to be escaped. */
static void index_stays_below_64_kib(void **state)
{
        static const char bytes[] = { '"', 'a', '\x01', '\xff' };
        char name[256], reason[768];

        (void)state;
        memset(name, 'n', 255);
        for (size_t i = 0; i < sizeof bytes; i++)
                for (size_t n = 0; n <= 250; n += 50) {
                        AUTO_BUF struct buf b = BUF_INIT;
                        struct statusfix x;

                        statusfix_full(&x);
                        memset(name, bytes[i], 255);
                        memset(reason, bytes[i], 767);
                        name[255] = reason[767] = '\0';
                        x.f.inventory.reason = x.f.process.death = x.f.builds_trouble = reason;
                        x.view.note = reason;
                        x.f.cache_trouble = true;
                        while (x.f.n_reading < FACTS_READING)
                                x.f.reading[x.f.n_reading++] = (struct facts_reading) { name, 1, 2, 0 };
                        for (size_t k = x.view.n_archives; k < n; k++)
                                statusfix_archive(&x, name, NULL, ARCHIVE_REFUSED, reason);
                        assert_int_equal(render_index(&x.f, &b), 0);
                        assert_true(b.len <= 65536);
                        well_formed(2, &b);
                }
}

static void two_hundred_archives_are_all_in_the_page(void **state)
{
        AUTO_BUF struct buf b = BUF_INIT;
        static char names[200][48], stamps[200][20];
        struct statusfix x;

        (void)state;
        statusfix_init(&x);
        for (size_t i = 0; i < 200; i++) {
                (void)snprintf(stamps[i], sizeof stamps[i], "2024%04uT000000Z", (unsigned)i % 10000);
                (void)snprintf(names[i], sizeof names[i], "platform-%.19s.tgz", stamps[i]);
                statusfix_archive(&x, names[i], stamps[i], ARCHIVE_READY, NULL);
        }
        assert_int_equal(render_index(&x.f, &b), 0);
        for (size_t i = 0; i < 200; i++)
                assert_non_null(strstr(b.data, names[i]));
        assert_null(strstr(b.data, "more: <a"));
        assert_true(b.len < 65536);
}

/* The checkers find what they are for. */
static void the_checkers_are_not_blind(void **state)
{
        static const struct {
                size_t form;
                const char *text;
        } bad[] = {
                { 0, "{\"a\": \"\x01\"}" },
                { 0, "{\"a\": }" },
                { 1, "# HELP pxefs_a A.\n# TYPE pxefs_a gauge\npxefs_a 1" },
                { 1, "# HELP pxefs_a A.\n# TYPE pxefs_a counter\npxefs_a 1\n" },
                { 1, "# HELP pxefs_a_total A.\n# TYPE pxefs_a_total gauge\npxefs_a_total 1\n" },
                { 1, "# HELP pxefs_a A.\n# TYPE pxefs_a gauge\npxefs_b 1\n" },
                { 1, "# HELP pxefs_a A.\n# TYPE pxefs_a gauge\npxefs_a x\n" },
                { 1, "# HELP pxefs_a A.\n# TYPE pxefs_a gauge\npxefs_a 1\npxefs_a 2\n" },
                { 1, "# HELP pxefs_a A.\n# TYPE pxefs_a gauge\npxefs_a{b=\"c\"d\"} 1\n" },
                { 1, "# HELP pxefs_a A.\n# TYPE pxefs_a gauge\npxefs_a{b=\"c\\d\"} 1\n" },
                { 1, "# HELP pxefs_a A.\npxefs_a 1\n" },
                { 1, "pxefs_a 1\n" },
                { 1, "# HELP a A.\n# TYPE a gauge\na 1\n" },
                { 1, "# HELP pxefs_a A.\n# TYPE pxefs_a gauge\npxefs_a 1\n# HELP pxefs_a A.\n" },
                { 2, "<html></html>" },
                { 2, "<!DOCTYPE html>\n<html><p></html>" },
                { 2, "<!DOCTYPE html>\n<html>" },
                { 2, "<!DOCTYPE html>\n<script></script>" },
                { 2, "<!DOCTYPE html>\n<a href=\"//x/\"></a>" },
                { 2, "<!DOCTYPE html>\n<p onclick=\"x\"></p>" },
                { 2, "<!DOCTYPE html>\na < b" },
                { 2, "<!DOCTYPE html>\na > b" },
                { 2, "<!DOCTYPE html>\na & b" },
                { 2, "<!DOCTYPE html>\n\x1b" },
        };

        (void)state;
        for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
                AUTO_BUF struct buf b = BUF_INIT;

                buf_puts(&b, bad[i].text);
                if (!forms[bad[i].form].check(&b))
                        print_message("passed: %s\n", bad[i].text);
                assert_non_null(forms[bad[i].form].check(&b));
        }
}

/* The answer to one question about a JSON text: a number. */
static int64_t asked(const struct buf *b, const char *sql)
{
        sqlite3_stmt *s;
        sqlite3 *db;
        int64_t n;

        assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
        assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &s, NULL), SQLITE_OK);
        assert_int_equal(sqlite3_bind_text(s, 1, b->data, (int)b->len, SQLITE_STATIC), SQLITE_OK);
        assert_int_equal(sqlite3_step(s), SQLITE_ROW);
        n = sqlite3_column_int64(s, 0);
        sqlite3_finalize(s);
        sqlite3_close(db);
        return n;
}

#define MANY 10000

/* Of @n_bad archives, spread among good ones, something is to be said: as long as it gets. */
static void status_of_many(size_t n_bad, struct buf *out)
{
        static struct archive_status archives[MANY];
        static struct build_info infos[MANY];
        static char names[MANY][64], why[1000];
        struct statusfix x;

        statusfix_init(&x);
        x.view.archives = archives;
        x.view.list.v = infos;
        x.view.n_archives = MANY;
        x.view.list.n = 0;
        memset(why, '"', sizeof why - 1);
        for (size_t i = 0; i < MANY; i++) {
                bool bad = n_bad && i % (MANY / n_bad) == 0;

                (void)snprintf(names[i], sizeof names[i], "platform-%08zuT000000Z.tgz", MANY - i);
                archives[i] = (struct archive_status) { .file = names[i],
                        .build = bad ? NULL : names[i],
                        .state = bad ? ARCHIVE_REFUSED : ARCHIVE_READY,
                        .reason = bad ? why : NULL };
                if (!bad)
                        infos[x.view.list.n++] = (struct build_info) { names[i], true, true };
        }
        assert_int_equal(render_status(&x.f, out), 0);
}

static void ten_thousand_archives_leave_status_json_short_and_true(void **state)
{
        static const size_t bad[] = { 0, 1, 100, 1000, MANY };

        (void)state;
        for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
                AUTO_BUF struct buf b = BUF_INIT;
                int64_t listed, refused;

                status_of_many(bad[i], &b);
                assert_null(check_json(&b));
                assert_true(b.len < 1u << 20);
                assert_int_equal(asked(&b, "SELECT json_extract(?1, '$.archives_total')"), MANY);
                assert_int_equal(asked(&b, "SELECT json_extract(?1, '$.builds_total')"), MANY - bad[i]);
                assert_true(asked(&b, "SELECT json_array_length(?1, '$.builds')") <= STATUS_LISTED);
                listed = asked(&b, "SELECT json_array_length(?1, '$.archives')");
                refused = asked(&b, "SELECT count(*) FROM json_each(?1, '$.archives') WHERE value ->> 'state' = 'refused'");
                assert_true(listed <= STATUS_LISTED && listed > 50);
                if (bad[i] <= 100) /* all of them, and good ones */
                        assert_true(refused >= (int64_t)bad[i] / 2 && listed > refused);
                if (bad[i] == 1 || bad[i] == 100) /* what needs attention is in front */
                        assert_int_equal(asked(&b, "SELECT json_extract(?1, '$.archives[0].state') = 'refused'"), 1);
                if (bad[i] == 1)
                        assert_int_equal(refused, 1);
        }
}

static void memory_may_run_short_anywhere(void **state)
{
        (void)state;
        for (size_t k = 0; k < N_FORMS; k++) {
                unsigned nth = 0;
                bool fired;

                do {
                        AUTO_BUF struct buf b = BUF_INIT;
                        struct statusfix x;

                        statusfix_full(&x);
                        fault_arm(++nth);
                        int r = forms[k].render(&x.f, &b);
                        fired = fault_fired();
                        fault_arm(0);
                        assert_int_equal(r, fired ? -ENOMEM : 0);
                } while (fired);
        }
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_three_texts_are_what_they_were),
                cmocka_unit_test(counters_are_in_metrics_alone),
                cmocka_unit_test(index_stays_below_64_kib),
                cmocka_unit_test(two_hundred_archives_are_all_in_the_page),
                cmocka_unit_test(the_checkers_are_not_blind),
                cmocka_unit_test(ten_thousand_archives_leave_status_json_short_and_true),
                cmocka_unit_test(memory_may_run_short_anywhere),
        };

        (void)setlocale(LC_CTYPE, "C.UTF-8");
        return cmocka_run_group_tests(tests, NULL, NULL);
}
