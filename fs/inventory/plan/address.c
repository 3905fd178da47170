/* SPDX-License-Identifier: MPL-2.0 */
/* address -- IP addresses in their one spelling, and UUIDs that name nobody; see address.h.
 *
 * What is refused here is what the CHECKs on nic.ip and host.uuid in schema/inventory.sql refuse: a test holds the two
 * together.
 */
#include "inventory/plan/address.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

/* The first longest run of zero groups; *ret_len 0 if none has two. */
static void longest_run(const unsigned groups[8], int *ret_at, int *ret_len)
{
        *ret_len = 0;
        for (int i = 0, n; i < 8; i += n + 1) {
                for (n = 0; i + n < 8 && groups[i + n] == 0; n++)
                        ;
                if (n >= 2 && n > *ret_len) {
                        *ret_at = i;
                        *ret_len = n;
                }
        }
}

int ip_canonical(const char *text, char ret[IP_TEXT_SIZE])
{
        unsigned char raw[16];
        unsigned groups[8];
        int at = 0, len = 0;
        char *w = ret;

        if (!strchr(text, ':')) {
                if (inet_pton(AF_INET, text, raw) != 1)
                        return -EINVAL;
                (void)snprintf(ret, IP_TEXT_SIZE, "%u.%u.%u.%u", raw[0], raw[1], raw[2], raw[3]);
                return 0;
        }
        if (inet_pton(AF_INET6, text, raw) != 1)
                return -EINVAL;
        for (int i = 0; i < 8; i++)
                groups[i] = (unsigned)raw[2 * i] << 8 | raw[2 * i + 1];
        longest_run(groups, &at, &len);
        for (int i = 0; i < 8; i++) {
                if (len && i == at) {
                        w += sprintf(w, "::");
                        i += len - 1;
                        continue;
                }
                w += sprintf(w, "%s%x", w > ret && w[-1] != ':' ? ":" : "", groups[i]);
        }
        return 0;
}

int uuid_canonical(const char *text, char ret[UUID_TEXT_SIZE])
{
        if (strnlen(text, UUID_TEXT_SIZE) != UUID_TEXT_SIZE - 1)
                return -EINVAL;
        for (int i = 0; i < UUID_TEXT_SIZE - 1; i++) {
                bool dash = i == 8 || i == 13 || i == 18 || i == 23;

                if (dash ? text[i] != '-' : !isxdigit((unsigned char)text[i]))
                        return -EINVAL;
                ret[i] = (char)(text[i] >= 'A' && text[i] <= 'F' ? text[i] - 'A' + 'a' : text[i]);
        }
        ret[UUID_TEXT_SIZE - 1] = '\0';
        return 0;
}

bool uuid_is_nobodys(const char *uuid)
{
        static const char *const begins[] = {
                "03000200-0400-0500-0006-000700080009", /* American Megatrends' sample; as Windows and Linux show it */
                "00020003-0004-0005-0006-000700080009", /* the same in the other byte order */
                "12345678-1234-",
                "78563412-3412-",
        };
        const char digit[] = { uuid[0], '-', '\0' };

        if (uuid[0] && uuid[strspn(uuid, digit)] == '\0')
                return true; /* all zeros, all f: SMBIOS' "not present" and "not set" (DSP0134, 7.2.1), and others */
        for (size_t i = 0; i < sizeof begins / sizeof begins[0]; i++)
                if (strncmp(uuid, begins[i], strlen(begins[i])) == 0)
                        return true;
        return false;
}
