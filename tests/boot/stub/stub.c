/* SPDX-License-Identifier: MPL-2.0 */
/* stub kernel -- says on COM1 what a boot loader gave it, and leaves QEMU.
 *
 * It stands in for SmartOS' unix in boot tests: same file form (start.S), and the module rules of illumos'
 * dboot, so that a boot which would panic there is BAD here. It prints, one line each:
 *
 *   BOOT-STUB ehdr=ok                          ehdr=BAD: the file's first page is not in memory
 *   cmdline=<...>
 *   module[0] size=4194304 sha1=<40 hex> string=<...>
 *   hash[ramdisk]=ok                           or BAD; one for each module that has a hash
 *   BOOT-OK                                    or BOOT-BAD and the reason
 *
 * and leaves through isa-debug-exit (iobase 0xf4): QEMU's exit status is 33 for OK and 35 for BAD.
 *
 * The rules are those of illumos-gate usr/src/uts/i86pc/dboot/dboot_startkern.c: process_module (type=,
 * name=, hash= in the module string), fixup_modules (one or two modules without them are rootfs and hash),
 * assign_module_hashes and check_images (a mismatch is a panic, a module without a hash is not checked).
 *
 * 32 bits, no library, no interrupts; SHA-1 after FIPS 180-4, section 6.1.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define COM1             0x3f8
#define DEBUG_EXIT       0xf4
#define EXIT_OK          0x10 /* QEMU leaves with (value << 1) | 1 */
#define EXIT_BAD         0x11
#define MB_MAGIC_LOADED  0x2badb002u /* in EAX; Multiboot 0.6.96, 3.2 */
#define MB_INFO_CMDLINE  0x4u
#define MB_INFO_MODS     0x8u
#define MODULES_MAX      16 /* Triton's iPXE; the stock one passes 8 */
#define SHA1_BYTES       20
#define SHA1_BLOCK_BYTES 64
#define SHA1_HEX         40

struct mb_info { /* Multiboot 0.6.96, 3.3; as far as it is read */
        uint32_t flags, mem_lower, mem_upper, boot_device, cmdline, mods_count, mods_addr;
};

struct mb_module {
        uint32_t start;
        uint32_t end; /* one past the last byte, whatever the specification says */
        uint32_t string;
        uint32_t reserved;
};

enum kind { KIND_FILE, KIND_ROOTFS, KIND_HASH };

struct word {
        const char *s;
        size_t len;
};

struct module {
        const uint8_t *data;
        size_t size;
        enum kind kind;
        struct word name;
        struct word hash; /* empty: none */
        uint8_t sha1[SHA1_BYTES];
};

extern const uint8_t image_start[]; /* start.S: the ELF header */
void stub_main(uint32_t magic, const struct mb_info *info);
void *memcpy(void *dst, const void *src, size_t len);
void *memset(void *dst, int c, size_t len);

static struct module modules[MODULES_MAX];
static const char *bad_reason;

/* The compiler may call these two, also in freestanding code. */
void *memcpy(void *dst, const void *src, size_t len)
{
        void *d = dst;

        __asm__ volatile("rep movsb" : "+D"(d), "+S"(src), "+c"(len) : : "memory");
        return dst;
}

void *memset(void *dst, int c, size_t len)
{
        void *d = dst;

        __asm__ volatile("rep stosb" : "+D"(d), "+c"(len) : "a"(c) : "memory");
        return dst;
}

/* ---- output ---- */

static void outb(uint16_t port, uint8_t value)
{
        __asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

static uint8_t inb(uint16_t port)
{
        uint8_t value;

        __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
        return value;
}

static void put_char(char c)
{
        while ((inb(COM1 + 5) & 0x20) == 0) /* line status: transmitter not empty */
                ;
        outb(COM1, (uint8_t)c);
}

static void put(const char *s)
{
        for (; *s; s++)
                put_char(*s);
}

static void put_word(struct word w)
{
        for (size_t i = 0; i < w.len; i++)
                put_char(w.s[i]);
}

static void put_number(uint32_t n)
{
        char digits[10];
        size_t count = 0;

        do
                digits[count++] = (char)('0' + n % 10);
        while ((n /= 10) != 0);
        while (count > 0)
                put_char(digits[--count]);
}

static void put_hex(const uint8_t *bytes, size_t len)
{
        for (size_t i = 0; i < len; i++) {
                put_char("0123456789abcdef"[bytes[i] >> 4]);
                put_char("0123456789abcdef"[bytes[i] & 15]);
        }
}

/* ---- SHA-1 ---- */

static uint32_t rol(uint32_t x, unsigned n)
{
        return x << n | x >> (32 - n);
}

static void sha1_block(uint32_t h[5], const uint8_t *p)
{
        uint32_t w[80], a = h[0], b = h[1], c = h[2], d = h[3], e = h[4];

        for (size_t t = 0; t < 16; t++, p += 4)
                w[t] = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
        for (size_t t = 16; t < 80; t++)
                w[t] = rol(w[t - 3] ^ w[t - 8] ^ w[t - 14] ^ w[t - 16], 1);
        for (size_t t = 0; t < 80; t++) {
                uint32_t f = t < 20   ? ((b & c) | (~b & d)) + 0x5a827999
                             : t < 40 ? (b ^ c ^ d) + 0x6ed9eba1
                             : t < 60 ? ((b & c) | (b & d) | (c & d)) + 0x8f1bbcdc
                                      : (b ^ c ^ d) + 0xca62c1d6;
                uint32_t next = rol(a, 5) + f + e + w[t];

                e = d;
                d = c;
                c = rol(b, 30);
                b = a;
                a = next;
        }
        h[0] += a;
        h[1] += b;
        h[2] += c;
        h[3] += d;
        h[4] += e;
}

static void sha1(const uint8_t *data, size_t len, uint8_t out[SHA1_BYTES])
{
        uint32_t h[5] = { 0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0 };
        uint8_t tail[2 * SHA1_BLOCK_BYTES] = { 0 };
        uint64_t bits = (uint64_t)len * 8;
        size_t whole = len - len % SHA1_BLOCK_BYTES, rest = len - whole;
        size_t tail_bytes = rest + 9 > SHA1_BLOCK_BYTES ? 2 * SHA1_BLOCK_BYTES : SHA1_BLOCK_BYTES;

        for (size_t at = 0; at < whole; at += SHA1_BLOCK_BYTES)
                sha1_block(h, data + at);
        memcpy(tail, data + whole, rest);
        tail[rest] = 0x80;
        for (size_t i = 0; i < 8; i++)
                tail[tail_bytes - 1 - i] = (uint8_t)(bits >> (8 * i));
        for (size_t at = 0; at < tail_bytes; at += SHA1_BLOCK_BYTES)
                sha1_block(h, tail + at);
        for (size_t i = 0; i < SHA1_BYTES; i++)
                out[i] = (uint8_t)(h[i / 4] >> (24 - 8 * (i % 4)));
}

/* ---- module strings ---- */

static bool is_blank(char c)
{
        return c == ' ' || c == '\t' || c == '\f' || c == '\n' || c == '\r'; /* process_module's strsep set */
}

/* The next word of *s, which moves behind it; empty at the end. */
static struct word next_word(const char **s)
{
        struct word w;

        while (is_blank(**s))
                (*s)++;
        w.s = *s;
        while (**s && !is_blank(**s))
                (*s)++;
        w.len = (size_t)(*s - w.s);
        return w;
}

static bool word_is(struct word w, struct word other)
{
        if (w.len != other.len)
                return false;
        for (size_t i = 0; i < w.len; i++)
                if (w.s[i] != other.s[i])
                        return false;
        return true;
}

static bool word_is_text(struct word w, const char *text)
{
        struct word other = { text, 0 };

        while (text[other.len])
                other.len++;
        return word_is(w, other);
}

/* Whether @w is "key=value" with a value, which goes to *ret. */
static bool word_value(struct word w, const char *key, struct word *ret)
{
        size_t n = 0;

        for (; key[n]; n++)
                if (n >= w.len || w.s[n] != key[n])
                        return false;
        if (n == w.len)
                return false;
        ret->s = w.s + n;
        ret->len = w.len - n;
        return true;
}

static void module_parse(struct module *m, const char *string)
{
        m->kind = KIND_FILE;
        m->name = next_word(&string);
        for (struct word w = next_word(&string); w.len > 0; w = next_word(&string)) {
                struct word value;

                if (word_value(w, "name=", &value))
                        m->name = value;
                else if (word_value(w, "hash=", &value))
                        m->hash = value;
                else if (word_value(w, "type=", &value) && word_is_text(value, "rootfs"))
                        m->kind = KIND_ROOTFS;
                else if (word_value(w, "type=", &value) && word_is_text(value, "hash"))
                        m->kind = KIND_HASH;
        }
}

/* fixup_modules, then assign_module_hashes. */
static void modules_pair(size_t count)
{
        bool plain = count == 1 || count == 2;

        for (size_t i = 0; i < count; i++)
                plain = plain && modules[i].kind == KIND_FILE && modules[i].hash.len == 0;
        if (plain) {
                modules[0].kind = KIND_ROOTFS;
                if (count == 2) {
                        modules[1].kind = KIND_HASH;
                        modules[1].name = modules[0].name;
                }
        }
        for (size_t i = 0; i < count; i++) {
                struct module *m = &modules[i];

                if (m->kind == KIND_HASH || m->hash.len > 0)
                        continue;
                for (size_t j = 0; j < count; j++) {
                        if (modules[j].kind != KIND_HASH || !word_is(modules[j].name, m->name))
                                continue;
                        m->hash.s = (const char *)modules[j].data;
                        m->hash.len = modules[j].size;
                        break; /* the first one counts, as in dboot */
                }
        }
}

static bool hash_matches(const struct module *m)
{
        if (m->hash.len < SHA1_HEX)
                return false;
        for (size_t i = 0; i < SHA1_HEX; i++) {
                uint8_t digit = i % 2 ? m->sha1[i / 2] & 15 : m->sha1[i / 2] >> 4;
                char c = m->hash.s[i];

                if (c != "0123456789abcdef"[digit] && c != "0123456789ABCDEF"[digit])
                        return false;
        }
        return true;
}

/* ---- the report ---- */

static void bad(const char *reason)
{
        if (!bad_reason)
                bad_reason = reason;
}

static void report_modules(const struct mb_info *info)
{
        const struct mb_module *list = (const struct mb_module *)info->mods_addr;
        size_t count = info->flags & MB_INFO_MODS ? info->mods_count : 0;
        bool rootfs = false;

        if (count > MODULES_MAX) {
                bad("too many modules");
                count = MODULES_MAX;
        }
        for (size_t i = 0; i < count; i++) {
                struct module *m = &modules[i];
                const char *string = list[i].string ? (const char *)list[i].string : "";

                m->data = (const uint8_t *)list[i].start;
                m->size = list[i].end - list[i].start;
                module_parse(m, string);
                sha1(m->data, m->size, m->sha1);
                put("module[");
                put_number((uint32_t)i);
                put("] size=");
                put_number(m->size);
                put(" sha1=");
                put_hex(m->sha1, SHA1_BYTES);
                put(" string=<");
                put(string);
                put(">\r\n");
        }
        modules_pair(count);
        for (size_t i = 0; i < count; i++) {
                struct module *m = &modules[i];

                rootfs = rootfs || m->kind == KIND_ROOTFS;
                if (m->kind == KIND_HASH || m->hash.len == 0)
                        continue;
                put("hash[");
                put_word(m->name);
                put(hash_matches(m) ? "]=ok\r\n" : "]=BAD\r\n");
                if (!hash_matches(m))
                        bad("hash mismatch");
        }
        if (!rootfs)
                bad("no rootfs module");
}

/* Called by start.S with what the loader left in EAX and EBX. */
void stub_main(uint32_t magic, const struct mb_info *info)
{
        const uint8_t *e = image_start;
        bool ehdr = e[0] == 0x7f && e[1] == 'E' && e[2] == 'L' && e[3] == 'F' && e[4] == 2;

        put(ehdr ? "\r\nBOOT-STUB ehdr=ok\r\n" : "\r\nBOOT-STUB ehdr=BAD\r\n");
        if (!ehdr)
                bad("the first page of unix is not in memory");
        if (magic == MB_MAGIC_LOADED) {
                put("cmdline=<");
                if (info->flags & MB_INFO_CMDLINE)
                        put((const char *)info->cmdline);
                put(">\r\n");
                report_modules(info);
        } else {
                bad("not started by multiboot 1");
        }
        if (bad_reason) {
                put("BOOT-BAD ");
                put(bad_reason);
                put("\r\n");
        } else {
                put("BOOT-OK\r\n");
        }
        outb(DEBUG_EXIT, bad_reason ? EXIT_BAD : EXIT_OK);
}
