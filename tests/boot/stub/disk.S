/* SPDX-License-Identifier: MPL-2.0 */
/* A boot sector that says LOCAL-DISK on COM1 and leaves QEMU with status 69: a test then knows that the machine left
 * the network and started its disk. The BIOS loads it at 0x7c00 in real mode. */
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
3:      movb    $0x22, %al              /* isa-debug-exit: (0x22 << 1) | 1 */
        outb    %al, $0xf4
4:      hlt
        jmp     4b
text:
        .asciz  "\r\nLOCAL-DISK\r\n"
        .org    510
        .word   0xaa55

        .section .note.GNU-stack, "", @progbits
