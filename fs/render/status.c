/* SPDX-License-Identifier: MPL-2.0 */
/* status -- JSON by hand: a dozen keys, one function that quotes (buf_json). */
#include "render/status.h"

#include <inttypes.h>

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

static void render_inventory(const struct inventory_summary *sum, const char *error,
        const struct inventory_health *h, struct buf *out)
{
        char when[32];
        struct tm tm;
        struct err text;

        buf_puts(out, "  \"inventory\": {\"state\": ");
        if (!sum) {
                buf_puts(out, "\"unreadable\", \"reason\": ");
                buf_json(out, error);
        } else {
                inventory_health_text(h, &text);
                buf_puts(out, h->from == INVENTORY_LIVE ? "\"ready\"" : "\"copy\", \"reason\": ");
                if (h->from != INVENTORY_LIVE)
                        buf_json(out, text.text);
                buf_printf(out, ", \"schema\": %d, \"hosts\": %" PRIu64 ", \"nics\": %" PRIu64,
                        sum->schema_version, sum->hosts, sum->nics);
        }
        buf_puts(out, ", \"copy\": ");
        buf_json(out, h->copy_sec && gmtime_r(&h->copy_sec, &tm) &&
                                      strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%SZ", &tm)
                              ? when
                              : NULL);
        buf_puts(out, ", \"copy_file\": ");
        buf_json(out, h->copy_path);
        buf_puts(out, ", \"copy_problem\": ");
        buf_json(out, h->copy_reason.text[0] ? h->copy_reason.text : NULL);
        buf_puts(out, "}\n}\n");
}

int render_status(const struct catalog_view *v, const struct inventory_summary *inventory,
        const char *inventory_error, const struct inventory_health *health, const char *version,
        struct buf *out)
{
        buf_puts(out, "{\n  \"version\": ");
        buf_json(out, version);
        buf_puts(out, ",\n");
        render_builds(v, out);
        render_inventory(inventory, inventory_error, health, out);
        return buf_error(out);
}
