/* SPDX-License-Identifier: MPL-2.0 */
/* chunked -- what the sources over the chunk cache (gzip.c, checked.c) have in common: reading and lending out of chunks,
 * and telling trouble once.
 *
 * Locks: none.
 */
#include <errno.h>
#include <string.h>

#include "archive/chunkcache.h"
#include "archive/gate.h"
#include "archive/source_impl.h"

ssize_t chunked_pread(struct chunk_client *cl, void *buf, size_t len, uint64_t off_raw)
{
        for (size_t done = 0; done < len;) {
                size_t n = chunkcache_first(cl, off_raw + done, len - done);
                const unsigned char *data;
                struct chunk *ch;
                int r = chunkcache_get(cl, off_raw + done, n, &ch, &data);

                if (r < 0)
                        return r;
                memcpy((char *)buf + done, data, n);
                chunk_put(ch);
                done += n;
        }
        return (ssize_t)len;
}

static void put_loan(void *p)
{
        chunk_put(p);
}

int chunked_borrow(struct chunk_client *cl, size_t len, uint64_t off_raw, struct loan *ret)
{
        const unsigned char *data;
        struct chunk *ch;
        int r;

        if (chunkcache_first(cl, off_raw, len) < len)
                return -EOPNOTSUPP;
        r = chunkcache_get(cl, off_raw, len, &ch, &data);
        if (r < 0)
                return r;
        *ret = (struct loan) { data, len, put_loan, ch };
        return 0;
}

void source_report(const struct source_env *env, uint64_t object, atomic_uint *reported,
        enum source_trouble what, const char *why)
{
        unsigned bit = 1u << what;

        if (!(atomic_fetch_or(reported, bit) & bit) && env->report)
                env->report(env->ctx, object, what, why);
}

ssize_t source_read_file(struct gate *gate, int fd, void *buf, size_t len, uint64_t off)
{
        size_t done = 0;

        while (done < len) {
                ssize_t n = gate_pread(gate, fd, (char *)buf + done, len - done, off + done);

                if (n < 0)
                        return n;
                if (n == 0)
                        break;
                done += (size_t)n;
        }
        return (ssize_t)done;
}
