#!/bin/sh
# SPDX-License-Identifier: MPL-2.0
# The source keeps to its layers, and each way of leaving them is found.
set -eu
check=$PXEFS_SRC/tests/layers/layers.py
python3 "$check" "$PXEFS_SRC" || { echo "FAIL: see above" >&2; exit 1; }
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
finds() # WORDS: in a copy that was changed; the copy is made anew
{
        if python3 "$check" "$dir/copy" >"$dir/out"; then
                echo "FAIL: not found: $1" >&2
                exit 1
        fi
        grep -q "$1" "$dir/out" || { echo "FAIL: it speaks of something else than '$1':" >&2; cat "$dir/out" >&2; exit 1; }
        rm -rf "$dir/copy"
}
copy()
{
        mkdir "$dir/copy"
        cp "$PXEFS_SRC/meson.build" "$dir/copy/"
        cp -r "$PXEFS_SRC/fs" "$dir/copy/"
}
copy
echo '#include "catalog/catalog.h"' >>"$dir/copy/fs/archive/gate.h"
finds 'fs/archive/gate.h:[0-9]*: catalog/ is above archive/'
copy
echo '#include "platform/layout.h"' >>"$dir/copy/fs/platform/pathtree.c"
finds 'platform/layout leads back to platform/pathtree'
copy
echo '#include "catalog/indexpool.h"' >>"$dir/copy/fs/catalog/catalog_progress.h"
finds 'leads back to catalog/catalog_progress'
copy
sed -i 's/dep_base,/dep_base, dep_catalog,/' "$dir/copy/fs/codec/meson.build"
finds 'fs/codec/meson.build: links dep_catalog'
copy
mkdir "$dir/copy/fs/misc"
echo 'int misc;' >"$dir/copy/fs/misc/misc.c"
finds 'fs/misc is not among the folders'
