/* SPDX-License-Identifier: MPL-2.0 */
/* token -- what iPXE does to a line, and so what may stand in one.
 *
 * The order in which iPXE works (its sources, 2019 and 2026 alike) decides what is dangerous:
 *   1. src/image/script.c, process_script: a line ends at LF; a CR before it is dropped; a final '\' joins
 *      the next line; leading blanks are skipped; a ':' then makes a label.
 *   2. src/core/exec.c, split_command: the line falls into words at isspace() bytes, whatever stands around
 *      them.  Runs of blanks vanish; concat_args() joins with single ones.
 *   3. src/core/exec.c, command_terminator: a word that starts with '#' ends the line; the words "||", "&&"
 *      and ";" end the command and begin another.
 *   4. src/core/settings.c, expand_settings: "${" with a later "}" is replaced, and the result is searched
 *      again.  Nothing escapes it, not even a value that came from a variable.
 *   5. src/core/getopt.c: words that start with '-' are options until the first that does not, or "--".
 *
 * isspace() knows the six ASCII blanks only (src/core/ctype.c), so bytes above 127 are letters like any
 * other; a screen cannot show them, though.
 *
 * Steps 2 and 3 come before 4: what a variable holds can make no new word and no new command.  That is why
 * scripts hand the kernel's arguments over in one variable.
 *
 * Limits: system() in exec.c keeps two arrays of words on a stack of 4096 bytes (src/arch/x86/core/stack.S,
 * 32-bit builds), 8 bytes a word; so no line has more than TOKEN_MAX_WORDS, and the deep commands (kernel,
 * module) have few.
 */
#include "token.h"

#include <string.h>

static const struct {
        const char *word; /* NULL: a rule about the start of a word */
        char start;
        const char *reason;
} forbidden_words[] = {
        { NULL, '#', "a word in it starts with '#', where iPXE ends the line" },
        { "||", 0, "it holds the word ||, where iPXE begins another command" },
        { "&&", 0, "it holds the word &&, where iPXE begins another command" },
        { ";", 0, "it holds the word ;, where iPXE begins another command" },
        { "---", 0, "it holds the word ---, where PXELINUX begins the next module" },
};

static const char *refuse_word(const char *w, size_t len)
{
        for (size_t i = 0; i < sizeof forbidden_words / sizeof forbidden_words[0]; i++) {
                const char *word = forbidden_words[i].word;

                if (word ? strlen(word) == len && memcmp(word, w, len) == 0 : *w == forbidden_words[i].start)
                        return forbidden_words[i].reason;
        }
        return NULL;
}

static const char *refuse_bytes(const char *s, size_t *ret_len)
{
        size_t i;

        for (i = 0; s[i]; i++) {
                unsigned char c = (unsigned char)s[i], next = (unsigned char)s[i + 1];

                if (c < 0x20 || c == 0x7f || (c == 0xc2 && next >= 0x80 && next <= 0x9f))
                        return "it holds a control character";
                if (s[i] == '$' && s[i + 1] == '{')
                        return "it holds ${, which iPXE replaces and nothing can escape";
        }
        *ret_len = i;
        return NULL;
}

const char *token_refuse_line(const char *line)
{
        size_t len = 0, words = 0;
        const char *why = refuse_bytes(line, &len);

        if (why || len == 0)
                return why;
        if (line[0] == ' ' || line[len - 1] == ' ')
                return "it begins or ends with a blank, which iPXE drops";
        if (line[len - 1] == '\\')
                return "it ends with \\, where iPXE joins the next line";
        for (const char *w = line; *w;) {
                size_t n = strcspn(w, " ");

                if (n == 0)
                        return "it holds two blanks in a row, which iPXE makes one";
                why = refuse_word(w, n);
                if (why)
                        return why;
                if (++words > TOKEN_MAX_WORDS)
                        return "it has more than 64 words, too many for iPXE's stack";
                w += n;
                if (*w == ' ')
                        w++;
        }
        return NULL;
}

const char *token_refuse_value(const char *value)
{
        return token_refuse_line(value);
}

bool token_put_display(struct buf *out, const char *text, size_t max)
{
        size_t len = strnlen(text, max + 1), start = out->len;
        bool changed = len > max, at_word = true;

        if (len > max)
                len = max;
        for (size_t i = 0; i < len; i++) {
                char c = text[i];
                size_t word = at_word ? strcspn(text + i, " ") : 0;
                bool last = i + 1 == len;

                if (word > len - i)
                        word = len - i;
                if (c < 0x20 || c > 0x7e || (c == '$' && text[i + 1] == '{') || (c == '\\' && last) ||
                        (c != ' ' && word > 0 && refuse_word(text + i, word))) {
                        c = '?';
                        changed = true;
                }
                buf_add(out, &c, 1);
                at_word = text[i] == ' ';
        }
        if (!out->error && out->len == start) {
                buf_puts(out, "?");
                changed = true;
        }
        return changed;
}

static bool is_alnum(char c)
{
        return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

bool token_is_hostname(const char *s)
{
        size_t label = 0, i;

        for (i = 0; s[i]; i++) {
                if (i >= 253)
                        return false;
                if (s[i] == '.') {
                        if (label == 0 || s[i - 1] == '-')
                                return false;
                        label = 0;
                        continue;
                }
                if (!is_alnum(s[i]) && (s[i] != '-' || label == 0))
                        return false;
                if (++label > 63)
                        return false;
        }
        return label > 0 && s[i - 1] != '-';
}

bool token_is_build_name(const char *s)
{
        size_t i;

        if (!is_alnum(s[0]))
                return false;
        for (i = 0; s[i]; i++)
                if (i >= 255 || (!is_alnum(s[i]) && !strchr("._+-", s[i])))
                        return false;
        return strcmp(s, "platform") != 0;
}

bool token_is_mac(const char *s)
{
        for (size_t i = 0; i < 17; i++) {
                bool hex = (s[i] >= '0' && s[i] <= '9') || (s[i] >= 'a' && s[i] <= 'f');

                if (i % 3 == 2 ? s[i] != '-' : !hex)
                        return false;
        }
        return s[17] == '\0';
}
