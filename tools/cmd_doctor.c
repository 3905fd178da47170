/* SPDX-License-Identifier: MPL-2.0 */
/* cmd_doctor -- pxectl doctor: is everything as it should be, and if not, what mends it? */
#include "ctl.h"

#include <stdio.h>
#include <string.h>

#include "doctor.h"

const char doctor_usage[] = "usage: pxectl doctor [--strict] [MOUNTPOINT]\n"
                            "Looks at the pxefs on MOUNTPOINT (default /tftpboot) and at its machine: the\n"
                            "mount, what confines the daemon, whether the TFTP and HTTP servers that run\n"
                            "here see the mount and may read it, builds, cache, inventory, kernel. A line\n"
                            "for each: ok, warn or FAIL; below it what mends it. Run it as root: others\n"
                            "cannot see all of it. It changes nothing, and no dead mount makes it hang.\n"
                            "Inventory and cache are those of the running daemon; without one, -i and -c.\n"
                            "Exit status: 0 nothing failed (with --strict: nothing was warned of either),\n"
                            "3 something did, 1 it could not be tried.\n";

struct printer {
        struct buf *out;
        bool json;
        unsigned n, warned, failed;
};

static void print(void *ctx, const struct doctor_finding *f)
{
        static const char *const words[] = {
                [DOCTOR_OK] = "ok", [DOCTOR_WARN] = "warn", [DOCTOR_FAIL] = "FAIL"
        };
        struct printer *p = ctx;

        p->warned += f->level == DOCTOR_WARN;
        p->failed += f->level == DOCTOR_FAIL;
        if (p->json) {
                buf_puts(p->out, p->n++ ? ",\n  {\"check\": " : "{\"check\": ");
                buf_json(p->out, f->check);
                buf_puts(p->out, ", \"level\": ");
                buf_json(p->out, f->level == DOCTOR_FAIL ? "fail" : words[f->level]);
                buf_puts(p->out, ", \"mend\": ");
                buf_json(p->out, f->mend[0] ? f->mend : NULL);
                buf_puts(p->out, ", \"text\": ");
                buf_json(p->out, f->text);
                buf_puts(p->out, "}");
                return;
        }
        buf_printf(p->out, "%-4s  %s\n", words[f->level], f->text);
        if (f->mend[0])
                buf_printf(p->out, "      -> %s\n", f->mend);
}

int cmd_doctor(struct ctl *c, int argc, char **argv)
{
        AUTO_BUF struct buf b = BUF_INIT;
        struct printer p = { .out = &b, .json = c->json };
        const char *mountpoint = NULL;
        struct doctor_facts *facts;
        bool strict = false;
        int r;

        for (int i = 0; i < argc; i++) {
                if (strcmp(argv[i], "--strict") == 0)
                        strict = true;
                else if (argv[i][0] == '-' || mountpoint)
                        return ctl_fail(CTL_USAGE, "doctor has no use for %s: pxectl doctor --help", argv[i]);
                else
                        mountpoint = argv[i];
        }
        facts = calloc(1, sizeof *facts);
        if (!facts)
                return ctl_fail(CTL_FAILED, "out of memory");
        doctor_gather(mountpoint ? mountpoint : "/tftpboot", c->inventory, c->cache, facts);
        buf_puts(&b, c->json ? "{\"findings\": [" : "");
        doctor_judge(facts, print, &p);
        free(facts);
        if (c->json)
                buf_printf(&b, "], \"failed\": %u, \"warned\": %u}\n", p.failed, p.warned);
        r = ctl_write(&b);
        if (r != CTL_OK)
                return r;
        return p.failed || (strict && p.warned) ? CTL_REFUSED : CTL_OK;
}
