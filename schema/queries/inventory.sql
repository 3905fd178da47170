-- Every statement the C code runs on the inventory, named: embed.py turns them into C.  The daemon's use tables only, no views: it
-- opens the file with views and triggers switched off.
--
-- No statistics change a plan here (somebody's ANALYZE of a small file, which then grew; SQLite's authorizer is not asked when
-- it reads them).  A join is written as a scalar subquery: one table by its rowid, or by the whole of a unique key, leaves no
-- choice.  And rows come in the ORDER of the index that is to be used: sorting costs more than reading a table of one row.
--
-- What collects rows has a LIMIT, one more than is used, so that it is seen when there are more: anybody who may write can
-- hang 300 000 rows on one host, and its own plan is all that may suffer.

-- name: begin
-- One read transaction a call: everything in a plan is of one committed state.
BEGIN;

-- name: end
COMMIT;

-- name: version
PRAGMA user_version;

-- name: data_version
-- Changes when another connection committed something.
PRAGMA data_version;

-- name: journal_mode
PRAGMA journal_mode;

-- name: host_by_mac
-- The NIC's key leads to the host's number, everything else is asked by that number.
-- The second column is another host that has the MAC too, for which an index must have been dropped.
SELECT n.host, (SELECT o.host FROM nic o WHERE o.mac = ?1 AND o.host <> n.host LIMIT 1)
FROM nic n WHERE n.mac = ?1 ORDER BY n.mac LIMIT 1;

-- name: host
-- ip and mac of the NIC with the lowest id.
SELECT hostname, iif(typeof(uuid) = 'text', lower(uuid), uuid) AS uuid, profile, build, channel, comment, enabled,
  (SELECT ip FROM nic WHERE host = ?1 ORDER BY id LIMIT 1) AS ip, (SELECT mac FROM nic WHERE host = ?1 ORDER BY id LIMIT 1) AS mac
FROM host WHERE id = ?1;

-- name: chain
-- A profile and those it inherits from, nearest first.
-- More than 64 rows are no closure of ours, whichever they are.  (Not materialised, SQLite would move the LIMIT behind the
-- ORDER BY and read them all.)
WITH near (ancestor, depth) AS MATERIALIZED (SELECT ancestor, depth FROM profile_closure WHERE descendant = ?1 LIMIT 65)
SELECT near.ancestor, near.depth, (SELECT name FROM profile WHERE id = near.ancestor) AS name,
  (SELECT parent FROM profile WHERE id = near.ancestor), (SELECT build FROM profile WHERE id = near.ancestor) AS build,
  (SELECT channel FROM profile WHERE id = near.ancestor) AS channel
FROM near ORDER BY depth;

-- name: profile
-- The same, one at a time: for a closure that disagrees with the parents.
SELECT id, 0, name, parent, build, channel FROM profile WHERE id = ?1;

-- name: channel
-- The last column is the bucket of host ?2: see the table channel, and the view host_build, for the formula.
SELECT name, build, canary, canary_percent,
  ((((?2 & 16777215) + (id & 255) * 65599) * 2654435761) % 4294967296) * 100 / 4294967296
FROM channel WHERE id = ?1;

-- name: host_properties
SELECT p.id, p.name, p.value, EXISTS (SELECT 1 FROM known_property k WHERE k.secret = 1 AND p.name GLOB k.name)
FROM property p WHERE p.host = ?1 ORDER BY p.name LIMIT 257;

-- name: profile_properties
SELECT p.id, p.name, p.value, EXISTS (SELECT 1 FROM known_property k WHERE k.secret = 1 AND p.name GLOB k.name)
FROM property p WHERE p.profile = ?1 ORDER BY p.name LIMIT 257;

-- name: profile_settings
SELECT id, key, value FROM setting WHERE profile = ?1 ORDER BY key LIMIT 257;

-- name: profile_items
SELECT id, key, label, body, position FROM menu_item WHERE profile = ?1 ORDER BY key LIMIT 65;

-- name: host_modules
-- No more than the daemon will load from the content: a row may hold anything.
SELECT id, name, typeof(content), CASE WHEN length(CAST(content AS BLOB)) <= 65536 THEN CAST(content AS BLOB) END, secret
FROM module WHERE host = ?1 ORDER BY name, id LIMIT 65;

-- name: profile_modules
SELECT id, name, typeof(content), CASE WHEN length(CAST(content AS BLOB)) <= 65536 THEN CAST(content AS BLOB) END, secret
FROM module WHERE profile = ?1 ORDER BY name, id LIMIT 65;

-- name: host_answers
SELECT a.id, a.key, a.value, (SELECT type FROM known_answer k WHERE k.key = a.key)
FROM answer a WHERE a.host = ?1 ORDER BY a.key LIMIT 65;

-- name: profile_answers
SELECT a.id, a.key, a.value, (SELECT type FROM known_answer k WHERE k.key = a.key)
FROM answer a WHERE a.profile = ?1 ORDER BY a.key LIMIT 65;

-- name: host_answers_v1
-- Of schema 1, where the columns were the keys of answers.json, in order.
SELECT id,
  admin_ip, admin_mac, admin_netmask, bootpool, config_console, dns_resolver1, dns_resolver2, dns_search,
  headnode_default_gateway, hostname, install_pkgsrc, ntp_host, root_password, simple_headers,
  skip_final_confirm, skip_instructions, skip_ntp_check, zpool_confirm_layout, zpool_layout
FROM answer WHERE host = ?1 ORDER BY id LIMIT 1;

-- name: profile_answers_v1
SELECT id,
  admin_ip, admin_mac, admin_netmask, bootpool, config_console, dns_resolver1, dns_resolver2, dns_search,
  headnode_default_gateway, hostname, install_pkgsrc, ntp_host, root_password, simple_headers,
  skip_final_confirm, skip_instructions, skip_ntp_check, zpool_confirm_layout, zpool_layout
FROM answer WHERE profile = ?1 ORDER BY id LIMIT 1;

-- name: host_nics
-- What networking.json is made of: see networking.c for the order of columns.
SELECT id, mac, ip, netmask, gateway, nic_tag, nic_tags_provided, aggr, vlan, mtu FROM nic WHERE host = ?1 ORDER BY id LIMIT 65;

-- name: host_network
SELECT id, admin_tag, dns_domain, dns_resolver1, dns_resolver2, dns_resolver3, etherstubs, lacp_mode
FROM network WHERE host = ?1 ORDER BY id LIMIT 1;

-- name: profile_network
SELECT id, admin_tag, dns_domain, dns_resolver1, dns_resolver2, dns_resolver3, etherstubs, lacp_mode
FROM network WHERE profile = ?1 ORDER BY id LIMIT 1;

-- name: host_routes
SELECT id, destination, gateway FROM route WHERE host = ?1 ORDER BY destination LIMIT 65;

-- name: profile_routes
SELECT id, destination, gateway FROM route WHERE profile = ?1 ORDER BY destination LIMIT 65;

-- name: host_twins
-- UUIDs and addresses of host ?1, each with the id of another host that has it too, or NULL: names made of one that two have
-- lead to neither.
SELECT 'uuid', lower(h.uuid), (SELECT o.id FROM host o WHERE o.uuid = h.uuid AND o.id <> ?1 LIMIT 1) FROM host h WHERE h.id = ?1
UNION ALL
SELECT * FROM (SELECT 'ip', n.ip, (SELECT o.host FROM nic o WHERE o.ip = n.ip AND o.host <> ?1 LIMIT 1)
  FROM nic n WHERE n.host = ?1 ORDER BY n.id LIMIT 65);

-- name: host_name
SELECT hostname FROM host WHERE id = ?1;

-- name: changed
-- When a row of host ?1, profile ?2 with those it inherits from, or channel ?3 changed last.  Schema 2 and later.
SELECT max(
  ifnull((SELECT changed_at FROM host WHERE id = ?1), 0),
  ifnull((SELECT max((SELECT changed_at FROM profile WHERE id = c.ancestor))
    FROM (SELECT ancestor FROM profile_closure WHERE descendant = ?2 LIMIT 65) c), 0),
  ifnull((SELECT changed_at FROM channel WHERE id = ?3), 0));

-- name: mac_by_name
SELECT (SELECT n.mac FROM nic n WHERE n.host = h.id ORDER BY n.id LIMIT 1)
FROM host h WHERE h.hostname = ?1 ORDER BY h.hostname LIMIT 1;

-- name: mac_by_name_v1
SELECT (SELECT n.mac FROM nic n WHERE n.host = h.id ORDER BY n.id LIMIT 1)
FROM host h WHERE lower(h.hostname) = lower(?1) ORDER BY lower(h.hostname) LIMIT 1;

-- name: mac_by_ip
-- The host's lowest NIC, and whether another host has the address too.
SELECT (SELECT m.mac FROM nic m WHERE m.host = n.host ORDER BY m.id LIMIT 1),
  EXISTS (SELECT 1 FROM nic o WHERE o.ip = ?1 AND o.host <> n.host)
FROM nic n WHERE n.ip = ?1 ORDER BY n.ip LIMIT 1;

-- name: mac_by_uuid
-- The key comes in lower case, which is all that schema 1 holds.
SELECT (SELECT n.mac FROM nic n WHERE n.host = h.id ORDER BY n.id LIMIT 1),
  EXISTS (SELECT 1 FROM host o WHERE o.uuid = ?1 AND o.id <> h.id)
FROM host h WHERE h.uuid = ?1 ORDER BY h.uuid LIMIT 1;

-- name: channel_by_name
SELECT build FROM channel WHERE name = ?1;

-- name: list_macs
-- In canonical spelling the order of the text is the order of the number.  The first column is the key of each list: a MAC or a
-- number, behind which the list goes on.
SELECT n.mac, n.mac FROM nic n WHERE n.mac > ?1 AND EXISTS (SELECT 1 FROM host h WHERE h.id = n.host) ORDER BY n.mac;

-- name: list_names
-- By the index on nic.host: a range of host's own ids is read through from the start if statistics say that it has one row.
SELECT n.host, (SELECT h.hostname FROM host h WHERE h.id = n.host) FROM nic n
WHERE n.host > ?1 AND n.id = (SELECT m.id FROM nic m WHERE m.host = n.host ORDER BY m.id LIMIT 1) ORDER BY n.host;

-- name: list_ips
-- An address that two hosts have leads to neither, so it is not listed.
SELECT n.mac, n.ip FROM nic n WHERE n.mac > ?1 AND n.ip IS NOT NULL
  AND NOT EXISTS (SELECT 1 FROM nic o WHERE o.ip = n.ip AND (o.host <> n.host OR o.id < n.id))
  AND EXISTS (SELECT 1 FROM host h WHERE h.id = n.host) ORDER BY n.mac;

-- name: list_uuids
SELECT n.host, (SELECT lower(h.uuid) FROM host h WHERE h.id = n.host
    AND NOT EXISTS (SELECT 1 FROM host o WHERE o.uuid = h.uuid AND o.id <> h.id))
FROM nic n WHERE n.host > ?1 AND n.id = (SELECT m.id FROM nic m WHERE m.host = n.host ORDER BY m.id LIMIT 1) ORDER BY n.host;

-- name: list_channels
SELECT id, name FROM channel WHERE id > ?1 ORDER BY id;

-- name: count_hosts
SELECT count(*) FROM host;

-- name: count_nics
SELECT count(*) FROM nic;

-- name: ctl_begin
-- From here on: what pxectl runs.
BEGIN IMMEDIATE;

-- name: ctl_commit
COMMIT;

-- name: ctl_actor
-- Set in the transaction and taken back before its end, see the table actor.
UPDATE actor SET name = ?1;

-- name: ctl_host_id
-- The column compares so itself from schema 2 on.
SELECT id FROM host WHERE hostname = ?1 COLLATE NOCASE;

-- name: ctl_host_by_mac
SELECT host FROM nic WHERE mac = ?1;

-- name: ctl_profile_id
SELECT id FROM profile WHERE name = ?1;

-- name: ctl_channel_id
SELECT id FROM channel WHERE name = ?1;

-- name: ctl_host_add
INSERT INTO host (hostname, uuid, profile, build, channel) VALUES (?1, ?2, ?3, ?4, ?5);

-- name: ctl_host_delete
DELETE FROM host WHERE id = ?1;

-- name: ctl_host_enabled
UPDATE host SET enabled = ?2 WHERE id = ?1;

-- name: ctl_host_build
UPDATE host SET build = ?2, channel = nullif(?3, 0) WHERE id = ?1;

-- name: ctl_nic_add
INSERT INTO nic (host, mac, ip) VALUES (?1, ?2, ?3);

-- name: ctl_nic_set
-- ?2 has a bit for each column that was given, in this order.
UPDATE nic SET ip = iif(?2 & 1, ?3, ip), netmask = iif(?2 & 2, ?4, netmask), gateway = iif(?2 & 4, ?5, gateway),
  vlan = iif(?2 & 8, ?6, vlan), mtu = iif(?2 & 16, ?7, mtu), nic_tag = iif(?2 & 32, ?8, nic_tag),
  nic_tags_provided = iif(?2 & 64, ?9, nic_tags_provided), aggr = iif(?2 & 128, ?10, aggr)
WHERE mac = ?1;

-- name: ctl_profile_add
INSERT INTO profile (name, parent) VALUES (?1, ?2);

-- name: ctl_host_property
INSERT INTO property (host, name, value) VALUES (?1, ?2, ?3)
  ON CONFLICT (host, name) DO UPDATE SET value = excluded.value;

-- name: ctl_profile_property
INSERT INTO property (profile, name, value) VALUES (?1, ?2, ?3)
  ON CONFLICT (profile, name) DO UPDATE SET value = excluded.value;

-- name: ctl_host_property_drop
DELETE FROM property WHERE host = ?1 AND name = ?2;

-- name: ctl_profile_property_drop
DELETE FROM property WHERE profile = ?1 AND name = ?2;

-- name: ctl_setting
INSERT INTO setting (profile, key, value) VALUES (?1, ?2, ?3)
  ON CONFLICT (profile, key) DO UPDATE SET value = excluded.value;

-- name: ctl_setting_drop
DELETE FROM setting WHERE profile = ?1 AND key = ?2;

-- name: ctl_channel
INSERT INTO channel (name, build) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET build = excluded.build;

-- name: ctl_channel_canary
UPDATE channel SET canary = ?2, canary_percent = ?3 WHERE name = ?1;

-- name: ctl_host_module
INSERT INTO module (host, name, content, secret) VALUES (?1, ?2, ?3, ?4)
  ON CONFLICT (host, name) DO UPDATE SET content = excluded.content, secret = excluded.secret;

-- name: ctl_profile_module
INSERT INTO module (profile, name, content, secret) VALUES (?1, ?2, ?3, ?4)
  ON CONFLICT (profile, name) DO UPDATE SET content = excluded.content, secret = excluded.secret;

-- name: ctl_host_module_drop
DELETE FROM module WHERE host = ?1 AND name = ?2;

-- name: ctl_profile_module_drop
DELETE FROM module WHERE profile = ?1 AND name = ?2;

-- name: ctl_module_list
SELECT ifnull('host ' || h.hostname, 'profile ' || p.name) AS owner, m.name,
  iif(m.content IS NULL, 'takes it away', length(CAST(m.content AS BLOB))) AS bytes, m.secret
FROM module m LEFT JOIN host h ON h.id = m.host LEFT JOIN profile p ON p.id = m.profile ORDER BY 1, 2;

-- name: ctl_host_list
SELECT hostname, boots, why, profile, macs, ips, properties FROM host_boot ORDER BY hostname;

-- name: ctl_profile_list
SELECT p.name, q.name AS parent, p.build, c.name AS channel,
  (SELECT count(*) FROM host h WHERE h.profile = p.id) AS hosts, p.comment
FROM profile p LEFT JOIN profile q ON q.id = p.parent LEFT JOIN channel c ON c.id = p.channel ORDER BY p.name;

-- name: ctl_channel_list
SELECT name, ifnull(build, 'latest') AS build, canary, canary_percent AS percent,
  (SELECT count(*) FROM host h WHERE h.channel = channel.id) AS hosts, comment FROM channel ORDER BY name;

-- name: ctl_setting_list
-- Every setting for profile ?1: the nearest row, or what is built in.
SELECT e.key, ifnull((SELECT value FROM setting WHERE profile = e.layer AND key = e.key), e.built_in) AS value,
  CASE WHEN (SELECT value FROM setting WHERE profile = e.layer AND key = e.key) IS NULL THEN 'built in' WHEN e.layer = 1 THEN 'global'
    ELSE 'profile ' || (SELECT name FROM profile WHERE id = e.layer) END AS layer, e.meaning
FROM (SELECT key, built_in, meaning, (SELECT c.ancestor FROM profile_closure c WHERE c.descendant = ?1
    AND EXISTS (SELECT 1 FROM setting t WHERE t.profile = c.ancestor AND t.key = k.key) ORDER BY c.depth LIMIT 1) AS layer
  FROM known_setting k) e ORDER BY e.key;
