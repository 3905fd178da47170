/* SPDX-License-Identifier: MPL-2.0 */
/* The front of the stub kernel: an ELF64 header, the multiboot header, and the first instructions.
 *
 * A real SmartOS unix is ELF64, which multiboot 1 does not know. So its multiboot header asks for the whole file as it
 * lies on disk, ELF header included (illumos-gate usr/src/uts/i86pc/dboot/dboot_grub.s: "we get grub to load the entire
 * ELF file into memory and trick it into jumping into this code"; load_end_addr 0 is "entire file", and elfpatch fills
 * in the addresses). A loader that reads the program headers instead leaves out what they leave out. This file has the
 * same form, by hand: stub.lds links it as a plain binary, so what stands here is what stands in the file.
 */
#define MB_MAGIC 0x1badb002
/* Multiboot 0.6.96, 3.1.2: bit 0 modules on page boundaries, bit 1 memory sizes, bit 16 the address fields hold. */
#define MB_FLAGS 0x00010003

        .section .head, "a"
        .globl  image_start
image_start:                            /* Elf64_Ehdr */
        .byte   0x7f, 'E', 'L', 'F', 2, 1, 1, 0 /* 64 bits, little endian, System V */
        .quad   0
        .short  2, 62                   /* ET_EXEC, EM_X86_64 */
        .long   1
        .long   start, 0                /* e_entry */
        .long   phdr - image_start, 0   /* e_phoff */
        .quad   0                       /* no sections */
        .long   0
        .short  64, 56, 1, 0, 0, 0
phdr:                                   /* Elf64_Phdr: all but the first page, as in a real unix */
        .long   1, 7                    /* PT_LOAD, rwx */
        .long   text_start - image_start, 0
        .long   text_start, 0           /* p_vaddr */
        .long   text_start, 0           /* p_paddr */
        .long   image_tail_bytes, 0     /* p_filesz; from stub.lds */
        .long   image_tail_bytes, 0     /* p_memsz */
        .quad   0x1000                  /* p_align */

        .balign 4
mb_header:
        .long   MB_MAGIC, MB_FLAGS, -(MB_MAGIC + MB_FLAGS)
        .long   mb_header               /* header_addr */
        .long   image_start             /* load_addr */
        .long   0                       /* load_end_addr: the entire file */
        .long   0                       /* bss_end_addr: none */
        .long   start                   /* entry_addr */

        .text
        .globl  start
start:                                  /* 32 bits, no paging, flat segments; EAX magic, EBX multiboot_info */
        cli
        cld
        movl    $stack_top, %esp
        xorl    %ebp, %ebp
        pushl   %ebx
        pushl   %eax
        call    stub_main
1:      hlt                             /* without isa-debug-exit: stop here, the test's time limit tells */
        jmp     1b

        .section .stack, "aw", @progbits
        .balign 16
        .space  0x4000
stack_top:
        .long   0

        .section .note.GNU-stack, "", @progbits
