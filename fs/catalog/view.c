/* SPDX-License-Identifier: MPL-2.0 */
/* view -- a catalog_view: look-ups in it, and its end.  Made by publish.c; see catalog.h.
 *
 * A view is immutable once published, so readers need no lock; builds are shared between views by reference.
 * Locks: none; the count is atomic.
 */
#include <stdlib.h>
#include <string.h>

#include "catalog/catalog.h"

void catalog_view_unref(struct catalog_view *v)
{
        if (!v || atomic_fetch_sub_explicit(&v->refs, 1, memory_order_acq_rel) != 1)
                return;
        for (size_t i = 0; i < v->n_builds; i++)
                build_unref(v->builds[i]);
        for (size_t i = 0; i < v->n_images; i++)
                build_unref(v->images[i]);
        for (size_t i = 0; i < v->n_isos; i++)
                build_unref(v->isos[i].build);
        for (size_t i = 0; i < v->n_retired; i++)
                build_unref(v->retired[i]);
        for (size_t i = 0; i < v->n_archives; i++) {
                free(v->archives[i].file);
                free(v->archives[i].build);
                free(v->archives[i].iso);
                free(v->archives[i].reason);
        }
        free(v->builds);
        free(v->images);
        free(v->isos);
        free(v->retired);
        free(v->infos);
        free(v->iso_names);
        free(v->archives);
        free(v->note);
        free(v);
}

const struct build *catalog_view_by_name(const struct catalog_view *v, const char *name)
{
        for (size_t i = 0; i < v->n_builds; i++)
                if (strcmp(v->builds[i]->name, name) == 0)
                        return v->builds[i];
        return NULL;
}

const struct build *catalog_view_image(const struct catalog_view *v, const char *name)
{
        for (size_t i = 0; i < v->n_images; i++)
                if (strcmp(v->images[i]->name, name) == 0)
                        return v->images[i];
        return NULL;
}

const struct build *catalog_view_iso(const struct catalog_view *v, const char *name)
{
        for (size_t i = 0; i < v->n_isos; i++)
                if (strcmp(v->isos[i].name, name) == 0)
                        return v->isos[i].build;
        return NULL;
}

const struct build *catalog_view_by_object(const struct catalog_view *v, uint64_t object)
{
        for (size_t i = 0; i < v->n_builds; i++)
                if (v->builds[i]->object == object)
                        return v->builds[i];
        for (size_t i = 0; i < v->n_images; i++)
                if (v->images[i]->object == object)
                        return v->images[i];
        for (size_t i = 0; i < v->n_isos; i++)
                if (v->isos[i].build->object == object)
                        return v->isos[i].build;
        for (size_t i = 0; i < v->n_retired; i++)
                if (v->retired[i]->object == object)
                        return v->retired[i];
        return NULL;
}

const char *archive_state_name(enum archive_state s)
{
        static const char *const names[] = { [ARCHIVE_READY] = "ready",
                [ARCHIVE_INDEXING] = "indexing",
                [ARCHIVE_WAITING] = "waiting",
                [ARCHIVE_REFUSED] = "refused",
                [ARCHIVE_SHADOWED] = "shadowed",
                [ARCHIVE_PASSED_OVER] = "passed over" };

        return (size_t)s < sizeof names / sizeof names[0] ? names[s] : "unknown";
}

const char *archive_verified_name(unsigned verified)
{
        static const char *const names[ARCHIVE_VERIFIED_ALL] = { [0] = "",
                [ARCHIVE_NOT_CHECKED] = "not checked",
                [ARCHIVE_VERIFIED_HASH | ARCHIVE_NOT_CHECKED] = "hash,not checked",
                [ARCHIVE_VERIFIED_HASH] = "hash",
                [ARCHIVE_VERIFIED_SHA256] = "sha256",
                [ARCHIVE_VERIFIED_HASH | ARCHIVE_VERIFIED_SHA256] = "hash,sha256",
                [ARCHIVE_VERIFIED_MD5] = "md5",
                [ARCHIVE_VERIFIED_HASH | ARCHIVE_VERIFIED_MD5] = "hash,md5" };

        return verified < ARCHIVE_VERIFIED_ALL && names[verified] ? names[verified] : "";
}
