/* SPDX-License-Identifier: MPL-2.0 */
/* mac: what mac_parse reads is what the schema lets pass, and both make the same of it. */
#include "lab.h"

#include <errno.h>

#include "inventory/plan/mac.h"

static const struct {
        const char *text;
        uint64_t mac; /* 0: refused */
        bool canonical;
} cases[] = {
        { "02-08-20-ab-cd-01", 0x020820abcd01, true },
        { "02-08-20-AB-CD-01", 0x020820abcd01, false },
        { "02:08:20:ab:cd:01", 0x020820abcd01, false },
        { "02:08:20:AB:cd:01", 0x020820abcd01, false },
        { "020820abcd01", 0x020820abcd01, false },
        { "020820ABCD01", 0x020820abcd01, false },
        { "01-02-08-20-ab-cd-01", 0x020820abcd01, false },
        { "01-02-08-20-AB-CD-01", 0x020820abcd01, false },
        { "01:02:08:20:ab:cd:01", 0x020820abcd01, false },
        { "01020820abcd01", 0x020820abcd01, false },
        { "2:8:20:ab:cd:1", 0x020820abcd01, false }, /* dladm show-phys -m of illumos */
        { "2:8:20:AB:CD:1", 0x020820abcd01, false },
        { "2-8-20-ab-cd-1", 0x020820abcd01, false },
        { "0:0:0:0:0:1", 1, false },
        { "52:54:0:12:34:5", 0x525400123405, false },
        { "c:c:c:c:c:c", 0x0c0c0c0c0c0c, false },
        { "0208.20ab.cd01", 0x020820abcd01, false }, /* switches */
        { "0208.20AB.CD01", 0x020820abcd01, false },
        { "00-00-00-00-00-01", 1, true },
        { "fe-ff-ff-ff-ff-ff", 0xfeffffffffff, true },
        { "", 0, false },
        { "02", 0, false },
        { "02-08-20-ab-cd", 0, false },
        { "02-08-20-ab-cd-0", 0, false },
        { "02-08-20-ab-cd-011", 0, false },
        { "02-08-20-ab-cd-01-", 0, false },
        { "-02-08-20-ab-cd-01", 0, false },
        { "02-08-20-ab-cd-01 ", 0, false },
        { " 02-08-20-ab-cd-01", 0, false },
        { "02-08-20-ab-cd-0g", 0, false },
        { "02-08-20-ab-cd:01", 0, false },
        { "02:08-20:ab-cd:01", 0, false },
        { "01-02:08:20:ab:cd:01", 0, false },
        { "02:08:20:ab:cd:1", 0, false }, /* a digit was lost */
        { "2:08:20:ab:cd:1", 0, false },
        { "2:8:20:ab:cd", 0, false },
        { "2:8:20:ab:cd:1:", 0, false },
        { "2::8:20:ab:cd:1", 0, false },
        { ":2:8:20:ab:cd", 0, false },
        { "2:8:20:ab:cd:111", 0, false },
        { "1:2:8:20:ab:cd:1", 0, false },
        { "01:2:8:20:ab:cd:1", 0, false },
        { "2:8-20:ab:cd:1", 0, false },
        { "1:0:5e:0:0:1", 0, false },
        { "0:0:0:0:0:0", 0, false },
        { "0208.20ab.cd0", 0, false },
        { "020.820ab.cd01", 0, false },
        { "0208.20ab.cd01.", 0, false },
        { "0100.5e00.0001", 0, false },
        { "02.08.20.ab.cd.01", 0, false },
        { "02 08 20 ab cd 01", 0, false },
        { "0-208-20-ab-cd-01", 0, false },
        { "02--8-20-ab-cd-01", 0, false },
        { "020820abcd0", 0, false },
        { "020820abcd012", 0, false },
        { "02020820abcd01", 0, false },
        { "06-02-08-20-ab-cd-01", 0, false },
        { "01-01-02-08-20-ab-cd-01", 0, false },
        { "0x020820abcd", 0, false },
        { "+20820abcd01", 0, false },
        { "01-00-5e-00-00-01", 0, false }, /* multicast */
        { "33:33:00:00:00:01", 0, false },
        { "ffffffffffff", 0, false },
        { "01-01-00-5e-00-00-01", 0, false },
        { "0f0820abcd01", 0, false },
        { "0F0820abcd01", 0, false },
        { "00-00-00-00-00-00", 0, false },
        { "000000000000", 0, false },
        { "01-00-00-00-00-00-00", 0, false },
};

static void every_spelling_is_read_as_the_table_says(void **state)
{
        (void)state;
        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
                uint64_t mac = 42;
                bool canonical = false;
                int r = mac_parse(cases[i].text, &mac, &canonical);

                if (r != (cases[i].mac ? 0 : -EINVAL))
                        fail_msg("'%s' gives %d", cases[i].text, r);
                assert_int_equal(mac, cases[i].mac ? cases[i].mac : 42);
                if (r == 0)
                        assert_int_equal(canonical, cases[i].canonical);
        }
}

static void the_schema_reads_the_same(void **state)
{
        sqlite3 *db = lab_open(":memory:");
        char sql[200], text[MAC_TEXT_SIZE];

        (void)state;
        lab_do(db, "INSERT INTO host (hostname) VALUES ('a')");
        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
                (void)snprintf(sql, sizeof sql, "INSERT INTO nic (host, mac) VALUES (1, '%s')", cases[i].text);
                if (!cases[i].mac) {
                        lab_refused(db, sql, "mac: ");
                        continue;
                }
                lab_do(db, sql);
                mac_format(cases[i].mac, text);
                assert_string_equal(lab_text(db, "SELECT mac FROM nic"), text);
                lab_do(db, "DELETE FROM nic");
        }
        sqlite3_close(db);
}

static void the_order_of_the_text_is_the_order_of_the_number(void **state)
{
        char a[MAC_TEXT_SIZE], b[MAC_TEXT_SIZE];
        uint64_t x = 1;

        (void)state;
        for (int i = 0; i < 1000; i++) {
                uint64_t y = x * 6364136223846793005u + 1442695040888963407u;

                mac_format(x >> 16, a);
                mac_format(y >> 16, b);
                assert_int_equal(strcmp(a, b) < 0, (x >> 16) < (y >> 16));
                x = y;
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(every_spelling_is_read_as_the_table_says),
                cmocka_unit_test(the_schema_reads_the_same),
                cmocka_unit_test(the_order_of_the_text_is_the_order_of_the_number),
        };

        return cmocka_run_group_tests_name("mac", tests, NULL, NULL);
}
