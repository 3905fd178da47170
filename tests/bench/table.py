#!/usr/bin/env python3
# SPDX-License-Identifier: MPL-2.0
"""table.py RESULTS: a line for each figure, with the goal it has, if it has one, and whether the median meets it."""
import json, sys

# What the project wants of it: by ratio (A/B) or by A itself, at least or at most.
GOALS = {
    "nginx-warm": ("ratio", ">=", 0.95), "nginx-16": ("ratio", ">=", 0.95), "nginx-24": ("ratio", ">=", 0.95),
    "tftp": ("ratio", ">=", 0.95), "warm": ("ratio", ">=", 0.75), "open": ("ratio", ">=", 0.75), "stat": ("ratio", ">=", 0.75),
    "cold-tar": ("ratio", ">=", 6), "cold-igzip": ("ratio", ">=", 1.3), "first": ("A", "<=", 5),
    "sixteen-max": ("ratio", "<=", 1.3), "eight-max": ("ratio", "<=", 1.3), "new": ("ratio", "<=", 0.8),
    "start-0": ("A", "<=", 200), "start-1": ("A", "<=", 200), "script-0": ("A", "<=", 200), "script-1": ("A", "<=", 200),
    "disk": ("A", "<=", 1), "rss": ("A", "<=", 128), "menus": ("A", ">=", 10000), "menus-fresh": ("A", ">=", 10000),
}


def median(v):
    return sorted(v)[len(v) // 2]


def number(x):
    return "%.0f" % x if x >= 1000 else "%.3g" % x


rows, missing = [("what", "build", "ours", "theirs", "", "ratio [min - max]", "goal", "met")], []
for line in map(json.loads, open(sys.argv[1])):
    if not line["key"]:
        missing.append("left out: %(what)s: %(why)s" % line)
        continue
    a, b, unit = line["a"], line["b"], line["unit"]
    ratios = [x / y for x, y in zip(a, b)]
    goal = met = ""
    if line["key"] in GOALS:
        of, sign, value = GOALS[line["key"]]
        have = median(ratios if of == "ratio" else a)
        goal = "%s %g%s" % (sign, value, "" if of == "ratio" else " " + unit)
        met = "yes" if (have >= value if sign == ">=" else have <= value) else "NO"
    rows.append((line["what"], line["build"], "%s %s" % (number(median(a)), unit), "%s %s" % (number(median(b)), unit) if b else "",
                 line["against"], "%.2f [%.2f - %.2f]" % (median(ratios), min(ratios), max(ratios)) if b else
                 "[%s - %s]" % (number(min(a)), number(max(a))), goal, met))
widths = [max(len(r[i]) for r in rows) for i in range(8)]
for r in rows:
    print("  ".join(c.ljust(w) for c, w in zip(r, widths)).rstrip())
print("\n".join(missing + ["The goals are for the default sizes on a machine that does nothing else."]))
