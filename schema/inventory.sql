-- The inventory of pxefs: the operator's desired state.  SPDX-License-Identifier: MPL-2.0
--
-- This file is a document.  Read it here or, in any inventory, with .schema: the comments inside the statements
-- travel with the database.  Everything is edited with plain sqlite3, and a committed change is seen by the next
-- boot.
--
--   * All tables are STRICT; every rule is a CHECK or trigger whose text says what to write instead.
--   * foreign_keys and recursive_triggers may be on or off (the shell's default): references are guarded by
--     triggers too.
--   * What is observed (builds, archives, digests) is not here: the daemon keeps that elsewhere and never
--     changes a row.
--   * Copy a live inventory with  sqlite3 inventory.db '.backup copy.db'.  What is made of a .dump has lost its
--     application_id, its user_version and WAL: pxectl migrate puts them back, or the three PRAGMAs below do.
--   * Many rows at once: see docs/operating.md, "Many machines at once".
--
-- Names in this file: root profile = the profile `default`, id 1, from which all others inherit.

PRAGMA journal_mode = WAL;              -- readers and writers do not wait for each other
BEGIN;
PRAGMA application_id = 0x70786673;     -- "pxfs"
PRAGMA user_version = 2;                -- grows with each file in schema/migrations

---------------------------------------------------------------------------------------------------------- machines ---

CREATE TABLE host (
  -- One machine.  The daily work, to be typed into  sqlite3 /var/lib/pxefs/inventory.db :
  --
  --   INSERT INTO host (hostname) VALUES ('db1');
  --   INSERT INTO nic (host, mac) VALUES ((SELECT id FROM host WHERE hostname = 'db1'), '02:08:20:ab:cd:01');
  --   INSERT INTO property (host, name, value) VALUES ((SELECT id FROM host WHERE hostname = 'db1'), 'console', 'ttyb');
  --   INSERT INTO profile (name) VALUES ('rack7');
  --   UPDATE host SET profile = (SELECT id FROM profile WHERE name = 'rack7') WHERE hostname = 'db1';
  --   INSERT INTO property (profile, name, value) VALUES (1, 'ttyb-mode', '115200,8,n,1,-');
  --   INSERT INTO setting (key, value) VALUES ('menu_timeout', '10');
  --   INSERT INTO channel (name, build) VALUES ('stable', '20241010T000000Z');
  --   UPDATE host SET channel = (SELECT id FROM channel WHERE name = 'stable') WHERE hostname = 'db1';
  --   UPDATE channel SET canary = '20241024T000000Z', canary_percent = 10 WHERE name = 'stable';
  --   UPDATE host SET build = '20240926T000000Z', channel = NULL WHERE hostname = 'db1';
  --
  -- And to be asked:
  --
  --   SELECT * FROM host_boot WHERE hostname = 'db1';
  --   SELECT * FROM host_property WHERE hostname = 'db1';
  --   SELECT * FROM host_build WHERE build = '20241010T000000Z';
  --   SELECT json FROM host_networking WHERE hostname = 'db1';
  --   SELECT name, type, meaning FROM known_property;
  --   SELECT key, type, built_in, meaning FROM known_setting;
  --   SELECT at, actor, op, tab, row, old, new FROM change ORDER BY id DESC LIMIT 20;

  id       INTEGER PRIMARY KEY AUTOINCREMENT  -- never changes, never given twice; the daemon's file numbers have 24 bits for it
           CONSTRAINT "id: a number from 1 to 16777214; leave the column out and one is chosen"
           CHECK (id BETWEEN 1 AND 16777214),
  -- RFC 1123, section 2.1.  Upper and lower case are the same host.  Shown below /by-name.
  hostname TEXT NOT NULL UNIQUE COLLATE NOCASE
           CONSTRAINT "hostname: letters, digits and inner hyphens, labels of 1 to 63 joined by dots, 253 in all (RFC 1123)"
           CHECK (length(CAST(hostname AS BLOB)) BETWEEN 1 AND 253 AND instr(hostname, char(0)) = 0
             AND hostname NOT GLOB '*[^A-Za-z0-9.-]*'
             AND '.' || hostname || '.' NOT GLOB '*.[.-]*' AND '.' || hostname || '.' NOT GLOB '*-.*'
             AND hostname NOT GLOB '*' || replace(hex(zeroblob(64)), '00', '[^.]') || '*')
           CONSTRAINT "hostname: this is an IP address; give the machine a name, and put the address into nic.ip"
           CHECK (hostname GLOB '*[^0-9.]*' OR hostname NOT GLOB '*.*.*.*')
           CONSTRAINT "hostname: not with the word multiboot in it: the kernel's loader stops at it wherever it stands on the line"
           CHECK (instr(hostname, 'multiboot') = 0),
  -- The machine's UUID as SMBIOS gives it, in any case.  Shown below /by-uuid, and a name PXELINUX asks for before the
  -- MAC: hence none that many boards have in common.
  uuid     TEXT COLLATE NOCASE
           CONSTRAINT "uuid: 32 hex digits as 8-4-4-4-12, for example 4c4c4544-0042-3010-8054-b4c04f4e5331"
           CHECK (length(uuid) = 36 AND replace(uuid, '-', '') NOT GLOB '*[^0-9A-Fa-f]*'
             AND uuid GLOB '????????-????-????-????-????????????' AND length(replace(uuid, '-', '')) = 32)
           CONSTRAINT "uuid: boards whose maker set none have this one, so it names no machine; leave it NULL"
           CHECK (trim(uuid, substr(uuid, 1, 1) || '-') <> '' AND trim(lower(uuid), 'f-') <> ''
             AND uuid NOT GLOB '03000200-0400-0500-0006-000700080009' AND uuid NOT GLOB '00020003-0004-0005-0006-000700080009'
             AND uuid NOT GLOB '12345678-1234-*' AND uuid NOT GLOB '78563412-3412-*'),
  serial   TEXT                         -- the maker's serial number or your asset tag; for people only
           CONSTRAINT "serial: one line of at most 200 bytes, no control characters"
           CHECK (serial NOT GLOB CAST(x'2a5b012d1f7f2dc29f5d2a' AS TEXT)
             AND instr(serial, char(0)) = 0 AND length(CAST(serial AS BLOB)) <= 200),
  profile  INTEGER NOT NULL DEFAULT 1   -- where it inherits properties, settings and the build from
           REFERENCES profile (id),
  -- Which build: host.build, else host.channel, else the nearest profile that has either, else the newest release
  -- build there is (`latest`).  The view host_build says which rule gave it.
  build    TEXT
           CONSTRAINT "build: a build's name, YYYYMMDDThhmmssZ or <branch>-YYYYMMDDThhmmssZ, or NULL; pxectl builds lists them"
           CHECK (build GLOB '*[0-9][0-9][0-9][0-9][01][0-9][0-3][0-9]T[0-2][0-9][0-5][0-9][0-6][0-9]Z'
             AND (length(build) = 16 OR length(build) BETWEEN 18 AND 127 AND substr(build, -17, 1) = '-')
             AND build NOT GLOB '*[^A-Za-z0-9._+-]*' AND build GLOB '[A-Za-z0-9]*' AND instr(build, 'multiboot') = 0
             AND instr(build, char(0)) = 0
             AND build NOT GLOB '*00[0-9][0-9]T??????Z' AND build NOT GLOB '*1[3-9][0-9][0-9]T??????Z' AND build NOT GLOB '*00T??????Z'
             AND build NOT GLOB '*3[2-9]T??????Z' AND build NOT GLOB '*T2[4-9]????Z'),
  channel  INTEGER REFERENCES channel (id),  -- follow this channel
  comment  TEXT
           CONSTRAINT "comment: one line of at most 1000 bytes, no control characters"
           CHECK (comment NOT GLOB CAST(x'2a5b012d1f7f2dc29f5d2a' AS TEXT)
             AND instr(comment, char(0)) = 0 AND length(CAST(comment AS BLOB)) <= 1000),
  enabled  INTEGER NOT NULL DEFAULT 1   -- 0: the machine is told to start from its local disk
           CONSTRAINT "enabled: 1, or 0 for a host that shall start from its local disk" CHECK (enabled IN (0, 1)),
  -- Unix time of the last change of this row or of a row that belongs to it; kept by triggers, never goes back.  What is
  -- made of these rows carries it as its time stamp.
  changed_at INTEGER NOT NULL DEFAULT (CAST(strftime('%s', 'now') AS INTEGER))
           CONSTRAINT "changed_at: seconds since 1970; leave the column out" CHECK (changed_at BETWEEN 0 AND 4294967295),
  CONSTRAINT "build, channel: give one of the two and set the other to NULL" CHECK (build IS NULL OR channel IS NULL)
) STRICT;

CREATE UNIQUE INDEX "hostname: another host has this name (case does not matter); UPDATE that host, or choose another name"
  ON host ((hostname || '') COLLATE NOCASE);
CREATE INDEX host_by_profile ON host (profile);
CREATE INDEX host_by_channel ON host (channel) WHERE channel IS NOT NULL;
CREATE INDEX host_by_uuid ON host (uuid) WHERE uuid IS NOT NULL;

CREATE TABLE nic (
  -- One network interface.  A host has as many as it has ports: whichever boots, the host is found.
  id       INTEGER PRIMARY KEY,         -- the host's lowest is the one /by-name, /by-ip and /by-uuid lead to
  -- Stored as iPXE prints ${mac:hexhyp}, "aa-bb-cc-dd-ee-ff", and looked for in that spelling: WHERE mac = '02-08-20-ab-cd-01'.
  -- Write any that loaders, systems and switches use: - or : or nothing between, illumos' 2:8:20:ab:cd:1 and 0208.20ab.cd01,
  -- either case, with or without the ARP hardware type in front ("01-", as PXELINUX asks for it); a trigger rewrites it.
  mac      TEXT NOT NULL UNIQUE
           CONSTRAINT "mac: twelve hex digits in pairs, separated by -, : or nothing, for example 02:08:20:ab:cd:01, or as dladm prints it"
           CHECK (length(CAST(mac AS BLOB)) <= 20 AND CASE
             WHEN mac GLOB '*[:-]*' THEN
               (mac NOT GLOB '*[^0-9A-Fa-f:]*' OR mac NOT GLOB '*[^0-9A-Fa-f-]*') AND mac NOT GLOB '*[0-9A-Fa-f][0-9A-Fa-f][0-9A-Fa-f]*' AND mac GLOB '[0-9A-Fa-f]*[0-9A-Fa-f]'
               AND mac NOT GLOB '*[:-][:-]*' AND CASE WHEN mac GLOB '*[:-]*[:-]*[:-]*[:-]*[:-]*[:-]*' THEN mac GLOB '01[:-]*' AND length(mac) = 20
                 ELSE mac GLOB '*[:-]*[:-]*[:-]*[:-]*[:-]*' -- leading zeros everywhere or nowhere: else a digit was lost
                   AND (length(mac) = 17 OR mac NOT GLOB '0[0-9A-Fa-f]*' AND mac NOT GLOB '*[:-]0[0-9A-Fa-f]*') END
             ELSE mac GLOB '[0-9A-Fa-f][0-9A-Fa-f][0-9A-Fa-f][0-9A-Fa-f][0-9A-Fa-f][0-9A-Fa-f][0-9A-Fa-f][0-9A-Fa-f][0-9A-Fa-f][0-9A-Fa-f][0-9A-Fa-f][0-9A-Fa-f]' OR mac GLOB '01[0-9A-Fa-f][0-9A-Fa-f][0-9A-Fa-f][0-9A-Fa-f][0-9A-Fa-f][0-9A-Fa-f][0-9A-Fa-f][0-9A-Fa-f][0-9A-Fa-f][0-9A-Fa-f][0-9A-Fa-f][0-9A-Fa-f]' OR mac GLOB '[0-9A-Fa-f][0-9A-Fa-f][0-9A-Fa-f][0-9A-Fa-f].[0-9A-Fa-f][0-9A-Fa-f][0-9A-Fa-f][0-9A-Fa-f].[0-9A-Fa-f][0-9A-Fa-f][0-9A-Fa-f][0-9A-Fa-f]' END)
           CONSTRAINT "mac: this is a multicast or broadcast address, which no machine has; look at the first two digits"
           CHECK (mac NOT GLOB '?[13579bdf]-??-??-??-??-??') -- what is written otherwise is judged again when it is spelled so
           CONSTRAINT "mac: all zeros is no address; ip link, dladm show-phys -m or the switch tell it"
           CHECK (mac <> '00-00-00-00-00-00'),
  host     INTEGER NOT NULL REFERENCES host (id),
  -- The address DHCP gives it, if you want /by-ip.  IPv4 in dotted decimal, or IPv6 in its one short form (RFC 5952):
  -- /by-ip finds it in every spelling.
  ip       TEXT
           CONSTRAINT "ip: four numbers 0-255 without leading zeros (192.0.2.7), or an IPv6 address (2001:db8::7), no /prefix"
           CHECK (instr(ip, char(0)) = 0 AND length(ip) <= 39 AND CASE WHEN ip GLOB '*:*' THEN
             ip NOT GLOB '*[^0-9A-Fa-f:]*' AND ip NOT GLOB '*:::*' AND ip NOT GLOB '*::*::*' AND lower(ip) NOT GLOB '*[0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f]*'
             AND (ip GLOB '::*' OR ip NOT GLOB ':*') AND (ip GLOB '*::' OR ip NOT GLOB '*:')
             AND CASE WHEN ip GLOB '*::*' THEN ip NOT GLOB '*:*:*:*:*:*:*:*'
               OR (ip GLOB '::*' OR ip GLOB '*::') AND ip NOT GLOB '*:*:*:*:*:*:*:*:*'
               ELSE ip GLOB '?*:?*:?*:?*:?*:?*:?*:?*' AND ip NOT GLOB '*:*:*:*:*:*:*:*:*' END
             ELSE ip GLOB '?*.?*.?*.?*' AND ip NOT GLOB '*[^0-9.]*' AND ip NOT GLOB '*.*.*.*.*' AND ip NOT GLOB '*..*' AND ip NOT GLOB '*.'
             AND ip NOT GLOB '0[0-9]*' AND ip NOT GLOB '*.0[0-9]*' AND ip NOT GLOB '*[3-9][0-9][0-9]*'
             AND ip NOT GLOB '*2[6-9][0-9]*' AND ip NOT GLOB '*25[6-9]*' AND ip NOT GLOB '*[0-9][0-9][0-9][0-9]*' END)
           CONSTRAINT "ip: IPv6 in its short form (RFC 5952): lower case, no leading zeros, :: for two or more groups of 0, as in 2001:db8::7"
           CHECK (ip NOT GLOB '*:*' OR ip NOT GLOB '*[A-F]*' AND ':' || ip NOT GLOB '*:0[0-9a-f]*'
             AND (ip GLOB '*::*' OR ':' || ip || ':' NOT GLOB '*:0:0:*')),
  -- What follows makes networking.json, see the table network.  Without any of it the host gets none, and SmartOS takes its
  -- network from boot properties, its own configuration or DHCP.
  -- The port's or virtual NIC's own address: key vnics of networking.json, which holds ip, mac and these columns.  A second
  -- address, in a VLAN for example, is a second row with a MAC of its own (02-... of your choice).
  netmask  TEXT
           CONSTRAINT "netmask: four numbers 0-255 joined by dots, ones before zeros (255.255.255.0), no /prefix"
           CHECK (netmask NOT GLOB '*[^0-9.]*' AND instr('|128.0.0.0|192.0.0.0|224.0.0.0|240.0.0.0|248.0.0.0|252.0.0.0|254.0.0.0|255.0.0.0||'
             || '255.128.0.0|255.192.0.0|255.224.0.0|255.240.0.0|255.248.0.0|255.252.0.0|255.254.0.0|255.255.0.0||'
             || '255.255.128.0|255.255.192.0|255.255.224.0|255.255.240.0|255.255.248.0|255.255.252.0|255.255.254.0|255.255.255.0||'
             || '255.255.255.128|255.255.255.192|255.255.255.224|255.255.255.240|255.255.255.248|255.255.255.252|255.255.255.254|255.255.255.255|', '|' || netmask || '|')),
  -- Of the admin tag's or of external's address: the default route.
  gateway  TEXT
           CONSTRAINT "gateway: four numbers 0-255 without leading zeros joined by dots (192.0.2.1)"
           CHECK (instr(gateway, char(0)) = 0 AND gateway GLOB '?*.?*.?*.?*' AND gateway NOT GLOB '*[^0-9.]*' AND gateway NOT GLOB '*.*.*.*.*' AND gateway NOT GLOB '*..*' AND gateway NOT GLOB '*.'
             AND gateway NOT GLOB '0[0-9]*' AND gateway NOT GLOB '*.0[0-9]*' AND gateway NOT GLOB '*[3-9][0-9][0-9]*'
             AND gateway NOT GLOB '*2[6-9][0-9]*' AND gateway NOT GLOB '*25[6-9]*' AND gateway NOT GLOB '*[0-9][0-9][0-9][0-9]*'),
  vlan     INTEGER                      -- of a virtual NIC; the admin address is on the port itself, which ignores it
           CONSTRAINT "vlan: a number from 1 to 4094; NULL for none" CHECK (vlan BETWEEN 1 AND 4094),
  mtu      INTEGER                      -- of the port's tags and of its address
           CONSTRAINT "mtu: a number from 1500 to 9000; NULL for the driver's own" CHECK (mtu BETWEEN 1500 AND 9000),
  nic_tag  TEXT                         -- the network its address belongs to
           CONSTRAINT "nic_tag: letters, digits and _, 30 at most, for example admin or external"
           CHECK (length(CAST(nic_tag AS BLOB)) BETWEEN 1 AND 30 AND nic_tag NOT GLOB '*[^A-Za-z0-9_]*'
             AND instr(nic_tag, char(0)) = 0),
  -- The networks this port leads to: key nictags of networking.json.  One port of the host must have the admin tag.  Where
  -- two ports have the same, the later row counts; of an aggregation, one port's are enough.
  nic_tags_provided TEXT
           CONSTRAINT "nic_tags_provided: NIC tags joined by commas, no blanks (admin,external); each letters, digits and _, 30 at most"
           CHECK (length(CAST(nic_tags_provided AS BLOB)) BETWEEN 1 AND 500 AND instr(nic_tags_provided, char(0)) = 0
             AND nic_tags_provided NOT GLOB '*[^A-Za-z0-9_,]*' AND ',' || nic_tags_provided || ',' NOT GLOB '*,,*'
             AND nic_tags_provided NOT GLOB '*' || replace(hex(zeroblob(31)), '00', '[^,]') || '*'),
  aggr     TEXT                         -- the link aggregation this port is in: key aggregations
           CONSTRAINT "aggr: aggr and a number from 0 to 99 (aggr0), the same for each port of one aggregation"
           CHECK (instr(aggr, char(0)) = 0 AND (aggr GLOB 'aggr[0-9]' OR aggr GLOB 'aggr[1-9][0-9]')),
  CONSTRAINT "netmask: it goes with an IPv4 address in ip and that network's tag in nic_tag (admin); set all three at once"
    CHECK (netmask IS NULL OR ip IS NOT NULL AND ip NOT GLOB '*:*' AND nic_tag IS NOT NULL),
  CONSTRAINT "gateway, vlan: they go with an address; set ip, netmask and nic_tag at once, or these to NULL"
    CHECK (netmask IS NOT NULL OR gateway IS NULL AND vlan IS NULL)
) STRICT;

-- One address, however it is spelled.  The upsert that works for every spelling is INSERT ... ON CONFLICT DO UPDATE.
CREATE UNIQUE INDEX "mac: another NIC has this address, perhaps in another spelling; UPDATE that row, or DELETE it first"
  ON nic (substr(lower(replace(replace(replace(mac, ':', ''), '-', ''), '.', '')), -12));
CREATE INDEX nic_of_host ON nic (host);
CREATE INDEX nic_by_ip ON nic (ip) WHERE ip IS NOT NULL;

---------------------------------------------------------------------------------------------------------- profiles ---

CREATE TABLE profile (
  -- What many hosts share.  A profile inherits from its parent, and all in the end from `default`, which also serves
  -- machines that nobody has entered.
  id       INTEGER PRIMARY KEY AUTOINCREMENT CONSTRAINT "id: a positive number; leave the column out and one is chosen" CHECK (id > 0),
  name     TEXT NOT NULL UNIQUE
           CONSTRAINT "name: a profile's name is letters, digits, '.', '_' and '-', begins with a letter or digit, 63 at most"
           CHECK (length(CAST(name AS BLOB)) BETWEEN 1 AND 63 AND name NOT GLOB '*[^A-Za-z0-9._-]*'
             AND name GLOB '[A-Za-z0-9]*' AND instr(name, char(0)) = 0),
  parent   INTEGER DEFAULT 1 REFERENCES profile (id)
           CONSTRAINT "parent: only the profile default has none; leave the column out to inherit from default (a SELECT that finds no profile gives NULL)"
           CHECK (parent IS NOT NULL OR id = 1)
           CONSTRAINT "parent: the profile default inherits from nothing; leave its parent NULL" CHECK (parent IS NULL OR id <> 1),
  build    TEXT                         -- as host.build, for every host that has neither a build nor a channel
           CONSTRAINT "build: a build's name, YYYYMMDDThhmmssZ or <branch>-YYYYMMDDThhmmssZ, or NULL; pxectl builds lists them"
           CHECK (build GLOB '*[0-9][0-9][0-9][0-9][01][0-9][0-3][0-9]T[0-2][0-9][0-5][0-9][0-6][0-9]Z'
             AND (length(build) = 16 OR length(build) BETWEEN 18 AND 127 AND substr(build, -17, 1) = '-')
             AND build NOT GLOB '*[^A-Za-z0-9._+-]*' AND build GLOB '[A-Za-z0-9]*' AND instr(build, 'multiboot') = 0
             AND instr(build, char(0)) = 0
             AND build NOT GLOB '*00[0-9][0-9]T??????Z' AND build NOT GLOB '*1[3-9][0-9][0-9]T??????Z' AND build NOT GLOB '*00T??????Z'
             AND build NOT GLOB '*3[2-9]T??????Z' AND build NOT GLOB '*T2[4-9]????Z'),
  channel  INTEGER REFERENCES channel (id),
  comment  TEXT
           CONSTRAINT "comment: one line of at most 1000 bytes, no control characters"
           CHECK (comment NOT GLOB CAST(x'2a5b012d1f7f2dc29f5d2a' AS TEXT)
             AND instr(comment, char(0)) = 0 AND length(CAST(comment AS BLOB)) <= 1000),
  -- Unix time of the last change of this row or of a row that belongs to it; kept by triggers, never goes back.  What is
  -- made of these rows carries it as its time stamp.
  changed_at INTEGER NOT NULL DEFAULT (CAST(strftime('%s', 'now') AS INTEGER))
           CONSTRAINT "changed_at: seconds since 1970; leave the column out" CHECK (changed_at BETWEEN 0 AND 4294967295),
  CONSTRAINT "build, channel: give one of the two and set the other to NULL" CHECK (build IS NULL OR channel IS NULL)
) STRICT;

-- A UNIQUE index on an expression is named in the message, one on columns is not: hence these, beside the ones that
-- ON CONFLICT (...) finds.
CREATE UNIQUE INDEX "name: another profile has this name; UPDATE that profile, or choose another name" ON profile (name || '');
CREATE INDEX profile_by_parent ON profile (parent);
CREATE INDEX profile_by_channel ON profile (channel) WHERE channel IS NOT NULL;

CREATE TABLE profile_closure (
  -- Every profile with each one it inherits from, itself included.  Kept by triggers: never write here.  Rebuilt,
  -- should it ever have been damaged, by:
  --   DELETE FROM profile_closure; WITH RECURSIVE c (d, a, n) AS (SELECT id, id, 0 FROM profile UNION ALL
  --     SELECT d, parent, n + 1 FROM c JOIN profile ON id = a WHERE parent IS NOT NULL AND n < 20)
  --     INSERT INTO profile_closure SELECT d, a, n FROM c;
  descendant INTEGER NOT NULL,          -- profile.id
  ancestor   INTEGER NOT NULL,          -- profile.id
  depth      INTEGER NOT NULL,          -- steps from descendant up to ancestor; 0 for itself
  PRIMARY KEY (descendant, ancestor)
) STRICT, WITHOUT ROWID;
CREATE INDEX profile_closure_by_ancestor ON profile_closure (ancestor, descendant);

------------------------------------------------------------------------------------------------- what a host boots ---

CREATE TABLE channel (
  -- A name for "the build these hosts shall boot": promotion or rollback of all of them is one UPDATE.  Also a
  -- symlink below /smartos.
  id       INTEGER PRIMARY KEY AUTOINCREMENT CONSTRAINT "id: a positive number; leave the column out and one is chosen" CHECK (id > 0),
  name     TEXT NOT NULL UNIQUE
           CONSTRAINT "name: a channel's name is lower-case letters, digits and '-', begins with a letter, 63 at most"
           CHECK (length(CAST(name AS BLOB)) BETWEEN 1 AND 63 AND name NOT GLOB '*[^a-z0-9-]*' AND name GLOB '[a-z]*'
             AND instr(name, char(0)) = 0)
           CONSTRAINT "name: latest, platform, os and smartos are taken in /smartos; choose another, for example stable"
           CHECK (name NOT IN ('latest', 'platform', 'os', 'smartos')),
  build    TEXT                         -- NULL: the newest release build there is
           CONSTRAINT "build: a build's name, YYYYMMDDThhmmssZ or <branch>-YYYYMMDDThhmmssZ, or NULL; pxectl builds lists them"
           CHECK (build GLOB '*[0-9][0-9][0-9][0-9][01][0-9][0-3][0-9]T[0-2][0-9][0-5][0-9][0-6][0-9]Z'
             AND (length(build) = 16 OR length(build) BETWEEN 18 AND 127 AND substr(build, -17, 1) = '-')
             AND build NOT GLOB '*[^A-Za-z0-9._+-]*' AND build GLOB '[A-Za-z0-9]*' AND instr(build, 'multiboot') = 0
             AND instr(build, char(0)) = 0
             AND build NOT GLOB '*00[0-9][0-9]T??????Z' AND build NOT GLOB '*1[3-9][0-9][0-9]T??????Z' AND build NOT GLOB '*00T??????Z'
             AND build NOT GLOB '*3[2-9]T??????Z' AND build NOT GLOB '*T2[4-9]????Z'),
  -- A build to be tried on some of the channel's hosts.  A host is one of them if its bucket, a number from 0 to 99,
  -- is less than canary_percent.  The bucket depends on host.id and channel.id only, so raising the percentage adds
  -- hosts and never exchanges them:
  --   (((host.id & 16777215) + (channel.id & 255) * 65599) * 2654435761 % 4294967296) * 100 / 4294967296
  -- (Fibonacci hashing, Knuth, The Art of Computer Programming 6.4: neighbouring ids fall far apart).
  canary   TEXT
           CONSTRAINT "canary: a build's name, YYYYMMDDThhmmssZ or <branch>-YYYYMMDDThhmmssZ, or NULL; pxectl builds lists them"
           CHECK (canary GLOB '*[0-9][0-9][0-9][0-9][01][0-9][0-3][0-9]T[0-2][0-9][0-5][0-9][0-6][0-9]Z'
             AND (length(canary) = 16 OR length(canary) BETWEEN 18 AND 127 AND substr(canary, -17, 1) = '-')
             AND canary NOT GLOB '*[^A-Za-z0-9._+-]*' AND canary GLOB '[A-Za-z0-9]*' AND instr(canary, 'multiboot') = 0
             AND instr(canary, char(0)) = 0
             AND canary NOT GLOB '*00[0-9][0-9]T??????Z' AND canary NOT GLOB '*1[3-9][0-9][0-9]T??????Z' AND canary NOT GLOB '*00T??????Z'
             AND canary NOT GLOB '*3[2-9]T??????Z' AND canary NOT GLOB '*T2[4-9]????Z'),
  canary_percent INTEGER NOT NULL DEFAULT 0
           CONSTRAINT "canary_percent: a number from 0 to 100" CHECK (canary_percent BETWEEN 0 AND 100),
  comment  TEXT
           CONSTRAINT "comment: one line of at most 1000 bytes, no control characters"
           CHECK (comment NOT GLOB CAST(x'2a5b012d1f7f2dc29f5d2a' AS TEXT)
             AND instr(comment, char(0)) = 0 AND length(CAST(comment AS BLOB)) <= 1000),
  -- Unix time of the last change of this row or of a row that belongs to it; kept by triggers, never goes back.  What is
  -- made of these rows carries it as its time stamp.
  changed_at INTEGER NOT NULL DEFAULT (CAST(strftime('%s', 'now') AS INTEGER))
           CONSTRAINT "changed_at: seconds since 1970; leave the column out" CHECK (changed_at BETWEEN 0 AND 4294967295),
  CONSTRAINT "canary: name the build to be tried, or set canary_percent to 0" CHECK (canary IS NOT NULL OR canary_percent = 0)
) STRICT;

CREATE UNIQUE INDEX "name: another channel has this name; UPDATE channel SET build = ... WHERE name = ..." ON channel (name || '');

CREATE TABLE property (
  -- A boot property (what follows -B on the kernel line) of a profile or of a host, or, with a name that starts with
  -- '-', a kernel flag.  The nearest wins: the host's own, then its profile's, then the parent's.  known_property
  -- describes the known ones; any other name is passed on as it is.
  id       INTEGER PRIMARY KEY,
  profile  INTEGER REFERENCES profile (id),  -- one of these two
  host     INTEGER REFERENCES host (id),
  name     TEXT NOT NULL
           CONSTRAINT "name: a property is letters, digits, '_', '.' and '-' after a letter, 49 at most; a kernel flag is - and letters"
           CHECK (length(CAST(name AS BLOB)) BETWEEN 1 AND 49 AND instr(name, char(0)) = 0 AND CASE WHEN name GLOB '-*'
             THEN name GLOB '-?*' AND substr(name, 2) NOT GLOB '*[^A-Za-z]*'
             ELSE name GLOB '[A-Za-z]*' AND name NOT GLOB '*[^A-Za-z0-9_.-]*' END)
           -- The kernel's early console takes any word of - and letters with a B in it for the beginning of the properties.
           CONSTRAINT "name: no B in a flag: -B begins the list of properties and is written for you; give each property a row of its own"
           CHECK (name NOT GLOB '-*B*')
           CONSTRAINT "name: not with the word multiboot in it: the kernel's loader stops at it wherever it stands on the line"
           CHECK (instr(name, 'multiboot') = 0),
  -- Text, without any quotes of your own: quoting is done where it is needed.  NULL takes away what would be
  -- inherited.  A flag's value is '' or the word it takes (-m: 'milestone=none').  What follows refuses what no
  -- loader can carry: iPXE splits at blanks, knows no quotes and expands ${ (src/core/exec.c, src/core/settings.c of
  -- iPXE); the kernel knows quotes only around a whole value and no escapes (usr/src/uts/i86pc/os/fakebop.c of
  -- illumos-gate); mboot.c32 splits at ---.
  value    TEXT
           CONSTRAINT "value: one line, no control characters (tabs and line breaks end a loader's command)"
           CHECK (value NOT GLOB CAST(x'2a5b012d1f7f2dc29f5d2a' AS TEXT)
             AND instr(value, char(0)) = 0)
           CONSTRAINT "value: no blank at its beginning or end and no two blanks together, loaders drop them"
           CHECK (value NOT GLOB ' *' AND value NOT GLOB '* ' AND instr(value, '  ') = 0)
           CONSTRAINT "value: no ${ in it, iPXE would expand it; a crypt hash has $ but never ${"
           CHECK (instr(value, '${') = 0)
           CONSTRAINT "value: no word that begins with #, iPXE takes it and the rest of the line for a comment"
           CHECK (instr(' ' || value, ' #') = 0)
           CONSTRAINT "value: none of the words || && ; --- alone, loaders end a command or module there"
           CHECK (instr(' ' || value || ' ', ' || ') = 0 AND instr(' ' || value || ' ', ' && ') = 0
             AND instr(' ' || value || ' ', ' ; ') = 0 AND instr(' ' || value || ' ', ' --- ') = 0)
           CONSTRAINT "value: no \ at its end, iPXE would join the next line to it" CHECK (value NOT GLOB '*\')
           -- SmartOS' own scripts hand each value to a shell, as root (docs/decisions/033).
           CONSTRAINT "value: no quotes, no backtick and no $( in it: SmartOS' own scripts hand it to a shell as root"
           CHECK (value NOT GLOB '*[''"`]*' AND instr(value, '$(') = 0)
           CONSTRAINT "value: at most 1000 bytes" CHECK (length(CAST(value AS BLOB)) <= 1000)
           -- dboot looks for the word in the whole line and panics (i86pc/dboot/dboot_startkern.c).
           CONSTRAINT "value: not with the word multiboot in it: the kernel's loader stops at it wherever it stands on the line"
           CHECK (instr(value, 'multiboot') = 0),
  -- SmartOS writes it into /etc/shadow with sed "s|...|...|" (smartdc-config), and crypt's alphabet has none of its
  -- characters.  No "rounds=5000": sysinfo cuts
  -- the value at = (smartos-live, src/sysinfo), and the rest, no hash at all, would lock root out.
  CONSTRAINT "root_shadow: a crypt hash $id$salt$hash as openssl passwd -5 or -6 prints it, never the password; no & | \ or rounds="
    CHECK (name <> 'root_shadow' OR value GLOB '$[0-9a-z]*$?*$?*' AND value NOT GLOB '*[^A-Za-z0-9./$]*'),
  CONSTRAINT "host, profile: give exactly one of the two (a SELECT that finds nothing gives NULL: look at the name in it)"
    CHECK ((profile IS NULL) <> (host IS NULL))
) STRICT;
CREATE UNIQUE INDEX property_of_host ON property (host, name); -- INSERT ... ON CONFLICT (host, name) DO UPDATE SET ...
CREATE UNIQUE INDEX property_of_profile ON property (profile, name);

CREATE UNIQUE INDEX "name: this host or profile has this property already; UPDATE it, or INSERT ... ON CONFLICT (host, name) DO UPDATE SET value = excluded.value, or (profile, name)"
  ON property (ifnull(host, -profile), name);

CREATE TABLE known_property (
  -- The documentation of every boot option, queryable, and what values are checked by.  Add rows of your own freely.
  id       INTEGER PRIMARY KEY,
  name     TEXT NOT NULL UNIQUE         -- the property's or flag's name, or a GLOB pattern: '*_nic'
           CONSTRAINT "name: one line of at most 60 bytes: a property's name, -flag, or a GLOB pattern such as *_nic"
           CHECK (name NOT GLOB CAST(x'2a5b012d1f7f2dc29f5d2a' AS TEXT)
             AND instr(name, char(0)) = 0 AND length(CAST(name AS BLOB)) <= 60 AND length(name) > 0),
  -- bool true|false; console; ttymode "115200,8,n,1,-"; crypt a hash "$id$salt$hash"; hostname; ip an address or
  -- "dhcp"; uuid; nic a MAC or a link's name; number decimal, 0x or 0 octal; text anything; destructive as text, but
  -- refused unless the setting allow_destructive is 1; flag no value; word a flag that takes a word; derived made by
  -- the kernel: refused
  type     TEXT NOT NULL DEFAULT 'text'
           CONSTRAINT "type: bool, console, ttymode, crypt, hostname, ip, uuid, nic, number, text, destructive, flag, word or derived"
           CHECK (type IN ('bool', 'console', 'ttymode', 'crypt', 'hostname', 'ip', 'uuid', 'nic', 'number', 'text',
             'destructive', 'flag', 'word', 'derived')),
  meaning  TEXT NOT NULL DEFAULT ''
           CONSTRAINT "meaning: one line of at most 1000 bytes, no control characters" CHECK (meaning NOT GLOB CAST(x'2a5b012d1f7f2dc29f5d2a' AS TEXT)
             AND instr(meaning, char(0)) = 0 AND length(CAST(meaning AS BLOB)) <= 1000),
  source   TEXT NOT NULL DEFAULT ''     -- where that is written
           CONSTRAINT "source: one line of at most 1000 bytes, no control characters" CHECK (source NOT GLOB CAST(x'2a5b012d1f7f2dc29f5d2a' AS TEXT)
             AND instr(source, char(0)) = 0 AND length(CAST(source AS BLOB)) <= 1000),
  secret   INTEGER NOT NULL DEFAULT 0   -- 1: shown nowhere but in the host's own boot script; not kept in `change`
           CONSTRAINT "secret: 0 or 1" CHECK (secret IN (0, 1))
) STRICT;
CREATE INDEX known_property_secret ON known_property (name) WHERE secret = 1;

CREATE TABLE setting (
  -- How scripts look and behave, per profile.  The nearest profile wins; profile 1 (`default`), which is what you get
  -- when you leave the column out, is the global one, and NULL takes an inherited value back to the one that is built
  -- in.
  id       INTEGER PRIMARY KEY,
  profile  INTEGER NOT NULL DEFAULT 1 REFERENCES profile (id),
  key      TEXT NOT NULL,               -- known_setting.key
  value    TEXT
           CONSTRAINT "value: one line of at most 500 bytes, no control characters" CHECK (value NOT GLOB CAST(x'2a5b012d1f7f2dc29f5d2a' AS TEXT)
             AND instr(value, char(0)) = 0 AND length(CAST(value AS BLOB)) <= 500)
           CONSTRAINT "value: no blank at its beginning or end and no two blanks together, loaders drop them"
           CHECK (value NOT GLOB ' *' AND value NOT GLOB '* ' AND instr(value, '  ') = 0)
) STRICT;
CREATE UNIQUE INDEX setting_of_profile ON setting (profile, key);

CREATE UNIQUE INDEX "key: this profile has this setting already; UPDATE it, or INSERT ... ON CONFLICT (profile, key) DO UPDATE SET value = excluded.value"
  ON setting (profile, key || '');

CREATE TABLE known_setting (
  -- The settings there are.  The daemon's own defaults are the same: this is their documentation.
  id       INTEGER PRIMARY KEY,
  key      TEXT NOT NULL UNIQUE
           CONSTRAINT "key: lower-case letters, digits and _" CHECK (key GLOB '[a-z]*' AND key NOT GLOB '*[^a-z0-9_]*'),
  type     TEXT NOT NULL                -- url; choice (of choices); number (choices holds "lowest|highest"); text
           CONSTRAINT "type: url, choice, number or text" CHECK (type IN ('url', 'choice', 'number', 'text')),
  choices  TEXT
           CONSTRAINT "choices: one line, words joined by |" CHECK (choices NOT GLOB CAST(x'2a5b012d1f7f2dc29f5d2a' AS TEXT)
             AND instr(choices, char(0)) = 0 AND length(CAST(choices AS BLOB)) <= 200),
  built_in TEXT NOT NULL DEFAULT ''     -- what holds when no row says otherwise
           CONSTRAINT "built_in: one line of at most 500 bytes, no control characters" CHECK (built_in NOT GLOB CAST(x'2a5b012d1f7f2dc29f5d2a' AS TEXT)
             AND instr(built_in, char(0)) = 0 AND length(CAST(built_in AS BLOB)) <= 500),
  meaning  TEXT NOT NULL DEFAULT ''
           CONSTRAINT "meaning: one line of at most 1000 bytes, no control characters" CHECK (meaning NOT GLOB CAST(x'2a5b012d1f7f2dc29f5d2a' AS TEXT)
             AND instr(meaning, char(0)) = 0 AND length(CAST(meaning AS BLOB)) <= 1000)
) STRICT;

CREATE TABLE module (
  -- A file that is loaded beside the boot archive and appears below /system/boot of the booted system (answers.json,
  -- etc/system, ...; smartos-docs, modifying-boot-files).  Its hash is computed when it is served.  Machines that nobody
  -- has entered get none.  The row of a host comes before its profile's, a profile's before its parent's.
  --   INSERT INTO module (host, name, content) VALUES (17, 'etc/system', readfile('system'))
  --     ON CONFLICT (host, name) DO UPDATE SET content = excluded.content;
  id       INTEGER PRIMARY KEY,
  profile  INTEGER REFERENCES profile (id),  -- one of these two
  host     INTEGER REFERENCES host (id),
  name     TEXT NOT NULL
           CONSTRAINT "name: a relative path of letters, digits, '.', '_', '-' and single '/', no . or .. in it, 100 at most"
           CHECK (length(CAST(name AS BLOB)) BETWEEN 1 AND 100 AND instr(name, char(0)) = 0
             AND name NOT GLOB '*[^A-Za-z0-9._/-]*' AND '/' || name || '/' NOT GLOB '*/[./-]*' AND name NOT GLOB '*/')
           CONSTRAINT "name: what ends in .hash is computed from the module itself, leave it out"
           CHECK (name NOT GLOB '*.hash')
           CONSTRAINT "name: ramdisk is what boot_archive is called, and its hash would be compared with this file; choose another"
           CHECK (name <> 'ramdisk'),
  content  ANY                          -- text or BLOB; NULL takes away what would be inherited
           CONSTRAINT "content: text, or a BLOB as readfile('...') gives it, 1 byte to 64 KiB; NULL takes an inherited one away"
           CHECK (typeof(content) IN ('text', 'blob', 'null') AND ifnull(length(CAST(content AS BLOB)), 1) BETWEEN 1 AND 65536),
  secret   INTEGER NOT NULL DEFAULT 0   -- 1: never listed (answers.json holds a password)
           CONSTRAINT "secret: 0 or 1" CHECK (secret IN (0, 1)),
  CONSTRAINT "host, profile: give exactly one of the two (a SELECT that finds nothing gives NULL: look at the name in it)"
    CHECK ((profile IS NULL) <> (host IS NULL))
) STRICT;
CREATE UNIQUE INDEX module_of_host ON module (host, name); -- INSERT ... ON CONFLICT (host, name) DO UPDATE SET ...
CREATE UNIQUE INDEX module_of_profile ON module (profile, name);

CREATE TABLE answer (
  -- Answers for SmartOS' setup, so that a machine installs itself (smartos-docs, non-interactive-install): one row for
  -- each question that a profile or a host answers.  The machine gets them as the boot module answers.json, each by the
  -- nearest row: its own, then its profile's, then the parent's.  A module of that name takes the place of it.
  --   INSERT INTO answer (profile, key, value) VALUES (1, 'config_console', 'true'), (1, 'skip_instructions', 'true'),
  --     (1, 'skip_final_confirm', 'true'), (1, 'admin_ip', 'dhcp'), (1, 'headnode_default_gateway', 'none');
  --   INSERT INTO answer (host, key, value) VALUES (17, 'admin_nic', '52:54:00:2f:61:34')
  --     ON CONFLICT (host, key) DO UPDATE SET value = excluded.value;
  --   SELECT key, type, choices, meaning FROM known_answer;
  --   SELECT json FROM host_answers WHERE hostname = 'db1';
  id       INTEGER PRIMARY KEY,
  profile  INTEGER REFERENCES profile (id),  -- one of these two
  host     INTEGER REFERENCES host (id),
  key      TEXT NOT NULL,               -- known_answer.key
  value    TEXT                         -- NULL takes an inherited answer away, and setup asks
           CONSTRAINT "value: one line of 1 to 255 bytes, no control characters; NULL takes an inherited answer away"
           CHECK (value <> '' AND instr(value, char(0)) = 0 AND length(CAST(value AS BLOB)) <= 255
             AND value NOT GLOB CAST(x'2a5b012d1f7f2dc29f5d2a' AS TEXT)),
  CONSTRAINT "host, profile: give exactly one of the two (a SELECT that finds nothing gives NULL: look at the name in it)"
    CHECK ((profile IS NULL) <> (host IS NULL))
) STRICT;
CREATE UNIQUE INDEX answer_of_host ON answer (host, key); -- INSERT ... ON CONFLICT (host, key) DO UPDATE SET ...
CREATE UNIQUE INDEX answer_of_profile ON answer (profile, key);

CREATE TABLE known_answer (
  -- The questions there are.  Sources: smartos-live src/smartos_prompt_config.sh and its getanswer.
  id       INTEGER PRIMARY KEY,
  key      TEXT NOT NULL UNIQUE
           CONSTRAINT "key: lower-case letters, digits and _, 60 at most"
           CHECK (length(CAST(key AS BLOB)) BETWEEN 1 AND 60 AND key GLOB '[a-z]*' AND key NOT GLOB '*[^a-z0-9_]*'),
  -- bool true; mac six pairs joined by : (served in lower case, as setup compares them); ip four numbers, or one of
  -- choices; choice one of choices; name letters, digits, inner hyphens and dots; pool a pool's name; text anything
  type     TEXT NOT NULL
           CONSTRAINT "type: bool, mac, ip, choice, name, pool or text"
           CHECK (type IN ('bool', 'mac', 'ip', 'choice', 'name', 'pool', 'text')),
  choices  TEXT                         -- words joined by |
           CONSTRAINT "choices: one line of at most 200 bytes, words joined by |"
           CHECK (choices NOT GLOB CAST(x'2a5b012d1f7f2dc29f5d2a' AS TEXT) AND instr(choices, char(0)) = 0 AND length(CAST(choices AS BLOB)) <= 200),
  meaning  TEXT NOT NULL DEFAULT ''
           CONSTRAINT "meaning: one line of at most 1000 bytes, no control characters"
           CHECK (meaning NOT GLOB CAST(x'2a5b012d1f7f2dc29f5d2a' AS TEXT) AND instr(meaning, char(0)) = 0 AND length(CAST(meaning AS BLOB)) <= 1000),
  secret   INTEGER NOT NULL DEFAULT 0   -- 1: not kept in `change`
           CONSTRAINT "secret: 0 or 1" CHECK (secret IN (0, 1))
) STRICT;

CREATE TABLE network (
  -- What networking.json says beside the columns of nic: one row for a profile or a host.  Each column is taken from the
  -- nearest row in which it is not NULL, the host's before its profile's; '' takes an inherited value away.
  --   UPDATE nic SET ip = '192.0.2.7', netmask = '255.255.255.0', gateway = '192.0.2.1', nic_tag = 'admin',
  --     nic_tags_provided = 'admin,external' WHERE mac = '02-08-20-ab-cd-01';
  --   INSERT INTO network (profile, dns_domain, dns_resolver1) VALUES (1, 'example.com', '192.0.2.53');
  --   SELECT json FROM host_networking WHERE hostname = 'db1';
  -- The machine gets the file as the boot module networking.json, and so as /system/boot/networking.json, if one of its NICs
  -- has the admin tag in nic_tags_provided.  SmartOS then takes its network from that file alone: neither from boot
  -- properties nor from /usbkey/config.  A module of that name takes the place of it.
  -- Sources: who writes it is sdc-booter (lib/net-file.js), who reads it smartos-live src/node_modules/net-boot-config.js, by
  -- whose values net-physical (illumos-joyent usr/src/cmd/svc/milestone), nictagadm and sysinfo go.  A shell evaluates those
  -- values, hence the few characters.  Not here: nictag_rules and overlay_nic_tags_provided (Triton's overlay networks).
  id       INTEGER PRIMARY KEY,
  profile  INTEGER UNIQUE REFERENCES profile (id),  -- one of these two
  host     INTEGER UNIQUE REFERENCES host (id),
  admin_tag TEXT                        -- the tag of the network SmartOS manages the machine by; none: admin
           CONSTRAINT "admin_tag: letters, digits and _, 30 at most, or '' for admin"
           CHECK (length(CAST(admin_tag AS BLOB)) <= 30 AND admin_tag NOT GLOB '*[^A-Za-z0-9_]*' AND instr(admin_tag, char(0)) = 0),
  dns_domain TEXT                       -- searched; net-physical wants it and a resolver, or writes no resolv.conf
           CONSTRAINT "dns_domain: a domain of letters, digits, inner hyphens and dots, 253 at most, or '' for none"
           CHECK (dns_domain = '' OR instr(dns_domain, char(0)) = 0 AND (length(dns_domain) <= 253 AND dns_domain NOT GLOB '*[^A-Za-z0-9.-]*'
             AND '.' || dns_domain || '.' NOT GLOB '*.[.-]*' AND '.' || dns_domain || '.' NOT GLOB '*-.*')),
  dns_resolver1 TEXT
           CONSTRAINT "dns_resolver1: four numbers 0-255 joined by dots, or '' for none"
           CHECK (dns_resolver1 = '' OR instr(dns_resolver1, char(0)) = 0 AND (dns_resolver1 GLOB '?*.?*.?*.?*' AND dns_resolver1 NOT GLOB '*[^0-9.]*' AND dns_resolver1 NOT GLOB '*.*.*.*.*' AND dns_resolver1 NOT GLOB '*..*' AND dns_resolver1 NOT GLOB '*.'
             AND dns_resolver1 NOT GLOB '0[0-9]*' AND dns_resolver1 NOT GLOB '*.0[0-9]*' AND dns_resolver1 NOT GLOB '*[3-9][0-9][0-9]*'
             AND dns_resolver1 NOT GLOB '*2[6-9][0-9]*' AND dns_resolver1 NOT GLOB '*25[6-9]*' AND dns_resolver1 NOT GLOB '*[0-9][0-9][0-9][0-9]*')),
  dns_resolver2 TEXT
           CONSTRAINT "dns_resolver2: four numbers 0-255 joined by dots, or '' for none"
           CHECK (dns_resolver2 = '' OR instr(dns_resolver2, char(0)) = 0 AND (dns_resolver2 GLOB '?*.?*.?*.?*' AND dns_resolver2 NOT GLOB '*[^0-9.]*' AND dns_resolver2 NOT GLOB '*.*.*.*.*' AND dns_resolver2 NOT GLOB '*..*' AND dns_resolver2 NOT GLOB '*.'
             AND dns_resolver2 NOT GLOB '0[0-9]*' AND dns_resolver2 NOT GLOB '*.0[0-9]*' AND dns_resolver2 NOT GLOB '*[3-9][0-9][0-9]*'
             AND dns_resolver2 NOT GLOB '*2[6-9][0-9]*' AND dns_resolver2 NOT GLOB '*25[6-9]*' AND dns_resolver2 NOT GLOB '*[0-9][0-9][0-9][0-9]*')),
  dns_resolver3 TEXT
           CONSTRAINT "dns_resolver3: four numbers 0-255 joined by dots, or '' for none"
           CHECK (dns_resolver3 = '' OR instr(dns_resolver3, char(0)) = 0 AND (dns_resolver3 GLOB '?*.?*.?*.?*' AND dns_resolver3 NOT GLOB '*[^0-9.]*' AND dns_resolver3 NOT GLOB '*.*.*.*.*' AND dns_resolver3 NOT GLOB '*..*' AND dns_resolver3 NOT GLOB '*.'
             AND dns_resolver3 NOT GLOB '0[0-9]*' AND dns_resolver3 NOT GLOB '*.0[0-9]*' AND dns_resolver3 NOT GLOB '*[3-9][0-9][0-9]*'
             AND dns_resolver3 NOT GLOB '*2[6-9][0-9]*' AND dns_resolver3 NOT GLOB '*25[6-9]*' AND dns_resolver3 NOT GLOB '*[0-9][0-9][0-9][0-9]*')),
  etherstubs TEXT                       -- virtual switches to be made
           CONSTRAINT "etherstubs: names joined by commas, no blanks (stub0,stub1); each letters, digits and _ with a digit at its end, 31 at most; '' for none"
           CHECK (etherstubs = '' OR instr(etherstubs, char(0)) = 0 AND (length(etherstubs) <= 500 AND etherstubs NOT GLOB '*[^A-Za-z0-9_,]*'
             AND ',' || etherstubs NOT GLOB '*,[^A-Za-z]*' AND etherstubs || ',' NOT GLOB '*[^0-9],*'
             AND etherstubs NOT GLOB '*' || replace(hex(zeroblob(32)), '00', '[^,]') || '*')),
  lacp_mode TEXT                        -- of all aggregations (nic.aggr)
           CONSTRAINT "lacp_mode: off, active or passive, or '' to leave it out" CHECK (lacp_mode IN ('', 'off', 'active', 'passive')),
  CONSTRAINT "host, profile: give exactly one of the two (a SELECT that finds nothing gives NULL: look at the name in it)"
    CHECK ((profile IS NULL) <> (host IS NULL))
) STRICT;

CREATE TABLE route (
  -- Static routes of networking.json (key routes, given to route add); the default route is nic.gateway.  The row of a host
  -- comes before its profile's, a profile's before its parent's.
  --   INSERT INTO route (profile, destination, gateway) VALUES (1, '10.0.0.0/8', '192.0.2.254');
  id       INTEGER PRIMARY KEY,
  profile  INTEGER REFERENCES profile (id),  -- one of these two
  host     INTEGER REFERENCES host (id),
  destination TEXT NOT NULL
           CONSTRAINT "destination: an IPv4 address, or a network as address/bits with 0 to 32 bits (10.0.0.0/8)"
           CHECK (instr(destination, char(0)) = 0 AND (destination NOT GLOB '*/*' OR destination GLOB '*/[0-9]'
               OR destination GLOB '*/[12][0-9]' OR destination GLOB '*/3[0-2]') AND destination NOT GLOB '*/*/*'
             AND substr(destination, 1, instr(destination || '/', '/') - 1) GLOB '?*.?*.?*.?*' AND substr(destination, 1, instr(destination || '/', '/') - 1) NOT GLOB '*[^0-9.]*' AND substr(destination, 1, instr(destination || '/', '/') - 1) NOT GLOB '*.*.*.*.*' AND substr(destination, 1, instr(destination || '/', '/') - 1) NOT GLOB '*..*' AND substr(destination, 1, instr(destination || '/', '/') - 1) NOT GLOB '*.'
             AND substr(destination, 1, instr(destination || '/', '/') - 1) NOT GLOB '0[0-9]*' AND substr(destination, 1, instr(destination || '/', '/') - 1) NOT GLOB '*.0[0-9]*' AND substr(destination, 1, instr(destination || '/', '/') - 1) NOT GLOB '*[3-9][0-9][0-9]*'
             AND substr(destination, 1, instr(destination || '/', '/') - 1) NOT GLOB '*2[6-9][0-9]*' AND substr(destination, 1, instr(destination || '/', '/') - 1) NOT GLOB '*25[6-9]*' AND substr(destination, 1, instr(destination || '/', '/') - 1) NOT GLOB '*[0-9][0-9][0-9][0-9]*'),
  gateway  TEXT                         -- NULL takes away what would be inherited
           CONSTRAINT "gateway: four numbers 0-255 without leading zeros joined by dots (192.0.2.1); NULL takes an inherited route away"
           CHECK (instr(gateway, char(0)) = 0 AND gateway GLOB '?*.?*.?*.?*' AND gateway NOT GLOB '*[^0-9.]*' AND gateway NOT GLOB '*.*.*.*.*' AND gateway NOT GLOB '*..*' AND gateway NOT GLOB '*.'
             AND gateway NOT GLOB '0[0-9]*' AND gateway NOT GLOB '*.0[0-9]*' AND gateway NOT GLOB '*[3-9][0-9][0-9]*'
             AND gateway NOT GLOB '*2[6-9][0-9]*' AND gateway NOT GLOB '*25[6-9]*' AND gateway NOT GLOB '*[0-9][0-9][0-9][0-9]*'),
  CONSTRAINT "host, profile: give exactly one of the two (a SELECT that finds nothing gives NULL: look at the name in it)"
    CHECK ((profile IS NULL) <> (host IS NULL))
) STRICT;
CREATE UNIQUE INDEX route_of_host ON route (host, destination); -- INSERT ... ON CONFLICT (host, destination) DO UPDATE SET ...
CREATE UNIQUE INDEX route_of_profile ON route (profile, destination);

CREATE TABLE menu_item (
  -- A further entry of the boot menu: an installer, memtest, another iPXE script.
  --   INSERT INTO menu_item (key, label, body) VALUES ('memtest', 'Memory test', 'chain memtest.efi');
  id       INTEGER PRIMARY KEY,
  profile  INTEGER NOT NULL DEFAULT 1 REFERENCES profile (id),
  key      TEXT NOT NULL                -- the label in the script is item-<key>, so no key can hide one of ours
           CONSTRAINT "key: lower-case letters, digits, '_' and '-', begins with a letter, 30 at most"
           CHECK (length(CAST(key AS BLOB)) BETWEEN 1 AND 30 AND key GLOB '[a-z]*' AND key NOT GLOB '*[^a-z0-9_-]*'
             AND instr(key, char(0)) = 0),
  label    TEXT NOT NULL                -- what the menu shows
           CONSTRAINT "label: one line of 1 to 70 bytes, no control characters" CHECK (label NOT GLOB CAST(x'2a5b012d1f7f2dc29f5d2a' AS TEXT)
             AND instr(label, char(0)) = 0 AND length(CAST(label AS BLOB)) <= 70 AND length(label) > 0)
           CONSTRAINT "label: no ${, no word that begins with # or is || && ; and no \ at its end, iPXE would act on it"
           CHECK (instr(label, '${') = 0 AND instr(' ' || label, ' #') = 0 AND instr(' ' || label || ' ', ' || ') = 0
             AND instr(' ' || label || ' ', ' && ') = 0 AND instr(' ' || label || ' ', ' ; ') = 0 AND label NOT GLOB '*\'),
  -- iPXE commands, one a line, used as they are: this is the one column where what you write is executed.  A line
  -- that fails leads back to the menu.  NULL takes away what would be inherited.
  body     TEXT
           CONSTRAINT "body: lines of iPXE commands, no control characters but line breaks and tabs, at most 8000 bytes"
           CHECK (length(CAST(body AS BLOB)) <= 8000 AND instr(body, char(0)) = 0
             AND replace(replace(body, char(10), ''), char(9), '')
               NOT GLOB CAST(x'2a5b012d1f7f2dc29f5d2a' AS TEXT)),
  position INTEGER NOT NULL DEFAULT 100,  -- lower stands higher
  CONSTRAINT "body: no \ at its end, iPXE would join the menu's next line to it"
    CHECK (rtrim(body, char(10) || char(9) || ' ') NOT GLOB '*\'),
  CONSTRAINT "body: a label in it begins with :item-<key>-, as in :item-memtest-again, so that it hides none of the menu's"
    CHECK (length(replace(char(10) || replace(replace(body, ' ', ''), char(9), ''), char(10) || ':item-' || key || '-', ''))
      = length(replace(char(10) || replace(replace(body, ' ', ''), char(9), ''), char(10) || ':', char(10)))
        - (length(char(10) || replace(replace(body, ' ', ''), char(9), ''))
          - length(replace(char(10) || replace(replace(body, ' ', ''), char(9), ''), char(10) || ':', char(10))))
          * (length(key) + 7))
) STRICT;
CREATE UNIQUE INDEX menu_item_of_profile ON menu_item (profile, key);

----------------------------------------------------------------------------------------------------- who changed what ---

CREATE TABLE change (
  -- Every change of every row, written by triggers.  Delete old rows when you like:
  --   DELETE FROM change WHERE at < '2026-01-01';
  -- And read them:
  --   SELECT at, actor, name, tab, op, old, new FROM change WHERE at > strftime('%Y-%m-%dT%H:%M', 'now', '-1 day');
  id       INTEGER PRIMARY KEY AUTOINCREMENT,
  at       TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),  -- UTC; the same in all rows of one statement
  actor    TEXT,                        -- what the table actor said then; NULL if nothing
  -- Rows of one number are of one transaction.  NULL if no actor was set: SQL cannot see where a transaction begins, and
  -- then rows with one `at` are of one statement.
  txn      INTEGER,
  tab      TEXT NOT NULL,               -- table
  row      INTEGER NOT NULL,            -- its id
  name     TEXT,                        -- whose row it is, as it was called then: host db1, profile rack7, channel stable
  op       TEXT NOT NULL,               -- insert, update, delete; replace: removed by INSERT OR REPLACE, the insert follows
  -- The columns as an UPDATE wants them after SET, so that old takes a change back.  Secrets and contents of modules are
  -- not kept: <secret> and <17 bytes> stand there, which no UPDATE takes.
  old      TEXT,
  new      TEXT
) STRICT;

CREATE INDEX change_by_row ON change (tab, row);
CREATE INDEX change_by_time ON change (at);

CREATE TABLE actor (
  -- Who is to be noted in `change`.  Set it inside your transaction and set it back to NULL before COMMIT (pxectl
  -- does): nobody else can write meanwhile, so nobody else's change gets your name.
  --   BEGIN IMMEDIATE; UPDATE actor SET name = 'alice'; UPDATE host SET enabled = 0 WHERE hostname = 'db1';
  --   UPDATE actor SET name = NULL; COMMIT;
  id       INTEGER PRIMARY KEY CONSTRAINT "id: this table has one row: UPDATE actor SET name = ..." CHECK (id = 1),
  name     TEXT
           CONSTRAINT "name: one line of at most 100 bytes, no control characters" CHECK (name NOT GLOB CAST(x'2a5b012d1f7f2dc29f5d2a' AS TEXT)
             AND instr(name, char(0)) = 0 AND length(CAST(name AS BLOB)) <= 100),
  last_txn INTEGER NOT NULL DEFAULT 0,  -- counted by a trigger whenever a name is set
  txn      INTEGER GENERATED ALWAYS AS (CASE WHEN name IS NOT NULL THEN last_txn END)
) STRICT;
INSERT INTO actor (id) VALUES (1);

CREATE TRIGGER actor_begins AFTER UPDATE OF name ON actor WHEN new.name IS NOT NULL BEGIN
  UPDATE actor SET last_txn = last_txn + 1;
END;
CREATE TRIGGER actor_stays BEFORE DELETE ON actor BEGIN
  SELECT RAISE(ABORT, 'actor: this row stays: UPDATE actor SET name = NULL');
END;

CREATE TABLE change_replaced (
  -- Working space of the triggers: the rows an INSERT would replace.  REPLACE runs no DELETE trigger unless
  -- recursive_triggers is on, so a BEFORE INSERT trigger notes them here and the AFTER INSERT trigger, which runs
  -- only if the row came in, writes them to `change`.
  tab      TEXT NOT NULL,
  row      INTEGER NOT NULL,
  name     TEXT,
  old      TEXT
) STRICT;

-------------------------------------------------------------------------------------------------- the profile closure ---

CREATE TRIGGER profile_closure_insert AFTER INSERT ON profile BEGIN
  SELECT RAISE(ABORT, 'parent: a profile cannot inherit from itself or from one that inherits from it; choose a parent higher up')
    WHERE new.parent = new.id
    OR EXISTS (SELECT 1 FROM profile_closure WHERE descendant = new.parent AND ancestor = new.id);
  -- INSERT OR REPLACE of the same id: the row it replaced may have stood elsewhere, with children.
  DELETE FROM profile_closure
    WHERE descendant IN (SELECT descendant FROM profile_closure WHERE ancestor = new.id)
    AND ancestor IN (SELECT ancestor FROM profile_closure WHERE descendant = new.id AND depth > 0);
  INSERT INTO profile_closure SELECT new.id, new.id, 0
    WHERE NOT EXISTS (SELECT 1 FROM profile_closure WHERE descendant = new.id AND ancestor = new.id);
  INSERT INTO profile_closure SELECT d.descendant, a.ancestor, d.depth + 1 + a.depth
    FROM profile_closure a CROSS JOIN profile_closure d WHERE a.descendant = new.parent AND d.ancestor = new.id;
  SELECT RAISE(ABORT, 'parent: profiles inherit over at most 20 steps; choose a parent higher up')
    WHERE EXISTS (SELECT 1 FROM profile_closure d JOIN profile_closure a ON a.descendant = d.descendant
      WHERE d.ancestor = new.id AND a.depth > 20);
END;
CREATE TRIGGER profile_closure_update AFTER UPDATE OF parent ON profile WHEN old.parent IS NOT new.parent BEGIN
  SELECT RAISE(ABORT, 'parent: a profile cannot inherit from itself or from one that inherits from it; choose a parent higher up')
    WHERE EXISTS (SELECT 1 FROM profile_closure WHERE descendant = new.parent AND ancestor = new.id);
  DELETE FROM profile_closure
    WHERE descendant IN (SELECT descendant FROM profile_closure WHERE ancestor = new.id)
    AND ancestor IN (SELECT ancestor FROM profile_closure WHERE descendant = new.id AND depth > 0);
  INSERT INTO profile_closure SELECT d.descendant, a.ancestor, d.depth + 1 + a.depth
    FROM profile_closure a CROSS JOIN profile_closure d WHERE a.descendant = new.parent AND d.ancestor = new.id;
  SELECT RAISE(ABORT, 'parent: profiles inherit over at most 20 steps; choose a parent higher up')
    WHERE EXISTS (SELECT 1 FROM profile_closure d JOIN profile_closure a ON a.descendant = d.descendant
      WHERE d.ancestor = new.id AND a.depth > 20);
END;
CREATE TRIGGER profile_closure_delete AFTER DELETE ON profile BEGIN
  DELETE FROM profile_closure WHERE descendant = old.id OR ancestor = old.id;
END;

------------------------------------------------------------------------------------------------------- what stays, what goes ---
-- Sentences are fixed: RAISE takes no computed text before SQLite 3.47, and nothing here may need a function that SQLite
-- refuses in a schema it does not trust (PRAGMA trusted_schema = OFF, the default of some builds).

CREATE TRIGGER profile_default_stays BEFORE UPDATE OF name ON profile WHEN old.id = 1 AND new.name <> 'default' BEGIN
  SELECT RAISE(ABORT, 'name: the profile default keeps its name; INSERT INTO profile (name) VALUES (...) makes another');
END;

CREATE TRIGGER profile_before_delete BEFORE DELETE ON profile BEGIN
  SELECT CASE
    WHEN old.id = 1 THEN RAISE(ABORT, 'profile: default stays, every other profile and every unknown machine inherits from it')
    WHEN EXISTS (SELECT 1 FROM host WHERE profile = old.id)
      THEN RAISE(ABORT, 'profile: hosts use it (SELECT hostname FROM host WHERE profile = its id); write first: UPDATE host SET profile = 1 WHERE profile = its id')
    WHEN EXISTS (SELECT 1 FROM profile WHERE parent = old.id)
      THEN RAISE(ABORT, 'profile: others inherit from it (SELECT name FROM profile WHERE parent = its id); write first: UPDATE profile SET parent = 1 WHERE parent = its id')
    END;
  DELETE FROM property WHERE profile = old.id;
  DELETE FROM setting WHERE profile = old.id;
  DELETE FROM module WHERE profile = old.id;
  DELETE FROM answer WHERE profile = old.id;
  DELETE FROM network WHERE profile = old.id;
  DELETE FROM route WHERE profile = old.id;
  DELETE FROM menu_item WHERE profile = old.id;
END;
CREATE TRIGGER channel_before_delete BEFORE DELETE ON channel BEGIN
  SELECT CASE
    WHEN EXISTS (SELECT 1 FROM host WHERE channel = old.id)
      THEN RAISE(ABORT, 'channel: hosts follow it (SELECT hostname FROM host WHERE channel = its id); write first: UPDATE host SET channel = NULL WHERE channel = its id')
    WHEN EXISTS (SELECT 1 FROM profile WHERE channel = old.id)
      THEN RAISE(ABORT, 'channel: profiles follow it (SELECT name FROM profile WHERE channel = its id); write first: UPDATE profile SET channel = NULL WHERE channel = its id')
    END;
END;
CREATE TRIGGER known_setting_before_delete BEFORE DELETE ON known_setting BEGIN
  SELECT RAISE(ABORT, 'known_setting: it has values; write first: DELETE FROM setting WHERE key = ...')
    WHERE EXISTS (SELECT 1 FROM setting WHERE key = old.key);
END;
CREATE TRIGGER known_answer_before_delete BEFORE DELETE ON known_answer BEGIN
  SELECT RAISE(ABORT, 'known_answer: it has values; write first: DELETE FROM answer WHERE key = ...')
    WHERE EXISTS (SELECT 1 FROM answer WHERE key = old.key);
END;
-- What belongs to a host goes with it; before it, so that the log can tell whose it was.
CREATE TRIGGER host_before_delete BEFORE DELETE ON host BEGIN
  DELETE FROM nic WHERE host = old.id;
  DELETE FROM property WHERE host = old.id;
  DELETE FROM module WHERE host = old.id;
  DELETE FROM answer WHERE host = old.id;
  DELETE FROM network WHERE host = old.id;
  DELETE FROM route WHERE host = old.id;
END;

---------------------------------------------------------------------------------------------------------- typed values ---

-- The first row of known_property that fits the name decides, an exact name before a pattern.
-- A view that holds no row: what would be written there is judged by its trigger, for INSERT and UPDATE alike.
CREATE VIEW property_check AS SELECT profile, host, name, value FROM property WHERE 0;
CREATE TRIGGER property_check_insert INSTEAD OF INSERT ON property_check BEGIN
  SELECT CASE type
    WHEN 'bool' THEN CASE WHEN new.value NOT IN ('true', 'false')
      THEN RAISE(ABORT, 'value: this property is true or false; NULL takes it away (for smartos, false still counts as set)') END
    WHEN 'console' THEN CASE WHEN new.value NOT IN ('text', 'graphics', 'ttya', 'ttyb', 'ttyc', 'ttyd')
      THEN RAISE(ABORT, 'value: console is text, graphics, ttya, ttyb, ttyc or ttyd') END
    WHEN 'ttymode' THEN CASE WHEN new.value NOT GLOB '[1-9]*,[5-8],[neoms],[12],[-hs]'
        OR substr(new.value, 1, length(new.value) - 8) GLOB '*[^0-9]*'
      THEN RAISE(ABORT, 'value: a line mode is speed,bits,parity,stop bits,handshake, for example 115200,8,n,1,- without quotes') END
    WHEN 'crypt' THEN CASE WHEN new.value NOT GLOB '$[0-9a-z]*$?*$?*' OR new.value GLOB '*[^A-Za-z0-9./$]*'
      THEN RAISE(ABORT, 'value: a crypt hash $id$salt$hash as openssl passwd -5 or -6 prints it, never the password; no & | \ or rounds=') END
    WHEN 'hostname' THEN CASE WHEN new.value = '' OR new.value GLOB '*[^A-Za-z0-9.-]*' OR '.' || new.value || '.' GLOB '*.[.-]*' OR '.' || new.value || '.' GLOB '*-.*'
        OR length(new.value) > 253
      THEN RAISE(ABORT, 'value: a host name is letters, digits and inner hyphens, labels joined by dots (RFC 1123)') END
    WHEN 'ip' THEN CASE WHEN new.value <> 'dhcp' AND (new.value GLOB '*[^0-9A-Fa-f.:]*' OR
        (new.value NOT GLOB '[0-9]*.[0-9]*.[0-9]*.[0-9]*' AND new.value NOT GLOB '*:*:*'))
      THEN RAISE(ABORT, 'value: an address (192.0.2.7 or 2001:db8::7, no /prefix) or the word dhcp') END
    WHEN 'uuid' THEN CASE WHEN new.value NOT GLOB '????????-????-????-????-????????????' OR length(replace(new.value, '-', '')) <> 32
        OR replace(new.value, '-', '') GLOB '*[^0-9A-Fa-f]*'
      THEN RAISE(ABORT, 'value: a UUID is 32 hex digits as 8-4-4-4-12') END
    WHEN 'nic' THEN CASE WHEN new.value = '' OR new.value GLOB '*[^A-Za-z0-9_:.-]*'
      THEN RAISE(ABORT, 'value: a MAC address (02:08:20:ab:cd:01) or the name of a link (aggr0)') END
    WHEN 'number' THEN CASE WHEN NOT (new.value GLOB '[0-9]*' AND new.value NOT GLOB '*[^0-9]*'
        OR new.value GLOB '0x[0-9A-Fa-f]*' AND substr(new.value, 3) NOT GLOB '*[^0-9A-Fa-f]*')
      THEN RAISE(ABORT, 'value: a number: decimal, 0x and hex digits, or 0 and octal digits') END
    WHEN 'flag' THEN CASE WHEN new.value NOT IN ('', 'true')
      THEN RAISE(ABORT, 'value: this flag takes no word; write '''' to give the flag, NULL to take it away') END
    WHEN 'word' THEN CASE WHEN new.value = '' OR instr(new.value, ' ')
      THEN RAISE(ABORT, 'value: this flag takes one word, for example -m milestone=none; NULL takes it away') END
    WHEN 'derived' THEN RAISE(ABORT, 'name: the kernel makes this property itself; leave it out')
    WHEN 'destructive' THEN CASE WHEN '1' IS NOT (
        SELECT s.value FROM profile_closure c JOIN setting s ON s.profile = c.ancestor AND s.key = 'allow_destructive'
        WHERE c.descendant = coalesce(new.profile, (SELECT profile FROM host WHERE id = new.host)) ORDER BY c.depth LIMIT 1)
      THEN RAISE(ABORT, 'name: this destroys data at the next boot; if you mean it: INSERT INTO setting (profile, key, value) VALUES (<its profile>, ''allow_destructive'', ''1'')') END
    END FROM (SELECT type FROM known_property WHERE new.name GLOB name ORDER BY name = new.name DESC, length(name) DESC LIMIT 1);
  SELECT RAISE(ABORT, 'value: a kernel flag takes at most one word without a comma; write '''' to give the flag, NULL to take it away')
    WHERE new.name GLOB '-*' AND (instr(new.value, ' ') OR instr(new.value, ',') OR instr(new.value, '"') OR instr(new.value, ''''));
END;
-- A base URL is written in front of /smartos/...: the kernel cuts its own path at the first /platform/ (fakebop.c), and only ${next-server}
-- is known to iPXE whatever booted it.
CREATE VIEW setting_check AS SELECT profile, key, value FROM setting WHERE 0;
CREATE TRIGGER setting_check_insert INSTEAD OF INSERT ON setting_check BEGIN
  SELECT RAISE(ABORT, 'key: there is no such setting. SELECT key, type, choices, meaning FROM known_setting lists those there are')
    WHERE NOT EXISTS (SELECT 1 FROM known_setting WHERE key = new.key);
  SELECT CASE
    WHEN type = 'url' AND new.value NOT GLOB 'http://?*' AND new.value NOT GLOB 'https://?*' AND new.value NOT GLOB 'tftp://?*'
      THEN RAISE(ABORT, 'value: a base URL begins with http://, https:// or tftp://, for example http://192.0.2.1/tftpboot')
    WHEN type = 'url' AND new.value || '/' GLOB '*/platform/*'
      THEN RAISE(ABORT, 'value: no /platform/ in a base URL, the kernel would look for its files there and panic; rename that directory')
    WHEN type = 'url' AND instr(replace(new.value, '${next-server}', ''), '$')
      THEN RAISE(ABORT, 'value: the only variable in a base URL is ${next-server}')
    WHEN type = 'url' AND replace(new.value, '${next-server}', '') GLOB '*[^]A-Za-z0-9._~/:+=,@[-]*'
      THEN RAISE(ABORT, 'value: a base URL has letters, digits and ._~/:+=,@[]- only: no blanks, no ? or #')
    WHEN type = 'url' AND new.value GLOB '*://' OR type = 'url' AND new.value GLOB '*:///*'
      THEN RAISE(ABORT, 'value: the base URL names no server, for example http://192.0.2.1/tftpboot')
    WHEN type = 'url' AND instr(new.value, 'multiboot')
      THEN RAISE(ABORT, 'value: no multiboot in a base URL: the kernel''s loader stops at that word wherever it stands on the line')
    WHEN type = 'choice' AND instr('|' || choices || '|', '|' || new.value || '|') = 0
      THEN RAISE(ABORT, 'value: not one of the words for this setting. SELECT key, choices FROM known_setting lists them')
    WHEN type = 'number' AND (new.value = '' OR new.value GLOB '*[^0-9]*' OR length(new.value) > 9
        OR new.value + 0 NOT BETWEEN substr(choices, 1, instr(choices, '|') - 1) + 0 AND substr(choices, instr(choices, '|') + 1) + 0)
      THEN RAISE(ABORT, 'value: not a number in the range for this setting. SELECT key, choices FROM known_setting tells it')
    WHEN type = 'text' AND (instr(new.value, '${') OR instr(' ' || new.value, ' #') OR instr(' ' || new.value || ' ', ' || ')
        OR instr(' ' || new.value || ' ', ' && ') OR instr(' ' || new.value || ' ', ' ; ') OR new.value GLOB '*\')
      THEN RAISE(ABORT, 'value: no ${, no word that begins with # or is || && ; and no \ at its end, iPXE would act on it')
    END FROM known_setting WHERE key = new.key AND new.value IS NOT NULL;
  SELECT RAISE(ABORT, 'unknown_host: unknown machines have the profile default only; leave the column profile out')
    WHERE new.key = 'unknown_host' AND new.profile <> 1;
END;
CREATE VIEW answer_check AS SELECT key, value FROM answer WHERE 0;
CREATE TRIGGER answer_check_insert INSTEAD OF INSERT ON answer_check BEGIN
  SELECT RAISE(ABORT, 'key: there is no such answer. SELECT key, type, choices, meaning FROM known_answer lists those there are')
    WHERE NOT EXISTS (SELECT 1 FROM known_answer WHERE key = new.key);
  SELECT CASE
    WHEN instr('|' || choices || '|', '|' || new.value || '|') AND instr(new.value, '|') = 0 THEN NULL
    WHEN type = 'bool' AND new.value <> 'true'
      THEN RAISE(ABORT, 'value: this answer is true; NULL takes it away')
    WHEN type = 'choice'
      THEN RAISE(ABORT, 'value: not one of the words for this answer. SELECT key, choices FROM known_answer lists them')
    WHEN type = 'mac' AND (new.value NOT GLOB '??:??:??:??:??:??' OR replace(new.value, ':', '') GLOB '*[^0-9A-Fa-f]*'
        OR length(replace(new.value, ':', '')) <> 12)
      THEN RAISE(ABORT, 'value: six pairs of hex digits joined by :, for example 52:54:00:2f:61:34')
    WHEN type = 'ip' AND NOT (new.value GLOB '[0-9]*.[0-9]*.[0-9]*.[0-9]*' AND new.value NOT GLOB '*[^0-9.]*' AND length(new.value) BETWEEN 7 AND 15
        AND length(new.value) - length(replace(new.value, '.', '')) = 3 AND new.value NOT GLOB '*..*' AND '.' || new.value || '.' NOT GLOB '*.0[0-9]*'
        AND new.value NOT GLOB '*[0-9][0-9][0-9][0-9]*' AND '.' || new.value || '.' NOT GLOB '*.[3-9][0-9][0-9].*'
        AND '.' || new.value || '.' NOT GLOB '*.2[6-9][0-9].*' AND '.' || new.value || '.' NOT GLOB '*.25[6-9].*')
      THEN RAISE(ABORT, 'value: four numbers 0-255 joined by dots (192.0.2.7), no /prefix, or the words that SELECT key, choices FROM known_answer lists')
    WHEN type = 'name' AND (new.value GLOB '*[^A-Za-z0-9.-]*' OR '.' || new.value || '.' GLOB '*.[.-]*' OR '.' || new.value || '.' GLOB '*-.*'
        OR length(new.value) > 253)
      THEN RAISE(ABORT, 'value: a name of letters, digits, inner hyphens and dots, 253 at most')
    WHEN type = 'pool' AND (new.value GLOB '*[^A-Za-z0-9_.:-]*' OR new.value NOT GLOB '[a-zA-Z]*')
      THEN RAISE(ABORT, 'value: a pool''s name, or the words that SELECT key, choices FROM known_answer lists')
    END FROM known_answer WHERE key = new.key AND new.value IS NOT NULL;
END;

------------------------------------------------------------------------------- references, the log, when it changed last ---
-- A host's script depends on its own rows, on those of its profile and of each profile it inherits from, and on its
-- channel: the highest changed_at of these is the time of the last change that can have altered it.  Machines that nobody
-- has entered have the profile `default`, which is therefore touched when a MAC leaves the inventory.

CREATE TRIGGER change_is_history BEFORE UPDATE ON change BEGIN
  SELECT RAISE(ABORT, 'change: history is not edited; DELETE FROM change WHERE at < ... to trim it');
END;

-- Written by schema/triggers.py from here ------------------------------------------------------------------------------
CREATE TRIGGER host_before_insert BEFORE INSERT ON host BEGIN
  SELECT CASE
    WHEN NOT EXISTS (SELECT 1 FROM profile WHERE id = new.profile)
      THEN RAISE(ABORT, 'profile: no such profile. Write (SELECT id FROM profile WHERE name = ''default'') with a name that SELECT name FROM profile lists')
    WHEN new.channel IS NOT NULL AND NOT EXISTS (SELECT 1 FROM channel WHERE id = new.channel)
      THEN RAISE(ABORT, 'channel: no such channel. Write (SELECT id FROM channel WHERE name = ''stable'') with a name that SELECT name FROM channel lists')
    END;
  DELETE FROM change_replaced;
  INSERT INTO change_replaced SELECT 'host', host.id, 'host ' || host.hostname,
    printf('hostname = %Q, uuid = %Q, serial = %Q, profile = %d, build = %Q, channel = %s, comment = %Q, enabled = %d',
      host.hostname, host.uuid, host.serial, host.profile, host.build, ifnull(host.channel, 'NULL'), host.comment, host.enabled)
    FROM (SELECT new.id AS i UNION ALL SELECT id FROM host WHERE hostname = new.hostname AND id <> new.id)
    CROSS JOIN host ON host.id = i;
END;

CREATE TRIGGER host_insert AFTER INSERT ON host BEGIN
  SELECT RAISE(ABORT, 'hostname: INSERT OR REPLACE would give this host another id; write INSERT ... ON CONFLICT (hostname) DO UPDATE SET ..., or UPDATE')
    FROM change_replaced WHERE row <> new.id;
  INSERT INTO change (actor, txn, tab, row, name, op, old)
    SELECT actor.name, actor.txn, tab, row, r.name, 'replace', old FROM change_replaced r CROSS JOIN actor WHERE tab = 'host';
  DELETE FROM change_replaced;
  INSERT INTO change (actor, txn, tab, row, name, op, new)
    SELECT actor.name, actor.txn, 'host', new.id, 'host ' || new.hostname, 'insert',
      printf('hostname = %Q, uuid = %Q, serial = %Q, profile = %d, build = %Q, channel = %s, comment = %Q, enabled = %d',
      new.hostname, new.uuid, new.serial, new.profile, new.build, ifnull(new.channel, 'NULL'), new.comment, new.enabled)
    FROM actor;
END;

CREATE TRIGGER host_before_update BEFORE UPDATE OF id, hostname ON host BEGIN
  SELECT CASE
    WHEN new.id IS NOT old.id
      THEN RAISE(ABORT, 'id: it never changes, for it says in `change` which row was meant; DELETE and INSERT make another')
    WHEN EXISTS (SELECT 1 FROM host o WHERE o.hostname = new.hostname AND o.id <> old.id)
      THEN RAISE(ABORT, 'hostname: another host has this name (case does not matter); choose another, or rename that one first')
    END;
END;
CREATE TRIGGER host_before_move BEFORE UPDATE OF profile, channel ON host BEGIN
  SELECT CASE
    WHEN NOT EXISTS (SELECT 1 FROM profile WHERE id = new.profile)
      THEN RAISE(ABORT, 'profile: no such profile. Write (SELECT id FROM profile WHERE name = ''default'') with a name that SELECT name FROM profile lists')
    WHEN new.channel IS NOT NULL AND NOT EXISTS (SELECT 1 FROM channel WHERE id = new.channel)
      THEN RAISE(ABORT, 'channel: no such channel. Write (SELECT id FROM channel WHERE name = ''stable'') with a name that SELECT name FROM channel lists')
    END;
END;

CREATE TRIGGER host_update AFTER UPDATE OF hostname, uuid, serial, profile, build, channel, comment, enabled ON host WHEN old.hostname COLLATE BINARY IS NOT new.hostname OR old.uuid COLLATE BINARY IS NOT new.uuid OR old.serial IS NOT new.serial OR old.profile IS NOT new.profile OR old.build IS NOT new.build OR old.channel IS NOT new.channel OR old.comment IS NOT new.comment OR old.enabled IS NOT new.enabled BEGIN
  INSERT INTO change (actor, txn, tab, row, name, op, old, new)
    SELECT actor.name, actor.txn, 'host', new.id, 'host ' || new.hostname, 'update',
      printf('hostname = %Q, uuid = %Q, serial = %Q, profile = %d, build = %Q, channel = %s, comment = %Q, enabled = %d',
      old.hostname, old.uuid, old.serial, old.profile, old.build, ifnull(old.channel, 'NULL'), old.comment, old.enabled),
      printf('hostname = %Q, uuid = %Q, serial = %Q, profile = %d, build = %Q, channel = %s, comment = %Q, enabled = %d',
      new.hostname, new.uuid, new.serial, new.profile, new.build, ifnull(new.channel, 'NULL'), new.comment, new.enabled)
    FROM actor;
  UPDATE host SET changed_at = max(changed_at, CAST(strftime('%s', 'now') AS INTEGER)) WHERE id = new.id;
END;

CREATE TRIGGER host_delete AFTER DELETE ON host BEGIN
  DELETE FROM change_replaced WHERE tab = 'host' AND row = old.id;
  INSERT INTO change (actor, txn, tab, row, name, op, old)
    SELECT actor.name, actor.txn, 'host', old.id, 'host ' || old.hostname, 'delete',
      printf('hostname = %Q, uuid = %Q, serial = %Q, profile = %d, build = %Q, channel = %s, comment = %Q, enabled = %d',
      old.hostname, old.uuid, old.serial, old.profile, old.build, ifnull(old.channel, 'NULL'), old.comment, old.enabled)
    FROM actor;
END;

CREATE TRIGGER nic_before_insert BEFORE INSERT ON nic BEGIN
  SELECT CASE
    WHEN NOT EXISTS (SELECT 1 FROM host WHERE id = new.host)
      THEN RAISE(ABORT, 'host: no such host. Write (SELECT id FROM host WHERE hostname = ''db1'') with a name that SELECT hostname FROM host lists')
    END;
  DELETE FROM change_replaced;
  INSERT INTO change_replaced SELECT 'nic', nic.id, (SELECT 'host ' || hostname FROM host WHERE id = nic.host),
    printf('mac = %Q, host = %d, ip = %Q, netmask = %Q, gateway = %Q, vlan = %s, mtu = %s, nic_tag = %Q, nic_tags_provided = %Q, aggr = %Q',
      nic.mac, nic.host, nic.ip, nic.netmask, nic.gateway, ifnull(nic.vlan, 'NULL'), ifnull(nic.mtu, 'NULL'), nic.nic_tag, nic.nic_tags_provided, nic.aggr)
    FROM (SELECT new.id AS i UNION ALL SELECT id FROM nic WHERE substr(lower(replace(replace(replace(mac, ':', ''), '-', ''), '.', '')), -12) = substr(lower(replace(replace(replace(new.mac, ':', ''), '-', ''), '.', '')), -12) AND id <> new.id)
    CROSS JOIN nic ON nic.id = i;
END;

CREATE TRIGGER nic_insert AFTER INSERT ON nic BEGIN
  SELECT CASE
    WHEN EXISTS (SELECT 1 FROM nic INDEXED BY nic_of_host WHERE host = new.host LIMIT 1 OFFSET 64)
      THEN RAISE(ABORT, 'host: a host may have 64 rows in this table, and has them')
    END;
  INSERT INTO change (actor, txn, tab, row, name, op, old)
    SELECT actor.name, actor.txn, tab, row, r.name, 'replace', old FROM change_replaced r CROSS JOIN actor WHERE tab = 'nic';
  DELETE FROM change_replaced;
  UPDATE nic SET mac = mac WHERE id = new.id AND mac NOT GLOB '[0-9a-f][0-9a-f]-[0-9a-f][0-9a-f]-[0-9a-f][0-9a-f]-[0-9a-f][0-9a-f]-[0-9a-f][0-9a-f]-[0-9a-f][0-9a-f]'; -- nic_update spells it
  INSERT INTO change (actor, txn, tab, row, name, op, new)
    SELECT actor.name, actor.txn, 'nic', n.id, (SELECT 'host ' || hostname FROM host WHERE id = n.host), 'insert',
      printf('mac = %Q, host = %d, ip = %Q, netmask = %Q, gateway = %Q, vlan = %s, mtu = %s, nic_tag = %Q, nic_tags_provided = %Q, aggr = %Q',
      n.mac, n.host, n.ip, n.netmask, n.gateway, ifnull(n.vlan, 'NULL'), ifnull(n.mtu, 'NULL'), n.nic_tag, n.nic_tags_provided, n.aggr)
    FROM actor CROSS JOIN nic n WHERE n.id = new.id;
  UPDATE host SET changed_at = max(changed_at, CAST(strftime('%s', 'now') AS INTEGER)) WHERE id = new.host;
END;

CREATE TRIGGER nic_before_update BEFORE UPDATE OF id, mac ON nic BEGIN
  SELECT CASE
    WHEN new.id IS NOT old.id
      THEN RAISE(ABORT, 'id: it never changes, for it says in `change` which row was meant; DELETE and INSERT make another')
    WHEN EXISTS (SELECT 1 FROM nic o WHERE substr(lower(replace(replace(replace(o.mac, ':', ''), '-', ''), '.', '')), -12) = substr(lower(replace(replace(replace(new.mac, ':', ''), '-', ''), '.', '')), -12) AND o.id <> old.id)
      THEN RAISE(ABORT, 'mac: another NIC has this address, perhaps in another spelling; UPDATE that row, or DELETE it first')
    END;
END;
CREATE TRIGGER nic_before_move BEFORE UPDATE OF host ON nic BEGIN
  SELECT CASE
    WHEN NOT EXISTS (SELECT 1 FROM host WHERE id = new.host)
      THEN RAISE(ABORT, 'host: no such host. Write (SELECT id FROM host WHERE hostname = ''db1'') with a name that SELECT hostname FROM host lists')
    WHEN old.host IS NOT new.host AND EXISTS (SELECT 1 FROM nic INDEXED BY nic_of_host WHERE host = new.host LIMIT 1 OFFSET 63)
      THEN RAISE(ABORT, 'host: a host may have 64 rows in this table, and has them')
    END;
END;

CREATE TRIGGER nic_mac_update AFTER UPDATE OF mac ON nic BEGIN
  UPDATE nic SET mac = substr(trim(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(':' || iif(mac GLOB '*[:-]*', replace(replace(lower(mac), '-', ':'), ':', '::'),
      substr(replace(lower(mac), '.', ''), -12, 2) || '::' || substr(replace(lower(mac), '.', ''), -10, 2) || '::' || substr(replace(lower(mac), '.', ''), -8, 2) || '::' || substr(replace(lower(mac), '.', ''), -6, 2) || '::' || substr(replace(lower(mac), '.', ''), -4, 2) || '::' || substr(replace(lower(mac), '.', ''), -2, 2)) || ':', ':0:', ':00:'), ':1:', ':01:'), ':2:', ':02:'), ':3:', ':03:'), ':4:', ':04:'), ':5:', ':05:'), ':6:', ':06:'), ':7:', ':07:'), ':8:', ':08:'), ':9:', ':09:'), ':a:', ':0a:'), ':b:', ':0b:'), ':c:', ':0c:'), ':d:', ':0d:'), ':e:', ':0e:'), ':f:', ':0f:'), '::', '-'), ':'), -17)
    WHERE id = new.id AND mac NOT GLOB '[0-9a-f][0-9a-f]-[0-9a-f][0-9a-f]-[0-9a-f][0-9a-f]-[0-9a-f][0-9a-f]-[0-9a-f][0-9a-f]-[0-9a-f][0-9a-f]';
  INSERT INTO change (actor, txn, tab, row, name, op, old, new)
    SELECT actor.name, actor.txn, 'nic', n.id, (SELECT 'host ' || hostname FROM host WHERE id = n.host), 'update', printf('mac = %Q', old.mac), printf('mac = %Q', n.mac)
    FROM actor CROSS JOIN nic n WHERE n.id = new.id AND n.mac <> old.mac AND old.mac GLOB '[0-9a-f][0-9a-f]-[0-9a-f][0-9a-f]-[0-9a-f][0-9a-f]-[0-9a-f][0-9a-f]-[0-9a-f][0-9a-f]-[0-9a-f][0-9a-f]';
  UPDATE host SET changed_at = max(changed_at, CAST(strftime('%s', 'now') AS INTEGER)) WHERE id = new.host;
  UPDATE profile SET changed_at = max(changed_at, CAST(strftime('%s', 'now') AS INTEGER)) WHERE id = 1 AND old.mac <> new.mac AND old.mac GLOB '[0-9a-f][0-9a-f]-[0-9a-f][0-9a-f]-[0-9a-f][0-9a-f]-[0-9a-f][0-9a-f]-[0-9a-f][0-9a-f]-[0-9a-f][0-9a-f]';
END;

CREATE TRIGGER nic_update AFTER UPDATE OF host, ip, netmask, gateway, vlan, mtu, nic_tag, nic_tags_provided, aggr ON nic WHEN old.host IS NOT new.host OR old.ip IS NOT new.ip OR old.netmask IS NOT new.netmask OR old.gateway IS NOT new.gateway OR old.vlan IS NOT new.vlan OR old.mtu IS NOT new.mtu OR old.nic_tag IS NOT new.nic_tag OR old.nic_tags_provided IS NOT new.nic_tags_provided OR old.aggr IS NOT new.aggr BEGIN
  INSERT INTO change (actor, txn, tab, row, name, op, old, new)
    SELECT actor.name, actor.txn, 'nic', new.id, (SELECT 'host ' || hostname FROM host WHERE id = new.host), 'update',
      printf('host = %d, ip = %Q, netmask = %Q, gateway = %Q, vlan = %s, mtu = %s, nic_tag = %Q, nic_tags_provided = %Q, aggr = %Q',
      old.host, old.ip, old.netmask, old.gateway, ifnull(old.vlan, 'NULL'), ifnull(old.mtu, 'NULL'), old.nic_tag, old.nic_tags_provided, old.aggr),
      printf('host = %d, ip = %Q, netmask = %Q, gateway = %Q, vlan = %s, mtu = %s, nic_tag = %Q, nic_tags_provided = %Q, aggr = %Q',
      new.host, new.ip, new.netmask, new.gateway, ifnull(new.vlan, 'NULL'), ifnull(new.mtu, 'NULL'), new.nic_tag, new.nic_tags_provided, new.aggr)
    FROM actor;
  UPDATE host SET changed_at = max(changed_at, CAST(strftime('%s', 'now') AS INTEGER)) WHERE id = new.host;
  UPDATE host SET changed_at = max(changed_at, CAST(strftime('%s', 'now') AS INTEGER)) WHERE id = old.host AND old.host IS NOT new.host;
END;

CREATE TRIGGER nic_delete AFTER DELETE ON nic BEGIN
  DELETE FROM change_replaced WHERE tab = 'nic' AND row = old.id;
  INSERT INTO change (actor, txn, tab, row, name, op, old)
    SELECT actor.name, actor.txn, 'nic', old.id, (SELECT 'host ' || hostname FROM host WHERE id = old.host), 'delete',
      printf('mac = %Q, host = %d, ip = %Q, netmask = %Q, gateway = %Q, vlan = %s, mtu = %s, nic_tag = %Q, nic_tags_provided = %Q, aggr = %Q',
      old.mac, old.host, old.ip, old.netmask, old.gateway, ifnull(old.vlan, 'NULL'), ifnull(old.mtu, 'NULL'), old.nic_tag, old.nic_tags_provided, old.aggr)
    FROM actor;
  UPDATE host SET changed_at = max(changed_at, CAST(strftime('%s', 'now') AS INTEGER)) WHERE id = old.host;
  UPDATE profile SET changed_at = max(changed_at, CAST(strftime('%s', 'now') AS INTEGER)) WHERE id = 1;
END;

CREATE TRIGGER profile_before_insert BEFORE INSERT ON profile BEGIN
  SELECT CASE
    WHEN new.parent IS NOT NULL AND NOT EXISTS (SELECT 1 FROM profile WHERE id = new.parent)
      THEN RAISE(ABORT, 'parent: no such profile. Write (SELECT id FROM profile WHERE name = ''default'') with a name that SELECT name FROM profile lists')
    WHEN new.channel IS NOT NULL AND NOT EXISTS (SELECT 1 FROM channel WHERE id = new.channel)
      THEN RAISE(ABORT, 'channel: no such channel. Write (SELECT id FROM channel WHERE name = ''stable'') with a name that SELECT name FROM channel lists')
    END;
  DELETE FROM change_replaced;
  INSERT INTO change_replaced SELECT 'profile', profile.id, 'profile ' || profile.name,
    printf('name = %Q, parent = %s, build = %Q, channel = %s, comment = %Q',
      profile.name, ifnull(profile.parent, 'NULL'), profile.build, ifnull(profile.channel, 'NULL'), profile.comment)
    FROM (SELECT new.id AS i UNION ALL SELECT id FROM profile WHERE name = new.name AND id <> new.id)
    CROSS JOIN profile ON profile.id = i;
END;

CREATE TRIGGER profile_insert AFTER INSERT ON profile BEGIN
  SELECT RAISE(ABORT, 'name: INSERT OR REPLACE would give this profile another id; write INSERT ... ON CONFLICT (name) DO UPDATE SET ..., or UPDATE')
    FROM change_replaced WHERE row <> new.id;
  INSERT INTO change (actor, txn, tab, row, name, op, old)
    SELECT actor.name, actor.txn, tab, row, r.name, 'replace', old FROM change_replaced r CROSS JOIN actor WHERE tab = 'profile';
  DELETE FROM change_replaced;
  INSERT INTO change (actor, txn, tab, row, name, op, new)
    SELECT actor.name, actor.txn, 'profile', new.id, 'profile ' || new.name, 'insert',
      printf('name = %Q, parent = %s, build = %Q, channel = %s, comment = %Q',
      new.name, ifnull(new.parent, 'NULL'), new.build, ifnull(new.channel, 'NULL'), new.comment)
    FROM actor;
END;

CREATE TRIGGER profile_before_update BEFORE UPDATE OF id, name ON profile BEGIN
  SELECT CASE
    WHEN new.id IS NOT old.id
      THEN RAISE(ABORT, 'id: it never changes, for it says in `change` which row was meant; DELETE and INSERT make another')
    WHEN EXISTS (SELECT 1 FROM profile o WHERE o.name = new.name AND o.id <> old.id)
      THEN RAISE(ABORT, 'name: another profile has this name; choose another, or rename that one first')
    END;
END;
CREATE TRIGGER profile_before_move BEFORE UPDATE OF parent, channel ON profile BEGIN
  SELECT CASE
    WHEN new.parent IS NOT NULL AND NOT EXISTS (SELECT 1 FROM profile WHERE id = new.parent)
      THEN RAISE(ABORT, 'parent: no such profile. Write (SELECT id FROM profile WHERE name = ''default'') with a name that SELECT name FROM profile lists')
    WHEN new.channel IS NOT NULL AND NOT EXISTS (SELECT 1 FROM channel WHERE id = new.channel)
      THEN RAISE(ABORT, 'channel: no such channel. Write (SELECT id FROM channel WHERE name = ''stable'') with a name that SELECT name FROM channel lists')
    END;
END;

CREATE TRIGGER profile_update AFTER UPDATE OF name, parent, build, channel, comment ON profile WHEN old.name IS NOT new.name OR old.parent IS NOT new.parent OR old.build IS NOT new.build OR old.channel IS NOT new.channel OR old.comment IS NOT new.comment BEGIN
  INSERT INTO change (actor, txn, tab, row, name, op, old, new)
    SELECT actor.name, actor.txn, 'profile', new.id, 'profile ' || new.name, 'update',
      printf('name = %Q, parent = %s, build = %Q, channel = %s, comment = %Q',
      old.name, ifnull(old.parent, 'NULL'), old.build, ifnull(old.channel, 'NULL'), old.comment),
      printf('name = %Q, parent = %s, build = %Q, channel = %s, comment = %Q',
      new.name, ifnull(new.parent, 'NULL'), new.build, ifnull(new.channel, 'NULL'), new.comment)
    FROM actor;
  UPDATE profile SET changed_at = max(changed_at, CAST(strftime('%s', 'now') AS INTEGER)) WHERE id = new.id;
END;

CREATE TRIGGER profile_delete AFTER DELETE ON profile BEGIN
  DELETE FROM change_replaced WHERE tab = 'profile' AND row = old.id;
  INSERT INTO change (actor, txn, tab, row, name, op, old)
    SELECT actor.name, actor.txn, 'profile', old.id, 'profile ' || old.name, 'delete',
      printf('name = %Q, parent = %s, build = %Q, channel = %s, comment = %Q',
      old.name, ifnull(old.parent, 'NULL'), old.build, ifnull(old.channel, 'NULL'), old.comment)
    FROM actor;
END;

CREATE TRIGGER channel_before_insert BEFORE INSERT ON channel BEGIN
  DELETE FROM change_replaced;
  INSERT INTO change_replaced SELECT 'channel', channel.id, 'channel ' || channel.name,
    printf('name = %Q, build = %Q, canary = %Q, canary_percent = %d, comment = %Q',
      channel.name, channel.build, channel.canary, channel.canary_percent, channel.comment)
    FROM (SELECT new.id AS i UNION ALL SELECT id FROM channel WHERE name = new.name AND id <> new.id)
    CROSS JOIN channel ON channel.id = i;
END;

CREATE TRIGGER channel_insert AFTER INSERT ON channel BEGIN
  SELECT RAISE(ABORT, 'name: INSERT OR REPLACE would give this channel another id; write INSERT ... ON CONFLICT (name) DO UPDATE SET ..., or UPDATE')
    FROM change_replaced WHERE row <> new.id;
  INSERT INTO change (actor, txn, tab, row, name, op, old)
    SELECT actor.name, actor.txn, tab, row, r.name, 'replace', old FROM change_replaced r CROSS JOIN actor WHERE tab = 'channel';
  DELETE FROM change_replaced;
  INSERT INTO change (actor, txn, tab, row, name, op, new)
    SELECT actor.name, actor.txn, 'channel', new.id, 'channel ' || new.name, 'insert',
      printf('name = %Q, build = %Q, canary = %Q, canary_percent = %d, comment = %Q',
      new.name, new.build, new.canary, new.canary_percent, new.comment)
    FROM actor;
END;

CREATE TRIGGER channel_before_update BEFORE UPDATE OF id, name ON channel BEGIN
  SELECT CASE
    WHEN new.id IS NOT old.id
      THEN RAISE(ABORT, 'id: it never changes, for it says in `change` which row was meant; DELETE and INSERT make another')
    WHEN EXISTS (SELECT 1 FROM channel o WHERE o.name = new.name AND o.id <> old.id)
      THEN RAISE(ABORT, 'name: another channel has this name; choose another, or rename that one first')
    END;
END;

CREATE TRIGGER channel_update AFTER UPDATE OF name, build, canary, canary_percent, comment ON channel WHEN old.name IS NOT new.name OR old.build IS NOT new.build OR old.canary IS NOT new.canary OR old.canary_percent IS NOT new.canary_percent OR old.comment IS NOT new.comment BEGIN
  INSERT INTO change (actor, txn, tab, row, name, op, old, new)
    SELECT actor.name, actor.txn, 'channel', new.id, 'channel ' || new.name, 'update',
      printf('name = %Q, build = %Q, canary = %Q, canary_percent = %d, comment = %Q',
      old.name, old.build, old.canary, old.canary_percent, old.comment),
      printf('name = %Q, build = %Q, canary = %Q, canary_percent = %d, comment = %Q',
      new.name, new.build, new.canary, new.canary_percent, new.comment)
    FROM actor;
  UPDATE channel SET changed_at = max(changed_at, CAST(strftime('%s', 'now') AS INTEGER)) WHERE id = new.id;
END;

CREATE TRIGGER channel_delete AFTER DELETE ON channel BEGIN
  DELETE FROM change_replaced WHERE tab = 'channel' AND row = old.id;
  INSERT INTO change (actor, txn, tab, row, name, op, old)
    SELECT actor.name, actor.txn, 'channel', old.id, 'channel ' || old.name, 'delete',
      printf('name = %Q, build = %Q, canary = %Q, canary_percent = %d, comment = %Q',
      old.name, old.build, old.canary, old.canary_percent, old.comment)
    FROM actor;
END;

CREATE TRIGGER property_before_insert BEFORE INSERT ON property BEGIN
  SELECT CASE
    WHEN new.profile IS NOT NULL AND NOT EXISTS (SELECT 1 FROM profile WHERE id = new.profile)
      THEN RAISE(ABORT, 'profile: no such profile. Write (SELECT id FROM profile WHERE name = ''default'') with a name that SELECT name FROM profile lists')
    WHEN new.host IS NOT NULL AND NOT EXISTS (SELECT 1 FROM host WHERE id = new.host)
      THEN RAISE(ABORT, 'host: no such host. Write (SELECT id FROM host WHERE hostname = ''db1'') with a name that SELECT hostname FROM host lists')
    END;
  DELETE FROM change_replaced;
  INSERT INTO change_replaced SELECT 'property', property.id, ifnull((SELECT 'host ' || hostname FROM host WHERE id = property.host), (SELECT 'profile ' || name FROM profile WHERE id = property.profile)),
    printf('profile = %s, host = %s, name = %Q, value = %s',
      ifnull(property.profile, 'NULL'), ifnull(property.host, 'NULL'), property.name, CASE WHEN property.value <> '' AND (property.name = 'root_shadow' OR EXISTS (SELECT 1 FROM known_property k WHERE k.secret = 1 AND property.name GLOB k.name)) THEN '<secret>' ELSE quote(property.value) END)
    FROM (SELECT new.id AS i UNION ALL SELECT id FROM property WHERE host = new.host AND name = new.name AND id <> new.id UNION ALL SELECT id FROM property WHERE profile = new.profile AND name = new.name AND id <> new.id)
    CROSS JOIN property ON property.id = i;
END;

CREATE TRIGGER property_insert AFTER INSERT ON property BEGIN
  SELECT CASE
    WHEN EXISTS (SELECT 1 FROM property INDEXED BY property_of_host WHERE host = new.host LIMIT 1 OFFSET 256)
      THEN RAISE(ABORT, 'host: a host may have 256 rows in this table, and has them')
    WHEN EXISTS (SELECT 1 FROM property INDEXED BY property_of_profile WHERE profile = new.profile LIMIT 1 OFFSET 256)
      THEN RAISE(ABORT, 'profile: a profile may have 256 rows in this table, and has them')
    END;
  INSERT INTO property_check SELECT new.profile, new.host, new.name, new.value WHERE new.value IS NOT NULL;
  INSERT INTO change (actor, txn, tab, row, name, op, old)
    SELECT actor.name, actor.txn, tab, row, r.name, 'replace', old FROM change_replaced r CROSS JOIN actor WHERE tab = 'property';
  DELETE FROM change_replaced;
  INSERT INTO change (actor, txn, tab, row, name, op, new)
    SELECT actor.name, actor.txn, 'property', new.id, ifnull((SELECT 'host ' || hostname FROM host WHERE id = new.host), (SELECT 'profile ' || name FROM profile WHERE id = new.profile)), 'insert',
      printf('profile = %s, host = %s, name = %Q, value = %s',
      ifnull(new.profile, 'NULL'), ifnull(new.host, 'NULL'), new.name, CASE WHEN new.value <> '' AND (new.name = 'root_shadow' OR EXISTS (SELECT 1 FROM known_property k WHERE k.secret = 1 AND new.name GLOB k.name)) THEN '<secret>' ELSE quote(new.value) END)
    FROM actor;
  UPDATE host SET changed_at = max(changed_at, CAST(strftime('%s', 'now') AS INTEGER)) WHERE id = new.host;
  UPDATE profile SET changed_at = max(changed_at, CAST(strftime('%s', 'now') AS INTEGER)) WHERE id = new.profile;
END;

CREATE TRIGGER property_before_update BEFORE UPDATE OF id, host, name, profile ON property BEGIN
  SELECT CASE
    WHEN new.id IS NOT old.id
      THEN RAISE(ABORT, 'id: it never changes, for it says in `change` which row was meant; DELETE and INSERT make another')
    WHEN EXISTS (SELECT 1 FROM property o WHERE o.host = new.host AND o.name = new.name AND o.id <> old.id)
      THEN RAISE(ABORT, 'name: this host or profile has this property already; UPDATE that row, or DELETE it first')
    WHEN EXISTS (SELECT 1 FROM property o WHERE o.profile = new.profile AND o.name = new.name AND o.id <> old.id)
      THEN RAISE(ABORT, 'name: this host or profile has this property already; UPDATE that row, or DELETE it first')
    END;
END;
CREATE TRIGGER property_before_move BEFORE UPDATE OF profile, host ON property BEGIN
  SELECT CASE
    WHEN new.profile IS NOT NULL AND NOT EXISTS (SELECT 1 FROM profile WHERE id = new.profile)
      THEN RAISE(ABORT, 'profile: no such profile. Write (SELECT id FROM profile WHERE name = ''default'') with a name that SELECT name FROM profile lists')
    WHEN new.host IS NOT NULL AND NOT EXISTS (SELECT 1 FROM host WHERE id = new.host)
      THEN RAISE(ABORT, 'host: no such host. Write (SELECT id FROM host WHERE hostname = ''db1'') with a name that SELECT hostname FROM host lists')
    WHEN old.host IS NOT new.host AND EXISTS (SELECT 1 FROM property INDEXED BY property_of_host WHERE host = new.host LIMIT 1 OFFSET 255)
      THEN RAISE(ABORT, 'host: a host may have 256 rows in this table, and has them')
    WHEN old.profile IS NOT new.profile AND EXISTS (SELECT 1 FROM property INDEXED BY property_of_profile WHERE profile = new.profile LIMIT 1 OFFSET 255)
      THEN RAISE(ABORT, 'profile: a profile may have 256 rows in this table, and has them')
    END;
END;

CREATE TRIGGER property_update AFTER UPDATE OF profile, host, name, value ON property WHEN old.profile IS NOT new.profile OR old.host IS NOT new.host OR old.name IS NOT new.name OR old.value IS NOT new.value BEGIN
  INSERT INTO property_check SELECT new.profile, new.host, new.name, new.value WHERE new.value IS NOT NULL;
  INSERT INTO change (actor, txn, tab, row, name, op, old, new)
    SELECT actor.name, actor.txn, 'property', new.id, ifnull((SELECT 'host ' || hostname FROM host WHERE id = new.host), (SELECT 'profile ' || name FROM profile WHERE id = new.profile)), 'update',
      printf('profile = %s, host = %s, name = %Q, value = %s',
      ifnull(old.profile, 'NULL'), ifnull(old.host, 'NULL'), old.name, CASE WHEN old.value <> '' AND (old.name = 'root_shadow' OR EXISTS (SELECT 1 FROM known_property k WHERE k.secret = 1 AND old.name GLOB k.name) OR new.name = 'root_shadow' OR EXISTS (SELECT 1 FROM known_property k WHERE k.secret = 1 AND new.name GLOB k.name)) THEN '<secret>' ELSE quote(old.value) END),
      printf('profile = %s, host = %s, name = %Q, value = %s',
      ifnull(new.profile, 'NULL'), ifnull(new.host, 'NULL'), new.name, CASE WHEN new.value <> '' AND (old.name = 'root_shadow' OR EXISTS (SELECT 1 FROM known_property k WHERE k.secret = 1 AND old.name GLOB k.name) OR new.name = 'root_shadow' OR EXISTS (SELECT 1 FROM known_property k WHERE k.secret = 1 AND new.name GLOB k.name)) THEN '<secret>' ELSE quote(new.value) END)
    FROM actor;
  UPDATE host SET changed_at = max(changed_at, CAST(strftime('%s', 'now') AS INTEGER)) WHERE id = new.host;
  UPDATE host SET changed_at = max(changed_at, CAST(strftime('%s', 'now') AS INTEGER)) WHERE id = old.host AND old.host IS NOT new.host;
  UPDATE profile SET changed_at = max(changed_at, CAST(strftime('%s', 'now') AS INTEGER)) WHERE id = new.profile;
  UPDATE profile SET changed_at = max(changed_at, CAST(strftime('%s', 'now') AS INTEGER)) WHERE id = old.profile AND old.profile IS NOT new.profile;
END;

CREATE TRIGGER property_delete AFTER DELETE ON property BEGIN
  DELETE FROM change_replaced WHERE tab = 'property' AND row = old.id;
  INSERT INTO change (actor, txn, tab, row, name, op, old)
    SELECT actor.name, actor.txn, 'property', old.id, ifnull((SELECT 'host ' || hostname FROM host WHERE id = old.host), (SELECT 'profile ' || name FROM profile WHERE id = old.profile)), 'delete',
      printf('profile = %s, host = %s, name = %Q, value = %s',
      ifnull(old.profile, 'NULL'), ifnull(old.host, 'NULL'), old.name, CASE WHEN old.value <> '' AND (old.name = 'root_shadow' OR EXISTS (SELECT 1 FROM known_property k WHERE k.secret = 1 AND old.name GLOB k.name)) THEN '<secret>' ELSE quote(old.value) END)
    FROM actor;
  UPDATE host SET changed_at = max(changed_at, CAST(strftime('%s', 'now') AS INTEGER)) WHERE id = old.host;
  UPDATE profile SET changed_at = max(changed_at, CAST(strftime('%s', 'now') AS INTEGER)) WHERE id = old.profile;
END;

CREATE TRIGGER setting_before_insert BEFORE INSERT ON setting BEGIN
  SELECT CASE
    WHEN NOT EXISTS (SELECT 1 FROM profile WHERE id = new.profile)
      THEN RAISE(ABORT, 'profile: no such profile. Write (SELECT id FROM profile WHERE name = ''default'') with a name that SELECT name FROM profile lists')
    END;
  DELETE FROM change_replaced;
  INSERT INTO change_replaced SELECT 'setting', setting.id, (SELECT 'profile ' || name FROM profile WHERE id = setting.profile),
    printf('profile = %d, key = %Q, value = %Q',
      setting.profile, setting.key, setting.value)
    FROM (SELECT new.id AS i UNION ALL SELECT id FROM setting WHERE profile = new.profile AND key = new.key AND id <> new.id)
    CROSS JOIN setting ON setting.id = i;
END;

CREATE TRIGGER setting_insert AFTER INSERT ON setting BEGIN
  SELECT CASE
    WHEN EXISTS (SELECT 1 FROM setting INDEXED BY setting_of_profile WHERE profile = new.profile LIMIT 1 OFFSET 256)
      THEN RAISE(ABORT, 'profile: a profile may have 256 rows in this table, and has them')
    END;
  INSERT INTO setting_check VALUES (new.profile, new.key, new.value);
  INSERT INTO change (actor, txn, tab, row, name, op, old)
    SELECT actor.name, actor.txn, tab, row, r.name, 'replace', old FROM change_replaced r CROSS JOIN actor WHERE tab = 'setting';
  DELETE FROM change_replaced;
  INSERT INTO change (actor, txn, tab, row, name, op, new)
    SELECT actor.name, actor.txn, 'setting', new.id, (SELECT 'profile ' || name FROM profile WHERE id = new.profile), 'insert',
      printf('profile = %d, key = %Q, value = %Q',
      new.profile, new.key, new.value)
    FROM actor;
  UPDATE profile SET changed_at = max(changed_at, CAST(strftime('%s', 'now') AS INTEGER)) WHERE id = new.profile;
END;

CREATE TRIGGER setting_before_update BEFORE UPDATE OF id, key, profile ON setting BEGIN
  SELECT CASE
    WHEN new.id IS NOT old.id
      THEN RAISE(ABORT, 'id: it never changes, for it says in `change` which row was meant; DELETE and INSERT make another')
    WHEN EXISTS (SELECT 1 FROM setting o WHERE o.profile = new.profile AND o.key = new.key AND o.id <> old.id)
      THEN RAISE(ABORT, 'key: this profile has this setting already; UPDATE that row, or DELETE it first')
    END;
END;
CREATE TRIGGER setting_before_move BEFORE UPDATE OF profile ON setting BEGIN
  SELECT CASE
    WHEN NOT EXISTS (SELECT 1 FROM profile WHERE id = new.profile)
      THEN RAISE(ABORT, 'profile: no such profile. Write (SELECT id FROM profile WHERE name = ''default'') with a name that SELECT name FROM profile lists')
    WHEN old.profile IS NOT new.profile AND EXISTS (SELECT 1 FROM setting INDEXED BY setting_of_profile WHERE profile = new.profile LIMIT 1 OFFSET 255)
      THEN RAISE(ABORT, 'profile: a profile may have 256 rows in this table, and has them')
    END;
END;

CREATE TRIGGER setting_update AFTER UPDATE OF profile, key, value ON setting WHEN old.profile IS NOT new.profile OR old.key IS NOT new.key OR old.value IS NOT new.value BEGIN
  INSERT INTO setting_check VALUES (new.profile, new.key, new.value);
  INSERT INTO change (actor, txn, tab, row, name, op, old, new)
    SELECT actor.name, actor.txn, 'setting', new.id, (SELECT 'profile ' || name FROM profile WHERE id = new.profile), 'update',
      printf('profile = %d, key = %Q, value = %Q',
      old.profile, old.key, old.value),
      printf('profile = %d, key = %Q, value = %Q',
      new.profile, new.key, new.value)
    FROM actor;
  UPDATE profile SET changed_at = max(changed_at, CAST(strftime('%s', 'now') AS INTEGER)) WHERE id = new.profile;
  UPDATE profile SET changed_at = max(changed_at, CAST(strftime('%s', 'now') AS INTEGER)) WHERE id = old.profile AND old.profile IS NOT new.profile;
END;

CREATE TRIGGER setting_delete AFTER DELETE ON setting BEGIN
  DELETE FROM change_replaced WHERE tab = 'setting' AND row = old.id;
  INSERT INTO change (actor, txn, tab, row, name, op, old)
    SELECT actor.name, actor.txn, 'setting', old.id, (SELECT 'profile ' || name FROM profile WHERE id = old.profile), 'delete',
      printf('profile = %d, key = %Q, value = %Q',
      old.profile, old.key, old.value)
    FROM actor;
  UPDATE profile SET changed_at = max(changed_at, CAST(strftime('%s', 'now') AS INTEGER)) WHERE id = old.profile;
END;

CREATE TRIGGER module_before_insert BEFORE INSERT ON module BEGIN
  SELECT CASE
    WHEN new.profile IS NOT NULL AND NOT EXISTS (SELECT 1 FROM profile WHERE id = new.profile)
      THEN RAISE(ABORT, 'profile: no such profile. Write (SELECT id FROM profile WHERE name = ''default'') with a name that SELECT name FROM profile lists')
    WHEN new.host IS NOT NULL AND NOT EXISTS (SELECT 1 FROM host WHERE id = new.host)
      THEN RAISE(ABORT, 'host: no such host. Write (SELECT id FROM host WHERE hostname = ''db1'') with a name that SELECT hostname FROM host lists')
    END;
  DELETE FROM change_replaced;
  INSERT INTO change_replaced SELECT 'module', module.id, ifnull((SELECT 'host ' || hostname FROM host WHERE id = module.host), (SELECT 'profile ' || name FROM profile WHERE id = module.profile)),
    printf('profile = %s, host = %s, name = %Q, content = %s, secret = %d',
      ifnull(module.profile, 'NULL'), ifnull(module.host, 'NULL'), module.name, iif(module.content IS NULL, 'NULL', '<' || length(CAST(module.content AS BLOB)) || ' bytes>'), module.secret)
    FROM (SELECT new.id AS i UNION ALL SELECT id FROM module WHERE host = new.host AND name = new.name AND id <> new.id UNION ALL SELECT id FROM module WHERE profile = new.profile AND name = new.name AND id <> new.id)
    CROSS JOIN module ON module.id = i;
END;

CREATE TRIGGER module_insert AFTER INSERT ON module BEGIN
  SELECT CASE
    WHEN EXISTS (SELECT 1 FROM module INDEXED BY module_of_host WHERE host = new.host LIMIT 1 OFFSET 64)
      THEN RAISE(ABORT, 'host: a host may have 64 rows in this table, and has them')
    WHEN EXISTS (SELECT 1 FROM module INDEXED BY module_of_profile WHERE profile = new.profile LIMIT 1 OFFSET 64)
      THEN RAISE(ABORT, 'profile: a profile may have 64 rows in this table, and has them')
    END;
  INSERT INTO change (actor, txn, tab, row, name, op, old)
    SELECT actor.name, actor.txn, tab, row, r.name, 'replace', old FROM change_replaced r CROSS JOIN actor WHERE tab = 'module';
  DELETE FROM change_replaced;
  INSERT INTO change (actor, txn, tab, row, name, op, new)
    SELECT actor.name, actor.txn, 'module', new.id, ifnull((SELECT 'host ' || hostname FROM host WHERE id = new.host), (SELECT 'profile ' || name FROM profile WHERE id = new.profile)), 'insert',
      printf('profile = %s, host = %s, name = %Q, content = %s, secret = %d',
      ifnull(new.profile, 'NULL'), ifnull(new.host, 'NULL'), new.name, iif(new.content IS NULL, 'NULL', '<' || length(CAST(new.content AS BLOB)) || ' bytes>'), new.secret)
    FROM actor;
  UPDATE host SET changed_at = max(changed_at, CAST(strftime('%s', 'now') AS INTEGER)) WHERE id = new.host;
  UPDATE profile SET changed_at = max(changed_at, CAST(strftime('%s', 'now') AS INTEGER)) WHERE id = new.profile;
END;

CREATE TRIGGER module_before_update BEFORE UPDATE OF id, host, name, profile ON module BEGIN
  SELECT CASE
    WHEN new.id IS NOT old.id
      THEN RAISE(ABORT, 'id: it never changes, for it says in `change` which row was meant; DELETE and INSERT make another')
    WHEN EXISTS (SELECT 1 FROM module o WHERE o.host = new.host AND o.name = new.name AND o.id <> old.id)
      THEN RAISE(ABORT, 'name: this host or profile has a module of this name already; UPDATE that row, or DELETE it first')
    WHEN EXISTS (SELECT 1 FROM module o WHERE o.profile = new.profile AND o.name = new.name AND o.id <> old.id)
      THEN RAISE(ABORT, 'name: this host or profile has a module of this name already; UPDATE that row, or DELETE it first')
    END;
END;
CREATE TRIGGER module_before_move BEFORE UPDATE OF profile, host ON module BEGIN
  SELECT CASE
    WHEN new.profile IS NOT NULL AND NOT EXISTS (SELECT 1 FROM profile WHERE id = new.profile)
      THEN RAISE(ABORT, 'profile: no such profile. Write (SELECT id FROM profile WHERE name = ''default'') with a name that SELECT name FROM profile lists')
    WHEN new.host IS NOT NULL AND NOT EXISTS (SELECT 1 FROM host WHERE id = new.host)
      THEN RAISE(ABORT, 'host: no such host. Write (SELECT id FROM host WHERE hostname = ''db1'') with a name that SELECT hostname FROM host lists')
    WHEN old.host IS NOT new.host AND EXISTS (SELECT 1 FROM module INDEXED BY module_of_host WHERE host = new.host LIMIT 1 OFFSET 63)
      THEN RAISE(ABORT, 'host: a host may have 64 rows in this table, and has them')
    WHEN old.profile IS NOT new.profile AND EXISTS (SELECT 1 FROM module INDEXED BY module_of_profile WHERE profile = new.profile LIMIT 1 OFFSET 63)
      THEN RAISE(ABORT, 'profile: a profile may have 64 rows in this table, and has them')
    END;
END;

CREATE TRIGGER module_update AFTER UPDATE OF profile, host, name, content, secret ON module WHEN old.profile IS NOT new.profile OR old.host IS NOT new.host OR old.name IS NOT new.name OR old.content IS NOT new.content OR old.secret IS NOT new.secret BEGIN
  INSERT INTO change (actor, txn, tab, row, name, op, old, new)
    SELECT actor.name, actor.txn, 'module', new.id, ifnull((SELECT 'host ' || hostname FROM host WHERE id = new.host), (SELECT 'profile ' || name FROM profile WHERE id = new.profile)), 'update',
      printf('profile = %s, host = %s, name = %Q, content = %s, secret = %d',
      ifnull(old.profile, 'NULL'), ifnull(old.host, 'NULL'), old.name, iif(old.content IS NULL, 'NULL', '<' || length(CAST(old.content AS BLOB)) || ' bytes>'), old.secret),
      printf('profile = %s, host = %s, name = %Q, content = %s, secret = %d',
      ifnull(new.profile, 'NULL'), ifnull(new.host, 'NULL'), new.name, iif(new.content IS NULL, 'NULL', '<' || length(CAST(new.content AS BLOB)) || ' bytes>'), new.secret)
    FROM actor;
  UPDATE host SET changed_at = max(changed_at, CAST(strftime('%s', 'now') AS INTEGER)) WHERE id = new.host;
  UPDATE host SET changed_at = max(changed_at, CAST(strftime('%s', 'now') AS INTEGER)) WHERE id = old.host AND old.host IS NOT new.host;
  UPDATE profile SET changed_at = max(changed_at, CAST(strftime('%s', 'now') AS INTEGER)) WHERE id = new.profile;
  UPDATE profile SET changed_at = max(changed_at, CAST(strftime('%s', 'now') AS INTEGER)) WHERE id = old.profile AND old.profile IS NOT new.profile;
END;

CREATE TRIGGER module_delete AFTER DELETE ON module BEGIN
  DELETE FROM change_replaced WHERE tab = 'module' AND row = old.id;
  INSERT INTO change (actor, txn, tab, row, name, op, old)
    SELECT actor.name, actor.txn, 'module', old.id, ifnull((SELECT 'host ' || hostname FROM host WHERE id = old.host), (SELECT 'profile ' || name FROM profile WHERE id = old.profile)), 'delete',
      printf('profile = %s, host = %s, name = %Q, content = %s, secret = %d',
      ifnull(old.profile, 'NULL'), ifnull(old.host, 'NULL'), old.name, iif(old.content IS NULL, 'NULL', '<' || length(CAST(old.content AS BLOB)) || ' bytes>'), old.secret)
    FROM actor;
  UPDATE host SET changed_at = max(changed_at, CAST(strftime('%s', 'now') AS INTEGER)) WHERE id = old.host;
  UPDATE profile SET changed_at = max(changed_at, CAST(strftime('%s', 'now') AS INTEGER)) WHERE id = old.profile;
END;

CREATE TRIGGER answer_before_insert BEFORE INSERT ON answer BEGIN
  SELECT CASE
    WHEN new.profile IS NOT NULL AND NOT EXISTS (SELECT 1 FROM profile WHERE id = new.profile)
      THEN RAISE(ABORT, 'profile: no such profile. Write (SELECT id FROM profile WHERE name = ''default'') with a name that SELECT name FROM profile lists')
    WHEN new.host IS NOT NULL AND NOT EXISTS (SELECT 1 FROM host WHERE id = new.host)
      THEN RAISE(ABORT, 'host: no such host. Write (SELECT id FROM host WHERE hostname = ''db1'') with a name that SELECT hostname FROM host lists')
    END;
  DELETE FROM change_replaced;
  INSERT INTO change_replaced SELECT 'answer', answer.id, ifnull((SELECT 'host ' || hostname FROM host WHERE id = answer.host), (SELECT 'profile ' || name FROM profile WHERE id = answer.profile)),
    printf('profile = %s, host = %s, key = %Q, value = %s',
      ifnull(answer.profile, 'NULL'), ifnull(answer.host, 'NULL'), answer.key, CASE WHEN answer.value <> '' AND (EXISTS (SELECT 1 FROM known_answer k WHERE k.secret = 1 AND k.key = answer.key)) THEN '<secret>' ELSE quote(answer.value) END)
    FROM (SELECT new.id AS i UNION ALL SELECT id FROM answer WHERE host = new.host AND key = new.key AND id <> new.id UNION ALL SELECT id FROM answer WHERE profile = new.profile AND key = new.key AND id <> new.id)
    CROSS JOIN answer ON answer.id = i;
END;

CREATE TRIGGER answer_insert AFTER INSERT ON answer BEGIN
  SELECT CASE
    WHEN EXISTS (SELECT 1 FROM answer INDEXED BY answer_of_host WHERE host = new.host LIMIT 1 OFFSET 64)
      THEN RAISE(ABORT, 'host: a host may have 64 rows in this table, and has them')
    WHEN EXISTS (SELECT 1 FROM answer INDEXED BY answer_of_profile WHERE profile = new.profile LIMIT 1 OFFSET 64)
      THEN RAISE(ABORT, 'profile: a profile may have 64 rows in this table, and has them')
    END;
  INSERT INTO answer_check VALUES (new.key, new.value);
  INSERT INTO change (actor, txn, tab, row, name, op, old)
    SELECT actor.name, actor.txn, tab, row, r.name, 'replace', old FROM change_replaced r CROSS JOIN actor WHERE tab = 'answer';
  DELETE FROM change_replaced;
  INSERT INTO change (actor, txn, tab, row, name, op, new)
    SELECT actor.name, actor.txn, 'answer', new.id, ifnull((SELECT 'host ' || hostname FROM host WHERE id = new.host), (SELECT 'profile ' || name FROM profile WHERE id = new.profile)), 'insert',
      printf('profile = %s, host = %s, key = %Q, value = %s',
      ifnull(new.profile, 'NULL'), ifnull(new.host, 'NULL'), new.key, CASE WHEN new.value <> '' AND (EXISTS (SELECT 1 FROM known_answer k WHERE k.secret = 1 AND k.key = new.key)) THEN '<secret>' ELSE quote(new.value) END)
    FROM actor;
  UPDATE host SET changed_at = max(changed_at, CAST(strftime('%s', 'now') AS INTEGER)) WHERE id = new.host;
  UPDATE profile SET changed_at = max(changed_at, CAST(strftime('%s', 'now') AS INTEGER)) WHERE id = new.profile;
END;

CREATE TRIGGER answer_before_update BEFORE UPDATE OF id, host, key, profile ON answer BEGIN
  SELECT CASE
    WHEN new.id IS NOT old.id
      THEN RAISE(ABORT, 'id: it never changes, for it says in `change` which row was meant; DELETE and INSERT make another')
    WHEN EXISTS (SELECT 1 FROM answer o WHERE o.host = new.host AND o.key = new.key AND o.id <> old.id)
      THEN RAISE(ABORT, 'key: this host or profile has this answer already; UPDATE that row, or DELETE it first')
    WHEN EXISTS (SELECT 1 FROM answer o WHERE o.profile = new.profile AND o.key = new.key AND o.id <> old.id)
      THEN RAISE(ABORT, 'key: this host or profile has this answer already; UPDATE that row, or DELETE it first')
    END;
END;
CREATE TRIGGER answer_before_move BEFORE UPDATE OF profile, host ON answer BEGIN
  SELECT CASE
    WHEN new.profile IS NOT NULL AND NOT EXISTS (SELECT 1 FROM profile WHERE id = new.profile)
      THEN RAISE(ABORT, 'profile: no such profile. Write (SELECT id FROM profile WHERE name = ''default'') with a name that SELECT name FROM profile lists')
    WHEN new.host IS NOT NULL AND NOT EXISTS (SELECT 1 FROM host WHERE id = new.host)
      THEN RAISE(ABORT, 'host: no such host. Write (SELECT id FROM host WHERE hostname = ''db1'') with a name that SELECT hostname FROM host lists')
    WHEN old.host IS NOT new.host AND EXISTS (SELECT 1 FROM answer INDEXED BY answer_of_host WHERE host = new.host LIMIT 1 OFFSET 63)
      THEN RAISE(ABORT, 'host: a host may have 64 rows in this table, and has them')
    WHEN old.profile IS NOT new.profile AND EXISTS (SELECT 1 FROM answer INDEXED BY answer_of_profile WHERE profile = new.profile LIMIT 1 OFFSET 63)
      THEN RAISE(ABORT, 'profile: a profile may have 64 rows in this table, and has them')
    END;
END;

CREATE TRIGGER answer_update AFTER UPDATE OF profile, host, key, value ON answer WHEN old.profile IS NOT new.profile OR old.host IS NOT new.host OR old.key IS NOT new.key OR old.value IS NOT new.value BEGIN
  INSERT INTO answer_check VALUES (new.key, new.value);
  INSERT INTO change (actor, txn, tab, row, name, op, old, new)
    SELECT actor.name, actor.txn, 'answer', new.id, ifnull((SELECT 'host ' || hostname FROM host WHERE id = new.host), (SELECT 'profile ' || name FROM profile WHERE id = new.profile)), 'update',
      printf('profile = %s, host = %s, key = %Q, value = %s',
      ifnull(old.profile, 'NULL'), ifnull(old.host, 'NULL'), old.key, CASE WHEN old.value <> '' AND (EXISTS (SELECT 1 FROM known_answer k WHERE k.secret = 1 AND k.key = old.key) OR EXISTS (SELECT 1 FROM known_answer k WHERE k.secret = 1 AND k.key = new.key)) THEN '<secret>' ELSE quote(old.value) END),
      printf('profile = %s, host = %s, key = %Q, value = %s',
      ifnull(new.profile, 'NULL'), ifnull(new.host, 'NULL'), new.key, CASE WHEN new.value <> '' AND (EXISTS (SELECT 1 FROM known_answer k WHERE k.secret = 1 AND k.key = old.key) OR EXISTS (SELECT 1 FROM known_answer k WHERE k.secret = 1 AND k.key = new.key)) THEN '<secret>' ELSE quote(new.value) END)
    FROM actor;
  UPDATE host SET changed_at = max(changed_at, CAST(strftime('%s', 'now') AS INTEGER)) WHERE id = new.host;
  UPDATE host SET changed_at = max(changed_at, CAST(strftime('%s', 'now') AS INTEGER)) WHERE id = old.host AND old.host IS NOT new.host;
  UPDATE profile SET changed_at = max(changed_at, CAST(strftime('%s', 'now') AS INTEGER)) WHERE id = new.profile;
  UPDATE profile SET changed_at = max(changed_at, CAST(strftime('%s', 'now') AS INTEGER)) WHERE id = old.profile AND old.profile IS NOT new.profile;
END;

CREATE TRIGGER answer_delete AFTER DELETE ON answer BEGIN
  DELETE FROM change_replaced WHERE tab = 'answer' AND row = old.id;
  INSERT INTO change (actor, txn, tab, row, name, op, old)
    SELECT actor.name, actor.txn, 'answer', old.id, ifnull((SELECT 'host ' || hostname FROM host WHERE id = old.host), (SELECT 'profile ' || name FROM profile WHERE id = old.profile)), 'delete',
      printf('profile = %s, host = %s, key = %Q, value = %s',
      ifnull(old.profile, 'NULL'), ifnull(old.host, 'NULL'), old.key, CASE WHEN old.value <> '' AND (EXISTS (SELECT 1 FROM known_answer k WHERE k.secret = 1 AND k.key = old.key)) THEN '<secret>' ELSE quote(old.value) END)
    FROM actor;
  UPDATE host SET changed_at = max(changed_at, CAST(strftime('%s', 'now') AS INTEGER)) WHERE id = old.host;
  UPDATE profile SET changed_at = max(changed_at, CAST(strftime('%s', 'now') AS INTEGER)) WHERE id = old.profile;
END;

CREATE TRIGGER network_before_insert BEFORE INSERT ON network BEGIN
  SELECT CASE
    WHEN new.profile IS NOT NULL AND NOT EXISTS (SELECT 1 FROM profile WHERE id = new.profile)
      THEN RAISE(ABORT, 'profile: no such profile. Write (SELECT id FROM profile WHERE name = ''default'') with a name that SELECT name FROM profile lists')
    WHEN new.host IS NOT NULL AND NOT EXISTS (SELECT 1 FROM host WHERE id = new.host)
      THEN RAISE(ABORT, 'host: no such host. Write (SELECT id FROM host WHERE hostname = ''db1'') with a name that SELECT hostname FROM host lists')
    END;
  DELETE FROM change_replaced;
  INSERT INTO change_replaced SELECT 'network', network.id, ifnull((SELECT 'host ' || hostname FROM host WHERE id = network.host), (SELECT 'profile ' || name FROM profile WHERE id = network.profile)),
    printf('profile = %s, host = %s, admin_tag = %Q, dns_domain = %Q, dns_resolver1 = %Q, dns_resolver2 = %Q, dns_resolver3 = %Q, etherstubs = %Q, lacp_mode = %Q',
      ifnull(network.profile, 'NULL'), ifnull(network.host, 'NULL'), network.admin_tag, network.dns_domain, network.dns_resolver1, network.dns_resolver2, network.dns_resolver3, network.etherstubs, network.lacp_mode)
    FROM (SELECT new.id AS i UNION ALL SELECT id FROM network WHERE host = new.host AND id <> new.id UNION ALL SELECT id FROM network WHERE profile = new.profile AND id <> new.id)
    CROSS JOIN network ON network.id = i;
END;

CREATE TRIGGER network_insert AFTER INSERT ON network BEGIN
  INSERT INTO change (actor, txn, tab, row, name, op, old)
    SELECT actor.name, actor.txn, tab, row, r.name, 'replace', old FROM change_replaced r CROSS JOIN actor WHERE tab = 'network';
  DELETE FROM change_replaced;
  INSERT INTO change (actor, txn, tab, row, name, op, new)
    SELECT actor.name, actor.txn, 'network', new.id, ifnull((SELECT 'host ' || hostname FROM host WHERE id = new.host), (SELECT 'profile ' || name FROM profile WHERE id = new.profile)), 'insert',
      printf('profile = %s, host = %s, admin_tag = %Q, dns_domain = %Q, dns_resolver1 = %Q, dns_resolver2 = %Q, dns_resolver3 = %Q, etherstubs = %Q, lacp_mode = %Q',
      ifnull(new.profile, 'NULL'), ifnull(new.host, 'NULL'), new.admin_tag, new.dns_domain, new.dns_resolver1, new.dns_resolver2, new.dns_resolver3, new.etherstubs, new.lacp_mode)
    FROM actor;
  UPDATE host SET changed_at = max(changed_at, CAST(strftime('%s', 'now') AS INTEGER)) WHERE id = new.host;
  UPDATE profile SET changed_at = max(changed_at, CAST(strftime('%s', 'now') AS INTEGER)) WHERE id = new.profile;
END;

CREATE TRIGGER network_before_update BEFORE UPDATE OF id, host, profile ON network BEGIN
  SELECT CASE
    WHEN new.id IS NOT old.id
      THEN RAISE(ABORT, 'id: it never changes, for it says in `change` which row was meant; DELETE and INSERT make another')
    WHEN EXISTS (SELECT 1 FROM network o WHERE o.host = new.host AND o.id <> old.id)
      THEN RAISE(ABORT, 'host, profile: it has a row here already; UPDATE that row, or DELETE it first')
    WHEN EXISTS (SELECT 1 FROM network o WHERE o.profile = new.profile AND o.id <> old.id)
      THEN RAISE(ABORT, 'host, profile: it has a row here already; UPDATE that row, or DELETE it first')
    END;
END;
CREATE TRIGGER network_before_move BEFORE UPDATE OF profile, host ON network BEGIN
  SELECT CASE
    WHEN new.profile IS NOT NULL AND NOT EXISTS (SELECT 1 FROM profile WHERE id = new.profile)
      THEN RAISE(ABORT, 'profile: no such profile. Write (SELECT id FROM profile WHERE name = ''default'') with a name that SELECT name FROM profile lists')
    WHEN new.host IS NOT NULL AND NOT EXISTS (SELECT 1 FROM host WHERE id = new.host)
      THEN RAISE(ABORT, 'host: no such host. Write (SELECT id FROM host WHERE hostname = ''db1'') with a name that SELECT hostname FROM host lists')
    END;
END;

CREATE TRIGGER network_update AFTER UPDATE OF profile, host, admin_tag, dns_domain, dns_resolver1, dns_resolver2, dns_resolver3, etherstubs, lacp_mode ON network WHEN old.profile IS NOT new.profile OR old.host IS NOT new.host OR old.admin_tag IS NOT new.admin_tag OR old.dns_domain IS NOT new.dns_domain OR old.dns_resolver1 IS NOT new.dns_resolver1 OR old.dns_resolver2 IS NOT new.dns_resolver2 OR old.dns_resolver3 IS NOT new.dns_resolver3 OR old.etherstubs IS NOT new.etherstubs OR old.lacp_mode IS NOT new.lacp_mode BEGIN
  INSERT INTO change (actor, txn, tab, row, name, op, old, new)
    SELECT actor.name, actor.txn, 'network', new.id, ifnull((SELECT 'host ' || hostname FROM host WHERE id = new.host), (SELECT 'profile ' || name FROM profile WHERE id = new.profile)), 'update',
      printf('profile = %s, host = %s, admin_tag = %Q, dns_domain = %Q, dns_resolver1 = %Q, dns_resolver2 = %Q, dns_resolver3 = %Q, etherstubs = %Q, lacp_mode = %Q',
      ifnull(old.profile, 'NULL'), ifnull(old.host, 'NULL'), old.admin_tag, old.dns_domain, old.dns_resolver1, old.dns_resolver2, old.dns_resolver3, old.etherstubs, old.lacp_mode),
      printf('profile = %s, host = %s, admin_tag = %Q, dns_domain = %Q, dns_resolver1 = %Q, dns_resolver2 = %Q, dns_resolver3 = %Q, etherstubs = %Q, lacp_mode = %Q',
      ifnull(new.profile, 'NULL'), ifnull(new.host, 'NULL'), new.admin_tag, new.dns_domain, new.dns_resolver1, new.dns_resolver2, new.dns_resolver3, new.etherstubs, new.lacp_mode)
    FROM actor;
  UPDATE host SET changed_at = max(changed_at, CAST(strftime('%s', 'now') AS INTEGER)) WHERE id = new.host;
  UPDATE host SET changed_at = max(changed_at, CAST(strftime('%s', 'now') AS INTEGER)) WHERE id = old.host AND old.host IS NOT new.host;
  UPDATE profile SET changed_at = max(changed_at, CAST(strftime('%s', 'now') AS INTEGER)) WHERE id = new.profile;
  UPDATE profile SET changed_at = max(changed_at, CAST(strftime('%s', 'now') AS INTEGER)) WHERE id = old.profile AND old.profile IS NOT new.profile;
END;

CREATE TRIGGER network_delete AFTER DELETE ON network BEGIN
  DELETE FROM change_replaced WHERE tab = 'network' AND row = old.id;
  INSERT INTO change (actor, txn, tab, row, name, op, old)
    SELECT actor.name, actor.txn, 'network', old.id, ifnull((SELECT 'host ' || hostname FROM host WHERE id = old.host), (SELECT 'profile ' || name FROM profile WHERE id = old.profile)), 'delete',
      printf('profile = %s, host = %s, admin_tag = %Q, dns_domain = %Q, dns_resolver1 = %Q, dns_resolver2 = %Q, dns_resolver3 = %Q, etherstubs = %Q, lacp_mode = %Q',
      ifnull(old.profile, 'NULL'), ifnull(old.host, 'NULL'), old.admin_tag, old.dns_domain, old.dns_resolver1, old.dns_resolver2, old.dns_resolver3, old.etherstubs, old.lacp_mode)
    FROM actor;
  UPDATE host SET changed_at = max(changed_at, CAST(strftime('%s', 'now') AS INTEGER)) WHERE id = old.host;
  UPDATE profile SET changed_at = max(changed_at, CAST(strftime('%s', 'now') AS INTEGER)) WHERE id = old.profile;
END;

CREATE TRIGGER route_before_insert BEFORE INSERT ON route BEGIN
  SELECT CASE
    WHEN new.profile IS NOT NULL AND NOT EXISTS (SELECT 1 FROM profile WHERE id = new.profile)
      THEN RAISE(ABORT, 'profile: no such profile. Write (SELECT id FROM profile WHERE name = ''default'') with a name that SELECT name FROM profile lists')
    WHEN new.host IS NOT NULL AND NOT EXISTS (SELECT 1 FROM host WHERE id = new.host)
      THEN RAISE(ABORT, 'host: no such host. Write (SELECT id FROM host WHERE hostname = ''db1'') with a name that SELECT hostname FROM host lists')
    END;
  DELETE FROM change_replaced;
  INSERT INTO change_replaced SELECT 'route', route.id, ifnull((SELECT 'host ' || hostname FROM host WHERE id = route.host), (SELECT 'profile ' || name FROM profile WHERE id = route.profile)),
    printf('profile = %s, host = %s, destination = %Q, gateway = %Q',
      ifnull(route.profile, 'NULL'), ifnull(route.host, 'NULL'), route.destination, route.gateway)
    FROM (SELECT new.id AS i UNION ALL SELECT id FROM route WHERE host = new.host AND destination = new.destination AND id <> new.id UNION ALL SELECT id FROM route WHERE profile = new.profile AND destination = new.destination AND id <> new.id)
    CROSS JOIN route ON route.id = i;
END;

CREATE TRIGGER route_insert AFTER INSERT ON route BEGIN
  SELECT CASE
    WHEN EXISTS (SELECT 1 FROM route INDEXED BY route_of_host WHERE host = new.host LIMIT 1 OFFSET 64)
      THEN RAISE(ABORT, 'host: a host may have 64 rows in this table, and has them')
    WHEN EXISTS (SELECT 1 FROM route INDEXED BY route_of_profile WHERE profile = new.profile LIMIT 1 OFFSET 64)
      THEN RAISE(ABORT, 'profile: a profile may have 64 rows in this table, and has them')
    END;
  INSERT INTO change (actor, txn, tab, row, name, op, old)
    SELECT actor.name, actor.txn, tab, row, r.name, 'replace', old FROM change_replaced r CROSS JOIN actor WHERE tab = 'route';
  DELETE FROM change_replaced;
  INSERT INTO change (actor, txn, tab, row, name, op, new)
    SELECT actor.name, actor.txn, 'route', new.id, ifnull((SELECT 'host ' || hostname FROM host WHERE id = new.host), (SELECT 'profile ' || name FROM profile WHERE id = new.profile)), 'insert',
      printf('profile = %s, host = %s, destination = %Q, gateway = %Q',
      ifnull(new.profile, 'NULL'), ifnull(new.host, 'NULL'), new.destination, new.gateway)
    FROM actor;
  UPDATE host SET changed_at = max(changed_at, CAST(strftime('%s', 'now') AS INTEGER)) WHERE id = new.host;
  UPDATE profile SET changed_at = max(changed_at, CAST(strftime('%s', 'now') AS INTEGER)) WHERE id = new.profile;
END;

CREATE TRIGGER route_before_update BEFORE UPDATE OF id, destination, host, profile ON route BEGIN
  SELECT CASE
    WHEN new.id IS NOT old.id
      THEN RAISE(ABORT, 'id: it never changes, for it says in `change` which row was meant; DELETE and INSERT make another')
    WHEN EXISTS (SELECT 1 FROM route o WHERE o.host = new.host AND o.destination = new.destination AND o.id <> old.id)
      THEN RAISE(ABORT, 'destination: this host or profile has a route there already; UPDATE that row, or DELETE it first')
    WHEN EXISTS (SELECT 1 FROM route o WHERE o.profile = new.profile AND o.destination = new.destination AND o.id <> old.id)
      THEN RAISE(ABORT, 'destination: this host or profile has a route there already; UPDATE that row, or DELETE it first')
    END;
END;
CREATE TRIGGER route_before_move BEFORE UPDATE OF profile, host ON route BEGIN
  SELECT CASE
    WHEN new.profile IS NOT NULL AND NOT EXISTS (SELECT 1 FROM profile WHERE id = new.profile)
      THEN RAISE(ABORT, 'profile: no such profile. Write (SELECT id FROM profile WHERE name = ''default'') with a name that SELECT name FROM profile lists')
    WHEN new.host IS NOT NULL AND NOT EXISTS (SELECT 1 FROM host WHERE id = new.host)
      THEN RAISE(ABORT, 'host: no such host. Write (SELECT id FROM host WHERE hostname = ''db1'') with a name that SELECT hostname FROM host lists')
    WHEN old.host IS NOT new.host AND EXISTS (SELECT 1 FROM route INDEXED BY route_of_host WHERE host = new.host LIMIT 1 OFFSET 63)
      THEN RAISE(ABORT, 'host: a host may have 64 rows in this table, and has them')
    WHEN old.profile IS NOT new.profile AND EXISTS (SELECT 1 FROM route INDEXED BY route_of_profile WHERE profile = new.profile LIMIT 1 OFFSET 63)
      THEN RAISE(ABORT, 'profile: a profile may have 64 rows in this table, and has them')
    END;
END;

CREATE TRIGGER route_update AFTER UPDATE OF profile, host, destination, gateway ON route WHEN old.profile IS NOT new.profile OR old.host IS NOT new.host OR old.destination IS NOT new.destination OR old.gateway IS NOT new.gateway BEGIN
  INSERT INTO change (actor, txn, tab, row, name, op, old, new)
    SELECT actor.name, actor.txn, 'route', new.id, ifnull((SELECT 'host ' || hostname FROM host WHERE id = new.host), (SELECT 'profile ' || name FROM profile WHERE id = new.profile)), 'update',
      printf('profile = %s, host = %s, destination = %Q, gateway = %Q',
      ifnull(old.profile, 'NULL'), ifnull(old.host, 'NULL'), old.destination, old.gateway),
      printf('profile = %s, host = %s, destination = %Q, gateway = %Q',
      ifnull(new.profile, 'NULL'), ifnull(new.host, 'NULL'), new.destination, new.gateway)
    FROM actor;
  UPDATE host SET changed_at = max(changed_at, CAST(strftime('%s', 'now') AS INTEGER)) WHERE id = new.host;
  UPDATE host SET changed_at = max(changed_at, CAST(strftime('%s', 'now') AS INTEGER)) WHERE id = old.host AND old.host IS NOT new.host;
  UPDATE profile SET changed_at = max(changed_at, CAST(strftime('%s', 'now') AS INTEGER)) WHERE id = new.profile;
  UPDATE profile SET changed_at = max(changed_at, CAST(strftime('%s', 'now') AS INTEGER)) WHERE id = old.profile AND old.profile IS NOT new.profile;
END;

CREATE TRIGGER route_delete AFTER DELETE ON route BEGIN
  DELETE FROM change_replaced WHERE tab = 'route' AND row = old.id;
  INSERT INTO change (actor, txn, tab, row, name, op, old)
    SELECT actor.name, actor.txn, 'route', old.id, ifnull((SELECT 'host ' || hostname FROM host WHERE id = old.host), (SELECT 'profile ' || name FROM profile WHERE id = old.profile)), 'delete',
      printf('profile = %s, host = %s, destination = %Q, gateway = %Q',
      ifnull(old.profile, 'NULL'), ifnull(old.host, 'NULL'), old.destination, old.gateway)
    FROM actor;
  UPDATE host SET changed_at = max(changed_at, CAST(strftime('%s', 'now') AS INTEGER)) WHERE id = old.host;
  UPDATE profile SET changed_at = max(changed_at, CAST(strftime('%s', 'now') AS INTEGER)) WHERE id = old.profile;
END;

CREATE TRIGGER menu_item_before_insert BEFORE INSERT ON menu_item BEGIN
  SELECT CASE
    WHEN NOT EXISTS (SELECT 1 FROM profile WHERE id = new.profile)
      THEN RAISE(ABORT, 'profile: no such profile. Write (SELECT id FROM profile WHERE name = ''default'') with a name that SELECT name FROM profile lists')
    END;
  DELETE FROM change_replaced;
  INSERT INTO change_replaced SELECT 'menu_item', menu_item.id, (SELECT 'profile ' || name FROM profile WHERE id = menu_item.profile),
    printf('profile = %d, key = %Q, label = %Q, body = %Q, position = %d',
      menu_item.profile, menu_item.key, menu_item.label, menu_item.body, menu_item.position)
    FROM (SELECT new.id AS i UNION ALL SELECT id FROM menu_item WHERE profile = new.profile AND key = new.key AND id <> new.id)
    CROSS JOIN menu_item ON menu_item.id = i;
END;

CREATE TRIGGER menu_item_insert AFTER INSERT ON menu_item BEGIN
  SELECT CASE
    WHEN EXISTS (SELECT 1 FROM menu_item INDEXED BY menu_item_of_profile WHERE profile = new.profile LIMIT 1 OFFSET 64)
      THEN RAISE(ABORT, 'profile: a profile may have 64 rows in this table, and has them')
    END;
  INSERT INTO change (actor, txn, tab, row, name, op, old)
    SELECT actor.name, actor.txn, tab, row, r.name, 'replace', old FROM change_replaced r CROSS JOIN actor WHERE tab = 'menu_item';
  DELETE FROM change_replaced;
  INSERT INTO change (actor, txn, tab, row, name, op, new)
    SELECT actor.name, actor.txn, 'menu_item', new.id, (SELECT 'profile ' || name FROM profile WHERE id = new.profile), 'insert',
      printf('profile = %d, key = %Q, label = %Q, body = %Q, position = %d',
      new.profile, new.key, new.label, new.body, new.position)
    FROM actor;
  UPDATE profile SET changed_at = max(changed_at, CAST(strftime('%s', 'now') AS INTEGER)) WHERE id = new.profile;
END;

CREATE TRIGGER menu_item_before_update BEFORE UPDATE OF id, key, profile ON menu_item BEGIN
  SELECT CASE
    WHEN new.id IS NOT old.id
      THEN RAISE(ABORT, 'id: it never changes, for it says in `change` which row was meant; DELETE and INSERT make another')
    WHEN EXISTS (SELECT 1 FROM menu_item o WHERE o.profile = new.profile AND o.key = new.key AND o.id <> old.id)
      THEN RAISE(ABORT, 'key: this profile has an item of this key already; UPDATE that row, or DELETE it first')
    END;
END;
CREATE TRIGGER menu_item_before_move BEFORE UPDATE OF profile ON menu_item BEGIN
  SELECT CASE
    WHEN NOT EXISTS (SELECT 1 FROM profile WHERE id = new.profile)
      THEN RAISE(ABORT, 'profile: no such profile. Write (SELECT id FROM profile WHERE name = ''default'') with a name that SELECT name FROM profile lists')
    WHEN old.profile IS NOT new.profile AND EXISTS (SELECT 1 FROM menu_item INDEXED BY menu_item_of_profile WHERE profile = new.profile LIMIT 1 OFFSET 63)
      THEN RAISE(ABORT, 'profile: a profile may have 64 rows in this table, and has them')
    END;
END;

CREATE TRIGGER menu_item_update AFTER UPDATE OF profile, key, label, body, position ON menu_item WHEN old.profile IS NOT new.profile OR old.key IS NOT new.key OR old.label IS NOT new.label OR old.body IS NOT new.body OR old.position IS NOT new.position BEGIN
  INSERT INTO change (actor, txn, tab, row, name, op, old, new)
    SELECT actor.name, actor.txn, 'menu_item', new.id, (SELECT 'profile ' || name FROM profile WHERE id = new.profile), 'update',
      printf('profile = %d, key = %Q, label = %Q, body = %Q, position = %d',
      old.profile, old.key, old.label, old.body, old.position),
      printf('profile = %d, key = %Q, label = %Q, body = %Q, position = %d',
      new.profile, new.key, new.label, new.body, new.position)
    FROM actor;
  UPDATE profile SET changed_at = max(changed_at, CAST(strftime('%s', 'now') AS INTEGER)) WHERE id = new.profile;
  UPDATE profile SET changed_at = max(changed_at, CAST(strftime('%s', 'now') AS INTEGER)) WHERE id = old.profile AND old.profile IS NOT new.profile;
END;

CREATE TRIGGER menu_item_delete AFTER DELETE ON menu_item BEGIN
  DELETE FROM change_replaced WHERE tab = 'menu_item' AND row = old.id;
  INSERT INTO change (actor, txn, tab, row, name, op, old)
    SELECT actor.name, actor.txn, 'menu_item', old.id, (SELECT 'profile ' || name FROM profile WHERE id = old.profile), 'delete',
      printf('profile = %d, key = %Q, label = %Q, body = %Q, position = %d',
      old.profile, old.key, old.label, old.body, old.position)
    FROM actor;
  UPDATE profile SET changed_at = max(changed_at, CAST(strftime('%s', 'now') AS INTEGER)) WHERE id = old.profile;
END;

CREATE TRIGGER known_property_before_insert BEFORE INSERT ON known_property BEGIN
  DELETE FROM change_replaced;
  INSERT INTO change_replaced SELECT 'known_property', known_property.id, known_property.name,
    printf('name = %Q, type = %Q, meaning = %Q, source = %Q, secret = %d',
      known_property.name, known_property.type, known_property.meaning, known_property.source, known_property.secret)
    FROM (SELECT new.id AS i UNION ALL SELECT id FROM known_property WHERE name = new.name AND id <> new.id)
    CROSS JOIN known_property ON known_property.id = i;
END;

CREATE TRIGGER known_property_insert AFTER INSERT ON known_property BEGIN
  SELECT CASE
    WHEN EXISTS (SELECT 1 FROM known_property LIMIT 1 OFFSET 1000)
      THEN RAISE(ABORT, 'known_property: 1000 rows are the most, and they are there')
    END;
  INSERT INTO change (actor, txn, tab, row, name, op, old)
    SELECT actor.name, actor.txn, tab, row, r.name, 'replace', old FROM change_replaced r CROSS JOIN actor WHERE tab = 'known_property';
  DELETE FROM change_replaced;
  INSERT INTO change (actor, txn, tab, row, name, op, new)
    SELECT actor.name, actor.txn, 'known_property', new.id, new.name, 'insert',
      printf('name = %Q, type = %Q, meaning = %Q, source = %Q, secret = %d',
      new.name, new.type, new.meaning, new.source, new.secret)
    FROM actor;
  UPDATE profile SET changed_at = max(changed_at, CAST(strftime('%s', 'now') AS INTEGER)) WHERE id = 1;
END;

CREATE TRIGGER known_property_before_update BEFORE UPDATE OF id, name ON known_property BEGIN
  SELECT CASE
    WHEN new.id IS NOT old.id
      THEN RAISE(ABORT, 'id: it never changes, for it says in `change` which row was meant; DELETE and INSERT make another')
    WHEN EXISTS (SELECT 1 FROM known_property o WHERE o.name = new.name AND o.id <> old.id)
      THEN RAISE(ABORT, 'name: it is described already; UPDATE that row')
    END;
END;

CREATE TRIGGER known_property_update AFTER UPDATE OF name, type, meaning, source, secret ON known_property WHEN old.name IS NOT new.name OR old.type IS NOT new.type OR old.meaning IS NOT new.meaning OR old.source IS NOT new.source OR old.secret IS NOT new.secret BEGIN
  INSERT INTO change (actor, txn, tab, row, name, op, old, new)
    SELECT actor.name, actor.txn, 'known_property', new.id, new.name, 'update',
      printf('name = %Q, type = %Q, meaning = %Q, source = %Q, secret = %d',
      old.name, old.type, old.meaning, old.source, old.secret),
      printf('name = %Q, type = %Q, meaning = %Q, source = %Q, secret = %d',
      new.name, new.type, new.meaning, new.source, new.secret)
    FROM actor;
  UPDATE profile SET changed_at = max(changed_at, CAST(strftime('%s', 'now') AS INTEGER)) WHERE id = 1;
END;

CREATE TRIGGER known_property_delete AFTER DELETE ON known_property BEGIN
  DELETE FROM change_replaced WHERE tab = 'known_property' AND row = old.id;
  INSERT INTO change (actor, txn, tab, row, name, op, old)
    SELECT actor.name, actor.txn, 'known_property', old.id, old.name, 'delete',
      printf('name = %Q, type = %Q, meaning = %Q, source = %Q, secret = %d',
      old.name, old.type, old.meaning, old.source, old.secret)
    FROM actor;
  UPDATE profile SET changed_at = max(changed_at, CAST(strftime('%s', 'now') AS INTEGER)) WHERE id = 1;
END;

CREATE TRIGGER known_setting_before_insert BEFORE INSERT ON known_setting BEGIN
  DELETE FROM change_replaced;
  INSERT INTO change_replaced SELECT 'known_setting', known_setting.id, known_setting.key,
    printf('key = %Q, type = %Q, choices = %Q, built_in = %Q, meaning = %Q',
      known_setting.key, known_setting.type, known_setting.choices, known_setting.built_in, known_setting.meaning)
    FROM (SELECT new.id AS i UNION ALL SELECT id FROM known_setting WHERE key = new.key AND id <> new.id)
    CROSS JOIN known_setting ON known_setting.id = i;
END;

CREATE TRIGGER known_setting_insert AFTER INSERT ON known_setting BEGIN
  SELECT CASE
    WHEN EXISTS (SELECT 1 FROM known_setting LIMIT 1 OFFSET 256)
      THEN RAISE(ABORT, 'known_setting: 256 rows are the most, and they are there')
    END;
  INSERT INTO change (actor, txn, tab, row, name, op, old)
    SELECT actor.name, actor.txn, tab, row, r.name, 'replace', old FROM change_replaced r CROSS JOIN actor WHERE tab = 'known_setting';
  DELETE FROM change_replaced;
  INSERT INTO change (actor, txn, tab, row, name, op, new)
    SELECT actor.name, actor.txn, 'known_setting', new.id, new.key, 'insert',
      printf('key = %Q, type = %Q, choices = %Q, built_in = %Q, meaning = %Q',
      new.key, new.type, new.choices, new.built_in, new.meaning)
    FROM actor;
  UPDATE profile SET changed_at = max(changed_at, CAST(strftime('%s', 'now') AS INTEGER)) WHERE id = 1;
END;

CREATE TRIGGER known_setting_before_update BEFORE UPDATE OF id, key ON known_setting BEGIN
  SELECT CASE
    WHEN new.id IS NOT old.id
      THEN RAISE(ABORT, 'id: it never changes, for it says in `change` which row was meant; DELETE and INSERT make another')
    WHEN EXISTS (SELECT 1 FROM known_setting o WHERE o.key = new.key AND o.id <> old.id)
      THEN RAISE(ABORT, 'key: the daemon knows this setting by its key, which therefore stays')
    WHEN new.key <> old.key
      THEN RAISE(ABORT, 'key: the daemon knows this setting by its key, which therefore stays')
    END;
END;

CREATE TRIGGER known_setting_update AFTER UPDATE OF key, type, choices, built_in, meaning ON known_setting WHEN old.key IS NOT new.key OR old.type IS NOT new.type OR old.choices IS NOT new.choices OR old.built_in IS NOT new.built_in OR old.meaning IS NOT new.meaning BEGIN
  INSERT INTO change (actor, txn, tab, row, name, op, old, new)
    SELECT actor.name, actor.txn, 'known_setting', new.id, new.key, 'update',
      printf('key = %Q, type = %Q, choices = %Q, built_in = %Q, meaning = %Q',
      old.key, old.type, old.choices, old.built_in, old.meaning),
      printf('key = %Q, type = %Q, choices = %Q, built_in = %Q, meaning = %Q',
      new.key, new.type, new.choices, new.built_in, new.meaning)
    FROM actor;
  UPDATE profile SET changed_at = max(changed_at, CAST(strftime('%s', 'now') AS INTEGER)) WHERE id = 1;
END;

CREATE TRIGGER known_setting_delete AFTER DELETE ON known_setting BEGIN
  DELETE FROM change_replaced WHERE tab = 'known_setting' AND row = old.id;
  INSERT INTO change (actor, txn, tab, row, name, op, old)
    SELECT actor.name, actor.txn, 'known_setting', old.id, old.key, 'delete',
      printf('key = %Q, type = %Q, choices = %Q, built_in = %Q, meaning = %Q',
      old.key, old.type, old.choices, old.built_in, old.meaning)
    FROM actor;
  UPDATE profile SET changed_at = max(changed_at, CAST(strftime('%s', 'now') AS INTEGER)) WHERE id = 1;
END;

CREATE TRIGGER known_answer_before_insert BEFORE INSERT ON known_answer BEGIN
  DELETE FROM change_replaced;
  INSERT INTO change_replaced SELECT 'known_answer', known_answer.id, known_answer.key,
    printf('key = %Q, type = %Q, choices = %Q, meaning = %Q, secret = %d',
      known_answer.key, known_answer.type, known_answer.choices, known_answer.meaning, known_answer.secret)
    FROM (SELECT new.id AS i UNION ALL SELECT id FROM known_answer WHERE key = new.key AND id <> new.id)
    CROSS JOIN known_answer ON known_answer.id = i;
END;

CREATE TRIGGER known_answer_insert AFTER INSERT ON known_answer BEGIN
  SELECT CASE
    WHEN EXISTS (SELECT 1 FROM known_answer LIMIT 1 OFFSET 64)
      THEN RAISE(ABORT, 'known_answer: 64 rows are the most, and they are there')
    END;
  INSERT INTO change (actor, txn, tab, row, name, op, old)
    SELECT actor.name, actor.txn, tab, row, r.name, 'replace', old FROM change_replaced r CROSS JOIN actor WHERE tab = 'known_answer';
  DELETE FROM change_replaced;
  INSERT INTO change (actor, txn, tab, row, name, op, new)
    SELECT actor.name, actor.txn, 'known_answer', new.id, new.key, 'insert',
      printf('key = %Q, type = %Q, choices = %Q, meaning = %Q, secret = %d',
      new.key, new.type, new.choices, new.meaning, new.secret)
    FROM actor;
  UPDATE profile SET changed_at = max(changed_at, CAST(strftime('%s', 'now') AS INTEGER)) WHERE id = 1;
END;

CREATE TRIGGER known_answer_before_update BEFORE UPDATE OF id, key ON known_answer BEGIN
  SELECT CASE
    WHEN new.id IS NOT old.id
      THEN RAISE(ABORT, 'id: it never changes, for it says in `change` which row was meant; DELETE and INSERT make another')
    WHEN EXISTS (SELECT 1 FROM known_answer o WHERE o.key = new.key AND o.id <> old.id)
      THEN RAISE(ABORT, 'key: setup knows this answer by its key, which therefore stays')
    WHEN new.key <> old.key
      THEN RAISE(ABORT, 'key: setup knows this answer by its key, which therefore stays')
    END;
END;

CREATE TRIGGER known_answer_update AFTER UPDATE OF key, type, choices, meaning, secret ON known_answer WHEN old.key IS NOT new.key OR old.type IS NOT new.type OR old.choices IS NOT new.choices OR old.meaning IS NOT new.meaning OR old.secret IS NOT new.secret BEGIN
  INSERT INTO change (actor, txn, tab, row, name, op, old, new)
    SELECT actor.name, actor.txn, 'known_answer', new.id, new.key, 'update',
      printf('key = %Q, type = %Q, choices = %Q, meaning = %Q, secret = %d',
      old.key, old.type, old.choices, old.meaning, old.secret),
      printf('key = %Q, type = %Q, choices = %Q, meaning = %Q, secret = %d',
      new.key, new.type, new.choices, new.meaning, new.secret)
    FROM actor;
  UPDATE profile SET changed_at = max(changed_at, CAST(strftime('%s', 'now') AS INTEGER)) WHERE id = 1;
END;

CREATE TRIGGER known_answer_delete AFTER DELETE ON known_answer BEGIN
  DELETE FROM change_replaced WHERE tab = 'known_answer' AND row = old.id;
  INSERT INTO change (actor, txn, tab, row, name, op, old)
    SELECT actor.name, actor.txn, 'known_answer', old.id, old.key, 'delete',
      printf('key = %Q, type = %Q, choices = %Q, meaning = %Q, secret = %d',
      old.key, old.type, old.choices, old.meaning, old.secret)
    FROM actor;
  UPDATE profile SET changed_at = max(changed_at, CAST(strftime('%s', 'now') AS INTEGER)) WHERE id = 1;
END;
-- Written by schema/triggers.py to here --------------------------------------------------------------------------------

--------------------------------------------------------------------------------------------------------------- views ---
-- Fast with WHERE host = ... or WHERE hostname = ...; over all hosts they are for reports.

CREATE VIEW host_build AS
  -- Which build each host boots, and by which rule.  build NULL: `latest`.
  SELECT h.id AS host, h.hostname,
    CASE WHEN h.build IS NOT NULL THEN h.build
      WHEN h.channel IS NULL AND g.build IS NOT NULL THEN g.build
      WHEN c.canary IS NOT NULL AND ((((h.id & 16777215) + (c.id & 255) * 65599) * 2654435761) % 4294967296) * 100 / 4294967296
        < c.canary_percent THEN c.canary
      WHEN c.id IS NULL AND coalesce(h.channel, g.channel) IS NOT NULL THEN 'channel-' || coalesce(h.channel, g.channel) || '-is-missing'
      ELSE c.build END AS build,
    CASE WHEN h.build IS NOT NULL THEN 'host.build'
      WHEN h.channel IS NULL AND g.build IS NOT NULL THEN 'profile ' || g.name || '.build'
      WHEN c.id IS NULL AND coalesce(h.channel, g.channel) IS NOT NULL THEN 'channel ' || coalesce(h.channel, g.channel) || ', which no row has'
      WHEN c.id IS NULL THEN 'latest (nothing else is set)'
      ELSE CASE WHEN c.canary IS NOT NULL
          AND ((((h.id & 16777215) + (c.id & 255) * 65599) * 2654435761) % 4294967296) * 100 / 4294967296 < c.canary_percent
          THEN 'canary of ' ELSE '' END
        || 'channel ' || c.name || ', from ' || CASE WHEN h.channel IS NOT NULL THEN 'the host' ELSE 'profile ' || g.name END
      END AS why
  FROM host h
  LEFT JOIN profile g ON g.id = (SELECT p.id FROM profile_closure pc CROSS JOIN profile p ON p.id = pc.ancestor
    WHERE pc.descendant = h.profile AND (p.build IS NOT NULL OR p.channel IS NOT NULL) ORDER BY pc.depth LIMIT 1)
  LEFT JOIN channel c ON c.id = coalesce(h.channel, g.channel);

CREATE VIEW host_row_property AS
  -- What the rows alone say: see host_property.
  SELECT h.id AS host, h.hostname, p.name, p.value, 'host ' || h.hostname AS layer
  FROM host h CROSS JOIN property p INDEXED BY property_of_host WHERE p.host = h.id
  UNION ALL
  SELECT h.id, h.hostname, p.name, p.value, 'profile ' || (SELECT a.name FROM profile a WHERE a.id = c.ancestor)
  FROM host h CROSS JOIN profile_closure c CROSS JOIN property p INDEXED BY property_of_profile
  WHERE c.descendant = h.profile AND p.profile = c.ancestor
    AND NOT EXISTS (SELECT 1 FROM property q INDEXED BY property_of_host WHERE q.host = h.id AND q.name = p.name)
    AND NOT EXISTS (SELECT 1 FROM profile_closure c2 CROSS JOIN property q INDEXED BY property_of_profile
      WHERE c2.descendant = h.profile AND c2.depth < c.depth AND q.profile = c2.ancestor AND q.name = p.name);

CREATE VIEW host_property AS
  -- Each host's effective properties, and the layer that gave each.  value NULL: that layer takes an inherited one away.
  -- Two are added to what the rows say, as on the kernel's line: hostname, and the line settings of a serial console.
  SELECT * FROM host_row_property
  UNION ALL
  SELECT h.id, h.hostname, 'hostname', h.hostname, 'host.hostname' FROM host h
  WHERE NOT EXISTS (SELECT 1 FROM property q INDEXED BY property_of_host WHERE q.host = h.id AND q.name = 'hostname')
    AND NOT EXISTS (SELECT 1 FROM profile_closure c CROSS JOIN property q INDEXED BY property_of_profile
      WHERE c.descendant = h.profile AND q.profile = c.ancestor AND q.name = 'hostname')
  UNION ALL
  SELECT w.host, w.hostname, w.value || '-mode', '115200,8,n,1,-', 'console (implied)' FROM host_row_property w
  WHERE w.name = 'console' AND w.value GLOB 'tty[a-d]'
    AND NOT EXISTS (SELECT 1 FROM property q INDEXED BY property_of_host WHERE q.host = w.host AND q.name = w.value || '-mode')
    AND NOT EXISTS (SELECT 1 FROM profile_closure c CROSS JOIN property q INDEXED BY property_of_profile
      WHERE c.descendant = (SELECT h.profile FROM host h WHERE h.id = w.host) AND q.profile = c.ancestor AND q.name = w.value || '-mode');

CREATE VIEW host_setting AS
  -- Each host's effective settings, and the layer that gave each.
  SELECT h.id AS host, h.hostname, k.key, ifnull(s.value, k.built_in) AS value,
    CASE WHEN s.value IS NULL THEN 'built in' WHEN s.profile = 1 THEN 'global'
      ELSE 'profile ' || (SELECT a.name FROM profile a WHERE a.id = s.profile) END AS layer
  FROM host h CROSS JOIN known_setting k
  LEFT JOIN setting s ON s.id = (SELECT t.id FROM profile_closure c CROSS JOIN setting t INDEXED BY setting_of_profile
    WHERE c.descendant = h.profile AND t.profile = c.ancestor AND t.key = k.key ORDER BY c.depth LIMIT 1);

CREATE VIEW host_answer AS
  -- Each host's effective answers, and the layer that gave each.  value NULL: that layer takes an inherited one away.
  SELECT h.id AS host, h.hostname, a.key, a.value, 'host ' || h.hostname AS layer
  FROM host h CROSS JOIN answer a INDEXED BY answer_of_host WHERE a.host = h.id
  UNION ALL
  SELECT h.id, h.hostname, a.key, a.value, 'profile ' || (SELECT p.name FROM profile p WHERE p.id = c.ancestor)
  FROM host h CROSS JOIN profile_closure c CROSS JOIN answer a INDEXED BY answer_of_profile
  WHERE c.descendant = h.profile AND a.profile = c.ancestor
    AND NOT EXISTS (SELECT 1 FROM answer q INDEXED BY answer_of_host WHERE q.host = h.id AND q.key = a.key)
    AND NOT EXISTS (SELECT 1 FROM profile_closure c2 CROSS JOIN answer q INDEXED BY answer_of_profile
      WHERE c2.descendant = h.profile AND c2.depth < c.depth AND q.profile = c2.ancestor AND q.key = a.key);

CREATE VIEW host_answers AS
  -- Each host's answers.json as its machine gets it, with the clear-text password; NULL if nothing is answered, and then there
  -- is none.  No value holds a control character, so that \ and " are all that JSON wants escaped.  setup reads admin_nic
  -- (smartos_prompt_config.sh, promptnic), the documentation says admin_mac: both stand there.
  SELECT h.id AS host, h.hostname, '{' || substr((SELECT group_concat(line, '') FROM (
      SELECT CASE key WHEN 'admin_nic' THEN ',' || char(10) || '  "admin_mac": "' || lower(value) || '"' ELSE '' END
        || ',' || char(10) || '  "' || key || '": ' || CASE (SELECT type FROM known_answer k WHERE k.key = e.key)
          WHEN 'bool' THEN 'true' WHEN 'mac' THEN '"' || lower(value) || '"'
          ELSE '"' || replace(replace(value, '\', '\\'), '"', '\"') || '"' END AS line
      FROM (SELECT key, value, min(depth) FROM (
          SELECT key, value, -1 AS depth FROM answer INDEXED BY answer_of_host WHERE host = h.id
          UNION ALL
          SELECT a.key, a.value, c.depth FROM profile_closure c CROSS JOIN answer a INDEXED BY answer_of_profile
            WHERE c.descendant = h.profile AND a.profile = c.ancestor) GROUP BY key) e
      WHERE value IS NOT NULL ORDER BY key)), 2) || char(10) || '}' || char(10) AS json
  FROM host h;

CREATE VIEW host_network AS
  -- Each host's effective columns of network; '' and NULL: none.
  SELECT h.id AS host, h.hostname,
    coalesce(o.admin_tag, (SELECT a.admin_tag FROM profile_closure c CROSS JOIN network a INDEXED BY sqlite_autoindex_network_1 ON a.profile = c.ancestor
      WHERE c.descendant = h.profile AND a.admin_tag IS NOT NULL ORDER BY c.depth LIMIT 1)) AS admin_tag,
    coalesce(o.dns_domain, (SELECT a.dns_domain FROM profile_closure c CROSS JOIN network a INDEXED BY sqlite_autoindex_network_1 ON a.profile = c.ancestor
      WHERE c.descendant = h.profile AND a.dns_domain IS NOT NULL ORDER BY c.depth LIMIT 1)) AS dns_domain,
    coalesce(o.dns_resolver1, (SELECT a.dns_resolver1 FROM profile_closure c CROSS JOIN network a INDEXED BY sqlite_autoindex_network_1 ON a.profile = c.ancestor
      WHERE c.descendant = h.profile AND a.dns_resolver1 IS NOT NULL ORDER BY c.depth LIMIT 1)) AS dns_resolver1,
    coalesce(o.dns_resolver2, (SELECT a.dns_resolver2 FROM profile_closure c CROSS JOIN network a INDEXED BY sqlite_autoindex_network_1 ON a.profile = c.ancestor
      WHERE c.descendant = h.profile AND a.dns_resolver2 IS NOT NULL ORDER BY c.depth LIMIT 1)) AS dns_resolver2,
    coalesce(o.dns_resolver3, (SELECT a.dns_resolver3 FROM profile_closure c CROSS JOIN network a INDEXED BY sqlite_autoindex_network_1 ON a.profile = c.ancestor
      WHERE c.descendant = h.profile AND a.dns_resolver3 IS NOT NULL ORDER BY c.depth LIMIT 1)) AS dns_resolver3,
    coalesce(o.etherstubs, (SELECT a.etherstubs FROM profile_closure c CROSS JOIN network a INDEXED BY sqlite_autoindex_network_1 ON a.profile = c.ancestor
      WHERE c.descendant = h.profile AND a.etherstubs IS NOT NULL ORDER BY c.depth LIMIT 1)) AS etherstubs,
    coalesce(o.lacp_mode, (SELECT a.lacp_mode FROM profile_closure c CROSS JOIN network a INDEXED BY sqlite_autoindex_network_1 ON a.profile = c.ancestor
      WHERE c.descendant = h.profile AND a.lacp_mode IS NOT NULL ORDER BY c.depth LIMIT 1)) AS lacp_mode
  FROM host h LEFT JOIN network o INDEXED BY sqlite_autoindex_network_2 ON o.host = h.id;

CREATE VIEW host_route AS
  -- Each host's effective routes, and the layer that gave each.  gateway NULL: that layer takes an inherited one away.
  SELECT h.id AS host, h.hostname, r.destination, r.gateway, 'host ' || h.hostname AS layer
  FROM host h CROSS JOIN route r INDEXED BY route_of_host ON r.host = h.id
  UNION ALL
  SELECT h.id, h.hostname, r.destination, r.gateway, 'profile ' || (SELECT a.name FROM profile a WHERE a.id = c.ancestor)
  FROM host h CROSS JOIN profile_closure c CROSS JOIN route r INDEXED BY route_of_profile
  WHERE c.descendant = h.profile AND r.profile = c.ancestor
    AND NOT EXISTS (SELECT 1 FROM route q INDEXED BY route_of_host WHERE q.host = h.id AND q.destination = r.destination)
    AND NOT EXISTS (SELECT 1 FROM profile_closure c2 CROSS JOIN route q INDEXED BY route_of_profile
      WHERE c2.descendant = h.profile AND c2.depth < c.depth AND q.profile = c2.ancestor AND q.destination = r.destination);

CREATE VIEW host_networking AS
  -- Each host's networking.json as its machine gets it; NULL if no NIC of the host has the admin tag, and then there is none.
  -- No column lets anything pass that JSON wants escaped.  A MAC is left out of an address on an aggregation: net-physical
  -- makes no virtual NIC with the MAC of a port.  The port with the admin tag comes first, for the first address of a tag
  -- is the one SmartOS calls by the tag's name.
  SELECT w.host, w.hostname, CASE WHEN EXISTS (SELECT 1 FROM nic n INDEXED BY nic_of_host WHERE n.host = w.host
      AND instr(',' || n.nic_tags_provided || ',', ',' || ifnull(nullif(w.admin_tag, ''), 'admin') || ',')) THEN
    '{' || char(10) || '  "admin_tag": "' || ifnull(nullif(w.admin_tag, ''), 'admin') || '"'
    || ifnull((SELECT ',' || char(10) || '  "aggregations": [' || char(10) || '    ' || group_concat(line, ',' || char(10) || '    ') || char(10) || '  ]' FROM (
        SELECT '{"name": "' || aggr || '", "macs": ["' || (SELECT group_concat(replace(mac, '-', ':'), '", "') FROM (
            SELECT mac FROM nic m INDEXED BY nic_of_host WHERE m.host = w.host AND m.aggr = e.aggr ORDER BY m.id)) || '"]'
          || ifnull(', "lacp_mode": "' || nullif(w.lacp_mode, '') || '"', '') || '}' AS line
        FROM (SELECT DISTINCT aggr FROM nic n INDEXED BY nic_of_host WHERE n.host = w.host AND aggr IS NOT NULL ORDER BY aggr) e)), '')
    || ifnull(',' || char(10) || '  "dns_domain": "' || nullif(w.dns_domain, '') || '"', '')
    || ifnull(',' || char(10) || '  "etherstubs": ["' || replace(nullif(w.etherstubs, ''), ',', '", "') || '"]', '')
    || ',' || char(10) || '  "hostname": "' || w.hostname || '"'
    || (SELECT ',' || char(10) || '  "nictags": [' || char(10) || '    ' || group_concat(line, ',' || char(10) || '    ') || char(10) || '  ]' FROM (
        SELECT '{"name": "' || replace(nic_tags_provided, ',', rest || ',' || char(10) || '    {"name": "') || rest AS line FROM (
          SELECT nic_tags_provided, '", "mac": "' || ifnull(aggr, replace(mac, '-', ':')) || '"'
            || ifnull(', "mtu": ' || mtu, '') || '}' AS rest
          FROM nic n INDEXED BY nic_of_host WHERE n.host = w.host AND nic_tags_provided IS NOT NULL ORDER BY n.id)))
    || ifnull(',' || char(10) || '  "resolvers": ["' || nullif(substr(ifnull('", "' || nullif(w.dns_resolver1, ''), '')
      || ifnull('", "' || nullif(w.dns_resolver2, ''), '') || ifnull('", "' || nullif(w.dns_resolver3, ''), ''), 5), '')
      || '"]', '')
    || ifnull((SELECT ',' || char(10) || '  "routes": {' || char(10) || '    ' || group_concat(line, ',' || char(10) || '    ') || char(10) || '  }' FROM (
        SELECT '"' || destination || '": "' || gateway || '"' AS line FROM (
          SELECT destination, gateway, min(depth) FROM (
            SELECT destination, gateway, -1 AS depth FROM route r INDEXED BY route_of_host WHERE r.host = w.host
            UNION ALL
            SELECT r.destination, r.gateway, c.depth FROM profile_closure c CROSS JOIN route r INDEXED BY route_of_profile
              WHERE c.descendant = (SELECT h.profile FROM host h WHERE h.id = w.host) AND r.profile = c.ancestor) GROUP BY destination)
        WHERE gateway IS NOT NULL ORDER BY destination)), '')
    || ifnull((SELECT ',' || char(10) || '  "vnics": [' || char(10) || '    ' || group_concat(line, ',' || char(10) || '    ') || char(10) || '  ]' FROM (
        SELECT '{"nic_tag": "' || nic_tag || '", "ip": "' || ip || '", "netmask": "' || netmask || '"'
          || ifnull(', "gateway": "' || gateway || '"', '')
          || CASE WHEN aggr IS NULL THEN ', "mac": "' || replace(mac, '-', ':') || '"' ELSE '' END
          || ifnull(', "mtu": ' || mtu, '') || ifnull(', "vlan_id": ' || vlan, '') || '}' AS line
        FROM (SELECT *, instr(',' || ifnull(nic_tags_provided, '') || ',', ',' || ifnull(nullif(w.admin_tag, ''), 'admin') || ',') = 0
            AS later FROM nic n INDEXED BY nic_of_host WHERE n.host = w.host AND netmask IS NOT NULL) ORDER BY later, id)), '')
    || char(10) || '}' || char(10) END AS json
  FROM host_network w;

CREATE VIEW host_boot AS
  -- One line a host, for people.  Secrets are shown as "(set)".
  SELECT h.id AS host, h.hostname,
    CASE WHEN h.enabled = 0 THEN 'local disk' ELSE ifnull(h.build, 'latest') END AS boots,
    CASE WHEN h.enabled = 0 THEN 'host.enabled = 0' ELSE h.why END AS why,
    (SELECT a.name FROM profile a WHERE a.id = h.profile) AS profile,
    (SELECT group_concat(mac, ' ') FROM (SELECT mac FROM nic INDEXED BY nic_of_host WHERE host = h.id ORDER BY id)) AS macs,
    (SELECT group_concat(ip, ' ') FROM (SELECT ip FROM nic INDEXED BY nic_of_host WHERE host = h.id AND ip IS NOT NULL ORDER BY id)) AS ips,
    -- What host_property says, found by id: SQLite does not carry h.id into that view from here.
    (SELECT group_concat(name || CASE WHEN name GLOB '-*' AND value IN ('', 'true') THEN ''
        WHEN name = 'root_shadow' OR EXISTS (SELECT 1 FROM known_property k WHERE k.secret = 1 AND e.name GLOB k.name) THEN '=(set)'
        ELSE '=' || value END, ' ')
      FROM (SELECT name, value, min(depth) FROM (
          SELECT name, value, -1 AS depth FROM property INDEXED BY property_of_host WHERE host = h.id
          UNION ALL
          SELECT p.name, p.value, c.depth FROM profile_closure c CROSS JOIN property p INDEXED BY property_of_profile
            WHERE c.descendant = h.profile AND p.profile = c.ancestor
          UNION ALL
          SELECT 'hostname', h.hostname, 1000
          UNION ALL
          SELECT value || '-mode', '115200,8,n,1,-', 1000 FROM (
            SELECT value, -1 AS depth FROM property INDEXED BY property_of_host WHERE host = h.id AND name = 'console'
            UNION ALL
            SELECT p.value, c.depth FROM profile_closure c CROSS JOIN property p INDEXED BY property_of_profile
              WHERE c.descendant = h.profile AND p.profile = c.ancestor AND p.name = 'console'
            ORDER BY depth LIMIT 1) WHERE value GLOB 'tty[a-d]') GROUP BY name) e
      WHERE value IS NOT NULL) AS properties,
    h.comment
  -- Not a join: with statistics of an inventory that was small, SQLite would read host through for each host.
  FROM (SELECT b.host AS id, b.hostname, b.build, b.why, (SELECT enabled FROM host WHERE id = b.host) AS enabled,
      (SELECT profile FROM host WHERE id = b.host) AS profile, (SELECT comment FROM host WHERE id = b.host) AS comment
    FROM host_build b) h;

--------------------------------------------------------------------------------------------------------------- seeds ---

INSERT INTO known_setting (key, type, choices, built_in, meaning) VALUES
  ('base_url', 'url', NULL, '', 'What stands before /smartos/... in scripts; empty: references relative to the script itself, which works everywhere'),
  ('menu_timeout', 'number', '0|999', '30', 'Seconds until the menu boots its default item; 0: wait for a key'),
  ('menu_style', 'choice', 'full|minimal', 'full', 'full: a menu; minimal: boot at once, ask nothing'),
  ('menu_title', 'text', NULL, 'SmartOS network boot', 'First line of the menu'),
  ('boot_form', 'choice', 'module|initrd', 'module', 'module: boot_archive as type=rootfs and with its hash; initrd: the form of the SmartOS documentation'),
  ('loader', 'choice', 'stock|triton', 'stock', 'Which iPXE: stock holds 512 bytes of kernel line and 8 modules, Triton''s 4096 and 16'),
  ('unknown_host', 'choice', 'menu|local|deny', 'menu', 'Machines that nobody has entered get: the default profile''s menu, their local disk, or a message with their MAC'),
  ('allow_destructive', 'choice', '0|1', '0', '1: properties that destroy data at boot (destroy_zpools) may be set below this profile'),
  ('rescue_standalone', 'choice', '0|1', '0', '1: the menu''s rescue entry also passes standalone=true, as the documentation''s PXELINUX example does'),
  ('rescue_smartos', 'choice', '0|1', '0', '1: the rescue entry keeps smartos=true, as that example does; SmartOS then stops before it applies root_shadow'),
  ('grub_form', 'choice', 'plain|triton', 'plain', 'menu.lst: plain for any GRUB 0.97; triton with kernel$, module$, variable os_console and min_mem64, as sdc-booter writes it'),
  ('iso_menu', 'choice', '0|1', '0', '1: the menu also offers each ISO of /iso, by iPXE''s sanboot (over HTTP only)');

INSERT INTO known_property (name, type, meaning, source, secret) VALUES
  ('smartos', 'bool', 'Standalone SmartOS: without it a new machine never enters setup. Any value counts as set when passwords are looked for', 'SmartOS documentation, PXE booting; smartos-live#337', 0),
  ('root_shadow', 'crypt', 'Hash of root''s password, as in /etc/shadow; used unless smartos is set and /usbkey/shadow exists', 'SmartOS documentation, PXE booting; smartdc-config', 1),
  ('hostname', 'hostname', 'Host name, used after DHCP''s and the configuration''s; given from host.hostname unless set here', 'SmartOS documentation, PXE booting; identity-node', 0),
  ('noimport', 'bool', 'Do not import pools (rescue)', 'SmartOS documentation, PXE booting; fs-joyent', 0),
  ('standalone', 'bool', 'Triton only', 'SmartOS documentation, PXE booting', 0),
  ('headnode', 'bool', 'Triton only', 'SmartOS documentation, PXE booting', 0),
  ('console', 'console', 'Console device: text and graphics are the screen, ttya to ttyd the serial ports COM1 to COM4', 'SmartOS documentation, PXE booting; build_boot_image', 0),
  ('tty[a-d]-mode', 'ttymode', 'Line settings of a serial console: speed,bits,parity,stop bits,handshake', 'SmartOS documentation, PXE booting; sdc-booter', 0),
  ('zpool', 'text', 'Pool to import', 'fs-joyent', 0),
  ('zpools', 'text', 'Pools to import, joined by commas', 'fs-joyent', 0),
  ('destroy_zpools', 'destructive', 'DESTROYS every imported pool at boot', 'fs-joyent', 0),
  ('*_nic', 'nic', 'NIC tag (admin_nic, external_nic, ...): the MAC or link that carries it', 'sdc-booter lib/bootparams.js; nictagadm', 0),
  ('*_aggr', 'text', 'Link aggregation: the MACs of its ports, joined by commas', 'sdc-booter lib/bootparams.js', 0),
  ('*_lacp_mode', 'text', 'off, active or passive', 'sdc-booter lib/bootparams.js', 0),
  ('etherstub', 'text', 'Virtual switches, joined by commas', 'nictagadm', 0),
  ('admin_ip', 'ip', 'Address on the admin network, or dhcp, where there is no configuration', 'net-physical', 0),
  ('admin_netmask', 'ip', 'Its netmask', 'net-physical', 0),
  ('admin_gateway', 'ip', 'Its gateway', 'net-physical', 0),
  ('admin_ip6', 'ip', 'IPv6 address on the admin network, or dhcp', 'net-physical', 0),
  ('admin_gateway6', 'ip', 'Its gateway', 'net-physical', 0),
  ('smt_enabled', 'bool', 'Use the sibling threads of each core', 'sdc-cnapi; SmartOS documentation, extra configuration options', 0),
  ('rabbitmq', 'text', 'Triton agents: user:password:host:port', 'sdc-cnapi', 1),
  ('rabbitmq_dns', 'text', 'Triton agents: user:password:name:port', 'sdc-cnapi', 1),
  ('triton_installer', 'text', 'Triton installer', 'piadm.sh; build-ipxe', 0),
  ('triton_bootpool', 'text', 'Pool that Triton boots from', 'piadm.sh; build-ipxe', 0),
  ('triton_isourl', 'text', 'Triton installer: where the ISO is', 'piadm.sh; build-ipxe', 0),
  ('triton_testdomain', 'text', 'Triton installer', 'piadm.sh; build-ipxe', 0),
  ('override_uuid', 'uuid', 'System UUID in place of the one SMBIOS tells', 'smartos-live src/sysinfo', 0),
  ('fstype', 'text', 'ufs: keep the ramdisk when booted from a pool', 'piadm.sh', 0),
  ('physmem', 'number', 'Use only that many pages of memory', 'illumos-gate fakebop.c', 0),
  ('prom_debug', 'text', 'Early boot messages, whatever the value', 'illumos-gate fakebop.c, dboot_startkern.c', 0),
  ('kbm_debug', 'text', 'Early memory set-up messages, whatever the value', 'illumos-gate fakebop.c, dboot_startkern.c', 0),
  ('map_debug', 'text', 'Early memory map messages, whatever the value', 'illumos-gate dboot_startkern.c', 0),
  ('acpi-user-options', 'number', 'ACPI control bits', 'Solaris boot documentation', 0),
  ('acpi-enum', 'text', 'off: do not enumerate devices by ACPI', 'Solaris boot documentation', 0),
  ('boot-ncpus', 'number', 'Start only that many CPUs', 'smartos-live src/sysinfo', 0),
  ('*-max-ncpus', 'number', 'Limit of CPUs', 'smartos-live src/sysinfo', 0),
  ('atapi-cd-dma-enabled', 'number', '1: DMA for ATAPI CD drives', 'smartos-live src/sysinfo', 0),
  ('input-device', 'derived', 'Made by the kernel from console', 'illumos-gate fakebop.c', 0),
  ('output-device', 'derived', 'Made by the kernel from console', 'illumos-gate fakebop.c', 0),
  ('bootpath', 'derived', 'Made by the kernel', 'illumos-gate fakebop.c', 0),
  ('ramdisk_start', 'derived', 'Made by the kernel', 'illumos-gate fakebop.c', 0),
  ('ramdisk_end', 'derived', 'Made by the kernel', 'illumos-gate fakebop.c', 0),
  ('module-*', 'derived', 'Made by the kernel from the modules loaded', 'illumos-gate fakebop.c', 0),
  ('boot-args', 'derived', 'Made by the kernel from its own line', 'illumos-gate fakebop.c, build_boot_properties', 0),
  ('bootargs', 'derived', 'Made by the kernel from its own line', 'illumos-gate fakebop.c, build_boot_properties', 0),
  ('boot-file', 'derived', 'Made by the kernel from its own line', 'illumos-gate fakebop.c, build_boot_properties', 0),
  ('whoami', 'derived', 'Made by the kernel from its own line', 'illumos-gate fakebop.c, build_boot_properties', 0),
  ('mfg-name', 'derived', 'Made by the kernel', 'illumos-gate fakebop.c, build_boot_properties', 0),
  ('impl-arch-name', 'derived', 'Made by the kernel', 'illumos-gate fakebop.c, build_boot_properties', 0),
  ('stdout', 'derived', 'Made by the kernel', 'illumos-gate fakebop.c, build_boot_properties', 0),
  ('-k', 'flag', 'Load the kernel debugger', 'kernel(8)', 0),
  ('-d', 'flag', 'Enter the kernel debugger at boot (with -k)', 'kernel(8)', 0),
  ('-kd', 'flag', 'Load the kernel debugger and enter it at boot', 'SmartOS documentation, PXE booting; kernel(8)', 0),
  ('-v', 'flag', 'Verbose boot', 'SmartOS documentation, PXE booting; kernel(8)', 0),
  ('-s', 'flag', 'Single user', 'kernel(8)', 0),
  ('-r', 'flag', 'Reconfigure devices', 'kernel(8)', 0),
  ('-a', 'flag', 'Ask for file names', 'kernel(8)', 0),
  ('-x', 'flag', 'Do not boot in cluster mode', 'kernel(8)', 0),
  ('-m', 'word', 'SMF options, for example milestone=none', 'kernel(8); sdc-cnapi', 0),
  ('-i', 'word', 'Another program in place of init', 'kernel(8)', 0);

INSERT INTO known_answer (key, type, choices, meaning, secret) VALUES
  ('admin_ip', 'ip', 'dhcp', 'The address on the admin network, or dhcp', 0),
  ('admin_netmask', 'ip', NULL, 'Its netmask; not needed with dhcp', 0),
  ('admin_nic', 'mac', NULL, 'The NIC of the admin network, by its MAC; served as admin_nic, which setup reads, and as admin_mac', 0),
  ('bootpool', 'pool', 'none', 'The pool to boot from: none, zones or another name', 0),
  ('config_console', 'bool', NULL, 'This is an unattended install; without it setup waits for Enter', 0),
  ('dns_resolver1', 'ip', NULL, 'A name server', 0),
  ('dns_resolver2', 'ip', NULL, 'Another', 0),
  ('dns_search', 'name', NULL, 'The domain to search', 0),
  ('headnode_default_gateway', 'ip', 'none', 'setup wants it: an address, or none with dhcp', 0),
  ('hostname', 'name', NULL, 'The name of the installed system; without it setup asks', 0),
  ('install_pkgsrc', 'choice', 'yes|no', 'Install pkgsrc tools', 0),
  ('ntp_host', 'name', NULL, 'A time server, by name or address', 0),
  ('pisource', 'text', NULL, 'What to install into bootpool, where that is not none: else setup asks for it', 0),
  ('root_password', 'text', NULL, 'CLEAR TEXT, as setup wants it; root_shadow is the better way where it will do', 1),
  ('simple_headers', 'bool', NULL, 'Brief headers, the screen is not cleared', 0),
  ('skip_final_confirm', 'bool', NULL, 'No last question', 0),
  ('skip_final_summary', 'bool', NULL, 'No summary at the end', 0),
  ('skip_instructions', 'bool', NULL, 'No explanations', 0),
  ('skip_ntp_check', 'bool', NULL, 'ntp_host is not tried', 0),
  ('zpool_confirm_layout', 'choice', 'yes|no', 'yes: the layout is not asked for', 0),
  ('zpool_layout', 'choice', 'default|mirror|raidz2|manual', 'The layout of the pool zones; manual: setup drops to a shell', 0);

INSERT INTO profile (id, name, parent, comment) VALUES (1, 'default', NULL, 'what every host and every unknown machine inherits');

-- As in the documentation's menu; root_shadow is yours to set:
--   INSERT INTO property (profile, name, value) VALUES (1, 'root_shadow', '$5$...');
INSERT INTO property (profile, name, value) VALUES (1, 'smartos', 'true'), (1, 'console', 'text');

-- The log begins with the operator's first change.
DELETE FROM change;
DELETE FROM sqlite_sequence WHERE name = 'change';
COMMIT;
