/* SPDX-License-Identifier: MPL-2.0 */
/* index -- one page for a person: the verdict first, then the rest in the order of what may need a hand.
 *
 * Invariants
 *   1. Whatever comes from outside (names, reasons) goes through buf_html; no script, no reference to another server.
 *   2. The page is at most INDEX_MAX bytes: rows are added while there is room for one more and for the end.
 */
#include <inttypes.h>

#include "render/status/status.h"
#include "render/status/verdict.h"

#define INDEX_MAX 65536
#define ROWS_MAX                                                                                             \
        (INDEX_MAX - 8192) /* where the rows end: below them one more row, and the rest of the page */
#define NAME_MAX_BYTES   100
#define REASON_MAX_BYTES 300

static const char page_head[] =
        "<!DOCTYPE html>\n"
        "<html lang=\"en\">\n"
        "<head>\n"
        "<meta charset=\"utf-8\">\n"
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
        "<meta name=\"color-scheme\" content=\"light dark\">\n"
        "<title>pxefs</title>\n"
        "<style>\n"
        ":root{--fg:#1c2430;--dim:#5b6675;--bg:#f6f7f9;--card:#fff;--line:#dde1e7;--good:#137547;--bad:#"
        "b3261e;"
        "--warn:#8a5a00}\n"
        "@media(prefers-color-scheme:dark){:root{--fg:#e4e8ee;--dim:#9aa5b4;--bg:#14181e;--card:#1c222a;"
        "--line:#2f3843;--good:#5fd39b;--bad:#ff8a80;--warn:#f2c063}}\n"
        "body{margin:0 auto;max-width:60rem;padding:1.5rem 1rem 3rem;background:var(--bg);color:var(--fg);"
        "font:16px/1.5 system-ui,sans-serif}\n"
        "h1{font-size:1.1rem;margin:0 0 1rem}h1 small{color:var(--dim);font-weight:400}\n"
        "h2{font-size:1rem;margin:2rem 0 .5rem}\n"
        ".verdict{background:var(--card);border:1px solid var(--line);border-left:.4rem solid var(--good);"
        "border-radius:.4rem;padding:.8rem 1rem;margin:.5rem 0}\n"
        ".verdict.bad{border-left-color:var(--bad)}.verdict b{display:block;overflow-wrap:anywhere}\n"
        ".verdict span{color:var(--dim)}\n"
        "table{width:100%;border-collapse:collapse;background:var(--card);border:1px solid var(--line);"
        "border-radius:.4rem;font-size:.9rem}\n"
        "th,td{text-align:left;vertical-align:top;padding:.4rem .7rem;border-top:1px solid var(--line);"
        "overflow-wrap:anywhere;unicode-bidi:isolate}\n"
        "th{color:var(--dim);font-weight:500}td.n{text-align:right;white-space:nowrap;overflow-wrap:normal}\n"
        "td:first-child{min-width:14rem}td:nth-child(2){white-space:nowrap}\n"
        ".ready{color:var(--good)}.refused{color:var(--bad)}.waiting,.indexing,.shadowed{color:var(--warn)}\n"
        "dl{display:grid;grid-template-columns:max-content 1fr;gap:.2rem 1rem;margin:0}"
        "dt{color:var(--dim)}dd{margin:0;overflow-wrap:anywhere}\n"
        "p a{margin-right:1rem}a{color:inherit}\n"
        "</style>\n"
        "</head>\n"
        "<body>\n";

static void put_problems(const struct daemon_facts *f, struct buf *out)
{
        struct verdict v;

        daemon_verdict(f, &v);
        if (v.healthy) {
                buf_puts(out, "<div class=\"verdict\"><b>");
                buf_html(out, v.good, REASON_MAX_BYTES);
                buf_puts(out, "</b></div>\n");
        }
        for (size_t i = 0; i < v.n_problems; i++) {
                buf_puts(out, "<div class=\"verdict bad\"><b>");
                buf_html(out, v.problems[i].what, REASON_MAX_BYTES);
                buf_puts(out, "</b><span>To do: ");
                buf_html(out, v.problems[i].action, REASON_MAX_BYTES);
                buf_puts(out, "</span></div>\n");
        }
        if (f->catalog->note) {
                buf_puts(out, "<p>Note: ");
                buf_html(out, f->catalog->note, REASON_MAX_BYTES);
                buf_puts(out, "</p>\n");
        }
}

static void put_reading(const struct daemon_facts *f, struct buf *out)
{
        if (f->n_reading == 0)
                return;
        buf_puts(out, "<h2>Being read</h2>\n<dl>\n");
        for (size_t i = 0; i < f->n_reading; i++) {
                const struct facts_reading *r = &f->reading[i];

                buf_puts(out, "<dt>");
                buf_html(out, r->file, NAME_MAX_BYTES);
                buf_puts(out, "</dt><dd>");
                if (r->read_bytes != FACT_UNKNOWN && r->total_bytes != FACT_UNKNOWN && r->total_bytes > 0)
                        buf_printf(out, "%" PRIu64 " of %" PRIu64 " MB, %" PRIu64 " %%",
                                r->read_bytes / 1000000, r->total_bytes / 1000000,
                                r->read_bytes * 100 / r->total_bytes);
                buf_puts(out, "</dd>\n");
        }
        buf_puts(out, "</dl>\n");
}

static void put_archive(const struct archive_status *a, struct buf *out)
{
        const char *state = archive_state_name(a->state);

        buf_puts(out, "<tr><td>");
        buf_html(out, a->file, NAME_MAX_BYTES);
        buf_printf(out, "</td><td class=\"%s\">%s</td><td>", state, state);
        if (a->build)
                buf_html(out, a->build, NAME_MAX_BYTES);
        if (a->build && a->reason)
                buf_puts(out, "<br>");
        if (a->reason)
                buf_html(out, a->reason, REASON_MAX_BYTES);
        buf_printf(out, "</td><td class=\"n\">%" PRIu64 ".%" PRIu64 " MB</td></tr>\n",
                a->size_bytes / 1000000, a->size_bytes / 100000 % 10);
}

/* What is not served comes first: it is what somebody looks for here. */
static void put_archives(const struct catalog_view *v, struct buf *out)
{
        static const enum archive_state order[] = { ARCHIVE_REFUSED, ARCHIVE_INDEXING, ARCHIVE_WAITING,
                ARCHIVE_READY, ARCHIVE_SHADOWED, ARCHIVE_PASSED_OVER };
        size_t left = v->n_archives;

        buf_puts(out, "<h2>Archives</h2>\n");
        if (!left) {
                buf_puts(out, "<p>There is none in the builds directory.</p>\n");
                return;
        }
        buf_puts(
                out, "<table>\n<tr><th>File</th><th>State</th><th>Build, or reason</th><th>Size</th></tr>\n");
        for (size_t s = 0; s < sizeof order / sizeof order[0]; s++)
                for (size_t i = 0; i < v->n_archives && out->len < ROWS_MAX; i++)
                        if (v->archives[i].state == order[s]) {
                                put_archive(&v->archives[i], out);
                                left--;
                        }
        buf_puts(out, "</table>\n");
        if (left)
                buf_printf(out,
                        "<p>And %zu more: pxectl builds lists them all.</p>\n", left);
}

static void put_time_row(struct buf *out, const char *what, int64_t sec)
{
        char text[TIME_TEXT_SIZE];

        if (sec <= 0)
                return;
        format_time(sec, text);
        buf_printf(out, "<dt>%s</dt><dd>%s</dd>\n", what, text);
}

static void put_inventory(const struct facts_inventory *i, struct buf *out)
{
        buf_printf(
                out, "<h2>Inventory</h2>\n<dl>\n<dt>State</dt><dd>%s</dd>\n", facts_inventory_name(i->state));
        if (i->hosts != FACT_UNKNOWN && i->nics != FACT_UNKNOWN)
                buf_printf(out, "<dt>Holds</dt><dd>hosts: %" PRIu64 ", NICs: %" PRIu64 "</dd>\n", i->hosts,
                        i->nics);
        put_time_row(out, "Since", i->since_sec);
        put_time_row(out, "Last good copy", i->copy_sec);
        if (i->reason) {
                buf_puts(out, "<dt>Reason</dt><dd>");
                buf_html(out, i->reason, REASON_MAX_BYTES);
                buf_puts(out, "</dd>\n");
        }
        buf_puts(out, "</dl>\n");
}

static void put_daemon(const struct daemon_facts *f, struct buf *out)
{
        const struct facts_process *p = &f->process;

        buf_puts(out, "<h2>Daemon</h2>\n<dl>\n");
        put_time_row(out, "Mounted", p->mount_sec);
        put_time_row(out, "Worker since", p->worker_sec);
        if (p->restarts != FACT_UNKNOWN)
                buf_printf(out, "<dt>Restarts</dt><dd>%" PRIu64 "</dd>\n", p->restarts);
        put_time_row(out, "Last death", p->death_sec);
        if (p->death) {
                buf_puts(out, "<dt>It died of</dt><dd>");
                buf_html(out, p->death, REASON_MAX_BYTES);
                buf_puts(out, "</dd>\n");
        }
        if (f->sandbox.json)
                buf_printf(
                        out, "<dt>Sandbox</dt><dd>%s</dd>\n", f->sandbox.complete ? "complete" : "partial");
        buf_puts(out, "</dl>\n");
}

int render_index(const struct daemon_facts *f, struct buf *out)
{
        buf_puts(out, page_head);
        buf_puts(out, "<h1>pxefs <small>");
        buf_html(out, f->version ? f->version : "", NAME_MAX_BYTES);
        buf_puts(out, "</small></h1>\n");
        put_problems(f, out);
        put_reading(f, out);
        put_archives(f->catalog, out);
        put_inventory(&f->inventory, out);
        put_daemon(f, out);
        buf_puts(out, "<h2>More</h2>\n<p><a href=\"../smartos/\">smartos/</a> <a "
                      "href=\"status.json\">status.json</a> "
                      "<a href=\"metrics\">metrics</a></p>\n</body>\n</html>\n");
        return buf_error(out);
}
