/* SPDX-License-Identifier: MPL-2.0 */
/* status -- JSON by hand: some dozen keys, one function that quotes (buf_json), one for numbers that may be unknown. */
#include "render/status.h"

#include <inttypes.h>

#include "render/verdict.h"

static void put_number(struct buf *out, const char *key, uint64_t n)
{
        if (n == FACT_UNKNOWN)
                buf_printf(out, "\"%s\": null", key);
        else
                buf_printf(out, "\"%s\": %" PRIu64, key, n);
}

static void put_text(struct buf *out, const char *key, const char *s)
{
        buf_printf(out, "\"%s\": ", key);
        buf_json(out, s);
}

static void put_time(struct buf *out, const char *key, int64_t sec)
{
        char text[TIME_TEXT_SIZE];

        format_time(sec, text);
        put_text(out, key, sec ? text : NULL);
}

static void render_verdict(const struct daemon_facts *f, struct buf *out)
{
        AUTO_BUF struct buf line = BUF_INIT;
        struct verdict v;

        daemon_verdict(f, &v);
        verdict_line(&v, &line);
        buf_printf(out, "  \"healthy\": %s,\n  ", v.healthy ? "true" : "false");
        put_text(out, "verdict", line.data);
        buf_puts(out, ",\n  ");
        put_text(out, "action", verdict_action(&v));
        buf_puts(out, ",\n  \"problems\": [");
        for (size_t i = 0; i < v.n_problems; i++) {
                buf_puts(out, i ? ",\n    {" : "\n    {");
                put_text(out, "what", v.problems[i].what);
                buf_puts(out, ", ");
                put_text(out, "action", v.problems[i].action);
                buf_puts(out, "}");
        }
        buf_puts(out, v.n_problems ? "\n  ],\n" : "],\n");
        if (!out->error)
                out->error = buf_error(&line);
}

static void render_archive(const struct archive_status *a, struct buf *out)
{
        buf_puts(out, "    {");
        put_text(out, "file", a->file);
        buf_puts(out, ", ");
        put_text(out, "build", a->build);
        buf_puts(out, ", ");
        put_text(out, "kind", !a->build ? NULL : a->image ? "image" : "build");
        buf_puts(out, ", ");
        put_text(out, "state", archive_state_name(a->state));
        buf_printf(out, ", \"size_bytes\": %" PRIu64 ", \"raw_bytes\": %" PRIu64 ", ", a->size_bytes,
                a->raw_bytes);
        put_text(out, "reason", a->reason);
        buf_puts(out, ", ");
        put_text(out, "verified", archive_verified_name(a->verified));
        buf_puts(out, "}");
}

static void render_builds(const struct catalog_view *v, struct buf *out)
{
        const char *latest = NULL;

        buf_puts(out, "  \"builds\": [");
        for (size_t i = 0; i < v->list.n; i++) {
                buf_puts(out, i ? ", " : "");
                buf_json(out, v->list.v[i].name);
                if (!latest &&
                        v->list.v[i].release) /* newest first: what the view's latest is, if it has builds */
                        latest = v->list.v[i].name;
        }
        buf_puts(out, "],\n  ");
        put_text(out, "latest", latest);
        buf_puts(out, ",\n  \"images\": [");
        for (size_t i = 0; i < v->n_images; i++) {
                buf_puts(out, i ? ", " : "");
                buf_json(out, v->images[i]->name);
        }
        buf_puts(out, "],\n  \"isos\": [");
        for (size_t i = 0; i < v->n_isos; i++) {
                buf_puts(out, i ? ", " : "");
                buf_json(out, v->isos[i].name);
        }
        buf_puts(out, "],\n  \"archives\": [");
        for (size_t i = 0; i < v->n_archives; i++) {
                buf_puts(out, i ? ",\n" : "\n");
                render_archive(&v->archives[i], out);
        }
        buf_puts(out, v->n_archives ? "\n  ],\n  " : "],\n  ");
        put_text(out, "note", v->note);
        buf_puts(out, ",\n");
}

static void render_reading(const struct daemon_facts *f, struct buf *out)
{
        buf_puts(out, "  \"reading\": [");
        for (size_t i = 0; i < f->n_reading; i++) {
                buf_puts(out, i ? ", {" : "{");
                put_text(out, "file", f->reading[i].file);
                buf_puts(out, ", ");
                put_number(out, "read_bytes", f->reading[i].read_bytes);
                buf_puts(out, ", ");
                put_number(out, "total_bytes", f->reading[i].total_bytes);
                buf_puts(out, ", ");
                put_time(out, "since", f->reading[i].since_sec);
                buf_puts(out, "}");
        }
        buf_puts(out, "],\n  ");
        put_number(out, "queued", f->queued);
        buf_puts(out, ",\n");
}

static void render_absent(const struct facts_absent *a, struct buf *out)
{
        buf_puts(out, "  ");
        put_number(out, "static_absent", a->n);
        buf_puts(out, ", \"static_absent_first\": [");
        for (size_t i = 0; i < FACTS_ABSENT && a->named[i]; i++) {
                buf_puts(out, i ? ",\n    " : "\n    ");
                buf_json(out, a->named[i]);
        }
        buf_puts(out, a->n ? "\n  ],\n" : "],\n");
}

static void render_inventory(const struct facts_inventory *i, struct buf *out)
{
        buf_puts(out, "  \"inventory\": {");
        put_text(out, "state", facts_inventory_name(i->state));
        buf_puts(out, ", ");
        put_text(out, "reason", i->reason);
        buf_puts(out, ", ");
        put_time(out, "since", i->since_sec);
        buf_puts(out, ", ");
        put_time(out, "copy_of", i->copy_sec);
        buf_puts(out, ", ");
        put_text(out, "copy_trouble", i->copy_trouble);
        buf_puts(out, ", ");
        put_number(out, "schema", i->schema);
        buf_puts(out, ", ");
        put_number(out, "hosts", i->hosts);
        buf_puts(out, ", ");
        put_number(out, "nics", i->nics);
        buf_puts(out, "},\n");
}

static void render_worker(const struct facts_process *p, const struct facts_sandbox *s, struct buf *out)
{
        buf_puts(out, "  \"worker\": {");
        put_number(out, "pid", p->worker_pid);
        buf_puts(out, ", ");
        put_number(out, "keeper_pid", p->keeper_pid);
        buf_puts(out, ", ");
        put_time(out, "since", p->worker_sec);
        buf_puts(out, ", ");
        put_time(out, "mounted", p->mount_sec);
        buf_puts(out, ",\n    ");
        put_number(out, "restarts", p->restarts);
        buf_puts(out, ", ");
        put_number(out, "restarts_last_hour", p->restarts_last_hour);
        buf_puts(out, ", ");
        put_number(out, "upgrades", p->upgrades);
        buf_puts(out, ", ");
        put_number(out, "upgrades_refused", p->refusals);
        buf_puts(out, ", ");
        put_text(out, "upgrade_refused", p->upgrade_refused);
        buf_puts(out, ",\n    ");
        put_number(out, "poisoned_requests", p->poisoned);
        buf_puts(out, ", ");
        put_number(out, "log_lines_lost", p->log_lost);
        buf_puts(out, ", ");
        put_time(out, "last_death", p->death_sec);
        buf_puts(out, ", ");
        put_text(out, "last_death_reason", p->death);
        buf_printf(out, "},\n  \"sandbox\": %s\n", s->json ? s->json : "null");
}

int render_status(const struct daemon_facts *f, struct buf *out)
{
        buf_puts(out, "{\n  ");
        put_text(out, "version", f->version);
        buf_printf(out, ",\n  \"running\": %s,\n", f->running ? "true" : "false");
        render_verdict(f, out);
        render_absent(&f->absent, out);
        render_builds(f->catalog, out);
        render_reading(f, out);
        render_inventory(&f->inventory, out);
        render_worker(&f->process, &f->sandbox, out);
        buf_puts(out, "}\n");
        return buf_error(out);
}
