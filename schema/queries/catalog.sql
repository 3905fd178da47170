-- name: version
-- The schema's version, 0 in a file that was just made.
PRAGMA user_version;

-- name: known
-- Every archive that was read before.
SELECT dev, ino, size_bytes, mtime_ns, ctime_ns, file, verdict, reason, salt, object, format, raw_bytes, hash_checked,
       spool_dev, spool_ino, spool_bytes, spool_mtime_ns, spool_ctime_ns, layout, decoder, gzindex,
       checksum, sha256, md5, blocksums
FROM archive;

-- name: put
-- A verdict.
INSERT OR REPLACE INTO archive (dev, ino, size_bytes, mtime_ns, ctime_ns, file, verdict, reason, salt, object, format,
       raw_bytes, hash_checked, spool_dev, spool_ino, spool_bytes, spool_mtime_ns, spool_ctime_ns, layout, decoder, gzindex,
       checksum, sha256, md5, blocksums)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22,
        ?23, ?24, ?25);

-- name: drop
-- The archive is gone, or is another one now.
DELETE FROM archive WHERE dev = ?1 AND ino = ?2 AND size_bytes = ?3 AND mtime_ns = ?4 AND ctime_ns = ?5;

-- name: state_put
-- A checkpoint's state.
INSERT OR REPLACE INTO checkpoint (id, state) VALUES (?1, ?2);

-- name: state
-- A checkpoint's state.
SELECT state FROM checkpoint WHERE id = ?1;

-- name: state_next
-- The first checkpoint from an id on: one step for each archive, not one for each row.
SELECT id FROM checkpoint WHERE id >= ?1 ORDER BY id LIMIT 1;

-- name: state_drop
-- All of one archive.
DELETE FROM checkpoint WHERE id BETWEEN ?1 AND ?2;

-- name: begin
-- Takes the write lock at once.
BEGIN IMMEDIATE;

-- name: commit
-- One verdict, or one listing.
COMMIT;

-- name: rollback
-- After an error.
ROLLBACK;

-- name: listing_clear
-- Before the listing is written anew.
DELETE FROM listing;

-- name: listing_put
-- One file of the builds directory.
INSERT INTO listing (file, build, state, reason, size_bytes, raw_bytes, place, release, has_hash, verified, iso)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11);

-- name: listing
-- All files, by name.
SELECT file, build, state, reason, size_bytes, raw_bytes, verified, iso, place, release, has_hash FROM listing
ORDER BY file;

-- name: times
-- Digest and times, if any were kept.
SELECT served, served_sec, shown_sec FROM times WHERE id = 1;

-- name: times_put
-- The only row.
INSERT OR REPLACE INTO times (id, served, served_sec, shown_sec) VALUES (1, ?1, ?2, ?3);

-- name: sums
-- All sums files that were read, by name.
SELECT name, dev, ino, size_bytes, mtime_ns, ctime_ns, content FROM sums ORDER BY name;

-- name: sums_put
-- One of them.
INSERT OR REPLACE INTO sums (name, dev, ino, size_bytes, mtime_ns, ctime_ns, content) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7);

-- name: sums_drop
-- One that is gone.
DELETE FROM sums WHERE name = ?1;
