#!/usr/bin/env python3
# SPDX-License-Identifier: MPL-2.0
"""Writes the triggers that every table has alike into schema/inventory.sql, between the two lines that name this program.

    triggers.py FILE           rewrites that part of FILE
    triggers.py --check FILE   exit 1 if it would change anything: a test, so that nobody edits the part by hand

One line a table below says what differs.  For each table there are:
    <table>_before_insert   references; notes the rows that INSERT OR REPLACE would remove (REPLACE runs no DELETE trigger)
    <table>_insert          limit, own rules, the log, changed_at
    <table>_before_update   ids that stay, and keys of other rows: UPDATE OR REPLACE would remove those
    <table>_before_move     references and limit
    <table>_update          own rules, the log, changed_at
    <table>_delete          the log, changed_at
As few statements as will do: sqlite3 compiles all of them for each INSERT that is typed.
"""
import re
import sys

NOW = "CAST(strftime('%s', 'now') AS INTEGER)"
BEGIN = "-- Written by schema/triggers.py from here ----"
END = "-- Written by schema/triggers.py to here ----"


def exists(column, table, sentence):
    return (column, table, sentence)


PROFILE = "no such profile. Write (SELECT id FROM profile WHERE name = ''default'') with a name that SELECT name FROM profile lists"
CHANNEL = "no such channel. Write (SELECT id FROM channel WHERE name = ''stable'') with a name that SELECT name FROM channel lists"
HOST = "no such host. Write (SELECT id FROM host WHERE hostname = ''db1'') with a name that SELECT hostname FROM host lists"
REF = {"profile": ("profile", PROFILE), "parent": ("profile", PROFILE), "channel": ("channel", CHANNEL), "host": ("host", HOST)}
MAC_KEY = "substr(lower(replace(replace(replace(%s, ':', ''), '-', ''), '.', '')), -12)"
MAC_PLAIN = "[0-9a-f][0-9a-f]-" * 5 + "[0-9a-f][0-9a-f]"

# columns: text as it is, n: a number, N: a number or NULL.  keys: lists of columns that are unique together.
# owner: what hangs on whom.  limit: rows an owner may have.
TABLES = [
    dict(name="host", columns="hostname uuid serial n:profile build N:channel comment n:enabled", keys=[["hostname"]],
         label="'host ' || {r}.hostname", refs=["profile", "channel"], self=True, replace="hostname"),
    dict(name="nic", columns="mac n:host ip netmask gateway N:vlan N:mtu nic_tag nic_tags_provided aggr", keys=[["mac"]],
         refs=["host"], owners=["host"], limit=64),
    dict(name="profile", columns="name N:parent build N:channel comment", keys=[["name"]], label="'profile ' || {r}.name",
         refs=["parent", "channel"], self=True, replace="name"),
    dict(name="channel", columns="name build canary n:canary_percent comment", keys=[["name"]], label="'channel ' || {r}.name",
         refs=[], self=True, replace="name"),
    dict(name="property", columns="N:profile N:host name value", keys=[["host", "name"], ["profile", "name"]],
         refs=["profile", "host"], owners=["host", "profile"], limit=256),
    dict(name="setting", columns="n:profile key value", keys=[["profile", "key"]], refs=["profile"], owners=["profile"], limit=256),
    dict(name="module", columns="N:profile N:host name content n:secret", keys=[["host", "name"], ["profile", "name"]],
         refs=["profile", "host"], owners=["host", "profile"], limit=64),
    dict(name="answer", columns="N:profile N:host key value", keys=[["host", "key"], ["profile", "key"]],
         refs=["profile", "host"], owners=["host", "profile"], limit=64),
    dict(name="network", columns="N:profile N:host admin_tag dns_domain dns_resolver1 dns_resolver2 dns_resolver3 etherstubs lacp_mode",
         keys=[["host"], ["profile"]], refs=["profile", "host"], owners=["host", "profile"]),
    dict(name="route", columns="N:profile N:host destination gateway", keys=[["host", "destination"], ["profile", "destination"]],
         refs=["profile", "host"], owners=["host", "profile"], limit=64),
    dict(name="menu_item", columns="n:profile key label body n:position", keys=[["profile", "key"]], refs=["profile"],
         owners=["profile"], limit=64),
    dict(name="known_property", columns="name type meaning source n:secret", keys=[["name"]], label="{r}.name", root=True, limit=1000),
    dict(name="known_setting", columns="key type choices built_in meaning", keys=[["key"]], label="{r}.key", root=True, limit=256),
    dict(name="known_answer", columns="key type choices meaning n:secret", keys=[["key"]], label="{r}.key", root=True, limit=64),
]

TAKEN = {
    "host": "hostname: another host has this name (case does not matter); choose another, or rename that one first",
    "profile": "name: another profile has this name; choose another, or rename that one first",
    "channel": "name: another channel has this name; choose another, or rename that one first",
    "nic": "mac: another NIC has this address, perhaps in another spelling; UPDATE that row, or DELETE it first",
    "property": "name: this host or profile has this property already; UPDATE that row, or DELETE it first",
    "setting": "key: this profile has this setting already; UPDATE that row, or DELETE it first",
    "module": "name: this host or profile has a module of this name already; UPDATE that row, or DELETE it first",
    "answer": "key: this host or profile has this answer already; UPDATE that row, or DELETE it first",
    "network": "host, profile: it has a row here already; UPDATE that row, or DELETE it first",
    "route": "destination: this host or profile has a route there already; UPDATE that row, or DELETE it first",
    "menu_item": "key: this profile has an item of this key already; UPDATE that row, or DELETE it first",
    "known_property": "name: it is described already; UPDATE that row",
    "known_setting": "key: the daemon knows this setting by its key, which therefore stays",
    "known_answer": "key: setup knows this answer by its key, which therefore stays",
}


def columns(t):
    return [(c.split(":")[0], c.split(":")[1]) if ":" in c else ("", c) for c in t["columns"].split()]


def secret(t, rows):
    """Whether the value may not be kept: by what the row is called, before or after."""
    if t["name"] == "property":
        return " OR ".join("%s.name = 'root_shadow' OR EXISTS (SELECT 1 FROM known_property k WHERE k.secret = 1 AND %s.name GLOB k.name)" % (r, r)
                           for r in rows)
    return " OR ".join("EXISTS (SELECT 1 FROM known_answer k WHERE k.secret = 1 AND k.key = %s.key)" % r for r in rows)


def text(t, r, rows=None):
    """A row as an UPDATE wants it after SET.  What is not kept stands in <>, so that nobody can write it back by mistake."""
    form, args = [], []
    for kind, c in columns(t):
        v = "%s.%s" % (r, c)
        if t["name"] == "module" and c == "content":
            form.append("content = %s")
            args.append("iif(%s IS NULL, 'NULL', '<' || length(CAST(%s AS BLOB)) || ' bytes>')" % (v, v))
        elif t["name"] in ("property", "answer") and c == "value":
            form.append("value = %s")
            args.append("CASE WHEN %s <> '' AND (%s) THEN '<secret>' ELSE quote(%s) END" % (v, secret(t, rows or [r]), v))
        else:
            form.append("%s = %s" % (c, {"": "%Q", "n": "%d", "N": "%s"}[kind]))
            args.append("ifnull(%s, 'NULL')" % v if kind == "N" else v)
    return "printf('%s',\n      %s)" % (", ".join(form), ", ".join(args))


def label(t, r):
    if "label" in t:
        return t["label"].format(r=r)
    who = {"host": "(SELECT 'host ' || hostname FROM host WHERE id = %s.host)" % r,
           "profile": "(SELECT 'profile ' || name FROM profile WHERE id = %s.profile)" % r}
    return who[t["owners"][0]] if len(t["owners"]) == 1 else "ifnull(%s, %s)" % (who["host"], who["profile"])


def log(t, op, r, old, new, source=""):
    """INSERT INTO change of one row."""
    cols = ["old"] * bool(old) + ["new"] * bool(new)
    return ("  INSERT INTO change (actor, txn, tab, row, name, op, %s)\n    SELECT actor.name, actor.txn, '%s', %s.id, %s, '%s',\n      %s\n    FROM actor%s;\n"
            % (", ".join(cols), t["name"], r, label(t, r), op, ",\n      ".join(x for x in (old, new) if x), source))


def key_match(t, key, table):
    if key == ["mac"]:
        return "%s = %s" % (MAC_KEY % (table + "mac"), MAC_KEY % "new.mac")
    return " AND ".join("%s%s = new.%s" % (table, c, c) for c in key)


def before_insert(t):
    n = t["name"]
    s = "CREATE TRIGGER %s_before_insert BEFORE INSERT ON %s BEGIN\n%s  DELETE FROM change_replaced;\n" % (n, n, cases(references(t)))
    found = " UNION ALL ".join(["SELECT new.id AS i"] + ["SELECT id FROM %s WHERE %s AND id <> new.id" % (n, key_match(t, k, "")) for k in t["keys"]])
    s += "  INSERT INTO change_replaced SELECT '%s', %s.id, %s,\n    %s\n    FROM (%s)\n    CROSS JOIN %s ON %s.id = i;\n" % (
        n, n, label(t, n), text(t, n), found, n, n)
    return s + "END;\n"


def cases(lines):
    return "  SELECT CASE\n%s    END;\n" % "".join("    WHEN %s\n      THEN RAISE(ABORT, '%s')\n" % x for x in lines) if lines else ""


def references(t):
    """Before the row is written: of a name that was not found, a SELECT makes NULL."""
    lines = []
    for c in t.get("refs", []):
        table, sentence = REF[c]
        null = "" if ("n", c) in columns(t) else "new.%s IS NOT NULL AND " % c
        lines.append(("%sNOT EXISTS (SELECT 1 FROM %s WHERE id = new.%s)" % (null, table, c), "%s: %s" % (c, sentence)))
    return lines


def limits(t, already):
    lines = []
    for owner in t.get("owners", []):
        if "limit" in t:
            lines.append(("%sEXISTS (SELECT 1 FROM %s INDEXED BY %s_of_%s WHERE %s = new.%s LIMIT 1 OFFSET %d)" % (
                "old.%s IS NOT new.%s AND " % (owner, owner) if already else "", t["name"], t["name"], owner, owner, owner, t["limit"] - already),
                "%s: a %s may have %d rows in this table, and has them" % (owner, owner, t["limit"])))
    if t.get("root") and not already:
        lines.append(("EXISTS (SELECT 1 FROM %s LIMIT 1 OFFSET %d)" % (t["name"], t["limit"]), "%s: %d rows are the most, and they are there" % (
            t["name"], t["limit"])))
    return lines


def touch(owner, where):
    return "  UPDATE %s SET changed_at = max(changed_at, %s) WHERE %s;\n" % (owner, NOW, where)


def checks(t):
    """Own rules, as an INSERT into a view whose trigger holds them."""
    if t["name"] == "property":
        return "  INSERT INTO property_check SELECT new.profile, new.host, new.name, new.value WHERE new.value IS NOT NULL;\n"
    if t["name"] == "setting":
        return "  INSERT INTO setting_check VALUES (new.profile, new.key, new.value);\n"
    if t["name"] == "answer":
        return "  INSERT INTO answer_check VALUES (new.key, new.value);\n"
    return ""


def insert(t):
    n = t["name"]
    s = "CREATE TRIGGER %s_insert AFTER INSERT ON %s BEGIN\n%s%s" % (n, n, cases(limits(t, 0)), checks(t))
    if "replace" in t:
        c = t["replace"]
        s += ("  SELECT RAISE(ABORT, '%s: INSERT OR REPLACE would give this %s another id; write INSERT ... ON CONFLICT (%s) DO UPDATE SET ..., or UPDATE')\n"
              "    FROM change_replaced WHERE row <> new.id;\n" % (c, n, c))
    s += ("  INSERT INTO change (actor, txn, tab, row, name, op, old)\n"
          "    SELECT actor.name, actor.txn, tab, row, r.name, 'replace', old FROM change_replaced r CROSS JOIN actor WHERE tab = '%s';\n"
          "  DELETE FROM change_replaced;\n" % n)
    if n == "nic":
        s += "  UPDATE nic SET mac = mac WHERE id = new.id AND mac NOT GLOB '%s'; -- nic_update spells it\n" % MAC_PLAIN
        s += log(t, "insert", "n", None, text(t, "n"), " CROSS JOIN nic n WHERE n.id = new.id")
    else:
        s += log(t, "insert", "new", None, text(t, "new"))
    for owner in t.get("owners", []):
        s += touch(owner, "id = new.%s" % owner)
    if t.get("root"):
        s += touch("profile", "id = 1")
    return s + "END;\n"


def before_update(t):
    n = t["name"]
    cols = sorted({c for k in t["keys"] for c in k})
    lines = [("new.id IS NOT old.id", "id: it never changes, for it says in `change` which row was meant; DELETE and INSERT make another")]
    for k in t["keys"]:
        lines.append(("EXISTS (SELECT 1 FROM %s o WHERE %s AND o.id <> old.id)" % (n, key_match(t, k, "o.")), TAKEN[n]))
    if n in ("known_setting", "known_answer"):
        lines.append(("new.key <> old.key", TAKEN[n]))
    s = "CREATE TRIGGER %s_before_update BEFORE UPDATE OF id, %s ON %s BEGIN\n%sEND;\n" % (n, ", ".join(cols), n, cases(lines))
    if t.get("refs"):
        s += "CREATE TRIGGER %s_before_move BEFORE UPDATE OF %s ON %s BEGIN\n%sEND;\n" % (
            n, ", ".join(t["refs"]), n, cases(references(t) + limits(t, 1)))
    return s


def differs(t):
    return " OR ".join("old.%s%s IS NOT new.%s" % (c, " COLLATE BINARY" if c in ("hostname", "uuid") else "", c) for _, c in columns(t))


def mac_spelled():
    """Any accepted spelling as pairs with - between.  Each : is doubled, so that a group of one digit has its own two, and
    one replace a digit pads it; without separators, pairs are cut out from the end."""
    bare = "replace(lower(mac), '.', '')"
    m = "iif(mac GLOB '*[:-]*', replace(replace(lower(mac), '-', ':'), ':', '::'),\n      %s)" % (
        " || '::' || ".join("substr(%s, %d, 2)" % (bare, -k) for k in (12, 10, 8, 6, 4, 2)))
    x = "':' || %s || ':'" % m
    for d in "0123456789abcdef":
        x = "replace(%s, ':%s:', ':0%s:')" % (x, d, d)
    return "substr(trim(replace(%s, '::', '-'), ':'), -17)" % x


def mac_update():
    """The address has a trigger of its own, as small as can be: each INSERT of a NIC compiles it for the sake of the spelling.
    Of a row that has just come in, or is spelled here, nothing is told twice: its old address is not spelled yet."""
    s = "CREATE TRIGGER nic_mac_update AFTER UPDATE OF mac ON nic BEGIN\n"
    s += "  UPDATE nic SET mac = %s\n    WHERE id = new.id AND mac NOT GLOB '%s';\n" % (mac_spelled(), MAC_PLAIN)
    s += ("  INSERT INTO change (actor, txn, tab, row, name, op, old, new)\n    SELECT actor.name, actor.txn, 'nic', n.id,"
          " (SELECT 'host ' || hostname FROM host WHERE id = n.host), 'update', printf('mac = %%Q', old.mac), printf('mac = %%Q', n.mac)\n"
          "    FROM actor CROSS JOIN nic n WHERE n.id = new.id AND n.mac <> old.mac AND old.mac GLOB '%s';\n" % MAC_PLAIN)
    s += touch("host", "id = new.host")
    s += touch("profile", "id = 1 AND old.mac <> new.mac AND old.mac GLOB '%s'" % MAC_PLAIN)
    return s + "END;\n"


def update(t):
    n = t["name"]
    cols = [c for _, c in columns(t)]
    s = "CREATE TRIGGER %s_update AFTER UPDATE OF %s ON %s WHEN %s BEGIN\n%s" % (n, ", ".join(cols), n, differs(t), checks(t))
    if n == "nic":
        t = dict(t, columns=t["columns"].replace("mac ", "", 1))  # nic_mac_update tells of it
        s = mac_update() + "\n" + s.replace("UPDATE OF mac, ", "UPDATE OF ").replace("old.mac IS NOT new.mac OR ", "")
    s += log(t, "update", "new", text(t, "old", ["old", "new"]), text(t, "new", ["old", "new"]))
    if t.get("self"):
        s += touch(n, "id = new.id")
    for owner in t.get("owners", []):
        s += touch(owner, "id = new.%s" % owner) + touch(owner, "id = old.%s AND old.%s IS NOT new.%s" % (owner, owner, owner))
    if t.get("root"):
        s += touch("profile", "id = 1")
    return s + "END;\n"


def delete(t):
    n = t["name"]
    s = "CREATE TRIGGER %s_delete AFTER DELETE ON %s BEGIN\n  DELETE FROM change_replaced WHERE tab = '%s' AND row = old.id;\n" % (n, n, n)
    s += log(t, "delete", "old", text(t, "old"), None)
    for owner in t.get("owners", []):
        s += touch(owner, "id = old.%s" % owner)
    if t.get("root") or n == "nic":
        s += touch("profile", "id = 1")
    return s + "END;\n"


def everything():
    return "\n".join(f(t) for t in TABLES for f in (before_insert, insert, before_update, update, delete))


def main():
    check = sys.argv[1] == "--check"
    path = sys.argv[-1]
    with open(path, encoding="ascii") as f:
        old = f.read()
    new = re.sub("(?s)(%s[^\n]*\n).*?(?=%s)" % (re.escape(BEGIN), re.escape(END)), lambda m: m.group(1) + everything(), old)
    if check:
        sys.exit(0 if old == new else "%s: its triggers are not what schema/triggers.py writes: run schema/triggers.py %s" % (path, path))
    with open(path, "w", encoding="ascii") as f:
        f.write(new)


main()
