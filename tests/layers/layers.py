#!/usr/bin/env python3
# SPDX-License-Identifier: MPL-2.0
"""layers.py ROOT -- no folder of fs/ includes or links one that stands below it in meson.build, and no module (x.c with x.h)
includes one that leads back to it.  Prints each line that breaks this, and exits with 1."""
import os
import re
import sys

root = sys.argv[1]
fs = os.path.join(root, "fs")
broken = []


def lines(path):
    with open(path) as f:
        return list(enumerate(f, 1))


# The order is the one in which meson.build goes through the folders; the programs (daemon/) come last.
order = [m.group(1) for _, line in lines(os.path.join(root, "meson.build"))
         for m in [re.match(r"subdir\('fs/([\w/]+)'\)", line)] if m] + ["daemon"]
rank = {folder: i for i, folder in enumerate(order)}

modules = {}   # "catalog/known" -> the modules that x.c and x.h include
for where, _, names in os.walk(fs):
    folder = os.path.relpath(where, fs)
    sources = [n for n in names if n.endswith((".c", ".h"))]
    if sources and folder not in rank and any(n.endswith(".c") for n in sources):
        broken.append("fs/%s is not among the folders of meson.build" % folder)
        continue
    for name in sources:
        module = os.path.join(folder, re.sub(r"(_impl)?\.[ch]$", "", name))
        for number, line in lines(os.path.join(where, name)):
            m = re.match(r'#include "([\w/]+)\.h"', line)
            if not m or not os.path.exists(os.path.join(fs, m.group(1) + ".h")):
                continue   # generated, or not ours
            other = re.sub(r"_impl$", "", m.group(1))
            theirs = os.path.dirname(other)
            if other != module:
                modules.setdefault(module, {})[other] = "fs/%s/%s:%d" % (folder, name, number)
            if theirs in rank and rank[theirs] > rank.get(folder, -1):
                broken.append("fs/%s/%s:%d: %s/ is above %s/: %s" % (folder, name, number, theirs, folder, line.strip()))

# Who links what: dep_NAME is the library of the folder whose meson.build declares it.
declares, uses = {}, {}
for folder in order[:-1]:
    path = os.path.join(fs, folder, "meson.build")
    text = "".join(line for _, line in lines(path))
    if len(re.findall(r"\bstatic_library\(", text)) != 1:
        broken.append("fs/%s/meson.build: one static library a folder" % folder)
    for name in re.findall(r"^(dep_\w+) = declare_dependency", text, re.M):
        declares[name] = folder
    uses[folder] = set(re.findall(r"\bdep_\w+", text))
for folder, names in uses.items():
    for name in names:
        if name in declares and rank[declares[name]] > rank[folder]:
            broken.append("fs/%s/meson.build: links %s, which is above it" % (folder, name))

# Circles: whoever can be reached and reaches back.
def reached(start):
    seen, todo = set(), [start]
    while todo:
        for other in modules.get(todo.pop(), {}):
            if other not in seen:
                seen.add(other)
                todo.append(other)
    return seen


reach = {m: reached(m) for m in modules}
for module in sorted(modules):
    for other, where in sorted(modules[module].items()):
        if module in reach.get(other, ()):
            broken.append("%s: %s leads back to %s" % (where, other, module))

print("%d folders, %d modules" % (len(order), len(modules)))
print(*broken, sep="\n")
if len(modules) < 100:
    sys.exit("too few modules to say anything: is %s the source?" % root)
sys.exit(1 if broken else 0)
