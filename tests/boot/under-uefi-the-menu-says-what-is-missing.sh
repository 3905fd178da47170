#!/bin/sh
# SPDX-License-Identifier: MPL-2.0
# UEFI firmware (OVMF) loads snponly.efi from the overlay and that its menu, which says what stock iPXE lacks there; the
# default entry is tried all the same, ends in an error that is explained on the screen, and nothing is started.
. "$PXEFS_TESTLIB"
. "$PXEFS_SRC/tests/boot/lab.sh"
uefi_lab menu.ipxe
wait_for "$BOOT_SECONDS" console_says alpha "nothing was started" || lab_fail alpha "did not come to an end of its boot"
for words in \
        "This is host alpha" \
        "! UEFI: only Triton's iPXE can start SmartOS; key u loads its snponly.efi" \
        "Load Triton's iPXE (snponly.efi)" \
        "Under UEFI this needs Triton's iPXE (multiboot2). Any other cannot start it and ends in an error here." \
        "Could not select: Exec format error (http://ipxe.org/2e008081)" \
        "Booting 20240101T000000Z failed; nothing was started. The error is above."; do
        console_says alpha "$words" || lab_fail alpha "did not say: $words"
done
! console_says alpha BOOT-STUB || lab_fail alpha "started a kernel"

# Back in the menu, which says it once more: to leave it is to go on with the firmware's next boot option.
press alpha spc
choose alpha "! Booting 20240101T000000Z failed; nothing was started." x
wait_for "$BOOT_SECONDS" console_says alpha ">>Start PXE over IPv6" || lab_fail alpha "did not go on to the next boot option"
machine_stop alpha
