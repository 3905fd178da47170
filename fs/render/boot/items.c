/* SPDX-License-Identifier: MPL-2.0 */
/* items -- see items.h.
 *
 * A body is the one thing in the inventory that is executed as it is: it may load and boot whatever iPXE can.  What it
 * may not do is reach beyond itself by accident:
 *
 *   - a line that fails would end the whole script, and iPXE would leave for the next boot device (process_script in
 *     src/image/script.c): so " || goto item-failed" stands behind each;
 *   - behind the last line the next section would follow: so "goto menu" does;
 *   - a label could be one of ours, and goto takes the first of a name (goto_exec): so its labels begin with
 *     item-<key>-;
 *   - a final '\' would join our next line.
 *
 * Lines that end with '\' are joined here as iPXE would, and a comment behind a command is dropped, since what is
 * appended must be a part of the command's line.
 */
#include "items.h"

#include <string.h>

#include "base/put.h"

#define MAX_KEY_BYTES  30
#define MAX_BODY_BYTES 8000

static bool is_key_byte(char c)
{
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

static bool is_key(const char *s)
{
        size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789_-");

        return s[0] >= 'a' && s[0] <= 'z' && s[n] == '\0' && n <= MAX_KEY_BYTES;
}

static bool is_blank(char c)
{
        return c == ' ' || c == '\t';
}

/* Takes the next line, with those that a '\' joins to it, into @line.  False at the end. */
static bool next_line(const char **body, struct buf *line)
{
        const char *s = *body;
        bool joined = true;

        line->len = 0;
        if (!*s)
                return false;
        while (*s && joined) {
                size_t n = strcspn(s, "\n");

                joined = n > 0 && s[n - 1] == '\\';
                buf_add(line, s, joined ? n - 1 : n);
                s += n + (s[n] == '\n');
        }
        buf_add(line, "", 1); /* the NUL, counted */
        *body = s;
        return !line->error;
}

/* The line without leading blanks. */
static const char *start_of(const struct buf *line)
{
        const char *s = line->data;

        while (is_blank(*s))
                s++;
        return s;
}

static const char *refuse_label(const char *key, const char *label, size_t len)
{
        size_t n = strlen(key);

        if (len < n + 6 || strncmp(label, "item-", 5) != 0 || strncmp(label + 5, key, n) != 0 ||
                label[5 + n] != '-')
                return "a label in its body does not begin with item-<its key>-";
        for (size_t i = n + 6; i < len; i++)
                if (!is_key_byte(label[i]))
                        return "a label in its body has other bytes than a-z, 0-9, _ and -";
        return NULL;
}

static const char *refuse_lines(const struct plan_item *item)
{
        bool any = false, joined = false;

        for (const char *s = item->body; *s;) {
                size_t n = strcspn(s, "\n"), blanks = 0;
                bool continues = joined;

                while (is_blank(s[blanks]))
                        blanks++;
                joined = n > 0 && s[n - 1] == '\\';
                any = any || (blanks < n && s[blanks] != '#');
                if (!continues && s[blanks] == ':') {
                        const char *why = refuse_label(item->key, s + blanks + 1, n - blanks - 1);

                        if (why)
                                return why;
                }
                s += n + (s[n] == '\n');
        }
        return any ? NULL : "its body holds no command";
}

const char *items_refuse(const struct plan_item *item)
{
        size_t len = strlen(item->body);

        if (!is_key(item->key))
                return "its key is not a letter a-z and then a-z, 0-9, _ and -, 30 bytes at most";
        if (len > MAX_BODY_BYTES)
                return "its body is longer than 8000 bytes";
        for (size_t i = 0; i < len; i++)
                if (((unsigned char)item->body[i] < 0x20 && item->body[i] != '\n' && item->body[i] != '\t') ||
                        item->body[i] == 0x7f)
                        return "its body holds a control character";
        while (len && item->body[len - 1] == '\n')
                len--;
        if (len && item->body[len - 1] == '\\')
                return "its body ends with \\, where iPXE joins the next line";
        return refuse_lines(item);
}

/* Bytes of the command in @s: up to a word that begins with '#', without blanks behind it. */
static size_t command_bytes(const char *s)
{
        size_t n = 0;

        while (s[n] && !(s[n] == '#' && (n == 0 || is_blank(s[n - 1]))))
                n++;
        while (n && is_blank(s[n - 1]))
                n--;
        return n;
}

void items_put_section(const struct plan_item *item, struct buf *out)
{
        AUTO_BUF struct buf line = BUF_INIT;
        const char *body = item->body;

        PUT(out, "\n:item-", item->key, "\nset menu-note\nimgfree\n");
        while (next_line(&body, &line)) {
                const char *s = start_of(&line);
                size_t n = command_bytes(s);

                buf_add(out, s, n);
                if (n)
                        buf_puts(out, *s == ':' ? "\n" : " || goto item-failed\n");
        }
        buf_puts(out, "goto menu\n");
        if (line.error)
                out->error = line.error;
}
