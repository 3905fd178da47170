/* SPDX-License-Identifier: MPL-2.0 */
/* packer -- see packer.h. */
#include "packer.h"

#include <stdint.h>
#include <stdlib.h>

#if PXEFS_HAVE_XZ
#include <lzma.h>
#endif
#if PXEFS_HAVE_ZSTD
#include <zstd.h>
#endif
#if PXEFS_HAVE_BZIP2
#include <bzlib.h>
#endif

#include "tarmaker.h"

bool pack_can(enum filter_kind kind)
{
        return kind == FILTER_GZIP || (kind == FILTER_XZ && PXEFS_HAVE_XZ) ||
               (kind == FILTER_ZSTD && PXEFS_HAVE_ZSTD) || (kind == FILTER_BZIP2 && PXEFS_HAVE_BZIP2);
}

#if PXEFS_HAVE_XZ
static size_t xz(const void *data, size_t len, bool checked, unsigned char *out, size_t cap)
{
        size_t n = 0;

        if (lzma_easy_buffer_encode(0, checked ? LZMA_CHECK_CRC64 : LZMA_CHECK_NONE, NULL, data, len, out, &n,
                    cap) != LZMA_OK)
                abort();
        return n;
}
#endif

#if PXEFS_HAVE_ZSTD
static size_t zstd(const void *data, size_t len, bool checked, unsigned char *out, size_t cap)
{
        ZSTD_CCtx *z = ZSTD_createCCtx();
        size_t n;

        (void)ZSTD_CCtx_setParameter(z, ZSTD_c_checksumFlag, checked);
        n = ZSTD_compress2(z, out, cap, data, len);
        (void)ZSTD_freeCCtx(z);
        if (ZSTD_isError(n))
                abort();
        return n;
}
#endif

#if PXEFS_HAVE_BZIP2
static size_t bzip2(const void *data, size_t len, unsigned char *out, size_t cap)
{
        unsigned n = (unsigned)cap;

        if (BZ2_bzBuffToBuffCompress((char *)out, &n, (char *)(uintptr_t)data, (unsigned)len, 1, 0, 0) !=
                BZ_OK)
                abort();
        return n;
}
#endif

void pack_add(struct buf *out, enum filter_kind kind, const void *data, size_t len, bool checked)
{
        size_t cap = len + len / 8 + 4096, n = 0;
        AUTO_FREE unsigned char *p = malloc(cap);

        (void)checked;
        switch ((int)kind) {
        case FILTER_GZIP:
                gz_add(out, data, len, 6);
                return;
#if PXEFS_HAVE_XZ
        case FILTER_XZ:
                n = xz(data, len, checked, p, cap);
                break;
#endif
#if PXEFS_HAVE_ZSTD
        case FILTER_ZSTD:
                n = zstd(data, len, checked, p, cap);
                break;
#endif
#if PXEFS_HAVE_BZIP2
        case FILTER_BZIP2:
                n = bzip2(data, len, p, cap);
                break;
#endif
        default:
                abort();
        }
        buf_add(out, p, n);
}
