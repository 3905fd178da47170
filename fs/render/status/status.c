/* SPDX-License-Identifier: MPL-2.0 */
/* status -- JSON by hand: some dozen keys, one function that quotes (buf_json), one for numbers that may be unknown. */
#include "render/status/status.h"

#include <inttypes.h>

#include "render/status/verdict.h"

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

static bool is_quiet(const struct archive_status *a)
{
        return a->state == ARCHIVE_PASSED_OVER || ((a->state == ARCHIVE_READY || a->state == ARCHIVE_SHADOWED) &&
                                                          !a->reason && !(a->verified & ARCHIVE_NOT_CHECKED));
}

/* Those of which @quiet is true, or the others; *left counts down. */
static void render_archives(const struct catalog_view *v, bool quiet, size_t *left, struct buf *out)
{
        size_t end = out->len + STATUS_LISTED_BYTES / 2;

        for (size_t i = 0; i < v->n_archives && *left > 0 && out->len < end; i++)
                if (is_quiet(&v->archives[i]) == quiet) {
                        buf_puts(out, *left < STATUS_LISTED ? ",\n" : "\n");
                        render_archive(&v->archives[i], out);
                        (*left)--;
                }
}

/* By file name where all are listed; else what needs attention comes first. */
static void render_all_archives(const struct catalog_view *v, struct buf *out)
{
        size_t left = STATUS_LISTED;

        buf_puts(out, ",\n  \"archives\": [");
        if (v->n_archives <= STATUS_LISTED) {
                for (size_t i = 0; i < v->n_archives && out->len < STATUS_LISTED_BYTES; i++, left--) {
                        buf_puts(out, i ? ",\n" : "\n");
                        render_archive(&v->archives[i], out);
                }
        } else {
                render_archives(v, false, &left, out);
                render_archives(v, true, &left, out);
        }
        buf_puts(out, left < STATUS_LISTED ? "\n  ],\n  " : "],\n  ");
        put_number(out, "archives_total", v->n_archives);
        buf_puts(out, ",\n  ");
}

/* @name_of: of the @i-th. */
static void render_names(const char *key, const struct catalog_view *v, size_t n,
        const char *(*name_of)(const struct catalog_view *v, size_t i), struct buf *out)
{
        buf_printf(out, "\"%s\": [", key);
        for (size_t i = 0; i < n && i < STATUS_LISTED; i++) {
                buf_puts(out, i ? ", " : "");
                buf_json(out, name_of(v, i));
        }
        buf_printf(out, "], \"%s_total\": %zu", key, n);
}

static const char *build_name(const struct catalog_view *v, size_t i)
{
        return v->list.v[i].name;
}

static const char *image_name(const struct catalog_view *v, size_t i)
{
        return v->images[i]->name;
}

static const char *iso_name(const struct catalog_view *v, size_t i)
{
        return v->isos[i].name;
}

static void render_builds(const struct catalog_view *v, struct buf *out)
{
        const char *latest = NULL;

        for (size_t i = 0; i < v->list.n && !latest; i++)
                if (v->list.v[i].release) /* newest first: what the view's latest is, if it has builds */
                        latest = v->list.v[i].name;
        buf_puts(out, "  ");
        render_names("builds", v, v->list.n, build_name, out);
        buf_puts(out, ",\n  ");
        put_text(out, "latest", latest);
        buf_puts(out, ",\n  ");
        render_names("images", v, v->n_images, image_name, out);
        buf_puts(out, ",\n  ");
        render_names("isos", v, v->n_isos, iso_name, out);
        render_all_archives(v, out);
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
