/* SPDX-License-Identifier: MPL-2.0 */
/* A boot sector that says WORDS on COM1 and leaves QEMU with STATUS << 1 | 1: a test then knows that the machine started
 * what it stands on. The BIOS loads it at 0x7c00 in real mode, from a disk and from a CD alike (El Torito 1.0, 2.1: the
 * load segment 0 of a boot catalog means 7C0). */
        .code16
        .text
        .globl  start
start:
        xorw    %ax, %ax
        movw    %ax, %ds
        movw    $text, %si
        cld
1:      lodsb
        testb   %al, %al
        jz      3f
        movb    %al, %bl
        movw    $0x3fd, %dx             /* COM1 line status: wait for the transmitter */
2:      inb     %dx, %al
        testb   $0x20, %al
        jz      2b
        movb    %bl, %al
        movw    $0x3f8, %dx
        outb    %al, %dx
        jmp     1b
3:      movb    $STATUS, %al            /* isa-debug-exit */
        outb    %al, $0xf4
4:      hlt
        jmp     4b
text:
        .ascii  "\r\n"
        .ascii  WORDS
        .asciz  "\r\n"
        .org    510
        .word   0xaa55

        .section .note.GNU-stack, "", @progbits
