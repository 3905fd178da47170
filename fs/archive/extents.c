/* SPDX-License-Identifier: MPL-2.0 */
/* extents -- one file read through its extents; see members.h.
 *
 * A reader asks for a range, the extents cover some of it: each step is either a hole up to the next extent
 * or the rest of one, and a file of a plain tar is one extent, so the loop runs once.
 *
 * Locks: none.
 */
#include <errno.h>
#include <string.h>

#include "archive/members.h"

/* The first extent that ends after @off, or @n. */
static size_t first_after(const struct extent *v, size_t n, uint64_t off)
{
        size_t lo = 0, hi = n;

        while (lo < hi) {
                size_t mid = lo + (hi - lo) / 2;

                if (v[mid].off_member + v[mid].len_bytes > off)
                        hi = mid;
                else
                        lo = mid + 1;
        }
        return lo;
}

static size_t min_size(size_t a, uint64_t b)
{
        return b < a ? (size_t)b : a;
}

ssize_t extents_pread(const struct extent *v, size_t n, uint64_t size_bytes, struct source *src, void *buf,
        size_t len, uint64_t off_member)
{
        size_t done = 0, i;

        if (off_member >= size_bytes)
                return 0;
        len = min_size(len, size_bytes - off_member);
        i = first_after(v, n, off_member);
        while (done < len) {
                uint64_t off = off_member + done;
                size_t want = len - done;
                ssize_t got;

                if (i == n || off < v[i].off_member) { /* a hole, to the next extent or to the end */
                        if (i < n)
                                want = min_size(want, v[i].off_member - off);
                        memset((char *)buf + done, 0, want);
                        done += want;
                        continue;
                }
                want = min_size(want, v[i].off_member + v[i].len_bytes - off);
                got = source_pread(src, (char *)buf + done, want, v[i].off_raw + (off - v[i].off_member));
                if (got < 0)
                        return got;
                if ((size_t)got < want)
                        return -EIO;
                done += want;
                i++;
        }
        return (ssize_t)done;
}

int extents_borrow(const struct extent *v, size_t n, uint64_t size_bytes, struct source *src, size_t len,
        uint64_t off_member, struct loan *ret)
{
        size_t i = first_after(v, n, off_member);

        if (off_member >= size_bytes)
                return -EOPNOTSUPP;
        len = min_size(len, size_bytes - off_member);
        if (i == n || off_member < v[i].off_member || off_member + len > v[i].off_member + v[i].len_bytes)
                return -EOPNOTSUPP;
        return source_borrow(src, len, v[i].off_raw + (off_member - v[i].off_member), ret);
}
