#!/bin/sh
# SPDX-License-Identifier: MPL-2.0
# The program that stays root links no library but libc (and a sanitizer's, in such a build); the worker links the rest.
set -eu
needed() { readelf -d "$1" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p'; }
if needed "$PXEFS" | grep -vE '^(libc|libm|libasan|libubsan|libtsan|ld-linux[-a-z0-9_]*|libpthread|libdl|librt|libgcc_s|libresolv)\.so'; then
        echo "pxefs links the above" >&2
        exit 1
fi
for lib in libarchive libsqlite3 libfuse3; do
        needed "$(dirname "$PXEFS")/pxefs-worker" | grep -q "^$lib\.so" || { echo "pxefs-worker does not link $lib: is it the worker?" >&2; exit 1; }
done
