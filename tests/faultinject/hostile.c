/* SPDX-License-Identifier: MPL-2.0 */
/* hostile -- see hostile.h.
 *
 * In every slot that is free stands a READ then that nobody asked, of each archive in turn, which began in times of all kinds;
 * each script in the text ring is another one, of equal length; magic, version, INIT, counters and all else in the head of the
 * journal is rubbish, the heartbeat the largest number there is.  The name of the process says when it is done.  SIGTERM is
 * ignored from then on.
 *
 * SIGUSR2: it sends its keeper lines for the log as fast as it can for FLOOD_SEC, then words by the control socket without end.
 *
 * Locks: none; a handler of a signal, in a thread that waits for requests.
 */
#include "hostile.h"

#include <linux/fuse.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>

#include "namespace/node.h"
#include "takeover/child.h"

#define FLOOD_SEC 3

static struct journal *journal;
static struct catalog *catalog;

static void invent_requests(void)
{
        static const int64_t times[] = { 1, INT64_MIN, INT64_MAX, -1 };
        struct catalog_view *v = catalog_view_get(catalog);
        struct journal_slot *s;

        for (unsigned i = 0; (s = journal_claim(journal)) && v->n_builds > 0; i++) {
                uint64_t object = v->builds[i % v->n_builds]->object;
                struct {
                        struct fuse_in_header head;
                        struct fuse_read_in in;
                } r = { .head = { .len = sizeof r,
                                .opcode = FUSE_READ,
                                .unique = UINT64_C(1000000000) + 2 * i,
                                .nodeid = node_entry(object, 1) },
                        .in = { .size = 4096 } };

                memcpy(journal_arm(s), &r, sizeof r);
                journal_taken(s, times[i % 4], object);
        }
        catalog_view_unref(v);
}

static void patch_texts(void)
{
        size_t bytes;
        char *ring = journal_ring(journal, &bytes), *end = ring + bytes, *p = ring;

        while ((p = memmem(p, (size_t)(end - p), "#!ipxe", 6)))
                memcpy(p, "#!evil", 6);
}

static void spoil_head(void)
{
        void *head;

        journal_beat(journal, INT64_MAX);
        head = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, CHILD_JOURNAL_FD, 0);
        if (head != MAP_FAILED)
                memset(head, 0xa5, 4096);
}

static void attack(int sig)
{
        (void)sig;
        (void)signal(SIGTERM, SIG_IGN);
        invent_requests();
        patch_texts();
        spoil_head();
        (void)prctl(PR_SET_NAME, "pxefs-hostile", 0, 0, 0);
}

static void flood(int sig)
{
        static char packet[200] = { 0 };
        time_t end = time(NULL) + FLOOD_SEC;

        (void)sig;
        (void)signal(SIGTERM, SIG_IGN);
        (void)prctl(PR_SET_NAME, "pxefs-flooding", 0, 0, 0);
        memset(packet + 16, 'x', sizeof packet - 16);
        while (time(NULL) < end)
                (void)send(CHILD_LOG_FD, packet, sizeof packet, MSG_NOSIGNAL | MSG_DONTWAIT);
        for (;;)
                for (const char *word = "SRFXG"; *word; word++) {
                        packet[0] = *word;
                        (void)send(CHILD_CONTROL_FD, packet, sizeof packet, MSG_NOSIGNAL | MSG_DONTWAIT);
                }
}

void hostile_arm(struct journal *j)
{
        journal = j;
        (void)signal(SIGUSR1, attack);
        (void)signal(SIGUSR2, flood);
}

void hostile_set_catalog(struct catalog *c)
{
        catalog = c;
}
