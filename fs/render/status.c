/* SPDX-License-Identifier: MPL-2.0 */
/* status -- JSON by hand: a dozen keys, one function that quotes (buf_json). */
#include "render/status.h"

#include <inttypes.h>
#include <time.h>

static void render_archive(const struct archive_status *a, struct buf *out)
{
        buf_puts(out, "    {\"file\": ");
        buf_json(out, a->file);
        buf_puts(out, ", \"build\": ");
        buf_json(out, a->build);
        buf_puts(out, ", \"kind\": ");
        buf_json(out, !a->build ? NULL : a->image ? "image" : "build");
        buf_puts(out, ", \"state\": ");
        buf_json(out, archive_state_name(a->state));
        buf_printf(out,
                ", \"size_bytes\": %" PRIu64 ", \"raw_bytes\": %" PRIu64 ", \"reason\": ", a->size_bytes,
                a->raw_bytes);
        buf_json(out, a->reason);
        buf_puts(out, ", \"verified\": ");
        buf_json(out, archive_verified_name(a->verified));
        buf_puts(out, "}");
}

static void put_time(int64_t sec, struct buf *out)
{
        time_t t = (time_t)sec;
        struct tm tm;
        char text[32];

        if (gmtime_r(&t, &tm) && strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &tm) > 0)
                buf_json(out, text);
        else
                buf_puts(out, "null");
}

/* Each is read twice: total_bytes is twice the file's size. */
static void render_reading(const struct catalog_progress *p, struct buf *out)
{
        buf_puts(out, "  \"reading\": [");
        for (size_t i = 0; i < p->n; i++) {
                buf_puts(out, i ? ",\n    {\"file\": " : "\n    {\"file\": ");
                buf_json(out, p->v[i].file);
                buf_printf(out, ", \"read_bytes\": %" PRIu64 ", \"total_bytes\": %" PRIu64 ", \"since\": ",
                        p->v[i].done_bytes, p->v[i].total_bytes);
                put_time(p->v[i].since_sec, out);
                buf_puts(out, "}");
        }
        buf_printf(out, "%s],\n  \"queued\": %zu,\n", p->n ? "\n  " : "", p->waiting);
}

static void render_builds(const struct catalog_view *v, struct buf *out)
{
        buf_puts(out, "  \"builds\": [");
        for (size_t i = 0; i < v->n_builds; i++) {
                buf_puts(out, i ? ", " : "");
                buf_json(out, v->builds[i]->name);
        }
        buf_puts(out, "],\n  \"latest\": ");
        buf_json(out, v->latest ? v->latest->name : NULL);
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
        buf_puts(out, v->n_archives ? "\n  ],\n" : "],\n");
        buf_puts(out, "  \"note\": ");
        buf_json(out, v->note);
        buf_puts(out, ",\n");
}

int render_status(const struct catalog_view *v, const struct catalog_progress *progress,
        const struct inventory_summary *inventory, const char *inventory_error, const char *version,
        struct buf *out)
{
        buf_puts(out, "{\n  \"version\": ");
        buf_json(out, version);
        buf_puts(out, ",\n");
        render_builds(v, out);
        render_reading(progress, out);
        if (inventory)
                buf_printf(out,
                        "  \"inventory\": {\"state\": \"ready\", \"schema\": %d, \"hosts\": %" PRIu64
                        ", \"nics\": %" PRIu64 "}\n}\n",
                        inventory->schema_version, inventory->hosts, inventory->nics);
        else {
                buf_puts(out, "  \"inventory\": {\"state\": \"unreadable\", \"reason\": ");
                buf_json(out, inventory_error);
                buf_puts(out, "}\n}\n");
        }
        return buf_error(out);
}
