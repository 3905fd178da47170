/* SPDX-License-Identifier: MPL-2.0 */
/* sniff -- what people put into a builds directory instead of a platform tarball, by its first bytes, decoded.
 *
 * "Unrecognized archive format" helps nobody: an error page saved under the tarball's name, a download that
 * is still empty, or a compression this version does not read each have their own way out.  A disk image is
 * told by its boot sector's mark, which an ISO made bootable from USB has too: so ISO and tar are looked for
 * first.
 *
 * Locks: none; pure.
 */
#include "archive/sniff.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#define READS      "this version reads .tar (also with gzip, xz, zstd or bzip2) and .iso: "
#define TWICE      " inside another compression: decompress it once"
#define RECOMPRESS READS "recompress it with gzip"
#define REPACK     READS "repack it with tar"

static bool at(const unsigned char *p, size_t len, size_t off, const char *magic, size_t n)
{
        return len >= off + n && memcmp(p + off, magic, n) == 0;
}

/* "<!DOCTYPE html", "<html" and the XML of an object store's error, after blanks. */
static bool is_markup(const unsigned char *p, size_t len)
{
        static const char *const starts[] = { "<!doctype", "<html", "<?xml", "<head" };
        size_t i = 0;

        while (i < len && isspace(p[i]))
                i++;
        for (size_t k = 0; k < sizeof starts / sizeof starts[0]; k++) {
                size_t n = strlen(starts[k]), j = 0;

                while (j < n && i + j < len && tolower(p[i + j]) == starts[k][j])
                        j++;
                if (j == n)
                        return true;
        }
        return false;
}

/* .lzma, of xz --format=lzma and of lzma(1): the usual properties, then a dictionary's size, at least 4 KiB and at most 4 GiB, in
 * steps. It has no mark (liblzma src/liblzma/common/alone_decoder.c). */
static bool is_lzma(const unsigned char *p, size_t len)
{
        return len >= 13 && p[0] == 0x5d && p[1] == 0 && p[2] == 0 && (p[3] != 0 || p[4] != 0);
}

/* RFC 1950, section 2.2. Level 2 to 5 ("x^") is left out: so may the first name in an old tar begin. */
static bool is_zlib(const unsigned char *p, size_t len)
{
        return len >= 2 && p[0] == 0x78 && (p[1] == 0x01 || p[1] == 0x9c || p[1] == 0xda);
}

/* cpio(5): "newc", with and without sums, and "odc": a mark and numbers in digits; or a number in binary. */
static bool is_cpio(const unsigned char *p, size_t len)
{
        if (len >= 26 && (memcmp(p, "\xc7\x71", 2) == 0 || memcmp(p, "\x71\xc7", 2) == 0))
                return true;
        if (len < 14 || memcmp(p, "07070", 5) != 0 || !strchr("127", p[5]))
                return false;
        for (size_t i = 6; i < 14; i++)
                if (!isxdigit(p[i]))
                        return false;
        return true;
}

const char *sniff_refuse(const void *data, size_t len, bool decoded)
{
        static const struct {
                const char *magic;
                size_t n;
                const char *reason;
        } table[] = {
                { "\xfd"
                  "7zXZ\0",
                        6, "it is compressed with xz" TWICE },
                { "\x28\xb5\x2f\xfd", 4, "it is compressed with zstd" TWICE },
                { "BZh", 3, "it is compressed with bzip2" TWICE },
                { "\x04\x22\x4d\x18", 4, "it is compressed with lz4: " RECOMPRESS },
                { "\x1f\x9d", 2, "it is compressed with compress: " RECOMPRESS },
                { "LZIP", 4, "it is compressed with lzip: " RECOMPRESS },
                { "\x89LZO\0\r\n\x1a\n", 9, "it is compressed with lzop: " RECOMPRESS },
                { "\x1f\x8b", 2, "it is compressed with gzip" TWICE },
                { "PK\x03\x04", 4, "it is a zip archive: " REPACK },
                { "7z\xbc\xaf\x27\x1c", 6, "it is a 7-Zip archive: " REPACK },
                { "Rar!", 4, "it is a RAR archive: " REPACK },
                { "hsqs", 4, "it is a squashfs image, not a platform tarball or ISO" },
                { "QFI\xfb", 4,
                        "it is a virtual disk image: take the platform .tgz or the .iso of the same build" },
                { "\x7f"
                  "ELF",
                        4, "it is an ELF program, not a platform tarball or ISO" },
        };
        const unsigned char *p = data;

        if (len == 0)
                return decoded ? "it holds nothing: what was compressed is empty; pack it again"
                               : "it is empty: the download has not begun or has failed";
        if (at(p, len, 257, "ustar", 5) || at(p, len, 32769, "CD001", 5))
                return NULL;
        for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
                if (at(p, len, 0, table[i].magic, table[i].n))
                        return table[i].reason;
        if (is_lzma(p, len))
                return "it is compressed with lzma (.lzma, not .xz): " RECOMPRESS;
        if (is_zlib(p, len))
                return "it is a zlib stream without a gzip header: " RECOMPRESS;
        if (is_cpio(p, len))
                return "it is a cpio archive: " REPACK;
        if (is_markup(p, len))
                return "it is a web page, not an archive: probably an error page of the download; fetch it "
                       "again";
        if (at(p, len, 510, "\x55\xaa", 2))
                return "it is a disk image: take the platform .tgz or the .iso of the same build";
        return NULL;
}
