/* SPDX-License-Identifier: MPL-2.0 */
/* buildname -- a build is called what it says itself, never what its file happens to be called.
 *
 * smartos-live's tools/build_live packs platform-<STAMP>/, or platform-<BUILDVER>-<STAMP>/ for a branch or
 * debug build, and since RFD 156 writes <STAMP> into etc/version/platform.  An ISO, and an archive that
 * somebody renamed for the kernel's sake, has platform/ at the top: then only etc/version/platform knows.
 *
 *   top directory                etc/version/platform   name               release
 *   platform-<stamp>, <stamp>    the same, or none      <stamp>            yes
 *   platform-<ver>-<stamp>       <stamp>, or none       <ver>-<stamp>      no
 *   platform                     <stamp>                <stamp>            yes
 *   platform                     <ver>-<stamp>          <ver>-<stamp>      no
 *   <any>-<stamp>                <stamp>, or none       <any>-<stamp>      no
 *   <any>, platform-<any>        <stamp>                <any>-<stamp>      no
 *
 * So nothing that carries a branch's name anywhere becomes `latest`.
 * Locks: none; pure.
 */
#include "platform/buildname.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

static int digits(const char *s, size_t n)
{
        int v = 0;

        for (size_t i = 0; i < n; i++)
                v = v * 10 + (s[i] - '0');
        return v;
}

bool stamp_is_valid(const char *s, size_t len)
{
        static const char form[] = "ddddddddTddddddZ";

        if (len != STAMP_LEN)
                return false;
        for (size_t i = 0; i < STAMP_LEN; i++)
                if (form[i] == 'd' ? !isdigit((unsigned char)s[i]) : s[i] != form[i])
                        return false;
        return digits(s + 4, 2) >= 1 && digits(s + 4, 2) <= 12 && digits(s + 6, 2) >= 1 &&
               digits(s + 6, 2) <= 31 && digits(s + 9, 2) <= 23 && digits(s + 11, 2) <= 59 &&
               digits(s + 13, 2) <= 60;
}

const char *buildname_stamp(const char *name)
{
        size_t n = strlen(name);

        return n > STAMP_LEN ? name + (n - STAMP_LEN) : name;
}

/* Ends in a stamp that stands alone or behind a '-'. */
static bool has_stamp(const char *s)
{
        size_t n = strlen(s);

        return n >= STAMP_LEN && stamp_is_valid(s + (n - STAMP_LEN), STAMP_LEN) &&
               (n == STAMP_LEN || (n > STAMP_LEN + 1 && s[n - STAMP_LEN - 1] == '-'));
}

/* A name goes into URLs and menu scripts: only what needs quoting nowhere. */
static bool is_plain(const char *s)
{
        if (!isalnum((unsigned char)s[0]))
                return false;
        for (; *s; s++)
                if (!isalnum((unsigned char)*s) && !strchr("._+-", *s))
                        return false;
        return true;
}

int buildname_make(const char *top, const char *version, struct buildname *ret, struct err *err)
{
        const char *of_top = strncmp(top, "platform-", 9) == 0 ? top + 9 : top;
        bool bare = strcmp(top, "platform") == 0;
        struct buildname b;
        int n;

        if (version && !has_stamp(version))
                return err_set(err, -EBADMSG,
                        "etc/version/platform says \"%s\", which is no stamp (YYYYMMDDThhmmssZ)", version);
        if (!version && (bare || !has_stamp(of_top)))
                return err_set(err, -EBADMSG,
                        "nothing inside says which build it is: neither a top directory platform-<stamp> nor "
                        "etc/version/platform");
        if (!bare && version && has_stamp(of_top) &&
                strcmp(buildname_stamp(of_top), buildname_stamp(version)) != 0)
                return err_set(err, -EBADMSG, "the top directory says build %s, etc/version/platform says %s",
                        of_top, version);
        if (bare)
                n = snprintf(b.text, sizeof b.text, "%s", version);
        else if (has_stamp(of_top))
                n = snprintf(b.text, sizeof b.text, "%s", of_top);
        else
                n = snprintf(b.text, sizeof b.text, "%s-%s", of_top, buildname_stamp(version));
        if (n < 0 || (size_t)n >= sizeof b.text || !is_plain(b.text))
                return err_set(err, -EBADMSG,
                        "the build's name \"%s\" must be at most %d letters, digits, dots, plus and minus "
                        "signs and "
                        "underscores",
                        b.text, BUILDNAME_MAX - 1);
        b.release = strlen(b.text) == STAMP_LEN;
        *ret = b;
        return 0;
}
