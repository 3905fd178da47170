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
--   * Copy a live inventory with  sqlite3 inventory.db '.backup copy.db'.  A .dump loses
--     application_id and user_version.
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
  hostname TEXT NOT NULL UNIQUE
           CONSTRAINT "hostname: letters, digits and inner hyphens, labels of 1 to 63 joined by dots, 253 in all (RFC 1123)"
           CHECK (length(CAST(hostname AS BLOB)) BETWEEN 1 AND 253 AND instr(hostname, char(0)) = 0
             AND hostname NOT GLOB '*[^A-Za-z0-9.-]*'
             AND '.' || hostname || '.' NOT GLOB '*.[.-]*' AND '.' || hostname || '.' NOT GLOB '*-.*'
             AND hostname NOT GLOB '*' || replace(hex(zeroblob(64)), '00', '[^.]') || '*')
           CONSTRAINT "hostname: this is an IP address; give the machine a name, and put the address into nic.ip"
           CHECK (hostname GLOB '*[^0-9.]*' OR hostname NOT GLOB '*.*.*.*'),
  -- The machine's UUID as SMBIOS gives it; any case is accepted, lower case is stored.  Shown below /by-uuid.
  uuid     TEXT
           CONSTRAINT "uuid: 32 hex digits as 8-4-4-4-12, for example 4c4c4544-0042-3010-8054-b4c04f4e5331"
           CHECK (length(uuid) = 36 AND replace(uuid, '-', '') NOT GLOB '*[^0-9A-Fa-f]*'
             AND uuid GLOB '????????-????-????-????-????????????' AND length(replace(uuid, '-', '')) = 32),
  serial   TEXT                         -- the maker's serial number or your asset tag; for people only
           CONSTRAINT "serial: one line of at most 200 bytes, no control characters"
           CHECK (serial NOT GLOB '*[' || char(1) || '-' || char(31) || char(127) || '-' || char(159) || ']*'
             AND instr(serial, char(0)) = 0 AND length(CAST(serial AS BLOB)) <= 200),
  profile  INTEGER NOT NULL DEFAULT 1   -- where it inherits properties, settings and the build from
           REFERENCES profile (id),
  -- Which build: host.build, else host.channel, else the nearest profile that has either, else the newest release
  -- build there is (`latest`).  The view host_build says which rule gave it.
  build    TEXT
           CONSTRAINT "build: a build's name, YYYYMMDDThhmmssZ or <branch>-YYYYMMDDThhmmssZ, or NULL; pxectl builds lists them"
           CHECK (build GLOB '*[0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9]T[0-9][0-9][0-9][0-9][0-9][0-9]Z'
             AND (length(build) = 16 OR length(build) BETWEEN 18 AND 127 AND substr(build, -17, 1) = '-')
             AND build NOT GLOB '*[^A-Za-z0-9._+-]*' AND build GLOB '[A-Za-z0-9]*'
             AND length(CAST(build AS BLOB)) = length(build)
             AND substr(build, -12, 2) BETWEEN '01' AND '12' AND substr(build, -10, 2) BETWEEN '01' AND '31'
             AND substr(build, -7, 2) <= '23' AND substr(build, -5, 2) <= '59' AND substr(build, -3, 2) <= '60'),
  channel  INTEGER REFERENCES channel (id),  -- follow this channel
  comment  TEXT
           CONSTRAINT "comment: one line of at most 1000 bytes, no control characters"
           CHECK (comment NOT GLOB '*[' || char(1) || '-' || char(31) || char(127) || '-' || char(159) || ']*'
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
  ON host (lower(hostname));
CREATE INDEX host_by_profile ON host (profile);
CREATE INDEX host_by_channel ON host (channel) WHERE channel IS NOT NULL;
CREATE INDEX host_by_uuid ON host (uuid) WHERE uuid IS NOT NULL;

CREATE TABLE nic (
  -- One network interface.  A host has as many as it has ports: whichever boots, the host is found.
  id       INTEGER PRIMARY KEY,         -- the host's lowest is the one /by-name, /by-ip and /by-uuid lead to
  -- Stored as iPXE prints ${mac:hexhyp}, "aa-bb-cc-dd-ee-ff".  Write any spelling that loaders and people use: - or :
  -- or nothing between, either case, with or without the ARP hardware type in front ("01-", as PXELINUX asks for it);
  -- a trigger rewrites it.
  mac      TEXT NOT NULL UNIQUE
           CONSTRAINT "mac: twelve hex digits in pairs, separated by -, : or nothing, for example 02:08:20:ab:cd:01"
           CHECK (length(CAST(mac AS BLOB)) IN (12, 14, 17, 20) AND mac NOT GLOB '*[^0-9A-Fa-f:-]*'
             AND (mac GLOB '????????????' OR mac GLOB '01????????????'
               OR mac GLOB '??-??-??-??-??-??' OR mac GLOB '01-??-??-??-??-??-??'
               OR mac GLOB '??:??:??:??:??:??' OR mac GLOB '01:??:??:??:??:??:??')
             AND length(replace(replace(mac, ':', ''), '-', ''))
               = CASE length(mac) WHEN 17 THEN 12 WHEN 20 THEN 14 ELSE length(mac) END)
           CONSTRAINT "mac: this is a multicast or broadcast address, which no machine has; look at the first two digits"
           CHECK (substr(replace(replace(mac, ':', ''), '-', ''), -11, 1) NOT IN
             ('1', '3', '5', '7', '9', 'b', 'd', 'f', 'B', 'D', 'F'))
           CONSTRAINT "mac: all zeros is no address; ip link, dladm show-phys -m or the switch tell it"
           CHECK (replace(replace(mac, ':', ''), '-', '') NOT GLOB '*000000000000'),
  host     INTEGER NOT NULL REFERENCES host (id),
  -- The address DHCP gives it, if you want /by-ip.  IPv4 in dotted decimal, or IPv6 (stored in lower case; not
  -- compressed further).
  ip       TEXT
           CONSTRAINT "ip: four numbers 0-255 without leading zeros (192.0.2.7), or an IPv6 address (2001:db8::7), no /prefix"
           CHECK (ip IS NULL OR instr(ip, char(0)) = 0 AND CASE
             WHEN ip GLOB '*[^0-9.]*' THEN
               ip NOT GLOB '*[^0-9A-Fa-f:]*' AND ip GLOB '*:*:*' AND instr(ip, ':::') = 0
               AND ip NOT GLOB '*[0-9A-Fa-f][0-9A-Fa-f][0-9A-Fa-f][0-9A-Fa-f][0-9A-Fa-f]*'
               AND (ip NOT GLOB ':*' OR ip GLOB '::*') AND (ip NOT GLOB '*:' OR ip GLOB '*::')
               AND length(ip) - length(replace(ip, '::', '')) IN (0, 2)
               AND length(ip) - length(replace(ip, ':', '')) BETWEEN
                 CASE WHEN instr(ip, '::') THEN 2 ELSE 7 END AND CASE WHEN ip GLOB '::*' OR ip GLOB '*::' THEN 8 ELSE 7 END
             WHEN length(ip) BETWEEN 7 AND 15 AND ip GLOB '[0-9]*.[0-9]*.[0-9]*.[0-9]*' THEN
               length(ip) - length(replace(ip, '.', '')) = 3 AND ip NOT GLOB '*..*' AND '.' || ip || '.' NOT GLOB '*.0[0-9]*'
               AND ip NOT GLOB '*[0-9][0-9][0-9][0-9]*' AND '.' || ip || '.' NOT GLOB '*.[3-9][0-9][0-9].*'
               AND '.' || ip || '.' NOT GLOB '*.2[6-9][0-9].*' AND '.' || ip || '.' NOT GLOB '*.25[6-9].*'
             ELSE 0 END),
  -- What follows makes networking.json, see the table network.  Without any of it the host gets none, and SmartOS takes its
  -- network from boot properties, its own configuration or DHCP.
  -- The port's or virtual NIC's own address: key vnics of networking.json, which holds ip, mac and these columns.  A second
  -- address, in a VLAN for example, is a second row with a MAC of its own (02-... of your choice).
  netmask  TEXT
           CONSTRAINT "netmask: four numbers 0-255 joined by dots, ones before zeros (255.255.255.0), no /prefix"
           CHECK (instr(netmask, char(0)) = 0 AND (netmask GLOB '255.255.255.*' AND substr(netmask, 13) IN ('0', '128', '192', '224', '240', '248', '252', '254', '255')
             OR netmask GLOB '255.255.*.0' AND substr(netmask, 9, length(netmask) - 10) IN ('0', '128', '192', '224', '240', '248', '252', '254', '255')
             OR netmask GLOB '255.*.0.0' AND substr(netmask, 5, length(netmask) - 8) IN ('0', '128', '192', '224', '240', '248', '252', '254', '255')
             OR netmask GLOB '[12]*.0.0.0' AND substr(netmask, 1, length(netmask) - 6) IN ('0', '128', '192', '224', '240', '248', '252', '254', '255'))),
  -- Of the admin tag's or of external's address: the default route.
  gateway  TEXT
           CONSTRAINT "gateway: four numbers 0-255 without leading zeros joined by dots (192.0.2.1)"
           CHECK (instr(gateway, char(0)) = 0 AND length(gateway) BETWEEN 7 AND 15 AND gateway GLOB '[0-9]*.[0-9]*.[0-9]*.[0-9]*' AND gateway NOT GLOB '*[^0-9.]*'
             AND length(gateway) - length(replace(gateway, '.', '')) = 3 AND gateway NOT GLOB '*..*' AND '.' || gateway || '.' NOT GLOB '*.0[0-9]*'
             AND gateway NOT GLOB '*[0-9][0-9][0-9][0-9]*' AND '.' || gateway || '.' NOT GLOB '*.[3-9][0-9][0-9].*'
             AND '.' || gateway || '.' NOT GLOB '*.2[6-9][0-9].*' AND '.' || gateway || '.' NOT GLOB '*.25[6-9].*'),
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
  ON nic (substr(lower(replace(replace(mac, ':', ''), '-', '')), -12));
CREATE INDEX nic_by_host ON nic (host);
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
           CHECK (build GLOB '*[0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9]T[0-9][0-9][0-9][0-9][0-9][0-9]Z'
             AND (length(build) = 16 OR length(build) BETWEEN 18 AND 127 AND substr(build, -17, 1) = '-')
             AND build NOT GLOB '*[^A-Za-z0-9._+-]*' AND build GLOB '[A-Za-z0-9]*'
             AND length(CAST(build AS BLOB)) = length(build)
             AND substr(build, -12, 2) BETWEEN '01' AND '12' AND substr(build, -10, 2) BETWEEN '01' AND '31'
             AND substr(build, -7, 2) <= '23' AND substr(build, -5, 2) <= '59' AND substr(build, -3, 2) <= '60'),
  channel  INTEGER REFERENCES channel (id),
  comment  TEXT
           CONSTRAINT "comment: one line of at most 1000 bytes, no control characters"
           CHECK (comment NOT GLOB '*[' || char(1) || '-' || char(31) || char(127) || '-' || char(159) || ']*'
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
           CHECK (build GLOB '*[0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9]T[0-9][0-9][0-9][0-9][0-9][0-9]Z'
             AND (length(build) = 16 OR length(build) BETWEEN 18 AND 127 AND substr(build, -17, 1) = '-')
             AND build NOT GLOB '*[^A-Za-z0-9._+-]*' AND build GLOB '[A-Za-z0-9]*'
             AND length(CAST(build AS BLOB)) = length(build)
             AND substr(build, -12, 2) BETWEEN '01' AND '12' AND substr(build, -10, 2) BETWEEN '01' AND '31'
             AND substr(build, -7, 2) <= '23' AND substr(build, -5, 2) <= '59' AND substr(build, -3, 2) <= '60'),
  -- A build to be tried on some of the channel's hosts.  A host is one of them if its bucket, a number from 0 to 99,
  -- is less than canary_percent.  The bucket depends on host.id and channel.id only, so raising the percentage adds
  -- hosts and never exchanges them:
  --   (((host.id & 16777215) + (channel.id & 255) * 65599) * 2654435761 % 4294967296) * 100 / 4294967296
  -- (Fibonacci hashing, Knuth, The Art of Computer Programming 6.4: neighbouring ids fall far apart).
  canary   TEXT
           CONSTRAINT "canary: a build's name, YYYYMMDDThhmmssZ or <branch>-YYYYMMDDThhmmssZ, or NULL; pxectl builds lists them"
           CHECK (canary GLOB '*[0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9]T[0-9][0-9][0-9][0-9][0-9][0-9]Z'
             AND (length(canary) = 16 OR length(canary) BETWEEN 18 AND 127 AND substr(canary, -17, 1) = '-')
             AND canary NOT GLOB '*[^A-Za-z0-9._+-]*' AND canary GLOB '[A-Za-z0-9]*'
             AND length(CAST(canary AS BLOB)) = length(canary)
             AND substr(canary, -12, 2) BETWEEN '01' AND '12' AND substr(canary, -10, 2) BETWEEN '01' AND '31'
             AND substr(canary, -7, 2) <= '23' AND substr(canary, -5, 2) <= '59' AND substr(canary, -3, 2) <= '60'),
  canary_percent INTEGER NOT NULL DEFAULT 0
           CONSTRAINT "canary_percent: a number from 0 to 100" CHECK (canary_percent BETWEEN 0 AND 100),
  comment  TEXT
           CONSTRAINT "comment: one line of at most 1000 bytes, no control characters"
           CHECK (comment NOT GLOB '*[' || char(1) || '-' || char(31) || char(127) || '-' || char(159) || ']*'
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
           CONSTRAINT "name: a property is letters, digits, '_', '.' and '-' after a letter, 60 at most; a kernel flag is - and letters"
           CHECK (length(CAST(name AS BLOB)) BETWEEN 1 AND 60 AND instr(name, char(0)) = 0 AND CASE WHEN name GLOB '-*'
             THEN name GLOB '-?*' AND substr(name, 2) NOT GLOB '*[^A-Za-z]*'
             ELSE name GLOB '[A-Za-z]*' AND name NOT GLOB '*[^A-Za-z0-9_.-]*' END)
           CONSTRAINT "name: -B begins the list of properties and is written for you; give each property a row of its own"
           CHECK (name <> '-B'),
  -- Text, without any quotes of your own: quoting is done where it is needed.  NULL takes away what would be
  -- inherited.  A flag's value is '' or the word it takes (-m: 'milestone=none').  What follows refuses what no
  -- loader can carry: iPXE splits at blanks, knows no quotes and expands ${ (src/core/exec.c, src/core/settings.c of
  -- iPXE); the kernel knows quotes only around a whole value and no escapes (usr/src/uts/i86pc/os/fakebop.c of
  -- illumos-gate); mboot.c32 splits at ---.
  value    TEXT
           CONSTRAINT "value: one line, no control characters (tabs and line breaks end a loader's command)"
           CHECK (value NOT GLOB '*[' || char(1) || '-' || char(31) || char(127) || '-' || char(159) || ']*'
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
           CONSTRAINT "value: not both ' and "" together with a comma, a blank or a leading quote, the kernel has no escapes; use one kind of quote"
           CHECK (instr(value, '''') = 0 OR instr(value, '"') = 0
             OR (instr(value, ',') = 0 AND instr(value, ' ') = 0 AND substr(value, 1, 1) NOT IN ('''', '"')))
           CONSTRAINT "value: at most 1000 bytes" CHECK (length(CAST(value AS BLOB)) <= 1000),
  -- SmartOS writes it into /etc/shadow with sed "s|...|...|" (smartdc-config), and crypt's alphabet has none of its
  -- characters; = and , only in "rounds=5000".
  CONSTRAINT "root_shadow: a crypt hash $id$salt$hash as openssl passwd -5 or -6 prints it, never the password; no & | or \"
    CHECK (name <> 'root_shadow' OR value GLOB '$[0-9a-z]*$?*$?*' AND value NOT GLOB '*[^A-Za-z0-9./$,=]*'),
  CONSTRAINT "host, profile: give exactly one of the two (a SELECT that finds nothing gives NULL: look at the name in it)"
    CHECK ((profile IS NULL) <> (host IS NULL)),
  UNIQUE (host, name),                  -- INSERT ... ON CONFLICT (host, name) DO UPDATE SET value = excluded.value
  UNIQUE (profile, name)
) STRICT;

CREATE UNIQUE INDEX "name: this host or profile has this property already; UPDATE it, or INSERT ... ON CONFLICT (host, name) DO UPDATE SET value = excluded.value, or (profile, name)"
  ON property (ifnull(host, -profile), name);

CREATE TABLE known_property (
  -- The documentation of every boot option, queryable, and what values are checked by.  Add rows of your own freely.
  id       INTEGER PRIMARY KEY,
  name     TEXT NOT NULL UNIQUE         -- the property's or flag's name, or a GLOB pattern: '*_nic'
           CONSTRAINT "name: one line of at most 60 bytes: a property's name, -flag, or a GLOB pattern such as *_nic"
           CHECK (name NOT GLOB '*[' || char(1) || '-' || char(31) || char(127) || '-' || char(159) || ']*'
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
           CONSTRAINT "meaning: one line of at most 1000 bytes, no control characters" CHECK (meaning NOT GLOB '*[' || char(1) || '-' || char(31) || char(127) || '-' || char(159) || ']*'
             AND instr(meaning, char(0)) = 0 AND length(CAST(meaning AS BLOB)) <= 1000),
  source   TEXT NOT NULL DEFAULT ''     -- where that is written
           CONSTRAINT "source: one line of at most 1000 bytes, no control characters" CHECK (source NOT GLOB '*[' || char(1) || '-' || char(31) || char(127) || '-' || char(159) || ']*'
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
           CONSTRAINT "value: one line of at most 500 bytes, no control characters" CHECK (value NOT GLOB '*[' || char(1) || '-' || char(31) || char(127) || '-' || char(159) || ']*'
             AND instr(value, char(0)) = 0 AND length(CAST(value AS BLOB)) <= 500)
           CONSTRAINT "value: no blank at its beginning or end and no two blanks together, loaders drop them"
           CHECK (value NOT GLOB ' *' AND value NOT GLOB '* ' AND instr(value, '  ') = 0),
  UNIQUE (profile, key)                 -- INSERT ... ON CONFLICT (profile, key) DO UPDATE SET value = excluded.value
) STRICT;

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
           CONSTRAINT "choices: one line, words joined by |" CHECK (choices NOT GLOB '*[' || char(1) || '-' || char(31) || char(127) || '-' || char(159) || ']*'
             AND instr(choices, char(0)) = 0 AND length(CAST(choices AS BLOB)) <= 200),
  built_in TEXT NOT NULL DEFAULT ''     -- what holds when no row says otherwise
           CONSTRAINT "built_in: one line of at most 500 bytes, no control characters" CHECK (built_in NOT GLOB '*[' || char(1) || '-' || char(31) || char(127) || '-' || char(159) || ']*'
             AND instr(built_in, char(0)) = 0 AND length(CAST(built_in AS BLOB)) <= 500),
  meaning  TEXT NOT NULL DEFAULT ''
           CONSTRAINT "meaning: one line of at most 1000 bytes, no control characters" CHECK (meaning NOT GLOB '*[' || char(1) || '-' || char(31) || char(127) || '-' || char(159) || ']*'
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
    CHECK ((profile IS NULL) <> (host IS NULL)),
  UNIQUE (host, name),
  UNIQUE (profile, name)
) STRICT;

CREATE TABLE answer (
  -- Answers for SmartOS' setup, so that a machine installs itself (smartos-docs, non-interactive-install): one row for a
  -- profile or a host, one column for a question.  The machine gets them as the boot module answers.json, made of what its
  -- host and profiles say together, each question answered by the nearest row in which it is not NULL.  A module of that
  -- name takes the place of it.  0 and '' take an inherited answer away, and setup asks.
  --   INSERT INTO answer (profile, config_console, skip_instructions, skip_final_confirm, admin_ip, headnode_default_gateway)
  --     VALUES (1, 1, 1, 1, 'dhcp', 'none');
  --   INSERT INTO answer (host, admin_mac) VALUES (17, '52:54:00:2f:61:34')
  --     ON CONFLICT (host) DO UPDATE SET admin_mac = excluded.admin_mac;
  --   SELECT json FROM host_answers WHERE hostname = 'db1';
  id       INTEGER PRIMARY KEY,
  profile  INTEGER UNIQUE REFERENCES profile (id),  -- one of these two
  host     INTEGER UNIQUE REFERENCES host (id),
  config_console INTEGER  -- 1: this is an unattended install; without it setup waits for Enter
           CONSTRAINT "config_console: 1 for true, 0 to leave it out" CHECK (config_console IN (0, 1)),
  skip_instructions INTEGER  -- 1: no explanations
           CONSTRAINT "skip_instructions: 1 for true, 0 to leave it out" CHECK (skip_instructions IN (0, 1)),
  simple_headers INTEGER  -- 1: brief headers, the screen is not cleared
           CONSTRAINT "simple_headers: 1 for true, 0 to leave it out" CHECK (simple_headers IN (0, 1)),
  admin_mac TEXT  -- the NIC of the admin network
           CONSTRAINT "admin_mac: six pairs of hex digits joined by :, for example 52:54:00:2f:61:34, or '' for none"
           CHECK (admin_mac = '' OR instr(admin_mac, char(0)) = 0 AND (length(admin_mac) = 17 AND admin_mac GLOB '??:??:??:??:??:??' AND replace(admin_mac, ':', '') NOT GLOB '*[^0-9A-Fa-f]*' AND length(replace(admin_mac, ':', '')) = 12)),
  admin_ip TEXT  -- its address, or dhcp
           CONSTRAINT "admin_ip: dhcp, or four numbers 0-255 joined by dots (192.0.2.7), or '' for none"
           CHECK (admin_ip = '' OR instr(admin_ip, char(0)) = 0 AND (admin_ip = 'dhcp' OR length(admin_ip) BETWEEN 7 AND 15 AND admin_ip GLOB '[0-9]*.[0-9]*.[0-9]*.[0-9]*' AND admin_ip NOT GLOB '*[^0-9.]*'
             AND length(admin_ip) - length(replace(admin_ip, '.', '')) = 3 AND admin_ip NOT GLOB '*..*' AND '.' || admin_ip || '.' NOT GLOB '*.0[0-9]*'
             AND admin_ip NOT GLOB '*[0-9][0-9][0-9][0-9]*' AND '.' || admin_ip || '.' NOT GLOB '*.[3-9][0-9][0-9].*'
             AND '.' || admin_ip || '.' NOT GLOB '*.2[6-9][0-9].*' AND '.' || admin_ip || '.' NOT GLOB '*.25[6-9].*')),
  admin_netmask TEXT  -- not needed with dhcp
           CONSTRAINT "admin_netmask: four numbers 0-255 joined by dots (255.255.255.0), no /prefix, or '' for none"
           CHECK (admin_netmask = '' OR instr(admin_netmask, char(0)) = 0 AND (length(admin_netmask) BETWEEN 7 AND 15 AND admin_netmask GLOB '[0-9]*.[0-9]*.[0-9]*.[0-9]*' AND admin_netmask NOT GLOB '*[^0-9.]*'
             AND length(admin_netmask) - length(replace(admin_netmask, '.', '')) = 3 AND admin_netmask NOT GLOB '*..*' AND '.' || admin_netmask || '.' NOT GLOB '*.0[0-9]*'
             AND admin_netmask NOT GLOB '*[0-9][0-9][0-9][0-9]*' AND '.' || admin_netmask || '.' NOT GLOB '*.[3-9][0-9][0-9].*'
             AND '.' || admin_netmask || '.' NOT GLOB '*.2[6-9][0-9].*' AND '.' || admin_netmask || '.' NOT GLOB '*.25[6-9].*')),
  headnode_default_gateway TEXT  -- setup wants it: an address, or none with dhcp
           CONSTRAINT "headnode_default_gateway: none, or four numbers 0-255 joined by dots, or '' to leave it out"
           CHECK (headnode_default_gateway = '' OR instr(headnode_default_gateway, char(0)) = 0 AND (headnode_default_gateway = 'none' OR length(headnode_default_gateway) BETWEEN 7 AND 15 AND headnode_default_gateway GLOB '[0-9]*.[0-9]*.[0-9]*.[0-9]*' AND headnode_default_gateway NOT GLOB '*[^0-9.]*'
             AND length(headnode_default_gateway) - length(replace(headnode_default_gateway, '.', '')) = 3 AND headnode_default_gateway NOT GLOB '*..*' AND '.' || headnode_default_gateway || '.' NOT GLOB '*.0[0-9]*'
             AND headnode_default_gateway NOT GLOB '*[0-9][0-9][0-9][0-9]*' AND '.' || headnode_default_gateway || '.' NOT GLOB '*.[3-9][0-9][0-9].*'
             AND '.' || headnode_default_gateway || '.' NOT GLOB '*.2[6-9][0-9].*' AND '.' || headnode_default_gateway || '.' NOT GLOB '*.25[6-9].*')),
  dns_resolver1 TEXT
           CONSTRAINT "dns_resolver1: four numbers 0-255 joined by dots, or '' for none"
           CHECK (dns_resolver1 = '' OR instr(dns_resolver1, char(0)) = 0 AND (length(dns_resolver1) BETWEEN 7 AND 15 AND dns_resolver1 GLOB '[0-9]*.[0-9]*.[0-9]*.[0-9]*' AND dns_resolver1 NOT GLOB '*[^0-9.]*'
             AND length(dns_resolver1) - length(replace(dns_resolver1, '.', '')) = 3 AND dns_resolver1 NOT GLOB '*..*' AND '.' || dns_resolver1 || '.' NOT GLOB '*.0[0-9]*'
             AND dns_resolver1 NOT GLOB '*[0-9][0-9][0-9][0-9]*' AND '.' || dns_resolver1 || '.' NOT GLOB '*.[3-9][0-9][0-9].*'
             AND '.' || dns_resolver1 || '.' NOT GLOB '*.2[6-9][0-9].*' AND '.' || dns_resolver1 || '.' NOT GLOB '*.25[6-9].*')),
  dns_resolver2 TEXT
           CONSTRAINT "dns_resolver2: four numbers 0-255 joined by dots, or '' for none"
           CHECK (dns_resolver2 = '' OR instr(dns_resolver2, char(0)) = 0 AND (length(dns_resolver2) BETWEEN 7 AND 15 AND dns_resolver2 GLOB '[0-9]*.[0-9]*.[0-9]*.[0-9]*' AND dns_resolver2 NOT GLOB '*[^0-9.]*'
             AND length(dns_resolver2) - length(replace(dns_resolver2, '.', '')) = 3 AND dns_resolver2 NOT GLOB '*..*' AND '.' || dns_resolver2 || '.' NOT GLOB '*.0[0-9]*'
             AND dns_resolver2 NOT GLOB '*[0-9][0-9][0-9][0-9]*' AND '.' || dns_resolver2 || '.' NOT GLOB '*.[3-9][0-9][0-9].*'
             AND '.' || dns_resolver2 || '.' NOT GLOB '*.2[6-9][0-9].*' AND '.' || dns_resolver2 || '.' NOT GLOB '*.25[6-9].*')),
  dns_search TEXT  -- a domain
           CONSTRAINT "dns_search: a domain of letters, digits, inner hyphens and dots, 253 at most, or '' for none"
           CHECK (dns_search = '' OR instr(dns_search, char(0)) = 0 AND (length(dns_search) <= 253 AND dns_search NOT GLOB '*[^A-Za-z0-9.-]*' AND '.' || dns_search || '.' NOT GLOB '*.[.-]*'
             AND '.' || dns_search || '.' NOT GLOB '*-.*')),
  ntp_host TEXT  -- a name or an address
           CONSTRAINT "ntp_host: a name of letters, digits, inner hyphens and dots, 253 at most, or '' for none"
           CHECK (ntp_host = '' OR instr(ntp_host, char(0)) = 0 AND (length(ntp_host) <= 253 AND ntp_host NOT GLOB '*[^A-Za-z0-9.-]*' AND '.' || ntp_host || '.' NOT GLOB '*.[.-]*'
             AND '.' || ntp_host || '.' NOT GLOB '*-.*')),
  skip_ntp_check INTEGER  -- 1: ntp_host is not tried
           CONSTRAINT "skip_ntp_check: 1 for true, 0 to leave it out" CHECK (skip_ntp_check IN (0, 1)),
  zpool_layout TEXT  -- manual: setup drops to a shell
           CONSTRAINT "zpool_layout: default, mirror, raidz2 or manual, or '' to be asked"
           CHECK (zpool_layout = '' OR instr(zpool_layout, char(0)) = 0 AND (zpool_layout IN ('default', 'mirror', 'raidz2', 'manual'))),
  zpool_confirm_layout TEXT  -- yes: the layout is not asked for
           CONSTRAINT "zpool_confirm_layout: yes or no, or '' to be asked"
           CHECK (zpool_confirm_layout = '' OR instr(zpool_confirm_layout, char(0)) = 0 AND (zpool_confirm_layout IN ('yes', 'no'))),
  bootpool TEXT
           CONSTRAINT "bootpool: none, zones or a pool's name, or '' to be asked"
           CHECK (bootpool = '' OR instr(bootpool, char(0)) = 0 AND (length(bootpool) <= 255 AND bootpool NOT GLOB '*[^A-Za-z0-9_.:-]*' AND bootpool GLOB '[a-zA-Z]*')),
  install_pkgsrc TEXT
           CONSTRAINT "install_pkgsrc: yes or no, or '' to be asked"
           CHECK (install_pkgsrc = '' OR instr(install_pkgsrc, char(0)) = 0 AND (install_pkgsrc IN ('yes', 'no'))),
  root_password TEXT  -- CLEAR TEXT, as setup wants it; root_shadow is the better way where it will do
           CONSTRAINT "root_password: one line of at most 200 bytes, no control characters"
           CHECK (root_password = '' OR instr(root_password, char(0)) = 0 AND (length(CAST(root_password AS BLOB)) <= 200
             AND root_password NOT GLOB '*[' || char(1) || '-' || char(31) || char(127) || '-' || char(159) || ']*')),
  hostname TEXT  -- of the installed system; NULL: not given, setup asks
           CONSTRAINT "hostname: letters, digits and inner hyphens, labels joined by dots, 253 at most, or '' to be asked"
           CHECK (hostname = '' OR instr(hostname, char(0)) = 0 AND (length(hostname) <= 253 AND hostname NOT GLOB '*[^A-Za-z0-9.-]*' AND '.' || hostname || '.' NOT GLOB '*.[.-]*'
             AND '.' || hostname || '.' NOT GLOB '*-.*')),
  skip_final_confirm INTEGER  -- 1: no last question
           CONSTRAINT "skip_final_confirm: 1 for true, 0 to leave it out" CHECK (skip_final_confirm IN (0, 1)),
  CONSTRAINT "host, profile: give exactly one of the two (a SELECT that finds nothing gives NULL: look at the name in it)"
    CHECK ((profile IS NULL) <> (host IS NULL))
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
           CHECK (dns_resolver1 = '' OR instr(dns_resolver1, char(0)) = 0 AND (length(dns_resolver1) BETWEEN 7 AND 15 AND dns_resolver1 GLOB '[0-9]*.[0-9]*.[0-9]*.[0-9]*' AND dns_resolver1 NOT GLOB '*[^0-9.]*'
             AND length(dns_resolver1) - length(replace(dns_resolver1, '.', '')) = 3 AND dns_resolver1 NOT GLOB '*..*' AND '.' || dns_resolver1 || '.' NOT GLOB '*.0[0-9]*'
             AND dns_resolver1 NOT GLOB '*[0-9][0-9][0-9][0-9]*' AND '.' || dns_resolver1 || '.' NOT GLOB '*.[3-9][0-9][0-9].*'
             AND '.' || dns_resolver1 || '.' NOT GLOB '*.2[6-9][0-9].*' AND '.' || dns_resolver1 || '.' NOT GLOB '*.25[6-9].*')),
  dns_resolver2 TEXT
           CONSTRAINT "dns_resolver2: four numbers 0-255 joined by dots, or '' for none"
           CHECK (dns_resolver2 = '' OR instr(dns_resolver2, char(0)) = 0 AND (length(dns_resolver2) BETWEEN 7 AND 15 AND dns_resolver2 GLOB '[0-9]*.[0-9]*.[0-9]*.[0-9]*' AND dns_resolver2 NOT GLOB '*[^0-9.]*'
             AND length(dns_resolver2) - length(replace(dns_resolver2, '.', '')) = 3 AND dns_resolver2 NOT GLOB '*..*' AND '.' || dns_resolver2 || '.' NOT GLOB '*.0[0-9]*'
             AND dns_resolver2 NOT GLOB '*[0-9][0-9][0-9][0-9]*' AND '.' || dns_resolver2 || '.' NOT GLOB '*.[3-9][0-9][0-9].*'
             AND '.' || dns_resolver2 || '.' NOT GLOB '*.2[6-9][0-9].*' AND '.' || dns_resolver2 || '.' NOT GLOB '*.25[6-9].*')),
  dns_resolver3 TEXT
           CONSTRAINT "dns_resolver3: four numbers 0-255 joined by dots, or '' for none"
           CHECK (dns_resolver3 = '' OR instr(dns_resolver3, char(0)) = 0 AND (length(dns_resolver3) BETWEEN 7 AND 15 AND dns_resolver3 GLOB '[0-9]*.[0-9]*.[0-9]*.[0-9]*' AND dns_resolver3 NOT GLOB '*[^0-9.]*'
             AND length(dns_resolver3) - length(replace(dns_resolver3, '.', '')) = 3 AND dns_resolver3 NOT GLOB '*..*' AND '.' || dns_resolver3 || '.' NOT GLOB '*.0[0-9]*'
             AND dns_resolver3 NOT GLOB '*[0-9][0-9][0-9][0-9]*' AND '.' || dns_resolver3 || '.' NOT GLOB '*.[3-9][0-9][0-9].*'
             AND '.' || dns_resolver3 || '.' NOT GLOB '*.2[6-9][0-9].*' AND '.' || dns_resolver3 || '.' NOT GLOB '*.25[6-9].*')),
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
             AND length(substr(destination, 1, instr(destination || '/', '/') - 1)) BETWEEN 7 AND 15 AND substr(destination, 1, instr(destination || '/', '/') - 1) GLOB '[0-9]*.[0-9]*.[0-9]*.[0-9]*' AND substr(destination, 1, instr(destination || '/', '/') - 1) NOT GLOB '*[^0-9.]*'
             AND length(substr(destination, 1, instr(destination || '/', '/') - 1)) - length(replace(substr(destination, 1, instr(destination || '/', '/') - 1), '.', '')) = 3 AND substr(destination, 1, instr(destination || '/', '/') - 1) NOT GLOB '*..*' AND '.' || substr(destination, 1, instr(destination || '/', '/') - 1) || '.' NOT GLOB '*.0[0-9]*'
             AND substr(destination, 1, instr(destination || '/', '/') - 1) NOT GLOB '*[0-9][0-9][0-9][0-9]*' AND '.' || substr(destination, 1, instr(destination || '/', '/') - 1) || '.' NOT GLOB '*.[3-9][0-9][0-9].*'
             AND '.' || substr(destination, 1, instr(destination || '/', '/') - 1) || '.' NOT GLOB '*.2[6-9][0-9].*' AND '.' || substr(destination, 1, instr(destination || '/', '/') - 1) || '.' NOT GLOB '*.25[6-9].*'),
  gateway  TEXT                         -- NULL takes away what would be inherited
           CONSTRAINT "gateway: four numbers 0-255 without leading zeros joined by dots (192.0.2.1); NULL takes an inherited route away"
           CHECK (instr(gateway, char(0)) = 0 AND length(gateway) BETWEEN 7 AND 15 AND gateway GLOB '[0-9]*.[0-9]*.[0-9]*.[0-9]*' AND gateway NOT GLOB '*[^0-9.]*'
             AND length(gateway) - length(replace(gateway, '.', '')) = 3 AND gateway NOT GLOB '*..*' AND '.' || gateway || '.' NOT GLOB '*.0[0-9]*'
             AND gateway NOT GLOB '*[0-9][0-9][0-9][0-9]*' AND '.' || gateway || '.' NOT GLOB '*.[3-9][0-9][0-9].*'
             AND '.' || gateway || '.' NOT GLOB '*.2[6-9][0-9].*' AND '.' || gateway || '.' NOT GLOB '*.25[6-9].*'),
  CONSTRAINT "host, profile: give exactly one of the two (a SELECT that finds nothing gives NULL: look at the name in it)"
    CHECK ((profile IS NULL) <> (host IS NULL)),
  UNIQUE (host, destination),
  UNIQUE (profile, destination)
) STRICT;

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
           CONSTRAINT "label: one line of 1 to 70 bytes, no control characters" CHECK (label NOT GLOB '*[' || char(1) || '-' || char(31) || char(127) || '-' || char(159) || ']*'
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
               NOT GLOB '*[' || char(1) || '-' || char(31) || char(127) || '-' || char(159) || ']*'),
  position INTEGER NOT NULL DEFAULT 100,  -- lower stands higher
  CONSTRAINT "body: no \ at its end, iPXE would join the menu's next line to it"
    CHECK (rtrim(body, char(10) || char(9) || ' ') NOT GLOB '*\'),
  CONSTRAINT "body: a label in it begins with :item-<key>-, as in :item-memtest-again, so that it hides none of the menu's"
    CHECK (length(replace(char(10) || replace(replace(body, ' ', ''), char(9), ''), char(10) || ':item-' || key || '-', ''))
      = length(replace(char(10) || replace(replace(body, ' ', ''), char(9), ''), char(10) || ':', char(10)))
        - (length(char(10) || replace(replace(body, ' ', ''), char(9), ''))
          - length(replace(char(10) || replace(replace(body, ' ', ''), char(9), ''), char(10) || ':', char(10))))
          * (length(key) + 7)),
  UNIQUE (profile, key)
) STRICT;

----------------------------------------------------------------------------------------------------- who changed what ---

CREATE TABLE change (
  -- Every change of every row, written by triggers.  Delete old rows when you like: DELETE FROM change WHERE at <
  -- '2026-01-01';
  id       INTEGER PRIMARY KEY AUTOINCREMENT,
  at       TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),  -- UTC
  actor    TEXT,                        -- what the table actor said then; NULL if nothing
  tab      TEXT NOT NULL,               -- table
  row      INTEGER NOT NULL,            -- its id
  op       TEXT NOT NULL,               -- insert, update, delete; replace: removed by INSERT OR REPLACE, the insert follows
  -- The columns as an UPDATE wants them after SET, so that old takes a change back; secrets and contents of modules
  -- are not kept.
  old      TEXT,
  new      TEXT
) STRICT;

CREATE INDEX change_by_row ON change (tab, row);

CREATE TABLE actor (
  -- Who is to be noted in `change`.  Set it inside your transaction and set it back to NULL before COMMIT (pxectl
  -- does): nobody else can write meanwhile, so nobody else's change gets your name.
  --   BEGIN IMMEDIATE; UPDATE actor SET name = 'alice'; UPDATE host SET enabled = 0 WHERE hostname = 'db1';
  --   UPDATE actor SET name = NULL; COMMIT;
  id       INTEGER PRIMARY KEY CONSTRAINT "id: this table has one row: UPDATE actor SET name = ..." CHECK (id = 1),
  name     TEXT
           CONSTRAINT "name: one line of at most 100 bytes, no control characters" CHECK (name NOT GLOB '*[' || char(1) || '-' || char(31) || char(127) || '-' || char(159) || ']*'
             AND instr(name, char(0)) = 0 AND length(CAST(name AS BLOB)) <= 100)
) STRICT;
INSERT INTO actor VALUES (1, NULL);

CREATE TABLE change_replaced (
  -- Working space of the triggers: the rows an INSERT would replace.  REPLACE runs no DELETE trigger unless
  -- recursive_triggers is on, so a BEFORE INSERT trigger notes them here and the AFTER INSERT trigger, which runs
  -- only if the row came in, writes them to `change`.
  tab      TEXT NOT NULL,
  row      INTEGER NOT NULL,
  old      TEXT
) STRICT;

----------------------------------------------------------------------------------------------- one spelling is stored ---

CREATE TRIGGER nic_canonical_insert AFTER INSERT ON nic
  WHEN new.mac NOT GLOB '??-??-??-??-??-??' OR new.mac <> lower(new.mac) OR new.ip <> lower(new.ip) BEGIN
  UPDATE nic SET ip = lower(ip), mac = 
    substr(replace(replace(lower(mac), ':', ''), '-', ''), -12, 2) || '-' ||
    substr(replace(replace(lower(mac), ':', ''), '-', ''), -10, 2) || '-' ||
    substr(replace(replace(lower(mac), ':', ''), '-', ''), -8, 2) || '-' ||
    substr(replace(replace(lower(mac), ':', ''), '-', ''), -6, 2) || '-' ||
    substr(replace(replace(lower(mac), ':', ''), '-', ''), -4, 2) || '-' ||
    substr(replace(replace(lower(mac), ':', ''), '-', ''), -2, 2)
    WHERE id = new.id;
END;
CREATE TRIGGER nic_canonical_update AFTER UPDATE OF mac, ip ON nic
  WHEN new.mac NOT GLOB '??-??-??-??-??-??' OR new.mac <> lower(new.mac) OR new.ip <> lower(new.ip) BEGIN
  UPDATE nic SET ip = lower(ip), mac = 
    substr(replace(replace(lower(mac), ':', ''), '-', ''), -12, 2) || '-' ||
    substr(replace(replace(lower(mac), ':', ''), '-', ''), -10, 2) || '-' ||
    substr(replace(replace(lower(mac), ':', ''), '-', ''), -8, 2) || '-' ||
    substr(replace(replace(lower(mac), ':', ''), '-', ''), -6, 2) || '-' ||
    substr(replace(replace(lower(mac), ':', ''), '-', ''), -4, 2) || '-' ||
    substr(replace(replace(lower(mac), ':', ''), '-', ''), -2, 2)
    WHERE id = new.id;
END;
CREATE TRIGGER host_canonical_insert AFTER INSERT ON host WHEN new.uuid <> lower(new.uuid) BEGIN
  UPDATE host SET uuid = lower(uuid) WHERE id = new.id;
END;
CREATE TRIGGER host_canonical_update AFTER UPDATE OF uuid ON host WHEN new.uuid <> lower(new.uuid) BEGIN
  UPDATE host SET uuid = lower(uuid) WHERE id = new.id;
END;

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

------------------------------------------------------------------------------------------------------------ references ---
-- RAISE takes no computed text before SQLite 3.47.  Where a sentence must name a row, json_extract is asked for a
-- path that is that sentence: SQLite then says "JSON path error near '<sentence>'" (from 3.45 on "bad JSON path:
-- '<sentence>'") and undoes the statement.  Nothing else here may use json_*(): SQLite 3.40 calls them unsafe in a
-- schema when trusted_schema is off, as in the daemon.

CREATE TRIGGER host_profile_exists_insert BEFORE INSERT ON host
  WHEN NOT EXISTS (SELECT 1 FROM profile WHERE id = new.profile) BEGIN
  SELECT RAISE(ABORT, 'profile: no such profile. Write (SELECT id FROM profile WHERE name = ''default'') with a name that SELECT name FROM profile lists');
END;
CREATE TRIGGER host_profile_exists_update BEFORE UPDATE OF profile ON host
  WHEN NOT EXISTS (SELECT 1 FROM profile WHERE id = new.profile) BEGIN
  SELECT RAISE(ABORT, 'profile: no such profile. Write (SELECT id FROM profile WHERE name = ''default'') with a name that SELECT name FROM profile lists');
END;
CREATE TRIGGER host_channel_exists_insert BEFORE INSERT ON host
  WHEN new.channel IS NOT NULL AND NOT EXISTS (SELECT 1 FROM channel WHERE id = new.channel) BEGIN
  SELECT RAISE(ABORT, 'channel: no such channel. Write (SELECT id FROM channel WHERE name = ''stable'') with a name that SELECT name FROM channel lists');
END;
CREATE TRIGGER host_channel_exists_update BEFORE UPDATE OF channel ON host
  WHEN new.channel IS NOT NULL AND NOT EXISTS (SELECT 1 FROM channel WHERE id = new.channel) BEGIN
  SELECT RAISE(ABORT, 'channel: no such channel. Write (SELECT id FROM channel WHERE name = ''stable'') with a name that SELECT name FROM channel lists');
END;
CREATE TRIGGER nic_host_exists_insert BEFORE INSERT ON nic
  WHEN NOT EXISTS (SELECT 1 FROM host WHERE id = new.host) BEGIN
  SELECT RAISE(ABORT, 'host: no such host. Write (SELECT id FROM host WHERE hostname = ''db1'') with a name that SELECT hostname FROM host lists');
END;
CREATE TRIGGER nic_host_exists_update BEFORE UPDATE OF host ON nic
  WHEN NOT EXISTS (SELECT 1 FROM host WHERE id = new.host) BEGIN
  SELECT RAISE(ABORT, 'host: no such host. Write (SELECT id FROM host WHERE hostname = ''db1'') with a name that SELECT hostname FROM host lists');
END;
CREATE TRIGGER profile_parent_exists_insert BEFORE INSERT ON profile
  WHEN new.parent IS NOT NULL AND NOT EXISTS (SELECT 1 FROM profile WHERE id = new.parent) BEGIN
  SELECT RAISE(ABORT, 'parent: no such profile. Write (SELECT id FROM profile WHERE name = ''default'') with a name that SELECT name FROM profile lists');
END;
CREATE TRIGGER profile_parent_exists_update BEFORE UPDATE OF parent ON profile
  WHEN new.parent IS NOT NULL AND NOT EXISTS (SELECT 1 FROM profile WHERE id = new.parent) BEGIN
  SELECT RAISE(ABORT, 'parent: no such profile. Write (SELECT id FROM profile WHERE name = ''default'') with a name that SELECT name FROM profile lists');
END;
CREATE TRIGGER profile_channel_exists_insert BEFORE INSERT ON profile
  WHEN new.channel IS NOT NULL AND NOT EXISTS (SELECT 1 FROM channel WHERE id = new.channel) BEGIN
  SELECT RAISE(ABORT, 'channel: no such channel. Write (SELECT id FROM channel WHERE name = ''stable'') with a name that SELECT name FROM channel lists');
END;
CREATE TRIGGER profile_channel_exists_update BEFORE UPDATE OF channel ON profile
  WHEN new.channel IS NOT NULL AND NOT EXISTS (SELECT 1 FROM channel WHERE id = new.channel) BEGIN
  SELECT RAISE(ABORT, 'channel: no such channel. Write (SELECT id FROM channel WHERE name = ''stable'') with a name that SELECT name FROM channel lists');
END;
CREATE TRIGGER property_profile_exists_insert BEFORE INSERT ON property
  WHEN new.profile IS NOT NULL AND NOT EXISTS (SELECT 1 FROM profile WHERE id = new.profile) BEGIN
  SELECT RAISE(ABORT, 'profile: no such profile. Write (SELECT id FROM profile WHERE name = ''default'') with a name that SELECT name FROM profile lists');
END;
CREATE TRIGGER property_profile_exists_update BEFORE UPDATE OF profile ON property
  WHEN new.profile IS NOT NULL AND NOT EXISTS (SELECT 1 FROM profile WHERE id = new.profile) BEGIN
  SELECT RAISE(ABORT, 'profile: no such profile. Write (SELECT id FROM profile WHERE name = ''default'') with a name that SELECT name FROM profile lists');
END;
CREATE TRIGGER property_host_exists_insert BEFORE INSERT ON property
  WHEN new.host IS NOT NULL AND NOT EXISTS (SELECT 1 FROM host WHERE id = new.host) BEGIN
  SELECT RAISE(ABORT, 'host: no such host. Write (SELECT id FROM host WHERE hostname = ''db1'') with a name that SELECT hostname FROM host lists');
END;
CREATE TRIGGER property_host_exists_update BEFORE UPDATE OF host ON property
  WHEN new.host IS NOT NULL AND NOT EXISTS (SELECT 1 FROM host WHERE id = new.host) BEGIN
  SELECT RAISE(ABORT, 'host: no such host. Write (SELECT id FROM host WHERE hostname = ''db1'') with a name that SELECT hostname FROM host lists');
END;
CREATE TRIGGER setting_profile_exists_insert BEFORE INSERT ON setting
  WHEN NOT EXISTS (SELECT 1 FROM profile WHERE id = new.profile) BEGIN
  SELECT RAISE(ABORT, 'profile: no such profile. Write (SELECT id FROM profile WHERE name = ''default'') with a name that SELECT name FROM profile lists');
END;
CREATE TRIGGER setting_profile_exists_update BEFORE UPDATE OF profile ON setting
  WHEN NOT EXISTS (SELECT 1 FROM profile WHERE id = new.profile) BEGIN
  SELECT RAISE(ABORT, 'profile: no such profile. Write (SELECT id FROM profile WHERE name = ''default'') with a name that SELECT name FROM profile lists');
END;
CREATE TRIGGER module_profile_exists_insert BEFORE INSERT ON module
  WHEN new.profile IS NOT NULL AND NOT EXISTS (SELECT 1 FROM profile WHERE id = new.profile) BEGIN
  SELECT RAISE(ABORT, 'profile: no such profile. Write (SELECT id FROM profile WHERE name = ''default'') with a name that SELECT name FROM profile lists');
END;
CREATE TRIGGER module_profile_exists_update BEFORE UPDATE OF profile ON module
  WHEN new.profile IS NOT NULL AND NOT EXISTS (SELECT 1 FROM profile WHERE id = new.profile) BEGIN
  SELECT RAISE(ABORT, 'profile: no such profile. Write (SELECT id FROM profile WHERE name = ''default'') with a name that SELECT name FROM profile lists');
END;
CREATE TRIGGER module_host_exists_insert BEFORE INSERT ON module
  WHEN new.host IS NOT NULL AND NOT EXISTS (SELECT 1 FROM host WHERE id = new.host) BEGIN
  SELECT RAISE(ABORT, 'host: no such host. Write (SELECT id FROM host WHERE hostname = ''db1'') with a name that SELECT hostname FROM host lists');
END;
CREATE TRIGGER module_host_exists_update BEFORE UPDATE OF host ON module
  WHEN new.host IS NOT NULL AND NOT EXISTS (SELECT 1 FROM host WHERE id = new.host) BEGIN
  SELECT RAISE(ABORT, 'host: no such host. Write (SELECT id FROM host WHERE hostname = ''db1'') with a name that SELECT hostname FROM host lists');
END;
CREATE TRIGGER answer_profile_exists_insert BEFORE INSERT ON answer
  WHEN new.profile IS NOT NULL AND NOT EXISTS (SELECT 1 FROM profile WHERE id = new.profile) BEGIN
  SELECT RAISE(ABORT, 'profile: no such profile. Write (SELECT id FROM profile WHERE name = ''default'') with a name that SELECT name FROM profile lists');
END;
CREATE TRIGGER answer_profile_exists_update BEFORE UPDATE OF profile ON answer
  WHEN new.profile IS NOT NULL AND NOT EXISTS (SELECT 1 FROM profile WHERE id = new.profile) BEGIN
  SELECT RAISE(ABORT, 'profile: no such profile. Write (SELECT id FROM profile WHERE name = ''default'') with a name that SELECT name FROM profile lists');
END;
CREATE TRIGGER answer_host_exists_insert BEFORE INSERT ON answer
  WHEN new.host IS NOT NULL AND NOT EXISTS (SELECT 1 FROM host WHERE id = new.host) BEGIN
  SELECT RAISE(ABORT, 'host: no such host. Write (SELECT id FROM host WHERE hostname = ''db1'') with a name that SELECT hostname FROM host lists');
END;
CREATE TRIGGER answer_host_exists_update BEFORE UPDATE OF host ON answer
  WHEN new.host IS NOT NULL AND NOT EXISTS (SELECT 1 FROM host WHERE id = new.host) BEGIN
  SELECT RAISE(ABORT, 'host: no such host. Write (SELECT id FROM host WHERE hostname = ''db1'') with a name that SELECT hostname FROM host lists');
END;
CREATE TRIGGER network_profile_exists_insert BEFORE INSERT ON network
  WHEN new.profile IS NOT NULL AND NOT EXISTS (SELECT 1 FROM profile WHERE id = new.profile) BEGIN
  SELECT RAISE(ABORT, 'profile: no such profile. Write (SELECT id FROM profile WHERE name = ''default'') with a name that SELECT name FROM profile lists');
END;
CREATE TRIGGER network_profile_exists_update BEFORE UPDATE OF profile ON network
  WHEN new.profile IS NOT NULL AND NOT EXISTS (SELECT 1 FROM profile WHERE id = new.profile) BEGIN
  SELECT RAISE(ABORT, 'profile: no such profile. Write (SELECT id FROM profile WHERE name = ''default'') with a name that SELECT name FROM profile lists');
END;
CREATE TRIGGER network_host_exists_insert BEFORE INSERT ON network
  WHEN new.host IS NOT NULL AND NOT EXISTS (SELECT 1 FROM host WHERE id = new.host) BEGIN
  SELECT RAISE(ABORT, 'host: no such host. Write (SELECT id FROM host WHERE hostname = ''db1'') with a name that SELECT hostname FROM host lists');
END;
CREATE TRIGGER network_host_exists_update BEFORE UPDATE OF host ON network
  WHEN new.host IS NOT NULL AND NOT EXISTS (SELECT 1 FROM host WHERE id = new.host) BEGIN
  SELECT RAISE(ABORT, 'host: no such host. Write (SELECT id FROM host WHERE hostname = ''db1'') with a name that SELECT hostname FROM host lists');
END;
CREATE TRIGGER route_profile_exists_insert BEFORE INSERT ON route
  WHEN new.profile IS NOT NULL AND NOT EXISTS (SELECT 1 FROM profile WHERE id = new.profile) BEGIN
  SELECT RAISE(ABORT, 'profile: no such profile. Write (SELECT id FROM profile WHERE name = ''default'') with a name that SELECT name FROM profile lists');
END;
CREATE TRIGGER route_profile_exists_update BEFORE UPDATE OF profile ON route
  WHEN new.profile IS NOT NULL AND NOT EXISTS (SELECT 1 FROM profile WHERE id = new.profile) BEGIN
  SELECT RAISE(ABORT, 'profile: no such profile. Write (SELECT id FROM profile WHERE name = ''default'') with a name that SELECT name FROM profile lists');
END;
CREATE TRIGGER route_host_exists_insert BEFORE INSERT ON route
  WHEN new.host IS NOT NULL AND NOT EXISTS (SELECT 1 FROM host WHERE id = new.host) BEGIN
  SELECT RAISE(ABORT, 'host: no such host. Write (SELECT id FROM host WHERE hostname = ''db1'') with a name that SELECT hostname FROM host lists');
END;
CREATE TRIGGER route_host_exists_update BEFORE UPDATE OF host ON route
  WHEN new.host IS NOT NULL AND NOT EXISTS (SELECT 1 FROM host WHERE id = new.host) BEGIN
  SELECT RAISE(ABORT, 'host: no such host. Write (SELECT id FROM host WHERE hostname = ''db1'') with a name that SELECT hostname FROM host lists');
END;
CREATE TRIGGER menu_item_profile_exists_insert BEFORE INSERT ON menu_item
  WHEN NOT EXISTS (SELECT 1 FROM profile WHERE id = new.profile) BEGIN
  SELECT RAISE(ABORT, 'profile: no such profile. Write (SELECT id FROM profile WHERE name = ''default'') with a name that SELECT name FROM profile lists');
END;
CREATE TRIGGER menu_item_profile_exists_update BEFORE UPDATE OF profile ON menu_item
  WHEN NOT EXISTS (SELECT 1 FROM profile WHERE id = new.profile) BEGIN
  SELECT RAISE(ABORT, 'profile: no such profile. Write (SELECT id FROM profile WHERE name = ''default'') with a name that SELECT name FROM profile lists');
END;

CREATE TRIGGER host_id_stays BEFORE UPDATE OF id ON host WHEN new.id IS NOT old.id BEGIN
  SELECT RAISE(ABORT, 'id: it never changes, other rows refer to it; change the other columns instead');
END;
CREATE TRIGGER profile_id_stays BEFORE UPDATE OF id ON profile WHEN new.id IS NOT old.id BEGIN
  SELECT RAISE(ABORT, 'id: it never changes, other rows refer to it; change the other columns instead');
END;
CREATE TRIGGER channel_id_stays BEFORE UPDATE OF id ON channel WHEN new.id IS NOT old.id BEGIN
  SELECT RAISE(ABORT, 'id: it never changes, other rows refer to it; change the other columns instead');
END;
-- UPDATE OR REPLACE would remove the other row, and what refers to it would hang in the air.
CREATE TRIGGER host_hostname_is_free BEFORE UPDATE OF hostname ON host
  WHEN EXISTS (SELECT 1 FROM host WHERE lower(hostname) = lower(new.hostname) AND id <> old.id) BEGIN
  SELECT RAISE(ABORT, 'hostname: another host has this name; choose another, or rename that one first');
END;
-- UPDATE OR REPLACE would remove the other row, and what refers to it would hang in the air.
CREATE TRIGGER profile_name_is_free BEFORE UPDATE OF name ON profile
  WHEN EXISTS (SELECT 1 FROM profile WHERE name = new.name AND id <> old.id) BEGIN
  SELECT RAISE(ABORT, 'name: another profile has this name; choose another, or rename that one first');
END;
-- UPDATE OR REPLACE would remove the other row, and what refers to it would hang in the air.
CREATE TRIGGER channel_name_is_free BEFORE UPDATE OF name ON channel
  WHEN EXISTS (SELECT 1 FROM channel WHERE name = new.name AND id <> old.id) BEGIN
  SELECT RAISE(ABORT, 'name: another channel has this name; choose another, or rename that one first');
END;
CREATE TRIGGER profile_default_stays BEFORE UPDATE OF name ON profile WHEN old.id = 1 AND new.name <> 'default' BEGIN
  SELECT RAISE(ABORT, 'name: the profile default keeps its name; INSERT INTO profile (name) VALUES (...) makes another');
END;

CREATE TRIGGER profile_in_use BEFORE DELETE ON profile BEGIN
  SELECT RAISE(ABORT, 'profile: default stays, every other profile and every unknown machine inherits from it') WHERE old.id = 1;
  SELECT json_extract('{}', 'profile ' || old.name || ' is used by host ' || hostname || ', write first: UPDATE host SET profile = '
      || ifnull(old.parent, 1) || ' WHERE profile = ' || old.id)
    FROM host WHERE profile = old.id ORDER BY id LIMIT 1;
  SELECT json_extract('{}', 'profile ' || old.name || ' is the parent of profile ' || name || ', write first: UPDATE profile SET parent = '
      || ifnull(old.parent, 1) || ' WHERE parent = ' || old.id)
    FROM profile WHERE parent = old.id ORDER BY id LIMIT 1;
END;
CREATE TRIGGER channel_in_use BEFORE DELETE ON channel BEGIN
  SELECT json_extract('{}', 'channel ' || old.name || ' is used by host ' || hostname
      || ', write first: UPDATE host SET channel = NULL WHERE channel = ' || old.id)
    FROM host WHERE channel = old.id ORDER BY id LIMIT 1;
  SELECT json_extract('{}', 'channel ' || old.name || ' is used by profile ' || name
      || ', write first: UPDATE profile SET channel = NULL WHERE channel = ' || old.id)
    FROM profile WHERE channel = old.id ORDER BY id LIMIT 1;
END;
CREATE TRIGGER known_setting_in_use BEFORE DELETE ON known_setting BEGIN
  SELECT json_extract('{}', 'known_setting ' || old.key || ' has values, write first: DELETE FROM setting WHERE key = ' || quote(old.key))
    FROM setting WHERE key = old.key LIMIT 1;
END;
CREATE TRIGGER known_setting_keeps_its_key BEFORE UPDATE OF key ON known_setting WHEN new.key <> old.key BEGIN
  SELECT RAISE(ABORT, 'key: the daemon knows this setting by its key, which therefore stays');
END;

-- What belongs to a host or a profile goes with it.
CREATE TRIGGER host_takes_its_own_along AFTER DELETE ON host BEGIN
  DELETE FROM nic WHERE host = old.id;
  DELETE FROM property WHERE host = old.id;
  DELETE FROM module WHERE host = old.id;
  DELETE FROM answer WHERE host = old.id;
  DELETE FROM network WHERE host = old.id;
  DELETE FROM route WHERE host = old.id;
END;
CREATE TRIGGER profile_takes_its_own_along AFTER DELETE ON profile BEGIN
  DELETE FROM property WHERE profile = old.id;
  DELETE FROM setting WHERE profile = old.id;
  DELETE FROM module WHERE profile = old.id;
  DELETE FROM answer WHERE profile = old.id;
  DELETE FROM network WHERE profile = old.id;
  DELETE FROM route WHERE profile = old.id;
  DELETE FROM menu_item WHERE profile = old.id;
END;

---------------------------------------------------------------------------------------------------------- typed values ---

-- The first row of known_property that fits the name decides, an exact name before a pattern.
CREATE TRIGGER property_typed_insert AFTER INSERT ON property WHEN new.value IS NOT NULL BEGIN
  SELECT CASE type
    WHEN 'bool' THEN CASE WHEN new.value NOT IN ('true', 'false')
      THEN RAISE(ABORT, 'value: this property is true or false; NULL takes it away (for smartos, false still counts as set)') END
    WHEN 'console' THEN CASE WHEN new.value NOT IN ('text', 'graphics', 'ttya', 'ttyb', 'ttyc', 'ttyd')
      THEN RAISE(ABORT, 'value: console is text, graphics, ttya, ttyb, ttyc or ttyd') END
    WHEN 'ttymode' THEN CASE WHEN new.value NOT GLOB '[1-9]*,[5-8],[neoms],[12],[-hs]'
        OR substr(new.value, 1, length(new.value) - 8) GLOB '*[^0-9]*'
      THEN RAISE(ABORT, 'value: a line mode is speed,bits,parity,stop bits,handshake, for example 115200,8,n,1,- without quotes') END
    WHEN 'crypt' THEN CASE WHEN new.value NOT GLOB '$[0-9a-z]*$?*$?*' OR new.value GLOB '*[^A-Za-z0-9./$,=]*'
      THEN RAISE(ABORT, 'value: a crypt hash $id$salt$hash as openssl passwd -5 or -6 prints it, never the password; no & | or \') END
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
CREATE TRIGGER property_typed_update AFTER UPDATE OF profile, host, name, value ON property WHEN new.value IS NOT NULL BEGIN
  SELECT CASE type
    WHEN 'bool' THEN CASE WHEN new.value NOT IN ('true', 'false')
      THEN RAISE(ABORT, 'value: this property is true or false; NULL takes it away (for smartos, false still counts as set)') END
    WHEN 'console' THEN CASE WHEN new.value NOT IN ('text', 'graphics', 'ttya', 'ttyb', 'ttyc', 'ttyd')
      THEN RAISE(ABORT, 'value: console is text, graphics, ttya, ttyb, ttyc or ttyd') END
    WHEN 'ttymode' THEN CASE WHEN new.value NOT GLOB '[1-9]*,[5-8],[neoms],[12],[-hs]'
        OR substr(new.value, 1, length(new.value) - 8) GLOB '*[^0-9]*'
      THEN RAISE(ABORT, 'value: a line mode is speed,bits,parity,stop bits,handshake, for example 115200,8,n,1,- without quotes') END
    WHEN 'crypt' THEN CASE WHEN new.value NOT GLOB '$[0-9a-z]*$?*$?*' OR new.value GLOB '*[^A-Za-z0-9./$,=]*'
      THEN RAISE(ABORT, 'value: a crypt hash $id$salt$hash as openssl passwd -5 or -6 prints it, never the password; no & | or \') END
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
CREATE TRIGGER setting_typed_insert AFTER INSERT ON setting BEGIN
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
    WHEN new.key = 'menu_style' AND new.value NOT IN ('full', 'minimal') THEN RAISE(ABORT, 'menu_style: write full or minimal')
    WHEN new.key = 'boot_form' AND new.value NOT IN ('module', 'initrd') THEN RAISE(ABORT, 'boot_form: write module or initrd')
    WHEN new.key = 'loader' AND new.value NOT IN ('stock', 'triton') THEN RAISE(ABORT, 'loader: write stock or triton')
    WHEN new.key = 'unknown_host' AND new.value NOT IN ('menu', 'local', 'deny')
      THEN RAISE(ABORT, 'unknown_host: write menu, local or deny')
    WHEN new.key = 'menu_timeout' AND (new.value = '' OR new.value GLOB '*[^0-9]*' OR length(new.value) > 3)
      THEN RAISE(ABORT, 'menu_timeout: seconds, a number from 0 to 999; 0 waits for a key')
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
CREATE TRIGGER setting_typed_update AFTER UPDATE ON setting BEGIN
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
    WHEN new.key = 'menu_style' AND new.value NOT IN ('full', 'minimal') THEN RAISE(ABORT, 'menu_style: write full or minimal')
    WHEN new.key = 'boot_form' AND new.value NOT IN ('module', 'initrd') THEN RAISE(ABORT, 'boot_form: write module or initrd')
    WHEN new.key = 'loader' AND new.value NOT IN ('stock', 'triton') THEN RAISE(ABORT, 'loader: write stock or triton')
    WHEN new.key = 'unknown_host' AND new.value NOT IN ('menu', 'local', 'deny')
      THEN RAISE(ABORT, 'unknown_host: write menu, local or deny')
    WHEN new.key = 'menu_timeout' AND (new.value = '' OR new.value GLOB '*[^0-9]*' OR length(new.value) > 3)
      THEN RAISE(ABORT, 'menu_timeout: seconds, a number from 0 to 999; 0 waits for a key')
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

--------------------------------------------------------------------------------------- when something changed last ---
-- A host's script depends on its own rows, on those of its profile and of each profile it inherits from, and on its
-- channel: the highest changed_at of these is the time of the last change that can have altered it.  Machines that nobody
-- has entered have the profile `default`, which is therefore touched when a MAC leaves the inventory.

CREATE TRIGGER host_time_update AFTER UPDATE OF id, hostname, uuid, serial, profile, build, channel, comment, enabled ON host BEGIN
  UPDATE host SET changed_at = max(changed_at, CAST(strftime('%s', 'now') AS INTEGER)) WHERE id = new.id;
END;
CREATE TRIGGER profile_time_update AFTER UPDATE OF id, name, parent, build, channel, comment ON profile BEGIN
  UPDATE profile SET changed_at = max(changed_at, CAST(strftime('%s', 'now') AS INTEGER)) WHERE id = new.id;
END;
CREATE TRIGGER channel_time_update AFTER UPDATE OF id, name, build, canary, canary_percent, comment ON channel BEGIN
  UPDATE channel SET changed_at = max(changed_at, CAST(strftime('%s', 'now') AS INTEGER)) WHERE id = new.id;
END;
CREATE TRIGGER nic_time_insert AFTER INSERT ON nic BEGIN
  UPDATE host SET changed_at = max(changed_at, CAST(strftime('%s', 'now') AS INTEGER)) WHERE id = new.host;
END;
CREATE TRIGGER nic_time_update AFTER UPDATE ON nic BEGIN
  UPDATE host SET changed_at = max(changed_at, CAST(strftime('%s', 'now') AS INTEGER)) WHERE id IN (new.host, old.host);
  UPDATE profile SET changed_at = max(changed_at, CAST(strftime('%s', 'now') AS INTEGER)) WHERE id = 1 AND old.mac <> new.mac
    AND old.mac GLOB '??-??-??-??-??-??' AND old.mac = lower(old.mac); -- else its spelling was mended, no more
END;
CREATE TRIGGER nic_time_delete AFTER DELETE ON nic BEGIN
  UPDATE host SET changed_at = max(changed_at, CAST(strftime('%s', 'now') AS INTEGER)) WHERE id = old.host;
  UPDATE profile SET changed_at = max(changed_at, CAST(strftime('%s', 'now') AS INTEGER)) WHERE id = 1;
END;
CREATE TRIGGER property_time_insert AFTER INSERT ON property BEGIN
  UPDATE host SET changed_at = max(changed_at, CAST(strftime('%s', 'now') AS INTEGER)) WHERE id = new.host;
  UPDATE profile SET changed_at = max(changed_at, CAST(strftime('%s', 'now') AS INTEGER)) WHERE id = new.profile;
END;
CREATE TRIGGER property_time_update AFTER UPDATE ON property BEGIN
  UPDATE host SET changed_at = max(changed_at, CAST(strftime('%s', 'now') AS INTEGER)) WHERE id IN (new.host, old.host);
  UPDATE profile SET changed_at = max(changed_at, CAST(strftime('%s', 'now') AS INTEGER)) WHERE id IN (new.profile, old.profile);
END;
CREATE TRIGGER property_time_delete AFTER DELETE ON property BEGIN
  UPDATE host SET changed_at = max(changed_at, CAST(strftime('%s', 'now') AS INTEGER)) WHERE id = old.host;
  UPDATE profile SET changed_at = max(changed_at, CAST(strftime('%s', 'now') AS INTEGER)) WHERE id = old.profile;
END;
CREATE TRIGGER module_time_insert AFTER INSERT ON module BEGIN
  UPDATE host SET changed_at = max(changed_at, CAST(strftime('%s', 'now') AS INTEGER)) WHERE id = new.host;
  UPDATE profile SET changed_at = max(changed_at, CAST(strftime('%s', 'now') AS INTEGER)) WHERE id = new.profile;
END;
CREATE TRIGGER module_time_update AFTER UPDATE ON module BEGIN
  UPDATE host SET changed_at = max(changed_at, CAST(strftime('%s', 'now') AS INTEGER)) WHERE id IN (new.host, old.host);
  UPDATE profile SET changed_at = max(changed_at, CAST(strftime('%s', 'now') AS INTEGER)) WHERE id IN (new.profile, old.profile);
END;
CREATE TRIGGER module_time_delete AFTER DELETE ON module BEGIN
  UPDATE host SET changed_at = max(changed_at, CAST(strftime('%s', 'now') AS INTEGER)) WHERE id = old.host;
  UPDATE profile SET changed_at = max(changed_at, CAST(strftime('%s', 'now') AS INTEGER)) WHERE id = old.profile;
END;
CREATE TRIGGER answer_time_insert AFTER INSERT ON answer BEGIN
  UPDATE host SET changed_at = max(changed_at, CAST(strftime('%s', 'now') AS INTEGER)) WHERE id = new.host;
  UPDATE profile SET changed_at = max(changed_at, CAST(strftime('%s', 'now') AS INTEGER)) WHERE id = new.profile;
END;
CREATE TRIGGER answer_time_update AFTER UPDATE ON answer BEGIN
  UPDATE host SET changed_at = max(changed_at, CAST(strftime('%s', 'now') AS INTEGER)) WHERE id IN (new.host, old.host);
  UPDATE profile SET changed_at = max(changed_at, CAST(strftime('%s', 'now') AS INTEGER)) WHERE id IN (new.profile, old.profile);
END;
CREATE TRIGGER answer_time_delete AFTER DELETE ON answer BEGIN
  UPDATE host SET changed_at = max(changed_at, CAST(strftime('%s', 'now') AS INTEGER)) WHERE id = old.host;
  UPDATE profile SET changed_at = max(changed_at, CAST(strftime('%s', 'now') AS INTEGER)) WHERE id = old.profile;
END;
CREATE TRIGGER network_time_insert AFTER INSERT ON network BEGIN
  UPDATE host SET changed_at = max(changed_at, CAST(strftime('%s', 'now') AS INTEGER)) WHERE id = new.host;
  UPDATE profile SET changed_at = max(changed_at, CAST(strftime('%s', 'now') AS INTEGER)) WHERE id = new.profile;
END;
CREATE TRIGGER network_time_update AFTER UPDATE ON network BEGIN
  UPDATE host SET changed_at = max(changed_at, CAST(strftime('%s', 'now') AS INTEGER)) WHERE id IN (new.host, old.host);
  UPDATE profile SET changed_at = max(changed_at, CAST(strftime('%s', 'now') AS INTEGER)) WHERE id IN (new.profile, old.profile);
END;
CREATE TRIGGER network_time_delete AFTER DELETE ON network BEGIN
  UPDATE host SET changed_at = max(changed_at, CAST(strftime('%s', 'now') AS INTEGER)) WHERE id = old.host;
  UPDATE profile SET changed_at = max(changed_at, CAST(strftime('%s', 'now') AS INTEGER)) WHERE id = old.profile;
END;
CREATE TRIGGER route_time_insert AFTER INSERT ON route BEGIN
  UPDATE host SET changed_at = max(changed_at, CAST(strftime('%s', 'now') AS INTEGER)) WHERE id = new.host;
  UPDATE profile SET changed_at = max(changed_at, CAST(strftime('%s', 'now') AS INTEGER)) WHERE id = new.profile;
END;
CREATE TRIGGER route_time_update AFTER UPDATE ON route BEGIN
  UPDATE host SET changed_at = max(changed_at, CAST(strftime('%s', 'now') AS INTEGER)) WHERE id IN (new.host, old.host);
  UPDATE profile SET changed_at = max(changed_at, CAST(strftime('%s', 'now') AS INTEGER)) WHERE id IN (new.profile, old.profile);
END;
CREATE TRIGGER route_time_delete AFTER DELETE ON route BEGIN
  UPDATE host SET changed_at = max(changed_at, CAST(strftime('%s', 'now') AS INTEGER)) WHERE id = old.host;
  UPDATE profile SET changed_at = max(changed_at, CAST(strftime('%s', 'now') AS INTEGER)) WHERE id = old.profile;
END;
CREATE TRIGGER setting_time_insert AFTER INSERT ON setting BEGIN
  UPDATE profile SET changed_at = max(changed_at, CAST(strftime('%s', 'now') AS INTEGER)) WHERE id = new.profile;
END;
CREATE TRIGGER setting_time_update AFTER UPDATE ON setting BEGIN
  UPDATE profile SET changed_at = max(changed_at, CAST(strftime('%s', 'now') AS INTEGER)) WHERE id IN (new.profile, old.profile);
END;
CREATE TRIGGER setting_time_delete AFTER DELETE ON setting BEGIN
  UPDATE profile SET changed_at = max(changed_at, CAST(strftime('%s', 'now') AS INTEGER)) WHERE id = old.profile;
END;
CREATE TRIGGER menu_item_time_insert AFTER INSERT ON menu_item BEGIN
  UPDATE profile SET changed_at = max(changed_at, CAST(strftime('%s', 'now') AS INTEGER)) WHERE id = new.profile;
END;
CREATE TRIGGER menu_item_time_update AFTER UPDATE ON menu_item BEGIN
  UPDATE profile SET changed_at = max(changed_at, CAST(strftime('%s', 'now') AS INTEGER)) WHERE id IN (new.profile, old.profile);
END;
CREATE TRIGGER menu_item_time_delete AFTER DELETE ON menu_item BEGIN
  UPDATE profile SET changed_at = max(changed_at, CAST(strftime('%s', 'now') AS INTEGER)) WHERE id = old.profile;
END;
CREATE TRIGGER known_property_time_insert AFTER INSERT ON known_property BEGIN
  UPDATE profile SET changed_at = max(changed_at, CAST(strftime('%s', 'now') AS INTEGER)) WHERE id = 1;
END;
CREATE TRIGGER known_property_time_update AFTER UPDATE ON known_property BEGIN
  UPDATE profile SET changed_at = max(changed_at, CAST(strftime('%s', 'now') AS INTEGER)) WHERE id = 1;
END;
CREATE TRIGGER known_property_time_delete AFTER DELETE ON known_property BEGIN
  UPDATE profile SET changed_at = max(changed_at, CAST(strftime('%s', 'now') AS INTEGER)) WHERE id = 1;
END;
CREATE TRIGGER known_setting_time_insert AFTER INSERT ON known_setting BEGIN
  UPDATE profile SET changed_at = max(changed_at, CAST(strftime('%s', 'now') AS INTEGER)) WHERE id = 1;
END;
CREATE TRIGGER known_setting_time_update AFTER UPDATE ON known_setting BEGIN
  UPDATE profile SET changed_at = max(changed_at, CAST(strftime('%s', 'now') AS INTEGER)) WHERE id = 1;
END;
CREATE TRIGGER known_setting_time_delete AFTER DELETE ON known_setting BEGIN
  UPDATE profile SET changed_at = max(changed_at, CAST(strftime('%s', 'now') AS INTEGER)) WHERE id = 1;
END;

--------------------------------------------------------------------------------------------------------- the change log ---

CREATE TRIGGER change_is_history BEFORE UPDATE ON change BEGIN
  SELECT RAISE(ABORT, 'change: history is not edited; DELETE FROM change WHERE at < ... to trim it');
END;

CREATE TRIGGER host_log_before_insert BEFORE INSERT ON host BEGIN
  DELETE FROM change_replaced;
  INSERT INTO change_replaced SELECT 'host', id,
    'hostname = ' || quote(host.hostname) || ', uuid = ' || quote(lower(host.uuid)) ||
      ', serial = ' || quote(host.serial) || ', profile = ' || quote(host.profile) ||
      ', build = ' || quote(host.build) || ', channel = ' || quote(host.channel) ||
      ', comment = ' || quote(host.comment) || ', enabled = ' || quote(host.enabled)
    FROM host WHERE id = new.id OR hostname = new.hostname OR lower(hostname) = lower(new.hostname);
END;
CREATE TRIGGER host_log_insert AFTER INSERT ON host BEGIN
  SELECT RAISE(ABORT, 'hostname: INSERT OR REPLACE would give this host another id; write INSERT ... ON CONFLICT (hostname) DO UPDATE SET ..., or UPDATE')
    FROM change_replaced WHERE tab = 'host' AND row <> new.id;
  INSERT INTO change (actor, tab, row, op, old)
    SELECT (SELECT name FROM actor), tab, row, 'replace', old FROM change_replaced WHERE tab = 'host';
  DELETE FROM change_replaced;
  INSERT INTO change (actor, tab, row, op, new) SELECT (SELECT name FROM actor), 'host', new.id, 'insert',
    'hostname = ' || quote(new.hostname) || ', uuid = ' || quote(lower(new.uuid)) ||
      ', serial = ' || quote(new.serial) || ', profile = ' || quote(new.profile) ||
      ', build = ' || quote(new.build) || ', channel = ' || quote(new.channel) ||
      ', comment = ' || quote(new.comment) || ', enabled = ' || quote(new.enabled);
END;
CREATE TRIGGER host_log_update AFTER UPDATE ON host WHEN
    old.id IS NOT new.id OR old.hostname IS NOT new.hostname OR lower(old.uuid) IS NOT lower(new.uuid)
    OR old.serial IS NOT new.serial OR old.profile IS NOT new.profile OR old.build IS NOT new.build
    OR old.channel IS NOT new.channel OR old.comment IS NOT new.comment
    OR old.enabled IS NOT new.enabled BEGIN
  INSERT INTO change (actor, tab, row, op, old, new) SELECT (SELECT name FROM actor), 'host', new.id, 'update',
    'hostname = ' || quote(old.hostname) || ', uuid = ' || quote(lower(old.uuid)) ||
      ', serial = ' || quote(old.serial) || ', profile = ' || quote(old.profile) ||
      ', build = ' || quote(old.build) || ', channel = ' || quote(old.channel) ||
      ', comment = ' || quote(old.comment) || ', enabled = ' || quote(old.enabled),
    'hostname = ' || quote(new.hostname) || ', uuid = ' || quote(lower(new.uuid)) ||
      ', serial = ' || quote(new.serial) || ', profile = ' || quote(new.profile) ||
      ', build = ' || quote(new.build) || ', channel = ' || quote(new.channel) ||
      ', comment = ' || quote(new.comment) || ', enabled = ' || quote(new.enabled);
END;
CREATE TRIGGER host_log_delete AFTER DELETE ON host BEGIN
  DELETE FROM change_replaced WHERE tab = 'host' AND row = old.id;
  INSERT INTO change (actor, tab, row, op, old) SELECT (SELECT name FROM actor), 'host', old.id, 'delete',
    'hostname = ' || quote(old.hostname) || ', uuid = ' || quote(lower(old.uuid)) ||
      ', serial = ' || quote(old.serial) || ', profile = ' || quote(old.profile) ||
      ', build = ' || quote(old.build) || ', channel = ' || quote(old.channel) ||
      ', comment = ' || quote(old.comment) || ', enabled = ' || quote(old.enabled);
END;

CREATE TRIGGER nic_log_before_insert BEFORE INSERT ON nic BEGIN
  DELETE FROM change_replaced;
  INSERT INTO change_replaced SELECT 'nic', id,
    'mac = ' || quote(substr(lower(replace(replace(nic.mac, ':', ''), '-', '')), -12)) ||
      ', host = ' || quote(nic.host) || ', ip = ' || quote(lower(nic.ip)) ||
      ', netmask = ' || quote(nic.netmask) || ', gateway = ' || quote(nic.gateway) ||
      ', vlan = ' || quote(nic.vlan) || ', mtu = ' || quote(nic.mtu) || ', nic_tag = ' || quote(nic.nic_tag) ||
      ', nic_tags_provided = ' || quote(nic.nic_tags_provided) || ', aggr = ' || quote(nic.aggr)
    FROM nic WHERE id = new.id OR mac = new.mac OR
    substr(lower(replace(replace(mac, ':', ''), '-', '')), -12) =
    substr(lower(replace(replace(new.mac, ':', ''), '-', '')), -12);
END;
CREATE TRIGGER nic_log_insert AFTER INSERT ON nic BEGIN
  INSERT INTO change (actor, tab, row, op, old)
    SELECT (SELECT name FROM actor), tab, row, 'replace', old FROM change_replaced WHERE tab = 'nic';
  DELETE FROM change_replaced;
  INSERT INTO change (actor, tab, row, op, new) SELECT (SELECT name FROM actor), 'nic', new.id, 'insert',
    'mac = ' || quote(substr(lower(replace(replace(new.mac, ':', ''), '-', '')), -12)) ||
      ', host = ' || quote(new.host) || ', ip = ' || quote(lower(new.ip)) ||
      ', netmask = ' || quote(new.netmask) || ', gateway = ' || quote(new.gateway) ||
      ', vlan = ' || quote(new.vlan) || ', mtu = ' || quote(new.mtu) || ', nic_tag = ' || quote(new.nic_tag) ||
      ', nic_tags_provided = ' || quote(new.nic_tags_provided) || ', aggr = ' || quote(new.aggr);
END;
CREATE TRIGGER nic_log_update AFTER UPDATE ON nic WHEN
    old.id IS NOT new.id OR
    substr(lower(replace(replace(old.mac, ':', ''), '-', '')), -12) IS NOT substr(lower(replace(replace(new.mac, ':', ''), '-', '')), -12) OR
    old.host IS NOT new.host OR lower(old.ip) IS NOT lower(new.ip) OR old.netmask IS NOT new.netmask OR
    old.gateway IS NOT new.gateway OR old.vlan IS NOT new.vlan OR old.mtu IS NOT new.mtu OR
    old.nic_tag IS NOT new.nic_tag OR old.nic_tags_provided IS NOT new.nic_tags_provided OR
    old.aggr IS NOT new.aggr BEGIN
  INSERT INTO change (actor, tab, row, op, old, new) SELECT (SELECT name FROM actor), 'nic', new.id, 'update',
    'mac = ' || quote(substr(lower(replace(replace(old.mac, ':', ''), '-', '')), -12)) ||
      ', host = ' || quote(old.host) || ', ip = ' || quote(lower(old.ip)) ||
      ', netmask = ' || quote(old.netmask) || ', gateway = ' || quote(old.gateway) ||
      ', vlan = ' || quote(old.vlan) || ', mtu = ' || quote(old.mtu) || ', nic_tag = ' || quote(old.nic_tag) ||
      ', nic_tags_provided = ' || quote(old.nic_tags_provided) || ', aggr = ' || quote(old.aggr),
    'mac = ' || quote(substr(lower(replace(replace(new.mac, ':', ''), '-', '')), -12)) ||
      ', host = ' || quote(new.host) || ', ip = ' || quote(lower(new.ip)) ||
      ', netmask = ' || quote(new.netmask) || ', gateway = ' || quote(new.gateway) ||
      ', vlan = ' || quote(new.vlan) || ', mtu = ' || quote(new.mtu) || ', nic_tag = ' || quote(new.nic_tag) ||
      ', nic_tags_provided = ' || quote(new.nic_tags_provided) || ', aggr = ' || quote(new.aggr);
END;
CREATE TRIGGER nic_log_delete AFTER DELETE ON nic BEGIN
  DELETE FROM change_replaced WHERE tab = 'nic' AND row = old.id;
  INSERT INTO change (actor, tab, row, op, old) SELECT (SELECT name FROM actor), 'nic', old.id, 'delete',
    'mac = ' || quote(substr(lower(replace(replace(old.mac, ':', ''), '-', '')), -12)) ||
      ', host = ' || quote(old.host) || ', ip = ' || quote(lower(old.ip)) ||
      ', netmask = ' || quote(old.netmask) || ', gateway = ' || quote(old.gateway) ||
      ', vlan = ' || quote(old.vlan) || ', mtu = ' || quote(old.mtu) || ', nic_tag = ' || quote(old.nic_tag) ||
      ', nic_tags_provided = ' || quote(old.nic_tags_provided) || ', aggr = ' || quote(old.aggr);
END;

CREATE TRIGGER profile_log_before_insert BEFORE INSERT ON profile BEGIN
  DELETE FROM change_replaced;
  INSERT INTO change_replaced SELECT 'profile', id,
    'name = ' || quote(profile.name) || ', parent = ' || quote(profile.parent) ||
      ', build = ' || quote(profile.build) || ', channel = ' || quote(profile.channel) ||
      ', comment = ' || quote(profile.comment)
    FROM profile WHERE id = new.id OR name = new.name;
END;
CREATE TRIGGER profile_log_insert AFTER INSERT ON profile BEGIN
  SELECT RAISE(ABORT, 'name: INSERT OR REPLACE would give this profile another id; write INSERT ... ON CONFLICT (name) DO UPDATE SET ..., or UPDATE')
    FROM change_replaced WHERE tab = 'profile' AND row <> new.id;
  INSERT INTO change (actor, tab, row, op, old)
    SELECT (SELECT name FROM actor), tab, row, 'replace', old FROM change_replaced WHERE tab = 'profile';
  DELETE FROM change_replaced;
  INSERT INTO change (actor, tab, row, op, new) SELECT (SELECT name FROM actor), 'profile', new.id, 'insert',
    'name = ' || quote(new.name) || ', parent = ' || quote(new.parent) || ', build = ' || quote(new.build) ||
      ', channel = ' || quote(new.channel) || ', comment = ' || quote(new.comment);
END;
CREATE TRIGGER profile_log_update AFTER UPDATE ON profile WHEN
    old.id IS NOT new.id OR old.name IS NOT new.name OR old.parent IS NOT new.parent
    OR old.build IS NOT new.build OR old.channel IS NOT new.channel OR old.comment IS NOT new.comment BEGIN
  INSERT INTO change (actor, tab, row, op, old, new) SELECT (SELECT name FROM actor), 'profile', new.id, 'update',
    'name = ' || quote(old.name) || ', parent = ' || quote(old.parent) || ', build = ' || quote(old.build) ||
      ', channel = ' || quote(old.channel) || ', comment = ' || quote(old.comment),
    'name = ' || quote(new.name) || ', parent = ' || quote(new.parent) || ', build = ' || quote(new.build) ||
      ', channel = ' || quote(new.channel) || ', comment = ' || quote(new.comment);
END;
CREATE TRIGGER profile_log_delete AFTER DELETE ON profile BEGIN
  DELETE FROM change_replaced WHERE tab = 'profile' AND row = old.id;
  INSERT INTO change (actor, tab, row, op, old) SELECT (SELECT name FROM actor), 'profile', old.id, 'delete',
    'name = ' || quote(old.name) || ', parent = ' || quote(old.parent) || ', build = ' || quote(old.build) ||
      ', channel = ' || quote(old.channel) || ', comment = ' || quote(old.comment);
END;

CREATE TRIGGER channel_log_before_insert BEFORE INSERT ON channel BEGIN
  DELETE FROM change_replaced;
  INSERT INTO change_replaced SELECT 'channel', id,
    'name = ' || quote(channel.name) || ', build = ' || quote(channel.build) ||
      ', canary = ' || quote(channel.canary) || ', canary_percent = ' || quote(channel.canary_percent) ||
      ', comment = ' || quote(channel.comment)
    FROM channel WHERE id = new.id OR name = new.name;
END;
CREATE TRIGGER channel_log_insert AFTER INSERT ON channel BEGIN
  SELECT RAISE(ABORT, 'name: INSERT OR REPLACE would give this channel another id; write INSERT ... ON CONFLICT (name) DO UPDATE SET ..., or UPDATE')
    FROM change_replaced WHERE tab = 'channel' AND row <> new.id;
  INSERT INTO change (actor, tab, row, op, old)
    SELECT (SELECT name FROM actor), tab, row, 'replace', old FROM change_replaced WHERE tab = 'channel';
  DELETE FROM change_replaced;
  INSERT INTO change (actor, tab, row, op, new) SELECT (SELECT name FROM actor), 'channel', new.id, 'insert',
    'name = ' || quote(new.name) || ', build = ' || quote(new.build) || ', canary = ' || quote(new.canary) ||
      ', canary_percent = ' || quote(new.canary_percent) || ', comment = ' || quote(new.comment);
END;
CREATE TRIGGER channel_log_update AFTER UPDATE ON channel WHEN
    old.id IS NOT new.id OR old.name IS NOT new.name OR old.build IS NOT new.build
    OR old.canary IS NOT new.canary OR old.canary_percent IS NOT new.canary_percent
    OR old.comment IS NOT new.comment BEGIN
  INSERT INTO change (actor, tab, row, op, old, new) SELECT (SELECT name FROM actor), 'channel', new.id, 'update',
    'name = ' || quote(old.name) || ', build = ' || quote(old.build) || ', canary = ' || quote(old.canary) ||
      ', canary_percent = ' || quote(old.canary_percent) || ', comment = ' || quote(old.comment),
    'name = ' || quote(new.name) || ', build = ' || quote(new.build) || ', canary = ' || quote(new.canary) ||
      ', canary_percent = ' || quote(new.canary_percent) || ', comment = ' || quote(new.comment);
END;
CREATE TRIGGER channel_log_delete AFTER DELETE ON channel BEGIN
  DELETE FROM change_replaced WHERE tab = 'channel' AND row = old.id;
  INSERT INTO change (actor, tab, row, op, old) SELECT (SELECT name FROM actor), 'channel', old.id, 'delete',
    'name = ' || quote(old.name) || ', build = ' || quote(old.build) || ', canary = ' || quote(old.canary) ||
      ', canary_percent = ' || quote(old.canary_percent) || ', comment = ' || quote(old.comment);
END;

CREATE TRIGGER property_log_before_insert BEFORE INSERT ON property BEGIN
  DELETE FROM change_replaced;
  INSERT INTO change_replaced SELECT 'property', id,
    'profile = ' || quote(property.profile) || ', host = ' || quote(property.host) ||
      ', name = ' || quote(property.name) ||
      ', value = ' || quote(CASE WHEN property.value IS NOT NULL AND EXISTS (SELECT 1 FROM known_property k WHERE k.secret = 1 AND property.name GLOB k.name)
      THEN '(secret)' ELSE property.value END)
    FROM property WHERE id = new.id OR (host = new.host AND name = new.name)
    OR (profile = new.profile AND name = new.name);
END;
CREATE TRIGGER property_log_insert AFTER INSERT ON property BEGIN
  INSERT INTO change (actor, tab, row, op, old)
    SELECT (SELECT name FROM actor), tab, row, 'replace', old FROM change_replaced WHERE tab = 'property';
  DELETE FROM change_replaced;
  INSERT INTO change (actor, tab, row, op, new) SELECT (SELECT name FROM actor), 'property', new.id, 'insert',
    'profile = ' || quote(new.profile) || ', host = ' || quote(new.host) || ', name = ' || quote(new.name) ||
      ', value = ' || quote(CASE WHEN new.value IS NOT NULL AND EXISTS (SELECT 1 FROM known_property k WHERE k.secret = 1 AND new.name GLOB k.name)
      THEN '(secret)' ELSE new.value END);
END;
CREATE TRIGGER property_log_update AFTER UPDATE ON property WHEN
    old.id IS NOT new.id OR old.profile IS NOT new.profile OR old.host IS NOT new.host
    OR old.name IS NOT new.name OR old.value IS NOT new.value BEGIN
  INSERT INTO change (actor, tab, row, op, old, new) SELECT (SELECT name FROM actor), 'property', new.id, 'update',
    'profile = ' || quote(old.profile) || ', host = ' || quote(old.host) || ', name = ' || quote(old.name) ||
      ', value = ' || quote(CASE WHEN old.value IS NOT NULL AND EXISTS (SELECT 1 FROM known_property k WHERE k.secret = 1 AND old.name GLOB k.name)
      THEN '(secret)' ELSE old.value END),
    'profile = ' || quote(new.profile) || ', host = ' || quote(new.host) || ', name = ' || quote(new.name) ||
      ', value = ' || quote(CASE WHEN new.value IS NOT NULL AND EXISTS (SELECT 1 FROM known_property k WHERE k.secret = 1 AND new.name GLOB k.name)
      THEN '(secret)' ELSE new.value END);
END;
CREATE TRIGGER property_log_delete AFTER DELETE ON property BEGIN
  DELETE FROM change_replaced WHERE tab = 'property' AND row = old.id;
  INSERT INTO change (actor, tab, row, op, old) SELECT (SELECT name FROM actor), 'property', old.id, 'delete',
    'profile = ' || quote(old.profile) || ', host = ' || quote(old.host) || ', name = ' || quote(old.name) ||
      ', value = ' || quote(CASE WHEN old.value IS NOT NULL AND EXISTS (SELECT 1 FROM known_property k WHERE k.secret = 1 AND old.name GLOB k.name)
      THEN '(secret)' ELSE old.value END);
END;

CREATE TRIGGER setting_log_before_insert BEFORE INSERT ON setting BEGIN
  DELETE FROM change_replaced;
  INSERT INTO change_replaced SELECT 'setting', id,
    'profile = ' || quote(setting.profile) || ', key = ' || quote(setting.key) ||
      ', value = ' || quote(setting.value)
    FROM setting WHERE id = new.id OR (profile = new.profile AND key = new.key);
END;
CREATE TRIGGER setting_log_insert AFTER INSERT ON setting BEGIN
  INSERT INTO change (actor, tab, row, op, old)
    SELECT (SELECT name FROM actor), tab, row, 'replace', old FROM change_replaced WHERE tab = 'setting';
  DELETE FROM change_replaced;
  INSERT INTO change (actor, tab, row, op, new) SELECT (SELECT name FROM actor), 'setting', new.id, 'insert',
    'profile = ' || quote(new.profile) || ', key = ' || quote(new.key) || ', value = ' || quote(new.value);
END;
CREATE TRIGGER setting_log_update AFTER UPDATE ON setting WHEN
    old.id IS NOT new.id OR old.profile IS NOT new.profile OR old.key IS NOT new.key
    OR old.value IS NOT new.value BEGIN
  INSERT INTO change (actor, tab, row, op, old, new) SELECT (SELECT name FROM actor), 'setting', new.id, 'update',
    'profile = ' || quote(old.profile) || ', key = ' || quote(old.key) || ', value = ' || quote(old.value),
    'profile = ' || quote(new.profile) || ', key = ' || quote(new.key) || ', value = ' || quote(new.value);
END;
CREATE TRIGGER setting_log_delete AFTER DELETE ON setting BEGIN
  DELETE FROM change_replaced WHERE tab = 'setting' AND row = old.id;
  INSERT INTO change (actor, tab, row, op, old) SELECT (SELECT name FROM actor), 'setting', old.id, 'delete',
    'profile = ' || quote(old.profile) || ', key = ' || quote(old.key) || ', value = ' || quote(old.value);
END;

CREATE TRIGGER module_log_before_insert BEFORE INSERT ON module BEGIN
  DELETE FROM change_replaced;
  INSERT INTO change_replaced SELECT 'module', id,
    'profile = ' || quote(module.profile) || ', host = ' || quote(module.host) ||
      ', name = ' || quote(module.name) ||
      ', content = <' || ifnull(length(CAST(module.content AS BLOB)), 0) || ' bytes>' ||
      ', secret = ' || quote(module.secret)
    FROM module WHERE id = new.id OR (host = new.host AND name = new.name)
    OR (profile = new.profile AND name = new.name);
END;
CREATE TRIGGER module_log_insert AFTER INSERT ON module BEGIN
  INSERT INTO change (actor, tab, row, op, old)
    SELECT (SELECT name FROM actor), tab, row, 'replace', old FROM change_replaced WHERE tab = 'module';
  DELETE FROM change_replaced;
  INSERT INTO change (actor, tab, row, op, new) SELECT (SELECT name FROM actor), 'module', new.id, 'insert',
    'profile = ' || quote(new.profile) || ', host = ' || quote(new.host) || ', name = ' || quote(new.name) ||
      ', content = <' || ifnull(length(CAST(new.content AS BLOB)), 0) || ' bytes>' ||
      ', secret = ' || quote(new.secret);
END;
CREATE TRIGGER module_log_update AFTER UPDATE ON module WHEN
    old.id IS NOT new.id OR old.profile IS NOT new.profile OR old.host IS NOT new.host
    OR old.name IS NOT new.name OR old.content IS NOT new.content OR old.secret IS NOT new.secret BEGIN
  INSERT INTO change (actor, tab, row, op, old, new) SELECT (SELECT name FROM actor), 'module', new.id, 'update',
    'profile = ' || quote(old.profile) || ', host = ' || quote(old.host) || ', name = ' || quote(old.name) ||
      ', content = <' || ifnull(length(CAST(old.content AS BLOB)), 0) || ' bytes>' ||
      ', secret = ' || quote(old.secret),
    'profile = ' || quote(new.profile) || ', host = ' || quote(new.host) || ', name = ' || quote(new.name) ||
      ', content = <' || ifnull(length(CAST(new.content AS BLOB)), 0) || ' bytes>' ||
      ', secret = ' || quote(new.secret);
END;
CREATE TRIGGER module_log_delete AFTER DELETE ON module BEGIN
  DELETE FROM change_replaced WHERE tab = 'module' AND row = old.id;
  INSERT INTO change (actor, tab, row, op, old) SELECT (SELECT name FROM actor), 'module', old.id, 'delete',
    'profile = ' || quote(old.profile) || ', host = ' || quote(old.host) || ', name = ' || quote(old.name) ||
      ', content = <' || ifnull(length(CAST(old.content AS BLOB)), 0) || ' bytes>' ||
      ', secret = ' || quote(old.secret);
END;

CREATE TRIGGER answer_log_before_insert BEFORE INSERT ON answer BEGIN
  DELETE FROM change_replaced;
  INSERT INTO change_replaced SELECT 'answer', id,
    'profile = ' || quote(answer.profile) || ', host = ' || quote(answer.host) ||
      ', config_console = ' || quote(answer.config_console) ||
      ', skip_instructions = ' || quote(answer.skip_instructions) ||
      ', simple_headers = ' || quote(answer.simple_headers) || ', admin_mac = ' || quote(answer.admin_mac) ||
      ', admin_ip = ' || quote(answer.admin_ip) || ', admin_netmask = ' || quote(answer.admin_netmask) ||
      ', headnode_default_gateway = ' || quote(answer.headnode_default_gateway) ||
      ', dns_resolver1 = ' || quote(answer.dns_resolver1) || ', dns_resolver2 = ' || quote(answer.dns_resolver2) ||
      ', dns_search = ' || quote(answer.dns_search) || ', ntp_host = ' || quote(answer.ntp_host) ||
      ', skip_ntp_check = ' || quote(answer.skip_ntp_check) || ', zpool_layout = ' || quote(answer.zpool_layout) ||
      ', zpool_confirm_layout = ' || quote(answer.zpool_confirm_layout) ||
      ', bootpool = ' || quote(answer.bootpool) || ', install_pkgsrc = ' || quote(answer.install_pkgsrc) ||
      ', root_password = ' || CASE WHEN answer.root_password <> '' THEN '<secret>' ELSE quote(answer.root_password) END ||
      ', hostname = ' || quote(answer.hostname) || ', skip_final_confirm = ' || quote(answer.skip_final_confirm)
    FROM answer WHERE id = new.id OR host = new.host OR profile = new.profile;
END;
CREATE TRIGGER answer_log_insert AFTER INSERT ON answer BEGIN
  INSERT INTO change (actor, tab, row, op, old)
    SELECT (SELECT name FROM actor), tab, row, 'replace', old FROM change_replaced WHERE tab = 'answer';
  DELETE FROM change_replaced;
  INSERT INTO change (actor, tab, row, op, new) SELECT (SELECT name FROM actor), 'answer', new.id, 'insert',
    'profile = ' || quote(new.profile) || ', host = ' || quote(new.host) ||
      ', config_console = ' || quote(new.config_console) ||
      ', skip_instructions = ' || quote(new.skip_instructions) ||
      ', simple_headers = ' || quote(new.simple_headers) || ', admin_mac = ' || quote(new.admin_mac) ||
      ', admin_ip = ' || quote(new.admin_ip) || ', admin_netmask = ' || quote(new.admin_netmask) ||
      ', headnode_default_gateway = ' || quote(new.headnode_default_gateway) ||
      ', dns_resolver1 = ' || quote(new.dns_resolver1) || ', dns_resolver2 = ' || quote(new.dns_resolver2) ||
      ', dns_search = ' || quote(new.dns_search) || ', ntp_host = ' || quote(new.ntp_host) ||
      ', skip_ntp_check = ' || quote(new.skip_ntp_check) || ', zpool_layout = ' || quote(new.zpool_layout) ||
      ', zpool_confirm_layout = ' || quote(new.zpool_confirm_layout) || ', bootpool = ' || quote(new.bootpool) ||
      ', install_pkgsrc = ' || quote(new.install_pkgsrc) ||
      ', root_password = ' || CASE WHEN new.root_password <> '' THEN '<secret>' ELSE quote(new.root_password) END ||
      ', hostname = ' || quote(new.hostname) || ', skip_final_confirm = ' || quote(new.skip_final_confirm);
END;
CREATE TRIGGER answer_log_update AFTER UPDATE ON answer WHEN
    old.id IS NOT new.id OR old.profile IS NOT new.profile OR old.host IS NOT new.host OR old.config_console IS
    NOT new.config_console OR old.skip_instructions IS NOT new.skip_instructions OR old.simple_headers IS NOT
    new.simple_headers OR old.admin_mac IS NOT new.admin_mac OR old.admin_ip IS NOT new.admin_ip OR
    old.admin_netmask IS NOT new.admin_netmask OR old.headnode_default_gateway IS NOT
    new.headnode_default_gateway OR old.dns_resolver1 IS NOT new.dns_resolver1 OR old.dns_resolver2 IS NOT
    new.dns_resolver2 OR old.dns_search IS NOT new.dns_search OR old.ntp_host IS NOT new.ntp_host OR
    old.skip_ntp_check IS NOT new.skip_ntp_check OR old.zpool_layout IS NOT new.zpool_layout OR
    old.zpool_confirm_layout IS NOT new.zpool_confirm_layout OR old.bootpool IS NOT new.bootpool OR
    old.install_pkgsrc IS NOT new.install_pkgsrc OR old.root_password IS NOT new.root_password OR old.hostname
    IS NOT new.hostname OR old.skip_final_confirm IS NOT new.skip_final_confirm BEGIN
  INSERT INTO change (actor, tab, row, op, old, new) SELECT (SELECT name FROM actor), 'answer', new.id, 'update',
    'profile = ' || quote(old.profile) || ', host = ' || quote(old.host) ||
      ', config_console = ' || quote(old.config_console) ||
      ', skip_instructions = ' || quote(old.skip_instructions) ||
      ', simple_headers = ' || quote(old.simple_headers) || ', admin_mac = ' || quote(old.admin_mac) ||
      ', admin_ip = ' || quote(old.admin_ip) || ', admin_netmask = ' || quote(old.admin_netmask) ||
      ', headnode_default_gateway = ' || quote(old.headnode_default_gateway) ||
      ', dns_resolver1 = ' || quote(old.dns_resolver1) || ', dns_resolver2 = ' || quote(old.dns_resolver2) ||
      ', dns_search = ' || quote(old.dns_search) || ', ntp_host = ' || quote(old.ntp_host) ||
      ', skip_ntp_check = ' || quote(old.skip_ntp_check) || ', zpool_layout = ' || quote(old.zpool_layout) ||
      ', zpool_confirm_layout = ' || quote(old.zpool_confirm_layout) || ', bootpool = ' || quote(old.bootpool) ||
      ', install_pkgsrc = ' || quote(old.install_pkgsrc) ||
      ', root_password = ' || CASE WHEN old.root_password <> '' THEN '<secret>' ELSE quote(old.root_password) END ||
      ', hostname = ' || quote(old.hostname) || ', skip_final_confirm = ' || quote(old.skip_final_confirm),
    'profile = ' || quote(new.profile) || ', host = ' || quote(new.host) ||
      ', config_console = ' || quote(new.config_console) ||
      ', skip_instructions = ' || quote(new.skip_instructions) ||
      ', simple_headers = ' || quote(new.simple_headers) || ', admin_mac = ' || quote(new.admin_mac) ||
      ', admin_ip = ' || quote(new.admin_ip) || ', admin_netmask = ' || quote(new.admin_netmask) ||
      ', headnode_default_gateway = ' || quote(new.headnode_default_gateway) ||
      ', dns_resolver1 = ' || quote(new.dns_resolver1) || ', dns_resolver2 = ' || quote(new.dns_resolver2) ||
      ', dns_search = ' || quote(new.dns_search) || ', ntp_host = ' || quote(new.ntp_host) ||
      ', skip_ntp_check = ' || quote(new.skip_ntp_check) || ', zpool_layout = ' || quote(new.zpool_layout) ||
      ', zpool_confirm_layout = ' || quote(new.zpool_confirm_layout) || ', bootpool = ' || quote(new.bootpool) ||
      ', install_pkgsrc = ' || quote(new.install_pkgsrc) ||
      ', root_password = ' || CASE WHEN new.root_password <> '' THEN '<secret>' ELSE quote(new.root_password) END ||
      ', hostname = ' || quote(new.hostname) || ', skip_final_confirm = ' || quote(new.skip_final_confirm);
END;
CREATE TRIGGER answer_log_delete AFTER DELETE ON answer BEGIN
  DELETE FROM change_replaced WHERE tab = 'answer' AND row = old.id;
  INSERT INTO change (actor, tab, row, op, old) SELECT (SELECT name FROM actor), 'answer', old.id, 'delete',
    'profile = ' || quote(old.profile) || ', host = ' || quote(old.host) ||
      ', config_console = ' || quote(old.config_console) ||
      ', skip_instructions = ' || quote(old.skip_instructions) ||
      ', simple_headers = ' || quote(old.simple_headers) || ', admin_mac = ' || quote(old.admin_mac) ||
      ', admin_ip = ' || quote(old.admin_ip) || ', admin_netmask = ' || quote(old.admin_netmask) ||
      ', headnode_default_gateway = ' || quote(old.headnode_default_gateway) ||
      ', dns_resolver1 = ' || quote(old.dns_resolver1) || ', dns_resolver2 = ' || quote(old.dns_resolver2) ||
      ', dns_search = ' || quote(old.dns_search) || ', ntp_host = ' || quote(old.ntp_host) ||
      ', skip_ntp_check = ' || quote(old.skip_ntp_check) || ', zpool_layout = ' || quote(old.zpool_layout) ||
      ', zpool_confirm_layout = ' || quote(old.zpool_confirm_layout) || ', bootpool = ' || quote(old.bootpool) ||
      ', install_pkgsrc = ' || quote(old.install_pkgsrc) ||
      ', root_password = ' || CASE WHEN old.root_password <> '' THEN '<secret>' ELSE quote(old.root_password) END ||
      ', hostname = ' || quote(old.hostname) || ', skip_final_confirm = ' || quote(old.skip_final_confirm);
END;

CREATE TRIGGER network_log_before_insert BEFORE INSERT ON network BEGIN
  DELETE FROM change_replaced;
  INSERT INTO change_replaced SELECT 'network', id,
    'profile = ' || quote(network.profile) || ', host = ' || quote(network.host) ||
      ', admin_tag = ' || quote(network.admin_tag) || ', dns_domain = ' || quote(network.dns_domain) ||
      ', dns_resolver1 = ' || quote(network.dns_resolver1) ||
      ', dns_resolver2 = ' || quote(network.dns_resolver2) ||
      ', dns_resolver3 = ' || quote(network.dns_resolver3) || ', etherstubs = ' || quote(network.etherstubs) ||
      ', lacp_mode = ' || quote(network.lacp_mode)
    FROM network WHERE id = new.id OR host = new.host OR profile = new.profile;
END;
CREATE TRIGGER network_log_insert AFTER INSERT ON network BEGIN
  INSERT INTO change (actor, tab, row, op, old)
    SELECT (SELECT name FROM actor), tab, row, 'replace', old FROM change_replaced WHERE tab = 'network';
  DELETE FROM change_replaced;
  INSERT INTO change (actor, tab, row, op, new) SELECT (SELECT name FROM actor), 'network', new.id, 'insert',
    'profile = ' || quote(new.profile) || ', host = ' || quote(new.host) ||
      ', admin_tag = ' || quote(new.admin_tag) || ', dns_domain = ' || quote(new.dns_domain) ||
      ', dns_resolver1 = ' || quote(new.dns_resolver1) || ', dns_resolver2 = ' || quote(new.dns_resolver2) ||
      ', dns_resolver3 = ' || quote(new.dns_resolver3) || ', etherstubs = ' || quote(new.etherstubs) ||
      ', lacp_mode = ' || quote(new.lacp_mode);
END;
CREATE TRIGGER network_log_update AFTER UPDATE ON network WHEN
    old.id IS NOT new.id OR old.profile IS NOT new.profile OR old.host IS NOT new.host OR
    old.admin_tag IS NOT new.admin_tag OR old.dns_domain IS NOT new.dns_domain OR
    old.dns_resolver1 IS NOT new.dns_resolver1 OR old.dns_resolver2 IS NOT new.dns_resolver2 OR
    old.dns_resolver3 IS NOT new.dns_resolver3 OR old.etherstubs IS NOT new.etherstubs OR
    old.lacp_mode IS NOT new.lacp_mode BEGIN
  INSERT INTO change (actor, tab, row, op, old, new) SELECT (SELECT name FROM actor), 'network', new.id, 'update',
    'profile = ' || quote(old.profile) || ', host = ' || quote(old.host) ||
      ', admin_tag = ' || quote(old.admin_tag) || ', dns_domain = ' || quote(old.dns_domain) ||
      ', dns_resolver1 = ' || quote(old.dns_resolver1) || ', dns_resolver2 = ' || quote(old.dns_resolver2) ||
      ', dns_resolver3 = ' || quote(old.dns_resolver3) || ', etherstubs = ' || quote(old.etherstubs) ||
      ', lacp_mode = ' || quote(old.lacp_mode),
    'profile = ' || quote(new.profile) || ', host = ' || quote(new.host) ||
      ', admin_tag = ' || quote(new.admin_tag) || ', dns_domain = ' || quote(new.dns_domain) ||
      ', dns_resolver1 = ' || quote(new.dns_resolver1) || ', dns_resolver2 = ' || quote(new.dns_resolver2) ||
      ', dns_resolver3 = ' || quote(new.dns_resolver3) || ', etherstubs = ' || quote(new.etherstubs) ||
      ', lacp_mode = ' || quote(new.lacp_mode);
END;
CREATE TRIGGER network_log_delete AFTER DELETE ON network BEGIN
  DELETE FROM change_replaced WHERE tab = 'network' AND row = old.id;
  INSERT INTO change (actor, tab, row, op, old) SELECT (SELECT name FROM actor), 'network', old.id, 'delete',
    'profile = ' || quote(old.profile) || ', host = ' || quote(old.host) ||
      ', admin_tag = ' || quote(old.admin_tag) || ', dns_domain = ' || quote(old.dns_domain) ||
      ', dns_resolver1 = ' || quote(old.dns_resolver1) || ', dns_resolver2 = ' || quote(old.dns_resolver2) ||
      ', dns_resolver3 = ' || quote(old.dns_resolver3) || ', etherstubs = ' || quote(old.etherstubs) ||
      ', lacp_mode = ' || quote(old.lacp_mode);
END;

CREATE TRIGGER route_log_before_insert BEFORE INSERT ON route BEGIN
  DELETE FROM change_replaced;
  INSERT INTO change_replaced SELECT 'route', id,
    'profile = ' || quote(route.profile) || ', host = ' || quote(route.host) ||
      ', destination = ' || quote(route.destination) || ', gateway = ' || quote(route.gateway)
    FROM route WHERE id = new.id OR (host = new.host AND destination = new.destination)
    OR (profile = new.profile AND destination = new.destination);
END;
CREATE TRIGGER route_log_insert AFTER INSERT ON route BEGIN
  INSERT INTO change (actor, tab, row, op, old)
    SELECT (SELECT name FROM actor), tab, row, 'replace', old FROM change_replaced WHERE tab = 'route';
  DELETE FROM change_replaced;
  INSERT INTO change (actor, tab, row, op, new) SELECT (SELECT name FROM actor), 'route', new.id, 'insert',
    'profile = ' || quote(new.profile) || ', host = ' || quote(new.host) ||
      ', destination = ' || quote(new.destination) || ', gateway = ' || quote(new.gateway);
END;
CREATE TRIGGER route_log_update AFTER UPDATE ON route WHEN
    old.id IS NOT new.id OR old.profile IS NOT new.profile OR old.host IS NOT new.host OR
    old.destination IS NOT new.destination OR old.gateway IS NOT new.gateway BEGIN
  INSERT INTO change (actor, tab, row, op, old, new) SELECT (SELECT name FROM actor), 'route', new.id, 'update',
    'profile = ' || quote(old.profile) || ', host = ' || quote(old.host) ||
      ', destination = ' || quote(old.destination) || ', gateway = ' || quote(old.gateway),
    'profile = ' || quote(new.profile) || ', host = ' || quote(new.host) ||
      ', destination = ' || quote(new.destination) || ', gateway = ' || quote(new.gateway);
END;
CREATE TRIGGER route_log_delete AFTER DELETE ON route BEGIN
  DELETE FROM change_replaced WHERE tab = 'route' AND row = old.id;
  INSERT INTO change (actor, tab, row, op, old) SELECT (SELECT name FROM actor), 'route', old.id, 'delete',
    'profile = ' || quote(old.profile) || ', host = ' || quote(old.host) ||
      ', destination = ' || quote(old.destination) || ', gateway = ' || quote(old.gateway);
END;

CREATE TRIGGER menu_item_log_before_insert BEFORE INSERT ON menu_item BEGIN
  DELETE FROM change_replaced;
  INSERT INTO change_replaced SELECT 'menu_item', id,
    'profile = ' || quote(menu_item.profile) || ', key = ' || quote(menu_item.key) ||
      ', label = ' || quote(menu_item.label) || ', body = ' || quote(menu_item.body) ||
      ', position = ' || quote(menu_item.position)
    FROM menu_item WHERE id = new.id OR (profile = new.profile AND key = new.key);
END;
CREATE TRIGGER menu_item_log_insert AFTER INSERT ON menu_item BEGIN
  INSERT INTO change (actor, tab, row, op, old)
    SELECT (SELECT name FROM actor), tab, row, 'replace', old FROM change_replaced WHERE tab = 'menu_item';
  DELETE FROM change_replaced;
  INSERT INTO change (actor, tab, row, op, new) SELECT (SELECT name FROM actor), 'menu_item', new.id, 'insert',
    'profile = ' || quote(new.profile) || ', key = ' || quote(new.key) || ', label = ' || quote(new.label) ||
      ', body = ' || quote(new.body) || ', position = ' || quote(new.position);
END;
CREATE TRIGGER menu_item_log_update AFTER UPDATE ON menu_item WHEN
    old.id IS NOT new.id OR old.profile IS NOT new.profile OR old.key IS NOT new.key
    OR old.label IS NOT new.label OR old.body IS NOT new.body OR old.position IS NOT new.position BEGIN
  INSERT INTO change (actor, tab, row, op, old, new) SELECT (SELECT name FROM actor), 'menu_item', new.id, 'update',
    'profile = ' || quote(old.profile) || ', key = ' || quote(old.key) || ', label = ' || quote(old.label) ||
      ', body = ' || quote(old.body) || ', position = ' || quote(old.position),
    'profile = ' || quote(new.profile) || ', key = ' || quote(new.key) || ', label = ' || quote(new.label) ||
      ', body = ' || quote(new.body) || ', position = ' || quote(new.position);
END;
CREATE TRIGGER menu_item_log_delete AFTER DELETE ON menu_item BEGIN
  DELETE FROM change_replaced WHERE tab = 'menu_item' AND row = old.id;
  INSERT INTO change (actor, tab, row, op, old) SELECT (SELECT name FROM actor), 'menu_item', old.id, 'delete',
    'profile = ' || quote(old.profile) || ', key = ' || quote(old.key) || ', label = ' || quote(old.label) ||
      ', body = ' || quote(old.body) || ', position = ' || quote(old.position);
END;

CREATE TRIGGER known_property_log_before_insert BEFORE INSERT ON known_property BEGIN
  DELETE FROM change_replaced;
  INSERT INTO change_replaced SELECT 'known_property', id,
    'name = ' || quote(known_property.name) || ', type = ' || quote(known_property.type) ||
      ', meaning = ' || quote(known_property.meaning) || ', source = ' || quote(known_property.source) ||
      ', secret = ' || quote(known_property.secret)
    FROM known_property WHERE id = new.id OR name = new.name;
END;
CREATE TRIGGER known_property_log_insert AFTER INSERT ON known_property BEGIN
  INSERT INTO change (actor, tab, row, op, old)
    SELECT (SELECT name FROM actor), tab, row, 'replace', old FROM change_replaced WHERE tab = 'known_property';
  DELETE FROM change_replaced;
  INSERT INTO change (actor, tab, row, op, new) SELECT (SELECT name FROM actor), 'known_property', new.id, 'insert',
    'name = ' || quote(new.name) || ', type = ' || quote(new.type) || ', meaning = ' || quote(new.meaning) ||
      ', source = ' || quote(new.source) || ', secret = ' || quote(new.secret);
END;
CREATE TRIGGER known_property_log_update AFTER UPDATE ON known_property WHEN
    old.id IS NOT new.id OR old.name IS NOT new.name OR old.type IS NOT new.type
    OR old.meaning IS NOT new.meaning OR old.source IS NOT new.source OR old.secret IS NOT new.secret BEGIN
  INSERT INTO change (actor, tab, row, op, old, new) SELECT (SELECT name FROM actor), 'known_property', new.id, 'update',
    'name = ' || quote(old.name) || ', type = ' || quote(old.type) || ', meaning = ' || quote(old.meaning) ||
      ', source = ' || quote(old.source) || ', secret = ' || quote(old.secret),
    'name = ' || quote(new.name) || ', type = ' || quote(new.type) || ', meaning = ' || quote(new.meaning) ||
      ', source = ' || quote(new.source) || ', secret = ' || quote(new.secret);
END;
CREATE TRIGGER known_property_log_delete AFTER DELETE ON known_property BEGIN
  DELETE FROM change_replaced WHERE tab = 'known_property' AND row = old.id;
  INSERT INTO change (actor, tab, row, op, old) SELECT (SELECT name FROM actor), 'known_property', old.id, 'delete',
    'name = ' || quote(old.name) || ', type = ' || quote(old.type) || ', meaning = ' || quote(old.meaning) ||
      ', source = ' || quote(old.source) || ', secret = ' || quote(old.secret);
END;

CREATE TRIGGER known_setting_log_before_insert BEFORE INSERT ON known_setting BEGIN
  DELETE FROM change_replaced;
  INSERT INTO change_replaced SELECT 'known_setting', id,
    'key = ' || quote(known_setting.key) || ', type = ' || quote(known_setting.type) ||
      ', choices = ' || quote(known_setting.choices) || ', built_in = ' || quote(known_setting.built_in) ||
      ', meaning = ' || quote(known_setting.meaning)
    FROM known_setting WHERE id = new.id OR key = new.key;
END;
CREATE TRIGGER known_setting_log_insert AFTER INSERT ON known_setting BEGIN
  INSERT INTO change (actor, tab, row, op, old)
    SELECT (SELECT name FROM actor), tab, row, 'replace', old FROM change_replaced WHERE tab = 'known_setting';
  DELETE FROM change_replaced;
  INSERT INTO change (actor, tab, row, op, new) SELECT (SELECT name FROM actor), 'known_setting', new.id, 'insert',
    'key = ' || quote(new.key) || ', type = ' || quote(new.type) || ', choices = ' || quote(new.choices) ||
      ', built_in = ' || quote(new.built_in) || ', meaning = ' || quote(new.meaning);
END;
CREATE TRIGGER known_setting_log_update AFTER UPDATE ON known_setting WHEN
    old.id IS NOT new.id OR old.key IS NOT new.key OR old.type IS NOT new.type
    OR old.choices IS NOT new.choices OR old.built_in IS NOT new.built_in
    OR old.meaning IS NOT new.meaning BEGIN
  INSERT INTO change (actor, tab, row, op, old, new) SELECT (SELECT name FROM actor), 'known_setting', new.id, 'update',
    'key = ' || quote(old.key) || ', type = ' || quote(old.type) || ', choices = ' || quote(old.choices) ||
      ', built_in = ' || quote(old.built_in) || ', meaning = ' || quote(old.meaning),
    'key = ' || quote(new.key) || ', type = ' || quote(new.type) || ', choices = ' || quote(new.choices) ||
      ', built_in = ' || quote(new.built_in) || ', meaning = ' || quote(new.meaning);
END;
CREATE TRIGGER known_setting_log_delete AFTER DELETE ON known_setting BEGIN
  DELETE FROM change_replaced WHERE tab = 'known_setting' AND row = old.id;
  INSERT INTO change (actor, tab, row, op, old) SELECT (SELECT name FROM actor), 'known_setting', old.id, 'delete',
    'key = ' || quote(old.key) || ', type = ' || quote(old.type) || ', choices = ' || quote(old.choices) ||
      ', built_in = ' || quote(old.built_in) || ', meaning = ' || quote(old.meaning);
END;

--------------------------------------------------------------------------------------------------------------- views ---
-- Fast with WHERE host = ... or WHERE hostname = ...; over all hosts they are for reports.

CREATE VIEW host_build AS
  -- Which build each host boots, and by which rule.  build NULL: `latest`.
  SELECT h.id AS host, h.hostname,
    CASE WHEN h.build IS NOT NULL THEN h.build
      WHEN h.channel IS NULL AND g.build IS NOT NULL THEN g.build
      WHEN c.canary IS NOT NULL AND ((((h.id & 16777215) + (c.id & 255) * 65599) * 2654435761) % 4294967296) * 100 / 4294967296
        < c.canary_percent THEN c.canary
      ELSE c.build END AS build,
    CASE WHEN h.build IS NOT NULL THEN 'host.build'
      WHEN h.channel IS NULL AND g.build IS NOT NULL THEN 'profile ' || g.name || '.build'
      WHEN c.id IS NULL THEN 'latest (nothing else is set)'
      ELSE CASE WHEN c.canary IS NOT NULL
          AND ((((h.id & 16777215) + (c.id & 255) * 65599) * 2654435761) % 4294967296) * 100 / 4294967296 < c.canary_percent
          THEN 'canary of ' ELSE '' END
        || 'channel ' || c.name || ', from ' || CASE WHEN h.channel IS NOT NULL THEN 'the host' ELSE 'profile ' || g.name END
      END AS why
  FROM host h
  LEFT JOIN profile g ON g.id = (SELECT p.id FROM profile_closure pc JOIN profile p ON p.id = pc.ancestor
    WHERE pc.descendant = h.profile AND (p.build IS NOT NULL OR p.channel IS NOT NULL) ORDER BY pc.depth LIMIT 1)
  LEFT JOIN channel c ON c.id = coalesce(h.channel, g.channel);

CREATE VIEW host_property AS
  -- Each host's effective properties, and the layer that gave each.  value NULL: that layer takes an inherited one away.
  SELECT h.id AS host, h.hostname, p.name, p.value, 'host ' || h.hostname AS layer
  FROM host h JOIN property p ON p.host = h.id
  UNION ALL
  SELECT h.id, h.hostname, p.name, p.value, 'profile ' || a.name
  FROM host h CROSS JOIN profile_closure c CROSS JOIN profile a CROSS JOIN property p
  WHERE c.descendant = h.profile AND a.id = c.ancestor AND p.profile = a.id
    AND NOT EXISTS (SELECT 1 FROM property q WHERE q.host = h.id AND q.name = p.name)
    AND NOT EXISTS (SELECT 1 FROM profile_closure c2 CROSS JOIN property q
      WHERE c2.descendant = h.profile AND c2.depth < c.depth AND q.profile = c2.ancestor AND q.name = p.name);

CREATE VIEW host_setting AS
  -- Each host's effective settings, and the layer that gave each.
  SELECT h.id AS host, h.hostname, k.key, ifnull(s.value, k.built_in) AS value,
    CASE WHEN s.value IS NULL THEN 'built in' WHEN s.profile = 1 THEN 'global' ELSE 'profile ' || a.name END AS layer
  FROM host h CROSS JOIN known_setting k
  LEFT JOIN setting s ON s.id = (SELECT t.id FROM profile_closure c CROSS JOIN setting t
    WHERE c.descendant = h.profile AND t.profile = c.ancestor AND t.key = k.key ORDER BY c.depth LIMIT 1)
  LEFT JOIN profile a ON a.id = s.profile;

CREATE VIEW host_answer AS
  -- Each host's effective answers: its own, else its nearest profile's.  0 and '' are left out of answers.json.  The
  -- answer `hostname` is called answer_hostname here.
  SELECT h.id AS host, h.hostname,
    coalesce(o.admin_ip, (SELECT a.admin_ip FROM profile_closure c JOIN answer a ON a.profile = c.ancestor
      WHERE c.descendant = h.profile AND a.admin_ip IS NOT NULL ORDER BY c.depth LIMIT 1)) AS admin_ip,
    coalesce(o.admin_mac, (SELECT a.admin_mac FROM profile_closure c JOIN answer a ON a.profile = c.ancestor
      WHERE c.descendant = h.profile AND a.admin_mac IS NOT NULL ORDER BY c.depth LIMIT 1)) AS admin_mac,
    coalesce(o.admin_netmask, (SELECT a.admin_netmask FROM profile_closure c JOIN answer a ON a.profile = c.ancestor
      WHERE c.descendant = h.profile AND a.admin_netmask IS NOT NULL ORDER BY c.depth LIMIT 1)) AS admin_netmask,
    coalesce(o.bootpool, (SELECT a.bootpool FROM profile_closure c JOIN answer a ON a.profile = c.ancestor
      WHERE c.descendant = h.profile AND a.bootpool IS NOT NULL ORDER BY c.depth LIMIT 1)) AS bootpool,
    coalesce(o.config_console, (SELECT a.config_console FROM profile_closure c JOIN answer a ON a.profile = c.ancestor
      WHERE c.descendant = h.profile AND a.config_console IS NOT NULL ORDER BY c.depth LIMIT 1)) AS config_console,
    coalesce(o.dns_resolver1, (SELECT a.dns_resolver1 FROM profile_closure c JOIN answer a ON a.profile = c.ancestor
      WHERE c.descendant = h.profile AND a.dns_resolver1 IS NOT NULL ORDER BY c.depth LIMIT 1)) AS dns_resolver1,
    coalesce(o.dns_resolver2, (SELECT a.dns_resolver2 FROM profile_closure c JOIN answer a ON a.profile = c.ancestor
      WHERE c.descendant = h.profile AND a.dns_resolver2 IS NOT NULL ORDER BY c.depth LIMIT 1)) AS dns_resolver2,
    coalesce(o.dns_search, (SELECT a.dns_search FROM profile_closure c JOIN answer a ON a.profile = c.ancestor
      WHERE c.descendant = h.profile AND a.dns_search IS NOT NULL ORDER BY c.depth LIMIT 1)) AS dns_search,
    coalesce(o.headnode_default_gateway, (SELECT a.headnode_default_gateway FROM profile_closure c JOIN answer a ON a.profile = c.ancestor
      WHERE c.descendant = h.profile AND a.headnode_default_gateway IS NOT NULL ORDER BY c.depth LIMIT 1)) AS headnode_default_gateway,
    coalesce(o.hostname, (SELECT a.hostname FROM profile_closure c JOIN answer a ON a.profile = c.ancestor
      WHERE c.descendant = h.profile AND a.hostname IS NOT NULL ORDER BY c.depth LIMIT 1)) AS answer_hostname,
    coalesce(o.install_pkgsrc, (SELECT a.install_pkgsrc FROM profile_closure c JOIN answer a ON a.profile = c.ancestor
      WHERE c.descendant = h.profile AND a.install_pkgsrc IS NOT NULL ORDER BY c.depth LIMIT 1)) AS install_pkgsrc,
    coalesce(o.ntp_host, (SELECT a.ntp_host FROM profile_closure c JOIN answer a ON a.profile = c.ancestor
      WHERE c.descendant = h.profile AND a.ntp_host IS NOT NULL ORDER BY c.depth LIMIT 1)) AS ntp_host,
    coalesce(o.root_password, (SELECT a.root_password FROM profile_closure c JOIN answer a ON a.profile = c.ancestor
      WHERE c.descendant = h.profile AND a.root_password IS NOT NULL ORDER BY c.depth LIMIT 1)) AS root_password,
    coalesce(o.simple_headers, (SELECT a.simple_headers FROM profile_closure c JOIN answer a ON a.profile = c.ancestor
      WHERE c.descendant = h.profile AND a.simple_headers IS NOT NULL ORDER BY c.depth LIMIT 1)) AS simple_headers,
    coalesce(o.skip_final_confirm, (SELECT a.skip_final_confirm FROM profile_closure c JOIN answer a ON a.profile = c.ancestor
      WHERE c.descendant = h.profile AND a.skip_final_confirm IS NOT NULL ORDER BY c.depth LIMIT 1)) AS skip_final_confirm,
    coalesce(o.skip_instructions, (SELECT a.skip_instructions FROM profile_closure c JOIN answer a ON a.profile = c.ancestor
      WHERE c.descendant = h.profile AND a.skip_instructions IS NOT NULL ORDER BY c.depth LIMIT 1)) AS skip_instructions,
    coalesce(o.skip_ntp_check, (SELECT a.skip_ntp_check FROM profile_closure c JOIN answer a ON a.profile = c.ancestor
      WHERE c.descendant = h.profile AND a.skip_ntp_check IS NOT NULL ORDER BY c.depth LIMIT 1)) AS skip_ntp_check,
    coalesce(o.zpool_confirm_layout, (SELECT a.zpool_confirm_layout FROM profile_closure c JOIN answer a ON a.profile = c.ancestor
      WHERE c.descendant = h.profile AND a.zpool_confirm_layout IS NOT NULL ORDER BY c.depth LIMIT 1)) AS zpool_confirm_layout,
    coalesce(o.zpool_layout, (SELECT a.zpool_layout FROM profile_closure c JOIN answer a ON a.profile = c.ancestor
      WHERE c.descendant = h.profile AND a.zpool_layout IS NOT NULL ORDER BY c.depth LIMIT 1)) AS zpool_layout
  FROM host h LEFT JOIN answer o ON o.host = h.id;

CREATE VIEW host_answers AS
  -- Each host's answers.json as its machine gets it, with the clear-text password; NULL if nothing is answered, and then there
  -- is none.  No value holds a control character, so that \ and " are all that JSON wants escaped.
  SELECT host, hostname, '{' || substr(nullif(
      CASE WHEN admin_ip <> '' THEN ',' || char(10) || '  "admin_ip": "'
        || replace(replace(admin_ip, '\', '\\'), '"', '\"') || '"' ELSE '' END
      || CASE WHEN admin_mac <> '' THEN ',' || char(10) || '  "admin_mac": "'
        || replace(replace(admin_mac, '\', '\\'), '"', '\"') || '"' ELSE '' END
      || CASE WHEN admin_netmask <> '' THEN ',' || char(10) || '  "admin_netmask": "'
        || replace(replace(admin_netmask, '\', '\\'), '"', '\"') || '"' ELSE '' END
      || CASE WHEN bootpool <> '' THEN ',' || char(10) || '  "bootpool": "'
        || replace(replace(bootpool, '\', '\\'), '"', '\"') || '"' ELSE '' END
      || CASE WHEN config_console = 1 THEN ',' || char(10) || '  "config_console": true' ELSE '' END
      || CASE WHEN dns_resolver1 <> '' THEN ',' || char(10) || '  "dns_resolver1": "'
        || replace(replace(dns_resolver1, '\', '\\'), '"', '\"') || '"' ELSE '' END
      || CASE WHEN dns_resolver2 <> '' THEN ',' || char(10) || '  "dns_resolver2": "'
        || replace(replace(dns_resolver2, '\', '\\'), '"', '\"') || '"' ELSE '' END
      || CASE WHEN dns_search <> '' THEN ',' || char(10) || '  "dns_search": "'
        || replace(replace(dns_search, '\', '\\'), '"', '\"') || '"' ELSE '' END
      || CASE WHEN headnode_default_gateway <> '' THEN ',' || char(10) || '  "headnode_default_gateway": "'
        || replace(replace(headnode_default_gateway, '\', '\\'), '"', '\"') || '"' ELSE '' END
      || CASE WHEN answer_hostname <> '' THEN ',' || char(10) || '  "hostname": "'
        || replace(replace(answer_hostname, '\', '\\'), '"', '\"') || '"' ELSE '' END
      || CASE WHEN install_pkgsrc <> '' THEN ',' || char(10) || '  "install_pkgsrc": "'
        || replace(replace(install_pkgsrc, '\', '\\'), '"', '\"') || '"' ELSE '' END
      || CASE WHEN ntp_host <> '' THEN ',' || char(10) || '  "ntp_host": "'
        || replace(replace(ntp_host, '\', '\\'), '"', '\"') || '"' ELSE '' END
      || CASE WHEN root_password <> '' THEN ',' || char(10) || '  "root_password": "'
        || replace(replace(root_password, '\', '\\'), '"', '\"') || '"' ELSE '' END
      || CASE WHEN simple_headers = 1 THEN ',' || char(10) || '  "simple_headers": true' ELSE '' END
      || CASE WHEN skip_final_confirm = 1 THEN ',' || char(10) || '  "skip_final_confirm": true' ELSE '' END
      || CASE WHEN skip_instructions = 1 THEN ',' || char(10) || '  "skip_instructions": true' ELSE '' END
      || CASE WHEN skip_ntp_check = 1 THEN ',' || char(10) || '  "skip_ntp_check": true' ELSE '' END
      || CASE WHEN zpool_confirm_layout <> '' THEN ',' || char(10) || '  "zpool_confirm_layout": "'
        || replace(replace(zpool_confirm_layout, '\', '\\'), '"', '\"') || '"' ELSE '' END
      || CASE WHEN zpool_layout <> '' THEN ',' || char(10) || '  "zpool_layout": "'
        || replace(replace(zpool_layout, '\', '\\'), '"', '\"') || '"' ELSE '' END, ''), 2)
    || char(10) || '}' || char(10) AS json
  FROM host_answer;

CREATE VIEW host_network AS
  -- Each host's effective columns of network; '' and NULL: none.
  SELECT h.id AS host, h.hostname,
    coalesce(o.admin_tag, (SELECT a.admin_tag FROM profile_closure c JOIN network a ON a.profile = c.ancestor
      WHERE c.descendant = h.profile AND a.admin_tag IS NOT NULL ORDER BY c.depth LIMIT 1)) AS admin_tag,
    coalesce(o.dns_domain, (SELECT a.dns_domain FROM profile_closure c JOIN network a ON a.profile = c.ancestor
      WHERE c.descendant = h.profile AND a.dns_domain IS NOT NULL ORDER BY c.depth LIMIT 1)) AS dns_domain,
    coalesce(o.dns_resolver1, (SELECT a.dns_resolver1 FROM profile_closure c JOIN network a ON a.profile = c.ancestor
      WHERE c.descendant = h.profile AND a.dns_resolver1 IS NOT NULL ORDER BY c.depth LIMIT 1)) AS dns_resolver1,
    coalesce(o.dns_resolver2, (SELECT a.dns_resolver2 FROM profile_closure c JOIN network a ON a.profile = c.ancestor
      WHERE c.descendant = h.profile AND a.dns_resolver2 IS NOT NULL ORDER BY c.depth LIMIT 1)) AS dns_resolver2,
    coalesce(o.dns_resolver3, (SELECT a.dns_resolver3 FROM profile_closure c JOIN network a ON a.profile = c.ancestor
      WHERE c.descendant = h.profile AND a.dns_resolver3 IS NOT NULL ORDER BY c.depth LIMIT 1)) AS dns_resolver3,
    coalesce(o.etherstubs, (SELECT a.etherstubs FROM profile_closure c JOIN network a ON a.profile = c.ancestor
      WHERE c.descendant = h.profile AND a.etherstubs IS NOT NULL ORDER BY c.depth LIMIT 1)) AS etherstubs,
    coalesce(o.lacp_mode, (SELECT a.lacp_mode FROM profile_closure c JOIN network a ON a.profile = c.ancestor
      WHERE c.descendant = h.profile AND a.lacp_mode IS NOT NULL ORDER BY c.depth LIMIT 1)) AS lacp_mode
  FROM host h LEFT JOIN network o ON o.host = h.id;

CREATE VIEW host_route AS
  -- Each host's effective routes, and the layer that gave each.  gateway NULL: that layer takes an inherited one away.
  SELECT h.id AS host, h.hostname, r.destination, r.gateway, 'host ' || h.hostname AS layer
  FROM host h JOIN route r ON r.host = h.id
  UNION ALL
  SELECT h.id, h.hostname, r.destination, r.gateway, 'profile ' || a.name
  FROM host h CROSS JOIN profile_closure c CROSS JOIN profile a CROSS JOIN route r
  WHERE c.descendant = h.profile AND a.id = c.ancestor AND r.profile = a.id
    AND NOT EXISTS (SELECT 1 FROM route q WHERE q.host = h.id AND q.destination = r.destination)
    AND NOT EXISTS (SELECT 1 FROM profile_closure c2 CROSS JOIN route q
      WHERE c2.descendant = h.profile AND c2.depth < c.depth AND q.profile = c2.ancestor AND q.destination = r.destination);

CREATE VIEW host_networking AS
  -- Each host's networking.json as its machine gets it; NULL if no NIC of the host has the admin tag, and then there is none.
  -- No column lets anything pass that JSON wants escaped.  A MAC is left out of an address on an aggregation: net-physical
  -- makes no virtual NIC with the MAC of a port.  The port with the admin tag comes first, for the first address of a tag
  -- is the one SmartOS calls by the tag's name.
  SELECT w.host, w.hostname, CASE WHEN EXISTS (SELECT 1 FROM nic n WHERE n.host = w.host
      AND instr(',' || n.nic_tags_provided || ',', ',' || ifnull(nullif(w.admin_tag, ''), 'admin') || ',')) THEN
    '{' || char(10) || '  "admin_tag": "' || ifnull(nullif(w.admin_tag, ''), 'admin') || '"'
    || ifnull((SELECT ',' || char(10) || '  "aggregations": [' || char(10) || '    ' || group_concat(line, ',' || char(10) || '    ') || char(10) || '  ]' FROM (
        SELECT '{"name": "' || aggr || '", "macs": ["' || (SELECT group_concat(replace(mac, '-', ':'), '", "') FROM (
            SELECT mac FROM nic m WHERE m.host = w.host AND m.aggr = e.aggr ORDER BY m.id)) || '"]'
          || ifnull(', "lacp_mode": "' || nullif(w.lacp_mode, '') || '"', '') || '}' AS line
        FROM (SELECT DISTINCT aggr FROM nic n WHERE n.host = w.host AND aggr IS NOT NULL ORDER BY aggr) e)), '')
    || ifnull(',' || char(10) || '  "dns_domain": "' || nullif(w.dns_domain, '') || '"', '')
    || ifnull(',' || char(10) || '  "etherstubs": ["' || replace(nullif(w.etherstubs, ''), ',', '", "') || '"]', '')
    || ',' || char(10) || '  "hostname": "' || w.hostname || '"'
    || (SELECT ',' || char(10) || '  "nictags": [' || char(10) || '    ' || group_concat(line, ',' || char(10) || '    ') || char(10) || '  ]' FROM (
        SELECT '{"name": "' || replace(nic_tags_provided, ',', rest || ',' || char(10) || '    {"name": "') || rest AS line FROM (
          SELECT nic_tags_provided, '", "mac": "' || ifnull(aggr, replace(mac, '-', ':')) || '"'
            || ifnull(', "mtu": ' || mtu, '') || '}' AS rest
          FROM nic n WHERE n.host = w.host AND nic_tags_provided IS NOT NULL ORDER BY n.id)))
    || ifnull(',' || char(10) || '  "resolvers": ["' || nullif(substr(ifnull('", "' || nullif(w.dns_resolver1, ''), '')
      || ifnull('", "' || nullif(w.dns_resolver2, ''), '') || ifnull('", "' || nullif(w.dns_resolver3, ''), ''), 5), '')
      || '"]', '')
    || ifnull((SELECT ',' || char(10) || '  "routes": {' || char(10) || '    ' || group_concat(line, ',' || char(10) || '    ') || char(10) || '  }' FROM (
        SELECT '"' || destination || '": "' || gateway || '"' AS line FROM (
          SELECT destination, gateway, min(depth) FROM (
            SELECT destination, gateway, -1 AS depth FROM route r WHERE r.host = w.host
            UNION ALL
            SELECT r.destination, r.gateway, c.depth FROM host h CROSS JOIN profile_closure c CROSS JOIN route r
              WHERE h.id = w.host AND c.descendant = h.profile AND r.profile = c.ancestor) GROUP BY destination)
        WHERE gateway IS NOT NULL ORDER BY destination)), '')
    || ifnull((SELECT ',' || char(10) || '  "vnics": [' || char(10) || '    ' || group_concat(line, ',' || char(10) || '    ') || char(10) || '  ]' FROM (
        SELECT '{"nic_tag": "' || nic_tag || '", "ip": "' || ip || '", "netmask": "' || netmask || '"'
          || ifnull(', "gateway": "' || gateway || '"', '')
          || CASE WHEN aggr IS NULL THEN ', "mac": "' || replace(mac, '-', ':') || '"' ELSE '' END
          || ifnull(', "mtu": ' || mtu, '') || ifnull(', "vlan_id": ' || vlan, '') || '}' AS line
        FROM (SELECT *, instr(',' || ifnull(nic_tags_provided, '') || ',', ',' || ifnull(nullif(w.admin_tag, ''), 'admin') || ',') = 0
            AS later FROM nic n WHERE n.host = w.host AND netmask IS NOT NULL) ORDER BY later, id)), '')
    || char(10) || '}' || char(10) END AS json
  FROM host_network w;

CREATE VIEW host_boot AS
  -- One line a host, for people.  Secrets are shown as "(set)".
  SELECT b.host, b.hostname,
    CASE WHEN h.enabled = 0 THEN 'local disk' ELSE ifnull(b.build, 'latest') END AS boots,
    CASE WHEN h.enabled = 0 THEN 'host.enabled = 0' ELSE b.why END AS why,
    a.name AS profile,
    (SELECT group_concat(mac, ' ') FROM (SELECT mac FROM nic WHERE host = h.id ORDER BY id)) AS macs,
    (SELECT group_concat(ip, ' ') FROM (SELECT ip FROM nic WHERE host = h.id AND ip IS NOT NULL ORDER BY id)) AS ips,
    -- What host_property says, found by id: SQLite does not carry h.id into that view from here.
    (SELECT group_concat(name || CASE WHEN name GLOB '-*' AND value IN ('', 'true') THEN ''
        WHEN EXISTS (SELECT 1 FROM known_property k WHERE k.secret = 1 AND e.name GLOB k.name) THEN '=(set)'
        ELSE '=' || value END, ' ')
      FROM (SELECT name, value, min(depth) FROM (
          SELECT name, value, -1 AS depth FROM property WHERE host = h.id
          UNION ALL
          SELECT p.name, p.value, c.depth FROM profile_closure c CROSS JOIN property p
            WHERE c.descendant = h.profile AND p.profile = c.ancestor) GROUP BY name) e
      WHERE value IS NOT NULL) AS properties,
    h.comment
  FROM host_build b
  JOIN host h ON h.id = b.host
  LEFT JOIN profile a ON a.id = h.profile;

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

INSERT INTO profile (id, name, parent, comment) VALUES (1, 'default', NULL, 'what every host and every unknown machine inherits');

-- As in the documentation's menu; root_shadow is yours to set:
--   INSERT INTO property (profile, name, value) VALUES (1, 'root_shadow', '$5$...');
INSERT INTO property (profile, name, value) VALUES (1, 'smartos', 'true'), (1, 'console', 'text');

-- The log begins with the operator's first change.
DELETE FROM change;
DELETE FROM sqlite_sequence WHERE name = 'change';
COMMIT;
