#!/usr/bin/env python3
# SPDX-License-Identifier: MPL-2.0
"""syslogd.py FILE MODE -- a syslog daemon at /dev/log.  MODE "read" writes each message to FILE, a line each; "hang" takes the
path and never reads.  FILE.ready appears when it is there.  A daemon that is started while another has the path takes it."""
import os
import signal
import socket
import sys

out, mode = sys.argv[1:3]
if os.path.lexists("/dev/log"):
    os.unlink("/dev/log")
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind("/dev/log")
os.chmod("/dev/log", 0o666)
log = open(out, "ab", buffering=0)
open(out + ".ready", "w").close()
if mode == "hang":
    signal.pause()
while True:
    log.write(s.recv(8192) + b"\n")
