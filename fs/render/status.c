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

int render_status(const struct catalog_view *v, const struct inventory_summary *inventory,
        const char *inventory_error, const char *version, const char *sandbox, struct buf *out)
{
        buf_puts(out, "{\n  \"version\": ");
        buf_json(out, version);
        buf_printf(out, ",\n  \"sandbox\": %s,\n", sandbox ? sandbox : "null");
        render_builds(v, out);
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
