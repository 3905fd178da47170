#!/usr/bin/env python3
# SPDX-License-Identifier: MPL-2.0
"""Turns the SQL documents into C: embed.py PREFIX SCHEMA.sql QUERIES.sql OUT.c OUT.h

The schema becomes PREFIX_schema_sql[], each query of the form

    -- name: some_name
    -- what it answers
    SELECT ...;

becomes PREFIX_q_some_name[].  Bytes, not string literals: ISO C bounds those at 4095 characters.
"""
import re
import sys


def array(name, text):
    data = text.encode() + b"\0"
    rows = [", ".join(str(b) for b in data[i:i + 24]) for i in range(0, len(data), 24)]
    return "const char %s[] = {\n\t%s\n};\n" % (name, ",\n\t".join(rows))


def main():
    prefix, schema, queries, out_c, out_h = sys.argv[1:6]
    items = [(prefix + "_schema_sql", open(schema, encoding="ascii").read())]
    parts = re.split(r"^-- name: (\w+)$", open(queries, encoding="ascii").read(), flags=re.M)
    names = parts[1::2]
    if len(set(names)) != len(names):
        sys.exit("%s: a query name stands twice" % queries)
    for name, text in zip(names, parts[2::2]):
        if text.strip().count(";") != 1 or not text.strip().endswith(";"):
            sys.exit("%s: query %s is not one statement with a ';' at its end only" % (queries, name))
        items.append(("%s_q_%s" % (prefix, name), text.strip()))
    guard = "PXEFS_%s_SQL_H" % prefix.upper()
    with open(out_h, "w", encoding="ascii") as f:
        f.write("/* Generated from schema/ by embed.py. */\n#ifndef %s\n#define %s\n\n" % (guard, guard))
        for name, _ in items:
            f.write("extern const char %s[];\n" % name)
        f.write("\n#endif\n")
    with open(out_c, "w", encoding="ascii") as f:
        f.write('/* Generated from schema/ by embed.py. */\n#include "%s_sql.h"\n\n' % prefix)
        for name, text in items:
            f.write(array(name, text) + "\n")


main()
