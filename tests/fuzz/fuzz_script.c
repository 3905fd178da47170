/* SPDX-License-Identifier: MPL-2.0 */
/* fuzz_script -- rows of any content, as the daemon reads them with every check of the database off, rendered: judged by
 * what the illumos kernel and iPXE make of it (the references of tests/unit/render), not by our encoder.
 *
 *   1. The script holds only commands and labels of ours, whatever the rows hold; so do the dispatchers.
 *   2. Each property reaches the kernel once with its very value, or is among the refusals; nothing else reaches it but
 *      what is implied.
 *   3. What is made once is made again; what is explained is printable.
 *
 * Input: lines.  The first: kind and settings, by character; then host name, title, base URL, build, comment; then a
 * property a line, "name\tvalue".  A line may hold any byte but its newline; "\xff" stands for one.
 */
#include <ctype.h>
#include <string.h>

#include "base/cleanup.h"
#include "fixture.h"
#include "fuzz.h"
#include "inventory/plan/mac.h"
#include "ref_fakebop.h"
#include "ref_ipxe.h"
#include "render/boot/bootargs.h"
#include "render/boot/offer.h"
#include "render/boot/render.h"
#include "render/boot/token.h"

#define MAX_PROPERTIES 16

/* The next line of *@p, NULL at the end. */
static char *line_of(char **p)
{
        char *line = *p, *end;

        if (!*line)
                return NULL;
        end = line + strcspn(line, "\n");
        *p = *end ? end + 1 : end;
        *end = '\0';
        for (char *c = line; *c; c++)
                if (*c == (char)0xff)
                        *c = '\n';
        return line;
}

static void fill(struct fixture *f, char *p)
{
        const char *how = line_of(&p);
        char *line;
        unsigned c = 0;

        fixture_host(f);
        f->plan.n_properties = 0;
        for (size_t i = 0; how && how[i] && i < 8; i++)
                c |= (unsigned)(how[i] & 1) << i;
        f->plan.kind = c & 1 ? PLAN_UNKNOWN : PLAN_HOST;
        f->plan.menu_style = c & 2 ? MENU_MINIMAL : MENU_FULL;
        f->plan.boot_form = c & 4 ? FORM_INITRD : FORM_MODULE;
        f->plan.loader = c & 8 ? LOADER_TRITON : LOADER_STOCK;
        f->plan.hostname = line_of(&p);
        line = line_of(&p);
        if (line)
                f->plan.menu_title = line;
        line = line_of(&p);
        f->plan.base_url = line && *line ? line : NULL;
        line = line_of(&p);
        f->plan.build = line && *line ? line : NULL;
        f->plan.comment = line_of(&p);
        while ((line = line_of(&p)) && f->plan.n_properties < MAX_PROPERTIES) {
                char *tab = strchr(line, '\t');

                if (tab)
                        *tab = '\0';
                fixture_property(f, line, tab ? tab + 1 : "", "host db1", false);
        }
}

static bool is_refused(const struct refusals *r, const char *name)
{
        AUTO_BUF struct buf start = BUF_INIT;

        buf_puts(&start, name[0] == '-' ? "flag " : "property ");
        (void)token_put_display(&start, name, 80);
        buf_puts(&start, " (");
        return r->lines.data && strstr(r->lines.data, start.data);
}

/* By iPXE's rules first: it splits the line into words and joins them with one blank. */
static void put_words(const char *args, struct buf *line)
{
        char *words[1024], *copy = NULL;
        size_t n = ref_ipxe_split(args, words, 1024, &copy);

        for (size_t i = 0; i < n; i++) {
                FUZZ_CHECK(words[i][0] != '#' && strcmp(words[i], "||") != 0 && strcmp(words[i], "&&") != 0 &&
                           strcmp(words[i], ";") != 0 && strcmp(words[i], "---") != 0 &&
                           !strstr(words[i], "${"));
                buf_puts(line, " ");
                buf_puts(line, words[i]);
        }
        free(copy);
}

static void check_args(const struct fixture *f)
{
        AUTO_BUF struct buf args = BUF_INIT, again = BUF_INIT, line = BUF_INIT;
        AUTO_REFUSALS struct refusals refused = REFUSALS_INIT;
        const struct plan *p = &f->plan;
        struct fakebop k;

        FUZZ_CHECK(bootargs_make(p, NULL, 0, 0, &args, &refused) == 0);
        FUZZ_CHECK(bootargs_make(p, NULL, 0, 0, &again, NULL) == 0 && args.len == again.len);
        FUZZ_CHECK(args.len == 0 || (strcmp(args.data, again.data) == 0 && !strpbrk(args.data, "\n\r\t")));
        buf_puts(&line, "http://10.0.0.1/smartos/X/platform/i86pc/kernel/amd64/unix");
        if (args.len)
                put_words(args.data, &line);
        fakebop_parse(line.data, &k);
        FUZZ_CHECK(!k.overrun);
        for (size_t i = 0; i < p->n_properties; i++) {
                const char *name = p->properties[i].name, *got = fakebop_value(&k, name);

                if (is_refused(&refused, name))
                        continue; /* of two with one name the second is; then either may be there */
                if (name[0] == '-') {
                        FUZZ_CHECK(fakebop_has_flag(&k, name));
                        continue;
                }
                FUZZ_CHECK(got && strcmp(got, p->properties[i].value) == 0 && fakebop_count(&k, name) == 1);
        }
        for (size_t i = 0; i < k.n; i++) {
                const char *name = k.props[i].name, *value = k.props[i].value;

                FUZZ_CHECK(fakebop_count(&k, name) == 1);
                if (bootargs_value(p, name))
                        continue;
                if (strcmp(name, "hostname") == 0)
                        FUZZ_CHECK(p->hostname && token_is_hostname(p->hostname) &&
                                   strcmp(value, p->hostname) == 0);
                else
                        FUZZ_CHECK(strncmp(name, "tty", 3) == 0 && strcmp(name + 4, "-mode") == 0);
        }
        fakebop_fini(&k);
}

static void check_script(const struct fixture *f)
{
        AUTO_BUF struct buf a = BUF_INIT, b = BUF_INIT, why = BUF_INIT, errors = BUF_INIT, d = BUF_INIT,
                            w = BUF_INIT;

        FUZZ_CHECK(render_ipxe(&f->plan, &f->builds, f->latest, &a) == 0);
        FUZZ_CHECK(render_ipxe(&f->plan, &f->builds, f->latest, &b) == 0);
        FUZZ_CHECK(a.len == b.len && memcmp(a.data, b.data, a.len) == 0);
        if (!ref_ipxe_check(a.data, a.len, &errors)) {
                (void)fprintf(stderr, "%s\n%s\n", a.data, errors.data);
                abort();
        }
        FUZZ_CHECK(render_dispatcher(f->plan.base_url, &d) == 0);
        if (!ref_ipxe_check(d.data, d.len, &errors)) {
                (void)fprintf(stderr, "%s\n%s\n", d.data, errors.data);
                abort();
        }
        FUZZ_CHECK(render_autoexec(f->plan.base_url, &w) == 0);
        if (!ref_ipxe_check(w.data, w.len, &errors)) {
                (void)fprintf(stderr, "%s\n%s\n", w.data, errors.data);
                abort();
        }
        FUZZ_CHECK(render_why(&f->plan, &f->builds, f->latest, &why) == 0 && strlen(why.data) == why.len);
        for (size_t i = 0; i < why.len; i++)
                FUZZ_CHECK(
                        why.data[i] == '\n' || ((unsigned char)why.data[i] >= 0x20 && why.data[i] != 0x7f));
}

/* Any text as a MAC: taken in one canonical form, or refused. */
static void check_mac(const char *text)
{
        char back[MAC_TEXT_SIZE];
        uint64_t mac = 0, again = 1;
        bool canonical = false;

        if (mac_parse(text, &mac, &canonical) < 0)
                return;
        FUZZ_CHECK(mac != 0 && mac >> 48 == 0);
        mac_format(mac, back);
        FUZZ_CHECK(token_is_mac(back) && mac_parse(back, &again, NULL) == 0 && again == mac);
        FUZZ_CHECK(canonical == (strcmp(text, back) == 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        AUTO_FREE char *text = malloc(size + 1);
        static struct fixture f;

        FUZZ_CHECK(text);
        memcpy(text, data, size);
        text[size] = '\0';
        check_mac(text);
        fill(&f, text);
        check_args(&f);
        check_script(&f);
        return 0;
}
