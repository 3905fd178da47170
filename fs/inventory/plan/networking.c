/* SPDX-License-Identifier: MPL-2.0 */
/* networking -- networking.json, of the host's NICs and of what it inherits from network and route; see load_impl.h.
 *
 * The same text as the view host_networking makes, which the daemon cannot use; a test compares the two.  What the file's
 * keys mean, and who reads them: the table network in schema/inventory.sql.
 *
 * Invariants
 *   1. All or nothing: a machine that finds the file takes its network from nowhere else, so half a network is worse than
 *      none.  A row that cannot be used, or no port with the admin tag, costs the file and is a problem.
 *   2. Each value is checked here again, since a row may hold anything: SmartOS hands them to a shell's eval
 *      (load_boot_file_config in smartos-live src/lib/sdc/config.sh).  Hence nothing needs to be escaped.
 *   3. A host whose NICs have none of the columns costs one query.
 */
#include "inventory/plan/load_impl.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "inventory/plan/mac.h"

#define NICS_MAX   64
#define ROUTES_MAX 64 /* that a machine's layers may have together */
#define LIST_MAX   500

#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#define DIGITS  "0123456789"

/* ---- what a column may hold ---- */

static bool is_ipv4(const char *s)
{
        struct in_addr a;

        return inet_pton(AF_INET, s, &a) == 1;
}

static bool is_netmask(const char *s)
{
        struct in_addr a;
        uint32_t host;

        if (inet_pton(AF_INET, s, &a) != 1)
                return false;
        host = ~ntohl(a.s_addr);
        return (host & (host + 1)) == 0 && host != UINT32_MAX;
}

static bool is_destination(const char *s)
{
        char address[INET_ADDRSTRLEN];
        const char *slash = strchr(s, '/');
        size_t n = slash ? (size_t)(slash - s) : strlen(s);

        if (n >= sizeof address)
                return false;
        memcpy(address, s, n);
        address[n] = '\0';
        if (!is_ipv4(address))
                return false;
        return !slash || (strlen(slash) <= 3 && slash[1] && slash[1 + strspn(slash + 1, DIGITS)] == '\0' &&
                                 (slash[1] != '0' || !slash[2]) && atoi(slash + 1) <= 32);
}

/* Names joined by commas, each of @max bytes at most. */
static bool is_list(const char *s, size_t max)
{
        for (;;) {
                size_t n = strspn(s, LETTERS DIGITS "_");

                if (n == 0 || n > max || (s[n] && s[n] != ','))
                        return false;
                if (!s[n])
                        return true;
                s += n + 1;
        }
}

static bool is_tag(const char *s)
{
        return !strchr(s, ',') && is_list(s, 30);
}

static bool is_tags(const char *s)
{
        return is_list(s, 30);
}

/* A stub's name is a link's: a letter first, a digit at its end. */
static bool is_stubs(const char *s)
{
        if (!is_list(s, 31))
                return false;
        for (;; s++) {
                size_t n = strcspn(s, ",");

                if (!strchr(LETTERS, s[0]) || !strchr(DIGITS, s[n - 1]))
                        return false;
                s += n;
                if (!*s)
                        return true;
        }
}

static bool is_domain(const char *s)
{
        size_t n = strlen(s);

        return n <= 253 && s[strspn(s, LETTERS DIGITS ".-")] == '\0' && !strchr(".-", s[0]) &&
               !strchr(".-", s[n - 1]) && !strstr(s, "..") && !strstr(s, ".-") && !strstr(s, "-.");
}

static bool is_lacp_mode(const char *s)
{
        return strcmp(s, "off") == 0 || strcmp(s, "active") == 0 || strcmp(s, "passive") == 0;
}

static bool is_aggr(const char *s)
{
        size_t n = strlen(s);

        return (n == 5 || n == 6) && strncmp(s, "aggr", 4) == 0 && strspn(s + 4, DIGITS) == n - 4 &&
               (n == 5 || s[4] != '0');
}

static bool is_mac(const char *s)
{
        uint64_t mac;
        bool canonical;

        return mac_parse(s, &mac, &canonical) == 0 && canonical;
}

static bool is_ip(const char *s)
{
        struct in6_addr a;

        return is_ipv4(s) || inet_pton(AF_INET6, s, &a) == 1;
}

struct rule {
        const char *name;
        bool (*holds)(const char *);
};

/* Texts of a NIC, in the order of Q_host_nics behind the id; those from NIC_TEXTS_NEW on make the file. */
enum { NIC_MAC, NIC_IP, NIC_NETMASK, NIC_GATEWAY, NIC_TAG, NIC_TAGS, NIC_AGGR, NIC_TEXTS };
static const struct rule nic_rules[NIC_TEXTS] = { { "mac", is_mac }, { "ip", is_ip },
        { "netmask", is_netmask }, { "gateway", is_ipv4 }, { "nic_tag", is_tag },
        { "nic_tags_provided", is_tags }, { "aggr", is_aggr } };

/* And its numbers, behind the texts. */
enum { NIC_VLAN, NIC_MTU, NIC_NUMBERS };
static const struct {
        const char *name;
        int min, max;
} nic_numbers[NIC_NUMBERS] = { { "vlan", 1, 4094 }, { "mtu", 1500, 9000 } };

/* The columns of network, in the order of its queries behind the id. */
enum { NET_ADMIN_TAG, NET_DOMAIN, NET_RESOLVER, NET_STUBS = NET_RESOLVER + 3, NET_LACP, NET_TEXTS };
static const struct rule net_rules[NET_TEXTS] = { { "admin_tag", is_tag }, { "dns_domain", is_domain },
        { "dns_resolver1", is_ipv4 }, { "dns_resolver2", is_ipv4 }, { "dns_resolver3", is_ipv4 },
        { "etherstubs", is_stubs }, { "lacp_mode", is_lacp_mode } };

struct nic {
        char *text[NIC_TEXTS];   /* owned; NULL if not given */
        int number[NIC_NUMBERS]; /* 0 if not given */
};

struct route {
        char *destination, *gateway; /* owned; gateway NULL: it only hides what is inherited */
};

struct networking {
        struct nic nics[NICS_MAX];
        size_t n_nics;
        char *text[NET_TEXTS]; /* owned; "": none */
        struct route routes[ROUTES_MAX];
        size_t n_routes;
        bool wanted; /* a NIC has one of the columns */
        bool bad;    /* invariant 1 */
};

static void networking_fini(struct networking *w)
{
        for (size_t i = 0; i < w->n_nics; i++)
                for (size_t k = 0; k < NIC_TEXTS; k++)
                        free(w->nics[i].text[k]);
        for (size_t k = 0; k < NET_TEXTS; k++)
                free(w->text[k]);
        for (size_t i = 0; i < w->n_routes; i++) {
                free(w->routes[i].destination);
                free(w->routes[i].gateway);
        }
}

/* ---- rows ---- */

static int refuse(
        struct load *l, struct networking *w, const char *table, sqlite3_stmt *s, const char *column)
{
        w->bad = true;
        return load_problem(l, "networking.json was left out: %s %lld has an unusable %s; UPDATE %s", table,
                (long long)sqlite3_column_int64(s, 0), column, table);
}

/* Duplicates a cell into *ret, which a NULL cell leaves alone.  @empty: "" may stand there. */
static int read_text(struct load *l, struct networking *w, const char *table, sqlite3_stmt *s, int col,
        const struct rule *rule, bool empty, char **ret)
{
        const char *text;
        int r = conn_text(s, col, LIST_MAX, &text);

        if (r == -ENODATA)
                return 0;
        if (r == -ENOMEM)
                return load_no_memory(l);
        if (r < 0 || !((empty && !*text) || rule->holds(text)))
                return refuse(l, w, table, s, rule->name);
        *ret = strdup(text);
        return *ret ? 0 : load_no_memory(l);
}

static int add_nic(struct load *l, sqlite3_stmt *s, struct networking *w)
{
        struct nic *n = &w->nics[w->n_nics];
        int r = 0;

        if (w->n_nics == NICS_MAX) {
                w->bad = true;
                return load_problem(l, "networking.json was left out: a host may have %d NICs", NICS_MAX);
        }
        *n = (struct nic) { .number = { 0 } };
        w->n_nics++;
        for (int k = 0; k < NIC_TEXTS && r == 0; k++) {
                w->wanted = w->wanted || (k > NIC_IP && sqlite3_column_type(s, k + 1) != SQLITE_NULL);
                r = read_text(l, w, "nic", s, k + 1, &nic_rules[k], false, &n->text[k]);
        }
        for (int k = 0; k < NIC_NUMBERS && r == 0; k++) {
                int col = 1 + NIC_TEXTS + k, type = sqlite3_column_type(s, col);
                sqlite3_int64 number = sqlite3_column_int64(s, col);

                if (type == SQLITE_NULL)
                        continue;
                w->wanted = true;
                if (type != SQLITE_INTEGER || number < nic_numbers[k].min || number > nic_numbers[k].max)
                        r = refuse(l, w, "nic", s, nic_numbers[k].name);
                else
                        n->number[k] = (int)number;
        }
        if (r == 0 && n->text[NIC_NETMASK] &&
                (!n->text[NIC_IP] || !is_ipv4(n->text[NIC_IP]) || !n->text[NIC_TAG]))
                r = refuse(l, w, "nic", s, "netmask (it goes with an IPv4 address and nic_tag)");
        return r;
}

static int add_network(struct load *l, sqlite3_stmt *s, struct networking *w)
{
        int r = 0;

        for (int k = 0; k < NET_TEXTS && r == 0; k++)
                if (!w->text[k])
                        r = read_text(l, w, "network", s, k + 1, &net_rules[k], true, &w->text[k]);
        return r;
}

static int add_route(struct load *l, sqlite3_stmt *s, struct networking *w)
{
        static const struct rule destination = { "destination", is_destination },
                                 gateway = { "gateway", is_ipv4 };
        struct route *k = &w->routes[w->n_routes];
        char *text = NULL;
        int r = read_text(l, w, "route", s, 1, &destination, false, &text);

        if (r < 0 || !text)
                return r < 0 || w->bad ? r : refuse(l, w, "route", s, "destination");
        for (size_t i = 0; i < w->n_routes; i++)
                if (strcmp(w->routes[i].destination, text) == 0) {
                        free(text); /* a nearer layer has it */
                        return 0;
                }
        if (w->n_routes == ROUTES_MAX) {
                free(text);
                w->bad = true;
                return load_problem(
                        l, "networking.json was left out: a machine's layers may have %d routes", ROUTES_MAX);
        }
        *k = (struct route) { .destination = text };
        w->n_routes++;
        return read_text(l, w, "route", s, 2, &gateway, false, &k->gateway);
}

/* The rows of @q.  An inventory of before the columns were there has none. */
static int add_rows(struct load *l, enum query q, int64_t owner, struct networking *w,
        int (*add)(struct load *, sqlite3_stmt *, struct networking *))
{
        AUTO_STMT sqlite3_stmt *s = NULL;
        struct err err = { "" };
        int r = conn_query(l->c, q, &s, &err);

        if (r < 0 && (strstr(err.text, "no such column: ") || strstr(err.text, "no such table: network") ||
                             strstr(err.text, "no such table: route")))
                return 0;
        if (r < 0)
                return err_set(l->err, r, "%s", err.text);
        sqlite3_bind_int64(s, 1, owner);
        while ((r = conn_step(l->c, s, l->err)) > 0) {
                r = add(l, s, w);
                if (r < 0)
                        return r;
        }
        return r;
}

/* ---- the text ---- */

static const char *given(const struct networking *w, size_t k)
{
        return w->text[k] && w->text[k][0] ? w->text[k] : NULL;
}

static const char *admin_tag(const struct networking *w)
{
        return given(w, NET_ADMIN_TAG) ? given(w, NET_ADMIN_TAG) : "admin";
}

static bool provides(const struct nic *n, const char *tag)
{
        const char *s = n->text[NIC_TAGS];

        while (s && *s) {
                size_t len = strcspn(s, ",");

                if (len == strlen(tag) && memcmp(s, tag, len) == 0)
                        return true;
                s += len + (s[len] == ',');
        }
        return false;
}

/* "aa-bb-..." with colons. */
static void put_mac(struct buf *out, const struct nic *n)
{
        for (const char *s = n->text[NIC_MAC]; *s; s++)
                buf_add(out, *s == '-' ? ":" : s, 1);
}

/* A comma-joined list as the inside of an array of strings. */
static void put_list(struct buf *out, const char *list, const char *between)
{
        for (size_t n; *list; list += n + (list[n] == ',')) {
                n = strcspn(list, ",");
                buf_add(out, list, n);
                if (list[n])
                        buf_puts(out, between);
        }
}

/* ",\n  "key": <open>" before the first line of a section, a comma before each further one. */
struct section {
        const char *key;
        char open, close;
        size_t n;
};

static void begin_line(struct buf *out, struct section *s)
{
        if (s->n++ == 0)
                buf_printf(out, ",\n  \"%s\": %c\n    ", s->key, s->open);
        else
                buf_puts(out, ",\n    ");
}

static void end_section(struct buf *out, const struct section *s)
{
        if (s->n)
                buf_printf(out, "\n  %c", s->close);
}

static void put_number(struct buf *out, const char *key, int number)
{
        if (number)
                buf_printf(out, ", \"%s\": %d", key, number);
}

static bool has_aggr(const struct nic *n, const char *aggr)
{
        return n->text[NIC_AGGR] && strcmp(n->text[NIC_AGGR], aggr) == 0;
}

/* The least name behind @last, as SQL orders them. */
static const char *next_aggr(const struct networking *w, const char *last)
{
        const char *next = NULL;

        for (size_t i = 0; i < w->n_nics; i++) {
                const char *a = w->nics[i].text[NIC_AGGR];

                if (a && strcmp(a, last) > 0 && (!next || strcmp(a, next) < 0))
                        next = a;
        }
        return next;
}

static void put_aggregations(struct buf *out, const struct networking *w)
{
        struct section s = { "aggregations", '[', ']', 0 };

        for (const char *a = next_aggr(w, ""); a; a = next_aggr(w, a)) {
                const char *before = "";

                begin_line(out, &s);
                buf_printf(out, "{\"name\": \"%s\", \"macs\": [\"", a);
                for (size_t i = 0; i < w->n_nics; i++) {
                        if (!has_aggr(&w->nics[i], a))
                                continue;
                        buf_puts(out, before);
                        put_mac(out, &w->nics[i]);
                        before = "\", \"";
                }
                buf_puts(out, "\"]");
                if (given(w, NET_LACP))
                        buf_printf(out, ", \"lacp_mode\": \"%s\"", given(w, NET_LACP));
                buf_puts(out, "}");
        }
        end_section(out, &s);
}

static void put_nictags(struct buf *out, const struct networking *w)
{
        struct section s = { "nictags", '[', ']', 0 };

        for (size_t i = 0; i < w->n_nics; i++) {
                const struct nic *n = &w->nics[i];

                for (const char *tag = n->text[NIC_TAGS]; tag && *tag;) {
                        size_t len = strcspn(tag, ",");

                        begin_line(out, &s);
                        buf_printf(out, "{\"name\": \"%.*s\", \"mac\": \"", (int)len, tag);
                        if (n->text[NIC_AGGR])
                                buf_puts(out, n->text[NIC_AGGR]);
                        else
                                put_mac(out, n);
                        buf_puts(out, "\"");
                        put_number(out, "mtu", n->number[NIC_MTU]);
                        buf_puts(out, "}");
                        tag += len + (tag[len] == ',');
                }
        }
        end_section(out, &s);
}

static void put_resolvers(struct buf *out, const struct networking *w)
{
        const char *before = ",\n  \"resolvers\": [\"";

        for (size_t k = NET_RESOLVER; k < NET_STUBS; k++) {
                if (!given(w, k))
                        continue;
                buf_printf(out, "%s%s", before, given(w, k));
                before = "\", \"";
        }
        if (before[0] == '"')
                buf_puts(out, "\"]");
}

static int by_destination(const void *a, const void *b)
{
        return strcmp(((const struct route *)a)->destination, ((const struct route *)b)->destination);
}

static void put_routes(struct buf *out, struct networking *w)
{
        struct section s = { "routes", '{', '}', 0 };

        qsort(w->routes, w->n_routes, sizeof w->routes[0], by_destination);
        for (size_t i = 0; i < w->n_routes; i++) {
                if (!w->routes[i].gateway)
                        continue;
                begin_line(out, &s);
                buf_printf(out, "\"%s\": \"%s\"", w->routes[i].destination, w->routes[i].gateway);
        }
        end_section(out, &s);
}

static void put_vnic(struct buf *out, const struct nic *n)
{
        buf_printf(out, "{\"nic_tag\": \"%s\", \"ip\": \"%s\", \"netmask\": \"%s\"", n->text[NIC_TAG],
                n->text[NIC_IP], n->text[NIC_NETMASK]);
        if (n->text[NIC_GATEWAY])
                buf_printf(out, ", \"gateway\": \"%s\"", n->text[NIC_GATEWAY]);
        if (!n->text[NIC_AGGR]) {
                buf_puts(out, ", \"mac\": \"");
                put_mac(out, n);
                buf_puts(out, "\"");
        }
        put_number(out, "mtu", n->number[NIC_MTU]);
        put_number(out, "vlan_id", n->number[NIC_VLAN]);
        buf_puts(out, "}");
}

/* The port with the admin tag first: see the view. */
static void put_vnics(struct buf *out, const struct networking *w)
{
        struct section s = { "vnics", '[', ']', 0 };

        for (int later = 0; later < 2; later++)
                for (size_t i = 0; i < w->n_nics; i++) {
                        if (!w->nics[i].text[NIC_NETMASK] ||
                                provides(&w->nics[i], admin_tag(w)) == (later == 1))
                                continue;
                        begin_line(out, &s);
                        put_vnic(out, &w->nics[i]);
                }
        end_section(out, &s);
}

static void put_networking(struct buf *out, const struct load *l, struct networking *w)
{
        buf_printf(out, "{\n  \"admin_tag\": \"%s\"", admin_tag(w));
        put_aggregations(out, w);
        if (given(w, NET_DOMAIN))
                buf_printf(out, ",\n  \"dns_domain\": \"%s\"", given(w, NET_DOMAIN));
        if (given(w, NET_STUBS)) {
                buf_puts(out, ",\n  \"etherstubs\": [\"");
                put_list(out, given(w, NET_STUBS), "\", \"");
                buf_puts(out, "\"]");
        }
        if (l->p->hostname && is_domain(l->p->hostname))
                buf_printf(out, ",\n  \"hostname\": \"%s\"", l->p->hostname);
        put_nictags(out, w);
        put_resolvers(out, w);
        put_routes(out, w);
        put_vnics(out, w);
        buf_puts(out, "\n}\n");
}

int load_networking(struct load *l, struct buf *out)
{
        AUTO_CLEAN(networking_fini) struct networking w = { .n_nics = 0 };
        int r = add_rows(l, Q_host_nics, l->p->host_id, &w, add_nic);
        bool admin = false;

        if (r < 0 || !w.wanted)
                return r;
        r = add_rows(l, Q_host_network, l->p->host_id, &w, add_network);
        if (r == 0)
                r = add_rows(l, Q_host_routes, l->p->host_id, &w, add_route);
        for (size_t i = 0; i < l->n_chain && r == 0; i++) {
                r = add_rows(l, Q_profile_network, l->chain[i].id, &w, add_network);
                if (r == 0)
                        r = add_rows(l, Q_profile_routes, l->chain[i].id, &w, add_route);
        }
        if (r < 0 || w.bad)
                return r;
        for (size_t i = 0; i < w.n_nics; i++)
                admin = admin || provides(&w.nics[i], admin_tag(&w));
        if (!admin)
                return load_problem(l,
                        "networking.json was left out: no NIC of the host has %s in nic_tags_provided, and "
                        "without "
                        "it SmartOS brings up no network; UPDATE nic",
                        admin_tag(&w));
        put_networking(out, l, &w);
        return buf_error(out) < 0 ? load_no_memory(l) : 0;
}
